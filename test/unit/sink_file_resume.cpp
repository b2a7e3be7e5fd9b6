//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/sink/file.hpp>

#define BOOST_TEST_MODULE sink_file_resume
#include <boost/test/unit_test.hpp>

#include "sink_support.hpp"

#include <tarexport/hash.hpp>
#include <tarexport/testing/sink.hpp>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace support;
using namespace tarexport;
namespace testing = tarexport::testing;

namespace {

digest const some_etag = digest_of("some archive");
digest const other_etag = digest_of("another archive");

// Leaves a partial file of some archive.
void leave_partial(std::string const& path, std::string_view text)
{
    file_sink k(path, {.keep_partial = true});
    k.remember(some_etag).value();
    write_all(k, text);
    k.abort();
}

void write_at(file_sink& k, std::uint64_t position, std::string_view text)
{
    error_code ec;
    auto const bytes = to_bytes(text);
    BOOST_TEST(k.write_at(position, {&bytes, 1}, ec) == text.size());
    BOOST_TEST(!ec.failed());
}

// The failure of a result that has none would be an error of its own.
template<class T>
failure reason(result<T> const& r)
{
    BOOST_TEST_REQUIRE(r.has_error());
    return r.error();
}

bool mentions(failure const& f, std::string_view what) { return f.detail.find(what) != std::string::npos; }

} // namespace

BOOST_AUTO_TEST_CASE(an_aborted_save_can_be_resumed)
{
    scratch const dir;
    auto const before = testing::open_descriptors();
    leave_partial(dir / "app.tar", "0123456789");
    BOOST_TEST((dir.names() == name_set{"app.tar.part", "app.tar.part.etag"}));
    BOOST_TEST(contents(dir / "app.tar.part.etag") == some_etag.str() + '\n');
    {
        auto k = file_sink::resume(dir / "app.tar", some_etag, {.keep_partial = true}).value();
        BOOST_TEST(k.offset() == 10u);
        k.remember(some_etag).value();
        write_all(k, "abc");
    }
    {
        auto k = file_sink::resume(dir / "app.tar", some_etag, {.archive_size = 16}).value();
        BOOST_TEST(k.offset() == 13u);
        write_all(k, "def");
        error_code ec;
        k.commit(ec);
        BOOST_TEST(!ec.failed());
    }
    BOOST_TEST(contents(dir / "app.tar") == "0123456789abcdef");
    BOOST_TEST((dir.names() == name_set{"app.tar"}));
    BOOST_TEST(testing::open_descriptors() == before);
}

BOOST_AUTO_TEST_CASE(a_resumed_save_continues_after_copies)
{
    scratch const dir;
    leave_partial(dir / "app.tar", "01234");
    put(dir / "in", "56789");
    descriptor_guard const in(open_file(dir / "in", O_RDONLY));
    auto k = file_sink::resume(dir / "app.tar", some_etag).value();
    error_code ec;
    BOOST_TEST(k.copy_some({in.get(), 0, 5}, ec) == 5u);
    k.commit(ec);
    BOOST_TEST(contents(dir / "app.tar") == "0123456789");
}

BOOST_AUTO_TEST_CASE(a_resumed_file_can_be_cut)
{
    scratch const dir;
    leave_partial(dir / "app.tar", "0123456789");
    auto k = file_sink::resume(dir / "app.tar", some_etag).value();
    error_code ec;
    k.cut(4, ec);
    BOOST_TEST(!ec.failed());
    BOOST_TEST(k.offset() == 4u);
    write_all(k, "xyz");
    k.commit(ec);
    BOOST_TEST(contents(dir / "app.tar") == "0123xyz");
}

BOOST_AUTO_TEST_CASE(nothing_is_kept_that_cannot_be_resumed)
{
    scratch const dir;
    {
        file_sink k(dir / "app.tar", {.keep_partial = true});
        write_all(k, "0123456789");
    }
    BOOST_TEST(dir.names().empty());
    {
        file_sink k(dir / "app.tar");
        k.remember(some_etag).value();
        BOOST_TEST((dir.names() == name_set{"app.tar.part"}));
    }
    BOOST_TEST(dir.names().empty());
}

