//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Devices and filters of Boost.Iostreams as sinks, and our sources as theirs: the bytes are the same, and no failure passes for an end.

#include <tarexport/iostreams_source.hpp>

#define BOOST_TEST_MODULE iostreams
#include <boost/test/unit_test.hpp>

#include <tarexport/sink/iostreams.hpp>
#include <tarexport/testing/sink.hpp>

#include <boost/iostreams/copy.hpp>
#include <boost/iostreams/device/array.hpp>
#include <boost/iostreams/device/back_inserter.hpp>
#include <boost/iostreams/filter/counter.hpp>
#include <boost/iostreams/filtering_stream.hpp>
#include <boost/iostreams/stream.hpp>

#include <cstring>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

using namespace tarexport;
namespace io = boost::iostreams;

namespace {

// Takes a few bytes at a time, up to some number, and then fails in its own way.
struct device {
    using char_type = char;
    struct category : io::sink_tag, io::closable_tag, io::flushable_tag {};

    enum class ending { nothing, io_failure, other };

    std::streamsize write(char const* s, std::streamsize n)
    {
        if(text->size() >= limit) {
            if(end == ending::io_failure)
                throw std::ios_base::failure("full");
            if(end == ending::other)
                throw std::runtime_error("other");
            return 0;
        }
        auto const taken = std::min<std::streamsize>(n, 1000);
        text->append(s, static_cast<std::size_t>(taken));
        return taken;
    }

    bool flush() { return flushes; }
    void close() { *closed = true; }

    std::string* text;
    bool* closed;
    std::size_t limit = 1u << 30;
    ending end = ending::nothing;
    bool flushes = true;
};

struct fixture {
    auto& out() { return sink; }
    std::string taken() const { return closed ? text : std::string(); }

    std::string text;
    bool closed = false;
    device d{&text, &closed};
    iostreams_sink<device> sink{d};
};

class text_source {
public:
    explicit text_source(std::string_view text, bool fails = false) : rest_(text), fails_(fails) {}

    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        ec.clear();
        auto const n = std::min({into.size(), rest_.size(), std::size_t{700}});
        std::memcpy(into.data(), rest_.data(), n);
        rest_.remove_prefix(n);
        if(n == 0 && fails_)
            ec = make_error_code(boost::system::errc::io_error);
        return n;
    }

    std::string subject() const { return "a text"; }

private:
    std::string_view rest_;
    bool fails_;
};

} // namespace

BOOST_AUTO_TEST_CASE(a_device_is_a_sink)
{
    for(auto const& sentence : testing::check_sink([] { return fixture(); }))
        BOOST_ERROR(sentence);
}

BOOST_AUTO_TEST_CASE(so_is_a_chain_of_filters)
{
    std::string text;
    io::filtering_ostream chain;
    chain.push(io::counter());
    chain.push(io::back_inserter(text));
    iostreams_sink<io::filtering_ostream> out(chain);
    auto const bytes = detail::sample_bytes(100'000);
    for(auto rest = to_bytes(bytes); !rest.empty();) {
        error_code ec;
        rest = rest.subspan(out.write_some(rest, ec));
        BOOST_REQUIRE(!ec.failed());
    }
    error_code ec;
    out.commit(ec);
    BOOST_TEST(!ec.failed());
    BOOST_TEST((text == bytes));
    BOOST_TEST(chain.component<io::counter>(0)->characters() == 100'000);
    BOOST_TEST(out.write_some(to_bytes("x"), ec) == 0u);
    BOOST_TEST((ec == error::sink_finished));
}

BOOST_AUTO_TEST_CASE(what_a_device_throws_is_an_error)
{
    using ending = device::ending;
    for(auto const end : {ending::nothing, ending::io_failure, ending::other}) {
        fixture f;
        f.d.limit = 0;
        f.d.end = end;
        error_code ec;
        if(end == ending::other) {
            BOOST_CHECK_THROW(f.sink.write_some(to_bytes("x"), ec), std::runtime_error);
            continue;
        }
        BOOST_TEST(f.sink.write_some(to_bytes("x"), ec) == 0u);
        BOOST_TEST((ec == boost::system::errc::io_error));
    }
    fixture f;
    f.d.flushes = false;
    error_code ec;
    f.sink.commit(ec);
    BOOST_TEST((ec == boost::system::errc::io_error));
    f.sink.abort();
    BOOST_TEST(f.sink.subject() == "output device");
}

BOOST_AUTO_TEST_CASE(a_source_is_pulled_through_filters)
{
    auto const bytes = detail::sample_bytes(100'000);
    text_source source(bytes);
    io::filtering_istream in;
    in.push(io::counter());
    in.push(iostreams_source(source));
    std::string const text(std::istreambuf_iterator<char>(in), {});
    BOOST_TEST((text == bytes));
    BOOST_TEST(!in.bad());
    BOOST_TEST(in.component<io::counter>(0)->characters() == 100'000);
}

BOOST_AUTO_TEST_CASE(a_failure_is_no_end)
{
    text_source source("some text", true);
    std::string text;
    try {
        io::copy(iostreams_source(source), io::back_inserter(text));
        BOOST_ERROR("the failure passed for the end");
    }
    catch(save_error const& e) {
        BOOST_TEST((e.code() == boost::system::errc::io_error));
        BOOST_TEST(std::string(e.what()).find("a text") != std::string::npos);
    }
    text_source again("some text", true);
    io::stream<iostreams_source<text_source>> in{iostreams_source(again)};
    char buffer[100];
    in.read(buffer, sizeof buffer);
    BOOST_TEST(in.bad());
}
