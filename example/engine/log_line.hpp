//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_LOG_LINE_HPP
#define TAREXPORT_ENGINE_LOG_LINE_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace engine {

/** Return the line of the access log for a request: what was asked, the status and the bytes of the body, how long it took.

    What came from outside is cut; whoever prints the line makes it fit for a terminal.
    @param status 0: there was no answer.
*/
inline std::string log_line(std::string_view method, std::string_view target, unsigned status, std::uint64_t bytes,
    std::chrono::steady_clock::duration took, std::string_view remark)
{
    constexpr std::size_t most = 500;
    auto const cut = [](std::string_view text) { return std::string(text.substr(0, most)) + (text.size() > most ? ".." : ""); };
    char seconds[32];
    std::snprintf(seconds, sizeof(seconds), "%.3fs", std::chrono::duration<double>(took).count());
    auto line = (method.empty() ? std::string("-") : cut(method)) + " " + (target.empty() ? std::string("-") : cut(target));
    line += " " + std::to_string(status) + " " + std::to_string(bytes) + " " + seconds;
    return remark.empty() ? line : line + " " + cut(remark);
}

} // namespace engine

#endif
