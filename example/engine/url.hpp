//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_URL_HPP
#define TAREXPORT_ENGINE_URL_HPP

#include "listen_address.hpp"
#include "target.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace engine {

/// What of which server.
struct url {
    listen_address server;
    std::string target; ///< as it is sent

    friend bool operator==(url const&, url const&) = default;
};

/** Read `http://127.0.0.1:PORT/PATH`, or `http+unix://%2FSOCKET/PATH` with the path of a UNIX socket in place of the host.

    There is no encryption, so the server is on this machine.
*/
inline std::optional<url> parse_url(std::string_view text)
{
    constexpr std::string_view local = "http+unix://", http = "http://";
    bool const is_local = text.starts_with(local);
    if(!is_local && !text.starts_with(http))
        return std::nullopt;
    text.remove_prefix(is_local ? local.size() : http.size());
    auto const host = text.substr(0, text.find_first_of("/?#"));
    auto const target = text.substr(host.size(), text.find('#') - host.size());
    // What a line of a request cannot hold.
    bool const plain = std::ranges::none_of(target, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; });
    if(!target.starts_with('/') || !plain)
        return std::nullopt;
    std::optional<listen_address> server;
    if(is_local) {
        if(auto const path = detail::decoded(host, false))
            server = parse_listen_address("unix:" + *path);
    }
    else {
        bool const has_port = !host.ends_with(']') && host.find(':') != std::string_view::npos;
        server = parse_listen_address("tcp:" + std::string(host) + (has_port ? "" : ":80"));
    }
    if(!server || (!is_local && server->port == 0))
        return std::nullopt;
    return url{*server, std::string(target)};
}

} // namespace engine

#endif
