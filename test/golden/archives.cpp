//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Archives of other engines and of other projects, each read, or refused as it should be; and written again.
//
// The folder of fixtures is that of the environment variable TAREXPORT_FIXTURES, or ../shared/fixtures beside the project: archives/, saves/ and
// oci/ are read. That of images is TAREXPORT_IMAGES, or ../shared/images; its facts.json has what another reader found. Exit codes: 0 all as
// expected, 1 not, 77 there is nothing to read.

#include <tarexport/store/archive.hpp>

#include "docker_archives.hpp"

#include <tarexport/testing/store.hpp>

#include <map>
#include <optional>

#include <stdlib.h>

namespace {

using namespace golden;

fs::path images_folder()
{
    char const* const folder = std::getenv("TAREXPORT_IMAGES");
    return folder ? folder : TAREXPORT_SOURCE_DIR "/../shared/images";
}

void require(bool holds, std::string const& what)
{
    if(!holds)
        throw std::runtime_error(what);
}

std::set<fs::path> tars_in(fs::path const& folder)
{
    std::set<fs::path> files;
    for(auto const& f : fs::directory_iterator(folder))
        if(f.path().extension() == ".tar")
            files.insert(f.path());
    return files;
}

std::string text_of(json::value const& v) { return std::string(v.as_string()); }

// Reads a blob whole. @return Its digest.
digest read_layer(archive_blob const& l)
{
    auto source = l.open(0).value();
    sha256 h;
    std::array<std::byte, 4096> buffer;
    error_code ec;
    std::uint64_t size = 0;
    while(auto const n = source.read_some(buffer, ec)) {
        h.update(bytes_view(buffer).first(n));
        size += n;
    }
    require(!ec && size == l.info().size, l.subject() + " has another size");
    return h.result();
}

// What an archive should have, told by other readers.
struct expected_image {
    std::set<std::string> names;      // familiar
    std::optional<std::string> parent;
    std::vector<json::object> layers; // digest and size, where known
};

using expected_images = std::map<std::string, expected_image>; // by ID

void compare_image(archive_store const& s, listed_image const& row, expected_image const& want)
{
    std::set<std::string> names;
    for(auto const& name : row.names) {
        names.emplace(name.familiar());
        require(s.lookup(name).value() == row.id, "lookup of " + name.str());
    }
    for(auto const& name : want.names)
        require(names.contains(name), "lacks the name " + name);
    require(names.size() == want.names.size(), "has " + std::to_string(names.size()) + " names of " + row.id.str());
    auto const i = s.load(row.id).value();
    require(i.diff_ids.size() == i.layers.size(), "number of layers");
    require(!want.parent || (i.parent && i.parent->str() == *want.parent), "parent of " + row.id.str());
    for(std::size_t n = 0; n != i.layers.size(); ++n) {
        auto const l = s.layer(i, n).value();
        require(read_layer(l) == l.info().id, "digest of " + l.subject());
        if(n < want.layers.size()) {
            require(l.info().id.str() == text_of(want.layers[n].at("digest")), "layer " + std::to_string(n) + " of " + row.id.str());
            require(l.info().size == want.layers[n].at("size").to_number<std::uint64_t>(), "size of layer " + std::to_string(n));
        }
    }
}

std::string compare_images(archive_store const& s, expected_images const& want)
{
    auto const rows = s.list().value();
    std::string found;
    for(auto const& row : rows) {
        auto const known = want.find(row.id.str());
        require(known != want.end(), "finds " + row.id.str());
        compare_image(s, row, known->second);
        found += " " + row.id.hex().substr(0, 12);
        for(auto const& name : row.names)
            found += " " + std::string(name.familiar());
    }
    require(rows.size() == want.size(), "finds " + std::to_string(rows.size()) + " of " + std::to_string(want.size()) + " images");
    auto const broken = testing::check_store(s);
    require(broken.empty(), broken.empty() ? "" : broken.front());
    for(auto const& row : rows)
        for(auto const& sentence : testing::check_content_store(s, row.names))
            throw std::runtime_error(sentence);
    return found.empty() ? " no images" : found;
}

// Where an archive is refused.
enum class stage { open, list, load, save };

struct refusal {
    stage at;
    error code;
    std::string_view word; // of the message
};

failure refusal_of(fs::path const& file, stage at)
{
    auto const s = archive_store::open(file.string());
    if(at == stage::open) {
        require(!s.has_value(), "is opened");
        return s.error();
    }
    std::vector<failure> bad;
    auto const rows = s.value().list(bad);
    if(at == stage::list) {
        require(!bad.empty() && s->list().has_error(), "is listed");
        return bad.front();
    }
    require(bad.empty() && !rows.empty(), "is not listed");
    if(at == stage::load) {
        auto const i = s->load(rows.front().id);
        require(!i.has_value(), "is loaded");
        return i.error();
    }
    memory_sink out;
    return saver(*s).save(names(rows.front().id.str()), out).reason;
}

std::string compare_refusal(fs::path const& file, refusal const& want)
{
    auto const why = refusal_of(file, want.at);
    auto const text = message(why);
    require(why.code == want.code, "is refused with: " + text);
    require(text.find(want.word) != std::string::npos, std::string(want.word) + " is not in: " + text);
    return " refused: " + text.substr(std::min(text.size(), text.rfind(file.filename().string()) == text.npos ? 0 : text.rfind(file.filename().string())));
}

// Images that other projects ship

std::map<std::string, refusal> const& refused_images()
{
    static std::map<std::string, refusal> const all{
        {"ci-layout-manifest.tar", {stage::open, error::not_a_layout, "oci-layout"}},
        {"ci-layout-name_lookups.tar", {stage::open, error::not_a_layout, "oci-layout"}},
        {"ci-layout-delete_image_only_one_image.tar", {stage::load, error::size_mismatch, "a5271791"}},
        {"ci-layout-delete_image_shared_blobs_dir.tar", {stage::list, error::missing_blob, "eaa95f3c"}},
        {"ggcr-null_manifest.tar", {stage::open, error::invalid_document, "null"}},
        {"ggcr-test_bundle.tar", {stage::list, error::invalid_reference, "test_image_2"}},
    };
    return all;
}

// The images that entries of an index lead to, each manifest that is there and is an image's.
void collect_manifests(json::array const& entries, expected_images& want)
{
    for(auto const& e : entries) {
        auto const& o = e.as_object();
        if(auto const* const nested = o.if_contains("manifests"))
            collect_manifests(nested->as_array(), want);
        auto const* const config = o.if_contains("config");
        if(!config || !config->as_object().contains("mediaType"))
            continue;
        auto const type = text_of(config->at("mediaType"));
        bool const image = type == media_type::oci_config || type == media_type::docker_config;
        auto const* const annotations = o.if_contains("annotations");
        bool const attestation = annotations && annotations->as_object().contains("vnd.docker.reference.type");
        bool const layers = std::ranges::all_of(o.at("layers").as_array(),
            [](json::value const& l) { return text_of(l.at("mediaType")).find("tar") != std::string::npos; });
        if(!image || !layers || attestation || o.contains("artifactType"))
            continue;
        auto& i = want[text_of(config->at("digest"))];
        if(i.layers.empty())
            for(auto const& l : o.at("layers").as_array())
                i.layers.push_back(l.as_object());
        if(annotations && annotations->as_object().contains("io.containerd.image.name"))
            i.names.insert(std::string(parse_reference(text_of(annotations->at("io.containerd.image.name"))).value().familiar()));
        else if(annotations && annotations->as_object().contains("org.opencontainers.image.ref.name"))
            if(auto const ref = parse_reference(text_of(annotations->at("org.opencontainers.image.ref.name"))); ref && ref->has_tag())
                i.names.emplace(ref->familiar());
    }
}

expected_images expected_of(json::object const& facts)
{
    expected_images want;
    if(auto const* const docker = facts.if_contains("docker")) {
        for(auto const& i : docker->at("images").as_array()) {
            auto& image = want[text_of(i.at("config_digest"))];
            if(i.at("repo_tags").is_array())
                for(auto const& tag : i.at("repo_tags").as_array())
                    image.names.insert(text_of(tag));
            for(auto const& l : i.at("layers").as_array())
                image.layers.push_back(l.as_object());
        }
        return want;
    }
    if(auto const* const oci = facts.if_contains("oci")) {
        collect_manifests(oci->at("manifests").as_array(), want);
        return want;
    }
    for(auto const& i : facts.at("moby_27_3_1_load").at("images").as_array()) {
        auto& image = want[text_of(i.at("id"))];
        if(i.at("refs").is_array())
            for(auto const& ref : i.at("refs").as_array())
                image.names.insert(text_of(ref));
        if(!text_of(i.at("parent")).empty())
            image.parent = text_of(i.at("parent"));
    }
    return want;
}

// Entries of index.json that are no images are refused where they are asked for, and blobs that are not there are missed.
void compare_entries(archive_store const& s, json::object const& facts)
{
    auto const* const oci = facts.if_contains("oci");
    if(!oci || oci->at("manifests").is_null())
        return;
    for(auto const& e : oci->at("manifests").as_array()) {
        descriptor d;
        d.media_type = text_of(e.at("mediaType"));
        d.id = parse_digest(text_of(e.at("digest"))).value();
        d.size = e.at("size").to_number<std::uint64_t>();
        auto const lease = s.blob(d);
        auto const found = find_manifests(s, d, platform_choice::all());
        if(!e.at("found").as_bool()) {
            require(!lease && lease.error().code == error::missing_blob, "has the blob " + d.id.str());
            require(!found && found.error().code == error::missing_blob, "finds an image in " + d.id.str());
            continue;
        }
        require(lease && read_layer(*lease) == d.id, "lacks the blob " + d.id.str());
        expected_images want;
        collect_manifests({e}, want);
        if(want.empty())
            require(!found && found.error().code == error::not_an_image, "finds an image in " + d.id.str());
    }
}

std::string compare_with_facts(fs::path const& file, json::object const& facts)
{
    auto const refused = refused_images().find(file.filename().string());
    if(refused != refused_images().end())
        return compare_refusal(file, refused->second);
    archive_store const s(file.string());
    compare_entries(s, facts);
    return compare_images(s, expected_of(facts));
}

// Archives made to be different

constexpr char app_a[] = "sha256:d97161c022be8f2c179d0179dfa63eac6d379dd44ea34a121ab47572400b8766";

std::map<std::string, refusal> const& refused_archives()
{
    static std::map<std::string, refusal> const all{
        {"v12b-xz", {stage::open, error::unsupported_store, "xz"}},
        {"v12c-bz2", {stage::open, error::unsupported_store, "bzip2"}},
        {"v16-null", {stage::open, error::invalid_document, "null"}},
        {"v18b-configdotdot", {stage::list, error::invalid_document, "out of the archive"}},
        {"v19-count", {stage::list, error::invalid_document, "3 layers for the 4 diff IDs of the config; image app-a:1.0"}},
        {"v20-wronglayer", {stage::save, error::digest_mismatch, "3a0f6a18"}},
        {"v21-missinglayer", {stage::load, error::missing_layer, "image app-a:1.0 has no l0.tar"}},
        {"v22-notag", {stage::list, error::invalid_reference, "without a tag"}},
        {"v23-upper", {stage::list, error::invalid_reference, "App-A:1"}},
        {"v27-digesttag", {stage::list, error::invalid_reference, "digest"}},
    };
    return all;
}

std::map<std::string, std::set<std::string>> const& other_names()
{
    static std::map<std::string, std::set<std::string>> const all{
        {"v04-norepotags", {}},
        {"v05-nulltags", {}},
        {"v06-emptytags", {}},
        {"v28-fulltag", {"app-a:1.0", "quay.io/x/y:z"}},
        {"v30-dup-layerfile", {"app-a:1.0", "app-b:1.0"}},
    };
    return all;
}

std::string compare_made(fs::path const& file)
{
    auto const name = file.stem().string();
    if(auto const refused = refused_archives().find(name); refused != refused_archives().end())
        return compare_refusal(file, refused->second);
    archive_store const s(file.string());
    expected_images want;
    if(name == "v01-pre110") {
        // What docker load reports; the three below are its parents.
        auto const rows = s.list().value();
        auto const tagged = std::ranges::find_if(rows, [](auto const& row) { return !row.names.empty(); });
        require(rows.size() == 4 && tagged != rows.end() && tagged->id.hex().starts_with("8468763c"), "another ID than the engine's");
        for(auto const& row : rows)
            want[row.id.str()];
        want[tagged->id.str()].names = {"app-a:1.0"};
    }
    else if(name != "v17-emptylist") {
        auto const others = other_names().find(name);
        want[app_a].names = others == other_names().end() ? std::set<std::string>{"app-a:1.0"} : others->second;
    }
    return compare_images(s, want);
}

// Layouts

std::string compare_layout(fs::path const& file)
{
    if(file.stem() == "badsize")
        return compare_refusal(file, {stage::list, error::size_mismatch, "sha256"});
    auto const entries = read_archive(read_file(file));
    auto const document = [&](std::string const& path) { return json::parse(find(entries, "./" + path)); };
    auto const expand = [&](auto const& self, json::value const& index) -> json::array {
        json::array all;
        for(auto e : index.at("manifests").as_array()) {
            auto const read = document("blobs/sha256/" + text_of(e.at("digest")).substr(7));
            if(read.as_object().contains("manifests"))
                e.as_object()["manifests"] = self(self, read);
            else if(!e.as_object().contains("platform") || text_of(e.at("platform").at("os")) != "unknown") {
                e.as_object()["config"] = read.at("config");
                e.as_object()["layers"] = read.at("layers");
            }
            all.push_back(std::move(e));
        }
        return all;
    };
    expected_images want;
    collect_manifests(expand(expand, document("index.json")), want);
    return compare_images(archive_store(file.string()), want);
}

// What engines saved, with each image that manifest.json tells of

std::string compare_save(fs::path const& file)
{
    archive_store const s(file.string());
    auto const entries = read_archive(read_file(file));
    expected_images want;
    if(file.stem() == "podman54-oci-archive") {
        auto const index = json::parse(find(entries, "index.json"));
        auto const m = json::parse(find(entries, "blobs/sha256/" + text_of(index.at("manifests").at(0).at("digest")).substr(7)));
        want[text_of(m.at("config").at("digest"))].names = {"app-a:1.0"};
        return compare_images(s, want);
    }
    bool incomplete = false;
    auto const items = json::parse(find(entries, "manifest.json"));
    for(auto const& item : items.as_array()) {
        auto const path = text_of(item.at("Config"));
        if(std::ranges::find(entries, path, [](auto const& e) { return e.first; }) == entries.end()) {
            incomplete = true;
            continue;
        }
        auto& i = want[digest_of(find(entries, path)).str()];
        if(item.at("RepoTags").is_array())
            for(auto const& tag : item.at("RepoTags").as_array())
                i.names.emplace(parse_reference(text_of(tag)).value().familiar());
        if(auto const* const parent = item.as_object().if_contains("Parent"))
            i.parent = text_of(*parent);
    }
    if(!incomplete)
        return compare_images(s, want);
    // An engine that lacked blobs has written what it had.
    for(auto const& row : s.list(*std::make_unique<std::vector<failure>>()))
        if(auto const known = want.find(row.id.str()); known != want.end())
            compare_image(s, row, known->second);
    memory_sink out;
    auto const why = saver(s).save(names("localhost:5055/pod/ml:1"), out).reason;
    require(why.code == error::missing_blob && out.bytes().empty(), "saves what is not there: " + message(why));
    return compare_refusal(file, {stage::list, error::missing_blob, "469a4eb7"});
}

// An archive in a file, for as long as this lives.
class temporary_archive {
public:
    explicit temporary_archive(std::string_view bytes)
    {
        auto name = (fs::temp_directory_path() / "tarexport-golden-XXXXXX").string();
        fd_ = ::mkstemp(name.data());
        require(fd_ >= 0, "mkstemp");
        path_ = name;
        std::ofstream(path_, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    }

    temporary_archive(temporary_archive const&) = delete;
    temporary_archive& operator=(temporary_archive const&) = delete;

    ~temporary_archive()
    {
        ::close(fd_);
        fs::remove(path_);
    }

    archive_store open() const { return archive_store(path_.string()); }

private:
    int fd_;
    fs::path path_;
};

// The images of a list by name, or by ID where they have none, in its order.
names names_of(archive_store const& s)
{
    names all;
    for(auto const& row : s.list().value()) {
        for(auto const& name : row.names)
            all.add(name.str());
        if(row.names.empty())
            all.add(row.id.str());
    }
    return all;
}

// Saved from the archive, the archive comes out again; and once more from that.
std::string compare_again(fs::path const& file)
{
    archive_store const s(file.string());
    auto const real = read_file(file);
    auto const entries = read_archive(real);
    auto const requested = names_of(s);
    bool created = true;
    for(auto const& row : s.list().value())
        created = created && s.load(row.id)->created.has_value();
    auto const ours = saved(s, requested, zone_of(file));
    compare(real, ours, created);
    require(saved(temporary_archive(ours).open(), requested, zone_of(file)) == ours, "comes out otherwise the second time");
    return " written again";
}

// Of other forms, what is saved from them has to come out again.
std::string compare_own(fs::path const& file)
{
    archive_store const s(file.string());
    auto const requested = names_of(s);
    auto const ours = saved(s, requested, 0);
    require(saved(temporary_archive(ours).open(), requested, 0) == ours, "comes out otherwise");
    return " saved, and saved again from that";
}

class table {
public:
    template<class Function>
    void row(fs::path const& file, Function f)
    {
        auto name = file.filename().string();
        name.resize(std::max(name.size(), std::size_t{52}), ' ');
        all_.count(name, [&] {
            auto const what = f(file);
            std::cout << name << what << "\n";
        });
    }

