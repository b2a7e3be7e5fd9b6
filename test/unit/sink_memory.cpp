//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/sink/memory.hpp>

#define BOOST_TEST_MODULE sink_memory
#include <boost/test/unit_test.hpp>

#include <tarexport/testing/sink.hpp>

using namespace tarexport;
namespace testing = tarexport::testing;

namespace {

struct fixture {
    memory_sink& out() { return sink; }
    std::string taken() { return sink.bytes(); }

    memory_sink sink;
};

} // namespace

BOOST_AUTO_TEST_CASE(conforms)
{
    for(auto const& sentence : testing::check_sink([] { return fixture(); }))
        BOOST_ERROR(sentence);
}

BOOST_AUTO_TEST_CASE(keeps_zeros_and_all_pieces)
{
    memory_sink k;
    std::string const zeros(3, '\0');
    bytes_view const pieces[] = {to_bytes("a"), to_bytes(zeros), to_bytes("b")};
    error_code ec = error::cancelled;
    BOOST_TEST(k.write_some(pieces, ec) == 5u);
    BOOST_TEST(!ec.failed());
    BOOST_TEST(k.bytes() == "a" + zeros + "b");
}

BOOST_AUTO_TEST_CASE(gives_its_bytes_away)
{
    memory_sink k;
    error_code ec;
    k.write_some(to_bytes(std::string(1000, 'x')), ec);
    auto const* const before = k.bytes().data();
    std::string const text = std::move(k).bytes();
    BOOST_TEST(text == std::string(1000, 'x'));
    BOOST_TEST(static_cast<void const*>(text.data()) == static_cast<void const*>(before));
}
