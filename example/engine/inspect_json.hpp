//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_INSPECT_JSON_HPP
#define TAREXPORT_ENGINE_INSPECT_JSON_HPP

#include "record.hpp"

#include <tarexport/timestamp.hpp>

#include <string>
#include <string_view>

// `/images/NAME/json`: all about an image.

namespace engine {

namespace detail {

inline std::string comment_of(record const& r)
{
    return r.config.comment.empty() && !r.image.history.empty() ? r.image.history.back().comment : r.config.comment;
}

inline void write_created(document& d, record const& r, api_version const& v)
{
    if(r.image.created) {
        if(auto const text = tarexport::to_rfc3339(*r.image.created))
            d.member("Created", *text);
    }
    else if(v < api_version{1, 44, 0})
        d.member("Created", no_time);
}

inline void write_container(document& d, record const& r)
{
    tarexport::detail::write_unless_empty(d.w, "Container", r.config.container);
    tarexport::detail::write_member(d.w, "ContainerConfig", r.config.container_config);
}

} // namespace detail

/** Return all about an image.

    @param driver What stands for the engine's storage driver: the directories that it tells of are those of containers.
*/
inline std::string inspect_json(record const& r, std::string_view driver, api_version const& v)
{
    document d;
    auto const& c = r.config;
    d.w.begin_object();
    d.member("Id", r.image.id.str());
    d.member("RepoTags", r.names.tags);
    d.member("RepoDigests", r.names.digests);
    d.member("Parent", r.image.parent ? r.image.parent->str() : std::string());
    d.member("Comment", detail::comment_of(r));
    detail::write_created(d, r, v);
    if(v < api_version{1, 45, 0})
        detail::write_container(d, r);
    d.member("DockerVersion", c.docker_version);
    d.member("Author", c.author);
    d.w.key("Config");
    if(c.config)
        tarexport::detail::write_value(d.w, *c.config);
    else
        d.w.null();
    d.member("Architecture", c.architecture);
    tarexport::detail::write_unless_empty(d.w, "Variant", c.variant);
    d.member("Os", c.os);
    tarexport::detail::write_unless_empty(d.w, "OsVersion", c.os_version);
    d.member("Size", r.size);
    if(v < api_version{1, 44, 0})
        d.member("VirtualSize", r.size);
    d.w.key("GraphDriver");
    d.w.begin_object();
    d.w.key("Data");
    d.w.null();
    d.member("Name", driver);
    d.w.end_object();
    d.w.key("RootFS");
    d.w.begin_object();
    d.member("Type", c.rootfs ? c.rootfs->type : std::string());
    if(!r.image.diff_ids.empty())
        d.member("Layers", r.image.diff_ids);
    d.w.end_object();
    d.w.key("Metadata");
    d.w.begin_object();
    d.member("LastTagTime", no_time);
    d.w.end_object();
    d.w.end_object();
    return std::move(d).take();
}

} // namespace engine

#endif
