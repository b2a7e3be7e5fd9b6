//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_STORE_EXPANDED_HPP
#define TAREXPORT_STORE_EXPANDED_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/content.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/detail/decompress.hpp>
#include <tarexport/detail/store_adaptor.hpp>
#include <tarexport/detail/unpacked_handle.hpp>
#include <tarexport/detail/whole_layer.hpp>
#include <tarexport/detail/worker_pool.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/image.hpp>
#include <tarexport/inflater.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/store/measured.hpp>
#include <tarexport/store/spooled.hpp>
#include <tarexport/stores.hpp>

#include <algorithm>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace tarexport {

/// How the sizes of unpacked layers get known.
enum class expansion {
    measured, ///< each layer is unpacked twice: while planning, and again to be written, when it is hashed
    spooled,  ///< each layer is unpacked once, while planning, and kept until it is written
    promised  ///< the packed bytes are believed where they tell a likely size; a save fails where that was wrong
};

/// How layers are expanded.
struct expand_options {
    expansion sizes = expansion::measured;
    std::size_t jobs = 2;                                 ///< threads that unpack layers while planning; with 1, only the calling one
    std::uint64_t largest_layer = std::uint64_t{1} << 40; ///< unpacked, in bytes; a larger one is `limit_exceeded`
    std::uint64_t largest_ratio = std::numeric_limits<std::uint64_t>::max(); ///< of unpacked to packed bytes, beyond the first 64 MiB; else `limit_exceeded`
    std::uint64_t memory = std::uint64_t{8} << 20;        ///< of spooled layers, as in `spool_options`
    std::string directory = {};                           ///< of spooled layers, as in `spool_options`
    std::stop_token stop = {};                            ///< ends reading a packed layer, with `cancelled`
};

/// The bytes of a layer of an expanded store: those of the store beneath, unpacked ones, or spooled ones. Tells reasons.
template<layer_handle Handle, inflater Inflater>
class expanded_source {
public:
    template<std::size_t N, class Source>
    expanded_source(std::in_place_index_t<N> kind, Source s, std::string called) : source_(kind, std::move(s)), called_(std::move(called))
    {
    }

    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        auto const n = std::visit([&](auto& s) { return s.read_some(into, ec); }, source_);
        ec_ = ec;
        return n;
    }

    /// Views where the store beneath has them: of its own memory, and of a buffer for layers that are unpacked.
    bytes_view view_some(std::size_t max, error_code& ec)
    requires view_source<source_of<Handle>>
    {
        auto const view = [&]<class Source>(Source& s) -> bytes_view {
            if constexpr(view_source<Source>)
                return s.view_some(max, ec);
            else {
                if(!buffer_)
                    buffer_ = std::make_unique_for_overwrite<std::byte[]>(buffer_size);
                return {buffer_.get(), s.read_some(std::span(buffer_.get(), std::min(max, buffer_size)), ec)};
            }
        };
        auto const bytes = std::visit(view, source_);
        ec_ = ec;
        return bytes;
    }

    std::optional<file_extent> extent() const noexcept
    {
        auto const of = []<class Source>(Source const& s) -> std::optional<file_extent> {
            if constexpr(extent_source<Source>)
                return s.extent();
            else
                return std::nullopt;
        };
        return std::visit(of, source_);
    }

    std::string subject() const
    {
        return std::visit([&](auto const& s) { return detail::subject_of(s, called_); }, source_);
    }

    failure reason() const
    {
        return std::visit([&](auto const& s) { return detail::why_failed(s, ec_, called_); }, source_);
    }

private:
    static constexpr std::size_t buffer_size = std::size_t{128} << 10;
    using unpacked = detail::unpacked_source<source_of<Handle>, Inflater>;

    std::variant<source_of<Handle>, unpacked, detail::blob_source> source_;
    std::string called_;
    error_code ec_;
    std::unique_ptr<std::byte[]> buffer_;
};

/// A lease on a layer of an expanded store.
template<layer_handle Handle, inflater Inflater>
class expanded_handle {
public:
    using measured = measured_handle<detail::unpacked_handle<Handle, Inflater>>;
    using source = expanded_source<Handle, Inflater>;

    // What a handle is, since the store beneath may have any type: raw, unpacked when it is opened, or spooled.
    static constexpr std::in_place_index_t<0> raw{};
    static constexpr std::in_place_index_t<1> unpacked{};
    static constexpr std::in_place_index_t<2> spooled{};

