//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_POSIX_BLOB_HPP
#define TAREXPORT_DETAIL_POSIX_BLOB_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/detail/posix_descriptor.hpp>
#include <tarexport/detail/posix_file.hpp>
#include <tarexport/error.hpp>
#include <tarexport/layer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

namespace tarexport::detail {

/// Open a regular file by a path that the user gave, so that it may lead through symlinks.
inline result<posix_file> open_regular_file(std::string const& path)
{
    if(path.find('\0') != std::string::npos)
        return failure{make_error_code(boost::system::errc::invalid_argument), path, "the path has a zero character"};
    posix_file f;
    f.fd = unique_descriptor(
        detail::uninterrupted([&] { return ::open(path.c_str(), read_flags & ~O_NOFOLLOW); }));
    struct stat s;
    if(!f.fd || ::fstat(f.fd.get(), &s) != 0)
        return failure{detail::last_error(), path, {}};
    if(!S_ISREG(s.st_mode))
        return failure{error::not_a_regular_file, path, {}};
    f.size = static_cast<std::uint64_t>(s.st_size);
    return f;
}

/** Bytes that stay: in memory, or a range of an open file. Shares what it shows, so that it may outlive who gave it.

    Reads by position, so several may share a descriptor.
*/
class blob_source {
public:
    static constexpr std::size_t file_buffer_size = std::size_t{128} << 10;

    /// The bytes of `memory`, which lives as long as `owner` where there is one.
    blob_source(std::shared_ptr<void const> owner, bytes_view memory, std::string subject)
        : owner_(std::move(owner))
        , memory_(memory)
        , subject_(std::move(subject))
    {
    }

    /// `size` bytes from `offset` of a file.
    blob_source(std::shared_ptr<unique_descriptor const> file, std::uint64_t offset, std::uint64_t size, std::string subject)
        : file_(std::move(file))
        , offset_(offset)
        , size_(size)
        , subject_(std::move(subject))
    {
    }

    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        ec.clear();
        if(file_)
            return read_file(into, ec);
        auto const taken = take(into.size());
        std::ranges::copy(taken, into.begin());
        return taken.size();
    }

    bytes_view view_some(std::size_t max, error_code& ec)
    {
        ec.clear();
        if(!file_)
            return take(max);
        if(!buffer_)
            buffer_ = std::make_unique_for_overwrite<std::byte[]>(file_buffer_size);
        return {buffer_.get(), read_file({buffer_.get(), std::min(max, file_buffer_size)}, ec)};
    }

    std::optional<file_extent> extent() const
    {
        if(!file_)
            return std::nullopt;
        return file_extent{file_->get(), offset_, size_};
    }

    std::string const& subject() const noexcept { return subject_; }

private:
    bytes_view take(std::size_t max) noexcept
    {
        auto const taken = memory_.first(std::min(max, memory_.size()));
        memory_ = memory_.subspan(taken.size());
        return taken;
    }

    // A file that was cut since ends early, which whoever knows the size notices.
    std::size_t read_file(std::span<std::byte> into, error_code& ec)
    {
        auto const max = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size_));
        if(max == 0)
            return 0;
        auto const n = detail::read_some_at(file_->get(), into.first(max), offset_, ec);
        offset_ += n;
        size_ -= n;
        return n;
    }

    std::shared_ptr<void const> owner_;
    bytes_view memory_;
    std::shared_ptr<unique_descriptor const> file_;
    std::uint64_t offset_ = 0;
    std::uint64_t size_ = 0;
    std::unique_ptr<std::byte[]> buffer_;
    std::string subject_;
};

static_assert(view_source<blob_source> && extent_source<blob_source> && has_subject<blob_source>);

} // namespace tarexport::detail

#endif
