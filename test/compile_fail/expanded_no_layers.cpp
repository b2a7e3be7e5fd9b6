// expect first: layer_store: write `result<Handle> layer\(image const&, std::size_t n\) const`
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A store without layers, to be expanded.

#include "own_store.hpp"

#include <tarexport/store/expanded.hpp>

namespace own {

struct own_store
    : images
    , references
#ifdef FIXED
    , layers<handle>
#endif
{
};

} // namespace own

int main()
{
    own::own_store const store{};
    tarexport::memory_sink out;
    tarexport::save(tarexport::expanded(store), tarexport::names("app:1.0"), out);
}
