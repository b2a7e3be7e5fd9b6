//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_STORE_ADAPTOR_HPP
#define TAREXPORT_DETAIL_STORE_ADAPTOR_HPP

#include <tarexport/descriptor.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/image.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/stores.hpp>

#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tarexport::detail {

/** All of another store but its layers. `S` is the store's type, which is then kept, or a reference to a const one, which is borrowed.

    Has those members that the other has.
*/
template<class S>
class store_adaptor {
public:
    using underlying_store = std::remove_cvref_t<S>;

    explicit store_adaptor(underlying_store const& s)
    requires std::is_reference_v<S>
        : store_(std::addressof(s))
    {
    }

    explicit store_adaptor(underlying_store&& s)
    requires(!std::is_reference_v<S>)
        : store_(std::move(s))
    {
    }

    /// Return the store that this completes.
    underlying_store const& underlying() const noexcept
    {
        if constexpr(std::is_reference_v<S>)
            return *store_;
        else
            return store_;
    }

    result<image> load(digest const& id) const
    requires loads<underlying_store>
    {
        return underlying().load(id);
    }

    result<digest> search(std::string_view prefix) const
    requires searches<underlying_store>
    {
        return underlying().search(prefix);
    }

    result<digest> lookup(reference const& ref) const
    requires looks_up<underlying_store>
    {
        return underlying().lookup(ref);
    }

    result<std::vector<reference>> by_name(reference const& ref) const
    requires looks_up<underlying_store>
    {
        return underlying().by_name(ref);
    }

    result<image_name> parse_name(std::string_view text) const
    requires parses_names<underlying_store>
    {
        return underlying().parse_name(text);
    }

    result<std::vector<listed_image>> list() const
    requires listing_store<underlying_store>
    {
        return underlying().list();
    }

    result<descriptor> root(reference const& ref) const
    requires has_roots<underlying_store>
    {
        return underlying().root(ref);
    }

    auto blob(descriptor const& d) const
    requires has_blobs<underlying_store>
    {
        return underlying().blob(d);
    }

    result<descriptor> manifest_of(digest const& id) const
    requires has_manifests<underlying_store>
    {
        return underlying().manifest_of(id);
    }

    result<image> load_image(descriptor const& d) const
    requires loads_by_manifest<underlying_store>
    {
        return underlying().load_image(d);
    }

    std::optional<digest> parent_of(digest const& id) const
    requires tells_parents<underlying_store>
    {
        return underlying().parent_of(id);
    }

private:
    std::conditional_t<std::is_reference_v<S>, underlying_store const*, underlying_store> store_;
};

/// How an argument of type `S&&` is kept: a temporary by value, anything else by reference.
template<class S>
using adapted = std::conditional_t<std::is_lvalue_reference_v<S>, std::remove_cvref_t<S> const&, std::remove_cvref_t<S>>;

} // namespace tarexport::detail

#endif
