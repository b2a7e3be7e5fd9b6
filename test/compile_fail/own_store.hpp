//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// The parts of a user's store, all right. Each file beside this one replaces one of them by a wrong one.

#ifndef TAREXPORT_TEST_COMPILE_FAIL_OWN_STORE_HPP
#define TAREXPORT_TEST_COMPILE_FAIL_OWN_STORE_HPP

#include <tarexport/saver.hpp>
#include <tarexport/sink/memory.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace own {

using namespace tarexport;

struct source {
    std::size_t read_some(std::span<std::byte>, error_code&) { return 0; }
};

template<class Source>
struct basic_handle {
    descriptor const& info() const { return about; }
    result<Source> open(std::uint64_t) const { return Source{}; }

    descriptor about;
};

using handle = basic_handle<source>;

struct images {
    result<image> load(digest const& id) const { return failure{error::unknown_image, id.str(), {}}; }
    result<digest> search(std::string_view) const { return failure{error::unknown_image, {}, {}}; }
};

struct references {
    result<digest> lookup(reference const&) const { return failure{error::unknown_reference, {}, {}}; }
    result<std::vector<reference>> by_name(reference const&) const { return std::vector<reference>{}; }
};

template<class Handle>
struct layers {
    result<Handle> layer(image const&, std::size_t) const { return failure{error::missing_layer, {}, {}}; }
};

/// Do with a store what a user does.
template<class Store>
void use()
{
    Store const store{};
    memory_sink out;
    tarexport::save(store, names("app:1.0"), out);
}

/// The same with choices of one's own.
template<class Policy>
void use_policy()
{
    struct own_store : images, references, layers<handle> {};
    own_store const store{};
    memory_sink out;
    saver s(store, Policy{});
    s.save(names("app:1.0"), out);
}

template<class Layout>
struct policy_with {
    Layout layout;
    using hashes = hash_set<sha256>;
    no_observer observer;
};

} // namespace own

#endif
