//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_STORE_CONTAINERS_HPP
#define TAREXPORT_STORE_CONTAINERS_HPP

#include <tarexport/content.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/detail/containers_layers.hpp>
#include <tarexport/detail/containers_root.hpp>
#include <tarexport/detail/containers_snapshot.hpp>
#include <tarexport/detail/posix_blob.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/image.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/oci_documents.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/store/tar_split.hpp>
#include <tarexport/stores.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace tarexport {

/// How a store of containers/storage is read.
struct containers_options {
    /// The storage driver, `overlay` or `vfs`. If empty, the one that has images.
    std::string driver;

    /// Further graph roots, whose images and layers come after those of the first: the additional image stores of storage.conf.
    std::vector<std::string> additional;

    /// Which image a name stands for that is an index (made by `podman manifest`), in `lookup` and `list`.
    platform_choice platforms = {};

    /// How layers are put together.
    tar_split_options layers = {};
};

/// The bytes of a blob of a `containers_store`, from some position on.
class containers_blob_source {
public:
    /// Read some bytes. @return How many; 0 at the end and on an error.
    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        auto const n = std::visit([&](auto& s) { return s.read_some(into, ec); }, source_);
        last_ = ec;
        return n;
    }

    /// Return all about the last error.
    failure reason() const
    {
        if(auto const* const layer = std::get_if<tar_split_source>(&source_))
            return layer->reason();
        return {last_, subject(), {}};
    }

    /// Return the path of the document, of the layer's record or, after an error with a file of the layer, of that.
    std::string subject() const
    {
        return std::visit([](auto const& s) -> std::string { return s.subject(); }, source_);
    }

private:
    friend class containers_blob;

    using any_source = std::variant<detail::blob_source, tar_split_source>;

    explicit containers_blob_source(any_source s) noexcept : source_(std::move(s)) {}

    any_source source_;
    error_code last_;
};

/** A lease on a blob of a `containers_store`: a manifest, an index, a config, or the plain tar archive of a layer.

    Holds no open file. Copies are leases on the same blob. Keeps the directories open, not the store.
*/
class containers_blob {
public:
    /// Return digest and size, and the media type that was asked for.
    descriptor const& info() const noexcept { return info_; }

    /// Open the blob. @return A source; or `missing_blob`, `size_mismatch`, or what is wrong with the layer or the file.
    result<containers_blob_source> open(std::uint64_t offset) const
    {
        if(auto const* const layer = std::get_if<tar_split_handle>(&content_)) {
            auto source = layer->open(offset);
            return source ? result<containers_blob_source>(containers_blob_source(*std::move(source))) : source.error();
        }
        auto file = open_file();
        if(!file)
            return file.error();
        auto shared = std::make_shared<detail::unique_descriptor const>(std::move(file->fd));
        return containers_blob_source(
            detail::blob_source(std::move(shared), offset, offset < info_.size ? info_.size - offset : 0, subject()));
    }

    /// Return the path of the document, or of the layer's record.
    std::string subject() const
    {
        if(auto const* const layer = std::get_if<tar_split_handle>(&content_))
            return layer->subject();
        return std::get<path_below>(content_).str();
    }

private:
    friend class containers_store;

    containers_blob(descriptor info, std::variant<path_below, tar_split_handle> content)
        : info_(std::move(info))
        , content_(std::move(content))
    {
    }

    result<detail::posix_file> open_file() const
    {
        auto const& at = std::get<path_below>(content_);
        error_code ec;
        auto file = detail::open_file_beneath(at.directory.fd(), at.path, ec);
        if(ec == detail::system_error_code(ENOENT) || ec == detail::system_error_code(ENOTDIR))
            return failure{error::missing_blob, at.str(), {}};
        if(ec)
            return failure{ec, at.str(), {}};
        if(file.size != info_.size)
            return failure{error::size_mismatch, at.str(), detail::sizes(info_.size, file.size)};
        return file;
    }

    descriptor info_;
    std::variant<path_below, tar_split_handle> content_;
};

/** The images that podman, buildah, CRI-O and skopeo keep: a graph root of containers/storage.

    Image IDs are the digests of configs. The engine's own IDs mostly are the same; where one differs, `search` and `parse_name` take it too.

    Layers are given as the plain tar archives that the engine unpacked, each with its diff ID. Manifests and indexes are given as they are
    stored; of the blobs that they list, configs and plain layers are there, compressed layers are not.

    The directory is not trusted. Nothing outside is read and no symlink followed but those within a layer, as the engine would; nothing is
    written and no lock taken. Documents are checked by size and digest when they are read; the digests of layers are left to whoever reads them.

    A snapshot: the lists of images and layers are read once. Copies share it. What the engine removes later is an error
    when it is read. Models `store`, `content_store` and `listing_store`.

    @par Example
    @code
    tarexport::containers_store store{"/var/lib/containers/storage"};
    @endcode

    @par Thread Safety
    Const members may be called from several threads.
    @see https://github.com/containers/storage
*/
class containers_store {
public:
    using handle = tar_split_handle;

