//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_SYNC_DRIVER_HPP
#define TAREXPORT_DETAIL_SYNC_DRIVER_HPP

#include <tarexport/action.hpp>
#include <tarexport/bytes.hpp>
#include <tarexport/detail/entry_watch.hpp>
#include <tarexport/detail/read_ahead.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/observer.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/serializer.hpp>
#include <tarexport/sink.hpp>
#include <tarexport/write_options.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

namespace tarexport::detail {

/* Performs the actions of a serializer, one after the other, in the calling thread.

   Where it may, it has a large layer read and hashed in two further threads. They live as long as the layer is open.
*/
template<class Hashes, layer_handle Handle, sink Sink, observer O>
class sync_driver {
public:
    sync_driver(plan const& p, std::span<Handle const> leases, Sink& out, write_options const& options, shared_observer<O>& o,
        std::size_t worker = 0)
        : plan_(p)
        , leases_(leases)
        , sink_(out)
        , options_(options)
        , buffer_size_(std::max<std::size_t>(options.buffer_size, 1))
        , serializer_(p, options.range, options.verification)
        , watch_(o, p, serializer_, worker)
    {
    }

    save_report run()
    {
        if(options_.sum)
            sum_.start(digest_algorithm::sha256);
        action next = serializer_.start();
        while(!std::holds_alternative<done>(next)) {
            if(options_.stop.stop_requested() && serializer_.may_stop())
                next = serializer_.failed({error::cancelled, {}, {}});
            else
                next = std::visit([this](auto const& a) { return this->perform(a); }, next);
        }
        auto report = serializer_.report();
        report.sum = sum_.result();
        return report;
    }

private:
    using source = source_of<Handle>;
    using ahead = read_ahead<source, typename Hashes::hasher>;
    static constexpr bool copies = extent_source<source> && extent_sink<Sink>;
    static constexpr std::uint64_t worth_threads = std::uint64_t{1} << 20; // bytes; less is done before they have begun

    action perform(open_layer const& a)
    {
        auto const& layer = plan_.layers()[a.layer];
        layer_ = &layer;
        if(a.hash && !hasher_.start(layer.id.algorithm()))
            return serializer_.failed({error::unsupported_digest, "layer " + layer.id.str(), "no hash for it in the policy"});
        auto opened = leases_[layer.lease].open(a.offset);
        if(!opened)
            return serializer_.failed(std::move(opened).error());
        source_.emplace(std::move(*opened));
        if constexpr(copies)
            if(!a.hash && !options_.sum)
                return serializer_.opened(source_->extent());
        if(options_.jobs > 1 && layer.size - a.offset >= worth_threads)
            read_beside(layer.size - a.offset, a.hash);
        return serializer_.opened();
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

    action perform(read_layer const& a)
    {
        error_code ec;
        auto const bytes = ahead_ ? ahead_->take(a.max, ec) : take(std::min(a.max, buffer_size_), ec);
        if(ec.failed())
            return source_failed(ec);
        if(!ahead_)
            hasher_.update(bytes);
        return serializer_.data(bytes);
    }

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

    action perform(write_pieces const& a)
    {
        error_code ec;
        std::size_t n = 0;
        if constexpr(gather_sink<Sink>)
            n = sink_.write_some(a.pieces, ec);
        else
            n = sink_.write_some(a.pieces.front(), ec);
        if(sum_.running())
            add_to_sum(a.pieces, n);
        return written(n, ec);
    }

    action perform(copy_extent const& a)
    {
        if constexpr(copies) {
            error_code ec;
            auto const n = sink_.copy_some(a.extent, ec);
            if(n == 0 && ec == boost::system::errc::operation_not_supported)
                return serializer_.not_copied();
            return written(n, ec);
        }
        else
            return serializer_.not_copied();
    }

    action perform(done const& a) { return a; }

    void add_to_sum(std::span<bytes_view const> pieces, std::size_t n)
    {
        for(auto const& p : pieces) {
            auto const taken = std::min(n, p.size());
            sum_.update(p.first(taken));
            n -= taken;
        }
    }

    action written(std::size_t n, error_code const& ec)
    {
        if(n == 0 && ec.failed())
            return serializer_.failed({ec, subject_of(sink_, "output"), {}});
        auto next = serializer_.written(n);
        if(n == 0)
            return next;
        watch_.passed(n);
        return ec.failed() ? serializer_.failed({ec, subject_of(sink_, "output"), {}}) : next;
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
    Sink& sink_;
    write_options const& options_;
    std::size_t buffer_size_;
    serializer serializer_;
    entry_watch<O> watch_;
    typename Hashes::hasher hasher_;
    typename Hashes::hasher sum_;
    std::optional<source> source_; // kept after `close_layer`, since its memory may still be on its way out
    planned_layer const* layer_ = nullptr;
    std::unique_ptr<std::byte[]> memory_;
    std::size_t memory_size_ = 0;
    std::optional<ahead> ahead_;
};

} // namespace tarexport::detail

#endif
