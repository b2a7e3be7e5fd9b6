//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/reference.hpp>

#define BOOST_TEST_MODULE reference
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace {

using namespace tarexport;

std::string const hex64(64, 'a');
std::string const sha256_id = "sha256:" + hex64;

static_assert(std::is_nothrow_move_constructible_v<reference>);
static_assert(!std::is_default_constructible_v<reference>);
static_assert(!std::is_constructible_v<reference, std::string>, "only parsing makes a reference");

reference_fault fault_of(std::string_view s)
{
    auto const fault = check_reference(s);
    auto const r = parse_reference(s);
    BOOST_TEST(r.has_value() == (fault == reference_fault::none));
    if(!r) {
        BOOST_TEST((r.error().code == error::invalid_reference));
        BOOST_TEST((r.error().code == condition::bad_request));
        BOOST_TEST(r.error().subject == s);
        BOOST_TEST(r.error().detail == text(fault));
    }
    return fault;
}

} // namespace

BOOST_AUTO_TEST_CASE(parts_of_a_full_reference)
{
    auto const s = "example.com:5000/team/app:1.0@" + sha256_id;
    auto const r = parse_reference(s).value();
    BOOST_TEST(r.str() == s);
    BOOST_TEST(r.name() == "example.com:5000/team/app");
    BOOST_TEST(r.domain() == "example.com:5000");
    BOOST_TEST(r.path() == "team/app");
    BOOST_TEST(r.tag() == "1.0");
    BOOST_TEST(r.digest_text() == sha256_id);
    BOOST_TEST(r.id().value().hex() == hex64);
    BOOST_TEST(r.has_tag());
    BOOST_TEST(r.has_digest());
    BOOST_TEST(!r.is_name_only());
    BOOST_TEST(r.familiar() == s);
    BOOST_TEST(r.familiar_name() == r.name());
}

BOOST_AUTO_TEST_CASE(what_is_left_out_is_put_in)
{
    std::map<std::string, std::string> const full{
        {"alpine", "docker.io/library/alpine"},
        {"alpine:3.20", "docker.io/library/alpine:3.20"},
        {"alpine@" + sha256_id, "docker.io/library/alpine@" + sha256_id},
        {"team/app", "docker.io/team/app"},
        {"index.docker.io/alpine", "docker.io/library/alpine"},
        {"docker.io/alpine", "docker.io/library/alpine"},
        {"DOCKER.IO/alpine", "DOCKER.IO/alpine"},
        {"localhost/app", "localhost/app"},
        {"localhost:5000", "docker.io/library/localhost:5000"},
        {"Team/app", "Team/app"},
        {"a.b/c/d", "a.b/c/d"},
        {"[::1]:5000/x", "[::1]:5000/x"},
        {"[:]/x", "[:]/x"},
        {"library/a/b", "docker.io/library/a/b"},
    };
    for(auto const& [typed, whole] : full)
        BOOST_TEST(parse_reference(typed).value().str() == whole);
}

BOOST_AUTO_TEST_CASE(familiar_form)
{
    std::map<std::string, std::string> const familiar{
        {"docker.io/library/alpine:3", "alpine:3"},
        {"docker.io/team/app", "team/app"},
        {"docker.io/library/a/b", "library/a/b"},
        {"example.com/library/app", "example.com/library/app"},
    };
    for(auto const& [whole, brief] : familiar) {
        auto const r = parse_reference(whole).value();
        BOOST_TEST(r.familiar() == brief);
        BOOST_TEST(parse_reference(brief).value() == r);
    }
    BOOST_TEST(parse_reference("alpine:3@" + sha256_id).value().familiar_name() == "alpine");
}

