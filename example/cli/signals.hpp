//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_CLI_SIGNALS_HPP
#define TAREXPORT_CLI_SIGNALS_HPP

#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <pthread.h>
#include <stop_token>
#include <string_view>
#include <thread>
#include <unistd.h>

namespace cli {

/** Turns the first SIGINT, SIGTERM or SIGHUP into a request to stop; the second ends the process at once.

    One that the process was started to ignore stays ignored. To be made before other threads, so that they inherit the
    blocked signals.
*/
class stop_on_signal {
public:
    /// @param to_stream Whether the archive goes to standard output: then nothing needs cleaning up, and a reader that
    /// takes no bytes does not keep the process from ending.
    explicit stop_on_signal(bool to_stream) : to_stream_(to_stream)
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
        waiter_ = std::thread([this] { wait(); });
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

private:
    void wait()
    {
        timespec const patience{2, 0};
        while(!ended_) {
            bool const stopping = source_.stop_requested();
            int const received = stopping && to_stream_ ? sigtimedwait(&signals_, nullptr, &patience) : sigwaitinfo(&signals_, nullptr);
            if(ended_ || received == SIGUSR1 || (received == -1 && errno == EINTR))
                continue;
            if(received == -1)
                give_up();
            if(stopping)
                _exit(128 + received);
            source_.request_stop();
        }
    }

    // The thread that writes waits for a reader that takes nothing.
    [[noreturn]] static void give_up()
    {
        constexpr std::string_view text = "tarexport: standard output: cancelled\n";
        [[maybe_unused]] auto const n = ::write(2, text.data(), text.size());
        _exit(1);
    }

    bool to_stream_;
    std::atomic<bool> ended_ = false;
    sigset_t signals_;
    std::stop_source source_;
    std::thread waiter_;
};

} // namespace cli

#endif
