//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_HASH_HPP
#define TAREXPORT_HASH_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/digest.hpp>

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <variant>

namespace tarexport {

/** A running hash: `H h; h.update(bytes)...; h.result()`.

    `H::name` is the name of the algorithm as it stands in a digest ("sha256").
    Laws: `update(a); update(b)` equals `update(ab)`; an empty update changes nothing; `result()` ends the run,
    after which only assignment and destruction are allowed.
*/
template<class H>
concept hash_algorithm = std::default_initializable<H> && std::movable<H> && requires(H& h, bytes_view bytes) {
    { H::name } -> std::convertible_to<std::string_view>;
    h.update(bytes);
    { h.result() } -> std::same_as<digest>;
};

/** A `hash_algorithm` that takes bytes of two runs side by side, in less time than one after the other.

    `H::pairing_pays()` tells whether that is so on this machine.
    Law: `H::update_both(a, x, b, y)` equals `a.update(x); b.update(y)`, whatever the sizes; `a` and `b` are two objects.
*/
template<class H>
concept paired_hash = hash_algorithm<H> && requires(H& h, bytes_view bytes) {
    { H::pairing_pays() } noexcept -> std::same_as<bool>;
    H::update_both(h, bytes, h, bytes);
};

/** A hash of OpenSSL's EVP interface.

    @par Exception Safety
    The constructor, `update` and `result` throw `std::bad_alloc` where OpenSSL cannot allocate.
*/
template<digest_algorithm Algorithm>
class evp_hash {
public:
    static constexpr std::string_view name = name_of(Algorithm);

    evp_hash() : context_(EVP_MD_CTX_new())
    {
        if(!context_ || EVP_DigestInit_ex(context_.get(), type(), nullptr) != 1)
            throw std::bad_alloc();
    }

    void update(bytes_view bytes)
    {
        if(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1)
            throw std::bad_alloc();
    }

    digest result()
    {
        std::array<unsigned char, EVP_MAX_MD_SIZE> out;
        unsigned size = 0;
        if(EVP_DigestFinal_ex(context_.get(), out.data(), &size) != 1)
            throw std::bad_alloc();
        return digest(Algorithm, std::as_bytes(std::span(out.data(), size)));
    }

private:
    struct free_context {
        void operator()(EVP_MD_CTX* c) const noexcept { EVP_MD_CTX_free(c); }
    };

    static EVP_MD const* type() noexcept
    {
        if constexpr(Algorithm == digest_algorithm::sha256)
            return EVP_sha256();
        else if constexpr(Algorithm == digest_algorithm::sha384)
            return EVP_sha384();
        else
            return EVP_sha512();
    }

    std::unique_ptr<EVP_MD_CTX, free_context> context_;
};

using sha256 = evp_hash<digest_algorithm::sha256>;
using sha384 = evp_hash<digest_algorithm::sha384>;
using sha512 = evp_hash<digest_algorithm::sha512>;

/// Return the digest of some bytes.
template<hash_algorithm H = sha256>
digest digest_of(bytes_view bytes)
{
    H h;
    h.update(bytes);
    return h.result();
}

/// Return the digest of a text.
template<hash_algorithm H = sha256>
digest digest_of(std::string_view text)
{
    return tarexport::digest_of<H>(to_bytes(text));
}

/** The hashes that a saver can compute; each digest is verified by the one that it names.

    A user's own implementation of an algorithm takes the place of ours: `hash_set<my_sha256, sha384, sha512>`. With one that is a
    `paired_hash`, `write` hashes layers in pairs where it has several threads.
*/
template<hash_algorithm... Hs>
class hash_set {
public:
    /// Return whether digests of this algorithm can be computed.
    static constexpr bool supports(digest_algorithm a) noexcept { return ((Hs::name == name_of(a)) || ...); }

    /// Return whether one of them takes two inputs side by side in less time on this machine.
    static bool pairing_pays() noexcept { return (hash_set::pays_for<Hs>() || ...); }

    /** A running hash of an algorithm that is known at run time.

        Starts idle; `start` begins a run, `result` ends it.
    */
    class hasher {
    public:
        /// Begin a run. @return Whether the algorithm is supported; if not, this stays idle.
        bool start(digest_algorithm a)
        {
            running_.template emplace<0>();
            return ((Hs::name == name_of(a) && (running_.template emplace<Hs>(), true)) || ...);
        }

        /// Return whether a run has begun and not ended.
        bool running() const noexcept { return running_.index() != 0; }

        /// End a run without a result.
        void stop() noexcept { running_.template emplace<0>(); }

        /// Hash some bytes; does nothing while idle.
        void update(bytes_view bytes)
        {
            std::visit(
                [&](auto& h) {
                    if constexpr(!std::same_as<decltype(h), std::monostate&>)
                        h.update(bytes);
                },
                running_);
        }

        /// Hash bytes of two runs, side by side if their hash can do that. Precondition: they are two.
        static void update_both(hasher& a, bytes_view of_a, hasher& b, bytes_view of_b)
        {
            if(!(hasher::update_pair<Hs>(a, of_a, b, of_b) || ...)) {
                a.update(of_a);
                b.update(of_b);
            }
        }

        /// End the run. @return The digest; nothing while idle.
        std::optional<digest> result()
        {
            auto d = std::visit(
                [](auto& h) -> std::optional<digest> {
                    if constexpr(std::same_as<decltype(h), std::monostate&>)
                        return std::nullopt;
                    else
                        return h.result();
                },
                running_);
            stop();
            return d;
        }

    private:
        template<class H>
        static bool update_pair([[maybe_unused]] hasher& a, [[maybe_unused]] bytes_view of_a, [[maybe_unused]] hasher& b,
            [[maybe_unused]] bytes_view of_b)
        {
            if constexpr(paired_hash<H>) {
                auto* const x = std::get_if<H>(&a.running_);
                auto* const y = std::get_if<H>(&b.running_);
                if(x != nullptr && y != nullptr) {
                    H::update_both(*x, of_a, *y, of_b);
                    return true;
                }
            }
            return false;
        }

        std::variant<std::monostate, Hs...> running_;
    };

private:
    template<class H>
    static bool pays_for() noexcept
    {
        if constexpr(paired_hash<H>)
            return H::pairing_pays();
        else
            return false;
    }
};

namespace detail {

// Hashes the first `n` bytes of some pieces.
template<class Hasher>
void hash_front(Hasher& h, std::span<bytes_view const> pieces, std::size_t n)
{
    for(auto const& p : pieces) {
        auto const some = std::min(n, p.size());
        h.update(p.first(some));
        n -= some;
    }
}

} // namespace detail

} // namespace tarexport

#endif
