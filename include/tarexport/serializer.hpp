//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_SERIALIZER_HPP
#define TAREXPORT_SERIALIZER_HPP

#include <tarexport/action.hpp>
#include <tarexport/bytes.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/plan.hpp>

#include <boost/assert.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tarexport {

/// Which layers are hashed while they pass, and compared with the plan.
enum class verify {
    never,   ///< none: a store that lies about sizes is still found
    covered, ///< those that the byte range holds wholly
    whole    ///< those too that it cuts: their other bytes are read, hashed and not written
};

/// How a save went.
struct save_report {
    std::uint64_t bytes = 0;           ///< that reached the sink
    std::uint64_t total = 0;           ///< of the byte range
    std::size_t layers_verified = 0;   ///< whose digest was computed and is the expected one
    std::size_t layers_unverified = 0; ///< that passed without
    std::size_t layers_left_out = 0;   ///< of a thin archive: what the other side has
    std::uint64_t bytes_left_out = 0;  ///< the sizes of those
    digest etag;                       ///< of the plan
    std::optional<digest> sum;         ///< of the bytes that reached the sink, where it was asked for and the policy has SHA-256
    failure reason;                    ///< why it ended early; its code is clear if it did not

    /// Return whether every byte of the range reached the sink.
    bool ok() const noexcept { return !reason.code.failed() && bytes == total; }
};

/** Turns a plan into the bytes of a range of it, without doing any input, output or hashing itself.

    Whoever drives it performs each `action` and gives the answer that the action's page names, which returns the next
    action. Any action may be answered with `failed` instead. After `done` every answer gives the same `done`.

    What has been written always ends inside the data or padding of an entry, unless a sink cut a write elsewhere: the next
    header leaves together with the last bytes of the entry before it, and the last bytes of a layer leave only after the layer
    ended where it should and its digest is the expected one. Layers of no bytes are opened first, before anything is
    written. So a failed archive stops inside an entry, where readers notice (between two entries and in the middle of a
    header they do not); a driver that stops of its own accord asks `may_stop()` first.

    Borrows the plan, which must outlive it.

    @par Exception Safety
    Basic guarantee; rendering may throw `std::bad_alloc`.

    @par Thread Safety
    None; one thread at a time.
*/
class serializer {
public:
    /// Construct for a range of a plan.
    explicit serializer(plan const& p, byte_range range = {}, verify verification = verify::covered)
        : plan_(&p)
        , range_(p.bounded(range))
        , verification_(verification)
        , verified_(p.layers().size())
    {
        report_.etag = p.etag();
        report_.layers_left_out = p.left_out().size();
        for(auto const& l : p.left_out())
            report_.bytes_left_out += l.size;
    }

    serializer(serializer const&) = delete;
    serializer& operator=(serializer const&) = delete;

    /// Return the first action.
    action start()
    {
        if(range_.first > range_.last || range_.last > plan_->size())
            return failed({error::range_out_of_bounds, std::to_string(range_.first) + "-" + std::to_string(range_.last),
                "the archive has " + std::to_string(plan_->size()) + " bytes"});
        report_.total = range_.last - range_.first;
        entry_ = first_entry();
        return check_empty_layers();
    }

    /** Answer `open_layer`.
        @param extent The layer's bytes from the offset on, if the driver can and wants to answer `copy_extent`.
    */
    action opened(std::optional<file_extent> extent = std::nullopt)
    {
        if(finished_)
            return done{report_.reason.code};
        copying_ = extent && !uncopyable_ && !clipped_;
        if(copying_ && extent->size != current().size - next_)
            return layer_failed(extent->size < current().size - next_ ? error::layer_too_short : error::layer_too_long,
                next_ + extent->size);
        if(copying_)
            extent_ = *extent;
        extent_start_ = next_;
        return go_on();
    }

    /** Answer `read_layer` or `read_extent`.
        @param bytes What was read, valid until the next of these is answered; empty at the end of the layer or file.
        @par Preconditions
        `bytes.size()` does not exceed what the action asks for.
    */
    action data(bytes_view bytes)
    {
        if(finished_)
            return done{report_.reason.code};
        BOOST_ASSERT(bytes.size() <= stop_ - next_);
        if(bytes.empty())
            return layer_failed(error::layer_too_short, next_);
        next_ += bytes.size();
        emit(bytes, true);
        return next_ == stop_ || piece_count_ == 0 ? go_on() : flush();
    }

