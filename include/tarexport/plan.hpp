//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_PLAN_HPP
#define TAREXPORT_PLAN_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/tar_header.hpp>

#include <boost/assert.hpp>
#include <boost/container/deque.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport {

/// What an entry of an archive holds.
enum class entry_kind : std::uint8_t {
    directory, ///< nothing
    document,  ///< bytes that the plan has
    layer      ///< bytes that a store has
};

/** One entry of a planned archive. All positions and sizes are in bytes.

    Its path and digest are not here, because most paths follow from a digest: `plan::path` and `plan::id` have them.
*/
struct planned_entry {
    entry_kind kind{};
    std::uint32_t mode = 0;      ///< permission bits
    std::int64_t mtime = 0;      ///< seconds since 1970-01-01T00:00:00Z
    std::uint64_t offset = 0;    ///< of the entry's first header block in the archive
    std::uint64_t data = 0;      ///< of its first data byte
    std::uint64_t size = 0;      ///< of its data, without padding
    std::uint64_t end = 0;       ///< of the next entry's first header block
    std::size_t item = 0;        ///< the number of the document or layer
    std::uint32_t alignment = 0; ///< what `data` has to be a multiple of; 0: nothing but 512
};

/// A layer that the driver takes from a store while it writes.
struct planned_layer {
    digest id;               ///< of the bytes as stored, verified while they pass
    digest chain;            ///< chain ID of the layers of its first image, up to this one
    std::uint32_t lease = 0; ///< the number of its handle in the driver's table
    std::uint64_t size = 0;  ///< in bytes

    friend bool operator==(planned_layer const&, planned_layer const&) = default;
};

/// An image of the archive.
struct planned_image {
    digest id;                     ///< of the config
    std::vector<std::string> tags; ///< familiar names, in the order of the archive

    friend bool operator==(planned_image const&, planned_image const&) = default;
};

/// A layer of an image that an archive leaves out, because the other side has it.
struct left_out_layer {
    digest id;              ///< of the bytes as stored
    std::string diff_id;    ///< of the plain tar archive, as the config has it
    std::string media_type; ///< of the bytes as stored
    std::uint64_t size = 0; ///< of the bytes as stored

    friend bool operator==(left_out_layer const&, left_out_layer const&) = default;
};

class plan_builder;

/** An archive before its first byte: entries in order, each with its path, mode, time, size, offset and content.

    A plan is a value. Two plans that compare equal give the same bytes, and `etag()` is the same for them only.
    Where a byte of the archive is decided: headers in `tar_header.hpp`, documents and order in the layout, which puts it together with a
    `plan_builder`.

    @par Thread Safety
    Const members may be called from several threads.
*/
class plan {
public:
    /// A sequence with random access. A vector of so many would be there three times for a moment whenever it grows.
    template<class T>
    using many = boost::container::deque<T, void, boost::container::deque_options<boost::container::block_bytes<4096>>::type>;

    /// An archive of no entries.
    plan() = default;

    /// Return the size of the whole archive in bytes, its end blocks included.
    std::uint64_t size() const noexcept { return size_; }

    /// Return the number of entries.
    std::size_t count() const noexcept { return entries_.size(); }

    /// Return an entry. Precondition: `i < count()`.
    planned_entry entry(std::size_t i) const noexcept
    {
        BOOST_ASSERT(i < count());
        auto const& r = entries_[i];
        return {r.kind, r.mode, r.mtime, r.offset, r.offset + r.header_size, r.size,
            i + 1 == count() ? size_ - end_of_archive_size : entries_[i + 1].offset, r.item,
            static_cast<std::uint32_t>(r.aligned_blocks * tar_block_size)};
    }

    /// Return an entry's path; directories end in a slash. Precondition: `i < count()`.
    std::string path(std::size_t i) const
    {
        BOOST_ASSERT(i < count());
        return path_of(entries_[i]);
    }

    /// Return the digest of an entry's content, empty for a directory. Precondition: `i < count()`.
    digest id(std::size_t i) const noexcept
    {
        BOOST_ASSERT(i < count());
        auto const& r = entries_[i];
        return r.kind == entry_kind::directory ? digest() : content_of(r);
    }

