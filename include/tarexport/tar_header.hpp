//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_TAR_HEADER_HPP
#define TAREXPORT_TAR_HEADER_HPP

#include <tarexport/detail/clean_path.hpp>
#include <tarexport/detail/tar_block.hpp>
#include <tarexport/error.hpp>

#include <boost/assert.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tarexport {

/// The size of a block: headers are whole blocks, and data is padded to whole blocks.
inline constexpr std::size_t tar_block_size = detail::tar_block::size;

/// The size of the zeros that end an archive: two blocks.
inline constexpr std::size_t end_of_archive_size = 2 * tar_block_size;

/// Return the number of zeros that fill the last block of `size` bytes of data.
constexpr std::uint64_t padding(std::uint64_t size) noexcept
{
    return (tar_block_size - size % tar_block_size) % tar_block_size;
}

/// Return the size of data with its padding. Precondition: the result is at most 2^64-1.
constexpr std::uint64_t padded_size(std::uint64_t size) noexcept
{
    BOOST_ASSERT(size <= std::numeric_limits<std::uint64_t>::max() - padding(size));
    return size + padding(size);
}

/** Return the mtime that `docker save` gives to a file of an image created at this moment.

    That is the second in which the moment falls, or the epoch for moments before 1970 or after
    2262-04-11T23:47:16.854775807Z, which moby does not set as the time of a file.
*/
constexpr std::int64_t entry_mtime(std::int64_t seconds, std::uint32_t nanoseconds) noexcept
{
    constexpr std::int64_t last_second = std::numeric_limits<std::int64_t>::max() / 1'000'000'000;
    constexpr std::int64_t last_nanosecond = std::numeric_limits<std::int64_t>::max() % 1'000'000'000;
    bool const too_late = seconds > last_second || (seconds == last_second && nanoseconds > last_nanosecond);
    return seconds < 0 || too_late ? 0 : seconds;
}

/// A moment, counted from 1970-01-01T00:00:00Z.
struct tar_time {
    std::int64_t seconds = 0;      ///< rounded down
    std::uint32_t nanoseconds = 0; ///< beyond `seconds`; less than 10^9

    friend bool operator==(tar_time const&, tar_time const&) = default;
};

/// The values of `tar_header::typeflag`; others are allowed.
namespace tar_type {
inline constexpr char regular = '0';
inline constexpr char hard_link = '1';
inline constexpr char symlink = '2';
inline constexpr char character_device = '3';
inline constexpr char block_device = '4';
inline constexpr char directory = '5';
inline constexpr char fifo = '6';
inline constexpr char contiguous = '7';
inline constexpr char extended = 'x';        ///< PAX records of the next entry
inline constexpr char global = 'g';          ///< PAX records of all that follow
inline constexpr char gnu_sparse = 'S';
inline constexpr char gnu_long_name = 'L';
inline constexpr char gnu_long_link = 'K';
} // namespace tar_type

/// Return whether entries of a type have no data, whatever size their header states.
constexpr bool has_no_data(char typeflag) noexcept
{
    return typeflag >= tar_type::hard_link && typeflag <= tar_type::fifo;
}

/// The dialects of tar headers.
enum class tar_format : std::uint8_t {
    automatic, ///< writing: the first of the others that can hold the header; reading: none of them for certain
    ustar,     ///< POSIX.1-1988
    pax,       ///< POSIX.1-2001: ustar, with records before it for what does not fit
    gnu        ///< GNU tar's own
};

/// PAX records: values by keyword. Both are bytes, by convention UTF-8.
using pax_records = std::map<std::string, std::string, std::less<>>;

/** What a tar archive says about an entry.

    Numbers are those of the archive and so may be negative or senseless in a header that was read.
*/
struct tar_header {
    char typeflag = tar_type::regular; ///< NUL is written as `directory` or `regular`, by the slash that ends the name
    std::string name;                  ///< that of a directory ends in a slash
    std::string link_name;
    std::int64_t size = 0;
    std::int64_t mode = 0;
    std::int64_t uid = 0;
    std::int64_t gid = 0;
    std::string uname;
    std::string gname;
    std::optional<tar_time> mtime; ///< nothing is written as 0
    std::optional<tar_time> atime;
    std::optional<tar_time> ctime;
    std::int64_t devmajor = 0;
    std::int64_t devminor = 0;
    pax_records records; ///< further ones; those that a field or a sparse file needs are not taken from here

    friend bool operator==(tar_header const&, tar_header const&) = default;
};

/** Append the blocks that stand before an entry's data, byte for byte as Go's archive/tar writes them.

    `automatic` rounds mtime to the nearest second and drops atime and ctime. `pax` gives a ustar header where
    that can hold all and no time asks for more. Otherwise nothing is rounded or cut.

    @par Exception Safety
    Strong guarantee, also for failures: `out` changes only on success. Throws `std::bad_alloc`.

    @return `unencodable_header` with the name and, in the detail, which field does not fit into which format.
    @see https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html
*/
inline result<void> append_header(std::string& out, tar_header const& header, tar_format format);

/// Return the blocks that stand before an entry's data; see `append_header`.
inline result<std::string> encode(tar_header const& header, tar_format format)
{
    std::string out;
    if(auto r = tarexport::append_header(out, header, format); !r)
        return r.error();
    return out;
}

/** What an entry of an exported archive is: a file, directory or symbolic link with a time in whole seconds.

    Borrows its texts.
*/
struct entry_header {
    std::string_view name;
    std::uint64_t size = 0;     ///< counts for files only
    std::int64_t mtime = 0;     ///< seconds since 1970-01-01T00:00:00Z
    std::uint32_t mode = 0644;  ///< permission bits
    bool directory = false;     ///< gets a slash after its name, unless it has one
    std::string_view link = {}; ///< not empty: this is a symbolic link to there
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint32_t comment = 0;  ///< size of a PAX comment of blanks, which tells nothing and makes the header longer
};

/** Append the blocks that stand before an entry's data, as `docker save` writes them.

    That is PAX, or ustar where that suffices.

    Allocates only what `out` needs, as long as the header is one block.

    @par Exception Safety
    Strong guarantee, also for failures: `out` changes only on success. Throws `std::bad_alloc`.

    @return `unencodable_header` with the name and, in the detail, which field does not fit.
*/
inline result<void> append_entry_header(std::string& out, entry_header const& entry);

/// Return the number of bytes that `append_entry_header` appends, or why it does not.
inline result<std::size_t> header_size(entry_header const& entry);

} // namespace tarexport

#include <tarexport/impl/tar_header.hpp>

#endif
