//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/paired_sha256.hpp>
#include <tarexport/testing/hash.hpp>

#define BOOST_TEST_MODULE testing_hash
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace tarexport;

std::vector<std::string> const none;

bool tells(std::vector<std::string> const& all, std::string_view what)
{
    return std::ranges::any_of(all, [&](auto const& s) { return s.find(what) != s.npos; });
}

struct unregistered : sha256 {
    static constexpr std::string_view name = "sha224";
};

struct misnamed : sha256 {
    static constexpr std::string_view name = "sha512";
};

// Adds a byte to each update but the empty ones.
struct chatty {
    static constexpr std::string_view name = "sha256";
    void update(bytes_view b)
    {
        hash.update(b);
        if(!b.empty() && std::exchange(once, true))
            hash.update(to_bytes("!"));
    }
    digest result() { return hash.result(); }
    sha256 hash;
    bool once = false;
};

// Takes an empty update for the end.
struct ends_early {
    static constexpr std::string_view name = "sha256";
    void update(bytes_view b)
    {
        ended = ended || b.empty();
        if(!ended)
            hash.update(b);
    }
    digest result() { return hash.result(); }
    sha256 hash;
    bool ended = false;
};

// Keeps the number of bits in 32 bits, as an old mistake has it.
struct counts_in_32_bits {
    static constexpr std::string_view name = "sha256";
    void update(bytes_view b)
    {
        size += b.size();
        hash.update(b);
    }
    digest result() { return size >> 29 == 0 ? hash.result() : digest_of(std::string_view("wrong")); }
    sha256 hash;
    std::uint64_t size = 0;
};

// Forgets what the longer of two inputs has more.
struct forgets : sha256 {
    static bool pairing_pays() noexcept { return true; }
    static void update_both(forgets& a, bytes_view of_a, forgets& b, bytes_view of_b)
    {
        auto const both = std::min(of_a.size(), of_b.size());
        a.update(of_a.first(both));
        b.update(of_b.first(both));
    }
};

// May throw, so it is no paired_hash, and would never be used as one.
struct half : sha256 {
    static bool pairing_pays() { return true; }
    static void update_both(half&, bytes_view, half&, bytes_view) {}
};
static_assert(hash_algorithm<half> && !paired_hash<half>);

} // namespace

BOOST_AUTO_TEST_CASE(good_hashes_pass)
{
    BOOST_TEST(testing::check_hash<sha256>() == none, boost::test_tools::per_element());
    BOOST_TEST(testing::check_hash<paired_sha256>() == none, boost::test_tools::per_element());
    BOOST_TEST(testing::check_hash<sha512>() == none, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(offenders_are_told)
{
    BOOST_TEST(tells(testing::check_hash<unregistered>(), "no registered algorithm: sha224"));
    BOOST_TEST(tells(testing::check_hash<misnamed>(), "the digest of \"abc\": expected sha512:"));
    auto const chatty_says = testing::check_hash<chatty>();
    BOOST_TEST(!tells(chatty_says, "\"abc\""));
    BOOST_TEST(tells(chatty_says, "update(a); update(b) equals update(ab), split at 1:"));
    BOOST_TEST(!tells(chatty_says, "split at 0:"));
    BOOST_TEST(tells(chatty_says, "updates of one byte"));
    BOOST_TEST(tells(testing::check_hash<ends_early>(), "split at 7:"));
    BOOST_TEST(tells(testing::check_hash<half>(), "a part of paired_hash"));
    auto const forgetful = testing::check_hash<forgets>();
    BOOST_TEST(!forgetful.empty());
    BOOST_TEST(std::ranges::all_of(forgetful, [](auto const& s) { return s.starts_with("update_both(a, x, b, y) equals"); }));
    auto const old = testing::check_hash<counts_in_32_bits>();
    BOOST_TEST(old.size() == 1u);
    BOOST_TEST(tells(old, "520 MiB"));
}
