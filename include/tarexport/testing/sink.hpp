//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_TESTING_SINK_HPP
#define TAREXPORT_TESTING_SINK_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/error.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/sink.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <unistd.h>

namespace tarexport::testing {

/** Counts the objects of a class that are alive; `class mine : counted<mine>`.

    @par Thread Safety
    Objects may come and go in several threads.
*/
template<class Tag>
class counted {
public:
    /// Return the number of objects alive.
    static int alive() noexcept { return alive_; }

protected:
    counted() noexcept { ++alive_; }
    counted(counted const&) noexcept { ++alive_; }
    counted& operator=(counted const&) noexcept = default;
    ~counted() { --alive_; }

private:
    static inline std::atomic<int> alive_{0};
};

/// Return the number of file descriptors that this process has open (Linux).
inline std::size_t open_descriptors()
{
    auto const all = std::filesystem::directory_iterator("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all))) - 1; // less the one that looks
}

/** A sink that keeps what it is given, takes at most so many bytes a call, and watches how its driver behaves.

    `complaints()` has a sentence for everything that a driver must not do: an empty piece, a write after the end,
    a second commit.
*/
class chopping_sink : public counted<chopping_sink> {
public:
    /// Construct with the most bytes that one call takes.
    explicit chopping_sink(std::size_t limit = std::numeric_limits<std::size_t>::max()) noexcept : limit_(limit) {}

    std::size_t write_some(bytes_view bytes, error_code& ec)
    {
        return write_some(std::span<bytes_view const>(&bytes, 1), ec);
    }

    std::size_t write_some(std::span<bytes_view const> pieces, error_code& ec)
    {
        called();
        ec.clear();
        if(pieces.empty())
            complain("a write of no pieces");
        std::size_t n = 0;
        for(auto const& p : pieces) {
            if(p.empty())
                complain("an empty piece");
            auto const taken = p.first(std::min(p.size(), limit_ - n));
            bytes_.append(to_text(taken));
            n += taken.size();
        }
        return n;
    }

    void commit(error_code& ec)
    {
        called();
        ec.clear();
        committed_ = true;
    }

    void abort() noexcept
    {
        if(finished())
            second_end_ = true;
        aborted_ = true;
    }

    /// Return what arrived.
    std::string const& bytes() const noexcept { return bytes_; }

    /// Return the number of calls that might have failed.
    std::size_t calls() const noexcept { return calls_; }

    bool committed() const noexcept { return committed_; }
    bool aborted() const noexcept { return aborted_; }
    bool finished() const noexcept { return committed_ || aborted_; }

    /// Return what the driver did wrong.
    std::vector<std::string> complaints() const
    {
        auto all = complaints_;
        if(second_end_)
            all.emplace_back("an abort after the end");
        return all;
    }

protected:
    void called()
    {
        ++calls_;
        if(finished())
            complain("a call after the end");
    }

    void complain(std::string what) { complaints_.push_back(std::move(what)); }

    std::size_t limit() const noexcept { return limit_; }

private:
    std::size_t limit_;
    std::string bytes_;
    std::vector<std::string> complaints_;
    std::size_t calls_ = 0;
    bool committed_ = false;
    bool aborted_ = false;
    bool second_end_ = false;
};

/** A `chopping_sink` whose n-th call fails; writes and commits count, aborts cannot fail.

    To see every failure of a driver, count up from 1 until a run succeeds.
*/
class failing_sink : public chopping_sink {
public:
    /// Construct with the number of the call that fails, from 1 on; 0 for none.
    explicit failing_sink(std::size_t n, error_code why = make_error_code(boost::system::errc::io_error),
        std::size_t limit = std::numeric_limits<std::size_t>::max()) noexcept
        : chopping_sink(limit)
        , n_(n)
        , why_(why)
    {
    }

    std::size_t write_some(bytes_view bytes, error_code& ec)
    {
        return write_some(std::span<bytes_view const>(&bytes, 1), ec);
    }

    std::size_t write_some(std::span<bytes_view const> pieces, error_code& ec)
    {
        return fails(ec) ? 0 : chopping_sink::write_some(pieces, ec);
    }

    void commit(error_code& ec)
    {
        if(!fails(ec))
            chopping_sink::commit(ec);
    }

    /// Return whether the call has failed.
    bool failed() const noexcept { return failed_; }

protected:
    bool fails(error_code& ec)
    {
        if(failed_)
            complain("a call after an error");
        if(calls() + 1 != n_)
            return false;
        called();
        failed_ = true;
        ec = why_;
        return true;
    }

private:
    std::size_t n_;
    error_code why_;
    bool failed_ = false;
};

/** A `failing_sink` that takes extents too.

    It reads them itself; after a number of copies it says that it cannot, as a pair of files may do at any time.
*/
class copying_sink : public failing_sink {
public:
    /// Construct with the number of copies that are done.
    explicit copying_sink(std::size_t copies = std::numeric_limits<std::size_t>::max(),
        std::size_t limit = std::numeric_limits<std::size_t>::max(), std::size_t n = 0) noexcept
        : failing_sink(n, make_error_code(boost::system::errc::io_error), limit)
        , copies_(copies)
    {
    }

    std::size_t copy_some(file_extent extent, error_code& ec)
    {
        if(fails(ec))
            return 0;
        if(extent.size == 0)
            complain("an empty extent");
        if(copied_ == copies_) {
            called();
            ec = make_error_code(boost::system::errc::operation_not_supported);
            return 0;
        }
        std::array<std::byte, 4096> buffer;
        auto const most = std::min<std::uint64_t>({extent.size, buffer.size(), limit()});
        auto const n =
            ::pread(extent.fd, buffer.data(), static_cast<std::size_t>(most), static_cast<off_t>(extent.offset));
        if(n <= 0) {
            called();
            ec = make_error_code(boost::system::errc::operation_not_supported);
            return 0;
        }
        ++copied_;
        return chopping_sink::write_some(bytes_view(buffer).first(static_cast<std::size_t>(n)), ec);
    }

    /// Return the number of copies that were done.
    std::size_t copied() const noexcept { return copied_; }

private:
    std::size_t copies_;
    std::size_t copied_ = 0;
};

static_assert(gather_sink<failing_sink> && committing_sink<failing_sink> && extent_sink<copying_sink>);

/** What `check_sink` needs to know about a sink under test.

    `f.out()` is the sink, new and empty; `f.taken()` returns as a text what arrived at its other end, and is asked
    once, after the sink was committed if it can be. Optional: `f.appeared()` returns whether the archive is visible
    to others.
*/
template<class F>
concept sink_fixture = requires(F& f) {
    requires sink<std::remove_reference_t<decltype(f.out())>>;
    requires std::is_lvalue_reference_v<decltype(f.out())>;
    { f.taken() } -> std::convertible_to<std::string>;
};

} // namespace tarexport::testing

namespace tarexport::detail {

template<class F>
concept tells_appearance = requires(F& f) {
    { f.appeared() } -> std::convertible_to<bool>;
};

// Bytes that are different wherever they are out of place.
inline std::string sample_bytes(std::size_t size)
{
    std::string s(size, '\0');
    std::uint32_t state = 1;
    for(auto& c : s) {
        state = state * 1664525u + 1013904223u;
        c = static_cast<char>(state >> 24);
    }
    return s;
}

struct close_file {
    void operator()(std::FILE* f) const noexcept { std::fclose(f); }
};

// One run of a sink from the first byte to the last.
template<testing::sink_fixture Fixture>
class sink_run {
public:
    using sink_type = std::remove_reference_t<decltype(std::declval<Fixture&>().out())>;

