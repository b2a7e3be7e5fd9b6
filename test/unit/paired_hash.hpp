//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_TEST_UNIT_PAIRED_HASH_HPP
#define TAREXPORT_TEST_UNIT_PAIRED_HASH_HPP

// A hash that takes two inputs at once on every machine.

#include <tarexport/bytes.hpp>
#include <tarexport/hash.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace paired_tests {

using namespace tarexport;

using openssl = hash_set<sha256, sha384, sha512>;

// SHA-256 that says it is faster with two inputs at once, and counts what it was given so.
class sha256_in_pairs {
public:
    static constexpr std::string_view name = "sha256";

    static bool pairing_pays() noexcept { return worth_it; }

    static void update_both(sha256_in_pairs& a, bytes_view of_a, sha256_in_pairs& b, bytes_view of_b)
    {
        a.update(of_a);
        b.update(of_b);
        in_pairs += 2 * std::min(of_a.size(), of_b.size());
    }

    void update(bytes_view bytes) { hash_.update(bytes); }
    digest result() { return hash_.result(); }

    static inline std::atomic<bool> worth_it = true;
    static inline std::atomic<std::uint64_t> in_pairs = 0; // bytes

private:
    sha256 hash_;
};

using paired = hash_set<sha256_in_pairs, sha384, sha512>;

} // namespace paired_tests

#endif
