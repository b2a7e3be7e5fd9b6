//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Reads the image archives of other projects as OCI image layouts, each unpacked into a directory.
//
// What must come out stands in expectations(), one for each archive, and is worked out again from what facts.json beside the
// archives says of every entry. The folders are those of TAREXPORT_IMAGES and TAREXPORT_FIXTURES, or ../shared/images and
// ../shared/fixtures beside the project. Exit codes: 0 all as expected, 1 not, 77 the archives are not there.

#include <tarexport/store/oci_layout.hpp>

#include "../unit/layout_folder.hpp"
#include "vectors.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
namespace tx = tarexport;
using tx::error;

tx::platform const amd64{"linux", "amd64", {}, {}, {}};

// A name, and the beginning of the ID that it has, or the error.
struct asked {
    std::string name;
    std::string id;
    std::optional<error> code = {};
};

struct expectation {
    std::optional<error> open;        // that the directory is refused with
    std::optional<error> list;        // that listing everything is refused with
    std::size_t images = 0;           // that can be listed
    std::vector<asked> names = {};    // tags of entries belong to the repository r
};

expectation refused(error code) { return {code, {}, 0}; }
expectation unlisted(error code, std::vector<asked> names) { return {{}, code, 0, std::move(names)}; }
expectation has(std::size_t images, std::vector<asked> names) { return {{}, {}, images, std::move(names)}; }

// What must come out for the host linux/amd64.
std::map<std::string, expectation> const& expectations()
{
    static std::map<std::string, expectation> const all{
        {"ci-layout-delete_image_multiple_images.tar",
            has(5, {{"r:latest", "913cf3a3"}, {"r:3.18.3", "913cf3a3"}, {"r:3", "913cf3a3"}, {"r:3.17.5", "df11bc18"},
                       {"r:3.16.7", "f732172a"}, {"r:1.0.0", "", error::size_mismatch}, {"r:4", "", error::unknown_reference}})},
        {"ci-layout-delete_image_only_one_image.tar", has(1, {{"r:latest", "", error::size_mismatch}})},
        {"ci-layout-delete_image_shared_blobs_dir.tar", unlisted(error::missing_blob, {{"r:latest", "", error::missing_blob}})},
        {"ci-layout-delete_image_two_identical_references.tar", has(2, {{"r:1.0.0", "", error::ambiguous_reference}})},
        {"ci-layout-manifest.tar", refused(error::not_a_layout)},
        {"ci-layout-name_lookups.tar", refused(error::not_a_layout)},
        {"ggcr-hello-world-v25.tar", has(0, {{"hello-world:latest", "", error::unknown_reference}})},
        {"ggcr-layout-test_gc_image_unknown_mediatype.tar", has(0, {{"r:latest", "", error::unknown_reference}})},
        {"ggcr-layout-test_gc_index.tar", has(1, {{"r:1", "6e0b0504"}, {"r:3", "6e0b0504"}, {"r:4", "6e0b0504"}})},
        {"ggcr-layout-test_index_media_type.tar", has(0, {})},
        {"ggcr-layout-test_index_one_image.tar", has(1, {})},
        {"moby-special-configtarget.tar", has(0, {{"config:latest", "", error::not_an_image}})},
        {"moby-special-emptyindex.tar", has(0, {{"emptyindex:latest", "", error::not_an_image}})},
        {"moby-special-multilayer.tar", has(1, {{"multilayer:latest", "df60130b"}, {"multilayer", "df60130b"}})},
        {"moby-special-textplain.tar", has(0, {{"tianon/test:text-plain", "", error::not_an_image}})},
        {"podman-oci-name-only.tar", has(1, {{"pretty-empty:latest", "5c8aca81"}})},
        {"podman-oci-non-docker-name.tar", has(1, {{"uppercase-is-invalid", "", error::unknown_reference}})},
        {"podman-oci-registry-name.tar", has(1, {{"example.com/empty:latest", "5c8aca81"}, {"empty:latest", "", error::unknown_reference}})},
        {"regclient-layout-testrepo.tar",
            has(21, {{"r:v1", "03d7b3c6"}, {"r:v2", "265cf623"}, {"r:v3", "2097cbe9"}, {"r:b1", "92e13510"}, {"r:b2", "79f0b6d4"},
                       {"r:a-docker", "", error::not_an_image}, {"r:a1", "", error::not_an_image}, {"r:ai", "", error::not_an_image},
                       {"r:loop", "", error::not_an_image}, {"r:child", "", error::not_an_image}, {"r:mirror", "", error::not_an_image}})},
        // Those that the fixtures' own script makes.
        {"attest.tar", has(1, {{"r:1", "0748b091"}})},
        {"badsize.tar", unlisted(error::size_mismatch, {{"r:1", "", error::size_mismatch}})},
        {"mislabelled.tar", has(1, {{"r:1", "0748b091"}})},
        {"nested.tar", has(3, {{"r:1", "0748b091"}})},
        {"single-noname.tar", has(1, {})},
        {"two-names.tar", has(2, {{"r:a", "0748b091"}, {"r:b", "", error::ambiguous_reference}})},
        {"uncompressed.tar", has(1, {{"x:1", "0748b091"}})},
    };
    return all;
}

