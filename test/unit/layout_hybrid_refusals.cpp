//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/layout/hybrid.hpp>

#define BOOST_TEST_MODULE layout_hybrid_refusals
#include <boost/test/unit_test.hpp>

#include <tarexport/sink/memory.hpp>
#include <tarexport/store/memory.hpp>
#include <tarexport/testing/counting_store.hpp>
#include <tarexport/testing/failing_store.hpp>

#include "hybrid_support.hpp"

using namespace hybrids;

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

BOOST_AUTO_TEST_CASE(an_image_without_layers_is_refused)
{
    tx::memory_store s;
    s.add_image(tx::image_config{.cmd = {"x"}}, {}, {"empty:1"}).value();
    auto const p = plan_of(s, names("empty:1"));
    BOOST_TEST(p.error().code == error::empty_image);
    BOOST_TEST(p.error().subject == "empty:1");
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
    // However long the names are, the first are told.
    for(std::size_t length = 1; length != 5; ++length) {
        auto const repository = "host:5000/" + std::string(length, 'm');
        names many;
        std::vector<tx::descriptor> entries{layouts::named(folder.add_manifest(folder.add_config(arm64, {layer}), {layer}), "host:5000/z:1")};
        for(int n = 0; n != 6000; ++n) {
            auto const name = repository + ":" + std::to_string(n);
            entries.push_back(layouts::named(whole, name));
            many.add(name);
        }
        many.add("host:5000/z:1");
        folder.finish(entries);
        std::filesystem::remove(folder.blob_path(layer.id));
        auto const refused = plan_of(tx::oci_layout_store(folder.path().string()), many).error();
        BOOST_TEST(refused.subject.starts_with(repository + ":0, "));
        BOOST_TEST(refused.subject.ends_with(", .."));
        BOOST_TEST(refused.subject.size() < 70'000u);
    }
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
