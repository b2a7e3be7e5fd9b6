//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_POSIX_PARTIAL_FILE_HPP
#define TAREXPORT_DETAIL_POSIX_PARTIAL_FILE_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/detail/posix_descriptor.hpp>
#include <tarexport/detail/posix_write.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tarexport::detail {

// A file on its way: NAME.part, locked, with NAME.part.etag beside it where it can be gone on with; NAME when it is
// published.
//
// All names are relative to a directory that stays open, so a program that changes its own, or a renamed one, does no
// harm. Nothing is removed or renamed without the lock, and only while the name still is the file that was opened:
// hence of several programs that use one name, one goes on.
class partial_file {
public:
    // Starts from nothing. What an earlier program left is discarded.
    static result<partial_file> create(std::string path)
    {
        auto prepared = prepare(std::move(path));
        if(!prepared)
            return prepared;
        bool created = false;
        if(auto why = prepared->open(O_CREAT, created); why.code.failed())
            return why;
        auto why = prepared->remove_etag();
        if(!why.code.failed() && !prepared->emptied())
            why = prepared->failed("emptying " + prepared->part_path());
        if(!why.code.failed())
            return prepared;
        if(created)
            prepared->discard();
        return why;
    }

    // Goes on with what an earlier program kept for the archive of this etag.
    static result<partial_file> reopen(std::string path, digest const& etag)
    {
        auto prepared = prepare(std::move(path));
        if(!prepared)
            return prepared;
        bool created = false;
        auto why = prepared->open(0, created);
        if(why.code == boost::system::errc::no_such_file_or_directory)
            return prepared->cannot_resume("there is no " + prepared->part_path());
        if(!why.code.failed())
            why = prepared->compare_etag(etag);
        if(why.code.failed())
            return why;
        auto const end = ::lseek(prepared->fd(), 0, SEEK_END);
        // A program that was killed leaves the room that it had set aside.
        if(end == -1 || ::ftruncate(prepared->fd(), end) != 0)
            return prepared->failed("finding the end of " + prepared->part_path());
        prepared->size_ = static_cast<std::uint64_t>(end);
        prepared->remembered_ = true;
        return prepared;
    }

    partial_file(partial_file&&) noexcept = default;
    partial_file& operator=(partial_file&&) noexcept = default;

    int fd() const noexcept { return file_.get(); }
    bool active() const noexcept { return static_cast<bool>(file_); }
    bool remembered() const noexcept { return remembered_; }
    std::string const& path() const noexcept { return path_; }
    std::string part_path() const { return path_ + ".part"; }

    // The number of bytes that were there when it was reopened or cut.
    std::uint64_t size() const noexcept { return size_; }

    failure cannot_resume(std::string why) const { return {error::cannot_resume, path_, std::move(why)}; }

    // Writes the etag beside the file.
    failure remember(digest const& etag)
    {
        auto why = remove_etag();
        if(why.code.failed())
            return why;
        constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
        unique_descriptor const out(detail::uninterrupted([&] { return ::openat(dir(), etag_.c_str(), flags, 0666); }));
        if(!out)
            return failed("creating " + part_path() + ".etag");
        auto const text = etag.str() + '\n';
        auto rest = to_bytes(text);
        while(!rest.empty() && !why.code.failed()) {
            auto const n = detail::write_pieces_some(
                out.get(), output_kind::regular, std::span<bytes_view const>(&rest, 1), why.code);
            rest = rest.subspan(n);
        }
        if(why.code.failed()) {
            ::unlinkat(dir(), etag_.c_str(), 0);
            return {why.code, path_, "writing " + part_path() + ".etag"};
        }
        remembered_ = true;
        return {};
    }

