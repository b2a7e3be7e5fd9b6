//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_FILTERS_HPP
#define TAREXPORT_ENGINE_FILTERS_HPP

#include "record.hpp"

#include <tarexport/error.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/reference_match.hpp>
#include <tarexport/timestamp.hpp>

#include <boost/json/parse.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The filters of `/images/json`, which the client sends for `docker images NAME` too.

namespace engine {

/// Which images a list has.
struct image_filters {
    std::vector<tarexport::name_pattern> references; ///< of a name; any of these
    std::vector<std::string> labels;                 ///< `KEY` or `KEY=VALUE`; all of these
    std::optional<bool> dangling;                    ///< whether without a tag
    std::vector<std::string> before;                 ///< images; older than all of these
    std::vector<std::string> since;                  ///< images; newer than all of these
    std::optional<tarexport::timestamp> end;         ///< the oldest of `before`, once they were looked up
    std::optional<tarexport::timestamp> start;       ///< the newest of `since`

    /// Return whether a name is to be in the list.
    bool takes(tarexport::reference const& name) const
    {
        return references.empty() || std::ranges::any_of(references, [&](auto const& p) { return p.matches(name); });
    }

    /// Return whether an image is to be in the list. Its names are those that `takes` took.
    bool takes(record const& r) const
    {
        bool const named = !r.names.tags.empty() || !r.names.digests.empty();
        if(!named && (!references.empty() || dangling == false))
            return false;
        if(dangling == true && !r.names.tags.empty())
            return false;
        if((end || start) && !r.image.created)
            return false;
        if((end && !(moment(*r.image.created) < moment(*end))) || (start && !(moment(*start) < moment(*r.image.created))))
            return false;
        return std::ranges::all_of(labels, [&](auto const& label) { return has_label(r, label); });
    }

    /// Look up the images of `before` and `since`: `created` tells the time of one, if it has any, or why there is none.
    template<class F>
    tarexport::result<void> look_up(F const& created)
    {
        for(auto const& name : before) {
            auto const t = created(name);
            if(!t)
                return t.error();
            if(*t && (!end || moment(**t) < moment(*end)))
                end = *t;
        }
        for(auto const& name : since) {
            auto const t = created(name);
            if(!t)
                return t.error();
            if(*t && (!start || moment(*start) < moment(**t)))
                start = *t;
        }
        return {};
    }

private:
    static std::pair<std::int64_t, std::uint32_t> moment(tarexport::timestamp const& t) noexcept { return {t.seconds, t.nanoseconds}; }

    static bool has_label(record const& r, std::string_view label)
    {
        if(!r.config.config || !r.config.config->labels)
            return false;
        auto const& all = *r.config.config->labels;
        auto const equals = label.find('=');
        auto const found = all.find(std::string(label.substr(0, equals)));
        return found != all.end() && (equals == std::string_view::npos || found->second == label.substr(equals + 1));
    }
};

namespace detail {

inline tarexport::failure bad_filter(std::string what)
{
    return {boost::system::errc::make_error_code(boost::system::errc::invalid_argument), {}, std::move(what)};
}

inline tarexport::result<void> add_filter(image_filters& f, std::string_view name, std::string value)
{
    if(name == "label") {
        f.labels.push_back(std::move(value));
        return {};
    }
    if(name == "dangling") {
        bool const yes = value == "true" || value == "1";
        std::string const other = f.dangling == !yes ? (yes ? "false " : "true ") : "";
        if(!other.empty() || (!yes && value != "false" && value != "0"))
            return detail::bad_filter("invalid filter 'dangling=[" + other + value + "]'");
        f.dangling = yes;
        return {};
    }
    if(name == "before" || name == "since") {
        (name == "before" ? f.before : f.since).push_back(std::move(value));
        return {};
    }
    if(name != "reference")
        return detail::bad_filter("invalid filter '" + std::string(name) + "'");
    auto pattern = tarexport::parse_name_pattern(value);
    if(!pattern)
        return detail::bad_filter("syntax error in pattern");
    f.references.push_back(*std::move(pattern));
    return {};
}

// `["a","b"]`, or as older clients write it, `{"a":true,"b":true}`.
inline std::optional<std::vector<std::string>> filter_values(boost::json::value const& v)
{
    std::vector<std::string> values;
    if(auto const* const object = v.if_object()) {
        for(auto const& [key, wanted] : *object)
            if(wanted.is_bool() && wanted.get_bool())
                values.emplace_back(key);
        return values;
    }
    auto const* const array = v.if_array();
    if(!array)
        return std::nullopt;
    for(auto const& each : *array) {
        if(!each.is_string())
            return std::nullopt;
        values.emplace_back(each.get_string());
    }
    return values;
}

} // namespace detail

/** Read the parameter `filters` of a list of images.

    @return The filters; or a failure whose detail is what the engine would say. The one by a time, `until`, is not known here.
*/
inline tarexport::result<image_filters> parse_filters(std::string_view text)
{
    image_filters filters;
    if(text.empty())
        return filters;
    boost::system::error_code ec;
    auto const parsed = boost::json::parse(boost::json::string_view(text.data(), text.size()), ec);
    auto const* const object = ec ? nullptr : parsed.if_object();
    if(!object)
        return detail::bad_filter("invalid filter");
    for(auto const& [key, value] : *object) {
        auto const values = detail::filter_values(value);
        if(!values)
            return detail::bad_filter("invalid filter");
        for(auto const& each : *values)
            if(auto added = detail::add_filter(filters, std::string_view(key.data(), key.size()), each); !added)
                return added.error();
    }
    return filters;
}

} // namespace engine

#endif
