//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_CLI_SIGNALS_HPP
#define TAREXPORT_CLI_SIGNALS_HPP

#include "text.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <pthread.h>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace cli {

/** Turns the first SIGINT, SIGTERM or SIGHUP into a request to stop; the second ends the process at once.

    One that the process was started to ignore stays ignored. To be made before other threads, so that they inherit the
    blocked signals.
*/
class stop_on_signal {
public:
    /// @param output What the message that ends the process calls the output.
    explicit stop_on_signal(std::string_view output) : farewell_("tarexport: " + printable(output) + ": cancelled\n")
    {
        // Nobody may be reading our messages any more; that is no reason to leave a file half written.
        std::signal(SIGPIPE, SIG_IGN);
        sigemptyset(&signals_);
        sigaddset(&signals_, SIGUSR1);
        for(int s : {SIGINT, SIGTERM, SIGHUP}) {
            struct sigaction before {};
            if(sigaction(s, nullptr, &before) != 0 || before.sa_handler != SIG_IGN)
                sigaddset(&signals_, s);
        }
        pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
        try {
            waiter_ = std::thread([this] { wait(); });
        }
        catch(std::system_error const& e) {
            throw std::runtime_error(std::string("cannot start the thread that waits for signals: ") + e.code().message());
        }
    }

    stop_on_signal(stop_on_signal const&) = delete;
    stop_on_signal& operator=(stop_on_signal const&) = delete;

    ~stop_on_signal()
    {
        ended_ = true;
        pthread_kill(waiter_.native_handle(), SIGUSR1);
        waiter_.join();
    }

    std::stop_token token() const noexcept { return source_.get_token(); }

    /** Tell that there will be a file, which has to be removed on the way out.

        Before, nothing needs cleaning up: neither a large store nor a reader that takes no bytes keeps the process
        from ending soon.
        @return Whether to go on. False: it is about to end.
    */
    bool begin_file() noexcept
    {
        has_file_ = true;
        return !source_.stop_requested();
    }

private:
    void wait()
    {
        timespec const patience{2, 0};
        while(!ended_) {
            bool const stopping = source_.stop_requested();
            int const received = stopping && !has_file_ ? sigtimedwait(&signals_, nullptr, &patience) : sigwaitinfo(&signals_, nullptr);
            if(ended_ || received == SIGUSR1 || (received == -1 && (errno == EINTR || has_file_)))
                continue;
            if(received == -1)
                give_up();
            if(stopping)
                _exit(128 + received);
            source_.request_stop();
        }
    }

    [[noreturn]] void give_up() const
    {
        [[maybe_unused]] auto const n = ::write(2, farewell_.data(), farewell_.size());
        _exit(1);
    }

    std::string farewell_;
    std::atomic<bool> ended_ = false;
    std::atomic<bool> has_file_ = false;
    sigset_t signals_;
    std::stop_source source_;
    std::thread waiter_;
};

} // namespace cli

#endif
