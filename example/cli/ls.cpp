//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include "commands.hpp"
#include "expand.hpp"
#include "options.hpp"
#include "stores.hpp"
#include "text.hpp"

#include <tarexport/detail/go_json_write.hpp>
#include <tarexport/observer/progress.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <variant>

namespace cli {

namespace {

// What a row of the listing says beside the ID.
struct row {
    std::vector<std::string> names = {};
    std::string created = {};
    std::string platform = {};
    std::uint64_t size = 0;
    std::string problem = {};
};

template<class Store>
tarexport::result<std::uint64_t> size_of_layer(Store const& store, tarexport::image const& image, std::size_t n)
{
    if(n < image.layers.size())
        return image.layers[n].size;
    auto const lease = store.layer(image, n);
    return lease ? tarexport::result<std::uint64_t>(lease->info().size) : lease.error();
}

// Of its layers, in bytes: what Docker says of them, otherwise as they are stored.
template<class Store>
tarexport::result<std::uint64_t> size_of(Store const& store, tarexport::image const& image)
{
    if constexpr(requires { store.unpacked_size(image); })
        return store.unpacked_size(image);
    else {
        std::uint64_t sum = 0;
        for(std::size_t n = 0; n != image.diff_ids.size(); ++n) {
            auto const size = size_of_layer(store, image, n);
            if(!size)
                return size;
            if(*size > std::numeric_limits<std::uint64_t>::max() - sum)
                return tarexport::failure{
                    tarexport::error::limit_exceeded, image.id.str(), "its layers have more bytes than can be counted"};
            sum += *size;
        }
        return sum;
    }
}

template<class Store>
row describe(Store const& store, tarexport::digest const& id)
{
    auto image = store.load(id);
    if(!image)
        return {.problem = message(image.error())};
    row r;
    if(image->created)
        if(auto text = tarexport::to_rfc3339(*image->created))
            r.created = *text;
    r.platform = tarexport::format({image->os, image->architecture, image->variant, {}, {}});
    auto const size = size_of(store, *image);
    if(!size)
        return {.problem = message(size.error())};
    r.size = *size;
    return r;
}

void print_json(std::vector<tarexport::listed_image> const& images, std::vector<row> const& rows)
{
    std::string text;
    tarexport::detail::json_writer w(text);
    w.begin_array();
    for(std::size_t i = 0; i != images.size(); ++i) {
        w.begin_object();
        w.key("id");
        w.string(images[i].id.str());
        w.key("names");
        w.begin_array();
        for(auto const& name : rows[i].names)
            w.string(name);
        w.end_array();
        w.key("created");
        w.string(rows[i].created);
        w.key("platform");
        w.string(rows[i].platform);
        w.key("size");
        w.number(rows[i].size);
        if(!rows[i].problem.empty()) {
            w.key("problem");
            w.string(rows[i].problem);
        }
        w.end_object();
    }
    w.end_array();
    std::cout << text << std::endl;
}

void print_table(std::vector<tarexport::listed_image> const& images, std::vector<row> const& rows)
{
    std::vector<std::vector<std::string>> table = {{"NAME", "IMAGE ID", "PLATFORM", "CREATED", "SIZE"}};
    for(std::size_t i = 0; i != images.size(); ++i) {
        auto const id = images[i].id.hex().substr(0, 12);
        auto const size = rows[i].problem.empty() ? tarexport::format_bytes(rows[i].size) : "unreadable: " + rows[i].problem;
        auto names = rows[i].names;
        if(names.empty())
            names.emplace_back("<none>");
        for(auto const& name : names)
            table.push_back({name, id, printable(rows[i].platform), rows[i].created, printable(size)});
    }
    std::vector<std::size_t> widths(table[0].size());
    for(auto const& line : table)
        for(std::size_t c = 0; c != line.size(); ++c)
            widths[c] = std::max(widths[c], line[c].size());
    for(auto const& line : table) {
        std::string text;
        for(std::size_t c = 0; c != line.size(); ++c)
            text += c + 1 == line.size() ? line[c] : line[c] + std::string(widths[c] - line[c].size() + 2, ' ');
        std::cout << text << "\n";
    }
    std::cout << std::flush;
}

// Prints all images that can be read. Returns why others cannot. `sized` is the store whose layers the sizes are of.
template<class Store, class Sized>
std::vector<tarexport::failure> list(Store const& store, Sized const& sized, bool as_json)
{
    std::vector<tarexport::failure> unreadable;
    auto const images = store.list(unreadable);
    std::vector<row> rows;
    for(auto const& image : images) {
        rows.push_back(describe(sized, image.id));
        for(auto const& name : image.names)
            rows.back().names.emplace_back(cli::written(store, name));
    }
    as_json ? print_json(images, rows) : print_table(images, rows);
    return unreadable;
}

void tell_bare_tags(opened_store const& from)
{
    if(auto const bare = bare_tags(from.store); !bare.empty())
        std::cerr << "tarexport: " << printable(from.url) << ": " << bare.size() << (bare.size() == 1 ? " tag" : " tags")
                  << " without a repository (" << printable(bare.front()) << (bare.size() == 1 ? "" : ", ..") << "); write --store '"
                  << printable(from.url) << "?name=REPOSITORY' to have names of them\n";
}

} // namespace

int ls(std::vector<std::string> const& arguments)
{
    po::options_description described("Options of ls");
    // clang-format off
    described.add_options()
        ("help,h", "show this help")
        ("store", po::value<std::string>(), store_help)
        ("json", "print a JSON array");
    // clang-format on
    add_expand_options(described);
    auto const values = parse(with_expand_value(arguments), described);
    if(values.count("help") != 0) {
        std::cout << "tarexport ls [OPTIONS]\nLists the images of a store: names, ID, platform, time of creation and size of the layers.\n\n" << described;
        return 0;
    }
    if(!list(values, "name").empty())
        throw usage_error("ls takes no names; the store is an option: tarexport ls --store oci:DIR");
    (void)expand_options(values);
    auto const opened = open_store(values);
    auto const unreadable = std::visit(
        [&](auto const& store) {
            return with_expansion(store, values, {}, [&](auto const& sized) { return list(store, sized, values.count("json") != 0); });
        },
        opened.store);
    tell_bare_tags(opened);
    for(auto const& why : unreadable)
        std::cerr << "tarexport: " << printable(message(why)) << "\n";
    return unreadable.empty() ? 0 : 1;
}

} // namespace cli
