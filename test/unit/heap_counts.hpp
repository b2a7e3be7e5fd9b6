//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Counts what a program allocates: replaces operator new and delete, so only one file of a program may include it.

#ifndef TAREXPORT_TEST_HEAP_COUNTS_HPP
#define TAREXPORT_TEST_HEAP_COUNTS_HPP

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#include <malloc.h>

namespace heap {

inline std::atomic<std::size_t> allocations{0}; // ever
inline std::atomic<std::size_t> bytes{0};       // now, as malloc rounds them
inline std::atomic<std::size_t> most_bytes{0};  // at any time since `measure_from_here`

inline void measure_from_here() noexcept
{
    most_bytes = bytes.load();
}

inline void* take(std::size_t size, std::size_t alignment = alignof(std::max_align_t))
{
    void* const p = alignment <= alignof(std::max_align_t)
        ? std::malloc(size == 0 ? 1 : size)
        : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if(!p)
        throw std::bad_alloc();
    ++allocations;
    auto const now = bytes += ::malloc_usable_size(p);
    for(auto most = most_bytes.load(); most < now && !most_bytes.compare_exchange_weak(most, now);)
        ;
    return p;
}

inline void give(void* p) noexcept
{
    if(p)
        bytes -= ::malloc_usable_size(p);
    std::free(p);
}

} // namespace heap

void* operator new(std::size_t size) { return heap::take(size); }
void* operator new(std::size_t size, std::align_val_t a) { return heap::take(size, static_cast<std::size_t>(a)); }
void operator delete(void* p) noexcept { heap::give(p); }
void operator delete(void* p, std::size_t) noexcept { heap::give(p); }
void operator delete(void* p, std::align_val_t) noexcept { heap::give(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { heap::give(p); }

#endif
