//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// What the store of containers/storage does with graph roots that are damaged or mean harm.

#include <tarexport/store/containers.hpp>

#define BOOST_TEST_MODULE containers_store_hostile
#include <boost/test/unit_test.hpp>

#include "containers_support.hpp"

#include <tarexport/saver.hpp>
#include <tarexport/sink/memory.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/stat.h>

using namespace containers_tests;

namespace {

// An image of two layers.
struct fixture {
    fixture()
    {
        base = f.add_layer({{"etc/base", "the base"}});
        top = f.add_layer({{"app", "the app"}}, base.id);
        app = f.add_image({base, top}, {"localhost/app:1"});
        f.finish();
    }

    auto open() const { return containers_store::open(f.path().string(), on_amd64()); }

    // Why the first layer of the image cannot be had.
    tx::failure why_no_layer(tx::error_code code)
    {
        f.finish();
        auto const s = opened(f);
        auto const i = s.load(id_of(app)).value();
        auto const r = failure_of(s.layer(i, 0), code);
        BOOST_TEST(contains(r.detail, i.id.str()), r.detail);
        return r;
    }

    std::string images_path() const { return (f.path() / "overlay-images/images.json").string(); }
    std::string layers_path() const { return (f.path() / "overlay-layers/layers.json").string(); }

    graph_folder f;
    graph_layer base, top;
    std::string app;
};

// Puts something else in a file's place, checks, and puts the file back.
template<class Check>
void replaced(fs::path const& path, Check check)
{
    auto const moved = path.string() + ".moved";
    fs::rename(path, moved);
    fs::create_symlink(moved, path);
    check();
    fs::remove(path);
    BOOST_REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    check();
    fs::remove(path);
    fs::create_directory(path);
    check();
    fs::remove(path);
    fs::rename(moved, path);
}

} // namespace

BOOST_AUTO_TEST_CASE(what_is_no_graph_root_is_told)
{
    layouts::temporary_folder f;
    auto const path = f.path().string();
    auto const open = [&](std::string const& driver = {}) {
        tx::containers_options o;
        o.driver = driver;
        return containers_store::open(path, o);
    };
    auto r = failure_of(open(), error::unsupported_store);
    BOOST_TEST(r.subject == path);
    BOOST_TEST(contains(r.detail, "overlay-layers or vfs-layers"));
    r = failure_of(open("vfs"), error::unsupported_store);
    BOOST_TEST(contains(r.detail, "vfs-layers"));
    for(std::string const driver : {"btrfs", "../..", "overlay2"}) {
        r = failure_of(open(driver), error::unsupported_store);
        BOOST_TEST(contains(r.detail, driver));
    }
    fs::create_directories(f.path() / "zfs-layers");
    r = failure_of(open(), error::unsupported_store);
    BOOST_TEST(contains(r.detail, "zfs"));
    f.write("overlay-layers/layers.json", "[]");
    BOOST_TEST(open().has_value());
    f.write("overlay-images/images.json", "[{}]");
    f.write("zfs-images/images.json", "[{}]");
    r = failure_of(open(), error::unsupported_store);
    BOOST_TEST(contains(r.detail, "overlay and zfs"));
    failure_of(containers_store::open(path + "/nowhere"), system_error(ENOENT));
    failure_of(containers_store::open(path + "/overlay-layers/layers.json"), system_error(ENOTDIR));
    try {
        containers_store const s(path);
        BOOST_TEST(false, "must throw");
    }
    catch(tx::save_error const& e) {
        BOOST_TEST(e.code() == error::unsupported_store);
        BOOST_TEST(e.reason().subject == path);
    }
    // an additional store has the driver of the first
    graph_folder main, second("vfs");
    tx::containers_options o;
    o.additional = {second.path().string()};
    r = failure_of(containers_store::open(main.path().string(), o), error::unsupported_store);
    BOOST_TEST(r.subject == second.path().string());
}

