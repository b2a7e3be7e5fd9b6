//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/serializer.hpp>

#define BOOST_TEST_MODULE serializer
#include <boost/test/unit_test.hpp>

#include "script.hpp"

#include <random>

using namespace tarexport;
using script::run;

namespace {

using entries = std::vector<std::pair<std::string, std::string>>;

std::string filled(std::size_t n, char c = 'x')
{
    std::string s(n, c);
    for(std::size_t i = 0; i < n; i += 7)
        s[i] = static_cast<char>('a' + i % 26);
    return s;
}

// Every kind of neighbour: directories in a row, empty and aligned contents, large documents side by side, empty layers.
entries const mixed = {{"d/", ""}, {"d/e/", ""}, {"L1", filled(700)}, {"L2", ""}, {"L3", filled(512)}, {"doc", "text"},
    {"empty", ""}, {"big1", filled(9000)}, {"big2", filled(8192)}, {"L4", filled(1)}, {"L5", ""}, {"L6", ""}, {"L7", filled(3000)},
    {"P1", filled(9000) + "|" + filled(5000) + "|" + filled(20) + "|" + filled(4097) + "|" + filled(10)}, {"L8", filled(20)},
    {"P2", "short"}, {"P3", "a|b|" + filled(4095) + "|c"}, {"z/", ""}};

entries const ends_with_layer = {{"oci-layout", "x"}, {"L1", filled(1024)}};
entries const ends_with_empty_layer = {{"oci-layout", "x"}, {"L1", ""}};
entries const only_directories = {{"a/", ""}, {"b/", ""}};
entries const nothing = {};

std::vector<entries> const all_lists = {mixed, ends_with_layer, ends_with_empty_layer, only_directories, nothing};

// Whether readers would take these bytes for a whole archive. GNU tar and Python do so between two entries and in the middle of a
// header; only where data or padding is missing that a header promised does everybody notice (other_readers in write.cpp asks them).
bool looks_whole(plan const& p, std::size_t size)
{
    if(size == 0)
        return false;
    auto const i = p.find(size);
    return i == p.count() || p.entry(i).size == 0 || size < p.entry(i).data;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_plan_becomes_its_archive)
{
    for(auto const& list : all_lists) {
        auto const p = script::make_plan(list);
        auto const want = script::archive_of(list);
        BOOST_TEST(p.size() == want.size());
        auto const out = run(p, script::layers_of(list));
        BOOST_TEST(out.report.ok());
        BOOST_TEST(out.report.bytes == want.size());
        BOOST_TEST((out.bytes == want));
        BOOST_TEST(out.report.layers_verified == script::layers_of(list).size());
        BOOST_TEST(out.report.layers_unverified == 0u);
    }
}

BOOST_AUTO_TEST_CASE(headers_start_at_multiples_of_512)
{
    auto const p = script::make_plan(mixed);
    for(std::size_t i = 0; i != p.count(); ++i) {
        BOOST_TEST(p.entry(i).offset % 512 == 0u);
        BOOST_TEST(p.entry(i).end % 512 == 0u);
    }
}

BOOST_AUTO_TEST_CASE(small_writes_and_reads_change_nothing)
{
    for(auto const& list : all_lists)
        for(std::size_t limit : {1u, 2u, 511u, 512u, 513u, 4099u})
            for(std::size_t read : {std::size_t{1}, std::size_t{513}, script::unlimited}) {
                auto const out = run(script::make_plan(list), script::layers_of(list), {.sink_limit = limit, .read_limit = read});
                BOOST_TEST(out.report.ok());
                BOOST_TEST((out.bytes == script::archive_of(list)));
            }
}

BOOST_AUTO_TEST_CASE(extents_give_the_same_bytes)
{
    entries const large = {{"L1", filled(200000)}, {"L2", filled(65536)}, {"L3", ""}, {"L4", filled(65537)}, {"x", "y"}};
    for(auto const& list : {mixed, ends_with_layer, large})
        for(auto how : {verify::never, verify::covered, verify::whole}) {
            auto const out = run(script::make_plan(list), script::layers_of(list), {.sink_limit = 50000, .extents = true}, {}, how);
            BOOST_TEST(out.report.ok());
            BOOST_TEST((out.bytes == script::archive_of(list)));
        }
    auto const out = run(script::make_plan(large), script::layers_of(large), {.extents = true});
    BOOST_TEST(std::ranges::count(out.log, "copy 134464") == 1);
}

BOOST_AUTO_TEST_CASE(a_refused_copy_is_read_instead)
{
    entries const list = {{"L1", filled(200000)}, {"L2", filled(300)}};
    for(std::size_t at : {0u, 1u, 2u}) {
        auto const out = run(script::make_plan(list), script::layers_of(list),
            {.sink_limit = 70000, .read_limit = 1000, .extents = true, .refuse_copy_at = at}, {}, verify::never);
        BOOST_TEST(out.report.ok());
        BOOST_TEST((out.bytes == script::archive_of(list)));
        BOOST_TEST(std::ranges::count(out.log, "refuse copy") == 1);
    }
}

BOOST_AUTO_TEST_CASE(an_extent_of_another_size_is_an_error)
{
    entries const list = {{"L1", filled(2000)}};
    auto shorter = run(script::make_plan(list), {filled(1999)}, {.extents = true}, {}, verify::never);
    BOOST_TEST(shorter.report.reason.code == error::layer_too_short);
    auto longer = run(script::make_plan(list), {filled(2001)}, {.extents = true}, {}, verify::never);
    BOOST_TEST(longer.report.reason.code == error::layer_too_long);
}

BOOST_AUTO_TEST_CASE(any_range_equals_that_part_of_the_whole)
{
    for(auto const& list : all_lists) {
        auto const p = script::make_plan(list);
        auto const whole = script::archive_of(list);
        std::mt19937 random(7);
        std::vector<std::uint64_t> edges = {0, 1, 511, 512, 513, whole.size() - 1025, whole.size() - 1024, whole.size() - 1, whole.size()};
        for(std::size_t i = 0; i != p.count(); ++i) {
            auto const e = p.entry(i);
            for(auto at : {e.offset, e.offset + 1, e.data, e.data + e.size, e.end})
                edges.push_back(at);
            for(auto at = e.data; p.path(i) == "P1" && at < e.data + e.size; ++at)
                if(whole[at] == '|')
                    edges.insert(edges.end(), {at, at + 1, at + 2});
        }
        for(int i = 0; i != 20; ++i)
            edges.push_back(std::uniform_int_distribution<std::uint64_t>(0, whole.size())(random));
        std::erase_if(edges, [&](auto at) { return at > whole.size(); });
        for(auto how : {verify::never, verify::covered, verify::whole})
            for(bool extents : {false, true})
                for(auto first : edges)
                    for(auto last : edges) {
                        if(first > last)
                            continue;
                        auto const out = run(p, script::layers_of(list), {.sink_limit = 1000, .read_limit = 400, .extents = extents}, {first, last}, how);
                        if(!out.report.ok() || out.bytes != whole.substr(first, last - first) || out.report.bytes != last - first)
                            BOOST_TEST_FAIL("range " << first << "-" << last << ": " << message(out.report.reason));
                    }
    }
}

BOOST_AUTO_TEST_CASE(a_cut_layer_is_verified_only_when_asked)
{
    entries const list = {{"L1", filled(1000)}};
    auto const p = script::make_plan(list);
    auto wrong = std::vector{filled(1000, 'y')};
    auto const covered = run(p, wrong, {}, {600, p.size()}, verify::covered);
    BOOST_TEST(covered.report.ok());
    BOOST_TEST(covered.report.layers_unverified == 1u);
    auto const whole = run(p, wrong, {}, {600, p.size()}, verify::whole);
    BOOST_TEST(whole.report.reason.code == error::digest_mismatch);
    BOOST_TEST(run(p, script::layers_of(list), {}, {600, p.size()}, verify::whole).report.layers_verified == 1u);
}

BOOST_AUTO_TEST_CASE(a_range_beyond_the_end_is_an_error)
{
    auto const p = script::make_plan(mixed);
    BOOST_TEST(run(p, {}, {}, {0, p.size() + 1}).report.reason.code == error::range_out_of_bounds);
    BOOST_TEST(run(p, {}, {}, {p.size() + 1, p.size() + 1}).report.reason.code == error::range_out_of_bounds);
    BOOST_TEST(run(p, {}, {}, {2, 1}).report.reason.code == error::range_out_of_bounds);
}

BOOST_AUTO_TEST_CASE(a_lying_layer_stops_the_archive_inside_an_entry)
{
    for(auto const& list : {mixed, ends_with_layer, ends_with_empty_layer}) {
        auto const p = script::make_plan(list);
        auto const good = script::layers_of(list);
        for(std::size_t n = 0; n != good.size(); ++n)
            for(int lie = 0; lie != 3; ++lie) {
                auto layers = good;
                if(lie == 0)
                    layers[n] += "!";
                else if(layers[n].empty())
                    continue;
                else if(lie == 1)
                    layers[n].pop_back();
                else
                    layers[n].back() ^= 1;
                error const want[] = {error::layer_too_long, error::layer_too_short, error::digest_mismatch};
                for(std::size_t read : {std::size_t{100}, script::unlimited}) {
                    auto const out = run(p, layers, {.read_limit = read});
                    BOOST_TEST(out.report.reason.code == want[lie]);
                    BOOST_TEST(!out.report.reason.subject.empty());
                    BOOST_TEST(!looks_whole(p, out.bytes.size()));
                    BOOST_TEST((out.bytes == script::archive_of(list).substr(0, out.bytes.size())));
                }
            }
    }
}

BOOST_AUTO_TEST_CASE(failing_at_any_action_is_sticky_and_stops_inside_an_entry)
{
    for(auto const& list : all_lists)
        for(std::size_t limit : {std::size_t{512}, script::unlimited})
            for(std::size_t n = 0;; ++n) {
                auto const p = script::make_plan(list);
                auto const out = run(p, script::layers_of(list), {.sink_limit = limit, .fail_at = n, .only_where_allowed = true});
                if(out.report.ok())
                    break;
                BOOST_TEST(out.report.reason.code == error::cancelled);
                BOOST_TEST(!looks_whole(p, out.bytes.size()));
            }
    // With a sink that takes all it is given, no action is a bad one to stop at.
    entries const aligned = {{"L1", filled(1024)}, {"L2", filled(512)}, {"L3", filled(700)}};
    for(auto const& list : {mixed, ends_with_layer, ends_with_empty_layer, aligned})
        for(bool extents : {false, true})
            for(std::size_t n = 0;; ++n) {
                auto const p = script::make_plan(list);
                auto const out = run(p, script::layers_of(list), {.fail_at = n, .extents = extents}, {}, verify::never);
                if(out.report.ok())
                    break;
                BOOST_TEST(!looks_whole(p, out.bytes.size()));
            }
}

BOOST_AUTO_TEST_CASE(the_first_reason_stays)
{
    auto const p = script::make_plan(mixed);
    serializer s(p);
    s.start();
    s.failed({error::cancelled, "first", {}});
    for(auto const& a : {s.failed({error::no_names, "second", {}}), s.written(1), s.data({}), s.opened(), s.closed(), s.not_copied()}) {
        BOOST_REQUIRE(std::holds_alternative<done>(a));
        BOOST_TEST(std::get<done>(a).error == error::cancelled);
    }
    BOOST_TEST(s.report().reason.subject == "first");
}

BOOST_AUTO_TEST_CASE(a_sink_cannot_take_more_than_it_was_given)
{
    auto const p = script::make_plan({{"a", "text"}});
    serializer s(p);
    BOOST_REQUIRE(std::holds_alternative<write_pieces>(s.start()));
    BOOST_TEST(s.asked() == p.size());
    s.written(static_cast<std::size_t>(p.size()) + 1);
    BOOST_TEST(s.report().reason.code == error::sink_overran);
    BOOST_TEST(s.report().bytes == 0u);
}

BOOST_AUTO_TEST_CASE(a_sink_cannot_copy_more_than_it_was_given)
{
    auto const p = script::make_plan({{"L1", filled(2048)}});
    serializer s(p, {}, verify::never);
    s.start();
    s.opened(file_extent{7, 0, 2048});
    s.written(static_cast<std::size_t>(s.asked()));
    BOOST_REQUIRE(std::holds_alternative<copy_extent>(s.closed()));
    BOOST_TEST(s.asked() == 1536u);
    s.written(2048);
    BOOST_TEST(s.report().reason.code == error::sink_overran);
}

BOOST_AUTO_TEST_CASE(a_file_that_ends_before_its_last_block_is_too_short)
{
    auto const p = script::make_plan({{"L1", filled(2048)}});
    serializer s(p, {}, verify::never);
    s.start();
    s.opened(file_extent{7, 0, 2048});
    s.written(static_cast<std::size_t>(s.asked()));
    s.closed();
    auto const next = s.written(1536);
    auto const* last = std::get_if<read_extent>(&next);
    BOOST_REQUIRE(last != nullptr);
    BOOST_TEST((last->extent.fd == 7 && last->extent.offset == 1536u && last->extent.size == 512u));
    BOOST_TEST(std::holds_alternative<done>(s.data({})));
    BOOST_TEST(s.report().reason.code == error::layer_too_short);
    BOOST_TEST(s.report().bytes == 512u + 1536u);
}

BOOST_AUTO_TEST_CASE(a_sink_that_takes_nothing_has_stalled)
{
    auto const p = script::make_plan(mixed);
    BOOST_TEST(run(p, script::layers_of(mixed), {.sink_limit = 0}).report.reason.code == error::sink_stalled);
}

BOOST_AUTO_TEST_CASE(the_next_header_leaves_with_the_last_bytes)
{
    entries const list = {{"a/", ""}, {"L1", filled(1000)}, {"L2", filled(100)}};
    auto const out = run(script::make_plan(list), script::layers_of(list));
    std::vector<std::string> const want = {"open 0 @0 hash", "read 1000", "close end", "write 2560", "open 1 @0 hash", "read 100",
        "close end", "write 1536", "done"};
    BOOST_TEST(out.log == want, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_next_header_leaves_with_the_last_block_of_a_layer_that_is_copied)
{
    entries const list = {{"L1", filled(2048)}, {"L2", filled(100)}, {"L3", filled(512)}};
    auto const out = run(script::make_plan(list), script::layers_of(list), {.extents = true}, {}, verify::never);
    std::vector<std::string> const want = {"open 0 @0", "write 512", "close", "copy 1536", "read extent 512", "write 1024", "open 1 @0",
        "close", "copy 100", "open 2 @0", "write 924", "close", "read extent 512", "write 1536", "done"};
    BOOST_TEST(out.log == want, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(empty_layers_are_opened_before_anything_is_written)
{
    entries const list = {{"L1", "abc"}, {"L2", ""}, {"L3", ""}};
    auto const out = run(script::make_plan(list), script::layers_of(list));
    std::vector<std::string> const want = {"open 1 @0 hash", "close end", "open 2 @0 hash", "close end", "open 0 @0 hash", "read 3",
        "close end", "write 3072", "done"};
    BOOST_TEST(out.log == want, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(many_small_parts_are_not_gathered_without_limit)
{
    std::string text;
    for(int n = 0; n != 100; ++n)
        text += filled(4000) + "|";
    entries const list = {{"first", "x"}, {"P", text}, {"last", "y"}};
    auto const out = run(script::make_plan(list), {});
    BOOST_TEST(out.report.ok());
    BOOST_TEST((out.bytes == script::archive_of(list)));
    std::size_t writes = 0;
    for(auto const& line : out.log)
        if(line.starts_with("write ")) {
            ++writes;
            BOOST_TEST(std::stoul(line.substr(6)) < 60'000u);
        }
    BOOST_TEST(writes < 12u);
}

BOOST_AUTO_TEST_CASE(many_small_documents_leave_in_few_writes)
{
    entries list;
    for(int i = 0; i != 500; ++i)
        list.emplace_back("f" + std::to_string(i), "some text");
    auto const out = run(script::make_plan(list), {});
    BOOST_TEST((out.bytes == script::archive_of(list)));
    BOOST_TEST(out.log.size() < 15u);
}
