//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_READ_BLOB_HPP
#define TAREXPORT_READ_BLOB_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/stores.hpp>

#include <boost/assert.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace tarexport {

/** Read a whole blob into memory, checking its size and its digest.

    @param limit The largest size that is read.
    @param what What the blob is, or belongs to, for an error.
    @return The bytes; or the store's error, `limit_exceeded`, `size_mismatch`, `digest_mismatch` or the
    source's error. The subject is the blob, or the store's name for it.
*/
template<content_store Store>
result<std::string> read_blob(
    Store const& store, descriptor const& d, std::uint64_t limit, std::string_view what = {});

namespace detail {

// Puts what a blob belongs to behind what is said already.
inline failure about(failure f, std::string_view what)
{
    if(!what.empty() && f.detail.find(what) == std::string::npos)
        f.detail.append(f.detail.empty() ? "" : "; ").append(what);
    return f;
}

template<class T>
std::string blob_subject([[maybe_unused]] T const& t, digest const& id)
{
    if constexpr(has_subject<T>)
        return t.subject();
    else
        return id.str();
}

// Appends all of a source to `out`, and one byte more than expected if there is one.
template<layer_source Source>
error_code read_all(Source& source, std::uint64_t expected, std::string& out)
{
    constexpr std::uint64_t chunk = 65536;
    while(out.size() <= expected) {
        auto const had = out.size();
        auto const room = static_cast<std::size_t>(std::min(chunk, expected + 1 - had));
        out.resize(had + room);
        error_code ec;
        auto const n = source.read_some(std::as_writable_bytes(std::span(out).subspan(had)), ec);
        out.resize(had + n);
        if(ec || n == 0)
            return ec;
    }
    return {};
}

inline bool has_digest(std::string_view bytes, digest const& id)
{
    hash_set<sha256, sha384, sha512>::hasher hasher;
    hasher.start(id.algorithm());
    hasher.update(to_bytes(bytes));
    return hasher.result() == id;
}

} // namespace detail

template<content_store Store>
result<std::string> read_blob(Store const& store, descriptor const& d, std::uint64_t limit, std::string_view what)
{
    BOOST_ASSERT(!d.id.empty());
    if(d.size > limit)
        return detail::about({error::limit_exceeded, d.id.str(),
                                 std::to_string(d.size) + " bytes, more than " + std::to_string(limit)},
            what);
    auto const handle = store.blob(d);
    if(!handle)
        return detail::about(handle.error(), what);
    auto const subject = detail::blob_subject(*handle, d.id);
    descriptor const& info = handle->info();
    if(info.size != d.size)
        return detail::about({error::size_mismatch, subject, detail::sizes(d.size, info.size)}, what);
    auto source = handle->open(0);
    if(!source)
        return detail::about(source.error(), what);
    std::string bytes;
    if(auto const ec = detail::read_all(*source, d.size, bytes))
        return detail::about({ec, subject, {}}, what);
    if(bytes.size() != d.size)
        return detail::about({error::size_mismatch, subject,
                                 bytes.size() > d.size ? "longer than " + std::to_string(d.size) + " bytes"
                                                       : detail::sizes(d.size, bytes.size())},
            what);
    if(!detail::has_digest(bytes, d.id))
        return detail::about({error::digest_mismatch, subject, "expected " + d.id.str()}, what);
    return bytes;
}

} // namespace tarexport

#endif
