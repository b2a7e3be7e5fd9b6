//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// An archive is verified by several threads: what is found out, and in which order, is the same for any number of them.

#define BOOST_TEST_MODULE verifying
#include <boost/test/unit_test.hpp>

#include <tarexport/verification_text.hpp>
#include <tarexport/verify.hpp>

#include "../unit/verify_support.hpp"

#include <boost/iostreams/copy.hpp>
#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filter/zstd.hpp>
#include <boost/iostreams/filtering_stream.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

using namespace verifying;

namespace {

// What can be read anywhere; the bytes from `fails_at` on cannot.
struct memory_file {
    std::string_view data;
    std::uint64_t fails_at = std::numeric_limits<std::uint64_t>::max();
    bool throws = false;
    std::size_t at_first = std::numeric_limits<std::size_t>::max(); // how many of the first bytes a call gives
    std::uint64_t at = 0;

    std::uint64_t size() const { return data.size(); }

    std::size_t read_at(std::span<std::byte> into, std::uint64_t offset, error_code& ec) const
    {
        if(offset + into.size() > fails_at) {
            if(throws)
                throw std::runtime_error("no memory left for this source");
            ec = make_error_code(boost::system::errc::io_error);
            return 0;
        }
        auto const most = std::min(into.size(), offset < 512 ? at_first : into.size());
        auto const n = offset < data.size() ? std::min(most, data.size() - static_cast<std::size_t>(offset)) : 0;
        std::memcpy(into.data(), data.data() + (n == 0 ? 0 : offset), n);
        return n;
    }

    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        auto const n = read_at(into, at, ec);
        at += n;
        return n;
    }
};

static_assert(positional_source<memory_file>);
static_assert(!positional_source<text_source>);

template<class Filter>
std::string packed(std::string const& text)
{
    std::istringstream in(text);
    std::ostringstream out;
    boost::iostreams::filtering_ostream filtered;
    filtered.push(Filter());
    filtered.push(out);
    boost::iostreams::copy(in, filtered);
    return out.str();
}

std::string noise(std::size_t size)
{
    static std::mt19937 random(11);
    std::string s(size, '\0');
    for(auto& c : s)
        c = static_cast<char>(random());
    return s;
}

// Layers that are large enough for a thread of their own, some of them packed, with something odd behind each of them.
std::string large_archive(bool whole = true)
{
    parts p;
    p.layers.clear();
    for(int i = 0; i != 6; ++i)
        p.layers.push_back(tar_builder().add_file("f" + std::to_string(i), noise(1'200'000)).finish().value());
    p.config = parts::config_of(p.layers);
    p.stored = p.layers;
    p.stored[1] = packed<boost::iostreams::gzip_compressor>(p.layers[1]);
    p.stored[4] = packed<boost::iostreams::zstd_compressor>(p.layers[4]);
    if(!whole) {
        p.stored[0][700'000] = static_cast<char>(p.stored[0][700'000] ^ 1);
        p.stored[1].resize(p.stored[1].size() - 5);
        p.stored[4][900'000] = static_cast<char>(p.stored[4][900'000] ^ 1);
    }
    archive a;
    a.add("c.json", p.config);
    for(std::size_t n = 0; n != p.stored.size(); ++n) {
        a.add(std::to_string(n) + "/layer.tar", p.stored[n]);
        a.add("blobs/sha256/" + std::string(64, static_cast<char>('a' + n)), n % 2 == 0 ? "small" : noise(1'100'000));
        a.add("../" + std::to_string(n)).add("fifo", {}, tar_type::fifo);
    }
    a.add("large.json", "{" + std::string(1'500'000, ' ') + "}");
    a.add("manifest.json", p.list());
    auto text = a.end();
    auto const padding = text.find("small") + 100;
    text[padding] = 'x';
    return text;
}

struct events {
    std::vector<std::string> done;

