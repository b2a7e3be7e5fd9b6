//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_TARGET_HPP
#define TAREXPORT_ENGINE_TARGET_HPP

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The target of a request: which document of the engine's API it names, and with which parameters.

namespace engine {

/// The documents of the API that there are here.
enum class route {
    unknown,
    page,    ///< `/`
    ping,    ///< `/_ping`
    version, ///< `/version`
    info,    ///< `/info`
    images,  ///< `/images/json`
    image,   ///< `/images/NAME/json`
    history, ///< `/images/NAME/history`
    archive  ///< `/images/get?names=NAME`, `/images/NAME/get`
};

/// A version of the API, as `1.45`.
struct api_version {
    std::uint32_t major = 0;
    std::uint32_t minor = 0;
    std::uint32_t patch = 0;

    friend auto operator<=>(api_version const&, api_version const&) = default;
};

/// What a request asks for.
struct target {
    route where = route::unknown;
    std::string name = {};                                       ///< of the path; may be anything
    std::vector<std::pair<std::string, std::string>> query = {}; ///< decoded, in order
    std::optional<api_version> version = {};                     ///< of the path
    std::string version_text = {};                               ///< as it was written
};

/// Return the value of a parameter of a query, the first of several; or nothing.
inline std::optional<std::string_view> parameter(target const& t, std::string_view name) noexcept
{
    auto const found = std::ranges::find(t.query, name, &std::pair<std::string, std::string>::first);
    return found == t.query.end() ? std::nullopt : std::optional<std::string_view>(found->second);
}

/// Return whether a parameter of a query is there and is true, as the engine reads it.
inline bool is_true(target const& t, std::string_view name) noexcept
{
    auto const value = engine::parameter(t, name).value_or("");
    return !(value.empty() || value == "0" || value == "no" || value == "false" || value == "none");
}

/// Return the names of a request for an archive: those of the query, or the one of the path.
inline std::vector<std::string> names_of(target const& t)
{
    std::vector<std::string> names;
    if(!t.name.empty())
        names.push_back(t.name);
    else
        for(auto const& [key, value] : t.query)
            if(key == "names")
                names.push_back(value);
    return names;
}

namespace detail {

inline int hex_digit(char c) noexcept
{
    if(c >= '0' && c <= '9')
        return c - '0';
    if(c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Nothing, where a percent sign is not before two hexadecimal digits.
inline std::optional<std::string> decoded(std::string_view text, bool plus_is_space)
{
    std::string out;
    out.reserve(text.size());
    for(std::size_t i = 0; i != text.size(); ++i) {
        if(text[i] != '%') {
            out.push_back(plus_is_space && text[i] == '+' ? ' ' : text[i]);
            continue;
        }
        if(text.size() - i < 3)
            return std::nullopt;
        int const high = hex_digit(text[i + 1]);
        int const low = hex_digit(text[i + 2]);
        if(high < 0 || low < 0)
            return std::nullopt;
        out.push_back(static_cast<char>(high * 16 + low));
        i += 2;
    }
    return out;
}

// `a=1&b=2`. What cannot be decoded is left out, as the engine does.
inline std::vector<std::pair<std::string, std::string>> parse_query(std::string_view text)
{
    std::vector<std::pair<std::string, std::string>> all;
    while(!text.empty()) {
        auto const one = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(text.size(), one.size() + 1));
        auto const equals = one.find('=');
        auto key = detail::decoded(one.substr(0, equals), true);
        auto value = detail::decoded(equals == std::string_view::npos ? std::string_view() : one.substr(equals + 1), true);
        if(key && value && !one.empty())
            all.emplace_back(*std::move(key), *std::move(value));
    }
    return all;
}

// Numbers between dots; what is behind the third does not matter, and one too large for anything is just that.
inline api_version parse_version(std::string_view text) noexcept
{
    api_version v;
    for(auto* const part : {&v.major, &v.minor, &v.patch}) {
        for(; !text.empty() && text.front() != '.'; text.remove_prefix(1))
            *part = std::min(*part, 1'000'000u) * 10 + static_cast<std::uint32_t>(text.front() - '0');
        if(!text.empty())
            text.remove_prefix(1);
    }
    return v;
}

// Takes `/v1.45` off the front of a path.
inline void take_version(std::string_view& path, target& t)
{
    if(!path.starts_with("/v"))
        return;
    auto const end = path.find_first_not_of("0123456789.", 2);
    if(end == 2 || end == std::string_view::npos || path[end] != '/')
        return;
    t.version_text = path.substr(2, end - 2);
    t.version = detail::parse_version(t.version_text);
    path.remove_prefix(end);
}

inline void find_route(std::string_view path, target& t)
{
    constexpr std::pair<std::string_view, route> fixed[] = {{"/_ping", route::ping}, {"/version", route::version},
        {"/info", route::info}, {"/images/json", route::images}, {"/images/get", route::archive}};
    constexpr std::pair<std::string_view, route> of_image[] = {
        {"/json", route::image}, {"/history", route::history}, {"/get", route::archive}};
    constexpr std::string_view images = "/images/";
    for(auto const& [text, where] : fixed)
        if(path == text) {
            t.where = where;
            return;
        }
    if(path == "/" && !t.version)
        t.where = route::page;
    if(!path.starts_with(images))
        return;
    path.remove_prefix(images.size());
    for(auto const& [text, where] : of_image)
        if(path.size() > text.size() && path.ends_with(text)) {
            t.where = where;
            t.name = path.substr(0, path.size() - text.size());
            return;
        }
}

} // namespace detail

/** Read the target of a request.

    Names in paths may have slashes, and are checked by whoever looks them up: no file is ever named by them.

    @return What it asks for, which may be `route::unknown`; or nothing, where it is no target.
*/
inline std::optional<target> parse_target(std::string_view text)
{
    // As a proxy would be asked.
    if(text.starts_with("http://")) {
        text.remove_prefix(7);
        text.remove_prefix(std::min(text.size(), text.find_first_of("/?")));
    }
    text = text.substr(0, text.find('#'));
    auto const question = text.find('?');
    auto const path = detail::decoded(text.substr(0, question), false);
    if(!path || !path->starts_with('/'))
        return std::nullopt;
    target t;
    if(question != std::string_view::npos)
        t.query = detail::parse_query(text.substr(question + 1));
    std::string_view rest = *path;
    detail::take_version(rest, t);
    detail::find_route(rest, t);
    return t;
}

/** Return whether a Host field names this machine itself, by an address or the name `localhost`.

    A page of another site can make its own name stand for 127.0.0.1 and so get around what keeps sites apart in a browser; the
    Host field then has that name.
*/
inline bool is_local_host(std::string_view field) noexcept
{
    constexpr std::string_view loopback6 = "[::1]";
    if(field.starts_with(loopback6))
        return field.size() == loopback6.size() || field[loopback6.size()] == ':';
    auto const host = field.substr(0, field.find(':'));
    return host == "localhost" || (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos);
}

} // namespace engine

#endif
