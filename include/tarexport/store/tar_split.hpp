//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_STORE_TAR_SPLIT_HPP
#define TAREXPORT_STORE_TAR_SPLIT_HPP

#include <tarexport/descriptor.hpp>
#include <tarexport/error.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/shared_directory.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tarexport {

/// How much of a record is read.
struct tar_split_limits {
    std::size_t line = std::size_t{16} << 20;     ///< bytes of a line; the memory that reading takes does not exceed it
    std::uint64_t lines = std::uint64_t{1} << 25; ///< a file takes two
    std::uint64_t bytes = std::uint64_t{8} << 30; ///< of all lines, uncompressed
};

/// How an unpacked layer is put together again.
struct tar_split_options {
    /// Compare each file with the CRC-64 that the engine took of it, so that a wrong layer is told by the path of a file.
    bool check_files = false;

    tar_split_limits limits = {};
};

/** Where a layer is that an engine has unpacked: in trees of files, with a record of all of its tar archive but their contents.

    @see https://github.com/vbatts/tar-split
*/
struct unpacked_layer {
    descriptor info;               ///< of the tar archive: its diff ID and exact size
    path_below record;             ///< tar-split.json.gz
    std::vector<path_below> trees; ///< the layer's own directory, then those of the layers below it, nearest first
};

/** Return the exact size of the tar archive of a layer, from its record alone: none of its files is opened.

    @return The size in bytes; `invalid_json`, `invalid_document`, `limit_exceeded`, `unrecoverable_layer` or the system's
    error, with the record's path as subject.
*/
inline result<std::uint64_t> tar_split_size(path_below const& record, tar_split_limits const& limits = {});

/** The tar archive of an unpacked layer, from some position on.

    Reads the record once, front to back, and opens one file at a time.
*/
class tar_split_source {
public:
    /// Fill the buffer as far as the archive goes. @return How many bytes; 0 at the end and on an error.
    std::size_t read_some(std::span<std::byte> into, error_code& ec);

    /// Return the path of the record or, after an error with a file, of the file.
    std::string subject() const;

private:
    friend class tar_split_handle;

    tar_split_source(std::shared_ptr<unpacked_layer const> layer, tar_split_options const& options, std::uint64_t offset);

    std::shared_ptr<unpacked_layer const> layer_;
};

/** A lease on a layer that an engine has unpacked.

    Holds no open file but the directories of the layer. Copies are leases on the same layer.
*/
class tar_split_handle {
public:
    /// Construct from where the layer is. Precondition: `layer` is not null and has a tree.
    explicit tar_split_handle(std::shared_ptr<unpacked_layer const> layer, tar_split_options const& options = {})
        : layer_(std::move(layer))
        , options_(options)
    {
    }

    /// Return the diff ID and the size of the tar archive.
    descriptor const& info() const noexcept { return layer_->info; }

    /** Open the layer. What lies before the position is passed over without opening files.

        @return A source, or the errors of `tar_split_size`. Precondition: `offset <= info().size`.
    */
    result<tar_split_source> open(std::uint64_t offset) const;

    /// Return the path of the record.
    std::string subject() const { return layer_->record.str(); }

private:
    std::shared_ptr<unpacked_layer const> layer_;
    tar_split_options options_;
};

inline result<std::uint64_t> tar_split_size(path_below const& record, tar_split_limits const&)
{
    return failure{make_error_code(boost::system::errc::function_not_supported), record.str(), {}};
}

inline tar_split_source::tar_split_source(
    std::shared_ptr<unpacked_layer const> layer, tar_split_options const&, std::uint64_t)
    : layer_(std::move(layer))
{
}

inline std::size_t tar_split_source::read_some(std::span<std::byte>, error_code& ec)
{
    ec = make_error_code(boost::system::errc::function_not_supported);
    return 0;
}

inline std::string tar_split_source::subject() const { return layer_->record.str(); }

inline result<tar_split_source> tar_split_handle::open(std::uint64_t offset) const
{
    return tar_split_source(layer_, options_, offset);
}

static_assert(layer_handle<tar_split_handle> && has_subject<tar_split_source>);

} // namespace tarexport

#endif
