//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_STOP_FILTER_HPP
#define TAREXPORT_DETAIL_STOP_FILTER_HPP

#include <boost/asio/cancellation_type.hpp>

#include <stop_token>
#include <utility>

namespace tarexport::detail {

/// A filter for a `cancellation_state`: lets terminal and partial cancellation pass, and asks other threads to stop, too.
class stop_filter {
public:
    explicit stop_filter(std::stop_source s) noexcept : stop_(std::move(s)) {}

    boost::asio::cancellation_type_t operator()(boost::asio::cancellation_type_t asked)
    {
        using type = boost::asio::cancellation_type;
        auto const taken = asked & (type::terminal | type::partial);
        if(taken != type::none)
            stop_.request_stop();
        return taken;
    }

private:
    std::stop_source stop_;
};

} // namespace tarexport::detail

#endif
