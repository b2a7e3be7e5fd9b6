//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_UTF8_HPP
#define TAREXPORT_DETAIL_UTF8_HPP

#include <cstddef>
#include <string>
#include <string_view>

namespace tarexport::detail {

inline constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

constexpr unsigned byte_at(std::string_view s, std::size_t i) noexcept
{
    return i < s.size() ? static_cast<unsigned char>(s[i]) : 0u;
}

/** Return the length of the UTF-8 sequence that `s` begins with (Unicode 15, table 3-7); 0 if it is none.

    Overlong forms, surrogates and code points beyond U+10FFFF are none.
*/
constexpr std::size_t utf8_length(std::string_view s) noexcept
{
    auto const is_tail = [&](std::size_t i) { return (byte_at(s, i) & 0xC0u) == 0x80u; };
    unsigned const first = byte_at(s, 0), second = byte_at(s, 1);
    if(first < 0x80)
        return s.empty() ? 0 : 1;
    if(first < 0xC2 || first > 0xF4 || !is_tail(1))
        return 0;
    if(first < 0xE0)
        return 2;
    if((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) || !is_tail(2))
        return 0;
    if(first < 0xF0)
        return 3;
    if((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F) || !is_tail(3))
        return 0;
    return 4;
}

/// Append a code point that is no surrogate.
inline void append_utf8(std::string& out, char32_t c)
{
    auto const put = [&](char32_t b) { out.push_back(static_cast<char>(b)); };
    if(c < 0x80) {
        put(c);
    }
    else if(c < 0x800) {
        put(0xC0 | c >> 6);
        put(0x80 | (c & 0x3F));
    }
    else if(c < 0x10000) {
        put(0xE0 | c >> 12);
        put(0x80 | (c >> 6 & 0x3F));
        put(0x80 | (c & 0x3F));
    }
    else {
        put(0xF0 | c >> 18);
        put(0x80 | (c >> 12 & 0x3F));
        put(0x80 | (c >> 6 & 0x3F));
        put(0x80 | (c & 0x3F));
    }
}

} // namespace tarexport::detail

#endif
