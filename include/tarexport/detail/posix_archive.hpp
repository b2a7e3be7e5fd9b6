//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_POSIX_ARCHIVE_HPP
#define TAREXPORT_DETAIL_POSIX_ARCHIVE_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/detail/decompress.hpp>
#include <tarexport/detail/posix_blob.hpp>
#include <tarexport/detail/posix_descriptor.hpp>
#include <tarexport/detail/posix_file.hpp>
#include <tarexport/detail/posix_spool.hpp>
#include <tarexport/detail/posix_write.hpp>
#include <tarexport/error.hpp>
#include <tarexport/tar_reader.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

// An archive as a file in which one can go back and forth, whatever it comes from.

namespace tarexport::detail {

/// A file that stays open, and its size when it was opened.
struct shared_file {
    std::shared_ptr<unique_descriptor const> fd;
    std::uint64_t size = 0;
};

/// Reads a file from a position on. Goes over bytes without reading them.
class file_reader {
public:
    explicit file_reader(shared_file file) : file_(std::move(file)), buffer_(32 * 1024) {}

    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        ec.clear();
        if(at_ < begin_ || at_ >= end_) {
            if(into.size() >= buffer_.size()) {
                auto const n = detail::read_some_at(file_.fd->get(), into, at_, ec);
                at_ += n;
                return n;
            }
            begin_ = end_ = at_;
            end_ += detail::read_some_at(file_.fd->get(), buffer_, at_, ec);
        }
        auto const ready = std::span(buffer_).subspan(static_cast<std::size_t>(at_ - begin_), static_cast<std::size_t>(end_ - at_));
        auto const n = std::min(ready.size(), into.size());
        std::ranges::copy(ready.first(n), into.begin());
        at_ += n;
        return n;
    }

    /// Stays within the file.
    std::uint64_t skip(std::uint64_t n, error_code& ec) noexcept
    {
        ec.clear();
        auto const passed = std::min(n, at_ < file_.size ? file_.size - at_ : 0);
        at_ += passed;
        return passed;
    }

private:
    shared_file file_;
    std::vector<std::byte> buffer_;
    std::uint64_t begin_ = 0; // of what is in the buffer
    std::uint64_t end_ = 0;
    std::uint64_t at_ = 0;
};

static_assert(skipping_source<file_reader>);

/// Reads what comes out of a pipe, socket or device.
class stream_reader {
public:
    explicit stream_reader(int fd) noexcept : fd_(fd) {}

    std::size_t read_some(std::span<std::byte> into, error_code& ec) noexcept
    {
        for(;;) {
            auto const n = ::read(fd_, into.data(), into.size());
            if(n >= 0) {
                ec.clear();
                return static_cast<std::size_t>(n);
            }
            if(errno == EINTR)
                continue;
            pollfd p{fd_, POLLIN, 0};
            if((errno == EAGAIN || errno == EWOULDBLOCK) && detail::uninterrupted([&] { return ::poll(&p, 1, -1); }) > 0)
                continue;
            ec = detail::last_error();
            return 0;
        }
    }

private:
    int fd_;
};

static_assert(layer_source<stream_reader>);

/// The bytes that stores take from an archive. There are no layers of bzip2 in images with manifests, so archives of it would be half read.
template<layer_source Source>
decompressed_source<Source> store_source(Source source)
{
    return decompressed_source<Source>(std::move(source), nullptr, compression::bzip2);
}

/// Where an archive is kept that cannot be read where it is.
struct archive_spool {
    std::string directory;        ///< empty: what the system says
    std::uint64_t limit = 0;      ///< in bytes

    /// Put all that a source gives into a file without a name.
    template<layer_source Source>
    result<shared_file> keep(decompressed_source<Source>& source, std::string const& path) const
    {
        auto where = directory;
        if(where.empty()) {
            std::error_code ec;
            where = std::filesystem::temp_directory_path(ec).string();
            if(ec)
                return failure{error_code(ec.value(), boost::system::system_category()), "directory for temporary files", {}};
        }
        auto fd = detail::open_unnamed(where);
        if(!fd)
            return file_failure(where, path, detail::last_error());
        std::vector<std::byte> buffer(256 * 1024);
        for(std::uint64_t size = 0;;) {
            error_code ec;
            auto const n = source.read_some(buffer, ec);
            if(ec)
                return failure{ec, path, source.problem()};
            if(n == 0)
                return shared_file{std::make_shared<unique_descriptor const>(std::move(fd)), size};
            if(n > limit - size)
                return failure{error::limit_exceeded, path, "more than " + std::to_string(limit) + " bytes for the temporary file"};
            if(auto const bad = write_at(fd.get(), bytes_view(buffer).first(n), size))
                return file_failure(where, path, bad);
            size += n;
        }
    }

private:
    static error_code write_at(int fd, bytes_view bytes, std::uint64_t at)
    {
        while(!bytes.empty()) {
            error_code ec;
            auto const n = detail::transfer_some(fd, SIGXFSZ, bytes.size(), ec,
                [&] { return ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(at)); });
            if(ec)
                return ec;
            if(n == 0)
                return make_error_code(boost::system::errc::no_space_on_device);
            at += n;
            bytes = bytes.subspan(n);
        }
        return {};
    }

    static failure file_failure(std::string const& where, std::string const& path, error_code ec)
    {
        return {ec, "temporary file in " + where, "while keeping " + path};
    }
};

// A file is read where it is, unless it is compressed.
inline result<shared_file> seekable(shared_file file, std::string const& path, archive_spool const& spool)
{
    auto source = detail::store_source(file_reader(file));
    if(source.kind() == compression::none)
        return file;
    return spool.keep(source, path);
}

/// Open an archive by the path that the user gave: a regular file, or a link to one.
inline result<shared_file> open_archive(std::string const& path, archive_spool const& spool)
{
    auto opened = detail::open_regular_file(path);
    if(!opened) {
        auto why = std::move(opened).error();
        if(why.code == error::not_a_regular_file)
            why.detail = "a directory, or something that can be read only once: give such a thing as an open descriptor";
        return why;
    }
    return detail::seekable({std::make_shared<unique_descriptor const>(std::move(opened->fd)), opened->size}, path, spool);
}

/// Read an archive from a descriptor, which stays the caller's: a regular file from its start, anything else from where it is to its end.
inline result<shared_file> open_archive(int fd, std::string const& name, archive_spool const& spool)
{
    struct stat s;
    if(::fstat(fd, &s) != 0)
        return failure{detail::last_error(), name, {}};
    if(S_ISREG(s.st_mode) && ::lseek(fd, 0, SEEK_CUR) == 0) {
        unique_descriptor own(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
        if(!own)
            return failure{detail::last_error(), name, {}};
        return detail::seekable(
            {std::make_shared<unique_descriptor const>(std::move(own)), static_cast<std::uint64_t>(s.st_size)}, name, spool);
    }
    auto source = detail::store_source(stream_reader(fd));
    return spool.keep(source, name);
}

} // namespace tarexport::detail

#endif