template<class T>
std::string told(tx::result<T> const& r)
{
    return r ? std::string("read") : message(r.error());
}

template<class T>
void must_fail(tx::result<T> const& r, error code, std::string const& what)
{
    vectors::check(r.has_error() && r.error().code == code,
        what + ": " + told(r) + ", expected: " + std::string(tx::text(code)));
    vectors::check(!r.error().subject.empty(), what + ": an error without subject");
}

void check_listing(tx::oci_layout_store const& store, expectation const& want)
{
    auto const rows = store.list();
    if(want.list)
        must_fail(rows, *want.list, "list");
    else {
        vectors::check(rows.has_value(), "list: " + told(rows));
        vectors::equal(rows->size(), want.images, "images listed");
        for(auto const& row : *rows)
            vectors::check(store.search(row.id.hex()).has_value(), "search of " + row.id.str());
    }
}

// A whole image: found, loaded, every layer leased, read and verified.
tx::result<tx::image> read_image(tx::oci_layout_store const& store, tx::descriptor const& manifest)
{
    auto i = tx::load_image(store, manifest);
    for(std::size_t n = 0; i && n != i->layers.size(); ++n) {
        auto const lease = store.layer(*i, n);
        if(!lease)
            return lease.error();
        if(auto const bytes = tx::read_blob(store, lease->info(), lease->info().size); !bytes)
            return bytes.error();
    }
    return i;
}

tx::result<tx::image> read_by_name(tx::oci_layout_store const& store, std::string const& name)
{
    auto const id = store.lookup(tx::parse_reference(name).value());
    if(!id)
        return id.error();
    auto i = store.load(*id);
    if(!i)
        return i;
    auto const manifests = tx::find_manifests(
        store, store.root(tx::parse_reference(name).value()).value(), {{}, false, amd64}, name);
    return manifests ? read_image(store, manifests->front()) : tx::result<tx::image>(manifests.error());
}

void check_names(tx::oci_layout_store const& store, expectation const& want)
{
    for(auto const& a : want.names) {
        auto const i = read_by_name(store, a.name);
        if(a.code) {
            must_fail(i, *a.code, a.name);
            continue;
        }
        vectors::check(i.has_value(), a.name + ": " + told(i));
        vectors::check(i->id.hex().starts_with(a.id), a.name + " is " + i->id.str());
    }
}

// What facts.json says of the entries, as the specification and the engines see it.
class fact_reader {
public:
    static std::string text(json::object const& o, std::string_view key) { return vectors::text(o, key); }

    static bool is_false(json::object const& o, std::string_view key)
    {
        auto const* const v = o.if_contains(key);
        return v && v->is_bool() && !v->get_bool();
    }

    static json::array const& list(json::object const& o, std::string_view key)
    {
        static json::array const none;
        auto const* const v = o.if_contains(key);
        return v && v->is_array() ? v->get_array() : none;
    }

    // The manifests of images that an entry leads to, or why there are none.
    tx::result<std::vector<json::object>> images(json::object const& entry) const
    {
        if(auto wrong = fault(entry))
            return failed(*wrong);
        if(!no_image(entry).empty())
            return failed(error::not_an_image);
        std::vector<json::object> found;
        std::set<std::string> known;
        if(auto const wrong = collect(entry, true, found, known))
            return failed(*wrong);
        if(found.empty())
            return failed(error::not_an_image);
        return found;
    }

    // Why the image of a manifest cannot be read.
    std::optional<error> image_fault(json::object const& manifest) const
    {
        auto const& config = manifest.at("config").as_object();
        if(auto wrong = fault(config))
            return wrong;
        if(list(manifest, "diff_ids").size() != list(manifest, "layers").size())
            return error::invalid_document;
        for(auto const& l : list(manifest, "layers"))
            if(auto wrong = fault(l.as_object()))
                return wrong;
        return std::nullopt;
    }

private:
    static tx::failure failed(error code) { return {code, "facts", {}}; }

