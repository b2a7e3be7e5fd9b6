//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A store of the images and layers that a vector file lists, with the engine's rules for what is in it.

#ifndef TAREXPORT_TEST_VECTOR_STORE_HPP
#define TAREXPORT_TEST_VECTOR_STORE_HPP

#include "vectors.hpp"

#include <tarexport/digest_set.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/image.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/stores.hpp>

#include <algorithm>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vectors {

using namespace tarexport;

class text_source {
public:
    explicit text_source(std::string_view text) : rest_(text) {}

    std::size_t read_some(std::span<std::byte> into, error_code&)
    {
        auto const n = std::min(into.size(), rest_.size());
        std::memcpy(into.data(), rest_.data(), n);
        rest_.remove_prefix(n);
        return n;
    }

private:
    std::string_view rest_;
};

class text_layer {
public:
    text_layer(descriptor d, std::string_view text) : info_(std::move(d)), text_(text) {}
    descriptor const& info() const noexcept { return info_; }
    result<text_source> open(std::uint64_t offset) const { return text_source(text_.substr(offset)); }

private:
    descriptor info_;
    std::string_view text_;
};

class vector_store {
public:
    /// Take the pool of layers of a vector file.
    explicit vector_store(json::object const& file)
    {
        for(auto const& l : file.at("layers").as_array())
            layers_.try_emplace(std::string(l.as_object().at("diff_id").as_string()), text(l.as_object(), "tar"));
    }

    /// Add an image; @return its ID, or why the engine would not have it.
    result<digest> add(std::string config, std::string const& parent = {})
    {
        auto const id = digest_of(config);
        auto read = parse_image(std::move(config), id);
        if(!read)
            return read.error();
        if(auto fit = check_image(*read); !fit)
            return fit.error();
        if(!parent.empty())
            read->parent = parse_digest(parent).value();
        ids_.push_back(id);
        images_.try_emplace(id, std::move(*read));
        return id;
    }

    /// Give an image a name.
    void name(std::string_view familiar, digest const& id) { names_.insert_or_assign(parse_reference(familiar).value().str(), id); }

    result<image> load(digest const& id) const
    {
        auto const found = images_.find(id);
        if(found == images_.end())
            return failure{error::unknown_image, id.str(), {}};
        return found->second;
    }

    result<digest> search(std::string_view prefix) const { return digest_set(ids_).find_prefix(prefix); }

    result<digest> lookup(reference const& ref) const
    {
        auto const found = names_.find(ref.has_digest() ? ref.without_tag().str() : ref.str());
        if(found == names_.end())
            return failure{error::unknown_reference, std::string(ref.familiar()), {}};
        return found->second;
    }

    result<std::vector<reference>> by_name(reference const& ref) const
    {
        std::vector<reference> all;
        for(auto const& [text, id] : names_)
            if(auto const known = parse_reference(text).value(); known.name() == ref.name())
                all.push_back(known);
        return all;
    }

    result<text_layer> layer(image const& i, std::size_t n) const
    {
        auto const found = layers_.find(i.diff_ids[n]);
        if(found == layers_.end())
            return failure{error::missing_layer, i.diff_ids[n], {}};
        descriptor d;
        d.media_type = media_type::oci_layer;
        d.id = parse_digest(found->first).value();
        d.size = found->second.size();
        return text_layer(d, found->second);
    }

private:
    std::map<std::string, std::string> layers_;
    std::map<digest, image> images_;
    std::vector<digest> ids_;
    std::map<std::string, digest> names_;
};

static_assert(store<vector_store>);

} // namespace vectors

#endif
