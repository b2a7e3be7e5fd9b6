//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include "save.hpp"
#include "commands.hpp"
#include "expand.hpp"
#include "have.hpp"
#include "layouts.hpp"
#include "options.hpp"

#include <iostream>
#include <string>
#include <variant>
#include <vector>

namespace cli {

namespace {

constexpr char examples[] = R"(
The name may be left out where the store has one image. Every layer is compared with its digest while it passes; an archive
that fails stops inside an entry, so that readers notice, and the exit code is 1.

Examples:
  tarexport save --store docker: -o app.tar app:1.0                      what docker save writes, without the daemon
  tarexport save --store oci:/srv/images -o app.tar app:1.0 base:2       two images, which share what they have in common
  tarexport save --store oci:/srv/images app:1.0=internal/app:test | docker load
  tarexport save --store oci:/srv/images -o app.tar --keep-partial app:1.0
  tarexport save --store oci:/srv/images -o app.tar --resume app:1.0     goes on where that one stopped
  tarexport save --store oci:/srv/images -o app.tar --layout hybrid --all-platforms app:1.0
  tarexport save --store docker: --have base.tar -o app.tar app:1.1      without the layers that base.tar has
  tarexport save --store oci:/srv/images --expand -o app.tar app:1.0     its compressed layers unpacked, as docker save has them
)";

po::options_description options()
{
    po::options_description described("Options of save");
    // clang-format off
    described.add_options()
        ("help,h", "show this help")
        ("store", po::value<std::string>(), store_help)
        ("all", "all images of the store");
    // clang-format on
    add_output_options(described);
    add_layout_options(described);
    add_have_options(described);
    add_expand_options(described);
    return described;
}

} // namespace

int save(std::vector<std::string> const& arguments)
{
    auto const described = options();
    auto const values = parse(with_expand_value(arguments), described);
    if(values.count("help") != 0) {
        std::cout << "tarexport save [OPTIONS] NAME[=AS]...\nSaves images to one tar archive that docker load, podman load and others read.\n\n"
                  << described << examples;
        return 0;
    }
    check_layout(values);
    check_output(values);
    (void)expand_options(values);
    opened_store const opened = open_store(values);
    run_save(
        values,
        [&](stop_on_signal& signals, display& watching) {
            return std::visit(
                [&](auto const& store) {
                    auto const requested = names(values, store);
                    return with_expansion(store, values, signals.token(),
                        [&](auto const& from) { return save_from(from, requested, values, signals, watching); });
                },
                opened.store);
        },
        [&](tarexport::failure const& why) { return sentence(opened, why); });
    return 0;
}

} // namespace cli
