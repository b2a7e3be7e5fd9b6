//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/sink/tee.hpp>

#define BOOST_TEST_MODULE sink_tee
#include <boost/test/unit_test.hpp>

#include "sink_support.hpp"

#include <tarexport/sink/counting.hpp>
#include <tarexport/sink/fd.hpp>
#include <tarexport/sink/file.hpp>
#include <tarexport/sink/memory.hpp>
#include <tarexport/testing/sink.hpp>

using namespace support;
using namespace tarexport;
namespace testing = tarexport::testing;

namespace {

// No gather writes, and at most three bytes.
struct plain_sink {
    std::size_t write_some(bytes_view bytes, error_code& ec)
    {
        ec.clear();
        auto const taken = bytes.first(std::min<std::size_t>(bytes.size(), 3));
        text.append(to_text(taken));
        return taken.size();
    }

    std::string text;
};

struct stalling_sink {
    std::size_t write_some(bytes_view, error_code&) { return 0; }
};

template<std::size_t First, std::size_t Second>
struct fixture {
    auto& out() { return sink; }

    // What is wrong with either shows as a difference.
    std::string taken()
    {
        for(auto const* k : {&first, &second})
            for(auto const& sentence : k->complaints())
                BOOST_ERROR(sentence);
        BOOST_TEST(third.text.size() == first.bytes().size());
        return first.bytes() == second.bytes() && third.text == first.bytes() ? first.bytes() : std::string();
    }

    testing::chopping_sink first{First};
    testing::chopping_sink second{Second};
    plain_sink third;
    tee_sink<testing::chopping_sink, testing::chopping_sink, plain_sink> sink{first, second, third};
};

template<std::size_t First, std::size_t Second>
void conforms()
{
    for(auto const& sentence : testing::check_sink([] { return fixture<First, Second>(); }))
        BOOST_ERROR(sentence);
    BOOST_TEST(testing::chopping_sink::alive() == 0);
}

} // namespace

BOOST_AUTO_TEST_CASE(conforms_whatever_its_sinks_take)
{
    conforms<1000000, 1000000>();
    conforms<1, 1000000>();
    conforms<1000000, 1>();
    conforms<512, 511>();
    conforms<511, 513>();
}

BOOST_AUTO_TEST_CASE(a_failure_names_its_sink_and_stops_all)
{
    testing::chopping_sink first;
    fd_sink second(-1, "the second");
    testing::chopping_sink third;
    tee_sink k(first, second, third);
    BOOST_TEST(k.subject() == "all outputs");
    error_code ec;
    BOOST_TEST(k.write_some(to_bytes("x"), ec) == 0u);
    BOOST_TEST((ec == errc::bad_file_descriptor));
    BOOST_TEST(k.subject() == "the second");
    BOOST_TEST(k.write_some(to_bytes("x"), ec) == 0u);
    BOOST_TEST((ec == errc::bad_file_descriptor));
    BOOST_TEST(first.bytes() == "x");
    BOOST_TEST(third.bytes() == "");
    k.commit(ec);
    BOOST_TEST((ec == errc::bad_file_descriptor));
    k.abort();
    BOOST_TEST(first.aborted());
    BOOST_TEST(third.aborted());
    BOOST_TEST(!first.committed());
    BOOST_TEST(k.subject() == "the second");
}

BOOST_AUTO_TEST_CASE(a_sink_without_a_name_is_numbered)
{
    testing::chopping_sink first;
    testing::failing_sink second(2);
    tee_sink k(first, second);
    write_all(k, "x");
    error_code ec;
    BOOST_TEST(k.write_some(to_bytes("y"), ec) == 0u);
    BOOST_TEST((ec == errc::io_error));
    BOOST_TEST(k.subject() == "output 2");
}

BOOST_AUTO_TEST_CASE(a_stalled_sink_is_a_failure_of_that_sink)
{
    memory_sink first;
    stalling_sink second;
    tee_sink k(first, second);
    error_code ec;
    BOOST_TEST(k.write_some(to_bytes("x"), ec) == 0u);
    BOOST_TEST(ec == error::sink_stalled);
    BOOST_TEST(k.subject() == "output 2");
}

BOOST_AUTO_TEST_CASE(every_failure_aborts_every_sink_that_is_not_committed)
{
    for(std::size_t n = 1;; ++n) {
        testing::chopping_sink first(7);
        testing::failing_sink second(n, errc::make_error_code(errc::io_error), 5);
        counting_sink third;
        tee_sink k(first, second, third);
        error_code ec;
        write_all(k, "0123456789", ec);
        if(!ec.failed())
            k.commit(ec);
        if(ec.failed())
            k.abort();
        BOOST_TEST(ec.failed() == second.failed());
        BOOST_TEST(first.finished());
        BOOST_TEST(second.finished());
        BOOST_TEST(second.aborted() == second.failed());
        for(auto const& sentence : first.complaints())
            BOOST_ERROR(sentence);
        for(auto const& sentence : second.complaints())
            BOOST_ERROR(sentence);
        if(!second.failed()) {
            BOOST_TEST(first.committed());
            BOOST_TEST(third.bytes() == 10u);
            BOOST_TEST(n > 3u);
            break;
        }
        BOOST_TEST(k.subject() == "output 2");
    }
}

BOOST_AUTO_TEST_CASE(a_finished_tee_takes_nothing)
{
    memory_sink a;
    counting_sink b;
    error_code ec;
    tee_sink committed(a, b);
    committed.commit(ec);
    BOOST_TEST(!ec.failed());
    BOOST_TEST(committed.write_some(to_bytes("x"), ec) == 0u);
    BOOST_TEST(ec == error::sink_finished);
    tee_sink aborted(a, b);
    aborted.abort();
    BOOST_TEST(aborted.write_some(to_bytes("x"), ec) == 0u);
    BOOST_TEST(ec == error::sink_finished);
    BOOST_TEST(a.bytes() == "");
}

BOOST_AUTO_TEST_CASE(writes_a_file_and_counts)
{
    scratch const dir;
    file_sink file(dir / "app.tar");
    counting_sink count;
    tee_sink k(count, file);
    write_all(k, "0123456789");
    error_code ec;
    k.commit(ec);
    BOOST_TEST(!ec.failed());
    BOOST_TEST(contents(dir / "app.tar") == "0123456789");
    BOOST_TEST(count.bytes() == 10u);
}
