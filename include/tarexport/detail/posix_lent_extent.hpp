//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_POSIX_LENT_EXTENT_HPP
#define TAREXPORT_DETAIL_POSIX_LENT_EXTENT_HPP

#include <tarexport/detail/posix_descriptor.hpp>
#include <tarexport/error.hpp>
#include <tarexport/layer.hpp>

#include <boost/assert.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <span>

#include <sys/stat.h>
#include <unistd.h>

namespace tarexport::detail {

/** A file whose blocks a sink takes while its bytes are read, to hash them.

    The two agree only if nobody writes to the file between them. That nobody has since the file was opened is looked at after whatever
    was taken or read.
*/
class lent_extent {
public:
    /// Look at the file before the first block is taken.
    lent_extent(file_extent const& all, error_code& ec) noexcept
        : fd_(all.fd)
        , next_(all.offset)
        , end_(all.offset + all.size)
    {
        ec.clear();
        if(::fstat(fd_, &before_) != 0)
            ec = detail::last_error();
    }

    /** Return whether the file was written to so lately that its times may stay the same when it is written to again.

        The clock of a file system ticks as seldom as a hundred times a second.
    */
    bool recent() const noexcept
    {
        constexpr std::int64_t tick = 100'000'000; // nanoseconds, some more than one
        timespec now{};
        ::clock_gettime(CLOCK_REALTIME, &now);
        auto const seconds = static_cast<std::int64_t>(now.tv_sec) - before_.st_ctim.tv_sec;
        return seconds <= 1 && seconds * 1'000'000'000 + (now.tv_nsec - before_.st_ctim.tv_nsec) < tick;
    }

    /// Return the position in the file where it ends.
    std::uint64_t end() const noexcept { return end_; }

    /// Return whether a block was taken.
    bool taken() const noexcept { return taken_; }

    /** Hash all bytes up to a position in the file.

        @param update Called with the bytes.
        @param buffer Not empty.
    */
    template<class Update>
    void hash_up_to(std::uint64_t end, std::span<std::byte> buffer, Update update, error_code& ec)
    {
        taken_ = true;
        ec.clear();
        while(next_ < end && !ec.failed()) {
            auto const n = read(next_, buffer.first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), end - next_))), ec);
            update(std::span<std::byte const>(buffer.first(n)));
            next_ += n;
        }
        // What is taken after the last byte was hashed has to be what was hashed.
        if(!ec.failed() && !unchanged())
            ec = error::store_changed;
    }

    /// Read 1 to `into.size()` bytes from a position in the file; 0 with an error.
    std::size_t read(std::uint64_t position, std::span<std::byte> into, error_code& ec) const noexcept
    {
        BOOST_ASSERT(!into.empty());
        ec.clear();
        auto const n = detail::uninterrupted([&] { return ::pread(fd_, into.data(), into.size(), static_cast<off_t>(position)); });
        if(n == -1)
            ec = detail::last_error();
        else if(n == 0 || !unchanged())
            ec = error::store_changed;
        return ec.failed() ? 0 : static_cast<std::size_t>(n);
    }

private:
    bool unchanged() const noexcept
    {
        struct stat now;
        auto const same = [](timespec const& a, timespec const& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; };
        return ::fstat(fd_, &now) == 0 && now.st_size == before_.st_size && same(now.st_mtim, before_.st_mtim) &&
            same(now.st_ctim, before_.st_ctim);
    }

    int fd_;
    std::uint64_t next_; // the first byte that was not hashed
    std::uint64_t end_;
    bool taken_ = false;
    struct stat before_;
};

} // namespace tarexport::detail

#endif
