//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A data root of Docker made by hand: what an engine writes when it unpacks layers and names images.

#ifndef TAREXPORT_TEST_DOCKER_FOLDER_HPP
#define TAREXPORT_TEST_DOCKER_FOLDER_HPP

#include <tarexport/chain_id.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/hash.hpp>

#include "layout_folder.hpp"
#include "recorded_layer.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace docker_tests {

namespace fs = std::filesystem;
namespace tx = tarexport;

using files = layouts::layer_files;

// A layer in the store.
struct stored_layer {
    std::string diff_id;
    std::string chain_id;
    std::string cache_id;
    std::string tar;
    std::vector<std::string> diff_ids; // of its chain, bottom first
};

class docker_folder : public layouts::temporary_folder {
public:
    explicit docker_folder(std::string driver = "overlay2") : driver_(std::move(driver)) { finish(); }

    stored_layer add_layer(files const& all, stored_layer const& below = {})
    {
        layouts::recorded_layer const r(all);
        stored_layer l;
        l.tar = r.tar();
        l.diff_id = tx::digest_of(l.tar).str();
        l.chain_id = tx::chain_id(below.chain_id, l.diff_id);
        l.cache_id = tx::digest_of("cache " + std::to_string(++layers_)).hex();
        l.diff_ids = below.diff_ids;
        l.diff_ids.push_back(l.diff_id);
        auto const folder = layer_name(l);
        write(folder + "/diff", l.diff_id);
        write(folder + "/size", "0");
        write(folder + "/cache-id", l.cache_id);
        if(!below.chain_id.empty())
            write(folder + "/parent", below.chain_id);
        write(folder + "/tar-split.json.gz", layouts::gzip(r.record()));
        // An overlay driver's tree has only the layer's own files; the one of vfs has those below, too.
        if(driver_ == "vfs" && !below.cache_id.empty())
            fs::copy(path() / tree_name(below), path() / tree_name(l), fs::copy_options::recursive);
        fs::create_directories(path() / tree_name(l));
        for(auto const& [name, content] : all)
            write(tree_name(l) + "/" + name, content);
        return l;
    }

    static std::string config_of(std::vector<std::string> const& diff_ids, std::string const& more = {})
    {
        std::string ids;
        for(auto const& id : diff_ids)
            ids += (ids.empty() ? "\"" : ",\"") + id + '"';
        return R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[)" + ids + "]}" + more + "}";
    }

    // `more` begins with a comma.
    tx::digest add_image(stored_layer const& top, std::string const& more = {}) { return add_config(config_of(top.diff_ids, more)); }

    tx::digest add_config(std::string const& text)
    {
        auto const id = tx::digest_of(std::string_view(text));
        write(config_name(id), text);
        return id;
    }

    void set_parent(tx::digest const& child, std::string const& text) const
    {
        write(image_name("imagedb/metadata/sha256/" + child.hex() + "/parent"), text);
    }

    // Names an image, as it is written in repositories.json: REPOSITORY and REPOSITORY:TAG or REPOSITORY@DIGEST.
    void name(std::string const& repository, std::string const& text, tx::digest const& id)
    {
        repositories_[repository][text] = id.str();
    }

    void finish() const
    {
        std::string text;
        for(auto const& [repository, names] : repositories_) {
            std::string inner;
            for(auto const& [name, id] : names)
                inner += (inner.empty() ? "\"" : ",\"") + name + "\":\"" + id + '"';
            text += (text.empty() ? "\"" : ",\"") + repository + "\":{" + inner + '}';
        }
        write(image_name("repositories.json"), R"({"Repositories":{)" + text + "}}");
    }

    std::string image_name(std::string const& name) const { return "image/" + driver_ + "/" + name; }
    std::string config_name(tx::digest const& id) const { return image_name("imagedb/content/sha256/" + id.hex()); }
    std::string layer_name(stored_layer const& l) const { return image_name("layerdb/sha256/" + l.chain_id.substr(7)); }

    std::string tree_name(stored_layer const& l) const
    {
        return driver_ == "vfs" ? "vfs/dir/" + l.cache_id : driver_ + "/" + l.cache_id + "/diff";
    }

private:
    std::string driver_;
    std::map<std::string, std::map<std::string, std::string>> repositories_;
    int layers_ = 0;
};

} // namespace docker_tests

#endif