BOOST_AUTO_TEST_CASE(faults_are_told_apart)
{
    using enum reference_fault;
    BOOST_TEST((fault_of("") == invalid_format));
    BOOST_TEST((fault_of(hex64) == identifier));
    BOOST_TEST((fault_of(hex64.substr(1)) == none));
    BOOST_TEST((fault_of(std::string(64, 'A')) == upper_case_path));
    BOOST_TEST((fault_of("team/App") == upper_case_path));
    BOOST_TEST((fault_of("team/app\xff") == upper_case_path));
    BOOST_TEST((fault_of("\xc3\x84") == upper_case_path));
    BOOST_TEST((fault_of("\xc3\xa4") == invalid_format));
    BOOST_TEST((fault_of("x/\xe2\x84\xaa") == upper_case_path));
    BOOST_TEST((fault_of("app:") == invalid_format));
    BOOST_TEST((fault_of("app@") == invalid_format));
    BOOST_TEST((fault_of("app@sha256:abc") == invalid_format));
    BOOST_TEST((fault_of("app@sha256:" + std::string(32, 'a')) == digest_length));
    BOOST_TEST((fault_of("app:x@sha256:" + std::string(64, 'A')) == digest_format));
    BOOST_TEST((fault_of("app:x@sha3:" + hex64) == unsupported_digest));
    BOOST_TEST((fault_of(std::string("app\0", 4)) == invalid_format));
    BOOST_TEST((fault_of("app\n") == invalid_format));
    BOOST_TEST((fault_of(" app") == invalid_format));

    BOOST_TEST((check_verbatim_reference("") == empty));
    BOOST_TEST((check_verbatim_reference("App") == upper_case));
    BOOST_TEST((check_verbatim_reference("x/\xe2\x84\xaa") == upper_case), "the Kelvin sign's lower case is ASCII");
    BOOST_TEST((check_verbatim_reference("x/\xc4\xb0") == upper_case), "so is that of the dotted capital I");
    BOOST_TEST((check_verbatim_reference("\xc3\x84") == invalid_format));
    BOOST_TEST((check_verbatim_reference(hex64) == none), "a verbatim name may be 64 digits");
}

BOOST_AUTO_TEST_CASE(each_fault_has_its_sentence)
{
    std::set<std::string> seen;
    for(int i = 1; i <= static_cast<int>(reference_fault::not_canonical); ++i) {
        std::string const s = text(static_cast<reference_fault>(i));
        BOOST_TEST(!s.empty());
        BOOST_TEST(seen.insert(s).second, "two faults say: " + s);
    }
    BOOST_TEST(std::string(text(reference_fault::none)).empty());
}

BOOST_AUTO_TEST_CASE(grammar_of_paths)
{
    for(auto const* s : {"a", "0", "a.b", "a_b", "a__b", "a-b", "a---b", "a/b/c", "a-b_c.d"})
        BOOST_TEST((fault_of(s) == reference_fault::none), s);
    for(auto const* s : {"a..b", "a___b", "a._b", "a_.b", "a-.b", "a.-b", "-a", "a-", ".a", "a.", "_a", "a_", "/a",
            "a/", "a//b", "a/-b", "a/b-", "a b", "a+b", "a!"})
        BOOST_TEST((fault_of(s) == reference_fault::invalid_format), s);
}

BOOST_AUTO_TEST_CASE(grammar_of_hosts)
{
    for(auto const* s : {"a.b/x", "A/x", "a.b:1/x", "1.2.3.4/x", "[fe80::1]/x", "[fe80::1]:1/x", "a-b.c/x", "a--b.c/x"})
        BOOST_TEST((fault_of(s) == reference_fault::none), s);
    for(auto const* s : {"-a.b/x", "a-.b/x", "a..b/x", ".a/x", "a.:1/x", "a:/x", "a:b/x", "a:1:2/x", ":1/x", "[]/x",
            "[g::]/x", "[::1/x", "::1]/x", "[::1]x/x", "[::1]:/x", "[fe80::1%eth0]/x", "a_b.c:1/x"})
        BOOST_TEST((fault_of(s) == reference_fault::invalid_format), s);
    BOOST_TEST((fault_of("A_b/x") == reference_fault::upper_case));
    // What is no host by its form can still be a path.
    auto const r = parse_verbatim_reference("a_b.c/x").value();
    BOOST_TEST(r.domain() == "");
    BOOST_TEST(r.path() == "a_b.c/x");
}

BOOST_AUTO_TEST_CASE(grammar_of_tags)
{
    for(auto const& tag : {std::string("a"), std::string("_"), std::string("A.b-c_1"), std::string(128, 'x')})
        BOOST_TEST(parse_reference("app:" + tag).value().tag() == tag);
    for(auto const& tag : {std::string(".a"), std::string("-a"), std::string("a+b"), std::string("a:b"),
            std::string("a b"), std::string(129, 'x')})
        BOOST_TEST((fault_of("app:" + tag) == reference_fault::invalid_format), tag);
}

