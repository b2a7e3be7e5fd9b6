//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_V1_HPP
#define TAREXPORT_V1_HPP

#include <tarexport/chain_id.hpp>
#include <tarexport/detail/image_config.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/image.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport {

/** What one layer was before images had configs: an image of its own, with an ID and a config in JSON.

    Nothing reads these any more, but the engine still puts them into its archives.
*/
struct v1_image {
    std::string chain_id; ///< Of this layer and those below.
    digest id;            ///< The v1 ID; written without its algorithm.
    digest parent;        ///< The v1 ID of the layer below; empty for the bottom.
    std::string json;     ///< The config, byte for byte.
    digest json_id;       ///< The digest of `json`.

    friend bool operator==(v1_image const&, v1_image const&) = default;
};

/** Return the v1 images of an image's layers, bottom first, as `docker save` writes them (moby v27.3.1).

    Only the top one tells of the image; those below were created at the Unix epoch, in the zone of the engine.
    That zone is in their JSON and so in all IDs.

    @par Preconditions
    The image comes from `parse_image`.
    @param zone_offset The engine's zone in 1970, in seconds east of UTC.
    @return The v1 images, or `empty_image` (no layers), `time_out_of_range` (a zone offset of 24 hours or more, which
    the engine reads but does not write); the subject is the image's ID.
*/
inline result<std::vector<v1_image>> v1_images(image const& img, std::int32_t zone_offset = 0);

namespace detail {

/// Write the text whose hash is the v1 ID: the members sorted by key, `created` as JSON.
inline std::string v1_hashed_text(
    image_config const& c, std::string_view created, std::string_view chain, std::string_view parent)
{
    std::string text;
    json_writer w(text);
    w.begin_object();
    detail::write_unless_empty(w, "Size", c.size);
    detail::write_unless_empty(w, "architecture", c.architecture);
    detail::write_unless_empty(w, "author", c.author);
    detail::write_unless_empty(w, "comment", c.comment);
    if(c.config)
        detail::write_member(w, "config", *c.config);
    detail::write_unless_empty(w, "container", c.container);
    detail::write_member(w, "container_config", c.container_config);
    w.key("created");
    w.raw(created);
    detail::write_unless_empty(w, "docker_version", c.docker_version);
    w.key("layer_id");
    w.string(chain);
    detail::write_unless_empty(w, "os", c.os);
    if(!parent.empty()) {
        w.key("parent");
        w.string(parent);
    }
    detail::write_unless_empty(w, "variant", c.variant);
    w.end_object();
    return text;
}

/// Write the v1 config: the engine adds the system to every layer, but only after the ID was computed.
inline std::string v1_json(
    image_config const& c, std::string_view created, std::string const& os, digest const& id, digest const& parent)
{
    std::string text;
    json_writer w(text);
    w.begin_object();
    detail::write_unless_empty(w, "id", id.hex());
    detail::write_unless_empty(w, "parent", parent.hex());
    detail::write_unless_empty(w, "comment", c.comment);
    w.key("created");
    w.raw(created);
    detail::write_unless_empty(w, "container", c.container);
    detail::write_member(w, "container_config", c.container_config);
    detail::write_unless_empty(w, "docker_version", c.docker_version);
    detail::write_unless_empty(w, "author", c.author);
    if(c.config)
        detail::write_member(w, "config", *c.config);
    detail::write_unless_empty(w, "architecture", c.architecture);
    detail::write_unless_empty(w, "variant", c.variant);
    detail::write_unless_empty(w, "os", os);
    detail::write_unless_empty(w, "Size", c.size);
    w.end_object();
    return text;
}

/// Return a time as JSON; null if there is none.
inline result<std::string> created_json(std::optional<timestamp> const& created)
{
    if(!created)
        return std::string("null");
    auto text = tarexport::to_rfc3339(*created);
    if(!text) {
        auto f = std::move(text).error();
        f.detail.insert(0, "created: ");
        return f;
    }
    return '"' + *text + '"';
}

inline result<std::vector<v1_image>> v1_images(image const& img, image_config config, std::int32_t zone_offset)
{
    if(img.diff_ids.empty())
        return failure{error::empty_image, {}, {}};
    std::vector<v1_image> images;
    images.reserve(img.diff_ids.size());
    std::string const os = config.os;
    image_config lower;
    lower.created = timestamp{0, 0, zone_offset};
    for(std::size_t i = 0; i != img.diff_ids.size(); ++i) {
        bool const top = i + 1 == img.diff_ids.size();
        image_config const& c = top ? config : lower;
        auto const created = detail::created_json(c.created);
        if(!created)
            return created.error();
        v1_image v;
        v.chain_id = tarexport::chain_id(i == 0 ? std::string_view() : images.back().chain_id, img.diff_ids[i]);
        v.parent = i == 0 ? digest() : images.back().id;
        v.id = tarexport::digest_of(detail::v1_hashed_text(c, *created, v.chain_id, v.parent.str()));
        v.json = detail::v1_json(c, *created, os, v.id, v.parent);
        v.json_id = tarexport::digest_of(v.json);
        images.push_back(std::move(v));
    }
    return images;
}

} // namespace detail

inline result<std::vector<v1_image>> v1_images(image const& img, std::int32_t zone_offset)
{
    // What was within the caller's limits once is so now.
    constexpr auto any = std::numeric_limits<std::size_t>::max();
    auto config = detail::read_image_config(img.config, {any, any, any});
    auto images = config ? detail::v1_images(img, *std::move(config), zone_offset) : std::move(config).error();
    if(!images) {
        auto f = std::move(images).error();
        f.subject = img.id.str();
        return f;
    }
    return images;
}

} // namespace tarexport

#endif
