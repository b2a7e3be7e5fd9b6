//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include "serve.hpp"
#include "../engine/server.hpp"
#include "commands.hpp"
#include "options.hpp"
#include "stores.hpp"
#include "text.hpp"

#include <tarexport/timestamp.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <variant>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

namespace cli {

namespace {

constexpr char about[] = R"(tarexport serve [OPTIONS]
Answers as a Docker engine that has the images of a store and nothing else: docker images, inspect, history and save work with it,
and so do curl and browsers. What is saved is what tarexport save writes. Nothing is changed in the store.

)";

constexpr char examples[] = R"(
Whoever can reach the server can read all images of the store: a UNIX socket is for your user alone, a port is for all users of this
machine. SIGTERM ends the server when what is on its way has been sent, at the latest after --drain-timeout.

Examples:
  tarexport serve --store docker: --listen unix:/tmp/images.sock
  DOCKER_HOST=unix:///tmp/images.sock docker save -o app.tar app:1.0
  tarexport serve --store oci:/srv/images --listen tcp:127.0.0.1:8080
  curl -C - -o app.tar http://127.0.0.1:8080/images/app:1.0/get       goes on where it was cut
)";

po::options_description options()
{
    po::options_description described("Options of serve");
    // clang-format off
    described.add_options()
        ("help,h", "show this help")
        ("store", po::value<std::string>(), store_help)
        ("listen", po::value<std::vector<std::string>>(),
            "where: unix:PATH, for your user alone, or tcp:127.0.0.1:PORT or tcp:[::1]:PORT, with any free port for 0; may be repeated (default: tarexport.sock in XDG_RUNTIME_DIR, or in /run for root)")
        ("http-compress", "send archives as gzip to clients that take it, as curl --compressed does; docker does too over TCP; what they get has no length and no ranges")
        ("max-saves", po::value<std::size_t>()->default_value(256), "archives that are sent at once; more are told to come again")
        ("max-connections", po::value<std::size_t>()->default_value(1024), "connections at once; more wait, or take the place of one that asks nothing")
        ("threads", po::value<std::size_t>()->default_value(4), "threads that read the store")
        ("header-timeout", po::value<std::uint32_t>()->default_value(10), "seconds in which a request is to come")
        ("idle-timeout", po::value<std::uint32_t>()->default_value(60), "seconds for which a connection is kept without a request")
        ("stall-timeout", po::value<std::uint32_t>()->default_value(60), "seconds in which a client is to take 64 KiB")
        ("drain-timeout", po::value<std::uint32_t>()->default_value(30), "seconds for what is on its way when the server is to end")
        ("quiet,q", "log no requests");
    // clang-format on
    return described;
}

std::string default_address()
{
    if(char const* const folder = std::getenv("XDG_RUNTIME_DIR"); folder && *folder == '/')
        return "unix:" + std::string(folder) + "/tarexport.sock";
    if(::geteuid() == 0)
        return "unix:/run/tarexport.sock";
    throw usage_error("where to listen? Give --listen unix:PATH; there is no XDG_RUNTIME_DIR");
}

std::vector<engine::listen_address> addresses(po::variables_map const& values)
{
    auto texts = list(values, "listen");
    if(texts.empty())
        texts.push_back(default_address());
    std::vector<engine::listen_address> all;
    for(auto const& text : texts) {
        auto const a = engine::parse_listen_address(text);
        if(!a)
            throw usage_error("cannot listen on '" + text + "'; write unix:PATH, tcp:127.0.0.1:PORT or tcp:[::1]:PORT");
        if(a->path.size() > 100)
            throw usage_error("the path of a UNIX socket has at most 100 bytes: " + a->path);
        all.push_back(*a);
    }
    return all;
}

std::size_t number(po::variables_map const& values, char const* option, std::size_t most)
{
    auto const n = values[option].as<std::size_t>();
    if(n == 0 || n > most)
        throw usage_error("--" + std::string(option) + " is from 1 to " + std::to_string(most));
    return n;
}

// One write for a line: threads may log at once.
void log(std::string_view what)
{
    auto const time = tarexport::to_rfc3339({std::time(nullptr), 0, 0});
    auto const line = (time ? *time : std::string()) + " " + printable(what) + "\n";
    [[maybe_unused]] auto const n = ::write(2, line.data(), line.size());
}

engine::server_options server_options(po::variables_map const& values)
{
    engine::server_options o;
    o.product = "tarexport/" TAREXPORT_VERSION;
    o.limits.connections = number(values, "max-connections", 100'000);
    o.limits.saves = number(values, "max-saves", 100'000);
    o.limits.threads = number(values, "threads", 256);
    o.limits.header_time = seconds(values, "header-timeout");
    o.limits.idle_time = seconds(values, "idle-timeout");
    o.limits.stall_time = seconds(values, "stall-timeout");
    o.limits.drain_time = seconds(values, "drain-timeout");
    if(values.count("quiet") == 0)
        o.log = log;
    o.ready = [](std::vector<std::string> const& where) {
        for(auto const& each : where)
            std::cerr << "tarexport: listening on " << printable(each) << std::endl;
    };
    return o;
}

// Each connection is a descriptor, and each archive that is sent another.
void allow_descriptors()
{
    rlimit limit{};
    if(::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
    }
}

} // namespace

std::vector<std::string> watched_files(opened_store const& from)
{
    struct finder {
        std::vector<std::string> operator()(tarexport::docker_store const& s) const
        {
            return {s.path() + "/image/" + std::string(s.driver()) + "/repositories.json"};
        }
        std::vector<std::string> operator()(tarexport::containers_store const& s) const
        {
            return {s.path() + "/" + s.driver() + "-images/images.json", s.path() + "/" + s.driver() + "-layers/layers.json"};
        }
        std::vector<std::string> operator()(tarexport::oci_layout_store const& s) const { return {s.path() + "/index.json"}; }
        std::vector<std::string> operator()(tarexport::archive_store const& s) const { return {s.path()}; }
    };
    return from.url == "archive:-" || from.url.starts_with("archive:-?") ? std::vector<std::string>() : std::visit(finder(), from.store);
}

tarexport::result<any_store> open_again(std::string const& url)
try {
    return open_source(url).store;
}
catch(tarexport::save_error const& e) {
    return e.reason();
}
catch(usage_error const& e) {
    return tarexport::failure{tarexport::error::unsupported_store, url, e.what()};
}

int serve(std::vector<std::string> const& arguments)
{
    auto const described = options();
    auto const values = parse(arguments, described);
    if(values.count("help") != 0) {
        std::cout << about << described << examples;
        return 0;
    }
    if(!list(values, "name").empty())
        throw usage_error("serve takes no names");
    auto const where = addresses(values);
    auto const how = server_options(values);
    auto const opened = open_store(values);
    engine::api_options api;
    api.facts = {TAREXPORT_VERSION, opened.url};
    api.buffer_size = how.limits.buffer_size;
    api.gzip_level = values.count("http-compress") != 0 ? 6 : 0;
    api.tell = [&how](tarexport::failure const& why) { how.log(message(why)); };
    auto const answers = std::visit([&](auto const& store) { return make_service(store, opened, std::move(api)); }, opened.store);
    allow_descriptors();
    std::signal(SIGPIPE, SIG_IGN);
    return engine::serve(*answers, where, how) ? 0 : 1;
}

} // namespace cli
