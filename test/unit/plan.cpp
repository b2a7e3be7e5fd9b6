//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/plan_builder.hpp>

#define BOOST_TEST_MODULE plan
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

using namespace tarexport;

namespace {

plan small()
{
    plan_builder b;
    b.add_directory("d/", 0755, 5);
    b.add_document("d/file", "hello", 0644, 7);
    auto const id = digest_of(std::string_view("layer"));
    b.add_layer({id, id, 3, 600}, 0600, 9);
    b.add_blob("config", digest_of(std::string_view("config")), 0644, 0);
    b.add_image({id, {"app:1.0"}});
    return std::move(b).finish().value();
}

} // namespace

BOOST_AUTO_TEST_CASE(an_empty_plan_is_two_blocks_of_zeros)
{
    plan const p;
    BOOST_TEST(p.size() == 1024u);
    BOOST_TEST(p.count() == 0u);
    BOOST_TEST((p == plan_builder().finish().value()));
}

BOOST_AUTO_TEST_CASE(entries_are_sorted_by_their_paths)
{
    plan_builder b;
    std::vector<std::string> paths{"blobs/sha512/", "blobs/", "blobs/sha256/", "blobs/sha384/"};
    for(auto const& p : paths)
        b.add_directory(p, 0755, 0);
    for(auto const* const p : {"z", "blobs/sha256/~", "blobs/sha256/0", "blobs", "a"}) {
        b.add_document(p, p, 0644, 0);
        paths.emplace_back(p);
    }
    for(char c = 'a'; c != 'k'; ++c) {
        std::string const text(1, c);
        for(auto const& id : {digest_of<sha256>(text), digest_of<sha384>(text), digest_of<sha512>(text)}) {
            paths.push_back(plan::blob_path(id));
            if(c % 2 == 0)
                b.add_blob(text, id, 0644, 0);
            else
                b.add_layer({id, id, 0, 1}, 0644, 0);
        }
    }
    b.sort();
    std::ranges::sort(paths);
    auto const p = std::move(b).finish().value();
    BOOST_TEST_REQUIRE(p.count() == paths.size());
    for(std::size_t i = 0; i != p.count(); ++i) {
        BOOST_TEST(p.path(i) == paths[i]);
    }
}

BOOST_AUTO_TEST_CASE(entries_know_their_places)
{
    auto const p = small();
    BOOST_TEST(p.count() == 4u);
    BOOST_TEST(p.entry(0).offset == 0u);
    BOOST_TEST(p.entry(0).end == 512u);
    BOOST_TEST(p.entry(1).data == 1024u);
    BOOST_TEST(p.entry(1).size == 5u);
    BOOST_TEST(p.entry(2).offset == 1536u);
    BOOST_TEST(p.entry(2).data == 2048u);
    BOOST_TEST(p.entry(2).end == 2048u + 1024u);
    BOOST_TEST(p.entry(3).end == p.size() - 1024);
    BOOST_TEST(p.size() == 3072u + 1024u + 1024u);
    BOOST_TEST(p.path(0) == "d/");
    BOOST_TEST(p.path(2) == "blobs/sha256/" + digest_of(std::string_view("layer")).hex());
    BOOST_TEST(p.id(0).empty());
    BOOST_TEST(p.id(1) == digest_of(std::string_view("hello")));
    BOOST_TEST(p.document_text(1) == "hello");
    BOOST_TEST(p.layers().at(p.entry(2).item).lease == 3u);
    BOOST_TEST(p.images().at(0).tags.at(0) == "app:1.0");
}

