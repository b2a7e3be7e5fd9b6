//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_VERIFY_IMAGES_HPP
#define TAREXPORT_DETAIL_VERIFY_IMAGES_HPP

#include <tarexport/detail/verify_facts.hpp>
#include <tarexport/detail/verify_model.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/platform.hpp>
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
#include <unordered_set>
#include <utility>
#include <vector>

namespace tarexport::detail {

/// What stands against an entry as the layer of a diff ID.
struct layer_fault {
    finding_code code{};
    std::string sentence; ///< empty where nothing does
};

/// @param lenient What is wrong with compressed data behind the end of the tar archive in it does not count.
inline layer_fault fault_of_layer(entry_facts const& e, std::string_view diff_id, bool lenient = false)
{
    if(!e.fault.empty() && !(lenient && e.diff_id.str() == diff_id))
        return {e.beyond ? finding_code::limit : finding_code::damaged_compression, e.fault};
    if(!e.diff_id.empty() && e.diff_id.str() != diff_id)
        return {finding_code::diff_id_mismatch,
            (e.packed == compression::none ? "the layer has the diff ID " : "decompressed, the layer has the diff ID ") + e.diff_id.str() +
                ", where the config wants " + std::string(diff_id)};
    if(!e.tar_fault.empty())
        return {e.beyond ? finding_code::limit : finding_code::not_a_tar, "the layer is not a whole tar archive: " + e.tar_fault};
    return {};
}

/// Whether an entry that a loader follows links to is a link itself.
inline bool is_link(entry_facts const* e) noexcept
{
    return e && (e->type == tar_type::symlink || e->type == tar_type::hard_link);
}

/// Turns what the documents say into images, and into findings where it does not hold.
class image_check {
public:
    image_check(archive_facts const& facts, archive_model const& model, finding_list& findings, verification& to)
        : facts_(facts)
        , model_(model)
        , findings_(findings)
        , to_(to)
    {
    }

    void run()
    {
        for(std::size_t i = 0; i != model_.docker.list.items.size(); ++i)
            check_item(model_.docker.list.items[i], model_.docker.configs[i]);
        check_parents();
        for(auto const* e : model_.indexes)
            use(e);
        for(auto const& r : model_.roots)
            check_root(r);
        compare_views();
        if(!model_.docker.file && !model_.index_json && !facts_.cut_short)
            list_v1_images();
        if(to_.images.empty() && !facts_.cut_short && !findings_.limited())
            findings_.error(finding_code::no_images, "archive", "it has no image");
        count_unreferenced();
    }

private:
    // --- manifest.json ---

    void check_item(listed_item const& item, config_view const* config)
    {
        verified_image image;
        image.in_manifest_json = true;
        check_tags(item, config, image);
        if(!check_config(item.config, config))
            return static_cast<void>(add(std::move(image)));
        image.id = config->file->id;
        image.platform = tarexport::format(config->target);
        use(config->file);
        auto const layers = item.layers.elements();
        if(layers.size() != config->diff_ids.size())
            findings_.error(finding_code::layer_count, item.config, "manifest.json lists " + std::to_string(layers.size()) +
                " layers, the config " + std::to_string(config->diff_ids.size()) + " diff IDs");
        for(std::size_t n = 0; n != std::min(layers.size(), config->diff_ids.size()); ++n)
            image.layers.push_back(check_layer(layers[n], config->diff_ids[n]));
        add(std::move(image));
    }

    void check_tags(listed_item const& item, config_view const* config, verified_image& image)
    {
        for(auto const& tag : item.tags.elements()) {
            image.names.push_back(tag);
            auto const r = tarexport::parse_reference(tag);
            if(!r || !r->has_tag()) {
                findings_.error(finding_code::invalid_name, tag, "RepoTags needs NAME:TAG");
                continue;
            }
            auto const [at, fresh] = tags_.try_emplace(r->str(), config);
            if(!fresh && at->second != config)
                findings_.warning(finding_code::duplicate_name, tag, "two images of manifest.json have this name; the last one keeps it");
        }
    }

    bool check_config(std::string const& path, config_view const* config)
    {
        if(!config) {
            findings_.error(finding_code::missing_blob, path, "the config is not in the archive");
            return false;
        }
        if(path.find('/') == std::string::npos && path.size() == 69 && path.ends_with(".json") && path != config->file->id.hex() + ".json")
            findings_.warning(finding_code::digest_mismatch, path,
                "the file is named like a digest, but the image's ID is " + config->file->id.str());
        return check_config(*config);
    }

    bool check_config(config_view const& c)
    {
        if(!told_.insert("config " + c.file->name).second)
            return !c.fault;
        auto const& why = c.fault ? c.fault : c.refused;
        if(why)
            findings_.error(detail::code_of(*why, finding_code::invalid_config), c.file->name,
                why->detail.empty() ? why->code.message() : why->code.message() + ": " + why->detail);
        return !c.fault;
    }

