//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Archives that other programs wrote, verified: what is found must be what an independent reader found in them, and the verdicts
// what real engines said.
//
// The folders are those of the environment variables TAREXPORT_IMAGES and TAREXPORT_FIXTURES, or ../shared/images and ../shared/fixtures
// beside the project. Exit codes: 0 all right, 1 not, 77 there is nothing to compare with.

#include <tarexport/verify.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace tarexport;
namespace json = boost::json;
namespace fs = std::filesystem;

struct file_source {
    std::ifstream in;

    std::size_t read_some(std::span<std::byte> into, error_code&)
    {
        in.read(reinterpret_cast<char*>(into.data()), static_cast<std::streamsize>(into.size()));
        return static_cast<std::size_t>(in.gcount());
    }
};

verification verified(fs::path const& path)
{
    file_source source{std::ifstream(path, std::ios::binary)};
    if(!source.in)
        throw std::runtime_error("cannot read " + path.string());
    verify_options how;
    how.archive_digest = true;
    return verify_archive(source, how).value();
}

int failed = 0;

void expect(bool holds, std::string const& archive, std::string const& what)
{
    if(holds)
        return;
    ++failed;
    std::cout << "FAILED " << archive << ": " << what << "\n";
}

std::size_t count(verification const& v, finding_code code)
{
    return static_cast<std::size_t>(std::ranges::count(v.findings, code, &finding::code));
}

std::string text(json::value const& v) { return std::string(v.as_string()); }

// --- against facts.json ---

// What is wrong with the blobs, as the independent reader counts it.
struct blob_facts {
    std::set<std::string> missing, wrong_size, wrong_diff_id;

    void add(json::object const& o)
    {
        if(auto const* const id = o.if_contains("digest")) {
            if(o.contains("found") && !o.at("found").as_bool())
                missing.insert(text(*id));
            if(auto const* const ok = o.if_contains("size_ok"); ok && !ok->as_bool())
                wrong_size.insert(text(*id));
            if(auto const* const ok = o.if_contains("diff_id_ok"); ok && ok->is_bool() && !ok->as_bool())
                wrong_diff_id.insert(text(*id));
        }
        for(auto const& [key, value] : o)
            add(value);
    }

    void add(json::value const& v)
    {
        if(v.is_object())
            add(v.get_object());
        else if(v.is_array())
            for(auto const& e : v.get_array())
                add(e);
    }
};

void compare_docker(std::string const& name, json::object const& docker, verification const& v)
{
    if(!docker.contains("images"))
        return;
    for(auto const& each : docker.at("images").as_array()) {
        auto const& want = each.as_object();
        auto const found = std::ranges::find_if(v.images, [&](auto const& i) { return i.in_manifest_json && i.id.str() == text(want.at("config_digest")); });
        if(found == v.images.end()) {
            expect(false, name, "no image " + text(want.at("config_digest")));
            continue;
        }
        if(want.at("repo_tags").is_array())
            for(auto const& tag : want.at("repo_tags").as_array())
                expect(std::ranges::count(found->names, text(tag)) == 1, name, "no name " + text(tag));
        auto const& layers = want.at("layers").as_array();
        expect(found->layers.size() == layers.size(), name, "another number of layers");
        for(std::size_t n = 0; n != std::min(layers.size(), found->layers.size()); ++n) {
            auto const& layer = layers[n].as_object();
            expect(found->layers[n].path == text(layer.at("path")), name, "another path");
            expect(found->layers[n].good == layer.at("matches_config").as_bool(), name, "layer " + text(layer.at("path")));
            if(layer.contains("digest"))
                expect(found->layers[n].id.str() == text(layer.at("digest")), name, "another digest of " + text(layer.at("path")));
        }
    }
}

