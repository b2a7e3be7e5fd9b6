//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/store/expanded.hpp>

#include <tarexport/layout/hybrid.hpp>
#include <tarexport/testing/counting_store.hpp>
#include <tarexport/testing/store.hpp>

#define BOOST_TEST_MODULE expanded
#include <boost/test/unit_test.hpp>

#include "expanded_support.hpp"

#include <boost/json.hpp>

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace expanded_tests;
using tx::expand_options;
using tx::expanded;
using tx::expansion;
using tx::testing::counting_store;

namespace {

std::vector<std::string> const none;

// All that must not change what is written.
std::vector<expand_options> all_ways()
{
    std::vector<expand_options> all;
    for(auto const sizes : {expansion::measured, expansion::spooled, expansion::promised})
        for(std::size_t const jobs : {0u, 1u, 2u, 5u}) {
            expand_options o;
            o.sizes = sizes;
            o.jobs = jobs;
            o.memory = jobs == 2 ? 0 : std::uint64_t{1} << 20;
            all.push_back(o);
        }
    return all;
}

expand_options way(expansion sizes, std::size_t jobs = 1)
{
    expand_options o;
    o.sizes = sizes;
    o.jobs = jobs;
    return o;
}

std::string read(auto const& handle, std::uint64_t offset = 0)
{
    auto source = handle.open(offset).value();
    tx::error_code ec;
    auto text = archives::read_all(source, ec);
    BOOST_TEST(!ec);
    return text;
}

std::map<std::string, std::string> entries_of(std::string const& archive)
{
    std::map<std::string, std::string> all;
    for(std::size_t at = 0; archive[at] != '\0';) {
        std::string const name(archive.c_str() + at);
        auto const size = std::stoull(archive.substr(at + 124, 11), nullptr, 8);
        all[name] = archive.substr(at + 512, size);
        at += 512 + (size + 511) / 512 * 512;
    }
    return all;
}

// Takes what it is given, and counts what it could copy.
struct copying_sink {
    std::size_t write_some(tx::bytes_view bytes, tx::error_code& ec)
    {
        ec.clear();
        return bytes.size();
    }

    std::size_t copy_some(tx::file_extent extent, tx::error_code& ec)
    {
        ec.clear();
        copied += extent.size;
        return static_cast<std::size_t>(extent.size);
    }

    std::uint64_t copied = 0;
};

std::atomic<int> inflated_members = 0;

// zlib, and a count of what it was used for.
class counted_inflater {
public:
    counted_inflater() { ++inflated_members; }
    tx::inflate_status inflate(tx::bytes_view& in, std::span<std::byte>& out) { return zlib_.inflate(in, out); }

private:
    tx::zlib_inflater zlib_;
};

} // namespace

