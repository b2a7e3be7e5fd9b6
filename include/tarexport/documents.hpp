//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DOCUMENTS_HPP
#define TAREXPORT_DOCUMENTS_HPP

#include <tarexport/descriptor.hpp>
#include <tarexport/detail/go_json_write.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/oci_documents.hpp>
#include <tarexport/platform.hpp>
#include <tarexport/reference.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The documents of an archive, byte for byte as the engine (moby v27.3.1) marshals them.

namespace tarexport {

/// One image of `manifest.json`.
struct manifest_item {
    std::string config;                    ///< path in the archive
    std::vector<std::string> tags;         ///< familiar references; none is written as null
    std::vector<std::string> layers;       ///< paths in the archive, bottom first
    std::string parent;                    ///< image ID, or empty
    std::map<std::string, descriptor> sources; ///< what each diff ID is in the archive
};

/// What `repositories` says: repository, tag, and the encoded digest of the image's top layer.
using repository_tags = std::map<std::string, std::map<std::string, std::string>>;

namespace detail {

inline void append_strings(json_writer& w, std::span<std::string const> texts)
{
    w.begin_array();
    for(auto const& t : texts)
        w.string(t);
    w.end_array();
}

inline void append_annotations(json_writer& w, std::vector<std::pair<std::string, std::string>> const& annotations)
{
    if(annotations.empty())
        return;
    std::map<std::string_view, std::string_view> sorted;
    for(auto const& [key, value] : annotations)
        sorted.insert_or_assign(key, value);
    w.key("annotations");
    w.begin_object();
    for(auto const& [key, value] : sorted) {
        w.key(key);
        w.string(value);
    }
    w.end_object();
}

inline void append_platform(json_writer& w, platform const& p)
{
    w.key("platform");
    w.begin_object();
    w.key("architecture");
    w.string(p.architecture);
    w.key("os");
    w.string(p.os);
    if(!p.os_version.empty()) {
        w.key("os.version");
        w.string(p.os_version);
    }
    if(!p.os_features.empty()) {
        w.key("os.features");
        append_strings(w, p.os_features);
    }
    if(!p.variant.empty()) {
        w.key("variant");
        w.string(p.variant);
    }
    w.end_object();
}

// OCI documents put the digest before the size, the older `LayerSources` the size before the digest.
enum class descriptor_order { digest_first, size_first };

inline void append_descriptor(json_writer& w, descriptor const& d, descriptor_order order)
{
    auto const write_digest = [&] {
        w.key("digest");
        w.string(d.id.str());
    };
    w.begin_object();
    w.key("mediaType");
    w.string(d.media_type);
    if(order == descriptor_order::digest_first)
        write_digest();
    w.key("size");
    w.number(d.size);
    if(order == descriptor_order::size_first)
        write_digest();
    if(!d.urls.empty()) {
        w.key("urls");
        append_strings(w, d.urls);
    }
    append_annotations(w, d.annotations);
    if(d.target)
        append_platform(w, *d.target);
    if(!d.artifact_type.empty()) {
        w.key("artifactType");
        w.string(d.artifact_type);
    }
    w.end_object();
}

inline void append_descriptors(json_writer& w, std::string_view key, std::span<descriptor const> all)
{
    w.key(key);
    w.begin_array();
    for(auto const& d : all)
        append_descriptor(w, d, descriptor_order::digest_first);
    w.end_array();
}

} // namespace detail

/// Return the file `oci-layout`, with the blank that the engine writes.
inline std::string render_oci_layout()
{
    return R"({"imageLayoutVersion": "1.0.0"})";
}

/// Return an OCI image manifest.
inline std::string render_manifest(descriptor const& config, std::span<descriptor const> layers)
{
    std::string text;
    detail::json_writer w(text);
    w.begin_object();
    w.key("schemaVersion");
    w.number(2);
    w.key("mediaType");
    w.string(media_type::oci_manifest);
    w.key("config");
    detail::append_descriptor(w, config, detail::descriptor_order::digest_first);
    detail::append_descriptors(w, "layers", layers);
    w.end_object();
    return text;
}

/// Return an image index, with all that `index` knows of one.
inline std::string render_index(index const& i)
{
    std::string text;
    detail::json_writer w(text);
    w.begin_object();
    w.key("schemaVersion");
    w.number(2);
    if(!i.media_type.empty()) {
        w.key("mediaType");
        w.string(i.media_type);
    }
    if(!i.artifact_type.empty()) {
        w.key("artifactType");
        w.string(i.artifact_type);
    }
    detail::append_descriptors(w, "manifests", i.manifests);
    if(i.subject) {
        w.key("subject");
        detail::append_descriptor(w, *i.subject, detail::descriptor_order::digest_first);
    }
    detail::append_annotations(w, i.annotations);
    w.end_object();
    return text;
}

/// Return an OCI image index of these entries.
inline std::string render_index(std::span<descriptor const> manifests)
{
    index i;
    i.media_type = media_type::oci_index;
    i.manifests.assign(manifests.begin(), manifests.end());
    return tarexport::render_index(i);
}

namespace detail {

inline void append_manifest_item(json_writer& w, manifest_item const& item)
{
    w.begin_object();
    w.key("Config");
    w.string(item.config);
    w.key("RepoTags");
    if(item.tags.empty())
        w.null();
    else
        append_strings(w, item.tags);
    w.key("Layers");
    append_strings(w, item.layers);
    if(!item.parent.empty()) {
        w.key("Parent");
        w.string(item.parent);
    }
    if(!item.sources.empty()) {
        w.key("LayerSources");
        w.begin_object();
        for(auto const& [diff_id, source] : item.sources) {
            w.key(diff_id);
            append_descriptor(w, source, descriptor_order::size_first);
        }
        w.end_object();
    }
    w.end_object();
}

/* Writes a document that is one long list, element by element, in parts: so that neither all elements are kept, nor a text of a
   hundred megabytes is there three times whenever it grows.
*/
class long_list {
public:
    /// @param empty The document without elements; its list ends at the last bracket, or the last of another character.
    explicit long_list(std::string_view empty, char end = ']')
        : end_(empty.substr(empty.rfind(end)))
        , parts_{std::string(empty.substr(0, empty.rfind(end)))}
    {
    }

