//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/layout/hybrid.hpp>

#define BOOST_TEST_MODULE layout_hybrid
#include <boost/test/unit_test.hpp>

#include <tarexport/saver.hpp>
#include <tarexport/sink/memory.hpp>
#include <tarexport/store/memory.hpp>
#include <tarexport/store/oci_layout.hpp>
#include <tarexport/testing/counting_store.hpp>
#include <tarexport/testing/failing_store.hpp>

#include "blob_store.hpp"

#include <boost/json.hpp>

#include <set>

using namespace blobs;
using tx::completeness;
using tx::content_choice;
using tx::entry_kind;
using tx::error;
using tx::names;
namespace json = boost::json;

namespace {

using texts = std::vector<std::string>;

struct policy {
    tx::hybrid_layout layout;
    using hashes = tx::hash_set<tx::sha256, tx::sha384, tx::sha512>;
    tx::no_observer observer;
};

template<class Store>
tx::saver<Store, policy> saver_of(Store const& s, std::uint32_t align = 0)
{
    return {s, policy{{align}, {}}};
}

tx::save_options choosing(content_choice const& choice)
{
    tx::save_options o;
    static_cast<content_choice&>(o) = choice;
    return o;
}

template<class Store>
tx::result<tx::plan> plan_of(Store const& s, names const& n, content_choice const& choice = host(), std::uint32_t align = 0)
{
    return saver_of(s, align).make_plan(n, choosing(choice));
}

std::string text(tx::plan const& p, std::string_view path)
{
    for(std::size_t i = 0; i != p.count(); ++i)
        if(p.path(i) == path)
            return p.document_text(i);
    BOOST_FAIL("no entry " << path);
    return {};
}

// The entries of a kind, in the order of the archive.
std::vector<std::size_t> numbers_of(tx::plan const& p, entry_kind kind)
{
    std::vector<std::size_t> numbers;
    for(std::size_t i = 0; i != p.count(); ++i)
        if(p.entry(i).kind == kind)
            numbers.push_back(i);
    return numbers;
}

json::value document(tx::plan const& p, std::string_view path) { return json::parse(text(p, path)); }

std::string blob_path(json::value const& descriptor)
{
    return tx::plan::blob_path(tx::parse_digest(std::string(descriptor.at("digest").as_string())).value());
}

json::array entries(tx::plan const& p) { return document(p, "index.json").at("manifests").as_array(); }
json::array items(tx::plan const& p) { return document(p, "manifest.json").as_array(); }

std::string name_of(json::value const& entry)
{
    auto const* const annotations = entry.as_object().if_contains("annotations");
    auto const* const name = annotations ? annotations->as_object().if_contains("io.containerd.image.name") : nullptr;
    return name ? std::string(name->as_string()) : std::string();
}

texts entry_names(tx::plan const& p)
{
    texts all;
    for(auto const& e : entries(p))
        all.push_back(name_of(e));
    return all;
}

texts tags_of(json::value const& item)
{
    texts all;
    if(auto const* const tags = item.at("RepoTags").if_array())
        for(auto const& t : *tags)
            all.emplace_back(t.as_string());
    return all;
}

texts paths(tx::plan const& p)
{
    texts all;
    for(std::size_t i = 0; i != p.count(); ++i)
        all.push_back(p.path(i));
    return all;
}

// Follows all that the archive's documents name, and compares with what is in it.
void check_nothing_is_orphaned(tx::plan const& p, bool whole = true)
{
    std::set<std::string> named{"oci-layout", "index.json", "manifest.json"};
    auto const all = paths(p);
    std::set<std::string> const there(all.begin(), all.end());
    BOOST_TEST(there.size() == all.size());
    auto const follow = [&](auto const& self, json::value const& d) -> void {
        auto const path = blob_path(d);
        named.insert(path);
        if(!there.contains(path)) {
            BOOST_TEST(!whole, path << " is not there");
            return;
        }
        std::string_view const type = d.at("mediaType").as_string();
        if(type.find("index") == std::string_view::npos && type.find("manifest.v1") == std::string_view::npos)
            return;
        auto const content = document(p, path);
        for(char const* list : {"manifests", "layers"})
            if(auto const* const l = content.as_object().if_contains(list))
                for(auto const& e : l->as_array())
                    self(self, e);
        if(auto const* const config = content.as_object().if_contains("config"))
            self(self, *config);
    };
    for(auto const& e : entries(p))
        follow(follow, e);
    for(auto const& i : items(p)) {
        named.insert(std::string(i.at("Config").as_string()));
        for(auto const& l : i.at("Layers").as_array())
            named.insert(std::string(l.as_string()));
    }
    for(auto const& path : all)
        BOOST_TEST(named.contains(path), path << " is named by nothing");
}

void check_order(tx::plan const& p)
{
    auto const all = paths(p);
    BOOST_TEST_REQUIRE(all.size() > 3u);
    BOOST_TEST(all[0] == "oci-layout");
    BOOST_TEST(all[1] == "index.json");
    BOOST_TEST(all[2] == "manifest.json");
    bool layers = false;
    for(std::size_t i = 0; i != p.count(); ++i) {
        auto const e = p.entry(i);
        BOOST_TEST((e.kind != entry_kind::directory));
        BOOST_TEST(e.mtime == 0);
        BOOST_TEST(e.mode == 0644u);
        layers = layers || e.kind == entry_kind::layer;
        BOOST_TEST((e.kind == entry_kind::layer) == layers, "documents come before layers");
    }
}

// A layout on disk, and the store that reads it.
struct on_disk {
    on_disk()
    {
        auto const m = [&](std::size_t n) { return multi.parts[n].manifest; };
        single = folder.add_image(amd64, "single");
        folder.finish({layouts::named(multi.index, "docker.io/library/multi:1"), layouts::named(single, "docker.io/library/single:1"),
            layouts::named(single, "docker.io/library/single:2"), layouts::named(m(1), "docker.io/library/arm:1"),
            annotated(m(3), "org.opencontainers.image.created", "2026-01-01T00:00:00Z")});
    }

