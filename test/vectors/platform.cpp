//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Every case of platform.json: what containerd/platforms v0.2.1 makes of a platform on a linux/amd64 host.

#include <tarexport/platform_matcher.hpp>

#include "vectors.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string>
#include <vector>

namespace {

namespace json = vectors::json;
using tarexport::platform;
using tarexport::platform_fault;
using tarexport::platform_matcher;

platform const host{"linux", "amd64", {}, {}, {}};

std::string kind_of(platform_fault f)
{
    switch(f) {
    case platform_fault::none: return "none";
    case platform_fault::wildcard: return "wildcard";
    case platform_fault::bad_os: return "bad_os_component";
    case platform_fault::bad_component: return "bad_component";
    case platform_fault::unknown_word: return "unknown";
    case platform_fault::too_many_parts: return "too_many_components";
    }
    return "?";
}

platform read(json::value const& v)
{
    auto const& o = v.as_object();
    platform p{vectors::text(o, "os"), vectors::text(o, "architecture"), vectors::text(o, "variant"),
        vectors::text(o, "os_version"), {}};
    if(auto const* const features = o.if_contains("os_features"))
        for(auto const& f : features->as_array())
            p.os_features.emplace_back(f.as_string());
    return p;
}

std::vector<platform> read_all(json::value const& v)
{
    std::vector<platform> ps;
    for(auto const& p : v.as_array())
        ps.push_back(read(p));
    return ps;
}

void compare_formats(platform const& p, json::object const& want)
{
    vectors::equal(format(p), vectors::text(want, "format"), "format");
    vectors::equal(format_all(p), vectors::text(want, "format_all"), "format_all");
    auto const normalized = normalize(p, host);
    vectors::equal(normalized, read(want.at("normalized")), "normalized");
    vectors::equal(format_all(normalized), vectors::text(want, "normalized_format_all"), "normalized_format_all");
}

void parse(json::object const& test, json::object const&)
{
    auto const& want = test.at("expect").as_object();
    auto const input = vectors::text(test, "input");
    auto const got = tarexport::parse_platform(input, host);
    vectors::equal(got.has_value(), want.at("ok").as_bool(), "accepted");
    auto const fault = tarexport::check_platform(input);
    if(!got) {
        vectors::equal(kind_of(fault), vectors::text(want.at("error").as_object(), "kind"), "fault");
        vectors::equal(got.error().code, make_error_code(tarexport::error::invalid_platform), "code");
        vectors::equal(got.error().detail, text(fault), "detail");
        return;
    }
    vectors::equal(kind_of(fault), "none", "fault");
    vectors::equal(*got, read(want.at("platform")), "platform");
    compare_formats(*got, want);
    if(!want.at("host_dependent").as_bool())
        vectors::equal(
            tarexport::parse_platform(input, {"plan9", "mips", {}, {}, {}}).value(), *got, "on another host");
}

void normalize_op(json::object const& test, json::object const&)
{
    compare_formats(read(test.at("platform")), test.at("expect").as_object());
}

platform_matcher matcher_of(json::object const& test)
{
    auto const kind = vectors::text(test, "matcher");
    auto const ps = read_all(test.at("platforms"));
    if(kind == "only")
        return platform_matcher::only(ps.at(0), host);
    if(kind == "only_strict")
        return platform_matcher::only_strict(ps.at(0), host);
    if(kind == "ordered")
        return platform_matcher::ordered(ps, host);
    if(kind == "any")
        return platform_matcher::any(ps, host);
    vectors::equal(kind, "all", "matcher");
    return platform_matcher::all();
}

void match(json::object const& test, json::object const&)
{
    auto const& want = test.at("expect").as_object();
    auto const m = matcher_of(test);
    auto const candidates = read_all(test.at("candidates"));

    json::array matches, sorted;
    for(auto const& c : candidates)
        matches.emplace_back(m.matches(c));
    vectors::equal(json::serialize(matches), json::serialize(want.at("match")), "match");

    std::vector<std::size_t> order(candidates.size());
    std::iota(order.begin(), order.end(), 0u);
    std::ranges::sort(order, [&](auto a, auto b) {
        bool const alike = !m.prefers(candidates[b], candidates[a]);
        return m.prefers(candidates[a], candidates[b]) || (alike && a < b);
    });
    for(auto const i : order)
        sorted.emplace_back(i);
    vectors::equal(json::serialize(sorted), json::serialize(want.at("stable_sorted")), "stable_sorted");

    auto const best = m.best(candidates);
    auto const index = best ? json::value(*best) : json::value();
    vectors::equal(json::serialize(index), json::serialize(want.at("best")), "best");
}

} // namespace

int main()
{
    return vectors::run("platform.json", {{"parse", parse}, {"normalize", normalize_op}, {"match", match}});
}