BOOST_AUTO_TEST_CASE(a_document_in_parts_is_that_document)
{
    auto const plan_of = [](auto add) {
        plan_builder b;
        b.add_document("first", "1", 0644, 0);
        add(b);
        b.add_document("last", "2", 0644, 0);
        b.sort();
        return std::move(b).finish().value();
    };
    auto const whole = plan_of([](auto& b) { b.add_document("long", "one, two, three", 0644, 0); });
    auto const parts = plan_of([](auto& b) { b.add_long_document("long", {"one, ", "two, ", "three"}, 0644, 0); });
    BOOST_TEST((parts == whole));
    BOOST_TEST(parts.path(2) == "long");
    BOOST_TEST(parts.id(2) == digest_of(std::string_view("one, two, three")));
    BOOST_TEST(parts.document_text(2) == "one, two, three");
    BOOST_TEST(to_text(parts.document_part(parts.entry(2).item)) == "one, ");
    BOOST_TEST(to_text(parts.document_part(parts.entry(2).item + 2)) == "three");
    BOOST_TEST(parts.document_text(1) == "2");
}

BOOST_AUTO_TEST_CASE(groups_come_in_their_order_and_each_as_it_was_added)
{
    plan_builder b;
    auto const add = [&](std::uint8_t group, char const* path) {
        b.group(group);
        b.add_document(path, path, 0644, 0);
    };
    add(2, "e");
    add(0, "z");
    add(1, "c");
    add(2, "d");
    add(0, "y");
    b.sort_by_group();
    auto const p = std::move(b).finish().value();
    std::string all;
    for(std::size_t i = 0; i != p.count(); ++i) {
        all += p.path(i);
        BOOST_TEST(p.document_text(i) == p.path(i));
    }
    BOOST_TEST(all == "zyced");
}

BOOST_AUTO_TEST_CASE(groups_keep_their_order_when_entries_come_and_go)
{
    auto const id = [](int n) { return digest_of("layer " + std::to_string(n)); };
    plan_builder b;
    auto const add = [&](int n) { b.add_layer({id(n), {}, static_cast<std::uint32_t>(n), 1}, 0644, 0); };
    b.add_document("doc", "1", 0644, 0);
    for(int const n : {1, 2, 3})
        add(n);
    b.remove_layers([&](digest const& d) { return d == id(1) || d == id(2); });
    add(4);
    add(5);
    b.insert_document(0, "front", "2", 0644, 0);
    b.insert_document(5, "end", "", 0644, 0);
    b.sort_by_group();
    auto const p = std::move(b).finish().value();
    BOOST_TEST_REQUIRE(p.count() == 6u);
    BOOST_TEST(p.path(0) == "front");
    BOOST_TEST(p.path(1) == "doc");
    for(int const n : {3, 4, 5}) {
        BOOST_TEST(p.id(static_cast<std::size_t>(n) - 1) == id(n));
        BOOST_TEST(p.layers()[p.entry(static_cast<std::size_t>(n) - 1).item].lease == static_cast<std::uint32_t>(n));
    }
    BOOST_TEST(p.path(5) == "end");
}

BOOST_AUTO_TEST_CASE(two_entries_of_one_path_are_refused)
{
    auto const id = digest_of(std::string_view("layer"));
    auto const config = digest_of(std::string_view("config")), large = digest_of<sha512>(std::string_view("x"));
    auto const refused = [&](std::string const& path, auto add) {
        plan_builder b(small());
        add(b);
        auto const f = std::move(b).finish().error();
        BOOST_TEST((f.code == error::unencodable_header));
        BOOST_TEST(f.detail == "two entries have this path");
        BOOST_TEST(f.subject == path);
    };
    refused("d/file", [](auto& b) { b.add_document("d/file", "other", 0644, 0); });
    refused("d/", [](auto& b) { b.add_directory("d/", 0755, 0); });
    refused(plan::blob_path(id), [&](auto& b) { b.add_layer({id, id, 0, 600}, 0644, 0); });
    refused(plan::blob_path(id), [&](auto& b) { b.add_layer({{}, {}, 0, 1}, 0644, 0, plan::blob_path(id)); });
    refused(plan::blob_path(config), [&](auto& b) { b.add_blob("config", config, 0644, 0); });
    refused(plan::blob_path(config), [&](auto& b) { b.add_document(plan::blob_path(config), "config", 0644, 0); });
    refused(plan::blob_path(large), [&](auto& b) {
        b.add_document(plan::blob_path(large), "other", 0644, 0);
        b.add_layer({large, {}, 0, 1}, 0644, 0);
    });
    plan_builder b(small());
    for(auto const* const path : {"d", "blobs", "blobs/sha256"})
        b.add_document(path, "other", 0644, 0);
    b.add_document("blobs/" + id.str(), "no path of a blob", 0644, 0);
    BOOST_TEST(std::move(b).finish().value().count() == 8u);
}

