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
#include <tarexport/detail/layer_driver.hpp>
#include <tarexport/detail/spare_workers.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/observer.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/serializer.hpp>
#include <tarexport/sink.hpp>
#include <tarexport/write_options.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <variant>

namespace tarexport::detail {

// Performs the actions of a serializer, one after the other, in the calling thread.
template<class Hashes, layer_handle Handle, sink Sink, observer O>
class sync_driver {
public:
    sync_driver(plan const& p, std::span<Handle const> leases, Sink& out, write_options const& options, shared_observer<O>& o,
        std::size_t worker = 0, spare_workers* spare = nullptr)
        : sink_(out)
        , options_(options)
        , serializer_(p, options.range, options.verification)
        , layers_(p, leases, serializer_, options.buffer_size, options.jobs, spare)
        , watch_(o, p, serializer_, worker)
    {
    }

    /// Write all of the range.
    save_report run()
    {
        start();
        finish();
        return report();
    }

    // The same in portions, for a thread that hashes those of two drivers at once: start; read, hash, write; ..; report.

    void start()
    {
        if(options_.sum)
            sum_.start(digest_algorithm::sha256);
        next_ = serializer_.start();
    }

    bool ended() const noexcept { return std::holds_alternative<done>(next_); }

    /// Go on to the end.
    void finish()
    {
        while(!ended())
            step();
    }

    /// Go on until bytes of a layer wait for their hash, or there was a portion of smaller reads, or the sink has taken some of a layer by
    /// itself, or to the end.
    void read_portion()
    {
        took_extent_ = false;
        layers_.defer_hash(true);
        while(!ended() && !layers_.is_portion() && !took_extent_)
            step();
        layers_.defer_hash(false);
    }

    /// Return whether bytes wait for their hash.
    bool is_pending() const noexcept { return layers_.is_pending(); }

    /// Hash what both have read.
    static void hash_both(sync_driver& a, sync_driver& b) { layer_driver<Hashes, Handle>::hash_both(a.layers_, b.layers_); }

    /// Write that. Then no byte of it waits in this driver any more.
    void write_portion()
    {
        layers_.hash_pending();
        while(!ended() && !took_extent_ && !std::holds_alternative<read_layer>(next_))
            step();
    }

    /// Return how many bytes are not written.
    std::uint64_t left() const noexcept { return serializer_.range().size() - serializer_.report().bytes; }

    /// Return how it went. Precondition: it has ended.
    save_report report()
    {
        auto report = serializer_.report();
        report.sum = sum_.result();
        return report;
    }

private:
    static constexpr bool copies = extent_source<source_of<Handle>> && extent_sink<Sink>;
    static constexpr bool clones = copies && requires(Sink& s, file_extent e, error_code& ec) { s.clone_some(e, ec); };

    void step()
    {
        if(options_.stop.stop_requested() && serializer_.may_stop())
            next_ = serializer_.failed({error::cancelled, {}, {}});
        else
            next_ = std::visit([this](auto const& a) { return this->perform(a); }, next_);
    }

    action perform(open_layer const& a) { return layers_.perform(a, (a.hash ? clones : copies) && !options_.sum); }
    action perform(read_layer const& a) { return layers_.perform(a); }
    action perform(read_extent const& a) { return layers_.perform(a); }
    action perform(close_layer const& a) { return layers_.perform(a); }

    action perform(write_pieces const& a)
    {
        error_code ec;
        std::size_t n = 0;
        if constexpr(gather_sink<Sink>)
            n = sink_.write_some(a.pieces, ec);
        else
            n = sink_.write_some(a.pieces.front(), ec);
        if(sum_.running())
            hash_front(sum_, a.pieces, n);
        return written(n, ec);
    }

    action perform(copy_extent const& a)
    {
        if constexpr(clones)
            if(layers_.to_be_lent())
                return clone(a.extent);
        if constexpr(copies) {
            error_code ec;
            auto const n = sink_.copy_some(a.extent, ec);
            if(n == 0 && ec == boost::system::errc::operation_not_supported)
                return serializer_.not_copied();
            took_extent_ = true;
            return written(n, ec);
        }
        else
            return serializer_.not_copied();
    }

    action perform(done const& a) { return a; }

    // What is hashed has to be read, which makes copying it as well no cheaper than writing what was read. Sharing it is.
    action clone(file_extent const& extent)
    requires clones
    {
        error_code ec;
        auto const n = sink_.clone_some(extent, ec);
        took_extent_ = took_extent_ || n != 0 || layers_.lent();
        if(n == 0 && ec == boost::system::errc::operation_not_supported) {
            if(!layers_.lent())
                return serializer_.not_copied();
            auto const bytes = layers_.read(extent, ec);
            return ec.failed() ? layers_.answer({}, ec) : perform(write_pieces{std::span(&bytes, 1)});
        }
        if(n != 0)
            layers_.lend({extent.fd, extent.offset, n}, ec);
        return n != 0 && ec.failed() ? layers_.answer({}, ec) : written(n, ec);
    }

    action written(std::size_t n, error_code const& ec)
    {
        if(n == 0 || n > serializer_.asked())
            return serializer_.failed({ec.failed() ? ec : make_error_code(n == 0 ? error::sink_stalled : error::sink_overran),
                subject_of(sink_, "output"), {}});
        auto next = serializer_.written(n);
        watch_.passed(n);
        return ec.failed() ? serializer_.failed({ec, subject_of(sink_, "output"), {}}) : next;
    }

    Sink& sink_;
    write_options const& options_;
    action next_;
    serializer serializer_;
    layer_driver<Hashes, Handle> layers_;
    entry_watch<O> watch_;
    typename Hashes::hasher sum_;
    bool took_extent_ = false; // in the portion that is being written
};

} // namespace tarexport::detail

#endif
