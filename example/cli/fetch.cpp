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
#include <tarexport/sink/file.hpp>
#include <tarexport/verification.hpp>
#include <tarexport/verify.hpp>

#include <algorithm>
#include <cstddef>
#include <iostream>
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
)";

// The bytes of a file.
class file_source {
public:
    explicit file_source(std::string const& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}

    std::size_t read_some(std::span<std::byte> into, tarexport::error_code& ec)
    {
        auto const n = tarexport::detail::uninterrupted([&] { return ::read(fd_.get(), into.data(), into.size()); });
        if(n == -1)
            ec = tarexport::detail::last_error();
        return n > 0 ? static_cast<std::size_t>(n) : 0;
    }

private:
    tarexport::detail::unique_descriptor fd_;
};

[[noreturn]] void fail(tarexport::failure const& why) { throw std::runtime_error(message(why)); }

tarexport::result<tarexport::file_sink> open_output(std::string const& path, engine::remote_archive const& archive, bool resume)
{
    tarexport::file_sink_options how;
    how.keep_partial = true;
    how.archive_size = archive.size;
    auto out = resume ? tarexport::file_sink::resume(path, archive.etag, how) : tarexport::file_sink::create(path, how);
    if(!out)
        return out;
    if(auto space = check_space(path, archive.size - out->offset()); !space)
        return space.error();
    if(auto remembered = out->remember(archive.etag); !remembered)
        return remembered.error();
    return out;
}

tarexport::result<void> write_all(tarexport::file_sink& out, tarexport::bytes_view bytes)
{
    while(!bytes.empty()) {
        tarexport::error_code ec;
        auto const n = out.write_some(bytes, ec);
        if(n == 0)
            return tarexport::failure{ec.failed() ? ec : tarexport::make_error_code(tarexport::error::sink_stalled), out.subject(), {}};
        bytes = bytes.subspan(n);
    }
    return {};
}

tarexport::failure keeping(std::string const& path, tarexport::failure why)
{
    why.detail += (why.detail.empty() ? "" : "; ") + ("what has come is kept for --resume: " + path + ".part");
    return why;
}

// What is most worth telling of an archive that is not good.
std::string worst(tarexport::verification const& v)
{
    auto const found = std::ranges::find(v.findings, tarexport::severity::error, &tarexport::finding::level);
    return found == v.findings.end() ? "no engine loads it" : found->subject + ": " + found->sentence;
}

// What is wrong with the whole file cannot be made right by going on: it goes. One that cannot be read stays for another try.
void verify_whole(std::string const& path)
{
    file_source in(path + ".part");
    auto const found = tarexport::verify_archive(in);
    if(!found)
        fail(keeping(path, found.error()));
    if(found->good())
        return;
    static_cast<void>(::unlink((path + ".part").c_str()));
    static_cast<void>(::unlink((path + ".part.etag").c_str()));
    throw std::runtime_error(path + ": what has come is no good archive: " + worst(*found));
}

} // namespace

int fetch(std::vector<std::string> const& arguments)
{
    po::options_description described("Options of fetch");
    // clang-format off
    described.add_options()
        ("help,h", "show this help")
        ("output,o", po::value<std::string>(), "the file; it appears when it is whole and verified")
        ("resume", "go on with FILE.part, if it is of the archive that the server has")
        ("quiet,q", "do not say what was done");
    // clang-format on
    auto const values = parse(arguments, described);
    if(values.count("help") != 0) {
        std::cout << about << described << examples;
        return 0;
    }
    auto const given = list(values, "name");
    if(given.size() != 1)
        throw usage_error("give one URL");
    auto const from = engine::parse_url(given[0]);
    if(!from)
        throw usage_error("cannot fetch '" + given[0] + "'; write http://127.0.0.1:PORT/images/NAME/get or http+unix://%2FSOCKET/images/NAME/get");
    if(values.count("output") == 0 || values["output"].as<std::string>() == "-")
        throw usage_error("give a file, with -o FILE");
    auto const path = values["output"].as<std::string>();
    auto const archive = engine::ask(*from);
    if(!archive)
        fail(archive.error());
    auto out = open_output(path, *archive, values.count("resume") != 0);
    if(!out)
        fail(out.error());
    auto const done = engine::download(*from, *archive, out->offset(), [&](tarexport::bytes_view bytes) { return write_all(*out, bytes); });
    if(!done)
        fail(done.error().code == tarexport::error::cannot_resume ? done.error() : keeping(path, done.error()));
    verify_whole(path);
    tarexport::error_code ec;
    out->commit(ec);
    if(ec.failed())
        fail({ec, path, "while finishing"});
    if(values.count("quiet") == 0)
        std::cerr << "tarexport: fetched " << archive->size << " bytes to " << printable(path) << ", etag " << archive->etag.str() << "\n";
    return 0;
}

} // namespace cli
