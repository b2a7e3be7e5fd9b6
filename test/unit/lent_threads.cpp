//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A save in threads that somebody lends makes none, writes the same bytes whenever they come, and leaves nothing with them.

#include <tarexport/thread_lender.hpp>

#define BOOST_TEST_MODULE lent_threads
#include <boost/test/unit_test.hpp>

#include <tarexport/saver.hpp>
#include <tarexport/sink/memory.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include "many_images.hpp"
#include "parallel_support.hpp"

#include <functional>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

using namespace parallel;

BOOST_AUTO_TEST_CASE(an_executor_may_lend_its_threads)
{
    archive const a({6 * mega, 6 * mega, 6 * mega, 6 * mega, 6 * mega, 6 * mega});
    auto const whole = a.bytes();
    boost::asio::thread_pool pool(3);
    a.how.meet = 3;
    test_sink out;
    std::size_t asked = 0;
    auto const lend = [&](std::function<void()> work) {
        ++asked;
        boost::asio::post(pool, std::move(work));
    };
    auto const report = a.save_in(lend, out, with(3));
    BOOST_TEST(report.ok());
    BOOST_TEST(report.layers_verified == 6);
    BOOST_TEST((out.bytes == whole));
    BOOST_TEST(asked == 2u);
    BOOST_TEST(out.threads.size() == 3u);
    BOOST_TEST(out.threads.contains(std::this_thread::get_id()));
    BOOST_TEST(a.how.most_alive == 3);
    pool.join();
}

BOOST_AUTO_TEST_CASE(lent_threads_hash_in_pairs)
{
    archive const a({6 * mega, 6 * mega, 6 * mega, 6 * mega, 6 * mega, 6 * mega});
    auto const whole = a.bytes();
    boost::asio::thread_pool pool(2);
    sha256_in_pairs::in_pairs = 0;
    test_sink out;
    auto const lend = [&](std::function<void()> work) { boost::asio::post(pool, std::move(work)); };
    auto const report = a.save_in<paired>(lend, out, with(3));
    BOOST_TEST(report.ok());
    BOOST_TEST((out.bytes == whole));
    BOOST_TEST(sha256_in_pairs::in_pairs > 0u);
    pool.join();
}

BOOST_AUTO_TEST_CASE(an_executor_may_be_late)
{
    archive const a({6 * mega, 9 * mega});
    auto const whole = a.bytes();
    std::vector<std::function<void()>> kept;
    {
        test_sink out;
        auto const lend = [&](std::function<void()> work) { kept.push_back(std::move(work)); };
        auto const report = a.save_in(lend, out, with(2));
        BOOST_TEST(report.ok());
        BOOST_TEST((out.bytes == whole));
        BOOST_TEST(out.threads.size() == 1u);
    }
    BOOST_TEST(kept.size() == 1u);
    for(auto const& work : kept)
        work(); // finds that there is nothing to do, and nothing left of the save
}

BOOST_AUTO_TEST_CASE(an_executor_may_run_at_once_or_throw)
{
    archive const a({6 * mega, 9 * mega});
    auto const whole = a.bytes();
    test_sink out;
    auto const at_once = [](std::function<void()> const& work) { work(); };
    BOOST_TEST(a.save_in(at_once, out, with(2)).ok());
    BOOST_TEST((out.bytes == whole));

    test_sink unwritten;
    auto const full = [](std::function<void()> const&) { throw std::runtime_error("no room"); };
    BOOST_CHECK_THROW(a.save_in(full, unwritten, with(2)), std::runtime_error);
    BOOST_TEST(unwritten.written == 0u);
    BOOST_TEST(unwritten.aborts == 1);
    BOOST_TEST(a.how.alive == 0);
}

BOOST_AUTO_TEST_CASE(a_failure_beside_an_executor_ends_the_save)
{
    for(std::size_t n = 1; n != 40; ++n) {
        archive const a({6 * mega, 6 * mega, 6 * mega});
        a.how.fail_at = n;
        boost::asio::thread_pool pool(2);
        auto const lend = [&](std::function<void()> work) { boost::asio::post(pool, std::move(work)); };
        test_sink out;
        BOOST_TEST((a.save_in(lend, out, with(3)).reason.code == boost::system::errc::io_error));
        BOOST_TEST(out.aborts == 1);
        BOOST_TEST(a.how.alive == 0);
        pool.join();
    }
}

BOOST_AUTO_TEST_CASE(no_thread_is_made_beside_an_executor)
{
    // One large layer, which would be read and hashed in two further threads.
    archive const a({30 * mega});
    test_sink out;
    BOOST_TEST(a.save(out, with(2)).ok());
    BOOST_TEST(!a.how.readers.contains(std::this_thread::get_id()));

    a.how.readers.clear();
    auto const never = [](std::function<void()> const&) {};
    test_sink again;
    BOOST_TEST(a.save_in(never, again, with(2)).ok());
    BOOST_TEST((a.how.readers == std::set{std::this_thread::get_id()}));
    BOOST_TEST((again.bytes == out.bytes));
}

namespace {

struct counting_lender {
    int& asked;
    void operator()(std::function<void()> const& work)
    {
        ++asked;
        work();
    }
};

struct lending_policy : default_policy {
    counting_lender threads;
};

struct no_lender {
    int threads;
};

struct not_lending_policy : default_policy, no_lender {};

static_assert(saver_policy<default_policy> && saver_policy<lending_policy> && !saver_policy<not_lending_policy>);

} // namespace

BOOST_AUTO_TEST_CASE(a_saver_s_policy_may_lend_threads)
{
    auto const store = many::in_memory(300);
    auto const names = many::all_names(300);
    memory_sink want;
    BOOST_TEST(saver(store).save(names, want).ok());
    int asked = 0;
    save_options options;
    options.jobs = 3;
    test_sink out;
    BOOST_TEST(saver(store, lending_policy{{}, {asked}}).save(names, out, options).ok());
    BOOST_TEST((out.bytes == want.bytes()));
    BOOST_TEST(asked == 2);
    memory_sink in_order; // nothing to be done side by side
    BOOST_TEST(saver(store, lending_policy{{}, {asked}}).save(names, in_order, options).ok());
    BOOST_TEST((in_order.bytes() == want.bytes()));
    BOOST_TEST(asked == 2);
}
