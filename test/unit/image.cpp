//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/image.hpp>

#define BOOST_TEST_MODULE image
#include <boost/test/unit_test.hpp>

#include <tarexport/hash.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace tx = tarexport;

namespace {

tx::result<tx::image> parse(std::string config, tx::config_limits const& limits = {})
{
    auto const id = tx::digest_of(config);
    return tx::parse_image(std::move(config), id, limits);
}

// A config with a `rootfs` and these members.
std::string with(std::string_view members)
{
    return std::string(R"({"rootfs":{"diff_ids":["sha256:a","sha256:b"]},)").append(members).append("}");
}

tx::image image_of(std::string config)
{
    auto r = parse(std::move(config));
    BOOST_REQUIRE_MESSAGE(r.has_value(), (r ? "" : tx::message(r.error())));
    return *r;
}

std::string refusal(std::string const& config, tx::error expected = tx::error::invalid_config)
{
    auto const r = parse(config);
    BOOST_REQUIRE_MESSAGE(!r, config.substr(0, 200));
    BOOST_TEST(r.error().code == expected);
    BOOST_TEST(r.error().subject == tx::digest_of(config).str());
    return r.error().detail;
}

std::string repeated(std::string_view s, std::size_t n)
{
    std::string all;
    while(n-- != 0)
        all.append(s);
    return all;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_is_read)
{
    std::string const config = R"( {"architecture":"arm", "variant":"v7", "os":"linux", "os.version":"1", "parent":"sha256:p",
        "created":"2024-01-02T03:04:05.5+01:00", "unknown":[{}],
        "history":[{"created":"2024-01-02T03:04:05Z","created_by":"ADD"},{"empty_layer":true,"comment":"c","author":"a"}],
        "rootfs":{"type":"layers","diff_ids":["sha256:a","not a digest",""]}} )";
    auto const img = image_of(config);
    BOOST_TEST(img.id == tx::digest_of(config));
    BOOST_TEST(img.config == config, "the bytes stay");
    BOOST_TEST(img.architecture == "arm");
    BOOST_TEST(img.variant == "v7");
    BOOST_TEST(img.os == "linux");
    BOOST_TEST(img.os_version == "1");
    BOOST_TEST(!img.parent, "a config's parent is not believed");
    BOOST_TEST(img.layers.empty());
    BOOST_REQUIRE(img.created);
    BOOST_TEST((*img.created == tx::timestamp{1704161045, 500000000, 3600}));
    BOOST_REQUIRE(img.history.size() == 2u);
    BOOST_TEST((img.history[0] == tx::history_entry{tx::timestamp{1704164645, 0, 0}, "ADD", "", "", false}));
    BOOST_TEST((img.history[1] == tx::history_entry{{}, "", "a", "c", true}));
    BOOST_TEST(img.diff_ids == (std::vector<std::string>{"sha256:a", "not a digest", ""}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_least_config)
{
    auto const img = image_of(R"({"rootfs":{}})");
    BOOST_TEST(img.diff_ids.empty());
    BOOST_TEST(!img.created);
    BOOST_TEST(img.os.empty());
}

BOOST_AUTO_TEST_CASE(keys_in_any_case_and_duplicates)
{
    auto const img = image_of("{\"RootFS\":{\"Diff_IDs\":[\"x\",\"y\"]},\"root\\u0046\xC5\xBF\":{\"diff_ids\":[null]},\"OS\":\"a\",\"os\":null}");
    BOOST_TEST(img.diff_ids == std::vector<std::string>{"x"}, boost::test_tools::per_element());
    BOOST_TEST(img.os == "a");
    BOOST_TEST(refusal(R"({"rootfs":{},"rootfs":null})") == "no rootfs");
}

BOOST_AUTO_TEST_CASE(refusals_name_the_field)
{
    BOOST_TEST(refusal("{}") == "no rootfs");
    BOOST_TEST(refusal("null") == "no rootfs");
    BOOST_TEST(refusal(R"({"rootfs":null})") == "no rootfs");
    BOOST_TEST(refusal("[]") == "an array where an object is expected");
    BOOST_TEST(refusal(R"({"rootfs":[]})") == "rootfs: an array where an object is expected");
    BOOST_TEST(refusal(R"({"rootfs":{"diff_ids":[1]}})") == "rootfs.diff_ids: a number where a string is expected");
    BOOST_TEST(refusal(with(R"("id":5)")) == "id: a number where a string is expected");
    BOOST_TEST(refusal(with(R"("parent":{})")) == "parent: an object where a string is expected");
    BOOST_TEST(refusal(with(R"("size":1.5)")) == "Size: a number that is no integer");
    BOOST_TEST(refusal(with(R"("os.features":"x")")) == "os.features: a string where an array is expected");
    BOOST_TEST(refusal(with(R"("created":"now")")) == "created: no RFC 3339 time");
    BOOST_TEST(refusal(with(R"("history":[{"created":""}])")) == "history.created: no RFC 3339 time");
    BOOST_TEST(refusal(with(R"("history":[{"empty_layer":"yes"}])")) ==
               "history.empty_layer: a string where a boolean is expected");
    BOOST_TEST(refusal(with(R"("config":{"Healthcheck":{"Retries":9223372036854775808}})")) ==
               "config.Healthcheck.Retries: a number beyond 64 bits");
    BOOST_TEST(refusal(with(R"("config":{"Volumes":{"/a":[]}})")) == "config.Volumes: an array where an object is expected");
    BOOST_TEST(refusal(with(R"("config":{"Cmd":5})")) == "config.Cmd: a number where a string is expected");
    BOOST_TEST(refusal("", tx::error::invalid_json) == "unexpected end at byte 0");
    BOOST_TEST(refusal(with("\"os\":\"linux\"") + "x", tx::error::invalid_json).starts_with("unexpected character at byte"));
}

BOOST_AUTO_TEST_CASE(limits)
{
    std::string const deep = with("\"x\":" + std::string(100, '[') + std::string(100, ']'));
    BOOST_TEST(refusal(deep, tx::error::limit_exceeded) == "nested more than 64 deep");
    BOOST_TEST(parse(deep, {.depth = 101}).has_value());
    std::string const large = with("\"x\":\"" + std::string(std::size_t{8} << 20, 'x') + "\"");
    BOOST_TEST(refusal(large, tx::error::limit_exceeded) == "more than 8388608 bytes");
    BOOST_TEST(parse(large, {.size = large.size()}).has_value());
    std::string const many = with("\"history\":[null" + repeated(",null", std::size_t{1} << 18) + "]");
    BOOST_TEST(refusal(many, tx::error::limit_exceeded) == "more than 262144 values");
    std::string const layers = R"({"rootfs":{"diff_ids":[null)" + repeated(",null", 4096) + "]}}";
    BOOST_TEST(refusal(layers, tx::error::limit_exceeded) == "more than 4096 layers");
    BOOST_TEST(parse(layers, {.layers = 4097}).has_value());
}

BOOST_AUTO_TEST_CASE(what_comes_into_the_engine)
{
    BOOST_TEST(tx::check_image(image_of(with(R"("os":"linux","history":[{},{"empty_layer":true},{}])"))).has_value());
    BOOST_TEST(tx::check_image(image_of(with(R"("os":"LinuX")"))).has_value());
    BOOST_TEST(tx::check_image(image_of(with(R"("os":"")"))).has_value());
    BOOST_TEST(tx::check_image(image_of(R"({"os":"windows","rootfs":{}})")).has_value(), "nothing to run");
    BOOST_TEST(tx::check_image(image_of(R"({"os":"windows","rootfs":{"diff_ids":["",""]}})")).has_value());

    auto const windows = tx::check_image(image_of(R"({"os":"windows","rootfs":{"diff_ids":["","a"]}})"));
    BOOST_TEST(windows.error().code == tx::error::unsupported_os);
    BOOST_TEST(windows.error().detail == "windows");
    auto const img = image_of(with(R"("os":"windows","history":[null,null,null])"));
    auto const longer = tx::check_image(img);
    BOOST_TEST(longer.error().code == tx::error::invalid_config, "the history is looked at first");
    BOOST_TEST(longer.error().subject == img.id.str());
    BOOST_TEST(longer.error().detail == "history tells of 3 layers, found 2");
}
