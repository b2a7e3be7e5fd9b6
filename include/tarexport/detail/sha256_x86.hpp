//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_SHA256_X86_HPP
#define TAREXPORT_DETAIL_SHA256_X86_HPP

#include <array>
#include <cstddef>
#include <cstdint>

#if defined(__x86_64__) && defined(__GNUC__)
#define TAREXPORT_DETAIL_SHA256_X86
#include <cpuid.h>
#include <immintrin.h>
#endif

// SHA-256's compression with the SHA extensions of x86 processors, over one input or two at once. FIPS 180-4, sections 5.3.3 and 6.2.2;
// Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, SHA256RNDS2, SHA256MSG1, SHA256MSG2.

namespace tarexport::detail {

constexpr std::size_t sha256_block_size = 64;

using sha256_state = std::array<std::uint32_t, 8>;

constexpr sha256_state sha256_initial_state{
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

#ifdef TAREXPORT_DETAIL_SHA256_X86

/// Return whether this processor has the instructions.
inline bool has_sha256_instructions() noexcept
{
    static bool const has = [] {
        unsigned a = 0, b = 0, c = 0, d = 0;
        constexpr unsigned ssse3 = 1U << 9, sse41 = 1U << 19, sha = 1U << 29;
        return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & ssse3) != 0 && (c & sse41) != 0 &&
               __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & sha) != 0;
    }();
    return has;
}

/** Take blocks of as many inputs as there are lanes, the same number of each.

    Two rounds of one input wait for the two before them, which leaves the processor half idle: a second input takes that half.

    @par Preconditions
    `has_sha256_instructions()`.
*/
template<std::size_t Lanes>
__attribute__((target("sha,sse4.1,ssse3"))) void sha256_blocks(
    sha256_state* const (&states)[Lanes], std::byte const* const (&from)[Lanes], std::size_t blocks) noexcept
{
    alignas(16) static constexpr std::uint32_t constants[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
        0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
        0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
        0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
        0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
        0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
    auto const big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i abef[Lanes];
    __m128i cdgh[Lanes];
    for(std::size_t l = 0; l != Lanes; ++l) {
        auto const* const words = reinterpret_cast<__m128i const*>(states[l]);
        auto const cdab = _mm_shuffle_epi32(_mm_loadu_si128(words), 0xb1);
        auto const efgh = _mm_shuffle_epi32(_mm_loadu_si128(words + 1), 0x1b);
        abef[l] = _mm_alignr_epi8(cdab, efgh, 8);
        cdgh[l] = _mm_blend_epi16(efgh, cdab, 0xf0);
    }
    for(std::size_t block = 0; block != blocks; ++block) {
        __m128i abef_before[Lanes];
        __m128i cdgh_before[Lanes];
        __m128i schedule[Lanes][4]; // the last 16 words, four at a time
        for(std::size_t l = 0; l != Lanes; ++l) {
            abef_before[l] = abef[l];
            cdgh_before[l] = cdgh[l];
            auto const* const words = reinterpret_cast<__m128i const*>(from[l] + block * sha256_block_size);
            for(std::size_t i = 0; i != 4; ++i)
                schedule[l][i] = _mm_shuffle_epi8(_mm_loadu_si128(words + i), big_endian);
        }
#pragma GCC unroll 16
        for(std::size_t four = 0; four != 16; ++four) {
            auto const k = _mm_load_si128(reinterpret_cast<__m128i const*>(constants + 4 * four));
#pragma GCC unroll 2
            for(std::size_t l = 0; l != Lanes; ++l) {
                auto& words = schedule[l][four % 4];
                auto const sum = _mm_add_epi32(words, k);
                cdgh[l] = _mm_sha256rnds2_epu32(cdgh[l], abef[l], sum);
                abef[l] = _mm_sha256rnds2_epu32(abef[l], cdgh[l], _mm_shuffle_epi32(sum, 0x0e));
                if(four < 12) {
                    auto const last = schedule[l][(four + 3) % 4];
                    auto const seventh = _mm_alignr_epi8(last, schedule[l][(four + 2) % 4], 4);
                    auto const first = _mm_sha256msg1_epu32(words, schedule[l][(four + 1) % 4]);
                    words = _mm_sha256msg2_epu32(_mm_add_epi32(first, seventh), last);
                }
            }
        }
        for(std::size_t l = 0; l != Lanes; ++l) {
            abef[l] = _mm_add_epi32(abef[l], abef_before[l]);
            cdgh[l] = _mm_add_epi32(cdgh[l], cdgh_before[l]);
        }
    }
    for(std::size_t l = 0; l != Lanes; ++l) {
        auto* const words = reinterpret_cast<__m128i*>(states[l]);
        auto const feba = _mm_shuffle_epi32(abef[l], 0x1b);
        auto const dchg = _mm_shuffle_epi32(cdgh[l], 0xb1);
        _mm_storeu_si128(words, _mm_blend_epi16(feba, dchg, 0xf0));
        _mm_storeu_si128(words + 1, _mm_alignr_epi8(dchg, feba, 8));
    }
}

#else

inline bool has_sha256_instructions() noexcept { return false; }

template<std::size_t Lanes>
void sha256_blocks(sha256_state* const (&)[Lanes], std::byte const* const (&)[Lanes], std::size_t) noexcept
{
}

#endif

} // namespace tarexport::detail

#endif
