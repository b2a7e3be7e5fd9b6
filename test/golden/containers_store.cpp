//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Graph roots that podman 5.4 made: every image is read as the engine reads it, and what podman saved of it is the same.
//
// The folder is that of the environment variable TAREXPORT_FIXTURES, or ../shared/fixtures beside the project. Exit codes: 0 all is well,
// 1 not, 77 there is nothing to compare with.

#include <tarexport/names.hpp>
#include <tarexport/saver.hpp>
#include <tarexport/sink/memory.hpp>
#include <tarexport/store/containers.hpp>
#include <tarexport/testing/store.hpp>

#include "../unit/layout_folder.hpp"
#include "unpack.hpp"

#include <boost/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace tarexport;
namespace json = boost::json;
namespace fs = std::filesystem;

std::size_t passed = 0, failed = 0;

void check(bool ok, std::string const& what)
{
    ok ? ++passed : ++failed;
    if(!ok)
        std::cout << "FAILED  " << what << "\n";
}

void check_laws(std::vector<std::string> const& broken, std::string const& what)
{
    check(broken.empty(), what);
    for(auto const& sentence : broken)
        std::cout << "        " << sentence << "\n";
}

// The engine has not kept all of these layers, and cannot save them either.
bool is_lost(std::string_view name) { return name == "localhost/brk:sp-1.0" || name == "localhost/brk:wosize"; }

bool is_lost(listed_image const& row) { return !row.names.empty() && is_lost(row.names.front().str()); }

std::string read_file(fs::path const& path)
{
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
}

std::string read_layer(tar_split_handle const& lease)
{
    auto source = lease.open(0).value();
    std::string text;
    if(auto const fault = detail::read_all(source, lease.info().size, text))
        throw save_error(source.reason());
    return text;
}

// Saves an image alone; its layers are verified on the way.
void check_save(containers_store const& s, listed_image const& row)
{
    auto const name = row.names.empty() ? row.id.str() : row.names.front().str();
    memory_sink out;
    saver saver(s);
    auto const report = saver.save(names(name), out);
    if(is_lost(row))
        check(report.reason.code == error::unrecoverable_layer, name + " is not refused as it should be: " + message(report.reason));
    else
        check(report.ok() && report.bytes == out.bytes().size(), name + " cannot be saved: " + message(report.reason));
}

void check_store(containers_store const& s, std::size_t images)
{
    auto const rows = s.list().value();
    check(rows.size() == images, s.path() + " has " + std::to_string(rows.size()) + " images");
    std::vector<image> whole;
    std::vector<reference> all;
    for(auto const& row : rows) {
        check_save(s, row);
        all.insert(all.end(), row.names.begin(), row.names.end());
        if(!is_lost(row))
            whole.push_back(s.load(row.id).value());
    }
    check_laws(testing::check_image_store(s, rows), "the laws of image stores");
    check_laws(testing::check_reference_store(s, rows), "the laws of reference stores");
    check_laws(testing::check_layer_store(s, whole), "the laws of layer stores");
    check_laws(testing::check_content_store(s, all), "the laws of content stores");
}

// Every name, ID and manifest that the engine has written down leads to the image.
void check_lists(containers_store const& s, fs::path const& images)
{
    std::size_t documents = 0;
    auto const list = json::parse(read_file(images));
    for(auto const& i : list.as_array()) {
        std::string const id(i.at("id").as_string());
        check(s.search(id).value().hex() == id, "the engine's ID " + id);
        auto const* const names = i.as_object().if_contains("names");
        for(auto const& name : names ? names->as_array() : json::array())
            check(s.lookup(parse_reference(name.as_string()).value()).value().hex() == id, std::string(name.as_string()));
        for(auto const& [key, text] : i.at("big-data-digests").as_object()) {
            descriptor d;
            d.id = parse_digest(text.as_string()).value();
            d.size = i.at("big-data-sizes").at(key).to_number<std::uint64_t>();
            check(read_blob(s, d, 1 << 20).has_value(), std::string(key) + " of " + id);
            ++documents;
        }
    }
    check(documents > 60, "only " + std::to_string(documents) + " documents");
}

