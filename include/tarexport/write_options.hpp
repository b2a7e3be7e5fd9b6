//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_WRITE_OPTIONS_HPP
#define TAREXPORT_WRITE_OPTIONS_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/serializer.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>
#include <utility>

namespace tarexport {

/** Runs functions in other threads: constructed from a callable that takes a `std::function<void()>`, or empty.

    Copies share the callable.
*/
class executor_hook {
public:
    executor_hook() noexcept : call_() {}

    template<class F>
    requires(!std::same_as<F, executor_hook> && std::invocable<F&, std::function<void()>>)
    executor_hook(F f) : call_(std::make_shared<std::function<void(std::function<void()>)>>(std::move(f)))
    {
    }

    explicit operator bool() const noexcept { return call_ != nullptr; }

    /// Run a function in another thread. Precondition: not empty.
    void operator()(std::function<void()> work) const { (*call_)(std::move(work)); }

private:
    // Not the function itself: where it is a default argument's, g++ 12 takes it for uninitialized.
    std::shared_ptr<std::function<void(std::function<void()>)> const> call_;
};

/// How an archive is written.
struct write_options {
    byte_range range = {};                               ///< of the archive; all of it unless told
    verify verification = verify::covered;               ///< which layers are hashed and compared
    std::stop_token stop = {};                           ///< ends the save within one buffer
    std::size_t buffer_size = std::size_t{256} * 1024;   ///< bytes read at once; 0 counts as 1
    std::size_t jobs = 2;                                ///< threads that write at once; with 1, only the calling one, see `write`
    bool sum = false;                                    ///< compute the SHA-256 of the bytes written; no layer is copied by the kernel then

    /** Runs a function in another thread, an executor's `post` for instance. Then `write` makes no thread of its own.

        It is called at most `jobs` - 1 times. It does not matter when it runs the function, or whether: the calling thread does what is
        left. The function throws nothing, and refers to nothing of the save once that has ended.
    */
    executor_hook post = {};
};

} // namespace tarexport

#endif
