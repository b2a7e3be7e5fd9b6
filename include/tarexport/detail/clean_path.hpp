//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_CLEAN_PATH_HPP
#define TAREXPORT_DETAIL_CLEAN_PATH_HPP

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace tarexport::detail {

// The path with single slashes and without `.` and `..`, as Go's path.Clean gives it.
inline std::string clean_path(std::string_view path)
{
    bool const rooted = path.starts_with('/');
    std::vector<std::string_view> kept;
    while(!path.empty()) {
        auto const element = path.substr(0, path.find('/'));
        path.remove_prefix(std::min(path.size(), element.size() + 1));
        if(element.empty() || element == ".")
            continue;
        if(element != "..")
            kept.push_back(element);
        else if(!kept.empty() && kept.back() != "..")
            kept.pop_back();
        else if(!rooted)
            kept.push_back(element);
    }
    std::string out;
    for(auto const element : kept) {
        if(rooted || !out.empty())
            out.push_back('/');
        out.append(element);
    }
    if(out.empty())
        out = rooted ? "/" : ".";
    return out;
}

} // namespace tarexport::detail

#endif
