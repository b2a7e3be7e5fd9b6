//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// tarexport: saves container images as tar archives, from stores on disk, in one pass.

#include "commands.hpp"
#include "text.hpp"

#include <exception>
#include <iostream>
#include <map>
#include <new>
#include <string>
#include <vector>

#include <fcntl.h>

namespace {

constexpr char help[] = R"(tarexport saves container images as one tar archive, as `docker save` does, without a daemon and in one pass.

Usage:
  tarexport save [OPTIONS] NAME[=AS]...     write an archive
  tarexport plan [OPTIONS] NAME[=AS]...     show what would be in it: entries, offsets, size, etag (a dry run)
  tarexport ls   [OPTIONS]                  list the images of a store
  tarexport have STORE [NAME...]            list the layers that a store has, for save --have
  tarexport merge [OPTIONS] ARCHIVE...      write the images of several archives to one
  tarexport verify [OPTIONS] ARCHIVE|-      tell what is wrong with an archive, and which engines load it
  tarexport serve [OPTIONS]                 let docker save, curl and browsers have the images
  tarexport fetch [OPTIONS] URL             get an archive from there, also in several goes

Stores:
  --store docker:[DATA_ROOT]     what dockerd keeps in /var/lib/docker or the data root given, whether it runs or not
  --store containers:[ROOT]      what podman, buildah and skopeo keep: your graph root, or the one given
  --store docker:ROOT?driver=X   the same, where there are several storage drivers; as well with containers:
  --store oci:DIR                an OCI image layout: a directory with oci-layout, index.json and blobs
  --store archive:FILE           a tar archive that an engine saved, of any time, also compressed with gzip or zstd; - is standard input
  --store oci:DIR?name=REPO      a layout or an archive whose bare tags (1.0) are tags of the repository REPO

Without --store it is the first of docker:, containers: and the images that come with the tool that can be read, and is told.

Names are those of docker save: a reference (app:1.0, host:5000/team/app@sha256:...), a repository for all its tags (app),
an image ID or its first digits. NAME=AS gives the image another name in the archive.

Examples:
  tarexport ls
  tarexport save --store docker: -o app.tar app:1.0
  tarexport ls --store oci:/srv/images
  tarexport save --store oci:/srv/images -o app.tar app:1.0
  tarexport save --store oci:/srv/images app:1.0 | ssh host docker load
  tarexport plan --store oci:/srv/images --json app:1.0
  tarexport save --store archive:images.tar.gz -o app.tar app:1.0
  tarexport verify app.tar

`tarexport COMMAND --help` tells more, `tarexport --version` the version. Exit codes: 0 done, 1 failed, 2 wrong usage.
)";

using command = int (*)(std::vector<std::string> const&);

std::map<std::string, command> const& commands()
{
    static std::map<std::string, command> const all = {{"save", cli::save}, {"plan", cli::plan}, {"ls", cli::ls}, {"have", cli::have},
        {"merge", cli::merge}, {"verify", cli::verify}, {"serve", cli::serve}, {"fetch", cli::fetch}};
    return all;
}

// A descriptor that was closed must not become that of an archive or a trace, which messages would then be written into.
// Each is opened the wrong way round, so that using it still is an error.
void occupy_standard_descriptors()
{
    for(int fd : {0, 1, 2})
        if(::fcntl(fd, F_GETFD) == -1)
            static_cast<void>(::open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY));
}

void complain(char const* what) { std::cerr << "tarexport: " << cli::printable(what) << "\n"; }

int run(std::vector<std::string> arguments)
{
    if(arguments.empty()) {
        std::cerr << help;
        return 2;
    }
    if(arguments.size() == 2 && arguments[0] == "help" && commands().contains(arguments[1]))
        arguments = {arguments[1], "--help"};
    auto const name = arguments.front();
    if(name == "--help" || name == "-h" || name == "help") {
        std::cout << help;
        return 0;
    }
    if(name == "--version") {
        std::cout << "tarexport " TAREXPORT_VERSION "\n";
        return 0;
    }
    auto const found = commands().find(name);
    try {
        if(found == commands().end())
            throw cli::usage_error(
                "there is no command '" + name + "'; the commands are save, plan, ls, have, merge, verify, serve and fetch");
        arguments.erase(arguments.begin());
        return found->second(arguments);
    }
    catch(cli::usage_error const& e) {
        complain(e.what());
        std::cerr << "Try 'tarexport " << (found == commands().end() ? "" : name + " ") << "--help'.\n";
        return 2;
    }
    catch(std::bad_alloc const&) {
        complain("out of memory");
    }
    catch(std::exception const& e) {
        complain(e.what());
    }
    return 1;
}

} // namespace

int main(int argc, char** argv)
{
    occupy_standard_descriptors();
    auto const status = run({argv + 1, argv + argc});
    if(std::cout.flush())
        return status;
    complain("cannot write to standard output");
    return status == 0 ? 1 : status;
}
