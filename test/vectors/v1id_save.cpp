//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// The archives that docker save makes of one image: texts, entries, times and digests, from v1id.json.

#include "vector_store.hpp"

#include <tarexport/names.hpp>
#include <tarexport/observer.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/saver.hpp>
#include <tarexport/sink/memory.hpp>

#include <sstream>

namespace {

using namespace tarexport;
namespace json = boost::json;

std::string octal(std::uint32_t mode)
{
    std::ostringstream s;
    s << std::oct << mode;
    return s.str();
}

error wanted_error(std::string_view kind)
{
    if(kind == "no_layers")
        return error::empty_image;
    if(kind == "layer_unknown")
        return error::missing_layer;
    if(kind == "time_marshal")
        return error::time_out_of_range;
    throw vectors::mismatch("unknown kind of error " + std::string(kind));
}

std::string text_of(plan const& p, std::string_view path)
{
    for(std::size_t i = 0; i != p.count(); ++i)
        if(p.path(i) == path)
            return p.document_text(i);
    return "(no such entry)";
}

// The entries as the engine has them; a time of null is the clock's there, and the epoch here.
void compare_entries(plan const& p, json::array const& want)
{
    vectors::equal(p.count(), want.size(), "entries");
    for(std::size_t i = 0; i != want.size(); ++i) {
        auto const& w = want[i].as_object();
        auto const e = p.entry(i);
        auto const path = p.path(i);
        vectors::equal(path, std::string(w.at("name").as_string()), "path");
        vectors::equal(std::string(e.kind == entry_kind::directory ? "5" : "0"), std::string(w.at("type").as_string()), path + " type");
        vectors::equal(octal(e.mode), std::string(w.at("mode").as_string()), path + " mode");
        vectors::equal(e.size, w.at("size").to_number<std::uint64_t>(), path + " size");
        vectors::equal(e.mtime, w.at("mtime").is_null() ? 0 : w.at("mtime").to_number<std::int64_t>(), path + " mtime");
        for(auto const* key : {"uid", "gid"})
            vectors::equal(w.at(key).to_number<int>(), 0, path + " " + key);
        if(auto const* id = w.if_contains("sha256"); id && id->is_string())
            vectors::equal(p.id(i).hex(), std::string(id->as_string()), path + " sha256");
    }
}

void compare_texts(plan const& p, json::object const& want)
{
    for(auto const& [path, key] : {std::pair{"manifest.json", "manifest_json"}, {"index.json", "index_json"},
            {"oci-layout", "oci_layout"}})
        vectors::equal(text_of(p, path), std::string(want.at(key).as_string()), path);
    if(want.at("repositories").is_null())
        vectors::equal(text_of(p, "repositories"), std::string("(no such entry)"), "repositories");
    else
        vectors::equal(text_of(p, "repositories"), std::string(want.at("repositories").as_string()), "repositories");
    auto const manifest = std::string(want.at("oci_manifest").as_string());
    vectors::equal(text_of(p, plan::blob_path(digest_of(manifest))), manifest, "OCI manifest");
}

void check_save(json::object const& test, json::object const& file)
{
    auto const& expect = test.at("expect").as_object();
    vectors::vector_store store(file);
    auto const id = store.add(vectors::text(test, "config"));
    auto const* want = expect.if_contains("save");
    if(!id) {
        // The engine's store refuses it too, or would have to be asked for layers first.
        vectors::check(!expect.at("create").as_object().at("ok").as_bool(), "refused: " + message(id.error()));
        return;
    }
    names requested;
    for(auto const& ref : test.at("refs").as_array()) {
        store.name(ref.as_string(), *id);
        requested.add(ref.as_string());
    }
    if(requested.empty())
        requested.add(id->str());
    saver saver{store};
    auto archive = saver.prepare(requested);
    if(want == nullptr || !want->as_object().at("ok").as_bool()) {
        vectors::check(!archive, "saved what the engine does not");
        if(auto const* e = want ? want->as_object().if_contains("error") : nullptr)
            vectors::equal(archive.error().code, make_error_code(wanted_error(e->as_object().at("kind").as_string())), "error");
        return;
    }
    if(!archive)
        throw vectors::mismatch("not saved: " + message(archive.error()));
    compare_texts(archive->contents, want->as_object());
    compare_entries(archive->contents, want->as_object().at("entries").as_array());
    memory_sink out;
    auto const report = saver.write(*archive, out);
    vectors::check(report.ok(), "not written: " + message(report.reason));
    vectors::equal(report.bytes, archive->contents.size(), "bytes");
}

// The IDs themselves are compared in v1id_ids; here the whole archive of that zone must be plannable.
void check_in_zone(json::object const& test, json::object const& file)
{
    vectors::vector_store store(file);
    auto const id = store.add(vectors::text(test, "config")).value();
    struct policy {
        docker_layout layout;
        using hashes = hash_set<sha256>;
        no_observer observer;
    };
    saver<vectors::vector_store, policy> saver(store, {{static_cast<std::int32_t>(test.at("zone_offset_seconds").as_int64())}, {}});
    auto const p = saver.make_plan(names(id.str())).value();
    for(auto const& l : test.at("expect").as_object().at("v1").as_object().at("layers").as_array()) {
        auto const& layer = l.as_object();
        auto const legacy = parse_digest(layer.at("legacy_digest").as_string()).value();
        vectors::equal(text_of(p, plan::blob_path(legacy)), vectors::text(layer, "legacy_json"), "legacy blob");
    }
}

} // namespace

int main()
{
    return vectors::run("v1id.json", {{"save", check_save}, {"v1_in_zone", check_in_zone}});
}
