//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Real outputs of docker save, written again from the data roots that the engine had: byte for byte, the clock's times aside.
//
// The folder is that of the environment variable TAREXPORT_FIXTURES, or ../shared/fixtures beside the project: saves/ has the archives and
// the names that were asked for, stores/ the data roots, expected.json what the engine knows of its images and layers. Needs the program
// tar. Exit codes: 0 all equal, 1 not, 77 there is nothing to compare with.

#include <tarexport/store/docker.hpp>

#include "docker_archives.hpp"

#include <tarexport/testing/store.hpp>
#include <tarexport/v1.hpp>

#include <map>

#include <stdlib.h>

namespace {

using namespace golden;

// The data roots, extracted. Who is not root gets no devices and no owners, which nothing of this needs.
class data_roots {
public:
    data_roots()
    {
        auto name = (fs::temp_directory_path() / "tarexport-golden-XXXXXX").string();
        if(!::mkdtemp(name.data()))
            throw std::runtime_error("mkdtemp");
        folder_ = name;
    }

    data_roots(data_roots const&) = delete;
    data_roots& operator=(data_roots const&) = delete;

    ~data_roots()
    {
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
    }

    docker_store open(std::string const& name) const
    {
        auto const to = folder_ / name;
        auto const archive = fixtures() / "stores" / (name + ".tar.gz");
        if(fs::create_directory(to)) {
            auto const command = "tar -C '" + to.string() + "' -xzpf '" + archive.string() + "' 2>/dev/null";
            auto const status = std::system(command.c_str());
            if(status != 0 && !fs::exists(to / "image"))
                throw std::runtime_error("cannot extract " + archive.string());
        }
        return docker_store(to.string());
    }

private:
    fs::path folder_;
};

// The engine writes several images in an order of its own: asks for them in that one.
names in_order_of(archive_entries const& entries, docker_store const& store, json::value const& requested)
{
    std::map<std::string, std::size_t> place;
    auto const items = json::parse(find(entries, "manifest.json"));
    for(auto const& item : items.as_array())
        place.emplace("sha256:" + fs::path(std::string(item.at("Config").as_string())).filename().string(), place.size());
    struct asked {
        std::size_t place;
        std::size_t n;
        std::string name;
    };
    std::vector<asked> all;
    for(auto const& n : requested.as_array()) {
        no_observer o;
        auto const one = resolve(store, names(std::string(n.as_string())), {}, o).value();
        all.push_back({place.at(one.images.at(0).config.id.str()), all.size(), std::string(n.as_string())});
    }
    std::ranges::sort(all, [](asked const& a, asked const& b) { return std::pair(a.place, a.n) < std::pair(b.place, b.n); });
    names ordered;
    for(auto const& a : all)
        ordered.add(a.name);
    return ordered;
}

void compare_with_engine(fs::path const& file, docker_store const& store, json::value const& requested)
{
    auto const real = read_file(file);
    auto const entries = read_archive(real);
    auto const items = json::parse(find(entries, "manifest.json"));
    bool created = true;
    for(auto const& item : items.as_array())
        created = created && json::parse(find(entries, item.at("Config").as_string())).as_object().contains("created");
    compare(real, saved(store, in_order_of(entries, store, requested), zone_of(file)), created);
}

void require(bool holds, std::string const& what)
{
    if(!holds)
        throw std::runtime_error(what);
}

std::string text_of(json::value const& v) { return v.is_null() ? std::string() : std::string(v.as_string()); }

void compare_image(docker_store const& store, std::string const& text, json::value const& expected)
{
    auto const id = parse_digest(text).value();
    auto const i = store.load(id).value();
    std::vector<std::string> diff_ids;
    for(auto const& d : expected.at("diff_ids").as_array())
        diff_ids.emplace_back(d.as_string());
    require(i.diff_ids == diff_ids, "diff IDs");
    require(i.config.size() == expected.at("config_size").to_number<std::size_t>(), "size of the config");
    require((i.parent ? i.parent->str() : "") == text_of(expected.at("parent")), "parent");
    auto const chains = chain_ids(i.diff_ids);
    require((chains.empty() ? "" : chains.back()) == text_of(expected.at("chain")), "chain ID");
    auto const v1 = diff_ids.empty() ? std::vector<v1_image>() : v1_images(i, 0).value();
    auto const& ids = expected.at("v1").as_array();
    require(v1.size() == ids.size(), "number of v1 IDs");
    for(std::size_t n = 0; n != ids.size(); ++n) {
        require(v1[n].id.hex() == text_of(ids[n].at("id")), "v1 ID " + std::to_string(n));
        require(v1[n].json_id.str() == text_of(ids[n].at("legacy_digest")), "v1 document " + std::to_string(n));
    }
    for(auto const& ref : expected.at("refs").as_array())
        require(store.lookup(parse_reference(ref.as_string()).value()).value() == id, "name " + text_of(ref));
    require(store.search(id.hex()).value() == id, "search");
}

void compare_layers(docker_store const& store, json::object const& expected)
{
    std::set<std::string> seen;
    std::vector<failure> unreadable;
    auto const rows = store.list(unreadable, true);
    for(auto const& row : rows) {
        auto const i = store.load(row.id).value();
        auto const chains = chain_ids(i.diff_ids);
        for(std::size_t n = 0; n != chains.size(); ++n) {
            auto const& layer = expected.at(chains[n]);
            require(store.layer(i, n).value().info().size == layer.at("tar_size").to_number<std::uint64_t>(), "size of " + chains[n]);
            require(i.diff_ids[n] == text_of(layer.at("diff")), "diff ID of " + chains[n]);
            seen.insert(chains[n]);
        }
    }
    require(seen.size() == expected.size(), "layers of listed images: " + std::to_string(seen.size()) + " of " + std::to_string(expected.size()));
}

// Images that the engine has taken in, of which it can save only some: all whose record tells enough are saved here.
void compare_quirk(docker_store const& store, listed_image const& row)
{
    auto const name = std::string(row.names.at(0).tag());
    memory_sink out;
    auto const report = saver(store).save(names(std::string(row.names.at(0).familiar())), out);
    bool const lost = name == "sp-1.0" || name == "wosize"; // contents that nothing has kept
    require(report.ok() != lost, lost ? "saved, although content is lost" : message(report.reason));
    require(!lost || message(report.reason).find("layer") != std::string::npos, message(report.reason));
}

void run(score& all)
{
    data_roots const roots;
    auto const overlay = roots.open("dockerd26-overlay2"), vfs = roots.open("dockerd26-vfs"), quirks = roots.open("dockerd26-quirks");
    auto const requested = json::parse(read_file(fixtures() / "saves" / "names.json"));
    auto const expected = json::parse(read_file(fixtures() / "expected.json"));

    for(auto const& file : docker_saves()) {
        auto const name = file.filename().string();
        auto const& store = name.starts_with("vfs") ? vfs : overlay;
        all.count(name, [&] { compare_with_engine(file, store, requested.at(name)); });
    }
    for(auto const& [id, image] : expected.at("images").as_object())
        all.count("image " + std::string(id), [&] { compare_image(overlay, id, image); });
    all.count("layers", [&] { compare_layers(overlay, expected.at("layers").as_object()); });
    all.count("an image without layers is refused", [&] {
        memory_sink out;
        auto const report = saver(overlay).save(names("nolayers:1"), out);
        require(report.reason.code == error::empty_image && out.bytes().empty(), message(report.reason));
    });
    auto const rows = quirks.list().value();
    for(auto const& row : rows)
        all.count("quirk " + row.names.at(0).str(), [&] { compare_quirk(quirks, row); });
    for(auto const* const store : {&overlay, &vfs})
        all.count("laws of " + store->path(), [&] {
            std::vector<failure> unreadable;
            auto const images = store->list(unreadable, true);
            require(unreadable.empty(), "unreadable images");
            auto const broken = testing::check_store(*store, images);
            require(broken.empty(), broken.empty() ? "" : broken.front());
        });
}

} // namespace

int main()
{
    if(!score::has_fixtures())
        return 77;
    score all;
    run(all);
    return all.result();
}
