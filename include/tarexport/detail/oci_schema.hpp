//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_OCI_SCHEMA_HPP
#define TAREXPORT_DETAIL_OCI_SCHEMA_HPP

#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/timestamp.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

// The rules of the JSON schemas of the OCI image-spec (v1.1.1, folder schema), and what its own validator adds to them.

namespace tarexport::detail {

namespace json = boost::json;

inline std::string_view json_text(json::value const& v) noexcept
{
    return {v.get_string().data(), v.get_string().size()};
}

// type "/" subtype, each of 1 to 127 characters (RFC 6838, section 4.2).
inline bool is_media_type(std::string_view text) noexcept
{
    auto const is_part = [](std::string_view s) {
        auto const is_alnum = [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        };
        return !s.empty() && s.size() <= 127 && is_alnum(s[0]) && std::ranges::all_of(s, [&](char c) {
            return is_alnum(c) || std::string_view("!#$&^_.+-").find(c) != std::string_view::npos;
        });
    };
    auto const slash = text.find('/');
    return slash != std::string_view::npos && is_part(text.substr(0, slash)) && is_part(text.substr(slash + 1));
}

// A URI with a scheme (RFC 3986); bytes of other alphabets pass, as in an IRI.
inline bool is_uri(std::string_view text) noexcept
{
    auto const is_alpha = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    auto const is_digit = [](char c) { return c >= '0' && c <= '9'; };
    auto const is_hex = [&](char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); };
    auto const colon = text.find(':');
    if(colon == std::string_view::npos || colon == 0 || !is_alpha(text[0]))
        return false;
    auto const in_scheme = [&](char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; };
    if(!std::ranges::all_of(text.substr(0, colon), in_scheme))
        return false;
    auto const rest = text.substr(colon + 1);
    for(std::size_t i = 0; i != rest.size(); ++i) {
        char const c = rest[i];
        if(c == '%' && (rest.size() - i < 3 || !is_hex(rest[i + 1]) || !is_hex(rest[i + 2])))
            return false;
        bool const bare = static_cast<unsigned char>(c) <= 0x20 || c == 0x7f;
        if(bare || std::string_view("\"<>\\^`{|}").find(c) != std::string_view::npos)
            return false;
    }
    return std::ranges::count(rest, '#') <= 1;
}

// The standard alphabet with padding; line ends anywhere, as Go decodes it.
inline bool is_base64(std::string_view text) noexcept
{
    std::size_t size = 0, padding = 0;
    for(char c : text) {
        if(c == '\r' || c == '\n')
            continue;
        bool const digit = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
        if(c == '=')
            ++padding;
        else if(!digit || padding != 0)
            return false;
        ++size;
    }
    return size % 4 == 0 && padding <= 2;
}

// An environment variable as the specification's validator wants it: ^[^=]+=.*$, where . is no line end.
inline bool is_env(std::string_view text) noexcept
{
    auto const equals = text.find('=');
    return equals != std::string_view::npos && equals != 0 && text.find('\n', equals) == std::string_view::npos;
}

// Where in a document a value stands; lives on the stack and is spelled out only for an error.
struct json_place {
    json_place const* up = nullptr;
    std::string_view key = {};
    std::optional<std::size_t> at = {};

    std::string str() const
    {
        std::string s = up ? up->str() : std::string();
        if(at)
            return s + "[" + std::to_string(*at) + "]";
        if(!s.empty() && !key.empty())
            s.push_back('.');
        return s.append(key);
    }
};

enum class schema_mode {
    strict, ///< Exactly the schema.
    lenient ///< What engines read, too: null for an absent member, no layers, entries without media type, version 0.
};

// Checks documents; the first thing wrong is kept.
class oci_schema {
public:
    explicit oci_schema(schema_mode mode) noexcept : lenient_(mode == schema_mode::lenient) {}

    /// Return what is wrong, as a detail for a failure.
    std::string const& what() const noexcept { return what_; }

    bool descriptor(json::value const& v, json_place const& p)
    {
        return object(v, p) && media_type(v, p, "mediaType", true) && blob(v, p) &&
               media_type(v, p, "artifactType", false);
    }

    bool manifest(json::value const& v)
    {
        json_place const top;
        if(!object(v, top) || !version(v) || !common(v, top) || !required(v, top, "config"))
            return false;
        json_place const config{&top, "config"};
        return descriptor(v.get_object().at("config"), config) && layers(v, top);
    }

    bool index(json::value const& v)
    {
        json_place const top;
        return object(v, top) && version(v) && common(v, top) && entries(v, top);
    }

    bool layout(json::value const& v)
    {
        json_place const top;
        if(!object(v, top) || !text(v, top, "imageLayoutVersion", true))
            return false;
        auto const found = detail::json_text(v.get_object().at("imageLayoutVersion"));
        return found == "1.0.0" || fail({&top, "imageLayoutVersion"}, "must be 1.0.0, is " + std::string(found.substr(0, 40)));
    }

