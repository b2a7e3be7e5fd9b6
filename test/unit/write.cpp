//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// What a driver meets at its edges: sinks and sources that chop, fail, throw, lie or are cancelled, for every n-th call; and what
// other people's readers say of an archive that failed.

#include <tarexport/write.hpp>

#define BOOST_TEST_MODULE write
#include <boost/test/unit_test.hpp>

#include "driver_support.hpp"

#include <tarexport/plan_builder.hpp>
#include <tarexport/sink/memory.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <unistd.h>

using namespace tarexport;
using namespace driver_tests;

namespace {

// Collects what failed saves wrote, each length once.
std::set<std::string>& leftovers()
{
    static std::set<std::string> all;
    return all;
}

} // namespace

BOOST_AUTO_TEST_CASE(chopped_sinks_change_nothing)
{
    for(auto const& list : lists)
        for(std::size_t limit : {1u, 2u, 511u, 512u, 513u, 4099u}) {
            behaviour how;
            archive const a(list, how);
            testing::chopping_sink out(limit);
            auto const report = a.write_to(out);
            BOOST_TEST(report.ok());
            BOOST_TEST((out.bytes() == a.bytes));
            BOOST_TEST(report.bytes == a.bytes.size());
            BOOST_TEST(report.bytes == a.contents.size());
            BOOST_TEST(nothing_held());
        }
}

BOOST_AUTO_TEST_CASE(any_buffer_size_gives_the_same_bytes)
{
    for(std::size_t size : {0u, 1u, 511u, 512u, 100000u}) {
        behaviour how;
        archive const a(lists[0], how);
        memory_sink out;
        write_options options;
        options.buffer_size = size;
        BOOST_TEST(a.write_to(out, options).ok());
        BOOST_TEST((out.bytes() == a.bytes));
    }
}

BOOST_AUTO_TEST_CASE(every_failing_call_of_a_layer_ends_the_save_cleanly)
{
    for(auto const& list : lists)
        for(std::size_t n = 1;; ++n) {
            behaviour how;
            how.fail_at = n;
            archive const a(list, how);
            testing::chopping_sink out;
            auto const report = a.write_to(out);
            BOOST_TEST(nothing_held());
            if(how.calls < n) {
                BOOST_TEST(report.ok());
                break;
            }
            BOOST_TEST(report.reason.code.failed());
            BOOST_TEST((report.reason.subject == "the source" || report.reason.subject == "the layer's file"));
            BOOST_TEST((out.bytes() == a.bytes.substr(0, report.bytes)));
            leftovers().insert(out.bytes());
        }
}

namespace {

struct telling_source {
    std::size_t read_some(std::span<std::byte>, error_code& ec)
    {
        ec = error::size_mismatch;
        return 0;
    }

    failure const& reason() const { return why; }
    std::string subject() const { return "the source"; }

    failure why{error::size_mismatch, "d/file", "expected 3 bytes, found 2"};
};

struct telling_handle {
    descriptor const& info() const noexcept { return about; }
    result<telling_source> open(std::uint64_t) const { return telling_source(); }
    descriptor about;
};

} // namespace

BOOST_AUTO_TEST_CASE(a_source_may_tell_all_about_its_error)
{
    plan_builder b;
    b.add_layer({digest_of("abc"), {}, 0, 3}, 0644, 1, "L1");
    auto const p = std::move(b).finish().value();
    std::vector<telling_handle> const leases(1);
    memory_sink out;
    no_observer o;
    auto const report = write(p, std::span<telling_handle const>(leases), out, write_options(), o);
    BOOST_TEST((report.reason == telling_source().why), message(report.reason));
}

BOOST_AUTO_TEST_CASE(every_throwing_call_of_a_layer_passes_through_and_aborts_the_sink)
{
    for(std::size_t n = 1;; ++n) {
        behaviour how;
        how.fail_at = n;
        how.throws = true;
        archive const a(lists[0], how);
        struct sink {
            std::size_t write_some(bytes_view b, error_code&) { return b.size(); }
            void commit(error_code&) { ++commits; }
            void abort() noexcept { ++aborts; }
            int commits = 0, aborts = 0;
        } out;
        try {
            BOOST_TEST(a.write_to(out).ok());
            BOOST_TEST(how.calls < n);
            BOOST_TEST(out.commits == 1);
            BOOST_TEST(out.aborts == 0);
            break;
        }
        catch(std::runtime_error const&) {
            BOOST_TEST(out.commits == 0);
            BOOST_TEST(out.aborts == 1);
            BOOST_TEST(nothing_held());
        }
    }
}

BOOST_AUTO_TEST_CASE(every_failing_call_of_a_sink_ends_the_save_cleanly)
{
    for(auto const& list : lists)
        for(std::size_t n = 1;; ++n) {
            behaviour how;
            archive const a(list, how);
            testing::failing_sink out(n);
            auto const report = a.write_to(out);
            BOOST_TEST(nothing_held());
            if(!out.failed()) {
                BOOST_TEST(report.ok());
                break;
            }
            BOOST_TEST(report.reason.code == boost::system::errc::io_error);
            BOOST_TEST(!report.reason.subject.empty());
            BOOST_TEST((out.bytes() == a.bytes.substr(0, report.bytes)));
            if(report.bytes != a.bytes.size())
                leftovers().insert(out.bytes());
        }
}

BOOST_AUTO_TEST_CASE(a_lying_layer_is_named)
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
        testing::chopping_sink out;
        auto const report = a.write_to(out);
        error const want[] = {error::layer_too_long, error::layer_too_short, error::digest_mismatch};
        BOOST_TEST(report.reason.code == want[lie]);
        BOOST_TEST(!report.reason.subject.empty());
        leftovers().insert(out.bytes());
    }
}

