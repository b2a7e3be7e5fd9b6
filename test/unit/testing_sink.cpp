//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/testing/sink.hpp>

#define BOOST_TEST_MODULE testing_sink
#include <boost/test/unit_test.hpp>

#include "sink_support.hpp"

#include <sys/stat.h>

using namespace support;
using namespace tarexport;
namespace testing = tarexport::testing;

namespace {

// A sink that keeps every law, unless told to break one.
enum class mistake {
    none,
    loses_a_byte,
    says_too_much,
    stalls,
    fails,
    holds_memory,
    swaps_pieces,
    drops_all_but_the_first_piece,
    moves_the_source,
    copies_wrong_bytes,
    cannot_copy,
    shows_early,
    never_shows,
    shows_aborted,
    commit_fails
};

class suspect {
public:
    explicit suspect(mistake m) : mistake_(m) {}

    std::size_t write_some(bytes_view bytes, error_code& ec)
    {
        ec.clear();
        switch(mistake_) {
        case mistake::stalls: return 0;
        case mistake::says_too_much: return bytes.size() + 1;
        case mistake::fails: ec = make_error_code(errc::io_error); return 0;
        case mistake::holds_memory: held_.push_back(bytes); return bytes.size();
        default: break;
        }
        text_.append(to_text(bytes));
        if(mistake_ == mistake::loses_a_byte && text_.size() > 700)
            text_.erase(700, 1);
        return bytes.size();
    }

    std::size_t write_some(std::span<bytes_view const> pieces, error_code& ec)
    {
        std::vector<bytes_view> all(pieces.begin(), pieces.end());
        if(mistake_ == mistake::swaps_pieces)
            std::ranges::reverse(all);
        std::size_t n = 0;
        for(auto const& p : all)
            if(n == 0 || mistake_ != mistake::drops_all_but_the_first_piece)
                n += write_some(p, ec);
            else
                n += p.size();
        return n;
    }

    std::size_t copy_some(file_extent extent, error_code& ec)
    {
        if(mistake_ == mistake::cannot_copy) {
            ec = make_error_code(errc::operation_not_supported);
            return 0;
        }
        std::string bytes(std::min<std::size_t>(extent.size, 5000), '\0');
        if(mistake_ == mistake::moves_the_source)
            ::lseek(extent.fd, 9, SEEK_SET);
        auto const shift = mistake_ == mistake::copies_wrong_bytes ? 1 : 0;
        auto const n = ::pread(extent.fd, bytes.data(), bytes.size(), static_cast<off_t>(extent.offset) + shift);
        bytes.resize(static_cast<std::size_t>(n));
        return write_some(to_bytes(bytes), ec);
    }

    void commit(error_code& ec)
    {
        ec = mistake_ == mistake::commit_fails ? make_error_code(errc::io_error) : error_code();
        shown_ = mistake_ != mistake::never_shows;
    }

    void abort() noexcept { shown_ = mistake_ == mistake::shows_aborted; }

    std::string contents() const
    {
        auto all = text_;
        for(auto const& h : held_)
            all.append(h.size(), '#'); // what the memory holds by now, without touching what may be gone
        return all;
    }

    bool shown() const { return shown_ || mistake_ == mistake::shows_early; }

private:
    mistake mistake_;
    std::string text_;
    std::vector<bytes_view> held_;
    bool shown_ = false;
};

struct fixture {
    suspect& out() { return sink; }
    std::string taken() { return sink.contents(); }
    bool appeared() { return sink.shown(); }

