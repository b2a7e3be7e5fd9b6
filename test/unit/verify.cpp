//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/verify.hpp>

#define BOOST_TEST_MODULE verify
#include <boost/test/unit_test.hpp>

#include <tarexport/layout/hybrid.hpp>

#include "blob_store.hpp"
#include "verify_support.hpp"

#include <tarexport/testing/fail_count.hpp>
#include <tarexport/verification_text.hpp>

#include <boost/json.hpp>

#include <variant>

using namespace verifying;

BOOST_AUTO_TEST_CASE(a_good_archive_is_good)
{
    auto const archive = hybrid();
    verify_options how;
    how.archive_digest = true;
    auto const v = verified(archive, how);
    BOOST_TEST(verified(archive).id.empty());
    BOOST_TEST(v.good(), told(v));
    BOOST_TEST(v.bytes == archive.size());
    BOOST_TEST(v.id == digest_of(std::string_view(archive)));
    BOOST_TEST(v.compression == "none");
    BOOST_TEST_REQUIRE(v.images.size() == 1u);
    BOOST_TEST((v.images[0].names == std::vector<std::string>{"app:1.0", "docker.io/library/app:1.0"}));
    BOOST_TEST(v.images[0].in_manifest_json);
    BOOST_TEST(v.images[0].in_index_json);
    BOOST_TEST_REQUIRE(v.images[0].layers.size() == 2u);
    for(auto const& l : v.images[0].layers) {
        BOOST_TEST(l.good);
        BOOST_TEST(l.id.str() == l.diff_id);
    }
    BOOST_TEST(answers(v) == "yyyyyyy");
}

BOOST_AUTO_TEST_CASE(how_the_bytes_arrive_changes_nothing)
{
    auto const archive = hybrid();
    auto const whole = to_json(verified(archive));
    for(std::size_t limit : {1u, 7u, 511u, 512u, 513u, 70000u})
        BOOST_TEST(to_json(verified(archive, {}, limit)) == whole);
}

// Each byte that is flipped is one of a blob, of a header, of padding or of the end.
BOOST_AUTO_TEST_CASE(every_flipped_byte_of_a_blob_or_header_is_told)
{
    auto const archive = hybrid();
    verify_options how;
    how.archive_digest = true;
    for(std::size_t i = 0; i + end_of_archive_size < archive.size(); i += 61) {
        auto broken = archive;
        broken[i] = static_cast<char>(broken[i] ^ 1);
        auto const v = verified(broken, how);
        BOOST_TEST((!v.good() || !v.findings.empty()), "nothing is told of byte " + std::to_string(i));
        BOOST_TEST((v.id != digest_of(std::string_view(archive))));
    }
}

BOOST_AUTO_TEST_CASE(every_cut_is_told)
{
    auto const archive = hybrid();
    for(std::size_t n = 0; n < archive.size(); n += 256) {
        auto const v = verified(std::string_view(archive).substr(0, n));
        BOOST_TEST(!v.findings.empty(), "nothing is told of a cut at " + std::to_string(n));
        BOOST_TEST((v.good() || v.of(loader::docker_28).loads == answer::no || n >= archive.size() - end_of_archive_size));
    }
}

BOOST_AUTO_TEST_CASE(the_end_of_the_archive)
{
    auto const archive = hybrid();
    auto const data = std::string_view(archive).substr(0, archive.size() - end_of_archive_size);
    BOOST_TEST(has(verified(data), severity::warning, finding_code::no_end_blocks));
    BOOST_TEST(has(verified(std::string(data) + std::string(512, '\0')), severity::warning, finding_code::no_end_blocks));
    BOOST_TEST(verified(archive + std::string(9000, '\0')).findings == verified(archive).findings);
    BOOST_TEST(has(verified(archive + std::string(512, '\0') + "x"), severity::warning, finding_code::trailing_data));
}

BOOST_AUTO_TEST_CASE(padding_that_is_not_zero)
{
    auto text = archive().add("f", "x").end();
    text[512 + 100] = 'y';
    BOOST_TEST(has(verified(text), severity::warning, finding_code::dirty_padding));
}

