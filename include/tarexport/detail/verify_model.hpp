//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_VERIFY_MODEL_HPP
#define TAREXPORT_DETAIL_VERIFY_MODEL_HPP

#include <tarexport/descriptor.hpp>
#include <tarexport/detail/content_walk.hpp>
#include <tarexport/detail/verify_documents.hpp>
#include <tarexport/detail/verify_facts.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/image.hpp>
#include <tarexport/oci_documents.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/platform.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport::detail {

inline constexpr std::size_t history_limit = 4096; // steps of an image's history that are compared with those of its parent

/// A config, as far as anything depends on it.
struct config_view {
    entry_facts const* file = nullptr;
    std::optional<failure> fault;   ///< why engines cannot read it
    bool no_rootfs = false;         ///< which is all that is wrong
    std::optional<failure> refused; ///< why dockerd does not take the image
    std::vector<std::string> diff_ids;
    platform target;
    std::vector<std::size_t> steps; ///< of the history, hashed
    bool has_long_history = false;  ///< which is not hashed
};

/// A layer as a manifest has it.
struct layer_view {
    digest id;
    std::uint64_t size = 0;
    bool on_web = false; ///< its descriptor has a URL that containers/image reads it from
};

/// An image manifest.
struct manifest_view {
    descriptor where;
    entry_facts const* file = nullptr;
    std::optional<failure> fault;
    std::string no_image; ///< why it is none; empty for an image
    descriptor config_id;
    config_view const* config = nullptr; ///< null where it is missing
    std::vector<layer_view> layers;
    std::size_t proper_layers = 0; ///< those of a type that containerd unpacks

    bool is_image() const noexcept { return file && !fault && no_image.empty(); }
};

/// An entry of `index.json`.
struct root_view {
    descriptor where;
    std::string name;                          ///< the one that containerd and dockerd take, or the other; may be empty
    std::string ref_name;                      ///< the one that skopeo and podman take; may be empty
    std::vector<manifest_view const*> manifests; ///< all that it leads to, in order, without attestations
    std::size_t depth = 0;                     ///< how many indexes stand inside one another
    std::string broken;                        ///< why not all of it can be read; empty if it can
    bool unread = false;                       ///< it is only more than is read here
};

/// `manifest.json` as somebody finds it.
struct docker_view {
    entry_facts const* file = nullptr;
    std::optional<failure> fault;
    docker_list list;
    std::vector<config_view const*> configs; ///< of the list's items; null where one is missing
};

/// All that an archive's documents say.
struct archive_model {
    docker_view docker;       ///< the last of that name, through links
    docker_view first_docker; ///< the first of that name, as containers/image has it
    std::optional<failure> manifest_json_fault; ///< of any of that name

    entry_facts const* index_json = nullptr;
    std::optional<failure> index_json_fault;
    std::optional<failure> layout_fault; ///< of `oci-layout`, also where it is missing
    std::vector<root_view> roots;
    std::vector<entry_facts const*> indexes; ///< that the roots lead to

    std::vector<needed_blob> left_out;
    std::set<std::string, std::less<>> left_out_ids; ///< their digests and their diff IDs

    bool has_left_out(std::string_view id) const { return left_out_ids.contains(id); }
};

/// Reads an archive's documents, and follows what they refer to. Everything is read once.
class model_reader {
public:
    model_reader(archive_facts const& facts, finding_list& findings) : facts_(facts), findings_(findings) {}

    result<void> run()
    {
        for(auto const step : {&model_reader::read_thin, &model_reader::read_manifest_json, &model_reader::read_index_json})
            if(auto done = (this->*step)(); !done)
                return done;
        return {};
    }

    archive_model& model() noexcept { return model_; }

