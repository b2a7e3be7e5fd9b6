//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_DECOMPRESS_HPP
#define TAREXPORT_DETAIL_DECOMPRESS_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/detail/compression_magic.hpp>
#include <tarexport/detail/zstd_frames.hpp>
#include <tarexport/error.hpp>
#include <tarexport/inflater.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/tar_reader.hpp>
#include <tarexport/zlib_inflater.hpp>

#include <boost/iostreams/filter/bzip2.hpp>
#include <boost/iostreams/filter/zstd.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ios>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace tarexport::detail {

/// How much may be made of compressed bytes. Several sources may share one: many small bombs are a large one.
struct expansion_budget {
    std::uint64_t bytes = std::numeric_limits<std::uint64_t>::max(); ///< that come out
    std::uint64_t ratio = std::numeric_limits<std::uint64_t>::max(); ///< of what comes out to what goes in; more only for the first 64 MiB
    std::uint64_t window = std::uint64_t{128} << 20;                 ///< of zstd, in bytes of memory
    std::mutex* large_window = nullptr; ///< where several sources are read at once: held by the one whose window is larger than 8 MiB
    expansion_budget const* around = nullptr; ///< of the compressed bytes that these are inside of: the ratio is to what goes in there, too
    std::uint64_t before = 0;                 ///< bytes that came out of others inside of those
    std::uint64_t in = 0;
    std::uint64_t out = 0;

    bool is_spent() const noexcept { return out > bytes || is_too_much(out, in) || (around != nullptr && is_too_much(before + out, around->in)); }

private:
    bool is_too_much(std::uint64_t made, std::uint64_t of) const noexcept
    {
        return made > std::uint64_t{64} << 20 && made / std::max<std::uint64_t>(ratio, 1) > of;
    }
};

inline constexpr std::size_t packed_buffer_size = std::size_t{64} << 10;

/** The bytes that are compressed in a source, with gzip, zstd or bzip2, or that source itself, by its first bytes.

    All members of a file count, and all frames of a zstd file; what else comes behind them is an error, and so is an end within one.
    xz is told, and not read.
*/
template<layer_source Source, inflater Inflater = zlib_inflater>
class decompressed_source {
public:
    static constexpr std::size_t first_size = 512;

    /** Make a source of the bytes in another.

        @param budget What may come out, and what has; null for as much as there is.
        @param refused A kind that is not read either.
        @param buffer Of `packed_buffer_size` bytes, to save making one.
    */
    explicit decompressed_source(
        Source source, expansion_budget* budget = nullptr, compression refused = compression::xz, std::span<char> buffer = {})
        : source_(std::move(source))
        , budget_(budget)
        , refused_(refused)
        , own_(buffer.empty() ? std::make_unique_for_overwrite<char[]>(packed_buffer_size) : nullptr)
        , buffer_(buffer.empty() ? own_.get() : buffer.data())
    {
    }

    /// Return what compressed the source, as far as its first bytes could be read; an error comes again when reading.
    compression kind()
    {
        if(!kind_) {
            fill(first_size);
            kind_ = detail::compression_of(to_bytes(rest()));
            if(*kind_ != compression::none)
                came_in(rest());
        }
        return *kind_;
    }

    /// Return the first bytes, as many as there are of `first_size`. Precondition: nothing was read but the `kind`.
    std::string_view first() const noexcept { return rest().substr(0, first_size); }

    /// Read some bytes, see `layer_source`. Gives `invalid_document` for compressed data that is damaged, `limit_exceeded` beyond the
    /// budget, `unsupported_store` for what is not read.
    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        std::size_t n = 0;
        if(!into.empty() && !failure_.code.failed() && !finished_)
            n = kind() == compression::none ? copy(into) : is_read() ? expand(into) : refuse();
        ec = n == 0 ? failure_.code : error_code();
        return n;
    }

    /// Pass over some bytes where they are not compressed, see `skipping_source`.
    std::uint64_t skip(std::uint64_t n, error_code& ec)
    requires skipping_source<Source>
    {
        if(kind() != compression::none || failure_.code.failed())
            return 0;
        if(rest().empty())
            return source_.skip(n, ec);
        auto const passed = std::min<std::uint64_t>(n, rest().size());
        at_ += static_cast<std::size_t>(passed);
        return passed;
    }

    /// Return why it ended before its end, if so.
    failure const& why() const noexcept { return failure_; }

    /// Return what is wrong with the compressed data, in words.
    std::string const& problem() const noexcept { return failure_.detail; }

    /// Return what the bytes come from.
    Source const& source() const noexcept { return source_; }

    /// Return whether the reason lies in the compressed bytes, not in the source.
    bool is_damaged() const noexcept { return !failure_.detail.empty(); }

