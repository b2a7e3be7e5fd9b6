//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_SHARED_HPP
#define TAREXPORT_ENGINE_SHARED_HPP

#include "connections.hpp"
#include "server.hpp"
#include "service.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstddef>
#include <exception>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>

namespace engine {

/** What the connections of a server share.

    Only the thread of the network touches it, but for the service.
*/
struct shared_state {
    shared_state(service& s, server_options const& o, boost::asio::any_io_executor executor)
        : answers(s)
        , options(o)
        , pool(o.limits.threads)
        , open(o.limits.connections)
        , room(executor, boost::asio::steady_timer::time_point::max())
    {
    }

    service& answers;
    server_options const& options;
    boost::asio::thread_pool pool; ///< where stores are read: a client that waits holds no thread
    connections open;
    boost::asio::steady_timer room; ///< is cancelled when a connection ends
    std::size_t saves = 0;          ///< archives that are sent
    bool draining = false;
    bool crowded = false;           ///< whether it was told that connections are closed for others
    std::stop_source stop;          ///< ends the searches for answers
    std::size_t broken = 0;         ///< answers that were cut short
};

/** Run a function in a thread of the pool, and return what it returns.

    Borrows the function, which must have a name therefore: g++ 12 destroys twice what such an expression passes by value.
*/
template<class F>
boost::asio::awaitable<std::invoke_result_t<F&>> on_pool(shared_state& shared, F& f)
{
    auto const work = [](F& g) -> boost::asio::awaitable<std::invoke_result_t<F&>> { co_return g(); };
    auto begun = work(f);
    co_return co_await boost::asio::co_spawn(shared.pool, std::move(begun), boost::asio::use_awaitable);
}

/// Return what takes the end of a coroutine: an exception ends that alone, and is told.
inline auto told(char const* what, shared_state& shared)
{
    return [what, &shared](std::exception_ptr thrown) {
        if(!thrown)
            return;
        try {
            std::rethrow_exception(thrown);
        }
        catch(std::exception const& e) {
            shared.options.log(std::string(what) + ": " + e.what());
        }
    };
}

} // namespace engine

#endif
