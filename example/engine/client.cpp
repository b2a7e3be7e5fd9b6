//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include "client.hpp"
#include "range.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/parse.hpp>

#include <array>
#include <csignal>
#include <cstddef>
#include <exception>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace engine {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tarexport::failure;

constexpr auto protocol_error = boost::system::errc::protocol_error;

constexpr auto tuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t longest_message = 64 * 1024;
constexpr std::size_t longest_line = 500; // of a message that is told

std::string called(listen_address const& a) { return a.path.empty() ? a.host + " port " + std::to_string(a.port) : a.path; }

std::string text(boost::beast::string_view s) { return {s.data(), s.size()}; }

// One request, on a connection of its own.
class exchange {
public:
    using parser = http::response_parser<http::buffer_body>;

    explicit exchange(url const& from) : from_(from), stream_(network_), signals_(network_, SIGINT, SIGTERM)
    {
        parser_.body_limit(std::numeric_limits<std::uint64_t>::max());
    }

    http::request<http::empty_body>& request() noexcept { return request_; }
    parser& answer() noexcept { return parser_; }

    // Sends the request and reads how the answer begins; then has `body` called, with no bytes first, since there may be none, and
    // with all bytes of it, until that fails.
    tarexport::result<void> run(std::function<tarexport::result<void>(tarexport::bytes_view)> const& body)
    {
        request_.method(http::verb::get);
        request_.target(from_.target);
        request_.set(http::field::host, "localhost");
        request_.set(http::field::connection, "close");
        signals_.async_wait([this](boost::system::error_code ec, int) {
            cancelled_ = !ec;
            stream_.close();
        });
        asio::co_spawn(network_, talk(body), [this](std::exception_ptr e) {
            thrown_ = e;
            signals_.cancel();
        });
        network_.run();
        if(thrown_)
            std::rethrow_exception(thrown_);
        if(cancelled_)
            return failure{tarexport::error::cancelled, called(from_.server), {}};
        return why_ ? tarexport::result<void>(*why_) : tarexport::result<void>();
    }

private:
    asio::awaitable<boost::system::error_code> connect()
    {
        asio::generic::stream_protocol::endpoint at;
        if(from_.server.path.empty())
            at = asio::ip::tcp::endpoint(asio::ip::make_address(from_.server.host), from_.server.port);
        else
            at = asio::local::stream_protocol::endpoint(from_.server.path);
        stream_.expires_after(server_patience);
        auto const [ec] = co_await stream_.async_connect(at, tuple);
        co_return ec;
    }

    asio::awaitable<void> talk(std::function<tarexport::result<void>(tarexport::bytes_view)> const& body)
    {
        if(auto const ec = co_await connect())
            co_return fail(ec, "connecting");
        stream_.expires_after(server_patience);
        auto const [unsent, sent] = co_await http::async_write(stream_, request_, tuple);
        if(unsent)
            co_return fail(unsent, "asking");
        auto const [unread, n] = co_await http::async_read_header(stream_, buffer_, parser_, tuple);
        if(unread)
            co_return fail(unread, "reading the answer");
        if(auto const begun = body({}); !begun) {
            why_ = begun.error();
            co_return;
        }
        while(!parser_.is_done()) {
            parser_.get().body().data = piece_.data();
            parser_.get().body().size = piece_.size();
            stream_.expires_after(server_patience);
            auto [ec, some] = co_await http::async_read_some(stream_, buffer_, parser_, tuple);
            if(ec == http::error::need_buffer)
                ec = {};
            auto const taken = body(tarexport::bytes_view(piece_).first(piece_.size() - parser_.get().body().size));
            if(!taken) {
                why_ = taken.error();
                co_return;
            }
            if(ec)
                co_return fail(ec, "the answer ended too early");
        }
    }

    void fail(boost::system::error_code ec, char const* doing) { why_ = failure{ec, called(from_.server), doing}; }

    url const& from_;
    asio::io_context network_{1};
    boost::beast::basic_stream<asio::generic::stream_protocol> stream_;
    asio::signal_set signals_;
    boost::beast::flat_buffer buffer_{128 * 1024};
    http::request<http::empty_body> request_;
    parser parser_;
    std::array<std::byte, 64 * 1024> piece_;
    std::optional<failure> why_;
    std::exception_ptr thrown_;
    bool cancelled_ = false;
};

