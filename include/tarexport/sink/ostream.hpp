//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_SINK_OSTREAM_HPP
#define TAREXPORT_SINK_OSTREAM_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/error.hpp>
#include <tarexport/sink.hpp>

#include <algorithm>
#include <cstddef>
#include <ios>
#include <limits>
#include <ostream>
#include <streambuf>
#include <string>
#include <utility>

namespace tarexport {

/** A sink that writes to a standard output stream.

    Bytes go straight to the stream's buffer; committing flushes it. A failure sets the stream's `badbit`, as its
    own output functions do, and becomes the error `io_error`, since a stream does not tell more. What the stream or
    its buffer throws becomes that error too, whatever `exceptions()` is.

    Borrows the stream, which must have been opened in binary mode where that matters. Aborting leaves what was written.
*/
class ostream_sink {
public:
    /// Construct for a stream. @param name What errors call it.
    explicit ostream_sink(std::ostream& os, std::string name = "output stream")
        : stream_(&os)
        , name_(std::move(name))
    {
    }

    std::size_t write_some(bytes_view bytes, error_code& ec) noexcept
    {
        if(!writable(ec))
            return 0;
        auto const size = static_cast<std::streamsize>(
            std::min(bytes.size(), static_cast<std::size_t>(std::numeric_limits<std::streamsize>::max())));
        std::streamsize n = 0;
        try {
            n = stream_->rdbuf()->sputn(to_text(bytes).data(), size);
        }
        catch(...) {
            n = 0;
        }
        if(n <= 0)
            return broken(ec);
        return static_cast<std::size_t>(n);
    }

    /// Flush the stream. Nothing can be written afterwards.
    void commit(error_code& ec) noexcept
    {
        if(!writable(ec))
            return;
        int flushed = -1;
        try {
            flushed = stream_->rdbuf()->pubsync();
        }
        catch(...) {
            flushed = -1;
        }
        if(flushed == -1)
            broken(ec);
        else
            finished_ = true;
    }

    /// Write no more. What was written cannot be taken back.
    void abort() noexcept { finished_ = true; }

    /// Return what errors call it.
    std::string subject() const { return name_; }

private:
    bool writable(error_code& ec) const noexcept
    {
        ec.clear();
        if(finished_)
            ec = error::sink_finished;
        else if(!stream_->good() || !stream_->rdbuf())
            ec = make_error_code(boost::system::errc::io_error);
        return !ec.failed();
    }

    std::size_t broken(error_code& ec) noexcept
    {
        ec = make_error_code(boost::system::errc::io_error);
        try {
            stream_->setstate(std::ios_base::badbit);
        }
        catch(...) {
            return 0; // the bit is set before the exception that the stream's owner asked for
        }
        return 0;
    }

    std::ostream* stream_;
    std::string name_;
    bool finished_ = false;
};

static_assert(sink<ostream_sink> && committing_sink<ostream_sink>);

} // namespace tarexport

#endif
