//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A program of a user's: saves an image of a store of its own making, as far as that store goes.

#include <tarexport.hpp>

#include <iostream>

int main()
{
    tarexport::memory_store const store;
    tarexport::memory_sink out;
    try {
        tarexport::save(store, tarexport::names("app:1.0"), out);
    }
    catch(tarexport::save_error const& e) {
        std::cout << e.what() << '\n';
        return e.code() == tarexport::condition::not_found ? 0 : 1;
    }
    std::cerr << "an empty store has an image\n";
    return 1;
}
