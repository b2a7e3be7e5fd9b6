//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_REFERENCE_MATCH_HPP
#define TAREXPORT_REFERENCE_MATCH_HPP

#include <tarexport/detail/lower_case.hpp>
#include <tarexport/error.hpp>
#include <tarexport/reference.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tarexport {

/** A shell pattern for the names of images: `*` and `?` stand for anything but `/`, `[a-z]` and `[^a-z]` for
    one character, and `\` takes the meaning from the next character.

    The rules are those of Go's `path.Match`, which the engines use to filter lists of images.
*/
class name_pattern {
public:
    /** Return whether the whole of a text matches, byte by byte, as suffices for references.

        Takes time in proportion to the product of both sizes.
    */
    bool matches(std::string_view text) const noexcept;

    /// Return whether the familiar form of a reference matches, with or without its tag and digest.
    bool matches(reference const& r) const noexcept { return matches(r.familiar()) || matches(r.familiar_name()); }

    /// Return whether the familiar form of a reference, or the text of an image ID, matches.
    bool matches(any_reference const& r) const
    {
        if(auto const* const named = std::get_if<reference>(&r))
            return matches(*named);
        return matches(std::get<digest>(r).str());
    }

private:
    friend result<name_pattern> parse_name_pattern(std::string_view text);

    enum class kind { literal, any, star, one_of, none_of };

    struct range {
        char32_t first;
        char32_t last;
    };

    struct element {
        kind what;
        char literal = 0;
        std::vector<range> ranges = {};

        bool accepts(char c) const noexcept;
    };

    static std::optional<element> parse_class(std::string_view& rest);
    static std::optional<char32_t> parse_character(std::string_view& rest);

    std::vector<element> elements_;
};

/** Parse a pattern.

    @return The pattern, or `invalid_pattern` where it ends within `[` or after `\`, or a class has no characters or
    an unfinished range.
*/
inline result<name_pattern> parse_name_pattern(std::string_view text);

/** Sort texts as references: the most exact first, those that are no references last.

    The order of the classes is: tag and digest, tag, digest, name only, image ID, no reference; within a class, that of
    the texts. References come back normalized, the others as they were.
    @see https://github.com/distribution/reference/blob/v0.6.0/sort.go
*/
inline std::vector<std::string> sort_references(std::vector<std::string> texts);

inline bool name_pattern::element::accepts(char c) const noexcept
{
    auto const in_ranges = [&] {
        auto const rune = static_cast<unsigned char>(c);
        return std::ranges::any_of(ranges, [&](range const& r) { return r.first <= rune && rune <= r.last; });
    };
    switch(what) {
    case kind::literal: return c == literal;
    case kind::any: return c != '/';
    case kind::star: return false;
    case kind::one_of: return in_ranges();
    case kind::none_of: return !in_ranges();
    }
    return false;
}

inline bool name_pattern::matches(std::string_view text) const noexcept
{
    constexpr auto none = static_cast<std::size_t>(-1);
    std::size_t at = 0, next = 0;
    // What the last star covers can grow, up to a slash; those before it have found their best place.
    std::size_t star = none, covered = 0;
    while(at != text.size() || next != elements_.size()) {
        if(next != elements_.size() && elements_[next].what == kind::star) {
            star = next++;
            covered = at;
        }
        else if(at != text.size() && next != elements_.size() && elements_[next].accepts(text[at])) {
            ++at;
            ++next;
        }
        else if(star != none && covered != text.size() && text[covered] != '/') {
            at = ++covered;
            next = star + 1;
        }
        else {
            return false;
        }
    }
    return true;
}

// One character of a class, which is not its last.
inline std::optional<char32_t> name_pattern::parse_character(std::string_view& rest)
{
    if(rest.empty() || rest.front() == '-' || rest.front() == ']')
        return std::nullopt;
    if(rest.front() == '\\')
        rest.remove_prefix(1);
    if(rest.empty())
        return std::nullopt;
    auto const rune = detail::first_rune(rest);
    rest.remove_prefix(rune.size);
    if(!rune.valid || rest.empty())
        return std::nullopt;
    return rune.value;
}

// What follows the opening bracket.
inline std::optional<name_pattern::element> name_pattern::parse_class(std::string_view& rest)
{
    element e{kind::one_of};
    if(rest.starts_with('^')) {
        e.what = kind::none_of;
        rest.remove_prefix(1);
    }
    do {
        auto const first = parse_character(rest);
        if(!first)
            return std::nullopt;
        auto last = first;
        if(rest.front() == '-') {
            rest.remove_prefix(1);
            last = parse_character(rest);
            if(!last)
                return std::nullopt;
        }
        e.ranges.push_back({*first, *last});
    } while(rest.front() != ']');
    rest.remove_prefix(1);
    return e;
}

inline result<name_pattern> parse_name_pattern(std::string_view text)
{
    using kind = name_pattern::kind;
    auto const bad = [&](char const* why) { return failure{error::invalid_pattern, std::string(text), why}; };
    name_pattern p;
    for(auto rest = text; !rest.empty();) {
        char const c = rest.front();
        rest.remove_prefix(1);
        if(c == '*') {
            p.elements_.push_back({kind::star});
        }
        else if(c == '?') {
            p.elements_.push_back({kind::any});
        }
        else if(c == '[') {
            auto e = name_pattern::parse_class(rest);
            if(!e)
                return bad("malformed character class");
            p.elements_.push_back(*std::move(e));
        }
        else if(c == '\\') {
            if(rest.empty())
                return bad("ends after a backslash");
            p.elements_.push_back({kind::literal, rest.front()});
            rest.remove_prefix(1);
        }
        else {
            p.elements_.push_back({kind::literal, c});
        }
    }
    return p;
}

namespace detail {

// How exactly a text names something, and the text it is sorted by.
inline std::pair<int, std::string> sort_key(std::string text)
{
    auto const any = tarexport::parse_any_reference(text);
    if(!any)
        return {5, std::move(text)};
    auto const* const r = std::get_if<reference>(&*any);
    if(!r)
        return {4, std::get<digest>(*any).str()};
    if(r->has_tag())
        return {r->has_digest() ? 0 : 1, r->str()};
    return {r->has_digest() ? 2 : 3, r->str()};
}

} // namespace detail

inline std::vector<std::string> sort_references(std::vector<std::string> texts)
{
    std::vector<std::pair<int, std::string>> keys;
    keys.reserve(texts.size());
    for(auto& text : texts)
        keys.push_back(detail::sort_key(std::move(text)));
    std::ranges::sort(keys);
    for(std::size_t i = 0; i != texts.size(); ++i)
        texts[i] = std::move(keys[i].second);
    return texts;
}

} // namespace tarexport

#endif
