//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// The grammar of distribution/reference v0.6.0, one function for each of its rules. No rule needs to look back: of
// '@' a reference has one at most, and neither a path nor a tag holds a ':', so each text has one reading.

#ifndef TAREXPORT_DETAIL_REFERENCE_GRAMMAR_HPP
#define TAREXPORT_DETAIL_REFERENCE_GRAMMAR_HPP

#include <tarexport/digest.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

namespace tarexport::detail {

constexpr bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

constexpr bool is_alnum(char c) noexcept { return detail::is_letter(c) || detail::is_digit(c); }

constexpr bool is_hex(char c) noexcept
{
    return detail::is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Whether all parts between separators satisfy a rule; there is always one part.
template<class Rule>
constexpr bool all_parts(std::string_view text, char separator, Rule rule)
{
    for(;;) {
        auto const end = text.find(separator);
        if(!rule(text.substr(0, end)))
            return false;
        if(end == std::string_view::npos)
            return true;
        text.remove_prefix(end + 1);
    }
}

// [a-f0-9]{64}
constexpr bool is_identifier(std::string_view s) noexcept
{
    return s.size() == 64 && std::ranges::all_of(s, detail::is_lower_hex);
}

// [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}
constexpr bool is_tag(std::string_view s) noexcept
{
    return !s.empty() && s.size() <= 128 && s.front() != '.' && s.front() != '-' && std::ranges::all_of(s, [](char c) {
        return detail::is_alnum(c) || c == '_' || c == '.' || c == '-';
    });
}

// [A-Za-z][A-Za-z0-9]*([-_+.][A-Za-z][A-Za-z0-9]*)*:[A-Fa-f0-9]{32,}
constexpr bool is_reference_digest(std::string_view s) noexcept
{
    auto const colon = s.find(':');
    if(colon == std::string_view::npos)
        return false;
    bool first = true;
    for(char c : s.substr(0, colon)) {
        bool const separator = c == '-' || c == '_' || c == '+' || c == '.';
        if(first ? !detail::is_letter(c) : !separator && !detail::is_alnum(c))
            return false;
        first = separator;
    }
    auto const encoded = s.substr(colon + 1);
    return !first && encoded.size() >= 32 && std::ranges::all_of(encoded, detail::is_hex);
}

// [a-z0-9]+(([._]|__|-+)[a-z0-9]+)*
constexpr bool is_path_component(std::string_view s) noexcept
{
    if(s.empty() || !detail::is_lower_alnum(s.front()) || !detail::is_lower_alnum(s.back()))
        return false;
    while(!s.empty()) {
        auto const word = std::ranges::find_if_not(s, detail::is_lower_alnum);
        s.remove_prefix(static_cast<std::size_t>(word - s.begin()));
        auto const next = std::ranges::find_if(s, detail::is_lower_alnum);
        auto const separator = s.substr(0, static_cast<std::size_t>(next - s.begin()));
        bool const dashes = separator.find_first_not_of('-') == std::string_view::npos;
        if(!dashes && separator != "." && separator != "_" && separator != "__")
            return false;
        s.remove_prefix(separator.size());
    }
    return true;
}

constexpr bool is_path(std::string_view s) { return detail::all_parts(s, '/', detail::is_path_component); }

// [a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]
constexpr bool is_domain_component(std::string_view s) noexcept
{
    return !s.empty() && s.front() != '-' && s.back() != '-' &&
           std::ranges::all_of(s, [](char c) { return detail::is_alnum(c) || c == '-'; });
}

// A host name, IPv4 address or bracketed IPv6 address, and a port.
constexpr bool is_domain(std::string_view s)
{
    std::size_t end = 0;
    if(s.starts_with('[')) {
        end = s.find(']');
        if(end == std::string_view::npos || end == 1 ||
            !std::ranges::all_of(s.substr(1, end - 1), [](char c) { return c == ':' || detail::is_hex(c); }))
            return false;
        ++end;
    }
    else {
        end = std::min(s.find(':'), s.size());
        if(!detail::all_parts(s.substr(0, end), '.', detail::is_domain_component))
            return false;
    }
    auto const port = s.substr(end);
    return port.empty() ||
           (port.front() == ':' && port.size() > 1 && std::ranges::all_of(port.substr(1), detail::is_digit));
}

// The parts of a reference; views of the text that was split.
struct reference_parts {
    std::string_view domain;
    std::string_view path;
    std::string_view tag;
    std::string_view digest_text;
};

// [domain/]path, with a domain wherever the first component can be one
constexpr std::optional<reference_parts> split_name(std::string_view name)
{
    auto const slash = name.find('/');
    if(slash != std::string_view::npos && detail::is_domain(name.substr(0, slash)) &&
        detail::is_path(name.substr(slash + 1)))
        return reference_parts{name.substr(0, slash), name.substr(slash + 1), {}, {}};
    if(detail::is_path(name))
        return reference_parts{{}, name, {}, {}};
    return std::nullopt;
}

// name[:tag][@digest]
constexpr std::optional<reference_parts> split_reference(std::string_view text)
{
    auto const at = text.find('@');
    auto const head = text.substr(0, at);
    auto const slash = head.rfind('/');
    auto const colon = head.find(':', slash == std::string_view::npos ? 0 : slash);
    auto parts = detail::split_name(head.substr(0, colon));
    if(!parts)
        return std::nullopt;
    if(colon != std::string_view::npos) {
        parts->tag = head.substr(colon + 1);
        if(!detail::is_tag(parts->tag))
            return std::nullopt;
    }
    if(at != std::string_view::npos) {
        parts->digest_text = text.substr(at + 1);
        if(!detail::is_reference_digest(parts->digest_text))
            return std::nullopt;
    }
    return parts;
}

} // namespace tarexport::detail

#endif
