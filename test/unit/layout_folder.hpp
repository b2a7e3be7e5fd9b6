//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Temporary directories, and OCI image layouts made in them.

#ifndef TAREXPORT_TEST_LAYOUT_FOLDER_HPP
#define TAREXPORT_TEST_LAYOUT_FOLDER_HPP

#include <tarexport/descriptor.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/documents.hpp>
#include <tarexport/hash.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ios>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <stdlib.h>

namespace layouts {

namespace tx = tarexport;
namespace fs = std::filesystem;

// A directory that goes when the test does.
class temporary_folder {
public:
    temporary_folder()
    {
        auto name = (fs::temp_directory_path() / "tarexport-test-XXXXXX").string();
        if(!::mkdtemp(name.data()))
            throw std::runtime_error("mkdtemp");
        path_ = name;
    }

    temporary_folder(temporary_folder const&) = delete;
    temporary_folder& operator=(temporary_folder const&) = delete;

    ~temporary_folder()
    {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }

    fs::path const& path() const noexcept { return path_; }

    void write(std::string const& name, std::string_view text) const
    {
        fs::create_directories((path_ / name).parent_path());
        std::ofstream out(path_ / name, std::ios::binary | std::ios::trunc);
        out.write(text.data(), static_cast<std::streamsize>(text.size()));
        if(!out.flush())
            throw std::runtime_error("cannot write " + (path_ / name).string());
    }

private:
    fs::path path_;
};

// Documents and blobs by digest: what an image is made of, wherever it is put.
class blob_set {
public:
    tx::descriptor add(std::string text, std::string_view type)
    {
        tx::descriptor d;
        d.media_type = type;
        d.id = tx::digest_of(text);
        d.size = text.size();
        blobs_.insert_or_assign(d.id, std::move(text));
        return d;
    }

    tx::descriptor add_config(tx::platform const& p, std::vector<tx::descriptor> const& layers, std::string const& more = {})
    {
        std::string ids;
        for(auto const& l : layers)
            ids += (ids.empty() ? "\"" : ",\"") + l.id.str() + "\"";
        std::string text = R"({"architecture":")" + p.architecture + R"(","os":")" + p.os + '"';
        if(!p.variant.empty())
            text += R"(,"variant":")" + p.variant + '"';
        return add(text + R"(,"rootfs":{"type":"layers","diff_ids":[)" + ids + "]}" + more + "}", tx::media_type::oci_config);
    }

    tx::descriptor add_layer(std::string text) { return add(std::move(text), tx::media_type::oci_layer); }

    // An image of one layer that differs from others by its platform.
    tx::descriptor add_image(tx::platform const& p, std::string const& content = "layer")
    {
        std::vector<tx::descriptor> const layers{add_layer(content + " of " + tx::format(p))};
        return add_manifest(add_config(p, layers), layers);
    }

    tx::descriptor add_manifest(tx::descriptor const& config, std::vector<tx::descriptor> const& layers)
    {
        return add(tx::render_manifest(config, layers), tx::media_type::oci_manifest);
    }

    tx::descriptor add_index(std::vector<tx::descriptor> const& entries)
    {
        return add(tx::render_index(entries), tx::media_type::oci_index);
    }

    std::map<tx::digest, std::string>& all() noexcept { return blobs_; }
    std::map<tx::digest, std::string> const& all() const noexcept { return blobs_; }

private:
    std::map<tx::digest, std::string> blobs_;
};

inline tx::descriptor on(tx::platform p, tx::descriptor d)
{
    d.target = std::move(p);
    return d;
}

inline tx::descriptor annotated(tx::descriptor d, std::string key, std::string value)
{
    d.annotations.emplace_back(std::move(key), std::move(value));
    return d;
}

inline tx::descriptor named(tx::descriptor d, std::string name)
{
    return annotated(std::move(d), "io.containerd.image.name", std::move(name));
}

inline tx::descriptor ref_named(tx::descriptor d, std::string name)
{
    return annotated(std::move(d), "org.opencontainers.image.ref.name", std::move(name));
}

inline std::string blob_name(tx::digest const& id)
{
    return "blobs/" + std::string(name_of(id.algorithm())) + "/" + id.hex();
}

// An OCI image layout on disk.
class layout_folder : public temporary_folder, public blob_set {
public:
    // Writes all that was added, and the entries of the index.
    void finish(std::vector<tx::descriptor> const& entries) const
    {
        write("oci-layout", tx::render_oci_layout());
        write("index.json", tx::render_index(entries));
        for(auto const& [id, text] : all())
            write(blob_name(id), text);
    }

    fs::path blob_path(tx::digest const& id) const { return path() / blob_name(id); }
};

} // namespace layouts

#endif
