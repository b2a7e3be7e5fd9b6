//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_POSIX_FILE_HPP
#define TAREXPORT_DETAIL_POSIX_FILE_HPP

#include <tarexport/detail/posix_descriptor.hpp>
#include <tarexport/error.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#if defined(__linux__) && __has_include(<linux/openat2.h>)
#include <linux/openat2.h>
#include <sys/syscall.h>
#endif

// Reading files that others may have put there: below one directory, through no symlink, and only regular ones.

namespace tarexport::detail {

/// An open regular file, and its size when it was opened.
struct posix_file {
    unique_descriptor fd;
    std::uint64_t size = 0;
};

// No link is followed at the end; a FIFO or a device does not keep us waiting.
inline constexpr int read_flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

inline error_code system_error_code(int e) noexcept { return {e, boost::system::system_category()}; }

/// Open a directory by its path, which may lead through symlinks: the user gave it.
inline unique_descriptor open_directory(std::string const& path, error_code& ec)
{
    unique_descriptor fd(detail::uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    ec = fd ? error_code() : detail::last_error();
    return fd;
}

// One step down. A symlink is ELOOP also where the system only sees that it is no directory.
inline unique_descriptor open_step(int directory, std::string const& name, bool last, error_code& ec)
{
    int const flags = last ? read_flags : O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_DIRECTORY;
    unique_descriptor fd(detail::uninterrupted([&] { return ::openat(directory, name.c_str(), flags); }));
    if(fd) {
        ec.clear();
        return fd;
    }
    ec = detail::last_error();
    struct stat s;
    if(ec.value() == ENOTDIR && ::fstatat(directory, name.c_str(), &s, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(s.st_mode))
        ec = detail::system_error_code(ELOOP);
    return fd;
}

// Whether a path stays below its directory by its text alone.
inline bool is_path_beneath(std::string_view path) noexcept
{
    if(path.find('\0') != std::string_view::npos)
        return false;
    for(;;) {
        auto const step = path.substr(0, path.find('/'));
        if(step.empty() || step == "." || step == "..")
            return false;
        if(step.size() == path.size())
            return true;
        path.remove_prefix(step.size() + 1);
    }
}

// For kernels without openat2, and for sandboxes that forbid it. Precondition: is_path_beneath(path).
inline unique_descriptor open_by_steps(int directory, std::string_view path, error_code& ec)
{
    unique_descriptor at;
    for(;;) {
        auto const step = path.substr(0, path.find('/'));
        bool const last = step.size() == path.size();
        at = detail::open_step(at ? at.get() : directory, std::string(step), last, ec);
        if(ec || last)
            return at;
        path.remove_prefix(step.size() + 1);
    }
}

/// How the kernel resolves a path for us.
enum class path_resolution {
    beneath, ///< every symlink, `..` and absolute path is refused
    in_root  ///< symlinks and `..` stay in the directory as if it were the root; magic links are refused
};

/** Open a path below a directory in one system call.

    @return The descriptor. ENOSYS or EPERM where the system lacks the call or a sandbox forbids it, and EAGAIN where others keep
    renaming: then the path has to be walked step by step.
*/
inline unique_descriptor open_resolved(
    int directory, std::string const& path, int flags, path_resolution resolution, error_code& ec)
{
#if defined(SYS_openat2) && defined(RESOLVE_BENEATH)
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags);
    how.resolve = RESOLVE_NO_MAGICLINKS;
    how.resolve |= resolution == path_resolution::beneath ? RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS : RESOLVE_IN_ROOT;
    // EAGAIN: a rename at the same time, which may never end.
    for(int tries = 0; tries != 8; ++tries) {
        auto const fd =
            detail::uninterrupted([&] { return ::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how); });
        ec = fd >= 0 ? error_code() : detail::last_error();
        if(ec.value() != EAGAIN)
            return unique_descriptor(static_cast<int>(fd));
    }
#else
    (void)directory, (void)path, (void)flags, (void)resolution;
    ec = detail::system_error_code(ENOSYS);
#endif
    return {};
}

// Whether `open_resolved` has left the work to us.
inline bool is_unresolved(error_code const& ec) noexcept
{
    return ec == detail::system_error_code(ENOSYS) || ec == detail::system_error_code(EPERM) ||
           ec == detail::system_error_code(EAGAIN);
}

/** Open what is at a path below a directory for reading, without blocking and without following any symlink.

    A symlink anywhere is ELOOP; a path that is absolute or has empty elements, `.` or `..` is EXDEV.
*/
inline unique_descriptor open_beneath(int directory, std::string const& path, error_code& ec)
{
    if(!detail::is_path_beneath(path)) {
        ec = detail::system_error_code(EXDEV);
        return {};
    }
    auto fd = detail::open_resolved(directory, path, read_flags, path_resolution::beneath, ec);
    return detail::is_unresolved(ec) ? detail::open_by_steps(directory, path, ec) : std::move(fd);
}

/// Return the file of a descriptor that was opened for reading, or `error::not_a_regular_file`, or what opening it said.
inline posix_file only_regular(unique_descriptor fd, error_code& ec)
{
    posix_file f;
    // ELOOP: a symlink. ENXIO: a socket, or a device without driver.
    if(ec == detail::system_error_code(ELOOP) || ec == detail::system_error_code(ENXIO))
        ec = error::not_a_regular_file;
    if(ec)
        return f;
    struct stat s;
    if(::fstat(fd.get(), &s) != 0)
        ec = detail::last_error();
    else if(!S_ISREG(s.st_mode))
        ec = error::not_a_regular_file;
    else
        f = {std::move(fd), static_cast<std::uint64_t>(s.st_size)};
    return f;
}

/** Open a regular file below a directory.

    @return The file; anything else that stands there, a symlink too, is `error::not_a_regular_file`.
*/
inline posix_file open_file_beneath(int directory, std::string const& path, error_code& ec)
{
    auto fd = detail::open_beneath(directory, path, ec);
    return detail::only_regular(std::move(fd), ec);
}

/// Read at a position. @return How many bytes there were; 0 at the end, and on an error.
inline std::size_t read_some_at(int fd, std::span<std::byte> into, std::uint64_t offset, error_code& ec) noexcept
{
    if(offset > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max())) {
        ec = detail::system_error_code(EOVERFLOW);
        return 0;
    }
    auto const size = std::min(into.size(), std::size_t{1} << 30);
    auto const n = detail::uninterrupted([&] { return ::pread(fd, into.data(), size, static_cast<off_t>(offset)); });
    ec = n < 0 ? detail::last_error() : error_code();
    return n < 0 ? 0 : static_cast<std::size_t>(n);
}

/** Read a whole regular file below a directory, of at most `limit` bytes.

    @return The bytes; or `limit_exceeded`, `not_a_regular_file` or the system's error, with the subject given.
*/
inline result<std::string> read_file_beneath(
    int directory, std::string const& path, std::uint64_t limit, std::string const& subject)
{
    error_code ec;
    auto const file = detail::open_file_beneath(directory, path, ec);
    if(ec)
        return failure{ec, subject, {}};
    std::string text;
    // The size is only a hint: the file may grow while it is read.
    for(std::size_t n = 1; n != 0 && text.size() <= limit;) {
        auto const had = text.size();
        auto const room = had < file.size ? file.size - had : 1;
        text.resize(had + static_cast<std::size_t>(std::min({room, limit + 1 - had, std::uint64_t{1} << 20})));
        n = detail::read_some_at(file.fd.get(), std::as_writable_bytes(std::span(text).subspan(had)), had, ec);
        text.resize(had + n);
        if(ec)
            return failure{ec, subject, {}};
    }
    if(text.size() > limit)
        return failure{error::limit_exceeded, subject, "more than " + std::to_string(limit) + " bytes"};
    return text;
}

} // namespace tarexport::detail

#endif
