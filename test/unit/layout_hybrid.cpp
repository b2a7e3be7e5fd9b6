//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/layout/hybrid.hpp>

#define BOOST_TEST_MODULE layout_hybrid
#include <boost/test/unit_test.hpp>

#include <tarexport/sink/memory.hpp>
#include <tarexport/store/memory.hpp>
#include <tarexport/testing/counting_store.hpp>
#include <tarexport/testing/failing_store.hpp>

#include "hybrid_support.hpp"

using namespace hybrids;

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
