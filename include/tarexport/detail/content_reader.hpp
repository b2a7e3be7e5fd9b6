//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_CONTENT_READER_HPP
#define TAREXPORT_DETAIL_CONTENT_READER_HPP

#include <tarexport/descriptor.hpp>
#include <tarexport/error.hpp>
#include <tarexport/image.hpp>
#include <tarexport/oci_documents.hpp>
#include <tarexport/read_blob.hpp>
#include <tarexport/stores.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace tarexport::detail {

/// How many bytes of documents one root may lead to. Indexes can list one blob again and again, so that a small store
/// would keep its reader busy for days.
inline constexpr std::uint64_t root_budget = std::uint64_t{128} << 20;

/// The same for all roots of a store together.
inline constexpr std::uint64_t store_budget = std::uint64_t{256} << 20;

/// The same for all references that are saved at once: what many of them lead to may be read for each.
inline constexpr std::uint64_t names_budget = std::uint64_t{1} << 30;

/// What a document takes from a budget at least: opening it takes time, too.
inline constexpr std::uint64_t least_cost = 1024;

// Reads the documents of a store, and no more than a budget allows, for all roots and for each.
template<content_store Store>
class content_reader {
public:
    explicit content_reader(Store const& store, std::uint64_t budget = root_budget) noexcept
        : store_(store)
        , of_all_{budget, budget}
        , of_root_(of_all_)
    {
    }

    /// Begin with another root: what has been read so far counts for all, and not for this one.
    void begin_root() noexcept { of_root_ = {root_budget, root_budget}; }

    /// Count a document that somebody else has read.
    result<void> count(descriptor const& d, std::string_view what) const
    {
        auto const cost = std::max(d.size, least_cost);
        auto const& least = of_all_.left < of_root_.left ? of_all_ : of_root_;
        if(cost > least.left)
            return detail::about({error::limit_exceeded, d.id.str(),
                                     "documents of more than " + std::to_string(least.all) + " bytes belong to " +
                                         (&least == &of_all_ ? "what is asked for; ask for less at once" : "it")},
                what);
        of_all_.left -= cost;
        of_root_.left -= cost;
        return {};
    }

    /// Return a blob as `read_blob` does.
    result<std::string> read_text(descriptor const& d, std::uint64_t limit, std::string_view what) const
    {
        if(d.size <= limit)
            if(auto fit = count(d, what); !fit)
                return fit.error();
        return tarexport::read_blob(store_, d, limit, what);
    }

    result<manifest> read_manifest(descriptor const& d, std::string_view what) const
    {
        return read(d, what, manifest_limits.size, [](std::string_view text, std::string subject) {
            return tarexport::parse_manifest(text, std::move(subject));
        });
    }

    result<index> read_index(descriptor const& d, std::string_view what) const
    {
        return read(d, what, index_limits.size, [](std::string_view text, std::string subject) {
            return tarexport::parse_index(text, std::move(subject));
        });
    }

    // Only the bytes can tell what an entry without media type is: an index lists manifests.
    result<descriptor> typed(descriptor d, std::string_view what) const
    {
        auto const text = read_text(d, index_limits.size, what);
        if(!text)
            return text.error();
        if(tarexport::parse_index(*text, {}))
            d.media_type = media_type::oci_index;
        else if(auto const m = tarexport::parse_manifest(*text, d.id.str()))
            d.media_type = m->media_type.empty() ? std::string(media_type::oci_manifest) : m->media_type;
        else
            return detail::about(m.error(), what);
        return d;
    }

    result<image> read_config(manifest const& m, descriptor const& of) const
    {
        auto const what = "config of manifest " + of.id.str();
        auto bytes = read_text(m.config, config_limits{}.size, what);
        if(!bytes)
            return std::move(bytes).error();
        auto config = tarexport::parse_image(*std::move(bytes), m.config.id);
        return config ? std::move(config) : result<image>(detail::about(config.error(), what));
    }

    /// Return `missing_blob` or `size_mismatch` where a blob could not even be opened.
    result<void> check_presence(descriptor const& d, std::string_view what) const
    {
        auto const handle = store_.blob(d);
        return handle ? result<void>() : result<void>(detail::about(handle.error(), what));
    }

private:
    template<class Parse>
    auto read(descriptor const& d, std::string_view what, std::uint64_t limit, Parse parse) const
        -> decltype(parse(std::string_view(), std::string()))
    {
        auto const text = read_text(d, limit, what);
        if(!text)
            return text.error();
        auto document = parse(*text, d.id.str());
        if(!document)
            return detail::about(document.error(), what);
        return document;
    }

    struct allowance {
        std::uint64_t all;
        std::uint64_t left;
    };

    Store const& store_;
    allowance mutable of_all_;
    allowance mutable of_root_;
};

} // namespace tarexport::detail

#endif
