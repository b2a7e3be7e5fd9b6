//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_ARCHIVE_INDEX_HPP
#define TAREXPORT_DETAIL_ARCHIVE_INDEX_HPP

#include <tarexport/detail/clean_path.hpp>
#include <tarexport/detail/short_list.hpp>
#include <tarexport/error.hpp>
#include <tarexport/tar_header.hpp>
#include <tarexport/tar_reader.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport::detail {

// What others wrote, as it may stand in a message.
inline std::string shown(std::string_view text)
{
    short_list s;
    s.add(text);
    return s.str();
}

/// How much of an archive's headers is kept.
struct archive_limits {
    std::size_t entries = 250'000;
    std::size_t names = std::size_t{64} << 20; ///< bytes, of names and link targets together
};

/// The bytes of a file in an archive.
struct archive_extent {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;

    friend bool operator==(archive_extent const&, archive_extent const&) = default;
};

/** Where the files of a tar archive are: made in one pass over the headers, the data is passed over.

    Names are cleaned: `./a//b` is `a/b`, and `/a` is `a`. Of entries with one name the last counts, as if the archive were extracted. Links are followed within the archive,
    whose root no target can leave; a hard link is what its target was when it came.
*/
class archive_index {
public:
    /** Read the headers.

        @param path What the archive is called, for an error.
        @return The index; `invalid_header`, `truncated_archive`, `limit_exceeded` or an error of the source, with the entry as subject.
    */
    template<layer_source Source>
    static result<archive_index> read(Source source, std::string path, archive_limits const& limits = {})
    {
        archive_index index(std::move(path), limits);
        tar_reader<Source> reader(std::move(source));
        for(;;) {
            auto const more = reader.next();
            if(!more) {
                auto why = more.error();
                why.subject = why.subject.empty() ? index.path_ : index.subject(why.subject);
                return why;
            }
            if(!*more)
                return index;
            if(auto added = index.add(reader.entry()); !added)
                return std::move(added).error();
        }
    }

    /// Return what a path is called in an error.
    std::string subject(std::string_view path) const { return path_ + "/" + shown(path); }

    /// Return whether the archive has no entries.
    bool empty() const noexcept { return entries_.empty(); }

    /// Return whether there is an entry of this name, of whatever kind.
    bool has(std::string_view name) const { return entries_.contains(name); }

    /** Find a file.

        @param path As a document of the archive has it: from the root, with or without a slash.
        @return Its bytes; `missing_blob`, `not_a_regular_file` (also links that lead in a circle), or `invalid_document` where the path leads out of the archive.
    */
    result<archive_extent> find(std::string_view path) const
    {
        auto name = detail::clean_path(path.substr(path.starts_with('/') ? 1 : 0));
        if(name == ".." || name.starts_with("../"))
            return failure{error::invalid_document, subject(path), "the path leads out of the archive"};
        for(int links = 0; links <= most_links; ++links) {
            if(name.size() > longest_path)
                return failure{error::missing_blob, subject(path), "a path of more than " + std::to_string(longest_path) + " bytes"};
            auto const found = entries_.find(name);
            if(found == entries_.end()) {
                auto through = through_link(name);
                if(!through)
                    return failure{error::missing_blob, subject(path),
                        links == 0 ? "no such entry" : "a link to " + shown(name) + ", and there is no such entry"};
                name = *std::move(through);
                continue;
            }
            auto const& e = found->second;
            switch(e.kind) {
            case entry_kind::file: return e.place;
            case entry_kind::symlink: name = target_of(name, e.target); break;
            case entry_kind::hard_link: name = from_root(e.target); break;
            case entry_kind::sparse:
                return failure{
                    error::not_a_regular_file, subject(name), "its data has holes; make the archive without sparse files"};
            case entry_kind::other: return failure{error::not_a_regular_file, subject(name), {}};
            }
        }
        return failure{error::not_a_regular_file, subject(path), "more than " + std::to_string(most_links) + " links lead on from it"};
    }

