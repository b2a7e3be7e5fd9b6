//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/detail/posix_extent_pipe.hpp>

#define BOOST_TEST_MODULE async_extent
#include <boost/test/unit_test.hpp>

#include "async_support.hpp"

#include <tarexport/detail/posix_blob.hpp>
#include <tarexport/sink/fd.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/socket_base.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

using namespace async_tests;
using boost::asio::ip::tcp;
using local = boost::asio::local::stream_protocol;

static_assert(tarexport::detail::takes_extents<local::socket> && !tarexport::detail::takes_extents<tcp::socket>);
static_assert(!tarexport::detail::takes_extents<text_stream> && !tarexport::detail::takes_extents<local::acceptor>);

namespace {

// How the files of a test are, and what was done with them.
struct extent_facts {
    std::atomic<std::size_t> reads{0};
    std::atomic<std::size_t> extents{0};
    bool unspliceable = false; // their extents have a descriptor that nothing can be read from
    std::size_t missing = 0;   // bytes by which a file is cut when it was opened
};

class extent_test_source : testing::counted<tag_source> {
public:
    extent_test_source(std::shared_ptr<tarexport::detail::unique_descriptor const> file, std::uint64_t offset, std::uint64_t size,
        extent_facts& facts)
        : blob_(std::move(file), offset, size, "the file")
        , facts_(&facts)
    {
    }

    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        ++facts_->reads;
        return blob_.read_some(into, ec);
    }

    std::optional<file_extent> extent() const
    {
        static int const nothing = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
        ++facts_->extents;
        auto e = blob_.extent();
        if(facts_->unspliceable)
            e->fd = nothing;
        return e;
    }

    std::string const& subject() const noexcept { return blob_.subject(); }

private:
    tarexport::detail::blob_source blob_;
    extent_facts* facts_;
};