BOOST_AUTO_TEST_CASE(a_path_is_free_again_when_its_layer_is_removed)
{
    auto const id = digest_of(std::string_view("layer")), other = digest_of(std::string_view("other"));
    plan_builder b;
    b.add_document("last", "1", 0644, 0);
    b.add_layer({id, {}, 0, 5}, 0644, 0, "layer.tar");
    b.add_layer({other, {}, 1, 5}, 0644, 0);
    b.add_layer({other, {}, 2, 5}, 0644, 0);
    b.remove_layers([](digest const&) { return true; });
    b.add_layer({id, {}, 3, 5}, 0644, 0, "layer.tar");
    b.add_layer({other, {}, 4, 5}, 0644, 0);
    auto const p = std::move(b).finish().value();
    BOOST_TEST(p.count() == 3u);
    BOOST_TEST(p.path(1) == "layer.tar");
    BOOST_TEST(p.layers().at(p.entry(2).item).lease == 4u);
}

BOOST_AUTO_TEST_CASE(all_layers_can_be_removed)
{
    plan_builder b(small());
    b.remove_layers([](digest const&) { return true; });
    b.replace_document(1, "");
    auto const p = std::move(b).finish().value();
    BOOST_TEST(p.count() == 3u);
    BOOST_TEST(p.layers().empty());
    BOOST_TEST(p.entry(1).size == 0u);
    BOOST_TEST(p.document_text(2) == "config");
}

BOOST_AUTO_TEST_CASE(a_builder_can_begin_with_a_plan)
{
    auto const p = small();
    BOOST_TEST((plan_builder(p).finish().value() == p));
    auto const layer = digest_of(std::string_view("layer")), last = digest_of(std::string_view("last"));
    plan_builder b(p);
    BOOST_TEST(b.has_blob(layer));
    b.add_layer({last, last, 4, 10}, 0644, 0);
    b.insert_document(0, "first", "1", 0644, 0);
    b.replace_document(2, "longer than before");
    b.remove_layers([&](digest const& id) { return id == layer; });
    BOOST_TEST(!b.has_blob(layer));
    BOOST_TEST(b.has_blob(last));
    BOOST_TEST(b.has_blob(digest_of(std::string_view("config"))));
    auto const changed = std::move(b).finish().value();

    plan_builder made;
    made.add_document("first", "1", 0644, 0);
    made.add_directory("d/", 0755, 5);
    made.add_document("d/file", "longer than before", 0644, 7);
    made.add_blob("config", digest_of(std::string_view("config")), 0644, 0);
    made.add_layer({last, last, 4, 10}, 0644, 0);
    BOOST_TEST((changed == std::move(made).finish().value()));
    BOOST_TEST(changed.layers().size() == 1u);
    BOOST_TEST(changed.layers().at(changed.entry(4).item).lease == 4u);
    BOOST_TEST((changed.images() == p.images()));
}

BOOST_AUTO_TEST_CASE(a_plan_that_is_built_upon_is_aligned_anew)
{
    auto const build = [](bool removed, bool from_plan) {
        plan_builder b;
        b.align(4096);
        std::vector<digest> ids;
        for(int n = 0; n != 5; ++n) {
            ids.push_back(digest_of("layer " + std::to_string(n)));
            if(n != 2 || !removed || from_plan)
                b.add_layer({ids.back(), {}, 0, 1000}, 0644, 0);
        }
        if(!from_plan)
            return std::move(b).finish().value();
        plan_builder again(std::move(b).finish().value());
        if(removed)
            again.remove_layers([&](digest const& id) { return id == ids[2]; });
        return std::move(again).finish().value();
    };
    for(bool const removed : {false, true}) {
        BOOST_TEST((build(removed, true) == build(removed, false)));
        BOOST_TEST(build(removed, true).entry(3).data % 4096 == 0u);
    }
}

