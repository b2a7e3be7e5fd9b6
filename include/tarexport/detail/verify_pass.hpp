//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_VERIFY_PASS_HPP
#define TAREXPORT_DETAIL_VERIFY_PASS_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/detail/clean_path.hpp>
#include <tarexport/detail/expanding_source.hpp>
#include <tarexport/detail/posix_spool.hpp>
#include <tarexport/detail/verify_facts.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/observer.hpp>
#include <tarexport/tar_reader.hpp>
#include <tarexport/verification.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace tarexport::detail {

/// Lends a source to a reader that wants its own.
template<layer_source Source>
struct source_ref {
    Source* source;

    std::size_t read_some(std::span<std::byte> into, error_code& ec) { return source->read_some(into, ec); }

    std::uint64_t skip(std::uint64_t n, error_code& ec)
    requires skipping_source<Source>
    {
        return source->skip(n, ec);
    }
};

/// Hashes what a source gives. Each of the bytes is given to every sink once, in order, in the buffer they were read to.
template<layer_source Source>
class hashing_source {
public:
    static constexpr std::size_t buffer_size = std::size_t{128} << 10;

    explicit hashing_source(Source& source) : source_(&source) {}

    /// Compute the digest of a second algorithm, too.
    void also(digest_algorithm a) { second_.start(a); }

    /// Compute nothing.
    void be_idle() { first_.reset(); }

    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        auto const n = source_->read_some(into, ec);
        auto const bytes = bytes_view(into).first(n);
        if(first_)
            first_->update(bytes);
        second_.update(bytes);
        count_ += n;
        return n;
    }

    /// Read at most `n` bytes for nothing but their hash.
    std::uint64_t skip(std::uint64_t n, error_code& ec)
    {
        if(!buffer_)
            buffer_ = std::make_unique_for_overwrite<std::byte[]>(buffer_size);
        return read_some({buffer_.get(), static_cast<std::size_t>(std::min<std::uint64_t>(n, buffer_size))}, ec);
    }

    /// Read all that is left.
    error_code drain()
    {
        error_code ec;
        while(skip(buffer_size, ec) != 0)
            continue;
        return ec;
    }

    std::uint64_t count() const noexcept { return count_; }
    digest result() { return first_ ? first_->result() : digest(); }
    digest second() { return second_.result().value_or(digest()); }

private:
    Source* source_;
    std::optional<sha256> first_{std::in_place};
    hash_set<sha256, sha384, sha512>::hasher second_;
    std::unique_ptr<std::byte[]> buffer_;
    std::uint64_t count_ = 0;
};

/// Notices bytes that are not zero in a range of positions.
template<layer_source Source>
class padding_watch {
public:
    explicit padding_watch(Source& source) : source_(&source) {}

    /// Expect zeros from one position to another.
    void expect_zeros(std::uint64_t from, std::uint64_t to) noexcept { from_ = from, to_ = to; }

    /// Return whether there were others, and forget it.
    bool was_dirty() noexcept { return std::exchange(dirty_, false); }

    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        auto const n = source_->read_some(into, ec);
        auto const begin = std::max(from_, position_), end = std::min(to_, position_ + n);
        if(begin < end) {
            auto const zeros = into.subspan(static_cast<std::size_t>(begin - position_), static_cast<std::size_t>(end - begin));
            dirty_ = dirty_ || std::ranges::any_of(zeros, [](std::byte b) { return b != std::byte{0}; });
        }
        position_ += n;
        return n;
    }

private:
    Source* source_;
    std::uint64_t from_ = 0;
    std::uint64_t to_ = 0;
    std::uint64_t position_ = 0;
    bool dirty_ = false;
};

// Its size does not matter: it is what readers open by its name.
inline bool has_document_name(std::string_view path) noexcept
{
    return path == "manifest.json" || path == "index.json" || path == "oci-layout" || path == "repositories" || path == "thin.json" ||
           path.ends_with("/json");
}

inline bool looks_like_json(std::string_view first) noexcept
{
    auto const at = first.find_first_not_of(" \t\r\n");
    return at != std::string_view::npos && (first[at] == '{' || first[at] == '[');
}

