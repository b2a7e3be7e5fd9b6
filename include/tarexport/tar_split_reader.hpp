//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_TAR_SPLIT_READER_HPP
#define TAREXPORT_TAR_SPLIT_READER_HPP

#include <tarexport/any_inflater.hpp>
#include <tarexport/bytes.hpp>
#include <tarexport/detail/clean_path.hpp>
#include <tarexport/detail/gzip_file.hpp>
#include <tarexport/detail/posix_file.hpp>
#include <tarexport/detail/tar_block.hpp>
#include <tarexport/detail/tar_parse.hpp>
#include <tarexport/detail/tar_split_line.hpp>
#include <tarexport/error.hpp>
#include <tarexport/shared_directory.hpp>
#include <tarexport/tar_header.hpp>
#include <tarexport/zlib_inflater.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport {

/// How much of a record is read.
struct tar_split_limits {
    std::size_t line = std::size_t{16} << 20;     ///< bytes of a line, which reading keeps in memory
    std::uint64_t lines = std::uint64_t{1} << 25; ///< a file takes two
    std::uint64_t bytes = std::uint64_t{8} << 30; ///< of all lines, uncompressed
};

/// What a line of a record stands for: bytes of the archive, or a file whose bytes come next.
struct tar_split_entry {
    bool is_file = false;

    std::string_view bytes; ///< where it is no file: bytes of the archive, valid until the next line is read

    std::string name;               ///< the file's, as the archive has it
    std::uint64_t size = 0;         ///< of the file in its tree, in bytes
    std::uint64_t stored_size = 0;  ///< of what the archive has of the file
    std::vector<byte_range> stored; ///< these bytes of the file, in order: all of it, or what a sparse one has between holes
    std::uint64_t crc = 0;          ///< CRC-64/GO-ISO of the file
};

/** Reads the record that an engine keeps of a layer's tar archive when it unpacks it: tar-split.json.gz.

    The record holds all bytes of the archive but the contents of files, each of which it names in its place. It is read front
    to back, in memory that does not depend on its size; no file of the layer is opened.

    Where the engine has not kept all that it takes to write the archive again, that is `unrecoverable_layer`: files of
    the sparse format PAX 1.0, and whiteouts that have content. After an error a reader stays failed.

    @see https://github.com/vbatts/tar-split
*/
class tar_split_reader {
public:
    /** Open a record.

        @param jobs How many threads may work at once. With 2, a large record is decompressed in a thread of its own.
        @param make Makes what decompresses it; not null.
        @return A reader, `not_a_regular_file`, or the system's error.
    */
    static result<tar_split_reader> open(path_below const& record, tar_split_limits const& limits = {}, std::size_t jobs = 1,
        inflater_maker make = make_inflater<zlib_inflater>);

    /** Read the next line.

        @return Whether there was one; `invalid_json`, `invalid_document`, `limit_exceeded`, `unrecoverable_layer` or the system's
        error, with the path of the record as subject and the position of the line in the detail.
    */
    result<bool> next();

    /// Return what the line stands for; valid until the next call of `next`.
    tar_split_entry const& entry() const noexcept { return entry_; }

    /// Return how many bytes the line has in the record, uncompressed.
    std::size_t line_size() const noexcept { return text_.size(); }

    /// Return the size of the archive up to the end of the current entry.
    std::uint64_t archive_size() const noexcept { return archive_size_; }

private:
    // What the headers that stand before a file's own say about its size.
    struct announced {
        std::optional<std::int64_t> size;
        detail::pax_sparse format = detail::pax_sparse::none;
        std::optional<detail::sparse_map> map;
    };

    tar_split_reader(detail::gzip_input file, std::string path, tar_split_limits const& limits)
        : file_(std::move(file))
        , path_(std::move(path))
        , limits_(limits)
    {
    }

    bool fail(error_code code, std::string what);
    bool fail_at(error_code code, std::string const& what);
    bool fail_entry(error_code code, std::string const& what);
    bool fail_length();
    bool read_more();
    bool read_line();
    bool take_bytes();
    bool take_file();
    bool take_sparse(std::int64_t stored);
    bool has_data() const;
    bool is_whiteout() const;
    void find_header(std::string_view bytes);
    void find_records(std::string_view headers);
    bool grow(std::uint64_t n);

    static constexpr std::size_t buffer_size = std::size_t{128} << 10;

    detail::gzip_input file_;
    std::string path_;
    tar_split_limits limits_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0; // what is read but not taken
    std::size_t end_ = 0;
    bool ended_ = false;
    std::uint64_t total_ = 0;
    std::uint64_t lines_ = 0;
    detail::tar_split_line line_;
    std::span<char> text_; // of the current line
    detail::tar_block header_; // the last block of the last bytes
    bool has_header_ = false;
    announced announced_;
    tar_split_entry entry_;
    std::uint64_t archive_size_ = 0;
    std::optional<failure> failed_;
};

