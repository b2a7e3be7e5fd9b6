//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/async_write.hpp>

#define BOOST_TEST_MODULE async_write
#include <boost/test/unit_test.hpp>

#include "async_support.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>

using namespace tarexport;
using namespace async_tests;

BOOST_AUTO_TEST_CASE(bytes_are_those_of_write_however_the_stream_takes_them)
{
    for(auto const& list : lists)
        for(std::size_t limit : {1u, 511u, 512u, 513u, 100000u})
            for(std::size_t buffer : {1u, 513u, 65536u}) {
                if(limit == 1 && buffer != 513)
                    continue;
                behaviour how;
                archive const a(list, how);
                write_options options;
                options.buffer_size = buffer;
                options.sum = true;
                run r(a);
                r.out.limit = limit;
                r.start(options);
                BOOST_TEST(r.completions == 0);
                r.finish();
                BOOST_TEST(r.completions == 1);
                BOOST_TEST(!r.code.failed());
                BOOST_TEST(r.report.ok());
                BOOST_TEST((r.out.bytes == a.bytes));
                BOOST_TEST((r.report.sum == digest_of(a.bytes)));
                BOOST_TEST(nothing_held());
            }
}

BOOST_AUTO_TEST_CASE(ranges_joined_are_the_whole)
{
    for(auto verification : {verify::covered, verify::whole}) {
        behaviour how;
        archive const a(lists[0], how);
        std::string joined;
        for(std::uint64_t at = 0; at < a.bytes.size(); at += 700) {
            write_options options;
            options.range = {at, std::min<std::uint64_t>(at + 700, a.bytes.size())};
            options.verification = verification;
            run r(a);
            r.start(options);
            r.finish();
            BOOST_TEST(r.report.ok());
            joined += r.out.bytes;
        }
        BOOST_TEST((joined == a.bytes));
        write_options beyond;
        beyond.range = {1, a.bytes.size() + 1};
        run r(a);
        r.start(beyond);
        BOOST_TEST(r.completions == 0);
        r.finish();
        BOOST_TEST(r.completions == 1);
        BOOST_TEST(r.code == error::range_out_of_bounds);
    }
}

BOOST_AUTO_TEST_CASE(every_failing_call_of_a_layer_ends_it_cleanly)
{
    for(bool throws : {false, true})
        for(auto const& list : lists)
            for(std::size_t n = 1;; ++n) {
                behaviour how;
                how.fail_at = n;
                how.throws = throws;
                archive const a(list, how);
                run r(a);
                write_options options;
                options.buffer_size = 1500;
                r.start(options);
                r.finish();
                BOOST_TEST(r.completions == 1);
                BOOST_TEST(r.held == 0);
                BOOST_TEST((r.out.bytes == a.bytes.substr(0, r.report.bytes)));
                if(how.calls < n) {
                    BOOST_TEST(r.report.ok());
                    break;
                }
                BOOST_TEST(how.calls == n);
                BOOST_TEST(r.code == r.report.reason.code);
                if(throws) {
                    BOOST_TEST(r.code == error::exception_thrown);
                    BOOST_TEST((r.report.reason.detail == "source" || r.report.reason.detail == "open"));
                    BOOST_TEST(r.report.reason.subject.starts_with("layer sha256:"));
                }
                else
                    BOOST_TEST((r.report.reason.subject == "the source" || r.report.reason.subject == "the layer's file"));
            }
}

BOOST_AUTO_TEST_CASE(every_failing_write_ends_it_cleanly)
{
    for(std::size_t n = 1;; ++n) {
        behaviour how;
        archive const a(lists[0], how);
        run r(a);
        r.out.fail_at = n;
        r.out.limit = 400;
        r.start();
        r.finish();
        BOOST_TEST(r.completions == 1);
        BOOST_TEST(r.held == 0);
        BOOST_TEST(r.report.bytes == r.out.bytes.size());
        if(r.out.writes < n) {
            BOOST_TEST(r.report.ok());
            break;
        }
        BOOST_TEST(r.code == boost::system::errc::broken_pipe);
        BOOST_TEST(r.report.reason.subject == "output");
    }
}

