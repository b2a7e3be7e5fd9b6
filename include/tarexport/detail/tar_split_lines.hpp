//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_TAR_SPLIT_LINES_HPP
#define TAREXPORT_DETAIL_TAR_SPLIT_LINES_HPP

#include <tarexport/error.hpp>
#include <tarexport/tar_split_reader.hpp>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace tarexport::detail {

/** The lines of a record, some hundreds of which are read before they are asked for, in a thread of its own.

    They are kept in a ring of batches, which hold a mebibyte and a half together, and one long line more. A record that fits into one batch needs no thread; where
    there can be none, a batch is read when it is asked for.

    @par Exception Safety
    What the thread throws is thrown by `next`.
*/
class tar_split_lines {
public:
    /** Construct.
        @param record Of which no line was read yet.
        @param beside Whether there may be a thread.
    */
    tar_split_lines(tar_split_reader record, bool beside) : state_(std::make_unique<state>(std::move(record), beside)) {}

    /// As `tar_split_reader::next`.
    result<bool> next()
    {
        auto& s = *state_;
        while(s.given == s.current().used) {
            if(s.current().last)
                return s.current().end();
            s.advance();
        }
        ++s.given;
        return true;
    }

    /// Return the line that `next` has gone on to; valid until its next call.
    tar_split_entry const& entry() const noexcept { return state_->current().entries[state_->given - 1]; }

private:
    struct batch {
        static constexpr std::size_t most = 256;                      // lines
        static constexpr std::size_t most_bytes = std::size_t{192} << 10; // of the lines; the last one may be longer

        void read(tar_split_reader& record, std::atomic<bool> const& stopped) noexcept
        {
            try {
                while(used != most && size < most_bytes && !last && !stopped)
                    read_line(record);
            }
            catch(...) {
                thrown = std::current_exception();
                last = true;
            }
            std::string_view rest = bytes;
            for(std::size_t i = 0; i != used; ++i) {
                auto& b = entries[i].bytes;
                b = rest.substr(0, b.size());
                rest.remove_prefix(b.size());
            }
        }

        result<bool> end() const
        {
            if(thrown)
                std::rethrow_exception(thrown);
            if(failed)
                return *failed;
            return false;
        }

        // Makes room for other lines. Their memory is kept for these, but not what an exceptionally long one took.
        void forget()
        {
            for(std::size_t i = 0; i != used; ++i) {
                auto& e = entries[i];
                if(e.name.capacity() > most_kept)
                    std::string().swap(e.name);
                if(e.stored.capacity() > most_kept / sizeof(byte_range))
                    std::vector<byte_range>().swap(e.stored);
            }
            if(bytes.capacity() > 2 * most_bytes)
                std::string().swap(bytes);
            bytes.clear();
            used = size = 0;
        }

        std::vector<tar_split_entry> entries;
        std::size_t used = 0; // of them, the others keep memory
        std::size_t size = 0; // bytes of the lines, and what was made of them beside
        bool last = false;    // whether nothing comes after these, but what ended the record

    private:
        void read_line(tar_split_reader& record)
        {
            auto const more = record.next();
            last = !more || !*more;
            if(!more)
                failed = more.error();
            if(last)
                return;
            auto const& e = record.entry();
            if(used == entries.size())
                entries.emplace_back();
            entries[used] = e;
            bytes += e.bytes;
            size += record.line_size() + e.stored.size() * sizeof(byte_range);
            ++used;
        }

        static constexpr std::size_t most_kept = 1024; // bytes of one line

        std::string bytes; // of all lines that stand for bytes
        std::optional<failure> failed;
        std::exception_ptr thrown;
    };

    // Stays where it is, because the thread uses it.
    struct state {
        state(tar_split_reader r, bool b) : record(std::move(r)), beside(b) {}
        state(state const&) = delete;
        state& operator=(state const&) = delete;

        ~state()
        {
            stopped = true;
            {
                // Who waits has looked at it before, or will be woken.
                std::scoped_lock const lock(mutex);
            }
            changed.notify_all();
            if(thread.joinable())
                thread.join();
        }

        batch& current() noexcept { return batches[taken % batches.size()]; }

        // Goes on to the next batch.
        void advance()
        {
            given = 0;
            auto const size = current().size;
            current().forget();
            if(thread.joinable()) {
                std::unique_lock lock(mutex);
                held -= size;
                ++taken;
                if(filled - taken <= batches.size() / 2)
                    changed.notify_all();
                changed.wait(lock, [this] { return filled != taken; });
                return;
            }
            current().read(record, stopped);
            if(beside && !current().last)
                start();
        }

        void start()
        {
            filled = 1;
            held = current().size;
            try {
                thread = std::thread([this] { read_all(); });
            }
            catch(std::system_error const&) {
                beside = false;
            }
            catch(std::bad_alloc const&) {
                beside = false;
            }
        }

        bool is_room() const noexcept
        {
            return filled == taken || (filled - taken != batches.size() && held < batches.size() * batch::most_bytes);
        }

        void read_all() noexcept
        {
            for(;;) {
                {
                    std::unique_lock lock(mutex);
                    if(!is_room())
                        changed.wait(lock, [this] { return stopped || (is_room() && filled - taken <= batches.size() / 2); });
                    if(stopped)
                        return;
                }
                auto& b = batches[filled % batches.size()];
                b.read(record, stopped);
                std::scoped_lock const lock(mutex);
                ++filled;
                held += b.size;
                changed.notify_all();
                if(b.last)
                    return;
            }
        }

        tar_split_reader record;
        bool beside;
        std::array<batch, 8> batches;
        std::size_t given = 0; // lines of the current batch

        std::mutex mutex;
        std::condition_variable changed;
        std::uint64_t filled = 0; // batches that were read; only the thread counts on
        std::uint64_t taken = 0;  // and that were used up; only the other one counts on
        std::size_t held = 0;     // bytes of those between
        std::atomic<bool> stopped = false;
        std::thread thread;
    };

    std::unique_ptr<state> state_;
};

} // namespace tarexport::detail

#endif
