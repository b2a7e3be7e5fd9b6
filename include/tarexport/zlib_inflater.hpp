//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ZLIB_INFLATER_HPP
#define TAREXPORT_ZLIB_INFLATER_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/inflater.hpp>

#include <boost/iostreams/filter/zlib.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace tarexport {

/// Inflates with zlib, which Boost.Iostreams is linked with.
class zlib_inflater {
public:
    zlib_inflater() = default;
    zlib_inflater(zlib_inflater&&) = default;
    zlib_inflater& operator=(zlib_inflater&&) = default;

    inflate_status inflate(bytes_view& in, std::span<std::byte>& out)
    {
        auto const* from = reinterpret_cast<char const*>(in.data());
        auto* to = reinterpret_cast<char*>(out.data());
        auto status = inflate_status::damaged;
        try {
            bool const more = filter_.filter().filter(from, from + bounded(in.size()), to, to + bounded(out.size()), in.empty());
            status = more ? inflate_status::more : inflate_status::end;
        }
        catch(boost::iostreams::zlib_error const&) {
            // What came out is right: a wrong sum is noticed when all data has come out.
        }
        in = in.subspan(static_cast<std::size_t>(from - reinterpret_cast<char const*>(in.data())));
        out = out.subspan(static_cast<std::size_t>(to - reinterpret_cast<char*>(out.data())));
        return status;
    }

private:
    // zlib counts in 32 bits.
    static std::size_t bounded(std::size_t n) noexcept { return std::min<std::size_t>(n, std::numeric_limits<std::uint32_t>::max()); }

    // zlib adds 16 to the size of the window where it shall take gzip's format and check its sums.
    static boost::iostreams::zlib_params gzip_format()
    {
        boost::iostreams::zlib_params p;
        p.window_bits = boost::iostreams::zlib::default_window_bits + 16;
        return p;
    }

    boost::iostreams::zlib_decompressor filter_{gzip_format(), 1};
};

static_assert(inflater<zlib_inflater>);

} // namespace tarexport

#endif