// What podman saved has the same configs, layers and names.
void check_archive(containers_store const& s, fs::path const& path)
{
    auto const bytes = read_file(path);
    tar_reader<golden::text_source> reader{golden::text_source(bytes)};
    std::map<std::string, std::string> entries;
    while(reader.next().value())
        entries[reader.entry().header.name] = golden::read_entry(reader);
    auto const items = json::parse(entries.at("manifest.json"));
    for(auto const& item : items.as_array()) {
        auto const& config = entries.at(std::string(item.at("Config").as_string()));
        auto const i = s.load(digest_of(std::string_view(config))).value();
        check(i.config == config, path.filename().string() + ": another config");
        for(auto const& tag : item.at("RepoTags").as_array())
            check(s.lookup(parse_reference(tag.as_string()).value()).value() == i.id, path.filename().string() + ": another image by the name");
        auto const& layers = item.at("Layers").as_array();
        check(layers.size() == i.diff_ids.size(), path.filename().string() + ": other layers");
        for(std::size_t n = 0; n != layers.size(); ++n)
            check(read_layer(s.layer(i, n).value()) == entries.at(std::string(layers[n].as_string())), path.filename().string() + ": another layer");
    }
}

// The sizes that the engine has noted are those of the records.
void check_sizes(containers_store const& s, fs::path const& root)
{
    auto const path = root / "overlay-layers/layers.json";
    auto layers = json::parse(read_file(path));
    for(auto& l : layers.as_array())
        l.as_object().erase("diff-size");
    std::ofstream(path, std::ios::binary) << json::serialize(layers);
    auto const without = containers_store::open(root.string()).value();
    for(auto const& row : s.list().value()) {
        auto const i = s.load(row.id).value();
        for(std::size_t n = 0; n != i.diff_ids.size() && !is_lost(row); ++n)
            check(without.layer(i, n).value().info() == s.layer(i, n).value().info(), "the size of a layer of " + row.id.str());
    }
}

void run(fs::path const& fixtures)
{
    layouts::temporary_folder folder;
    auto const main = folder.path() / "main", additional = folder.path() / "additional";
    golden::unpack(fixtures / "stores/containers-storage-overlay.tar.gz", main);
    golden::unpack(fixtures / "stores/containers-storage-additional.tar.gz", additional);
    auto const s = containers_store::open(main.string()).value();
    check_store(s, 23);
    check_lists(s, main / "overlay-images/images.json");
    for(auto const* name : {"podman54-docker-archive.tar", "podman54-docker-archive-multi.tar"})
        check_archive(s, fixtures / "saves" / name);
    containers_options both;
    both.additional = {additional.string()};
    check_store(containers_store::open(main.string(), both).value(), 25);
    // whichever comes first, the other has the layers that it lacks
    both.additional = {main.string()};
    check_store(containers_store::open(additional.string(), both).value(), 25);
    auto const alone = containers_store::open(additional.string()).value();
    for(auto const& row : alone.list().value())
        check(alone.layer(alone.load(row.id).value(), 0).error().code == error::missing_layer, "a layer without its parent");
    check_sizes(s, main);
}

} // namespace

int main()
{
    char const* const folder = std::getenv("TAREXPORT_FIXTURES");
    fs::path const fixtures = folder ? folder : TAREXPORT_SOURCE_DIR "/../shared/fixtures";
    if(!fs::is_directory(fixtures / "stores")) {
        std::cout << "SKIPPED: no fixtures at " << fixtures.string() << " (set TAREXPORT_FIXTURES to their folder)\n";
        return 77;
    }
    try {
        run(fixtures);
    }
    catch(std::exception const& e) {
        check(false, e.what());
    }
    std::cout << passed << " checks passed, " << failed << " failed\n";
    return failed == 0 && passed != 0 ? 0 : 1;
}
