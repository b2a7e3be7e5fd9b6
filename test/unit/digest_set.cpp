//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/digest_set.hpp>

#define BOOST_TEST_MODULE digest_set
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace tarexport;

// A digest of these digits, filled up with ones.
digest make(std::string digits, digest_algorithm a = digest_algorithm::sha256)
{
    digits.resize(2 * size_of(a), '1');
    return parse_digest(std::string(name_of(a)) + ":" + digits).value();
}

} // namespace

BOOST_AUTO_TEST_CASE(a_set_of_digests)
{
    digest_set s;
    BOOST_TEST(s.empty());
    BOOST_TEST(s.insert(make("b")));
    BOOST_TEST(s.insert(make("a")));
    BOOST_TEST(!s.insert(make("b")));
    BOOST_TEST(s.size() == 2u);
    BOOST_TEST(*s.begin() == make("a"));
    BOOST_TEST(s.contains(make("a")));
    BOOST_TEST(!s.contains(make("c")));
    BOOST_TEST(!s.contains(make("a", digest_algorithm::sha512)));
    BOOST_TEST(!s.contains(digest()));
    BOOST_TEST(!s.erase(make("c")));
    BOOST_TEST(s.erase(make("a")));
    BOOST_TEST(!s.erase(make("a")));
    BOOST_TEST(s.size() == 1u);

    digest_set const listed{make("c"), make("a"), make("c")};
    BOOST_TEST(listed.size() == 2u);
    BOOST_TEST(std::ranges::is_sorted(listed, {}, &digest::hex));
}

BOOST_AUTO_TEST_CASE(digits_find_one_digest)
{
    digest_set const s{make("12345"), make("1234"), make("12346"), make("54")};
    BOOST_TEST(s.find_prefix("5").value() == make("54"));
    BOOST_TEST(s.find_prefix("12341").value() == make("1234"));
    BOOST_TEST(s.find_prefix("sha256:12345").value() == make("12345"));
    BOOST_TEST(s.find_prefix(make("12346").hex()).value() == make("12346"));
    BOOST_TEST(s.find_prefix(make("12346").str()).value() == make("12346"));
}

BOOST_AUTO_TEST_CASE(none_and_several_are_told_apart)
{
    digest_set const s{make("12345"), make("1234"), make("12346"), make("54")};
    for(std::string_view t : {"1", "123", "1234", "sha256:1234", ""}) {
        auto const r = s.find_prefix(t);
        BOOST_TEST_REQUIRE(!r, t);
        BOOST_TEST((r.error().code == error::ambiguous_id));
        BOOST_TEST((r.error().code == condition::bad_request));
        BOOST_TEST(r.error().subject == t);
        BOOST_TEST(r.error().detail.find("sha256:1234") != std::string::npos);
    }
    for(std::string_view t : {"2", "f", "sha512:54", "SHA256:54", "sha256:", ":54", "54 ", " 54", "54\n", "5A", "\xff",
            "g", "0", "sha256:54:1"}) {
        auto const r = s.find_prefix(t);
        BOOST_TEST_REQUIRE(!r, t);
        BOOST_TEST((r.error().code == error::unknown_image));
        BOOST_TEST((r.error().code == condition::not_found));
        BOOST_TEST(r.error().subject == t);
    }
    BOOST_TEST(!s.find_prefix(make("54").hex() + "1"), "longer than any");
    BOOST_TEST(!s.find_prefix(std::string_view("54\0", 3)));
    BOOST_TEST(!s.find_prefix(std::string(1000000, '5')));
    BOOST_TEST((digest_set().find_prefix("").error().code == error::unknown_image));
    BOOST_TEST(digest_set{make("a")}.find_prefix("").value() == make("a"));
}

BOOST_AUTO_TEST_CASE(several_algorithms)
{
    auto const wide = digest_algorithm::sha512;
    digest_set const s{make("12"), make("12", wide), make("34", wide)};
    BOOST_TEST(s.find_prefix("sha512:3").value() == make("34", wide));
    BOOST_TEST(!s.find_prefix("sha256:3"));
    BOOST_TEST(s.find_prefix("sha256:12").value() == make("12"));
    BOOST_TEST((s.find_prefix("12").error().code == error::ambiguous_id));
    BOOST_TEST((s.find_prefix(make("12").hex()).error().code == error::ambiguous_id),
        "a whole hash begins a longer one");
    BOOST_TEST(s.find_prefix(make("12").str()).value() == make("12"));
    BOOST_TEST(s.find_prefix("sha512:" + make("12").hex()).value() == make("12", wide));
    BOOST_TEST(!s.find_prefix("sha384:" + make("12").hex()));
    BOOST_TEST(!s.find_prefix("sha512:1"), "hidden by the digest before it, as in the engines");
}

BOOST_AUTO_TEST_CASE(short_codes)
{
    digest_set const s{make("12345"), make("1234"), make("12346"), make("54"), make("6543"), make("64"), make("6542"),
        make("653")};
    std::vector<std::string> const want{"12341", "12345", "12346", "54", "64", "653", "6542", "6543"};
    std::vector<std::string> got;
    for(auto const& [id, code] : s.short_codes(2)) {
        BOOST_TEST(s.find_prefix(code).value() == id);
        got.push_back(code);
    }
    BOOST_TEST(got == want, boost::test_tools::per_element());

    for(auto const& [id, code] : s.short_codes(12))
        BOOST_TEST(code == id.hex().substr(0, 12));
    for(auto const& [id, code] : s.short_codes(64))
        BOOST_TEST(code == id.str());
    BOOST_TEST(digest_set().short_codes(2).empty());
    BOOST_TEST((digest_set{make("a")}.short_codes(0).front().second).empty());

    digest_set const nested{make("12"), make("12", digest_algorithm::sha512)};
    auto const codes = nested.short_codes(2);
    BOOST_TEST(codes[0].second == make("12").str(), "all its digits begin the other");
    BOOST_TEST(codes[1].second == make("12").hex());
}

// Many digests that differ in their last digits only: each is compared with its neighbours, not with all.
BOOST_AUTO_TEST_CASE(many_digests_alike)
{
    std::vector<digest> ids;
    for(int i = 0; i != 20000; ++i) {
        auto const tail = std::to_string(100000 + i);
        ids.push_back(make(std::string(58, '0') + tail));
    }
    digest_set const s(ids);
    auto const codes = s.short_codes(2);
    BOOST_TEST(codes.size() == ids.size());
    for(auto const& [id, code] : codes)
        BOOST_TEST_REQUIRE(s.find_prefix(code).value() == id);
}
