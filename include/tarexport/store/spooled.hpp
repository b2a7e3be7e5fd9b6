//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_STORE_SPOOLED_HPP
#define TAREXPORT_STORE_SPOOLED_HPP

#include <tarexport/descriptor.hpp>
#include <tarexport/detail/posix_blob.hpp>
#include <tarexport/detail/posix_spool.hpp>
#include <tarexport/detail/store_adaptor.hpp>
#include <tarexport/detail/whole_layer.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/image.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/stores.hpp>
#include <tarexport/unsized.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace tarexport {

/// Where layers are kept between reading and writing them.
struct spool_options {
    std::uint64_t memory = std::uint64_t{8} << 20;        ///< bytes in memory, of all layers together; 0 for none
    std::string directory = {};                           ///< of the temporary file; empty: what the system says (TMPDIR)
    std::uint64_t largest_layer = std::uint64_t{1} << 40; ///< in bytes; a larger one is `limit_exceeded`
};

/// A layer that was read, and is kept until the last of these dies. Copies keep the same bytes.
class spooled_handle {
public:
    /// Construct from what reading the layer has shown, and its bytes.
    spooled_handle(descriptor d, std::shared_ptr<detail::spooled_bytes const> bytes)
        : info_(std::move(d))
        , bytes_(std::move(bytes))
    {
    }

    descriptor const& info() const noexcept { return info_; }

    /// Return whether the bytes are in the temporary file.
    bool in_file() const noexcept { return bytes_->in_file(); }

    /// Open the layer at a position. @return A source, of views of memory or an extent of the temporary file; or `range_out_of_bounds`.
    result<detail::blob_source> open(std::uint64_t offset) const
    {
        auto subject = "layer " + info_.id.str();
        if(offset > info_.size)
            return failure{error::range_out_of_bounds, std::move(subject), "it has " + std::to_string(info_.size) + " bytes"};
        return detail::spooled_bytes::open(bytes_, offset, std::move(subject));
    }

private:
    descriptor info_;
    std::shared_ptr<detail::spooled_bytes const> bytes_;
};

namespace detail {

/// Read a layer of unknown size, and put it into an area; see `read_whole_layer`.
template<class Hashes, unsized_layer_handle Handle>
result<spooled_handle> spool_layer(
    Handle const& h, image const& i, std::size_t n, std::uint64_t largest, std::shared_ptr<spool_area> const& area)
{
    spooled_bytes::writer out(area);
    auto read = detail::read_whole_layer<Hashes>(h, i, n, largest, [&](bytes_view b) { return out.write(b); });
    if(!read)
        return read.error();
    return spooled_handle(std::move(*read), out.finish());
}

} // namespace detail

/** Completes a store that cannot tell the sizes of its layers: each is read once, while planning, and kept until it is written.

    They are kept in memory up to a limit, and beyond it in one temporary file that has no name: it is gone when the program is,
    however that ends. Layers that go into the file are read one at a time. The lease of the other store is given back as soon as
    its layer was read. Has the image and name members of the store that it completes.

    @tparam S The store, kept; or a reference to a const one that must outlive this. See `spooled`.
    @tparam Hashes A `hash_set` for the digests of the layers.

    @par Thread Safety
    As the store that it completes.
*/
template<class S, class Hashes = hash_set<sha256, sha384, sha512>>
requires unsized_layer_store<std::remove_cvref_t<S>>
class spooled_store : public detail::store_adaptor<S> {
public:
    using handle = spooled_handle;

    template<class T>
    requires std::constructible_from<detail::store_adaptor<S>, T>
    explicit spooled_store(T&& s, spool_options const& options = {})
        : detail::store_adaptor<S>(std::forward<T>(s))
        , largest_layer_(options.largest_layer)
        , area_(std::make_shared<detail::spool_area>(options.memory, options.directory))
    {
    }

    /// Read a layer. @return The errors of the store and of its sources, of the temporary file (with its directory), `limit_exceeded`,
    /// or `digest_mismatch` where the store has told another digest.
    result<handle> layer(image const& i, std::size_t n) const
    {
        auto lease = this->underlying().layer(i, n);
        if(!lease)
            return lease.error();
        return detail::spool_layer<Hashes>(*lease, i, n, largest_layer_, area_);
    }

private:
    std::uint64_t largest_layer_;
    std::shared_ptr<detail::spool_area> area_;
};

/** Return a store that reads the layers of another once, and keeps them until they are written.

    A temporary is kept; another store is borrowed and must outlive the result.

    @par Example
    @code
    auto s = tarexport::spooled(my_store, {.memory = 64 << 20, .directory = "/var/tmp"});
    tarexport::save(s, tarexport::names("app:1.0"), out);
    @endcode
*/
template<class S>
auto spooled(S&& store, spool_options const& options = {})
{
    if constexpr(tarexport::explain_unsized_layer_store<std::remove_cvref_t<S>>())
        return spooled_store<detail::adapted<S>>(std::forward<S>(store), options);
}

} // namespace tarexport

#endif
