//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_OBSERVER_PROGRESS_HPP
#define TAREXPORT_OBSERVER_PROGRESS_HPP

#include <tarexport/observer.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <variant>

namespace tarexport {

/// Return a number of bytes for people: "658.2 MB". Units are powers of 1000.
inline std::string format_bytes(std::uint64_t n)
{
    static constexpr std::array<std::string_view, 7> units{"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    std::size_t unit = 0;
    std::uint64_t tenths = 0;
    for(; n >= 1000; n /= 1000, ++unit)
        tenths = n % 1000 / 100;
    auto text = std::to_string(n);
    if(unit != 0)
        text += "." + std::to_string(tenths);
    return text + " " + std::string(units[unit]);
}

/// Return a duration for people: "0:07", "1:02:03".
inline std::string format_duration(std::chrono::seconds s)
{
    auto const two = [](auto n) { return (n < 10 ? "0" : "") + std::to_string(n); };
    auto const n = s.count();
    return (n >= 3600 ? std::to_string(n / 3600) + ":" + two(n / 60 % 60) : std::to_string(n / 60)) + ":" + two(n % 60);
}

/** An observer that shows how far a save is: percent, bytes, rate and the time left, all exact but the last two.

    On a terminal, a bar that is drawn again in its line; otherwise a plain line now and then. Borrows the stream.
*/
class progress {
public:
    enum class style { bar, lines };

    /// Construct for a stream that outlives this object.
    explicit progress(std::ostream& out, style how = style::bar) : out_(&out), style_(how) {}

    void operator()(event const& e) noexcept
    {
        try {
            if(auto const* p = std::get_if<archive_planned>(&e))
                begin(p->size);
            else if(auto const* b = std::get_if<bytes_written>(&e))
                passed(b->bytes);
            else if(std::holds_alternative<archive_saved>(e) || std::holds_alternative<save_failed>(e))
                end();
        }
        catch(...) {
            // A display that fails must not end the save.
        }
    }

private:
    using clock = std::chrono::steady_clock;

    void begin(std::uint64_t total)
    {
        total_ = total;
        bytes_ = 0;
        start_ = shown_ = clock::now();
        drawn_ = false;
    }

    void passed(std::uint64_t bytes)
    {
        bytes_ = bytes;
        auto const now = clock::now();
        if(now - shown_ < (style_ == style::bar ? std::chrono::milliseconds(100) : std::chrono::seconds(5)))
            return;
        shown_ = now;
        draw(now);
    }

    void end()
    {
        if(!drawn_)
            return;
        draw(clock::now());
        if(style_ == style::bar)
            *out_ << std::endl;
        drawn_ = false;
    }

    void draw(clock::time_point now)
    {
        drawn_ = true;
        auto const elapsed = std::chrono::duration<double>(now - start_).count();
        auto const rate = elapsed > 0 ? static_cast<double>(bytes_) / elapsed : 0;
        auto const percent = total_ == 0 ? 100 : static_cast<int>(static_cast<double>(bytes_) * 100 / static_cast<double>(total_));
        std::string line;
        if(style_ == style::bar) {
            auto const full = static_cast<std::size_t>(percent) * 30 / 100;
            line = "\r[" + std::string(full, '#') + std::string(30 - full, '.') + "] ";
        }
        line += std::to_string(percent) + "%  " + format_bytes(bytes_) + " of " + format_bytes(total_) + "  "
                + format_bytes(static_cast<std::uint64_t>(rate)) + "/s";
        if(rate > 0 && bytes_ < total_)
            line += "  " +
                format_duration(std::chrono::seconds(static_cast<long>(static_cast<double>(total_ - bytes_) / rate) + 1)) +
                " left";
        if(style_ == style::bar)
            *out_ << line << "\x1b[K" << std::flush;
        else
            *out_ << line << std::endl;
    }

    std::ostream* out_;
    style style_;
    std::uint64_t total_ = 0;
    std::uint64_t bytes_ = 0;
    clock::time_point start_;
    clock::time_point shown_;
    bool drawn_ = false;
};

static_assert(observer<progress>);

} // namespace tarexport

#endif
