//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_WORKER_POOL_HPP
#define TAREXPORT_DETAIL_WORKER_POOL_HPP

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace tarexport::detail {

/** Some threads that do what one thread gives them, first come first served.

    The destructor waits for what has begun, and leaves what has not; the work can see that in `stopping`.
*/
class worker_pool {
public:
    /// Something to do. Stays where it is until it is done.
    class job {
    public:
        /// Is given the number of its thread, below `threads()` or 0.
        std::function<void(std::size_t)> work;

    private:
        friend class worker_pool;
        std::exception_ptr thrown_;
        bool done_ = false;
    };

    /// Start threads; fewer, or none, where the system has no more.
    explicit worker_pool(std::size_t most)
    {
        threads_.reserve(most);
        try {
            while(threads_.size() != most)
                threads_.emplace_back([this, n = threads_.size()] { serve(n); });
        }
        catch(std::system_error const&) {
        }
        catch(...) {
            stop();
            throw;
        }
    }

    worker_pool(worker_pool const&) = delete;
    worker_pool& operator=(worker_pool const&) = delete;

    ~worker_pool() { stop(); }

    std::size_t threads() const noexcept { return threads_.size(); }
    std::atomic<bool> const& stopping() const noexcept { return stopping_; }

    /// Have something done. Without threads it is done here.
    void add(job& j)
    {
        if(threads_.empty())
            return perform(j, 0);
        {
            std::lock_guard const lock(mutex_);
            waiting_.push_back(&j);
        }
        work_.notify_one();
    }

    bool is_done(job const& j)
    {
        std::lock_guard const lock(mutex_);
        return j.done_;
    }

    /// Wait until something is done. Throws what the work threw.
    void wait(job const& j)
    {
        std::unique_lock lock(mutex_);
        ended_.wait(lock, [&] { return j.done_; });
        if(j.thrown_)
            std::rethrow_exception(j.thrown_);
    }

private:
    void stop()
    {
        {
            std::lock_guard const lock(mutex_);
            stopping_ = true;
        }
        work_.notify_all();
        for(auto& t : threads_)
            t.join();
    }

    void serve(std::size_t n)
    {
        for(;;) {
            job* next = nullptr;
            {
                std::unique_lock lock(mutex_);
                work_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
                if(stopping_)
                    return;
                next = waiting_.front();
                waiting_.pop_front();
            }
            perform(*next, n);
        }
    }

    void perform(job& j, std::size_t n) noexcept
    {
        std::exception_ptr thrown;
        try {
            j.work(n);
        }
        catch(...) {
            thrown = std::current_exception();
        }
        std::lock_guard const lock(mutex_);
        j.thrown_ = std::move(thrown);
        j.done_ = true;
        ended_.notify_one();
    }

    std::mutex mutex_;
    std::condition_variable work_;
    std::condition_variable ended_;
    std::deque<job*> waiting_;
    std::atomic<bool> stopping_ = false;
    std::vector<std::thread> threads_;
};

} // namespace tarexport::detail

#endif
