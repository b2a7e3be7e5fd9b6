//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/v1.hpp>

#define BOOST_TEST_MODULE v1
#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tx = tarexport;

namespace {

constexpr std::string_view zero_config =
    R"({"Hostname":"","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,"AttachStderr":false,)"
    R"("Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":null,"Cmd":null,"Image":"","Volumes":null,)"
    R"("WorkingDir":"","Entrypoint":null,"OnBuild":null,"Labels":null})";

tx::image image_of(std::string config)
{
    auto const id = tx::digest_of(config);
    auto r = tx::parse_image(std::move(config), id);
    BOOST_REQUIRE_MESSAGE(r.has_value(), (r ? "" : tx::message(r.error())));
    return *r;
}

std::vector<tx::v1_image> images_of(std::string config, std::int32_t zone_offset = 0)
{
    auto r = tx::v1_images(image_of(std::move(config)), zone_offset);
    BOOST_REQUIRE_MESSAGE(r.has_value(), (r ? "" : tx::message(r.error())));
    return *r;
}

// The `config` of the only layer's JSON.
std::string config_json(std::string_view config)
{
    auto const json =
        images_of(std::string(R"({"rootfs":{"diff_ids":["a"]},"config":)").append(config).append("}")).at(0).json;
    auto const at = json.find(R"("config":)") + 9;
    return json.substr(at, json.size() - 1 - at);
}

} // namespace

BOOST_AUTO_TEST_CASE(lower_layers_tell_only_the_system)
{
    auto const v = images_of(R"({"os":"linux","author":"me","rootfs":{"diff_ids":["sha256:a","sha256:b"]}})");
    BOOST_REQUIRE(v.size() == 2u);
    std::string const hashed = std::string(R"({"container_config":)")
                                   .append(zero_config)
                                   .append(R"(,"created":"1970-01-01T00:00:00Z","layer_id":"sha256:a"})");
    BOOST_TEST(v[0].chain_id == "sha256:a");
    BOOST_TEST(v[0].id == tx::digest_of(hashed));
    BOOST_TEST(v[0].parent.empty());
    BOOST_TEST(v[0].json == R"({"id":")" + v[0].id.hex() + R"(","created":"1970-01-01T00:00:00Z","container_config":)" +
                                std::string(zero_config) + R"(,"os":"linux"})");
    BOOST_TEST(v[0].json.size() == 401u, "the size that every bottom layer's has");
    BOOST_TEST(v[0].json_id == tx::digest_of(v[0].json));
    BOOST_TEST(v[1].parent == v[0].id);
    BOOST_TEST(v[1].chain_id == tx::digest_of("sha256:a sha256:b").str());
    BOOST_TEST(v[1].json == R"({"id":")" + v[1].id.hex() + R"(","parent":")" + v[0].id.hex() +
                                R"(","created":null,"container_config":)" + std::string(zero_config) +
                                R"(,"author":"me","os":"linux"})");
}

BOOST_AUTO_TEST_CASE(known_ids)
{
    auto const v = images_of(
        R"({"os":"linux","rootfs":{"diff_ids":["sha256:3044978b561ff018b4b3c8aa4e892553439e01ba1f1b24912808e2190ad71b22","x"]}})",
        3600);
    BOOST_TEST(v.at(0).id.hex() == "3b1c957c458e0efe138a40626cd1ecd23019d1417460943e7a48b2eb9e81c70b");
    BOOST_TEST(v.at(0).json.find(R"("created":"1970-01-01T01:00:00+01:00")") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_zone_changes_all_ids)
{
    std::string const config = R"({"rootfs":{"diff_ids":["a","b"]}})";
    auto const utc = images_of(config), kolkata = images_of(config, 19800);
    BOOST_TEST(kolkata[0].json.find("1970-01-01T05:30:00+05:30") != std::string::npos);
    BOOST_TEST(utc[0].id != kolkata[0].id);
    BOOST_TEST(utc[1].id != kolkata[1].id);
    std::string const one = R"({"rootfs":{"diff_ids":["a"]}})";
    BOOST_TEST((images_of(one) == images_of(one, 7200)), "a top layer knows no zone");
}

BOOST_AUTO_TEST_CASE(members_of_the_top_layer)
{
    auto const v = images_of(R"({"rootfs":{"diff_ids":["a"]},"id":"i","parent":"p","comment":"<c>","created":"2024-01-02T03:04:05.10+00:00",
        "container":"cc","docker_version":"27","author":"a","architecture":"arm","variant":"v7","os":"Linux","Size":5,"os.version":"1"})");
    auto const& json = v.at(0).json;
    BOOST_TEST(json == R"({"id":")" + v[0].id.hex() +
                           R"(","comment":"\u003cc\u003e","created":"2024-01-02T03:04:05.1Z","container":"cc","container_config":)" +
                           std::string(zero_config) +
                           R"(,"docker_version":"27","author":"a","architecture":"arm","variant":"v7","os":"Linux","Size":5})");
    std::string const hashed =
        R"({"Size":5,"architecture":"arm","author":"a","comment":"\u003cc\u003e","container":"cc","container_config":)" +
        std::string(zero_config) +
        R"(,"created":"2024-01-02T03:04:05.1Z","docker_version":"27","layer_id":"a","os":"Linux","variant":"v7"})";
    BOOST_TEST(v[0].id == tx::digest_of(hashed));
}

