//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_RULE_DOCKER_HPP
#define TAREXPORT_DETAIL_RULE_DOCKER_HPP

#include <tarexport/detail/compression_magic.hpp>
#include <tarexport/detail/ruling.hpp>
#include <tarexport/detail/verify_facts.hpp>
#include <tarexport/detail/verify_images.hpp>
#include <tarexport/detail/verify_model.hpp>
#include <tarexport/digest_set.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/verification.hpp>

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

// dockerd with graph drivers, as moby has it in image/tarexport/load.go.

namespace tarexport::detail {

// A layer is not opened where its chain of layers is in the store already.
inline void rule_docker_layer(
    ruling& r, archive_facts const& f, archive_model const& m, std::string const& path, std::string const& diff_id, bool zstd)
{
    auto const* const e = f.file(path);
    auto const promised = detail::promised_digest(path);
    if(!e && (m.has_left_out(diff_id) || (promised && m.has_left_out(promised->str()))))
        return r.needs(promised.value_or(digest()), diff_id);
    if(r.no(detail::leads_out(path), "layer " + path + " leads out of the archive") || r.no(!e, "layer " + path + " is missing"))
        return;
    r.no(!zstd && e->packed == compression::zstd, "layer " + path + " is compressed with zstd, which it reads from 23.0 on");
    auto const why = detail::fault_of_layer(*e, diff_id, true);
    r.found(why.code, why.sentence);
    if(e->packed == compression::xz)
        r.depends("only where there is the program xz");
}

inline void rule_docker_item(ruling& r, archive_facts const& f, archive_model const& m, std::size_t i, bool zstd)
{
    auto const& item = m.docker.list.items[i];
    auto const* const c = m.docker.configs[i];
    auto const layers = item.layers.elements();
    if(r.no(detail::leads_out(item.config), "config " + item.config + " leads out of the archive") ||
        r.no(!c, "config " + item.config + " is missing") || r.unread(c->fault, "config " + item.config + " cannot be read") ||
        r.no(c->refused && c->refused->code == error::unsupported_os, "an image for " + c->target.os) ||
        r.no(layers.size() != c->diff_ids.size(), "another number of layers than of diff IDs"))
        return;
    for(std::size_t n = 0; n != layers.size() && !r.failed(); ++n)
        rule_docker_layer(r, f, m, layers[n], c->diff_ids[n], zstd);
    r.no(c->refused.has_value(), "the history tells of more layers than there are");
    for(auto const& tag : item.tags.elements()) {
        auto const name = tarexport::parse_reference(tag);
        r.no(!name || !name->has_tag(), "invalid tag " + tag + "; images before it stay behind");
    }
}

inline void rule_docker_parents(ruling& r, archive_model const& m)
{
    std::map<std::string, config_view const*, std::less<>> by_id;
    for(auto const* c : m.docker.configs)
        by_id.emplace(c->file->id.str(), c);
    for(std::size_t i = 0; i != m.docker.configs.size(); ++i) {
        auto const at = by_id.find(m.docker.list.items[i].parent);
        bool const other = at != by_id.end() && at->second != m.docker.configs[i];
        r.unknown(other && (at->second->has_long_history || m.docker.configs[i]->has_long_history), "a parent with a long history");
        r.no(other && !image_check::is_parent(*at->second, *m.docker.configs[i]), "a parent with another history");
    }
}

// Every folder is taken for an image, and its parents are loaded first.
class v1_rules {
public:
    v1_rules(ruling& r, archive_facts const& f) : r_(r), facts_(f) {}

    void run()
    {
        std::set<std::string> folders;
        for(auto const& e : facts_.entries()) {
            auto const slash = e.path.find('/');
            if(slash != std::string::npos || e.type == tar_type::directory)
                folders.insert(e.path.substr(0, slash));
        }
        folders.erase("");
        for(auto const& folder : folders)
            load(folder);
        tag();
        r_.no(loaded_.empty(), "it has no image");
    }

private:
    void load(std::string folder)
    {
        std::vector<std::string> chain;
        std::set<std::string> seen;
        while(!r_.failed() && !folder.empty() && !loaded_.contains(folder)) {
            if(r_.no(!seen.insert(folder).second, folder + " is its own ancestor"))
                return;
            chain.push_back(folder);
            folder = parent_of(folder);
        }
        for(auto const& each : chain)
            loaded_.insert(each);
    }

    std::string parent_of(std::string const& folder)
    {
        auto const* const json = facts_.file(folder + "/json");
        if(r_.no(!json,
               "no manifest.json, and so each folder is taken for an image of before Docker 1.10: there is no " + folder +
                   "/json"))
            return {};
        auto const text = archive_facts::read(*json);
        auto const v1 = text ? detail::read_json<v1_document>(*text, error::invalid_document, archive_json_limits)
                             : result<v1_document>(text.error());
        auto const* const layer = facts_.file(folder + "/layer.tar");
        if(r_.unread(v1 ? std::nullopt : std::optional(v1.error()), folder + "/json cannot be read") ||
            r_.no(!v1->os.empty() && v1->os != "linux", "an image for " + v1->os) || r_.no(!layer, "there is no " + folder + "/layer.tar"))
            return {};
        auto const why = detail::fault_of_layer(*layer, layer->diff_id.str());
        r_.found(why.code, why.sentence.empty() ? "" : folder + "/layer.tar: " + why.sentence);
        return v1->parent;
    }

    void tag()
    {
        auto const* const e = facts_.file("repositories");
        if(r_.no(!e, "neither manifest.json nor repositories is there"))
            return;
        auto const text = archive_facts::read(*e);
        auto const repositories = text ? detail::read_repositories(*text)
                                       : result<std::map<std::string, std::map<std::string, std::string>>>(text.error());
        if(r_.unread(repositories ? std::nullopt : std::optional(repositories.error()), "the file repositories cannot be read"))
            return;
        for(auto const& [name, tags] : *repositories)
            for(auto const& [tag, folder] : tags) {
                auto const named = tarexport::parse_reference(name);
                r_.no(!loaded_.contains(folder), "repositories names an image that is not there: " + folder);
                r_.no(!named || !named->with_tag(tag), "invalid name " + name + ":" + tag);
            }
    }

    ruling& r_;
    archive_facts const& facts_;
    std::set<std::string> loaded_;
};

inline verdict rule_docker(archive_facts const& f, archive_model const& m, loader who, std::optional<digest_set> const& have)
{
    ruling r(who, have);
    bool const zstd = who != loader::docker_24;
    rule_unpacking(r, f);
    r.no(!zstd && f.packed == compression::zstd, "compressed with zstd, which it reads from 23.0 on");
    r.no(f.broken_hard_link, "a hard link to what does not come before it");
    r.no(f.odd, "an entry of a type that it does not unpack");
    if(!m.docker.file && !r.failed()) {
        v1_rules(r, f).run();
        return std::move(r).take();
    }
    r.unread(m.docker.fault, "manifest.json cannot be read");
    r.no(m.docker.list.null, "manifest.json is null");
    r.no(m.docker.list.items.empty(), "manifest.json has no image");
    for(std::size_t i = 0; i != m.docker.list.items.size() && !r.failed(); ++i)
        rule_docker_item(r, f, m, i, zstd);
    if(!r.failed())
        rule_docker_parents(r, m);
    return std::move(r).take();
}

} // namespace tarexport::detail

#endif
