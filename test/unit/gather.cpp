//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/gather.hpp>

#define BOOST_TEST_MODULE gather
#include <boost/test/unit_test.hpp>

#include "blob_store.hpp"

using namespace blobs;
using tx::completeness;
using tx::content_choice;
using tx::error;
using tx::foreign_layers;

namespace {

using texts = std::vector<std::string>;

struct fixture {
    memory_blobs store;
    four_platforms<memory_blobs> multi{store};

    tx::result<tx::gathered_content> gather(content_choice const& choice) const { return tx::gather(store, multi.index, choice, "app:1"); }

    tx::gathered_content whole(content_choice const& choice) const
    {
        auto g = gather(choice);
        BOOST_TEST_REQUIRE(g.has_value(), message(g.error()));
        BOOST_TEST(g->missing == texts(), boost::test_tools::per_element());
        return *std::move(g);
    }
};

texts manifests_of(tx::gathered_content const& g)
{
    texts all;
    for(auto const& d : g.closure.manifests) {
        BOOST_TEST(d.info.id == tx::digest_of(d.text));
        BOOST_TEST(d.info.size == d.text.size());
        all.push_back(d.info.id.str());
    }
    return all;
}

texts platforms_of(tx::gathered_content const& g)
{
    texts all;
    for(auto const& i : g.closure.images)
        all.push_back(tx::format(*i.manifest.target));
    return all;
}

bool has_blob(tx::gathered_content const& g, descriptor const& d)
{
    return std::ranges::any_of(g.closure.blobs, [&](auto const& b) { return b.info.id == d.id && b.lease; });
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

tx::index root_of(tx::gathered_content const& g)
{
    return tx::parse_index(g.closure.manifests.front().text, "root").value();
}

} // namespace

BOOST_AUTO_TEST_CASE(all_platforms_are_the_index_as_it_is_with_everything_in_it)
{
    fixture const f;
    for(auto const mode : {completeness::strict, completeness::prune, completeness::keep}) {
        auto const g = f.whole({everything(), mode});
        BOOST_TEST(g.closure.root.id == f.multi.index.id);
        BOOST_TEST(!g.closure.original.has_value());
        texts expected{f.multi.index.id.str()};
        for(auto const& p : f.multi.parts)
            expected.push_back(p.manifest.id.str());
        for(auto const& a : f.multi.attestations)
            expected.push_back(a.id.str());
        BOOST_TEST(manifests_of(g) == expected, boost::test_tools::per_element());
        BOOST_TEST(platforms_of(g) == (texts{"linux/amd64", "linux/arm64", "linux/arm/v7", "linux/s390x"}), boost::test_tools::per_element());
        BOOST_TEST(g.closure.configs.size() == 4u);
        for(auto const& p : f.multi.parts)
            BOOST_TEST((has_blob(g, p.base) && has_blob(g, p.top)));
        for(auto const& s : f.multi.statements)
            BOOST_TEST(has_blob(g, s));
        BOOST_TEST(g.closure.blobs.size() == 8u + 2u + 2u); // the layers; statements and configs of the attestations
        BOOST_TEST(g.preferred.architecture == "amd64");
    }
}

BOOST_AUTO_TEST_CASE(layers_come_in_the_order_in_which_they_are_applied_with_their_chains)
{
    fixture const f;
    auto const g = f.whole(everything());
    for(std::size_t i = 0; i != 4; ++i) {
        auto const& base = g.closure.blobs[2 * i];
        auto const& top = g.closure.blobs[2 * i + 1];
        BOOST_TEST(base.info.id == f.multi.parts[i].base.id);
        BOOST_TEST(base.chain == base.info.id);
        BOOST_TEST(top.diff_id == top.info.id.str());
        BOOST_TEST(top.info.id == f.multi.parts[i].top.id);
        BOOST_TEST(top.chain.str() == tx::chain_ids(texts{base.info.id.str(), top.info.id.str()}).back());
    }
    for(std::size_t i = 8; i != g.closure.blobs.size(); ++i)
        BOOST_TEST((g.closure.blobs[i].chain.empty() && g.closure.blobs[i].diff_id.empty()));
}

BOOST_AUTO_TEST_CASE(one_platform_is_its_manifest_unless_told_otherwise)
{
    fixture const f;
    for(auto const& choice : {host(arm64), wanted({arm64})}) {
        auto const g = f.whole(choice);
        BOOST_TEST(g.closure.root.id == f.multi.parts[1].manifest.id);
        BOOST_TEST((g.closure.root.target == arm64));
        BOOST_TEST((g.closure.original == f.multi.index.id));
        BOOST_TEST(manifests_of(g) == (texts{f.multi.parts[1].manifest.id.str()}), boost::test_tools::per_element());
        BOOST_TEST(g.closure.blobs.size() == 2u);
        BOOST_TEST(g.preferred.id == f.multi.parts[1].config.id);
    }
}

BOOST_AUTO_TEST_CASE(one_platform_needs_nothing_of_the_others)
{
    fixture f;
    for(std::size_t n : {0u, 2u, 3u}) {
        f.store.remove(f.multi.parts[n].manifest);
        f.store.remove(f.multi.parts[n].top);
    }
    f.store.remove(f.multi.attestations[0]);
    BOOST_TEST(f.whole(wanted({arm64})).closure.root.id == f.multi.parts[1].manifest.id);
    BOOST_TEST(f.whole({wanted({arm64}), completeness::prune}).closure.images.size() == 1u);
    BOOST_TEST(f.whole({wanted({arm64}), completeness::keep}).closure.root.id == f.multi.index.id);
}

BOOST_AUTO_TEST_CASE(some_platforms_need_a_word_on_the_index)
{
    fixture const f;
    auto const g = f.gather(wanted({arm64, amd64}));
    BOOST_TEST_REQUIRE(g.has_error());
    BOOST_TEST(g.error().code == error::incomplete_index);
    BOOST_TEST(g.error().subject == "app:1");
    BOOST_TEST(g.error().detail == "2 platforms are chosen of linux/amd64, linux/arm64, linux/arm/v7, linux/s390x");
    BOOST_TEST(contains(message(g.error()), "prune or keep"));
    // All of them by name are all.
    BOOST_TEST(f.whole(wanted({s390x, arm64, amd64, arm_v7})).closure.root.id == f.multi.index.id);
}

BOOST_AUTO_TEST_CASE(keep_leaves_the_index_as_it_is)
{
    fixture const f;
    auto const g = f.whole({wanted({arm64, s390x}), completeness::keep});
    BOOST_TEST(g.closure.root.id == f.multi.index.id);
    BOOST_TEST(!g.closure.original.has_value());
    BOOST_TEST(g.closure.manifests.front().text == f.store.all().at(f.multi.index.id));
    BOOST_TEST(manifests_of(g) == (texts{f.multi.index.id.str(), f.multi.parts[1].manifest.id.str(), f.multi.parts[3].manifest.id.str(),
                                      f.multi.attestations[1].id.str()}),
        boost::test_tools::per_element());
    BOOST_TEST(has_blob(g, f.multi.statements[1]));
    BOOST_TEST(!has_blob(g, f.multi.statements[0]));
    BOOST_TEST(g.preferred.architecture == "arm64");
    // The first that is named is preferred, whatever its place in the index.
    BOOST_TEST(f.whole({wanted({s390x, arm64}), completeness::keep}).preferred.architecture == "s390x");
}

BOOST_AUTO_TEST_CASE(prune_writes_the_index_anew_and_says_so)
{
    fixture const f;
    auto const g = f.whole({wanted({s390x, arm64}), completeness::prune});
    BOOST_TEST((g.closure.original == f.multi.index.id));
    BOOST_TEST((g.closure.root.id != f.multi.index.id));
    BOOST_TEST(g.closure.root.media_type == tx::media_type::oci_index);
    BOOST_TEST(manifests_of(g)[0] == g.closure.root.id.str());
    auto const root = root_of(g);
    // In the order of the index, and with all that it says of them.
    BOOST_TEST_REQUIRE(root.manifests.size() == 3u);
    BOOST_TEST((root.manifests[0] == f.multi.parts[1].manifest));
    BOOST_TEST((root.manifests[1] == f.multi.parts[3].manifest));
    BOOST_TEST(root.manifests[2].id == f.multi.attestations[1].id);
    BOOST_TEST((root.manifests[2].annotation("vnd.docker.reference.digest") == f.multi.parts[1].manifest.id.str()));
    BOOST_TEST_REQUIRE(root.annotations.size() == 1u);
    BOOST_TEST(root.annotations[0].first == tx::original_digest_annotation);
    BOOST_TEST(root.annotations[0].second == f.multi.index.id.str());
}

BOOST_AUTO_TEST_CASE(strict_lists_all_that_is_missing)
{
    fixture f;
    f.store.remove(f.multi.parts[1].manifest);
    f.store.remove(f.multi.parts[2].config);
    f.store.remove(f.multi.parts[2].top);
    f.store.remove(f.multi.statements[0]);
    auto const g = f.gather(everything());
    BOOST_TEST_REQUIRE(g.has_value());
    BOOST_TEST(g->missing == (texts{"manifest " + f.multi.parts[1].manifest.id.str() + " of linux/arm64",
                                 "config " + f.multi.parts[2].config.id.str() + " of linux/arm/v7",
                                 "layer 1 " + f.multi.parts[2].top.id.str() + " of linux/arm/v7",
                                 "blob " + f.multi.statements[0].id.str() + " of manifest " + f.multi.attestations[0].id.str()}),
        boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_named_must_be_there_whatever_becomes_of_the_rest)
{
    fixture f;
    f.store.remove(f.multi.parts[1].base);
    f.store.remove(f.multi.parts[3].manifest);
    for(auto const mode : {completeness::prune, completeness::keep}) {
        auto const g = f.gather({wanted({amd64, arm64, s390x}), mode});
        BOOST_TEST_REQUIRE(g.has_value());
        BOOST_TEST(g->missing == (texts{"layer 0 " + f.multi.parts[1].base.id.str() + " of linux/arm64",
                                     "manifest " + f.multi.parts[3].manifest.id.str() + " of linux/s390x"}),
            boost::test_tools::per_element());
    }
    auto const alone = f.gather(wanted({arm64}));
    BOOST_TEST_REQUIRE(alone.has_value());
    BOOST_TEST(alone->missing.size() == 1u);
}

BOOST_AUTO_TEST_CASE(of_all_platforms_prune_and_keep_take_those_that_are_whole)
{
    fixture f;
    f.store.remove(f.multi.parts[0].base);
    f.store.remove(f.multi.parts[2].manifest);
    f.store.remove(f.multi.statements[1]);
    auto const pruned = f.whole({everything(), completeness::prune});
    BOOST_TEST(platforms_of(pruned) == (texts{"linux/arm64", "linux/s390x"}), boost::test_tools::per_element());
    // The one attestation is not whole, and the other is about what is not there.
    BOOST_TEST(root_of(pruned).manifests.size() == 2u);
    BOOST_TEST(pruned.preferred.architecture == "arm64");
    auto const kept = f.whole({everything(), completeness::keep});
    BOOST_TEST(kept.closure.root.id == f.multi.index.id);
    BOOST_TEST(platforms_of(kept) == (texts{"linux/arm64", "linux/s390x"}), boost::test_tools::per_element());
    BOOST_TEST(manifests_of(kept).size() == 3u);
    for(std::size_t n : {1u, 3u})
        f.store.remove(f.multi.parts[n].config);
    auto const none = f.gather({everything(), completeness::prune});
    BOOST_TEST_REQUIRE(none.has_value());
    BOOST_TEST(none->missing.size() == 4u);
}

BOOST_AUTO_TEST_CASE(an_index_of_one_platform_stays_with_its_attestations)
{
    fixture f;
    auto const index = f.store.add_index({f.multi.parts[0].manifest, f.multi.attestations[0]});
    auto const g = tx::gather(f.store, index, host()).value();
    BOOST_TEST(g.closure.root.id == index.id);
    BOOST_TEST(manifests_of(g).size() == 3u);
    f.store.remove(f.multi.attestations[0]);
    BOOST_TEST(tx::gather(f.store, index, host()).value().missing.size() == 1u);
    auto const pruned = tx::gather(f.store, index, {host(), completeness::prune}).value();
    BOOST_TEST(root_of(pruned).manifests.size() == 1u);
}

BOOST_AUTO_TEST_CASE(artifacts_follow_what_they_are_about)
{
    fixture f;
    auto const manifest_about = [&](std::string const& about) {
        auto const config = f.store.add("{}", "application/vnd.oci.empty.v1+json");
        auto const text = R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/x.sbom",)"
                          R"("config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":")" + config.id.str() + R"(","size":2},"layers":[])"
                          + about + "}";
        auto d = f.store.add(text, tx::media_type::oci_manifest);
        d.artifact_type = "application/x.sbom";
        return d;
    };
    auto const subject = [](descriptor const& d) {
        return R"(,"subject":{"mediaType":")" + d.media_type + R"(","digest":")" + d.id.str() + R"(","size":)" + std::to_string(d.size) + "}";
    };
    auto const sbom = manifest_about(subject(f.multi.parts[0].manifest));
    auto const on_sbom = manifest_about(subject(sbom));
    auto const alone = manifest_about("");
    auto const text = f.store.add("something else", "application/x.other");
    auto const index = f.store.add_index({on_sbom, f.multi.parts[0].manifest, f.multi.parts[1].manifest, sbom, alone, text});
    auto const entries = [&](content_choice const& choice) {
        texts all;
        for(auto const& d : root_of(tx::gather(f.store, index, choice).value()).manifests)
            all.push_back(d.id.str());
        return all;
    };
    BOOST_TEST(entries({wanted({amd64}), completeness::prune}) == (texts{on_sbom.id.str(), f.multi.parts[0].manifest.id.str(), sbom.id.str()}),
        boost::test_tools::per_element());
    BOOST_TEST(entries({wanted({arm64}), completeness::prune}) == (texts{f.multi.parts[1].manifest.id.str()}), boost::test_tools::per_element());
    auto const everything_there = tx::gather(f.store, index, everything()).value();
    BOOST_TEST(everything_there.closure.root.id == index.id);
    BOOST_TEST(has_blob(everything_there, text));
    f.store.remove(text);
    BOOST_TEST(tx::gather(f.store, index, everything()).value().missing == (texts{"blob " + text.id.str()}), boost::test_tools::per_element());
    f.store.remove(f.multi.parts[0].top);
    BOOST_TEST(entries({everything(), completeness::prune}) == (texts{f.multi.parts[1].manifest.id.str(), alone.id.str()}),
        boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(indexes_inside_indexes_are_written_anew_too)
{
    fixture f;
    auto const inner = f.store.add_index({f.multi.parts[1].manifest, f.multi.parts[2].manifest});
    auto const outer = f.store.add_index({f.multi.parts[0].manifest, inner, annotated(inner, "again", "yes")});
    auto const g = tx::gather(f.store, outer, {wanted({amd64, arm64}), completeness::prune}).value();
    auto const root = root_of(g);
    BOOST_TEST_REQUIRE(root.manifests.size() == 3u);
    BOOST_TEST((root.manifests[1].id != inner.id));
    BOOST_TEST(root.manifests[1].id == root.manifests[2].id);
    BOOST_TEST(root.manifests[2].annotation("again").has_value());
    BOOST_TEST(g.closure.manifests[1].info.id == root.manifests[1].id);
    BOOST_TEST(tx::parse_index(g.closure.manifests[1].text, "").value().manifests.size() == 1u);
    BOOST_TEST(manifests_of(g).size() == 4u);
    // Nothing of the inner one is left.
    auto const only_amd64 = tx::gather(f.store, outer, {wanted({amd64}), completeness::prune}).value();
    BOOST_TEST(root_of(only_amd64).manifests.size() == 1u);
    BOOST_TEST(manifests_of(only_amd64).size() == 2u);
    BOOST_TEST(manifests_of(tx::gather(f.store, outer, {wanted({arm64}), completeness::keep}).value()).size() == 3u);
    f.store.remove(inner);
    BOOST_TEST(tx::gather(f.store, outer, everything()).value().missing == (texts{"index " + inner.id.str()}), boost::test_tools::per_element());
    BOOST_TEST(root_of(tx::gather(f.store, outer, {everything(), completeness::prune}).value()).manifests.size() == 1u);
    BOOST_TEST(tx::gather(f.store, outer, wanted({amd64})).value().closure.root.id == f.multi.parts[0].manifest.id);
}

BOOST_AUTO_TEST_CASE(an_index_written_anew_keeps_what_it_says_of_itself)
{
    fixture f;
    auto const text = R"({"schemaVersion":2,"artifactType":"application/x.y","manifests":[)"
                      R"({"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":")" + f.multi.parts[0].manifest.id.str()
                      + R"(","size":)" + std::to_string(f.multi.parts[0].manifest.size) + R"(,"platform":{"architecture":"amd64","os":"linux"}},)"
                      R"({"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":")" + f.multi.parts[1].manifest.id.str()
                      + R"(","size":)" + std::to_string(f.multi.parts[1].manifest.size) + R"(,"platform":{"architecture":"arm64","os":"linux"}}],)"
                      R"("annotations":{"a":"b"}})";
    auto const index = f.store.add(text, tx::media_type::oci_index);
    auto const g = tx::gather(f.store, index, {wanted({amd64}), completeness::prune}).value();
    auto const root = root_of(g);
    BOOST_TEST(root.artifact_type == "application/x.y");
    BOOST_TEST(root.annotations.size() == 2u);
    BOOST_TEST(tx::check_schema(tx::document_kind::index, g.closure.manifests.front().text, "x").has_value());
}

