//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_WHOLE_LAYER_HPP
#define TAREXPORT_DETAIL_WHOLE_LAYER_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/image.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/unsized.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace tarexport::detail {

// Reads layers portion by portion, each from the source's own memory where it shows it, otherwise through one buffer.
template<layer_source Source>
class portion_reader {
public:
    static constexpr std::size_t portion = std::size_t{128} << 10;

    explicit portion_reader(Source& s) noexcept : source_(s) {}

    // The next bytes, valid until the next call; none at the end or after an error.
    bytes_view next(std::size_t max, error_code& ec)
    {
        ec.clear();
        max = std::min(max, portion);
        if constexpr(view_source<Source>)
            return source_.view_some(max, ec);
        else {
            if(!buffer_)
                buffer_ = std::make_unique_for_overwrite<std::byte[]>(portion);
            auto const n = source_.read_some(std::span(buffer_.get(), max), ec);
            return {buffer_.get(), n};
        }
    }

private:
    Source& source_;
    std::unique_ptr<std::byte[]> buffer_;
};

template<class Source>
std::string name_of_layer([[maybe_unused]] Source const& s, std::string_view otherwise)
{
    if constexpr(has_subject<Source>)
        return s.subject();
    else
        return std::string(otherwise);
}

// Why reading a source has failed, in its own words where it has some.
template<class Source>
failure why_failed(Source const& s, error_code const& ec, std::string_view otherwise, std::string during = {})
{
    if constexpr(has_reason<Source>)
        return s.reason();
    else
        return {ec, detail::name_of_layer(s, otherwise), std::move(during)};
}

inline std::string name_of_layer(image const& i, std::size_t n) { return i.id.str() + ", layer " + std::to_string(n); }

// The algorithm that names the layer in the image, so that both digests can be compared.
template<class Handle>
digest_algorithm algorithm_of_layer([[maybe_unused]] Handle const& h, image const& i, std::size_t n)
{
    digest id;
    if constexpr(tells_id<Handle>)
        id = h.id();
    if(id.empty() && n < i.diff_ids.size())
        if(auto const named = tarexport::parse_digest(i.diff_ids[n]))
            id = *named;
    return id.empty() ? digest_algorithm::sha256 : id.algorithm();
}

/** Read a source to its end, and give each portion to `keep`, which returns what went wrong.

    @return How many bytes there are; or what is wrong, with the name of the source or else its place in the image.
*/
template<layer_source Source, class Keep>
result<std::uint64_t> read_portions(Source& s, image const& i, std::size_t n, std::uint64_t largest, Keep keep)
{
    auto const place = detail::name_of_layer(i, n);
    portion_reader<Source> reader(s);
    std::uint64_t size = 0;
    error_code ec;
    for(auto b = reader.next(reader.portion, ec); !b.empty(); b = reader.next(reader.portion, ec)) {
        if(b.size() > largest - size)
            return failure{error::limit_exceeded, detail::name_of_layer(s, place), "more than " + std::to_string(largest) + " bytes"};
        size += b.size();
        if(failure why = keep(b); why.code.failed())
            return why;
    }
    if(ec.failed())
        return detail::why_failed(s, ec, place, "while reading it for its size");
    return size;
}

/** Read a layer of unknown size to its end, and give each portion to `keep`, which returns what went wrong.

    @return What the layer is; or what is wrong with it, as `read_portions` tells it.
*/
template<class Hashes, unsized_layer_handle Handle, class Keep>
result<descriptor> read_whole_layer(Handle const& h, image const& i, std::size_t n, std::uint64_t largest, Keep keep)
{
    auto opened = h.open();
    if(!opened)
        return opened.error();
    auto const about = [&](error_code ec, std::string why) {
        return failure{ec, detail::name_of_layer(*opened, detail::name_of_layer(i, n)), std::move(why)};
    };
    typename Hashes::hasher hasher;
    if(!hasher.start(detail::algorithm_of_layer(h, i, n)))
        return about(error::unsupported_digest, "no hash for it among those of the store adaptor");
    auto const size = detail::read_portions(*opened, i, n, largest, [&](bytes_view b) {
        hasher.update(b);
        return keep(b);
    });
    if(!size)
        return size.error();
    descriptor d;
    d.media_type = media_type::oci_layer;
    if constexpr(tells_media_type<Handle>)
        d.media_type = h.media_type();
    d.size = *size;
    d.id = *hasher.result();
    if constexpr(tells_id<Handle>)
        if(digest const told = h.id(); !told.empty() && told != d.id)
            return about(error::digest_mismatch, "expected " + told.str() + ", found " + d.id.str());
    return d;
}

} // namespace tarexport::detail

#endif
