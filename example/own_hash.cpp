// Verifies the layers of a save with a SHA-256 that is not OpenSSL's, and prints how many.
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A hash is a name, update and result. A policy chooses it at compile time, and nothing else of the save changes.

#include <tarexport.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <string>
#include <string_view>

namespace {

//[own_sha256
class own_sha256 {
public:
    static constexpr std::string_view name = "sha256"; // verifies the digests that begin so

    void update(tarexport::bytes_view bytes)
    {
        size_ += bytes.size();
        for(auto b : bytes) {
            block_[filled_++] = b;
            if(filled_ == block_.size())
                compress();
        }
    }

    tarexport::digest result()
    {
        auto const bits = size_ * 8;
        std::byte const one[] = {std::byte{0x80}}, zero[] = {std::byte{0}};
        for(update(one); filled_ != 56;)
            update(zero);
        std::array<std::byte, 8> length;
        std::array<std::byte, 32> hash;
        for(unsigned i = 0; i != 8; ++i)
            length[i] = static_cast<std::byte>(bits >> (56 - 8 * i));
        update(length);
        for(unsigned i = 0; i != 32; ++i)
            hash[i] = static_cast<std::byte>(state_[i / 4] >> (24 - 8 * (i % 4)));
        return {tarexport::digest_algorithm::sha256, hash};
    }

private:
    void compress();

    std::array<std::uint32_t, 8> state_{
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::array<std::byte, 64> block_{};
    std::size_t filled_ = 0;
    std::uint64_t size_ = 0;
};

static_assert(tarexport::hash_algorithm<own_sha256>);

struct own_policy {
    tarexport::docker_layout layout;
    using hashes = tarexport::hash_set<own_sha256, tarexport::sha512>;
    tarexport::no_observer observer;
};
//]

// The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2).
constexpr std::array<std::uint32_t, 64> constants{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

void own_sha256::compress()
{
    std::array<std::uint32_t, 64> w{};
    for(std::size_t i = 0; i != 64; ++i)
        w[i / 4] = w[i / 4] << 8 | std::to_integer<std::uint32_t>(block_[i]);
    for(std::size_t i = 16; i != 64; ++i) {
        auto const a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ a >> 3) + w[i - 7] + (std::rotr(b, 17) ^ std::rotr(b, 19) ^ b >> 10);
    }
    auto s = state_;
    for(std::size_t i = 0; i != 64; ++i) {
        auto const [a, b, c, d, e, f, g, h] = s;
        auto const t = h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) + ((e & f) ^ (~e & g)) + constants[i] + w[i];
        auto const u = (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        s = {t + u, a, b, c, d + t, e, f, g};
    }
    for(std::size_t i = 0; i != 8; ++i)
        state_[i] += s[i];
    filled_ = 0;
}

} // namespace

int main()
{
    tarexport::memory_store store;
    auto const layer = store.add_layer(std::string(1'000'000, 'a')); // named by OpenSSL's hash
    store.add_image(tarexport::image_config{}, {layer}, {"app:1.0"}).value();

    tarexport::memory_sink out;
    auto const report = tarexport::saver(store, own_policy{}).save(tarexport::names("app:1.0"), out);
    std::cout << report.layers_verified << " layer verified: " << layer << '\n';
    return report.ok() && report.layers_verified == 1 ? 0 : 1;
}
