//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ACTION_HPP
#define TAREXPORT_ACTION_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/error.hpp>
#include <tarexport/layer.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

namespace tarexport {

/// Open a layer at a byte position. Answer: `serializer::opened`.
struct open_layer {
    std::size_t layer = 0;      ///< its number in the plan
    std::uint64_t offset = 0;   ///< in bytes
    bool hash = false;          ///< whether its bytes are to be hashed from here on
};

/// Take the open layer's next bytes, at most `max`. Answer: `serializer::data`. A driver of files may end its reads at whole pages.
struct read_layer {
    std::size_t max = 0;        ///< in bytes, never 0
    std::uint64_t position = 0; ///< where in the archive they go, in bytes
};

/// Write some pieces, in one call if the sink can. Answer: `serializer::written`.
struct write_pieces {
    std::span<bytes_view const> pieces; ///< 1 to 6, none empty; valid until the answer
};

/// Let the sink take bytes of a file. Answer: `serializer::written`.
struct copy_extent {
    file_extent extent;         ///< never empty
};

/// Read the last bytes of the open layer's file, which are not copied but leave with the next header. Answer: `serializer::data`.
struct read_extent {
    file_extent extent;         ///< 1 to 512 bytes
};

/// Finish with the open layer. Answer: `serializer::closed`.
struct close_layer {
    bool at_end = false;        ///< whether the source must end here; if so, make sure that it does
};

/// Stop. There is no answer.
struct done {
    error_code error;           ///< clear after the last byte of the range
};

/// What a driver does next for a serializer.
using action = std::variant<open_layer, read_layer, write_pieces, copy_extent, read_extent, close_layer, done>;

} // namespace tarexport

#endif
