// expect: layer_store: write `result<Handle> layer\(image const&, std::size_t n\) const`
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// layer() that is not const.

#include "own_store.hpp"

namespace own {

struct own_store : images, references {
#ifdef FIXED
    result<handle> layer(image const&, std::size_t) const
#else
    result<handle> layer(image const&, std::size_t)
#endif
    {
        return handle{};
    }
};

} // namespace own

int main()
{
    own::use<own::own_store>();
}
