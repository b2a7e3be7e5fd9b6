//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_CATALOG_HPP
#define TAREXPORT_ENGINE_CATALOG_HPP

#include "filters.hpp"
#include "record.hpp"
#include "replies.hpp"

#include <tarexport/detail/image_config.hpp>
#include <tarexport/error.hpp>
#include <tarexport/image.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/stores.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

// What the documents need to know of the images of a store.

namespace engine {

/** Finds the images of a store and what there is to tell of them.

    Borrows the store, which must outlive it, and whose names stay as they are.

    @par Thread Safety
    All members may be called from several threads.
*/
template<class Store>
class catalog {
public:
    explicit catalog(Store const& s) : store_(s) {}
    catalog(catalog const&) = delete;
    catalog& operator=(catalog const&) = delete;

    /// Return all images that the filters take, and put why others cannot be read into `unreadable`.
    std::vector<record> list(image_filters const& filters, std::vector<tarexport::failure>& unreadable) const
    {
        std::vector<record> records;
        for(auto const& listed : all(unreadable)) {
            auto r = read(listed.id);
            if(!r) {
                unreadable.push_back(r.error());
                continue;
            }
            for(auto const& name : listed.names)
                if(filters.takes(name))
                    add(r->names, name);
            if(filters.takes(*r))
                records.push_back(*std::move(r));
        }
        return records;
    }

    /// Return the number of images.
    std::size_t count() const
    {
        std::vector<tarexport::failure> unreadable;
        return all(unreadable).size();
    }

    /** Return the image that a name stands for.

        @return It; or why not, with the engine's words in the detail where the name is not there or is none.
    */
    tarexport::result<record> find(std::string const& name) const
    {
        auto const id = find_id(name);
        if(!id)
            return id.error();
        auto r = read(*id);
        if(r)
            r->names = names_of(*id);
        return r;
    }

    /// Add what a history tells beside.
    tarexport::result<void> add_history(record& r) const
    {
        auto sizes = sizes_of(r.image);
        if(!sizes)
            return sizes.error();
        r.layer_sizes = *std::move(sizes);
        auto parent = r.image.parent;
        while(parent && r.ancestors.size() < r.image.history.size()) {
            auto const older = store_.load(*parent);
            if(!older)
                break;
            r.ancestors.push_back({*parent, names_of(*parent).tags});
            parent = older->parent;
        }
        return {};
    }

private:
    // The text is what the engine says; the code tells the status.
    static tarexport::failure no_such_image(std::string_view name)
    {
        return {tarexport::error::unknown_image, {}, "No such image: " + std::string(name)};
    }

    std::vector<tarexport::listed_image> all(std::vector<tarexport::failure>& unreadable) const
    {
        if constexpr(requires { store_.list(unreadable); })
            return store_.list(unreadable);
        else {
            auto images = store_.list();
            if(!images)
                unreadable.push_back(images.error());
            return images ? *std::move(images) : std::vector<tarexport::listed_image>();
        }
    }

    // Where a short name is looked up by rules, it may be that of another image: there, names are written in full.
    static void add(image_names& names, tarexport::reference const& name)
    {
        std::string text(tarexport::parses_names<Store> ? std::string_view(name.str()) : name.familiar());
        (name.has_digest() ? names.digests : names.tags).push_back(std::move(text));
    }

    // They are gathered once: a page that asks for each of many images would have all of them read each time.
    image_names names_of(tarexport::digest const& id) const
    {
        std::lock_guard const lock(mutex_);
        if(!names_)
            gather();
        auto const found = names_->find(id);
        auto names = found == names_->end() ? image_names() : found->second;
        if(!complete_)
            names_.reset();
        return names;
    }

    void gather() const
    {
        std::map<tarexport::digest, image_names> names;
        std::vector<tarexport::failure> unreadable;
        for(auto const& listed : all(unreadable))
            for(auto const& name : listed.names)
                add(names[listed.id], name);
        names_ = std::move(names);
        complete_ = unreadable.empty(); // otherwise more can be read the next time, perhaps
    }

    tarexport::result<record> read(tarexport::digest const& id) const
    {
        auto loaded = store_.load(id);
        if(!loaded)
            return loaded.error();
        tarexport::config_limits const limits;
        auto config = tarexport::detail::read_image_config(loaded->config, {limits.size, limits.depth, limits.values});
        if(!config)
            return config.error();
        auto const sum = size_of(*loaded);
        if(!sum)
            return sum.error();
        record r;
        r.image = *std::move(loaded);
        r.config = *std::move(config);
        r.size = *sum;
        return r;
    }

