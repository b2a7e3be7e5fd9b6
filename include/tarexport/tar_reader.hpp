//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_TAR_READER_HPP
#define TAREXPORT_TAR_READER_HPP

#include <tarexport/detail/tar_block.hpp>
#include <tarexport/detail/tar_parse.hpp>
#include <tarexport/error.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/tar_header.hpp>

#include <boost/assert.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace tarexport {

/** A source that can pass over bytes without reading them.

    `s.skip(n, ec)` passes over at most `n` bytes and returns their number; 0 means that the caller must read them.
    It may pass the end without a word, as seeking in a file does: the reader always reads the last byte itself.
*/
template<class S>
concept skipping_source = layer_source<S> && requires(S& s, std::uint64_t n, error_code& ec) {
    { s.skip(n, ec) } -> std::same_as<std::uint64_t>;
};

/// An entry of an archive that was read. Positions and sizes are in bytes of the archive.
struct tar_entry {
    tar_header header;               ///< with long names and records applied; `header.size` is that of the file
    tar_format format{};             ///< `automatic` for V7, star and what follows no format strictly
    bool sparse = false;             ///< the data is stored without its holes, `read_some` puts them in
    std::uint64_t header_offset = 0; ///< of the first block, that of a long name or of records if there is one
    std::uint64_t data_offset = 0;   ///< of the first stored byte of data
    std::uint64_t stored_size = 0;   ///< of the stored data, without padding
};

/** Reads a tar archive front to back, entry by entry, in bounded memory.

    Takes what Go's archive/tar takes, and refuses what it refuses: ustar, PAX with global headers, GNU with long
    names and binary numbers, star, V7, and the four sparse formats of GNU tar. Records, long names and sparse maps
    are limited to 1 MiB each. An archive ends at two zero blocks, or where the source ends between entries.

    Global headers are entries of type `tar_type::global` with nothing but a name and records; they are not applied
    to the entries that follow.

    A reader is the `layer_source` of the current entry's data. After an error it stays failed.

    @par Example
    @code
    tar_reader reader(std::move(source));
    for(;;) {
        auto more = reader.next();
        if(!more)
            return more.error();
        if(!*more)
            break;
        std::cout << reader.entry().header.name << '\n';
    }
    @endcode
*/
template<layer_source Source>
class tar_reader {
public:
    explicit tar_reader(Source source) : source_(std::move(source)) {}

    /** Go to the next entry, passing over what was not read of the current one.

        @return Whether there is one. `truncated_archive`, `invalid_header`, `limit_exceeded` or an error of the source,
        with the name of the entry at hand as subject.
    */
    result<bool> next();

    /// Return the entry that `next` went to; valid until the next call of it.
    tar_entry const& entry() const noexcept { return entry_; }

    /** Read data of the current entry, holes included; see `layer_source`.

        Gives `truncated_archive` where the archive ends first, `invalid_header` where a sparse map and the stored
        data differ in size, and errors of the source. `next` then returns the whole failure.
    */
    std::size_t read_some(std::span<std::byte> into, error_code& ec);

    /// Return the name of the current entry.
    std::string subject() const { return entry_.header.name; }

    /// Return the number of bytes of the archive that were read or passed over.
    std::uint64_t position() const noexcept { return position_; }

private:
    enum class step { again, entry, end, failed };

    // What the headers before an entry say about it.
    struct announced {
        pax_records records;
        std::string name;
        std::string link_name;
        detail::tar_formats formats;
        std::optional<std::uint64_t> offset;
    };

    step fail(error_code code, std::string_view what)
    {
        auto where = std::string(what) + " at byte " + std::to_string(position_);
        failed_ = failure{code, entry_.header.name, std::move(where)};
        return step::failed;
    }

    // Fewer bytes than asked for only at the end, or after an error.
    std::size_t fill(std::span<std::byte> into)
    {
        std::size_t n = 0;
        while(n != into.size()) {
            error_code ec;
            auto const some = source_.read_some(into.subspan(n), ec);
            BOOST_ASSERT(some <= into.size() - n);
            n += some;
            position_ += some;
            if(ec)
                fail(ec, "reading");
            if(ec || some == 0)
                break;
        }
        return n;
    }

