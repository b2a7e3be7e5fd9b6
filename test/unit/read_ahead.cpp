//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// What comes from the threads that read and hash is what one thread would have given: for sources that chop, fail, throw and lie at
// every call, hashes that throw, and takers that go away after every buffer.

#include <tarexport/detail/read_ahead.hpp>

#define BOOST_TEST_MODULE read_ahead
#include <boost/test/unit_test.hpp>

#include <tarexport/hash.hpp>
#include <tarexport/plan_builder.hpp>
#include <tarexport/sink/memory.hpp>
#include <tarexport/write.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace tarexport;

namespace {

struct behaviour {
    std::size_t fail_at = 0; // the read that fails, from 1 on
    bool throws = false;
    std::size_t read_limit = 1000;
    std::size_t calls = 0;
};

class test_source {
public:
    test_source(std::string_view text, behaviour& b) : rest_(text), how_(&b) {}

    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        ec.clear();
        if(++how_->calls == how_->fail_at) {
            if(how_->throws)
                throw std::runtime_error("source");
            ec = make_error_code(boost::system::errc::io_error);
            return 0;
        }
        auto const n = std::min({into.size(), rest_.size(), how_->read_limit});
        std::memcpy(into.data(), rest_.data(), n);
        rest_.remove_prefix(n);
        return n;
    }

private:
    std::string_view rest_;
    behaviour* how_;
};

struct test_hash {
    std::string seen;
    std::size_t throw_at = 0; // the update that throws, from 1 on
    std::size_t calls = 0;

    void update(bytes_view bytes)
    {
        if(++calls == throw_at)
            throw std::runtime_error("hash");
        seen += to_text(bytes);
    }
};

using ahead = detail::read_ahead<test_source, test_hash>;

std::string text(std::size_t n)
{
    std::string s(n, 'x');
    for(std::size_t i = 0; i < n; i += 3)
        s[i] = static_cast<char>('a' + i / 3 % 26);
    return s;
}

struct outcome {
    std::string taken;
    std::string hashed;
    error_code ec;
    bool more = false;
};

// Takes all there is, up to `max` bytes at a time.
outcome run(std::string_view content, std::uint64_t size, behaviour& how, std::size_t slot, std::size_t max, test_hash hash = {},
    std::size_t first = 0)
{
    outcome o;
    test_source source(content, how);
    std::vector<std::byte> memory(slot * ahead::buffers);
    ahead a(source, size, &hash, memory, first);
    for(;;) {
        auto const bytes = a.take(max, o.ec);
        if(bytes.empty())
            break;
        BOOST_TEST(bytes.size() <= max);
        o.taken += to_text(bytes);
    }
    if(!o.ec)
        o.more = a.goes_on(o.ec);
    if(!o.ec) {
        a.finish_hash();
        o.hashed = hash.seen;
    }
    return o;
}

} // namespace

