//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_TAR_PARSE_HPP
#define TAREXPORT_DETAIL_TAR_PARSE_HPP

#include <tarexport/detail/tar_block.hpp>
#include <tarexport/tar_header.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport::detail {

/// The formats that a header may be of, one bit each.
struct tar_formats {
    static constexpr unsigned ustar = 1, pax = 2, gnu = 4, any = 7;

    unsigned bits = any;

    // What has no mark of its own is ustar.
    tar_format best() const noexcept
    {
        return (bits & ustar) != 0 ? tar_format::ustar
            : (bits & pax) != 0    ? tar_format::pax
            : (bits & gnu) != 0    ? tar_format::gnu
                                   : tar_format::automatic;
    }
};

enum class tar_layout { v7, ustar, star, gnu };

inline tar_layout layout_of(tar_block const& b) noexcept
{
    if(b.field(tar_magic) == gnu_magic)
        return tar_layout::gnu;
    if(!b.field(tar_magic).starts_with(std::string_view("ustar\0", 6)))
        return tar_layout::v7;
    return b.field(star_trailer) == std::string_view("tar\0", 4) ? tar_layout::star : tar_layout::ustar;
}

struct parsed_block {
    tar_header header;
    tar_formats formats{0};
};

/// Reads the numbers of a block and remembers whether one was not a number.
class block_numbers {
public:
    explicit block_numbers(tar_block const& b) noexcept : block_(b) {}

    std::int64_t operator()(tar_field f) noexcept
    {
        auto const n = block_.number(f);
        good_ = good_ && n;
        return n.value_or(0);
    }

    tar_time time(tar_field f) noexcept { return {(*this)(f), 0}; }

    bool good() const noexcept { return good_; }

private:
    tar_block const& block_;
    bool good_ = true;
};

// Readers take more than POSIX allows; what a POSIX writer cannot have written is not called ustar.
inline bool is_strict_ustar(tar_block const& b) noexcept
{
    auto const ends_in_nul = [&](tar_field f) { return b.field(f).back() == '\0'; };
    return std::ranges::all_of(b.text(), [](char c) { return static_cast<unsigned char>(c) < 0x80; })
        && std::ranges::all_of(
            std::initializer_list<tar_field>{
                tar_size, tar_mode, tar_uid, tar_gid, tar_mtime, tar_devmajor, tar_devminor},
            ends_in_nul);
}

// The fields of GNU's format where ustar has its prefix. Go before 1.8 put a prefix there all the same;
// so what is not two times is taken for one. Returns it.
inline std::string_view parse_gnu_part(tar_block const& b, parsed_block& p)
{
    block_numbers number(b);
    p.formats.bits = tar_formats::gnu;
    if(b.field(gnu_atime)[0] != '\0')
        p.header.atime = number.time(gnu_atime);
    if(b.field(gnu_ctime)[0] != '\0')
        p.header.ctime = number.time(gnu_ctime);
    if(number.good())
        return {};
    p.header.atime.reset();
    p.header.ctime.reset();
    p.formats.bits = 0;
    auto const prefix = b.c_string(tar_prefix);
    return detail::is_plain_ascii(prefix) ? prefix : std::string_view();
}

/// Return the header in a block, or nothing if the block is no header.
inline std::optional<parsed_block> parse_block(tar_block const& b)
{
    if(!b.has_right_sum())
        return std::nullopt;
    block_numbers number(b);
    parsed_block p;
    auto& h = p.header;
    h.typeflag = b.typeflag();
    h.name = b.c_string(tar_name);
    h.link_name = b.c_string(tar_link_name);
    h.size = number(tar_size);
    h.mode = number(tar_mode);
    h.uid = number(tar_uid);
    h.gid = number(tar_gid);
    h.mtime = number.time(tar_mtime);
    auto const layout = detail::layout_of(b);
    if(layout != tar_layout::v7) {
        h.uname = b.c_string(tar_uname);
        h.gname = b.c_string(tar_gname);
        h.devmajor = number(tar_devmajor);
        h.devminor = number(tar_devminor);
    }
    std::string_view prefix;
    switch(layout) {
    case tar_layout::v7: break;
    case tar_layout::ustar:
        prefix = b.c_string(tar_prefix);
        p.formats.bits = detail::is_strict_ustar(b) ? tar_formats::ustar | tar_formats::pax : 0;
        break;
    case tar_layout::star:
        prefix = b.c_string(star_prefix);
        h.atime = number.time(star_atime);
        h.ctime = number.time(star_ctime);
        break;
    case tar_layout::gnu: prefix = detail::parse_gnu_part(b, p); break;
    }
    if(!prefix.empty())
        h.name = std::string(prefix) + "/" + h.name;
    if(!number.good())
        return std::nullopt;
    return p;
}

