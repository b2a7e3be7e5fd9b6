//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/sink/file.hpp>

#define BOOST_TEST_MODULE sink_file
#include <boost/test/unit_test.hpp>

#include "sink_support.hpp"

#include <tarexport/hash.hpp>
#include <tarexport/testing/sink.hpp>

#include <optional>
#include <type_traits>

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

using namespace support;
using namespace tarexport;
namespace testing = tarexport::testing;

static_assert(std::is_nothrow_move_constructible_v<file_sink> && std::is_nothrow_move_assignable_v<file_sink>);
static_assert(!std::is_copy_constructible_v<file_sink>);

namespace {

struct fixture {
    file_sink& out() { return sink; }
    std::string taken() { return contents(dir / "app.tar"); }
    bool appeared() { return std::filesystem::exists(dir / "app.tar"); }

    scratch dir;
    file_sink sink{dir / "app.tar"};
};

digest const some_etag = digest_of("some archive");

// The failure of a result that has none would be an error of its own.
template<class T>
failure reason(result<T> const& r)
{
    BOOST_TEST_REQUIRE(r.has_error());
    return r.error();
}

bool mentions(failure const& f, std::string_view what) { return f.detail.find(what) != std::string::npos; }

} // namespace

BOOST_AUTO_TEST_CASE(conforms)
{
    auto const before = testing::open_descriptors();
    for(auto const& sentence : testing::check_sink([] { return fixture(); }))
        BOOST_ERROR(sentence);
    BOOST_TEST(testing::open_descriptors() == before);
}

BOOST_AUTO_TEST_CASE(appears_when_committed_and_replaces_what_was_there)
{
    scratch const dir;
    put(dir / "app.tar", "old");
    file_sink k(dir / "app.tar");
    BOOST_TEST(k.subject() == dir / "app.tar");
    write_all(k, "new");
    BOOST_TEST(contents(dir / "app.tar") == "old");
    BOOST_TEST((dir.names() == name_set{"app.tar", "app.tar.part"}));
    error_code ec;
    k.commit(ec);
    BOOST_TEST(!ec.failed());
    BOOST_TEST(contents(dir / "app.tar") == "new");
    BOOST_TEST((dir.names() == name_set{"app.tar"}));
}

BOOST_AUTO_TEST_CASE(leaves_nothing_when_aborted_or_forgotten)
{
    scratch const dir;
    auto const before = testing::open_descriptors();
    put(dir / "app.tar", "old");
    {
        file_sink k(dir / "app.tar");
        write_all(k, "new");
        k.abort();
        BOOST_TEST((dir.names() == name_set{"app.tar"}));
    }
    {
        file_sink k(dir / "app.tar", {.sync = false});
        write_all(k, "new");
    }
    BOOST_TEST((dir.names() == name_set{"app.tar"}));
    BOOST_TEST(contents(dir / "app.tar") == "old");
    BOOST_TEST(testing::open_descriptors() == before);
}

BOOST_AUTO_TEST_CASE(does_not_sync_unless_asked_and_commits_all_the_same)
{
    scratch const dir;
    file_sink k(dir / "app.tar", {.sync = false});
    write_all(k, "new");
    error_code ec;
    k.commit(ec);
    BOOST_TEST(!ec.failed());
    BOOST_TEST(contents(dir / "app.tar") == "new");
}

BOOST_AUTO_TEST_CASE(a_finished_sink_takes_nothing)
{
    scratch const dir;
    for(bool const committed : {true, false}) {
        file_sink k(dir / "app.tar");
        error_code ec;
        if(committed)
            k.commit(ec);
        else
            k.abort();
        BOOST_TEST(k.write_some(to_bytes("x"), ec) == 0u);
        BOOST_TEST(ec == error::sink_finished);
        descriptor_guard const in(open_file("/dev/zero", O_RDONLY));
        BOOST_TEST(k.copy_some({in.get(), 0, 1}, ec) == 0u);
        BOOST_TEST(ec == error::sink_finished);
        k.commit(ec);
        BOOST_TEST(ec == error::sink_finished);
        k.abort();
        BOOST_TEST(std::filesystem::exists(dir / "app.tar") == committed);
        std::filesystem::remove(dir / "app.tar");
    }
}

