//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A graph root of containers/storage made by hand: what an engine writes when it unpacks layers and names images.

#ifndef TAREXPORT_TEST_CONTAINERS_FOLDER_HPP
#define TAREXPORT_TEST_CONTAINERS_FOLDER_HPP

#include <tarexport/descriptor.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/hash.hpp>

#include "layout_folder.hpp"
#include "recorded_layer.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace layouts {

namespace json = boost::json;

// A layer of a graph root. Its ID is the engine's: that of its diff, or of its parent and its diff.
struct graph_layer {
    std::string id;
    tx::descriptor info; // of the tar archive
    std::string tar;
};

class graph_folder : public temporary_folder, public blob_set {
public:
    explicit graph_folder(std::string driver = "overlay") : driver_(std::move(driver)) { finish(); }

    graph_layer add_layer(layer_files const& files, std::string const& parent = {})
    {
        recorded_layer const made(files);
        graph_layer l;
        l.tar = made.tar();
        l.info = blob_set::add_layer(made.tar());
        l.id = parent.empty() ? l.info.id.hex() : tx::digest_of(parent + "+" + l.info.id.hex()).hex();
        for(auto const& [path, content] : files)
            write(tree(l.id) + "/" + path, content);
        write(record_name(l.id), gzip(made.record()));
        json::object o{{"id", l.id}, {"diff-digest", l.info.id.str()}, {"diff-size", l.info.size},
            {"compressed-diff-digest", tx::digest_of("gzip of " + l.tar).str()}, {"compressed-size", 5}, {"uidset", json::array{0}}};
        if(!parent.empty())
            o["parent"] = parent;
        layers.push_back(std::move(o));
        return l;
    }

    // An image whose layers were pulled compressed. Its ID is the config's, in hexadecimal digits.
    std::string add_image(std::vector<graph_layer> const& all, std::vector<std::string> const& names, std::string const& more = {},
        tx::platform const& on = {"linux", "amd64", {}, {}, {}})
    {
        std::vector<tx::descriptor> diffs, pulled;
        for(auto const& l : all) {
            diffs.push_back(l.info);
            tx::descriptor d;
            d.media_type = "application/vnd.oci.image.layer.v1.tar+gzip";
            d.id = tx::digest_of("gzip of " + l.tar);
            d.size = 5;
            pulled.push_back(d);
        }
        auto const config = add_config(on, diffs, more);
        auto const manifest = add_manifest(config, pulled);
        json::object o{{"id", config.id.hex()}, {"digest", manifest.id.str()}, {"metadata", "{}"}};
        if(!names.empty())
            o["names"] = json::value_from(names);
        if(!all.empty())
            o["layer"] = all.back().id;
        images.push_back(std::move(o));
        auto& i = images.back().as_object();
        add_item(i, config.id.str(), this->all().at(config.id));
        add_item(i, "manifest-" + manifest.id.str(), this->all().at(manifest.id));
        add_item(i, "manifest", this->all().at(manifest.id));
        return config.id.hex();
    }

    // An index such as `podman manifest` makes.
    std::string add_list(std::vector<tx::descriptor> const& entries, std::vector<std::string> const& names)
    {
        auto const index = add_index(entries);
        auto const id = tx::digest_of("list " + index.id.str()).hex();
        images.push_back(json::object{{"id", id}, {"digest", tx::digest_of("as it was created").str()}, {"names", json::value_from(names)}});
        add_item(images.back().as_object(), "manifest", all().at(index.id));
        add_item(images.back().as_object(), "instances.json", "{}");
        return id;
    }

    // Writes a document beside an image, and notes it.
    void add_item(json::object& image, std::string const& key, std::string const& text)
    {
        auto const names = image.emplace("big-data-names", json::array()).first;
        if(auto& list = names->value().as_array(); std::find(list.begin(), list.end(), json::value(key)) == list.end())
            list.push_back(json::value(key));
        image.emplace("big-data-sizes", json::object()).first->value().as_object()[key] = text.size();
        image.emplace("big-data-digests", json::object()).first->value().as_object()[key] = tx::digest_of(text).str();
        write(item_name(std::string(image.at("id").as_string()), key), text);
    }

    // Writes the lists of images and layers.
    void finish() const
    {
        write(driver_ + "-images/images.json", json::serialize(images));
        write(driver_ + "-layers/layers.json", json::serialize(layers));
    }

    json::object& image(std::string_view id) { return find(images, id); }
    json::object& layer(std::string_view id) { return find(layers, id); }

    tx::descriptor manifest_of(std::string_view id)
    {
        tx::descriptor d;
        d.id = tx::parse_digest(std::string(image(id).at("big-data-digests").at("manifest").as_string())).value();
        d.size = image(id).at("big-data-sizes").at("manifest").to_number<std::uint64_t>();
        d.media_type = tx::media_type::oci_manifest;
        return d;
    }

    std::string record_name(std::string const& layer_id) const { return driver_ + "-layers/" + layer_id + ".tar-split.gz"; }
    std::string tree(std::string const& layer_id) const
    {
        return driver_ == "vfs" ? "vfs/dir/" + layer_id : driver_ + "/" + layer_id + "/diff";
    }
    std::string item_name(std::string const& image_id, std::string const& key) const
    {
        auto const plain = key.find_first_of(":-_/") == std::string::npos;
        std::string name;
        if(!plain)
            tx::detail::append_json_bytes(name, tx::to_bytes(key));
        return driver_ + "-images/" + image_id + "/" + (plain ? key : "=" + name.substr(1, name.size() - 2));
    }

    json::array images;
    json::array layers;

private:
    static json::object& find(json::array& list, std::string_view id)
    {
        for(auto& v : list)
            if(v.at("id").as_string() == id)
                return v.as_object();
        throw std::runtime_error("no entry " + std::string(id));
    }

    std::string driver_;
};

} // namespace layouts

#endif