/// Return a time of PAX, decimal seconds with an optional fraction, or nothing.
inline std::optional<tar_time> parse_pax_time(std::string_view s) noexcept
{
    auto const dot = s.find('.');
    auto const whole = s.substr(0, dot);
    auto const fraction = dot == s.npos ? std::string_view() : s.substr(dot + 1);
    auto const seconds = detail::parse_decimal(whole);
    if(!seconds || !std::ranges::all_of(fraction, [](char c) { return c >= '0' && c <= '9'; }))
        return std::nullopt;
    std::uint32_t nanoseconds = 0;
    for(std::size_t i = 0; i != 9; ++i)
        nanoseconds = nanoseconds * 10 + (i < fraction.size() ? static_cast<std::uint32_t>(fraction[i] - '0') : 0u);
    if(nanoseconds == 0 || whole[0] != '-')
        return tar_time{*seconds, nanoseconds};
    auto const before = static_cast<std::int64_t>(static_cast<std::uint64_t>(*seconds) - 1u);
    return tar_time{before, 1'000'000'000u - nanoseconds};
}

struct pax_record {
    std::string_view key;
    std::string_view value;
};

/// Cut the first record off a text. @return It, or nothing if the text does not begin with one.
inline std::optional<pax_record> cut_record(std::string_view& text) noexcept
{
    auto const space = text.find(' ');
    if(space == text.npos)
        return std::nullopt;
    auto const length = detail::parse_decimal(text.substr(0, space));
    if(!length || *length < 5 || static_cast<std::uint64_t>(*length) > text.size())
        return std::nullopt;
    auto const size = static_cast<std::size_t>(*length);
    if(size <= space + 1 || text[size - 1] != '\n')
        return std::nullopt;
    auto const record = text.substr(space + 1, size - space - 2);
    text.remove_prefix(size);
    auto const equals = record.find('=');
    if(equals == record.npos)
        return std::nullopt;
    pax_record const r{record.substr(0, equals), record.substr(equals + 1)};
    if(!detail::is_valid_record(r.key, r.value))
        return std::nullopt;
    return r;
}

/** Return the records of an extended header, or nothing if one is malformed.

    The list of extents of GNU's sparse format 0.0, which repeats keywords, is returned as format 0.1 writes it.
*/
inline std::optional<pax_records> parse_records(std::string_view text)
{
    pax_records records;
    std::string map;
    std::size_t numbers = 0;
    while(!text.empty()) {
        auto const r = detail::cut_record(text);
        if(!r)
            return std::nullopt;
        bool const is_offset = r->key == "GNU.sparse.offset";
        if(!is_offset && r->key != "GNU.sparse.numbytes") {
            records.insert_or_assign(std::string(r->key), std::string(r->value));
            continue;
        }
        if(is_offset != (numbers % 2 == 0) || r->value.find(',') != r->value.npos)
            return std::nullopt;
        map.append(numbers++ == 0 ? "" : ",").append(r->value);
    }
    if(numbers != 0)
        records.insert_or_assign("GNU.sparse.map", std::move(map));
    return records;
}

/// Return the value of a record, empty if there is none.
inline std::string_view find_record(pax_records const& records, std::string_view key) noexcept
{
    auto const found = records.find(key);
    return found == records.end() ? std::string_view() : std::string_view(found->second);
}

/// Let records replace the fields of a header. @return Whether those for numbers and times hold some.
inline bool apply_records(tar_header& h, pax_records const& records)
{
    bool good = true;
    auto const text = [&](std::string_view key, std::string& field) {
        if(auto const v = detail::find_record(records, key); !v.empty())
            field = v;
    };
    auto const number = [&](std::string_view key, std::int64_t& field) {
        auto const v = detail::find_record(records, key);
        auto const n = detail::parse_decimal(v);
        good = good && (n || v.empty());
        field = n.value_or(field);
    };
    auto const time = [&](std::string_view key, std::optional<tar_time>& field) {
        auto const v = detail::find_record(records, key);
        if(v.empty())
            return;
        field = detail::parse_pax_time(v);
        good = good && field;
    };
    text("path", h.name);
    text("linkpath", h.link_name);
    text("uname", h.uname);
    text("gname", h.gname);
    number("uid", h.uid);
    number("gid", h.gid);
    number("size", h.size);
    time("mtime", h.mtime);
    time("atime", h.atime);
    time("ctime", h.ctime);
    return good;
}

/// Bytes of a sparse file that are in the archive; the others are zeros.
struct sparse_extent {
    std::int64_t offset = 0;
    std::int64_t size = 0;

    std::int64_t end() const noexcept { return offset + size; }
};

using sparse_map = std::vector<sparse_extent>;

/// Return whether extents are in order, apart, and within a file of `size` bytes.
inline bool is_valid_map(sparse_map const& map, std::int64_t size) noexcept
{
    std::int64_t before = 0;
    for(auto const& e : map) {
        if(e.offset < before || e.size < 0 || e.offset > std::numeric_limits<std::int64_t>::max() - e.size)
            return false;
        before = e.end();
    }
    return before <= size;
}

/// The sparse formats of GNU tar that PAX records announce.
enum class pax_sparse { none, in_records, in_data };

inline pax_sparse sparse_format(pax_records const& records) noexcept
{
    auto const major = detail::find_record(records, "GNU.sparse.major");
    auto const minor = detail::find_record(records, "GNU.sparse.minor");
    if(major == "1" && minor == "0")
        return pax_sparse::in_data;
    bool const named = major == "0" && (minor == "0" || minor == "1");
    bool const unnamed = major.empty() && minor.empty() && !detail::find_record(records, "GNU.sparse.map").empty();
    return named || unnamed ? pax_sparse::in_records : pax_sparse::none;
}

/// Return the number of extents that a text states, or nothing.
inline std::optional<std::uint64_t> parse_extent_count(std::string_view s) noexcept
{
    auto const n = detail::parse_decimal(s);
    if(!n || *n < 0 || *n > std::numeric_limits<std::int64_t>::max() / 2)
        return std::nullopt;
    return static_cast<std::uint64_t>(*n);
}

/// Return `count` extents, whose numbers each end in `separator` (the last may not), or nothing.
inline std::optional<sparse_map> parse_extents(std::string_view text, std::uint64_t count, char separator)
{
    sparse_map map;
    auto const cut = [&text, separator] {
        auto const end = std::min(text.find(separator), text.size());
        auto const n = detail::parse_decimal(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        return n;
    };
    for(; count != 0; --count) {
        auto const offset = cut();
        auto const size = cut();
        if(!offset || !size)
            return std::nullopt;
        map.push_back({*offset, *size});
    }
    return map;
}

/// Return the extents that stand in records, or nothing if these are malformed.
inline std::optional<sparse_map> parse_map_in_records(pax_records const& records)
{
    auto const text = detail::find_record(records, "GNU.sparse.map");
    auto const count = detail::parse_extent_count(detail::find_record(records, "GNU.sparse.numblocks"));
    auto const numbers = text.empty() ? 0 : static_cast<std::uint64_t>(std::ranges::count(text, ',')) + 1;
    if(!count || numbers != 2 * *count)
        return std::nullopt;
    return detail::parse_extents(text, *count, ',');
}

/// Add the extents of a block of the old GNU format. @return Whether another block follows, or nothing if malformed.
inline std::optional<bool> append_gnu_extents(sparse_map& map, tar_block const& b, tar_field list)
{
    constexpr std::size_t width = 12;
    auto const count = list.size / (2 * width);
    for(std::size_t i = 0; i != count; ++i) {
        tar_field const offset{list.offset + 2 * width * i, width};
        if(b.field(offset)[0] == '\0')
            break;
        auto const from = b.number(offset);
        auto const size = b.number({offset.offset + width, width});
        if(!from || !size)
            return std::nullopt;
        map.push_back({*from, *size});
    }
    return b.text()[list.offset + 2 * width * count] != '\0';
}

} // namespace tarexport::detail

#endif
