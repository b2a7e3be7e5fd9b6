//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_POSIX_WRITE_HPP
#define TAREXPORT_DETAIL_POSIX_WRITE_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/detail/posix_descriptor.hpp>
#include <tarexport/error.hpp>
#include <tarexport/layer.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <limits>
#include <span>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

namespace tarexport::detail {

// What a descriptor refers to, as far as writing to it differs.
enum class output_kind : unsigned char { regular, pipe, socket, other };

inline output_kind kind_of_output(int fd) noexcept
{
    struct stat s;
    if(::fstat(fd, &s) != 0)
        return output_kind::other;
    if(S_ISREG(s.st_mode))
        return output_kind::regular;
    if(S_ISFIFO(s.st_mode))
        return output_kind::pipe;
    return S_ISSOCK(s.st_mode) ? output_kind::socket : output_kind::other;
}

// The signal that would end the program where writing to this kind of output fails.
constexpr int signal_of(output_kind kind) noexcept { return kind == output_kind::regular ? SIGXFSZ : SIGPIPE; }

// Keeps a signal that a call raises in its own thread from the program, whatever its disposition. 0 stands for none.
//
// A signal that was pending before belongs to somebody else: it is blocked already, and stays pending.
class signal_shield {
public:
    explicit signal_shield(int signal) noexcept
    {
        if(signal == 0)
            return;
        sigset_t pending;
        ::sigemptyset(&pending);
        ::sigpending(&pending);
        active_ = ::sigismember(&pending, signal) == 0;
        if(!active_)
            return;
        ::sigemptyset(&signals_);
        ::sigaddset(&signals_, signal);
        ::pthread_sigmask(SIG_BLOCK, &signals_, &before_);
    }

    signal_shield(signal_shield const&) = delete;
    signal_shield& operator=(signal_shield const&) = delete;

    ~signal_shield()
    {
        if(active_)
            ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

    // The call fell short, so it may have raised the signal: even one that wrote something does.
    void consume() noexcept
    {
        int const saved = errno;
        std::timespec const at_once{};
        if(active_)
            detail::uninterrupted([&] { return ::sigtimedwait(&signals_, nullptr, &at_once); });
        errno = saved;
    }

private:
    sigset_t signals_;
    sigset_t before_;
    bool active_ = false;
};

// Waits until a non-blocking output takes bytes, or has an error that the next call will show.
// A blocking socket gives EAGAIN too, when its own time limit has passed: that one is an error.
inline bool wait_for_room(int fd) noexcept
{
    int const flags = ::fcntl(fd, F_GETFL);
    if(flags == -1 || (flags & O_NONBLOCK) == 0) {
        errno = EAGAIN;
        return false;
    }
    pollfd p{fd, POLLOUT, 0};
    return detail::uninterrupted([&] { return ::poll(&p, 1, -1); }) > 0;
}

// Moves 1 to `wanted` bytes by one successful `call`.
template<class Call>
std::size_t transfer_some(int fd, int signal, std::size_t wanted, error_code& ec, Call call)
{
    for(;;) {
        ssize_t n;
        {
            signal_shield shield(signal);
            n = call();
            if(n < 0 || static_cast<std::size_t>(n) < wanted)
                shield.consume();
        }
        if(n >= 0) {
            ec.clear();
            return static_cast<std::size_t>(n);
        }
        if(errno == EINTR || ((errno == EAGAIN || errno == EWOULDBLOCK) && detail::wait_for_room(fd)))
            continue;
        ec = detail::last_error();
        return 0;
    }
}

inline constexpr auto largest_offset = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());

// The first of some pieces, as the system takes them.
struct io_vectors {
    explicit io_vectors(std::span<bytes_view const> pieces) noexcept
    {
        for(auto const& p : pieces.first(std::min(pieces.size(), all.size()))) {
            all[count++] = {const_cast<std::byte*>(p.data()), p.size()};
            bytes += p.size();
        }
    }

    std::array<iovec, 16> all;
    std::size_t count = 0;
    std::size_t bytes = 0;
};

inline std::size_t write_pieces_some(
    int fd, output_kind kind, std::span<bytes_view const> pieces, error_code& ec)
{
    io_vectors v(pieces);
    if(kind == output_kind::socket) {
        msghdr message{};
        message.msg_iov = v.all.data();
        message.msg_iovlen = v.count;
        return detail::transfer_some(fd, 0, v.bytes, ec, [&] { return ::sendmsg(fd, &message, MSG_NOSIGNAL); });
    }
    return detail::transfer_some(fd, detail::signal_of(kind), v.bytes, ec,
        [&] { return ::writev(fd, v.all.data(), static_cast<int>(v.count)); });
}

// The same, to a position of a file.
inline std::size_t write_pieces_some_at(int fd, std::uint64_t position, std::span<bytes_view const> pieces, error_code& ec)
{
    if(position > largest_offset) {
        ec.assign(EFBIG, boost::system::system_category());
        return 0;
    }
    io_vectors const v(pieces);
    return detail::transfer_some(fd, detail::signal_of(output_kind::regular), v.bytes, ec,
        [&] { return ::pwritev(fd, v.all.data(), static_cast<int>(v.count), static_cast<off_t>(position)); });
}

// Whether an error is certainly one of the output. Any other may come from the source, or from the pair of them;
// reading and writing tells which.
constexpr bool is_output_error(int e) noexcept
{
    switch(e) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EPIPE:
    case ECONNRESET:
    case EAGAIN: return true;
    }
    return false;
}