BOOST_AUTO_TEST_CASE(lists_are_read_within_limits)
{
    fixture x;
    for(auto const& path : {x.images_path(), x.layers_path()}) {
        auto const name = fs::relative(path, x.f.path()).string();
        auto const check = [&](std::string const& text, error code) {
            x.f.write(name, text);
            BOOST_TEST(failure_of(x.open(), code).subject == path);
        };
        check("{", error::invalid_json);
        check("[{\"id\":\"a\"}", error::invalid_json);
        check("{}", error::invalid_document);
        check("[[]]", error::invalid_document);
        check(R"([{"id":7}])", error::invalid_document);
        check(R"([{"id":"a","flags":{"incomplete":"yes"}}])", error::invalid_document);
        for(std::string const id : {"", ".", "..", "/", "a/b", "../../etc", "a\\u0000b"})
            check(R"([{"id":"ok"},{"id":")" + id + "\"}]", error::invalid_document);
        check("[null]", error::invalid_document);
        check(R"([{"id":"a","x":)" + std::string(100, '[') + std::string(100, ']') + "}]", error::limit_exceeded);
        std::string many = "[{\"id\":\"a\"}";
        for(int n = 0; n != 100'000; ++n)
            many += ",{\"id\":\"a\"}";
        check(many + "]", error::limit_exceeded);
        many = "[{\"id\":\"a\",\"uidset\":[0";
        for(int n = 0; n != 4'000'000; ++n)
            many += ",0";
        check(many + "]}]", error::limit_exceeded);
        fs::resize_file(path, std::uintmax_t{1} << 40);
        BOOST_TEST(failure_of(x.open(), error::limit_exceeded).subject == path);
        x.f.finish();
    }
    BOOST_TEST(x.open().has_value());
}

BOOST_AUTO_TEST_CASE(lists_must_be_files)
{
    fixture x;
    for(auto const& path : {x.images_path(), x.layers_path()})
        replaced(path, [&] { BOOST_TEST(failure_of(x.open(), error::not_a_regular_file).subject == path); });
    // directories below the root are no symlinks either
    for(auto const* folder : {"overlay-images", "overlay-layers"}) {
        fs::rename(x.f.path() / folder, x.f.path() / "elsewhere");
        fs::create_directory_symlink(x.f.path() / "elsewhere", x.f.path() / folder);
        failure_of(x.open(), error::not_a_regular_file);
        fs::remove(x.f.path() / folder);
        fs::rename(x.f.path() / "elsewhere", x.f.path() / folder);
    }
    // the path that the user gives may be one
    fs::create_directory_symlink(x.f.path(), x.f.path() / "link");
    BOOST_TEST(containers_store::open((x.f.path() / "link").string()).has_value());
}

BOOST_AUTO_TEST_CASE(documents_are_what_the_list_says)
{
    fixture x;
    // the manifest is kept twice, and the other copy would do
    auto& keys = x.f.image(x.app).at("big-data-names").as_array();
    keys.erase(std::ranges::find(keys, json::value("manifest-" + x.f.manifest_of(x.app).id.str())));
    x.f.finish();
    auto const s = opened(x.f);
    auto const manifest = x.f.item_name(x.app, "manifest"), config = x.f.item_name(x.app, "sha256:" + x.app);
    auto const check = [&](std::string const& name, auto change, tx::error_code code) {
        auto const path = x.f.path() / name;
        auto const kept = x.f.path() / "kept";
        fs::copy_file(path, kept);
        change(path);
        auto const fresh = opened(x.f);
        auto const r = name == manifest ? failure_of(fresh.lookup(to_reference("localhost/app:1")), code)
                                        : failure_of(fresh.load(id_of(x.app)), code);
        BOOST_TEST(r.subject == path.string());
        fs::remove(path);
        fs::rename(kept, path);
        BOOST_TEST(opened(x.f).load(id_of(x.app)).has_value());
    };
    for(auto const& name : {manifest, config}) {
        auto const text = name == manifest ? x.f.all().at(x.f.manifest_of(x.app).id) : x.f.all().at(id_of(x.app));
        check(name, [&](fs::path const&) { x.f.write(name, text + " "); }, error::size_mismatch);
        check(name, [&](fs::path const&) { x.f.write(name, text.substr(1) + " "); }, error::digest_mismatch);
        check(name, [](fs::path const& p) { fs::remove(p); }, error::missing_blob);
        replaced(x.f.path() / name, [&] {
            BOOST_TEST(opened(x.f).lookup(to_reference("localhost/app:1")).has_value() == (name == config));
            BOOST_TEST((opened(x.f).load(id_of(x.app)).error().code == error::not_a_regular_file));
        });
    }
    BOOST_TEST(s.load(id_of(x.app)).has_value());
}

