//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_KEEPING_HANDLER_HPP
#define TAREXPORT_DETAIL_KEEPING_HANDLER_HPP

#include <tarexport/error.hpp>
#include <tarexport/serializer.hpp>

#include <boost/asio/associator.hpp>

#include <utility>

namespace tarexport::detail {

/// Puts the report into an object of the caller's, and tells the handler the rest.
template<class Handler>
struct keeping_handler {
    void operator()(error_code ec, save_report r)
    {
        *report = std::move(r);
        std::move(handler)(ec);
    }

    Handler handler;
    save_report* report;
};

} // namespace tarexport::detail

/// Executor, allocator and cancellation slot are those of the handler.
template<template<class, class> class Associator, class Handler, class Default>
struct boost::asio::associator<Associator, tarexport::detail::keeping_handler<Handler>, Default> : Associator<Handler, Default> {
    static auto get(tarexport::detail::keeping_handler<Handler> const& h) noexcept
    {
        return Associator<Handler, Default>::get(h.handler);
    }

    static auto get(tarexport::detail::keeping_handler<Handler> const& h, Default const& d) noexcept
    {
        return Associator<Handler, Default>::get(h.handler, d);
    }
};

#endif
