//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_TEST_UNIT_PARALLEL_SUPPORT_HPP
#define TAREXPORT_TEST_UNIT_PARALLEL_SUPPORT_HPP

// Layers that tell who reads them and may fail, and a positional sink that tells who writes to it.

#include <tarexport/plan_builder.hpp>
#include <tarexport/sink/memory.hpp>
#include <tarexport/write.hpp>

#include <boost/test/unit_test.hpp>

#include "paired_hash.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace parallel {

using namespace tarexport;
using paired_tests::openssl;
using paired_tests::paired;
using paired_tests::sha256_in_pairs;

// What all sources of an archive have in common.
struct behaviour {
    std::size_t fail_at = 0; // the read that fails, from 1 on
    bool throws = false;
    bool killed = false;
    std::size_t meet = 0; // how many sources wait for each other before their first byte
    std::atomic<std::size_t> calls = 0;
    std::atomic<int> alive = 0;
    std::atomic<int> most_alive = 0;

    std::mutex mutex;
    std::condition_variable arrived;
    std::size_t met = 0;
    std::set<std::thread::id> readers;

    int slow = 0; // the source, from 1 on in the order of their opening, that is slow as long as one thread reads it; the one before waits for its first bytes
    std::atomic<int> opened = 0;
    std::set<std::thread::id> readers_of_slow;

    bool all_meet()
    {
        std::unique_lock lock(mutex);
        ++met;
        arrived.notify_all();
        return arrived.wait_for(lock, std::chrono::seconds(30), [this] { return met >= meet; });
    }
};

class test_source {
public:
    test_source(std::string_view text, behaviour& b) : rest_(text), how_(&b), number_(++b.opened)
    {
        int const now = ++how_->alive;
        for(int most = how_->most_alive; most < now && !how_->most_alive.compare_exchange_weak(most, now);)
            ;
    }

    test_source(test_source&& other) noexcept : rest_(other.rest_), how_(std::exchange(other.how_, nullptr)), number_(other.number_), begun_(other.begun_) {}

    test_source& operator=(test_source&& other) noexcept
    {
        std::swap(rest_, other.rest_);
        std::swap(how_, other.how_);
        std::swap(number_, other.number_);
        std::swap(begun_, other.begun_);
        return *this;
    }

    ~test_source()
    {
        if(how_)
            --how_->alive;
    }

    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        ec.clear();
        {
            std::scoped_lock const lock(how_->mutex);
            how_->readers.insert(std::this_thread::get_id());
        }
        bool const alone = how_->meet != 0 && !std::exchange(begun_, true) && !how_->all_meet();
        if(alone || ++how_->calls == how_->fail_at) {
            if(how_->killed)
                std::_Exit(0);
            if(how_->throws)
                throw std::runtime_error("source");
            ec = make_error_code(boost::system::errc::io_error);
            return 0;
        }
        auto const n = std::min({into.size(), rest_.size(), at_once()});
        std::memcpy(into.data(), rest_.data(), n);
        rest_.remove_prefix(n);
        return n;
    }

private:
    std::size_t at_once()
    {
        {
            std::unique_lock lock(how_->mutex);
            if(how_->slow != 0 && number_ == how_->slow - 1)
                how_->arrived.wait_for(lock, std::chrono::seconds(30), [this] { return !how_->readers_of_slow.empty(); });
            if(number_ != how_->slow)
                return 100'000;
            how_->readers_of_slow.insert(std::this_thread::get_id());
            how_->arrived.notify_all();
            if(how_->readers_of_slow.size() != 1)
                return 100'000;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        return 4096;
    }

    std::string_view rest_;
    behaviour* how_;
    int number_ = 0; // in the order of their opening
    bool begun_ = false;
};

class test_handle {
public:
    test_handle(std::string content, behaviour& b) : content_(std::move(content)), how_(&b)
    {
        info_.id = digest_of(content_);
        info_.size = content_.size();
    }

    descriptor const& info() const noexcept { return info_; }

    result<test_source> open(std::uint64_t offset) const
    {
        return test_source(std::string_view(content_).substr(static_cast<std::size_t>(offset)), *how_);
    }

