//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/store/expanded.hpp>

#include <tarexport/testing/counting_store.hpp>
#include <tarexport/testing/failing_store.hpp>

#define BOOST_TEST_MODULE expanded_hostile
#include <boost/test/unit_test.hpp>

#include "expanded_support.hpp"

#include <cstddef>
#include <exception>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

using namespace expanded_tests;
using tx::expand_options;
using tx::expanded;
using tx::expansion;
using tx::testing::counting_store;
using tx::testing::fail_count;
using tx::testing::failing_store;

namespace {

expand_options way(expansion sizes, std::size_t jobs = 1)
{
    expand_options o;
    o.sizes = sizes;
    o.jobs = jobs;
    return o;
}

constexpr expansion all_sizes[] = {expansion::measured, expansion::spooled, expansion::promised};

// What saving says of an image of some sound layers, and one that is not.
tx::failure fails(kept_layer bad, error code, std::string_view detail)
{
    std::vector<kept_layer> const layers{packed_by(gzip, layer_of(5'000, 7)), std::move(bad), packed_by(zstd, layer_of(5'000, 8))};
    auto const memory = memory_of(layers);
    std::optional<tx::failure> first;
    for(auto const sizes : all_sizes)
        for(std::size_t const jobs : {1u, 3u}) {
            counting_store const counted(memory);
            auto const why = save_fails(expanded(counted, way(sizes, jobs)));
            BOOST_TEST(why.code == code, message(why));
            BOOST_TEST(contains(why.subject, "layer 1 of image " + image_of(memory).id.str()), message(why));
            BOOST_TEST(contains(why.detail, detail), message(why));
            BOOST_TEST(counted.counts().handles == 0u);
            BOOST_TEST(counted.counts().sources == 0u);
            if(!first)
                first = why;
        }
    return *first;
}

} // namespace

