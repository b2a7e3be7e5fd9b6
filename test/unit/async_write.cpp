//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/async_write.hpp>

#define BOOST_TEST_MODULE async_write
#include <boost/test/unit_test.hpp>

#include "async_support.hpp"

using namespace tarexport;
using namespace async_tests;

BOOST_AUTO_TEST_CASE(bytes_are_those_of_write_however_the_stream_takes_them)
{
    for(auto const& list : lists)
        for(std::size_t limit : {1u, 511u, 512u, 513u, 100000u})
            for(std::size_t buffer : {1u, 513u, 65536u}) {
                if(limit == 1 && buffer != 513)
                    continue;
                behaviour how;
                archive const a(list, how);
                write_options options;
                options.buffer_size = buffer;
                options.sum = true;
                run r(a);
                r.out.limit = limit;
                r.start(options);
                BOOST_TEST(r.completions == 0);
                r.finish();
                BOOST_TEST(r.completions == 1);
                BOOST_TEST(!r.code.failed());
                BOOST_TEST(r.report.ok());
                BOOST_TEST((r.out.bytes == a.bytes));
                BOOST_TEST((r.report.sum == digest_of(a.bytes)));
                BOOST_TEST(nothing_held());
            }
}