    /// Return what is known of a config, or null where there is no such file.
    result<config_view const*> config(entry_facts const* file)
    {
        if(!file)
            return nullptr;
        auto const [at, fresh] = configs_.try_emplace(file);
        if(fresh)
            if(auto done = read_config(*file, at->second); !done)
                return done.error();
        return &at->second;
    }

private:
    static constexpr std::size_t image_limit = 10'000;
    static constexpr std::size_t layer_limit = 200'000;
    static constexpr std::uint64_t reading_limit = std::uint64_t{256} << 20;
    static constexpr document_limits index_limits{std::size_t{8} << 20, 64, 200'000, image_limit};
    static constexpr document_limits manifest_limits{std::size_t{4} << 20, 64, 200'000, image_limit};

    void blame(failure const& why, std::string const& subject)
    {
        findings_.error(code_of(why, finding_code::invalid_document), subject, sentence(why));
    }

    // Of an error, whether it is the archive's, or one of reading what was put aside.
    static bool is_ours(failure const& f) noexcept { return f.code.category() == tarexport_category(); }

    static std::string sentence(failure const& f) { return f.detail.empty() ? f.code.message() : f.code.message() + ": " + f.detail; }

    result<void> read_thin()
    {
        auto const* const e = facts_.file("thin.json");
        if(!e)
            return {};
        auto const t = archive_facts::read(*e);
        if(!t && !is_ours(t.error()))
            return t.error();
        auto blobs = t ? detail::read_thin_document(*t) : result<std::vector<needed_blob>>(t.error());
        if(!blobs) {
            blame(blobs.error(), e->name);
            return {};
        }
        model_.left_out = *std::move(blobs);
        for(auto const& b : model_.left_out) {
            model_.left_out_ids.insert(b.id.str());
            model_.left_out_ids.insert(b.diff_id);
        }
        return {};
    }

    result<void> read_manifest_json()
    {
        if(auto done = read_list(facts_.file("manifest.json"), model_.docker, false); !done)
            return done;
        auto const* const first = facts_.component("manifest.json", true);
        if(auto done = read_list(first && first->is_file() ? first : nullptr, model_.first_docker, true); !done)
            return done;
        auto const& d = model_.docker;
        if(d.fault)
            blame(*d.fault, d.file->name);
        if(d.list.null)
            findings_.error(finding_code::invalid_document, d.file->name, "null in place of a list of images");
        if(d.list.trailing)
            findings_.warning(finding_code::invalid_document, d.file->name, "something follows the list of images");
        return {};
    }

    result<void> read_list(entry_facts const* e, docker_view& d, bool first)
    {
        d.file = e;
        if(!e)
            return {};
        auto const t = archive_facts::read(*e);
        if(!t && !is_ours(t.error()))
            return t.error();
        auto read = t ? detail::read_docker_list(*t) : result<docker_list>(t.error());
        if(read && read->items.size() > image_limit)
            read = failure{error::limit_exceeded, e->name, "more than " + std::to_string(image_limit) + " images"};
        if(!read) {
            d.fault = read.error();
            model_.manifest_json_fault = read.error();
            return {};
        }
        d.list = *std::move(read);
        for(auto const& item : d.list.items) {
            auto const* const file = first ? facts_.component(item.config, true) : facts_.file(item.config);
            auto const c = config(file && file->is_file() ? file : nullptr);
            if(!c)
                return c.error();
            d.configs.push_back(*c);
        }
        return {};
    }

    result<void> read_config(entry_facts const& file, config_view& c)
    {
        c.file = &file;
        auto t = archive_facts::read(file);
        if(!t && !is_ours(t.error()))
            return t.error();
        auto parsed = t ? tarexport::parse_image(*std::move(t), file.id, {.values = 200'000}) : result<image>(t.error());
        if(!parsed) {
            c.fault = parsed.error();
            c.no_rootfs = c.fault->detail == "no rootfs";
            return {};
        }
        if(auto const checked = tarexport::check_image(*parsed); !checked)
            c.refused = checked.error();
        c.target = {parsed->os, parsed->architecture, parsed->variant, {}, {}};
        layers_ += parsed->diff_ids.size();
        if(layers_ > layer_limit)
            c.fault = failure{error::limit_exceeded, file.name, "more than " + std::to_string(layer_limit) + " layers in all"};
        else
            c.diff_ids = std::move(parsed->diff_ids);
        c.has_long_history = parsed->history.size() > history_limit;
        if(!c.has_long_history)
            for(auto const& step : parsed->history)
                c.steps.push_back(hash_of(step));
        return {};
    }

    // Steps that dockerd takes for the same have the same.
    static std::size_t hash_of(history_entry const& h)
    {
        std::string text = h.created ? std::to_string(h.created->seconds) + "." + std::to_string(h.created->nanoseconds) : std::string();
        for(auto const* part : {&h.created_by, &h.author, &h.comment})
            text.append(1, '\0').append(*part);
        return std::hash<std::string>()(text) * 2 + (h.empty_layer ? 1 : 0);
    }

    result<void> read_index_json()
    {
        read_layout();
        auto const* const e = model_.index_json = facts_.file("index.json");
        if(!e)
            return {};
        auto const t = archive_facts::read(*e);
        if(!t && !is_ours(t.error()))
            return t.error();
        auto const read = t ? tarexport::parse_index(*t, e->name, index_limits) : result<index>(t.error());
        if(!read) {
            model_.index_json_fault = read.error();
            blame(read.error(), e->name);
            return {};
        }
        for(auto const& d : read->manifests) {
            root_view r;
            r.where = d;
            auto const full = d.annotation("io.containerd.image.name"), ref = d.annotation("org.opencontainers.image.ref.name");
            r.ref_name = ref.value_or("");
            r.name = full.value_or(ref.value_or(""));
            path_.clear();
            if(auto done = follow(d, r, "index.json"); !done)
                return done;
            model_.roots.push_back(std::move(r));
        }
        return {};
    }

    void read_layout()
    {
        auto const* const e = facts_.file("oci-layout");
        auto const t = e ? archive_facts::read(*e) : result<std::string>(failure{error::not_a_layout, "oci-layout", "is missing"});
        auto const checked = t ? tarexport::check_layout(*t, "oci-layout") : result<void>(t.error());
        if(checked)
            return;
        model_.layout_fault = checked.error();
        if(e)
            blame(checked.error(), e->name);
        else if(facts_.file("index.json"))
            findings_.warning(finding_code::missing_document, "oci-layout", "there is an index.json, but no oci-layout");
    }

    // The entry of a blob whose size is right, or why there is none.
    entry_facts const* blob(descriptor const& d, std::string const& by, bool needed)
    {
        auto const text = d.id.str();
        auto const* const e = facts_.file("blobs/" + std::string(name_of(d.id.algorithm())) + "/" + d.id.hex());
        if(!e) {
            if(needed && !model_.has_left_out(d.id.str()))
                findings_.error(finding_code::missing_blob, text, by + " refers to it, and it is not in the archive");
            return nullptr;
        }
        if(e->size != d.size)
            findings_.error(finding_code::size_mismatch, text,
                by + " says " + std::to_string(d.size) + " bytes; it has " + std::to_string(e->size));
        return e;
    }

    result<void> follow(descriptor const& d, root_view& r, std::string const& by)
    {
        bool const top = path_.empty();
        if(detail::is_attestation(d))
            return {};
        bool const back = std::ranges::find(path_, d.id) != path_.end();
        if(back || path_.size() == index_depth_limit) {
            r.unread = r.unread || !back;
            r.broken = back ? "an index that leads back to itself"
                            : "more than " + std::to_string(index_depth_limit) + " indexes stand inside one another";
            findings_.error(back ? finding_code::invalid_document : finding_code::limit, d.id.str(), r.broken);
            return {};
        }
        bool const is_index = tarexport::media_type::is_index(d.media_type);
        if(!is_index && !tarexport::media_type::is_manifest(d.media_type) && !d.media_type.empty()) {
            if(top) {
                r.broken = "an entry of type " + d.media_type;
                findings_.remark(finding_code::artifact, d.id.str(), r.broken + ", which is no image");
                blob(d, by, true);
            }
            return {};
        }
        // An index may list platforms that are not in the archive.
        auto const* const e = blob(d, by, top);
        if(!e) {
            r.broken = r.broken.empty() ? d.id.str() + " is missing" : r.broken;
            if(!top && !model_.has_left_out(d.id.str()))
                findings_.remark(finding_code::missing_blob, d.id.str(), by + " lists it, and it is not in the archive");
            return {};
        }
        if(is_index)
            return follow_index(d, *e, r);
        auto m = manifest_of(d, *e);
        if(!m)
            return m.error();
        r.manifests.push_back(*m);
        return {};
    }

    result<void> follow_index(descriptor const& d, entry_facts const& e, root_view& r)
    {
        read_ += e.size;
        auto const t = read_ <= reading_limit
                           ? archive_facts::read(e)
                           : result<std::string>(failure{error::limit_exceeded, e.name, "indexes are listed again and again"});
        if(!t && !is_ours(t.error()))
            return t.error();
        auto const read = t ? tarexport::parse_index(*t, e.name, index_limits) : result<index>(t.error());
        if(!read) {
            r.broken = sentence(read.error());
            r.unread = r.unread || read.error().code == error::limit_exceeded;
            blame(read.error(), e.name);
            return {};
        }
        model_.indexes.push_back(&e);
        path_.push_back(d.id);
        r.depth = std::max(r.depth, path_.size());
        auto const by = "index " + d.id.str();
        for(auto const& child : read->manifests) {
            if(++visits_ > layer_limit) {
                r.broken = "more than " + std::to_string(layer_limit) + " entries of indexes";
                r.unread = true;
                findings_.error(finding_code::limit, e.name, r.broken);
                break;
            }
            if(auto done = follow(child, r, by); !done)
                return done;
        }
        path_.pop_back();
        return {};
    }

    static bool is_web_url(std::string_view url) { return url.starts_with("http://") || url.starts_with("https://"); }

    // A layer that its makers do not want to be passed on is left out on purpose.
    bool leaves_out(descriptor const& l, manifest_view const& m)
    {
        auto const text = l.id.str();
        if(!media_type::is_foreign(l.media_type) || facts_.file(plan::blob_path(l.id)))
            return false;
        if(!model_.left_out_ids.insert(text).second)
            return true;
        auto const n = m.layers.size();
        auto const diff_id = m.config && n < m.config->diff_ids.size() ? m.config->diff_ids[n] : std::string();
        model_.left_out_ids.insert(diff_id);
        model_.left_out.push_back({l.id, diff_id, l.media_type, l.size});
        findings_.warning(finding_code::left_out, text, "a layer that is not to be passed on, and is not in the archive" +
                                                            (l.urls.empty() ? std::string() : "; it can be had from " + l.urls.front()));
        return true;
    }

    result<manifest_view const*> manifest_of(descriptor const& d, entry_facts const& e)
    {
        auto const [at, fresh] = manifests_.try_emplace(&e);
        auto& m = at->second;
        if(!fresh)
            return &m;
        m.where = d;
        m.file = &e;
        auto const t = archive_facts::read(e);
        if(!t && !is_ours(t.error()))
            return t.error();
        auto const read = t ? tarexport::parse_manifest(*t, e.name, manifest_limits) : result<manifest>(t.error());
        if(!read) {
            m.fault = read.error();
            blame(read.error(), e.name);
            return &m;
        }
        m.no_image = detail::why_no_image(*read, d.media_type);
        if(!m.no_image.empty())
            findings_.remark(finding_code::artifact, e.name, m.no_image + ": not a container image");
        auto const by = "manifest " + d.id.str();
        m.config_id = read->config;
        auto const* const config_file = blob(read->config, by, true);
        auto const c = config(config_file);
        if(!c)
            return c.error();
        m.config = *c;
        layers_ += read->layers.size();
        if(layers_ > layer_limit) {
            m.fault = failure{error::limit_exceeded, e.name, "more than " + std::to_string(layer_limit) + " layers in all"};
            findings_.error(finding_code::limit, e.name, m.fault->detail);
            return &m;
        }
        for(auto const& l : read->layers) {
            if(!leaves_out(l, m))
                blob(l, by, true);
            m.layers.push_back({l.id, l.size, std::ranges::any_of(l.urls, is_web_url)});
            m.proper_layers += l.media_type.starts_with("application/vnd.oci.image.layer.") ||
                               l.media_type.starts_with("application/vnd.docker.image.rootfs.");
        }
        return &m;
    }

    archive_facts const& facts_;
    finding_list& findings_;
    archive_model model_;
    std::map<entry_facts const*, config_view> configs_;
    std::map<entry_facts const*, manifest_view> manifests_;
    std::vector<digest> path_;
    std::size_t layers_ = 0;
    std::size_t visits_ = 0;
    std::uint64_t read_ = 0;
};

} // namespace tarexport::detail

#endif
