//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include "stores.hpp"
#include "commands.hpp"
#include "inflater.hpp"
#include "text.hpp"

#include <tarexport/any_inflater.hpp>
#include <tarexport/error.hpp>

#include <boost/throw_exception.hpp>

#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <unistd.h>

namespace cli {

namespace {

namespace fs = std::filesystem;

std::string docker_root() { return "/var/lib/docker"; }

// Where podman keeps the images of who runs the tool.
std::string containers_root()
{
    if(::geteuid() == 0)
        return "/var/lib/containers/storage";
    if(char const* const data = std::getenv("XDG_DATA_HOME"); data && *data == '/')
        return std::string(data) + "/containers/storage";
    char const* const home = std::getenv("HOME");
    return std::string(home ? home : "") + "/.local/share/containers/storage";
}

// The images that come with the tool: beside it where it is installed, in the source tree where it was built.
std::optional<std::string> sample_images()
{
    std::error_code ec;
    auto const tool = fs::read_symlink("/proc/self/exe", ec).parent_path();
    for(auto const* const place : {"../share/tarexport/images", "../../../example/images"})
        if(auto const images = tool / place; fs::exists(images / "oci-layout", ec))
            return images.lexically_normal().string();
    return std::nullopt;
}

template<class Store>
any_store opened(tarexport::result<Store> store)
{
    return std::move(store).value(); // throws save_error
}

// Takes `?KEY=VALUE` off the end of what stands after a store's kind, and returns the value.
std::string take_value(std::string& where, std::string const& key, char const* meaning)
{
    auto const query = where.rfind('?');
    if(query == std::string::npos)
        return {};
    auto const text = where.substr(query);
    if(!text.starts_with("?" + key + "=") || text.size() == key.size() + 2)
        throw usage_error("unknown part '" + text + "' of the store; only ?" + key + "=" + meaning + " is known");
    where.resize(query);
    return text.substr(key.size() + 2);
}

any_store open_docker(std::string where)
{
    tarexport::docker_store_options options;
    options.driver = take_value(where, "driver", "NAME");
    options.layers.inflater = tarexport::make_inflater<inflater>;
    return opened(tarexport::docker_store::open(where.empty() ? docker_root() : where, options));
}

any_store open_containers(std::string where)
{
    tarexport::containers_options options;
    options.driver = take_value(where, "driver", "NAME");
    options.layers.inflater = tarexport::make_inflater<inflater>;
    return opened(tarexport::containers_store::open(where.empty() ? containers_root() : where, options));
}

// Opens what the shell would have put the home directory into, had it known.
template<class Store>
any_store opened_at(std::string const& kind, std::string const& where, tarexport::result<Store> store)
{
    if(!store && where.starts_with('~') && store.error().code == boost::system::errc::no_such_file_or_directory)
        throw usage_error(where + ": not there; the shell puts nothing for a ~ after " + kind + ", write $HOME");
    if(!store && store.error().code == tarexport::error::invalid_reference)
        throw usage_error(message(store.error()));
    return opened(std::move(store));
}

any_store open_oci(std::string where)
{
    tarexport::oci_layout_options options;
    options.repository = take_value(where, "name", "REPOSITORY");
    if(where.empty())
        throw usage_error("--store oci: needs a directory");
    return opened_at("oci:", where, tarexport::oci_layout_store::open(where, options));
}

any_store open_archive(std::string where)
{
    tarexport::archive_options options;
    options.repository = take_value(where, "name", "REPOSITORY");
    if(where.empty())
        throw usage_error("--store archive: needs a file, or - for standard input");
    if(where == "-" && ::isatty(STDIN_FILENO) != 0)
        throw usage_error("--store archive:- reads standard input, which is a terminal; give it an archive, or write archive:FILE");
    auto store = where == "-" ? tarexport::archive_store::open(STDIN_FILENO, "standard input", options)
                              : tarexport::archive_store::open(where, options);
    if(store)
        for(auto const& remark : store->remarks())
            std::cerr << "tarexport: " << printable(store->path()) << ": " << printable(remark) << "\n";
    return opened_at("archive:", where, std::move(store));
}

constexpr char kinds[] = "oci:DIR, archive:FILE, docker:[DATA_ROOT] or containers:[GRAPH_ROOT]";

// What a `--store` that is none was probably meant to be.
std::string corrected(std::string_view url)
{
    bool const path = url.find(':') == std::string_view::npos || url.find_first_of("/.") < url.find(':');
    if(!path || url.empty())
        return kinds;
    std::error_code ec;
    return (fs::is_regular_file(fs::path(url), ec) ? "archive:" : "oci:") + std::string(url);
}

any_store open_url(std::string_view url)
{
    auto const colon = url.find(':');
    auto const kind = url.substr(0, colon);
    std::string const where(colon == std::string_view::npos ? std::string_view() : url.substr(colon + 1));
    if(colon != std::string_view::npos) {
        if(kind == "oci")
            return open_oci(where);
        if(kind == "archive")
            return open_archive(where);
        if(kind == "docker")
            return open_docker(where);
        if(kind == "containers")
            return open_containers(where);
    }
    throw usage_error("unknown kind of store '" + std::string(url) + "'; write --store " + corrected(url));
}

// The first store that is there and can be read. Of one that is there and cannot, it says why.
opened_store open_first()
{
    std::error_code ec;
    for(auto const& [kind, root] : {std::pair("docker:", docker_root()), std::pair("containers:", containers_root())}) {
        if(!fs::exists(root, ec))
            continue;
        auto const url = kind + root;
        try {
            auto store = open_url(url);
            std::cerr << "tarexport: no --store, so this one: " << printable(url) << "\n";
            return {std::move(store), url};
        }
        catch(tarexport::save_error const& e) {
            std::cerr << "tarexport: " << printable(e.what()) << "\n";
        }
    }
    auto const sample = sample_images();
    if(!sample)
        throw usage_error(std::string("which store? Give --store ") + kinds + "; the engines' own are not here");
    std::cerr << "tarexport: no --store, and no engine's store to read, so the sample images: oci:" << printable(*sample) << "\n";
    return {open_oci(*sample), "oci:" + *sample};
}

} // namespace

bool is_store_url(std::string_view text)
{
    auto const kind = text.substr(0, text.find(':'));
    return kind.size() != text.size() && (kind == "oci" || kind == "archive" || kind == "docker" || kind == "containers");
}

opened_store open_source(std::string const& text)
{
    std::error_code ec;
    auto const url = is_store_url(text) ? text : (fs::is_directory(text, ec) ? "oci:" : "archive:") + text;
    return {open_url(url), url};
}

opened_store open_store(boost::program_options::variables_map const& values)
{
    if(values.count("store") == 0)
        return open_first();
    auto const& url = values["store"].as<std::string>();
    return {open_url(url), url};
}

std::vector<std::string> bare_tags(any_store const& store)
{
    return std::visit(
        [](auto const& s) {
            if constexpr(requires { s.bare_tags(); })
                return s.bare_tags();
            else
                return std::vector<std::string>();
        },
        store);
}

std::string sentence(opened_store const& from, tarexport::failure const& why)
{
    auto text = message(why);
    if(why.code != tarexport::condition::not_found || why.code == tarexport::error::unknown_platform)
        return text;
    return text + ": tarexport ls --store '" + from.url + (bare_tags(from.store).empty() ? "'" : "?name=REPOSITORY'");
}

} // namespace cli
