//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// The code of doc/async.md, and what else the pages have with Asio and Beast. Each part runs.

#include <tarexport/async_save.hpp>
#include <tarexport/beast_body.hpp>
#include <tarexport/sink/memory.hpp>
#include <tarexport/store/oci_layout.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <future>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace tarexport;
namespace asio = boost::asio;
namespace http = boost::beast::http;
using stream_socket = asio::local::stream_protocol::socket;

//[lent_threads
/// The threads of a pool.
struct pooled {
    asio::thread_pool& pool;
    void operator()(std::function<void()> work) const { asio::post(pool, std::move(work)); }
};

struct pool_policy : default_policy {
    pooled threads;
};
//]

int failures = 0;

void expect(bool holds, char const* what)
{
    if(!holds) {
        std::cerr << "does not hold: " << what << '\n';
        ++failures;
    }
}

void save_in_a_pool(oci_layout_store const& store, std::string const& whole)
{
    asio::thread_pool pool(2);
    memory_sink out;
    expect(saver(store, pool_policy{{}, {pool}}).save(names("hello:1.0"), out).ok() && out.bytes() == whole, "a save in a pool");
    std::promise<std::thread::id> helper;
    pooled{pool}([&helper] { helper.set_value(std::this_thread::get_id()); });
    expect(helper.get_future().get() != std::this_thread::get_id(), "a thread that is lent");
    pool.join();
}

void save_with_a_callback(oci_layout_store const& store, std::string const& whole)
{
    std::string received;
    //[callback
    asio::io_context context;
    asio::thread_pool pool(1);            // for what may block; declared after the context, so that it ends before
    stream_socket socket(context);
    stream_socket peer(context); //-
    asio::local::connect_pair(socket, peer); //-
    asio::cancellation_signal cancel;     // cancel.emit(asio::cancellation_type::terminal), in a thread of the context

    saver s(store);
    tarexport::async_save(s, names("hello:1.0"), socket, pool.get_executor(), {},
        asio::bind_cancellation_slot(cancel.slot(), [&](error_code ec, save_report report) {
            std::cout << (ec ? message(report.reason) : std::to_string(report.bytes) + " bytes sent") << '\n';
            socket.close();
        }));
    asio::async_read(peer, asio::dynamic_buffer(received), [](error_code, std::size_t) {}); //-
    context.run();
    //]
    expect(received == whole, "what the peer received");
}

void write_part_of_an_archive(oci_layout_store const& store, std::string const& whole)
{
    asio::io_context context;
    asio::thread_pool pool(1);
    stream_socket socket(context), peer(context);
    asio::local::connect_pair(socket, peer);
    std::string received;
    asio::async_read(peer, asio::dynamic_buffer(received), [](error_code, std::size_t) {});
    no_observer watcher;
    //[write
    saver s(store);
    auto const archive = s.prepare(names("hello:1.0")).value();      // the size is known now: archive.contents.size()
    write_options how;
    how.range.first = archive.contents.size() / 2;                   // the second half
    save_report report;
    auto sent = tarexport::async_write(archive.contents, std::span(archive.leases), socket, pool.get_executor(), how, watcher, report,
        asio::use_future);
    //]
    std::thread loop([&] { context.run(); });
    sent.get();
    socket.close();
    loop.join();
    expect(report.ok() && received == whole.substr(whole.size() / 2), "half of an archive");
}

void read_an_archive(oci_layout_store const& store, std::string const& whole)
{
    std::string all;
    auto const send = [&](bytes_view bytes) { all += to_text(bytes); };
    //[reader
    saver s(store);
    using handle = decltype(s)::handle;
    auto const archive = std::make_shared<prepared_archive<handle> const>(s.prepare(names("hello:1.0")).value());
    archive_reader reader(archive);                                  // keeps the archive; any number of readers may

    std::vector<std::byte> buffer(65536);
    error_code ec;
    while(std::size_t const n = reader.read_some(buffer, ec))
        send(std::span(buffer).first(n));
    if(ec)                                                           // what was sent is a part, and must not pass for the whole
        std::cerr << message(reader.reason()) << '\n';
    //]
    expect(!ec && all == whole, "what was read");
}

void answer_a_request(oci_layout_store const& store, std::string const& whole)
{
    asio::io_context context;
    stream_socket socket(context), peer(context);
    asio::local::connect_pair(socket, peer);
    saver s(store);
    using handle = decltype(s)::handle;
    auto const archive = std::make_shared<prepared_archive<handle> const>(s.prepare(names("hello:1.0")).value());
    error_code ec;
    //[body
    write_options how;
    how.jobs = 1; // no further threads for large layers
    http::response<archive_body<handle>> response(http::status::ok, 11, archive_reader(archive, how));
    response.set(http::field::content_type, "application/x-tar");
    response.set(http::field::etag, '"' + archive->contents.etag().str() + '"');
    response.prepare_payload(); // Content-Length
    http::async_write(socket, response, [&](error_code e, std::size_t) {
        ec = e; //-
        if(e) // fewer bytes were sent than were promised
            std::cerr << message(response.body().reason()) << '\n';
        socket.close();
    });
    //]
    http::response<http::string_body> got;
    boost::beast::flat_buffer buffer;
    http::async_read(peer, buffer, got, [&](error_code e, std::size_t) { expect(!e, "a response"); });
    context.run();
    expect(!ec && got.body() == whole, "a body");
    expect(got[http::field::content_length] == std::to_string(whole.size()), "its length");
}

//[async_source
/// The bytes of a layer that come over a connection.
class socket_source {
public:
    explicit socket_source(stream_socket s) : socket_(std::move(s)) {}

    // For those who wait.
    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        auto const n = socket_.read_some(asio::buffer(into.data(), into.size()), ec);
        if(ec == asio::error::eof)
            ec.clear();
        return n;
    }

    // For those who do not.
    template<class Token>
    auto async_read_some(asio::mutable_buffer into, Token&& token)
    {
        return socket_.async_read_some(into, std::forward<Token>(token));
    }

private:
    stream_socket socket_;
};

static_assert(async_layer_source<socket_source>);
//]

void read_from_a_connection()
{
    asio::io_context context;
    stream_socket near(context), far(context);
    asio::local::connect_pair(near, far);
    socket_source source(std::move(near));
    asio::write(far, asio::buffer("abc", 3));
    far.close();
    std::byte bytes[10];
    error_code ec;
    expect(source.read_some(bytes, ec) == 3 && !ec && source.read_some(bytes, ec) == 0 && !ec, "a source");
}

} // namespace

int main()
try {
    oci_layout_store const store(TAREXPORT_SOURCE_DIR "/example/images");
    memory_sink whole;
    tarexport::save(store, names("hello:1.0"), whole);
    save_in_a_pool(store, whole.bytes());
    save_with_a_callback(store, whole.bytes());
    write_part_of_an_archive(store, whole.bytes());
    read_an_archive(store, whole.bytes());
    answer_a_request(store, whole.bytes());
    read_from_a_connection();
    return failures == 0 ? 0 : 1;
}
catch(std::exception const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
