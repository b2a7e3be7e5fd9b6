//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/store/oci_layout.hpp>

#define BOOST_TEST_MODULE oci_layout
#include <boost/test/unit_test.hpp>

#include "oci_layout_support.hpp"

#include <array>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <vector>

#include <unistd.h>

using namespace oci_layout_tests;

static_assert(tx::store<oci_layout_store>);
static_assert(tx::content_store<oci_layout_store>);
static_assert(tx::listing_store<oci_layout_store>);
static_assert(tx::layer_handle<tx::oci_blob>);
static_assert(tx::extent_source<tx::oci_blob_source>);
static_assert(tx::has_subject<tx::oci_blob> && tx::has_subject<tx::oci_blob_source>);
static_assert(std::is_nothrow_move_constructible_v<oci_layout_store>);

BOOST_AUTO_TEST_CASE(an_image_is_found_loaded_and_read)
{
    layout_folder f;
    auto const m = f.add_image(amd64, "content");
    f.finish({named(m, "docker.io/library/app:1.0")});
    oci_layout_store const s(f.path().string() + "//");
    BOOST_TEST(s.path() == f.path().string());

    auto const id = s.lookup(to_reference("app:1.0")).value();
    auto const i = s.load(id).value();
    BOOST_TEST(i.id == id);
    BOOST_TEST_REQUIRE(i.layers.size() == 1u);
    auto const layer = s.layer(i, 0).value();
    BOOST_TEST((layer.info() == i.layers[0]));
    BOOST_TEST(layer.subject() == f.blob_path(layer.info().id).string());
    std::string const text = "content of linux/amd64";
    for(std::size_t piece : {1u, 7u, 100u}) {
        auto source = layer.open(0).value();
        BOOST_TEST(read_all(source, piece) == text);
        BOOST_TEST(source.subject() == layer.subject());
    }
    auto tail = layer.open(8).value();
    auto const extent = tail.extent();
    BOOST_TEST_REQUIRE(extent.has_value());
    BOOST_TEST(extent->offset == 8u);
    BOOST_TEST(extent->size == text.size() - 8);
    std::array<char, 2> two{};
    BOOST_TEST(::pread(extent->fd, two.data(), 2, static_cast<off_t>(extent->offset)) == 2);
    BOOST_TEST(std::string(two.data(), 2) == "of");
    BOOST_TEST(read_all(tail) == "of linux/amd64");
    BOOST_TEST(tail.extent()->size == 0u);
    auto end = layer.open(text.size()).value();
    BOOST_TEST(read_all(end).empty());
}