    sink_run(Fixture& f, std::string name, std::vector<std::string>& broken)
        : fixture_(f)
        , name_(std::move(name))
        , broken_(broken)
    {
    }

    // Writes at most `limit` bytes at once, from memory that is only lent: what was taken is overwritten after
    // each call.
    bool write(std::string_view text, std::size_t limit)
    {
        for(; !text.empty(); text.remove_prefix(std::min(limit, text.size()))) {
            auto lent = std::string(text.substr(0, limit));
            for(auto rest = std::span(lent); !rest.empty();) {
                error_code ec;
                auto const n = fixture_.out().write_some(std::as_bytes(rest), ec);
                if(!moved(n, rest.size(), ec))
                    return false;
                std::ranges::fill(rest.first(n), '#');
                rest = rest.subspan(n);
            }
        }
        return true;
    }

    // As `write`, in pieces of these sizes.
    bool gather(std::string_view text, std::span<std::size_t const> sizes)
    requires gather_sink<sink_type>
    {
        while(!text.empty()) {
            std::string lent;
            std::vector<bytes_view> pieces;
            lent.reserve(text.size()); // the pieces stay where they are
            for(auto size : sizes) {
                auto const begin = lent.size();
                lent.append(text.substr(0, size));
                text.remove_prefix(std::min(size, text.size()));
                if(lent.size() != begin)
                    pieces.push_back(to_bytes(lent).subspan(begin));
            }
            if(!gather_all(lent, pieces))
                return false;
        }
        return true;
    }