// Limits how long one call keeps its caller from noticing a cancellation.
inline constexpr std::uint64_t most_to_file = 16u * 1024 * 1024;
inline constexpr std::uint64_t most_to_stream = 1024u * 1024;

// File systems that share blocks between files do so for whole ones, which are at least this large.
inline constexpr std::uint64_t shared_block = 4096;

// How much of an extent one call copies to a file. An end in the middle of a block makes the file system copy all of it.
inline std::size_t copied_at_once(file_extent const& extent) noexcept
{
    auto const most = std::min(extent.size, most_to_file);
    return static_cast<std::size_t>(extent.offset % shared_block == 0 && most > shared_block ? most - most % shared_block : most);
}

// Has the kernel copy bytes of a file. The source's own file position stays where it is.
inline std::size_t copy_extent_some(int fd, output_kind kind, file_extent const& extent, error_code& ec)
{
    bool const regular = kind == output_kind::regular;
    auto const wanted =
        regular ? detail::copied_at_once(extent) : static_cast<std::size_t>(std::min(extent.size, most_to_stream));
    std::size_t n = 0;
    ec.assign(EINVAL, boost::system::system_category());
    auto const attempt = [&](auto call) {
        auto at = static_cast<off_t>(extent.offset);
        n = detail::transfer_some(fd, detail::signal_of(kind), wanted, ec, [&] { return call(&at); });
    };
    if(extent.offset <= largest_offset) {
        if(regular)
            attempt([&](off_t* at) { return ::copy_file_range(extent.fd, at, fd, nullptr, wanted, 0); });
        if(kind == output_kind::pipe)
            attempt([&](off_t* at) { return ::splice(extent.fd, at, fd, nullptr, wanted, 0); });
        else if(ec.failed() && !detail::is_output_error(ec.value()))
            attempt([&](off_t* at) { return ::sendfile(fd, extent.fd, at, wanted); });
    }
    // Nothing copied without an error: the file ends before its extent does, which reading will show.
    if(n == 0 && !(ec.failed() && detail::is_output_error(ec.value())))
        ec = make_error_code(boost::system::errc::operation_not_supported);
    return n;
}

// The same, to a position of a file.
inline std::size_t copy_extent_some_at(int fd, std::uint64_t position, file_extent const& extent, error_code& ec)
{
    std::size_t n = 0;
    ec.assign(EINVAL, boost::system::system_category());
    if(extent.offset <= largest_offset && position <= largest_offset) {
        auto from = static_cast<off_t>(extent.offset);
        auto to = static_cast<off_t>(position);
        auto const wanted = detail::copied_at_once(extent);
        n = detail::transfer_some(fd, detail::signal_of(output_kind::regular), wanted, ec,
            [&] { return ::copy_file_range(extent.fd, &from, fd, &to, wanted, 0); });
    }
    if(n == 0 && !(ec.failed() && detail::is_output_error(ec.value())))
        ec = make_error_code(boost::system::errc::operation_not_supported);
    return n;
}

// What FICLONERANGE takes. The kernel's header for it defines macros with names that belong to everybody.
struct clone_range {
    std::int64_t from_fd;
    std::uint64_t from;
    std::uint64_t size;
    std::uint64_t to;
};
inline constexpr unsigned long clone_range_request = _IOW(0x94, 13, clone_range);

// Has the file at a position share the whole blocks of an extent, which are on the same file system.
inline std::size_t clone_extent_some_at(int fd, std::uint64_t position, file_extent const& extent, error_code& ec)
{
    auto const wanted = std::min(extent.size, most_to_file) / shared_block * shared_block;
    std::size_t n = 0;
    ec.assign(EINVAL, boost::system::system_category());
    if(wanted != 0 && extent.offset % shared_block == 0 && position % shared_block == 0) {
        clone_range const range{extent.fd, extent.offset, wanted, position};
        n = detail::transfer_some(fd, detail::signal_of(output_kind::regular), static_cast<std::size_t>(wanted), ec, [&] {
            return ::ioctl(fd, clone_range_request, &range) == 0 ? static_cast<ssize_t>(wanted) : ssize_t{-1};
        });
    }
    if(n == 0 && !detail::is_output_error(ec.value()))
        ec = make_error_code(boost::system::errc::operation_not_supported);
    return n;
}

} // namespace tarexport::detail

#endif
