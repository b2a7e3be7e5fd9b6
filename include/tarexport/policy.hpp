//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_POLICY_HPP
#define TAREXPORT_POLICY_HPP

#include <tarexport/digest.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/layout/docker.hpp>
#include <tarexport/observer.hpp>
#include <tarexport/selection.hpp>

#include <concepts>

namespace tarexport {

/** The choices that a saver is compiled with: a `layout`, the `hashes` it verifies with, an `observer`.

    The default writes what `docker save` writes. To choose otherwise, derive from it or write a struct with the same members:
    @code
    struct my_policy {
        tarexport::docker_layout layout;
        using hashes = tarexport::hash_set<my_sha256>;
        my_observer& observer;
    };
    @endcode
*/
struct default_policy {
    docker_layout layout;
    using hashes = hash_set<sha256, sha384, sha512>;
    no_observer observer;
};

namespace detail {

template<class P>
concept names_hashes = requires(typename P::hashes::hasher& h, digest_algorithm a) {
    { h.start(a) } -> std::same_as<bool>;
};

} // namespace detail

/// A struct with the members of `default_policy`.
template<class P>
concept saver_policy = requires(P& p) {
    requires layout_policy<std::remove_cvref_t<decltype((p.layout))>>;
    requires observer<std::remove_cvref_t<decltype((p.observer))>>;
} && detail::names_hashes<P>;

} // namespace tarexport

#endif
