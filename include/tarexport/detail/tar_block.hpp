//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_TAR_BLOCK_HPP
#define TAREXPORT_DETAIL_TAR_BLOCK_HPP

#include <tarexport/bytes.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace tarexport::detail {

/// Where a field of a header block stands.
struct tar_field {
    std::size_t offset;
    std::size_t size;
};

// POSIX.1-1988 ustar, GNU tar's tar.h (old GNU format) and star's star.4 agree on all but the last part.
inline constexpr tar_field tar_name{0, 100};
inline constexpr tar_field tar_mode{100, 8};
inline constexpr tar_field tar_uid{108, 8};
inline constexpr tar_field tar_gid{116, 8};
inline constexpr tar_field tar_size{124, 12};
inline constexpr tar_field tar_mtime{136, 12};
inline constexpr tar_field tar_checksum{148, 8};
inline constexpr tar_field tar_typeflag{156, 1};
inline constexpr tar_field tar_link_name{157, 100};
inline constexpr tar_field tar_magic{257, 8}; // with the version
inline constexpr tar_field tar_uname{265, 32};
inline constexpr tar_field tar_gname{297, 32};
inline constexpr tar_field tar_devmajor{329, 8};
inline constexpr tar_field tar_devminor{337, 8};
inline constexpr tar_field tar_prefix{345, 155};
inline constexpr tar_field gnu_atime{345, 12};
inline constexpr tar_field gnu_ctime{357, 12};
inline constexpr tar_field gnu_sparse{386, 97};
inline constexpr tar_field gnu_real_size{483, 12};
inline constexpr tar_field gnu_more_sparse{0, 505}; // in the blocks that continue a sparse map
inline constexpr tar_field star_prefix{345, 131};
inline constexpr tar_field star_atime{476, 12};
inline constexpr tar_field star_ctime{488, 12};
inline constexpr tar_field star_trailer{508, 4};

inline constexpr std::string_view ustar_magic{"ustar\0" "00", 8};
inline constexpr std::string_view gnu_magic{"ustar  \0", 8};

/// The longest PAX record file and GNU long name that is read or written, as in Go and libarchive.
inline constexpr std::size_t tar_special_limit = 1u << 20;

/// Return whether a text has neither NUL nor bytes above 127.
constexpr bool is_plain_ascii(std::string_view s) noexcept
{
    return std::ranges::all_of(s, [](char c) { return c > 0 && static_cast<unsigned char>(c) < 0x80; });
}

/// Return whether octal digits and a NUL for `n` fit into `size` bytes.
constexpr bool fits_octal(std::size_t size, std::int64_t n) noexcept
{
    return n >= 0 && (size >= 22 || n < std::int64_t(1) << 3 * (size - 1));
}

/// Return whether GNU's binary notation of `n` fits into `size` bytes, the first of which is all sign.
constexpr bool fits_base256(std::size_t size, std::int64_t n) noexcept
{
    if(size >= 9)
        return true;
    auto const limit = std::int64_t(1) << 8 * (size - 1);
    return n >= -limit && n < limit;
}

/// Return the value of a whole text of decimal digits with an optional sign, or nothing.
inline std::optional<std::int64_t> parse_decimal(std::string_view s) noexcept
{
    if(s.size() > 1 && s[0] == '+' && s[1] != '-')
        s.remove_prefix(1);
    std::int64_t n = 0;
    auto const [end, code] = std::from_chars(s.data(), s.data() + s.size(), n);
    if(code != std::errc() || end != s.data() + s.size())
        return std::nullopt;
    return n;
}

/// One block of 512 bytes with the fields of a header.
class tar_block {
public:
    static constexpr std::size_t size = 512;

    std::span<std::byte> bytes() noexcept { return std::as_writable_bytes(std::span(data_)); }

    std::string_view text() const noexcept { return {data_.data(), size}; }

    std::string_view field(tar_field f) const noexcept { return text().substr(f.offset, f.size); }

    char typeflag() const noexcept { return data_[tar_typeflag.offset]; }

    bool is_zero() const noexcept
    {
        return std::ranges::all_of(data_, [](char c) { return c == 0; });
    }

    // The rest of the field keeps its zeros: each field is written once.
    void put(tar_field f, std::string_view s) noexcept
    {
        std::ranges::copy(s.substr(0, f.size), data_.begin() + static_cast<std::ptrdiff_t>(f.offset));
    }

    /** Put the beginning of a text that may be too long, as the fields of extended headers hold it.

        Some readers take a file for a directory if its cut name ends in a slash; so such a slash is dropped.
    */
    void put_beginning(tar_field f, std::string_view s) noexcept
    {
        put(f, s);
        if(s.size() > f.size && s[f.size - 1] == '/') {
            auto const last = s.find_last_not_of('/', f.size - 1);
            data_[f.offset + (last == std::string_view::npos ? 0 : last + 1)] = '\0';
        }
    }

