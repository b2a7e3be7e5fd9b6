//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DIGEST_HPP
#define TAREXPORT_DIGEST_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/detail/keyed_hash.hpp>
#include <tarexport/error.hpp>

#include <boost/assert.hpp>

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>

namespace tarexport {

/// The registered digest algorithms (OCI image-spec, descriptor.md, and sha384 as the engines accept it).
enum class digest_algorithm : std::uint8_t { sha256, sha384, sha512 };

/// All algorithms, in the order of their registration.
inline constexpr std::array<digest_algorithm, 3> digest_algorithms{
    digest_algorithm::sha256, digest_algorithm::sha384, digest_algorithm::sha512};

/// Return the name that stands before the colon.
constexpr std::string_view name_of(digest_algorithm a) noexcept
{
    switch(a) {
    case digest_algorithm::sha256: return "sha256";
    case digest_algorithm::sha384: return "sha384";
    case digest_algorithm::sha512: return "sha512";
    }
    return {};
}

/// Return the size of a hash in bytes; in text it has twice as many digits.
constexpr std::size_t size_of(digest_algorithm a) noexcept
{
    switch(a) {
    case digest_algorithm::sha256: return 32;
    case digest_algorithm::sha384: return 48;
    case digest_algorithm::sha512: return 64;
    }
    return 0;
}

/// Return the algorithm of a name (case matters), or nothing.
constexpr std::optional<digest_algorithm> find_algorithm(std::string_view name) noexcept
{
    for(auto a : digest_algorithms)
        if(name_of(a) == name)
            return a;
    return std::nullopt;
}

/** The identity of some bytes: an algorithm and its hash, `sha256:9f86d0..`.

    A value of fixed size that owns no memory. A default-constructed digest is empty: it identifies
    nothing, prints as an empty string and equals only another empty one.

    Ordering is that of the texts.
    @see https://github.com/opencontainers/image-spec/blob/v1.1.0/descriptor.md#digests
*/
class digest {
public:
    constexpr digest() noexcept = default;

    /** Construct from a hash.
        @par Preconditions
        `hash.size() == size_of(algorithm)`
    */
    digest(digest_algorithm algorithm, bytes_view hash) noexcept
        : algorithm_(algorithm)
        , size_(static_cast<std::uint8_t>(hash.size()))
    {
        BOOST_ASSERT(hash.size() == size_of(algorithm));
        std::copy(hash.begin(), hash.end(), hash_.begin());
    }

    /// Return whether this identifies nothing.
    constexpr bool empty() const noexcept { return size_ == 0; }

    /// Return the algorithm. Precondition: `!empty()`.
    constexpr digest_algorithm algorithm() const noexcept
    {
        BOOST_ASSERT(!empty());
        return algorithm_;
    }

    /// Return the hash; valid as long as this object.
    bytes_view hash() const noexcept { return {hash_.data(), size_}; }

    /// Return the hash as lower-case hexadecimal digits.
    std::string hex() const
    {
        std::string s;
        append_hex(s);
        return s;
    }

    /// Return `algorithm:hex`, or an empty string.
    std::string str() const
    {
        std::string s;
        if(!empty()) {
            s.append(name_of(algorithm_)).push_back(':');
            append_hex(s);
        }
        return s;
    }

    friend bool operator==(digest const&, digest const&) = default;

    friend std::strong_ordering operator<=>(digest const& a, digest const& b) noexcept
    {
        if(a.empty() || b.empty())
            return b.empty() <=> a.empty();
        if(a.algorithm_ != b.algorithm_)
            return a.algorithm_ <=> b.algorithm_;
        return a.hash_ <=> b.hash_;
    }

    friend std::ostream& operator<<(std::ostream& os, digest const& d) { return os << d.str(); }

