//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Stores of many images: 10 layers of its own for each image, above the 10 of the image before it.

#ifndef TAREXPORT_TEST_MANY_IMAGES_HPP
#define TAREXPORT_TEST_MANY_IMAGES_HPP

#include <tarexport/descriptor.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/documents.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/image_config.hpp>
#include <tarexport/names.hpp>
#include <tarexport/platform.hpp>
#include <tarexport/store/memory.hpp>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <ios>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace many {

namespace fs = std::filesystem;
namespace tx = tarexport;

inline constexpr std::size_t own_layers = 10;

// Each image is in a repository of its own.
inline std::string repository(std::size_t image) { return "registry.example/team/app" + std::to_string(image); }

inline std::string name(std::size_t image, std::size_t tag = 0) { return repository(image) + ":" + std::to_string(tag); }

inline std::string layer_text(std::size_t n) { return "layer " + std::to_string(n); }

// Those of an image, bottom first.
inline std::vector<std::size_t> layers_of(std::size_t image)
{
    std::vector<std::size_t> numbers;
    for(std::size_t n = (image == 0 ? 0 : image - 1) * own_layers; n != (image + 1) * own_layers; ++n)
        numbers.push_back(n);
    return numbers;
}

inline tx::names all_names(std::size_t images)
{
    tx::names all;
    for(std::size_t i = 0; i != images; ++i)
        all.add(name(i));
    return all;
}

inline tx::image_config config() { return {.target = {"linux", "amd64", {}, {}, {}}, .cmd = {"/app"}}; }

inline tx::memory_store in_memory(std::size_t images)
{
    tx::memory_store s;
    std::vector<tx::digest> layers;
    for(std::size_t n = 0; n != images * own_layers; ++n)
        layers.push_back(s.add_layer(layer_text(n)));
    for(std::size_t i = 0; i != images; ++i) {
        std::vector<tx::digest> own;
        for(auto const n : layers_of(i))
            own.push_back(layers[n]);
        s.add_image(config(), own, {name(i)}).value();
    }
    return s;
}

inline void write_file(fs::path const& path, std::string_view text)
{
    std::ofstream out(path, std::ios::binary);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    if(!out.flush())
        throw std::runtime_error("cannot write " + path.string());
}

// An OCI image layout; each image has that many tags, and an entry of index.json for each. With a large layer, there is one
// image more, `large:1`, of it alone.
inline void write_layout(fs::path const& folder, std::size_t images, std::size_t tags = 1, std::string const& large = {})
{
    auto const blobs = folder / "blobs" / "sha256";
    fs::create_directories(blobs);
    auto const put = [&](std::string const& text, std::string_view type) {
        tx::descriptor d;
        d.media_type = type;
        d.id = tx::digest_of(text);
        d.size = text.size();
        write_file(blobs / d.id.hex(), text);
        return d;
    };
    auto const put_image = [&](std::vector<tx::descriptor> const& own) {
        std::vector<tx::digest> ids;
        for(auto const& l : own)
            ids.push_back(l.id);
        auto const id = put(tx::render_config(config(), ids).value(), tx::media_type::oci_config);
        return put(tx::render_manifest(id, own), tx::media_type::oci_manifest);
    };
    std::vector<tx::descriptor> layers, entries;
    for(std::size_t n = 0; n != images * own_layers; ++n)
        layers.push_back(put(layer_text(n), tx::media_type::oci_layer));
    for(std::size_t i = 0; i != images; ++i) {
        std::vector<tx::descriptor> own;
        for(auto const n : layers_of(i))
            own.push_back(layers[n]);
        auto entry = put_image(own);
        for(std::size_t t = 0; t != tags; ++t) {
            entry.annotations = {{"io.containerd.image.name", name(i, t)}, {"org.opencontainers.image.ref.name", std::to_string(t)},
                {"org.example.built-by", std::string(180, 'x')}};
            entries.push_back(entry);
        }
    }
    if(!large.empty()) {
        entries.push_back(put_image({put(large, tx::media_type::oci_layer)}));
        entries.back().annotations = {{"io.containerd.image.name", "large:1"}};
    }
    write_file(folder / "index.json", tx::render_index(entries));
    write_file(folder / "oci-layout", tx::render_oci_layout());
}

} // namespace many

#endif
