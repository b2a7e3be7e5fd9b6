//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_REFRESHED_HPP
#define TAREXPORT_ENGINE_REFRESHED_HPP

#include <tarexport/error.hpp>

#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <sys/stat.h>

namespace engine {

/** Something that is read from files, and read again when they have changed.

    Stores are snapshots of what names there are. A server lives longer than that is true.

    A file that was changed less than 100 ms before it was looked at is read again the next time.

    @par Thread Safety
    `get` may be called from several threads.
*/
template<class T>
class refreshed {
public:
    using pointer = std::shared_ptr<T>;
    using maker = std::function<tarexport::result<pointer>()>;

    /// @param files The paths that tell of a change; with none, the first one made stays.
    refreshed(std::vector<std::string> files, maker make) : files_(std::move(files)), make_(std::move(make)) {}

    /// Return what the files say now, or why that cannot be read.
    tarexport::result<pointer> get()
    {
        std::lock_guard const lock(mutex_);
        // Looked at before it is read: what changes meanwhile is noticed the next time.
        bool settled = true;
        auto stamp = look(settled);
        if(value_ && stamp == stamp_)
            return value_;
        auto made = make_();
        if(!made)
            return made;
        value_ = *made;
        stamp_ = settled ? std::move(stamp) : std::string();
        return made;
    }

private:
    // Milliseconds: the times of files are those of a clock that ticks every 10 at most.
    static constexpr long tick = 100;

    // A file that was changed just now may be changed again at what counts as the same time, and keep its size: it has not settled.
    std::string look(bool& settled) const
    {
        std::string all;
        timespec now{};
        ::clock_gettime(CLOCK_REALTIME, &now);
        for(auto const& file : files_) {
            struct stat s {};
            if(::stat(file.c_str(), &s) == 0) {
                auto const age = (now.tv_sec - s.st_ctim.tv_sec) * 1'000 + (now.tv_nsec - s.st_ctim.tv_nsec) / 1'000'000;
                settled = settled && std::abs(age) >= tick;
                for(auto const& n : {std::to_string(s.st_dev), std::to_string(s.st_ino), std::to_string(s.st_size),
                        std::to_string(s.st_mtim.tv_sec), std::to_string(s.st_mtim.tv_nsec), std::to_string(s.st_ctim.tv_nsec)})
                    all.append(n).push_back(' ');
            }
            all.push_back('\n');
        }
        return all;
    }

    std::vector<std::string> files_;
    maker make_;
    std::mutex mutex_;
    pointer value_;
    std::string stamp_;
};

} // namespace engine

#endif
