// Prints what is wrong with an archive of images, and which engines load it: first of a good one, then of one with a flipped bit.
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// The archive is read once, from front to back, so that it could as well come through a pipe. Link Boost.Iostreams: layers are
// decompressed as they pass.

#include <tarexport.hpp>
#include <tarexport/verification_text.hpp>
#include <tarexport/verify.hpp>

#include <algorithm>
#include <cstring>
#include <iostream>
#include <span>
#include <string>
#include <string_view>

// Where the bytes come from: 1 to into.size() of them a call, 0 at the end.
struct text_source {
    std::string_view rest;

    std::size_t read_some(std::span<std::byte> into, tarexport::error_code&)
    {
        auto const n = std::min(into.size(), rest.size());
        std::memcpy(into.data(), rest.data(), n);
        rest.remove_prefix(n);
        return n;
    }
};

static bool verify(std::string_view archive)
{
    //[verify
    text_source source{archive}; // any layer_source: a file, a pipe
    auto const found = tarexport::verify_archive(source).value();
    std::cout << to_text(found) << '\n';
    return found.good();
    //]
}

int main()
try {
    tarexport::oci_layout_store const store(TAREXPORT_IMAGES);
    tarexport::memory_sink out;
    tarexport::save(store, tarexport::names("hello:1.0"), out);
    std::string archive(out.bytes());

    bool const good = verify(archive);
    auto const layer = archive.find("Hello from"); // what the image prints
    archive.at(layer) ^= 1;
    bool const bad = !verify(archive);
    return good && bad ? 0 : 1;
}
catch(std::exception const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
