//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_SINK_FILE_HPP
#define TAREXPORT_SINK_FILE_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/detail/posix_partial_file.hpp>
#include <tarexport/detail/posix_write.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/sink.hpp>

#include <boost/assert.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>

namespace tarexport {

/// How a file is written.
struct file_sink_options {
    /// Whether committing waits until the archive is on the disk, and survives a power cut.
    bool sync = true;

    /// Whether an aborted save leaves what it has written, so that `file_sink::resume` can go on with it.
    bool keep_partial = false;

    /// The archive's size in bytes, where it is known; `file_sink::resume` refuses a longer partial file.
    std::uint64_t archive_size = std::numeric_limits<std::uint64_t>::max();
};

/** A sink that writes a file, which appears under its name when it is whole and not before.

    Until then the bytes are in NAME.part, beside it and locked. Committing brings them to the disk and renames the
    file; whatever had the name is replaced (a symbolic link too: not what it points to). Aborting removes
    NAME.part, and so does the destructor of a sink that was neither committed nor aborted. After a crash NAME.part
    stays, and the next save to the same name takes its place.

    @par Resuming
    With `keep_partial`, a sink that knows the archive's etag leaves NAME.part when it is aborted, and the etag in
    NAME.part.etag:
    @code
    file_sink out("app.tar", {.keep_partial = true});
    out.remember(plan.etag()).value();
    @endcode
    `resume` opens the two later; the bytes of the archive from `offset()` on are then to be written. The bytes
    before were verified only up to the entry that the file ends in: an error may have been found in that very
    layer. To verify it wholly, `cut` the file back to where the entry begins.

    Models `gather_sink`, `extent_sink`, `committing_sink` and `cloning_sink`. File mode is 0666 less the umask. A file-size limit is the
    error `file_too_large`, and raises no signal in the program.

    @par Thread Safety
    Several threads may call `write_at`, `copy_at` and `clone_at` at once; everything else, one thread at a time.
*/
class file_sink {
public:
    /** Create NAME.part.
        @throws save_error What `create` returns.
    */
    explicit file_sink(std::string path, file_sink_options options = {})
        : file_sink(create(std::move(path), options).value())
    {
    }

    /** Create NAME.part, and discard what an earlier save left in it.

        @return The sink, or an error with the path as subject: of the operating system; `is_a_directory`;
        `file_exists` where something that is no regular file has one of the names; `device_or_resource_busy` while
        another save writes the same file.
    */
    static result<file_sink> create(std::string path, file_sink_options options = {})
    {
        auto file = detail::partial_file::create(std::move(path));
        if(!file)
            return std::move(file).error();
        return file_sink(std::move(*file), options);
    }

    /** Open NAME.part of an aborted save of the same archive, to write what is missing.

        @param etag The archive's, from its plan.
        @return The sink, or `cannot_resume` with the reason, which leaves the files as they are, or an error as
        from `create`.
    */
    static result<file_sink> resume(std::string path, digest const& etag, file_sink_options options = {})
    {
        auto file = detail::partial_file::reopen(std::move(path), etag);
        if(!file)
            return std::move(file).error();
        if(file->size() > options.archive_size)
            return file->cannot_resume("the partial file has " + std::to_string(file->size()) +
                " bytes, more than the archive's " + std::to_string(options.archive_size));
        return file_sink(std::move(*file), options);
    }

    /// Construct from another sink, which is finished afterwards.
    file_sink(file_sink&&) noexcept = default;

    /// Abort this sink and take the other's place, which is finished afterwards.
    file_sink& operator=(file_sink&& other) noexcept
    {
        if(this != &other) {
            abort();
            file_ = std::move(other.file_);
            options_ = other.options_;
            begun_ = other.begun_;
        }
        return *this;
    }

    ~file_sink() { abort(); }

    /** Write the archive's etag beside NAME.part, where `keep_partial` asks for it.

        Without it nothing is kept. A resumed sink remembers the one that it was opened with.

        @par Preconditions
        Nothing was written yet, and the sink is not finished.
    */
    result<void> remember(digest const& etag)
    {
        BOOST_ASSERT(file_.active() && !begun_);
        if(!options_.keep_partial || file_.remembered())
            return {};
        if(auto why = file_.remember(etag); why.code.failed())
            return why;
        return {};
    }

    /** Set room on the disk aside for the whole archive, so that a disk that is too full, or a quota, is noticed before the first byte.

        Not for an archive that is to share the blocks of its layers, which takes no room. A file system that cannot reserve is no
        error: it is full when it is full. A program that is killed leaves the room taken by NAME.part, until that is removed or the next
        save to the name begins.

        @return `no_space_on_device`, `disk quota exceeded` or `file_too_large`, with the path as subject.
        @par Preconditions
        Nothing was written yet, and the sink is not finished.
    */
    result<void> reserve(std::uint64_t archive_size)
    {
        BOOST_ASSERT(file_.active() && !begun_);
        if(auto why = file_.reserve(archive_size); why.code.failed())
            return why;
        return {};
    }

