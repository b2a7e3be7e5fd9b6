//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_STORE_DOCKER_HPP
#define TAREXPORT_STORE_DOCKER_HPP

#include <tarexport/chain_id.hpp>
#include <tarexport/content.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/detail/docker_layers.hpp>
#include <tarexport/detail/docker_references.hpp>
#include <tarexport/detail/docker_root.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/digest_set.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/image.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/store/tar_split.hpp>
#include <tarexport/stores.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace tarexport {

/// How the data root of Docker is read.
struct docker_store_options {
    /// The storage driver: `overlay2`, `fuse-overlayfs` or `vfs`. Need only be told where there are images of several.
    std::string driver;

    /// How layers are put together.
    tar_split_options layers = {};
};

/** The images of Docker, read from the data root of its engine, which may be stopped or running.

    What `docker save` reads, by the same rules (moby v27.3.1): names from `repositories.json`, configs from `imagedb`, layers
    from `layerdb` and the directories of the storage driver, put together to the very tar archives that they were unpacked
    from. Images that an engine keeps in containerd are not here.

    Nothing is written and no lock taken. The names are a snapshot: they are read once, when the store is opened, and copies
    share it. What the engine removes later fails with `unknown_image`, `missing_layer` or the error of a file that is gone;
    it is never saved wrong. A store that is opened again knows what there is then.

    The directory is not trusted. Nothing outside is read and no symlink followed below it but inside a layer; each config's
    digest is checked when it is read, and the digests of layers by whoever reads those.

    Models `store` and `listing_store`.

    @par Example
    @code
    tarexport::docker_store store{"/var/lib/docker"};
    @endcode

    @par Thread Safety
    Const members may be called from several threads.
*/
class docker_store {
public:
    /// A lease on one layer: no file is open until `open`.
    using handle = tar_split_handle;

    /// Open a data root. Throws `save_error` with what `open` fails with.
    explicit docker_store(std::string const& data_root, docker_store_options options = {})
        : docker_store(open(data_root, std::move(options)).value())
    {
    }

    /** Open a data root.

        @return The store; or `unsupported_store` (no data root, or one of another kind; the detail tells which, and what to
        do), `invalid_document`, `invalid_json` or `limit_exceeded` (of `repositories.json`), or the system's error. The
        subject is a path.
    */
    static result<docker_store> open(std::string const& data_root, docker_store_options options = {});

    /** Return the ID of the image that a name stands for.

        Of a name with a digest, that alone counts; one without tag and digest is that of the tag `latest`.
        @return The ID, or `unknown_reference`.
    */
    result<digest> lookup(reference const& ref) const { return state_->references.lookup(ref); }

    /// Return all names of a repository, those with a tag and those with a digest, sorted.
    result<std::vector<reference>> by_name(reference const& ref) const { return state_->references.by_name(ref); }

    /** Return an image by its ID, and the image that it was built from, if the engine knows that.

        @return The image; or `unknown_image`, `digest_mismatch`, the errors of `parse_image`, or of the files.
    */
    result<image> load(digest const& id) const;

    /** Return the ID that begins so.

        As for the engine, an image that cannot be read or lacks layers does not count.
        @return It, `unknown_image` or `ambiguous_id`.
    */
    result<digest> search(std::string_view prefix) const;

    /** Lease a layer. Reads its record the first time, for the size, which is kept as long as the store.

        @return The lease; or `missing_layer`, `digest_mismatch` (the layer that is there is another), or what is wrong with
        a file.
    */
    result<handle> layer(image const& i, std::size_t n) const;

    /** Return what `docker images` says is an image's size, in bytes: that of its files. An archive of it is larger.

        @return The size; or `missing_layer`, or what is wrong with a file.
    */
    result<std::uint64_t> unpacked_size(image const& i) const;

    /** Return what `docker images` lists, in its order: the newest first.

        These are all images but those that are parents of others and have no name.
        @return The images, or why some could not be read: a list that lacks images is none.
    */
    result<std::vector<listed_image>> list() const;

    /** Return the images of `list()` that can be read, and put why others could not into `unreadable`.

        @param with_parents Also those that are parents of others and have no name, as `docker images --all` does.
    */
    std::vector<listed_image> list(std::vector<failure>& unreadable, bool with_parents = false) const;

    /// Return the path that was opened.
    std::string const& path() const noexcept { return state_->root.directory.path(); }

