//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include "output.hpp"
#include "commands.hpp"
#include "text.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace cli {

namespace {

std::string output_name(po::variables_map const& values)
{
    auto const to = values["output"].as<std::string>();
    return to == "-" ? "standard output" : to;
}

struct stat status_of(int fd)
{
    struct stat s {};
    if(::fstat(fd, &s) != 0)
        s.st_mode = S_IFCHR; // one that is closed mixes nothing
    return s;
}

// Whether two outputs end up in one file or stream, mixed. Terminals and the null device do not count.
bool is_one_output(struct stat const& a, struct stat const& b)
{
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino && !S_ISCHR(a.st_mode);
}

void say_end(po::variables_map const& values, tarexport::save_report const& report, double seconds)
{
    if(values.count("quiet") != 0) {
        if(report.sum) // it was asked for
            std::cerr << *report.sum << std::endl;
        return;
    }
    auto const to = values["output"].as<std::string>();
    auto const rate = seconds > 0 ? static_cast<double>(report.bytes) / seconds : 0;
    std::cerr << "saved " << tarexport::format_bytes(report.bytes) << (to == "-" ? std::string() : " to " + printable(to)) << " ("
              << tarexport::format_bytes(static_cast<std::uint64_t>(rate)) << "/s), " << report.layers_verified << (report.layers_verified == 1 ? " layer" : " layers") << " verified"
              << (report.layers_unverified != 0 ? ", " + std::to_string(report.layers_unverified) + " not" : std::string())
              << (report.layers_left_out != 0 ? ", " + std::to_string(report.layers_left_out) + (report.layers_left_out == 1 ? " layer of " : " layers of ") +
                                                    tarexport::format_bytes(report.bytes_left_out) + " left out"
                                              : std::string())
              << ", etag " << report.etag << (report.sum ? ", digest " + report.sum->str() : std::string()) << std::endl;
}

// Whether it is a file that `file_sink::resume` would open: no link, and with no other name.
bool is_file_alone(std::string const& path)
{
    std::error_code unknown;
    return std::filesystem::symlink_status(path, unknown).type() == std::filesystem::file_type::regular &&
           std::filesystem::hard_link_count(path, unknown) == 1;
}

// Throws the reason, with what the user may want to know of the output.
[[noreturn]] void give_reason(
    po::variables_map const& values, std::function<std::string(tarexport::failure const&)> const& sentence, tarexport::failure why)
{
    auto const to = values["output"].as<std::string>();
    if(why.subject.empty())
        why.subject = output_name(values);
    auto text = sentence(why);
    bool const may_be_kept = values.count("keep-partial") != 0 || values.count("resume") != 0;
    if(may_be_kept && why.code != tarexport::error::cannot_resume && is_file_alone(to + ".part") && is_file_alone(to + ".part.etag"))
        text += "; " + to + ".part is kept, repeat the command with --resume to go on";
    throw std::runtime_error(text);
}

} // namespace

bool resumes(po::variables_map const& values)
{
    if(values.count("resume") == 0)
        return false;
    auto const part = values["output"].as<std::string>() + ".part";
    std::error_code unknown;
    return std::filesystem::symlink_status(part, unknown).type() != std::filesystem::file_type::not_found;
}

void tell_if_anew(po::variables_map const& values, bool resumed)
{
    if(values.count("resume") != 0 && !resumed && values.count("quiet") == 0)
        std::cerr << "tarexport: there was nothing to go on with in " << printable(values["output"].as<std::string>()) << ".part, so this begins anew\n";
}

std::optional<tarexport::progress::style> progress_style(po::variables_map const& values)
{
    auto const mode = values["progress"].as<std::string>();
    if(mode != "auto" && mode != "bar" && mode != "lines" && mode != "none")
        throw usage_error("--progress is bar, lines, none or auto, not '" + mode + "'");
    if(mode == "none" || values.count("quiet") != 0)
        return std::nullopt;
    bool const bar = mode == "bar" || (mode == "auto" && ::isatty(2));
    return bar ? tarexport::progress::style::bar : tarexport::progress::style::lines;
}

void add_output_options(po::options_description& described)
{
    // clang-format off
    described.add_options()
        ("output,o", po::value<std::string>()->default_value("-"), "the archive; - is standard output. FILE appears only when it is whole: until then it is FILE.part")
        ("compress", po::value<std::string>(), "compress the archive: gzip, zstd, or one with a level, as zstd:19")
        ("jobs,j", po::value<int>(), "how many threads may work at once; as many as there are processors if not told")
        ("no-verify", "do not hash the layers while they pass; sizes are still checked")
        ("digest", "tell the SHA-256 of the whole archive in the end")
        ("no-sync", "do not wait until FILE is on the disk")
        ("keep-partial", "when the save fails, leave FILE.part, for --resume")
        ("resume", "go on with FILE.part of a save that failed, if there is one and it is of the same archive, as far as it is still right")
        ("offset", po::value<std::int64_t>(), "begin at this byte of the archive; only to standard output")
        ("progress", po::value<std::string>()->default_value("auto"), "bar, lines, none, or auto: a bar on a terminal, otherwise lines")
        ("trace", po::value<std::string>(), "write what takes how long to this file, for a Chrome trace viewer")
        ("quiet,q", "say nothing but errors");
    // clang-format on
}

