//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A record is read in one thread and used in another, to its end or not.

#include <tarexport/detail/tar_split_lines.hpp>

#define BOOST_TEST_MODULE reading
#include <boost/test/unit_test.hpp>

#include "../unit/tar_split_support.hpp"

#include <cstddef>
#include <string>

using namespace tar_split_tests;

BOOST_AUTO_TEST_CASE(lines_go_from_one_thread_to_another)
{
    constexpr std::size_t files = 5000;
    record_lines lines;
    for(std::size_t i = 0; i != files; ++i) {
        lines.bytes(plain_header("file" + std::to_string(i), 512));
        lines.file("\"name\":\"file" + std::to_string(i) + '"', 512, "12345678");
    }
    layouts::temporary_folder const folder;
    folder.write("x.gz", gzipped(lines.text()));
    tx::path_below const place{tx::shared_directory::open(folder.path().string()).value(), "x.gz"};
    for(std::size_t const most : {0u, 1u, 700u, 4000u, 10'000u}) {
        tx::detail::tar_split_lines reading(tar_split_reader::open(place).value(), true);
        std::size_t found = 0;
        while(found != most && reading.next().value()) {
            auto const& e = reading.entry();
            BOOST_REQUIRE((e.is_file ? e.name == "file" + std::to_string(found / 2) : e.bytes.size() >= 512));
            ++found;
        }
        BOOST_TEST(found == most);
    }
}
