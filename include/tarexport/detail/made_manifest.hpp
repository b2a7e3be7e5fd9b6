//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_MADE_MANIFEST_HPP
#define TAREXPORT_DETAIL_MADE_MANIFEST_HPP

#include <tarexport/chain_id.hpp>
#include <tarexport/closure.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/documents.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/image.hpp>
#include <tarexport/selection.hpp>

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

// What a layout makes where a store has no manifest of an image.

namespace tarexport::detail {

/// A manifest as the engine makes it, and what it says of the layers.
struct made_manifest {
    content_document document;
    descriptor config;
    std::vector<descriptor> layers;
};

// Raw layers are what the engine itself stores; for others the store's own words stand.
inline descriptor stored_layer(descriptor const& info, std::string const& diff_id)
{
    descriptor d;
    d.media_type = info.id.str() == diff_id ? std::string(media_type::oci_layer) : info.media_type;
    d.id = info.id;
    d.size = info.size;
    d.urls = info.urls;
    return d;
}

inline made_manifest make_manifest(selection const& s)
{
    made_manifest m;
    m.config.media_type = media_type::oci_config;
    m.config.id = s.config.id;
    m.config.size = s.config.config.size();
    for(std::size_t n = 0; n != s.layers.size(); ++n)
        m.layers.push_back(detail::stored_layer(s.layers[n].info, s.config.diff_ids[n]));
    m.document.text = tarexport::render_manifest(m.config, m.layers);
    m.document.info.media_type = media_type::oci_manifest;
    m.document.info.id = tarexport::digest_of(m.document.text);
    m.document.info.size = m.document.text.size();
    return m;
}

inline content_closure make_closure(selection const& s)
{
    auto m = detail::make_manifest(s);
    content_closure c;
    c.root = m.document.info;
    // Without these two a platform is none.
    if(!s.config.os.empty() && !s.config.architecture.empty())
        c.root.target = detail::platform_of(s.config);
    c.images.push_back({s.config.id, c.root});
    c.manifests.push_back(std::move(m.document));
    c.configs.push_back({m.config, s.config.config});
    auto const chains = tarexport::chain_ids(s.config.diff_ids);
    std::set<digest> known;
    for(std::size_t n = 0; n != s.layers.size(); ++n)
        if(known.insert(m.layers[n].id).second) {
            auto const chain = tarexport::parse_digest(chains[n]);
            c.blobs.push_back({m.layers[n], s.config.diff_ids[n], chain ? *chain : digest(), s.layers[n].lease});
        }
    return c;
}

} // namespace tarexport::detail

#endif
