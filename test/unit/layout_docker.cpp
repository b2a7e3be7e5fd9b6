//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/layout/docker.hpp>
#include <tarexport/oci_documents.hpp>
#include <tarexport/thin.hpp>

#define BOOST_TEST_MODULE layout_docker
#include <boost/test/unit_test.hpp>

#include <boost/json.hpp>

using namespace tarexport;
namespace json = boost::json;

namespace {

// An image with these layers; the third member of a layer is what the store has, if it is not the plain tar.
struct stored {
    std::string tar;
    std::string as = {};
    std::string type = std::string(media_type::oci_layer);
};

selection make_image(std::vector<stored> const& layers, std::vector<std::string> const& tags, std::string const& created = "",
    std::string const& os = "linux")
{
    std::string ids;
    for(auto const& l : layers)
        ids += (ids.empty() ? "\"" : ",\"") + digest_of(l.tar).str() + "\"";
    std::string config = R"({"os":")" + os + R"(","architecture":"amd64")" + (created.empty() ? "" : R"(,"created":")" + created + "\"")
                         + R"(,"rootfs":{"type":"layers","diff_ids":[)" + ids + "]}}";
    auto const id = digest_of(config);
    selection s;
    s.config = parse_image(std::move(config), id).value();
    for(auto const& t : tags)
        s.tags.push_back(parse_reference(t).value());
    for(std::size_t n = 0; n != layers.size(); ++n) {
        auto const& bytes = layers[n].as.empty() ? layers[n].tar : layers[n].as;
        descriptor d;
        d.media_type = layers[n].type;
        d.id = digest_of(bytes);
        d.size = bytes.size();
        s.layers.push_back({d, static_cast<std::uint32_t>(n)});
    }
    return s;
}

plan lay_out(std::vector<selection> const& images)
{
    return docker_layout().lay_out(images).value();
}

std::size_t find(plan const& p, std::string_view path)
{
    for(std::size_t i = 0; i != p.count(); ++i)
        if(p.path(i) == path)
            return i;
    return p.count();
}

std::string text(plan const& p, std::string_view path)
{
    auto const i = find(p, path);
    return i == p.count() ? "" : p.document_text(i);
}

std::int64_t time_of(plan const& p, std::string_view path)
{
    return p.entry(find(p, path)).mtime;
}

} // namespace

BOOST_AUTO_TEST_CASE(entries_are_in_lexical_order_with_their_directories_first)
{
    auto const p = lay_out({make_image({{"a"}, {"b"}}, {"app:1"}), make_image({{"a"}}, {})});
    std::vector<std::string> paths;
    for(std::size_t i = 0; i != p.count(); ++i)
        paths.push_back(p.path(i));
    BOOST_TEST(std::ranges::is_sorted(paths));
    BOOST_TEST(paths[0] == "blobs/");
    BOOST_TEST(paths[1] == "blobs/sha256/");
    BOOST_TEST((std::ranges::adjacent_find(paths) == paths.end()));
    BOOST_TEST(p.layers().size() == 2u);
}

BOOST_AUTO_TEST_CASE(every_untagged_image_is_in_the_index)
{
    auto const p = lay_out({make_image({{"a"}}, {"app:1", "app:2"}), make_image({{"b"}}, {}), make_image({{"c"}}, {})});
    auto const index = json::parse(text(p, "index.json"));
    BOOST_TEST(index.at("manifests").as_array().size() == 4u);
    BOOST_TEST(!index.at("manifests").as_array()[2].as_object().contains("annotations"));
    auto const items = json::parse(text(p, "manifest.json"));
    BOOST_TEST(items.as_array().size() == 3u);
    BOOST_TEST(items.as_array()[1].at("RepoTags").is_null());
}

BOOST_AUTO_TEST_CASE(without_tags_there_is_no_repositories_file)
{
    auto const p = lay_out({make_image({{"a"}}, {})});
    BOOST_TEST(find(p, "repositories") == p.count());
}