void compare(std::string const& name, json::object const& facts, verification const& v)
{
    expect(v.bytes == facts.at("size").to_number<std::uint64_t>(), name, "another size");
    expect(v.id.hex() == text(facts.at("sha256")), name, "another digest");
    expect(v.entries == facts.at("entries").as_array().size(), name, "another number of entries");
    if(auto const* const docker = facts.if_contains("docker"); docker && docker->is_object())
        compare_docker(name, docker->get_object(), v);
    blob_facts blobs;
    if(auto const* const oci = facts.if_contains("oci"))
        blobs.add(*oci);
    for(auto const& id : blobs.missing)
        expect(std::ranges::any_of(v.findings, [&](auto const& f) { return f.code == finding_code::missing_blob && f.subject == id; }) ||
                   count(v, finding_code::invalid_document) != 0, // then nothing of it is followed
            name, "not told: missing " + id);
    for(auto const& id : blobs.wrong_size)
        expect(std::ranges::any_of(v.findings, [&](auto const& f) { return f.code == finding_code::size_mismatch && f.subject == id; }), name,
            "not told: wrong size of " + id);
    expect(count(v, finding_code::size_mismatch) >= blobs.wrong_size.size(), name, "sizes");
    for(auto const& id : blobs.wrong_diff_id)
        expect(std::ranges::any_of(v.findings,
                   [&](auto const& f) { return f.code == finding_code::diff_id_mismatch && f.subject.ends_with(id.substr(7)); }),
            name, "not told: another diff ID than that of " + id);
    expect((count(v, finding_code::diff_id_mismatch) != 0) == !blobs.wrong_diff_id.empty(), name, "diff IDs");
    auto const& moby = facts.at("moby_27_3_1_load").as_object();
    auto const& said = v.of(loader::docker_28);
    expect((said.loads == answer::yes) == moby.at("error").is_null(), name,
        "moby says " + json::serialize(moby.at("error")) + ", the verdict is " + std::string(name_of(said.loads)) + " " + said.reason);
}

void compare_images(fs::path const& folder)
{
    std::ifstream in(folder / "facts.json");
    std::string const all(std::istreambuf_iterator<char>(in), {});
    auto const facts = json::parse(all).as_object().at("archives").as_object();
    for(auto const& [key, value] : facts) {
        std::string const name(key);
        auto const v = verified(folder / name);
        compare(name, value.as_object(), v);
        std::cout << name << ": " << v.images.size() << " images, " << v.errors << " errors, docker 25-28: " << name_of(v.of(loader::docker_28).loads)
                  << "\n";
    }
}

// --- against what the engines said of the fixtures ---

struct said {
    char const* archive;
    char const* verdicts; ///< dockerd 26.1 with overlay2, podman 5.4 and skopeo 1.18 (docker-archive:): y or n each, - where it was not asked
    bool good;            ///< whether anything is wrong with it
};

constexpr said fixtures[] = {
    {"archives/v01-pre110.tar", "ynn", true},
    {"archives/v02-110to24.tar", "yyy", true},
    {"archives/v02b-symlink.tar", "ynn", true},
    {"archives/v02c-hardlink.tar", "ynn", true},
    {"archives/v04-norepotags.tar", "yyy", true},
    {"archives/v05-nulltags.tar", "yyy", true},
    {"archives/v06-emptytags.tar", "yyy", true},
    {"archives/v07-gzlayers.tar", "yyy", true},
    {"archives/v08-zstdlayers.tar", "yyy", true},
    {"archives/v09-xzlayers.tar", "-yy", true},
    {"archives/v10-dotslash.tar", "yyy", true},
    {"archives/v11-gz.tar", "yyy", true},
    {"archives/v12-zstd.tar", "yyy", true},
    {"archives/v12c-bz2.tar", "yyy", true},
    {"archives/v13-hybrid-no-oci.tar", "yyy", true},
    {"archives/v14-hybrid-no-manifestjson.tar", "nyn", true},
    {"archives/v15-oci-only.tar", "nyn", true},
    {"archives/v15c-hybrid-no-legacy.tar", "yyy", true},
    {"archives/v16-null.tar", "nnn", false},
    {"archives/v17-emptylist.tar", "nnn", false},
    {"archives/v18-configslash.tar", "ynn", true},
    {"archives/v19-count.tar", "nnn", false},
    {"archives/v21-missinglayer.tar", "nnn", false},
    {"archives/v22-notag.tar", "nny", false},
    {"archives/v23-upper.tar", "nny", false},
    {"archives/v25-trailing.tar", "ynn", true},
    {"archives/v26-noeof.tar", "yyy", true},
    {"archives/v27-digesttag.tar", "nny", false},
    {"archives/v29-badlayersources.tar", "yyy", true},
    {"archives/v31-symlink-abs.tar", "ynn", true},
    {"archives/v33-parent-missing.tar", "yyy", true},
    {"oci/attest.tar", "nyn", true},
    {"oci/nested.tar", "nnn", true},
    {"oci/single-noname.tar", "nyn", true},
    {"oci/two-names.tar", "n-n", true},
    {"oci/uncompressed.tar", "nyn", true},
    {"saves/c8d26-incomplete.tar", "n--", false},
};

