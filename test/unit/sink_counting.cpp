//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/sink/counting.hpp>

#define BOOST_TEST_MODULE sink_counting
#include <boost/test/unit_test.hpp>

using namespace tarexport;

BOOST_AUTO_TEST_CASE(counts_bytes_and_pieces)
{
    counting_sink k;
    BOOST_TEST(k.bytes() == 0u);
    error_code ec = error::cancelled;
    BOOST_TEST(k.write_some(to_bytes("abc"), ec) == 3u);
    BOOST_TEST(!ec.failed());
    bytes_view const pieces[] = {to_bytes("a"), to_bytes("bc"), to_bytes("defg")};
    BOOST_TEST(k.write_some(pieces, ec) == 7u);
    BOOST_TEST(k.bytes() == 10u);
}

BOOST_AUTO_TEST_CASE(has_no_commit_and_copies_nothing)
{
    static_assert(!committing_sink<counting_sink> && !extent_sink<counting_sink>);
    BOOST_TEST(counting_sink().bytes() == 0u);
}
