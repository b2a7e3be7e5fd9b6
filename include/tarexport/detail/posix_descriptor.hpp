//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_POSIX_DESCRIPTOR_HPP
#define TAREXPORT_DETAIL_POSIX_DESCRIPTOR_HPP

#include <tarexport/error.hpp>

#include <cerrno>
#include <utility>

#include <unistd.h>

namespace tarexport::detail {

// The error that the last system call left.
inline error_code last_error() noexcept { return {errno, boost::system::system_category()}; }

// Owns a file descriptor.
class unique_descriptor {
public:
    unique_descriptor() noexcept = default;
    explicit unique_descriptor(int fd) noexcept : fd_(fd) {}

    unique_descriptor(unique_descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

    unique_descriptor& operator=(unique_descriptor&& other) noexcept
    {
        if(this != &other) {
            reset();
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }

    ~unique_descriptor() { reset(); }

    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }

    // Gives the descriptor away.
    int release() noexcept { return std::exchange(fd_, -1); }

    // Leaves errno alone, because it runs on the way out of failures that still have to be reported.
    void reset() noexcept
    {
        if(fd_ < 0)
            return;
        int const saved = errno;
        ::close(std::exchange(fd_, -1));
        errno = saved;
    }

private:
    int fd_ = -1;
};

// Repeats a system call that a signal interrupted.
template<class Call>
auto uninterrupted(Call call)
{
    auto r = call();
    while(r == -1 && errno == EINTR)
        r = call();
    return r;
}

} // namespace tarexport::detail

#endif