BOOST_AUTO_TEST_CASE(only_the_path_counts_for_the_limit)
{
    using enum reference_fault;
    BOOST_TEST((fault_of(std::string(247, 'a')) == none));
    BOOST_TEST((fault_of(std::string(248, 'a')) == too_long), "`library/` is put in");
    BOOST_TEST((fault_of("a.b/" + std::string(255, 'a')) == none));
    BOOST_TEST((fault_of("a.b/" + std::string(256, 'a')) == too_long));
    BOOST_TEST((fault_of(std::string(300, 'a') + ".b/x") == none));
    BOOST_TEST((fault_of("a.b/" + std::string(256, 'a') + "@sha256:" + std::string(32, 'a')) == too_long));
}

BOOST_AUTO_TEST_CASE(tags_and_digests_are_exchanged)
{
    auto const r = parse_reference("app").value();
    BOOST_TEST(r.is_name_only());
    BOOST_TEST(r.with_default_tag().str() == "docker.io/library/app:latest");
    auto const tagged = r.with_tag("1").value();
    BOOST_TEST(tagged.str() == "docker.io/library/app:1");
    BOOST_TEST(tagged.with_default_tag() == tagged);
    BOOST_TEST(tagged.with_tag("2").value().tag() == "2");

    auto const id = parse_digest(sha256_id).value();
    auto const both = tagged.with_digest(id);
    BOOST_TEST(both.str() == "docker.io/library/app:1@" + sha256_id);
    BOOST_TEST(both.with_tag("2").value().str() == "docker.io/library/app:2@" + sha256_id);
    BOOST_TEST(both.without_tag().str() == "docker.io/library/app@" + sha256_id);
    BOOST_TEST(both.without_tag_and_digest() == r);
    BOOST_TEST(both.id().value() == id);

    BOOST_TEST(r.with_tag("").error().detail == text(reference_fault::invalid_tag));
    BOOST_TEST(r.with_tag("a b").error().subject == "a b");
    BOOST_TEST(r.with_digest("md5:abc").error().detail == text(reference_fault::invalid_digest));
    auto const strange = r.with_digest("md5:" + std::string(32, 'F')).value();
    BOOST_TEST(strange.has_digest());
    BOOST_TEST((strange.id().error().code == error::unsupported_digest));
    BOOST_TEST((r.id().error().code == error::invalid_digest));
}

BOOST_AUTO_TEST_CASE(other_ways_to_parse)
{
    auto const bare = parse_verbatim_reference("app:1").value();
    BOOST_TEST(bare.str() == "app:1");
    BOOST_TEST(bare.domain() == "");
    BOOST_TEST(bare.path() == "app");
    BOOST_TEST(bare.familiar() == "app:1");
    BOOST_TEST(bare.with_tag("2").value().str() == "app:2");

    BOOST_TEST(parse_canonical_reference("docker.io/library/app").value().path() == "library/app");
    BOOST_TEST(parse_canonical_reference("app").error().detail == text(reference_fault::not_canonical));
    BOOST_TEST(parse_canonical_reference("App").error().detail == text(reference_fault::upper_case_path));

    BOOST_TEST(parse_pull_reference("app").value().str() == "docker.io/library/app:latest");
    BOOST_TEST(parse_pull_reference("app:1").value().str() == "docker.io/library/app:1");
    BOOST_TEST(parse_pull_reference("app:1@" + sha256_id).value().str() == "docker.io/library/app@" + sha256_id);
    BOOST_TEST(!parse_pull_reference("app:"));

    BOOST_TEST(with_name("a.b/c").value().domain() == "a.b");
    BOOST_TEST(with_name("a.b/c:1").error().detail == text(reference_fault::invalid_format));
    BOOST_TEST(with_name(std::string(256, 'a')).error().detail == text(reference_fault::too_long));
    BOOST_TEST(!with_name(""));

    BOOST_TEST((std::get<digest>(parse_any_reference(hex64).value()).str() == sha256_id));
    BOOST_TEST((std::get<digest>(parse_any_reference(sha256_id).value()).str() == sha256_id));
    BOOST_TEST((std::get<reference>(parse_any_reference("app").value()).path() == "library/app"));
    BOOST_TEST((parse_any_reference("A!").error().code == error::invalid_reference));
}

