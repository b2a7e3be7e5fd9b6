//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Layers that real engines have unpacked, put together again: each to its diff ID, from every position, or refused because the
// engine has not kept all of it.
//
// The folder is that of the environment variable TAREXPORT_FIXTURES, or ../shared/fixtures beside the project; its folder stores/ has
// archives of engines' data, quirk-layers/ some layers as they were given to them. Exit codes: 0 all right, 1 not, 77 there is
// nothing to compare with.

#include <tarexport/hash.hpp>
#include <tarexport/store/tar_split.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

namespace {

using namespace tarexport;
namespace json = boost::json;
namespace fs = std::filesystem;

std::string read_file(fs::path const& path)
{
    std::ifstream in(path, std::ios::binary);
    if(!in)
        throw std::runtime_error("cannot read " + path.string());
    return std::string(std::istreambuf_iterator<char>(in), {});
}

// A folder that goes at the end.
struct scratch {
    scratch()
    {
        auto name = (fs::temp_directory_path() / "tarexport-golden-XXXXXX").string();
        if(!::mkdtemp(name.data()))
            throw std::runtime_error("mkdtemp");
        path = name;
    }
    ~scratch()
    {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    fs::path path;
};

// Where one layer is, and what is known of it beforehand.
struct kept_layer {
    digest diff_id;
    std::string record;
    std::string tree;
    std::optional<std::uint64_t> size;
};

std::vector<kept_layer> layers_of_docker(fs::path const& root)
{
    std::string const driver = fs::exists(root / "overlay2") ? "overlay2" : "vfs";
    std::vector<kept_layer> found;
    fs::path const database = fs::path("image") / driver / "layerdb/sha256";
    for(auto const& e : fs::directory_iterator(root / database)) {
        auto const cache = read_file(e.path() / "cache-id");
        found.push_back({parse_digest(read_file(e.path() / "diff")).value(), database / e.path().filename() / "tar-split.json.gz",
            driver == "vfs" ? "vfs/dir/" + cache : "overlay2/" + cache + "/diff", {}});
    }
    return found;
}

std::vector<kept_layer> layers_of_containers(fs::path const& root)
{
    std::vector<kept_layer> found;
    auto const list = json::parse(read_file(root / "overlay-layers/layers.json"));
    for(auto const& l : list.as_array()) {
        std::string const id(l.at("id").as_string());
        kept_layer k{parse_digest(l.at("diff-digest").as_string()).value(), "overlay-layers/" + id + ".tar-split.gz",
            "overlay/" + id + "/diff", {}};
        if(auto const* const size = l.as_object().if_contains("diff-size"))
            k.size = json::value_to<std::uint64_t>(*size);
        found.push_back(std::move(k));
    }
    return found;
}

std::string read_from(tar_split_handle const& h, std::uint64_t offset)
{
    auto source = h.open(offset).value();
    std::string all;
    std::array<std::byte, 10'000> buffer;
    error_code ec;
    while(auto const n = source.read_some(buffer, ec))
        all += to_text(bytes_view(buffer).first(n));
    if(ec.failed())
        throw std::runtime_error(message(source.reason()));
    return all;
}

class comparison {
public:
    explicit comparison(fs::path const& fixtures)
    {
        auto const expected = json::parse(read_file(fixtures / "expected.json"));
        for(auto const& [chain, l] : expected.at("layers").as_object())
            sizes_[parse_digest(l.at("diff").as_string()).value()] = json::value_to<std::uint64_t>(l.at("tar_size"));
        for(auto const& e : fs::directory_iterator(fixtures / "quirk-layers"))
            if(e.path().extension() == ".tar") {
                auto tar = read_file(e.path());
                auto const id = digest_of(tar);
                given_.emplace(id, given{e.path().stem(), std::move(tar)});
            }
    }

