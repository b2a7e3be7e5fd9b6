//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Plans of n, 2n and 4n images: time, allocations and memory, and what each doubling multiplies them with. What is linear
// doubles.
//
//     scale [FOLDER [IMAGES]]      IMAGES: the largest number, 10,000 unless told, with ten layers each; FOLDER: where OCI
//                                  layouts are made for a while, the current one unless told

#include "../unit/heap_counts.hpp"
#include "../unit/many_images.hpp"

#include <tarexport.hpp>
#include <tarexport/layout/hybrid.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

namespace fs = std::filesystem;
namespace tx = tarexport;

struct measured {
    double seconds = 0;
    double user = 0;      // seconds of the processor
    double allocations = 0;
    double most = 0;      // bytes in use at their most, beside the store's own
    double kept = 0;      // bytes of the archive that is prepared
    double documents = 0; // bytes of its documents
    double entries = 0;
};

double now()
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Of this process, outside the kernel, which takes long to find memory on some machines.
double user_time()
{
    rusage used;
    ::getrusage(RUSAGE_SELF, &used);
    return static_cast<double>(used.ru_utime.tv_sec) + static_cast<double>(used.ru_utime.tv_usec) / 1e6;
}

struct keeping_manifests {
    tx::hybrid_layout layout;
    using hashes = tx::hash_set<tx::sha256>;
    tx::no_observer observer;
};

template<class Policy = tx::default_policy>
measured measure_plan(auto const& store, tx::names const& names)
{
    measured m;
    tx::saver saver(store, Policy());
    auto const before = heap::bytes.load(), count = heap::allocations.load();
    heap::measure_from_here();
    auto const start = now(), user = user_time();
    auto const archive = saver.prepare(names).value();
    m.seconds = now() - start;
    m.user = user_time() - user;
    m.allocations = static_cast<double>(heap::allocations - count);
    m.most = static_cast<double>(heap::most_bytes - before);
    m.kept = static_cast<double>(heap::bytes - before);
    auto const& p = archive.contents;
    for(std::size_t i = 0; i != p.count(); ++i)
        if(auto const e = p.entry(i); e.kind == tx::entry_kind::document)
            m.documents += static_cast<double>(e.size);
    m.entries = static_cast<double>(p.count());
    return m;
}

// A process of its own for each, so that none finds the heap of another.
measured apart(std::function<measured()> const& run)
{
    int ends[2];
    if(::pipe(ends) != 0)
        throw std::runtime_error("pipe");
    auto const child = ::fork();
    if(child == 0) {
        try {
            auto const m = run();
            ::_exit(::write(ends[1], &m, sizeof m) == sizeof m ? 0 : 1);
        }
        catch(std::exception const& e) {
            std::cerr << e.what() << '\n';
            ::_exit(1);
        }
    }
    ::close(ends[1]);
    measured m;
    bool const got = ::read(ends[0], &m, sizeof m) == sizeof m;
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if(!got || status != 0)
        throw std::runtime_error("a measurement failed");
    return m;
}

void print_table(std::string const& title, std::vector<std::size_t> const& sizes, std::function<measured(std::size_t)> const& run)
{
    constexpr double mib = 1 << 20;
    std::printf("\n%s\n\n| images | seconds | user seconds | x | allocations | x | most MiB | x | kept MiB | documents MiB | entries "
                "| kept bytes an entry beside its document |\n"
                "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n", title.c_str());
    measured last;
    for(auto const n : sizes) {
        auto const m = apart([&] { return run(n); });
        bool const first = last.entries == 0;
        std::printf("| %zu | %.3f | %.3f | %.2f | %.0f | %.2f | %.1f | %.2f | %.1f | %.1f | %.0f | %.0f |\n", n, m.seconds, m.user,
            first || last.user <= 0 ? 1 : m.user / last.user, m.allocations, first ? 1 : m.allocations / last.allocations, m.most / mib,
            first ? 1 : m.most / last.most, m.kept / mib, m.documents / mib, m.entries,
            m.entries > 1 ? (m.kept - m.documents) / m.entries : 0.0);
        std::fflush(stdout);
        last = m;
    }
}