BOOST_AUTO_TEST_CASE(a_new_save_forgets_the_partial_file)
{
    scratch const dir;
    leave_partial(dir / "app.tar", "0123456789");
    file_sink k(dir / "app.tar");
    BOOST_TEST(k.offset() == 0u);
    BOOST_TEST((dir.names() == name_set{"app.tar.part"}));
    write_all(k, "x");
    error_code ec;
    k.commit(ec);
    BOOST_TEST(contents(dir / "app.tar") == "x");
}

BOOST_AUTO_TEST_CASE(a_committed_save_removes_the_etag)
{
    scratch const dir;
    file_sink k(dir / "app.tar", {.keep_partial = true});
    k.remember(some_etag).value();
    error_code ec;
    k.commit(ec);
    BOOST_TEST((dir.names() == name_set{"app.tar"}));
}

BOOST_AUTO_TEST_CASE(a_killed_save_can_be_resumed)
{
    scratch const dir;
    auto const how = in_child([&] {
        file_sink k(dir / "app.tar", {.keep_partial = true});
        k.remember(some_etag).value();
        error_code ec;
        k.write_some(to_bytes("01234"), ec);
        ::raise(SIGKILL);
        return 0;
    });
    BOOST_TEST(how == 1000 + SIGKILL);
    BOOST_TEST(file_sink::resume(dir / "app.tar", some_etag).value().offset() == 5u);
}

BOOST_AUTO_TEST_CASE(what_is_written_in_any_order_is_kept_up_to_its_first_hole)
{
    scratch const dir;
    leave_partial(dir / "app.tar", "01234");
    {
        auto k = file_sink::resume(dir / "app.tar", some_etag, {.keep_partial = true}).value();
        k.forget().value();
        BOOST_TEST((dir.names() == name_set{"app.tar.part"}));
        write_at(k, 5, "abc");
        write_at(k, 0, "567");
        k.remember(some_etag, 8).value();
        BOOST_TEST(k.offset() == 8u);
        BOOST_TEST(!k.any_order());
        BOOST_TEST(contents(dir / "app.tar.part") == "01234567");
        BOOST_TEST(contents(dir / "app.tar.part.etag") == some_etag.str() + '\n');
    }
    auto k = file_sink::resume(dir / "app.tar", some_etag).value();
    write_at(k, 0, "89");
    error_code ec;
    k.commit(ec);
    BOOST_TEST(contents(dir / "app.tar") == "0123456789");
    BOOST_TEST((dir.names() == name_set{"app.tar"}));
}

BOOST_AUTO_TEST_CASE(what_is_written_in_any_order_is_not_kept_unless_told)
{
    scratch const dir;
    for(auto const end : {0, 1}) {
        leave_partial(dir / "app.tar", "01234");
        auto const how = in_child([&] {
            auto k = file_sink::resume(dir / "app.tar", some_etag, {.keep_partial = true}).value();
            k.forget().value();
            write_at(k, 5, "abc");
            if(end == 0)
                ::raise(SIGKILL);
            return 0;
        });
        BOOST_TEST(how == (end == 0 ? 1000 + SIGKILL : 0));
        BOOST_TEST((dir.names() == (end == 0 ? name_set{"app.tar.part"} : name_set{})));
        BOOST_TEST(mentions(reason(file_sink::resume(dir / "app.tar", some_etag)), "there is no"));
    }
    file_sink k(dir / "app.tar");
    write_at(k, 1, "x");
    k.remember(some_etag, 0).value(); // nobody wants it kept
    BOOST_TEST((dir.names() == name_set{"app.tar.part"}));
}

