//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_KEYED_HASH_HPP
#define TAREXPORT_DETAIL_KEYED_HASH_HPP

#include <tarexport/bytes.hpp>

#include <boost/assert.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <random>

namespace tarexport::detail {

/// The most bytes that `keyed_hash` takes.
inline constexpr std::size_t keyed_hash_limit = 64;

/// Return the numbers that this process hashes with, which nobody else knows.
inline std::array<std::uint32_t, keyed_hash_limit / sizeof(std::uint32_t)> const& hash_keys() noexcept
{
    static auto const keys = [] {
        std::array<std::uint32_t, keyed_hash_limit / sizeof(std::uint32_t)> k{};
        try {
            std::random_device random;
            for(auto& key : k)
                key = random();
        }
        catch(std::exception const&) {
            // A system that has no random numbers still has a clock.
            std::minstd_rand random(static_cast<std::uint32_t>(std::chrono::steady_clock::now().time_since_epoch().count()));
            for(auto& key : k)
                key = static_cast<std::uint32_t>(random()) << 1;
        }
        return k;
    }();
    return keys;
}

/** Return a hash of bytes for a table of this process: who chooses the bytes cannot choose those of one place.

    NH, the hash of UMAC: two texts of one size have the same with a probability of 2 to the power of -32. Its bits are mixed as
    SplitMix does.

    @par Preconditions
    The size is a multiple of 8, and at most `keyed_hash_limit`.
    @see RFC 4418, section 5.2
*/
inline std::uint64_t keyed_hash(bytes_view bytes) noexcept
{
    BOOST_ASSERT(bytes.size() % 8 == 0 && bytes.size() <= keyed_hash_limit);
    auto const& keys = hash_keys();
    std::uint64_t sum = 0;
    for(std::size_t i = 0; i != bytes.size() / 8; ++i) {
        std::array<std::uint32_t, 2> pair;
        std::memcpy(pair.data(), bytes.data() + i * 8, sizeof pair);
        sum += static_cast<std::uint64_t>(pair[0] + keys[i * 2]) * static_cast<std::uint32_t>(pair[1] + keys[i * 2 + 1]);
    }
    // Tables take some of the bits, and the lower ones of a product do not depend on all of its factors.
    sum = (sum ^ sum >> 30) * 0xbf58476d1ce4e5b9;
    sum = (sum ^ sum >> 27) * 0x94d049bb133111eb;
    return sum ^ sum >> 31;
}

} // namespace tarexport::detail

#endif
