//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// What is made of records and trees that are damaged or mean harm.

#include <tarexport/store/tar_split.hpp>

#define BOOST_TEST_MODULE tar_split_hostile
#include <boost/test/unit_test.hpp>

#include "tar_split_support.hpp"

#include <boost/iostreams/device/file.hpp>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace tar_split_tests;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
constexpr bool sanitized = __has_feature(address_sanitizer);
#else
constexpr bool sanitized = false;
#endif

namespace {

// A record alone.
struct record_file : layouts::temporary_folder {
    tx::path_below place() const { return {tx::shared_directory::open(path().string()).value(), "record"}; }

    void write_record(std::string_view text) const { write("record", gzipped(text)); }

    // Why its size cannot be told.
    std::string why(error_code code, tx::tar_split_limits const& limits = {}) const
    {
        auto const r = tx::tar_split_size(place(), limits);
        BOOST_TEST_REQUIRE(r.has_error());
        BOOST_TEST((r.error().code == code), tx::message(r.error()));
        BOOST_TEST(r.error().subject == (path() / "record").string());
        return r.error().detail;
    }

    std::string why_text(std::string_view text, error_code code) const
    {
        write_record(text);
        return why(code);
    }
};

std::string file_line(std::string const& name, std::string const& size, std::size_t position)
{
    return "{\"type\":1,\"name\":\"" + name + "\",\"size\":" + size + ",\"payload\":\"AUAAAAAAAAA=\",\"position\":" +
           std::to_string(position) + "}\n";
}

std::string bytes_line(std::string_view bytes, std::size_t position)
{
    return "{\"type\":2,\"payload\":\"" + base64(bytes) + "\",\"position\":" + std::to_string(position) + "}\n";
}

// The largest amount of memory that this process has had, in KiB.
std::size_t peak_memory()
{
    std::ifstream status("/proc/self/status");
    for(std::string word; status >> word;)
        if(word == "VmHWM:") {
            std::size_t n = 0;
            status >> n;
            return n;
        }
    return 0;
}

} // namespace

BOOST_AUTO_TEST_CASE(bad_lines_are_told_with_their_position)
{
    record_file f;
    auto const good = bytes_line("good", 0);
    BOOST_TEST(f.why_text(good + "{\n", error::invalid_json) == "position 1: unexpected end at byte 1");
    BOOST_TEST(f.why_text(good + "{\"type\":2,\"position\":1} x\n", error::invalid_json) == "position 1: unexpected character at byte 24");
    BOOST_TEST(f.why_text(good + "\n" + bytes_line("x", 1), error::invalid_json) == "position 1: an empty line");
    BOOST_TEST(f.why_text(good + good, error::invalid_document) == "position 1: it says that it is at position 0");
    BOOST_TEST(f.why_text(good + bytes_line("x", 2), error::invalid_document) == "position 1: it says that it is at position 2");
    BOOST_TEST(f.why_text(good + "{\"type\":7,\"position\":1}", error::invalid_document) == "position 1: it is of the unknown type 7");
    BOOST_TEST(f.why_text(good + "{\"type\":2,\"payload\":\"_\",\"position\":1}\n", error::invalid_document) ==
               "position 1: it has bytes that are not base64");
    BOOST_TEST(f.why_text("\xff\xfe", error::invalid_json) == "position 0: unexpected character at byte 0");
    // the last line may lack the character that ends it
    f.write_record(good.substr(0, good.size() - 1));
    BOOST_TEST(tx::tar_split_size(f.place()).value() == 4u);
    // a reader stays failed
    f.write_record(good + "x\n" + bytes_line("y", 1));
    auto r = tar_split_reader::open(f.place()).value();
    BOOST_TEST(r.next().value());
    for(int i = 0; i != 3; ++i)
        BOOST_TEST(r.next().error().detail == "position 1: unexpected character at byte 0");
}