    tx::oci_layout_store store() const { return tx::oci_layout_store(folder.path().string(), {{}, host()}); }
    void lose(descriptor const& d) const { std::filesystem::remove(folder.blob_path(d.id)); }

    layouts::layout_folder folder;
    four_platforms<layouts::layout_folder> multi{folder};
    descriptor single;
};

} // namespace

BOOST_AUTO_TEST_CASE(documents_come_first_and_layers_as_they_are_applied)
{
    on_disk const d;
    auto const p = plan_of(d.store(), names::of("multi:1", "single:1", "single:2"), everything()).value();
    check_order(p);
    check_nothing_is_orphaned(p);
    std::vector<tx::digest> layers;
    for(auto const& part : d.multi.parts) {
        layers.push_back(part.base.id);
        layers.push_back(part.top.id);
    }
    auto const single = tx::load_image(d.store(), d.single).value();
    layers.push_back(single.layers[0].id);
    auto const entries_of_layers = numbers_of(p, entry_kind::layer);
    for(std::size_t i = 0; i != layers.size(); ++i)
        BOOST_TEST(p.id(entries_of_layers[i]) == layers[i]);
    BOOST_TEST(p.layers()[p.entry(entries_of_layers[1]).item].chain.str() == tx::chain_ids(texts{layers[0].str(), layers[1].str()}).back());
    BOOST_TEST(p.layers().size() == layers.size() + 4); // and the blobs of the attestations
}

BOOST_AUTO_TEST_CASE(manifests_and_indexes_are_those_of_the_store)
{
    on_disk const d;
    auto const p = plan_of(d.store(), names::of("multi:1", "single:1"), everything()).value();
    auto const all = entries(p);
    BOOST_TEST_REQUIRE(all.size() == 2u);
    BOOST_TEST(all[0].at("digest").as_string() == d.multi.index.id.str());
    BOOST_TEST(text(p, blob_path(all[0])) == d.folder.all().at(d.multi.index.id));
    BOOST_TEST(all[1].at("digest").as_string() == d.single.id.str());
    BOOST_TEST(text(p, blob_path(all[1])) == d.folder.all().at(d.single.id));
    // An index is for no platform, a manifest for one.
    BOOST_TEST(!all[0].as_object().contains("platform"));
    BOOST_TEST(all[1].at("platform").at("architecture").as_string() == "amd64");
    BOOST_TEST(tx::check_schema(tx::document_kind::index, text(p, "index.json"), "x").has_value());
}

