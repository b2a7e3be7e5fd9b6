//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_CONTENT_WALK_HPP
#define TAREXPORT_DETAIL_CONTENT_WALK_HPP

#include <tarexport/descriptor.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/oci_documents.hpp>
#include <tarexport/platform.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace tarexport::detail {

/// How many indexes may stand inside one another.
inline constexpr std::size_t index_depth_limit = 8;

/// How many manifests one root may lead to.
inline constexpr std::size_t manifest_count_limit = 100'000;

// Docker's builder describes its attestations so: they have the form of images, and are none.
inline bool is_attestation(descriptor const& d) noexcept
{
    return d.annotation("vnd.docker.reference.type").has_value() ||
           (d.target && d.target->os == "unknown" && d.target->architecture == "unknown");
}

// Entries with equal keys lead to the same images, whatever else they say.
using content_key_type = std::tuple<digest, std::uint64_t, std::string, std::string, std::string, bool>;

inline content_key_type content_key(descriptor const& d)
{
    return {d.id, d.size, d.media_type, d.artifact_type, d.target ? tarexport::format_all(*d.target) : std::string(),
        detail::is_attestation(d)};
}

// Since OCI 1.1 the descriptor of an image may have its config's type here.
inline bool is_artifact_type(std::string_view type) noexcept
{
    return !type.empty() && !media_type::is_config(type);
}

// Registries have given configs these types (the engine pulls such images: moby, distribution/pull_v2.go).
inline bool is_legacy_config(std::string_view type) noexcept
{
    return type == "application/octet-stream" || type == "application/json" || type == "text/html";
}

// Compressions vary and new ones come; but a type without the word "tar" is no layer.
inline bool is_layer(std::string_view type) noexcept
{
    if(type.empty() || type == "application/octet-stream")
        return true;
    constexpr std::string_view between = "/.+-";
    for(std::size_t at = 0; (at = type.find("tar", at)) != std::string_view::npos; ++at) {
        bool const begins = at == 0 || between.find(type[at - 1]) != std::string_view::npos;
        bool const ends = at + 3 == type.size() || between.find(type[at + 3]) != std::string_view::npos;
        if(begins && ends)
            return true;
    }
    return false;
}

// Why a manifest is no container image; empty if it is one.
inline std::string why_no_image(manifest const& m, std::string_view type)
{
    if(detail::is_artifact_type(m.artifact_type))
        return "artifact of type " + m.artifact_type;
    bool const docker = type == media_type::docker_manifest || m.media_type == media_type::docker_manifest;
    if(!media_type::is_config(m.config.media_type) && !(docker && detail::is_legacy_config(m.config.media_type)))
        return "config of type " + m.config.media_type;
    for(auto const& l : m.layers)
        if(!detail::is_layer(l.media_type))
            return "layer of type " + l.media_type;
    return {};
}

/** Walks an index and those inside it, and collects the descriptors of manifests in their order.

    `Reader` has `read_index(descriptor const&, what)` and `typed(descriptor, what)`, which finds out the media type
    of an entry that has none. `Wanted` says of a nested index's platform whether to look inside.

    Blobs that are not there are legal inside an index (a copy of one platform leaves the others out), so they are kept
    for the case that nothing is found; any other error ends the walk.
*/
template<class Reader, class Wanted>
class content_walk {
public:
    content_walk(Reader const& reader, Wanted wanted) : reader_(reader), wanted_(std::move(wanted)) {}

    result<void> enter(descriptor const& d, std::string const& what)
    {
        if(std::ranges::find(path_, d.id) != path_.end())
            return failure{error::cyclic_index, d.id.str(), "it contains itself"};
        if(path_.size() == index_depth_limit)
            return failure{error::cyclic_index, d.id.str(),
                "more than " + std::to_string(index_depth_limit) + " indexes inside one another"};
        if(!visited_.insert(d.id).second)
            return {};
        auto const read = reader_.read_index(d, what);
        if(!read)
            return path_.empty() ? result<void>(read.error()) : forgive(read.error());
        path_.push_back(d.id);
        auto const listed = "listed by index " + d.id.str();
        for(auto const& e : read->manifests)
            if(auto done = visit(e, listed); !done)
                return done;
        path_.pop_back();
        return {};
    }

    std::vector<descriptor>& manifests() noexcept { return manifests_; }
    std::vector<failure>& missing() noexcept { return missing_; }

private:
    result<void> visit(descriptor const& e, std::string const& listed)
    {
        if(detail::is_attestation(e) || detail::is_artifact_type(e.artifact_type))
            return {};
        if(e.media_type.empty()) {
            auto typed = reader_.typed(e, listed);
            return typed ? sort(*typed, listed) : forgive(typed.error());
        }
        return sort(e, listed);
    }

    result<void> sort(descriptor const& e, std::string const& listed)
    {
        if(media_type::is_index(e.media_type))
            return e.target && !wanted_(*e.target) ? result<void>() : enter(e, listed);
        // The specification wants unknown types to be passed over.
        if(!media_type::is_manifest(e.media_type))
            return {};
        if(manifests_.size() == manifest_count_limit)
            return failure{error::limit_exceeded, path_.front().str(),
                "more than " + std::to_string(manifest_count_limit) + " manifests"};
        manifests_.push_back(e);
        return {};
    }

    result<void> forgive(failure const& f)
    {
        if(f.code != error::missing_blob)
            return f;
        missing_.push_back(f);
        return {};
    }

    Reader const& reader_;
    Wanted wanted_;
    std::vector<digest> path_;
    std::set<digest> visited_;
    std::vector<descriptor> manifests_;
    std::vector<failure> missing_;
};

} // namespace tarexport::detail

#endif