BOOST_AUTO_TEST_CASE(foreign_layers_are_embedded_left_out_or_told_by_url)
{
    memory_blobs store;
    auto const plain = store.add_layer("plain");
    auto foreign = store.add("foreign", "application/vnd.oci.image.layer.nondistributable.v1.tar");
    auto const no_url = store.add_manifest(store.add_config(amd64, {foreign, plain}), {foreign, plain});
    foreign.urls = {"https://example.com/layer"};
    auto const with_url = store.add_manifest(store.add_config(amd64, {foreign, plain}), {foreign, plain});
    auto const gathered = [&](descriptor const& d, foreign_layers how) {
        return tx::gather(store, d, {host(), completeness::strict, how}).value();
    };
    BOOST_TEST(has_blob(gathered(with_url, foreign_layers::embed), foreign));
    for(auto const how : {foreign_layers::skip, foreign_layers::url_only}) {
        auto const g = gathered(with_url, how);
        BOOST_TEST(g.missing.empty());
        BOOST_TEST(!has_blob(g, foreign));
        BOOST_TEST(has_blob(g, plain));
        BOOST_TEST(g.closure.blobs.size() == 2u);
    }
    BOOST_TEST(gathered(no_url, foreign_layers::skip).missing.empty());
    BOOST_TEST(contains(gathered(no_url, foreign_layers::url_only).missing.at(0), "the URL of layer 0 " + foreign.id.str()));
    // What another manifest of the same index calls an ordinary layer is one.
    auto ordinary = foreign;
    ordinary.media_type = plain.media_type;
    auto const both = store.add_index({on(amd64, with_url), on(arm64, store.add_manifest(store.add_config(arm64, {ordinary}), {ordinary}))});
    auto const shared = tx::gather(store, both, {everything(), completeness::strict, foreign_layers::skip}).value();
    BOOST_TEST(has_blob(shared, foreign));
    BOOST_TEST(shared.closure.blobs.size() == 2u);
    store.remove(foreign);
    BOOST_TEST(contains(gathered(with_url, foreign_layers::embed).missing.at(0), "(foreign, and may be left out: skip, or URL only)"));
    BOOST_TEST(gathered(with_url, foreign_layers::skip).missing.empty());
    BOOST_TEST(gathered(with_url, foreign_layers::url_only).missing.empty());
}

