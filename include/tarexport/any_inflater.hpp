//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ANY_INFLATER_HPP
#define TAREXPORT_ANY_INFLATER_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/inflater.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

namespace tarexport {

/// An `inflater` whose type is chosen at run time.
class any_inflater {
public:
    /// Construct from an inflater that has begun no member, or is in the middle of one.
    template<inflater I>
    explicit any_inflater(I i) : inner_(std::make_unique<model<I>>(std::move(i)))
    {
    }

    /// See `inflater`. Precondition: this was not moved from.
    inflate_status inflate(bytes_view& in, std::span<std::byte>& out) { return inner_->inflate(in, out); }

private:
    struct base {
        virtual ~base() = default;
        virtual inflate_status inflate(bytes_view& in, std::span<std::byte>& out) = 0;
    };

    template<class I>
    struct model final : base {
        explicit model(I i) : inner(std::move(i)) {}
        inflate_status inflate(bytes_view& in, std::span<std::byte>& out) override { return inner.inflate(in, out); }
        I inner;
    };

    std::unique_ptr<base> inner_;
};

/// Makes an inflater that has begun no member: an option of what decompresses without being a template.
using inflater_maker = any_inflater (*)();

/// An `inflater_maker`.
template<inflater I>
any_inflater make_inflater()
{
    return any_inflater(I());
}

} // namespace tarexport

#endif