class extent_handle {
public:
    extent_handle(std::string const& text, extent_facts& facts) : facts_(&facts)
    {
        char path[] = "/tmp/tarexport-extent-XXXXXX";
        file_ = std::make_shared<tarexport::detail::unique_descriptor const>(::mkostemp(path, O_CLOEXEC));
        ::unlink(path);
        BOOST_TEST_REQUIRE(::write(file_->get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
        info_.id = digest_of(text);
        info_.size = text.size();
    }

    descriptor const& info() const noexcept { return info_; }

    result<extent_test_source> open(std::uint64_t offset) const
    {
        if(facts_->missing != 0)
            BOOST_TEST(::ftruncate(file_->get(), static_cast<off_t>(info_.size - std::min<std::size_t>(info_.size, facts_->missing))) == 0);
        return extent_test_source(file_, offset, info_.size - offset, *facts_);
    }

private:
    std::shared_ptr<tarexport::detail::unique_descriptor const> file_;
    descriptor info_;
    extent_facts* facts_;
};

static_assert(layer_handle<extent_handle> && extent_source<extent_test_source> && !view_source<extent_test_source>);

entries const list = {{"L1", filled(1'100'001)}, {"d/", ""}, {"L2", filled(100)}, {"doc", filled(700)}, {"L3", filled(65'536)},
    {"L4", filled(300'000)}};

struct files {
    files() : contents(archive::make(list)), bytes(script::archive_of(list))
    {
        for(auto const& text : script::layers_of(list))
            leases.emplace_back(text, facts);
    }

    extent_facts facts;
    plan contents;
    std::string bytes;
    std::vector<extent_handle> leases;
};

write_options unverified(byte_range range = {})
{
    write_options o;
    o.range = range;
    o.verification = verify::never;
    return o;
}

void connect(asio::io_context&, local::socket& a, local::socket& b) { asio::local::connect_pair(a, b); }

void connect(asio::io_context& c, tcp::socket& a, tcp::socket& b)
{
    tcp::acceptor listening(c, {asio::ip::address_v4::loopback(), 0});
    a.connect(listening.local_endpoint());
    listening.accept(b);
}

// A write to a socket, and a peer that takes what comes in a thread of its own.
template<class Protocol>
struct socket_run {
    explicit socket_run(files const& f) : what(f) { connect(context, out, peer); }

    ~socket_run()
    {
        if(taking.joinable())
            taking.join();
    }

    void start(write_options options = unverified())
    {
        async_write(what.contents, std::span<extent_handle const>(what.leases), out, pool.get_executor(), options, watcher,
            asio::bind_cancellation_slot(cancel.slot(), [this](error_code ec, save_report r) {
                held = testing::counted<tag_source>::alive();
                code = ec;
                report = std::move(r);
                error_code ignored;
                out.close(ignored);
            }));
    }

    void take()
    {
        taking = std::thread([this] {
            std::array<char, 50'000> buffer;
            while(true) {
                error_code ec;
                auto const n = peer.read_some(asio::buffer(buffer), ec);
                if(ec.failed())
                    break;
                got.append(buffer.data(), n);
            }
        });
    }

    void finish()
    {
        context.run();
        taking.join();
    }

    files const& what;
    asio::io_context context;
    asio::thread_pool pool{1};
    typename Protocol::socket out{context};
    typename Protocol::socket peer{context};
    asio::cancellation_signal cancel;
    no_observer watcher;
    std::thread taking;
    std::string got;
    int held = -1;
    error_code code;
    save_report report;
};

template<class Protocol>
void whole(files& f, write_options const& options)
{
    f.facts.reads = f.facts.extents = 0;
    socket_run<Protocol> r(f);
    r.take();
    r.start(options);
    r.finish();
    auto const [first, last] = options.range;
    auto const size = std::min<std::uint64_t>(last, f.bytes.size()) - first;
    BOOST_TEST((r.got == f.bytes.substr(static_cast<std::size_t>(first), static_cast<std::size_t>(size))));
    BOOST_TEST(r.report.ok());
    BOOST_TEST(r.report.bytes == r.got.size());
    BOOST_TEST(r.held == 0);
}

} // namespace

BOOST_AUTO_TEST_CASE(extents_of_what_is_not_verified_are_not_read)
{
    files f;
    whole<local>(f, unverified());
    BOOST_TEST(f.facts.reads == 0u);
    BOOST_TEST(f.facts.extents == 4u);
}

BOOST_AUTO_TEST_CASE(what_somebody_wants_to_know_or_goes_over_tcp_is_read)
{
    files f;
    whole<local>(f, {});
    BOOST_TEST((f.facts.reads != 0u && f.facts.extents == 0u));
    auto summed = unverified();
    summed.sum = true;
    whole<local>(f, summed);
    BOOST_TEST((f.facts.reads != 0u && f.facts.extents == 0u));
    whole<tcp>(f, unverified());
    BOOST_TEST((f.facts.reads != 0u && f.facts.extents == 0u));
}

BOOST_AUTO_TEST_CASE(a_range_is_that_part)
{
    files f;
    for(auto const& range : {byte_range{10, f.bytes.size()}, {0, 500'000}, {300'001, 900'005}, {1'100'600, 1'400'000}, {511, 513},
            {1'099'000, 1'100'700}})
        whole<local>(f, unverified(range));
}

BOOST_AUTO_TEST_CASE(where_a_file_cannot_be_passed_on_it_is_read)
{
    files f;
    f.facts.unspliceable = true;
    whole<local>(f, unverified());
    BOOST_TEST((f.facts.reads != 0u && f.facts.extents != 0u));
}

BOOST_AUTO_TEST_CASE(a_socket_with_little_room_is_waited_for)
{
    files f;
    socket_run<local> r(f);
    r.out.set_option(asio::socket_base::send_buffer_size(5000));
    r.take();
    r.start();
    r.finish();
    BOOST_TEST((r.got == f.bytes));
    BOOST_TEST(f.facts.reads == 0u);
}

BOOST_AUTO_TEST_CASE(a_file_that_has_become_shorter_is_the_error_of_write)
{
    for(std::size_t const missing : {1u, 10'000u, 70'000u, 900'000u}) {
        files f;
        f.facts.missing = missing;
        int const null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
        fd_sink out(null);
        no_observer o;
        auto const expected = write(f.contents, std::span<extent_handle const>(f.leases), out, unverified(), o);
        ::close(null);
        BOOST_TEST(expected.reason.code == error::layer_too_short);
        socket_run<local> r(f);
        r.take();
        r.start();
        r.finish();
        BOOST_TEST(r.code == expected.reason.code);
        BOOST_TEST(message(r.report.reason) == message(expected.reason));
        BOOST_TEST((r.got == f.bytes.substr(0, static_cast<std::size_t>(r.report.bytes))));
        BOOST_TEST(r.got.size() < f.bytes.size());
        BOOST_TEST(r.held == 0);
    }
}

BOOST_AUTO_TEST_CASE(cancellation_after_every_step)
{
    files f;
    bool ended = false;
    int cut = 0;
    for(int steps = 0; !ended; ++steps) {
        socket_run<local> r(f);
        r.out.set_option(asio::socket_base::send_buffer_size(50'000));
        r.take();
        r.start();
        for(int n = 0; n != steps && !ended; ++n)
            ended = r.context.run_one() == 0;
        r.cancel.emit(asio::cancellation_type::terminal);
        r.finish();
        BOOST_TEST((r.code == asio::error::operation_aborted || r.report.ok()));
        BOOST_TEST((r.got == f.bytes.substr(0, static_cast<std::size_t>(r.report.bytes))));
        BOOST_TEST(r.held == 0);
        cut += r.report.bytes > 2000 && !r.report.ok();
        BOOST_TEST_REQUIRE(steps < 10'000);
    }
    BOOST_TEST(cut > 0);
}

BOOST_AUTO_TEST_CASE(cancellation_while_nobody_takes_anything)
{
    files f;
    socket_run<local> r(f);
    r.out.set_option(asio::socket_base::send_buffer_size(50'000));
    r.peer.set_option(asio::socket_base::receive_buffer_size(50'000));
    r.start();
    asio::steady_timer late(r.context, std::chrono::milliseconds(200));
    late.async_wait([&](error_code) { r.cancel.emit(asio::cancellation_type::partial); });
    r.context.run();
    BOOST_TEST(r.code == asio::error::operation_aborted);
    BOOST_TEST((r.report.bytes != 0u && r.report.bytes < 1'000'000u));
    BOOST_TEST(r.held == 0);
    r.take();
    r.taking.join();
    BOOST_TEST((r.got == f.bytes.substr(0, static_cast<std::size_t>(r.report.bytes))));
    BOOST_TEST(f.facts.reads == 0u);
}

BOOST_AUTO_TEST_CASE(a_stop_leaves_a_part_that_is_right)
{
    files f;
    socket_run<local> r(f);
    std::stop_source stop;
    r.out.set_option(asio::socket_base::send_buffer_size(50'000));
    auto options = unverified();
    options.stop = stop.get_token();
    r.start(options);
    asio::steady_timer late(r.context, std::chrono::milliseconds(100));
    late.async_wait([&](error_code) {
        stop.request_stop();
        r.take();
    });
    r.context.run();
    r.taking.join();
    BOOST_TEST(r.code == error::cancelled);
    BOOST_TEST((r.got == f.bytes.substr(0, static_cast<std::size_t>(r.report.bytes))));
    BOOST_TEST(r.held == 0);
}

BOOST_AUTO_TEST_CASE(a_peer_that_goes_is_an_error_and_no_signal)
{
    files f;
    socket_run<local> r(f);
    r.out.set_option(asio::socket_base::send_buffer_size(50'000));
    r.start();
    asio::steady_timer late(r.context, std::chrono::milliseconds(100));
    late.async_wait([&](error_code) { r.peer.close(); });
    r.context.run();
    BOOST_TEST((r.code == boost::system::errc::broken_pipe || r.code == boost::system::errc::connection_reset), r.code.message());
    BOOST_TEST(r.held == 0);
}

BOOST_AUTO_TEST_CASE(a_socket_that_its_owner_closes_ends_it)
{
    files f;
    socket_run<local> r(f);
    r.out.set_option(asio::socket_base::send_buffer_size(50'000));
    r.start();
    asio::steady_timer late(r.context, std::chrono::milliseconds(100));
    late.async_wait([&](error_code) { r.out.close(); });
    r.context.run();
    BOOST_TEST((r.code == asio::error::operation_aborted || r.code == asio::error::bad_descriptor), r.code.message());
    BOOST_TEST(r.held == 0);
}

BOOST_AUTO_TEST_CASE(nothing_is_left_where_the_context_ends_first)
{
    for(int steps = 0; steps != 8; ++steps) {
        files f;
        {
            auto r = std::make_unique<socket_run<local>>(f);
            r->out.set_option(asio::socket_base::send_buffer_size(50'000));
            r->start();
            for(int n = 0; n != steps; ++n)
                r->context.run_one_for(std::chrono::milliseconds(50));
            r->pool.join();
        }
        BOOST_TEST(nothing_held());
    }
}
