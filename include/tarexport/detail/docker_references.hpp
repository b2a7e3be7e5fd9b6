//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_DOCKER_REFERENCES_HPP
#define TAREXPORT_DETAIL_DOCKER_REFERENCES_HPP

#include <tarexport/detail/go_json.hpp>
#include <tarexport/detail/short_list.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/reference.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tarexport::detail {

struct repositories_document {
    json_map<json_map<std::string>> repositories;
};

template<>
struct json_fields<repositories_document> {
    static constexpr std::array all{field<&repositories_document::repositories>("Repositories")};
};

inline constexpr json_limits repositories_limits{std::size_t{64} << 20, 64, std::size_t{1} << 20};

/** The names of images as dockerd keeps them, in `repositories.json`: a tag or a digest of a repository, and an image ID.

    @see https://github.com/moby/moby/blob/v27.3.1/reference/store.go
*/
class docker_references {
public:
    docker_references() = default;

    /** Read the file.

        A name that the engine could not find again is passed over: one that is no reference, is not in its familiar form, or
        stands under another repository.
        @return The names; or `invalid_json`, `limit_exceeded`, or `invalid_document`, where a value is no image ID too.
    */
    static result<docker_references> parse(std::string_view text, std::string const& subject)
    {
        auto const read = detail::read_json<repositories_document>(text, error::invalid_document, repositories_limits);
        if(!read)
            return failure{read.error().code, subject, read.error().detail};
        docker_references found;
        if(!read->repositories)
            return found;
        for(auto const& [repository, references] : *read->repositories) {
            if(!references)
                continue;
            for(auto const& [name, value] : *references) {
                auto ref = kept(repository, name);
                if(!ref)
                    continue;
                auto const id = tarexport::parse_digest(value);
                if(!id)
                    return failure{error::invalid_document, subject, no_id(name, value)};
                auto full = ref->str();
                found.by_name_.emplace(std::move(full), named{*std::move(ref), *id});
            }
        }
        for(auto const& [full, n] : found.by_name_)
            found.by_id_[n.id].push_back(n.ref);
        return found;
    }

    /// Return the image of a tag or, without one, of `latest`; where there is a digest, its image. Or `unknown_reference`.
    result<digest> lookup(reference const& ref) const
    {
        auto const known = by_name_.find(ref.has_digest() ? ref.without_tag().str() : ref.with_default_tag().str());
        if(known == by_name_.end())
            return failure{error::unknown_reference, std::string(ref.familiar()), {}};
        return known->second.id;
    }

    /// Return the names of a repository, in the order of their full texts.
    std::vector<reference> by_name(reference const& ref) const
    {
        // In the order of bytes, nothing comes between `name:` and `name@` but what begins with one of them.
        std::string const name(ref.name());
        std::vector<reference> all;
        for(auto i = by_name_.lower_bound(name + ':'); i != by_name_.end() && i->second.ref.name() == name; ++i)
            all.push_back(i->second.ref);
        return all;
    }

    /// Return the names of an image, in the order of their full texts.
    std::vector<reference> names_of(digest const& id) const
    {
        auto const known = by_id_.find(id);
        return known == by_id_.end() ? std::vector<reference>() : known->second;
    }

private:
    struct named {
        reference ref;
        digest id;
    };

    static std::string no_id(std::string_view name, std::string_view value)
    {
        short_list both;
        both.add(name);
        both.add(value);
        return "a name with a value that is no image ID: " + both.str();
    }

    static std::optional<reference> kept(std::string_view repository, std::string_view name)
    {
        auto ref = tarexport::parse_reference(name);
        if(!ref || ref->familiar() != name || ref->familiar_name() != repository || ref->has_tag() == ref->has_digest())
            return std::nullopt;
        return *std::move(ref);
    }

    std::map<std::string, named, std::less<>> by_name_; // by the full text
    std::unordered_map<digest, std::vector<reference>> by_id_;
};

} // namespace tarexport::detail

#endif
