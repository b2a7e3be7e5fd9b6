//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/detail/posix_layer_tree.hpp>

#define BOOST_TEST_MODULE posix_layer_tree
#include <boost/test/unit_test.hpp>

#include "layout_folder.hpp"

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/fsuid.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace fs = std::filesystem;
namespace tx = tarexport;
using tx::detail::layer_tree;
using tx::detail::posix_file;
using tx::detail::system_error_code;
using tx::error;
using tx::error_code;

namespace {

std::size_t open_descriptors()
{
    std::size_t n = 0;
    for([[maybe_unused]] auto const& e : fs::directory_iterator("/proc/self/fd"))
        ++n;
    return n;
}

// Trees named 0, 1, 2 .. from the top.
struct trees : layouts::temporary_folder {
    explicit trees(std::size_t count) : count_(count)
    {
        for(std::size_t n = 0; n != count; ++n)
            fs::create_directories(path() / std::to_string(n));
    }

    void link(std::string const& target, std::string const& name) const { fs::create_symlink(target, path() / name); }

    bool whiteout(std::string const& name) const { return ::mknod((path() / name).c_str(), S_IFCHR, makedev(0, 0)) == 0; }

    std::shared_ptr<std::vector<tx::path_below> const> places() const
    {
        auto const d = tx::shared_directory::open(path().string()).value();
        auto all = std::make_shared<std::vector<tx::path_below>>();
        for(std::size_t n = 0; n != count_; ++n)
            all->push_back({d, std::to_string(n)});
        return all;
    }

    layer_tree tree() const { return layer_tree(places()); }

    // The content of a file as both ways of looking find it, or the error.
    std::string find(std::string const& name) const
    {
        auto t = tree();
        auto const found = answer(t.open(name));
        BOOST_TEST(found == walked(name), name);
        return found;
    }

    // As on a system that does not help with resolving.
    std::string walked(std::string const& name) const
    {
        std::vector<tx::detail::unique_descriptor> fds;
        std::vector<int> roots;
        auto const all = places();
        for(auto const& p : *all) {
            error_code ec;
            fds.push_back(tx::detail::open_beneath(p.directory.fd(), p.path, ec));
            roots.push_back(fds.back().get());
        }
        error_code ec;
        auto const path = tx::detail::clean_path("/" + name);
        auto fd = tx::detail::overlay_walk(std::span(roots).first(1)).open(path, ec);
        if(ec == system_error_code(ENOENT) && roots.size() > 1)
            fd = tx::detail::overlay_walk(roots).open(path, ec);
        if(ec == system_error_code(EISDIR))
            ec = error::not_a_regular_file;
        auto f = tx::detail::only_regular(std::move(fd), ec);
        return answer(ec ? tx::result<posix_file>(tx::failure{ec, {}, {}}) : tx::result<posix_file>(std::move(f)));
    }

private:
    static std::string answer(tx::result<posix_file> const& f)
    {
        if(!f)
            return f.error().code.message();
        std::string text(static_cast<std::size_t>(f->size), '\0');
        error_code ec;
        BOOST_TEST(tx::detail::read_some_at(f->fd.get(), std::as_writable_bytes(std::span(text)), 0, ec) == text.size());
        return text;
    }

    std::size_t count_;
};

std::string said(int e) { return system_error_code(e).message(); }
std::string const irregular = tx::make_error_code(error::not_a_regular_file).message();

// Sees whatever is opened below a directory, by anybody.
class watch {
public:
    explicit watch(std::initializer_list<fs::path> paths) : fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC))
    {
        for(auto const& p : paths)
            BOOST_REQUIRE(::inotify_add_watch(fd_.get(), p.c_str(), IN_OPEN | IN_ACCESS) >= 0);
    }

    bool seen() const
    {
        char events[4096];
        return ::read(fd_.get(), events, sizeof events) > 0;
    }

private:
    tx::detail::unique_descriptor fd_;
};

} // namespace

