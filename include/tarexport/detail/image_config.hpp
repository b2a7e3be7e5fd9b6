//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_IMAGE_CONFIG_HPP
#define TAREXPORT_DETAIL_IMAGE_CONFIG_HPP

#include <tarexport/detail/go_json.hpp>
#include <tarexport/error.hpp>
#include <tarexport/history.hpp>
#include <tarexport/timestamp.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// The image config as the engine decodes it (moby v27.3.1, image.Image and container.Config), in the engine's order of
// members, which is the order in which it writes them.

namespace tarexport::detail {

struct health_config {
    json_list<std::string> test;
    std::int64_t interval = 0;
    std::int64_t timeout = 0;
    std::int64_t start_period = 0;
    std::int64_t start_interval = 0;
    std::int64_t retries = 0;
};

struct container_config {
    std::string hostname;
    std::string domain_name;
    std::string user;
    bool attach_stdin = false;
    bool attach_stdout = false;
    bool attach_stderr = false;
    json_map<json_empty> exposed_ports;
    bool tty = false;
    bool open_stdin = false;
    bool stdin_once = false;
    json_list<std::string> env;
    string_or_list cmd;
    std::optional<health_config> health;
    bool args_escaped = false;
    std::string image_name;
    json_map<json_empty> volumes;
    std::string working_dir;
    string_or_list entrypoint;
    bool network_disabled = false;
    std::string mac_address;
    json_list<std::string> on_build;
    json_map<std::string> labels;
    std::string stop_signal;
    std::optional<std::int64_t> stop_timeout;
    string_or_list shell;
};

struct rootfs_config {
    std::string type;
    json_list<std::string> diff_ids;
};

struct image_config {
    std::string id;
    std::string comment;
    std::optional<timestamp> created;
    std::string container;
    detail::container_config container_config;
    std::string docker_version;
    std::string author;
    std::optional<detail::container_config> config;
    std::string architecture;
    std::string variant;
    std::string os;
    std::int64_t size = 0;
    std::string parent;
    std::optional<rootfs_config> rootfs;
    json_list<history_entry> history;
    std::string os_version;
    json_list<std::string> os_features;
};

template<>
struct json_fields<history_entry> {
    static constexpr std::array all{
        field<&history_entry::created>("created"),         field<&history_entry::created_by>("created_by"),
        field<&history_entry::author>("author"),           field<&history_entry::comment>("comment"),
        field<&history_entry::empty_layer>("empty_layer"),
    };
};

template<>
struct json_fields<health_config> {
    static constexpr std::array all{
        field<&health_config::test>("Test"),
        field<&health_config::interval>("Interval"),
        field<&health_config::timeout>("Timeout"),
        field<&health_config::start_period>("StartPeriod"),
        field<&health_config::start_interval>("StartInterval"),
        field<&health_config::retries>("Retries"),
    };
};

template<>
struct json_fields<container_config> {
    static constexpr std::array all{
        field<&container_config::hostname>("Hostname"),
        field<&container_config::domain_name>("Domainname"),
        field<&container_config::user>("User"),
        field<&container_config::attach_stdin>("AttachStdin"),
        field<&container_config::attach_stdout>("AttachStdout"),
        field<&container_config::attach_stderr>("AttachStderr"),
        field<&container_config::exposed_ports>("ExposedPorts"),
        field<&container_config::tty>("Tty"),
        field<&container_config::open_stdin>("OpenStdin"),
        field<&container_config::stdin_once>("StdinOnce"),
        field<&container_config::env>("Env"),
        field<&container_config::cmd>("Cmd"),
        field<&container_config::health>("Healthcheck"),
        field<&container_config::args_escaped>("ArgsEscaped"),
        field<&container_config::image_name>("Image"),
        field<&container_config::volumes>("Volumes"),
        field<&container_config::working_dir>("WorkingDir"),
        field<&container_config::entrypoint>("Entrypoint"),
        field<&container_config::network_disabled>("NetworkDisabled"),
        field<&container_config::mac_address>("MacAddress"),
        field<&container_config::on_build>("OnBuild"),
        field<&container_config::labels>("Labels"),
        field<&container_config::stop_signal>("StopSignal"),
        field<&container_config::stop_timeout>("StopTimeout"),
        field<&container_config::shell>("Shell"),
    };
};

template<>
struct json_fields<rootfs_config> {
    static constexpr std::array all{
        field<&rootfs_config::type>("type"),
        field<&rootfs_config::diff_ids>("diff_ids"),
    };
};

template<>
struct json_fields<image_config> {
    static constexpr std::array all{
        field<&image_config::id>("id"),
        field<&image_config::comment>("comment"),
        field<&image_config::created>("created"),
        field<&image_config::container>("container"),
        field<&image_config::container_config>("container_config"),
        field<&image_config::docker_version>("docker_version"),
        field<&image_config::author>("author"),
        field<&image_config::config>("config"),
        field<&image_config::architecture>("architecture"),
        field<&image_config::variant>("variant"),
        field<&image_config::os>("os"),
        field<&image_config::size>("Size"),
        field<&image_config::parent>("parent"),
        field<&image_config::rootfs>("rootfs"),
        field<&image_config::history>("history"),
        field<&image_config::os_version>("os.version"),
        field<&image_config::os_features>("os.features"),
    };
};

/// Read a config. @return The config, whose `rootfs` is there, or `invalid_json`, `invalid_config`, `limit_exceeded`.
inline result<image_config> read_image_config(std::string_view text, json_limits limits)
{
    auto config = detail::read_json<image_config>(text, error::invalid_config, limits);
    if(config && !config->rootfs)
        return failure{error::invalid_config, {}, "no rootfs"};
    return config;
}

template<class List>
void write_strings(json_writer& w, List const& list, bool null)
{
    if(null) {
        w.null();
        return;
    }
    w.begin_array();
    for(std::string const& s : list)
        w.string(s);
    w.end_array();
}

inline void write_value(json_writer& w, json_list<std::string> const& list)
{
    detail::write_strings(w, list.elements(), list.null);
}

inline void write_value(json_writer& w, string_or_list const& list)
{
    detail::write_strings(w, list.items, list.null);
}

inline void write_value(json_writer& w, std::string const& text) { w.string(text); }
inline void write_value(json_writer& w, bool value) { w.boolean(value); }
inline void write_value(json_writer& w, std::int64_t value) { w.number(value); }
inline void write_value(json_writer& w, json_empty) { w.raw("{}"); }
inline void write_value(json_writer& w, health_config const& h);
inline void write_value(json_writer& w, container_config const& c);

template<class T>
void write_value(json_writer& w, json_map<T> const& map)
{
    if(!map) {
        w.null();
        return;
    }
    w.begin_object();
    for(auto const& [key, value] : *map) {
        w.key(key);
        detail::write_value(w, value);
    }
    w.end_object();
}

template<class T>
void write_member(json_writer& w, std::string_view name, T const& value)
{
    w.key(name);
    detail::write_value(w, value);
}

// Go's `omitempty`: what is false, 0 or empty, or a null pointer, is left out.
inline bool is_empty(std::string const& s) noexcept { return s.empty(); }
inline bool is_empty(bool b) noexcept { return !b; }
inline bool is_empty(std::int64_t n) noexcept { return n == 0; }
inline bool is_empty(json_list<std::string> const& l) noexcept { return l.size == 0; }
inline bool is_empty(string_or_list const& l) noexcept { return l.items.empty(); }
inline bool is_empty(json_map<json_empty> const& m) noexcept { return !m || m->empty(); }

template<class T>
void write_unless_empty(json_writer& w, std::string_view name, T const& value)
{
    if(!detail::is_empty(value))
        detail::write_member(w, name, value);
}

inline void write_value(json_writer& w, health_config const& h)
{
    w.begin_object();
    detail::write_unless_empty(w, "Test", h.test);
    detail::write_unless_empty(w, "Interval", h.interval);
    detail::write_unless_empty(w, "Timeout", h.timeout);
    detail::write_unless_empty(w, "StartPeriod", h.start_period);
    detail::write_unless_empty(w, "StartInterval", h.start_interval);
    detail::write_unless_empty(w, "Retries", h.retries);
    w.end_object();
}

inline void write_value(json_writer& w, container_config const& c)
{
    w.begin_object();
    detail::write_member(w, "Hostname", c.hostname);
    detail::write_member(w, "Domainname", c.domain_name);
    detail::write_member(w, "User", c.user);
    detail::write_member(w, "AttachStdin", c.attach_stdin);
    detail::write_member(w, "AttachStdout", c.attach_stdout);
    detail::write_member(w, "AttachStderr", c.attach_stderr);
    detail::write_unless_empty(w, "ExposedPorts", c.exposed_ports);
    detail::write_member(w, "Tty", c.tty);
    detail::write_member(w, "OpenStdin", c.open_stdin);
    detail::write_member(w, "StdinOnce", c.stdin_once);
    detail::write_member(w, "Env", c.env);
    detail::write_member(w, "Cmd", c.cmd);
    if(c.health)
        detail::write_member(w, "Healthcheck", *c.health);
    detail::write_unless_empty(w, "ArgsEscaped", c.args_escaped);
    detail::write_member(w, "Image", c.image_name);
    detail::write_member(w, "Volumes", c.volumes);
    detail::write_member(w, "WorkingDir", c.working_dir);
    detail::write_member(w, "Entrypoint", c.entrypoint);
    detail::write_unless_empty(w, "NetworkDisabled", c.network_disabled);
    detail::write_unless_empty(w, "MacAddress", c.mac_address);
    detail::write_member(w, "OnBuild", c.on_build);
    detail::write_member(w, "Labels", c.labels);
    detail::write_unless_empty(w, "StopSignal", c.stop_signal);
    if(c.stop_timeout)
        detail::write_member(w, "StopTimeout", *c.stop_timeout);
    detail::write_unless_empty(w, "Shell", c.shell);
    w.end_object();
}

} // namespace tarexport::detail

#endif
