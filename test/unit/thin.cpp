//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/thin.hpp>

#define BOOST_TEST_MODULE thin
#include <boost/test/unit_test.hpp>

#include <tarexport/layout/hybrid.hpp>
#include <tarexport/plan_builder.hpp>
#include <tarexport/plan_text.hpp>
#include <tarexport/saver.hpp>
#include <tarexport/sink/memory.hpp>
#include <tarexport/store/memory.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

using namespace tarexport;

namespace {

struct sample_images {
    sample_images()
    {
        base = store.add_layer(std::string(3000, 'b'));
        top_id = store.add_layer(std::string(700, 't'));
        store.add_image(image_config{.cmd = {"app"}}, {base, top_id}, {"app:1.0"}).value();
        store.add_image(image_config{.cmd = {"other"}}, {base}, {"other:1"}).value();
    }

    plan full(names const& what) const { return saver(store).make_plan(what).value(); }

    plan thin(names const& what, digest_set have) const
    {
        save_options options;
        options.have = std::move(have);
        return saver(store).make_plan(what, options).value();
    }

    memory_store store;
    digest base, top_id;
};

std::vector<std::string> paths(plan const& p)
{
    std::vector<std::string> all;
    for(std::size_t i = 0; i != p.count(); ++i)
        all.push_back(p.path(i));
    return all;
}

// A layout that begins with its metadata, as this one does not.
plan metadata_first(digest const& layer)
{
    plan_builder b;
    b.add_document("index.json", "{}", 0644, 0);
    b.add_blob("config", digest_of(std::string_view("config")), 0644, 0);
    b.add_layer({layer, layer, 0, 5}, 0644, 0);
    return std::move(b).finish().value();
}

} // namespace

BOOST_FIXTURE_TEST_CASE(what_the_other_side_has_is_left_out_and_nothing_else, sample_images)
{
    auto const what = names::of("app:1.0", "other:1");
    auto const whole = full(what), part = thin(what, {base});
    auto expected = paths(whole);
    std::erase(expected, plan::blob_path(base));
    expected.emplace_back("thin.json");
    BOOST_TEST(paths(part) == expected, boost::test_tools::per_element());
    BOOST_TEST((part.etag() != whole.etag()));
    BOOST_TEST((part.images() == whole.images()));
    BOOST_TEST(part.size() == whole.size() - 512 - padded_size(3000) + 512 + padded_size(part.entry(part.count() - 1).size));
    BOOST_REQUIRE(part.left_out().size() == 1u);
    BOOST_TEST((part.left_out()[0].id == base));
}

BOOST_FIXTURE_TEST_CASE(having_nothing_of_it_changes_nothing, sample_images)
{
    auto const what = names::of("app:1.0");
    BOOST_TEST((thin(what, {digest_of(std::string_view("another"))}) == full(what)));
    BOOST_TEST((thin(what, {}) == full(what)));
}

BOOST_FIXTURE_TEST_CASE(the_document_says_what_is_left_out, sample_images)
{
    auto const part = thin(names::of("app:1.0"), {base, top_id});
    auto const last = part.count() - 1;
    BOOST_REQUIRE(part.path(last) == thin_document_path);
    auto const said = boost::json::parse(part.document_text(last));
    BOOST_TEST(said.at("schemaVersion").to_number<int>() == 1);
    BOOST_TEST(said.at("mediaType").as_string() == thin_media_type);
    auto const& layers = said.at("leftOut").as_array();
    BOOST_REQUIRE(layers.size() == 2u);
    BOOST_TEST(layers[0].at("digest").as_string() == base.str());
    BOOST_TEST(layers[0].at("diffID").as_string() == base.str());
    BOOST_TEST(layers[0].at("size").to_number<int>() == 3000);
    BOOST_TEST(layers[0].at("mediaType").as_string() == media_type::oci_layer);
    BOOST_TEST(layers[1].at("digest").as_string() == top_id.str());
    BOOST_TEST(to_table(part).find("left out " + base.str() + " 3000 bytes") != std::string::npos);
    BOOST_TEST(boost::json::parse(to_json(part)).at("leftOut").as_array().size() == 2u);
}

BOOST_FIXTURE_TEST_CASE(a_thin_archive_is_written_and_reported, sample_images)
{
    save_options options;
    options.have = {base};
    memory_sink out;
    auto const report = saver(store).save(names::of("app:1.0"), out, options);
    BOOST_TEST(report.ok());
    BOOST_TEST(report.layers_verified == 1u);
    BOOST_TEST(report.layers_left_out == 1u);
    BOOST_TEST(report.bytes_left_out == 3000u);
    BOOST_TEST((out.bytes().find(std::string(3000, 'b')) == std::string::npos));
    BOOST_TEST((out.bytes().find(std::string(700, 't')) != std::string::npos));
}

