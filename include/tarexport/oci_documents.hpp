//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_OCI_DOCUMENTS_HPP
#define TAREXPORT_OCI_DOCUMENTS_HPP

#include <tarexport/descriptor.hpp>
#include <tarexport/detail/oci_schema.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/platform.hpp>

#include <boost/json/error.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/parse_options.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport {

/// How much of a document is read; beyond it is `limit_exceeded`.
struct document_limits {
    std::size_t size = 0;           ///< Bytes.
    std::size_t depth = 64;         ///< Objects and arrays inside one another.
    std::size_t values = 4'000'000; ///< JSON values and keys, which take far more memory than text.
    std::size_t entries = 100'000;  ///< Layers, or manifests.
};

inline constexpr document_limits manifest_limits{std::size_t{4} << 20, 64, 400'000, 10'000};
inline constexpr document_limits index_limits{std::size_t{64} << 20, 64, 4'000'000, 100'000};
inline constexpr document_limits layout_limits{std::size_t{64} << 10, 64, 1'000, 0};

/** What an image, or an artifact, is made of.

    @see https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md
*/
struct manifest {
    std::string media_type; ///< Empty where the document does not say.
    descriptor config;
    std::vector<descriptor> layers;                               ///< Bottom first; an artifact's may be none.
    std::string artifact_type;                                    ///< Of an artifact, which is no image.
    std::optional<descriptor> subject;                            ///< What this one is about.
    std::vector<std::pair<std::string, std::string>> annotations; ///< In the order of the document.

    friend bool operator==(manifest const&, manifest const&) = default;
};

/** A list of manifests and of further indexes.

    @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md
*/
struct index {
    std::string media_type; ///< Empty where the document does not say.
    std::vector<descriptor> manifests;
    std::string artifact_type;
    std::optional<descriptor> subject;
    std::vector<std::pair<std::string, std::string>> annotations; ///< In the order of the document.

    friend bool operator==(index const&, index const&) = default;
};

/** Read an image manifest, of OCI or of Docker (version 2, schema 2).

    Members that are `null` count as absent, `layers` may be empty and `schemaVersion` 0, as engines have it; all else is
    as the schema wants. A document that could also be read as an index is refused.

    @param subject What the document is, for an error.
    @return The manifest; or `invalid_json`, `invalid_document` (the detail names the field),
    `unsupported_digest` or `limit_exceeded`.
*/
inline result<manifest> parse_manifest(
    std::string_view text, std::string subject, document_limits const& limits = manifest_limits);

/** Read an image index, or a Docker manifest list.

    As `parse_manifest`; entries may lack a media type, and `manifests` may be `null`, which moby 25 wrote.
    A document that could also be read as a manifest is refused.
*/
inline result<index> parse_index(std::string_view text, std::string subject, document_limits const& limits = index_limits);

/// Read a single descriptor, exactly as the schema has it.
inline result<descriptor> parse_descriptor(
    std::string_view text, std::string subject, document_limits const& limits = manifest_limits);

/// Check the file `oci-layout` of an image layout: its version must be 1.0.0.
inline result<void> check_layout(
    std::string_view text, std::string subject, document_limits const& limits = layout_limits);

/// The documents that the OCI image specification has a JSON schema for.
enum class document_kind { config, descriptor, manifest, index, layout };

/** Check a document against the JSON schema of the OCI image specification (v1.1.1), with nothing overlooked.

    Stricter than what the library reads: for those who write stores and layouts and want to be sure of them.
    Digests of algorithms that the library cannot verify pass.

    @return Nothing, or `invalid_json`, `invalid_document` or `limit_exceeded`.
*/
inline result<void> check_schema(document_kind kind, std::string_view text, std::string subject);

namespace detail {

// Each value but the first follows one of these; a count is enough to refuse what would fill the memory.
inline bool has_too_many_values(std::string_view text, std::size_t limit) noexcept
{
    if(text.size() <= limit)
        return false;
    auto const separators =
        std::ranges::count_if(text, [](char c) { return c == ',' || c == ':' || c == '[' || c == '{'; });
    return static_cast<std::size_t>(separators) > limit;
}

inline result<json::value> parse_json(std::string_view text, std::string const& subject, document_limits const& limits)
{
    if(text.size() > limits.size)
        return failure{error::limit_exceeded, subject, "more than " + std::to_string(limits.size) + " bytes"};
    if(detail::has_too_many_values(text, limits.values))
        return failure{error::limit_exceeded, subject, "more than " + std::to_string(limits.values) + " values"};
    json::parse_options options;
    options.max_depth = limits.depth;
    error_code ec;
    auto v = json::parse(text, ec, {}, options);
    if(ec == json::error::too_deep)
        return failure{error::limit_exceeded, subject, "nested more than " + std::to_string(limits.depth) + " deep"};
    if(ec)
        return failure{error::invalid_json, subject, ec.message()};
    return v;
}

// Turns values that the schema has passed into ours. Only digests can still be refused, and lengths.
class document_reader {
public:
    document_reader(std::string const& subject, document_limits const& limits) : subject_(subject), limits_(limits) {}

    result<void> read_descriptor(json::value const& v, json_place const& p, descriptor& d) const
    {
        auto id = tarexport::parse_digest(detail::json_text(v.get_object().at("digest")));
        if(!id)
            return failure{id.error().code, subject_, json_place{&p, "digest"}.str() + ": " + id.error().subject};
        d.id = *id;
        d.size = static_cast<std::uint64_t>(v.get_object().at("size").get_int64());
        d.media_type = text(v, "mediaType");
        d.artifact_type = text(v, "artifactType");
        d.urls = texts(v, "urls");
        d.annotations = annotations(v);
        if(auto const* const m = member(v, "platform"))
            d.target = platform{text(*m, "os"), text(*m, "architecture"), text(*m, "variant"), text(*m, "os.version"),
                texts(*m, "os.features")};
        return {};
    }

    // Takes them out, so that an index of 60 MB is not in memory twice.
    result<void> take_descriptors(json::value& v, std::string_view key, std::vector<descriptor>& out) const
    {
        if(!member(v, key))
            return {};
        auto& a = v.get_object().at(key).get_array();
        if(a.size() > limits_.entries)
            return failure{error::limit_exceeded, subject_,
                std::string(key) + ": more than " + std::to_string(limits_.entries) + " entries"};
        json_place const here{nullptr, key};
        out.resize(a.size());
        for(std::size_t i = 0; i != a.size(); ++i) {
            if(auto r = read_descriptor(a[i], {&here, {}, i}, out[i]); !r)
                return r;
            a[i] = nullptr;
        }
        return {};
    }

    result<void> read_subject(json::value const& v, std::optional<descriptor>& out) const
    {
        auto const* const m = member(v, "subject");
        return m ? read_descriptor(*m, {nullptr, "subject"}, out.emplace()) : result<void>();
    }

    std::string text(json::value const& v, std::string_view key) const
    {
        auto const* const m = member(v, key);
        return m ? std::string(detail::json_text(*m)) : std::string();
    }

    std::vector<std::pair<std::string, std::string>> annotations(json::value const& v) const
    {
        std::vector<std::pair<std::string, std::string>> out;
        if(auto const* const m = member(v, "annotations")) {
            out.reserve(m->get_object().size());
            for(auto const& kv : m->get_object())
                out.emplace_back(std::string(kv.key().data(), kv.key().size()), detail::json_text(kv.value()));
        }
        return out;
    }

private:
    static json::value const* member(json::value const& v, std::string_view key)
    {
        auto const* const m = v.get_object().if_contains(key);
        return m && m->is_null() ? nullptr : m;
    }

    static std::vector<std::string> texts(json::value const& v, std::string_view key)
    {
        std::vector<std::string> out;
        if(auto const* const m = member(v, key))
            for(auto const& e : m->get_array())
                out.emplace_back(detail::json_text(e));
        return out;
    }

    std::string const& subject_;
    document_limits const& limits_;
};

// One text must not be a manifest to one reader and an index to another (CVE-2021-41190).
inline char const* ambiguity(json::object const& o, std::string_view type, bool is_index) noexcept
{
    auto const has = [&](std::string_view key) {
        auto const* const m = o.if_contains(key);
        return m && !m->is_null();
    };
    if(is_index)
        return has("config") || has("layers")      ? "an index that has the members of a manifest"
               : tarexport::media_type::is_manifest(type) ? "an index with the media type of a manifest"
                                                   : nullptr;
    return has("manifests")                         ? "a manifest that has the members of an index"
           : tarexport::media_type::is_index(type) ? "a manifest with the media type of an index"
                                                    : nullptr;
}

} // namespace detail

inline result<manifest> parse_manifest(std::string_view text, std::string subject, document_limits const& limits)
{
    auto v = detail::parse_json(text, subject, limits);
    if(!v)
        return v.error();
    detail::oci_schema schema(detail::schema_mode::lenient);
    if(!schema.manifest(*v))
        return failure{error::invalid_document, std::move(subject), schema.what()};
    detail::document_reader const reader(subject, limits);
    manifest m;
    m.media_type = reader.text(*v, "mediaType");
    if(auto const* const why = detail::ambiguity(v->get_object(), m.media_type, false))
        return failure{error::invalid_document, std::move(subject), why};
    m.artifact_type = reader.text(*v, "artifactType");
    m.annotations = reader.annotations(*v);
    if(auto r = reader.read_descriptor(v->get_object().at("config"), {nullptr, "config"}, m.config); !r)
        return std::move(r).error();
    if(auto r = reader.take_descriptors(*v, "layers", m.layers); !r)
        return std::move(r).error();
    if(auto r = reader.read_subject(*v, m.subject); !r)
        return std::move(r).error();
    return m;
}

inline result<index> parse_index(std::string_view text, std::string subject, document_limits const& limits)
{
    auto v = detail::parse_json(text, subject, limits);
    if(!v)
        return v.error();
    detail::oci_schema schema(detail::schema_mode::lenient);
    if(!schema.index(*v))
        return failure{error::invalid_document, std::move(subject), schema.what()};
    detail::document_reader const reader(subject, limits);
    index i;
    i.media_type = reader.text(*v, "mediaType");
    if(auto const* const why = detail::ambiguity(v->get_object(), i.media_type, true))
        return failure{error::invalid_document, std::move(subject), why};
    i.artifact_type = reader.text(*v, "artifactType");
    i.annotations = reader.annotations(*v);
    if(auto r = reader.take_descriptors(*v, "manifests", i.manifests); !r)
        return std::move(r).error();
    if(auto r = reader.read_subject(*v, i.subject); !r)
        return std::move(r).error();
    return i;
}

inline result<descriptor> parse_descriptor(std::string_view text, std::string subject, document_limits const& limits)
{
    auto const v = detail::parse_json(text, subject, limits);
    if(!v)
        return v.error();
    detail::oci_schema schema(detail::schema_mode::strict);
    if(!schema.descriptor(*v, {}))
        return failure{error::invalid_document, std::move(subject), schema.what()};
    descriptor d;
    if(auto r = detail::document_reader(subject, limits).read_descriptor(*v, {}, d); !r)
        return std::move(r).error();
    return d;
}

inline result<void> check_layout(std::string_view text, std::string subject, document_limits const& limits)
{
    auto const v = detail::parse_json(text, subject, limits);
    if(!v)
        return v.error();
    detail::oci_schema schema(detail::schema_mode::strict);
    if(!schema.layout(*v))
        return failure{error::invalid_document, std::move(subject), schema.what()};
    return {};
}

inline result<void> check_schema(document_kind kind, std::string_view text, std::string subject)
{
    auto limits = kind == document_kind::index ? index_limits : manifest_limits;
    if(kind == document_kind::config)
        limits.size = std::size_t{8} << 20;
    auto const v = detail::parse_json(text, subject, limits);
    if(!v)
        return v.error();
    detail::oci_schema schema(detail::schema_mode::strict);
    auto const good = [&] {
        switch(kind) {
        case document_kind::config: return schema.config(*v);
        case document_kind::descriptor: return schema.descriptor(*v, {});
        case document_kind::manifest: return schema.manifest(*v);
        case document_kind::index: return schema.index(*v);
        case document_kind::layout: return schema.layout(*v);
        }
        return false;
    }();
    if(!good)
        return failure{error::invalid_document, std::move(subject), schema.what()};
    return {};
}

} // namespace tarexport

#endif
