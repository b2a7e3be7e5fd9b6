//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// What the tests of the Docker store share. Included after the header under test.

#ifndef TAREXPORT_TEST_DOCKER_STORE_SUPPORT_HPP
#define TAREXPORT_TEST_DOCKER_STORE_SUPPORT_HPP

#include <tarexport/store/docker.hpp>

#include <boost/test/unit_test.hpp>

#include "docker_folder.hpp"

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace docker_tests {

using tx::docker_store;
using tx::error;
using strings = std::vector<std::string>;

inline docker_store opened(layouts::temporary_folder const& f, std::string driver = {})
{
    return docker_store::open(f.path().string(), {std::move(driver), {}}).value();
}

inline tx::reference to_reference(std::string_view text) { return tx::parse_reference(text).value(); }

template<class T>
tx::failure failure_of(tx::result<T> const& r, tx::error_code code)
{
    BOOST_TEST_REQUIRE(r.has_error());
    BOOST_TEST(r.error().code == code, message(r.error()));
    BOOST_TEST(!r.error().subject.empty());
    return r.error();
}

inline tx::error_code system_error(int e) { return {e, boost::system::system_category()}; }

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

inline std::string read_all(tx::tar_split_source& s, std::size_t piece = 1000)
{
    std::string text;
    std::vector<std::byte> buffer(piece);
    for(;;) {
        tx::error_code ec = error::cancelled;
        auto const n = s.read_some(buffer, ec);
        BOOST_TEST_REQUIRE(!ec, ec.message() + ": " + s.subject());
        if(n == 0)
            return text;
        text += tx::to_text(std::span(buffer).first(n));
    }
}

inline strings texts(std::vector<tx::reference> const& names)
{
    strings all;
    for(auto const& n : names)
        all.push_back(n.str());
    return all;
}

inline std::size_t open_descriptors()
{
    std::size_t n = 0;
    for([[maybe_unused]] auto const& e : fs::directory_iterator("/proc/self/fd"))
        ++n;
    return n;
}

} // namespace docker_tests

#endif