    verified_layer check_layer(std::string const& path, std::string const& diff_id)
    {
        verified_layer l;
        l.path = path;
        l.diff_id = diff_id;
        auto const* const e = facts_.file(path);
        auto const* const own = facts_.last(detail::clean_path("/" + path).substr(1));
        if(!e) {
            l.left_out = is_left_out(path, diff_id);
            if(!l.left_out && told_.insert("missing " + path).second)
                findings_.error(detail::is_link(own) ? finding_code::broken_link : finding_code::missing_blob, path,
                    detail::is_link(own) ? "a layer that is a link to nothing" : "the layer is not in the archive");
            return l;
        }
        if(detail::is_link(own) && told_.insert("link " + path).second)
            findings_.warning(finding_code::link, path, "the layer is a link to another entry, which podman and skopeo do not follow");
        take_layer(*e, l);
        return l;
    }

    void take_layer(entry_facts const& e, verified_layer& l)
    {
        use(&e);
        l.id = e.named.empty() ? e.id : e.named;
        l.size = e.size;
        auto const why = detail::fault_of_layer(e, l.diff_id);
        l.good = why.sentence.empty() && !e.diff_id.empty();
        auto const news = checked_.emplace(&e, l.diff_id).second;
        if(news && !why.sentence.empty())
            findings_.error(why.code, e.name, why.sentence);
        else if(news && e.packed == compression::xz)
            findings_.warning(finding_code::unchecked, e.name,
                "the layer is compressed with xz, which is not read here: its diff ID is not checked");
    }

    bool is_left_out(std::string_view path, std::string const& diff_id) const
    {
        auto const promised = detail::promised_digest(path);
        return model_.has_left_out(diff_id) || (promised && model_.has_left_out(promised->str()));
    }

    // dockerd asks for a parent only if that is in the archive.
    void check_parents()
    {
        std::map<std::string, config_view const*, std::less<>> by_id;
        for(auto const* c : model_.docker.configs)
            if(c)
                by_id.emplace(c->file->id.str(), c);
        for(std::size_t i = 0; i != model_.docker.configs.size(); ++i) {
            auto const& parent = model_.docker.list.items[i].parent;
            if(!model_.docker.configs[i] || parent.empty())
                continue;
            auto const at = by_id.find(parent);
            if(at == by_id.end())
                findings_.remark(finding_code::parent, model_.docker.list.items[i].config,
                    "its parent " + parent.substr(0, 100) + " is not in the archive");
            else if(at->second != model_.docker.configs[i] && (at->second->has_long_history || model_.docker.configs[i]->has_long_history))
                findings_.error(finding_code::limit, model_.docker.list.items[i].config,
                    "a history of more than " + std::to_string(history_limit) + " steps is not compared with its parent's");
            else if(at->second != model_.docker.configs[i] && !is_parent(*at->second, *model_.docker.configs[i]))
                findings_.error(finding_code::parent, model_.docker.list.items[i].config, "its parent " + parent + " has another history");
        }
    }

public:
    static bool is_parent(config_view const& parent, config_view const& child)
    {
        auto const& p = parent.steps;
        auto const& c = child.steps;
        return (p.empty() && c.empty()) || (c.size() == p.size() + 1 && std::ranges::equal(p, std::span(c).first(p.size())));
    }

private:
    // --- index.json ---

    void check_root(root_view const& r)
    {
        if(!r.name.empty()) {
            auto const [at, fresh] = roots_.try_emplace(r.name, r.where.id);
            if(!fresh && at->second != r.where.id)
                findings_.warning(finding_code::duplicate_name, r.name, "two entries of index.json have this name");
        }
        if(auto const full = r.where.annotation("io.containerd.image.name"); full && !tarexport::parse_reference(*full))
            findings_.warning(finding_code::invalid_name, *full, "io.containerd.image.name is no reference");
        for(auto const* m : r.manifests) {
            use(m->file);
            if(m->is_image())
                check_manifest(r, *m);
        }
    }

    void check_manifest(root_view const& r, manifest_view const& m)
    {
        if(!m.config || !check_config(*m.config))
            return;
        use(m.config->file);
        auto const& id = m.config->file->id;
        auto const listed = manifests_.find(&m);
        if(listed != manifests_.end()) {
            auto& image = to_.images[listed->second];
            if(!r.name.empty())
                add_name(image, r.name);
            return;
        }
        if(m.layers.size() != m.config->diff_ids.size())
            findings_.error(finding_code::layer_count, m.file->name, "the manifest lists " + std::to_string(m.layers.size()) +
                " layers, the config " + std::to_string(m.config->diff_ids.size()) + " diff IDs");
        verified_image image;
        image.id = id;
        image.in_index_json = true;
        image.platform = tarexport::format(m.config->target);
        if(!r.name.empty())
            image.names.push_back(r.name);
        for(std::size_t n = 0; n != std::min(m.layers.size(), m.config->diff_ids.size()); ++n)
            image.layers.push_back(check_layer(m.layers[n], m.config->diff_ids[n]));
        manifests_.emplace(&m, add(std::move(image)));
    }

