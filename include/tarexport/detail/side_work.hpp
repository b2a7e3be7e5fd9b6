//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_SIDE_WORK_HPP
#define TAREXPORT_DETAIL_SIDE_WORK_HPP

#include <tarexport/write_options.hpp>

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace tarexport::detail {

/** Work that somebody else's threads may help with.

    The destructor waits for the helpers that have begun. One that begins later finds that there is nothing to do, so it does not
    matter when an executor runs it, or whether.
*/
class side_work {
public:
    side_work() : state_(std::make_shared<state>()) {}
    side_work(side_work const&) = delete;
    side_work& operator=(side_work const&) = delete;

    ~side_work()
    {
        std::unique_lock lock(state_->mutex);
        state_->closed = true;
        state_->ended.wait(lock, [this] { return state_->running == 0; });
    }

    /// Ask for a helper. @param work Throws nothing.
    void ask(executor_hook const& post, std::function<void()> work)
    {
        post([s = state_, work = std::move(work)] { s->help(work); });
    }

private:
    struct state {
        std::mutex mutex;
        std::condition_variable ended;
        std::size_t running = 0;
        bool closed = false;

        void help(std::function<void()> const& work)
        {
            {
                std::scoped_lock const lock(mutex);
                if(closed)
                    return;
                ++running;
            }
            work();
            std::scoped_lock const lock(mutex);
            --running;
            ended.notify_all();
        }
    };

    std::shared_ptr<state> state_;
};

} // namespace tarexport::detail

#endif
