//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_LISTENER_HPP
#define TAREXPORT_ENGINE_LISTENER_HPP

#include "listen_address.hpp"
#include "session.hpp"
#include "shared.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/system_error.hpp>
#include <boost/throw_exception.hpp>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

namespace engine {

/// Takes connections at an address.
class listener {
public:
    using protocol = boost::asio::generic::stream_protocol;

    /** Listen.

        A UNIX socket is for its owner alone from the moment it is there. One that a server has left behind, and that nobody
        listens on, is replaced.
        @throws std::runtime_error
    */
    listener(listen_address const& where, boost::asio::any_io_executor executor) : where_(where), acceptor_(executor)
    {
        try {
            if(where.path.empty())
                listen(boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address(where.host), where.port));
            else
                listen_at_path(executor);
        }
        catch(boost::system::system_error const& e) {
            auto const text = where.path.empty() ? where.host + " port " + std::to_string(where.port) : where.path;
            boost::throw_exception(std::runtime_error("cannot listen on " + text + ": " + e.code().message()));
        }
    }

    listener(listener const&) = delete;
    listener& operator=(listener const&) = delete;

    ~listener()
    {
        struct stat now {};
        if(inode_ != 0 && ::lstat(where_.path.c_str(), &now) == 0 && now.st_ino == inode_)
            ::unlink(where_.path.c_str());
    }

    /// Return the address, with the port that it was given.
    std::string address() const
    {
        if(!where_.path.empty())
            return "unix:" + where_.path;
        auto const endpoint = acceptor_.local_endpoint();
        boost::asio::ip::tcp::endpoint tcp;
        tcp.resize(endpoint.size());
        std::memcpy(tcp.data(), endpoint.data(), endpoint.size());
        return "tcp:" + (tcp.address().is_v6() ? "[" + where_.host + "]" : where_.host) + ":" + std::to_string(tcp.port());
    }

    void close()
    {
        boost::system::error_code ignored;
        acceptor_.close(ignored);
    }

    boost::asio::awaitable<void> run(shared_state& shared)
    {
        while(acceptor_.is_open()) {
            auto [ec, socket] = co_await acceptor_.async_accept(tuple);
            if(ec) {
                if(acceptor_.is_open())
                    co_await wait_a_moment(ec, shared);
                continue;
            }
            co_await wait_for_room(shared);
            if(acceptor_.is_open())
                begin(std::move(socket), shared);
        }
    }

private:
    static constexpr auto tuple = boost::asio::as_tuple(boost::asio::use_awaitable);

    // Only now that there is a connection is another one closed for it.
    boost::asio::awaitable<void> wait_for_room(shared_state& shared)
    {
        for(bool told = false; acceptor_.is_open() && !shared.open.make_room();) {
            if(!std::exchange(told, true))
                shared.options.log("all connections are busy: others wait");
            co_await shared.room.async_wait(tuple);
        }
        // Told once: that it goes on is seen from the count at the end.
        if(shared.open.closed() == 1 && !std::exchange(shared.crowded, true))
            shared.options.log("all connections are taken: those that have waited longest for a request are closed for others");
    }

    void begin(protocol::socket socket, shared_state& shared)
    try {
        if(where_.path.empty()) {
            boost::system::error_code ignored;
            socket.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
        }
        auto s = std::make_shared<session>(std::move(socket), where_.path.empty(), shared);
        // The session lives as long as its coroutine.
        auto run = [](std::shared_ptr<session> mine) -> boost::asio::awaitable<void> { co_await mine->run(); };
        boost::asio::co_spawn(acceptor_.get_executor(), run(std::move(s)), told("a connection", shared));
    }
    catch(std::bad_alloc const&) {
        shared.options.log("no memory for a connection");
    }

    // There may be no descriptor free: trying again at once would only keep the processor busy.
    boost::asio::awaitable<void> wait_a_moment(boost::system::error_code ec, shared_state& shared)
    {
        shared.options.log("cannot take a connection: " + ec.message());
        boost::asio::steady_timer timer(acceptor_.get_executor(), std::chrono::milliseconds(200));
        co_await timer.async_wait(tuple);
    }

    template<class Endpoint>
    void listen(Endpoint const& at)
    {
        acceptor_.open(protocol::endpoint(at).protocol());
        if(where_.path.empty())
            acceptor_.set_option(boost::asio::socket_base::reuse_address(true));
        acceptor_.bind(protocol::endpoint(at));
        acceptor_.listen();
    }

    void listen_at_path(boost::asio::any_io_executor const& executor)
    {
        using local = boost::asio::local::stream_protocol;
        local::endpoint const at(where_.path);
        struct stat there {};
        if(::lstat(where_.path.c_str(), &there) == 0) {
            boost::system::error_code ec;
            local::socket(executor).connect(at, ec);
            if(ec != boost::asio::error::connection_refused || !S_ISSOCK(there.st_mode))
                boost::throw_exception(boost::system::system_error(EADDRINUSE, boost::system::system_category(), where_.path));
            ::unlink(where_.path.c_str());
        }
        auto const before = ::umask(0177);
        try {
            listen(at);
        }
        catch(...) {
            ::umask(before);
            throw;
        }
        ::umask(before);
        if(::lstat(where_.path.c_str(), &there) == 0)
            inode_ = there.st_ino;
    }

    listen_address where_;
    boost::asio::basic_socket_acceptor<protocol> acceptor_;
    ino_t inode_ = 0; // of a UNIX socket
};

} // namespace engine

#endif
