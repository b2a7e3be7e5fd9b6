//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_CONTAINERS_RECORDS_HPP
#define TAREXPORT_DETAIL_CONTAINERS_RECORDS_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/detail/go_json.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/reference.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What containers/storage (v1.57, types Image and Layer) writes into images.json and layers.json, as far as it is needed.

namespace tarexport::detail {

/// How much of images.json and layers.json is read, and how large an image may be.
struct containers_limits {
    json_limits json{std::size_t{64} << 20, 64, 4'000'000};
    std::size_t records = 100'000;
    std::size_t depth = 500; ///< layers one on top of the other; the engine's own limit
};

struct containers_flags {
    bool incomplete = false;
    std::string expected_diff_id; // where a layer was pulled in parts, so that the engine never saw its tar archive
};

struct containers_image_record {
    std::string id;
    std::string digest;
    json_list<std::string> names;
    std::string layer;
    json_list<std::string> data_names;
    json_map<std::int64_t> data_sizes;
    json_map<std::string> data_digests;
    containers_flags flags;
};

struct containers_layer_record {
    std::string id;
    std::string parent;
    std::string diff_digest;
    std::optional<std::int64_t> diff_size;
    std::string compressed_digest;
    containers_flags flags;
};

template<>
struct json_fields<containers_flags> {
    static constexpr std::array all{
        field<&containers_flags::incomplete>("incomplete"),
        field<&containers_flags::expected_diff_id>("expected-layer-diffid"),
    };
};

template<>
struct json_fields<containers_image_record> {
    static constexpr std::array all{
        field<&containers_image_record::id>("id"),
        field<&containers_image_record::digest>("digest"),
        field<&containers_image_record::names>("names"),
        field<&containers_image_record::layer>("layer"),
        field<&containers_image_record::data_names>("big-data-names"),
        field<&containers_image_record::data_sizes>("big-data-sizes"),
        field<&containers_image_record::data_digests>("big-data-digests"),
        field<&containers_image_record::flags>("flags"),
    };
};

template<>
struct json_fields<containers_layer_record> {
    static constexpr std::array all{
        field<&containers_layer_record::id>("id"),
        field<&containers_layer_record::parent>("parent"),
        field<&containers_layer_record::diff_digest>("diff-digest"),
        field<&containers_layer_record::diff_size>("diff-size"),
        field<&containers_layer_record::compressed_digest>("compressed-diff-digest"),
        field<&containers_layer_record::flags>("flags"),
    };
};

/// Read images.json or layers.json; an empty file has no records, as for the engine.
template<class Record>
result<std::vector<Record>> read_records(std::string_view text, std::string const& subject, containers_limits const& limits = {})
{
    if(text.empty())
        return std::vector<Record>();
    auto all = detail::read_json<json_list<Record>>(text, error::invalid_document, limits.json);
    if(!all) {
        auto f = std::move(all).error();
        f.subject = subject;
        return f;
    }
    if(all->size > limits.records)
        return failure{error::limit_exceeded, subject, "more than " + std::to_string(limits.records) + " entries"};
    return all->take();
}

/// A document beside an image: a manifest, an index or a config.
struct containers_item {
    std::string key; ///< what the engine calls it
    descriptor info; ///< without media type
};

/// An image, or an index that `podman manifest` made.
struct containers_image {
    std::size_t root = 0; ///< the graph root that has it
    std::string id;
    digest first_manifest; ///< with which the image was first stored; may be another than it has now
    std::vector<reference> names;
    std::string top_layer;
    std::vector<containers_item> items;
};

struct containers_layer {
    std::size_t root = 0;
    std::string id;
    std::string parent;
    digest diff_id;                    ///< empty where the engine does not know it
    std::optional<std::uint64_t> size; ///< of the tar archive
    digest compressed;                 ///< of the blob that was pulled
    bool incomplete = false;
};

inline bool is_manifest_key(std::string_view key) noexcept { return key.starts_with("manifest"); }

/// Return whether an item is kept under its own digest, as configs are.
inline bool is_digest_key(containers_item const& i) { return i.key == i.info.id.str(); }

/// The engine's name for the file of an item: the key itself, or `=` and its base64.
inline std::string item_file_name(std::string_view key)
{
    bool const plain = std::ranges::all_of(key, [](char c) { return c == '.' || is_lower_alnum(c); });
    if(plain)
        return std::string(key);
    std::string quoted;
    detail::append_json_bytes(quoted, to_bytes(key));
    return "=" + quoted.substr(1, quoted.size() - 2);
}

inline digest digest_or_none(std::string_view text)
{
    auto const d = tarexport::parse_digest(text);
    return d ? *d : digest();
}

// Items whose size or digest the engine did not note are of no use: nothing refers to them.
inline std::vector<containers_item> items_of(containers_image_record const& r)
{
    std::vector<containers_item> items;
    if(!r.data_digests || !r.data_sizes)
        return items;
    for(auto const& key : r.data_names.elements()) {
        auto const id = r.data_digests->find(key);
        auto const size = r.data_sizes->find(key);
        if(id == r.data_digests->end() || size == r.data_sizes->end() || size->second < 0)
            continue;
        containers_item i{key, {}};
        i.info.id = detail::digest_or_none(id->second);
        i.info.size = static_cast<std::uint64_t>(size->second);
        if(!i.info.id.empty() && (is_manifest_key(key) || is_digest_key(i)))
            items.push_back(std::move(i));
    }
    return items;
}

inline containers_image to_image(containers_image_record& r, std::size_t root)
{
    containers_image i;
    i.root = root;
    i.id = std::move(r.id);
    i.first_manifest = detail::digest_or_none(r.digest);
    for(auto const& text : r.names.elements())
        if(auto name = tarexport::parse_pull_reference(text))
            i.names.push_back(*std::move(name));
    i.top_layer = std::move(r.layer);
    i.items = detail::items_of(r);
    return i;
}

inline containers_layer to_layer(containers_layer_record& r, std::size_t root)
{
    containers_layer l;
    l.root = root;
    l.id = std::move(r.id);
    l.parent = std::move(r.parent);
    l.diff_id = detail::digest_or_none(r.diff_digest.empty() ? r.flags.expected_diff_id : r.diff_digest);
    if(!l.diff_id.empty() && r.diff_size && *r.diff_size >= 0)
        l.size = static_cast<std::uint64_t>(*r.diff_size);
    l.compressed = detail::digest_or_none(r.compressed_digest);
    l.incomplete = r.flags.incomplete;
    return l;
}

} // namespace tarexport::detail

#endif
