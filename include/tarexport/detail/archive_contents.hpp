//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_ARCHIVE_CONTENTS_HPP
#define TAREXPORT_DETAIL_ARCHIVE_CONTENTS_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/detail/archive_index.hpp>
#include <tarexport/detail/compression_magic.hpp>
#include <tarexport/detail/decompress.hpp>
#include <tarexport/detail/posix_archive.hpp>
#include <tarexport/detail/posix_blob.hpp>
#include <tarexport/detail/short_list.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/documents.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/reference.hpp>

#include <algorithm>
#include <array>
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

namespace tarexport::detail {

/// An image that an archive has without a manifest of its own: of `manifest.json`, or of the time before that.
struct archive_image {
    digest id; ///< of the config; empty where that could not be read
    std::uint64_t config_size = 0;
    std::vector<std::string> diff_ids;
    std::vector<std::string> layers; ///< paths in the archive, one for each diff ID
    std::vector<reference> names;
    std::optional<digest> parent;
    std::optional<failure> broken;   ///< why it is no image
};

/// Where a blob is that an archive has: in the file, or made of what the archive says.
struct archive_place {
    std::string name; ///< what it is called in an error
    archive_extent extent = {};
    std::shared_ptr<std::string const> text = {};

    std::uint64_t size() const noexcept { return text ? text->size() : extent.size; }
};

/// The bytes that an extent of a file has.
class extent_reader {
public:
    extent_reader(shared_file const& file, archive_extent e) noexcept : file_(file), left_(e) {}

    std::size_t read_some(std::span<std::byte> into, error_code& ec) noexcept
    {
        auto const n = detail::read_some_at(
            file_.fd->get(), into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left_.size))), left_.offset, ec);
        left_.offset += n;
        left_.size -= n;
        return n;
    }

private:
    shared_file file_;
    archive_extent left_;
};

/** The files of an archive, and the blobs that it has under other names than those of an OCI image layout.

    @par Thread Safety
    Const members may be called from several threads.
*/
class archive_contents {
public:
    /// `limit`: how large a layer may be that is expanded.
    archive_contents(shared_file file, std::string path, archive_index index, std::uint64_t limit)
        : file_(std::move(file))
        , path_(std::move(path))
        , index_(std::move(index))
        , limit_(limit)
    {
    }

    std::string const& path() const noexcept { return path_; }
    archive_index const& index() const noexcept { return index_; }
    std::shared_ptr<unique_descriptor const> const& fd() const noexcept { return file_.fd; }

    /// Read a file of at most `limit` bytes.
    result<std::string> read(std::string_view name, std::uint64_t limit) const
    {
        auto const at = index_.find(name);
        if(!at)
            return at.error();
        if(at->size > limit)
            return failure{error::limit_exceeded, index_.subject(name), "more than " + std::to_string(limit) + " bytes"};
        std::string text(static_cast<std::size_t>(at->size), '\0');
        extent_reader source(file_, *at);
        for(std::size_t n = 0; n != text.size();) {
            error_code ec;
            auto const some = source.read_some(std::as_writable_bytes(std::span(text).subspan(n)), ec);
            if(ec || some == 0)
                return failure{ec ? ec : error_code(error::truncated_archive), index_.subject(name), {}};
            n += some;
        }
        return text;
    }

    /// Remember what a blob is whose digest is known.
    void keep(digest const& id, archive_place place) const
    {
        std::lock_guard const lock(mutex_);
        places_.try_emplace(id, std::move(place));
    }

    /// Find a blob. @return Where it is; `missing_blob` or `size_mismatch`.
    result<archive_place> find(descriptor const& d) const
    {
        std::optional<archive_place> other;
        {
            std::lock_guard const lock(mutex_);
            if(auto const known = places_.find(d.id); known != places_.end()) {
                if(known->second.size() == d.size)
                    return known->second;
                other = known->second;
            }
        }
        auto const name = plan::blob_path(d.id);
        auto const at = index_.find(name);
        if(at && at->size == d.size)
            return archive_place{index_.subject(name), *at, {}};
        if(!at && (at.error().code != error::missing_blob || !other))
            return at.error();
        if(at)
            other = archive_place{index_.subject(name), *at, {}};
        return failure{error::size_mismatch, other->name, detail::sizes(d.size, other->size())};
    }

