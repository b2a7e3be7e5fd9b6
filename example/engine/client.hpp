//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_CLIENT_HPP
#define TAREXPORT_ENGINE_CLIENT_HPP

#include "url.hpp"

#include <tarexport/bytes.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>

#include <chrono>
#include <cstdint>
#include <functional>

// Archives from a server: the other side of `session`.

namespace engine {

/// What a server says of an archive before it sends it.
struct remote_archive {
    tarexport::digest etag;
    std::uint64_t size = 0; ///< in bytes
};

/// How long a server may be silent.
inline constexpr std::chrono::seconds server_patience{60};

/** Ask for the size and the identity of an archive.

    @return Them; or the server's message, `cancelled` on SIGINT and SIGTERM, or what went wrong on the way. The subject is the server.
*/
tarexport::result<remote_archive> ask(url const& from);

/** Read an archive from a position on.

    @param take Called with the bytes in order; what it fails with ends the reading.
    @return Nothing, when all bytes were taken: they are those of `archive`. Otherwise why not, as above; `cannot_resume` where the
    server has another archive now.
*/
tarexport::result<void> download(url const& from, remote_archive const& archive, std::uint64_t first,
    std::function<tarexport::result<void>(tarexport::bytes_view)> const& take);

} // namespace engine

#endif
