//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/parent_links.hpp>

#define BOOST_TEST_MODULE parent_links
#include <boost/test/unit_test.hpp>

#include <tarexport/hash.hpp>

#include <optional>
#include <vector>

namespace tx = tarexport;

namespace {

tx::digest const a = tx::digest_of("a"), b = tx::digest_of("b"), c = tx::digest_of("c");

std::vector<std::optional<tx::digest>> parents(std::vector<tx::parent_link> const& links)
{
    std::vector<std::optional<tx::digest>> all;
    for(auto const& l : tx::validated_parent_links(links))
        all.push_back(l.parent);
    return all;
}

using several = std::vector<std::optional<tx::digest>>;

tx::history_entry step(char const* by, std::int64_t seconds, std::int32_t zone = 0)
{
    return {tx::timestamp{seconds, 0, zone}, by, {}, {}, false};
}

} // namespace

BOOST_AUTO_TEST_CASE(links_out_of_the_list_go)
{
    BOOST_TEST((parents({{a, b}, {b, c}}) == several{b, {}}));
    BOOST_TEST((parents({{b, {}}, {a, b}}) == several{{}, b}), "in any order");
    BOOST_TEST(parents({}).empty());
}

BOOST_AUTO_TEST_CASE(links_to_oneself_go)
{
    BOOST_TEST((parents({{a, a}}) == several{{}}));
    BOOST_TEST((parents({{a, a}, {a, {}}}) == several{{}, {}}), "even if there are two");
}

BOOST_AUTO_TEST_CASE(cycles_stay)
{
    BOOST_TEST((parents({{a, b}, {b, a}}) == several{b, a}));
    BOOST_TEST((parents({{a, b}, {a, b}, {b, c}, {c, a}}) == several{b, b, c, a}));
}

BOOST_AUTO_TEST_CASE(many_links_take_linear_time)
{
    std::vector<tx::parent_link> chain{{tx::digest_of("0"), {}}};
    for(int i = 1; i != 20000; ++i)
        chain.push_back({tx::digest_of(std::to_string(i)), chain.back().id});
    BOOST_TEST((tx::validated_parent_links(chain) == chain));
}

BOOST_AUTO_TEST_CASE(a_child_has_one_step_more)
{
    std::vector const one{step("x", 1)}, two{step("x", 1), step("y", 2)}, three{step("x", 1), step("y", 2), step("z", 3)};
    BOOST_TEST(tx::is_valid_parent({}, {}));
    BOOST_TEST(tx::is_valid_parent(one, {}));
    BOOST_TEST(tx::is_valid_parent(two, one));
    BOOST_TEST(!tx::is_valid_parent(three, one));
    BOOST_TEST(!tx::is_valid_parent(one, one));
    BOOST_TEST(!tx::is_valid_parent(one, two));
    BOOST_TEST(!tx::is_valid_parent({}, one));
}

BOOST_AUTO_TEST_CASE(the_steps_must_be_the_same)
{
    auto const last = step("last", 9);
    auto const believes = [&](tx::history_entry const& mine, tx::history_entry const& theirs) {
        return tx::is_valid_parent(std::vector{mine, last}, std::vector{theirs});
    };
    auto const x = step("x", 1);
    BOOST_TEST(believes(x, step("x", 1, 3600)), "the zone does not matter");
    BOOST_TEST(!believes(x, step("x", 2)));
    BOOST_TEST(!believes(x, step("y", 1)));
    BOOST_TEST(!believes(x, {{}, "x", {}, {}, false}));
    BOOST_TEST(!believes({{}, "x", {}, {}, false}, x));
    BOOST_TEST(believes({{}, "x", {}, {}, false}, {{}, "x", {}, {}, false}));
    for(auto change : {+[](tx::history_entry& h) { h.author = "a"; }, +[](tx::history_entry& h) { h.comment = "c"; },
                       +[](tx::history_entry& h) { h.empty_layer = true; },
                       +[](tx::history_entry& h) { h.created->nanoseconds = 1; }}) {
        auto other = x;
        change(other);
        BOOST_TEST(!believes(x, other));
        BOOST_TEST(believes(other, other));
    }
}
