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

#include <filesystem>
#include <iostream>
#include <set>
#include <string>

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

template<class Store>
int save_often(std::string const& root, int count, std::string const& folder, std::string const& name)
{
    Store const first(root); // knows the names of the beginning only, and is asked for them to the end
    auto before = descriptors();
    std::string line;
    for(int i = 0; i != count && std::getline(std::cin, line); ++i) {
        auto const file = folder + "/" + std::to_string(i) + ".tar";
        try {
            i % 10 == 9 ? save_once(first, name, file) : save_once(Store(root), name, file);
            std::cout << i << " saved" << std::endl;
        }
        catch(tarexport::save_error const& e) {
            std::cout << i << " refused " << e.what() << std::endl;
        }
        for(auto const& each : descriptors())
            if(i > 9 && !before.contains(each)) {
                std::cout << i << " leaves open " << each << std::endl;
                return 3;
            }
        if(i <= 9)
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