    /// Open a graph root. Throws `save_error` with what `open` fails with.
    explicit containers_store(std::string const& graph_root, containers_options options = {})
        : containers_store(open(graph_root, std::move(options)).value())
    {
    }

    /** Open a graph root.

        @return The store; or `unsupported_store` (no graph root, or a driver that cannot be read), `invalid_json`, `invalid_document`,
        `limit_exceeded`, `not_a_regular_file` or the system's error. The subject is the path.
    */
    static result<containers_store> open(std::string const& graph_root, containers_options options = {});

    /** Read what a user typed, by podman's rules for short names.

        A name without a host is that of `localhost`, else of `docker.io`, else of any host where only one image
        has it; whichever is here. A whole ID may be the engine's.

        @return What it means, with the name in full; `invalid_reference`, or `ambiguous_reference` where images of several hosts have the name.
    */
    result<image_name> parse_name(std::string_view text) const;

    /** Return the descriptor that a name stands for: of a manifest or, for an index that `podman manifest` made, of that.

        A reference with a digest is looked for by that alone, among the names and then among the manifests of images of its repository.
        @return The descriptor, `unknown_reference`, or why the manifest cannot be read.
    */
    result<descriptor> root(reference const& ref) const;

    /** Lease a manifest, an index, a config, or a layer by its diff ID.

        @return The lease; or `missing_blob` (of a compressed layer too: the engine keeps none), `size_mismatch`, or an error of `layer`.
    */
    result<containers_blob> blob(descriptor const& d) const;

    /** Lease a layer.

        @return The lease; or `missing_layer`, `digest_mismatch` or `invalid_document` (the layers are not those of the config), `unrecoverable_layer`
        (there is no record of the tar archive, or its diff ID is not known), `unsupported_store` (composefs or an additional layer store
        keeps the files), `limit_exceeded`, or what is wrong with the record.
    */
    result<tar_split_handle> layer(image const& i, std::size_t n) const;

    /// Return the ID of the image that a name stands for, of an index the one for the platform of the options.
    result<digest> lookup(reference const& ref) const;

    /// Return all names of a repository, sorted.
    result<std::vector<reference>> by_name(reference const& ref) const;

    /// Return an image by its ID. @return It, `unknown_image`, or why it cannot be read.
    result<image> load(digest const& id) const;

    /// Return the image of a manifest of the store, as `load`.
    result<image> load_image(descriptor const& manifest_descriptor) const;

    /// Return the ID of the image whose ID, or whose ID for the engine, begins so. @return It, `unknown_image` or `ambiguous_id`.
    result<digest> search(std::string_view prefix) const;

    /** Return all images, in the order of the engine's lists.

        The name of an index is with the image that `lookup` returns; where that is not here, it is left out.
        @return The images, or why some could not be read: a list that lacks images is none.
    */
    result<std::vector<listed_image>> list() const;

    /// Return all images that can be read, and put why others, and names of indexes, could not into `unreadable`.
    std::vector<listed_image> list(std::vector<failure>& unreadable) const;

    /// Return the path that was opened.
    std::string const& path() const noexcept { return state_->snapshot.roots().front().path(); }

    /// Return the storage driver.
    std::string const& driver() const noexcept { return state_->snapshot.roots().front().driver(); }

private:
    // What the manifest of an image says.
    struct identity {
        descriptor manifest;
        std::optional<descriptor> config; // an index has none
    };

    using layer_list = std::vector<detail::containers_layers::layer>; // bottom first

    struct state {
        state(detail::containers_snapshot s, containers_options o)
            : snapshot(std::move(s))
            , options(std::move(o))
            , layers(snapshot, options.layers)
        {
        }

        detail::containers_snapshot snapshot;
        containers_options options;
        detail::containers_layers layers;

        std::mutex mutex;
        std::unordered_map<std::size_t, identity> identities;
        std::unordered_map<digest, layer_list> images; // whose layers were found
    };

    explicit containers_store(std::shared_ptr<state> s) noexcept : state_(std::move(s)) {}

    std::optional<std::size_t> find(reference const& ref) const;
    std::size_t best_of(std::vector<std::size_t> const& found, digest const& manifest_or_index) const;
    bool has(reference const& ref) const;
    result<std::optional<reference>> find_short(std::string_view text, reference const& ref) const;
    result<std::optional<reference>> find_elsewhere(std::string_view name, reference const& ref) const;
    result<identity> identify(std::size_t n) const;
    result<identity> read_identity(std::size_t n) const;
    result<digest> chosen(descriptor const& d, std::string_view what) const;
    result<digest> id_of(std::size_t n) const;
    result<std::vector<std::size_t>> images_of(digest const& id) const;
    result<layer_list> layers_of(image const& i) const;
    result<layer_list> layers_of(std::size_t n, image const& i) const;
    std::vector<listed_image> list(std::vector<failure>& images, std::vector<failure>& indexes) const;
    std::string described(std::size_t n) const;

    std::shared_ptr<state> state_;
};

} // namespace tarexport

#include <tarexport/store/impl/containers.hpp>

#endif
