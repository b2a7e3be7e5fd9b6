//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_POSIX_EXTENT_PIPE_HPP
#define TAREXPORT_DETAIL_POSIX_EXTENT_PIPE_HPP

#include <tarexport/detail/posix_descriptor.hpp>
#include <tarexport/detail/posix_write.hpp>
#include <tarexport/error.hpp>
#include <tarexport/layer.hpp>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

namespace tarexport::detail {

/** Whether extents are to be passed to a stream: a UNIX socket, and nothing above it.

    Not to one of TCP: on one machine, the peer pays more for pages one by one than is saved here.
*/
template<class Stream>
inline constexpr bool takes_extents = false;
template<class Executor>
inline constexpr bool takes_extents<boost::asio::basic_stream_socket<boost::asio::local::stream_protocol, Executor>> = true;

/* Passes extents of files to a socket, without the program touching their bytes, through a pipe that refers to the file's pages.

   The pipe is filled where a thread may wait, since a page may have to come from a disk, and emptied where the socket is used.
   sendfile does both in one call: it would wait for the disk on the socket's executor, or use on another one a descriptor that may be
   closed meanwhile.
*/
class extent_pipe {
public:
    /** Put the first bytes of an extent into the pipe, which is empty. May wait for the file.
        @return Whether there are some. If not, the extent is to be read: that also tells where the file ends before the extent does.
    */
    bool fill(file_extent const& extent) noexcept
    {
        if((!read_end_ && !open()) || extent.offset > largest_offset)
            return false;
        auto at = static_cast<off_t>(extent.offset);
        auto const wanted = static_cast<std::size_t>(std::min<std::uint64_t>(extent.size, capacity));
        auto const n = detail::uninterrupted([&] { return ::splice(extent.fd, &at, write_end_.get(), nullptr, wanted, 0); });
        size_ = n > 0 ? static_cast<std::size_t>(n) : 0;
        return size_ != 0;
    }

    /// Return how many bytes are in the pipe.
    std::size_t size() const noexcept { return size_; }

    /** Move bytes from the pipe, which has some, to a socket. Does not wait.
        @return How many. 0 with `would_block` where the socket has no room, `operation_not_supported` where it is no socket for that,
        or another error of the socket. After the last two, what was in the pipe is lost.
    */
    template<class Socket>
    std::size_t send_some(Socket& socket, error_code& ec)
    {
        if(!socket.native_non_blocking())
            socket.native_non_blocking(true, ec);
        auto const n = move_to(socket.native_handle());
        if(n > 0) {
            ec.clear();
            size_ -= static_cast<std::size_t>(n);
            return static_cast<std::size_t>(n);
        }
        ec = n < 0 ? detail::last_error() : error_code();
        if(ec.value() == EAGAIN)
            ec = boost::asio::error::would_block;
        else {
            if(!is_output_error(ec.value()))
                ec = make_error_code(boost::system::errc::operation_not_supported);
            close();
        }
        return 0;
    }

private:
    // Four times that of a new pipe: each filling goes from one executor to another and back. Where a user has too much in pipes
    // already, one is as small as it comes.
    static constexpr std::size_t capacity = 256 * 1024;

    bool open() noexcept
    {
        int ends[2];
        if(::pipe2(ends, O_CLOEXEC) != 0)
            return false;
        read_end_ = unique_descriptor(ends[0]);
        write_end_ = unique_descriptor(ends[1]);
        static_cast<void>(::fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(capacity)));
        return true;
    }

    void close() noexcept
    {
        size_ = 0;
        read_end_.reset();
        write_end_.reset();
    }

    // A peer that has gone raises a signal here, which no flag keeps away.
    ssize_t move_to(int fd) noexcept
    {
        signal_shield shield(SIGPIPE);
        auto const n =
            detail::uninterrupted([&] { return ::splice(read_end_.get(), nullptr, fd, nullptr, size_, SPLICE_F_NONBLOCK); });
        if(n < 0 || static_cast<std::size_t>(n) < size_)
            shield.consume();
        return n;
    }

    unique_descriptor read_end_;
    unique_descriptor write_end_;
    std::size_t size_ = 0;
};

} // namespace tarexport::detail

#endif
