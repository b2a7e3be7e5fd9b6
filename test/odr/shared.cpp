//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A shared library with hidden symbols has a category object of its own; its id makes it equal to the others.

#include "odr.hpp"

said say_shared()
{
    return say();
}
