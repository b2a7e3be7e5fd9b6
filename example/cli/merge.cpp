//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include "save.hpp"
#include "commands.hpp"
#include "layouts.hpp"
#include "options.hpp"

#include <tarexport/store/archive.hpp>
#include <tarexport/store/joined.hpp>

#include <iostream>
#include <string>
#include <utility>
#include <vector>

namespace cli {

namespace {

constexpr char examples[] = R"(
What several archives have is written once. With a thin archive and its base, the whole one comes back. Where archives give one name to
different images, say with --only which to take: the first archive that has the name counts.

Examples:
  tarexport merge -o images.tar app.tar db.tar               two archives in one
  tarexport merge -o app.tar --only app:1.1 thin.tar base.tar    what a full save of app:1.1 would have written
)";

po::options_description options()
{
    po::options_description described("Options of merge");
    // clang-format off
    described.add_options()
        ("help,h", "show this help")
        ("only", po::value<std::vector<std::string>>(), "only this image, NAME or NAME=AS; may be repeated (default: all of all archives, in their order)");
    // clang-format on
    add_output_options(described);
    add_layout_options(described);
    return described;
}

tarexport::names chosen_names(po::variables_map const& values, tarexport::joined_store<tarexport::archive_store> const& all)
{
    if(auto const only = list(values, "only"); !only.empty())
        return tarexport::names(only);
    tarexport::names everything;
    for(auto const& row : all.list().value()) { // throws save_error
        for(auto const& name : row.names)
            everything.add(name.familiar());
        if(row.names.empty())
            everything.add(row.id.str());
    }
    return everything;
}

} // namespace

int merge(std::vector<std::string> const& arguments)
{
    auto const described = options();
    auto const values = parse(arguments, described);
    if(values.count("help") != 0) {
        std::cout << "tarexport merge [OPTIONS] ARCHIVE...\nWrites the images of several archives to one.\n\n" << described << examples;
        return 0;
    }
    check_layout(values);
    check_output(values);
    auto const files = list(values, "name");
    if(files.empty())
        throw usage_error("which archives? Write tarexport merge -o OUT A.tar B.tar");
    std::vector<tarexport::archive_store> parts;
    for(auto const& file : files) {
        auto opened = open_source(is_store_url(file) ? file : "archive:" + file);
        auto* const archive = std::get_if<tarexport::archive_store>(&opened.store);
        if(archive == nullptr)
            throw usage_error(file + " is no archive; save its images to one first");
        parts.push_back(std::move(*archive));
    }
    tarexport::joined_store const all(std::move(parts));
    auto const requested = chosen_names(values, all);
    run_save(
        values, [&](stop_on_signal& signals, display& watching) { return save_from(all, requested, values, signals, watching); },
        [](tarexport::failure const& why) { return message(why); });
    return 0;
}

} // namespace cli
