//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/stores.hpp>

#include <tarexport/saver.hpp>
#include <tarexport/store/measured.hpp>
#include <tarexport/store/spooled.hpp>
#include <tarexport/testing/counting_store.hpp>
#include <tarexport/testing/failing_store.hpp>
#include <tarexport/unsized.hpp>

#include <boost/core/lightweight_test.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The least that a type must have to model the concepts of stores, what they refuse, and a saver that asks for no more.

using namespace tarexport;

namespace {

std::string const config_of_one_layer = R"({"rootfs":{"diff_ids":[")" + digest_of(std::string_view()).str() + R"("]}})";

// Has no default, no copy, no move and no comparison.
struct pinned {
    explicit pinned(int) noexcept {}
    pinned(pinned&&) = delete;
};

struct no_address {
    void operator&() const = delete;
};

// Moves, and has nothing else of that.
struct least {
    explicit least(int) noexcept {}
    least(least&&) noexcept = default;
    least& operator=(least&&) noexcept = default;
};

struct empty_source : least {
    using least::least;
    std::size_t read_some(std::span<std::byte>, error_code&) { return 0; }
};

struct empty_handle : least {
    using least::least;
    descriptor const& info() const { return about; }
    result<empty_source> open(std::uint64_t) const { return empty_source(0); }
    descriptor about{std::string(media_type::oci_layer), digest_of(std::string_view()), 0, {}, {}, {}, {}};
};

struct unsized_handle : least {
    using least::least;
    result<empty_source> open() const { return empty_source(0); }
};

struct least_image_store : pinned {
    using pinned::pinned;
    result<image> load(digest const& id) const { return parse_image(config_of_one_layer, id); }
    result<digest> search(std::string_view) const { return digest_of(config_of_one_layer); }
};

struct least_reference_store : pinned {
    using pinned::pinned;
    result<digest> lookup(reference const&) const { return digest_of(config_of_one_layer); }
    result<std::vector<reference>> by_name(reference const&) const { return std::vector<reference>(); }
};

struct least_layer_store : pinned {
    using pinned::pinned;
    result<empty_handle> layer(image const&, std::size_t) const { return empty_handle(0); }
};

struct least_unsized_store : pinned {
    using pinned::pinned;
    result<unsized_handle> layer(image const&, std::size_t) const { return unsized_handle(0); }
};

struct least_content_store : pinned {
    using pinned::pinned;
    result<descriptor> root(reference const&) const;
    result<empty_handle> blob(descriptor const&) const;
};

// The optional parts.
struct naming_store : least_reference_store {
    using least_reference_store::least_reference_store;
    result<image_name> parse_name(std::string_view text) const { return parse_image_name(text); }
};

struct unpacking_store : least_content_store {
    using least_content_store::least_content_store;
    result<image> load_image(descriptor const&) const;
};

struct wrong_optional_store : least_reference_store {
    using least_reference_store::least_reference_store;
    image_name parse_name(std::string_view) const;
    result<image> load_image(digest const&) const;
};

static_assert(parses_names<naming_store> && !parses_names<least_reference_store> && !parses_names<wrong_optional_store>);
static_assert(loads_by_manifest<unpacking_store> && !loads_by_manifest<least_content_store> && !loads_by_manifest<wrong_optional_store>);
static_assert(parses_names<stores<least_image_store, naming_store, least_layer_store>>);
static_assert(parses_names<testing::failing_store<naming_store>> && !parses_names<testing::failing_store<least_reference_store>>);
static_assert(loads_by_manifest<testing::failing_store<unpacking_store>>);

static_assert(image_store<least_image_store> && !reference_store<least_image_store> && !layer_store<least_image_store>);
static_assert(reference_store<least_reference_store> && !image_store<least_reference_store> && !layer_store<least_reference_store>);
static_assert(layer_store<least_layer_store> && !image_store<least_layer_store> && !reference_store<least_layer_store>);
static_assert(content_store<least_content_store> && !layer_store<least_content_store>);
static_assert(!store<least_image_store> && !store<least_reference_store> && !store<least_layer_store>);
static_assert(!listing_store<least_image_store>);
static_assert(explain_image_store<least_image_store>() && explain_reference_store<least_reference_store>());
static_assert(explain_layer_store<least_layer_store>() && explain_unsized_layer_store<least_unsized_store>());

using least_stores = stores<least_image_store, least_reference_store, least_layer_store>;
static_assert(store<least_stores> && explain_store<least_stores>() && !parses_names<least_stores>);

static_assert(unsized_layer_store<least_unsized_store> && !layer_store<least_unsized_store>);
static_assert(!unsized_layer_store<least_layer_store> && !unsized_layer_store<least_image_store>);

// Adaptors have the members of what they complete, and no others.
struct unaddressable_unsized_store : least_unsized_store, no_address {
    using least_unsized_store::least_unsized_store;
};
using measured_least = measured_store<least_unsized_store const&>;
using spooled_least = spooled_store<least_unsized_store const&>;
static_assert(layer_store<measured_least> && !image_store<measured_least> && !reference_store<measured_least>);
static_assert(layer_store<spooled_least> && !listing_store<spooled_least> && !content_store<spooled_least>);
static_assert(!unsized_layer_store<measured_least> && !unsized_layer_store<spooled_least>);

static_assert(store<testing::counting_store<least_stores>> && !listing_store<testing::counting_store<least_stores>>);
static_assert(store<testing::failing_store<least_stores>> && !content_store<testing::failing_store<least_stores>>);
static_assert(image_store<testing::failing_store<least_image_store>> && !layer_store<testing::failing_store<least_image_store>>);

// Image stores that are none, by one mistake each.

struct loads_only {
    result<image> load(digest const&) const;
};
struct searches_only {
    result<digest> search(std::string_view) const;
};
struct loads_mutably : searches_only {
    result<image> load(digest const&);
};
struct loads_optionally : searches_only {
    std::optional<image> load(digest const&) const;
};
struct loads_by_text : searches_only {
    result<image> load(std::string) const;
};
struct loads_a_config : searches_only {
    result<std::string> load(digest const&) const;
};
struct searches_images : loads_only {
    result<image> search(std::string_view) const;
};
struct searches_letters : loads_only {
    result<digest> search(char*) const;
};

static_assert(loads<loads_only> && searches<searches_only>);
static_assert(!image_store<loads_only> && !image_store<searches_only>);
static_assert(!loads<loads_mutably> && !loads<loads_optionally> && !loads<loads_by_text> && !loads<loads_a_config>);
static_assert(!searches<searches_images> && !searches<searches_letters>);
static_assert(!image_store<loads_mutably> && !image_store<searches_images> && !image_store<int> && !image_store<void>);

// Reference stores that are none.

struct looks_up_only {
    result<digest> lookup(reference const&) const;
};
struct finds_one : looks_up_only {
    result<reference> by_name(reference const&) const;
};
struct finds_texts : looks_up_only {
    result<std::vector<std::string>> by_name(reference const&) const;
};
struct finds_mutably : looks_up_only {
    result<std::vector<reference>> by_name(reference const&);
};
struct looks_up_images {
    result<image> lookup(reference const&) const;
    result<std::vector<reference>> by_name(reference const&) const;
};

static_assert(!reference_store<looks_up_only> && !reference_store<finds_one> && !reference_store<finds_texts>);
static_assert(!reference_store<finds_mutably> && !reference_store<looks_up_images>);

// Layer stores that are none.

struct leases_mutably {
    result<empty_handle> layer(image const&, std::size_t);
};
struct leases_without_result {
    empty_handle layer(image const&, std::size_t) const;
};
struct leases_pointers {
    result<empty_handle*> layer(image const&, std::size_t) const;
};
struct leases_by_digest {
    result<empty_handle> layer(digest const&) const;
};

static_assert(!leases<leases_mutably> && !leases<leases_without_result> && !leases<leases_by_digest>);
static_assert(leases<leases_pointers> && !layer_store<leases_pointers> && !unsized_layer_store<leases_pointers>);
static_assert(!layer_store<leases_mutably> && !layer_store<leases_without_result> && !layer_store<leases_by_digest>);

// Content and listing stores that are none.

struct roots_only {
    result<descriptor> root(reference const&) const;
};
struct blobs_only {
    result<empty_handle> blob(descriptor const&) const;
};
struct blobs_without_result : roots_only {
    empty_handle blob(descriptor const&) const;
};
struct roots_are_digests : blobs_only {
    result<digest> root(reference const&) const;
};
struct lists_ids {
    result<std::vector<digest>> list() const;
};
struct lists_without_result {
    std::vector<listed_image> list() const;
};
struct lists {
    result<std::vector<listed_image>> list() const;
};

struct least_blob_store : least_layer_store {
    using least_layer_store::least_layer_store;
    result<descriptor> root(reference const& ref) const { return failure{error::unknown_reference, ref.str(), {}}; }
    result<empty_handle> blob(descriptor const& d) const { return failure{error::missing_blob, d.id.str(), {}}; }
};
struct blobs_other_than_layers : least_content_store {
    result<unsized_handle> layer(image const&, std::size_t) const;
};
struct tells_manifests {
    result<descriptor> manifest_of(digest const&) const;
};
struct tells_ids {
    result<digest> manifest_of(digest const&) const;
};
static_assert(blob_store<least_blob_store> && !blob_store<least_content_store> && !blob_store<least_layer_store>);
struct unpacks_layers : least_blob_store {
    result<image> load_image(descriptor const&) const;
};
static_assert(!blob_store<blobs_other_than_layers> && !blob_store<unpacks_layers> && blob_store<testing::counting_store<least_blob_store>>);
static_assert(has_manifests<tells_manifests> && !has_manifests<tells_ids> && !has_manifests<least_blob_store>);

static_assert(has_roots<roots_only> && !content_store<roots_only> && has_blobs<blobs_only> && !content_store<blobs_only>);
static_assert(!content_store<blobs_without_result> && !content_store<roots_are_digests>);
static_assert(listing_store<lists> && !listing_store<lists_ids> && !listing_store<lists_without_result>);

struct least_sink : pinned, no_address {
    using pinned::pinned;
    std::size_t write_some(bytes_view b, error_code&)
    {
        taken.append(to_text(b));
        return b.size();
    }
    std::string taken;
};

template<class Layers>
std::string saved(Layers const& layers)
{
    least_image_store const images(0);
    least_reference_store const references(0);
    stores const all(images, references, layers);
    least_sink out(0);
    auto const report = saver(all).save(names("app:1.0"), out);
    BOOST_TEST(report.ok());
    BOOST_TEST_EQ(report.layers_verified, 1u);
    return out.taken;
}

} // namespace

int main()
{
    auto const expected = saved(least_layer_store(0));
    BOOST_TEST(!expected.empty());
    unaddressable_unsized_store const unsized(0);
    BOOST_TEST(saved(measured(unsized)) == expected);
    BOOST_TEST(saved(spooled(unsized)) == expected);
    return boost::report_errors();
}
