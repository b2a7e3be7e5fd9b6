//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_ASYNC_DRIVER_HPP
#define TAREXPORT_DETAIL_ASYNC_DRIVER_HPP

#include <tarexport/action.hpp>
#include <tarexport/bytes.hpp>
#include <tarexport/detail/async_layers.hpp>
#include <tarexport/detail/async_ticket.hpp>
#include <tarexport/detail/caught.hpp>
#include <tarexport/detail/entry_watch.hpp>
#include <tarexport/detail/posix_extent_pipe.hpp>
#include <tarexport/detail/stop_filter.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/observer.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/serializer.hpp>
#include <tarexport/write_options.hpp>

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <utility>
#include <variant>

namespace tarexport::detail {

/// What an asynchronous write is about. Borrows all but the options and the executor.
template<layer_handle Handle, class Stream, observer O, class Blocking>
struct async_job {
    plan const* contents;
    std::span<Handle const> leases;
    Stream* stream;
    O* watcher;
    Blocking blocking;
    write_options options;
};

/* Performs the actions of a serializer without keeping a thread of the handler's executor waiting.

   Layers are opened, read, hashed and closed on the blocking executor. While bytes are written, the next are read. So one or two
   things are under way, each with a ticket; whichever ends last goes on, on the handler's executor. What they leave behind is
   looked at only then, so there is no lock.

   Where the stream is a UNIX socket, and nobody wants to know the bytes, extents of files pass through a pipe: filled on the blocking
   executor, emptied on the handler's.
*/
template<class Hashes, layer_handle Handle, class Stream, observer O, class Blocking, class Handler>
class async_driver {
public:
    using job = async_job<Handle, Stream, O, Blocking>;

    /// Begin. The handler is called later, as `handler(error_code, save_report)`, on its executor.
    static void start(job j, Handler handler)
    {
        allocator memory(boost::asio::get_associated_allocator(handler));
        auto* const op = memory_of::allocate(memory, 1);
        try {
            ::new(static_cast<void*>(op)) async_driver(std::move(j), std::move(handler));
        }
        catch(...) {
            memory_of::deallocate(memory, op, 1);
            throw;
        }
        block(ticket(op));
    }

    async_driver(async_driver const&) = delete;
    async_driver& operator=(async_driver const&) = delete;

    /// Without calling the handler.
    static void destroy(async_driver* op) noexcept
    {
        allocator memory(boost::asio::get_associated_allocator(op->handler_));
        op->~async_driver();
        memory_of::deallocate(memory, op, 1);
    }

    async_count under_way;

private:
    using ticket = async_ticket<async_driver>;
    using stream_executor = typename Stream::executor_type;
    using handler_executor = boost::asio::associated_executor_t<Handler, stream_executor>;
    using handler_allocator = boost::asio::associated_allocator_t<Handler>;
    using allocator = typename std::allocator_traits<handler_allocator>::template rebind_alloc<async_driver>;
    using memory_of = std::allocator_traits<allocator>;

    static constexpr bool copies = takes_extents<Stream> && extent_source<source_of<Handle>>;

    // What a stream or a source calls when it has written or read.
    template<void (*Next)(ticket, error_code, std::size_t)>
    struct transferred {
        using executor_type = handler_executor;
        using allocator_type = handler_allocator;
        using cancellation_slot_type = boost::asio::cancellation_slot;

        executor_type get_executor() const noexcept { return op->work_.get_executor(); }
        allocator_type get_allocator() const noexcept { return boost::asio::get_associated_allocator(op->handler_); }
        cancellation_slot_type get_cancellation_slot() const noexcept { return op->cancellation_.slot(); }

        // For a socket that was waited for, there are no bytes.
        void operator()(error_code ec, std::size_t n = 0)
        {
            op->cancellation_.slot().clear();
            Next(std::move(op), ec, n);
        }

        ticket op;
    };

    async_driver(job j, Handler handler)
        : handler_(std::move(handler))
        , job_(std::move(j))
        , work_(boost::asio::get_associated_executor(handler_, job_.stream->get_executor()))
        , stream_work_(job_.stream->get_executor())
        , cancellation_(boost::asio::get_associated_cancellation_slot(handler_), stop_filter(abort_),
              boost::asio::enable_partial_cancellation())
        , serializer_(*job_.contents, job_.options.range, job_.options.verification)
        , layers_(*job_.contents, job_.leases, serializer_, job_.options.buffer_size)
        , observer_(*job_.watcher, *job_.contents, job_.options.range)
        , watch_(std::in_place, observer_, *job_.contents, serializer_)
    {
        if(job_.options.sum)
            sum_.start(digest_algorithm::sha256);
    }

