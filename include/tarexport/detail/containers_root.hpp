//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_CONTAINERS_ROOT_HPP
#define TAREXPORT_DETAIL_CONTAINERS_ROOT_HPP

#include <tarexport/detail/containers_records.hpp>
#include <tarexport/detail/posix_file.hpp>
#include <tarexport/error.hpp>
#include <tarexport/shared_directory.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport::detail {

// Puts what to do beside what may not be read.
inline failure with_advice(failure f)
{
    if(f.code == detail::system_error_code(EACCES) || f.code == detail::system_error_code(EPERM))
        f.detail = "a graph root is for its owner alone: run as root, or as the user whose it is, inside of `podman unshare`";
    return f;
}

/// A graph root of containers/storage: where its files are.
class containers_root {
public:
    /** Open a graph root.

        @param driver The storage driver; found out if empty.
        @return The root; `unsupported_store` or the system's error, with the path as subject.
    */
    static result<containers_root> open(std::string const& path, std::string const& driver)
    {
        auto directory = shared_directory::open(path);
        if(!directory)
            return directory.error();
        auto found = driver.empty() ? find_driver(*directory) : check_driver(*directory, driver);
        if(!found)
            return found.error();
        return containers_root(*std::move(directory), *std::move(found));
    }

    std::string const& path() const noexcept { return directory_.path(); }
    std::string const& driver() const noexcept { return driver_; }
    bool has_overlay() const noexcept { return driver_ == "overlay"; }

    path_below images() const { return below("-images/images.json"); }
    path_below layers() const { return below("-layers/layers.json"); }
    path_below item(std::string const& image, std::string_view key) const { return below("-images/" + image + "/" + item_file_name(key)); }

    /// Return where the record of a layer's tar archive is.
    path_below record(std::string const& layer) const { return below("-layers/" + layer + ".tar-split.gz"); }

    /// Return where the files of a layer are: its own, or, with vfs, those of the layers below it too.
    path_below tree(std::string const& layer) const
    {
        return {directory_, has_overlay() ? "overlay/" + layer + "/diff" : driver_ + "/dir/" + layer};
    }

    /// Return `unsupported_store` where the files of a layer are not in its tree.
    result<void> check_tree(std::string const& layer) const
    {
        auto const folder = "overlay/" + layer;
        auto const elsewhere = [&](char const* where) {
            return failure{error::unsupported_store, path() + "/" + folder, std::string("the files of this layer are ") + where};
        };
        if(has_overlay() && exists(directory_, folder + "/composefs-data"))
            return elsewhere("kept by composefs, under other names");
        if(has_overlay() && exists(directory_, folder + "/additionallayer"))
            return elsewhere("in an additional layer store, which only the engine can read");
        return {};
    }

    /// Read images.json or layers.json. There is none before the first image.
    static result<std::string> read(path_below const& file, std::size_t limit)
    {
        auto text = detail::read_file_beneath(file.directory.fd(), file.path, limit, file.str());
        if(!text && text.error().code == detail::system_error_code(ENOENT))
            return std::string();
        return text;
    }

private:
    containers_root(shared_directory directory, std::string driver) noexcept
        : directory_(std::move(directory))
        , driver_(std::move(driver))
    {
    }

    path_below below(std::string const& rest) const { return {directory_, driver_ + rest}; }

    static bool exists(shared_directory const& directory, std::string const& path)
    {
        error_code ec;
        auto const fd = detail::open_beneath(directory.fd(), path, ec);
        return ec != detail::system_error_code(ENOENT) && ec != detail::system_error_code(ENOTDIR);
    }

    static bool has_driver(shared_directory const& directory, std::string_view driver)
    {
        return exists(directory, std::string(driver) + "-layers");
    }

    static failure unsupported(shared_directory const& directory, std::string detail)
    {
        return {error::unsupported_store, directory.path(), std::move(detail)};
    }

    static result<std::string> check_driver(shared_directory const& directory, std::string const& driver)
    {
        if(driver != "overlay" && driver != "vfs")
            return unsupported(directory, "the driver " + driver.substr(0, 40) + " cannot be read, only overlay and vfs");
        if(!has_driver(directory, driver))
            return unsupported(directory, "no directory " + driver + "-layers, which containers/storage makes");
        return driver;
    }

    // Drivers that were tried once leave empty directories behind; what has images counts.
    static result<std::string> find_driver(shared_directory const& directory)
    {
        std::vector<std::string> present, used;
        for(std::string const driver : {"overlay", "vfs", "btrfs", "zfs", "aufs", "devicemapper"}) {
            if(!has_driver(directory, driver))
                continue;
            present.push_back(driver);
            if(has_images(directory, driver))
                used.push_back(driver);
        }
        if(present.empty())
            return unsupported(directory, "no directory overlay-layers or vfs-layers, which containers/storage makes");
        if(used.size() > 1)
            return unsupported(directory, "images of the drivers " + used[0] + " and " + used[1] + ": say which is meant");
        return check_driver(directory, used.empty() ? present.front() : used.front());
    }

    // An empty list is `[]`, or no file.
    static bool has_images(shared_directory const& directory, std::string const& driver)
    {
        error_code ec;
        return detail::open_file_beneath(directory.fd(), driver + "-images/images.json", ec).size > 2;
    }

    shared_directory directory_;
    std::string driver_;
};

} // namespace tarexport::detail

#endif
