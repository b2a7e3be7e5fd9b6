//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_IMAGE_HPP
#define TAREXPORT_IMAGE_HPP

#include <tarexport/descriptor.hpp>
#include <tarexport/detail/image_config.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/history.hpp>
#include <tarexport/timestamp.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tarexport {

/** An image: its config, and what the library needs to know of it.

    The bytes of the config are the image's identity and are never changed or written anew: all other members
    that `parse_image` fills are only read out of them.
*/
struct image {
    digest id;                          ///< The digest of `config`.
    std::string config;                 ///< The config, byte for byte.
    std::string os;                     ///< Empty where the config names none.
    std::string architecture;           ///< Empty where the config names none.
    std::string variant;                ///< Empty where the config names none.
    std::string os_version;             ///< Empty where the config names none.
    std::optional<timestamp> created;   ///< When, if the config says so.
    std::vector<history_entry> history; ///< From the first step to the last; may be empty.
    std::vector<std::string> diff_ids;  ///< Of the layers, bottom first, as the config has them: unchecked text.
    std::optional<digest> parent;       ///< Set by stores that know it; never read from the config.
    std::vector<descriptor> layers;     ///< Set by stores that hold a manifest: its layers, bottom first.

    friend bool operator==(image const&, image const&) = default;
};

/// How much of a config is read.
struct config_limits {
    std::size_t size = std::size_t{8} << 20;   ///< Bytes.
    std::size_t depth = 64;                    ///< Objects and arrays inside one another.
    std::size_t values = std::size_t{1} << 18; ///< Of any kind.
    std::size_t layers = 4096;                 ///< The engine itself stops at 125.
};

/** Read an image config as the engine does (moby v27.3.1, Go's encoding/json).

    Keys match in any case, an exact match first; of duplicate keys the last wins, but objects merge; `null`
    is of every type; unknown keys are ignored. Diff ids are not checked.

    @param config The config's bytes; kept in the image.
    @param id The digest of `config`, which the caller has checked.
    @return The image, without parent and layers, or `invalid_json` (no JSON), `invalid_config` (a value of a
    wrong type, a malformed time, no `rootfs`; the detail names the field) or `limit_exceeded`; the subject is `id`.
*/
inline result<image> parse_image(std::string config, digest const& id, config_limits const& limits = {})
{
    auto read = detail::read_image_config(config, {limits.size, limits.depth, limits.values});
    if(!read) {
        auto f = std::move(read).error();
        f.subject = id.str();
        return f;
    }
    if(read->rootfs->diff_ids.size > limits.layers)
        return failure{error::limit_exceeded, id.str(), "more than " + std::to_string(limits.layers) + " layers"};
    image img;
    img.id = id;
    img.config = std::move(config);
    img.os = std::move(read->os);
    img.architecture = std::move(read->architecture);
    img.variant = std::move(read->variant);
    img.os_version = std::move(read->os_version);
    img.created = read->created;
    img.history = read->history.take();
    img.diff_ids = read->rootfs->diff_ids.take();
    return img;
}

/** Check what the engine checks when an image comes into its store, beyond what `parse_image` refuses.

    @return Nothing, or `invalid_config` (more history entries with a layer than there are layers) or
    `unsupported_os` (not Linux; an image without layers may be of any system); the subject is the image's ID.
*/
inline result<void> check_image(image const& img)
{
    auto const steps = std::ranges::count(img.history, false, &history_entry::empty_layer);
    if(static_cast<std::size_t>(steps) > img.diff_ids.size())
        return failure{
            error::invalid_config, img.id.str(),
            "history tells of " + std::to_string(steps) + " layers, found " + std::to_string(img.diff_ids.size())};
    bool const has_chain = std::ranges::any_of(img.diff_ids, [](auto const& text) { return !text.empty(); });
    if(has_chain && !img.os.empty() && !detail::equals_folded("linux", img.os))
        return failure{error::unsupported_os, img.id.str(), img.os};
    return {};
}

} // namespace tarexport

#endif
