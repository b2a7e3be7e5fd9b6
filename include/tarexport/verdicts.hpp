//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_VERDICTS_HPP
#define TAREXPORT_VERDICTS_HPP

#include <tarexport/detail/verify_facts.hpp>
#include <tarexport/detail/verify_images.hpp>
#include <tarexport/detail/verify_model.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/platform.hpp>
#include <tarexport/platform_matcher.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/verification.hpp>

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

// What each loader makes of an archive: one function for each, one line for each rule, in the order in which the loader comes to it.
// doc/verify.md tells which of them real engines have confirmed.

namespace tarexport::detail {

/// Collects the answer of one loader. The first `no` is the reason; a `depends` stands only where there is no `no`.
class ruling {
public:
    ruling(loader who, std::optional<digest_set> const& have) : verdict_{who, answer::yes, {}}, have_(have) {}

    bool failed() const noexcept { return verdict_.loads == answer::no; }

    /// @return Whether the loader has failed by now.
    bool no(bool when, std::string_view reason)
    {
        if(when && !failed()) {
            verdict_.loads = answer::no;
            verdict_.reason = reason.substr(0, 400);
        }
        return failed();
    }

    void depends(std::string_view reason)
    {
        if(!failed()) {
            verdict_.loads = answer::depends;
            verdict_.reason = reason;
        }
    }

    void remark(std::string_view reason)
    {
        if(verdict_.loads == answer::yes)
            verdict_.reason = reason;
    }

    /// A layer that the archive leaves out, for a loader that does without those it has.
    void needs(digest const& id, std::string_view diff_id)
    {
        auto const d = tarexport::parse_digest(diff_id);
        bool const has = have_ && ((!id.empty() && have_->contains(id)) || (d && have_->contains(*d)));
        if(has)
            remark("with the layers that the other side has");
        else if(have_)
            no(true, "the other side does not have layer " + std::string(diff_id));
        else
            depends("only where it has the layers that the archive leaves out");
    }

