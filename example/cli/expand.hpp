//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_CLI_EXPAND_HPP
#define TAREXPORT_CLI_EXPAND_HPP

#include "inflater.hpp"
#include "layouts.hpp"
#include "output.hpp"
#include "save.hpp"

#include <tarexport/store/expanded.hpp>

#include <algorithm>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

// Unpacking the layers of a store on their way, as `--expand` says.

namespace cli {

/// What `--expand` makes of a store. It borrows the store.
template<class Store>
using expanded_store = tarexport::expanded_store<Store const&, inflater>;

inline void add_expand_options(po::options_description& described)
{
    described.add_options()("expand", po::value<std::string>()->implicit_value("measured")->value_name("HOW"),
        "unpack layers that the store has compressed, as docker save has them; --expand=spooled unpacks them once, into temporary files; "
        "--expand=promised believes the sizes that compressed files tell, and fails where one was wrong (default: measured, which unpacks them twice)");
}

/// Return arguments in which `--expand` alone has its value: without, it would take the next word for one.
inline std::vector<std::string> with_expand_value(std::vector<std::string> arguments)
{
    std::ranges::replace(arguments, std::string("--expand"), std::string("--expand=measured"));
    return arguments;
}

/// Return how layers are unpacked; spooled ones are in the directory for temporary files. @throws usage_error
inline tarexport::expand_options expand_options(po::variables_map const& values, std::stop_token stop = {})
{
    using tarexport::expansion;
    tarexport::expand_options how;
    how.sizes = chosen<expansion>(values, "expand",
        {{"measured", expansion::measured}, {"spooled", expansion::spooled}, {"promised", expansion::promised}});
    how.jobs = jobs(values);
    how.stop = std::move(stop);
    return how;
}

/// Whether an engine's store has its layers unpacked, so that there is nothing to unpack.
template<class Store>
inline constexpr bool has_raw_layers =
    std::is_same_v<Store, tarexport::docker_store> || std::is_same_v<Store, tarexport::containers_store>;

/// Call `f` with a store, or with that with its layers unpacked if the options say so.
template<class Store, class F>
auto with_expansion(Store const& store, po::variables_map const& values, std::stop_token stop, F f)
{
    if constexpr(!has_raw_layers<Store>)
        if(values.count("expand") != 0)
            return f(expanded_store<Store>(store, expand_options(values, std::move(stop))));
    return f(store);
}

extern template tarexport::save_report save_from(
    expanded_store<tarexport::oci_layout_store> const&, tarexport::names const&, po::variables_map const&, stop_on_signal&, display&);
extern template tarexport::save_report save_from(
    expanded_store<tarexport::archive_store> const&, tarexport::names const&, po::variables_map const&, stop_on_signal&, display&);
extern template tarexport::result<tarexport::plan> plan_from(
    expanded_store<tarexport::oci_layout_store> const&, tarexport::names const&, po::variables_map const&);
extern template tarexport::result<tarexport::plan> plan_from(
    expanded_store<tarexport::archive_store> const&, tarexport::names const&, po::variables_map const&);

} // namespace cli

#endif
