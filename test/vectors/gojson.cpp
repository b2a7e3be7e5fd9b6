//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// JSON as Go's encoding/json reads and writes it: gojson.json.

#include <tarexport/detail/go_json.hpp>
#include <tarexport/timestamp.hpp>

#include "vectors.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <map>
#include <string>
#include <string_view>

namespace {

namespace json = boost::json;
namespace detail = tarexport::detail;
using detail::json_kind;

// Go's own limit of depth, and no other.
constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();
constexpr detail::json_limits go_limits{unlimited, 10000, unlimited};

constexpr std::int64_t go_zero_time = -62135596800; // 0001-01-01

bool is_valid(std::string_view text) { return detail::check_json(text, go_limits).has_value(); }

// Unmarshal into `any`, then Marshal; false where a number does not fit a float64.
bool append_reencoded(std::string& out, detail::json_cursor& c, bool keep_numbers)
{
    switch(c.kind()) {
    case json_kind::string: detail::append_json_string(out, c.string()); return true;
    case json_kind::number: {
        std::string const text(c.skip());
        double const value = std::strtod(text.c_str(), nullptr);
        if(keep_numbers)
            out.append(text);
        else if(std::isfinite(value))
            detail::append_json_number(out, value);
        return keep_numbers || std::isfinite(value);
    }
    case json_kind::boolean:
    case json_kind::null: out.append(c.skip()); return true;
    case json_kind::array: {
        bool ok = true;
        out.push_back('[');
        c.begin();
        while(c.next_element()) {
            if(out.back() != '[')
                out.push_back(',');
            ok = append_reencoded(out, c, keep_numbers) && ok;
        }
        out.push_back(']');
        return ok;
    }
    case json_kind::object: break;
    }
    std::map<std::string, std::string> members;
    std::string key;
    bool ok = true;
    c.begin();
    while(c.next_member(key)) {
        std::string value;
        ok = append_reencoded(value, c, keep_numbers) && ok;
        members.insert_or_assign(key, value);
    }
    detail::json_writer w(out);
    w.begin_object();
    for(auto const& [k, v] : members) {
        w.key(k);
        w.raw(v);
    }
    w.end_object();
    return ok;
}

// Unmarshal into a map of raw messages, then Marshal; false where the text is no object.
bool append_raw_map(std::string& out, std::string_view text)
{
    detail::json_cursor c(text);
    if(c.kind() == json_kind::null) {
        out.append("null");
        return true;
    }
    if(c.kind() != json_kind::object)
        return false;
    std::map<std::string, std::string_view> members;
    std::string key;
    c.begin();
    while(c.next_member(key)) {
        auto const raw = c.skip();
        members.insert_or_assign(key, raw);
    }
    detail::json_writer w(out);
    w.begin_object();
    for(auto const& [k, raw] : members) {
        std::string compact;
        detail::append_json_compact(compact, raw);
        w.key(k);
        w.raw(compact);
    }
    w.end_object();
    return true;
}

void expect_text(json::object const& expect, std::string_view what, bool ok, std::string const& got)
{
    auto const* const e = expect.if_contains(what);
    if(!e)
        return;
    auto const& want = e->as_object();
    vectors::equal(ok, want.at("ok").as_bool(), std::string(what) + ": ok");
    if(ok)
        vectors::equal(got, vectors::text(want, "json"), what);
}

void test_text(json::object const& test, json::object const&)
{
    auto const& expect = test.at("expect").as_object();
    std::string const text = vectors::text(test, "text");
    bool const valid = is_valid(text);
    vectors::equal(valid, expect.at("valid").as_bool(), "valid");
    std::string compact, raw, any, kept, map;
    bool any_ok = false, map_ok = false;
    if(valid) {
        detail::append_json_compact(compact, text, detail::html::kept);
        detail::append_json_compact(raw, text);
        detail::json_cursor c1(text), c2(text);
        any_ok = append_reencoded(any, c1, false);
        append_reencoded(kept, c2, true);
        map_ok = append_raw_map(map, text);
    }
    expect_text(expect, "compact", valid, compact);
    expect_text(expect, "marshal_raw", valid, raw);
    expect_text(expect, "reencode", any_ok, any);
    expect_text(expect, "reencode_numbers_kept", valid, kept);
    expect_text(expect, "raw_map", map_ok, map);
    if(valid && expect.at("reencode").as_object().contains("error"))
        vectors::equal(expect.at("reencode").at("error").at("kind").as_string(), "type", "why it is not reencoded");
}

void test_string(json::object const& test, json::object const&)
{
    auto const& expect = test.at("expect").as_object();
    std::string const value = vectors::text(test, "value");
    std::string got, kept;
    detail::append_json_string(got, value);
    detail::append_json_string(kept, value, detail::html::kept);
    vectors::equal(got, vectors::decode_base64(expect.at("json_b64").as_string()), "json");
    vectors::equal(kept, vectors::text(expect, "json_no_html_escape"), "json_no_html_escape");
    vectors::check(is_valid(got), "what is written is JSON");
    vectors::equal(detail::json_cursor(got).string() == value, expect.at("decodes_to_same").as_bool(), "decoded");
}

void expect_json(json::object const& test, std::string const& got)
{
    vectors::check(test.at("expect").at("ok").as_bool(), "ok");
    vectors::equal(got, vectors::text(test.at("expect").as_object(), "json"), "json");
}

void test_float64(json::object const& test, json::object const&)
{
    std::string const bits(test.at("float64_bits").as_string());
    double const value = std::bit_cast<double>(std::uint64_t{std::strtoull(bits.c_str(), nullptr, 16)});
    if(!std::isfinite(value)) {
        vectors::check(!test.at("expect").at("ok").as_bool(), "Go refuses what is not finite");
        return;
    }
    std::string got;
    detail::append_json_number(got, value);
    expect_json(test, got);
}

template<class T>
void test_integer(json::object const& test, json::object const&)
{
    std::string const text = vectors::text(test, "value");
    T value{};
    std::from_chars(text.data(), text.data() + text.size(), value);
    std::string got;
    detail::append_json_number(got, value);
    expect_json(test, got);
}

void test_bytes(json::object const& test, json::object const&)
{
    std::string got;
    detail::append_json_bytes(got, tarexport::to_bytes(vectors::text(test, "value")));
    expect_json(test, got);
}

void test_map(json::object const& test, json::object const&)
{
    std::map<std::string, std::int64_t> map;
    for(auto const& e : test.at("entries").as_array())
        map[vectors::text(e.as_object(), "key")] = e.at("value").to_number<std::int64_t>();
    std::string got, kept;
    for(auto [out, mode] : {std::pair(&got, detail::html::escaped), std::pair(&kept, detail::html::kept)}) {
        detail::json_writer w(*out, mode);
        w.begin_object();
        for(auto const& [key, value] : map) {
            w.key(key);
            w.number(value);
        }
        w.end_object();
    }
    expect_json(test, got);
    vectors::equal(kept, vectors::text(test.at("expect").as_object(), "json_no_html_escape"), "json_no_html_escape");
}

void test_nesting(json::object const& test, json::object const&)
{
    auto const depth = test.at("array_depth").to_number<std::size_t>();
    std::string const text = std::string(depth, '[') + std::string(depth, ']');
    vectors::equal(is_valid(text), test.at("expect").at("valid").as_bool(), "valid");
    vectors::equal(is_valid(text), test.at("expect").at("decodes").as_bool(), "decodes");
    if(is_valid(text))
        vectors::equal(detail::json_cursor(text).skip().size(), text.size(), "passed over");
}

void expect_time(json::object const& expect, tarexport::timestamp const& t)
{
    auto const text = tarexport::to_rfc3339(t);
    vectors::equal(text.has_value(), expect.at("ok").as_bool(), "written");
    if(text)
        vectors::equal('"' + *text + '"', vectors::text(expect, "json"), "json");
    else
        vectors::check(text.error().code == tarexport::error::time_out_of_range, "error code");
}

void test_time(json::object const& test, json::object const&)
{
    tarexport::timestamp t;
    std::string const seconds = vectors::text(test, "unix");
    std::from_chars(seconds.data(), seconds.data() + seconds.size(), t.seconds);
    t.nanoseconds = test.at("nsec").to_number<std::uint32_t>();
    t.zone_offset = test.at("offset_seconds").to_number<std::int32_t>();
    expect_time(test.at("expect").as_object(), t);
}

void test_time_parse(json::object const& test, json::object const&)
{
    auto const& expect = test.at("expect").as_object();
    std::string const text = vectors::text(test, "text");
    bool const valid = is_valid(text), ok = expect.at("ok").as_bool();
    if(!valid) {
        vectors::check(!ok && expect.at("error").at("kind").as_string() == "syntax", "syntax");
        return;
    }
    tarexport::timestamp t{go_zero_time, 0, 0};
    detail::go_decoder d(text);
    d.read(t);
    vectors::equal(d.problem(), ok ? std::string() : std::string("no RFC 3339 time"), "problem");
    if(!ok)
        return;
    vectors::equal(std::to_string(t.seconds), vectors::text(expect, "unix"), "unix");
    vectors::equal(t.nanoseconds, expect.at("nsec").to_number<std::uint32_t>(), "nsec");
    vectors::equal(t.zone_offset, expect.at("offset_seconds").to_number<std::int32_t>(), "offset");
    expect_time(expect.at("remarshal").as_object(), t);
}

} // namespace

int main()
{
    return vectors::run("gojson.json", {
                                           {"string", test_string},
                                           {"text", test_text},
                                           {"float64", test_float64},
                                           {"int64", test_integer<std::int64_t>},
                                           {"uint64", test_integer<std::uint64_t>},
                                           {"bytes", test_bytes},
                                           {"map", test_map},
                                           {"text_nesting", test_nesting},
                                           {"time", test_time},
                                           {"time_parse", test_time_parse},
                                       });
}
