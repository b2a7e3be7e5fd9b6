//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include "commands.hpp"
#include "expand.hpp"
#include "have.hpp"
#include "layouts.hpp"
#include "options.hpp"
#include "save.hpp"
#include "stores.hpp"

#include <tarexport/plan_text.hpp>

#include <variant>

namespace cli {

int plan(std::vector<std::string> const& arguments)
{
    po::options_description described("Options of plan");
    // clang-format off
    described.add_options()
        ("help,h", "show this help")
        ("store", po::value<std::string>(), store_help)
        ("all", "all images of the store")
        ("json", "print one JSON object");
    // clang-format on
    add_layout_options(described);
    add_have_options(described);
    add_expand_options(described);
    auto const values = parse(with_expand_value(arguments), described);
    if(values.count("help") != 0) {
        std::cout << "tarexport plan [OPTIONS] NAME[=AS]...\nShows the archive that save would write, without reading a layer, unless --expand has to.\n\n"
                  << described;
        return 0;
    }
    check_layout(values);
    (void)expand_options(values);
    auto const opened = open_store(values);
    auto const plan = std::visit(
        [&](auto const& store) {
            auto const requested = names(values, store);
            return with_expansion(store, values, {}, [&](auto const& from) { return plan_from(from, requested, values); });
        },
        opened.store);
    if(!plan)
        throw std::runtime_error(sentence(opened, plan.error()));
    if(values.count("json") != 0)
        std::cout << to_json(*plan) << std::endl;
    else
        std::cout << to_table(*plan) << std::flush;
    return 0;
}

} // namespace cli
