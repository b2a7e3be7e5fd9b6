//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_BOXED_OPTIONAL_HPP
#define TAREXPORT_BOXED_OPTIONAL_HPP

#include <boost/assert.hpp>

#include <memory>
#include <optional>
#include <utility>

namespace tarexport {

/** A value or nothing that takes no more room than a pointer where it is nothing.

    For large members that few objects have. Used as a `std::optional`, as far as it goes; the value is on the heap, and copied with this.

    @par Exception Safety
    Strong guarantee. Moving throws nothing, and leaves nothing behind.
*/
template<class T>
class boxed_optional {
public:
    using value_type = T;

    boxed_optional() noexcept = default;
    boxed_optional(std::nullopt_t) noexcept {}
    boxed_optional(T value) : value_(std::make_unique<T>(std::move(value))) {}

    boxed_optional(boxed_optional const& other) : value_(other ? std::make_unique<T>(*other) : nullptr) {}
    boxed_optional(boxed_optional&&) noexcept = default;
    boxed_optional& operator=(boxed_optional other) noexcept
    {
        value_ = std::move(other.value_);
        return *this;
    }
    ~boxed_optional() = default;

    bool has_value() const noexcept { return value_ != nullptr; }
    explicit operator bool() const noexcept { return has_value(); }

    /// Return the value. Precondition: there is one.
    T& operator*() noexcept
    {
        BOOST_ASSERT(value_);
        return *value_;
    }
    T const& operator*() const noexcept
    {
        BOOST_ASSERT(value_);
        return *value_;
    }
    T* operator->() noexcept { return &**this; }
    T const* operator->() const noexcept { return &**this; }

    void reset() noexcept { value_.reset(); }

    friend bool operator==(boxed_optional const& a, boxed_optional const& b)
    {
        return a && b ? *a == *b : a.has_value() == b.has_value();
    }

    friend bool operator==(boxed_optional const& a, T const& b) { return a && *a == b; }

private:
    std::unique_ptr<T> value_;
};

} // namespace tarexport

#endif