    void compare(std::string const& store, fs::path const& root)
    {
        auto const layers = fs::exists(root / "image") ? layers_of_docker(root) : layers_of_containers(root);
        if(layers.empty())
            throw std::runtime_error(store + " has no layers");
        auto const directory = shared_directory::open(root).value();
        for(auto const& l : layers) {
            auto const known = given_.find(l.diff_id);
            auto const name = known == given_.end() ? std::string() : " (" + known->second.name + ")";
            std::string why;
            try {
                why = problem(l, directory, known == given_.end() ? nullptr : &known->second);
            }
            catch(std::exception const& e) {
                why = e.what();
            }
            (why.empty() ? passed : failed) += 1;
            std::cout << (why.empty() ? "right   " : "WRONG   ") << store << " " << l.diff_id.str().substr(0, 19) << name << " " << why
                      << "\n";
        }
    }

    std::size_t passed = 0;
    std::size_t failed = 0;
    std::set<std::string> refused;

private:
    struct given {
        std::string name;
        std::string tar;
    };

    std::string problem(kept_layer const& l, shared_directory const& root, given const* original)
    {
        auto const size = tar_split_size({root, l.record});
        bool const lost = original && (original->name == "sp-1.0" || original->name == "wosize");
        if(lost && (size || size.error().code != error::unrecoverable_layer))
            return "it is not refused: " + (size ? std::string() : message(size.error()));
        if(lost) {
            refused.insert(original->name);
            return {};
        }
        if(!size)
            return message(size.error());
        auto const known = sizes_.find(l.diff_id);
        if((known != sizes_.end() && *size != known->second) || (l.size && *size != *l.size) || (original && *size != original->tar.size()))
            return "its record makes " + std::to_string(*size) + " bytes of it";
        auto const layer = std::make_shared<unpacked_layer const>(
            unpacked_layer{{std::string(media_type::oci_layer), l.diff_id, *size, {}, {}, {}, {}}, {root, l.record}, {{root, l.tree}}});
        tar_split_handle const checked(layer, {true, {}}), unchecked(layer);
        auto const whole = read_from(checked, 0);
        if(digest_of(whole) != l.diff_id || whole.size() != *size)
            return "it comes out as " + digest_of(whole).str() + " of " + std::to_string(whole.size()) + " bytes";
        if(original && whole != original->tar)
            return "it is not what the engine was given";
        if(read_from(unchecked, 0) != whole)
            return "without a check of the files it is another";
        for(std::size_t at = 0; at <= whole.size(); at += at % 512 == 0 || at % 512 == 511 ? 1 : std::min<std::size_t>(509, 511 - at % 512))
            if(read_from(at % 2 == 0 ? checked : unchecked, at) != std::string_view(whole).substr(at))
                return "from byte " + std::to_string(at) + " on it is another";
        return {};
    }

    std::map<digest, std::uint64_t> sizes_;
    std::map<digest, given> given_;
};

void extract(fs::path const& archive, fs::path const& folder)
{
    fs::create_directory(folder);
    auto const command = "tar --xattrs --xattrs-include='*' --numeric-owner -xpf '" + archive.string() + "' -C '" + folder.string() + "'";
    if(std::system(command.c_str()) != 0)
        throw std::runtime_error("tar could not extract " + archive.string());
}

} // namespace

int main()
{
    char const* const given = std::getenv("TAREXPORT_FIXTURES");
    fs::path const fixtures = given ? given : TAREXPORT_SOURCE_DIR "/../shared/fixtures";
    if(!fs::is_directory(fixtures / "stores")) {
        std::cout << "SKIPPED: no fixtures at " << fixtures.string() << " (set TAREXPORT_FIXTURES to their folder)\n";
        return 77;
    }
    if(::geteuid() != 0) {
        std::cout << "SKIPPED: only root can unpack what engines keep\n";
        return 77;
    }
    try {
        scratch const work;
        comparison all(fixtures);
        for(std::string const store : {"dockerd26-overlay2", "dockerd26-vfs", "dockerd26-quirks", "containers-storage-overlay",
                "containers-storage-additional"}) {
            extract(fixtures / "stores" / (store + ".tar.gz"), work.path / store);
            all.compare(store, work.path / store);
        }
        std::cout << all.passed << " layers right, " << all.failed << " not\n";
        if(all.refused.size() != 2)
            throw std::runtime_error("the layers that cannot be rebuilt are not there");
        return all.failed == 0 ? 0 : 1;
    }
    catch(std::exception const& e) {
        std::cout << "FAILED  " << e.what() << "\n";
        return 1;
    }
}
