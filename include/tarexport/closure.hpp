//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_CLOSURE_HPP
#define TAREXPORT_CLOSURE_HPP

#include <tarexport/content.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/digest.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport {

/// How much of what an index lists goes into an archive that keeps manifests.
enum class completeness {
    strict, ///< all of it, or the manifest of the one platform chosen: whatever is in the archive is whole
    prune,  ///< what is chosen and there: the index is written anew without the rest
    keep    ///< what is chosen and there: the index stays as it is, although it lists more
};

/// What becomes of layers that their makers do not want to be passed on (foreign, non-distributable).
enum class foreign_layers {
    embed,   ///< they are saved as any other
    skip,    ///< they are left out
    url_only ///< they are left out, and each must say from which URL it can be had
};

/** What of an image is saved.

    The last two count for layouts that keep manifests, and stores that have them. Converts from a choice of platforms alone.
*/
struct content_choice {
    content_choice() = default;
    content_choice(platform_choice p, completeness c = completeness::strict, foreign_layers f = foreign_layers::embed)
        : platforms(std::move(p))
        , complete(c)
        , foreign(f)
    {
    }

    platform_choice platforms;
    completeness complete = completeness::strict;
    foreign_layers foreign = foreign_layers::embed;
};

/// A manifest, an index or a config: its descriptor and its bytes.
struct content_document {
    descriptor info;
    std::string text;
};

/// A blob of a closure that a store has.
struct content_blob {
    descriptor info;
    std::string diff_id;                ///< of a layer of an image, as the config has it; empty for anything else
    digest chain;                       ///< of a layer of an image: its chain ID there
    std::optional<std::uint32_t> lease; ///< the number of its handle; none: it is left out of the archive
};

/// An image of a closure.
struct content_image {
    digest id;           ///< of the config
    descriptor manifest; ///< its `target` is the platform
};

/** All that a manifest or an index leads to: what an archive has to hold for it.

    Each document and each blob is in it once. An image that a store has no manifest of gets one made, and so a closure too.
*/
struct content_closure {
    descriptor root;                         ///< of the manifest or index; a manifest's has its platform
    std::optional<digest> original;          ///< of the index that the root is a part of, or was written anew from
    std::vector<content_document> manifests; ///< indexes, each before those inside it, then manifests
    std::vector<content_document> configs;   ///< of images
    std::vector<content_blob> blobs;         ///< in the order of the images, of an image in that in which they are applied
    std::vector<content_image> images;       ///< those chosen, in the order of the index
};

/// The annotation, in `index.json` and in an index that was written anew, that has `content_closure::original`.
inline constexpr std::string_view original_digest_annotation = "vnd.tarexport.original.digest";

} // namespace tarexport

#endif