BOOST_AUTO_TEST_CASE(names_come_from_annotations)
{
    layout_folder f;
    std::vector<descriptor> images;
    for(int n = 0; n != 9; ++n)
        images.push_back(f.add_image(amd64, "image " + std::to_string(n)));
    f.finish({
        ref_named(named(images[0], "example.com/a:1"), "2"),
        ref_named(images[1], "app:1.0"),
        ref_named(images[2], "1.0"),
        ref_named(images[3], "example.com/b"),
        ref_named(images[4], "UPPERCASE-IS-INVALID"),
        ref_named(named(images[5], "Not A Reference"), "c:1"),
        images[6],
        ref_named(images[7], "!"),
        ref_named(images[8], "sha256:" + std::string(64, 'a')),
    });
    auto const s = opened(f);
    auto const id = [&](std::string_view name) { return s.lookup(to_reference(name)); };
    BOOST_TEST(id("example.com/a:1").value() == id_of(s, images[0]));
    failure_of(id("example.com/a:2"), error::unknown_reference);
    BOOST_TEST(id("docker.io/library/app:1.0").value() == id_of(s, images[1]));
    BOOST_TEST(id("example.com/b:latest").value() == id_of(s, images[3]));
    BOOST_TEST(id("example.com/b").value() == id_of(s, images[3]));
    BOOST_TEST(id("c:1").value() == id_of(s, images[5]));
    auto const unknown = failure_of(id("nothing:1"), error::unknown_reference);
    BOOST_TEST(unknown.subject == "nothing:1");
    BOOST_TEST(contains(unknown.detail, "1.0, UPPERCASE-IS-INVALID"));
    BOOST_TEST((s.bare_tags() == strings{"1.0", "UPPERCASE-IS-INVALID"}));
    // of a repository that is there, its names are told, not the tags of none
    BOOST_TEST(failure_of(id("app:9"), error::unknown_reference).detail == "there is app:1.0");
    for(auto const& row : s.list().value())
        for(auto const& n : row.names)
            BOOST_TEST(n.domain() != "sha256");
    BOOST_TEST(s.list()->size() == 9u);
    // all can be read, whatever their names
    for(auto const& m : images)
        BOOST_TEST(s.load(id_of(s, m)).has_value());

    auto const r = opened(f, "registry.example:5000/team/x");
    BOOST_TEST(r.lookup(to_reference("registry.example:5000/team/x:1.0")).value() == id_of(s, images[2]));
    BOOST_TEST(r.lookup(to_reference("registry.example:5000/team/x:UPPERCASE-IS-INVALID")).value() == id_of(s, images[4]));
    BOOST_TEST(r.lookup(to_reference("app:1.0")).value() == id_of(s, images[1]));
    BOOST_TEST((texts(r.by_name(to_reference("registry.example:5000/team/x")).value()) ==
                strings{"registry.example:5000/team/x:1.0", "registry.example:5000/team/x:UPPERCASE-IS-INVALID"}));
    BOOST_TEST(r.by_name(to_reference("registry.example:5000/team/y")).value().empty());
    BOOST_TEST(r.bare_tags().empty());
    BOOST_TEST(failure_of(r.lookup(to_reference("registry.example:5000/team/y:1")), error::unknown_reference).detail.empty());
}

BOOST_AUTO_TEST_CASE(the_repository_must_be_one)
{
    layout_folder f;
    f.finish({});
    for(auto const* bad : {"app:1", "UPPER", "a b", "app@sha256:0000000000000000000000000000000000000000000000000000000000000000"})
        failure_of(oci_layout_store::open(f.path().string(), {bad, {}}), error::invalid_reference);
}

BOOST_AUTO_TEST_CASE(names_by_digest)
{
    layout_folder f;
    auto const x = f.add_image(amd64), a = f.add_image(arm64), other = f.add_image(amd64, "other");
    auto const root = f.add_index({on(arm64, a), on(amd64, x)});
    f.finish({named(root, "app:1"), named(root, "app:2"), other, named(x, "b:1@" + x.id.str())});
    auto const s = opened(f);
    auto const id = [&](std::string const& name) { return s.lookup(to_reference(name)); };
    BOOST_TEST(id("app@" + root.id.str()).value() == id_of(s, x));
    // the tag beside a digest does not count
    BOOST_TEST(id("app:nonsense@" + root.id.str()).value() == id_of(s, x));
    // what an index of the repository lists
    BOOST_TEST(id("app@" + a.id.str()).value() == id_of(s, a));
    // an entry without name belongs to no repository
    BOOST_TEST(id("any@" + other.id.str()).value() == id_of(s, other));
    BOOST_TEST(id("b@" + x.id.str()).value() == id_of(s, x));
    failure_of(id("b:1"), error::unknown_reference);
    failure_of(id("c@" + root.id.str()), error::unknown_reference);
    failure_of(id("app@sha256:" + std::string(64, '0')), error::unknown_reference);
    BOOST_TEST((texts(s.by_name(to_reference("app")).value()) == strings{"docker.io/library/app:1", "docker.io/library/app:2"}));
    BOOST_TEST((texts(s.by_name(to_reference("b")).value()) == strings{"docker.io/library/b@" + x.id.str()}));
}

