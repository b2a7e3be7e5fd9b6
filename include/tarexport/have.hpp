//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_HAVE_HPP
#define TAREXPORT_HAVE_HPP

#include <tarexport/chain_id.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/digest_set.hpp>
#include <tarexport/error.hpp>
#include <tarexport/image.hpp>
#include <tarexport/stores.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What one side has of images, told to the other, which then leaves it out: `save_options::have`.

namespace tarexport {

/// How long a list of digests may be.
struct digest_list_limits {
    std::size_t bytes = std::size_t{64} << 20;
    std::size_t digests = 1'000'000;
};

/** Read a list of digests: one on each line, before the first blank; empty lines and those that begin with `#` say nothing.

    @return The digests; or `invalid_digest`, with the number of the line in the detail, or `limit_exceeded`.
*/
inline result<digest_set> parse_digest_list(std::string_view text, digest_list_limits const& limits = {})
{
    if(text.size() > limits.bytes)
        return failure{error::limit_exceeded, {}, "a list of more than " + std::to_string(limits.bytes) + " bytes"};
    std::vector<digest> all;
    for(std::size_t number = 1; !text.empty(); ++number) {
        auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(line.size() == text.size() ? line.size() : line.size() + 1);
        line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
        if(line.empty() || line.starts_with('#'))
            continue;
        line = line.substr(0, line.find_first_of(" \t\r"));
        auto const id = tarexport::parse_digest(line);
        if(!id)
            return failure{
                id.error().code, std::string(line.substr(0, 100)), "in line " + std::to_string(number) + " of a list of digests"};
        if(all.size() == limits.digests)
            return failure{error::limit_exceeded, {}, "a list of more than " + std::to_string(limits.digests) + " digests"};
        all.push_back(*id);
    }
    return digest_set(std::move(all));
}

/// Return such a list, a line each, in the order of the digests.
inline std::string render_digest_list(digest_set const& ids)
{
    std::string text;
    for(auto const& id : ids)
        text += id.str() + '\n';
    return text;
}

/** Return what a store has of images.

    Of one that keeps blobs: the digests of the layers that are there, as they are stored, and their diff IDs. Of any other, as those of engines that
    keep layers unpacked: their chain IDs, by which such engines find them.

    @param images IDs.
    @return The digests, or why an image cannot be read.
*/
template<store Store>
result<digest_set> known_layers(Store const& s, std::span<digest const> images)
{
    std::vector<digest> all;
    auto const add = [&](std::string const& text) {
        if(auto id = tarexport::parse_digest(text))
            all.push_back(std::move(*id));
    };
    for(auto const& id : images) {
        auto const loaded = s.load(id);
        if(!loaded)
            return loaded.error();
        if constexpr(blob_store<Store>) {
            for(std::size_t n = 0; n != loaded->diff_ids.size(); ++n)
                if(auto const leased = s.layer(*loaded, n)) { // a thin archive has not all that it lists
                    all.push_back(leased->info().id);
                    add(loaded->diff_ids[n]);
                }
        }
        else
            for(auto const& chain : tarexport::chain_ids(loaded->diff_ids))
                add(chain);
    }
    return digest_set(std::move(all));
}

/// Return what a store has of all images that it lists.
template<store Store>
requires listing_store<Store>
result<digest_set> known_layers(Store const& s)
{
    auto const rows = s.list();
    if(!rows)
        return rows.error();
    std::vector<digest> images;
    for(auto const& row : *rows)
        images.push_back(row.id);
    return tarexport::known_layers(s, images);
}

} // namespace tarexport

#endif