void check_trace(po::variables_map const& values)
{
    if(values.count("trace") == 0)
        return;
    auto const trace = values["trace"].as<std::string>();
    auto const output = values["output"].as<std::string>();
    std::error_code ignored;
    bool same = false;
    struct stat s {};
    if(output == "-")
        same = ::stat(trace.c_str(), &s) == 0 && is_one_output(s, status_of(1));
    else
        for(auto const* const suffix : {"", ".part", ".part.etag"})
            same = same || trace == output + suffix || std::filesystem::equivalent(trace, output + suffix, ignored);
    if(same)
        throw usage_error("--trace and the archive need a file each");
}

void check_output(po::variables_map const& values)
{
    bool const to_stdout = values["output"].as<std::string>() == "-";
    if(values["output"].as<std::string>().empty())
        throw usage_error("-o needs a file name");
    if(to_stdout && ::isatty(1))
        throw usage_error("an archive is nothing for a terminal; write -o FILE, or redirect standard output");
    if(to_stdout && is_one_output(status_of(1), status_of(2)))
        throw usage_error(
            "standard error goes where the archive goes, and would spoil it; write -o FILE, or send standard error elsewhere");
    check_trace(values);
    if(!to_stdout && values.count("offset") != 0)
        throw usage_error("--offset is for standard output; to go on with a file, write --resume");
    if(values.count("offset") != 0 && values["offset"].as<std::int64_t>() < 0)
        throw usage_error("--offset counts from the beginning of the archive, and is not negative");
    (void)jobs(values);
    if(values.count("compress") != 0) {
        (void)compression(values);
        for(auto const* const option : {"digest", "resume", "keep-partial", "offset"})
            if(values.count(option) != 0)
                throw usage_error("--" + std::string(option) + " is about the bytes of the archive itself: not with --compress");
    }
    if(values.count("digest") != 0 && (values.count("resume") != 0 || values.count("offset") != 0))
        throw usage_error("--digest is of a whole archive: not with --resume or --offset");
    if(to_stdout && (values.count("resume") != 0 || values.count("keep-partial") != 0))
        throw usage_error("--resume and --keep-partial are for -o FILE; to standard output, write --offset N");
}

tarexport::archive_compression compression(po::variables_map const& values)
{
    auto const how = tarexport::parse_archive_compression(values["compress"].as<std::string>());
    if(!how)
        throw usage_error("--compress '" + printable(how.error().subject) + "': " + how.error().detail);
    return *how;
}

std::size_t jobs(po::variables_map const& values)
{
    constexpr int most = 64;
    if(values.count("jobs") == 0)
        return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, 16);
    int const n = values["jobs"].as<int>();
    if(n < 1 || n > most)
        throw usage_error("--jobs is a number from 1 to " + std::to_string(most));
    return static_cast<std::size_t>(n);
}

tarexport::fd_sink standard_output()
{
#ifdef F_SETPIPE_SZ
    constexpr int length = 1 << 20;
    if(::fcntl(1, F_GETPIPE_SZ) < length)
        ::fcntl(1, F_SETPIPE_SZ, length); // what is no pipe stays as it is, and so does one of a user who has too many
#endif
    return tarexport::fd_sink(1);
}

tarexport::result<void> check_space(std::string const& file, std::uint64_t needed)
{
    auto directory = std::filesystem::path(file).parent_path();
    struct statvfs fs {};
    if(::statvfs(directory.empty() ? "." : directory.c_str(), &fs) != 0 || fs.f_blocks == 0)
        return {}; // some network file systems do not tell
    auto const blocks = ::geteuid() == 0 ? fs.f_bfree : fs.f_bavail;
    auto const available = static_cast<std::uint64_t>(blocks) * fs.f_frsize;
    if(needed <= available)
        return {};
    return tarexport::failure{make_error_code(boost::system::errc::no_space_on_device), file,
        "the archive has " + tarexport::format_bytes(needed) + ", the disk " + tarexport::format_bytes(available) + " left"};
}

void run_save(po::variables_map const& values, std::function<tarexport::save_report(stop_on_signal&, display&)> const& save,
    std::function<std::string(tarexport::failure const&)> const& sentence)
{
    stop_on_signal signals(output_name(values));
    std::ofstream trace_file; // outlives the trace, whose last word is written when it ends
    display watching;
    if(auto const style = progress_style(values))
        watching.bar.emplace(std::cerr, *style);
    if(values.count("trace") != 0) {
        trace_file.open(values["trace"].as<std::string>());
        if(!trace_file)
            throw std::runtime_error("cannot write the trace to " + values["trace"].as<std::string>());
        watching.log.emplace(trace_file);
    }
    auto const start = std::chrono::steady_clock::now();
    auto const report = save(signals, watching);
    watching.log.reset();
    trace_file.close();
    if(!report.ok())
        give_reason(values, sentence, report.reason);
    if(values.count("trace") != 0 && !trace_file)
        throw std::runtime_error("the archive is saved, but its trace could not be written to " + values["trace"].as<std::string>());
    say_end(values, report, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

} // namespace cli