BOOST_AUTO_TEST_CASE(a_broken_image_leaves_the_others_readable)
{
    fixture x;
    auto const bad = x.f.add_image({x.base}, {"localhost/bad:1"}, R"(,"author":"bad")");
    auto const none = x.f.add_image({x.base}, {"localhost/none:1"}, R"(,"author":"none")");
    x.f.image(none).erase("big-data-names");
    x.f.images.push_back(json::object{{"id", "strange"}, {"names", json::array{"localhost/strange:1"}}});
    x.f.finish();
    x.f.write(x.f.item_name(bad, "manifest"), "{}");
    x.f.write(x.f.item_name(bad, "manifest-" + x.f.manifest_of(bad).id.str()), "{}");
    auto const s = opened(x.f);
    BOOST_TEST(s.load(id_of(x.app)).has_value());
    BOOST_TEST(s.search(x.app.substr(0, 12)).has_value());
    failure_of(s.lookup(to_reference("localhost/bad:1")), error::size_mismatch);
    failure_of(s.load(id_of(bad)), error::size_mismatch);
    failure_of(s.search(bad.substr(0, 12)), error::size_mismatch);
    auto r = failure_of(s.lookup(to_reference("localhost/strange:1")), error::invalid_document);
    BOOST_TEST(r.subject == x.images_path());
    BOOST_TEST(contains(r.detail, "strange"));
    failure_of(s.load(id_of(none)), error::unknown_image);
    r = failure_of(s.list(), error::size_mismatch);
    BOOST_TEST(contains(r.detail, "3 images"));
    std::vector<tx::failure> unreadable;
    auto const rows = s.list(unreadable);
    BOOST_TEST(unreadable.size() == 3u);
    BOOST_TEST_REQUIRE(rows.size() == 1u);
    BOOST_TEST(rows[0].id.hex() == x.app);
}

BOOST_AUTO_TEST_CASE(a_manifest_that_is_no_image_is_told)
{
    fixture x;
    auto const artifact = R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]})";
    x.f.add_item(x.f.image(x.app), "manifest", artifact);
    x.f.finish();
    failure_of(opened(x.f).lookup(to_reference("localhost/app:1")), error::not_an_image);
    BOOST_TEST((resolved(opened(x.f), "app:1").error().code == error::not_an_image));
    // version 1 has no config
    x.f.add_item(x.f.image(x.app), "manifest", R"({"schemaVersion":1,"name":"app","tag":"1","fsLayers":[],"history":[]})");
    x.f.finish();
    failure_of(opened(x.f).lookup(to_reference("localhost/app:1")), error::invalid_document);
    x.f.add_item(x.f.image(x.app), "manifest", "not JSON");
    x.f.finish();
    failure_of(opened(x.f).lookup(to_reference("localhost/app:1")), error::invalid_json);
    // an index that lists itself cannot be made; one that lists nothing can
    x.f.add_list({}, {"localhost/list:1"});
    x.f.finish();
    failure_of(opened(x.f).lookup(to_reference("localhost/list:1")), error::not_an_image);
}

