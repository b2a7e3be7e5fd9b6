//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_POSIX_LAYER_TREE_HPP
#define TAREXPORT_DETAIL_POSIX_LAYER_TREE_HPP

#include <tarexport/detail/clean_path.hpp>
#include <tarexport/detail/posix_descriptor.hpp>
#include <tarexport/detail/posix_file.hpp>
#include <tarexport/error.hpp>
#include <tarexport/shared_directory.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

// Reading the files of a layer that an engine has unpacked.

namespace tarexport::detail {

/** Walks a path through directories that are laid over one another, as an overlay mount of them shows it.

    Symlinks and `..` stay inside. Knows the marks of overlayfs and, in file names, those of fuse-overlayfs. Does not follow a
    symlink that stands at the end.
*/
class overlay_walk {
public:
    /// `roots` are open directories, the uppermost first.
    explicit overlay_walk(std::span<int const> roots) : roots_(roots.begin(), roots.end()) {}

    /// Open what the path leads to, which is no directory. @return It, or ENOENT, ENOTDIR, ELOOP, EISDIR or what the system says.
    unique_descriptor open(std::string_view path, error_code& ec)
    {
        ec.clear();
        restart();
        push(path);
        for(std::size_t steps = 0; !todo_.empty(); ++steps) {
            if(steps == most_steps)
                return fail(ELOOP, ec);
            auto const step = std::move(todo_.back());
            todo_.pop_back();
            if(step == "..")
                leave();
            else if(auto fd = enter(step, ec); fd || ec)
                return fd;
        }
        return fail(EISDIR, ec);
    }

private:
    static constexpr std::size_t most_steps = 10'000;
    static constexpr std::size_t most_links = 40; // as Linux

    static unique_descriptor fail(int e, error_code& ec)
    {
        ec = detail::system_error_code(e);
        return {};
    }

    void restart()
    {
        here_ = roots_;
        opened_.clear();
        passed_.clear();
    }

    void push(std::string_view path)
    {
        auto const old = todo_.size();
        while(!path.empty()) {
            auto const step = path.substr(0, path.find('/'));
            path.remove_prefix(std::min(path.size(), step.size() + 1));
            if(!step.empty() && step != ".")
                todo_.emplace_back(step);
        }
        std::reverse(todo_.begin() + static_cast<std::ptrdiff_t>(old), todo_.end());
    }

    // The parent is found from the top again: no directories are kept open but those of one level.
    void leave()
    {
        if(!passed_.empty())
            passed_.pop_back();
        todo_.insert(todo_.end(), passed_.rbegin(), passed_.rend());
        restart();
    }

    // One step down, into a directory or through a symlink; at the end of the path, the open file.
    unique_descriptor enter(std::string const& step, error_code& ec)
    {
        std::vector<unique_descriptor> next;
        for(int const directory : here_) {
            struct stat s;
            if(::fstatat(directory, step.c_str(), &s, AT_SYMLINK_NOFOLLOW) != 0) {
                if(errno != ENOENT)
                    return fail(errno, ec);
                if(exists(directory, ".wh." + step))
                    break;
                continue;
            }
            bool const whiteout = S_ISCHR(s.st_mode) && s.st_rdev == makedev(0, 0);
            if(whiteout || (!S_ISDIR(s.st_mode) && !next.empty()))
                break;
            if(S_ISLNK(s.st_mode) && !todo_.empty())
                return follow(directory, step, ec);
            if(!S_ISDIR(s.st_mode)) {
                if(!todo_.empty())
                    return fail(ENOTDIR, ec);
                return detail::open_step(directory, step, true, ec);
            }
            auto fd = detail::open_step(directory, step, false, ec);
            if(ec)
                return {};
            next.push_back(std::move(fd));
            if(is_opaque(next.back().get()))
                break;
        }
        if(next.empty())
            return fail(ENOENT, ec);
        opened_ = std::move(next);
        here_.clear();
        for(auto const& fd : opened_)
            here_.push_back(fd.get());
        passed_.push_back(step);
        return {};
    }