    step advance(announced& before);
    step leave_entry();
    step read_block();
    step read_extended(announced& before, bool global);
    step read_long_name(std::string& name);
    step read_special(std::string& text);
    step begin_file(announced& before);
    step begin_data(std::int64_t size);
    step discard(std::uint64_t n);
    step find_map();
    step read_gnu_map();
    step read_pax_map();
    step read_map_in_data();
    std::size_t read_stored(std::span<std::byte> into);
    std::size_t read_sparse(std::span<std::byte> into);

    Source source_;
    detail::tar_block block_;
    tar_entry entry_;
    std::optional<failure> failed_;
    bool ended_ = false;
    std::uint64_t position_ = 0;
    std::uint64_t stored_left_ = 0;
    std::size_t padding_left_ = 0;
    detail::sparse_map map_;
    std::size_t extent_ = 0;
    std::int64_t file_position_ = 0;
};

template<layer_source Source>
result<bool> tar_reader<Source>::next()
{
    auto s = failed_ ? step::failed : ended_ ? step::end : step::again;
    announced before;
    while(s == step::again)
        s = advance(before);
    if(s == step::failed)
        return *failed_;
    if(s == step::entry)
        return true;
    ended_ = true;
    entry_ = {};
    return false;
}

template<layer_source Source>
std::size_t tar_reader<Source>::read_some(std::span<std::byte> into, error_code& ec)
{
    ec.clear();
    std::size_t n = 0;
    if(!failed_ && !into.empty())
        n = entry_.sparse ? read_sparse(into) : read_stored(into);
    if(failed_) {
        ec = failed_->code;
        return 0;
    }
    return n;
}

// Headers that only describe the next one are read here, one a call.
template<layer_source Source>
auto tar_reader<Source>::advance(announced& before) -> step
{
    if(auto const s = leave_entry(); s != step::again)
        return s;
    entry_ = {};
    map_.clear();
    auto const start = position_;
    if(auto const s = read_block(); s != step::again)
        return s;
    auto parsed = detail::parse_block(block_);
    if(!parsed)
        return fail(error::invalid_header, "malformed header");
    entry_.header = std::move(parsed->header);
    entry_.header_offset = before.offset.value_or(start);
    before.offset = entry_.header_offset;
    before.formats.bits &= parsed->formats.bits;
    if(auto const s = begin_data(entry_.header.size); s != step::again)
        return s;
    switch(entry_.header.typeflag) {
    case tar_type::extended: return read_extended(before, false);
    case tar_type::global: return read_extended(before, true);
    case tar_type::gnu_long_name:
        before.formats.bits &= detail::tar_formats::gnu;
        return read_long_name(before.name);
    case tar_type::gnu_long_link:
        before.formats.bits &= detail::tar_formats::gnu;
        return read_long_name(before.link_name);
    default: return begin_file(before);
    }
}

// An archive may end anywhere in the padding: some writers leave out that of the last entry.
template<layer_source Source>
auto tar_reader<Source>::leave_entry() -> step
{
    if(auto const s = discard(std::exchange(stored_left_, 0)); s != step::again)
        return s;
    auto const zeros = block_.bytes().first(std::exchange(padding_left_, 0));
    bool const whole = fill(zeros) == zeros.size();
    return failed_ ? step::failed : whole ? step::again : step::end;
}

template<layer_source Source>
auto tar_reader<Source>::discard(std::uint64_t n) -> step
{
    if constexpr(skipping_source<Source>) {
        while(n > 1) {
            error_code ec;
            auto const some = source_.skip(n - 1, ec);
            BOOST_ASSERT(some < n);
            n -= some;
            position_ += some;
            if(ec)
                return fail(ec, "skipping");
            if(some == 0)
                break;
        }
    }
    std::array<std::byte, 16 * 1024> buffer;
    while(n != 0) {
        auto const want = static_cast<std::size_t>(std::min<std::uint64_t>(n, buffer.size()));
        if(fill(std::span(buffer).first(want)) != want)
            return failed_ ? step::failed : fail(error::truncated_archive, "end within data");
        n -= want;
    }
    return step::again;
}

// Leaves a header in `block_`.
template<layer_source Source>
auto tar_reader<Source>::read_block() -> step
{
    for(bool second : {false, true}) {
        auto const n = fill(block_.bytes());
        if(failed_)
            return step::failed;
        if(n == 0)
            return step::end;
        if(n != tar_block_size)
            return fail(error::truncated_archive, "end within a header");
        bool const zero = block_.is_zero();
        if(!zero && second)
            return fail(error::invalid_header, "a single block of zeros before a header");
        if(!zero)
            return step::again;
    }
    return step::end;
}

