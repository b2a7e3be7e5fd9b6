//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_CONTAINERS_LAYERS_HPP
#define TAREXPORT_DETAIL_CONTAINERS_LAYERS_HPP

#include <tarexport/descriptor.hpp>
#include <tarexport/detail/containers_snapshot.hpp>
#include <tarexport/error.hpp>
#include <tarexport/store/tar_split.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tarexport::detail {

/** The layers of a snapshot, as what can be put together again. What was found out is kept.

    @par Thread Safety
    Const members may be called from several threads.
*/
class containers_layers {
public:
    using layer = std::shared_ptr<unpacked_layer const>;

    /// Construct from a snapshot that outlives this object.
    containers_layers(containers_snapshot const& snapshot, tar_split_options const& options) : snapshot_(snapshot), options_(options) {}

    /** Return the layers of an image, bottom first.

        @return Their numbers; or `missing_layer` or `limit_exceeded`.
    */
    result<std::vector<std::size_t>> chain(std::string const& top) const
    {
        std::vector<std::size_t> all;
        for(auto const* id = &top; !id->empty(); id = &snapshot_.layers()[all.back()].parent) {
            auto const n = snapshot_.layer(*id);
            if(n == snapshot_.layers().size())
                return failure{error::missing_layer, "layer " + *id,
                    "it is in no list of layers; the volatile layers of a transient store are not read"};
            if(all.size() == containers_limits{}.depth)
                return failure{error::limit_exceeded, "layer " + top,
                    "more than " + std::to_string(all.size()) + " layers one on top of the other, or one that is its own ancestor"};
            all.push_back(n);
        }
        std::ranges::reverse(all);
        return all;
    }

    /** Return a layer.

        @return It; `missing_layer` (only a part was pulled), `unrecoverable_layer`, `unsupported_store` (its files are elsewhere), or
        an error of `chain` or `tar_split_size`.
    */
    result<layer> get(std::size_t n) const
    {
        {
            std::lock_guard const lock(mutex_);
            if(auto const known = known_.find(n); known != known_.end())
                return known->second;
        }
        auto made = make(n);
        if(!made)
            return made;
        std::lock_guard const lock(mutex_);
        return known_.try_emplace(n, *std::move(made)).first->second;
    }

private:
    result<layer> make(std::size_t n) const
    {
        auto const& l = snapshot_.layers()[n];
        auto const& root = snapshot_.root_of(l);
        auto const lost = [&](std::string_view why) { return failure{error::unrecoverable_layer, "layer " + l.id, std::string(why)}; };
        if(l.incomplete)
            return failure{error::missing_layer, "layer " + l.id, "incomplete: it is still being pulled, or that was cut off"};
        if(l.diff_id.empty())
            return lost("the engine does not know its diff ID: it was pulled in parts, by its table of contents");
        if(auto const checked = root.check_tree(l.id); !checked)
            return checked.error();
        unpacked_layer made{{}, root.record(l.id), {}};
        error_code ec;
        detail::open_file_beneath(made.record.directory.fd(), made.record.path, ec);
        if(ec == detail::system_error_code(ENOENT))
            return lost("there is no record of its tar archive at " + made.record.str());
        if(ec)
            return failure{ec, made.record.str(), {}};
        auto const size = l.size ? result<std::uint64_t>(*l.size) : tarexport::tar_split_size(made.record, options_.limits, options_.jobs, options_.inflater);
        if(!size)
            return size.error();
        made.info.media_type = media_type::oci_layer;
        made.info.id = l.diff_id;
        made.info.size = *size;
        auto below = chain(l.id);
        if(!below)
            return below.error();
        for(auto i = below->rbegin(); i != below->rend() && (made.trees.empty() || root.has_overlay()); ++i) {
            auto const& each = snapshot_.layers()[*i];
            made.trees.push_back(snapshot_.root_of(each).tree(each.id));
        }
        return std::make_shared<unpacked_layer const>(std::move(made));
    }

    containers_snapshot const& snapshot_;
    tar_split_options options_;
    mutable std::mutex mutex_;
    mutable std::unordered_map<std::size_t, layer> known_;
};

} // namespace tarexport::detail

#endif
