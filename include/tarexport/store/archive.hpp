//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_STORE_ARCHIVE_HPP
#define TAREXPORT_STORE_ARCHIVE_HPP

#include <tarexport/content.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/detail/archive_contents.hpp>
#include <tarexport/detail/archive_images.hpp>
#include <tarexport/detail/archive_index.hpp>
#include <tarexport/detail/oci_roots.hpp>
#include <tarexport/detail/oci_scan.hpp>
#include <tarexport/detail/posix_archive.hpp>
#include <tarexport/detail/posix_blob.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/image.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/stores.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport {

/// How an archive is read.
struct archive_options {
    /// The repository that bare tags of its `index.json` belong to, as for an OCI image layout.
    std::string repository = {};

    /// Which image a name stands for where it has several.
    platform_choice platforms = {};

    /// Where the temporary file is of an archive that is compressed or comes through a pipe; empty: what the system says (TMPDIR).
    std::string spool_directory = {};

    /// How large that file may become, and a layer of an archive from before docker 1.10 when it is expanded, in bytes.
    std::uint64_t spool_limit = std::uint64_t{1} << 37;
};

/// The bytes of a blob of an archive, from some position on.
class archive_blob_source {
public:
    /// Read some bytes. @return How many; 0 at the end, and on an error.
    std::size_t read_some(std::span<std::byte> into, error_code& ec) { return source_.read_some(into, ec); }

    /// Show some bytes, of at most `max`.
    bytes_view view_some(std::size_t max, error_code& ec) { return source_.view_some(max, ec); }

    /// Return the range of the archive's file that is not read yet; nothing for a document that was made.
    std::optional<file_extent> extent() const { return source_.extent(); }

    /// Return the archive's path and the entry's name.
    std::string subject() const { return source_.subject(); }

private:
    friend class archive_blob;

    explicit archive_blob_source(detail::blob_source s) noexcept : source_(std::move(s)) {}

    detail::blob_source source_;
};

/** A lease on a blob of an archive: a range of its file, or a manifest or config that was made of what the archive says.

    Copies are leases on the same blob. Keeps the file open, not the store. One that was moved from may only be assigned to and destroyed.
*/
class archive_blob {
public:
    /// Opening at any position takes the same time.
    static constexpr bool random_access = true;

    /// Return what is known of the blob; its size has been checked.
    descriptor const& info() const noexcept { return blob_->info; }

    /// Open the blob. @return A source, or `range_out_of_bounds`.
    result<archive_blob_source> open(std::uint64_t offset) const;

    /// Return the archive's path and the entry's name.
    std::string subject() const { return blob_->place.name; }

private:
    friend class archive_store;

    struct blob {
        std::shared_ptr<detail::unique_descriptor const> file;
        detail::archive_place place;
        descriptor info;
    };

    explicit archive_blob(blob b) : blob_(std::make_shared<blob const>(std::move(b))) {}

    std::shared_ptr<blob const> blob_; // small, so that a table of many leases can grow
};

/** The images in a tar archive, of any time and any engine.

    Reads what docker, podman, skopeo, containerd and this library save: archives with `manifest.json`, with `index.json` (an OCI image
    layout), with both, and those from before docker 1.10 with `repositories` alone; plain, or compressed with gzip or zstd.

    Opening reads the headers and the documents that list images; an archive that is compressed or comes through a pipe is first put into a
    temporary file without a name. Layers are ranges of the file. Where a layer lies compressed in an archive without manifests, its digest has to be found
    out: it is read once, when its image is first asked for. An archive from before docker 1.10 has no image IDs: all its layers are read once, on first use.

    Each image has a manifest: that of `index.json`, or one that is made as the engine would make it. Where `manifest.json` and
    `index.json` tell of different images or names, both count, and `remarks` tells; a name that they give to different images is `ambiguous_reference`.

    The archive is not trusted. Nothing is extracted; links are followed only within it. Documents are checked when they are read, sizes when a blob is leased; the
    digests of layers are left to whoever reads them.

    A snapshot: of a file that is written to while it is read, layers turn out to be wrong. Copies share it. Models `store`, `content_store` and `listing_store`.

    @par Example
    @code
    tarexport::archive_store store{"/srv/images/app.tar"};
    @endcode

    @par Thread Safety
    Const members may be called from several threads.
*/
class archive_store {
public:
    using handle = archive_blob;

    /// Open an archive. Throws `save_error` with what `open` fails with.
    explicit archive_store(std::string const& path, archive_options options = {})
        : archive_store(open(path, std::move(options)).value())
    {
    }

