//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/documents.hpp>

#define BOOST_TEST_MODULE manifest_json
#include <boost/test/unit_test.hpp>

#include <tarexport/hash.hpp>

#include <cstddef>
#include <string>
#include <vector>

using namespace tarexport;

namespace {

manifest_item item(std::size_t n)
{
    manifest_item i;
    i.config = "blobs/sha256/config" + std::to_string(n);
    if(n % 3 != 0)
        i.tags = {"app" + std::to_string(n) + ":<1>"};
    for(std::size_t l = 0; l != n % 40; ++l) {
        i.layers.push_back("blobs/sha256/" + std::to_string(l));
        descriptor d;
        d.media_type = media_type::oci_layer;
        d.id = digest_of(std::to_string(l));
        d.size = l;
        i.sources.try_emplace(d.id.str(), d);
    }
    return i;
}

} // namespace

BOOST_AUTO_TEST_CASE(nothing_is_an_empty_list)
{
    BOOST_TEST(render_manifest_json({}) == "[]\n");
}

BOOST_AUTO_TEST_CASE(a_long_list_is_its_items_with_commas)
{
    std::vector<manifest_item> items;
    std::string joined;
    for(std::size_t n = 0; n != 300; ++n) {
        items.push_back(item(n));
        auto const alone = render_manifest_json({&items.back(), 1});
        BOOST_TEST_REQUIRE(alone.substr(alone.size() - 2) == "]\n");
        joined += (n == 0 ? "[" : ",") + alone.substr(1, alone.size() - 3);
    }
    BOOST_TEST(joined.size() > 500'000u);
    BOOST_TEST((render_manifest_json(items) == joined + "]\n"));
}
