//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Which parents an archive names and which of them the engine believes: parentlinks.json.

#include <tarexport/hash.hpp>
#include <tarexport/parent_links.hpp>

#include "vectors.hpp"

#include <optional>
#include <string>
#include <vector>

namespace {

namespace json = boost::json;

std::optional<tarexport::digest> digest_or_nothing(json::object const& o, std::string_view key)
{
    std::string const text = vectors::text(o, key);
    if(text.empty())
        return std::nullopt;
    return tarexport::parse_digest(text).value();
}

std::vector<tarexport::parent_link> links_of(json::value const& list)
{
    std::vector<tarexport::parent_link> links;
    for(auto const& l : list.as_array())
        links.push_back({digest_or_nothing(l.as_object(), "id").value_or(tarexport::digest()),
                         digest_or_nothing(l.as_object(), "parent")});
    return links;
}

void test_links(json::object const& test, json::object const&)
{
    auto const got = tarexport::validated_parent_links(links_of(test.at("links")));
    vectors::check(got == links_of(test.at("expect").at("links")), "links");
}

std::vector<tarexport::history_entry> history_of(json::value const& list)
{
    json::object const config{{"rootfs", json::object()}, {"history", list}};
    std::string text = json::serialize(config);
    auto const id = tarexport::digest_of(text);
    return tarexport::parse_image(std::move(text), id).value().history;
}

void test_parent(json::object const& test, json::object const&)
{
    auto const child = history_of(test.at("child_history")), parent = history_of(test.at("parent_history"));
    vectors::equal(
        tarexport::is_valid_parent(child, parent), test.at("expect").at("valid").as_bool(), "believes the parent");
}

} // namespace

int main()
{
    return vectors::run(
        "parentlinks.json", {{"validated_parent_links", test_links}, {"check_valid_parent", test_parent}});
}