BOOST_AUTO_TEST_CASE(a_lying_layer_is_named)
{
    for(int lie = 0; lie != 3; ++lie) {
        behaviour how;
        archive a(lists[0], how);
        auto text = script::layers_of(lists[0])[2];
        if(lie == 0)
            text += "more";
        else if(lie == 1)
            text.resize(text.size() - 1);
        else
            text.back() ^= 1;
        a.leases[2] = test_handle(text, how);
        for(std::size_t buffer : {1000u, 1024u, 100000u}) {
            write_options options;
            options.buffer_size = buffer;
            run r(a);
            r.start(options);
            r.finish();
            error const want[] = {error::layer_too_long, error::layer_too_short, error::digest_mismatch};
            BOOST_TEST(r.code == want[lie]);
            BOOST_TEST(!r.report.reason.subject.empty());
            BOOST_TEST(r.out.bytes.size() < a.bytes.find("doc"));
        }
    }
}

namespace {

// Whether a run that was cancelled ended as it should.
void check_cancelled(run const& r)
{
    BOOST_TEST(r.completions == 1);
    BOOST_TEST(r.held == 0);
    BOOST_TEST(r.report.bytes == r.out.bytes.size());
    BOOST_TEST((r.out.bytes == r.what.bytes.substr(0, r.report.bytes)));
    if(r.report.ok())
        return;
    BOOST_TEST(r.code == asio::error::operation_aborted);
    BOOST_TEST((r.code == condition::cancelled));
    BOOST_TEST((r.report.reason.code == r.code));
}

} // namespace

BOOST_AUTO_TEST_CASE(cancellation_after_every_step_of_the_handlers_executor)
{
    for(auto type : {asio::cancellation_type::terminal, asio::cancellation_type::partial})
        for(auto const& list : lists)
            for(std::size_t n = 0;; ++n) {
                behaviour how;
                archive const a(list, how);
                run r(a);
                r.out.limit = 900;
                write_options options;
                options.buffer_size = 1000;
                r.start(options);
                std::size_t steps = 0;
                while(steps != n && r.context.run_one() != 0)
                    ++steps;
                bool const whole = r.out.bytes.size() == a.bytes.size();
                r.cancel.emit(type);
                r.finish();
                check_cancelled(r);
                BOOST_TEST(whole == r.report.ok());
                if(steps != n)
                    break;
            }
}

BOOST_AUTO_TEST_CASE(cancellation_during_every_call_of_a_layer_waits_for_that_call)
{
    for(auto const& list : lists)
        for(std::size_t n = 1;; ++n) {
            behaviour how;
            archive const a(list, how);
            run r(a);
            std::size_t reads = 0, after = 0;
            std::promise<void> emitted;
            how.on_read = [&] {
                after += reads >= n;
                if(++reads != n)
                    return;
                asio::post(r.context, [&] {
                    r.cancel.emit(asio::cancellation_type::terminal);
                    emitted.set_value();
                });
                emitted.get_future().wait();
            };
            r.start();
            r.finish();
            check_cancelled(r);
            BOOST_TEST(after == 0u);
            if(reads < n) {
                BOOST_TEST(r.report.ok());
                break;
            }
            BOOST_TEST(!r.report.ok());
        }
}

BOOST_AUTO_TEST_CASE(cancellation_of_a_write_that_waits)
{
    for(std::size_t n = 1;; ++n) {
        behaviour how;
        archive const a(lists[0], how);
        run r(a);
        r.out.block_at = n;
        r.out.limit = 900;
        write_options options;
        options.buffer_size = 500;
        r.out.on_write = [&] { asio::post(r.context, [&] { r.cancel.emit(asio::cancellation_type::total); }); };
        r.start(options);
        std::optional<asio::steady_timer> timer(std::in_place, r.context, std::chrono::milliseconds(2));
        timer->async_wait([&](error_code) { r.cancel.emit(asio::cancellation_type::partial); });
        while(r.completions == 0)
            r.context.run_one();
        timer.reset();
        check_cancelled(r);
        if(r.out.writes < n)
            break;
        BOOST_TEST(!r.report.ok());
    }
}

BOOST_AUTO_TEST_CASE(the_next_bytes_are_read_while_bytes_are_written)
{
    behaviour how;
    archive const a(lists[2], how);
    std::atomic<int> reads = 0;
    how.on_read = [&] { ++reads; };
    run r(a);
    r.out.block_at = 2; // the first 1000 of 2500 bytes have gone
    write_options options;
    options.buffer_size = 1000;
    r.start(options);
    while(r.out.writes != 2)
        r.context.run_one();
    for(int tries = 0; tries != 10000 && reads != 3; ++tries)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    BOOST_TEST(reads == 3);
    r.cancel.emit(asio::cancellation_type::terminal);
    r.finish();
    check_cancelled(r);
    BOOST_TEST(reads == 3);
    BOOST_TEST(!r.report.ok());
}

