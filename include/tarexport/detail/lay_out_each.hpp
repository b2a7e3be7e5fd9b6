//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_LAY_OUT_EACH_HPP
#define TAREXPORT_DETAIL_LAY_OUT_EACH_HPP

#include <tarexport/error.hpp>
#include <tarexport/parent_links.hpp>
#include <tarexport/selection.hpp>

#include <deque>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace tarexport::detail {

/// Return `invalid_config` where an image has not a layer for each diff ID.
inline result<void> check_layers(selection const& s)
{
    if(s.layers.size() == s.config.diff_ids.size())
        return {};
    return failure{error::invalid_config, s.config.id.str(),
        std::to_string(s.layers.size()) + " layers for " + std::to_string(s.config.diff_ids.size()) + " diff IDs"};
}

/** Call `add(selection, parent)` for each image, with its parent where that is one of them, until one fails.

    Each image is freed as soon as it has been added, so that not all of them are there beside the plan that grows: nothing of it
    may be referred to later.

    @return `no_names` if there is none, what `check_layers` says of one, or what `add` said.
*/
template<class Add>
result<void> lay_out_each(std::vector<selection> images, Add add)
{
    if(images.empty())
        return failure{error::no_names, {}, {}};
    std::vector<parent_link> links;
    for(auto const& s : images)
        if(auto fit = detail::check_layers(s); !fit)
            return fit;
    for(auto const& s : images)
        links.push_back({s.config.id, s.config.parent});
    links = tarexport::validated_parent_links(links);
    std::deque<selection> left(std::move_iterator(images.begin()), std::move_iterator(images.end()));
    images = std::vector<selection>();
    for(auto const& link : links) {
        if(auto added = add(std::move(left.front()), link.parent); !added)
            return added;
        left.pop_front();
    }
    return {};
}

} // namespace tarexport::detail

#endif