BOOST_AUTO_TEST_CASE(one_name_for_two_images_is_ambiguous)
{
    layout_folder f;
    auto const one = f.add_image(amd64, "one"), two = f.add_image(amd64, "two");
    f.finish({named(one, "app:1"), named(two, "app:1"), named(one, "same:1"), named(one, "same:1")});
    auto const s = opened(f);
    auto const ambiguous = failure_of(s.lookup(to_reference("app:1")), error::ambiguous_reference);
    BOOST_TEST(ambiguous.subject == "app:1");
    BOOST_TEST(contains(ambiguous.detail, one.id.str()));
    BOOST_TEST(contains(ambiguous.detail, two.id.str()));
    failure_of(s.root(to_reference("app:1")), error::ambiguous_reference);
    BOOST_TEST(s.lookup(to_reference("same:1")).value() == id_of(s, one));
    BOOST_TEST(s.by_name(to_reference("same")).value().size() == 1u);
    // both can be had by their IDs
    BOOST_TEST(s.load(id_of(s, two)).has_value());
}

BOOST_AUTO_TEST_CASE(platforms_are_chosen_by_the_options)
{
    layout_folder f;
    auto const x = f.add_image(amd64), a = f.add_image(arm64);
    f.finish({named(f.add_index({on(arm64, a), on(amd64, x)}), "app:1")});
    auto const path = f.path().string();
    auto const s = opened(f);
    BOOST_TEST(s.lookup(to_reference("app:1")).value() == id_of(s, x));
    auto const at_arm = oci_layout_store::open(path, {{}, tx::platform_choice::of({arm64})}).value();
    BOOST_TEST(at_arm.lookup(to_reference("app:1")).value() == id_of(s, a));
    auto const none = oci_layout_store::open(path, {{}, tx::platform_choice::of({s390x})}).value();
    auto const unknown = failure_of(none.lookup(to_reference("app:1")), error::unknown_platform);
    BOOST_TEST(contains(unknown.detail, "linux/arm64, linux/amd64"));
    BOOST_TEST(contains(unknown.detail, "app:1"));
    auto const all = oci_layout_store::open(path, {{}, tx::platform_choice::all()}).value();
    failure_of(all.lookup(to_reference("app:1")), error::several_platforms);
    // IDs do not depend on it
    for(auto const& store : {s, at_arm, none, all}) {
        BOOST_TEST(store.load(id_of(s, x)).has_value());
        BOOST_TEST(store.load(id_of(s, a)).has_value());
        auto const rows = store.list().value();
        BOOST_TEST_REQUIRE(rows.size() == 2u);
        BOOST_TEST(rows[0].names.size() + rows[1].names.size() == 1u);
    }
    BOOST_TEST(s.list().value()[1].names.size() == 1u);
    BOOST_TEST(at_arm.list().value()[0].names.size() == 1u);
}

BOOST_AUTO_TEST_CASE(ids_are_searched_by_prefix)
{
    layout_folder f;
    std::vector<descriptor> entries;
    for(int n = 0; n != 40; ++n)
        entries.push_back(f.add_image(amd64, std::to_string(n)));
    entries.push_back(entries.front());
    f.finish(entries);
    auto const s = opened(f);
    for(auto const& m : entries) {
        auto const id = id_of(s, m);
        BOOST_TEST(s.search(id.hex()).value() == id);
        BOOST_TEST(s.search(id.str()).value() == id);
        BOOST_TEST(s.search(id.hex().substr(0, 16)).value() == id);
        BOOST_TEST(s.search("sha256:" + id.hex().substr(0, 16)).value() == id);
        failure_of(s.search("sha512:" + id.hex().substr(0, 16)), error::unknown_image);
    }
    // forty of sixteen digits: some digit begins two
    std::size_t ambiguous = 0;
    for(char c : std::string_view("0123456789abcdef"))
        if(auto const r = s.search(std::string(1, c)); !r && r.error().code == error::ambiguous_id)
            ++ambiguous;
    BOOST_TEST(ambiguous > 0u);
    for(auto const* none : {"", "sha256:", "xyz", "SHA256:0", ":", "sha256:sha256:"})
        BOOST_TEST(s.search(none).error().code == error::unknown_image);
    failure_of(s.load(entries.front().id), error::unknown_image);
}