bool is(verdict const& v, char said) { return said == '-' || (v.loads == answer::yes) == (said == 'y'); }

void compare_fixtures(fs::path const& folder)
{
    for(auto const& s : fixtures) {
        auto const v = verified(folder / s.archive);
        std::string_view const letters = s.verdicts;
        expect(v.good() == s.good, s.archive, s.good ? "errors where nothing is wrong: " + (v.findings.empty() ? std::string() : v.findings[0].sentence) : "no error");
        expect(is(v.of(loader::docker_28), letters[0]), s.archive, "dockerd: " + v.of(loader::docker_28).reason);
        expect(is(v.of(loader::podman), letters[1]), s.archive, "podman: " + v.of(loader::podman).reason);
        expect(is(v.of(loader::skopeo_docker), letters[2]), s.archive, "skopeo: " + v.of(loader::skopeo_docker).reason);
    }
}

// What engines saved is good, and the engine itself takes it back.
void compare_saves(fs::path const& folder)
{
    std::size_t n = 0;
    for(auto const& each : fs::directory_iterator(folder)) {
        auto const name = each.path().filename().string();
        if(each.path().extension() != ".tar" || name == "c8d26-incomplete.tar")
            continue;
        ++n;
        auto const v = verified(each.path());
        auto const who = name.starts_with("podman54-oci") ? loader::podman : loader::docker_28;
        expect(v.good(), name, v.findings.empty() ? "" : v.findings[0].subject + ": " + v.findings[0].sentence);
        expect(v.of(who).loads == answer::yes, name, v.of(who).reason);
        expect(std::ranges::all_of(v.images, [](auto const& i) { return std::ranges::all_of(i.layers, &verified_layer::good); }), name, "a layer");
    }
    std::cout << n << " saves of engines\n";
}

fs::path folder_of(char const* variable, char const* name)
{
    auto const* const given = std::getenv(variable);
    return given ? fs::path(given) : fs::path(TAREXPORT_SOURCE_DIR) / "../shared" / name;
}

} // namespace

int main()
{
    auto const images = folder_of("TAREXPORT_IMAGES", "images"), fixed = folder_of("TAREXPORT_FIXTURES", "fixtures");
    if(!fs::exists(images / "facts.json") || !fs::exists(fixed / "archives")) {
        std::cout << "*** SKIPPED: there are no archives of others in " << images << " and " << fixed << " ***\n";
        return 77;
    }
    try {
        compare_images(images);
        compare_fixtures(fixed);
        compare_saves(fixed / "saves");
    }
    catch(std::exception const& e) {
        std::cout << "FAILED: " << e.what() << "\n";
        return 1;
    }
    std::cout << failed << " failed\n";
    return failed == 0 ? 0 : 1;
}
