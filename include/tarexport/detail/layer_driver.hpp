//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_LAYER_DRIVER_HPP
#define TAREXPORT_DETAIL_LAYER_DRIVER_HPP

#include <tarexport/action.hpp>
#include <tarexport/bytes.hpp>
#include <tarexport/detail/posix_file.hpp>
#include <tarexport/detail/posix_lent_extent.hpp>
#include <tarexport/detail/read_ahead.hpp>
#include <tarexport/detail/spare_workers.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/serializer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>

namespace tarexport::detail {

/** Return how many bytes to read with a buffer of a size: up to a multiple of that size in the archive.

    A file that is the archive takes whole pages faster than parts of them, which it has to bring together.
*/
inline std::size_t read_size(read_layer const& a, std::size_t buffer_size) noexcept
{
    return std::min(a.max, buffer_size - static_cast<std::size_t>(a.position % buffer_size));
}

/* Performs those actions of a serializer that have to do with layers: opens, reads, hashes and closes them, one at a time.

   Where it may, it has a large layer, or the rest of one, read and hashed in two further threads. They live as long as the layer is open.
*/
template<class Hashes, layer_handle Handle>
class layer_driver {
public:
    using source = source_of<Handle>;

    /** Construct from what outlives this object.

        @param jobs With more than 1, each large layer has further threads.
        @param spare With 1, a large layer has them for a worker taken from here; null: never.
    */
    layer_driver(plan const& p, std::span<Handle const> leases, serializer& s, std::size_t buffer_size, std::size_t jobs,
        spare_workers* spare = nullptr)
        : plan_(p)
        , leases_(leases)
        , serializer_(s)
        , buffer_size_(std::clamp<std::size_t>(buffer_size, 1, std::size_t{1} << 30))
        , jobs_(jobs)
        , spare_(spare)
    {
    }

    layer_driver(layer_driver const&) = delete;
    layer_driver& operator=(layer_driver const&) = delete;

    /// Open a layer. @param copies Whether `copy_extent` can be performed; if the layer is hashed, by `lend`.
    action perform(open_layer const& a, bool copies = false)
    {
        auto const& layer = plan_.layers()[a.layer];
        layer_ = &layer;
        lent_.reset();
        if(a.hash && !hasher_.start(layer.id.algorithm()))
            return serializer_.failed({error::unsupported_digest, "layer " + layer.id.str(), "no hash for it in the policy"});
        auto opened = leases_[layer.lease].open(a.offset);
        if(!opened)
            return serializer_.failed(std::move(opened).error());
        source_.emplace(std::move(*opened));
        unread_ = layer.size - a.offset;
        alone_ = false;
        if constexpr(extent_source<source>)
            if(copies && (!a.hash || unread_ >= worth_threads))
                return opened_to_copy(a.hash);
        return serializer_.opened();
    }

    /// Read the next bytes. They stay valid until the next read, or as long as this object.
    action perform(read_layer const& a)
    {
        hash_pending();
        error_code ec;
        auto const left = std::min<std::uint64_t>(unread_, a.max);
        if(!ahead_ && !alone_ && left >= worth_threads && (jobs_ > 1 || (!defers_ && borrow())))
            read_beside(left, read_size(a, buffer_size_), left == unread_);
        auto const bytes = ahead_ ? ahead_->take(a.max, ec) : take(read_size(a, buffer_size_), ec);
        unread_ -= bytes.size();
        in_portion_ += bytes.size();
        if(!ahead_) {
            pending_ = bytes;
            if(!defers_ || bytes.size() < worth_pairing)
                hash_pending();
        }
        return answer(bytes, ec);
    }

    /// Read from the layer's file what was not copied. It stays valid until the next read, or as long as this object.
    action perform(read_extent const& a)
    {
        error_code ec;
        auto const bytes = read(a.extent, ec);
        return answer(bytes, ec);
    }

    /// Finish with the layer. The bytes read last stay valid.
    action perform(close_layer const& a)
    {
        hash_pending();
        error_code ec;
        bool const more = a.at_end && goes_on(ec);
        if(!ec.failed() && lent())
            hash_lent(lent_->end(), ec);
        return close(more, ec);
    }

    // What a thread uses that drives two, whose layers are hashed in pairs.

    /// Let what is read from now on wait for its hash, or no longer. Nothing is read beside the writing then.
    void defer_hash(bool defers) noexcept
    {
        defers_ = defers;
        in_portion_ = 0;
    }

    /// Return whether what was read since then is a portion, although it may have been too little at a time to wait.
    bool is_portion() const noexcept { return is_pending() || in_portion_ >= portion_size; }

    /// Return whether bytes that were read wait for their hash. It is caught up with before the next read.
    bool is_pending() const noexcept { return !pending_.empty(); }

    /// Hash what waits in two drivers.
    static void hash_both(layer_driver& a, layer_driver& b)
    {
        using hasher = typename Hashes::hasher;
        if constexpr(requires(hasher& h, bytes_view bytes) { hasher::update_both(h, bytes, h, bytes); })
            if(a.is_pending() && b.is_pending())
                return hasher::update_both(a.hasher_, std::exchange(a.pending_, {}), b.hasher_, std::exchange(b.pending_, {}));
        a.hash_pending();
        b.hash_pending();
    }

    /// Hash what waits here.
    void hash_pending()
    {
        if(!pending_.empty())
            hasher_.update(std::exchange(pending_, {}));
    }

    // What a driver uses whose sink takes the blocks of a layer that is hashed.

    /// Return whether the layer that was opened last is one that is hashed, and that the sink may take blocks of.
    bool to_be_lent() const noexcept { return lent_.has_value(); }

    /// Return whether the sink has taken some of it.
    bool lent() const noexcept { return lent_ && lent_->taken(); }

