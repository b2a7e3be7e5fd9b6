//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_PARALLEL_DRIVER_HPP
#define TAREXPORT_DETAIL_PARALLEL_DRIVER_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/detail/entry_watch.hpp>
#include <tarexport/detail/lent_threads.hpp>
#include <tarexport/detail/part_queue.hpp>
#include <tarexport/detail/spare_workers.hpp>
#include <tarexport/detail/sync_driver.hpp>
#include <tarexport/error.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/observer.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/serializer.hpp>
#include <tarexport/sink.hpp>
#include <tarexport/write_options.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace tarexport::detail {

/** Cut a range of a plan, between entries, into parts of about `size` bytes or one large entry each.

    @par Preconditions
    The range is one of the plan, and `size` is not 0.
*/
inline std::vector<byte_range> cut_into_parts(plan const& p, byte_range range, std::uint64_t size)
{
    std::vector<byte_range> parts;
    auto begin = range.first;
    for(auto i = p.find(range.first); i != p.count() && p.entry(i).end < range.last; ++i) {
        // An entry that fills a part has one of its own, so that what is small beside it does not wait for it.
        auto const end = p.entry(i).end;
        bool const next_is_large = i + 1 != p.count() && p.entry(i + 1).size >= size;
        if(end - begin < size && !next_is_large)
            continue;
        parts.push_back({begin, end});
        begin = end;
    }
    if(begin != range.last || parts.empty())
        parts.push_back({begin, range.last});
    return parts;
}

/// The part of a positional sink that begins at a position: a sink of the bytes from there on.
template<positional_sink Sink>
class sink_part {
public:
    sink_part(Sink& s, std::uint64_t position) : sink_(s), position_(position) {}

    std::size_t write_some(bytes_view bytes, error_code& ec) { return write_some(std::span<bytes_view const>(&bytes, 1), ec); }

    std::size_t write_some(std::span<bytes_view const> pieces, error_code& ec)
    {
        auto const n = sink_.write_at(position_, pieces, ec);
        position_ += n;
        return n;
    }

    std::size_t copy_some(file_extent extent, error_code& ec)
    requires positional_extent_sink<Sink>
    {
        auto const n = sink_.copy_at(position_, extent, ec);
        position_ += n;
        return n;
    }

    std::size_t clone_some(file_extent extent, error_code& ec)
    requires cloning_sink<Sink>
    {
        auto const n = sink_.clone_at(position_, extent, ec);
        position_ += n;
        return n;
    }

    std::string subject() const
    requires has_subject<Sink>
    {
        return sink_.subject();
    }

private:
    Sink& sink_;
    std::uint64_t position_;
};

/* Writes parts of an archive side by side: each thread takes the largest part that is left, and drives it.

   With hashes that take two inputs side by side, each thread drives two parts, a portion of both at a time, and then takes those of which most
   is left: so all parts end at about the same time.

   A part that is more than a thread's share is otherwise read and hashed in threads of its own, as the sync driver does; so is, with any hashes,
   the rest of one that a thread is still busy with when another has nothing left to do. Not where the threads are lent.
*/
template<class Hashes, layer_handle Handle, positional_sink Sink, observer O, class Threads>
class parallel_driver {
public:
    parallel_driver(plan const& p, std::span<Handle const> leases, Sink& out, write_options const& options, shared_observer<O>& o,
        Threads& threads)
        : plan_(p)
        , leases_(leases)
        , sink_(out)
        , options_(options)
        , observer_(o)
        , threads_(threads)
        , range_(p.bounded(options.range))
        , jobs_(std::max<std::size_t>(options.jobs, 1))
        , parts_(parts())
        , in_portions_(parts_.size() > jobs_ && jobs_ > 1 && options.verification != verify::never && parallel_driver::pairing_pays())
        , queue_(parts_, in_portions_, 2 * workers() + waiting_parts)
    {
    }

    save_report run()
    {
        std::stop_callback const forward(options_.stop, [this] { stop_.request_stop(); });
        work_in_threads();
        if(thrown_)
            std::rethrow_exception(thrown_);
        report_.total = observer_.total();
        return std::move(report_);
    }

private:
    using driver = sync_driver<Hashes, Handle, sink_part<Sink>, O>;
    static constexpr bool own = std::is_same_v<Threads, own_threads>;
    static constexpr std::size_t waiting_parts = 4; // that have begun, beside two for each thread, so that the last ones are not left alone

    struct task {
        task(parallel_driver& d, byte_range part, std::size_t n)
            : number(n)
            , options(d.options_of(part))
            , out(d.sink_, part.first - d.range_.first)
            , writing(d.plan_, d.leases_, out, options, d.observer_, n, own ? &d.spare_ : nullptr)
        {
            writing.start();
        }

