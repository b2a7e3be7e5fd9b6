//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_SESSION_HPP
#define TAREXPORT_ENGINE_SESSION_HPP

#include "connections.hpp"
#include "fixed_replies.hpp"
#include "http_date.hpp"
#include "log_line.hpp"
#include "replies.hpp"
#include "service.hpp"
#include "shared.hpp"
#include "target.hpp"

#include <tarexport/error.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace engine {

/** One connection: reads requests one after the other, and answers each before it reads the next.

    It holds one buffer while it sends an archive, and no thread while the client takes its time.
*/
class session final : public closable, public std::enable_shared_from_this<session> {
public:
    using socket = boost::asio::generic::stream_protocol::socket;

    /// @param local Whether only this machine's own names are taken for a host: for a port, which a browser reaches too.
    session(socket s, bool local, shared_state& shared)
        : stream_(std::move(s))
        , buffer_(shared.options.limits.header_size + 4096)
        , shared_(shared)
        , local_(local)
    {
    }

    ~session() override
    {
        if(place_)
            shared_.open.remove(*place_);
        shared_.room.cancel();
    }

    void close() noexcept override { stream_.close(); }

    boost::asio::awaitable<void> run()
    {
        place_ = shared_.open.add(weak_from_this());
        bool first = true;
        while(!shared_.draining) {
            if(!co_await wait(first))
                co_return;
            first = false;
            if(!co_await serve_one())
                break;
        }
        co_await say_goodbye();
    }

private:
    using empty_request = boost::beast::http::request<boost::beast::http::empty_body>;
    using parser = boost::beast::http::request_parser<boost::beast::http::empty_body>;
    using clock = std::chrono::steady_clock;

    // What became of a request, for the log.
    struct outcome {
        std::string method;
        std::string target;
        unsigned status = 0;
        std::uint64_t bytes = 0;
        clock::time_point began = clock::now();
        std::string remark;
        bool keep = false; // whether the connection can take another request
    };

    // An archive that is sent counts as long as this lives.
    class save_slot {
    public:
        explicit save_slot(shared_state& s) noexcept : shared_(s) { ++shared_.saves; }
        save_slot(save_slot const&) = delete;
        save_slot& operator=(save_slot const&) = delete;
        ~save_slot() { --shared_.saves; }

    private:
        shared_state& shared_;
    };

    static constexpr auto tuple = boost::asio::as_tuple(boost::asio::use_awaitable);

    // Waits for a request to begin. Until it is there as a whole, the connection may be closed to make room for others.
    boost::asio::awaitable<bool> wait(bool first)
    {
        shared_.open.becomes_idle(*place_);
        if(buffer_.size() != 0)
            co_return true;
        auto const& limits = shared_.options.limits;
        stream_.expires_after(first ? limits.header_time : limits.idle_time);
        auto const [ec, n] = co_await stream_.async_read_some(buffer_.prepare(4096), tuple);
        buffer_.commit(n);
        co_return !ec;
    }

    // Returns whether there may be another.
    boost::asio::awaitable<bool> serve_one()
    {
        outcome o;
        parser p;
        p.header_limit(static_cast<std::uint32_t>(shared_.options.limits.header_size));
        stream_.expires_after(shared_.options.limits.header_time);
        auto const [ec, n] = co_await boost::beast::http::async_read_header(stream_, buffer_, p, tuple);
        shared_.open.becomes_busy(*place_);
        if(ec) {
            auto answer = unreadable(ec);
            o.remark = ec.message();
            if(answer)
                co_await send(*std::move(answer), 11, false, o);
            tell(o);
            co_return false;
        }
        auto const& message = p.get();
        o.method = message.method_string();
        o.target = message.target();
        o.keep = message.keep_alive() && p.is_done() && !shared_.draining;
        co_await answer(message, p.is_done(), o);
        tell(o);
        co_return o.keep;
    }

    boost::asio::awaitable<void> answer(empty_request const& message, bool whole, outcome& o)
    {
        bool const head = message.method() == boost::beast::http::verb::head;
        auto refused = refuse(message, whole);
        auto const t = refused ? std::nullopt : parse_target(o.target);
        if(!refused && !t)
            refused = error_reply(400, "invalid request target");
        if(!refused)
            refused = fixed_reply(*t);
        std::optional<save_slot> slot;
        if(!refused && t->where == route::archive && !head) {
            if(shared_.saves >= shared_.options.limits.saves)
                refused = too_many();
            else
                slot.emplace(shared_);
        }
        if(refused)
            co_return co_await send(*std::move(refused), message.version(), head, o);
        request asked;
        asked.what = *t;
        asked.head = head;
        asked.range = field(message, boost::beast::http::field::range);
        asked.if_range = field(message, boost::beast::http::field::if_range);
        asked.if_match = list(message, boost::beast::http::field::if_match);
        asked.if_none_match = list(message, boost::beast::http::field::if_none_match);
        if(message.version() >= 11)
            asked.accept_encoding = list(message, boost::beast::http::field::accept_encoding);
        asked.stop = shared_.stop.get_token();
        co_await find_and_send(std::move(asked), message.version(), head, o);
    }

