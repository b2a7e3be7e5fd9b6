//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Whatever bytes are given as an archive: verifying ends, within bounded memory, with all verdicts, and hashes every byte.

#include <tarexport/verification_text.hpp>
#include <tarexport/verify.hpp>

#include <algorithm>
#include <cstddef>
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
    source in{{data, size}};
    verify_options how;
    how.expanded = 1 << 24;
    how.jobs = 1;
    how.archive_digest = true;
    auto const v = verify_archive(in, how);
    if(!v || v->bytes != size || v->verdicts.size() != loaders.size() || v->id != digest_of(std::as_bytes(std::span(data, size))))
        std::abort();
    if(v->good() && v->images.empty())
        std::abort();
    for(auto const& d : v->verdicts)
        if(d.loads == answer::no && d.reason.empty())
            std::abort();
    if(to_json(*v).empty() || to_text(*v).empty())
        std::abort();
    return 0;
}
