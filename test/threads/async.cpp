//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Several asynchronous saves at once over sockets, on an event loop that several threads run; some are cancelled.

#define BOOST_TEST_MODULE threads_async
#include <boost/test/unit_test.hpp>

#include <tarexport/async_save.hpp>
#include <tarexport/sink/memory.hpp>
#include <tarexport/store/memory.hpp>
#include <tarexport/testing/counting_store.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace tarexport;
namespace asio = boost::asio;

namespace {

using socket = asio::local::stream_protocol::socket;
using strand_type = asio::strand<asio::io_context::executor_type>;

memory_store make_store()
{
    memory_store store;
    auto const large = store.add_layer(std::string(3'000'000, 'l')), small = store.add_layer(std::string(700, 's'));
    BOOST_REQUIRE(store.add_image(image_config{.cmd = {"a"}}, {small, large}, {"a:1"}).has_value());
    BOOST_REQUIRE(store.add_image(image_config{.cmd = {"b"}}, {large, small}, {"b:1"}).has_value());
    return store;
}

// One save to one end of a pair of sockets, whose other end is read by a thread of its own.
template<class Store>
class connection {
public:
    connection(Store const& store, asio::io_context& context, asio::thread_pool& pool)
        : saver_(store)
        , pool_(pool)
        , strand_(asio::make_strand(context))
        , near_(strand_)
        , far_(peer_)
        , timer_(strand_)
    {
        asio::local::connect_pair(near_, far_);
    }

    // Without a strand: what the handler's executor runs is in one thread at a time by itself.
    void start()
    {
        reading_ = std::jthread([this] { read_all(); });
        tarexport::async_save(saver_, names::of("a", "b"), near_, pool_.get_executor(), {}, report,
            asio::bind_executor(strand_.get_inner_executor(), [this](error_code ec) {
                ++completions;
                code = ec;
                near_.close();
            }));
    }

    // `after` a while it is cancelled, if it is not null. A peer that does not read makes it wait.
    void start(std::chrono::microseconds after, bool peer_reads)
    {
        if(peer_reads)
            reading_ = std::jthread([this] { read_all(); });
        asio::post(strand_, [this, after] {
            if(after.count() != 0) {
                timer_.expires_after(after);
                timer_.async_wait([this](error_code ec) {
                    if(!ec)
                        signal_.emit(asio::cancellation_type::terminal);
                });
            }
            tarexport::async_save(saver_, names::of("a", "b"), near_, pool_.get_executor(), {},
                asio::bind_cancellation_slot(signal_.slot(), asio::bind_executor(strand_, [this](error_code ec, save_report r) {
                    wrong_place += !strand_.running_in_this_thread();
                    ++completions;
                    code = ec;
                    report = std::move(r);
                    timer_.cancel();
                    near_.close();
                })));
        });
    }

    std::string const& received()
    {
        if(reading_.joinable())
            reading_.join();
        return received_;
    }

    int completions = 0;
    int wrong_place = 0;
    error_code code;
    save_report report;

private:
    void read_all()
    {
        std::vector<char> buffer(10000);
        error_code ec;
        while(auto const n = far_.read_some(asio::buffer(buffer), ec))
            received_.append(buffer.data(), n);
    }

    saver<Store> saver_;
    asio::thread_pool& pool_;
    strand_type strand_;
    asio::basic_stream_socket<asio::local::stream_protocol, strand_type> near_;
    asio::io_context peer_;
    socket far_;
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, strand_type> timer_;
    asio::cancellation_signal signal_;
    std::string received_;
    std::jthread reading_;
};

// Starts saves, the n-th of which is cancelled after n times `step`, from 1 on, and waits for all.
template<class Store>
std::vector<std::unique_ptr<connection<Store>>> run(Store const& store, std::size_t count, std::chrono::microseconds step, bool peers_read)
{
    std::vector<std::unique_ptr<connection<Store>>> all;
    static asio::io_context context; // outlives the sockets
    context.restart();
    asio::thread_pool pool(2);
    for(std::size_t n = 0; n != count; ++n) {
        all.push_back(std::make_unique<connection<Store>>(store, context, pool));
        if(step.count() == 0 && n % 2 == 0)
            all.back()->start();
        else
            all.back()->start(step * static_cast<int>(n + 1), peers_read);
    }
    {
        std::array<std::jthread, 3> threads;
        for(auto& t : threads)
            t = std::jthread([] { context.run(); });
    }
    return all;
}

} // namespace

BOOST_AUTO_TEST_CASE(saves_at_once_give_the_bytes_of_one)
{
    auto const store = make_store();
    memory_sink sink;
    BOOST_REQUIRE(saver(store).save(names::of("a", "b"), sink).ok());
    for(auto& c : run(store, 6, std::chrono::microseconds(0), true)) {
        BOOST_TEST(c->completions == 1);
        BOOST_TEST(c->wrong_place == 0);
        BOOST_TEST(!c->code.failed());
        BOOST_TEST(c->report.ok());
        BOOST_TEST((c->received() == sink.bytes()));
    }
}

BOOST_AUTO_TEST_CASE(saves_are_cancelled_at_any_time)
{
    auto const store = make_store();
    testing::counting_store const counted(store);
    memory_sink sink;
    BOOST_REQUIRE(saver(store).save(names::of("a", "b"), sink).ok());
    int cancelled = 0;
    for(auto& c : run(counted, 30, std::chrono::milliseconds(10), true)) {
        cancelled += c->code.failed();
        BOOST_TEST(c->completions == 1);
        BOOST_TEST(c->wrong_place == 0);
        auto const& received = c->received();
        BOOST_TEST((received == sink.bytes().substr(0, c->report.bytes)));
        BOOST_TEST((c->report.ok() || c->code == asio::error::operation_aborted));
    }
    BOOST_TEST_MESSAGE(cancelled << " of 30 were cancelled");
    BOOST_TEST(counted.counts().handles == 0u);
    BOOST_TEST(counted.counts().sources == 0u);
}

BOOST_AUTO_TEST_CASE(a_write_that_waits_for_its_peer_is_cancelled)
{
    auto const store = make_store();
    testing::counting_store const counted(store);
    for(auto& c : run(counted, 5, std::chrono::milliseconds(10), false)) {
        BOOST_TEST(c->completions == 1);
        BOOST_TEST(c->code == asio::error::operation_aborted);
    }
    BOOST_TEST(counted.counts().handles == 0u);
    BOOST_TEST(counted.counts().sources == 0u);
}
