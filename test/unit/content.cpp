//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/content.hpp>

#define BOOST_TEST_MODULE content
#include <boost/test/unit_test.hpp>

#include "layout_folder.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tx = tarexport;
using layouts::annotated;
using layouts::on;
using tx::descriptor;
using tx::error;
using tx::platform;
using tx::platform_choice;

namespace {

platform const amd64{"linux", "amd64", {}, {}, {}};
platform const i386{"linux", "386", {}, {}, {}};
platform const arm64{"linux", "arm64", {}, {}, {}};
platform const arm_v7{"linux", "arm", "v7", {}, {}};
platform const arm_v6{"linux", "arm", "v6", {}, {}};
platform const s390x{"linux", "s390x", {}, {}, {}};
platform const unknown{"unknown", "unknown", {}, {}, {}};

platform_choice host(platform p) { return {{}, false, std::move(p)}; }

// Blobs in memory, which remember what was read of them and may be told to misbehave.
struct memory_content : layouts::blob_set {
    struct source {
        std::string text;
        std::size_t at = 0;
        std::size_t fails_at = std::string::npos;

        std::size_t read_some(std::span<std::byte> into, tx::error_code& ec)
        {
            if(at >= fails_at) {
                ec = make_error_code(boost::system::errc::io_error);
                return 0;
            }
            // small pieces, so that readers have to go on
            auto const n = std::min({into.size(), text.size() - at, std::size_t{5}});
            std::copy_n(reinterpret_cast<std::byte const*>(text.data()) + at, n, into.begin());
            at += n;
            ec.clear();
            return n;
        }
    };

    struct handle {
        descriptor id;
        source from;

        descriptor const& info() const { return id; }
        tx::result<source> open(std::uint64_t offset) const
        {
            auto s = from;
            s.at = static_cast<std::size_t>(offset);
            return s;
        }
    };

    std::size_t fails_at = std::string::npos;
    mutable std::set<tx::digest> read;
    mutable std::size_t leases = 0;

    tx::result<descriptor> root(tx::reference const& ref) const
    {
        return tx::failure{error::unknown_reference, ref.str(), {}};
    }

    tx::result<handle> blob(descriptor const& d) const
    {
        auto const found = all().find(d.id);
        if(found == all().end())
            return tx::failure{error::missing_blob, d.id.str(), {}};
        read.insert(d.id);
        ++leases;
        descriptor info = d;
        info.size = found->second.size();
        return handle{info, {found->second, 0, fails_at}};
    }