BOOST_AUTO_TEST_CASE(says_why_it_cannot_resume)
{
    scratch const dir;
    auto const refused = [&](digest const& etag, std::string const& why, file_sink_options options = {}) {
        auto const names = dir.names();
        auto const f = reason(file_sink::resume(dir / "app.tar", etag, options));
        BOOST_TEST(f.code == error::cannot_resume);
        BOOST_TEST(f.subject == dir / "app.tar");
        BOOST_TEST(f.detail == why);
        BOOST_TEST((dir.names() == names)); // nothing was touched
    };
    auto const part = dir / "app.tar.part";
    refused(some_etag, "there is no " + part);
    put(part, "01234");
    refused(some_etag, "there is no " + part + ".etag");
    for(std::string const& text : {std::string(), std::string("\n"), std::string("sha256:12\n"),
            some_etag.str().substr(1), some_etag.str() + "\n\n", std::string(1000, 'a')}) {
        put(part + ".etag", text);
        refused(some_etag, part + ".etag holds no digest");
    }
    put(part + ".etag", some_etag.str());
    refused(other_etag, "the partial file belongs to another archive, " + some_etag.str());
    refused(digest(), "the partial file belongs to another archive, " + some_etag.str());
    refused(some_etag, "the partial file has 5 bytes, more than the archive's 4", {.archive_size = 4});
    BOOST_TEST(contents(part) == "01234");
    BOOST_TEST(file_sink::resume(dir / "app.tar", some_etag, {.archive_size = 5}).value().offset() == 5u);
}

BOOST_AUTO_TEST_CASE(resuming_reports_what_create_reports)
{
    scratch const dir;
    BOOST_TEST((reason(file_sink::resume(dir.path(), some_etag)).code == errc::is_a_directory));
    BOOST_TEST((reason(file_sink::resume(dir / "no/app.tar", some_etag)).code == errc::no_such_file_or_directory));
    put(dir / "app.tar.part", "01234");
    std::filesystem::create_symlink("/etc/hostname", dir / "app.tar.part.etag");
    auto const why = reason(file_sink::resume(dir / "app.tar", some_etag));
    BOOST_TEST(why.code.failed());
    BOOST_TEST(mentions(why, "app.tar.part.etag"));
}

BOOST_AUTO_TEST_CASE(an_etag_that_cannot_be_written_is_an_error)
{
    scratch const dir;
    file_sink k(dir / "app.tar", {.keep_partial = true});
    std::filesystem::create_directory(dir / "app.tar.part.etag");
    auto const r = k.remember(some_etag);
    BOOST_TEST_REQUIRE(r.has_error());
    BOOST_TEST(r.error().subject == dir / "app.tar");
    BOOST_TEST(mentions(r.error(), "app.tar.part.etag"));
}

BOOST_AUTO_TEST_CASE(what_a_killed_program_had_reserved_is_given_back)
{
    scratch const dir;
    auto const path = dir / "app.tar";
    auto const blocks = [&] {
        struct stat s {};
        BOOST_REQUIRE(::stat((path + ".part").c_str(), &s) == 0);
        return s.st_blocks;
    };
    auto const killed = [&](std::string_view text) {
        auto const child = ::fork();
        BOOST_REQUIRE(child != -1);
        if(child == 0) {
            file_sink k(path, {.keep_partial = true});
            k.remember(some_etag).value();
            k.reserve(std::uint64_t{8} << 20).value();
            write_all(k, text);
            ::_exit(0); // without a destructor
        }
        ::waitpid(child, nullptr, 0);
        return blocks();
    };
    if(killed("0123456789") < (8 << 20) / 512) {
        BOOST_TEST_MESSAGE("SKIPPED: this file system sets no room aside");
        return;
    }
    {
        auto k = file_sink::resume(path, some_etag, {.keep_partial = true}).value();
        BOOST_TEST(k.offset() == 10u);
        BOOST_TEST(blocks() < 1000);
    }
    BOOST_TEST(contents(path + ".part") == "0123456789");
    BOOST_TEST(killed("") > 1000);
    file_sink k(path);
    BOOST_TEST(blocks() < 1000);
}
