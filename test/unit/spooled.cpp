//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/store/spooled.hpp>

#include "unsized_support.hpp"

#include <tarexport/saver.hpp>
#include <tarexport/sink/memory.hpp>
#include <tarexport/testing/store.hpp>

#define BOOST_TEST_MODULE spooled
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <sys/stat.h>

namespace {

using tarexport::error;
using tarexport::spooled;
using tarexport::testing::open_descriptors;
namespace support = unsized_support;

std::vector<std::string> const none;

tarexport::save_report save(auto const& s, tarexport::memory_sink& out)
{
    return tarexport::saver(s).save(tarexport::names("app:1.0"), out);
}

std::string read_all(tarexport::detail::blob_source s)
{
    std::string text;
    tarexport::error_code ec;
    for(auto b = s.view_some(4096, ec); !b.empty(); b = s.view_some(4096, ec))
        text.append(tarexport::to_text(b));
    BOOST_TEST(!ec.failed());
    return text;
}

// A folder of its own, empty at both ends of the test.
struct folder {
    folder()
    {
        char name[] = "/tmp/tarexport-spooled-XXXXXX";
        BOOST_REQUIRE(::mkdtemp(name) != nullptr);
        path = name;
    }
    ~folder()
    {
        BOOST_TEST(std::filesystem::is_empty(path));
        std::filesystem::remove_all(path);
    }
    std::string path;
};

std::uint64_t file_size(int fd)
{
    struct stat s;
    return ::fstat(fd, &s) == 0 ? static_cast<std::uint64_t>(s.st_size) : 0;
}

} // namespace