    /** Make the manifest that an image would have in an OCI image layout.

        A layer that is compressed is hashed, the first time that this is asked for.
        @return Its descriptor; what makes the image none, `missing_layer` with all that are not there, `size_mismatch` (one diff ID for layers
        of several sizes), or the errors of reading.
    */
    result<descriptor> make_manifest(archive_image const& i) const
    {
        if(i.broken)
            return *i.broken;
        std::vector<descriptor> layers;
        short_list missing;
        for(std::size_t n = 0; n != i.layers.size(); ++n) {
            auto d = layer(i.layers[n], i.diff_ids[n]);
            if(!d && d.error().code == error::missing_blob)
                missing.add(i.layers[n]);
            else if(!d)
                return std::move(d).error();
            else
                layers.push_back(*std::move(d));
        }
        if(!missing.empty())
            return failure{error::missing_layer, path_, "image " + called(i) + " has no " + missing.str()};
        descriptor config;
        config.media_type = media_type::oci_config;
        config.id = i.id;
        config.size = i.config_size;
        auto text = tarexport::render_manifest(config, layers);
        descriptor d;
        d.media_type = media_type::oci_manifest;
        d.id = tarexport::digest_of(text);
        d.size = text.size();
        keep(d.id, {path_ + ", manifest of image " + i.id.str(), {}, std::make_shared<std::string const>(std::move(text))});
        return d;
    }

    /// Return the digest of a layer's plain tar archive.
    result<digest> diff_id(std::string_view name) const
    {
        auto const at = index_.find(name);
        if(!at)
            return at.error();
        return once(expanded_, *at, [&] { return hash(detail::store_source(extent_reader(file_, *at)), index_.subject(name)); });
    }

    /// Return what an image is called: by its first name, or its ID.
    static std::string called(archive_image const& i)
    {
        return i.names.empty() ? i.id.str() : std::string(i.names.front().familiar());
    }

private:
    result<descriptor> layer(std::string const& name, std::string const& diff_id) const
    {
        auto const at = index_.find(name);
        if(!at)
            return at.error();
        auto const kind = kind_of(*at, name);
        if(!kind)
            return kind.error();
        auto id = *kind == compression::none
                      ? tarexport::parse_digest(diff_id)
                      : once(stored_, *at, [&] { return hash(extent_reader(file_, *at), index_.subject(name)); });
        if(!id)
            return std::move(id).error();
        descriptor d;
        d.media_type = media_type::oci_layer;
        if(*kind != compression::none)
            d.media_type.append("+").append(name_of(*kind));
        d.id = *id;
        d.size = at->size;
        std::lock_guard const lock(mutex_);
        auto const& known = places_.try_emplace(d.id, archive_place{index_.subject(name), *at, {}}).first->second;
        if(known.size() != d.size)
            return failure{error::size_mismatch, index_.subject(name),
                "the layer " + d.id.str() + " has another size than in " + known.name};
        return d;
    }

    result<compression> kind_of(archive_extent const& at, std::string const& name) const
    {
        std::array<std::byte, compression_magic_size> start;
        extent_reader source(file_, at);
        std::size_t n = 0;
        for(std::size_t some = 1; some != 0 && n != start.size(); n += some) {
            error_code ec;
            some = source.read_some(std::span(start).subspan(n), ec);
            if(ec)
                return failure{ec, index_.subject(name), {}};
        }
        return detail::compression_of(bytes_view(start).first(n));
    }

    // What was hashed, by position. Threads that hash the same at the same time find the same.
    using hashed = std::map<std::pair<std::uint64_t, std::uint64_t>, digest>;

    template<class Hash>
    result<digest> once(hashed& known, archive_extent const& at, Hash hash_it) const
    {
        std::pair const key(at.offset, at.size);
        {
            std::lock_guard const lock(mutex_);
            if(auto const found = known.find(key); found != known.end())
                return found->second;
        }
        auto id = hash_it();
        if(!id)
            return id;
        std::lock_guard const lock(mutex_);
        return known.try_emplace(key, *id).first->second;
    }

    template<layer_source Source>
    result<digest> hash(Source source, std::string subject) const
    {
        sha256 h;
        std::vector<std::byte> buffer(256 * 1024);
        for(auto left = limit_;;) {
            error_code ec;
            auto const n = source.read_some(buffer, ec);
            if(ec)
                return failure{ec, std::move(subject), problem_of(source)};
            if(n == 0)
                return h.result();
            if(n > left)
                return failure{error::limit_exceeded, std::move(subject), "more than " + std::to_string(limit_) + " bytes when expanded"};
            left -= n;
            h.update(bytes_view(buffer).first(n));
        }
    }

    template<class Source>
    static std::string problem_of(decompressed_source<Source> const& s)
    {
        return s.problem();
    }

    static std::string problem_of(extent_reader const&) { return {}; }

    shared_file file_;
    std::string path_;
    archive_index index_;
    std::uint64_t limit_;
    std::mutex mutable mutex_; // guards what follows
    std::map<digest, archive_place> mutable places_;
    hashed mutable stored_;   // layers as they are in the archive
    hashed mutable expanded_; // and as plain tar archives
};

} // namespace tarexport::detail

#endif
