//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Real outputs of docker save, written again from their own images: byte for byte, the clock's times aside.
//
// The folder is that of the environment variable TAREXPORT_FIXTURES, or ../shared/fixtures beside the project; its folder saves/ has
// what graph-driver engines wrote. Exit codes: 0 all equal, 1 not, 77 there is nothing to compare with.

#include <tarexport/names.hpp>
#include <tarexport/saver.hpp>
#include <tarexport/sink/memory.hpp>
#include <tarexport/store/memory.hpp>
#include <tarexport/tar_reader.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>
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

struct entry {
    std::size_t header = 0; // of the main header block
    std::string data;
};

using archive_entries = std::vector<std::pair<std::string, entry>>;

class text_source {
public:
    explicit text_source(std::string_view text) : rest_(text) {}

    std::size_t read_some(std::span<std::byte> into, error_code&)
    {
        auto const n = std::min(into.size(), rest_.size());
        std::memcpy(into.data(), rest_.data(), n);
        rest_.remove_prefix(n);
        return n;
    }

private:
    std::string_view rest_;
};

archive_entries read_archive(std::string const& bytes)
{
    tar_reader<text_source> reader{text_source(bytes)};
    archive_entries entries;
    while(reader.next().value()) {
        entry e;
        e.header = static_cast<std::size_t>(reader.entry().data_offset) - tar_block_size;
        std::array<std::byte, 4096> buffer;
        error_code ec;
        while(auto const n = reader.read_some(buffer, ec))
            e.data += to_text(bytes_view(buffer).first(n));
        if(ec.failed())
            throw std::runtime_error(ec.message());
        entries.emplace_back(reader.entry().header.name, std::move(e));
    }
    return entries;
}

std::string const& find(archive_entries const& entries, std::string_view path)
{
    for(auto const& [name, e] : entries)
        if(name == path)
            return e.data;
    throw std::runtime_error("no entry " + std::string(path));
}

// Sets the time in a header block to the epoch, and the checksum right.
void clear_time(std::string& bytes, std::size_t header)
{
    bytes.replace(header + 136, 11, "00000000000");
    bytes.replace(header + 148, 8, "        ");
    unsigned sum = 0;
    for(std::size_t i = 0; i != tar_block_size; ++i)
        sum += static_cast<unsigned char>(bytes[header + i]);
    char text[8];
    std::snprintf(text, sizeof text, "%06o", sum);
    bytes.replace(header + 148, 8, std::string(text, 7) + ' ');
}

bool is_oci_manifest(std::string const& data)
{
    return data.starts_with(R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest)");
}

// What the engine takes from the clock: the times of index.json and blobs/sha256/, and without a `created` that of every other blob.
void clear_clock_times(std::string& bytes, archive_entries const& entries, bool created)
{
    for(auto const& [name, e] : entries) {
        bool const of_blob = name.starts_with("blobs/") && !is_oci_manifest(e.data);
        if(name == "index.json" || name == "blobs/sha256/" || (!created && of_blob))
            clear_time(bytes, e.header);
    }
}

struct policy {
    docker_layout layout;
    using hashes = hash_set<sha256>;
    no_observer observer;
};

// Puts the archive's images into a store and saves them again, in the same order.
std::string save_again(archive_entries const& entries, std::int32_t zone, bool& created, bool& untagged)
{
    memory_store store;
    names requested;
    auto const items = json::parse(find(entries, "manifest.json"));
    for(auto const& item : items.as_array()) {
        std::vector<digest> layers;
        for(auto const& path : item.at("Layers").as_array())
            layers.push_back(store.add_layer(find(entries, path.as_string())));
        std::vector<std::string> tags;
        if(item.at("RepoTags").is_array())
            for(auto const& tag : item.at("RepoTags").as_array())
                tags.emplace_back(tag.as_string());
        auto const& config = find(entries, item.at("Config").as_string());
        auto const id = store.add_image(config, layers, tags).value();
        if(auto const* parent = item.as_object().if_contains("Parent"))
            store.set_parent(id, parse_digest(parent->as_string()).value()).value();
        for(auto const& tag : tags)
            requested.add(tag);
        if(tags.empty())
            requested.add(id.str());
        created = created && store.load(id)->created.has_value();
        untagged = untagged || tags.empty();
    }
    memory_sink out;
    saver<memory_store, policy> saver(store, {{zone}, {}});
    auto const report = saver.save(requested, out);
    if(!report.ok())
        throw std::runtime_error(message(report.reason));
    return std::string(out.bytes());
}

// Where the engine loses an untagged image from index.json, only the other entries can be equal.
void compare_all_but_index(archive_entries const& want, archive_entries const& got)
{
    if(want.size() != got.size())
        throw std::runtime_error("another number of entries");
    for(std::size_t i = 0; i != want.size(); ++i)
        if(want[i].first != got[i].first || (want[i].first != "index.json" && want[i].second.data != got[i].second.data))
            throw std::runtime_error("differs in " + want[i].first);
}

void compare(fs::path const& file)
{
    std::ifstream in(file, std::ios::binary);
    std::string real(std::istreambuf_iterator<char>(in), {});
    auto const entries = read_archive(real);
    bool created = true, untagged = false;
    auto const kolkata = file.filename().string().find("kolkata") != std::string::npos;
    auto const ours = save_again(entries, kolkata ? 19800 : 0, created, untagged);
    clear_clock_times(real, entries, created);
    if(real == ours)
        return;
    auto const again = read_archive(ours);
    if(untagged && json::parse(find(entries, "manifest.json")).as_array().size() > 1)
        return compare_all_but_index(entries, again);
    auto const differs = std::ranges::mismatch(real, ours).in1 - real.begin();
    throw std::runtime_error("differs at byte " + std::to_string(differs) + " of " + std::to_string(real.size()) + ", ours has "
                             + std::to_string(ours.size()));
}

} // namespace

int main()
{
    char const* const folder = std::getenv("TAREXPORT_FIXTURES");
    fs::path const saves = fs::path(folder ? folder : TAREXPORT_SOURCE_DIR "/../shared/fixtures") / "saves";
    if(!fs::is_directory(saves)) {
        std::cout << "SKIPPED: no fixtures at " << saves.string() << " (set TAREXPORT_FIXTURES to their folder)\n";
        return 77;
    }
    std::size_t passed = 0, failed = 0;
    std::set<fs::path> files;
    for(auto const& f : fs::directory_iterator(saves))
        files.insert(f.path());
    for(auto const& file : files) {
        auto const name = file.filename().string();
        // The containerd image store and podman write other layouts.
        if(file.extension() != ".tar" || name.starts_with("c8d") || name.starts_with("podman"))
            continue;
        try {
            compare(file);
            ++passed;
            std::cout << "equal   " << name << "\n";
        }
        catch(std::exception const& e) {
            ++failed;
            std::cout << "FAILED  " << name << ": " << e.what() << "\n";
        }
    }
    std::cout << passed << " archives equal, " << failed << " not\n";
    return failed == 0 && passed != 0 ? 0 : 1;
}
