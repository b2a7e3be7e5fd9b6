//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_EXPANDING_SOURCE_HPP
#define TAREXPORT_DETAIL_EXPANDING_SOURCE_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/error.hpp>
#include <tarexport/layer.hpp>

#include <boost/iostreams/filter/bzip2.hpp>
#include <boost/iostreams/filter/zlib.hpp>
#include <boost/iostreams/filter/zstd.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ios>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace tarexport::detail {

/// How some bytes are compressed, as their first ones tell.
enum class packing : std::uint8_t { none, gzip, zstd, bzip2, xz };

constexpr std::string_view name_of(packing p) noexcept
{
    switch(p) {
    case packing::none: return "none";
    case packing::gzip: return "gzip";
    case packing::zstd: return "zstd";
    case packing::bzip2: return "bzip2";
    case packing::xz: return "xz";
    }
    return {};
}

// A frame that a reader of zstd has to pass over; their numbers are 0x184D2A50 to 0x184D2A5F.
inline bool is_skippable_frame(std::string_view first) noexcept
{
    return first.size() >= 4 && (first[0] & '\xf0') == '\x50' && first.substr(1, 3) == "\x2a\x4d\x18";
}

/// Return how bytes are compressed that begin so. Six of them are enough.
inline packing packing_of(std::string_view first) noexcept
{
    if(first.starts_with("\x1f\x8b\x08"))
        return packing::gzip;
    if(first.starts_with("\x28\xb5\x2f\xfd") || detail::is_skippable_frame(first))
        return packing::zstd;
    if(first.starts_with("BZh"))
        return packing::bzip2;
    return first.starts_with(std::string_view("\xfd"
                                              "7zXZ\0",
               6))
               ? packing::xz
               : packing::none;
}

/** Follows the frames of zstd through their compressed bytes: where each ends, and how much memory it wants.

    The decompressor of Boost.Iostreams passes from frame to frame without a word, and takes an early end for the end.
*/
class zstd_walk {
public:
    void feed(std::string_view bytes)
    {
        while(!bytes.empty() && !lost_) {
            auto const skipped = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, bytes.size()));
            skip_ -= skipped;
            bytes.remove_prefix(skipped);
            if(skip_ != 0 || bytes.empty())
                return;
            header_.push_back(bytes.front());
            bytes.remove_prefix(1);
            advance();
        }
    }

    /// Return the largest window so far, in bytes.
    std::uint64_t window() const noexcept { return window_; }

    /// Return whether the bytes so far are whole frames.
    bool at_end() const noexcept { return !lost_ && part_ == part::header && header_.empty() && skip_ == 0; }

private:
    enum class part { header, block };

    std::uint64_t number(std::size_t at, std::size_t n) const noexcept
    {
        std::uint64_t sum = 0;
        for(std::size_t i = 0; i != n; ++i)
            sum |= static_cast<std::uint64_t>(static_cast<unsigned char>(header_[at + i])) << (8 * i);
        return sum;
    }

    void advance()
    {
        if(part_ == part::block) {
            if(header_.size() == 3)
                take_block();
        }
        else if(detail::is_skippable_frame(header_)) {
            if(header_.size() == 8)
                pass(number(4, 4), part::header);
        }
        else if(header_.size() == 4 && header_ != "\x28\xb5\x2f\xfd") {
            lost_ = true;
        }
        else if(header_.size() > 4) {
            take_header();
        }
    }

    void pass(std::uint64_t n, part next)
    {
        skip_ = n;
        part_ = next;
        header_.clear();
    }

    // RFC 8878, section 3.1.1.1.
    void take_header()
    {
        constexpr std::size_t id_sizes[] = {0, 1, 2, 4}, sizes[] = {0, 2, 4, 8};
        auto const flags = number(4, 1);
        bool const single = (flags & 32) != 0;
        auto const id_size = id_sizes[flags & 3];
        auto const n = single && flags < 64 ? std::size_t{1} : sizes[flags >> 6];
        auto const at = std::size_t{5} + (single ? 0 : 1) + id_size;
        if(header_.size() != at + n)
            return;
        auto const base = std::uint64_t{1} << (10 + (number(5, 1) >> 3));
        auto const content = number(at, n) + (n == 2 ? 256 : 0);
        window_ = std::max(window_, single ? content : base + base / 8 * (number(5, 1) & 7));
        checksum_ = (flags & 4) != 0;
        pass(0, part::block);
    }

    void take_block()
    {
        auto const block = number(0, 3);
        bool const last = (block & 1) != 0, repeated = (block >> 1 & 3) == 1;
        auto const size = repeated ? 1 : block >> 3;
        pass(size + (last && checksum_ ? 4 : 0), last ? part::header : part::block);
    }

    std::string header_;
    part part_ = part::header;
    std::uint64_t skip_ = 0;
    std::uint64_t window_ = 0;
    bool checksum_ = false;
    bool lost_ = false;
};

