//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_CLI_HAVE_HPP
#define TAREXPORT_CLI_HAVE_HPP

#include <tarexport/digest_set.hpp>

#include <boost/program_options.hpp>

// What the other side has, as `save` and `plan` are told.

namespace cli {

void add_have_options(boost::program_options::options_description& described);

/// Return all that `--have` and `--have-from` tell. @throws usage_error, tarexport::save_error, std::runtime_error
tarexport::digest_set what_they_have(boost::program_options::variables_map const& values);

} // namespace cli

#endif