BOOST_AUTO_TEST_CASE(layers_must_be_those_of_the_config)
{
    fixture x;
    auto const layers = x.f.layers;
    auto const images = x.f.images;
    auto const again = [&] {
        x.f.layers = layers;
        x.f.images = images;
    };
    x.f.image(x.app)["layer"] = x.base.id;
    auto r = x.why_no_layer(error::invalid_document);
    BOOST_TEST(contains(r.detail, "1 layers for the 2 diff IDs"));
    again();
    x.f.image(x.app).erase("layer");
    x.why_no_layer(error::invalid_document);
    again();
    auto const more = x.f.add_layer({{"more", ""}}, x.top.id);
    x.f.image(x.app)["layer"] = more.id;
    x.why_no_layer(error::invalid_document);
    again();
    auto const other = x.f.add_layer({{"other", "x"}}, x.base.id);
    x.f.image(x.app)["layer"] = other.id;
    r = x.why_no_layer(error::digest_mismatch);
    BOOST_TEST(r.subject == "layer " + other.id);
    BOOST_TEST(contains(r.detail, other.info.id.str()));
    BOOST_TEST(contains(r.detail, x.top.info.id.str()));
    again();
    x.f.image(x.app)["layer"] = "nowhere";
    r = x.why_no_layer(error::missing_layer);
    BOOST_TEST(r.subject == "layer nowhere");
    again();
    x.f.layer(x.top.id)["parent"] = "../../nowhere";
    r = x.why_no_layer(error::missing_layer);
    BOOST_TEST(r.subject == "layer ../../nowhere");
    again();
    // an image that says other than the store
    x.f.finish();
    auto const s = opened(x.f);
    auto i = s.load(id_of(x.app)).value();
    std::swap(i.diff_ids[0], i.diff_ids[1]);
    failure_of(s.layer(i, 0), error::digest_mismatch);
    std::swap(i.diff_ids[0], i.diff_ids[1]);
    BOOST_TEST(s.layer(i, 1).has_value());
    i.diff_ids.push_back(i.diff_ids[0]);
    failure_of(s.layer(i, 2), error::missing_layer);
    i.id = tx::digest_of("nobody");
    failure_of(s.layer(i, 0), error::unknown_image);
}

BOOST_AUTO_TEST_CASE(parents_may_be_a_circle_or_too_many)
{
    fixture x;
    x.f.layer(x.base.id)["parent"] = x.top.id;
    auto r = x.why_no_layer(error::limit_exceeded);
    BOOST_TEST(contains(r.detail, "its own ancestor"));
    x.f.layer(x.base.id)["parent"] = x.base.id;
    x.why_no_layer(error::limit_exceeded);
    std::string parent = x.base.id;
    x.f.layer(x.base.id).erase("parent");
    for(int n = 0; n != 600; ++n) {
        auto const id = "layer" + std::to_string(n);
        x.f.layers.push_back(json::object{{"id", id}, {"parent", parent}, {"diff-digest", x.base.info.id.str()}});
        parent = id;
    }
    x.f.image(x.app)["layer"] = parent;
    x.why_no_layer(error::limit_exceeded);
}

BOOST_AUTO_TEST_CASE(layers_that_cannot_be_rebuilt_are_told)
{
    fixture x;
    auto const layers = x.f.layers;
    auto& top = x.f.layer(x.top.id);
    top.erase("diff-digest");
    top["toc-digest"] = tx::digest_of("toc").str();
    auto r = x.why_no_layer(error::unrecoverable_layer);
    BOOST_TEST(r.subject == "layer " + x.top.id);
    BOOST_TEST(contains(r.detail, "table of contents"));
    x.f.layers = layers;
    x.f.layer(x.top.id)["diff-digest"] = "sha256:short";
    x.why_no_layer(error::unrecoverable_layer);
    x.f.layers = layers;
    for(auto const* name : {"composefs-data", "additionallayer"}) {
        auto const path = x.f.path() / "overlay" / x.top.id / name;
        fs::create_directory(path);
        r = x.why_no_layer(error::unsupported_store);
        BOOST_TEST(r.subject == path.parent_path().string());
        BOOST_TEST(contains(r.detail, "the files of this layer are"));
        fs::remove(path);
    }
    auto const record = x.f.path() / x.f.record_name(x.top.id);
    replaced(record, [&] { BOOST_TEST(x.why_no_layer(error::not_a_regular_file).subject == record.string()); });
    fs::remove(record);
    r = x.why_no_layer(error::unrecoverable_layer);
    BOOST_TEST(contains(r.detail, record.string()));
    // what an earlier image needs is there all the same
    auto const s = opened(x.f);
    failure_of(s.blob(x.top.info), error::unrecoverable_layer);
    BOOST_TEST(s.blob(x.base.info).has_value());
}

