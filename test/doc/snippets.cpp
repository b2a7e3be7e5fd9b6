//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// The code of the pages in doc/ that is no exemplar of a concept. Each part runs.

#include <tarexport.hpp>
#include <tarexport/layout/hybrid.hpp>
#include <tarexport/sink/counting.hpp>
#include <tarexport/sink/tee.hpp>
#include <tarexport/store/archive.hpp>
#include <tarexport/store/containers.hpp>
#include <tarexport/store/docker.hpp>
#include <tarexport/store/expanded.hpp>
#include <tarexport/tar_builder.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace {

using namespace tarexport;

char const images_folder[] = TAREXPORT_SOURCE_DIR "/example/images";

int failures = 0;

void expect(bool holds, char const* what)
{
    if(!holds) {
        std::cerr << "does not hold: " << what << '\n';
        ++failures;
    }
}

//[driver
/// Writes a whole plan to a text: all that a driver has to do, without a sink, an observer and cancellation.
template<layer_handle Handle>
save_report write_to_text(plan const& p, std::span<Handle const> leases, std::string& out)
{
    serializer s(p);
    std::optional<source_of<Handle>> source;
    hash_set<sha256, sha384, sha512>::hasher hasher;
    std::vector<std::byte> buffer(65536);

    action next = s.start();
    while(!std::holds_alternative<done>(next)) {
        error_code ec;
        if(auto const* a = std::get_if<open_layer>(&next)) {
            auto const& layer = p.layers()[a->layer];
            if(a->hash)
                hasher.start(layer.id.algorithm());
            auto opened = leases[layer.lease].open(a->offset);
            if(opened)
                source.emplace(std::move(*opened));
            next = opened ? s.opened() : s.failed(opened.error());
        }
        else if(auto const* r = std::get_if<read_layer>(&next)) {
            auto const n = source->read_some(std::span(buffer).first(std::min(r->max, buffer.size())), ec);
            bytes_view const bytes(buffer.data(), n);
            hasher.update(bytes);
            next = ec ? s.failed({ec, "a layer", {}}) : s.data(bytes);
        }
        else if(auto const* w = std::get_if<write_pieces>(&next)) {
            std::size_t n = 0;
            for(auto const& piece : w->pieces) {
                out.append(to_text(piece));
                n += piece.size();
            }
            next = s.written(n);
        }
        else if(auto const* c = std::get_if<close_layer>(&next)) {
            std::byte more[1];
            if(c->at_end && source->read_some(more, ec) != 0)
                next = s.failed({error::layer_too_long, "a layer", {}});
            else
                next = ec ? s.failed({ec, "a layer", {}}) : s.closed(hasher.result());
        }
        else
            next = s.not_copied(); // copies are asked only of drivers that gave an extent to opened()
    }
    return s.report();
}
//]

void pipeline(oci_layout_store const& store)
{
    memory_sink sink;
    //[pipeline
    saver s(store);

    // names -> references -> images -> plan. Nothing has been written, no layer has been read.
    auto archive = s.prepare(names::of("hello:1.0", "greeting:1.0")).value();
    plan const& p = archive.contents;
    std::cout << p.count() << " entries, " << p.size() << " bytes\n";

    // plan -> actions -> bytes -> sink. The leases are given back when `archive` dies.
    save_report const report = s.write(archive, sink);
    //]
    expect(report.ok() && sink.bytes().size() == p.size(), "the pipeline");

    std::string text;
    auto const driven = write_to_text(p, std::span<oci_blob const>(archive.leases), text);
    expect(driven.ok() && driven.layers_verified == 3 && text == sink.bytes(), "a driver by hand");

    //[range
    write_options second_half;
    second_half.range.first = p.size() / 2;
    memory_sink rest;
    s.write(archive, rest, second_half);
    //]
    expect(std::string_view(text).substr(p.size() / 2) == rest.bytes(), "a range");

    //[tee
    counting_sink bytes_out;
    file_sink file("greeting.tar");
    tee_sink both(bytes_out, file); // every layer is read once; the file appears when both have everything
    s.save(names("greeting:1.0"), both);
    //]
    expect(bytes_out.bytes() != 0, "two sinks");
}

void read_an_archive(oci_layout_store const& store)
{
    std::string const archive_path = "greeting.tar"; // which `pipeline` wrote
    memory_sink out;
    //[archive_store
    archive_store const received(archive_path);
    for(auto const& remark : received.remarks())
        std::cerr << archive_path << ": " << remark << '\n';
    tarexport::save(received, names("greeting:1.0"), out); // one of the images, as docker save would write it
    //]
    memory_sink direct;
    tarexport::save(store, names("greeting:1.0"), direct);
    expect(received.remarks().empty() && out.bytes() == direct.bytes(), "an archive as a store");
}

