//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include "../../example/engine/target.hpp"
#include "../../example/engine/listen_address.hpp"
#include "../../example/engine/url.hpp"

#define BOOST_TEST_MODULE engine_target
#include <boost/test/unit_test.hpp>

#include <ostream>
#include <string>
#include <vector>

using engine::parse_target;
using engine::route;

namespace engine {

std::ostream& operator<<(std::ostream& os, route r) { return os << "route " << static_cast<int>(r); }

} // namespace engine

namespace {

using texts = std::vector<std::string>;

} // namespace

BOOST_AUTO_TEST_CASE(the_documents_are_found_with_and_without_a_version)
{
    for(auto const* const version : {"", "/v1.45", "/v1.24", "/v9"}) {
        auto const where = [&](char const* path) { return parse_target(std::string(version) + path).value().where; };
        BOOST_TEST(where("/_ping") == route::ping);
        BOOST_TEST(where("/version") == route::version);
        BOOST_TEST(where("/info") == route::info);
        BOOST_TEST(where("/images/json") == route::images);
        BOOST_TEST(where("/images/json?all=1") == route::images);
        BOOST_TEST(where("/images/get") == route::archive);
        BOOST_TEST(where("/images/app/get") == route::archive);
        BOOST_TEST(where("/images/app/json") == route::image);
        BOOST_TEST(where("/images/app/history") == route::history);
    }
    BOOST_TEST(parse_target("/").value().where == route::page);
    for(auto const* const text : {"/v1.45/", "/v1.45", "/v/images/json", "/vx/images/json", "/images", "/images/", "/images//json", "/images/json/",
            "/images//get", "/images/app", "/images/app/", "//", "/nothing", "/IMAGES/json", "/_ping/", "/v1.45/v1.45/version", "/containers/json"})
        BOOST_TEST(parse_target(text).value().where == route::unknown, text);
}

BOOST_AUTO_TEST_CASE(a_version_is_numbers)
{
    auto const version = [](std::string const& text) { return parse_target("/v" + text + "/info").value().version.value(); };
    BOOST_TEST((version("1.45") == engine::api_version{1, 45, 0}));
    BOOST_TEST((version("1.45.1") > engine::api_version{1, 45, 0}));
    BOOST_TEST((version("1.5") < engine::api_version{1, 45, 0}));
    BOOST_TEST((version("1") < engine::api_version{1, 24, 0}));
    BOOST_TEST((version("1.450") > engine::api_version{1, 45, 0}));
    BOOST_TEST((version(std::string(1000, '9')) > engine::api_version{1, 45, 0}));
    BOOST_TEST((version("...") == engine::api_version{}));
    BOOST_TEST(parse_target("/v1.45/info").value().version_text == "1.45");
    BOOST_TEST(!parse_target("/info").value().version);
}

BOOST_AUTO_TEST_CASE(names_are_taken_as_they_are)
{
    auto const name = [](char const* text) { return parse_target(text).value().name; };
    BOOST_TEST(name("/images/app:1.0/json") == "app:1.0");
    BOOST_TEST(name("/images/host:5000/team/app@sha256:00/get") == "host:5000/team/app@sha256:00");
    BOOST_TEST(name("/images/a%2Fb%3a1+/get") == "a/b:1+");
    BOOST_TEST(name("/images/json/get") == "json");
    BOOST_TEST(name("/images/../../etc/passwd/get") == "../../etc/passwd");
    BOOST_TEST(name("/images/%2e%2e/get?names=b") == "..");
    BOOST_TEST(name("/images/a%00b/get").size() == 3);
}

