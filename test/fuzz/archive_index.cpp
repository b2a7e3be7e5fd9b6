//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Whatever bytes are given as an archive, its index is made or refused, each path leads to bytes of the archive or is refused, and so is
// each of its lists.

#include <tarexport/detail/archive_index.hpp>
#include <tarexport/detail/docker_manifest.hpp>
#include <tarexport/tar_reader.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

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
    std::uint64_t skip(std::uint64_t n, error_code&)
    {
        auto const passed = static_cast<std::size_t>(std::min<std::uint64_t>(n, rest.size()));
        rest = rest.subspan(passed);
        return passed;
    }
    std::span<std::uint8_t const> rest;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::span const bytes(data, size);
    auto const index = detail::archive_index::read(source{bytes}, "fuzz", {100, 100'000});
    if(!index)
        return 0;
    (void)index->remarks();
    for(tar_reader<source> names{source{bytes}};;) {
        auto const more = names.next();
        if(!more || !*more)
            break;
        for(auto const& path : {names.entry().header.name, names.entry().header.link_name, names.entry().header.name + "/json"}) {
            auto const found = index->find(path);
            if(!found)
                continue;
            if(found->offset > size || found->size > size - found->offset)
                std::abort();
            auto const text = std::string_view(reinterpret_cast<char const*>(data) + found->offset, static_cast<std::size_t>(found->size));
            (void)detail::parse_docker_manifest(text, "fuzz");
            (void)detail::parse_docker_repositories(text, "fuzz");
        }
    }
    for(auto const& directory : index->directories_with("json"))
        (void)index->find(directory + "/json");
    return 0;
}
