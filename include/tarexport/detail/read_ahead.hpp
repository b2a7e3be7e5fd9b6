//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_READ_AHEAD_HPP
#define TAREXPORT_DETAIL_READ_AHEAD_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/error.hpp>
#include <tarexport/layer.hpp>

#include <boost/assert.hpp>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <span>
#include <thread>

namespace tarexport::detail {

/** Reads a layer in one thread and hashes it in another, both a few buffers ahead of whoever takes the bytes.

    A ring of buffers: one is filled when its bytes have been taken and hashed. Borrows the source, the hash and the memory, which
    nobody else may use as long as this lives, but for what the members say. The destructor waits until a read or an update that
    is under way returns.

    @par Exception Safety
    What source and hash throw is thrown by `take`, `goes_on` or `finish_hash`.
*/
template<layer_source Source, class Hasher>
class read_ahead {
public:
    /// The buffers that the memory is divided into.
    static constexpr std::size_t buffers = 8;

    /** Start to read.

        @param size How many bytes the source should have.
        @param hash Of these bytes, already begun; null for none.
        @param memory At least as many bytes as there are buffers.
        @param first How many bytes the first buffer is to have, if there are so many; 0 for a whole one.
        @param to_end Whether the source should end there, which `goes_on` tells.
        @throws std::system_error There can be no threads. Nothing was read then.
    */
    read_ahead(Source& s, std::uint64_t size, Hasher* hash, std::span<std::byte> memory, std::size_t first = 0, bool to_end = true)
        : source_(s)
        , size_(size)
        , hash_(hash)
        , memory_(memory)
        , first_(first == 0 ? slot(0).size() : first)
        , to_end_(to_end)
    {
        BOOST_ASSERT(memory.size() >= buffers && first_ <= slot(0).size());
        try {
            if(hash_ != nullptr)
                hashing_ = std::thread([this] { guarded([this] { hash_all(); }); });
            reading_ = std::thread([this] { guarded([this] { read_all(); }); });
        }
        catch(...) {
            stop();
            throw;
        }
    }

    read_ahead(read_ahead const&) = delete;
    read_ahead& operator=(read_ahead const&) = delete;
    ~read_ahead() { stop(); }

    /** Return the next bytes, 1 to `max` of them; nothing at the end or after an error.

        They stay valid until the next call, or as long as the memory if there is none. After an error the source may be asked
        about it.
    */
    bytes_view take(std::size_t max, error_code& ec)
    {
        ec.clear();
        if(given_ == current_.size() && !next_buffer(ec))
            return {};
        auto const bytes = current_.subspan(given_, std::min(max, current_.size() - given_));
        given_ += bytes.size();
        return bytes;
    }

    /// Return whether the source has more than the bytes that it should have. Precondition: those were taken.
    bool goes_on(error_code& ec)
    {
        std::unique_lock lock(mutex_);
        ready_.wait(lock, [this] { return ended_; });
        rethrow();
        ec = error_;
        return more_;
    }

    /// Wait until all bytes are hashed; then the hash may be used. Precondition: `goes_on` was asked.
    void finish_hash()
    {
        std::unique_lock lock(mutex_);
        ready_.wait(lock, [this] { return hash_ == nullptr || hashed_ == read_ || thrown_; });
        rethrow();
    }

private:
    static std::size_t at(std::uint64_t n) noexcept { return static_cast<std::size_t>(n % buffers); }

    std::span<std::byte> slot(std::uint64_t n) const noexcept
    {
        auto const size = memory_.size() / buffers;
        return memory_.subspan(at(n) * size, size);
    }

    // Gives the buffer that is out back, and takes the next.
    bool next_buffer(error_code& ec)
    {
        std::unique_lock lock(mutex_);
        if(!current_.empty()) {
            ++taken_;
            wake_reader();
        }
        current_ = {};
        given_ = 0;
        ready_.wait(lock, [this] { return taken_ != read_ || ended_; });
        rethrow();
        if(taken_ == read_)
            ec = error_;
        else
            current_ = slot(taken_).first(sizes_[at(taken_)]);
        return !current_.empty();
    }

    void rethrow() const
    {
        if(thrown_)
            std::rethrow_exception(thrown_);
    }

