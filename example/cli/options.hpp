//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_CLI_OPTIONS_HPP
#define TAREXPORT_CLI_OPTIONS_HPP

#include "commands.hpp"

#include <tarexport/content.hpp>
#include <tarexport/error.hpp>
#include <tarexport/names.hpp>
#include <tarexport/platform.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/stores.hpp>

#include <boost/program_options.hpp>
#include <boost/throw_exception.hpp>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What the commands' options have in common.

namespace cli {

namespace po = boost::program_options;

/// Parse a command's arguments; the positional ones go to "name". @throws usage_error
inline po::variables_map parse(std::vector<std::string> const& arguments, po::options_description const& described)
{
    po::options_description all;
    all.add(described).add_options()("name", po::value<std::vector<std::string>>());
    po::positional_options_description positional;
    positional.add("name", -1);
    po::variables_map values;
    try {
        using namespace po::command_line_style;
        int const style = allow_long | allow_short | short_allow_next | short_allow_adjacent | long_allow_next
                          | long_allow_adjacent | allow_dash_for_short;
        po::store(po::command_line_parser(arguments).options(all).positional(positional).style(style).run(), values);
        po::notify(values);
    }
    catch(po::error const& e) {
        throw usage_error(e.what());
    }
    return values;
}

/// Return the values of an option that may be given several times.
inline std::vector<std::string> list(po::variables_map const& values, char const* option)
{
    return values.count(option) != 0 ? values[option].as<std::vector<std::string>>() : std::vector<std::string>();
}

/// Return the value of an option that is a time in seconds, at most a day. @throws usage_error
inline std::chrono::seconds seconds(po::variables_map const& values, char const* option)
{
    auto const n = values[option].as<std::uint32_t>();
    if(n == 0 || n > 86'400)
        throw usage_error("--" + std::string(option) + " is from 1 to 86400 seconds");
    return std::chrono::seconds(n);
}

/// Return the platforms of `--platform`. @throws usage_error
inline tarexport::platform_choice platforms(po::variables_map const& values)
{
    tarexport::platform_choice choice;
    for(auto const& text : list(values, "platform")) {
        auto const wanted = tarexport::parse_platform(text);
        if(!wanted)
            throw usage_error(message(wanted.error()));
        choice.wanted.push_back(*wanted);
    }
    return choice;
}

/// Return a name as it has to be written for a store: where a short one is looked up by rules, it may be that of another image.
template<class Store>
std::string_view written(Store const&, tarexport::reference const& name)
{
    if constexpr(tarexport::parses_names<Store>)
        return name.str();
    else
        return name.familiar();
}

/// Return what to save: the names given, all with `--all`, or the only image there is. @throws usage_error, tarexport::save_error
template<class Store>
tarexport::names names(po::variables_map const& values, Store const& store)
{
    auto const given = list(values, "name");
    bool const all = values.count("all") != 0;
    if(all && !given.empty())
        throw usage_error("give names or --all, not both");
    if(!given.empty())
        return tarexport::names(given);
    auto const images = store.list().value();
    if(images.empty())
        throw std::runtime_error(store.path() + ": the store has no images");
    if(!all && images.size() != 1)
        throw usage_error("which of the store's " + std::to_string(images.size()) + " images? Give a name, or --all");
    tarexport::names everything;
    for(auto const& image : images) {
        for(auto const& name : image.names)
            everything.add(std::string(cli::written(store, name)));
        if(image.names.empty())
            everything.add(image.id.str());
    }
    return everything;
}

} // namespace cli

#endif
