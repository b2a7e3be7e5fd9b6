// expect: names: write `names\(.*app:1.0.*\)`, or `names::of` with several, for what to save
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A text where names are to be.

#include "own_store.hpp"

namespace own {

struct own_sink {
    std::size_t write_some(bytes_view bytes, error_code&) { return bytes.size(); }
};

struct own_store : images, references, layers<handle> {};

} // namespace own

int main()
{
    own::own_store const store{};
    own::own_sink out;
#ifdef FIXED
    tarexport::save(store, tarexport::names("app:1.0"), out);
#else
    tarexport::save(store, "app:1.0", out);
#endif
}