    suspect sink;
};

std::vector<std::string> verdict(mistake m)
{
    return testing::check_sink([m] { return fixture{suspect(m)}; });
}

bool any_says(std::vector<std::string> const& sentences, std::string_view what)
{
    return std::ranges::any_of(sentences, [&](auto const& s) { return s.find(what) != std::string::npos; });
}

struct counted_thing : testing::counted<counted_thing> {};

std::size_t give(testing::chopping_sink& k, std::string_view text)
{
    error_code ec;
    return k.write_some(to_bytes(text), ec);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_good_sink_passes)
{
    BOOST_TEST(verdict(mistake::none).empty());
    BOOST_TEST(verdict(mistake::cannot_copy).empty());
    for(auto const& sentence : verdict(mistake::none))
        BOOST_TEST_MESSAGE(sentence);
}

BOOST_AUTO_TEST_CASE(every_mistake_is_found)
{
    std::pair<mistake, std::string_view> const all[] = {
        {mistake::loses_a_byte, "bytes arrived of"},
        {mistake::says_too_much, "writes of 1 bytes: took 2 bytes of 1"},
        {mistake::stalls, "took no byte and reported no error"},
        {mistake::fails, "reported an error: "},
        {mistake::holds_memory, "the bytes that arrived are not those that were written"},
        {mistake::swaps_pieces, "writes of 4 pieces: the bytes that arrived"},
        {mistake::drops_all_but_the_first_piece, "writes of 4 pieces: "},
        {mistake::moves_the_source, "copies: copying moved the file position"},
        {mistake::copies_wrong_bytes, "copies: the bytes that arrived"},
        {mistake::shows_early, "the archive is visible before it was committed"},
        {mistake::never_shows, "the archive is not visible after it was committed"},
        {mistake::shows_aborted, "abort: the archive is visible after it was aborted"},
        {mistake::commit_fails, "commit reported an error"},
    };
    for(auto const& [m, sentence] : all)
        BOOST_TEST(any_says(verdict(m), sentence), sentence);
}

BOOST_AUTO_TEST_CASE(an_error_that_is_lost_is_found)
{
    struct forgetful {
        std::size_t write_some(bytes_view, error_code) { return 0; }
    };
    struct forgetful_fixture {
        forgetful& out() { return sink; }
        std::string taken() { return {}; }
        forgetful sink;
    };
    BOOST_TEST(any_says(testing::check_sink([] { return forgetful_fixture(); }), "reported no error"));
}

BOOST_AUTO_TEST_CASE(the_double_chops)
{
    testing::chopping_sink k(5);
    BOOST_TEST(give(k, "0123456789") == 5u);
    bytes_view const pieces[] = {to_bytes("abc"), to_bytes("def"), to_bytes("g")};
    error_code ec;
    BOOST_TEST(k.write_some(pieces, ec) == 5u);
    BOOST_TEST(k.bytes() == "01234abcde");
    BOOST_TEST(k.calls() == 2u);
    BOOST_TEST(k.complaints().empty());
}

BOOST_AUTO_TEST_CASE(the_double_complains_about_its_driver)
{
    {
        testing::chopping_sink k;
        give(k, "");
        BOOST_TEST(any_says(k.complaints(), "an empty piece"));
        error_code ec;
        k.write_some(std::span<bytes_view const>(), ec);
        BOOST_TEST(any_says(k.complaints(), "no pieces"));
    }
    {
        testing::chopping_sink k(1); // the empty piece is behind what one call takes
        bytes_view const pieces[] = {to_bytes("abc"), {}};
        error_code ec;
        k.write_some(pieces, ec);
        BOOST_TEST(any_says(k.complaints(), "an empty piece"));
    }
    for(bool const committed : {false, true}) {
        testing::chopping_sink k;
        error_code ec;
        BOOST_TEST(!k.finished());
        if(committed)
            k.commit(ec);
        else
            k.abort();
        BOOST_TEST(k.finished());
        BOOST_TEST(k.committed() == committed);
        BOOST_TEST(k.complaints().empty());
        auto again = k;
        again.abort();
        BOOST_TEST(any_says(again.complaints(), "an abort after the end"));
        give(k, "x");
        BOOST_TEST(any_says(k.complaints(), "a call after the end"));
    }
}

BOOST_AUTO_TEST_CASE(the_double_fails_at_its_call)
{
    for(std::size_t n : {1u, 2u, 3u}) {
        testing::failing_sink k(n);
        error_code first, second, last;
        k.write_some(to_bytes("a"), first);
        if(!first.failed())
            k.write_some(to_bytes("b"), second);
        if(!first.failed() && !second.failed())
            k.commit(last);
        BOOST_TEST(first.failed() == (n == 1));
        BOOST_TEST(second.failed() == (n == 2));
        BOOST_TEST(last.failed() == (n == 3));
        BOOST_TEST(k.failed());
        BOOST_TEST(!k.committed());
        k.abort(); // also after a commit that failed
        BOOST_TEST(k.complaints().empty());
        k.write_some(to_bytes("c"), first);
        BOOST_TEST(any_says(k.complaints(), "a call after an error"));
    }
    testing::failing_sink never(0);
    error_code ec;
    for(int i = 0; i != 100; ++i)
        never.write_some(to_bytes("x"), ec);
    BOOST_TEST(!never.failed());
}

BOOST_AUTO_TEST_CASE(the_double_copies_until_it_does_not)
{
    scratch const dir;
    put(dir / "in", "0123456789");
    descriptor_guard const in(open_file(dir / "in", O_RDONLY));
    testing::copying_sink k(2, 3);
    error_code ec;
    BOOST_TEST(k.copy_some({in.get(), 1, 9}, ec) == 3u);
    BOOST_TEST(k.copy_some({in.get(), 4, 2}, ec) == 2u);
    BOOST_TEST(!ec.failed());
    BOOST_TEST(k.copy_some({in.get(), 6, 4}, ec) == 0u);
    BOOST_TEST((ec == errc::operation_not_supported));
    BOOST_TEST(k.bytes() == "12345");
    BOOST_TEST(k.copied() == 2u);
    BOOST_TEST(k.calls() == 3u);
    testing::copying_sink failing(10, 3, 2);
    BOOST_TEST(failing.copy_some({in.get(), 0, 9}, ec) == 3u);
    BOOST_TEST(failing.copy_some({in.get(), 3, 6}, ec) == 0u);
    BOOST_TEST((ec == errc::io_error));
}

BOOST_AUTO_TEST_CASE(counts_objects)
{
    BOOST_TEST(counted_thing::alive() == 0);
    {
        counted_thing a;
        counted_thing b = a;
        counted_thing c = std::move(a);
        b = c;
        BOOST_TEST(counted_thing::alive() == 3);
    }
    BOOST_TEST(counted_thing::alive() == 0);
}

BOOST_AUTO_TEST_CASE(counts_descriptors)
{
    auto const before = testing::open_descriptors();
    descriptor_guard null(open_file("/dev/null", O_WRONLY));
    BOOST_TEST(testing::open_descriptors() == before + 1);
    null.close();
    BOOST_TEST(testing::open_descriptors() == before);
}
