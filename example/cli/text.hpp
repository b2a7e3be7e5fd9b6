//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_CLI_TEXT_HPP
#define TAREXPORT_CLI_TEXT_HPP

#include <cstddef>
#include <string>
#include <string_view>

namespace cli {

/** Return a text as one line that is safe on a terminal.

    What images say of themselves comes from whoever made them: control characters become `\xNN`, and a
    text of more than 100000 bytes is cut: a message lists each blob that is missing.
*/
inline std::string printable(std::string_view text)
{
    constexpr std::size_t most = 100'000;
    bool const cut = text.size() > most;
    if(cut) {
        text = text.substr(0, most);
        while(!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80)
            text.remove_suffix(1);
        if(!text.empty() && static_cast<unsigned char>(text.back()) >= 0xc0)
            text.remove_suffix(1);
    }
    std::string out;
    for(std::size_t i = 0; i != text.size(); ++i) {
        auto const c = static_cast<unsigned char>(text[i]);
        // C1 controls are U+0080 to U+009F: in UTF-8, C2 and the byte of the same number.
        bool const c1 = c >= 0x80 && c < 0xa0 && i != 0 && static_cast<unsigned char>(text[i - 1]) == 0xc2;
        if(c1)
            out.pop_back();
        if(c >= 0x20 && c != 0x7f && !c1)
            out.push_back(text[i]);
        else
            out.append("\\x").append(1, "0123456789abcdef"[c >> 4]).append(1, "0123456789abcdef"[c & 15]);
    }
    return cut ? out + " .." : out;
}

} // namespace cli

#endif
