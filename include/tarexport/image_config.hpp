//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_IMAGE_CONFIG_HPP
#define TAREXPORT_IMAGE_CONFIG_HPP

#include <tarexport/detail/go_json_write.hpp>
#include <tarexport/detail/utf8.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/history.hpp>
#include <tarexport/platform.hpp>
#include <tarexport/timestamp.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport {

/** What the config of a new image says, beside its layers.

    Only `target` follows the host: name it where the same bytes are wanted on every host. What is empty is left out.
    @see https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md
*/
struct image_config {
    platform target = tarexport::host_platform();
    std::optional<timestamp> created = std::nullopt;
    std::string author = {};
    std::string user = {};                                         ///< `user[:group]`, names or numbers
    std::vector<std::string> env = {};                             ///< `NAME=VALUE`
    std::vector<std::string> entrypoint = {};                      ///< the program and its first arguments
    std::vector<std::string> cmd = {};                             ///< further arguments, or the program
    std::string working_dir = {};
    std::vector<std::string> exposed_ports = {};                   ///< `80/tcp`; in any order
    std::vector<std::string> volumes = {};                         ///< paths; in any order
    std::vector<std::pair<std::string, std::string>> labels = {};  ///< in any order
    std::string stop_signal = {};
    std::vector<history_entry> history = {};                       ///< from the first step to the last

    friend bool operator==(image_config const&, image_config const&) = default;
};

/** Return the config of an image: an OCI image config as the spec's own Go types would write it, byte for byte.

    @param layers The diff IDs, bottom first.
    @return The JSON; `invalid_config` with the field as subject (text that is not UTF-8, a label, port or volume given twice, no operating system or
    architecture, more history entries with a layer than layers), or `time_out_of_range`.
*/
inline result<std::string> render_config(image_config const& c, std::span<digest const> layers);

namespace detail {

class config_renderer {
public:
    result<std::string> render(tarexport::image_config const& c, std::span<digest const> layers)
    {
        check(c, layers.size());
        w_.begin_object();
        time(c.created, "created");
        text("author", c.author);
        text("architecture", c.target.architecture);
        text("os", c.target.os);
        text("os.version", c.target.os_version);
        list("os.features", c.target.os_features);
        text("variant", c.target.variant);
        w_.key("config");
        container(c);
        w_.key("rootfs");
        w_.begin_object();
        w_.key("type");
        w_.string("layers");
        w_.key("diff_ids");
        w_.begin_array();
        for(auto const& id : layers)
            w_.string(id.str());
        w_.end_array();
        w_.end_object();
        history(c.history);
        w_.end_object();
        if(failure_)
            return *failure_;
        return std::move(out_);
    }

private:
    void check(tarexport::image_config const& c, std::size_t layers)
    {
        if(c.target.os.empty() || c.target.architecture.empty())
            fail(error::invalid_config, "target", "an operating system and an architecture are needed");
        auto const steps = std::ranges::count(c.history, false, &history_entry::empty_layer);
        if(static_cast<std::size_t>(steps) > layers)
            fail(error::invalid_config, "history",
                "it tells of " + std::to_string(steps) + " layers, found " + std::to_string(layers));
    }

    // In the order of the Go type ImageConfig.
    void container(tarexport::image_config const& c)
    {
        w_.begin_object();
        text("User", c.user);
        set("ExposedPorts", c.exposed_ports);
        list("Env", c.env);
        list("Entrypoint", c.entrypoint);
        list("Cmd", c.cmd);
        set("Volumes", c.volumes);
        text("WorkingDir", c.working_dir);
        labels(c.labels);
        text("StopSignal", c.stop_signal);
        w_.end_object();
    }

    void history(std::vector<history_entry> const& steps)
    {
        if(steps.empty())
            return;
        w_.key("history");
        w_.begin_array();
        for(auto const& step : steps) {
            w_.begin_object();
            time(step.created, "created");
            text("created_by", step.created_by);
            text("author", step.author);
            text("comment", step.comment);
            if(step.empty_layer) {
                w_.key("empty_layer");
                w_.boolean(true);
            }
            w_.end_object();
        }
        w_.end_array();
    }

    void time(std::optional<timestamp> const& t, std::string_view key)
    {
        if(!t)
            return;
        auto const s = tarexport::to_rfc3339(*t);
        if(!s)
            return fail(error::time_out_of_range, key, s.error().detail);
        text(key, *s);
    }

    void text(std::string_view key, std::string_view value)
    {
        if(value.empty())
            return;
        w_.key(key);
        string(key, value);
    }

    void list(std::string_view key, std::vector<std::string> const& values)
    {
        if(values.empty())
            return;
        w_.key(key);
        w_.begin_array();
        for(auto const& v : values)
            string(key, v);
        w_.end_array();
    }

    // Go has a map here: keys in order, each with an empty object.
    void set(std::string_view key, std::vector<std::string> values)
    {
        std::vector<std::pair<std::string, std::string>> pairs;
        for(auto& v : values)
            pairs.emplace_back(std::move(v), std::string());
        map(key, std::move(pairs), [this](auto const&) {
            w_.begin_object();
            w_.end_object();
        });
    }

    void labels(std::vector<std::pair<std::string, std::string>> const& pairs)
    {
        map("Labels", pairs, [this](auto const& value) { string("Labels", value); });
    }

    template<class Write>
    void map(std::string_view key, std::vector<std::pair<std::string, std::string>> pairs, Write write)
    {
        if(pairs.empty())
            return;
        std::ranges::sort(pairs);
        auto const twice = std::ranges::adjacent_find(pairs, {}, &std::pair<std::string, std::string>::first);
        if(twice != pairs.end())
            fail(error::invalid_config, key, twice->first + " is given twice");
        w_.key(key);
        w_.begin_object();
        for(auto const& [name, value] : pairs) {
            check_utf8(key, name);
            w_.key(name);
            write(value);
        }
        w_.end_object();
    }

    void string(std::string_view key, std::string_view value)
    {
        check_utf8(key, value);
        w_.string(value);
    }

    void check_utf8(std::string_view key, std::string_view value)
    {
        while(!value.empty()) {
            auto const n = detail::utf8_length(value);
            if(n == 0)
                return fail(error::invalid_config, key, "not UTF-8");
            value.remove_prefix(n);
        }
    }

    void fail(error e, std::string_view field, std::string why)
    {
        if(!failure_)
            failure_ = failure{e, std::string(field), std::move(why)};
    }

    std::string out_;
    json_writer w_{out_};
    std::optional<failure> failure_;
};

} // namespace detail

inline result<std::string> render_config(image_config const& c, std::span<digest const> layers)
{
    return detail::config_renderer().render(c, layers);
}

} // namespace tarexport

#endif
