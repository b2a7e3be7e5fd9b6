//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_RULE_CONTAINERD_HPP
#define TAREXPORT_DETAIL_RULE_CONTAINERD_HPP

#include <tarexport/detail/clean_path.hpp>
#include <tarexport/detail/compression_magic.hpp>
#include <tarexport/detail/ruling.hpp>
#include <tarexport/detail/verify_facts.hpp>
#include <tarexport/detail/verify_images.hpp>
#include <tarexport/detail/verify_model.hpp>
#include <tarexport/digest_set.hpp>
#include <tarexport/platform.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/verification.hpp>

#include <cstddef>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

// ctr import, and dockerd with the containerd image store, as containerd has it in images/archive/importer.go.

namespace tarexport::detail {

// Blobs are known by what they are, whatever their path.
class containerd_rules {
public:
    containerd_rules(ruling& r, archive_facts const& f, archive_model const& m, platform const& host, bool docker)
        : r_(r)
        , facts_(f)
        , model_(m)
        , host_(host)
        , docker_(docker)
    {
        for(auto const& e : f.entries())
            if(e.type == tar_type::regular && e.is_file())
                blobs_[e.id] = &e;
    }

    void run()
    {
        rule_unpacking(r_, facts_);
        r_.no(!docker_ && facts_.packed != compression::none, "the archive is compressed as a whole");
        r_.unread(model_.manifest_json_fault, "manifest.json cannot be read");
        auto const* const layout = facts_.last("oci-layout");
        if(r_.failed())
            return;
        if(layout && layout->is_file())
            run_oci();
        else if(!r_.no(!model_.docker.file, "neither oci-layout nor manifest.json is there"))
            run_docker();
    }

private:
    void run_oci()
    {
        auto const* const index = facts_.last("index.json");
        if(r_.unread(model_.layout_fault, "oci-layout cannot be read") ||
            r_.no(!index || !index->is_file(), "there is an oci-layout, but no index.json") ||
            r_.unread(model_.index_json_fault, "index.json cannot be read") ||
            r_.no(model_.roots.empty(), "index.json has no image"))
            return;
        for(auto const& root : model_.roots) {
            r_.no(!docker_ && root.name.empty(), "an image without a name is dropped");
            if(r_.unknown(root.unread, root.broken) || r_.no(root.manifests.empty(), root.broken.empty() ? "an index without images" : root.broken))
                return;
            if(!docker_)
                rule_chosen(detail::choose(root, host_));
            else
                rule_platforms(root);
        }
        r_.no(docker_ && images_ == 0, "index.json has no image");
    }

    // dockerd unpacks every platform that is there, and leaves artifacts alone but those that have all of an image.
    void rule_platforms(root_view const& root)
    {
        for(auto const* m : root.manifests) {
            bool const whole = m->config && m->proper_layers != 0 && m->proper_layers == m->config->diff_ids.size();
            if(m->no_image.empty() || whole)
                rule_manifest(m);
        }
        auto const name = tarexport::parse_reference(root.name);
        r_.no(name && name->is_name_only(), "an image whose name has no tag is loaded, and not seen");
    }

    // containerd takes an artifact for an image without layers.
    void rule_chosen(manifest_view const* m)
    {
        if(r_.no(!m, "no manifest is for this platform") || m->no_image.empty())
            return r_.failed() ? void() : rule_manifest(m);
        r_.no(!m->config, m->no_image);
        r_.no(m->proper_layers != (r_.failed() ? 0 : m->config->diff_ids.size()), m->no_image);
        r_.remark("as an artifact, which cannot be run");
    }

    void rule_manifest(manifest_view const* m)
    {
        ++images_;
        if(!seen_.insert(m).second)
            return;
        if(r_.no(!blobs_.contains(m->where.id), "manifest " + m->where.id.str() + " is missing or damaged") ||
            r_.unread(m->fault, "a manifest cannot be read"))
            return;
        std::vector<std::pair<digest, entry_facts const*>> layers;
        for(auto const& l : m->layers) {
            auto const at = blobs_.find(l.id);
            layers.emplace_back(l.id, at == blobs_.end() ? nullptr : at->second);
        }
        auto const config = blobs_.find(m->config_id.id);
        r_.no(config == blobs_.end(), "config " + m->config_id.id.str() + " is missing or damaged");
        unpack(m->config, layers);
    }

    void unpack(config_view const* c, std::span<std::pair<digest, entry_facts const*> const> layers)
    {
        if(r_.failed() || r_.no(!c, "the config cannot be read") || r_.unread(c->fault, "the config cannot be read") ||
            r_.no(layers.size() != c->diff_ids.size(), "another number of layers than of diff IDs"))
            return;
        for(std::size_t n = 0; n != layers.size() && !r_.failed(); ++n) {
            auto const& [id, e] = layers[n];
            if(!e && model_.has_left_out(id.str()))
                r_.needs(id, c->diff_ids[n]);
            else if(!r_.no(!e, "layer " + id.str() + " is missing or damaged")) {
                auto const why = detail::fault_of_layer(*e, c->diff_ids[n]);
                r_.no(e->packed == compression::xz || e->packed == compression::bzip2,
                    "a layer is compressed with " + std::string(name_of(e->packed)));
                r_.found(why.code, why.sentence);
            }
        }
    }

    entry_facts const* file(std::string const& path) const
    {
        auto const* const e = facts_.last(detail::clean_path("/" + path).substr(1));
        if(e && e->type == tar_type::symlink)
            return facts_.file(path);
        return e && e->is_file() && e->is_called(path) ? e : nullptr;
    }

    void run_docker()
    {
        if(r_.unread(model_.docker.fault, "manifest.json cannot be read") ||
            r_.no(model_.docker.list.items.empty(), "manifest.json has no image"))
            return;
        for(std::size_t i = 0; i != model_.docker.list.items.size() && !r_.failed(); ++i)
            rule_item(model_.docker.list.items[i], model_.docker.configs[i]);
    }

    void rule_item(listed_item const& item, config_view const* c)
    {
        r_.no(!docker_ && item.tags.elements().empty(), "an image without a name is dropped");
        for(auto const& tag : item.tags.elements())
            r_.no(!tarexport::parse_reference(tag), "invalid tag " + tag);
        r_.no(!file(item.config), "config " + item.config + " is missing");
        std::vector<std::pair<digest, entry_facts const*>> layers;
        for(auto const& path : item.layers.elements()) {
            auto const* const e = file(path);
            r_.no(!e, "layer " + path + " is missing");
            layers.emplace_back(e ? e->id : digest(), e);
        }
        unpack(c, layers);
    }

    ruling& r_;
    archive_facts const& facts_;
    archive_model const& model_;
    platform const& host_;
    bool docker_;
    std::size_t images_ = 0;
    std::set<manifest_view const*> seen_;
    std::unordered_map<digest, entry_facts const*> blobs_;
};

inline verdict rule_containerd(
    archive_facts const& f, archive_model const& m, loader who, platform const& host, std::optional<digest_set> const& have)
{
    ruling r(who, have);
    containerd_rules(r, f, m, host, who == loader::containerd_store).run();
    return std::move(r).take();
}

} // namespace tarexport::detail

#endif
