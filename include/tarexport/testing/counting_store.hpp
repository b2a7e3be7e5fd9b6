//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_TESTING_COUNTING_STORE_HPP
#define TAREXPORT_TESTING_COUNTING_STORE_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/detail/store_adaptor.hpp>
#include <tarexport/error.hpp>
#include <tarexport/image.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/stores.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

namespace tarexport::testing {

/// How many handles and sources of a `counting_store` are alive, and how many there were.
struct lease_counts {
    std::size_t handles = 0;
    std::size_t sources = 0;
    std::size_t leased = 0; ///< handles, ever
    std::size_t opened = 0; ///< sources, ever

    friend bool operator==(lease_counts const&, lease_counts const&) = default;
};

} // namespace tarexport::testing

namespace tarexport::detail {

struct live_number {
    std::atomic<std::size_t> now{0};
    std::atomic<std::size_t> ever{0};
};

struct live_numbers {
    live_number handles;
    live_number sources;
};

// Counts as one object, wherever it is moved. Keeps the numbers alive.
class live_token {
public:
    live_token(std::shared_ptr<live_numbers> all, live_number live_numbers::*which) : all_(std::move(all)), which_(which)
    {
        ++(all_.get()->*which_).now;
        ++(all_.get()->*which_).ever;
    }

    live_token(live_token&& other) noexcept = default;

    live_token& operator=(live_token&& other) noexcept
    {
        live_token old(std::move(other));
        std::swap(all_, old.all_);
        std::swap(which_, old.which_);
        return *this;
    }

    ~live_token()
    {
        if(all_)
            --(all_.get()->*which_).now;
    }

    std::shared_ptr<live_numbers> const& numbers() const noexcept { return all_; }

private:
    std::shared_ptr<live_numbers> all_;
    live_number live_numbers::*which_;
};

} // namespace tarexport::detail

namespace tarexport::testing {

/// A source of a `counting_store`; as the one that it counts.
template<layer_source Source>
class counted_source {
public:
    counted_source(Source s, detail::live_token t) : source_(std::move(s)), token_(std::move(t)) {}

    std::size_t read_some(std::span<std::byte> into, error_code& ec) { return source_.read_some(into, ec); }

    bytes_view view_some(std::size_t max, error_code& ec)
    requires view_source<Source>
    {
        return source_.view_some(max, ec);
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

    failure reason() const
    requires has_reason<Source>
    {
        return source_.reason();
    }

private:
    Source source_;
    detail::live_token token_;
};

/// A handle of a `counting_store`; as the one that it counts.
template<layer_handle Handle>
class counted_handle {
public:
    counted_handle(Handle h, detail::live_token t) : handle_(std::move(h)), token_(std::move(t)) {}

    descriptor const& info() const { return handle_.info(); }

    result<counted_source<source_of<Handle>>> open(std::uint64_t offset) const
    {
        auto opened = handle_.open(offset);
        if(!opened)
            return opened.error();
        return counted_source<source_of<Handle>>(
            std::move(*opened), detail::live_token(token_.numbers(), &detail::live_numbers::sources));
    }

private:
    Handle handle_;
    detail::live_token token_;
};

/** A store that counts its handles and sources: all of them must have been given back when a save has ended, however it ended.

    Borrows the store that it counts for. Handles and sources may outlive this object.
*/
template<layer_store S>
class counting_store : public detail::store_adaptor<S const&> {
public:
    using handle = counted_handle<handle_of<S>>;

    /// Construct from a store that outlives this object.
    explicit counting_store(S const& s) : detail::store_adaptor<S const&>(s) {}

    result<handle> layer(image const& i, std::size_t n) const { return count(this->underlying().layer(i, n)); }

    auto blob(descriptor const& d) const
    requires has_blobs<S>
    {
        return count(this->underlying().blob(d));
    }

    /// Return the numbers now.
    lease_counts counts() const noexcept
    {
        return {numbers_->handles.now, numbers_->sources.now, numbers_->handles.ever, numbers_->sources.ever};
    }

private:
    template<class Handle>
    result<counted_handle<Handle>> count(result<Handle> lease) const
    {
        if(!lease)
            return lease.error();
        return counted_handle<Handle>(std::move(*lease), detail::live_token(numbers_, &detail::live_numbers::handles));
    }

    std::shared_ptr<detail::live_numbers> numbers_ = std::make_shared<detail::live_numbers>();
};

template<class S>
counting_store(S const&) -> counting_store<S>;

} // namespace tarexport::testing

#endif