BOOST_AUTO_TEST_CASE(a_size_that_lies_never_gives_an_archive)
{
    for(auto const& [change, code] : {std::pair{-1, error::layer_too_long}, std::pair{512, error::layer_too_short}}) {
        fixture x;
        x.f.layer(x.top.id)["diff-size"] = static_cast<std::int64_t>(x.top.info.size) + change;
        x.f.finish();
        auto const s = opened(x.f);
        tx::memory_sink out;
        tx::saver saver(s);
        auto const report = saver.save(tx::names("app:1"), out);
        BOOST_TEST((report.reason.code == code), message(report.reason));
    }
}

BOOST_AUTO_TEST_CASE(files_of_a_layer_are_not_looked_for_outside)
{
    fixture x;
    layouts::temporary_folder outside;
    outside.write("app", "the app"); // as the layer has it
    auto const tree = x.f.path() / x.f.tree(x.top.id);
    auto const s = opened(x.f);
    auto const lease = s.layer(s.load(id_of(x.app)).value(), 1).value();
    auto const refused = [&] {
        tx::error_code ec;
        auto const text = read_all(lease, ec);
        BOOST_TEST(ec.failed());
        BOOST_TEST(!contains(text, "the app"));
    };
    fs::remove(tree / "app");
    refused();
    fs::create_symlink(outside.path() / "app", tree / "app");
    refused();
    fs::remove(tree / "app");
    fs::remove(tree);
    fs::create_directory_symlink(outside.path(), tree);
    refused();
    fs::remove(tree);
    auto const layer = tree.parent_path();
    fs::remove_all(layer);
    fs::create_directories(outside.path() / "diff");
    outside.write("diff/app", "the app");
    fs::create_directory_symlink(outside.path(), layer);
    refused();
}

BOOST_AUTO_TEST_CASE(of_entries_that_are_there_twice_the_engines_choice_counts)
{
    fixture x;
    auto const second = x.f.add_image({x.base}, {"localhost/app:1"}, R"(,"author":"second")");
    auto const same_id = json::value(x.f.image(second)).as_object();
    x.f.images.push_back(same_id);
    x.f.images.back().as_object()["names"] = json::array{"localhost/app:1", "localhost/again:1"};
    // of layers the first counts
    x.f.layers.push_back(json::object{{"id", x.base.id}, {"diff-digest", x.top.info.id.str()}});
    x.f.finish();
    auto const s = opened(x.f);
    BOOST_TEST(s.lookup(to_reference("localhost/app:1")).value().hex() == second);
    BOOST_TEST(s.lookup(to_reference("localhost/again:1")).value().hex() == second);
    auto const rows = s.list().value();
    BOOST_TEST_REQUIRE(rows.size() == 2u);
    BOOST_TEST(rows[0].names.empty());
    BOOST_TEST(rows[1].names.size() == 2u);
    BOOST_TEST(s.layer(s.load(id_of(x.app)).value(), 0).has_value());
}

BOOST_AUTO_TEST_CASE(no_descriptor_is_left)
{
    auto const before = open_descriptors();
    {
        fixture x;
        std::vector<tx::tar_split_handle> leases;
        {
            auto const s = opened(x.f);
            auto const i = s.load(id_of(x.app)).value();
            leases.push_back(s.layer(i, 1).value());
            BOOST_TEST(!s.lookup(to_reference("localhost/gone:1")));
            auto const blob = s.blob(s.root(to_reference("localhost/app:1")).value()).value();
            tx::error_code ec;
            read_all(blob, ec);
            read_all(leases.back(), ec);
        }
        // the lease keeps the directory, and nothing else
        BOOST_TEST(open_descriptors() == before + 1);
    }
    BOOST_TEST(open_descriptors() == before);
}
