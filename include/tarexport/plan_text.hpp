//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_PLAN_TEXT_HPP
#define TAREXPORT_PLAN_TEXT_HPP

#include <tarexport/detail/go_json_write.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/plan.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tarexport {

/// Return the name of a kind of entry.
constexpr std::string_view name_of(entry_kind k) noexcept
{
    switch(k) {
    case entry_kind::directory: return "directory";
    case entry_kind::document: return "document";
    case entry_kind::layer: return "layer";
    }
    return {};
}

/** Return a plan as a table for people: a line for each entry with its offset and size in bytes, then the total.

    Columns are separated by blanks; paths come last, for they may be long.
*/
inline std::string to_table(plan const& p)
{
    auto const column = [](std::string text, std::size_t width) {
        return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
    };
    std::string out = "        offset           size  kind       path\n";
    for(std::size_t i = 0; i != p.count(); ++i) {
        auto const e = p.entry(i);
        auto kind = std::string(name_of(e.kind));
        kind.resize(9, ' ');
        out += column(std::to_string(e.offset), 14) + " " + column(std::to_string(e.size), 14) + "  " + kind + "  " + p.path(i) + "\n";
    }
    for(auto const& image : p.images()) {
        out += "image " + image.id.str();
        for(auto const& tag : image.tags)
            out += " " + tag;
        out += "\n";
    }
    for(auto const& l : p.left_out())
        out += "left out " + l.id.str() + " " + std::to_string(l.size) + " bytes\n";
    out += std::to_string(p.count()) + " entries, " + std::to_string(p.size()) + " bytes, etag " + p.etag().str() + "\n";
    return out;
}

/** Return a plan as one JSON object, without a newline.

    `size` (bytes), `etag`, `images` [{`id`, `tags`}] and `entries`
    [{`path`, `kind`, `mode` (octal), `mtime` (seconds), `offset`, `data`, `size` (bytes), `digest`}];
    of a thin archive `leftOut` [{`digest`, `diffID`, `size`}].
*/
inline std::string to_json(plan const& p)
{
    std::string out;
    detail::json_writer w(out);
    w.begin_object();
    w.key("size");
    w.number(p.size());
    w.key("etag");
    w.string(p.etag().str());
    w.key("images");
    w.begin_array();
    for(auto const& image : p.images()) {
        w.begin_object();
        w.key("id");
        w.string(image.id.str());
        w.key("tags");
        w.begin_array();
        for(auto const& tag : image.tags)
            w.string(tag);
        w.end_array();
        w.end_object();
    }
    w.end_array();
    w.key("entries");
    w.begin_array();
    for(std::size_t i = 0; i != p.count(); ++i) {
        auto const e = p.entry(i);
        w.begin_object();
        w.key("path");
        w.string(p.path(i));
        w.key("kind");
        w.string(name_of(e.kind));
        w.key("mode");
        std::string mode;
        for(int shift = 9; shift >= 0; shift -= 3)
            mode.push_back(static_cast<char>('0' + (e.mode >> shift & 7u)));
        w.string(mode);
        w.key("mtime");
        w.number(e.mtime);
        w.key("offset");
        w.number(e.offset);
        w.key("data");
        w.number(e.data);
        w.key("size");
        w.number(e.size);
        if(e.kind != entry_kind::directory) {
            w.key("digest");
            w.string(p.id(i).str());
        }
        w.end_object();
    }
    w.end_array();
    if(!p.left_out().empty()) {
        w.key("leftOut");
        w.begin_array();
        for(auto const& l : p.left_out()) {
            w.begin_object();
            w.key("digest");
            w.string(l.id.str());
            w.key("diffID");
            w.string(l.diff_id);
            w.key("size");
            w.number(l.size);
            w.end_object();
        }
        w.end_array();
    }
    w.end_object();
    return out;
}

} // namespace tarexport

#endif
