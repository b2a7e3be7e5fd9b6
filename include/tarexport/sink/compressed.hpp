//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_SINK_COMPRESSED_HPP
#define TAREXPORT_SINK_COMPRESSED_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/compression.hpp>
#include <tarexport/detail/block_compressor.hpp>
#include <tarexport/error.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/sink.hpp>

#include <boost/endian/conversion.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tarexport {

/** A sink that compresses an archive on its way to another sink, in several threads.

    The archive is cut into blocks of 1 MiB, each compressed alone: gzip members, or zstd frames with a seek table behind them
    (the seekable format), so that `gzip -d` and `zstd -d` read all of it, and a reader who wants some bytes only the blocks that they are in.
    The bytes depend on the archive, the format and the level, not on the number of threads.

    The end of every block is kept back, and leaves together with the beginning of the next one: output that stops before `commit` ends
    inside a block, where no reader takes it for whole, unless the other sink cuts a write just there. After an error, or an exception,
    the sink can only be aborted: a block is missing then.

    Holds a sink, or borrows one where `Sink` is a reference. Needs Boost.Iostreams (`tarexport::compression` of CMake).

    @par Example
    @code
    file_sink file("app.tar.zst");
    compressed_sink out(file, {compression_format::zstd, 3});
    save(store, names("app:1.0"), out);
    @endcode

    @par Thread Safety
    None; one thread at a time. The other sink is used in that thread.
    @see https://github.com/facebook/zstd/blob/dev/contrib/seekable_format/zstd_seekable_compression_format.md
*/
template<class Sink>
requires sink<std::remove_reference_t<Sink>>
class compressed_sink {
    static_assert(tarexport::explain_sink<std::remove_reference_t<Sink>>());

public:
    /// Construct from the sink that gets the compressed archive. @param jobs How many threads may work at once: with 1, only the calling one.
    explicit compressed_sink(Sink&& out, archive_compression how = {}, std::size_t jobs = 2)
        : out_(std::forward<Sink>(out))
        , how_(how)
        , blocks_(std::make_unique<detail::block_compressor>(how, jobs))
    {
    }

    compressed_sink(compressed_sink&&) noexcept = default;

    /// Take bytes, and write a block where there is no room for them. @return How many were taken; 0 with the error of the other sink.
    std::size_t write_some(bytes_view bytes, error_code& ec)
    {
        std::size_t n = 0;
        attempt(ec, [&] {
            if(blocks_->full())
                write_block(ec);
            if(!ec.failed())
                n = blocks_->add(bytes);
        });
        return n;
    }

    /// Write what is left, and commit the other sink if it can be.
    void commit(error_code& ec)
    {
        attempt(ec, [&] {
            if(blocks_->full())
                write_block(ec);
            if(!ec.failed())
                blocks_->finish();
            while(!ec.failed() && !blocks_->empty())
                write_block(ec);
            if(!ec.failed())
                write_all(held_, ec);
            if(!ec.failed() && how_.format == compression_format::zstd)
                write_all(seek_table(), ec);
            if constexpr(committing_sink<std::remove_reference_t<Sink>>)
                if(!ec.failed())
                    out_.commit(ec);
        });
        if(!ec.failed())
            blocks_.reset();
    }

    /// Write no more, and abort the other sink if it can be. Does nothing to a finished sink, nor to one that was moved from.
    void abort() noexcept
    {
        if(!blocks_)
            return;
        blocks_.reset();
        if constexpr(committing_sink<std::remove_reference_t<Sink>>)
            out_.abort();
    }

    /// Return what errors call the other sink.
    std::string subject() const { return detail::subject_of(out_, "output"); }

private:
    static constexpr std::size_t held_size = 8; // bytes of a block without which it is not whole

    // Going on after an error or an exception would leave a block out.
    template<class Work>
    void attempt(error_code& ec, Work work)
    {
        ec = blocks_ ? failed_ : error_code(error::sink_finished);
        if(ec.failed())
            return;
        failed_ = error::exception_thrown; // unless it returns
        work();
        failed_ = ec;
    }

    void write_block(error_code& ec)
    {
        auto const block = blocks_->take();
        append_number(entries_, block.bytes.size());
        append_number(entries_, block.plain_size);
        held_ += block.bytes;
        auto const end = held_.size() - std::min(held_size, held_.size());
        write_all(std::string_view(held_).substr(0, end), ec);
        held_.erase(0, end);
    }

    void write_all(std::string_view text, error_code& ec)
    {
        for(auto rest = to_bytes(text); !rest.empty() && !ec.failed();) {
            auto const n = out_.write_some(rest, ec);
            if(n == 0 && !ec.failed())
                ec = error::sink_stalled;
            rest = rest.subspan(n);
        }
    }

    static void append_number(std::string& out, std::uint64_t n)
    {
        auto const little = boost::endian::native_to_little(static_cast<std::uint32_t>(n));
        out.append(reinterpret_cast<char const*>(&little), sizeof little);
    }

    // A frame that decoders skip.
    std::string seek_table() const
    {
        constexpr std::uint32_t skippable_frame = 0x184d2a5e, seekable = 0x8f92eab1;
        constexpr std::size_t entry_size = 8, footer_size = 9;
        std::string table;
        append_number(table, skippable_frame);
        append_number(table, entries_.size() + footer_size);
        table += entries_;
        append_number(table, entries_.size() / entry_size);
        table.push_back('\0'); // no check sums
        append_number(table, seekable);
        return table;
    }

    Sink out_;
    archive_compression how_;
    std::unique_ptr<detail::block_compressor> blocks_; // none when finished
    error_code failed_;                                // what a call has failed with
    std::string held_;                                 // the end of the last block
    std::string entries_;                              // of the seek table: the sizes of each block, compressed and plain
};

template<class Sink>
compressed_sink(Sink&&, archive_compression = {}, std::size_t = 2) -> compressed_sink<Sink>;

} // namespace tarexport

#endif
