// expect first: layout_policy: write `result<plan> lay_out\(std::vector<selection>\) const`
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A layout that cannot fail.

#include "own_store.hpp"

namespace own {

struct own_layout {
#ifdef FIXED
    result<plan> lay_out(std::vector<selection>) const { return plan(); }
#else
    plan lay_out(std::vector<selection>) const { return {}; }
#endif
};

} // namespace own

int main()
{
    own::use_policy<own::policy_with<own::own_layout>>();
}
