//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_IMPL_TAR_HEADER_HPP
#define TAREXPORT_IMPL_TAR_HEADER_HPP

#include <tarexport/detail/clean_path.hpp>
#include <tarexport/detail/tar_block.hpp>
#include <tarexport/error.hpp>
#include <tarexport/tar_header.hpp>

#include <boost/assert.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tarexport {

namespace detail {

// A time that Go's zero time cannot be told from counts as not set there.
inline bool has_time(std::optional<tar_time> const& t) noexcept
{
    return t && *t != tar_time{-62135596800, 0};
}

inline tar_time round_to_second(tar_time t) noexcept
{
    std::uint64_t const up = t.nanoseconds >= 500'000'000u ? 1u : 0u;
    return {static_cast<std::int64_t>(static_cast<std::uint64_t>(t.seconds) + up), 0};
}

// Decimal seconds; before 1970 sign and digits are those of the distance from 1970.
inline std::string pax_time(tar_time t)
{
    if(t.nanoseconds == 0)
        return std::to_string(t.seconds);
    bool const negative = t.seconds < 0;
    auto const seconds = negative ? -(t.seconds + 1) : t.seconds;
    auto const nanoseconds = negative ? 1'000'000'000u - t.nanoseconds : t.nanoseconds;
    auto const digits = std::to_string(nanoseconds);
    auto s = (negative ? "-" : "") + std::to_string(seconds) + "." + std::string(9 - digits.size(), '0') + digits;
    return s.substr(0, s.find_last_not_of('0') + 1);
}

inline bool is_pax_field(std::string_view key) noexcept
{
    constexpr std::array<std::string_view, 10> keys{
        "path", "linkpath", "size", "uid", "gid", "uname", "gname", "mtime", "atime", "ctime"};
    return std::ranges::find(keys, key) != keys.end();
}

inline bool is_valid_record(std::string_view key, std::string_view value) noexcept
{
    if(key.empty() || key.find('=') != key.npos)
        return false;
    bool const names = key == "path" || key == "linkpath" || key == "uname" || key == "gname";
    return (names ? value : key).find('\0') == key.npos;
}

// "LENGTH KEY=VALUE\n", where the length counts its own digits.
inline void append_record(std::string& out, std::string_view key, std::string_view value)
{
    auto const rest = key.size() + value.size() + 3;
    auto length = rest + std::to_string(rest).size();
    length = rest + std::to_string(length).size();
    out.append(std::to_string(length)).append(" ").append(key).append("=").append(value).append("\n");
}

inline std::string only_ascii(std::string_view s)
{
    std::string out;
    for(char c : s)
        if(c > 0 && static_cast<unsigned char>(c) < 0x80)
            out.push_back(c);
    return out;
}

inline std::string pax_header_name(std::string_view name)
{
    auto const slash = name.rfind('/');
    auto const base = slash == name.npos ? 0 : slash + 1;
    return detail::clean_path(std::string(name.substr(0, base)) + "PaxHeaders.0/" + std::string(name.substr(base)));
}

struct ustar_name {
    std::string_view prefix;
    std::string_view rest;
};

// How ustar holds a name of more than 100 bytes: cut at the last slash that leaves both parts short enough.
inline std::optional<ustar_name> split_ustar_name(std::string_view name) noexcept
{
    auto length = name.size();
    if(length <= tar_name.size || !detail::is_plain_ascii(name))
        return std::nullopt;
    if(length > tar_prefix.size + 1)
        length = tar_prefix.size + 1;
    else if(name[length - 1] == '/')
        --length;
    auto const slash = name.substr(0, length).rfind('/');
    if(slash == name.npos || slash == 0 || slash > tar_prefix.size)
        return std::nullopt;
    auto const rest = name.substr(slash + 1);
    if(rest.empty() || rest.size() > tar_name.size)
        return std::nullopt;
    return ustar_name{name.substr(0, slash), rest};
}

/// Finds out which formats can hold a header, and writes it in the first of them.
class header_encoder {
public:
    header_encoder(tar_header const& header, tar_format format) : header_(header), format_(format)
    {
        if(format == tar_format::automatic) {
            atime_.reset();
            ctime_.reset();
            if(mtime_)
                mtime_ = detail::round_to_second(*mtime_);
        }
        if(typeflag_ == '\0')
            typeflag_ = header.name.ends_with('/') ? tar_type::directory : tar_type::regular;
    }

