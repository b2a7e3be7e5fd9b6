//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/detail/number_table.hpp>

#define BOOST_TEST_MODULE number_table
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace tarexport;

namespace {

// Texts, found by a hash that the test chooses.
struct texts {
    std::size_t (*hash)(std::string const&);
    std::vector<std::string> all;
    detail::number_table numbers;

    std::optional<std::uint32_t> find(std::string const& text) const
    {
        return numbers.find(hash(text), [&](std::uint32_t n) { return all[n] == text; });
    }

    void add(std::string text)
    {
        all.push_back(std::move(text));
        numbers.add(static_cast<std::uint32_t>(all.size() - 1), [this](std::uint32_t n) { return hash(all[n]); });
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(what_was_added_is_found_whatever_the_hash_is_like)
{
    auto const good = [](std::string const& s) { return std::hash<std::string>()(s); };
    auto const same = [](std::string const&) { return std::size_t{7}; };
    auto const small = [](std::string const& s) { return s.size(); };
    for(auto* const hash : {+good, +same, +small}) {
        texts t{hash, {}, {}};
        BOOST_TEST(!t.find("0"));
        for(int n = 0; n != 2000; ++n) {
            BOOST_TEST(!t.find(std::to_string(n)));
            t.add(std::to_string(n));
            BOOST_TEST((t.find(std::to_string(n)) == static_cast<std::uint32_t>(n)));
        }
        for(int n = 0; n != 4000; ++n)
            BOOST_TEST(t.find(std::to_string(n)).has_value() == (n < 2000));
    }
}
