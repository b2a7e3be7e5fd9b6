//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_CLI_INFLATER_HPP
#define TAREXPORT_CLI_INFLATER_HPP

#ifdef TAREXPORT_ISAL
#include <tarexport/isal_inflater.hpp>
#else
#include <tarexport/zlib_inflater.hpp>
#endif

namespace cli {

/// What the tool inflates gzip with: ISA-L, which is faster, where it was found.
#ifdef TAREXPORT_ISAL
using inflater = tarexport::isal_inflater;
#else
using inflater = tarexport::zlib_inflater;
#endif

} // namespace cli

#endif
