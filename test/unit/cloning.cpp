//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A sink that shares the blocks of the layers' files gets all that it can share, and the bytes are hashed all the same: the archive is
// the one that is written without sharing, and a wrong or a changing layer is found before its end is written.

#include <tarexport/detail/posix_lent_extent.hpp>

#define BOOST_TEST_MODULE cloning
#include <boost/test/unit_test.hpp>

#include <tarexport/plan_builder.hpp>
#include <tarexport/sink/file.hpp>
#include <tarexport/sink/memory.hpp>
#include <tarexport/write.hpp>

#include "paired_hash.hpp"
#include "sink_support.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

using namespace tarexport;
using namespace support;

namespace {

constexpr std::size_t block = 4096;
constexpr std::size_t mega = std::size_t{1} << 20;

std::string text(std::size_t n, char first)
{
    std::string s(n, first);
    for(std::size_t i = 0; i < n; i += 509)
        s[i] = static_cast<char>('a' + i % 23);
    return s;
}

// Boost.Test's own checks are for one thread.
void must(bool held)
{
    if(!held)
        throw std::logic_error("the test itself failed");
}

class file_source {
public:
    file_source(std::string const& path, std::uint64_t offset)
        : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC))
        , at_(offset)
    {
        must(static_cast<bool>(file_));
    }

    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        auto const n = ::pread(file_.get(), into.data(), into.size(), static_cast<off_t>(at_));
        must(n >= 0);
        ec.clear();
        at_ += static_cast<std::uint64_t>(n);
        return static_cast<std::size_t>(n);
    }

    std::optional<file_extent> extent() const
    {
        auto const end = ::lseek(file_.get(), 0, SEEK_END);
        return file_extent{file_.get(), at_, static_cast<std::uint64_t>(end) - at_};
    }

private:
    detail::unique_descriptor file_;
    std::uint64_t at_;
};

class file_handle {
public:
    file_handle(std::string path, std::string const& content) : path_(std::move(path))
    {
        put(path_, content);
        info_.id = digest_of(content);
        info_.size = content.size();
    }

    descriptor const& info() const noexcept { return info_; }
    std::string const& path() const noexcept { return path_; }

    result<file_source> open(std::uint64_t offset) const
    {
        if(on_open)
            on_open();
        return file_source(path_, offset);
    }

    std::function<void()> on_open;

private:
    std::string path_;
    descriptor info_;
};

static_assert(extent_source<source_of<file_handle>>);

// Layers whose data begins on a block, but for the last one.
struct archive {
    explicit archive(scratch const& folder)
    {
        plan_builder b;
        std::uint64_t at = 0;
        auto const add = [&](std::size_t size, std::size_t align) {
            auto const n = leases.size();
            leases.emplace_back(folder / std::to_string(n), text(size, static_cast<char>('A' + n)));
            // Two headers and a document that fills up to the block.
            std::uint64_t const room = align - (at + 1024) % align;
            b.add_document("fill" + std::to_string(n), std::string(room - room % 512, ' '), 0644, 1);
            b.add_layer({leases.back().info().id, {}, static_cast<std::uint32_t>(n), size}, 0644, 1, "layer" + std::to_string(n));
            at += 1024 + room - room % 512 + (size + 511) / 512 * 512;
        };
        add(3 * mega + 77, block);
        add(2 * mega, block);
        add(20 * mega + 2 * block + 1, block);
        add(5000, block);
        add(mega, block);
        add(4 * mega, 512);
        contents = std::move(b).finish().value();
    }

    template<class Hashes = paired_tests::openssl, class Sink>
    save_report save(Sink& out, write_options const& options = {}) const
    {
        no_observer o;
        return write<Hashes>(contents, std::span<file_handle const>(leases), out, options, o);
    }

    std::string bytes() const
    {
        memory_sink out;
        BOOST_REQUIRE(save(out).ok());
        return out.bytes();
    }

    plan contents;
    std::vector<file_handle> leases;
};

// Shares whole blocks, at most `limit` bytes a call.
class sharing_sink {
public:
    std::size_t write_some(bytes_view, error_code&) { throw std::logic_error("a positional sink was written front to back"); }
    std::size_t write_some(std::span<bytes_view const>, error_code&) { throw std::logic_error("a positional sink was written front to back"); }
    std::size_t copy_some(file_extent, error_code&) { throw std::logic_error("a positional sink was written front to back"); }

