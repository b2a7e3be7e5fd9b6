//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// What the OCI layout store does with directories that are damaged or mean harm.

#include <tarexport/store/oci_layout.hpp>

#define BOOST_TEST_MODULE oci_layout_hostile
#include <boost/test/unit_test.hpp>

#include "oci_layout_support.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/stat.h>

using namespace oci_layout_tests;

BOOST_AUTO_TEST_CASE(what_is_no_layout_is_told)
{
    layout_folder f;
    auto const path = f.path().string();
    auto const open = [&] { return oci_layout_store::open(path); };
    auto r = failure_of(open(), error::not_a_layout);
    BOOST_TEST(r.subject == path);
    BOOST_TEST(r.detail == "no file oci-layout");
    f.finish({});
    BOOST_TEST(open().has_value());
    BOOST_TEST(open()->list().value().empty());
    fs::remove(f.path() / "index.json");
    r = failure_of(open(), error::not_a_layout);
    BOOST_TEST(r.detail == "no file index.json");

    f.finish({});
    f.write("oci-layout", R"({"imageLayoutVersion":"2.0.0"})");
    r = failure_of(open(), error::invalid_document);
    BOOST_TEST(r.subject == path + "/oci-layout");
    BOOST_TEST(contains(r.detail, "2.0.0"));
    f.write("oci-layout", "1.0.0");
    failure_of(open(), error::invalid_json);
    f.write("oci-layout", std::string(100'000, ' '));
    failure_of(open(), error::limit_exceeded);

    f.finish({});
    f.write("index.json", R"({"schemaVersion":2,"manifests":{}})");
    r = failure_of(open(), error::invalid_document);
    BOOST_TEST(r.subject == path + "/index.json");
    f.write("index.json", "{");
    failure_of(open(), error::invalid_json);
    f.write("index.json", R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":null})");
    BOOST_TEST(open().value().list().value().empty());
    fs::resize_file(f.path() / "index.json", std::uintmax_t{1} << 40);
    failure_of(open(), error::limit_exceeded);

    f.write("file", "");
    failure_of(oci_layout_store::open(path + "/file"), error::not_a_layout);
    auto const nameless = oci_layout_store::open("");
    BOOST_TEST_REQUIRE(nameless.has_error());
    BOOST_TEST(nameless.error().subject == "\"\"");
    failure_of(oci_layout_store::open(path + "/nowhere"), system_error(ENOENT));
    try {
        oci_layout_store const s(path + "/file");
        BOOST_TEST(false, "must throw");
    }
    catch(tx::save_error const& e) {
        BOOST_TEST(e.code() == error::not_a_layout);
        BOOST_TEST(e.reason().subject == path + "/file");
    }
}

BOOST_AUTO_TEST_CASE(files_of_the_layout_must_be_files)
{
    layout_folder f;
    f.finish({});
    for(auto const* name : {"oci-layout", "index.json"}) {
        auto const path = f.path() / name;
        fs::rename(path, f.path() / "moved");
        fs::create_symlink("moved", path);
        auto const r = failure_of(oci_layout_store::open(f.path().string()), error::not_a_regular_file);
        BOOST_TEST(r.subject == path.string());
        fs::remove(path);
        BOOST_REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
        failure_of(oci_layout_store::open(f.path().string()), error::not_a_regular_file);
        fs::remove(path);
        fs::create_directory(path);
        failure_of(oci_layout_store::open(f.path().string()), error::not_a_regular_file);
        fs::remove(path);
        fs::rename(f.path() / "moved", path);
    }
    BOOST_TEST(oci_layout_store::open(f.path().string()).has_value());
    // the path that the user gives may be a symlink
    fs::create_directory_symlink(f.path(), f.path() / "link");
    BOOST_TEST(oci_layout_store::open((f.path() / "link").string()).has_value());
}

BOOST_AUTO_TEST_CASE(a_blob_in_whose_place_something_else_is_fails_before_a_byte_is_read)
{
    layout_folder f;
    auto const m = f.add_image(amd64);
    f.finish({named(m, "app:1")});
    auto const s = opened(f);
    auto const i = s.load(s.lookup(to_reference("app:1")).value()).value();
    auto const path = f.blob_path(i.layers[0].id);
    auto const leased = s.layer(i, 0).value();
    auto const check = [&](error code) {
        auto const r = failure_of(s.layer(i, 0), code);
        BOOST_TEST(r.subject == path.string());
        BOOST_TEST(contains(r.detail, "layer 0 of image " + i.id.str()));
        // a lease from before fails, too
        failure_of(leased.open(0), code);
    };
    auto const text = f.all().at(i.layers[0].id);
    f.write(layouts::blob_name(i.layers[0].id), text + "x");
    check(error::size_mismatch);
    f.write(layouts::blob_name(i.layers[0].id), text.substr(1));
    check(error::size_mismatch);
    fs::rename(path, f.path() / "moved");
    check(error::missing_blob);
    fs::create_symlink(f.path() / "moved", path);
    check(error::not_a_regular_file);
    fs::remove(path);
    BOOST_REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    check(error::not_a_regular_file);
    fs::remove(path);
    fs::create_directory(path);
    check(error::not_a_regular_file);
    fs::remove(path);
    f.write(layouts::blob_name(i.layers[0].id), text);
    BOOST_TEST(s.layer(i, 0).has_value());
    for(auto const* folder : {"blobs/sha256", "blobs"}) {
        fs::rename(f.path() / folder, f.path() / "elsewhere");
        fs::create_directory_symlink(f.path() / "elsewhere", f.path() / folder);
        check(error::not_a_regular_file);
        fs::remove(f.path() / folder);
        f.write(folder, "a file");
        check(error::missing_blob);
        fs::remove(f.path() / folder);
        fs::rename(f.path() / "elsewhere", f.path() / folder);
    }
    BOOST_TEST(leased.open(0).has_value());
    failure_of(s.layer(i, 1), error::missing_layer);
    tx::image foreign = i;
    foreign.layers.clear();
    failure_of(s.layer(foreign, 0), error::missing_layer);
}

BOOST_AUTO_TEST_CASE(a_file_that_grows_while_it_is_read_shows)
{
    layout_folder f;
    auto const d = f.add("0123456789", "text/plain");
    f.finish({});
    auto const s = opened(f);
    auto source = s.blob(d).value().open(0).value();
    f.write(layouts::blob_name(d.id), "0123456789more");
    BOOST_TEST(source.extent()->size == 10u);
    BOOST_TEST(read_all(source) == "0123456789more");
    failure_of(tx::read_blob(s, d, 100), error::size_mismatch);
}

BOOST_AUTO_TEST_CASE(foreign_layers_are_used_where_they_are)
{
    layout_folder f;
    auto layer = f.add("foreign", "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip");
    layer.urls = {"https://example.com/layer", "https://example.org/layer"};
    auto const m = f.add_manifest(f.add_config(amd64, {layer}), {layer});
    f.finish({named(m, "app:1")});
    auto const s = opened(f);
    auto const i = s.load(s.lookup(to_reference("app:1")).value()).value();
    BOOST_TEST(s.layer(i, 0).has_value());
    fs::remove(f.blob_path(layer.id));
    auto const r = failure_of(s.layer(i, 0), error::missing_blob);
    BOOST_TEST(contains(r.detail, "https://example.com/layer, https://example.org/layer"));
    BOOST_TEST(contains(r.detail, i.id.str()));
}

BOOST_AUTO_TEST_CASE(broken_entries_leave_the_others_readable)
{
    layout_folder f;
    auto const good = f.add_image(amd64, "good"), gone = f.add_image(amd64, "gone"), bad = f.add_image(amd64, "bad");
    auto const late = f.add_image(amd64, "late");
    auto lying = f.add_image(amd64, "lying");
    ++lying.size;
    auto const nothing = f.add("zip", "application/zip");
    f.finish({named(gone, "gone:1"), named(bad, "bad:1"), named(lying, "lying:1"), named(nothing, "zip:1"), named(good, "good:1"), late});
    fs::remove(f.blob_path(gone.id));
    f.write(layouts::blob_name(bad.id), std::string(static_cast<std::size_t>(bad.size), '{'));
    auto const s = opened(f);
    auto const id = s.lookup(to_reference("good:1")).value();
    BOOST_TEST(s.load(id).has_value());
    BOOST_TEST(s.load(id_of(s, late)).has_value());
    BOOST_TEST(s.search(id.hex().substr(0, 12)).value() == id);
    failure_of(s.lookup(to_reference("gone:1")), error::missing_blob);
    failure_of(s.lookup(to_reference("bad:1")), error::digest_mismatch);
    failure_of(s.lookup(to_reference("lying:1")), error::size_mismatch);
    failure_of(s.lookup(to_reference("zip:1")), error::not_an_image);
    for(auto const& r : {failure_of(s.load(tx::digest_of("x")), error::unknown_image), failure_of(s.search("00000000000000"), error::unknown_image)}) {
        BOOST_TEST(contains(r.detail, "could not read 3 of 6 entries"), r.detail);
        BOOST_TEST(contains(r.detail, f.blob_path(gone.id).string()), r.detail);
    }
    auto const r = failure_of(s.list(), error::missing_blob);
    BOOST_TEST(contains(r.detail, "3 of 6 entries"));
    std::vector<tx::failure> unreadable;
    auto const rows = s.list(unreadable);
    BOOST_TEST(unreadable.size() == 3u);
    BOOST_TEST_REQUIRE(rows.size() == 2u);
    BOOST_TEST(rows[0].id == id);
    BOOST_TEST((texts(rows[0].names) == strings{"docker.io/library/good:1"}));
    BOOST_TEST(rows[1].names.empty());
}

BOOST_AUTO_TEST_CASE(hostile_indexes_are_refused)
{
    layout_folder f;
    auto deep = f.add_image(amd64);
    for(int n = 0; n != 9; ++n)
        deep = f.add_index({deep});
    auto large = f.add_image(amd64, "large");
    large.size = std::uint64_t{1} << 40;
    descriptor sparse = f.add("s", tx::media_type::oci_manifest);
    sparse.size = std::uint64_t{1} << 40;
    auto const artifact = f.add_manifest(f.add("{}", "application/vnd.oci.empty.v1+json"), {});
    auto config = f.add_config(amd64, {});
    config.size = 100'000'000;
    auto const huge_config = f.add_manifest(config, {});
    f.finish({named(deep, "deep:1"), named(large, "large:1"), named(sparse, "sparse:1"), named(artifact, "artifact:1"), named(huge_config, "config:1")});
    fs::resize_file(f.blob_path(sparse.id), sparse.size);
    fs::resize_file(f.blob_path(config.id), config.size);
    auto const s = opened(f);
    failure_of(s.lookup(to_reference("deep:1")), error::cyclic_index);
    failure_of(s.lookup(to_reference("large:1")), error::size_mismatch);
    failure_of(s.lookup(to_reference("sparse:1")), error::limit_exceeded);
    auto const no = failure_of(s.lookup(to_reference("artifact:1")), error::not_an_image);
    BOOST_TEST(contains(no.detail, "artifact:1"));
    failure_of(s.load(s.lookup(to_reference("config:1")).value()), error::limit_exceeded);
}

BOOST_AUTO_TEST_CASE(no_descriptor_is_left)
{
    auto const before = open_descriptors();
    {
        layout_folder f;
        auto const m = f.add_image(amd64), gone = f.add_image(arm64);
        f.finish({named(m, "app:1"), named(gone, "gone:1")});
        fs::remove(f.blob_path(gone.id));
        std::optional<tx::oci_blob> blob;
        {
            auto const s = opened(f);
            auto const i = s.load(s.lookup(to_reference("app:1")).value()).value();
            BOOST_TEST(!s.lookup(to_reference("gone:1")));
            blob = s.layer(i, 0).value();
        }
        // the lease keeps the directory, and nothing else
        BOOST_TEST(open_descriptors() == before + 1);
        BOOST_TEST(blob->open(0).has_value());
    }
    BOOST_TEST(open_descriptors() == before);
}

BOOST_AUTO_TEST_CASE(an_image_with_one_damaged_manifest_is_read_by_another)
{
    layout_folder f;
    std::vector<descriptor> const layers{f.add_layer("layer")};
    auto const config = f.add_config(amd64, layers);
    auto lying = config;
    ++lying.size;
    auto const bad = f.add_manifest(lying, layers), good = f.add_manifest(config, layers);
    f.finish({named(bad, "bad:1"), named(good, "good:1")});
    auto const s = opened(f);
    BOOST_TEST(s.lookup(to_reference("bad:1")).value() == config.id);
    BOOST_TEST(s.load(config.id).has_value());
    BOOST_TEST(s.list().value().size() == 1u);
    fs::remove(f.blob_path(good.id));
    failure_of(opened(f).load(config.id), error::size_mismatch);
}
