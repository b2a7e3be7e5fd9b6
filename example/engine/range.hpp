//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_RANGE_HPP
#define TAREXPORT_ENGINE_RANGE_HPP

#include <tarexport/bytes.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

// The request fields that ask for a part of something, or for it only if it is still the same (RFC 9110, 13 and 14).

namespace engine {

/// What a Range field asks for.
enum class range_answer {
    whole,        ///< all of it: there is no field, or one in units that are not bytes
    part,         ///< one range, which the bytes have
    unsatisfiable ///< nothing that can be sent: it begins behind the end, is no range at all, or there are several
};

/// A Range field, applied to a size.
struct wanted_range {
    range_answer answer = range_answer::whole;
    tarexport::byte_range bytes = {}; ///< of a part

    friend bool operator==(wanted_range const&, wanted_range const&) = default;
};

namespace detail {

inline std::string_view trimmed(std::string_view text) noexcept
{
    constexpr std::string_view blanks = " \t";
    auto const first = text.find_first_not_of(blanks);
    if(first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// Whether a word is that one, which is in lower case, in letters of any case.
inline bool is_word(std::string_view word, std::string_view lower) noexcept
{
    return std::ranges::equal(word, lower, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : +a) == b; });
}

// A number of digits alone; one that is too large is the largest.
inline std::optional<std::uint64_t> number(std::string_view text) noexcept
{
    constexpr auto largest = std::numeric_limits<std::uint64_t>::max();
    if(text.empty())
        return std::nullopt;
    std::uint64_t value = 0;
    for(char const c : text) {
        if(c < '0' || c > '9')
            return std::nullopt;
        auto const digit = static_cast<std::uint64_t>(c - '0');
        value = value > (largest - digit) / 10 ? largest : value * 10 + digit;
    }
    return value;
}

// `FIRST-LAST`, `FIRST-` or `-COUNT`.
inline wanted_range one_range(std::string_view text, std::uint64_t size) noexcept
{
    constexpr wanted_range none{range_answer::unsatisfiable, {}};
    auto const dash = text.find('-');
    if(dash == std::string_view::npos)
        return none;
    auto const first = detail::number(text.substr(0, dash));
    auto const last = detail::number(text.substr(dash + 1));
    if(dash == 0) {
        if(!last || *last == 0 || size == 0)
            return none;
        return {range_answer::part, {size - std::min(*last, size), size}};
    }
    bool const open = dash + 1 == text.size();
    if(!first || (!open && !last) || *first >= size || (!open && *last < *first))
        return none;
    return {range_answer::part, {*first, open || *last >= size ? size : *last + 1}};
}

} // namespace detail

/** Read a Range field.

    Several ranges in one request are refused: each would have to be read from a store for itself, and the answer would be
    of another type.

    @param field Its value; empty where there is none.
    @param size Of what is asked for, in bytes.
*/
inline wanted_range parse_range(std::string_view field, std::uint64_t size) noexcept
{
    auto const equals = field.find('=');
    if(!detail::is_word(detail::trimmed(field.substr(0, equals)), "bytes"))
        return {};
    if(equals == std::string_view::npos)
        return {range_answer::unsatisfiable, {}};
    return detail::one_range(detail::trimmed(field.substr(equals + 1)), size);
}

/** Return whether an If-Range field lets a Range field count.

    @param field Its value. A date never fits: what is sent has no time.
    @param etag The strong entity tag, with its quotes.
*/
inline bool if_range_holds(std::string_view field, std::string_view etag) noexcept { return detail::trimmed(field) == etag; }

/** Return whether an If-Match or If-None-Match field lists an entity tag, or is `*`.

    @param weak Whether `W/"x"` is as good as `"x"`: it is to If-None-Match.
    @param etag The strong entity tag, with its quotes.
*/
inline bool lists_etag(std::string_view field, std::string_view etag, bool weak) noexcept
{
    auto rest = detail::trimmed(field);
    if(rest == "*")
        return true;
    while(!rest.empty()) {
        bool const is_weak = rest.starts_with("W/");
        auto const tag = rest.substr(is_weak ? 2 : 0);
        // A comma may stand inside of the quotes.
        auto const end = tag.starts_with('"') ? tag.find('"', 1) : std::string_view::npos;
        if(end == std::string_view::npos)
            return false;
        if(tag.substr(0, end + 1) == etag && (weak || !is_weak))
            return true;
        rest = detail::trimmed(tag.substr(end + 1));
        if(!rest.starts_with(','))
            return false;
        rest = detail::trimmed(rest.substr(1));
    }
    return false;
}

} // namespace engine

#endif