    // On the handler's executor.

    static void resume(ticket me)
    {
        auto& op = *me;
        if(!op.span_)
            op.span_.emplace(*op.job_.watcher, activity::write);
        op.guarded([&op] { op.advance(); });
        if(std::holds_alternative<write_pieces>(op.next_))
            write(std::move(me));
        else if(op.has_extent())
            send_extent(std::move(me));
        else if(op.layers_.wants_async_read(op.next_))
            read(std::move(me));
        else if(op.is_done() && !op.layers_.opened())
            complete(std::move(me));
        else
            block(std::move(me));
    }

    // Stops, or does what can be done at once.
    void advance()
    {
        while(!is_done()) {
            if(abort_.stop_requested())
                next_ = serializer_.failed({boost::asio::error::operation_aborted, {}, {}});
            else if(is_stopping())
                next_ = serializer_.failed({error::cancelled, {}, {}});
            else if(auto const* a = std::get_if<read_layer>(&next_); a != nullptr && layers_.ready())
                next_ = layers_.perform(*a);
            else
                break;
        }
    }

    static void write(ticket me)
    {
        auto& op = *me;
        auto const& pieces = std::get<write_pieces>(op.next_).pieces;
        std::transform(pieces.begin(), pieces.end(), op.buffers_.begin(),
            [](bytes_view p) { return boost::asio::const_buffer(p.data(), p.size()); });
        std::span<boost::asio::const_buffer const> const buffers(op.buffers_.data(), pieces.size());
        if(op.layers_.left() != 0)
            read_ahead(me.another());
        op.job_.stream->async_write_some(buffers, transferred<&async_driver::was_written>{std::move(me)});
    }

    static void was_written(ticket me, error_code ec, std::size_t n)
    {
        me->write_error_ = ec;
        me->written_ = n;
        if(me.last())
            answer_write(std::move(me));
    }

    static void answer_write(ticket me)
    {
        me->guarded([&op = *me] { op.next_ = op.written(op.written_, op.write_error_); });
        resume(std::move(me));
    }

    action written(std::size_t n, error_code const& ec)
    {
        if(n == 0 || n > serializer_.asked())
            return serializer_.failed({ec.failed() ? ec : make_error_code(n == 0 ? error::sink_stalled : error::sink_overran),
                subject_of(*job_.stream, "output"), {}});
        if(sum_.running())
            hash_front(sum_, std::get<write_pieces>(next_).pieces, n);
        auto next = serializer_.written(n);
        watch_->passed(n);
        return ec.failed() ? serializer_.failed({ec, subject_of(*job_.stream, "output"), {}}) : next;
    }

    // Empties the pipe, or waits for room in the socket.
    static void send_extent(ticket me)
    {
        if constexpr(copies) {
            auto& op = *me;
            bool room = true;
            op.guarded([&op, &room] {
                while(room && op.has_extent() && !op.is_stopping())
                    room = op.send_some();
            });
            if(room)
                resume(std::move(me));
            else
                op.job_.stream->async_wait(Stream::wait_write, transferred<&async_driver::has_room>{std::move(me)});
        }
    }

    // Returns whether the socket had room.
    bool send_some()
    {
        error_code ec;
        auto const n = extent_.send_some(*job_.stream, ec);
        if(n == 0 && ec == boost::asio::error::would_block)
            return false;
        next_ = n == 0 && ec == boost::system::errc::operation_not_supported ? serializer_.not_copied() : written(n, ec);
        return true;
    }

    static void has_room(ticket me, error_code ec, std::size_t)
    {
        if(ec.failed())
            me->next_ = me->written(0, ec);
        resume(std::move(me));
    }

    static void read(ticket me)
    {
        if constexpr(async_layer_source<source_of<Handle>>) {
            auto& op = *me;
            auto const into = op.layers_.async_buffer(op.next_);
            op.layers_.opened()->async_read_some(into, transferred<&async_driver::was_read>{std::move(me)});
        }
    }

    static void was_read(ticket me, error_code ec, std::size_t n)
    {
        me->layers_.was_read(me->next_, ec, n);
        block(std::move(me)); // for the hash
    }