// Opening and filling a store: the plan of one of its images beside.
measured with_store(auto const& make, tx::names const& names)
{
    auto const before = heap::bytes.load(), count = heap::allocations.load();
    heap::measure_from_here();
    auto const start = now(), user = user_time();
    auto const store = make();
    measured m;
    m.seconds = now() - start;
    m.user = user_time() - user;
    m.allocations = static_cast<double>(heap::allocations - count);
    m.most = static_cast<double>(heap::most_bytes - before);
    m.kept = static_cast<double>(heap::bytes - before);
    m.entries = static_cast<double>(tx::saver(store).make_plan(names).value().count());
    return m;
}

void of_memory(std::vector<std::size_t> const& sizes)
{
    print_table("memory store, all images by their tags", sizes, [](std::size_t n) {
        return measure_plan(many::in_memory(n), many::all_names(n));
    });
    print_table("memory store, all images by their tags, with manifests", sizes, [](std::size_t n) {
        return measure_plan<keeping_manifests>(many::in_memory(n), many::all_names(n));
    });
    print_table("memory store, one image of so many", sizes, [](std::size_t n) {
        return measure_plan(many::in_memory(n), tx::names(many::name(n / 2)));
    });
    print_table("memory store, filling it", sizes, [](std::size_t n) {
        return with_store([&] { return many::in_memory(n); }, tx::names(many::name(0)));
    });
}

void of_layout(std::vector<std::size_t> const& sizes, fs::path const& folder)
{
    for(auto const n : sizes)
        many::write_layout(folder / std::to_string(n), n, 10);
    auto const index = folder / std::to_string(sizes.back()) / "index.json";
    std::printf("\nindex.json of the largest layout: %.1f MB\n", static_cast<double>(fs::file_size(index)) / 1e6);
    auto const open = [&](std::size_t n) { return tx::oci_layout_store((folder / std::to_string(n)).string()); };
    print_table("OCI layout, opening it", sizes, [&](std::size_t n) {
        return with_store([&] { return open(n); }, tx::names(many::name(0)));
    });
    print_table("OCI layout, all images by their tags", sizes, [&](std::size_t n) { return measure_plan(open(n), many::all_names(n)); });
    print_table("OCI layout, all images by their tags, with manifests", sizes, [&](std::size_t n) {
        return measure_plan<keeping_manifests>(open(n), many::all_names(n));
    });
    auto const repositories = [](std::size_t n) {
        tx::names names;
        for(std::size_t i = 0; i != n; ++i)
            names.add(many::repository(i));
        return names;
    };
    print_table("OCI layout, all images by the names of their repositories (ten tags each)", sizes, [&](std::size_t n) {
        return measure_plan(open(n), repositories(n));
    });
    print_table("OCI layout, all images by the names of their repositories (ten tags each), with manifests", sizes, [&](std::size_t n) {
        return measure_plan<keeping_manifests>(open(n), repositories(n));
    });
    print_table("OCI layout, all images by their IDs", sizes, [&](std::size_t n) {
        auto const store = open(n);
        tx::names names;
        for(std::size_t i = 0; i != n; ++i)
            names.add(tx::oci_layout_store(store).lookup(tx::parse_reference(many::name(i)).value()).value().str());
        return measure_plan(open(n), names);
    });
    print_table("OCI layout, all images by the first digits of their IDs", sizes, [&](std::size_t n) {
        auto const store = open(n);
        tx::names names;
        for(std::size_t i = 0; i != n; ++i)
            names.add(store.lookup(tx::parse_reference(many::name(i)).value()).value().hex().substr(0, 20));
        return measure_plan(open(n), names);
    });
    print_table("OCI layout, one image of so many", sizes, [&](std::size_t n) {
        return measure_plan(open(n), tx::names(many::name(n / 2, 3)));
    });
}

} // namespace

int main(int argc, char** argv)
try {
    std::size_t const largest = argc > 2 ? std::stoul(argv[2]) : 10'000;
    std::vector<std::size_t> const sizes{largest / 4, largest / 2, largest};
    auto name = (fs::absolute(argc > 1 ? argv[1] : ".") / "tarexport-scale-XXXXXX").string();
    if(!::mkdtemp(name.data()))
        throw std::runtime_error("no folder can be made in " + name);
    int code = 0;
    try {
        of_memory(sizes);
        of_layout(sizes, name);
    }
    catch(std::exception const& e) {
        std::cerr << e.what() << '\n';
        code = 1;
    }
    fs::remove_all(name);
    return code;
}
catch(std::exception const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
