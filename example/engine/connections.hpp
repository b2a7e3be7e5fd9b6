//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_CONNECTIONS_HPP
#define TAREXPORT_ENGINE_CONNECTIONS_HPP

#include <cstddef>
#include <list>
#include <memory>
#include <utility>

namespace engine {

/// What can be closed from outside.
class closable {
public:
    virtual ~closable() = default;
    virtual void close() noexcept = 0;
};

/** The connections there are: those that wait for a whole request, the one that has waited longest first, and those that are busy.

    Whoever opens connections to let them lie takes the place of nobody who asks something: where all places are taken,
    the one that has waited longest is closed.

    @par Thread Safety
    None; one thread at a time.
*/
class connections {
    struct entry {
        std::weak_ptr<closable> what;
        bool idle = false;
    };

public:
    using place = std::list<entry>::iterator;

    explicit connections(std::size_t limit) noexcept : limit_(limit) {}

    place add(std::weak_ptr<closable> c) { return busy_.insert(busy_.end(), {std::move(c), false}); }

    void becomes_idle(place p) noexcept
    {
        if(!p->idle)
            idle_.splice(idle_.end(), busy_, p);
        p->idle = true;
    }

    void becomes_busy(place p) noexcept
    {
        if(p->idle)
            busy_.splice(busy_.end(), idle_, p);
        p->idle = false;
    }

    void remove(place p) noexcept { (p->idle ? idle_ : busy_).erase(p); }

    std::size_t count() const noexcept { return idle_.size() + busy_.size(); }

    /// Return how many were closed to make room.
    std::size_t closed() const noexcept { return closed_; }

    /// Return whether one more may come, closing another if that helps.
    bool make_room()
    {
        if(count() < limit_)
            return true;
        if(idle_.empty())
            return false;
        auto const oldest = idle_.begin();
        // It leaves by itself, when it has noticed; until then there is one too many.
        becomes_busy(oldest);
        ++closed_;
        close(*oldest);
        return true;
    }

    void close_idle()
    {
        for(auto const& e : idle_)
            close(e);
    }

    void close_all()
    {
        close_idle();
        for(auto const& e : busy_)
            close(e);
    }

private:
    static void close(entry const& e) noexcept
    {
        if(auto const open = e.what.lock())
            open->close();
    }

    std::size_t limit_;
    std::size_t closed_ = 0;
    std::list<entry> idle_;
    std::list<entry> busy_;
};

} // namespace engine

#endif
