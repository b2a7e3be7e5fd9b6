//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_PIECES_HPP
#define TAREXPORT_ENGINE_PIECES_HPP

#include <tarexport/bytes.hpp>

#include <boost/assert.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

namespace engine {

/** A range that several get in pieces, in any order; and how far it has come without a hole.

    The pieces are given out from the front, and are not large: so what comes behind the first hole, and is lost when all fails,
    is not much.
*/
class pieces {
public:
    static constexpr std::uint64_t least = 64 * 1024, most = 16 * 1024 * 1024; ///< bytes in a piece

    /// Construct for a range, and so many that get pieces of it. One alone gets all as one piece.
    pieces(tarexport::byte_range whole, std::size_t getters)
        : next_(whole.first)
        , last_(whole.last)
        , size_(last_ - next_)
    {
        BOOST_ASSERT(whole.first <= whole.last && getters != 0);
        if(getters > 1)
            size_ = std::clamp(size_ / getters + 1, least, most);
    }

    /// Return the first piece that nobody has; none when there are no more.
    std::optional<tarexport::byte_range> take()
    {
        for(auto& [last, p] : open_)
            if(!p.taken) {
                p.taken = true;
                return tarexport::byte_range{p.at, last};
            }
        if(next_ == last_)
            return std::nullopt;
        auto const first = next_;
        auto const last = first + std::min(size_, last_ - first);
        open_.emplace(last, piece{first, true});
        next_ = last;
        return tarexport::byte_range{first, last};
    }

    /** Tell that bytes of a piece have come, the next ones in their order.

        @param last Where the piece ends, which is its name.
        @par Preconditions
        The piece has so many.
    */
    void came(std::uint64_t last, std::uint64_t n)
    {
        auto const found = open_.find(last);
        BOOST_ASSERT(found != open_.end() && n <= last - found->second.at);
        found->second.at += n;
        if(found->second.at == last)
            open_.erase(found);
    }

    /// Let another have what is missing of a piece.
    void give_back(std::uint64_t last)
    {
        if(auto const found = open_.find(last); found != open_.end())
            found->second.taken = false;
    }

    /// Return where the first hole begins: what is before has come.
    std::uint64_t prefix() const noexcept { return open_.empty() ? next_ : open_.begin()->second.at; }

private:
    struct piece {
        std::uint64_t at;
        bool taken;
    };

    std::uint64_t next_; // what follows was never given out
    std::uint64_t last_;
    std::uint64_t size_;
    std::map<std::uint64_t, piece> open_; // by their ends
};

} // namespace engine

#endif
