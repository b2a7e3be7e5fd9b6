//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_POSIX_DIRECTORY_HPP
#define TAREXPORT_DETAIL_POSIX_DIRECTORY_HPP

#include <tarexport/detail/posix_descriptor.hpp>
#include <tarexport/detail/posix_file.hpp>
#include <tarexport/error.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dirent.h>
#include <sys/stat.h>

namespace tarexport::detail {

struct directory_closer {
    void operator()(DIR* d) const noexcept { ::closedir(d); }
};

/** Return the names of what is in an open directory, sorted; at most `limit` of them.

    @return The names; or `limit_exceeded` or the system's error, with the subject given.
*/
inline result<std::vector<std::string>> list_directory(unique_descriptor fd, std::size_t limit, std::string const& subject)
{
    std::unique_ptr<DIR, directory_closer> const opened(::fdopendir(fd.get()));
    if(!opened)
        return failure{detail::last_error(), subject, {}};
    fd.release(); // which is the stream's now
    std::vector<std::string> names;
    for(;;) {
        errno = 0;
        auto const* const e = ::readdir(opened.get());
        if(!e)
            break;
        std::string_view const name = e->d_name;
        if(name == "." || name == "..")
            continue;
        if(names.size() == limit)
            return failure{error::limit_exceeded, subject, "more than " + std::to_string(limit) + " names"};
        names.emplace_back(name);
    }
    if(errno != 0)
        return failure{detail::last_error(), subject, {}};
    std::ranges::sort(names);
    return names;
}

/// Return the names of what is in a directory below another, as `list_directory`; without a path, of what is in that itself.
/// No symlink is followed on the way.
inline result<std::vector<std::string>> list_directory_beneath(
    int directory, std::string const& path, std::size_t limit, std::string const& subject)
{
    error_code ec;
    auto fd = path.empty() ? detail::open_step(directory, ".", false, ec) : detail::open_beneath(directory, path, ec);
    if(ec)
        return failure{ec, subject, {}};
    return detail::list_directory(std::move(fd), limit, subject);
}

/// Return why there is no directory at a path below another: ENOTDIR where something else is, ELOOP for a symlink; or nothing.
inline error_code check_directory_beneath(int directory, std::string const& path)
{
    error_code ec;
    auto const fd = detail::open_beneath(directory, path, ec);
    struct stat s;
    if(ec)
        return ec;
    if(::fstat(fd.get(), &s) != 0)
        return detail::last_error();
    return S_ISDIR(s.st_mode) ? error_code() : detail::system_error_code(ENOTDIR);
}

} // namespace tarexport::detail

#endif
