// expect: layer_handle: write `result<Source> open\(std::uint64_t offset\) const`
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// open() that always starts at the front.

#include "own_store.hpp"

namespace own {

struct own_handle {
    descriptor const& info() const { return about; }
#ifdef FIXED
    result<source> open(std::uint64_t) const { return source{}; }
#else
    result<source> open() const { return source{}; }
#endif

    descriptor about;
};

struct own_store : images, references, layers<own_handle> {};

} // namespace own

int main()
{
    own::use<own::own_store>();
}