BOOST_AUTO_TEST_CASE(the_run_config_is_written_as_the_engine_does)
{
    BOOST_TEST(config_json("{}") == zero_config);
    BOOST_TEST(config_json(R"({"env":["B","A",null],"Cmd":"a b","Entrypoint":[],"OnBuild":[],"Labels":{"z":"1","a":null},
        "Volumes":{},"ExposedPorts":{"80/tcp":{"x":1},"53/udp":null},"Healthcheck":{},"StopTimeout":0,"Shell":[]})") ==
               R"({"Hostname":"","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,"AttachStderr":false,)"
               R"("ExposedPorts":{"53/udp":{},"80/tcp":{}},"Tty":false,"OpenStdin":false,"StdinOnce":false,)"
               R"("Env":["B","A",""],"Cmd":["a b"],"Healthcheck":{},"Image":"","Volumes":{},"WorkingDir":"","Entrypoint":[],)"
               R"("OnBuild":[],"Labels":{"a":"","z":"1"},"StopTimeout":0})");
    BOOST_TEST(config_json(R"({"Hostname":"h","Domainname":"d","User":"u","AttachStdin":true,"AttachStdout":true,"AttachStderr":true,
        "Tty":true,"OpenStdin":true,"StdinOnce":true,"Healthcheck":{"Test":["T"],"Interval":1,"Timeout":2,"StartPeriod":3,
        "StartInterval":4,"Retries":5},"ArgsEscaped":true,"Image":"i","WorkingDir":"w","NetworkDisabled":true,"MacAddress":"m",
        "StopSignal":"S","StopTimeout":-1,"Shell":"s"})") ==
               R"({"Hostname":"h","Domainname":"d","User":"u","AttachStdin":true,"AttachStdout":true,"AttachStderr":true,)"
               R"("Tty":true,"OpenStdin":true,"StdinOnce":true,"Env":null,"Cmd":null,)"
               R"("Healthcheck":{"Test":["T"],"Interval":1,"Timeout":2,"StartPeriod":3,"StartInterval":4,"Retries":5},)"
               R"("ArgsEscaped":true,"Image":"i","Volumes":null,"WorkingDir":"w","Entrypoint":null,"NetworkDisabled":true,)"
               R"("MacAddress":"m","OnBuild":null,"Labels":null,"StopSignal":"S","StopTimeout":-1,"Shell":["s"]})");
    BOOST_TEST(config_json(R"({"Healthcheck":{"Retries":0,"Test":[]},"StopTimeout":1,"StopTimeout":null,"NetworkDisabled":false})")
                   .find(R"("Healthcheck":{},"Image")") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(two_run_configs_merge)
{
    auto const json = images_of(R"({"rootfs":{"diff_ids":["a"]},"config":{"User":"a","Env":["X"]},"config":{"User":"b"}})").at(0).json;
    BOOST_TEST(json.find(R"("User":"b")") != std::string::npos);
    BOOST_TEST(json.find(R"("Env":["X"])") != std::string::npos);
    auto const gone = images_of(R"({"rootfs":{"diff_ids":["a"]},"config":{"User":"a"},"config":null})").at(0).json;
    BOOST_TEST(gone.find(R"("config":)") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(refusals)
{
    auto const empty = image_of(R"({"rootfs":{"diff_ids":[]}})");
    BOOST_TEST(tx::v1_images(empty).error().code == tx::error::empty_image);
    BOOST_TEST(tx::v1_images(empty).error().subject == empty.id.str());
    auto const far = image_of(R"({"created":"2024-01-02T03:04:05+24:00","rootfs":{"diff_ids":["a","b"]}})");
    auto const f = tx::v1_images(far).error();
    BOOST_TEST(f.code == tx::error::time_out_of_range);
    BOOST_TEST(f.subject == far.id.str());
    BOOST_TEST(f.detail == "created: zone offset of 24 hours or more");
    auto const two = image_of(R"({"rootfs":{"diff_ids":["a","b"]}})");
    BOOST_TEST(tx::v1_images(two, 86400).error().code == tx::error::time_out_of_range);
    BOOST_TEST(tx::v1_images(tx::image{}).error().code == tx::error::invalid_json, "a config of no bytes");
}

BOOST_AUTO_TEST_CASE(what_a_caller_allowed_is_read_again)
{
    std::string config = R"({"rootfs":{"diff_ids":["a"]},"x":)" + std::string(1000, '[') + std::string(1000, ']') + "}";
    auto const id = tx::digest_of(config);
    auto const img = tx::parse_image(std::move(config), id, {.depth = 10000});
    BOOST_REQUIRE(img.has_value());
    BOOST_TEST(tx::v1_images(*img).has_value());
}
