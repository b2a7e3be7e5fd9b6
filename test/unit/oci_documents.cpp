//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/oci_documents.hpp>

#define BOOST_TEST_MODULE oci_documents
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tx = tarexport;
using tx::document_kind;
using tx::error;

namespace {

std::string const hex(64, 'a');
std::string const id = "sha256:" + hex;

// A descriptor with more members behind its own.
std::string blob(std::string const& more = {}, std::string const& type = "application/vnd.oci.image.layer.v1.tar")
{
    return R"({"mediaType":")" + type + R"(","digest":")" + id + R"(","size":7)" + more + "}";
}

std::string manifest_text(std::string const& more = {}, std::string const& layers = blob())
{
    return R"({"schemaVersion":2,"config":)" + blob({}, "application/vnd.oci.image.config.v1+json") + R"(,"layers":[)" +
           layers + "]" + more + "}";
}

std::string index_text(std::string const& entries, std::string const& more = {})
{
    return R"({"schemaVersion":2,"manifests":[)" + entries + "]" + more + "}";
}

std::string replaced(std::string text, std::string_view from, std::string_view to)
{
    auto const at = text.find(from);
    BOOST_REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

void refused(document_kind kind, std::string const& text, std::string_view field, error code = error::invalid_document)
{
    auto const r = tx::check_schema(kind, text, "the document");
    BOOST_TEST_CONTEXT(text.substr(0, 300))
    {
        BOOST_TEST_REQUIRE(r.has_error());
        BOOST_TEST(r.error().code == code);
        BOOST_TEST(r.error().subject == "the document");
        BOOST_TEST(r.error().detail.starts_with(field), r.error().detail);
    }
}

void accepted(document_kind kind, std::string const& text)
{
    auto const r = tx::check_schema(kind, text, "the document");
    BOOST_TEST(r.has_value(), text.substr(0, 300) << ": " << (r ? "" : message(r.error())));
}

} // namespace

BOOST_AUTO_TEST_CASE(a_manifest_is_read_with_all_its_members)
{
    auto const layer = blob(R"(,"urls":["https://a.example/x","ftp://b/%20"],"annotations":{"z":"1","a":"2"},"data":"AAAA")");
    auto const m = tx::parse_manifest(
        manifest_text(R"(,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"a/b","annotations":{"k":"v"},"subject":)" +
                          blob(R"(,"artifactType":"c/d")"),
            layer + "," + blob()),
        "m");
    BOOST_TEST_REQUIRE(m.has_value());
    BOOST_TEST(m->media_type == tx::media_type::oci_manifest);
    BOOST_TEST(m->artifact_type == "a/b");
    BOOST_TEST(m->config.media_type == tx::media_type::oci_config);
    BOOST_TEST(m->config.id.str() == id);
    BOOST_TEST(m->config.size == 7u);
    BOOST_TEST_REQUIRE(m->layers.size() == 2u);
    BOOST_TEST((m->layers[0].urls == std::vector<std::string>{"https://a.example/x", "ftp://b/%20"}));
    // annotations stay in their order
    BOOST_TEST_REQUIRE(m->layers[0].annotations.size() == 2u);
    BOOST_TEST(m->layers[0].annotations[0].first == "z");
    BOOST_TEST(m->layers[0].annotation("a").value() == "2");
    BOOST_TEST(m->layers[1].media_type == "application/vnd.oci.image.layer.v1.tar");
    BOOST_TEST_REQUIRE(m->subject.has_value());
    BOOST_TEST(m->subject->artifact_type == "c/d");
    BOOST_TEST_REQUIRE(m->annotations.size() == 1u);
    BOOST_TEST(m->annotations[0].second == "v");
}

BOOST_AUTO_TEST_CASE(an_index_is_read_with_platforms)
{
    auto const i = tx::parse_index(
        index_text(blob(R"(,"platform":{"architecture":"arm","os":"linux","variant":"v7","os.version":"1","os.features":["f","g"]})") +
            "," + blob()),
        "i");
    BOOST_TEST_REQUIRE(i.has_value());
    BOOST_TEST(i->media_type.empty());
    BOOST_TEST_REQUIRE(i->manifests.size() == 2u);
    BOOST_TEST((i->manifests[0].target == tx::platform{"linux", "arm", "v7", "1", {"f", "g"}}));
    BOOST_TEST(!i->manifests[1].target.has_value());
}

BOOST_AUTO_TEST_CASE(docker_documents_are_read)
{
    BOOST_TEST(tx::parse_manifest(
        R"({"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":)" +
            blob({}, "application/vnd.docker.container.image.v1+json") + R"(,"layers":[)" +
            blob({}, "application/vnd.docker.image.rootfs.diff.tar.gzip") + "]}",
        "m").has_value());
    auto const list = tx::parse_index(
        index_text(blob(R"(,"platform":{"architecture":"amd64","os":"linux","features":["sse4"]})"),
            R"(,"mediaType":"application/vnd.docker.distribution.manifest.list.v2+json")"),
        "i");
    BOOST_TEST_REQUIRE(list.has_value());
    BOOST_TEST(tx::media_type::is_index(list->media_type));
    // Docker's old schema is neither
    auto const old = tx::parse_manifest(R"({"schemaVersion":1,"name":"x","fsLayers":[]})", "m");
    BOOST_TEST_REQUIRE(old.has_error());
    BOOST_TEST(old.error().code == error::invalid_document);
    BOOST_TEST(old.error().detail == "schemaVersion: must be 2");
}

BOOST_AUTO_TEST_CASE(what_engines_write_is_read_and_not_schema)
{
    auto const null_list = R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":null})";
    auto const i = tx::parse_index(null_list, "i");
    BOOST_TEST_REQUIRE(i.has_value());
    BOOST_TEST(i->manifests.empty());
    refused(document_kind::index, null_list, "manifests");

    auto const untyped = index_text(R"({"digest":")" + id + R"(","size":1})");
    BOOST_TEST(tx::parse_index(untyped, "i").has_value());
    refused(document_kind::index, untyped, "manifests[0].mediaType: is missing");

    for(auto const* layers : {"[]", "null"}) {
        auto const text = replaced(manifest_text(), "[" + blob() + "]", layers);
        auto const m = tx::parse_manifest(text, "m");
        BOOST_TEST_REQUIRE(m.has_value());
        BOOST_TEST(m->layers.empty());
        refused(document_kind::manifest, text, "layers");
    }
    auto const nulls = manifest_text(R"(,"annotations":null,"subject":null,"artifactType":null)",
        blob(R"(,"urls":null,"annotations":null,"platform":null,"data":null)"));
    BOOST_TEST(tx::parse_manifest(nulls, "m").has_value());
    refused(document_kind::manifest, nulls, "artifactType");
    for(auto const& text : {manifest_text(), index_text(blob())}) {
        auto const forgotten = replaced(text, "\"schemaVersion\":2", "\"schemaVersion\":0");
        bool const is_index = text == index_text(blob());
        BOOST_TEST((is_index ? tx::parse_index(forgotten, "d").has_value() : tx::parse_manifest(forgotten, "d").has_value()));
        refused(is_index ? document_kind::index : document_kind::manifest, forgotten, "schemaVersion: must be 2");
    }
    // nothing needed may be null
    for(auto const* member : {"\"size\":7", "\"schemaVersion\":2"}) {
        auto const name = std::string(member).substr(0, std::string(member).find(':'));
        BOOST_TEST(tx::parse_manifest(replaced(manifest_text(), member, name + ":null"), "m").has_error());
    }
}

BOOST_AUTO_TEST_CASE(one_text_is_not_two_documents)
{
    auto const both = manifest_text(R"(,"manifests":[])");
    auto const m = tx::parse_manifest(both, "m");
    BOOST_TEST_REQUIRE(m.has_error());
    BOOST_TEST(m.error().code == error::invalid_document);
    BOOST_TEST(tx::parse_index(both, "m").has_error());
    BOOST_TEST(tx::parse_manifest(manifest_text(R"(,"manifests":null)"), "m").has_value());
    BOOST_TEST(tx::parse_manifest(manifest_text(R"(,"mediaType":"application/vnd.oci.image.index.v1+json")"), "m").has_error());
    BOOST_TEST(tx::parse_index(index_text("", R"(,"mediaType":"application/vnd.oci.image.manifest.v1+json")"), "m").has_error());
    BOOST_TEST(tx::parse_index(index_text("", R"(,"mediaType":"x/y")"), "m").has_value());
}

BOOST_AUTO_TEST_CASE(every_member_of_a_descriptor_is_checked)
{
    auto const k = document_kind::descriptor;
    accepted(k, blob());
    refused(k, "[]", "must be an object");
    refused(k, replaced(blob(), "\"size\":7", "\"size\":-1"), "size: is negative");
    refused(k, replaced(blob(), "\"size\":7", "\"size\":7.0"), "size: must be an integer");
    refused(k, replaced(blob(), "\"size\":7", "\"size\":\"7\""), "size: must be an integer");
    refused(k, replaced(blob(), "\"size\":7", "\"size\":9223372036854775808"), "size: is more than 2^63-1");
    refused(k, replaced(blob(), "\"size\":7", "\"size\":1e400"), "size: must be an integer");
    accepted(k, replaced(blob(), "\"size\":7", "\"size\":9223372036854775807"));
    accepted(k, replaced(blob(), "\"size\":7", "\"size\":0"));
    refused(k, replaced(blob(), ",\"size\":7", ""), "size: is missing");
    refused(k, replaced(blob(), id, "sha256:" + std::string(63, 'a')), "digest: has the wrong length");
    refused(k, replaced(blob(), id, "sha256:" + std::string(64, 'A')), "digest: is not a digest");
    refused(k, replaced(blob(), id, "sha512:" + hex), "digest: has the wrong length");
    refused(k, replaced(blob(), id, ""), "digest: is not a digest");
    refused(k, replaced(blob(), "\"" + id + "\"", "7"), "digest: must be a string");
    accepted(k, replaced(blob(), id, "sha512:" + hex + hex));
    accepted(k, replaced(blob(), id, "blake3+x:" + hex));
    refused(k, blob(R"(,"urls":"https://x/")"), "urls: must be an array");
    refused(k, blob(R"(,"urls":["https://x/",1])"), "urls[1]: is not a URI");
    for(auto const* bad : {"x", "/x", "//h/x", "1a:x", "http://h/%zz", "http://h/%2", "http://a b", "http://h\\\\x", "http://h#a#b", ""})
        refused(k, blob(R"(,"urls":[")" + std::string(bad) + R"("])"), "urls[0]: is not a URI");
    for(auto const* good : {"mailto:x@y", "http://h", "http://[::1]:80/a?b=c#d", "http://h/\u00e9", "a+b-c.d:"})
        accepted(k, blob(R"(,"urls":[")" + std::string(good) + R"("])"));
    refused(k, blob(R"(,"annotations":[])"), "annotations: must be an object");
    refused(k, blob(R"(,"annotations":{"k":1})"), "annotations.k: must be a string");
    for(auto const* bad : {"A", "AAA", "AAAAA", "A===", "AA=A", "A-AA", "===="})
        refused(k, blob(R"(,"data":")" + std::string(bad) + R"(")"), "data: is not base64");
    for(auto const* good : {"", "AA==", "AAA=", "AAAA", "AA\\nAA", "+/+/"})
        accepted(k, blob(R"(,"data":")" + std::string(good) + R"(")"));
    refused(k, blob(R"(,"artifactType":"")"), "artifactType: is not a media type");
    refused(k, blob(R"(,"platform":{"os":"linux"})"), "platform.architecture: is missing");
    refused(k, blob(R"(,"platform":{"os":"linux","architecture":"x","os.features":"f"})"), "platform.os.features: must be an array");
    accepted(k, blob(R"(,"unknown":{"deep":[1,null]})"));
}

BOOST_AUTO_TEST_CASE(media_types_follow_their_grammar)
{
    std::string const longest(127, 'x');
    for(auto const& good : {std::string("a/b"), std::string("0/9"), std::string("a!#$&^_.+-/b!#$&^_.+-"), longest + "/" + longest})
        BOOST_TEST(tx::detail::is_media_type(good), good);
    for(auto const& bad : {std::string(), std::string("a"), std::string("/"), std::string("a/"), std::string("/b"), std::string("a/b/c"),
            std::string("a/b;charset=x"), std::string("a /b"), std::string(".a/b"), std::string("a/-b"), std::string("\u00e9/b"),
            longest + "x/b", "a/" + longest + "x"})
        BOOST_TEST(!tx::detail::is_media_type(bad), bad);
}

BOOST_AUTO_TEST_CASE(manifests_and_indexes_are_checked)
{
    auto const m = document_kind::manifest;
    accepted(m, manifest_text());
    refused(m, replaced(manifest_text(), "\"schemaVersion\":2", "\"schemaVersion\":3"), "schemaVersion: must be 2");
    refused(m, replaced(manifest_text(), "\"schemaVersion\":2", "\"schemaVersion\":\"2\""), "schemaVersion: must be 2");
    refused(m, replaced(manifest_text(), "\"schemaVersion\":2,", ""), "schemaVersion: is missing");
    refused(m, replaced(manifest_text(), "\"config\":", "\"configs\":"), "config: is missing");
    refused(m, replaced(manifest_text(), "\"layers\":", "\"Layers\":"), "layers: is missing");
    refused(m, manifest_text({}, blob() + "," + replaced(blob(), "sha256:", "sha256+:")), "layers[1].digest: is not a digest");
    refused(m, manifest_text({}, "null"), "layers[0]: must be an object");
    refused(m, manifest_text(R"(,"subject":[])"), "subject: must be an object");
    refused(m, manifest_text(R"(,"annotations":{"a":{}})"), "annotations.a: must be a string");
    refused(m, manifest_text(R"(,"mediaType":"x")"), "mediaType: is not a media type");
    refused(m, manifest_text(R"(,"artifactType":"x/")"), "artifactType: is not a media type");

    auto const i = document_kind::index;
    accepted(i, index_text(""));
    accepted(i, index_text(blob() + "," + blob()));
    refused(i, replaced(index_text(""), "[]", "{}"), "manifests: must be an array");
    refused(i, R"({"schemaVersion":2})", "manifests: is missing");
    refused(i, index_text(blob({}, "")), "manifests[0].mediaType: is not a media type");
    refused(i, index_text(blob(R"(,"platform":[])")), "manifests[0].platform: must be an object");
    refused(i, index_text("", R"(,"subject":"nope")"), "subject: must be an object");
}

BOOST_AUTO_TEST_CASE(the_layout_version_is_checked)
{
    BOOST_TEST(tx::check_layout(R"({"imageLayoutVersion":"1.0.0"})", "l").has_value());
    BOOST_TEST(tx::check_layout(" {\"imageLayoutVersion\" : \"1.0.0\", \"more\":1}\n", "l").has_value());
    for(auto const* bad : {R"({"imageLayoutVersion":"1.0.1"})", R"({"imageLayoutVersion":1})", "{}", "[]", R"({"imageLayoutVersion":null})"}) {
        auto const r = tx::check_layout(bad, "l");
        BOOST_TEST_REQUIRE(r.has_error());
        BOOST_TEST(r.error().code == error::invalid_document);
    }
    BOOST_TEST(tx::check_layout("", "l").error().code == error::invalid_json);
    BOOST_TEST(tx::check_layout(std::string(70'000, ' '), "l").error().code == error::limit_exceeded);
}

BOOST_AUTO_TEST_CASE(configs_are_checked)
{
    auto const k = document_kind::config;
    auto const with = [](std::string const& more) {
        return R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["x"]})" + more + "}";
    };
    accepted(k, with(""));
    accepted(k, with(R"(,"created":"2015-10-31T22:22:56.015925234Z","history":[{"empty_layer":true,"created":"2015-10-31T22:22:54Z"}])"));
    accepted(k, with(R"(,"config":{"Cmd":null,"Entrypoint":null,"Volumes":null,"Labels":null,"ExposedPorts":{"80/tcp":{}},"Env":["A=","B=c=d"]})"));
    refused(k, replaced(with(""), "\"os\"", "\"OS\""), "os: is missing");
    refused(k, replaced(with(""), "\"layers\"", "\"layer\""), "rootfs.type: must be layers");
    refused(k, replaced(with(""), "[\"x\"]", "[1]"), "rootfs.diff_ids[0]: must be a string");
    refused(k, replaced(with(""), "\"rootfs\"", "\"root\""), "rootfs: is missing");
    refused(k, with(R"(,"created":"yesterday")"), "created");
    refused(k, with(R"(,"created":null)"), "created");
    refused(k, with(R"(,"config":null)"), "config: must be an object");
    refused(k, with(R"(,"config":{"Env":null})"), "config.Env: must be an array");
    for(auto const* bad : {"A", "=b", "", "A=b\\nc"})
        refused(k, with(R"(,"config":{"Env":["X=1",")" + std::string(bad) + R"("]})"), "config.Env[1]: must be NAME=VALUE");
    refused(k, with(R"(,"config":{"Cmd":"sh"})"), "config.Cmd: must be an array");
    refused(k, with(R"(,"config":{"Volumes":{"/x":null}})"), "config.Volumes./x: must be an object");
    refused(k, with(R"(,"config":{"Labels":{"a":1}})"), "config.Labels.a: must be a string");
    refused(k, with(R"(,"config":{"ArgsEscaped":"true"})"), "config.ArgsEscaped");
    refused(k, with(R"(,"history":[{},{"empty_layer":0}])"), "history[1].empty_layer");
    refused(k, with(R"(,"history":{})"), "history: must be an array");
    refused(k, with(R"(,"os.features":["a",null])"), "os.features[1]: must be a string");
}

BOOST_AUTO_TEST_CASE(text_that_is_no_json_is_refused)
{
    for(auto const* bad : {"", " ", "{", "{}}", "{'a':1}", "nul", "{\"a\":1,}", "[1 2]", "\"\xff\"", "{\"a\":01}"}) {
        auto const r = tx::parse_manifest(bad, "m");
        BOOST_TEST_REQUIRE(r.has_error());
        BOOST_TEST(r.error().code == error::invalid_json);
        BOOST_TEST(r.error().subject == "m");
        BOOST_TEST(!r.error().detail.empty());
    }
}

BOOST_AUTO_TEST_CASE(digests_that_cannot_be_verified_are_told_apart)
{
    auto const m = tx::parse_manifest(manifest_text({}, blob() + "," + replaced(blob(), "sha256:", "blake3:")), "m");
    BOOST_TEST_REQUIRE(m.has_error());
    BOOST_TEST(m.error().code == error::unsupported_digest);
    BOOST_TEST(m.error().subject == "m");
    BOOST_TEST(m.error().detail == "layers[1].digest: blake3:" + hex);
    // what breaks the schema comes first
    auto const both = tx::parse_manifest(
        manifest_text({}, replaced(blob(), "sha256:", "blake3:") + "," + replaced(blob(), "\"size\":7", "\"size\":-7")), "m");
    BOOST_TEST(both.error().code == error::invalid_document);
    BOOST_TEST(tx::parse_descriptor(replaced(blob(), id, "sha384:" + hex + hex.substr(32)), "d").has_value());
}

BOOST_AUTO_TEST_CASE(limits_hold)
{
    auto const too_large = manifest_text() + std::string(tx::manifest_limits.size, ' ');
    BOOST_TEST(tx::parse_manifest(too_large, "m").error().code == error::limit_exceeded);

    std::string deep = manifest_text(",\"x\":" + std::string(63, '[') + std::string(63, ']'));
    BOOST_TEST(tx::parse_manifest(deep, "m").has_value());
    deep = manifest_text(",\"x\":" + std::string(64, '[') + std::string(64, ']'));
    BOOST_TEST(tx::parse_manifest(deep, "m").error().code == error::limit_exceeded);
    // far deeper than any stack
    BOOST_TEST(tx::parse_manifest(std::string(1'000'000, '['), "m").error().code == error::limit_exceeded);

    std::string many = "{\"x\":[";
    for(std::size_t i = 0; i != 500'000; ++i)
        many += "1,";
    many += "1]}";
    auto const values = tx::parse_manifest(many, "m");
    BOOST_TEST(values.error().code == error::limit_exceeded);
    BOOST_TEST(values.error().detail == "more than 400000 values");

    auto limits = tx::index_limits;
    limits.entries = 2;
    BOOST_TEST(tx::parse_index(index_text(blob() + "," + blob()), "i", limits).has_value());
    auto const third = tx::parse_index(index_text(blob() + "," + blob() + "," + blob()), "i", limits);
    BOOST_TEST_REQUIRE(third.has_error());
    BOOST_TEST(third.error().code == error::limit_exceeded);
    BOOST_TEST(third.error().detail == "manifests: more than 2 entries");
}

BOOST_AUTO_TEST_CASE(no_prefix_and_no_flipped_byte_does_harm)
{
    auto const text = index_text(blob(R"(,"platform":{"architecture":"arm","os":"linux"},"annotations":{"a":"b"},"urls":["a:b"],"data":"AA==")"));
    for(std::size_t n = 0; n != text.size(); ++n)
        BOOST_TEST(tx::parse_index(std::string_view(text).substr(0, n), "i").has_error());
    std::size_t read = 0;
    for(std::size_t n = 0; n != text.size(); ++n)
        for(char c : {'\0', '"', '{', '}', '[', ',', '9', 'x', '\x80'}) {
            auto changed = text;
            changed[n] = c;
            auto const r = tx::parse_index(changed, "i");
            if(r)
                ++read;
            else
                BOOST_TEST(!r.error().detail.empty());
        }
    BOOST_TEST(read > 0u);
}
