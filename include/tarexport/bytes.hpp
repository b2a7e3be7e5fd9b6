//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_BYTES_HPP
#define TAREXPORT_BYTES_HPP

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace tarexport {

/// Borrowed bytes; whoever hands one out says until when it is valid.
using bytes_view = std::span<std::byte const>;

/// Return the bytes of a text; valid as long as the text.
inline bytes_view to_bytes(std::string_view text) noexcept
{
    return std::as_bytes(std::span<char const>(text.data(), text.size()));
}

/// Return bytes as text; valid as long as the bytes. No encoding is implied.
inline std::string_view to_text(bytes_view bytes) noexcept
{
    return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

/** A half-open range of byte positions in an archive: `first` is in it, `last` is not.

    The default is the whole archive, whatever its size.
*/
struct byte_range {
    std::uint64_t first = 0;
    std::uint64_t last = std::numeric_limits<std::uint64_t>::max();

    /// Return the number of bytes. Precondition: `first <= last`.
    constexpr std::uint64_t size() const noexcept { return last - first; }

    friend bool operator==(byte_range const&, byte_range const&) = default;
};

} // namespace tarexport

#endif
