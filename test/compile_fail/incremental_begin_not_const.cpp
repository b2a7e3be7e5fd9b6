// expect first: incremental_layout: write `begin_plan\(\) const`
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A layout that takes images one by one, and cannot be begun while it is constant.

#include "own_store.hpp"

namespace own {

struct own_layout {
    struct archive {
        result<void> add(selection) { return {}; }
        result<plan> finish() && { return plan(); }
    };

#ifdef FIXED
    archive begin_plan() const { return {}; }
#else
    archive begin_plan() { return {}; }
#endif
    result<plan> lay_out(std::vector<selection>) const { return plan(); }
};

} // namespace own

int main()
{
    own::use_policy<own::policy_with<own::own_layout>>();
}
