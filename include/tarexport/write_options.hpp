//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_WRITE_OPTIONS_HPP
#define TAREXPORT_WRITE_OPTIONS_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/serializer.hpp>

#include <cstddef>
#include <stop_token>

namespace tarexport {

/// How an archive is written.
struct write_options {
    byte_range range = {};                               ///< of the archive; all of it unless told
    verify verification = verify::covered;               ///< which layers are hashed and compared
    std::stop_token stop;                                ///< ends the save within one buffer, or 16 MiB that the kernel copies
    std::size_t buffer_size = std::size_t{256} * 1024;   ///< bytes read at once, 1 to 2^30; a layer with threads of its own has 8 such buffers
    std::size_t jobs = 2;                                ///< threads that write at once; with 1, only the calling one, see `write`
    bool sum = false;                                    ///< compute the SHA-256 of the bytes written: in order, and no layer is copied by the kernel
};

} // namespace tarexport

#endif
