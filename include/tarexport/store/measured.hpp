//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_STORE_MEASURED_HPP
#define TAREXPORT_STORE_MEASURED_HPP

#include <tarexport/descriptor.hpp>
#include <tarexport/detail/store_adaptor.hpp>
#include <tarexport/detail/whole_layer.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/image.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/stores.hpp>
#include <tarexport/unsized.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace tarexport {

/// How layers are measured.
struct measure_options {
    std::uint64_t largest_layer = std::uint64_t{1} << 40; ///< in bytes; a larger one is `limit_exceeded`
};

/// A lease on a layer that was read once, for its size.
template<unsized_layer_handle Handle>
class measured_handle {
public:
    /// Construct from a lease and what reading the layer has shown.
    measured_handle(Handle h, descriptor d) : handle_(std::move(h)), info_(std::move(d)) {}

    descriptor const& info() const noexcept { return info_; }

    /** Open the layer again, and read away what comes before the position.
        @return The source, at its end where the layer has become shorter; `range_out_of_bounds`, or what the store or the source says.
    */
    result<whole_source_of<Handle>> open(std::uint64_t offset) const
    {
        if(offset > info_.size)
            return failure{error::range_out_of_bounds, "layer " + info_.id.str(), "it has " + std::to_string(info_.size) + " bytes"};
        auto opened = handle_.open();
        if(!opened || offset == 0)
            return opened;
        detail::portion_reader<whole_source_of<Handle>> reader(*opened);
        while(offset != 0) {
            error_code ec;
            auto const n = reader.next(static_cast<std::size_t>(std::min<std::uint64_t>(offset, reader.portion)), ec).size();
            if(ec.failed())
                return detail::why_failed(*opened, ec, "layer " + info_.id.str());
            if(n == 0)
                break;
            offset -= n;
        }
        return opened;
    }

private:
    Handle handle_;
    descriptor info_;
};

/** Completes a store that cannot tell the sizes of its layers: each is read while planning, and again to be written.

    Keeps nothing of them, in memory or on disk. A layer that is not the same the second time is found
    when its digest is verified. Has the image and name members of the store that it completes.

    @tparam S The store, kept; or a reference to a const one that must outlive this. See `measured`.
    @tparam Hashes A `hash_set` for the digests of the layers.

    @par Thread Safety
    As the store that it completes.
*/
template<class S, class Hashes = hash_set<sha256, sha384, sha512>>
requires unsized_layer_store<std::remove_cvref_t<S>>
class measured_store : public detail::store_adaptor<S> {
public:
    using handle = measured_handle<handle_of<std::remove_cvref_t<S>>>;

    template<class T>
    requires std::constructible_from<detail::store_adaptor<S>, T>
    explicit measured_store(T&& s, measure_options const& options = {})
        : detail::store_adaptor<S>(std::forward<T>(s))
        , options_(options)
    {
    }

    /// Lease a layer and read it. @return The errors of the store and of its sources, `limit_exceeded`, or `digest_mismatch`
    /// where the store has told another digest.
    result<handle> layer(image const& i, std::size_t n) const
    {
        auto lease = this->underlying().layer(i, n);
        if(!lease)
            return lease.error();
        auto read = detail::read_whole_layer<Hashes>(
            *lease, i, n, options_.largest_layer, [](bytes_view) { return failure(); });
        if(!read)
            return read.error();
        return handle(std::move(*lease), std::move(*read));
    }

private:
    measure_options options_;
};

/** Return a store that reads the layers of another to learn their sizes.

    A temporary is kept; another store is borrowed and must outlive the result.

    @par Example
    @code
    tarexport::save(tarexport::measured(my_store), tarexport::names("app:1.0"), out);
    @endcode
*/
template<class S>
auto measured(S&& store, measure_options const& options = {})
{
    if constexpr(tarexport::explain_unsized_layer_store<std::remove_cvref_t<S>>())
        return measured_store<detail::adapted<S>>(std::forward<S>(store), options);
}

} // namespace tarexport

#endif