BOOST_AUTO_TEST_CASE(cancelling_is_noticed_within_one_buffer)
{
    for(auto const& list : lists)
        for(std::size_t n = 0;; ++n) {
            behaviour how;
            archive const a(list, how);
            std::stop_source stop;
            std::size_t reads = 0, after = 0;
            how.on_read = [&] {
                after += stop.stop_requested();
                if(reads++ == n)
                    stop.request_stop();
            };
            testing::chopping_sink out;
            write_options options;
            options.stop = stop.get_token();
            auto const report = a.write_to(out, options);
            BOOST_TEST(nothing_held());
            if(reads <= n) {
                BOOST_TEST(report.ok());
                break;
            }
            if(report.ok())
                continue; // asked while the last bytes were on their way
            BOOST_TEST(report.reason.code == error::cancelled);
            BOOST_TEST((report.reason.code == condition::cancelled));
            BOOST_TEST(after <= 1u);
            leftovers().insert(out.bytes());
        }
    std::stop_source stop;
    stop.request_stop();
    behaviour how;
    archive const a(lists[0], how);
    memory_sink out;
    write_options options;
    options.stop = stop.get_token();
    BOOST_TEST(a.write_to(out, options).reason.code == error::cancelled);
    BOOST_TEST(out.bytes().empty());
    BOOST_TEST(how.calls == 0u);
}

BOOST_AUTO_TEST_CASE(other_readers_refuse_what_failed_saves_left)
{
    // Runs after the cases that fill the set.
    BOOST_REQUIRE(leftovers().size() > 10);
    auto const folder = std::filesystem::temp_directory_path() / ("tarexport-write-" + std::to_string(::getpid()));
    std::filesystem::create_directory(folder);
    std::string const command = R"(cd "$1" && for f in *; do
        tar -tf "$f" >/dev/null 2>&1 && echo "GNU tar takes $f"
        bsdtar -tf "$f" >/dev/null 2>&1 && echo "bsdtar takes $f"
        python3 -c 'import sys, tarfile
for f in sys.argv[1:]:
    try:
        with tarfile.open(f) as t:
            for m in t:
                d = t.extractfile(m)
                if d: d.read()
        print("Python takes", f)
    except Exception: pass' "$f"
        done)";
    std::size_t n = 0;
    for(auto const& bytes : leftovers())
        if(!bytes.empty()) // nothing at all is no archive to anybody
            std::ofstream(folder / std::to_string(n++), std::ios::binary) << bytes;
    std::ofstream(folder / "check.sh") << command;
    std::filesystem::rename(folder / "check.sh", folder.string() + ".sh");
    auto const out = folder.string() + ".out";
    auto const code = std::system(("bash " + folder.string() + ".sh " + folder.string() + " > " + out).c_str());
    std::ifstream in(out);
    std::string const complaints(std::istreambuf_iterator<char>(in), {});
    BOOST_TEST(code == 0);
    BOOST_TEST(complaints == "");
    std::filesystem::remove_all(folder);
    std::filesystem::remove(folder.string() + ".sh");
    std::filesystem::remove(out);
}

BOOST_AUTO_TEST_CASE(ranges_joined_are_the_whole)
{
    for(auto const& list : lists) {
        behaviour how;
        archive const a(list, how);
        for(std::uint64_t step : {1u, 100u, 511u, 512u, 5000u}) {
            std::string joined;
            for(std::uint64_t at = 0; at < a.bytes.size(); at += step) {
                memory_sink out;
                write_options options;
                options.range = {at, std::min<std::uint64_t>(at + step, a.bytes.size())};
                auto const report = a.write_to(out, options);
                BOOST_TEST(report.ok());
                BOOST_TEST(report.bytes == options.range.last - at);
                joined += out.bytes();
            }
            BOOST_TEST((joined == a.bytes));
        }
    }
}

BOOST_AUTO_TEST_CASE(events_tell_of_every_entry_in_order)
{
    behaviour how;
    archive const a(lists[0], how);
    struct watcher {
        void operator()(event const& e) noexcept
        {
            if(auto const* b = std::get_if<entry_begun>(&e))
                log.push_back("begun " + std::string(b->path));
            else if(auto const* d = std::get_if<entry_done>(&e))
                log.push_back("done " + std::string(d->path) + (d->verified ? " verified" : ""));
            else if(auto const* w = std::get_if<bytes_written>(&e)) {
                bytes += w->n;
                agree = agree && bytes == w->bytes;
            }
            else if(auto const* begin = std::get_if<span_begun>(&e))
                depth += begin->what == activity::entry;
            else if(auto const* end = std::get_if<span_ended>(&e))
                depth -= end->what == activity::entry;
        }
        std::vector<std::string> log;
        std::uint64_t bytes = 0;
        int depth = 0;
        bool agree = true;
    };
    for(std::size_t limit : {std::size_t{1}, std::size_t{700}, std::size_t{1000000}}) {
        watcher w;
        testing::chopping_sink out(limit);
        BOOST_TEST(a.write_to(out, {}, w).ok());
        std::vector<std::string> want;
        for(auto const& [name, content] : lists[0]) {
            want.push_back("begun " + name);
            want.push_back("done " + name + " verified");
        }
        BOOST_TEST(w.log == want, boost::test_tools::per_element());
        BOOST_TEST(w.bytes == a.bytes.size());
        BOOST_TEST(w.agree);
        BOOST_TEST(w.depth == 0);
    }
}
