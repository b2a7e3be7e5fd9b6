//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_TIMESTAMP_HPP
#define TAREXPORT_TIMESTAMP_HPP

#include <tarexport/error.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tarexport {

/** A moment, and the zone it was written in.

    Two timestamps are equal if both are; `same_instant` compares only the moments.
*/
struct timestamp {
    std::int64_t seconds = 0;      ///< Since 1970-01-01T00:00:00Z, rounded down.
    std::uint32_t nanoseconds = 0; ///< Beyond `seconds`; less than 10^9.
    std::int32_t zone_offset = 0;  ///< Seconds east of UTC.

    friend bool operator==(timestamp const&, timestamp const&) = default;
};

/// Return whether both are the same moment, in whatever zones.
constexpr bool same_instant(timestamp const& a, timestamp const& b) noexcept
{
    return a.seconds == b.seconds && a.nanoseconds == b.nanoseconds;
}

/** Parse an RFC 3339 time as the engines do (Go's `time.Parse` with its layout RFC3339).

    Beyond the RFC, an hour of one digit, a comma for the decimal point, and zones up to 24:60 are accepted; digits
    beyond the ninth of the fraction are dropped. Lower-case letters, the second 60, the hour 24 and other
    separators are refused.

    @return The time, or nothing.
*/
inline std::optional<timestamp> parse_timestamp(std::string_view text) noexcept;

/** Return a time in RFC 3339: nanoseconds without trailing zeros, `Z` for an offset of 0, else `+hh:mm` or `-hh:mm`.

    @return The text, or `time_out_of_range`: a year beyond 0 to 9999, or an offset of 24 hours or more.
*/
inline result<std::string> to_rfc3339(timestamp const& t);

namespace detail {

// Takes the parts of a time off the front of a text.
class time_scanner {
public:
    explicit time_scanner(std::string_view text) noexcept : rest_(text) {}

    bool digit(std::size_t i) const noexcept { return i < rest_.size() && rest_[i] >= '0' && rest_[i] <= '9'; }

    bool at_end() const noexcept { return rest_.empty(); }

    bool take(char c) noexcept
    {
        if(!rest_.starts_with(c))
            return false;
        rest_.remove_prefix(1);
        return true;
    }

    /// Take `n` digits that make a number of at most `last`.
    bool number(std::size_t n, unsigned last, unsigned& value) noexcept
    {
        value = 0;
        for(std::size_t i = 0; i != n; ++i) {
            if(!digit(i))
                return false;
            value = 10 * value + static_cast<unsigned>(rest_[i] - '0');
        }
        rest_.remove_prefix(n);
        return value <= last;
    }

    /// Take a fraction, if there is one: a mark without digits is none.
    void fraction(std::uint32_t& nanoseconds) noexcept
    {
        if(!(rest_.starts_with('.') || rest_.starts_with(',')) || !digit(1))
            return;
        std::size_t n = 1;
        for(std::uint32_t unit = 100'000'000; digit(n); ++n, unit /= 10)
            nanoseconds += unit * static_cast<std::uint32_t>(rest_[n] - '0');
        rest_.remove_prefix(n);
    }

    bool zone(std::int32_t& offset) noexcept
    {
        if(take('Z'))
            return true;
        bool const west = rest_.starts_with('-');
        unsigned hours = 0, minutes = 0;
        if(!(take('+') || take('-')) || !number(2, 24, hours) || !take(':') || !number(2, 60, minutes))
            return false;
        offset = static_cast<std::int32_t>((hours * 60 + minutes) * 60);
        if(west)
            offset = -offset;
        return true;
    }

private:
    std::string_view rest_;
};

inline void append_padded(std::string& out, std::uint32_t value, std::size_t width)
{
    auto const digits = std::to_string(value);
    out.append(width - std::min(width, digits.size()), '0').append(digits);
}

} // namespace detail

inline std::optional<timestamp> parse_timestamp(std::string_view text) noexcept
{
    using namespace std::chrono;
    detail::time_scanner s(text);
    unsigned y = 0, mon = 0, d = 0, h = 0, min = 0, sec = 0;
    bool const date = s.number(4, 9999, y) && s.take('-') && s.number(2, 12, mon) && s.take('-') &&
                      s.number(2, 31, d) && s.take('T');
    year_month_day const ymd(year(static_cast<int>(y)), month(mon), day(d));
    if(!date || !ymd.ok())
        return std::nullopt;
    timestamp t;
    bool const time = s.number(s.digit(1) ? 2 : 1, 23, h) && s.take(':') && s.number(2, 59, min) && s.take(':') &&
                      s.number(2, 59, sec);
    s.fraction(t.nanoseconds);
    if(!time || !s.zone(t.zone_offset) || !s.at_end())
        return std::nullopt;
    auto const days = static_cast<std::int64_t>(sys_days(ymd).time_since_epoch().count());
    t.seconds = days * 86400 + h * 3600 + min * 60 + sec - t.zone_offset;
    return t;
}

inline result<std::string> to_rfc3339(timestamp const& t)
{
    using namespace std::chrono;
    constexpr std::int64_t first = sys_days(year(0) / 1 / 1).time_since_epoch().count() * std::int64_t{86400};
    constexpr std::int64_t last = sys_days(year(10000) / 1 / 1).time_since_epoch().count() * std::int64_t{86400} - 1;
    std::int64_t const offset = t.zone_offset;
    if(t.seconds < first - offset || t.seconds > last - offset)
        return failure{error::time_out_of_range, {}, "year beyond 0 to 9999"};
    std::uint32_t const minutes = static_cast<std::uint32_t>((offset < 0 ? -offset : offset) / 60);
    if(minutes >= 24 * 60)
        return failure{error::time_out_of_range, {}, "zone offset of 24 hours or more"};

    auto const local = sys_seconds(seconds(t.seconds + offset));
    auto const midnight = floor<days>(local);
    year_month_day const ymd(midnight);
    auto const second_of_day = static_cast<std::uint32_t>((local - midnight).count());
    std::string s;
    detail::append_padded(s, static_cast<std::uint32_t>(static_cast<int>(ymd.year())), 4);
    s.push_back('-');
    detail::append_padded(s, static_cast<unsigned>(ymd.month()), 2);
    s.push_back('-');
    detail::append_padded(s, static_cast<unsigned>(ymd.day()), 2);
    s.push_back('T');
    detail::append_padded(s, second_of_day / 3600, 2);
    s.push_back(':');
    detail::append_padded(s, second_of_day / 60 % 60, 2);
    s.push_back(':');
    detail::append_padded(s, second_of_day % 60, 2);
    if(t.nanoseconds != 0) {
        s.push_back('.');
        detail::append_padded(s, t.nanoseconds, 9);
        s.erase(s.find_last_not_of('0') + 1);
    }
    if(offset == 0) {
        s.push_back('Z');
        return s;
    }
    // Go rounds the offset towards zero first: -30 seconds print as +00:00.
    s.push_back(offset <= -60 ? '-' : '+');
    detail::append_padded(s, minutes / 60, 2);
    s.push_back(':');
    detail::append_padded(s, minutes % 60, 2);
    return s;
}

} // namespace tarexport

#endif
