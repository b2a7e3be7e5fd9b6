//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include "../engine/client.hpp"
#include "../engine/url.hpp"
#include "commands.hpp"
#include "options.hpp"
#include "output.hpp"

#include <tarexport/detail/posix_descriptor.hpp>
#include <tarexport/error.hpp>
#include <tarexport/observer.hpp>
#include <tarexport/observer/progress.hpp>
#include <tarexport/sink/file.hpp>
#include <tarexport/verification.hpp>
#include <tarexport/verify.hpp>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace cli {

namespace {

constexpr char about[] = R"(tarexport fetch [OPTIONS] URL
Gets an archive from a server on this machine, tarexport serve, and verifies it before it appears under its name. A connection
that broke leaves what had come, and --resume goes on there.

)";

constexpr char examples[] = R"(
Examples:
  tarexport fetch -o app.tar http://127.0.0.1:8080/images/app:1.0/get
  tarexport fetch -o app.tar --resume http+unix://%2Ftmp%2Fimages.sock/images/app:1.0/get
  tarexport fetch -o app.tar --jobs 8 http://127.0.0.1:8080/images/app:1.0/get
)";

// The bytes of a file.
class file_source {
public:
    explicit file_source(int fd) : fd_(fd) {}

    std::size_t read_some(std::span<std::byte> into, tarexport::error_code& ec)
    {
        auto const n = tarexport::detail::uninterrupted([&] { return ::read(fd_.get(), into.data(), into.size()); });
        if(n == -1)
            ec = tarexport::detail::last_error();
        return n > 0 ? static_cast<std::size_t>(n) : 0;
    }

    bool is_open() const noexcept { return fd_.get() != -1; }

private:
    tarexport::detail::unique_descriptor fd_;
};

[[noreturn]] void fail(tarexport::failure const& why) { throw std::runtime_error(message(why)); }

// With one job, what is there is always what --resume goes on by. With several it has holes: nothing may go on by it until they are filled.
tarexport::result<tarexport::file_sink> open_output(
    std::string const& path, engine::remote_archive const& archive, bool resume, bool in_order)
{
    tarexport::file_sink_options how;
    how.keep_partial = true;
    how.archive_size = archive.size;
    auto out = resume ? tarexport::file_sink::resume(path, archive.etag, how) : tarexport::file_sink::create(path, how);
    if(!out)
        return out;
    if(auto space = check_space(path, archive.size - out->offset()); !space)
        return space.error();
    if(auto reserved = out->reserve(archive.size); !reserved)
        return reserved.error();
    if(auto prepared = in_order ? tarexport::result<void>() : out->forget(); !prepared)
        return prepared.error();
    return out;
}

tarexport::result<void> write_all(tarexport::file_sink& out, std::uint64_t position, tarexport::bytes_view bytes)
{
    while(!bytes.empty()) {
        tarexport::error_code ec;
        auto const n = out.write_at(position, {&bytes, 1}, ec);
        if(n == 0)
            return tarexport::failure{ec.failed() ? ec : tarexport::make_error_code(tarexport::error::sink_stalled), out.subject(), {}};
        position += n;
        bytes = bytes.subspan(n);
    }
    return {};
}

tarexport::failure keeping(std::string const& path, tarexport::failure why)
{
    why.detail += (why.detail.empty() ? "" : "; ") + ("what has come is kept for --resume: " + path + ".part");
    return why;
}

tarexport::failure losing(tarexport::failure why, std::string const& reason)
{
    why.detail += (why.detail.empty() ? "" : "; ") + ("what has come is lost: " + reason);
    return why;
}

// Gets what is missing, and leaves the file whole, or as --resume can go on with it. Returns whether it can if the whole file cannot be finished.
tarexport::result<void> get(engine::url const& from, engine::remote_archive const& archive, engine::client_options const& how, tarexport::file_sink& out,
    std::optional<tarexport::progress>& bar)
{
    auto const path = out.subject();
    auto const first = out.offset();
    auto const total = archive.size - first;
    bool const in_order = how.jobs == 1;
    std::uint64_t sum = 0;
    auto const show = [&](tarexport::event const& e) {
        if(bar)
            (*bar)(e);
    };
    show(tarexport::archive_planned{total, 0, archive.etag});
    auto const done = engine::download(from, archive, first, how, [&](std::uint64_t position, tarexport::bytes_view bytes) {
        auto written = in_order && sum == 0 ? out.remember(archive.etag) : tarexport::result<void>();
        if(written)
            written = write_all(out, position - first, bytes);
        if(written)
            show(tarexport::bytes_written{bytes.size(), sum += bytes.size(), total});
        return written;
    });
    auto const kept = in_order || done.prefix == 0 ? tarexport::result<void>() : out.remember(archive.etag, done.prefix);
    if(done.outcome) {
        show(tarexport::archive_saved{sum, archive.etag});
        return kept;
    }
    auto const& why = done.outcome.error();
    show(tarexport::save_failed{why});
    if(!kept)
        fail(losing(why, message(kept.error())));
    if(done.prefix == 0 && sum != 0)
        fail(losing(why, "the first byte is not there"));
    fail(done.prefix != 0 && why.code != tarexport::error::cannot_resume ? keeping(path, why) : why);
}

