//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ASYNC_LAYER_HPP
#define TAREXPORT_ASYNC_LAYER_HPP

#include <tarexport/error.hpp>
#include <tarexport/layer.hpp>

#include <boost/asio/buffer.hpp>

#include <cstddef>

namespace tarexport {

namespace detail {

// A completion handler of a read or a write, for concepts.
struct any_transfer_handler {
    void operator()(error_code, std::size_t) const noexcept {}
};

} // namespace detail

/** A layer source that can also be read without keeping a thread waiting: one that comes over a network, say.

    `s.async_read_some(buffer, token)` is an asynchronous operation of Asio with the signature `void(error_code, std::size_t)`, as
    that of an `AsyncReadStream`: it puts 1 to `buffer.size()` bytes into the buffer. At the end, there are 0 and no error,
    or `asio::error::eof`. The source does not move while it is under way.

    `async_write` and `async_save` then call no `read_some`.
*/
template<class S>
concept async_layer_source = layer_source<S> && requires(S& s, boost::asio::mutable_buffer into, detail::any_transfer_handler handler) {
    s.async_read_some(into, handler);
};

} // namespace tarexport

#endif
