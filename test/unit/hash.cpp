//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/hash.hpp>
#include <tarexport/paired_sha256.hpp>

#define BOOST_TEST_MODULE hash
#include <boost/test/unit_test.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace tarexport;

// SHA-256 as FIPS 180-4 describes it: a hash that is not OpenSSL's.
class own_sha256 {
public:
    static constexpr char const* name = "sha256";

    void update(bytes_view bytes)
    {
        for(auto const b : bytes)
            put(std::to_integer<std::uint8_t>(b));
        size_ += bytes.size();
    }

    digest result()
    {
        put(0x80);
        while(fill_ != 56)
            put(0);
        for(int shift = 56; shift >= 0; shift -= 8)
            put(static_cast<std::uint8_t>(size_ * 8 >> shift));
        std::array<std::byte, 32> out;
        for(std::size_t i = 0; i != out.size(); ++i)
            out[i] = static_cast<std::byte>(state_[i / 4] >> (24 - i % 4 * 8) & 0xffu);
        return digest(digest_algorithm::sha256, out);
    }

private:
    // The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
    static constexpr std::array<std::uint32_t, 64> constants{
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

    void put(std::uint8_t byte)
    {
        block_[fill_ / 4] = block_[fill_ / 4] << 8 | byte;
        if(++fill_ == 64) {
            compress();
            fill_ = 0;
        }
    }

    void compress()
    {
        std::array<std::uint32_t, 64> w{};
        for(std::size_t i = 0; i != 64; ++i) {
            if(i < 16) {
                w[i] = block_[i];
                continue;
            }
            auto const a = w[i - 15], b = w[i - 2];
            w[i] = w[i - 16] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ a >> 3) + w[i - 7] +
                   (std::rotr(b, 17) ^ std::rotr(b, 19) ^ b >> 10);
        }
        auto s = state_;
        for(std::size_t i = 0; i != 64; ++i) {
            auto const e = s[4], a = s[0];
            auto const t1 = s[7] + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) +
                            ((e & s[5]) ^ (~e & s[6])) + constants[i] + w[i];
            auto const t2 = (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) +
                            ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
            s = {t1 + t2, s[0], s[1], s[2], s[3] + t1, s[4], s[5], s[6]};
        }
        for(std::size_t i = 0; i != 8; ++i)
            state_[i] += s[i];
    }

    std::array<std::uint32_t, 8> state_{
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::array<std::uint32_t, 16> block_{};
    std::size_t fill_ = 0;
    std::uint64_t size_ = 0;
};

static_assert(hash_algorithm<own_sha256>);
static_assert(hash_algorithm<sha256>);
static_assert(hash_algorithm<sha384>);
static_assert(hash_algorithm<sha512>);

struct no_name {
    void update(bytes_view);
    digest result();
};
struct wrong_name : no_name {
    static constexpr int name = 256;
};
struct no_update {
    static constexpr std::string_view name = "sha256";
    digest result();
};
struct wrong_result {
    static constexpr std::string_view name = "sha256";
    void update(bytes_view);
    std::string result();
};
struct no_result {
    static constexpr std::string_view name = "sha256";
    void update(bytes_view);
};
struct not_movable : no_name {
    [[maybe_unused]] static constexpr std::string_view name = "sha256";
    not_movable() = default;
    not_movable(not_movable const&) = delete;
};
struct not_default : no_name {
    [[maybe_unused]] static constexpr std::string_view name = "sha256";
    explicit not_default(int);
};
struct least : no_name {
    static constexpr std::string_view name = "sha256";
    least() = default;
    least(least&&) noexcept = default;
    least& operator=(least&&) noexcept = default;
    void operator&() const = delete;
};
static_assert(hash_algorithm<least>);
static_assert(!hash_algorithm<no_name>);
static_assert(!hash_algorithm<wrong_name>);
static_assert(!hash_algorithm<no_update>);
static_assert(!hash_algorithm<wrong_result>);
static_assert(!hash_algorithm<no_result>);
static_assert(!hash_algorithm<not_movable>);
static_assert(!hash_algorithm<not_default>);
static_assert(!hash_algorithm<int>);

// Bytes of no particular pattern, around the sizes of blocks.
std::string sample(std::size_t size)
{
    std::string s(size, '\0');
    std::uint32_t x = 12345;
    for(char& c : s) {
        x = x * 1664525u + 1013904223u;
        c = static_cast<char>(x >> 24);
    }
    return s;
}

