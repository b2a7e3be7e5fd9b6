//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_VERIFY_FACTS_HPP
#define TAREXPORT_DETAIL_VERIFY_FACTS_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/detail/clean_path.hpp>
#include <tarexport/detail/compression_magic.hpp>
#include <tarexport/detail/posix_spool.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/tar_header.hpp>
#include <tarexport/verification.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tarexport::detail {

inline finding make_finding(severity level, finding_code code, std::string_view subject, std::string sentence)
{
    constexpr std::size_t longest = 300; // of what the archive itself says
    return {level, code, std::string(subject.substr(0, longest)), std::move(sentence)};
}

/// Return the code for a document that cannot be read. Of what goes beyond a limit nobody knows whether it is good.
inline finding_code code_of(failure const& why, finding_code otherwise) noexcept
{
    return why.code == tarexport::error::limit_exceeded ? finding_code::limit : otherwise;
}

/// Takes findings, and keeps as many as there is room for.
class finding_list {
public:
    finding_list(verification& to, std::size_t most) : to_(to), most_(most) {}

    void add(finding f)
    {
        bool const first_limit = !limited_ && f.code == finding_code::limit;
        limited_ = limited_ || first_limit;
        if(f.level == severity::error)
            ++to_.errors;
        if(to_.findings.size() != most_)
            return to_.findings.push_back(std::move(f));
        ++to_.more_findings;
        if(first_limit && most_ != 0) // of these one is kept in any case: it says how far the others go
            to_.findings.back() = std::move(f);
    }

    void add(severity level, finding_code code, std::string_view subject, std::string sentence)
    {
        add(detail::make_finding(level, code, subject, std::move(sentence)));
    }

    void error(finding_code c, std::string_view subject, std::string s) { add(severity::error, c, subject, std::move(s)); }
    void warning(finding_code c, std::string_view subject, std::string s) { add(severity::warning, c, subject, std::move(s)); }
    void remark(finding_code c, std::string_view subject, std::string s) { add(severity::remark, c, subject, std::move(s)); }

    /// Return whether there is one with the code `limit`.
    bool limited() const noexcept { return limited_; }

private:
    verification& to_;
    std::size_t most_;
    bool limited_ = false;
};

/// Return the digest that a path promises (`blobs/sha256/HEX`), or nothing.
inline std::optional<digest> promised_digest(std::string_view path)
{
    if(!path.starts_with("blobs/"))
        return std::nullopt;
    std::string text(path.substr(6));
    auto const slash = text.find('/');
    if(slash == std::string::npos)
        return std::nullopt;
    text[slash] = ':';
    auto const d = tarexport::parse_digest(text);
    return d ? std::optional(*d) : std::nullopt;
}

/// What the data of an entry tells.
struct content_facts {
    std::string fault;         ///< why its compressed data could not be read to its end
    std::string tar_fault;     ///< why it is no tar archive, if it was looked at as one
    bool beyond = false;       ///< the fault, or else the one of the tar archive, is only that it is more than is read
    digest id;                 ///< sha256 of its data; empty where it has none, or where it was not read
    digest named;              ///< the digest of another algorithm, where its path names one
    digest diff_id;            ///< sha256 of its data when decompressed, as far as that could be read
    compression packed = compression::none;
};

/// What one pass over the archive tells of an entry.
struct entry_facts : content_facts {
    std::string name;          ///< as it stands
    std::string path;          ///< where it is unpacked to: cleaned, and below the root whatever the name says
    std::string cleaned;       ///< the name, cleaned; empty where that is `path`
    std::string link;          ///< as it stands
    std::shared_ptr<spooled_bytes const> text; ///< of a document
    std::uint64_t size = 0;
    char type = tar_type::regular;
    bool unread = false;        ///< it has the name of a document, or looks like one, and is more than is read of those
    bool before_target = false; ///< a hard link to what comes later, or never

    bool is_file() const noexcept { return !id.empty(); }

    /// Return whether the name, cleaned, is this. Cleaning it for each that asks would take long: it may have a megabyte.
    bool is_called(std::string_view other) const noexcept { return other == (cleaned.empty() ? path : cleaned); }
};

/// All entries of an archive, which can be found as loaders find them.
class archive_facts {
public:
    std::optional<failure> fault;        ///< why reading ended before the end
    compression packed = compression::none; ///< the whole archive
    std::string packed_fault;            ///< why it could not be decompressed to its end
    bool cut_short = false;              ///< by a limit, or by a compression that is not read
    bool out_of_place = false;           ///< a name or link leads out of the folder
    bool odd = false;                    ///< an entry of a type that engines do not unpack
    bool broken_hard_link = false;

    std::deque<entry_facts> const& entries() const noexcept { return entries_; }

