//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include "save_from.hpp"

#include <tarexport/store/oci_layout.hpp>

namespace cli {

template tarexport::save_report save_from(
    tarexport::oci_layout_store const&, tarexport::names const&, po::variables_map const&, stop_on_signal&, display&);
template tarexport::result<tarexport::plan> plan_from(
    tarexport::oci_layout_store const&, tarexport::names const&, po::variables_map const&);

} // namespace cli
