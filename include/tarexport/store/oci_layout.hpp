//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_STORE_OCI_LAYOUT_HPP
#define TAREXPORT_STORE_OCI_LAYOUT_HPP

#include <tarexport/content.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/detail/oci_folder.hpp>
#include <tarexport/detail/oci_roots.hpp>
#include <tarexport/detail/oci_scan.hpp>
#include <tarexport/detail/posix_file.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/image.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/oci_documents.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/stores.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport {

/// How an OCI image layout is read.
struct oci_layout_options {
    /// The repository that tags in the layout belong to: with `registry.example/app`, the tag `1.0` is the name
    /// `registry.example/app:1.0`.
    std::string repository;

    /// Which image a name stands for where it has several.
    platform_choice platforms = {};
};

/// The bytes of a blob of an OCI image layout, from some position on.
class oci_blob_source {
public:
    /// Read some bytes. @return How many; 0 at the end of the file, wherever that is now, and on an error.
    std::size_t read_some(std::span<std::byte> into, error_code& ec) noexcept
    {
        auto const n = detail::read_some_at(file_.fd.get(), into, at_, ec);
        at_ += n;
        return n;
    }

    /// Return the range of the file that is not read yet, up to the size that was promised.
    std::optional<file_extent> extent() const noexcept
    {
        return file_extent{file_.fd.get(), at_, at_ < file_.size ? file_.size - at_ : 0};
    }

    /// Return the path.
    std::string subject() const { return path_; }

private:
    friend class oci_blob;

    oci_blob_source(detail::posix_file file, std::string path, std::uint64_t at) noexcept
        : file_(std::move(file))
        , path_(std::move(path))
        , at_(at)
    {
    }

    detail::posix_file file_;
    std::string path_;
    std::uint64_t at_;
};

/** A lease on a blob of an OCI image layout.

    Holds no open file. Copies are leases on the same blob. Keeps the directory open, not the store. One that was moved from may only be assigned
    to and destroyed.
*/
class oci_blob {
public:
    /// Opening at any position takes the same time.
    static constexpr bool random_access = true;

    /// Return what the manifest or index says of the blob; its size has been checked.
    descriptor const& info() const noexcept { return blob_->info; }

    /// Open the blob. @return A source, or the errors of `oci_layout_store::blob`. Precondition: `offset <= info().size`.
    result<oci_blob_source> open(std::uint64_t offset) const
    {
        auto file = open_file();
        if(!file)
            return file.error();
        return oci_blob_source(*std::move(file), subject(), offset);
    }

    /// Return the path.
    std::string subject() const { return blob_->folder->path + "/" + detail::oci_folder::path_of(info().id); }

private:
    friend class oci_layout_store;

    struct blob {
        std::shared_ptr<detail::oci_folder const> folder;
        descriptor info;
    };

    oci_blob(std::shared_ptr<detail::oci_folder const> folder, descriptor const& d)
        : blob_(std::make_shared<blob const>(blob{std::move(folder), d}))
    {
    }

    static result<oci_blob> lease(std::shared_ptr<detail::oci_folder const> folder, descriptor const& d)
    {
        oci_blob b(std::move(folder), d);
        auto const file = b.open_file();
        return file ? result<oci_blob>(std::move(b)) : result<oci_blob>(file.error());
    }

    result<detail::posix_file> open_file() const
    {
        error_code ec;
        auto file = detail::open_file_beneath(blob_->folder->fd.get(), detail::oci_folder::path_of(info().id), ec);
        if(ec == detail::system_error_code(ENOENT) || ec == detail::system_error_code(ENOTDIR))
            return detail::absent_blob(subject(), info());
        if(ec)
            return failure{ec, subject(), {}};
        if(file.size != info().size)
            return failure{error::size_mismatch, subject(), detail::sizes(info().size, file.size)};
        return file;
    }

    std::shared_ptr<blob const> blob_; // small, so that a table of many leases can grow
};

/** The images in a directory that is an OCI image layout.

    Entries of `index.json` are named by their annotation `io.containerd.image.name`; else by
    `org.opencontainers.image.ref.name`, where that has a repository (`app:1.0`); else that is a tag of the repository in
    the options. All others are untagged.

    The directory is not trusted. Nothing outside is read and no symlink followed below it; every size is checked
    when a blob is leased and every document's digest when it is read; the digests of layers are left to whoever reads them.

    A snapshot: `index.json` is read once. Copies share it. Models `store`, `content_store` and `listing_store`.

    @par Example
    @code
    tarexport::oci_layout_store store{"/srv/images"};
    @endcode

    @par Thread Safety
    Const members may be called from several threads.
    @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
*/
class oci_layout_store {
public:
    /// A lease on one blob: no file is open until `open`.
    using handle = oci_blob;

