//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Where an archive comes from, and archives from before docker 1.10.

#include <tarexport/store/archive.hpp>

#define BOOST_TEST_MODULE archive_store_sources
#include <boost/test/unit_test.hpp>

#include <tarexport/names.hpp>
#include <tarexport/saver.hpp>
#include <tarexport/sink/memory.hpp>

#include "archive_store_support.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace archives;

namespace {

// Gives bytes through a pipe, in portions, while the store is opened.
tx::result<tx::archive_store> through_pipe(std::string const& bytes, tx::archive_options const& options = {}, std::size_t portion = 3000)
{
    int ends[2];
    BOOST_TEST_REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    std::thread writer([&bytes, portion, out = ends[1]] {
        for(std::size_t n = 0; n < bytes.size();) {
            auto const some = ::write(out, bytes.data() + n, std::min(portion, bytes.size() - n));
            if(some <= 0)
                break;
            n += static_cast<std::size_t>(some);
        }
        ::close(out);
    });
    auto s = tx::archive_store::open(ends[0], "the pipe", options);
    std::byte rest[4096];
    while(::read(ends[0], rest, sizeof rest) > 0)
        continue;
    writer.join();
    ::close(ends[0]);
    return s;
}

docker_archive sample()
{
    docker_archive d;
    d.add(made_image("a", {"one", std::string(200'000, 'x')}), {"app:1"});
    return d;
}

tx::digest sample_id() { return made_image("a", {"one", std::string(200'000, 'x')}).id; }

void is_sample(tx::result<tx::archive_store> const& s)
{
    BOOST_TEST_REQUIRE(s.has_value(), (s ? "" : message(s.error())));
    BOOST_TEST((s->lookup(ref("app:1")).value() == sample_id()));
    tx::memory_sink out;
    auto const report = tx::saver(*s).save(tx::names("app:1"), out);
    BOOST_TEST(report.ok(), message(report.reason));
    BOOST_TEST(report.layers_verified == 2u);
}

// An archive as docker 1.9 wrote it.
class old_archive {
public:
    old_archive& image(std::string const& directory, std::string const& json, std::string const& layer)
    {
        tape_.add(directory + "/VERSION", "1.0").add(directory + "/json", json).add(directory + "/layer.tar", layer);
        return *this;
    }

    tape& add() { return tape_; }
    tx::archive_store open() const { return archives::open(tape_.str()); }

private:
    tape tape_;
};

} // namespace

BOOST_AUTO_TEST_CASE(an_archive_through_a_pipe)
{
    auto const before = open_descriptors();
    auto const bytes = sample().str();
    is_sample(through_pipe(bytes));
    is_sample(through_pipe(bytes, {}, 17));
    is_sample(through_pipe(gzip(bytes)));
    is_sample(through_pipe(zstd(bytes)));
    BOOST_TEST(through_pipe(bytes)->path() == "the pipe");
    BOOST_TEST(open_descriptors() == before);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_compressed)
{
    auto const bytes = sample().str();
    is_sample(tx::archive_store::open(temporary(gzip(bytes))));
    is_sample(tx::archive_store::open(temporary(zstd(bytes))));
    is_sample(tx::archive_store::open(temporary(gzip(bytes.substr(0, 5000)) + gzip(bytes.substr(5000)))));
    is_sample(tx::archive_store::open(temporary(zstd(bytes.substr(0, 5000)) + zstd(bytes.substr(5000)))));
}

BOOST_AUTO_TEST_CASE(an_open_file)
{
    auto const path = temporary(sample().str());
    int const fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    BOOST_TEST_REQUIRE(fd >= 0);
    auto const s = tx::archive_store::open(fd, "the file");
    ::close(fd);
    is_sample(s);
    // Its bytes are ranges of this very file, unless reading is to begin in the middle.
    fs::resize_file(path, 0);
    tx::memory_sink out;
    BOOST_TEST(!tx::saver(*s).save(tx::names("app:1"), out).ok());
    auto const later = temporary("some bytes before" + sample().str());
    int const in = ::open(later.c_str(), O_RDONLY | O_CLOEXEC);
    BOOST_TEST_REQUIRE(::lseek(in, 17, SEEK_SET) == 17);
    is_sample(tx::archive_store::open(in, "the rest"));
    ::close(in);
    auto const bad = tx::archive_store::open(-1, "nothing");
    BOOST_TEST((bad.error().code == boost::system::errc::bad_file_descriptor));
    BOOST_TEST(bad.error().subject == "nothing");
}

BOOST_AUTO_TEST_CASE(a_pipe_that_does_not_block)
{
    int ends[2];
    BOOST_TEST_REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    auto const bytes = tape().add("manifest.json", "[]").str();
    std::thread writer([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        BOOST_TEST(::write(ends[1], bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
        ::close(ends[1]);
    });
    auto const s = tx::archive_store::open(ends[0], "a pipe");
    writer.join();
    ::close(ends[0]);
    BOOST_TEST_REQUIRE(s.has_value());
    BOOST_TEST(s->list()->empty());
}

BOOST_AUTO_TEST_CASE(a_fifo_by_its_path_is_refused_and_does_not_block)
{
    layouts::temporary_folder const f;
    auto const path = (f.path() / "fifo").string();
    BOOST_TEST_REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    BOOST_TEST(contains(failure_of(tx::archive_store::open(path), error::not_a_regular_file).detail, "open descriptor"));
}

BOOST_AUTO_TEST_CASE(a_stream_that_is_cut_or_damaged)
{
    auto const before = open_descriptors();
    auto const bytes = sample().str();
    failure_of(through_pipe(bytes.substr(0, 100'000)), error::truncated_archive);
    auto const f = failure_of(through_pipe(gzip(bytes).substr(0, 400)), error::invalid_document);
    BOOST_TEST(f.subject == "the pipe");
    BOOST_TEST(contains(f.detail, "ends too early"));
    failure_of(through_pipe(zstd(bytes).substr(0, 200)), error::invalid_document);
    failure_of(through_pipe(gzip(bytes) + "more"), error::invalid_document);
    failure_of(through_pipe(std::string("\xfd\x37zXZ\0....", 10)), error::unsupported_store);
    failure_of(through_pipe(""), error::unsupported_store);
    BOOST_TEST(open_descriptors() == before);
}

BOOST_AUTO_TEST_CASE(the_temporary_file)
{
    auto const bytes = sample().str();
    layouts::temporary_folder const f;
    tx::archive_options options;
    options.spool_directory = f.path().string();
    options.spool_limit = bytes.size();
    {
        auto const s = through_pipe(bytes, options);
        is_sample(s);
        BOOST_TEST(fs::is_empty(f.path())); // it has no name
    }
    options.spool_limit = bytes.size() - 1;
    BOOST_TEST(contains(failure_of(through_pipe(bytes, options), error::limit_exceeded).detail, "temporary file"));
    failure_of(through_pipe(gzip(bytes), options), error::limit_exceeded);
    options.spool_directory += "/none";
    auto const none = through_pipe(bytes, options);
    BOOST_TEST((none.error().code == boost::system::errc::no_such_file_or_directory));
    BOOST_TEST(none.error().subject == "temporary file in " + options.spool_directory);
    BOOST_TEST(contains(none.error().detail, "the pipe"));
    // One that is not needed is not made.
    is_sample(tx::archive_store::open(temporary(bytes), options));
}

BOOST_AUTO_TEST_CASE(images_from_before_docker_1_10)
{
    old_archive o;
    o.image("bbb", R"({"id":"bbb","parent":"aaa","docker_version":"1.9.1","os":"linux","Size":3,"x":{"z":"<","y":[1, 2]},"created":"2015-01-02T03:04:05Z",)"
                   R"("container_config":{"Cmd":["/bin/sh","-c","two"]},"author":"me"})", "two");
    o.image("aaa", R"({"id":"aaa","docker_version":"1.8.2","os":"linux","unknown":1,"comment":"base"})", "one");
    o.add().add("repositories", R"({"app":{"1":"bbb","2":"bbb"},"registry.example/base":{"latest":"aaa"}})");
    auto const s = o.open();
    auto const rows = s.list().value();
    BOOST_TEST_REQUIRE(rows.size() == 2u);
    auto const base = s.load(s.lookup(ref("registry.example/base:latest")).value()).value();
    auto const diff = [](std::string_view layer) { return "\"" + tx::digest_of(layer).str() + "\""; };
    // What the engine does not know of an image of that time is gone, and what it knows is written in full.
    BOOST_TEST(contains(base.config, R"({"comment":"base","container_config":{"Hostname":"")"));
    BOOST_TEST(contains(base.config, R"("created":null,"docker_version":"1.8.2","history":[{"comment":"base"}],"os":"linux","rootfs":{"type":"layers","diff_ids":[)" + diff("one") + "]}}"));
    auto const app = s.load(s.lookup(ref("app:1")).value()).value();
    BOOST_TEST(app.config == R"({"author":"me","container_config":{"Cmd":["/bin/sh","-c","two"]},"created":"2015-01-02T03:04:05Z","docker_version":"1.9.1",)"
                             R"("history":[{"comment":"base"},{"created":"2015-01-02T03:04:05Z","created_by":"/bin/sh -c two","author":"me"}],"os":"linux",)"
                             R"("rootfs":{"type":"layers","diff_ids":[)" + diff("one") + "," + diff("two") + R"(]},"x":{"z":"\u003c","y":[1,2]}})");
    BOOST_TEST((app.parent == base.id));
    BOOST_TEST(read(s.layer(app, 1).value()) == "two");
    BOOST_TEST(s.by_name(ref("app"))->size() == 2u);
    lawful(s);
}

BOOST_AUTO_TEST_CASE(old_images_with_compressed_and_linked_layers)
{
    old_archive o;
    o.image("a", R"({"os":"linux"})", gzip("one"));
    o.add().add("b/json", R"({"parent":"a","os":"linux"})").link("b/layer.tar", "../a/layer.tar");
    auto const s = o.open();
    auto const rows = s.list().value();
    BOOST_TEST_REQUIRE(rows.size() == 2u);
    auto const i = s.load(rows[1].id).value();
    BOOST_TEST_REQUIRE(i.diff_ids.size() == 2u);
    BOOST_TEST(i.diff_ids[0] == tx::digest_of("one").str());
    BOOST_TEST(i.diff_ids[1] == i.diff_ids[0]);
    BOOST_TEST(read(s.layer(i, 1).value()) == gzip("one"));
    lawful(s);
}

BOOST_AUTO_TEST_CASE(old_images_that_are_none)
{
    old_archive o;
    o.image("good", R"({"os":"linux"})", "layer");
    o.image("circle1", R"({"parent":"circle2"})", "").image("circle2", R"({"parent":"circle1"})", "");
    o.image("orphan", R"({"parent":"nobody"})", "");
    o.image("child", R"({"parent":"orphan"})", "");
    o.image("damaged", "{", "").image("list", "[]", "").image("nothing", "null", "");
    o.image("own", R"({"parent":"own"})", "");
    o.add().add("hollow/json", "{}");
    o.add().add("repositories", R"({"app":{"good":"good","bad":"orphan","none":"nowhere","UP ER":"good"},"UPPER":{"1":"good"}})");
    auto const s = o.open();
    std::vector<failure> bad;
    auto const rows = s.list(bad);
    BOOST_TEST_REQUIRE(rows.size() == 1u);
    BOOST_TEST((rows[0].names == std::vector{ref("app:good")}));
    BOOST_TEST(s.load(rows[0].id).has_value());
    std::string all;
    for(auto const& f : bad)
        all += message(f) + "\n";
    for(auto const* const part : {"circle", "lead back", "nobody/json", "damaged/json", "list/json", "nothing/json", "own/json", "hollow/layer.tar", "nowhere", "UPPER", "UP ER"})
        BOOST_TEST(contains(all, part), part << " in " << all);
    failure_of(s.list(), static_cast<error>(bad.front().code.value()));
    failure_of(s.lookup(ref("app:bad")), error::missing_blob);
    failure_of(s.lookup(ref("app:none")), error::unknown_reference);
}

BOOST_AUTO_TEST_CASE(a_list_of_old_names_that_is_none)
{
    for(auto const* const names : {"null", "{}"}) {
        old_archive o;
        o.image("a", "{}", "x").add().add("repositories", names);
        BOOST_TEST(o.open().list()->size() == 1u, names);
    }
    for(auto const* const names : {"[]", "{\"a\":1}", "x", ""}) {
        old_archive o;
        o.image("a", "{}", "x").add().add("repositories", names);
        auto const s = o.open();
        BOOST_TEST(s.list().has_error(), names);
        BOOST_TEST(s.lookup(ref("a:1")).has_error(), names);
        BOOST_TEST(s.load(tx::digest_of("x")).has_error(), names);
        BOOST_TEST(s.by_name(ref("a:1")).has_error(), names);
        BOOST_TEST(s.search("a").has_error(), names);
    }
}

BOOST_AUTO_TEST_CASE(a_layer_that_expands_beyond_all_bounds)
{
    old_archive o;
    o.image("a", "{}", gzip(std::string(3'000'000, '\0')));
    tx::archive_options options;
    options.spool_limit = 2'000'000;
    auto const s = tx::archive_store::open(temporary(o.add().str()), options).value();
    BOOST_TEST(contains(failure_of(s.list(), error::limit_exceeded).detail, "when expanded"));
}

BOOST_AUTO_TEST_CASE(a_long_line_of_parents)
{
    old_archive o;
    o.image("n0", "{}", "x");
    for(int n = 1; n != 300; ++n)
        o.image("n" + std::to_string(n), R"({"parent":"n)" + std::to_string(n - 1) + "\"}", "x");
    auto const s = o.open();
    auto const rows = s.list().value();
    BOOST_TEST(rows.size() == 300u);
    std::size_t most = 0;
    for(auto const& row : rows)
        most = std::max(most, s.load(row.id)->layers.size());
    BOOST_TEST(most == 300u);
}

BOOST_AUTO_TEST_CASE(versions_are_compared_as_the_engine_does)
{
    using tx::detail::is_older_version;
    for(auto const& [older, newer] : {std::pair("", "1.8.3"), std::pair("1.8.2", "1.8.3"), std::pair("1.8", "1.8.3"), std::pair("1.8.3", "1.10.0"),
            std::pair("0.4.0", "1"), std::pair("1.x", "1.8.3"), std::pair("1.8.3", "17.03.0-ce")}) {
        BOOST_TEST(is_older_version(older, newer), older);
        BOOST_TEST(!is_older_version(newer, older), newer);
    }
    for(auto const* const v : {"", "1.8.3", "1.8.3.0", "1..3"})
        BOOST_TEST(!is_older_version(v, v), v);
}
