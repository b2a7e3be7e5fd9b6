//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DESCRIPTOR_HPP
#define TAREXPORT_DESCRIPTOR_HPP

#include <tarexport/boxed_optional.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/platform.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport {

/// The media types that the library writes or tells apart.
namespace media_type {

inline constexpr std::string_view oci_index = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view oci_manifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view oci_config = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view oci_layer = "application/vnd.oci.image.layer.v1.tar";
inline constexpr std::string_view docker_list = "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view docker_manifest = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view docker_config = "application/vnd.docker.container.image.v1+json";

/// Return whether blobs of this type list manifests.
constexpr bool is_index(std::string_view type) noexcept { return type == oci_index || type == docker_list; }

/// Return whether blobs of this type are image manifests.
constexpr bool is_manifest(std::string_view type) noexcept { return type == oci_manifest || type == docker_manifest; }

/// Return whether blobs of this type are configs of container images.
constexpr bool is_config(std::string_view type) noexcept { return type == oci_config || type == docker_config; }

/// Return whether blobs of this type are layers that their makers do not want to be passed on.
constexpr bool is_foreign(std::string_view type) noexcept
{
    return type.find(".nondistributable.") != std::string_view::npos || type.find(".foreign.") != std::string_view::npos;
}

} // namespace media_type

/** What a store knows of a blob before it is read: its type, identity and size.

    @see https://github.com/opencontainers/image-spec/blob/v1.1.0/descriptor.md
*/
struct descriptor {
    std::string media_type;
    tarexport::digest id;
    std::uint64_t size = 0; ///< in bytes

    std::vector<std::string> urls;                                 ///< where else the blob can be had
    std::vector<std::pair<std::string, std::string>> annotations;  ///< in the order of the document
    boxed_optional<tarexport::platform> target;                    ///< of a manifest: what it runs on
    std::string artifact_type;                                     ///< of a manifest that is no image

    /// Return the value of an annotation, or nothing.
    std::optional<std::string_view> annotation(std::string_view key) const noexcept
    {
        for(auto const& [k, v] : annotations)
            if(k == key)
                return v;
        return std::nullopt;
    }

    friend bool operator==(descriptor const&, descriptor const&) = default;
};

} // namespace tarexport

#endif