BOOST_AUTO_TEST_CASE(every_name_is_in_index_json_and_full_tags_in_manifest_json)
{
    on_disk const d;
    auto const by_digest = "single@" + d.single.id.str();
    auto const p = plan_of(d.store(), names::of("single:1", by_digest, "single:2", "multi:1=host:5000/x:3")).value();
    BOOST_TEST(entry_names(p) == (texts{"docker.io/library/single:1", "docker.io/library/single:2", "docker.io/library/" + by_digest, "host:5000/x:3"}),
        boost::test_tools::per_element());
    auto const all = entries(p);
    BOOST_TEST(all[0].at("annotations").at("org.opencontainers.image.ref.name").as_string() == "1");
    BOOST_TEST(!all[2].at("annotations").as_object().contains("org.opencontainers.image.ref.name"));
    auto const list = items(p);
    BOOST_TEST_REQUIRE(list.size() == 2u);
    BOOST_TEST(tags_of(list[0]) == (texts{"docker.io/library/single:1", "docker.io/library/single:2"}), boost::test_tools::per_element());
    BOOST_TEST(tags_of(list[1]) == (texts{"host:5000/x:3"}), boost::test_tools::per_element());
    BOOST_TEST(p.images()[0].tags == (texts{"single:1", "single:2"}), boost::test_tools::per_element());
    check_nothing_is_orphaned(p);
}

