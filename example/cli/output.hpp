//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_CLI_OUTPUT_HPP
#define TAREXPORT_CLI_OUTPUT_HPP

#include "signals.hpp"

#include <tarexport/compression.hpp>
#include <tarexport/error.hpp>
#include <tarexport/observer.hpp>
#include <tarexport/observer/progress.hpp>
#include <tarexport/observer/trace.hpp>
#include <tarexport/serializer.hpp>
#include <tarexport/sink/fd.hpp>

#include <boost/program_options.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

// Where an archive goes, and what is said meanwhile: what the commands that write one have in common.

namespace cli {

namespace po = boost::program_options;

/// What the tool watches a save with: a progress display, a trace, both or neither.
struct display {
    std::optional<tarexport::progress> bar;
    std::optional<tarexport::trace> log;

    void operator()(tarexport::event const& e) noexcept
    {
        if(bar)
            (*bar)(e);
        if(log)
            (*log)(e);
    }
};

/// Return how `--progress` and `--quiet` want a display to be; none: none. @throws usage_error
std::optional<tarexport::progress::style> progress_style(po::variables_map const& values);

void add_output_options(po::options_description& described);

/// Check the options above. @throws usage_error
void check_output(po::variables_map const& values);

/// Return the value of `--compress`. @throws usage_error
tarexport::archive_compression compression(po::variables_map const& values);

/// Return the value of `--jobs`. @throws usage_error
std::size_t jobs(po::variables_map const& values);

/** Return whether `--resume` has something to go on with: without FILE.part there is nothing to lose, and the archive begins anew.

    So a command that is repeated until it succeeds may always say `--resume`. Whatever stands there under that name is for a sink to judge.
*/
bool resumes(po::variables_map const& values);

/// Say that `--resume` had nothing to go on with, if that is so.
void tell_if_anew(po::variables_map const& values, bool resumed);

/// Check that a trace does not go where the archive goes: a file that is not there yet has no other names, so this is asked again when it is open.
void check_trace(po::variables_map const& values);

/// Fail before the first byte where the archive cannot fit.
tarexport::result<void> check_space(std::string const& file, std::uint64_t needed);

/// Return a sink of standard output. A pipe there is made longer, so that the two ends wait for each other less often.
tarexport::fd_sink standard_output();

/** Save, watch it, and say how it went.

    @param save Writes the archive.
    @param sentence Says why that failed.
    @throws std::runtime_error
*/
void run_save(po::variables_map const& values, std::function<tarexport::save_report(stop_on_signal&, display&)> const& save,
    std::function<std::string(tarexport::failure const&)> const& sentence);

} // namespace cli

#endif
