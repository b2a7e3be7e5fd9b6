//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_TESTING_FAILING_STORE_HPP
#define TAREXPORT_TESTING_FAILING_STORE_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/image.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/stores.hpp>
#include <tarexport/testing/fail_count.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tarexport::testing {

/// A source of a `failing_store`: each read counts.
template<layer_source Source>
class failing_source {
public:
    failing_source(Source s, fail_count& c) : source_(std::move(s)), count_(&c) {}

    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        return count_->fails(ec) ? 0 : source_.read_some(into, ec);
    }

    bytes_view view_some(std::size_t max, error_code& ec)
    requires view_source<Source>
    {
        return count_->fails(ec) ? bytes_view() : source_.view_some(max, ec);
    }

    std::optional<file_extent> extent() const
    requires extent_source<Source>
    {
        return source_.extent();
    }

    std::string subject() const
    requires has_subject<Source>
    {
        return source_.subject();
    }

private:
    Source source_;
    fail_count* count_;
};

/// A handle of a `failing_store`: each opening counts.
template<layer_handle Handle>
class failing_handle {
public:
    failing_handle(Handle h, fail_count& c) : handle_(std::move(h)), count_(&c) {}

    descriptor const& info() const { return handle_.info(); }

    result<failing_source<source_of<Handle>>> open(std::uint64_t offset) const
    {
        error_code ec;
        if(count_->fails(ec))
            return failure{ec, info().id.str(), "open"};
        auto opened = handle_.open(offset);
        if(!opened)
            return opened.error();
        return failing_source<source_of<Handle>>(std::move(*opened), *count_);
    }

private:
    Handle handle_;
    fail_count* count_;
};

/** A store of which one call fails, as a `fail_count` says: of all its members, and those of its handles and sources.

    The failure's subject is the argument of the call. Borrows the store and the count, which must outlive
    the handles and sources too.
*/
template<class S>
class failing_store {
public:
    /// Construct from a store and a count that outlive this object.
    failing_store(S const& s, fail_count& c) : store_(std::addressof(s)), count_(&c) {}

    result<image> load(digest const& id) const
    requires loads<S>
    {
        return guarded(id.str(), "load", [&] { return store_->load(id); });
    }

    result<digest> search(std::string_view prefix) const
    requires searches<S>
    {
        return guarded(std::string(prefix), "search", [&] { return store_->search(prefix); });
    }

    result<digest> lookup(reference const& ref) const
    requires looks_up<S>
    {
        return guarded(ref.str(), "lookup", [&] { return store_->lookup(ref); });
    }

    result<std::vector<reference>> by_name(reference const& ref) const
    requires looks_up<S>
    {
        return guarded(ref.str(), "by_name", [&] { return store_->by_name(ref); });
    }

    result<image_name> parse_name(std::string_view text) const
    requires parses_names<S>
    {
        return guarded(std::string(text), "parse_name", [&] { return store_->parse_name(text); });
    }

    result<std::vector<listed_image>> list() const
    requires listing_store<S>
    {
        return guarded("all images", "list", [&] { return store_->list(); });
    }

    result<descriptor> root(reference const& ref) const
    requires has_roots<S>
    {
        return guarded(ref.str(), "root", [&] { return store_->root(ref); });
    }

    result<image> load_image(descriptor const& d) const
    requires loads_by_manifest<S>
    {
        return guarded(d.id.str(), "load_image", [&] { return store_->load_image(d); });
    }

    auto layer(image const& i, std::size_t n) const
    requires layer_store<S>
    {
        return wrapped(guarded(i.id.str(), "layer", [&] { return store_->layer(i, n); }));
    }

    auto blob(descriptor const& d) const
    requires has_blobs<S>
    {
        return wrapped(guarded(d.id.str(), "blob", [&] { return store_->blob(d); }));
    }

private:
    template<class Call>
    std::invoke_result_t<Call> guarded(std::string subject, char const* name, Call call) const
    {
        error_code ec;
        if(count_->fails(ec))
            return failure{ec, std::move(subject), name};
        return call();
    }

    template<class Handle>
    result<failing_handle<Handle>> wrapped(result<Handle> lease) const
    {
        if(!lease)
            return lease.error();
        return failing_handle<Handle>(std::move(*lease), *count_);
    }

    S const* store_;
    fail_count* count_;
};

} // namespace tarexport::testing

#endif
