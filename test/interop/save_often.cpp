//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// save_often docker|containers ROOT COUNT FOLDER NAME: saves an image again and again in one process, from a store that an
// engine is writing to: once for each line that it reads. Prints a line for each, '3 saved' for FOLDER/3.tar or
// '3 refused WHY'. Exit code 3 if a descriptor is left open.

#include <tarexport.hpp>
#include <tarexport/store/containers.hpp>
#include <tarexport/store/docker.hpp>

#include <chrono>
#include <filesystem>
#include <iostream>
#include <set>
#include <string>
#include <thread>

namespace {

// The open descriptors, each with what it is of.
std::set<std::string> descriptors()
{
    std::set<std::string> open;
    for(auto const& each : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code ec;
        auto const target = std::filesystem::read_symlink(each.path(), ec);
        if(!ec && !target.string().ends_with("/fd")) // the folder that is being listed
            open.insert(each.path().filename().string() + " " + target.string());
    }
    return open;
}

template<class Store>
void save_once(Store const& store, std::string const& name, std::string const& file)
{
    tarexport::file_sink out(file);
    tarexport::save(store, tarexport::names(name), out);
}

// The archive is known, then the engine removes the image, or part of it, then the archive is written.
template<class Store>
void save_late(std::string const& root, std::string const& name, std::string const& file)
{
    Store const store(root);
    tarexport::saver saver{store};
    auto const archive = saver.prepare(tarexport::names(name)).value();
    auto const id = archive.contents.images().front().id;
    for(int tries = 0; tries != 500 && Store(root).load(id); ++tries)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    tarexport::file_sink out(file);
    auto const report = saver.write(archive, out);
    if(!report.ok())
        throw tarexport::save_error(report.reason);
}

template<class Store>
int save_often(std::string const& root, int count, std::string const& folder, std::string const& name)
{
    Store const first(root); // knows the names of the beginning only, and is asked for them to the end
    auto before = descriptors();
    std::string line;
    for(int i = 0; i != count && std::getline(std::cin, line); ++i) {
        auto const file = folder + "/" + std::to_string(i) + ".tar";
        try {
            if(i % 20 == 4)
                save_late<Store>(root, name, file);
            else if(i % 10 == 9)
                save_once(first, name, file);
            else
                save_once(Store(root), name, file);
            std::cout << i << " saved" << std::endl;
        }
        catch(tarexport::save_error const& e) {
            std::cout << i << " refused " << e.what() << std::endl;
        }
        for(auto const& each : descriptors())
            if(i > 19 && !before.contains(each)) {
                std::cout << i << " leaves open " << each << std::endl;
                return 3;
            }
        if(i <= 19) // what the first saves of each kind leave open is for the library's life, so the same from then on
            before = descriptors();
    }
    return 0;
}

} // namespace

int main(int argc, char** argv)
try {
    if(argc != 6) {
        std::cerr << "usage: save_often docker|containers ROOT COUNT FOLDER NAME\n";
        return 2;
    }
    auto const run = std::string(argv[1]) == "docker" ? save_often<tarexport::docker_store> : save_often<tarexport::containers_store>;
    return run(argv[2], std::stoi(argv[3]), argv[4], argv[5]);
}
catch(std::exception const& e) {
    std::cerr << "save_often: " << e.what() << '\n';
    return 1;
}
