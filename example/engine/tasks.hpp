//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_TASKS_HPP
#define TAREXPORT_ENGINE_TASKS_HPP

#include "signals.hpp"

#include <tarexport/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

namespace engine {

/** Coroutines that are run in the calling thread until all are done, one fails, or a signal ends them.

    Those that are not done then are destroyed with this object, which therefore goes before what they use.
*/
class tasks {
public:
    using outcome = tarexport::result<void>;

    /// Construct, and listen for SIGINT, SIGTERM and SIGHUP.
    tasks() : signals_(network_)
    {
        listen_for(signals_, {SIGINT, SIGTERM, SIGHUP});
        signals_.async_wait([this](boost::system::error_code ec, int) {
            if(!ec)
                end(tarexport::failure{tarexport::error::cancelled, {}, {}});
        });
    }

    tasks(tasks const&) = delete;
    tasks& operator=(tasks const&) = delete;

    boost::asio::any_io_executor executor() { return network_.get_executor(); }

    void start(boost::asio::awaitable<outcome> task)
    {
        ++running_;
        boost::asio::co_spawn(network_, std::move(task), [this](std::exception_ptr e, outcome const& done) {
            --running_;
            if(e) {
                thrown_ = e;
                network_.stop();
            }
            else if(!done)
                end(done.error());
            else if(running_ == 0)
                signals_.cancel();
        });
    }

    /// Run them. @return Nothing, or the first failure; `cancelled` on a signal. @throws what one of them threw
    outcome run()
    {
        network_.run();
        if(thrown_)
            std::rethrow_exception(thrown_);
        return why_ ? outcome(*why_) : outcome();
    }

private:
    void end(tarexport::failure why)
    {
        if(!why_)
            why_ = std::move(why);
        network_.stop();
    }

    boost::asio::io_context network_{1};
    boost::asio::signal_set signals_;
    std::size_t running_ = 0;
    std::optional<tarexport::failure> why_;
    std::exception_ptr thrown_;
};

} // namespace engine

#endif