BOOST_AUTO_TEST_CASE(entries_that_lead_out_or_nowhere)
{
    BOOST_TEST(has(verified(parts().entries().add("../x", "x").end()), finding_code::outside_name));
    BOOST_TEST(has(verified(parts().entries().add("a/b", {}, tar_type::symlink, "../../x").end()), finding_code::outside_name));
    BOOST_TEST(has(verified(parts().entries().add("h", {}, tar_type::hard_link, "nothing").end()), finding_code::broken_link));
    BOOST_TEST(has(verified(parts().entries().add("fifo", {}, tar_type::fifo).end()), severity::warning, finding_code::odd_entry));
    BOOST_TEST(verified(parts().entries().add("a/b", {}, tar_type::symlink, "../c.json").end()).good());
}

BOOST_AUTO_TEST_CASE(links_are_followed_but_not_in_circles)
{
    parts p;
    archive a;
    a.add("c.json", p.config).add("real", p.stored[0]).add("0/layer.tar", {}, tar_type::symlink, "../real");
    a.add("1/real", p.stored[1]).add("1/layer.tar", {}, tar_type::hard_link, "1/real").add("manifest.json", p.list());
    auto const v = verified(a.end());
    BOOST_TEST(v.good(), told(v));
    BOOST_TEST(has(v, severity::warning, finding_code::link));
    BOOST_TEST((v.of(loader::docker_28).loads == answer::yes));
    BOOST_TEST((v.of(loader::podman).loads == answer::no));

    archive loop;
    loop.add("c.json", p.config).add("0/layer.tar", {}, tar_type::symlink, "x").add("0/x", {}, tar_type::symlink, "layer.tar");
    loop.add("1/layer.tar", p.stored[1]).add("manifest.json", p.list());
    BOOST_TEST(has(verified(loop.end()), finding_code::broken_link));
}

BOOST_AUTO_TEST_CASE(a_folder_that_is_a_link)
{
    parts p;
    archive a;
    a.add("c.json", p.config).add("real/layer.tar", p.stored[0]).add("0", {}, tar_type::symlink, "real");
    a.add("1/layer.tar", p.stored[1]).add("manifest.json", p.list());
    auto const v = verified(a.end());
    BOOST_TEST(v.good(), told(v));
    BOOST_TEST((v.of(loader::docker_28).loads == answer::yes));
}

BOOST_AUTO_TEST_CASE(of_equal_names_the_last_counts)
{
    parts p;
    auto const v = verified(archive().add("c.json", "{}").add("0/layer.tar", p.stored[0]).add("1/layer.tar", p.stored[1])
                                .add("manifest.json", p.list()).add("c.json", p.config).end());
    BOOST_TEST(v.good(), told(v));
    BOOST_TEST(has(v, severity::warning, finding_code::duplicate_entry));
    BOOST_TEST((v.of(loader::docker_28).loads == answer::yes));
    BOOST_TEST((v.of(loader::skopeo_docker).loads == answer::no));
}

BOOST_AUTO_TEST_CASE(layers_and_configs_that_do_not_belong_together)
{
    parts swapped;
    std::swap(swapped.stored[0], swapped.stored[1]);
    auto const v = verified(swapped.entries().end());
    BOOST_TEST(has(v, finding_code::diff_id_mismatch));
    BOOST_TEST(answers(v) == "nnnnnnn");

    parts few;
    few.stored.pop_back();
    BOOST_TEST(has(verified(few.entries().end()), finding_code::layer_count));

    parts text;
    text.layers[0] = text.stored[0] = std::string(2000, 'x');
    text.config = parts::config_of(text.layers);
    BOOST_TEST(has(verified(text.entries().end()), finding_code::not_a_tar));

    parts no_config;
    no_config.config = "{nonsense";
    BOOST_TEST(has(verified(no_config.entries().end()), finding_code::invalid_config));

    parts bad_tag;
    bad_tag.tag = "App";
    BOOST_TEST(has(verified(bad_tag.entries().end()), finding_code::invalid_name));

    parts missing;
    auto const m = verified(archive().add("c.json", missing.config).add("0/layer.tar", missing.stored[0]).add("manifest.json", missing.list()).end());
    BOOST_TEST(has(m, finding_code::missing_blob));
}