BOOST_AUTO_TEST_CASE(sizes_that_lie)
{
    record_file f;
    auto const header = bytes_line(plain_header("x", 1), 0);
    BOOST_TEST(f.why_text(header + file_line("x", "2", 1), error::invalid_document) ==
               "position 1, x: it has 2 bytes, and by its tar header 1");
    BOOST_TEST(f.why_text(header + file_line("x", "0", 1), error::invalid_document) ==
               "position 1, x: it has 0 bytes, and by its tar header 1");
    f.why_text(header + file_line("x", "-1", 1), error::invalid_json);
    f.why_text(header + file_line("x", "9223372036854775808", 1), error::invalid_document);
    auto const most = std::to_string(std::numeric_limits<std::int64_t>::max());
    auto const largest = bytes_line(tx::encode([&] {
        tx::tar_header h;
        h.name = "x";
        h.size = std::numeric_limits<std::int64_t>::max();
        return h;
    }(), tx::tar_format::gnu).value(), 0);
    BOOST_TEST(f.why_text(largest + file_line("x", most, 1), error::invalid_document) ==
               "position 1, x: the archive would have more than 2^63-1 bytes");
    // no header, or something else in its place
    BOOST_TEST(f.why_text(file_line("x", "1", 0), error::invalid_document) == "position 0, x: no tar header stands before it");
    BOOST_TEST(f.why_text(header + file_line("x", "1", 1) + file_line("y", "1", 2), error::invalid_document) ==
               "position 2, y: no tar header stands before it");
    for(auto const& bytes : {std::string(), std::string(511, 'x'), std::string(512, 'x'), std::string(512, '\0'), std::string(513, '\0'),
            plain_header("x", 1).substr(1), plain_header("x", 1) + "x", "x" + plain_header("x", 1)})
        BOOST_TEST(f.why_text(bytes_line(bytes, 0) + file_line("x", "1", 1), error::invalid_document) ==
                   "position 1, x: no tar header stands before it");
    auto negative = plain_header("x", 1);
    negative.replace(124, 12, std::string(12, '\xff'));
    auto const sum = [](std::string block) {
        block.replace(148, 8, 8, ' ');
        unsigned n = 0;
        for(char const c : block)
            n += static_cast<unsigned char>(c);
        for(int i = 5; i >= 0; --i, n >>= 3)
            block[148 + static_cast<std::size_t>(i)] = static_cast<char>('0' + (n & 7u));
        block[154] = '\0';
        return block;
    };
    BOOST_TEST(f.why_text(bytes_line(sum(negative), 0) + file_line("x", "1", 1), error::invalid_document) ==
               "position 1, x: its tar header has no size");
    negative.replace(124, 12, "a size      ");
    BOOST_TEST(f.why_text(bytes_line(sum(negative), 0) + file_line("x", "1", 1), error::invalid_document) ==
               "position 1, x: its tar header has no size");
}

BOOST_AUTO_TEST_CASE(maps_of_holes_that_lie)
{
    record_file f;
    auto const with_map = [&](std::string const& map, std::string const& blocks, std::uint64_t stored, std::string const& size) {
        auto const record = [](std::string const& text) {
            auto n = text.size() + 1;
            while(std::to_string(n).size() + text.size() != n)
                ++n;
            return std::to_string(n) + text;
        };
        auto const records = record(" GNU.sparse.size=" + size + "\n") + record(" GNU.sparse.numblocks=" + blocks + "\n") +
                             record(" GNU.sparse.map=" + map + "\n");
        auto const padded = records + std::string(static_cast<std::size_t>(tx::padding(records.size())), '\0');
        auto const headers = retyped(plain_header("r", records.size()), 'x') + padded + plain_header("s", stored);
        return f.why_text(bytes_line(headers, 0) + file_line("s", size, 1), error::invalid_document);
    };
    std::string const malformed = "position 1, s: its map of holes is malformed";
    BOOST_TEST(with_map("0,1", "2", 1, "9") == malformed);
    BOOST_TEST(with_map("0,x", "1", 1, "9") == malformed);
    BOOST_TEST(with_map("-1,1", "1", 1, "9") == malformed);
    BOOST_TEST(with_map("1,-1", "1", 1, "9") == malformed);
    BOOST_TEST(with_map("5,2,0,2", "2", 4, "9") == malformed);
    BOOST_TEST(with_map("0,5,4,2", "2", 7, "9") == malformed);
    BOOST_TEST(with_map("8,2", "1", 2, "9") == malformed);
    BOOST_TEST(with_map("9223372036854775807,9223372036854775807", "1", 2, "9") == malformed);
    BOOST_TEST(with_map("0,2", "1", 3, "9") == "position 1, s: its map of holes leaves 2 bytes, its tar header 3");
}

