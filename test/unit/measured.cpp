//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/store/measured.hpp>

#include "unsized_support.hpp"

#include <tarexport/saver.hpp>
#include <tarexport/sink/memory.hpp>
#include <tarexport/testing/store.hpp>

#define BOOST_TEST_MODULE measured
#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

namespace {

using tarexport::error;
using tarexport::measured;
namespace support = unsized_support;

std::vector<std::string> const none;

tarexport::save_report save(auto const& s, tarexport::memory_sink& out)
{
    return tarexport::saver(s).save(tarexport::names("app:1.0"), out);
}

} // namespace

BOOST_AUTO_TEST_CASE(completes_a_store)
{
    support::store s;
    auto const m = measured(s);
    static_assert(tarexport::store<decltype(m)> && tarexport::listing_store<decltype(m)>);
    BOOST_TEST(tarexport::testing::check_store(m, [&] { return static_cast<std::size_t>(s.state->handles); }) == none,
        boost::test_tools::per_element());
    BOOST_TEST(s.state->handles == 0);
    BOOST_TEST(s.state->sources == 0);
}

BOOST_AUTO_TEST_CASE(borrows_stores_and_keeps_temporaries)
{
    support::store s;
    auto const borrowed = measured(s);
    BOOST_TEST((&borrowed.underlying() == &s));
    auto const kept = measured(support::store());
    BOOST_TEST(kept.load(s.id).has_value());
    BOOST_TEST(kept.layer(s.image(), 0)->info().size == 100'000u);
}

BOOST_AUTO_TEST_CASE(a_layer_is_read_once_for_its_size_and_once_to_be_written)
{
    support::store s;
    auto const m = measured(s);
    tarexport::memory_sink out;
    BOOST_TEST(save(m, out).ok());
    BOOST_TEST(s.state->openings == 8u);
    BOOST_TEST(s.state->handles == 0);
    BOOST_TEST(s.state->sources == 0);
}

BOOST_AUTO_TEST_CASE(the_archive_is_that_of_a_store_that_knows_sizes)
{
    support::store s;
    tarexport::memory_sink out, expected;
    save(measured(s), out);
    tarexport::memory_store sized;
    auto const i = s.image();
    sized.add_layer(tarexport::detail::sample_bytes(100'000));
    sized.add_layer("small");
    sized.add_layer("");
    auto const last = sized.add_layer<tarexport::sha512>("other algorithm");
    std::vector<tarexport::digest> layers;
    for(auto const& text : i.diff_ids)
        layers.push_back(tarexport::parse_digest(text).value());
    BOOST_TEST((layers.back() == last));
    sized.add_image(i.config, layers, {"app:1.0"}).value();
    BOOST_TEST(save(sized, expected).ok());
    BOOST_TEST((out.bytes() == expected.bytes()));
}

BOOST_AUTO_TEST_CASE(a_second_reading_that_differs_is_found_by_its_digest)
{
    support::store s;
    s.state->change = [](std::size_t opening, std::string& bytes) {
        if(opening > 4 && !bytes.empty())
            bytes[bytes.size() / 2] ^= 1;
    };
    tarexport::memory_sink out;
    auto const report = save(measured(s), out);
    BOOST_TEST(report.reason.code == error::digest_mismatch);
    BOOST_TEST(s.state->sources == 0);
}

BOOST_AUTO_TEST_CASE(a_second_reading_of_another_size_is_found)
{
    for(bool const longer : {false, true}) {
        support::store s;
        s.state->change = [&](std::size_t opening, std::string& bytes) {
            if(opening > 4 && !bytes.empty())
                bytes.resize(longer ? bytes.size() + 1 : bytes.size() - 1);
        };
        tarexport::memory_sink out;
        auto const report = save(measured(s), out);
        BOOST_TEST(report.reason.code == (longer ? error::layer_too_long : error::layer_too_short));
        BOOST_TEST(s.state->sources == 0);
    }
}

BOOST_AUTO_TEST_CASE(layers_beyond_the_limit_are_refused)
{
    support::store s;
    auto const exact = measured(s, {.largest_layer = 100'000});
    BOOST_TEST(exact.layer(s.image(), 0).has_value());
    auto const less = measured(s, {.largest_layer = 99'999});
    auto const r = less.layer(s.image(), 0);
    BOOST_REQUIRE(!r);
    BOOST_TEST(r.error().code == error::limit_exceeded);
    BOOST_TEST(r.error().subject == "generator");
    BOOST_TEST(s.state->handles == 0);
    BOOST_TEST(s.state->sources == 0);
}

BOOST_AUTO_TEST_CASE(an_endless_layer_ends_at_the_limit)
{
    struct zeros {
        std::size_t read_some(std::span<std::byte> into, tarexport::error_code&) { return into.size(); }
    };
    struct lease {
        tarexport::result<zeros> open() const { return zeros(); }
    };
    struct endless {
        tarexport::result<lease> layer(tarexport::image const&, std::size_t) const { return lease(); }
    };
    tarexport::image i;
    i.id = tarexport::digest_of(std::string_view("i"));
    auto const r = measured(endless(), {.largest_layer = 1 << 20}).layer(i, 3);
    BOOST_REQUIRE(!r);
    BOOST_TEST(r.error().code == error::limit_exceeded);
    BOOST_TEST(r.error().subject == i.id.str() + ", layer 3");
}

BOOST_AUTO_TEST_CASE(what_a_store_tells_beforehand_is_compared)
{
    support::store s;
    s.state->told = tarexport::digest_of(std::string_view("something else"));
    auto const r = measured(s).layer(s.image(), 1);
    BOOST_REQUIRE(!r);
    BOOST_TEST(r.error().code == error::digest_mismatch);
    s.state->told = tarexport::digest_of<tarexport::sha384>(std::string_view("small"));
    BOOST_TEST((measured(s).layer(s.image(), 1)->info().id == *s.state->told));
}

BOOST_AUTO_TEST_CASE(algorithms_without_a_hash_are_refused)
{
    support::store s;
    tarexport::measured_store<support::store const&, tarexport::hash_set<tarexport::sha256>> const m(s);
    BOOST_TEST(m.layer(s.image(), 0).has_value());
    BOOST_TEST((m.layer(s.image(), 3).error().code == error::unsupported_digest));
}

BOOST_AUTO_TEST_CASE(errors_pass_with_their_subject)
{
    auto const eio = make_error_code(boost::system::errc::io_error);
    support::store s;
    s.state->open_error = eio;
    BOOST_TEST((measured(s).layer(s.image(), 0).error() == tarexport::failure{eio, "generator", "opening"}));
    s.state->open_error = {};
    auto const h = measured(s).layer(s.image(), 0).value();
    s.state->read_error = eio;
    auto const r = measured(s).layer(s.image(), 0);
    BOOST_REQUIRE(!r);
    BOOST_TEST(r.error().code == eio);
    BOOST_TEST(r.error().subject == "generator");
    BOOST_TEST((measured(s).layer(s.image(), 9).error().code == error::missing_layer));

    // The error stands behind the last byte, so only skipping to beyond it meets it.
    BOOST_TEST(h.open(100'000).has_value());
    s.state->change = [](std::size_t, std::string& bytes) { bytes.resize(10); };
    BOOST_TEST((h.open(11).error().code == eio));
    s.state->read_error = {};
    auto shorter = h.open(11).value();
    std::byte b[1];
    tarexport::error_code ec;
    BOOST_TEST(shorter.read_some(b, ec) == 0u);
    BOOST_TEST((h.open(100'001).error().code == error::range_out_of_bounds));
}
