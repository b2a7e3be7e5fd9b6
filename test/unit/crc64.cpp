//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/detail/crc64.hpp>

#define BOOST_TEST_MODULE crc64
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using tarexport::to_bytes;
using tarexport::detail::crc64;

namespace {

std::uint64_t sum(std::string_view text)
{
    crc64 c;
    c.update(to_bytes(text));
    return c.value();
}

// The definition, bit by bit.
std::uint64_t slow_sum(std::string_view text)
{
    std::uint64_t crc = ~std::uint64_t{0};
    for(char const c : text) {
        crc ^= static_cast<unsigned char>(c);
        for(int i = 0; i != 8; ++i)
            crc = crc >> 1 ^ ((crc & 1u) != 0 ? 0xD800000000000000u : 0u);
    }
    return ~crc;
}

std::string noise(std::size_t n)
{
    std::string s;
    std::uint32_t x = 1;
    while(s.size() != n) {
        x = x * 1664525u + 1013904223u;
        s.push_back(static_cast<char>(x >> 24));
    }
    return s;
}

} // namespace

BOOST_AUTO_TEST_CASE(known_sums)
{
    BOOST_TEST(sum("") == 0u);
    BOOST_TEST(sum("123456789") == 0xB90956C775A41001u);
    BOOST_TEST(sum("hello world\n") == 0x44E9CF3F572AD9ACu);
}

BOOST_AUTO_TEST_CASE(every_length_is_summed_as_defined)
{
    auto const text = noise(200);
    for(std::size_t n = 0; n != text.size(); ++n)
        BOOST_TEST(sum(text.substr(0, n)) == slow_sum(text.substr(0, n)), n);
    auto const zeros = std::string(100, '\0');
    BOOST_TEST(sum(zeros) == slow_sum(zeros));
}

BOOST_AUTO_TEST_CASE(portions_do_not_matter)
{
    auto const text = noise(1000);
    auto const whole = sum(text);
    for(std::size_t portion = 1; portion != 70; ++portion) {
        crc64 c;
        for(std::size_t at = 0; at < text.size(); at += portion)
            c.update(to_bytes(std::string_view(text).substr(at, portion)));
        BOOST_TEST(c.value() == whole, portion);
    }
}