    /// Append what `hex` returns.
    void append_hex(std::string& s) const
    {
        constexpr char digits[] = "0123456789abcdef";
        s.reserve(s.size() + 2u * size_);
        for(auto b : hash()) {
            s.push_back(digits[std::to_integer<unsigned>(b) >> 4]);
            s.push_back(digits[std::to_integer<unsigned>(b) & 15u]);
        }
    }

private:
    std::array<std::byte, 64> hash_{};
    digest_algorithm algorithm_{};
    std::uint8_t size_ = 0;
};

/** Parse `algorithm:hex` exactly as the engines do (go-digest v1.0.0).

    @return The digest, or `invalid_digest` (malformed, or of the wrong length) or `unsupported_digest`
    (well-formed, but not one of `digest_algorithms`); the subject is the text.
*/
inline result<digest> parse_digest(std::string_view text);

/// Why a text is no digest, in the order in which the checks are made.
enum class digest_fault { none, invalid_format, invalid_length, unsupported };

/// Return why a text is no digest, or `none`.
inline digest_fault check_digest(std::string_view text) noexcept;

namespace detail {

constexpr bool is_lower_alnum(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

constexpr bool is_lower_hex(char c) noexcept { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

constexpr unsigned hex_value(char c) noexcept
{
    return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
}

// [a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+
inline bool is_digest_text(std::string_view text) noexcept
{
    auto const colon = text.find(':');
    if(colon == std::string_view::npos)
        return false;
    bool after_separator = true;
    for(char c : text.substr(0, colon)) {
        bool const separator = c == '.' || c == '+' || c == '_' || c == '-';
        if(separator ? after_separator : !is_lower_alnum(c))
            return false;
        after_separator = separator;
    }
    auto const encoded = text.substr(colon + 1);
    return !after_separator && !encoded.empty() && std::ranges::all_of(encoded, [](char c) {
        return is_lower_alnum(c) || (c >= 'A' && c <= 'Z') || c == '=' || c == '_' || c == '-';
    });
}

} // namespace detail

inline digest_fault check_digest(std::string_view text) noexcept
{
    auto const colon = text.find(':');
    if(colon == std::string_view::npos || colon == 0 || colon + 1 == text.size())
        return digest_fault::invalid_format;
    auto const algorithm = find_algorithm(text.substr(0, colon));
    if(!algorithm)
        return detail::is_digest_text(text) ? digest_fault::unsupported : digest_fault::invalid_format;
    auto const hex = text.substr(colon + 1);
    if(hex.size() != 2 * size_of(*algorithm))
        return digest_fault::invalid_length;
    return std::ranges::all_of(hex, detail::is_lower_hex) ? digest_fault::none : digest_fault::invalid_format;
}

inline result<digest> parse_digest(std::string_view text)
{
    switch(check_digest(text)) {
    case digest_fault::none: break;
    case digest_fault::invalid_format: return failure{error::invalid_digest, std::string(text), {}};
    case digest_fault::invalid_length: return failure{error::invalid_digest, std::string(text), "wrong length"};
    case digest_fault::unsupported: return failure{error::unsupported_digest, std::string(text), {}};
    }
    auto const colon = text.find(':');
    auto const algorithm = *find_algorithm(text.substr(0, colon));
    std::array<std::byte, 64> hash{};
    for(std::size_t i = 0; i != size_of(algorithm); ++i) {
        auto const hex = text.substr(colon + 1 + 2 * i, 2);
        hash[i] = static_cast<std::byte>(detail::hex_value(hex[0]) << 4 | detail::hex_value(hex[1]));
    }
    return digest(algorithm, {hash.data(), size_of(algorithm)});
}

} // namespace tarexport

/// Of all bytes, and another one in each process: the digests in a document are claims, which could be chosen to be alike.
template<> struct std::hash<tarexport::digest> {
    std::size_t operator()(tarexport::digest const& d) const noexcept
    {
        return static_cast<std::size_t>(tarexport::detail::keyed_hash(d.hash()));
    }
};

#endif
