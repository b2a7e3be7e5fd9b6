// expect first: saver_policy: `threads` is called with a `std::function<void\(\)>`, which it runs in another thread
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A policy whose threads are a number.

#include "own_store.hpp"

namespace own {

struct policy : tarexport::default_policy {
#ifdef FIXED
    void (*threads)(std::function<void()>) = [](std::function<void()> work) { work(); };
#else
    int threads = 4;
#endif
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