    /// Hash what the sink has taken.
    void lend(file_extent const& taken, error_code& ec) { hash_lent(taken.offset + taken.size, ec); }

    /// Read the first bytes of a part of the layer's file, if they are not to be copied. A layer that is hashed is hashed when it is closed.
    bytes_view read(file_extent const& part, error_code& ec)
    {
        auto const into = buffer(static_cast<std::size_t>(std::min<std::uint64_t>(buffer_size_, part.size)));
        return into.first(lent_ ? lent_->read(part.offset, into, ec) : detail::read_some_at(part.fd, into, part.offset, ec));
    }

    // What a driver uses that reads in its own way.

    /// Hash bytes that were read, if the layer is hashed.
    void hash(bytes_view bytes) { hasher_.update(bytes); }

    /// Answer a read.
    action answer(bytes_view bytes, error_code const& ec)
    {
        return ec.failed() ? source_failed(ec) : serializer_.data(bytes);
    }

    /// Finish with the layer. @param more Whether the source has bytes where it should end; or `ec` says that it failed.
    action close(bool more, error_code const& ec)
    {
        if(ec.failed())
            return source_failed(ec);
        if(more)
            return serializer_.failed({error::layer_too_long, subject_of(*source_, called()),
                "more than " + std::to_string(layer_->size) + " bytes"});
        if(ahead_)
            ahead_->finish_hash();
        ahead_.reset();
        give_back();
        return serializer_.closed(hasher_.result());
    }

    /// Return the source of the layer that was opened last, if it was not released.
    std::optional<source>& opened() noexcept { return source_; }

    /// Return what messages call the layer that was opened last; empty if there is none.
    std::string called() const { return layer_ == nullptr ? std::string() : "layer " + layer_->id.str(); }

private:
    using ahead = read_ahead<source, typename Hashes::hasher>;
    static constexpr std::uint64_t worth_threads = std::uint64_t{1} << 20; // bytes; less is done before they have begun
    static constexpr std::uint64_t portion_size = std::uint64_t{256} << 10;
    static constexpr std::size_t worth_pairing = std::size_t{16} << 10;     // bytes; less is no portion of its own

    // A system that has no more threads, or no memory for that, has the calling one.
    void read_beside(std::uint64_t size, std::size_t first, bool to_end)
    {
        try {
            auto const memory = buffer(buffer_size_ * ahead::buffers);
            ahead_.emplace(*source_, size, hasher_.running() ? &hasher_ : nullptr, memory, first, to_end);
        }
        catch(std::system_error const&) {
            go_alone();
        }
        catch(std::bad_alloc const&) {
            go_alone();
        }
    }

    void go_alone() noexcept
    {
        alone_ = true;
        ahead_.reset();
        give_back();
    }

    bool borrow() noexcept
    {
        borrowed_ = spare_ != nullptr && spare_->take();
        return borrowed_;
    }

    void give_back() noexcept
    {
        if(std::exchange(borrowed_, false))
            spare_->add();
    }

    action opened_to_copy(bool hash)
    requires extent_source<source>
    {
        auto const extent = source_->extent();
        error_code ec;
        if(extent && hash) {
            lent_.emplace(*extent, ec);
            if(!ec.failed() && lent_->recent()) {
                lent_.reset();
                return serializer_.opened();
            }
        }
        return ec.failed() ? source_failed(ec) : serializer_.opened(extent);
    }

    void hash_lent(std::uint64_t end, error_code& ec)
    {
        lent_->hash_up_to(end, buffer(buffer_size_), [this](bytes_view bytes) { hasher_.update(bytes); }, ec);
    }

    bytes_view take(std::size_t max, error_code& ec)
    {
        if constexpr(view_source<source>)
            return source_->view_some(max, ec);
        else {
            auto const into = buffer(buffer_size_).first(max);
            return into.first(source_->read_some(into, ec));
        }
    }

    std::span<std::byte> buffer(std::size_t size)
    {
        if(size > memory_size_) {
            memory_ = std::make_unique_for_overwrite<std::byte[]>(size);
            memory_size_ = size;
        }
        return {memory_.get(), size};
    }

    // Whether the source has a byte more. The bytes that wait to be written stay untouched.
    bool goes_on(error_code& ec)
    {
        if(ahead_)
            return ahead_->goes_on(ec);
        if constexpr(view_source<source>)
            return !source_->view_some(1, ec).empty();
        else {
            std::byte more[1];
            return source_->read_some(more, ec) != 0;
        }
    }

    action source_failed(error_code const& ec)
    {
        // What failed may also be the reading of what the source has lent, of which it knows nothing.
        if constexpr(has_reason<source>)
            if(failure why = source_->reason(); why.code.failed())
                return serializer_.failed(std::move(why));
        return serializer_.failed({ec, subject_of(*source_, called()), {}});
    }

    plan const& plan_;
    std::span<Handle const> leases_;
    serializer& serializer_;
    std::size_t buffer_size_;
    std::size_t jobs_;
    spare_workers* spare_;
    bool borrowed_ = false;
    bool alone_ = false; // whether the open layer can have no further threads
    bool defers_ = false;
    bytes_view pending_; // read, not hashed yet
    std::uint64_t in_portion_ = 0;
    typename Hashes::hasher hasher_;
    std::optional<source> source_; // kept after `close_layer`, since its memory may still be on its way out
    planned_layer const* layer_ = nullptr;
    std::unique_ptr<std::byte[]> memory_;
    std::size_t memory_size_ = 0;
    std::uint64_t unread_ = 0; // bytes of the layer
    std::optional<lent_extent> lent_;
    std::optional<ahead> ahead_;
};

} // namespace tarexport::detail

#endif
