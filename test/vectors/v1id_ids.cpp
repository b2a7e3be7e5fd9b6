//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Legacy image IDs, and which configs are refused and why: the parts `v1` and `create` of v1id.json.

#include <tarexport/v1.hpp>

#include "vectors.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace {

namespace json = boost::json;

// The file's word for one of our failures.
std::string kind_of(tarexport::failure const& f)
{
    auto const ends = [&](std::string_view s) { return f.detail.ends_with(s); };
    switch(static_cast<tarexport::error>(f.code.value())) {
    case tarexport::error::invalid_json: return "json_syntax";
    case tarexport::error::empty_image: return "no_layers";
    case tarexport::error::time_out_of_range: return "time_marshal";
    case tarexport::error::unsupported_os: return "os";
    case tarexport::error::invalid_config:
        if(ends("no RFC 3339 time"))
            return "time";
        if(ends("no rootfs"))
            return "no_rootfs";
        return f.detail.starts_with("history tells") ? "history_too_long" : "json_type";
    default: return f.code.message();
    }
}

std::string expected_kind(json::object const& e) { return std::string(e.at("error").at("kind").as_string()); }

tarexport::result<tarexport::image> parse(json::object const& test)
{
    std::string config = vectors::decode_base64(test.at("config_b64").as_string());
    auto const id = tarexport::digest_of(config);
    return tarexport::parse_image(std::move(config), id);
}

void check_layer(tarexport::v1_image const& got, json::object const& want)
{
    vectors::equal(got.chain_id, vectors::text(want, "chain_id"), "chain_id");
    vectors::equal(got.id.hex(), vectors::text(want, "v1_id"), "v1_id");
    vectors::equal(got.id, tarexport::digest_of(vectors::text(want, "hashed_json")), "hashed_json");
    vectors::equal(got.parent.hex(), vectors::text(want, "v1_parent"), "v1_parent");
    vectors::equal(got.json, vectors::text(want, "legacy_json"), "legacy_json");
    vectors::equal(got.json_id.str(), vectors::text(want, "legacy_digest"), "legacy_digest");
    vectors::equal(got.json.size(), want.at("legacy_size").to_number<std::size_t>(), "legacy_size");
}

// The text that is hashed is not kept, so it is made again here to show the difference, not just that there is one.
void check_hashed_text(tarexport::image const& img, json::array const& layers)
{
    auto const& top = layers.back().as_object();
    auto const config = tarexport::detail::read_image_config(img.config, {}).value();
    std::string const parent = vectors::text(top, "v1_parent");
    vectors::equal(
        tarexport::detail::v1_hashed_text(
            config, tarexport::detail::created_json(config.created).value(), vectors::text(top, "chain_id"),
            parent.empty() ? std::string() : "sha256:" + parent),
        vectors::text(top, "hashed_json"), "hashed_json of the top");
}

void check_v1(tarexport::result<tarexport::image> const& img, json::object const& want, std::int32_t zone_offset)
{
    auto const got = img ? tarexport::v1_images(*img, zone_offset) : img.error();
    vectors::equal(got ? std::string("ok") : kind_of(got.error()),
                   want.at("ok").as_bool() ? std::string("ok") : expected_kind(want), "v1");
    if(!got)
        return;
    auto const& layers = want.at("layers").as_array();
    check_hashed_text(*img, layers);
    vectors::equal(got->size(), layers.size(), "number of layers");
    for(std::size_t i = 0; i != layers.size(); ++i) {
        auto const& layer = layers[i].as_object();
        vectors::equal(img->diff_ids[i], vectors::text(layer, "diff_id"), "diff_id");
        check_layer((*got)[i], layer);
    }
}

void check_create(tarexport::result<tarexport::image> const& img, json::object const& want)
{
    std::string kind = "ok";
    if(!img)
        kind = kind_of(img.error());
    else if(auto r = tarexport::check_image(*img); !r)
        kind = kind_of(r.error());
    bool const ok = want.at("ok").as_bool();
    std::string expected = ok ? "ok" : expected_kind(want);
    // Whether the layers are there is a question for a store.
    if(expected == "layer_unknown")
        expected = "ok";
    vectors::equal(kind, expected, "create");
    if(ok)
        vectors::equal(img->id.str(), vectors::text(want, "image_id"), "image_id");
}

void test_save(json::object const& test, json::object const&)
{
    auto const img = parse(test);
    auto const& expect = test.at("expect").as_object();
    check_v1(img, expect.at("v1").as_object(), 0);
    check_create(img, expect.at("create").as_object());
}

void test_zone(json::object const& test, json::object const&)
{
    check_v1(parse(test), test.at("expect").at("v1").as_object(),
             test.at("zone_offset_seconds").to_number<std::int32_t>());
}

} // namespace

int main() { return vectors::run("v1id.json", {{"save", test_save}, {"v1_in_zone", test_zone}}); }
