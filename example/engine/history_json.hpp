//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_HISTORY_JSON_HPP
#define TAREXPORT_ENGINE_HISTORY_JSON_HPP

#include "record.hpp"

#include <tarexport/error.hpp>
#include <tarexport/image.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// `/images/NAME/history`: the steps that made an image.

namespace engine {

namespace detail {

// The size of the layer of each step, 0 for one that made none.
inline std::vector<std::uint64_t> step_sizes(record const& r)
{
    std::vector<std::uint64_t> sizes;
    std::size_t layer = 0;
    for(auto const& step : r.image.history)
        sizes.push_back(step.empty_layer ? 0 : r.layer_sizes[layer++]);
    return sizes;
}

inline void write_step(
    document& d, tarexport::history_entry const& step, std::uint64_t size, std::string const& id, std::vector<std::string> const& tags)
{
    d.w.begin_object();
    d.member("Comment", step.comment);
    d.seconds("Created", step.created);
    d.member("CreatedBy", step.created_by);
    d.member("Id", id);
    d.member("Size", size);
    d.w.key("Tags");
    tarexport::detail::write_strings(d.w, tags, tags.empty());
    d.w.end_object();
}

} // namespace detail

/** Return the steps that made an image, the last first.

    @return The document; or, where there are more steps with a layer than layers, what `check_image` says of it.
*/
inline tarexport::result<std::string> history_json(record const& r)
{
    if(auto const fit = tarexport::check_image(r.image); !fit && fit.error().code == tarexport::error::invalid_config)
        return fit.error();
    auto const sizes = detail::step_sizes(r);
    document d;
    d.w.begin_array();
    for(std::size_t n = 0; n != sizes.size(); ++n) {
        auto const step = sizes.size() - 1 - n;
        // As the engine does: each step back is one image back, as long as there is one.
        bool const known = n != 0 && n <= r.ancestors.size();
        auto const id = n == 0 ? r.image.id.str() : known ? r.ancestors[n - 1].id.str() : "<missing>";
        auto const& tags = known ? r.ancestors[n - 1].tags : r.names.tags;
        detail::write_step(d, r.image.history[step], sizes[step], id, n == 0 || known ? tags : std::vector<std::string>());
    }
    d.w.end_array();
    return std::move(d).take();
}

} // namespace engine

#endif
