//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/async_save.hpp>

#define BOOST_TEST_MODULE async_save
#include <boost/test/unit_test.hpp>

#include "async_support.hpp"

#include <tarexport/sink/memory.hpp>
#include <tarexport/store/memory.hpp>
#include <tarexport/testing/counting_store.hpp>
#include <tarexport/testing/fail_count.hpp>
#include <tarexport/testing/failing_store.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <exception>
#include <future>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

using namespace tarexport;
using async_tests::text_stream;
namespace asio = boost::asio;

namespace {

memory_store make_store()
{
    memory_store store;
    auto const base = store.add_layer(std::string(3000, 'b')), top = store.add_layer(std::string(700, 't'));
    BOOST_REQUIRE(store.add_image(image_config{.cmd = {"a"}}, {base, top}, {"a:1", "a:2"}).has_value());
    BOOST_REQUIRE(store.add_image(image_config{.cmd = {"b"}}, {base}, {"b:1"}).has_value());
    return store;
}

struct log_observer {
    void operator()(event const& e) noexcept
    {
        if(auto const* begin = std::get_if<span_begun>(&e))
            log.push_back("(" + std::string(name_of(begin->what)));
        else if(auto const* end = std::get_if<span_ended>(&e))
            log.push_back(std::string(name_of(end->what)) + (end->ok ? ")" : " failed)"));
        else
            log.push_back("event " + std::to_string(e.index()));
    }

    std::vector<std::string> log;
};

struct watched : default_policy {
    explicit watched(log_observer& w) : observer(w) {}
    log_observer& observer;
};

// Small buffers and a stream that takes little, so that there are many steps.
struct save_run {
    template<class Saver>
    void start(Saver& s, names requested, save_options options = {})
    {
        options.buffer_size = 1000;
        tarexport::async_save(s, std::move(requested), out, pool.get_executor(), options,
            asio::bind_cancellation_slot(cancel.slot(), [this](error_code ec, save_report r) {
                ++completions;
                code = ec;
                report = std::move(r);
                if(at_end)
                    at_end();
            }));
        BOOST_TEST(completions == 0);
    }

    asio::io_context context;
    asio::thread_pool pool{1};
    text_stream out{context};
    asio::cancellation_signal cancel;
    int completions = 0;
    error_code code;
    save_report report;
    std::function<void()> at_end;
};

bool nothing_held(testing::lease_counts const& c)
{
    return c.handles == 0 && c.sources == 0;
}

} // namespace

