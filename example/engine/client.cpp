//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include "client.hpp"
#include "exchange.hpp"
#include "pieces.hpp"
#include "range.hpp"
#include "tasks.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace engine {

namespace {

namespace asio = boost::asio;
using boost::beast::http::field;
using tarexport::failure;
using outcome = tarexport::result<void>;

constexpr int most_retries = 5;

failure wrong(url const& from, std::string what)
{
    return {make_error_code(boost::system::errc::protocol_error), called(from.server), std::move(what)};
}

failure ignores_ranges(url const& from) { return wrong(from, "it does not send ranges"); }

asio::awaitable<void> wait(std::chrono::seconds time)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, std::max(time, std::chrono::seconds(1)));
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
}

std::optional<tarexport::digest> etag_in(std::string_view text)
{
    if(text.size() < 2 || text.front() != '"' || text.back() != '"')
        return std::nullopt;
    auto const d = tarexport::parse_digest(text.substr(1, text.size() - 2));
    return d ? std::optional(*d) : std::nullopt;
}

// g++ 12 sees Asio's delete of a coroutine's frame, but not that its new is Asio's as well.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

// What a server says of an archive with its first byte. Not HEAD: what is wrong is said in the body.
asio::awaitable<outcome> look(url const& from, client_options const& options, std::optional<remote_archive>& found)
{
    for(int retries = 0;; ++retries) {
        exchange x(co_await asio::this_coro::executor, from, "bytes=0-0", options.patience);
        std::size_t more = 1;
        std::function<outcome()> const begun = [&] { return x.status() == 206 ? outcome() : outcome(ignores_ranges(from)); };
        exchange::taker const take = [&](tarexport::bytes_view bytes) {
            if(bytes.size() > more)
                return outcome(wrong(from, "more bytes than it was asked for"));
            more -= bytes.size();
            return outcome();
        };
        auto done = co_await x.run(begun, take);
        if(auto const after = x.retry_after(); after && retries != most_retries) {
            co_await wait(*after);
            continue;
        }
        if(!done)
            co_return done;
        auto const etag = etag_in(x.field(field::etag));
        auto const range = x.field(field::content_range);
        auto const slash = range.find('/');
        auto const size = slash == std::string::npos ? std::nullopt : detail::number(std::string_view(range).substr(slash + 1));
        if(!etag || !size)
            co_return wrong(from, "it does not say which archive it has, or how large that is");
        found = remote_archive{*etag, *size};
        co_return outcome();
    }
}

#pragma GCC diagnostic pop

// All ranges of one download.
class getter {
public:
    using taker = std::function<outcome(std::uint64_t, tarexport::bytes_view)>;

    getter(url const& from, remote_archive const& archive, std::uint64_t first, client_options const& options, taker const& take)
        : from_(from)
        , archive_(archive)
        , options_(options)
        , take_(take)
        , etag_('"' + archive.etag.str() + '"')
        , pieces_({first, archive.size}, options.jobs)
    {
    }

    // Gets pieces until there are no more.
    asio::awaitable<outcome> work()
    {
        ++working_;
        while(auto piece = pieces_.take()) {
            exchange x(co_await asio::this_coro::executor, from_, "bytes=" + bounds(*piece), options_.patience);
            auto done = co_await get(x, *piece);
            auto const after = x.retry_after();
            if(!after && !done)
                co_return done;
            if(!after)
                continue;
            // Too many ask at once. The last one waits, since nobody else would come back.
            if(working_ == 1 && retries_++ == most_retries)
                co_return done;
            pieces_.give_back(piece->last);
            if(working_ > 1)
                break;
            co_await wait(*after);
        }
        --working_;
        co_return outcome();
    }

    std::uint64_t prefix() const noexcept { return pieces_.prefix(); }

private:
    static std::string bounds(tarexport::byte_range r) { return std::to_string(r.first) + "-" + std::to_string(r.last - 1); }

    asio::awaitable<outcome> get(exchange& x, tarexport::byte_range piece)
    {
        x.only_if(etag_);
        auto at = piece.first;
        std::function<outcome()> const begun = [&] { return check(x, piece); };
        exchange::taker const take = [&](tarexport::bytes_view bytes) {
            if(bytes.size() > piece.last - at)
                return outcome(wrong(from_, "more bytes than it promised"));
            auto taken = bytes.empty() ? outcome() : take_(at, bytes);
            if(taken && !bytes.empty()) {
                at += bytes.size();
                pieces_.came(piece.last, bytes.size());
                retries_ = 0;
            }
            return taken;
        };
        auto done = co_await x.run(begun, take);
        if(done && at != piece.last)
            co_return failure{tarexport::error::truncated_archive, called(from_.server),
                "it ended after " + std::to_string(at - piece.first) + " of " + std::to_string(piece.last - piece.first) + " bytes"};
        co_return done;
    }

    // Whether an answer is the piece that was asked for.
    outcome check(exchange const& x, tarexport::byte_range piece) const
    {
        if(x.field(field::etag) != etag_)
            return failure{tarexport::error::cannot_resume, called(from_.server),
                "it has another archive now, status " + std::to_string(x.status())};
        if(x.status() != 206)
            return ignores_ranges(from_);
        if(x.field(field::content_range) != "bytes " + bounds(piece) + "/" + std::to_string(archive_.size))
            return wrong(from_, "it sends other bytes than " + bounds(piece) + " of " + std::to_string(archive_.size));
        return {};
    }

    url const& from_;
    remote_archive const& archive_;
    client_options const& options_;
    taker const& take_;
    std::string etag_;
    pieces pieces_;
    std::size_t working_ = 0;
    int retries_ = 0; // since there came something
};

// A signal is nobody's in particular.
outcome with_subject(outcome done, url const& from)
{
    if(done || !done.error().subject.empty())
        return done;
    auto why = done.error();
    why.subject = called(from.server);
    return why;
}

} // namespace

tarexport::result<remote_archive> ask(url const& from, client_options const& options)
{
    std::optional<remote_archive> found;
    tasks one;
    one.start(look(from, options, found));
    if(auto const done = with_subject(one.run(), from); !done)
        return done.error();
    return *found;
}

download_report download(
    url const& from, remote_archive const& archive, std::uint64_t first, client_options const& options, getter::taker const& take)
{
    getter g(from, archive, first, options, take);
    tasks all;
    for(std::size_t n = 0; n != options.jobs; ++n)
        all.start(g.work());
    auto done = with_subject(all.run(), from);
    return {g.prefix(), std::move(done)};
}

} // namespace engine