    bool config(json::value const& v)
    {
        json_place const top;
        if(!object(v, top) || !time(v, top, "created") || !text(v, top, "author", false) ||
            !text(v, top, "architecture", true) || !text(v, top, "variant", false) || !text(v, top, "os", true) ||
            !text(v, top, "os.version", false) || !texts(v, top, "os.features"))
            return false;
        return run_config(v, top) && rootfs(v, top) && history(v, top);
    }

private:
    bool fail(json_place const& p, std::string_view what)
    {
        what_ = p.str();
        if(!what_.empty())
            what_ += ": ";
        what_ += what;
        return false;
    }

    // The member, if there is one; in documents that engines wrote, null stands for none.
    json::value const* member(json::value const& v, std::string_view key) const
    {
        auto const* const m = v.get_object().if_contains(key);
        return m && lenient_ && m->is_null() ? nullptr : m;
    }

    bool object(json::value const& v, json_place const& p) { return v.is_object() || fail(p, "must be an object"); }

    bool required(json::value const& v, json_place const& p, std::string_view key)
    {
        return member(v, key) || fail({&p, key}, "is missing");
    }

    bool text(json::value const& v, json_place const& p, std::string_view key, bool needed)
    {
        auto const* const m = member(v, key);
        if(!m)
            return !needed || fail({&p, key}, "is missing");
        return m->is_string() || fail({&p, key}, "must be a string");
    }

    bool boolean(json::value const& v, json_place const& p, std::string_view key)
    {
        auto const* const m = member(v, key);
        return !m || m->is_bool() || fail({&p, key}, "must be true or false");
    }

    bool time(json::value const& v, json_place const& p, std::string_view key)
    {
        auto const* const m = member(v, key);
        if(!m)
            return true;
        bool const good = m->is_string() && tarexport::parse_timestamp(detail::json_text(*m));
        return good || fail({&p, key}, "must be a date and time as RFC 3339 has them");
    }

    // A list whose elements `check(value, place)` passes.
    template<class Check>
    bool list(json::value const& v, json_place const& p, std::string_view key, Check check)
    {
        auto const* const m = member(v, key);
        if(!m)
            return true;
        json_place const here{&p, key};
        if(!m->is_array())
            return fail(here, "must be an array");
        auto const& a = m->get_array();
        for(std::size_t i = 0; i != a.size(); ++i)
            if(!check(a[i], json_place{&here, {}, i}))
                return false;
        return true;
    }

    // An object whose values `check(value, place)` passes, whatever their keys.
    template<class Check>
    bool map(json::value const& v, json_place const& p, std::string_view key, Check check)
    {
        auto const* const m = member(v, key);
        if(!m)
            return true;
        json_place const here{&p, key};
        if(!object(*m, here))
            return false;
        for(auto const& kv : m->get_object())
            if(!check(kv.value(), json_place{&here, std::string_view(kv.key_c_str(), kv.key().size())}))
                return false;
        return true;
    }

    auto is_text()
    {
        return [this](json::value const& e, json_place const& p) { return e.is_string() || fail(p, "must be a string"); };
    }

    bool texts(json::value const& v, json_place const& p, std::string_view key) { return list(v, p, key, is_text()); }

    bool null(json::value const& v, std::string_view key) const
    {
        auto const* const m = v.get_object().if_contains(key);
        return m && m->is_null();
    }

    bool media_type(json::value const& v, json_place const& p, std::string_view key, bool needed)
    {
        if(!text(v, p, key, needed))
            return false;
        auto const* const m = member(v, key);
        return !m || detail::is_media_type(detail::json_text(*m)) || fail({&p, key}, "is not a media type");
    }

    bool size(json::value const& v, json_place const& p)
    {
        if(!required(v, p, "size"))
            return false;
        auto const& m = v.get_object().at("size");
        json_place const here{&p, "size"};
        if(!m.is_int64())
            return fail(here, m.is_uint64() ? "is more than 2^63-1" : "must be an integer");
        return m.get_int64() >= 0 || fail(here, "is negative");
    }

    bool digest(json::value const& v, json_place const& p)
    {
        if(!text(v, p, "digest", true))
            return false;
        switch(tarexport::check_digest(detail::json_text(v.get_object().at("digest")))) {
        case digest_fault::none:
        case digest_fault::unsupported: return true;
        case digest_fault::invalid_format: return fail({&p, "digest"}, "is not a digest");
        case digest_fault::invalid_length: return fail({&p, "digest"}, "has the wrong length");
        }
        return false;
    }

    bool data(json::value const& v, json_place const& p)
    {
        if(!text(v, p, "data", false))
            return false;
        auto const* const m = member(v, "data");
        return !m || detail::is_base64(detail::json_text(*m)) || fail({&p, "data"}, "is not base64");
    }

