//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Real outputs of docker save, written again from their own images: byte for byte, the clock's times aside.
//
// The folder is that of the environment variable TAREXPORT_FIXTURES, or ../shared/fixtures beside the project; its folder saves/ has
// what graph-driver engines wrote. Exit codes: 0 all equal, 1 not, 77 there is nothing to compare with.

#include <tarexport/store/memory.hpp>

#include "docker_archives.hpp"

namespace {

using namespace golden;

// Puts the archive's images into a store and saves them again, in the same order.
void compare_with_itself(fs::path const& file)
{
    auto const real = read_file(file);
    auto const entries = read_archive(real);
    memory_store store;
    names requested;
    bool created = true;
    auto const items = json::parse(find(entries, "manifest.json"));
    for(auto const& item : items.as_array()) {
        std::vector<digest> layers;
        for(auto const& path : item.at("Layers").as_array())
            layers.push_back(store.add_layer(find(entries, path.as_string())));
        std::vector<std::string> tags;
        if(item.at("RepoTags").is_array())
            for(auto const& tag : item.at("RepoTags").as_array())
                tags.emplace_back(tag.as_string());
        auto const& config = find(entries, item.at("Config").as_string());
        auto const id = store.add_image(config, layers, tags).value();
        if(auto const* parent = item.as_object().if_contains("Parent"))
            store.set_parent(id, parse_digest(parent->as_string()).value()).value();
        for(auto const& tag : tags)
            requested.add(tag);
        if(tags.empty())
            requested.add(id.str());
        created = created && store.load(id)->created.has_value();
    }
    compare(real, saved(store, requested, zone_of(file)), created);
}

} // namespace

int main()
{
    if(!score::has_fixtures())
        return 77;
    score all;
    for(auto const& file : docker_saves())
        all.count(file.filename().string(), [&] { compare_with_itself(file); });
    return all.result();
}
