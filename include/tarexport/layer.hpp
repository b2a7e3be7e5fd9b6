//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_LAYER_HPP
#define TAREXPORT_LAYER_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/error.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace tarexport {

/** Bytes of an open file: `size` bytes from `offset` of descriptor `fd`.

    Borrows the descriptor; valid as long as the source that gave it.
*/
struct file_extent {
    int fd = -1;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;

    friend bool operator==(file_extent const&, file_extent const&) = default;
};

namespace detail {

template<class>
inline constexpr bool is_result = false;
template<class T>
inline constexpr bool is_result<result<T>> = true;

} // namespace detail

/** The bytes of one layer, front to back, read by one thread at a time.

    `s.read_some(b, ec)` puts 1 to `b.size()` bytes at the front of `b` and returns their number;
    returns 0 with `ec` clear at the end, and 0 with `ec` set on an error.
*/
template<class S>
concept layer_source = std::movable<S> && requires(S& s, std::span<std::byte> into, error_code& ec) {
    { s.read_some(into, ec) } -> std::same_as<std::size_t>;
};

/** A layer source that can show its own memory instead of copying.

    `s.view_some(max, ec)` returns 1 to `max` bytes, an empty view with `ec` clear at the end, an empty view
    with `ec` set on an error. The bytes stay valid until the next call that returns some, or until the source dies.
*/
template<class S>
concept view_source = layer_source<S> && requires(S& s, std::size_t max, error_code& ec) {
    { s.view_some(max, ec) } -> std::same_as<bytes_view>;
};

/** A layer source whose remaining bytes may be a range of an open file.

    `s.extent()` returns that range, or nothing where this source has none.
*/
template<class S>
concept extent_source = layer_source<S> && requires(S const& s) {
    { s.extent() } -> std::same_as<std::optional<file_extent>>;
};

/** A source of all bytes of something that can be read anywhere, by several threads at once.

    `s.read_at(b, offset, ec)` of a const source puts 1 to `b.size()` bytes from there at the front of `b` and returns their number; 0 at the
    end, and on an error. `s.size()` tells how many there are.
*/
template<class S>
concept positional_source = layer_source<S> && requires(S const& s, std::span<std::byte> into, std::uint64_t offset, error_code& ec) {
    { s.read_at(into, offset, ec) } -> std::same_as<std::size_t>;
    { s.size() } -> std::same_as<std::uint64_t>;
};

/// Anything that can say what it is, for an error: a path, say.
template<class T>
concept has_subject = requires(T const& t) {
    { t.subject() } -> std::convertible_to<std::string>;
};

namespace detail {

template<class T>
std::string subject_of(T const& t, std::string otherwise)
{
    if constexpr(has_subject<T>)
        return t.subject();
    else
        return otherwise;
}

} // namespace detail

/// A source that can tell all about its last error, where a code and a subject would leave out what was found.
template<class S>
concept has_reason = layer_source<S> && requires(S const& s) {
    { s.reason() } -> std::convertible_to<failure>;
};

/// Part of `layer_handle`: `l.info()` tells identity and exact size without reading the layer.
template<class L>
concept has_info = requires(L const& l) {
    { l.info() } -> std::convertible_to<descriptor const&>;
};

/// Part of `layer_handle`: `l.open(offset)` starts reading at a byte position.
template<class L>
concept opens = requires(L const& l, std::uint64_t offset) {
    l.open(offset);
    requires detail::is_result<decltype(l.open(offset))>;
};

/// The type of source that a handle opens.
template<opens L>
using source_of = typename decltype(std::declval<L const&>().open(std::uint64_t{}))::value_type;

/** A lease on one blob of a store: as long as it lives, the blob can be opened, again and again.

    `l.info()` is the blob's descriptor: the digest of the bytes as stored and their exact size. `l.open(offset)`
    returns `result<Source>`, a source of the bytes from `offset` on. The destructor gives the lease back.

    Handles of one store are opened, and their sources read, by several threads at the same time; any one source by one thread.
*/
template<class L>
concept layer_handle = std::movable<L> && has_info<L> && opens<L> && layer_source<source_of<L>>;

/// Explain, one sentence a mistake, why a type is no layer handle.
template<class L>
consteval bool explain_layer_handle()
{
    static_assert(std::movable<L>, "layer_handle: must be movable and move-assignable (no reference or const members)");
    static_assert(has_info<L>, "layer_handle: write `descriptor const& info() const`");
    static_assert(opens<L>, "layer_handle: write `result<Source> open(std::uint64_t offset) const`");
    if constexpr(opens<L>) {
        static_assert(std::movable<source_of<L>>, "layer_source: must be movable (no reference or const members)");
        static_assert(layer_source<source_of<L>>,
            "layer_source: write `std::size_t read_some(std::span<std::byte>, error_code&)`");
    }
    return layer_handle<L>;
}

} // namespace tarexport

#endif
