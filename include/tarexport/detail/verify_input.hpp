//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_VERIFY_INPUT_HPP
#define TAREXPORT_DETAIL_VERIFY_INPUT_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/detail/compression_magic.hpp>
#include <tarexport/detail/read_ahead.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/tar_reader.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <system_error>
#include <utility>

namespace tarexport::detail {

/// Reads some of the bytes of a source that others read, too. They have to be there.
template<positional_source Source>
struct range_source {
    Source const* source;
    std::uint64_t at;
    std::uint64_t end;
    std::atomic<bool> const* stopping = nullptr;

    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        auto const want = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), end - at));
        if(want == 0)
            return 0;
        if(stopping != nullptr && *stopping) {
            ec = error::cancelled;
            return 0;
        }
        auto const n = source->read_at(into.first(want), at, ec);
        if(n == 0 && !ec)
            ec = error::truncated_archive; // it was cut while it was read
        at += n;
        return n;
    }
};

/** The bytes of an archive from front to back, and their digest: read here and now, ahead in another thread, or at their positions, so that
    one need not read them all.
*/
template<layer_source Source>
class archive_bytes {
public:
    /// @param digest Whether the digest of all bytes is wanted.
    archive_bytes(Source& source, std::size_t jobs, bool digest) : source_(&source)
    {
        ranged_ = (jobs > 1 || !digest) && is_plain_file();
        if(digest && !ranged_)
            hash_ = std::make_unique<sha256>();
        if(jobs > 1 && !ranged_)
            read_in_threads();
    }

    /// Return whether anything of it may be read at any time, and the digest is left to the caller.
    bool is_ranged() const noexcept { return ranged_; }

    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        std::size_t n = 0;
        if(ahead_) {
            auto const bytes = ahead_->take(into.size(), ec);
            std::ranges::copy(bytes, into.begin());
            n = bytes.size();
        }
        else if(ranged_) {
            if constexpr(positional_source<Source>)
                n = source_->read_at(into, at_, ec);
        }
        else {
            n = source_->read_some(into, ec);
            if(hash_)
                hash_->update(bytes_view(into).first(n));
        }
        at_ += n;
        return n;
    }

    std::uint64_t skip(std::uint64_t n, error_code&) noexcept
    {
        auto const passed = ranged_ ? std::min(n, left()) : 0;
        at_ += passed;
        return passed;
    }

    /// Go to the end.
    error_code drain(std::span<std::byte> buffer)
    {
        error_code ec;
        if(ranged_)
            at_ += left();
        else
            while(read_some(buffer, ec) != 0)
                continue;
        return ec;
    }

    /// Return how many bytes there were so far.
    std::uint64_t count() const noexcept { return at_; }

    /// Return the digest, if it was wanted and is not left to the caller. Precondition: `drain` was called.
    digest result()
    {
        error_code ec;
        if(ahead_ && hash_ && (ahead_->goes_on(ec), true))
            ahead_->finish_hash();
        return hash_ ? hash_->result() : digest();
    }

private:
    using ahead = read_ahead<Source, sha256>;

    std::uint64_t left() const noexcept
    {
        if constexpr(positional_source<Source>)
            return source_->size() - std::min(at_, source_->size());
        return 0;
    }

    bool is_plain_file() const
    {
        if constexpr(positional_source<Source>) {
            std::array<std::byte, compression_magic_size> first;
            error_code ec;
            std::size_t n = 0;
            for(std::size_t some = 1; some != 0 && n != first.size(); n += some)
                some = source_->read_at(std::span(first).subspan(n), n, ec);
            return !ec && detail::compression_of(bytes_view(first).first(n)) == compression::none;
        }
        return false;
    }

    void read_in_threads()
    {
        constexpr std::size_t size = ahead::buffers * (std::size_t{128} << 10);
        memory_ = std::make_unique_for_overwrite<std::byte[]>(size);
        try {
            constexpr auto all = std::numeric_limits<std::uint64_t>::max();
            ahead_ = std::make_unique<ahead>(*source_, all, hash_.get(), std::span(memory_.get(), size));
        }
        catch(std::system_error const&) { // no threads
        }
    }

    Source* source_;
    bool ranged_ = false;
    std::uint64_t at_ = 0;
    std::unique_ptr<sha256> hash_;
    std::unique_ptr<std::byte[]> memory_;
    std::unique_ptr<ahead> ahead_;
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

    /// What is passed over is not looked at.
    std::uint64_t skip(std::uint64_t n, error_code& ec)
    {
        auto const passed = source_->skip(n, ec);
        position_ += passed;
        return passed;
    }

private:
    Source* source_;
    std::uint64_t from_ = 0;
    std::uint64_t to_ = 0;
    std::uint64_t position_ = 0;
    bool dirty_ = false;
};

} // namespace tarexport::detail

#endif
