//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_REPLIES_HPP
#define TAREXPORT_ENGINE_REPLIES_HPP

#include "record.hpp"
#include "service.hpp"

#include <tarexport/error.hpp>
#include <tarexport/reference.hpp>

#include <string>
#include <string_view>
#include <utility>

// Answers that are errors, in the engine's words: users know them, and programs look for them.

namespace engine {

/// Return an error as the engine's API has them: `{"message":"..."}`.
inline reply error_reply(unsigned status, std::string_view message)
{
    document d;
    d.w.begin_object();
    d.member("message", message);
    d.w.end_object();
    reply r;
    r.status = status;
    r.body = std::move(d).take();
    return r;
}

/// The answer to what is not here.
inline reply no_such_page() { return error_reply(404, "page not found"); }

/// Return what the engine says of a name that is none.
inline std::string invalid_name(std::string_view name)
{
    using tarexport::reference_fault;
    auto const fault = tarexport::check_reference(name);
    if(fault == reference_fault::upper_case_path) {
        auto const [domain, path] = tarexport::detail::split_domain(name);
        bool const official = domain == tarexport::detail::default_domain && path.find('/') == std::string_view::npos;
        return "invalid reference format: repository name (" + std::string(official ? tarexport::detail::official_prefix : "") +
               std::string(path.substr(0, path.find(':'))) + ") must be lowercase";
    }
    if(fault == reference_fault::too_long)
        return "repository name must not be more than 255 characters";
    return "invalid reference format";
}

/// Return the status for a failure.
inline unsigned status_of(tarexport::failure const& f)
{
    if(f.code == tarexport::condition::bad_request && f.code != tarexport::error::unsupported_store)
        return 400;
    return f.code == tarexport::condition::not_found ? 404 : 500;
}

/// Return the answer that tells of a failure.
inline reply failed(tarexport::failure const& f)
{
    auto r = error_reply(status_of(f), message(f));
    r.remark = message(f);
    return r;
}

/// Return the answer to an API version that is not spoken here.
inline reply wrong_version(target const& t)
{
    auto const client = "client version " + t.version_text;
    if(*t.version < oldest_version)
        return error_reply(400, client + " is too old. Minimum supported API version is " + to_string(oldest_version) +
                                    ", please upgrade your client to a newer version");
    return error_reply(400, client + " is too new. Maximum supported API version is " + to_string(newest_version));
}

} // namespace engine

#endif