    /// Return the storage driver whose images these are.
    std::string_view driver() const noexcept { return state_->root.driver.name; }

private:
    using shared_layer = std::shared_ptr<unpacked_layer const>;

    struct state {
        state(detail::docker_root r, detail::docker_references names, docker_store_options o)
            : root(r)
            , references(std::move(names))
            , options(std::move(o))
            , layers(std::move(r))
        {
        }

        detail::docker_root root;
        detail::docker_references references;
        docker_store_options options;
        detail::docker_layers layers;

        std::mutex mutex;
        std::unordered_map<std::string, shared_layer> unpacked; // by chain ID
    };

    explicit docker_store(std::shared_ptr<state> s) noexcept : state_(std::move(s)) {}

    result<shared_layer> unpacked(std::span<std::string const> diff_ids) const;
    result<shared_layer> measure(std::span<std::string const> diff_ids, std::span<std::string const> chain_ids) const;
    result<std::optional<digest>> read_parent(digest const& id) const;
    result<image> load_whole(digest const& id) const;

    std::shared_ptr<state> state_;
};

inline result<docker_store> docker_store::open(std::string const& data_root, docker_store_options options)
{
    auto root = detail::docker_root::open(data_root, options.driver);
    if(!root)
        return root.error();
    auto const file = root->image("repositories.json");
    auto const text = detail::read_text(file, detail::repositories_limits.size);
    // An engine that has never named an image has no such file.
    if(!text && !detail::is_absent(text.error()))
        return text.error();
    auto names = text ? detail::docker_references::parse(*text, file.str()) : detail::docker_references();
    if(!names)
        return names.error();
    return docker_store(std::make_shared<state>(*std::move(root), *std::move(names), std::move(options)));
}

inline result<image> docker_store::load(digest const& id) const
{
    // The engine has IDs of no other algorithm.
    if(id.empty() || id.algorithm() != digest_algorithm::sha256)
        return failure{error::unknown_image, id.str(), {}};
    auto const file = state_->root.image("imagedb/content/sha256/" + id.hex());
    auto text = detail::read_text(file, config_limits().size);
    if(!text && detail::is_absent(text.error()))
        return failure{error::unknown_image, id.str(),
            state_->references.names_of(id).empty() ? "" : "it had a name, and has been removed since"};
    if(!text)
        return text.error();
    if(auto const found = tarexport::digest_of(*text); found != id)
        return failure{error::digest_mismatch, file.str(), "the config has " + found.str()};
    auto loaded = tarexport::parse_image(*std::move(text), id);
    if(!loaded)
        return loaded;
    auto const parent = read_parent(id);
    if(!parent)
        return parent.error();
    loaded->parent = *parent;
    return loaded;
}

inline result<std::optional<digest>> docker_store::read_parent(digest const& id) const
{
    auto const text = detail::read_text(state_->root.image("imagedb/metadata/sha256/" + id.hex() + "/parent"), 1024);
    if(!text && !detail::is_absent(text.error()))
        return text.error();
    if(text)
        if(auto const parent = tarexport::parse_digest(*text))
            return std::optional(*parent);
    // What is no ID is the parent of none, to the engine too.
    return std::optional<digest>();
}

// Loads an image that the engine counts as one: it can be read, is for Linux, and has all its layers.
inline result<image> docker_store::load_whole(digest const& id) const
{
    auto loaded = load(id);
    if(!loaded || loaded->diff_ids.empty())
        return loaded;
    if(auto const fit = tarexport::check_image(*loaded); !fit && fit.error().code == error::unsupported_os)
        return fit.error();
    auto const place = state_->layers.find(loaded->diff_ids, tarexport::chain_ids(loaded->diff_ids));
    return place ? std::move(loaded) : result<image>(detail::about(place.error(), "of image " + id.str()));
}

inline result<digest> docker_store::search(std::string_view prefix) const
{
    auto const ids = detail::list_image_ids(state_->root.image("imagedb/content/sha256"));
    if(!ids)
        return ids.error();
    auto const digits = prefix.substr(prefix.starts_with("sha256:") ? 7 : 0);
    digest_set whole;
    std::optional<failure> unread;
    for(auto const& id : *ids)
        if(id.hex().starts_with(digits)) {
            if(auto const loaded = load_whole(id))
                whole.insert(id);
            else if(!unread)
                unread = loaded.error();
        }
    auto found = whole.find_prefix(prefix);
    if(!found && found.error().code == error::unknown_image && unread)
        return failure{error::unknown_image, std::string(prefix), "one begins so, but " + message(*unread)};
    return found;
}

