//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_SERVER_HPP
#define TAREXPORT_ENGINE_SERVER_HPP

#include "listen_address.hpp"
#include "service.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

// The server, as whoever runs it sees it.

namespace engine {

/// What keeps clients from taking more than their part. None of these depends on what they send.
struct server_limits {
    std::size_t connections = 1024;
    std::size_t saves = 256;                      ///< archives that are sent at once
    std::size_t header_size = std::size_t{64} << 10;
    std::size_t buffer_size = std::size_t{64} << 10; ///< of each archive that is sent
    std::size_t threads = 4;                      ///< that read stores
    std::chrono::milliseconds header_time{10'000}; ///< for a whole header, from its first byte on, and for the first byte of all
    std::chrono::milliseconds idle_time{60'000};   ///< between two requests
    std::chrono::milliseconds stall_time{60'000};  ///< to take what is in a buffer
    std::chrono::milliseconds drain_time{30'000};  ///< for what is on its way, when the server ends
};

/// How a server runs.
struct server_options {
    std::string product;                           ///< name and version, for the Server field
    server_limits limits;
    std::function<void(std::string_view)> log = [](std::string_view) {};         ///< gets a line for each request, and for what else happens
    std::function<void(std::vector<std::string> const&)> ready = [](auto const&) {}; ///< gets the addresses, once they take connections
};

/** Serve until SIGINT or SIGTERM; then take no more connections, finish what is on its way, and return.

    A second signal, or the end of `drain_time`, cuts short what is still on its way.

    @throws std::runtime_error Where an address cannot be listened on.
    @return Whether everything that was begun was finished.
*/
bool serve(service& answers, std::vector<listen_address> const& addresses, server_options const& options);

} // namespace engine

#endif