    template<std::size_t N, class H>
    expanded_handle(std::in_place_index_t<N> kind, H h) : handle_(kind, std::move(h))
    {
    }

    /// Return what the layer is: what the store says where it is raw, otherwise what it is unpacked.
    descriptor const& info() const noexcept
    {
        return std::visit([](auto const& h) -> descriptor const& { return h.info(); }, handle_);
    }

    /// Return whether the layer is raw in the store.
    bool is_raw() const noexcept { return handle_.index() == 0; }

    /// Open the layer. Unpacks what comes before the position, where the layer is neither raw nor spooled.
    result<source> open(std::uint64_t offset) const
    {
        switch(handle_.index()) {
        case 0: return open_as(raw, offset);
        case 1: return open_as(unpacked, offset);
        default: return open_as(spooled, offset);
        }
    }

private:
    template<std::size_t N>
    result<source> open_as(std::in_place_index_t<N> kind, std::uint64_t offset) const
    {
        auto opened = std::get<N>(handle_).open(offset);
        if(!opened)
            return opened.error();
        return source(kind, std::move(*opened), "layer " + info().id.str());
    }

    std::variant<Handle, measured, spooled_handle> handle_;
};

namespace detail {

/// A packed layer of an image, on its way to being expanded.
template<layer_handle Handle>
struct packed_layer {
    std::size_t number = 0;
    Handle lease;
    unpacking about;

    /// What it is the same layer by, wherever it is met.
    std::pair<digest, digest> key() const { return {lease.info().id, about.diff_id}; }
};

/// Finds out about packed layers, and remembers what it has found.
template<class Hashes, layer_handle Handle, inflater Inflater>
class layer_expander {
public:
    using layer = packed_layer<Handle>;
    using handle = expanded_handle<Handle, Inflater>;

    explicit layer_expander(expand_options const& o) : options_(o)
    {
        if(o.sizes == expansion::spooled)
            for(std::size_t n = 0, jobs = std::max<std::size_t>(o.jobs, 1); n != jobs; ++n)
                areas_.push_back(std::make_shared<spool_area>(o.memory / jobs, o.directory));
    }

    expand_options const& options() const noexcept { return options_; }

    /// Return a lease on what a layer is unpacked, once it is known. What went wrong is told once, so that it is tried again.
    std::optional<result<handle>> take(layer& l)
    {
        std::lock_guard const lock(mutex_);
        auto const at = known_.find(l.key());
        if(at == known_.end())
            return std::nullopt;
        auto found = at->second;
        if(!found)
            known_.erase(at);
        if(!found)
            return found.error();
        if(auto* const spooled = std::get_if<spooled_handle>(&*found))
            return handle(handle::spooled, std::move(*spooled));
        auto& size = std::get<sized>(*found);
        l.about.promised = size.promised;
        return handle(handle::unpacked, measured_handle(unpacked(l), std::move(size.info)));
    }

    /// Find out about layers of an image, side by side. Those above one that fails may be left.
    void expand(image const& i, std::vector<layer> layers)
    {
        std::lock_guard const lock(expanding_);
        std::erase_if(layers, [this](layer const& l) { return is_known(l); });
        std::ranges::sort(layers, std::greater(), [](layer const& l) { return l.lease.info().size; });
        std::atomic<std::size_t> failed = std::numeric_limits<std::size_t>::max();
        auto const expand_one = [&](layer& l, std::size_t worker) {
            if(l.number > failed)
                return;
            auto const key = l.key();
            auto found = look_into(i, l, worker);
            if(!found)
                for(auto least = failed.load(); l.number < least && !failed.compare_exchange_weak(least, l.number);) {
                }
            std::lock_guard const known(mutex_);
            known_.insert_or_assign(key, std::move(found));
        };
        std::deque<worker_pool::job> jobs;
        worker_pool pool(options_.jobs > 1 && layers.size() > 1 ? std::min(options_.jobs, layers.size()) : 0);
        for(auto& l : layers) {
            auto& j = jobs.emplace_back();
            j.work = [&](std::size_t worker) { expand_one(l, worker); };
            pool.add(j);
        }
        for(auto const& j : jobs)
            pool.wait(j);
    }

private:
    struct sized {
        descriptor info;
        std::optional<std::uint64_t> promised;
    };
    using finding = result<std::variant<sized, spooled_handle>>;

