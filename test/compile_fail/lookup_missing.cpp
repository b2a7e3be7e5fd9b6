// expect: reference_store: write `result<digest> lookup\(reference const&\) const`
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A store that finds no image by its name.

#include "own_store.hpp"

namespace own {

struct own_references {
#ifdef FIXED
    result<digest> lookup(reference const&) const { return failure{error::unknown_reference, {}, {}}; }
#endif
    result<std::vector<reference>> by_name(reference const&) const { return std::vector<reference>{}; }
};

struct own_store : images, own_references, layers<handle> {};

} // namespace own

int main()
{
    own::use<own::own_store>();
}
