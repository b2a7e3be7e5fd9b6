//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_SELECTION_HPP
#define TAREXPORT_SELECTION_HPP

#include <tarexport/descriptor.hpp>
#include <tarexport/error.hpp>
#include <tarexport/image.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/reference.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace tarexport {

/// A layer of a selected image: what it is, and the number of its handle.
struct selected_layer {
    descriptor info;
    std::uint32_t lease = 0;
};

/// An image that goes into the archive.
struct selection {
    image config;                       ///< the image, with its config's bytes
    std::vector<reference> tags;        ///< the names it gets, in request order; none for an image named by ID or digest
    std::vector<selected_layer> layers; ///< bottom first, one for each diff ID
    std::optional<descriptor> root;     ///< of the manifest or index that the name stands for, where the store has one
};

/** Decides what an archive holds, and in which order: `l.lay_out(selections)`.

    The same selections give the same plan, whatever the host, user, time, zone and locale.
*/
template<class L>
concept layout_policy = requires(L const& l, std::span<selection const> images) {
    { l.lay_out(images) } -> std::same_as<result<plan>>;
};

/// Explain, one sentence a mistake, why a type is no layout.
template<class L>
consteval bool explain_layout_policy()
{
    static_assert(layout_policy<L>, "layout_policy: write `result<plan> lay_out(std::span<selection const>) const`");
    return layout_policy<L>;
}

} // namespace tarexport

#endif
