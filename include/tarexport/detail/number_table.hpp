//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_NUMBER_TABLE_HPP
#define TAREXPORT_DETAIL_NUMBER_TABLE_HPP

#include <boost/assert.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace tarexport::detail {

/* The numbers of things that are kept elsewhere, each found by what it is: 4 to 8 bytes for each, where a node of a set that holds
   a digest has more than a hundred.

   How things are hashed and compared, the callers say.
*/
class number_table {
public:
    /// Return the number of a thing, if it is there. @param is Whether a number is that of the thing.
    template<class Is>
    std::optional<std::uint32_t> find(std::size_t hash, Is is) const
    {
        if(slots_.empty())
            return std::nullopt;
        for(auto at = place(hash); slots_[at] != none; at = after(at))
            if(is(slots_[at]))
                return slots_[at];
        return std::nullopt;
    }

    /** Add the number of a thing that is not there.
        @param hash_of Return the hash of the thing that has a number.
    */
    template<class HashOf>
    void add(std::uint32_t number, HashOf hash_of)
    {
        BOOST_ASSERT(number != none);
        if((count_ + 1) * 4 > slots_.size() * 3)
            grow(hash_of);
        put(number, hash_of(number));
        ++count_;
    }

private:
    static constexpr auto none = std::numeric_limits<std::uint32_t>::max();
    static constexpr std::size_t least = 64; // slots; always a power of two

    // The upper bits of a product depend on all bits of the hash.
    std::size_t place(std::size_t hash) const noexcept
    {
        auto const mixed = static_cast<std::uint64_t>(hash) * 0x9e3779b97f4a7c15;
        return static_cast<std::size_t>(mixed >> (64 - std::countr_zero(slots_.size())));
    }

    std::size_t after(std::size_t at) const noexcept { return (at + 1) & (slots_.size() - 1); }

    void put(std::uint32_t number, std::size_t hash)
    {
        auto at = place(hash);
        while(slots_[at] != none)
            at = after(at);
        slots_[at] = number;
    }

    template<class HashOf>
    void grow(HashOf hash_of)
    {
        auto const old = std::exchange(slots_, std::vector(slots_.empty() ? least : slots_.size() * 2, none));
        for(auto const number : old)
            if(number != none)
                put(number, hash_of(number));
    }

    std::vector<std::uint32_t> slots_;
    std::size_t count_ = 0;
};

} // namespace tarexport::detail

#endif
