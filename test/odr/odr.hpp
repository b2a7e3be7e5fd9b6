//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Every header, twice, then what the translation units of this test say about the same things.

#ifndef TAREXPORT_TEST_ODR_HPP
#define TAREXPORT_TEST_ODR_HPP

#include "everything.hpp"

struct said {
    boost::system::error_category const* category;
    tarexport::error_code code;
    tarexport::error_condition condition;
};

inline said say()
{
    return {&tarexport::tarexport_category(), tarexport::error::digest_mismatch,
        make_error_condition(tarexport::condition::corrupt_store)};
}

said say_two();

__attribute__((visibility("default"))) said say_shared();

#endif
