//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Archives of all kinds, made in memory and opened as stores. Included after the header under test.

#ifndef TAREXPORT_TEST_ARCHIVE_STORE_SUPPORT_HPP
#define TAREXPORT_TEST_ARCHIVE_STORE_SUPPORT_HPP

#include <tarexport/documents.hpp>
#include <tarexport/store/archive.hpp>
#include <tarexport/testing/store.hpp>

#include "archive_support.hpp"
#include "layout_folder.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace archives {

inline tx::platform const layouts_amd64{"linux", "amd64", {}, {}, {}};
inline tx::platform const layouts_arm64{"linux", "arm64", {}, {}, {}};

inline tx::reference ref(std::string_view text) { return tx::parse_reference(text).value(); }

inline tx::archive_options on_amd64()
{
    tx::archive_options o;
    o.platforms = {{}, false, layouts_amd64};
    return o;
}

// Writes an archive into a folder that goes with the program. Returns its path.
inline std::string temporary(std::string_view bytes)
{
    static layouts::temporary_folder const folder;
    static int number = 0;
    auto const name = std::to_string(++number) + ".tar";
    folder.write(name, bytes);
    return (folder.path() / name).string();
}

inline tx::archive_store open(std::string_view bytes, tx::archive_options options = on_amd64())
{
    return tx::archive_store::open(temporary(bytes), std::move(options)).value();
}

inline std::string read(tx::archive_blob const& b)
{
    auto source = b.open(0).value();
    error_code ec;
    auto text = read_all(source, ec);
    BOOST_TEST(!ec);
    BOOST_TEST(text.size() == b.info().size);
    return text;
}

// Checks the laws of all concepts that the store models.
inline void lawful(tx::archive_store const& s)
{
    for(auto const& sentence : tx::testing::check_store(s))
        BOOST_ERROR(sentence);
    for(auto const& row : s.list().value())
        for(auto const& sentence : tx::testing::check_content_store(s, row.names))
            BOOST_ERROR(sentence);
}

// An image whose layers are any text.
struct made_image {
    explicit made_image(std::string name, std::vector<std::string> layer_texts = {})
        : layers(layer_texts.empty() ? std::vector{"layer of " + name} : std::move(layer_texts))
    {
        std::string ids;
        for(auto const& l : layers)
            ids += (ids.empty() ? "\"" : ",\"") + tx::digest_of(l).str() + "\"";
        config = R"({"architecture":"amd64","os":"linux","author":")" + name + R"(","rootfs":{"type":"layers","diff_ids":[)" + ids + "]}}";
        id = tx::digest_of(config);
    }

    std::string config_path() const { return id.hex() + ".json"; }
    std::string layer_path(std::size_t n) const { return id.hex().substr(0, 8) + std::to_string(n) + "/layer.tar"; }

    std::vector<std::string> layers;
    std::string config;
    tx::digest id;
};

inline std::string item_of(std::string const& config, std::string const& tags, std::vector<std::string> const& layers, std::string const& parent = {})
{
    std::string paths;
    for(auto const& l : layers)
        paths += (paths.empty() ? "\"" : ",\"") + l + "\"";
    return R"({"Config":")" + config + R"(","RepoTags":)" + tags + R"(,"Layers":[)" + paths + "]" +
           (parent.empty() ? "" : R"(,"Parent":")" + parent + "\"") + "}";
}

// An archive with manifest.json, as docker 1.10 to 24 wrote it.
class docker_archive {
public:
    docker_archive& add(made_image const& i, std::vector<std::string> const& tags, std::string const& parent = {})
    {
        std::string names;
        for(auto const& t : tags)
            names += (names.empty() ? "\"" : ",\"") + t + "\"";
        std::vector<std::string> paths;
        for(std::size_t n = 0; n != i.layers.size(); ++n) {
            paths.push_back(i.layer_path(n));
            entry(paths.back(), i.layers[n]);
        }
        entry(i.config_path(), i.config);
        return item(item_of(i.config_path(), tags.empty() ? "null" : "[" + names + "]", paths, parent));
    }

    docker_archive& item(std::string const& json)
    {
        items_ += (items_.empty() ? "" : ",") + json;
        return *this;
    }

    docker_archive& entry(std::string const& name, std::string content)
    {
        entries_.insert_or_assign(name, std::move(content));
        return *this;
    }

    docker_archive& replace(std::string const& name, std::string content)
    {
        entries_.at(name) = std::move(content);
        return *this;
    }

    docker_archive& lose(std::string const& name)
    {
        entries_.erase(name);
        return *this;
    }

    std::string str() const
    {
        tape t;
        for(auto const& [name, content] : entries_)
            t.add(name, content);
        return t.add("manifest.json", "[" + items_ + "]\n").str();
    }

    // Written when it is first asked for.
    std::string const& path() const
    {
        if(path_.empty())
            path_ = temporary(str());
        return path_;
    }

    tx::archive_store open() const { return tx::archive_store::open(path(), on_amd64()).value(); }

private:
    std::map<std::string, std::string> entries_;
    std::string items_;
    std::string mutable path_;
};

inline tape layout_tape(layouts::blob_set const& blobs, std::vector<tx::descriptor> const& entries)
{
    tape t;
    t.add("oci-layout", tx::render_oci_layout()).add("index.json", tx::render_index(entries));
    for(auto const& [id, text] : blobs.all())
        t.add(layouts::blob_name(id), text);
    return t;
}

// An archive with an image in both lists, or in one of them.
class both_lists {
public:
    both_lists() { manifest = put(a); }

    tx::descriptor put(made_image const& i)
    {
        std::vector<tx::descriptor> layers;
        for(auto const& l : i.layers)
            layers.push_back(blobs_.add_layer(l));
        auto const text = tx::render_manifest(blobs_.add(i.config, tx::media_type::oci_config), layers);
        tx::descriptor d;
        d.media_type = tx::media_type::oci_manifest;
        d.id = tx::digest_of(text);
        d.size = text.size();
        if(i.id == a.id)
            blobs_.add(text, d.media_type);
        return d;
    }

    void extra(std::string const& name, std::string const& content) { extra_.emplace_back(name, content); }

    static std::string item(made_image const& i, std::string const& tags)
    {
        std::vector<std::string> paths;
        for(auto const& l : i.layers)
            paths.push_back(layouts::blob_name(tx::digest_of(l)));
        return item_of(layouts::blob_name(i.id), tags, paths);
    }

    std::string str(std::vector<tx::descriptor> const& entries, std::vector<std::string> const& items) const
    {
        return str_with(tx::render_index(entries), items);
    }

    std::string str_with(std::string const& index, std::vector<std::string> const& items) const
    {
        tape t;
        for(auto const& [id, text] : blobs_.all())
            t.add(layouts::blob_name(id), text);
        for(auto const& [name, content] : extra_)
            t.add(name, content);
        std::string list;
        for(auto const& i : items)
            list += (list.empty() ? "" : ",") + i;
        return t.add("index.json", index).add("manifest.json", "[" + list + "]").add("oci-layout", tx::render_oci_layout()).str();
    }

    made_image a{"a"};
    tx::descriptor manifest;

private:
    layouts::blob_set blobs_;
    std::vector<std::pair<std::string, std::string>> extra_;
};

} // namespace archives

#endif
