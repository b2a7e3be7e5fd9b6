//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_FIXED_REPLIES_HPP
#define TAREXPORT_ENGINE_FIXED_REPLIES_HPP

#include "page.hpp"
#include "replies.hpp"
#include "service.hpp"

#include <optional>
#include <string_view>

// Answers for which no store is needed.

namespace engine {

inline reply ping_reply()
{
    reply r;
    r.type = "text/plain; charset=utf-8";
    r.body = "OK";
    r.fields = {{"Cache-Control", "no-cache, no-store, must-revalidate"}, {"Pragma", "no-cache"}};
    return r;
}

inline reply page_reply()
{
    reply r;
    r.type = "text/html; charset=utf-8";
    r.body = page;
    // Names and labels come from whoever made the images: should the page ever take one for markup, nothing of it is run.
    r.fields = {{"Content-Security-Policy",
                    "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; "
                    "form-action 'none'; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"}, {"Cache-Control", "no-cache"}};
    return r;
}

/// Return the answer to a request that no store is needed for, or nothing.
inline std::optional<reply> fixed_reply(target const& t)
{
    if(t.where == route::unknown)
        return no_such_page();
    if(t.version && (*t.version < oldest_version || *t.version > newest_version))
        return wrong_version(t);
    if(t.where == route::ping)
        return ping_reply();
    if(t.where == route::page)
        return page_reply();
    return std::nullopt;
}

} // namespace engine

#endif
