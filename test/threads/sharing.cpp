//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Several savers share a store, each in a thread of its own; the archives are the same. Another thread cancels a save.

#define BOOST_TEST_MODULE threads
#include <boost/test/unit_test.hpp>

#include <tarexport/saver.hpp>
#include <tarexport/sink/memory.hpp>
#include <tarexport/store/docker.hpp>
#include <tarexport/store/memory.hpp>
#include <tarexport/store/oci_layout.hpp>

#include "../unit/docker_folder.hpp"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace tarexport;

namespace {

constexpr std::size_t threads = 4;

// Resolves, plans, lists and saves in several threads at once, and compares what comes out.
template<class Store>
void save_in_threads(Store const& store, names const& requested)
{
    memory_sink alone;
    BOOST_REQUIRE(saver(store).save(requested, alone).ok());
    std::atomic<std::size_t> equal = 0;
    {
        std::vector<std::jthread> all;
        for(std::size_t t = 0; t != threads; ++t)
            all.emplace_back([&] {
                for(int i = 0; i != 10; ++i) {
                    memory_sink out;
                    auto const report = saver(store).save(requested, out);
                    equal += report.ok() && out.bytes() == alone.bytes() && store.list().has_value();
                }
            });
    }
    BOOST_TEST(equal == threads * 10);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_memory_store_is_shared)
{
    memory_store store;
    auto const layer = store.add_layer(std::string(100000, 'x'));
    BOOST_TEST(store.add_image(image_config{.cmd = {"a"}}, {layer}, {"a:1", "a:2"}).has_value());
    save_in_threads(store, names("a"));
}

BOOST_AUTO_TEST_CASE(a_layout_is_shared)
{
    oci_layout_store const store(TAREXPORT_SOURCE_DIR "/example/images");
    save_in_threads(store, names::of("hello", "greeting:1.0"));
    // The first scan of all entries, by all threads at once.
    oci_layout_store const fresh(TAREXPORT_SOURCE_DIR "/example/images");
    auto const id = store.lookup(parse_reference("hello:1.0").value()).value();
    std::atomic<std::size_t> found = 0;
    {
        std::vector<std::jthread> all;
        for(std::size_t t = 0; t != threads; ++t)
            all.emplace_back([&] { found += fresh.search(id.hex().substr(0, 12)) == result<digest>(id); });
    }
    BOOST_TEST(found == threads);
}

BOOST_AUTO_TEST_CASE(a_data_root_is_shared)
{
    docker_tests::docker_folder f;
    auto const base = f.add_layer({{"a", std::string(100000, 'x')}}), top = f.add_layer({{"b", "b"}}, base);
    auto const id = f.add_image(top);
    f.name("app", "app:1", id);
    f.finish();
    docker_store const store(f.path().string());
    save_in_threads(store, names("app"));
    // The first look at layers, by all threads at once.
    docker_store const fresh(f.path().string());
    auto const image = fresh.load(id).value();
    std::atomic<std::size_t> found = 0;
    {
        std::vector<std::jthread> all;
        for(std::size_t t = 0; t != threads; ++t)
            all.emplace_back([&] {
                found += fresh.layer(image, 1).value().info().size == top.tar.size();
                found += fresh.layer(image, 0).value().info().size == base.tar.size();
            });
    }
    BOOST_TEST(found == 2 * threads);
}

BOOST_AUTO_TEST_CASE(another_thread_cancels)
{
    memory_store store;
    auto const layer = store.add_layer(std::string(8000000, 'x'));
    BOOST_TEST(store.add_image(image_config{.cmd = {"a"}}, {layer}, {"a:1"}).has_value());
    struct slow {
        std::size_t write_some(bytes_view bytes, error_code&)
        {
            started = true;
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            return std::min<std::size_t>(bytes.size(), 1000);
        }
        std::atomic<bool> started = false;
    } out;
    std::stop_source stop;
    save_options options;
    options.stop = stop.get_token();
    std::jthread const other([&] {
        while(!out.started)
            std::this_thread::yield();
        stop.request_stop();
    });
    auto const report = saver(store).save(names("a:1"), out, options);
    BOOST_TEST(report.reason.code == error::cancelled);
}
