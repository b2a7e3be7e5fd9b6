//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/store/archive.hpp>

#define BOOST_TEST_MODULE archive_store
#include <boost/test/unit_test.hpp>

#include <tarexport/names.hpp>
#include <tarexport/saver.hpp>
#include <tarexport/sink/memory.hpp>
#include <tarexport/testing/store.hpp>

#include "archive_store_support.hpp"

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

using namespace archives;

BOOST_AUTO_TEST_CASE(an_archive_with_manifest_json_alone)
{
    made_image const a("a"), b("b", {"one", "two"});
    docker_archive d;
    d.add(a, {"app:1.0", "registry.example/app:2"}).add(b, {});
    auto const s = d.open();
    std::vector<tx::listed_image> const expected{{a.id, {ref("app:1.0"), ref("registry.example/app:2")}}, {b.id, {}}};
    BOOST_TEST((s.list().value() == expected));
    BOOST_TEST((s.lookup(ref("app:1.0")).value() == a.id));
    BOOST_TEST((s.search(b.id.hex().substr(0, 12)).value() == b.id));
    auto const i = s.load(b.id).value();
    BOOST_TEST(i.config == b.config);
    BOOST_TEST_REQUIRE(i.layers.size() == 2u);
    BOOST_TEST(read(s.layer(i, 1).value()) == "two");
    BOOST_TEST(s.layer(i, 1)->subject() == d.path() + "/" + b.layer_path(1));
    failure_of(s.layer(i, 2), error::missing_layer);
    BOOST_TEST(s.remarks().empty());
    lawful(s);
}

BOOST_AUTO_TEST_CASE(a_manifest_is_made_as_the_engine_makes_it)
{
    made_image const a("a", {"one", "two"});
    docker_archive d;
    d.add(a, {"app:1.0"});
    auto const s = d.open();
    auto const root = s.root(ref("app:1.0")).value();
    layouts::blob_set blobs;
    auto const layers = std::vector{blobs.add_layer("one"), blobs.add_layer("two")};
    auto const expected = blobs.add_manifest(blobs.add(a.config, tx::media_type::oci_config), layers);
    BOOST_TEST((root == expected));
    BOOST_TEST((s.manifest_of(a.id).value() == expected));
    BOOST_TEST(read(s.blob(root).value()) == blobs.all().at(expected.id));
    BOOST_TEST(read(s.blob(blobs.add(a.config, {})).value()) == a.config);
}

BOOST_AUTO_TEST_CASE(keys_of_any_case_names_that_are_no_digests_and_text_behind_the_list)
{
    made_image const a("a");
    auto const s = open(tape()
                            .add("layer", "layer of a")
                            .add("some.json", a.config)
                            .add("manifest.json", R"([{"CONFIG":"/some.json","repotags":["app:1"],"lAYERS":["./layer"],"Parent":"no digest"}] and more)")
                            .str());
    BOOST_TEST((s.lookup(ref("app:1")).value() == a.id));
    BOOST_TEST(!s.load(a.id)->parent);
    BOOST_TEST_REQUIRE(s.remarks().size() == 1u);
    BOOST_TEST(contains(s.remarks()[0], "goes on behind its list"));
}

BOOST_AUTO_TEST_CASE(one_image_that_is_listed_twice_has_all_names)
{
    made_image const a("a");
    docker_archive d;
    d.add(a, {"app:1", "app:2"}).add(a, {"app:2", "other:1"});
    std::vector<tx::listed_image> const expected{{a.id, {ref("app:1"), ref("app:2"), ref("other:1")}}};
    BOOST_TEST((d.open().list().value() == expected));
}

BOOST_AUTO_TEST_CASE(a_name_for_two_images_is_ambiguous)
{
    made_image const a("a"), b("b");
    docker_archive d;
    d.add(a, {"app:1"}).add(b, {"app:1"});
    auto const s = d.open();
    auto const f = failure_of(s.lookup(ref("app:1")), error::ambiguous_reference);
    BOOST_TEST(f.detail == a.id.str() + ", " + b.id.str());
    failure_of(s.root(ref("app:1")), error::ambiguous_reference);
}