    /** Answer `write_pieces` or `copy_extent`.
        @param n The number of bytes taken. 0 means that the sink has stalled; more than the action's size is `sink_overran`.
    */
    action written(std::size_t n)
    {
        if(finished_)
            return done{report_.reason.code};
        if(n == 0)
            return failed({error::sink_stalled, {}, {}});
        if(n > asked())
            return failed({error::sink_overran, {}, std::to_string(n) + " of " + std::to_string(asked())});
        report_.bytes += n;
        if(piece_count_ == 0) {
            position_ += n;
            next_ += n;
            return go_on();
        }
        while(n != 0) {
            auto& front = views_[first_view_];
            auto const taken = std::min(n, front.size());
            front = front.subspan(taken);
            n -= taken;
            if(front.empty())
                ++first_view_;
        }
        if(first_view_ != view_count_)
            return pending();
        forget_written();
        return open_ ? go_on() : advance();
    }

    /// Answer `copy_extent` where source and sink cannot do that: the bytes are read and written instead.
    action not_copied()
    {
        if(finished_)
            return done{report_.reason.code};
        BOOST_ASSERT(!hash_ || next_ == extent_start_);
        uncopyable_ = true;
        copying_ = false;
        return open_layer{current().item, next_, hash_};
    }

    /** Answer `close_layer`.
        @param id The digest of all bytes of the layer, if the driver was to hash them.
    */
    action closed(std::optional<digest> const& id = std::nullopt)
    {
        if(finished_)
            return done{report_.reason.code};
        auto const item = current().item;
        auto const& expected = plan_->layers()[item].id;
        if(hash_ && (!id || *id != expected))
            return failed({error::digest_mismatch, "layer " + expected.str(), id ? "the bytes have " + id->str() : "not hashed"});
        verified_[item] = hash_;
        ++(hash_ ? report_.layers_verified : report_.layers_unverified);
        closed_ = true;
        if(current().size == 0)
            return check_empty_layers();
        return copying_ ? go_on() : leave_layer();
    }

    /// Answer any action: it could not be done, or the driver stops. The first reason stays.
    action failed(failure why)
    {
        if(!finished_) {
            finished_ = true;
            report_.reason = std::move(why);
        }
        return done{report_.reason.code};
    }

    /** Return whether stopping now leaves nothing, or an archive that readers notice is broken.

        If not, because a sink cut a write in a bad place, one more action helps.
    */
    bool may_stop() const noexcept
    {
        auto const at = range_.first + report_.bytes;
        if(report_.bytes == 0 || finished_)
            return true;
        auto const i = plan_->find(at);
        return i != plan_->count() && plan_->entry(i).size != 0 && plan_->entry(i).data <= at;
    }

    /// Return how many bytes the action has that `written` is to answer.
    std::uint64_t asked() const noexcept
    {
        if(piece_count_ == 0)
            return copy_size_;
        std::uint64_t size = 0;
        for(auto i = first_view_; i != view_count_; ++i)
            size += views_[i].size();
        return size;
    }

    /// Return whether a layer was hashed and has the expected digest.
    bool verified(std::size_t layer) const noexcept { return verified_[layer]; }

    /// Return how it went so far.
    save_report const& report() const noexcept { return report_; }

    /// Return the range that is written.
    byte_range range() const noexcept { return range_; }

private:
    static constexpr std::size_t stage_limit = 48 * 1024;  // staged bytes after which a write is due
    static constexpr std::size_t copied_document = 4096;   // documents up to this size are staged, larger ones referred to
    static constexpr std::size_t copy_tail = 64 * 1024;    // bytes of an extent that wait for its digest
    static constexpr std::size_t max_pieces = 6;

    enum class phase { header, body, padding };
    enum class gathered { everything, enough, up_to_layer };

    struct piece {
        bytes_view external; // empty for a piece of staged_
        std::size_t begin = 0;
        std::size_t size = 0;
    };

