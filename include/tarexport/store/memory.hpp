//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_STORE_MEMORY_HPP
#define TAREXPORT_STORE_MEMORY_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/detail/posix_blob.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/digest_set.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/image.hpp>
#include <tarexport/image_config.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/stores.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace tarexport {

/// A range of a file that holds a layer of a `memory_store`.
struct layer_file {
    std::string path;
    byte_range range = {}; ///< all of it unless told

    friend bool operator==(layer_file const&, layer_file const&) = default;
};

/** Images that a program puts together: configs and names in memory, layers in memory or in files.

    @par Example
    @code
    memory_store s;
    auto base = s.add_layer(std::move(tar));
    auto id = s.add_image(image_config{.cmd = {"/bin/sh"}}, {base}, {"app:1.0", "app:latest"});
    tarexport::save(s, tarexport::names("app:1.0"), out);
    @endcode

    Handles and sources stay valid when the store changes or dies; what was only lent to it must outlive them.

    @par Thread Safety
    Const members may be called from several threads while no other is called.

    @par Exception Safety
    Strong guarantee: what fails or throws changes nothing.
*/
class memory_store {
public:
    class handle;

    /** Add a layer.
        @tparam H The hash whose digest names the layer, in the config too.
        @param bytes The layer as it is to be stored: a tar archive, unless the type says otherwise.
        @return Its digest, which names it for `add_image`. A layer that is there already is left as it is.
    */
    template<hash_algorithm H = sha256>
    digest add_layer(std::string bytes, std::string_view type = media_type::oci_layer)
    {
        auto const id = tarexport::digest_of<H>(bytes);
        auto const size = bytes.size();
        keep_layer(id, size, type, std::move(bytes));
        return id;
    }

    /// Add a layer that is only lent: the bytes outlive the store, its handles and their sources.
    template<hash_algorithm H = sha256>
    digest add_layer_view(bytes_view bytes, std::string_view type = media_type::oci_layer)
    {
        auto const id = tarexport::digest_of<H>(bytes);
        keep_layer(id, bytes.size(), type, bytes);
        return id;
    }

    /** Add a layer that is a file, or a range of one. It is read now, for its digest, and again when it is used.

        @return The digest; or the path with `not_a_regular_file`, `range_out_of_bounds` or what the system said.
    */
    template<hash_algorithm H = sha256>
    result<digest> add_layer_file(layer_file file, std::string_view type = media_type::oci_layer)
    {
        auto opened = open_range(file);
        if(!opened)
            return opened.error();
        auto const size = file.range.last - file.range.first;
        H hash;
        error_code ec;
        std::uint64_t left = size;
        for(auto b = opened->view_some(detail::blob_source::file_buffer_size, ec); !b.empty();
            b = opened->view_some(detail::blob_source::file_buffer_size, ec)) {
            hash.update(b);
            left -= b.size();
        }
        if(ec.failed() || left != 0)
            return failure{ec.failed() ? ec : make_error_code(error::layer_too_short), file.path, "while adding it as a layer"};
        auto const id = hash.result();
        keep_layer(id, size, type, std::move(file));
        return id;
    }

    /** Add an image whose config the store writes.

        @param layers Those of the image, bottom first, by the digests that adding them returned.
        @param names What it is called; see `add_name`.
        @return Its ID; or `missing_layer`, `invalid_reference`, the errors of `render_config`, or `invalid_config` where a
        layer is compressed, so that its diff ID is not known.
    */
    result<digest> add_image(image_config const& config, std::vector<digest> const& layers, std::vector<std::string> const& names = {})
    {
        for(auto const& id : layers) {
            auto const known = layers_.find(id);
            if(known != layers_.end() && !is_tar(known->second->info))
                return failure{error::invalid_config, id.str(), "a layer of this type needs a config that tells its diff ID"};
        }
        auto text = tarexport::render_config(config, layers);
        return text ? add_image(std::move(*text), layers, names) : result<digest>(text.error());
    }

