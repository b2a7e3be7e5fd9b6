//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_RULE_PODMAN_HPP
#define TAREXPORT_DETAIL_RULE_PODMAN_HPP

#include <tarexport/detail/clean_path.hpp>
#include <tarexport/detail/ruling.hpp>
#include <tarexport/detail/verify_facts.hpp>
#include <tarexport/detail/verify_images.hpp>
#include <tarexport/detail/verify_model.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/digest_set.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/platform.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/verification.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

// podman and skopeo, which both read with containers/image.

namespace tarexport::detail {

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
        r.no(c->file->size > config_limit, "config " + item.config + " is too large") ||
        r.unread(c->fault, "config " + item.config + " cannot be read") ||
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
        r.found(e->beyond ? finding_code::limit : finding_code::damaged_compression, e->fault);
        r.no(!e->diff_id.empty() && e->diff_id.str() != diff_id, "layer " + path + " is not that of its diff ID");
        if(podman && !e->tar_fault.empty())
            r.found(e->beyond ? finding_code::limit : finding_code::not_a_tar, "layer " + path + " is not a whole tar archive");
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
        r.no(d.list.trailing || d.file->size > manifest_limit, "manifest.json is too large, or something follows the list in it") ||
        r.unread(d.fault, "manifest.json cannot be read") ||
        r.no(d.list.items.empty(), "manifest.json has no image"))
        return;
    std::set<std::string> loaded;
    for(std::size_t i = 0; i != d.list.items.size() && !r.failed(); ++i)
        rule_archive_item(r, f, d, i, podman, loaded);
    if(d.list.items.size() > 1 && !podman)
        r.remark("each of the images by its name or index");
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
    r.no(!e, named + (m.has_left_out(id.str()) ? " is left out" : " is missing")) ||
        r.no(!detail::has_digest_of(*e, id), named + " is damaged") ||
        r.no(own && own->type == tar_type::symlink && own->link.starts_with('/'), named + " is a link to an absolute path");
}

inline void rule_oci_image(ruling& r, archive_facts const& f, archive_model const& m, manifest_view const* v, bool podman)
{
    if(r.no(!v, "no manifest is for this platform") || r.no(!v->file, "a manifest cannot be read") ||
        r.unread(v->fault, "a manifest cannot be read"))
        return;
    auto const* const config = f.file(plan::blob_path(v->config_id.id));
    rule_oci_blob(r, f, m, v->config_id.id, "config");
    r.no(config && config->size != v->config_id.size, "the config has another size than its descriptor");
    for(std::size_t n = 0; n != v->layers.size() && !r.failed(); ++n) {
        auto const& id = v->layers[n].id;
        if(v->layers[n].on_web)
            r.depends("it reads layer " + id.str() + " from its URL, also where the archive has it");
        else if(podman && m.has_left_out(id.str()) && !f.file(plan::blob_path(id)))
            r.needs(id, v->config && n < v->config->diff_ids.size() ? v->config->diff_ids[n] : id.str());
        else
            rule_oci_blob(r, f, m, id, "layer");
    }
    if(!podman || r.no(!v->no_image.empty(), v->no_image) ||
        r.no(!v->config, "the config cannot be read") || (!v->config->no_rootfs && r.unread(v->config->fault, "the config cannot be read")))
        return;
    // It does not miss a diff ID, but compares those that there are.
    for(std::size_t n = 0; n != v->layers.size() && !r.failed(); ++n) {
        auto const* const e = f.file(plan::blob_path(v->layers[n].id));
        if(!e || v->layers[n].on_web) // it is left out, or not read
            continue;
        auto const& diff_ids = v->config->diff_ids;
        auto const why = detail::fault_of_layer(*e, n < diff_ids.size() ? diff_ids[n] : e->diff_id.str());
        r.found(why.code, why.sentence);
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
    if(r.no(!m.index_json, "there is no index.json") || r.unread(m.index_json_fault, "index.json cannot be read") ||
        r.no(m.roots.empty(), "index.json has no image") || r.no(podman && m.roots.size() > 1, "index.json has several images"))
        return;
    std::set<manifest_view const*> seen;
    for(auto const& root : m.roots) {
        r.no(root.depth > 1, "an index in an index");
        if(r.unknown(root.unread, root.broken) || r.no(root.manifests.empty(), root.broken.empty() ? "an index without images" : root.broken))
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
    bool const rather = oci.loads() == answer::depends && docker.loads() == answer::yes;
    bool const as_docker = oci.failed() ? !docker.failed() || m.docker.file : rather;
    return std::move(as_docker ? docker : oci).take();
}

} // namespace tarexport::detail

#endif
