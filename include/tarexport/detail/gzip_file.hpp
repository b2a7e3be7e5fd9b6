//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_GZIP_FILE_HPP
#define TAREXPORT_DETAIL_GZIP_FILE_HPP

#include <tarexport/any_inflater.hpp>
#include <tarexport/bytes.hpp>
#include <tarexport/detail/posix_file.hpp>
#include <tarexport/detail/read_ahead.hpp>
#include <tarexport/error.hpp>
#include <tarexport/inflater.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
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
    gzip_file(posix_file f, any_inflater i) : file_(std::move(f)), inflater_(std::move(i)) {}

    /** Read until the buffer is full or the file ends.

        @return How many bytes; fewer than there is room only at the end. `invalid_document` or the system's error.
    */
    result<std::size_t> read(std::span<char> into)
    {
        auto out = std::as_writable_bytes(into);
        while(!out.empty() && !ended_) {
            error_code ec;
            if(packed_.empty())
                fill(ec);
            if(ec)
                return failure{ec, {}, {}};
            auto const before = packed_.size(), room = out.size();
            auto const status = inflater_.inflate(packed_, out);
            ended_ = status == inflate_status::end;
            bool const stays = !ended_ && out.size() == room && packed_.size() == before;
            if(stays && before == 0)
                return failure{error::invalid_document, {}, "the gzip file ends too early"};
            if(stays || status == inflate_status::damaged)
                return failure{error::invalid_document, {}, "not a gzip file, or a damaged one"};
        }
        if(ended_ && !out.empty()) {
            error_code ec;
            if(packed_.empty())
                fill(ec);
            if(ec)
                return failure{ec, {}, {}};
            if(!packed_.empty())
                return failure{error::invalid_document, {}, "the gzip file has more after its end"};
        }
        return into.size() - out.size();
    }

private:
    // Nothing at the end.
    void fill(error_code& ec)
    {
        if(!buffer_)
            buffer_ = std::make_unique_for_overwrite<std::byte[]>(buffer_size);
        auto const n = detail::read_some_at(file_.fd.get(), std::span(buffer_.get(), buffer_size), at_, ec);
        at_ += n;
        packed_ = {buffer_.get(), n};
    }

    static constexpr std::size_t buffer_size = std::size_t{64} << 10;

    posix_file file_;
    any_inflater inflater_;
    std::unique_ptr<std::byte[]> buffer_;
    bytes_view packed_; // read, not inflated yet
    std::uint64_t at_ = 0;
    bool ended_ = false;
};

/** The same, but a large file is inflated in a thread of its own, before it is asked for.

    Where there can be no thread, it is inflated when it is asked for.
*/
class gzip_input {
public:
    /// @param jobs How many threads may work at once: with 1, only the calling one.
    gzip_input(posix_file f, any_inflater i, std::size_t jobs)
    {
        bool const beside = jobs > 1 && f.size >= worth_a_thread;
        state_ = std::make_unique<state>(gzip_file(std::move(f), std::move(i)));
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

        explicit state(gzip_file f) : source{std::move(f), {}} {}

        void start()
        {
            try {
                memory = std::make_unique_for_overwrite<std::byte[]>(memory_size);
                reading.emplace(source, std::numeric_limits<std::uint64_t>::max(), nullptr, std::span(memory.get(), memory_size));
            }
            catch(std::system_error const&) {
                memory.reset();
            }
            catch(std::bad_alloc const&) {
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
