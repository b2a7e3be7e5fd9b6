//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_LEGACY_IMAGES_HPP
#define TAREXPORT_DETAIL_LEGACY_IMAGES_HPP

#include <tarexport/detail/archive_contents.hpp>
#include <tarexport/detail/archive_images.hpp>
#include <tarexport/detail/docker_manifest.hpp>
#include <tarexport/detail/go_json.hpp>
#include <tarexport/detail/image_config.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/image.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/v1.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Archives from before docker 1.10: each directory is an image of one layer on top of its parent's. Configs and IDs are what the
// engine makes of them when it loads such an archive (moby v27.3.1, tarexport legacyLoad).

namespace tarexport::detail {

// Compares as the engine does: what is no number counts as 0.
inline bool is_older_version(std::string_view a, std::string_view b) noexcept
{
    auto const cut = [](std::string_view& s) {
        auto const part = s.substr(0, s.find('.'));
        s.remove_prefix(std::min(s.size(), part.size() + 1));
        int n = 0;
        auto const [end, fault] = std::from_chars(part.data(), part.data() + part.size(), n);
        return fault == std::errc() && end == part.data() + part.size() ? n : 0;
    };
    while(!a.empty() || !b.empty()) {
        auto const x = cut(a), y = cut(b);
        if(x != y)
            return x < y;
    }
    return false;
}

/// The members of a JSON object that an image of that time becomes, each as JSON.
using legacy_members = std::map<std::string, std::string>;

// The members as they stand.
inline legacy_members raw_members(std::string_view json)
{
    legacy_members all;
    json_cursor c(json);
    std::string key;
    c.begin();
    while(c.next_member(key)) {
        std::string value;
        detail::append_json_compact(value, c.skip());
        all.insert_or_assign(key, std::move(value));
    }
    return all;
}

// The members that the engine itself knows: what older engines wrote has others, which it drops.
inline result<legacy_members> known_members(image_config const& c)
{
    legacy_members all;
    auto const put = [&all](std::string_view key, auto const& value) {
        std::string text;
        json_writer w(text);
        detail::write_value(w, value);
        all.insert_or_assign(std::string(key), std::move(text));
    };
    auto const put_text = [&](std::string_view key, std::string const& value) {
        if(!value.empty())
            put(key, value);
    };
    auto created = detail::created_json(c.created);
    if(!created)
        return std::move(created).error();
    all.insert_or_assign("created", *std::move(created));
    put_text("comment", c.comment);
    put_text("container", c.container);
    put("container_config", c.container_config);
    put_text("docker_version", c.docker_version);
    put_text("author", c.author);
    if(c.config)
        put("config", *c.config);
    put_text("architecture", c.architecture);
    put_text("variant", c.variant);
    put_text("os", c.os);
    return all;
}

// The step that made an image, as an entry of the history.
inline result<std::string> legacy_step(image_config const& c)
{
    std::string text;
    json_writer w(text);
    w.begin_object();
    if(c.created) {
        auto const created = detail::created_json(c.created);
        if(!created)
            return created.error();
        w.key("created");
        w.raw(*created);
    }
    std::string command;
    for(std::size_t n = 0; n != c.container_config.cmd.items.size(); ++n)
        command.append(n == 0 ? "" : " ").append(c.container_config.cmd.items[n]);
    detail::write_unless_empty(w, "created_by", command);
    detail::write_unless_empty(w, "author", c.author);
    detail::write_unless_empty(w, "comment", c.comment);
    w.end_object();
    return text;
}

/** Makes the images of an archive that has only `repositories`, or not even that. Hashes every layer. */
class legacy_images_reader {
public:
    explicit legacy_images_reader(archive_contents const& contents) : contents_(contents) {}

    result<archive_images> run()
    {
        for(auto const& directory : contents_.index().directories_with("json"))
            if(auto done = make(directory); !done)
                return std::move(done).error();
        if(auto done = name_all(); !done)
            return std::move(done).error();
        return std::move(images_);
    }

private:
    // What is known of the image of a directory.
    struct made {
        digest id;
        std::vector<std::string> diff_ids = {};
        std::vector<std::string> layers = {};
        std::string history = {}; // JSON, without the brackets
        std::optional<failure> broken = {};
    };

    static made no_image(failure why)
    {
        made m;
        m.broken = std::move(why);
        return m;
    }

    struct v1 {
        std::string directory;
        std::string json;
        image_config config;
    };

    // Makes an image, and those below before it. Fails only where the archive as a whole is too much.
    result<void> make(std::string const& directory)
    {
        std::vector<v1> chain;
        std::set<std::string> seen;
        std::optional<failure> broken;
        for(auto at = directory; !at.empty() && !made_.contains(at) && !broken;) {
            if(!seen.insert(at).second) {
                broken = failure{error::invalid_document, contents_.index().subject(at + "/json"), "its parents lead back to it"};
                break;
            }
            auto read = read_v1(at);
            if(!read) {
                broken = std::move(read).error();
                break;
            }
            auto parent = read->config.parent;
            chain.push_back(*std::move(read));
            at = std::move(parent);
        }
        if(broken && chain.empty())
            return keep(directory, no_image(*broken));
        for(auto i = chain.rbegin(); i != chain.rend(); ++i) {
            auto one = broken ? result<made>(*broken) : make_one(*i);
            if(!one && one.error().code == error::limit_exceeded)
                return one.error();
            if(!one)
                broken = one.error();
            if(auto kept = keep(i->directory, one ? *std::move(one) : no_image(*broken)); !kept)
                return kept;
            broken = made_.at(i->directory).broken;
        }
        return {};
    }

