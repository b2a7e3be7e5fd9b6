//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/detail/posix_file.hpp>

#define BOOST_TEST_MODULE posix_file
#include <boost/test/unit_test.hpp>

#include "layout_folder.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace fs = std::filesystem;
namespace tx = tarexport;
using tx::detail::system_error_code;
using tx::detail::unique_descriptor;
using tx::error;
using tx::error_code;

namespace {

struct folder : layouts::temporary_folder {
    unique_descriptor fd;

    folder()
    {
        write("a/b/file", "content");
        write("top", "x");
        error_code ec;
        fd = tx::detail::open_directory(path().string(), ec);
        BOOST_REQUIRE(!ec);
    }
};

using opener = std::function<unique_descriptor(int, std::string const&, error_code&)>;

// With the kernel's help and without.
std::vector<opener> const& openers()
{
    static std::vector<opener> const all{tx::detail::open_beneath,
        [](int fd, std::string const& path, error_code& ec) { return tx::detail::open_by_steps(fd, path, ec); }};
    return all;
}

std::string content(int fd)
{
    std::array<std::byte, 100> buffer;
    error_code ec;
    auto const n = tx::detail::read_some_at(fd, buffer, 0, ec);
    BOOST_TEST(!ec);
    return std::string(tx::to_text(std::span(buffer).first(n)));
}

std::size_t open_descriptors()
{
    std::size_t n = 0;
    for([[maybe_unused]] auto const& e : fs::directory_iterator("/proc/self/fd"))
        ++n;
    return n;
}

} // namespace

BOOST_AUTO_TEST_CASE(files_below_the_directory_are_opened)
{
    folder const f;
    for(auto const& open : openers()) {
        error_code ec = error::cancelled;
        auto const file = open(f.fd.get(), "a/b/file", ec);
        BOOST_TEST(!ec);
        BOOST_TEST(content(file.get()) == "content");
        BOOST_TEST((::fcntl(file.get(), F_GETFD) & FD_CLOEXEC) != 0);
        auto const top = open(f.fd.get(), "top", ec);
        BOOST_TEST(content(top.get()) == "x");
    }
}

BOOST_AUTO_TEST_CASE(what_is_not_there_is_told)
{
    folder const f;
    for(auto const& open : openers()) {
        error_code ec;
        BOOST_TEST(!open(f.fd.get(), "a/c", ec));
        BOOST_TEST((ec == system_error_code(ENOENT)));
        BOOST_TEST(!open(f.fd.get(), "x/b/file", ec));
        BOOST_TEST((ec == system_error_code(ENOENT)));
        BOOST_TEST(!open(f.fd.get(), "top/b", ec));
        BOOST_TEST((ec == system_error_code(ENOTDIR)));
    }
    error_code ec;
    tx::detail::open_directory((f.path() / "nowhere").string(), ec);
    BOOST_TEST((ec == system_error_code(ENOENT)));
    tx::detail::open_directory((f.path() / "top").string(), ec);
    BOOST_TEST((ec == system_error_code(ENOTDIR)));
}

BOOST_AUTO_TEST_CASE(no_path_leads_out)
{
    folder const f;
    using namespace std::string_view_literals;
    for(auto const path : {""sv, "/"sv, "/etc/passwd"sv, ".."sv, "../x"sv, "a/../top"sv, "a/./b/file"sv, "."sv, "a//b/file"sv, "a/"sv, "top\0x"sv}) {
        error_code ec;
        BOOST_TEST(!tx::detail::open_beneath(f.fd.get(), std::string(path), ec));
        BOOST_TEST((ec == system_error_code(EXDEV)), path);
    }
}

BOOST_AUTO_TEST_CASE(no_symlink_is_followed)
{
    folder const f;
    fs::create_symlink("a", f.path() / "link");
    fs::create_symlink("file", f.path() / "a/b/same");
    fs::create_symlink("/proc/self/cwd", f.path() / "magic");
    fs::create_symlink("/", f.path() / "root");
    fs::create_symlink("loop", f.path() / "loop");
    for(auto const* path : {"link/b/file", "a/b/same", "magic/x", "root/etc/passwd", "root", "loop", "loop/x"})
        for(auto const& open : openers()) {
            error_code ec;
            BOOST_TEST(!open(f.fd.get(), path, ec));
            BOOST_TEST((ec == system_error_code(ELOOP)), path << ": " << ec.message());
        }
    error_code ec;
    tx::detail::open_file_beneath(f.fd.get(), "link/b/file", ec);
    BOOST_TEST(ec == error::not_a_regular_file);
    // the user's own path may be one
    BOOST_TEST(bool(tx::detail::open_directory((f.path() / "link").string(), ec)));
    BOOST_TEST(!ec);
}