    // A client may only ask, and only for what is meant for this server.
    std::optional<reply> refuse(empty_request const& message, bool whole) const
    {
        namespace http = boost::beast::http;
        if(!whole)
            return error_reply(413, "no body is taken here");
        if(message.method() != http::verb::get && message.method() != http::verb::head)
            return no_such_page();
        if(message.version() >= 11 && message.count(http::field::host) != 1)
            return error_reply(400, "exactly one Host field is needed");
        if(local_ && !is_local_host(field(message, http::field::host)))
            return error_reply(421, "this server is for this machine alone");
        return std::nullopt;
    }

    static reply too_many()
    {
        auto r = error_reply(429, "too many images are being saved; try again in some seconds");
        r.fields.emplace_back("Retry-After", "5");
        return r;
    }

    static std::string field(empty_request const& message, boost::beast::http::field name)
    {
        auto const value = message[name];
        return {value.data(), value.size()};
    }

    // A field that is a list may come in several lines.
    static std::string list(empty_request const& message, boost::beast::http::field name)
    {
        std::string all;
        auto const [first, last] = message.equal_range(name);
        for(auto each = first; each != last; ++each)
            all.append(all.empty() ? "" : ", ").append(each->value().data(), each->value().size());
        return all;
    }

    // What can be said to a client whose request cannot be read; nothing if it has gone, or was closed because it took too long.
    static std::optional<reply> unreadable(boost::beast::error_code const& ec)
    {
        namespace http = boost::beast::http;
        if(ec == http::error::header_limit || ec == http::error::buffer_overflow)
            return error_reply(431, "the request's header is too large");
        bool const gone = ec == http::error::end_of_stream || ec == http::error::partial_message;
        if(gone || ec.category() != http::make_error_code(http::error::bad_method).category())
            return std::nullopt;
        return error_reply(400, "not an HTTP request");
    }

    // Reading the first bytes belongs to finding the answer: what goes wrong with them can still be told.
    boost::asio::awaitable<void> find_and_send(request asked, unsigned version, bool head, outcome& o)
    {
        auto const look = [this, asked = std::move(asked)] { return find(asked); };
        auto found = co_await on_pool(shared_, look);
        if(!found.bytes)
            co_return co_await send(std::move(found), version, head, o);
        if(co_await send_head(found, found.size, version, o)) {
            bool whole = false;
            if(found.chunked)
                whole = co_await send_chunks(*found.bytes, o);
            else
                whole = co_await send_bytes(*found.bytes, found.size, o);
            if(!whole) {
                ++shared_.broken;
                o.keep = false;
            }
        }
        memory_.reset();
        // Closing files may take its time, too.
        auto const drop = [&found] { return found.bytes.reset(), true; };
        co_await on_pool(shared_, drop);
    }

    reply find(request const& asked)
    try {
        auto r = shared_.answers.answer(asked);
        if(!r.bytes)
            return r;
        memory_ = std::make_unique<std::byte[]>(shared_.options.limits.buffer_size);
        read(*r.bytes);
        if(read_error_.failed())
            return failed(r.bytes->reason());
        return r;
    }
    catch(std::exception const& e) {
        auto r = error_reply(500, "internal error");
        r.remark = e.what();
        return r;
    }

    // In a thread of the pool.
    void read(byte_stream& bytes)
    try {
        filled_ = bytes.read_some({memory_.get(), shared_.options.limits.buffer_size}, read_error_);
    }
    catch(std::exception const&) {
        filled_ = 0;
        read_error_ = tarexport::error::exception_thrown;
    }

    static std::string unsent(boost::beast::error_code const& ec)
    {
        return ec == boost::asio::error::operation_aborted ? "cut short: the server ends" : "the client has gone: " + ec.message();
    }

    // Writes bytes of an answer, within the time that a client has for them. Returns how many have gone.
    template<class Buffers>
    boost::asio::awaitable<std::size_t> write(Buffers const& buffers, outcome& o)
    {
        stream_.expires_after(shared_.options.limits.stall_time);
        auto const [ec, n] = co_await boost::asio::async_write(stream_, buffers, tuple);
        if(ec)
            o.remark = unsent(ec);
        co_return n;
    }