    planned_entry current() const noexcept { return plan_->entry(entry_); }

    // Adds bytes at the current position, as far as they are in the range.
    void emit(bytes_view bytes, bool external = false)
    {
        auto const begin = position_;
        position_ += bytes.size();
        if(position_ <= range_.first || begin >= range_.last)
            return;
        if(position_ > range_.last)
            bytes = bytes.first(bytes.size() - static_cast<std::size_t>(position_ - range_.last));
        if(begin < range_.first)
            bytes = bytes.subspan(static_cast<std::size_t>(range_.first - begin));
        if(bytes.empty())
            return;
        if(external) {
            externals_ = true;
            add_piece({bytes, 0, bytes.size()});
            return;
        }
        if(piece_count_ != 0 && pieces_[piece_count_ - 1].external.empty())
            pieces_[piece_count_ - 1].size += bytes.size();
        else
            add_piece({{}, staged_.size(), bytes.size()});
        staged_.append(to_text(bytes));
    }

    void add_piece(piece const& p)
    {
        BOOST_ASSERT(piece_count_ < max_pieces);
        pieces_[piece_count_++] = p;
    }

    void emit_zeros(std::size_t n)
    {
        static constexpr std::array<std::byte, end_of_archive_size> zeros{};
        emit(bytes_view(zeros).first(n));
    }

    // Adds all that can be written without a layer. Stops for more room only inside an entry.
    gathered gather()
    {
        for(;;) {
            if(position_ >= range_.last)
                return gathered::everything;
            if(entry_ == plan_->count()) {
                emit_zeros(end_of_archive_size);
                return gathered::everything;
            }
            auto const e = current();
            if(phase_ == phase::header) {
                header_.clear();
                plan_->append_header(header_, entry_);
                emit(to_bytes(header_));
                phase_ = phase::body;
                if(e.size != 0 && staged_.size() >= stage_limit)
                    return gathered::enough;
            }
            if(phase_ == phase::body) {
                if(e.kind == entry_kind::layer && wanted(e))
                    return gathered::up_to_layer;
                if(e.kind == entry_kind::document && !emit_document(e))
                    return gathered::enough;
                part_ = 0;
                if(e.kind == entry_kind::layer)
                    position_ += e.size;
                phase_ = phase::padding;
            }
            emit_zeros(static_cast<std::size_t>(e.end - e.data - e.size));
            ++entry_;
            phase_ = phase::header;
        }
    }

    // Returns false where the next part must wait for the next write.
    bool emit_document(planned_entry const& e)
    {
        while(position_ != e.data + e.size) {
            auto const part = plan_->document_part(e.item + part_);
            bool const large = part.size() > copied_document;
            if((large && externals_) || staged_.size() >= stage_limit)
                return false;
            emit(part, large);
            ++part_;
        }
        return true;
    }

    // Whether a layer has bytes in the range.
    bool wanted(planned_entry const& e) const noexcept
    {
        return e.size != 0 && e.data < range_.last && e.data + e.size > range_.first;
    }

    std::size_t first_entry() const noexcept { return plan_->find(range_.first); }

    // Opens the layers that should have no bytes, one after the other: their headers must not leave before that is known.
    action check_empty_layers()
    {
        open_ = closed_ = copying_ = false;
        for(; verification_ != verify::never && entry_ != plan_->count() && current().end <= range_.last; ++entry_) {
            auto const e = current();
            if(e.kind != entry_kind::layer || e.size != 0 || e.offset < range_.first || verified_[e.item])
                continue;
            next_ = stop_ = 0;
            hash_ = open_ = true;
            return open_layer{e.item, 0, true};
        }
        entry_ = first_entry();
        position_ = entry_ == plan_->count() ? plan_->size() - end_of_archive_size : current().offset;
        return advance();
    }

    action advance()
    {
        switch(gather()) {
        case gathered::everything:
            if(piece_count_ != 0)
                return flush();
            finished_ = true;
            return done{};
        case gathered::enough: return flush();
        case gathered::up_to_layer: break;
        }
        // The last layer's bytes are only lent until the next one is read.
        return externals_ ? flush() : enter_layer();
    }

