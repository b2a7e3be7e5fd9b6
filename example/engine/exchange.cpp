//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include "exchange.hpp"
#include "range.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/parse.hpp>

#include <cstdint>
#include <limits>

namespace engine {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tarexport::failure;
using clock = std::chrono::steady_clock;

constexpr auto tuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t longest_message = 64 * 1024;
constexpr std::size_t longest_line = 500; // of a message that is told
constexpr int most_interim = 8;           // answers before the one that counts

// What a status says by itself.
std::string meaning(unsigned status)
{
    switch(status) {
    case 416: return "it has not the bytes that were asked for";
    case 429:
    case 503: return "it is too busy";
    }
    return "no archive";
}

} // namespace

std::string called(listen_address const& server)
{
    return server.path.empty() ? server.host + " port " + std::to_string(server.port) : server.path;
}

exchange::exchange(asio::any_io_executor const& network, url const& from, std::string const& range, std::chrono::seconds patience)
    : from_(from)
    , patience_(patience)
    , stream_(network)
{
    // Beast reads as much at once as there is room for, and of a small buffer makes no large one: it would be 512 bytes for ever.
    buffer_.reserve(piece_.size());
    request_.method(http::verb::get);
    request_.target(from_.target);
    request_.set(http::field::host, "localhost");
    request_.set(http::field::connection, "close");
    request_.set(http::field::accept_encoding, "identity");
    request_.set(http::field::range, range);
}

asio::awaitable<exchange::outcome> exchange::run(std::function<outcome()> const& begun, taker const& take)
{
    if(auto asked = co_await ask(); !asked)
        co_return asked;
    status_ = parser_->get().result_int();
    bool const good = status_ == 200 || status_ == 206;
    if(auto const coding = field(http::field::content_encoding); good && !coding.empty() && coding != "identity")
        co_return failure{make_error_code(boost::system::errc::protocol_error), called(from_.server),
            "it has encoded the archive, which was not asked for"};
    if(good)
        if(auto accepted = begun(); !accepted)
            co_return accepted;
    taker const listen = [this](tarexport::bytes_view bytes) { return hear(bytes); };
    auto const done = co_await read(good ? take : listen);
    co_return done && !good ? outcome(refused()) : done;
}

// Connects, sends the request and reads how the answer begins.
asio::awaitable<exchange::outcome> exchange::ask()
{
    asio::generic::stream_protocol::endpoint at;
    if(from_.server.path.empty())
        at = asio::ip::tcp::endpoint(asio::ip::make_address(from_.server.host), from_.server.port);
    else
        at = asio::local::stream_protocol::endpoint(from_.server.path);
    stream_.expires_after(patience_);
    if(auto const [ec] = co_await stream_.async_connect(at, tuple); ec)
        co_return broken(ec, "connecting", "did not take the connection");
    stream_.expires_after(patience_);
    if(auto const [ec, n] = co_await http::async_write(stream_, request_, tuple); ec)
        co_return broken(ec, "asking", "did not take the request");
    // A server may say that it is at work before it answers: RFC 9110, 15.2.
    for(int interim = 0; interim <= most_interim; ++interim) {
        parser_.emplace();
        parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
        if(auto const [ec, n] = co_await http::async_read_header(stream_, buffer_, *parser_, tuple); ec)
            co_return broken(ec, "reading the answer", "did not answer");
        if(auto const status = parser_->get().result_int(); status / 100 != 1 || status == 101)
            co_return outcome();
    }
    co_return failure{make_error_code(boost::system::errc::protocol_error), called(from_.server), "it goes on and on without an answer"};
}

asio::awaitable<exchange::outcome> exchange::read(taker const& take)
{
    // Only time that is spent waiting counts, and bytes that drip do not buy more of it.
    clock::duration left = patience_;
    std::size_t arrived = 0;
    while(!parser_->is_done()) {
        parser_->get().body().data = piece_.data();
        parser_->get().body().size = piece_.size();
        auto const asked = clock::now();
        stream_.expires_after(left);
        auto [ec, some] = co_await http::async_read_some(stream_, buffer_, *parser_, tuple);
        left -= clock::now() - asked;
        if(ec == http::error::need_buffer)
            ec = {};
        auto const n = piece_.size() - parser_->get().body().size;
        if(auto taken = take(tarexport::bytes_view(piece_).first(n)); !taken)
            co_return taken;
        if(ec)
            co_return broken(ec, "the answer ended too early", "sent less than 64 KiB");
        arrived += n;
        if(arrived >= least_progress) {
            arrived = 0;
            left = patience_;
        }
    }
    co_return outcome();
}

std::string exchange::field(http::field name) const
{
    auto const text = parser_->get()[name];
    return {text.data(), text.size()};
}

std::optional<std::chrono::seconds> exchange::retry_after() const
{
    if(status_ != 429 && status_ != 503)
        return std::nullopt;
    auto const n = detail::number(field(http::field::retry_after));
    auto const most = static_cast<std::uint64_t>(patience_.count());
    return n && *n <= most ? std::optional(std::chrono::seconds(*n)) : std::nullopt;
}

// Keeps what an answer says that is no archive. One that goes on and on would keep us for ever.
exchange::outcome exchange::hear(tarexport::bytes_view bytes)
{
    if(bytes.size() > longest_message - said_.size())
        return failure{make_error_code(boost::system::errc::protocol_error), called(from_.server),
            "its message has no end, status " + std::to_string(status_)};
    said_.append(tarexport::to_text(bytes));
    return {};
}

// What an answer that is an error says, in one line.
failure exchange::refused() const
{
    boost::system::error_code ec;
    auto const parsed = boost::json::parse(said_, ec);
    auto const* const object = ec ? nullptr : parsed.if_object();
    auto const* const message = object ? object->if_contains("message") : nullptr;
    auto line = message && message->is_string() ? std::string(message->get_string()) : meaning(status_);
    if(line.size() > longest_line)
        line.replace(longest_line, std::string::npos, "..");
    auto const code =
        status_ == 404 ? make_error_code(tarexport::error::unknown_image) : make_error_code(boost::system::errc::protocol_error);
    return {code, called(from_.server), line + ", status " + std::to_string(status_)};
}

failure exchange::broken(boost::system::error_code ec, char const* doing, char const* late) const
{
    if(ec != boost::beast::error::timeout)
        return {ec, called(from_.server), doing};
    return {make_error_code(boost::system::errc::timed_out), called(from_.server),
        std::string("it ") + late + " in " + std::to_string(patience_.count()) + " s; --stall-timeout gives it more"};
}

} // namespace engine
