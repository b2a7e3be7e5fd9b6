//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/detail/base64.hpp>

#define BOOST_TEST_MODULE base64
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace {

std::optional<std::string> decode(std::string text)
{
    auto const n = tarexport::detail::decode_base64(text);
    if(!n)
        return std::nullopt;
    text.resize(*n);
    return text;
}

} // namespace

// RFC 4648, section 10.
BOOST_AUTO_TEST_CASE(vectors_of_the_standard)
{
    BOOST_TEST(decode("").value().empty());
    BOOST_TEST(decode("Zg==").value() == "f");
    BOOST_TEST(decode("Zm8=").value() == "fo");
    BOOST_TEST(decode("Zm9v").value() == "foo");
    BOOST_TEST(decode("Zm9vYg==").value() == "foob");
    BOOST_TEST(decode("Zm9vYmE=").value() == "fooba");
    BOOST_TEST(decode("Zm9vYmFy").value() == "foobar");
    BOOST_TEST(decode("+/+/").value() == "\xfb\xff\xbf");
}

BOOST_AUTO_TEST_CASE(what_is_not_base64_is_refused)
{
    using namespace std::string_view_literals;
    for(auto const text : {"A"sv, "AA"sv, "AAA"sv, "AAAAA"sv, "="sv, "===="sv, "A==="sv, "AA=A"sv, "=AAA"sv, "AA==AAAA"sv,
            "AAA=AAAA"sv, "AA A"sv, "AAA\n"sv, "AAA-"sv, "AAA_"sv, "AAA\\"sv, "AA\0A"sv, "AAA\xff"sv, "\x80" "AAA"sv,
            "AB=="sv, "AAB="sv})
        BOOST_TEST(!decode(std::string(text)), text);
}

BOOST_AUTO_TEST_CASE(all_bytes_come_back)
{
    std::string bytes;
    for(int i = 0; i != 256; ++i)
        bytes.push_back(static_cast<char>(i * 7));
    for(std::size_t n = 0; n != bytes.size(); ++n) {
        auto const some = bytes.substr(0, n);
        std::string text;
        tarexport::detail::append_base64(text, tarexport::to_bytes(some));
        BOOST_TEST(text.size() == (n + 2) / 3 * 4);
        BOOST_TEST((decode(text) == some), n);
    }
}
