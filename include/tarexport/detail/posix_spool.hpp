//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_POSIX_SPOOL_HPP
#define TAREXPORT_DETAIL_POSIX_SPOOL_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/detail/posix_blob.hpp>
#include <tarexport/detail/posix_descriptor.hpp>
#include <tarexport/detail/posix_write.hpp>
#include <tarexport/error.hpp>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

namespace tarexport::detail {

/// Open a file that has a name for a moment only.
inline unique_descriptor open_then_unlink(std::string const& directory)
{
    auto path = directory + "/tarexport-XXXXXX";
    unique_descriptor fd(::mkostemp(path.data(), O_CLOEXEC));
    if(fd)
        ::unlink(path.c_str());
    return fd;
}

/// Open a file that never has a name, where the file system can do that.
inline unique_descriptor open_unnamed(std::string const& directory)
{
#ifdef O_TMPFILE
    unique_descriptor fd(
        detail::uninterrupted([&] { return ::open(directory.c_str(), O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600); }));
    if(fd || errno == ENOSPC || errno == EDQUOT || errno == EMFILE || errno == ENFILE)
        return fd;
#endif
    return detail::open_then_unlink(directory);
}

/** Where spooled bytes are kept: in memory up to a limit, the others in one file without a name.

    One descriptor serves all, however many there are. What is given back in the middle of the file is left
    to the file system as a hole, and the file is emptied when nothing of it is used any more.

    @par Thread Safety
    May be used from several threads. Whoever writes to the file has it for itself.
*/
class spool_area {
public:
    spool_area(std::uint64_t memory, std::string directory) : memory_left_(memory), directory_(std::move(directory)) {}

    spool_area(spool_area const&) = delete;
    spool_area& operator=(spool_area const&) = delete;

    bool reserve(std::uint64_t n) noexcept
    {
        auto left = memory_left_.load();
        do
            if(n > left)
                return false;
        while(!memory_left_.compare_exchange_weak(left, left - n));
        return true;
    }

    void give_back(std::uint64_t n) noexcept { memory_left_ += n; }

    unique_descriptor const& file() const noexcept { return file_; }

    /// The bytes that are being written at the end of the file. They count only after `commit`.
    class tail {
    public:
        explicit tail(spool_area& a) : area_(a), lock_(a.mutex_) {}
        tail(tail const&) = delete;
        tail& operator=(tail const&) = delete;

        ~tail()
        {
            if(!committed_ && size_ != 0)
                [[maybe_unused]] auto const r = ::ftruncate(area_.file_.get(), static_cast<off_t>(area_.end_));
        }

        failure write(bytes_view bytes)
        {
            if(auto why = area_.open_file(); why.code.failed())
                return why;
            while(!bytes.empty()) {
                auto const at = static_cast<off_t>(area_.end_ + size_);
                error_code ec;
                auto const n = detail::transfer_some(area_.file_.get(), SIGXFSZ, bytes.size(), ec,
                    [&] { return ::pwrite(area_.file_.get(), bytes.data(), bytes.size(), at); });
                if(n == 0 && !ec.failed())
                    ec = make_error_code(boost::system::errc::no_space_on_device);
                if(ec.failed())
                    return area_.file_failure(ec);
                size_ += n;
                bytes = bytes.subspan(n);
            }
            return {};
        }

        /// Keep the bytes. @return Their position.
        std::uint64_t commit() noexcept
        {
            committed_ = true;
            ++area_.users_;
            return std::exchange(area_.end_, area_.end_ + size_);
        }

    private:
        spool_area& area_;
        std::unique_lock<std::mutex> lock_;
        std::uint64_t size_ = 0;
        bool committed_ = false;
    };

