//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Images with packed layers, and the same ones with raw layers. Included after the header under test.

#ifndef TAREXPORT_TEST_EXPANDED_SUPPORT_HPP
#define TAREXPORT_TEST_EXPANDED_SUPPORT_HPP

#include <tarexport/saver.hpp>
#include <tarexport/sink/memory.hpp>
#include <tarexport/store/memory.hpp>
#include <tarexport/store/oci_layout.hpp>

#include <boost/test/unit_test.hpp>

#include "archive_support.hpp"
#include "layout_folder.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace expanded_tests {

namespace tx = tarexport;
using archives::gzip;
using archives::zstd;
using tx::error;

// A tar archive of one file that compresses by about a half.
inline std::string layer_of(std::size_t size, unsigned seed)
{
    std::string content(size, '\0');
    std::uint32_t x = seed + 1;
    for(auto& c : content) {
        x = x * 1664525u + 1013904223u;
        c = static_cast<char>('a' + (x >> 28));
    }
    return archives::tape().add("file" + std::to_string(seed), content).str();
}

// How a layer lies in a store.
struct kept_layer {
    std::string raw;
    std::string packed;
    std::string type = "application/vnd.oci.image.layer.v1.tar+gzip";
};

inline kept_layer packed_by(std::string (*pack)(std::string_view), std::string raw)
{
    auto packed = pack(raw);
    return {std::move(raw), std::move(packed)};
}

inline std::string config_of(std::vector<kept_layer> const& layers)
{
    std::string ids;
    for(auto const& l : layers)
        ids += (ids.empty() ? "\"" : ",\"") + tx::digest_of(l.raw).str() + "\"";
    return R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[)" + ids + "]}}";
}

// gzip, zstd, raw, gzip under a raw type's name, several members, several frames, and the first one again.
inline std::vector<kept_layer> some_layers()
{
    std::vector<kept_layer> all;
    all.push_back(packed_by(gzip, layer_of(200'000, 0)));
    all.push_back(packed_by(zstd, layer_of(300'000, 1)));
    auto raw = layer_of(50'000, 2);
    all.push_back({raw, raw, std::string(tx::media_type::oci_layer)});
    all.push_back(packed_by(gzip, layer_of(1'000, 3)));
    all.back().type = "application/octet-stream";
    auto const members = layer_of(90'000, 4);
    all.push_back({members, gzip(members.substr(0, 1000)) + gzip("") + gzip(members.substr(1000))});
    auto const frames = layer_of(80'000, 5);
    all.push_back({frames, zstd(frames.substr(0, 70'000)) + zstd(frames.substr(70'000))});
    all.push_back(all.front());
    return all;
}

// A memory store of an image `app:1.0`.
inline tx::memory_store memory_of(std::vector<kept_layer> const& layers, bool raw = false)
{
    tx::memory_store s;
    std::vector<tx::digest> ids;
    for(auto const& l : layers)
        ids.push_back(raw ? s.add_layer(l.raw) : s.add_layer(l.packed, l.type));
    s.add_image(config_of(layers), ids, {"app:1.0"}).value();
    return s;
}

// An OCI image layout of the same image.
class layout : public layouts::layout_folder {
public:
    explicit layout(std::vector<kept_layer> const& layers, bool raw = false)
    {
        std::vector<tx::descriptor> listed;
        for(auto const& l : layers)
            listed.push_back(raw ? add(l.raw, tx::media_type::oci_layer) : add(l.packed, l.type));
        auto const config = add(config_of(layers), tx::media_type::oci_config);
        finish({layouts::named(add_manifest(config, listed), "docker.io/library/app:1.0")});
    }

    tx::oci_layout_store store() const
    {
        tx::oci_layout_options o;
        o.platforms.host = {"linux", "amd64", {}, {}, {}};
        return tx::oci_layout_store::open(path().string(), o).value();
    }
};

template<class Layout>
struct policy {
    Layout layout = {};
    using hashes = tx::hash_set<tx::sha256, tx::sha384, tx::sha512>;
    tx::no_observer observer = {};
};

template<class Layout = tx::docker_layout, class Store>
std::string saved(Store const& s, tx::save_options const& options = {})
{
    tx::memory_sink out;
    auto const report = tx::saver(s, policy<Layout>{}).save(tx::names("app:1.0"), out, options);
    BOOST_TEST(report.ok(), message(report.reason));
    return out.bytes();
}

template<class Store>
tx::failure save_fails(Store const& s, tx::save_options const& options = {})
{
    tx::memory_sink out;
    auto const report = tx::saver(s).save(tx::names("app:1.0"), out, options);
    BOOST_TEST(!report.ok());
    return report.reason;
}

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

template<class Store>
tx::image image_of(Store const& s)
{
    return s.load(s.lookup(tx::parse_reference("app:1.0").value()).value()).value();
}

} // namespace expanded_tests

#endif
