//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_SHARED_DIRECTORY_HPP
#define TAREXPORT_SHARED_DIRECTORY_HPP

#include <tarexport/detail/posix_descriptor.hpp>
#include <tarexport/detail/posix_file.hpp>
#include <tarexport/error.hpp>

#include <memory>
#include <string>
#include <utility>

namespace tarexport {

/** A directory that is kept open: what is read below it is the same whatever its path comes to lead to.

    Copies share one descriptor, which is closed with the last of them.
*/
class shared_directory {
public:
    /// Open a directory. Its path may lead through symlinks: the user gave it. @return The directory, or the system's error.
    static result<shared_directory> open(std::string path)
    {
        while(path.size() > 1 && path.back() == '/')
            path.pop_back();
        error_code ec;
        auto fd = detail::open_directory(path, ec);
        if(ec)
            return failure{ec, std::move(path), {}};
        return shared_directory(std::make_shared<opened const>(opened{std::move(fd), std::move(path)}));
    }

    /// Return the path that was opened, without slashes at the end.
    std::string const& path() const noexcept { return opened_->path; }

    /// Return the descriptor, which stays open as long as this object or a copy of it lives.
    int fd() const noexcept { return opened_->fd.get(); }

private:
    struct opened {
        detail::unique_descriptor fd;
        std::string path;
    };

    explicit shared_directory(std::shared_ptr<opened const> o) noexcept : opened_(std::move(o)) {}

    std::shared_ptr<opened const> opened_;
};

/// Where a file or a directory is: below a directory that is kept open, through no symlink.
struct path_below {
    shared_directory directory;
    std::string path; ///< relative, without empty elements, `.` and `..`

    /// Return the whole path, for messages.
    std::string str() const { return directory.path() + "/" + path; }
};

} // namespace tarexport

#endif
