//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/tar_reader.hpp>

#define BOOST_TEST_MODULE tar_reader
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace tx = tarexport;
using namespace std::string_literals;
using tx::tar_format;

namespace {

// Gives at most `limit` bytes a call, and an error at the end if there is one.
struct text_source {
    std::string data;
    std::size_t limit = 4096;
    tx::error_code error = {};
    std::size_t at = 0;

    std::size_t read_some(std::span<std::byte> into, tx::error_code& ec)
    {
        auto const n = std::min({into.size(), limit, data.size() - at});
        std::memcpy(into.data(), data.data() + at, n);
        at += n;
        if(n == 0)
            ec = error;
        return n;
    }
};

// Seeks as lseek does: beyond the end without a word.
struct seeking_source : text_source {
    std::uint64_t* skipped = nullptr;

    std::uint64_t skip(std::uint64_t n, tx::error_code&)
    {
        at += static_cast<std::size_t>(std::min<std::uint64_t>(n, data.size() - at));
        *skipped += n;
        return n;
    }
};

struct cannot_skip : text_source {
    std::uint64_t skip(std::uint64_t, tx::error_code&) { return 0; }
};

struct fails_to_skip : text_source {
    std::uint64_t skip(std::uint64_t, tx::error_code& ec)
    {
        ec = make_error_code(boost::system::errc::io_error);
        return 0;
    }
};

struct wrong_skip : text_source {
    bool skip(std::uint64_t, tx::error_code&);
};

static_assert(!tx::skipping_source<text_source>);
static_assert(tx::skipping_source<seeking_source>);
static_assert(!tx::skipping_source<wrong_skip>);
static_assert(tx::layer_source<tx::tar_reader<text_source>>);

std::string const zeros(1024, '\0');

std::string entry(tx::tar_header h, std::string const& data, tar_format f = tar_format::automatic)
{
    h.size = static_cast<std::int64_t>(data.size());
    std::string out;
    BOOST_REQUIRE(tx::append_header(out, h, f).has_value());
    return out + data + std::string(tx::padding(data.size()), '\0');
}

tx::tar_header named(std::string name, char typeflag = '0')
{
    tx::tar_header h;
    h.name = std::move(name);
    h.typeflag = typeflag;
    h.mtime = tx::tar_time{0, 0};
    return h;
}

// A header of any type, with records or a long name as its data, as no writer would make it.
std::string raw(char typeflag, std::string const& data, std::int64_t size = -1, std::string_view magic = tx::detail::ustar_magic)
{
    tx::detail::tar_block b;
    b.put(tx::detail::tar_name, "raw");
    b.put(tx::detail::tar_typeflag, {&typeflag, 1});
    b.put_number(tx::detail::tar_size, size < 0 ? static_cast<std::int64_t>(data.size()) : size);
    b.seal(magic);
    return std::string(b.text()) + data + std::string(tx::padding(data.size()), '\0');
}

std::string record(std::string const& key, std::string const& value)
{
    std::string out;
    tx::detail::append_record(out, key, value);
    return out;
}

struct read_entry {
    tx::tar_entry info;
    std::string data;
};

struct outcome {
    std::vector<read_entry> entries;
    tx::error_code code;
    std::string subject;
};

template<class Source>
outcome read_all(Source source)
{
    tx::tar_reader reader(std::move(source));
    outcome o;
    for(;;) {
        auto const more = reader.next();
        if(!more || !*more) {
            o.code = more ? tx::error_code() : more.error().code;
            o.subject = more ? std::string() : more.error().subject;
            auto const again = reader.next();
            BOOST_REQUIRE(again.has_value() == more.has_value());
            BOOST_REQUIRE(again ? !*again : again.error() == more.error());
            return o;
        }
        o.entries.push_back({reader.entry(), {}});
        std::array<std::byte, 300> buffer;
        tx::error_code ec;
        while(auto const n = reader.read_some(buffer, ec)) {
            if(auto& data = o.entries.back().data; data.size() < 1u << 20)
                data.append(reinterpret_cast<char const*>(buffer.data()), n);
            else
                break;
        }
    }
}

outcome read_all(std::string data) { return read_all(text_source{std::move(data)}); }

template<class Source>
std::vector<std::string> list(Source source)
{
    tx::tar_reader reader(std::move(source));
    std::vector<std::string> names;
    for(auto more = reader.next(); more && *more; more = reader.next())
        names.push_back(reader.entry().header.name);
    return names;
}

std::string sample()
{
    auto all = entry(named("plain"), std::string(700, 'p'));
    auto g = named("", 'g');
    g.mtime.reset();
    g.records = {{"comment", "c"}};
    all += entry(g, "");
    auto h = named("\u00e9/" + std::string(200, 'x'));
    h.mtime = tx::tar_time{-2, 5};
    h.uid = std::int64_t(1) << 40;
    h.records = {{"SCHILY.xattr.user.a", "\0\n="s}};
    all += entry(h, std::string(512, 'x'), tar_format::pax);
    h = named(std::string(150, 'n'));
    h.link_name = std::string(130, 'l');
    h.mtime = tx::tar_time{-7, 0};
    h.atime = tx::tar_time{1, 0};
    all += entry(h, "gnu", tar_format::gnu);
    all += entry(named("dir/", '5'), "");
    return all + zeros;
}

std::string old_gnu_sparse(std::vector<std::pair<int, int>> const& extents, int size, std::string const& data)
{
    using namespace tx::detail;
    auto next = extents.begin();
    auto const put = [&](tar_block& b, std::size_t at, std::size_t count) {
        for(std::size_t i = 0; i != count && next != extents.end(); ++i, ++next) {
            b.put_number({at + 24 * i, 12}, next->first);
            b.put_number({at + 24 * i + 12, 12}, next->second);
        }
        if(next != extents.end())
            b.put({at + 24 * count, 1}, "\1");
    };
    tar_block b;
    b.put(tar_name, "sparse");
    b.put(tar_typeflag, "S");
    b.put_number(tar_size, static_cast<std::int64_t>(data.size()));
    b.put_number(gnu_real_size, size);
    put(b, gnu_sparse.offset, 4);
    b.seal(gnu_magic);
    std::string out(b.text());
    while(next != extents.end()) {
        tar_block more;
        put(more, 0, 21);
        out.append(more.text());
    }
    return out + data + std::string(tx::padding(data.size()), '\0');
}

std::string const hole_file = std::string(5, '\0') + "abc" + std::string(2, '\0') + "de" + std::string(8, '\0');

void check_hole_file(std::string const& archive, tar_format format)
{
    for(std::size_t limit : {1u, 2u, 511u, 4096u}) {
        auto const o = read_all(text_source{archive, limit});
        BOOST_TEST(!o.code);
        BOOST_REQUIRE(o.entries.size() == 2u);
        auto const& e = o.entries[0];
        BOOST_TEST(e.info.header.name == "sparse");
        BOOST_TEST(e.info.header.size == 20);
        BOOST_TEST(e.info.sparse);
        BOOST_TEST((e.info.format == format));
        BOOST_TEST(e.info.stored_size == 5u);
        BOOST_TEST(archive.substr(e.info.data_offset, 5) == "abcde");
        BOOST_TEST((e.data == hole_file));
        BOOST_TEST(o.entries[1].data == "end");
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(reads_what_was_written)
{
    auto const archive = sample();
    for(std::size_t limit : {1u, 7u, 511u, 512u, 513u, 65536u}) {
        auto const o = read_all(text_source{archive, limit});
        BOOST_TEST(!o.code);
        BOOST_REQUIRE(o.entries.size() == 5u);
        auto const& [plain, global, pax, gnu, dir] = std::tie(o.entries[0], o.entries[1], o.entries[2], o.entries[3], o.entries[4]);
        BOOST_TEST((plain.info.format == tar_format::ustar));
        BOOST_TEST(plain.data == std::string(700, 'p'));
        BOOST_TEST(global.info.header.name == "GlobalHead.0.0");
        BOOST_TEST(global.info.header.records.at("comment") == "c");
        BOOST_TEST(!global.info.header.mtime);
        BOOST_TEST((global.info.format == tar_format::pax));
        BOOST_TEST(pax.info.header.name == "\u00e9/" + std::string(200, 'x'));
        BOOST_TEST((pax.info.header.mtime == tx::tar_time{-2, 5}));
        BOOST_TEST(pax.info.header.uid == std::int64_t(1) << 40);
        BOOST_TEST((pax.info.header.records.at("SCHILY.xattr.user.a") == "\0\n="s));
        BOOST_TEST((pax.info.format == tar_format::pax));
        BOOST_TEST((gnu.info.header.mtime == tx::tar_time{-7, 0}));
        BOOST_TEST((gnu.info.header.atime == tx::tar_time{1, 0}));
        BOOST_TEST(!gnu.info.header.ctime);
        BOOST_TEST(gnu.info.header.name == std::string(150, 'n'));
        BOOST_TEST(gnu.info.header.link_name == std::string(130, 'l'));
        BOOST_TEST((gnu.info.format == tar_format::gnu));
        BOOST_TEST(dir.info.header.typeflag == '5');
        BOOST_TEST(dir.data.empty());
    }
}

BOOST_AUTO_TEST_CASE(offsets_lead_to_headers_and_data)
{
    auto const archive = sample();
    std::uint64_t end = 0;
    for(auto const& e : read_all(archive).entries) {
        BOOST_TEST(e.info.header_offset == end);
        if(e.info.header.typeflag != 'g')
            BOOST_TEST((archive.substr(e.info.data_offset, e.info.stored_size) == e.data));
        end = e.info.data_offset + tx::padded_size(e.info.stored_size);
        if(e.info.header.typeflag == 'g')
            end = tx::padded_size(end);
    }
    BOOST_TEST(end == archive.size() - 1024);
}

BOOST_AUTO_TEST_CASE(passes_over_data)
{
    auto const archive = entry(named("big"), std::string(100'000, 'b')) + entry(named("one"), "1") + zeros;
    std::vector<std::string> const names{"big", "one"};
    std::uint64_t skipped = 0;
    BOOST_TEST(list(text_source{archive}) == names);
    BOOST_TEST(list(seeking_source{{archive}, &skipped}) == names);
    BOOST_TEST(skipped == 99'999u);
    BOOST_TEST(list(cannot_skip{{archive}}) == names);

    // A seek hides the end; the last byte, which is read, does not.
    auto const cut = archive.substr(0, 512 + 99'999);
    auto const o = read_all(seeking_source{{cut}, &skipped});
    BOOST_TEST((o.code == tx::error::truncated_archive));
    tx::tar_reader reader(seeking_source{{cut}, &skipped});
    BOOST_TEST(reader.next().value());
    auto const failed = reader.next();
    BOOST_REQUIRE(!failed);
    BOOST_TEST((failed.error().code == tx::error::truncated_archive));
    BOOST_TEST(failed.error().subject == "big");

    tx::tar_reader broken(fails_to_skip{{archive}});
    BOOST_TEST(broken.next().value());
    BOOST_TEST((broken.next().error().code == boost::system::errc::io_error));
}

BOOST_AUTO_TEST_CASE(starts_and_ends)
{
    for(auto const& nothing : {""s, std::string(512, '\0'), zeros, zeros + "rest"}) {
        tx::tar_reader reader(text_source{nothing});
        std::array<std::byte, 8> buffer;
        tx::error_code ec;
        BOOST_TEST(reader.read_some(buffer, ec) == 0u);
        BOOST_TEST(!ec);
        BOOST_TEST(!reader.next().value());
        BOOST_TEST(!reader.next().value());
        BOOST_TEST(reader.entry().header.name.empty());
    }
    auto const f = entry(named("f"), "data");
    BOOST_TEST(list(text_source{f}).size() == 1u);
    BOOST_TEST(!read_all(f.substr(0, 600)).code); // within the padding
    BOOST_TEST((read_all(std::string(512, '\0') + f).code == tx::error::invalid_header));
    BOOST_TEST((read_all(std::string(600, '\0')).code == tx::error::truncated_archive));
}

BOOST_AUTO_TEST_CASE(errors_of_the_source_pass_and_stay)
{
    auto const archive = sample();
    auto const broken = make_error_code(boost::system::errc::io_error);
    for(std::size_t n = 0; n < archive.size(); n += 100) {
        auto const o = read_all(text_source{archive.substr(0, n), 77, broken});
        BOOST_TEST((o.code == broken));
    }
    tx::tar_reader reader(text_source{archive.substr(0, 600), 4096, broken});
    BOOST_TEST(reader.next().value());
    std::array<std::byte, 512> buffer;
    tx::error_code ec;
    BOOST_TEST(reader.read_some(buffer, ec) == 88u);
    BOOST_TEST(reader.read_some(buffer, ec) == 0u);
    BOOST_TEST((ec == broken));
    BOOST_TEST(reader.next().error().subject == "plain");
    BOOST_TEST(reader.next().error().detail == "reading at byte 600");
}

BOOST_AUTO_TEST_CASE(an_archive_cut_anywhere)
{
    auto const archive = sample();
    auto const whole = read_all(archive);
    for(std::size_t n = 0; n != archive.size(); ++n) {
        auto const o = read_all(archive.substr(0, n));
        BOOST_REQUIRE((!o.code || o.code == tx::error::truncated_archive));
        BOOST_REQUIRE(o.entries.size() <= whole.entries.size());
        for(std::size_t i = 0; i != o.entries.size(); ++i)
            BOOST_REQUIRE((o.entries[i].info.header == whole.entries[i].info.header));
    }
}

BOOST_AUTO_TEST_CASE(damaged_archives_are_read_or_refused)
{
    std::mt19937 random(1);
    auto const sound = sample() + old_gnu_sparse({{5, 3}, {10, 2}}, 20, "abcde") + zeros;
    for(int round = 0; round != 3000; ++round) {
        auto archive = sound;
        auto const block = random() % (archive.size() / 512) * 512;
        for(unsigned changes = 1 + random() % 4; changes != 0; --changes)
            archive[block + random() % 512] = static_cast<char>("\0\xff\x80 0179,=\n"[random() % 11]);
        unsigned sum = 0;
        for(std::size_t i = 0; i != 512; ++i)
            sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(archive[block + i]);
        for(std::size_t i = 6; round % 2 == 0 && i-- != 0; sum >>= 3)
            archive[block + 148 + i] = static_cast<char>('0' + sum % 8);
        auto const o = read_all(archive);
        BOOST_REQUIRE((!o.code || o.code == tx::error::truncated_archive || o.code == tx::error::invalid_header
            || o.code == tx::error::limit_exceeded));
    }
}

BOOST_AUTO_TEST_CASE(sizes_that_lie)
{
    constexpr auto largest = std::numeric_limits<std::int64_t>::max();
    for(char type : {'x', 'g', 'L', 'K'}) {
        BOOST_TEST((read_all(raw(type, "short", largest)).code == tx::error::truncated_archive));
        BOOST_TEST((read_all(raw(type, std::string((1u << 20) + 1, 'x'), largest)).code == tx::error::limit_exceeded));
        BOOST_TEST((read_all(raw(type, std::string(1u << 20, 'x'), largest)).code == tx::error::truncated_archive));
    }
    BOOST_TEST((read_all(raw('0', "short", largest)).code == tx::error::truncated_archive));
    std::uint64_t skipped = 0;
    BOOST_TEST((read_all(seeking_source{{raw('0', "", largest)}, &skipped}).code == tx::error::truncated_archive));
    BOOST_TEST((read_all(raw('x', record("size", "-1")) + entry(named("f"), "")).code == tx::error::invalid_header));
    BOOST_TEST(read_all(raw('x', record("size", "-1")) + entry(named("d/", '5'), "") + zeros).entries.size() == 1u);
}

BOOST_AUTO_TEST_CASE(records_replace_fields)
{
    auto const with = [](std::string const& records) {
        auto const o = read_all(raw('x', records) + entry(named("f"), "data") + zeros);
        return o.code ? tx::tar_header() : o.entries.at(0).info.header;
    };
    BOOST_TEST(with(record("path", "p") + record("path", "q")).name == "q");
    BOOST_TEST(with(record("path", "")).name == "f");
    BOOST_TEST(with(record("size", "+0000002")).size == 2);
    BOOST_TEST(with(record("uid", "-5")).uid == -5);
    BOOST_TEST((with(record("mtime", "-1.5")).mtime == tx::tar_time{-2, 500'000'000}));
    BOOST_TEST((with(record("mtime", "-0.000000001")).mtime == tx::tar_time{-1, 999'999'999}));
    BOOST_TEST((with(record("mtime", "1.1234567899")).mtime == tx::tar_time{1, 123'456'789}));
    BOOST_TEST((with(record("mtime", "1.")).mtime == tx::tar_time{1, 0}));
    BOOST_TEST((with(record("atime", "-9223372036854775808.5")).atime->nanoseconds == 500'000'000u));
    BOOST_TEST(with("11 path=ab\n").name == "ab");
    BOOST_TEST(with("+12 path=ab\n").name == "ab");
    for(auto const& bad : {"0 path=a\n"s, "4 a=\n"s, "8 path=a\n"s, "11 path=a\n"s, "path=a\n"s, "9 path=aX"s, "6 path\n"s,
            " 9 path=a"s, "99999999999999999999 a=b\n"s, "-9 path=a\n"s, "5 =a\n"s, "12 path=a\0b\n"s, "8 k\0ey=\n"s, "5    "s,
            record("uid", "0x1"), record("uid", "9223372036854775808"), record("size", "1 "), record("mtime", "1.-5"),
            record("mtime", ".5"), record("mtime", "1e3"), record("GNU.sparse.numbytes", "1"),
            record("GNU.sparse.offset", "1,2"), record("GNU.sparse.offset", "1") + record("GNU.sparse.offset", "1")})
        BOOST_TEST(with(bad).name.empty(), bad);
    auto const names = read_all(raw('L', "long\0junk"s, -1, tx::detail::gnu_magic) + raw('x', record("path", "short"))
        + entry(named("f"), "") + zeros);
    BOOST_TEST(names.entries.at(0).info.header.name == "long");
    BOOST_TEST((names.entries.at(0).info.format == tar_format::automatic));
}

BOOST_AUTO_TEST_CASE(old_gnu_sparse_files)
{
    auto const end = entry(named("end"), "end") + zeros;
    check_hole_file(old_gnu_sparse({{5, 3}, {10, 2}}, 20, "abcde") + end, tar_format::gnu);
    check_hole_file(old_gnu_sparse({{5, 1}, {6, 1}, {7, 1}, {8, 0}, {10, 2}, {20, 0}}, 20, "abcde") + end, tar_format::gnu);

    std::vector<std::pair<int, int>> many;
    for(int i = 0; i != 100; ++i)
        many.emplace_back(10 * i, 1);
    auto const o = read_all(old_gnu_sparse(many, 1000, std::string(100, 'x')) + end);
    BOOST_TEST(o.entries.at(0).data.size() == 1000u);
    BOOST_TEST(std::ranges::count(o.entries.at(0).data, 'x') == 100);
    BOOST_TEST(o.entries.at(1).data == "end");

    auto const code = [&](std::vector<std::pair<int, int>> const& extents, int size) {
        return read_all(old_gnu_sparse(extents, size, "abcde") + end).code;
    };
    BOOST_TEST((code({{5, 3}, {7, 2}}, 20) == tx::error::invalid_header));  // overlap
    BOOST_TEST((code({{10, 3}, {5, 2}}, 20) == tx::error::invalid_header)); // out of order
    BOOST_TEST((code({{5, 3}, {19, 2}}, 20) == tx::error::invalid_header)); // beyond the end
    BOOST_TEST((code({{-5, 3}}, 20) == tx::error::invalid_header));
    BOOST_TEST((code({{5, -3}}, 20) == tx::error::invalid_header));
    BOOST_TEST((code({}, -1) == tx::error::invalid_header));
    BOOST_TEST((code({{5, 4}}, 20) == tx::error::invalid_header));          // data beyond the map
    BOOST_TEST((code({{5, 6}}, 20) == tx::error::invalid_header));          // map beyond the data
    std::vector<std::pair<int, int>> const endless(21 * 2049 + 4, {0, 0});
    BOOST_TEST((code(endless, 20) == tx::error::limit_exceeded));
    auto not_gnu = old_gnu_sparse({}, 20, "");
    BOOST_TEST((read_all(raw('S', "")).code == tx::error::invalid_header));
    BOOST_TEST((read_all(not_gnu.substr(0, 482) + '\1' + not_gnu.substr(483)).code == tx::error::invalid_header)); // its sum
}

BOOST_AUTO_TEST_CASE(pax_sparse_files)
{
    auto const end = entry(named("end"), "end") + zeros;
    auto const name = record("GNU.sparse.name", "sparse");
    auto const v0 = record("GNU.sparse.size", "20") + record("GNU.sparse.numblocks", "2");
    check_hole_file(raw('x', name + v0 + record("GNU.sparse.offset", "5") + record("GNU.sparse.numbytes", "3")
                         + record("GNU.sparse.offset", "10") + record("GNU.sparse.numbytes", "2"))
            + raw('0', "abcde") + end, tar_format::pax);
    check_hole_file(raw('x', name + v0 + record("GNU.sparse.map", "5,3,10,2")) + raw('0', "abcde") + end, tar_format::pax);
    auto const v1 = name + record("GNU.sparse.major", "1") + record("GNU.sparse.minor", "0")
        + record("GNU.sparse.realsize", "20");
    auto const map = "2\n5\n3\n10\n2\n" + std::string(512 - 11, '\0');
    check_hole_file(raw('x', v1) + raw('0', map + "abcde") + end, tar_format::pax);

    auto const unknown = read_all(raw('x', name + record("GNU.sparse.major", "2")) + raw('0', "abcde") + end);
    BOOST_TEST(unknown.entries.at(0).data == "abcde");
    BOOST_TEST(!unknown.entries.at(0).info.sparse);

    for(auto const& bad : {record("GNU.sparse.map", "5,3,10,2"), record("GNU.sparse.map", "5,3,10"),
            v0 + record("GNU.sparse.map", "5,3,10"), v0 + record("GNU.sparse.map", "5,3,10,"),
            v0 + record("GNU.sparse.map", "5,3,10,x"), record("GNU.sparse.numblocks", "4611686018427387904"),
            record("GNU.sparse.numblocks", "-1"), v0 + record("GNU.sparse.size", "2x")})
        BOOST_TEST((read_all(raw('x', record("GNU.sparse.major", "0") + record("GNU.sparse.minor", "1") + bad)
                        + raw('0', "abcde") + end).code == tx::error::invalid_header), bad);
    BOOST_TEST((read_all(raw('x', v0 + record("GNU.sparse.map", "5,3,10,2")) + raw('5', "") + end).code
        == tx::error::invalid_header));

    auto const in_data = [&](std::string const& data) { return read_all(raw('x', v1) + raw('0', data) + end).code; };
    auto const block = [](std::string s) { return s.append(512 - s.size(), '\0'); };
    BOOST_TEST((in_data("2\n5\n3\n10\n2\n") == tx::error::truncated_archive)); // less than a block
    BOOST_TEST((in_data(block("x\n")) == tx::error::invalid_header));
    BOOST_TEST((in_data(block("-1\n")) == tx::error::invalid_header));
    BOOST_TEST((in_data(block("9223372036854775807\n")) == tx::error::invalid_header));
    BOOST_TEST((in_data(block("4611686018427387903\n")) == tx::error::truncated_archive));
    BOOST_TEST((in_data(block("1\n5\n\n")) == tx::error::invalid_header));
    BOOST_TEST((in_data(std::string((1u << 20) + 512, '1')) == tx::error::limit_exceeded));
    BOOST_TEST((in_data("600000\n" + std::string((1u << 20) + 505, '\n')) == tx::error::limit_exceeded));
}

BOOST_AUTO_TEST_CASE(older_layouts)
{
    auto const v7 = read_all(raw('\0', "", -1, {}) + zeros);
    BOOST_TEST((v7.entries.at(0).info.format == tar_format::automatic));
    BOOST_TEST(v7.entries.at(0).info.header.typeflag == '0');

    tx::detail::tar_block star;
    star.put(tx::detail::tar_name, "dir/");
    star.put(tx::detail::star_prefix, "above");
    star.put_octal(tx::detail::star_atime, 7);
    star.put(tx::detail::star_trailer, "tar");
    star.seal(tx::detail::ustar_magic);
    auto const s = read_all(std::string(star.text()) + zeros);
    BOOST_TEST(s.entries.at(0).info.header.name == "above/dir/");
    BOOST_TEST(s.entries.at(0).info.header.typeflag == '5');
    BOOST_TEST((s.entries.at(0).info.header.atime == tx::tar_time{7, 0}));

    // A prefix where GNU has times, as Go wrote it before 1.8.
    tx::detail::tar_block old;
    old.put(tx::detail::tar_name, "f");
    old.put(tx::detail::tar_prefix, "a/prefix");
    old.seal(tx::detail::gnu_magic);
    auto const o = read_all(std::string(old.text()) + zeros);
    BOOST_TEST(o.entries.at(0).info.header.name == "a/prefix/f");
    BOOST_TEST((o.entries.at(0).info.format == tar_format::automatic));
}

BOOST_AUTO_TEST_CASE(check_sums)
{
    auto archive = entry(named("f"), "") + zeros;
    archive[0] = 'g';
    BOOST_TEST((read_all(archive).code == tx::error::invalid_header));

    // Sun's tar added signed bytes.
    tx::detail::tar_block b;
    b.put(tx::detail::tar_name, "\xe9");
    b.seal(tx::detail::ustar_magic);
    std::string text(b.text());
    auto const sum = std::stol(text.substr(148, 6), nullptr, 8) - 256;
    for(std::size_t i = 6, rest = static_cast<std::size_t>(sum); i-- != 0; rest >>= 3)
        text[148 + i] = static_cast<char>('0' + rest % 8);
    BOOST_TEST(list(text_source{text + zeros}).size() == 1u);
}