BOOST_AUTO_TEST_CASE(records_that_are_no_files)
{
    record_file f;
    f.why(tx::detail::system_error_code(ENOENT));
    BOOST_REQUIRE(::mkfifo((f.path() / "record").c_str(), 0600) == 0);
    f.why(error::not_a_regular_file);
    fs::remove(f.path() / "record");
    fs::create_directory(f.path() / "record");
    f.why(error::not_a_regular_file);
    fs::remove(f.path() / "record");
    f.write("elsewhere", gzipped(bytes_line("x", 0)));
    fs::create_symlink("elsewhere", f.path() / "record");
    f.why(error::not_a_regular_file);
}

BOOST_AUTO_TEST_CASE(damaged_files_are_told)
{
    record_file f;
    auto const whole = gzipped(bytes_line("x", 0) + bytes_line("y", 1));
    f.write("record", whole);
    BOOST_TEST(tx::tar_split_size(f.place()).value() == 2u);
    f.write("record", "");
    BOOST_TEST(f.why(error::invalid_document) == "the gzip file ends too early");
    f.write("record", bytes_line("x", 0));
    BOOST_TEST(f.why(error::invalid_document) == "not a gzip file, or a damaged one");
    f.write("record", whole.substr(0, whole.size() - 1));
    BOOST_TEST(f.why(error::invalid_document) == "the gzip file ends too early");
    f.write("record", whole + '\0');
    BOOST_TEST(f.why(error::invalid_document) == "the gzip file has more after its end");
    f.write("record", whole + whole);
    BOOST_TEST(f.why(error::invalid_document) == "the gzip file has more after its end");
    auto bad = whole;
    bad[bad.size() - 6] ^= 1;
    f.write("record", bad);
    BOOST_TEST(f.why(error::invalid_document) == "not a gzip file, or a damaged one");
}

