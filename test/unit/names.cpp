//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/names.hpp>

#define BOOST_TEST_MODULE names
#include <boost/test/unit_test.hpp>

#include <list>

using namespace tarexport;

BOOST_AUTO_TEST_CASE(names_keep_their_order_and_own_their_texts)
{
    names n;
    BOOST_TEST(n.empty());
    {
        std::string const gone = "app:1.0";
        n.add(gone);
        n.add("app:1.0");
    }
    BOOST_TEST(n.size() == 2u);
    BOOST_TEST(n.begin()->text == "app:1.0");
    BOOST_TEST(!n.begin()->as.has_value());
}

BOOST_AUTO_TEST_CASE(names_come_from_one_text_several_or_a_range)
{
    BOOST_TEST(names("a").size() == 1u);
    BOOST_TEST(names::of("a", std::string("b"), std::string_view("c")).size() == 3u);
    BOOST_TEST(names(std::list<std::string>{"a", "b"}).size() == 2u);
    names const braced({"a", "b=c"});
    BOOST_TEST(braced.size() == 2u);
    BOOST_TEST(braced.begin()->text == "a");
    BOOST_TEST(names({"a"}).begin()->text == "a");
    BOOST_TEST((names{"a", "b"}.size()) == 2u);
    names const copy = names("a");
    BOOST_TEST(copy.size() == 1u);
}

BOOST_AUTO_TEST_CASE(an_equals_sign_gives_a_new_name)
{
    auto const n = names("app:1.0=team/app:2");
    BOOST_TEST(n.begin()->text == "app:1.0");
    BOOST_TEST(n.begin()->as.value() == "team/app:2");
    auto const nothing = names("app:1.0=");
    BOOST_TEST(nothing.begin()->as.value().empty());
}
