//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_DOCKER_ROOT_HPP
#define TAREXPORT_DETAIL_DOCKER_ROOT_HPP

#include <tarexport/content.hpp>
#include <tarexport/detail/posix_directory.hpp>
#include <tarexport/detail/posix_file.hpp>
#include <tarexport/detail/short_list.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/shared_directory.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The data root of dockerd: which storage driver it uses, and what to say of a directory that is none.

namespace tarexport::detail {

/// A storage driver that can be read, and where it has the files of a layer: between these two stands the layer's cache ID.
struct docker_driver {
    std::string_view name;
    std::string_view before;
    std::string_view after;
    bool merged; ///< a layer's tree has the files of the layers below it, too
};

inline constexpr std::array docker_drivers{
    docker_driver{"overlay2", "overlay2/", "/diff", false},
    docker_driver{"fuse-overlayfs", "fuse-overlayfs/", "/diff", false},
    docker_driver{"vfs", "vfs/dir/", "", true},
};

inline constexpr std::size_t docker_names_limit = std::size_t{1} << 20; // in one directory

inline bool is_hex_name(std::string_view s) noexcept
{
    return s.size() == 64 && std::ranges::all_of(s, is_lower_hex);
}

// Puts what to do beside an error of the system.
inline failure explained(failure f)
{
    if(f.code == detail::system_error_code(EACCES) || f.code == detail::system_error_code(EPERM))
        f.detail = "an engine's data root is for root alone: run as root, or with the capability CAP_DAC_READ_SEARCH";
    else if(f.code == detail::system_error_code(ELOOP))
        f.detail = "below a data root no symbolic link is followed; mount the directory there instead";
    return f;
}

/// A data root, and the storage driver whose images are read.
struct docker_root {
    shared_directory directory;
    docker_driver driver;

    /** Open a data root.

        @param name The storage driver; or empty, and it is the one that has images.
        @return The root; or `unsupported_store` or the system's error, with the path as subject.
    */
    static result<docker_root> open(std::string path, std::string const& name);

    path_below image(std::string const& name) const { return {directory, "image/" + std::string(driver.name) + "/" + name}; }

    path_below tree(std::string const& cache_id) const
    {
        return {directory, std::string(driver.before) + cache_id + std::string(driver.after)};
    }
};

/// Read a small file of a data root. @return Its bytes; or `limit_exceeded`, `not_a_regular_file` or the system's error.
inline result<std::string> read_text(path_below const& p, std::uint64_t limit)
{
    auto text = detail::read_file_beneath(p.directory.fd(), p.path, limit, p.str());
    return text ? std::move(text) : result<std::string>(detail::explained(text.error()));
}

inline result<std::vector<std::string>> list_names(path_below const& p)
{
    auto names = detail::list_directory_beneath(p.directory.fd(), p.path, docker_names_limit, p.str());
    return names ? std::move(names) : result<std::vector<std::string>>(detail::explained(names.error()));
}

/// Check that there is a directory. @return Nothing, or the system's error.
inline result<void> check_directory(path_below const& p)
{
    if(auto const ec = detail::check_directory_beneath(p.directory.fd(), p.path))
        return detail::explained({ec, p.str(), {}});
    return {};
}

inline bool is_absent(failure const& f) noexcept
{
    return f.code == detail::system_error_code(ENOENT) || f.code == detail::system_error_code(ENOTDIR);
}

/// Return the IDs of the images whose configs are in a directory, in order; none where that is not there.
inline result<std::vector<digest>> list_image_ids(path_below const& configs)
{
    auto const names = detail::list_names(configs);
    if(!names && !detail::is_absent(names.error()))
        return names.error();
    std::vector<digest> ids;
    if(names)
        for(auto const& n : *names)
            if(detail::is_hex_name(n))
                ids.push_back(tarexport::parse_digest("sha256:" + n).value());
    return ids;
}

inline failure unsupported_root(shared_directory const& d, std::string what)
{
    return {error::unsupported_store, d.path(), std::move(what)};
}

inline constexpr std::string_view images_in_containerd =
    "the data root of an engine that keeps its images in containerd (the containerd image store), or has never had any; save "
    "them with docker save, or copy them into an OCI layout and save them from there";

// What the names in a directory without `image` tell of it.
inline std::optional<std::string_view> recognize_root(std::vector<std::string> const& names)
{
    struct sign {
        std::string_view name;
        std::string_view sentence;
    };
    static constexpr std::string_view part = "a part of a data root; give the directory that has image/ in it";
    static constexpr std::string_view of_podman = "the graph root of podman (containers/storage), which is another kind of store";
    static constexpr std::array signs{
        sign{"imagedb", part},
        sign{"overlay-images", of_podman},
        sign{"vfs-images", of_podman},
        sign{"oci-layout", "an OCI image layout, which is another kind of store"},
        sign{"io.containerd.content.v1.content", "the root of containerd, whose layers cannot be put together again"},
        sign{"containerd", images_in_containerd},
        sign{"engine-id", images_in_containerd},
        sign{"graph", "the data root of a Docker before 1.10; a newer one that is started on it converts it"},
    };
    for(auto const& s : signs)
        if(std::ranges::binary_search(names, s.name))
            return s.sentence;
    return std::nullopt;
}

// Whether a name is that of the data root of an engine whose containers have other user IDs: 100000.100000.
inline bool is_remapped_name(std::string_view name) noexcept
{
    auto const dot = name.find('.');
    auto const is_number = [](std::string_view s) {
        return !s.empty() && std::ranges::all_of(s, [](char c) { return c >= '0' && c <= '9'; });
    };
    return dot != std::string_view::npos && is_number(name.substr(0, dot)) && is_number(name.substr(dot + 1));
}

inline constexpr std::string_view ask_docker = "docker info tells which directory is the data root (Docker Root Dir)";

// What stands in place of a data root.
inline failure no_data_root(shared_directory const& d)
{
    auto const names = detail::list_names({d, {}});
    if(!names)
        return names.error();
    if(names->empty())
        return detail::unsupported_root(d, "the directory is empty; " + std::string(ask_docker));
    for(auto const& n : *names)
        if(detail::is_remapped_name(n) && detail::check_directory({d, n + "/image"}))
            return detail::unsupported_root(d, "the engine maps user IDs (userns-remap): its data root is " + d.path() + "/" + n);
    if(auto const what = detail::recognize_root(*names))
        return detail::unsupported_root(d, std::string(*what));
    return detail::unsupported_root(d, "there is no directory image in it; " + std::string(ask_docker));
}

// The storage drivers that an engine has kept images with, and those of them that have some.
struct docker_driver_names {
    std::vector<std::string> all;
    std::vector<std::string> used;