    result<v1> read_v1(std::string const& directory)
    {
        auto const name = directory + "/json";
        auto text = contents_.read(name, config_limits{}.size);
        if(!text)
            return std::move(text).error();
        auto config = detail::read_json<image_config>(*text, error::invalid_config, {});
        if(!config || text->find('{') == text->npos) {
            auto why = config ? failure{error::invalid_config, {}, "no object"} : std::move(config).error();
            why.subject = contents_.index().subject(name);
            return why;
        }
        return v1{directory, *std::move(text), *std::move(config)};
    }

    result<made> make_one(v1 const& from)
    {
        made m;
        if(!from.config.parent.empty()) {
            auto const& below = made_.at(from.config.parent);
            if(below.broken)
                return *below.broken;
            m = below;
        }
        if(m.layers.size() >= config_limits{}.layers || m.layers.size() >= layers_left_)
            return failure{error::limit_exceeded, contents_.path(), "more than " + std::to_string(config_limits{}.layers) +
                " layers of an image, or " + std::to_string(archive_layers_limit) + " of all"};
        layers_left_ -= m.layers.size() + 1;
        auto const layer = from.directory + "/layer.tar";
        auto const id = contents_.diff_id(layer);
        if(!id)
            return id.error();
        m.layers.push_back(layer);
        m.diff_ids.push_back(id->str());
        auto const step = detail::legacy_step(from.config);
        if(!step)
            return about(from, step.error());
        m.history.append(m.history.empty() ? "" : ",").append(*step);
        bool const old = is_older_version(from.config.docker_version, "1.8.3");
        auto members = old ? known_members(from.config) : result<legacy_members>(raw_members(from.json));
        if(!members)
            return about(from, members.error());
        auto text = render(*std::move(members), m);
        if(text.size() > bytes_left_)
            return failure{error::limit_exceeded, contents_.path(), "configs of more than " + std::to_string(budget) + " bytes"};
        bytes_left_ -= text.size();
        m.id = tarexport::digest_of(text);
        if(auto good = tarexport::parse_image(text, m.id); !good)
            return about(from, good.error());
        auto const size = text.size();
        contents_.keep(m.id,
            {contents_.index().subject(from.directory + "/json"), {}, std::make_shared<std::string const>(std::move(text))});
        archive_image i;
        i.id = m.id;
        i.config_size = size;
        i.diff_ids = m.diff_ids;
        i.layers = m.layers;
        if(!from.config.parent.empty())
            i.parent = made_.at(from.config.parent).id;
        images_.add(std::move(i));
        return m;
    }

    static std::string render(legacy_members members, made const& m)
    {
        for(auto const* const key : {"id", "parent", "Size", "parent_id", "layer_id", "throwaway"})
            members.erase(key);
        std::string rootfs;
        json_writer w(rootfs);
        w.begin_object();
        w.key("type");
        w.string("layers");
        w.key("diff_ids");
        w.begin_array();
        for(auto const& id : m.diff_ids)
            w.string(id);
        w.end_array();
        w.end_object();
        members.insert_or_assign("rootfs", std::move(rootfs));
        members.insert_or_assign("history", "[" + m.history + "]");
        std::string text;
        json_writer all(text);
        all.begin_object();
        for(auto const& [key, value] : members) {
            all.key(key);
            all.raw(value);
        }
        all.end_object();
        return text;
    }

    failure about(v1 const& from, failure why) const
    {
        why.subject = contents_.index().subject(from.directory + "/json");
        return why;
    }

    result<void> keep(std::string const& directory, made m)
    {
        if(m.broken) {
            archive_image i;
            i.broken = m.broken;
            images_.add(std::move(i));
        }
        made_.insert_or_assign(directory, std::move(m));
        return made_.size() <= archive_images_limit
                   ? result<void>()
                   : failure{error::limit_exceeded, contents_.path(), "more than " + std::to_string(archive_images_limit) + " images"};
    }

    result<void> name_all()
    {
        if(!contents_.index().has("repositories"))
            return {};
        auto const text = contents_.read("repositories", docker_manifest_limits.size);
        if(!text)
            return text.error();
        auto const read = detail::parse_docker_repositories(*text, contents_.index().subject("repositories"));
        if(!read)
            return read.error();
        for(auto const& [repository, tags] : *read)
            for(auto const& [tag, directory] : tags)
                name(repository, tag, directory);
        return {};
    }

    void name(std::string const& repository, std::string const& tag, std::string const& directory)
    {
        auto const base = tarexport::parse_reference(repository);
        auto const ref = base ? base->with_tag(tag) : base;
        auto const full = ref ? detail::engine_tag(ref->str()) : ref;
        auto const target = made_.find(directory);
        if(!full)
            images_.refuse({full.error().code, shown(repository + ":" + tag), "a tag in " + contents_.index().subject("repositories")});
        else if(target == made_.end())
            images_.refuse({error::invalid_document, contents_.index().subject("repositories"),
                std::string(full->familiar()) + " is that of " + shown(directory) + ", which is not in the archive"});
        else if(target->second.broken) {
            archive_image i;
            i.names.push_back(*full);
            i.broken = target->second.broken;
            images_.add(std::move(i));
        }
        else
            images_.add_name(images_.number_of(target->second.id), *full);
    }

    static constexpr std::uint64_t budget = std::uint64_t{256} << 20;

    archive_contents const& contents_;
    archive_images images_;
    std::map<std::string, made> made_; // by directory
    std::size_t layers_left_ = archive_layers_limit;
    std::uint64_t bytes_left_ = budget;
};

} // namespace tarexport::detail

#endif