inline result<docker_store::handle> docker_store::layer(image const& i, std::size_t n) const
{
    auto const what = "layer " + std::to_string(n) + " of image " + i.id.str();
    if(n >= i.diff_ids.size())
        return failure{error::missing_layer, i.id.str(), what + ": there are " + std::to_string(i.diff_ids.size())};
    auto found = unpacked(std::span(i.diff_ids).first(n + 1));
    if(!found)
        return detail::about(found.error(), what);
    return handle(*std::move(found), state_->options.layers);
}

inline result<std::uint64_t> docker_store::unpacked_size(image const& i) const
{
    std::uint64_t sum = 0;
    for(auto const& chain_id : tarexport::chain_ids(i.diff_ids)) {
        auto const size = state_->layers.size(chain_id);
        if(!size)
            return detail::about(size.error(), "of image " + i.id.str());
        if(*size > std::numeric_limits<std::uint64_t>::max() - sum)
            return failure{error::limit_exceeded, i.id.str(), "its layers have more bytes than can be counted"};
        sum += *size;
    }
    return sum;
}

inline result<docker_store::shared_layer> docker_store::unpacked(std::span<std::string const> diff_ids) const
{
    auto const chain_ids = tarexport::chain_ids(diff_ids);
    {
        std::lock_guard const lock(state_->mutex);
        if(auto const known = state_->unpacked.find(chain_ids.back()); known != state_->unpacked.end())
            return known->second;
    }
    auto found = measure(diff_ids, chain_ids);
    if(!found)
        return found;
    // Threads that measure at the same time find the same; the first to end is kept.
    std::lock_guard const lock(state_->mutex);
    return state_->unpacked.try_emplace(chain_ids.back(), *std::move(found)).first->second;
}

inline result<docker_store::shared_layer> docker_store::measure(
    std::span<std::string const> diff_ids, std::span<std::string const> chain_ids) const
{
    auto place = state_->layers.find(diff_ids, chain_ids);
    if(!place)
        return place.error();
    auto const& options = state_->options.layers;
    auto const size = tarexport::tar_split_size(place->record, options.limits, options.jobs, options.inflater);
    if(!size && detail::is_absent(size.error()))
        return failure{error::missing_layer, place->record.str(), "the file is not there"};
    if(!size)
        return size.error();
    descriptor info;
    info.media_type = media_type::oci_layer;
    info.id = tarexport::parse_digest(diff_ids.back()).value();
    info.size = *size;
    return std::make_shared<unpacked_layer const>(
        unpacked_layer{std::move(info), std::move(place->record), std::move(place->trees)});
}

inline std::vector<listed_image> docker_store::list(std::vector<failure>& unreadable, bool with_parents) const
{
    unreadable.clear();
    auto const ids = detail::list_image_ids(state_->root.image("imagedb/content/sha256"));
    if(!ids)
        unreadable.push_back(ids.error());
    struct row {
        listed_image image;
        std::int64_t created;
    };
    std::vector<row> rows;
    std::unordered_set<digest> parents;
    for(auto const& id : ids ? *ids : std::vector<digest>()) {
        auto const loaded = load_whole(id);
        if(loaded) {
            rows.push_back({{id, state_->references.names_of(id)}, loaded->created ? loaded->created->seconds : 0});
            if(loaded->parent)
                parents.insert(*loaded->parent);
        }
        else if(loaded.error().code != error::unknown_image) // which the engine has removed while we read
            unreadable.push_back(loaded.error());
    }
    if(!with_parents)
        std::erase_if(rows, [&](row const& r) { return r.image.names.empty() && parents.contains(r.image.id); });
    std::ranges::sort(rows,
        [](row const& a, row const& b) { return a.created != b.created ? a.created > b.created : a.image.id < b.image.id; });
    std::vector<listed_image> images;
    images.reserve(rows.size());
    for(auto& r : rows)
        images.push_back(std::move(r.image));
    return images;
}

inline result<std::vector<listed_image>> docker_store::list() const
{
    std::vector<failure> unreadable;
    auto images = list(unreadable);
    if(!unreadable.empty())
        return detail::about(unreadable.front(), std::to_string(unreadable.size()) + " images cannot be read");
    return images;
}

} // namespace tarexport

#endif
