//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/detail/go_json.hpp>

#define BOOST_TEST_MODULE go_json
#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tx = tarexport;
namespace detail = tarexport::detail;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

struct inner {
    std::int64_t number = 0;
    std::string text;
};

struct outer {
    std::string kind;
    bool flag = false;
    std::optional<tx::timestamp> time;
    std::optional<inner> maybe;
    detail::json_list<std::string> list;
    detail::json_list<inner> rows;
    detail::json_map<std::string> map;
    detail::string_or_list command;
};

} // namespace

template<>
struct tx::detail::json_fields<inner> {
    static constexpr std::array all{field<&inner::number>("Number"), field<&inner::text>("text")};
};

template<>
struct tx::detail::json_fields<outer> {
    static constexpr std::array all{
        field<&outer::kind>("kind"), field<&outer::flag>("Flag"), field<&outer::time>("time"),
        field<&outer::maybe>("maybe"), field<&outer::list>("list"), field<&outer::rows>("rows"),
        field<&outer::map>("map"), field<&outer::command>("command")};
};

namespace {

constexpr auto unlimited = std::numeric_limits<std::size_t>::max();

tx::result<outer> read(std::string_view text) { return detail::read_json<outer>(text, tx::error::invalid_document); }

outer value_of(std::string_view text)
{
    auto r = read(text);
    BOOST_REQUIRE_MESSAGE(r.has_value(), text.substr(0, 200) << ": " << (r ? "" : tx::message(r.error())));
    return *r;
}

std::string refusal(std::string_view text)
{
    auto const r = read(text);
    BOOST_REQUIRE_MESSAGE(!r, text.substr(0, 200));
    BOOST_TEST(r.error().code == tx::error::invalid_document);
    return r.error().detail;
}

tx::error_code code_of(std::string_view text, detail::json_limits limits = {})
{
    auto const r = detail::check_json(text, limits);
    return r ? tx::error_code() : r.error().code;
}

std::string quoted(std::string_view text)
{
    std::string s;
    detail::append_json_string(s, text);
    return s;
}

std::string unquoted(std::string_view literal)
{
    BOOST_REQUIRE(detail::check_json(literal).has_value());
    return detail::json_cursor(literal).string();
}

std::vector<std::string> strings(detail::json_list<std::string> const& l)
{
    return {l.elements().begin(), l.elements().end()};
}

} // namespace

