//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_STORE_TAR_SPLIT_HPP
#define TAREXPORT_STORE_TAR_SPLIT_HPP

#include <tarexport/any_inflater.hpp>
#include <tarexport/bytes.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/detail/crc64.hpp>
#include <tarexport/detail/posix_file.hpp>
#include <tarexport/detail/posix_layer_tree.hpp>
#include <tarexport/detail/tar_split_lines.hpp>
#include <tarexport/error.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/shared_directory.hpp>
#include <tarexport/tar_split_reader.hpp>
#include <tarexport/zlib_inflater.hpp>

#include <boost/assert.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport {

/// How an unpacked layer is put together again.
struct tar_split_options {
    /// Compare each file with the CRC-64 that the engine took of it, so that a wrong layer is told by the path of a file.
    bool check_files = false;

    tar_split_limits limits = {};

    /// How many threads may work at once on a layer: with 2, a large record is decompressed and read in a thread of its own.
    std::size_t jobs = 2;

    /// Makes what decompresses records, not null: `make_inflater<isal_inflater>` for instance, which takes a quarter of zlib's time for them.
    inflater_maker inflater = make_inflater<zlib_inflater>;
};

namespace detail {

// What was there when the layer was leased, and is not any more.
inline failure perhaps_removed(failure f)
{
    if(f.code == detail::system_error_code(ENOENT))
        f.detail = "the engine may just have removed the image: try again";
    return f;
}

} // namespace detail

/// Where a layer is that an engine has unpacked: in trees of files, and the record of all that is not in them.
struct unpacked_layer {
    descriptor info;               ///< of the tar archive: its diff ID and exact size
    path_below record;             ///< tar-split.json.gz
    std::vector<path_below> trees; ///< the layer's own directory, then those of the layers below it, nearest first
};

/** The tar archive of an unpacked layer, from some position on.

    Reads the record once, front to back, and opens one file at a time. A file has to have the size that the record
    says, before it is read and while it is read: a size that differs is `size_mismatch`, what is no regular file
    `not_a_regular_file`, with the file's path as subject. With `check_files` content that differs is `digest_mismatch`; a file
    of which only the end is read is not compared.
*/
class tar_split_source {
public:
    /// Fill the buffer as far as the archive goes. @return How many bytes; 0 at the end and on an error.
    std::size_t read_some(std::span<std::byte> into, error_code& ec);

    /// Return all about the last error.
    failure const& reason() const noexcept { return failed_; }

    /// Return the path of the record or, after an error with a file, that of the file.
    std::string subject() const { return failed_.code.failed() ? failed_.subject : layer_->record.str(); }

private:
    friend class tar_split_handle;

    tar_split_source(std::shared_ptr<unpacked_layer const> layer, detail::tar_split_lines record, bool check, std::uint64_t offset)
        : layer_(std::move(layer))
        , record_(std::move(record))
        , tree_(std::shared_ptr<std::vector<path_below> const>(layer_, &layer_->trees))
        , check_files_(check)
        , skip_(offset)
    {
    }

    bool advance();
    bool open_file();
    std::size_t read_file(std::span<std::byte> into);
    std::size_t read_at(std::span<std::byte> into, std::uint64_t last);
    bool hash_up_to(std::uint64_t position);
    bool close_file();
    bool fail_file(error_code code, std::string detail);

    std::shared_ptr<unpacked_layer const> layer_;
    detail::tar_split_lines record_;
    detail::layer_tree tree_;
    bool check_files_;
    std::uint64_t skip_;         // how much of the archive lies before what is wanted
    std::string_view bytes_;     // of the record, to be given out
    detail::posix_file file_;    // open while some of its bytes are to be given out
    std::size_t part_ = 0;       // of what is stored of it
    std::uint64_t position_ = 0; // in it
    std::optional<detail::crc64> sum_;
    failure failed_;
};

/** A lease on a layer that an engine has unpacked.

    Holds no file open, but shares the directories of the layer. Copies are leases on the same layer.
*/
class tar_split_handle {
public:
    /// Construct from where the layer is. Precondition: `layer` is not null and has a tree.
    explicit tar_split_handle(std::shared_ptr<unpacked_layer const> layer, tar_split_options const& options = {})
        : layer_(std::move(layer))
        , options_(options)
    {
        BOOST_ASSERT(layer_ && !layer_->trees.empty());
    }

    /// Return the diff ID and the size of the tar archive.
    descriptor const& info() const noexcept { return layer_->info; }

