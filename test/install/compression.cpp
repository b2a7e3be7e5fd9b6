//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A program of a user's that reads what an engine has compressed; it is not there.

#include <tarexport/store/tar_split.hpp>

#include <iostream>

int main()
{
    auto const here = tarexport::shared_directory::open(".").value();
    auto const size = tarexport::tar_split_size({here, "tar-split.json.gz"});
    if(size) {
        std::cerr << "a record that is not there has a size\n";
        return 1;
    }
    std::cout << message(size.error()) << '\n';
    return size.error().code == boost::system::errc::no_such_file_or_directory ? 0 : 1;
}