    // Reads the next bytes of an answer.
    boost::asio::awaitable<void> read_next(byte_stream& bytes, outcome& o)
    {
        auto const next = [this, &bytes] { return read(bytes), true; };
        co_await on_pool(shared_, next);
        if(read_error_.failed())
            o.remark = message(bytes.reason());
    }

    // What fails now can only be told by ending too early: no text may get into the archive. Returns whether all was sent.
    boost::asio::awaitable<bool> send_bytes(byte_stream& bytes, std::uint64_t size, outcome& o)
    {
        while(filled_ != 0) {
            auto const n = co_await write(boost::asio::const_buffer(memory_.get(), filled_), o);
            o.bytes += n;
            if(n != filled_ || o.bytes == size)
                break;
            co_await read_next(bytes, o);
        }
        co_return o.bytes == size;
    }

    // The same for bytes whose number is not known: without the last chunk, the client knows that they are not all.
    boost::asio::awaitable<bool> send_chunks(byte_stream& bytes, outcome& o)
    {
        namespace http = boost::beast::http;
        while(filled_ != 0) {
            auto const chunk = http::make_chunk(boost::asio::const_buffer(memory_.get(), filled_));
            if(co_await write(chunk, o) != boost::asio::buffer_size(chunk))
                co_return false;
            o.bytes += filled_;
            co_await read_next(bytes, o);
        }
        if(read_error_.failed())
            co_return false;
        auto const end = http::make_chunk_last();
        co_return co_await write(end, o) == boost::asio::buffer_size(end);
    }

    template<class Body>
    void fill_head(boost::beast::http::response<Body>& head, reply const& r, outcome const& o) const
    {
        namespace http = boost::beast::http;
        head.set(http::field::date, http_date(std::time(nullptr)));
        head.set(http::field::server, shared_.options.product);
        head.set("Api-Version", to_string(newest_version));
        head.set("Docker-Experimental", "false");
        head.set("Ostype", "linux");
        if(r.status != 304)
            head.set(http::field::content_type, r.type);
        for(auto const& [name, value] : r.fields)
            head.set(name, value);
        head.keep_alive(o.keep);
    }

    boost::asio::awaitable<bool> send_head(reply const& r, std::uint64_t size, unsigned version, outcome& o)
    {
        namespace http = boost::beast::http;
        o.status = r.status;
        o.remark = r.remark;
        http::response<http::empty_body> head(http::int_to_status(r.status), version);
        fill_head(head, r, o);
        if(r.chunked)
            head.chunked(true);
        else if(r.status != 304)
            head.content_length(size);
        http::response_serializer<http::empty_body> serializer(head);
        stream_.expires_after(shared_.options.limits.stall_time);
        auto const [ec, n] = co_await http::async_write_header(stream_, serializer, tuple);
        if(ec) {
            o.remark = unsent(ec);
            o.keep = false;
        }
        co_return !ec;
    }

    // Sends an answer that is all there, or its head alone.
    boost::asio::awaitable<void> send(reply r, unsigned version, bool head_alone, outcome& o)
    {
        namespace http = boost::beast::http;
        if(head_alone || r.status == 304) {
            auto const size = r.body.empty() ? r.size : r.body.size();
            co_await send_head(r, size, version, o);
            co_return;
        }
        o.status = r.status;
        o.remark = r.remark;
        http::response<http::string_body> all(http::int_to_status(r.status), version);
        fill_head(all, r, o);
        all.body() = std::move(r.body);
        all.prepare_payload();
        stream_.expires_after(shared_.options.limits.stall_time);
        auto const [ec, n] = co_await http::async_write(stream_, all, tuple);
        o.bytes = all.body().size();
        if(ec) {
            o.remark = unsent(ec);
            o.keep = false;
        }
    }

    void tell(outcome const& o) const
    {
        shared_.options.log(log_line(o.method, o.target, o.status, o.bytes, clock::now() - o.began, o.remark));
    }

    // What the client still sends is read, within limits: were it left, the system would take back the answer.
    boost::asio::awaitable<void> say_goodbye()
    {
        boost::beast::error_code ignored;
        stream_.socket().shutdown(socket::shutdown_send, ignored);
        stream_.expires_after(std::chrono::seconds(1));
        buffer_.clear();
        for(std::size_t left = 4 << 20; left != 0;) {
            auto const [ec, n] = co_await stream_.async_read_some(buffer_.prepare(4096), tuple);
            if(ec || n >= left)
                break;
            left -= n;
        }
    }

    boost::beast::basic_stream<boost::asio::generic::stream_protocol> stream_;
    boost::beast::flat_buffer buffer_;
    shared_state& shared_;
    bool local_;
    std::optional<connections::place> place_;

    std::unique_ptr<std::byte[]> memory_; // of an archive that is sent
    std::size_t filled_ = 0;
    tarexport::error_code read_error_;
};

} // namespace engine

#endif