BOOST_AUTO_TEST_CASE(completes_a_store_in_memory_and_in_a_file)
{
    folder const f;
    auto const before = open_descriptors();
    for(std::uint64_t const memory : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{99'999}, std::uint64_t{1} << 30}) {
        support::store s;
        auto const spool = spooled(s, {.memory = memory, .directory = f.path});
        static_assert(tarexport::store<decltype(spool)> && tarexport::listing_store<decltype(spool)>);
        BOOST_TEST(tarexport::testing::check_store(spool) == none, boost::test_tools::per_element());
        BOOST_TEST(s.state->handles == 0);
        BOOST_TEST(s.state->sources == 0);
    }
    BOOST_TEST(open_descriptors() == before);
}

BOOST_AUTO_TEST_CASE(a_layer_is_read_once)
{
    support::store s;
    tarexport::memory_sink out;
    BOOST_TEST(save(spooled(s, {.memory = 50'000}), out).ok());
    BOOST_TEST(s.state->openings == 4u);
}

BOOST_AUTO_TEST_CASE(leases_of_the_store_are_given_back_at_once)
{
    support::store s;
    auto const h = spooled(s).layer(s.image(), 0).value();
    BOOST_TEST(s.state->handles == 0);
    BOOST_TEST(s.state->sources == 0);
    BOOST_TEST(read_all(h.open(0).value()) == tarexport::detail::sample_bytes(100'000));
}

BOOST_AUTO_TEST_CASE(memory_is_used_up_to_the_limit_and_given_back)
{
    folder const f;
    support::store s;
    auto const i = s.image();
    auto const spool = spooled(s, {.memory = 100'004, .directory = f.path});
    {
        auto const first = spool.layer(i, 0).value();
        BOOST_TEST(!first.in_file());
        auto const second = spool.layer(i, 1).value();
        BOOST_TEST(second.in_file());
        BOOST_TEST(!spool.layer(i, 2)->in_file());
        BOOST_TEST(read_all(second.open(2).value()) == "all");
    }
    auto const again = spool.layer(i, 0).value();
    BOOST_TEST(!again.in_file());
    BOOST_TEST(spool.layer(i, 0)->in_file());
}

BOOST_AUTO_TEST_CASE(all_layers_share_one_file)
{
    folder const f;
    support::store s;
    auto const i = s.image();
    auto const before = open_descriptors();
    auto const spool = spooled(s, {.memory = 0, .directory = f.path});
    std::vector<tarexport::spooled_handle> handles;
    for(int n = 0; n != 50; ++n)
        handles.push_back(spool.layer(i, static_cast<std::size_t>(n % 4)).value());
    BOOST_TEST(open_descriptors() == before + 1);
    BOOST_TEST(std::filesystem::is_empty(f.path));
    for(auto const& h : handles)
        BOOST_TEST(read_all(h.open(0).value()).size() == h.info().size);
}

BOOST_AUTO_TEST_CASE(the_file_is_emptied_when_nothing_of_it_is_used)
{
    folder const f;
    support::store s;
    auto const i = s.image();
    auto const spool = spooled(s, {.memory = 0, .directory = f.path});
    std::optional first(spool.layer(i, 0).value());
    auto source = first->open(99'990).value();
    int const fd = source.extent()->fd;
    {
        auto const second = spool.layer(i, 0).value();
        BOOST_TEST(file_size(fd) == 200'000u);
        BOOST_TEST(second.open(0)->extent()->offset == 100'000u);
        first.reset();
        BOOST_TEST(read_all(second.open(0).value()) == tarexport::detail::sample_bytes(100'000));
    }
    // A source keeps what it reads, although its handle is gone.
    BOOST_TEST(read_all(std::move(source)) == tarexport::detail::sample_bytes(100'000).substr(99'990));
    source = spool.layer(i, 1)->open(0).value();
    BOOST_TEST(file_size(fd) == 5u);
    BOOST_TEST(source.extent()->offset == 0u);
}

BOOST_AUTO_TEST_CASE(handles_outlive_the_store)
{
    support::store s;
    for(std::uint64_t const memory : {0u, 1'000'000u}) {
        std::optional spool(spooled(s, {.memory = memory}));
        auto const h = spool->layer(s.image(), 0).value();
        spool.reset();
        BOOST_TEST(read_all(h.open(0).value()) == tarexport::detail::sample_bytes(100'000));
        BOOST_TEST((h.open(100'001).error().code == error::range_out_of_bounds));
    }
}

BOOST_AUTO_TEST_CASE(what_fails_leaves_nothing_behind)
{
    folder const f;
    auto const eio = make_error_code(boost::system::errc::io_error);
    support::store s;
    auto const i = s.image();
    auto const spool = spooled(s, {.memory = 3, .directory = f.path});
    auto const kept = spool.layer(i, 0).value();
    s.state->read_error = eio;
    auto const r = spool.layer(i, 0);
    BOOST_REQUIRE(!r);
    BOOST_TEST(r.error().code == eio);
    BOOST_TEST(r.error().subject == "generator");
    BOOST_TEST(file_size(kept.open(0)->extent()->fd) == 100'000u);
    s.state->read_error = {};
    s.state->told = tarexport::digest_of(std::string_view("another"));
    BOOST_TEST((spool.layer(i, 1).error().code == error::digest_mismatch));
    s.state->told.reset();
    s.state->change = [](std::size_t, std::string& bytes) { bytes = "abc"; };
    BOOST_TEST(!spool.layer(i, 1)->in_file()); // all of the memory has come back
    BOOST_TEST(s.state->handles == 0);
    BOOST_TEST(s.state->sources == 0);
}

BOOST_AUTO_TEST_CASE(layers_beyond_the_limit_are_refused)
{
    support::store s;
    auto const r = spooled(s, {.largest_layer = 99'999}).layer(s.image(), 0);
    BOOST_REQUIRE(!r);
    BOOST_TEST(r.error().code == error::limit_exceeded);
}

BOOST_AUTO_TEST_CASE(a_directory_that_cannot_be_used_is_named)
{
    support::store s;
    auto const spool = spooled(s, {.memory = 0, .directory = "/nowhere/at/all"});
    BOOST_TEST(!spool.layer(s.image(), 2)->in_file()); // an empty layer needs no file
    auto const r = spool.layer(s.image(), 0);
    BOOST_REQUIRE(!r);
    BOOST_TEST((r.error().code == boost::system::errc::no_such_file_or_directory));
    BOOST_TEST(r.error().subject == "temporary file in /nowhere/at/all");
}

BOOST_AUTO_TEST_CASE(a_file_that_may_not_grow_is_an_error_not_a_signal)
{
    folder const f;
    support::store s;
    auto const i = s.image();
    auto const spool = spooled(s, {.memory = 0, .directory = f.path});
    rlimit before;
    ::getrlimit(RLIMIT_FSIZE, &before);
    rlimit const small{50'000, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
    auto const r = spool.layer(i, 0);
    auto const fits = spool.layer(i, 1);
    ::setrlimit(RLIMIT_FSIZE, &before);
    BOOST_REQUIRE(!r);
    BOOST_TEST((r.error().code == boost::system::errc::file_too_large));
    BOOST_REQUIRE(fits.has_value());
    BOOST_TEST(fits->open(0)->extent()->offset == 0u);
}

BOOST_AUTO_TEST_CASE(file_systems_without_nameless_files)
{
    folder const f;
    auto const fd = tarexport::detail::open_then_unlink(f.path);
    BOOST_REQUIRE(static_cast<bool>(fd));
    BOOST_TEST(std::filesystem::is_empty(f.path));
    BOOST_TEST((::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
    BOOST_TEST(::pwrite(fd.get(), "x", 1, 0) == 1);
    BOOST_TEST(!tarexport::detail::open_then_unlink("/nowhere/at/all"));
    auto const unnamed = tarexport::detail::open_unnamed(f.path);
    BOOST_TEST(::pwrite(unnamed.get(), "x", 1, 0) == 1);
    BOOST_TEST((::fcntl(unnamed.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

BOOST_AUTO_TEST_CASE(several_threads_may_spool)
{
    folder const f;
    // Only the numbers of the support store are not made for this.
    struct lease {
        std::string bytes;
        tarexport::result<tarexport::detail::blob_source> open() const
        {
            return tarexport::detail::blob_source({}, tarexport::to_bytes(bytes), "lease");
        }
    };
    struct pure {
        tarexport::result<lease> layer(tarexport::image const&, std::size_t n) const
        {
            return lease{tarexport::detail::sample_bytes(1000 * n)};
        }
    };
    auto const spool = spooled(pure(), {.memory = 20'000, .directory = f.path});
    std::atomic<int> good{0};
    std::vector<std::thread> threads;
    for(std::size_t t = 0; t != 4; ++t)
        threads.emplace_back([&, t] {
            for(std::size_t k = 0; k != 50; ++k) {
                auto const n = 1 + (k * 7 + t) % 19;
                auto const h = spool.layer(tarexport::image(), n).value();
                good += h.info().id == tarexport::digest_of(tarexport::detail::sample_bytes(1000 * n)) &&
                        read_all(h.open(0).value()).size() == 1000 * n;
            }
        });
    for(auto& t : threads)
        t.join();
    BOOST_TEST(good == 200);
}
