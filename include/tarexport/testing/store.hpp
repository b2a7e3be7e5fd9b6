//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_TESTING_STORE_HPP
#define TAREXPORT_TESTING_STORE_HPP

#include <tarexport/descriptor.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/image.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/stores.hpp>
#include <tarexport/testing/source.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport::detail {

// What no store has.
inline digest nobodys_digest() { return tarexport::digest_of(std::string_view("an image that no store has")); }
inline reference nobodys_name() { return tarexport::parse_reference("nobody.invalid/has/this:tag").value(); }

// Collects what is broken, and compares outcomes.
class law_book {
public:
    void fail(std::string what) { broken_.push_back(std::move(what)); }

    template<class T>
    bool ok(result<T> const& r, std::string const& call)
    {
        if(!r)
            fail(call + " failed: " + tarexport::message(r.error()));
        return r.has_value();
    }

    template<class T>
    void gives(result<T> const& r, T const& expected, std::string const& call, std::string const& expected_text)
    {
        if(ok(r, call) && !(*r == expected))
            fail(call + " does not give " + expected_text);
    }

    template<class T>
    void refuses(result<T> const& r, error expected, std::string const& call)
    {
        if(r)
            fail(call + " succeeds; expected: " + tarexport::text(expected));
        else if(r.error().code != expected)
            fail(call + " fails with: " + r.error().code.message() + "; expected: " + tarexport::text(expected));
    }

    std::vector<std::string> take() { return std::move(broken_); }

private:
    std::vector<std::string> broken_;
};

inline std::string in_quotes(std::string_view s) { return "(\"" + std::string(s) + "\")"; }

// Prefixes: those that stand for one image, and those that stand for several.
template<image_store S>
void check_prefixes(S const& s, std::vector<listed_image> const& images, law_book& laws)
{
    for(auto const& [id, names] : images) {
        auto const hex = id.hex(), algorithm = std::string(name_of(id.algorithm())) + ':';
        laws.gives(s.search(id.str()), id, "search" + detail::in_quotes(id.str()), id.str());
        std::size_t shared = 0;
        for(auto const& other : images)
            if(other.id != id)
                shared = std::max(shared, static_cast<std::size_t>(std::ranges::mismatch(hex, other.id.hex()).in1 - hex.begin()));
        if(shared < hex.size())
            for(auto const& prefix : {hex, hex.substr(0, shared + 1), algorithm + hex.substr(0, shared + 1)})
                laws.gives(s.search(prefix), id, "search" + detail::in_quotes(prefix), id.str());
        if(shared != 0)
            laws.refuses(s.search(hex.substr(0, shared)), error::ambiguous_id, "search" + detail::in_quotes(hex.substr(0, shared)));
    }
}

// What a name with a digest means: the digest alone counts.
template<reference_store S>
void check_digest_name(S const& s, reference const& name, digest const& id, law_book& laws)
{
    auto const tagged = name.with_tag("a-tag-beside-a-digest");
    if(tagged)
        laws.gives(s.lookup(*tagged), id, "lookup" + detail::in_quotes(tagged->str()), id.str());
}

template<reference_store S>
void check_repository(S const& s, std::set<reference> const& expected, law_book& laws)
{
    auto const call = "by_name" + detail::in_quotes(expected.begin()->name());
    for(auto const& asked : {expected.begin()->without_tag_and_digest(), *expected.begin()}) {
        auto const found = s.by_name(asked);
        if(!laws.ok(found, call))
            continue;
        if(!std::ranges::is_sorted(*found))
            laws.fail(call + " gives names that are not sorted");
        if(std::set<reference>(found->begin(), found->end()) != expected || found->size() != expected.size())
            laws.fail(call + " does not give each name of the repository once");
    }
}

