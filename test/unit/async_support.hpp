//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A stream that chops, fails and can be told to wait, and an asynchronous write to it that is run to its end.

#ifndef TAREXPORT_TEST_ASYNC_SUPPORT_HPP
#define TAREXPORT_TEST_ASYNC_SUPPORT_HPP

#include "driver_support.hpp"

#include <tarexport/async_write.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace async_tests {

using namespace driver_tests;

namespace asio = boost::asio;

/// A stream into a text. Cancellation is honoured as a socket does it: by an operation that waits.
class text_stream {
public:
    using executor_type = asio::io_context::executor_type;

    explicit text_stream(asio::io_context& c) : context_(&c) {}

    executor_type get_executor() const noexcept { return context_->get_executor(); }

    template<class Buffers, class Token>
    auto async_write_some(Buffers const& buffers, Token&& token)
    {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto handler, Buffers const& b) { this->begin(std::move(handler), b); }, token, buffers);
    }

    std::string bytes;
    std::size_t limit = std::numeric_limits<std::size_t>::max(); // bytes of one write
    std::size_t fail_at = 0;  // the write that fails, from 1 on
    std::size_t block_at = 0; // the write that waits until it is cancelled, from 1 on
    std::size_t writes = 0;
    std::function<void()> on_write;

private:
    template<class Handler, class Buffers>
    void begin(Handler handler, Buffers const& buffers)
    {
        if(on_write)
            on_write();
        ++writes;
        auto slot = asio::get_associated_cancellation_slot(handler);
        auto shared = std::make_shared<Handler>(std::move(handler));
        if(writes == block_at) {
            auto finish = [this, shared](asio::cancellation_type) { this->end(shared, asio::error::operation_aborted, 0); };
            if(slot.is_connected())
                slot.assign(finish);
            else
                blocked_ = [finish] { finish({}); };
            return;
        }
        if(writes == fail_at)
            return end(shared, make_error_code(boost::system::errc::broken_pipe), 0);
        std::size_t n = 0;
        for(auto i = asio::buffer_sequence_begin(buffers); i != asio::buffer_sequence_end(buffers); ++i) {
            asio::const_buffer const b(*i);
            auto const some = std::min(b.size(), limit - n);
            bytes.append(static_cast<char const*>(b.data()), some);
            n += some;
        }
        end(shared, {}, n);
    }

    template<class Handler>
    void end(std::shared_ptr<Handler> const& shared, error_code ec, std::size_t n)
    {
        auto const executor = asio::get_associated_executor(*shared, get_executor());
        asio::post(executor, [handler = std::move(*shared), ec, n]() mutable { std::move(handler)(ec, n); });
    }

    asio::io_context* context_;
    std::function<void()> blocked_;
};

static_assert(async_write_stream<text_stream>);
static_assert(!async_write_stream<std::string>);

/// One asynchronous write of an archive, with a pool of one thread for what blocks.
struct run {
    explicit run(archive const& a) : what(a) {}

    template<class Token>
    void start(write_options const& options, Token token)
    {
        tarexport::async_write(what.contents, std::span<test_handle const>(what.leases), out, pool.get_executor(), options, watcher,
            std::move(token));
    }

    void start(write_options const& options = {})
    {
        start(options, asio::bind_cancellation_slot(cancel.slot(), [this](error_code ec, save_report r) {
            held = testing::counted<tag_source>::alive();
            ++completions;
            code = ec;
            report = std::move(r);
        }));
    }

    void finish() { context.run(); }

    archive const& what;
    asio::io_context context;
    asio::thread_pool pool{1};
    text_stream out{context};
    asio::cancellation_signal cancel;
    no_observer watcher;
    int completions = 0;
    int held = 0; // sources that were open when it completed
    error_code code;
    save_report report;
};

} // namespace async_tests

#endif
