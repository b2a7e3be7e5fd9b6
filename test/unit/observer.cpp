//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/observer.hpp>

#define BOOST_TEST_MODULE observer
#include <boost/test/unit_test.hpp>

#include <tarexport/observer/progress.hpp>
#include <tarexport/observer/trace.hpp>

#include <boost/json.hpp>

#include <sstream>
#include <thread>

using namespace tarexport;

static_assert(observer<no_observer>);
static_assert(observer<progress>);
static_assert(observer<trace>);
struct may_throw {
    void operator()(event const&) {}
};
static_assert(!observer<may_throw>);
struct no_call {};
static_assert(!observer<no_call>);

BOOST_AUTO_TEST_CASE(numbers_are_for_people)
{
    BOOST_TEST(format_bytes(0) == "0 B");
    BOOST_TEST(format_bytes(999) == "999 B");
    BOOST_TEST(format_bytes(1000) == "1.0 kB");
    BOOST_TEST(format_bytes(658234567) == "658.2 MB");
    BOOST_TEST(format_bytes(18446744073709551615u) == "18.4 EB");
    BOOST_TEST(format_duration(std::chrono::seconds(7)) == "0:07");
    BOOST_TEST(format_duration(std::chrono::seconds(3723)) == "1:02:03");
}

BOOST_AUTO_TEST_CASE(progress_says_percent_bytes_and_rate)
{
    digest const id;
    std::ostringstream out;
    progress p(out);
    p(event(archive_planned{1000, 3, id}));
    p(event(bytes_written{100, 100, 1000}));
    BOOST_TEST(out.str() == ""); // too soon to be of use
    std::this_thread::sleep_for(std::chrono::milliseconds(120));
    p(event(bytes_written{400, 500, 1000}));
    BOOST_TEST(out.str().find("50%") != std::string::npos);
    BOOST_TEST(out.str().find("500 B of 1.0 kB") != std::string::npos);
    BOOST_TEST(out.str().find("left") != std::string::npos);
    p(event(bytes_written{500, 1000, 1000}));
    p(event(archive_saved{1000, id}));
    BOOST_TEST(out.str().find("100%") != std::string::npos);
    BOOST_TEST(out.str().back() == '\n');
}

BOOST_AUTO_TEST_CASE(an_archive_of_nothing_does_not_divide_by_it)
{
    digest const id;
    std::ostringstream out;
    progress p(out, progress::style::lines);
    p(event(archive_planned{0, 0, id}));
    p(event(bytes_written{0, 0, 0}));
    p(event(archive_saved{0, id}));
    BOOST_TEST(out.str().find('\x1b') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_trace_is_json_with_matching_spans)
{
    auto const id = digest();
    std::vector<std::string> const tags = {"app:1", "quote\":2"};
    std::ostringstream out;
    {
        trace t(out);
        attribute const about[] = {{"names", "a \"b\""}};
        t(event(span_begun{activity::save, about}));
        t(event(image_resolved{id, id, 2, tags}));
        t(event(archive_planned{10, 1, id}));
        t(event(span_begun{activity::entry, {}}));
        t(event(entry_begun{0, "x", 0, 1}));
        t(event(bytes_written{1, 1, 1}));
        t(event(entry_done{0, "x", id, true}));
        t(event(span_ended{activity::entry, true}));
        failure const why{error::cancelled, "here", {}};
        t(event(save_failed{why}));
        t(event(span_ended{activity::save, false}));
    }
    auto const v = boost::json::parse(out.str());
    int depth = 0;
    double last = 0;
    for(auto const& e : v.as_array()) {
        depth += e.at("ph").as_string() == "B";
        depth -= e.at("ph").as_string() == "E";
        BOOST_TEST(depth >= 0);
        auto const now = e.at("ts").to_number<double>();
        BOOST_TEST(now >= last);
        last = now;
    }
    BOOST_TEST(depth == 0);
    BOOST_TEST(v.as_array().front().at("args").at("names").as_string() == "a \"b\"");
}

BOOST_AUTO_TEST_CASE(a_broken_stream_ends_no_save)
{
    struct full : std::streambuf {
    } buffer; // takes nothing
    std::ostream broken(&buffer);
    progress p(broken, progress::style::bar);
    broken.exceptions(std::ios::badbit | std::ios::failbit);
    digest const id;
    p(event(archive_planned{1, 1, id}));
    std::this_thread::sleep_for(std::chrono::milliseconds(120));
    p(event(bytes_written{1, 1, 1}));
    p(event(archive_saved{1, id}));
    BOOST_TEST(broken.bad()); // it was tried, and nothing was thrown at the driver
}
