//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_PART_QUEUE_HPP
#define TAREXPORT_DETAIL_PART_QUEUE_HPP

#include <tarexport/bytes.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <mutex>
#include <numeric>
#include <utility>
#include <vector>

namespace tarexport::detail {

/** Which parts of an archive wait to be written, and who takes which next: the one of which most is left.

    A worker takes a part, and a second one if it writes portions of two in turn and there are more than workers; and gives them back, after a
    portion or at the end. So parts that are written in portions all end at about the same time; but for one that is too large for that,
    which is taken alone, since so it is written faster.

    @tparam Task A part that has begun: `left()` tells how many of its bytes are not written, `ended()` whether it needs nobody any more,
    `number` is what distinguishes it from the others that have begun.

    @par Thread Safety
    Members may be called from several threads.
*/
template<class Task>
class part_queue {
public:
    /// What a worker has taken. Without a task, there is nothing left to do.
    struct share {
        std::unique_ptr<Task> task;
        bool to_end = true;     ///< whether nobody waits for it, so that it may be written to its end
        bool in_pair = false;   ///< whether a second one may be taken
        std::uint64_t left = 0; ///< of its bytes
    };

    /** Construct.
        @param parts The largest first.
        @param in_portions Whether workers write portions.
        @param most_begun How many may have begun and not ended, not 0.
    */
    part_queue(std::vector<byte_range> parts, bool in_portions, std::size_t most_begun)
        : parts_(std::move(parts))
        , in_portions_(in_portions)
        , live_(parts_.size())
        , left_(std::accumulate(parts_.begin(), parts_.end(), std::uint64_t{0}, [](auto sum, auto const& p) { return sum + p.size(); }))
        , numbers_(std::min(most_begun, parts_.size()))
    {
    }

    /// Return how many parts there were.
    std::size_t size() const noexcept { return parts_.size(); }

    /// Add a worker. It leaves when it is given nothing.
    void enter()
    {
        std::scoped_lock const lock(mutex_);
        ++workers_;
    }

    /** Wait for something to do, as long as there may be more of it than the others have.
        @param begin Makes a task of a part and its number. If that throws, all has to be given up.
    */
    template<class Begin>
    share take(Begin begin)
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return given_up_ || is_ready() || live_ < workers_; });
        if(given_up_ || !is_ready()) {
            --workers_;
            return {};
        }
        return this->next(begin, lock);
    }

    /// Take a second one beside the first, if there is one that nobody has.
    template<class Begin>
    share take_second(Begin begin)
    {
        std::unique_lock lock(mutex_);
        return given_up_ || !is_ready() ? share() : this->next(begin, lock);
    }

    /// Give back what was taken.
    void give_back(share s)
    {
        if(!s.task)
            return;
        auto const number = s.task->number;
        auto const written = s.left - s.task->left();
        bool const ended = s.task->ended();
        // It may tell an observer that it ends, before its number is another's.
        if(ended)
            s.task.reset();
        std::scoped_lock const lock(mutex_);
        left_ -= written;
        if(ended) {
            --live_;
            numbers_[number] = false;
        }
        else
            waiting_.push_back(std::move(s.task));
        changed_.notify_all();
    }

    /// Let no more parts begin.
    void begin_no_more()
    {
        std::scoped_lock const lock(mutex_);
        live_ -= parts_.size() - begun_;
        begun_ = parts_.size();
        changed_.notify_all();
    }

    /// Let nothing go on.
    void give_up()
    {
        std::scoped_lock const lock(mutex_);
        given_up_ = true;
        changed_.notify_all();
    }

private:
    // What follows is called with the mutex locked.

    bool may_begin() const { return begun_ != parts_.size() && std::ranges::find(numbers_, false) != numbers_.end(); }
    bool is_ready() const { return !waiting_.empty() || may_begin(); }

    // Unlocks it, since beginning takes time.
    template<class Begin>
    share next(Begin& begin, std::unique_lock<std::mutex>& lock)
    {
        share s;
        s.to_end = !in_portions_ || live_ <= workers_;
        auto const most = std::ranges::max_element(waiting_, {}, [](auto const& t) { return t->left(); });
        if(may_begin() && (most == waiting_.end() || (*most)->left() < parts_[begun_].size())) {
            auto const number = std::ranges::find(numbers_, false);
            auto const n = static_cast<std::size_t>(std::distance(numbers_.begin(), number));
            auto const part = parts_[begun_++];
            *number = true;
            s.left = part.size();
            s.in_pair = may_pair(s);
            lock.unlock();
            s.task = begin(part, n);
            return s;
        }
        std::swap(*most, waiting_.back());
        s.task = std::move(waiting_.back());
        waiting_.pop_back();
        s.left = s.task->left();
        s.in_pair = may_pair(s);
        return s;
    }

    // As many are written at a time as there are, and no more than two for each worker.
    bool may_pair(share const& s) const noexcept { return !s.to_end && s.left <= left_ / std::min(2 * workers_, live_); }

    std::vector<byte_range> const parts_;
    bool const in_portions_;

    std::mutex mutex_; // of what follows
    std::condition_variable changed_;
    std::size_t begun_ = 0; // how many of the parts
    std::size_t live_;      // how many have not ended
    std::uint64_t left_;    // bytes of all, as far as they were given back
    std::size_t workers_ = 0;
    std::vector<std::unique_ptr<Task>> waiting_; // begun, and taken by nobody
    std::vector<bool> numbers_;                  // which are in use
    bool given_up_ = false;
};

} // namespace tarexport::detail

#endif
