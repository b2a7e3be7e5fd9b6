//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_SPARE_WORKERS_HPP
#define TAREXPORT_DETAIL_SPARE_WORKERS_HPP

#include <atomic>
#include <cstddef>

namespace tarexport::detail {

/** Counts the workers that have nothing left to do. For each of them another one may have threads of its own.

    What was taken is given back with `add`, when the help has ended.

    @par Thread Safety
    Members may be called from several threads.
*/
class spare_workers {
public:
    /// Add a worker that is out of work, or whose place is free again.
    void add() noexcept { ++count_; }

    /// Take one. @return Whether there was one.
    bool take() noexcept
    {
        for(auto n = count_.load(); n != 0;)
            if(count_.compare_exchange_weak(n, n - 1))
                return true;
        return false;
    }

private:
    std::atomic<std::size_t> count_{0};
};

} // namespace tarexport::detail

#endif
