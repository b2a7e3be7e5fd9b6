//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/detail/archive_index.hpp>

#define BOOST_TEST_MODULE archive_index
#include <boost/test/unit_test.hpp>

#include <tarexport/store/archive.hpp>

#include "archive_support.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace archives;
using tx::detail::archive_index;
using tx::detail::archive_limits;

namespace {

tx::result<archive_index> index_of(std::string_view archive, archive_limits const& limits = {})
{
    return archive_index::read(text_source(archive), "a.tar", limits);
}

// The content that a path leads to.
std::string content(std::string const& archive, std::string_view path)
{
    auto const index = index_of(archive);
    BOOST_TEST_REQUIRE(index.has_value());
    auto const e = index->find(path);
    BOOST_TEST_REQUIRE(e.has_value(), path << ": " << (e ? "" : message(e.error())));
    return archive.substr(static_cast<std::size_t>(e->offset), static_cast<std::size_t>(e->size));
}

// PAX records that the library itself does not write.
std::string records_before(std::vector<std::string> const& all)
{
    std::string records;
    for(auto const& r : all)
        records += r;
    tx::tar_header h;
    h.name = "records";
    h.size = static_cast<std::int64_t>(records.size());
    auto block = tx::encode(h, tx::tar_format::ustar).value();
    block[156] = 'x';
    unsigned sum = 8 * ' ';
    for(std::size_t i = 0; i != 512; ++i)
        sum += i < 148 || i >= 156 ? static_cast<unsigned char>(block[i]) : 0u;
    char digits[8];
    std::snprintf(digits, sizeof digits, "%06o", sum);
    block.replace(148, 8, std::string(digits, 7) + ' ');
    return block + records + std::string(512 - records.size(), '\0');
}

failure refusal(std::string const& archive, std::string_view path, error code)
{
    return failure_of(index_of(archive).value().find(path), code);
}

} // namespace

BOOST_AUTO_TEST_CASE(files_are_found_by_cleaned_names)
{
    auto const archive = tape().directory("./").add("./a/b", "one").add("/c", "two").add("d//./e", "three").str();
    BOOST_TEST(content(archive, "a/b") == "one");
    BOOST_TEST(content(archive, "/a/./b") == "one");
    BOOST_TEST(content(archive, "a/x/../b") == "one");
    BOOST_TEST(content(archive, "c") == "two");
    BOOST_TEST(content(archive, "d/e") == "three");
    auto const index = index_of(archive).value();
    BOOST_TEST(index.has("a/b"));
    BOOST_TEST(!index.has("a"));
    BOOST_TEST(!index.empty());
    BOOST_TEST(index.remarks().empty());
    BOOST_TEST(refusal(archive, "b", error::missing_blob).subject == "a.tar/b");
    refusal(archive, "", error::missing_blob);
    refusal(archive, "a", error::missing_blob);
}

BOOST_AUTO_TEST_CASE(the_last_entry_of_a_name_counts)
{
    auto const archive = tape().add("a", "old").directory("d").directory("d/").add("./a", "new one").str();
    BOOST_TEST(content(archive, "a") == "new one");
    auto const remarks = index_of(archive)->remarks();
    BOOST_TEST_REQUIRE(remarks.size() == 1u);
    BOOST_TEST(remarks[0] == "of entries with one name the last counts: a");
}

BOOST_AUTO_TEST_CASE(links_are_followed_within_the_archive)
{
    auto const archive = tape()
                             .add("x/layer.tar", "data")
                             .link("y/layer.tar", "../x/layer.tar")
                             .link("abs", "/x/layer.tar")
                             .link("above", "../../../x/layer.tar")
                             .link("folder", "x")
                             .link("z/far", "../folder/layer.tar")
                             .link("hard", "x/layer.tar", tx::tar_type::hard_link)
                             .link("hard2", "./y/layer.tar", tx::tar_type::hard_link)
                             .link("early", "late", tx::tar_type::hard_link)
                             .add("late", "later")
                             .str();
    for(auto const* const path : {"x/layer.tar", "y/layer.tar", "abs", "above", "folder/layer.tar", "z/far", "hard", "hard2"})
        BOOST_TEST(content(archive, path) == "data", path);
    BOOST_TEST(content(archive, "early") == "later");
}

BOOST_AUTO_TEST_CASE(a_hard_link_is_what_its_target_was)
{
    auto const archive = tape().add("a", "first").link("b", "a", tx::tar_type::hard_link).add("a", "second").str();
    BOOST_TEST(content(archive, "b") == "first");
    BOOST_TEST(content(archive, "a") == "second");
}

BOOST_AUTO_TEST_CASE(links_that_lead_nowhere_are_told)
{
    auto const archive = tape()
                             .link("gone", "x/y")
                             .link("self", "self")
                             .link("ping", "pong")
                             .link("pong", "ping")
                             .link("grow", "grow/grow")
                             .link("hard", "hard", tx::tar_type::hard_link)
                             .link("root", "/")
                             .link("passwd", "/etc/passwd")
                             .str();
    BOOST_TEST(contains(refusal(archive, "gone", error::missing_blob).detail, "a link to x/y"));
    for(auto const* const path : {"self", "ping", "hard"})
        BOOST_TEST(contains(refusal(archive, path, error::not_a_regular_file).detail, "more than 40 links"), path);
    BOOST_TEST(index_of(archive)->find("grow").has_error());
    refusal(archive, "root", error::missing_blob);
    refusal(archive, "passwd", error::missing_blob);
}

BOOST_AUTO_TEST_CASE(a_chain_of_links_has_an_end)
{
    tape t;
    t.add("n0", "data");
    for(int n = 1; n <= 50; ++n)
        t.link("n" + std::to_string(n), "n" + std::to_string(n - 1));
    BOOST_TEST(content(t.str(), "n40") == "data");
    refusal(t.str(), "n41", error::not_a_regular_file);
}