/// Reads an archive once, from front to back, and keeps what is to be known of each entry.
template<layer_source Source, observer Observer>
class archive_pass {
public:
    archive_pass(Source& source, verify_options const& options, Observer& o, verification& to, finding_list& findings)
        : options_(options)
        , observer_(o)
        , to_(to)
        , findings_(findings)
        , budget_{options.expanded, options.ratio, options.window}
        , spool_(std::make_shared<spool_area>(options.memory, options.spool_directory))
        , whole_(source)
        , expanded_(whole_, budget_)
        , watch_(expanded_)
    {
    }

    /// @return The facts; or why the source, or the file for documents, could not be used.
    result<archive_facts> run()
    {
        facts_.packed = expanded_.detect();
        to_.compression = name_of(facts_.packed);
        tar_reader<source_ref<padding_watch<expanding>>> reader({&watch_});
        auto done = facts_.packed == packing::xz ? refuse_xz() : read_entries(reader);
        if(!done)
            return done.error();
        if(auto const& why = expanded_.why(); why.code.failed() && !expanded_.is_damaged())
            return failure{why.code, "archive", {}};
        if(auto const ec = whole_.drain())
            return failure{ec, "archive", {}};
        to_.bytes = whole_.count();
        to_.id = whole_.result();
        return std::move(facts_);
    }

private:
    using expanding = expanding_source<hashing_source<Source>>;

    result<void> refuse_xz()
    {
        facts_.cut_short = true;
        findings_.error(finding_code::unchecked, "archive", "compressed with xz, which is not read here: decompress it first");
        return {};
    }

    template<class Reader>
    result<void> read_entries(Reader& reader)
    {
        if(facts_.packed != packing::none)
            findings_.remark(finding_code::compressed_archive, "archive", "the whole archive is compressed with " + to_.compression);
        std::uint64_t end = 0;
        for(;;) {
            auto const more = reader.next();
            note_padding();
            if(!more) {
                note_fault(more.error());
                return {};
            }
            if(!*more)
                break;
            auto const& e = reader.entry();
            end = padded_size(e.data_offset + e.stored_size);
            if(!has_room(e)) {
                facts_.cut_short = true;
                return {};
            }
            watch_.expect_zeros(e.data_offset + e.stored_size, end);
            auto done = read_entry(reader);
            if(!done)
                return done;
        }
        note_end(reader.position() < end ? 0 : reader.position() - end);
        return {};
    }

    void note_padding()
    {
        if(watch_.was_dirty() && !facts_.entries().empty())
            findings_.warning(finding_code::dirty_padding, facts_.entries().back().name, "what fills its last block is not zeros");
    }

    void note_fault(failure const& f)
    {
        if(expanded_.is_damaged()) {
            facts_.packed_fault = expanded_.why().detail;
            findings_.error(finding_code::damaged_compression, "archive", facts_.packed_fault);
        }
        else if(f.code == error::truncated_archive) {
            findings_.error(finding_code::truncated, f.subject.empty() ? "archive" : f.subject, "the archive is cut off: " + f.detail);
        }
        else if(f.code == error::limit_exceeded) {
            findings_.error(finding_code::limit, f.subject.empty() ? "archive" : f.subject, f.detail);
        }
        else {
            findings_.error(finding_code::bad_header, f.subject.empty() ? "archive" : f.subject,
                f.detail + "; nothing behind it can be read");
        }
        facts_.fault = f;
    }

    // `zeros` is what the reader took behind the last entry.
    void note_end(std::uint64_t zeros)
    {
        if(zeros < end_of_archive_size)
            findings_.warning(finding_code::no_end_blocks, "archive",
                zeros == 0 ? "the two blocks of zeros that end an archive are missing" : "only one block of zeros ends the archive");
        std::uint64_t const all = ~std::uint64_t{0};
        watch_.expect_zeros(0, all);
        hashing_source<padding_watch<expanding>> rest(watch_);
        rest.be_idle();
        static_cast<void>(rest.drain());
        if(watch_.was_dirty())
            findings_.warning(finding_code::trailing_data, "archive",
                std::to_string(rest.count()) + " bytes follow the end of the archive; readers do not look at them");
        if(expanded_.is_damaged()) {
            facts_.packed_fault = expanded_.why().detail;
            findings_.error(finding_code::damaged_compression, "archive", facts_.packed_fault);
        }
    }

