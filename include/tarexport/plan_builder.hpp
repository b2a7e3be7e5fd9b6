//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_PLAN_BUILDER_HPP
#define TAREXPORT_PLAN_BUILDER_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/detail/number_table.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/tar_header.hpp>

#include <boost/assert.hpp>

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
        number_paths();
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

    /** Add a rendered document under the path of its digest. If there is a layer, or will be, the document takes its place.

        So whatever becomes of layers, what an archive says of itself is in it.

        @par Preconditions
        `id` is the digest of `text`.
    */
    void add_blob(std::string text, digest const& id, std::uint32_t mode, std::int64_t mtime)
    {
        if(has(id, true))
            replaced_layers_.insert(id);
        add_rendered(std::move(text), id, mode, mtime, {});
    }

    /// Return whether something was added under the path of a digest.
    bool has_blob(digest const& id) const { return find_blob(id).has_value(); }

    /// Return whether a document was added under the path of a digest.
    bool has_document(digest const& id) const { return has(id, false); }

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
        if(path.empty() && has_document(layer.id))
            replaced_layers_.insert(layer.id);
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
        compare_names_with_blobs();
        if(twice_)
            return failure{error::unencodable_header, *twice_, "two entries have this path"};
        blobs_ = {};
        names_ = {};
        constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
        std::string header;
        sha256 identity;
        std::uint64_t position = 0;
        for(std::size_t i = 0; i != plan_.count(); ++i) {
            auto& r = plan_.entries_[i];
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
        number_path(r);
        r.aligned_blocks = aligned_blocks_;
        r.offset = std::uint64_t{group_} << group_shift | plan_.entries_.size();
        plan_.entries_.push_back(r);
    }

    bool has(digest const& id, bool layer) const
    {
        auto const is = [&](std::uint32_t number) { return (number % 2 != 0) == layer && blob(number) == id; };
        return blobs_.find(std::hash<digest>()(id), is).has_value();
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
        number_paths();
    }

    // Until they are known, offsets are the groups of the entries, and their places.
    void number_entries()
    {
        std::uint64_t n = 0;
        for(auto& r : plan_.entries_)
            r.offset = r.offset >> group_shift << group_shift | n++;
    }

    void number_paths()
    {
        twice_.reset();
        names_ = {};
        blobs_ = {};
        for(auto const& r : plan_.entries_)
            number_path(r);
    }

    void number_path(plan::record const& r)
    {
        if(r.named)
            return number_name(r.name);
        bool const is_layer = r.kind == entry_kind::layer;
        if(has(plan_.content_of(r), is_layer))
            twice_ = plan_.path_of(r);
        else
            blobs_.add(r.item * 2 + (is_layer ? 1 : 0), [this](auto n) { return std::hash<digest>()(blob(n)); });
    }

    void number_name(std::uint32_t number)
    {
        auto const& all = plan_.names_;
        auto const hash = [&](std::uint32_t n) { return std::hash<digest>()(digest_of(all[n])); }; // nobody can choose many that are alike
        if(names_.find(hash(number), [&](std::uint32_t n) { return all[n] == all[number]; }))
            twice_ = all[number];
        else
            names_.add(number, hash);
    }

    // Finds one that was given and is that of a blob too.
    void compare_names_with_blobs()
    {
        constexpr std::string_view blobs = "blobs/";
        for(auto const& r : plan_.entries_) {
            if(!r.named || !plan_.names_[r.name].starts_with(blobs))
                continue;
            auto const& path = plan_.names_[r.name];
            auto text = path.substr(blobs.size());
            if(auto const slash = text.find('/'); slash != text.npos)
                text[slash] = ':';
            if(auto const id = tarexport::parse_digest(text); id && has_blob(*id) && plan::blob_path(*id) == path)
                twice_ = path;
        }
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
    std::optional<std::string> twice_;  // a path that two entries have
    detail::number_table names_;        // paths that are given
    detail::number_table blobs_;        // what is under the path of its digest
    std::set<digest> replaced_layers_;  // by documents
    std::uint16_t aligned_blocks_ = 0;  // of entries that are added
    std::uint8_t group_ = 0;            // of the same
};

} // namespace tarexport

#endif
