// Sends an image over TCP to a peer that reads and to one that does not, both with a time limit; prints how each went.
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A coroutine saves to a socket, and a timer cancels it. One thread does all that waits for the network; what may wait for a disk
// runs in a pool.

#include <tarexport.hpp>
#include <tarexport/async_save.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

//[send
/// Sends an image, for as long as the limit allows. The report says why it ended.
template<class Saver>
asio::awaitable<tarexport::save_report> send(Saver& saver, tcp::socket& peer, asio::thread_pool& pool, std::chrono::milliseconds limit)
{
    using namespace asio::experimental::awaitable_operators;
    constexpr auto quietly = asio::as_tuple(asio::use_awaitable); // errors come as values

    asio::steady_timer timer(peer.get_executor(), limit);
    tarexport::save_report report;
    // Whichever ends first has the other one cancelled. Both have ended when this goes on.
    co_await (tarexport::async_save(saver, tarexport::names("app:1.0"), peer, pool.get_executor(), {}, report, quietly)
        || timer.async_wait(quietly));
    co_return report;
}
//]

/// Reads all that comes, as the other side of a connection.
asio::awaitable<std::size_t> drain(tcp::socket& socket)
{
    std::vector<char> buffer(65536);
    std::size_t all = 0;
    for(;;) {
        auto const [ec, n] = co_await socket.async_read_some(asio::buffer(buffer), asio::as_tuple(asio::use_awaitable));
        if(ec)
            co_return all;
        all += n;
    }
}

void print(char const* peer, tarexport::save_report const& report)
{
    std::cout << peer << ": " << report.bytes << " of " << report.total << " bytes sent"
              << (report.ok() ? "" : ", " + message(report.reason)) << '\n';
}

asio::awaitable<void> run(tarexport::memory_store const& store, asio::thread_pool& pool)
{
    using namespace asio::experimental::awaitable_operators;
    auto const executor = co_await asio::this_coro::executor;
    tcp::acceptor acceptor(executor, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    tarexport::saver saver(store);
    for(bool reads : {true, false}) {
        tcp::socket near(executor), far(executor);
        co_await (far.async_connect(acceptor.local_endpoint(), asio::use_awaitable) && acceptor.async_accept(near, asio::use_awaitable));
        auto sent = [&]() -> asio::awaitable<tarexport::save_report> {
            auto report = co_await send(saver, near, pool, std::chrono::milliseconds(reads ? 60000 : 200));
            near.close(); // a part of an archive is no archive: the peer sees that the connection ends too early
            co_return report;
        };
        if(reads) {
            auto const [report, received] = co_await (sent() && drain(far));
            print("a peer that reads", report);
            std::cout << received << " bytes received\n";
        }
        else
            print("a peer that does not", co_await sent());
    }
}

} // namespace

int main()
try {
    tarexport::memory_store store;
    auto const layer = store.add_layer(std::string(30'000'000, 'x'));
    store.add_image(tarexport::image_config(), {layer}, {"app:1.0"}).value();

    asio::io_context context;
    asio::thread_pool pool(1); // goes before the context: it gives back to it what it was given
    std::exception_ptr failed;
    asio::co_spawn(context, run(store, pool), [&](std::exception_ptr e) { failed = e; });
    context.run();
    if(failed)
        std::rethrow_exception(failed);
}
catch(std::exception const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
