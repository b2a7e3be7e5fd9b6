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
#include <tarexport/detail/keyed_hash.hpp>
#include <tarexport/detail/lay_out_each.hpp>
#include <tarexport/detail/made_manifest.hpp>
#include <tarexport/detail/number_table.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/documents.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/parent_links.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/plan_builder.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/selection.hpp>
#include <tarexport/tar_header.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport {

namespace detail {
class hybrid_archive;
}

/** An archive for every reader: an OCI layout with a `manifest.json`, what is read first in front.

    The order is `oci-layout`, `index.json`, `manifest.json`, indexes and manifests, configs, layers as they are applied, and what else
    is named. Manifests and indexes are those of the store, byte for byte, so that their digests stay; where it has none they
    are made, as `docker_layout` makes them. An index stays one, with as many platforms as are chosen. There are no directories,
    no v1 configs and no times: whatever is in the archive is named by something in it.

    Every image is in `index.json`: under each of its tags, under each reference with its digest, or without a name. In
    `manifest.json`, for engines that keep one image for each name, a name stands for the platform that was named first, else for
    the host's; tags are in their full form there.
*/
struct hybrid_layout final {
    static constexpr bool keeps_manifests = true;

    /// The data of layers begins at a multiple of so many bytes: 0 or 512 for anywhere, otherwise a multiple of 512 of at most 65536.
    std::uint32_t align = 0;

    /// Return an archive that takes images one by one.
    detail::hybrid_archive begin_plan() const;

    /// Return the plan; `unencodable_header` for another alignment, `no_names`, `empty_image`, `archive_too_large`, or what makes a header impossible.
    result<plan> lay_out(std::vector<selection> images) const;
};

namespace detail {

// Puts the entries of a hybrid archive together. Of an image it keeps what is in the archive, and what the two lists say of it.
class hybrid_archive {
public:
    explicit hybrid_archive(std::uint32_t alignment) : alignment_(alignment) {}

    result<void> add(selection s)
    {
        if(auto fit = check_alignment(); !fit)
            return fit;
        if(auto fit = detail::check_layers(s); !fit)
            return fit;
        if(s.layers.empty())
            return failure{error::empty_image, s.tags.empty() ? s.config.id.str() : std::string(s.tags.front().familiar()), {}};
        if(s.closure)
            add_closure(s, *s.closure);
        else
            add_closure(s, detail::make_closure(s));
        add_item(s);
        return {};
    }

    result<plan> finish() &&
    {
        if(auto fit = check_alignment(); !fit)
            return fit.error();
        if(items_.empty())
            return failure{error::no_names, {}, {}};
        listed_ = {};
        check_parents();
        begin_group(metadata);
        plan_.add_document("oci-layout", tarexport::render_oci_layout(), 0644, 0);
        plan_.add_long_document("index.json", std::move(index_json_).finish(), 0644, 0);
        manifest_json_list manifest_json;
        for(; !items_.empty(); items_.pop_front())
            manifest_json.add(rendered(items_.front()));
        plan_.add_long_document("manifest.json", std::move(manifest_json).finish(), 0644, 0);
        plan_.sort_by_group();
        for(; !images_.empty(); images_.pop_front())
            plan_.add_image(std::move(images_.front().image));
        return std::move(plan_).finish();
    }

private:
    // In the order of the archive.
    enum group : std::uint8_t { metadata, manifests, configs, layers, others };

    // An image of manifest.json. Its layers are numbers of the plan's blobs, and those of `not_in_the_archive_` above them.
    struct item {
        digest config;
        std::optional<digest> parent;
        std::vector<std::string> tags;
        std::vector<std::uint32_t> layers;
    };

    // An image of the plan, and the last selection that gave it its tags.
    struct numbered_image {
        planned_image image;
        std::size_t tagged_by = 0;
    };

    result<void> check_alignment() const
    {
        if(alignment_ % tar_block_size == 0 && alignment_ <= plan_builder::alignment_limit)
            return {};
        return failure{error::unencodable_header, "alignment " + std::to_string(alignment_),
            "it has to be a multiple of 512, and at most " + std::to_string(plan_builder::alignment_limit)};
    }

    void begin_group(group g)
    {
        plan_.group(g);
        plan_.align(g == layers || g == others ? alignment_ : 0);
    }

    void add_closure(selection const& s, content_closure const& c)
    {
        add_documents(c.manifests, manifests);
        add_documents(c.configs, configs);
        for(auto const& b : c.blobs)
            if(b.lease && !plan_.has_blob(b.info.id)) {
                begin_group(b.diff_id.empty() ? others : layers);
                plan_.add_layer({b.info.id, b.chain, *b.lease, b.info.size}, 0644, 0);
            }
        ++selections_;
        for(auto const& i : c.images)
            add_image(i.id, s);
        list(s, c);
    }

    void add_documents(std::vector<content_document> const& documents, group g)
    {
        begin_group(g);
        for(auto const& d : documents)
            if(!plan_.has_document(d.info.id))
                plan_.add_blob(d.text, d.info.id, 0644, 0);
    }