BOOST_AUTO_TEST_CASE(times_are_the_images_and_the_clock_is_the_epoch)
{
    auto const first = make_image({{"shared"}, {"one"}}, {"a:1"}, "2024-01-02T03:04:05.9Z");
    auto const second = make_image({{"shared"}, {"two"}}, {"b:1"}, "2025-01-01T00:00:00Z");
    auto const p = lay_out({first, second});
    BOOST_TEST(time_of(p, plan::blob_path(digest_of(std::string_view("shared")))) == 1704164645);
    BOOST_TEST(time_of(p, plan::blob_path(digest_of(std::string_view("two")))) == 1735689600);
    BOOST_TEST(time_of(p, plan::blob_path(first.config.id)) == 1704164645);
    BOOST_TEST(time_of(p, "blobs/") == 1735689600);
    for(auto const* path : {"blobs/sha256/", "index.json", "manifest.json", "oci-layout", "repositories"})
        BOOST_TEST(time_of(p, path) == 0);
    auto const timeless = lay_out({make_image({{"a"}}, {"a:1"})});
    for(std::size_t i = 0; i != timeless.count(); ++i)
        BOOST_TEST(timeless.entry(i).mtime == 0);
}

BOOST_AUTO_TEST_CASE(compressed_layers_keep_their_digest_and_media_type)
{
    std::string const type = "application/vnd.oci.image.layer.v1.tar+gzip";
    auto const p = lay_out({make_image({{"plain"}, {"tar", "gzip of tar", type}}, {"app:1"})});
    auto const stored = digest_of(std::string_view("gzip of tar")), diff = digest_of(std::string_view("tar"));
    BOOST_TEST((find(p, plan::blob_path(stored)) != p.count()));
    BOOST_TEST((find(p, plan::blob_path(diff)) == p.count()));
    auto const item = json::parse(text(p, "manifest.json")).as_array()[0];
    BOOST_TEST(item.at("Layers").as_array()[1].as_string() == plan::blob_path(stored));
    auto const& source = item.at("LayerSources").at(diff.str());
    BOOST_TEST(source.at("mediaType").as_string() == type);
    BOOST_TEST(source.at("digest").as_string() == stored.str());
    auto const index = json::parse(text(p, "index.json"));
    auto const manifest = json::parse(text(p, "blobs/sha256/" + std::string(index.at("manifests").as_array()[0].at("digest").as_string()).substr(7)));
    BOOST_TEST(manifest.at("layers").as_array()[0].at("mediaType").as_string() == media_type::oci_layer);
    BOOST_TEST(manifest.at("layers").as_array()[1].at("mediaType").as_string() == type);
}

BOOST_AUTO_TEST_CASE(nothing_assumes_64_digits)
{
    auto image = make_image({{"a"}}, {"app:1"});
    image.config.id = digest_of<sha512>(image.config.config);
    image.layers[0].info.id = digest_of<sha384>(std::string_view("a"));
    image.layers[0].info.media_type = "application/vnd.oci.image.layer.v1.tar";
    auto const p = lay_out({image});
    for(auto const* directory : {"blobs/sha256/", "blobs/sha384/", "blobs/sha512/"})
        BOOST_TEST((find(p, directory) != p.count()));
    BOOST_TEST((find(p, plan::blob_path(image.config.id)) != p.count()));
    BOOST_TEST((find(p, plan::blob_path(image.layers[0].info.id)) != p.count()));
    BOOST_TEST(json::parse(text(p, "manifest.json")).as_array()[0].at("Config").as_string() == plan::blob_path(image.config.id));
}

BOOST_AUTO_TEST_CASE(parents_are_kept_only_inside_the_archive)
{
    auto const base = make_image({{"a"}}, {"base:1"});
    auto child = make_image({{"a"}, {"b"}}, {"child:1"});
    child.config.parent = base.config.id;
    auto const with = json::parse(text(lay_out({child, base}), "manifest.json"));
    BOOST_TEST(with.as_array()[0].at("Parent").as_string() == base.config.id.str());
    auto const without = json::parse(text(lay_out({child}), "manifest.json"));
    BOOST_TEST(!without.as_array()[0].as_object().contains("Parent"));
}