    static void complete(ticket me)
    {
        auto report = me->serializer_.report();
        auto* const op = me.release();
        report.sum = op->sum_.result();
        op->watch_.reset();
        if(report.ok())
            op->span_->succeeded();
        op->span_.reset();
        if(auto slot = boost::asio::get_associated_cancellation_slot(op->handler_); slot.is_connected())
            slot.clear();
        // The handler may use the memory again, or end everything.
        auto handler = std::move(op->handler_);
        allocator memory(boost::asio::get_associated_allocator(handler));
        op->~async_driver();
        memory_of::deallocate(memory, op, 1);
        auto const ec = report.reason.code;
        std::move(handler)(ec, std::move(report));
    }

    // On the blocking executor.

    static void block(ticket me)
    {
        auto const blocking = me->job_.blocking;
        boost::asio::post(blocking, [me = std::move(me)]() mutable {
            me->work();
            come_back<&async_driver::resume>(std::move(me));
        });
    }

    static void read_ahead(ticket me)
    {
        auto const blocking = me->job_.blocking;
        boost::asio::post(blocking, [me = std::move(me)]() mutable {
            me->fill(me->layers_.left());
            if(me.last())
                come_back<&async_driver::answer_write>(std::move(me));
        });
    }

    // The handler's allocator is not for the threads of the blocking executor, so this uses none.
    template<void (*Next)(ticket)>
    static void come_back(ticket me)
    {
        auto const executor = me->work_.get_executor();
        boost::asio::post(executor, [me = std::move(me)]() mutable { Next(std::move(me)); });
    }

    // Performs actions on layers, until there is something to write, or to read elsewhere.
    void work()
    {
        guarded([this] {
            if(!std::exchange(started_, true))
                next_ = serializer_.start();
            while(!is_done() && !is_stopping() && !std::holds_alternative<write_pieces>(next_) && !has_extent() &&
                  !layers_.wants_async_read(next_))
                next_ = std::visit([this](auto const& a) { return this->perform(a); }, next_);
        });
        if(is_done())
            layers_.release();
    }

    action perform(open_layer const& a) { return layers_.perform(a, copies && !a.hash && !job_.options.sum); }
    action perform(close_layer const& a) { return layers_.perform(a); }
    action perform(read_extent const& a) { return layers_.perform(a); }

    action perform(read_layer const& a)
    {
        if(!layers_.ready())
            fill(a.max);
        return layers_.perform(a);
    }

    action perform(copy_extent const& a) { return extent_.fill(a.extent) ? action(a) : serializer_.not_copied(); }

    // Those that are not performed here.
    template<class Action>
    action perform(Action const& a)
    {
        return a;
    }

    void fill(std::size_t max)
    {
        layers_.fill(max, [this] { return abort_.stop_requested() || job_.options.stop.stop_requested(); });
    }

    // On both.

    bool is_done() const noexcept { return std::holds_alternative<done>(next_); }

    bool has_extent() const noexcept { return std::holds_alternative<copy_extent>(next_) && extent_.size() != 0; }

    bool is_stopping() const noexcept
    {
        return abort_.stop_requested() || (job_.options.stop.stop_requested() && serializer_.may_stop());
    }

    template<class Work>
    void guarded(Work work)
    {
        try {
            work();
        }
        catch(...) {
            next_ = serializer_.failed(layers_.blamed(caught()));
        }
    }

    Handler handler_; // goes last, because it may own what the others refer to: a coroutine does
    job job_;
    boost::asio::executor_work_guard<handler_executor> work_;
    boost::asio::executor_work_guard<stream_executor> stream_work_;
    std::stop_source abort_; // asked to stop by the handler's cancellation slot
    boost::asio::cancellation_state cancellation_;
    serializer serializer_;
    async_layers<Hashes, Handle> layers_;
    typename Hashes::hasher sum_;
    std::optional<activity_span<O>> span_;
    shared_observer<O> observer_;
    std::optional<entry_watch<O>> watch_;
    extent_pipe extent_; // has the first bytes that `next_` is to copy
    action next_;
    bool started_ = false;
    std::array<boost::asio::const_buffer, 6> buffers_; // as many as `write_pieces` has
    error_code write_error_;
    std::size_t written_ = 0;
};

} // namespace tarexport::detail

#endif
