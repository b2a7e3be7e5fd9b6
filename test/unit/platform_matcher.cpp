//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/platform_matcher.hpp>

#define BOOST_TEST_MODULE platform_matcher
#include <boost/test/unit_test.hpp>

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace tarexport;

platform const host{"linux", "amd64", {}, {}, {}};

platform named(std::string const& s) { return parse_platform(s, host).value(); }

platform_matcher only(std::string const& s) { return platform_matcher::only(named(s), host); }

// Whether these match, each less than the one before.
bool descends(platform_matcher const& m, std::initializer_list<std::string> wanted)
{
    std::optional<std::uint64_t> last;
    for(auto const& s : wanted) {
        auto const r = m.rank(named(s));
        if(!r || (last && *r <= *last))
            return false;
        last = r;
    }
    return true;
}

bool matches_none(platform_matcher const& m, std::initializer_list<std::string> others)
{
    for(auto const& s : others)
        if(m.matches(named(s)))
            return false;
    return true;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_a_platform_can_run)
{
    BOOST_TEST(descends(only("linux/amd64"), {"linux/amd64", "linux/386"}));
    BOOST_TEST(descends(only("linux/amd64/v3"), {"linux/amd64/v3", "linux/amd64/v2", "linux/amd64", "linux/386"}));
    BOOST_TEST(matches_none(only("linux/amd64"), {"linux/amd64/v2", "linux/arm64", "windows/amd64"}));
    BOOST_TEST(matches_none(only("linux/amd64/v3"), {"linux/amd64/v4", "linux/amd64/v0", "linux/amd64/2"}));

    BOOST_TEST(descends(only("linux/arm/v7"), {"linux/arm/v7", "linux/arm/v6", "linux/arm/v5"}));
    BOOST_TEST(matches_none(only("linux/arm/v7"), {"linux/arm/v8", "linux/arm/v4", "linux/arm64"}));
    BOOST_TEST(matches_none(only("linux/arm/v5"), {"linux/arm/v4", "linux/arm/v6"}));

    BOOST_TEST(descends(only("linux/arm64"),
        {"linux/arm64", "linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"}));
    BOOST_TEST(descends(only("linux/arm64/v9"), {"linux/arm64/v9", "linux/arm/v9", "linux/arm/v8", "linux/arm/v5"}));
    BOOST_TEST(matches_none(only("linux/arm64/v9"), {"linux/arm64", "linux/arm/9"}));

    BOOST_TEST(descends(only("linux/ppc64le"), {"linux/ppc64le"}));
    BOOST_TEST(matches_none(only("linux/ppc64le"), {"linux/ppc64"}));
}

BOOST_AUTO_TEST_CASE(strange_variants)
{
    BOOST_TEST(matches_none(only("linux/amd64/v"), {"linux/amd64", "linux/amd64/v2"}));
    BOOST_TEST(only("linux/amd64/v").matches(named("linux/386")));
    BOOST_TEST(descends(only("linux/amd64/4"), {"linux/amd64/4", "linux/amd64/v3", "linux/amd64"}));
    BOOST_TEST(matches_none(only("linux/amd64/v4"), {"linux/amd64/v03", "linux/amd64/v-3", "linux/amd64/3"}));
    platform const plus{"linux", "amd64", "v+3", {}, {}};
    BOOST_TEST(platform_matcher::only(plus, host).matches(named("linux/amd64/v2")));
    platform const sign{"linux", "amd64", "v+-3", {}, {}};
    BOOST_TEST(!platform_matcher::only(sign, host).matches(named("linux/amd64")));

    // As large as can be, without a list as long; and larger.
    auto const largest = only("linux/amd64/v9223372036854775807");
    BOOST_TEST(descends(largest, {"linux/amd64/v9223372036854775807", "linux/amd64/v9223372036854775806",
        "linux/amd64/v2", "linux/amd64", "linux/386"}));
    BOOST_TEST(matches_none(only("linux/amd64/v9223372036854775808"), {"linux/amd64", "linux/amd64/v2"}));
}

BOOST_AUTO_TEST_CASE(spelling_version_and_features_play_no_part)
{
    auto const m = only("linux/amd64");
    BOOST_TEST(m.matches({"Linux", "x86_64", "v1", "5.4", {"x"}}));
    BOOST_TEST(m.matches({{}, "amd64", {}, {}, {}}), "no system is the host's");
    BOOST_TEST(!m.matches({}));
    auto const elsewhere = platform_matcher::only({{}, "amd64", {}, {}, {}}, {"plan9", "arm", {}, {}, {}});
    BOOST_TEST(!elsewhere.matches(named("linux/amd64")));
}

BOOST_AUTO_TEST_CASE(lists)
{
    std::vector<platform> const wanted{named("linux/arm64"), named("linux/amd64")};
    std::vector<platform> const has{
        named("linux/386"), named("linux/amd64"), named("linux/arm64"), named("linux/amd64")};

    auto const ordered = platform_matcher::ordered(wanted, host);
    BOOST_TEST(ordered.best(has).value() == 2u);
    BOOST_TEST(ordered.prefers(has[2], has[1]));
    BOOST_TEST(!ordered.prefers(has[1], has[2]));
    BOOST_TEST(!ordered.prefers(has[1], has[3]));
    BOOST_TEST(ordered.prefers(has[1], has[0]));
    BOOST_TEST(!ordered.prefers(has[0], has[1]));

    auto const any = platform_matcher::any(wanted, host);
    BOOST_TEST(any.best(has).value() == 1u, "the first of equals");
    BOOST_TEST(!any.prefers(has[2], has[1]));

    BOOST_TEST(platform_matcher::all().best(has).value() == 0u);
    BOOST_TEST(platform_matcher::all().matches({}));
    BOOST_TEST(!platform_matcher::ordered({}, host).best(has).has_value());
    BOOST_TEST(!platform_matcher::only_strict(named("linux/amd64/v2"), host).best(has).has_value());
    BOOST_TEST(!ordered.best({}).has_value());
}
