//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/tar_header.hpp>

#define BOOST_TEST_MODULE tar_header
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace tx = tarexport;
using namespace std::string_literals;
using tx::tar_format;

namespace {

constexpr auto largest = std::numeric_limits<std::int64_t>::max();
constexpr auto smallest = std::numeric_limits<std::int64_t>::min();

std::string const blob = "blobs/sha256/dbcc1c35ac38df41fd2f5e4130b32ffdb93ebae8b3dbe638c23575912276fc9c";

tx::tar_header named(std::string name)
{
    tx::tar_header h;
    h.name = std::move(name);
    return h;
}

std::string encoded(tx::tar_header const& h, tar_format f = tar_format::automatic)
{
    auto r = tx::encode(h, f);
    BOOST_REQUIRE_MESSAGE(r.has_value(), (r ? "" : tx::message(r.error())));
    return *r;
}

std::string rendered(tx::entry_header const& e)
{
    std::string out;
    auto const r = tx::append_entry_header(out, e);
    BOOST_REQUIRE_MESSAGE(r.has_value(), (r ? "" : tx::message(r.error())));
    return out;
}

// The detail of a refusal, after a look at its other parts.
std::string refusal(tx::tar_header const& h, tar_format f = tar_format::automatic)
{
    std::string out = "untouched";
    auto const r = tx::append_header(out, h, f);
    BOOST_REQUIRE(!r);
    BOOST_TEST(out == "untouched");
    BOOST_TEST((r.error().code == tx::error::unencodable_header));
    BOOST_TEST(r.error().subject == h.name);
    return r.error().detail;
}

std::string field(std::string const& blocks, std::size_t offset, std::size_t size) { return blocks.substr(offset, size); }

// The records of an encoded header that begins with some.
std::string records(std::string const& blocks)
{
    BOOST_REQUIRE(blocks.size() > 512);
    BOOST_TEST(blocks[156] == 'x');
    return blocks.substr(512, std::stoul(field(blocks, 124, 11), nullptr, 8));
}

bool sums_are_right(std::string const& blocks, std::size_t at)
{
    unsigned sum = 0;
    for(std::size_t i = 0; i != 512; ++i)
        sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(blocks[at + i]);
    return std::stoul(blocks.substr(at + 148, 6), nullptr, 8) == sum && blocks.substr(at + 154, 2) == "\0 "s;
}

} // namespace

BOOST_AUTO_TEST_CASE(padding_fills_the_last_block)
{
    static_assert(tx::padding(0) == 0 && tx::padding(1) == 511 && tx::padding(511) == 1 && tx::padding(512) == 0);
    static_assert(tx::padded_size(0) == 0 && tx::padded_size(1) == 512 && tx::padded_size(513) == 1024);
    static_assert(tx::padding(std::numeric_limits<std::uint64_t>::max()) == 1);
    static_assert(tx::padded_size(static_cast<std::uint64_t>(largest)) == std::uint64_t(1) << 63);
    static_assert(tx::tar_block_size == 512 && tx::end_of_archive_size == 1024);
    BOOST_TEST(tx::padded_size(8589934592) == 8589934592u);
}

BOOST_AUTO_TEST_CASE(entry_mtime_is_the_second_or_the_epoch)
{
    static_assert(tx::entry_mtime(0, 999'999'999) == 0);
    static_assert(tx::entry_mtime(1704164645, 500'000'000) == 1704164645);
    static_assert(tx::entry_mtime(-1, 999'999'999) == 0);
    static_assert(tx::entry_mtime(9223372036, 854'775'807) == 9223372036);
    static_assert(tx::entry_mtime(9223372036, 854'775'808) == 0);
    static_assert(tx::entry_mtime(9223372037, 0) == 0);
    BOOST_TEST(tx::entry_mtime(smallest, 0) == 0);
    BOOST_TEST(tx::entry_mtime(largest, 0) == 0);
}

BOOST_AUTO_TEST_CASE(directory_of_docker_save)
{
    auto const b = rendered({"blobs/", 0, 1795461025, 0755, true});
    std::string want(512, '\0');
    auto const put = [&want](std::size_t at, std::string_view s) { want.replace(at, s.size(), s); };
    put(0, "blobs/");
    put(0x64, "0000755");
    put(0x6c, "0000000");
    put(0x74, "0000000");
    put(0x7c, "00000000000");
    put(0x88, "15301107641");
    put(0x94, "010343");
    put(0x9b, " 5");
    put(0x101, "ustar\0"
               "00"s);
    put(0x149, "0000000");
    put(0x151, "0000000");
    BOOST_TEST((b == want));
    BOOST_TEST(sums_are_right(b, 0));
    BOOST_TEST((rendered({"blobs", 4096, 1795461025, 0755, true}) == b));
}

