// expect: (deleted.*saver|saver.*deleted)
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A saver that would outlive its store.

#include "own_store.hpp"

namespace own {

struct own_store
    : images
    , references
    , layers<handle>
{
};

} // namespace own

int main()
{
#ifdef FIXED
    own::own_store const store{};
    tarexport::saver saver(store);
#else
    tarexport::saver saver(own::own_store{});
#endif
    static_cast<void>(saver.policy());
}