// The laws of hash_algorithm. What the digest must be is for the known answers to say.
template<hash_algorithm H>
void conformance()
{
    auto const algorithm = find_algorithm(H::name);
    BOOST_TEST_REQUIRE(algorithm.has_value());
    for(unsigned const size : {0u, 1u, 3u, 55u, 56u, 57u, 63u, 64u, 65u, 111u, 112u, 119u, 127u, 128u, 129u, 1000u}) {
        auto const text = sample(size);
        auto const whole = digest_of<H>(text);
        BOOST_TEST((whole.algorithm() == *algorithm));
        BOOST_TEST(digest_of<H>(to_bytes(text)) == whole);
        for(std::size_t cut = 0; cut <= size; cut += 1 + size / 7) {
            H h;
            h.update(to_bytes(std::string_view(text).substr(0, cut)));
            h.update({});
            H moved(std::move(h));
            moved.update(to_bytes(std::string_view(text).substr(cut)));
            BOOST_TEST(moved.result() == whole);
            // What has been moved from, or has given its result, can be begun again by assignment.
            h = H();
            h.update(to_bytes(text));
            moved = std::move(h);
            BOOST_TEST(moved.result() == whole);
        }
        if(size != 0)
            BOOST_TEST(digest_of<H>(std::string_view(text).substr(1)) != whole);
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(laws_of_openssl_hashes)
{
    conformance<sha256>();
    conformance<sha384>();
    conformance<sha512>();
}

BOOST_AUTO_TEST_CASE(laws_of_another_hash)
{
    conformance<own_sha256>();
    for(std::size_t size = 0; size != 300; ++size)
        BOOST_TEST(digest_of<own_sha256>(sample(size)) == digest_of<sha256>(sample(size)));
}

BOOST_AUTO_TEST_CASE(laws_of_a_hash_that_takes_two_inputs)
{
    conformance<paired_sha256>();
    if(!paired_sha256::pairing_pays())
        BOOST_TEST_MESSAGE("SKIPPED: this processor has no SHA instructions; OpenSSL's hash was tried in their place");
}

// FIPS 180-4, the examples of one block.
BOOST_AUTO_TEST_CASE(known_answers)
{
    BOOST_TEST(digest_of("abc").str() == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    BOOST_TEST(digest_of<own_sha256>("abc") == digest_of("abc"));
    BOOST_TEST(digest_of("").hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    BOOST_TEST(digest_of<sha384>("abc").hex() ==
               "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
    BOOST_TEST(digest_of<sha512>("abc").hex() ==
               "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
               "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

BOOST_AUTO_TEST_CASE(hashes_chosen_at_run_time)
{
    using hashes = hash_set<own_sha256, sha512>;
    static_assert(hashes::supports(digest_algorithm::sha256));
    static_assert(!hashes::supports(digest_algorithm::sha384));

    hashes::hasher h;
    BOOST_TEST(!h.running());
    h.update(to_bytes("lost"));
    BOOST_TEST(!h.result().has_value());

    BOOST_TEST(h.start(digest_algorithm::sha256));
    BOOST_TEST(h.running());
    h.update(to_bytes("abc"));
    BOOST_TEST(h.result().value() == digest_of("abc"));
    BOOST_TEST(!h.running());
    BOOST_TEST(!h.result().has_value());

    BOOST_TEST(h.start(digest_algorithm::sha256));
    h.update(to_bytes("abc"));
    BOOST_TEST(h.start(digest_algorithm::sha512), "a new run forgets the old one");
    h.update(to_bytes("ab"));
    auto moved = std::move(h);
    moved.update(to_bytes("c"));
    BOOST_TEST(moved.result().value() == digest_of<sha512>("abc"));

    BOOST_TEST(moved.start(digest_algorithm::sha256));
    BOOST_TEST(!moved.start(digest_algorithm::sha384));
    BOOST_TEST(!moved.running(), "what cannot be hashed leaves it idle");

    BOOST_TEST(moved.start(digest_algorithm::sha512));
    moved.stop();
    BOOST_TEST(!moved.running());
}

BOOST_AUTO_TEST_CASE(two_hashes_chosen_at_run_time)
{
    using hashes = hash_set<paired_sha256, sha512>;
    BOOST_TEST(hashes::pairing_pays() == paired_sha256::pairing_pays());
    BOOST_TEST((!hash_set<sha256, sha512>::pairing_pays()));
    for(auto const a : {digest_algorithm::sha256, digest_algorithm::sha512})
        for(auto const b : {digest_algorithm::sha256, digest_algorithm::sha512})
            for(bool const idle : {false, true}) {
                hashes::hasher x;
                hashes::hasher y;
                BOOST_TEST((x.start(a) && y.start(b)));
                if(idle)
                    y.stop();
                x.update(to_bytes("x"));
                y.update(to_bytes("yy"));
                hashes::hasher::update_both(x, to_bytes(sample(200)), y, to_bytes(sample(300)));
                auto const expected = [](digest_algorithm which, std::string const& text) {
                    return which == digest_algorithm::sha256 ? digest_of(text) : digest_of<sha512>(text);
                };
                BOOST_TEST((x.result() == expected(a, "x" + std::string(sample(200)))));
                BOOST_TEST((y.result() == (idle ? std::nullopt : std::optional(expected(b, "yy" + std::string(sample(300)))))));
            }
}
