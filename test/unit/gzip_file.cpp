//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/detail/gzip_file.hpp>
#include <tarexport/zlib_inflater.hpp>

#define BOOST_TEST_MODULE gzip_file
#include <boost/test/unit_test.hpp>

#include <tarexport/store/tar_split.hpp>

#include "tar_split_support.hpp"

#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

using namespace tar_split_tests;
using tx::detail::gzip_file;

namespace {

struct folder : layouts::temporary_folder {
    tx::result<std::string> read(std::string_view compressed, std::size_t portion = 1000) const
    {
        write("x.gz", compressed);
        error_code ec;
        auto const d = tx::detail::open_directory(path().string(), ec);
        gzip_file f(tx::detail::open_file_beneath(d.get(), "x.gz", ec), tx::make_inflater<tx::zlib_inflater>());
        BOOST_REQUIRE(!ec);
        std::string all, buffer(portion, '\0');
        for(;;) {
            auto const n = f.read(buffer);
            if(!n)
                return n.error();
            all.append(buffer, 0, *n);
            if(*n == portion)
                continue;
            // The end lasts.
            BOOST_TEST(f.read(buffer).value() == 0u);
            return all;
        }
    }

    std::string refusal(std::string_view compressed) const
    {
        auto const r = read(compressed);
        BOOST_TEST_REQUIRE(r.has_error());
        BOOST_TEST((r.error().code == error::invalid_document));
        return r.error().detail;
    }
};

std::string text(std::size_t n)
{
    std::string s;
    for(std::size_t i = 0; s.size() < n; ++i)
        s += std::to_string(i * i) + (i % 7 == 0 ? "\n" : " ");
    s.resize(n);
    return s;
}

std::string const cut = "the gzip file ends too early";
std::string const damaged = "not a gzip file, or a damaged one";
std::string const more = "the gzip file has more after its end";

} // namespace

BOOST_AUTO_TEST_CASE(all_comes_back)
{
    folder const f;
    for(std::size_t const n : {0u, 1u, 999u, 1000u, 1001u, 65'536u, 300'000u})
        for(std::size_t const portion : {1000u, 65'536u, 131'072u})
            BOOST_TEST((f.read(gzipped(text(n)), portion).value() == text(n)), n);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_cut_anywhere)
{
    folder const f;
    auto const whole = gzipped(text(5000));
    for(std::size_t n = 0; n != whole.size(); n += n < 40 || n + 40 > whole.size() ? 1 : 37)
        BOOST_TEST(f.refusal(std::string_view(whole).substr(0, n)) == cut, n);
}

BOOST_AUTO_TEST_CASE(a_file_with_more_behind_it)
{
    folder const f;
    // the last portion may be full, or not
    for(std::size_t const n : {5000u, 5001u}) {
        auto const whole = gzipped(text(n));
        BOOST_TEST(f.refusal(whole + "x") == more);
        BOOST_TEST(f.refusal(whole + std::string(100'000, '\0')) == more);
        BOOST_TEST(f.refusal(whole + whole) == more);
    }
    // where its end is that of a buffer: a name in its header makes up the size
    auto const size = gzipped(text(5000)).size();
    auto const whole = gzipped(text(5000), std::string(65'536 - size - 1, 'n'));
    BOOST_TEST_REQUIRE(whole.size() == 65'536u);
    BOOST_TEST((f.read(whole).value() == text(5000)));
    BOOST_TEST(f.refusal(whole + "x") == more);
}

BOOST_AUTO_TEST_CASE(damage_is_seen)
{
    folder const f;
    auto const whole = gzipped(text(5000));
    BOOST_TEST(f.refusal(text(100)) == damaged);
    BOOST_TEST(f.refusal("BZh9") == damaged);
    for(std::size_t const back : {1u, 4u, 5u, 8u}) { // the size and the check sum
        auto bad = whole;
        bad[bad.size() - back] ^= 1;
        BOOST_TEST(f.refusal(bad) == damaged);
    }
    std::size_t refused = 0;
    for(std::size_t at = 10; at != whole.size() - 8; ++at) {
        auto bad = whole;
        bad[at] ^= 0x10;
        auto const r = f.read(bad);
        refused += r.has_error();
        BOOST_TEST((!r || *r == text(5000)));
    }
    BOOST_TEST(refused > whole.size() / 2);
}

BOOST_AUTO_TEST_CASE(errors_of_the_system_pass_through)
{
    tx::detail::posix_file none;
    gzip_file f(std::move(none), tx::make_inflater<tx::zlib_inflater>());
    std::string buffer(10, '\0');
    BOOST_TEST((f.read(buffer).error().code == tx::detail::system_error_code(EBADF)));
}
