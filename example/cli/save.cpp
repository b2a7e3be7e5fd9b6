//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include "commands.hpp"
#include "options.hpp"
#include "resume.hpp"
#include "signals.hpp"
#include "stores.hpp"

#include <tarexport/observer/progress.hpp>
#include <tarexport/observer/trace.hpp>
#include <tarexport/saver.hpp>
#include <tarexport/sink/fd.hpp>
#include <tarexport/sink/file.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <system_error>
#include <unistd.h>
#include <variant>

namespace cli {

namespace {

// What the tool watches a save with: a progress display, a trace, both or neither.
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

struct tool_policy {
    tarexport::docker_layout layout;
    using hashes = tarexport::hash_set<tarexport::sha256, tarexport::sha384, tarexport::sha512>;
    display& observer;
};

constexpr char examples[] = R"(
The name may be left out where the store has one image. Every layer is compared with its digest while it passes; an archive
that fails stops inside an entry, so that readers notice, and the exit code is 1.

Examples:
  tarexport save --store docker: -o app.tar app:1.0                      what docker save writes, without the daemon
  tarexport save --store oci:/srv/images -o app.tar app:1.0 base:2       two images, which share what they have in common
  tarexport save --store oci:/srv/images app:1.0=internal/app:test | docker load
  tarexport save --store oci:/srv/images -o app.tar --keep-partial app:1.0
  tarexport save --store oci:/srv/images -o app.tar --resume app:1.0     goes on where that one stopped
)";

po::options_description options()
{
    po::options_description described("Options of save");
    // clang-format off
    described.add_options()
        ("help,h", "show this help")
        ("store", po::value<std::string>(), store_help)
        ("output,o", po::value<std::string>()->default_value("-"), "the archive; - is standard output. FILE appears only when it is whole: until then it is FILE.part")
        ("layout", po::value<std::string>()->default_value("docker"), "how the archive is laid out: docker, as docker save writes it")
        ("platform", po::value<std::vector<std::string>>(), "of images for several platforms, the one to save: linux/arm64 (default: this machine's)")
        ("all", "all images of the store")
        ("no-verify", "do not hash the layers while they pass; sizes are still checked")
        ("no-sync", "do not wait until FILE is on the disk")
        ("keep-partial", "when the save fails, leave FILE.part, for --resume")
        ("resume", "go on with FILE.part of a save that failed, if it is of the same archive")
        ("offset", po::value<std::int64_t>(), "begin at this byte of the archive; only to standard output")
        ("progress", po::value<std::string>()->default_value("auto"), "bar, lines, none, or auto: a bar on a terminal, otherwise lines")
        ("trace", po::value<std::string>(), "write what takes how long to this file, for a Chrome trace viewer")
        ("quiet,q", "say nothing but errors");
    // clang-format on
    return described;
}

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

// A file that is not there yet has no other names: so this is asked again when the output is open.
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

void check(po::variables_map const& values)
{
    bool const to_stdout = values["output"].as<std::string>() == "-";
    if(values["output"].as<std::string>().empty())
        throw usage_error("-o needs a file name");
    if(values["layout"].as<std::string>() != "docker")
        throw usage_error("unknown layout '" + values["layout"].as<std::string>() + "'; the one there is is docker");
    if(to_stdout && ::isatty(1))
        throw usage_error("an archive is nothing for a terminal; write -o FILE, or redirect standard output");
    if(to_stdout && is_one_output(status_of(1), status_of(2)))
        throw usage_error("standard error goes where the archive goes, and would spoil it; write -o FILE, or send standard error elsewhere");
    check_trace(values);
    if(!to_stdout && values.count("offset") != 0)
        throw usage_error("--offset is for standard output; to go on with a file, write --resume");
    if(values.count("offset") != 0 && values["offset"].as<std::int64_t>() < 0)
        throw usage_error("--offset counts from the beginning of the archive, and is not negative");
    if(to_stdout && (values.count("resume") != 0 || values.count("keep-partial") != 0))
        throw usage_error("--resume and --keep-partial are for -o FILE; to standard output, write --offset N");
}

void choose_display(po::variables_map const& values, display& d)
{
    auto const mode = values["progress"].as<std::string>();
    if(mode != "auto" && mode != "bar" && mode != "lines" && mode != "none")
        throw usage_error("--progress is bar, lines, none or auto, not '" + mode + "'");
    if(mode == "none" || values.count("quiet") != 0)
        return;
    bool const bar = mode == "bar" || (mode == "auto" && ::isatty(2));
    d.bar.emplace(std::cerr, bar ? tarexport::progress::style::bar : tarexport::progress::style::lines);
}

// Fails before the first byte where the archive cannot fit.
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

// Goes back to where the layer begins that the partial file ends in, unless its bytes are those of the store.
template<class Handle>
tarexport::result<void> trust_only_what_is_right(
    tarexport::prepared_archive<Handle> const& archive, tarexport::file_sink& out, std::stop_token const& stop)
{
    auto const& plan = archive.contents;
    auto const n = plan.find(out.offset());
    if(n == plan.count() || plan.entry(n).kind != tarexport::entry_kind::layer || out.offset() <= plan.entry(n).data)
        return {};
    auto const right = agrees(archive, n, out.subject() + ".part", out.offset(), stop);
    if(!right)
        return right.error();
    tarexport::error_code ec;
    if(!*right)
        out.cut(plan.entry(n).data, ec);
    return ec ? tarexport::result<void>(tarexport::failure{ec, out.subject(), "cutting the partial file"}) : tarexport::result<void>();
}

template<class Handle>
tarexport::result<tarexport::file_sink> open_file(
    po::variables_map const& values, tarexport::prepared_archive<Handle> const& archive, tarexport::write_options& how)
{
    auto const& plan = archive.contents;
    auto const path = values["output"].as<std::string>();
    tarexport::file_sink_options options;
    options.sync = values.count("no-sync") == 0;
    options.keep_partial = values.count("keep-partial") != 0 || values.count("resume") != 0;
    options.archive_size = plan.size();
    bool const resume = values.count("resume") != 0;
    auto out = resume ? tarexport::file_sink::resume(path, plan.etag(), options) : tarexport::file_sink::create(path, options);
    if(!out)
        return out;
    check_trace(values);
    if(resume) {
        if(auto trusted = trust_only_what_is_right(archive, *out, how.stop); !trusted)
            return trusted.error();
        how.range.first = out->offset();
        if(how.verification == tarexport::verify::covered)
            how.verification = tarexport::verify::whole;
    }
    if(auto space = check_space(path, plan.size() - how.range.first); !space)
        return space.error();
    if(auto remembered = out->remember(plan.etag()); !remembered)
        return remembered.error();
    return out;
}

void say_end(po::variables_map const& values, tarexport::save_report const& report, double seconds)
{
    if(values.count("quiet") != 0)
        return;
    auto const to = values["output"].as<std::string>();
    auto const rate = seconds > 0 ? static_cast<double>(report.bytes) / seconds : 0;
    std::cerr << "saved " << tarexport::format_bytes(report.bytes) << (to == "-" ? std::string() : " to " + printable(to)) << " ("
              << tarexport::format_bytes(static_cast<std::uint64_t>(rate)) << "/s), " << report.layers_verified << " layers verified"
              << (report.layers_unverified != 0 ? ", " + std::to_string(report.layers_unverified) + " not" : std::string())
              << ", etag " << report.etag << std::endl;
}

// Throws the reason, with what the user may want to know of the output.
[[noreturn]] void give_reason(po::variables_map const& values, opened_store const& from, tarexport::failure why)
{
    auto const to = values["output"].as<std::string>();
    if(why.subject.empty())
        why.subject = output_name(values);
    auto text = sentence(from, why);
    bool const may_be_kept = values.count("keep-partial") != 0 || values.count("resume") != 0;
    if(may_be_kept && why.code != tarexport::error::cannot_resume && std::filesystem::is_regular_file(to + ".part") &&
        std::filesystem::is_regular_file(to + ".part.etag"))
        text += "; " + to + ".part is kept, repeat the command with --resume to go on";
    throw std::runtime_error(text);
}

template<class Store>
tarexport::save_report save_from(Store const& store, po::variables_map const& values, stop_on_signal& signals, display& watching)
{
    tarexport::save_options how;
    how.platforms = platforms(values);
    how.stop = signals.token();
    how.verification = values.count("no-verify") != 0 ? tarexport::verify::never : tarexport::verify::covered;
    tarexport::saver<Store, tool_policy> saver(store, {{}, watching});
    auto const requested = names(values, store);
    if(values["output"].as<std::string>() == "-") {
        if(values.count("offset") != 0)
            how.range.first = static_cast<std::uint64_t>(values["offset"].as<std::int64_t>());
        tarexport::fd_sink out(1);
        return saver.save(requested, out, how);
    }
    return saver.save_to(requested, how, [&](auto const& archive, tarexport::write_options& o) {
        if(!signals.begin_file())
            return tarexport::result<tarexport::file_sink>(tarexport::failure{tarexport::error::cancelled, {}, {}});
        return open_file(values, archive, o);
    });
}

} // namespace

