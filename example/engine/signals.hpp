//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_SIGNALS_HPP
#define TAREXPORT_ENGINE_SIGNALS_HPP

#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <initializer_list>

namespace engine {

/// Listen for signals, but not for those that the program was started to ignore: nohup, or a shell that put it into the background.
inline void listen_for(boost::asio::signal_set& signals, std::initializer_list<int> numbers)
{
    for(int const s : numbers) {
        struct sigaction before {};
        if(::sigaction(s, nullptr, &before) != 0 || before.sa_handler != SIG_IGN)
            signals.add(s);
    }
}

} // namespace engine

#endif
