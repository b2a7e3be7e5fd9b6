//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_SYSTEM_JSON_HPP
#define TAREXPORT_ENGINE_SYSTEM_JSON_HPP

#include "record.hpp"

#include <tarexport/platform.hpp>

#include <cstddef>
#include <string>
#include <string_view>

// `/version` and `/info`: what clients ask of the engine itself. There are only images here, and the answers say so.

namespace engine {

/// What the server tells of itself.
struct system_facts {
    std::string version; ///< of the program
    std::string store;   ///< where the images are, as a user would write it
};

inline std::string version_json(system_facts const& facts)
{
    auto const host = tarexport::host_platform();
    auto const newest = engine::to_string(newest_version);
    auto const oldest = engine::to_string(oldest_version);
    document d;
    d.w.begin_object();
    d.w.key("Platform");
    d.w.begin_object();
    d.member("Name", "tarexport");
    d.w.end_object();
    d.w.key("Components");
    d.w.begin_array();
    d.w.begin_object();
    d.member("Name", "tarexport");
    d.member("Version", facts.version);
    d.w.key("Details");
    d.w.begin_object();
    d.member("ApiVersion", newest);
    d.member("Arch", host.architecture);
    d.member("MinAPIVersion", oldest);
    d.member("Os", host.os);
    d.w.end_object();
    d.w.end_object();
    d.w.end_array();
    d.member("Version", facts.version);
    d.member("ApiVersion", newest);
    d.member("MinAPIVersion", oldest);
    d.member("Os", host.os);
    d.member("Arch", host.architecture);
    d.w.end_object();
    return std::move(d).take();
}

inline std::string info_json(system_facts const& facts, std::size_t images)
{
    auto const host = tarexport::host_platform();
    document d;
    d.w.begin_object();
    for(auto const* const none : {"Containers", "ContainersRunning", "ContainersPaused", "ContainersStopped"})
        d.member(none, 0);
    d.member("Images", images);
    d.member("Driver", "tarexport");
    d.w.key("DriverStatus");
    d.w.begin_array();
    tarexport::detail::write_strings(d.w, std::vector<std::string>{"Store", facts.store}, false);
    d.w.end_array();
    d.member("OperatingSystem", "tarexport");
    d.member("OSType", host.os);
    d.member("Architecture", host.architecture);
    d.member("ServerVersion", facts.version);
    d.w.end_object();
    return std::move(d).take();
}

} // namespace engine

#endif
