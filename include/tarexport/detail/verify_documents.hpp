//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_VERIFY_DOCUMENTS_HPP
#define TAREXPORT_DETAIL_VERIFY_DOCUMENTS_HPP

#include <tarexport/detail/go_json.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/verification.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The documents of archives that only Docker has, as its engine reads them.

namespace tarexport::detail {

inline constexpr json_limits archive_json_limits{std::size_t{8} << 20, 64, 200'000};

struct layer_source_entry {
    std::string media_type;
    std::int64_t size = 0;
    std::string id;
};

template<>
struct json_fields<layer_source_entry> {
    static constexpr std::array all{field<&layer_source_entry::media_type>("mediaType"), field<&layer_source_entry::size>("size"),
        field<&layer_source_entry::id>("digest")};
};

/// An image in `manifest.json`.
struct listed_item {
    std::string config;
    json_list<std::string> tags;
    json_list<std::string> layers;
    std::string parent;
    json_map<layer_source_entry> layer_sources;
};

template<>
struct json_fields<listed_item> {
    static constexpr std::array all{field<&listed_item::config>("Config"), field<&listed_item::tags>("RepoTags"),
        field<&listed_item::layers>("Layers"), field<&listed_item::parent>("Parent"),
        field<&listed_item::layer_sources>("LayerSources")};
};

/// What `<v1 ID>/json` says, as far as loading it depends on that.
struct v1_document {
    std::string os;
    std::string parent;
};

template<>
struct json_fields<v1_document> {
    static constexpr std::array all{field<&v1_document::os>("os"), field<&v1_document::parent>("parent")};
};

struct thin_layer {
    std::string media_type;
    std::string id;
    std::int64_t size = 0;
    std::string diff_id;
};

template<>
struct json_fields<thin_layer> {
    static constexpr std::array all{field<&thin_layer::media_type>("mediaType"), field<&thin_layer::id>("digest"),
        field<&thin_layer::size>("size"), field<&thin_layer::diff_id>("diffID")};
};

struct thin_document {
    std::int64_t version = 0;
    json_list<thin_layer> left_out;
};

template<>
struct json_fields<thin_document> {
    static constexpr std::array all{field<&thin_document::version>("schemaVersion"), field<&thin_document::left_out>("leftOut")};
};

/// Return the first JSON value of a text, which Docker's engine is content with: what follows may be anything.
inline std::string_view first_json_value(std::string_view text) noexcept
{
    std::size_t depth = 0;
    bool quoted = false;
    auto const begin = text.find_first_not_of(" \t\r\n");
    for(auto i = begin; i < text.size(); ++i) {
        char const c = text[i];
        if(quoted) {
            if(c == '\\')
                ++i;
            quoted = c != '"';
        }
        else if(c == '"') {
            quoted = true;
        }
        else if(c == '{' || c == '[') {
            ++depth;
        }
        else if(c == '}' || c == ']') {
            depth -= depth != 0;
        }
        bool const word = begin == i ? false : is_json_space(c) || c == ',';
        if(depth == 0 && !quoted && (word || c == '}' || c == ']' || (c == '"' && i != begin)))
            return text.substr(0, word ? i : i + 1);
    }
    return text;
}

/// `manifest.json`.
struct docker_list {
    std::vector<listed_item> items;
    bool null = false;
    bool trailing = false; ///< something follows the list
};

inline result<docker_list> read_docker_list(std::string_view text)
{
    auto const value = detail::first_json_value(text);
    auto list = detail::read_json<json_list<listed_item>>(value, error::invalid_document, archive_json_limits);
    if(!list)
        return list.error();
    docker_list m;
    m.null = list->null;
    m.items = list->take();
    m.trailing = text.find_first_not_of(" \t\r\n", value.size()) != std::string_view::npos;
    return m;
}

/// Return what `repositories` says: directories by repository and tag.
inline result<std::map<std::string, std::map<std::string, std::string>>> read_repositories(std::string_view text)
{
    auto map = detail::read_json<json_map<json_map<std::string>>>(
        detail::first_json_value(text), error::invalid_document, archive_json_limits);
    if(!map)
        return map.error();
    std::map<std::string, std::map<std::string, std::string>> out;
    if(*map)
        for(auto& [name, tags] : **map)
            out.emplace(name, tags ? std::move(*tags) : std::map<std::string, std::string>());
    return out;
}

/// Read `thin.json`. @return What the archive leaves out.
inline result<std::vector<needed_blob>> read_thin_document(std::string_view text)
{
    auto read = detail::read_json<thin_document>(text, error::invalid_document, archive_json_limits);
    if(!read)
        return read.error();
    if(read->version != 1)
        return failure{error::invalid_document, {}, "schemaVersion: must be 1, is " + std::to_string(read->version)};
    std::vector<needed_blob> out;
    for(auto& l : read->left_out.take()) {
        auto const id = tarexport::parse_digest(l.id);
        if(!id || l.size < 0)
            return failure{error::invalid_document, {}, "leftOut: no digest, or a negative size"};
        out.push_back({*id, std::move(l.diff_id), std::move(l.media_type), static_cast<std::uint64_t>(l.size), false});
    }
    return out;
}

} // namespace tarexport::detail

#endif
