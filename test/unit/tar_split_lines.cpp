//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Lines that are read before they are asked for are those that a reader gives, up to the same end.

#include <tarexport/detail/tar_split_lines.hpp>

#define BOOST_TEST_MODULE tar_split_lines
#include <boost/test/unit_test.hpp>

#include "heap_counts.hpp"
#include "tar_split_support.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

using namespace tar_split_tests;

namespace {

struct record : layouts::temporary_folder {
    explicit record(std::string_view text) { write("x.gz", gzipped(text)); }

    tar_split_reader reader() const
    {
        return tar_split_reader::open({tx::shared_directory::open(path().string()).value(), "x.gz"}).value();
    }
};

using line = std::tuple<bool, std::string, std::string, std::uint64_t, std::size_t, std::uint64_t>;

// All lines, and what ended them.
template<class Lines>
std::pair<std::vector<line>, std::string> all_of(Lines lines)
{
    std::vector<line> all;
    for(;;) {
        auto const more = lines.next();
        if(!more || !*more) {
            BOOST_TEST((lines.next().has_error() == more.has_error())); // The end lasts.
            return {all, more ? std::string() : more.error().detail};
        }
        tar_split_entry const& e = lines.entry();
        all.emplace_back(e.is_file, std::string(e.bytes), e.name, e.size, e.stored.size(), e.crc);
    }
}

// Files of a few bytes; one in 100 has a long name, and one in 400 is preceded by many headers.
std::string some_lines(std::size_t files)
{
    record_lines lines;
    for(std::size_t i = 0; i != files; ++i) {
        auto const name = i % 100 == 7 ? std::string(70'000, 'n') + std::to_string(i) : "file" + std::to_string(i);
        std::string before;
        for(std::size_t k = 0; i % 400 == 9 && k != 300; ++k)
            before += plain_header("h", 0);
        lines.bytes(before + plain_header("f" + std::to_string(i), 512));
        lines.file("\"name\":\"" + name + '"', 512, "12345678");
    }
    return lines.text();
}

} // namespace

BOOST_AUTO_TEST_CASE(they_are_those_of_the_reader)
{
    for(std::size_t const files : {0u, 1u, 127u, 128u, 129u, 5000u}) {
        record const r(some_lines(files));
        auto const expected = all_of(r.reader());
        BOOST_TEST(expected.first.size() == 2 * files);
        for(bool const beside : {false, true})
            BOOST_TEST((all_of(tx::detail::tar_split_lines(r.reader(), beside)) == expected));
    }
}

BOOST_AUTO_TEST_CASE(what_ends_a_record_comes_after_its_lines)
{
    for(std::size_t const files : {0u, 1u, 1000u}) {
        record const r(some_lines(files) + "{\"type\":9}\n");
        auto const expected = all_of(r.reader());
        BOOST_TEST(expected.first.size() == 2 * files);
        BOOST_TEST(!expected.second.empty());
        for(bool const beside : {false, true})
            BOOST_TEST((all_of(tx::detail::tar_split_lines(r.reader(), beside)) == expected));
    }
}

// Lines that are long without holding anything, and lines that hold much.
BOOST_AUTO_TEST_CASE(long_lines_are_not_kept_for_long)
{
    auto const lines_of = [](std::size_t count, std::size_t spaces, std::size_t bytes) {
        std::string text;
        for(std::size_t i = 0; i != count; ++i)
            text += "{" + std::string(spaces, ' ') + R"("type":2,"payload":")" + std::string(bytes, 'A') + R"(","position":)" + std::to_string(i) + "}\n";
        return text;
    };
    for(auto const& text : {lines_of(300, 100'000, 4), lines_of(30, 0, 1'000'000)}) {
        record const r(text);
        auto const expected = all_of(r.reader());
        BOOST_TEST(expected.second.empty());
        for(bool const beside : {false, true})
            BOOST_TEST((all_of(tx::detail::tar_split_lines(r.reader(), beside)) == expected));
    }
    // A ring that is full holds a few mebibytes, whatever the lines are like.
    record const r(lines_of(40, 0, 4 << 20));
    auto const before = heap::bytes.load();
    heap::measure_from_here();
    tx::detail::tar_split_lines lines(r.reader(), true);
    for(int i = 0; i != 20; ++i) {
        BOOST_REQUIRE(lines.next().value());
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    BOOST_TEST(heap::most_bytes - before < std::size_t{32} << 20);
}

BOOST_AUTO_TEST_CASE(who_stops_early_does_not_wait)
{
    record const r(some_lines(5000));
    for(std::size_t const read : {0u, 1u, 300u, 3000u}) {
        tx::detail::tar_split_lines lines(r.reader(), true);
        for(std::size_t n = 0; n != read; ++n)
            BOOST_REQUIRE(lines.next().value());
        auto moved = std::move(lines);
        BOOST_TEST(moved.next().value());
    }
}
