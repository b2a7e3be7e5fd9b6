// Prints an archive of two images. Pipe it: save_to_stdout | docker load
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A pipe needs no file, and no place for one. What the program has to say besides goes to standard error.

#include <tarexport.hpp>
#include <tarexport/sink/fd.hpp>

#include <iostream>

#include <unistd.h>

int main(int argc, char** argv)
{
    if(::isatty(STDOUT_FILENO)) {
        std::cerr << "An archive is nothing for a terminal: pipe it into tar -tvf - or docker load.\n";
        return 2;
    }
    try {
        tarexport::oci_layout_store const store(argc > 1 ? argv[1] : TAREXPORT_IMAGES);
        tarexport::fd_sink out(STDOUT_FILENO);

        // Two images, of which one gets another name. The layer that they share is in the archive once.
        auto const requested = tarexport::names::of("hello:1.0", "greeting:1.0=registry.example/team/greeting:stable");

        auto const report = tarexport::save(store, requested, out);
        std::cerr << report.bytes << " bytes, " << report.layers_verified << " layers verified\n";
    }
    catch(tarexport::save_error const& e) {
        // What has been written stops inside an entry then: whoever reads the pipe notices, too.
        std::cerr << e.what() << '\n';
        return 1;
    }
}
