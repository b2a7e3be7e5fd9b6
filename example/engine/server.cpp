//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include "server.hpp"
#include "listener.hpp"
#include "shared.hpp"
#include "signals.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <csignal>
#include <cstddef>
#include <exception>
#include <list>
#include <string>
#include <vector>

namespace engine {

namespace {

namespace asio = boost::asio;

constexpr auto tuple = asio::as_tuple(asio::use_awaitable);

// A server that runs. All but the reading of stores is done by the thread that calls run().
class server {
public:
    server(service& answers, std::vector<listen_address> const& addresses, server_options const& options)
        : options_(options)
        , signals_(network_)
        , patience_(network_)
        , shared_(answers, options, network_.get_executor())
    {
        listen_for(signals_, {SIGINT, SIGTERM});
        for(auto const& where : addresses)
            listeners_.emplace_back(where, network_.get_executor());
    }

    bool run()
    {
        std::vector<std::string> names;
        for(auto& l : listeners_) {
            names.push_back(l.address());
            asio::co_spawn(network_, l.run(shared_), told("listening", shared_));
        }
        asio::co_spawn(network_, end_on_signal(), told("waiting for signals", shared_));
        options_.ready(names);
        network_.run();
        shared_.pool.join();
        return shared_.broken == broken_before_end_;
    }

private:
    asio::awaitable<void> end_on_signal()
    {
        auto const [ec, number] = co_await signals_.async_wait(tuple);
        if(ec)
            co_return;
        broken_before_end_ = shared_.broken;
        options_.log("ending: " + std::to_string(shared_.open.count()) + " connections; " + std::to_string(shared_.open.closed()) +
                     " were closed for others");
        shared_.draining = true;
        for(auto& l : listeners_)
            l.close();
        shared_.room.cancel();
        shared_.open.close_idle();
        patience_.expires_after(options_.limits.drain_time);
        asio::co_spawn(network_, cut_short(), told("ending", shared_));
        asio::co_spawn(network_, wait_for_the_last(), told("ending", shared_));
        if(ended_)
            co_return;
        auto const [again, second] = co_await signals_.async_wait(tuple);
        if(!again)
            patience_.cancel();
    }

    // Ends what is on its way when patience ends, or is ended.
    asio::awaitable<void> cut_short()
    {
        if(!ended_)
            co_await patience_.async_wait(tuple);
        if(shared_.open.count() != 0) {
            options_.log("cutting short " + std::to_string(shared_.open.count()) + " connections");
            shared_.stop.request_stop();
            shared_.open.close_all();
        }
    }

    // Nothing else must keep the network running.
    asio::awaitable<void> wait_for_the_last()
    {
        while(shared_.open.count() != 0)
            co_await shared_.room.async_wait(tuple);
        ended_ = true;
        patience_.cancel();
        signals_.cancel();
    }

    server_options const& options_;
    asio::io_context network_{1};
    asio::signal_set signals_;
    asio::steady_timer patience_;
    shared_state shared_;
    std::list<listener> listeners_;
    std::size_t broken_before_end_ = 0;
    bool ended_ = false; // there are no connections any more, and there will be none
};

} // namespace

bool serve(service& answers, std::vector<listen_address> const& addresses, server_options const& options)
{
    server s(answers, addresses, options);
    return s.run();
}

} // namespace engine
