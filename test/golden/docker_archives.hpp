//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Archives that docker save wrote, and comparing ours with them: byte for byte, the clock's times aside.

#ifndef TAREXPORT_TEST_GOLDEN_DOCKER_ARCHIVES_HPP
#define TAREXPORT_TEST_GOLDEN_DOCKER_ARCHIVES_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/layout/docker.hpp>
#include <tarexport/names.hpp>
#include <tarexport/observer.hpp>
#include <tarexport/saver.hpp>
#include <tarexport/sink/memory.hpp>
#include <tarexport/tar_reader.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iostream>
#include <iterator>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace golden {

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

inline archive_entries read_archive(std::string const& bytes)
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

inline std::string const& find(archive_entries const& entries, std::string_view path)
{
    for(auto const& [name, e] : entries)
        if(name == path)
            return e.data;
    throw std::runtime_error("no entry " + std::string(path));
}

// Sets the time in a header block to the epoch, and the checksum right.
inline void clear_time(std::string& bytes, std::size_t header)
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

inline bool is_oci_manifest(std::string const& data)
{
    return data.starts_with(R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest)");
}

// What the engine takes from the clock: the times of index.json and blobs/sha256/, and without a `created` that of every other blob.
inline void clear_clock_times(std::string& bytes, archive_entries const& entries, bool created)
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

// What `docker save` writes in a zone, given in seconds east of UTC, from a store.
template<class Store>
std::string saved(Store const& store, names const& requested, std::int32_t zone)
{
    memory_sink out;
    saver<Store, policy> saver(store, {{zone}, {}});
    auto const report = saver.save(requested, out);
    if(!report.ok())
        throw std::runtime_error(message(report.reason));
    return std::string(out.bytes());
}

// Where the engine loses an untagged image from index.json, only the other entries can be equal.
inline void compare_all_but_index(archive_entries const& want, archive_entries const& got)
{
    if(want.size() != got.size())
        throw std::runtime_error("another number of entries");
    for(std::size_t i = 0; i != want.size(); ++i)
        if(want[i].first != got[i].first || (want[i].first != "index.json" && want[i].second.data != got[i].second.data))
            throw std::runtime_error("differs in " + want[i].first);
}

// Throws unless the archives are equal. `created`: all images tell when they were created.
inline void compare(std::string real, std::string const& ours, bool created)
{
    auto const entries = read_archive(real);
    clear_clock_times(real, entries, created);
    if(real == ours)
        return;
    auto const items = json::parse(find(entries, "manifest.json")).as_array();
    bool const untagged = std::ranges::any_of(items, [](json::value const& v) { return !v.at("RepoTags").is_array(); });
    if(untagged && items.size() > 1)
        return compare_all_but_index(entries, read_archive(ours));
    auto const differs = std::ranges::mismatch(real, ours).in1 - real.begin();
    throw std::runtime_error("differs at byte " + std::to_string(differs) + " of " + std::to_string(real.size()) + ", ours has "
                             + std::to_string(ours.size()));
}

// The folder of the environment variable TAREXPORT_FIXTURES, or ../shared/fixtures beside the project.
inline fs::path fixtures()
{
    char const* const folder = std::getenv("TAREXPORT_FIXTURES");
    return folder ? folder : TAREXPORT_SOURCE_DIR "/../shared/fixtures";
}

inline std::string read_file(fs::path const& file)
{
    std::ifstream in(file, std::ios::binary);
    if(!in)
        throw std::runtime_error("cannot read " + file.string());
    return std::string(std::istreambuf_iterator<char>(in), {});
}

// What graph-driver engines wrote: the containerd image store and podman write other layouts.
inline std::set<fs::path> docker_saves()
{
    std::set<fs::path> files;
    for(auto const& f : fs::directory_iterator(fixtures() / "saves")) {
        auto const name = f.path().filename().string();
        if(f.path().extension() == ".tar" && !name.starts_with("c8d") && !name.starts_with("podman"))
            files.insert(f.path());
    }
    return files;
}

// The zone in which an archive of this name was written.
inline std::int32_t zone_of(fs::path const& file)
{
    return file.filename().string().find("kolkata") != std::string::npos ? 19800 : 0;
}

// Counts comparisons, and says which failed.
class score {
public:
    template<class Function>
    void count(std::string const& name, Function compare_one)
    {
        try {
            compare_one();
            ++passed_;
            std::cout << "equal   " << name << "\n";
        }
        catch(std::exception const& e) {
            ++failed_;
            std::cout << "FAILED  " << name << ": " << e.what() << "\n";
        }
    }

    // Exit codes: 0 all equal, 1 not.
    int result() const
    {
        std::cout << passed_ << " equal, " << failed_ << " not\n";
        return failed_ == 0 && passed_ != 0 ? 0 : 1;
    }

    // Exit code 77: there is nothing to compare with.
    static bool has_fixtures()
    {
        if(fs::is_directory(fixtures() / "saves"))
            return true;
        std::cout << "SKIPPED: no fixtures at " << fixtures().string() << " (set TAREXPORT_FIXTURES to their folder)\n";
        return false;
    }

private:
    std::size_t passed_ = 0;
    std::size_t failed_ = 0;
};

} // namespace golden

#endif
