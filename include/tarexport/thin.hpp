//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_THIN_HPP
#define TAREXPORT_THIN_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/chain_id.hpp>
#include <tarexport/closure.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/detail/go_json_write.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/digest_set.hpp>
#include <tarexport/error.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/plan_builder.hpp>
#include <tarexport/selection.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
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

namespace detail {

// Looks at images one by one for the layers that somebody has.
class layers_had {
public:
    explicit layers_had(digest_set const& have) : have_(have) {}

    void look(selection const& s)
    {
        if(have_.empty())
            return;
        auto const chains = tarexport::chain_ids(s.config.diff_ids);
        bool below = true;
        for(std::size_t n = 0; n != std::min(s.layers.size(), chains.size()); ++n) {
            auto const& info = s.layers[n].info;
            below = below && (have_.contains(info.id) || has(s.config.diff_ids[n]) || has(chains[n]));
            if(!s.layers[n].lease)
                continue;
            add(info, s.config.diff_ids[n], below);
        }
        if(s.closure)
            look(*s.closure);
    }

    std::vector<left_out_layer> result() &&
    {
        for(auto& l : of_closures_)
            if(known_.insert(l.id).second)
                found_.push_back(std::move(l));
        std::erase_if(found_, [this](left_out_layer const& l) { return wanted_.contains(l.id); });
        return std::move(found_);
    }

private:
    // Of other platforms, which only engines load that look for blobs and not for chains. What any of the images has itself goes by that.
    void look(content_closure const& c)
    {
        for(auto const& b : c.blobs)
            if(b.lease && (have_.contains(b.info.id) || has(b.diff_id)) && closures_known_.insert(b.info.id).second)
                of_closures_.push_back({b.info.id, b.diff_id, b.info.media_type, b.info.size});
    }

    bool has(std::string const& text) const
    {
        auto const id = tarexport::parse_digest(text);
        return id && have_.contains(*id);
    }

    void add(descriptor const& info, std::string const& diff_id, bool had)
    {
        if(!had)
            wanted_.insert(info.id);
        else if(known_.insert(info.id).second)
            found_.push_back({info.id, diff_id, info.media_type, info.size});
    }

    digest_set const& have_;
    std::vector<left_out_layer> found_;
    std::vector<left_out_layer> of_closures_;
    std::set<digest> known_;          // all of `found_`
    std::set<digest> closures_known_; // all of `of_closures_`
    std::set<digest> wanted_;         // what an image needs, on top of layers that somebody has not
};

} // namespace detail

/** Return the layers of images that somebody has already, each once, in the order of the images.

    Engines with graph drivers find a layer that they have by its chain: by what it is and all that lies below it. So a layer is had where those
    below it are had too, and is not left out if one of the images needs it on top of others.

    @param have Of layers: chain IDs, diff IDs, digests as they are stored, or all of these.
*/
inline std::vector<left_out_layer> layers_to_leave_out(std::span<selection const> images, digest_set const& have)
{
    detail::layers_had had(have);
    for(auto const& s : images)
        had.look(s);
    return std::move(had).result();
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

    Everything else stays as it is and where it is. A plan that is thin already becomes thinner: its document is replaced. The document comes after the last of the entries that are found by their
    names, so that an archive which begins with its metadata still does; no other entry may have its path. Without a layer to leave out, the plan stays the same.

    Whoever reads the archive must have these layers: dockerd with graph drivers does not open the file of a layer that it has.

    @param layers Some of the plan's own; others are passed over.
    @return The plan, or `unencodable_header` or `archive_too_large`.
*/
inline result<plan> leave_out(plan full, std::span<left_out_layer const> layers)
{
    std::set<digest> known;
    for(auto const& l : layers)
        known.insert(l.id);
    // What is a document, too, of this archive is no layer of it.
    std::set<digest> left;
    for(auto const& l : full.layers())
        if(known.contains(l.id))
            left.insert(l.id);
    if(left.empty())
        return full;
    std::vector<left_out_layer> all = full.left_out();
    auto const before = all.size();
    known.clear();
    for(auto const& l : layers)
        if(left.contains(l.id) && known.insert(l.id).second)
            all.push_back(l);
    auto document = tarexport::render_thin_document(all);
    std::size_t after = 0;
    std::optional<std::size_t> replaced;
    for(std::size_t i = 0; i != full.count(); ++i)
        if(full.entry(i).kind == entry_kind::document && !detail::is_blob(full, i)) {
            after = i + 1;
            if(!full.left_out().empty() && full.path(i) == thin_document_path)
                replaced = i;
        }
    plan_builder b(std::move(full));
    if(replaced)
        b.replace_document(*replaced, std::move(document));
    else
        b.insert_document(after, std::string(thin_document_path), std::move(document), 0644, 0);
    b.remove_layers([&](digest const& id) { return left.contains(id); });
    for(auto& l : std::span(all).subspan(before)) // the builder has those that were left out before
        b.add_left_out(std::move(l));
    return std::move(b).finish();
}

} // namespace tarexport

#endif