BOOST_AUTO_TEST_CASE(files_of_the_own_tree)
{
    trees const t(1);
    t.write("0/a/b/file", "content");
    t.write("0/top", "x");
    t.write("0/..dots", "y");
    BOOST_TEST(t.find("a/b/file") == "content");
    BOOST_TEST(t.find("/a/b/file") == "content");
    BOOST_TEST(t.find("./a//b/./file") == "content");
    BOOST_TEST(t.find("a/nowhere/../b/file") == "content");
    BOOST_TEST(t.find("../../top") == "x");
    BOOST_TEST(t.find("..dots") == "y");
    BOOST_TEST(t.find("a/b/none") == said(ENOENT));
    BOOST_TEST(t.find("none/b/file") == said(ENOENT));
    BOOST_TEST(t.find("top/file") == said(ENOTDIR));
    for(auto const* name : {"", ".", "/", "..", "a", "a/b"})
        BOOST_TEST(t.find(name) == irregular);
    auto tree = t.tree();
    auto const file = tree.open("a/b/file").value();
    BOOST_TEST(file.size == 7u);
    BOOST_TEST((::fcntl(file.fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
    BOOST_TEST(tree.path_of("a//b") == (t.path() / "0/a/b").string());
    BOOST_TEST(tree.open("./none").error().subject == (t.path() / "0/none").string());
}

BOOST_AUTO_TEST_CASE(only_regular_files_and_no_waiting)
{
    trees const t(1);
    t.write("0/real", "x");
    t.link("real", "0/link");
    BOOST_REQUIRE(::mkfifo((t.path() / "0/fifo").c_str(), 0600) == 0);
    BOOST_TEST(t.find("link") == irregular);
    BOOST_TEST(t.find("fifo") == irregular);
    if(t.whiteout("0/white"))
        // what is marked as deleted is not there, however it is looked for
        BOOST_TEST((t.tree().open("white").has_error()));
    else
        BOOST_TEST_MESSAGE("skipped: a device, which only root can make");
}

BOOST_AUTO_TEST_CASE(symlinks_on_the_way_are_resolved_inside)
{
    trees const t(1);
    t.write("0/usr/lib/x", "library");
    t.link("usr/lib", "0/lib");
    t.link("/usr/lib", "0/abs");
    t.link("../../../../usr", "0/usr/up");
    t.link("lib/../../lib", "0/usr/dots");
    t.link("../lib", "0/usr/chain");
    t.link("/", "0/root");
    t.link("self", "0/self");
    t.link("pong", "0/ping");
    t.link("ping", "0/pong");
    t.link("nowhere", "0/dangling");
    BOOST_TEST(t.find("lib/x") == "library");
    BOOST_TEST(t.find("abs/x") == "library");
    BOOST_TEST(t.find("usr/up/lib/x") == "library");
    BOOST_TEST(t.find("usr/dots/x") == "library");
    BOOST_TEST(t.find("usr/chain/x") == "library");
    BOOST_TEST(t.find("root/root/root/usr/lib/x") == "library");
    BOOST_TEST(t.find("dangling/x") == said(ENOENT));
    BOOST_TEST(t.find("self/x") == irregular);
    BOOST_TEST(t.find("ping/x") == irregular);
    std::string deep;
    for(int i = 0; i != 40; ++i)
        deep += "root/";
    BOOST_TEST(t.find(deep + "usr/lib/x") == "library");
    BOOST_TEST(t.find(deep + "root/usr/lib/x") == irregular);
}

// Links that lead up and down make a long way of a short name.
BOOST_AUTO_TEST_CASE(walking_ends)
{
    trees const t(2);
    t.write("1/d/e/f/file", "x");
    std::string up;
    for(int i = 0; i != 800; ++i)
        up += "d/../";
    for(int i = 0; i != 30; ++i)
        t.link(up + "l" + std::to_string(i + 1), "1/l" + std::to_string(i));
    t.link("d/e/f", "1/l30");
    BOOST_TEST(t.walked("l30/file") == "x");
    BOOST_TEST(t.walked("l0/file") == irregular);
}

BOOST_AUTO_TEST_CASE(nothing_outside_is_opened)
{
    trees const t(2);
    t.write("outside/secret", "s");
    t.write("outside/d/secret", "s");
    t.write("0/in", "x");
    auto const outside = (t.path() / "outside").string();
    t.link(outside, "0/abs");
    t.link("../outside", "0/rel");
    t.link("../../../../../../../.." + outside, "0/far");
    t.link("/proc/self/cwd", "0/magic");
    t.link("/proc/self/root" + outside, "0/process");
    t.link(outside + "/secret", "0/final");
    t.link("../outside", "1/lower");
    watch const w{t.path() / "outside", t.path() / "outside/secret", t.path() / "outside/d"};
    for(auto const* name : {"abs/secret", "rel/secret", "far/secret", "abs/d/secret", "magic/secret", "process/secret", "final",
            "../outside/secret", "in/../../outside/secret", "lower/secret", "lower/../secret"}) {
        auto const found = t.find(name);
        BOOST_TEST((found == said(ENOENT) || found == irregular), name << ": " << found);
    }
    BOOST_TEST(t.find(outside + "/secret") == said(ENOENT));
    BOOST_TEST(!w.seen());
    // the watch does see
    error_code ec;
    auto const d = tx::detail::open_directory(t.path().string(), ec);
    BOOST_TEST(bool(tx::detail::open_beneath(d.get(), "outside/secret", ec)));
    BOOST_TEST(w.seen());
}

BOOST_AUTO_TEST_CASE(what_is_not_in_the_own_tree_is_looked_for_in_all)
{
    trees const t(3);
    t.write("0/own", "0");
    t.write("1/own", "1");
    t.write("1/middle", "1");
    t.write("2/middle", "2");
    t.write("2/d/below", "2");
    t.write("1/d/other", "1");
    t.write("0/d/mine", "0");
    BOOST_TEST(t.find("own") == "0");
    BOOST_TEST(t.find("middle") == "1");
    BOOST_TEST(t.find("d/below") == "2");
    BOOST_TEST(t.find("d/other") == "1");
    BOOST_TEST(t.find("d/mine") == "0");
    BOOST_TEST(t.find("d/none") == said(ENOENT));
    BOOST_TEST(t.find("d") == irregular);
    // only what is needed is opened
    auto tree = t.tree();
    auto const before = open_descriptors();
    tree.open("own").value();
    BOOST_TEST(open_descriptors() == before + 1);
    tree.open("middle").value();
    BOOST_TEST(open_descriptors() == before + 3);
}

// A file of this layer behind a symlink of a lower one: it was unpacked through a mount of both.
BOOST_AUTO_TEST_CASE(files_behind_symlinks_of_lower_layers)
{
    trees const t(3);
    t.link("usr/lib", "2/lib");
    t.write("2/usr/lib/old", "old");
    t.write("0/usr/lib/new", "new");
    t.link("/var/../usr", "1/abs");
    t.write("1/var/x", "x");
    BOOST_TEST(t.find("lib/new") == "new");
    BOOST_TEST(t.find("lib/old") == "old");
    BOOST_TEST(t.find("abs/lib/new") == "new");
    BOOST_TEST(t.find("lib/none") == said(ENOENT));
}

BOOST_AUTO_TEST_CASE(what_hides_lower_layers)
{
    trees const t(3);
    // a file hides a directory, a directory a file
    t.write("1/x", "file");
    t.write("2/x/in", "hidden");
    t.write("1/y/in", "dir");
    t.write("2/y", "hidden");
    t.write("2/y2/in", "seen");
    BOOST_TEST(t.find("x/in") == said(ENOTDIR));
    BOOST_TEST(t.find("x") == "file");
    BOOST_TEST(t.find("y/in") == "dir");
    BOOST_TEST(t.find("y2/in") == "seen");
    // fuse-overlayfs may mark by names
    t.write("1/.wh.gone", "");
    t.write("2/gone", "hidden");
    t.write("1/opaque/.wh..wh..opq", "");
    t.write("1/opaque/mine", "1");
    t.write("2/opaque/other", "hidden");
    BOOST_TEST(t.find("gone") == said(ENOENT));
    BOOST_TEST(t.find("opaque/mine") == "1");
    BOOST_TEST(t.find("opaque/other") == said(ENOENT));
    // overlayfs marks by devices and attributes
    t.write("2/white", "hidden");
    t.write("2/wd/in", "hidden");
    if(t.whiteout("1/white") && t.whiteout("1/wd")) {
        BOOST_TEST(t.find("white") == said(ENOENT));
        BOOST_TEST(t.find("wd/in") == said(ENOENT));
    }
    else
        BOOST_TEST_MESSAGE("skipped: whiteouts, which only root can make");
    for(auto const& name : {std::string("trusted.overlay.opaque"), std::string("user.overlay.opaque")}) {
        t.write("1/" + name + "/mine", "1");
        t.write("2/" + name + "/other", "hidden");
        BOOST_TEST(t.find(name + "/other") == "hidden");
        auto const d = (t.path() / "1" / name).string();
        if(::setxattr(d.c_str(), name.c_str(), "n", 1, 0) != 0) {
            BOOST_TEST_MESSAGE("skipped: " << name << ", which this user cannot set here");
            continue;
        }
        BOOST_TEST(t.find(name + "/other") == "hidden");
        BOOST_REQUIRE(::setxattr(d.c_str(), name.c_str(), "y", 1, 0) == 0);
        BOOST_TEST(t.find(name + "/other") == said(ENOENT));
        BOOST_TEST(t.find(name + "/mine") == "1");
    }
}

BOOST_AUTO_TEST_CASE(trees_that_are_not_there)
{
    trees const t(2);
    t.write("0/x", "x");
    fs::remove_all(t.path() / "1");
    auto tree = t.tree();
    BOOST_TEST(tree.open("x").has_value());
    auto const why = tree.open("y").error();
    BOOST_TEST((why.code == system_error_code(ENOENT)));
    BOOST_TEST(why.subject == (t.path() / "1").string());
    fs::remove_all(t.path() / "0");
    t.write("0", "a file");
    BOOST_TEST((t.tree().open("x").error().code == system_error_code(ENOTDIR)));
    fs::remove(t.path() / "0");
    t.link("1", "0");
    BOOST_TEST((t.tree().open("x").error().code == system_error_code(ELOOP)));
}

BOOST_AUTO_TEST_CASE(reading_leaves_access_times_alone)
{
    if(::geteuid() != 0) {
        BOOST_TEST_MESSAGE("skipped: who is not root may own other files");
        return;
    }
    trees const t(1);
    t.write("0/x", "content");
    auto const path = (t.path() / "0/x").string();
    timespec const old[2] = {{1'000'000, 0}, {2'000'000, 0}};
    BOOST_REQUIRE(::utimensat(AT_FDCWD, path.c_str(), old, 0) == 0);
    auto tree = t.tree();
    auto const f = tree.open("x").value();
    std::string text(7, '\0');
    error_code ec;
    tx::detail::read_some_at(f.fd.get(), std::as_writable_bytes(std::span(text)), 0, ec);
    struct stat s;
    BOOST_REQUIRE(::stat(path.c_str(), &s) == 0);
    BOOST_TEST(s.st_atime == 1'000'000);

    // Who may not leave them alone, because the file is another's, reads all the same.
    fs::permissions(t.path(), fs::perms::all);
    ::setfsuid(65534);
    auto others = t.tree();
    bool const opened = others.open("x").has_value() && others.open("x").has_value();
    bool const refused = ::open(path.c_str(), O_RDONLY | O_NOATIME | O_CLOEXEC) < 0;
    ::setfsuid(0);
    BOOST_TEST(opened);
    BOOST_TEST(refused);
}

BOOST_AUTO_TEST_CASE(no_descriptor_is_left_open)
{
    trees const t(3);
    t.write("2/a/b/c/file", "x");
    t.link("a/b", "1/link");
    auto const before = open_descriptors();
    for(int i = 0; i != 10; ++i)
        for(auto const* name : {"a/b/c/file", "link/c/file", "link/c/none", "link/../../x", "a/b", "x"})
            t.find(name);
    BOOST_TEST(open_descriptors() == before);
}
