//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_CHAIN_ID_HPP
#define TAREXPORT_CHAIN_ID_HPP

#include <tarexport/hash.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tarexport {

namespace detail {

inline std::string hash_chain(std::string_view below, std::string_view diff_id)
{
    sha256 h;
    h.update(to_bytes(below));
    h.update(to_bytes(" "));
    h.update(to_bytes(diff_id));
    return h.result().str();
}

} // namespace detail

/** Return the chain ID of a layer on top of others, as the engine's layer store names it (moby v27.3.1).

    Texts are hashed as they stand, valid digests or not.
    @param below The chain ID of the layers below; empty if there are none.
*/
inline std::string chain_id(std::string_view below, std::string_view diff_id)
{
    return below.empty() ? std::string(diff_id) : detail::hash_chain(below, diff_id);
}

/** Return the chain ID of each layer, bottom first, as the OCI image specification has it.

    The same as `chain_id` from layer to layer unless the first diff ID is an empty text.
    @see https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md#layer-chainid
*/
inline std::vector<std::string> chain_ids(std::span<std::string const> diff_ids)
{
    std::vector<std::string> chain;
    chain.reserve(diff_ids.size());
    for(auto const& d : diff_ids)
        chain.push_back(chain.empty() ? d : detail::hash_chain(chain.back(), d));
    return chain;
}

} // namespace tarexport

#endif
