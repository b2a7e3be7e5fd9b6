// Writes thin.tar: an image without the layers that the other side has.
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// They have hello:1.0, and are to get greeting:1.0, which stands on the same base layer.

#include <tarexport/have.hpp>
#include <tarexport/saver.hpp>
#include <tarexport/sink/file.hpp>
#include <tarexport/store/oci_layout.hpp>

#include <iostream>
#include <vector>

int main()
try {
    //[have
    tarexport::oci_layout_store const store(TAREXPORT_IMAGES);
    std::vector const theirs{store.lookup(tarexport::parse_reference("hello:1.0").value()).value()};

    // A list like this is what they would send: a line for each digest.
    auto const list = tarexport::render_digest_list(tarexport::known_layers(store, theirs).value());

    tarexport::save_options options;
    options.have = tarexport::parse_digest_list(list).value();
    tarexport::file_sink out("thin.tar");
    auto const report = tarexport::save(store, tarexport::names("greeting:1.0"), out, options);
    std::cout << report.bytes << " bytes, " << report.layers_left_out << " layer of " << report.bytes_left_out
              << " bytes left out\n";
    //]
    return report.layers_left_out == 1 ? 0 : 1;
}
catch(tarexport::save_error const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
