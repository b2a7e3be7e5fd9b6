//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// What the tests of the store of containers/storage share. Included after the header under test.

#ifndef TAREXPORT_TEST_CONTAINERS_SUPPORT_HPP
#define TAREXPORT_TEST_CONTAINERS_SUPPORT_HPP

#include <tarexport/store/containers.hpp>

#include <tarexport/names.hpp>
#include <tarexport/observer.hpp>
#include <tarexport/resolve.hpp>

#include <boost/test/unit_test.hpp>

#include "containers_folder.hpp"

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace containers_tests {

namespace fs = std::filesystem;
namespace json = boost::json;
namespace tx = tarexport;
using layouts::graph_folder;
using layouts::graph_layer;
using tx::containers_store;
using tx::error;

using strings = std::vector<std::string>;

inline tx::platform const amd64{"linux", "amd64", {}, {}, {}};
inline tx::platform const arm64{"linux", "arm64", {}, {}, {}};

inline tx::reference to_reference(std::string_view text) { return tx::parse_reference(text).value(); }

inline tx::digest id_of(std::string const& hex) { return tx::parse_digest("sha256:" + hex).value(); }

inline tx::containers_options on_amd64()
{
    tx::containers_options o;
    o.platforms.host = amd64;
    return o;
}

inline containers_store opened(graph_folder const& f) { return containers_store::open(f.path().string(), on_amd64()).value(); }

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

// The bytes of a lease, and why reading stopped.
template<class Handle>
std::string read_all(Handle const& lease, tx::error_code& ec)
{
    auto source = lease.open(0).value();
    std::string text;
    std::vector<std::byte> buffer(1000);
    for(;;) {
        auto const n = source.read_some(buffer, ec);
        if(n == 0)
            return text;
        text += tx::to_text(std::span(buffer).first(n));
    }
}

template<class Handle>
std::string read_all(Handle const& lease)
{
    tx::error_code ec;
    auto text = read_all(lease, ec);
    BOOST_TEST(!ec, ec.message());
    return text;
}

inline strings texts(std::vector<tx::reference> const& names)
{
    strings all;
    for(auto const& n : names)
        all.push_back(n.str());
    return all;
}

inline auto resolved(containers_store const& s, std::string const& name, tx::platform_choice platforms = {})
{
    tx::no_observer none;
    if(platforms.wanted.empty())
        platforms.host = amd64;
    return tx::resolve(s, tx::names(name), platforms, none);
}

// What is saved by a name: IDs, and the names that they get.
inline strings selected(containers_store const& s, std::string const& name)
{
    strings all;
    auto const found = resolved(s, name);
    if(!found)
        return {found.error().code.message()};
    for(auto const& i : found->images) {
        all.push_back(i.config.id.hex());
        for(auto const& t : i.tags)
            all.push_back(t.str());
    }
    return all;
}

inline std::size_t open_descriptors()
{
    std::size_t n = 0;
    for([[maybe_unused]] auto const& e : fs::directory_iterator("/proc/self/fd"))
        ++n;
    return n;
}

} // namespace containers_tests

#endif