    std::size_t write_at(std::uint64_t position, std::span<bytes_view const> pieces, error_code& ec)
    {
        std::scoped_lock const lock(mutex_);
        ec.clear();
        std::size_t n = 0;
        for(auto const& p : pieces) {
            put(position + n, to_text(p));
            n += p.size();
        }
        written += n;
        return n;
    }

    std::size_t copy_at(std::uint64_t, file_extent, error_code& ec)
    {
        std::scoped_lock const lock(mutex_);
        ++copies;
        ec = make_error_code(boost::system::errc::operation_not_supported);
        return 0;
    }

    std::size_t clone_at(std::uint64_t position, file_extent extent, error_code& ec)
    {
        std::scoped_lock const lock(mutex_);
        ++clones;
        ec = refusal;
        auto const n = static_cast<std::size_t>(std::min(extent.size, limit) / block * block);
        if(!refusal.failed() && (n == 0 || position % block != 0 || extent.offset % block != 0))
            ec = make_error_code(boost::system::errc::operation_not_supported);
        if(ec.failed())
            return 0;
        std::string taken(n, '\0');
        must(::pread(extent.fd, taken.data(), n, static_cast<off_t>(extent.offset)) == static_cast<ssize_t>(n));
        put(position, taken);
        shared += n;
        if(on_clone)
            on_clone();
        return n;
    }

    bool any_order() const { return true; }
    void commit(error_code& ec)
    {
        ec.clear();
        ++commits;
    }
    void abort() noexcept { ++aborts; }

    error_code refusal;
    std::uint64_t limit = 16 * mega;
    std::function<void()> on_clone;
    std::string bytes;
    std::uint64_t written = 0;
    std::uint64_t shared = 0;
    int clones = 0;
    int copies = 0;
    int commits = 0;
    int aborts = 0;

private:
    void put(std::uint64_t position, std::string_view piece)
    {
        bytes.resize(std::max<std::size_t>(bytes.size(), position + piece.size()));
        bytes.replace(position, piece.size(), piece);
    }

    std::mutex mutex_;
};

static_assert(cloning_sink<sharing_sink> && cloning_sink<file_sink> && !cloning_sink<memory_sink>);

// A file that was written to just now is not shared, since the clock of its file system may not have ticked.
void let_settle() { std::this_thread::sleep_for(std::chrono::milliseconds(150)); }

write_options with(std::size_t jobs, verify v = verify::covered, byte_range range = {})
{
    write_options o;
    o.jobs = jobs;
    o.verification = v;
    o.range = range;
    return o;
}

using all_hashes = std::tuple<paired_tests::openssl, paired_tests::paired>;

struct fixture {
    fixture() { let_settle(); }