BOOST_AUTO_TEST_CASE(documents_of_no_use)
{
    for(std::string const text : {"null", "[]", "{}", "", "nonsense", "[1]", "[{\"Config\":5}]"})
        BOOST_TEST(!verified(archive().add("manifest.json", text).end()).good());
    auto const more = verified(archive().add("c.json", parts().config).add("0/layer.tar", parts().stored[0]).add("1/layer.tar", parts().stored[1])
                                   .add("manifest.json", parts().list() + " more").end());
    BOOST_TEST(more.good());
    BOOST_TEST((more.of(loader::docker_28).loads == answer::yes));
    BOOST_TEST((more.of(loader::skopeo_docker).loads == answer::no));
    for(std::string const text : {"", "not an archive", "\x1f\x8b\x08"})
        BOOST_TEST(!verified(text).good());
}

BOOST_AUTO_TEST_CASE(other_algorithms_are_verified_too)
{
    std::string const data = "bytes";
    auto const id = digest_of<sha512>(std::string_view(data));
    BOOST_TEST(!has(verified(archive().add("blobs/sha512/" + id.hex(), data).end()), finding_code::digest_mismatch));
    BOOST_TEST(has(verified(archive().add("blobs/sha512/" + id.hex(), data + "x").end()), finding_code::digest_mismatch));
}

BOOST_AUTO_TEST_CASE(thin_archives_tell_what_they_need)
{
    memory_store store;
    auto const a = store.add_layer(tar_builder().add_file("a", "first").finish().value());
    auto const b = store.add_layer(tar_builder().add_file("b", "second").finish().value());
    store.add_image(image_config{.cmd = {"app"}}, {a, b}, {"app:1.0"}).value();
    save_options how;
    how.have = digest_set{a};
    memory_sink out;
    BOOST_TEST_REQUIRE(saver(store).save(names("app:1.0"), out, how).ok());

    auto const v = verified(out.bytes());
    BOOST_TEST(v.good(), told(v));
    BOOST_TEST_REQUIRE(v.needed.size() == 1u);
    BOOST_TEST(v.needed[0].id == a);
    BOOST_TEST(v.images[0].layers[0].left_out);
    BOOST_TEST((v.of(loader::docker_28).loads == answer::depends));
    BOOST_TEST((v.of(loader::skopeo_docker).loads == answer::no));

    auto const there = verified(out.bytes(), {.have = digest_set{a}});
    BOOST_TEST(there.good());
    BOOST_TEST((there.of(loader::docker_28).loads == answer::yes));

    auto const missing = verified(out.bytes(), {.have = digest_set{b}});
    BOOST_TEST(has(missing, finding_code::not_at_hand));
    BOOST_TEST(missing.errors == 1u);
    BOOST_TEST((told(missing).find(a.str()) != std::string::npos));
    BOOST_TEST((missing.of(loader::docker_28).loads == answer::no));
}

BOOST_AUTO_TEST_CASE(other_platforms_of_a_name_are_no_disagreement)
{
    blobs::memory_blobs store;
    blobs::four_platforms const four(store);
    store.name("app:1", four.index);
    struct policy {
        hybrid_layout layout;
        using hashes = default_policy::hashes;
        no_observer observer;
    };
    memory_sink out;
    save_options all;
    all.platforms = platform_choice::all();
    BOOST_TEST_REQUIRE(tarexport::saver(store, policy{}).save(names("app:1"), out, all).ok());
    auto const v = verified(out.bytes());
    BOOST_TEST(v.images.size() == 4u);
    BOOST_TEST(std::ranges::count(v.images, true, &verified_image::in_manifest_json) == 1);
    BOOST_TEST(!has(v, severity::warning, finding_code::disagreement), told(v));
}

