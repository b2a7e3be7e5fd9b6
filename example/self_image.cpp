// Writes self.tar, an image of this very program, and prints how to run it.
// link: static
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A program that is linked statically needs nothing but itself: its image has one layer with one file.

#include <tarexport.hpp>
#include <tarexport/tar_builder.hpp>

#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>

int main(int argc, char** argv)
try {
    if(argc > 1 && argv[1] == std::string_view("--inside")) {
        std::cout << "Hello from the image that I made of myself.\n";
        return 0;
    }

    std::ifstream self("/proc/self/exe", std::ios::binary);
    std::string const program{std::istreambuf_iterator<char>(self), {}};
    if(program.empty())
        throw tarexport::save_error({make_error_code(boost::system::errc::io_error), "/proc/self/exe", {}});

    //[self
    tarexport::memory_store store;
    auto const layer = store.add_layer(tarexport::tar_builder().add_executable("/self", program).finish().value());

    tarexport::image_config config;
    config.entrypoint = {"/self", "--inside"};
    config.labels = {{"org.opencontainers.image.title", "self"}};
    store.add_image(config, {layer}, {"self:latest"}).value();

    tarexport::file_sink out("self.tar");
    auto const report = tarexport::save(store, tarexport::names("self:latest"), out);
    //]

    std::cout << "self.tar: " << report.bytes << " bytes\n"
              << "docker load < self.tar && docker run --rm self\n";
}
catch(tarexport::save_error const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
