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
#include <tarexport/verification_text.hpp>
#include <tarexport/verify.hpp>

#include <cerrno>
#include <span>
#include <sstream>

#include <fcntl.h>
#include <unistd.h>

namespace cli {

namespace {

// A file, a pipe or whatever else can be read from front to back.
class input {
public:
    explicit input(std::string const& path)
        : own_(path == "-" ? -1 : tarexport::detail::uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); }))
        , fd_(path == "-" ? 0 : own_.get())
    {
        if(fd_ == -1)
            throw tarexport::save_error({tarexport::detail::last_error(), path, {}});
    }

    std::size_t read_some(std::span<std::byte> into, tarexport::error_code& ec)
    {
        auto const n = tarexport::detail::uninterrupted([&] { return ::read(fd_, into.data(), into.size()); });
        if(n == -1)
            ec = tarexport::detail::last_error();
        return n > 0 ? static_cast<std::size_t>(n) : 0;
    }

private:
    tarexport::detail::unique_descriptor own_;
    int fd_;
};

tarexport::verification verified(std::string const& path, tarexport::verify_options const& how)
{
    input in(path);
    auto found = tarexport::verify_archive(in, how);
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
        ("json", "print one JSON object");
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
    auto const found = verified(archives[0], how);
    if(values.count("json") != 0)
        std::cout << to_json(found) << "\n";
    else
        print_lines(to_text(found));
    std::cout << std::flush;
    if(!std::cout)
        throw std::runtime_error("cannot write to standard output");
    return found.good() ? 0 : 1;
}

} // namespace cli