    verified_layer check_layer(layer_view const& l, std::string const& diff_id)
    {
        verified_layer out;
        out.path = "blobs/" + std::string(name_of(l.id.algorithm())) + "/" + l.id.hex();
        out.diff_id = diff_id;
        if(auto const* const e = facts_.file(out.path))
            take_layer(*e, out);
        else
            out.left_out = model_.has_left_out(l.id.str()) || model_.has_left_out(diff_id);
        return out;
    }

    // --- both ---

    // Puts an image to the others, once for each ID. @return Its index.
    std::size_t add(verified_image image)
    {
        auto const [begin, end] = by_id_.equal_range(image.id);
        auto const at =
            std::find_if(begin, end, [&](auto const& i) { return !(to_.images[i.second].in_index_json && image.in_index_json); });
        if(at == end || image.id.empty()) {
            by_id_.emplace(image.id, to_.images.size());
            to_.images.push_back(std::move(image));
            return to_.images.size() - 1;
        }
        auto& same = to_.images[at->second];
        compare_layers(same, image);
        for(auto& name : image.names)
            add_name(same, std::move(name));
        same.in_manifest_json = same.in_manifest_json || image.in_manifest_json;
        same.in_index_json = same.in_index_json || image.in_index_json;
        return at->second;
    }

    // Not by looking through the image's own list: it may have a hundred thousand.
    void add_name(verified_image& image, std::string name)
    {
        auto& known = names_[static_cast<std::size_t>(&image - to_.images.data())];
        if(known.empty())
            known.insert(image.names.begin(), image.names.end());
        if(known.insert(name).second)
            image.names.push_back(std::move(name));
    }

    void compare_layers(verified_image const& a, verified_image const& b)
    {
        auto const by_id = [](verified_layer const& x, verified_layer const& y) { return x.id == y.id; };
        if(!std::ranges::equal(a.layers, b.layers, by_id))
            findings_.warning(finding_code::disagreement, a.id.str(), "manifest.json and index.json have other layers for it");
    }

    void compare_views()
    {
        if(!model_.docker.file || !model_.index_json || model_.docker.fault || model_.index_json_fault)
            return;
        auto const beside = other_platforms();
        for(auto const& i : to_.images)
            if(!i.id.empty() && i.in_manifest_json != i.in_index_json && !beside.contains(i.id))
                findings_.warning(finding_code::disagreement, i.id.str(),
                    i.in_manifest_json ? "an image of manifest.json that is not in index.json"
                                       : "an image of index.json that is not in manifest.json");
        compare_names();
    }

    // The images of indexes that have one in manifest.json, where there is room for one platform of a name.
    std::set<digest> other_platforms() const
    {
        std::set<config_view const*> const listed(model_.docker.configs.begin(), model_.docker.configs.end());
        std::set<digest> all;
        for(auto const& r : model_.roots)
            if(std::ranges::any_of(r.manifests, [&](auto const* m) { return m->config && listed.contains(m->config); }))
                for(auto const* m : r.manifests)
                    if(m->config)
                        all.insert(m->config->file->id);
        return all;
    }

    // A full name of index.json and a tag of manifest.json that are the same have to lead to the same image.
    void compare_names()
    {
        for(auto const& r : model_.roots) {
            auto const full = r.where.annotation("io.containerd.image.name");
            auto const ref = full ? tarexport::parse_reference(*full) : result<reference>(failure{});
            auto const at = ref ? tags_.find(ref->str()) : tags_.end();
            if(!full || !ref)
                continue;
            bool const known = at != tags_.end() && at->second;
            bool const same = known && std::ranges::any_of(r.manifests, [&](auto const* m) { return m->config == at->second; });
            if(known && !same && !r.manifests.empty())
                findings_.warning(finding_code::disagreement, *full, "manifest.json and index.json have other images for this name");
            else if(!known)
                findings_.warning(finding_code::disagreement, *full, "a name of index.json that is not in manifest.json");
        }
    }

    void use(entry_facts const* e) { used_.insert(e); }

    void count_unreferenced()
    {
        if(to_.images.empty() || !model_.index_json)
            return;
        std::size_t n = 0;
        for(auto const& e : facts_.entries())
            n += e.is_file() && detail::promised_digest(e.path) && !used_.contains(&e);
        if(n != 0)
            findings_.remark(finding_code::unreferenced, "archive",
                std::to_string(n) + (n == 1 ? " blob that no image" : " blobs that no image") +
                    " needs, such as the v1 configs that dockerd writes");
    }