    // Fails as the directory `image` does, when there is none.
    static result<docker_driver_names> of(shared_directory const& d)
    {
        auto const names = detail::list_names({d, "image"});
        if(!names)
            return names.error();
        docker_driver_names found;
        for(auto const& n : *names) {
            auto const present = detail::check_directory({d, "image/" + n});
            if(!present && detail::is_absent(present.error()))
                continue;
            if(!present)
                return present.error();
            found.all.push_back(n);
            auto const ids = detail::list_image_ids({d, "image/" + n + "/imagedb/content/sha256"});
            if(!ids)
                return ids.error();
            if(!ids->empty())
                found.used.push_back(n);
        }
        return found;
    }

    // The one that has images; else, where none has, the first that can be read; else any.
    std::string choose() const
    {
        if(!used.empty())
            return used.front();
        for(auto const& d : docker_drivers)
            if(std::ranges::find(all, d.name) != all.end())
                return std::string(d.name);
        return all.front();
    }
};

inline std::string listed(std::vector<std::string> const& names)
{
    short_list list;
    for(auto const& n : names)
        list.add(n);
    return list.str();
}

inline result<docker_root> docker_root::open(std::string path, std::string const& name)
{
    auto const d = shared_directory::open(std::move(path));
    if(!d) {
        auto f = detail::explained(d.error());
        return detail::is_absent(f) ? detail::about(std::move(f), ask_docker) : f;
    }
    auto const found = docker_driver_names::of(*d);
    if(!found)
        return detail::is_absent(found.error()) ? detail::no_data_root(*d) : found.error();
    if(found->all.empty())
        return detail::unsupported_root(*d, "the directory image has nothing of a storage driver in it");
    if(!name.empty() && std::ranges::find(found->all, name) == found->all.end())
        return detail::unsupported_root(
            *d, "there are images of the storage driver " + detail::listed(found->all) + ", not of " + name);
    if(name.empty() && found->used.size() > 1)
        return detail::unsupported_root(*d,
            "there are images of several storage drivers: " + detail::listed(found->used)
                + "; name the one that the engine uses");
    // In an engine that has these beside its own images, they are those of its plugins.
    if(name.empty() && found->used.empty() && detail::check_directory({*d, "containerd/daemon/io.containerd.content.v1.content"}))
        return detail::unsupported_root(*d, std::string(images_in_containerd));
    auto const chosen = name.empty() ? found->choose() : name;
    auto const driver = std::ranges::find(docker_drivers, chosen, &docker_driver::name);
    if(driver == docker_drivers.end())
        return detail::unsupported_root(*d,
            "the images are of the storage driver " + chosen
                + "; those of overlay2, fuse-overlayfs and vfs can be read; save them with docker save");
    return docker_root{*d, *driver};
}

} // namespace tarexport::detail

#endif
