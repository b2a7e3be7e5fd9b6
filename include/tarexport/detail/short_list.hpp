//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_SHORT_LIST_HPP
#define TAREXPORT_DETAIL_SHORT_LIST_HPP

#include <cstddef>
#include <string>
#include <string_view>

namespace tarexport::detail {

// Texts of a store as a list in a message: the first few, and of each the beginning, so that what comes behind is read.
class short_list {
public:
    void add(std::string_view text)
    {
        if(++count_ > most)
            return;
        text_.append(count_ == 1 ? "" : ", ").append(beginning(text));
        if(text.size() > longest)
            text_ += "..";
    }

    bool empty() const noexcept { return count_ == 0; }
    std::string str() const { return count_ > most ? text_ + ", .." : text_; }

private:
    static constexpr std::size_t most = 8;
    static constexpr std::size_t longest = 80;

    // Ends where a character does.
    static std::string_view beginning(std::string_view text) noexcept
    {
        if(text.size() <= longest)
            return text;
        auto size = longest;
        while(size != 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80)
            --size;
        return text.substr(0, size);
    }

    std::string text_;
    std::size_t count_ = 0;
};

} // namespace tarexport::detail

#endif
