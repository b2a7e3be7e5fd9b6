//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_UNPACKED_HANDLE_HPP
#define TAREXPORT_DETAIL_UNPACKED_HANDLE_HPP

#include <tarexport/detail/decompress.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/inflater.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/unsized.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <utility>

namespace tarexport::detail {

/// What there is to know of a layer that is unpacked while it is read.
struct unpacking {
    digest diff_id;
    std::string called; ///< the layer and its image, for an error
    std::uint64_t largest = 0;
    std::uint64_t ratio = 0;
    std::stop_token stop;
    std::optional<std::uint64_t> promised; ///< the size that the packed bytes tell, where nobody has read them
};

/// The unpacked bytes of a layer. Tells reasons.
template<layer_source Source, inflater Inflater>
class unpacked_source {
public:
    unpacked_source(Source packed, std::shared_ptr<unpacking const> about)
        : about_(std::move(about))
        , budget_(std::make_unique<expansion_budget>())
        , bytes_(std::move(packed), budget_.get())
    {
        budget_->bytes = about_->largest;
        budget_->ratio = about_->ratio;
    }

    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        std::size_t n = 0;
        if(why_.code.failed() || about_->stop.stop_requested())
            fail({error::cancelled, about_->called, {}});
        else if(n = bytes_.read_some(into, ec); n != 0)
            passed_ += n;
        else if(ec.failed())
            fail(packed_failure());
        if(auto const size = about_->promised; size && !into.empty() && (passed_ > *size || (n == 0 && passed_ < *size)))
            fail(broken_promise());
        ec = why_.code;
        return ec.failed() ? 0 : n;
    }

    std::string subject() const { return about_->called; }
    failure const& reason() const noexcept { return why_; }

private:
    void fail(failure why)
    {
        if(!why_.code.failed())
            why_ = std::move(why);
    }

    failure packed_failure() const
    {
        if(bytes_.is_damaged())
            return {bytes_.why().code, about_->called, bytes_.why().detail};
        if constexpr(has_reason<Source>)
            return bytes_.source().reason();
        else
            return {bytes_.why().code, detail::subject_of(bytes_.source(), about_->called), {}};
    }

    failure broken_promise() const
    {
        return {passed_ > *about_->promised ? error::layer_too_long : error::layer_too_short, about_->called,
            "its compressed data promises " + std::to_string(*about_->promised) +
                " bytes, and has others; have it measured instead"};
    }

    std::shared_ptr<unpacking const> about_;
    std::unique_ptr<expansion_budget> budget_; // stays where it is
    decompressed_source<Source, Inflater> bytes_;
    std::uint64_t passed_ = 0;
    failure why_;
};

/// A lease on a packed layer, as an `unsized_layer_handle` of what is in it.
template<layer_handle Handle, inflater Inflater>
class unpacked_handle {
public:
    unpacked_handle(Handle packed, std::shared_ptr<unpacking const> about) : packed_(std::move(packed)), about_(std::move(about)) {}

    result<unpacked_source<source_of<Handle>, Inflater>> open() const
    {
        auto opened = packed_.open(0);
        if(!opened)
            return opened.error();
        return unpacked_source<source_of<Handle>, Inflater>(std::move(*opened), about_);
    }

    digest const& id() const noexcept { return about_->diff_id; }

private:
    Handle packed_;
    std::shared_ptr<unpacking const> about_;
};

// Puts as many bytes from a position into a buffer as there are and fit.
template<layer_handle Handle>
std::size_t peek(Handle const& h, std::uint64_t offset, std::span<std::byte> into)
{
    auto opened = h.open(offset);
    std::size_t n = 0;
    error_code ec;
    while(opened && n != into.size()) {
        auto const some = opened->read_some(into.subspan(n), ec);
        if(some == 0)
            break;
        n += some;
    }
    return ec.failed() ? 0 : n;
}

inline std::uint64_t little_endian(bytes_view bytes) noexcept
{
    std::uint64_t n = 0;
    for(std::size_t i = bytes.size(); i-- != 0;)
        n = n << 8 | std::to_integer<std::uint64_t>(bytes[i]);
    return n;
}

/// Return the content size in the header of a zstd frame (RFC 8878, 3.1.1.1), where it has one.
inline std::optional<std::uint64_t> zstd_content_size(bytes_view frame) noexcept
{
    if(frame.size() < 18 || detail::little_endian(frame.first(4)) != 0xfd2fb528u)
        return std::nullopt;
    constexpr std::size_t dictionary[] = {0, 1, 2, 4}, content[] = {0, 2, 4, 8};
    auto const flags = std::to_integer<unsigned>(frame[4]);
    bool const single = (flags & 0x20) != 0;
    auto const size = single && flags >> 6 == 0 ? 1 : content[flags >> 6];
    if(size == 0)
        return std::nullopt;
    auto const at = 5 + (single ? 0u : 1u) + dictionary[flags & 3];
    return detail::little_endian(frame.subspan(at, size)) + (size == 2 ? 256 : 0);
}

/** Return the size that packed bytes tell of what is in them, if it is likely to be right.

    That of gzip counts for the last member alone, and is cut to 32 bits; that of zstd for the first frame. So it has to be that of a tar archive,
    not smaller than the packed bytes, and no more than deflate can make of them.
*/
template<layer_handle Handle>
std::optional<std::uint64_t> promised_size(Handle const& h)
{
    auto const packed = h.info().size;
    std::byte first[18], last[4];
    if(packed < 18 || detail::peek(h, 0, first) != 18)
        return std::nullopt;
    std::optional<std::uint64_t> size;
    auto const kind = detail::compression_of(first);
    if(kind == compression::zstd)
        size = detail::zstd_content_size(first);
    else if(kind == compression::gzip && detail::peek(h, packed - 4, last) == 4)
        size = detail::little_endian(last);
    bool const likely = size && *size % 512 == 0 && *size / 512 >= packed / 514 && (kind == compression::zstd || *size / 1032 <= packed);
    return likely ? size : std::nullopt;
}

} // namespace tarexport::detail

#endif