    bool is_known(layer const& l)
    {
        std::lock_guard const lock(mutex_);
        return known_.contains(l.key());
    }

    static unpacked_handle<Handle, Inflater> unpacked(layer& l)
    {
        return {std::move(l.lease), std::make_shared<unpacking const>(l.about)};
    }

    finding look_into(image const& i, layer& l, std::size_t worker)
    {
        auto const of_size = [&](std::uint64_t size, std::optional<std::uint64_t> promised) {
            descriptor d;
            d.media_type = media_type::oci_layer;
            d.id = l.about.diff_id;
            d.size = size;
            return sized{std::move(d), promised};
        };
        if(options_.sizes == expansion::promised)
            if(auto const size = detail::promised_size(l.lease); size && *size <= options_.largest_layer)
                return of_size(*size, size);
        auto const packed = unpacked(l);
        if(options_.sizes == expansion::spooled) {
            auto kept = detail::spool_layer<Hashes>(packed, i, l.number, options_.largest_layer, areas_[worker]);
            return kept ? finding(std::move(*kept)) : finding(kept.error());
        }
        // It is hashed when it is written, and need not be twice.
        auto opened = packed.open();
        if(!opened)
            return opened.error();
        auto const size = detail::read_portions(*opened, i, l.number, options_.largest_layer, [](bytes_view) { return failure(); });
        return size ? finding(of_size(*size, std::nullopt)) : finding(size.error());
    }

    expand_options options_;
    std::vector<std::shared_ptr<spool_area>> areas_; // one for each worker, since who writes to a file has it for itself
    std::mutex expanding_;                           // so that no layer is unpacked by two at once
    std::mutex mutex_;                               // of what follows
    std::map<std::pair<digest, digest>, finding> known_;
};

} // namespace detail

/** A store whose compressed layers are unpacked: an archive of its images has their layers raw, as `docker save` writes them.

    A layer is raw if its digest is the diff ID that the config has, and passes as it is. Any other is unpacked, whatever its media type calls it:
    its first bytes tell gzip, zstd and bzip2, with all their members and frames. What comes out must have the diff ID, so that it needs no
    trust, where layers are verified; what else a layer was called (type, URLs, annotations) is lost. Images keep their configs, IDs and names, and lose the list of
    layers of their manifests. Layouts that keep manifests make them anew for these images, since those of the store list other layers.

    Sizes are known before the first byte is written, by `expand_options::sizes`. They are found out when a layer is asked for, of all layers of
    its image together, and remembered as long as the store lives. Spooled layers are kept as long.

    @tparam S The store, kept; or a reference to a const one that must outlive this. See `expanded`.
    @tparam Inflater What inflates gzip.
    @tparam Hashes A `hash_set` for the diff IDs.

    @par Thread Safety
    As the store beneath, which is used by as many threads as `jobs` says while it expands. Copies share what is known.
*/
template<class S, inflater Inflater = zlib_inflater, class Hashes = hash_set<sha256, sha384, sha512>>
requires layer_store<std::remove_cvref_t<S>>
class expanded_store : public detail::store_adaptor<S> {
    using beneath = detail::store_adaptor<S>;
    using packed_handle = handle_of<std::remove_cvref_t<S>>;

public:
    using handle = expanded_handle<packed_handle, Inflater>;

    template<class T>
    requires std::constructible_from<detail::store_adaptor<S>, T>
    explicit expanded_store(T&& s, expand_options const& options = {})
        : beneath(std::forward<T>(s))
        , state_(std::make_shared<state>(options))
    {
    }

    /// Return an image without the list of its packed layers, or the errors of the store.
    result<image> load(digest const& id) const
    requires loads<std::remove_cvref_t<S>>
    {
        return without_layers(beneath::load(id));
    }

    /// The same, of a manifest.
    result<image> load_image(descriptor const& d) const
    requires content_store<std::remove_cvref_t<S>>
    {
        if constexpr(loads_by_manifest<std::remove_cvref_t<S>>)
            return without_layers(beneath::load_image(d));
        else
            return without_layers(tarexport::load_image(this->underlying(), d));
    }