template<layer_source Source>
auto tar_reader<Source>::begin_data(std::int64_t size) -> step
{
    auto const stored = has_no_data(entry_.header.typeflag) ? 0 : size;
    if(stored < 0)
        return fail(error::invalid_header, "negative size");
    stored_left_ = static_cast<std::uint64_t>(stored);
    padding_left_ = static_cast<std::size_t>(padding(stored_left_));
    entry_.data_offset = position_;
    entry_.stored_size = stored_left_;
    return step::again;
}

// Grows with what arrives, not with what a header promises.
template<layer_source Source>
auto tar_reader<Source>::read_special(std::string& text) -> step
{
    constexpr std::size_t chunk = 32 * 1024;
    text.clear();
    while(stored_left_ != 0 && text.size() <= detail::tar_special_limit) {
        auto const size = text.size();
        auto const room = std::min(chunk, detail::tar_special_limit + 1 - size);
        auto const want = static_cast<std::size_t>(std::min<std::uint64_t>(stored_left_, room));
        text.resize(size + want);
        if(fill(std::as_writable_bytes(std::span(text)).subspan(size)) != want)
            return failed_ ? step::failed : fail(error::truncated_archive, "end within records or a long name");
        stored_left_ -= want;
    }
    if(text.size() > detail::tar_special_limit)
        return fail(error::limit_exceeded, "records or a long name of more than 1 MiB");
    return step::again;
}

template<layer_source Source>
auto tar_reader<Source>::read_extended(announced& before, bool global) -> step
{
    std::string text;
    if(auto const s = read_special(text); s != step::again)
        return s;
    auto records = detail::parse_records(text);
    if(!records)
        return fail(error::invalid_header, "malformed PAX record");
    before.formats.bits &= detail::tar_formats::pax;
    if(!global) {
        before.records = std::move(*records);
        return step::again;
    }
    // Senseless values do no harm here, since they are not applied; Go too returns such a header, without records.
    auto& h = entry_.header;
    bool const good = detail::apply_records(h, *records);
    tar_header bare;
    bare.typeflag = h.typeflag;
    bare.name = std::move(h.name);
    if(good)
        bare.records = std::move(*records);
    h = std::move(bare);
    entry_.format = before.formats.best();
    entry_.data_offset = position_;
    entry_.stored_size = 0;
    return step::entry;
}

template<layer_source Source>
auto tar_reader<Source>::read_long_name(std::string& name) -> step
{
    auto const s = read_special(name);
    name.resize(std::min(name.find('\0'), name.size()));
    return s;
}

template<layer_source Source>
auto tar_reader<Source>::begin_file(announced& before) -> step
{
    auto& h = entry_.header;
    if(!detail::apply_records(h, before.records))
        return fail(error::invalid_header, "PAX record with a malformed number or time");
    h.records = std::move(before.records);
    if(!before.name.empty())
        h.name = std::move(before.name);
    if(!before.link_name.empty())
        h.link_name = std::move(before.link_name);
    if(h.typeflag == '\0')
        h.typeflag = h.name.ends_with('/') ? tar_type::directory : tar_type::regular;
    // Once more: records may have changed size and type.
    if(auto const s = begin_data(h.size); s != step::again)
        return s;
    if(auto const s = find_map(); s != step::again)
        return s;
    if(entry_.sparse && (has_no_data(h.typeflag) || !detail::is_valid_map(map_, h.size)))
        return fail(error::invalid_header, "sparse map that does not fit the file");
    extent_ = 0;
    file_position_ = 0;
    entry_.data_offset = position_;
    entry_.stored_size = stored_left_;
    entry_.format = before.formats.best();
    return step::entry;
}

template<layer_source Source>
auto tar_reader<Source>::find_map() -> step
{
    return entry_.header.typeflag == tar_type::gnu_sparse ? read_gnu_map() : read_pax_map();
}

