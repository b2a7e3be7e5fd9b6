//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// What the Docker store does with directories that are no data root, are damaged, or mean harm.

#include <tarexport/store/docker.hpp>

#define BOOST_TEST_MODULE docker_store_hostile
#include <boost/test/unit_test.hpp>

#include "docker_store_support.hpp"

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

using namespace docker_tests;

namespace {

constexpr std::uintmax_t gibibyte = std::uintmax_t{1} << 30;

struct one_image {
    docker_folder f;
    stored_layer base = f.add_layer({{"etc/hosts", "localhost\n"}});
    stored_layer top = f.add_layer({{"app", "program"}}, base);
    tx::digest id = f.add_image(top);
    tx::image image = opened(f).load(id).value();

    fs::path path(std::string const& name) const { return f.path() / name; }

    // What asking for the top layer gives, with a store that knows nothing yet.
    tx::failure check(error code, std::string const& subject) const
    {
        auto const r = failure_of(opened(f).layer(image, 1), code);
        BOOST_TEST(r.subject == path(subject).string());
        BOOST_TEST(contains(r.detail, "layer 1 of image " + id.str()));
        return r;
    }
};

// Puts something else in the place of a file, checks, and puts it back.
template<class Check>
void in_place_of(fs::path const& path, Check check)
{
    fs::path const aside = path.string() + "-moved";
    fs::rename(path, aside);
    fs::create_symlink(aside.filename(), path);
    check();
    fs::remove(path);
    BOOST_REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    check();
    fs::remove(path);
    fs::create_directory(path);
    check();
    fs::remove(path);
    fs::rename(aside, path);
}

// As a user who is not root, and may read nothing that is not everybody's.
class other_user {
public:
    other_user() { BOOST_REQUIRE(::geteuid() != 0 || ::seteuid(65534) == 0); }
    ~other_user()
    {
        if(::getuid() == 0)
            BOOST_TEST(::seteuid(0) == 0);
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(what_is_no_data_root_is_told)
{
    layouts::temporary_folder f;
    auto const path = f.path().string();
    auto const what = [&] {
        auto const r = failure_of(docker_store::open(path), error::unsupported_store);
        BOOST_TEST(r.subject == path);
        BOOST_TEST((r.code == tx::condition::bad_request));
        return r.detail;
    };
    BOOST_TEST(contains(what(), "empty"));
    BOOST_TEST(contains(what(), "docker info"));
    struct sign {
        char const* name;
        char const* sentence;
    };
    for(auto const& [name, sentence] : {sign{"something/else", "no directory image"}, sign{"graph/", "before 1.10"},
            sign{"engine-id", "containerd"}, sign{"containerd/daemon/", "containerd image store"},
            sign{"io.containerd.content.v1.content/blobs/", "root of containerd"}, sign{"oci-layout", "OCI image layout"},
            sign{"overlay-images/images.json", "podman"}, sign{"imagedb/content/", "give the directory that has image/"},
            sign{"165536.165536/image/overlay2/", "userns-remap"}}) {
        BOOST_TEST_CONTEXT(name) {
            f.write(std::string(name) + (std::string_view(name).back() == '/' ? "file" : ""), "");
            BOOST_TEST(contains(what(), sentence));
        }
    }
    BOOST_TEST(contains(what(), path + "/165536.165536"));
    f.write("image/file", "");
    BOOST_TEST(contains(what(), "nothing of a storage driver"));

    f.write("file", "");
    BOOST_TEST(contains(failure_of(docker_store::open(path + "/file"), system_error(ENOTDIR)).detail, "docker info"));
    auto const r = failure_of(docker_store::open(path + "/nowhere"), system_error(ENOENT));
    BOOST_TEST(r.subject == path + "/nowhere");
    BOOST_TEST(contains(r.detail, "docker info"));
    BOOST_CHECK_EXCEPTION(docker_store(path + "/nowhere"), tx::save_error,
        [](tx::save_error const& e) { return e.code() == system_error(ENOENT); });
}

BOOST_AUTO_TEST_CASE(the_storage_driver_is_found_or_named)
{
    docker_folder f("btrfs");
    auto const open = [&](std::string driver = {}) { return docker_store::open(f.path().string(), {std::move(driver), {}}); };
    auto const refused = [&](std::string driver = {}) { return failure_of(open(std::move(driver)), error::unsupported_store).detail; };
    for(std::string const name : {"btrfs", "zfs", "aufs", "overlay", "devicemapper", "windowsfilter", "a-plugin"}) {
        fs::rename(f.path() / "image", f.path() / "other");
        fs::create_directories(f.path() / "image" / name);
        auto const said = refused();
        BOOST_TEST(contains(said, "storage driver " + name));
        BOOST_TEST(contains(said, "overlay2"));
        BOOST_TEST(refused(name) == said);
        fs::remove_all(f.path() / "image");
        fs::rename(f.path() / "other", f.path() / "image");
    }
    // one without images beside it is the engine's former one, or its next
    f.write("image/vfs/repositories.json", "{}");
    BOOST_TEST(open().value().driver() == "vfs");
    f.write("image/overlay2/repositories.json", "{}");
    BOOST_TEST(open().value().driver() == "overlay2");
    BOOST_TEST(open("vfs").value().driver() == "vfs");
    auto const config = [](std::string const& driver) { return "image/" + driver + "/imagedb/content/sha256/" + std::string(64, '1'); };
    f.write(config("vfs"), "");
    BOOST_TEST(open().value().driver() == "vfs");
    f.write(config("overlay2"), "");
    BOOST_TEST(contains(refused(), "overlay2, vfs"));
    BOOST_TEST(open("overlay2").value().driver() == "overlay2");
    BOOST_TEST(contains(refused("fuse-overlayfs"), "btrfs, overlay2, vfs"));
    BOOST_TEST(contains(refused("../image/vfs"), "not of"));
    fs::remove_all(f.path() / "image/overlay2");
    fs::remove_all(f.path() / "image/vfs");
    f.write(config("btrfs"), "");
    f.write("image/overlay2/repositories.json", "{}");
    BOOST_TEST(contains(refused(), "storage driver btrfs"));
}

BOOST_AUTO_TEST_CASE(an_engine_that_was_switched_to_containerd_is_told)
{
    docker_folder f;
    BOOST_TEST(opened(f).list().value().empty());
    f.write("containerd/daemon/io.containerd.content.v1.content/blobs/sha256/" + std::string(64, '1'), "");
    BOOST_TEST(contains(failure_of(docker_store::open(f.path().string()), error::unsupported_store).detail, "containerd image store"));
    BOOST_TEST(opened(f, "overlay2").list().value().empty());
    f.add_image(f.add_layer({}));
    BOOST_TEST(opened(f).list().value().size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_only_root_may_read_is_told)
{
    one_image const x;
    auto const check = [&](std::string const& name, auto call) {
        BOOST_TEST_CONTEXT(name) {
            fs::permissions(x.path(name), fs::perms::none);
            {
                other_user const someone;
                auto const r = failure_of(call(), system_error(EACCES));
                BOOST_TEST(contains(r.subject, name));
                BOOST_TEST(contains(r.detail, "run as root"));
            }
            fs::permissions(x.path(name), fs::perms::all);
        }
    };
    auto const open = [&] { return docker_store::open(x.f.path().string()); };
    for(auto const& e : fs::recursive_directory_iterator(x.f.path()))
        fs::permissions(e.path(), fs::perms::all);
    check("", open);
    check("image", open);
    check(x.f.image_name("repositories.json"), open);
    auto const s = open().value();
    check(x.f.config_name(x.id), [&] { return s.load(x.id); });
    check(x.f.layer_name(x.top), [&] { return s.layer(x.image, 1); });
    check(x.f.layer_name(x.top) + "/diff", [&] { return s.layer(x.image, 1); });
    check(x.f.tree_name(x.top), [&] { return s.layer(x.image, 1); });
    BOOST_TEST(s.layer(x.image, 1).has_value());
}

BOOST_AUTO_TEST_CASE(repositories_must_be_what_they_should)
{
    one_image const x;
    auto const file = x.f.image_name("repositories.json");
    auto const refused = [&](error code) {
        auto const r = failure_of(docker_store::open(x.f.path().string()), code);
        BOOST_TEST(r.subject == x.path(file).string());
        return r.detail;
    };
    in_place_of(x.path(file), [&] { refused(error::not_a_regular_file); });
    for(auto const* text : {"", "{", "no JSON", R"({"Repositories":{}} trailing)"}) {
        x.f.write(file, text);
        refused(error::invalid_json);
    }
    for(auto const* text : {"[]", R"({"Repositories":[]})", R"({"Repositories":{"app":"x"}})", R"({"Repositories":{"app":{"app:1":1}}})"}) {
        x.f.write(file, text);
        refused(error::invalid_document);
    }
    for(auto const* id : {"", "null", "1b0778293978", "sha256:12", "../../etc/passwd"}) {
        x.f.write(file, R"({"Repositories":{"app":{"app:1":")" + std::string(id) + "\"}}}");
        BOOST_TEST(contains(refused(error::invalid_document), "app:1"));
    }
    x.f.write(file, R"({"Repositories":{"app":{"app:1":")" + std::string(1'000'000, 'x') + "\"}}}");
    BOOST_TEST(refused(error::invalid_document).size() < 300u);
    x.f.write(file, std::string(100, '['));
    refused(error::limit_exceeded);
    fs::resize_file(x.path(file), gibibyte);
    refused(error::limit_exceeded);
}

BOOST_AUTO_TEST_CASE(configs_must_be_what_their_ids_say)
{
    one_image const x;
    auto const s = opened(x.f);
    auto const file = x.f.config_name(x.id);
    auto const refused = [&](error code) {
        auto const r = failure_of(s.load(x.id), code);
        BOOST_TEST(r.subject == x.path(file).string());
        BOOST_TEST(s.search(x.id.hex()).error().code == error::unknown_image);
        BOOST_TEST(s.list().error().code == code);
    };
    in_place_of(x.path(file), [&] { refused(error::not_a_regular_file); });
    BOOST_TEST(s.load(x.id).has_value());
    x.f.write(file, x.image.config + " ");
    refused(error::digest_mismatch);
    fs::resize_file(x.path(file), gibibyte);
    refused(error::limit_exceeded);

    docker_folder f;
    auto const odd = [&](std::string const& text, error code) {
        auto const id = f.add_config(text);
        auto const r = failure_of(opened(f).load(id), code);
        BOOST_TEST(r.subject == id.str());
    };
    odd("", error::invalid_json);
    odd("{}", error::invalid_config);
    odd(R"({"rootfs":{"diff_ids":"none"}})", error::invalid_config);
    odd(std::string(1000, '['), error::limit_exceeded);
}

BOOST_AUTO_TEST_CASE(parents_of_images_are_read_with_care)
{
    one_image x;
    auto const file = x.f.image_name("imagedb/metadata/sha256/" + x.id.hex() + "/parent");
    auto const s = opened(x.f);
    for(auto const* text : {"", "x", "sha256:12", "sha256:../../../../etc/passwd", "\xff"}) {
        x.f.set_parent(x.id, text);
        BOOST_TEST(!s.load(x.id).value().parent.has_value());
    }
    in_place_of(x.path(file), [&] {
        BOOST_TEST(failure_of(s.load(x.id), error::not_a_regular_file).subject == x.path(file).string());
    });
    fs::resize_file(x.path(file), gibibyte);
    failure_of(s.load(x.id), error::limit_exceeded);

    // Cycles: an image that is its own parent, and two that are each other's. Each has a child, so that none is listed without a name.
    x.f.set_parent(x.id, x.id.str());
    BOOST_TEST(s.list().value().empty());
    auto const other = x.f.add_image(x.base);
    x.f.set_parent(x.id, other.str());
    x.f.set_parent(other, x.id.str());
    BOOST_TEST(s.list().value().empty());
    x.f.name("app", "app:1", other);
    x.f.finish();
    BOOST_TEST(opened(x.f).list().value().size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_the_layer_database_says_is_checked)
{
    one_image const x;
    auto const folder = x.f.layer_name(x.top);
    auto const zero = "sha256:" + std::string(64, '0');
    for(std::string const name : {"diff", "parent", "cache-id"}) {
        BOOST_TEST_CONTEXT(name) {
            auto const file = folder + "/" + name;
            auto const good = name == "diff" ? x.top.diff_id : name == "parent" ? x.base.chain_id : x.top.cache_id;
            for(std::string const text : {"", "sha256:12", "sha512:00", "../../../../../etc", "..", ".", "/", "/etc", "\xff\x00"}) {
                x.f.write(file, text);
                x.check(error::invalid_document, file);
            }
            x.f.write(file, good + "x");
            x.check(error::invalid_document, file);
            x.f.write(file, " \n" + good + "\n"); // which the engine trims
            BOOST_TEST(opened(x.f).layer(x.image, 1).has_value());
            fs::resize_file(x.path(file), gibibyte);
            x.check(error::limit_exceeded, file);
            x.f.write(file, good);
            in_place_of(x.path(file), [&] {
                x.check(error::not_a_regular_file, file);
            });
            fs::remove(x.path(file));
            if(name == "parent")
                BOOST_TEST(contains(x.check(error::digest_mismatch, file).detail, "found none"));
            else
                x.check(error::missing_layer, file);
            x.f.write(file, good);
            BOOST_TEST(opened(x.f).layer(x.image, 1).has_value());
        }
    }
    x.f.write(folder + "/cache-id", std::string(63, 'a') + 'A');
    x.check(error::invalid_document, folder + "/cache-id");
    x.f.write(folder + "/cache-id", x.top.cache_id);
    // another layer than the image has, or on top of others: also of itself
    x.f.write(folder + "/diff", zero);
    BOOST_TEST(contains(x.check(error::digest_mismatch, folder + "/diff").detail, "expected " + x.top.diff_id));
    x.f.write(folder + "/diff", x.top.diff_id);
    for(auto const& parent : {zero, x.top.chain_id}) {
        x.f.write(folder + "/parent", parent);
        x.check(error::digest_mismatch, folder + "/parent");
    }
    x.f.write(folder + "/parent", x.base.chain_id);
    x.f.write(x.f.layer_name(x.base) + "/parent", x.top.chain_id);
    BOOST_TEST(contains(x.check(error::digest_mismatch, x.f.layer_name(x.base) + "/parent").detail, "expected none"));
}

BOOST_AUTO_TEST_CASE(sizes_of_layers_are_numbers_whose_sum_is_one)
{
    one_image x;
    auto const third = x.f.add_layer({{"more", "text"}}, x.top);
    auto const image = opened(x.f).load(x.f.add_image(third)).value();
    auto const size = [&](std::string const& text) {
        x.f.write(x.f.layer_name(third) + "/size", text);
        return opened(x.f).unpacked_size(image);
    };
    std::string const most = "9223372036854775807"; // as the engine has it
    x.f.write(x.f.layer_name(x.base) + "/size", most);
    x.f.write(x.f.layer_name(x.top) + "/size", most);
    BOOST_TEST(size("1").value() == std::numeric_limits<std::uint64_t>::max());
    for(std::string const text : {"2", "9223372036854775807"})
        BOOST_TEST(failure_of(size(text), error::limit_exceeded).subject == image.id.str());
    for(std::string const text : {"", "-1", "+1", "1k", "9223372036854775808", "18446744073709551615"})
        BOOST_TEST(contains(failure_of(size(text), error::invalid_document).subject, x.f.layer_name(third) + "/size"));
}

BOOST_AUTO_TEST_CASE(a_layer_that_is_gone_is_told_with_what_to_do)
{
    one_image const x;
    auto const gone = [&](std::string const& name) {
        fs::rename(x.path(name), x.path("aside"));
        auto const r = x.check(error::missing_layer, name);
        BOOST_TEST(contains(message(r), "try again"));
        fs::rename(x.path("aside"), x.path(name));
    };
    gone(x.f.layer_name(x.top));
    gone(x.f.layer_name(x.base));
    gone(x.f.layer_name(x.top) + "/tar-split.json.gz");
    gone(x.f.tree_name(x.top));
    BOOST_TEST(opened(x.f).layer(x.image, 1).has_value());

    auto image = x.image;
    image.diff_ids[1] = "sha256:" + std::string(64, '0');
    failure_of(opened(x.f).layer(image, 1), error::missing_layer);
    BOOST_TEST(opened(x.f).layer(image, 0).has_value());
    for(auto const* id : {"", "sha256", "../../../etc", "sha256:../../x"}) {
        image.diff_ids[0] = id;
        failure_of(opened(x.f).layer(image, 0), error::missing_layer);
        failure_of(opened(x.f).layer(image, 1), error::missing_layer);
    }
    image.diff_ids.assign(4000, x.base.diff_id);
    failure_of(opened(x.f).layer(image, 3999), error::limit_exceeded);
}

BOOST_AUTO_TEST_CASE(no_symlink_leads_away)
{
    one_image const x;
    auto const tree = x.f.tree_name(x.top);
    for(auto const& name : {x.f.image_name("layerdb"), x.f.image_name("layerdb/sha256"), x.f.layer_name(x.top), tree,
            fs::path(tree).parent_path().string(), std::string("overlay2")}) {
        BOOST_TEST_CONTEXT(name) {
            fs::rename(x.path(name), x.path("aside"));
            fs::create_directory_symlink(x.path("aside"), x.path(name));
            auto const r = failure_of(opened(x.f).layer(x.image, 1), system_error(ELOOP));
            BOOST_TEST(contains(r.detail, "no symbolic link is followed"));
            fs::remove(x.path(name));
            x.f.write(name, "a file");
            failure_of(opened(x.f).layer(x.image, 1), error::missing_layer);
            fs::remove(x.path(name));
            fs::rename(x.path("aside"), x.path(name));
        }
    }
    for(auto const& name : {std::string("image"), std::string("image/overlay2"), x.f.image_name("imagedb")}) {
        BOOST_TEST_CONTEXT(name) {
            fs::rename(x.path(name), x.path("aside"));
            fs::create_directory_symlink(x.path("aside"), x.path(name));
            auto const r = failure_of(docker_store::open(x.f.path().string()), system_error(ELOOP));
            BOOST_TEST(contains(r.detail, "no symbolic link is followed"));
            fs::remove(x.path(name));
            fs::rename(x.path("aside"), x.path(name));
        }
    }
    // but the user may give one
    fs::create_directory_symlink(x.f.path(), x.path("link"));
    BOOST_TEST(docker_store(x.path("link").string()).layer(x.image, 1).has_value());
}

BOOST_AUTO_TEST_CASE(a_record_must_be_a_file)
{
    one_image const x;
    auto const file = x.f.layer_name(x.top) + "/tar-split.json.gz";
    in_place_of(x.path(file), [&] {
        x.check(error::not_a_regular_file, file);
    });
    fs::resize_file(x.path(file), 10);
    auto const r = opened(x.f).layer(x.image, 1);
    BOOST_TEST_REQUIRE(r.has_error());
    BOOST_TEST(r.error().subject == x.path(file).string());
}
