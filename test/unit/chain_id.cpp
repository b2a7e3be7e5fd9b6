//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/chain_id.hpp>

#define BOOST_TEST_MODULE chain_id
#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace tx = tarexport;

BOOST_AUTO_TEST_CASE(no_layers_no_chain) { BOOST_TEST(tx::chain_ids({}).empty()); }

BOOST_AUTO_TEST_CASE(the_bottom_layer_is_its_own_chain)
{
    std::vector<std::string> const ids{"anything"};
    BOOST_TEST(tx::chain_ids(ids) == ids, boost::test_tools::per_element());
    BOOST_TEST(tx::chain_id("", "anything") == "anything");
}

BOOST_AUTO_TEST_CASE(each_layer_hashes_the_chain_below)
{
    std::vector<std::string> const ids{"sha256:a", "sha256:b", "sha256:b"};
    auto const chain = tx::chain_ids(ids);
    BOOST_REQUIRE(chain.size() == 3u);
    BOOST_TEST(chain[1] == tx::digest_of("sha256:a sha256:b").str());
    BOOST_TEST(chain[2] == tx::digest_of(chain[1] + " sha256:b").str());
    BOOST_TEST(tx::chain_id(chain[1], ids[2]) == chain[2]);
}

BOOST_AUTO_TEST_CASE(the_engine_skips_an_empty_bottom)
{
    std::vector<std::string> const ids{"", "sha256:b"};
    BOOST_TEST(tx::chain_ids(ids)[1] == tx::digest_of(" sha256:b").str());
    BOOST_TEST(tx::chain_id(tx::chain_id("", ""), "sha256:b") == "sha256:b");
}
