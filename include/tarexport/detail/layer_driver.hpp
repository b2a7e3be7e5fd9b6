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
#include <tarexport/detail/read_ahead.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/serializer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>

namespace tarexport::detail {

/* Performs those actions of a serializer that have to do with layers: opens, reads, hashes and closes them, one at a time.

   Where it may, it has a large layer read and hashed in two further threads. They live as long as the layer is open.
*/
template<class Hashes, layer_handle Handle>
class layer_driver {
public:
    using source = source_of<Handle>;

    /// Construct from what outlives this object.
    layer_driver(plan const& p, std::span<Handle const> leases, serializer& s, std::size_t buffer_size, std::size_t jobs)
        : plan_(p)
        , leases_(leases)
        , serializer_(s)
        , buffer_size_(std::max<std::size_t>(buffer_size, 1))
        , jobs_(jobs)
    {
    }

    layer_driver(layer_driver const&) = delete;
    layer_driver& operator=(layer_driver const&) = delete;

    /// Open a layer. @param copies Whether `copy_extent` can be performed.
    action perform(open_layer const& a, bool copies = false)
    {
        auto const& layer = plan_.layers()[a.layer];
        layer_ = &layer;
        if(a.hash && !hasher_.start(layer.id.algorithm()))
            return serializer_.failed({error::unsupported_digest, "layer " + layer.id.str(), "no hash for it in the policy"});
        auto opened = leases_[layer.lease].open(a.offset);
        if(!opened)
            return serializer_.failed(std::move(opened).error());
        source_.emplace(std::move(*opened));
        if constexpr(extent_source<source>)
            if(copies && !a.hash)
                return serializer_.opened(source_->extent());
        if(jobs_ > 1 && layer.size - a.offset >= worth_threads)
            read_beside(layer.size - a.offset, a.hash);
        return serializer_.opened();
    }

    /// Read the next bytes. They stay valid until the next read, or as long as this object.
    action perform(read_layer const& a)
    {
        error_code ec;
        auto const bytes = ahead_ ? ahead_->take(a.max, ec) : take(std::min(a.max, buffer_size_), ec);
        if(!ahead_)
            hasher_.update(bytes);
        return answer(bytes, ec);
    }

    /// Finish with the layer. The bytes read last stay valid.
    action perform(close_layer const& a)
    {
        if(a.at_end) {
            error_code ec;
            bool const more = goes_on(ec);
            if(ec.failed())
                return source_failed(ec);
            if(more)
                return serializer_.failed({error::layer_too_long, subject_of(*source_, "layer " + layer_->id.str()),
                    "more than " + std::to_string(layer_->size) + " bytes"});
            if(ahead_)
                ahead_->finish_hash();
        }
        ahead_.reset();
        return serializer_.closed(hasher_.result());
    }

private:
    using ahead = read_ahead<source, typename Hashes::hasher>;
    static constexpr std::uint64_t worth_threads = std::uint64_t{1} << 20; // bytes; less is done before they have begun

    action answer(bytes_view bytes, error_code const& ec)
    {
        return ec.failed() ? source_failed(ec) : serializer_.data(bytes);
    }

    // A system that has no more threads has the calling one.
    void read_beside(std::uint64_t size, bool hash)
    {
        auto const memory = buffer(buffer_size_ * ahead::buffers);
        try {
            ahead_.emplace(*source_, size, hash ? &hasher_ : nullptr, memory);
        }
        catch(std::system_error const&) {
            ahead_.reset();
        }
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
        if constexpr(has_reason<source>)
            return serializer_.failed(source_->reason());
        else
            return serializer_.failed({ec, subject_of(*source_, "layer " + layer_->id.str()), {}});
    }

    plan const& plan_;
    std::span<Handle const> leases_;
    serializer& serializer_;
    std::size_t buffer_size_;
    std::size_t jobs_;
    typename Hashes::hasher hasher_;
    std::optional<source> source_; // kept after `close_layer`, since its memory may still be on its way out
    planned_layer const* layer_ = nullptr;
    std::unique_ptr<std::byte[]> memory_;
    std::size_t memory_size_ = 0;
    std::optional<ahead> ahead_;
};

} // namespace tarexport::detail

#endif
