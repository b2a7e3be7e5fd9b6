//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_HISTORY_HPP
#define TAREXPORT_HISTORY_HPP

#include <tarexport/timestamp.hpp>

#include <optional>
#include <string>

namespace tarexport {

/// One step of how an image was made.
struct history_entry {
    std::optional<timestamp> created;
    std::string created_by;
    std::string author;
    std::string comment;
    bool empty_layer = false; ///< Whether the step made no layer.

    friend bool operator==(history_entry const&, history_entry const&) = default;
};

/// Return whether two entries tell of the same step: all is equal, but the zones of the times.
inline bool same_step(history_entry const& a, history_entry const& b) noexcept
{
    bool const same_time =
        a.created && b.created ? tarexport::same_instant(*a.created, *b.created) : !a.created && !b.created;
    return same_time && a.created_by == b.created_by && a.author == b.author && a.comment == b.comment &&
           a.empty_layer == b.empty_layer;
}

} // namespace tarexport

#endif
