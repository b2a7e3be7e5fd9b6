//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Who takes which part of an archive, and when a worker is told that there is nothing left.

#include <tarexport/detail/part_queue.hpp>

#define BOOST_TEST_MODULE part_queue
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

namespace {

using namespace tarexport;

// A part of which portions of 10 bytes are written.
struct task {
    std::uint64_t left() const { return rest; }
    bool ended() const { return rest == 0; }
    void write() { rest -= std::min<std::uint64_t>(rest, 10); }

    std::size_t number;
    byte_range part;
    std::uint64_t rest;
};

using queue = detail::part_queue<task>;

std::unique_ptr<task> begin(byte_range part, std::size_t number) { return std::make_unique<task>(task{number, part, part.size()}); }

void write(queue::share& s)
{
    s.first->write();
    if(s.second)
        s.second->write();
}

std::vector<byte_range> const four{{0, 40}, {40, 70}, {70, 90}, {90, 100}};

} // namespace

BOOST_AUTO_TEST_CASE(in_one_piece_the_largest_is_the_next)
{
    queue q(four, false, 4);
    q.enter();
    for(auto const& part : four) {
        auto s = q.take(begin);
        BOOST_REQUIRE(s.first);
        BOOST_TEST((s.first->part == part));
        BOOST_TEST(s.to_end);
        BOOST_TEST(!s.second);
        s.first->rest = 0;
        q.give_back(std::move(s));
    }
    BOOST_TEST(!q.take(begin).first);
}

BOOST_AUTO_TEST_CASE(in_portions_those_are_next_of_which_most_is_left)
{
    queue q(four, true, 4);
    q.enter();
    std::vector<std::uint64_t> seen;
    for(auto s = q.take(begin); s.first; s = q.take(begin)) {
        BOOST_TEST(s.to_end == !s.second);
        seen.push_back(s.first->part.first);
        if(s.second)
            seen.push_back(s.second->part.first);
        if(s.to_end)
            s.first->rest = 0;
        else
            write(s);
        q.give_back(std::move(s));
    }
    // 40 30 20 10, 30 20 20 10, 20 20 10 10, 10 10 10 10, ..
    std::vector<std::uint64_t> const first{0, 40, 0, 40};
    BOOST_TEST(std::vector(seen.begin(), seen.begin() + 4) == first, boost::test_tools::per_element());
    BOOST_TEST(seen.size() == 10u);
}

BOOST_AUTO_TEST_CASE(nobody_has_two_while_another_has_none)
{
    queue q({{0, 50}, {50, 100}}, true, 8);
    q.enter();
    auto both = q.take(begin);
    BOOST_TEST((both.first && both.second && !both.to_end));
    q.enter();
    auto other = std::async(std::launch::async, [&] { return q.take(begin); });
    write(both);
    q.give_back(std::move(both));
    auto mine = q.take(begin);
    auto others = other.get();
    BOOST_REQUIRE((mine.first && others.first));
    BOOST_TEST((mine.to_end && !mine.second));
    BOOST_TEST(mine.first->number != others.first->number);
    // Who is out of work leaves while the other goes on.
    others.first->rest = 0;
    q.give_back(std::move(others));
    BOOST_TEST(!q.take(begin).first);
    mine.first->rest = 0;
    q.give_back(std::move(mine));
    BOOST_TEST(!q.take(begin).first);
}

BOOST_AUTO_TEST_CASE(no_more_begin_than_may)
{
    queue q(four, true, 3);
    q.enter();
    std::set<std::size_t> numbers;
    std::size_t portions = 0;
    for(auto s = q.take(begin); s.first; s = q.take(begin), ++portions) {
        numbers.insert(s.first->number);
        if(s.second)
            numbers.insert(s.second->number);
        BOOST_TEST(numbers.size() <= 3u);
        s.to_end ? void(s.first->rest = 0) : write(s);
        q.give_back(std::move(s));
    }
    BOOST_TEST(numbers.size() == 3u);
    BOOST_TEST(portions >= 5u);
}

BOOST_AUTO_TEST_CASE(what_has_begun_ends_where_no_more_may_begin)
{
    queue q(four, true, 8);
    q.enter();
    auto s = q.take(begin);
    q.begin_no_more();
    write(s);
    q.give_back(std::move(s));
    s = q.take(begin);
    BOOST_REQUIRE((s.first && s.second));
    BOOST_TEST(s.first->part.first + s.second->part.first == 40u);
    s.first->rest = s.second->rest = 0;
    q.give_back(std::move(s));
    BOOST_TEST(!q.take(begin).first);
}

BOOST_AUTO_TEST_CASE(nothing_goes_on_where_all_is_given_up)
{
    queue q(four, true, 1);
    q.enter();
    q.enter();
    auto s = q.take(begin);
    auto other = std::async(std::launch::async, [&] { return q.take(begin); });
    q.give_up();
    BOOST_TEST(!other.get().first);
    q.give_back(std::move(s));
    BOOST_TEST(!q.take(begin).first);
}

BOOST_AUTO_TEST_CASE(what_cannot_begin_leaves_its_number)
{
    queue q(four, false, 1);
    q.enter();
    auto const fails = [](byte_range, std::size_t) -> std::unique_ptr<task> { throw std::runtime_error("no"); };
    BOOST_CHECK_THROW(q.take(fails), std::runtime_error);
    auto const s = q.take(begin);
    BOOST_REQUIRE(s.first);
    BOOST_TEST((s.first->part == four.front()));
}
