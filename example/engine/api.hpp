//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_API_HPP
#define TAREXPORT_ENGINE_API_HPP

#include "accept_encoding.hpp"
#include "archive_reply.hpp"
#include "catalog.hpp"
#include "filters.hpp"
#include "gzip_stream.hpp"
#include "history_json.hpp"
#include "images_json.hpp"
#include "inspect_json.hpp"
#include "recent.hpp"
#include "record.hpp"
#include "refreshed.hpp"
#include "replies.hpp"
#include "service.hpp"
#include "system_json.hpp"

#include <tarexport/archive_reader.hpp>
#include <tarexport/error.hpp>
#include <tarexport/layout/docker.hpp>
#include <tarexport/names.hpp>
#include <tarexport/oci_documents.hpp>
#include <tarexport/platform.hpp>
#include <tarexport/timestamp.hpp>
#include <tarexport/policy.hpp>
#include <tarexport/saver.hpp>
#include <tarexport/stores.hpp>

#include <boost/json/parse.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The answers of the engine's API, from any store.

namespace engine {

/// What the API needs, beside a store.
struct api_options {
    system_facts facts;
    recent_limits kept = {};                            ///< archives whose plans are kept
    std::size_t buffer_size = std::size_t{64} * 1024;   ///< for the layers of each archive that is sent
    int gzip_level = 0;                                 ///< of archives for clients that take them compressed; 0: none are
    std::function<void(tarexport::failure const&)> tell = [](auto const&) {}; ///< of images that a list lacks; from several threads
};

namespace detail {

// `linux/arm64`, or the JSON object that clients send since 1.48.
inline tarexport::result<tarexport::platform> parse_platform_parameter(std::string_view text)
{
    if(!text.starts_with('{'))
        return tarexport::parse_platform(text);
    boost::system::error_code ec;
    auto const parsed = boost::json::parse(boost::json::string_view(text.data(), text.size()), ec);
    auto const* const object = ec ? nullptr : parsed.if_object();
    auto const member = [&](char const* name) {
        auto const* const v = object ? object->if_contains(name) : nullptr;
        return v && v->is_string() ? std::string(v->get_string()) : std::string();
    };
    tarexport::platform p{member("os"), member("architecture"), member("variant"), member("os.version"), {}};
    if(p.os.empty() || p.architecture.empty())
        return tarexport::failure{tarexport::error::invalid_platform, std::string(text), {}};
    return tarexport::normalize(std::move(p));
}

// Add a part to a key, so that no other parts make the same key.
inline void add_part(std::string& key, std::string_view kind, std::string_view part)
{
    key.append(kind).append(std::to_string(part.size())).append(":").append(part);
}

// About what an archive takes while it is kept.
inline std::uint64_t weight_of(tarexport::plan const& p, std::size_t leases)
{
    std::uint64_t weight = (p.count() + leases) * 256;
    for(std::size_t i = 0; i != p.count(); ++i)
        if(auto const e = p.entry(i); e.kind == tarexport::entry_kind::document)
            weight += e.size;
    return weight;
}

} // namespace detail

/** The API over a kind of store.

    What it sends is decided when it is compiled: the store, and the layout of the archives.
*/
template<tarexport::store Store, tarexport::layout_policy Layout = tarexport::docker_layout>
class api final : public service {
public:
    using opener = std::function<tarexport::result<Store>()>;

    /** @param open Opens the store; called again when one of the files has changed.
        @param files The paths that tell of a change.
    */
    api(opener open, std::vector<std::string> files, api_options options, Layout layout = {})
        : options_(std::move(options))
        , layout_(std::move(layout))
        , current_(std::move(files), [this, open = std::move(open)]() mutable { return take(open); })
    {
        // What changes from now on is noticed.
        static_cast<void>(current_.get());
    }

    reply answer(request const& asked) override
    {
        auto const& t = asked.what;
        if(t.version && (*t.version < oldest_version || *t.version > newest_version))
            return wrong_version(t);
        switch(t.where) {
        case route::unknown:
        case route::page:
        case route::ping: return no_such_page();
        case route::version: return json(version_json(options_.facts));
        case route::info:
        case route::images:
        case route::image:
        case route::history:
        case route::archive: break;
        }
        auto const state = current_.get();
        if(!state)
            return failed(state.error());
        return t.where == route::archive ? archive(asked, *state) : about_images(t, (*state)->images);
    }

private:
    using handle = tarexport::handle_of<Store>;
    using prepared = tarexport::prepared_archive<handle>;

    struct policy {
        Layout layout;
        using hashes = tarexport::default_policy::hashes;
        tarexport::no_observer observer;
    };

    // A store as it was when it was opened, and the images and archives of that.
    struct snapshot {
        snapshot(Store s, recent_limits limits) : store(std::move(s)), images(store), archives(limits) {}

        Store store;
        catalog<Store> images;
        recent<prepared> archives;
    };

    using snapshot_pointer = std::shared_ptr<snapshot>;

    // The bytes of an archive, which keep what they are read from.
    class stream final : public byte_stream {
    public:
        stream(snapshot_pointer from, std::shared_ptr<prepared const> archive, tarexport::write_options const& how)
            : from_(std::move(from))
            , reader_(std::move(archive), how)
        {
        }

        std::size_t read_some(std::span<std::byte> into, tarexport::error_code& ec) override { return reader_.read_some(into, ec); }
        tarexport::failure reason() const override { return reader_.reason(); }

