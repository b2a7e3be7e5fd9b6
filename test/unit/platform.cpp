//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/platform.hpp>

#define BOOST_TEST_MODULE platform
#include <boost/test/unit_test.hpp>

#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

namespace {

using namespace tarexport;

platform const host{"linux", "amd64", {}, {}, {}};

platform_fault fault_of(std::string_view s)
{
    auto const fault = check_platform(s);
    auto const p = parse_platform(s, host);
    BOOST_TEST(p.has_value() == (fault == platform_fault::none));
    if(!p) {
        BOOST_TEST((p.error().code == error::invalid_platform));
        BOOST_TEST((p.error().code == condition::bad_request));
        BOOST_TEST(p.error().subject == s);
        BOOST_TEST(p.error().detail == text(fault));
    }
    return fault;
}

} // namespace

BOOST_AUTO_TEST_CASE(spellings)
{
    std::map<std::string, std::string> const spelled{
        {"linux/amd64", "linux/amd64"},
        {"LINUX/X86_64", "linux/amd64"},
        {"linux/x86-64/v1", "linux/amd64"},
        {"linux/amd64/v3", "linux/amd64/v3"},
        {"linux/aarch64", "linux/arm64"},
        {"linux/arm64/8", "linux/arm64/v8"},
        {"linux/arm64/v9", "linux/arm64/v9"},
        {"linux/arm", "linux/arm"},
        {"linux/arm/7", "linux/arm/v7"},
        {"linux/arm/v6", "linux/arm/v6"},
        {"linux/armel", "linux/arm/v6"},
        {"linux/armhf", "linux/arm"},
        {"linux/armhf/v6", "linux/arm/v7"},
        {"linux/i386/v7", "linux/386"},
        {"macos/arm64", "darwin/arm64"},
        {"made-up/strange/one", "made-up/strange/one"},
        {"windows(10.0.17763)/amd64", "windows(10.0.17763)/amd64"},
        {"linux()/amd64", "linux/amd64"},
    };
    for(auto const& [typed, want] : spelled)
        BOOST_TEST(format_all(parse_platform(typed, host).value()) == want, typed);
}

BOOST_AUTO_TEST_CASE(single_words_take_the_rest_from_the_host)
{
    BOOST_TEST(format(parse_platform("linux", host).value()) == "linux/amd64");
    BOOST_TEST(format(parse_platform("windows", host).value()) == "windows/amd64");
    BOOST_TEST(format(parse_platform("aarch64", host).value()) == "linux/arm64");
    BOOST_TEST(format(parse_platform("armhf", host).value()) == "linux/arm");
    BOOST_TEST(parse_platform("linux(5)", host).value().os_version == "5");

    platform const pi{"linux", "arm", "v6", {}, {}};
    BOOST_TEST(format(parse_platform("linux", pi).value()) == "linux/arm/v6");
    BOOST_TEST(format(parse_platform("linux", {"linux", "arm", "v7", {}, {}}).value()) == "linux/arm");
    BOOST_TEST(format(parse_platform("amd64", {"freebsd", "arm64", {}, {}, {}}).value()) == "freebsd/amd64");
}

