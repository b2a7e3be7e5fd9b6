//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/have.hpp>

#define BOOST_TEST_MODULE have
#include <boost/test/unit_test.hpp>

#include <tarexport/hash.hpp>
#include <tarexport/image_config.hpp>
#include <tarexport/saver.hpp>
#include <tarexport/store/memory.hpp>

#include <string>
#include <vector>

using namespace tarexport;

namespace {

std::string const a = digest_of(std::string_view("a")).str(), b = digest_of(std::string_view("b")).str();

digest_set both() { return {parse_digest(a).value(), parse_digest(b).value()}; }

} // namespace

BOOST_AUTO_TEST_CASE(a_list_is_a_digest_on_each_line)
{
    auto const same = [](digest_set const& x, digest_set const& y) { return std::ranges::equal(x, y); };
    for(auto const& text : {a + "\n" + b, b + "\n" + a + "\n", "# what is here\n\n  " + a + " base\r\n" + b + "\t\n" + a + "\n#"})
        BOOST_TEST(same(parse_digest_list(text).value(), both()));
    BOOST_TEST(parse_digest_list("").value().empty());
    BOOST_TEST(parse_digest_list("\n#\n\n").value().empty());
    BOOST_TEST(same(parse_digest_list(render_digest_list(both())).value(), both()));
}

BOOST_AUTO_TEST_CASE(a_line_that_is_no_digest_is_told)
{
    auto const r = parse_digest_list(a + "\n\napp:1.0\n");
    BOOST_TEST_REQUIRE(r.has_error());
    BOOST_TEST((r.error().code == error::invalid_digest));
    BOOST_TEST(r.error().subject == "app:1.0");
    BOOST_TEST(r.error().detail == "in line 3 of a list of digests");
    BOOST_TEST(parse_digest_list(std::string(1000, 'x')).error().subject.size() == 100u);
}

BOOST_AUTO_TEST_CASE(a_list_has_limits)
{
    BOOST_TEST((parse_digest_list(a + "\n" + b, {10, 5}).error().code == error::limit_exceeded));
    BOOST_TEST((parse_digest_list(a + "\n" + b, {1000, 1}).error().code == error::limit_exceeded));
    BOOST_TEST(parse_digest_list(a + "\n" + b, {1000, 2}).has_value());
}

BOOST_AUTO_TEST_CASE(what_a_store_has_makes_its_images_thin)
{
    memory_store s;
    auto const low = s.add_layer(std::string(600, 'l')), high = s.add_layer(std::string(700, 'h'));
    auto const base = s.add_image(image_config{.cmd = {"base"}}, {low}, {"base:1"}).value();
    s.add_image(image_config{.cmd = {"app"}}, {low, high}, {"app:1"}).value();
    auto const left_out = [&](digest_set const& have) {
        save_options options;
        options.have = have;
        return saver(s).make_plan(names("app:1"), options).value().left_out().size();
    };
    BOOST_TEST(left_out(known_layers(s, std::vector{base}).value()) == 1u);
    BOOST_TEST(left_out(known_layers(s).value()) == 2u);
    BOOST_TEST((known_layers(s, std::vector{digest_of(std::string_view("none"))}).error().code == error::unknown_image));
}