    unique_descriptor follow(int directory, std::string const& link, error_code& ec)
    {
        std::array<char, PATH_MAX> target;
        auto const n = ::readlinkat(directory, link.c_str(), target.data(), target.size());
        if(n < 0)
            return fail(errno, ec);
        if(++links_ > most_links)
            return fail(ELOOP, ec);
        std::string_view const path(target.data(), static_cast<std::size_t>(n));
        if(path.starts_with('/'))
            restart();
        push(path);
        return {};
    }

    static bool exists(int directory, std::string const& name)
    {
        return ::faccessat(directory, name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    }

    static bool is_opaque(int directory)
    {
        for(auto const* name : {"trusted.overlay.opaque", "user.overlay.opaque", "user.fuseoverlayfs.opaque"}) {
            char value = 0;
            if(::fgetxattr(directory, name, &value, 1) == 1 && value == 'y')
                return true;
        }
        return exists(directory, ".wh..wh..opq");
    }

    std::vector<int> roots_;
    std::vector<int> here_;                  // the directories of this level, uppermost first
    std::vector<unique_descriptor> opened_;  // those of `here_` that are not roots
    std::vector<std::string> passed_;        // the names that led here, symlinks resolved
    std::vector<std::string> todo_;          // the next one last
    std::size_t links_ = 0;
};

/** The regular files of a layer that an engine has unpacked.

    A name is that of a tar archive: it is cleaned as if it began at the root, and whatever symlinks it leads through, nothing
    outside the layer's trees is opened. What is not in the layer's own tree is looked for in all of them, laid over one
    another: where the engine unpacks through a mount, a file may be behind a symlink of a lower layer.
*/
class layer_tree {
public:
    /// `trees` is not empty; the layer's own tree is its first, the one of the layer below it the next.
    explicit layer_tree(std::shared_ptr<std::vector<path_below> const> trees) noexcept : trees_(std::move(trees)) {}

    /// Return the path of a name in the layer's own tree.
    std::string path_of(std::string_view name) const { return trees_->front().str() + detail::clean_path("/" + std::string(name)); }

    /// Open a regular file. @return The file; `not_a_regular_file` or the system's error, with the path as subject.
    result<posix_file> open(std::string_view name)
    {
        if(auto opened = open_trees(1); !opened)
            return opened.error();
        auto const path = detail::clean_path("/" + std::string(name));
        error_code ec;
        auto fd = open_in_own(path, ec);
        if(ec == detail::system_error_code(ENOENT) && trees_->size() > 1) {
            if(auto opened = open_trees(trees_->size()); !opened)
                return opened.error();
            fd = overlay_walk(roots_).open(path, ec);
        }
        if(ec == detail::system_error_code(EISDIR))
            ec = error::not_a_regular_file;
        auto file = detail::only_regular(std::move(fd), ec);
        if(ec)
            return failure{ec, trees_->front().str() + path, {}};
        return file;
    }

private:
    result<void> open_trees(std::size_t count)
    {
        while(fds_.size() < count) {
            auto const& tree = (*trees_)[fds_.size()];
            error_code ec;
            auto fd = detail::open_beneath(tree.directory.fd(), tree.path, ec);
            if(ec)
                return failure{ec, tree.str(), {}};
            fds_.push_back(std::move(fd));
            roots_.push_back(fds_.back().get());
        }
        return {};
    }

    unique_descriptor open_in_own(std::string const& path, error_code& ec)
    {
        for(;;) {
            auto fd = detail::open_resolved(roots_[0], path, flags_, path_resolution::in_root, ec);
            // Access times are left alone where we may: also by what only reads, this store stays as it is.
            if(ec != detail::system_error_code(EPERM) || flags_ == read_flags)
                return detail::is_unresolved(ec) ? overlay_walk(std::span(roots_).first(1)).open(path, ec) : std::move(fd);
            flags_ = read_flags;
        }
    }

    std::shared_ptr<std::vector<path_below> const> trees_;
    std::vector<unique_descriptor> fds_; // of the trees, as far as they were needed
    std::vector<int> roots_;             // the same
#ifdef O_NOATIME
    int flags_ = read_flags | O_NOATIME;
#else
    int flags_ = read_flags;
#endif
};

} // namespace tarexport::detail

#endif
