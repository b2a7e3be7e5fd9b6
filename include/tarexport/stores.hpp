//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_STORES_HPP
#define TAREXPORT_STORES_HPP

#include <tarexport/descriptor.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/image.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/reference.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport {

/// One row of what a store has.
struct listed_image {
    digest id;                    ///< the image ID
    std::vector<reference> names; ///< empty for an untagged image

    friend bool operator==(listed_image const&, listed_image const&) = default;
};

// The parts of the store concepts. All members are const and may be called from several threads.

/// `s.load(id)` returns the image with this ID, or `unknown_image`.
template<class S>
concept loads = requires(S const& s, digest const& id) {
    { s.load(id) } -> std::same_as<result<image>>;
};

/// `s.search(prefix)` returns the one image ID that starts with these hexadecimal digits (`sha256:` may stand before
/// them), or `unknown_image` or `ambiguous_id`.
template<class S>
concept searches = requires(S const& s, std::string_view prefix) {
    { s.search(prefix) } -> std::same_as<result<digest>>;
};

/** `s.lookup(ref)` returns the ID of the image that has this name, or `unknown_reference`; where `ref` has a digest, the
    digest alone counts. `s.by_name(ref)` returns every tag and every digest reference of the repository,
    sorted by their full text; none is an empty list.
*/
template<class S>
concept looks_up = requires(S const& s, reference const& ref) {
    { s.lookup(ref) } -> std::same_as<result<digest>>;
    { s.by_name(ref) } -> std::same_as<result<std::vector<reference>>>;
};

/** Optional: `s.parse_name(text)` reads what a user typed as the store's engine does, where that has rules of its own, and returns
    a `result<image_name>` with names as the store has them. For others, `parse_image_name` reads it.
*/
template<class S>
concept parses_names = requires(S const& s, std::string_view text) {
    { s.parse_name(text) } -> std::same_as<result<image_name>>;
};

/// `s.layer(image, n)` returns a `result<Handle>`: a lease on layer `n` of the image, counted from the bottom, from 0.
template<class S>
concept leases = requires(S const& s, image const& i, std::size_t n) {
    s.layer(i, n);
    requires detail::is_result<decltype(s.layer(i, n))>;
};

/// The type of handle that a layer store leases.
template<leases S>
using handle_of = typename decltype(std::declval<S const&>().layer(std::declval<image const&>(), std::size_t{}))::value_type;

/// `s.root(ref)` returns the descriptor that a name stands for, of a manifest or an index: `unknown_reference` or `ambiguous_reference` if not one.
template<class S>
concept has_roots = requires(S const& s, reference const& ref) {
    { s.root(ref) } -> std::same_as<result<descriptor>>;
};

/// `s.blob(d)` returns a `result<Handle>`: a lease on any blob, or `missing_blob`.
template<class S>
concept has_blobs = requires(S const& s, descriptor const& d) {
    s.blob(d);
    requires detail::is_result<decltype(s.blob(d))>;
};

/// `s.manifest_of(id)` returns the descriptor of a manifest of the image with this ID, or `unknown_image`.
template<class S>
concept has_manifests = requires(S const& s, digest const& id) {
    { s.manifest_of(id) } -> std::same_as<result<descriptor>>;
};

/** Optional, for content stores: `s.load_image(d)` returns the image of a manifest as `load` would. Write it where `layer` leases others than
    the blobs that manifests list: those of an engine that keeps layers unpacked. For others, the function `load_image` reads the manifest.
*/
template<class S>
concept loads_by_manifest = requires(S const& s, descriptor const& d) {
    { s.load_image(d) } -> std::same_as<result<image>>;
};

/// Optional: `s.parent_of(id)` returns the image that an image was built on, where the store knows it though no manifest tells.
template<class S>
concept tells_parents = requires(S const& s, digest const& id) {
    { s.parent_of(id) } -> std::same_as<std::optional<digest>>;
};

/// Images by their IDs.
template<class S>
concept image_store = loads<S> && searches<S>;

/// Image IDs by names.
template<class S>
concept reference_store = looks_up<S>;

/// Layers by image, each with its exact size known before it is read.
template<class S>
concept layer_store = leases<S> && layer_handle<handle_of<S>>;

/// Manifests and indexes as they are stored. Resolving walks them and chooses platforms.
template<class S>
concept content_store = has_roots<S> && has_blobs<S>;

/** A content store whose layers are the blobs that its manifests list, leased alike, so that an archive can hold a manifest as it is.

    Layouts that keep manifests take them from such a store. Where it also models `has_manifests`, those of images named by ID too.
*/
template<class S>
concept blob_store = content_store<S> && leases<S> && !loads_by_manifest<S> &&
    requires(S const& s, descriptor const& d, image const& i, std::size_t n)
{
    requires std::same_as<decltype(s.blob(d)), decltype(s.layer(i, n))>;
};

/// A store that can tell all it has, for listings and for saving everything.
template<class S>
concept listing_store = requires(S const& s) {
    { s.list() } -> std::same_as<result<std::vector<listed_image>>>;
};

/// All that a saver needs of a store.
template<class S>
concept store = image_store<S> && reference_store<S> && layer_store<S>;

/// Explain, one sentence a mistake, why a type is no image store.
template<class S>
consteval bool explain_image_store()
{
    static_assert(loads<S>, "image_store: write `result<image> load(digest const& id) const`");
    static_assert(searches<S>, "image_store: write `result<digest> search(std::string_view prefix) const`");
    return image_store<S>;
}

/// Explain, one sentence a mistake, why a type is no reference store.
template<class S>
consteval bool explain_reference_store()
{
    static_assert(looks_up<S>, "reference_store: write `result<digest> lookup(reference const&) const` and "
                               "`result<std::vector<reference>> by_name(reference const&) const`");
    return reference_store<S>;
}

/// Explain, one sentence a mistake, why a type is no layer store.
template<class S>
consteval bool explain_layer_store()
{
    static_assert(leases<S>, "layer_store: write `result<Handle> layer(image const&, std::size_t n) const`");
    if constexpr(leases<S>)
        return tarexport::explain_layer_handle<handle_of<S>>();
    return false;
}

/// Explain, one sentence a mistake, why a type is no store.
template<class S>
consteval bool explain_store()
{
    // Each in a statement of its own, so that all mistakes are told at once.
    bool const images = tarexport::explain_image_store<S>();
    bool const references = tarexport::explain_reference_store<S>();
    bool const layers = tarexport::explain_layer_store<S>();
    return images && references && layers;
}

/** Three stores as one: images here, names there, layers elsewhere.

    Borrows all three, which must outlive it.
*/
template<image_store Images, reference_store References, layer_store Layers>
class stores {
public:
    /// Construct from stores that outlive this object.
    stores(Images const& images, References const& references, Layers const& layers) noexcept
        : images_(&images)
        , references_(&references)
        , layers_(&layers)
    {
    }

    result<image> load(digest const& id) const { return images_->load(id); }
    result<digest> search(std::string_view prefix) const { return images_->search(prefix); }
    result<digest> lookup(reference const& ref) const { return references_->lookup(ref); }
    result<std::vector<reference>> by_name(reference const& ref) const { return references_->by_name(ref); }
    result<image_name> parse_name(std::string_view text) const
    requires parses_names<References>
    {
        return references_->parse_name(text);
    }
    auto layer(image const& i, std::size_t n) const { return layers_->layer(i, n); }

private:
    Images const* images_;
    References const* references_;
    Layers const* layers_;
};

} // namespace tarexport

#endif