BOOST_AUTO_TEST_CASE(damaged_layers_are_told_of_with_their_image_and_place)
{
    auto const raw = layer_of(100'000, 1);
    for(auto* const pack : {gzip, zstd}) {
        auto const packed = pack(raw);
        for(std::size_t const left : {packed.size() - 1, packed.size() / 2, std::size_t{20}})
            fails({raw, packed.substr(0, left)}, error::invalid_document, "ends too early");
        // libzstd goes on by itself, and takes what follows for a frame.
        auto const what = pack == gzip ? "goes on with something else" : "damaged";
        fails({raw, packed + "rubbish"}, error::invalid_document, what);
        fails({raw, packed + std::string(512, '\0')}, error::invalid_document, what);
    }
    auto flipped = gzip(raw);
    flipped[flipped.size() - 6] ^= 1; // in the sum
    fails({raw, flipped}, error::invalid_document, "damaged");
    flipped = gzip(raw);
    flipped[flipped.size() / 2] ^= 0x55;
    fails({raw, flipped}, error::invalid_document, "");
}

BOOST_AUTO_TEST_CASE(layers_that_are_not_what_the_config_says_are_refused)
{
    auto const raw = layer_of(10'000, 1), other = layer_of(10'000, 2);
    for(auto const& packed : {gzip(other), zstd(other), other, std::string("neither packed nor a tar archive")}) {
        std::vector<kept_layer> const layers{packed_by(gzip, layer_of(5'000, 7)), {raw, packed}};
        auto const memory = memory_of(layers);
        for(auto const sizes : all_sizes) {
            auto const why = save_fails(expanded(memory, way(sizes)));
            BOOST_TEST(why.code == error::digest_mismatch, message(why));
            BOOST_TEST(contains(message(why), tx::digest_of(raw).str()), message(why));
        }
    }
    fails({raw, "\xfd\x37zXZ" + std::string(1, '\0') + raw}, error::unsupported_store, "xz");
}

BOOST_AUTO_TEST_CASE(diff_ids_have_to_be_digests)
{
    tx::memory_store m;
    auto const id = m.add_layer(gzip("x"), "application/octet-stream");
    m.add_image(R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["none"]}})", {id}, {"app:1.0"}).value();
    auto const why = expanded(m).layer(image_of(m), 0).error();
    BOOST_TEST(why.code == error::invalid_digest);
    BOOST_TEST(contains(message(why), "layer 0 of image"), message(why));
    BOOST_TEST(contains(message(why), "\"none\""), message(why));
}

BOOST_AUTO_TEST_CASE(layers_that_are_not_there_are_told_of_as_elsewhere)
{
    auto const layers = some_layers();
    layout const folder(layers);
    std::filesystem::remove(folder.blob_path(tx::digest_of(layers[1].packed)));
    auto const oci = folder.store();
    auto const theirs = save_fails(oci), ours = save_fails(expanded(oci));
    BOOST_TEST(theirs.code == error::missing_blob);
    BOOST_TEST((ours == theirs));
    // Foreign layers that are there are layers.
    auto foreign = some_layers();
    foreign[0].type = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
    layout const with_foreign(foreign);
    auto const with = with_foreign.store();
    BOOST_TEST((saved(expanded(with)) == saved(memory_of(foreign, true))));
    std::filesystem::remove(with_foreign.blob_path(tx::digest_of(foreign[0].packed)));
    BOOST_TEST((save_fails(expanded(with)) == save_fails(with)));
    // What is no layer by its type makes a manifest no image.
    foreign[0].type = "application/vnd.example.model";
    layout const model(foreign);
    auto const no_image = model.store();
    BOOST_TEST(save_fails(no_image).code == error::not_an_image);
    BOOST_TEST((save_fails(expanded(no_image)) == save_fails(no_image)));
}

BOOST_AUTO_TEST_CASE(bombs_are_bounded)
{
    std::string const zeros(std::size_t{80} << 20, '\0');
    for(auto* const pack : {gzip, zstd}) {
        auto const memory = memory_of({packed_by(pack, zeros)});
        for(auto const sizes : {expansion::measured, expansion::spooled}) {
            auto small = way(sizes);
            small.largest_layer = zeros.size();
            BOOST_TEST(expanded(memory, small).layer(image_of(memory), 0).has_value());
            small.largest_layer = zeros.size() - 1;
            BOOST_TEST((expanded(memory, small).layer(image_of(memory), 0).error().code == error::limit_exceeded));
            auto dense = way(sizes);
            dense.largest_ratio = 100;
            auto const why = expanded(memory, dense).layer(image_of(memory), 0).error();
            BOOST_TEST(why.code == error::limit_exceeded);
            BOOST_TEST(contains(message(why), "layer 0 of image"), message(why));
            BOOST_TEST(contains(message(why), "100 times"), message(why));
        }
    }
    // What promises more is measured, and refused.
    auto believed = way(expansion::promised);
    believed.largest_layer = 1000;
    auto const memory = memory_of({packed_by(gzip, layer_of(100'000, 1))});
    BOOST_TEST((expanded(memory, believed).layer(image_of(memory), 0).error().code == error::limit_exceeded));
}

BOOST_AUTO_TEST_CASE(windows_are_bounded)
{
    // A frame whose window has 2 GiB (RFC 8878).
    std::string const frame("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00", 9);
    auto const memory = memory_of({{"x", frame}});
    auto const why = expanded(memory).layer(image_of(memory), 0).error();
    BOOST_TEST(why.code == error::limit_exceeded);
    BOOST_TEST(contains(message(why), "window"), message(why));
}

BOOST_AUTO_TEST_CASE(the_lowest_layer_that_fails_is_told)
{
    auto layers = some_layers();
    layers[1].packed.resize(layers[1].packed.size() / 2); // the largest, which is begun with
    layers[3].packed.resize(layers[3].packed.size() - 1);
    auto const memory = memory_of(layers);
    for(std::size_t const jobs : {1u, 2u, 5u}) {
        auto const s = expanded(memory, way(expansion::measured, jobs));
        BOOST_TEST(contains(save_fails(s).subject, "layer 1 of"));
        // Each layer is still to be had alone, and each failure is told each time.
        auto const i = image_of(s);
        for(int again = 0; again != 2; ++again)
            for(std::size_t n = 0; n != i.diff_ids.size(); ++n)
                BOOST_TEST(s.layer(i, n).has_value() == (n != 1 && n != 3));
    }
}

BOOST_AUTO_TEST_CASE(every_call_of_the_store_may_fail)
{
    auto const layers = some_layers();
    layout const folder(layers);
    auto const oci = folder.store();
    auto const memory = memory_of(layers);
    auto const expected = saved(memory_of(layers, true));
    auto const try_all = [&](auto const& beneath, expand_options const& o) {
        std::size_t n = 1, forgiven = 0;
        for(;; ++n) {
            fail_count count(n);
            failing_store const failing(beneath, count);
            counting_store const counted(failing);
            tx::memory_sink out;
            auto const s = expanded(counted, o);
            auto const report = tx::saver(s).save(tx::names("app:1.0"), out);
            BOOST_TEST(counted.counts().handles == 0u);
            BOOST_TEST(counted.counts().sources == 0u);
            if(!count.failed()) {
                BOOST_TEST(report.ok());
                break;
            }
            if(report.ok()) {
                ++forgiven;
                BOOST_TEST((out.bytes() == expected));
                continue;
            }
            BOOST_TEST(report.reason.code == count.why(), message(report.reason) << " at call " << n);
            BOOST_TEST(!report.reason.subject.empty());
        }
        BOOST_TEST(n > 30u);
        // A layer that could not be leased beside the one that was asked for is leased again when it is asked for itself. A promise that
        // cannot be read is none, and the layer is measured.
        if(o.sizes == expansion::promised)
            BOOST_TEST(forgiven > layers.size());
        else
            BOOST_TEST(forgiven == layers.size());
    };
    for(auto const sizes : all_sizes) {
        try_all(memory, way(sizes));
        try_all(oci, way(sizes));
    }
    try_all(memory, way(expansion::measured, 3));
}

BOOST_AUTO_TEST_CASE(what_a_store_throws_passes_through)
{
    auto const memory = memory_of(some_layers());
    for(std::size_t const jobs : {1u, 3u})
        for(std::size_t n = 1;; ++n) {
            fail_count count(n, std::make_exception_ptr(std::runtime_error("thrown")));
            failing_store const failing(memory, count);
            auto const s = expanded(failing, way(expansion::measured, jobs));
            tx::memory_sink out;
            bool thrown = false;
            try {
                tx::saver(s).save(tx::names("app:1.0"), out);
            }
            catch(std::runtime_error const& e) {
                thrown = e.what() == std::string("thrown");
            }
            BOOST_TEST(thrown == count.failed());
            if(!count.failed())
                break;
        }
}

BOOST_AUTO_TEST_CASE(a_stop_ends_reading)
{
    auto const memory = memory_of(some_layers());
    for(auto const sizes : {expansion::measured, expansion::spooled}) {
        std::stop_source stop;
        auto o = way(sizes, 2);
        o.stop = stop.get_token();
        auto const s = expanded(memory, o);
        stop.request_stop();
        auto const why = s.layer(image_of(memory), 0).error();
        BOOST_TEST(why.code == error::cancelled);
        BOOST_TEST(contains(why.subject, "layer 0 of image"));
    }
}

BOOST_AUTO_TEST_CASE(a_directory_for_temporary_files_that_cannot_be_used_is_named)
{
    auto const memory = memory_of(some_layers());
    auto o = way(expansion::spooled, 2);
    o.memory = 0;
    o.directory = "/nowhere/at/all";
    auto const why = save_fails(expanded(memory, o));
    BOOST_TEST((why.code == boost::system::errc::no_such_file_or_directory));
    BOOST_TEST(contains(why.subject, "/nowhere/at/all"));
}

BOOST_AUTO_TEST_CASE(a_layer_that_changes_between_the_passes_is_found)
{
    auto const layers = some_layers();
    layout const folder(layers);
    auto const oci = folder.store();
    auto const s = expanded(oci);
    auto const i = image_of(s);
    BOOST_TEST(s.layer(i, 0).has_value());
    auto other = layers[0].packed;
    other[other.size() / 2] ^= 0x55;
    folder.write(layouts::blob_name(tx::digest_of(layers[0].packed)), other);
    auto const why = save_fails(s);
    BOOST_TEST((why.code == tx::condition::corrupt_store), message(why));
}