static_assert(std::is_nothrow_move_constructible_v<plan> && std::is_nothrow_move_assignable_v<plan>);

BOOST_AUTO_TEST_CASE(the_builder_knows_its_blobs)
{
    auto const id = [](int n) { return digest_of("blob " + std::to_string(n)); };
    plan_builder b;
    BOOST_TEST(!b.has_blob(id(0)));
    b.add_document("named", "blob 0", 0644, 0);
    b.add_layer({id(1), {}, 0, 6}, 0644, 0, "named too");
    for(int n = 2; n != 1000; ++n) {
        BOOST_TEST(!b.has_blob(id(n)));
        if(n % 3 == 0)
            b.add_layer({id(n), {}, 0, 6}, 0644, 0);
        else
            b.add_blob("blob " + std::to_string(n), id(n), 0644, 0);
        BOOST_TEST(b.has_blob(id(n)));
    }
    b.sort();
    for(int n = 0; n != 1100; ++n)
        BOOST_TEST(b.has_blob(id(n)) == (n >= 2 && n < 1000));
}

BOOST_AUTO_TEST_CASE(every_byte_belongs_to_an_entry_or_to_the_end)
{
    auto const p = small();
    for(std::uint64_t at = 0; at != p.size() + 3; ++at) {
        auto const i = p.find(at);
        if(at >= p.size() - 1024)
            BOOST_TEST(i == p.count());
        else
            BOOST_TEST((p.entry(i).offset <= at && at < p.entry(i).end));
    }
}

BOOST_AUTO_TEST_CASE(headers_have_the_promised_size)
{
    auto const p = small();
    for(std::size_t i = 0; i != p.count(); ++i) {
        std::string header = "before";
        p.append_header(header, i);
        BOOST_TEST(header.size() == 6 + p.entry(i).data - p.entry(i).offset);
    }
}

BOOST_AUTO_TEST_CASE(a_layer_over_8_gib_has_a_longer_header)
{
    plan_builder b;
    b.add_layer({digest_of(std::string_view("x")), {}, 0, 8589934592u}, 0644, 0);
    auto const p = std::move(b).finish().value();
    BOOST_TEST(p.entry(0).data == 1536u);
    BOOST_TEST(p.size() == 1536u + 8589934592u + 1024u);
}

BOOST_AUTO_TEST_CASE(data_can_be_aligned)
{
    auto const id = digest_of(std::string_view("x"));
    for(std::uint32_t const bytes : {512u, 1536u, 4096u, plan_builder::alignment_limit}) {
        plan_builder b;
        b.add_document("first", "not aligned", 0644, 0);
        b.align(bytes);
        for(std::uint64_t const size : {0ull, 1ull, 513ull, 8589934592ull, 5ull})
            b.add_layer({digest_of(std::to_string(size)), {}, 0, size}, 0644, std::int64_t{1} << 33);
        b.add_layer({id, {}, 0, 7}, 0644, 0, "a name of more than 100 bytes " + std::string(180, 'n'));
        b.align(0);
        b.add_document("last", "not aligned", 0644, 0);
        auto const p = std::move(b).finish().value();
        BOOST_TEST(p.entry(0).data == 512u);
        BOOST_TEST(p.entry(p.count() - 1).data - p.entry(p.count() - 1).offset == 512u);
        for(std::size_t i = 1; i + 1 != p.count(); ++i) {
            BOOST_TEST(p.entry(i).data % bytes == 0u);
            BOOST_TEST(p.entry(i).alignment == bytes);
            std::string header;
            p.append_header(header, i);
            BOOST_TEST(header.size() == p.entry(i).data - p.entry(i).offset);
        }
    }
    // Every number of bytes in the last block of the records, and of digits in front of the comment's.
    for(std::uint32_t const bytes : {1024u, 8192u, 16384u}) {
        plan_builder b;
        b.align(bytes);
        for(std::size_t length = 1; length != 700; ++length)
            b.add_layer({id, {}, 0, length}, 0644, 0, std::string(length, 'n'));
        auto const p = std::move(b).finish().value();
        for(std::size_t i = 0; i != p.count(); ++i)
            BOOST_TEST(p.entry(i).data % bytes == 0u, p.path(i).size() << " bytes, aligned to " << bytes);
    }
    auto const aligned = [&](std::uint32_t bytes) {
        plan_builder b;
        b.align(bytes);
        b.add_layer({id, {}, 0, 1}, 0644, 0);
        return std::move(b).finish().value();
    };
    BOOST_TEST((aligned(0) == aligned(512)));
    BOOST_TEST((aligned(0) != aligned(4096)));
}

