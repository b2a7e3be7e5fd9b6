//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_EXCHANGE_HPP
#define TAREXPORT_ENGINE_EXCHANGE_HPP

#include "url.hpp"

#include <tarexport/bytes.hpp>
#include <tarexport/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace engine {

/// The least that a server has to send in the time that a client waits for it, in bytes; as little may come only where all ends.
inline constexpr std::size_t least_progress = 64 * 1024;

/// Return what messages call a server.
std::string called(listen_address const& server);

/// One request for a range, on a connection of its own.
class exchange {
public:
    using outcome = tarexport::result<void>;

    /// Called with all bytes of an archive in their order; what it fails with ends the exchange.
    using taker = std::function<outcome(tarexport::bytes_view)>;

    /** Construct.

        @param from Outlives this object.
        @param patience How long connecting, the beginning of an answer, and each `least_progress` bytes of it may take.
    */
    exchange(boost::asio::any_io_executor const& network, url const& from, std::string const& range, std::chrono::seconds patience);

    /// Let the range count only if the server still has this (an entity tag with its quotes).
    void only_if(std::string const& etag) { request_.set(boost::beast::http::field::if_range, etag); }

    /** Send the request and read the answer.

        @param begun Called when the beginning of an answer is there that has the archive, status 200 or 206; what it fails with ends
        the exchange.
        @return Nothing when the answer is over. An answer with another status is a failure: with the server's message.
    */
    boost::asio::awaitable<outcome> run(std::function<outcome()> const& begun, taker const& take);

    /// Return the status; 0 before there is one.
    unsigned status() const noexcept { return status_; }

    /// Return a field of the answer.
    std::string field(boost::beast::http::field name) const;

    /// Return in what time a server that is too busy wants to be asked again, where it says so and patience lasts for that.
    std::optional<std::chrono::seconds> retry_after() const;

private:
    boost::asio::awaitable<outcome> ask();
    boost::asio::awaitable<outcome> read(taker const& take);
    outcome hear(tarexport::bytes_view bytes);
    tarexport::failure refused() const;
    tarexport::failure broken(boost::system::error_code ec, char const* doing, char const* late) const;

    url const& from_;
    std::chrono::seconds patience_;
    boost::beast::basic_stream<boost::asio::generic::stream_protocol> stream_;
    boost::beast::flat_buffer buffer_{128 * 1024};
    boost::beast::http::request<boost::beast::http::empty_body> request_;
    std::optional<boost::beast::http::response_parser<boost::beast::http::buffer_body>> parser_; // one for each answer, also those before the last
    std::array<std::byte, 64 * 1024> piece_;
    unsigned status_ = 0;
    std::string said_; // by an answer that has no archive
};

} // namespace engine

#endif