BOOST_AUTO_TEST_CASE(keeps_the_laws_of_stores)
{
    auto const layers = some_layers();
    auto const memory = memory_of(layers);
    layout const folder(layers);
    auto const oci = folder.store();
    for(auto const& o : all_ways()) {
        auto const a = expanded(memory, o);
        static_assert(tx::store<decltype(a)> && tx::listing_store<decltype(a)> && !tx::content_store<decltype(a)>);
        BOOST_TEST(tx::testing::check_store(a) == none, boost::test_tools::per_element());
        auto const b = expanded(oci, o);
        static_assert(tx::store<decltype(b)> && tx::content_store<decltype(b)> && !tx::blob_store<decltype(b)>);
        BOOST_TEST(tx::testing::check_store(b) == none, boost::test_tools::per_element());
        BOOST_TEST(tx::testing::check_content_store(b, {tx::parse_reference("app:1.0").value()}) == none, boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(the_archive_is_that_of_a_store_with_raw_layers)
{
    auto const layers = some_layers();
    auto const packed = memory_of(layers);
    auto const expected = saved(memory_of(layers, true));
    layout const folder(layers), raw_folder(layers, true);
    auto const oci = folder.store();
    BOOST_TEST((saved(raw_folder.store()) == expected));
    BOOST_TEST((saved(oci) != expected));
    for(auto const& o : all_ways()) {
        BOOST_TEST((saved(expanded(packed, o)) == expected));
        BOOST_TEST((saved(expanded(oci, o)) == expected));
    }
}

BOOST_AUTO_TEST_CASE(ranges_are_those_of_the_same_archive)
{
    auto const packed = memory_of(some_layers());
    auto const whole = saved(expanded(packed));
    for(auto const& o : {way(expansion::measured), way(expansion::spooled), way(expansion::promised)}) {
        auto const s = expanded(packed, o);
        for(std::size_t first = 0; first < whole.size(); first += whole.size() / 5 + 1) {
            tx::save_options range;
            range.range.first = first;
            BOOST_TEST((saved(s, range) == whole.substr(first)));
        }
    }
}

BOOST_AUTO_TEST_CASE(manifests_are_made_anew_where_a_layout_keeps_them)
{
    auto const layers = some_layers();
    layout const folder(layers), raw_folder(layers, true);
    auto const oci = folder.store();
    auto const ours = entries_of(saved<tx::hybrid_layout>(expanded(oci)));
    auto const theirs = entries_of(saved<tx::hybrid_layout>(raw_folder.store()));
    auto const index = boost::json::parse(ours.at("index.json")).at("manifests").at(0);
    BOOST_TEST(index.at("annotations").at("io.containerd.image.name").as_string() == "docker.io/library/app:1.0");
    auto const path = "blobs/sha256/" + std::string(index.at("digest").as_string().c_str() + 7);
    auto const manifest = boost::json::parse(ours.at(path));
    BOOST_TEST(manifest.at("config").at("digest").as_string() == image_of(oci).id.str());
    for(std::size_t n = 0; n != layers.size(); ++n) {
        auto const& l = manifest.at("layers").at(n);
        BOOST_TEST(l.at("mediaType").as_string() == tx::media_type::oci_layer);
        BOOST_TEST(l.at("digest").as_string() == tx::digest_of(layers[n].raw).str());
        BOOST_TEST(l.at("size").as_int64() == static_cast<std::int64_t>(layers[n].raw.size()));
        BOOST_TEST((ours.at("blobs/sha256/" + tx::digest_of(layers[n].raw).hex()) == layers[n].raw));
    }
    BOOST_TEST(ours.at("manifest.json") == theirs.at("manifest.json"));
    // Here both manifests are written in the same way, so that nothing differs.
    BOOST_TEST((ours == theirs));
}

BOOST_AUTO_TEST_CASE(raw_layers_pass_as_they_are)
{
    auto const layers = some_layers();
    layout const folder(layers);
    auto const oci = folder.store();
    auto const s = expanded(oci);
    auto const i = image_of(s);
    auto const raw = s.layer(i, 2).value();
    BOOST_TEST(raw.is_raw());
    auto const source = raw.open(100).value();
    auto const extent = source.extent();
    BOOST_REQUIRE(extent.has_value());
    BOOST_TEST(extent->offset == 100u);
    BOOST_TEST(extent->size == layers[2].raw.size() - 100);
    BOOST_TEST(source.subject() == folder.blob_path(tx::digest_of(layers[2].raw)).string());
    auto const unpacked = s.layer(i, 0).value();
    BOOST_TEST(!unpacked.is_raw());
    BOOST_TEST(!unpacked.open(0)->extent().has_value());
    BOOST_TEST((read(unpacked, 1000) == layers[0].raw.substr(1000)));
    BOOST_TEST((unpacked.open(layers[0].raw.size() + 1).error().code == error::range_out_of_bounds));
    // Memory is shown, not copied.
    auto const memory = memory_of(layers);
    auto view = expanded(memory).layer(image_of(memory), 2)->open(0).value();
    auto own = memory.layer(image_of(memory), 2)->open(0).value();
    tx::error_code ec;
    BOOST_TEST((view.view_some(10, ec).data() == own.view_some(10, ec).data()));
}

BOOST_AUTO_TEST_CASE(raw_and_spooled_layers_are_copied_by_the_kernel_where_nothing_is_verified)
{
    auto const layers = some_layers();
    layout const folder(layers);
    auto const oci = folder.store();
    tx::save_options unverified;
    unverified.verification = tx::verify::never;
    // The last of the blocks that a layer fills leaves with the next header.
    auto const copied = [](std::uint64_t size) { return size % tx::tar_block_size == 0 ? size - tx::tar_block_size : size; };
    std::uint64_t all = 0; // each layer is in the archive once
    for(std::size_t n = 0; n + 1 != layers.size(); ++n)
        all += copied(layers[n].raw.size());
    for(auto const sizes : {expansion::measured, expansion::spooled}) {
        auto o = way(sizes);
        o.memory = 0;
        copying_sink out;
        auto const s = expanded(oci, o);
        BOOST_TEST(tx::saver(s).save(tx::names("app:1.0"), out, unverified).ok());
        BOOST_TEST(out.copied == (sizes == expansion::spooled ? all : copied(layers[2].raw.size())));
    }
}

BOOST_AUTO_TEST_CASE(layers_are_found_out_about_once)
{
    auto const memory = memory_of(some_layers()); // 5 packed layers that differ
    for(std::size_t const jobs : {1u, 3u}) {
        counting_store const counted(memory);
        auto const s = expanded(counted, way(expansion::measured, jobs));
        auto const i = image_of(s);
        BOOST_TEST(counted.counts().opened == 0u);
        {
            auto const h = s.layer(i, 3).value();
            BOOST_TEST(counted.counts().opened == 5u);
            BOOST_TEST(counted.counts().handles == 1u);
            BOOST_TEST(counted.counts().sources == 0u);
            for(std::size_t n = 0; n != i.diff_ids.size(); ++n)
                BOOST_TEST(s.layer(i, n)->info().id.str() == i.diff_ids[n]);
            auto const copy = s;
            BOOST_TEST(copy.layer(i, 0).has_value());
            BOOST_TEST(counted.counts().opened == 5u);
        }
        saved(s);
        BOOST_TEST(counted.counts().opened == 11u); // 6 layers are in the archive
        BOOST_TEST(counted.counts().handles == 0u);
    }
    counting_store const counted(memory);
    auto const s = expanded(counted, way(expansion::spooled));
    saved(s);
    saved(s);
    BOOST_TEST(counted.counts().opened == 5u + 2u); // and the raw one, each time
}

BOOST_AUTO_TEST_CASE(images_of_the_store_beneath_will_do)
{
    auto const layers = some_layers();
    layout const folder(layers);
    auto const oci = folder.store();
    auto const s = expanded(oci);
    auto const packed = image_of(oci);
    BOOST_TEST(packed.layers.size() == layers.size());
    BOOST_TEST((s.layer(packed, 1)->info().id == tx::digest_of(layers[1].raw)));
    // One that came by another way, and of which no manifest is known.
    auto bare = packed;
    bare.layers.clear();
    BOOST_TEST((expanded(oci).layer(bare, 1)->info().id == tx::digest_of(layers[1].raw)));
    BOOST_TEST((s.layer(packed, 99).error().code == error::missing_layer));
    BOOST_TEST((s.load(tx::digest_of(std::string_view("no"))).error().code == error::unknown_image));
    BOOST_TEST(image_of(s).layers.empty());
}

BOOST_AUTO_TEST_CASE(parents_are_those_of_the_store)
{
    struct with_parents : tx::memory_store {
        std::optional<tx::digest> parent_of(tx::digest const& id) const { return id; }
    };
    auto const s = expanded(with_parents());
    static_assert(tx::tells_parents<decltype(s)> && !tx::tells_parents<decltype(expanded(tx::memory_store()))>);
    auto const id = tx::digest_of(std::string_view("x"));
    BOOST_TEST((s.parent_of(id) == id));
}

BOOST_AUTO_TEST_CASE(the_packed_bytes_are_believed_where_asked_for)
{
    auto const layers = some_layers();
    auto const memory = memory_of(layers);
    counting_store const counted(memory);
    auto const s = expanded(counted, way(expansion::promised));
    auto const i = image_of(s);
    auto const h = s.layer(i, 0).value();
    BOOST_TEST(h.info().size == layers[0].raw.size());
    // Layers 0, 1 and 3 at their ends, or their fronts. That of several members, and of a zstd file without a size, are read.
    using tx::detail::promised_size;
    BOOST_TEST((promised_size(memory.layer(i, 0).value()) == layers[0].raw.size()));
    BOOST_TEST((promised_size(memory.layer(i, 3).value()) == layers[3].raw.size()));
    BOOST_TEST((expanded(memory).layer(i, 4)->info().size == layers[4].raw.size()));
    BOOST_TEST((saved(s) == saved(memory_of(layers, true))));
}

BOOST_AUTO_TEST_CASE(a_promise_that_is_unlikely_is_not_believed)
{
    auto const promise = [](std::string const& packed) {
        tx::memory_store m;
        auto const id = m.add_layer(packed, "application/octet-stream");
        m.add_image(config_of({{"x", packed}}), {id}, {"app:1.0"}).value();
        return tx::detail::promised_size(m.layer(image_of(m), 0).value());
    };
    auto const raw = layer_of(100'000, 1);
    BOOST_TEST((promise(gzip(raw)) == raw.size()));
    BOOST_TEST(!promise(gzip(raw + "x")));            // no tar archive
    BOOST_TEST(!promise(gzip(raw) + gzip("")));       // less than is packed
    BOOST_TEST(!promise(raw));
    BOOST_TEST(!promise("\x1f\x8b\x08"));
    auto huge = gzip(raw);
    huge.replace(huge.size() - 4, 4, std::string("\x00\x00\x00\xf0", 4)); // more than deflate can do
    BOOST_TEST(!promise(huge));
    // A frame with its size in 4 bytes (RFC 8878): flags, window, size.
    std::string frame("\x28\xb5\x2f\xfd\x80\x58\x00\x10\x00\x00", 10);
    frame.append(100, 'x');
    BOOST_TEST((promise(frame) == 4096u));
    std::string const single = std::string("\x28\xb5\x2f\xfd\x60\x00\x01", 7) + std::string(100, 'x'); // in 2 bytes, which begin at 256
    BOOST_TEST((promise(single) == 512u));
    BOOST_TEST(!promise(std::string("\x28\xb5\x2f\xfd\x00\x58", 6) + std::string(100, 'x')));
    BOOST_TEST(!promise(std::string("\x28\xb5\x2f\xfd", 4) + std::string(5, 'x')));
}

BOOST_AUTO_TEST_CASE(a_broken_promise_fails_the_save_and_says_what_to_do)
{
    auto const raw = layer_of(100'000, 1);
    for(std::size_t const cut : {51'200u, 1'024u}) {
        // Of two members, the last one tells a likely size, or an unlikely one.
        std::vector<kept_layer> const layers{{raw, gzip(raw.substr(0, cut)) + gzip(raw.substr(cut))}};
        auto const memory = memory_of(layers);
        auto const expected = saved(memory_of(layers, true));
        BOOST_TEST((saved(expanded(memory)) == expected));
        auto const s = expanded(memory, way(expansion::promised));
        if(cut == 51'200) {
            BOOST_TEST((saved(s) == expected)); // it is less than what is packed
            continue;
        }
        auto const why = save_fails(s);
        BOOST_TEST(why.code == error::layer_too_long);
        BOOST_TEST(contains(message(why), "have it measured instead"), message(why));
        BOOST_TEST(contains(message(why), "layer 0 of image sha256:"), message(why));
    }
    auto lying = gzip(raw);
    lying[lying.size() - 3] = static_cast<char>(lying[lying.size() - 3] + 2); // 512 more
    auto const memory = memory_of({{raw, lying}});
    BOOST_TEST(save_fails(expanded(memory, way(expansion::promised))).code == error::invalid_document); // zlib compares the size too
    BOOST_TEST(save_fails(expanded(memory)).code == error::invalid_document);
}

BOOST_AUTO_TEST_CASE(threads_share_a_store)
{
    auto const memory = memory_of(some_layers());
    auto const expected = saved(memory_of(some_layers(), true));
    for(auto const sizes : {expansion::measured, expansion::spooled}) {
        counting_store const counted(memory);
        auto const s = expanded(counted, way(sizes, 2));
        std::atomic<int> right = 0;
        {
            std::vector<std::jthread> all;
            for(int n = 0; n != 4; ++n)
                all.emplace_back([&] {
                    tx::memory_sink out;
                    if(tx::saver(s).save(tx::names("app:1.0"), out).ok() && out.bytes() == expected)
                        ++right;
                });
        }
        BOOST_TEST(right == 4);
        BOOST_TEST(counted.counts().opened == (sizes == expansion::spooled ? 5u + 4u : 5u + 4u * 6u));
    }
}

BOOST_AUTO_TEST_CASE(an_inflater_is_used)
{
    auto const memory = memory_of(some_layers());
    auto const expected = saved(memory_of(some_layers(), true));
    inflated_members = 0;
    BOOST_TEST((saved(expanded<counted_inflater>(memory, way(expansion::spooled))) == expected));
    BOOST_TEST(inflated_members == 5); // layers 0 and 3 are one member, 4 is three
}
