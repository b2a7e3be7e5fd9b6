//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_SINK_TEE_HPP
#define TAREXPORT_SINK_TEE_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/error.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/sink.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace tarexport {

/** One write to several sinks: `tee_sink both(file, socket)`.

    Every byte reaches all of them, in the order in which they are named: the first decides how much a write takes,
    and the others are given the rest of just that. The slowest sets the pace. Where one fails the save fails,
    `subject()` names that one, and nothing more is written to any.

    Committing commits them one after the other up to the first that fails; aborting then aborts all
    that are not committed. So the sink whose appearance matters most is best named last.

    Borrows the sinks, which must outlive it.
*/
template<sink... Sinks>
requires(sizeof...(Sinks) > 0)
class tee_sink {
    static_assert((tarexport::explain_sink<Sinks>() && ...));

public:
    explicit tee_sink(Sinks&... sinks) noexcept : sinks_(sinks...) {}

    std::size_t write_some(bytes_view bytes, error_code& ec)
    {
        return write_some(std::span<bytes_view const>(&bytes, 1), ec);
    }

    std::size_t write_some(std::span<bytes_view const> pieces, error_code& ec)
    {
        ec = broken_;
        if(ec.failed())
            return 0;
        std::size_t n = 0;
        each([&](auto& k, std::size_t i) {
            if(i == 0)
                n = write_once(k, pieces, ec);
            else
                write_all(k, pieces, n, ec);
            return settled(i, ec);
        });
        return ec.failed() ? 0 : n;
    }

    /// Commit the sinks that commit.
    void commit(error_code& ec)
    {
        ec = broken_;
        if(ec.failed())
            return;
        each([&](auto& k, std::size_t i) {
            if constexpr(commits<decltype(k)>) {
                k.commit(ec);
                finished_[i] = !ec.failed();
            }
            return settled(i, ec);
        });
        if(!ec.failed())
            broken_ = error::sink_finished;
    }

    /// Abort the sinks that can, unless they were committed.
    void abort() noexcept
    {
        each([&](auto& k, std::size_t i) {
            if constexpr(commits<decltype(k)>)
                if(!std::exchange(finished_[i], true))
                    k.abort();
            return true;
        });
        if(!broken_.failed())
            broken_ = error::sink_finished;
    }

    /// Return what errors call the sink that failed; "output 2" where it does not say.
    std::string subject() const
    {
        if(failed_ == none)
            return "all outputs";
        auto name = "output " + std::to_string(failed_ + 1);
        each([&](auto& k, std::size_t i) {
            if constexpr(has_subject<std::remove_reference_t<decltype(k)>>)
                if(i == failed_)
                    name = k.subject();
            return i != failed_;
        });
        return name;
    }

private:
    static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

    template<class K>
    static constexpr bool commits = committing_sink<std::remove_reference_t<K>>;

    // Calls `f(sink, number)` for each, as long as it returns true.
    template<class F>
    void each(F f) const
    {
        each(f, std::index_sequence_for<Sinks...>());
    }

    template<class F, std::size_t... I>
    void each(F& f, std::index_sequence<I...>) const
    {
        (void)(f(std::get<I>(sinks_), I) && ...);
    }

    template<class K>
    static std::size_t write_once(K& k, std::span<bytes_view const> pieces, error_code& ec)
    {
        std::size_t n = 0;
        if constexpr(gather_sink<K>)
            n = k.write_some(pieces, ec);
        else
            n = k.write_some(pieces.front(), ec);
        if(n == 0 && !ec.failed())
            ec = error::sink_stalled;
        return n;
    }

    // Writes the first n bytes of the pieces.
    template<class K>
    static void write_all(K& k, std::span<bytes_view const> pieces, std::size_t n, error_code& ec)
    {
        std::array<bytes_view, 8> rest;
        for(std::size_t skipped = 0; skipped != n;) {
            auto const count = slice(pieces, skipped, n, rest);
            skipped += write_once(k, std::span<bytes_view const>(rest).first(count), ec);
            if(ec.failed())
                return;
        }
    }

    // Puts the bytes [begin, end) of the pieces in `out`, as far as there is room for them.
    static std::size_t slice(
        std::span<bytes_view const> pieces, std::size_t begin, std::size_t end, std::span<bytes_view> out) noexcept
    {
        std::size_t count = 0;
        std::size_t at = 0;
        for(auto const& p : pieces) {
            auto const first = std::max(begin, at);
            auto const last = std::min(end, at + p.size());
            if(first < last && count != out.size())
                out[count++] = p.subspan(first - at, last - first);
            at += p.size();
        }
        return count;
    }

    bool settled(std::size_t i, error_code const& ec) noexcept
    {
        if(!ec.failed())
            return true;
        failed_ = i;
        broken_ = ec;
        return false;
    }

    std::tuple<Sinks&...> sinks_;
    std::array<bool, sizeof...(Sinks)> finished_{};
    std::size_t failed_ = none;
    error_code broken_; // what every later write and commit gives
};

template<class... Sinks>
tee_sink(Sinks&...) -> tee_sink<Sinks...>;

} // namespace tarexport

#endif
