//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include "commands.hpp"
#include "have.hpp"
#include "options.hpp"
#include "text.hpp"

#include <tarexport/detail/posix_descriptor.hpp>
#include <tarexport/detail/posix_file.hpp>
#include <tarexport/verification_text.hpp>
#include <tarexport/verify.hpp>

#include <cstdint>
#include <span>
#include <sstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cli {

namespace {

// What can be read from front to back: a pipe, a device.
class stream_input {
public:
    explicit stream_input(int fd) : fd_(fd)
    {
#ifdef F_SETPIPE_SZ
        ::fcntl(fd, F_SETPIPE_SZ, 1 << 20); // so that writer and reader wait for each other less often; if it is no pipe, nothing is lost
#endif
    }

    std::size_t read_some(std::span<std::byte> into, tarexport::error_code& ec)
    {
        auto const n = tarexport::detail::uninterrupted([&] { return ::read(fd_, into.data(), into.size()); });
        if(n == -1)
            ec = tarexport::detail::last_error();
        return n > 0 ? static_cast<std::size_t>(n) : 0;
    }

private:
    int fd_;
};

// What can be read anywhere.
class file_input {
public:
    file_input(int fd, std::uint64_t size) : fd_(fd), size_(size) {}

    std::uint64_t size() const { return size_; }

    std::size_t read_at(std::span<std::byte> into, std::uint64_t offset, tarexport::error_code& ec) const
    {
        return tarexport::detail::read_some_at(fd_, into, offset, ec);
    }

    std::size_t read_some(std::span<std::byte> into, tarexport::error_code& ec)
    {
        auto const n = read_at(into, at_, ec);
        at_ += n;
        return n;
    }

private:
    int fd_;
    std::uint64_t size_;
    std::uint64_t at_ = 0;
};

tarexport::result<tarexport::verification> verified(int fd, tarexport::verify_options const& how)
{
    struct stat s;
    if(::fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && ::lseek(fd, 0, SEEK_CUR) == 0) {
        file_input in(fd, static_cast<std::uint64_t>(s.st_size));
        return tarexport::verify_archive(in, how);
    }
    stream_input in(fd);
    return tarexport::verify_archive(in, how);
}

tarexport::verification verified(std::string const& path, tarexport::verify_options const& how)
{
    tarexport::detail::unique_descriptor own;
    if(path != "-") {
        auto const fd = tarexport::detail::uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); });
        own = tarexport::detail::unique_descriptor(fd);
        if(!own)
            throw tarexport::save_error({tarexport::detail::last_error(), path, {}});
    }
    auto found = verified(own ? own.get() : 0, how);
    if(!found) {
        auto why = found.error();
        why.subject = path == "-" ? "standard input" : path;
        throw tarexport::save_error(why);
    }
    return *std::move(found);
}

void print_lines(std::string const& text)
{
    std::istringstream lines(text);
    for(std::string line; std::getline(lines, line);)
        std::cout << printable(line) << "\n";
}

} // namespace

int verify(std::vector<std::string> const& arguments)
{
    po::options_description described("Options of verify");
    // clang-format off
    described.add_options()
        ("help,h", "show this help")
        ("json", "print one JSON object")
        ("jobs,j", po::value<std::size_t>()->default_value(2), "threads that hash at once")
        ("digest", "tell the sha256 of the archive, too; takes about twice as long");
    // clang-format on
    add_have_options(described);
    auto const values = parse(arguments, described);
    if(values.count("help") != 0) {
        std::cout << "tarexport verify [OPTIONS] ARCHIVE|-\nReads an archive once, and tells what is wrong with it and which engines load it.\n"
                     "Exit codes: 0 good, 1 with errors or not read, 2 wrong usage.\n\n"
                  << described;
        return 0;
    }
    auto const archives = list(values, "name");
    if(archives.size() != 1)
        throw usage_error("give one archive, or - for standard input");
    tarexport::verify_options how;
    if(values.count("have") != 0 || values.count("have-from") != 0)
        how.have = what_they_have(values);
    how.jobs = values["jobs"].as<std::size_t>();
    if(how.jobs == 0)
        throw usage_error("--jobs takes a number from 1 on");
    how.archive_digest = values.count("digest") != 0;
    auto const found = verified(archives[0], how);
    if(values.count("json") != 0)
        std::cout << to_json(found) << "\n";
    else
        print_lines(to_text(found));
    return found.good() ? 0 : 1;
}

} // namespace cli
