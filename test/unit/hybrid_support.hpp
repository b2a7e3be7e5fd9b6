//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Hybrid layouts of images in memory and on disk, and what their documents say.

#ifndef TAREXPORT_TEST_HYBRID_SUPPORT_HPP
#define TAREXPORT_TEST_HYBRID_SUPPORT_HPP

#include <tarexport/layout/hybrid.hpp>
#include <tarexport/saver.hpp>
#include <tarexport/store/oci_layout.hpp>

#include "blob_store.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace hybrids {

using namespace blobs;
using tx::completeness;
using tx::content_choice;
using tx::entry_kind;
using tx::error;
using tx::names;
namespace json = boost::json;

using texts = std::vector<std::string>;

struct policy {
    tx::hybrid_layout layout;
    using hashes = tx::hash_set<tx::sha256, tx::sha384, tx::sha512>;
    tx::no_observer observer;
};

template<class Store>
tx::saver<Store, policy> saver_of(Store const& s, std::uint32_t align = 0)
{
    return {s, policy{{align}, {}}};
}

inline tx::save_options choosing(content_choice const& choice)
{
    tx::save_options o;
    static_cast<content_choice&>(o) = choice;
    return o;
}

template<class Store>
tx::result<tx::plan> plan_of(Store const& s, names const& n, content_choice const& choice = host(), std::uint32_t align = 0)
{
    return saver_of(s, align).make_plan(n, choosing(choice));
}

inline std::string text(tx::plan const& p, std::string_view path)
{
    for(std::size_t i = 0; i != p.count(); ++i)
        if(p.path(i) == path)
            return p.document_text(i);
    BOOST_FAIL("no entry " << path);
    return {};
}

// The entries of a kind, in the order of the archive.
inline std::vector<std::size_t> numbers_of(tx::plan const& p, entry_kind kind)
{
    std::vector<std::size_t> numbers;
    for(std::size_t i = 0; i != p.count(); ++i)
        if(p.entry(i).kind == kind)
            numbers.push_back(i);
    return numbers;
}

inline json::value document(tx::plan const& p, std::string_view path) { return json::parse(text(p, path)); }

inline std::string blob_path(json::value const& descriptor)
{
    return tx::plan::blob_path(tx::parse_digest(std::string(descriptor.at("digest").as_string())).value());
}

inline json::array entries(tx::plan const& p) { return document(p, "index.json").at("manifests").as_array(); }
inline json::array items(tx::plan const& p) { return document(p, "manifest.json").as_array(); }

inline std::string name_of(json::value const& entry)
{
    auto const* const annotations = entry.as_object().if_contains("annotations");
    auto const* const name = annotations ? annotations->as_object().if_contains("io.containerd.image.name") : nullptr;
    return name ? std::string(name->as_string()) : std::string();
}

inline texts entry_names(tx::plan const& p)
{
    texts all;
    for(auto const& e : entries(p))
        all.push_back(name_of(e));
    return all;
}

inline texts tags_of(json::value const& item)
{
    texts all;
    if(auto const* const tags = item.at("RepoTags").if_array())
        for(auto const& t : *tags)
            all.emplace_back(t.as_string());
    return all;
}

inline texts paths(tx::plan const& p)
{
    texts all;
    for(std::size_t i = 0; i != p.count(); ++i)
        all.push_back(p.path(i));
    return all;
}

// Follows all that the archive's documents name, and compares with what is in it.
inline void check_nothing_is_orphaned(tx::plan const& p, bool whole = true)
{
    std::set<std::string> named{"oci-layout", "index.json", "manifest.json"};
    auto const all = paths(p);
    std::set<std::string> const there(all.begin(), all.end());
    BOOST_TEST(there.size() == all.size());
    auto const follow = [&](auto const& self, json::value const& d) -> void {
        auto const path = blob_path(d);
        named.insert(path);
        if(!there.contains(path)) {
            BOOST_TEST(!whole, path << " is not there");
            return;
        }
        std::string_view const type = d.at("mediaType").as_string();
        if(type.find("index") == std::string_view::npos && type.find("manifest.v1") == std::string_view::npos)
            return;
        auto const content = document(p, path);
        for(char const* list : {"manifests", "layers"})
            if(auto const* const l = content.as_object().if_contains(list))
                for(auto const& e : l->as_array())
                    self(self, e);
        if(auto const* const config = content.as_object().if_contains("config"))
            self(self, *config);
    };
    for(auto const& e : entries(p))
        follow(follow, e);
    for(auto const& i : items(p)) {
        named.insert(std::string(i.at("Config").as_string()));
        for(auto const& l : i.at("Layers").as_array())
            named.insert(std::string(l.as_string()));
    }
    for(auto const& path : all)
        BOOST_TEST(named.contains(path), path << " is named by nothing");
}

inline void check_order(tx::plan const& p)
{
    auto const all = paths(p);
    BOOST_TEST_REQUIRE(all.size() > 3u);
    BOOST_TEST(all[0] == "oci-layout");
    BOOST_TEST(all[1] == "index.json");
    BOOST_TEST(all[2] == "manifest.json");
    bool layers = false;
    for(std::size_t i = 0; i != p.count(); ++i) {
        auto const e = p.entry(i);
        BOOST_TEST((e.kind != entry_kind::directory));
        BOOST_TEST(e.mtime == 0);
        BOOST_TEST(e.mode == 0644u);
        layers = layers || e.kind == entry_kind::layer;
        BOOST_TEST((e.kind == entry_kind::layer) == layers, "documents come before layers");
    }
}

// A layout on disk, and the store that reads it.
struct on_disk {
    on_disk()
    {
        auto const m = [&](std::size_t n) { return multi.parts[n].manifest; };
        single = folder.add_image(amd64, "single");
        folder.finish({layouts::named(multi.index, "docker.io/library/multi:1"), layouts::named(single, "docker.io/library/single:1"),
            layouts::named(single, "docker.io/library/single:2"), layouts::named(m(1), "docker.io/library/arm:1"),
            annotated(m(3), "org.opencontainers.image.created", "2026-01-01T00:00:00Z")});
    }

    tx::oci_layout_store store() const { return tx::oci_layout_store(folder.path().string(), {{}, host()}); }
    void lose(descriptor const& d) const { std::filesystem::remove(folder.blob_path(d.id)); }

    layouts::layout_folder folder;
    four_platforms<layouts::layout_folder> multi{folder};
    descriptor single;
};

} // namespace hybrids

#endif