BOOST_AUTO_TEST_CASE(a_manifest_without_an_index_is_taken_as_it_is)
{
    fixture const f;
    auto plain = f.multi.parts[1].manifest;
    plain.target.reset();
    auto const g = tx::gather(f.store, plain, {}).value();
    BOOST_TEST(g.closure.root.id == plain.id);
    BOOST_TEST((g.closure.root.target == arm64)); // from the config
    BOOST_TEST(!g.closure.original.has_value());
    BOOST_TEST(tx::gather(f.store, plain, wanted({amd64})).error().code == error::unknown_platform);
}

BOOST_AUTO_TEST_CASE(an_image_that_engines_can_load_is_preferred)
{
    memory_blobs store;
    auto const w = on(windows, store.add_image(windows)), s = on(s390x, store.add_image(s390x));
    auto const g = tx::gather(store, store.add_index({w, s}), everything()).value();
    BOOST_TEST(g.preferred.architecture == "s390x");
    BOOST_TEST(g.closure.images.size() == 2u);
    BOOST_TEST(tx::gather(store, store.add_index({w}), everything()).value().preferred.os == "windows");
}

BOOST_AUTO_TEST_CASE(what_is_damaged_or_hostile_is_refused)
{
    fixture f;
    BOOST_TEST(tx::gather(f.store, f.multi.attestations[0], {}).error().code == error::not_an_image);
    BOOST_TEST(tx::gather(f.store, f.multi.parts[0].base, {}).error().code == error::not_an_image);
    BOOST_TEST(tx::gather(f.store, f.store.add_index({}), everything()).error().code == error::not_an_image);
    BOOST_TEST(f.gather(wanted({windows})).error().code == error::unknown_platform);
    auto missing = f.multi.index;
    missing.id = tx::digest_of(std::string_view("elsewhere"));
    BOOST_TEST(tx::gather(f.store, missing, everything()).error().code == error::missing_blob);
    auto const says_unknown = f.store.add_image(unknown);
    for(auto const mode : {completeness::prune, completeness::keep})
        BOOST_TEST(tx::gather(f.store, f.store.add_index({says_unknown}), {everything(), mode}).error().code == error::not_an_image);
    BOOST_TEST(tx::gather(f.store, says_unknown, wanted({unknown})).error().code == error::not_an_image);
    std::stop_source stop;
    stop.request_stop();
    BOOST_TEST(tx::gather(f.store, f.multi.index, everything(), "app:1", stop.get_token()).error().code == error::cancelled);

    // Damage is told as such, and by no mode taken for absence.
    f.store.all().at(f.multi.parts[1].config.id)[5] ^= 1;
    for(auto const mode : {completeness::strict, completeness::prune, completeness::keep})
        BOOST_TEST(f.gather({everything(), mode}).error().code == error::digest_mismatch);
    f.store.all().at(f.multi.parts[1].config.id)[5] ^= 1;
    f.store.all().at(f.multi.parts[1].base.id) += "x";
    BOOST_TEST(f.gather({everything(), completeness::prune}).error().code == error::size_mismatch);

    // Many paths to one index: each is walked once.
    auto index = f.store.add_index({f.multi.parts[0].manifest});
    for(int depth = 0; depth != 6; ++depth)
        index = f.store.add_index(std::vector<descriptor>(200, index));
    BOOST_TEST(tx::gather(f.store, index, {host(), completeness::prune}).value().closure.manifests.size() == 8u);
    for(int depth = 0; depth != 2; ++depth)
        index = f.store.add_index({index});
    BOOST_TEST(tx::gather(f.store, index, everything()).error().code == error::cyclic_index);
}