    result<void> append_to(std::string& out)
    {
        if(auto const* why = find_contradiction())
            return refuse(why);
        check_fields();
        if(auto r = merge_records(); !r)
            return r;
        if(may(tar_format::ustar) || (format_ == tar_format::pax && !prefers_pax_ && ustar_.possible))
            append_ustar(out);
        else if(may(tar_format::pax))
            return append_pax(out);
        else if(may(tar_format::gnu))
            append_gnu(out);
        else
            return refuse(reasons());
        return {};
    }

private:
    // Whether one format can hold the header, and if not, for which fields.
    struct candidate {
        tar_format format;
        std::string_view name;
        bool possible = true;
        std::string fields = {};

        void exclude(std::string field)
        {
            possible = false;
            fields.append(fields.empty() ? " cannot hold " : ", ").append(field);
        }
    };

    void check_fields()
    {
        check_text(header_.name, tar_name.size, "name", "path");
        check_text(header_.link_name, tar_link_name.size, "link name", "linkpath");
        check_text(header_.uname, tar_uname.size, "user name", "uname");
        check_text(header_.gname, tar_gname.size, "group name", "gname");
        check_number(header_.mode, tar_mode.size, "mode", {});
        check_number(header_.uid, tar_uid.size, "uid", "uid");
        check_number(header_.gid, tar_gid.size, "gid", "gid");
        check_number(header_.size, tar_size.size, "size", "size");
        check_number(header_.devmajor, tar_devmajor.size, "device major number", {});
        check_number(header_.devminor, tar_devminor.size, "device minor number", {});
        check_time(mtime_, tar_mtime.size, "mtime");
        check_time(atime_, gnu_atime.size, "atime");
        check_time(ctime_, gnu_ctime.size, "ctime");
    }

    void check_text(std::string_view s, std::size_t size, char const* field, std::string_view key)
    {
        bool const too_long = s.size() > size;
        bool const is_path = key == "path" || key == "linkpath";
        if(s.find('\0') != s.npos || (too_long && !is_path))
            gnu_.exclude(field);
        if(too_long || !detail::is_plain_ascii(s)) {
            if(key != "path" || !detail::split_ustar_name(s))
                ustar_.exclude(field);
            records_.insert_or_assign(std::string(key), std::string(s));
        }
        keep_record(key, s);
    }

    void check_number(std::int64_t n, std::size_t size, char const* field, std::string_view key)
    {
        auto const digits = std::to_string(n);
        if(!detail::fits_base256(size, n))
            gnu_.exclude(field + (" " + digits));
        if(!detail::fits_octal(size, n)) {
            ustar_.exclude(field + (" " + digits));
            if(key.empty())
                pax_.exclude(field + (" " + digits));
            else
                records_.insert_or_assign(std::string(key), digits);
        }
        keep_record(key, digits);
    }

    void check_time(std::optional<tar_time> const& t, std::size_t size, char const* key)
    {
        if(!detail::has_time(t))
            return;
        auto const digits = detail::pax_time(*t);
        bool const is_mtime = key == std::string_view("mtime");
        bool const fits = detail::fits_octal(size, t->seconds);
        if(!detail::fits_base256(size, t->seconds))
            gnu_.exclude(key + (" " + digits));
        if(!is_mtime || !fits)
            ustar_.exclude(key + (" " + digits));
        if(!is_mtime || !fits || t->nanoseconds != 0) {
            prefers_pax_ = true;
            records_.insert_or_assign(key, digits);
        }
        keep_record(key, digits);
    }

    // A record that repeats its field is written, though the field would do.
    void keep_record(std::string_view key, std::string_view value)
    {
        if(auto const given = header_.records.find(key); given != header_.records.end() && given->second == value)
            records_.insert_or_assign(std::string(key), std::string(value));
    }