    // What every descriptor has beside its media type.
    bool blob(json::value const& v, json_place const& p)
    {
        auto const check_url = [this](json::value const& e, json_place const& at) {
            return (e.is_string() && detail::is_uri(detail::json_text(e))) || fail(at, "is not a URI");
        };
        return size(v, p) && digest(v, p) && list(v, p, "urls", check_url) && data(v, p) &&
               map(v, p, "annotations", is_text()) && platform(v, p);
    }

    bool platform(json::value const& v, json_place const& p)
    {
        auto const* const m = member(v, "platform");
        json_place const here{&p, "platform"};
        if(!m)
            return true;
        return object(*m, here) && text(*m, here, "architecture", true) && text(*m, here, "os", true) &&
               text(*m, here, "os.version", false) && text(*m, here, "variant", false) && texts(*m, here, "os.features");
    }

    bool version(json::value const& v)
    {
        json_place const top;
        if(!required(v, top, "schemaVersion"))
            return false;
        auto const& m = v.get_object().at("schemaVersion");
        // Writers in Go that forget it write 0, and no engine looks.
        bool const forgotten = lenient_ && m.is_int64() && m.get_int64() == 0;
        return forgotten || (m.is_int64() && m.get_int64() == 2) || fail({&top, "schemaVersion"}, "must be 2");
    }

    // What manifests and indexes have in common.
    bool common(json::value const& v, json_place const& top)
    {
        json_place const subject{&top, "subject"};
        auto const* const m = member(v, "subject");
        return media_type(v, top, "mediaType", false) && media_type(v, top, "artifactType", false) &&
               (!m || descriptor(*m, subject)) && map(v, top, "annotations", is_text());
    }

    bool layers(json::value const& v, json_place const& top)
    {
        // Go writes null for an empty list; artifacts often have no layer.
        if(lenient_ && null(v, "layers"))
            return true;
        if(!required(v, top, "layers"))
            return false;
        auto const& m = v.get_object().at("layers");
        if(!lenient_ && m.is_array() && m.get_array().empty())
            return fail({&top, "layers"}, "is empty");
        return list(v, top, "layers", [this](json::value const& e, json_place const& p) { return descriptor(e, p); });
    }

    bool entries(json::value const& v, json_place const& top)
    {
        // Moby 25 wrote null for an empty list.
        if(lenient_ && null(v, "manifests"))
            return true;
        return required(v, top, "manifests") &&
               list(v, top, "manifests", [this](json::value const& e, json_place const& p) {
                   return object(e, p) && media_type(e, p, "mediaType", !lenient_) && blob(e, p) &&
                          text(e, p, "artifactType", false);
               });
    }

    bool run_config(json::value const& v, json_place const& top)
    {
        auto const* const m = member(v, "config");
        if(!m)
            return true;
        json_place const here{&top, "config"};
        auto const is_object = [this](json::value const& e, json_place const& p) { return object(e, p); };
        auto const check_env = [this](json::value const& e, json_place const& p) {
            return (e.is_string() && detail::is_env(detail::json_text(e))) || fail(p, "must be NAME=VALUE");
        };
        return object(*m, here) && text(*m, here, "User", false) && map(*m, here, "ExposedPorts", is_object) &&
               list(*m, here, "Env", check_env) && (null(*m, "Entrypoint") || texts(*m, here, "Entrypoint")) &&
               (null(*m, "Cmd") || texts(*m, here, "Cmd")) &&
               (null(*m, "Volumes") || map(*m, here, "Volumes", is_object)) && text(*m, here, "WorkingDir", false) &&
               (null(*m, "Labels") || map(*m, here, "Labels", is_text())) && text(*m, here, "StopSignal", false) &&
               boolean(*m, here, "ArgsEscaped");
    }

    bool rootfs(json::value const& v, json_place const& top)
    {
        json_place const here{&top, "rootfs"};
        if(!required(v, top, "rootfs"))
            return false;
        auto const& m = v.get_object().at("rootfs");
        if(!object(m, here) || !required(m, here, "diff_ids") || !texts(m, here, "diff_ids") || !text(m, here, "type", true))
            return false;
        return detail::json_text(m.get_object().at("type")) == "layers" || fail({&here, "type"}, "must be layers");
    }

    bool history(json::value const& v, json_place const& top)
    {
        return list(v, top, "history", [this](json::value const& e, json_place const& p) {
            return object(e, p) && time(e, p, "created") && text(e, p, "author", false) &&
                   text(e, p, "created_by", false) && text(e, p, "comment", false) && boolean(e, p, "empty_layer");
        });
    }

    std::string what_;
    bool lenient_;
};

} // namespace tarexport::detail

#endif