/// How much may be made of compressed bytes. Several sources share one: many small bombs are a large one.
struct expansion_budget {
    std::uint64_t bytes = std::uint64_t{1} << 42;   ///< that come out
    std::uint64_t ratio = 4096;                     ///< of what comes out to what goes in; more only for the first 64 MiB
    std::uint64_t window = std::uint64_t{32} << 20; ///< of zstd, in bytes of memory
    std::uint64_t in = 0;
    std::uint64_t out = 0;

    bool is_spent() const noexcept { return out > bytes || (out > std::uint64_t{64} << 20 && out / ratio > in); }
};

/** The bytes of a source, decompressed where they are compressed: gzip, zstd or bzip2, as many members or frames as there are.

    What follows the last one is an error. Bytes in xz's format pass as they are.
*/
template<layer_source Source>
class expanding_source {
public:
    expanding_source(Source& source, expansion_budget& budget)
        : source_(&source)
        , budget_(&budget)
        , buffer_(std::make_unique<char[]>(capacity))
    {
    }

    /// Look at the first bytes. @return How they are compressed; `why()` tells if they could not be read.
    packing detect()
    {
        fill(6);
        packing_ = detail::packing_of(rest());
        if(packing_ != packing::none)
            budget_->in += rest().size();
        if(packing_ == packing::zstd)
            frames_.feed(rest());
        return packing_;
    }

    /// Return the first bytes, after `detect`.
    std::string_view first() const noexcept { return rest(); }

    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        ec.clear();
        if(into.empty() || failure_.code.failed()) {
            ec = failure_.code;
            return 0;
        }
        auto const n = packing_ == packing::none || packing_ == packing::xz ? copy(into) : expand(into);
        if(n == 0)
            ec = failure_.code;
        return n;
    }

    /// Return why it ended before its end, if so.
    failure const& why() const noexcept { return failure_; }

    /// Return whether the reason lies in the compressed bytes, not in the source.
    bool is_damaged() const noexcept { return damaged_; }