BOOST_AUTO_TEST_CASE(writer_puts_commas_between_values_only)
{
    std::string s = "before";
    detail::json_writer w(s);
    w.begin_object();
    w.key("a");
    w.begin_array();
    w.number(-1);
    w.string("[");
    w.begin_array();
    w.end_array();
    w.begin_object();
    w.end_object();
    w.null();
    w.end_array();
    w.key("b:");
    w.boolean(true);
    w.key("{");
    w.raw("{}");
    w.key("c");
    w.number(std::numeric_limits<std::uint64_t>::max());
    w.end_object();
    BOOST_TEST(s == R"(before{"a":[-1,"[",[],{},null],"b:":true,"{":{},"c":18446744073709551615})");
}

BOOST_AUTO_TEST_CASE(strings_are_escaped_as_in_go)
{
    BOOST_TEST(quoted("a/b\x7f") == "\"a/b\x7f\"");
    BOOST_TEST(quoted("\b\f\n\r\t\"\\"sv) == R"("\b\f\n\r\t\"\\")");
    BOOST_TEST(quoted("\0\x1f\x0b"sv) == R"("\u0000\u001f\u000b")");
    BOOST_TEST(quoted("<&>") == R"("\u003c\u0026\u003e")");
    BOOST_TEST(quoted("\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xA7") == "\"\\u2028\\u2029\xE2\x80\xA7\"");
    BOOST_TEST(quoted("\xF0\x9F\x90\xB3\xEF\xBF\xBD") == "\"\xF0\x9F\x90\xB3\xEF\xBF\xBD\"");
    BOOST_TEST(quoted("x\xFFy\xE2\x82") == R"("x\ufffdy\ufffd\ufffd")");
    BOOST_TEST(quoted("\xED\xA0\x80") == R"("\ufffd\ufffd\ufffd")", "a surrogate is no UTF-8");
    BOOST_TEST(quoted("\xC0\xAF\xF4\x90\x80\x80") == R"("\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd")");
}

BOOST_AUTO_TEST_CASE(numbers_are_the_shortest_that_read_back)
{
    auto const written = [](double d) {
        std::string s;
        detail::append_json_number(s, d);
        return s;
    };
    BOOST_TEST(written(-0.0) == "-0");
    BOOST_TEST(written(0.1) == "0.1");
    BOOST_TEST(written(-1234.5) == "-1234.5");
    BOOST_TEST(written(1e-6) == "0.000001");
    BOOST_TEST(written(1e-7) == "1e-7");
    BOOST_TEST(written(1.5e-10) == "1.5e-10");
    BOOST_TEST(written(123456789012345680000.0) == "123456789012345680000");
    BOOST_TEST(written(1e20) == "100000000000000000000");
    BOOST_TEST(written(1e21) == "1e+21");
    BOOST_TEST(written(5e-324) == "5e-324");
    BOOST_TEST(written(std::numeric_limits<double>::max()) == "1.7976931348623157e+308");
}

BOOST_AUTO_TEST_CASE(texts_that_are_no_json)
{
    for(auto t : {"", " ", "{", "}", "[1,]", "[,1]", "{,}", R"({"a"})", R"({"a":})", R"({"a":1,})", "{a:1}", "{1:1}",
                  "[1 2]", "[1}", "{]", "1 2", "01", "+1", ".5", "1.", "1e", "1e+", "-", "--1", "0x1", "nul", "nulll",
                  "True", "NaN", "\"", "\"\\\"", R"("\x")", R"("\u12")", R"("\u12g4")", "'a'", "\xEF\xBB\xBF{}",
                  "[1]\x0b", "/**/1", "\"\t\"", "\"\n\"", "[]]", "{}{}"})
        BOOST_TEST(code_of(t) == tx::error::invalid_json, t);
    BOOST_TEST(code_of("\"a\0b\""sv) == tx::error::invalid_json);
    BOOST_TEST(code_of("\0"sv) == tx::error::invalid_json);
    BOOST_TEST(code_of("\"\\\0\""sv) == tx::error::invalid_json);
    BOOST_TEST(detail::check_json("[1,x]").error().detail == "unexpected character at byte 3");
    BOOST_TEST(detail::check_json("[1,").error().detail == "unexpected end at byte 3");
}

BOOST_AUTO_TEST_CASE(texts_that_are_json)
{
    for(auto t : {"0", "-0", "-1.50e+07", "1E5", "\t[ ]\r\n", "{ }", R"({"":{"":[]}})", R"("\u0000\uD800\/")", "null",
                  "\"\x7f\xff\"", R"({"a":1,"a":2})", " true "})
        BOOST_TEST(!code_of(t), t);
}

BOOST_AUTO_TEST_CASE(no_beginning_of_a_text_is_a_text)
{
    std::string const text = R"({"kind":"a\u00e9\n\\","rows":[{"number":-12},{"text":null}],"x":[1.5e+3,true,{}]})";
    BOOST_TEST(read(text).has_value());
    for(std::size_t n = 0; n != text.size(); ++n) {
        // A copy of exactly n bytes lets the address sanitizer see a read beyond them.
        std::vector<char> const part(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(n));
        BOOST_TEST(code_of({part.data(), n}) == tx::error::invalid_json, n);
    }
}

BOOST_AUTO_TEST_CASE(limits)
{
    auto const nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
    BOOST_TEST(!code_of(nested(64)));
    BOOST_TEST(code_of(nested(65)) == tx::error::limit_exceeded);
    BOOST_TEST(!code_of(nested(10000), {unlimited, 10000, unlimited}));
    BOOST_TEST(code_of(nested(10001), {unlimited, 10000, unlimited}) == tx::error::limit_exceeded);
    BOOST_TEST(!code_of("[1]", {3, 1, 2}));
    BOOST_TEST(code_of("[1]", {2, 1, 2}) == tx::error::limit_exceeded);
    BOOST_TEST(code_of("[1]", {3, 0, 2}) == tx::error::limit_exceeded);
    BOOST_TEST(code_of("[1]", {3, 1, 1}) == tx::error::limit_exceeded);
    BOOST_TEST(code_of(R"([{"a":1}])", {99, 2, 3}) == tx::error_code());
    BOOST_TEST(code_of(R"([{"a":1,"b":2}])", {99, 2, 3}) == tx::error::limit_exceeded);
}

BOOST_AUTO_TEST_CASE(a_million_levels_need_no_stack)
{
    std::size_t const n = 1'000'000;
    std::string text(n, '[');
    BOOST_TEST(code_of(text, {unlimited, unlimited, unlimited}) == tx::error::invalid_json);
    BOOST_TEST(code_of(text) == tx::error::limit_exceeded);
    text.append(n, ']');
    BOOST_TEST(!code_of(text, {unlimited, unlimited, unlimited}));
    BOOST_TEST(detail::json_cursor(text).skip().size() == text.size());
}

BOOST_AUTO_TEST_CASE(long_texts_take_linear_time)
{
    std::string escapes = "\"", keys = "{";
    while(escapes.size() < (std::size_t{8} << 20) - 8)
        escapes.append("\\u00e9");
    escapes.push_back('"');
    while(keys.size() < (std::size_t{8} << 20) - 20064)
        keys.append("\"" + std::string(20000, 'k') + "\":\"\",");
    keys.append("\"kind\":\"\\ud83d\\udc33\"}");
    auto const start = std::chrono::steady_clock::now();
    BOOST_TEST(unquoted(escapes).size() == (escapes.size() - 2) / 3);
    BOOST_TEST(value_of(keys).kind == "\xF0\x9F\x90\xB3");
    // Linear work is done in a tenth of this, quadratic work in a thousand times as much.
    BOOST_TEST((std::chrono::steady_clock::now() - start < std::chrono::seconds(20)));
}

BOOST_AUTO_TEST_CASE(strings_are_decoded_as_in_go)
{
    BOOST_TEST(unquoted(R"("\b\f\n\r\t\/\\\"\u0041\u00e9\u20ac")") == "\b\f\n\r\t/\\\"A\xC3\xA9\xE2\x82\xAC");
    BOOST_TEST(unquoted(R"("\ud83d\udc33\uD83D\uDC33")") == "\xF0\x9F\x90\xB3\xF0\x9F\x90\xB3");
    BOOST_TEST(unquoted(R"("\ud800\ud83d\udc33")") == "\xEF\xBF\xBD\xF0\x9F\x90\xB3");
    BOOST_TEST(unquoted(R"("\udc33\ud83d")") == "\xEF\xBF\xBD\xEF\xBF\xBD");
    BOOST_TEST(unquoted(R"("\ud83dx\ud83d\n")") == "\xEF\xBF\xBDx\xEF\xBF\xBD\n");
    BOOST_TEST(unquoted("\"\xED\xA0\x80\xE2\x82\"") == "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    BOOST_TEST(unquoted(R"("\u0000")") == "\0"s);
}

BOOST_AUTO_TEST_CASE(cursor_keeps_duplicates_order_and_raw_text)
{
    std::string const text = " { \"a\" : [ 1 , \"]\\\"\" ] , \"b\":-1e5,\"\\u0061\" :{ } } ";
    BOOST_REQUIRE(detail::check_json(text).has_value());
    detail::json_cursor c(text);
    std::vector<std::string> seen;
    std::string key;
    BOOST_TEST((c.kind() == detail::json_kind::object));
    c.begin();
    while(c.next_member(key))
        seen.push_back(key + "=" + std::string(c.skip()));
    BOOST_TEST(seen == (std::vector{"a=[ 1 , \"]\\\"\" ]"s, "b=-1e5"s, "a={ }"s}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(compacting_changes_white_space_and_html_only)
{
    std::string escaped, kept;
    std::string_view const text = "{ \"a <\\\" &\" :\t[1.50 ,\n\"\xE2\x80\xA8\\u003C \\\\\" ] }";
    detail::append_json_compact(escaped, text);
    detail::append_json_compact(kept, text, detail::html::kept);
    BOOST_TEST(escaped == R"({"a \u003c\" \u0026":[1.50,"\u2028\u003C \\"]})");
    BOOST_TEST(kept == "{\"a <\\\" &\":[1.50,\"\xE2\x80\xA8\\u003C \\\\\"]}");
}

BOOST_AUTO_TEST_CASE(keys_match_exactly_then_folded)
{
    BOOST_TEST(value_of(R"({"KIND":"a"})").kind == "a");
    BOOST_TEST(value_of("{\"\xE2\x84\xAAind\":\"a\"}").kind == "a");
    BOOST_TEST(value_of(R"({"\u212aIND":"a"})").kind == "a");
    BOOST_TEST(value_of("{\"li\xC5\xBFt\":[\"a\"]}").list.size == 1);
    BOOST_TEST(value_of(R"({"kind":"a","Kind":"b"})").kind == "b", "the last wins, exact or not");
    BOOST_TEST(value_of(R"({"kind ":"a","kin":"b","kindk":"c","":"d"})").kind.empty());
    BOOST_TEST(!detail::equals_folded("kind", "k\xC4\xB1nd"), "a dotless i is no i");
    BOOST_TEST(!detail::equals_folded("k_", "K "));
}

BOOST_AUTO_TEST_CASE(null_is_of_every_type)
{
    auto const v = value_of(R"({"kind":"a","kind":null,"flag":true,"flag":null,"time":"2024-01-02T03:04:05Z","time":null,
        "maybe":{"number":1},"maybe":null,"list":["a"],"list":null,"map":{"a":"b"},"map":null,"command":"a","command":null})");
    BOOST_TEST(v.kind == "a");
    BOOST_TEST(v.flag);
    BOOST_TEST(!v.time);
    BOOST_TEST(!v.maybe);
    BOOST_TEST(v.list.null);
    BOOST_TEST(!v.map);
    BOOST_TEST(v.command.null);
    BOOST_TEST(value_of("null").kind.empty());
}

BOOST_AUTO_TEST_CASE(duplicates_merge)
{
    auto const v = value_of(R"({"maybe":{"number":1,"text":"a"},"Maybe":{"number":2},"map":{"a":"1","b":"2"},"MAP":{"b":null,"c":"3"}})");
    BOOST_REQUIRE(v.maybe);
    BOOST_TEST(v.maybe->number == 2);
    BOOST_TEST(v.maybe->text == "a");
    BOOST_REQUIRE(v.map);
    BOOST_TEST(v.map->size() == 3u);
    BOOST_TEST(v.map->at("b").empty(), "a map's null is the zero value");
}

BOOST_AUTO_TEST_CASE(lists_are_read_over_what_was_there)
{
    auto const of = [](std::string_view text) { return strings(value_of(text).list); };
    BOOST_TEST(of(R"({"list":["a","b"],"list":["c"]})") == std::vector{"c"s}, boost::test_tools::per_element());
    BOOST_TEST(of(R"({"list":["a","b"],"list":[null]})") == std::vector{"a"s}, boost::test_tools::per_element());
    BOOST_TEST(of(R"({"list":["a","b"],"list":["c"],"list":[null,null,null]})") == (std::vector{"c"s, "b"s, ""s}),
               boost::test_tools::per_element());
    BOOST_TEST(of(R"({"list":["a"],"list":[],"list":[null]})") == std::vector{""s}, boost::test_tools::per_element());
    BOOST_TEST(of(R"({"list":["a"],"list":null,"list":[null]})") == std::vector{""s}, boost::test_tools::per_element());
    auto const empty = value_of(R"({"list":["a"],"list":[]})").list;
    BOOST_TEST((!empty.null && empty.size == 0));
    auto rows = value_of(R"({"rows":[{"number":1,"text":"a"},{"text":"b"}],"rows":[{"number":2}]})").rows;
    auto const taken = rows.take();
    BOOST_REQUIRE(taken.size() == 1u);
    BOOST_TEST(taken[0].number == 2);
    BOOST_TEST(taken[0].text == "a");
}

BOOST_AUTO_TEST_CASE(a_command_is_a_string_or_a_list)
{
    auto const of = [](std::string_view text) { return value_of(text).command.items; };
    BOOST_TEST(of(R"({"command":"a b"})") == std::vector{"a b"s}, boost::test_tools::per_element());
    BOOST_TEST(of(R"({"command":""})") == std::vector{""s}, boost::test_tools::per_element());
    BOOST_TEST(of(R"({"command":["x","y"],"command":["a",null]})") == (std::vector{"a"s, ""s}),
               boost::test_tools::per_element());
    BOOST_TEST(refusal(R"({"command":1})") == "command: a number where a string is expected");
    BOOST_TEST(refusal(R"({"command":["a",["b"]],"kind":1})") == "command: an array where a string is expected");
}

BOOST_AUTO_TEST_CASE(wrong_types_are_named_with_their_path)
{
    BOOST_TEST(refusal("[]") == "an array where an object is expected");
    BOOST_TEST(refusal(R"({"KIND":1})") == "kind: a number where a string is expected");
    BOOST_TEST(refusal(R"({"flag":"true"})") == "Flag: a string where a boolean is expected");
    BOOST_TEST(refusal(R"({"maybe":{"number":"1"}})") == "maybe.Number: a string where a number is expected");
    BOOST_TEST(refusal(R"({"maybe":{"number":1.0}})") == "maybe.Number: a number that is no integer");
    BOOST_TEST(refusal(R"({"maybe":{"number":1e2}})") == "maybe.Number: a number that is no integer");
    BOOST_TEST(refusal(R"({"maybe":{"number":9223372036854775808}})") == "maybe.Number: a number beyond 64 bits");
    BOOST_TEST(value_of(R"({"maybe":{"number":-9223372036854775808}})").maybe->number == std::numeric_limits<std::int64_t>::min());
    BOOST_TEST(refusal(R"({"list":"a"})") == "list: a string where an array is expected");
    BOOST_TEST(refusal(R"({"list":["a",{}]})") == "list: an object where a string is expected");
    BOOST_TEST(refusal(R"({"map":{"a":true}})") == "map: a boolean where a string is expected");
    BOOST_TEST(refusal(R"({"time":"yesterday"})") == "time: no RFC 3339 time");
    BOOST_TEST(refusal(R"({"time":"2024-01-02T03:04:05\u005a"})") == "time: no RFC 3339 time");
    BOOST_TEST(refusal(R"({"time":[]})") == "time: no RFC 3339 time");
    BOOST_TEST(refusal(R"({"kind":1,"flag":2})") == "kind: a number where a string is expected", "the first counts");
    BOOST_TEST(refusal(R"({"kind":1,"time":2})") == "time: no RFC 3339 time", "but what ends the decoding counts more");
    BOOST_TEST(value_of(R"({"unknown":{"kind":1,"x":[[]]},"flag":true})").flag);
}

BOOST_AUTO_TEST_CASE(a_text_that_is_no_json_is_not_decoded)
{
    BOOST_TEST(read("{").error().code == tx::error::invalid_json);
    BOOST_TEST(detail::read_json<outer>("{}", tx::error::invalid_document, {1, 64, 9}).error().code == tx::error::limit_exceeded);
}