BOOST_AUTO_TEST_CASE(only_regular_files_count_and_none_blocks)
{
    folder const f;
    BOOST_REQUIRE(::mkfifo((f.path() / "fifo").c_str(), 0600) == 0);
    int const s = ::socket(AF_UNIX, SOCK_STREAM, 0);
    unique_descriptor const socket(s);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    auto const name = (f.path() / "socket").string();
    BOOST_REQUIRE(name.size() < sizeof address.sun_path);
    name.copy(address.sun_path, name.size());
    BOOST_REQUIRE(::bind(s, reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0);
    for(auto const* path : {"fifo", "socket", "a"}) {
        error_code ec;
        auto const file = tx::detail::open_file_beneath(f.fd.get(), path, ec);
        BOOST_TEST(ec == error::not_a_regular_file, path << ": " << ec.message());
        BOOST_TEST(!file.fd);
    }
    error_code ec;
    auto const devices = tx::detail::open_directory("/dev", ec);
    BOOST_REQUIRE(!ec);
    tx::detail::open_file_beneath(devices.get(), "zero", ec);
    BOOST_TEST(ec == error::not_a_regular_file);
    auto const file = tx::detail::open_file_beneath(f.fd.get(), "a/b/file", ec);
    BOOST_TEST(!ec);
    BOOST_TEST(file.size == 7u);
}

BOOST_AUTO_TEST_CASE(whole_files_are_read_up_to_a_limit)
{
    folder const f;
    auto const read = [&](std::string const& name, std::uint64_t limit) {
        return tx::detail::read_file_beneath(f.fd.get(), name, limit, "the " + name);
    };
    BOOST_TEST(read("top", 1).value() == "x");
    BOOST_TEST(read("a/b/file", 7).value() == "content");
    auto const long_one = read("a/b/file", 6);
    BOOST_TEST_REQUIRE(long_one.has_error());
    BOOST_TEST(long_one.error().code == error::limit_exceeded);
    BOOST_TEST(long_one.error().subject == "the a/b/file");
    f.write("empty", "");
    BOOST_TEST(read("empty", 0).value().empty());
    std::string const large(3'000'000, 'y');
    f.write("large", large);
    BOOST_TEST((read("large", 10'000'000).value() == large));
    // a file of the kernel, whose size is said to be 0
    error_code ec;
    auto const proc = tx::detail::open_directory("/proc/self", ec);
    BOOST_TEST(!tx::detail::read_file_beneath(proc.get(), "cmdline", 100'000, "p").value().empty());
    BOOST_TEST(read("absent", 1).error().code == system_error_code(ENOENT));
    BOOST_TEST(read("a", 1).error().code == error::not_a_regular_file);
    // a sparse terabyte is refused after what the limit allows
    fs::resize_file(f.path() / "large", std::uintmax_t{1} << 40);
    BOOST_TEST(read("large", 5'000'000).error().code == error::limit_exceeded);
}

BOOST_AUTO_TEST_CASE(reading_at_a_position)
{
    folder const f;
    error_code ec;
    auto const file = tx::detail::open_file_beneath(f.fd.get(), "a/b/file", ec);
    std::array<std::byte, 4> buffer;
    BOOST_TEST(tx::detail::read_some_at(file.fd.get(), buffer, 5, ec) == 2u);
    BOOST_TEST(tx::to_text(std::span(buffer).first(2)) == "nt");
    BOOST_TEST(tx::detail::read_some_at(file.fd.get(), buffer, 7, ec) == 0u);
    BOOST_TEST(!ec);
    BOOST_TEST(tx::detail::read_some_at(file.fd.get(), buffer, std::uint64_t{1} << 40, ec) == 0u);
    BOOST_TEST(!ec);
    BOOST_TEST(tx::detail::read_some_at(file.fd.get(), buffer, std::numeric_limits<std::uint64_t>::max(), ec) == 0u);
    BOOST_TEST((ec == system_error_code(EOVERFLOW)));
    BOOST_TEST(tx::detail::read_some_at(-1, buffer, 0, ec) == 0u);
    BOOST_TEST((ec == system_error_code(EBADF)));
    BOOST_TEST(tx::detail::read_some_at(f.fd.get(), buffer, 0, ec) == 0u);
    BOOST_TEST((ec == system_error_code(EISDIR)));
}

BOOST_AUTO_TEST_CASE(no_descriptor_is_left)
{
    folder const f;
    fs::create_symlink("a", f.path() / "link");
    auto const before = open_descriptors();
    for(int i = 0; i != 20; ++i)
        for(auto const* path : {"a/b/file", "a/b", "a/x/y", "link/b/file", "../x", "top/x"}) {
            error_code ec;
            tx::detail::open_file_beneath(f.fd.get(), path, ec);
            for(auto const& open : openers())
                if(std::string_view(path).find("..") == std::string_view::npos)
                    open(f.fd.get(), path, ec);
        }
    BOOST_TEST(open_descriptors() == before);
}