    // A closure may have an image twice.
    void add_image(digest const& id, selection const& s)
    {
        auto& i = images_[number_of(id, images_, image_numbers_, [](auto& n) -> digest& { return n.image.id; })];
        if(std::exchange(i.tagged_by, selections_) != selections_)
            for(auto const& t : s.tags)
                i.image.tags.emplace_back(t.familiar());
    }

    // Adds the entries of index.json.
    void list(selection const& s, content_closure const& c)
    {
        auto entry = c.root;
        std::erase_if(entry.annotations, [](auto const& a) { return a.first == image_name || a.first == ref_name; });
        if(c.original)
            entry.annotations.emplace_back(original_digest_annotation, c.original->str());
        auto const named = [&](reference const& name) {
            auto d = entry;
            d.annotations.emplace_back(image_name, name.str());
            if(name.has_tag())
                d.annotations.emplace_back(ref_name, name.tag());
            return d;
        };
        bool is_named = !s.tags.empty();
        for(auto const& t : s.tags)
            list_once(named(t));
        // A name with another digest would be a lie.
        for(auto const& r : s.digest_references)
            if(auto const id = r.id(); id && *id == entry.id) {
                list_once(named(r));
                is_named = true;
            }
        if(!is_named)
            list_once(entry);
    }

    void list_once(descriptor const& entry)
    {
        auto const text = index_json_list::text_of(entry);
        auto const id = tarexport::digest_of(text);
        auto const same = [&](std::uint32_t n) { return std::ranges::equal(listed_[n], id.hash()); };
        if(listed_numbers_.find(detail::keyed_hash(id.hash()), same))
            return;
        std::ranges::copy(id.hash(), listed_.emplace_back().begin());
        listed_numbers_.add(static_cast<std::uint32_t>(listed_.size() - 1), [this](std::uint32_t n) { return detail::keyed_hash(listed_[n]); });
        index_json_.add_text(text);
    }

    // Adds the entry of manifest.json, one for each image.
    void add_item(selection const& s)
    {
        auto const before = items_.size();
        auto& i = items_[number_of(s.config.id, items_, item_numbers_, [](auto& n) -> digest& { return n.config; })];
        for(auto const& t : s.tags)
            i.tags.push_back(t.str());
        if(items_.size() == before)
            return;
        i.parent = s.config.parent;
        for(auto const& l : s.layers) {
            auto const number = plan_.find_blob(l.info.id);
            i.layers.push_back(number ? *number : static_cast<std::uint32_t>(most_blobs + not_in_the_archive_.size()));
            if(!number)
                not_in_the_archive_.push_back(l.info.id);
        }
    }

    manifest_item rendered(item& i) const
    {
        manifest_item made;
        made.config = plan::blob_path(i.config);
        made.tags = std::move(i.tags);
        made.parent = i.parent ? i.parent->str() : std::string();
        for(auto const n : i.layers)
            made.layers.push_back(plan::blob_path(n < most_blobs ? plan_.blob(n) : not_in_the_archive_[n - most_blobs]));
        return made;
    }

    void check_parents()
    {
        if(std::ranges::none_of(items_, &std::optional<digest>::has_value, &item::parent))
            return;
        std::vector<parent_link> links;
        for(auto const& i : items_)
            links.push_back({i.config, i.parent});
        links = tarexport::validated_parent_links(links);
        for(std::size_t n = 0; n != links.size(); ++n)
            items_[n].parent = links[n].parent;
    }

    // Returns the number of an image, which is added if it is not there.
    static std::size_t number_of(digest const& id, auto& all, number_table& numbers, auto id_of)
    {
        auto const hash = [&](std::uint32_t n) { return std::hash<digest>()(id_of(all[n])); };
        if(auto const known = numbers.find(std::hash<digest>()(id), [&](std::uint32_t n) { return id_of(all[n]) == id; }))
            return *known;
        all.emplace_back();
        id_of(all.back()) = id;
        numbers.add(static_cast<std::uint32_t>(all.size() - 1), hash);
        return all.size() - 1;
    }

    static constexpr std::string_view image_name = "io.containerd.image.name";
    static constexpr std::string_view ref_name = "org.opencontainers.image.ref.name";
    static constexpr std::uint32_t most_blobs = plan_builder::blob_limit;

    std::uint32_t alignment_;
    plan_builder plan_;
    index_json_list index_json_;
    plan::many<std::array<std::byte, size_of(digest_algorithm::sha256)>> listed_; // the hashes of the entries of index.json
    number_table listed_numbers_;
    plan::many<item> items_;
    number_table item_numbers_;
    plan::many<digest> not_in_the_archive_; // layers that are left out
    plan::many<numbered_image> images_;
    number_table image_numbers_;
    std::size_t selections_ = 0;
};

} // namespace detail

inline detail::hybrid_archive hybrid_layout::begin_plan() const
{
    return detail::hybrid_archive(align);
}

inline result<plan> hybrid_layout::lay_out(std::vector<selection> images) const
{
    auto archive = begin_plan();
    for(auto& s : images)
        if(auto added = archive.add(std::exchange(s, {})); !added)
            return added.error();
    return std::move(archive).finish();
}

static_assert(incremental_layout<hybrid_layout> && keeps_manifests<hybrid_layout>);

} // namespace tarexport

#endif
