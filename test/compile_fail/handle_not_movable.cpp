// expect: layer_handle: must be movable and move-assignable \(no reference or const members\)
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A handle with a const member.

#include "own_store.hpp"

namespace own {

struct own_handle {
    descriptor const& info() const { return about; }
    result<source> open(std::uint64_t) const { return source{}; }

#ifdef FIXED
    descriptor about;
#else
    descriptor const about;
#endif
};

struct own_store : images, references, layers<own_handle> {};

} // namespace own

int main()
{
    own::use<own::own_store>();
}
