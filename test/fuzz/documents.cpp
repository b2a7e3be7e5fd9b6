//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Whatever text is given as a config, manifest or index, reading ends; a config that is read has v1 IDs or is refused.

#include <tarexport/image.hpp>
#include <tarexport/oci_documents.hpp>
#include <tarexport/v1.hpp>

#include <cstdint>
#include <string>
#include <string_view>

using namespace tarexport;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    if(auto const read = parse_image(std::string(text), digest_of(text))) {
        (void)check_image(*read);
        (void)v1_images(*read);
    }
    (void)parse_manifest(text, "fuzz");
    (void)parse_index(text, "fuzz");
    (void)detail::check_json(text, {});
    return 0;
}