BOOST_AUTO_TEST_CASE(layers_that_are_not_to_be_passed_on)
{
    parts p;
    auto const blob = [](std::string const& text) { return "blobs/sha256/" + digest_of(std::string_view(text)).hex(); };
    auto const described = [](std::string const& text, std::string const& type, std::string const& more = {}) {
        return R"({"mediaType":")" + type + R"(","digest":")" + digest_of(std::string_view(text)).str() + R"(","size":)" + std::to_string(text.size()) + more + "}";
    };
    auto const made = [&](std::string const& type, std::string const& urls, bool kept, bool docker = true) {
        auto const manifest = R"({"schemaVersion":2,"config":)" + described(p.config, std::string(media_type::oci_config)) + R"(,"layers":[)" +
                              described(p.layers[0], std::string(media_type::oci_layer)) + "," + described(p.layers[1], type, urls) + "]}";
        archive a;
        a.add("oci-layout", R"({"imageLayoutVersion":"1.0.0"})").add(blob(p.config), p.config).add(blob(p.layers[0]), p.layers[0]);
        a.add(blob(manifest), manifest);
        a.add("index.json", R"({"schemaVersion":2,"manifests":[)" +
                                described(manifest, std::string(media_type::oci_manifest), R"(,"annotations":{"io.containerd.image.name":"docker.io/library/app:1"})") + "]}");
        if(docker)
            a.add("manifest.json", R"([{"Config":")" + blob(p.config) + R"(","RepoTags":["app:1"],"Layers":[")" + blob(p.layers[0]) + R"(",")" + blob(p.layers[1]) + R"("]}])");
        return (kept ? a.add(blob(p.layers[1]), p.layers[1]) : a).end();
    };
    std::string const foreign = "application/vnd.oci.image.layer.nondistributable.v1.tar", url = R"(,"urls":["https://example.com/x"])";

    auto const left_out = verified(made(foreign, url, false));
    BOOST_TEST(left_out.good(), told(left_out));
    BOOST_TEST(has(left_out, severity::warning, finding_code::left_out));
    BOOST_TEST((told(left_out).find("https://example.com/x") != std::string::npos));
    BOOST_TEST_REQUIRE(left_out.needed.size() == 1u);
    BOOST_TEST(left_out.needed[0].diff_id == digest_of(std::string_view(p.layers[1])).str());
    BOOST_TEST(left_out.images.at(0).layers.at(1).left_out);
    BOOST_TEST(answers(left_out) == "ddddndd", told(left_out));
    BOOST_TEST(answers(verified(made(foreign, {}, false))) == "ddddnnd");
    auto const there = verified(made(foreign, url, false), {.have = digest_set{digest_of(std::string_view(p.layers[1]))}});
    BOOST_TEST(answers(there) == "yyydndy", told(there));
    BOOST_TEST(!verified(made(foreign, url, false), {.have = digest_set{}}).good());

    // containers/image prefers the URL to the archive, if there is a URL that it knows.
    BOOST_TEST(answers(verified(made(foreign, url, true))) == "yyyyydy");
    BOOST_TEST(answers(verified(made(foreign, url, true, false))) == "nnydndy");
    BOOST_TEST(answers(verified(made(foreign, R"(,"urls":["ftp://example.com/x"])", true))) == "yyyyyyy");
    BOOST_TEST(answers(verified(made(std::string(media_type::oci_layer), url, true))) == "yyyyydy");
    BOOST_TEST(has(verified(made(std::string(media_type::oci_layer), url, false)), finding_code::missing_blob));
}

BOOST_AUTO_TEST_CASE(observers_see_each_entry_once)
{
    struct counting {
        std::size_t begun = 0, done = 0;
        void operator()(event const& e) noexcept
        {
            begun += std::holds_alternative<entry_begun>(e);
            done += std::holds_alternative<entry_done>(e);
        }
    } o;
    auto const text = hybrid();
    text_source source{text};
    auto const v = verify_archive(source, {}, o).value();
    BOOST_TEST(o.begun == v.entries);
    BOOST_TEST(o.done == v.entries);
}

BOOST_AUTO_TEST_CASE(a_source_that_fails_is_a_failure_wherever_it_does)
{
    auto const archive = hybrid();
    for(std::size_t at = 0; at < archive.size(); at += 256) {
        text_source source{archive, 256, at};
        auto const v = verify_archive(source);
        BOOST_TEST_REQUIRE(v.has_error());
        BOOST_TEST((v.error().code == boost::system::errc::io_error));
    }
}

BOOST_AUTO_TEST_CASE(json_is_json_and_text_ends_with_the_result)
{
    auto const good = verified(hybrid()), bad = verified("\xff\xfe");
    auto const o = boost::json::parse(to_json(good)).as_object();
    BOOST_TEST(o.at("good").as_bool());
    BOOST_TEST(o.at("verdicts").as_array().size() == loaders.size());
    BOOST_TEST(o.at("images").as_array().at(0).as_object().at("layers").as_array().size() == 2u);
    BOOST_TEST(!boost::json::parse(to_json(bad)).as_object().at("good").as_bool());
    BOOST_TEST(to_text(good).ends_with("good\n"));
    BOOST_TEST(to_text(bad).ends_with(" errors\n"));
}
