//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/tar_builder.hpp>

#include <tarexport/tar_header.hpp>

#define BOOST_TEST_MODULE tar_builder
#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

using tarexport::tar_builder;

// The names of a ustar archive, in its order, each with its type.
std::vector<std::string> listing(std::string const& tar)
{
    std::vector<std::string> out;
    for(std::size_t at = 0; tar[at] != '\0';) {
        std::string const name(tar.c_str() + at);
        auto const size = std::strtoull(tar.substr(at + 124, 11).c_str(), nullptr, 8);
        out.push_back(tar[at + 156] + (" " + name));
        at += 512 + static_cast<std::size_t>(tarexport::padded_size(size));
    }
    return out;
}

tarexport::failure mistake(tar_builder& b)
{
    auto r = b.finish();
    BOOST_REQUIRE(!r);
    return r.error();
}

} // namespace

BOOST_AUTO_TEST_CASE(empty_archive_is_two_zero_blocks)
{
    BOOST_TEST(tar_builder().finish().value() == std::string(1024, '\0'));
}

BOOST_AUTO_TEST_CASE(entries_come_in_call_order_with_their_directories_before_them)
{
    auto const tar = tar_builder()
                         .add_executable("/usr/bin/app", "#!")
                         .add_file("usr/bin/b", "")
                         .add_directory("/var")
                         .add_file("/var/x", std::string(512, 'x'))
                         .add_symlink("/app", "usr/bin/app")
                         .finish()
                         .value();
    std::vector<std::string> const expected{
        "5 usr/", "5 usr/bin/", "0 usr/bin/app", "0 usr/bin/b", "5 var/", "0 var/x", "2 app"};
    BOOST_TEST(listing(tar) == expected, boost::test_tools::per_element());
    BOOST_TEST(tar.size() == 512u * (7 + 1 + 1) + 1024u);
}

BOOST_AUTO_TEST_CASE(headers_have_no_trace_of_host_or_clock)
{
    auto const tar = tar_builder().add_executable("/self", "abc").finish().value();
    std::string expected;
    tarexport::append_entry_header(expected, {.name = "self", .size = 3, .mtime = 0, .mode = 0755}).value();
    BOOST_TEST(tar.substr(0, 512) == expected);
    BOOST_TEST(tar.substr(512, 512) == "abc" + std::string(509, '\0'));
}

BOOST_AUTO_TEST_CASE(owner_and_time_can_be_chosen)
{
    auto const tar = tar_builder({.uid = 8, .gid = 9, .mtime = 10}).add_file("d/f", "").finish().value();
    for(std::size_t at : {0u, 512u}) {
        BOOST_TEST(tar.substr(at + 108, 8) == std::string("0000010\0", 8));
        BOOST_TEST(tar.substr(at + 116, 8) == std::string("0000011\0", 8));
        BOOST_TEST(tar.substr(at + 136, 12) == std::string("00000000012\0", 12));
    }
}

BOOST_AUTO_TEST_CASE(long_and_foreign_names_become_pax_records)
{
    auto const name = std::string(120, 'n') + "\xC3\xA9";
    auto const tar = tar_builder().add_file(name, "").finish().value();
    BOOST_TEST(tar[156] == 'x');
    BOOST_TEST(tar.find("path=" + name + "\n") != tar.npos);
}

BOOST_AUTO_TEST_CASE(whiteouts)
{
    auto const tar = tar_builder().add_whiteout("/etc/passwd").add_whiteout("x").finish().value();
    std::vector<std::string> const expected{"5 etc/", "0 etc/.wh.passwd", "0 .wh.x"};
    BOOST_TEST(listing(tar) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(refuses_paths_that_are_none)
{
    for(std::string const path : {"", "/", "//a", "a//b", "a/", ".", "./a", "..", "a/../b", "../a", "/..", "a/."}) {
        tar_builder b;
        b.add_file(path, "x");
        auto const f = mistake(b);
        BOOST_TEST(f.code == boost::system::errc::invalid_argument, path);
        BOOST_TEST(f.subject == path);
        tar_builder whiteout;
        whiteout.add_whiteout(path);
        BOOST_TEST(mistake(whiteout).code == boost::system::errc::invalid_argument, path);
    }
    tar_builder b;
    b.add_directory(std::string("a\0b", 3));
    BOOST_TEST(mistake(b).code == boost::system::errc::invalid_argument);
}

BOOST_AUTO_TEST_CASE(refuses_what_a_file_system_would)
{
    tar_builder twice;
    twice.add_file("a", "1").add_file("/a", "2");
    BOOST_TEST(mistake(twice).code == boost::system::errc::file_exists);
    tar_builder late;
    late.add_file("d/f", "").add_directory("d", 0700);
    BOOST_TEST(mistake(late).subject == "d");
    tar_builder below;
    below.add_symlink("l", "/elsewhere").add_file("l/f", "");
    auto const f = mistake(below);
    BOOST_TEST(f.code == boost::system::errc::not_a_directory);
    BOOST_TEST(f.subject == "l");
    tar_builder nowhere;
    nowhere.add_symlink("l", "");
    BOOST_TEST(mistake(nowhere).code == boost::system::errc::invalid_argument);
    tar_builder mode;
    mode.add_file("f", "", 010000000);
    BOOST_TEST(mistake(mode).code == tarexport::error::unencodable_header);
}

BOOST_AUTO_TEST_CASE(the_first_mistake_stays)
{
    tar_builder b;
    b.add_file("..", "").add_file("ok", "").add_file("ok", "");
    BOOST_TEST(mistake(b).subject == "..");
    BOOST_TEST(mistake(b).subject == "..");
}

BOOST_AUTO_TEST_CASE(after_its_end_an_archive_begins_anew)
{
    tar_builder b;
    auto const first = b.add_file("a", "x").finish().value();
    BOOST_TEST(b.add_file("a", "x").finish().value() == first);
}

BOOST_AUTO_TEST_CASE(tar_programs_read_it)
{
    auto const tar = tar_builder().add_file("d/hello", "hello\n").add_symlink("l", "d/hello").finish().value();
    auto const dir = std::filesystem::temp_directory_path() / "tarexport-tar-builder-test";
    std::filesystem::remove_all(dir);
    std::filesystem::create_directories(dir);
    std::ofstream(dir / "a.tar", std::ios::binary) << tar;
    auto const command = "cd '" + dir.string() + "' && tar xf a.tar && cmp l d/hello && grep -qx hello l";
    BOOST_TEST(std::system(command.c_str()) == 0);
    std::filesystem::remove_all(dir);
}
