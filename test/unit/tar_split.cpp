//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/store/tar_split.hpp>

#define BOOST_TEST_MODULE tar_split
#include <boost/test/unit_test.hpp>

#include <tarexport/testing/source.hpp>

#include "tar_split_support.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

using namespace tar_split_tests;

namespace {

std::string noise(std::size_t n)
{
    std::string s;
    std::uint32_t x = static_cast<std::uint32_t>(n);
    while(s.size() != n) {
        x = x * 1664525u + 1013904223u;
        s.push_back(static_cast<char>(x >> 24));
    }
    return s;
}

// Entries of all kinds.
void fill(layer_folder& f)
{
    f.other("d/", tx::tar_type::directory);
    f.file("d/one", "1");
    f.file("d/empty", "");
    f.file("d/block", noise(512));
    f.file("d/more", noise(513));
    f.file("d/large", noise(300'000));
    f.other("d/link", tx::tar_type::symlink, "one");
    f.other("d/hard", tx::tar_type::hard_link, "d/one");
    f.other("d/fifo", tx::tar_type::fifo);
    f.file("d/" + std::string(150, 'n') + "/" + std::string(150, 'n'), "behind a long name");
    tx::tar_header h;
    h.name = "d/records";
    h.records["SCHILY.xattr.user.x"] = "y";
    h.mtime = tx::tar_time{1, 5};
    f.entry(std::move(h), "with records", tx::tar_format::pax);
    f.finish();
}

std::uint64_t size_of(layer_folder const& f) { return tx::tar_split_size(f.record()).value(); }

void check_rebuilt(layer_folder const& f)
{
    BOOST_TEST(size_of(f) == f.archive().size());
    auto const o = read_all(f.handle());
    BOOST_TEST(!o.reason.code.failed(), tx::message(o.reason));
    BOOST_TEST((o.bytes == f.archive()));
}

std::string pax(std::vector<std::pair<std::string, std::string>> const& records, std::string const& name = "x", char type = 'x')
{
    std::string text;
    for(auto const& [key, value] : records) {
        auto const rest = " " + key + "=" + value + "\n";
        auto size = rest.size() + 1;
        while(std::to_string(size).size() + rest.size() != size)
            ++size;
        text += std::to_string(size) + rest;
    }
    return retyped(plain_header(name, text.size()), type) + text +
           std::string(static_cast<std::size_t>(tx::padding(text.size())), '\0');
}

} // namespace

BOOST_AUTO_TEST_CASE(a_layer_keeps_the_laws)
{
    layer_folder f;
    fill(f);
    for(bool const check : {false, true})
        for(auto const& sentence : tx::testing::check_handle(f.handle(check)))
            BOOST_ERROR(sentence);
    BOOST_TEST(f.handle().subject() == f.record_path());
    BOOST_TEST(f.handle().open(0)->subject() == f.record_path());
}

BOOST_AUTO_TEST_CASE(the_size_is_known_without_the_files)
{
    layer_folder f;
    fill(f);
    fs::remove_all(f.tree_path());
    BOOST_TEST(size_of(f) == f.archive().size());
}

BOOST_AUTO_TEST_CASE(opened_anywhere_it_gives_the_rest)
{
    layer_folder f;
    f.file("a", noise(700));
    f.other("d/", tx::tar_type::directory);
    f.file("d/b", "b");
    f.finish();
    auto const archive = std::string_view(f.archive());
    for(std::size_t offset = 0; offset <= archive.size(); offset += offset % 512 < 3 || offset % 512 > 508 ? 1 : 7) {
        auto const o = read_all(f.handle(), offset);
        BOOST_TEST(!o.reason.code.failed());
        BOOST_TEST((o.bytes == archive.substr(offset)), offset);
    }
    BOOST_TEST(read_all(f.handle(), archive.size() + 1000).bytes.empty());
}

BOOST_AUTO_TEST_CASE(files_that_come_before_the_position_are_not_opened)
{
    layer_folder f;
    f.file("a", noise(1000));
    f.file("b", noise(1000));
    f.finish();
    fs::remove(f.file_path("a"));
    auto const archive = std::string_view(f.archive());
    for(std::size_t const offset : {512u + 1000u, 2048u, 2100u}) {
        auto const o = read_all(f.handle(), offset);
        BOOST_TEST(!o.reason.code.failed());
        BOOST_TEST((o.bytes == archive.substr(offset)));
    }
    BOOST_TEST((read_all(f.handle(), 512 + 999).reason.code == tx::detail::system_error_code(ENOENT)));
}

BOOST_AUTO_TEST_CASE(one_call_fills_the_buffer_from_many_files)
{
    layer_folder f;
    for(int i = 0; i != 50; ++i)
        f.file("file" + std::to_string(i), noise(static_cast<std::size_t>(i) * 10));
    f.finish();
    auto s = f.handle().open(0).value();
    std::string all(f.archive().size() + 1, '\0');
    error_code ec;
    BOOST_TEST(s.read_some(std::as_writable_bytes(std::span(all)), ec) == f.archive().size());
    BOOST_TEST(!ec);
    BOOST_TEST(all.starts_with(f.archive()));
}

BOOST_AUTO_TEST_CASE(names_are_cleaned_to_the_root)
{
    layer_folder f;
    for(auto const* name : {"./x", "/abs", "d//e/../f", "../esc", "../../../up/./y"})
        f.file(name, std::string("content of ") + name);
    f.finish();
    check_rebuilt(f);
    BOOST_TEST(fs::exists(f.file_path("esc")));
    BOOST_TEST(fs::exists(f.file_path("up/y")));
}

BOOST_AUTO_TEST_CASE(names_that_are_not_text)
{
    layer_folder f;
    f.file("latin\xe9", "1");
    f.file("surrogate\xed\xa0\x80", "2");
    f.headers(plain_header("x", 3));
    f.file_line("x", 3, crc_of("abc"), "abc");
    f.put("x", "abc");
    f.finish();
    check_rebuilt(f);

    // as text, with what Go escapes
    record_lines lines;
    lines.bytes(plain_header("n", 4));
    lines.file(R"("name":"q\u0026\"\\\u2028\ufffd\ud83d\ude00\tz")", 4, crc_of("four"));
    f.write("tar-split.json.gz", gzipped(lines.text()));
    f.put("q&\"\\\xe2\x80\xa8\xef\xbf\xbd\xf0\x9f\x98\x80\tz", "four");
    auto const o = read_all(f.handle());
    BOOST_TEST(!o.reason.code.failed(), tx::message(o.reason));
    BOOST_TEST((o.bytes == plain_header("n", 4) + "four"));
}

BOOST_AUTO_TEST_CASE(entries_without_data_may_have_a_size)
{
    layer_folder f;
    f.file("a", "12345");
    for(auto const& [name, type] : {std::pair("hard", '1'), std::pair("sym", '2'), std::pair("char", '3'), std::pair("block", '4'),
            std::pair("dir", '5'), std::pair("fifo", '6')})
        f.other(name, type, type < '3' ? "a" : "", 4096);
    f.file("z", "1");
    f.finish();
    ::mkfifo(f.file_path("fifo").c_str(), 0600);
    check_rebuilt(f);
}

// Before POSIX, directories were told by the slash at their end; some writers put one behind the names of files.
BOOST_AUTO_TEST_CASE(slashes_at_the_end)
{
    layer_folder f;
    f.headers(retyped(plain_header("dir", 4096), '\0'));
    f.file_line("dir/", 4096, crc_of(""), "");
    f.headers(retyped(plain_header("old", 3), '\0'));
    f.file_line("old/", 3, crc_of("abc"), "abc");
    f.put("old", "abc");
    f.headers(plain_header("new", 3));
    f.file_line("new/", 3, crc_of("def"), "def");
    f.put("new", "def");
    f.finish();
    check_rebuilt(f);
}

BOOST_AUTO_TEST_CASE(global_headers)
{
    layer_folder f;
    auto const global = pax({{"comment", "of all"}}, "pax_global_header", 'g');
    // the header and its records, but not their padding, come before the entry
    auto const size = global.size() - static_cast<std::size_t>(tx::padding(18));
    f.headers(std::string_view(global).substr(0, size));
    f.file_line("pax_global_header", 0, "", "");
    f.file("after", "content");
    f.finish();
    check_rebuilt(f);
}

BOOST_AUTO_TEST_CASE(sizes_in_records)
{
    layer_folder f;
    f.headers(pax({{"size", "7"}}) + plain_header("a", 0));
    f.file_line("a", 7, crc_of("seven b"), "seven b");
    f.put("a", "seven b");
    // records without a size before a header that has one, and a long name between
    f.headers(pax({{"comment", "c"}, {"mtime", "1.5"}}) + plain_header("b", 2));
    f.file_line("b", 2, crc_of("bb"), "bb");
    f.put("b", "bb");
    f.finish();
    check_rebuilt(f);
}

BOOST_AUTO_TEST_CASE(sparse_files_of_the_older_formats)
{
    std::string content(100'000, '\0');
    content.replace(4096, 3, "abc");
    content.replace(50'000, 2000, noise(2000));
    auto const stored = content.substr(4096, 3) + content.substr(50'000, 2000);
    auto const map = std::vector<std::pair<std::string, std::string>>{
        {"GNU.sparse.size", "100000"}, {"GNU.sparse.numblocks", "3"}, {"GNU.sparse.map", "4096,3,50000,2000,100000,0"}};
    auto const pairs = std::vector<std::pair<std::string, std::string>>{{"GNU.sparse.size", "100000"}, {"GNU.sparse.numblocks", "2"},
        {"GNU.sparse.offset", "4096"}, {"GNU.sparse.numbytes", "3"}, {"GNU.sparse.offset", "50000"}, {"GNU.sparse.numbytes", "2000"}};
    for(auto const& records : {map, pairs}) {
        layer_folder f;
        f.file("before", "b");
        f.headers(pax(records) + plain_header("s", 2003));
        f.file_line("s", 100'000, crc_of(content), stored);
        f.put("s", content);
        f.file("after", "a");
        f.finish();
        check_rebuilt(f);
        for(bool const check : {false, true})
            for(auto const& sentence : tx::testing::check_handle(f.handle(check)))
                BOOST_ERROR(sentence);
        auto const archive = std::string_view(f.archive());
        for(std::size_t offset = 3400; offset != 3700; ++offset)
            BOOST_TEST((read_all(f.handle(), offset).bytes == archive.substr(offset)), offset);
        // all of it is compared
        content[70'000] = '1';
        f.put("s", content);
        BOOST_TEST(failure_of(f.handle(), error::digest_mismatch).subject == f.file_path("s").string());
        BOOST_TEST((read_all(f.handle(false)).bytes == archive));
        content[70'000] = '\0';
    }
}

BOOST_AUTO_TEST_CASE(a_sparse_file_of_nothing_but_holes)
{
    layer_folder f;
    f.headers(pax({{"GNU.sparse.size", "5"}, {"GNU.sparse.numblocks", "0"}, {"GNU.sparse.major", "0"}, {"GNU.sparse.minor", "1"}}) +
              plain_header("s", 0));
    f.file_line("s", 5, crc_of(std::string_view("\0\0\0\0\0", 5)), "");
    f.finish();
    check_rebuilt(f);
}

BOOST_AUTO_TEST_CASE(what_engines_do_not_keep_is_said)
{
    auto const refused = [](layer_folder const& f, std::string_view why) {
        auto const size = tx::tar_split_size(f.record());
        BOOST_TEST_REQUIRE(size.has_error());
        BOOST_TEST((size.error().code == error::unrecoverable_layer), tx::message(size.error()));
        BOOST_TEST(size.error().subject == f.record_path());
        BOOST_TEST(size.error().detail.find(why) != std::string::npos, size.error().detail);
        BOOST_TEST((size.error().code == tx::condition::corrupt_store));
        failure_of(f.handle(), error::unrecoverable_layer);
    };
    layer_folder sparse;
    sparse.headers(pax({{"GNU.sparse.major", "1"}, {"GNU.sparse.minor", "0"}, {"GNU.sparse.name", "s"}, {"GNU.sparse.realsize", "9999"}}) +
                   plain_header("s", 1024));
    sparse.file_line("s", 9999, crc_of("x"), "");
    sparse.finish();
    refused(sparse, "position 1, s: a sparse file");
    layer_folder old;
    tx::tar_header h;
    h.name = "old";
    h.typeflag = tx::tar_type::gnu_sparse;
    old.entry(std::move(h), "12", tx::tar_format::gnu);
    old.finish();
    refused(old, "position 1, old: a sparse file");
    layer_folder whiteout;
    whiteout.file("d/.wh.x", "");
    whiteout.file("d/.wh.y", "content");
    whiteout.finish();
    refused(whiteout, "position 3, d/.wh.y: a whiteout");
    // what only looks like one
    layer_folder f;
    f.file("d/x.wh.y", "1");
    f.file(".wh..wh.plnk/5.6", "2");
    f.finish();
    check_rebuilt(f);
}

BOOST_AUTO_TEST_CASE(archives_end_in_many_ways)
{
    for(std::string const& trailer : {std::string(), std::string(512, '\0'), std::string(1024, '\0'), std::string(10'240, '\0'),
            std::string(1024, '\0') + "some bytes more", std::string("odd")}) {
        layer_folder f;
        f.file("a", noise(100));
        f.finish(trailer);
        check_rebuilt(f);
        BOOST_TEST(f.archive().size() == 1024 + trailer.size());
    }
    // nothing but the end, and not even that
    layer_folder zeros;
    zeros.finish();
    check_rebuilt(zeros);
    BOOST_TEST(size_of(zeros) == 1024u);
    layer_folder nothing;
    nothing.finish("");
    check_rebuilt(nothing);
    BOOST_TEST(size_of(nothing) == 0u);
    // an archive that ends with the data, and a long trailer in pieces
    layer_folder cut;
    cut.headers(plain_header("a", 5));
    cut.file_line("a", 5, crc_of("12345"), "12345");
    cut.put("a", "12345");
    cut.write("tar-split.json.gz", gzipped(cut.record_text()));
    BOOST_TEST((read_all(cut.handle()).bytes == cut.archive()));
    layer_folder pieces;
    std::string all;
    record_lines lines;
    for(int i = 0; i != 5; ++i) {
        all += noise(static_cast<std::size_t>(1'000'000 + i));
        lines.bytes(noise(static_cast<std::size_t>(1'000'000 + i)));
    }
    pieces.write("tar-split.json.gz", gzipped(lines.text()));
    BOOST_TEST((read_all(pieces.handle()).bytes == all));
    BOOST_TEST(size_of(pieces) == all.size());
}

BOOST_AUTO_TEST_CASE(symlinks_stay_in_the_layer)
{
    layer_folder f;
    f.file("usr/lib/x", "library");
    for(auto const& [name, target, file, real] : {std::array{"lib", "usr/lib", "lib/y", "usr/lib/y"},
            std::array{"abs", "/usr", "abs/z", "usr/z"}, std::array{"up", "../../../usr", "up/lib/w", "usr/lib/w"}}) {
        f.other(name, tx::tar_type::symlink, target);
        fs::create_directory_symlink(target, f.file_path(name));
        f.headers(plain_header(file, 5));
        f.file_line(file, 5, crc_of("12345"), "12345");
        f.put(real, "12345");
    }
    f.finish();
    check_rebuilt(f);
}

BOOST_AUTO_TEST_CASE(changed_content_is_told_by_its_path_where_asked)
{
    layer_folder f;
    f.file("a", noise(200'000));
    f.file("b", "right");
    f.finish();
    f.put("b", "wrong");
    auto const why = failure_of(f.handle(true), error::digest_mismatch);
    BOOST_TEST(why.subject == f.file_path("b").string());
    BOOST_TEST(why.detail.find("CRC-64") != std::string::npos);
    auto changed = f.archive();
    changed.replace(changed.find("right"), 5, "wrong");
    BOOST_TEST((read_all(f.handle(false)).bytes == changed));
    // of a file that is read in part, nothing can be said
    auto const at = f.archive().find("right");
    BOOST_TEST((read_all(f.handle(true), at + 1).bytes == changed.substr(at + 1)));
    failure_of(f.handle(true), error::digest_mismatch);
    BOOST_TEST((read_all(f.handle(true), at).reason.code == error::digest_mismatch));
}

BOOST_AUTO_TEST_CASE(files_that_changed_are_told)
{
    layer_folder f;
    f.file("before", "b");
    f.file("d/file", noise(1000));
    f.file("after", "a");
    f.finish();
    auto const path = f.file_path("d/file");
    auto const handle = f.handle();
    auto const expect = [&](error_code code) {
        auto const o = read_all(handle);
        BOOST_TEST((o.reason.code == code), tx::message(o.reason));
        BOOST_TEST(o.reason.subject == path.string());
        BOOST_TEST(o.bytes == f.archive().substr(0, 1536));
        return o.reason.detail;
    };
    f.put("d/file", noise(1001));
    BOOST_TEST(expect(error::size_mismatch) == "expected 1000 bytes, found 1001");
    f.put("d/file", noise(999));
    BOOST_TEST(expect(error::size_mismatch) == "expected 1000 bytes, found 999");
    fs::remove(path);
    expect(tx::detail::system_error_code(ENOENT));
    BOOST_REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    expect(error::not_a_regular_file);
    fs::remove(path);
    fs::create_directory(path);
    expect(error::not_a_regular_file);
    fs::remove(path);
    f.put("d/other", noise(1000));
    fs::create_symlink("other", path);
    expect(error::not_a_regular_file);
    fs::remove(path);
    if(::mknod(path.c_str(), S_IFCHR | 0600, makedev(1, 5)) == 0) {
        expect(error::not_a_regular_file);
        fs::remove(path);
    }
    else
        BOOST_TEST_MESSAGE("skipped: a device in a file's place, which only root can make");
    fs::remove_all(path.parent_path());
    expect(tx::detail::system_error_code(ENOENT));
    f.write("layer/diff/d", "a file in a directory's place");
    expect(tx::detail::system_error_code(ENOTDIR));
    // a source that has failed stays so
    auto s = handle.open(0).value();
    read_all(s);
    auto const again = read_all(s);
    BOOST_TEST(again.bytes.empty());
    BOOST_TEST((again.reason.code == tx::detail::system_error_code(ENOTDIR)));
    // the whole layer is gone
    fs::remove_all(f.path() / "layer");
    auto const gone = read_all(handle);
    BOOST_TEST((gone.reason.code == tx::detail::system_error_code(ENOENT)));
    BOOST_TEST(gone.reason.subject == f.tree_path().string());
    fs::remove(f.record_path());
    BOOST_TEST(handle.open(0).error().subject == f.record_path());
}

BOOST_AUTO_TEST_CASE(a_file_that_shrinks_while_it_is_read)
{
    layer_folder f;
    f.file("a", noise(100'000));
    f.finish();
    auto s = f.handle().open(0).value();
    std::string portion(50'000, '\0');
    error_code ec;
    BOOST_TEST(s.read_some(std::as_writable_bytes(std::span(portion)), ec) == portion.size());
    fs::resize_file(f.file_path("a"), 60'000);
    auto const o = read_all(s);
    BOOST_TEST(o.bytes.size() == 60'512 - portion.size());
    BOOST_TEST((o.reason.code == error::size_mismatch));
    BOOST_TEST(o.reason.subject == f.file_path("a").string());
    BOOST_TEST(o.reason.detail == "it became shorter while it was read: expected 100000 bytes, found 60000");
}

BOOST_AUTO_TEST_CASE(what_a_record_says)
{
    layer_folder f;
    f.file("d/file", "content");
    f.finish();
    auto r = tar_split_reader::open(f.record()).value();
    BOOST_TEST(r.next().value());
    BOOST_TEST(!r.entry().is_file);
    BOOST_TEST(r.entry().bytes.size() == 512u);
    BOOST_TEST(r.entry().bytes == f.archive().substr(0, 512));
    BOOST_TEST(r.archive_size() == 512u);
    BOOST_TEST(r.next().value());
    auto const& e = r.entry();
    BOOST_TEST(e.is_file);
    BOOST_TEST(e.bytes.empty());
    BOOST_TEST(e.name == "d/file");
    BOOST_TEST(e.size == 7u);
    BOOST_TEST(e.stored_size == 7u);
    BOOST_TEST_REQUIRE(e.stored.size() == 1u);
    BOOST_TEST((e.stored[0] == tx::byte_range{0, 7}));
    tx::detail::crc64 sum;
    sum.update(tx::to_bytes("content"));
    BOOST_TEST(e.crc == sum.value());
    BOOST_TEST(r.archive_size() == 519u);
    BOOST_TEST(r.next().value());
    BOOST_TEST(!r.next().value());
    BOOST_TEST(!r.next().value());
    BOOST_TEST(r.archive_size() == f.archive().size());
}

BOOST_AUTO_TEST_CASE(no_descriptor_is_left_open)
{
    layer_folder f;
    fill(f);
    auto const before = open_descriptors();
    {
        auto const handle = f.handle();
        auto const copy = handle;
        auto const held = open_descriptors();
        {
            auto s = copy.open(0).value();
            std::string portion(3000, '\0');
            error_code ec;
            s.read_some(std::as_writable_bytes(std::span(portion)), ec);
            BOOST_TEST(open_descriptors() > held);
            auto moved = std::move(s);
            read_all(moved);
        }
        fs::remove(f.file_path("d/large"));
        failure_of(handle, tx::detail::system_error_code(ENOENT));
        BOOST_TEST(open_descriptors() == held);
    }
    BOOST_TEST(open_descriptors() == before);
}
