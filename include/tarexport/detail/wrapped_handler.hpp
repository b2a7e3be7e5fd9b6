//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_WRAPPED_HANDLER_HPP
#define TAREXPORT_DETAIL_WRAPPED_HANDLER_HPP

#include <tarexport/error.hpp>
#include <tarexport/serializer.hpp>

#include <boost/asio/associator.hpp>

#include <memory>
#include <utility>

namespace tarexport::detail {

/** A completion handler that is called in a way of its own: as `call(handler, code, report)`.

    Executor, allocator and cancellation slot are those of the handler. It is destroyed after `call`, because it may own what that
    refers to: a coroutine does.
*/
template<class Handler, class Call>
struct wrapped_handler {
    void operator()(error_code ec, save_report report)
    {
        auto h = std::move(handler);
        auto c = std::move(call);
        c(std::move(h), ec, std::move(report));
    }

    Handler handler;
    Call call;
};

/// Puts the report into an object of the caller's, and tells the handler the rest.
struct keep_report {
    template<class Handler>
    void operator()(Handler h, error_code ec, save_report report)
    {
        *kept = std::move(report);
        std::move(h)(ec);
    }

    save_report* kept;
};

/// Keeps the state of an operation until the handler is called.
template<class State>
struct keep_state {
    template<class Handler>
    void operator()(Handler h, error_code ec, save_report report)
    {
        state.reset();
        std::move(h)(ec, std::move(report));
    }

    std::shared_ptr<State> state;
};

} // namespace tarexport::detail

template<template<class, class> class Associator, class Handler, class Call, class Default>
struct boost::asio::associator<Associator, tarexport::detail::wrapped_handler<Handler, Call>, Default> : Associator<Handler, Default> {
    static auto get(tarexport::detail::wrapped_handler<Handler, Call> const& h) noexcept
    {
        return Associator<Handler, Default>::get(h.handler);
    }

    static auto get(tarexport::detail::wrapped_handler<Handler, Call> const& h, Default const& d) noexcept
    {
        return Associator<Handler, Default>::get(h.handler, d);
    }
};

#endif
