//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_LENT_THREADS_HPP
#define TAREXPORT_DETAIL_LENT_THREADS_HPP

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace tarexport::detail {

/// In the place of what lends threads: those that work make their own.
struct own_threads {};

/** Work that somebody else's threads may help with.

    The destructor waits for the helpers that have begun. One that begins later finds that there is nothing to do, so it does not
    matter when its thread comes, or whether.
*/
class lent_threads {
public:
    lent_threads() : state_(std::make_shared<state>()) {}
    lent_threads(lent_threads const&) = delete;
    lent_threads& operator=(lent_threads const&) = delete;

    ~lent_threads()
    {
        std::unique_lock lock(state_->mutex);
        state_->closed = true;
        state_->ended.wait(lock, [this] { return state_->running == 0; });
    }

    /// Ask for a helper. @param lender A `thread_lender`. @param work Throws nothing.
    template<class Lender>
    void ask(Lender& lender, std::function<void()> work)
    {
        lender(std::function<void()>([s = state_, work = std::move(work)] { s->help(work); }));
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