    /// Return the directories of the root that have a file of this name, sorted.
    std::vector<std::string> directories_with(std::string_view file) const
    {
        std::vector<std::string> found;
        for(auto const& [name, e] : entries_)
            if(auto const slash = name.find('/'); slash != std::string::npos && std::string_view(name).substr(slash + 1) == file)
                found.push_back(name.substr(0, slash));
        return found;
    }

    /// Return what the headers have that a reader of names alone does not see, a sentence each.
    std::vector<std::string> remarks() const
    {
        std::vector<std::string> all;
        if(!twice_.empty())
            all.push_back("of entries with one name the last counts: " + twice_.str());
        if(!outside_.empty())
            all.push_back("entries that lead out of the archive are passed over: " + outside_.str());
        return all;
    }

private:
    // As the kernel has it.
    static constexpr int most_links = 40;
    static constexpr std::size_t longest_path = 4096;

    enum class entry_kind : std::uint8_t { file, symlink, hard_link, sparse, other };

    struct entry {
        entry_kind kind{};
        archive_extent place = {};
        std::string target = {}; // of a link
    };

    archive_index(std::string path, archive_limits const& limits) : path_(std::move(path)), limits_(limits) {}

    result<void> add(tar_entry const& from)
    {
        auto const& h = from.header;
        if(h.typeflag == tar_type::global)
            return {};
        auto name = detail::clean_path(std::string_view(h.name).substr(h.name.starts_with('/') ? 1 : 0));
        if(name == "." || name == "/")
            return {};
        if(name == ".." || name.starts_with("../")) {
            outside_.add(h.name);
            return {};
        }
        auto e = entry_of(from);
        names_size_ += name.size() + e.target.size();
        auto const [known, is_new] = entries_.try_emplace(std::move(name));
        if(!is_new && (known->second.kind != entry_kind::other || e.kind != entry_kind::other))
            twice_.add(known->first);
        known->second = std::move(e);
        if(entries_.size() <= limits_.entries && names_size_ <= limits_.names)
            return {};
        return failure{error::limit_exceeded, path_,
            "more than " + std::to_string(limits_.entries) + " entries, or names of more than " + std::to_string(limits_.names) +
                " bytes; it does not look like an archive of images"};
    }

    entry entry_of(tar_entry const& from) const
    {
        auto const& h = from.header;
        switch(h.typeflag) {
        case tar_type::regular:
        case tar_type::contiguous:
        case tar_type::gnu_sparse:
            return {from.sparse ? entry_kind::sparse : entry_kind::file, {from.data_offset, from.stored_size}, {}};
        case tar_type::symlink: return {entry_kind::symlink, {}, h.link_name};
        case tar_type::hard_link:
            if(auto const known = entries_.find(from_root(h.link_name)); known != entries_.end() && known->second.kind != entry_kind::other)
                return known->second;
            return {entry_kind::hard_link, {}, h.link_name};
        default: return {entry_kind::other, {}, {}};
        }
    }

    // The name of a path from the root; what would lead above stays there.
    static std::string from_root(std::string_view path)
    {
        return detail::clean_path(std::string("/").append(path)).substr(1);
    }

    static std::string target_of(std::string_view link, std::string_view target)
    {
        if(target.starts_with('/'))
            return from_root(target);
        auto const slash = link.rfind('/');
        return from_root(std::string(link.substr(0, slash == link.npos ? 0 : slash)).append("/").append(target));
    }

    // Where a path goes on whose way is a symlink to a directory.
    std::optional<std::string> through_link(std::string_view name) const
    {
        for(auto slash = name.find('/'); slash != name.npos; slash = name.find('/', slash + 1)) {
            auto const found = entries_.find(name.substr(0, slash));
            if(found != entries_.end() && found->second.kind == entry_kind::symlink)
                return from_root(target_of(found->first, found->second.target).append(name.substr(slash)));
        }
        return std::nullopt;
    }

    std::string path_;
    archive_limits limits_;
    std::map<std::string, entry, std::less<>> entries_;
    std::size_t names_size_ = 0;
    short_list twice_;
    short_list outside_;
};

} // namespace tarexport::detail

#endif
