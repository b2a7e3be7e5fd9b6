//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_CLI_RESUME_HPP
#define TAREXPORT_CLI_RESUME_HPP

#include <tarexport/error.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/saver.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <ios>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace cli {

/** Return whether a partial archive agrees with the store on the layer that it ends in, which nobody verified.

    The layer may have been damaged when the partial file was written, and repaired since. What comes before that layer was
    verified on its way; what follows will be, and so will the whole of the layer in the store.

    @param size Of the partial file. Precondition: it ends inside entry `n`, a layer's data.
    @return Whether they agree, or why the store's layer cannot be read; `cancelled` on a request to stop.
*/
template<class Handle>
tarexport::result<bool> agrees(
    tarexport::prepared_archive<Handle> const& archive, std::size_t n, std::string const& part, std::uint64_t size,
    std::stop_token const& stop)
{
    auto const& plan = archive.contents;
    auto source = archive.leases[plan.layers()[plan.entry(n).item].lease].open(0);
    if(!source)
        return source.error();
    std::ifstream in(part, std::ios::binary);
    in.seekg(static_cast<std::streamoff>(plan.entry(n).data));
    std::vector<char> stored(std::size_t{256} * 1024), kept(stored.size());
    for(auto rest = size - plan.entry(n).data; rest != 0;) {
        if(stop.stop_requested())
            return tarexport::failure{tarexport::error::cancelled, {}, {}};
        auto const wanted = static_cast<std::size_t>(std::min<std::uint64_t>(rest, stored.size()));
        tarexport::error_code ec;
        auto const got = source->read_some(std::as_writable_bytes(std::span(stored.data(), wanted)), ec);
        if(ec)
            return tarexport::failure{ec, "layer " + plan.id(n).str(), "while comparing it with " + part};
        if(got == 0 || !in.read(kept.data(), static_cast<std::streamsize>(got)) || std::memcmp(stored.data(), kept.data(), got) != 0)
            return false;
        rest -= got;
    }
    return true;
}

} // namespace cli

#endif
