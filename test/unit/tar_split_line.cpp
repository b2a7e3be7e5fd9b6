//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/detail/tar_split_line.hpp>

#define BOOST_TEST_MODULE tar_split_line
#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace tx = tarexport;
using tx::error;
using namespace std::string_literals;

namespace {

struct parsed {
    tx::result<void> outcome;
    tx::detail::tar_split_line line;
    std::string text; // which the line points into
};

parsed parse(std::string text, std::uint64_t position = 0)
{
    parsed p{{}, {}, std::move(text)};
    p.outcome = tx::detail::parse_tar_split_line(p.text, position, p.line);
    return p;
}

void accepted(std::string const& text, std::string_view payload)
{
    auto const p = parse(text);
    BOOST_TEST(p.outcome.has_value(), text);
    BOOST_TEST(p.line.payload == payload, text);
}

std::string refused(std::string const& text, error code)
{
    auto const p = parse(text);
    BOOST_TEST_REQUIRE(p.outcome.has_error(), text);
    BOOST_TEST((p.outcome.error().code == code), text);
    return p.outcome.error().detail;
}

} // namespace

BOOST_AUTO_TEST_CASE(bytes)
{
    auto const p = parse(R"({"type":2,"payload":"Zm9vYmE=","position":7})", 7);
    BOOST_TEST(p.outcome.has_value());
    BOOST_TEST(!p.line.is_file);
    BOOST_TEST(p.line.payload == "fooba");
    accepted(R"({"type":2,"payload":null,"position":0})", "");
    accepted(R"({"type":2,"payload":"","position":0})", "");
    accepted(R"({"type":2,"position":0})", "");
}

BOOST_AUTO_TEST_CASE(files)
{
    auto const p = parse(R"({"type":1,"name":"d/hello","size":12,"payload":"ROnPP1cq2aw=","position":9223372036854775807})",
        9223372036854775807u);
    BOOST_TEST(p.outcome.has_value());
    BOOST_TEST(p.line.is_file);
    BOOST_TEST(p.line.name == "d/hello");
    BOOST_TEST(p.line.size == 12u);
    BOOST_TEST(p.line.payload == "\x44\xE9\xCF\x3F\x57\x2A\xD9\xAC");
    BOOST_TEST(parse(R"({"type":1,"name":"x","size":9223372036854775807,"payload":"AAAAAAAAAAA=","position":0})").line.size ==
               9223372036854775807u);
    accepted(R"({"type":1,"name":"x","payload":null,"position":0})", "");
    accepted(R"({"type":1,"name":"x","size":0,"payload":"AAAAAAAAAAA=","position":0})", "\0\0\0\0\0\0\0\0"s);
    BOOST_TEST(parse(R"({"type":1,"payload":null,"position":0})").line.name.empty());
    // in another order, and with white space
    accepted(" {\t\"position\" : 0 ,\r\"payload\":\"Zm8=\" , \"type\":2 } ", "fo");
}

BOOST_AUTO_TEST_CASE(names)
{
    auto const name = [](std::string const& member) {
        auto const p = parse(R"({"type":1,)" + member + R"(,"payload":null,"position":0})");
        BOOST_TEST(p.outcome.has_value(), member);
        return p.line.name;
    };
    BOOST_TEST(name(R"("name":"")").empty());
    BOOST_TEST(name(R"("name":"a/b c")") == "a/b c");
    BOOST_TEST(name("\"name\":\"\xc3\xa9\x7f\"") == "\xc3\xa9\x7f");
    BOOST_TEST(name(R"("name":"\"\\\/\b\f\n\r\t\u003c\u2028\ud83d\ude00")") == "\"\\/\b\f\n\r\t<\xe2\x80\xa8\xf0\x9f\x98\x80");
    BOOST_TEST(name(R"("name":"ends in \\")") == "ends in \\");
    BOOST_TEST(name(R"("name":"\"")") == "\"");
    // as Go reads what it would not write
    BOOST_TEST(name("\"name\":\"\xff\"") == "\xef\xbf\xbd");
    BOOST_TEST(name(R"("name":"\ud800")") == "\xef\xbf\xbd");
    BOOST_TEST(name(R"("name_raw":"/+nt")") == "\xff\xe9\xed");
    // nothing is left of the line before
    tx::detail::tar_split_line line;
    std::string first = R"({"type":1,"name":"x","size":1,"payload":"AAAAAAAAAAA=","position":0})", second = R"({"type":2,"position":1})";
    BOOST_TEST(tx::detail::parse_tar_split_line(first, 0, line).has_value());
    BOOST_TEST(tx::detail::parse_tar_split_line(second, 1, line).has_value());
    BOOST_TEST(!line.is_file);
    BOOST_TEST(line.name.empty());
    BOOST_TEST(line.size == 0u);
    BOOST_TEST(line.payload.empty());
}

