//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_DOCKER_MANIFEST_HPP
#define TAREXPORT_DETAIL_DOCKER_MANIFEST_HPP

#include <tarexport/detail/go_json.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/reference.hpp>

#include <array>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What the documents of an archive say that engines wrote before there was an index.json, read as the engine does (moby v27.3.1).

namespace tarexport::detail {

/// An image of `manifest.json`. Paths are those of the archive.
struct docker_item {
    std::string config;
    json_list<std::string> tags;
    json_list<std::string> layers; ///< bottom first
    std::string parent;
};

template<>
struct json_fields<docker_item> {
    static constexpr std::array all{
        field<&docker_item::config>("Config"),
        field<&docker_item::tags>("RepoTags"),
        field<&docker_item::layers>("Layers"),
        field<&docker_item::parent>("Parent"),
    };
};

/// `manifest.json`, whatever its images may be worth.
struct docker_manifest {
    std::vector<docker_item> items;
    bool goes_on = false; ///< something stands behind the list, which the engine does not read
};

inline constexpr json_limits docker_manifest_limits{std::size_t{16} << 20, 64, std::size_t{1} << 20};
inline constexpr std::size_t archive_images_limit = 20'000;
inline constexpr std::size_t archive_layers_limit = 1'000'000; // of all images together

// The size of the list that a text begins with; that of the text if it begins with anything else, or the list does not end.
inline std::size_t list_size(std::string_view text) noexcept
{
    std::size_t depth = 0;
    bool quoted = false;
    for(std::size_t at = 0; at != text.size(); ++at) {
        char const c = text[at];
        if(quoted) {
            if(c == '\\' && at + 1 != text.size())
                ++at;
            quoted = c != '"';
            continue;
        }
        quoted = c == '"';
        if(c == '[' || c == '{')
            ++depth;
        else if((c == ']' || c == '}') && (depth == 0 || --depth == 0))
            return at + 1;
        else if(depth == 0 && !is_json_space(c))
            break;
    }
    return text.size();
}

/// Read `manifest.json`. @return It; `invalid_json`, `invalid_document` (not such a list, or null) or `limit_exceeded`.
inline result<docker_manifest> parse_docker_manifest(std::string_view text, std::string subject)
{
    auto const list = text.substr(0, detail::list_size(text));
    auto read = detail::read_json<json_list<docker_item>>(list, error::invalid_document, docker_manifest_limits);
    if(!read) {
        auto why = std::move(read).error();
        why.subject = std::move(subject);
        return why;
    }
    if(read->null)
        return failure{error::invalid_document, std::move(subject), "it is null; without images it would be []"};
    if(read->size > archive_images_limit)
        return failure{error::limit_exceeded, std::move(subject), "more than " + std::to_string(archive_images_limit) + " images"};
    bool const goes_on = text.find_first_not_of(" \t\r\n", list.size()) != text.npos;
    return docker_manifest{read->take(), goes_on};
}

/** Return a tag of an archive as the engine takes it: a name with a tag.

    @return `invalid_reference` for a name without one, with a digest, or that is none.
*/
inline result<reference> engine_tag(std::string const& text)
{
    auto ref = tarexport::parse_reference(text);
    char const* why = nullptr;
    if(!ref)
        return ref;
    if(ref->has_digest())
        why = "it has a digest, which no tag of an image has";
    else if(!ref->has_tag())
        why = "a name without a tag, which the engine refuses";
    else if(ref->familiar_name() == name_of(digest_algorithm::sha256))
        why = "the name of a digest algorithm, which the engine refuses";
    return why ? failure{error::invalid_reference, text, why} : std::move(ref);
}

/// What `repositories` says: repository, tag, and the directory of the image.
using docker_repositories = std::map<std::string, std::map<std::string, std::string>>;

/// Read `repositories`. @return It, `invalid_json`, `invalid_document` or `limit_exceeded`.
inline result<docker_repositories> parse_docker_repositories(std::string_view text, std::string subject)
{
    auto read = detail::read_json<docker_repositories>(
        text.substr(0, detail::list_size(text)), error::invalid_document, docker_manifest_limits);
    if(!read) {
        auto why = std::move(read).error();
        why.subject = std::move(subject);
        return why;
    }
    return read;
}

} // namespace tarexport::detail

#endif
