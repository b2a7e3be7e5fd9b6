//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_ASYNC_TICKET_HPP
#define TAREXPORT_DETAIL_ASYNC_TICKET_HPP

#include <atomic>
#include <utility>

namespace tarexport::detail {

/// Counts what an operation has under way: one thing from the start.
class async_count {
public:
    void add() noexcept { ++count_; }

    /// Count one less. @return Whether it was the last.
    bool end(bool dropped) noexcept
    {
        if(dropped)
            dropped_ = true;
        return count_.fetch_sub(1) == 1;
    }

    /// Return whether one thing did not end, but was dropped.
    bool dropped() const noexcept { return dropped_; }

private:
    std::atomic<unsigned> count_{1};
    std::atomic<bool> dropped_{false};
};

/** One thing that an operation has under way. Moves from executor to executor.

    Where an executor drops a ticket, as one does whose context is destroyed, the operation is destroyed, by the last of its tickets.

    @tparam Operation Has a member `under_way`, and `Operation::destroy(op)`.
*/
template<class Operation>
class async_ticket {
public:
    explicit async_ticket(Operation* op) noexcept : op_(op) {}
    async_ticket(async_ticket&& other) noexcept : op_(std::exchange(other.op_, nullptr)) {}
    async_ticket& operator=(async_ticket&&) = delete;

    ~async_ticket()
    {
        if(op_ != nullptr && op_->under_way.end(true))
            Operation::destroy(op_);
    }

    Operation& operator*() const noexcept { return *op_; }
    Operation* operator->() const noexcept { return op_; }

    /// Return a ticket for one thing more.
    async_ticket another() const noexcept
    {
        op_->under_way.add();
        return async_ticket(op_);
    }

    /// Tell that this thing has ended. @return Whether it was the last; if so, there is one again: the caller.
    bool last() noexcept
    {
        auto* const op = std::exchange(op_, nullptr);
        if(!op->under_way.end(false))
            return false;
        if(op->under_way.dropped()) {
            Operation::destroy(op);
            return false;
        }
        op->under_way.add();
        op_ = op;
        return true;
    }

    /// Leave the operation to the caller.
    Operation* release() noexcept { return std::exchange(op_, nullptr); }

private:
    Operation* op_;
};

} // namespace tarexport::detail

#endif