template<layer_store S>
void check_layer(S const& s, image const& i, std::size_t n, law_book& laws, std::set<digest>& checked)
{
    auto const call = "layer " + std::to_string(n) + " of " + i.id.str();
    auto lease = s.layer(i, n);
    if(!laws.ok(lease, call))
        return;
    descriptor const d = lease->info();
    if(n < i.layers.size()) {
        if(d.id != i.layers[n].id || d.size != i.layers[n].size)
            laws.fail(call + " is not what the image's manifest says");
    }
    else if(d.media_type == media_type::oci_layer && d.id.str() != i.diff_ids[n])
        laws.fail(call + " is a plain tar archive, but its digest is not the diff ID");
    if(!checked.insert(d.id).second)
        return;
    {
        auto second = s.layer(i, n);
        if(laws.ok(second, call + ", leased twice,"))
            lease = std::move(second);
    }
    for(auto& sentence : testing::check_handle(std::move(*lease)))
        laws.fail(call + ": " + std::move(sentence));
}

} // namespace tarexport::detail

namespace tarexport::testing {

/** Check that a store keeps the laws of `image_store`.

    An image has the ID that it was asked for by, which is the digest of its config; it is found by every prefix that is its alone, with and
    without the algorithm before it; prefixes of several are ambiguous, and others are unknown.

    @param images All that the store has.
    @return A sentence for each law that does not hold; nothing if all do.
*/
template<image_store S>
std::vector<std::string> check_image_store(S const& s, std::vector<listed_image> const& images)
{
    tarexport::detail::law_book laws;
    for(auto const& row : images) {
        auto const call = "load" + tarexport::detail::in_quotes(row.id.str());
        auto const loaded = s.load(row.id);
        if(!laws.ok(loaded, call))
            continue;
        if(loaded->id != row.id)
            laws.fail(call + " gives an image with the ID " + loaded->id.str());
        if(tarexport::digest_of(loaded->config) != row.id)
            laws.fail(call + " gives a config that has another digest");
        laws.gives(s.load(row.id), *loaded, call, "the same image again");
    }
    tarexport::detail::check_prefixes(s, images, laws);
    auto const nobody = tarexport::detail::nobodys_digest();
    laws.refuses(s.load(nobody), error::unknown_image, "load of an ID that no image has");
    for(auto const& prefix : {nobody.hex(), nobody.str(), std::string("not-digits")})
        laws.refuses(s.search(prefix), error::unknown_image, "search" + tarexport::detail::in_quotes(prefix));
    return laws.take();
}

/** Check that a store keeps the laws of `reference_store`.

    Each name stands for its image; of a name with a digest, the digest alone counts; a repository has all its names, sorted;
    unknown names are told, and unknown repositories have no names.

    @param images All that the store has, with all names.
    @return A sentence for each law that does not hold; nothing if all do.
*/
template<reference_store S>
std::vector<std::string> check_reference_store(S const& s, std::vector<listed_image> const& images)
{
    tarexport::detail::law_book laws;
    std::map<std::string, std::set<reference>, std::less<>> repositories;
    for(auto const& row : images)
        for(auto const& name : row.names) {
            laws.gives(s.lookup(name), row.id, "lookup" + tarexport::detail::in_quotes(name.str()), row.id.str());
            if(name.has_digest())
                tarexport::detail::check_digest_name(s, name, row.id, laws);
            repositories[std::string(name.name())].insert(name);
        }
    for(auto const& [repository, expected] : repositories) {
        tarexport::detail::check_repository(s, expected, laws);
        auto const& known = *expected.begin();
        auto const nobody = known.without_tag_and_digest().with_digest(tarexport::detail::nobodys_digest());
        laws.refuses(s.lookup(nobody), error::unknown_reference, "lookup of a digest that no image has");
        if(auto const unknown = known.without_tag_and_digest().with_tag("a-tag-that-no-image-has"))
            laws.refuses(s.lookup(*unknown), error::unknown_reference, "lookup of a tag that no image has");
    }
    auto const nobody = tarexport::detail::nobodys_name();
    laws.refuses(s.lookup(nobody), error::unknown_reference, "lookup of a name that no image has");
    laws.gives(s.by_name(nobody), std::vector<reference>(), "by_name of a repository that does not exist", "an empty list");
    return laws.take();
}

/** Check that a store keeps the laws of `layer_store`, and its handles and sources theirs; layers must fit into memory.

    Each layer has a lease, and there are no others; a plain tar archive has the digest that the config says, any other that of the manifest; a layer can be leased
    several times at once, and each lease is given back once.

    @param images Images of the store; each layer is read several times.
    @param live Optional: `live()` returns how many leases the store has given and not got back.
    @return A sentence for each law that does not hold; nothing if all do.
*/
template<layer_store S>
std::vector<std::string> check_layer_store(
    S const& s, std::vector<image> const& images, std::function<std::size_t()> const& live = {})
{
    tarexport::detail::law_book laws;
    std::set<digest> checked;
    auto const before = live ? live() : 0;
    for(auto const& i : images) {
        laws.refuses(s.layer(i, i.diff_ids.size()), error::missing_layer, "a layer above the last one of " + i.id.str());
        for(std::size_t n = 0; n != i.diff_ids.size(); ++n) {
            tarexport::detail::check_layer(s, i, n, laws, checked);
            if(live && live() != before)
                laws.fail("layer " + std::to_string(n) + " of " + i.id.str() + ": " + std::to_string(live()) + " leases, expected "
                          + std::to_string(before) + " when none is held");
        }
    }
    return laws.take();
}

/** Check that a store keeps the laws of `content_store`.

    Each name stands for a blob that the store has, whose bytes are what the descriptor says; other names and blobs are not there.
    Where it has `manifest_of`, that refuses the ID of an image that is not there.

    @return A sentence for each law that does not hold; nothing if all do.
*/
template<content_store S>
std::vector<std::string> check_content_store(S const& s, std::vector<reference> const& names)
{
    tarexport::detail::law_book laws;
    for(auto const& name : names) {
        auto const call = "root" + tarexport::detail::in_quotes(name.str());
        auto const root = s.root(name);
        if(!laws.ok(root, call))
            continue;
        auto lease = s.blob(*root);
        if(!laws.ok(lease, "blob of the " + call))
            continue;
        if(lease->info().id != root->id || lease->info().size != root->size)
            laws.fail("blob of the " + call + " is another one");
        for(auto& sentence : check_handle(std::move(*lease)))
            laws.fail(call + ": " + std::move(sentence));
    }
    laws.refuses(s.root(tarexport::detail::nobodys_name()), error::unknown_reference, "root of a name that no image has");
    descriptor nobody;
    nobody.id = tarexport::detail::nobodys_digest();
    nobody.size = 1;
    laws.refuses(s.blob(nobody), error::missing_blob, "blob of a digest that the store does not have");
    if constexpr(has_manifests<S>)
        laws.refuses(s.manifest_of(nobody.id), error::unknown_image, "manifest_of an image that the store does not have");
    return laws.take();
}

/** Check that a store keeps the laws of `store`: those of `check_image_store`, `check_reference_store` and `check_layer_store`.

    @param images All that the store has, with all names.
    @param live As for `check_layer_store`.
    @return A sentence for each law that does not hold; nothing if all do.

    @par Example
    @code
    my_store s{...};
    for(auto const& sentence : tarexport::testing::check_store(s))      // where it has list()
        std::cerr << sentence << '\n';
    @endcode
*/
template<class S>
requires(tarexport::explain_store<S>())
std::vector<std::string> check_store(
    S const& s, std::vector<listed_image> const& images, std::function<std::size_t()> const& live = {})
{
    auto broken = check_image_store(s, images);
    tarexport::detail::add_sentences(broken, check_reference_store(s, images));
    std::vector<image> loaded;
    for(auto const& row : images)
        if(auto i = s.load(row.id))
            loaded.push_back(std::move(*i));
    tarexport::detail::add_sentences(broken, check_layer_store(s, loaded, live));
    return broken;
}

/// Check a store that can tell all it has. A list with an image twice is broken too.
template<class S>
requires(tarexport::explain_store<S>() && listing_store<S>)
std::vector<std::string> check_store(S const& s, std::function<std::size_t()> const& live = {})
{
    auto const images = s.list();
    if(!images)
        return {"list() failed: " + tarexport::message(images.error())};
    auto broken = check_store(s, *images, live);
    std::set<digest> seen;
    for(auto const& row : *images)
        if(!seen.insert(row.id).second)
            broken.push_back("list() has " + row.id.str() + " twice");
    return broken;
}

} // namespace tarexport::testing

#endif
