//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Every case of reference.json: what distribution/reference v0.6.0 and `docker save` make of a name.

#include <tarexport/reference_match.hpp>

#include "vectors.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace json = vectors::json;
using tarexport::any_reference;
using tarexport::digest;
using tarexport::reference;
using tarexport::reference_fault;

std::string kind_of(reference_fault f)
{
    switch(f) {
    case reference_fault::none: return "none";
    case reference_fault::empty: return "name_empty";
    case reference_fault::identifier: return "identifier";
    case reference_fault::upper_case_path: return "remote_uppercase";
    case reference_fault::upper_case: return "uppercase";
    case reference_fault::invalid_format: return "invalid_format";
    case reference_fault::too_long: return "name_too_long";
    case reference_fault::invalid_tag: return "tag_invalid";
    case reference_fault::invalid_digest: return "digest_pattern";
    case reference_fault::digest_format: return "digest_invalid_format";
    case reference_fault::digest_length: return "digest_invalid_length";
    case reference_fault::unsupported_digest: return "digest_unsupported";
    case reference_fault::not_canonical: return "not_canonical";
    }
    return "?";
}

// A failure says its fault in the detail.
std::string kind_of(tarexport::failure const& f)
{
    vectors::equal(f.code, make_error_code(tarexport::error::invalid_reference), "code");
    for(int i = 1; i <= static_cast<int>(reference_fault::not_canonical); ++i)
        if(f.detail == text(static_cast<reference_fault>(i)))
            return kind_of(static_cast<reference_fault>(i));
    return "no fault: " + f.detail;
}

bool refused(tarexport::failure const& f, json::object const& want, std::string_view what)
{
    vectors::check(!want.at("ok").as_bool(), std::string(what) + " refused: " + message(f));
    vectors::equal(kind_of(f), vectors::text(want.at("error").as_object(), "kind"), what);
    return true;
}

template<class T>
bool accepted(tarexport::result<T> const& got, json::object const& want, std::string_view what)
{
    if(!got)
        return !refused(got.error(), want, what);
    vectors::check(want.at("ok").as_bool(), std::string(what) + " accepted");
    return true;
}

std::string kind_of(reference const& r)
{
    if(r.has_tag())
        return r.has_digest() ? "tagged_canonical" : "tagged";
    return r.has_digest() ? "canonical" : "named";
}

void compare(reference const& r, json::object const& want, std::string_view what)
{
    std::string const w(what);
    vectors::equal(kind_of(r), vectors::text(want, "kind"), w + " kind");
    vectors::equal(r.str(), vectors::text(want, "string"), w + " string");
    vectors::equal(r.name(), vectors::text(want, "name"), w + " name");
    vectors::equal(r.domain(), vectors::text(want, "domain"), w + " domain");
    vectors::equal(r.path(), vectors::text(want, "path"), w + " path");
    vectors::equal(r.tag(), vectors::text(want, "tag"), w + " tag");
    vectors::equal(r.digest_text(), vectors::text(want, "digest"), w + " digest");
    if(!want.contains("familiar_name"))
        return;
    vectors::equal(r.familiar_name(), vectors::text(want, "familiar_name"), w + " familiar_name");
    vectors::equal(r.familiar(), vectors::text(want, "familiar_string"), w + " familiar_string");
    vectors::equal(r.is_name_only(), want.at("is_name_only").as_bool(), w + " is_name_only");
    vectors::equal(r.with_default_tag().str(), vectors::text(want, "tag_name_only"), w + " tag_name_only");
    vectors::equal(r.without_tag_and_digest().str(), vectors::text(want, "trim_named"), w + " trim_named");
    if(r.has_digest())
        vectors::equal(r.id().value().str(), r.digest_text(), w + " id");
}

void compare_any(tarexport::result<any_reference> const& got, json::object const& want)
{
    if(!accepted(got, want, "any"))
        return;
    if(auto const* const r = std::get_if<reference>(&*got)) {
        compare(*r, want, "any");
        return;
    }
    auto const id = std::get<digest>(*got).str();
    vectors::equal("digest_only", vectors::text(want, "kind"), "any kind");
    vectors::equal(id, vectors::text(want, "string"), "any string");
    vectors::equal(id, vectors::text(want, "digest"), "any digest");
    vectors::equal(id, vectors::text(want, "familiar_string"), "any familiar_string");
}