    static std::optional<error> fault(json::object const& o)
    {
        if(is_false(o, "found"))
            return error::missing_blob;
        if(is_false(o, "size_ok"))
            return error::size_mismatch;
        if(is_false(o, "digest_ok"))
            return error::digest_mismatch;
        return std::nullopt;
    }

    static bool is_index(json::object const& o)
    {
        auto const type = text(o, "mediaType");
        return type.find(".index.v1") != std::string::npos || type.find("manifest.list") != std::string::npos;
    }

    static bool is_config(std::string const& type)
    {
        return type == "application/vnd.oci.image.config.v1+json" || type == "application/vnd.docker.container.image.v1+json";
    }

    // What the descriptor alone tells.
    static std::string no_image(json::object const& o)
    {
        auto const type = text(o, "mediaType");
        if(!is_index(o) && type.find(".manifest.v") == std::string::npos)
            return "type " + type;
        if(auto const artifact = text(o, "artifactType"); !artifact.empty() && !is_config(artifact))
            return "artifact " + artifact;
        if(auto const* const notes = o.if_contains("annotations"); notes && notes->is_object())
            if(notes->get_object().contains("vnd.docker.reference.type"))
                return "attestation";
        auto const* const platform = o.if_contains("platform");
        if(platform && platform->is_object() && text(platform->get_object(), "os") == "unknown")
            return "attestation";
        return {};
    }

    std::optional<error> collect(
        json::object const& o, bool direct, std::vector<json::object>& found, std::set<std::string>& known) const
    {
        if(!no_image(o).empty())
            return std::nullopt;
        if(auto wrong = fault(o))
            return wrong;
        if(is_index(o)) {
            for(auto const& child : list(o, "manifests"))
                if(auto wrong = collect(child.as_object(), false, found, known))
                    return wrong;
            return std::nullopt;
        }
        auto const& layers = list(o, "layers");
        auto const is_tar = [](json::value const& l) { return text(l.as_object(), "mediaType").find(".tar") != std::string::npos; };
        bool const image = is_config(text(o.at("config").as_object(), "mediaType")) && std::ranges::all_of(layers, is_tar);
        if(!image)
            return direct ? std::optional(error::not_an_image) : std::nullopt;
        if(known.insert(text(o, "digest")).second)
            found.push_back(o);
        return std::nullopt;
    }
};

void check_image(tx::oci_layout_store const& store, tx::descriptor const& d, json::object const& fact)
{
    fact_reader const facts;
    auto const i = read_image(store, d);
    if(auto const wrong = facts.image_fault(fact))
        return must_fail(i, *wrong, "image " + d.id.str());
    vectors::check(i.has_value(), "image " + d.id.str() + ": " + told(i));
    vectors::equal(i->id.str(), fact_reader::text(fact.at("config").as_object(), "digest"), "image ID");
    auto const& layers = fact_reader::list(fact, "layers");
    auto const& diff_ids = fact_reader::list(fact, "diff_ids");
    for(std::size_t n = 0; n != layers.size(); ++n) {
        auto const& layer = layers[n].as_object();
        vectors::equal(i->layers[n].id.str(), fact_reader::text(layer, "digest"), "layer");
        vectors::equal(i->diff_ids[n], std::string(diff_ids[n].as_string()), "diff id");
        if(fact_reader::text(layer, "compression") == "none" && !fact_reader::is_false(layer, "diff_id_ok"))
            vectors::equal(i->layers[n].id.str(), i->diff_ids[n], "uncompressed layer");
    }
    auto const again = store.load(i->id);
    vectors::check(again.has_value() && again->config == i->config, "load of " + i->id.str() + ": " + told(again));
}

