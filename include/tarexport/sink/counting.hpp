//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_SINK_COUNTING_HPP
#define TAREXPORT_SINK_COUNTING_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/error.hpp>
#include <tarexport/sink.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace tarexport {

/** A sink that counts bytes and forgets them.

    Saving to it reads and verifies every layer without writing anything: a check of a store.
*/
class counting_sink {
public:
    std::size_t write_some(bytes_view bytes, error_code& ec) noexcept
    {
        return write_some(std::span<bytes_view const>(&bytes, 1), ec);
    }

    std::size_t write_some(std::span<bytes_view const> pieces, error_code& ec) noexcept
    {
        ec.clear();
        std::size_t n = 0;
        for(auto const& p : pieces)
            n += p.size();
        bytes_ += n;
        return n;
    }

    /// Return the number of bytes so far.
    std::uint64_t bytes() const noexcept { return bytes_; }

private:
    std::uint64_t bytes_ = 0;
};

static_assert(gather_sink<counting_sink>);

} // namespace tarexport

#endif