BOOST_AUTO_TEST_CASE(nothing_leads_out_of_the_archive)
{
    auto const archive = tape().add("../x", "outside").add("a/../../x", "outside").add("x", "inside").str();
    BOOST_TEST(content(archive, "x") == "inside");
    for(auto const* const path : {"../x", "a/../../x", "/../x", ".."})
        BOOST_TEST(contains(refusal(archive, path, error::invalid_document).detail, "out of the archive"), path);
    auto const remarks = index_of(archive)->remarks();
    BOOST_TEST_REQUIRE(remarks.size() == 1u);
    BOOST_TEST(remarks[0] == "entries that lead out of the archive are passed over: ../x, a/../../x");
}

BOOST_AUTO_TEST_CASE(only_files_with_plain_data_are_found)
{
    tape t;
    t.directory("d/");
    for(char const type : {tx::tar_type::character_device, tx::tar_type::block_device, tx::tar_type::fifo}) {
        tx::tar_header h;
        h.typeflag = type;
        h.name = std::string("special") + type;
        t.add(h, {});
    }
    for(auto const* const path : {"d", "special3", "special4", "special6"})
        refusal(t.str(), path, error::not_a_regular_file);
    tx::tar_header sparse;
    sparse.name = "holes";
    sparse.size = 4;
    auto const archive = records_before({"22 GNU.sparse.major=0\n", "22 GNU.sparse.minor=1\n", "22 GNU.sparse.map=0,4\n",
        "26 GNU.sparse.numblocks=1\n", "21 GNU.sparse.size=8\n"});
    BOOST_TEST(contains(refusal(archive + tape().add(sparse, "data").str(), "holes", error::not_a_regular_file).detail, "holes"));
}

BOOST_AUTO_TEST_CASE(long_names_and_large_numbers)
{
    std::string const deep = std::string(90, 'a') + "/" + std::string(90, 'b') + "/" + std::string(90, 'c');
    tx::tar_header h;
    h.name = deep;
    h.size = 4;
    for(auto const format : {tx::tar_format::pax, tx::tar_format::gnu}) {
        auto const archive = tape().add(h, "data", format).str();
        BOOST_TEST(content(archive, deep) == "data");
    }
    // 8 GiB and more, in records and in binary; the data itself is not here.
    h.name = "large";
    h.size = std::int64_t{9} << 30;
    for(auto const format : {tx::tar_format::pax, tx::tar_format::gnu}) {
        auto const f = failure_of(index_of(tx::encode(h, format).value() + "few bytes"), error::truncated_archive);
        BOOST_TEST(f.subject == "a.tar/large");
    }
}

BOOST_AUTO_TEST_CASE(a_name_that_is_too_long_is_not_looked_for)
{
    std::string const name(5000, 'a');
    tx::tar_header h;
    h.name = name;
    h.size = 4;
    auto const f = refusal(tape().add(h, "data").str(), name, error::missing_blob);
    BOOST_TEST(f.subject.size() < 200u);
}

BOOST_AUTO_TEST_CASE(what_is_no_tar_archive_is_told_with_its_path)
{
    BOOST_TEST(failure_of(index_of(std::string(2000, 'x')), error::invalid_header).subject == "a.tar");
    BOOST_TEST(failure_of(index_of("short"), error::truncated_archive).subject == "a.tar");
    BOOST_TEST(index_of("")->empty());
    BOOST_TEST(index_of(std::string(1024, '\0'))->empty());
}

BOOST_AUTO_TEST_CASE(an_archive_that_is_cut_anywhere_is_told_or_ends_between_entries)
{
    auto const archive = tape().add("a", std::string(700, 'a')).add("b", "").add("c", std::string(512, 'c')).str();
    // The ends of entries, with and without padding.
    std::vector<std::size_t> const good{0, 512 + 700, 512 + 1024, 2048, 2048 + 1024};
    for(std::size_t n = 0; n != archive.size(); ++n) {
        auto const index = index_of(std::string_view(archive).substr(0, n));
        bool const between = std::ranges::find(good, n) != good.end() || (n > 512 + 700 && n <= 512 + 1024) || n == 3584;
        if(between)
            BOOST_TEST(index.has_value(), n);
        else if(n < 3072)
            BOOST_TEST((index.has_error() && index.error().code == error::truncated_archive), n);
    }
}

BOOST_AUTO_TEST_CASE(numbers_and_names_are_bounded)
{
    tape t;
    for(int n = 0; n != 11; ++n)
        t.add("file-" + std::to_string(n), "");
    BOOST_TEST(index_of(t.str(), {11, 1000}).has_value());
    auto const f = failure_of(index_of(t.str(), {10, 1000}), error::limit_exceeded);
    BOOST_TEST(contains(f.detail, "more than 10 entries"));
    failure_of(index_of(t.str(), {11, 50}), error::limit_exceeded);
    failure_of(index_of(tape().link("a", std::string(90, 'x')).str(), {11, 50}), error::limit_exceeded);
    // Entries of one name cost, too.
    tape same;
    for(int n = 0; n != 20; ++n)
        same.add("a-name-of-some-length", "");
    failure_of(index_of(same.str(), {11, 50}), error::limit_exceeded);
}

BOOST_AUTO_TEST_CASE(directories_of_images)
{
    auto const archive = tape().add("b/json", "").add("a/json", "").add("a/b/json", "").add("json", "").add("c/other", "").str();
    std::vector<std::string> const expected{"a", "b"};
    BOOST_TEST(index_of(archive)->directories_with("json") == expected, boost::test_tools::per_element());
}
