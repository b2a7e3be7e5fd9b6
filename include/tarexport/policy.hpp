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
#include <tarexport/thread_lender.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

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
    A member `threads`, a `thread_lender` or a reference to one, is used in the place of threads that a save makes for itself.
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

template<class P>
concept has_layout = requires(P& p) { p.layout; };

template<class P>
concept has_observer = requires(P& p) { p.observer; };

template<class P>
concept has_threads = requires(P& p) { p.threads; };

template<class P>
concept lends_threads = has_threads<P> && thread_lender<std::remove_reference_t<decltype((std::declval<P&>().threads))>>;

} // namespace detail

/// A struct with the members of `default_policy`.
template<class P>
concept saver_policy = requires(P& p) {
    requires layout_policy<std::remove_cvref_t<decltype((p.layout))>>;
    requires observer<std::remove_cvref_t<decltype((p.observer))>>;
} && detail::names_hashes<P> && (!detail::has_threads<P> || detail::lends_threads<P>);

/// Explain, one sentence a mistake, why a type is no policy.
template<class P>
consteval bool explain_saver_policy()
{
    static_assert(detail::has_layout<P>, "saver_policy: write a member `layout`");
    static_assert(detail::names_hashes<P>, "saver_policy: write `using hashes = tarexport::hash_set<..>`");
    static_assert(detail::has_observer<P>, "saver_policy: write a member `observer`");
    static_assert(!detail::has_threads<P> || detail::lends_threads<P>,
        "saver_policy: `threads` is called with a `std::function<void()>`, which it runs in another thread");
    if constexpr(detail::has_layout<P>)
        tarexport::explain_layout_policy<std::remove_cvref_t<decltype(std::declval<P&>().layout)>>();
    if constexpr(detail::has_observer<P>)
        tarexport::explain_observer<std::remove_cvref_t<decltype(std::declval<P&>().observer)>>();
    return saver_policy<P>;
}

} // namespace tarexport

#endif