BOOST_AUTO_TEST_CASE(moves)
{
    scratch const dir;
    file_sink a(dir / "a");
    write_all(a, "1");
    file_sink b(std::move(a));
    error_code ec;
    BOOST_TEST(a.write_some(to_bytes("x"), ec) == 0u);
    BOOST_TEST(ec == error::sink_finished);
    write_all(b, "2");
    file_sink c(dir / "c");
    c = std::move(b);
    BOOST_TEST((dir.names() == name_set{"a.part"}));
    BOOST_TEST(c.subject() == dir / "a");
    c.commit(ec);
    BOOST_TEST(!ec.failed());
    BOOST_TEST(contents(dir / "a") == "12");
}

BOOST_AUTO_TEST_CASE(obeys_the_umask)
{
    scratch const dir;
    auto const before = ::umask(027);
    {
        file_sink k(dir / "app.tar");
        error_code ec;
        k.commit(ec);
    }
    ::umask(before);
    struct stat s;
    BOOST_TEST_REQUIRE(::stat((dir / "app.tar").c_str(), &s) == 0);
    BOOST_TEST((s.st_mode & 0777u) == 0640u);
}

BOOST_AUTO_TEST_CASE(a_relative_path_means_the_directory_of_its_opening)
{
    auto const how = in_child([] {
        scratch const dir;
        if(::chdir(dir.path().c_str()) != 0)
            return 1;
        file_sink k("app.tar");
        if(::chdir("/") != 0)
            return 2;
        error_code ec;
        k.commit(ec);
        return !ec.failed() && dir.names() == name_set{"app.tar"} ? 0 : 3;
    });
    BOOST_TEST(how == 0);
}

BOOST_AUTO_TEST_CASE(one_save_at_a_time)
{
    scratch const dir;
    std::optional<file_sink> first(file_sink(dir / "app.tar"));
    write_all(*first, "first");
    auto const second = file_sink::create(dir / "app.tar");
    BOOST_TEST((reason(second).code == errc::device_or_resource_busy));
    BOOST_TEST(reason(second).subject == dir / "app.tar");
    BOOST_TEST(mentions(reason(second), "another save is writing " + (dir / "app.tar.part")));
    BOOST_TEST((reason(file_sink::resume(dir / "app.tar", some_etag)).code == errc::device_or_resource_busy));
    BOOST_TEST(contents(dir / "app.tar.part") == "first");

    // Another process too, and after it the name is free.
    auto const how = in_child([&] {
        auto const k = file_sink::create(dir / "app.tar");
        return k.has_error() && k.error().code == errc::device_or_resource_busy ? 0 : 1;
    });
    BOOST_TEST(how == 0);
    first.reset();
    BOOST_TEST(file_sink::create(dir / "app.tar").has_value());
}

BOOST_AUTO_TEST_CASE(does_not_publish_or_remove_what_is_not_its_own)
{
    scratch const dir;
    for(bool const abort : {false, true}) {
        file_sink k(dir / "app.tar");
        write_all(k, "mine");
        std::filesystem::remove(dir / "app.tar.part");
        put(dir / "app.tar.part", "somebody else's");
        error_code ec;
        if(abort)
            k.abort();
        else {
            k.commit(ec);
            BOOST_TEST((ec == errc::no_such_file_or_directory));
        }
    }
    BOOST_TEST((dir.names() == name_set{"app.tar.part"}));
    BOOST_TEST(contents(dir / "app.tar.part") == "somebody else's");
}