    /** Add an image with a config as it is.

        @param config Any that `parse_image` reads and `check_image` passes.
        @return Its ID; or what those two say, `missing_layer`, `invalid_reference`, or `digest_mismatch` where the
        config tells other layers. Layers of another type than plain tar are taken on trust.
    */
    result<digest> add_image(std::string config, std::vector<digest> const& layers, std::vector<std::string> const& names = {})
    {
        auto const id = tarexport::digest_of(config);
        auto parsed = tarexport::parse_image(std::move(config), id);
        if(!parsed)
            return parsed.error();
        if(auto passed = tarexport::check_image(*parsed); !passed)
            return passed.error();
        record r{std::move(*parsed), {}};
        auto found = find_layers(r.config, layers);
        if(!found)
            return found.error();
        r.layers = std::move(*found);
        std::vector<reference> parsed_names;
        for(auto const& n : names) {
            auto ref = parse_name(n);
            if(!ref)
                return ref.error();
            parsed_names.push_back(std::move(*ref));
        }
        return keep_image(std::move(r), std::move(parsed_names));
    }

    /** Give an image a name, which no other image has any longer then.

        A name alone gets the tag `latest`. One with a digest is found by that digest, and its tag is not kept, as in the engines.

        @return `invalid_reference` or `unknown_image`.
    */
    result<void> add_name(std::string_view name, digest const& id)
    {
        if(!images_.contains(id))
            return unknown_image(id);
        auto ref = parse_name(name);
        if(!ref)
            return ref.error();
        names_.insert_or_assign(ref->str(), named{*ref, id});
        return {};
    }

    /// Tell which image another was made from. @return `unknown_image` for the child; the parent need not be here.
    result<void> set_parent(digest const& child, digest const& parent)
    {
        auto const known = images_.find(child);
        if(known == images_.end())
            return unknown_image(child);
        known->second.config.parent = parent;
        return {};
    }

    result<image> load(digest const& id) const
    {
        auto const known = images_.find(id);
        if(known == images_.end())
            return unknown_image(id);
        return known->second.config;
    }

    result<digest> search(std::string_view prefix) const { return ids_.find_prefix(prefix); }

    result<digest> lookup(reference const& ref) const
    {
        auto const known = names_.find(ref.has_digest() ? ref.without_tag().str() : ref.str());
        if(known == names_.end())
            return failure{error::unknown_reference, std::string(ref.familiar()), {}};
        return known->second.id;
    }

    result<std::vector<reference>> by_name(reference const& ref) const
    {
        // In the order of bytes, nothing comes between `name:` and `name@` but what begins with one of them.
        std::string const name(ref.name());
        std::vector<reference> all;
        for(auto i = names_.lower_bound(name + ':'); i != names_.end() && i->second.ref.name() == name; ++i)
            all.push_back(i->second.ref);
        return all;
    }

    /// Return a lease on a layer; `missing_layer` with the image's ID where it has none of that number.
    result<handle> layer(image const& i, std::size_t n) const;

    /// Return all images in the order of their IDs, each with its names in the order of their texts.
    result<std::vector<listed_image>> list() const
    {
        std::map<digest, std::vector<reference>> all;
        for(auto const& [id, r] : images_)
            all[id];
        for(auto const& [text, n] : names_)
            all[n.id].push_back(n.ref);
        std::vector<listed_image> rows;
        for(auto& [id, refs] : all)
            rows.push_back({id, std::move(refs)});
        return rows;
    }

private:
    struct stored_layer {
        descriptor info;
        std::variant<std::string, bytes_view, layer_file> content;
    };

    using shared_layer = std::shared_ptr<stored_layer const>;

    struct record {
        image config;
        std::vector<shared_layer> layers;
    };

    struct named {
        reference ref;
        digest id;
    };

    static bool is_tar(descriptor const& d) noexcept { return d.media_type == media_type::oci_layer; }

    static failure unknown_image(digest const& id) { return {error::unknown_image, id.str(), {}}; }

    static result<reference> parse_name(std::string_view name)
    {
        auto ref = tarexport::parse_reference(name);
        if(!ref)
            return ref;
        return ref->has_digest() ? ref->without_tag() : ref->with_default_tag();
    }

    // Puts numbers in place of an open end.
    static result<detail::blob_source> open_range(layer_file& file, std::uint64_t offset = 0)
    {
        auto opened = detail::open_regular_file(file.path);
        if(!opened)
            return opened.error();
        auto& [first, last] = file.range;
        if(last == byte_range{}.last)
            last = std::max(opened->size, first);
        if(first > last || last > opened->size || offset > last - first)
            return failure{error::range_out_of_bounds, file.path,
                "bytes " + std::to_string(first + offset) + " to " + std::to_string(last) + " of " + std::to_string(opened->size)};
        auto shared = std::make_shared<detail::unique_descriptor const>(std::move(opened->fd));
        return detail::blob_source(std::move(shared), first + offset, last - first - offset, file.path);
    }