    bool has_room(tar_entry const& e)
    {
        names_ += e.header.name.size() + e.header.link_name.size();
        std::string what;
        if(facts_.entries().size() == options_.entries)
            what = "more than " + std::to_string(options_.entries) + " entries";
        else if(names_ > options_.names)
            what = "more than " + std::to_string(options_.names) + " bytes of names";
        if(what.empty())
            return true;
        findings_.error(finding_code::limit, "archive", what + ": the rest was not checked");
        return false;
    }

    template<class Reader>
    result<void> read_entry(Reader& reader)
    {
        auto const& h = reader.entry().header;
        ++to_.entries;
        if(h.typeflag == tar_type::global)
            return {};
        entry_facts e;
        e.name = h.name;
        e.path = detail::clean_path("/" + h.name).substr(1);
        e.type = h.typeflag == tar_type::contiguous ? tar_type::regular : h.typeflag;
        e.link = h.link_name;
        e.size = static_cast<std::uint64_t>(std::max<std::int64_t>(h.size, 0));
        check_entry(h, e);
        if(facts_.has(e.path) && e.type != tar_type::directory)
            findings_.warning(finding_code::duplicate_entry, e.name, "the name occurs again; engines unpack the last, others take the first");
        auto& kept = facts_.add(std::move(e));
        auto const index = facts_.entries().size() - 1;
        if constexpr(observes<Observer>)
            observer_(event(entry_begun{index, kept.name, reader.entry().data_offset, reader.entry().stored_size}));
        // The holes of a sparse file may be larger than all memory and disks.
        if(reader.entry().sparse)
            findings_.warning(finding_code::odd_entry, kept.name, "a sparse file: its bytes are not checked");
        else if(kept.type == tar_type::regular)
            if(auto done = read_content(reader, kept); !done)
                return done;
        if constexpr(observes<Observer>)
            observer_(event(entry_done{index, kept.name, kept.id, kept.is_file()}));
        return {};
    }

    void check_entry(tar_header const& h, entry_facts& e)
    {
        auto const cleaned = detail::clean_path(h.name);
        if(cleaned == ".." || cleaned.starts_with("../")) {
            facts_.out_of_place = true;
            findings_.error(finding_code::outside_name, e.name, "the name leads out of the folder that the archive is unpacked to");
        }
        bool const known = e.type == tar_type::regular || e.type == tar_type::directory || e.type == tar_type::symlink ||
                           e.type == tar_type::hard_link;
        if(!known || h.typeflag == tar_type::contiguous) {
            facts_.odd = facts_.odd || !is_device(e.type);
            findings_.warning(finding_code::odd_entry, e.name, "neither a file nor a directory nor a link");
        }
        if(e.type == tar_type::hard_link)
            check_hard_link(e);
        if(e.type == tar_type::symlink && !e.link.starts_with('/'))
            check_symlink(e);
    }

    static bool is_device(char type) noexcept
    {
        return type == tar_type::character_device || type == tar_type::block_device || type == tar_type::fifo;
    }

    void check_hard_link(entry_facts& e)
    {
        auto const to = detail::clean_path(e.link);
        if(to == ".." || to.starts_with("../")) {
            facts_.out_of_place = true;
            findings_.error(finding_code::outside_name, e.name, "a link that leads out of the archive");
        }
        e.before_target = !facts_.has(detail::clean_path("/" + e.link).substr(1));
        if(e.before_target) {
            facts_.broken_hard_link = true;
            findings_.error(finding_code::broken_link, e.name, "a hard link to what does not come before it");
        }
    }