BOOST_AUTO_TEST_CASE(bytes_and_events_are_those_of_save)
{
    auto const store = make_store();
    for(auto const& requested : {names::of("b", "a"), names("nobody:1")}) {
        memory_sink sink;
        log_observer sync, async;
        auto const report = saver(store, watched(sync)).save(requested, sink);
        saver s(store, watched(async));
        save_run r;
        r.start(s, requested);
        r.context.run();
        BOOST_TEST(r.completions == 1);
        BOOST_TEST(r.code == report.reason.code);
        BOOST_TEST((r.report.reason == report.reason));
        BOOST_TEST(r.report.bytes == report.bytes);
        BOOST_TEST((r.report.etag == report.etag));
        BOOST_TEST((r.out.bytes == sink.bytes()));
        // Writes are not cut alike, so the events of bytes differ in number.
        auto const of_bytes = "event " + std::to_string(event(bytes_written{}).index());
        std::erase(sync.log, of_bytes);
        std::erase(async.log, of_bytes);
        BOOST_TEST(async.log == sync.log, boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(the_report_is_kept_where_the_token_throws)
{
    auto const store = make_store();
    saver s(store);
    save_run r;
    save_report kept;
    auto done = tarexport::async_save(s, names("nobody:1"), r.out, r.pool.get_executor(), {}, kept, asio::use_future);
    r.context.run();
    BOOST_CHECK_THROW(done.get(), boost::system::system_error);
    BOOST_TEST(kept.reason.code == error::unknown_reference);
    BOOST_TEST(kept.reason.subject == "nobody:1");
    r.context.restart();
    done = tarexport::async_save(s, names("a:1"), r.out, r.pool.get_executor(), {}, kept, asio::use_future);
    r.context.run();
    done.get();
    BOOST_TEST(kept.ok());
    BOOST_TEST(kept.bytes == r.out.bytes.size());
}

BOOST_AUTO_TEST_CASE(cancellation_after_every_step)
{
    auto const store = make_store();
    memory_sink sink;
    BOOST_REQUIRE(saver(store).save(names("a"), sink).ok());
    for(std::size_t n = 0;; ++n) {
        testing::counting_store const counted(store);
        saver s(counted);
        save_run r;
        r.out.limit = 700;
        r.at_end = [&] { BOOST_TEST(nothing_held(counted.counts())); };
        r.start(s, names("a"));
        std::size_t steps = 0;
        while(steps != n && r.context.run_one() != 0)
            ++steps;
        bool const whole = r.out.bytes.size() == sink.bytes().size();
        r.cancel.emit(asio::cancellation_type::terminal);
        r.context.run();
        BOOST_TEST(r.completions == 1);
        BOOST_TEST((r.out.bytes == sink.bytes().substr(0, r.report.bytes)));
        BOOST_TEST(r.report.ok() == whole);
        if(!whole)
            BOOST_TEST(r.code == asio::error::operation_aborted);
        BOOST_TEST(r.report.reason.code == r.code);
        if(steps != n)
            break;
    }
}

BOOST_AUTO_TEST_CASE(every_failing_call_of_a_store_ends_it_cleanly)
{
    auto const store = make_store();
    testing::counting_store const counted(store);
    for(bool throws : {false, true})
        for(std::size_t n = 1;; ++n) {
            testing::fail_count count = throws
                ? testing::fail_count(n, std::make_exception_ptr(std::runtime_error("store")))
                : testing::fail_count(n);
            testing::failing_store const failing(counted, count);
            saver s(failing);
            save_run r;
            r.at_end = [&] { BOOST_TEST(nothing_held(counted.counts())); };
            r.start(s, names("a"));
            r.context.run();
            BOOST_TEST(r.completions == 1);
            if(!count.failed()) {
                BOOST_TEST(r.report.ok());
                break;
            }
            if(throws) {
                BOOST_TEST(r.code == error::exception_thrown);
                BOOST_TEST(r.report.reason.detail == "store");
            }
            else
                BOOST_TEST(r.code == count.why());
            BOOST_TEST(r.report.reason.code == r.code);
        }
}

BOOST_AUTO_TEST_CASE(a_request_to_stop_ends_preparing)
{
    auto const store = make_store();
    saver s(store);
    save_run r;
    std::stop_source stop;
    stop.request_stop();
    save_options options;
    options.stop = stop.get_token();
    r.start(s, names("a"), options);
    r.context.run();
    BOOST_TEST(r.completions == 1);
    BOOST_TEST(r.code == error::cancelled);
    BOOST_TEST(r.out.bytes.empty());
}

BOOST_AUTO_TEST_CASE(nothing_is_left_where_an_executor_ends_first)
{
    auto const store = make_store();
    testing::counting_store const counted(store);
    for(std::size_t n = 0; n != 5; ++n) {
        saver s(counted);
        {
            save_run r;
            r.out.limit = 700;
            r.start(s, names("a"));
            for(std::size_t steps = 0; steps != n; ++steps)
                r.context.run_one();
        }
        BOOST_TEST(nothing_held(counted.counts()));
    }
}

BOOST_AUTO_TEST_CASE(a_coroutine_may_own_all_that_a_save_borrows)
{
    for(std::size_t n = 0; n != 12; ++n) {
        asio::io_context context;
        asio::thread_pool pool(1);
        auto coroutine = [&]() -> asio::awaitable<void> {
            auto const store = make_store();
            testing::counting_store const counted(store);
            log_observer watcher;
            watcher.log.reserve(1000);
            saver s(counted, watched(watcher));
            text_stream out(context);
            out.limit = 700;
            save_report report;
            co_await tarexport::async_save(s, names("a"), out, pool.get_executor(), {}, report, asio::use_awaitable);
            BOOST_TEST(report.ok());
        };
        asio::co_spawn(context, coroutine(), asio::detached);
        for(std::size_t steps = 0; steps != n; ++steps)
            context.run_one();
        // Pool and context end, and the coroutine with them.
    }
}