    /// Give back committed bytes of the file.
    void release(std::uint64_t offset, std::uint64_t size) noexcept
    {
        std::lock_guard const lock(mutex_);
        if(--users_ == 0) {
            if(::ftruncate(file_.get(), 0) == 0)
                end_ = 0;
            return;
        }
#ifdef FALLOC_FL_PUNCH_HOLE
        // A file system that cannot do this keeps the space until the file is emptied.
        [[maybe_unused]] auto const r = ::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
            static_cast<off_t>(offset), static_cast<off_t>(size));
#else
        (void)offset, (void)size;
#endif
    }

private:
    failure file_failure(error_code ec) const { return {ec, "temporary file in " + directory_, "while spooling a layer"}; }

    failure open_file()
    {
        if(file_)
            return {};
        if(directory_.empty()) {
            std::error_code ec;
            directory_ = std::filesystem::temp_directory_path(ec).string();
            if(ec)
                return {error_code(ec.value(), boost::system::system_category()), "directory for temporary files", {}};
        }
        file_ = detail::open_unnamed(directory_);
        return file_ ? failure() : file_failure(detail::last_error());
    }

    std::atomic<std::uint64_t> memory_left_;
    std::mutex mutex_; // guards what follows
    std::string directory_;
    unique_descriptor file_; // once open it stays, so who has bytes in it may read it without the lock
    std::uint64_t end_ = 0;
    std::size_t users_ = 0;
};

/// Bytes in a spool area; gives their place back when it dies.
class spooled_bytes {
public:
    explicit spooled_bytes(std::shared_ptr<spool_area> a) : area_(std::move(a)) {}
    spooled_bytes(spooled_bytes const&) = delete;
    spooled_bytes& operator=(spooled_bytes const&) = delete;

    ~spooled_bytes()
    {
        if(in_file_)
            area_->release(offset_, size_);
        else
            area_->give_back(memory_.size());
    }

    bool in_file() const noexcept { return in_file_; }

    /// Read from a position on. Precondition: it is not beyond the end.
    static blob_source open(std::shared_ptr<spooled_bytes const> self, std::uint64_t at, std::string subject)
    {
        auto const& b = *self;
        if(!b.in_file_) {
            auto const memory = to_bytes(b.memory_).subspan(static_cast<std::size_t>(at));
            return {std::move(self), memory, std::move(subject)};
        }
        std::shared_ptr<unique_descriptor const> file(self, &b.area_->file());
        return {std::move(file), b.offset_ + at, b.size_ - at, std::move(subject)};
    }

    /// Puts bytes into an area, portion by portion: into memory as long as there is room, then all of them into the file.
    class writer {
    public:
        explicit writer(std::shared_ptr<spool_area> const& a) : area_(*a), out_(std::make_shared<spooled_bytes>(a)) {}

        failure write(bytes_view bytes)
        {
            if(!tail_ && area_.reserve(bytes.size())) {
                reservation r{area_, bytes.size()};
                out_->memory_.append(to_text(bytes));
                r.size = 0;
                return {};
            }
            if(!tail_)
                if(auto why = leave_memory(); why.code.failed())
                    return why;
            if(auto why = tail_->write(bytes); why.code.failed())
                return why;
            out_->size_ += bytes.size();
            return {};
        }

        std::shared_ptr<spooled_bytes const> finish()
        {
            if(tail_) {
                out_->offset_ = tail_->commit();
                out_->in_file_ = true;
                tail_.reset();
            }
            out_->memory_.shrink_to_fit();
            return std::move(out_);
        }

    private:
        struct reservation {
            spool_area& area;
            std::uint64_t size;
            ~reservation() { area.give_back(size); }
        };

        failure leave_memory()
        {
            tail_.emplace(area_);
            if(auto why = tail_->write(to_bytes(out_->memory_)); why.code.failed())
                return why;
            out_->size_ = out_->memory_.size();
            area_.give_back(out_->memory_.size());
            out_->memory_ = std::string();
            return {};
        }

        spool_area& area_;
        std::shared_ptr<spooled_bytes> out_;
        std::optional<spool_area::tail> tail_;
    };

private:
    std::shared_ptr<spool_area> area_;
    std::string memory_;
    bool in_file_ = false;
    std::uint64_t offset_ = 0;
    std::uint64_t size_ = 0; // in the file
};

} // namespace tarexport::detail

#endif