    /** Lease a layer. The first time, all packed layers of its image are looked into.

        @return The errors of the store and of its sources; `invalid_document` (damaged, cut, or something behind it), `unsupported_store` (xz),
        `limit_exceeded`, `digest_mismatch` (spooled, and not the diff ID), `invalid_digest` (the diff ID is none), `cancelled`, or those of the temporary file.
        The subject has the layer's place and the image's ID, where it is not a path.
    */
    result<handle> layer(image const& i, std::size_t n) const
    {
        auto const packed = with_layers(i);
        auto asked = lease(packed, n);
        if(!asked)
            return asked.error();
        if(is_raw(*asked))
            return handle(handle::raw, std::move(asked->lease));
        if(asked->about.diff_id.empty())
            return failure{error::invalid_digest, asked->about.called, "the diff ID is \"" + diff_id_of(packed, n) + "\""};
        auto& expander = state_->expander;
        if(auto known = expander.take(*asked))
            return std::move(*known);
        expander.expand(packed, packed_layers(packed));
        for(;;) {
            if(auto known = expander.take(*asked))
                return std::move(*known);
            // One below it has failed, or somebody else was told why this one did.
            auto alone = lease(packed, n);
            if(!alone)
                return alone.error();
            std::vector<packed_layer> one;
            one.push_back(std::move(*alone));
            expander.expand(packed, std::move(one));
        }
    }

private:
    using packed_layer = detail::packed_layer<packed_handle>;

    struct state {
        explicit state(expand_options const& o) : expander(o) {}

        detail::layer_expander<Hashes, packed_handle, Inflater> expander;
        std::mutex mutex; // of what follows
        std::map<digest, std::vector<descriptor>> layers;
    };

    static std::string diff_id_of(image const& i, std::size_t n) { return n < i.diff_ids.size() ? i.diff_ids[n] : std::string(); }
    static bool is_raw(packed_layer const& l) { return l.lease.info().id == l.about.diff_id; }

    result<image> without_layers(result<image> loaded) const
    {
        if(loaded) {
            std::lock_guard const lock(state_->mutex);
            state_->layers.insert_or_assign(loaded->id, std::exchange(loaded->layers, {}));
        }
        return loaded;
    }

    // The image as the store beneath knows it.
    image with_layers(image const& i) const
    {
        auto packed = i;
        if(!packed.layers.empty())
            return packed;
        {
            std::lock_guard const lock(state_->mutex);
            if(auto const known = state_->layers.find(i.id); known != state_->layers.end()) {
                packed.layers = known->second;
                return packed;
            }
        }
        if constexpr(loads<std::remove_cvref_t<S>>)
            if(auto loaded = beneath::load(i.id))
                packed.layers = std::move(loaded->layers);
        return packed;
    }

    result<packed_layer> lease(image const& packed, std::size_t n) const
    {
        auto lease = this->underlying().layer(packed, n);
        if(!lease)
            return lease.error();
        auto const id = tarexport::parse_digest(diff_id_of(packed, n));
        auto const& o = state_->expander.options();
        return packed_layer{n, std::move(*lease),
            {id ? *id : digest(), "layer " + std::to_string(n) + " of image " + packed.id.str(), o.largest_layer, o.largest_ratio,
                o.stop, {}}};
    }

    // Those that cannot be leased are told of when they are asked for.
    std::vector<packed_layer> packed_layers(image const& packed) const
    {
        std::vector<packed_layer> all;
        std::set<std::pair<digest, digest>> keys;
        for(std::size_t n = 0; n != packed.diff_ids.size(); ++n)
            if(auto l = lease(packed, n); l && !is_raw(*l) && !l->about.diff_id.empty() && keys.insert(l->key()).second)
                all.push_back(std::move(*l));
        return all;
    }

    std::shared_ptr<state> state_;
};

/** Return a store whose compressed layers are unpacked.

    A temporary is kept; another store is borrowed and must outlive the result.

    @tparam Inflater What inflates gzip: `isal_inflater`, of a header of its own, is faster than zlib.

    @par Example
    @code
    tarexport::oci_layout_store const images("/srv/images");
    tarexport::save(tarexport::expanded(images), tarexport::names("app:1.0"), out);
    @endcode
*/
template<class Inflater = zlib_inflater, class S>
auto expanded(S&& store, expand_options const& options = {})
{
    constexpr bool has_layers = tarexport::explain_layer_store<std::remove_cvref_t<S>>();
    constexpr bool inflates = tarexport::explain_inflater<Inflater>();
    if constexpr(has_layers && inflates)
        return expanded_store<detail::adapted<S>, Inflater>(std::forward<S>(store), options);
}

} // namespace tarexport

#endif
