//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A store of blobs in memory, and an index of four platforms with attestations.

#ifndef TAREXPORT_TEST_BLOB_STORE_HPP
#define TAREXPORT_TEST_BLOB_STORE_HPP

#include <tarexport/content.hpp>
#include <tarexport/stores.hpp>

#include "layout_folder.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace blobs {

namespace tx = tarexport;
using layouts::annotated;
using layouts::on;
using tx::descriptor;
using tx::platform;

inline platform const amd64{"linux", "amd64", {}, {}, {}};
inline platform const arm64{"linux", "arm64", {}, {}, {}};
inline platform const arm_v7{"linux", "arm", "v7", {}, {}};
inline platform const s390x{"linux", "s390x", {}, {}, {}};
inline platform const windows{"windows", "amd64", {}, {}, {}};
inline platform const unknown{"unknown", "unknown", {}, {}, {}};

/// Blobs by digest and roots by name: a `blob_store`, as an OCI layout is one.
struct memory_blobs : layouts::blob_set {
    struct source {
        std::string text;
        std::size_t at = 0;

        std::size_t read_some(std::span<std::byte> into, tx::error_code& ec)
        {
            auto const n = std::min(into.size(), text.size() - at);
            std::copy_n(reinterpret_cast<std::byte const*>(text.data()) + at, n, into.begin());
            at += n;
            ec.clear();
            return n;
        }
    };

    struct handle {
        descriptor what;
        std::string text;

        descriptor const& info() const { return what; }
        tx::result<source> open(std::uint64_t offset) const { return source{text, static_cast<std::size_t>(offset)}; }
    };

    std::map<std::string, descriptor> roots;

    void name(std::string const& text, descriptor const& d) { roots[tx::parse_reference(text).value().str()] = d; }
    void remove(descriptor const& d) { all().erase(d.id); }

    tx::result<handle> blob(descriptor const& d) const
    {
        auto const found = all().find(d.id);
        if(found == all().end())
            return tx::failure{tx::error::missing_blob, d.id.str(), {}};
        if(found->second.size() != d.size)
            return tx::failure{tx::error::size_mismatch, d.id.str(), {}};
        return handle{d, found->second};
    }

    tx::result<handle> layer(tx::image const& i, std::size_t n) const { return blob(i.layers.at(n)); }

    tx::result<descriptor> root(tx::reference const& ref) const
    {
        for(auto const& [text, d] : roots)
            if(ref.has_digest() ? ref.id().value() == d.id : text == ref.str())
                return d;
        return tx::failure{tx::error::unknown_reference, ref.str(), {}};
    }

    tx::result<tx::image> load(tx::digest const& id) const
    {
        auto const d = manifest_of(id);
        return d ? tx::load_image(*this, *d) : tx::result<tx::image>(d.error());
    }

    tx::result<descriptor> manifest_of(tx::digest const& id) const
    {
        for(auto const& [text, d] : roots)
            if(auto const i = tx::load_image(*this, d); i && i->id == id)
                return d;
        return tx::failure{tx::error::unknown_image, id.str(), {}};
    }

    tx::result<tx::digest> search(std::string_view prefix) const
    {
        return tx::failure{tx::error::unknown_image, std::string(prefix), {}};
    }

    tx::result<tx::digest> lookup(tx::reference const& ref) const
    {
        return tx::failure{tx::error::unknown_reference, ref.str(), {}};
    }

    tx::result<std::vector<tx::reference>> by_name(tx::reference const&) const { return std::vector<tx::reference>(); }
};

static_assert(tx::store<memory_blobs> && tx::blob_store<memory_blobs> && tx::has_manifests<memory_blobs>);

/// Four platforms, two of which have attestations, which share a base layer each.
template<class Blobs>
struct four_platforms {
    struct part {
        descriptor base, top, config, manifest;
    };

    explicit four_platforms(Blobs& b)
    {
        for(auto const& p : {amd64, arm64, arm_v7, s390x})
            parts.push_back(add(b, p));
        for(std::size_t n : {0u, 1u})
            attestations.push_back(attest(b, parts[n].manifest));
        std::vector<descriptor> entries;
        for(auto const& p : parts)
            entries.push_back(p.manifest);
        entries.insert(entries.end(), attestations.begin(), attestations.end());
        index = b.add_index(entries);
    }

    static part add(Blobs& b, platform const& p)
    {
        part made;
        auto const name = tx::format(p);
        made.base = b.add_layer("base of " + name);
        made.top = b.add_layer("top of " + name);
        made.config = b.add_config(p, {made.base, made.top});
        made.manifest = on(p, b.add_manifest(made.config, {made.base, made.top}));
        return made;
    }

    descriptor attest(Blobs& b, descriptor const& about)
    {
        auto const statement = b.add("statement on " + about.id.str(), "application/vnd.in-toto+json");
        statements.push_back(statement);
        auto const config = b.add_config(unknown, {statement});
        auto d = annotated(on(unknown, b.add_manifest(config, {statement})), "vnd.docker.reference.type", "attestation-manifest");
        return annotated(d, "vnd.docker.reference.digest", about.id.str());
    }

    std::vector<part> parts; // amd64, arm64, arm/v7, s390x
    std::vector<descriptor> attestations;
    std::vector<descriptor> statements;
    descriptor index;
};

inline tx::platform_choice host(platform p = amd64) { return {{}, false, std::move(p)}; }
inline tx::platform_choice everything() { return {{}, true, amd64}; }
inline tx::platform_choice wanted(std::vector<platform> ps) { return {std::move(ps), false, amd64}; }

} // namespace blobs

#endif
