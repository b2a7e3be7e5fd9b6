//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_BASE64_HPP
#define TAREXPORT_DETAIL_BASE64_HPP

#include <tarexport/bytes.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tarexport::detail {

inline constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// What a digit contributes at each of the four places of a group. More than 24 bits: no digit.
inline constexpr auto base64_values = [] {
    std::array<std::array<std::uint32_t, 256>, 4> values{};
    for(auto& place : values)
        place.fill(0xff000000u);
    for(std::size_t place = 0; place != 4; ++place)
        for(std::size_t i = 0; i != base64_digits.size(); ++i)
            values[place][static_cast<unsigned char>(base64_digits[i])] = static_cast<std::uint32_t>(i << (18 - 6 * place));
    return values;
}();

/// Append bytes as base64 with padding.
inline void append_base64(std::string& out, bytes_view bytes)
{
    for(std::size_t i = 0; i < bytes.size(); i += 3) {
        auto const at = [&](std::size_t n) {
            return i + n < bytes.size() ? std::to_integer<unsigned>(bytes[i + n]) : 0u;
        };
        unsigned const group = at(0) << 16 | at(1) << 8 | at(2);
        auto const have = bytes.size() - i;
        out.push_back(base64_digits[group >> 18]);
        out.push_back(base64_digits[group >> 12 & 63u]);
        out.push_back(have > 1 ? base64_digits[group >> 6 & 63u] : '=');
        out.push_back(have > 2 ? base64_digits[group & 63u] : '=');
    }
}

/** Decode base64 with padding (RFC 4648, section 4), in place.

    @return The number of bytes, which stand at the front of the text; or nothing where it is not base64, and then the text is spoilt.
*/
inline std::optional<std::size_t> decode_base64(std::span<char> text) noexcept
{
    if(text.size() % 4 != 0)
        return std::nullopt;
    std::string_view const all(text.data(), text.size());
    std::size_t const padding = all.ends_with("==") ? 2 : all.ends_with('=') ? 1 : 0;
    std::size_t const whole = padding == 0 ? all.size() : all.size() - 4;
    std::uint32_t seen = 0;
    char* out = text.data();
    auto const group = [&](std::size_t at, std::size_t digits) {
        std::uint32_t v = 0;
        for(std::size_t i = 0; i != digits; ++i)
            v |= base64_values[i][static_cast<unsigned char>(text[at + i])];
        seen |= v;
        return v;
    };
    std::size_t at = 0;
    // Tar headers are zeros for the greatest part.
    constexpr std::string_view zeros = "AAAAAAAAAAAAAAAA";
    while(at != whole) {
        if(whole - at >= zeros.size() && std::memcmp(text.data() + at, zeros.data(), zeros.size()) == 0) {
            std::memset(out, 0, zeros.size() / 4 * 3);
            out += zeros.size() / 4 * 3;
            at += zeros.size();
            continue;
        }
        auto const v = group(at, 4);
        *out++ = static_cast<char>(v >> 16);
        *out++ = static_cast<char>(v >> 8);
        *out++ = static_cast<char>(v);
        at += 4;
    }
    if(padding != 0) {
        auto const v = group(at, 4 - padding);
        *out++ = static_cast<char>(v >> 16);
        if(padding == 1)
            *out++ = static_cast<char>(v >> 8);
        // Bits beyond the last byte have to be zeros: each bytes have one text.
        if((v & (padding == 1 ? 0xffu : 0xffffu)) != 0)
            return std::nullopt;
    }
    if(seen >> 24 != 0)
        return std::nullopt;
    return static_cast<std::size_t>(out - text.data());
}

} // namespace tarexport::detail

#endif
