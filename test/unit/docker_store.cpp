//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/store/docker.hpp>

#define BOOST_TEST_MODULE docker_store
#include <boost/test/unit_test.hpp>

#include "docker_store_support.hpp"

#include <tarexport/names.hpp>
#include <tarexport/saver.hpp>
#include <tarexport/sink/memory.hpp>
#include <tarexport/store/memory.hpp>
#include <tarexport/testing/store.hpp>

#include <cerrno>
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

using namespace docker_tests;

static_assert(tx::store<docker_store>);
static_assert(tx::listing_store<docker_store>);
static_assert(!tx::content_store<docker_store>);
static_assert(tx::layer_handle<docker_store::handle>);
static_assert(tx::has_subject<docker_store::handle> && tx::has_subject<tx::tar_split_source>);
static_assert(std::is_nothrow_move_constructible_v<docker_store> && std::is_copy_constructible_v<docker_store>);

namespace {

files const base_files{{"etc/hosts", "localhost\n"}, {"empty", ""}};
files const app_files{{"app", std::string(100'000, 'a')}, {"etc/app.conf", "on\n"}};

// Everything that is in a directory, and when it last changed.
std::map<std::string, fs::file_time_type> state_of(fs::path const& folder)
{
    std::map<std::string, fs::file_time_type> found;
    for(auto const& e : fs::recursive_directory_iterator(folder))
        found.emplace(e.path().string(), fs::last_write_time(e.path()));
    return found;
}

std::string saved(auto const& store, tx::names const& requested)
{
    tx::memory_sink out;
    auto const report = tx::saver(store).save(requested, out);
    BOOST_TEST(report.ok(), message(report.reason));
    return std::string(out.bytes());
}

} // namespace

BOOST_AUTO_TEST_CASE(an_image_is_found_loaded_and_read_with_each_driver)
{
    for(std::string const driver : {"overlay2", "fuse-overlayfs", "vfs"}) {
        BOOST_TEST_CONTEXT(driver) {
            docker_folder f(driver);
            auto const base = f.add_layer(base_files), top = f.add_layer(app_files, base);
            auto const id = f.add_image(top, R"(,"created":"2024-01-02T03:04:05Z")");
            f.name("app", "app:1.0", id);
            f.finish();
            auto const before = state_of(f.path());
            auto const descriptors = open_descriptors();
            {
                docker_store const s(f.path().string() + "//");
                BOOST_TEST(s.path() == f.path().string());
                BOOST_TEST(s.driver() == driver);
                BOOST_TEST(s.lookup(to_reference("app:1.0")).value() == id);
                auto const i = s.load(id).value();
                BOOST_TEST(i.id == id);
                BOOST_TEST(i.diff_ids == top.diff_ids);
                BOOST_TEST(i.layers.empty());
                BOOST_TEST(!i.parent.has_value());
                std::size_t n = 0;
                for(auto const& l : {base, top}) {
                    auto const lease = s.layer(i, n++).value();
                    BOOST_TEST(lease.info().id.str() == l.diff_id);
                    BOOST_TEST(lease.info().size == l.tar.size());
                    BOOST_TEST(lease.info().media_type == tx::media_type::oci_layer);
                    BOOST_TEST(lease.subject() == f.path().string() + "/" + f.layer_name(l) + "/tar-split.json.gz");
                    for(std::size_t piece : {7u, 4096u, 1u << 20}) {
                        auto source = lease.open(0).value();
                        BOOST_TEST((read_all(source, piece) == l.tar));
                    }
                    auto tail = lease.open(700).value();
                    BOOST_TEST((read_all(tail) == l.tar.substr(700)));
                }
                auto const r = failure_of(s.layer(i, 2), error::missing_layer);
                BOOST_TEST(r.subject == id.str());
            }
            BOOST_TEST(open_descriptors() == descriptors);
            BOOST_TEST((state_of(f.path()) == before));
        }
    }
}

BOOST_AUTO_TEST_CASE(the_laws_of_stores_hold)
{
    docker_folder f;
    auto const base = f.add_layer(base_files), top = f.add_layer(app_files, base);
    // the same layer twice in one chain, as engines allow
    auto const twice = f.add_layer(base_files, base);
    auto const app = f.add_image(top), two = f.add_image(twice);
    f.name("app", "app:1.0", app);
    f.name("app", "app:latest", app);
    f.name("app", "app@" + tx::digest_of("a manifest").str(), app);
    f.name("registry.example:5000/team/app", "registry.example:5000/team/app:v2", app);
    f.name("dup", "dup:1", two);
    f.add_image(base);
    f.finish();
    auto const s = opened(f);
    BOOST_TEST(tx::testing::check_store(s) == strings());
    BOOST_TEST(s.list().value().size() == 3u);
}

BOOST_AUTO_TEST_CASE(names_are_those_of_the_engine)
{
    docker_folder f;
    auto const l = f.add_layer(base_files);
    auto const a = f.add_image(l, R"(,"author":"a")"), b = f.add_image(l, R"(,"author":"b")");
    auto const pulled = "sha256:" + std::string(64, '1');
    f.name("app", "app:latest", a);
    f.name("app", "app:1.0", b);
    f.name("app", "app@" + pulled, b);
    f.name("apples", "apples:1", a);
    f.name("u/app", "u/app:1", a);
    f.name("localhost:5000/x/y", "localhost:5000/x/y:1", b);
    f.finish();
    auto const s = opened(f);
    BOOST_TEST(s.lookup(to_reference("app")).value() == a);
    BOOST_TEST(s.lookup(to_reference("docker.io/library/app:1.0")).value() == b);
    BOOST_TEST(s.lookup(to_reference("app@" + pulled)).value() == b);
    // a digest beats the tag beside it, even one that there is not
    BOOST_TEST(s.lookup(to_reference("app:latest@" + pulled)).value() == b);
    BOOST_TEST(s.lookup(to_reference("app:nowhere@" + pulled)).value() == b);
    BOOST_TEST(s.lookup(to_reference("u/app:1")).value() == a);
    BOOST_TEST(s.lookup(to_reference("localhost:5000/x/y:1")).value() == b);
    // no repository without a tag means its latest, here as there
    BOOST_TEST(failure_of(s.lookup(to_reference("apples")), error::unknown_reference).subject == "apples");
    BOOST_TEST(failure_of(s.lookup(to_reference("app:2")), error::unknown_reference).subject == "app:2");
    failure_of(s.lookup(to_reference("app@sha256:" + std::string(64, '2'))), error::unknown_reference);
    strings const expected{"docker.io/library/app:1.0", "docker.io/library/app:latest", "docker.io/library/app@" + pulled};
    BOOST_TEST(texts(s.by_name(to_reference("app")).value()) == expected);
    BOOST_TEST(texts(s.by_name(to_reference("app:1.0")).value()) == expected);
    BOOST_TEST(texts(s.by_name(to_reference("u/app")).value()) == strings{"docker.io/u/app:1"});
    BOOST_TEST(s.by_name(to_reference("nobody")).value().empty());
}

BOOST_AUTO_TEST_CASE(names_that_the_engine_cannot_find_are_none)
{
    docker_folder f;
    auto const id = f.add_image(f.add_layer(base_files));
    auto const digest = "sha256:" + std::string(64, '1');
    f.name("app", "app:1.0", id);
    f.name("app", "app", id);                       // neither tag nor digest
    f.name("app", "app:1@" + digest, id);           // both
    f.name("app", "app:", id);                      // no reference
    f.name("app", "App:1", id);
    f.name("app", "app@sha256:12", id);
    f.name("app", "docker.io/library/app:2", id);   // not as the engine writes it
    f.name("app", "other:1", id);                   // under another repository
    f.finish();
    auto const s = opened(f);
    BOOST_TEST(texts(s.by_name(to_reference("app")).value()) == strings{"docker.io/library/app:1.0"});
    BOOST_TEST(s.by_name(to_reference("other")).value().empty());
    failure_of(s.lookup(to_reference("app:2")), error::unknown_reference);
    failure_of(s.lookup(to_reference("other:1")), error::unknown_reference);
    BOOST_TEST(tx::testing::check_store(s) == strings());
}

BOOST_AUTO_TEST_CASE(a_store_without_names_has_images)
{
    docker_folder f;
    auto const id = f.add_image(f.add_layer(base_files));
    auto const file = f.image_name("repositories.json");
    for(std::string const text : {"", "{}", R"({"Repositories":null})", R"({"Repositories":{"app":null}})", R"({"rEPOSITORIES":{}})"}) {
        BOOST_TEST_CONTEXT(text) {
            if(text.empty())
                fs::remove(f.path() / file);
            else
                f.write(file, text);
            auto const s = opened(f);
            BOOST_TEST(s.by_name(to_reference("app")).value().empty());
            BOOST_TEST(s.search(id.hex().substr(0, 1)).value() == id);
            BOOST_TEST((s.list().value() == std::vector<tx::listed_image>{{id, {}}}));
        }
    }
}

BOOST_AUTO_TEST_CASE(the_names_are_those_of_the_moment_when_the_store_was_opened)
{
    docker_folder f;
    auto const l = f.add_layer(base_files);
    auto const old = f.add_image(l, R"(,"author":"old")"), young = f.add_image(l, R"(,"author":"young")");
    f.name("app", "app:1", old);
    f.finish();
    auto const s = opened(f);
    f.name("app", "app:1", young);
    f.name("app", "app:2", young);
    f.finish();
    auto const copy = s;
    for(auto const& each : {s, copy}) {
        BOOST_TEST(each.lookup(to_reference("app:1")).value() == old);
        failure_of(each.lookup(to_reference("app:2")), error::unknown_reference);
    }
    BOOST_TEST(opened(f).lookup(to_reference("app:1")).value() == young);

    // what has been removed since is told
    fs::remove(f.path() / f.config_name(old));
    BOOST_TEST(contains(failure_of(s.load(old), error::unknown_image).detail, "removed since"));
    BOOST_TEST(failure_of(s.load(tx::digest_of("nobody")), error::unknown_image).detail.empty());
    failure_of(s.load(tx::digest_of<tx::sha512>(std::string_view("nobody"))), error::unknown_image);
}

BOOST_AUTO_TEST_CASE(ids_are_found_by_their_first_digits_where_the_engine_has_them)
{
    docker_folder f;
    auto const l = f.add_layer(base_files);
    // 17 images: two begin with the same digit
    std::map<char, std::vector<tx::digest>> by_digit;
    for(int n = 0; n != 17; ++n) {
        auto const id = f.add_image(l, ",\"author\":\"" + std::to_string(n) + '"');
        by_digit[id.hex()[0]].push_back(id);
    }
    auto const s = opened(f);
    for(auto const& [digit, ids] : by_digit) {
        auto const found = s.search(std::string(1, digit));
        if(ids.size() == 1)
            BOOST_TEST(found.value() == ids[0]);
        else
            failure_of(found, error::ambiguous_id);
        for(auto const& id : ids)
            BOOST_TEST(s.search("sha256:" + id.hex().substr(0, 12)).value() == id);
    }
    BOOST_TEST(s.search("").error().code == error::ambiguous_id);
    failure_of(s.search("xyz"), error::unknown_image);
    failure_of(s.search("sha512:" + by_digit.begin()->second[0].hex()), error::unknown_image);

    // Images without their layers, for another system or damaged are none to the engine, and do not stand in the way.
    auto const shared = std::ranges::find_if(by_digit, [](auto const& d) { return d.second.size() > 1; });
    BOOST_TEST_REQUIRE((shared != by_digit.end()));
    auto const& ids = shared->second;
    for(std::size_t n = 1; n != ids.size(); ++n)
        f.write(f.config_name(ids[n]), "damaged");
    BOOST_TEST(s.search(std::string(1, shared->first)).value() == ids[0]);
    auto const r = failure_of(s.search(ids[1].hex().substr(0, 12)), error::unknown_image);
    BOOST_TEST(contains(r.detail, f.config_name(ids[1])));
    auto const gone = f.add_config(docker_folder::config_of({"sha256:" + std::string(64, '0')}));
    BOOST_TEST(contains(failure_of(s.search(gone.hex()), error::unknown_image).detail, "missing layer"));
    auto const windows = f.add_config(R"({"os":"windows","rootfs":{"diff_ids":[")" + l.diff_id + "\"]}}");
    BOOST_TEST(contains(failure_of(s.search(windows.hex()), error::unknown_image).detail, "windows"));
    BOOST_TEST(s.load(windows).has_value());
    // one without layers is one
    auto const nothing = f.add_config(R"({"os":"windows","rootfs":{}})");
    BOOST_TEST(s.search(nothing.hex()).value() == nothing);
}

BOOST_AUTO_TEST_CASE(the_list_is_that_of_docker_images)
{
    docker_folder f;
    auto const l = f.add_layer(base_files);
    auto const made = [&](std::string const& time) { return f.add_image(l, R"(,"created":")" + time + '"'); };
    auto const base = made("2024-01-01T00:00:00Z"), step = made("2024-01-01T00:00:01Z"), app = made("2024-01-01T00:00:02.5Z");
    auto const dangling = made("2024-01-01T00:00:03Z"), pulled = made("2024-01-01T00:00:04Z"), old = made("1960-01-01T00:00:00Z");
    auto const undated = f.add_image(l);
    f.set_parent(step, base.str());
    f.set_parent(app, step.str());
    f.set_parent(dangling, "sha256:" + std::string(64, '1')); // which is not here any more
    f.set_parent(pulled, "no ID");
    f.name("base", "base:1", base);
    f.name("app", "app:2", app);
    f.name("app", "app:1", app);
    f.name("pulled", "pulled@sha256:" + std::string(64, '1'), pulled);
    f.name("gone", "gone:1", tx::digest_of("gone"));
    f.finish();
    auto const s = opened(f);
    std::vector<tx::listed_image> const expected{
        {pulled, {to_reference("pulled@sha256:" + std::string(64, '1'))}},
        {dangling, {}},
        {app, {to_reference("app:1"), to_reference("app:2")}},
        {base, {to_reference("base:1")}}, // a parent, but with a name
        {undated, {}},                    // as of 1970
        {old, {}},
    };
    BOOST_TEST((s.list().value() == expected));
    std::vector<tx::failure> unreadable;
    BOOST_TEST((s.list(unreadable) == expected));
    auto all = expected;
    all.insert(all.begin() + 3, {step, {}});
    BOOST_TEST((s.list(unreadable, true) == all));
    BOOST_TEST(unreadable.empty());
    BOOST_TEST(s.load(app).value().parent.value() == step);
    BOOST_TEST(s.load(step).value().parent.value() == base);
    BOOST_TEST(!s.load(base).value().parent.has_value());
    BOOST_TEST(!s.load(pulled).value().parent.has_value());

    // A parent whose children are none any more is a dangling image.
    fs::remove(f.path() / f.config_name(app));
    BOOST_TEST(s.list().value()[1].id == dangling);
    BOOST_TEST(s.list().value()[2].id == step);
}

BOOST_AUTO_TEST_CASE(an_image_that_cannot_be_read_fails_the_list_or_is_told)
{
    docker_folder f;
    auto const l = f.add_layer(base_files);
    auto const good = f.add_image(l), bad = f.add_image(l, R"(,"author":"bad")");
    f.write(f.config_name(bad), "damaged");
    auto const s = opened(f);
    auto const r = failure_of(s.list(), error::digest_mismatch);
    BOOST_TEST(contains(r.subject, f.config_name(bad)));
    std::vector<tx::failure> unreadable(3);
    auto const rows = s.list(unreadable);
    BOOST_TEST((rows == std::vector<tx::listed_image>{{good, {}}}));
    BOOST_TEST_REQUIRE(unreadable.size() == 1u);
    BOOST_TEST(unreadable[0].subject == f.path().string() + "/" + f.config_name(bad));
}

BOOST_AUTO_TEST_CASE(what_is_saved_is_the_same_from_memory)
{
    docker_folder f;
    auto const base = f.add_layer(base_files), top = f.add_layer(app_files, base);
    auto const parent = f.add_image(base, R"(,"created":"2024-01-02T03:04:05Z")");
    auto const app = f.add_image(top, R"(,"created":"2024-02-02T03:04:05.678Z")");
    f.set_parent(app, parent.str());
    f.name("app", "app:1.0", app);
    f.name("app", "app:latest", app);
    f.name("base", "base:1", parent);
    f.finish();
    auto const s = opened(f);

    tx::memory_store m;
    std::vector<tx::digest> const layers{m.add_layer(base.tar), m.add_layer(top.tar)};
    m.add_image(s.load(app).value().config, layers, {"app:1.0", "app:latest"}).value();
    m.add_image(s.load(parent).value().config, {layers[0]}, {"base:1"}).value();
    m.set_parent(app, parent).value();
    for(auto const& requested : {tx::names("app:1.0"), tx::names("app"), tx::names::of("app", "base:1"), tx::names(app.str())})
        BOOST_TEST((saved(s, requested) == saved(m, requested)));
    auto const descriptors = open_descriptors();
    auto const prefix = tx::names(app.hex().substr(0, 12));
    BOOST_TEST((saved(s, prefix) == saved(m, prefix)));
    BOOST_TEST(open_descriptors() == descriptors);
}

BOOST_AUTO_TEST_CASE(a_size_is_computed_once)
{
    docker_folder f;
    auto const base = f.add_layer(base_files), top = f.add_layer(app_files, base);
    auto const i = opened(f).load(f.add_image(top)).value();
    auto const s = opened(f);
    BOOST_TEST(s.layer(i, 1).value().info().size == top.tar.size());
    fs::remove_all(f.path() / f.layer_name(top));
    auto const lease = s.layer(i, 1).value();
    BOOST_TEST(lease.info().size == top.tar.size());
    BOOST_TEST(contains(failure_of(lease.open(0), system_error(ENOENT)).detail, "try again"));
    // another store has to compute it again
    failure_of(opened(f).layer(i, 1), error::missing_layer);
}

BOOST_AUTO_TEST_CASE(a_save_of_what_is_removed_meanwhile_fails_with_what_to_do)
{
    docker_folder f;
    auto const base = f.add_layer(base_files), top = f.add_layer(app_files, base);
    auto const id = f.add_image(top);
    auto const s = opened(f);
    tx::saver saver(s);
    auto const archive = saver.prepare(tx::names(id.str())).value();
    for(auto const& name : {f.tree_name(top) + "/app", f.tree_name(top), f.layer_name(top)}) {
        fs::remove_all(f.path() / name);
        tx::memory_sink out;
        auto const report = saver.write(archive, out);
        BOOST_TEST(!report.ok());
        BOOST_TEST(report.bytes < archive.contents.size());
        BOOST_TEST(contains(message(report.reason), (f.path() / name).string()));
        BOOST_TEST(contains(message(report.reason), "try again"));
    }
}

BOOST_AUTO_TEST_CASE(a_layer_that_is_another_fails_the_save)
{
    docker_folder f;
    auto const l = f.add_layer(app_files);
    auto const id = f.add_image(l);
    f.write(f.tree_name(l) + "/app", std::string(100'000, 'b'));
    auto const save = [&](bool check_files) {
        docker_store const s(f.path().string(), {.driver = {}, .layers = {.check_files = check_files}});
        tx::memory_sink out;
        return tx::saver(s).save(tx::names(id.str()), out).reason;
    };
    BOOST_TEST(save(false).code == error::digest_mismatch);
    auto const r = save(true);
    BOOST_TEST(r.code == error::digest_mismatch);
    BOOST_TEST(contains(r.subject, f.tree_name(l) + "/app"));
}

BOOST_AUTO_TEST_CASE(several_threads_may_ask_at_once)
{
    docker_folder f;
    std::vector<stored_layer> chain{f.add_layer({{"0", "0"}})};
    for(int n = 1; n != 20; ++n)
        chain.push_back(f.add_layer({{std::to_string(n), std::string(1000, 'x')}}, chain.back()));
    auto const id = f.add_image(chain.back());
    f.name("app", "app:1", id);
    f.finish();
    auto const s = opened(f);
    std::vector<int> wrong(8);
    {
        std::vector<std::jthread> threads;
        for(auto& w : wrong)
            threads.emplace_back([&] {
                auto const i = s.load(s.lookup(to_reference("app:1")).value()).value();
                for(std::size_t n = 0; n != chain.size(); ++n)
                    w += s.layer(i, n).value().info().size == chain[n].tar.size() ? 0 : 1;
                w += s.search(id.hex()).value() == id ? 0 : 1;
                w += s.list().value().size() == 1 ? 0 : 1;
            });
    }
    for(auto const w : wrong)
        BOOST_TEST(w == 0);
}

BOOST_AUTO_TEST_CASE(foreign_descriptors_and_half_removed_layers_change_nothing)
{
    docker_folder f;
    auto const l = f.add_layer(base_files);
    auto const i = opened(f).load(f.add_image(l)).value();
    f.write(f.layer_name(l) + "/descriptor.json", R"({"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar","size":1})");
    f.write(f.layer_name(l) + "-1234-removing/diff", "sha256:00");
    f.write(f.image_name("layerdb/tmp/write-set-1/diff"), "");
    f.write(f.image_name("layerdb/mounts/1/parent"), "");
    f.write(f.image_name("imagedb/content/sha256/.tmp-config"), "");
    auto const s = opened(f);
    auto const lease = s.layer(i, 0).value();
    BOOST_TEST(lease.info().media_type == tx::media_type::oci_layer);
    BOOST_TEST(lease.info().urls.empty());
    auto source = lease.open(0).value();
    BOOST_TEST((read_all(source) == l.tar));
    BOOST_TEST(s.list().value().size() == 1u);
}
