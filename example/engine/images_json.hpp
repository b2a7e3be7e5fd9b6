//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_IMAGES_JSON_HPP
#define TAREXPORT_ENGINE_IMAGES_JSON_HPP

#include "record.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

// `/images/json`: the list of images.

namespace engine {

namespace detail {

// Before 1.43, an image without names had one of each kind, and others none at all of a kind.
inline void write_names(document& d, std::string_view key, std::vector<std::string> const& names, bool untagged, bool old, char const* none)
{
    if(old && untagged)
        d.member(key, std::vector<std::string>{none});
    else if(old && names.empty()) {
        d.w.key(key);
        d.w.null();
    }
    else
        d.member(key, names);
}

inline void write_row(document& d, record const& r, api_version const& v)
{
    bool const untagged = r.names.tags.empty() && r.names.digests.empty();
    bool const old = v < api_version{1, 43, 0};
    d.w.begin_object();
    d.member("Containers", -1);
    d.seconds("Created", r.image.created);
    d.member("Id", r.image.id.str());
    d.w.key("Labels");
    tarexport::detail::write_value(d.w, r.config.config ? r.config.config->labels : tarexport::detail::json_map<std::string>());
    d.member("ParentId", r.image.parent ? r.image.parent->str() : std::string());
    detail::write_names(d, "RepoDigests", r.names.digests, untagged, old, "<none>@<none>");
    detail::write_names(d, "RepoTags", r.names.tags, untagged, old, "<none>:<none>");
    d.member("SharedSize", -1);
    d.member("Size", r.size);
    if(v < api_version{1, 44, 0})
        d.member("VirtualSize", r.size);
    d.w.end_object();
}

} // namespace detail

/// Return the list of images, the newest first.
inline std::string images_json(std::vector<record> const& records, api_version const& v)
{
    std::vector<record const*> sorted;
    for(auto const& r : records)
        sorted.push_back(&r);
    // ~ turns the order of numbers round; those of one time stay as they were.
    auto const age = [](record const* r) { return std::pair(~(r->image.created ? r->image.created->seconds : std::int64_t{0}), r); };
    std::ranges::sort(sorted, {}, age);
    document d;
    d.w.begin_array();
    for(auto const* const r : sorted)
        detail::write_row(d, *r, v);
    d.w.end_array();
    return std::move(d).take();
}

} // namespace engine

#endif
