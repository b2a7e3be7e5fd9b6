//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_INFLATER_HPP
#define TAREXPORT_INFLATER_HPP

#include <tarexport/bytes.hpp>

#include <concepts>
#include <cstddef>
#include <span>

namespace tarexport {

/// What an inflater has come to.
enum class inflate_status {
    more,   ///< it needs more bytes, or more room
    end,    ///< the member has ended, and its sum and size are right
    damaged ///< the bytes are no gzip member
};

/** Inflates one member of a gzip file (RFC 1952): its header, the deflated data, the sum and the size behind them.

    `i.inflate(in, out)` takes from the front of `in` what it has used, and from the front of `out` what it has filled; with `more`, one of
    the two is empty then. What was used behind the member's last byte is given back. An empty `in` means that there are no more bytes: what is
    still inside comes out.

    A choice made at compile time by who decompresses layers (`expanded_store`), and at run time of those who read an engine's records
    (`tar_split_options`).
*/
template<class I>
concept inflater = std::default_initializable<I> && std::movable<I> && requires(I& i, bytes_view& in, std::span<std::byte>& out) {
    { i.inflate(in, out) } -> std::same_as<inflate_status>;
};

/// Explain, one sentence a mistake, why a type is no inflater.
template<class I>
consteval bool explain_inflater()
{
    static_assert(std::default_initializable<I>, "inflater: must have a default constructor, which begins a member");
    static_assert(std::movable<I>, "inflater: must be movable and move-assignable (no reference or const members)");
    static_assert(requires(I& i, bytes_view& in, std::span<std::byte>& out) {
        { i.inflate(in, out) } -> std::same_as<inflate_status>;
    }, "inflater: write `inflate_status inflate(bytes_view& in, std::span<std::byte>& out)`");
    return inflater<I>;
}

} // namespace tarexport

#endif
