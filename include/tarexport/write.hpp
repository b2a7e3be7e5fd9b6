//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_WRITE_HPP
#define TAREXPORT_WRITE_HPP

#include <tarexport/action.hpp>
#include <tarexport/bytes.hpp>
#include <tarexport/detail/read_ahead.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/observer.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/serializer.hpp>
#include <tarexport/sink.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

namespace tarexport {

/// How an archive is written.
struct write_options {
    byte_range range = {};                               ///< of the archive; all of it unless told
    verify verification = verify::covered;               ///< which layers are hashed and compared
    std::stop_token stop;                                ///< ends the save within one buffer
    std::size_t buffer_size = std::size_t{256} * 1024;   ///< bytes read at once; 0 counts as 1
    std::size_t jobs = 2;                                ///< threads that may work at once: with 1, only the calling one
    bool sum = false;                                    ///< compute the SHA-256 of the bytes written; no layer is copied by the kernel then
};

namespace detail {

// Tells an observer which entries the bytes belong to.
template<observer O>
class entry_watch {
public:
    entry_watch(O& o, plan const& p, serializer const& s) : observer_(o), plan_(p), serializer_(s)
    {
        position_ = s.range().first;
        entry_ = p.find(position_);
    }

    entry_watch(entry_watch const&) = delete;
    entry_watch& operator=(entry_watch const&) = delete;

    ~entry_watch()
    {
        if constexpr(observes<O>)
            if(begun_)
                observer_(event(span_ended{activity::entry, false}));
    }

    void passed(std::uint64_t n)
    {
        if constexpr(observes<O>) {
            position_ += n;
            auto const& report = serializer_.report();
            for(; entry_ != plan_.count() && position_ > plan_.entry(entry_).offset; ++entry_) {
                if(!begun_)
                    begin();
                if(position_ < std::min(plan_.entry(entry_).end, serializer_.range().last))
                    break;
                end();
            }
            observer_(event(bytes_written{n, report.bytes, report.total}));
        }
    }

private:
    void begin()
    {
        auto const e = plan_.entry(entry_);
        path_ = plan_.path(entry_);
        begun_ = true;
        if(e.kind == entry_kind::layer) {
            auto const id = plan_.id(entry_).str();
            auto const chain = plan_.layers()[e.item].chain.str();
            std::array<attribute, 3> const about{
                {{"path", path_}, {"layer.digest", id}, {"layer.chain_id", chain}}};
            observer_(event(span_begun{activity::entry, about}));
        }
        else {
            std::array<attribute, 1> const about{{{"path", path_}}};
            observer_(event(span_begun{activity::entry, about}));
        }
        observer_(event(entry_begun{entry_, path_, e.offset, e.size}));
    }

    void end()
    {
        auto const e = plan_.entry(entry_);
        auto const id = plan_.id(entry_);
        bool const verified = e.kind != entry_kind::layer || serializer_.verified(e.item);
        observer_(event(entry_done{entry_, path_, id, verified}));
        observer_(event(span_ended{activity::entry, true}));
        begun_ = false;
    }

    O& observer_;
    plan const& plan_;
    serializer const& serializer_;
    std::string path_;
    std::uint64_t position_ = 0;
    std::size_t entry_ = 0;
    bool begun_ = false;
};

template<class T>
std::string subject_of(T const& t, std::string otherwise)
{
    if constexpr(has_subject<T>)
        return t.subject();
    else
        return otherwise;
}

/* Performs the actions of a serializer, one after the other, in the calling thread.

   Where it may, it has a large layer read and hashed in two further threads. They live as long as the layer is open.
*/
template<class Hashes, layer_handle Handle, sink Sink, observer O>
class sync_driver {
public:
    sync_driver(plan const& p, std::span<Handle const> leases, Sink& out, write_options const& options, O& o)
        : plan_(p)
        , leases_(leases)
        , sink_(out)
        , options_(options)
        , buffer_size_(std::max<std::size_t>(options.buffer_size, 1))
        , serializer_(p, options.range, options.verification)
        , watch_(o, p, serializer_)
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

// Aborts a sink unless it was committed, however the scope is left.
template<sink Sink>
class sink_guard {
public:
    explicit sink_guard(Sink& s) noexcept : sink_(s) {}
    sink_guard(sink_guard const&) = delete;
    sink_guard& operator=(sink_guard const&) = delete;

    ~sink_guard()
    {
        if constexpr(committing_sink<Sink>)
            if(!finished_)
                sink_.abort();
    }

    // Leaves the sink to somebody else.
    void release() noexcept { finished_ = true; }

    error_code commit()
    {
        error_code ec;
        if constexpr(committing_sink<Sink>)
            sink_.commit(ec);
        finished_ = !ec.failed();
        return ec;
    }

private:
    Sink& sink_;
    bool finished_ = false;
};

} // namespace detail

/** Write a plan, or a range of it, to a sink.

    The sink is used, and the observer called, in the calling thread alone. Large layers are read and hashed in two further threads
    unless `jobs` is 1; these have ended when the call returns. A source is used by one thread at a time.

    A sink that commits is committed after the last byte, and aborted on every other way out. Layers are opened
    one at a time and closed on every way out.

    @tparam Hashes The `hash_set` that verifies.
    @param leases The handles that the plan's layers refer to by number.
    @return How it went; `report.reason` says why it ended early.

    @par Exception Safety
    What sources, sinks and hashes throw passes through, after the sink was aborted and the source closed.
*/
template<class Hashes = hash_set<sha256, sha384, sha512>, layer_handle Handle, sink Sink, observer O>
save_report write(plan const& p, std::span<Handle const> leases, Sink& out, write_options const& options, O& o)
{
    detail::sink_guard<Sink> guard(out);
    detail::activity_span<O> span(o, activity::write);
    save_report report;
    {
        detail::sync_driver<Hashes, Handle, Sink, O> driver(p, leases, out, options, o);
        report = driver.run();
    }
    if(!report.reason.code.failed())
        if(auto const ec = guard.commit(); ec.failed())
            report.reason = {ec, detail::subject_of(out, "output"), "while finishing"};
    if(report.ok())
        span.succeeded();
    return report;
}

} // namespace tarexport

#endif
