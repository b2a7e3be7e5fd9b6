//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include "../../example/engine/pieces.hpp"

#define BOOST_TEST_MODULE engine_pieces
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

using engine::pieces;
using tarexport::byte_range;

BOOST_AUTO_TEST_CASE(one_alone_gets_all)
{
    pieces p({100, 1'000'000'000}, 1);
    auto const all = p.take();
    BOOST_TEST_REQUIRE(all.has_value());
    BOOST_TEST(all->first == 100u);
    BOOST_TEST(all->last == 1'000'000'000u);
    BOOST_TEST(!p.take().has_value());
    p.came(all->last, 5);
    BOOST_TEST(p.prefix() == 105u);
    p.came(all->last, all->last - 105);
    BOOST_TEST(p.prefix() == all->last);
}

BOOST_AUTO_TEST_CASE(nothing_has_no_pieces)
{
    pieces p({7, 7}, 4);
    BOOST_TEST(!p.take().has_value());
    BOOST_TEST(p.prefix() == 7u);
}

BOOST_AUTO_TEST_CASE(the_prefix_ends_at_the_first_hole)
{
    pieces p({0, 4 * pieces::least}, 8);
    auto const a = *p.take(), b = *p.take(), c = *p.take();
    p.came(b.last, pieces::least);
    p.came(c.last, 10);
    BOOST_TEST(p.prefix() == 0u);
    p.came(a.last, 1);
    BOOST_TEST(p.prefix() == 1u);
    p.came(a.last, pieces::least - 1);
    BOOST_TEST(p.prefix() == c.first + 10);
}

BOOST_AUTO_TEST_CASE(what_is_given_back_comes_first)
{
    pieces p({0, 3 * pieces::least}, 8);
    auto const a = *p.take();
    auto const b = *p.take();
    p.came(a.last, 3);
    p.give_back(b.last);
    p.give_back(a.last);
    auto const again = *p.take();
    BOOST_TEST(again.first == 3u);
    BOOST_TEST(again.last == a.last);
    BOOST_TEST(p.take()->first == b.first);
    BOOST_TEST(p.take()->first == b.last);
    BOOST_TEST(!p.take().has_value());
}

// Against a map of the bytes.
BOOST_AUTO_TEST_CASE(each_byte_comes_once)
{
    std::mt19937 chance(1);
    for(std::uint64_t const size : {std::uint64_t{1}, pieces::least - 1, pieces::least, pieces::least + 1, 10 * pieces::least + 17})
        for(std::size_t const getters : {1u, 2u, 3u, 64u}) {
            std::uint64_t const first = chance() % 1000;
            pieces p({first, first + size}, getters);
            std::vector<char> came(size);
            std::vector<byte_range> open;
            auto const hole = [&] { return first + static_cast<std::uint64_t>(std::find(came.begin(), came.end(), 0) - came.begin()); };
            for(;;) {
                if(open.empty() || (open.size() < getters && chance() % 2 == 0)) {
                    if(auto const piece = p.take())
                        open.push_back(*piece);
                    else if(open.empty())
                        break;
                }
                if(open.empty())
                    continue;
                auto& mine = open[chance() % open.size()];
                auto const n = 1 + chance() % (mine.last - mine.first);
                for(auto at = mine.first; at != mine.first + n; ++at)
                    BOOST_REQUIRE(came[at - first]++ == 0);
                mine.first += n;
                p.came(mine.last, n);
                BOOST_REQUIRE(p.prefix() == hole());
                if(mine.first == mine.last || chance() % 4 == 0) {
                    p.give_back(mine.last);
                    open.erase(open.begin() + (&mine - open.data()));
                }
            }
            BOOST_TEST(p.prefix() == first + size);
        }
}
