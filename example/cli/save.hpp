//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_CLI_SAVE_HPP
#define TAREXPORT_CLI_SAVE_HPP

#include "output.hpp"
#include "stores.hpp"

#include <tarexport/names.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/store/joined.hpp>

// What is done with images of each kind of store, each kind compiled in a file of its own.

namespace cli {

template<class Store>
tarexport::save_report save_from(Store const& store, tarexport::names const& requested, po::variables_map const& values,
    stop_on_signal& signals, display& watching);

/// Return the plan of the archive that `save_from` would write.
template<class Store>
tarexport::result<tarexport::plan> plan_from(Store const& store, tarexport::names const& requested, po::variables_map const& values);

extern template tarexport::save_report save_from(
    tarexport::docker_store const&, tarexport::names const&, po::variables_map const&, stop_on_signal&, display&);
extern template tarexport::save_report save_from(
    tarexport::containers_store const&, tarexport::names const&, po::variables_map const&, stop_on_signal&, display&);
extern template tarexport::save_report save_from(
    tarexport::oci_layout_store const&, tarexport::names const&, po::variables_map const&, stop_on_signal&, display&);
extern template tarexport::save_report save_from(
    tarexport::archive_store const&, tarexport::names const&, po::variables_map const&, stop_on_signal&, display&);
extern template tarexport::save_report save_from(
    tarexport::joined_store<tarexport::archive_store> const&, tarexport::names const&, po::variables_map const&, stop_on_signal&, display&);

extern template tarexport::result<tarexport::plan> plan_from(
    tarexport::docker_store const&, tarexport::names const&, po::variables_map const&);
extern template tarexport::result<tarexport::plan> plan_from(
    tarexport::containers_store const&, tarexport::names const&, po::variables_map const&);
extern template tarexport::result<tarexport::plan> plan_from(
    tarexport::oci_layout_store const&, tarexport::names const&, po::variables_map const&);
extern template tarexport::result<tarexport::plan> plan_from(
    tarexport::archive_store const&, tarexport::names const&, po::variables_map const&);

} // namespace cli

#endif
