//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_ARCHIVE_IMAGES_HPP
#define TAREXPORT_DETAIL_ARCHIVE_IMAGES_HPP

#include <tarexport/detail/archive_contents.hpp>
#include <tarexport/detail/docker_manifest.hpp>
#include <tarexport/detail/short_list.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/image.hpp>
#include <tarexport/parent_links.hpp>
#include <tarexport/reference.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tarexport::detail {

/// The images that an archive has without manifests of their own, each once, in the order in which they come.
class archive_images {
public:
    std::vector<archive_image> const& all() const noexcept { return images_; }

    /// Return why some names or whole images cannot be taken: of the first ten thousand.
    std::vector<failure> const& refused() const noexcept { return refused_; }

    archive_image const* find(digest const& id) const
    {
        auto const known = by_id_.find(id);
        return known == by_id_.end() ? nullptr : &images_[known->second];
    }

    /// Return the images that have a name.
    std::vector<archive_image const*> named(reference const& name) const
    {
        std::vector<archive_image const*> found;
        if(auto const known = by_name_.find(name.str()); known != by_name_.end())
            for(auto const n : known->second)
                found.push_back(&images_[n]);
        return found;
    }

    void refuse(failure why)
    {
        if(refused_.size() != 10'000)
            refused_.push_back(std::move(why));
    }

    /// Add an image, or names for one that is there.
    void add(archive_image i)
    {
        auto const n = i.id.empty() ? images_.size() : by_id_.try_emplace(i.id, images_.size()).first->second;
        if(i.broken)
            refuse(*i.broken);
        if(n == images_.size()) {
            auto names = std::exchange(i.names, {});
            images_.push_back(std::move(i));
            i.names = std::move(names);
        }
        for(auto& name : i.names)
            add_name(n, std::move(name));
    }

    void add_name(std::size_t n, reference name)
    {
        // Not in the image's own list: it may have a hundred thousand.
        auto& images = by_name_[name.str()];
        if(std::ranges::find(images, n) != images.end())
            return;
        images.push_back(n);
        images_[n].names.push_back(std::move(name));
    }

    /// Return the number of an image.
    std::size_t number_of(digest const& id) const { return by_id_.at(id); }

    /// Drop the parents that are not here, as the engine does.
    void check_parents()
    {
        std::vector<parent_link> links;
        for(auto const& i : images_)
            links.push_back({i.id, i.parent});
        links = tarexport::validated_parent_links(links);
        for(std::size_t n = 0; n != images_.size(); ++n)
            images_[n].parent = links[n].parent;
    }

private:
    std::vector<archive_image> images_;
    std::map<digest, std::size_t> by_id_;
    std::unordered_map<std::string, std::vector<std::size_t>> by_name_;
    std::vector<failure> refused_;
};

/** Reads the configs that `manifest.json` names.

    Images that cannot be taken are in the result, with the reason.
*/
class docker_images_reader {
public:
    explicit docker_images_reader(archive_contents const& contents) : contents_(contents) {}

    archive_images run(docker_manifest const& m)
    {
        archive_images images;
        for(std::size_t n = 0; n != m.items.size(); ++n) {
            auto const& item = m.items[n];
            archive_image i;
            for(auto const& text : item.tags.elements()) {
                auto tag = detail::engine_tag(text);
                if(tag)
                    i.names.push_back(*std::move(tag));
                else
                    images.refuse({tag.error().code, text.empty() ? "\"\"" : shown(text),
                        "a tag in " + contents_.index().subject("manifest.json") +
                            (tag.error().detail.empty() ? "" : ": " + tag.error().detail)});
            }
            if(auto read = read_config(item, i); !read)
                i.broken = about(read.error(), n, i);
            images.add(std::move(i));
        }
        images.check_parents();
        return images;
    }

private:
    static constexpr std::uint64_t budget = std::uint64_t{256} << 20;

    result<void> read_config(docker_item const& item, archive_image& i)
    {
        auto const known = read_.find(item.config);
        if(known == read_.end()) {
            auto text = contents_.read(item.config, std::min<std::uint64_t>(config_limits{}.size, left_));
            if(!text)
                return std::move(text).error();
            left_ -= text->size();
            auto const id = tarexport::digest_of(*text);
            auto const size = text->size();
            auto config = tarexport::parse_image(*std::move(text), id);
            if(!config)
                return std::move(config).error();
            auto const at = contents_.index().find(item.config);
            contents_.keep(id, {contents_.index().subject(item.config), *at, {}});
            if(config->diff_ids.size() > layers_left_)
                return failure{error::limit_exceeded, contents_.index().subject("manifest.json"),
                    "more than " + std::to_string(archive_layers_limit) + " layers"};
            layers_left_ -= config->diff_ids.size();
            i.id = id;
            i.config_size = size;
            i.diff_ids = std::move(config->diff_ids);
            read_.emplace(item.config, i);
        }
        else {
            i.id = known->second.id;
            i.config_size = known->second.config_size;
            i.diff_ids = known->second.diff_ids;
        }
        if(i.diff_ids.size() != item.layers.size)
            return failure{error::invalid_document, contents_.index().subject("manifest.json"),
                std::to_string(item.layers.size) + " layers for the " + std::to_string(i.diff_ids.size()) + " diff IDs of the config"};
        i.layers.assign(item.layers.elements().begin(), item.layers.elements().end());
        if(!item.parent.empty())
            if(auto const parent = tarexport::parse_digest(item.parent))
                i.parent = *parent;
        return {};
    }

    static failure about(failure why, std::size_t n, archive_image const& i)
    {
        auto const who = i.names.empty() ? "image " + std::to_string(n) + " of manifest.json"
                                         : "image " + std::string(i.names.front().familiar());
        why.detail.append(why.detail.empty() ? "" : "; ").append(who);
        return why;
    }

    archive_contents const& contents_;
    std::map<std::string, archive_image> read_; // by path
    std::uint64_t left_ = budget;
    std::size_t layers_left_ = archive_layers_limit;
};

} // namespace tarexport::detail

#endif
