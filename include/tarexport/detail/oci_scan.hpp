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
#include <tarexport/detail/oci_folder.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/oci_documents.hpp>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
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

} // namespace tarexport::detail

#endif