    tarexport::result<tarexport::digest> find_id(std::string const& name) const
    {
        auto const parsed = parse(name);
        if(!parsed && parsed.error().code == tarexport::error::invalid_reference)
            return tarexport::failure{parsed.error().code, {}, engine::invalid_name(name)};
        if(!parsed)
            return parsed.error();
        auto const id = std::visit([&](auto const& meaning) { return find(meaning, name); }, parsed->meaning);
        auto const code = id ? tarexport::error_code() : id.error().code;
        bool const missing = code == tarexport::error::unknown_reference || code == tarexport::error::unknown_image;
        return missing ? no_such_image(in_full(parsed->meaning, name)) : id;
    }

    tarexport::result<tarexport::image_name> parse(std::string const& name) const
    {
        if constexpr(tarexport::parses_names<Store>)
            return store_.parse_name(name);
        else
            return tarexport::parse_image_name(name);
    }

    tarexport::result<tarexport::digest> find(tarexport::digest const& id, std::string const&) const
    {
        auto const loaded = store_.load(id);
        return loaded ? tarexport::result<tarexport::digest>(id) : loaded.error();
    }

    tarexport::result<tarexport::digest> find(tarexport::id_prefix const& prefix, std::string const&) const
    {
        return store_.search(prefix.text);
    }

    tarexport::result<tarexport::digest> find(tarexport::reference const& ref, std::string const&) const { return store_.lookup(ref); }

    tarexport::result<tarexport::digest> find(tarexport::repository_name const& repository, std::string const& name) const
    {
        auto id = store_.lookup(repository.base.with_default_tag());
        return !id && id.error().code == tarexport::error::unknown_reference ? store_.search(name) : id;
    }

    static std::string in_full(decltype(tarexport::image_name::meaning) const& meaning, std::string const& name)
    {
        if(auto const* const id = std::get_if<tarexport::digest>(&meaning))
            return id->str();
        if(auto const* const repository = std::get_if<tarexport::repository_name>(&meaning))
            return std::string(repository->base.with_default_tag().familiar());
        if(auto const* const ref = std::get_if<tarexport::reference>(&meaning))
            return std::string(ref->familiar());
        return name;
    }

    // Of each layer: what the engine says of it where that is known, otherwise as it is stored.
    tarexport::result<std::vector<std::uint64_t>> sizes_of(tarexport::image const& image) const
    {
        std::vector<std::uint64_t> sizes;
        for(std::size_t n = 0; n != image.diff_ids.size(); ++n) {
            auto const size = size_of_layer(image, n);
            if(!size)
                return size.error();
            sizes.push_back(*size);
        }
        return sizes;
    }

    tarexport::result<std::uint64_t> size_of_layer(tarexport::image const& image, std::size_t n) const
    {
        if constexpr(requires { store_.unpacked_size(image); }) {
            // It is told for whole images only: this layer is what it adds to those below.
            tarexport::image below;
            below.id = image.id;
            below.diff_ids.assign(image.diff_ids.begin(), image.diff_ids.begin() + static_cast<std::ptrdiff_t>(n));
            auto const without = store_.unpacked_size(below);
            below.diff_ids.push_back(image.diff_ids[n]);
            auto const with = store_.unpacked_size(below);
            return with && without ? *with - *without : with ? without : with;
        }
        else {
            if(n < image.layers.size())
                return image.layers[n].size;
            auto const lease = store_.layer(image, n);
            return lease ? tarexport::result<std::uint64_t>(lease->info().size) : lease.error();
        }
    }

    tarexport::result<std::uint64_t> size_of(tarexport::image const& image) const
    {
        if constexpr(requires { store_.unpacked_size(image); })
            return store_.unpacked_size(image);
        else {
            auto const sizes = sizes_of(image);
            if(!sizes)
                return sizes.error();
            std::uint64_t sum = 0;
            for(auto const size : *sizes) {
                if(size > std::numeric_limits<std::uint64_t>::max() - sum)
                    return tarexport::failure{
                        tarexport::error::limit_exceeded, image.id.str(), "its layers have more bytes than can be counted"};
                sum += size;
            }
            return sum;
        }
    }

    Store const& store_;
    mutable std::mutex mutex_;
    mutable std::optional<std::map<tarexport::digest, image_names>> names_;
    mutable bool complete_ = false;
};

} // namespace engine

#endif