    // Copies bytes of a file as long as the sink can, and writes the others.
    bool copy(std::string_view text)
    requires extent_sink<sink_type>
    {
        constexpr std::size_t before = 3;
        std::unique_ptr<std::FILE, close_file> const file(std::tmpfile());
        auto const content = std::string(before, 'x').append(text) + "beyond";
        if(!file || std::fwrite(content.data(), 1, content.size(), file.get()) != content.size() ||
            std::fflush(file.get()) != 0)
            return fail("the check could not make a temporary file");
        int const fd = ::fileno(file.get());
        ::lseek(fd, 7, SEEK_SET);
        std::size_t copied = 0;
        while(copied != text.size()) {
            error_code ec;
            auto const n = fixture_.out().copy_some({fd, before + copied, text.size() - copied}, ec);
            if(n == 0 && ec == boost::system::errc::operation_not_supported)
                break;
            if(!moved(n, text.size() - copied, ec))
                return false;
            copied += n;
        }
        if(::lseek(fd, 0, SEEK_CUR) != 7)
            return fail("copying moved the file position of the source");
        return write(text.substr(copied), 65536);
    }

    // Writes to positions: two halves side by side if the sink takes that.
    bool place(std::string_view text)
    requires positional_sink<sink_type>
    {
        auto const half = fixture_.out().any_order() ? text.size() / 2 + 1 : text.size();
        std::string other;
        std::jthread second([&] { other = place(text, half, text.size()); });
        auto const why = place(text, 0, half);
        second.join();
        return why.empty() && other.empty() ? true : fail(why.empty() ? other : why);
    }

    void finish(std::string_view expected)
    {
        visible(false, "before it was committed");
        if constexpr(committing_sink<sink_type>) {
            error_code ec;
            fixture_.out().commit(ec);
            if(ec.failed()) {
                fail("commit reported an error: " + ec.message());
                return;
            }
            visible(true, "after it was committed");
        }
        if(std::string const taken = fixture_.taken(); taken != expected)
            fail(taken.size() == expected.size()
                    ? "the bytes that arrived are not those that were written"
                    : std::to_string(taken.size()) + " bytes arrived of " + std::to_string(expected.size()));
    }

    void abort()
    requires committing_sink<sink_type>
    {
        visible(false, "before it was aborted");
        fixture_.out().abort();
        visible(false, "after it was aborted");
    }

    void visible(bool expected, std::string const& when)
    {
        if constexpr(tells_appearance<Fixture> && committing_sink<sink_type>)
            if(fixture_.appeared() != expected)
                fail((expected ? "the archive is not visible " : "the archive is visible ") + when);
    }

private:
    bool gather_all(std::string& lent, std::span<bytes_view> pieces)
    requires gather_sink<sink_type>
    {
        for(std::size_t taken = 0; taken != lent.size();) {
            error_code ec;
            auto n = fixture_.out().write_some(std::span<bytes_view const>(pieces), ec);
            if(!moved(n, lent.size() - taken, ec))
                return false;
            std::ranges::fill(std::span(lent).subspan(taken, n), '#');
            taken += n;
            for(; !pieces.empty() && n >= pieces.front().size(); pieces = pieces.subspan(1))
                n -= pieces.front().size();
            if(!pieces.empty())
                pieces.front() = pieces.front().subspan(n);
        }
        return true;
    }

    // Returns what was wrong.
    std::string place(std::string_view text, std::size_t first, std::size_t last)
    {
        while(first != last) {
            std::string lent(text.substr(first, std::min<std::size_t>(last - first, 1000)));
            auto const bytes = to_bytes(lent);
            std::array<bytes_view, 2> const pieces{bytes.first(1), bytes.subspan(1)};
            error_code ec;
            auto const n = fixture_.out().write_at(first, std::span(pieces).first(lent.size() == 1 ? 1 : 2), ec);
            if(auto why = wrong(n, lent.size(), ec); !why.empty())
                return why;
            std::ranges::fill(lent, '#');
            first += n;
        }
        return {};
    }