    action enter_layer()
    {
        auto const e = current();
        bool const all = e.data >= range_.first && e.data + e.size <= range_.last;
        hash_ = verification_ == verify::whole || (verification_ == verify::covered && all);
        next_ = hash_ ? 0 : std::max(range_.first, e.data) - e.data;
        stop_ = hash_ ? e.size : std::min(range_.last, e.data + e.size) - e.data;
        clipped_ = hash_ && !all;
        position_ = e.data + next_;
        open_ = true;
        closed_ = uncopyable_ = copying_ = false;
        return open_layer{e.item, next_, hash_};
    }

    // The open layer's next action.
    action go_on()
    {
        if(next_ == stop_)
            return closed_ ? leave_layer() : leave_source();
        if(!copying_)
            return read_layer{static_cast<std::size_t>(
                std::min<std::uint64_t>(stop_ - next_, std::numeric_limits<std::size_t>::max())), current().data + next_};
        if(piece_count_ != 0)
            return flush();
        auto const tail = std::min<std::uint64_t>(copy_tail, stop_ - extent_start_);
        auto const left = stop_ - next_;
        if(!closed_ && left <= tail)
            return leave_source();
        // What is copied leaves by itself; the last bytes of an entry leave with the next header.
        auto const last = ends_entry() ? std::min<std::uint64_t>(left, tar_block_size) : 0;
        file_extent const rest{extent_.fd, extent_.offset + (next_ - extent_start_), left - (closed_ ? last : tail)};
        copy_size_ = rest.size;
        if(rest.size != 0)
            return copy_extent{rest};
        return read_extent{{rest.fd, rest.offset, last}};
    }

    // Whether the layer's last bytes are the last of its entry, with no padding after them.
    bool ends_entry() const noexcept
    {
        auto const e = current();
        return stop_ == e.size && e.data + e.size == e.end;
    }

    // The size of an extent was compared already; only a source that is read must show that it ends.
    action leave_source() const noexcept { return close_layer{!copying_ && stop_ == current().size}; }

    action leave_layer()
    {
        open_ = copying_ = false;
        phase_ = phase::padding;
        return advance();
    }

    action flush()
    {
        first_view_ = 0;
        view_count_ = piece_count_;
        for(std::size_t i = 0; i != piece_count_; ++i) {
            auto const& p = pieces_[i];
            views_[i] = p.external.empty() ? to_bytes(staged_).subspan(p.begin, p.size) : p.external;
        }
        return pending();
    }

    action pending() const noexcept
    {
        return write_pieces{std::span(views_).subspan(first_view_, view_count_ - first_view_)};
    }

    void forget_written()
    {
        staged_.clear();
        piece_count_ = 0;
        externals_ = false;
    }

    action layer_failed(error e, std::uint64_t found)
    {
        auto const& l = plan_->layers()[current().item];
        return failed({e, "layer " + l.id.str(),
            "expected " + std::to_string(l.size) + " bytes, found " + std::to_string(found)});
    }

    plan const* plan_;
    byte_range range_;
    verify verification_;
    save_report report_;
    std::vector<bool> verified_;

    std::size_t entry_ = 0;
    phase phase_ = phase::header;
    std::uint64_t position_ = 0; // in the archive, after all that was emitted
    std::size_t part_ = 0;       // of the document that is being emitted

    std::string header_;
    std::string staged_; // headers, padding and small documents that are not written yet
    std::array<piece, max_pieces> pieces_{};
    std::size_t piece_count_ = 0;
    bool externals_ = false;
    std::array<bytes_view, max_pieces> views_{};
    std::size_t first_view_ = 0;
    std::size_t view_count_ = 0;

    std::uint64_t next_ = 0; // of the layer's bytes, the next to read or copy
    std::uint64_t stop_ = 0; // and the one to stop before
    file_extent extent_;
    std::uint64_t extent_start_ = 0;
    std::uint64_t copy_size_ = 0; // of the last part of it that was to be copied
    bool hash_ = false;
    bool clipped_ = false; // whether bytes are read that are not in the range
    bool open_ = false;
    bool closed_ = false;
    bool copying_ = false;
    bool uncopyable_ = false;
    bool finished_ = false;
};

} // namespace tarexport

#endif