void put_together()
{
    std::ofstream("site.tar", std::ios::binary) << tar_builder().add_file("/srv/index.html", "<p>hello\n").finish().value();
    std::string const program = "#!/bin/sh\n";
    //[memory_store
    memory_store store;
    auto const base = store.add_layer(tar_builder().add_executable("/bin/app", program).finish().value());
    auto const site = store.add_layer_file({.path = "site.tar"}).value(); // a tar archive; read for its digest, and again when it is saved

    image_config config;
    config.target = {"linux", "amd64", {}, {}, {}}; // where it is left out: what the program itself runs on
    config.entrypoint = {"/bin/app"};
    config.exposed_ports = {"80/tcp"};
    auto const id = store.add_image(config, {base, site}, {"app:1.0"}).value();
    store.add_name("app:latest", id).value();

    file_sink out("made.tar");
    tarexport::save(store, names("app"), out); // docker load < made.tar
    //]
    expect(saver(store).make_plan(names("app")).value().images()[0].tags.size() == 2, "an image that was put together");
    archive_store const made("made.tar");
    expect(made.lookup(parse_reference("app:latest").value()).value() == id, "its archive");
    std::remove("made.tar");
    std::remove("site.tar");
}

void what_names_do(oci_layout_store const& store)
{
    saver s(store);
    //[names
    auto const one = names("hello:1.0");                             // a tag
    auto const all_tags = names("hello");                            // every tag and digest of the repository
    auto const by_id = names("05832daee6b3");                        // the first digits of an image ID; the image gets no name
    auto const renamed = names::of("hello:1.0=team/hello:stable");   // and with another name
    auto const several = names(std::vector<std::string>{"greeting:1.0", "hello"});
    //]
    expect(s.make_plan(one).value().images()[0].tags == std::vector<std::string>{"hello:1.0"}, "a tag");
    expect(s.make_plan(all_tags).value().images()[0].tags.size() == 2, "a repository");
    expect(s.make_plan(by_id).value().images()[0].tags.empty(), "an ID");
    expect(s.make_plan(renamed).value().images()[0].tags[0] == "team/hello:stable", "a new name");
    expect(s.make_plan(several).value().images().size() == 2, "a range of names");
}

//[hybrid
struct hybrid_policy {
    hybrid_layout layout;
    using hashes = default_policy::hashes;
    no_observer observer;
};

/// Saves all platforms of an image that the store has, and says of the others that they are left out.
save_report save_what_is_there(oci_layout_store const& store, names const& what, file_sink& out)
{
    save_options how;
    how.platforms = platform_choice::all();
    how.complete = completeness::prune;
    return saver(store, hybrid_policy{}).save(what, out, how);
}
//]

void expand(oci_layout_store const& images)
{
    memory_sink out, direct;
    //[expanded
    tarexport::save(tarexport::expanded(images), tarexport::names("greeting:1.0"), out);
    //]
    tarexport::save(images, names("greeting:1.0"), direct);
    expect(out.bytes() == direct.bytes(), "raw layers pass as they are");
}

void platforms(oci_layout_store const& store)
{
    memory_sink out;
    //[platform
    save_options how;
    how.platforms = platform_choice::of({parse_platform("linux/arm64").value()});
    tarexport::save(store, names("multi:1.0"), out, how);
    //]
    expect(!out.bytes().empty(), "a platform");

    file_sink all("multi.tar");
    expect(save_what_is_there(store, names("multi:1.0"), all).ok(), "all platforms");

    //[repository
    oci_layout_options named;
    named.repository = "registry.example/app"; // the tag 1.0 of the layout is registry.example/app:1.0
    auto const opened = oci_layout_store::open(images_folder, named);
    //]
    expect(opened.has_value(), "a layout with bare tags");
}

void failures_as_values(oci_layout_store const& store)
{
    //[result
    saver s(store);
    result<plan> const p = s.make_plan(names("hello:9.9"));
    if(!p) {
        failure const& why = p.error();
        std::cout << message(why) << '\n';             // the whole sentence
        if(why.code == condition::not_found)           // what kind of thing it is
            std::cout << "not here: " << why.subject << '\n';
    }
    //]
    expect(!p && p.error().code == error::unknown_reference, "a result");

    memory_sink sink;
    //[report
    save_report const report = s.save(names("hello:9.9"), sink);
    if(!report.ok())
        std::cout << message(report.reason) << " after " << report.bytes << " bytes\n";
    //]
    expect(report.bytes == 0, "a report");
}