BOOST_AUTO_TEST_CASE(many_saves_to_one_name_give_one_whole_archive)
{
    scratch const dir;
    std::vector<pid_t> children;
    for(char c : {'a', 'b', 'c', 'd'}) {
        auto const child = ::fork();
        if(child == 0) {
            for(int i = 0; i != 50; ++i) {
                auto k = file_sink::create(dir / "app.tar", {.sync = false});
                if(!k) {
                    if(k.error().code != errc::device_or_resource_busy)
                        ::_exit(1);
                    continue;
                }
                error_code ec;
                for(int n = 0; n != 20; ++n)
                    k->write_some(to_bytes(std::string(100, c)), ec);
                if(i % 3 != 0)
                    k->commit(ec);
                if(ec.failed())
                    ::_exit(2);
            }
            ::_exit(0);
        }
        children.push_back(child);
    }
    for(auto const child : children) {
        int status = 0;
        ::waitpid(child, &status, 0);
        BOOST_TEST(status == 0);
    }
    BOOST_TEST((dir.names() == name_set{"app.tar"}));
    auto const text = contents(dir / "app.tar");
    BOOST_TEST(text == std::string(2000, text.at(0)));
}

BOOST_AUTO_TEST_CASE(a_killed_save_leaves_nothing_under_the_name)
{
    scratch const dir;
    auto const e = new_pipe();
    auto const child = ::fork();
    if(child == 0) {
        file_sink k(dir / "app.tar");
        error_code ec;
        k.write_some(to_bytes("half of the arch"), ec);
        if(::write(e[1], "!", 1) == 1)
            ::pause();
        ::_exit(1);
    }
    char c;
    BOOST_TEST_REQUIRE(::read(e[0], &c, 1) == 1);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(e[0]);
    ::close(e[1]);
    BOOST_TEST((dir.names() == name_set{"app.tar.part"}));
    BOOST_TEST(mentions(reason(file_sink::resume(dir / "app.tar", some_etag)), "app.tar.part.etag"));

    file_sink k(dir / "app.tar");
    write_all(k, "whole");
    error_code ec;
    k.commit(ec);
    BOOST_TEST(!ec.failed());
    BOOST_TEST(contents(dir / "app.tar") == "whole");
    BOOST_TEST((dir.names() == name_set{"app.tar"}));
}

// Names that no file can have, or that something else has.

BOOST_AUTO_TEST_CASE(refuses_an_empty_name)
{
    auto const why = reason(file_sink::create(""));
    BOOST_TEST((why.code == errc::invalid_argument));
    BOOST_TEST(message(why) == "output: Invalid argument (the file name is empty)");
    BOOST_CHECK_THROW(file_sink(""), save_error);
    BOOST_TEST((reason(file_sink::create(std::string("a\0b", 3))).code == errc::invalid_argument));
}

BOOST_AUTO_TEST_CASE(refuses_a_directory)
{
    scratch const dir;
    std::filesystem::create_directory(dir / "d");
    std::filesystem::create_directory_symlink("d", dir / "link");
    for(auto const& path : {dir / "d", dir / "d/", dir / "d/.", dir / "d/..", dir / "link", dir / "new/",
            std::string("/"), std::string("."), std::string("..")}) {
        auto const why = reason(file_sink::create(path));
        BOOST_TEST((why.code == errc::is_a_directory));
        BOOST_TEST(why.subject == path);
    }
    BOOST_TEST((dir.names() == name_set{"d", "link"}));
}

BOOST_AUTO_TEST_CASE(refuses_a_device_or_fifo)
{
    scratch const dir;
    BOOST_TEST_REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
    for(auto const& path : {std::string("/dev/null"), dir / "fifo"}) {
        auto const why = reason(file_sink::create(path));
        BOOST_TEST((why.code == errc::file_exists));
        BOOST_TEST(why.subject == path);
    }
    BOOST_TEST((dir.names() == name_set{"fifo"}));
}

BOOST_AUTO_TEST_CASE(refuses_a_missing_directory)
{
    scratch const dir;
    auto const why = reason(file_sink::create(dir / "missing/app.tar"));
    BOOST_TEST((why.code == errc::no_such_file_or_directory));
    BOOST_TEST(why.subject == dir / "missing/app.tar");
    BOOST_TEST(mentions(why, dir / "missing/"));
    put(dir / "file", "");
    BOOST_TEST((reason(file_sink::create(dir / "file/app.tar")).code == errc::not_a_directory));
}