BOOST_AUTO_TEST_CASE(untagged_images_are_present_with_their_manifests)
{
    on_disk const d;
    auto const id = d.multi.parts[3].config.id;
    auto const p = plan_of(d.store(), names(id.str())).value();
    auto const all = entries(p);
    BOOST_TEST_REQUIRE(all.size() == 1u);
    BOOST_TEST(name_of(all[0]).empty());
    BOOST_TEST(all[0].at("digest").as_string() == d.multi.parts[3].manifest.id.str());
    BOOST_TEST(items(p)[0].at("RepoTags").is_null());
    // What else the store says of an entry is kept.
    BOOST_TEST(plan_of(d.store(), names("arm@" + d.multi.parts[3].manifest.id.str())).value().count() == p.count());
    BOOST_TEST(p.images().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_name_by_digest_is_kept_only_where_the_digest_is)
{
    on_disk const d;
    auto const by_digest = "multi@" + d.multi.index.id.str();
    BOOST_TEST(entry_names(plan_of(d.store(), names(by_digest), everything()).value()) == (texts{"docker.io/library/" + by_digest}),
        boost::test_tools::per_element());
    auto const alone = plan_of(d.store(), names(by_digest)).value();
    BOOST_TEST(entry_names(alone) == (texts{""}), boost::test_tools::per_element());
    BOOST_TEST(entries(alone)[0].at("annotations").at(tx::original_digest_annotation).as_string() == d.multi.index.id.str());
    // The memory store has no manifests: the digest is that of nothing in the archive.
    tx::memory_store s;
    auto const layer = s.add_layer("x");
    auto const name = "app@sha256:" + std::string(64, 'a');
    s.add_image(tx::image_config{.cmd = {"x"}}, {layer}, {name}).value();
    BOOST_TEST(entry_names(plan_of(s, names(name)).value()) == (texts{""}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(one_name_can_stand_for_several_platforms)
{
    on_disk const d;
    auto const p = plan_of(d.store(), names("multi:1"), everything()).value();
    BOOST_TEST(p.images().size() == 4u);
    for(auto const& i : p.images())
        BOOST_TEST(i.tags == (texts{"multi:1"}), boost::test_tools::per_element());
    auto const list = items(p);
    BOOST_TEST_REQUIRE(list.size() == 1u); // engines that keep one for each name
    BOOST_TEST(list[0].at("Config").as_string() == tx::plan::blob_path(d.multi.parts[0].config.id));
    auto const named_first = plan_of(d.store(), names("multi:1"), {wanted({s390x, amd64}), completeness::keep}).value();
    BOOST_TEST(items(named_first)[0].at("Config").as_string() == tx::plan::blob_path(d.multi.parts[3].config.id));
    // docker_layout has no place for more than one.
    auto const store = d.store();
    BOOST_TEST(tx::saver(store).make_plan(names("multi:1"), choosing(everything())).error().code == error::several_platforms);
}

BOOST_AUTO_TEST_CASE(an_index_can_be_pruned_or_kept)
{
    on_disk const d;
    auto const pruned = plan_of(d.store(), names("multi:1"), {wanted({arm64}), completeness::prune}).value();
    check_nothing_is_orphaned(pruned);
    auto const entry = entries(pruned)[0];
    BOOST_TEST(name_of(entry) == "docker.io/library/multi:1");
    BOOST_TEST(entry.at("annotations").at(tx::original_digest_annotation).as_string() == d.multi.index.id.str());
    BOOST_TEST(document(pruned, blob_path(entry)).at("manifests").as_array().size() == 2u);
    auto const kept = plan_of(d.store(), names("multi:1"), {wanted({arm64}), completeness::keep}).value();
    check_nothing_is_orphaned(kept, false);
    BOOST_TEST(entries(kept)[0].at("digest").as_string() == d.multi.index.id.str());
    BOOST_TEST(!entries(kept)[0].at("annotations").as_object().contains(tx::original_digest_annotation));
    BOOST_TEST(plan_of(d.store(), names("multi:1"), wanted({amd64, arm64})).error().code == error::incomplete_index);
}

BOOST_AUTO_TEST_CASE(what_is_missing_is_told_at_once_before_the_first_byte)
{
    on_disk const d;
    d.lose(d.multi.parts[1].config);
    d.lose(d.multi.parts[1].top);
    d.lose(d.multi.parts[2].manifest);
    auto const single = tx::load_image(d.store(), d.single).value();
    d.lose(single.layers[0]);
    auto const store = d.store();
    tx::testing::counting_store counted(store);
    tx::memory_sink out;
    auto const report = saver_of(counted).save(names::of("multi:1", "single:1"), out, choosing(everything()));
    BOOST_TEST(report.bytes == 0u);
    BOOST_TEST(out.bytes().empty());
    BOOST_TEST(report.reason.code == error::missing_blob);
    BOOST_TEST(report.reason.subject == "multi:1, single:1");
    BOOST_TEST(report.reason.detail == "4 not in the store: config " + d.multi.parts[1].config.id.str() + " of linux/arm64, layer 1 "
        + d.multi.parts[1].top.id.str() + " of linux/arm64, manifest " + d.multi.parts[2].manifest.id.str() + " of linux/arm/v7, layer 0 "
        + single.layers[0].id.str() + " of linux/amd64; prune and keep save the platforms that are whole");
    BOOST_TEST(counted.counts().handles == 0u);
    for(auto const mode : {completeness::prune, completeness::keep}) {
        auto const p = plan_of(store, names("multi:1"), {everything(), mode}).value();
        check_nothing_is_orphaned(p, mode == completeness::prune);
        BOOST_TEST(p.images().size() == 2u);
    }
}

BOOST_AUTO_TEST_CASE(what_names_stand_for_may_be_missing_too)
{
    on_disk const d;
    auto const store = d.store();
    d.lose(d.single);
    d.lose(d.multi.index);
    auto const refused = plan_of(store, names::of("multi:1", "single:1")).error();
    BOOST_TEST(refused.code == error::missing_blob);
    BOOST_TEST(refused.subject == "multi:1, single:1");
    BOOST_TEST(refused.detail.starts_with("2 not in the store: "));
    BOOST_TEST(refused.detail.find(d.multi.index.id.hex()) != std::string::npos);
    BOOST_TEST(refused.detail.find(d.single.id.hex()) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_layer_that_is_a_document_too_is_there_once)
{
    layouts::layout_folder folder;
    auto const plain = folder.add_layer("plain");
    auto const other = folder.add_config(arm64, {plain});
    auto config_as_layer = other;
    config_as_layer.media_type = tx::media_type::oci_layer;
    auto const manifest = folder.add_manifest(folder.add_config(amd64, {plain, config_as_layer}), {plain, config_as_layer});
    auto const index = folder.add_index({on(arm64, folder.add_manifest(other, {plain})), on(amd64, manifest)});
    folder.finish({layouts::named(index, "docker.io/library/odd:1")});
    tx::oci_layout_store const store(folder.path().string(), {{}, host()});
    auto const p = plan_of(store, names("odd:1"), everything()).value();
    check_nothing_is_orphaned(p);
    BOOST_TEST(p.layers().size() == 1u);
}

BOOST_AUTO_TEST_CASE(foreign_layers_are_left_out_only_where_that_is_said)
{
    layouts::layout_folder folder;
    auto foreign = folder.add("foreign", "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip");
    foreign.urls = {"https://example.com/x"};
    auto const plain = folder.add_layer("plain");
    folder.finish({layouts::named(folder.add_manifest(folder.add_config(amd64, {foreign, plain}), {foreign, plain}), "docker.io/library/app:1")});
    tx::oci_layout_store const store(folder.path().string(), {{}, host()});
    auto const planned = [&](tx::foreign_layers how) { return plan_of(store, names("app:1"), {host(), completeness::strict, how}); };
    BOOST_TEST(planned(tx::foreign_layers::embed).value().layers().size() == 2u);
    for(auto const how : {tx::foreign_layers::skip, tx::foreign_layers::url_only}) {
        auto const p = planned(how).value();
        BOOST_TEST(p.layers().size() == 1u);
        // Its place in the image stays.
        BOOST_TEST(items(p)[0].at("Layers").as_array().size() == 2u);
        check_nothing_is_orphaned(p, false);
    }
    std::filesystem::remove(folder.blob_path(foreign.id));
    BOOST_TEST(planned(tx::foreign_layers::skip).has_value());
    auto const refused = planned(tx::foreign_layers::embed);
    BOOST_TEST(refused.error().code == error::missing_blob);
    BOOST_TEST(refused.error().detail.find("foreign, and may be left out") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(without_manifests_in_the_store_they_are_made)
{
    tx::memory_store s;
    auto const base = s.add_layer("base"), top = s.add_layer("top");
    auto const app = s.add_image(tx::image_config{.cmd = {"app"}}, {base, top, base}, {"app:1", "app:2"}).value();
    auto const child = s.add_image(tx::image_config{.cmd = {"child"}}, {base}).value();
    s.set_parent(child, app).value();
    auto const p = plan_of(s, names::of("app", child.str())).value();
    check_order(p);
    check_nothing_is_orphaned(p);
    BOOST_TEST(p.layers().size() == 2u);
    BOOST_TEST(entry_names(p) == (texts{"docker.io/library/app:1", "docker.io/library/app:2", ""}), boost::test_tools::per_element());
    auto const list = items(p);
    BOOST_TEST(list[0].at("Layers").as_array().size() == 3u);
    BOOST_TEST(list[1].at("Parent").as_string() == app.str());
    for(auto const& e : entries(p))
        BOOST_TEST(e.at("platform").at("os").as_string() == "linux");
    // The same manifest as in the other layout.
    auto const plain = tx::saver(s).make_plan(names("app:1")).value();
    auto const manifest = blob_path(entries(p)[0]);
    BOOST_TEST(text(plain, manifest) == text(p, manifest));
    BOOST_TEST(tx::hybrid_layout().lay_out({}).error().code == error::no_names);
}

BOOST_AUTO_TEST_CASE(an_image_without_layers_is_refused)
{
    tx::memory_store s;
    s.add_image(tx::image_config{.cmd = {"x"}}, {}, {"empty:1"}).value();
    auto const p = plan_of(s, names("empty:1"));
    BOOST_TEST(p.error().code == error::empty_image);
    BOOST_TEST(p.error().subject == "empty:1");
}

BOOST_AUTO_TEST_CASE(data_of_layers_is_aligned_where_that_is_wanted)
{
    on_disk const d;
    auto const store = d.store();
    auto const what = names::of("multi:1", "single:1");
    for(std::uint32_t const align : {0u, 512u, 1024u, 1536u, 4096u, 65536u}) {
        auto archive = saver_of(store, align).prepare(what, choosing(everything())).value();
        auto const& p = archive.contents;
        for(std::size_t i = 0; i != p.count(); ++i)
            if(p.entry(i).kind == entry_kind::layer)
                BOOST_TEST(p.entry(i).data % std::max(align, 512u) == 0u);
        tx::memory_sink whole;
        BOOST_TEST(saver_of(store, align).write(archive, whole).ok());
        BOOST_TEST(whole.bytes().size() == p.size());
        // Readers find the same files behind the comments.
        tx::memory_sink plain;
        BOOST_TEST(saver_of(store).save(what, plain, choosing(everything())).ok());
        auto const files = [](std::string_view bytes) {
            std::vector<std::pair<std::string, tx::digest>> all;
            for(std::size_t at = 0; at + 1024 < bytes.size();) {
                auto const type = bytes[at + 156];
                std::size_t size = 0;
                for(auto const c : bytes.substr(at + 124, 11))
                    size = size * 8 + static_cast<std::size_t>(c - '0');
                if(type == '0')
                    all.emplace_back(bytes.substr(at, 100), tx::digest_of(bytes.substr(at + 512, size)));
                else
                    BOOST_TEST(type == 'x');
                at += 512 + tx::padded_size(size);
            }
            return all;
        };
        BOOST_TEST((files(whole.bytes()) == files(plain.bytes())));
        // Ranges, wherever they cut.
        for(std::uint64_t const step : {511u, 4099u, 100000u}) {
            std::string joined;
            for(std::uint64_t at = 0; at < p.size(); at += step) {
                tx::memory_sink part;
                tx::write_options range;
                range.range = {at, std::min(at + step, p.size())};
                BOOST_TEST(saver_of(store, align).write(archive, part, range).ok());
                joined += part.bytes();
            }
            BOOST_TEST((joined == whole.bytes()));
        }
    }
    for(std::uint32_t const align : {1u, 513u, 65536u + 512u}) {
        auto const p = plan_of(store, what, everything(), align);
        BOOST_TEST(p.error().code == error::unencodable_header);
        BOOST_TEST(p.error().subject == "alignment " + std::to_string(align));
    }
}

BOOST_AUTO_TEST_CASE(a_thin_archive_leaves_out_layers_of_every_platform_and_stays_aligned)
{
    on_disk const d;
    auto const store = d.store();
    auto how = choosing(everything());
    auto const full = saver_of(store, 4096).make_plan(names("multi:1"), how).value();
    for(std::size_t n : {0u, 3u})
        how.have.insert(d.multi.parts[n].base.id);
    auto const thin = saver_of(store, 4096).make_plan(names("multi:1"), how).value();
    BOOST_TEST_REQUIRE(thin.left_out().size() == 2u);
    BOOST_TEST(thin.left_out()[1].diff_id == d.multi.parts[3].base.id.str());
    BOOST_TEST(thin.count() == full.count() - 2 + 1);
    BOOST_TEST(thin.path(3) == "thin.json");
    for(std::size_t i = 0; i != thin.count(); ++i)
        if(thin.entry(i).kind == entry_kind::layer)
            BOOST_TEST(thin.entry(i).data % 4096 == 0u);
}

BOOST_AUTO_TEST_CASE(the_same_request_gives_the_same_archive)
{
    on_disk const d;
    auto const what = names::of("multi:1", "single", "arm:1");
    content_choice const choice(everything());
    auto const p = plan_of(d.store(), what, choice).value();
    for(int i = 0; i != 3; ++i)
        BOOST_TEST((plan_of(d.store(), what, choice).value() == p));
    BOOST_TEST((plan_of(d.store(), names::of("arm:1", "single", "multi:1"), choice).value() != p));
}

BOOST_AUTO_TEST_CASE(every_digest_algorithm_has_its_place)
{
    tx::memory_store s;
    auto const layer = s.add_layer<tx::sha512>("layer");
    s.add_image(R"({"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[")" + layer.str() + R"("]}})", {layer}, {"app:1"}).value();
    for(std::uint32_t const align : {0u, 4096u}) {
        auto const p = plan_of(s, names("app:1"), {}, align).value();
        check_nothing_is_orphaned(p);
        BOOST_TEST(paths(p).back() == "blobs/sha512/" + layer.hex());
        BOOST_TEST(p.entry(p.count() - 1).data % std::max(align, 512u) == 0u);
    }
}

BOOST_AUTO_TEST_CASE(every_failing_call_of_a_store_leaves_nothing_behind)
{
    on_disk const d;
    auto const store = d.store();
    std::size_t calls = 0;
    for(std::size_t n = 1;; ++n) {
        tx::testing::counting_store counted(store);
        tx::testing::fail_count count(n);
        tx::testing::failing_store failing(counted, count);
        tx::memory_sink out;
        // prune must not take a failure for something that is not there
        auto const report = saver_of(failing).save(
            names::of("multi:1", d.multi.parts[3].config.id.str()), out, choosing({everything(), completeness::prune}));
        BOOST_TEST(counted.counts().handles == 0u);
        BOOST_TEST(counted.counts().sources == 0u);
        if(!count.failed()) {
            BOOST_TEST(report.ok());
            break;
        }
        BOOST_TEST(report.reason.code == count.why());
        BOOST_TEST(!report.reason.subject.empty());
        ++calls;
    }
    BOOST_TEST(calls > 50u);
}

BOOST_AUTO_TEST_CASE(leases_are_given_back_however_it_ends)
{
    on_disk const d;
    auto const store = d.store();
    tx::testing::counting_store counted(store);
    {
        auto const archive = saver_of(counted).prepare(names::of("multi:1", "arm:1"), choosing(everything())).value();
        // arm:1 shares all it has with multi:1.
        BOOST_TEST(counted.counts().handles == archive.leases.size());
        BOOST_TEST(archive.leases.size() == archive.contents.layers().size());
    }
    BOOST_TEST(counted.counts().handles == 0u);
    std::stop_source stop;
    stop.request_stop();
    auto stopping = choosing(everything());
    stopping.stop = stop.get_token();
    BOOST_TEST(saver_of(counted).prepare(names("multi:1"), stopping).error().code == error::cancelled);
    BOOST_TEST(counted.counts().handles == 0u);
}

namespace {

void check_both_ways(auto const& store, names const& wanted)
{
    tx::no_observer none;
    auto resolved = tx::resolve<true>(store, wanted, everything(), none).value();
    auto const at_once = tx::hybrid_layout().lay_out(std::move(resolved.images)).value();
    auto const one_by_one = saver_of(store).prepare(wanted, choosing(everything())).value();
    BOOST_TEST((at_once == one_by_one.contents));
    BOOST_TEST((at_once.images() == one_by_one.contents.images()));
    BOOST_TEST((at_once.layers() == one_by_one.contents.layers()));
    BOOST_TEST(resolved.leases.size() == one_by_one.leases.size());
    for(auto const& l : at_once.layers())
        BOOST_TEST(one_by_one.leases[l.lease].info().id == l.id);
}

} // namespace

BOOST_AUTO_TEST_CASE(all_images_at_once_are_laid_out_as_one_by_one)
{
    on_disk const d;
    check_both_ways(d.store(), names::of("multi:1", "single:1", "arm:1", "single:2"));

    tx::memory_store made;
    auto const base = made.add_layer("base");
    auto const parent = made.add_image(tx::image_config{.cmd = {"a"}}, {base}, {"a:1", "a:2"}).value();
    auto const child = made.add_image(tx::image_config{.cmd = {"b"}}, {base, made.add_layer("top")}, {"b:1"}).value();
    made.set_parent(child, parent).value();
    check_both_ways(made, names::of("b", "a"));
    auto const all = items(plan_of(made, names::of("b", "a")).value());
    BOOST_TEST(all[0].at("Parent").as_string() == parent.str());
    BOOST_TEST(!all[1].as_object().contains("Parent"));
    BOOST_TEST(!items(plan_of(made, names("b")).value())[0].as_object().contains("Parent"));
}

BOOST_AUTO_TEST_CASE(what_is_missing_is_told_before_what_cannot_be_laid_out_in_any_order)
{
    layouts::layout_folder folder;
    auto const empty = folder.add_manifest(folder.add_config(amd64, {}), {});
    auto const layer = folder.add_layer("layer");
    auto const whole = folder.add_manifest(folder.add_config(amd64, {layer}), {layer});
    folder.finish({layouts::named(empty, "docker.io/library/empty:1"), layouts::named(whole, "docker.io/library/b:1"),
        layouts::named(whole, "docker.io/library/b:2")});
    std::filesystem::remove(folder.blob_path(layer.id));
    tx::oci_layout_store const store(folder.path().string());
    for(auto const& wanted : {names::of("empty:1", "b:1", "b:2"), names::of("b", "empty:1")}) {
        auto const refused = plan_of(store, wanted).error();
        BOOST_TEST(refused.code == error::missing_blob);
        BOOST_TEST(refused.subject == "b:1, b:2");
        BOOST_TEST(refused.detail.starts_with("1 not in the store: "));
    }
    BOOST_TEST(plan_of(store, names::of("b:1=x:1")).error().subject == "b:1");
    BOOST_TEST(plan_of(store, names("empty:1")).error().code == error::empty_image);
    names many;
    std::vector<tx::descriptor> entries;
    for(int n = 0; n != 5000; ++n) {
        auto const name = "host:5000/many:" + std::to_string(n);
        entries.push_back(layouts::named(whole, name));
        many.add(name);
    }
    folder.finish(entries);
    std::filesystem::remove(folder.blob_path(layer.id));
    auto const refused = plan_of(tx::oci_layout_store(folder.path().string()), many).error();
    BOOST_TEST(refused.subject.starts_with("host:5000/many:0, "));
    BOOST_TEST(refused.subject.ends_with(", .."));
    BOOST_TEST(refused.subject.size() < 70'000u);
}

BOOST_AUTO_TEST_CASE(a_layer_that_one_image_calls_foreign_and_another_does_not_is_there_for_both)
{
    layouts::layout_folder folder;
    auto const plain = folder.add_layer("layer");
    auto foreign = plain;
    foreign.media_type = "application/vnd.oci.image.layer.nondistributable.v1.tar";
    auto const with_foreign = folder.add_manifest(folder.add_config(amd64, {foreign}), {foreign});
    auto const with_plain = folder.add_manifest(folder.add_config(amd64, {plain}, R"(,"author":"b")"), {plain});
    folder.finish({layouts::named(with_foreign, "docker.io/library/a:1"), layouts::named(with_plain, "docker.io/library/b:1")});
    tx::oci_layout_store const store(folder.path().string());
    for(auto const& wanted : {names::of("a:1", "b:1"), names::of("b:1", "a:1"), names::of("a:1")}) {
        auto const p = plan_of(store, wanted, {host(), completeness::strict, tx::foreign_layers::skip}).value();
        BOOST_TEST(p.layers().size() == wanted.size() - 1);
        for(auto const& item : items(p))
            BOOST_TEST(item.at("Layers").at(0).as_string() == tx::plan::blob_path(plain.id));
    }
}

BOOST_AUTO_TEST_CASE(selections_that_cannot_be_laid_out_are_refused)
{
    tx::memory_store s;
    s.add_image(tx::image_config{}, {s.add_layer("layer")}, {"app:1"}).value();
    tx::no_observer none;
    auto images = tx::resolve<true>(s, names("app:1"), everything(), none).value().images;
    images.push_back(images.front());
    images.back().layers.clear();
    BOOST_TEST(tx::hybrid_layout().lay_out(images).error().code == error::invalid_config);
    BOOST_TEST(tx::hybrid_layout{100}.lay_out({}).error().code == error::unencodable_header);
    BOOST_TEST(tx::hybrid_layout{100}.lay_out(images).error().code == error::unencodable_header);
}
