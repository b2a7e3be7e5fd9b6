//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_COMPRESSION_HPP
#define TAREXPORT_COMPRESSION_HPP

#include <tarexport/error.hpp>

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace tarexport {

/// How a whole archive can be compressed.
enum class compression_format : std::uint8_t { gzip, zstd };

/// Return the name of a format.
constexpr std::string_view name_of(compression_format f) noexcept { return f == compression_format::gzip ? "gzip" : "zstd"; }

/// A format and how hard it tries.
struct archive_compression {
    compression_format format = compression_format::zstd;
    int level = 3; ///< 1 to 9 for gzip, 1 to 19 for zstd: the higher, the smaller and slower

    friend bool operator==(archive_compression const&, archive_compression const&) = default;
};

/** Read `gzip`, `zstd`, or one of them with a level, as in `zstd:19`. Without one it is 6 for gzip and 3 for zstd.
    @return The choice, or `invalid_argument` with the text as subject.
*/
inline result<archive_compression> parse_archive_compression(std::string_view text)
{
    auto const colon = text.find(':');
    auto const name = text.substr(0, colon);
    auto const wrong = [&](std::string what) {
        return failure{make_error_code(boost::system::errc::invalid_argument), std::string(text), std::move(what)};
    };
    bool const gzip = name == name_of(compression_format::gzip);
    if(!gzip && name != name_of(compression_format::zstd))
        return wrong("compression is gzip or zstd, with a level as in zstd:19 or without");
    archive_compression how = gzip ? archive_compression{compression_format::gzip, 6} : archive_compression{compression_format::zstd, 3};
    if(colon == text.npos)
        return how;
    auto const level = text.substr(colon + 1);
    auto const [end, code] = std::from_chars(level.data(), level.data() + level.size(), how.level);
    int const most = gzip ? 9 : 19;
    if(code != std::errc() || end != level.data() + level.size() || how.level < 1 || how.level > most)
        return wrong("the level of " + std::string(name) + " is a number from 1 to " + std::to_string(most));
    return how;
}

} // namespace tarexport

#endif