BOOST_AUTO_TEST_CASE(meaning_of_what_users_type)
{
    auto const meaning = [](std::string const& s) { return parse_image_name(s).value().meaning; };
    BOOST_TEST((std::get<digest>(meaning(hex64)).str() == sha256_id));
    BOOST_TEST((std::get<digest>(meaning(sha256_id)).str() == sha256_id));
    BOOST_TEST((std::get<id_prefix>(meaning("sha256:9f86d0")).text == "sha256:9f86d0"));
    BOOST_TEST((std::get<id_prefix>(meaning("sha256")).text == "sha256"));
    BOOST_TEST((std::get<id_prefix>(meaning("docker.io/library/sha256:1")).text == "docker.io/library/sha256:1"));
    BOOST_TEST((std::get<repository_name>(meaning("9f86d0")).base.path() == "library/9f86d0"));
    BOOST_TEST((std::get<repository_name>(meaning("a.b/sha256")).base.str() == "a.b/sha256"));
    BOOST_TEST((std::get<reference>(meaning("app:1")).tag() == "1"));
    BOOST_TEST((std::get<reference>(meaning("app@" + sha256_id)).has_digest()));
    BOOST_TEST(parse_image_name("app").value().text == "app");
    BOOST_TEST((parse_image_name("app").value() == parse_image_name("app").value()));

    auto const bad = parse_image_name("sha256:" + std::string(64, 'A'));
    BOOST_TEST(std::holds_alternative<id_prefix>(bad.value().meaning), "a tag may have upper-case letters");
    BOOST_TEST((parse_image_name("").error().code == error::invalid_reference));
    BOOST_TEST(parse_image_name("App").error().subject == "App");
}

BOOST_AUTO_TEST_CASE(references_are_ordered_by_their_texts)
{
    std::vector<reference> rs;
    for(auto const* s : {"b", "a:2", "a:1", "z.z/a", "a"})
        rs.push_back(parse_reference(s).value());
    std::ranges::sort(rs);
    BOOST_TEST(std::ranges::is_sorted(rs, {}, &reference::str));
    BOOST_TEST(rs.front().familiar() == "a");
    auto copy = rs.front();
    BOOST_TEST(copy == rs.front());
    copy = std::move(rs.back());
    BOOST_TEST(copy.str() == "z.z/a");
}

// A hundred times the text may not take much more than a hundred times as long.
BOOST_AUTO_TEST_CASE(hostile_texts_take_linear_time)
{
    std::string dashes, slashes, colons, at, dots, upper;
    for(int i = 0; i != 200000; ++i) {
        dashes += "a-";
        slashes += "a/";
        colons += "a:";
        at += "a@";
        dots += "a.";
        upper += "A\xff";
    }
    auto const start = std::chrono::steady_clock::now();
    for(auto const& s : {dashes, slashes, colons, at, dots, upper, dots + "/a", std::string(1000000, '['),
            std::string(1000000, '-'), slashes + "a:" + colons, "a@" + dots + "a:" + std::string(100000, 'a')}) {
        BOOST_TEST((check_reference(s) != reference_fault::none));
        BOOST_TEST((check_verbatim_reference(s) != reference_fault::none));
        BOOST_TEST(!parse_image_name(s));
    }
    auto const taken = std::chrono::steady_clock::now() - start;
    BOOST_TEST((taken < std::chrono::seconds(20)), "quadratic time would take minutes");
}

// Whatever is accepted reads back as itself.
BOOST_AUTO_TEST_CASE(accepted_texts_are_stable)
{
    std::vector<std::string> const pieces{"a", "A", "0", ".", "-", "_", "/", ":", "@", "[", "]", "docker.io",
        "localhost", "library", "sha256", sha256_id, hex64, "\xc3\xa4", "+"};
    std::vector<std::string> texts{""};
    std::size_t first = 0;
    for(int depth = 0; depth != 3; ++depth) {
        auto const last = texts.size();
        for(; first != last; ++first)
            for(auto const& p : pieces)
                texts.push_back(texts[first] + p);
    }
    std::size_t accepted = 0;
    for(auto const& s : texts) {
        auto const r = parse_reference(s);
        if(!r)
            continue;
        ++accepted;
        BOOST_TEST_REQUIRE(parse_canonical_reference(r->str()).value() == *r);
        if(r->familiar() != hex64)
            BOOST_TEST_REQUIRE(parse_reference(r->familiar()).value() == *r);
        BOOST_TEST_REQUIRE(parse_verbatim_reference(r->str()).value().domain() == r->domain());
    }
    BOOST_TEST(accepted > 500u);
    BOOST_TEST(accepted < texts.size() / 2);
}
