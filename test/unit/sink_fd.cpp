//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/sink/fd.hpp>

#define BOOST_TEST_MODULE sink_fd
#include <boost/test/unit_test.hpp>

#include "sink_support.hpp"

#include <tarexport/testing/sink.hpp>

#include <atomic>
#include <chrono>
#include <thread>

#include <sys/time.h>

using namespace support;
using namespace tarexport;
namespace testing = tarexport::testing;

namespace {

// A pipe or socket with somebody at its other end.
struct stream_fixture {
    explicit stream_fixture(ends e) : reading(e[0]), writing(e[1]), sink(e[1]), reader(e[0]) {}

    fd_sink& out() { return sink; }

    std::string taken()
    {
        writing.close();
        return reader.text();
    }

    ~stream_fixture() { writing.close(); }

    descriptor_guard reading;
    descriptor_guard writing;
    fd_sink sink;
    collector reader;
};

struct file_fixture {
    fd_sink& out() { return sink; }
    std::string taken() { return contents(dir / "out"); }

    explicit file_fixture(int flags = 0) : file(open_file(dir / "out", O_WRONLY | O_CREAT | flags)) {}

    scratch dir;
    descriptor_guard file;
    fd_sink sink{file.get()};
};

// A file to copy from, whose position is not at its start.
struct source_file {
    explicit source_file(std::string const& text)
    {
        put(dir / "in", text);
        ::lseek(file.get(), 5, SEEK_SET);
    }

    bool untouched() const { return ::lseek(file.get(), 0, SEEK_CUR) == 5; }

    file_extent extent(std::uint64_t offset, std::uint64_t size) const { return {file.get(), offset, size}; }

    scratch dir;
    descriptor_guard file{open_file(dir / "in", O_RDWR | O_CREAT)};
};

bool pending(int signal)
{
    sigset_t s;
    ::sigpending(&s);
    return ::sigismember(&s, signal) == 1;
}

bool blocked(int signal)
{
    sigset_t s;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &s);
    return ::sigismember(&s, signal) == 1;
}

std::atomic<int> signals{0};

void count_signal(int) { ++signals; }

void handle(int signal)
{
    struct sigaction a {};
    a.sa_handler = count_signal;
    ::sigaction(signal, &a, nullptr);
}

template<class Make>
void conforms(Make make)
{
    auto const before = testing::open_descriptors();
    for(auto const& sentence : testing::check_sink(make))
        BOOST_ERROR(sentence);
    BOOST_TEST(testing::open_descriptors() == before);
}

} // namespace

BOOST_AUTO_TEST_CASE(conforms_on_a_file) { conforms([] { return file_fixture(); }); }

BOOST_AUTO_TEST_CASE(conforms_on_a_file_that_is_appended_to) { conforms([] { return file_fixture(O_APPEND); }); }

BOOST_AUTO_TEST_CASE(conforms_on_a_pipe) { conforms([] { return stream_fixture(new_pipe()); }); }

BOOST_AUTO_TEST_CASE(conforms_on_a_socket) { conforms([] { return stream_fixture(new_socket_pair()); }); }

BOOST_AUTO_TEST_CASE(waits_for_a_pipe_that_does_not_block)
{
    conforms([] {
        auto const e = new_pipe();
        ::fcntl(e[1], F_SETFL, O_NONBLOCK);
        return stream_fixture(e);
    });
}

BOOST_AUTO_TEST_CASE(waits_for_a_socket_that_does_not_block)
{
    conforms([] {
        auto const e = new_socket_pair();
        ::fcntl(e[1], F_SETFL, O_NONBLOCK);
        return stream_fixture(e);
    });
}

