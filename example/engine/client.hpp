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
#include <cstddef>
#include <cstdint>
#include <functional>

// Archives from a server: the other side of `session`.

namespace engine {

/// What a server says of an archive before it sends it.
struct remote_archive {
    tarexport::digest etag;
    std::uint64_t size = 0; ///< in bytes
};

/// How archives are got.
struct client_options {
    std::size_t jobs = 1;              ///< how many connections at once, each for another range
    std::chrono::seconds patience{60}; ///< for a connection, an answer's beginning, and each `least_progress` bytes of it
};

/** Ask for the size and the identity of an archive.

    @return Them; or the server's message, `cancelled` on SIGINT, SIGTERM and SIGHUP, or what went wrong on the way. The subject is the
    server.
*/
tarexport::result<remote_archive> ask(url const& from, client_options const& options);

/// How far a download has come.
struct download_report {
    std::uint64_t prefix = 0; ///< the bytes of the archive up to here were taken; behind it, some may have been
    tarexport::result<void> outcome;
};

/** Read an archive from a position on.

    A server that is too busy for so many connections, and says when to come again, is asked with fewer; with the last one, in that
    time, some times.

    @param take Called in the calling thread with bytes and their position in the archive: with one job in order, with several in
    any order. What it fails with ends the reading.
    @return Success when all bytes were taken: they are those of `archive`. Otherwise why not, as above; `cannot_resume` where the
    server has another archive now.
*/
download_report download(url const& from, remote_archive const& archive, std::uint64_t first, client_options const& options,
    std::function<tarexport::result<void>(std::uint64_t, tarexport::bytes_view)> const& take);

} // namespace engine

#endif