BOOST_AUTO_TEST_CASE(both_executors_may_be_one)
{
    behaviour how;
    archive const a(lists[0], how);
    run r(a);
    asio::any_io_executor const only = r.context.get_executor();
    tarexport::async_write(a.contents, std::span<test_handle const>(a.leases), r.out, only, {}, r.watcher, r.report,
        asio::bind_executor(only, [&](error_code ec) {
            ++r.completions;
            BOOST_TEST(!ec.failed());
        }));
    BOOST_TEST(r.completions == 0);
    r.finish();
    BOOST_TEST(r.completions == 1);
    BOOST_TEST(r.report.ok());
    BOOST_TEST((r.out.bytes == a.bytes));
}

BOOST_AUTO_TEST_CASE(a_request_to_stop_is_noticed_as_by_write)
{
    behaviour how;
    archive const a(lists[0], how);
    for(std::size_t n = 1; n != 12; ++n) {
        std::stop_source stop;
        run r(a);
        std::size_t reads = 0;
        how.on_read = [&] {
            if(++reads == n)
                stop.request_stop();
        };
        write_options options;
        options.stop = stop.get_token();
        options.buffer_size = 100;
        r.out.limit = 77;
        r.start(options);
        r.finish();
        BOOST_TEST(r.completions == 1);
        BOOST_TEST(r.code == error::cancelled);
        BOOST_TEST(r.held == 0);
        BOOST_TEST((r.out.bytes == a.bytes.substr(0, r.report.bytes)));
    }
}

namespace {

// What went through a `counting_allocator`.
struct memory_counts {
    std::thread::id thread = std::this_thread::get_id();
    std::size_t allocations = 0;
    std::size_t alive = 0;
    bool elsewhere = false; // whether another thread used it
};

template<class T>
struct counting_allocator {
    using value_type = T;

    explicit counting_allocator(memory_counts& c) noexcept : counts(&c) {}
    template<class U>
    counting_allocator(counting_allocator<U> const& other) noexcept : counts(other.counts) {}

    T* allocate(std::size_t n)
    {
        counts->elsewhere |= counts->thread != std::this_thread::get_id();
        ++counts->allocations;
        ++counts->alive;
        return std::allocator<T>().allocate(n);
    }

    void deallocate(T* p, std::size_t n) noexcept
    {
        counts->elsewhere |= counts->thread != std::this_thread::get_id();
        --counts->alive;
        std::allocator<T>().deallocate(p, n);
    }

    template<class U>
    bool operator==(counting_allocator<U> const& other) const noexcept
    {
        return counts == other.counts;
    }

    memory_counts* counts;
};

} // namespace

BOOST_AUTO_TEST_CASE(executor_and_allocator_are_the_handlers)
{
    behaviour how;
    archive const a(lists[0], how);
    run r(a);
    r.out.limit = 1000;
    memory_counts counts;
    auto const strand = asio::make_strand(r.context);
    r.start({}, asio::bind_allocator(counting_allocator<int>(counts), asio::bind_executor(strand, [&](error_code ec, save_report) {
        ++r.completions;
        BOOST_TEST(!ec.failed());
        BOOST_TEST(strand.running_in_this_thread());
        BOOST_TEST(counts.alive == 0u);
    })));
    BOOST_TEST(counts.alive == 1u);
    r.finish();
    BOOST_TEST(r.completions == 1);
    BOOST_TEST(counts.allocations >= 1u);
    BOOST_TEST(!counts.elsewhere);
    BOOST_TEST((r.out.bytes == a.bytes));
}