BOOST_AUTO_TEST_CASE(reports_the_time_limit_of_a_socket)
{
    auto const e = new_socket_pair();
    descriptor_guard const reading(e[0]);
    descriptor_guard const writing(e[1]);
    timeval const limit{0, 20000};
    BOOST_TEST_REQUIRE(::setsockopt(e[1], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0);
    fd_sink k(e[1]);
    error_code ec;
    write_all(k, std::string(8'000'000, 'x'), ec);
    BOOST_TEST((ec == errc::resource_unavailable_try_again));
}

// The default action of SIGPIPE and SIGXFSZ ends the child.
BOOST_AUTO_TEST_CASE(a_reader_that_has_gone_is_an_error_and_no_signal)
{
    for(bool const socket : {false, true}) {
        auto const how = in_child([&] {
            auto const e = socket ? new_socket_pair() : new_pipe();
            ::close(e[0]);
            fd_sink k(e[1]);
            error_code ec;
            if(k.write_some(to_bytes("x"), ec) != 0 || ec != errc::broken_pipe)
                return 1;
            source_file const in(std::string(5000, 'x'));
            if(k.copy_some(in.extent(0, 5000), ec) != 0 || ec != errc::broken_pipe)
                return 2;
            return pending(SIGPIPE) || blocked(SIGPIPE) ? 3 : 0;
        });
        BOOST_TEST(how == 0);
    }
}

BOOST_AUTO_TEST_CASE(a_reader_that_goes_in_the_middle_is_an_error_and_no_signal)
{
    for(bool const socket : {false, true}) {
        auto const how = in_child([&] {
            handle(SIGPIPE);
            auto const e = socket ? new_socket_pair() : new_pipe();
            std::thread reader([&] {
                std::array<char, 1000> buffer;
                if(::read(e[0], buffer.data(), buffer.size()) > 0)
                    std::this_thread::sleep_for(std::chrono::milliseconds(50));
                ::close(e[0]);
            });
            fd_sink k(e[1]);
            error_code ec;
            auto const n = write_all(k, std::string(4'000'000, 'x'), ec);
            reader.join();
            if(n == 0 || n >= 4'000'000)
                return 1;
            // A socket closed with bytes unread says so in its own way.
            if(ec != errc::broken_pipe && !(socket && ec == errc::connection_reset))
                return 2;
            return signals != 0 || pending(SIGPIPE) ? 3 : 0;
        });
        BOOST_TEST(how == 0);
    }
}

BOOST_AUTO_TEST_CASE(a_signal_of_somebody_else_stays_pending)
{
    auto const how = in_child([] {
        handle(SIGPIPE);
        sigset_t s;
        ::sigemptyset(&s);
        ::sigaddset(&s, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &s, nullptr);
        ::raise(SIGPIPE);
        auto const e = new_pipe();
        ::close(e[0]);
        fd_sink k(e[1]);
        error_code ec;
        k.write_some(to_bytes("x"), ec);
        if(ec != errc::broken_pipe || !pending(SIGPIPE) || !blocked(SIGPIPE))
            return 1;
        ::pthread_sigmask(SIG_UNBLOCK, &s, nullptr);
        return signals == 1 ? 0 : 2;
    });
    BOOST_TEST(how == 0);
}

BOOST_AUTO_TEST_CASE(a_blocked_signal_stays_blocked_and_is_not_left_pending)
{
    auto const how = in_child([] {
        sigset_t s;
        ::sigemptyset(&s);
        ::sigaddset(&s, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &s, nullptr);
        auto const e = new_pipe();
        ::close(e[0]);
        fd_sink k(e[1]);
        error_code ec;
        k.write_some(to_bytes("x"), ec);
        return ec == errc::broken_pipe && !pending(SIGPIPE) && blocked(SIGPIPE) ? 0 : 1;
    });
    BOOST_TEST(how == 0);
}

BOOST_AUTO_TEST_CASE(a_file_size_limit_is_an_error_and_no_signal)
{
    auto const how = in_child([] {
        file_fixture f;
        limit_file_size(1000);
        error_code ec;
        if(write_all(f.sink, std::string(1500, 'x'), ec) != 1000 || ec != errc::file_too_large)
            return 1;
        return pending(SIGXFSZ) || blocked(SIGXFSZ) ? 2 : 0;
    });
    BOOST_TEST(how == 0);
}

BOOST_AUTO_TEST_CASE(interrupted_calls_are_repeated)
{
    handle(SIGALRM);
    itimerval const often{{0, 1000}, {0, 1000}};
    itimerval const never{};
    std::string const text = tarexport::detail::sample_bytes(3'000'000);
    auto const e = new_pipe();
    descriptor_guard const reading(e[0]);
    descriptor_guard writing(e[1]);
    std::string got;
    std::thread reader([&] {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
        std::array<char, 50000> buffer;
        for(ssize_t n; (n = ::read(e[0], buffer.data(), buffer.size())) > 0;) {
            got.append(buffer.data(), static_cast<std::size_t>(n));
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    });
    fd_sink k(e[1]);
    ::setitimer(ITIMER_REAL, &often, nullptr);
    error_code ec;
    auto const n = write_all(k, text, ec);
    ::setitimer(ITIMER_REAL, &never, nullptr);
    writing.close();
    reader.join();
    BOOST_TEST(!ec.failed());
    BOOST_TEST(n == text.size());
    BOOST_TEST((got == text));
    BOOST_TEST(signals > 5);
}

BOOST_AUTO_TEST_CASE(a_full_device_is_an_error)
{
    descriptor_guard const full(open_file("/dev/full", O_WRONLY));
    fd_sink k(full.get());
    error_code ec;
    BOOST_TEST(k.write_some(to_bytes("x"), ec) == 0u);
    BOOST_TEST((ec == errc::no_space_on_device));
}

BOOST_AUTO_TEST_CASE(a_closed_descriptor_is_an_error)
{
    fd_sink k(-1);
    error_code ec;
    BOOST_TEST(k.write_some(to_bytes("x"), ec) == 0u);
    BOOST_TEST((ec == errc::bad_file_descriptor));
    source_file const in("0123456789");
    BOOST_TEST(k.copy_some(in.extent(0, 10), ec) == 0u);
    BOOST_TEST(ec.failed());
}

BOOST_AUTO_TEST_CASE(copies_to_files_pipes_and_sockets_without_moving_the_source)
{
    auto const text = tarexport::detail::sample_bytes(30000);
    source_file const in(text);
    auto const copy = [&](fd_sink& k) {
        std::size_t n = 0;
        while(n != 20000) {
            error_code ec;
            n += k.copy_some(in.extent(1000 + n, 20000 - n), ec);
            BOOST_TEST_REQUIRE(!ec.failed());
        }
    };
    file_fixture file;
    copy(file.sink);
    BOOST_TEST((file.taken() == text.substr(1000, 20000)));
    stream_fixture piped(new_pipe());
    copy(piped.sink);
    BOOST_TEST((piped.taken() == text.substr(1000, 20000)));
    stream_fixture connected(new_socket_pair());
    copy(connected.sink);
    BOOST_TEST((connected.taken() == text.substr(1000, 20000)));
    BOOST_TEST(in.untouched());
}

BOOST_AUTO_TEST_CASE(says_where_it_cannot_copy)
{
    source_file const in("0123456789");
    error_code ec;

    file_fixture appended(O_APPEND);
    BOOST_TEST(appended.sink.copy_some(in.extent(0, 10), ec) == 0u);
    BOOST_TEST((ec == errc::operation_not_supported));
    BOOST_TEST(appended.taken() == "");

    file_fixture file;
    BOOST_TEST(file.sink.copy_some(in.extent(10, 5), ec) == 0u); // beyond the end
    BOOST_TEST((ec == errc::operation_not_supported));
    BOOST_TEST(file.sink.copy_some(in.extent(std::uint64_t{1} << 63, 5), ec) == 0u);
    BOOST_TEST((ec == errc::operation_not_supported));
    BOOST_TEST(file.sink.copy_some({-1, 0, 5}, ec) == 0u);
    BOOST_TEST((ec == errc::operation_not_supported));
    descriptor_guard const directory(open_file("/", O_RDONLY | O_DIRECTORY));
    BOOST_TEST(file.sink.copy_some({directory.get(), 0, 5}, ec) == 0u);
    BOOST_TEST((ec == errc::operation_not_supported));
    BOOST_TEST(file.taken() == "");

    stream_fixture piped(new_pipe());
    BOOST_TEST(piped.sink.copy_some(in.extent(10, 5), ec) == 0u);
    BOOST_TEST((ec == errc::operation_not_supported));
    BOOST_TEST(in.untouched());
}

BOOST_AUTO_TEST_CASE(copies_what_there_is_of_an_extent_that_is_too_long)
{
    source_file const in("0123456789");
    file_fixture file;
    error_code ec;
    BOOST_TEST(file.sink.copy_some(in.extent(4, 100), ec) == 6u);
    BOOST_TEST(!ec.failed());
    BOOST_TEST(file.taken() == "456789");
}

BOOST_AUTO_TEST_CASE(takes_more_pieces_than_one_call_can)
{
    file_fixture f;
    std::vector<bytes_view> const pieces(3000, to_bytes("ab"));
    std::size_t n = 0;
    while(n != pieces.size()) {
        error_code ec;
        auto const taken = f.sink.write_some(std::span(pieces).subspan(n), ec);
        BOOST_TEST_REQUIRE(!ec.failed());
        BOOST_TEST_REQUIRE(taken % 2 == 0u);
        n += taken / 2;
    }
    BOOST_TEST(f.taken().size() == 6000u);
}

BOOST_AUTO_TEST_CASE(has_a_subject)
{
    BOOST_TEST(fd_sink(1).subject() == "standard output");
    BOOST_TEST(fd_sink(2).subject() == "standard error");
    BOOST_TEST(fd_sink(77).subject() == "file descriptor 77");
    BOOST_TEST(fd_sink(1, "client").subject() == "client");
}
