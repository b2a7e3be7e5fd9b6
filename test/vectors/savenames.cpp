//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Which images docker save takes for which names, and what it writes of them, from savenames.json.

#include "vector_store.hpp"

#include <tarexport/names.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/saver.hpp>

#include <algorithm>
#include <set>

namespace {

using namespace tarexport;
namespace json = boost::json;

vectors::vector_store store_of(json::object const& file)
{
    vectors::vector_store store(file);
    for(auto const& v : file.at("images").as_array()) {
        auto const& i = v.as_object();
        auto const id = store.add(vectors::text(i, "config"), vectors::text(i, "parent")).value();
        vectors::equal(id.str(), std::string(i.at("image_id").as_string()), "image ID");
        for(auto const* key : {"tags", "digest_refs"})
            for(auto const& name : i.at(key).as_array())
                store.name(name.as_string(), id);
    }
    return store;
}

// The engine's messages, as our codes.
error wanted_error(std::string_view message)
{
    if(message == "reference does not exist")
        return error::unknown_reference;
    if(message.starts_with("No such image") || message.starts_with("failed to get digest"))
        return error::unknown_image;
    if(message.starts_with("invalid reference format"))
        return error::invalid_reference;
    if(message.starts_with("empty export"))
        return error::empty_image;
    if(message.find("ambiguous") != message.npos || message.find("multiple") != message.npos)
        return error::ambiguous_id;
    throw vectors::mismatch("unknown message: " + std::string(message));
}

std::string text_of(plan const& p, std::string_view path)
{
    for(std::size_t i = 0; i != p.count(); ++i)
        if(p.path(i) == path)
            return p.document_text(i);
    return {};
}

std::vector<std::string> image_order(plan const& p)
{
    std::vector<std::string> ids;
    for(auto const& i : p.images())
        ids.push_back(i.id.str());
    return ids;
}

std::vector<std::string> strings(json::array const& a)
{
    std::vector<std::string> out;
    for(auto const& v : a)
        out.emplace_back(v.as_string());
    return out;
}

std::multiset<std::string> elements(std::string const& text, std::string_view member = {})
{
    auto const v = json::parse(text);
    std::multiset<std::string> out;
    for(auto const& e : member.empty() ? v.as_array() : v.at(member).as_array())
        out.insert(json::serialize(e));
    return out;
}

bool has_untagged(std::string const& manifest_json)
{
    auto const v = json::parse(manifest_json);
    return std::ranges::any_of(v.as_array(), [](auto const& item) { return item.at("RepoTags").is_null(); });
}

// The engine loses an untagged image from index.json when another came before it; this library never does.
void compare_index(plan const& p, std::string const& want, bool lossy)
{
    auto const got = text_of(p, "index.json");
    if(!lossy) {
        vectors::equal(got, want, "index.json");
        return;
    }
    auto const all = elements(got, "manifests"), some = elements(want, "manifests");
    vectors::check(std::ranges::includes(all, some), "index.json lacks what the engine has: " + got);
}

void compare_entries(plan const& p, json::array const& want, bool exact_documents)
{
    vectors::equal(p.count(), want.size(), "entries");
    for(std::size_t i = 0; i != want.size(); ++i) {
        auto const& w = want[i].as_object();
        auto const path = p.path(i);
        vectors::equal(path, std::string(w.at("name").as_string()), "path");
        if(path == "index.json" && !exact_documents)
            continue;
        if(auto const* size = w.if_contains("size"))
            vectors::equal(p.entry(i).size, size->to_number<std::uint64_t>(), path + " size");
        if(auto const* id = w.if_contains("sha256"))
            if(path != "manifest.json" || exact_documents)
                vectors::equal(p.id(i).hex(), std::string(id->as_string()), path + " sha256");
    }
}

void compare(plan const& p, json::array const& outcomes)
{
    auto const ours = image_order(p);
    auto const same_order = std::ranges::find_if(
        outcomes, [&](json::value const& o) { return strings(o.at("image_order").as_array()) == ours; });
    bool const exact = same_order != outcomes.end();
    auto const& want = (exact ? *same_order : outcomes.front()).as_object();
    auto const manifest = vectors::text(want, "manifest_json");
    bool const lossy = !exact || (outcomes.size() > 1 && has_untagged(manifest)) || (ours.size() > 1 && has_untagged(manifest));
    if(exact)
        vectors::equal(text_of(p, "manifest.json"), manifest, "manifest.json");
    else
        vectors::check(elements(text_of(p, "manifest.json")) == elements(manifest), "manifest.json: other images");
    vectors::equal(text_of(p, "repositories"), vectors::text(want, "repositories"), "repositories");
    compare_index(p, vectors::text(want, "index_json"), lossy);
    compare_entries(p, want.at("entries").as_array(), exact && !lossy);
    // Every image that was asked for is in the index, tagged or not: as many entries as tags, and one for each untagged image.
    std::size_t entries = 0;
    for(auto const& i : p.images())
        entries += std::max<std::size_t>(i.tags.size(), 1);
    vectors::equal(elements(text_of(p, "index.json"), "manifests").size(), entries, "entries of index.json");
}

void check_save(json::object const& test, json::object const& file)
{
    auto const store = store_of(file);
    auto const requested = strings(test.at("names").as_array());
    auto const p = saver(store).make_plan(names(requested));
    auto const& expect = test.at("expect").as_object();
    if(requested.empty()) {
        vectors::equal(p.error().code, make_error_code(error::no_names), "a save of nothing");
        return;
    }
    if(!expect.at("ok").as_bool()) {
        vectors::check(!p, "planned what the engine refuses");
        vectors::equal(p.error().code, make_error_code(wanted_error(expect.at("error").as_object().at("message").as_string())), "error");
        vectors::check(!p.error().subject.empty(), "no subject");
        return;
    }
    if(!p)
        throw vectors::mismatch("not planned: " + message(p.error()));
    compare(*p, expect.at("outcomes").as_array());
}

} // namespace

int main()
{
    return vectors::run("savenames.json", {{"save", check_save}});
}
