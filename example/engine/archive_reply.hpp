//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_ARCHIVE_REPLY_HPP
#define TAREXPORT_ENGINE_ARCHIVE_REPLY_HPP

#include "range.hpp"
#include "replies.hpp"
#include "service.hpp"

#include <tarexport/bytes.hpp>
#include <tarexport/plan.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

// How the answer to a request for an archive begins: all of it is known from the plan.

namespace engine {

/// How an archive is sent.
struct archive_coding {
    bool offered = false; ///< whether others may get it in another way
    int gzip_level = 0;   ///< 0: it is not compressed
};

/// Return the entity tag of an archive: it is strong, since equal plans give equal bytes. What is compressed is something else.
inline std::string etag_of(tarexport::plan const& p, archive_coding coding = {})
{
    auto const as = coding.gzip_level == 0 ? std::string() : "+gzip-" + std::to_string(coding.gzip_level);
    return "\"" + p.etag().str() + as + "\"";
}

/// What is to be sent of an archive, and the answer that stands before it.
struct archive_answer {
    reply start;
    std::optional<tarexport::byte_range> bytes; ///< none: the answer is all
};

/** Return how the answer begins, by the conditions of the request (RFC 9110, 13.2.2).

    `start.size` is the number of bytes to be sent, or that would be if only the head were not asked for. An archive that is compressed
    is sent as a whole, whatever range is asked for: where its parts are is known when they are compressed.
*/
inline archive_answer begin_archive(request const& asked, std::string const& etag, std::uint64_t size, archive_coding coding = {})
{
    bool const gzip = coding.gzip_level != 0;
    archive_answer a;
    if(!asked.if_match.empty() && !lists_etag(asked.if_match, etag, false)) {
        a.start = error_reply(412, "the archive is another now");
    }
    else if(!asked.if_none_match.empty() && lists_etag(asked.if_none_match, etag, true)) {
        a.start.status = 304;
    }
    else {
        bool const ranged = !asked.head && !gzip && (asked.if_range.empty() || if_range_holds(asked.if_range, etag));
        auto const wanted = ranged ? parse_range(asked.range, size) : wanted_range{};
        auto const all = std::to_string(size);
        switch(wanted.answer) {
        case range_answer::whole: a.bytes = {0, size}; break;
        case range_answer::part:
            a.bytes = wanted.bytes;
            a.start.status = 206;
            a.start.fields.emplace_back("Content-Range",
                "bytes " + std::to_string(wanted.bytes.first) + "-" + std::to_string(wanted.bytes.last - 1) + "/" + all);
            break;
        case range_answer::unsatisfiable:
            a.start = error_reply(416, "not one range of the archive, which has " + all + " bytes");
            a.start.fields.emplace_back("Content-Range", "bytes */" + all);
            break;
        }
    }
    if(a.bytes) {
        a.start.type = "application/x-tar";
        a.start.size = a.bytes->last - a.bytes->first;
        a.start.chunked = gzip;
        if(gzip)
            a.start.fields.emplace_back("Content-Encoding", "gzip");
    }
    a.start.fields.emplace_back("ETag", etag);
    if(!gzip)
        a.start.fields.emplace_back("Accept-Ranges", "bytes");
    if(coding.offered)
        a.start.fields.emplace_back("Vary", "Accept-Encoding");
    return a;
}

} // namespace engine

#endif
