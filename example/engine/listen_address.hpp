//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_LISTEN_ADDRESS_HPP
#define TAREXPORT_ENGINE_LISTEN_ADDRESS_HPP

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace engine {

/// Where a server listens: a UNIX socket, or a port of this machine alone.
struct listen_address {
    std::string path;       ///< of a UNIX socket; empty: a port
    std::string host;       ///< a loopback address
    std::uint16_t port = 0; ///< 0: any that is free

    friend bool operator==(listen_address const&, listen_address const&) = default;
};

/** Read `unix:PATH`, `tcp:127.0.0.1:PORT` or `tcp:[::1]:PORT`.

    There are no other addresses: whoever reaches the server reads all images, and nothing is encrypted.
*/
inline std::optional<listen_address> parse_listen_address(std::string_view text)
{
    if(text.starts_with("unix:")) {
        text.remove_prefix(5);
        if(text.starts_with("//"))
            text.remove_prefix(2); // as DOCKER_HOST has it
        return text.empty() ? std::nullopt : std::optional(listen_address{std::string(text), {}, 0});
    }
    if(!text.starts_with("tcp:"))
        return std::nullopt;
    text.remove_prefix(4);
    auto const colon = text.rfind(':');
    if(colon == std::string_view::npos)
        return std::nullopt;
    auto host = text.substr(0, colon);
    auto const digits = text.substr(colon + 1);
    std::uint16_t port = 0;
    auto const read = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if(digits.empty() || read.ec != std::errc() || read.ptr != digits.data() + digits.size())
        return std::nullopt;
    if(host == "[::1]")
        host = "::1";
    else if(host == "localhost")
        host = "127.0.0.1";
    else if(!host.starts_with("127.") || host.find_first_not_of("0123456789.") != std::string_view::npos)
        return std::nullopt;
    return listen_address{{}, std::string(host), port};
}

} // namespace engine

#endif