BOOST_AUTO_TEST_CASE(blobs_of_all_algorithms)
{
    layout_folder f;
    f.finish({});
    auto const s = opened(f);
    std::string const text = "text";
    for(auto const& id : {tx::digest_of<tx::sha256>(text), tx::digest_of<tx::sha384>(text), tx::digest_of<tx::sha512>(text)}) {
        descriptor d;
        d.id = id;
        d.size = 4;
        failure_of(s.blob(d), error::missing_blob);
        f.write(layouts::blob_name(id), text);
        BOOST_TEST(tx::read_blob(s, d, 4).value() == text);
        f.write(layouts::blob_name(id), "texT");
        failure_of(tx::read_blob(s, d, 4), error::digest_mismatch);
    }
}

BOOST_AUTO_TEST_CASE(a_copy_of_one_platform_is_whole)
{
    layout_folder f;
    auto const x = f.add_image(amd64), a = f.add_image(arm64), z = f.add_image(s390x);
    f.finish({named(f.add_index({on(arm64, a), on(amd64, x), on(s390x, z)}), "app:1")});
    fs::remove(f.blob_path(a.id));
    fs::remove(f.blob_path(z.id));
    auto const s = opened(f);
    BOOST_TEST(s.lookup(to_reference("app:1")).value() == id_of(s, x));
    auto const rows = s.list().value();
    BOOST_TEST_REQUIRE(rows.size() == 1u);
    BOOST_TEST((texts(rows[0].names) == strings{"docker.io/library/app:1"}));
    // but nothing of it is not
    fs::remove(f.blob_path(x.id));
    failure_of(opened(f).list(), error::missing_blob);
}

BOOST_AUTO_TEST_CASE(lookup_reads_only_what_it_needs)
{
    layout_folder f;
    auto const x = f.add_image(amd64), a = f.add_image(arm64), other = f.add_image(amd64, "other");
    f.finish({named(other, "other:1"), named(f.add_index({on(arm64, a), on(amd64, x)}), "app:1")});
    auto const s = opened(f);
    auto const config = id_of(s, x);
    // everything that is not needed goes
    for(auto const& d : {other, a})
        fs::remove(f.blob_path(d.id));
    fs::remove(f.blob_path(config));
    BOOST_TEST(s.lookup(to_reference("app:1")).value() == config);
    f.write(layouts::blob_name(config), f.all().at(config));
    BOOST_TEST(s.load(config).has_value());
}

BOOST_AUTO_TEST_CASE(the_index_is_a_snapshot)
{
    layout_folder f;
    auto const m = f.add_image(amd64);
    f.finish({named(m, "app:1")});
    auto const s = opened(f);
    f.write("index.json", "broken");
    auto const copy = s;
    BOOST_TEST(copy.lookup(to_reference("app:1")).has_value());
    // the directory may be renamed, too: it stays open
    auto const moved = f.path().string() + "-moved";
    fs::rename(f.path(), moved);
    BOOST_TEST(s.load(s.lookup(to_reference("app:1")).value()).has_value());
    fs::rename(moved, f.path());
}

BOOST_AUTO_TEST_CASE(many_threads_may_ask)
{
    layout_folder f;
    std::vector<descriptor> entries;
    for(int n = 0; n != 30; ++n)
        entries.push_back(named(f.add_image(amd64, std::to_string(n)), "app:" + std::to_string(n)));
    f.finish(entries);
    auto const s = opened(f);
    std::vector<std::thread> threads;
    std::vector<std::size_t> good(4);
    for(std::size_t t = 0; t != good.size(); ++t)
        threads.emplace_back([&s, &count = good[t], t] {
            for(std::size_t n = 0; n != 30; ++n) {
                auto const id = s.lookup(to_reference("app:" + std::to_string((n * 7 + t) % 30)));
                count += id && s.search(id->hex()) && s.load(*id) && s.list();
            }
        });
    for(auto& t : threads)
        t.join();
    for(auto const n : good)
        BOOST_TEST(n == 30u);
}