    template<class Content>
    void keep_layer(digest const& id, std::uint64_t size, std::string_view type, Content content)
    {
        if(layers_.contains(id))
            return;
        auto l = std::make_shared<stored_layer>();
        l->info.media_type = type;
        l->info.id = id;
        l->info.size = size;
        l->content = std::move(content);
        layers_.emplace(id, std::move(l));
    }

    result<std::vector<shared_layer>> find_layers(image const& config, std::vector<digest> const& ids) const
    {
        if(ids.size() != config.diff_ids.size())
            return failure{error::invalid_config, config.id.str(),
                "it has " + std::to_string(config.diff_ids.size()) + " diff IDs, given are " + std::to_string(ids.size()) + " layers"};
        std::vector<shared_layer> found;
        for(std::size_t n = 0; n != ids.size(); ++n) {
            auto const known = layers_.find(ids[n]);
            if(known == layers_.end())
                return failure{error::missing_layer, ids[n].str(), "add it before the image"};
            if(is_tar(known->second->info) && config.diff_ids[n] != ids[n].str())
                return failure{error::digest_mismatch, ids[n].str(), "the config says " + config.diff_ids[n]};
            found.push_back(known->second);
        }
        return found;
    }

    // The same config may be added with other layers only if these are other forms of the same: the first ones stay.
    digest keep_image(record r, std::vector<reference> refs)
    {
        auto const id = r.config.id;
        std::map<std::string, named, std::less<>> added;
        for(auto& ref : refs) {
            auto text = ref.str();
            added.try_emplace(std::move(text), named{std::move(ref), id});
        }
        auto const [at, is_new] = images_.try_emplace(id, std::move(r));
        try {
            ids_.insert(id);
        }
        catch(...) {
            if(is_new)
                images_.erase(at);
            throw;
        }
        // From here on nothing throws.
        for(auto& [text, n] : added)
            if(auto const known = names_.find(text); known != names_.end())
                known->second.id = id;
        names_.merge(added);
        return id;
    }

    std::map<std::string, named, std::less<>> names_; // by the full text
    std::unordered_map<digest, record> images_;
    std::unordered_map<digest, shared_layer> layers_;
    digest_set ids_;
};

/// A lease on a layer of a `memory_store`; holds no descriptor. Copies lease the same layer.
class memory_store::handle {
public:
    descriptor const& info() const noexcept { return layer_->info; }

    /** Open the layer at a position. A file is opened now, and closed with the source.
        @return The source: views of the layer's own memory, or an extent of its file; or `range_out_of_bounds`,
        or what is wrong with the file.
    */
    result<detail::blob_source> open(std::uint64_t offset) const
    {
        return std::visit([&](auto const& content) { return open_content(content, offset); }, layer_->content);
    }

private:
    friend class memory_store;

    explicit handle(shared_layer l) noexcept : layer_(std::move(l)) {}

    result<detail::blob_source> open_content(layer_file file, std::uint64_t offset) const { return open_range(file, offset); }

    result<detail::blob_source> open_content(std::string_view bytes, std::uint64_t offset) const
    {
        return open_content(to_bytes(bytes), offset);
    }

    result<detail::blob_source> open_content(bytes_view bytes, std::uint64_t offset) const
    {
        auto subject = "layer " + layer_->info.id.str();
        if(offset > bytes.size())
            return failure{error::range_out_of_bounds, std::move(subject), "it has " + std::to_string(bytes.size()) + " bytes"};
        return detail::blob_source(layer_, bytes.subspan(static_cast<std::size_t>(offset)), std::move(subject));
    }

    shared_layer layer_;
};

inline result<memory_store::handle> memory_store::layer(image const& i, std::size_t n) const
{
    auto const known = images_.find(i.id);
    if(known == images_.end())
        return unknown_image(i.id);
    auto const& layers = known->second.layers;
    if(n >= layers.size())
        return failure{error::missing_layer, i.id.str(), "layer " + std::to_string(n) + " of " + std::to_string(layers.size())};
    return handle(layers[n]);
}

static_assert(store<memory_store> && listing_store<memory_store>);

} // namespace tarexport

#endif
