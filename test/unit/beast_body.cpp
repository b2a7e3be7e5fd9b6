//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/beast_body.hpp>

#define BOOST_TEST_MODULE beast_body
#include <boost/test/unit_test.hpp>

#include "driver_support.hpp"

#include <boost/beast/core/error.hpp>
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/type_traits.hpp>
#include <boost/beast/http/write.hpp>

#include <limits>
#include <string>
#include <utility>

using namespace tarexport;
using namespace driver_tests;
namespace http = boost::beast::http;
namespace asio = boost::asio;

namespace {

using body = archive_body<test_handle>;

static_assert(http::is_body<body>::value);
static_assert(http::is_body_writer<body>::value);
static_assert(http::is_mutable_body_writer<body>::value);
static_assert(!http::is_body_reader<body>::value);

// What a connection is that takes a few bytes at a time.
struct text_connection {
    template<class Buffers>
    std::size_t write_some(Buffers const& buffers, error_code& ec)
    {
        ec = {};
        std::size_t n = 0;
        for(auto i = asio::buffer_sequence_begin(buffers); i != asio::buffer_sequence_end(buffers); ++i) {
            asio::const_buffer const b(*i);
            auto const some = std::min(b.size(), limit - n);
            text.append(static_cast<char const*>(b.data()), some);
            n += some;
        }
        return n;
    }

    template<class Buffers>
    std::size_t write_some(Buffers const& buffers)
    {
        error_code ec;
        return write_some(buffers, ec);
    }

    std::size_t limit = std::numeric_limits<std::size_t>::max();
    std::string text;
};

http::response<body> response_of(archive const& a, write_options const& options = {})
{
    http::response<body> r(http::status::ok, 11, archive_reader(a.contents, std::span<test_handle const>(a.leases), options));
    r.prepare_payload();
    return r;
}

std::string body_of(std::string const& text)
{
    auto const end = text.find("\r\n\r\n");
    return end == std::string::npos ? "no body" : text.substr(end + 4);
}

} // namespace

BOOST_AUTO_TEST_CASE(the_body_is_the_archive_and_its_length_is_known)
{
    for(auto const& list : lists)
        for(std::size_t limit : {1u, 513u, 100000u}) {
            behaviour how;
            archive const a(list, how);
            text_connection c;
            c.limit = limit;
            auto r = response_of(a);
            BOOST_TEST(r[http::field::content_length] == std::to_string(a.bytes.size()));
            error_code ec;
            http::write(c, r, ec);
            BOOST_TEST(!ec.failed());
            BOOST_TEST((body_of(c.text) == a.bytes));
            BOOST_TEST(r.body().report().ok());
        }
    BOOST_TEST(nothing_held());
}

BOOST_AUTO_TEST_CASE(a_range_is_a_body)
{
    behaviour how;
    archive const a(lists[0], how);
    for(byte_range range : {byte_range{0, 1}, byte_range{700, 2000}, byte_range{512, 512}, byte_range{3000, a.bytes.size()}}) {
        write_options options;
        options.range = range;
        text_connection c;
        auto r = response_of(a, options);
        BOOST_TEST(r[http::field::content_length] == std::to_string(range.last - range.first));
        error_code ec;
        http::write(c, r, ec);
        BOOST_TEST(!ec.failed());
        BOOST_TEST((body_of(c.text) == a.bytes.substr(range.first, range.last - range.first)));
    }
    write_options beyond;
    beyond.range = {0, a.bytes.size() + 1};
    text_connection c;
    auto r = response_of(a, beyond);
    error_code ec;
    http::write(c, r, ec);
    BOOST_TEST(ec == error::range_out_of_bounds);
    BOOST_TEST(c.text.empty());
}

BOOST_AUTO_TEST_CASE(where_a_layer_fails_the_message_does)
{
    for(std::size_t n = 1;; ++n) {
        behaviour how;
        how.fail_at = n;
        archive const a(lists[0], how);
        text_connection c;
        auto r = response_of(a);
        error_code ec;
        http::write(c, r, ec);
        if(how.calls < n) {
            BOOST_TEST(!ec.failed());
            break;
        }
        BOOST_TEST(ec.failed());
        BOOST_TEST(ec == r.body().reason().code);
        BOOST_TEST(!r.body().reason().subject.empty());
        BOOST_TEST(!r.body().report().ok());
        BOOST_TEST(body_of(c.text).size() < a.bytes.size());
    }
}