    // --- before Docker 1.10 ---

    void list_v1_images()
    {
        auto const* const e = facts_.file("repositories");
        auto const text = e ? archive_facts::read(*e) : result<std::string>(failure{});
        auto const repositories = text ? detail::read_repositories(*text)
                                       : result<std::map<std::string, std::map<std::string, std::string>>>(text.error());
        if(!repositories) {
            auto const& why = repositories.error();
            auto const code = detail::code_of(why, finding_code::missing_document);
            findings_.error(code, "archive",
                code == finding_code::limit ? "repositories: " + why.detail
                                            : "neither manifest.json nor index.json nor a good file repositories lists images");
            return;
        }
        findings_.warning(finding_code::missing_document, "archive",
            "it is of the form of before Docker 1.10, which only Docker's own engine loads");
        for(auto const& [name, tags] : *repositories)
            for(auto const& [tag, directory] : tags)
                add_v1_image(name + ":" + tag, directory);
    }

    void add_v1_image(std::string name, std::string directory)
    {
        verified_image image;
        image.names.push_back(std::move(name));
        std::set<std::string> seen;
        bool cut = false;
        while(!directory.empty() && seen.insert(directory).second) {
            cut = ++v1_steps_ > 100'000 || v1_bytes_ > std::uint64_t{256} << 20 || image.layers.size() == 1000;
            if(cut) {
                if(told_.insert("v1 limit").second)
                    findings_.error(finding_code::limit, directory, "the ancestors of images are not followed as far as here");
                break;
            }
            auto const path = directory + "/layer.tar";
            auto const* const layer = facts_.file(path);
            auto const* const json = facts_.file(directory + "/json");
            verified_layer l;
            l.path = path;
            if(layer) {
                l.diff_id = layer->diff_id.empty() ? std::string() : layer->diff_id.str();
                take_layer(*layer, l);
            }
            else if(told_.insert("missing " + path).second) {
                findings_.error(finding_code::missing_blob, path, "the layer is not in the archive");
            }
            image.layers.insert(image.layers.begin(), std::move(l));
            v1_bytes_ += json ? json->size : 0;
            auto const text = json ? archive_facts::read(*json) : result<std::string>(failure{});
            auto const v1 = text ? detail::read_json<v1_document>(*text, error::invalid_document, archive_json_limits)
                                 : result<v1_document>(text.error());
            if(!v1 && told_.insert("json " + directory).second)
                findings_.error(detail::code_of(v1.error(), finding_code::invalid_config), directory + "/json",
                    "the config is missing, no JSON, or too large");
            directory = v1 ? v1->parent : std::string();
        }
        if(!cut && seen.contains(directory))
            findings_.error(finding_code::invalid_document, directory, "an image that is its own ancestor");
        to_.images.push_back(std::move(image));
    }

    archive_facts const& facts_;
    archive_model const& model_;
    finding_list& findings_;
    verification& to_;
    std::map<std::string, config_view const*> tags_;
    std::map<std::string, digest> roots_;
    std::map<manifest_view const*, std::size_t> manifests_;
    std::unordered_set<entry_facts const*> used_;
    std::multimap<digest, std::size_t> by_id_; ///< the images
    std::unordered_map<std::size_t, std::unordered_set<std::string>> names_; ///< of images that are listed again, by number
    std::set<std::pair<entry_facts const*, std::string>> checked_;           ///< layers, and the diff IDs that they were checked for
    std::set<std::string> told_;
    std::size_t v1_steps_ = 0;
    std::uint64_t v1_bytes_ = 0;
};

// Says what a thin archive needs, and which of it is not at hand.
inline void note_left_out(std::vector<needed_blob>& left_out, std::optional<digest_set> const& have, finding_list& findings)
{
    std::uint64_t bytes = 0;
    for(auto& b : left_out) {
        auto const diff_id = tarexport::parse_digest(b.diff_id);
        b.at_hand = have && (have->contains(b.id) || (diff_id && have->contains(*diff_id)));
        bytes += b.size;
        if(have && !b.at_hand)
            findings.error(finding_code::not_at_hand, b.id.str(),
                "the archive leaves it out (" + std::to_string(b.size) + " bytes, diff ID " + b.diff_id +
                    "), and the other side does not have it: save again with a list of what it has, or merge the archive with its base");
    }
    if(!left_out.empty())
        findings.remark(finding_code::left_out, "archive",
            "it leaves out " + std::to_string(left_out.size()) + (left_out.size() == 1 ? " layer of " : " layers of ") +
                std::to_string(bytes) + " bytes: they are to be loaded before it, or it merged with the archive that has them");
}

} // namespace tarexport::detail

#endif