void failures_as_exceptions(oci_layout_store const& store)
{
    memory_sink sink;
    bool thrown = false;
    //[exception
    try {
        tarexport::save(store, names("hello:9.9"), sink);
    }
    catch(save_error const& e) {                       // a boost::system::system_error
        std::cout << e.what() << '\n';                 // the whole sentence
        std::cout << e.code() << " on " << e.reason().subject << '\n';
        thrown = true; //-
    }
    //]
    expect(thrown, "an exception");
}

void cancel(oci_layout_store const& store)
{
    counting_sink sink;
    //[cancel
    std::stop_source stop; // another thread, or a signal handler's thread, calls stop.request_stop()
    save_options how;
    how.stop = stop.get_token();
    stop.request_stop(); //-
    save_report const report = saver(store).save(names("hello:1.0"), sink, how);
    //]
    expect(report.reason.code == condition::cancelled, "cancelled");
}

void open_docker()
{
    //[docker_store
    docker_store_options how;
    how.driver = "overlay2";       // need only be told where there are images of several drivers
    how.layers.check_files = true; // a layer that is wrong is told by the path of a file, not only by its digest
    result<docker_store> const docker = docker_store::open("/var/lib/docker", how);
    if(!docker)
        std::cout << message(docker.error()) << '\n'; // what is there instead, and what to do
    //]
    expect(docker.has_value() || !docker.error().subject.empty(), "what could not be opened is told");
}

void open_containers()
{
    //[containers_store
    containers_options how;
    how.driver = "overlay";                        // need only be told where there are images of several drivers
    how.additional = {"/usr/lib/containers/storage"}; // the additionalimagestores of storage.conf, where there are some
    result<containers_store> const podman = containers_store::open("/var/lib/containers/storage", how);
    if(!podman)
        std::cout << message(podman.error()) << '\n';
    //]
    expect(podman.has_value() || !podman.error().subject.empty(), "what could not be opened is told");
}

//[resume
/// Goes on with FILE.part where an earlier save of the same archive has left one, and leaves one if it fails.
save_report save_or_resume(oci_layout_store const& store, names const& what, std::string const& file)
{
    return saver(store).save_to(what, {}, [&](auto const& archive, write_options& how) -> result<file_sink> {
        plan const& p = archive.contents;
        file_sink_options options;
        options.keep_partial = true;
        options.archive_size = p.size();
        auto out = file_sink::resume(file, p.etag(), options);
        if(!out)
            out = file_sink::create(file, options); // discards what is of another archive
        if(!out)
            return out;
        // The entry that the file ends in is written again: it may be the very one that was wrong.
        error_code ec;
        if(auto const i = p.find(out->offset()); i != p.count())
            out->cut(p.entry(i).offset, ec);
        if(ec)
            return failure{ec, file, "while cutting the partial file"};
        how.range.first = out->offset();
        if(auto remembered = out->remember(p.etag()); !remembered)
            return remembered.error();
        return out;
    });
}
//]

// Ends in the middle of a layer, as a full disk would have it, and goes on.
void resume(oci_layout_store const& store)
{
    memory_sink whole;
    tarexport::save(store, names("hello:1.0"), whole);
    {
        file_sink out("resumed.tar", {.keep_partial = true});
        out.remember(saver(store).make_plan(names("hello:1.0")).value().etag()).value();
        error_code ec;
        for(bytes_view rest = to_bytes(whole.bytes()).first(20000); !rest.empty() && !ec;)
            rest = rest.subspan(out.write_some(rest, ec));
        expect(!ec, "a partial file");
    }
    save_report const report = save_or_resume(store, names("hello:1.0"), "resumed.tar");
    expect(report.ok() && report.bytes < whole.bytes().size(), "only what was missing is written");
    std::ifstream in("resumed.tar", std::ios::binary);
    expect(std::string(std::istreambuf_iterator<char>(in), {}) == whole.bytes(), "a resumed file");
    for(char const* file : {"resumed.tar", "greeting.tar", "multi.tar"})
        std::remove(file);
}

} // namespace

int main()
try {
    oci_layout_store const store(images_folder);
    pipeline(store);
    expand(store);
    read_an_archive(store);
    put_together();
    what_names_do(store);
    platforms(store);
    failures_as_values(store);
    failures_as_exceptions(store);
    cancel(store);
    open_docker();
    open_containers();
    resume(store);
    return failures == 0 ? 0 : 1;
}
catch(std::exception const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