BOOST_AUTO_TEST_CASE(all_bytes_come_in_order_and_are_hashed)
{
    for(std::size_t const size : {0u, 1u, 63u, 64u, 65u, 511u, 512u, 513u, 20'000u})
        for(std::size_t const limit : {1u, 7u, 64u, 100'000u})
            for(std::size_t const max : {1u, 50u, 64u, 1000u}) {
                behaviour how{.read_limit = limit};
                auto const o = run(text(size), size, how, 64, max);
                BOOST_TEST((o.taken == text(size)));
                BOOST_TEST((o.hashed == text(size)));
                BOOST_TEST(!o.more);
                BOOST_TEST(!o.ec);
            }
}

BOOST_AUTO_TEST_CASE(the_first_buffer_may_be_a_short_one)
{
    for(std::size_t const size : {0u, 1u, 9u, 10u, 11u, 74u, 20'000u})
        for(std::size_t const first : {1u, 10u, 64u}) {
            behaviour how;
            auto const o = run(text(size), size, how, 64, 1000, {}, first);
            BOOST_TEST((o.taken == text(size)));
            BOOST_TEST((o.hashed == text(size)));
            BOOST_TEST(!o.more);
            BOOST_TEST(!o.ec);
        }
}

BOOST_AUTO_TEST_CASE(a_source_that_is_too_short_or_too_long_is_seen)
{
    for(std::size_t const size : {1u, 64u, 100u, 512u, 1000u}) {
        behaviour how;
        auto const s = run(text(size - 1), size, how, 64, 1000);
        BOOST_TEST((s.taken == text(size - 1)));
        BOOST_TEST((!s.more && !s.ec));
        auto const l = run(text(size + 1), size, how, 64, 1000);
        BOOST_TEST((l.taken == text(size)));
        BOOST_TEST((l.hashed == text(size)));
        BOOST_TEST((l.more && !l.ec));
    }
}

BOOST_AUTO_TEST_CASE(every_read_may_fail)
{
    behaviour all{.read_limit = 50};
    run(text(1500), 1500, all, 64, 1000);
    BOOST_TEST_REQUIRE(all.calls > 30u);
    for(std::size_t n = 1; n <= all.calls; ++n) {
        behaviour how{.fail_at = n, .read_limit = 50};
        auto const o = run(text(1500), 1500, how, 64, 1000);
        BOOST_TEST((o.ec == boost::system::errc::io_error));
        BOOST_TEST((text(1500).starts_with(o.taken)));
        how = {.fail_at = n, .throws = true, .read_limit = 50};
        BOOST_CHECK_THROW(run(text(1500), 1500, how, 64, 1000), std::runtime_error);
    }
}

BOOST_AUTO_TEST_CASE(every_update_of_the_hash_may_throw)
{
    for(std::size_t n = 1; n <= 20; ++n) {
        behaviour how;
        BOOST_CHECK_THROW(run(text(64 * 20), 64 * 20, how, 64, 1000, {{}, n, 0}), std::runtime_error);
    }
}

BOOST_AUTO_TEST_CASE(who_takes_may_go_away_at_any_time)
{
    auto const content = text(3000);
    for(std::size_t n = 0; n != 40; ++n) {
        behaviour how;
        test_source source(content, how);
        test_hash hash;
        std::vector<std::byte> memory(64 * ahead::buffers);
        ahead a(source, content.size(), n % 2 == 0 ? &hash : nullptr, memory);
        error_code ec;
        for(std::size_t i = 0; i != n; ++i)
            BOOST_TEST((to_text(a.take(64, ec)) == content.substr(64 * i, 64)));
    }
}

BOOST_AUTO_TEST_CASE(no_buffer_is_filled_before_its_bytes_were_given_back)
{
    auto const content = text(64 * 100);
    behaviour how;
    test_source source(content, how);
    std::vector<std::byte> memory(64 * ahead::buffers);
    ahead a(source, content.size(), nullptr, memory);
    error_code ec;
    for(std::size_t i = 0; i != 100; ++i) {
        auto const bytes = a.take(64, ec);
        if(i % 9 == 0)
            std::this_thread::yield();
        BOOST_TEST((to_text(bytes) == content.substr(64 * i, 64)));
    }
    BOOST_TEST(!a.goes_on(ec));
}

// The same in a save: `jobs` changes nothing but the threads.

namespace {

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

struct archive {
    explicit archive(std::vector<std::string> const& layers)
    {
        plan_builder b;
        for(auto const& l : layers) {
            leases.emplace_back(l, how);
            b.add_layer({leases.back().info_.id, {}, static_cast<std::uint32_t>(leases.size() - 1), l.size()}, 0644, 1);
        }
        contents = std::move(b).finish().value();
    }

    template<sink Sink>
    save_report save(Sink& out, write_options const& options) const
    {
        no_observer o;
        return write(contents, std::span<test_handle const>(leases), out, options, o);
    }

    behaviour how{.read_limit = 100'000};
    plan contents;
    std::vector<test_handle> leases;
};

write_options with_jobs(std::size_t jobs, verify v = verify::covered, byte_range range = {})
{
    write_options o;
    o.jobs = jobs;
    o.verification = v;
    o.range = range;
    return o;
}

std::vector<std::string> const layers = {text(3 << 20), text(500), text((1 << 20) + 1), text((5 << 20) - 7), text(1 << 20)};

} // namespace

BOOST_AUTO_TEST_CASE(threads_change_no_byte)
{
    archive const a(layers);
    memory_sink alone;
    BOOST_TEST(a.save(alone, with_jobs(1)).ok());
    for(auto const v : {verify::covered, verify::never})
        for(std::size_t const size : {std::size_t{1000}, std::size_t{65'536}, std::size_t{3} << 20}) {
            memory_sink out;
            auto options = with_jobs(2, v);
            options.buffer_size = size;
            auto const report = a.save(out, options);
            BOOST_TEST(report.ok());
            BOOST_TEST(report.layers_verified == (v == verify::never ? 0 : layers.size()));
            BOOST_TEST((out.bytes() == alone.bytes()));
        }
}

namespace {

// Remembers where each write ends.
struct ends_sink {
    std::size_t write_some(bytes_view bytes, error_code&)
    {
        ends.push_back((ends.empty() ? 0 : ends.back()) + bytes.size());
        return bytes.size();
    }

    std::vector<std::uint64_t> ends;
};

} // namespace

BOOST_AUTO_TEST_CASE(a_layer_is_written_up_to_whole_buffers_of_the_archive)
{
    archive a({text((3 << 20) + 17)});
    a.how.read_limit = 1 << 20;
    for(std::size_t const jobs : {1u, 2u})
        for(std::size_t const size : {4096u, 65'536u}) {
            auto options = with_jobs(jobs);
            options.buffer_size = size;
            ends_sink out;
            BOOST_TEST(a.save(out, options).ok());
            // The header, which is one piece of its own here, the part up to the first whole buffer, whole ones, and the end.
            BOOST_TEST_REQUIRE(out.ends.size() == 1 + (3 << 20) / size + 2);
            BOOST_TEST(out.ends.front() == 512);
            for(std::size_t n = 1; n + 2 < out.ends.size(); ++n)
                BOOST_TEST(out.ends[n] % size == 0);
        }
}

BOOST_AUTO_TEST_CASE(threads_change_no_byte_of_a_range)
{
    archive const a(layers);
    memory_sink alone;
    BOOST_TEST(a.save(alone, with_jobs(1)).ok());
    auto const whole = alone.bytes();
    for(auto const& r : {byte_range{1'000'000, 2'500'000}, byte_range{0, 5'000'000}, byte_range{4'000'000, whole.size()}})
        for(auto const v : {verify::covered, verify::whole, verify::never}) {
            memory_sink out;
            auto const report = a.save(out, with_jobs(2, v, r));
            BOOST_TEST(report.ok());
            BOOST_TEST((out.bytes() == whole.substr(r.first, r.last - r.first)));
        }
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_found_with_threads_as_without)
{
    for(std::size_t const jobs : {1u, 2u}) {
        auto const wrong = [&](auto change) {
            archive a(layers);
            change(a);
            memory_sink out;
            return a.save(out, with_jobs(jobs)).reason.code;
        };
        BOOST_TEST((wrong([](archive& a) { a.leases[3].content_[4'000'000] ^= 1; }) == error::digest_mismatch));
        BOOST_TEST((wrong([](archive& a) { a.leases[3].content_.pop_back(); }) == error::layer_too_short));
        BOOST_TEST((wrong([](archive& a) { a.leases[3].content_.push_back('x'); }) == error::layer_too_long));
        BOOST_TEST((wrong([](archive& a) { a.how.fail_at = 50; }) == boost::system::errc::io_error));
    }
}

BOOST_AUTO_TEST_CASE(a_save_with_threads_can_be_cancelled)
{
    archive const a(layers);
    std::stop_source stop;
    memory_sink out;
    stop.request_stop();
    auto options = with_jobs(2);
    options.stop = stop.get_token();
    BOOST_TEST((a.save(out, options).reason.code == error::cancelled));
    for(int i = 0; i != 10; ++i) {
        std::stop_source later;
        std::jthread const other([&later, i] {
            std::this_thread::sleep_for(std::chrono::microseconds(500 * i));
            later.request_stop();
        });
        memory_sink some;
        options.stop = later.get_token();
        auto const report = a.save(some, options);
        BOOST_TEST((report.ok() || report.reason.code == error::cancelled));
    }
}
