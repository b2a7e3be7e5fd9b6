//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include "../../example/engine/range.hpp"

#define BOOST_TEST_MODULE engine_range
#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <ostream>
#include <string>

using engine::range_answer;

namespace engine {

std::ostream& operator<<(std::ostream& os, wanted_range const& w)
{
    return os << static_cast<int>(w.answer) << ": " << w.bytes.first << " to " << w.bytes.last;
}

} // namespace engine

namespace {

engine::wanted_range part(std::uint64_t first, std::uint64_t last) { return {range_answer::part, {first, last}}; }

constexpr engine::wanted_range whole{};
constexpr engine::wanted_range unsatisfiable{range_answer::unsatisfiable, {}};
constexpr char etag[] = "\"sha256:5a\"";

} // namespace

BOOST_AUTO_TEST_CASE(a_range_is_cut_to_the_size)
{
    BOOST_TEST(engine::parse_range("bytes=0-0", 10) == part(0, 1));
    BOOST_TEST(engine::parse_range("bytes=0-9", 10) == part(0, 10));
    BOOST_TEST(engine::parse_range("bytes=0-99", 10) == part(0, 10));
    BOOST_TEST(engine::parse_range("bytes=3-5", 10) == part(3, 6));
    BOOST_TEST(engine::parse_range("bytes=9-", 10) == part(9, 10));
    BOOST_TEST(engine::parse_range("bytes=0-", 10) == part(0, 10));
    BOOST_TEST(engine::parse_range("bytes=-1", 10) == part(9, 10));
    BOOST_TEST(engine::parse_range("bytes=-10", 10) == part(0, 10));
    BOOST_TEST(engine::parse_range("bytes=-11", 10) == part(0, 10));
    BOOST_TEST(engine::parse_range(" Bytes = 3-5 ", 10) == part(3, 6));
}

BOOST_AUTO_TEST_CASE(numbers_may_be_as_large_as_they_like)
{
    std::string const digits(1000, '9');
    BOOST_TEST(engine::parse_range("bytes=1-" + digits, 10) == part(1, 10));
    BOOST_TEST(engine::parse_range("bytes=-" + digits, 10) == part(0, 10));
    BOOST_TEST(engine::parse_range("bytes=" + digits + "-", 10) == unsatisfiable);
    BOOST_TEST(engine::parse_range("bytes=1-18446744073709551615", 10) == part(1, 10));
    BOOST_TEST(engine::parse_range("bytes=1-18446744073709551616", 10) == part(1, 10));
    BOOST_TEST(engine::parse_range("bytes=0-18446744073709551614", UINT64_MAX) == part(0, UINT64_MAX));
}

BOOST_AUTO_TEST_CASE(what_is_no_range_of_these_bytes_is_unsatisfiable)
{
    for(auto const* const field : {"bytes=10-", "bytes=10-12", "bytes=-0", "bytes=5-4", "bytes=", "bytes=-", "bytes=a-b", "bytes=1",
            "bytes=1-2-3", "bytes=--1", "bytes=+1-2", "bytes=1 -2", "bytes=0x1-2", "bytes", "bytes=0-1,3-4", "bytes=0-,-1", "bytes=1-a"})
        BOOST_TEST(engine::parse_range(field, 10) == unsatisfiable, field);
    BOOST_TEST(engine::parse_range("bytes=0-", 0) == unsatisfiable);
    BOOST_TEST(engine::parse_range("bytes=-1", 0) == unsatisfiable);
}

BOOST_AUTO_TEST_CASE(other_units_are_ignored)
{
    for(auto const* const field : {"", "lines=1-2", "byte=1-2", "bytess=1-2", "=1-2", "none"})
        BOOST_TEST(engine::parse_range(field, 10) == whole, field);
}

BOOST_AUTO_TEST_CASE(only_the_same_strong_tag_lets_a_range_count)
{
    BOOST_TEST(engine::if_range_holds(etag, etag));
    BOOST_TEST(engine::if_range_holds(std::string(" ") + etag, etag));
    for(auto const* const field : {"", "\"sha256:5b\"", "W/\"sha256:5a\"", "sha256:5a", "*", "Thu, 26 Nov 2026 19:27:00 GMT"})
        BOOST_TEST(!engine::if_range_holds(field, etag), field);
}

BOOST_AUTO_TEST_CASE(a_list_of_tags_is_searched)
{
    for(auto const* const field : {"*", "\"sha256:5a\"", "\"a\", \"sha256:5a\"", "\"a,b\" ,\"sha256:5a\",\"c\"", "W/\"a\", \"sha256:5a\""})
        BOOST_TEST((engine::lists_etag(field, etag, true) && engine::lists_etag(field, etag, false)), field);
    for(auto const* const field : {"", "\"a\"", "\"a\" \"sha256:5a\"", "sha256:5a", "\"sha256:5a", "\"a,\"sha256:5a\"", ",\"sha256:5a\""})
        BOOST_TEST(!engine::lists_etag(field, etag, true), field);
    BOOST_TEST(engine::lists_etag("W/\"sha256:5a\"", etag, true));
    BOOST_TEST(!engine::lists_etag("W/\"sha256:5a\"", etag, false));
}
