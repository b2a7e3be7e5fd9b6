//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/image_config.hpp>

#include <tarexport/hash.hpp>
#include <tarexport/image.hpp>

#define BOOST_TEST_MODULE image_config
#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

namespace {

using tarexport::digest;
using tarexport::error;
using tarexport::image_config;
using tarexport::render_config;

std::vector<digest> const two{tarexport::digest_of(std::string_view("a")), tarexport::digest_of(std::string_view("b"))};
std::string const two_text = "\"" + two[0].str() + "\",\"" + two[1].str() + "\"";

image_config linux_config()
{
    image_config c;
    c.target = {"linux", "arm64", {}, {}, {}};
    return c;
}

void check_refusal(image_config const& c, error code, std::string const& field)
{
    auto const r = render_config(c, two);
    BOOST_REQUIRE(!r);
    BOOST_TEST(r.error().code == code);
    BOOST_TEST(r.error().subject == field);
}

} // namespace

BOOST_AUTO_TEST_CASE(least_config)
{
    BOOST_TEST(render_config(linux_config(), {}).value()
               == R"({"architecture":"arm64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[]}})");
}

// The order and the omissions of the Go types in image-spec v1.1.0, specs-go/v1/config.go.
BOOST_AUTO_TEST_CASE(whole_config)
{
    image_config c;
    c.target = {"windows", "arm", "v7", "10.0", {"win32k", "x"}};
    c.created = tarexport::timestamp{1, 500'000'000, 3600};
    c.author = "A <a@example.org>";
    c.user = "1:2";
    c.env = {"PATH=/bin", "A=&"};
    c.entrypoint = {"/self"};
    c.cmd = {"--help"};
    c.working_dir = "/w";
    c.exposed_ports = {"80/tcp", "443/tcp"};
    c.volumes = {"/v", "/a"};
    c.labels = {{"z", "1"}, {"a", ""}};
    c.stop_signal = "SIGINT";
    c.history = {{tarexport::timestamp{}, "by", "author", "comment", true}, {}};
    BOOST_TEST(render_config(c, two).value()
               == R"({"created":"1970-01-01T01:00:01.5+01:00","author":"A \u003ca@example.org\u003e","architecture":"arm",)"
                  R"("os":"windows","os.version":"10.0","os.features":["win32k","x"],"variant":"v7","config":{"User":"1:2",)"
                  R"("ExposedPorts":{"443/tcp":{},"80/tcp":{}},"Env":["PATH=/bin","A=\u0026"],"Entrypoint":["/self"],)"
                  R"("Cmd":["--help"],"Volumes":{"/a":{},"/v":{}},"WorkingDir":"/w","Labels":{"a":"","z":"1"},)"
                  R"("StopSignal":"SIGINT"},"rootfs":{"type":"layers","diff_ids":[)"
                      + two_text
                      + R"(]},"history":[{"created":"1970-01-01T00:00:00Z","created_by":"by","author":"author",)"
                        R"("comment":"comment","empty_layer":true},{}]})");
}

BOOST_AUTO_TEST_CASE(what_is_written_is_read)
{
    auto c = linux_config();
    c.target.variant = "v8";
    c.created = tarexport::timestamp{1'700'000'000, 0, 0};
    c.history = {{c.created, "x", "", "", false}};
    auto text = render_config(c, two).value();
    auto const id = tarexport::digest_of(text);
    auto const read = tarexport::parse_image(std::move(text), id).value();
    BOOST_TEST(read.os == "linux");
    BOOST_TEST(read.architecture == "arm64");
    BOOST_TEST(read.variant == "v8");
    BOOST_TEST((read.created == c.created));
    BOOST_TEST((read.history == c.history));
    BOOST_TEST(read.diff_ids.size() == 2u);
    BOOST_TEST(read.diff_ids[1] == two[1].str());
    BOOST_TEST(tarexport::check_image(read).has_value());
}

BOOST_AUTO_TEST_CASE(only_the_default_target_follows_the_host)
{
    BOOST_TEST((image_config().target == tarexport::host_platform()));
}

BOOST_AUTO_TEST_CASE(refusals)
{
    auto c = linux_config();
    c.target.architecture.clear();
    check_refusal(c, error::invalid_config, "target");
    c = linux_config();
    c.labels = {{"a", "1"}, {"b", "2"}, {"a", "1"}};
    check_refusal(c, error::invalid_config, "Labels");
    c = linux_config();
    c.volumes = {"/v", "/v"};
    check_refusal(c, error::invalid_config, "Volumes");
    c = linux_config();
    c.history.resize(3);
    check_refusal(c, error::invalid_config, "history");
    c.history[0].empty_layer = true;
    BOOST_TEST(render_config(c, two).has_value());
    c = linux_config();
    c.created = tarexport::timestamp{std::int64_t{1} << 60, 0, 0};
    check_refusal(c, error::time_out_of_range, "created");
}

BOOST_AUTO_TEST_CASE(text_that_is_not_utf8_is_never_replaced)
{
    auto c = linux_config();
    c.env = {"A=\xFF"};
    check_refusal(c, error::invalid_config, "Env");
    c = linux_config();
    c.labels = {{"\xC3", ""}};
    check_refusal(c, error::invalid_config, "Labels");
    c = linux_config();
    c.labels = {{"a", "\xED\xA0\x80"}};
    check_refusal(c, error::invalid_config, "Labels");
    c = linux_config();
    c.exposed_ports = {"\x80"};
    check_refusal(c, error::invalid_config, "ExposedPorts");
    c = linux_config();
    c.author = "\xC3\xA9\xE2\x80\xA8";
    BOOST_TEST(render_config(c, two).value().find("\"\xC3\xA9\\u2028\"") != std::string::npos);
}