    scratch folder;
    archive a{folder};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(cloning, fixture)

BOOST_FIXTURE_TEST_CASE_TEMPLATE(shares_all_whole_blocks_and_verifies, Hashes, all_hashes, fixture)
{
    auto const want = this->a.bytes();
    for(std::size_t const jobs : {1u, 2u, 5u})
        for(std::uint64_t const limit : {16 * mega, mega, 3 * block}) {
            sharing_sink out;
            out.limit = limit;
            auto const report = this->a.template save<Hashes>(out, with(jobs));
            BOOST_TEST_REQUIRE(report.ok());
            BOOST_TEST((out.bytes == want));
            BOOST_TEST(report.layers_verified == this->a.leases.size());
            BOOST_TEST(report.bytes == want.size());
            BOOST_TEST(out.copies == 0);
            BOOST_TEST(out.commits == 1);
            // What waits for the digest is shared after it, too, where it is whole blocks of its own.
            auto const whole = 3 * mega + 2 * mega + 20 * mega + mega;
            BOOST_TEST(out.shared <= whole + 2 * block);
            BOOST_TEST(out.shared >= whole - 3 * 65536);
        }
}

BOOST_AUTO_TEST_CASE(unaligned_and_small_layers_are_written)
{
    sharing_sink out;
    BOOST_TEST(a.save(out).ok());
    BOOST_TEST(out.written >= 4 * mega + 5000);
    BOOST_TEST(out.shared > 0u);
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(a_sink_that_cannot_share_gets_the_same_bytes, Hashes, all_hashes, fixture)
{
    sharing_sink out;
    out.refusal = make_error_code(boost::system::errc::operation_not_supported);
    auto const report = this->a.template save<Hashes>(out);
    BOOST_TEST(report.ok());
    BOOST_TEST((out.bytes == this->a.bytes()));
    BOOST_TEST(report.layers_verified == this->a.leases.size());
    BOOST_TEST(out.clones == 5); // once for each large layer
    BOOST_TEST(out.shared == 0u);
}

BOOST_AUTO_TEST_CASE(unverified_layers_are_copied_and_not_shared)
{
    sharing_sink out;
    BOOST_TEST(a.save(out, with(2, verify::never)).ok());
    BOOST_TEST((out.bytes == a.bytes()));
    BOOST_TEST(out.clones == 0);
    BOOST_TEST(out.copies > 0);
}

// The last block of a layer that fills its entry is not copied, but read when the rest was.
BOOST_AUTO_TEST_CASE(a_file_that_is_cut_before_its_last_block_is_read_ends_inside_its_entry)
{
    struct copying_sink {
        std::size_t write_some(bytes_view piece, error_code& ec)
        {
            ec.clear();
            bytes += to_text(piece);
            return piece.size();
        }

        std::size_t copy_some(file_extent extent, error_code& ec)
        {
            ec.clear();
            auto const at = bytes.size();
            bytes.resize(at + static_cast<std::size_t>(extent.size));
            must(::pread(extent.fd, bytes.data() + at, extent.size, static_cast<off_t>(extent.offset)) == static_cast<ssize_t>(extent.size));
            if(extent.offset + extent.size == 2 * mega - 512)
                std::filesystem::resize_file(path, size);
            return static_cast<std::size_t>(extent.size);
        }

        std::string bytes, path;
        std::uintmax_t size = 0;
    };
    static_assert(extent_sink<copying_sink>);
    auto const want = a.bytes();
    std::size_t at = 0;
    while(a.contents.entry(at).kind != entry_kind::layer || a.contents.entry(at).size != 2 * mega)
        ++at;
    auto const entry = a.contents.entry(at);
    for(std::size_t const left : {std::size_t{0}, 2 * mega - 512, 2 * mega - 1, 2 * mega}) {
        put(a.leases[1].path(), text(2 * mega, 'B'));
        copying_sink out;
        out.path = a.leases[1].path();
        out.size = left;
        auto const report = a.save(out, with(1, verify::never));
        if(left == 2 * mega) {
            BOOST_TEST(report.ok());
            BOOST_TEST((out.bytes == want));
            continue;
        }
        BOOST_TEST((report.reason.code == error::layer_too_short));
        BOOST_TEST(out.bytes.size() == entry.data + std::max(left, 2 * mega - 512));
        BOOST_TEST((out.bytes == want.substr(0, out.bytes.size())));
    }
}

BOOST_AUTO_TEST_CASE(a_sum_reads_everything)
{
    sharing_sink out;
    auto options = with(2);
    options.sum = true;
    auto const report = a.save(out, options);
    BOOST_TEST(report.ok());
    BOOST_TEST(report.sum.value() == digest_of(a.bytes()));
    BOOST_TEST(out.clones == 0);
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(ranges, Hashes, all_hashes, fixture)
{
    auto const want = this->a.bytes();
    for(auto const how : {verify::covered, verify::whole})
        for(byte_range const r : {byte_range{0, want.size()}, {0, 4 * mega}, {block, want.size()}, {mega, 12 * mega}, {9 * mega, want.size() - 5}}) {
            sharing_sink out;
            BOOST_TEST_REQUIRE(this->a.template save<Hashes>(out, with(2, how, r)).ok());
            BOOST_TEST((out.bytes == want.substr(r.first, r.size())));
        }
}

BOOST_AUTO_TEST_CASE(wrong_bytes_are_found_before_the_layer_is_whole)
{
    for(std::size_t const at : {std::size_t{0}, 2 * mega, 3 * mega + 76}) {
        auto const& layer = a.leases[0];
        std::fstream(layer.path(), std::ios::in | std::ios::out | std::ios::binary).seekp(static_cast<std::streamoff>(at)).put('!');
        let_settle();
        sharing_sink out;
        auto const report = a.save(out, with(1));
        BOOST_TEST((report.reason.code == error::digest_mismatch));
        BOOST_TEST(report.reason.subject == "layer " + layer.info().id.str());
        BOOST_TEST(out.aborts == 1);
        BOOST_TEST(out.commits == 0);
        BOOST_TEST(out.bytes.size() < 3 * mega);
        put(layer.path(), text(3 * mega + 77, 'A'));
    }
}

BOOST_AUTO_TEST_CASE(a_file_that_changes_is_an_error)
{
    auto const path = a.leases[0].path();
    using change = std::function<void()>;
    std::vector<change> const changes{
        [&] { std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(0).put('!'); },
        [&] { std::ofstream(path, std::ios::app) << "more"; },
        [&] { std::filesystem::resize_file(path, 5); },
        [&] { std::filesystem::permissions(path, std::filesystem::perms::owner_read); },
    };
    for(auto const& c : changes)
        for(int const nth : {1, 3}) {
            std::filesystem::remove(path);
            put(path, text(3 * mega + 77, 'A'));
            let_settle();
            sharing_sink out;
            out.limit = mega;
            out.on_clone = [&, n = 0]() mutable {
                if(++n == nth)
                    c();
            };
            auto const report = a.save(out, with(1));
            BOOST_TEST((report.reason.code == error::store_changed));
            BOOST_TEST(out.aborts == 1);
        }
}

// All of this layer is whole blocks, so that its end is shared, but for the last one, after its last byte was hashed.
BOOST_AUTO_TEST_CASE(a_file_that_changes_after_its_hash_is_an_error)
{
    auto const path = a.leases[1].path();
    using change = std::function<void()>;
    std::vector<change> const changes{
        [&] { std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(2 * mega - 5).put('!'); },
        [&] { std::ofstream(path, std::ios::app) << "more"; },
    };
    for(auto const& c : changes) {
        put(path, text(2 * mega, 'B'));
        let_settle();
        auto const end = a.contents.entry(a.contents.find(4 * mega)).data + 2 * mega - block;
        bool changed = false;
        sharing_sink out;
        out.on_clone = [&] {
            changed = changed || out.bytes.size() == end;
            if(out.bytes.size() == end)
                c();
        };
        auto const report = a.save(out, with(1));
        BOOST_TEST((report.reason.code == error::store_changed));
        BOOST_TEST(report.reason.subject.find(a.leases[1].info().id.str()) != std::string::npos);
        BOOST_TEST(out.aborts == 1);
        BOOST_TEST(changed);
    }
}

BOOST_AUTO_TEST_CASE(a_file_written_just_now_is_not_shared)
{
    auto const& layer = a.leases[1];
    a.leases[1].on_open = [&] { put(layer.path(), text(2 * mega, 'B')); };
    auto const want = a.bytes();
    auto const others = 3 * mega + 20 * mega + mega + 2 * block;
    // A busy machine may take longer than a tick to look at the file after it was written.
    std::uint64_t shared = 0;
    for(int i = 0; i < 20 && (i == 0 || shared > others); ++i) {
        sharing_sink out;
        BOOST_TEST(a.save(out, with(1)).ok());
        BOOST_TEST((out.bytes == want));
        shared = out.shared;
    }
    BOOST_TEST(shared <= others);
    BOOST_TEST(shared >= others - 3 * 65536);
}

BOOST_AUTO_TEST_CASE(errors_of_the_sink_pass)
{
    sharing_sink out;
    out.refusal = make_error_code(boost::system::errc::no_space_on_device);
    auto const report = a.save(out);
    BOOST_TEST((report.reason.code == boost::system::errc::no_space_on_device));
    BOOST_TEST(out.aborts == 1);
}

BOOST_AUTO_TEST_CASE(a_file_has_the_same_bytes_whatever_its_file_system_can)
{
    auto const want = a.bytes();
    auto const path = folder / "out.tar";
    for(std::size_t const jobs : {1u, 2u}) {
        file_sink out(path, {.sync = false});
        auto const report = a.save(out, with(jobs));
        BOOST_TEST(report.ok());
        BOOST_TEST(report.layers_verified == a.leases.size());
        BOOST_TEST((contents(path) == want));
    }
}

BOOST_AUTO_TEST_SUITE_END()
