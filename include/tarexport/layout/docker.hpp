//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_LAYOUT_DOCKER_HPP
#define TAREXPORT_LAYOUT_DOCKER_HPP

#include <tarexport/descriptor.hpp>
#include <tarexport/detail/made_manifest.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/documents.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/image.hpp>
#include <tarexport/parent_links.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/selection.hpp>
#include <tarexport/tar_header.hpp>
#include <tarexport/v1.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
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

    /// Return the plan; `no_names`, `empty_image`, or what makes a config or a header impossible.
    result<plan> lay_out(std::span<selection const> images) const;
};

namespace detail {

// Collects the entries of a docker archive, then puts them in lexical order.
class docker_archive {
public:
    explicit docker_archive(std::int32_t zone_offset) : zone_offset_(zone_offset) {}

    result<void> add(selection const& s, std::optional<digest> const& parent)
    {
        auto const& config = s.config;
        if(config.diff_ids.empty())
            return failure{error::empty_image, s.tags.empty() ? config.id.str() : std::string(s.tags.front().familiar()), {}};
        auto const time = config.created ? entry_mtime(config.created->seconds, config.created->nanoseconds) : 0;
        auto legacy = tarexport::v1_images(config, zone_offset_);
        if(!legacy)
            return legacy.error();
        for(std::size_t n = 0; n != s.layers.size(); ++n) {
            auto& v1 = (*legacy)[n];
            if(v1_ids_.insert(v1.id).second)
                add_blob(std::move(v1.json), v1.json_id, time);
            add_layer(s.layers[n], v1.chain_id, time);
        }
        add_blob(config.config, config.id, time);
        if(config.created)
            blobs_time_ = time;
        images_.push_back({config.id, familiar(s.tags)});
        describe(s, parent);
        return {};
    }

    result<plan> finish() &&
    {
        add_named("index.json", tarexport::render_index(manifests_));
        add_named("manifest.json", std::move(manifest_json_).finish());
        add_named("oci-layout", tarexport::render_oci_layout());
        if(!repositories_.empty())
            add_named("repositories", tarexport::render_repositories(repositories_));
        return build();
    }

private:
    struct document {
        std::string path; // empty: that of its digest
        std::string text;
        digest id;
        std::int64_t mtime = 0;
    };

    struct layer {
        planned_layer planned;
        std::int64_t mtime = 0;
    };

    // Where an entry stands and what it is: a document, a layer, or neither: a directory.
    struct place {
        std::string path;
        std::int64_t mtime = 0;
        std::optional<std::size_t> document;
        std::optional<std::size_t> layer;
    };

    static std::vector<std::string> familiar(std::vector<reference> const& tags)
    {
        std::vector<std::string> texts;
        for(auto const& t : tags)
            texts.emplace_back(t.familiar());
        return texts;
    }

    void add_blob(std::string text, digest const& id, std::int64_t time)
    {
        if(!blobs_.insert(id).second)
            return;
        text.shrink_to_fit(); // there may be hundreds of thousands
        documents_.push_back({{}, std::move(text), id, time});
    }

    void add_named(std::string path, std::string text) { documents_.push_back({std::move(path), std::move(text), {}, 0}); }

    void add_layer(selected_layer const& l, std::string const& chain, std::int64_t time)
    {
        if(!l.lease || !blobs_.insert(l.info.id).second)
            return;
        auto const id = tarexport::parse_digest(chain);
        layers_.push_back({{l.info.id, id ? *id : digest(), *l.lease, l.info.size}, time});
    }

    // Adds the image to all lists: its manifest, index.json, manifest.json and repositories.
    void describe(selection const& s, std::optional<digest> const& parent)
    {
        auto made = detail::make_manifest(s);
        manifest_item item;
        item.config = plan::blob_path(s.config.id);
        item.tags = images_.back().tags;
        item.parent = parent ? parent->str() : std::string();
        for(std::size_t n = 0; n != made.layers.size(); ++n) {
            item.layers.push_back(plan::blob_path(made.layers[n].id));
            item.sources.try_emplace(s.config.diff_ids[n], made.layers[n]);
        }
        auto const& manifest = made.document.info;
        add_blob(std::move(made.document.text), manifest.id, 0);
        if(s.tags.empty())
            manifests_.push_back(manifest);
        for(auto const& tag : s.tags) {
            auto tagged = manifest;
            tagged.annotations = {{"io.containerd.image.name", tag.str()},
                {"org.opencontainers.image.ref.name", std::string(tag.tag())}};
            manifests_.push_back(std::move(tagged));
            repositories_[std::string(tag.familiar_name())][std::string(tag.tag())] = made.layers.back().id.hex();
        }
        manifest_json_.add(item);
    }

    result<plan> build()
    {
        std::vector<place> places;
        std::set<std::string> directories;
        auto const put = [&](place p) {
            for(auto slash = p.path.find('/'); slash != std::string::npos; slash = p.path.find('/', slash + 1))
                directories.insert(p.path.substr(0, slash + 1));
            places.push_back(std::move(p));
        };
        for(std::size_t i = 0; i != documents_.size(); ++i) {
            auto const& d = documents_[i];
            put({d.path.empty() ? plan::blob_path(d.id) : d.path, d.mtime, i, std::nullopt});
        }
        for(std::size_t i = 0; i != layers_.size(); ++i)
            put({plan::blob_path(layers_[i].planned.id), layers_[i].mtime, std::nullopt, i});
        for(auto const& d : directories)
            places.push_back({d, d == "blobs/" ? blobs_time_ : 0, std::nullopt, std::nullopt});
        std::ranges::sort(places, {}, &place::path);
        plan_builder b;
        for(auto& i : images_)
            b.add_image(std::move(i));
        for(auto& p : places)
            add_to(b, p);
        return std::move(b).finish();
    }

    void add_to(plan_builder& b, place& p)
    {
        if(p.layer) {
            b.add_layer(std::move(layers_[*p.layer].planned), 0644, p.mtime);
        }
        else if(p.document) {
            auto& d = documents_[*p.document];
            if(d.path.empty())
                b.add_blob(std::move(d.text), d.id, 0644, p.mtime);
            else
                b.add_document(std::move(d.path), std::move(d.text), 0644, p.mtime);
        }
        else
            b.add_directory(std::move(p.path), 0755, p.mtime);
    }

    std::int32_t zone_offset_;
    std::vector<document> documents_;
    std::vector<layer> layers_;
    std::set<digest> blobs_;       // everything under blobs/
    std::set<digest> v1_ids_; // whose legacy blob is in
    std::int64_t blobs_time_ = 0;  // that of the last image with a time
    std::vector<planned_image> images_;
    std::vector<descriptor> manifests_;
    manifest_json_writer manifest_json_;
    repository_tags repositories_;
};

} // namespace detail

inline result<plan> docker_layout::lay_out(std::span<selection const> images) const
{
    if(images.empty())
        return failure{error::no_names, {}, {}};
    std::vector<parent_link> links;
    for(auto const& s : images)
        links.push_back({s.config.id, s.config.parent});
    links = tarexport::validated_parent_links(links);
    detail::docker_archive archive(zone_offset);
    for(std::size_t i = 0; i != images.size(); ++i)
        if(auto added = archive.add(images[i], links[i].parent); !added)
            return added.error();
    return std::move(archive).finish();
}

static_assert(layout_policy<docker_layout>);

} // namespace tarexport

#endif
