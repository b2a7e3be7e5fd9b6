// expect: image_store: write `result<image> load\(digest const& id\) const`
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A store that loads no image.

#include "own_store.hpp"

namespace own {

struct own_images {
#ifdef FIXED
    result<image> load(digest const& id) const { return failure{error::unknown_image, id.str(), {}}; }
#endif
    result<digest> search(std::string_view) const { return failure{error::unknown_image, {}, {}}; }
};

struct own_store : own_images, references, layers<handle> {};

} // namespace own

int main()
{
    own::use<own::own_store>();
}