BOOST_AUTO_TEST_CASE(the_identity_depends_on_every_part)
{
    auto const base = small();
    BOOST_TEST((base == small()));
    BOOST_TEST(base.etag() == small().etag());
    auto const with = [](auto change) {
        plan_builder b;
        change(b);
        return std::move(b).finish().value().etag();
    };
    auto const id = digest_of(std::string_view("a"));
    std::vector<digest> all = {
        base.etag(),
        with([](auto& b) { b.add_document("f", "1", 0644, 0); }),
        with([](auto& b) { b.add_document("f", "2", 0644, 0); }),
        with([](auto& b) { b.add_document("f", "1", 0600, 0); }),
        with([](auto& b) { b.add_document("f", "1", 0644, 1); }),
        with([](auto& b) { b.add_document("g", "1", 0644, 0); }),
        with([](auto& b) { b.add_directory("f/", 0755, 0); }),
        with([&](auto& b) { b.add_layer({id, {}, 0, 1}, 0644, 0, "f"); }),
        with([&](auto& b) { b.add_layer({id, {}, 0, 2}, 0644, 0, "f"); }),
    };
    std::ranges::sort(all);
    BOOST_TEST((std::ranges::adjacent_find(all) == all.end()));
    // The number of a handle says where bytes come from, not what they are.
    BOOST_TEST(with([&](auto& b) { b.add_layer({id, {}, 0, 1}, 0644, 0, "f"); })
               == with([&](auto& b) { b.add_layer({id, {}, 7, 1}, 0644, 0, "f"); }));
}

BOOST_AUTO_TEST_CASE(what_tar_cannot_hold_is_an_error_with_its_path)
{
    plan_builder b;
    b.add_document(std::string("a\0b", 3), "", 0644, 0);
    auto const p = std::move(b).finish();
    BOOST_TEST(p.error().code == error::unencodable_header);
    BOOST_TEST(!p.error().subject.empty());
}

BOOST_AUTO_TEST_CASE(sizes_do_not_overflow)
{
    auto const id = digest_of(std::string_view("x"));
    constexpr std::uint64_t largest = std::numeric_limits<std::int64_t>::max();
    for(std::uint64_t size : {largest, largest - 1024, std::numeric_limits<std::uint64_t>::max()}) {
        plan_builder b;
        b.add_layer({id, {}, 0, size}, 0644, 0);
        auto const p = std::move(b).finish();
        BOOST_TEST(!p.has_value());
        BOOST_TEST((p.error().code == error::archive_too_large || p.error().code == error::unencodable_header));
        BOOST_TEST(p.error().subject == plan::blob_path(id));
    }
    plan_builder two;
    for(char c : {'a', 'b', 'c'})
        two.add_layer({digest_of(std::string_view(&c, 1)), {}, 0, largest / 2}, 0644, 0);
    BOOST_TEST(std::move(two).finish().error().code == error::archive_too_large);
}

BOOST_AUTO_TEST_CASE(an_entry_takes_less_than_200_bytes)
{
    // What a plan keeps of an entry is a record, a layer with its chain ID, and no path.
    BOOST_TEST(sizeof(planned_layer) + 48 <= 200u);
}
