//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_UNSIZED_HPP
#define TAREXPORT_UNSIZED_HPP

#include <tarexport/digest.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/stores.hpp>

#include <concepts>
#include <string>
#include <utility>

namespace tarexport {

// A store that cannot tell how large a layer is before it has read it: one that unpacks, generates or downloads them, say. It is
// no layer store, but `measured` and `spooled` make one of it.

/// Part of `unsized_layer_handle`: `l.open()` starts reading at the front.
template<class L>
concept opens_whole = requires(L const& l) {
    l.open();
    requires detail::is_result<decltype(l.open())>;
};

/// The type of source that an unsized handle opens.
template<opens_whole L>
using whole_source_of = typename decltype(std::declval<L const&>().open())::value_type;

/** A lease on one layer of unknown size: as long as it lives, the layer can be opened, again and again.

    `l.open()` returns `result<Source>`, a source of all its bytes, the same ones every time. The destructor gives the lease back.
*/
template<class L>
concept unsized_layer_handle = std::movable<L> && opens_whole<L> && layer_source<whole_source_of<L>>;

/// An unsized handle may know the digest of its layer beforehand: `l.id()`. It is compared with what is read.
template<class L>
concept tells_id = requires(L const& l) {
    { l.id() } -> std::convertible_to<digest>;
};

/// An unsized handle may know the type of its layer: `l.media_type()`. Without it, a layer is a plain tar archive.
template<class L>
concept tells_media_type = requires(L const& l) {
    { l.media_type() } -> std::convertible_to<std::string>;
};

/// Layers by image, of sizes unknown: as `layer_store`, but `s.layer(image, n)` leases an `unsized_layer_handle`.
template<class S>
concept unsized_layer_store = leases<S> && unsized_layer_handle<handle_of<S>>;

/// Explain, one sentence a mistake, why a type is no unsized layer handle.
template<class L>
consteval bool explain_unsized_layer_handle()
{
    static_assert(std::movable<L>, "unsized_layer_handle: must be movable and move-assignable (no reference or const members)");
    static_assert(opens_whole<L>, "unsized_layer_handle: write `result<Source> open() const`");
    if constexpr(opens_whole<L>) {
        static_assert(std::movable<whole_source_of<L>>, "layer_source: must be movable (no reference or const members)");
        static_assert(layer_source<whole_source_of<L>>,
            "layer_source: write `std::size_t read_some(std::span<std::byte>, error_code&)`");
    }
    return unsized_layer_handle<L>;
}

/// Explain, one sentence a mistake, why a type is no unsized layer store.
template<class S>
consteval bool explain_unsized_layer_store()
{
    static_assert(leases<S>, "unsized_layer_store: write `result<Handle> layer(image const&, std::size_t n) const`");
    if constexpr(leases<S>)
        return tarexport::explain_unsized_layer_handle<handle_of<S>>();
    return false;
}

} // namespace tarexport

#endif
