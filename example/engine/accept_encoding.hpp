//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_ACCEPT_ENCODING_HPP
#define TAREXPORT_ENGINE_ACCEPT_ENCODING_HPP

#include "range.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

namespace engine {

namespace detail {

// A weight in thousandths: `0` or `1`, with up to three digits behind a point.
inline std::optional<int> parse_weight(std::string_view text) noexcept
{
    if(text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1') || (text.size() > 1 && text[1] != '.'))
        return std::nullopt;
    int value = text[0] - '0';
    for(std::size_t i = 2; i != 5; ++i) {
        char const c = i < text.size() ? text[i] : '0';
        if(c < '0' || c > '9')
            return std::nullopt;
        value = value * 10 + (c - '0');
    }
    return value <= 1000 ? std::optional(value) : std::nullopt;
}

// The weight behind a coding: ` ; q=0.5`, or nothing, which is as good as 1.
inline std::optional<int> weight_in(std::string_view rest) noexcept
{
    rest = trimmed(rest);
    if(rest.empty())
        return 1000;
    rest = trimmed(rest.substr(1)); // behind the semicolon
    if(rest.size() < 2 || !is_word(rest.substr(0, 2), "q="))
        return std::nullopt;
    return parse_weight(rest.substr(2));
}

} // namespace detail

/** Return whether an Accept-Encoding field wants gzip, at least as much as bytes that are not encoded (RFC 9110, 12.5.3).

    @param field Its value; with none, nothing is encoded. Nor is it where a weight is none: bytes as they are suit everybody.
*/
inline bool prefers_gzip(std::string_view field) noexcept
{
    std::optional<int> gzip, identity, others;
    while(!field.empty()) {
        auto const element = field.substr(0, field.find(','));
        field.remove_prefix(element.size() == field.size() ? element.size() : element.size() + 1);
        auto const end = std::min(element.find(';'), element.size());
        auto const coding = detail::trimmed(element.substr(0, end));
        auto const weight = detail::weight_in(element.substr(end));
        if(!weight)
            return false;
        if(detail::is_word(coding, "gzip") || detail::is_word(coding, "x-gzip"))
            gzip = weight;
        else if(detail::is_word(coding, "identity"))
            identity = weight;
        else if(coding == "*")
            others = weight;
    }
    auto const wanted = gzip ? *gzip : others.value_or(0);
    return wanted > 0 && wanted >= identity.value_or(0);
}

} // namespace engine

#endif
