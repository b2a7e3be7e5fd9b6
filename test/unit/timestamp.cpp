//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/timestamp.hpp>

#define BOOST_TEST_MODULE timestamp
#include <boost/test/unit_test.hpp>

#include <limits>
#include <string>
#include <string_view>

namespace tx = tarexport;

namespace {

tx::timestamp parsed(std::string_view text)
{
    auto const t = tx::parse_timestamp(text);
    BOOST_REQUIRE_MESSAGE(t.has_value(), text);
    return *t;
}

std::string again(std::string_view text) { return tx::to_rfc3339(parsed(text)).value(); }

} // namespace

BOOST_AUTO_TEST_CASE(times_are_read)
{
    BOOST_TEST((parsed("1970-01-01T00:00:00Z") == tx::timestamp{0, 0, 0}));
    BOOST_TEST((parsed("2024-01-02T03:04:05.123456789+05:30") == tx::timestamp{1704144845, 123456789, 19800}));
    BOOST_TEST((parsed("1969-12-31T23:59:59.5Z") == tx::timestamp{-1, 500000000, 0}), "seconds are rounded down");
    BOOST_TEST((parsed("0000-01-01T00:00:00Z") == tx::timestamp{-62167219200, 0, 0}));
    BOOST_TEST((parsed("2024-02-29T3:04:05,000000001999Z") == tx::timestamp{1709175845, 1, 0}));
    BOOST_TEST(parsed("2024-01-02T03:04:05-24:60").zone_offset == -90000);
}

BOOST_AUTO_TEST_CASE(what_is_no_time_is_refused)
{
    for(auto t : {"", "Z", "2024-01-02", "2024-01-02T03:04:05", "2024-01-02t03:04:05Z", "2024-01-02T03:04:05z",
                  "2024-01-02T24:00:00Z", "2024-01-02T23:60:00Z", "2024-01-02T23:59:60Z", "2023-02-29T00:00:00Z",
                  "2024-00-01T00:00:00Z", "2024-13-01T00:00:00Z", "2024-01-00T00:00:00Z", "2024-01-32T00:00:00Z",
                  "24-01-02T03:04:05Z", "12024-01-02T03:04:05Z", "-024-01-02T03:04:05Z", "2024-01-02T03:04:05.Z",
                  "2024-01-02T03:04:05+25:00", "2024-01-02T03:04:05+00:61", "2024-01-02T03:04:05+0000",
                  "2024-01-02T03:04:05+00", "2024-01-02T03:04:05Z ", " 2024-01-02T03:04:05Z", "2024-01-02T03:4:05Z",
                  "2024-01-02T03:04:5Z", "2024-01-02T003:04:05Z", "2024-01-02T03:04:05ZZ", "2024-01-02T03:04:05 00:00"})
        BOOST_TEST(!tx::parse_timestamp(t), t);
    std::string const whole = "2024-01-02T03:04:05.25+01:00";
    for(std::size_t n = 0; n != whole.size(); ++n)
        BOOST_TEST(!tx::parse_timestamp(whole.substr(0, n)), n);
}

BOOST_AUTO_TEST_CASE(times_are_written)
{
    BOOST_TEST(again("2024-01-02T3:04:05.120-00:00") == "2024-01-02T03:04:05.12Z");
    BOOST_TEST(again("2024-01-02T03:04:05,000000000+05:30") == "2024-01-02T03:04:05+05:30");
    BOOST_TEST(again("0001-01-01T00:00:00-23:59") == "0001-01-01T00:00:00-23:59");
    BOOST_TEST(again("9999-12-31T23:59:59.999999999Z") == "9999-12-31T23:59:59.999999999Z");
    BOOST_TEST(tx::to_rfc3339({0, 0, -2670}).value() == "1969-12-31T23:15:30-00:44", "Liberia, 1970");
    BOOST_TEST(tx::to_rfc3339({0, 0, -30}).value() == "1969-12-31T23:59:30+00:00");
    BOOST_TEST(tx::to_rfc3339({0, 0, 86399}).value() == "1970-01-01T23:59:59+23:59");
}

BOOST_AUTO_TEST_CASE(times_that_cannot_be_written)
{
    using limits = std::numeric_limits<std::int64_t>;
    using zones = std::numeric_limits<std::int32_t>;
    auto const code = [](tx::timestamp t) { return tx::to_rfc3339(t).error().code; };
    BOOST_TEST(code({0, 0, 86400}) == tx::error::time_out_of_range);
    BOOST_TEST(code({0, 0, -86400}) == tx::error::time_out_of_range);
    BOOST_TEST(code({0, 0, zones::min()}) == tx::error::time_out_of_range);
    BOOST_TEST(code({-62167219201, 0, 0}) == tx::error::time_out_of_range);
    BOOST_TEST(code({253402300799, 0, 3600}) == tx::error::time_out_of_range);
    BOOST_TEST(code({limits::max(), 0, zones::max()}) == tx::error::time_out_of_range);
    BOOST_TEST(code({limits::min(), 0, zones::min()}) == tx::error::time_out_of_range);
}

BOOST_AUTO_TEST_CASE(the_same_instant_in_two_zones)
{
    auto const a = parsed("2024-01-02T03:04:05Z"), b = parsed("2024-01-02T04:04:05+01:00");
    BOOST_TEST(tx::same_instant(a, b));
    BOOST_TEST(!(a == b));
    BOOST_TEST(!tx::same_instant(a, parsed("2024-01-02T03:04:05.000000001Z")));
}
