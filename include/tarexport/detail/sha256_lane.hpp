//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_SHA256_LANE_HPP
#define TAREXPORT_DETAIL_SHA256_LANE_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/detail/sha256_x86.hpp>
#include <tarexport/digest.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tarexport::detail {

/* A run of SHA-256: the state after whole blocks, and the bytes after them that are not a block yet.

   Precondition of all members: `has_sha256_instructions()`.
*/
class sha256_lane {
public:
    void update(bytes_view bytes) noexcept
    {
        bytes = this->fill_block(bytes);
        this->keep(this->take_blocks(bytes, bytes.size() / sha256_block_size));
    }

    static void update_both(sha256_lane& a, bytes_view of_a, sha256_lane& b, bytes_view of_b) noexcept
    {
        of_a = a.fill_block(of_a);
        of_b = b.fill_block(of_b);
        auto const both = std::min(of_a.size(), of_b.size()) / sha256_block_size;
        auto const size = both * sha256_block_size;
        detail::sha256_blocks<2>({&a.state_, &b.state_}, {of_a.data(), of_b.data()}, both);
        a.size_ += size;
        b.size_ += size;
        a.update(of_a.subspan(size));
        b.update(of_b.subspan(size));
    }

    // FIPS 180-4, section 5.1.1.
    digest result() noexcept
    {
        auto const bits = size_ * 8;
        auto const zeros = (2 * sha256_block_size - 1 - sizeof bits - pending()) % sha256_block_size;
        std::array<std::byte, 1 + sha256_block_size + sizeof bits> end{std::byte{0x80}};
        store_big_endian(bits, end.data() + 1 + zeros);
        this->update(std::span(end).first(1 + zeros + sizeof bits));
        std::array<std::byte, sizeof state_> found;
        for(std::size_t i = 0; i != state_.size(); ++i)
            store_big_endian(state_[i], found.data() + i * sizeof state_[i]);
        return digest(digest_algorithm::sha256, found);
    }

private:
    template<class Word>
    static void store_big_endian(Word w, std::byte* into) noexcept
    {
        for(auto i = sizeof w; i-- != 0; w >>= 8)
            into[i] = static_cast<std::byte>(w & 0xff);
    }

    std::size_t pending() const noexcept { return static_cast<std::size_t>(size_ % sha256_block_size); }

    // Completes the block that has begun, as far as there are bytes. Returns the bytes after it.
    bytes_view fill_block(bytes_view bytes) noexcept
    {
        if(pending() == 0)
            return bytes;
        auto const n = std::min(bytes.size(), sha256_block_size - pending());
        this->keep(bytes.first(n));
        if(pending() == 0)
            detail::sha256_blocks<1>({&state_}, {block_.data()}, 1);
        return bytes.subspan(n);
    }

    bytes_view take_blocks(bytes_view bytes, std::size_t blocks) noexcept
    {
        detail::sha256_blocks<1>({&state_}, {bytes.data()}, blocks);
        size_ += blocks * sha256_block_size;
        return bytes.subspan(blocks * sha256_block_size);
    }

    void keep(bytes_view bytes) noexcept
    {
        std::ranges::copy(bytes, block_.begin() + static_cast<std::ptrdiff_t>(pending()));
        size_ += bytes.size();
    }

    sha256_state state_ = sha256_initial_state;
    std::uint64_t size_ = 0; // of all bytes
    std::array<std::byte, sha256_block_size> block_;
};

} // namespace tarexport::detail

#endif