BOOST_AUTO_TEST_CASE(an_old_id_has_one_config_whatever_its_system_is_called)
{
    auto const configs = [](std::vector<selection> const& images) {
        std::vector<std::string> found;
        auto const p = lay_out(images);
        for(std::size_t i = 0; i != p.count(); ++i)
            if(p.entry(i).kind == entry_kind::document)
                if(auto text = p.document_text(i); text.find("container_config") != text.npos)
                    found.push_back(std::move(text));
        std::ranges::sort(found);
        return found;
    };
    auto const lower = make_image({{"a"}, {"b"}}, {"lower:1"}), upper = make_image({{"a"}, {"b"}}, {"upper:1"}, {}, "Linux");
    auto const other = make_image({{"a"}, {"c"}}, {"other:1"});
    // Of the base layer, the engine keeps the config that comes first; those of the top layers have IDs of their own.
    auto const lower_first = configs({lower, upper}), upper_first = configs({upper, lower});
    BOOST_TEST(lower_first.size() == 3u);
    BOOST_TEST(upper_first.size() == 3u);
    BOOST_TEST((lower_first != upper_first));
    BOOST_TEST(configs({lower, other}).size() == 3u);
    BOOST_TEST(configs({lower, other, upper}).size() == 4u);
}

BOOST_AUTO_TEST_CASE(long_lists_are_whole)
{
    std::vector<selection> images;
    for(int n = 0; n != 400; ++n)
        images.push_back(make_image({{"a"}, {"layer " + std::to_string(n)}}, {"app:" + std::to_string(n)}));
    auto const p = lay_out(images);
    for(auto const* const name : {"manifest.json", "index.json"})
        BOOST_TEST(p.entry(find(p, name)).size > 100'000u); // more than one part
    auto const items = json::parse(text(p, "manifest.json")).as_array();
    auto const entries = json::parse(text(p, "index.json")).at("manifests").as_array();
    BOOST_TEST_REQUIRE(items.size() == images.size());
    BOOST_TEST_REQUIRE(entries.size() == images.size());
    for(std::size_t n = 0; n != images.size(); ++n) {
        auto const tag = "app:" + std::to_string(n);
        BOOST_TEST(items[n].at("RepoTags").at(0).as_string() == tag);
        BOOST_TEST(items[n].at("Config").as_string() == plan::blob_path(images[n].config.id));
        BOOST_TEST(entries[n].at("annotations").at("io.containerd.image.name").as_string() == "docker.io/library/" + tag);
    }
    for(std::size_t i = 0; i != p.count(); ++i)
        if(p.entry(i).kind == entry_kind::document)
            BOOST_TEST(p.id(i) == digest_of(p.document_text(i)));
    auto const index_json = text(p, "index.json");
    BOOST_TEST((render_index(parse_index(index_json, "index.json").value()) == index_json));
    // The parts are also those of a thin archive.
    left_out_layer left;
    left.id = images[0].layers[0].info.id;
    auto const thin = leave_out(p, std::span(&left, 1));
    BOOST_TEST((text(thin.value(), "manifest.json") == text(p, "manifest.json")));
}

BOOST_AUTO_TEST_CASE(a_thin_archive_becomes_thinner_in_one_step_or_in_several)
{
    auto const image = make_image({{"a"}, {"b"}, {"c"}}, {"app:1"});
    auto const full = lay_out({image});
    std::vector<left_out_layer> layers(2);
    layers[0].id = image.layers[0].info.id;
    layers[1].id = image.layers[2].info.id;
    auto const once = leave_out(full, layers).value();
    auto const twice = leave_out(leave_out(full, std::span(layers).first(1)).value(), std::span(layers).last(1)).value();
    BOOST_TEST(twice.etag() == once.etag());
    BOOST_TEST(twice.count() == once.count());
    BOOST_TEST(twice.left_out().size() == 2u);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_loaded_is_refused)
{
    BOOST_TEST(docker_layout().lay_out({}).error().code == error::no_names);
    auto const empty = docker_layout().lay_out(std::vector{make_image({}, {"empty:1"})});
    BOOST_TEST(empty.error().code == error::empty_image);
    BOOST_TEST(empty.error().subject == "empty:1");
    auto lacking = make_image({{"a"}, {"b"}}, {"app:1"});
    lacking.layers.pop_back();
    auto const refused = docker_layout().lay_out(std::vector{make_image({{"a"}}, {}), lacking});
    BOOST_TEST(refused.error().code == error::invalid_config);
    BOOST_TEST(refused.error().detail == "1 layers for 2 diff IDs");
}

BOOST_AUTO_TEST_CASE(a_layer_may_come_twice_in_an_image)
{
    auto const p = lay_out({make_image({{"a"}, {"b"}, {"a"}}, {"dup:1"})});
    BOOST_TEST(p.layers().size() == 2u);
    BOOST_TEST(json::parse(text(p, "manifest.json")).as_array()[0].at("Layers").as_array().size() == 3u);
}
