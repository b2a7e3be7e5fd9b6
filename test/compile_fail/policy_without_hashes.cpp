// expect first: saver_policy: write `using hashes = tarexport::hash_set<\.\.>`
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A policy that forgets the hashes.

#include "own_store.hpp"

namespace own {

struct policy {
    docker_layout layout;
#ifdef FIXED
    using hashes = hash_set<sha256>;
#endif
    no_observer observer;
};

struct own_store : images, references, layers<handle> {};

} // namespace own

int main()
{
    own::own_store const store{};
    tarexport::memory_sink out;
    tarexport::saver saver(store, own::policy{});
    saver.save(tarexport::names("app:1.0"), out);
}