    void remove(descriptor const& d) { all().erase(d.id); }
    void replace(descriptor const& d, std::string text) { all().at(d.id) = std::move(text); }
};

static_assert(tx::content_store<memory_content>);

using ids = std::vector<std::string>;

ids ids_of(tx::result<std::vector<descriptor>> const& r)
{
    ids all;
    BOOST_TEST_REQUIRE(r.has_value(), message(r.error()));
    for(auto const& d : *r)
        all.push_back(d.id.str());
    return all;
}

template<class T>
tx::failure failure_of(tx::result<T> const& r, error code)
{
    BOOST_TEST_REQUIRE(r.has_error());
    BOOST_TEST(r.error().code == code, message(r.error()));
    BOOST_TEST(!r.error().subject.empty());
    return r.error();
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

} // namespace

BOOST_AUTO_TEST_CASE(blobs_are_read_and_verified)
{
    memory_content store;
    auto const d = store.add("some text of a blob", "text/plain");
    BOOST_TEST(tx::read_blob(store, d, 100).value() == "some text of a blob");
    BOOST_TEST(tx::read_blob(store, d, d.size).value().size() == d.size);
    auto const empty = store.add("", "text/plain");
    BOOST_TEST(tx::read_blob(store, empty, 0).value().empty());

    store.read.clear();
    auto f = failure_of(tx::read_blob(store, d, d.size - 1, "config of x"), error::limit_exceeded);
    BOOST_TEST(f.subject == d.id.str());
    BOOST_TEST(contains(f.detail, "config of x"));
    BOOST_TEST(store.read.empty());

    auto lying = d;
    lying.size = 7;
    f = failure_of(tx::read_blob(store, lying, 100, "w"), error::size_mismatch);
    BOOST_TEST(f.detail == "expected 7 bytes, found 19; w");

    store.replace(d, "some text of a b10b");
    f = failure_of(tx::read_blob(store, d, 100, "w"), error::digest_mismatch);
    BOOST_TEST(f.detail == "expected " + d.id.str() + "; w");
    store.remove(d);
    f = failure_of(tx::read_blob(store, d, 100, "w"), error::missing_blob);
    BOOST_TEST(f.detail == "w");
}

BOOST_AUTO_TEST_CASE(sources_that_lie_or_fail_are_caught)
{
    // A store whose handles promise one size and give another.
    struct liar : memory_content {
        std::string given;
        tx::result<handle> blob(descriptor const& d) const { return handle{d, {given, 0, fails_at}}; }
    };
    liar store;
    auto const d = store.add("0123456789", "text/plain");
    for(auto const* given : {"012345678", "", "01234567890", "0123456789                  "}) {
        store.given = given;
        failure_of(tx::read_blob(store, d, 100), error::size_mismatch);
    }
    store.given = "0123456789";
    BOOST_TEST(tx::read_blob(store, d, 100).has_value());
    for(std::size_t at : {0u, 5u, 10u}) {
        store.fails_at = at;
        auto const r = tx::read_blob(store, d, 100, "w");
        BOOST_TEST_REQUIRE(r.has_error());
        BOOST_TEST((r.error().code == make_error_code(boost::system::errc::io_error)));
        BOOST_TEST(r.error().subject == d.id.str());
    }
}

BOOST_AUTO_TEST_CASE(digests_of_all_algorithms_are_verified)
{
    memory_content store;
    std::string const text = "text";
    for(auto const& id : {tx::digest_of<tx::sha256>(text), tx::digest_of<tx::sha384>(text), tx::digest_of<tx::sha512>(text)}) {
        store.all()[id] = text;
        descriptor d;
        d.id = id;
        d.size = 4;
        BOOST_TEST(tx::read_blob(store, d, 4).has_value());
        store.all()[id] = "texT";
        failure_of(tx::read_blob(store, d, 4), error::digest_mismatch);
    }
}

BOOST_AUTO_TEST_CASE(a_manifest_asked_for_directly_is_chosen)
{
    memory_content store;
    auto const m = store.add_image(s390x);
    BOOST_TEST(ids_of(tx::find_manifests(store, m, host(amd64))) == ids{m.id.str()});
    BOOST_TEST(ids_of(tx::find_manifests(store, m, platform_choice::all())) == ids{m.id.str()});
    BOOST_TEST(ids_of(tx::find_manifests(store, m, platform_choice::of({s390x}))) == ids{m.id.str()});
    auto const f = failure_of(tx::find_manifests(store, m, platform_choice::of({amd64}), "app:1.0"), error::unknown_platform);
    BOOST_TEST(contains(f.detail, "linux/amd64 is not linux/s390x"));
    BOOST_TEST(contains(f.detail, "app:1.0"));
    // what the index says of it counts before its config
    BOOST_TEST(ids_of(tx::find_manifests(store, on(amd64, m), platform_choice::of({amd64}))) == ids{m.id.str()});
}

BOOST_AUTO_TEST_CASE(the_best_for_the_host_is_chosen_from_an_index)
{
    memory_content store;
    auto const v6 = on(arm_v6, store.add_image(arm_v6)), v7 = on(arm_v7, store.add_image(arm_v7));
    auto const a64 = on(arm64, store.add_image(arm64)), x64 = on(amd64, store.add_image(amd64)), x32 = on(i386, store.add_image(i386));
    auto const root = store.add_index({v6, x32, v7, x64, a64});
    auto const chosen = [&](platform const& p) { return ids_of(tx::find_manifests(store, root, host(p))); };
    BOOST_TEST(chosen(amd64) == ids{x64.id.str()});
    BOOST_TEST(chosen(i386) == ids{x32.id.str()});
    BOOST_TEST(chosen(arm64) == ids{a64.id.str()});
    BOOST_TEST(chosen(arm_v7) == ids{v7.id.str()});
    BOOST_TEST(chosen(arm_v6) == ids{v6.id.str()});
    auto const f = failure_of(tx::find_manifests(store, root, host(s390x)), error::unknown_platform);
    BOOST_TEST(f.detail == "linux/s390x is not among linux/arm/v6, linux/386, linux/arm/v7, linux/amd64, linux/arm64");
    // the host takes what it can run, a name only what it names
    auto const old = store.add_index({v6, x32});
    BOOST_TEST(ids_of(tx::find_manifests(store, old, host(amd64))) == ids{x32.id.str()});
    failure_of(tx::find_manifests(store, old, platform_choice::of({amd64})), error::unknown_platform);
    // the first of equals
    auto const other = on(amd64, store.add_image(amd64, "other"));
    BOOST_TEST(ids_of(tx::find_manifests(store, store.add_index({other, x64}), host(amd64))) == ids{other.id.str()});
    auto const several = tx::find_manifests(store, root, platform_choice::of({arm64, arm_v6, arm64}));
    BOOST_TEST((ids_of(several) == ids{a64.id.str(), v6.id.str()}));
    BOOST_TEST((several->front().target == arm64));
    failure_of(tx::find_manifests(store, root, platform_choice::of({arm64, s390x})), error::unknown_platform);
}

BOOST_AUTO_TEST_CASE(every_platform_can_be_asked_for)
{
    memory_content store;
    auto const a = on(arm64, store.add_image(arm64)), x = on(amd64, store.add_image(amd64));
    auto const inner = store.add_index({x, a});
    auto const root = store.add_index({a, inner, x});
    BOOST_TEST((ids_of(tx::find_manifests(store, root, platform_choice::all())) == ids{a.id.str(), x.id.str()}));
    store.remove(x);
    auto const f = failure_of(tx::find_manifests(store, root, platform_choice::all(), "app"), error::missing_blob);
    BOOST_TEST(f.subject == x.id.str());
}

BOOST_AUTO_TEST_CASE(only_what_the_choice_needs_is_read)
{
    memory_content store;
    auto const a = on(arm64, store.add_image(arm64)), x = on(amd64, store.add_image(amd64));
    auto const inner = on(arm64, store.add_index({a}));
    auto const root = store.add_index({inner, x});
    store.read.clear();
    BOOST_TEST(ids_of(tx::find_manifests(store, root, host(amd64))) == ids{x.id.str()});
    BOOST_TEST((store.read == std::set<tx::digest>{root.id, x.id}));
    // what is not there does not matter, unless it is what is wanted
    store.remove(inner);
    store.remove(a);
    BOOST_TEST(ids_of(tx::find_manifests(store, root, host(amd64))) == ids{x.id.str()});
    failure_of(tx::find_manifests(store, root, host(arm64)), error::missing_blob);
    store.remove(root);
    failure_of(tx::find_manifests(store, root, host(amd64)), error::missing_blob);
}

BOOST_AUTO_TEST_CASE(platforms_come_from_configs_where_the_index_has_none)
{
    memory_content store;
    auto const a = store.add_image(arm64), x = store.add_image(amd64), v7 = store.add_image(arm_v7);
    auto const root = store.add_index({a, v7, x});
    auto const found = tx::find_manifests(store, root, host(arm_v7));
    BOOST_TEST(ids_of(found) == ids{v7.id.str()});
    BOOST_TEST_REQUIRE(found->front().target.has_value());
    BOOST_TEST(*found->front().target == arm_v7);
    auto const f = failure_of(tx::find_manifests(store, root, host(s390x)), error::unknown_platform);
    BOOST_TEST(contains(f.detail, "linux/arm64, linux/arm/v7, linux/amd64"));
    // one that is not there could have been the one
    store.remove(a);
    BOOST_TEST(ids_of(tx::find_manifests(store, root, host(amd64))) == ids{x.id.str()});
    failure_of(tx::find_manifests(store, root, host(s390x)), error::missing_blob);
    // one that is damaged is an error at once
    auto const bad = store.add_image(s390x);
    auto const damaged = store.add_index({bad, x});
    store.replace(bad, std::string(static_cast<std::size_t>(bad.size), 'x'));
    failure_of(tx::find_manifests(store, damaged, host(amd64)), error::digest_mismatch);
}

BOOST_AUTO_TEST_CASE(what_is_listed_many_times_is_read_once)
{
    memory_content store;
    auto const empty = store.add("{}", "application/vnd.oci.empty.v1+json");
    auto const artifact = store.add_manifest(empty, {store.add("a", "text/plain")});
    auto const image = store.add_image(amd64);
    for(bool const told : {false, true}) {
        std::vector<descriptor> entries(4'000, told ? on(amd64, artifact) : artifact);
        entries.insert(entries.end(), 4'000, told ? on(amd64, image) : image);
        auto const root = store.add_index(entries);
        store.leases = 0;
        BOOST_TEST(ids_of(tx::find_manifests(store, root, host(amd64))) == ids{image.id.str()});
        BOOST_TEST(store.leases < 8u); // the index, two manifests, a config
        BOOST_TEST(ids_of(tx::find_manifests(store, root, platform_choice::all())) == ids{image.id.str()});
        BOOST_TEST(store.leases < 16u);
    }
}

BOOST_AUTO_TEST_CASE(attestations_and_artifacts_are_passed_over)
{
    memory_content store;
    auto const x = on(amd64, store.add_image(amd64));
    auto const attestation = on(unknown, store.add_image(unknown));
    auto const marked = annotated(on(amd64, store.add_image(amd64, "marked")), "vnd.docker.reference.type", "attestation-manifest");
    auto const empty = store.add("{}", "application/vnd.oci.empty.v1+json");
    auto const artifact = on(amd64, store.add_manifest(empty, {store.add("a", "text/plain")}));
    auto typed = on(amd64, store.add_image(amd64, "typed"));
    typed.artifact_type = "application/x.thing";
    auto const text_layer = on(amd64, store.add_manifest(store.add_config(amd64, {}), {store.add("b", "application/vnd.in-toto+json")}));
    auto const strange = store.add("zzz", "application/x.unknown");
    auto const root = store.add_index({attestation, marked, artifact, typed, text_layer, strange, x});
    BOOST_TEST(ids_of(tx::find_manifests(store, root, host(amd64))) == ids{x.id.str()});
    BOOST_TEST(ids_of(tx::find_manifests(store, root, platform_choice::all())) == ids{x.id.str()});
    BOOST_TEST(ids_of(tx::find_manifests(store, root, platform_choice::of({amd64}))) == ids{x.id.str()});
    for(auto const& none : {attestation, marked, artifact, typed, text_layer, strange})
        for(auto const& choice : {host(amd64), platform_choice::all(), platform_choice::of({amd64})}) {
            auto const f = failure_of(tx::find_manifests(store, none, choice, "app:1"), error::not_an_image);
            BOOST_TEST(f.subject == none.id.str());
            BOOST_TEST(contains(f.detail, "app:1"));
        }
    auto const f = failure_of(tx::find_manifests(store, artifact), error::not_an_image);
    BOOST_TEST(f.detail == "config of type application/vnd.oci.empty.v1+json");
    for(auto const& entries : {std::vector<descriptor>{}, {attestation, strange}, {artifact, text_layer}})
        for(auto const& choice : {host(amd64), platform_choice::all()})
            failure_of(tx::find_manifests(store, store.add_index(entries), choice), error::not_an_image);
    // an image may say that it is one
    auto image = x;
    image.artifact_type = tx::media_type::oci_config;
    BOOST_TEST(ids_of(tx::find_manifests(store, store.add_index({image}), host(amd64))) == ids{x.id.str()});
}

BOOST_AUTO_TEST_CASE(layers_are_tar_archives)
{
    for(auto const* good : {"application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.v1.tar+zstd",
            "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "application/vnd.docker.image.rootfs.diff.tar.gzip",
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "application/x-tar", "application/tar+gzip", "",
            "application/octet-stream"})
        BOOST_TEST(tx::detail::is_layer(good), good);
    for(auto const* bad : {"text/plain", "application/vnd.in-toto+json", "application/x.start", "application/x.target+json", "a/tart"})
        BOOST_TEST(!tx::detail::is_layer(bad), bad);
}

BOOST_AUTO_TEST_CASE(docker_types_are_images_too)
{
    memory_content store;
    auto const config = store.add_config(amd64, {});
    for(auto const* type : {"application/vnd.docker.container.image.v1+json", "application/octet-stream"}) {
        auto c = config;
        c.media_type = type;
        auto const text = tx::render_manifest(c, {});
        auto const m = store.add(text, tx::media_type::docker_manifest);
        BOOST_TEST(ids_of(tx::find_manifests(store, m, host(amd64))) == ids{m.id.str()});
        auto list = store.add_index({on(amd64, m)});
        list.media_type = tx::media_type::docker_list;
        failure_of(tx::find_manifests(store, list, host(arm64)), error::unknown_platform);
        BOOST_TEST(ids_of(tx::find_manifests(store, list, host(amd64))) == ids{m.id.str()});
    }
    auto octets = config;
    octets.media_type = "application/octet-stream";
    failure_of(tx::find_manifests(store, store.add_manifest(octets, {})), error::not_an_image);
}

BOOST_AUTO_TEST_CASE(entries_without_media_type_are_looked_into)
{
    memory_content store;
    auto x = on(amd64, store.add_image(amd64));
    x.media_type.clear();
    auto const untyped = [&store](std::vector<descriptor> const& entries) {
        // the renderer would write an empty type
        auto text = tx::render_index(entries);
        for(std::string const empty = R"("mediaType":"",)"; text.find(empty) != std::string::npos;)
            text.erase(text.find(empty), empty.size());
        return store.add(text, tx::media_type::oci_index);
    };
    auto inner = untyped({x});
    inner.media_type.clear();
    for(auto const& root : {x, inner, untyped({x}), untyped({inner})})
        BOOST_TEST(ids_of(tx::find_manifests(store, root, host(amd64))) == ids{x.id.str()});
    auto text = store.add("no document", {});
    failure_of(tx::find_manifests(store, text), error::invalid_json);
    auto const with_absent = untyped({x, inner});
    store.remove(inner);
    BOOST_TEST(ids_of(tx::find_manifests(store, with_absent, host(amd64))) == ids{x.id.str()});
}

BOOST_AUTO_TEST_CASE(indexes_nest_but_not_for_ever)
{
    memory_content store;
    auto const x = on(amd64, store.add_image(amd64));
    auto root = store.add_index({x});
    for(std::size_t depth = 1; depth != tx::detail::index_depth_limit; ++depth) {
        root = store.add_index({root, root});
        BOOST_TEST(ids_of(tx::find_manifests(store, root, host(amd64))) == ids{x.id.str()});
    }
    auto const f = failure_of(tx::find_manifests(store, store.add_index({root}), host(amd64)), error::cyclic_index);
    BOOST_TEST(contains(f.detail, "more than 8"));
}

namespace {

// No text holds its own digest, but a broken store may say so.
struct cyclic_reader {
    std::map<tx::digest, tx::index> indexes;
    mutable std::size_t reads = 0;

    tx::result<tx::index> read_index(descriptor const& d, std::string_view) const
    {
        ++reads;
        return indexes.at(d.id);
    }
    tx::result<descriptor> typed(descriptor const& d, std::string_view) const { return d; }
};

descriptor index_called(std::string_view name)
{
    descriptor d;
    d.media_type = tx::media_type::oci_index;
    d.id = tx::digest_of(name);
    return d;
}

} // namespace

BOOST_AUTO_TEST_CASE(cycles_are_found_and_shared_indexes_read_once)
{
    auto const always = [](platform const&) { return true; };
    auto const a = index_called("a"), b = index_called("b"), c = index_called("c");
    cyclic_reader reader;
    reader.indexes[a.id].manifests = {b};
    reader.indexes[b.id].manifests = {c};
    reader.indexes[c.id].manifests = {a};
    auto const f = failure_of(tx::detail::content_walk(reader, always).enter(a, "w"), error::cyclic_index);
    BOOST_TEST(f.subject == a.id.str());
    reader.indexes[c.id].manifests = {c};
    failure_of(tx::detail::content_walk(reader, always).enter(a, "w"), error::cyclic_index);
    // shared, not cyclic
    auto m = index_called("m");
    m.media_type = tx::media_type::oci_manifest;
    reader.indexes[a.id].manifests = {b, c, b, c};
    reader.indexes[b.id].manifests = {c, c};
    reader.indexes[c.id].manifests = {m};
    reader.reads = 0;
    tx::detail::content_walk walk(reader, always);
    BOOST_TEST(walk.enter(a, "w").has_value());
    BOOST_TEST(reader.reads == 3u);
    BOOST_TEST(walk.manifests().size() == 1u);
    // and not more than anybody can read
    reader.indexes[a.id].manifests.assign(tx::detail::manifest_count_limit, m);
    BOOST_TEST(tx::detail::content_walk(reader, always).enter(a, "w").has_value());
    reader.indexes[a.id].manifests.push_back(m);
    failure_of(tx::detail::content_walk(reader, always).enter(a, "w"), error::limit_exceeded);
}

BOOST_AUTO_TEST_CASE(documents_are_read_as_long_as_a_budget_lasts)
{
    memory_content store;
    auto const small = store.add("1", tx::media_type::oci_manifest), large = store.add(std::string(3000, '2'), tx::media_type::oci_manifest);
    tx::detail::content_reader reader(store, 10'000);
    BOOST_TEST(reader.read_text(large, 3000, {}).value().size() == 3000u);
    failure_of(reader.read_text(large, 2999, {}), error::limit_exceeded); // takes nothing
    for(int n = 0; n != 6; ++n)
        BOOST_TEST(reader.read_text(small, 10, {}).value() == "1"); // takes a KiB
    auto f = failure_of(reader.read_text(small, 10, "app:1"), error::limit_exceeded);
    BOOST_TEST(f.subject == small.id.str());
    BOOST_TEST(f.detail == "documents of more than 10000 bytes belong to it; app:1");
    reader.begin_root();
    f = failure_of(reader.read_text(small, 10, {}), error::limit_exceeded);
    BOOST_TEST(f.detail == "documents of more than 10000 bytes belong to what is asked for; ask for less at once");

    tx::detail::content_reader wide(store, tx::detail::names_budget);
    auto many = large;
    many.size = tx::detail::root_budget;
    for(std::uint64_t n = 0; n != tx::detail::names_budget / tx::detail::root_budget; ++n) {
        wide.begin_root();
        BOOST_TEST(wide.count(many, {}).has_value());
        f = failure_of(wide.count(small, {}), error::limit_exceeded);
    }
    wide.begin_root();
    failure_of(wide.read_text(small, 10, {}), error::limit_exceeded);
}

BOOST_AUTO_TEST_CASE(images_are_loaded)
{
    memory_content store;
    std::vector<descriptor> const layers{store.add_layer("one"), store.add_layer("two")};
    auto const config = store.add_config(arm_v7, layers, R"(,"created":"2024-01-02T03:04:05Z","history":[{"created_by":"x"}])");
    auto const m = store.add_manifest(config, layers);
    auto const i = tx::load_image(store, m);
    BOOST_TEST_REQUIRE(i.has_value());
    BOOST_TEST(i->id == config.id);
    BOOST_TEST(i->config == store.all().at(config.id));
    BOOST_TEST(i->os == "linux");
    BOOST_TEST(i->architecture == "arm");
    BOOST_TEST(i->variant == "v7");
    BOOST_TEST(i->created.has_value());
    BOOST_TEST(i->history.size() == 1u);
    BOOST_TEST((i->layers == layers));
    BOOST_TEST(i->diff_ids.size() == 2u);
    BOOST_TEST(!i->parent.has_value());
}

BOOST_AUTO_TEST_CASE(images_that_cannot_be_loaded_say_why)
{
    memory_content store;
    std::vector<descriptor> const layers{store.add_layer("one"), store.add_layer("two")};
    auto const config = store.add_config(amd64, layers);
    auto const good = store.add_manifest(config, layers);

    auto f = failure_of(tx::load_image(store, store.add_manifest(config, {layers[0]}), "app:1"), error::invalid_document);
    BOOST_TEST(f.detail == "1 layers for the 2 diff IDs of the config; app:1");

    f = failure_of(tx::load_image(store, store.add_index({good})), error::not_an_image);
    BOOST_TEST(contains(f.detail, "image.index"));
    failure_of(tx::load_image(store, config), error::not_an_image);
    failure_of(tx::load_image(store, store.add_manifest(store.add("{}", "x/y"), layers)), error::not_an_image);

    auto const bad_json = store.add("{", tx::media_type::oci_config);
    f = failure_of(tx::load_image(store, store.add_manifest(bad_json, layers), "app:1"), error::invalid_json);
    BOOST_TEST(f.subject == bad_json.id.str());
    BOOST_TEST(contains(f.detail, "config of manifest sha256:"));
    BOOST_TEST(contains(f.detail, "app:1"));
    failure_of(tx::load_image(store, store.add_manifest(store.add("{}", tx::media_type::oci_config), {})), error::invalid_config);

    auto large = config;
    large.size = 100'000'000;
    f = failure_of(tx::load_image(store, store.add_manifest(large, layers)), error::limit_exceeded);
    BOOST_TEST(f.subject == config.id.str());
    auto lying = config;
    ++lying.size;
    failure_of(tx::load_image(store, store.add_manifest(lying, layers)), error::size_mismatch);

    auto const not_json = store.add("manifest", tx::media_type::oci_manifest);
    f = failure_of(tx::load_image(store, not_json, "app:1"), error::invalid_json);
    BOOST_TEST(f.subject == not_json.id.str());
    BOOST_TEST(contains(f.detail, "app:1"));
    store.remove(config);
    failure_of(tx::load_image(store, good), error::missing_blob);
    store.remove(good);
    failure_of(tx::load_image(store, good), error::missing_blob);
}
