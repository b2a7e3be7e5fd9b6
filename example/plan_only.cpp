// Prints what would be in an archive: every entry with its offset and size, the total, the etag. Reads no layer.
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//


#include <tarexport.hpp>

#include <iostream>

int main(int argc, char** argv)
try {
    tarexport::oci_layout_store const store(argc > 1 ? argv[1] : TAREXPORT_IMAGES);

    //[plan
    tarexport::saver saver(store);
    tarexport::plan const plan = saver.make_plan(tarexport::names("hello")).value(); // every tag of hello

    std::cout << "Content-Length: " << plan.size() << "\n"
              << "ETag: \"" << plan.etag() << "\"\n\n"
              << to_table(plan);
    //]

    // A plan is a value: the same request gives an equal one, here and on any other machine.
    if(saver.make_plan(tarexport::names::of("hello:1.0", "hello:latest")).value() != plan) {
        std::cerr << "two plans of the same archive differ\n";
        return 1;
    }

    // What cannot be saved is known before the first byte.
    auto const refused = saver.make_plan(tarexport::names("hello:2.0"));
    std::cout << "\nhello:2.0 would fail:\n" << message(refused.error()) << '\n';
}
catch(tarexport::save_error const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