    template<class Work>
    void guarded(Work work) noexcept
    {
        try {
            work();
        }
        catch(...) {
            std::scoped_lock lock(mutex_);
            thrown_ = std::current_exception();
            end();
        }
    }

    // What follows is called with the mutex locked.

    std::size_t waiting_buffers() const noexcept
    {
        return static_cast<std::size_t>(read_ - (hash_ == nullptr ? taken_ : std::min(taken_, hashed_)));
    }

    // Threads are woken for some buffers at a time: waking one takes about as long as hashing a tenth of a buffer.
    bool is_room() const noexcept { return waiting_buffers() <= buffers / 2; }
    bool is_work() const noexcept { return read_ - hashed_ >= buffers / 4 || ended_; }

    void wake_reader()
    {
        if(is_room())
            room_.notify_one();
    }

    void end()
    {
        ended_ = true;
        work_.notify_one();
        ready_.notify_one();
    }

    // The threads, and their end.

    void stop() noexcept
    {
        {
            std::scoped_lock lock(mutex_);
            stopped_ = true;
        }
        room_.notify_one();
        work_.notify_one();
        if(reading_.joinable())
            reading_.join();
        if(hashing_.joinable())
            hashing_.join();
    }

    void read_all()
    {
        auto left = size_;
        for(bool last = false; !last;) {
            {
                std::unique_lock lock(mutex_);
                if(waiting_buffers() == buffers)
                    room_.wait(lock, [this] { return is_room() || stopped_ || thrown_; });
                if(stopped_ || thrown_)
                    return;
            }
            error_code ec;
            auto const into = next_slot(left);
            auto const n = fill(into, ec);
            left -= n;
            last = left == 0 || n != into.size();
            std::byte extra[1];
            bool const more = left == 0 && to_end_ && source_.read_some(extra, ec) != 0;
            std::scoped_lock lock(mutex_);
            sizes_[at(read_)] = n;
            read_ += n == 0 ? 0 : 1;
            if(last) {
                more_ = more;
                error_ = ec;
                end();
            }
            else {
                if(is_work())
                    work_.notify_one();
                ready_.notify_one();
            }
        }
    }

    std::span<std::byte> next_slot(std::uint64_t left) const noexcept
    {
        auto const whole = slot(read_);
        return whole.first(static_cast<std::size_t>(std::min<std::uint64_t>(left, read_ == 0 ? first_ : whole.size())));
    }

    // All of it, because sources may give little at a time. Fewer bytes only at the end, or after an error.
    std::size_t fill(std::span<std::byte> into, error_code& ec)
    {
        std::size_t n = 0;
        while(n != into.size()) {
            auto const some = source_.read_some(into.subspan(n), ec);
            if(some == 0)
                break;
            n += some;
        }
        return n;
    }

    void hash_all()
    {
        for(;;) {
            std::uint64_t until = 0;
            {
                std::unique_lock lock(mutex_);
                if(hashed_ == read_)
                    work_.wait(lock, [this] { return is_work() || stopped_; });
                if(stopped_ || hashed_ == read_)
                    return;
                until = read_;
            }
            for(auto n = hashed_; n != until; ++n) {
                hash_->update(slot(n).first(sizes_[at(n)]));
                std::scoped_lock lock(mutex_);
                ++hashed_;
                wake_reader();
            }
            ready_.notify_one();
        }
    }

    Source& source_;
    std::uint64_t const size_;
    Hasher* const hash_;
    std::span<std::byte> const memory_;
    std::size_t const first_; // bytes of the first buffer
    bool const to_end_;

    bytes_view current_;    // the buffer that is out,
    std::size_t given_ = 0; // and how much of it

    std::mutex mutex_;
    std::condition_variable room_;  // the reader waits for it,
    std::condition_variable work_;  // the hashing thread for this,
    std::condition_variable ready_; // and who takes the bytes for this
    std::array<std::size_t, buffers> sizes_{};
    std::uint64_t read_ = 0;   // how many buffers were filled,
    std::uint64_t hashed_ = 0; // hashed,
    std::uint64_t taken_ = 0;  // and given out and given back
    bool ended_ = false;       // the reader has done its work, or a thread has thrown
    bool more_ = false;
    error_code error_;
    std::exception_ptr thrown_;
    bool stopped_ = false;

    std::thread hashing_;
    std::thread reading_;
};

} // namespace tarexport::detail

#endif