    /** Open the layer. What lies before the position is passed over in the record, without opening files.

        @return A source, `not_a_regular_file`, or the system's error. Precondition: `offset <= info().size`.
    */
    result<tar_split_source> open(std::uint64_t offset) const
    {
        auto record = tar_split_reader::open(layer_->record, options_.limits, 1, options_.inflater);
        if(!record)
            return detail::perhaps_removed(record.error());
        return tar_split_source(layer_, detail::tar_split_lines(std::move(*record), options_.jobs > 1), options_.check_files, offset);
    }

    /// Return the path of the record.
    std::string subject() const { return layer_->record.str(); }

private:
    std::shared_ptr<unpacked_layer const> layer_;
    tar_split_options options_;
};

static_assert(layer_handle<tar_split_handle> && has_subject<tar_split_source> && has_reason<tar_split_source>);

inline std::size_t tar_split_source::read_some(std::span<std::byte> into, error_code& ec)
{
    ec.clear();
    std::size_t n = 0;
    while(n != into.size() && !failed_.code.failed()) {
        auto const rest = into.subspan(n);
        if(!bytes_.empty()) {
            auto const some = std::min(bytes_.size(), rest.size());
            std::memcpy(rest.data(), bytes_.data(), some);
            bytes_.remove_prefix(some);
            n += some;
        }
        else if(file_.fd)
            n += read_file(rest);
        else if(!advance())
            break;
    }
    if(n == 0)
        ec = failed_.code;
    return n;
}

// Goes on to the next line that has something to give out. False at the end, and after an error.
inline bool tar_split_source::advance()
{
    for(;;) {
        auto const more = record_.next();
        if(!more)
            failed_ = more.error();
        if(!more || !*more)
            return false;
        auto const& e = record_.entry();
        auto const size = e.is_file ? e.stored_size : e.bytes.size();
        if(size > skip_)
            break;
        skip_ -= size;
    }
    if(record_.entry().is_file)
        return open_file();
    bytes_ = record_.entry().bytes.substr(static_cast<std::size_t>(std::exchange(skip_, 0)));
    return true;
}

inline bool tar_split_source::open_file()
{
    auto const& e = record_.entry();
    auto opened = tree_.open(e.name);
    if(!opened) {
        failed_ = detail::perhaps_removed(opened.error());
        return false;
    }
    if(opened->size != e.size)
        return fail_file(error::size_mismatch, detail::sizes(e.size, opened->size));
    file_ = std::move(*opened);
    sum_.reset();
    if(check_files_ && skip_ == 0)
        sum_.emplace();
    part_ = 0;
    position_ = 0;
    if(sum_)
        return hash_up_to(e.stored[0].first);
    for(; skip_ >= e.stored[part_].last - e.stored[part_].first; ++part_)
        skip_ -= e.stored[part_].last - e.stored[part_].first;
    position_ = e.stored[part_].first + std::exchange(skip_, 0);
    return true;
}

inline std::size_t tar_split_source::read_file(std::span<std::byte> into)
{
    auto const& e = record_.entry();
    auto const n = read_at(into, e.stored[part_].last);
    if(n == 0 || position_ != e.stored[part_].last)
        return n;
    bool const last = ++part_ == e.stored.size();
    if(sum_) {
        if(!hash_up_to(last ? e.size : e.stored[part_].first))
            return 0;
    }
    else if(!last)
        position_ = e.stored[part_].first;
    return !last || close_file() ? n : 0;
}

// Reads on in the file, at most up to a position. Nothing only after an error.
inline std::size_t tar_split_source::read_at(std::span<std::byte> into, std::uint64_t last)
{
    auto const want = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), last - position_));
    error_code ec;
    auto const n = detail::read_some_at(file_.fd.get(), into.first(want), position_, ec);
    if(ec)
        fail_file(ec, "reading at byte " + std::to_string(position_));
    else if(n == 0)
        fail_file(error::size_mismatch, "it became shorter while it was read: " +
                                            detail::sizes(record_.entry().size, position_));
    position_ += n;
    if(sum_)
        sum_->update(into.first(n));
    return n;
}

// Reads what the archive does not have of a sparse file: its sum is that of all.
inline bool tar_split_source::hash_up_to(std::uint64_t position)
{
    std::array<std::byte, 16 * 1024> hole;
    while(position_ != position)
        if(read_at(hole, position) == 0)
            return false;
    return true;
}

inline bool tar_split_source::close_file()
{
    auto const& e = record_.entry();
    if(sum_ && sum_->value() != e.crc)
        return fail_file(error::digest_mismatch, "the file is not what the engine unpacked: its CRC-64 differs");
    file_.fd.reset();
    return true;
}

inline bool tar_split_source::fail_file(error_code code, std::string detail)
{
    failed_ = {code, tree_.path_of(record_.entry().name), std::move(detail)};
    file_.fd.reset();
    return false;
}

} // namespace tarexport

#endif
