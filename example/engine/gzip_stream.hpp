//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_GZIP_STREAM_HPP
#define TAREXPORT_ENGINE_GZIP_STREAM_HPP

#include "service.hpp"

#include <tarexport/bytes.hpp>
#include <tarexport/error.hpp>

#include <boost/iostreams/device/back_inserter.hpp>
#include <boost/iostreams/filter/gzip.hpp>

#include <algorithm>
#include <cstddef>
#include <ios>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace engine {

/** Compresses bytes while they are read: one gzip member (RFC 1952).

    The blocks of `compressed_sink` are members each: curl and browsers take the first for all.

    What is still to be compressed when the bytes fail is never given out, nor is the end of the member. Holds what deflate does, 256 KiB,
    and two buffers.
*/
class gzip_stream final : public byte_stream {
public:
    /// @param level 1 to 9: the higher, the smaller and slower.
    gzip_stream(std::unique_ptr<byte_stream> plain, int level, std::size_t buffer_size)
        : plain_(std::move(plain))
        , gzip_(boost::iostreams::gzip_params(level))
        , buffer_(buffer_size)
    {
    }

    std::size_t read_some(std::span<std::byte> into, tarexport::error_code& ec) override
    {
        ec.clear();
        while(given_ == packed_.size() && !ended_ && !ec.failed())
            pack_some(ec);
        if(ec.failed())
            return 0;
        auto const n = std::min(into.size(), packed_.size() - given_);
        std::ranges::copy(tarexport::to_bytes(packed_).subspan(given_, n), into.begin());
        given_ += n;
        return n;
    }

    tarexport::failure reason() const override
    {
        auto why = plain_->reason();
        return why.code.failed() ? why : tarexport::failure{tarexport::error::exception_thrown, {}, {}};
    }

private:
    void pack_some(tarexport::error_code& ec)
    {
        packed_.clear();
        given_ = 0;
        auto out = boost::iostreams::back_inserter(packed_);
        auto const n = plain_->read_some(buffer_, ec);
        if(n != 0)
            gzip_.write(out, tarexport::to_text(std::span(buffer_).first(n)).data(), static_cast<std::streamsize>(n));
        else if(!ec.failed()) {
            gzip_.close(out, std::ios_base::out);
            ended_ = true;
        }
    }

    std::unique_ptr<byte_stream> plain_;
    boost::iostreams::gzip_compressor gzip_;
    std::vector<std::byte> buffer_;
    std::string packed_;
    std::size_t given_ = 0; // of what is packed
    bool ended_ = false;
};

} // namespace engine

#endif
