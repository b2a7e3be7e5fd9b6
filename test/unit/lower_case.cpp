//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/detail/lower_case.hpp>

#define BOOST_TEST_MODULE lower_case
#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>

using tarexport::detail::is_lower_case;
using tarexport::detail::lower_case_ranges;
using tarexport::detail::to_lower;

BOOST_AUTO_TEST_CASE(ascii)
{
    for(char32_t c = 0; c != 0x80; ++c)
        BOOST_TEST((to_lower(c) == (c >= 'A' && c <= 'Z' ? c + 32 : c)));
    BOOST_TEST(to_lower("Linux/AMD64 [\\]^_`@{") == "linux/amd64 [\\]^_`@{");
    BOOST_TEST(to_lower("").empty());
    BOOST_TEST(is_lower_case(""));
    BOOST_TEST(is_lower_case("abc-1"));
    BOOST_TEST(!is_lower_case("abC"));
}

BOOST_AUTO_TEST_CASE(beyond_ascii)
{
    BOOST_TEST(to_lower("\xc3\x84\xd0\x9f\xce\xa3") == "\xc3\xa4\xd0\xbf\xcf\x83");
    BOOST_TEST(to_lower("\xe2\x84\xaa") == "k", "the Kelvin sign");
    BOOST_TEST(to_lower("\xc4\xb0") == "i", "I with a dot, without the dot that full mappings keep");
    BOOST_TEST((to_lower(U'\u01c5') == U'\u01c6'), "title case");
    BOOST_TEST((to_lower(U'\u1e9e') == U'\u00df'));
    BOOST_TEST((to_lower(U'\U00010400') == U'\U00010428'));
    BOOST_TEST((to_lower(U'\u00d7') == U'\u00d7'), "the multiplication sign lies between letters");
    BOOST_TEST((to_lower(U'\u0101') == U'\u0101'), "lies between upper-case letters");
    BOOST_TEST(is_lower_case("\xc3\xa4\xef\xbf\xbd"));
}

BOOST_AUTO_TEST_CASE(what_is_not_utf8_is_replaced)
{
    for(std::string_view s : {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\x80"})
        BOOST_TEST(!is_lower_case(s));
    BOOST_TEST(to_lower("A\xff") == "a\xef\xbf\xbd");
    BOOST_TEST(to_lower("\xed\xa0\x80") == "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

BOOST_AUTO_TEST_CASE(table_is_in_order)
{
    std::size_t mapped = 0;
    for(std::size_t i = 0; i != lower_case_ranges.size(); ++i) {
        auto const& r = lower_case_ranges[i];
        BOOST_TEST(r.first <= r.last);
        BOOST_TEST((r.stride == 1 || r.stride == 2));
        BOOST_TEST(r.delta != 0);
        if(i != 0)
            BOOST_TEST(lower_case_ranges[i - 1].last < r.first);
        for(auto c = r.first; c <= r.last; c += r.stride, ++mapped) {
            auto const lower = to_lower(static_cast<char32_t>(c));
            BOOST_TEST((lower == static_cast<char32_t>(static_cast<int>(c) + r.delta)));
            BOOST_TEST((to_lower(lower) == lower), "lower case has no lower case");
        }
    }
    BOOST_TEST(mapped == 1407u);
}