BOOST_AUTO_TEST_CASE(a_layer_is_known_by_its_diff_id_or_by_its_stored_digest)
{
    auto const stored = digest_of(std::string_view("compressed")), plain = digest_of(std::string_view("plain"));
    selection s;
    s.config.diff_ids = {plain.str()};
    selected_layer l;
    l.lease = 0;
    l.info.id = stored;
    l.info.size = 10;
    l.info.media_type = "application/vnd.oci.image.layer.v1.tar+gzip";
    s.layers = {l};
    std::vector<selection> const twice = {s, s};
    for(auto const& known : {stored, plain}) {
        auto const found = layers_to_leave_out(twice, {known});
        BOOST_REQUIRE(found.size() == 1u);
        BOOST_TEST((found[0] == left_out_layer{stored, plain.str(), l.info.media_type, 10}));
    }
    BOOST_TEST(layers_to_leave_out(twice, {digest_of(std::string_view("else"))}).empty());
}

// Foreign layers are in no archive, but what lies upon them is found by them too.
BOOST_AUTO_TEST_CASE(a_layer_on_top_of_one_that_is_left_out_anyway_is_had_where_that_is)
{
    auto const foreign = digest_of(std::string_view("foreign")), top = digest_of(std::string_view("top"));
    selection s;
    s.config.diff_ids = {foreign.str(), top.str()};
    s.layers.resize(2);
    s.layers[0].info.id = foreign;
    s.layers[1].info.id = top;
    s.layers[1].lease = 0;
    std::vector<selection> const one{s};
    BOOST_TEST(layers_to_leave_out(one, {top}).empty());
    BOOST_TEST(layers_to_leave_out(one, {top, foreign}).size() == 1u);
    auto const chain = parse_digest(chain_ids(s.config.diff_ids)[1]).value();
    BOOST_TEST(layers_to_leave_out(one, {chain, foreign}).size() == 1u);
}

// Of a closure, layers are left out by what they are; of the images themselves, by what is below them too.
BOOST_AUTO_TEST_CASE(layers_of_other_platforms_are_left_out_unless_an_image_itself_wants_them)
{
    auto const layer_of = [](std::string const& text) {
        descriptor d;
        d.id = digest_of(text);
        d.size = text.size();
        return d;
    };
    auto const had = layer_of("had"), wanted = layer_of("wanted"), below = layer_of("below");
    auto const image_of = [](std::vector<descriptor> const& own, std::vector<descriptor> const& all) {
        selection s;
        content_closure c;
        for(auto const& l : own) {
            s.config.diff_ids.push_back(l.id.str());
            s.layers.push_back({l, 0});
        }
        for(auto const& l : all)
            c.blobs.push_back({l, l.id.str(), {}, 0});
        s.closure = std::make_shared<content_closure>(c);
        return s;
    };
    std::vector<selection> const images{image_of({}, {wanted, had}), image_of({below}, {below, had}), image_of({below, wanted}, {had})};
    for(int const turn : {0, 1, 2}) {
        auto turned = images;
        std::ranges::rotate(turned, turned.begin() + turn);
        auto const found = layers_to_leave_out(turned, {had.id, wanted.id});
        BOOST_REQUIRE(found.size() == 1u);
        BOOST_TEST(found[0].id == had.id);
    }
}

BOOST_AUTO_TEST_CASE(the_document_of_a_thin_plan_is_replaced_wherever_it_is)
{
    auto const first = digest_of(std::string_view("first")), second = digest_of(std::string_view("second"));
    plan_builder b;
    b.add_document("index.json", "{}", 0644, 0);
    b.add_layer({first, first, 0, 5}, 0644, 0);
    b.add_layer({second, second, 0, 6}, 0644, 0);
    auto thin = leave_out(std::move(b).finish().value(), std::vector{left_out_layer{first, first.str(), {}, 5}}).value();
    plan_builder more(std::move(thin));
    more.add_document("last", "1", 0644, 0);
    auto const thinner = leave_out(std::move(more).finish().value(), std::vector{left_out_layer{second, second.str(), {}, 6}}).value();
    BOOST_TEST(paths(thinner) == (std::vector<std::string>{"index.json", "thin.json", "last"}), boost::test_tools::per_element());
    BOOST_TEST(thinner.left_out().size() == 2u);
    BOOST_TEST(boost::json::parse(thinner.document_text(1)).at("leftOut").as_array().size() == 2u);
}

