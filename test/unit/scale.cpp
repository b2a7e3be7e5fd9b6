//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// What saving many images, or one of many, costs: in counts, which are the same on every machine. test/bench/scale.cpp has times.

#include "docker_folder.hpp"
#include "heap_counts.hpp"
#include "many_images.hpp"

#include <tarexport/layout/hybrid.hpp>
#include <tarexport/saver.hpp>
#include <tarexport/sink/counting.hpp>
#include <tarexport/store/docker.hpp>
#include <tarexport/store/oci_layout.hpp>
#include <tarexport/testing/counting_store.hpp>

#define BOOST_TEST_MODULE scale
#include <boost/test/unit_test.hpp>

#include <array>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <sys/inotify.h>
#include <unistd.h>

namespace {

namespace fs = std::filesystem;
namespace tx = tarexport;

struct cost {
    std::size_t allocations = 0;
    std::size_t most = 0;      // bytes in use at any time, beside the store's own
    std::size_t kept = 0;      // bytes, of what is prepared
    std::size_t documents = 0; // bytes
    std::size_t entries = 0;
};

struct keeping_manifests {
    tx::hybrid_layout layout;
    using hashes = tx::hash_set<tx::sha256>;
    tx::no_observer observer;
};

template<class Policy = tx::default_policy>
cost cost_of(auto const& store, tx::names const& names, tx::save_options const& options = {})
{
    tx::saver saver(store, Policy());
    auto const allocations = heap::allocations.load(), bytes = heap::bytes.load();
    heap::measure_from_here();
    auto const archive = saver.prepare(names, options).value();
    cost c{heap::allocations - allocations, heap::most_bytes - bytes, heap::bytes - bytes, 0, archive.contents.count()};
    for(std::size_t i = 0; i != c.entries; ++i)
        if(auto const e = archive.contents.entry(i); e.kind == tx::entry_kind::document)
            c.documents += e.size;
    return c;
}

// How often the files of a directory were opened.
class opened_files {
public:
    explicit opened_files(fs::path const& directory) : fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC))
    {
        if(fd_ < 0 || ::inotify_add_watch(fd_, directory.c_str(), IN_OPEN) < 0)
            throw std::runtime_error("inotify");
    }

    opened_files(opened_files const&) = delete;
    opened_files& operator=(opened_files const&) = delete;
    ~opened_files() { ::close(fd_); }

    // Since the last call.
    std::size_t count()
    {
        std::size_t n = 0;
        alignas(inotify_event) std::array<char, 1 << 16> buffer;
        for(auto got = ::read(fd_, buffer.data(), buffer.size()); got > 0; got = ::read(fd_, buffer.data(), buffer.size()))
            for(auto const* at = buffer.data(); at < buffer.data() + got;) {
                inotify_event e;
                std::memcpy(&e, at, sizeof e);
                n += e.len != 0 && (e.mask & IN_ISDIR) == 0 ? 1 : 0;
                at += sizeof e + e.len;
            }
        return n;
    }

private:
    int fd_;
};

} // namespace

BOOST_AUTO_TEST_CASE(twice_the_images_cost_twice_as_much)
{
    auto const once = cost_of(many::in_memory(64), many::all_names(64));
    auto const twice = cost_of(many::in_memory(128), many::all_names(128));
    BOOST_TEST(twice.entries > 1.9 * static_cast<double>(once.entries));
    BOOST_TEST(twice.allocations <= once.allocations * 21 / 10);
    BOOST_TEST(once.allocations <= 40 * once.entries);
}

BOOST_AUTO_TEST_CASE(a_plan_has_its_documents_and_200_bytes_an_entry)
{
    auto const c = cost_of(many::in_memory(128), many::all_names(128));
    BOOST_TEST(c.entries > 4000u);
    BOOST_TEST(c.kept <= c.documents + 200 * c.entries);
}

BOOST_AUTO_TEST_CASE(while_a_plan_is_made_there_is_little_more)
{
    auto const c = cost_of(many::in_memory(1000), many::all_names(1000));
    BOOST_TEST(c.documents > std::size_t{10} << 20);
    BOOST_TEST(c.most <= c.documents + 300 * c.entries);
}

