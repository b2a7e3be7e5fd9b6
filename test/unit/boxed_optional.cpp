//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/boxed_optional.hpp>

#define BOOST_TEST_MODULE boxed_optional
#include <boost/test/unit_test.hpp>

#include <array>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

using tarexport::boxed_optional;
using text = boxed_optional<std::string>;

static_assert(sizeof(boxed_optional<std::array<char, 1000>>) == sizeof(void*));
static_assert(std::is_nothrow_move_constructible_v<text> && std::is_nothrow_move_assignable_v<text>);

BOOST_AUTO_TEST_CASE(it_is_a_value_or_nothing)
{
    text a;
    BOOST_TEST(!a);
    BOOST_TEST(!a.has_value());
    a = std::string("some");
    BOOST_TEST_REQUIRE(a.has_value());
    BOOST_TEST(*a == "some");
    BOOST_TEST(a->size() == 4u);
    a->push_back('!');
    BOOST_TEST(*std::as_const(a) == "some!");
    a.reset();
    BOOST_TEST(!a);
    a = std::string("again");
    a = std::nullopt;
    BOOST_TEST(!a);
}

BOOST_AUTO_TEST_CASE(copies_are_values_of_their_own)
{
    text const a = std::string("one");
    auto b = a;
    BOOST_TEST((a == b));
    *b = "two";
    BOOST_TEST(*a == "one");
    BOOST_TEST((a != b));
    b = a;
    BOOST_TEST((a == b));
    auto const& same = b;
    b = same;
    BOOST_TEST(*b == "one");
    auto const c = std::move(b);
    BOOST_TEST(*c == "one");
    BOOST_TEST(!b);
    BOOST_TEST((text() == text()));
    BOOST_TEST((text() != a));
    BOOST_TEST((a == std::string("one")));
    BOOST_TEST((a != std::string("two")));
    BOOST_TEST((text() != std::string()));
}
