//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_TESTING_FAIL_COUNT_HPP
#define TAREXPORT_TESTING_FAIL_COUNT_HPP

#include <tarexport/error.hpp>

#include <boost/system/errc.hpp>

#include <atomic>
#include <cstddef>
#include <exception>
#include <utility>

namespace tarexport::testing {

/** Makes the n-th of many calls fail, with an error or by an exception.

    To see every failure of some code, count up from 1 until it succeeds:
    @code
    for(std::size_t n = 1;; ++n) {
        fail_count count(n);
        auto const report = save_something_through(failing_store(store, count));
        if(!count.failed())
            break;                       // it made fewer than n calls
        assert(report.reason.code == count.why());
    }
    @endcode

    @par Thread Safety
    Calls may be made in several threads; one of them is the n-th.
*/
class fail_count {
public:
    /// Construct with the number of the call that fails, from 1 on; 0 for none.
    explicit fail_count(std::size_t n, error_code why = make_error_code(boost::system::errc::io_error)) noexcept
        : n_(n)
        , why_(why)
    {
    }

    /// Construct with the number of the call that throws, from 1 on; 0 for none.
    fail_count(std::size_t n, std::exception_ptr thrown) noexcept : n_(n), thrown_(std::move(thrown)) {}

    fail_count(fail_count const&) = delete;
    fail_count& operator=(fail_count const&) = delete;

    /** Count a call. Whoever can fail calls this first.
        @throws The exception, if this is the call and there is one.
        @return Whether the call fails; then `ec` is set.
    */
    bool fails(error_code& ec)
    {
        if(++calls_ != n_)
            return false;
        if(thrown_)
            std::rethrow_exception(thrown_);
        ec = why_;
        return true;
    }

    /// Return the number of calls so far.
    std::size_t calls() const noexcept { return calls_; }

    /// Return whether the call has failed or thrown.
    bool failed() const noexcept { return n_ != 0 && calls_ >= n_; }

    /// Return the error that the call gives.
    error_code const& why() const noexcept { return why_; }

private:
    std::size_t n_;
    error_code why_;
    std::exception_ptr thrown_;
    std::atomic<std::size_t> calls_{0};
};

} // namespace tarexport::testing

#endif