    /// Add an element, which is written by `append(json_writer&)`.
    template<class Append>
    void add(Append append)
    {
        if(parts_.back().size() >= full)
            parts_.emplace_back();
        auto& part = parts_.back();
        if(!first_)
            part.push_back(',');
        first_ = false;
        json_writer w(part);
        append(w);
        if(part.size() >= full)
            part.shrink_to_fit();
    }

    /// Return the parts of the document.
    std::vector<std::string> finish() &&
    {
        parts_.back() += end_;
        return std::move(parts_);
    }

private:
    static constexpr std::size_t full = std::size_t{1} << 16; // bytes of a part

    std::string end_;
    std::vector<std::string> parts_;
    bool first_ = true;
};

/// `index.json`, entry by entry.
class index_json_list {
public:
    void add(descriptor const& entry) { add_text(text_of(entry)); }

    void add_text(std::string_view entry)
    {
        list_.add([&](json_writer& w) { w.raw(entry); });
    }

    static std::string text_of(descriptor const& entry)
    {
        std::string text;
        json_writer w(text);
        append_descriptor(w, entry, descriptor_order::digest_first);
        return text;
    }

    std::vector<std::string> finish() && { return std::move(list_).finish(); }

private:
    long_list list_{tarexport::render_index(std::span<descriptor const>())};
};

/// `manifest.json`, image by image.
class manifest_json_list {
public:
    void add(manifest_item const& item)
    {
        list_.add([&](json_writer& w) { append_manifest_item(w, item); });
    }

    std::vector<std::string> finish() && { return std::move(list_).finish(); }

private:
    long_list list_{"[]\n"};
};

/// Return `repositories` in parts. Each repository is freed when it is written.
inline std::vector<std::string> render_repositories_in_parts(repository_tags repositories)
{
    long_list list("{}\n", '}');
    for(; !repositories.empty(); repositories.erase(repositories.begin()))
        list.add([&](json_writer& w) {
            auto const& [repository, tags] = *repositories.begin();
            w.key(repository);
            w.begin_object();
            for(auto const& [tag, layer] : tags) {
                w.key(tag);
                w.string(layer);
            }
            w.end_object();
        });
    return std::move(list).finish();
}

inline std::string joined(std::vector<std::string> const& parts)
{
    std::string text;
    text.reserve(std::transform_reduce(parts.begin(), parts.end(), std::size_t{0}, std::plus(), [](auto const& p) { return p.size(); }));
    for(auto const& part : parts)
        text += part;
    return text;
}

} // namespace detail

/// Return `manifest.json`, with its newline.
inline std::string render_manifest_json(std::span<manifest_item const> items)
{
    detail::manifest_json_list list;
    for(auto const& item : items)
        list.add(item);
    return detail::joined(std::move(list).finish());
}

/// Return `repositories`, with its newline.
inline std::string render_repositories(repository_tags const& repositories)
{
    return detail::joined(detail::render_repositories_in_parts(repositories));
}

} // namespace tarexport

#endif
