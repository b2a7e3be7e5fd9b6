//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include "have.hpp"
#include "commands.hpp"
#include "options.hpp"
#include "stores.hpp"
#include "text.hpp"

#include <tarexport/have.hpp>

#include <boost/throw_exception.hpp>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <memory>
#include <optional>
#include <sys/wait.h>
#include <variant>

namespace cli {

namespace {

constexpr char help[] = R"(tarexport have [OPTIONS] STORE [NAME...]
Prints what a store has of images, all of them unless some are named: a list of digests, one a line, for `save --have`.

Of docker: and containers: these are the chain IDs of layers, by which engines find what they have unpacked; of oci: and archive: the digests and diff IDs
of layers that are there.

)";

constexpr char examples[] = R"(
Examples:
  tarexport have docker: > there.txt
  tarexport save --store docker: --have there.txt -o app.tar app:1.1
  tarexport save --store docker: --have-from 'ssh host tarexport have docker:' app:1.1 | ssh host docker load
)";

template<class T>
T value_of(tarexport::result<T> r)
{
    return std::move(r).value(); // throws save_error
}

// The images that a name stands for.
template<class Store>
void find_images(Store const& store, std::string const& text, std::vector<tarexport::digest>& ids)
{
    using namespace tarexport;
    auto const meaning = [&] {
        if constexpr(parses_names<Store>)
            return value_of(store.parse_name(text)).meaning;
        else
            return value_of(parse_image_name(text)).meaning;
    }();
    if(auto const* const id = std::get_if<digest>(&meaning))
        ids.push_back(*id);
    else if(auto const* const prefix = std::get_if<id_prefix>(&meaning))
        ids.push_back(value_of(store.search(prefix->text)));
    else if(auto const* const ref = std::get_if<reference>(&meaning))
        ids.push_back(value_of(store.lookup(*ref)));
    else if(auto const* const repository = std::get_if<repository_name>(&meaning)) {
        auto const references = value_of(store.by_name(repository->base));
        for(auto const& r : references)
            ids.push_back(value_of(store.lookup(r)));
        if(references.empty())
            ids.push_back(value_of(store.search(text)));
    }
}

tarexport::digest_set list_of(opened_store const& opened, std::vector<std::string> const& names)
{
    return std::visit(
        [&](auto const& store) {
            if(names.empty())
                return value_of(tarexport::known_layers(store));
            std::vector<tarexport::digest> ids;
            for(auto const& name : names)
                find_images(store, name, ids);
            return value_of(tarexport::known_layers(store, ids));
        },
        opened.store);
}

// Reads to the end, or a little more than a list may have.
std::string read_all(std::FILE* from, std::string const& what)
{
    std::string text;
    std::array<char, 65536> buffer;
    while(text.size() <= tarexport::digest_list_limits{}.bytes) {
        auto const n = std::fread(buffer.data(), 1, buffer.size(), from);
        text.append(buffer.data(), n);
        if(n == 0)
            break;
    }
    if(std::ferror(from) != 0)
        throw std::runtime_error(what + ": " + std::strerror(errno));
    return text;
}

tarexport::digest_set parse_list(std::string const& text, std::string const& what)
{
    auto list = tarexport::parse_digest_list(text);
    if(!list)
        throw std::runtime_error(what + ": " + message(list.error()));
    return std::move(*list);
}

struct close_file {
    void operator()(std::FILE* f) const { std::fclose(f); }
};

// A list, where a file begins as one.
std::optional<tarexport::digest_set> read_list(std::string const& path)
{
    std::unique_ptr<std::FILE, close_file> const file(std::fopen(path.c_str(), "re"));
    if(!file)
        return std::nullopt; // the store will say why
    int const first = std::fgetc(file.get());
    if(first != '#' && first != 's' && first != '\n' && first != EOF)
        return std::nullopt;
    std::string text = first == EOF ? std::string() : std::string(1, static_cast<char>(first));
    text += read_all(file.get(), path);
    if(!text.starts_with("sha") && !text.starts_with('#') && !text.starts_with('\n') && !text.empty())
        return std::nullopt;
    return parse_list(text, path);
}

tarexport::digest_set read_source(std::string const& source)
{
    if(source == "-")
        return parse_list(read_all(stdin, "standard input"), "standard input");
    if(!is_store_url(source))
        if(auto list = read_list(source))
            return std::move(*list);
    return list_of(open_source(source), {});
}

tarexport::digest_set run(std::string const& command)
{
    // A shell, because the command is what the user would type there.
    std::FILE* const out = ::popen(command.c_str(), "re");
    if(out == nullptr)
        throw std::runtime_error("--have-from: " + std::string(std::strerror(errno)));
    std::string text;
    try {
        text = read_all(out, command);
    }
    catch(...) {
        ::pclose(out);
        throw;
    }
    int const status = ::pclose(out);
    if(status != 0)
        throw std::runtime_error("--have-from: '" + command + "' ended with " +
            (WIFEXITED(status) ? "exit code " + std::to_string(WEXITSTATUS(status)) : std::string("a signal")) +
            "; without its list it is not known what they have");
    return parse_list(text, "--have-from");
}

} // namespace

void add_have_options(po::options_description& described)
{
    // clang-format off
    described.add_options()
        ("have", po::value<std::vector<std::string>>(), "what the other side has of a thin archive's layers: a store (docker:, oci:DIR, ..), an archive, or a list from `tarexport have`; may be repeated")
        ("have-from", po::value<std::vector<std::string>>(), "the same, told by what this command prints: 'ssh host tarexport have docker:'");
    // clang-format on
}

tarexport::digest_set what_they_have(po::variables_map const& values)
{
    std::vector<tarexport::digest> all;
    auto const add = [&](tarexport::digest_set const& some) { all.insert(all.end(), some.begin(), some.end()); };
    for(auto const& source : list(values, "have"))
        add(read_source(source));
    for(auto const& command : list(values, "have-from"))
        add(run(command));
    return tarexport::digest_set(std::move(all));
}

int have(std::vector<std::string> const& arguments)
{
    po::options_description described("Options of have");
    described.add_options()("help,h", "show this help");
    auto const values = parse(arguments, described);
    if(values.count("help") != 0) {
        std::cout << help << described << examples;
        return 0;
    }
    auto names = list(values, "name");
    if(names.empty())
        throw usage_error("of which store? Write tarexport have docker:, for instance");
    auto const opened = open_source(names.front());
    names.erase(names.begin());
    try {
        std::cout << tarexport::render_digest_list(list_of(opened, names)) << std::flush;
    }
    catch(tarexport::save_error const& e) {
        throw std::runtime_error(sentence(opened, e.reason()));
    }
    return 0;
}

} // namespace cli