    void operator()(event const& e) noexcept
    {
        if(auto const* const d = std::get_if<entry_done>(&e))
            done.push_back(std::to_string(d->index) + " " + std::string(d->path) + " " + d->id.str());
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(what_is_found_does_not_depend_on_the_threads)
{
    for(auto const& archive : {large_archive(), large_archive(false), hybrid(), large_archive().substr(0, 3'000'000),
            packed<boost::iostreams::gzip_compressor>(hybrid())})
        for(bool const digest : {false, true}) {
            verify_options how;
            how.jobs = 1;
            how.archive_digest = digest;
            events alone;
            text_source stream{archive, 70'000};
            auto const expected = to_json(verify_archive(stream, how, alone).value());
            std::ranges::sort(alone.done);
            BOOST_TEST((expected.find("\"digest\":\"" + digest_of(std::string_view(archive)).str() + "\",\"comp") != std::string::npos) == digest);
            for(std::size_t const jobs : {1u, 2u, 3u, 8u}) {
                how.jobs = jobs;
                text_source again{archive, 70'000};
                BOOST_TEST((to_json(verify_archive(again, how).value()) == expected), jobs << " threads, from a stream");
                memory_file file{archive};
                events seen; // large entries later than small ones
                BOOST_TEST((to_json(verify_archive(file, how, seen).value()) == expected), jobs << " threads, from a file");
                std::ranges::sort(seen.done);
                BOOST_TEST((seen.done == alone.done));
            }
        }
}

// A source may give fewer bytes a call than tell what an archive is compressed with.
BOOST_AUTO_TEST_CASE(a_file_that_gives_little_at_once)
{
    auto const archive = packed<boost::iostreams::gzip_compressor>(large_archive());
    auto const expected = to_json(verified(archive));
    memory_file file{archive};
    file.at_first = 2;
    BOOST_TEST((to_json(verify_archive(file).value()) == expected));
}

BOOST_AUTO_TEST_CASE(findings_and_what_comes_out_are_bounded_alike)
{
    auto const archive = large_archive(false);
    for(auto const& [findings, expanded] : {std::pair<std::size_t, std::uint64_t>{3, 1u << 30}, {1000, 1'000'000}, {1000, 1'500'000}}) {
        verify_options how;
        how.findings = findings;
        how.expanded = expanded;
        how.jobs = 1;
        text_source stream{archive};
        auto const expected = to_json(verify_archive(stream, how).value());
        BOOST_TEST((expected.find("when decompressed") != std::string::npos) == (expanded < 1u << 30));
        for(std::size_t const jobs : {1u, 2u, 5u}) {
            how.jobs = jobs;
            memory_file file{archive};
            BOOST_TEST((to_json(verify_archive(file, how).value()) == expected));
        }
    }
}

BOOST_AUTO_TEST_CASE(what_the_source_fails_with_is_told)
{
    auto const archive = large_archive();
    for(std::uint64_t const at : {0u, 100'000u, 1'000'000u, 4'000'000u})
        for(std::size_t const jobs : {1u, 2u, 3u}) {
            verify_options how;
            how.jobs = jobs;
            memory_file file{archive, at};
            auto const found = verify_archive(file, how);
            BOOST_TEST_REQUIRE(found.has_error());
            BOOST_TEST((found.error().code == boost::system::errc::io_error));
            memory_file throwing{archive, at, true};
            BOOST_CHECK_THROW(static_cast<void>(verify_archive(throwing, how)), std::runtime_error);
        }
}

// A header promises a layer that the file has no room for, or the file is cut while it is read.
BOOST_AUTO_TEST_CASE(a_file_that_is_cut)
{
    auto const archive = large_archive();
    struct shrinking : memory_file {
        std::size_t read_at(std::span<std::byte> into, std::uint64_t offset, error_code& ec) const
        {
            auto const now = data.size() / 2;
            return memory_file{data.substr(0, now)}.read_at(into, offset, ec);
        }
    };
    shrinking file{{archive}};
    BOOST_TEST((verify_archive(file).error().code == error::truncated_archive));
}
