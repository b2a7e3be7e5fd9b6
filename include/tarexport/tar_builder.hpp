//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_TAR_BUILDER_HPP
#define TAREXPORT_TAR_BUILDER_HPP

#include <tarexport/error.hpp>
#include <tarexport/tar_header.hpp>

#include <boost/system/errc.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tarexport {

/// What all entries of a `tar_builder` have in common.
struct tar_owner {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::int64_t mtime = 0; ///< seconds since 1970-01-01T00:00:00Z
};

/** Makes a tar archive in memory, entry by entry: a layer, say, of what a program has at hand.

    The same calls give the same bytes on every host. Paths are those in a container's root, with or without
    a slash at their front; the directories that lead to an entry are put before it, with mode 0755, where no call
    has added them. The first mistake stays, and `finish` tells it.

    @par Example
    @code
    auto layer = tar_builder().add_executable("/usr/bin/app", program).add_symlink("/app", "usr/bin/app").finish();
    @endcode

    @par Exception Safety
    Basic guarantee: after `std::bad_alloc` the object may only be assigned to and destroyed.
*/
class tar_builder {
public:
    /// Start an archive whose entries all have this owner and time.
    explicit tar_builder(tar_owner const& owner = {}) : owner_(owner) {}

    /// Add a directory; what is in it comes later.
    tar_builder& add_directory(std::string_view path, std::uint32_t mode = 0755)
    {
        add({.name = path, .mode = mode, .directory = true}, {});
        return *this;
    }

    /// Add a file.
    tar_builder& add_file(std::string_view path, std::string_view content, std::uint32_t mode = 0644)
    {
        add({.name = path, .mode = mode}, content);
        return *this;
    }

    /// Add a file that everybody may execute.
    tar_builder& add_executable(std::string_view path, std::string_view content)
    {
        return add_file(path, content, 0755);
    }

    /// Add a symbolic link; `target` is not empty and kept as it is.
    tar_builder& add_symlink(std::string_view path, std::string_view target)
    {
        if(target.empty())
            fail(boost::system::errc::invalid_argument, path, "a symbolic link to nowhere");
        else
            add({.name = path, .mode = 0777, .link = target}, {});
        return *this;
    }

    /** Add the mark that removes a file or directory of the layers below.
        @see https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md#whiteouts
    */
    tar_builder& add_whiteout(std::string_view path)
    {
        if(!relative(path)) // the mark makes a good path of many a bad one
            return *this;
        auto const name = path.rfind('/') + 1; // npos + 1 is 0
        return add_file(std::string(path.substr(0, name)).append(".wh.").append(path.substr(name)), {});
    }

    /** End the archive; the next entry begins a new one.
        @return Its bytes; or the first mistake, with the path: `invalid_argument` (a path that is empty, ends in a slash or has a
        part `.` or `..` or none), `file_exists` (added twice), `not_a_directory` (a file on the way), `unencodable_header`.
    */
    result<std::string> finish()
    {
        if(failure_)
            return *failure_;
        seen_.clear();
        auto out = std::exchange(out_, {});
        out.append(end_of_archive_size, '\0');
        return out;
    }

private:
    void fail(boost::system::errc::errc_t e, std::string_view path, std::string why)
    {
        if(!failure_)
            failure_ = failure{boost::system::errc::make_error_code(e), std::string(path), std::move(why)};
    }

    // The path as it stands in the archive, or nothing after a mistake.
    std::optional<std::string> relative(std::string_view path)
    {
        auto const rest = path.starts_with('/') ? path.substr(1) : path;
        for(std::size_t begin = 0; begin <= rest.size();) {
            auto const part = rest.substr(begin, rest.find('/', begin) - begin);
            if(part.empty() || part == "." || part == ".." || part.find('\0') != part.npos) {
                fail(boost::system::errc::invalid_argument, path, "not the path of an entry");
                return std::nullopt;
            }
            begin += part.size() + 1;
        }
        return std::string(rest);
    }

    void add(entry_header entry, std::string_view content)
    {
        auto const path = relative(entry.name);
        if(failure_ || !path)
            return;
        for(auto slash = path->find('/'); slash != path->npos; slash = path->find('/', slash + 1)) {
            auto const [known, is_new] = seen_.try_emplace(path->substr(0, slash), true);
            if(!known->second)
                return fail(boost::system::errc::not_a_directory, known->first, "before " + *path);
            if(is_new)
                append({.name = known->first, .mode = 0755, .directory = true}, {});
        }
        if(!seen_.try_emplace(*path, entry.directory).second)
            return fail(boost::system::errc::file_exists, *path, "add a directory before what is in it, and each entry once");
        entry.name = *path;
        append(entry, content);
    }

    void append(entry_header entry, std::string_view content)
    {
        entry.size = content.size();
        entry.mtime = owner_.mtime;
        entry.uid = owner_.uid;
        entry.gid = owner_.gid;
        if(auto r = tarexport::append_entry_header(out_, entry); !r) {
            failure_ = r.error();
            return;
        }
        out_.append(content).append(static_cast<std::size_t>(padding(content.size())), '\0');
    }

    tar_owner owner_;
    std::string out_;
    std::map<std::string, bool, std::less<>> seen_; // path -> whether it is a directory
    std::optional<failure> failure_;
};

} // namespace tarexport

#endif
