//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// What several threads write to a positional sink is what one thread writes; they really work side by side; and whatever fails, in
// whichever thread, ends all of them, with the first reason, nothing held, and the sink aborted once.

#include <tarexport/detail/parallel_driver.hpp>

#define BOOST_TEST_MODULE parallel_write
#include <boost/test/unit_test.hpp>

#include <tarexport/sink/file.hpp>
#include <tarexport/sink/memory.hpp>
#include <tarexport/write.hpp>

#include "parallel_support.hpp"
#include "sink_support.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <type_traits>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

using namespace parallel;

using all_hashes = std::tuple<openssl, paired>;

BOOST_AUTO_TEST_CASE(parts_are_between_entries_and_cover_the_range)
{
    archive const a;
    auto const& p = a.contents;
    for(std::uint64_t const size : {std::uint64_t{1}, std::uint64_t{512}, std::uint64_t{4 * mega}, p.size() + 1})
        for(auto const r : {byte_range{0, p.size()}, byte_range{513, p.size() - 700}, byte_range{p.size() - 10, p.size()},
                byte_range{4 * mega, 5 * mega}, byte_range{7, 7}, byte_range{p.size(), p.size()}}) {
            auto const parts = detail::cut_into_parts(p, r, size);
            BOOST_REQUIRE(!parts.empty());
            BOOST_TEST(parts.front().first == r.first);
            BOOST_TEST(parts.back().last == r.last);
            for(std::size_t i = 1; i < parts.size(); ++i) {
                BOOST_TEST(parts[i - 1].last == parts[i].first);
                auto const entry = p.find(parts[i].first);
                BOOST_TEST((entry == p.count() || p.entry(entry).offset == parts[i].first));
            }
        }
    // Each large entry is alone, and what is small is together.
    BOOST_TEST(detail::cut_into_parts(p, {0, p.size()}, p.size()).size() == 1);
    auto const parts = detail::cut_into_parts(p, {0, p.size()}, 4 * mega);
    BOOST_TEST((std::ranges::count_if(parts, [](auto const& r) { return r.size() > 4 * mega; }) >= 4));
    for(auto const& r : parts)
        BOOST_TEST(r.size() < 10 * mega);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(threads_change_no_byte, Hashes, all_hashes)
{
    archive const a;
    auto const whole = a.bytes();
    for(std::size_t const jobs : {0u, 1u, 2u, 3u, 20u})
        for(auto const v : {verify::covered, verify::never}) {
            test_sink out;
            if(jobs == 3)
                out.limit = 5110;
            auto const report = a.save<Hashes>(out, with(jobs, v));
            BOOST_TEST(report.ok());
            BOOST_TEST(report.etag == a.contents.etag());
            BOOST_TEST(report.layers_verified == (v == verify::never ? 0 : sizes.size()));
            BOOST_TEST(report.layers_verified + report.layers_unverified >= sizes.size() - 1); // one has no bytes
            BOOST_TEST((out.bytes == whole));
            BOOST_TEST(out.written == whole.size());
            BOOST_TEST(out.commits == 1);
            BOOST_TEST(out.aborts == 0);
            BOOST_TEST(a.how.alive == 0);
        }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(threads_change_no_byte_of_a_range, Hashes, all_hashes)
{
    archive const a;
    auto const whole = a.bytes();
    for(auto const r : {byte_range{1'000'000, 20'000'000}, byte_range{0, 5'000'000}, byte_range{4'000'000, whole.size()},
            byte_range{100, 100}, byte_range{whole.size() - 1, whole.size()}})
        for(auto const v : {verify::covered, verify::whole, verify::never}) {
            test_sink out;
            auto const report = a.save<Hashes>(out, with(2, v, r));
            memory_sink alone;
            auto const expected = a.save<Hashes>(alone, with(1, v, r));
            BOOST_TEST(report.ok());
            BOOST_TEST(report.total == r.size());
            BOOST_TEST((out.bytes == whole.substr(r.first, r.size())));
            BOOST_TEST(report.layers_verified == expected.layers_verified);
            BOOST_TEST(report.layers_unverified == expected.layers_unverified);
        }
    for(auto const r : {byte_range{2, 1}, byte_range{0, whole.size() + 1}}) {
        test_sink out;
        BOOST_TEST((a.save<Hashes>(out, with(2, verify::covered, r)).reason.code == error::range_out_of_bounds));
        BOOST_TEST(out.aborts == 1);
    }
}

BOOST_AUTO_TEST_CASE(layers_are_read_side_by_side)
{
    for(std::size_t const jobs : {2u, 3u}) {
        archive const a({6 * mega, 6 * mega, 6 * mega, 6 * mega, 6 * mega, 6 * mega});
        a.how.meet = jobs; // a save in fewer threads would wait for good
        test_sink out;
        BOOST_TEST(a.save(out, with(jobs)).ok());
        BOOST_TEST(out.threads.size() == jobs);
        BOOST_TEST(a.how.most_alive == static_cast<int>(jobs));
    }
}

BOOST_AUTO_TEST_CASE(layers_are_hashed_in_pairs)
{
    std::size_t constexpr each = 6 * mega;
    archive const a({each, each + 5, each, each, each - 600, each, each, each, each, each, each});
    auto const whole = a.bytes();
    for(std::size_t const jobs : {2u, 3u}) {
        a.how.most_alive = 0;
        sha256_in_pairs::in_pairs = 0;
        test_sink out;
        BOOST_TEST(a.save<paired>(out, with(jobs)).ok());
        BOOST_TEST((out.bytes == whole));
        BOOST_TEST(sha256_in_pairs::in_pairs > whole.size() / 2);
        BOOST_TEST(a.how.most_alive <= static_cast<int>(2 * jobs + 4));
    }
}

BOOST_AUTO_TEST_CASE(nothing_is_hashed_in_pairs_where_that_does_not_pay)
{
    archive const a({6 * mega, 6 * mega, 6 * mega, 6 * mega, 6 * mega});
    a.how.meet = 2;
    sha256_in_pairs::worth_it = false;
    sha256_in_pairs::in_pairs = 0;
    test_sink out;
    BOOST_TEST(a.save<paired>(out, with(2)).ok());
    sha256_in_pairs::worth_it = true;
    BOOST_TEST(sha256_in_pairs::in_pairs == 0u);
    BOOST_TEST(a.how.most_alive == 2);
    // Nor in one thread, which writes front to back.
    BOOST_TEST(a.save<paired>(out, with(1)).ok());
    BOOST_TEST(sha256_in_pairs::in_pairs == 0u);
}

BOOST_AUTO_TEST_CASE(the_rest_of_a_layer_is_read_beside_when_a_thread_has_nothing_left_to_do)
{
    archive const a({6 * mega, 6 * mega, 6 * mega + 5});
    auto const whole = a.bytes();
    a.how.opened = 0;
    a.how.slow = 3;
    test_sink out;
    auto const report = a.save(out, with(2));
    BOOST_TEST(report.ok());
    BOOST_TEST(report.layers_verified == 3u);
    BOOST_TEST((out.bytes == whole));
    BOOST_TEST(a.how.readers_of_slow.size() == 2u);
    BOOST_TEST(out.threads.size() == 2u);
}

BOOST_AUTO_TEST_CASE(one_job_is_one_thread)
{
    archive const a;
    test_sink out;
    BOOST_TEST(a.save(out, with(1)).ok());
    BOOST_TEST(out.in_order);
    BOOST_TEST(out.threads.size() == 1);
    BOOST_TEST(out.threads.contains(std::this_thread::get_id()));
}

BOOST_AUTO_TEST_CASE(a_sink_may_want_its_bytes_in_order)
{
    archive const a;
    for(bool const sum : {false, true}) {
        test_sink out;
        out.free = sum; // the sum of all bytes wants the same
        auto options = with(4);
        options.sum = sum;
        auto const report = a.save(out, options);
        BOOST_TEST(report.ok());
        BOOST_TEST(out.in_order);
        BOOST_TEST(out.threads.size() == 1);
        BOOST_TEST((out.bytes == a.bytes()));
        BOOST_TEST((report.sum == (sum ? std::optional(digest_of(out.bytes)) : std::nullopt)));
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_wrong_is_found, Hashes, all_hashes)
{
    for(std::size_t const jobs : {1u, 2u, 4u}) {
        auto const wrong = [&](auto change) {
            archive a;
            change(a);
            test_sink out;
            auto const report = a.save<Hashes>(out, with(jobs));
            BOOST_TEST(!report.ok());
            BOOST_TEST(out.commits == 0);
            BOOST_TEST(out.aborts == 1);
            BOOST_TEST(a.how.alive == 0);
            return report.reason;
        };
        auto const flipped = wrong([](archive& a) { a.leases[5].content_[4'000'000] ^= 1; });
        BOOST_TEST((flipped.code == error::digest_mismatch));
        BOOST_TEST(flipped.subject == "layer " + digest_of(text(sizes[5])).str());
        BOOST_TEST((wrong([](archive& a) { a.leases[3].content_.pop_back(); }).code == error::layer_too_short));
        BOOST_TEST((wrong([](archive& a) { a.leases[8].content_.push_back('x'); }).code == error::layer_too_long));
        BOOST_TEST((wrong([](archive& a) { a.leases[4].content_.push_back('x'); }).code == error::layer_too_long));
    }
}

// Every call of a source or of the sink fails or throws once.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_failure_in_any_thread_ends_the_save, Hashes, all_hashes)
{
    archive const a({5 * mega, 5 * mega, 4 * mega});
    for(bool const throws : {false, true})
        for(bool const of_sink : {false, true})
            for(std::size_t n = 1; n < 1000; n += 7) {
                a.how.calls = a.how.fail_at = 0;
                test_sink out;
                out.throws = a.how.throws = throws;
                (of_sink ? out.fail_at : a.how.fail_at) = n;
                bool thrown = false;
                save_report report;
                try {
                    report = a.save<Hashes>(out, with(2));
                }
                catch(std::runtime_error const& e) {
                    thrown = true;
                    BOOST_TEST(e.what() == (of_sink ? "sink" : "source"));
                }
                BOOST_TEST(a.how.alive == 0);
                BOOST_TEST(out.commits + out.aborts == 1);
                bool const reached = (of_sink ? out.calls : a.how.calls.load()) >= n;
                BOOST_TEST(thrown == (throws && reached));
                if(!reached) {
                    BOOST_TEST(report.ok());
                    break;
                }
                if(!throws)
                    BOOST_TEST((report.reason.code == (of_sink ? boost::system::errc::no_space_on_device : boost::system::errc::io_error)));
                BOOST_TEST(out.aborts == 1);
            }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(all_threads_are_cancelled, Hashes, all_hashes)
{
    archive const a;
    for(int i = 0; i != 20; ++i) {
        std::stop_source stop;
        std::jthread const other([&stop, i] {
            std::this_thread::sleep_for(std::chrono::microseconds(500 * i));
            stop.request_stop();
        });
        test_sink out;
        auto options = with(3);
        options.stop = stop.get_token();
        auto const report = a.save<Hashes>(out, options);
        BOOST_TEST((report.ok() || report.reason.code == error::cancelled));
        BOOST_TEST(out.commits + out.aborts == 1);
        BOOST_TEST(a.how.alive == 0);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_observer_hears_of_every_entry_once_and_in_spans_that_nest, Hashes, all_hashes)
{
    struct listener {
        void operator()(event const& e) noexcept
        {
            together = together || busy.exchange(true);
            if(auto const* b = std::get_if<span_begun>(&e))
                open[b->worker].push_back(b->what);
            if(auto const* s = std::get_if<span_ended>(&e)) {
                auto& spans = open[s->worker];
                nested = nested && !spans.empty() && spans.back() == s->what;
                spans.pop_back();
                ok = ok && s->ok;
            }
            if(auto const* d = std::get_if<entry_done>(&e))
                ++done[d->index];
            if(auto const* w = std::get_if<bytes_written>(&e)) {
                sum += w->n;
                counted = counted && w->bytes == sum;
                total = w->total;
            }
            busy = false;
        }

        std::atomic<bool> busy = false;
        bool together = false, nested = true, counted = true, ok = true;
        std::map<std::size_t, std::vector<activity>> open;
        std::map<std::size_t, int> done;
        std::uint64_t sum = 0, total = 0;
    } l;
    archive const a;
    a.how.meet = 2;
    test_sink out;
    BOOST_TEST(a.save<Hashes>(out, with(2), l).ok());
    BOOST_TEST(!l.together);
    BOOST_TEST(l.nested);
    BOOST_TEST(l.ok);
    BOOST_TEST(l.counted);
    BOOST_TEST(l.sum == a.contents.size());
    BOOST_TEST(l.total == a.contents.size());
    BOOST_TEST(l.open.size() >= 2u);
    BOOST_TEST(l.open.size() <= (std::is_same_v<Hashes, paired> ? 8u : 2u));
    BOOST_TEST(l.done.size() == a.contents.count());
    BOOST_TEST(std::ranges::all_of(l.done, [](auto const& d) { return d.second == 1; }));
}

BOOST_AUTO_TEST_CASE(a_file_is_written_from_several_threads)
{
    archive const a;
    auto const whole = a.bytes();
    support::scratch folder;
    auto const content = [&](std::string const& name) {
        std::ostringstream all;
        all << std::ifstream(folder / name, std::ios::binary).rdbuf();
        return all.str();
    };
    {
        file_sink out(folder / "all.tar", {.sync = false});
        BOOST_TEST(a.save(out, with(3)).ok());
    }
    BOOST_TEST((content("all.tar") == whole));
    {
        a.how.fail_at = a.how.calls + 20;
        file_sink out(folder / "fails.tar", {.sync = false});
        BOOST_TEST(!a.save(out, with(3)).ok());
    }
    BOOST_TEST(folder.names() == support::name_set({"all.tar"}));
    {
        // One that can be gone on with has no holes, whenever it ends.
        a.how.fail_at = a.how.calls + 100;
        file_sink out(folder / "kept.tar", {.sync = false, .keep_partial = true});
        BOOST_TEST(!out.any_order());
        BOOST_REQUIRE(out.remember(a.contents.etag()).has_value());
        BOOST_TEST(!a.save(out, with(3)).ok());
    }
    auto part = content("kept.tar.part");
    BOOST_TEST(part.size() > mega);
    BOOST_TEST((part == whole.substr(0, part.size())));
    // A program that is killed while it goes on with one, and would not have kept it, leaves no holes either.
    auto const rest = [&] { return byte_range{std::filesystem::file_size(folder / "kept.tar.part"), whole.size()}; };
    a.how.fail_at = a.how.calls + 60;
    a.how.killed = true;
    if(auto const child = ::fork(); child == 0) {
        auto out = file_sink::resume(folder / "kept.tar", a.contents.etag(), {.sync = false}).value();
        static_cast<void>(a.save(out, with(3, verify::covered, rest())));
        std::_Exit(1);
    }
    else {
        int status = 0;
        BOOST_REQUIRE(child != -1);
        BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
        BOOST_REQUIRE((WIFEXITED(status) && WEXITSTATUS(status) == 0));
    }
    part = content("kept.tar.part");
    BOOST_TEST((part == whole.substr(0, part.size())));
    a.how.fail_at = 0;
    {
        auto out = file_sink::resume(folder / "kept.tar", a.contents.etag(), {.sync = false}).value();
        BOOST_TEST(!out.any_order());
        BOOST_TEST(a.save(out, with(3, verify::covered, rest())).ok());
    }
    BOOST_TEST((content("kept.tar") == whole));
}
