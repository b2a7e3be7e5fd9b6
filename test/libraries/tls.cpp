//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Saves through TLS: an ssl::stream writes in records of its own, and needs reads to write.

#include <tarexport/async_save.hpp>

#define BOOST_TEST_MODULE tls
#include <boost/test/unit_test.hpp>

#include <tarexport/sink/memory.hpp>
#include <tarexport/store/memory.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

using namespace tarexport;
namespace asio = boost::asio;

namespace {

using socket = asio::local::stream_protocol::socket;

memory_store make_store()
{
    memory_store store;
    std::string large(5'000'000, '\0');
    for(std::size_t i = 0; i < large.size(); i += 7)
        large[i] = static_cast<char>(i);
    auto const base = store.add_layer(large), top = store.add_layer("top");
    BOOST_REQUIRE(store.add_image(image_config{.cmd = {"a"}}, {base, top}, {"a:1"}).has_value());
    return store;
}

// A server's certificate that nobody checks.
asio::ssl::context server_context()
{
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
    std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), &X509_free);
    BOOST_REQUIRE(key && certificate);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    BOOST_REQUIRE(X509_sign(certificate.get(), key.get(), EVP_sha256()) != 0);
    asio::ssl::context context(asio::ssl::context::tls_server);
    BOOST_REQUIRE(SSL_CTX_use_certificate(context.native_handle(), certificate.get()) == 1);
    BOOST_REQUIRE(SSL_CTX_use_PrivateKey(context.native_handle(), key.get()) == 1);
    return context;
}

// A client that takes what comes, up to a number of bytes.
struct taker {
    void begin()
    {
        stream.async_handshake(asio::ssl::stream_base::client, [this](error_code ec) {
            BOOST_TEST(!ec.failed());
            take();
        });
    }

    void take()
    {
        stream.async_read_some(asio::buffer(buffer), [this](error_code ec, std::size_t n) {
            taken.append(buffer.data(), n);
            end = ec;
            if(ec.failed())
                stream.lowest_layer().close();
            else if(taken.size() < most)
                take();
            else
                at_most();
        });
    }

    asio::ssl::stream<socket> stream;
    std::size_t most = static_cast<std::size_t>(-1);
    std::function<void()> at_most{};
    std::string taken{};
    error_code end{};
    std::array<char, 10'000> buffer{};
};

struct connection {
    connection()
    {
        asio::local::connect_pair(client.stream.lowest_layer(), server.lowest_layer());
        client.begin();
    }

    // Saves when hands are shaken, and says goodbye after the archive's end alone.
    void save(asio::cancellation_slot slot = {})
    {
        server.async_handshake(asio::ssl::stream_base::server, [this, slot](error_code ec) {
            BOOST_TEST(!ec.failed());
            auto done = [this](error_code e, save_report r) { saved(e, std::move(r)); };
            tarexport::async_save(writer, names("a:1"), server, pool.get_executor(), {}, asio::bind_cancellation_slot(slot, std::move(done)));
        });
    }

    void saved(error_code ec, save_report r)
    {
        ++completions;
        code = ec;
        report = std::move(r);
        if(ec.failed())
            server.lowest_layer().close();
        else
            server.async_shutdown([this](error_code) { server.lowest_layer().close(); });
    }

    memory_store store = make_store();
    saver<memory_store> writer{store};
    asio::io_context context;
    asio::thread_pool pool{1};
    asio::ssl::context served = server_context();
    asio::ssl::context asked{asio::ssl::context::tls_client};
    asio::ssl::stream<socket> server{context, served};
    taker client{asio::ssl::stream<socket>(context, asked)};
    int completions = 0;
    error_code code;
    save_report report;
};

std::string whole_archive(memory_store const& store)
{
    memory_sink out;
    BOOST_REQUIRE(tarexport::save(store, names("a:1"), out).ok());
    return out.bytes();
}

} // namespace

BOOST_AUTO_TEST_CASE(the_archive_comes_whole_and_its_end_is_told)
{
    connection c;
    c.save();
    c.context.run();
    BOOST_TEST(c.completions == 1);
    BOOST_TEST(c.report.ok());
    BOOST_TEST(c.report.layers_verified == 2u);
    BOOST_TEST((c.client.taken == whole_archive(c.store)));
    BOOST_TEST((c.client.end == asio::error::eof));
}

BOOST_AUTO_TEST_CASE(a_client_that_goes_is_an_error)
{
    connection c;
    c.client.most = 1'000'000;
    c.client.at_most = [&] { c.client.stream.lowest_layer().close(); };
    c.save();
    c.context.run();
    BOOST_TEST(c.completions == 1);
    BOOST_TEST(c.code.failed());
    BOOST_TEST(!c.report.ok());
    BOOST_TEST((c.client.taken == whole_archive(c.store).substr(0, c.client.taken.size())));
}

BOOST_AUTO_TEST_CASE(a_save_that_waits_for_its_reader_is_cancelled)
{
    connection c;
    c.client.most = 1'000'000;
    asio::cancellation_signal cancel;
    c.save(cancel.slot());
    asio::steady_timer later(c.context);
    c.client.at_most = [&] {
        // By then the sockets are full, and the save waits.
        later.expires_after(std::chrono::milliseconds(200));
        later.async_wait([&](error_code) {
            BOOST_TEST(c.completions == 0);
            cancel.emit(asio::cancellation_type::terminal);
        });
    };
    c.context.run();
    BOOST_TEST(c.completions == 1);
    BOOST_TEST((c.code == asio::error::operation_aborted));
    BOOST_TEST(c.client.taken.size() < whole_archive(c.store).size());
}