/** Return the exact size of the tar archive of a layer, from its record alone: none of its files is opened.

    @return The size in bytes, or the errors of `tar_split_reader`.
*/
inline result<std::uint64_t> tar_split_size(path_below const& record, tar_split_limits const& limits = {}, std::size_t jobs = 1,
    inflater_maker make = make_inflater<zlib_inflater>)
{
    auto reader = tar_split_reader::open(record, limits, jobs, make);
    if(!reader)
        return reader.error();
    for(;;) {
        auto const more = reader->next();
        if(!more)
            return more.error();
        if(!*more)
            return reader->archive_size();
    }
}

inline result<tar_split_reader> tar_split_reader::open(
    path_below const& record, tar_split_limits const& limits, std::size_t jobs, inflater_maker make)
{
    error_code ec;
    auto file = detail::open_file_beneath(record.directory.fd(), record.path, ec);
    if(ec)
        return failure{ec, record.str(), {}};
    return tar_split_reader(detail::gzip_input(std::move(file), make(), jobs), record.str(), limits);
}

inline bool tar_split_reader::fail(error_code code, std::string what)
{
    failed_ = failure{code, path_, std::move(what)};
    return false;
}

inline bool tar_split_reader::fail_at(error_code code, std::string const& what)
{
    return fail(code, "position " + std::to_string(lines_) + ": " + what);
}

inline bool tar_split_reader::fail_entry(error_code code, std::string const& what)
{
    auto const name = entry_.is_file ? ", " + entry_.name : std::string();
    return fail(code, "position " + std::to_string(lines_) + name + ": " + what);
}

inline bool tar_split_reader::fail_length()
{
    return fail_at(error::limit_exceeded, "a line of more than " + std::to_string(limits_.line) + " bytes");
}

inline result<bool> tar_split_reader::next()
{
    if(!failed_ && read_line() && !text_.empty()) {
        if(auto const parsed = detail::parse_tar_split_line(text_, lines_, line_); !parsed)
            fail_at(parsed.error().code, parsed.error().detail);
        else if(line_.is_file ? take_file() : take_bytes())
            ++lines_;
    }
    if(failed_)
        return *failed_;
    return !text_.empty();
}

// Puts more of the record behind what is there, which may move to the front of the buffer.
inline bool tar_split_reader::read_more()
{
    if(begin_ != 0) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
        // An exceptionally long line is over.
        if(end_ < buffer_size && buffer_.size() > 4 * buffer_size) {
            buffer_.resize(buffer_size);
            buffer_.shrink_to_fit();
        }
    }
    if(end_ == buffer_.size()) {
        if(end_ > limits_.line)
            return fail_length();
        buffer_.resize(std::min(std::max(2 * end_, buffer_size), limits_.line + 1));
    }
    auto const n = file_.read(std::span(buffer_).subspan(end_));
    if(!n)
        return fail(n.error().code, n.error().detail);
    ended_ = *n < buffer_.size() - end_;
    end_ += *n;
    total_ += *n;
    if(total_ > limits_.bytes)
        return fail(error::limit_exceeded, "more than " + std::to_string(limits_.bytes) + " bytes");
    return true;
}

// Leaves the line in `text_`, without the character that ends it; nothing at the end of the record.
inline bool tar_split_reader::read_line()
{
    text_ = {};
    for(std::size_t searched = 0;;) {
        auto const* const from = buffer_.data() + begin_;
        auto const size = end_ - begin_;
        auto const* const found = size == searched ? nullptr : std::memchr(from + searched, '\n', size - searched);
        if(found != nullptr || (ended_ && size != 0)) {
            auto const length = found == nullptr ? size : static_cast<std::size_t>(static_cast<char const*>(found) - from);
            text_ = std::span(buffer_).subspan(begin_, length);
            begin_ += std::min(length + 1, size);
            if(length > limits_.line)
                return fail_length();
            if(lines_ == limits_.lines)
                return fail(error::limit_exceeded, "more than " + std::to_string(limits_.lines) + " lines");
            return length != 0 || fail_at(error::invalid_json, "an empty line");
        }
        if(ended_)
            return true;
        searched = size;
        if(!read_more())
            return false;
    }
}

inline bool tar_split_reader::grow(std::uint64_t n)
{
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if(n > most - archive_size_)
        return fail_entry(error::invalid_document, "the archive would have more than 2^63-1 bytes");
    archive_size_ += n;
    return true;
}

inline bool tar_split_reader::take_bytes()
{
    entry_.is_file = false;
    entry_.bytes = line_.payload;
    find_header(entry_.bytes);
    return grow(entry_.bytes.size());
}

// The header of a file is the last block before it. A block begins where the archive's size is a multiple of 512.
inline void tar_split_reader::find_header(std::string_view bytes)
{
    announced_ = {};
    auto const pad = static_cast<std::size_t>(padding(archive_size_));
    has_header_ = bytes.size() >= pad + tar_block_size && (bytes.size() - pad) % tar_block_size == 0;
    if(!has_header_)
        return;
    std::memcpy(header_.bytes().data(), bytes.data() + bytes.size() - tar_block_size, tar_block_size);
    find_records(bytes.substr(pad));
}

