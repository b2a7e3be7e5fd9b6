//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_CLI_TEXT_HPP
#define TAREXPORT_CLI_TEXT_HPP

#include <tarexport/detail/utf8.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace cli {

// Whether a character, in UTF-8, makes a terminal do something else than showing it: ASCII and C1 controls, line and
// paragraph separators, and those that turn the direction of writing, behind which a text can hide what it says.
inline bool is_control(std::string_view c) noexcept
{
    auto const within = [&](std::string_view first, std::string_view last) { return c.size() == first.size() && first <= c && c <= last; };
    return (c.size() == 1 && static_cast<unsigned char>(c[0]) < 0x20) || c == "\x7f" || within("\xc2\x80", "\xc2\x9f") ||
           within("\xe2\x80\x8e", "\xe2\x80\x8f") || within("\xe2\x80\xa8", "\xe2\x80\xae") || within("\xe2\x81\xa6", "\xe2\x81\xa9");
}

inline void append_escaped(std::string& out, unsigned char byte)
{
    out.append("\\x").append(1, "0123456789abcdef"[byte >> 4]).append(1, "0123456789abcdef"[byte & 15]);
}

/** Return a text as one line that is safe on a terminal.

    What images say of themselves comes from whoever made them: the bytes of control characters, and those that are no
    UTF-8, become `\xNN`, and a text of more than 2000 bytes is cut.
*/
inline std::string printable(std::string_view text)
{
    constexpr std::size_t most = 2000;
    bool const cut = text.size() > most;
    if(cut) {
        text = text.substr(0, most);
        while(!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80)
            text.remove_suffix(1);
        if(!text.empty() && static_cast<unsigned char>(text.back()) >= 0xc0)
            text.remove_suffix(1);
    }
    std::string out;
    while(!text.empty()) {
        auto const size = tarexport::detail::utf8_length(text);
        auto const c = text.substr(0, size == 0 ? 1 : size);
        if(size == 0 || is_control(c))
            for(char const byte : c)
                append_escaped(out, static_cast<unsigned char>(byte));
        else
            out += c;
        text.remove_prefix(c.size());
    }
    return cut ? out + " .." : out;
}

} // namespace cli

#endif
