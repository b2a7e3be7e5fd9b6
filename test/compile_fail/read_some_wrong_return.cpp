// expect: layer_source: write `std::size_t read_some\(std::span<std::byte>, error_code&\)`
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// read_some() that returns an int.

#include "own_store.hpp"

namespace own {

struct own_source {
#ifdef FIXED
    std::size_t read_some(std::span<std::byte>, error_code&) { return 0; }
#else
    int read_some(std::span<std::byte>, error_code&) { return 0; }
#endif
};

struct own_store : images, references, layers<basic_handle<own_source>> {};

} // namespace own

int main()
{
    own::use<own::own_store>();
}