BOOST_AUTO_TEST_CASE(a_size_of_8_gib_needs_a_record)
{
    auto const small = rendered({blob, 8589934591});
    BOOST_TEST(small.size() == 512u);
    BOOST_TEST(field(small, 124, 12) == "77777777777\0"s);

    auto const b = rendered({blob, 8589934592, 8589934592});
    BOOST_TEST(b.size() == 1536u);
    BOOST_TEST(records(b) == "20 mtime=8589934592\n19 size=8589934592\n");
    BOOST_TEST(b.substr(0, 90) == "blobs/sha256/PaxHeaders.0/" + blob.substr(13));
    BOOST_TEST(field(b, 329, 16) == std::string(16, '\0'));
    BOOST_TEST(field(b, 1024 + 124, 24) == "00000000000\0"
                                           "00000000000\0"s);
    BOOST_TEST(sums_are_right(b, 0));
    BOOST_TEST(sums_are_right(b, 1024));
    BOOST_TEST(records(rendered({blob, static_cast<std::uint64_t>(largest)})) == "28 size=9223372036854775807\n");
}

// The shorter way for entries of one block must give what the general way gives, and promise what it writes.
BOOST_AUTO_TEST_CASE(entries_equal_their_headers)
{
    std::vector<std::string> const names{"a", "a/b", blob, std::string(99, 'n'), std::string(100, 'n'), std::string(101, 'n'),
        std::string(155, 'd') + "/" + std::string(100, 'f'), std::string(156, 'd') + "/f", "\u00e9", "dir/", "a//", "/", "",
        std::string(98, 'n') + "/", std::string(99, 'n') + "/", std::string(100, 'n') + "/"};
    std::size_t refused = 0;
    for(auto const& name : names)
        for(std::uint64_t size : {0ull, 1ull, 8589934591ull, 8589934592ull})
            for(std::int64_t mtime : {0ll, 1700000000ll, 8589934591ll, 8589934592ll, -1ll, -62135596800ll})
                for(std::uint32_t id : {0u, 2097151u, 2097152u, 4294967295u})
                    for(int kind : {0, 1, 2}) {
                        tx::entry_header const e{name, size, mtime, 0755, kind == 1, kind == 2 ? "\u00e9/t" : "", id, id};
                        auto h = named(name + (kind == 1 && !name.ends_with('/') ? "/" : ""));
                        h.typeflag = "052"[kind];
                        h.link_name = e.link;
                        h.size = kind == 0 ? static_cast<std::int64_t>(size) : 0;
                        h.mode = 0755;
                        h.uid = h.gid = id;
                        h.mtime = tx::tar_time{mtime, 0};
                        auto const want = tx::encode(h, tar_format::pax);
                        std::string out;
                        auto const r = tx::append_entry_header(out, e);
                        auto const promised = tx::header_size(e);
                        BOOST_REQUIRE(r.has_value() == want.has_value());
                        BOOST_REQUIRE(promised.has_value() == want.has_value());
                        BOOST_REQUIRE(want ? out == *want && *promised == out.size() : out.empty() && ++refused);
                    }
    BOOST_TEST(refused == 6 * 4 * 6 * 4); // the files whose name ends in a slash
}

BOOST_AUTO_TEST_CASE(entries_that_tar_cannot_hold)
{
    std::string out;
    auto const detail = [&out](tx::entry_header const& e) {
        auto const r = tx::append_entry_header(out, e);
        BOOST_REQUIRE(!r);
        BOOST_TEST(!tx::header_size(e));
        return r.error().detail;
    };
    BOOST_TEST(detail({"f", std::uint64_t(1) << 63}) == "PAX cannot hold size 9223372036854775808");
    BOOST_TEST(detail({"a\0b"s, 1}) == "invalid PAX record for \"path\"");
    BOOST_TEST(detail({"f", 1, 0, 1u << 21}) == "PAX cannot hold mode 2097152");
    BOOST_TEST(detail({"f/", 1}) == "only the name of a directory or link may end in a slash");
    BOOST_TEST(out.empty());
    BOOST_TEST(rendered({"d", std::uint64_t(1) << 63, 0, 0755, true}).size() == 512u);
}

