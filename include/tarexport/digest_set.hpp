//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DIGEST_SET_HPP
#define TAREXPORT_DIGEST_SET_HPP

#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>

#include <boost/assert.hpp>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport {

/** Digests that can be found by their first digits, as users type the IDs of images.

    Kept in the order of their hexadecimal digits, whatever the algorithm.
    @see https://github.com/opencontainers/go-digest/blob/v1.0.0/digestset/set.go
*/
class digest_set {
    // Hashes of different algorithms have different sizes, so that equal ones are equal digests.
    struct by_hash {
        using is_transparent = void;

        bool operator()(digest const& a, digest const& b) const noexcept
        {
            return std::ranges::lexicographical_compare(a.hash(), b.hash());
        }
        inline bool operator()(digest const& a, std::string_view digits) const noexcept;
    };

public:
    using const_iterator = std::set<digest, by_hash>::const_iterator;

    digest_set() = default;

    /// Construct from digests in any order, of which none is empty; those that occur again count once.
    explicit digest_set(std::vector<digest> const& ids);

    digest_set(std::initializer_list<digest> ids) : digest_set(std::vector<digest>(ids)) {}

    bool empty() const noexcept { return ids_.empty(); }
    std::size_t size() const noexcept { return ids_.size(); }
    const_iterator begin() const noexcept { return ids_.begin(); }
    const_iterator end() const noexcept { return ids_.end(); }

    /// Return whether a digest is in the set.
    bool contains(digest const& id) const noexcept;

    /// Add a digest, in logarithmic time. Precondition: `!id.empty()`. @return Whether it was not in the set.
    bool insert(digest const& id);

    /// Remove a digest. @return Whether it was in the set.
    bool erase(digest const& id);

    /** Find the digest that begins with some digits: `9f86d0`, `sha256:9f86d0`, or a whole digest.

        Takes logarithmic time. The digits are compared as they are: upper-case ones match nothing. No digits at
        all match a digest if it is the only one.

        Only the first two digests in the set's order that could match are looked at. Digests of several algorithms
        whose first digits are the same may therefore hide each other, as they do in the engines.

        @return The digest; `unknown_image` if none begins so, `ambiguous_id` if several do, with the text as subject.
    */
    result<digest> find_prefix(std::string_view text) const;

    /** Return for each digest, in the set's order, the shortest leading digits that no other begins with.

        A digest whose digits all begin another one is given in full, with its algorithm.

        @param length The fewest digits to give.
    */
    std::vector<std::pair<digest, std::string>> short_codes(std::size_t length) const;

private:
    std::set<digest, by_hash> ids_;
};

namespace detail {

inline std::size_t hex_size(digest const& id) noexcept { return 2 * id.hash().size(); }

inline char hex_digit(digest const& id, std::size_t i) noexcept
{
    auto const byte = std::to_integer<unsigned>(id.hash()[i / 2]);
    return "0123456789abcdef"[i % 2 == 0 ? byte >> 4 : byte & 15u];
}

// How many leading digits two digests share.
inline std::size_t shared_digits(digest const& a, digest const& b) noexcept
{
    std::size_t n = 0;
    auto const size = std::min(detail::hex_size(a), detail::hex_size(b));
    while(n != size && detail::hex_digit(a, n) == detail::hex_digit(b, n))
        ++n;
    return n;
}

// Whether the digits of `id` come before a text in the order of bytes.
inline bool hex_less(digest const& id, std::string_view text) noexcept
{
    auto const size = std::min(detail::hex_size(id), text.size());
    for(std::size_t i = 0; i != size; ++i) {
        auto const a = static_cast<unsigned char>(detail::hex_digit(id, i)), b = static_cast<unsigned char>(text[i]);
        if(a != b)
            return a < b;
    }
    return detail::hex_size(id) < text.size();
}

inline bool hex_starts_with(digest const& id, std::string_view text) noexcept
{
    if(text.size() > detail::hex_size(id))
        return false;
    for(std::size_t i = 0; i != text.size(); ++i)
        if(detail::hex_digit(id, i) != text[i])
            return false;
    return true;
}

} // namespace detail

inline bool digest_set::by_hash::operator()(digest const& a, std::string_view digits) const noexcept
{
    return detail::hex_less(a, digits);
}

inline digest_set::digest_set(std::vector<digest> const& ids) : ids_(ids.begin(), ids.end())
{
    BOOST_ASSERT(std::ranges::none_of(ids_, &digest::empty));
}

inline bool digest_set::contains(digest const& id) const noexcept
{
    return ids_.contains(id);
}

inline bool digest_set::insert(digest const& id)
{
    BOOST_ASSERT(!id.empty());
    return ids_.insert(id).second;
}

inline bool digest_set::erase(digest const& id)
{
    return ids_.erase(id) != 0;
}

inline result<digest> digest_set::find_prefix(std::string_view text) const
{
    // What is not of the form of a digest can only be digits.
    auto digits = text;
    std::optional<std::string_view> algorithm;
    if(tarexport::check_digest(text) != digest_fault::invalid_format) {
        auto const colon = text.find(':');
        algorithm = text.substr(0, colon);
        digits = text.substr(colon + 1);
    }
    auto const matches = [&](digest const& id) {
        return detail::hex_starts_with(id, digits) && (!algorithm || *algorithm == name_of(id.algorithm()));
    };
    auto first = ids_.lower_bound(digits);
    // A digest of another algorithm that has exactly these digits comes before a longer one that begins with them.
    if(algorithm && first != ids_.end() && detail::hex_size(*first) == digits.size() &&
        detail::hex_starts_with(*first, digits) && name_of(first->algorithm()) < *algorithm)
        ++first;
    if(first == ids_.end() || !matches(*first))
        return failure{error::unknown_image, std::string(text), {}};
    bool const whole = algorithm && detail::hex_size(*first) == digits.size();
    auto const second = std::next(first);
    if(!whole && second != ids_.end() && matches(*second))
        return failure{error::ambiguous_id, std::string(text), first->str() + " and " + second->str()};
    return *first;
}

inline std::vector<std::pair<digest, std::string>> digest_set::short_codes(std::size_t length) const
{
    std::vector<std::pair<digest, std::string>> codes;
    codes.reserve(ids_.size());
    std::vector<digest> const ids(ids_.begin(), ids_.end());
    // A run of digests that share `length` digits keeps the longest code that one of them needed.
    std::size_t n = length, run_end = 0;
    for(std::size_t i = 0; i != ids.size(); ++i) {
        auto const& id = ids[i];
        auto const size = detail::hex_size(id);
        if(size > n && i + 1 != ids.size()) {
            for(auto j = std::max(i, run_end) + 1; j != ids.size() && detail::shared_digits(id, ids[j]) >= n; ++j)
                run_end = j;
            if(auto const shared = detail::shared_digits(id, ids[i + 1]); shared >= n)
                n = std::min(shared + 1, size);
        }
        codes.emplace_back(id, size > n ? id.hex().substr(0, n) : id.str());
        if(i >= run_end)
            n = length;
    }
    return codes;
}

} // namespace tarexport

#endif