    /// Open a layout. Throws `save_error` with what `open` fails with.
    explicit oci_layout_store(std::string const& path, oci_layout_options options = {})
        : oci_layout_store(open(path, std::move(options)).value())
    {
    }

    /** Open a layout.

        @return The store; or `not_a_layout` (a file of the layout is not there), `invalid_document`, `invalid_json`,
        `limit_exceeded`, `invalid_reference` (the options' repository) or the system's error. The subject is the path.
    */
    static result<oci_layout_store> open(std::string const& path, oci_layout_options options = {});

    /** Return the descriptor that a name stands for.

        A reference with a digest is looked for by that alone, among the entries and the indexes of its repository and the
        entries without name.
        @return The descriptor, `unknown_reference` or, where one name is given to several, `ambiguous_reference`.
    */
    result<descriptor> root(reference const& ref) const;

    /// Lease a blob. @return The lease, `missing_blob`, `size_mismatch`, `not_a_regular_file` or the system's error;
    /// the subject is the path.
    result<oci_blob> blob(descriptor const& d) const { return oci_blob::lease(state_->folder, d); }

    /// Lease a layer. @return As `blob`, and `missing_layer` where the image has no such layer.
    result<oci_blob> layer(image const& i, std::size_t n) const;

    /// Return the ID of the image that a name stands for on the platform of the options. Reads only what that takes.
    result<digest> lookup(reference const& ref) const;

    /// Return all names of a repository, sorted.
    result<std::vector<reference>> by_name(reference const& ref) const;

    /** Return an image by its ID, whatever its platform.

        The first time, the manifests of all entries are read, but for an image that `lookup` has found.
        @return The image, or `unknown_image`; the detail tells of entries that could not be read.
    */
    result<image> load(digest const& id) const;

    /// Return a manifest of the image with this ID, the first in the order of the index; or `unknown_image`, as `load`.
    result<descriptor> manifest_of(digest const& id) const;

    /// Return the ID that begins so. @return It, `unknown_image` or `ambiguous_id`.
    result<digest> search(std::string_view prefix) const;

    /** Return all images of all platforms, in the order of the index.

        A name is with the image that `lookup` would return or, where the platform is not there, with the first.
        @return The images, or why some entry could not be read: a list that lacks images is none.
    */
    result<std::vector<listed_image>> list() const;

    /// Return all images that can be read, and put why others could not into `unreadable`.
    std::vector<listed_image> list(std::vector<failure>& unreadable) const;

    /** Return the tags that are no names, because the options have no repository that they could belong to.

        In the order of the index.
    */
    std::vector<std::string> bare_tags() const { return state_->roots.bare_tags(); }

    /// Return the path that was opened.
    std::string const& path() const noexcept { return state_->folder->path; }

private:
    struct state {
        std::shared_ptr<detail::oci_folder const> folder;
        oci_layout_options options;
        detail::oci_roots roots;
        detail::oci_images images;
    };

    explicit oci_layout_store(std::shared_ptr<state> s) noexcept : state_(std::move(s)) {}

    detail::oci_contents const& scan() const { return state_->images.all(*this, state_->roots); }
    std::string unreadable_entries() const { return state_->images.unreadable(*this, state_->roots); }

    std::shared_ptr<state> state_;
};

inline result<oci_layout_store> oci_layout_store::open(std::string const& path, oci_layout_options options)
{
    auto folder = detail::oci_folder::open(path);
    if(!folder)
        return folder.error();
    auto read = (*folder)->read_index();
    if(!read)
        return read.error();
    auto roots = detail::oci_roots::make(std::move(read->manifests), options.repository);
    if(!roots)
        return roots.error();
    auto s = std::make_shared<state>();
    s->folder = *std::move(folder);
    s->options = std::move(options);
    s->roots = *std::move(roots);
    return oci_layout_store(std::move(s));
}

inline result<oci_blob> oci_layout_store::layer(image const& i, std::size_t n) const
{
    auto const what = "layer " + std::to_string(n) + " of image " + i.id.str();
    if(n >= i.layers.size())
        return failure{error::missing_layer, i.id.str(), what + ": there are " + std::to_string(i.layers.size())};
    auto lease = blob(i.layers[n]);
    return lease ? std::move(lease) : result<oci_blob>(detail::about(lease.error(), what));
}

