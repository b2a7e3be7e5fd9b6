//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_BLOCK_COMPRESSOR_HPP
#define TAREXPORT_DETAIL_BLOCK_COMPRESSOR_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/compression.hpp>

#include <boost/assert.hpp>
#include <boost/iostreams/compose.hpp>
#include <boost/iostreams/copy.hpp>
#include <boost/iostreams/device/array.hpp>
#include <boost/iostreams/device/back_inserter.hpp>
#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filter/zstd.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace tarexport::detail {

/// Compress a block alone: a gzip member (RFC 1952), or a zstd frame (RFC 8878). @throws std::ios_base::failure, std::bad_alloc
inline std::string compress_block(bytes_view block, archive_compression const& how)
{
    namespace io = boost::iostreams;
    std::string out;
    out.reserve(block.size() + block.size() / 128 + 128); // what does not compress gets no longer
    auto const compress = [&](auto const& filter) {
        io::copy(io::compose(filter, io::array_source(to_text(block).data(), block.size())), io::back_inserter(out));
    };
    if(how.format == compression_format::gzip)
        compress(io::gzip_compressor(io::gzip_params(how.level)));
    else
        compress(io::zstd_compressor(io::zstd_params(static_cast<std::uint32_t>(how.level))));
    return out;
}

/** Cuts bytes into blocks of one size, and compresses them in some threads, in order.

    What comes out depends on the bytes and the compression alone. Holds a few blocks for each thread. Used by one thread; the destructor
    waits for the blocks that are being compressed.
*/
class block_compressor {
public:
    static constexpr std::size_t block_size = std::size_t{1} << 20;

    static constexpr std::size_t most_jobs = 256; // bounds what the blocks take

    /// @param jobs How many threads may work at once, `most_jobs` of them at most: with 1, only the calling one.
    block_compressor(archive_compression how, std::size_t jobs) : how_(how), slots_(2 * std::clamp<std::size_t>(jobs, 1, most_jobs))
    {
        try {
            for(std::size_t n = 0; jobs > 1 && n != std::min(jobs, most_jobs); ++n)
                threads_.emplace_back([this](std::stop_token const& stop) { work(stop); });
        }
        catch(std::system_error const&) {
            // A system that has no more threads has those that there are.
        }
    }

    block_compressor(block_compressor const&) = delete;
    block_compressor& operator=(block_compressor const&) = delete;

    /// Return whether no more bytes are taken until a block was given out.
    bool full() const noexcept { return added_ - given_ == slots_.size(); }

    /// Return whether every block was given out.
    bool empty() const noexcept { return added_ == given_; }

    /// Take the first of some bytes, as far as the block that is being filled has room. @return How many. Precondition: `!full()`.
    std::size_t add(bytes_view bytes)
    {
        BOOST_ASSERT(!full());
        auto& plain = at(added_).plain;
        auto const n = std::min(bytes.size(), block_size - plain.size());
        plain.append(to_text(bytes.first(n)));
        if(plain.size() == block_size)
            submit();
        return n;
    }

    /// The bytes end here. Precondition: `!full()`.
    void finish()
    {
        if(!at(added_).plain.empty())
            submit();
    }

    struct block {
        std::string bytes;      ///< compressed
        std::size_t plain_size; ///< before
    };

    /** Give out the next block, when it is done. Precondition: `!empty()`.
        @throws What compressing it has thrown.
    */
    block take()
    {
        auto& s = at(given_);
        if(threads_.empty())
            compress(s);
        {
            std::unique_lock lock(mutex_);
            ready_.wait(lock, [&s] { return s.done; });
            s.done = false;
        }
        ++given_;
        if(s.thrown)
            std::rethrow_exception(s.thrown);
        block b{std::move(s.packed), s.plain.size()};
        s.plain.clear();
        return b;
    }

private:
    struct slot {
        std::string plain;
        std::string packed;
        std::exception_ptr thrown;
        bool done = false;
    };

    slot& at(std::uint64_t n) noexcept { return slots_[static_cast<std::size_t>(n % slots_.size())]; }

    void submit()
    {
        {
            std::scoped_lock const lock(mutex_);
            ++added_;
        }
        work_.notify_one();
    }

    void compress(slot& s) noexcept
    {
        try {
            s.packed = detail::compress_block(to_bytes(s.plain), how_);
        }
        catch(...) {
            s.thrown = std::current_exception();
        }
        std::scoped_lock const lock(mutex_);
        s.done = true;
    }

    void work(std::stop_token const& stop)
    {
        for(;;) {
            slot* next = nullptr;
            {
                std::unique_lock lock(mutex_);
                if(!work_.wait(lock, stop, [this] { return begun_ != added_; }))
                    return;
                next = &at(begun_++);
            }
            compress(*next);
            ready_.notify_one();
        }
    }

    archive_compression const how_;
    std::vector<slot> slots_;

    std::mutex mutex_;
    std::condition_variable_any work_;
    std::condition_variable ready_;
    std::uint64_t added_ = 0; // how many blocks are filled,
    std::uint64_t begun_ = 0; // taken by a thread,
    std::uint64_t given_ = 0; // and given out
    std::vector<std::jthread> threads_;
};

} // namespace tarexport::detail

#endif