BOOST_AUTO_TEST_CASE(parents_are_kept_where_they_are_here)
{
    made_image const a("a"), b("b"), c("c");
    docker_archive d;
    d.add(a, {"a:1"}, b.id.str()).add(b, {"b:1"}, c.id.str());
    auto const s = d.open();
    BOOST_TEST((s.parent_of(a.id) == b.id));
    BOOST_TEST(!s.parent_of(b.id));
    BOOST_TEST(!s.parent_of(c.id));
    BOOST_TEST((s.load(a.id)->parent == b.id));
    // By name too, although no manifest tells.
    tx::memory_sink out;
    BOOST_TEST_REQUIRE(tx::saver(s).save(tx::names::of("a:1", "b:1"), out).ok());
    BOOST_TEST(contains(out.bytes(), R"("Parent":")" + b.id.str()));
}

BOOST_AUTO_TEST_CASE(tags_that_the_engine_refuses)
{
    made_image const a("a");
    auto const with_digest = "@sha256:" + std::string(64, '0');
    for(auto const& tag : std::vector<std::string>{"app", "App:1", "app" + with_digest, "app:1" + with_digest, "sha256:1", "", "a b:1"}) {
        docker_archive d;
        d.add(a, {tag, "good:1"});
        auto const s = d.open();
        auto const f = failure_of(s.list(), error::invalid_reference);
        BOOST_TEST(contains(f.detail, "manifest.json"), f.detail);
        std::vector<failure> bad;
        std::vector<tx::listed_image> const expected{{a.id, {ref("good:1")}}};
        BOOST_TEST((s.list(bad) == expected));
        BOOST_TEST(bad.size() == 1u);
        BOOST_TEST(s.load(a.id).has_value());
        BOOST_TEST((s.lookup(ref("good:1")).value() == a.id));
    }
}

BOOST_AUTO_TEST_CASE(images_that_are_none_are_told_with_their_names)
{
    made_image const a("a"), b("b", {"one", "two"});
    docker_archive d;
    d.add(a, {"good:1"});
    d.item(R"({"Config":"nothing.json","RepoTags":["lost:1"],"Layers":[]})");
    d.item(R"({"Config":")" + a.config_path() + R"(","RepoTags":["count:1"],"Layers":[]})");
    d.entry("bad.json", "{").item(R"({"Config":"bad.json","RepoTags":["bad:1"],"Layers":[]})");
    d.item(R"({"Config":"../x","RepoTags":["out:1"],"Layers":[]})");
    d.item("{}");
    auto const s = d.open();
    std::vector<failure> bad;
    auto const rows = s.list(bad);
    BOOST_TEST(rows.size() == 1u);
    BOOST_TEST_REQUIRE(bad.size() == 5u);
    BOOST_TEST((bad[0].code == error::missing_blob));
    BOOST_TEST(contains(bad[0].detail, "image lost:1"));
    BOOST_TEST((bad[1].code == error::invalid_document));
    BOOST_TEST(bad[1].detail == "0 layers for the 1 diff IDs of the config; image count:1");
    BOOST_TEST((bad[2].code == error::invalid_json));
    BOOST_TEST((bad[3].code == error::invalid_document));
    BOOST_TEST((bad[4].code == error::missing_blob));
    BOOST_TEST(contains(bad[4].detail, "image 5 of manifest.json"));
    failure_of(s.list(), error::missing_blob);
    failure_of(s.lookup(ref("lost:1")), error::missing_blob);
    failure_of(s.root(ref("bad:1")), error::invalid_json);
}

BOOST_AUTO_TEST_CASE(layers_that_are_missing_are_all_told_before_the_first_byte)
{
    made_image const a("a", {"one", "two", "three"});
    docker_archive d;
    d.add(a, {"app:1"});
    d.lose(a.layer_path(0)).lose(a.layer_path(2));
    auto const s = d.open();
    BOOST_TEST(s.list().has_value());
    BOOST_TEST((s.lookup(ref("app:1")).value() == a.id));
    auto const f = failure_of(s.load(a.id), error::missing_layer);
    BOOST_TEST(f.detail == "image app:1 has no " + a.layer_path(0) + ", " + a.layer_path(2));
    tx::memory_sink out;
    auto const report = tx::saver(s).save(tx::names("app:1"), out);
    BOOST_TEST((report.reason.code == error::missing_layer));
    BOOST_TEST(out.bytes().empty());
}

BOOST_AUTO_TEST_CASE(a_wrong_layer_is_found_while_it_is_written)
{
    made_image const a("a", {"one"});
    docker_archive d;
    d.add(a, {"app:1"});
    d.replace(a.layer_path(0), "eno");
    tx::memory_sink out;
    auto const store = d.open();
    auto const report = tx::saver(store).save(tx::names("app:1"), out);
    BOOST_TEST((report.reason.code == error::digest_mismatch));
    BOOST_TEST(report.reason.subject == "layer " + tx::digest_of("one").str());
}

BOOST_AUTO_TEST_CASE(one_diff_id_for_layers_of_two_sizes)
{
    made_image const a("a", {"one"}), b("b", {"one", "two"});
    docker_archive d;
    d.add(a, {"a:1"}).add(b, {"b:1"});
    d.replace(b.layer_path(0), "longer");
    auto const s = d.open();
    BOOST_TEST(s.load(a.id).has_value());
    failure_of(s.load(b.id), error::size_mismatch);
}

BOOST_AUTO_TEST_CASE(compressed_layers_have_the_digest_of_what_is_stored)
{
    made_image const a("a", {"one", "two", "three"});
    docker_archive d;
    d.add(a, {"app:1"});
    d.replace(a.layer_path(0), gzip("one")).replace(a.layer_path(1), zstd("two"));
    auto const s = d.open();
    auto const i = s.load(a.id).value();
    BOOST_TEST(i.layers[0].media_type == "application/vnd.oci.image.layer.v1.tar+gzip");
    BOOST_TEST((i.layers[0].id == tx::digest_of(gzip("one"))));
    BOOST_TEST(i.layers[1].media_type == "application/vnd.oci.image.layer.v1.tar+zstd");
    BOOST_TEST((i.layers[1].id == tx::digest_of(zstd("two"))));
    BOOST_TEST(i.layers[2].media_type == tx::media_type::oci_layer);
    BOOST_TEST(read(s.layer(i, 0).value()) == gzip("one"));
    lawful(s);
}

BOOST_AUTO_TEST_CASE(lists_that_are_none)
{
    auto const refused = [](std::string_view manifest, error code) {
        return failure_of(tx::archive_store::open(temporary(tape().add("manifest.json", manifest).str())), code);
    };
    BOOST_TEST(contains(refused("null", error::invalid_document).detail, "null"));
    BOOST_TEST(contains(refused(" null ", error::invalid_document).subject, "/manifest.json"));
    refused("{}", error::invalid_document);
    refused("[1]", error::invalid_document);
    refused(R"([{"Config":1}])", error::invalid_document);
    refused("", error::invalid_json);
    refused("[", error::invalid_json);
    refused("[}", error::invalid_json);
    refused("]", error::invalid_json);
    refused(std::string(100, '[') + std::string(100, ']'), error::limit_exceeded);
    std::string many = "[{}";
    for(int n = 0; n != 20'000; ++n)
        many += ",{}";
    refused(many + "]", error::limit_exceeded);
    refused("[\"" + std::string(std::size_t{17} << 20, 'x') + "\"]", error::limit_exceeded);
    auto const s = open(tape().add("manifest.json", " [] \n").str());
    BOOST_TEST(s.list()->empty());
    BOOST_TEST(s.remarks().empty());
    failure_of(s.lookup(ref("app:1")), error::unknown_reference);
    lawful(s);
}

BOOST_AUTO_TEST_CASE(what_is_no_archive_of_images)
{
    auto const refused = [](std::string const& bytes, error code) {
        return failure_of(tx::archive_store::open(temporary(bytes)), code);
    };
    BOOST_TEST(contains(refused("", error::unsupported_store).detail, "no entries"));
    BOOST_TEST(contains(refused(tape().add("etc/passwd", "root").str(), error::unsupported_store).detail, "neither manifest.json"));
    refused(std::string(3000, 'x'), error::invalid_header);
    BOOST_TEST(contains(refused("BZh91AY&SY", error::unsupported_store).detail, "bzip2"));
    refused(gzip("not a tar archive, but long enough to tell").substr(0, 30), error::invalid_document);
    refused(tape().directory("manifest.json").str(), error::not_a_regular_file);
    refused(tape().add("oci-layout", "{}").str(), error::not_a_layout);
    refused(tape().add("index.json", "{}").str(), error::not_a_layout);
    refused(tape().add("index.json", "{}").add("oci-layout", "{}").str(), error::invalid_document);
    layouts::temporary_folder const f;
    failure_of(tx::archive_store::open(f.path().string()), error::not_a_regular_file);
    auto const none = tx::archive_store::open(f.path().string() + "/none");
    BOOST_TEST((none.error().code == boost::system::errc::no_such_file_or_directory));
    BOOST_CHECK_THROW(tx::archive_store(f.path().string() + "/none"), tx::save_error);
}

BOOST_AUTO_TEST_CASE(an_image_layout_in_a_tar_archive)
{
    layouts::blob_set blobs;
    auto const amd64 = blobs.add_image(layouts_amd64), arm64 = blobs.add_image(layouts_arm64);
    auto const both = blobs.add_index({layouts::on(layouts_amd64, amd64), layouts::on(layouts_arm64, arm64)});
    auto const bytes = layout_tape(blobs, {layouts::named(both, "docker.io/library/app:1"), layouts::ref_named(amd64, "2.0")}).str();
    auto const s = open(bytes);
    auto const id = [&](tx::descriptor const& m) { return tx::load_image(s, m)->id; };
    BOOST_TEST((s.root(ref("app:1")).value().id == both.id));
    BOOST_TEST((s.lookup(ref("app:1")).value() == id(amd64)));
    BOOST_TEST(s.bare_tags() == std::vector<std::string>{"2.0"}, boost::test_tools::per_element());
    BOOST_TEST(contains(failure_of(s.lookup(ref("x:1")), error::unknown_reference).detail, "2.0"));
    std::vector<tx::listed_image> const expected{{id(amd64), {ref("app:1")}}, {id(arm64), {}}};
    BOOST_TEST((s.list().value() == expected));
    lawful(s);
    BOOST_TEST((s.root(tx::parse_reference("app@" + arm64.id.str()).value())->id == arm64.id));
    auto options = on_amd64();
    options.repository = "registry.example/app";
    auto const named = open(bytes, options);
    BOOST_TEST((named.lookup(ref("registry.example/app:2.0")).value() == id(amd64)));
    BOOST_TEST(named.by_name(ref("registry.example/app"))->size() == 1u);
    options.repository = "UPPER";
    failure_of(tx::archive_store::open(temporary(bytes), options), error::invalid_reference);
}

BOOST_AUTO_TEST_CASE(a_blob_of_a_layout_that_is_missing_or_has_another_size)
{
    layouts::blob_set blobs;
    auto const m = blobs.add_image(layouts_amd64);
    auto const name = layouts::named(m, "docker.io/library/app:1");
    auto const layer = tx::load_image(open(layout_tape(blobs, {name}).str()), m)->layers[0];
    blobs.all().at(layer.id) += "more";
    auto const s = open(layout_tape(blobs, {name}).str());
    failure_of(s.layer(s.load(s.lookup(ref("app:1")).value()).value(), 0), error::size_mismatch);
    blobs.all().erase(layer.id);
    auto const t = open(layout_tape(blobs, {name}).str());
    BOOST_TEST(contains(failure_of(t.layer(t.load(t.lookup(ref("app:1")).value()).value(), 0), error::missing_blob).detail, "layer 0"));
    blobs.all().erase(m.id);
    auto const u = open(layout_tape(blobs, {name}).str());
    failure_of(u.list(), error::missing_blob);
    failure_of(u.lookup(ref("app:1")), error::missing_blob);
    BOOST_TEST(contains(failure_of(u.load(tx::digest_of("x")), error::unknown_image).detail, "could not read 1 of 1"));
}

BOOST_AUTO_TEST_CASE(both_lists_agree)
{
    both_lists b;
    auto const s = open(b.str({layouts::named(b.manifest, "docker.io/library/app:1")}, {b.item(b.a, R"(["app:1"])")}));
    BOOST_TEST(s.remarks().empty());
    BOOST_TEST((s.root(ref("app:1"))->id == b.manifest.id));
    BOOST_TEST((s.lookup(ref("app:1")).value() == b.a.id));
    BOOST_TEST(s.list()->size() == 1u);
    BOOST_TEST(s.list()->front().names.size() == 1u);
    lawful(s);
}

BOOST_AUTO_TEST_CASE(names_of_both_lists_count)
{
    both_lists b;
    auto const s = open(b.str({layouts::named(b.manifest, "docker.io/library/app:there")}, {b.item(b.a, R"(["app:here"])")}));
    std::vector<tx::listed_image> const expected{{b.a.id, {ref("app:here"), ref("app:there")}}};
    BOOST_TEST((s.list().value() == expected));
    // The manifest of the index counts also for the name that it does not give.
    for(auto const* const name : {"app:here", "app:there"})
        BOOST_TEST((s.root(ref(name))->id == b.manifest.id));
    std::vector<std::string> const remarks{"only manifest.json has these names: app:here", "only index.json has these names: app:there"};
    BOOST_TEST(s.remarks() == remarks, boost::test_tools::per_element());
    lawful(s);
}

BOOST_AUTO_TEST_CASE(images_of_both_lists_count)
{
    both_lists b;
    made_image const other("b");
    b.put(other);
    auto const s = open(b.str({layouts::named(b.manifest, "docker.io/library/app:1")}, {b.item(other, R"(["other:1"])")}));
    std::vector<tx::listed_image> const expected{{other.id, {ref("other:1")}}, {b.a.id, {ref("app:1")}}};
    BOOST_TEST((s.list().value() == expected));
    std::vector<std::string> const remarks{"only manifest.json has these images, their manifests are made: other:1",
        "only index.json leads to these images: " + b.a.id.str()};
    BOOST_TEST(s.remarks() == remarks, boost::test_tools::per_element());
    lawful(s);
}

BOOST_AUTO_TEST_CASE(a_name_that_the_lists_give_to_different_images)
{
    both_lists b;
    made_image const other("b");
    b.put(other);
    auto const s = open(b.str({layouts::named(b.manifest, "docker.io/library/app:1")}, {b.item(other, R"(["app:1"])")}));
    auto const f = failure_of(s.lookup(ref("app:1")), error::ambiguous_reference);
    BOOST_TEST(contains(f.detail, other.id.str()));
    BOOST_TEST(contains(f.detail, b.manifest.id.str()));
    failure_of(s.root(ref("app:1")), error::ambiguous_reference);
    BOOST_TEST(s.load(other.id).has_value());
    BOOST_TEST(s.load(b.a.id).has_value());
}

BOOST_AUTO_TEST_CASE(lists_that_have_different_files_for_a_layer)
{
    both_lists b;
    b.extra("copy.tar", "layer of a");
    auto item = b.item(b.a, R"(["app:1"])");
    auto const path = layouts::blob_name(tx::digest_of("layer of a"));
    item.replace(item.find(path), path.size(), "copy.tar");
    auto const s = open(b.str({layouts::named(b.manifest, "docker.io/library/app:1")}, {item}));
    BOOST_TEST_REQUIRE(s.remarks().size() == 1u);
    BOOST_TEST(contains(s.remarks()[0], "different files for layers of these images"));
    BOOST_TEST(s.layer(s.load(b.a.id).value(), 0)->subject() == s.path() + "/" + path);
}

BOOST_AUTO_TEST_CASE(an_index_that_lists_nothing_beside_manifest_json)
{
    both_lists b;
    auto const s = open(b.str_with(R"({"schemaVersion":2,"manifests":null})", {b.item(b.a, "null")}));
    BOOST_TEST(s.list()->size() == 1u);
    BOOST_TEST((s.manifest_of(b.a.id)->id == b.manifest.id)); // made, and the same
    BOOST_TEST_REQUIRE(s.remarks().size() == 1u);
}

BOOST_AUTO_TEST_CASE(half_a_layout_beside_manifest_json)
{
    made_image const a("a");
    for(auto const* const name : {"oci-layout", "index.json"}) {
        docker_archive d;
        d.entry(name, "{").add(a, {"app:1"});
        auto const s = d.open();
        BOOST_TEST((s.lookup(ref("app:1")).value() == a.id));
        BOOST_TEST_REQUIRE(s.remarks().size() == 1u);
        BOOST_TEST(contains(s.remarks()[0], "only manifest.json counts"));
    }
    // A whole one has to be good.
    docker_archive d;
    d.entry("oci-layout", tx::render_oci_layout()).entry("index.json", "{").add(a, {"app:1"});
    failure_of(tx::archive_store::open(d.path()), error::invalid_json);
}

BOOST_AUTO_TEST_CASE(sources_are_ranges_of_the_file)
{
    made_image const a("a", {"one", std::string(100'000, 'x')});
    docker_archive d;
    d.add(a, {"app:1"});
    auto const before = open_descriptors();
    {
        auto const i = d.open().load(a.id).value();
        auto const l = d.open().layer(i, 1).value(); // outlives the store
        auto source = l.open(10).value();
        auto const e = source.extent().value();
        BOOST_TEST(e.size == 99'990u);
        char c = 0;
        BOOST_TEST(::pread(e.fd, &c, 1, static_cast<off_t>(e.offset)) == 1);
        BOOST_TEST(c == 'x');
        failure_of(l.open(100'001), error::range_out_of_bounds);
        BOOST_TEST(l.open(100'000).has_value());
        // Another store knows the same blobs, whatever it was asked for before.
        BOOST_TEST(d.open().blob(d.open().manifest_of(a.id).value()).has_value());
        BOOST_TEST(d.open().blob(i.layers[0]).has_value());
    }
    BOOST_TEST(open_descriptors() == before);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_cut_after_it_was_opened)
{
    made_image const a("a", {std::string(100'000, 'x')});
    docker_archive d;
    d.add(a, {"app:1"});
    auto const s = d.open();
    fs::resize_file(d.path(), 20'000);
    tx::memory_sink out;
    auto const report = tx::saver(s).save(tx::names("app:1"), out);
    BOOST_TEST(!report.ok());
    BOOST_TEST(!report.reason.subject.empty());
}

BOOST_AUTO_TEST_CASE(threads_share_a_store)
{
    made_image const a("a", {"one", "two"});
    docker_archive d;
    d.add(a, {"app:1"});
    d.replace(a.layer_path(0), gzip("one"));
    auto const s = d.open();
    std::vector<std::thread> all;
    for(int n = 0; n != 4; ++n)
        all.emplace_back([&s] { (void)s.root(ref("app:1")).value(), (void)s.list().value(), (void)s.remarks(); });
    for(auto& t : all)
        t.join();
    lawful(s);
}