    /** Remove the etag that a resumed file has beside it, to write the rest in any order.

        The file then gets holes, which `resume` must not take for bytes of the archive: nothing is kept, and a program that is
        killed leaves nothing to go on with, until `remember` tells what is right.

        @par Preconditions
        Nothing was written yet, and the sink is not finished.
    */
    result<void> forget()
    {
        BOOST_ASSERT(file_.active() && !begun_);
        if(auto why = file_.forget(options_.sync); why.code.failed())
            return why;
        return {};
    }

    /** Cut what was written in any order to the part that has no holes, and write the archive's etag beside it, where `keep_partial`
        asks for it.

        The sink is as one that was resumed then: `offset()` is `size`.

        @par Preconditions
        The first `size` bytes of the archive are in the file, no etag is remembered, and the sink is not finished.
    */
    result<void> remember(digest const& etag, std::uint64_t size)
    {
        BOOST_ASSERT(file_.active() && !file_.remembered());
        if(!options_.keep_partial)
            return {};
        if(auto why = file_.remember(etag, size, options_.sync); why.code.failed())
            return why;
        begun_ = false;
        return {};
    }

    /// Return the position in the archive at which writing goes on: 0, or where a resumed file ended.
    std::uint64_t offset() const noexcept { return file_.size(); }

    /** Forget the bytes of a resumed file from a position on, to write them again; `offset()` is that position then.

        @par Preconditions
        `offset` does not exceed `offset()`, and nothing was written yet.
    */
    void cut(std::uint64_t offset, error_code& ec) noexcept
    {
        BOOST_ASSERT(offset <= file_.size() && !begun_);
        if(writable(ec))
            file_.cut(offset, ec);
    }

    std::size_t write_some(bytes_view bytes, error_code& ec) noexcept
    {
        return write_some(std::span<bytes_view const>(&bytes, 1), ec);
    }

    std::size_t write_some(std::span<bytes_view const> pieces, error_code& ec) noexcept
    {
        if(!writable(ec))
            return 0;
        begun_ = true;
        return detail::write_pieces_some(file_.fd(), detail::output_kind::regular, pieces, ec);
    }

    std::size_t copy_some(file_extent extent, error_code& ec) noexcept
    {
        if(!writable(ec))
            return 0;
        begun_ = true;
        return detail::copy_extent_some(file_.fd(), detail::output_kind::regular, extent, ec);
    }

    /** Return whether `write_at` and `copy_at` may come in any order: not where a failed save leaves what it has written, nor, since a
        program may be killed, as long as there is an etag that `resume` would go on by.
    */
    bool any_order() const noexcept { return !options_.keep_partial && !file_.remembered(); }

    /// Write bytes of the archive from the position `offset() + position` on. Several threads may do so at once.
    std::size_t write_at(std::uint64_t position, std::span<bytes_view const> pieces, error_code& ec) noexcept
    {
        if(!writable(ec))
            return 0;
        std::atomic_ref(begun_).store(true, std::memory_order_relaxed);
        return detail::write_pieces_some_at(file_.fd(), file_.size() + position, pieces, ec);
    }

    /// Copy bytes of a file to the position `offset() + position`. Several threads may do so at once.
    std::size_t copy_at(std::uint64_t position, file_extent extent, error_code& ec) noexcept
    {
        if(!writable(ec))
            return 0;
        std::atomic_ref(begun_).store(true, std::memory_order_relaxed);
        return detail::copy_extent_some_at(file_.fd(), file_.size() + position, extent, ec);
    }

    /// Have the file share bytes of another one at the position `offset() + position`. Several threads may do so at once.
    std::size_t clone_at(std::uint64_t position, file_extent extent, error_code& ec) noexcept
    {
        if(!writable(ec))
            return 0;
        std::atomic_ref(begun_).store(true, std::memory_order_relaxed);
        return detail::clone_extent_some_at(file_.fd(), file_.size() + position, extent, ec);
    }

    /** Make the file appear under its name.

        An error leaves whatever had the name before, and the sink to be aborted; except that the file has appeared
        where only its directory could not be brought to the disk.
    */
    void commit(error_code& ec) noexcept
    {
        if(writable(ec))
            file_.publish(options_.sync, ec);
    }

    /// Remove NAME.part, or keep it as the options say. Does nothing to a finished sink.
    void abort() noexcept
    {
        if(!file_.active())
            return;
        if(options_.keep_partial)
            file_.keep(options_.sync);
        else
            file_.discard();
    }

    /// Return the path.
    std::string subject() const { return file_.path(); }

private:
    file_sink(detail::partial_file file, file_sink_options const& options) noexcept
        : file_(std::move(file))
        , options_(options)
    {
    }

    bool writable(error_code& ec) const noexcept
    {
        ec.clear();
        if(!file_.active())
            ec = error::sink_finished;
        return !ec.failed();
    }

    detail::partial_file file_;
    file_sink_options options_;
    bool begun_ = false;
};

static_assert(gather_sink<file_sink> && extent_sink<file_sink> && cloning_sink<file_sink>);

} // namespace tarexport

#endif
