//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// What is compressed is read by the programs of others, is the same for every number of threads, can be read in parts, and is never
// taken for whole before it is.

#include <tarexport/sink/compressed.hpp>

#define BOOST_TEST_MODULE sink_compressed
#include <boost/test/unit_test.hpp>

#include "sink_support.hpp"

#include <tarexport/sink/file.hpp>
#include <tarexport/sink/memory.hpp>
#include <tarexport/testing/sink.hpp>

#include <boost/iostreams/copy.hpp>
#include <boost/iostreams/device/array.hpp>
#include <boost/iostreams/device/back_inserter.hpp>
#include <boost/iostreams/filter/zstd.hpp>
#include <boost/iostreams/filtering_stream.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

using namespace tarexport;
namespace io = boost::iostreams;

namespace {

constexpr std::size_t block = detail::block_compressor::block_size;
constexpr archive_compression gzip{compression_format::gzip, 1};
constexpr archive_compression zstd{compression_format::zstd, 3};

// Half of it compresses well.
std::string content(std::size_t n)
{
    auto s = tarexport::detail::sample_bytes(n);
    for(std::size_t i = 0; i < n; i += 2000)
        std::fill_n(s.begin() + static_cast<std::ptrdiff_t>(i), std::min<std::size_t>(1000, n - i), static_cast<char>(i >> 10));
    return s;
}

template<class Sink>
void write_all(Sink& out, std::string_view text, std::size_t portion = 70'001)
{
    while(!text.empty()) {
        error_code ec;
        auto const n = out.write_some(to_bytes(text.substr(0, portion)), ec);
        BOOST_REQUIRE(!ec.failed());
        BOOST_REQUIRE(n != 0);
        text.remove_prefix(n);
    }
}

std::string compressed(std::string_view text, archive_compression how, std::size_t jobs)
{
    memory_sink out;
    compressed_sink packed(out, how, jobs);
    write_all(packed, text);
    error_code ec;
    packed.commit(ec);
    BOOST_REQUIRE(!ec.failed());
    return out.bytes();
}

// What a program makes of a file, or nothing where it fails.
std::optional<std::string> said(std::string const& command)
{
    std::FILE* const pipe = ::popen((command + " 2>/dev/null").c_str(), "r");
    BOOST_REQUIRE(pipe);
    std::string all;
    char buffer[65536];
    for(std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
        all.append(buffer, n);
    return ::pclose(pipe) == 0 ? std::optional(all) : std::nullopt;
}

std::optional<std::string> program_expands(archive_compression how, std::string const& bytes)
{
    support::scratch folder;
    auto const file = folder / "file";
    std::ofstream(file, std::ios::binary) << bytes;
    return said((how.format == compression_format::gzip ? "gzip -dc <" : "zstd -dcq <") + file);
}

bool is_there(archive_compression how)
{
    return std::system(how.format == compression_format::gzip ? "gzip --version >/dev/null 2>&1" : "zstd --version >/dev/null 2>&1") == 0;
}

std::uint32_t number(std::string_view at)
{
    std::uint32_t n = 0;
    for(int i = 3; i >= 0; --i)
        n = n << 8 | static_cast<unsigned char>(at[static_cast<std::size_t>(i)]);
    return n;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_choice_is_read)
{
    BOOST_TEST((parse_archive_compression("gzip").value() == archive_compression{compression_format::gzip, 6}));
    BOOST_TEST((parse_archive_compression("zstd").value() == archive_compression{compression_format::zstd, 3}));
    BOOST_TEST((parse_archive_compression("zstd:19").value() == archive_compression{compression_format::zstd, 19}));
    for(std::string_view const wrong : {"", "xz", "gzip:", "gzip:0", "gzip:10", "zstd:20", "zstd:-1", "zstd:3x", "zstd: 3", "GZIP"})
        BOOST_TEST(parse_archive_compression(wrong).has_error(), wrong);
    auto const why = parse_archive_compression("gzip:10").error();
    BOOST_TEST(why.subject == "gzip:10");
    BOOST_TEST(why.detail == "the level of gzip is a number from 1 to 9");
}

BOOST_AUTO_TEST_CASE(programs_read_what_is_compressed_and_threads_change_nothing)
{
    for(auto const how : {gzip, zstd})
        for(std::size_t const size : {std::size_t{0}, std::size_t{1}, block - 1, block, block + 1, 5 * block + 12345}) {
            auto const text = content(size);
            auto const one = compressed(text, how, 1);
            for(std::size_t const jobs : {0u, 2u, 5u})
                BOOST_TEST((compressed(text, how, jobs) == one));
            if(size > block)
                BOOST_TEST(one.size() < text.size() * 3 / 4);
            if(!is_there(how)) {
                std::fprintf(stderr, "SKIPPED: there is no %s\n", std::string(name_of(how.format)).c_str());
                continue;
            }
            // gzip takes no empty file for one of its own.
            if(size != 0 || how.format == compression_format::zstd)
                BOOST_TEST((program_expands(how, one) == text));
        }
}

BOOST_AUTO_TEST_CASE(too_many_threads_are_not_made)
{
    auto const text = content(block + 1);
    constexpr auto all = std::numeric_limits<std::size_t>::max();
    for(std::size_t const jobs : {all, all / 2 + 1}) // twice the second is 0
        BOOST_TEST((compressed(text, zstd, jobs) == compressed(text, zstd, 1)));
}

BOOST_AUTO_TEST_CASE(the_table_leads_to_any_byte)
{
    auto const text = content(3 * block + 999);
    auto const bytes = compressed(text, zstd, 2);
    std::string_view const all(bytes);
    // From the end: a magic number, a byte of flags, how many frames.
    BOOST_TEST(number(all.substr(all.size() - 4)) == 0x8f92eab1);
    BOOST_TEST(all[all.size() - 5] == '\0');
    auto const frames = number(all.substr(all.size() - 9));
    BOOST_TEST(frames == 4u);
    auto const table = all.size() - 9 - 8 * frames;
    BOOST_TEST(number(all.substr(table - 8)) == 0x184d2a5e);
    BOOST_TEST(number(all.substr(table - 4)) == 8 * frames + 9);
    std::size_t at = 0, plain_at = 0;
    for(std::uint32_t i = 0; i != frames; ++i) {
        auto const size = number(all.substr(table + 8 * i));
        auto const plain = number(all.substr(table + 8 * i + 4));
        io::filtering_istream in;
        in.push(io::zstd_decompressor());
        in.push(io::array_source(all.data() + at, size));
        std::string expanded;
        io::copy(in, io::back_inserter(expanded));
        BOOST_TEST((expanded == text.substr(plain_at, plain)));
        at += size;
        plain_at += plain;
    }
    BOOST_TEST(plain_at == text.size());
    BOOST_TEST(at == table - 8);
}

// Whatever was written when a save fails, decoders miss the end of.
BOOST_AUTO_TEST_CASE(what_is_not_committed_is_not_whole)
{
    for(auto const how : {gzip, zstd}) {
        if(!is_there(how))
            continue;
        for(std::size_t const size : {4 * block, 6 * block + 10}) {
            auto const text = content(size);
            memory_sink out;
            compressed_sink packed(out, how, 1);
            write_all(packed, text);
            packed.abort();
            BOOST_TEST(out.bytes().size() > block);
            BOOST_TEST(!program_expands(how, out.bytes()).has_value());
            error_code ec;
            BOOST_TEST(packed.write_some(to_bytes("x"), ec) == 0u);
            BOOST_TEST((ec == error::sink_finished));
            packed.commit(ec);
            BOOST_TEST((ec == error::sink_finished));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_file_appears_when_it_is_whole)
{
    support::scratch folder;
    auto const text = content(3 * block);
    for(bool const commit : {false, true}) {
        compressed_sink packed(file_sink(folder / "a.zst", {.sync = false}), zstd);
        BOOST_TEST(packed.subject() == folder / "a.zst");
        write_all(packed, text);
        BOOST_TEST(folder.names() == support::name_set({"a.zst.part"}));
        error_code ec;
        if(commit)
            packed.commit(ec);
        else
            packed.abort();
        BOOST_TEST(!ec.failed());
        BOOST_TEST(folder.names() == (commit ? support::name_set({"a.zst"}) : support::name_set()));
    }
}

// Every call of the other sink fails once.
BOOST_AUTO_TEST_CASE(a_failure_of_the_other_sink_is_told)
{
    auto const text = content(3 * block + 5);
    for(auto const how : {gzip, zstd})
        for(std::size_t n = 1; n < 100; ++n) {
            testing::failing_sink out(n, make_error_code(boost::system::errc::no_space_on_device));
            error_code ec;
            {
                compressed_sink packed(out, how, 2);
                for(auto rest = std::string_view(text); !rest.empty() && !ec.failed();)
                    rest.remove_prefix(packed.write_some(to_bytes(rest), ec));
                if(!ec.failed())
                    packed.commit(ec);
                if(ec.failed())
                    packed.abort();
            }
            // All may have been written when the table of zstd or the commit fails.
            if(auto const plain = is_there(how) ? program_expands(how, out.bytes()) : std::nullopt)
                BOOST_TEST((*plain == text), "what the failure of call " << n << " leaves passes for whole");
            if(!ec.failed()) {
                BOOST_TEST(n > 5u);
                BOOST_TEST(out.committed());
                BOOST_TEST(!out.aborted());
                break;
            }
            BOOST_TEST((ec == boost::system::errc::no_space_on_device));
            BOOST_TEST(out.aborted());
            BOOST_TEST(!out.committed());
        }
    struct stalls {
        std::size_t write_some(bytes_view, error_code&) { return 0; }
    } stalled;
    compressed_sink packed(stalled, zstd, 1);
    error_code ec;
    for(int i = 0; i != 10 && !ec.failed(); ++i)
        packed.write_some(to_bytes(text), ec);
    BOOST_TEST((ec == error::sink_stalled));
}

// A block is missing after a failure: an archive without it must not appear.
BOOST_AUTO_TEST_CASE(there_is_no_going_on_after_a_failure)
{
    struct unreliable : memory_sink {
        std::size_t write_some(bytes_view bytes, error_code& ec)
        {
            if(++calls == 2 && throws)
                throw std::runtime_error("no memory");
            if(calls == 2) {
                ec = make_error_code(boost::system::errc::no_space_on_device);
                return 0;
            }
            return memory_sink::write_some(bytes, ec);
        }

        void commit(error_code&) { committed = true; }
        void abort() noexcept { ++aborts; }

        bool throws = false;
        bool committed = false;
        int calls = 0;
        int aborts = 0;
    };
    auto const text = content(4 * block);
    for(bool const throws : {false, true}) {
        unreliable out;
        out.throws = throws;
        compressed_sink packed(out, zstd, 1);
        error_code ec;
        auto const write = [&] {
            for(auto rest = std::string_view(text); !rest.empty() && !ec.failed();)
                rest.remove_prefix(packed.write_some(to_bytes(rest), ec));
        };
        if(throws)
            BOOST_CHECK_THROW(write(), std::runtime_error);
        else
            write();
        auto const expected = throws ? error_code(error::exception_thrown) : make_error_code(boost::system::errc::no_space_on_device);
        BOOST_TEST(packed.write_some(to_bytes("x"), ec) == 0u);
        BOOST_TEST((ec == expected));
        packed.commit(ec);
        BOOST_TEST((ec == expected));
        BOOST_TEST(!out.committed);
        BOOST_TEST(out.aborts == 0);
        packed.abort();
        BOOST_TEST(out.aborts == 1);
    }
}

BOOST_AUTO_TEST_CASE(the_other_sink_is_ended_once)
{
    struct counting : memory_sink {
        void commit(error_code& ec)
        {
            ec.clear();
            ++commits;
        }
        void abort() noexcept { ++aborts; }

        int commits = 0;
        int aborts = 0;
    } out;
    {
        compressed_sink first(out, zstd);
        auto second = std::move(first);
        first.abort();
        BOOST_TEST(out.aborts == 0);
        second.abort();
        second.abort();
        BOOST_TEST(out.aborts == 1);
    }
    error_code ec;
    compressed_sink third(out, zstd);
    third.commit(ec);
    third.abort();
    BOOST_TEST(!ec.failed());
    BOOST_TEST(out.commits == 1);
    BOOST_TEST(out.aborts == 1);
}