    // Sets room on the disk aside for so many bytes. A file system that cannot do that is no error.
    failure reserve(std::uint64_t size)
    {
        if(size <= size_)
            return {};
        error_code ec(EFBIG, boost::system::system_category());
        if(size <= largest_offset)
            detail::transfer_some(fd(), detail::signal_of(output_kind::regular), 0, ec, [&] {
                return static_cast<ssize_t>(
                    ::fallocate(fd(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(size_), static_cast<off_t>(size - size_)));
            });
        if(!detail::is_output_error(ec.value()))
            return {};
        return {ec, path_, "there is no room for " + std::to_string(size - size_) + " bytes"};
    }

    // Removes the etag, before the file gets holes. Where the disk counts, it must not come back after a power cut.
    failure forget(bool sync)
    {
        auto why = remove_etag();
        if(!why.code.failed() && sync && !sync_directory())
            why = failed("removing " + part_path() + ".etag");
        return why;
    }

    // Leaves the first bytes and writes the etag, in this order on the disk as well where that counts.
    failure remember(digest const& etag, std::uint64_t size, bool sync)
    {
        error_code ec;
        cut(size, ec);
        if(!ec.failed() && !flushed(sync))
            ec = detail::last_error();
        return ec.failed() ? failure{ec, path_, "cutting " + part_path()} : remember(etag);
    }

    void cut(std::uint64_t size, error_code& ec) noexcept
    {
        auto const at = static_cast<off_t>(size);
        ec.clear();
        if(::ftruncate(fd(), at) != 0 || ::lseek(fd(), at, SEEK_SET) == -1)
            ec = detail::last_error();
        else
            size_ = size;
    }

    // Gives the file its name. After an error before the renaming it is still active; the name then is what it was.
    void publish(bool sync, error_code& ec) noexcept
    {
        ec.clear();
        if(!flushed(sync))
            ec = detail::last_error();
        else if(!has_its_name())
            ec = make_error_code(boost::system::errc::no_such_file_or_directory);
        else if(::renameat(dir(), part_.c_str(), dir(), base_.c_str()) != 0)
            ec = detail::last_error();
        if(ec.failed())
            return;
        ::unlinkat(dir(), etag_.c_str(), 0);
        if(sync && !sync_directory())
            ec = detail::last_error();
        file_.reset();
    }

    void discard() noexcept
    {
        if(has_its_name()) {
            ::unlinkat(dir(), part_.c_str(), 0);
            ::unlinkat(dir(), etag_.c_str(), 0);
        }
        file_.reset();
    }

    // Leaves it for `reopen`, unless its bytes cannot be trusted to be there.
    void keep(bool sync) noexcept
    {
        struct stat s;
        // What was reserved and is not written yet is given back.
        if(!remembered_ || ::fstat(fd(), &s) != 0 || ::ftruncate(fd(), s.st_size) != 0 || !flushed(sync))
            return discard();
        if(sync) {
            unique_descriptor const etag(::openat(dir(), etag_.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
            ::fsync(etag.get());
            sync_directory();
        }
        file_.reset();
    }

private:
    partial_file() = default;

    int dir() const noexcept { return directory_.get(); }

    failure failed(std::string doing) const { return {detail::last_error(), path_, std::move(doing)}; }

    failure in_the_way(std::string const& what) const
    {
        return {make_error_code(boost::system::errc::file_exists), path_, what};
    }

    // Splits the path, opens its directory and looks at what has the name now.
    static result<partial_file> prepare(std::string path)
    {
        partial_file f;
        f.path_ = std::move(path);
        if(f.path_.empty() || f.path_.find('\0') != std::string::npos)
            return failure{make_error_code(boost::system::errc::invalid_argument), f.path_.empty() ? "output" : f.path_,
                f.path_.empty() ? "the file name is empty" : "the file name has a zero character"};
        auto const slash = f.path_.rfind('/');
        f.base_ = f.path_.substr(slash == std::string::npos ? 0 : slash + 1);
        f.part_ = f.base_ + ".part";
        f.etag_ = f.part_ + ".etag";
        if(f.base_.empty() || f.base_ == "." || f.base_ == "..")
            return failure{make_error_code(boost::system::errc::is_a_directory), f.path_, {}};
        auto const parent = slash == std::string::npos ? "." : f.path_.substr(0, slash + 1);
        f.directory_ = unique_descriptor(
            detail::uninterrupted([&] { return ::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC); }));
        if(!f.directory_)
            return f.failed("opening the directory " + parent);
        // /dev/stdout may lead to a regular file, and replacing it would be missed.
        std::array<char, 6> target{};
        if(::readlinkat(f.dir(), f.base_.c_str(), target.data(), target.size()) == 6 &&
            std::string_view(target.data(), target.size()) == "/proc/")
            return f.in_the_way("a link to an open file, which a file would replace");
        struct stat s;
        if(::fstatat(f.dir(), f.base_.c_str(), &s, 0) == 0) {
            if(S_ISDIR(s.st_mode))
                return failure{make_error_code(boost::system::errc::is_a_directory), f.path_, {}};
            if(!S_ISREG(s.st_mode))
                return f.in_the_way("a device, pipe or socket, which a file would replace");
        }
        return f;
    }

    // Opens NAME.part and locks it. A failure leaves nothing that was not there before.
    failure open(int creating, bool& created)
    {
        // The one that holds the lock may publish or discard between our opening and our locking.
        bool vanished = false;
        for(int attempt = 0; attempt != 100; ++attempt) {
            file_ = open_part(creating, created);
            vanished = !file_ && errno == ENOENT && creating != 0;
            if(vanished)
                continue;
            if(!file_)
                return not_opened();
            struct stat s;
            if(::fstat(fd(), &s) != 0)
                return failed("opening " + part_path());
            if(!S_ISREG(s.st_mode))
                return in_the_way(part_path() + " is not a regular file");
            if(detail::uninterrupted([&] { return ::flock(fd(), LOCK_EX | LOCK_NB); }) != 0) {
                if(errno == EWOULDBLOCK)
                    break;
                auto why = failed("locking " + part_path());
                if(created)
                    discard();
                return why;
            }
            if(!has_its_name())
                continue;
            if(s.st_nlink > 1)
                return in_the_way(part_path() + " has a second name");
            return {};
        }
        file_.reset();
        // That often, it is the directory: one that was removed, or of a file system that creates no files.
        if(vanished)
            return {make_error_code(boost::system::errc::no_such_file_or_directory), path_, "creating " + part_path()};
        return {make_error_code(boost::system::errc::device_or_resource_busy), path_,
            "another save is writing " + part_path()};
    }

    // Never follows a symbolic link, waits for no FIFO, and knows whether the file is new.
    unique_descriptor open_part(int creating, bool& created) const
    {
        constexpr int flags = O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
        auto const open = [&](int more) {
            return unique_descriptor(
                detail::uninterrupted([&] { return ::openat(dir(), part_.c_str(), flags | more, 0666); }));
        };
        if(creating != 0) {
            auto file = open(O_CREAT | O_EXCL);
            created = static_cast<bool>(file);
            if(file || errno != EEXIST)
                return file;
        }
        return open(0);
    }

    failure not_opened() const
    {
        switch(errno) {
        case ELOOP: return in_the_way(part_path() + " is a symbolic link");
        case ENXIO: return in_the_way(part_path() + " is not a regular file");
        }
        return failed("opening " + part_path());
    }

    // An empty file is not cut: ext4 takes a file that was cut to nothing for one being replaced, and closing it later
    // waits for the disk.
    bool emptied() const noexcept
    {
        struct stat s;
        return ::fstat(fd(), &s) == 0 && ((s.st_size == 0 && s.st_blocks == 0) || ::ftruncate(fd(), 0) == 0);
    }

    bool has_its_name() const noexcept
    {
        struct stat opened;
        struct stat named;
        return ::fstat(fd(), &opened) == 0 && ::fstatat(dir(), part_.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
            opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
    }

    failure remove_etag()
    {
        remembered_ = false;
        if(::unlinkat(dir(), etag_.c_str(), 0) == 0 || errno == ENOENT)
            return {};
        return failed("removing " + part_path() + ".etag");
    }

    failure compare_etag(digest const& expected) const
    {
        auto const name = part_path() + ".etag";
        unique_descriptor const in(detail::uninterrupted(
            [&] { return ::openat(dir(), etag_.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); }));
        if(!in)
            return errno == ENOENT ? cannot_resume("there is no " + name) : failed("opening " + name);
        std::array<char, 256> text; // longer than any digest
        std::size_t size = 0;
        while(size != text.size()) {
            auto const n =
                detail::uninterrupted([&] { return ::read(in.get(), text.data() + size, text.size() - size); });
            if(n == -1)
                return failed("reading " + name);
            if(n == 0)
                break;
            size += static_cast<std::size_t>(n);
        }
        std::string_view found(text.data(), size);
        if(found.ends_with('\n'))
            found.remove_suffix(1);
        auto const id = parse_digest(found);
        if(!id)
            return cannot_resume(name + " holds no digest");
        if(*id != expected)
            return cannot_resume("the partial file belongs to another archive, " + id->str());
        return {};
    }

    // Whether the bytes are on the disk, or at least with the file system. One that writes late (NFS) reports
    // errors when a descriptor is closed; closing a copy of ours makes it do so and keeps the lock.
    bool flushed(bool sync) noexcept
    {
        // The system tells of bytes that it could not write once, and then takes them for written.
        if(unwritten_ == 0 && !flush(sync))
            unwritten_ = errno;
        errno = unwritten_;
        return unwritten_ == 0;
    }

    bool flush(bool sync) const noexcept
    {
        if(sync)
            return detail::uninterrupted([&] { return ::fsync(fd()); }) == 0;
        int const copy = ::fcntl(fd(), F_DUPFD_CLOEXEC, 0);
        return copy != -1 && ::close(copy) == 0;
    }

    // A directory that may be written but not read, or a file system that cannot sync one, is no failure.
    bool sync_directory() const noexcept
    {
        unique_descriptor const d(::openat(dir(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if(!d)
            return errno == EACCES;
        return detail::uninterrupted([&] { return ::fsync(d.get()); }) == 0 || errno == EINVAL || errno == ENOTSUP;
    }

    std::string path_;
    std::string base_;
    std::string part_;
    std::string etag_;
    unique_descriptor directory_;
    unique_descriptor file_;
    std::uint64_t size_ = 0;
    bool remembered_ = false;
    int unwritten_ = 0; // the error of the first flush that failed
};

} // namespace tarexport::detail

#endif