    bool moved(std::size_t n, std::size_t size, error_code const& ec)
    {
        auto const why = wrong(n, size, ec);
        return why.empty() || fail(why);
    }

    static std::string wrong(std::size_t n, std::size_t size, error_code const& ec)
    {
        if(n > size)
            return "took " + std::to_string(n) + " bytes of " + std::to_string(size);
        if(n == 0)
            return ec.failed() ? "reported an error: " + ec.message() : "took no byte and reported no error";
        return ec.failed() ? "took bytes and reported an error: " + ec.message() : "";
    }

    bool fail(std::string const& what)
    {
        broken_.push_back(name_ + ": " + what);
        return false;
    }

    Fixture& fixture_;
    std::string name_;
    std::vector<std::string>& broken_;
};

template<testing::sink_fixture Fixture, class Make>
void check_gather(Make& make, std::vector<std::string>& broken)
{
    constexpr std::array<std::size_t, 1> one{700};
    constexpr std::array<std::size_t, 4> entry{300, 512, 70000, 1};
    constexpr std::array<std::size_t, 20> many{
        1, 2, 511, 512, 513, 1, 1, 1, 4096, 3, 1, 2, 511, 512, 513, 1, 1, 1, 4096, 3};
    auto const text = detail::sample_bytes(200001);
    for(std::span<std::size_t const> sizes : {std::span<std::size_t const>(one), std::span<std::size_t const>(entry),
            std::span<std::size_t const>(many)}) {
        Fixture f = make();
        sink_run<Fixture> run(f, "writes of " + std::to_string(sizes.size()) + " pieces", broken);
        if(run.gather(text, sizes))
            run.finish(text);
    }
}

} // namespace tarexport::detail

namespace tarexport::testing {

/** Check that a sink keeps the laws of `sink`, and of those refinements that it models.

    What is written in portions of any size arrives whole, in order and once; every call takes 1 to all bytes, and
    does not hold on to memory that was only lent; several pieces, and bytes of a file whose position stays, arrive
    likewise; so does what is written to positions, in two threads if the sink takes that; committing reports no error and makes
    the archive visible; aborting does not.

    @param make `make()` returns a `sink_fixture` with a new sink; called for every run.
    @return A sentence for each law that does not hold; nothing if all do.

    @par Example
    @code
    struct fixture {
        my_sink& out() { return sink; }
        std::string taken() { return sink.contents(); }
        my_sink sink;
    };
    for(auto const& sentence : tarexport::testing::check_sink([] { return fixture(); }))
        std::cerr << sentence << '\n';
    @endcode
*/
template<std::invocable Make>
requires sink_fixture<std::invoke_result_t<Make&>>
std::vector<std::string> check_sink(Make make)
{
    using fixture = std::invoke_result_t<Make&>;
    using run_type = tarexport::detail::sink_run<fixture>;
    using sink_type = typename run_type::sink_type;

    std::vector<std::string> broken;
    for(std::size_t limit : {1u, 2u, 511u, 512u, 513u, 65536u, 300000u}) {
        auto const text = detail::sample_bytes(limit <= 2 ? 1025 : 300001);
        fixture f = make();
        run_type run(f, "writes of " + std::to_string(limit) + " bytes", broken);
        if(run.write(text, limit))
            run.finish(text);
    }
    if constexpr(gather_sink<sink_type>)
        detail::check_gather<fixture>(make, broken);
    if constexpr(extent_sink<sink_type>) {
        auto const text = detail::sample_bytes(100003);
        fixture f = make();
        run_type run(f, "copies", broken);
        if(run.write(text.substr(0, 512), 512) && run.copy(std::string_view(text).substr(512, 99000)) &&
            run.write(std::string_view(text).substr(99512), 65536))
            run.finish(text);
    }
    if constexpr(positional_sink<sink_type>) {
        auto const text = detail::sample_bytes(100003);
        fixture f = make();
        run_type run(f, "writes to positions", broken);
        if(run.place(text))
            run.finish(text);
    }
    if constexpr(committing_sink<sink_type>) {
        fixture f = make();
        run_type run(f, "abort", broken);
        if(run.write(detail::sample_bytes(1000), 512))
            run.abort();
    }
    return broken;
}

} // namespace tarexport::testing

#endif
