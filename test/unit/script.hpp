//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Drives a serializer by hand: layers are texts, the sink takes a bounded number of bytes a call, and any action can be made to fail.

#ifndef TAREXPORT_TEST_SCRIPT_HPP
#define TAREXPORT_TEST_SCRIPT_HPP

#include <tarexport/hash.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/plan_builder.hpp>
#include <tarexport/serializer.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace script {

using namespace tarexport;

inline constexpr auto unlimited = std::numeric_limits<std::size_t>::max();

/// What a driver met and did.
struct outcome {
    std::string bytes;
    save_report report;
    std::vector<std::string> log; ///< "open 0 @0 hash", "read 5", "write 3", "copy 7", "close end", "done"
    std::size_t actions = 0;
    bool failed_between_entries = false; ///< a driver's own stop came where readers would not notice
};

/// How the script's driver behaves.
struct behaviour {
    std::size_t sink_limit = unlimited;  ///< bytes taken by one write
    std::size_t read_limit = unlimited;  ///< bytes given by one read
    std::size_t fail_at = unlimited;     ///< the action that fails, counted from 0
    bool only_where_allowed = false;     ///< fails at the first action from `fail_at` on where `may_stop()`
    bool extents = false;                ///< offers extents
    std::size_t refuse_copy_at = unlimited; ///< the copy that is refused, counted from 0
};

/// Run a plan over layers given as texts; `layers[n]` is what the store really gives for layer n.
inline outcome run(plan const& p, std::vector<std::string> const& layers, behaviour const& b = {}, byte_range range = {},
    verify verification = verify::covered)
{
    serializer s(p, range, verification);
    outcome out;
    std::string_view source; // what is left of the open layer
    std::string lent;        // overwritten by each read, as a driver's buffer is
    std::optional<sha256> hash;
    std::size_t layer = 0, copies = 0;
    action next = s.start();
    while(!std::holds_alternative<done>(next)) {
        if(out.actions >= b.fail_at && (!b.only_where_allowed || s.may_stop())) {
            next = s.failed({error::cancelled, "script", {}});
            continue;
        }
        if(++out.actions > 1000000)
            throw std::runtime_error("the serializer does not end");
        if(auto const* o = std::get_if<open_layer>(&next)) {
            out.log.push_back("open " + std::to_string(o->layer) + " @" + std::to_string(o->offset) + (o->hash ? " hash" : ""));
            layer = o->layer;
            source = std::string_view(layers.at(layer)).substr(std::min<std::size_t>(o->offset, layers[layer].size()));
            hash.reset();
            if(o->hash)
                hash.emplace();
            next = b.extents ? s.opened(file_extent{7, o->offset, source.size()}) : s.opened();
        }
        else if(auto const* r = std::get_if<read_layer>(&next)) {
            lent.assign(source.substr(0, std::min(r->max, b.read_limit)));
            source.remove_prefix(lent.size());
            out.log.push_back("read " + std::to_string(lent.size()));
            if(hash)
                hash->update(to_bytes(lent));
            next = s.data(to_bytes(lent));
        }
        else if(auto const* w = std::get_if<write_pieces>(&next)) {
            std::string all;
            for(auto piece : w->pieces) {
                if(piece.empty())
                    throw std::runtime_error("an empty piece");
                all += to_text(piece);
            }
            all.resize(std::min(all.size(), b.sink_limit));
            out.log.push_back("write " + std::to_string(all.size()));
            out.bytes += all;
            next = s.written(all.size());
        }
        else if(auto const* e = std::get_if<copy_extent>(&next)) {
            if(copies++ == b.refuse_copy_at) {
                out.log.push_back("refuse copy");
                next = s.not_copied();
                continue;
            }
            if(e->extent.fd != 7)
                throw std::runtime_error("another file");
            auto const n = std::min<std::size_t>(e->extent.size, b.sink_limit);
            out.log.push_back("copy " + std::to_string(n));
            auto const part = std::string_view(layers.at(layer)).substr(e->extent.offset, n);
            out.bytes += part;
            next = s.written(n);
        }
        else if(auto const* last = std::get_if<read_extent>(&next)) {
            auto const [fd, offset, size] = last->extent;
            if(fd != 7)
                throw std::runtime_error("another file");
            lent.assign(std::string_view(layers.at(layer)).substr(offset, std::min<std::size_t>(size, b.read_limit)));
            out.log.push_back("read extent " + std::to_string(lent.size()));
            next = s.data(to_bytes(lent));
        }
        else if(auto const* c = std::get_if<close_layer>(&next)) {
            out.log.push_back(c->at_end ? "close end" : "close");
            if(c->at_end && !source.empty()) {
                next = s.failed({error::layer_too_long, "script", {}});
                continue;
            }
            if(hash && b.extents) {
                hash.emplace();
                hash->update(to_bytes(layers.at(layer)));
            }
            next = hash ? s.closed(hash->result()) : s.closed();
        }
    }
    out.log.push_back("done");
    out.report = s.report();
    return out;
}

/// Build a plan of documents and layers: an entry whose name begins with `L` is a layer, one that ends in `/` a directory, and one that
/// begins with `P` a document in parts, which end after each `|`.
inline plan make_plan(std::vector<std::pair<std::string, std::string>> const& entries)
{
    plan_builder b;
    for(auto const& [name, content] : entries) {
        if(name.ends_with('/'))
            b.add_directory(name, 0755, 0);
        else if(name.starts_with('L'))
            b.add_layer({digest_of(content), {}, 0, content.size()}, 0644, 1, name);
        else if(name.starts_with('P')) {
            std::vector<std::string> parts(1);
            for(std::size_t i = 0; i != content.size(); ++i) {
                parts.back().push_back(content[i]);
                if(content[i] == '|' && i + 1 != content.size())
                    parts.emplace_back();
            }
            b.add_long_document(name, std::move(parts), 0644, 2);
        }
        else
            b.add_document(name, content, 0644, 2);
    }
    return std::move(b).finish().value();
}

/// Return the layers of such a list, in their order.
inline std::vector<std::string> layers_of(std::vector<std::pair<std::string, std::string>> const& entries)
{
    std::vector<std::string> layers;
    for(auto const& [name, content] : entries)
        if(name.starts_with('L'))
            layers.push_back(content);
    return layers;
}

/// Return the archive of such a list, put together entry by entry without a serializer.
inline std::string archive_of(std::vector<std::pair<std::string, std::string>> const& entries)
{
    std::string bytes;
    for(auto const& [name, content] : entries) {
        bool const directory = name.ends_with('/');
        std::int64_t const time = directory ? 0 : name.starts_with('L') ? 1 : 2;
        append_entry_header(bytes, {name, content.size(), time, directory ? 0755u : 0644u, directory}).value();
        bytes += content;
        bytes.resize((bytes.size() + 511) / 512 * 512);
    }
    return bytes.append(1024, '\0');
}

} // namespace script

#endif
