//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/detail/decompress.hpp>

#define BOOST_TEST_MODULE decompress
#include <boost/test/unit_test.hpp>

#include "archive_support.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

using namespace archives;
using namespace std::string_view_literals;
using tx::detail::compression;
using tx::detail::compression_of;
using tx::detail::decompressed_source;
using tx::detail::zstd_frames;

namespace {

struct outcome {
    std::string text;
    error_code ec;
    std::string problem;
};

outcome expand(std::string_view compressed, std::size_t portion = 1000, std::size_t piece = 700, compression refused = compression::xz)
{
    decompressed_source source{text_source(compressed, portion), nullptr, refused};
    outcome o;
    o.text = read_all(source, o.ec, piece);
    o.problem = source.problem();
    // The end lasts, and so does an error.
    std::byte b;
    error_code again;
    BOOST_TEST(source.read_some({&b, 1}, again) == 0u);
    BOOST_TEST(again == o.ec);
    return o;
}

// Compresses badly, so that there are several blocks.
std::string noise(std::size_t n)
{
    std::string s;
    for(std::uint32_t x = 1; s.size() != n; x = x * 1664525u + 1013904223u)
        s.push_back(static_cast<char>(x >> 24));
    return s;
}

// A frame that decoders skip.
std::string skippable(std::string_view content)
{
    std::string s("\x5a\x2a\x4d\x18", 4);
    s.push_back(static_cast<char>(content.size()));
    s.append(3, '\0');
    return s.append(content);
}

} // namespace

BOOST_AUTO_TEST_CASE(what_compressed_a_file)
{
    auto const of = [](std::string_view s) { return compression_of(tx::to_bytes(s)); };
    BOOST_TEST((of(gzip("x")) == compression::gzip));
    BOOST_TEST((of(zstd("x")) == compression::zstd));
    BOOST_TEST((of(skippable("x")) == compression::zstd));
    BOOST_TEST((of("BZh91AY") == compression::bzip2));
    BOOST_TEST((of("\xfd\x37zXZ\0"sv) == compression::xz));
    for(auto const s : {""sv, "\x1f"sv, "\x1f\x8b"sv, "\x1f\x8b\0"sv, "\x28\xb5\x2f"sv, "\x60\x2a\x4d\x18"sv, "BZ"sv, "\xfd\x37zXZ"sv, "blobs/"sv})
        BOOST_TEST((of(s) == compression::none));
    for(auto const c : {compression::gzip, compression::zstd, compression::bzip2, compression::xz})
        BOOST_TEST(!name_of(c).empty());
    BOOST_TEST(name_of(compression::none).empty());
}

BOOST_AUTO_TEST_CASE(plain_bytes_pass)
{
    for(auto const s : {""sv, "x"sv, "a little more"sv}) {
        auto const o = expand(s, 1, 2);
        BOOST_TEST(!o.ec);
        BOOST_TEST(o.text == s);
    }
    auto const large = noise(300'000);
    BOOST_TEST((expand(large, 70'000, 100'000).text == large));
}

BOOST_AUTO_TEST_CASE(members_and_frames_are_read_in_any_portions)
{
    auto const text = noise(200'000);
    for(auto const& compressed : {gzip(text), zstd(text), gzip(text.substr(0, 1)) + gzip("") + gzip(text.substr(1)),
            zstd(text.substr(0, 1)) + skippable("not data") + zstd(text.substr(1)), skippable("") + zstd(text) + skippable("end")})
        for(auto const portion : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, std::size_t{1'000'000}}) {
            auto const o = expand(compressed, portion, 5000);
            BOOST_TEST(!o.ec, o.problem);
            BOOST_TEST((o.text == text));
        }
}

BOOST_AUTO_TEST_CASE(an_end_within_is_an_error)
{
    auto const text = noise(3000);
    for(auto const& compressed : {gzip(text), zstd(text), gzip("a") + gzip("b"), zstd("a") + skippable("b") + zstd("c")})
        for(std::size_t n = 6; n < compressed.size(); n += n < 20 || n + 20 > compressed.size() ? 1 : 97) {
            auto const o = expand(compressed.substr(0, n));
            bool const between = n == gzip("a").size() || n == zstd("a").size() || n == zstd("a").size() + skippable("b").size();
            if(!(between && compressed.size() < 100))
                BOOST_TEST((o.ec == error::invalid_document), n << " of " << compressed.size());
        }
}

BOOST_AUTO_TEST_CASE(damage_is_an_error)
{
    auto const text = noise(3000);
    for(auto compressed : {gzip(text), zstd(text)}) {
        compressed[compressed.size() / 2] = static_cast<char>(compressed[compressed.size() / 2] ^ 1);
        auto const o = expand(compressed);
        // This zstd data has no check sum, and the block that was hit may be a stored one.
        if(compressed.starts_with("\x1f\x8b"))
            BOOST_TEST((o.ec == error::invalid_document));
    }
    BOOST_TEST(contains(expand(gzip("a") + "rubbish").problem, "goes on"));
    BOOST_TEST((expand(gzip("a") + "rubbish").ec == error::invalid_document));
    BOOST_TEST((expand(zstd("a") + "rubbish").ec == error::invalid_document));
    BOOST_TEST((expand(gzip("a") + zstd("b")).ec == error::invalid_document));
}

BOOST_AUTO_TEST_CASE(what_is_not_read_is_told)
{
    for(auto const s : {"BZh91AY&SY"sv, "\xfd\x37zXZ\0\0\0"sv}) {
        auto const o = expand(s, 1000, 700, compression::bzip2);
        BOOST_TEST((o.ec == error::unsupported_store));
        BOOST_TEST(contains(o.problem, "decompress it first"));
    }
}

BOOST_AUTO_TEST_CASE(an_error_of_the_source_is_given_as_it_is)
{
    struct failing {
        text_source good;

        std::size_t read_some(std::span<std::byte> into, error_code& ec)
        {
            auto const n = good.read_some(into, ec);
            if(n == 0)
                ec = error_code(5, boost::system::system_category());
            return n;
        }
    };
    auto const text = noise(3000);
    for(auto const& s : {text, gzip(text), zstd(text)}) {
        decompressed_source source{failing{text_source(std::string_view(s).substr(0, 2000))}};
        error_code ec;
        read_all(source, ec);
        BOOST_TEST(ec.value() == 5);
        BOOST_TEST((source.kind() == compression_of(tx::to_bytes(s))));
    }
}

BOOST_AUTO_TEST_CASE(an_end_is_good_only_between_frames)
{
    auto const whole = zstd(noise(2000)) + skippable("xyz") + zstd("") + skippable("");
    zstd_frames frames;
    BOOST_TEST(frames.between());
    std::size_t ends = 0;
    for(std::size_t n = 1; n <= whole.size(); ++n) {
        frames.pass(std::string_view(whole).substr(n - 1, 1));
        ends += frames.between() ? 1 : 0;
        if(n >= 4 && (n % 97 == 0 || n + 40 > whole.size() || frames.between()))
            BOOST_TEST((expand(std::string_view(whole).substr(0, n)).ec == error::invalid_document) == !frames.between(), n);
    }
    BOOST_TEST(ends >= 4u);
    BOOST_TEST(frames.between());
    zstd_frames at_once;
    at_once.pass(whole);
    BOOST_TEST(at_once.between());
}
