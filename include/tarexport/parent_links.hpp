//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_PARENT_LINKS_HPP
#define TAREXPORT_PARENT_LINKS_HPP

#include <tarexport/digest.hpp>
#include <tarexport/image.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <unordered_set>
#include <vector>

namespace tarexport {

/// An image and the image it was built on.
struct parent_link {
    digest id;
    std::optional<digest> parent;

    friend bool operator==(parent_link const&, parent_link const&) = default;
};

/** Return the links of an archive: those to images that are not in it, or to oneself, are gone.

    Order and number of the entries stay. Cycles of two or more stay too, as in the engine (moby v27.3.1).
*/
inline std::vector<parent_link> validated_parent_links(std::span<parent_link const> links)
{
    std::unordered_set<digest> ids;
    for(auto const& l : links)
        ids.insert(l.id);
    std::vector<parent_link> valid(links.begin(), links.end());
    for(auto& l : valid)
        if(l.parent && (*l.parent == l.id || !ids.contains(*l.parent)))
            l.parent.reset();
    return valid;
}

/** Return whether the engine, when it loads an archive, believes that an image was built on another.

    Only the histories count: both are empty, or the child's is the parent's and one step more.
*/
inline bool is_valid_parent(std::span<history_entry const> child, std::span<history_entry const> parent) noexcept
{
    if(child.empty() && parent.empty())
        return true;
    return child.size() == parent.size() + 1 &&
           std::ranges::equal(parent, child.first(parent.size()), tarexport::same_step);
}

} // namespace tarexport

#endif