BOOST_AUTO_TEST_CASE(nothing_is_left_where_an_executor_ends_first)
{
    struct destroyed {
        explicit destroyed(int& n) : count(&n) {}
        destroyed(destroyed&& other) noexcept : count(std::exchange(other.count, nullptr)) {}
        ~destroyed()
        {
            if(count)
                ++*count;
        }
        void operator()(error_code, save_report) { BOOST_ERROR("called"); }
        int* count;
    };
    for(std::size_t n = 0; n != 6; ++n) {
        int handlers = 0;
        behaviour how;
        archive const a(lists[0], how);
        auto r = std::make_unique<run>(a);
        r->out.limit = 900;
        write_options options;
        options.buffer_size = 1000;
        r->start(options, destroyed(handlers));
        for(std::size_t steps = 0; steps != n; ++steps)
            r->context.run_one();
        r.reset();
        BOOST_TEST(handlers == 1);
        BOOST_TEST(nothing_held());
    }
}

BOOST_AUTO_TEST_CASE(completion_tokens)
{
    behaviour how;
    archive const a(lists[0], how);
    run r(a);
    std::span<test_handle const> const leases(a.leases);
    auto const pool = r.pool.get_executor();
    auto future = tarexport::async_write(a.contents, leases, r.out, pool, {}, r.watcher, asio::use_future);
    auto later = tarexport::async_write(a.contents, leases, r.out, pool, {}, r.watcher, asio::deferred);
    r.context.run();
    BOOST_TEST(future.get().ok());
    BOOST_TEST((r.out.bytes == a.bytes)); // what is deferred has not begun
    r.context.restart();
    std::move(later)([&](error_code ec, save_report report) {
        ++r.completions;
        BOOST_TEST(!ec.failed());
        BOOST_TEST(report.ok());
    });
    r.context.run();
    r.context.restart();
    BOOST_TEST((r.out.bytes == a.bytes + a.bytes));
    auto coroutine = [&]() -> asio::awaitable<void> {
        r.out.bytes.clear();
        auto [ec, report] = co_await tarexport::async_write(
            a.contents, leases, r.out, pool, {}, r.watcher, asio::as_tuple(asio::use_awaitable));
        BOOST_TEST(!ec.failed());
        BOOST_TEST(report.ok());
        r.out.fail_at = r.out.writes + 2;
        save_report kept;
        try {
            co_await tarexport::async_write(a.contents, leases, r.out, pool, {}, r.watcher, kept, asio::use_awaitable);
            BOOST_ERROR("not thrown");
        }
        catch(boost::system::system_error const& e) {
            BOOST_TEST(e.code() == boost::system::errc::broken_pipe);
            BOOST_TEST(kept.reason.code == e.code());
            BOOST_TEST(kept.reason.subject == "output");
            BOOST_TEST(kept.bytes == r.out.bytes.size() - a.bytes.size());
        }
        ++r.completions;
    };
    asio::co_spawn(r.context, coroutine(), asio::detached);
    r.context.run();
    BOOST_TEST(r.completions == 2);
}

namespace {

struct log_observer {
    void operator()(event const& e) noexcept
    {
        wrong_thread |= thread != std::this_thread::get_id();
        if(auto const* begun = std::get_if<entry_begun>(&e))
            log.push_back("begun " + std::string(begun->path));
        else if(auto const* done = std::get_if<entry_done>(&e))
            log.push_back("done " + std::string(done->path) + (done->verified ? " verified" : ""));
        else if(auto const* begin = std::get_if<span_begun>(&e))
            log.push_back("(" + std::string(name_of(begin->what)));
        else if(auto const* end = std::get_if<span_ended>(&e))
            log.push_back(std::string(name_of(end->what)) + (end->ok ? ")" : " failed)"));
    }

    std::thread::id thread = std::this_thread::get_id();
    bool wrong_thread = false;
    std::vector<std::string> log;
};

} // namespace

BOOST_AUTO_TEST_CASE(events_are_those_of_write)
{
    for(std::size_t fail_at : {0u, 6u}) {
        behaviour how;
        archive const a(lists[0], how);
        how.fail_at = fail_at;
        testing::chopping_sink out(900);
        log_observer sync, async;
        a.write_to(out, {}, sync);
        how.calls = 0;
        run r(a);
        r.out.limit = 900;
        tarexport::async_write(a.contents, std::span<test_handle const>(a.leases), r.out, r.pool.get_executor(), {}, async,
            [&](error_code, save_report) { ++r.completions; });
        BOOST_TEST(async.log.empty());
        r.finish();
        BOOST_TEST(r.completions == 1);
        BOOST_TEST(async.log == sync.log, boost::test_tools::per_element());
        BOOST_TEST(!async.wrong_thread);
    }
}
