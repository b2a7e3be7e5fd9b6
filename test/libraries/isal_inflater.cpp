//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Built where ISA-L is; skipped elsewhere.

#ifndef TAREXPORT_TEST_ISAL

#include <iostream>

int main()
{
    std::cout << "SKIPPED: no ISA-L was found (on Debian: libisal-dev)\n";
    return 77;
}

#else

#include <tarexport/any_inflater.hpp>
#include <tarexport/detail/gzip_file.hpp>
#include <tarexport/isal_inflater.hpp>
#include <tarexport/store/expanded.hpp>

#define BOOST_TEST_MODULE isal_inflater
#include <boost/test/unit_test.hpp>

#include "../unit/expanded_support.hpp"
#include "../unit/layout_folder.hpp"

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace expanded_tests;
using tx::isal_inflater;
using tx::zlib_inflater;

namespace {

using outcome = std::pair<std::string, tx::error_code>;

template<class Inflater>
outcome inflated(std::string const& packed, std::size_t portion, std::size_t piece)
{
    tx::detail::decompressed_source<archives::text_source, Inflater> source{archives::text_source(packed, portion)};
    outcome o;
    o.first = archives::read_all(source, o.second, piece);
    return o;
}

// Whatever zlib says of some bytes, the other says too.
void both(std::string const& packed)
{
    for(auto const& [portion, piece] : {std::pair<std::size_t, std::size_t>{1, 7}, {1000, 700}, {100'000, 200'000}}) {
        auto const theirs = inflated<zlib_inflater>(packed, portion, piece), ours = inflated<isal_inflater>(packed, portion, piece);
        BOOST_TEST(ours.second == theirs.second);
        if(!theirs.second)
            BOOST_TEST((ours.first == theirs.first));
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(whole_files_are_inflated)
{
    auto const text = layer_of(20'000, 1);
    both(gzip(text));
    both(gzip(""));
    both(gzip("a") + gzip("") + gzip(text));
    both(gzip(std::string(1'000'000, 'a')));
    // A header with a name, an extra field, a comment and its own sum (RFC 1952).
    auto const plain = gzip(text);
    std::string head("\x1f\x8b\x08\x1c\0\0\0\0\0\x03\x02\0xy", 14);
    both(head + std::string("name\0comment\0", 13) + plain.substr(10));
}

BOOST_AUTO_TEST_CASE(every_cut_is_noticed)
{
    auto const packed = gzip(layer_of(300, 1)) + gzip("second");
    for(std::size_t n = 0; n <= packed.size(); ++n)
        both(packed.substr(0, n));
}

BOOST_AUTO_TEST_CASE(every_damage_that_zlib_notices_is_noticed)
{
    auto const packed = gzip(layer_of(300, 1));
    for(std::size_t n = 3; n != packed.size(); ++n)
        for(int const bit : {0, 3, 7}) {
            auto damaged = packed;
            damaged[n] = static_cast<char>(damaged[n] ^ 1 << bit);
            auto const theirs = inflated<zlib_inflater>(damaged, 1000, 700), ours = inflated<isal_inflater>(damaged, 1000, 700);
            BOOST_TEST(ours.second.failed() == theirs.second.failed(), "bit " << bit << " of byte " << n);
            if(!theirs.second)
                BOOST_TEST((ours.first == theirs.first));
        }
    both(packed + "rubbish");
    for(char const reserved : {'\x20', '\x40', '\x80', '\xe1'}) { // ISA-L itself passes over them
        auto flagged = packed;
        flagged[3] = reserved;
        both(flagged);
    }
}

// As engines keep their records: one member, and nothing behind it.
BOOST_AUTO_TEST_CASE(a_file_of_one_member_is_read_as_with_zlib)
{
    layouts::temporary_folder const folder;
    auto const read = [&]<class Inflater>(std::type_identity<Inflater>, std::string const& packed, std::size_t portion) {
        folder.write("x.gz", packed);
        tx::error_code ec;
        auto const d = tx::detail::open_directory(folder.path().string(), ec);
        tx::detail::gzip_file f(tx::detail::open_file_beneath(d.get(), "x.gz", ec), tx::make_inflater<Inflater>());
        std::string all, buffer(portion, '\0');
        for(;;) {
            auto const n = f.read(buffer);
            if(!n)
                return std::pair(std::string(), n.error().detail);
            all.append(buffer, 0, *n);
            if(*n != portion)
                return std::pair(all, std::string());
        }
    };
    auto const same = [&](std::string const& packed) {
        for(std::size_t const portion : {700u, 131'072u}) {
            auto const theirs = read(std::type_identity<zlib_inflater>(), packed, portion);
            auto const ours = read(std::type_identity<isal_inflater>(), packed, portion);
            BOOST_TEST((ours == theirs));
        }
    };
    auto const packed = gzip(layer_of(100'000, 1));
    same(packed);
    same(gzip(""));
    same(gzip(std::string(1'000'000, 'a')));
    same(packed + "x");
    same(packed + packed);
    same("no gzip file");
    for(std::size_t n = 0; n < packed.size(); n += n < 40 || n + 40 > packed.size() ? 1 : 997)
        same(packed.substr(0, n));
    for(std::size_t const back : {1u, 4u, 5u, 8u}) {
        auto damaged = packed;
        damaged[damaged.size() - back] ^= 1;
        same(damaged);
    }
}

BOOST_AUTO_TEST_CASE(an_expanded_store_uses_it)
{
    auto const memory = memory_of(some_layers());
    auto const s = tx::expanded<isal_inflater>(memory);
    static_assert(std::is_same_v<std::remove_const_t<decltype(s)>, tx::expanded_store<tx::memory_store const&, isal_inflater>>);
    BOOST_TEST((saved(s) == saved(memory_of(some_layers(), true))));
}

#endif
