//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_PLAN_HPP
#define TAREXPORT_PLAN_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/detail/number_table.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/tar_header.hpp>

#include <boost/assert.hpp>
#include <boost/container/deque.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <set>
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
    Where a byte of the archive is decided: headers in `tar_header.hpp`, documents and order in the layout.

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

/** Puts a plan together, entry by entry, in the order in which they were added; with `sort`, in that of their paths; or with
    `sort_by_group`, in that of their groups.

    No path that is given is empty; there are fewer than 2^30 entries of each kind.

    @par Example
    @code
    plan_builder b;
    b.add_directory("blobs/", 0755, 0);
    b.add_document("oci-layout", text, 0644, 0);
    auto p = std::move(b).finish();          // result<plan>
    @endcode
*/
class plan_builder {
public:
    plan_builder() = default;

    /// Begin with what a plan has, in its order, all of it in group 0.
    explicit plan_builder(plan p) : plan_(std::move(p))
    {
        for(auto& r : plan_.entries_)
            r.offset = r.comment = 0;
        number_entries();
        number_blobs();
    }

    /// Add a directory; the path ends in a slash.
    void add_directory(std::string path, std::uint32_t mode, std::int64_t mtime)
    {
        BOOST_ASSERT(path.ends_with('/'));
        add(entry_kind::directory, 0, 0, mode, mtime, std::move(path));
    }

    /// Add a rendered document under a path.
    void add_document(std::string path, std::string text, std::uint32_t mode, std::int64_t mtime)
    {
        auto id = digest_of(text);
        add_rendered(std::move(text), id, mode, mtime, std::move(path));
    }

    /// Add a rendered document in front of the entry with a number, or at the end. Precondition: `at` is at most the number of entries.
    void insert_document(std::size_t at, std::string path, std::string text, std::uint32_t mode, std::int64_t mtime)
    {
        BOOST_ASSERT(at <= plan_.count());
        add_document(std::move(path), std::move(text), mode, mtime);
        auto& all = plan_.entries_;
        std::rotate(all.begin() + static_cast<std::ptrdiff_t>(at), all.end() - 1, all.end());
        number_entries();
    }

    /// Give a document another text. Precondition: entry `i` is a document under a path of its own, and in one part.
    void replace_document(std::size_t i, std::string text)
    {
        auto& r = plan_.entries_[i];
        BOOST_ASSERT(r.kind == entry_kind::document && r.named && plan_.documents_[r.item].text.size() == r.size);
        r.size = text.size();
        plan_.documents_[r.item].id = digest_of(text);
        plan_.documents_[r.item].text = std::move(text);
    }

    /// Add a rendered document that is in parts. Precondition: there is one at least, and none is empty.
    void add_long_document(std::string path, std::vector<std::string> parts, std::uint32_t mode, std::int64_t mtime)
    {
        BOOST_ASSERT(!parts.empty());
        sha256 whole;
        std::uint64_t size = 0;
        auto const first = plan_.documents_.size();
        for(auto& part : parts) {
            BOOST_ASSERT(!part.empty());
            whole.update(to_bytes(part));
            size += part.size();
            part.shrink_to_fit();
            plan_.documents_.push_back({std::move(part), {}});
        }
        plan_.documents_[first].id = whole.result();
        add(entry_kind::document, first, size, mode, mtime, std::move(path));
    }

    /** Add a rendered document under the path of its digest, where there may be a layer: the document takes its place.

        Whatever becomes of layers, what an archive says of itself is in it.

        @par Preconditions
        `id` is the digest of `text`, and no document has it.
    */
    void add_blob(std::string text, digest const& id, std::uint32_t mode, std::int64_t mtime)
    {
        BOOST_ASSERT(!has_document(id));
        if(has_blob(id))
            replaced_layers_.insert(id);
        add_rendered(std::move(text), id, mode, mtime, {});
    }

    /// Return whether something was added under the path of a digest.
    bool has_blob(digest const& id) const { return find_blob(id).has_value(); }

    /// Return whether a document was added under the path of a digest.
    bool has_document(digest const& id) const
    {
        auto const is = [&](std::uint32_t number) { return number % 2 == 0 && blob(number) == id; };
        return blobs_.find(std::hash<digest>()(id), is).has_value();
    }

    /// The numbers of blobs are less than this, so that a table can have numbers of its own beside.
    static constexpr std::uint32_t blob_limit = std::numeric_limits<std::uint32_t>::max() / 2;

    /// Return the number of what was added under the path of a digest: 4 bytes to keep in its place. Removing layers changes the numbers.
    std::optional<std::uint32_t> find_blob(digest const& id) const
    {
        return blobs_.find(std::hash<digest>()(id), [&](std::uint32_t number) { return blob(number) == id; });
    }