// What an answer that is an error says, in one line.
failure refused(url const& from, unsigned status, std::string_view body)
{
    boost::system::error_code ec;
    auto const parsed = boost::json::parse(boost::json::string_view(body.data(), body.size()), ec);
    auto const* const object = ec ? nullptr : parsed.if_object();
    auto const* const message = object ? object->if_contains("message") : nullptr;
    auto said = message && message->is_string() ? std::string(message->get_string()) : std::string("no archive");
    if(said.size() > longest_line)
        said.replace(longest_line, std::string::npos, "..");
    auto const code = status == 404 ? make_error_code(tarexport::error::unknown_image) : make_error_code(protocol_error);
    return {code, called(from.server), said + ", status " + std::to_string(status)};
}

// Keeps what an answer says that is no archive. One that goes on and on would keep us for ever.
tarexport::result<void> hear(std::string& said, tarexport::bytes_view bytes, url const& from, unsigned status)
{
    if(bytes.size() > longest_message - said.size())
        return failure{make_error_code(protocol_error), called(from.server), "its message has no end, status " + std::to_string(status)};
    said.append(tarexport::to_text(bytes));
    return {};
}

std::optional<tarexport::digest> etag_in(std::string_view field)
{
    if(field.size() < 2 || field.front() != '"' || field.back() != '"')
        return std::nullopt;
    auto const d = tarexport::parse_digest(field.substr(1, field.size() - 2));
    return d ? std::optional(*d) : std::nullopt;
}

} // namespace

tarexport::result<remote_archive> ask(url const& from)
{
    // Not HEAD: what is wrong is said in the body. A range that nothing has keeps an archive from being sent.
    exchange x(from);
    x.request().set(http::field::range, "bytes=0-0");
    std::string body;
    auto const done = x.run([&](tarexport::bytes_view bytes) -> tarexport::result<void> {
        if(x.answer().get().result() == http::status::ok)
            return failure{make_error_code(protocol_error), called(from.server), "it does not send ranges"};
        return hear(body, bytes, from, x.answer().get().result_int());
    });
    if(!done)
        return done.error();
    auto const& answer = x.answer().get();
    if(answer.result_int() != 206)
        return refused(from, answer.result_int(), body);
    auto const etag = etag_in(text(answer[http::field::etag]));
    auto const range = text(answer[http::field::content_range]);
    auto const slash = range.find('/');
    auto const size = slash == std::string::npos ? std::nullopt : detail::number(std::string_view(range).substr(slash + 1));
    if(!etag || !size)
        return failure{make_error_code(protocol_error), called(from.server),
            "it does not say which archive it has, or how large that is"};
    return remote_archive{*etag, *size};
}

tarexport::result<void> download(url const& from, remote_archive const& archive, std::uint64_t first,
    std::function<tarexport::result<void>(tarexport::bytes_view)> const& take)
{
    if(first == archive.size)
        return {};
    auto const etag = "\"" + archive.etag.str() + "\"";
    auto const wanted = "bytes " + std::to_string(first) + "-" + std::to_string(archive.size - 1) + "/" + std::to_string(archive.size);
    exchange x(from);
    x.request().set(http::field::range, "bytes=" + std::to_string(first) + "-");
    x.request().set(http::field::if_range, etag);
    std::uint64_t at = first;
    std::string said; // by an answer that is an error
    auto const failed = [&] { return x.answer().get().result_int() >= 400; };
    auto const done = x.run([&](tarexport::bytes_view bytes) -> tarexport::result<void> {
        auto const& answer = x.answer().get();
        if(failed())
            return hear(said, bytes, from, answer.result_int());
        if(answer.result_int() != 206 || text(answer[http::field::etag]) != etag || text(answer[http::field::content_range]) != wanted)
            return failure{tarexport::error::cannot_resume, called(from.server),
                "it has another archive now, status " + std::to_string(answer.result_int())};
        if(bytes.size() > archive.size - at)
            return failure{make_error_code(protocol_error), called(from.server), "more bytes than it promised"};
        at += bytes.size();
        return take(bytes);
    });
    if(!done)
        return done;
    if(failed())
        return refused(from, x.answer().get().result_int(), said);
    if(at != archive.size)
        return failure{tarexport::error::truncated_archive, called(from.server), tarexport::detail::sizes(archive.size, at)};
    return {};
}

} // namespace engine