    char const* find_contradiction() const
    {
        for(auto const* t : {&mtime_, &atime_, &ctime_})
            if(*t && (*t)->nanoseconds >= 1'000'000'000u)
                return "a time has more than 999999999 nanoseconds";
        switch(typeflag_) {
        case tar_type::regular:
        case tar_type::character_device:
        case tar_type::block_device:
        case tar_type::fifo:
        case tar_type::gnu_sparse:
            if(header_.name.ends_with('/'))
                return "only the name of a directory or link may end in a slash";
            break;
        case tar_type::extended:
        case tar_type::gnu_long_name:
        case tar_type::gnu_long_link: return "headers of this type are made from the header that they extend";
        case tar_type::global:
            if(!is_bare())
                return "a global header holds nothing but records";
            break;
        default: break;
        }
        return !has_no_data(typeflag_) && header_.size < 0 ? "negative size" : nullptr;
    }

    bool is_bare() const
    {
        tar_header bare;
        bare.typeflag = typeflag_;
        bare.name = header_.name;
        bare.records = header_.records;
        auto mine = header_;
        mine.mtime = detail::has_time(mtime_) ? mtime_ : std::nullopt;
        mine.atime = detail::has_time(atime_) ? atime_ : std::nullopt;
        mine.ctime = detail::has_time(ctime_) ? ctime_ : std::nullopt;
        return mine == bare;
    }

    result<void> merge_records()
    {
        bool const global = typeflag_ == tar_type::global;
        if(global)
            need_pax_ = "only PAX has global headers";
        if(!header_.records.empty())
            need_pax_ = "only PAX has records";
        for(auto const& [key, value] : header_.records)
            if(global || (!detail::is_pax_field(key) && !key.starts_with("GNU.sparse.")))
                records_.emplace(key, value);
        for(auto const& [key, value] : records_)
            if(!detail::is_valid_record(key, value))
                return refuse("invalid PAX record for \"" + key + "\"");
        if(need_pax_)
            ustar_.possible = gnu_.possible = false;
        return {};
    }

    bool may(tar_format f) const noexcept
    {
        candidate const& c = f == tar_format::ustar ? ustar_ : f == tar_format::pax ? pax_ : gnu_;
        return c.possible && (format_ == f || format_ == tar_format::automatic);
    }

    std::string reasons() const
    {
        std::string s;
        auto const add = [&s](std::string_view reason) { s.append(s.empty() ? "" : "; ").append(reason); };
        for(auto const* c : {&ustar_, &pax_, &gnu_})
            if(!c->fields.empty() && (format_ == c->format || format_ == tar_format::automatic))
                add(std::string(c->name) + c->fields);
        if(need_pax_ && format_ != tar_format::pax)
            add(need_pax_);
        return s;
    }

    failure refuse(std::string why) const { return {error::unencodable_header, header_.name, std::move(why)}; }

    // What does not fit is cut, or zero: the blocks before hold it.
    tar_block common_fields(std::string_view name, tar_format f) const
    {
        tar_block b;
        auto const put_text = [&](tar_field at, std::string_view s) {
            b.put_beginning(at, f == tar_format::pax ? detail::only_ascii(s) : std::string(s));
        };
        auto const put_number = [&](tar_field at, std::int64_t n) {
            f == tar_format::gnu ? b.put_number(at, n) : b.put_octal(at, n);
        };
        b.put(tar_typeflag, {&typeflag_, 1});
        put_text(tar_name, name);
        put_text(tar_link_name, header_.link_name);
        put_number(tar_mode, header_.mode);
        put_number(tar_uid, header_.uid);
        put_number(tar_gid, header_.gid);
        put_number(tar_size, header_.size);
        put_number(tar_mtime, detail::has_time(mtime_) ? mtime_->seconds : 0);
        put_text(tar_uname, header_.uname);
        put_text(tar_gname, header_.gname);
        put_number(tar_devmajor, header_.devmajor);
        put_number(tar_devminor, header_.devminor);
        return b;
    }

    void append_ustar(std::string& out) const
    {
        auto const split = detail::split_ustar_name(header_.name).value_or(ustar_name{{}, header_.name});
        auto b = common_fields(split.rest, tar_format::ustar);
        b.put(tar_prefix, split.prefix);
        b.seal(ustar_magic);
        out.append(b.text());
    }

    result<void> append_pax(std::string& out) const
    {
        bool const global = typeflag_ == tar_type::global;
        std::string text;
        for(auto const& [key, value] : records_)
            detail::append_record(text, key, value);
        if(text.size() > tar_special_limit)
            return refuse("PAX records of more than 1 MiB");
        std::string blocks;
        if(global)
            append_special(
                blocks, header_.name.empty() ? "GlobalHead.0.0" : header_.name, text, typeflag_, ustar_magic);
        else {
            if(!text.empty())
                append_special(blocks, detail::pax_header_name(header_.name), text, tar_type::extended, ustar_magic);
            auto b = common_fields(header_.name, tar_format::pax);
            b.seal(ustar_magic);
            blocks.append(b.text());
        }
        out.append(blocks);
        return {};
    }

    void append_gnu(std::string& out) const
    {
        std::string blocks;
        auto const append_long = [&](std::string const& s, tar_field f, char typeflag) {
            if(s.size() > f.size)
                append_special(blocks, "././@LongLink", s + '\0', typeflag, gnu_magic);
        };
        append_long(header_.name, tar_name, tar_type::gnu_long_name);
        append_long(header_.link_name, tar_link_name, tar_type::gnu_long_link);
        auto b = common_fields(header_.name, tar_format::gnu);
        if(detail::has_time(atime_))
            b.put_number(gnu_atime, atime_->seconds);
        if(detail::has_time(ctime_))
            b.put_number(gnu_ctime, ctime_->seconds);
        b.seal(gnu_magic);
        out.append(blocks.append(b.text()));
    }

    // An entry that describes the next one: its header, and its data in whole blocks.
    static void append_special(
        std::string& out, std::string_view name, std::string_view data, char typeflag, std::string_view magic)
    {
        auto const plain = detail::only_ascii(name);
        auto cut = std::string_view(plain).substr(0, tar_name.size);
        cut = cut.substr(0, cut.find_last_not_of('/') + 1);
        tar_block b;
        b.put(tar_typeflag, {&typeflag, 1});
        b.put(tar_name, cut);
        for(auto f : {tar_mode, tar_uid, tar_gid, tar_mtime})
            b.put_octal(f, 0);
        b.put_octal(tar_size, static_cast<std::int64_t>(data.size()));
        b.seal(magic);
        out.append(b.text()).append(data).append(padding(data.size()), '\0');
    }

    tar_header const& header_;
    tar_format format_;
    char typeflag_ = header_.typeflag;
    std::optional<tar_time> mtime_ = header_.mtime;
    std::optional<tar_time> atime_ = header_.atime;
    std::optional<tar_time> ctime_ = header_.ctime;
    candidate ustar_{tar_format::ustar, "USTAR"};
    candidate pax_{tar_format::pax, "PAX"};
    candidate gnu_{tar_format::gnu, "GNU"};
    bool prefers_pax_ = false;
    char const* need_pax_ = nullptr;
    pax_records records_;
};

inline bool is_file_entry(entry_header const& e) noexcept { return !e.directory && e.link.empty(); }

inline bool needs_slash(entry_header const& e) noexcept { return e.directory && !e.name.ends_with('/'); }

inline char typeflag_of(entry_header const& e) noexcept
{
    return e.directory ? tar_type::directory : e.link.empty() ? tar_type::regular : tar_type::symlink;
}

inline bool fits_one_block(entry_header const& e) noexcept
{
    return e.name.size() + (detail::needs_slash(e) ? 1 : 0) <= tar_name.size && detail::is_plain_ascii(e.name)
        && !(detail::is_file_entry(e) && e.name.ends_with('/'))
        && e.link.size() <= tar_link_name.size && detail::is_plain_ascii(e.link)
        && e.mode >> 21 == 0 && e.uid >> 21 == 0 && e.gid >> 21 == 0
        && e.comment == 0 && e.size >> 33 == 0 && detail::fits_octal(tar_mtime.size, e.mtime);
}

inline tar_block one_block(entry_header const& e) noexcept
{
    char const typeflag = detail::typeflag_of(e);
    tar_block b;
    b.put(tar_typeflag, {&typeflag, 1});
    b.put(tar_name, e.name);
    if(detail::needs_slash(e))
        b.put({tar_name.offset + e.name.size(), 1}, "/");
    b.put(tar_link_name, e.link);
    b.put_octal(tar_mode, e.mode);
    b.put_octal(tar_uid, e.uid);
    b.put_octal(tar_gid, e.gid);
    b.put_octal(tar_size, detail::is_file_entry(e) ? static_cast<std::int64_t>(e.size) : 0);
    b.put_octal(tar_mtime, e.mtime);
    b.put_octal(tar_devmajor, 0);
    b.put_octal(tar_devminor, 0);
    b.seal(ustar_magic);
    return b;
}

inline tar_header to_tar_header(entry_header const& e)
{
    tar_header h;
    h.typeflag = detail::typeflag_of(e);
    h.name.assign(e.name).append(detail::needs_slash(e) ? "/" : "");
    h.link_name.assign(e.link);
    h.size = detail::is_file_entry(e) ? static_cast<std::int64_t>(e.size) : 0;
    h.mode = e.mode;
    h.uid = e.uid;
    h.gid = e.gid;
    h.mtime = tar_time{e.mtime, 0};
    if(e.comment != 0)
        h.records.emplace("comment", std::string(e.comment, ' '));
    return h;
}

} // namespace detail

inline result<void> append_header(std::string& out, tar_header const& header, tar_format format)
{
    return detail::header_encoder(header, format).append_to(out);
}

inline result<void> append_entry_header(std::string& out, entry_header const& e)
{
    BOOST_ASSERT(!e.directory || e.link.empty());
    if(detail::is_file_entry(e) && e.size >> 63 != 0)
        return failure{
            error::unencodable_header, std::string(e.name), "PAX cannot hold size " + std::to_string(e.size)};
    if(detail::fits_one_block(e))
        out.append(detail::one_block(e).text());
    else
        return tarexport::append_header(out, detail::to_tar_header(e), tar_format::pax);
    return {};
}

inline result<std::size_t> header_size(entry_header const& e)
{
    if(detail::fits_one_block(e))
        return tar_block_size;
    std::string out;
    if(auto r = tarexport::append_entry_header(out, e); !r)
        return r.error();
    return out.size();
}

} // namespace tarexport

#endif
