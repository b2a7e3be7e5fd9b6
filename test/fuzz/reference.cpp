//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// What parses as a name parses again from its own text, to the same value.

#include <tarexport/platform.hpp>
#include <tarexport/reference.hpp>

#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace tarexport;

static void require(bool ok)
{
    if(!ok)
        std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    auto const r = parse_reference(text);
    require(r.has_value() == (check_reference(text) == reference_fault::none));
    if(r) {
        require(parse_canonical_reference(r->str()).value() == *r);
        require(parse_reference(r->familiar()).value() == *r);
    }
    (void)parse_image_name(text);
    (void)parse_any_reference(text);
    (void)parse_pull_reference(text);
    if(auto const d = parse_digest(text))
        require(d->str() == text);
    if(auto const p = parse_platform(text))
        require(parse_platform(format_all(*p)).has_value());
    return 0;
}