    /// Return the entry that holds a byte of the archive, or `count()` for the end blocks and beyond.
    std::size_t find(std::uint64_t position) const noexcept
    {
        if(entries_.empty() || position >= size_ - end_of_archive_size)
            return count();
        auto const after = std::ranges::upper_bound(entries_, position, {}, &record::offset);
        return static_cast<std::size_t>(after - entries_.begin()) - 1;
    }

    /// Return a range whose open end, if it has one, is the end of the archive.
    byte_range bounded(byte_range r) const noexcept { return {r.first, r.last == byte_range{}.last ? size_ : r.last}; }

    /// Append an entry's header blocks, exactly `data - offset` bytes. Precondition: `i < count()`.
    void append_header(std::string& out, std::size_t i) const
    {
        BOOST_ASSERT(i < count());
        [[maybe_unused]] auto const before = out.size();
        auto const& r = entries_[i];
        [[maybe_unused]] auto const ok = append_entry_header(out, header_of(path(i), r));
        BOOST_ASSERT(ok && out.size() - before == r.header_size);
    }

    /** Return a part of a document; valid as long as the plan.

        A document has one part, unless it is a long list. The first is that of the entry's `item`; as long as their sizes do not make up
        that of the entry, the next is that of the number after it.

        @par Preconditions
        `item` is that of a part of a document.
    */
    bytes_view document_part(std::size_t item) const noexcept { return to_bytes(documents_[item].text); }

    /// Return all bytes of a document. Precondition: `i < count()`, and the entry is a document.
    std::string document_text(std::size_t i) const
    {
        BOOST_ASSERT(i < count() && entries_[i].kind == entry_kind::document);
        std::string text;
        text.reserve(entries_[i].size);
        for(std::size_t item = entries_[i].item; text.size() != entries_[i].size; ++item)
            text += documents_[item].text;
        return text;
    }

    /// Return the layers that a driver takes from its table of handles, in the order of their numbers.
    many<planned_layer> const& layers() const noexcept { return layers_; }

    /// Return the images of the archive, in its order.
    many<planned_image> const& images() const noexcept { return images_; }

    /// Return the layers of the images that a thin archive leaves out; none of a full one.
    std::vector<left_out_layer> const& left_out() const noexcept { return left_out_; }

    /** Return the identity of the archive's bytes: equal plans, and only they, have equal ones.

        A digest over all headers and the digests of all contents: known before a layer is read, and wrong
        only if a store lies, which verification then finds.
    */
    digest const& etag() const noexcept { return etag_; }

    friend bool operator==(plan const& a, plan const& b) noexcept { return a.etag_ == b.etag_ && a.size_ == b.size_; }

    /// Return where the layouts put a blob: `blobs/ALGORITHM/HEX`.
    static std::string blob_path(digest const& d)
    {
        std::string s = "blobs/";
        s.append(name_of(d.algorithm())).push_back('/');
        d.append_hex(s);
        return s;
    }

private:
    friend class plan_builder;

    struct record {
        std::uint64_t offset = 0;
        std::uint64_t size = 0;
        std::int64_t mtime = 0;
        std::uint32_t mode = 0;
        std::uint32_t header_size = 0;
        std::uint32_t item = 0;
        std::uint32_t name = 0;
        std::uint32_t comment = 0;
        std::uint16_t aligned_blocks = 0; // the alignment, in blocks
        entry_kind kind{};
        bool named = false;
    };

    // Precondition: no directory.
    digest const& content_of(record const& r) const noexcept
    {
        return r.kind == entry_kind::layer ? layers_[r.item].id : documents_[r.item].id;
    }

    std::string path_of(record const& r) const { return r.named ? names_[r.name] : blob_path(content_of(r)); }

    static entry_header header_of(std::string_view path, record const& r) noexcept
    {
        entry_header h{path, r.size, r.mtime, r.mode, r.kind == entry_kind::directory};
        h.comment = r.comment;
        return h;
    }

    struct rendered {
        std::string text;
        digest id; // empty for a further part
    };

    many<record> entries_;
    many<rendered> documents_;
    many<planned_layer> layers_;
    many<planned_image> images_;
    std::vector<left_out_layer> left_out_;
    std::vector<std::string> names_;
    std::uint64_t size_ = end_of_archive_size;
    digest etag_ = digest_of(std::string_view{});
};

} // namespace tarexport

#endif