void compare_save(
    tarexport::result<tarexport::image_name> const& got, std::string const& input, json::object const& want)
{
    auto const lookup = vectors::text(want, "lookup");
    if(!got) {
        vectors::equal("error", lookup, "save");
        return;
    }
    vectors::equal(got->text, input, "save text");
    if(auto const* const id = std::get_if<digest>(&got->meaning)) {
        vectors::equal("image_id", lookup, "save");
        vectors::equal(id->str(), vectors::text(want, "id"), "save id");
    }
    else if(auto const* const prefix = std::get_if<tarexport::id_prefix>(&got->meaning)) {
        vectors::equal("id_search", lookup, "save");
        vectors::equal(prefix->text, vectors::text(want, "term"), "save term");
    }
    else if(auto const* const repository = std::get_if<tarexport::repository_name>(&got->meaning)) {
        vectors::equal("all_refs_of_name_else_id_search", lookup, "save");
        vectors::equal(repository->base.familiar_name(), vectors::text(want, "name"), "save name");
        vectors::equal(got->text, vectors::text(want, "term"), "save term");
    }
    else {
        auto const& r = std::get<reference>(got->meaning);
        vectors::equal("reference", lookup, "save");
        vectors::equal(r.has_digest(), want.at("repo_tag").is_null(), "save without a tag");
        if(!r.has_digest())
            vectors::equal(r.familiar(), vectors::text(want, "repo_tag"), "save repo_tag");
    }
}

void parse(json::object const& test, json::object const&)
{
    auto const input = vectors::text(test, "input");
    auto const& expect = test.at("expect").as_object();
    auto const want = [&](char const* key) -> json::object const& { return expect.at(key).as_object(); };

    auto const normalized = tarexport::parse_reference(input);
    if(accepted(normalized, want("normalized"), "normalized"))
        compare(*normalized, want("normalized"), "normalized");
    bool const sound = tarexport::check_reference(input) == reference_fault::none;
    vectors::equal(sound, normalized.has_value(), "check_reference");

    auto const strict = tarexport::parse_verbatim_reference(input);
    if(accepted(strict, want("strict"), "strict"))
        compare(*strict, want("strict"), "strict");
    bool const sound_verbatim = tarexport::check_verbatim_reference(input) == reference_fault::none;
    vectors::equal(sound_verbatim, strict.has_value(), "check_verbatim_reference");

    auto const pull = tarexport::parse_pull_reference(input);
    if(accepted(pull, want("docker_ref"), "docker_ref"))
        vectors::equal(pull->str(), vectors::text(want("docker_ref"), "string"), "docker_ref");

    auto const canonical = tarexport::parse_canonical_reference(input);
    if(accepted(canonical, want("parse_named"), "parse_named"))
        vectors::equal(canonical->str(), vectors::text(want("parse_named"), "string"), "parse_named");

    compare_any(tarexport::parse_any_reference(input), want("any"));
    compare_save(tarexport::parse_image_name(input), input, want("save"));
}

// The tag before the digest, or after it.
void build(json::object const& test, bool tag_first)
{
    auto r = tarexport::with_name(vectors::text(test, "name"));
    auto const tag = vectors::text(test, "tag"), id = vectors::text(test, "digest");
    for(bool const tag_now : {tag_first, !tag_first}) {
        if(r && tag_now && !tag.empty())
            r = r->with_tag(tag);
        if(r && !tag_now && !id.empty())
            r = r->with_digest(id);
    }
    auto const& want = test.at("expect").as_object();
    if(accepted(r, want, "built"))
        compare(*r, want, "built");
}

void familiar_match(json::object const& test, json::object const&)
{
    auto const& want = test.at("expect").as_object();
    auto const r = tarexport::parse_any_reference(vectors::text(test, "reference")).value();
    auto const pattern = tarexport::parse_name_pattern(vectors::text(test, "pattern"));
    vectors::equal(!pattern, want.at("bad_pattern").as_bool(), "bad_pattern");
    vectors::equal(pattern && pattern->matches(r), want.at("match").as_bool(), "match");
}

void sort(json::object const& test, json::object const&)
{
    std::vector<std::string> texts, sorted;
    for(auto const& v : test.at("input").as_array())
        texts.emplace_back(v.as_string());
    for(auto const& v : test.at("expect").as_object().at("sorted").as_array())
        sorted.emplace_back(v.as_string());
    vectors::equal(json::serialize(json::value_from(tarexport::sort_references(texts))),
        json::serialize(json::value_from(sorted)), "sorted");
}

} // namespace

int main()
{
    return vectors::run("reference.json",
        {{"parse", parse}, {"with_name", [](auto& test, auto&) { build(test, true); }},
            {"with_tag", [](auto& test, auto&) { build(test, false); }},
            {"with_digest", [](auto& test, auto&) { build(test, true); }}, {"familiar_match", familiar_match},
            {"sort", sort}});
}
