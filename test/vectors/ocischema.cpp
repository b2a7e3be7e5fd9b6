//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// What the JSON schemas of the OCI image specification accept.

#include <tarexport/hash.hpp>
#include <tarexport/oci_documents.hpp>

#include "vectors.hpp"

#include <boost/algorithm/string/replace.hpp>

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace {

namespace tx = tarexport;
using tx::document_kind;

// The media types of Docker's documents and those of OCI that stand for them.
std::string to_oci(std::string text)
{
    constexpr std::array<std::pair<std::string_view, std::string_view>, 5> types{{
        {"application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.oci.image.index.v1+json"},
        {"application/vnd.docker.distribution.manifest.v2+json", "application/vnd.oci.image.manifest.v1+json"},
        {"application/vnd.docker.image.rootfs.diff.tar.gzip", "application/vnd.oci.image.layer.v1.tar+gzip"},
        {"application/vnd.docker.image.rootfs.diff.tar", "application/vnd.oci.image.layer.v1.tar"},
        {"application/vnd.docker.container.image.v1+json", "application/vnd.oci.image.config.v1+json"},
    }};
    for(auto const& [docker, oci] : types)
        boost::replace_all(text, docker, oci);
    return text;
}

template<class T>
std::string code_of(tx::result<T> const& r)
{
    return r ? "accepted" : message(r.error());
}

// Our own readers must take all that is valid, but for digests that they cannot verify.
template<class T>
void must_read(tx::result<T> const& r)
{
    vectors::check(r.has_value() || r.error().code == tx::error::unsupported_digest, "reader: " + code_of(r));
}

void read_valid(document_kind kind, std::string const& text)
{
    switch(kind) {
    case document_kind::config: return;
    case document_kind::descriptor: return must_read(tx::parse_descriptor(text, "test"));
    case document_kind::manifest: return must_read(tx::parse_manifest(text, "test"));
    case document_kind::index: return must_read(tx::parse_index(text, "test"));
    case document_kind::layout: return must_read(tx::check_layout(text, "test"));
    }
}

vectors::op_function check(document_kind kind)
{
    return [kind](boost::json::object const& test, boost::json::object const&) {
        auto const text = vectors::text(test, "input");
        auto const& expect = test.at("expect").as_object();
        bool const docker = test.at("docker_media_types").as_bool();
        auto const checked = tx::check_schema(kind, docker ? to_oci(text) : text, "test");
        bool const valid = expect.at("valid").as_bool();
        vectors::check(checked.has_value() == valid, code_of(checked));
        if(valid) {
            read_valid(kind, text);
            read_valid(kind, to_oci(text));
        }
        else {
            auto const code = checked.error().code;
            vectors::check(code == tx::error::invalid_document || code == tx::error::invalid_json, code_of(checked));
            vectors::check(checked.error().subject == "test" && !checked.error().detail.empty(), "what is wrong is not told");
        }
        if(vectors::has_text(expect, "docker_digest_of_input"))
            vectors::equal(tx::digest_of(text).str(), vectors::text(expect, "docker_digest_of_input"), "digest");
    };
}

} // namespace

int main()
{
    return vectors::run("ocischema.json", {
                                              {"config", check(document_kind::config)},
                                              {"descriptor", check(document_kind::descriptor)},
                                              {"manifest", check(document_kind::manifest)},
                                              {"index", check(document_kind::index)},
                                              {"layout", check(document_kind::layout)},
                                          });
}
