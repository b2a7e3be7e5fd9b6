// Prints a progress bar while it saves, then which entry of the archive took longest.
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// An observer is a function object that gets every event. Here are two: the one that the library has for a progress bar,
// and one of our own.

#include <tarexport.hpp>
#include <tarexport/observer/progress.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <thread>
#include <variant>
#include <vector>

namespace {

//[observer
/// Finds out which entry takes longest.
struct slowest_entry {
    using clock = std::chrono::steady_clock;

    void operator()(tarexport::event const& e) noexcept
    {
        if(std::holds_alternative<tarexport::entry_begun>(e))
            begun = clock::now();
        else if(auto const* done = std::get_if<tarexport::entry_done>(&e); done && clock::now() - begun > took) {
            took = clock::now() - begun;
            id = done->id;
        }
    }

    clock::time_point begun;
    clock::duration took{};
    tarexport::digest id; // a value: the event itself is only lent
};
//]

//[both
/// Gives every event to both.
struct watcher {
    tarexport::progress bar{std::cout};
    slowest_entry slowest;

    void operator()(tarexport::event const& e) noexcept
    {
        bar(e);
        slowest(e);
    }
};

/// The defaults of a saver, but for the observer, which it borrows.
struct watched : tarexport::default_policy {
    explicit watched(watcher& w) : observer(w) {}

    watcher& observer;
};
//]

/// A sink as slow as a network, so that there is something to see.
struct slow_sink {
    std::size_t write_some(tarexport::bytes_view bytes, tarexport::error_code&)
    {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        return bytes.size();
    }
};

/// An image of three layers. That they are no tar archives matters only to whoever unpacks them.
tarexport::memory_store make_store()
{
    tarexport::memory_store store;
    std::vector<tarexport::digest> layers;
    for(char c : {'a', 'b', 'c'})
        layers.push_back(store.add_layer(std::string(2'000'000, c)));
    store.add_image(tarexport::image_config(), layers, {"app:1.0"}).value();
    return store;
}

} // namespace

int main()
try {
    auto const store = make_store();
    slow_sink out;
    watcher w;
    tarexport::saver saver(store, watched(w));
    auto const report = saver.save(tarexport::names("app:1.0"), out);
    if(!report.ok())
        throw tarexport::save_error(report.reason);
    auto const ms = std::chrono::duration_cast<std::chrono::milliseconds>(w.slowest.took).count();
    std::cout << "slowest entry: " << w.slowest.id << ", " << ms << " ms\n";
}
catch(tarexport::save_error const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