private:
    using zstd_filter = boost::iostreams::zstd_decompressor;
    using bzip2_filter = boost::iostreams::bzip2_decompressor;

    bool is_read() const noexcept { return *kind_ != compression::xz && *kind_ != refused_; }
    std::string name() const { return std::string(name_of(*kind_)); }
    std::string_view rest() const noexcept { return {buffer_ + at_, end_ - at_}; }

    void came_in(std::string_view bytes)
    {
        if(budget_ != nullptr)
            budget_->in += bytes.size();
        if(kind_ == compression::zstd)
            frames_.pass(bytes);
    }

    std::size_t read_source(std::span<std::byte> into)
    {
        error_code ec;
        auto const n = source_.read_some(into, ec);
        ended_ = n == 0;
        if(ec)
            failure_ = {ec, {}, {}};
        return n;
    }

    // Puts at least `n` bytes into the buffer, if there are as many.
    void fill(std::size_t n)
    {
        if(end_ - at_ >= n || ended_)
            return;
        std::copy(buffer_ + at_, buffer_ + end_, buffer_);
        end_ -= at_;
        at_ = 0;
        while(end_ < n && !ended_) {
            auto const some = read_source(std::as_writable_bytes(std::span(buffer_ + end_, packed_buffer_size - end_)));
            if(kind_ && *kind_ != compression::none)
                came_in({buffer_ + end_, some});
            end_ += some;
        }
    }

    std::size_t copy(std::span<std::byte> into)
    {
        if(rest().empty() && into.size() >= packed_buffer_size && !ended_)
            return read_source(into);
        fill(1);
        auto const n = std::min(into.size(), rest().size());
        std::ranges::copy(to_bytes(rest().substr(0, n)), into.begin());
        at_ += n;
        return n;
    }

    std::size_t damaged(error e, std::string what)
    {
        failure_ = {e, {}, std::move(what)};
        return 0;
    }

    std::size_t refuse()
    {
        return damaged(error::unsupported_store, "compressed with " + name() + ", which is not read here; decompress it first");
    }

    std::size_t too_short() { return damaged(error::invalid_document, "the " + name() + " data ends too early"); }

    bool is_within_budget()
    {
        if(budget_ == nullptr)
            return true;
        constexpr std::uint64_t large = std::uint64_t{8} << 20;
        if(budget_->is_spent())
            damaged(error::limit_exceeded, "more than " + std::to_string(budget_->bytes) + " bytes when decompressed, or more than " +
                                               std::to_string(budget_->ratio) + " times as many");
        else if(frames_.window() > budget_->window)
            damaged(error::limit_exceeded, "a zstd window of " + std::to_string(frames_.window()) + " bytes, where at most " +
                                               std::to_string(budget_->window) + " are read");
        else if(frames_.window() > large && budget_->large_window != nullptr && !alone_.owns_lock())
            alone_ = std::unique_lock(*budget_->large_window);
        return !failure_.code.failed();
    }

    std::size_t expand(std::span<std::byte> into)
    {
        while(!finished_) {
            if(std::holds_alternative<std::monostate>(filter_) && !begin_member())
                return 0;
            fill(1);
            if(failure_.code.failed() || !is_within_budget())
                return 0;
            bool const last = rest().empty();
            auto* out = reinterpret_cast<char*>(into.data());
            try {
                std::visit([&](auto& f) { run(f, out, into.size()); }, filter_);
            }
            catch(std::ios_base::failure const&) { // of every filter's errors the base
                last ? too_short() : damaged(error::invalid_document, "the " + name() + " data is damaged");
            }
            auto const n = static_cast<std::size_t>(out - reinterpret_cast<char*>(into.data()));
            if(budget_ != nullptr)
                budget_->out += n;
            if(n != 0 || failure_.code.failed())
                return n;
            if(last && !std::holds_alternative<std::monostate>(filter_))
                return too_short();
        }
        return 0;
    }

    void run(std::monostate, char*&, std::size_t) {}

    void run(Inflater& f, char*& out, std::size_t size)
    {
        auto in = to_bytes(rest());
        auto room = std::as_writable_bytes(std::span(out, size));
        bool const last = in.empty();
        auto const status = f.inflate(in, room);
        at_ = end_ - in.size();
        out += size - room.size();
        if(status == inflate_status::damaged)
            last ? too_short() : damaged(error::invalid_document, "the " + name() + " data is damaged");
        else if(status == inflate_status::end)
            filter_.template emplace<std::monostate>();
    }

    // `out` is right also after an exception: a wrong sum is noticed when all data has come out.
    template<class Filter>
    void run(Filter& f, char*& out, std::size_t size)
    {
        char const* in = buffer_ + at_;
        bool const more = f.filter().filter(in, buffer_ + end_, out, out + size, at_ == end_);
        at_ = static_cast<std::size_t>(in - buffer_);
        if(!more)
            filter_.template emplace<std::monostate>();
    }

    // Goes to the next member. False at the end, and where something else follows.
    bool begin_member()
    {
        fill(compression_magic_size);
        if(failure_.code.failed())
            return false;
        if(rest().empty()) {
            finished_ = true;
            // The filter goes from frame to frame by itself, and takes an end anywhere for a good one.
            if(kind_ == compression::zstd && !frames_.between())
                too_short();
            return false;
        }
        if(detail::compression_of(to_bytes(rest())) != kind_) {
            damaged(error::invalid_document, "the " + name() + " data goes on with something else");
            return false;
        }
        switch(*kind_) {
        case compression::gzip: filter_.template emplace<Inflater>(); break;
        case compression::zstd: filter_.template emplace<zstd_filter>(boost::iostreams::zstd_params(), 1); break;
        case compression::bzip2: filter_.template emplace<bzip2_filter>(false, 1); break;
        case compression::none:
        case compression::xz: break;
        }
        return true;
    }

    Source source_;
    expansion_budget* budget_;
    compression refused_;
    std::unique_ptr<char[]> own_;
    char* buffer_;
    std::size_t at_ = 0;
    std::size_t end_ = 0;
    std::optional<compression> kind_;
    zstd_frames frames_;
    std::unique_lock<std::mutex> alone_;
    std::variant<std::monostate, Inflater, zstd_filter, bzip2_filter> filter_;
    failure failure_;
    bool ended_ = false;
    bool finished_ = false;
};

} // namespace tarexport::detail

#endif