BOOST_AUTO_TEST_CASE(names_of_the_query_are_all_taken_in_order)
{
    auto const names = [](char const* text) { return engine::names_of(parse_target(text).value()); };
    BOOST_TEST(names("/images/get?names=a:1&names=b%2Fc&platform=x&names=") == (texts{"a:1", "b/c", ""}), boost::test_tools::per_element());
    BOOST_TEST(names("/images/a/get?names=b") == texts{"a"}, boost::test_tools::per_element());
    BOOST_TEST(names("/images/get?") == texts{}, boost::test_tools::per_element());
    BOOST_TEST(names("/images/get?names=a%zz&names=b+c&&=&names") == (texts{"b c", ""}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(truth_is_the_engines)
{
    for(auto const* const value : {"1", "true", "yes", "x"})
        BOOST_TEST(engine::is_true(parse_target(std::string("/images/json?all=") + value).value(), "all"), value);
    for(auto const* const value : {"", "0", "false", "no", "none"})
        BOOST_TEST(!engine::is_true(parse_target(std::string("/images/json?all=") + value).value(), "all"), value);
    BOOST_TEST(!engine::is_true(parse_target("/images/json?small=1").value(), "all"));
}

BOOST_AUTO_TEST_CASE(what_is_no_target_is_refused)
{
    for(auto const* const text : {"", "*", "images/json", "/images/%/json", "/images/%2/json", "/images/%2x/json", "/%g0", "http://", "http://host", "https://host/info"})
        BOOST_TEST(!parse_target(text), text);
    BOOST_TEST(parse_target("http://host/v1.45/info?a#b").value().where == route::info);
    BOOST_TEST(parse_target("/info#/images/json").value().where == route::info);
}

BOOST_AUTO_TEST_CASE(a_host_is_this_machine_or_another)
{
    for(auto const* const host : {"localhost", "localhost:8080", "127.0.0.1", "127.0.0.1:80", "127.9.9.9:1", "[::1]", "[::1]:80"})
        BOOST_TEST(engine::is_local_host(host), host);
    for(auto const* const host : {"", "example.org", "127.0.0.1.example.org", "127.example.org", "localhost.example.org", "[::2]", "[::1", "[::1].example.org"
            , "10.0.0.1", "::1", "128.0.0.1"})
        BOOST_TEST(!engine::is_local_host(host), host);
}

BOOST_AUTO_TEST_CASE(only_this_machine_is_listened_on)
{
    using engine::listen_address;
    auto const parsed = [](char const* text) { return engine::parse_listen_address(text).value(); };
    BOOST_TEST((parsed("unix:/tmp/a") == listen_address{"/tmp/a", {}, 0}));
    BOOST_TEST((parsed("unix:///tmp/a") == listen_address{"/tmp/a", {}, 0}));
    BOOST_TEST((parsed("unix:a") == listen_address{"a", {}, 0}));
    BOOST_TEST((parsed("tcp:127.0.0.1:80") == listen_address{{}, "127.0.0.1", 80}));
    BOOST_TEST((parsed("tcp:[::1]:0") == listen_address{{}, "::1", 0}));
    BOOST_TEST((parsed("tcp:localhost:65535") == listen_address{{}, "127.0.0.1", 65535}));
    for(auto const* const text : {"", "unix:", "tcp:", "tcp:127.0.0.1", "tcp:127.0.0.1:", "tcp:127.0.0.1:65536", "tcp:127.0.0.1:-1", "tcp:127.0.0.1:8x", "tcp:0.0.0.0:80",
            "tcp:[::]:80", "tcp:::1:80", "tcp:10.0.0.1:80", "tcp:127.0.0.1.example.org:80", "tcp::80", "127.0.0.1:80"})
        BOOST_TEST(!engine::parse_listen_address(text), text);
}

BOOST_AUTO_TEST_CASE(a_url_is_of_this_machine)
{
    using engine::url;
    auto const parsed = [](char const* text) { return engine::parse_url(text).value(); };
    BOOST_TEST((parsed("http://127.0.0.1:80/a?b=c%20d#e") == url{{{}, "127.0.0.1", 80}, "/a?b=c%20d"}));
    BOOST_TEST((parsed("http://localhost/") == url{{{}, "127.0.0.1", 80}, "/"}));
    BOOST_TEST((parsed("http://[::1]:8080/a") == url{{{}, "::1", 8080}, "/a"}));
    BOOST_TEST((parsed("http://[::1]/a") == url{{{}, "::1", 80}, "/a"}));
    BOOST_TEST((parsed("http+unix://%2Ftmp%2fa/b/c") == url{{"/tmp/a", {}, 0}, "/b/c"}));
    for(auto const* const text : {"", "/a", "https://127.0.0.1/a", "http://127.0.0.1", "http://127.0.0.1:0/a", "http://example.org/a", "http://127.0.0.1?a", "http:///a",
            "http+unix:///a", "http+unix://%2/a", "http+unix://%2Fa", "http://127.0.0.1/a b", "http://127.0.0.1/a\r\nX: y", "http://user@127.0.0.1/a"})
        BOOST_TEST(!engine::parse_url(text), text);
}
