//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_WRITE_HPP
#define TAREXPORT_WRITE_HPP

#include <tarexport/detail/entry_watch.hpp>
#include <tarexport/detail/lent_threads.hpp>
#include <tarexport/detail/parallel_driver.hpp>
#include <tarexport/detail/sync_driver.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/observer.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/serializer.hpp>
#include <tarexport/sink.hpp>
#include <tarexport/thread_lender.hpp>
#include <tarexport/write_options.hpp>

#include <span>
#include <type_traits>

namespace tarexport {

namespace detail {

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

// What both forms of `write` do; `Threads` is `own_threads` or a lender.
template<class Hashes, class Threads, layer_handle Handle, sink Sink, observer O>
save_report write_in(Threads& threads, plan const& p, std::span<Handle const> leases, Sink& out, write_options options, O& o)
{
    sink_guard<Sink> guard(out);
    activity_span<O> span(o, activity::write);
    shared_observer<O> watch(o, p, options.range);
    save_report report;
    if constexpr(positional_sink<Sink>)
        report = parallel_driver<Hashes, Handle, Sink, O, Threads>(p, leases, out, options, watch, threads).run();
    else {
        if constexpr(!std::is_same_v<Threads, own_threads>)
            options.jobs = 1;
        report = sync_driver<Hashes, Handle, Sink, O>(p, leases, out, options, watch).run();
    }
    if(!report.reason.code.failed())
        if(auto const ec = guard.commit(); ec.failed())
            report.reason = {ec, subject_of(out, "output"), "while finishing"};
    if(report.ok())
        span.succeeded();
    return report;
}

} // namespace detail

/** Write a plan, or a range of it, to a sink.

    To a `positional_sink`, parts of the archive are written side by side, by as many threads as `jobs` says: layers that do not belong
    together are then opened and read at the same time, and the sink is used in several threads. Any other sink is used in the calling
    thread alone, and layers are opened one at a time. In both cases a large layer that is more than one thread's share, or the rest of one when
    another thread has nothing left to do, is read and hashed in two further threads, of which each such layer has its own. With `jobs` 1 there is no thread but the calling one. All have ended
    when the call returns. A source is used by one thread at a time, and the observer is called by one at a time. Stores and sinks may have threads
    of their own beside these, by options of theirs.

    With a `paired_hash` among the hashes that pays on this machine, the parts of a `positional_sink` are written in portions, each thread taking two at
    a time: some more than two layers for each thread are open then, a source is read by one thread and then by another, and only what is left at the end is
    read in further threads.

    A sink that commits is committed after the last byte, and aborted on every other way out. Layers are closed on every way
    out. The archive's bytes are the same for any number of threads.

    @tparam Hashes The `hash_set` that verifies.
    @param leases The handles that the plan's layers refer to by number.
    @return How it went; `report.reason` says why it ended early.

    @par Exception Safety
    What sources, sinks and hashes throw passes through, after the sink was aborted and the source closed.
*/
template<class Hashes = hash_set<sha256, sha384, sha512>, layer_handle Handle, sink Sink, observer O>
save_report write(plan const& p, std::span<Handle const> leases, Sink& out, write_options const& options, O& o)
requires(tarexport::explain_sink<Sink>())
{
    detail::own_threads own;
    return detail::write_in<Hashes>(own, p, leases, out, options, o);
}

/** Write as above, with no thread but the calling one and those that somebody lends.

    To a `positional_sink`, the calling thread and the lent ones write parts side by side, and each reads and hashes what it writes. To
    any other sink, the calling thread does everything. Threads that sources and sinks make for themselves are not among these.

    @param threads Asked for at most `jobs` - 1 threads. What it throws passes through, after the sink was aborted.
*/
template<class Hashes = hash_set<sha256, sha384, sha512>, layer_handle Handle, sink Sink, observer O, thread_lender Threads>
save_report write(plan const& p, std::span<Handle const> leases, Sink& out, write_options const& options, O& o, Threads& threads)
requires(tarexport::explain_sink<Sink>())
{
    return detail::write_in<Hashes>(threads, p, leases, out, options, o);
}

} // namespace tarexport

#endif
