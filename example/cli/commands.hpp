//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_CLI_COMMANDS_HPP
#define TAREXPORT_CLI_COMMANDS_HPP

#include <stdexcept>
#include <string>
#include <vector>

// The tool's commands. Each gets its arguments, without the command's own name, and returns an exit code:
// 0 done, 1 failed (and said why on standard error).

namespace cli {

/// Thrown for arguments that make no sense; main() prints the message and exits with 2.
struct usage_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

int save(std::vector<std::string> const& arguments);
int plan(std::vector<std::string> const& arguments);
int ls(std::vector<std::string> const& arguments);
int have(std::vector<std::string> const& arguments);
int merge(std::vector<std::string> const& arguments);
int serve(std::vector<std::string> const& arguments);
int fetch(std::vector<std::string> const& arguments);
int verify(std::vector<std::string> const& arguments);

} // namespace cli

#endif
