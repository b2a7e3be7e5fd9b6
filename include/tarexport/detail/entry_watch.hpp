//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_ENTRY_WATCH_HPP
#define TAREXPORT_DETAIL_ENTRY_WATCH_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/observer.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/serializer.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

namespace tarexport::detail {

// Several drivers of one archive tell one observer, one event at a time.
template<observer O>
class shared_observer {
public:
    // The range is the one that all of them write together.
    shared_observer(O& o, plan const& p, byte_range range) : observer_(o), total_(total_of(p.bounded(range), p.size())) {}
    shared_observer(shared_observer const&) = delete;
    shared_observer& operator=(shared_observer const&) = delete;

    std::uint64_t total() const noexcept { return total_; }

    void tell(event const& e) noexcept
    {
        std::scoped_lock const lock(mutex_);
        observer_(e);
    }

    void passed(std::uint64_t n) noexcept
    {
        std::scoped_lock const lock(mutex_);
        bytes_ += n;
        observer_(event(bytes_written{n, bytes_, total_}));
    }

private:
    static constexpr std::uint64_t total_of(byte_range r, std::uint64_t size) noexcept
    {
        return r.first <= r.last && r.last <= size ? r.size() : 0;
    }

    std::mutex mutex_;
    O& observer_;
    std::uint64_t bytes_ = 0;
    std::uint64_t const total_;
};

// Tells an observer which entries the bytes of one driver belong to.
template<observer O>
class entry_watch {
public:
    entry_watch(shared_observer<O>& o, plan const& p, serializer const& s, std::size_t worker = 0)
        : observer_(o)
        , plan_(p)
        , serializer_(s)
        , worker_(worker)
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
                observer_.tell(span_ended{activity::entry, false, worker_});
    }

    void passed(std::uint64_t n)
    {
        if constexpr(observes<O>) {
            position_ += n;
            for(; entry_ != plan_.count() && position_ > plan_.entry(entry_).offset; ++entry_) {
                if(!begun_)
                    begin();
                if(position_ < std::min(plan_.entry(entry_).end, serializer_.range().last))
                    break;
                end();
            }
            observer_.passed(n);
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
            observer_.tell(span_begun{activity::entry, about, worker_});
        }
        else {
            std::array<attribute, 1> const about{{{"path", path_}}};
            observer_.tell(span_begun{activity::entry, about, worker_});
        }
        observer_.tell(entry_begun{entry_, path_, e.offset, e.size});
    }

    void end()
    {
        auto const e = plan_.entry(entry_);
        auto const id = plan_.id(entry_);
        bool const verified = e.kind != entry_kind::layer || serializer_.verified(e.item);
        observer_.tell(entry_done{entry_, path_, id, verified});
        observer_.tell(span_ended{activity::entry, true, worker_});
        begun_ = false;
    }

    shared_observer<O>& observer_;
    plan const& plan_;
    serializer const& serializer_;
    std::size_t worker_;
    std::string path_;
    std::uint64_t position_ = 0;
    std::size_t entry_ = 0;
    bool begun_ = false;
};

} // namespace tarexport::detail

#endif