template<layer_source Source>
auto tar_reader<Source>::read_gnu_map() -> step
{
    // star has sparse files of this type too, but writes their maps in another way.
    if(detail::layout_of(block_) != detail::tar_layout::gnu)
        return fail(error::invalid_header, "sparse file that is not in GNU's format");
    auto const size = block_.number(detail::gnu_real_size);
    auto more = detail::append_gnu_extents(map_, block_, detail::gnu_sparse);
    for(std::size_t read = 0; size && more && *more; read += tar_block_size) {
        if(read == detail::tar_special_limit)
            return fail(error::limit_exceeded, "sparse map of more than 1 MiB");
        if(fill(block_.bytes()) != tar_block_size)
            return failed_ ? step::failed : fail(error::truncated_archive, "end within a sparse map");
        more = detail::append_gnu_extents(map_, block_, detail::gnu_more_sparse);
    }
    if(!size || !more)
        return fail(error::invalid_header, "malformed number in a sparse map");
    entry_.header.size = *size;
    entry_.sparse = true;
    return step::again;
}

template<layer_source Source>
auto tar_reader<Source>::read_pax_map() -> step
{
    auto& h = entry_.header;
    auto const format = detail::sparse_format(h.records);
    if(format == detail::pax_sparse::none)
        return step::again;
    if(auto const name = detail::find_record(h.records, "GNU.sparse.name"); !name.empty())
        h.name = name;
    auto size = detail::find_record(h.records, "GNU.sparse.size");
    if(size.empty())
        size = detail::find_record(h.records, "GNU.sparse.realsize");
    auto const n = detail::parse_decimal(size);
    if(!n && !size.empty())
        return fail(error::invalid_header, "malformed size of a sparse file");
    h.size = n.value_or(h.size);
    entry_.sparse = true;
    if(format == detail::pax_sparse::in_data)
        return read_map_in_data();
    auto map = detail::parse_map_in_records(h.records);
    if(!map)
        return fail(error::invalid_header, "malformed sparse map");
    map_ = std::move(*map);
    return step::again;
}

// Format 1.0: decimal numbers, a line each, fill the first blocks of the data; the first is the number of extents.
template<layer_source Source>
auto tar_reader<Source>::read_map_in_data() -> step
{
    std::string text;
    std::uint64_t lines = 0, needed = 1;
    std::optional<std::uint64_t> count;
    while(!count || lines < needed) {
        if(lines >= needed) {
            count = detail::parse_extent_count(std::string_view(text).substr(0, text.find('\n')));
            if(!count)
                return fail(error::invalid_header, "malformed sparse map");
            needed += 2 * *count;
            continue;
        }
        if(text.size() >= detail::tar_special_limit)
            return fail(error::limit_exceeded, "sparse map of more than 1 MiB");
        if(stored_left_ < tar_block_size || fill(block_.bytes()) != tar_block_size)
            return failed_ ? step::failed : fail(error::truncated_archive, "end within a sparse map");
        stored_left_ -= tar_block_size;
        lines += static_cast<std::uint64_t>(std::ranges::count(block_.text(), '\n'));
        text.append(block_.text());
    }
    auto map = detail::parse_extents(std::string_view(text).substr(text.find('\n') + 1), *count, '\n');
    if(!map)
        return fail(error::invalid_header, "malformed sparse map");
    map_ = std::move(*map);
    return step::again;
}

template<layer_source Source>
std::size_t tar_reader<Source>::read_stored(std::span<std::byte> into)
{
    auto const want = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), stored_left_));
    if(want == 0)
        return 0;
    error_code ec;
    auto const n = source_.read_some(into.first(want), ec);
    BOOST_ASSERT(n <= want);
    position_ += n;
    stored_left_ -= n;
    if(ec)
        fail(ec, "reading");
    else if(n == 0)
        fail(error::truncated_archive, "end within data");
    return n;
}

template<layer_source Source>
std::size_t tar_reader<Source>::read_sparse(std::span<std::byte> into)
{
    while(extent_ != map_.size() && map_[extent_].end() <= file_position_)
        ++extent_;
    bool const any = extent_ != map_.size();
    bool const in_hole = !any || file_position_ < map_[extent_].offset;
    auto const end = !any ? entry_.header.size : in_hole ? map_[extent_].offset : map_[extent_].end();
    auto const left = static_cast<std::uint64_t>(end - file_position_);
    auto n = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left));
    if(n == 0 && stored_left_ != 0)
        fail(error::invalid_header, "sparse file with data beyond its map");
    else if(in_hole)
        std::ranges::fill(into.first(n), std::byte{0});
    else if(stored_left_ == 0)
        fail(error::invalid_header, "sparse map beyond the data");
    else
        n = read_stored(into.first(n));
    file_position_ += static_cast<std::int64_t>(n);
    return n;
}

} // namespace tarexport

#endif
