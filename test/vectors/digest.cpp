//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Every case of digest.json: what opencontainers/go-digest v1.0.0 makes of digests, and the hashes themselves.

#include <tarexport/digest_set.hpp>
#include <tarexport/hash.hpp>

#include "vectors.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace json = vectors::json;
using tarexport::digest;
using tarexport::digest_algorithm;
using tarexport::digest_fault;

using hashes = tarexport::hash_set<tarexport::sha256, tarexport::sha384, tarexport::sha512>;

std::string kind_of(digest_fault f)
{
    switch(f) {
    case digest_fault::none: return "none";
    case digest_fault::invalid_format: return "invalid_format";
    case digest_fault::invalid_length: return "invalid_length";
    case digest_fault::unsupported: return "unsupported";
    }
    return "?";
}

void parse(json::object const& test, json::object const&)
{
    auto const input = vectors::text(test, "input");
    auto const& want = test.at("expect").as_object();
    auto const d = tarexport::parse_digest(input);
    vectors::equal(d.has_value(), want.at("ok").as_bool(), "accepted");
    auto const fault = tarexport::check_digest(input);
    if(!d) {
        vectors::equal(kind_of(fault), vectors::text(want.at("error").as_object(), "kind"), "fault");
        auto const code = fault == digest_fault::unsupported ? tarexport::error::unsupported_digest
                                                             : tarexport::error::invalid_digest;
        vectors::equal(d.error().code, make_error_code(code), "code");
        vectors::equal(d.error().subject, input, "subject");
        return;
    }
    vectors::equal(kind_of(fault), "none", "fault");
    vectors::equal(d->str(), input, "str");
    vectors::equal(name_of(d->algorithm()), vectors::text(want, "algorithm"), "algorithm");
    vectors::equal(d->hex(), vectors::text(want, "encoded"), "hex");
    vectors::equal(d->hash().size(), want.at("size").to_number<std::size_t>(), "size");
}

void algorithm(json::object const& test, json::object const&)
{
    auto const name = vectors::text(test, "algorithm");
    auto const& want = test.at("expect").as_object();
    auto const a = tarexport::find_algorithm(name);
    vectors::equal(a.has_value(), want.at("available").as_bool(), "available");
    vectors::equal(a ? tarexport::size_of(*a) : 0, want.at("size").to_number<std::size_t>(), "size");
    if(a)
        vectors::check(hashes::supports(*a), "a hash for each algorithm");

    // As a command-line flag, where nothing means the default.
    auto const& set = want.at("set").as_object();
    auto const chosen = name.empty() ? digest_algorithm::sha256 : a;
    vectors::equal(chosen.has_value(), set.at("ok").as_bool(), "set");
    if(chosen)
        vectors::equal(name_of(*chosen), vectors::text(set, "algorithm"), "set algorithm");
}

// The digest of each algorithm that the case knows, of text given in pieces.
void compare_hashes(json::object const& want, std::vector<std::string_view> const& pieces)
{
    for(auto const& [name, value] : want) {
        auto const a = tarexport::find_algorithm(name);
        vectors::check(a.has_value(), "algorithm");
        hashes::hasher h;
        vectors::check(h.start(*a), "start");
        for(auto const piece : pieces)
            h.update(tarexport::to_bytes(piece));
        vectors::equal(h.result().value().str(), value.as_string(), std::string(name));
    }
}

void hash(json::object const& test, json::object const&)
{
    std::vector<std::string_view> pieces;
    std::string data;
    if(test.contains("times")) {
        data = vectors::text(test, "repeat");
        pieces.assign(test.at("times").to_number<std::size_t>(), data);
    }
    else {
        data = vectors::text(test, "data");
        pieces.push_back(data);
    }
    compare_hashes(test.at("expect").as_object(), pieces);
    auto const& want = test.at("expect").as_object();
    if(pieces.size() == 1)
        vectors::equal(tarexport::digest_of(data).str(), vectors::text(want, "sha256"), "digest_of");
}

void hash_chunks(json::object const& test, json::object const&)
{
    auto const data = vectors::text(test, "data");
    std::string_view rest = data;
    std::vector<std::string_view> pieces;
    for(auto const& v : test.at("write_sizes").as_array()) {
        auto const n = std::min(v.to_number<std::size_t>(), rest.size());
        pieces.push_back(rest.substr(0, n));
        rest.remove_prefix(n);
    }
    pieces.push_back(rest);
    compare_hashes(test.at("expect").as_object(), pieces);
}

void verify(json::object const& test, json::object const&)
{
    auto const d = tarexport::parse_digest(vectors::text(test, "digest")).value();
    hashes::hasher h;
    vectors::check(h.start(d.algorithm()), "start");
    h.update(tarexport::to_bytes(vectors::text(test, "data")));
    vectors::equal(h.result() == d, test.at("expect").as_object().at("verified").as_bool(), "verified");
}

tarexport::digest_set set_of(json::object const& test)
{
    std::vector<digest> ids;
    for(auto const& v : test.at("set").as_array())
        ids.push_back(tarexport::parse_digest(v.as_string()).value());
    tarexport::digest_set grown;
    for(auto const& id : ids)
        grown.insert(id);
    tarexport::digest_set made(ids);
    vectors::check(std::ranges::equal(grown, made), "the same set, however it was made");
    return made;
}

void lookup(json::object const& test, json::object const&)
{
    auto const& want = test.at("expect").as_object();
    auto const got = set_of(test).find_prefix(vectors::text(test, "term"));
    vectors::equal(got.has_value(), want.at("ok").as_bool(), "found");
    if(got) {
        vectors::equal(got->str(), vectors::text(want, "digest"), "digest");
        return;
    }
    auto const code = vectors::text(want.at("error").as_object(), "kind") == "ambiguous"
                          ? tarexport::error::ambiguous_id
                          : tarexport::error::unknown_image;
    vectors::equal(got.error().code, make_error_code(code), "code");
}

void short_codes(json::object const& test, json::object const&)
{
    json::array sorted;
    for(auto const& [id, code] : set_of(test).short_codes(test.at("length").to_number<std::size_t>()))
        sorted.push_back({{"digest", id.str()}, {"short", code}});
    auto const& want = test.at("expect").as_object().at("sorted");
    vectors::equal(json::serialize(sorted), want.is_null() ? "[]" : json::serialize(want), "sorted");
}

} // namespace

int main()
{
    return vectors::run("digest.json",
        {{"parse", parse}, {"algorithm", algorithm}, {"hash", hash}, {"hash_chunks", hash_chunks}, {"verify", verify},
            {"lookup", lookup}, {"short_codes", short_codes}});
}
