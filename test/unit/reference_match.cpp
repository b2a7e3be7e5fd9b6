//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/reference_match.hpp>

#define BOOST_TEST_MODULE reference_match
#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace tarexport;

bool matches(std::string_view pattern, std::string_view s) { return parse_name_pattern(pattern).value().matches(s); }

} // namespace

BOOST_AUTO_TEST_CASE(stars_stop_at_slashes)
{
    BOOST_TEST(matches("*", ""));
    BOOST_TEST(matches("*", "abc"));
    BOOST_TEST(!matches("*", "a/b"));
    BOOST_TEST(matches("*/*", "a/b"));
    BOOST_TEST(matches("**/b", "a/b"));
    BOOST_TEST(!matches("**/b", "a/a/b"));
    BOOST_TEST(matches("a*b*c", "aXbXbXc"));
    BOOST_TEST(!matches("a*b*c", "aXbXbX"));
    BOOST_TEST(!matches("a*/c", "a/b/c"));
    BOOST_TEST(matches("*b", "abab"));
    BOOST_TEST(!matches("", "a"));
    BOOST_TEST(matches("", ""));
}

BOOST_AUTO_TEST_CASE(single_characters)
{
    BOOST_TEST(matches("a?c", "abc"));
    BOOST_TEST(!matches("a?c", "a/c"));
    BOOST_TEST(!matches("a?", "a"));
    BOOST_TEST(matches("[a-c]", "b"));
    BOOST_TEST(!matches("[a-c]", "d"));
    BOOST_TEST(!matches("[c-a]", "b"), "an empty range matches nothing");
    BOOST_TEST(matches("[^a-c]", "d"));
    BOOST_TEST(matches("[^a]", "/"), "only a class may match a slash");
    BOOST_TEST(matches("[xa-c\\]]", "]"));
    BOOST_TEST(matches("[\\-]", "-"));
    BOOST_TEST(matches("[\xc3\xa4x]", "x"));
    BOOST_TEST(matches("\\*", "*"));
    BOOST_TEST(!matches("\\*", "a"));
    BOOST_TEST(matches("]", "]"));
}

BOOST_AUTO_TEST_CASE(malformed_patterns_are_refused)
{
    for(std::string_view s : {"[", "[]", "[]a]", "[^", "[^]", "[a", "[a-", "[a-]", "[-x]", "[x-]", "[a-b-c]", "\\",
            "a\\", "[\\", "[a\\", "[\\]", "[\xff]", "*[", "a*[*", "x[]*]"}) {
        auto const p = parse_name_pattern(s);
        BOOST_TEST_REQUIRE(!p, s);
        BOOST_TEST((p.error().code == error::invalid_pattern));
        BOOST_TEST((p.error().code == condition::bad_request));
        BOOST_TEST(p.error().subject == s);
        BOOST_TEST(!p.error().detail.empty());
    }
}

BOOST_AUTO_TEST_CASE(references_match_with_and_without_tag)
{
    auto const r = parse_any_reference("docker.io/library/app:1.0").value();
    BOOST_TEST(parse_name_pattern("app").value().matches(r));
    BOOST_TEST(parse_name_pattern("app:1.?").value().matches(r));
    BOOST_TEST(!parse_name_pattern("library/app").value().matches(r));
    BOOST_TEST(!parse_name_pattern("docker.io/library/app").value().matches(r));
    auto const id = parse_any_reference(std::string(64, 'a')).value();
    BOOST_TEST(parse_name_pattern("sha256:a*").value().matches(id));
    BOOST_TEST(!parse_name_pattern("a*").value().matches(id));
}

BOOST_AUTO_TEST_CASE(hostile_patterns_end)
{
    std::string pattern, name(4000, 'a');
    for(int i = 0; i != 500; ++i)
        pattern += "*a";
    BOOST_TEST(matches(pattern, name));
    BOOST_TEST(!matches(pattern + "b", name));
}

BOOST_AUTO_TEST_CASE(the_most_exact_come_first)
{
    std::string const id = "sha256:" + std::string(64, 'a');
    std::vector<std::string> const sorted{"docker.io/library/z:1@" + id, "docker.io/library/a:1",
        "docker.io/library/b:1", "docker.io/library/a@" + id, "docker.io/library/a", "docker.io/library/a", id, "",
        "A", "\xff"};
    BOOST_TEST(sort_references({"\xff", "A", "", std::string(64, 'a'), "docker.io/library/a", "a", "a@" + id, "b:1",
                   "a:1", "z:1@" + id}) == sorted,
        boost::test_tools::per_element());
    BOOST_TEST(sort_references({}).empty());
}