BOOST_AUTO_TEST_CASE(refuses_what_is_no_plain_file_at_the_partial_name)
{
    scratch const dir;
    auto const refused = [&](std::string_view what) {
        auto const why = reason(file_sink::create(dir / "app.tar"));
        BOOST_TEST((why.code == errc::file_exists));
        BOOST_TEST(why.subject == dir / "app.tar");
        BOOST_TEST(mentions(why, what));
        BOOST_TEST((reason(file_sink::resume(dir / "app.tar", some_etag)).code == errc::file_exists));
    };
    put(dir / "victim", "precious");
    std::filesystem::create_symlink("victim", dir / "app.tar.part");
    refused("is a symbolic link");
    std::filesystem::remove(dir / "app.tar.part");
    std::filesystem::create_symlink("nowhere", dir / "app.tar.part");
    refused("is a symbolic link");
    std::filesystem::remove(dir / "app.tar.part");
    std::filesystem::create_hard_link(dir / "victim", dir / "app.tar.part");
    refused("has a second name");
    std::filesystem::remove(dir / "app.tar.part");
    BOOST_TEST_REQUIRE(::mkfifo((dir / "app.tar.part").c_str(), 0600) == 0);
    refused("not a regular file");
    {
        descriptor_guard const reader(open_file(dir / "app.tar.part", O_RDONLY | O_NONBLOCK));
        refused("not a regular file");
    }
    std::filesystem::remove(dir / "app.tar.part");
    std::filesystem::create_directory(dir / "app.tar.part");
    BOOST_TEST((reason(file_sink::create(dir / "app.tar")).code == errc::is_a_directory));
    BOOST_TEST(contents(dir / "victim") == "precious");
    BOOST_TEST((dir.names() == name_set{"app.tar.part", "victim"}));
}

BOOST_AUTO_TEST_CASE(a_new_file_that_cannot_be_used_is_removed)
{
    scratch const dir;
    std::filesystem::create_directory(dir / "app.tar.part.etag");
    auto const why = reason(file_sink::create(dir / "app.tar"));
    BOOST_TEST(mentions(why, "app.tar.part.etag"));
    BOOST_TEST((dir.names() == name_set{"app.tar.part.etag"}));
}

BOOST_AUTO_TEST_CASE(a_directory_that_cannot_be_written_is_an_error)
{
    auto const how = in_child([] {
        scratch const dir;
        ::chmod(dir.path().c_str(), 0755);
        if(::geteuid() != 0)
            ::chmod(dir.path().c_str(), 0555);
        else if(::seteuid(65534) != 0)
            return 1;
        auto const k = file_sink::create(dir / "app.tar");
        if(!k.has_error() || k.error().code != errc::permission_denied || k.error().subject != dir / "app.tar")
            return 2;
        return dir.names().empty() && ::seteuid(::getuid()) == 0 && ::chmod(dir.path().c_str(), 0755) == 0 ? 0 : 3;
    });
    BOOST_TEST(how == 0);
}

BOOST_AUTO_TEST_CASE(a_directory_that_cannot_be_read_is_no_error)
{
    auto const how = in_child([] {
        scratch const dir;
        ::chmod(dir.path().c_str(), 0333);
        if(::geteuid() == 0 && ::seteuid(65534) != 0)
            return 1;
        error_code ec;
        {
            file_sink k(dir / "app.tar");
            k.commit(ec);
        }
        if(::seteuid(::getuid()) != 0 || ::chmod(dir.path().c_str(), 0755) != 0)
            return 2;
        return !ec.failed() && dir.names() == name_set{"app.tar"} ? 0 : 3;
    });
    BOOST_TEST(how == 0);
}

BOOST_AUTO_TEST_CASE(a_name_that_became_a_directory_fails_the_commit)
{
    scratch const dir;
    file_sink k(dir / "app.tar");
    std::filesystem::create_directory(dir / "app.tar");
    error_code ec;
    k.commit(ec);
    BOOST_TEST((ec == errc::is_a_directory));
    k.abort();
    BOOST_TEST((dir.names() == name_set{"app.tar"}));
}

