//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_SINK_MEMORY_HPP
#define TAREXPORT_SINK_MEMORY_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/error.hpp>
#include <tarexport/sink.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <utility>

namespace tarexport {

/** A sink that keeps an archive in memory.

    After a save that failed it holds the bytes that were written until then.

    @par Exception Safety
    Writing throws `std::bad_alloc` or `std::length_error`, and then has written nothing or some whole pieces.
*/
class memory_sink {
public:
    std::size_t write_some(bytes_view bytes, error_code& ec)
    {
        return write_some(std::span<bytes_view const>(&bytes, 1), ec);
    }

    std::size_t write_some(std::span<bytes_view const> pieces, error_code& ec)
    {
        ec.clear();
        auto const before = bytes_.size();
        for(auto const& p : pieces)
            bytes_.append(to_text(p));
        return bytes_.size() - before;
    }

    /// Return what was written; valid until the next write.
    std::string const& bytes() const& noexcept { return bytes_; }

    /// Return what was written, and leave it to the caller.
    std::string bytes() && noexcept { return std::move(bytes_); }

private:
    std::string bytes_;
};

static_assert(gather_sink<memory_sink>);

} // namespace tarexport

#endif