    entry_facts& add(entry_facts e)
    {
        has_links_ = has_links_ || e.type == tar_type::symlink || e.type == tar_type::hard_link;
        auto const n = entries_.size();
        auto& kept = entries_.emplace_back(std::move(e));
        auto const [at, fresh] = paths_.try_emplace(kept.path, span_of{n, n});
        at->second.last = n;
        return kept;
    }

    bool has(std::string_view path) const { return paths_.contains(path); }

    /// Return the last entry of a path, without following links; null if there is none.
    entry_facts const* last(std::string_view path) const
    {
        auto const at = paths_.find(path);
        return at == paths_.end() ? nullptr : &entries_[at->second.last];
    }

    /// Return the first entry of a path, without following links; null if there is none.
    entry_facts const* first(std::string_view path) const
    {
        auto const at = paths_.find(path);
        return at == paths_.end() ? nullptr : &entries_[at->second.first];
    }

    /// Return the entry that a path leads to once the archive is unpacked, through links and the last of equal names; null
    /// if there is none, or if links lead in a circle.
    entry_facts const* unpacked(std::string_view path) const
    {
        auto rest = detail::clean_path(std::string("/").append(path));
        if(!has_links_)
            return last(std::string_view(rest).substr(1));
        std::string done;
        for(std::size_t hops = 0; hops != most_hops;) {
            work_ += rest.size() + 64;
            if(rest.size() > longest_path || is_spent())
                return nullptr;
            if(rest.empty() || rest == "/") {
                auto const* const e = last(done);
                if(!e || e->type != tar_type::hard_link)
                    return e;
                ++hops;
                work_ += e->link.size();
                rest = detail::clean_path("/" + e->link);
                done.clear();
                continue;
            }
            auto const slash = rest.find('/', 1);
            auto const next = (done.empty() ? std::string() : done + "/") + rest.substr(1, slash == std::string::npos ? slash : slash - 1);
            auto tail = slash == std::string::npos ? std::string() : rest.substr(slash);
            auto const* const e = last(next);
            if(!e || e->type != tar_type::symlink) {
                done = next;
                rest = std::move(tail);
                continue;
            }
            ++hops;
            work_ += e->link.size();
            auto const slash_before = next.rfind('/');
            auto const folder = slash_before == std::string::npos ? std::string("/") : "/" + next.substr(0, slash_before + 1);
            rest = detail::clean_path((e->link.starts_with('/') ? e->link : folder + e->link) + tail);
            done.clear();
        }
        return nullptr;
    }

    /// Return whether so many links have been followed that no more will be: what is looked for since then may be there.
    bool is_spent() const noexcept { return work_ > most_work; }

    /// Return the first entry whose name is a path, as containers/image looks for it, and that of a symlink if wanted; or null.
    entry_facts const* component(std::string_view path, bool follow) const
    {
        auto const wanted = detail::clean_path(path);
        auto const* const e = first(detail::clean_path("/" + wanted).substr(1));
        if(!e || !e->is_called(wanted))
            return nullptr;
        if(e->type != tar_type::symlink || !follow)
            return e;
        auto const slash = wanted.rfind('/');
        return component((slash == std::string::npos ? std::string() : wanted.substr(0, slash + 1)) + e->link, false);
    }

    /// Return the regular file that a path leads to, or null.
    entry_facts const* file(std::string_view path) const
    {
        auto const* const e = unpacked(path);
        return e && e->is_file() ? e : nullptr;
    }

    /// Read a document. @return Its text; `limit_exceeded` or `invalid_json` if it was not kept, or an error of reading it again.
    static result<std::string> read(entry_facts const& e)
    {
        if(e.unread)
            return failure{error::limit_exceeded, e.name, "a document of " + std::to_string(e.size) + " bytes is not read"};
        if(!e.text)
            return failure{error::invalid_json, e.name, "not a JSON document"};
        std::string text(static_cast<std::size_t>(e.size), '\0');
        auto source = spooled_bytes::open(e.text, 0, e.name);
        for(std::size_t n = 0; n != text.size();) {
            error_code ec;
            auto const some = source.read_some(std::as_writable_bytes(std::span(text).subspan(n)), ec);
            if(ec || some == 0)
                return failure{ec ? ec : make_error_code(error::truncated_archive), e.name, "reading what was spooled"};
            n += some;
        }
        return text;
    }

private:
    struct span_of {
        std::size_t first;
        std::size_t last;
    };

    static constexpr std::size_t most_hops = 255;      // as the engine has it
    static constexpr std::size_t longest_path = 4096;  // that Linux takes
    static constexpr std::uint64_t most_work = std::uint64_t{1} << 27; // bytes of paths that are gone through, over all

    std::deque<entry_facts> entries_;
    bool has_links_ = false;
    std::uint64_t mutable work_ = 0;
    std::unordered_map<std::string_view, span_of> paths_; // of strings in the entries, which stay where they are
};

} // namespace tarexport::detail

#endif
