// Saves an image that is nowhere: its store computes the layer while it is written. Prints how large the archive is.
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A store is five functions, and what its layers are: a handle that tells size and digest, and a source of bytes.

#include <tarexport.hpp>
#include <tarexport/tar_builder.hpp>
#include <tarexport/testing/store.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using tarexport::descriptor, tarexport::digest, tarexport::error, tarexport::failure;
using tarexport::image, tarexport::reference, tarexport::result;

constexpr std::uint64_t line_size = 16, file_size = line_size * 64'000; // whole blocks: tar needs no padding
constexpr std::uint64_t layer_size = 512 + file_size + tarexport::end_of_archive_size;

// The byte of the layer at a position: a tar header, then a square in each line, then the end of the archive.
std::byte byte_at(std::uint64_t at)
{
    static auto const header = tarexport::tar_builder().add_file("squares.txt", std::string(file_size, '0')).finish()->substr(0, 512);
    if(at < header.size() || at >= header.size() + file_size)
        return at < header.size() ? static_cast<std::byte>(header[at]) : std::byte{0};
    auto const n = (at - header.size()) / line_size;
    auto const line = std::to_string(1'000'000'000'000'000 + n * n).substr(1) + '\n';
    return static_cast<std::byte>(line[at % line_size]);
}

//[squares_store
struct squares_source {
    std::uint64_t at;

    // Put 1 to all bytes and return how many; 0 is the end.
    std::size_t read_some(std::span<std::byte> into, tarexport::error_code&)
    {
        into = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), layer_size - at)));
        for(auto& b : into)
            b = byte_at(at++);
        return into.size();
    }
};

struct squares_layer {
    descriptor layer;

    descriptor const& info() const { return layer; }
    result<squares_source> open(std::uint64_t offset) const { return squares_source{offset}; }
};

class squares_store {
public:
    explicit squares_store(reference name) : name_(std::move(name))
    {
        tarexport::sha256 hash; // a layer is named by its digest, so that must be known beforehand
        for(std::uint64_t at = 0; at != layer_size; ++at)
            hash.update(std::array{byte_at(at)});
        layer_ = {std::string(tarexport::media_type::oci_layer), hash.result(), layer_size, {}, {}, {}, {}};
        auto config = tarexport::render_config({}, std::vector{layer_.id}).value();
        auto const id = tarexport::digest_of(config);
        image_ = tarexport::parse_image(std::move(config), id).value();
    }

    result<image> load(digest const& id) const
    {
        return id == image_.id ? result<image>(image_) : failure{error::unknown_image, id.str(), {}};
    }
    result<digest> search(std::string_view prefix) const { return tarexport::digest_set{image_.id}.find_prefix(prefix); }
    result<digest> lookup(reference const& name) const
    {
        return name == name_ ? result<digest>(image_.id) : failure{error::unknown_reference, std::string(name.familiar()), {}};
    }
    result<std::vector<reference>> by_name(reference const& r) const
    {
        return std::vector<reference>(r.name() == name_.name() ? 1 : 0, name_);
    }
    result<squares_layer> layer(image const& i, std::size_t n) const
    {
        return n == 0 ? result<squares_layer>(squares_layer{layer_}) : failure{error::missing_layer, i.id.str(), {}};
    }

private:
    reference name_;
    descriptor layer_;
    image image_;
};
//]

} // namespace

int main()
try {
    auto const name = tarexport::parse_reference("squares:1.0").value();
    squares_store const store(name);
    tarexport::file_sink out("squares.tar");
    auto const report = tarexport::save(store, tarexport::names("squares:1.0"), out);
    std::cout << "squares.tar: " << report.bytes << " bytes, " << report.layers_verified << " layer verified\n";
    // The laws that a store of one's own breaks, a sentence each.
    auto const broken = tarexport::testing::check_store(store, {{store.lookup(name).value(), {name}}});
    for(auto const& sentence : broken)
        std::cerr << sentence << '\n';
    return broken.empty() ? 0 : 1;
}
catch(tarexport::save_error const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
