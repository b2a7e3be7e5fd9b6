// expect: layer_handle: write `descriptor const& info\(\) const`
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A handle that does not tell its digest and size.

#include "own_store.hpp"

namespace own {

struct own_handle {
#ifdef FIXED
    descriptor const& info() const { return about; }
#endif
    result<source> open(std::uint64_t) const { return source{}; }

    descriptor about;
};

struct own_store : images, references, layers<own_handle> {};

} // namespace own

int main()
{
    own::use<own::own_store>();
}
