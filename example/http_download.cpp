// Serves an image by HTTP to one client, without a thread that waits for it; prints what was sent and what was received.
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Length and etag are known before the first byte. A download that fails ends before that length, so no client takes it for whole.

#include <tarexport.hpp>
#include <tarexport/async_write.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <exception>
#include <iostream>
#include <span>
#include <string>
#include <utility>

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace {

//[download
/// Answers a request with an archive: the header, then the bytes.
template<class Handle>
asio::awaitable<tarexport::save_report> answer(
    tcp::socket& socket, tarexport::prepared_archive<Handle> const& archive, asio::thread_pool& pool)
{
    http::response<http::empty_body> head(http::status::ok, 11);
    head.set(http::field::content_type, "application/x-tar");
    head.set(http::field::etag, '"' + archive.contents.etag().str() + '"');
    head.content_length(archive.contents.size());
    http::response_serializer<http::empty_body> header(head);
    co_await http::async_write_header(socket, header, asio::use_awaitable);

    tarexport::no_observer nobody;
    auto [ec, report] = co_await tarexport::async_write(archive.contents, std::span(archive.leases), socket, pool.get_executor(), {},
        nobody, asio::as_tuple(asio::use_awaitable));
    co_return report;
}
//]

asio::awaitable<void> serve(tcp::acceptor& acceptor, asio::thread_pool& pool)
{
    tarexport::oci_layout_store const store(TAREXPORT_IMAGES);
    tarexport::saver saver(store);
    auto const archive = saver.prepare(tarexport::names("hello:1.0")).value();

    auto socket = co_await acceptor.async_accept(asio::use_awaitable);
    boost::beast::flat_buffer buffer;
    http::request<http::empty_body> request;
    co_await http::async_read(socket, buffer, request, asio::use_awaitable);
    auto const report = co_await answer(socket, archive, pool);
    std::cout << "GET " << request.target() << ": "
              << (report.ok() ? std::to_string(report.bytes) + " bytes sent" : message(report.reason)) << '\n';
}

asio::awaitable<void> download(tcp::endpoint from)
{
    tcp::socket socket(co_await asio::this_coro::executor);
    co_await socket.async_connect(from, asio::use_awaitable);
    http::request<http::empty_body> request(http::verb::get, "/images/hello:1.0/get", 11);
    co_await http::async_write(socket, request, asio::use_awaitable);
    boost::beast::flat_buffer buffer;
    http::response<http::string_body> response;
    co_await http::async_read(socket, buffer, response, asio::use_awaitable);
    std::cout << response.body().size() << " of " << response[http::field::content_length] << " bytes received, ETag "
              << response[http::field::etag] << '\n';
}

} // namespace

int main()
try {
    asio::io_context context;
    asio::thread_pool pool(1); // reads the layers; goes before the context
    tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    std::exception_ptr failed;
    auto const ended = [&](std::exception_ptr e) {
        if(!e)
            return;
        failed = e;
        context.stop(); // nobody waits for the other side
    };
    asio::co_spawn(context, serve(acceptor, pool), ended);
    asio::co_spawn(context, download(acceptor.local_endpoint()), ended);
    context.run();
    if(failed)
        std::rethrow_exception(failed);
}
catch(std::exception const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