BOOST_AUTO_TEST_CASE(a_plain_entry_does_not_grow_a_reserved_buffer)
{
    std::string out = "before";
    out.reserve(6 + 512);
    auto const* const where = out.data();
    BOOST_TEST(tx::append_entry_header(out, {blob, 1, 1}).has_value());
    BOOST_TEST(out.size() == 518u);
    BOOST_TEST((out.data() == where));
    BOOST_TEST(out.starts_with("beforeblobs/"));
}

BOOST_AUTO_TEST_CASE(automatic_takes_the_first_that_suffices)
{
    auto h = named("f");
    BOOST_TEST(field(encoded(h), 257, 8) == "ustar\0"
                                            "00"s);
    h.uid = 1 << 21;
    BOOST_TEST(records(encoded(h)) == "15 uid=2097152\n");
    h.uid = 0;
    h.mode = 1 << 21;
    auto const gnu = encoded(h);
    BOOST_TEST(gnu.size() == 512u);
    BOOST_TEST(field(gnu, 257, 8) == "ustar  \0"s);
    BOOST_TEST(field(gnu, 100, 8) == "\x80\0\0\0\0\x20\0\0"s);
    h.mode = std::int64_t(1) << 56;
    BOOST_TEST(refusal(h) == "USTAR cannot hold mode 72057594037927936; PAX cannot hold mode 72057594037927936; "
                             "GNU cannot hold mode 72057594037927936");
}

BOOST_AUTO_TEST_CASE(automatic_rounds_and_drops_times)
{
    auto h = named("f");
    h.mtime = tx::tar_time{9, 500'000'000};
    h.atime = h.ctime = tx::tar_time{1, 0};
    BOOST_TEST(field(encoded(h), 136, 12) == "00000000012\0"s);
    h.mtime = tx::tar_time{9, 499'999'999};
    BOOST_TEST(field(encoded(h), 136, 12) == "00000000011\0"s);
    h.mtime = tx::tar_time{largest, 500'000'000};
    BOOST_TEST(records(encoded(h)) == "30 mtime=-9223372036854775808\n");
}