    std::string content_;
    descriptor info_;
    behaviour* how_;
};

inline std::string text(std::size_t n)
{
    std::string piece(1021, ' ');
    for(std::size_t i = 0; i != piece.size(); ++i)
        piece[i] = static_cast<char>('a' + (i * i + i / 255) % 23);
    std::string s;
    while(s.size() < n)
        s += piece + std::to_string(s.size());
    s.resize(n);
    return s;
}

inline constexpr std::size_t mega = std::size_t{1} << 20;
inline std::vector<std::size_t> const sizes{3 * mega, 500, mega + 1, 9 * mega - 7, 0, 6 * mega, 6 * mega + 1, 20, 5 * mega};

struct archive {
    explicit archive(std::vector<std::size_t> const& layers = sizes)
    {
        plan_builder b;
        b.add_document("first", "document", 0644, 1);
        for(std::size_t i = 0; i != layers.size(); ++i) {
            leases.emplace_back(text(layers[i]), how);
            b.add_directory("folder" + std::to_string(i) + "/", 0755, 1);
            b.add_layer({leases.back().info_.id, {}, static_cast<std::uint32_t>(i), layers[i]}, 0644, 1, "layer" + std::to_string(i));
        }
        b.add_document("last", "document", 0644, 1);
        contents = std::move(b).finish().value();
    }

    template<class Hashes = openssl, class Sink, class Observer = no_observer>
    save_report save(Sink& out, write_options const& options = {}, Observer&& o = {}) const
    {
        return write<Hashes>(contents, std::span<test_handle const>(leases), out, options, o);
    }

    // In threads that somebody lends.
    template<class Hashes = openssl, class Sink, thread_lender Threads>
    save_report save_in(Threads threads, Sink& out, write_options const& options = {}) const
    {
        no_observer o;
        return write<Hashes>(contents, std::span<test_handle const>(leases), out, options, o, threads);
    }

    std::string bytes() const
    {
        memory_sink out;
        BOOST_REQUIRE(save(out).ok());
        return out.bytes();
    }

    mutable behaviour how;
    plan contents;
    std::vector<test_handle> leases;
};

// Keeps what it is given at every position, and how it was given.
class test_sink {
public:
    std::size_t write_some(bytes_view, error_code&) { throw std::logic_error("a positional sink was written front to back"); }
    std::size_t write_some(std::span<bytes_view const>, error_code&) { throw std::logic_error("a positional sink was written front to back"); }

    std::size_t write_at(std::uint64_t position, std::span<bytes_view const> pieces, error_code& ec)
    {
        std::scoped_lock const lock(mutex_);
        ec.clear();
        if(++calls == fail_at) {
            if(throws)
                throw std::runtime_error("sink");
            ec = make_error_code(boost::system::errc::no_space_on_device);
            return 0;
        }
        in_order = in_order && position == end_;
        threads[std::this_thread::get_id()] += 1;
        std::size_t n = 0;
        for(auto const& p : pieces) {
            auto const some = p.first(std::min(p.size(), limit - n));
            auto const at = static_cast<std::size_t>(position) + n;
            bytes.resize(std::max(bytes.size(), at + some.size()));
            written += some.size();
            std::memcpy(bytes.data() + at, some.data(), some.size());
            n += some.size();
        }
        end_ = position + n;
        return n;
    }

    bool any_order() const { return free; }
    void commit(error_code& ec) { ec.clear(), ++commits; }
    void abort() noexcept { ++aborts; }

    std::size_t limit = mega;
    std::size_t fail_at = 0;
    bool throws = false;
    bool free = true;

    std::string bytes;
    std::uint64_t written = 0;
    std::size_t calls = 0;
    bool in_order = true;
    std::map<std::thread::id, int> threads;
    int commits = 0;
    int aborts = 0;

private:
    std::mutex mutex_;
    std::uint64_t end_ = 0;
};
static_assert(positional_sink<test_sink> && !positional_extent_sink<test_sink>);

inline write_options with(std::size_t jobs, verify v = verify::covered, byte_range range = {})
{
    write_options o;
    o.jobs = jobs;
    o.verification = v;
    o.range = range;
    return o;
}

} // namespace parallel

#endif
