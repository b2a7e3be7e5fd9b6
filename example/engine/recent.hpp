//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_RECENT_HPP
#define TAREXPORT_ENGINE_RECENT_HPP

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace engine {

/// How much is kept.
struct recent_limits {
    std::size_t count = 64;
    std::uint64_t weight = std::uint64_t{64} << 20; ///< of all together
};

/** Keeps what was made lately, and forgets what was not asked for longest.

    What is forgotten lives on with those who still have it.

    @par Thread Safety
    All members may be called from several threads.
*/
template<class Value>
class recent {
public:
    using pointer = std::shared_ptr<Value const>;

    explicit recent(recent_limits limits = {}) : limits_(limits) {}

    /// Return what is kept under a key, or nothing.
    pointer find(std::string const& key)
    {
        std::lock_guard const lock(mutex_);
        auto const found = places_.find(key);
        if(found == places_.end())
            return {};
        entries_.splice(entries_.begin(), entries_, found->second);
        return found->second->value;
    }

    /// Keep a value, unless it is heavier than all may be together.
    void keep(std::string const& key, pointer value, std::uint64_t weight)
    {
        std::lock_guard const lock(mutex_);
        forget(key);
        if(weight > limits_.weight || limits_.count == 0)
            return;
        entries_.push_front({key, std::move(value), weight});
        places_.emplace(key, entries_.begin());
        weight_ += weight;
        while(weight_ > limits_.weight || entries_.size() > limits_.count)
            forget(std::string(entries_.back().key));
    }

    std::size_t size() const
    {
        std::lock_guard const lock(mutex_);
        return entries_.size();
    }

private:
    struct entry {
        std::string key;
        pointer value;
        std::uint64_t weight;
    };

    void forget(std::string const& key)
    {
        auto const found = places_.find(key);
        if(found == places_.end())
            return;
        weight_ -= found->second->weight;
        entries_.erase(found->second);
        places_.erase(found);
    }

    recent_limits limits_;
    mutable std::mutex mutex_;
    std::list<entry> entries_; // the one asked for last in front
    std::unordered_map<std::string, typename std::list<entry>::iterator> places_;
    std::uint64_t weight_ = 0;
};

} // namespace engine

#endif
