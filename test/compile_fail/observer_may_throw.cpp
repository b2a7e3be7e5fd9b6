// expect first: observer: write `void operator\(\)\(event const&\) noexcept`
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// An observer that might throw.

#include "own_store.hpp"

namespace own {

struct watcher {
#ifdef FIXED
    void operator()(event const&) noexcept {}
#else
    void operator()(event const&) {}
#endif
};

struct policy {
    docker_layout layout;
    using hashes = hash_set<sha256>;
    watcher observer;
};

} // namespace own

int main()
{
    own::use_policy<own::policy>();
}