BOOST_AUTO_TEST_CASE(times_as_records)
{
    auto const time = [](std::int64_t s, std::uint32_t ns) {
        auto h = named("f");
        h.mtime = tx::tar_time{s, ns};
        return records(encoded(h, tar_format::pax));
    };
    BOOST_TEST(time(1, 1) == "21 mtime=1.000000001\n");
    BOOST_TEST(time(1, 120'000'000) == "14 mtime=1.12\n");
    BOOST_TEST(time(-1, 0) == "12 mtime=-1\n");
    BOOST_TEST(time(-1, 500'000'000) == "14 mtime=-0.5\n");
    BOOST_TEST(time(-2, 100'000'000) == "14 mtime=-1.9\n");
    BOOST_TEST(time(smallest, 1) == "40 mtime=-9223372036854775807.999999999\n");

    auto h = named("f");
    h.atime = tx::tar_time{1, 0};
    h.ctime = tx::tar_time{2, 0};
    BOOST_TEST(records(encoded(h, tar_format::pax)) == "11 atime=1\n11 ctime=2\n");
    BOOST_TEST(refusal(h, tar_format::ustar) == "USTAR cannot hold atime 1, ctime 2");
    auto const gnu = encoded(h, tar_format::gnu);
    BOOST_TEST(field(gnu, 345, 24) == "00000000001\0"
                                      "00000000002\0"s);
    h.atime = h.ctime = tx::tar_time{-62135596800, 0};
    BOOST_TEST(field(encoded(h, tar_format::gnu), 345, 24) == std::string(24, '\0'));
    h.atime = tx::tar_time{0, 1'000'000'000};
    BOOST_TEST(refusal(h, tar_format::pax) == "a time has more than 999999999 nanoseconds");
    h.atime = tx::tar_time{0, 4'294'967'295};
    BOOST_TEST(refusal(h, tar_format::gnu) == "a time has more than 999999999 nanoseconds");
}

BOOST_AUTO_TEST_CASE(ustar_splits_names)
{
    auto const split = encoded(named(std::string(155, 'd') + "/" + std::string(100, 'f')), tar_format::ustar);
    BOOST_TEST(split.size() == 512u);
    BOOST_TEST(field(split, 0, 100) == std::string(100, 'f'));
    BOOST_TEST(field(split, 345, 155) == std::string(155, 'd'));
    for(auto const& name : {std::string(156, 'd') + "/f", "d/" + std::string(101, 'f'), std::string(101, 'f'),
            "/" + std::string(100, 'f'), "d/\u00e9" + std::string(99, 'f'), "\u00e9"s})
        BOOST_TEST(refusal(named(name), tar_format::ustar) == "USTAR cannot hold name");
    auto h = named("f");
    h.link_name = "d/" + std::string(100, 'f');
    BOOST_TEST(refusal(h, tar_format::ustar) == "USTAR cannot hold link name");
}

BOOST_AUTO_TEST_CASE(names_of_extended_headers)
{
    auto const name = [](std::string s) {
        auto h = named(std::move(s));
        h.typeflag = tx::tar_type::symlink;
        h.uid = -1;
        auto const b = encoded(h, tar_format::pax);
        return b.substr(0, std::min<std::size_t>(b.find('\0'), 100));
    };
    BOOST_TEST(name("f") == "PaxHeaders.0/f");
    BOOST_TEST(name("a/b/f") == "a/b/PaxHeaders.0/f");
    BOOST_TEST(name("a/b/") == "a/b/PaxHeaders.0");
    BOOST_TEST(name("/f") == "/PaxHeaders.0/f");
    BOOST_TEST(name("a/./b/../f") == "a/PaxHeaders.0/f");
    BOOST_TEST(name("../..//f") == "../../PaxHeaders.0/f");
    BOOST_TEST(name("/../f") == "/PaxHeaders.0/f");
    BOOST_TEST(name("a/..") == "a");
    BOOST_TEST(name("") == "PaxHeaders.0");
    BOOST_TEST(name("\u00e9/\u00e9") == "/PaxHeaders.0");
    BOOST_TEST(name(std::string(87, 'd') + "/f") == std::string(87, 'd') + "/PaxHeaders.0");
}

BOOST_AUTO_TEST_CASE(lengths_of_records_count_their_own_digits)
{
    for(std::size_t n : {1u, 80u, 90u, 91u, 92u, 93u, 94u, 95u, 989u, 990u, 991u, 992u, 9989u, 9990u, 9991u, 99988u}) {
        auto h = named("f");
        h.records["k"] = std::string(n, 'v');
        auto const r = records(encoded(h));
        BOOST_TEST(std::stoul(r) == r.size());
        BOOST_TEST(r.ends_with("k=" + h.records["k"] + "\n"));
    }
}

BOOST_AUTO_TEST_CASE(records_of_the_caller)
{
    auto h = named("f");
    h.records = {{"comment", "c"}, {"SCHILY.xattr.user.a", "\0\xff"s}, {"path", "other"}, {"GNU.sparse.major", "1"}};
    BOOST_TEST(records(encoded(h)) == "26 SCHILY.xattr.user.a=\0\xff\n13 comment=c\n"s);
    BOOST_TEST(refusal(h, tar_format::ustar) == "only PAX has records");
    BOOST_TEST(refusal(h, tar_format::gnu) == "only PAX has records");
    h.records = {{"path", "f"}, {"size", "0"}, {"uid", "1"}};
    BOOST_TEST(records(encoded(h)) == "9 path=f\n9 size=0\n");
    h.records = {{"path", "other"}};
    BOOST_TEST(encoded(h).size() == 512u);
    for(auto const& key : {""s, "a=b"s, "k\0"s}) {
        h.records = {{key, "x"}};
        BOOST_TEST(refusal(h) == "invalid PAX record for \"" + key + "\"");
    }
    h.records = {{"k", std::string((1u << 20) - 11, 'v')}};
    BOOST_TEST(encoded(h).size() == 1024u + (1u << 20));
    h.records["k"].push_back('v');
    BOOST_TEST(refusal(h) == "PAX records of more than 1 MiB");
}

BOOST_AUTO_TEST_CASE(gnu_long_names)
{
    auto h = named(std::string(99, 'n') + "/" + "x");
    h.link_name = std::string(90, 'l') + std::string(20, '/');
    h.typeflag = tx::tar_type::symlink;
    auto const b = encoded(h, tar_format::gnu);
    BOOST_TEST(b.size() == 5 * 512u);
    BOOST_TEST(b.substr(0, 14) == "././@LongLink\0"s);
    BOOST_TEST(b[156] == 'L');
    BOOST_TEST(field(b, 124, 12) == "00000000146\0"s);
    BOOST_TEST(b.substr(512, 102) == h.name + '\0');
    BOOST_TEST(b[1024 + 156] == 'K');
    BOOST_TEST(b.substr(1536, 111) == h.link_name + '\0');
    // A cut name must not look like that of a directory.
    BOOST_TEST(field(b, 2048, 100) == std::string(99, 'n') + '\0');
    BOOST_TEST(field(b, 2048 + 157, 100) == std::string(90, 'l') + '\0' + std::string(9, '/'));
    h.uname = std::string(33, 'u');
    BOOST_TEST(refusal(h, tar_format::gnu) == "GNU cannot hold user name");
    BOOST_TEST(refusal(named("a\0b"s), tar_format::gnu) == "invalid PAX record for \"path\"");
}

BOOST_AUTO_TEST_CASE(gnu_binary_numbers)
{
    auto h = named("f");
    h.typeflag = tx::tar_type::character_device;
    h.size = -1;
    h.uid = -2;
    h.gid = (std::int64_t(1) << 56) - 1;
    h.mtime = tx::tar_time{smallest, 0};
    auto const b = encoded(h, tar_format::gnu);
    BOOST_TEST(field(b, 124, 12) == std::string(12, '\xff'));
    BOOST_TEST(field(b, 108, 8) == std::string(7, '\xff') + '\xfe');
    BOOST_TEST(field(b, 116, 8) == '\x80' + std::string(7, '\xff'));
    BOOST_TEST(field(b, 136, 12) == "\xff\xff\xff\xff\x80\0\0\0\0\0\0\0"s);
    h.gid = -(std::int64_t(1) << 56) - 1;
    BOOST_TEST(refusal(h, tar_format::gnu) == "GNU cannot hold gid -72057594037927937");
}

BOOST_AUTO_TEST_CASE(types)
{
    auto h = named("d/");
    BOOST_TEST(refusal(h) == "only the name of a directory or link may end in a slash");
    h.typeflag = '\0';
    BOOST_TEST(encoded(h)[156] == '5');
    h.name = "f";
    BOOST_TEST(encoded(h)[156] == '0');
    h.typeflag = '\xff';
    BOOST_TEST(encoded(h)[156] == '\xff');
    for(char type : {'x', 'L', 'K'}) {
        h.typeflag = type;
        BOOST_TEST(refusal(h) == "headers of this type are made from the header that they extend");
    }
    h.typeflag = '0';
    h.size = -1;
    BOOST_TEST(refusal(h) == "negative size");
}

BOOST_AUTO_TEST_CASE(global_headers)
{
    auto h = named("");
    h.typeflag = tx::tar_type::global;
    h.records = {{"comment", "c"}, {"path", ""}};
    auto const b = encoded(h);
    BOOST_TEST(b.size() == 1024u);
    BOOST_TEST(b.substr(0, 15) == "GlobalHead.0.0\0"s);
    BOOST_TEST(b[156] == 'g');
    BOOST_TEST(b.substr(512, 23) == "13 comment=c\n8 path=\n\0\0"s);
    BOOST_TEST(refusal(h, tar_format::ustar) == "only PAX has records");
    h.records.clear();
    BOOST_TEST(encoded(h).size() == 512u);
    BOOST_TEST(refusal(h, tar_format::gnu) == "only PAX has global headers");
    h.mtime = tx::tar_time{};
    BOOST_TEST(refusal(h) == "a global header holds nothing but records");
}

namespace {

template<class Byte>
int naive_sum(tx::detail::tar_block const& b)
{
    int n = 8 * ' ';
    for(std::size_t i = 0; i != b.size; ++i)
        n += i >= 148 && i < 156 ? 0 : static_cast<Byte>(b.text()[i]);
    return n;
}

} // namespace

BOOST_AUTO_TEST_CASE(check_sums_are_of_unsigned_or_of_signed_bytes)
{
    std::mt19937 random(5);
    for(int n = 0; n != 200; ++n) {
        tx::detail::tar_block b;
        for(auto& c : b.bytes())
            c = n == 0 ? std::byte{0xff} : static_cast<std::byte>(n == 1 ? 0x7fu : random() & 0xffu);
        b.put({148, 8}, std::string(8, ' '));
        auto const put = [&](int sum) { b.put_octal({148, 7}, sum); };
        auto const right = naive_sum<unsigned char>(b), signed_one = naive_sum<signed char>(b);
        put(right);
        BOOST_TEST(b.has_right_sum());
        put(right + 1);
        BOOST_TEST(!b.has_right_sum());
        if(signed_one >= 0) {
            put(signed_one);
            BOOST_TEST(b.has_right_sum());
        }
        put(0);
        b.seal({});
        BOOST_TEST(b.has_right_sum());
        BOOST_TEST(*b.octal({148, 7}) == right);
    }
}