BOOST_AUTO_TEST_CASE(what_is_not_json)
{
    for(auto const* text : {"", " ", "{", "}", "[]", "null", "2", R"({"type")", R"({"type":)", R"({"type":2)", R"({"type":2,)",
            R"({"type":2,})", R"({"type":2,"position":0)", R"({,"type":2})", R"({"type" 2})", R"({"type":2 "position":0})",
            R"({type:2})", R"({"type":"2","position":0})", R"({"type":2.0,"position":0})", R"({"type":2e0,"position":0})",
            R"({"type":02,"position":0})", R"({"type":+2,"position":0})", R"({"type":-2,"position":0})",
            R"({"type":0x2,"position":0})", R"({"type":true,"position":0})", R"({"type":null,"position":0})",
            R"({"type":2,"payload":nul,"position":0})", R"({"type":2,"payload":nullx,"position":0})",
            R"({"type":2,"payload":[],"position":0})", R"({"type":2,"payload":"Zm8=)", R"({"type":2,"payload":7,"position":0})",
            R"({"type":1,"name":null,"position":0})", R"({"type":1,"name":"x)", R"({"type":1,"name":"x\)",
            R"({"type":1,"name":"\x","position":0})", R"({"type":1,"name":"\u12g4","position":0})", R"({"type":1,"name":"\u12)",
            "{\"type\":1,\"name\":\"a\tb\",\"position\":0}", R"({"type":1,"size":-1,"position":0})",
            R"({"type":2,"position":0}x)", R"({"type":2,"position":0} {"type":2,"position":1})", R"({"type":2,"position":0},)"})
        refused(text, error::invalid_json);
    refused("{\"type\":2,\"position\":0}"s + '\0', error::invalid_json);
    BOOST_TEST(refused(R"({"type":2,"position":0}x)", error::invalid_json) == "unexpected character at byte 23");
    BOOST_TEST(refused(R"({"type":2,"position":0)", error::invalid_json) == "unexpected end at byte 22");
}

BOOST_AUTO_TEST_CASE(what_is_not_the_record_that_is_due)
{
    auto const why = [](std::string const& text) { return refused(text, error::invalid_document); };
    BOOST_TEST(why(R"({"type":3,"position":0})") == "it is of the unknown type 3");
    BOOST_TEST(why(R"({"type":0,"position":0})") == "it is of the unknown type 0");
    BOOST_TEST(why(R"({"type":2,"position":1})") == "it says that it is at position 1");
    BOOST_TEST(why(R"({})"s.replace(1, 0, R"("position":0)")) == "it has no type or no position");
    BOOST_TEST(why(R"({"type":2})") == "it has no type or no position");
    BOOST_TEST(why(R"({"type":2,"position":0,"type":2})") == "it has a member twice");
    BOOST_TEST(why(R"({"type":2,"position":0,"Type":2})") == "it has a member that is none of tar-split");
    BOOST_TEST(why(R"({"type":2,"payload":"A","position":0})") == "it has bytes that are not base64");
    BOOST_TEST(why(R"({"type":2,"payload":"AA\n=","position":0})") == "it has bytes that are not base64");
    BOOST_TEST(why(R"({"type":2,"payload":"AAA=AAAA","position":0})") == "it has bytes that are not base64");
    BOOST_TEST(why(R"({"type":1,"name_raw":"A","position":0})") == "it has bytes that are not base64");
    BOOST_TEST(why(R"({"type":1,"name":"x","name_raw":"eA==","position":0})") == "it has two names");
    BOOST_TEST(why(R"({"type":2,"name":"x","position":0})") == "bytes with a name or a size");
    BOOST_TEST(why(R"({"type":2,"size":1,"position":0})") == "bytes with a name or a size");
    BOOST_TEST(why(R"({"type":1,"name":"a\u0000b","position":0})") == "a name with a zero character");
    BOOST_TEST(why(R"({"type":1,"name_raw":"AA==","position":0})") == "a name with a zero character");
    for(auto const* size : {"9223372036854775808", "18446744073709551615", "18446744073709551616", "100000000000000000000000000"})
        BOOST_TEST(why(R"({"type":1,"name":"x","size":)"s + size + R"(,"position":0})") == "it has a number beyond 2^63-1");
    for(auto const* sum : {"null", "\"\"", "\"AAAA\"", "\"AAAAAAAAAAAA\""})
        BOOST_TEST(why(R"({"type":1,"name":"x","size":1,"payload":)"s + sum + R"(,"position":0})") ==
                   "a file whose check sum has not 8 bytes");
    BOOST_TEST(why(R"({"type":1,"name":"x","payload":"AAAA","position":0})") == "a file whose check sum has not 8 bytes");
}