    /// Return the digest of what has a number. Precondition: `find_blob` has returned it, and no layer was removed since.
    digest const& blob(std::uint32_t number) const noexcept
    {
        // Even numbers are those of documents, odd ones those of layers.
        return number % 2 == 0 ? plan_.documents_[number / 2].id : plan_.layers_[number / 2].id;
    }

    /** Add a layer, under the path of its digest if no other is given.
        @return Its number in the plan.
    */
    std::size_t add_layer(planned_layer layer, std::uint32_t mode, std::int64_t mtime, std::string path = {})
    {
        auto const size = layer.size;
        plan_.layers_.push_back(std::move(layer));
        add(entry_kind::layer, plan_.layers_.size() - 1, size, mode, mtime, std::move(path));
        return plan_.layers_.size() - 1;
    }

    /// Remove the layers with certain digests; the others get new numbers. @param is Whether a digest is one of those.
    template<class Is>
    void remove_layers(Is is)
    {
        remove([&](plan::record const& r) { return is(plan_.content_of(r)); });
    }

    /** Let the data of entries that are added from now on begin at a multiple of so many bytes; 0 ends that.

        A PAX comment before the entry takes the room, so that a file system can share the blocks of a file with it.

        @par Preconditions
        A multiple of 512, and at most `alignment_limit`.
    */
    void align(std::uint32_t bytes)
    {
        BOOST_ASSERT(bytes % tar_block_size == 0 && bytes <= alignment_limit);
        aligned_blocks_ = static_cast<std::uint16_t>(bytes / tar_block_size);
    }

    /// Let `sort_by_group` put entries that are added from now on behind those of lesser groups.
    void group(std::uint8_t number) noexcept { group_ = number; }

    /// The largest alignment.
    static constexpr std::uint32_t alignment_limit = 65536;

    /// Add an image to the list that `plan::images()` returns.
    void add_image(planned_image image) { plan_.images_.push_back(std::move(image)); }

    /// Add a layer to the list that `plan::left_out()` returns.
    void add_left_out(left_out_layer layer) { plan_.left_out_.push_back(std::move(layer)); }

    /// Put the entries that were added so far in the order of their paths, byte by byte.
    void sort()
    {
        std::ranges::sort(plan_.entries_, [this](auto const& a, auto const& b) {
            // The paths of blobs are in the order of their digests.
            return a.named || b.named ? plan_.path_of(a) < plan_.path_of(b) : plan_.content_of(a) < plan_.content_of(b);
        });
        number_entries();
    }

    /// Put the entries that were added so far in the order of their groups; those of one stay in their order.
    void sort_by_group() { std::ranges::sort(plan_.entries_, {}, &plan::record::offset); }

    /** Compute the offsets and the identity.
        @return The plan; `unencodable_header` with the path, also where two entries have one, or `archive_too_large`.
    */
    result<plan> finish() &&
    {
        if(!replaced_layers_.empty())
            remove([this](plan::record const& r) { return !r.named && replaced_layers_.contains(plan_.content_of(r)); });
        blobs_ = {};
        constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
        std::string header;
        sha256 identity;
        std::uint64_t position = 0;
        detail::number_table paths;
        for(std::size_t i = 0; i != plan_.count(); ++i) {
            auto& r = plan_.entries_[i];
            if(!add_path(paths, static_cast<std::uint32_t>(i)))
                return failure{error::unencodable_header, plan_.path(i), "two entries have this path"};
            if(auto encoded = encode(header, i); !encoded)
                return encoded.error();
            if(auto const a = r.aligned_blocks * std::uint32_t{tar_block_size}; a != 0 && (position + header.size()) % a != 0)
                if(auto encoded = lengthen(header, i, position, a); !encoded)
                    return encoded.error();
            r.offset = position;
            r.header_size = static_cast<std::uint32_t>(header.size());
            auto const room = largest - position - end_of_archive_size;
            if(r.size > room || header.size() + tar_block_size > room - r.size)
                return failure{error::archive_too_large, plan_.path(i), {}};
            position += header.size() + padded_size(r.size);
            identity.update(to_bytes(header));
            identity.update(plan_.id(i).hash());
        }
        shrink();
        plan_.size_ = position + end_of_archive_size;
        plan_.etag_ = identity.result();
        return std::move(plan_);
    }

private:
    void add(entry_kind kind, std::size_t item, std::uint64_t size, std::uint32_t mode, std::int64_t mtime, std::string path)
    {
        BOOST_ASSERT(item < blob_limit / 2);
        plan::record r;
        r.kind = kind;
        r.item = static_cast<std::uint32_t>(item);
        r.size = size;
        r.mode = mode;
        r.mtime = mtime;
        if(!path.empty()) {
            r.named = true;
            r.name = static_cast<std::uint32_t>(plan_.names_.size());
            plan_.names_.push_back(std::move(path));
        }
        number_blob(r);
        r.aligned_blocks = aligned_blocks_;
        r.offset = std::uint64_t{group_} << group_shift | plan_.entries_.size();
        plan_.entries_.push_back(r);
    }

