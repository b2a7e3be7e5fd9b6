//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Chain IDs, as the OCI specification and as the engine compute them: chainid.json.

#include <tarexport/chain_id.hpp>

#include "vectors.hpp"

#include <string>
#include <vector>

namespace {

void test_chain_ids(vectors::json::object const& test, vectors::json::object const&)
{
    std::vector<std::string> diff_ids;
    for(auto const& d : test.at("diff_ids").as_array())
        diff_ids.emplace_back(d.as_string());
    auto const& expect = test.at("expect").as_object();
    auto const& want = expect.at("chain_ids").as_array();
    auto const got = tarexport::chain_ids(diff_ids);
    vectors::equal(got.size(), want.size(), "number of chain IDs");
    std::string chain;
    for(std::size_t i = 0; i != got.size(); ++i) {
        vectors::equal(got[i], std::string(want[i].as_string()), "chain ID " + std::to_string(i));
        chain = tarexport::chain_id(chain, diff_ids[i]);
    }
    vectors::equal(got.empty() ? std::string() : got.back(), vectors::text(expect, "chain_id"), "chain_id");
    vectors::equal(chain, vectors::text(expect, "moby_chain_id"), "moby_chain_id");
}

} // namespace

int main() { return vectors::run("chainid.json", {{"chain_ids", test_chain_ids}}); }
