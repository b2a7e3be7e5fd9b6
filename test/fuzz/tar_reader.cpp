//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Whatever bytes are given as an archive, reading ends, within bounded memory; a header that was read can be written or is refused.

#include <tarexport/tar_header.hpp>
#include <tarexport/tar_reader.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

using namespace tarexport;

namespace {

struct source {
    std::size_t read_some(std::span<std::byte> into, error_code&)
    {
        auto const n = std::min(into.size(), rest.size());
        std::memcpy(into.data(), rest.data(), n);
        rest = rest.subspan(n);
        return n;
    }
    std::span<std::uint8_t const> rest;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    tar_reader<source> reader{source{{data, size}}};
    std::array<std::byte, 4096> buffer;
    for(;;) {
        auto const more = reader.next();
        if(!more || !*more)
            break;
        auto const encoded = encode(reader.entry().header, tar_format::automatic);
        if(encoded && encoded->size() % tar_block_size != 0)
            std::abort();
        error_code ec;
        // A sparse file may be larger than all memory and disks; a little of it will do.
        for(int i = 0; i != 64 && reader.read_some(buffer, ec) != 0 && !ec; ++i)
            continue;
    }
    return 0;
}
