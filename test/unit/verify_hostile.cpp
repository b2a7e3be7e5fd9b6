//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Archives that were made to keep their reader busy, to fill its memory or to make it crash.

#include <tarexport/verify.hpp>

#define BOOST_TEST_MODULE verify_hostile
#include <boost/test/unit_test.hpp>

#include "verify_support.hpp"

#include <tarexport/detail/decompress.hpp>
#include <tarexport/verification_text.hpp>

#include <boost/iostreams/copy.hpp>
#include <boost/iostreams/filter/bzip2.hpp>
#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filter/zstd.hpp>
#include <boost/iostreams/filtering_stream.hpp>

#include <cstdio>
#include <numeric>
#include <random>
#include <sstream>

using namespace verifying;

namespace {

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

using gzip = boost::iostreams::gzip_compressor;
using zstd = boost::iostreams::zstd_compressor;
using bzip2 = boost::iostreams::bzip2_compressor;

// What is in some bytes, read in portions, and why not more.
std::pair<std::string, failure> expanded(std::string const& text, std::size_t portion, detail::expansion_budget budget = {.window = 32u << 20})
{
    detail::decompressed_source in(text_source{text, portion}, &budget);
    std::string out;
    std::vector<std::byte> buffer(portion);
    error_code ec;
    while(auto const n = in.read_some(buffer, ec))
        out += to_text(bytes_view(buffer).first(n));
    return {out, in.why()};
}

std::string sample()
{
    std::mt19937 random(7);
    std::string text;
    while(text.size() < 300'000)
        text += std::string(random() % 50, static_cast<char>('a' + random() % 26));
    return text;
}

std::string oci(std::string const& index) { return archive().add("oci-layout", R"({"imageLayoutVersion":"1.0.0"})").add("index.json", index).end(); }

} // namespace

BOOST_AUTO_TEST_CASE(what_is_compressed_comes_out_whatever_the_portions)
{
    auto const text = sample();
    for(auto const& p : {packed<gzip>(text), packed<zstd>(text), packed<bzip2>(text), text})
        for(std::size_t portion : {1u, 1000u, 200'000u}) {
            auto const once = expanded(p, portion);
            BOOST_TEST((once.first == text));
            BOOST_TEST(!once.second.code.failed());
            if(p == text)
                continue;
            auto const twice = expanded(p + p, portion);
            BOOST_TEST((twice.first == text + text));
            BOOST_TEST(!twice.second.code.failed());
        }
}

BOOST_AUTO_TEST_CASE(every_cut_and_everything_behind_the_end_of_what_is_compressed_is_told)
{
    auto const text = sample().substr(0, 3000);
    for(auto const& p : {packed<gzip>(text), packed<zstd>(text), packed<bzip2>(text)}) {
        for(std::size_t n = 6; n < p.size(); ++n)
            BOOST_TEST(expanded(p.substr(0, n), 1000).second.code.failed());
        BOOST_TEST(expanded(p + "more", 1000).second.code.failed());
    }
    std::string const skipped("\x50\x2a\x4d\x18\x03\0\0\0abc", 11);
    BOOST_TEST((expanded(skipped + packed<zstd>(text) + skipped, 1000).first == text));
    BOOST_TEST(expanded(packed<zstd>(text) + skipped.substr(0, 9), 1000).second.code.failed());
}

BOOST_AUTO_TEST_CASE(bombs_are_left_alone)
{
    detail::expansion_budget small;
    small.bytes = 1'000'000;
    auto const bomb = packed<zstd>(std::string(50'000'000, '\0'));
    auto const [text, why] = expanded(bomb, 100'000, small);
    BOOST_TEST((why.code == error::limit_exceeded));
    BOOST_TEST(text.size() < 1'300'000u);

    auto const huge = packed<zstd>(std::string(200'000'000, '\0'));
    detail::expansion_budget least;
    least.ratio = 0;
    BOOST_TEST((expanded(huge, 100'000, least).second.code == error::limit_exceeded));
    verify_options how;
    auto const v = verified(parts().entries().add("bomb", huge).end(), how);
    BOOST_TEST(v.good()); // nothing refers to it
    parts p;
    p.stored[0] = huge;
    auto const layer = verified(p.entries().end());
    BOOST_TEST((has(layer, finding_code::limit) && layer.errors == 1u), told(layer));
    BOOST_TEST(answers(layer) == "nuuuunu");
    auto const whole = verified(huge);
    BOOST_TEST((has(whole, finding_code::limit) && whole.errors == 1u), told(whole));
    BOOST_TEST(answers(whole) == "uuuuuuu");
}

// What came out of compressed bytes makes no room for what comes out of it.
BOOST_AUTO_TEST_CASE(bombs_in_bombs_are_left_alone)
{
    auto const repeated = packed<gzip>(std::string(100'000'000, '\0'));
    std::string large = repeated;
    while(large.size() < 1'200'000)
        large += repeated;
    for(auto const& inner : {repeated, large}) {
        parts p;
        p.stored[0] = inner;
        auto const outside = p.entries().end();
        auto const alone = verified(outside);
        BOOST_TEST(!has(alone, finding_code::limit), told(alone));
        auto const v = verified(packed<zstd>(outside));
        BOOST_TEST(has(v, finding_code::limit), told(v));
    }
}

BOOST_AUTO_TEST_CASE(a_large_window_is_refused)
{
    // A frame whose header wants 2^31 bytes.
    std::string const frame("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00", 9);
    BOOST_TEST((expanded(frame, 100).second.code == error::limit_exceeded));
}

BOOST_AUTO_TEST_CASE(huge_counts)
{
    verify_options how;
    how.entries = 100;
    archive many;
    for(int i = 0; i != 200; ++i)
        many.add(std::to_string(i));
    auto const text = many.end();
    auto const v = verified(text, how);
    BOOST_TEST(has(v, finding_code::limit));
    BOOST_TEST(v.bytes == text.size());
    BOOST_TEST(answers(v) == "uuuuuuu");
    // Global headers are entries, too.
    auto block = archive().add("g").end().substr(0, 512);
    auto const field = std::string_view(block).substr(148, 6);
    auto const sum = std::stoul(std::string(field), nullptr, 8) + 'g' - '0';
    std::snprintf(block.data() + 148, 7, "%06lo", sum);
    block[156] = 'g';
    std::string global;
    for(int i = 0; i != 200; ++i)
        global += block;
    BOOST_TEST(has(verified(global + archive().end(), how), finding_code::limit));

    how = {};
    how.names = 10'000;
    archive long_names;
    for(int i = 0; i != 10; ++i)
        long_names.add(std::string(5000, 'n') + std::to_string(i));
    BOOST_TEST(has(verified(long_names.end(), how), finding_code::limit));

    how = {};
    how.findings = 10;
    archive odd;
    for(int i = 0; i != 50; ++i)
        odd.add("../" + std::to_string(i));
    auto const told = verified(odd.end(), how);
    BOOST_TEST(told.findings.size() == 10u);
    BOOST_TEST(told.errors >= 50u);
    BOOST_TEST(told.more_findings >= 40u);
}

BOOST_AUTO_TEST_CASE(documents_that_are_deep_long_or_many)
{
    auto const deep = std::string(100'000, '[') + std::string(100'000, ']');
    BOOST_TEST(has(verified(archive().add("manifest.json", deep).end()), finding_code::limit));
    BOOST_TEST(has(verified(oci(deep)), finding_code::limit));
    std::string many = "[{}";
    for(int i = 0; i != 20'000; ++i)
        many += ",{}";
    BOOST_TEST(has(verified(archive().add("manifest.json", many + "]").end()), finding_code::limit));
    BOOST_TEST(has(verified(archive().add("manifest.json", "[" + std::string(9u << 20, ' ') + "]").end()), finding_code::limit));

    verify_options how;
    how.documents = 1000;
    auto const padded = [](char c) { return c + std::string(600, ' ') + static_cast<char>(c + 2); };
    auto const v = verified(archive().add("a.json", padded('{')).add("manifest.json", padded('[')).end(), how);
    BOOST_TEST(has(v, finding_code::limit));
}

BOOST_AUTO_TEST_CASE(what_is_more_than_is_read_is_not_called_bad)
{
    auto const only_limit = [](std::string const& archive, std::string const& expected, verify_options const& how = {}) {
        auto const v = verified(archive, how);
        BOOST_TEST((has(v, finding_code::limit) && v.errors == 1u), told(v));
        BOOST_TEST(answers(v) == expected);
    };
    auto const spaces = std::string(9u << 20, ' ');
    auto const list = R"([{"Config":"c.json","RepoTags":["app:1"],"Layers":[]}])";
    auto const small = std::string(R"({"rootfs":{"type":"layers"},"os":"linux"})");
    verify_options few;
    few.entries = 1;
    only_limit(hybrid(), "uuuuuuu", few);
    // podman and skopeo read no config of that size themselves, and skopeo no archive without an index.json
    only_limit(archive().add("manifest.json", list).add("c.json", small + spaces).end(), "uuunnnu");
    only_limit(archive().add("manifest.json", list + spaces).add("c.json", small).end(), "uuunnnu");
    only_limit(archive().add("repositories", "{}" + spaces).end(), "uunnnnn");
    only_limit(archive().add("oci-layout", R"({"imageLayoutVersion":"1.0.0"})").add("index.json", R"({"schemaVersion":2,"manifests":[]})" + spaces).end(), "nnuunuu");
    // It is nothing that an image needs.
    auto const beside = verified(archive().add("manifest.json", list).add("c.json", small).add("other.json", small + spaces).end());
    BOOST_TEST(beside.good(), told(beside));
    BOOST_TEST((beside.of(loader::docker_28).loads == answer::yes));
    // Nor does it hide what is certain.
    parts p;
    auto const certain = verified(p.entries().add("thin.json", "{}" + spaces).add("0/layer.tar", "x").end());
    BOOST_TEST(has(certain, finding_code::limit));
    BOOST_TEST((certain.of(loader::docker_28).loads == answer::no));
}

BOOST_AUTO_TEST_CASE(one_finding_of_a_limit_is_kept)
{
    verify_options how;
    how.findings = 2;
    archive a;
    for(int i = 0; i != 5; ++i)
        a.add("../" + std::to_string(i));
    auto const v = verified(a.add("manifest.json", "[]" + std::string(9u << 20, ' ')).end(), how);
    BOOST_TEST(v.findings.size() == 2u);
    BOOST_TEST(has(v, finding_code::limit), told(v));
}

BOOST_AUTO_TEST_CASE(a_layer_that_begins_as_a_document_is_a_layer)
{
    parts p;
    p.layers = p.stored = {"{garbage", "[" + std::string(9u << 20, 'x')};
    p.config = parts::config_of(p.layers);
    auto const v = verified(p.entries().end());
    BOOST_TEST((v.errors == 2u && has(v, finding_code::not_a_tar)), told(v));
    BOOST_TEST((v.of(loader::docker_28).loads == answer::no));
    p.layers = p.stored = {tar_builder().add_file("{a", "first").finish().value(), tar_builder().add_file("[b", std::string(9u << 20, 'x')).finish().value()};
    p.config = parts::config_of(p.layers);
    auto const whole = verified(p.entries().end());
    BOOST_TEST(whole.good(), told(whole));
    p.layers = p.stored = {p.stored[0].substr(0, 514), p.stored[1].substr(0, 9u << 20)};
    p.config = parts::config_of(p.layers);
    BOOST_TEST(verified(p.entries().end()).errors == 2u);
}

BOOST_AUTO_TEST_CASE(what_is_not_followed_to_its_end_is_not_good)
{
    // More ancestors than are followed, of which the last has no layer.
    auto const layer = tar_builder().add_file("a", "first").finish().value();
    archive chain;
    for(int i = 0; i != 1100; ++i) {
        chain.add(std::to_string(i) + "/json", i == 1099 ? "{}" : R"({"parent":")" + std::to_string(i + 1) + "\"}");
        if(i != 1099)
            chain.add(std::to_string(i) + "/layer.tar", layer);
    }
    auto const v = verified(chain.add("repositories", R"({"app":{"1":"0"}})").end());
    BOOST_TEST(has(v, finding_code::limit), told(v));

    // More links than are followed.
    archive links;
    for(int i = 0; i != 200; ++i) {
        std::string around;
        for(int n = 0; n != 1000; ++n)
            around += "./";
        links.add("s" + std::to_string(i), {}, tar_type::symlink, around + (i == 199 ? "c" : "s" + std::to_string(i + 1)));
    }
    std::string items;
    for(int i = 0; i != 400; ++i)
        items += R"({"Config":"s0","RepoTags":null,"Layers":[]},)";
    auto const spent = verified(links.add("c", R"({"rootfs":{"type":"layers"},"os":"linux"})")
                                    .add("manifest.json", "[" + items + R"({"Config":"c","RepoTags":null,"Layers":[]}])").end());
    BOOST_TEST(has(spent, finding_code::limit), told(spent));
    BOOST_TEST(answers(spent) == "uuuuuuu");

    // More steps than are compared.
    std::string history;
    for(int i = 0; i != 5000; ++i)
        history += std::string(i == 0 ? "" : ",") + R"({"empty_layer":true,"created_by":"step"})";
    auto const config = [&](std::string const& last) {
        return R"({"rootfs":{"type":"layers"},"os":"linux","history":[)" + history + last + "]}";
    };
    auto const parent = config(""), child = config(R"(,{"empty_layer":true,"created_by":"other"})");
    auto const parents = verified(archive().add("p", parent).add("c", child)
                                      .add("manifest.json", R"([{"Config":"p","RepoTags":["p:1"],"Layers":[]},{"Config":"c","RepoTags":["c:1"],"Layers":[],"Parent":")" +
                                              digest_of(std::string_view(parent)).str() + "\"}]").end());
    BOOST_TEST((parents.errors == 1u && has(parents, finding_code::limit)), told(parents));
    BOOST_TEST((parents.of(loader::docker_28).loads == answer::unknown));
}

BOOST_AUTO_TEST_CASE(names_from_an_archive_begin_no_line)
{
    auto const text = to_text(verified(archive().add("x\nforged").add("x\nforged").end()));
    BOOST_TEST(text.find("\nforged") == std::string::npos);
    BOOST_TEST(text.find("x\\nforged") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(documents_beyond_the_memory_go_to_a_file)
{
    verify_options how;
    how.memory = 0;
    auto const archive = hybrid();
    BOOST_TEST(verified(archive, how).images.at(0).id == verified(archive).images.at(0).id);
    how.spool_directory = "/nonexistent/folder";
    text_source source{archive};
    BOOST_TEST(verify_archive(source, how).has_error());
}

BOOST_AUTO_TEST_CASE(indexes_that_lead_back_to_themselves_or_on_and_on)
{
    auto const one = std::string(64, '1');
    auto const index = R"({"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"sha256:)" + one + R"(","size":1}]})";
    auto const v = verified(archive().add("oci-layout", R"({"imageLayoutVersion":"1.0.0"})").add("index.json", index).add("blobs/sha256/" + one, index).end());
    BOOST_TEST(has(v, finding_code::invalid_document));
    BOOST_TEST(!v.good());

    // Each of 20 indexes lists the next one twice: a million ways to the last.
    archive doubling;
    std::string next = R"({"schemaVersion":2,"manifests":[]})";
    for(int i = 0; i != 20; ++i) {
        auto const id = digest_of(std::string_view(next));
        doubling.add("blobs/sha256/" + id.hex(), next);
        auto const entry = R"({"mediaType":"application/vnd.oci.image.index.v1+json","digest":")" + id.str() + R"(","size":)" + std::to_string(next.size()) + "}";
        next = R"({"schemaVersion":2,"manifests":[)" + entry + "," + entry + "]}";
    }
    doubling.add("index.json", next);
    BOOST_TEST(!verified(doubling.end()).good());
}

BOOST_AUTO_TEST_CASE(ancestors_in_a_circle)
{
    auto const layer = tar_builder().add_file("a", "first").finish().value();
    auto const v = verified(archive().add("a/json", R"({"parent":"b"})").add("a/layer.tar", layer).add("b/json", R"({"parent":"a"})")
                                .add("b/layer.tar", layer).add("repositories", R"({"app":{"1":"a"}})").end());
    BOOST_TEST(!v.good());
    BOOST_TEST((v.of(loader::docker_28).loads == answer::no));
}

BOOST_AUTO_TEST_CASE(holes_are_not_read)
{
    std::string records;
    for(std::string const record : {"GNU.sparse.size=1000000000000000", "GNU.sparse.numblocks=1", "GNU.sparse.map=0,0"})
        records += std::to_string(record.size() + 4) + " " + record + "\n";
    auto text = archive().add("sparse", records).end();
    text.resize(1024);
    text[156] = tar_type::extended;
    text.replace(148, 8, 8, ' ');
    auto const sum = std::accumulate(text.begin(), text.begin() + 512, 0u, [](unsigned n, char c) { return n + static_cast<unsigned char>(c); });
    char digits[8];
    std::snprintf(digits, sizeof digits, "%06o", sum);
    text.replace(148, 7, digits, 7);
    auto const v = verified(text + archive().add("sparse").end());
    BOOST_TEST(has(v, severity::warning, finding_code::odd_entry), told(v));
}

BOOST_AUTO_TEST_CASE(random_damage_is_survived_and_all_bytes_are_hashed)
{
    std::mt19937 random(42);
    std::vector<std::string> const seeds = {hybrid(), parts().entries().end(), packed<gzip>(hybrid()), packed<zstd>(parts().entries().end())};
    for(int i = 0; i != 800; ++i) {
        auto text = seeds[random() % seeds.size()];
        for(unsigned n = random() % 8 + 1; n != 0; --n)
            text[random() % text.size()] = static_cast<char>(random());
        text.resize(random() % 4 == 0 ? random() % text.size() : text.size());
        auto const v = verified(text);
        BOOST_TEST(v.bytes == text.size());
        BOOST_TEST(v.verdicts.size() == loaders.size());
    }
}
