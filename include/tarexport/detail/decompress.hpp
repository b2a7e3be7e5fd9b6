//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_DECOMPRESS_HPP
#define TAREXPORT_DETAIL_DECOMPRESS_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/detail/compression_magic.hpp>
#include <tarexport/detail/zstd_frames.hpp>
#include <tarexport/error.hpp>
#include <tarexport/layer.hpp>

#include <boost/iostreams/categories.hpp>
#include <boost/iostreams/filter/zlib.hpp>
#include <boost/iostreams/filter/zstd.hpp>

#include <algorithm>
#include <cstddef>
#include <ios>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace tarexport::detail {

/** The bytes that are compressed in a source, with gzip or zstd, or that source itself, by its first bytes.

    All members of a gzip file count, and all frames of a zstd file; what else comes behind them is an error, and so is an end within one.
    bzip2 and xz are told, and not read.
*/
template<layer_source Source>
class decompressed_source {
public:
    explicit decompressed_source(Source source) : device_{std::move(source)} {}

    /// Return what compressed the source. @return `none` on an error too, which reading then gives again.
    compression kind()
    {
        if(!kind_) {
            while(device_.ahead.size() < compression_magic_size && device_.fill() != 0)
                ;
            kind_ = detail::compression_of(to_bytes(device_.ahead));
        }
        return *kind_;
    }

    /// Read some bytes, see `layer_source`. Gives `invalid_document` for compressed data that is damaged, `unsupported_store` for bzip2 and xz.
    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        auto const text = std::span(reinterpret_cast<char*>(into.data()), into.size());
        std::size_t n = 0;
        try {
            n = ended_ ? 0 : read(text);
            ended_ = n == 0 && !into.empty();
        }
        catch(boost::iostreams::zlib_error const&) {
            damaged("the gzip data is damaged, or ends too early");
        }
        catch(boost::iostreams::zstd_error const&) {
            damaged("the zstd data is damaged");
        }
        ec = device_.ec ? device_.ec : problem_.empty() ? error_code() : make_error_code(code_);
        return ec ? 0 : n;
    }

    /// Return what is wrong with the compressed data, in words.
    std::string const& problem() const noexcept { return problem_; }

private:
    // What the filters read from: first what was read to see what it is, or was left over by another filter.
    struct device {
        using char_type = char;
        using category = boost::iostreams::source_tag;

        Source source;
        std::string ahead = {};
        std::optional<zstd_frames> frames = {};
        error_code ec = {};

        std::size_t fill()
        {
            constexpr std::size_t chunk = 64 * 1024;
            auto const had = ahead.size();
            ahead.resize(had + chunk);
            auto const n = source.read_some(std::as_writable_bytes(std::span(ahead).subspan(had)), ec);
            ahead.resize(had + n);
            return n;
        }

        // -1 also after an error, which looks like an early end from inside.
        std::streamsize read(char* into, std::streamsize size)
        {
            std::size_t n = 0;
            if(!ahead.empty()) {
                n = std::min(ahead.size(), static_cast<std::size_t>(size));
                ahead.copy(into, n);
                ahead.erase(0, n);
            }
            else if(!ec)
                n = source.read_some(std::as_writable_bytes(std::span(into, static_cast<std::size_t>(size))), ec);
            if(frames)
                frames->pass({into, n});
            return n == 0 ? -1 : static_cast<std::streamsize>(n);
        }
    };

    static boost::iostreams::zlib_params gzip_format()
    {
        boost::iostreams::zlib_params p;
        p.window_bits = boost::iostreams::zlib::default_window_bits + 16; // gzip's header and sums
        return p;
    }

    void damaged(std::string_view what)
    {
        if(problem_.empty())
            problem_ = what;
    }

    std::size_t read(std::span<char> into)
    {
        if(device_.ec || !problem_.empty() || into.empty())
            return 0;
        switch(kind()) {
        case compression::none: {
            auto const n = device_.read(into.data(), static_cast<std::streamsize>(into.size()));
            return n > 0 ? static_cast<std::size_t>(n) : 0;
        }
        case compression::gzip: return read_members(into);
        case compression::zstd: return read_frames(into);
        case compression::bzip2:
        case compression::xz: break;
        }
        code_ = error::unsupported_store;
        damaged("compressed with " + std::string(name_of(*kind_)) + ", which is not read here; decompress it first");
        return 0;
    }

    std::size_t read_members(std::span<char> into)
    {
        for(;;) {
            if(!inflate_)
                inflate_.emplace(gzip_format(), 64 * 1024);
            auto const n = inflate_->read(device_, into.data(), static_cast<std::streamsize>(into.size()));
            if(n > 0)
                return static_cast<std::size_t>(n);
            // A member ends. The filter may have read beyond it.
            device_.ahead.insert(0, inflate_->unconsumed_input());
            inflate_.reset();
            if(device_.ahead.empty() && device_.fill() == 0)
                return 0;
            while(device_.ahead.size() < compression_magic_size && device_.fill() != 0)
                ;
            if(detail::compression_of(to_bytes(device_.ahead)) != compression::gzip) {
                damaged("the gzip data goes on with something else");
                return 0;
            }
        }
    }

    // The filter goes from frame to frame by itself, but takes an end anywhere for a good one.
    std::size_t read_frames(std::span<char> into)
    {
        if(!expand_) {
            device_.frames.emplace();
            expand_.emplace(64 * 1024);
        }
        auto const n = expand_->read(device_, into.data(), static_cast<std::streamsize>(into.size()));
        if(n > 0)
            return static_cast<std::size_t>(n);
        if(!device_.ec && !device_.frames->between())
            damaged("the zstd data ends too early");
        return 0;
    }

    device device_;
    std::optional<compression> kind_;
    std::optional<boost::iostreams::zlib_decompressor> inflate_;
    std::optional<boost::iostreams::zstd_decompressor> expand_;
    bool ended_ = false;
    error code_ = error::invalid_document;
    std::string problem_;
};

} // namespace tarexport::detail

#endif
