//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_VERIFICATION_TEXT_HPP
#define TAREXPORT_VERIFICATION_TEXT_HPP

#include <tarexport/detail/go_json_write.hpp>
#include <tarexport/verification.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace tarexport {

/** Return what was found out as lines for people: one for each image, each finding and each loader; the last one is
    `good`, or tells how many errors there are.

    What comes from the archive begins no line; otherwise it stands in it as it is: see to it that a terminal can take it.
*/
inline std::string to_text(verification const& v)
{
    std::string out;
    auto const add = [&out](std::string_view line) {
        for(char const c : line)
            c == '\n' ? out.append("\\n") : out.append(1, c);
        out += '\n';
    };
    for(auto const& i : v.images) {
        auto line = "image " + (i.id.empty() ? std::string("(without an ID)") : i.id.str());
        line += (i.platform.empty() ? "" : " " + i.platform) + " " + std::to_string(i.layers.size()) +
            (i.layers.size() == 1 ? " layer" : " layers");
        for(auto const& name : i.names)
            line.append(" ").append(name);
        add(line);
    }
    for(auto const& b : v.needed)
        out += "needs " + b.id.str() + " " + std::to_string(b.size) + " bytes" + (b.at_hand ? ", at hand" : "") + "\n";
    for(auto const& f : v.findings)
        add(std::string(name_of(f.level)) + " " + f.subject + ": " + f.sentence + " [" + std::string(name_of(f.code)) + "]");
    if(v.more_findings != 0)
        out += "and " + std::to_string(v.more_findings) + " more\n";
    for(auto const& d : v.verdicts) {
        std::string line(name_of(d.who));
        line.resize(30, ' ');
        add(line + std::string(name_of(d.loads)) + (d.reason.empty() ? "" : ": " + d.reason));
    }
    out += std::to_string(v.entries) + " entries, " + std::to_string(v.bytes) + " bytes" + (v.id.empty() ? "" : ", " + v.id.str()) + "\n";
    return out + (v.good() ? "good\n" : std::to_string(v.errors) + (v.errors == 1 ? " error\n" : " errors\n"));
}

namespace detail {

inline void write_layer(json_writer& w, verified_layer const& l)
{
    w.begin_object();
    w.key("path");
    w.string(l.path);
    w.key("digest");
    w.string(l.id.str());
    w.key("size");
    w.number(l.size);
    w.key("diffID");
    w.string(l.diff_id);
    w.key("leftOut");
    w.boolean(l.left_out);
    w.key("good");
    w.boolean(l.good);
    w.end_object();
}

inline void write_image(json_writer& w, verified_image const& i)
{
    w.begin_object();
    w.key("id");
    w.string(i.id.str());
    w.key("names");
    w.begin_array();
    for(auto const& name : i.names)
        w.string(name);
    w.end_array();
    w.key("platform");
    w.string(i.platform);
    w.key("inManifestJSON");
    w.boolean(i.in_manifest_json);
    w.key("inIndexJSON");
    w.boolean(i.in_index_json);
    w.key("layers");
    w.begin_array();
    for(auto const& l : i.layers)
        detail::write_layer(w, l);
    w.end_array();
    w.end_object();
}

inline void write_needed(json_writer& w, needed_blob const& b)
{
    w.begin_object();
    w.key("mediaType");
    w.string(b.media_type);
    w.key("digest");
    w.string(b.id.str());
    w.key("size");
    w.number(b.size);
    w.key("diffID");
    w.string(b.diff_id);
    w.key("atHand");
    w.boolean(b.at_hand);
    w.end_object();
}

inline void write_finding(json_writer& w, finding const& f)
{
    w.begin_object();
    w.key("severity");
    w.string(name_of(f.level));
    w.key("code");
    w.string(name_of(f.code));
    w.key("subject");
    w.string(f.subject);
    w.key("sentence");
    w.string(f.sentence);
    w.end_object();
}

inline void write_verdict(json_writer& w, verdict const& d)
{
    w.begin_object();
    w.key("loader");
    w.string(name_of(d.who));
    w.key("loads");
    w.string(name_of(d.loads));
    w.key("reason");
    w.string(d.reason);
    w.end_object();
}

template<class List, class Write>
void write_list(json_writer& w, std::string_view key, List const& list, Write write)
{
    w.key(key);
    w.begin_array();
    for(auto const& each : list)
        write(w, each);
    w.end_array();
}

} // namespace detail

/** Return what was found out as one JSON object, without a newline.

    `good`, `errors`, `bytes`, `digest` (of the archive, if it was asked for), `compression`, `entries`, `images` [{`id`, `names`, `platform`,
    `inManifestJSON`, `inIndexJSON`, `layers` [{`path`, `digest`, `size`, `diffID`, `leftOut`, `good`}]}], `needed` [{`mediaType`,
    `digest`, `size`, `diffID`, `atHand`}], `findings` [{`severity`, `code`, `subject`, `sentence`}], `moreFindings`,
    `verdicts` [{`loader`, `loads` ("yes", "no", "depends" or "unknown"), `reason`}]. Sizes are in bytes.
*/
inline std::string to_json(verification const& v)
{
    std::string out;
    detail::json_writer w(out);
    w.begin_object();
    w.key("good");
    w.boolean(v.good());
    w.key("errors");
    w.number(v.errors);
    w.key("bytes");
    w.number(v.bytes);
    if(!v.id.empty()) {
        w.key("digest");
        w.string(v.id.str());
    }
    w.key("compression");
    w.string(v.compression);
    w.key("entries");
    w.number(v.entries);
    detail::write_list(w, "images", v.images, detail::write_image);
    detail::write_list(w, "needed", v.needed, detail::write_needed);
    detail::write_list(w, "findings", v.findings, detail::write_finding);
    w.key("moreFindings");
    w.number(v.more_findings);
    detail::write_list(w, "verdicts", v.verdicts, detail::write_verdict);
    w.end_object();
    return out;
}

} // namespace tarexport

#endif
