//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include "../../example/engine/accept_encoding.hpp"

#define BOOST_TEST_MODULE engine_accept_encoding
#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_CASE(gzip_is_for_those_who_want_it)
{
    for(auto const* const field : {"gzip", "GZip", "x-gzip", "*", " deflate , gzip ", "gzip;q=1", "gzip;q=1.000", "gzip;q=0.001", "gzip ; q=0.5",
            "gzip;Q=0.5", "gzip;q=1.", "*;q=0, gzip;q=0.1", "identity;q=0.5, gzip;q=0.5", "identity;q=0, *;q=0.1", ",gzip,,"})
        BOOST_TEST(engine::prefers_gzip(field), field);
}

BOOST_AUTO_TEST_CASE(gzip_is_not_for_those_who_refuse_it_or_like_something_else_better)
{
    for(auto const* const field : {"", " ", ",", "deflate", "gzipped", "gzip;q=0", "gzip;q=0.", "gzip;q=0.000", "*;q=0", "gzip;q=0, *", "identity", "gzip;q=0.5, identity",
            "gzip;q=0.5, identity;q=0.501", "identity, *;q=0.9", "q=1", ";q=1"})
        BOOST_TEST(!engine::prefers_gzip(field), field);
}

BOOST_AUTO_TEST_CASE(a_weight_that_is_none_refuses)
{
    for(auto const* const field : {"gzip;", "gzip;q", "gzip;q=", "gzip;q=2", "gzip;q=1.001", "gzip;q=0.5000", "gzip;q=-1", "gzip;q=.5", "gzip;q=0.5x", "gzip;q=01",
            "gzip;q=0.5;q=0.5", "gzip;level=9", "gzip q=1;", "gzip, br;q=x"})
        BOOST_TEST(!engine::prefers_gzip(field), field);
}
