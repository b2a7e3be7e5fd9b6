//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_HPP
#define TAREXPORT_HPP

// The core, docker_layout, the memory and OCI layout stores, and the file and stream sinks. No Asio, Beast or Iostreams.

#include <tarexport/names.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/plan_text.hpp>
#include <tarexport/policy.hpp>
#include <tarexport/saver.hpp>
#include <tarexport/sink/file.hpp>
#include <tarexport/sink/memory.hpp>
#include <tarexport/sink/ostream.hpp>
#include <tarexport/store/memory.hpp>
#include <tarexport/store/oci_layout.hpp>
#include <tarexport/stores.hpp>

#endif