    private:
        snapshot_pointer from_;
        tarexport::archive_reader<handle> reader_;
    };

    static reply json(std::string text)
    {
        reply r;
        r.body = std::move(text);
        return r;
    }

    // The failures of a catalog have the engine's words.
    static reply unfound(tarexport::failure const& f)
    {
        bool const worded = f.subject.empty() && !f.detail.empty();
        return worded ? error_reply(status_of(f), f.detail) : failed(f);
    }

    tarexport::result<snapshot_pointer> take(opener& open) const
    {
        auto opened = open();
        if(!opened)
            return opened.error();
        return std::make_shared<snapshot>(*std::move(opened), options_.kept);
    }

    reply about_images(target const& t, catalog<Store> const& images) const
    {
        if(t.where == route::info)
            return json(info_json(options_.facts, images.count()));
        if(t.where == route::images)
            return list(t, images);
        auto found = images.find(t.name);
        if(!found)
            return unfound(found.error());
        if(t.where == route::image)
            return json(inspect_json(*found, "tarexport", t.version.value_or(newest_version)));
        if(auto const added = images.add_history(*found); !added)
            return failed(added.error());
        auto text = history_json(*found);
        return text ? json(*std::move(text)) : failed(text.error());
    }

    reply list(target const& t, catalog<Store> const& images) const
    {
        auto filters = parse_filters(parameter(t, "filters").value_or(""));
        if(!filters)
            return error_reply(400, filters.error().detail);
        auto const created = [&](std::string const& name) -> tarexport::result<std::optional<tarexport::timestamp>> {
            auto const found = images.find(name);
            return found ? tarexport::result<std::optional<tarexport::timestamp>>(found->image.created) : found.error();
        };
        if(auto const known = filters->look_up(created); !known)
            return unfound(known.error());
        std::vector<tarexport::failure> unreadable;
        auto const records = images.list(*filters, unreadable);
        for(auto const& why : unreadable)
            options_.tell(why);
        return json(images_json(records, t.version.value_or(newest_version)));
    }

    reply archive(request const& asked, snapshot_pointer const& from) const
    {
        auto const names = names_of(asked.what);
        auto const made = prepare(asked, names, *from);
        if(!made)
            return unsaved(made.error(), names);
        auto const& plan = (*made)->contents;
        bool const offered = options_.gzip_level != 0;
        archive_coding const coding{offered, offered && prefers_gzip(asked.accept_encoding) ? options_.gzip_level : 0};
        auto a = begin_archive(asked, etag_of(plan, coding), plan.size(), coding);
        if(!a.bytes || asked.head)
            return std::move(a.start);
        tarexport::write_options how;
        how.range = *a.bytes;
        how.buffer_size = options_.buffer_size;
        how.jobs = 1; // a thread for each of many clients that mostly wait would be too many
        how.stop = asked.stop;
        a.start.bytes = std::make_unique<stream>(from, *made, how);
        if(coding.gzip_level != 0)
            a.start.bytes = std::make_unique<gzip_stream>(std::move(a.start.bytes), coding.gzip_level, options_.buffer_size);
        return std::move(a.start);
    }

    tarexport::result<std::shared_ptr<prepared const>> prepare(
        request const& asked, std::vector<std::string> const& names, snapshot& from) const
    {
        tarexport::save_options how;
        how.stop = asked.stop;
        std::string key;
        for(auto const& name : names) {
            // Which would give the image another name.
            if(name.find('=') != std::string::npos)
                return tarexport::failure{tarexport::error::invalid_reference, name, {}};
            detail::add_part(key, "name", name);
        }
        for(auto const& [name, value] : asked.what.query) {
            if(name != "platform" || value.empty())
                continue;
            auto wanted = detail::parse_platform_parameter(value);
            if(!wanted)
                return wanted.error();
            detail::add_part(key, "platform", format_all(*wanted));
            how.platforms.wanted.push_back(*std::move(wanted));
        }
        // Of one snapshot, the same names always stand for the same images.
        if(auto known = from.archives.find(key))
            return known;
        tarexport::names requested;
        for(auto const& name : names)
            requested.add(name);
        auto made = tarexport::saver(from.store, policy{layout_, {}}).prepare(requested, how);
        if(!made)
            return made.error();
        auto kept = std::make_shared<prepared const>(*std::move(made));
        from.archives.keep(key, kept, detail::weight_of(kept->contents, kept->leases.size()));
        return kept;
    }

    // Which of the names was meant is in the subject, but the engine does not say it.
    static reply unsaved(tarexport::failure const& f, std::vector<std::string> const& names)
    {
        auto r = failed(f);
        if(f.code == tarexport::error::unknown_reference)
            r.body = error_reply(404, "reference does not exist").body;
        else if(f.code == tarexport::error::unknown_image)
            r.body = error_reply(404, "No such image: " + f.subject.substr(0, f.subject.find(": "))).body;
        else if(f.code == tarexport::error::invalid_reference)
            for(auto const& name : names)
                if(tarexport::check_reference(name) != tarexport::reference_fault::none && f.subject.starts_with(name))
                    r.body = error_reply(400, invalid_name(name)).body;
        return r;
    }

    api_options options_;
    Layout layout_;
    refreshed<snapshot> current_;
};

} // namespace engine

#endif
