//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_SELECTION_HPP
#define TAREXPORT_SELECTION_HPP

#include <tarexport/closure.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/error.hpp>
#include <tarexport/image.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/reference.hpp>

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace tarexport {

/// A layer of a selected image: what it is, and the number of its handle.
struct selected_layer {
    descriptor info;
    std::optional<std::uint32_t> lease; ///< none: it is left out of the archive
};

/// An image that goes into the archive.
struct selection {
    image config;                       ///< the image, with its config's bytes
    std::vector<reference> tags;        ///< the names it gets, in request order, each once, and no other image gets one of them; none for an image named by ID or digest
    std::vector<selected_layer> layers; ///< bottom first, one for each diff ID
    std::optional<descriptor> root;     ///< of the manifest or index that the name stands for, where the store has one

    /// The references with a digest that led to it, in request order.
    std::vector<reference> digest_references = {};

    /// All that the root leads to, as far as it is chosen; only for layouts that keep manifests, where the store has them.
    std::shared_ptr<content_closure const> closure = nullptr;
};

/** Decides what an archive holds, and in which order: `l.lay_out(std::move(selections))`.

    It may take them as a `std::vector<selection>`, and let go of each as soon as it has laid it out, or as a `std::span<selection const>`.

    The same selections give the same plan, whatever the host, user, time, zone and locale.
    One that keeps manifests says so, by a static member `keeps_manifests` that is true, and gets the closures of its selections.
*/
template<class L>
concept layout_policy = requires(L const& l, std::vector<selection> images) {
    { l.lay_out(std::move(images)) } -> std::same_as<result<plan>>;
};

/** A layout that takes the images one by one: `auto a = l.begin_plan(); a.add(std::move(selection)); std::move(a).finish()`.

    `lay_out` gives what `begin_plan`, `add` for each and `finish` do; after one that failed, neither is called again. A saver calls these in place of
    `lay_out`: it adds each image as soon as it is found, so that not all of them are there at once.
*/
template<class L>
concept incremental_layout = layout_policy<L> && requires(L const& l, selection image) {
    { l.begin_plan().add(std::move(image)) } -> std::same_as<result<void>>;
    { l.begin_plan().finish() } -> std::same_as<result<plan>>;
};

/// Whether a layout keeps manifests as the store has them, and so can keep images for several platforms under one name.
template<class L>
inline constexpr bool keeps_manifests = requires { requires L::keeps_manifests; };

/// Explain, one sentence a mistake, why a type is no layout.
template<class L>
consteval bool explain_layout_policy()
{
    static_assert(!requires(L const& l) { l.keeps_manifests; } || requires { std::bool_constant<L::keeps_manifests>(); },
        "layout_policy: write `static constexpr bool keeps_manifests = true;`");
    static_assert(layout_policy<L>, "layout_policy: write `result<plan> lay_out(std::vector<selection>) const`");
    if constexpr(requires(L& l) { l.begin_plan(); }) {
        static_assert(requires(L const& l) { l.begin_plan(); }, "incremental_layout: write `begin_plan() const`");
        static_assert(!requires(L const& l) { l.begin_plan(); } || requires(L const& l, selection image) {
            { l.begin_plan().add(std::move(image)) } -> std::same_as<result<void>>;
        }, "incremental_layout: what `begin_plan()` returns needs `result<void> add(selection)`");
        static_assert(!requires(L const& l) { l.begin_plan(); } || requires(L const& l) {
            { l.begin_plan().finish() } -> std::same_as<result<plan>>;
        }, "incremental_layout: what `begin_plan()` returns needs `result<plan> finish() &&`");
    }
    return layout_policy<L>;
}

} // namespace tarexport

#endif
