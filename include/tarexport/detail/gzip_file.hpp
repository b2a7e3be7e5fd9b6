//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_GZIP_FILE_HPP
#define TAREXPORT_DETAIL_GZIP_FILE_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/detail/posix_file.hpp>
#include <tarexport/detail/read_ahead.hpp>
#include <tarexport/error.hpp>

#include <boost/iostreams/categories.hpp>
#include <boost/iostreams/filter/zlib.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ios>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

namespace tarexport::detail {

/** The bytes that are compressed in a gzip file, front to back, through a buffer of 64 KiB.

    The file has to be one whole member, with a right check sum and nothing behind it, as engines write it.
*/
class gzip_file {
public:
    explicit gzip_file(posix_file f) : device_{std::move(f)}, inflate_(gzip_format(), 64 * 1024) {}

    /** Read until the buffer is full or the file ends.

        @return How many bytes; fewer than there is room only at the end. `invalid_document` or the system's error.
    */
    result<std::size_t> read(std::span<char> into)
    {
        std::size_t n = 0;
        try {
            while(n != into.size() && !ended_) {
                auto const room = into.subspan(n);
                auto const some = inflate_.read(device_, room.data(), static_cast<std::streamsize>(room.size()));
                if(some > 0)
                    n += static_cast<std::size_t>(some);
                else
                    ended_ = true;
            }
        }
        catch(boost::iostreams::zlib_error const& e) {
            if(device_.ec)
                return failure{device_.ec, {}, {}};
            return failure{error::invalid_document, {},
                e.error() == boost::iostreams::zlib::buf_error ? "the gzip file ends too early" : "not a gzip file, or a damaged one"};
        }
        if(ended_ && n != into.size() && goes_on())
            return failure{error::invalid_document, {}, "the gzip file has more after its end"};
        if(device_.ec)
            return failure{device_.ec, {}, {}};
        return n;
    }

private:
    struct device {
        using char_type = char;
        using category = boost::iostreams::source_tag;

        posix_file file;
        std::uint64_t at = 0;
        error_code ec = {};

        // -1 also after an error, which looks like an early end from inside.
        std::streamsize read(char* into, std::streamsize n)
        {
            auto const some =
                detail::read_some_at(file.fd.get(), std::as_writable_bytes(std::span(into, static_cast<std::size_t>(n))), at, ec);
            at += some;
            return some == 0 ? -1 : static_cast<std::streamsize>(some);
        }
    };

    // zlib adds 16 to the size of the window where it shall take gzip's format and check its sums.
    static boost::iostreams::zlib_params gzip_format()
    {
        boost::iostreams::zlib_params p;
        p.window_bits = boost::iostreams::zlib::default_window_bits + 16;
        return p;
    }

    bool goes_on()
    {
        char more;
        return !inflate_.unconsumed_input().empty() || device_.read(&more, 1) > 0;
    }

    device device_;
    boost::iostreams::zlib_decompressor inflate_;
    bool ended_ = false;
};

/** The same, but a large file is inflated in a thread of its own, before it is asked for.

    Where there can be no thread, it is inflated when it is asked for.
*/
class gzip_input {
public:
    /// @param jobs How many threads may work at once: with 1, only the calling one.
    gzip_input(posix_file f, std::size_t jobs)
    {
        bool const beside = jobs > 1 && f.size >= worth_a_thread;
        state_ = std::make_unique<state>(std::move(f));
        if(beside)
            state_->start();
    }

    /// As `gzip_file::read`.
    result<std::size_t> read(std::span<char> into)
    {
        auto& s = *state_;
        if(!s.reading)
            return s.source.file.read(into);
        std::size_t n = 0;
        while(n != into.size()) {
            error_code ec;
            auto const bytes = s.reading->take(into.size() - n, ec);
            if(ec)
                return s.source.failed;
            if(bytes.empty())
                break;
            std::memcpy(into.data() + n, bytes.data(), bytes.size());
            n += bytes.size();
        }
        return n;
    }

private:
    struct inflated {
        std::size_t read_some(std::span<std::byte> into, error_code& ec)
        {
            auto const n = file.read({reinterpret_cast<char*>(into.data()), into.size()});
            if(!n)
                failed = n.error();
            ec = failed.code;
            return n ? *n : 0;
        }

        gzip_file file;
        failure failed;
    };

    struct no_hash {
        void update(bytes_view) {}
    };

    using ahead = read_ahead<inflated, no_hash>;
    static constexpr std::uint64_t worth_a_thread = std::uint64_t{64} << 10; // bytes of a file

    // Stays where it is, because the thread uses it.
    struct state {
        static constexpr std::size_t memory_size = ahead::buffers * (std::size_t{128} << 10);

        explicit state(posix_file f) : source{gzip_file(std::move(f)), {}} {}

        void start()
        {
            try {
                memory = std::make_unique_for_overwrite<std::byte[]>(memory_size);
                reading.emplace(source, std::numeric_limits<std::uint64_t>::max(), nullptr, std::span(memory.get(), memory_size));
            }
            catch(std::system_error const&) {
                memory.reset();
            }
        }

        inflated source;
        std::unique_ptr<std::byte[]> memory;
        std::optional<ahead> reading;
    };

    std::unique_ptr<state> state_;
};

} // namespace tarexport::detail

#endif
