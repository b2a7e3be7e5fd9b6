//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_LAYOUT_HYBRID_HPP
#define TAREXPORT_LAYOUT_HYBRID_HPP

#include <tarexport/closure.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/detail/lay_out_each.hpp>
#include <tarexport/detail/made_manifest.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/documents.hpp>
#include <tarexport/error.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/selection.hpp>
#include <tarexport/tar_header.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport {

/** An archive for every reader: an OCI layout with a `manifest.json`, what is read first in front.

    The order is `oci-layout`, `index.json`, `manifest.json`, indexes and manifests, configs, layers as they are applied, and what else
    is named. Manifests and indexes are those of the store, byte for byte, so that their digests stay; where it has none they
    are made, as `docker_layout` makes them. An index stays one, with as many platforms as are chosen. There are no directories,
    no v1 configs and no times: whatever is in the archive is named by something in it.

    Every image is in `index.json`: under each of its tags, under each reference with its digest, or without a name. In
    `manifest.json`, for engines that keep one image for each name, a name stands for the platform that was named first, else for
    the host's; tags are in their full form there.
*/
struct hybrid_layout {
    static constexpr bool keeps_manifests = true;

    /// The data of layers begins at a multiple of so many bytes: 0 or 512 for anywhere, otherwise a multiple of 512 of at most 65536.
    std::uint32_t align = 0;

    /// Return the plan; `unencodable_header` for another alignment, `no_names`, `empty_image`, `archive_too_large`, or what makes a header impossible.
    result<plan> lay_out(std::vector<selection> images) const;
};

namespace detail {

// Collects the entries of a hybrid archive, group by group.
class hybrid_archive {
public:
    result<void> add(selection const& s, std::optional<digest> const& parent)
    {
        if(s.layers.empty())
            return failure{error::empty_image, s.tags.empty() ? s.config.id.str() : std::string(s.tags.front().familiar()), {}};
        if(s.closure)
            add_closure(s, *s.closure);
        else
            add_closure(s, detail::make_closure(s));
        add_item(s, parent);
        return {};
    }

    result<plan> finish(std::uint32_t alignment) &&
    {
        index_json_list index_json;
        for(auto const& d : entries_)
            index_json.add(d);
        manifest_json_list manifest_json;
        for(auto const& i : items_)
            manifest_json.add(i);
        plan_builder b;
        b.add_document("oci-layout", tarexport::render_oci_layout(), 0644, 0);
        b.add_long_document("index.json", std::move(index_json).finish(), 0644, 0);
        b.add_long_document("manifest.json", std::move(manifest_json).finish(), 0644, 0);
        for(auto* const group : {&manifests_, &configs_})
            for(auto& d : *group)
                b.add_blob(std::move(d.text), d.info.id, 0644, 0);
        b.align(alignment);
        for(auto* const group : {&layers_, &others_})
            for(auto& l : *group)
                b.add_layer(std::move(l), 0644, 0);
        for(auto& i : images_)
            b.add_image(std::move(i));
        return std::move(b).finish();
    }

private:
    void add_closure(selection const& s, content_closure const& c)
    {
        for(auto const& d : c.manifests)
            if(blobs_.insert(d.info.id).second)
                manifests_.push_back(d);
        for(auto const& d : c.configs)
            if(blobs_.insert(d.info.id).second)
                configs_.push_back(d);
        for(auto const& b : c.blobs)
            if(b.lease && blobs_.insert(b.info.id).second)
                (b.diff_id.empty() ? others_ : layers_).push_back({b.info.id, b.chain, *b.lease, b.info.size});
        for(auto const& i : c.images)
            add_image(i.id, s);
        list(s, c);
    }

    void add_image(digest const& id, selection const& s)
    {
        auto const [known, is_new] = image_numbers_.try_emplace(id, images_.size());
        if(is_new)
            images_.push_back({id, {}});
        auto& tags = images_[known->second].tags;
        for(auto const& t : s.tags)
            if(tagged_.emplace(known->second, t.familiar()).second)
                tags.emplace_back(t.familiar());
    }

    // Adds the entries of index.json.
    void list(selection const& s, content_closure const& c)
    {
        auto entry = c.root;
        std::erase_if(entry.annotations, [](auto const& a) { return a.first == image_name || a.first == ref_name; });
        if(c.original)
            entry.annotations.emplace_back(original_digest_annotation, c.original->str());
        auto const add = [&](descriptor d, std::string name) {
            auto& same = entry_numbers_[{d.id, std::move(name)}];
            if(std::ranges::find(same, d, [&](std::size_t n) -> descriptor const& { return entries_[n]; }) != same.end())
                return;
            same.push_back(entries_.size());
            entries_.push_back(std::move(d));
        };
        auto const named = [&](reference const& name) {
            auto d = entry;
            d.annotations.emplace_back(image_name, name.str());
            if(name.has_tag())
                d.annotations.emplace_back(ref_name, name.tag());
            return d;
        };
        bool is_named = !s.tags.empty();
        for(auto const& t : s.tags)
            add(named(t), t.str());
        // A name with another digest would be a lie.
        for(auto const& r : s.digest_references)
            if(auto const id = r.id(); id && *id == entry.id) {
                add(named(r), r.str());
                is_named = true;
            }
        if(!is_named)
            add(entry, {});
    }

    // Adds the entry of manifest.json, one for each image.
    void add_item(selection const& s, std::optional<digest> const& parent)
    {
        auto const [known, is_new] = item_numbers_.try_emplace(s.config.id, items_.size());
        if(is_new) {
            manifest_item item;
            item.config = plan::blob_path(s.config.id);
            item.parent = parent ? parent->str() : std::string();
            for(auto const& l : s.layers)
                item.layers.push_back(plan::blob_path(l.info.id));
            items_.push_back(std::move(item));
        }
        for(auto const& t : s.tags)
            items_[known->second].tags.push_back(t.str());
    }

    static constexpr std::string_view image_name = "io.containerd.image.name";
    static constexpr std::string_view ref_name = "org.opencontainers.image.ref.name";

    std::vector<content_document> manifests_;
    std::vector<content_document> configs_;
    std::vector<planned_layer> layers_;
    std::vector<planned_layer> others_;
    std::set<digest> blobs_; // everything under blobs/
    std::vector<descriptor> entries_;
    std::map<std::pair<digest, std::string>, std::vector<std::size_t>> entry_numbers_; // by digest and name
    std::vector<manifest_item> items_;
    std::map<digest, std::size_t> item_numbers_;
    std::vector<planned_image> images_;
    std::map<digest, std::size_t> image_numbers_;
    std::set<std::pair<std::size_t, std::string>> tagged_; // the images, by number, and their tags
};

} // namespace detail

inline result<plan> hybrid_layout::lay_out(std::vector<selection> images) const
{
    if(align % tar_block_size != 0 || align > plan_builder::alignment_limit)
        return failure{error::unencodable_header, "alignment " + std::to_string(align),
            "it has to be a multiple of 512, and at most " + std::to_string(plan_builder::alignment_limit)};
    detail::hybrid_archive archive;
    auto added =
        detail::lay_out_each(std::move(images), [&](selection const& s, auto const& parent) { return archive.add(s, parent); });
    return added ? std::move(archive).finish(align) : added.error();
}

static_assert(layout_policy<hybrid_layout> && keeps_manifests<hybrid_layout>);

} // namespace tarexport

#endif
