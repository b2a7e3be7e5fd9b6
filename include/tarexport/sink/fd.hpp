//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_SINK_FD_HPP
#define TAREXPORT_SINK_FD_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/detail/posix_write.hpp>
#include <tarexport/error.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/sink.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <utility>

namespace tarexport {

/** A sink that writes to a file descriptor: standard output, a pipe, a socket, a file.

    Borrows the descriptor, which must stay open; never closes it, and leaves its flags alone. A non-blocking one is
    waited for. A reader that has gone is the error `broken_pipe`, and a file-size limit the error `file_too_large`:
    neither raises a signal in the program, whatever handlers it has.

    Models `gather_sink` and `extent_sink`: where the kernel can copy from a layer's file to the descriptor, it
    does. A pipe then refers to the pages of that file until its reader takes them.

    @par Thread Safety
    None; one thread at a time.
*/
class fd_sink {
public:
    /// Construct for a descriptor. @param name What errors call it.
    explicit fd_sink(int fd, std::string name = {})
        : fd_(fd)
        , kind_(detail::kind_of_output(fd))
        , name_(std::move(name))
    {
    }

    std::size_t write_some(bytes_view bytes, error_code& ec)
    {
        return write_some(std::span<bytes_view const>(&bytes, 1), ec);
    }

    std::size_t write_some(std::span<bytes_view const> pieces, error_code& ec)
    {
        return detail::write_pieces_some(fd_, kind_, pieces, ec);
    }

    std::size_t copy_some(file_extent extent, error_code& ec)
    {
        return detail::copy_extent_some(fd_, kind_, extent, ec);
    }

    /// Return what errors call it: its name, "standard output", or "file descriptor 5".
    std::string subject() const
    {
        if(!name_.empty())
            return name_;
        switch(fd_) {
        case 1: return "standard output";
        case 2: return "standard error";
        }
        return "file descriptor " + std::to_string(fd_);
    }

private:
    int fd_;
    detail::output_kind kind_;
    std::string name_;
};

static_assert(gather_sink<fd_sink> && extent_sink<fd_sink>);

} // namespace tarexport

#endif
