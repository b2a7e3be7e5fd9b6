//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_LAYOUT_DOCKER_HPP
#define TAREXPORT_LAYOUT_DOCKER_HPP

#include <tarexport/descriptor.hpp>
#include <tarexport/detail/lay_out_each.hpp>
#include <tarexport/detail/made_manifest.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/documents.hpp>
#include <tarexport/error.hpp>
#include <tarexport/image.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/plan_builder.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/selection.hpp>
#include <tarexport/tar_header.hpp>
#include <tarexport/v1.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport {

/** What `docker save` writes (dockerd 25 to 28): an OCI layout, `manifest.json` and `repositories` in one.

    For one image, byte for byte what moby v27.3.1 writes in UTC, apart from the times that it takes from the clock:
    these are 1970-01-01T00:00:00Z here. Where that engine leaves things to chance or loses them, this does not:
    images come in request order, and every untagged image is in `index.json`. An image without layers is refused, as there.

    A layer that a store holds compressed stays so, under the digest and media type of the compressed bytes; `expanded` unpacks it.
*/
struct docker_layout {
    /// Seconds east of UTC of the zone that the engine would have been in; v1 image IDs depend on it.
    std::int32_t zone_offset = 0;

    /// Return the plan; `no_names`, `empty_image`, `archive_too_large`, or what makes a config or a header impossible.
    result<plan> lay_out(std::vector<selection> images) const;
};

namespace detail {

// Adds what belongs to each image, then puts all in lexical order.
class docker_archive {
public:
    docker_archive(std::int32_t zone_offset, bool one_system) : zone_offset_(zone_offset), one_system_(one_system) {}

    result<void> add(selection s, std::optional<digest> const& parent)
    {
        auto& config = s.config;
        if(config.diff_ids.empty())
            return failure{error::empty_image, s.tags.empty() ? config.id.str() : std::string(s.tags.front().familiar()), {}};
        auto const time = config.created ? entry_mtime(config.created->seconds, config.created->nanoseconds) : 0;
        auto legacy = tarexport::v1_images(config, zone_offset_);
        if(!legacy)
            return legacy.error();
        for(std::size_t n = 0; n != s.layers.size(); ++n) {
            auto& v1 = (*legacy)[n];
            // The ID leaves the system out, and the engine keeps the first config of an ID. With one system they are all the same.
            if(one_system_ || v1_ids_.insert(v1.id).second)
                add_blob(std::move(v1.json), v1.json_id, time);
            add_layer(s.layers[n], v1.chain_id, time);
        }
        describe(s, parent);
        add_blob(std::move(config.config), config.id, time);
        if(config.created)
            blobs_time_ = time;
        return {};
    }

    result<plan> finish() &&
    {
        plan_.add_long_document("index.json", std::move(index_json_).finish(), 0644, 0);
        plan_.add_long_document("manifest.json", std::move(manifest_json_).finish(), 0644, 0);
        add_named("oci-layout", tarexport::render_oci_layout());
        if(!repositories_.empty())
            plan_.add_long_document("repositories", detail::render_repositories_in_parts(std::move(repositories_)), 0644, 0);
        plan_.add_directory("blobs/", 0755, blobs_time_);
        for(auto const a : digest_algorithms)
            if(algorithms_.contains(a))
                plan_.add_directory("blobs/" + std::string(name_of(a)) + '/', 0755, 0);
        plan_.sort();
        return std::move(plan_).finish();
    }

private:
    static std::vector<std::string> familiar(std::vector<reference> const& tags)
    {
        std::vector<std::string> texts;
        for(auto const& t : tags)
            texts.emplace_back(t.familiar());
        return texts;
    }

    void add_blob(std::string text, digest const& id, std::int64_t time)
    {
        algorithms_.insert(id.algorithm());
        if(!plan_.has_document(id))
            plan_.add_blob(std::move(text), id, 0644, time);
    }

    void add_named(std::string path, std::string text) { plan_.add_document(std::move(path), std::move(text), 0644, 0); }

    void add_layer(selected_layer const& l, std::string const& chain, std::int64_t time)
    {
        if(!l.lease)
            return;
        algorithms_.insert(l.info.id.algorithm());
        if(plan_.has_blob(l.info.id))
            return;
        auto const id = tarexport::parse_digest(chain);
        plan_.add_layer({l.info.id, id ? *id : digest(), *l.lease, l.info.size}, 0644, time);
    }

    // Adds the image to all lists: its manifest, index.json, manifest.json and repositories.
    void describe(selection const& s, std::optional<digest> const& parent)
    {
        auto made = detail::make_manifest(s);
        manifest_item item;
        item.config = plan::blob_path(s.config.id);
        item.tags = familiar(s.tags);
        item.parent = parent ? parent->str() : std::string();
        for(std::size_t n = 0; n != made.layers.size(); ++n) {
            item.layers.push_back(plan::blob_path(made.layers[n].id));
            item.sources.try_emplace(s.config.diff_ids[n], made.layers[n]);
        }
        auto const& manifest = made.document.info;
        add_blob(std::move(made.document.text), manifest.id, 0);
        if(s.tags.empty())
            index_json_.add(manifest);
        for(auto const& tag : s.tags) {
            auto tagged = manifest;
            tagged.annotations = {{"io.containerd.image.name", tag.str()},
                {"org.opencontainers.image.ref.name", std::string(tag.tag())}};
            index_json_.add(tagged);
            repositories_[std::string(tag.familiar_name())][std::string(tag.tag())] = made.layers.back().id.hex();
        }
        manifest_json_.add(item);
        plan_.add_image({s.config.id, std::move(item.tags)});
    }

    std::int32_t zone_offset_;
    bool one_system_; // whether all images name the same one, letter by letter
    plan_builder plan_;
    std::set<digest_algorithm> algorithms_; // of everything under blobs/
    std::set<digest> v1_ids_;               // whose legacy blob is in; not kept where there is one system
    std::int64_t blobs_time_ = 0;           // that of the last image with a time
    index_json_list index_json_;
    manifest_json_list manifest_json_;
    repository_tags repositories_;
};

} // namespace detail

inline result<plan> docker_layout::lay_out(std::vector<selection> images) const
{
    bool const one_system = std::ranges::all_of(images, [&](auto const& s) { return s.config.os == images.front().config.os; });
    detail::docker_archive archive(zone_offset, one_system);
    auto added = detail::lay_out_each(std::move(images), [&](selection s, auto const& parent) { return archive.add(std::move(s), parent); });
    return added ? std::move(archive).finish() : added.error();
}

static_assert(layout_policy<docker_layout>);

} // namespace tarexport

#endif