        std::uint64_t left() const noexcept { return writing.left(); }
        bool ended() const noexcept { return writing.ended(); }

        std::size_t number;
        write_options options;
        sink_part<Sink> out;
        driver writing;
    };

    using share = typename part_queue<task>::share;

    static bool pairing_pays() noexcept
    {
        if constexpr(requires { Hashes::pairing_pays(); })
            return Hashes::pairing_pays();
        else
            return false;
    }

    std::vector<byte_range> parts() const
    {
        std::vector<byte_range> found{range_};
        bool const divisible = range_.first <= range_.last && range_.last <= plan_.size() && !options_.sum;
        if(divisible && jobs_ > 1 && sink_.any_order())
            found = detail::cut_into_parts(plan_, range_, part_size());
        std::ranges::sort(found, [](byte_range const& a, byte_range const& b) {
            return a.size() != b.size() ? a.size() > b.size() : a.first < b.first;
        });
        return found;
    }

    // Some parts for each thread, so that all end at about the same time; none so small that beginning it is felt.
    std::uint64_t part_size() const noexcept
    {
        constexpr std::uint64_t least = std::uint64_t{4} << 20;
        constexpr std::uint64_t parts_per_job = 8;
        return std::max(least, range_.size() / jobs_ / parts_per_job);
    }

    write_options options_of(byte_range part) const
    {
        auto options = options_;
        options.range = part;
        options.stop = stop_.get_token();
        if(!own || in_portions_ || (parts_.size() > 1 && part.size() <= range_.size() / jobs_))
            options.jobs = 1;
        return options;
    }

    std::size_t workers() const noexcept { return std::min(jobs_, parts_.size()); }

    void work_in_threads()
    requires(!own)
    {
        lent_threads others;
        try {
            for(std::size_t worker = 1; worker < workers(); ++worker)
                others.ask(threads_, [this] { work(); });
        }
        catch(...) {
            stop_.request_stop();
            throw;
        }
        work();
    }

    void work_in_threads()
    requires own
    {
        std::vector<std::jthread> others;
        try {
            for(std::size_t worker = 1; worker < workers(); ++worker)
                others.emplace_back([this] { work(); });
        }
        catch(std::system_error const&) {
            // A system that has no more threads has those that there are.
        }
        catch(...) {
            stop_.request_stop();
            throw;
        }
        work();
    }

    void work() noexcept
    {
        try {
            queue_.enter();
            for(auto s = take(); s.task; s = take())
                write(std::move(s));
            spare_.add();
        }
        catch(...) {
            std::scoped_lock const lock(mutex_);
            if(!thrown_)
                thrown_ = std::current_exception();
            stop_.request_stop();
            queue_.give_up();
        }
    }

    auto begin()
    {
        return [this](byte_range part, std::size_t n) { return std::make_unique<task>(*this, part, n); };
    }

    share take() { return queue_.take(begin()); }

    // Writes a part, or a portion of it and one of another part; and gives them back.
    void write(share a)
    {
        share b;
        if(a.to_end)
            a.task->writing.finish();
        else {
            a.task->writing.read_portion();
            if(a.in_pair && a.task->writing.is_pending())
                b = queue_.take_second(begin());
            if(b.task) {
                b.task->writing.read_portion();
                driver::hash_both(a.task->writing, b.task->writing);
            }
            for(auto* const s : {&a, &b})
                if(s->task)
                    s->task->writing.write_portion();
        }
        for(auto* const s : {&a, &b}) {
            if(s->task && s->task->ended())
                add(s->task->writing.report());
            queue_.give_back(std::move(*s));
        }
    }

    // The first failure is the reason; the others are what stopping did to them.
    void add(save_report r)
    {
        std::scoped_lock const lock(mutex_);
        r.bytes += report_.bytes;
        r.layers_verified += report_.layers_verified;
        r.layers_unverified += report_.layers_unverified;
        if(report_.reason.code.failed())
            r.reason = std::move(report_.reason);
        report_ = std::move(r);
        if(report_.reason.code.failed()) {
            stop_.request_stop();
            queue_.begin_no_more();
        }
    }

    plan const& plan_;
    std::span<Handle const> leases_;
    Sink& sink_;
    write_options const& options_;
    shared_observer<O>& observer_;
    Threads& threads_;
    byte_range range_;
    std::size_t jobs_;
    std::vector<byte_range> parts_;
    bool in_portions_;
    spare_workers spare_;
    std::stop_source stop_; // the user's, and that of a worker that failed
    part_queue<task> queue_;

    std::mutex mutex_; // of what follows
    save_report report_;
    std::exception_ptr thrown_;
};

} // namespace tarexport::detail

#endif
