//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// What the tests of the OCI layout store share. Included after the header under test.

#ifndef TAREXPORT_TEST_OCI_LAYOUT_SUPPORT_HPP
#define TAREXPORT_TEST_OCI_LAYOUT_SUPPORT_HPP

#include <tarexport/store/oci_layout.hpp>

#include <boost/test/unit_test.hpp>

#include "layout_folder.hpp"

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace oci_layout_tests {

namespace fs = std::filesystem;
namespace tx = tarexport;
using layouts::layout_folder;
using layouts::named;
using layouts::on;
using layouts::ref_named;
using tx::descriptor;
using tx::error;
using tx::oci_layout_store;
using tx::platform;

inline platform const amd64{"linux", "amd64", {}, {}, {}};
inline platform const arm64{"linux", "arm64", {}, {}, {}};
inline platform const s390x{"linux", "s390x", {}, {}, {}};

inline tx::reference to_reference(std::string_view text) { return tx::parse_reference(text).value(); }

inline tx::oci_layout_options on_amd64(std::string repository = {}) { return {std::move(repository), {{}, false, amd64}}; }

inline oci_layout_store opened(layout_folder const& f, std::string repository = {})
{
    return oci_layout_store::open(f.path().string(), on_amd64(std::move(repository))).value();
}

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

inline std::string read_all(tx::oci_blob_source& s, std::size_t piece = 4)
{
    std::string text;
    std::vector<std::byte> buffer(piece);
    for(;;) {
        tx::error_code ec = error::cancelled;
        auto const n = s.read_some(buffer, ec);
        BOOST_TEST(!ec);
        if(n == 0)
            return text;
        text += tx::to_text(std::span(buffer).first(n));
    }
}

// The config's digest, which is the image's ID.
inline tx::digest id_of(oci_layout_store const& s, descriptor const& m)
{
    return tx::load_image(s, m).value().id;
}

inline std::vector<std::string> texts(std::vector<tx::reference> const& names)
{
    std::vector<std::string> all;
    for(auto const& n : names)
        all.push_back(n.str());
    return all;
}

using strings = std::vector<std::string>;

inline std::size_t open_descriptors()
{
    std::size_t n = 0;
    for([[maybe_unused]] auto const& e : fs::directory_iterator("/proc/self/fd"))
        ++n;
    return n;
}

} // namespace oci_layout_tests

#endif
