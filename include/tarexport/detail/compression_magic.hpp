//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_COMPRESSION_MAGIC_HPP
#define TAREXPORT_DETAIL_COMPRESSION_MAGIC_HPP

#include <tarexport/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tarexport::detail {

enum class compression : std::uint8_t { none, gzip, zstd, bzip2, xz };

inline constexpr std::size_t compression_magic_size = 6;

/// Return what compressed a file, by its first bytes: what is called a layer is often labelled wrongly.
inline compression compression_of(bytes_view start) noexcept
{
    using namespace std::string_view_literals;
    auto const text = to_text(start);
    if(text.starts_with("\x1f\x8b\x08"sv))
        return compression::gzip;
    // A frame, or one that decoders skip, as zstd:chunked and seekable files have them.
    bool const skippable = text.size() >= 4 && (text[0] & '\xf0') == '\x50' && text.substr(1, 3) == "\x2a\x4d\x18"sv;
    if(text.starts_with("\x28\xb5\x2f\xfd"sv) || skippable)
        return compression::zstd;
    if(text.starts_with("BZh"sv))
        return compression::bzip2;
    return text.starts_with("\xfd\x37zXZ\0"sv) ? compression::xz : compression::none;
}

/// Return the name, which is also what the media types of layers end in.
constexpr std::string_view name_of(compression c) noexcept
{
    switch(c) {
    case compression::none: return {};
    case compression::gzip: return "gzip";
    case compression::zstd: return "zstd";
    case compression::bzip2: return "bzip2";
    case compression::xz: return "xz";
    }
    return {};
}

} // namespace tarexport::detail

#endif