// Of the headers that describe the next, only PAX records change what the archive has of a file.
inline void tar_split_reader::find_records(std::string_view headers)
{
    while(headers.size() > tar_block_size) {
        detail::tar_block block;
        std::memcpy(block.bytes().data(), headers.data(), tar_block_size);
        headers.remove_prefix(tar_block_size);
        auto const type = block.typeflag();
        auto const size = block.number(detail::tar_size).value_or(-1);
        bool const describes =
            type == tar_type::extended || type == tar_type::gnu_long_name || type == tar_type::gnu_long_link;
        if(!describes || size < 0 || static_cast<std::uint64_t>(size) > std::min(headers.size(), detail::tar_special_limit))
            return;
        auto const text = headers.substr(0, static_cast<std::size_t>(size));
        headers.remove_prefix(std::min(headers.size(), static_cast<std::size_t>(padded_size(text.size()))));
        if(type != tar_type::extended)
            continue;
        announced_ = {};
        if(text.find(" size=") == text.npos && text.find(" GNU.sparse.") == text.npos)
            continue;
        auto const records = detail::parse_records(text);
        if(!records)
            return;
        announced_.size = detail::parse_decimal(detail::find_record(*records, "size"));
        announced_.format = detail::sparse_format(*records);
        if(announced_.format == detail::pax_sparse::in_records)
            announced_.map = detail::parse_map_in_records(*records);
    }
}

// Some entries state a size without having data. A directory of the oldest kind is told by its name, and then by its sum,
// because some writers gave such names to files.
inline bool tar_split_reader::has_data() const
{
    auto const type = header_.typeflag();
    bool const old_directory = type == '\0' && entry_.name.ends_with('/');
    return !tarexport::has_no_data(type) && !(old_directory && entry_.crc == 0);
}

// What has such a name is unpacked as a mark of its own: engines drop what it contains.
inline bool tar_split_reader::is_whiteout() const
{
    constexpr std::string_view mark = ".wh.";
    if(entry_.name.find(mark) == std::string::npos)
        return false;
    auto const path = detail::clean_path("/" + entry_.name);
    return std::string_view(path).substr(path.rfind('/') + 1).starts_with(mark);
}

inline bool tar_split_reader::take_file()
{
    entry_.is_file = true;
    entry_.bytes = {};
    std::swap(entry_.name, line_.name);
    entry_.size = line_.size;
    entry_.stored_size = 0;
    entry_.stored.clear();
    entry_.crc = 0;
    for(char const c : line_.payload)
        entry_.crc = entry_.crc << 8 | static_cast<unsigned char>(c);
    bool const has_header = std::exchange(has_header_, false) && header_.has_right_sum();
    // A global header stands for itself, without a header of its own.
    if(!has_header && line_.size == 0)
        return true;
    if(!has_header)
        return fail_entry(error::invalid_document, "no tar header stands before it");
    if(!has_data())
        return true;
    auto const stored = announced_.size ? announced_.size : header_.number(detail::tar_size);
    if(!stored || *stored < 0)
        return fail_entry(error::invalid_document, "its tar header has no size");
    if(is_whiteout() && line_.size != 0)
        return fail_entry(error::unrecoverable_layer, "a whiteout with content, which engines do not keep");
    if(header_.typeflag() == tar_type::gnu_sparse || announced_.format != detail::pax_sparse::none)
        return take_sparse(*stored);
    if(static_cast<std::uint64_t>(*stored) != line_.size)
        return fail_entry(error::invalid_document, "it has " + std::to_string(line_.size) + " bytes, and by its tar header " +
                                                       std::to_string(*stored));
    if(line_.size == 0)
        return true;
    entry_.stored.push_back({0, line_.size});
    entry_.stored_size = line_.size;
    return grow(line_.size);
}

inline bool tar_split_reader::take_sparse(std::int64_t stored)
{
    if(announced_.format != detail::pax_sparse::in_records)
        return fail_entry(error::unrecoverable_layer, "a sparse file whose map of holes engines do not keep");
    auto const& map = announced_.map;
    if(!map || !detail::is_valid_map(*map, static_cast<std::int64_t>(line_.size)))
        return fail_entry(error::invalid_document, "its map of holes is malformed");
    for(auto const& e : *map) {
        if(e.size == 0)
            continue;
        entry_.stored.push_back({static_cast<std::uint64_t>(e.offset), static_cast<std::uint64_t>(e.end())});
        entry_.stored_size += static_cast<std::uint64_t>(e.size);
    }
    if(entry_.stored_size != static_cast<std::uint64_t>(stored))
        return fail_entry(error::invalid_document, "its map of holes leaves " + std::to_string(entry_.stored_size) +
                                                      " bytes, its tar header " + std::to_string(stored));
    return grow(entry_.stored_size);
}

} // namespace tarexport

#endif
