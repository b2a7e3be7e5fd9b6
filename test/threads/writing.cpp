//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Several threads write parts of one archive, whole parts or portions of them in turn; one of them fails.

#define BOOST_TEST_MODULE writing
#include <boost/test/unit_test.hpp>

#include "../unit/parallel_support.hpp"

#include <cstddef>
#include <tuple>

using namespace parallel;

using all_hashes = std::tuple<openssl, paired>;

BOOST_AUTO_TEST_CASE_TEMPLATE(parts_are_written_by_threads, Hashes, all_hashes)
{
    archive const a({5 * mega, 5 * mega + 7, 4 * mega, 6 * mega, 4 * mega});
    auto const whole = a.bytes();
    for(std::size_t const jobs : {2u, 3u, 5u}) {
        test_sink out;
        BOOST_TEST(a.save<Hashes>(out, with(jobs)).ok());
        BOOST_TEST((out.bytes == whole));
    }
    for(std::size_t const n : {1u, 20u, 60u, 90u}) {
        test_sink out;
        a.how.fail_at = a.how.calls + n;
        BOOST_TEST(!a.save<Hashes>(out, with(3)).ok());
        BOOST_TEST(out.aborts == 1);
        a.how.fail_at = 0;
    }
}