BOOST_AUTO_TEST_CASE(replaces_a_symbolic_link_and_not_what_it_points_to)
{
    scratch const dir;
    put(dir / "target", "old");
    std::filesystem::create_symlink("target", dir / "app.tar");
    file_sink k(dir / "app.tar");
    write_all(k, "new");
    error_code ec;
    k.commit(ec);
    BOOST_TEST(!ec.failed());
    BOOST_TEST(contents(dir / "target") == "old");
    BOOST_TEST(contents(dir / "app.tar") == "new");
    BOOST_TEST(!std::filesystem::is_symlink(dir / "app.tar"));
}

// Disks that are full.

BOOST_AUTO_TEST_CASE(a_file_size_limit_is_an_error_and_no_signal)
{
    auto const how = in_child([] {
        scratch const dir;
        file_sink k(dir / "app.tar");
        limit_file_size(1000);
        error_code ec;
        if(write_all(k, std::string(1500, 'x'), ec) != 1000 || ec != errc::file_too_large)
            return 1;
        put(dir / "in", std::string(900, 'x'));
        descriptor_guard const in(open_file(dir / "in", O_RDONLY));
        if(k.copy_some({in.get(), 0, 900}, ec) != 0 || ec != errc::file_too_large)
            return 2;
        k.abort();
        return dir.names() == name_set{"in"} ? 0 : 3;
    });
    BOOST_TEST(how == 0);
}

BOOST_AUTO_TEST_CASE(sets_room_aside)
{
    scratch const dir;
    auto const blocks = [&] {
        struct stat s;
        BOOST_REQUIRE(::stat((dir / "app.tar.part").c_str(), &s) == 0);
        return s.st_size == 0 ? s.st_blocks * 512 : -1;
    };
    file_sink k(dir / "app.tar");
    k.reserve(0).value();
    BOOST_TEST(blocks() == 0);
    k.reserve(1 << 20).value();
    if(blocks() == 0)
        BOOST_TEST_MESSAGE("SKIPPED: this file system sets no room aside");
    else
        BOOST_TEST(blocks() >= 1 << 20);
    error_code ec;
    write_all(k, "less than was reserved", ec);
    k.commit(ec);
    BOOST_TEST(contents(dir / "app.tar") == "less than was reserved");

    file_sink much(dir / "app.tar");
    for(auto const size : {std::uint64_t{1} << 62, ~std::uint64_t{0}}) {
        auto const why = reason(much.reserve(size));
        BOOST_TEST((why.code == errc::no_space_on_device || why.code == errc::file_too_large));
        BOOST_TEST(why.subject == dir / "app.tar");
        BOOST_TEST(mentions(why, std::to_string(size)));
    }
    write_all(much, "goes on", ec);
    much.commit(ec);
    BOOST_TEST(contents(dir / "app.tar") == "goes on");
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_an_error)
{
    constexpr int cannot_mount = 77;
    auto const how = in_child([] {
        scratch const dir;
        scratch const elsewhere;
        if(::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
            return cannot_mount;
        if(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("none", dir.path().c_str(), "tmpfs", 0, "size=64k") != 0)
            return cannot_mount;
        int code = 0;
        {
            file_sink k(dir / "app.tar");
            error_code ec;
            auto const n = write_all(k, std::string(100'000, 'x'), ec);
            if(n == 0 || n > 65536 || ec != errc::no_space_on_device || k.subject() != dir / "app.tar")
                code = 1;
            put(elsewhere / "in", std::string(100'000, 'y'));
            descriptor_guard const in(open_file(elsewhere / "in", O_RDONLY));
            if(k.copy_some({in.get(), 0, 100'000}, ec) != 0 || ec != errc::no_space_on_device)
                code = 2;
            k.abort();
        }
        if(!dir.names().empty())
            code = 3;
        ::umount(dir.path().c_str());
        return code;
    });
    if(how == cannot_mount)
        BOOST_TEST_MESSAGE("not allowed to mount a small file system");
    else
        BOOST_TEST(how == 0);
}
