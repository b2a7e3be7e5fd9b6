//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_SINK_HPP
#define TAREXPORT_SINK_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/error.hpp>
#include <tarexport/layer.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tarexport {

/** Where an archive goes, front to back.

    `k.write_some(bytes, ec)` takes the first 1 to `bytes.size()` bytes and returns their number; returns 0 with
    `ec` set on an error. `bytes` is never empty. A sink that returns 0 without an error has stalled, which ends the save.
*/
template<class K>
concept sink = requires(K& k, bytes_view bytes, error_code& ec) {
    { k.write_some(bytes, ec) } -> std::same_as<std::size_t>;
};

/** A sink that takes several pieces in one call (writev).

    As `write_some`, over the pieces one after the other; there is at least one, and none is empty.
*/
template<class K>
concept gather_sink = sink<K> && requires(K& k, std::span<bytes_view const> pieces, error_code& ec) {
    { k.write_some(pieces, ec) } -> std::same_as<std::size_t>;
};

/** A sink that can take bytes of a file without the program touching them.

    `k.copy_some(extent, ec)` takes the first 1 to `extent.size` bytes and returns their number; returns 0 with `ec`
    set to `operation_not_supported` where this pair of files cannot do it (the caller then reads and writes), or to another error.
*/
template<class K>
concept extent_sink = sink<K> && requires(K& k, file_extent extent, error_code& ec) {
    { k.copy_some(extent, ec) } -> std::same_as<std::size_t>;
};

/** A sink whose archive appears only when it is whole.

    `k.commit(ec)` makes it appear; `k.abort()` undoes what can be undone. A driver ends with one of them, called once; after a
    commit that failed it calls `abort` too.
*/
template<class K>
concept committing_sink = sink<K> && requires(K& k, error_code& ec) {
    k.commit(ec);
    { k.abort() } noexcept;
};

/** A committing sink that takes bytes at any position, from several threads at once.

    `k.write_at(position, pieces, ec)` takes bytes as `write_some` does, and puts them `position` bytes after where the first
    `write_some` would put its first. `k.any_order()` tells whether the positions may come in any order and from several threads;
    if not, they come in one thread, each where the last call ended: a sink that keeps what a failed save has written wants that. A
    driver writes to such a sink with `write_at` alone.
*/
template<class K>
concept positional_sink = gather_sink<K> && committing_sink<K> &&
    requires(K& k, K const& c, std::uint64_t position, std::span<bytes_view const> pieces, error_code& ec) {
        { k.write_at(position, pieces, ec) } -> std::same_as<std::size_t>;
        { c.any_order() } -> std::same_as<bool>;
    };

/** A positional sink that can take bytes of a file without the program touching them.

    `k.copy_at(position, extent, ec)`: as `copy_some`, to a position.
*/
template<class K>
concept positional_extent_sink = positional_sink<K> && requires(K& k, std::uint64_t position, file_extent extent, error_code& ec) {
    { k.copy_at(position, extent, ec) } -> std::same_as<std::size_t>;
};

/** A positional sink that can share the blocks of a file, so that the file's bytes are the archive's and nothing is copied.

    `k.clone_at(position, extent, ec)`: as `copy_at`, but where the file's blocks cannot be shared, `ec` is set to
    `operation_not_supported`. A driver that has to read the bytes anyhow, to verify them, asks for this and not for a copy.
*/
template<class K>
concept cloning_sink = positional_extent_sink<K> && requires(K& k, std::uint64_t position, file_extent extent, error_code& ec) {
    { k.clone_at(position, extent, ec) } -> std::same_as<std::size_t>;
};

namespace detail {

// Whether a type has a way to end that its author may take for that of a committing sink.
template<class K>
concept seems_to_commit = requires(K& k, error_code& ec) { k.commit(ec); } || requires(K& k) { k.commit(); } || requires(K& k) { k.abort(); };

// Whether a type has a member that its author may take for that of a positional sink.
template<class K>
concept seems_positional = requires(K const& c) { c.any_order(); };

} // namespace detail

/** Explain, one sentence a mistake, why a type is no sink.

    A `commit`, an `abort` or an `any_order` that would never be called is a mistake, too.
*/
template<class K>
consteval bool explain_sink()
{
    static_assert(sink<K>, "sink: write `std::size_t write_some(bytes_view, error_code&)`");
    static_assert(committing_sink<K> || !detail::seems_to_commit<K>,
        "committing_sink: write `void commit(error_code&)` and `void abort() noexcept`");
    static_assert(positional_sink<K> || !detail::seems_positional<K>,
        "positional_sink: write `std::size_t write_at(std::uint64_t, std::span<bytes_view const>, error_code&)`, "
        "`bool any_order() const`, and what gather_sink and committing_sink want");
    return sink<K>;
}

} // namespace tarexport

#endif
