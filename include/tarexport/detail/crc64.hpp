//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_CRC64_HPP
#define TAREXPORT_DETAIL_CRC64_HPP

#include <tarexport/bytes.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace tarexport::detail {

/** CRC-64/GO-ISO, as Go's hash/crc64 computes it with its table ISO: the sum that tar-split keeps of each file.

    The sum of nothing is 0, that of "123456789" is B90956C775A41001.
*/
class crc64 {
public:
    /// Add bytes.
    void update(bytes_view bytes) noexcept
    {
        auto crc = ~sum_;
        auto const* p = bytes.data();
        auto n = bytes.size();
        for(; n >= step; n -= step, p += step)
            crc = fold(crc, p, std::make_index_sequence<8>());
        for(; n != 0; --n, ++p)
            crc = tables[0][std::to_integer<unsigned>(*p) ^ static_cast<unsigned>(crc & 0xffu)] ^ crc >> 8;
        sum_ = ~crc;
    }

    /// Return the sum of all bytes so far.
    std::uint64_t value() const noexcept { return sum_; }

private:
    static constexpr std::size_t step = 16;
    using table = std::array<std::uint64_t, 256>;

    // tables[k][b] is what byte b contributes when k more bytes follow it in a step.
    static constexpr std::array<table, step> make_tables() noexcept
    {
        constexpr std::uint64_t polynomial = 0xD800000000000000u; // x^64 + x^4 + x^3 + x + 1, reflected
        std::array<table, step> t{};
        for(std::uint64_t b = 0; b != 256; ++b) {
            auto crc = b;
            for(int bit = 0; bit != 8; ++bit)
                crc = crc >> 1 ^ ((crc & 1u) != 0 ? polynomial : 0u);
            t[0][b] = crc;
        }
        for(std::size_t k = 1; k != step; ++k)
            for(std::size_t b = 0; b != 256; ++b)
                t[k][b] = t[k - 1][b] >> 8 ^ t[0][t[k - 1][b] & 0xffu];
        return t;
    }

    // A step: 16 look-ups that do not wait for one another.
    template<std::size_t... I>
    static std::uint64_t fold(std::uint64_t crc, std::byte const* p, std::index_sequence<I...>) noexcept
    {
        auto const at = [p](std::size_t i) { return std::to_integer<unsigned>(p[i]); };
        return ((tables[15 - I][at(I) ^ static_cast<unsigned>(crc >> 8 * I & 0xffu)] ^ tables[7 - I][at(I + 8)]) ^ ...);
    }

    static std::array<table, step> const tables;

    std::uint64_t sum_ = 0;
};

inline constexpr std::array<crc64::table, crc64::step> crc64::tables = crc64::make_tables();

} // namespace tarexport::detail

#endif
