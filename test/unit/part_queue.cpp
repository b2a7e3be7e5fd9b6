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

// What a worker has taken: a part, and perhaps a second one.
struct taken {
    explicit taken(queue& q) : from(q), first(q.take(begin))
    {
        if(first.in_pair)
            second = q.take_second(begin);
    }

    // Writes a portion of each, or the first to its end; and gives them back.
    void write()
    {
        if(first.to_end)
            first.task->rest = 0;
        for(auto* const s : {&first, &second}) {
            if(s->task)
                s->task->write();
            from.give_back(std::move(*s));
        }
    }

    queue& from;
    queue::share first, second;
};

std::vector<byte_range> const four{{0, 40}, {40, 70}, {70, 90}, {90, 100}};

} // namespace

BOOST_AUTO_TEST_CASE(in_one_piece_the_largest_is_the_next)
{
    queue q(four, false, 4);
    q.enter();
    for(auto const& part : four) {
        taken t(q);
        BOOST_REQUIRE(t.first.task);
        BOOST_TEST((t.first.task->part == part));
        BOOST_TEST(t.first.to_end);
        BOOST_TEST(!t.second.task);
        t.write();
    }
    BOOST_TEST(!taken(q).first.task);
}

BOOST_AUTO_TEST_CASE(in_portions_those_are_next_of_which_most_is_left)
{
    queue q({{0, 40}, {40, 70}, {70, 100}, {100, 120}}, true, 4);
    q.enter();
    std::vector<std::uint64_t> seen;
    for(;;) {
        taken t(q);
        if(!t.first.task)
            break;
        BOOST_TEST((t.first.to_end ? !t.second.task : !!t.second.task));
        seen.push_back(t.first.left);
        if(t.second.task)
            seen.push_back(t.second.left);
        t.write();
    }
    // 40 30 30 20, 30 20 30 20, 20 20 20 20, 10 10 20 20, 10 10 10 10, 10 10, and the last one to its end
    std::vector<std::uint64_t> const expected{40, 30, 30, 30, 20, 20, 20, 20, 10, 10, 10, 10};
    BOOST_TEST(seen == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_too_large_is_taken_alone)
{
    queue q({{0, 100}, {100, 110}, {110, 120}, {120, 130}}, true, 4);
    q.enter();
    for(int i = 0; i != 7; ++i) {
        taken t(q);
        BOOST_TEST(t.first.left == 100u - 10u * static_cast<unsigned>(i));
        BOOST_TEST((!t.first.to_end && !t.second.task));
        t.write();
    }
    taken t(q); // 30 of 60
    BOOST_TEST(t.first.left == 30u);
    BOOST_TEST(t.second.left == 10u);
}

BOOST_AUTO_TEST_CASE(three_of_one_size_are_a_pair_and_one)
{
    queue q({{0, 30}, {30, 60}, {60, 90}}, true, 8);
    q.enter();
    q.enter();
    taken pair(q), alone(q);
    BOOST_TEST((pair.first.task && pair.second.task && alone.first.task && !alone.second.task));
    BOOST_TEST((!alone.first.to_end && !pair.first.to_end));
}

BOOST_AUTO_TEST_CASE(nobody_has_two_while_another_has_none)
{
    queue q({{0, 50}, {50, 100}}, true, 8);
    q.enter();
    taken both(q);
    BOOST_TEST((both.first.task && both.second.task));
    q.enter();
    auto other = std::async(std::launch::async, [&] { return q.take(begin); });
    both.write();
    auto mine = q.take(begin);
    auto others = other.get();
    BOOST_REQUIRE((mine.task && others.task));
    BOOST_TEST((mine.to_end && !mine.in_pair));
    BOOST_TEST(mine.task->number != others.task->number);
    // Who is out of work leaves while the other goes on.
    others.task->rest = 0;
    q.give_back(std::move(others));
    BOOST_TEST(!q.take(begin).task);
    mine.task->rest = 0;
    q.give_back(std::move(mine));
    BOOST_TEST(!q.take(begin).task);
}

BOOST_AUTO_TEST_CASE(no_more_begin_than_may)
{
    queue q(four, true, 3);
    q.enter();
    std::set<std::size_t> numbers;
    std::set<std::uint64_t> parts;
    for(;;) {
        taken t(q);
        if(!t.first.task)
            break;
        for(auto const* const s : {&t.first, &t.second})
            if(s->task) {
                BOOST_TEST(s->task->number < 3u);
                numbers.insert(s->task->number);
                parts.insert(s->task->part.first);
            }
        t.write();
    }
    BOOST_TEST(numbers.size() == 3u);
    BOOST_TEST(parts.size() == 4u);
}

BOOST_AUTO_TEST_CASE(what_has_begun_ends_where_no_more_may_begin)
{
    queue q({{0, 40}, {40, 80}, {80, 90}, {90, 100}}, true, 8);
    q.enter();
    taken t(q);
    BOOST_REQUIRE((t.first.task && t.second.task));
    q.begin_no_more();
    t.write();
    std::size_t portions = 0;
    for(auto s = q.take(begin); s.task; s = q.take(begin), ++portions) {
        BOOST_TEST(s.task->part.first < 80u);
        s.task->write();
        q.give_back(std::move(s));
    }
    BOOST_TEST(portions == 6u);
}

BOOST_AUTO_TEST_CASE(nothing_goes_on_where_all_is_given_up)
{
    queue q(four, true, 1);
    q.enter();
    q.enter();
    auto s = q.take(begin);
    auto other = std::async(std::launch::async, [&] { return q.take(begin); });
    q.give_up();
    BOOST_TEST(!other.get().task);
    BOOST_TEST(!q.take_second(begin).task);
    q.give_back(std::move(s));
    BOOST_TEST(!q.take(begin).task);
}
