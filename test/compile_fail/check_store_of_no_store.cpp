// expect first: layer_store: write `result<Handle> layer\(image const&, std::size_t n\) const`
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A store is checked that has no layers.

#include "own_store.hpp"

#include <tarexport/testing/store.hpp>

namespace own {

#ifdef FIXED
struct own_store : images, references, layers<handle> {};
#else
struct own_store : images, references {};
#endif

} // namespace own

int main()
{
    own::own_store const store{};
    return static_cast<int>(tarexport::testing::check_store(store, {}).size());
}