    /** Open an archive that is a regular file.

        @return The store; or `unsupported_store` (no archive of images; compressed with bzip2 or xz), `invalid_header` (no tar archive), `truncated_archive`,
        `not_a_layout`, `invalid_document`, `invalid_json`, `limit_exceeded`, `invalid_reference` (the options' repository), `not_a_regular_file`, or the system's error. The
        subject is the path, or that of an entry.
    */
    static result<archive_store> open(std::string const& path, archive_options options = {});

    /** Read an archive from an open descriptor, which stays the caller's: a regular file from its start, anything else to its end.

        @param name What it is called in errors.
        @return As above.
    */
    static result<archive_store> open(int descriptor, std::string const& name, archive_options options = {});

    /** Return the descriptor that a name stands for: of an entry of `index.json`, else of the image's manifest, which may be one that is made.

        A reference with a digest is looked for by that alone, in `index.json`.
        @return The descriptor, `unknown_reference`, `ambiguous_reference`, or why the image cannot be read.
    */
    result<descriptor> root(reference const& ref) const;

    /// Return the descriptor of a manifest of the image with this ID. @return It, `unknown_image`, or why the image cannot be read.
    result<descriptor> manifest_of(digest const& id) const;

    /// Lease a blob. @return The lease, `missing_blob`, `size_mismatch` or `not_a_regular_file`; the subject is the path.
    result<archive_blob> blob(descriptor const& d) const;

    /// Lease a layer. @return As `blob`, and `missing_layer` where the image has no such layer.
    result<archive_blob> layer(image const& i, std::size_t n) const;

    /// Return the ID of the image that a name stands for; of an index, that for the platform of the options.
    result<digest> lookup(reference const& ref) const;

    /// Return all names of a repository, sorted.
    result<std::vector<reference>> by_name(reference const& ref) const;

    /// Return an image by its ID, whatever its platform. @return It, `unknown_image`, or why it cannot be read.
    result<image> load(digest const& id) const;

    /// Return the image that `manifest.json` calls this one's parent, where that is in the archive too.
    std::optional<digest> parent_of(digest const& id) const;

    /// Return the ID that begins so. @return It, `unknown_image` or `ambiguous_id`.
    result<digest> search(std::string_view prefix) const;

    /** Return all images: those of `manifest.json` in its order, then those that only `index.json` has.

        @return The images, or why some image or name could not be read: a list that lacks some is none.
    */
    result<std::vector<listed_image>> list() const;

    /// Return all images that can be read, and put why others, and names, could not into `unreadable`.
    std::vector<listed_image> list(std::vector<failure>& unreadable) const;

    /** Return what is unusual in the archive and was decided here, a sentence each.

        Entries with one name, and where `manifest.json` and `index.json` differ. Reads the manifests of all images.
    */
    std::vector<std::string> remarks() const;

    /// Return the tags that are no names, because the options have no repository that they could belong to.
    std::vector<std::string> bare_tags() const { return state_->roots.bare_tags(); }

    /// Return the path that was opened, or the name of the descriptor.
    std::string const& path() const noexcept { return state_->contents.path(); }

private:
    struct state {
        state(detail::shared_file file, std::string const& path, detail::archive_index index, archive_options o)
            : contents(std::move(file), path, std::move(index), o.spool_limit)
            , options(std::move(o))
        {
        }

        detail::archive_contents contents;
        archive_options options;
        detail::oci_roots roots = {};
        std::vector<std::string> remarks = {};
        bool is_layout = false; // index.json and oci-layout are there

        detail::oci_images indexed = {}; // of index.json, and the manifests of images that were asked for

        std::mutex mutex = {};
        std::optional<result<detail::archive_images>> images = {}; // of an archive from before docker 1.10, once they were needed
        bool made_all = false;                                     // the manifests of `images`
    };

    // What a name stands for: one of these, or both where they agree.
    struct meaning {
        std::optional<descriptor> root;
        detail::archive_image const* image = nullptr;
    };

    using image_list = std::vector<detail::archive_image const*>;

    explicit archive_store(std::shared_ptr<state> s) noexcept : state_(std::move(s)) {}

    static result<archive_store> make(result<detail::shared_file> file, std::string const& path, archive_options options);
    static result<void> read_lists(state& s);
    static result<void> read_index(state& s);

    result<detail::archive_images const*> images() const;
    bool make_manifests() const;
    detail::oci_contents const& scan() const { return state_->indexed.all(*this, state_->roots); }
    result<meaning> named(reference const& ref) const;
    result<bool> leads_to(descriptor const& root, digest const& id) const;
    std::string unreadable_entries() const { return state_->indexed.unreadable(*this, state_->roots); }
    void compare(detail::archive_images const& images, std::vector<std::string>& remarks) const;
    std::map<digest, std::vector<reference>> names_in_index() const;

    std::shared_ptr<state> state_;
};

} // namespace tarexport

#include <tarexport/store/impl/archive.hpp>

#endif