int save(std::vector<std::string> const& arguments)
{
    auto const described = options();
    auto const values = parse(arguments, described);
    if(values.count("help") != 0) {
        std::cout << "tarexport save [OPTIONS] NAME[=AS]...\nSaves images to one tar archive that docker load, podman load and others read.\n\n"
                  << described << examples;
        return 0;
    }
    check(values);
    stop_on_signal signals(output_name(values));
    std::ofstream trace_file; // outlives the trace, whose last word is written when it ends
    display watching;
    choose_display(values, watching);
    if(values.count("trace") != 0) {
        trace_file.open(values["trace"].as<std::string>());
        if(!trace_file)
            throw std::runtime_error("cannot write the trace to " + values["trace"].as<std::string>());
        watching.log.emplace(trace_file);
    }
    auto const opened = open_store(values);
    auto const start = std::chrono::steady_clock::now();
    auto const report = std::visit([&](auto const& store) { return save_from(store, values, signals, watching); }, opened.store);
    watching.log.reset();
    trace_file.close();
    if(!report.ok())
        give_reason(values, opened, report.reason);
    if(values.count("trace") != 0 && !trace_file)
        throw std::runtime_error("the archive is saved, but its trace could not be written to " + values["trace"].as<std::string>());
    say_end(values, report, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    return 0;
}

} // namespace cli
