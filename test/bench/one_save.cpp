//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Saves images once and prints what that took, for test/bench/cost:
//
//     one_save memory|layout IMAGES BYTES [unverified]
//
// There are IMAGES of 10 layers more than the one before, and the first layer has BYTES. It prints the archive's bytes, its
// entries, the chunks that the sink got, and the allocations of planning and of writing.

#include "../unit/heap_counts.hpp"
#include "../unit/many_images.hpp"

#include <tarexport.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>

#include <stdlib.h>

namespace {

namespace fs = std::filesystem;
namespace tx = tarexport;

// Takes one chunk each time, as a socket does.
class chunk_sink {
public:
    std::size_t write_some(tx::bytes_view bytes, tx::error_code& ec) noexcept
    {
        ec.clear();
        ++chunks_;
        return bytes.size();
    }

    std::uint64_t chunks() const noexcept { return chunks_; }

private:
    std::uint64_t chunks_ = 0;
};

int save(auto const& store, std::size_t images, bool verified)
{
    tx::saver saver(store);
    auto names = many::all_names(images);
    names.add("large:1");
    auto const before = heap::allocations.load();
    auto const archive = saver.prepare(names).value();
    auto const planned = heap::allocations.load();
    chunk_sink out;
    tx::write_options options;
    options.verification = verified ? tx::verify::covered : tx::verify::never;
    options.jobs = 1; // threads would make the counts differ from run to run
    auto const report = saver.write(archive, out, options);
    auto const written = heap::allocations.load();
    if(!report.ok())
        throw tx::save_error(report.reason);
    std::cout << report.bytes << ' ' << archive.contents.count() << ' ' << out.chunks() << ' ' << planned - before << ' '
              << written - planned << '\n';
    return 0;
}

} // namespace

int main(int argc, char** argv)
try {
    if(argc < 4)
        throw std::runtime_error("one_save memory|layout IMAGES BYTES [unverified]");
    std::size_t const images = std::stoul(argv[2]), bytes = std::stoul(argv[3]);
    bool const verified = argc == 4;
    if(argv[1] == std::string_view("memory")) {
        auto store = many::in_memory(images);
        auto const layer = store.add_layer(std::string(bytes, 'x'));
        store.add_image(many::config(), {layer}, {"large:1"}).value();
        return save(store, images, verified);
    }
    auto name = (fs::temp_directory_path() / "tarexport-cost-XXXXXX").string();
    if(!::mkdtemp(name.data()))
        throw std::runtime_error("no folder can be made in " + name);
    many::write_layout(name, images, 1, std::string(bytes, 'x'));
    auto const code = save(tx::oci_layout_store(name), images, verified);
    fs::remove_all(name);
    return code;
}
catch(std::exception const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