    void check_symlink(entry_facts const& e)
    {
        auto const slash = e.path.rfind('/');
        auto const to = detail::clean_path((slash == std::string::npos ? std::string() : e.path.substr(0, slash + 1)) + e.link);
        if(to == ".." || to.starts_with("../")) {
            facts_.out_of_place = true;
            findings_.error(finding_code::outside_name, e.name, "a link that leads out of the archive");
        }
    }

    template<class Reader>
    result<void> read_content(Reader& reader, entry_facts& e)
    {
        source_ref<Reader> data{&reader};
        hashing_source<source_ref<Reader>> hashed(data);
        auto const promised = detail::promised_digest(e.path);
        if(promised && promised->algorithm() != digest_algorithm::sha256)
            hashed.also(promised->algorithm());
        expanding_source<hashing_source<source_ref<Reader>>> bytes(hashed, budget_);
        e.packed = bytes.detect();
        bool const document = detail::has_document_name(e.path) || detail::looks_like_json(bytes.first());
        if(document && e.packed == packing::none) {
            if(auto done = keep(bytes, e); !done)
                return done;
        }
        else {
            look_inside(bytes, e);
        }
        // An error here is one of the archive, and `next` will tell it again.
        if(hashed.drain())
            return {};
        e.id = hashed.result();
        e.named = hashed.second();
        if(e.packed == packing::none)
            e.diff_id = e.id;
        auto const& is = promised && promised->algorithm() != digest_algorithm::sha256 ? e.named : e.id;
        if(promised && *promised != is)
            findings_.error(finding_code::digest_mismatch, e.name, "its bytes have the digest " + is.str());
        return {};
    }

    // Puts a document aside. One that is too large is hashed only.
    template<class Bytes>
    result<void> keep(Bytes& bytes, entry_facts& e)
    {
        constexpr std::uint64_t longest = std::uint64_t{8} << 20;
        bool const room = documents_ + e.size <= options_.documents;
        if(e.size > longest || !room) {
            if(detail::has_document_name(e.path) || !room)
                findings_.error(finding_code::limit, e.name, !room ? "more than " + std::to_string(options_.documents) + " bytes of documents"
                                                                   : "a document of more than " + std::to_string(longest) + " bytes is not read");
            return {};
        }
        documents_ += e.size;
        spooled_bytes::writer out(spool_);
        hashing_source<Bytes> all(bytes);
        all.be_idle();
        auto const buffer = std::make_unique_for_overwrite<std::byte[]>(all.buffer_size);
        error_code ec;
        while(auto const n = all.read_some({buffer.get(), all.buffer_size}, ec))
            if(auto why = out.write({buffer.get(), n}); why.code.failed())
                return why;
        if(!ec)
            e.text = out.finish();
        return {};
    }

    // What a layer is: its plain bytes' digest, and whether they are a tar archive.
    template<class Bytes>
    void look_inside(Bytes& bytes, entry_facts& e)
    {
        hashing_source<Bytes> plain(bytes);
        if(e.packed == packing::none || e.packed == packing::xz)
            plain.be_idle();
        if(e.packed != packing::xz) {
            tar_reader<source_ref<hashing_source<Bytes>>> inner({&plain});
            for(;;) {
                auto const more = inner.next();
                if(!more)
                    e.tar_fault = more.error().detail.empty() ? more.error().code.message() : more.error().detail;
                if(!more || !*more)
                    break;
            }
        }
        static_cast<void>(plain.drain());
        if(bytes.is_damaged())
            e.fault = bytes.why().detail; // whether it matters depends on what refers to it
        if(e.packed != packing::xz)
            e.diff_id = plain.result();
    }

    verify_options const& options_;
    Observer& observer_;
    verification& to_;
    finding_list& findings_;
    expansion_budget budget_;
    std::shared_ptr<spool_area> spool_;
    hashing_source<Source> whole_;
    expanding expanded_;
    padding_watch<expanding> watch_;
    archive_facts facts_;
    std::uint64_t names_ = 0;
    std::uint64_t documents_ = 0;
};

} // namespace tarexport::detail

#endif
