//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/async_layer.hpp>

#define BOOST_TEST_MODULE async_layer
#include <boost/test/unit_test.hpp>

#include "async_support.hpp"

#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace tarexport;
using namespace async_tests;

namespace {

// Gives 300 bytes at a time, on an executor of its own; may not be read in another way.
class network_source : testing::counted<tag_source> {
public:
    network_source(asio::io_context& c, std::string_view text, behaviour& how) : context_(&c), rest_(text), how_(&how) {}

    std::size_t read_some(std::span<std::byte>, error_code&)
    {
        BOOST_ERROR("read_some is called");
        return 0;
    }

    template<class Token>
    auto async_read_some(asio::mutable_buffer into, Token&& token)
    {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            [this, into](auto handler) {
                auto const n = std::min({into.size(), rest_.size(), std::size_t{300}});
                std::memcpy(into.data(), rest_.data(), n);
                rest_.remove_prefix(n);
                error_code ec;
                if(++how_->calls == how_->fail_at)
                    ec = make_error_code(boost::system::errc::connection_reset);
                else if(n == 0 && rest_.data() != nullptr)
                    ec = asio::error::eof;
                auto const executor = asio::get_associated_executor(handler, context_->get_executor());
                asio::post(executor, [h = std::move(handler), ec, n]() mutable { std::move(h)(ec, ec.failed() ? 0 : n); });
            },
            token);
    }

private:
    asio::io_context* context_;
    std::string_view rest_;
    behaviour* how_;
};

struct network_handle {
    descriptor const& info() const noexcept { return about; }

    result<network_source> open(std::uint64_t offset) const
    {
        return network_source(*context, std::string_view(text).substr(offset), *how);
    }

    asio::io_context* context;
    std::string text;
    behaviour* how;
    descriptor about;
};

static_assert(async_layer_source<network_source>);
static_assert(!async_layer_source<test_source>);

} // namespace

BOOST_AUTO_TEST_CASE(asynchronous_sources_are_read_asynchronously)
{
    for(std::size_t fail_at = 0;; ++fail_at) {
        behaviour how;
        archive const a(lists[0], how);
        how.fail_at = fail_at;
        run r(a);
        std::vector<network_handle> leases;
        for(auto const& text : script::layers_of(lists[0]))
            leases.push_back({&r.context, text, &how, {}});
        write_options options;
        options.buffer_size = 1000;
        tarexport::async_write(a.contents, std::span<network_handle const>(leases), r.out, r.pool.get_executor(), options, r.watcher,
            [&](error_code ec, save_report report) {
                ++r.completions;
                r.code = ec;
                r.report = std::move(report);
                r.held = testing::counted<tag_source>::alive();
            });
        r.finish();
        BOOST_TEST(r.completions == 1);
        BOOST_TEST(r.held == 0);
        BOOST_TEST((r.out.bytes == a.bytes.substr(0, r.report.bytes)));
        if(fail_at != 0 && how.calls < fail_at) {
            BOOST_TEST(r.report.ok());
            BOOST_TEST(r.report.layers_verified == 4u);
            break;
        }
        if(fail_at != 0)
            BOOST_TEST(r.code == boost::system::errc::connection_reset);
    }
}

namespace {

using socket_type = asio::local::stream_protocol::socket;

class socket_source : testing::counted<tag_source> {
public:
    explicit socket_source(socket_type s) : socket_(std::move(s)) {}

    std::size_t read_some(std::span<std::byte>, error_code&) { return 0; }

    template<class Token>
    auto async_read_some(asio::mutable_buffer into, Token&& token)
    {
        return socket_.async_read_some(into, std::forward<Token>(token));
    }

private:
    socket_type socket_;
};

// A layer whose bytes never come.
struct silent_handle {
    descriptor const& info() const noexcept { return about; }

    result<socket_source> open(std::uint64_t) const
    {
        socket_type near(*context);
        asio::local::connect_pair(near, *peer);
        return socket_source(std::move(near));
    }

    asio::io_context* context;
    std::unique_ptr<socket_type> peer;
    descriptor about;
};

} // namespace

BOOST_AUTO_TEST_CASE(a_read_that_waits_is_cancelled)
{
    for(auto type : {asio::cancellation_type::terminal, asio::cancellation_type::partial}) {
        behaviour how;
        archive const a(lists[2], how);
        run r(a);
        std::vector<silent_handle> leases;
        leases.push_back({&r.context, std::make_unique<socket_type>(r.context), {}});
        tarexport::async_write(a.contents, std::span<silent_handle const>(leases), r.out, r.pool.get_executor(), {}, r.watcher,
            asio::bind_cancellation_slot(r.cancel.slot(), [&](error_code ec, save_report report) {
                ++r.completions;
                r.code = ec;
                r.report = std::move(report);
                r.held = testing::counted<tag_source>::alive();
            }));
        r.context.run_one(); // comes back from opening, and begins to read
        BOOST_TEST(testing::counted<tag_source>::alive() == 1);
        r.cancel.emit(type);
        r.finish();
        BOOST_TEST(r.completions == 1);
        BOOST_TEST(r.held == 0);
        BOOST_TEST(r.code == asio::error::operation_aborted);
        BOOST_TEST((r.out.bytes == a.bytes.substr(0, r.report.bytes)));
    }
}
