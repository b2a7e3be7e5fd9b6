//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_VERIFY_PASS_HPP
#define TAREXPORT_DETAIL_VERIFY_PASS_HPP

#include <tarexport/detail/clean_path.hpp>
#include <tarexport/detail/compression_magic.hpp>
#include <tarexport/detail/decompress.hpp>
#include <tarexport/detail/posix_spool.hpp>
#include <tarexport/detail/verify_content.hpp>
#include <tarexport/detail/verify_facts.hpp>
#include <tarexport/detail/verify_input.hpp>
#include <tarexport/detail/worker_pool.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/observer.hpp>
#include <tarexport/tar_reader.hpp>
#include <tarexport/verification.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport::detail {

// Its size does not matter: it is what readers open by its name.
inline bool has_document_name(std::string_view path) noexcept
{
    return path == "manifest.json" || path == "index.json" || path == "oci-layout" || path == "repositories" || path == "thin.json" ||
           path.ends_with("/json");
}

/** Reads an archive once, from front to back, and keeps what is to be known of each entry.

    Large entries of archives that can be read anywhere are read by a pool of threads, while the calling one goes on to the next headers.
    What they find out takes effect in the order of the entries: so nothing depends on the number of threads.
*/
template<layer_source Source, observer Observer>
class archive_pass {
public:
    archive_pass(Source& source, verify_options const& options, Observer& o, verification& to, finding_list& findings)
        : source_(source)
        , options_(options)
        , observer_(o)
        , to_(to)
        , findings_(findings)
        , jobs_(std::clamp<std::size_t>(options.jobs, 1, most_jobs))
        , whole_budget_(budget())
        , small_budget_(budget())
        , spool_(std::make_shared<spool_area>(options.memory, options.spool_directory))
        , whole_(source, jobs_, options.archive_digest)
        , expanded_({&whole_}, &whole_budget_)
        , watch_(expanded_)
        , buffers_(jobs_)
        , pool_(whole_.is_ranged() && jobs_ > 1 ? jobs_ : 0)
    {
        small_budget_.large_window = &large_window_;
    }

    /// @return The facts; or why the source, or the file for documents, could not be used.
    result<archive_facts> run()
    {
        if(options_.archive_digest && whole_.is_ranged())
            begin_digest();
        facts_.packed = expanded_.kind();
        to_.compression = facts_.packed == compression::none ? "none" : name_of(facts_.packed);
        if(facts_.packed != compression::none)
            small_budget_.around = &whole_budget_;
        tar_reader<source_ref<padding_watch<expanding>>> reader({&watch_});
        auto done = facts_.packed == compression::xz ? refuse_xz() : read_entries(reader);
        while(done && !pending_.empty())
            done = end_first();
        if(!done)
            return done.error();
        if(auto const& why = expanded_.why(); why.code.failed() && !expanded_.is_damaged())
            return failure{why.code, "archive", {}};
        if(auto const ec = whole_.drain(mine_.plain()))
            return failure{ec, "archive", {}};
        to_.bytes = whole_.count();
        to_.id = whole_.result();
        if(options_.archive_digest && whole_.is_ranged())
            if(auto const ec = end_digest())
                return failure{ec, "archive", {}};
        return std::move(facts_);
    }

private:
    using input = archive_bytes<Source>;
    using expanding = decompressed_source<source_ref<input>>;

    static constexpr std::size_t most_jobs = 64;
    static constexpr std::size_t most_pending = 4096;
    static constexpr std::uint64_t large = std::uint64_t{1} << 20; // an entry that another thread is worth it for

    // A large entry that another thread reads, and what was found behind it in the meantime.
    struct pending {
        entry_facts* entry;
        std::size_t index;
        expansion_budget budget = {};
        content_facts found = {};
        error_code ec = {};
        worker_pool::job job = {};
        std::vector<finding> after = {};
    };

    expansion_budget budget() const { return {options_.expanded, options_.ratio, options_.window}; }

    // What was found about what comes behind a large entry waits for what is found about that.
    void tell(severity level, finding_code code, std::string_view subject, std::string sentence)
    {
        if(pending_.empty())
            return findings_.add(level, code, subject, std::move(sentence));
        pending_.back().after.push_back(detail::make_finding(level, code, subject, std::move(sentence)));
        ++held_;
    }