    verdict take() && { return std::move(verdict_); }

private:
    verdict verdict_;
    std::optional<digest_set> const& have_;
};

inline bool leads_out(std::string_view path)
{
    auto const cleaned = detail::clean_path(path);
    return cleaned == ".." || cleaned.starts_with("../");
}

// --- dockerd with graph drivers (moby, image/tarexport/load.go) ---

// A layer is not opened where its chain of layers is in the store already.
inline void rule_docker_layer(ruling& r, archive_facts const& f, archive_model const& m, std::string const& path, std::string const& diff_id, bool zstd)
{
    auto const* const e = f.file(path);
    auto const promised = detail::promised_digest(path);
    if(!e && (m.has_left_out(diff_id) || (promised && m.has_left_out(promised->str()))))
        return r.needs(promised.value_or(digest()), diff_id);
    if(r.no(detail::leads_out(path), "layer " + path + " leads out of the archive") || r.no(!e, "layer " + path + " is missing"))
        return;
    r.no(!zstd && e->packed == compression::zstd, "layer " + path + " is compressed with zstd, which it reads from 23.0 on");
    auto const why = detail::fault_of_layer(*e, diff_id, true);
    r.no(!why.sentence.empty(), why.sentence);
    if(e->packed == compression::xz)
        r.depends("only where there is the program xz");
}

inline void rule_docker_item(ruling& r, archive_facts const& f, archive_model const& m, std::size_t i, bool zstd)
{
    auto const& item = m.docker.list.items[i];
    auto const* const c = m.docker.configs[i];
    auto const layers = item.layers.elements();
    if(r.no(detail::leads_out(item.config), "config " + item.config + " leads out of the archive") ||
        r.no(!c, "config " + item.config + " is missing") || r.no(c->fault.has_value(), "config " + item.config + " cannot be read") ||
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
        if(r_.no(!json, "no manifest.json, and so each folder is taken for an image of before Docker 1.10: there is no " + folder + "/json"))
            return {};
        auto const text = json->text ? archive_facts::read(*json) : result<std::string>(failure{});
        auto const v1 = text ? detail::read_json<v1_document>(*text, error::invalid_document, archive_json_limits) : result<v1_document>(failure{});
        auto const* const layer = facts_.file(folder + "/layer.tar");
        if(r_.no(!v1, folder + "/json cannot be read") || r_.no(!v1->os.empty() && v1->os != "linux", "an image for " + v1->os) ||
            r_.no(!layer, "there is no " + folder + "/layer.tar") || r_.no(!layer->fault.empty(), layer->fault))
            return {};
        r_.no(!layer->tar_fault.empty(), "layer " + folder + "/layer.tar is not a whole tar archive: " + layer->tar_fault);
        return v1->parent;
    }

    void tag()
    {
        auto const* const e = facts_.file("repositories");
        if(r_.no(!e, "neither manifest.json nor repositories is there"))
            return;
        auto const text = e->text ? archive_facts::read(*e) : result<std::string>(failure{});
        auto const repositories = text ? detail::read_repositories(*text) : result<std::map<std::string, std::map<std::string, std::string>>>(failure{});
        if(r_.no(!repositories, "the file repositories cannot be read"))
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

inline void rule_unpacking(ruling& r, archive_facts const& f)
{
    r.no(f.cut_short, "not all of the archive could be checked");
    r.no(f.fault.has_value(), f.packed_fault.empty() ? "the archive cannot be read to its end" : f.packed_fault);
}

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
    r.no(m.docker.fault.has_value(), "manifest.json cannot be read");
    r.no(m.docker.list.null, "manifest.json is null");
    r.no(m.docker.list.items.empty(), "manifest.json has no image");
    for(std::size_t i = 0; i != m.docker.list.items.size() && !r.failed(); ++i)
        rule_docker_item(r, f, m, i, zstd);
    if(!r.failed())
        rule_docker_parents(r, m);
    return std::move(r).take();
}

// --- containers/image: podman and skopeo ---

// Its own grammar does not take what has upper-case letters for a host.
inline bool is_podman_name(std::string_view text)
{
    auto const host = text.substr(0, text.find('/'));
    bool const upper = std::ranges::any_of(host, [](char c) { return c >= 'A' && c <= 'Z'; });
    bool const bare = text.find('/') != std::string_view::npos && host.find_first_of(".:") == std::string_view::npos;
    return tarexport::parse_reference(text) && !(upper && bare);
}

// podman does not read a layer that it has, also from an image before.
inline void rule_archive_item(
    ruling& r, archive_facts const& f, docker_view const& d, std::size_t i, bool podman, std::set<std::string>& loaded)
{
    constexpr std::uint64_t config_limit = std::uint64_t{4} << 20;
    auto const& item = d.list.items[i];
    auto const* const c = d.configs[i];
    auto const layers = item.layers.elements();
    if(r.no(!c, "config " + item.config + " is missing") ||
        r.no(c->fault.has_value() || c->file->size > config_limit, "config " + item.config + " cannot be read") ||
        r.no(layers.size() != c->diff_ids.size(), "another number of layers than of diff IDs"))
        return;
    std::set<std::string> paths, seen;
    for(std::size_t n = 0; n != layers.size() && !r.failed(); ++n) {
        auto const& diff_id = c->diff_ids[n];
        if(!seen.insert(diff_id).second)
            continue;
        auto const path = detail::clean_path(layers[n]);
        r.no(!tarexport::parse_digest(diff_id), "diff ID " + diff_id + " is no digest");
        r.no(!paths.insert(path).second, "layer " + path + " has two diff IDs");
        auto const* const e = f.component(path, false);
        if(r.no(!e, "layer " + path + " is missing") || (podman && loaded.contains(diff_id)))
            continue;
        if(r.no(detail::is_link(e), "layer " + path + " is a link") || r.no(!e->is_file(), "layer " + path + " is no file"))
            return;
        r.no(!e->fault.empty(), e->fault);
        r.no(!e->diff_id.empty() && e->diff_id.str() != diff_id, "layer " + path + " is not that of its diff ID");
        r.no(podman && !e->tar_fault.empty(), "layer " + path + " is not a whole tar archive");
    }
    loaded.merge(seen);
    for(auto const& tag : item.tags.elements()) {
        auto const name = tarexport::parse_reference(tag);
        r.no(podman && (!name || !name->has_tag() || !detail::is_podman_name(tag)), "invalid tag " + tag);
    }
}

inline void rule_docker_archive(ruling& r, archive_facts const& f, archive_model const& m, bool podman)
{
    constexpr std::uint64_t manifest_limit = std::uint64_t{1} << 20;
    auto const& d = m.first_docker;
    rule_unpacking(r, f);
    if(r.no(!f.packed_fault.empty(), f.packed_fault) || r.no(!d.file, "there is no manifest.json") ||
        r.no(d.fault || d.list.trailing || d.file->size > manifest_limit, "manifest.json cannot be read") ||
        r.no(d.list.items.empty(), "manifest.json has no image"))
        return;
    std::set<std::string> loaded;
    for(std::size_t i = 0; i != d.list.items.size() && !r.failed(); ++i)
        rule_archive_item(r, f, d, i, podman, loaded);
    if(d.list.items.size() > 1 && !podman)
        r.remark("each of the images by its name or index");
}

/// What is taken of an index for a host; null if nothing is for it.
inline manifest_view const* choose(root_view const& root, platform const& host)
{
    if(!tarexport::media_type::is_index(root.where.media_type))
        return root.manifests.empty() ? nullptr : root.manifests.front();
    std::vector<platform> targets;
    std::vector<manifest_view const*> candidates;
    for(auto const* m : root.manifests)
        if(m->where.target || m->config) {
            targets.push_back(m->where.target ? *m->where.target : m->config->target);
            candidates.push_back(m);
        }
    auto const best = platform_matcher::only(host, host).best(targets);
    return best ? candidates[*best] : nullptr;
}

inline bool has_digest_of(entry_facts const& e, digest const& id)
{
    return (id.algorithm() == digest_algorithm::sha256 ? e.id : e.named) == id;
}

// The size of a layer is not compared.
inline void rule_oci_blob(ruling& r, archive_facts const& f, archive_model const& m, digest const& id, std::string_view what)
{
    auto const path = plan::blob_path(id);
    auto const* const e = f.file(path);
    auto const* const own = f.last(path);
    auto const named = std::string(what) + " " + id.str();
    r.no(!e, named + (m.has_left_out(id.str()) ? " is left out" : " is missing")) || r.no(!detail::has_digest_of(*e, id), named + " is damaged") ||
        r.no(own && own->type == tar_type::symlink && own->link.starts_with('/'), named + " is a link to an absolute path");
}

inline void rule_oci_image(ruling& r, archive_facts const& f, archive_model const& m, manifest_view const* v, bool podman)
{
    if(r.no(!v, "no manifest is for this platform") || r.no(!v->file || v->fault, "a manifest cannot be read"))
        return;
    auto const* const config = f.file(plan::blob_path(v->config_id.id));
    rule_oci_blob(r, f, m, v->config_id.id, "config");
    r.no(config && config->size != v->config_id.size, "the config has another size than its descriptor");
    for(std::size_t n = 0; n != v->layers.size() && !r.failed(); ++n) {
        auto const& id = v->layers[n].id;
        if(podman && m.has_left_out(id.str()) && !f.file(plan::blob_path(id)))
            r.needs(id, v->config && n < v->config->diff_ids.size() ? v->config->diff_ids[n] : id.str());
        else
            rule_oci_blob(r, f, m, id, "layer");
    }
    if(!podman || r.no(!v->no_image.empty(), v->no_image) ||
        r.no(!v->config || (v->config->fault && !v->config->no_rootfs), "the config cannot be read"))
        return;
    // It does not miss a diff ID, but compares those that there are.
    for(std::size_t n = 0; n != v->layers.size() && !r.failed(); ++n) {
        auto const* const e = f.file(plan::blob_path(v->layers[n].id));
        if(!e) // it is left out
            continue;
        auto const& diff_ids = v->config->diff_ids;
        auto const why = detail::fault_of_layer(*e, n < diff_ids.size() ? diff_ids[n] : e->diff_id.str());
        r.no(!why.sentence.empty(), why.sentence);
    }
}

inline void rule_oci_names(ruling& r, archive_model const& m, bool podman)
{
    auto const& name = m.roots.front().name;
    r.no(podman && !name.empty() && !detail::is_podman_name(name), "invalid name " + name);
    std::set<std::string> names;
    bool twice = false, other = false;
    for(auto const& root : m.roots) {
        r.no(m.roots.size() > 1 && root.ref_name.empty(), "of several images each needs a name");
        r.no(m.roots.size() > 1 && root.where.media_type != media_type::oci_manifest && root.where.media_type != media_type::oci_index,
            "of several images it finds only those with OCI's media types");
        twice = twice || !names.insert(root.ref_name).second;
        other = other || std::ranges::any_of(root.manifests, [](auto const* v) {
            return std::ranges::any_of(v->layers, [](auto const& l) { return l.id.algorithm() != digest_algorithm::sha256; });
        });
    }
    if(m.roots.size() > 1)
        r.remark("each of the images by its name");
    if(twice)
        r.depends("of several images with one name it takes the first");
    if(other && !podman)
        r.depends("blobs with another digest than sha256 cannot be copied everywhere");
}

inline void rule_oci_archive(ruling& r, archive_facts const& f, archive_model const& m, platform const& host, bool podman)
{
    rule_unpacking(r, f);
    r.no(f.out_of_place, "a name or a link that leads out of the archive");
    r.no(f.broken_hard_link, "a hard link to what does not come before it");
    r.no(f.odd, "an entry of a type that it does not unpack");
    if(r.no(!m.index_json, "there is no index.json") || r.no(m.index_json_fault.has_value(), "index.json cannot be read") ||
        r.no(m.roots.empty(), "index.json has no image") || r.no(podman && m.roots.size() > 1, "index.json has several images"))
        return;
    std::set<manifest_view const*> seen;
    for(auto const& root : m.roots) {
        r.no(root.depth > 1, "an index in an index");
        if(r.no(root.manifests.empty(), root.broken.empty() ? "an index without images" : root.broken))
            return;
        auto const* const chosen = detail::choose(root, host);
        if(seen.insert(chosen).second)
            rule_oci_image(r, f, m, chosen, podman);
    }
    rule_oci_names(r, m, podman);
}

inline verdict rule_skopeo_docker(archive_facts const& f, archive_model const& m)
{
    std::optional<digest_set> const nothing;
    ruling r(loader::skopeo_docker, nothing);
    rule_docker_archive(r, f, m, false);
    return std::move(r).take();
}

inline verdict rule_skopeo_oci(archive_facts const& f, archive_model const& m, platform const& host)
{
    std::optional<digest_set> const nothing;
    ruling r(loader::skopeo_oci, nothing);
    rule_oci_archive(r, f, m, host, false);
    return std::move(r).take();
}

// It tries the archive as OCI first, and then as Docker's.
inline verdict rule_podman(archive_facts const& f, archive_model const& m, platform const& host, std::optional<digest_set> const& have)
{
    ruling oci(loader::podman, have), docker(loader::podman, have);
    rule_oci_archive(oci, f, m, host, true);
    rule_docker_archive(docker, f, m, true);
    bool const as_docker = (oci.failed() && !docker.failed()) || (m.docker.file && oci.failed());
    return std::move(as_docker ? docker : oci).take();
}

// --- containerd (images/archive/importer.go): ctr import, and dockerd with the containerd image store ---

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
        r_.no(model_.bad_manifest_json, "manifest.json cannot be read");
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
        if(r_.no(model_.layout_fault.has_value(), "oci-layout cannot be read") ||
            r_.no(!index || !index->is_file(), "there is an oci-layout, but no index.json") ||
            r_.no(model_.index_json_fault.has_value(), "index.json cannot be read") || r_.no(model_.roots.empty(), "index.json has no image"))
            return;
        for(auto const& root : model_.roots) {
            r_.no(!docker_ && root.name.empty(), "an image without a name is dropped");
            if(r_.no(root.manifests.empty(), root.broken.empty() ? "an index without images" : root.broken))
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
            r_.no(m->fault.has_value(), "a manifest cannot be read"))
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
        if(r_.failed() || r_.no(!c || c->fault, "the config cannot be read") ||
            r_.no(layers.size() != c->diff_ids.size(), "another number of layers than of diff IDs"))
            return;
        for(std::size_t n = 0; n != layers.size() && !r_.failed(); ++n) {
            auto const& [id, e] = layers[n];
            if(!e && model_.has_left_out(id.str()))
                r_.needs(id, c->diff_ids[n]);
            else if(!r_.no(!e, "layer " + id.str() + " is missing or damaged")) {
                auto const why = detail::fault_of_layer(*e, c->diff_ids[n]);
                r_.no(e->packed == compression::xz || e->packed == compression::bzip2, "a layer is compressed with " + std::string(name_of(e->packed)));
                r_.no(!why.sentence.empty(), why.sentence);
            }
        }
    }

    entry_facts const* file(std::string const& path) const
    {
        auto const* const e = facts_.last(detail::clean_path("/" + path).substr(1));
        if(e && e->type == tar_type::symlink)
            return facts_.file(path);
        return e && e->is_file() && detail::clean_path(e->name) == path ? e : nullptr;
    }

    void run_docker()
    {
        if(r_.no(model_.docker.fault.has_value(), "manifest.json cannot be read") ||
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

/// Return what every loader makes of an archive.
inline std::vector<verdict> rule_all(archive_facts const& f, archive_model const& m, platform const& host, std::optional<digest_set> const& have)
{
    return {rule_docker(f, m, loader::docker_24, have), rule_docker(f, m, loader::docker_28, have),
        rule_containerd(f, m, loader::containerd_store, host, have), rule_podman(f, m, host, have), rule_skopeo_docker(f, m),
        rule_skopeo_oci(f, m, host), rule_containerd(f, m, loader::ctr, host, have)};
}

} // namespace tarexport::detail

#endif
