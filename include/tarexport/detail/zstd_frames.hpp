//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_ZSTD_FRAMES_HPP
#define TAREXPORT_DETAIL_ZSTD_FRAMES_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace tarexport::detail {

/** Follows the frames of a zstd file (RFC 8878), to tell whether it ends between two of them, and how much memory they want.

    Decompresses nothing and judges nothing: a decoder does that.
*/
class zstd_frames {
public:
    /// Go over the next bytes of the file.
    void pass(std::string_view bytes) noexcept
    {
        while(!bytes.empty()) {
            if(skip_ != 0) {
                auto const n = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, bytes.size()));
                skip_ -= n;
                bytes.remove_prefix(n);
                continue;
            }
            field_ |= std::uint64_t{static_cast<unsigned char>(bytes.front())} << 8 * have_;
            bytes.remove_prefix(1);
            if(++have_ == want_)
                step();
        }
    }

    /// Return whether a frame has ended and no other has begun.
    bool between() const noexcept { return at_ == part::magic && have_ == 0 && skip_ == 0; }

    /// Return the largest window of the frames so far, in bytes.
    std::uint64_t window() const noexcept { return window_; }

private:
    enum class part { magic, skipped_size, descriptor, window, content, block };

    void expect(part p, unsigned bytes) noexcept
    {
        at_ = p;
        want_ = bytes;
        have_ = 0;
        field_ = 0;
    }

    void step() noexcept
    {
        auto const f = field_;
        switch(at_) {
        case part::magic:
            if((f & 0xfffffff0u) == 0x184d2a50u)
                expect(part::skipped_size, 4);
            else
                expect(part::descriptor, 1);
            break;
        case part::skipped_size:
            skip_ = f;
            expect(part::magic, 4);
            break;
        case part::descriptor: begin_frame(static_cast<unsigned>(f)); break;
        case part::window: {
            auto const base = std::uint64_t{1} << (10 + (f >> 3));
            window_ = std::max(window_, base + base / 8 * (f & 7));
            skip_ = std::exchange(unread_, 0);
            expect(part::block, 3);
            break;
        }
        case part::content:
            window_ = std::max(window_, f + (want_ == 2 ? 256 : 0));
            expect(part::block, 3);
            break;
        case part::block: {
            bool const last = (f & 1) != 0, repeated = (f >> 1 & 3) == 1;
            skip_ = (repeated ? 1u : f >> 3) + (last && has_sum_ ? 4u : 0u);
            if(last)
                expect(part::magic, 4);
            else
                expect(part::block, 3);
        }
        }
    }

    // A frame of one segment has no window but its whole content.
    void begin_frame(unsigned flags) noexcept
    {
        constexpr std::array<std::uint64_t, 4> dictionary{0, 1, 2, 4};
        constexpr std::array<unsigned, 4> content{0, 2, 4, 8};
        bool const single = (flags & 0x20) != 0;
        has_sum_ = (flags & 4) != 0;
        auto const content_size = single && flags >> 6 == 0 ? 1u : content[flags >> 6];
        if(single) {
            skip_ = dictionary[flags & 3];
            expect(part::content, content_size);
        }
        else {
            unread_ = dictionary[flags & 3] + content_size;
            expect(part::window, 1);
        }
    }

    part at_ = part::magic;
    unsigned want_ = 4;
    unsigned have_ = 0;
    std::uint64_t field_ = 0;
    std::uint64_t skip_ = 0;
    std::uint64_t unread_ = 0; // of the header, behind the window
    std::uint64_t window_ = 0;
    bool has_sum_ = false;
};

} // namespace tarexport::detail

#endif
