//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_THREAD_LENDER_HPP
#define TAREXPORT_THREAD_LENDER_HPP

#include <concepts>
#include <functional>

namespace tarexport {

/** Lends threads: is called with a function, and runs it in another thread, as an executor's `post` does.

    It does not matter when, or whether: who asks does what is left. The function throws nothing, and refers to nothing of the save once
    that has ended.
*/
template<class T>
concept thread_lender = std::invocable<T&, std::function<void()>>;

} // namespace tarexport

#endif