BOOST_AUTO_TEST_CASE(limits_hold)
{
    record_file f;
    auto const text = bytes_line(std::string(300'000, 'x'), 0) + bytes_line("y", 1);
    auto const longest = text.find('\n');
    f.write_record(text);
    BOOST_TEST(tx::tar_split_size(f.place(), {longest, 2, text.size()}).value() == 300'001u);
    BOOST_TEST(f.why(error::limit_exceeded, {longest - 1, 2, text.size()}).starts_with("position 0: "));
    BOOST_TEST(f.why(error::limit_exceeded, {1000, 2, text.size()}).starts_with("position 0: "));
    BOOST_TEST(f.why(error::limit_exceeded, {0, 2, text.size()}).starts_with("position 0: "));
    BOOST_TEST(f.why(error::limit_exceeded, {longest, 1, text.size()}) == "more than 1 lines");
    BOOST_TEST(f.why(error::limit_exceeded, {longest, 2, 400'000}) == "more than 400000 bytes");
    BOOST_TEST(tx::tar_split_handle(std::make_shared<tx::unpacked_layer const>(
                                        tx::unpacked_layer{{}, f.place(), {f.place()}}), {false, {10, 2, 1000}})
                   .open(0).has_value());
}

// A line of 1 GiB in a file of some MiB.
BOOST_AUTO_TEST_CASE(a_bomb_does_not_go_off)
{
    record_file f;
    {
        namespace io = boost::iostreams;
        io::filtering_ostream out;
        out.push(io::gzip_compressor(io::gzip_params(io::gzip::best_speed)));
        out.push(io::file_sink((f.path() / "record").string(), std::ios::binary));
        out << "{\"type\":2,\"payload\":\"";
        std::string const portion(1u << 20, 'A');
        for(int i = 0; i != 1024; ++i)
            out << portion;
    }
    BOOST_TEST(fs::file_size(f.path() / "record") < 10u << 20);
    auto const before = peak_memory();
    BOOST_TEST(f.why(error::limit_exceeded) == "position 0: a line of more than 16777216 bytes");
    // In KiB. What was freed stays, for the address sanitizer.
    BOOST_TEST(peak_memory() < before + (sanitized ? 300u << 10 : 40u << 10));
}

BOOST_AUTO_TEST_CASE(no_name_leads_out)
{
    layer_folder f;
    f.write("outside/secret", "12345");
    auto const outside = (f.path() / "outside").string();
    fs::create_symlink(outside, f.file_path("abs"));
    fs::create_symlink("../../outside", f.file_path("rel"));
    fs::create_symlink("/proc/self/root", f.file_path("magic"));
    fs::create_symlink(outside + "/secret", f.file_path("final"));
    tx::detail::unique_descriptor const watch(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    for(auto const& path : {outside, outside + "/secret"})
        BOOST_REQUIRE(::inotify_add_watch(watch.get(), path.c_str(), IN_OPEN | IN_ACCESS) >= 0);
    char events[4096];
    for(auto const& name : {"../outside/secret", "../../outside/secret", "abs/secret", "rel/secret", "final"}) {
        record_lines lines;
        lines.bytes(plain_header("x", 5));
        lines.file("\"name\":\"" + std::string(name) + '"', 5, crc_of("12345"));
        f.write("tar-split.json.gz", gzipped(lines.text()));
        auto const o = read_all(f.handle());
        BOOST_TEST(o.bytes.size() == 512u);
        BOOST_TEST(o.reason.code.failed(), name);
        BOOST_TEST(o.reason.subject.starts_with(f.tree_path().string() + "/"), o.reason.subject);
    }
    record_lines lines;
    lines.bytes(plain_header("x", 5));
    lines.file("\"name\":\"" + outside + "/secret\"", 5, crc_of("12345"));
    f.write("tar-split.json.gz", gzipped(lines.text()));
    BOOST_TEST((read_all(f.handle()).reason.code == tx::detail::system_error_code(ENOENT)));
    BOOST_TEST(::read(watch.get(), events, sizeof events) < 0);
    // the watch does see
    std::ifstream(outside + "/secret").get();
    BOOST_TEST(::read(watch.get(), events, sizeof events) > 0);
}

BOOST_AUTO_TEST_CASE(names_of_any_length)
{
    layer_folder f;
    for(std::size_t const n : {255u, 256u, 4095u, 4096u, 100'000u}) {
        record_lines lines;
        lines.bytes(plain_header("x", 5));
        lines.file("\"name\":\"" + std::string(n, 'n') + '"', 5, crc_of("12345"));
        f.write("tar-split.json.gz", gzipped(lines.text()));
        auto const why = read_all(f.handle()).reason.code;
        BOOST_TEST((why == tx::detail::system_error_code(n == 255 ? ENOENT : ENAMETOOLONG)), why.message());
    }
    std::string deep;
    while(deep.size() < 4000)
        deep += "d/";
    record_lines lines;
    lines.bytes(plain_header("x", 5));
    lines.file("\"name\":\"" + deep + "f\"", 5, crc_of("12345"));
    f.write("tar-split.json.gz", gzipped(lines.text()));
    BOOST_TEST((read_all(f.handle()).reason.code == tx::detail::system_error_code(ENOENT)));
}

// Whatever byte of a record is changed, the layer comes out with the files that it had and as long as was promised, or not at all.
BOOST_AUTO_TEST_CASE(every_byte_counts)
{
    layer_folder f;
    f.file("d/file", "content");
    f.other("d/link", tx::tar_type::symlink, "file");
    f.finish();
    auto const text = f.record_text();
    std::size_t refused = 0;
    for(std::size_t at = 0; at < text.size(); at += text[at] == 'A' ? 11 : 1) {
        auto changed = text;
        changed[at] ^= 1;
        f.write("tar-split.json.gz", gzipped(changed));
        auto const size = tx::tar_split_size(f.record());
        auto const o = read_all(f.handle());
        if(!size) {
            BOOST_TEST(o.reason.code.failed());
            ++refused;
            continue;
        }
        if(o.reason.code.failed())
            continue;
        // Other bytes of a header are for the digest of the whole to tell.
        BOOST_TEST(o.bytes.size() == *size);
        BOOST_TEST(o.bytes.find("content") != o.bytes.npos);
    }
    BOOST_TEST(refused > 100u);
}
