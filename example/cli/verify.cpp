//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include "commands.hpp"
#include "options.hpp"
#include "stores.hpp"
#include "text.hpp"

#include <tarexport/detail/posix_descriptor.hpp>
#include <tarexport/verification_text.hpp>
#include <tarexport/verify.hpp>

#include <cerrno>
#include <fstream>
#include <span>
#include <sstream>
#include <variant>

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

void add(tarexport::digest_set& have, std::string_view text)
{
    if(auto const id = tarexport::parse_digest(text))
        have.insert(*id);
}

template<class Store>
void add_store(tarexport::digest_set& have, Store const& store)
{
    std::vector<tarexport::failure> unreadable;
    for(auto const& each : store.list(unreadable)) {
        auto const image = store.load(each.id);
        if(!image)
            continue;
        for(auto const& id : image->diff_ids)
            add(have, id);
        for(auto const& l : image->layers)
            have.insert(l.id);
    }
}

// A list of digests, a line each; what follows one on its line does not count.
bool add_list(tarexport::digest_set& have, std::string const& path)
{
    std::ifstream in(path);
    std::string line;
    while(in && in.peek() == '#')
        std::getline(in, line);
    std::string first(7, '\0');
    if(!in.read(first.data(), 7) || !(first.starts_with("sha256:") || first.starts_with("sha512:") || first.starts_with("sha384:")))
        return in.eof() && in.gcount() == 0; // an empty list is one
    in.seekg(-7, std::ios::cur);
    while(std::getline(in, line)) {
        if(line.empty() || line.starts_with('#'))
            continue;
        auto const id = tarexport::parse_digest(line.substr(0, line.find_first_of(" \t\r")));
        if(!id)
            throw tarexport::save_error(id.error());
        have.insert(*id);
    }
    return true;
}

// What the other side has: a store, a list, or an archive.
void add_source(tarexport::digest_set& have, std::string const& source)
{
    auto const kind = source.substr(0, source.find(':'));
    if(kind == "oci" || kind == "docker" || kind == "containers") {
        po::variables_map values;
        values.insert({"store", po::variable_value(source, false)});
        auto const opened = open_store(values);
        std::visit([&](auto const& store) { add_store(have, store); }, opened.store);
        return;
    }
    input const readable(source); // or else it says why not
    if(add_list(have, source))
        return;
    for(auto const& image : verified(source, {}).images)
        for(auto const& l : image.layers)
            if(l.good) {
                add(have, l.diff_id);
                have.insert(l.id);
            }
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
        ("have", po::value<std::vector<std::string>>(), "what the other side has, for archives that leave layers out: a store (docker:, containers:, oci:DIR), an archive, or a file with a digest on each line; may be repeated")
        ("json", "print one JSON object");
    // clang-format on
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
    for(auto const& source : list(values, "have"))
        add_source(how.have ? *how.have : how.have.emplace(), source);
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