// Of each image nothing is left but what is in the archive, before the next is read.
BOOST_AUTO_TEST_CASE(while_a_plan_with_manifests_is_made_there_is_little_more)
{
    auto const from_memory = cost_of<keeping_manifests>(many::in_memory(1000), many::all_names(1000));
    BOOST_TEST(from_memory.entries > 12'000u);
    BOOST_TEST(from_memory.most <= from_memory.documents + 300 * from_memory.entries);
    layouts::temporary_folder folder;
    many::write_layout(folder.path(), 1000);
    auto const from_layout =
        cost_of<keeping_manifests>(tx::oci_layout_store(folder.path().string()), many::all_names(1000));
    constexpr std::size_t lease = 300;
    BOOST_TEST(from_layout.entries == from_memory.entries);
    BOOST_TEST(from_layout.most <= from_layout.documents + (300 + lease) * from_layout.entries);
    BOOST_TEST(from_layout.kept <= from_layout.documents + (220 + lease) * from_layout.entries);
}

BOOST_AUTO_TEST_CASE(a_thin_plan_is_not_there_twice)
{
    auto const store = many::in_memory(1000);
    std::vector<tx::digest> had;
    for(std::size_t n = 0; n != 2000; ++n)
        had.push_back(tx::digest_of(many::layer_text(n)));
    tx::save_options options;
    options.have = tx::digest_set(had);
    auto const thin = cost_of<keeping_manifests>(store, many::all_names(1000), options);
    auto const full = cost_of<keeping_manifests>(store, many::all_names(1000));
    BOOST_TEST(thin.entries == full.entries + 1 - had.size());
    constexpr std::size_t left_out = 1500;
    BOOST_TEST(thin.most <= thin.documents + 300 * full.entries + left_out * had.size());
}

BOOST_AUTO_TEST_CASE(layers_that_many_images_share_are_left_out_once)
{
    tx::content_closure shared;
    tx::digest_set have;
    for(std::size_t n = 0; n != 100; ++n) {
        tx::descriptor d;
        d.id = tx::digest_of(many::layer_text(n));
        shared.blobs.push_back({d, d.id.str(), {}, 0});
        have.insert(d.id);
    }
    tx::selection s;
    s.closure = std::make_shared<tx::content_closure>(std::move(shared));
    std::vector<tx::selection> const images(1000, s);
    auto const before = heap::bytes.load();
    heap::measure_from_here();
    BOOST_TEST(tx::layers_to_leave_out(images, have).size() == 100u);
    BOOST_TEST(heap::most_bytes - before < std::size_t{1} << 18);
}

BOOST_AUTO_TEST_CASE(one_image_costs_the_same_whatever_else_there_is)
{
    auto const few = cost_of(many::in_memory(4), tx::names(many::name(2)));
    auto const store = many::in_memory(400);
    auto const more = cost_of(store, tx::names(many::name(2)));
    BOOST_TEST(more.entries == few.entries);
    BOOST_TEST(more.allocations <= few.allocations + 8);
    tx::testing::counting_store const counted(store);
    BOOST_TEST(tx::saver(counted).make_plan(tx::names(many::name(2))).has_value());
    BOOST_TEST(counted.counts().leased == many::layers_of(2).size());
    BOOST_TEST(counted.counts().opened == 0u);
}

// The manifest, to see what it is of and then to load that, and the config.
constexpr std::size_t documents_of_one = 3;
// One more to see whether the config is there.
constexpr std::size_t leases_of_documents = 4;

BOOST_AUTO_TEST_CASE(one_image_of_a_layout_is_its_manifest_and_config_and_a_look_at_each_layer)
{
    layouts::temporary_folder folder;
    many::write_layout(folder.path(), 200, 3);
    tx::oci_layout_store const store(folder.path().string());
    opened_files opened(folder.path() / "blobs" / "sha256");
    auto const layers = many::layers_of(7).size();
    for(auto const& name : {many::name(7), many::name(7, 2)}) {
        tx::testing::counting_store const counted(store);
        BOOST_TEST(tx::saver(counted).make_plan(tx::names(name)).has_value());
        BOOST_TEST(counted.counts().opened == documents_of_one);
        BOOST_TEST(counted.counts().leased == layers + leases_of_documents);
        // A blob's size is looked at when it is leased; what is opened twice in a row is one event.
        BOOST_TEST(opened.count() == layers + 2);
    }
}

BOOST_AUTO_TEST_CASE(all_images_of_a_layout_are_each_read_once)
{
    layouts::temporary_folder folder;
    many::write_layout(folder.path(), 50, 3);
    tx::oci_layout_store const store(folder.path().string());
    for(bool const by_repository : {false, true}) {
        tx::names names;
        for(std::size_t i = 0; i != 50; ++i)
            names.add(by_repository ? many::repository(i) : many::name(i));
        tx::testing::counting_store const counted(store);
        BOOST_TEST(tx::saver(counted).make_plan(names).has_value());
        BOOST_TEST(counted.counts().opened == 50 * documents_of_one);
        BOOST_TEST(counted.counts().leased == 50 * (many::own_layers + leases_of_documents));
    }
}

BOOST_AUTO_TEST_CASE(one_image_of_docker_is_its_config)
{
    docker_tests::docker_folder folder;
    auto const layer = folder.add_layer({{"file", "content"}});
    for(int n = 0; n != 100; ++n) {
        auto const id = folder.add_image(layer, R"(,"author":")" + std::to_string(n) + '"');
        folder.name("app", "app:" + std::to_string(n), id);
    }
    folder.finish();
    opened_files configs(folder.path() / "image/overlay2/imagedb/content/sha256");
    tx::docker_store const store(folder.path().string());
    BOOST_TEST(configs.count() == 0u);
    BOOST_TEST(tx::saver(store).make_plan(tx::names("app:7")).has_value());
    BOOST_TEST(configs.count() == 1u);
    tx::names some("app:8");
    some.add("app:9");
    BOOST_TEST(tx::saver(store).make_plan(some).has_value());
    BOOST_TEST(configs.count() == 2u);
}

BOOST_AUTO_TEST_CASE(chunks_allocate_nothing)
{
    std::size_t counts[2];
    for(std::size_t const i : {0u, 1u}) {
        tx::memory_store s;
        auto const layer = s.add_layer(std::string(i == 0 ? 4 << 20 : 40 << 20, 'x'));
        s.add_image(many::config(), {layer}, {"app:1"}).value();
        tx::saver saver(s);
        auto const archive = saver.prepare(tx::names("app:1")).value();
        tx::counting_sink out;
        auto const before = heap::allocations.load();
        auto const report = saver.write(archive, out);
        counts[i] = heap::allocations - before;
        BOOST_TEST(report.ok());
    }
    BOOST_TEST(counts[0] < 40u);
    BOOST_TEST(counts[1] == counts[0]);
}
