// expect first: incremental_layout: what `begin_plan\(\)` returns needs `result<plan> finish\(\) &&`
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A layout that takes images one by one, and cannot fail in the end.

#include "own_store.hpp"

namespace own {

struct own_layout {
    struct archive {
        result<void> add(selection) { return {}; }
#ifdef FIXED
        result<plan> finish() && { return plan(); }
#else
        plan finish() && { return {}; }
#endif
    };

    archive begin_plan() const { return {}; }
    result<plan> lay_out(std::vector<selection>) const { return plan(); }
};

} // namespace own

int main()
{
    own::use_policy<own::policy_with<own::own_layout>>();
}
