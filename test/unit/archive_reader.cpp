//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/archive_reader.hpp>

#define BOOST_TEST_MODULE archive_reader
#include <boost/test/unit_test.hpp>

#include "driver_support.hpp"

#include <tarexport/sink/memory.hpp>
#include <tarexport/store/memory.hpp>
#include <tarexport/testing/counting_store.hpp>
#include <tarexport/testing/source.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

using namespace tarexport;
using namespace driver_tests;

namespace {

using reader = archive_reader<test_handle>;

static_assert(layer_source<reader>);
static_assert(!view_source<reader>); // what it lends does not stay until more comes
static_assert(has_reason<reader>);
static_assert(!extent_source<reader>);
static_assert(!std::copyable<reader>);

reader read(archive const& a, write_options const& options = {})
{
    return reader(a.contents, std::span<test_handle const>(a.leases), options);
}

// Takes all that there is by calls that have room for `room` bytes.
template<class Reader>
std::string drained(Reader& r, std::size_t room, error_code& ec)
{
    std::string all;
    std::vector<std::byte> buffer(room);
    bool full = true;
    while(auto const n = r.read_some(buffer, ec)) {
        BOOST_TEST(full); // nothing comes after a buffer that was not filled
        full = n == room;
        all += to_text(std::span(buffer).first(n));
    }
    return all;
}

template<class Reader>
std::string borrowed(Reader& r, std::size_t max, error_code& ec)
{
    std::string all;
    for(auto b = r.borrow_some(max, ec); !b.empty(); b = r.borrow_some(max, ec)) {
        BOOST_TEST(b.size() <= max);
        all += to_text(b);
    }
    return all;
}

} // namespace

BOOST_AUTO_TEST_CASE(bytes_are_those_of_write_whatever_the_room)
{
    for(auto const& list : lists)
        for(std::size_t room : {1u, 511u, 512u, 513u, 65536u}) {
            behaviour how;
            archive const a(list, how);
            error_code ec;
            auto r = read(a);
            BOOST_TEST(r.size() == a.bytes.size());
            BOOST_TEST((drained(r, room, ec) == a.bytes));
            BOOST_TEST(!ec.failed());
            BOOST_TEST(r.report().ok());
            auto views = read(a);
            BOOST_TEST((borrowed(views, room, ec) == a.bytes));
            BOOST_TEST(!ec.failed());
            BOOST_TEST(views.report().ok());
            memory_sink out;
            auto const report = a.write_to(out);
            BOOST_TEST((out.bytes() == a.bytes));
            BOOST_TEST(r.report().layers_verified == report.layers_verified);
            BOOST_TEST(views.report().layers_verified == report.layers_verified);
            BOOST_TEST((r.report().etag == report.etag));
        }
    BOOST_TEST(nothing_held());
}

BOOST_AUTO_TEST_CASE(ranges_joined_are_the_whole)
{
    for(auto const& list : lists) {
        behaviour how;
        archive const a(list, how);
        for(std::uint64_t step : {511u, 5000u}) {
            std::string joined;
            for(std::uint64_t at = 0; at < a.bytes.size(); at += step) {
                write_options options;
                options.range = {at, std::min<std::uint64_t>(at + step, a.bytes.size())};
                auto r = read(a, options);
                BOOST_TEST(r.size() == options.range.last - at);
                error_code ec;
                joined += drained(r, 100, ec);
                BOOST_TEST(r.report().ok());
            }
            BOOST_TEST((joined == a.bytes));
        }
        write_options beyond;
        beyond.range = {1, a.bytes.size() + 1};
        auto r = read(a, beyond);
        error_code ec;
        BOOST_TEST(r.size() == 0u);
        BOOST_TEST(drained(r, 100, ec).empty());
        BOOST_TEST(ec == error::range_out_of_bounds);
        write_options nothing;
        nothing.range = {512, 512};
        auto none = read(a, nothing);
        BOOST_TEST(borrowed(none, 100, ec).empty());
        BOOST_TEST(!ec.failed());
        BOOST_TEST(none.report().ok());
    }
}

BOOST_AUTO_TEST_CASE(every_failing_call_of_a_layer_is_an_error_that_stays)
{
    for(auto const& list : lists)
        for(std::size_t n = 1;; ++n) {
            behaviour how;
            how.fail_at = n;
            archive const a(list, how);
            error_code ec;
            {
                auto r = read(a);
                auto const got = drained(r, 300, ec);
                if(how.calls < n) {
                    BOOST_TEST(!ec.failed());
                    break;
                }
                BOOST_TEST(ec.failed());
                BOOST_TEST(got.size() < a.bytes.size());
                BOOST_TEST((got == a.bytes.substr(0, got.size())));
                BOOST_TEST(r.report().bytes == got.size());
                BOOST_TEST(!r.report().ok());
                BOOST_TEST((r.reason().subject == "the source" || r.reason().subject == "the layer's file"));
                std::byte more[1];
                error_code again;
                BOOST_TEST(r.read_some(more, again) == 0u);
                BOOST_TEST(again == ec);
                BOOST_TEST(r.borrow_some(1, again).empty());
                BOOST_TEST(again == ec);
            }
            BOOST_TEST(nothing_held());
        }
}

BOOST_AUTO_TEST_CASE(what_throws_passes_through_and_ends_the_archive)
{
    for(std::size_t n = 1;; ++n) {
        behaviour how;
        how.fail_at = n;
        how.throws = true;
        archive const a(lists[0], how);
        error_code ec;
        auto r = read(a);
        try {
            drained(r, 300, ec);
            BOOST_TEST(how.calls < n);
            BOOST_TEST(!ec.failed());
            break;
        }
        catch(std::runtime_error const&) {
            BOOST_TEST(drained(r, 300, ec).empty());
            BOOST_TEST(ec == error::exception_thrown);
            BOOST_TEST(how.calls == n);
        }
    }
    BOOST_TEST(nothing_held());
}

