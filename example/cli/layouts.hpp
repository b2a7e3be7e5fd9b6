//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_CLI_LAYOUTS_HPP
#define TAREXPORT_CLI_LAYOUTS_HPP

#include "commands.hpp"
#include "options.hpp"

#include <tarexport/closure.hpp>
#include <tarexport/layout/docker.hpp>
#include <tarexport/layout/hybrid.hpp>
#include <tarexport/observer.hpp>
#include <tarexport/paired_sha256.hpp>

#include <boost/program_options.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

// What goes into an archive and how it is laid out, as the options of `save` and `plan` say.

namespace cli {

/// What a saver of the tool is compiled with.
template<class Layout, class Observer>
struct tool_policy {
    Layout layout;
    using hashes = tarexport::hash_set<tarexport::paired_sha256, tarexport::sha384, tarexport::sha512>;
    Observer observer;
};

inline void add_layout_options(po::options_description& described)
{
    // clang-format off
    described.add_options()
        ("layout", po::value<std::string>()->default_value("docker"), "how the archive is laid out: docker, as docker save writes it; or hybrid, documents first, manifests and indexes as the store has them")
        ("platform", po::value<std::vector<std::string>>(), "of images for several platforms, the one to save: linux/arm64 (default: this machine's); may be repeated for the hybrid layout")
        ("all-platforms", "hybrid layout: every platform that an image has")
        ("completeness", po::value<std::string>(), "hybrid layout: strict, if all that an image's index lists must be there (the default); prune, to write the index anew with what is chosen and there; keep, to leave it as it is although things are missing")
        ("foreign", po::value<std::string>(), "hybrid layout: layers that are not to be passed on: embed (the default), skip, or url, if each must say from where it can be had")
        ("align", po::value<std::uint32_t>(), "hybrid layout: let the data of layers begin at multiples of so many bytes, 4096 for instance");
    // clang-format on
}

/// Check the options above. @throws usage_error
inline void check_layout(po::variables_map const& values)
{
    auto const layout = values["layout"].as<std::string>();
    if(layout != "docker" && layout != "hybrid")
        throw usage_error("unknown layout '" + layout + "'; the layouts are docker and hybrid");
    for(auto const* const option : {"all-platforms", "completeness", "foreign", "align"})
        if(layout == "docker" && values.count(option) != 0)
            throw usage_error("--" + std::string(option) + " is for --layout hybrid");
    if(values.count("all-platforms") != 0 && values.count("platform") != 0)
        throw usage_error("give --platform or --all-platforms, not both");
    if(values.count("align") != 0) {
        auto const bytes = values["align"].as<std::uint32_t>();
        if(bytes % 512 != 0 || bytes > 65536)
            throw usage_error("--align is a multiple of 512, and at most 65536");
    }
}

/// Return the value that a word stands for, or that of no word. @throws usage_error
template<class T>
T chosen(po::variables_map const& values, char const* option, std::map<std::string, T> const& words)
{
    if(values.count(option) == 0)
        return T{};
    auto const word = values[option].as<std::string>();
    auto const found = words.find(word);
    if(found != words.end())
        return found->second;
    std::string all;
    for(auto const& [w, value] : words)
        all += (all.empty() ? "" : ", ") + w;
    throw usage_error("--" + std::string(option) + " is one of " + all + ", not '" + word + "'");
}

/// Return what of the images is saved. @throws usage_error
inline tarexport::content_choice choice(po::variables_map const& values)
{
    using tarexport::completeness;
    using tarexport::foreign_layers;
    auto wanted = platforms(values);
    wanted.everything = values.count("all-platforms") != 0;
    return {wanted,
        chosen<completeness>(values, "completeness",
            {{"strict", completeness::strict}, {"prune", completeness::prune}, {"keep", completeness::keep}}),
        chosen<foreign_layers>(values, "foreign",
            {{"embed", foreign_layers::embed}, {"skip", foreign_layers::skip}, {"url", foreign_layers::url_only}})};
}

/// Call `f(layout)` with the layout that the options say, and return what that returns.
template<class F>
auto with_layout(po::variables_map const& values, F f)
{
    if(values["layout"].as<std::string>() == "docker")
        return f(tarexport::docker_layout{});
    return f(tarexport::hybrid_layout{values.count("align") != 0 ? values["align"].as<std::uint32_t>() : 0});
}

} // namespace cli

#endif
