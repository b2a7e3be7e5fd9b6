//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_THIN_HPP
#define TAREXPORT_THIN_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/detail/go_json_write.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/digest_set.hpp>
#include <tarexport/error.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/selection.hpp>

#include <cstddef>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Thin archives: those without the layers that the other side has.

namespace tarexport {

/// The entry of a thin archive that says what is not in it.
inline constexpr std::string_view thin_document_path = "thin.json";

/// The media type that this document has in itself.
inline constexpr std::string_view thin_media_type = "application/vnd.tarexport.thin.v1+json";

/** Return the layers of images that somebody has already, each once, in the order of the images.

    @param have Diff IDs, digests of layers as they are stored, or both.
*/
inline std::vector<left_out_layer> layers_to_leave_out(std::span<selection const> images, digest_set const& have)
{
    std::vector<left_out_layer> found;
    std::set<digest> seen;
    for(auto const& s : images)
        for(std::size_t n = 0; n != s.layers.size(); ++n) {
            auto const& info = s.layers[n].info;
            auto const& diff_id = s.config.diff_ids[n];
            auto const parsed = tarexport::parse_digest(diff_id);
            if((have.contains(info.id) || (parsed && have.contains(*parsed))) && seen.insert(info.id).second)
                found.push_back({info.id, diff_id, info.media_type, info.size});
        }
    return found;
}

/** Return what a thin archive says of what is not in it: one JSON object, without a newline.

    `schemaVersion` (1), `mediaType`, and `leftOut`: for each layer its `mediaType`, `digest` and `size` as the archive's
    manifests have them, and its `diffID`.
*/
inline std::string render_thin_document(std::span<left_out_layer const> layers)
{
    std::string text;
    detail::json_writer w(text);
    w.begin_object();
    w.key("schemaVersion");
    w.number(1);
    w.key("mediaType");
    w.string(thin_media_type);
    w.key("leftOut");
    w.begin_array();
    for(auto const& l : layers) {
        w.begin_object();
        w.key("mediaType");
        w.string(l.media_type);
        w.key("digest");
        w.string(l.id.str());
        w.key("size");
        w.number(l.size);
        w.key("diffID");
        w.string(l.diff_id);
        w.end_object();
    }
    w.end_array();
    w.end_object();
    return text;
}

namespace detail {

// Whether an entry is found by its digest, and not by a name of its own.
inline bool is_blob(plan const& p, std::size_t i)
{
    return p.entry(i).kind != entry_kind::directory && p.path(i) == plan::blob_path(p.id(i));
}

} // namespace detail

/** Return a plan without some of its layers, and with the document that names them.

    Everything else stays as it is and where it is. The document comes after the last of the entries that are found by their
    names, so that an archive which begins with its metadata still does. Without a layer to leave out, the plan stays the same.

    Whoever reads the archive must have these layers: dockerd with graph drivers does not open the file of a layer that it has.

    @param layers Of which none that the plan does not have is named.
    @return The plan, or `unencodable_header` or `archive_too_large`.
*/
inline result<plan> leave_out(plan const& full, std::span<left_out_layer const> layers)
{
    if(layers.empty())
        return full;
    std::set<digest> known;
    for(auto const& l : layers)
        known.insert(l.id);
    std::size_t after = 0;
    for(std::size_t i = 0; i != full.count(); ++i)
        if(full.entry(i).kind == entry_kind::document && !detail::is_blob(full, i))
            after = i + 1;
    plan_builder b;
    for(std::size_t i = 0; i <= full.count(); ++i) {
        if(i == after)
            b.add_document(std::string(thin_document_path), tarexport::render_thin_document(layers), 0644, 0);
        if(i == full.count())
            break;
        auto const e = full.entry(i);
        auto path = full.path(i);
        bool const is_blob = detail::is_blob(full, i);
        switch(e.kind) {
        case entry_kind::directory: b.add_directory(std::move(path), e.mode, e.mtime); break;
        case entry_kind::document: {
            std::string text(to_text(full.document(e.item)));
            if(is_blob)
                b.add_blob(std::move(text), full.id(i), e.mode, e.mtime);
            else
                b.add_document(std::move(path), std::move(text), e.mode, e.mtime);
            break;
        }
        case entry_kind::layer:
            if(!known.contains(full.id(i)))
                b.add_layer(full.layers()[e.item], e.mode, e.mtime, is_blob ? std::string() : std::move(path));
            break;
        }
    }
    for(auto const& image : full.images())
        b.add_image(image);
    for(auto const& l : layers)
        b.add_left_out(l);
    return std::move(b).finish();
}

} // namespace tarexport

#endif
