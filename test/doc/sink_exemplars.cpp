//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// The exemplars of doc/concepts/sink.md, and what shows that they work.

#include <tarexport.hpp>
#include <tarexport/testing/sink.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iostream>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

namespace exemplar {

using namespace tarexport;

//[sink
/// Keeps of an archive only its digest: proves what would have been sent, and reads every layer on the way.
class digest_sink {
public:
    std::size_t write_some(bytes_view bytes, error_code&)
    {
        hash_.update(bytes);
        return bytes.size();
    }

    digest result() { return hash_.result(); }

private:
    sha256 hash_;
};

static_assert(sink<digest_sink>);
//]

//[gather_sink
/// Counts bytes, piece by piece.
struct piece_counter {
    std::size_t write_some(bytes_view bytes, error_code& ec) { return write_some({&bytes, 1}, ec); }

    std::size_t write_some(std::span<bytes_view const> pieces, error_code&)
    {
        std::size_t n = 0;
        for(auto const& p : pieces)
            n += p.size();
        counted += n;
        return n;
    }

    std::uint64_t counted = 0;
};

static_assert(gather_sink<piece_counter>);
//]

//[extent_sink
/// A stream socket, which sends files without copying them into the program.
struct socket_sink {
    std::size_t write_some(bytes_view bytes, error_code& ec)
    {
        return sent(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL), ec);
    }

    std::size_t copy_some(file_extent extent, error_code& ec)
    {
        auto offset = static_cast<off_t>(extent.offset);
        auto const n = ::sendfile(fd, extent.fd, &offset, std::min<std::uint64_t>(extent.size, 1 << 30));
        if(n == 0 || (n < 0 && errno == EINVAL)) { // not between these two: the caller reads and writes instead
            ec = make_error_code(boost::system::errc::operation_not_supported);
            return 0;
        }
        return sent(n, ec);
    }

    static std::size_t sent(ssize_t n, error_code& ec)
    {
        if(n < 0)
            ec = error_code(errno, boost::system::system_category());
        return n < 0 ? 0 : static_cast<std::size_t>(n);
    }

    int fd;
};

static_assert(extent_sink<socket_sink>);
//]

//[committing_sink
/// A text that changes when the archive is whole, and not before.
class replacing_sink {
public:
    explicit replacing_sink(std::string& out) : out_(&out) {}

    std::size_t write_some(bytes_view bytes, error_code&)
    {
        pending_.append(to_text(bytes));
        return bytes.size();
    }

    void commit(error_code&) { out_->swap(pending_); }
    void abort() noexcept { pending_.clear(); }

private:
    std::string* out_;
    std::string pending_;
};

static_assert(committing_sink<replacing_sink>);
//]

//[positional_sink
/// A block of memory that others look at when the archive is whole; threads fill it side by side.
class shared_block {
public:
    explicit shared_block(std::span<std::byte> memory) : memory_(memory) {}

    std::size_t write_some(bytes_view bytes, error_code& ec) { return write_some({&bytes, 1}, ec); }

    std::size_t write_some(std::span<bytes_view const> pieces, error_code& ec)
    {
        auto const n = write_at(end_, pieces, ec);
        end_ += n;
        return n;
    }

    std::size_t write_at(std::uint64_t position, std::span<bytes_view const> pieces, error_code& ec)
    {
        auto const bytes = pieces.front();
        if(position > memory_.size() || bytes.size() > memory_.size() - position) {
            ec = make_error_code(boost::system::errc::no_space_on_device);
            return 0;
        }
        std::ranges::copy(bytes, memory_.subspan(position).begin());
        return bytes.size();
    }

    bool any_order() const { return true; }

    void commit(error_code&) { whole_.test_and_set(); }
    void abort() noexcept {}

    bool whole() const { return whole_.test(); }

private:
    std::span<std::byte> memory_;
    std::size_t end_ = 0;
    std::atomic_flag whole_;
};

static_assert(positional_sink<shared_block>);
//]

} // namespace exemplar

namespace {

using namespace exemplar;

int failures = 0;

void expect(bool holds, char const* what)
{
    if(!holds) {
        std::cerr << "does not hold: " << what << '\n';
        ++failures;
    }
}

void expect_none(std::vector<std::string> const& broken, char const* what)
{
    for(auto const& sentence : broken)
        std::cerr << sentence << '\n';
    expect(broken.empty(), what);
}

char const images_folder[] = TAREXPORT_SOURCE_DIR "/example/images";

std::string archive_of_hello()
{
    memory_sink out;
    tarexport::save(oci_layout_store(images_folder), names("hello:1.0"), out);
    return out.bytes();
}

struct block_fixture {
    shared_block& out() { return sink; }
    std::string taken() const { return text.substr(0, text.find_last_not_of('\0') + 1); }
    bool appeared() const { return sink.whole(); }

    std::string text = std::string(400'000, '\0');
    shared_block sink{std::as_writable_bytes(std::span(text))};
};

struct replacing_fixture {
    replacing_sink& out() { return sink; }
    std::string taken() const { return text; }
    bool appeared() const { return !text.empty(); }

    std::string text;
    replacing_sink sink{text};
};

void check_sinks()
{
    expect_none(testing::check_sink([] { return replacing_fixture(); }), "committing_sink");
    expect_none(testing::check_sink([] { return block_fixture(); }), "positional_sink");

    oci_layout_store const store(images_folder);
    digest_sink identity;
    tarexport::save(store, names("hello:1.0"), identity);
    expect(identity.result() == digest_of(archive_of_hello()), "the digest of an archive");
    piece_counter counter;
    expect(tarexport::save(store, names("hello:1.0"), counter).bytes == counter.counted, "pieces add up");
}

void check_socket()
{
    oci_layout_store const store(images_folder);
    int ends[2];
    expect(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "a pair of sockets");
    std::string received;
    std::thread reader([&] {
        char buffer[4096];
        for(ssize_t n = 0; (n = ::read(ends[1], buffer, sizeof buffer)) > 0;)
            received.append(buffer, static_cast<std::size_t>(n));
    });
    socket_sink out{ends[0]};
    save_options how;
    how.verification = verify::never; // so that nobody has to look at the bytes
    tarexport::save(store, names("hello:1.0"), out, how);
    ::close(ends[0]);
    reader.join();
    ::close(ends[1]);
    expect(received == archive_of_hello(), "an archive through a socket");
}

} // namespace

int main()
try {
    check_sinks();
    check_socket();
    return failures == 0 ? 0 : 1;
}
catch(std::exception const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