inline result<descriptor> oci_layout_store::root(reference const& ref) const
{
    if(ref.has_digest())
        return state_->roots.by_digest(*this, ref);
    auto const found = state_->roots.named(ref);
    return detail::oci_roots::only_one(
        found, ref, found.empty() ? detail::names_instead(by_name(ref).value(), bare_tags(), "layout") : std::string());
}

inline result<digest> oci_layout_store::lookup(reference const& ref) const
{
    auto const d = root(ref);
    if(!d)
        return d.error();
    return state_->images.chosen(detail::content_reader(*this), *d, state_->options.platforms, ref.familiar());
}

inline result<std::vector<reference>> oci_layout_store::by_name(reference const& ref) const
{
    std::vector<reference> names;
    state_->roots.add_names(ref, names);
    std::ranges::sort(names);
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

inline result<image> oci_layout_store::load(digest const& id) const
{
    std::optional<failure> reason;
    if(auto const known = state_->images.manifest_of(id)) {
        auto loaded = tarexport::load_image(*this, *known);
        if(loaded)
            return loaded;
        reason = std::move(loaded).error();
    }
    // Several manifests may have this config, and some of them may be damaged.
    auto const& all = scan();
    for(auto const n : all.with_id(id)) {
        auto loaded = tarexport::load_image(*this, all.images[n].manifest);
        if(loaded)
            return loaded;
        if(!reason)
            reason = std::move(loaded).error();
    }
    return reason ? *std::move(reason) : failure{error::unknown_image, id.str(), unreadable_entries()};
}

inline result<descriptor> oci_layout_store::manifest_of(digest const& id) const
{
    auto const& all = scan();
    auto const found = all.with_id(id);
    return found.empty() ? result<descriptor>(failure{error::unknown_image, id.str(), unreadable_entries()})
                         : all.images[found.front()].manifest;
}

inline result<digest> oci_layout_store::search(std::string_view prefix) const
{
    auto const colon = prefix.find(':');
    auto const algorithm = colon == std::string_view::npos ? std::string_view() : prefix.substr(0, colon);
    auto const digits = prefix.substr(colon == std::string_view::npos ? 0 : colon + 1);
    digest found;
    for(auto const a : digest_algorithms) {
        if(digits.empty() || (!algorithm.empty() && algorithm != name_of(a)))
            continue;
        auto const& all = scan();
        for(auto const n : all.with_digits(a, digits)) {
            auto const& id = all.images[n].id;
            if(!found.empty() && id != found)
                return failure{error::ambiguous_id, std::string(prefix), found.str() + ", " + id.str()};
            found = id;
        }
    }
    if(found.empty())
        return failure{error::unknown_image, std::string(prefix), unreadable_entries()};
    return found;
}

inline std::vector<listed_image> oci_layout_store::list(std::vector<failure>& unreadable) const
{
    auto const& all = scan();
    unreadable = all.unreadable;
    std::vector<listed_image> rows;
    std::map<digest, std::size_t> row_of;
    for(auto const& i : all.images)
        if(row_of.try_emplace(i.id, rows.size()).second)
            rows.push_back({i.id, {}});
    detail::content_reader const documents(*this, detail::store_budget);
    std::map<detail::content_key_type, digest> meant;
    std::set<std::pair<std::size_t, reference>> told;
    for(std::size_t n = 0; n != state_->roots.all().size(); ++n) {
        auto const& r = state_->roots.all()[n];
        auto const& first = all.first[n];
        if(!r.name || !first)
            continue;
        auto const [id, is_new] = meant.try_emplace(detail::content_key(r.entry), *first);
        if(is_new)
            if(auto const best = state_->images.chosen(documents, r.entry, state_->options.platforms, r.name->familiar());
                best && row_of.contains(*best))
                id->second = *best;
        auto const row = row_of.find(id->second);
        if(told.emplace(row->second, *r.name).second)
            rows[row->second].names.push_back(*r.name);
    }
    return rows;
}

inline result<std::vector<listed_image>> oci_layout_store::list() const
{
    std::vector<failure> unreadable;
    auto rows = list(unreadable);
    if(!unreadable.empty())
        return detail::about(unreadable.front(),
            std::to_string(unreadable.size()) + " of " + std::to_string(state_->roots.all().size()) + " entries cannot be read");
    return rows;
}

} // namespace tarexport

#endif