    int result() const { return all_.result(); }

private:
    score all_;
};

} // namespace

int main()
{
    bool const images = fs::is_directory(images_folder());
    if(!images)
        std::cout << "SKIPPED: no images at " << images_folder().string() << " (set TAREXPORT_IMAGES to their folder)\n";
    bool const made = score::has_fixtures();
    if(!images && !made)
        return 77;
    table all;
    if(images) {
        auto const facts = json::parse(read_file(images_folder() / "facts.json")).at("archives").as_object();
        for(auto const& file : tars_in(images_folder()))
            all.row(file, [&](fs::path const& f) { return compare_with_facts(f, facts.at(f.filename().string()).as_object()); });
    }
    if(made) {
        for(auto const& file : tars_in(fixtures() / "archives"))
            all.row(file, compare_made);
        for(auto const& file : tars_in(fixtures() / "oci"))
            all.row(file, compare_layout);
        for(auto const& file : tars_in(fixtures() / "saves"))
            all.row(file, compare_save);
        for(auto const& file : docker_saves())
            all.row(file, compare_again);
        for(auto const* const name : {"archives/v01-pre110.tar", "archives/v02b-symlink.tar", "archives/v07-gzlayers.tar", "archives/v08-zstdlayers.tar",
                "archives/v12-zstd.tar", "saves/c8d26-app-a.tar", "saves/podman54-docker-archive-multi.tar", "saves/podman54-oci-archive.tar"})
            all.row(fixtures() / name, compare_own);
    }
    return all.result();
}
