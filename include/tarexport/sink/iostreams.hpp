//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_SINK_IOSTREAMS_HPP
#define TAREXPORT_SINK_IOSTREAMS_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/error.hpp>

#include <boost/iostreams/close.hpp>
#include <boost/iostreams/flush.hpp>
#include <boost/iostreams/write.hpp>

#include <algorithm>
#include <cstddef>
#include <ios>
#include <limits>
#include <string>
#include <utility>

namespace tarexport {

/** A sink that writes to whatever Boost.Iostreams can write to: a device, a filtering stream or stream buffer.

    Committing flushes and closes it. What it throws as `std::ios_base::failure`, and a write of nothing, become the error `io_error`, since
    Iostreams tells no more; anything else that it throws passes through. Borrows the device. Aborting closes nothing, and what was
    written cannot be taken back: a filter that finishes its output in its destructor, as compressors do, makes a whole file of half an archive
    then, so compress with `compressed_sink` rather than with a filter.
*/
template<class Device>
class iostreams_sink {
public:
    /// Construct for a device that outlives this object. @param name What errors call it.
    explicit iostreams_sink(Device& d, std::string name = "output device") : device_(&d), name_(std::move(name)) {}

    std::size_t write_some(bytes_view bytes, error_code& ec)
    {
        constexpr auto most = static_cast<std::size_t>(std::numeric_limits<std::streamsize>::max());
        std::streamsize n = 0;
        attempt(ec, [&] {
            n = boost::iostreams::write(*device_, to_text(bytes).data(), static_cast<std::streamsize>(std::min(bytes.size(), most)));
        });
        if(n <= 0 && !ec.failed())
            ec = make_error_code(boost::system::errc::io_error);
        return n <= 0 || ec.failed() ? 0 : static_cast<std::size_t>(n);
    }

    /// Flush and close the device. Nothing can be written afterwards.
    void commit(error_code& ec)
    {
        bool flushed = false;
        attempt(ec, [&] {
            flushed = boost::iostreams::flush(*device_);
            boost::iostreams::close(*device_, std::ios_base::out);
        });
        if(!flushed && !ec.failed())
            ec = make_error_code(boost::system::errc::io_error);
        finished_ = !ec.failed();
    }

    /// Write no more.
    void abort() noexcept { finished_ = true; }

    /// Return what errors call it.
    std::string subject() const { return name_; }

private:
    template<class Call>
    void attempt(error_code& ec, Call call)
    {
        ec.clear();
        if(finished_)
            ec = error::sink_finished;
        else
            try {
                call();
            }
            catch(std::ios_base::failure const&) {
                ec = make_error_code(boost::system::errc::io_error);
            }
    }

    Device* device_;
    std::string name_;
    bool finished_ = false;
};

} // namespace tarexport

#endif