    /// Put octal digits and a NUL; zero where `n` does not fit.
    void put_octal(tar_field f, std::int64_t n) noexcept
    {
        auto rest = fits_octal(f.size, n) ? static_cast<std::uint64_t>(n) : 0u;
        for(std::size_t i = f.size - 1; i-- != 0; rest >>= 3)
            data_[f.offset + i] = static_cast<char>('0' + (rest & 7u));
    }

    /// Put octal digits, or GNU's binary notation where they do not fit.
    void put_number(tar_field f, std::int64_t n) noexcept
    {
        if(fits_octal(f.size, n) || !fits_base256(f.size, n))
            return put_octal(f, n);
        for(std::size_t i = f.size; i-- != 0; n >>= 8)
            data_[f.offset + i] = static_cast<char>(n & 0xff);
        data_[f.offset] = static_cast<char>(data_[f.offset] | 0x80);
    }

    /// Put the magic and the check sum; call it last.
    void seal(std::string_view magic) noexcept
    {
        put(tar_magic, magic);
        put_octal({tar_checksum.offset, 7}, sum<unsigned char>());
        data_[tar_checksum.offset + 7] = ' ';
    }

    /// Return whether the check sum is right, as a sum of unsigned or, as Sun's tar wrote it, of signed bytes.
    bool has_right_sum() const noexcept
    {
        auto const n = octal(tar_checksum);
        return n && (*n == sum<unsigned char>() || *n == sum<signed char>());
    }

    /// Return the text before the first NUL of a field.
    std::string_view c_string(tar_field f) const noexcept
    {
        auto const s = field(f);
        return s.substr(0, s.find('\0'));
    }

    /// Return the value of octal digits between spaces and NULs (zero for none), or nothing.
    std::optional<std::int64_t> octal(tar_field f) const noexcept
    {
        constexpr std::string_view blank{" \0", 2};
        auto s = field(f);
        auto const first = s.find_first_not_of(blank);
        if(first == std::string_view::npos)
            return 0;
        s = s.substr(first, s.find_last_not_of(blank) + 1 - first);
        s = s.substr(0, s.find('\0'));
        std::uint64_t n = 0;
        auto const [end, code] = std::from_chars(s.data(), s.data() + s.size(), n, 8);
        if(code != std::errc() || end != s.data() + s.size())
            return std::nullopt;
        return static_cast<std::int64_t>(n);
    }

    /// Return the value of octal digits or of GNU's binary notation, or nothing.
    std::optional<std::int64_t> number(tar_field f) const noexcept
    {
        auto const s = field(f);
        auto const first = static_cast<unsigned char>(s[0]);
        if((first & 0x80u) == 0)
            return octal(f);
        unsigned const inverse = (first & 0x40u) != 0 ? 0xffu : 0u;
        std::uint64_t n = 0;
        for(std::size_t i = 0; i != s.size(); ++i) {
            if(n >> 56 != 0)
                return std::nullopt;
            unsigned const c = static_cast<unsigned char>(s[i]) ^ inverse;
            n = n << 8 | (i == 0 ? c & 0x7fu : c);
        }
        if(n >> 63 != 0)
            return std::nullopt;
        return inverse != 0 ? ~static_cast<std::int64_t>(n) : static_cast<std::int64_t>(n);
    }

private:
    // The field of the check sum counts as spaces.
    template<class Byte>
    std::int64_t sum() const noexcept
    {
        std::int64_t all = 0;
        if constexpr(std::is_same_v<Byte, unsigned char>)
            all = sum_of_words();
        else
            for(char const c : data_)
                all += static_cast<Byte>(c);
        for(char const c : field(tar_checksum))
            all += ' ' - static_cast<Byte>(c);
        return all;
    }

    // Eight bytes at a time: every file of an image has its sum taken. No lane gets more than 64 * 2 * 255.
    std::int64_t sum_of_words() const noexcept
    {
        constexpr std::uint64_t low_bytes = 0x00ff00ff00ff00ff;
        std::uint64_t lanes = 0;
        for(std::size_t i = 0; i != size; i += sizeof lanes) {
            std::uint64_t word = 0;
            std::memcpy(&word, data_.data() + i, sizeof word);
            lanes += (word & low_bytes) + (word >> 8 & low_bytes);
        }
        std::int64_t n = 0;
        for(; lanes != 0; lanes >>= 16)
            n += static_cast<std::int64_t>(lanes & 0xffff);
        return n;
    }

    std::array<char, size> data_{};
};

} // namespace tarexport::detail

#endif
