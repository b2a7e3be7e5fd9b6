//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/sink/ostream.hpp>

#define BOOST_TEST_MODULE sink_ostream
#include <boost/test/unit_test.hpp>

#include "sink_support.hpp"

#include <tarexport/testing/sink.hpp>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <streambuf>

using namespace support;
using namespace tarexport;
namespace testing = tarexport::testing;

namespace {

struct fixture {
    ostream_sink& out() { return sink; }
    std::string taken() { return stream.str(); }

    std::ostringstream stream;
    ostream_sink sink{stream};
};

// Takes so many bytes, and then refuses or throws.
class limited_buffer : public std::streambuf {
public:
    explicit limited_buffer(std::streamsize room, bool throws = false) : room_(room), throws_(throws) {}

    std::string text;

protected:
    std::streamsize xsputn(char const* s, std::streamsize n) override
    {
        if(throws_ && room_ < n)
            throw std::runtime_error("full");
        n = std::min(n, room_);
        text.append(s, static_cast<std::size_t>(n));
        room_ -= n;
        return n;
    }

    int sync() override
    {
        if(throws_)
            throw std::runtime_error("full");
        return room_ == 0 ? -1 : 0;
    }

private:
    std::streamsize room_;
    bool throws_;
};

} // namespace

BOOST_AUTO_TEST_CASE(conforms)
{
    for(auto const& sentence : testing::check_sink([] { return fixture(); }))
        BOOST_ERROR(sentence);
}

BOOST_AUTO_TEST_CASE(a_stream_that_is_full_becomes_bad)
{
    for(bool const throws : {false, true}) {
        for(auto const mask : {std::ios_base::goodbit, std::ios_base::badbit | std::ios_base::failbit}) {
            limited_buffer buffer(3, throws);
            std::ostream os(&buffer);
            os.exceptions(mask);
            os << std::unitbuf;
            ostream_sink k(os);
            error_code ec;
            BOOST_TEST(write_all(k, "01234", ec) == (throws ? 0u : 3u));
            BOOST_TEST((ec == errc::io_error));
            BOOST_TEST(buffer.text == (throws ? "" : "012"));
            BOOST_TEST(os.bad());
            BOOST_TEST((os.exceptions() == mask));
            BOOST_TEST(k.write_some(to_bytes("x"), ec) == 0u); // and stays so
            BOOST_TEST((ec == errc::io_error));
            k.commit(ec);
            BOOST_TEST((ec == errc::io_error));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_flush_that_fails_is_an_error_of_the_commit)
{
    for(bool const throws : {false, true}) {
        limited_buffer buffer(throws ? 10 : 3, throws);
        std::ostream os(&buffer);
        os.exceptions(std::ios_base::badbit);
        ostream_sink k(os);
        write_all(k, "012");
        error_code ec;
        k.commit(ec);
        BOOST_TEST((ec == errc::io_error));
        BOOST_TEST(os.bad());
        k.abort();
    }
}

BOOST_AUTO_TEST_CASE(committing_flushes)
{
    scratch const dir;
    std::ofstream os(dir / "out", std::ios::binary);
    ostream_sink k(os);
    write_all(k, "01234");
    error_code ec;
    k.commit(ec);
    BOOST_TEST(!ec.failed());
    BOOST_TEST(contents(dir / "out") == "01234");
    BOOST_TEST(k.write_some(to_bytes("x"), ec) == 0u);
    BOOST_TEST(ec == error::sink_finished);
    k.commit(ec);
    BOOST_TEST(ec == error::sink_finished);
}

BOOST_AUTO_TEST_CASE(aborting_finishes)
{
    std::ostringstream os;
    ostream_sink k(os);
    write_all(k, "01234");
    k.abort();
    error_code ec;
    BOOST_TEST(k.write_some(to_bytes("x"), ec) == 0u);
    BOOST_TEST(ec == error::sink_finished);
    BOOST_TEST(os.str() == "01234");
}

BOOST_AUTO_TEST_CASE(a_full_device_is_an_error)
{
    std::ofstream os("/dev/full", std::ios::binary);
    ostream_sink k(os);
    error_code ec;
    write_all(k, "01234", ec);
    k.commit(ec);
    BOOST_TEST((ec == errc::io_error));
}

BOOST_AUTO_TEST_CASE(a_stream_without_a_buffer_or_file_is_an_error)
{
    error_code ec;
    std::ostream none(nullptr);
    BOOST_TEST(ostream_sink(none).write_some(to_bytes("x"), ec) == 0u);
    BOOST_TEST((ec == errc::io_error));
    std::ofstream unopened("/no/such/directory/file");
    BOOST_TEST(ostream_sink(unopened).write_some(to_bytes("x"), ec) == 0u);
    BOOST_TEST((ec == errc::io_error));
}

BOOST_AUTO_TEST_CASE(has_a_subject)
{
    std::ostringstream os;
    BOOST_TEST(ostream_sink(os).subject() == "output stream");
    BOOST_TEST(ostream_sink(os, "log").subject() == "log");
}
