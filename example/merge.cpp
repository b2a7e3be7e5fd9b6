// Merges a thin archive and its base into merged.tar, which is what a whole save would have written.
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/have.hpp>
#include <tarexport/saver.hpp>
#include <tarexport/sink/file.hpp>
#include <tarexport/store/archive.hpp>
#include <tarexport/store/joined.hpp>
#include <tarexport/store/oci_layout.hpp>

#include <iostream>
#include <vector>

namespace {

// Saves an image of the sample store to a file. Returns the archive's identity.
tarexport::digest save(char const* name, char const* file, tarexport::save_options const& options = {})
{
    tarexport::oci_layout_store const store(TAREXPORT_IMAGES);
    tarexport::file_sink out(file);
    return tarexport::save(store, tarexport::names(name), out, options).etag;
}

} // namespace

int main()
try {
    save("hello:1.0", "base.tar");
    auto const whole = save("greeting:1.0", "whole.tar");
    //[merge
    tarexport::save_options options;
    options.have = tarexport::known_layers(tarexport::archive_store("base.tar")).value();
    save("greeting:1.0", "thin.tar", options);

    std::vector<tarexport::archive_store> archives;
    archives.emplace_back("thin.tar");
    archives.emplace_back("base.tar");
    tarexport::joined_store const all(std::move(archives));
    tarexport::file_sink out("merged.tar");
    auto const report = tarexport::save(all, tarexport::names("greeting:1.0"), out);
    //]
    std::cout << "merged.tar " << (report.etag == whole ? "is" : "is not") << " what a whole save writes\n";
    return report.etag == whole ? 0 : 1;
}
catch(tarexport::save_error const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