    void error(finding_code c, std::string_view subject, std::string s) { tell(severity::error, c, subject, std::move(s)); }
    void warning(finding_code c, std::string_view subject, std::string s) { tell(severity::warning, c, subject, std::move(s)); }

    result<void> refuse_xz()
    {
        facts_.cut_short = true;
        error(finding_code::unchecked, "archive", "compressed with xz, which is not read here: decompress it first");
        return {};
    }

    template<class Reader>
    result<void> read_entries(Reader& reader)
    {
        if(facts_.packed != compression::none)
            tell(severity::remark, finding_code::compressed_archive, "archive", "the whole archive is compressed with " + to_.compression);
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
            while(done && has_to_end())
                done = end_first();
            if(!done)
                return done;
        }
        note_end(reader.position() < end ? 0 : reader.position() - end);
        return {};
    }

    void note_padding()
    {
        if(watch_.was_dirty() && !facts_.entries().empty())
            warning(finding_code::dirty_padding, facts_.entries().back().name, "what fills its last block is not zeros");
    }

    void note_packed_fault()
    {
        auto const code = detail::code_of(expanded_.why(), finding_code::damaged_compression);
        facts_.packed_fault = expanded_.problem();
        facts_.cut_short = facts_.cut_short || code == finding_code::limit;
        error(code, "archive", facts_.packed_fault);
    }

    void note_fault(failure const& f)
    {
        auto const subject = f.subject.empty() ? "archive" : f.subject;
        if(expanded_.is_damaged())
            note_packed_fault();
        else if(f.code == tarexport::error::truncated_archive)
            error(finding_code::truncated, subject, "the archive is cut off: " + f.detail);
        else if(f.code == tarexport::error::limit_exceeded)
            error(finding_code::limit, subject, f.detail);
        else
            error(finding_code::bad_header, subject, f.detail + "; nothing behind it can be read");
        facts_.fault = f;
    }

    // `zeros` is what the reader took behind the last entry.
    void note_end(std::uint64_t zeros)
    {
        if(zeros < end_of_archive_size)
            warning(finding_code::no_end_blocks, "archive",
                zeros == 0 ? "the two blocks of zeros that end an archive are missing" : "only one block of zeros ends the archive");
        std::uint64_t const all = ~std::uint64_t{0};
        watch_.expect_zeros(0, all);
        hashing_source<source_ref<padding_watch<expanding>>> rest({&watch_}, mine_.plain());
        static_cast<void>(rest.drain());
        if(watch_.was_dirty())
            warning(finding_code::trailing_data, "archive",
                std::to_string(rest.count()) + " bytes follow the end of the archive; readers do not look at them");
        if(expanded_.is_damaged())
            note_packed_fault();
    }

    bool has_room(tar_entry const& e)
    {
        names_ += e.header.name.size() + e.header.link_name.size();
        std::string what;
        if(to_.entries == options_.entries)
            what = "more than " + std::to_string(options_.entries) + " entries";
        else if(names_ > options_.names)
            what = "more than " + std::to_string(options_.names) + " bytes of names";
        if(what.empty())
            return true;
        error(finding_code::limit, "archive", what + ": the rest was not checked");
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
        e.cleaned = detail::clean_path(h.name);
        if(e.cleaned == e.path)
            e.cleaned.clear();
        e.type = h.typeflag == tar_type::contiguous ? tar_type::regular : h.typeflag;
        e.link = h.link_name;
        e.size = static_cast<std::uint64_t>(std::max<std::int64_t>(h.size, 0));
        check_entry(h, e);
        if(facts_.has(e.path) && e.type != tar_type::directory)
            warning(finding_code::duplicate_entry, e.name, "the name occurs again; engines unpack the last, others take the first");
        auto& kept = facts_.add(std::move(e));
        auto const index = facts_.entries().size() - 1;
        if constexpr(observes<Observer>)
            observer_(event(entry_begun{index, kept.name, reader.entry().data_offset, reader.entry().stored_size}));
        // The holes of a sparse file may be larger than all memory and disks.
        if(reader.entry().sparse)
            warning(finding_code::odd_entry, kept.name, "a sparse file: its bytes are not checked");
        else if(kept.type == tar_type::regular && begin_elsewhere(reader.entry(), kept, index))
            return {};
        else if(kept.type == tar_type::regular)
            if(auto done = read_content(reader, kept); !done)
                return done;
        entry_ended(kept, index);
        return {};
    }

    void entry_ended(entry_facts const& e, std::size_t index)
    {
        if constexpr(observes<Observer>)
            observer_(event(entry_done{index, e.name, e.id, e.is_file()}));
        else
            static_cast<void>(e), static_cast<void>(index);
    }

    void check_entry(tar_header const& h, entry_facts& e)
    {
        auto const cleaned = detail::clean_path(h.name);
        if(cleaned == ".." || cleaned.starts_with("../")) {
            facts_.out_of_place = true;
            error(finding_code::outside_name, e.name, "the name leads out of the folder that the archive is unpacked to");
        }
        bool const known = e.type == tar_type::regular || e.type == tar_type::directory || e.type == tar_type::symlink ||
                           e.type == tar_type::hard_link;
        if(!known || h.typeflag == tar_type::contiguous) {
            facts_.odd = facts_.odd || !is_device(e.type);
            warning(finding_code::odd_entry, e.name, "neither a file nor a directory nor a link");
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
            error(finding_code::outside_name, e.name, "a link that leads out of the archive");
        }
        e.before_target = !facts_.has(detail::clean_path("/" + e.link).substr(1));
        if(e.before_target) {
            facts_.broken_hard_link = true;
            error(finding_code::broken_link, e.name, "a hard link to what does not come before it");
        }
    }

    void check_symlink(entry_facts const& e)
    {
        auto const slash = e.path.rfind('/');
        auto const to = detail::clean_path((slash == std::string::npos ? std::string() : e.path.substr(0, slash + 1)) + e.link);
        if(to == ".." || to.starts_with("../")) {
            facts_.out_of_place = true;
            error(finding_code::outside_name, e.name, "a link that leads out of the archive");
        }
    }

    // A budget of their own: what large entries may do is not to depend on which of them is read first. Asked for when one is begun to be
    // read, or else each of many that wait could take what is left for all.
    expansion_budget large_budget()
    {
        auto b = budget();
        b.bytes -= std::min<std::uint64_t>(b.bytes, large_out_);
        b.large_window = &large_window_;
        b.around = small_budget_.around;
        b.before = large_out_;
        return b;
    }

    template<class Reader>
    result<void> read_content(Reader& reader, entry_facts& e)
    {
        bool const is_large = reader.entry().stored_size >= large;
        while(is_large && !pending_.empty())
            if(auto done = end_first(); !done)
                return done;
        auto own = large_budget();
        auto const promised = detail::promised_digest(e.path);
        entry_content<source_ref<Reader>> content({&reader}, promised, is_large ? own : small_budget_, mine_);
        if(!content.is_packed() && (detail::has_document_name(e.path) || content.looks_like_json())) {
            if(auto done = keep(content, e); !done)
                return done;
        }
        else {
            content.look_inside();
        }
        error_code ec; // one of the archive, and `next` will tell it again
        if(auto wrong = take_facts(e, content.finish(ec), is_large ? own.out : 0))
            tell(wrong->level, wrong->code, wrong->subject, std::move(wrong->sentence));
        return {};
    }

    // Has another thread read an entry, if it is large, and no document: these are put aside in their order.
    bool begin_elsewhere(tar_entry const& t, entry_facts& e, std::size_t index)
    {
        if constexpr(positional_source<Source>) {
            auto const begin = t.data_offset, end = begin + t.stored_size;
            if(pool_.threads() == 0 || t.stored_size < large || end < begin || end > source_.size() || detail::has_document_name(e.path) ||
                begins_as_json(begin, end))
                return false;
            auto& p = pending_.emplace_back(pending{&e, index});
            p.job.work = [this, &p, begin, end](std::size_t thread) {
                p.budget = large_budget();
                range_source<Source> const bytes{&source_, begin, end, &pool_.stopping()};
                entry_content<range_source<Source>> content(bytes, detail::promised_digest(p.entry->path), p.budget, buffers_[thread]);
                content.look_inside();
                p.found = content.finish(p.ec);
            };
            pool_.add(p.job);
            return true;
        }
        return false;
    }

    bool begins_as_json(std::uint64_t begin, std::uint64_t end) const
    {
        if constexpr(positional_source<Source>) {
            range_source<Source> const bytes{&source_, begin, end};
            expansion_budget none;
            return entry_content<range_source<Source>>(bytes, std::nullopt, none, mine_).looks_like_json();
        }
        return false;
    }

    bool has_to_end()
    {
        return !pending_.empty() && (pending_.size() == most_pending || held_ >= options_.findings || pool_.is_done(pending_.front().job));
    }

    // Waits for the first of the pending entries.
    result<void> end_first()
    {
        auto& p = pending_.front();
        pool_.wait(p.job);
        if(p.ec)
            return failure{p.ec, "archive", {}};
        if(auto wrong = take_facts(*p.entry, std::move(p.found), p.budget.out))
            findings_.add(*std::move(wrong));
        entry_ended(*p.entry, p.index);
        held_ -= p.after.size();
        for(auto& f : p.after)
            findings_.add(std::move(f));
        pending_.pop_front();
        return {};
    }

    // Precondition: nothing came out of it (`expanded`), or no large entry before it is pending. Returns what is wrong with it.
    std::optional<finding> take_facts(entry_facts& e, content_facts found, std::uint64_t expanded)
    {
        static_cast<content_facts&>(e) = std::move(found);
        large_out_ += expanded;
        if(expanded != 0 && large_out_ > options_.expanded) {
            e.fault = "more than " + std::to_string(options_.expanded) + " bytes when decompressed, with what comes before it";
            e.tar_fault.clear();
            e.beyond = true;
            e.diff_id = {};
        }
        auto const promised = e.is_file() ? detail::promised_digest(e.path) : std::nullopt;
        auto const& is = promised && promised->algorithm() != digest_algorithm::sha256 ? e.named : e.id;
        if(!promised || *promised == is)
            return std::nullopt;
        return detail::make_finding(severity::error, finding_code::digest_mismatch, e.name, "its bytes have the digest " + is.str());
    }

    void begin_digest()
    {
        if constexpr(positional_source<Source>) {
            digest_job_.work = [this](std::size_t thread) {
                range_source<Source> const bytes{&source_, 0, source_.size(), &pool_.stopping()};
                hashing_source<range_source<Source>> all(bytes, buffers_[thread].plain());
                all.compute(digest_algorithm::sha256);
                digest_error_ = all.drain();
                digest_ = all.sha256();
            };
            pool_.add(digest_job_);
        }
    }

    error_code end_digest()
    {
        pool_.wait(digest_job_);
        to_.id = digest_;
        return digest_error_;
    }

    // Puts a document aside. One that is too large is hashed only.
    template<class Content>
    result<void> keep(Content& content, entry_facts& e)
    {
        constexpr std::uint64_t longest = std::uint64_t{8} << 20;
        e.unread = e.size > longest || documents_ + e.size > options_.documents;
        if(e.unread) {
            content.look_inside();
            return {};
        }
        documents_ += e.size;
        spooled_bytes::writer out(spool_);
        error_code ec;
        while(auto const n = content.read_some(mine_.plain(), ec))
            if(auto why = out.write(mine_.plain().first(n)); why.code.failed())
                return why;
        if(ec)
            return {};
        e.text = out.finish();
        auto text = spooled_bytes::open(e.text, 0, e.name);
        content.look_at_tar(text);
        return {};
    }

    Source& source_;
    verify_options const& options_;
    Observer& observer_;
    verification& to_;
    finding_list& findings_;
    std::size_t jobs_;
    expansion_budget whole_budget_;
    expansion_budget small_budget_;
    std::atomic<std::uint64_t> large_out_ = 0; // what came out of large entries
    std::mutex large_window_;
    std::shared_ptr<spool_area> spool_;
    input whole_;
    expanding expanded_;
    padding_watch<expanding> watch_;
    archive_facts facts_;
    std::uint64_t names_ = 0;
    std::uint64_t documents_ = 0;

    content_buffers mine_;
    std::vector<content_buffers> buffers_; // of the threads
    std::deque<pending> pending_;          // in the order of the entries
    std::size_t held_ = 0;                 // findings in them
    worker_pool::job digest_job_;
    digest digest_;
    error_code digest_error_;
    worker_pool pool_; // the last, so that it ends first
};

} // namespace tarexport::detail

#endif
