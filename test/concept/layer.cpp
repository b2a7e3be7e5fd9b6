//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/layer.hpp>

#include <tarexport/hash.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/plan_builder.hpp>
#include <tarexport/unsized.hpp>
#include <tarexport/write.hpp>

#include <boost/core/lightweight_test.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The least that a type must have to model the concepts of layers, what they refuse, and a driver that asks for no more.

using namespace tarexport;

namespace {

constexpr std::string_view content = "the bytes of a layer";

// Moves; has no default, no copy and no comparison. An address it must have, because `result` takes it.
struct least {
    explicit least(int) noexcept {}
    least(least&&) noexcept = default;
    least& operator=(least&&) noexcept = default;
};

struct least_source : least {
    using least::least;
    std::size_t read_some(std::span<std::byte> into, error_code&)
    {
        auto const n = std::min(into.size(), rest.size());
        std::ranges::copy(to_bytes(rest.substr(0, n)), into.begin());
        rest.remove_prefix(n);
        return n;
    }
    std::string_view rest = content;
};

struct least_view_source : least_source {
    using least_source::least_source;
    bytes_view view_some(std::size_t max, error_code&)
    {
        auto const shown = rest.substr(0, max);
        rest.remove_prefix(shown.size());
        return to_bytes(shown);
    }
};

struct least_extent_source : least_source {
    using least_source::least_source;
    std::optional<file_extent> extent() const { return std::nullopt; }
};

struct least_telling_source : least_source {
    using least_source::least_source;
    failure reason() const { return {}; }
};

template<class Source>
struct least_handle : least {
    using least::least;
    descriptor const& info() const { return about; }
    result<Source> open(std::uint64_t offset) const
    {
        Source s(0);
        s.rest.remove_prefix(static_cast<std::size_t>(offset));
        return s;
    }
    descriptor about{{}, digest_of(content), content.size(), {}, {}, {}, {}};
};

template<class Source>
struct least_unsized_handle : least {
    using least::least;
    result<Source> open() const { return Source(0); }
};

struct least_sink {
    least_sink() = default;
    least_sink(least_sink&&) = delete;
    void operator&() const = delete;
    std::size_t write_some(bytes_view b, error_code&)
    {
        taken.append(to_text(b));
        return b.size();
    }
    std::string taken;
};

static_assert(layer_source<least_source> && !view_source<least_source> && !extent_source<least_source>);
static_assert(view_source<least_view_source> && !extent_source<least_view_source>);
static_assert(extent_source<least_extent_source> && !view_source<least_extent_source>);
static_assert(!has_subject<least_source>);
static_assert(has_reason<least_telling_source> && !has_reason<least_source>);
static_assert(!has_reason<least>);
static_assert(layer_handle<least_handle<least_source>> && layer_handle<least_handle<least_view_source>>);
static_assert(explain_layer_handle<least_handle<least_source>>());
static_assert(std::same_as<source_of<least_handle<least_view_source>>, least_view_source>);
static_assert(!std::copyable<least_source> && !std::default_initializable<least_source>);
static_assert(unsized_layer_handle<least_unsized_handle<least_source>> && !layer_handle<least_unsized_handle<least_source>>);
static_assert(explain_unsized_layer_handle<least_unsized_handle<least_source>>());
static_assert(!unsized_layer_handle<least_handle<least_source>>);
static_assert(!tells_id<least_unsized_handle<least_source>> && !tells_media_type<least_unsized_handle<least_source>>);

// Sources that are none, by one mistake each.

struct returns_int : least {
    int read_some(std::span<std::byte>, error_code&);
};
struct takes_a_pointer : least {
    std::size_t read_some(std::byte*, std::size_t, error_code&);
};
struct throws_only : least {
    std::size_t read_some(std::span<std::byte>);
};
struct takes_const_bytes : least {
    std::size_t read_some(std::span<std::byte const>, error_code&) = delete;
};
struct is_not_assignable : least_source {
    is_not_assignable(is_not_assignable&&) = default;
    is_not_assignable& operator=(is_not_assignable&&) = delete;
};
struct has_a_reference : least_source {
    int& r;
};
struct is_pinned : least_source {
    is_pinned(is_pinned&&) = delete;
};

static_assert(!layer_source<returns_int> && !layer_source<takes_a_pointer> && !layer_source<throws_only>);
static_assert(!layer_source<takes_const_bytes>);
static_assert(!layer_source<is_not_assignable> && !layer_source<has_a_reference> && !layer_source<is_pinned>);
static_assert(!layer_source<int> && !layer_source<void> && !layer_source<least> && !layer_source<least_source&>);
static_assert(!layer_source<least_source const>);

struct shows_text : least_source {
    std::string_view view_some(std::size_t, error_code&);
};
struct shows_mutable_bytes : least_source {
    std::span<std::byte> view_some(std::size_t, error_code&);
};
struct only_shows : least {
    bytes_view view_some(std::size_t, error_code&);
};
struct has_always_an_extent : least_source {
    file_extent extent() const;
};
struct has_a_mutable_extent : least_source {
    std::optional<file_extent> extent();
};

static_assert(layer_source<shows_text> && !view_source<shows_text> && !view_source<shows_mutable_bytes> && !view_source<only_shows>);
static_assert(!extent_source<has_always_an_extent> && !extent_source<has_a_mutable_extent>);

// Handles that are none, by one mistake each.

struct no_info : least {
    result<least_source> open(std::uint64_t) const;
};
struct mutable_info : no_info {
    descriptor const& info();
};
struct info_is_a_size : no_info {
    std::uint64_t info() const;
};
struct info_by_value : no_info {
    descriptor info() const;
};
struct no_open : least {
    descriptor const& info() const;
};
struct opens_at_the_front_only : no_open {
    result<least_source> open() const;
};
struct opens_without_result : no_open {
    least_source open(std::uint64_t) const;
};
struct opens_once : no_open {
    result<least_source> open(std::uint64_t);
};
struct opens_no_source : no_open {
    result<int> open(std::uint64_t) const;
};
struct optional_source : no_open {
    std::optional<least_source> open(std::uint64_t) const;
};

static_assert(!has_info<no_info> && !has_info<mutable_info> && !has_info<info_is_a_size>);
static_assert(!layer_handle<no_info> && !layer_handle<mutable_info> && !layer_handle<info_is_a_size>);
static_assert(layer_handle<info_by_value>);
static_assert(!opens<no_open> && !opens<opens_at_the_front_only> && !opens<opens_without_result> && !opens<opens_once>);
static_assert(opens<opens_no_source> && !layer_handle<opens_no_source> && !layer_handle<optional_source>);
static_assert(!layer_handle<int> && !layer_handle<least_handle<least_source>&>);
static_assert(unsized_layer_handle<opens_at_the_front_only>);

struct mutable_subject {
    std::string subject();
};
struct subject_is_a_number {
    int subject() const;
};
struct subject_is_text {
    char const* subject() const;
};
static_assert(!has_subject<mutable_subject> && !has_subject<subject_is_a_number> && has_subject<subject_is_text>);

// The driver writes a layer of the least types.
template<class Source>
std::string written()
{
    std::vector<least_handle<Source>> leases;
    leases.emplace_back(0);
    plan_builder b;
    planned_layer l;
    l.id = leases[0].info().id;
    l.size = leases[0].info().size;
    b.add_layer(std::move(l), 0644, 0);
    auto const p = std::move(b).finish().value();
    least_sink out;
    no_observer nobody;
    auto const report = tarexport::write(p, std::span<least_handle<Source> const>(leases), out, {}, nobody);
    BOOST_TEST(report.ok());
    BOOST_TEST_EQ(report.layers_verified, 1u);
    BOOST_TEST_EQ(out.taken.size(), p.size());
    return out.taken;
}

} // namespace

int main()
{
    auto const expected = written<least_source>();
    BOOST_TEST(expected.find(content) == 512);
    BOOST_TEST(written<least_view_source>() == expected);
    BOOST_TEST(written<least_extent_source>() == expected);
    return boost::report_errors();
}
