//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_OCI_SCAN_HPP
#define TAREXPORT_DETAIL_OCI_SCAN_HPP

#include <tarexport/content.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/detail/content_walk.hpp>
#include <tarexport/detail/oci_roots.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/digest_set.hpp>
#include <tarexport/error.hpp>
#include <tarexport/oci_documents.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <mutex>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport::detail {

/// What the entries of an index.json lead to.
struct oci_contents {
    struct found {
        digest id; ///< of the config
        descriptor manifest;
    };
    std::vector<found> images;                ///< in the order of the entries, each manifest once
    std::vector<std::optional<digest>> first; ///< by entry: the first image that it leads to
    std::vector<failure> unreadable;          ///< one for each such entry
    std::vector<std::size_t> by_id;           ///< the numbers of the images, those of one ID in their order

    /// Return the numbers of the images with an ID, in their order.
    std::span<std::size_t const> with_id(digest const& id) const
    {
        return std::ranges::equal_range(by_id, id, {}, [this](std::size_t n) -> digest const& { return images[n].id; });
    }

    /// Return the numbers of the images with an algorithm, whose IDs begin with some digits.
    std::span<std::size_t const> with_digits(digest_algorithm a, std::string_view digits) const
    {
        auto const begin = std::ranges::partition_point(by_id, [&](std::size_t n) {
            auto const& id = images[n].id;
            return id.algorithm() < a || (id.algorithm() == a && detail::hex_less(id, digits));
        });
        auto const end = std::partition_point(begin, by_id.end(), [&](std::size_t n) {
            auto const& id = images[n].id;
            return id.algorithm() == a && detail::hex_starts_with(id, digits);
        });
        return {begin, end};
    }
};

/** Reads the manifests of all entries.

    Many entries may lead to the same: nothing is read twice.
*/
template<class Store>
class oci_scan {
public:
    explicit oci_scan(Store const& store) : documents_(store, store_budget) {}

    oci_contents run(std::vector<oci_root> const& roots, std::string const& path)
    {
        for(std::size_t n = 0; n != roots.size(); ++n) {
            auto [known, is_new] = roots_.try_emplace(detail::content_key(roots[n].entry));
            auto& root = known->second;
            if(is_new)
                if(auto done = enter(roots[n].entry, "entry " + std::to_string(n) + " of " + path + "/index.json", root.first); !done)
                    root.why = std::move(done).error();
            out_.first.push_back(root.first);
            if(root.why)
                out_.unreadable.push_back(*root.why);
        }
        out_.by_id.resize(out_.images.size());
        std::iota(out_.by_id.begin(), out_.by_id.end(), std::size_t{0});
        std::ranges::sort(out_.by_id, [&](std::size_t a, std::size_t b) {
            auto const order = out_.images[a].id <=> out_.images[b].id;
            return order != 0 ? order < 0 : a < b;
        });
        return std::move(out_);
    }

private:
    struct root_state {
        std::optional<digest> first;
        std::optional<failure> why;
    };

    // What a manifest turned out to be: the ID of an image, or none, or what is wrong with it.
    using outcome = result<std::optional<digest>>;

    result<void> enter(descriptor const& entry, std::string const& what, std::optional<digest>& first)
    {
        auto const typed = entry.media_type.empty() ? documents_.typed(entry, what) : result<descriptor>(entry);
        if(!typed)
            return typed.error();
        std::vector<descriptor> manifests;
        std::optional<failure> missing;
        bool const is_index = media_type::is_index(typed->media_type);
        if(is_index) {
            content_walk walk(documents_, [](platform const&) { return true; });
            if(auto done = walk.enter(*typed, what); !done)
                return done;
            manifests = std::move(walk.manifests());
            if(!walk.missing().empty())
                missing = walk.missing().front();
        }
        else if(media_type::is_manifest(typed->media_type) && !detail::is_attestation(*typed) &&
                !detail::is_artifact_type(typed->artifact_type))
            manifests.push_back(*typed);
        std::size_t read = 0;
        std::optional<failure> broken;
        for(auto const& d : manifests) {
            auto const& id = examine(d, what);
            if(!id) {
                // A copy of one platform lacks the manifests of the others, which is legal.
                auto& reason = is_index && id.error().code == error::missing_blob ? missing : broken;
                if(!reason)
                    reason = id.error();
                continue;
            }
            ++read;
            if(!first)
                first = *id;
        }
        if(broken)
            return *broken;
        return missing && read == 0 ? result<void>(*missing) : result<void>();
    }

    outcome const& examine(descriptor const& d, std::string const& what)
    {
        auto const [known, is_new] = manifests_.try_emplace(detail::content_key(d), std::optional<digest>());
        auto& id = known->second;
        if(!is_new)
            return id;
        auto const m = documents_.read_manifest(d, what);
        if(!m)
            id = m.error();
        else if(detail::why_no_image(*m, d.media_type).empty()) {
            id = std::optional(m->config.id);
            out_.images.push_back({m->config.id, d});
        }
        return id;
    }

    content_reader<Store> documents_;
    std::map<content_key_type, root_state> roots_;
    std::map<content_key_type, outcome> manifests_;
    oci_contents out_;
};

/** What a store has found out about the images of an index.json. Each thing is found out when it is first needed.

    @par Thread Safety
    May be used from several threads. Those that look for the same at the same time find the same; the first to end is kept.
*/
class oci_images {
public:
    /// Return what all entries lead to.
    template<class Store>
    oci_contents const& all(Store const& store, oci_roots const& roots)
    {
        {
            std::lock_guard const lock(mutex_);
            if(all_)
                return *all_;
        }
        auto found = oci_scan(store).run(roots.all(), store.path());
        std::lock_guard const lock(mutex_);
        if(!all_)
            all_ = std::move(found);
        return *all_;
    }

    /// Return a sentence about the entries that cannot be read; nothing if all can.
    template<class Store>
    std::string unreadable(Store const& store, oci_roots const& roots)
    {
        auto const& bad = all(store, roots).unreadable;
        if(bad.empty())
            return {};
        return "could not read " + std::to_string(bad.size()) + " of " + std::to_string(roots.all().size()) +
               " entries of index.json, the first because: " + message(bad.front());
    }

    /// Return the ID of the one image that a descriptor leads to on the platforms that are chosen, and remember its manifest.
    template<class Reader>
    result<digest> chosen(Reader const& documents, descriptor const& d, platform_choice const& platforms, std::string_view what)
    {
        auto const found = detail::find_manifests(documents, d, platforms, what);
        if(!found)
            return found.error();
        if(found->size() > 1)
            return failure{error::several_platforms, std::string(what), std::to_string(found->size()) + " images"};
        auto const m = documents.read_manifest(found->front(), what);
        if(!m)
            return m.error();
        remember(m->config.id, found->front());
        return m->config.id;
    }

    /// Return the manifest that was remembered for an image.
    std::optional<descriptor> manifest_of(digest const& id) const
    {
        std::lock_guard const lock(mutex_);
        auto const known = manifests_.find(id);
        return known == manifests_.end() ? std::nullopt : std::optional(known->second);
    }

    /// Return the manifest that is remembered from now on: this, or the one from before.
    descriptor remember(digest const& id, descriptor const& manifest)
    {
        std::lock_guard const lock(mutex_);
        return manifests_.try_emplace(id, manifest).first->second;
    }

private:
    std::mutex mutable mutex_;
    std::map<digest, descriptor> manifests_;
    std::optional<oci_contents> all_;
};

} // namespace tarexport::detail

#endif
