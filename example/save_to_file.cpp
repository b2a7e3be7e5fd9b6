// Prints how large hello.tar is, which it writes: an image of the OCI layout in example/images.
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// hello.tar is there when it is whole, and not before. `example/run` does the same with the command-line tool.

//[program
#include <tarexport.hpp>
#include <iostream>

int main(int argc, char** argv)
try {
    std::string images = argc > 1 ? argv[1] : "/srv/images"; // an OCI image layout
    if(argc == 1) images = TAREXPORT_IMAGES; //-
    tarexport::oci_layout_store const store(images);
    tarexport::file_sink out("hello.tar");                   // hello.tar.part until it is whole
    auto const report = tarexport::save(store, tarexport::names("hello:1.0"), out);
    std::cout << report.bytes << " bytes, " << report.layers_verified << " layers verified\n";
}
catch(tarexport::save_error const& e) {
    std::cerr << e.what() << '\n'; // what failed, on what, and what to do about it
    return 1;
}
//]
