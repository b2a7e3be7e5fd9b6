//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ASYNC_WRITE_HPP
#define TAREXPORT_ASYNC_WRITE_HPP

#include <tarexport/detail/async_driver.hpp>
#include <tarexport/detail/wrapped_handler.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/observer.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/serializer.hpp>
#include <tarexport/write_options.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/execution/executor.hpp>
#include <boost/asio/is_executor.hpp>

#include <memory>
#include <span>
#include <type_traits>
#include <utility>

namespace tarexport {

/// A stream of Asio that can be written to: a socket of any kind, an `ssl::stream` or a stream of Beast.
template<class S>
concept async_write_stream = requires(S& s, boost::asio::const_buffer bytes, detail::any_transfer_handler handler) {
    typename S::executor_type;
    s.get_executor();
    s.async_write_some(bytes, handler);
};

/// An executor of Asio.
template<class E>
concept asio_executor = boost::asio::execution::is_executor<E>::value || boost::asio::is_executor<E>::value;

namespace detail {

// What begins when the completion token wants it to.
template<class Hashes, layer_handle Handle, class Stream, observer O, class Blocking>
struct begin_async_write {
    using executor_type = typename Stream::executor_type;

    executor_type get_executor() const noexcept { return job.stream->get_executor(); }

    template<class Handler>
    void operator()(Handler&& handler)
    {
        using driver = async_driver<Hashes, Handle, Stream, O, Blocking, std::decay_t<Handler>>;
        driver::start(std::move(job), std::forward<Handler>(handler));
    }

    // Keeps the report.
    template<class Handler>
    void operator()(Handler&& handler, save_report* report)
    {
        (*this)(wrapped_handler<std::decay_t<Handler>, keep_report>{std::forward<Handler>(handler), {report}});
    }

    async_job<Handle, Stream, O, Blocking> job;
};

} // namespace detail

/** Write a plan, or a range of it, to a stream of Asio.

    The same bytes as `write` gives. No thread waits for the stream, and none is made: layers are opened, read, hashed and closed on
    an executor of the caller's for work that may block, a `thread_pool`, say; a source that is an `async_layer_source` is read on
    the handler's. While bytes are on their way out, the next are read into a second buffer. Where the stream is a UNIX socket of Asio,
    the source an `extent_source`, and neither a digest nor a sum is wanted, the kernel copies the layer: the program does not see its bytes.

    Completes with the code of `report.reason`, on the handler's associated executor, never before this function has returned, and
    after every layer was closed. The observer is called there, too. The handler's associated allocator is used for the
    operation itself, and never in threads of the blocking executor.

    Terminal and partial cancellation are noticed at once by the stream, and within one read by a layer: it completes with
    `operation_aborted`, and `report.bytes` says how many bytes the stream has taken. `options.stop` works as it does in `write`;
    `options.jobs` does not matter.

    What sources and hashes throw becomes the reason: the code of a `system_error`, else `exception_thrown`.

    @par Preconditions
    Plan, leases, stream and observer live until the completion, and nobody else writes to the stream. The blocking executor's
    context ends before those of the stream and the handler do: it hands back what it was given. Where a context ends before the
    completion, the operation is destroyed, and the others live until then.

    @tparam Hashes The `hash_set` that verifies.
    @param leases The handles that the plan's layers refer to by number.
    @param blocking An executor whose threads may wait.
    @param o An `observer`.
    @param token A completion token for `void(error_code, save_report)`.
*/
template<class Hashes = hash_set<sha256, sha384, sha512>, layer_handle Handle, async_write_stream Stream, asio_executor Blocking,
    observer O, boost::asio::completion_token_for<void(error_code, save_report)> Token>
auto async_write(plan const& p, std::span<Handle const> leases, Stream& stream, Blocking const& blocking, write_options const& options,
    O& o, Token&& token)
{
    return boost::asio::async_initiate<Token, void(error_code, save_report)>(
        detail::begin_async_write<Hashes, Handle, Stream, O, Blocking>{
            {&p, leases, std::addressof(stream), std::addressof(o), blocking, options}},
        token);
}

/** As above, for a token that throws what it is told or forgets it: the report goes to an object that lives until the completion.
    @param token A completion token for `void(error_code)`.
*/
template<class Hashes = hash_set<sha256, sha384, sha512>, layer_handle Handle, async_write_stream Stream, asio_executor Blocking,
    observer O, boost::asio::completion_token_for<void(error_code)> Token>
auto async_write(plan const& p, std::span<Handle const> leases, Stream& stream, Blocking const& blocking, write_options const& options,
    O& o, save_report& report, Token&& token)
{
    return boost::asio::async_initiate<Token, void(error_code)>(
        detail::begin_async_write<Hashes, Handle, Stream, O, Blocking>{
            {&p, leases, std::addressof(stream), std::addressof(o), blocking, options}},
        token, &report);
}

} // namespace tarexport

#endif
