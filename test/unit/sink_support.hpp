//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// What the tests of sinks share: scratch directories, files, pipes with a reader, child processes.

#ifndef TAREXPORT_TEST_SINK_SUPPORT_HPP
#define TAREXPORT_TEST_SINK_SUPPORT_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/error.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace support {

namespace errc = boost::system::errc;
using tarexport::error_code;

// A directory that goes when the test does.
class scratch {
public:
    scratch()
    {
        auto name = (std::filesystem::temp_directory_path() / "tarexport-XXXXXX").string();
        if(!::mkdtemp(name.data()))
            throw std::runtime_error("mkdtemp");
        path_ = name;
    }

    scratch(scratch const&) = delete;
    scratch& operator=(scratch const&) = delete;

    ~scratch()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    std::string operator/(std::string_view name) const { return path_ + '/' + std::string(name); }
    std::string const& path() const { return path_; }

    std::set<std::string> names() const
    {
        std::set<std::string> all;
        for(auto const& e : std::filesystem::directory_iterator(path_))
            all.insert(e.path().filename().string());
        return all;
    }

private:
    std::string path_;
};

using name_set = std::set<std::string>;

inline std::string contents(std::string const& path)
{
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline void put(std::string const& path, std::string_view text)
{
    std::ofstream(path, std::ios::binary) << text;
}

// A descriptor that is closed at the end of the test.
class descriptor_guard {
public:
    explicit descriptor_guard(int fd) : fd_(fd) { BOOST_TEST_REQUIRE(fd >= 0); }
    descriptor_guard(descriptor_guard const&) = delete;
    descriptor_guard& operator=(descriptor_guard const&) = delete;
    ~descriptor_guard() { close(); }

    int get() const { return fd_; }

    void close()
    {
        if(fd_ >= 0)
            ::close(std::exchange(fd_, -1));
    }

private:
    int fd_;
};

inline int open_file(std::string const& path, int flags) { return ::open(path.c_str(), flags | O_CLOEXEC, 0600); }

// Two connected ends: what is written to the second is read from the first.
using ends = std::array<int, 2>;

inline ends new_pipe(int flags = 0)
{
    ends e{-1, -1};
    if(::pipe2(e.data(), O_CLOEXEC | flags) != 0)
        throw std::runtime_error("pipe");
    return e;
}

inline ends new_socket_pair(int flags = 0)
{
    ends e{-1, -1};
    if(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0, e.data()) != 0)
        throw std::runtime_error("socketpair");
    return e;
}

// Reads all there is, in its own thread.
class collector {
public:
    explicit collector(int fd) : thread_([this, fd] { run(fd); }) {}
    collector(collector const&) = delete;
    collector& operator=(collector const&) = delete;

    ~collector()
    {
        if(thread_.joinable())
            thread_.join();
    }

    // Call after the other end was closed.
    std::string const& text()
    {
        if(thread_.joinable())
            thread_.join();
        return text_;
    }

private:
    void run(int fd)
    {
        std::array<char, 5000> buffer;
        for(;;) {
            auto const n = ::read(fd, buffer.data(), buffer.size());
            if(n > 0)
                text_.append(buffer.data(), static_cast<std::size_t>(n));
            else if(n == 0 || errno != EINTR)
                break;
        }
    }

    std::string text_;
    std::thread thread_;
};

// Runs a function in a child process; returns how that ended: its exit code, or 1000 and the number of its signal.
template<class F>
int in_child(F f)
{
    auto const child = ::fork();
    if(child == 0) {
        // Boost.Test turns signals into exceptions; the child wants what any program has.
        for(int s : {SIGPIPE, SIGXFSZ, SIGABRT, SIGSEGV, SIGALRM})
            ::signal(s, SIG_DFL);
        int code = 120;
        try {
            code = f();
        }
        catch(...) {
            code = 121;
        }
        ::_exit(code);
    }
    int status = 0;
    if(child == -1 || ::waitpid(child, &status, 0) != child)
        return -1;
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

inline void limit_file_size(rlim_t bytes)
{
    rlimit const r{bytes, bytes};
    if(::setrlimit(RLIMIT_FSIZE, &r) != 0)
        throw std::runtime_error("setrlimit");
}

// Writes a whole text, or as much as can be; returns the number of bytes.
template<class Sink>
std::size_t write_all(Sink& k, std::string_view text, error_code& ec)
{
    std::size_t n = 0;
    ec.clear();
    while(n != text.size() && !ec.failed()) {
        auto const taken = k.write_some(tarexport::to_bytes(text.substr(n)), ec);
        if(taken == 0 && !ec.failed())
            throw std::runtime_error("stalled");
        n += taken;
    }
    return n;
}

template<class Sink>
std::size_t write_all(Sink& k, std::string_view text)
{
    error_code ec;
    auto const n = support::write_all(k, text, ec);
    BOOST_TEST(!ec.failed(), ec.message());
    return n;
}

} // namespace support

#endif