BOOST_AUTO_TEST_CASE(the_document_comes_before_layers_where_the_metadata_does)
{
    auto const layer = digest_of(std::string_view("layer")), kept = digest_of(std::string_view("kept"));
    std::vector<left_out_layer> const none = {{layer, layer.str(), {}, 5}};
    plan_builder two(metadata_first(layer));
    two.add_layer({kept, kept, 1, 4}, 0644, 0);
    BOOST_TEST(paths(leave_out(std::move(two).finish().value(), none).value()) ==
        (std::vector<std::string>{"index.json", "thin.json", plan::blob_path(digest_of(std::string_view("config"))), plan::blob_path(kept)}),
        boost::test_tools::per_element());
    BOOST_TEST((leave_out(metadata_first(kept), none).value() == metadata_first(kept)));
    BOOST_TEST(paths(leave_out(metadata_first(layer), none).value()) ==
        (std::vector<std::string>{"index.json", "thin.json", plan::blob_path(digest_of(std::string_view("config")))}),
        boost::test_tools::per_element());
}

// Engines with graph drivers find layers by what lies below them too.

BOOST_FIXTURE_TEST_CASE(a_layer_on_top_of_what_is_not_had_is_not_left_out, sample_images)
{
    BOOST_TEST(thin(names::of("app:1.0"), {top_id}).left_out().empty());
    BOOST_TEST(thin(names::of("app:1.0"), {top_id, base}).left_out().size() == 2u);
}

BOOST_FIXTURE_TEST_CASE(a_layer_is_known_by_its_chain_id, sample_images)
{
    auto const chain = parse_digest(chain_ids(std::vector{base.str(), top_id.str()})[1]).value();
    BOOST_TEST(thin(names::of("app:1.0"), {base, chain}).left_out().size() == 2u);
    BOOST_TEST(thin(names::of("app:1.0"), {chain}).left_out().empty());
}

BOOST_FIXTURE_TEST_CASE(a_layer_that_one_image_needs_elsewhere_is_not_left_out, sample_images)
{
    store.add_image(image_config{.cmd = {"upside down"}}, {top_id, base}, {"down:1"}).value();
    // app is had as a whole, but its layers in another order are not
    auto const chain = parse_digest(chain_ids(std::vector{base.str(), top_id.str()})[1]).value();
    BOOST_TEST(thin(names::of("app:1.0", "down:1"), {base, chain}).left_out().empty());
    auto const left = thin(names::of("app:1.0", "other:1"), {base, chain}).left_out();
    BOOST_TEST(std::vector(left.begin(), left.end()).size() == 2u);
}

namespace {

struct hybrid {
    hybrid_layout layout;
    using hashes = default_policy::hashes;
    no_observer observer;
};

// `b` has the config of `a` as a layer.
struct odd_images {
    odd_images()
    {
        auto const base = store.add_layer("base");
        a = store.add_image(image_config{.cmd = {"a"}}, {base}, {"a:1"}).value();
        auto const odd = store.add_layer(store.load(a)->config);
        store.add_image(image_config{.cmd = {"b"}}, {base, odd}, {"b:1"}).value();
    }

    memory_store store;
    digest a;
};

template<class Policy>
void documents_stay(memory_store const& store, digest const& a)
{
    save_options options;
    options.have = {a};
    saver<memory_store, Policy> s(store, Policy());
    for(auto const& wanted : {names::of("b:1", "a:1"), names::of("a:1", "b:1")}) {
        auto const whole = s.make_plan(wanted).value();
        auto const thin = s.make_plan(wanted, options).value();
        BOOST_TEST((thin == whole));
        BOOST_TEST(thin.left_out().empty());
        BOOST_TEST(whole.layers().size() == 1u);
        auto const all = paths(whole);
        auto const at = std::ranges::find(all, plan::blob_path(a)) - all.begin();
        BOOST_REQUIRE(at != std::ssize(all));
        BOOST_TEST((whole.entry(static_cast<std::size_t>(at)).kind == entry_kind::document));
    }
    // Where it is a layer only, it is left out.
    BOOST_TEST(s.make_plan(names("b:1"), options).value().left_out().size() == 0u); // it lies upon what is not had
    options.have.insert(digest_of(std::string_view("base")));
    BOOST_TEST(s.make_plan(names("b:1"), options).value().left_out().size() == 2u);
    BOOST_TEST(s.make_plan(names::of("b:1", "a:1"), options).value().left_out().size() == 1u);
}

} // namespace

BOOST_FIXTURE_TEST_CASE(what_is_a_document_too_is_not_left_out, odd_images)
{
    documents_stay<default_policy>(store, a);
    documents_stay<hybrid>(store, a);
}