BOOST_AUTO_TEST_CASE(a_lying_layer_is_named_before_its_last_bytes)
{
    for(int lie = 0; lie != 3; ++lie) {
        behaviour how;
        archive a(lists[0], how);
        auto text = script::layers_of(lists[0])[2];
        if(lie == 0)
            text += "more";
        else if(lie == 1)
            text.resize(text.size() - 1);
        else
            text.back() ^= 1;
        a.leases[2] = test_handle(text, how);
        auto r = read(a);
        error_code ec;
        auto const got = borrowed(r, 10000, ec);
        error const want[] = {error::layer_too_long, error::layer_too_short, error::digest_mismatch};
        BOOST_TEST(ec == want[lie]);
        BOOST_TEST(!r.reason().subject.empty());
        BOOST_TEST((got == a.bytes.substr(0, got.size())));
        BOOST_TEST(got.size() < a.bytes.find("doc"));
    }
}

BOOST_AUTO_TEST_CASE(a_request_to_stop_ends_it)
{
    behaviour how;
    archive const a(lists[0], how);
    for(std::size_t n : {0u, 1u, 10u}) {
        std::stop_source stop;
        write_options options;
        options.stop = stop.get_token();
        auto r = read(a, options);
        std::array<std::byte, 600> buffer;
        error_code ec;
        for(std::size_t i = 0; i != n; ++i)
            BOOST_TEST(r.read_some(buffer, ec) == buffer.size());
        stop.request_stop();
        auto const calls = how.calls;
        while(r.read_some(buffer, ec) != 0) // where stopping would leave an archive that looks whole
            ;
        BOOST_TEST(ec == error::cancelled);
        BOOST_TEST(how.calls <= calls + 1);
    }
}

BOOST_AUTO_TEST_CASE(the_sum_is_that_of_the_bytes_taken)
{
    behaviour how;
    archive const a(lists[0], how);
    write_options options;
    options.sum = true;
    for(std::size_t room : {1u, 700u}) {
        auto r = read(a, options);
        error_code ec;
        BOOST_TEST((drained(r, room, ec) == a.bytes));
        BOOST_TEST((r.report().sum == digest_of(a.bytes)));
        auto views = read(a, options);
        borrowed(views, room, ec);
        BOOST_TEST((views.report().sum == digest_of(a.bytes)));
    }
    how.fail_at = 4;
    how.calls = 0;
    auto r = read(a, options);
    error_code ec;
    auto const got = drained(r, 100, ec);
    BOOST_TEST(ec.failed());
    BOOST_TEST((r.report().sum == digest_of(got)));
}

BOOST_AUTO_TEST_CASE(borrowed_bytes_stay_where_they_are_when_the_reader_moves)
{
    behaviour how;
    archive const a(lists[0], how);
    auto first = read(a);
    error_code ec;
    auto const lent = first.borrow_some(100, ec);
    auto second = std::move(first);
    BOOST_TEST((to_text(lent) == a.bytes.substr(0, 100)));
    BOOST_TEST((std::string(to_text(lent)) + borrowed(second, 1000, ec) == a.bytes));
    second = read(a);
    BOOST_TEST((drained(second, 1000, ec) == a.bytes));
}

BOOST_AUTO_TEST_CASE(a_shared_archive_lives_as_long_as_its_readers)
{
    memory_store store;
    auto const small = store.add_layer(std::string(1000, 'x')), large = store.add_layer(std::string(3'000'000, 'y'));
    BOOST_REQUIRE(store.add_image(image_config{.cmd = {"a"}}, {small, large}, {"a:1"}).has_value());
    testing::counting_store const counted(store);
    memory_sink out;
    saver s(counted);
    BOOST_REQUIRE(s.save(names("a:1"), out).ok());
    using handle = decltype(s)::handle;
    {
        auto archive = std::make_shared<prepared_archive<handle> const>(s.prepare(names("a:1")).value());
        for(std::size_t jobs : {1u, 2u}) {
            write_options options;
            options.jobs = jobs;
            std::vector<archive_reader<handle>> readers;
            for(int i = 0; i != 2; ++i)
                readers.emplace_back(archive, options);
            // By turns, and one stops in the middle of a layer.
            std::vector<std::byte> buffer(700000);
            std::string got;
            error_code ec;
            BOOST_TEST(readers[1].read_some(buffer, ec) == buffer.size());
            while(auto const n = readers[0].read_some(buffer, ec))
                got += to_text(std::span(buffer).first(n));
            BOOST_TEST(!ec.failed());
            BOOST_TEST((got == out.bytes()));
        }
        archive_reader last(std::move(archive));
        error_code ec;
        BOOST_TEST((borrowed(last, 100000, ec) == out.bytes()));
        BOOST_TEST(counted.counts().handles == 2u);
    }
    BOOST_TEST(counted.counts().handles == 0u);
    BOOST_TEST(counted.counts().sources == 0u);
}

BOOST_AUTO_TEST_CASE(a_reader_keeps_the_laws_of_a_source)
{
    behaviour how;
    archive const a(lists[0], how);
    auto const broken = testing::check_source([&] { return read(a); }, to_bytes(a.bytes));
    BOOST_TEST(broken == std::vector<std::string>(), boost::test_tools::per_element());
}