private:
    static constexpr std::size_t capacity = std::size_t{64} << 10;
    using gzip_filter = boost::iostreams::zlib_decompressor;
    using zstd_filter = boost::iostreams::zstd_decompressor;
    using bzip2_filter = boost::iostreams::bzip2_decompressor;

    std::string_view rest() const noexcept { return {buffer_.get() + at_, end_ - at_}; }

    // Puts at least `n` bytes into the buffer, if there are as many.
    void fill(std::size_t n)
    {
        if(end_ - at_ >= n || ended_)
            return;
        std::copy(buffer_.get() + at_, buffer_.get() + end_, buffer_.get());
        end_ -= at_;
        at_ = 0;
        while(end_ < n && !ended_) {
            error_code ec;
            auto const room = std::as_writable_bytes(std::span(buffer_.get() + end_, capacity - end_));
            auto const some = source_->read_some(room, ec);
            if(packing_ == packing::zstd)
                frames_.feed({buffer_.get() + end_, some});
            end_ += some;
            if(packing_ != packing::none)
                budget_->in += some;
            ended_ = some == 0;
            if(ec)
                failure_ = {ec, {}, {}};
        }
    }

    std::size_t copy(std::span<std::byte> into)
    {
        if(rest().empty() && into.size() >= capacity && !ended_) {
            error_code ec;
            auto const n = source_->read_some(into, ec);
            ended_ = n == 0;
            if(ec)
                failure_ = {ec, {}, {}};
            return n;
        }
        fill(1);
        auto const n = std::min(into.size(), rest().size());
        std::ranges::copy(to_bytes(rest().substr(0, n)), into.begin());
        at_ += n;
        return n;
    }

    std::size_t damaged(error e, std::string what)
    {
        failure_ = {e, {}, std::move(what)};
        damaged_ = true;
        return 0;
    }

    std::size_t expand(std::span<std::byte> into)
    {
        if(budget_->is_spent())
            return damaged(error::limit_exceeded, "more than " + std::to_string(budget_->bytes) + " bytes when decompressed, or more than " +
                                                      std::to_string(budget_->ratio) + " times as many");
        while(!finished_) {
            if(std::holds_alternative<std::monostate>(filter_) && !begin_member())
                return 0;
            fill(1);
            if(failure_.code.failed())
                return 0;
            if(frames_.window() > budget_->window)
                return damaged(error::limit_exceeded, "a zstd window of " + std::to_string(frames_.window()) +
                                                          " bytes, where at most " + std::to_string(budget_->window) + " are read");
            bool const last = rest().empty();
            auto* out = reinterpret_cast<char*>(into.data());
            try {
                std::visit([&](auto& f) { run(f, out, into.size()); }, filter_);
            }
            catch(std::ios_base::failure const&) { // of every filter's errors the base
                last ? too_short() : damaged(error::invalid_document, "the " + std::string(name_of(packing_)) + " data is damaged");
            }
            auto const n = static_cast<std::size_t>(out - reinterpret_cast<char*>(into.data()));
            budget_->out += n;
            if(n != 0 || failure_.code.failed())
                return n;
            if(last && !std::holds_alternative<std::monostate>(filter_))
                return too_short();
        }
        return 0;
    }

    std::size_t too_short() { return damaged(error::invalid_document, "the " + std::string(name_of(packing_)) + " data ends too early"); }

    void run(std::monostate, char*&, std::size_t) {}

    // `out` is right also after an exception: a wrong sum is noticed when all data has come out.
    template<class Filter>
    void run(Filter& f, char*& out, std::size_t size)
    {
        char const* in = buffer_.get() + at_;
        bool const more = f.filter().filter(in, buffer_.get() + end_, out, out + size, at_ == end_);
        at_ = static_cast<std::size_t>(in - buffer_.get());
        if(!more)
            filter_.template emplace<std::monostate>();
    }

    // Goes to the next member. False at the end, and where something else follows.
    bool begin_member()
    {
        fill(6);
        if(failure_.code.failed())
            return false;
        if(rest().empty()) {
            finished_ = true;
            if(packing_ == packing::zstd && !frames_.at_end())
                too_short();
            return false;
        }
        if(detail::packing_of(rest()) != packing_) {
            damaged(error::invalid_document, "the " + std::string(name_of(packing_)) + " data has more behind its end");
            return false;
        }
        switch(packing_) {
        case packing::gzip: filter_.template emplace<gzip_filter>(gzip_format(), 1); break;
        case packing::zstd: filter_.template emplace<zstd_filter>(boost::iostreams::zstd_params(), 1); break;
        case packing::bzip2: filter_.template emplace<bzip2_filter>(false, 1); break;
        case packing::none:
        case packing::xz: break;
        }
        return true;
    }

    // zlib adds 16 to the size of the window where it shall take gzip's format and check its sums.
    static boost::iostreams::zlib_params gzip_format()
    {
        boost::iostreams::zlib_params p;
        p.window_bits = boost::iostreams::zlib::default_window_bits + 16;
        return p;
    }

    Source* source_;
    expansion_budget* budget_;
    std::unique_ptr<char[]> buffer_;
    std::size_t at_ = 0;
    std::size_t end_ = 0;
    std::variant<std::monostate, gzip_filter, zstd_filter, bzip2_filter> filter_;
    packing packing_ = packing::none;
    zstd_walk frames_;
    failure failure_;
    bool ended_ = false;
    bool finished_ = false;
    bool damaged_ = false;
};

} // namespace tarexport::detail

#endif
