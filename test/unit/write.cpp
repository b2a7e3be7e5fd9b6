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

#include "script.hpp"

#include <tarexport/sink/memory.hpp>
#include <tarexport/testing/sink.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <unistd.h>

using namespace tarexport;

namespace {

using entries = std::vector<std::pair<std::string, std::string>>;

// How the layers of a test behave. `calls` counts opens and reads over all of them.
struct behaviour {
    std::size_t fail_at = 0;   // the call that fails, from 1 on
    bool throws = false;       // by an exception
    std::size_t calls = 0;
    std::size_t read_limit = 1000;
    std::function<void()> on_read;
};

struct tag_source {};
struct tag_handle {};

class test_source : testing::counted<tag_source> {
public:
    test_source(std::string_view text, behaviour& b) : rest_(text), how_(&b) {}

    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        if(how_->on_read)
            how_->on_read();
        if(++how_->calls == how_->fail_at) {
            if(how_->throws)
                throw std::runtime_error("source");
            ec = make_error_code(boost::system::errc::io_error);
            return 0;
        }
        ec.clear();
        auto const n = std::min({into.size(), rest_.size(), how_->read_limit});
        std::memcpy(into.data(), rest_.data(), n);
        rest_.remove_prefix(n);
        return n;
    }

    std::string subject() const { return "the source"; }

private:
    std::string_view rest_;
    behaviour* how_;
};

class test_handle : testing::counted<tag_handle> {
public:
    test_handle(std::string text, behaviour& b) : text_(std::move(text)), how_(&b)
    {
        info_.id = digest_of(text_);
        info_.size = text_.size();
    }

    descriptor const& info() const noexcept { return info_; }

    result<test_source> open(std::uint64_t offset) const
    {
        if(++how_->calls == how_->fail_at) {
            if(how_->throws)
                throw std::runtime_error("open");
            return failure{make_error_code(boost::system::errc::no_such_file_or_directory), "the layer's file", {}};
        }
        return test_source(std::string_view(text_).substr(offset), *how_);
    }

private:
    std::string text_;
    descriptor info_;
    behaviour* how_;
};

static_assert(layer_handle<test_handle>);

std::string filled(std::size_t n)
{
    std::string s(n, 'x');
    for(std::size_t i = 0; i < n; i += 7)
        s[i] = static_cast<char>('a' + i % 26);
    return s;
}

// Ends with a layer, one time with a padded one and one time with an aligned one.
std::vector<entries> const lists = {
    {{"d/", ""}, {"L1", filled(700)}, {"L2", ""}, {"L3", filled(5000)}, {"doc", filled(5000)}, {"L4", filled(512)}, {"x", "text"}},
    {{"d/", ""}, {"oci-layout", "x"}, {"L1", filled(1024)}},
    {{"L1", filled(2500)}},
};

struct archive {
    explicit archive(entries const& list, behaviour& how) : contents(make(list)), bytes(script::archive_of(list))
    {
        for(auto const& text : script::layers_of(list))
            leases.emplace_back(text, how);
    }

    static plan make(entries const& list)
    {
        plan_builder b;
        std::uint32_t lease = 0;
        for(auto const& [name, content] : list) {
            if(name.ends_with('/'))
                b.add_directory(name, 0755, 0);
            else if(name.starts_with('L'))
                b.add_layer({digest_of(content), {}, lease++, content.size()}, 0644, 1, name);
            else
                b.add_document(name, content, 0644, 2);
        }
        return std::move(b).finish().value();
    }

    template<class Sink, class O = no_observer>
    save_report write_to(Sink& out, write_options const& options = {}, O&& o = {}) const
    {
        return write(contents, std::span<test_handle const>(leases), out, options, o);
    }

    plan contents;
    std::string bytes;
    std::vector<test_handle> leases;
};

bool nothing_held()
{
    return testing::counted<tag_source>::alive() == 0;
}

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