// Every entry must be read, or refused, as the facts want it. Returns how many entries there are.
std::size_t check_facts(tx::oci_layout_store const& store, std::string const& folder, json::object const& oci)
{
    std::ifstream in(folder + "/index.json", std::ios::binary);
    std::string const text(std::istreambuf_iterator<char>(in), {});
    auto const index = tx::parse_index(text, "index.json").value();
    auto const& entries = fact_reader::list(oci, "manifests");
    vectors::equal(index.manifests.size(), entries.size(), "entries of the index");
    for(std::size_t n = 0; n != entries.size(); ++n) {
        auto const& d = index.manifests[n];
        auto const found = tx::find_manifests(store, d, tx::platform_choice::all(), "entry");
        auto const want = fact_reader().images(entries[n].as_object());
        auto const what = "entry " + std::to_string(n);
        if(!want) {
            must_fail(found, static_cast<error>(want.error().code.value()), what);
            continue;
        }
        vectors::check(found.has_value(), what + ": " + told(found));
        vectors::equal(found->size(), want->size(), what + ": images");
        for(std::size_t m = 0; m != found->size(); ++m) {
            vectors::equal((*found)[m].id.str(), fact_reader::text((*want)[m], "digest"), what);
            check_image(store, (*found)[m], (*want)[m]);
        }
    }
    return entries.size();
}

// Unpacks an archive and returns what was found, for the table; throws where it is not as expected.
std::string check_archive(fs::path const& archive, json::object const* facts)
{
    layouts::temporary_folder const folder;
    auto const command = "tar -xf '" + archive.string() + "' -C '" + folder.path().string() + "'";
    vectors::check(std::system(command.c_str()) == 0, command);
    auto const path = folder.path().string();
    auto const opened = tx::oci_layout_store::open(path, {"r", {{}, false, amd64}});

    auto const known = expectations().find(archive.filename().string());
    bool const expected = known != expectations().end();
    bool const is_layout = fs::exists(folder.path() / "oci-layout") && fs::exists(folder.path() / "index.json");
    if(!is_layout) {
        vectors::check(!expected || known->second.open == error::not_a_layout, "a layout was expected");
        must_fail(opened, error::not_a_layout, "open");
        return "refused: " + std::string(tx::text(error::not_a_layout));
    }
    if(expected && known->second.open) {
        must_fail(opened, *known->second.open, "open");
        return "refused: " + std::string(tx::text(*known->second.open));
    }
    vectors::check(opened.has_value(), "open: " + told(opened));
    vectors::check(expected || facts, "nothing is known of this layout: write an expectation");
    std::string said;
    if(expected) {
        check_listing(*opened, known->second);
        check_names(*opened, known->second);
        said = known->second.list ? "listing refused" : std::to_string(known->second.images) + " images";
        said += ", " + std::to_string(known->second.names.size()) + " names";
    }
    if(facts && facts->contains("oci") && facts->at("oci").is_object())
        said += (said.empty() ? "" : ", ") + std::to_string(check_facts(*opened, path, facts->at("oci").as_object())) +
                " entries as the facts have them";
    return said;
}

std::string folder_of(char const* variable, char const* otherwise)
{
    char const* const given = std::getenv(variable);
    return given ? given : otherwise;
}

json::object read_facts(std::string const& path)
{
    std::ifstream in(path, std::ios::binary);
    std::string const text(std::istreambuf_iterator<char>(in), {});
    json::parse_options options;
    options.max_depth = 64;
    return in && !text.empty() ? json::parse(text, {}, options).at("archives").as_object() : json::object();
}

} // namespace

int main()
{
    auto const images = folder_of("TAREXPORT_IMAGES", TAREXPORT_SOURCE_DIR "/../shared/images");
    auto const fixtures = folder_of("TAREXPORT_FIXTURES", TAREXPORT_SOURCE_DIR "/../shared/fixtures") + "/oci";
    if(!fs::is_directory(images) || !fs::is_directory(fixtures)) {
        std::cout << "SKIPPED: no archives at " << images << " and " << fixtures << " (set TAREXPORT_IMAGES and TAREXPORT_FIXTURES)\n";
        return 77;
    }
    auto const facts = read_facts(images + "/facts.json");
    std::set<fs::path> archives;
    for(auto const& folder : {images, fixtures})
        for(auto const& e : fs::directory_iterator(folder))
            if(e.path().extension() == ".tar")
                archives.insert(e.path());
    std::size_t failed = 0;
    for(auto const& a : archives) {
        auto const name = a.filename().string();
        auto const* const fact = facts.if_contains(name);
        std::string said;
        bool good = true;
        try {
            said = check_archive(a, fact ? &fact->as_object() : nullptr);
        }
        catch(std::exception const& e) {
            said = e.what();
            good = false;
            ++failed;
        }
        std::cout << (good ? "ok     " : "FAILED ") << std::left << std::setw(52) << name << " " << said << "\n";
    }
    std::cout << archives.size() << " archives, " << failed << " not as expected\n";
    return failed == 0 && !archives.empty() ? 0 : 1;
}
