//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/digest.hpp>

#define BOOST_TEST_MODULE digest
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <functional>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

namespace {

using namespace tarexport;

static_assert(std::is_trivially_copyable_v<digest>);
static_assert(std::regular<digest>);
static_assert(!std::is_constructible_v<digest, std::string>, "only parsing makes a digest of a text");

std::string const hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::string text_of(digest_algorithm a, char digit)
{
    return std::string(name_of(a)) + ":" + std::string(2 * size_of(a), digit);
}

} // namespace

BOOST_AUTO_TEST_CASE(algorithms)
{
    for(auto const a : digest_algorithms) {
        BOOST_TEST((find_algorithm(name_of(a)) == a));
        BOOST_TEST(size_of(a) * 8 == static_cast<std::size_t>(std::stoi(std::string(name_of(a).substr(3)))));
    }
    for(std::string_view s : {"", "SHA256", "sha256 ", "md5", "sha512-256", "sha25"})
        BOOST_TEST(!find_algorithm(s).has_value());
}

BOOST_AUTO_TEST_CASE(empty_digest)
{
    digest const d;
    BOOST_TEST(d.empty());
    BOOST_TEST(d.str() == "");
    BOOST_TEST(d.hex() == "");
    BOOST_TEST(d.hash().empty());
    BOOST_TEST(d == digest());
    BOOST_TEST(d != parse_digest("sha256:" + hex).value());
    BOOST_TEST(d < parse_digest(text_of(digest_algorithm::sha256, '0')).value());
    BOOST_TEST(!(d < digest()));
}

BOOST_AUTO_TEST_CASE(parsing_and_printing)
{
    auto const d = parse_digest("sha256:" + hex).value();
    BOOST_TEST(!d.empty());
    BOOST_TEST((d.algorithm() == digest_algorithm::sha256));
    BOOST_TEST(d.str() == "sha256:" + hex);
    BOOST_TEST(d.hex() == hex);
    BOOST_TEST(d.hash().size() == 32u);
    BOOST_TEST(std::to_integer<int>(d.hash()[0]) == 0xe3);
    BOOST_TEST(std::to_integer<int>(d.hash()[31]) == 0x55);
    std::ostringstream s;
    s << d;
    BOOST_TEST(s.str() == d.str());
    for(auto const a : digest_algorithms)
        BOOST_TEST(parse_digest(text_of(a, 'f')).value().str() == text_of(a, 'f'));
}

BOOST_AUTO_TEST_CASE(digests_of_hashes)
{
    for(auto const a : digest_algorithms) {
        std::vector<std::byte> const hash(size_of(a), std::byte{0xab});
        digest const d(a, hash);
        BOOST_TEST(std::ranges::equal(d.hash(), hash));
        BOOST_TEST(parse_digest(d.str()).value() == d);
    }
}

BOOST_AUTO_TEST_CASE(faults_are_told_apart)
{
    using enum digest_fault;
    std::vector<std::pair<std::string, digest_fault>> const cases{
        {"sha256:" + hex, none},
        {"", invalid_format},
        {":", invalid_format},
        {"sha256", invalid_format},
        {"sha256:", invalid_format},
        {":" + hex, invalid_format},
        {hex, invalid_format},
        {"sha256:" + hex.substr(1), invalid_length},
        {"sha256:" + hex + "0", invalid_length},
        {"sha256:zz", invalid_length},
        {"sha256:" + hex + "\n", invalid_length},
        {"sha512:" + hex, invalid_length},
        {"sha256:" + std::string(64, 'A'), invalid_format},
        {"sha256:" + std::string(63, 'a') + "g", invalid_format},
        {"sha256:" + std::string(63, 'a') + std::string(1, '\0'), invalid_format},
        {"sha256:" + std::string(63, 'a') + ":", invalid_format},
        {"SHA256:" + hex, invalid_format},
        {"md5:abc", unsupported},
        {"sha256+b64:abc=_-", unsupported},
        {"a.b_c-d+e:Z", unsupported},
        {"a..b:Z", invalid_format},
        {"a-:Z", invalid_format},
        {"-a:Z", invalid_format},
        {"md5:a:b", invalid_format},
        {"md5:a b", invalid_format},
        {"md5:\xff", invalid_format},
        {std::string(1000000, 'a') + ":" + std::string(1000000, 'a'), unsupported},
        {std::string(1000000, '-') + ":a", invalid_format},
    };
    for(auto const& [s, fault] : cases) {
        BOOST_TEST((check_digest(s) == fault), s.substr(0, 100));
        auto const d = parse_digest(s);
        BOOST_TEST(d.has_value() == (fault == none));
        if(d)
            continue;
        BOOST_TEST((d.error().code == (fault == unsupported ? error::unsupported_digest : error::invalid_digest)));
        BOOST_TEST((d.error().code == condition::bad_request));
        BOOST_TEST((d.error().subject == s));
    }
}

BOOST_AUTO_TEST_CASE(order_is_that_of_the_texts)
{
    std::vector<digest> ds{digest()};
    for(auto const a : digest_algorithms)
        for(char const c : {'f', '0', '9', 'a'})
            ds.push_back(parse_digest(text_of(a, c)).value());
    for(auto const& a : ds) {
        for(auto const& b : ds) {
            BOOST_TEST((a < b) == (a.str() < b.str()));
            BOOST_TEST((a == b) == (a.str() == b.str()));
            BOOST_TEST((a <= b) == (a.str() <= b.str()));
        }
    }
}

BOOST_AUTO_TEST_CASE(hash_of_a_digest)
{
    std::unordered_set<digest> s;
    for(auto const a : digest_algorithms)
        for(char const c : {'f', '0', '9', 'a'})
            BOOST_TEST(s.insert(parse_digest(text_of(a, c)).value()).second);
    BOOST_TEST(s.insert(digest()).second);
    BOOST_TEST(!s.insert(digest()).second);
    BOOST_TEST(s.contains(parse_digest(text_of(digest_algorithm::sha512, '9')).value()));
    auto const d = parse_digest("sha256:" + hex).value();
    BOOST_TEST(std::hash<digest>()(d) == std::hash<digest>()(parse_digest(d.str()).value()));
}

// What a hostile index would do: a table of them would be one long list.
BOOST_AUTO_TEST_CASE(digests_that_are_alike_have_unlike_hashes)
{
    for(auto const a : digest_algorithms)
        for(std::size_t at = 0; at != size_of(a); at += 2) {
            std::vector<std::byte> bytes(size_of(a), std::byte{0x55});
            std::unordered_set<std::size_t> whole, low, high;
            for(unsigned n = 0; n != 4096; ++n) {
                bytes[at] = static_cast<std::byte>(n >> 8);
                bytes[at + 1] = static_cast<std::byte>(n);
                auto const h = std::hash<digest>()(digest(a, bytes));
                whole.insert(h);
                low.insert(h % 4096);
                high.insert(h * 0x9e3779b97f4a7c15u >> 52);
            }
            BOOST_TEST(whole.size() > 4090u);
            BOOST_TEST(low.size() > 1000u);
            BOOST_TEST(high.size() > 1000u);
        }
}
