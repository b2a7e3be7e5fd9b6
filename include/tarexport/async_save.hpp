//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ASYNC_SAVE_HPP
#define TAREXPORT_ASYNC_SAVE_HPP

#include <tarexport/async_write.hpp>
#include <tarexport/detail/caught.hpp>
#include <tarexport/detail/stop_filter.hpp>
#include <tarexport/detail/wrapped_handler.hpp>
#include <tarexport/error.hpp>
#include <tarexport/names.hpp>
#include <tarexport/observer.hpp>
#include <tarexport/policy.hpp>
#include <tarexport/saver.hpp>
#include <tarexport/serializer.hpp>
#include <tarexport/stores.hpp>

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace tarexport {

namespace detail {

/// What an asynchronous save is about. Borrows the saver and the stream.
template<class Saver, class Stream, class Blocking>
struct async_save_job {
    Saver* owner;
    names requested;
    Stream* stream;
    Blocking blocking;
    save_options options;
};

/// What an asynchronous save has, in one place from its beginning to its end.
template<class Saver, class Stream, class Blocking>
struct async_save_state {
    using handle = typename Saver::handle;
    using hashes = typename Saver::hashes;
    using observer_type = std::remove_reference_t<decltype((std::declval<Saver&>().policy().observer))>;

    explicit async_save_state(async_save_job<Saver, Stream, Blocking> j) : job(std::move(j)) {}

    observer_type& watcher() { return job.owner->policy().observer; }

    // Where there cannot be an archive, the report says why.
    void prepare()
    {
        std::stop_source either;
        auto const stop = [&either] { either.request_stop(); };
        std::stop_callback const first(job.options.stop, stop), second(abort.get_token(), stop);
        auto how = job.options;
        how.stop = either.get_token();
        try {
            auto const text = text_of(job.requested);
            std::array<attribute, 1> const about{{{"names", text}}};
            span.emplace(watcher(), activity::save, about);
            auto prepared = job.owner->prepare(job.requested, how);
            if(prepared)
                archive.emplace(std::move(*prepared));
            else
                report.reason = std::move(prepared).error();
        }
        catch(...) {
            report.reason = caught();
        }
    }

    void end()
    {
        tell_end(watcher(), report);
        if(report.ok() && span)
            span->succeeded();
        span.reset();
    }

    async_save_job<Saver, Stream, Blocking> job;
    std::stop_source abort; // asked to stop by the handler's cancellation slot
    std::optional<activity_span<observer_type>> span;
    std::optional<prepared_archive<handle>> archive;
    save_report report;
};

/* Prepares an archive on the blocking executor, has it written, and gives the leases back on the blocking executor.

   Each step moves the operation on. The state stays where it is, with the handler: what is written refers to it.
*/
template<class State>
class async_save_operation {
public:
    explicit async_save_operation(State& s) noexcept : state_(&s) {}

    // Begins, in the initiating function.
    template<class Self>
    void operator()(Self& self)
    {
        self.reset_cancellation_state(stop_filter(state_->abort), boost::asio::enable_partial_cancellation());
        block(self, prepared(), [](State& s) { s.prepare(); });
    }

    struct prepared {};

    template<class Self>
    void operator()(Self& self, prepared)
    {
        auto& s = *state_;
        if(s.abort.stop_requested())
            s.report.reason = {boost::asio::error::operation_aborted, {}, {}};
        if(s.report.reason.code.failed())
            return release(self);
        tell_planned(s.watcher(), s.archive->contents, s.job.options.range);
        tarexport::async_write<typename State::hashes>(s.archive->contents, std::span<typename State::handle const>(s.archive->leases),
            *s.job.stream, s.job.blocking, s.job.options, s.watcher(), std::move(self));
    }

    template<class Self>
    void operator()(Self& self, error_code, save_report report)
    {
        state_->report = std::move(report);
        release(self);
    }

    struct released {};

    template<class Self>
    void operator()(Self& self, released)
    {
        state_->end();
        auto report = std::move(state_->report);
        auto const ec = report.reason.code;
        self.complete(ec, std::move(report));
    }

private:
    template<class Self>
    void release(Self& self)
    {
        block(self, released(), [](State& s) { s.archive.reset(); });
    }

    // Has some work done on the blocking executor, and comes back with a tag.
    template<class Self, class Tag, class Work>
    void block(Self& self, Tag tag, Work work)
    {
        auto& s = *state_;
        auto const blocking = s.job.blocking;
        boost::asio::post(blocking, [self = std::move(self), &s, tag, work]() mutable {
            work(s);
            auto const executor = self.get_executor();
            boost::asio::post(executor, [self = std::move(self), tag]() mutable { self(tag); });
        });
    }

    State* state_;
};

// What begins when the completion token wants it to.
template<class Saver, class Stream, class Blocking>
struct begin_async_save {
    using executor_type = typename Stream::executor_type;

    executor_type get_executor() const noexcept { return job.stream->get_executor(); }

    template<class Handler>
    void operator()(Handler&& handler)
    {
        using state_type = async_save_state<Saver, Stream, Blocking>;
        using keeping = wrapped_handler<std::decay_t<Handler>, keep_state<state_type>>;
        auto& stream = *job.stream;
        auto state = std::allocate_shared<state_type>(boost::asio::get_associated_allocator(handler), std::move(job));
        auto& s = *state;
        keeping last{std::forward<Handler>(handler), {std::move(state)}};
        boost::asio::async_compose<keeping, void(error_code, save_report)>(async_save_operation<state_type>(s), last, stream);
    }

    // Keeps the report.
    template<class Handler>
    void operator()(Handler&& handler, save_report* report)
    {
        (*this)(wrapped_handler<std::decay_t<Handler>, keep_report>{std::forward<Handler>(handler), {report}});
    }

    async_save_job<Saver, Stream, Blocking> job;
};

} // namespace detail

/** Save images of a store to a stream of Asio: `prepare` on the blocking executor, then `async_write`.

    All that `async_write` says holds here, too. Preparing ends at a cancellation before the next name and the next layer. The leases
    are given back, on the blocking executor, before it completes. Until it is prepared, the observer is called on the blocking executor,
    then on the handler's.

    @par Preconditions
    Saver, stream, and what they borrow live until the completion; nobody else uses them meanwhile.

    @param requested Copied before this function returns.
    @param blocking An executor whose threads may wait.
    @param token A completion token for `void(error_code, save_report)`.
*/
template<store Store, saver_policy Policy, async_write_stream Stream, asio_executor Blocking,
    boost::asio::completion_token_for<void(error_code, save_report)> Token>
auto async_save(saver<Store, Policy>& s, names requested, Stream& stream, Blocking const& blocking, save_options const& options,
    Token&& token)
{
    return boost::asio::async_initiate<Token, void(error_code, save_report)>(
        detail::begin_async_save<saver<Store, Policy>, Stream, Blocking>{
            {std::addressof(s), std::move(requested), std::addressof(stream), blocking, options}},
        token);
}

/** As above, for a token that throws what it is told or forgets it: the report goes to an object that lives until the completion.
    @param token A completion token for `void(error_code)`.
*/
template<store Store, saver_policy Policy, async_write_stream Stream, asio_executor Blocking,
    boost::asio::completion_token_for<void(error_code)> Token>
auto async_save(saver<Store, Policy>& s, names requested, Stream& stream, Blocking const& blocking, save_options const& options,
    save_report& report, Token&& token)
{
    return boost::asio::async_initiate<Token, void(error_code)>(
        detail::begin_async_save<saver<Store, Policy>, Stream, Blocking>{
            {std::addressof(s), std::move(requested), std::addressof(stream), blocking, options}},
        token, &report);
}

} // namespace tarexport

#endif