    // Removes layers: those of which `is` says so of the entry.
    template<class Is>
    void remove(Is is)
    {
        std::vector<std::uint32_t> numbers(plan_.layers_.size());
        for(auto const& r : plan_.entries_)
            if(r.kind == entry_kind::layer && is(r))
                numbers[r.item] = blob_limit;
        plan::many<planned_layer> left;
        for(auto& n : numbers) {
            if(n != blob_limit) {
                n = static_cast<std::uint32_t>(left.size());
                left.push_back(std::move(plan_.layers_.front()));
            }
            plan_.layers_.pop_front();
        }
        plan_.layers_ = std::move(left);
        for(auto& r : plan_.entries_)
            if(r.kind == entry_kind::layer)
                r.item = numbers[r.item];
        auto const gone = std::ranges::remove(plan_.entries_, blob_limit, &plan::record::item);
        plan_.entries_.erase(gone.begin(), gone.end());
        number_entries();
        number_blobs();
    }

    // Until they are known, offsets are the groups of the entries, and their places.
    void number_entries()
    {
        std::uint64_t n = 0;
        for(auto& r : plan_.entries_)
            r.offset = r.offset >> group_shift << group_shift | n++;
    }

    void number_blob(plan::record const& r)
    {
        if(!r.named && r.kind != entry_kind::directory)
            blobs_.add(r.item * 2 + (r.kind == entry_kind::layer ? 1 : 0), [this](auto n) { return std::hash<digest>()(blob(n)); });
    }

    void number_blobs()
    {
        blobs_ = {};
        for(auto const& r : plan_.entries_)
            number_blob(r);
    }

    // Returns whether it is new.
    bool add_path(detail::number_table& paths, std::uint32_t entry) const
    {
        auto const path = plan_.path(entry);
        if(paths.find(std::hash<std::string>()(path), [&](std::uint32_t n) { return plan_.path(n) == path; }))
            return false;
        paths.add(entry, [this](std::uint32_t n) { return std::hash<std::string>()(plan_.path(n)); });
        return true;
    }

    result<void> encode(std::string& header, std::size_t i) const
    {
        header.clear();
        return append_entry_header(header, plan::header_of(plan_.path(i), plan_.entries_[i]));
    }

    // Gives an entry the comment that lets its header end at the alignment.
    result<void> lengthen(std::string& header, std::size_t i, std::uint64_t position, std::uint32_t alignment)
    {
        constexpr std::uint32_t most_digits = 4; // that a longer comment adds to the number in front of its record
        auto& r = plan_.entries_[i];
        r.comment = 1;
        if(auto encoded = encode(header, i); !encoded)
            return encoded;
        auto const least = position + header.size();
        auto const more = static_cast<std::uint32_t>((alignment - least % alignment) % alignment);
        if(more == 0)
            return {};
        r.comment += more;
        if(auto encoded = encode(header, i); !encoded || position + header.size() == least + more)
            return encoded;
        // The digits took the first bytes of one block more.
        r.comment -= most_digits;
        auto encoded = encode(header, i);
        BOOST_ASSERT(!encoded || position + header.size() == least + more);
        return encoded;
    }

    // A plan is kept as long as its archive is written: without the room that was left for more.
    void shrink()
    {
        plan_.left_out_.shrink_to_fit();
        plan_.names_.shrink_to_fit();
    }

    void add_rendered(std::string text, digest const& id, std::uint32_t mode, std::int64_t mtime, std::string path)
    {
        text.shrink_to_fit();
        auto const size = text.size();
        plan_.documents_.push_back({std::move(text), id});
        add(entry_kind::document, plan_.documents_.size() - 1, size, mode, mtime, std::move(path));
    }

    static constexpr int group_shift = 32;

    plan plan_;
    detail::number_table blobs_;        // what is under the path of its digest
    std::set<digest> replaced_layers_;  // by documents
    std::uint16_t aligned_blocks_ = 0;  // of entries that are added
    std::uint8_t group_ = 0;            // of the same
};

} // namespace tarexport

#endif