// What is most worth telling of an archive that is not good.
std::string worst(tarexport::verification const& v)
{
    auto const found = std::ranges::find(v.findings, tarexport::severity::error, &tarexport::finding::level);
    return found == v.findings.end() ? "no engine loads it" : found->subject + ": " + found->sentence;
}

// What is wrong with the whole file cannot be made right by going on: it goes. One that cannot be read, or is too much to read, stays for another try.
void verify_whole(file_source& in, std::string const& path, tarexport::result<void> const& kept)
{
    auto const found = tarexport::verify_archive(in);
    if(!found)
        fail(kept ? keeping(path, found.error()) : losing(found.error(), message(kept.error())));
    if(found->good())
        return;
    if(auto const limit = std::ranges::find(found->findings, tarexport::finding_code::limit, &tarexport::finding::code); limit != found->findings.end()) {
        tarexport::failure const why{tarexport::error::limit_exceeded, path,
            "it cannot be verified as a whole: " + limit->subject + ": " + limit->sentence};
        if(!kept)
            fail(losing(why, message(kept.error())));
        auto stays = keeping(path, why);
        stays.detail += ", which with --no-verify lets it appear as it is";
        fail(stays);
    }
    static_cast<void>(::unlink((path + ".part").c_str()));
    static_cast<void>(::unlink((path + ".part.etag").c_str()));
    throw std::runtime_error(path + ": what has come is no good archive: " + worst(*found));
}

po::options_description options()
{
    po::options_description described("Options of fetch");
    // clang-format off
    described.add_options()
        ("help,h", "show this help")
        ("output,o", po::value<std::string>(), "the file; it appears when it is whole and verified")
        ("resume", "go on with FILE.part, if there is one and it is of the archive that the server has")
        ("no-verify", "let the file appear when it is whole, without a look at what is in it")
        ("jobs,j", po::value<int>(), "how many connections at once, 1 to 64, each for another part (default: 1); "
                                     "if it is killed with several, --resume has nothing to go on with")
        ("stall-timeout", po::value<std::uint32_t>()->default_value(60), "seconds for the server to answer, and then to send each 64 KiB of a part")
        ("progress", po::value<std::string>()->default_value("auto"), "bar, lines, none, or auto: a bar on a terminal, otherwise lines")
        ("quiet,q", "do not say what was done");
    // clang-format on
    return described;
}

engine::url source(po::variables_map const& values)
{
    auto const given = list(values, "name");
    if(given.size() != 1)
        throw usage_error("give one URL");
    auto const from = engine::parse_url(given[0]);
    if(!from)
        throw usage_error("cannot fetch '" + given[0] +
            "'; write http://127.0.0.1:PORT/images/NAME/get or http+unix://%2FSOCKET/images/NAME/get");
    return *from;
}

} // namespace

int fetch(std::vector<std::string> const& arguments)
{
    auto const described = options();
    auto const values = parse(arguments, described);
    if(values.count("help") != 0) {
        std::cout << about << described << examples;
        return 0;
    }
    auto const from = source(values);
    if(values.count("output") == 0 || values["output"].as<std::string>() == "-")
        throw usage_error("give a file, with -o FILE");
    auto const path = values["output"].as<std::string>();
    engine::client_options const how{values.count("jobs") != 0 ? jobs(values) : 1, seconds(values, "stall-timeout")};
    std::optional<tarexport::progress> bar;
    if(auto const style = progress_style(values))
        bar.emplace(std::cerr, *style);
    // Nobody may be reading our messages any more; that is no reason to leave a file half written.
    std::signal(SIGPIPE, SIG_IGN);
    auto const archive = engine::ask(from, how);
    if(!archive)
        fail(archive.error());
    bool const resume = resumes(values);
    auto out = open_output(path, *archive, resume, how.jobs == 1);
    if(!out)
        fail(out.error());
    tell_if_anew(values, resume);
    // A file that cannot be verified later need not be fetched.
    file_source whole(values.count("no-verify") != 0 ? -1 : ::open((path + ".part").c_str(), O_RDONLY | O_CLOEXEC));
    if(values.count("no-verify") == 0 && !whole.is_open())
        fail({tarexport::detail::last_error(), path + ".part", "opening it to verify it"});
    auto const kept = get(from, *archive, how, *out, bar);
    if(whole.is_open())
        verify_whole(whole, path, kept);
    tarexport::error_code ec;
    out->commit(ec);
    if(ec.failed())
        fail(kept ? tarexport::failure{ec, path, "while finishing"} : losing({ec, path, "while finishing"}, message(kept.error())));
    if(values.count("quiet") == 0)
        std::cerr << "tarexport: fetched " << archive->size << " bytes to " << printable(path) << ", etag " << archive->etag.str() << "\n";
    return 0;
}

} // namespace cli