BOOST_AUTO_TEST_CASE(faults_are_told_apart)
{
    using enum platform_fault;
    BOOST_TEST((fault_of("") == bad_os));
    BOOST_TEST((fault_of("*") == wildcard));
    BOOST_TEST((fault_of("linux/*") == wildcard));
    BOOST_TEST((fault_of("linux//x/y/*") == wildcard));
    BOOST_TEST((fault_of("/amd64") == bad_os));
    BOOST_TEST((fault_of(" linux/amd64") == bad_os));
    BOOST_TEST((fault_of("linux(/amd64") == bad_os));
    BOOST_TEST((fault_of("linux)/amd64") == bad_os));
    BOOST_TEST((fault_of("linux(a)(b)/amd64") == bad_os));
    BOOST_TEST((fault_of("linux(a b)/amd64") == bad_os));
    BOOST_TEST((fault_of("linux(1)x/amd64") == bad_os));
    BOOST_TEST((fault_of("(1)/amd64") == bad_os));
    BOOST_TEST((fault_of("\xff") == bad_os));
    BOOST_TEST((fault_of("linux/") == bad_component));
    BOOST_TEST((fault_of("linux//v7") == bad_component));
    BOOST_TEST((fault_of("linux/amd64/") == bad_component));
    BOOST_TEST((fault_of("linux/amd64(1)") == bad_component));
    BOOST_TEST((fault_of("linux/amd64/v1.2") == bad_component));
    BOOST_TEST((fault_of("a/b/c/d/e") == bad_component), "the fourth part has a slash");
    BOOST_TEST((fault_of("a/b/c/d") == too_many_parts));
    BOOST_TEST((fault_of("haiku") == unknown_word));
    BOOST_TEST((fault_of("amd64(1)") == unknown_word));
    BOOST_TEST((fault_of(std::string("linux\0", 6)) == bad_os));
    BOOST_TEST((fault_of(std::string(1000000, '/')) == bad_os));
    BOOST_TEST((fault_of(std::string(1000000, 'a')) == unknown_word));

    std::set<std::string> seen;
    for(auto const f : {wildcard, bad_os, bad_component, unknown_word, too_many_parts})
        BOOST_TEST(seen.insert(text(f)).second);
    BOOST_TEST(!seen.contains(""));
    BOOST_TEST(std::string(text(none)).empty());
}

BOOST_AUTO_TEST_CASE(normalization)
{
    auto const normal = [](platform p) { return format_all(normalize(std::move(p), host)); };
    BOOST_TEST(normal({{}, "AMD64", "V1", {}, {}}) == "linux/amd64");
    BOOST_TEST(normal({"macOS", "aarch64", "v8", {}, {}}) == "darwin/arm64");
    BOOST_TEST(normal({"linux", "arm", {}, {}, {}}) == "linux/arm/v7");
    BOOST_TEST(normal({"linux", "arm", "8", {}, {}}) == "linux/arm/v8");
    BOOST_TEST(normal({"linux", "arm", "4", {}, {}}) == "linux/arm/4");
    BOOST_TEST(normal({"linux", {}, {}, {}, {}}) == "linux");
    platform const whole{"windows", "amd64", "v2", "10.0", {"win32k"}};
    BOOST_TEST(normalize(whole, host) == whole);
    auto const once = normalize({"X", "ARMHF", {}, {}, {}}, host);
    BOOST_TEST(normalize(once, host) == once);
}

BOOST_AUTO_TEST_CASE(formats)
{
    BOOST_TEST(format({}) == "unknown");
    BOOST_TEST(format_all({{}, "amd64", {}, "1", {}}) == "unknown");
    BOOST_TEST(format({"linux", {}, "v7", {}, {}}) == "linux/v7");
    BOOST_TEST(format({"linux", "a/b", "c/../d", {}, {}}) == "linux/a/b/d");
    BOOST_TEST(format({"..", "..", ".", {}, {}}) == "../..");
    BOOST_TEST(format({"/", "..", {}, {}, {}}) == "/");
    BOOST_TEST(format({"a", "..", {}, {}, {}}) == ".");
    std::ostringstream s;
    s << platform{"linux", "arm", "v6", "1", {}};
    BOOST_TEST(s.str() == "linux(1)/arm/v6");
}

BOOST_AUTO_TEST_CASE(the_host_is_a_known_platform)
{
    auto const p = host_platform();
    BOOST_TEST(p == normalize(p));
    BOOST_TEST(parse_platform(p.os).value().architecture == p.architecture);
    BOOST_TEST(parse_platform(p.architecture).value().os == p.os);
#if defined(__linux__) && defined(__x86_64__)
    BOOST_TEST(format_all(p) == "linux/amd64");
#endif
}
