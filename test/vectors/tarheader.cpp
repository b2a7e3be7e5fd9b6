//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Tar headers and archives against those of Go's archive/tar and of docker save.

#include <tarexport/tar_header.hpp>
#include <tarexport/tar_reader.hpp>

#include "vectors.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace tx = tarexport;
namespace json = boost::json;

namespace {

constexpr std::int64_t zero_time = -62135596800; // year 1: Go's "not set"

struct text_source {
    std::string data;
    std::size_t at = 0;

    std::size_t read_some(std::span<std::byte> into, tx::error_code&)
    {
        auto const n = std::min(into.size(), data.size() - at);
        std::memcpy(into.data(), data.data() + at, n);
        at += n;
        return n;
    }
};

struct seeking_source : text_source {
    std::uint64_t skip(std::uint64_t n, tx::error_code&)
    {
        auto const room = static_cast<std::uint64_t>(data.size() - at);
        at += static_cast<std::size_t>(std::min(n, room));
        return n;
    }
};

std::optional<tx::tar_time> time_of(json::value const& v)
{
    if(v.is_null())
        return std::nullopt;
    auto const& o = v.as_object();
    return tx::tar_time{o.at("sec").to_number<std::int64_t>(), o.at("nsec").to_number<std::uint32_t>()};
}

tx::tar_header header_of(json::object const& o)
{
    auto const number = [&o](char const* key) { return o.at(key).to_number<std::int64_t>(); };
    tx::tar_header h;
    h.typeflag = vectors::text(o, "typeflag").at(0);
    h.name = vectors::text(o, "name");
    h.link_name = vectors::text(o, "linkname");
    h.size = number("size");
    h.mode = number("mode");
    h.uid = number("uid");
    h.gid = number("gid");
    h.uname = vectors::text(o, "uname");
    h.gname = vectors::text(o, "gname");
    h.mtime = time_of(o.at("mtime"));
    h.atime = time_of(o.at("atime"));
    h.ctime = time_of(o.at("ctime"));
    h.devmajor = number("devmajor");
    h.devminor = number("devminor");
    for(auto const& r : o.at("pax_records").as_array())
        h.records[vectors::text(r.as_object(), "key")] = vectors::text(r.as_object(), "value");
    return h;
}

tx::tar_format format_of(std::string_view name)
{
    for(auto const& [text, format] : {std::pair<std::string_view, tx::tar_format>{"unknown", tx::tar_format::automatic},
            {"ustar", tx::tar_format::ustar}, {"pax", tx::tar_format::pax}, {"gnu", tx::tar_format::gnu},
            {"<unknown>", tx::tar_format::automatic}, {"USTAR", tx::tar_format::ustar},
            {"PAX", tx::tar_format::pax}, {"GNU", tx::tar_format::gnu}})
        if(text == name)
            return format;
    throw vectors::mismatch("format " + std::string(name));
}

// As the makers of the vectors tell formats apart: by the magic and by whether there is more than the header.
std::string_view written_as(std::string_view header)
{
    if(header.substr(257, 8) == std::string_view("ustar  \0", 8))
        return "gnu";
    return header.size() == 512 ? "ustar" : "pax";
}

// Our sentences are not Go's, but they must blame the same field of the same format.
void check_reason(std::string const& ours, std::string_view theirs)
{
    constexpr std::array<std::pair<std::string_view, std::string_view>, 20> sentences{{{"encode Name", "name"},
        {"encode Linkname", "link name"}, {"encode Uname", "user name"}, {"encode Gname", "group name"},
        {"encode Mode", "mode "}, {"encode Uid", "uid "}, {"encode Gid", "gid "}, {"encode Size", "size "},
        {"encode ModTime", "mtime "}, {"encode AccessTime", "atime "}, {"encode ChangeTime", "ctime "},
        {"encode Devmajor", "device major number "}, {"encode Devminor", "device minor number "},
        {"only PAX supports PAXRecords", "only PAX has records"},
        {"only PAX supports TypeXGlobalHeader", "only PAX has global headers"}, {"invalid PAX record", "invalid PAX record"},
        {"trailing slash", "end in a slash"}, {"cannot manually encode", "made from the header"},
        {"only PAXRecords should be set", "nothing but records"}, {"negative size", "negative size"}}};
    bool known = false;
    for(auto const& [go, mine] : sentences)
        if(theirs.find(go) != theirs.npos) {
            known = true;
            vectors::check(ours.find(mine) != ours.npos, "reason: " + ours + ", want " + std::string(theirs));
        }
    vectors::check(known || theirs.find("field too long") != theirs.npos, "unknown message " + std::string(theirs));
    for(std::string_view const format : {"USTAR", "PAX", "GNU"})
        if(theirs.find(std::string(format) + " cannot encode") != theirs.npos)
            vectors::check(ours.find(std::string(format) + " cannot hold") != ours.npos, "no reason for " + std::string(format));
}

void check_encoded(tx::result<std::string> const& got, std::string const& name, json::object const& expect)
{
    if(!expect.at("ok").as_bool()) {
        vectors::check(!got, "encoded, but Go refuses");
        vectors::check(got.error().code == tx::error::unencodable_header, "code " + got.error().code.message());
        vectors::equal(got.error().subject, name, "subject");
        check_reason(got.error().detail, expect.at("error").at("message").as_string());
        return;
    }
    vectors::check(got.has_value(), got ? "" : "refused: " + tx::message(got.error()));
    vectors::equal(got->size(), expect.at("length").to_number<std::size_t>(), "length");
    vectors::check(*got == vectors::text(expect, "header"), "bytes differ");
    vectors::equal(written_as(*got), std::string_view(expect.at("written_as").as_string()), "format");
}

void header(json::object const& test, json::object const&)
{
    auto const h = header_of(test.at("header").as_object());
    check_encoded(tx::encode(h, format_of(test.at("format").as_string())), h.name, test.at("expect").as_object());
}

void moby_entry(json::object const& test, json::object const&)
{
    auto const name = vectors::text(test, "name");
    auto const link = vectors::text(test, "link");
    tx::entry_header e{name};
    e.size = test.at("size").to_number<std::uint64_t>();
    e.mtime = time_of(test.at("mtime"))->seconds;
    e.mode = test.at("perm").to_number<std::uint32_t>();
    e.directory = test.at("kind") == "dir";
    if(test.at("kind") == "symlink")
        e.link = link;
    e.uid = test.at("uid").to_number<std::uint32_t>();
    e.gid = test.at("gid").to_number<std::uint32_t>();
    std::string out;
    auto const r = tx::append_entry_header(out, e);
    auto const size = tx::header_size(e);
    auto const& expect = test.at("expect").as_object();
    vectors::equal(size.has_value(), expect.at("ok").as_bool(), "header_size");
    if(size)
        vectors::equal(*size, out.size(), "header_size");
    check_encoded(r ? tx::result<std::string>(out) : r.error(), name, expect);
}

// Seconds and nanoseconds of an RFC 3339 text that is known to be well-formed.
tx::tar_time parse_rfc3339(std::string const& s)
{
    int year, month, day, hour, minute, second, end = 0;
    if(std::sscanf(s.c_str(), "%d-%d-%dT%d:%d:%d%n", &year, &month, &day, &hour, &minute, &second, &end) != 6)
        throw vectors::mismatch("time " + s);
    std::string digits;
    auto at = static_cast<std::size_t>(end);
    if(s.at(at) == '.' || s.at(at) == ',')
        for(++at; s.at(at) >= '0' && s.at(at) <= '9'; ++at)
            digits.push_back(s[at]);
    digits.resize(9, '0');
    std::int64_t zone = 0;
    if(s.at(at) != 'Z') {
        zone = 3600 * std::stoi(s.substr(at + 1, 2)) + 60 * std::stoi(s.substr(at + 4, 2));
        zone = s[at] == '-' ? -zone : zone;
    }
    std::int64_t const y = month <= 2 ? year - 1 : year;
    std::int64_t const era = (y >= 0 ? y : y - 399) / 400;
    std::int64_t const day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    std::int64_t const year_of_era = y - era * 400;
    std::int64_t const days = era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
    return {days * 86400 + hour * 3600 + minute * 60 + second - zone, static_cast<std::uint32_t>(std::stoul(digits))};
}

void created_to_mtime(json::object const& test, json::object const&)
{
    auto const t = parse_rfc3339(vectors::text(test, "created"));
    vectors::equal(tx::entry_mtime(t.seconds, t.nanoseconds),
        test.at("expect").at("header_mtime").to_number<std::int64_t>(), "header_mtime");
}

void write_archive(json::object const& test, json::object const&)
{
    std::string out;
    for(auto const& v : test.at("entries").as_array()) {
        auto const& e = v.as_object();
        auto const r = tx::append_header(out, header_of(e.at("header").as_object()), format_of(e.at("format").as_string()));
        vectors::check(r.has_value(), "refused");
        auto const data = vectors::text(e, "data");
        out.append(data).append(tx::padding(data.size()), '\0');
    }
    out.append(tx::end_of_archive_size, '\0');
    auto const& expect = test.at("expect").as_object();
    vectors::equal(out.size(), expect.at("length").to_number<std::size_t>(), "length");
    vectors::check(out == vectors::text(expect, "archive"), "bytes differ");
}

tx::error code_of(std::string_view message)
{
    if(message == "unexpected EOF")
        return tx::error::truncated_archive;
    return message.find("field too long") != message.npos ? tx::error::limit_exceeded : tx::error::invalid_header;
}

template<class Reader>
void check_data(Reader& reader, json::object const& want)
{
    std::string data;
    std::array<std::byte, 777> buffer;
    tx::error_code ec;
    while(auto const n = reader.read_some(buffer, ec))
        data.append(reinterpret_cast<char const*>(buffer.data()), n);
    if(auto const* e = want.if_contains("data_error"); e && !e->is_null())
        vectors::check(ec == code_of(e->as_string()), "data: " + ec.message() + ", want " + std::string(e->as_string()));
    else {
        vectors::check(!ec, "data: " + ec.message());
        vectors::check(data == vectors::text(want, "data"), "data of " + reader.entry().header.name);
    }
}

template<class Reader>
void check_entry(Reader& reader, json::object const& want)
{
    auto got = reader.entry().header;
    for(auto* t : {&got.mtime, &got.atime, &got.ctime})
        if(*t == tx::tar_time{zero_time, 0})
            t->reset();
    auto const h = header_of(want);
    vectors::equal(got.name, h.name, "name");
    vectors::check(got.records == h.records, "records of " + h.name);
    vectors::check(got == h, "header of " + h.name);
    vectors::check(reader.entry().format == format_of(want.at("format").as_string()), "format of " + h.name);
    bool const failed = want.contains("data_error") && !want.at("data_error").is_null();
    if(vectors::has_text(want, "data") || failed)
        check_data(reader, want);
}

template<class Reader>
void read_all(Reader reader, json::object const& expect)
{
    for(auto const& want : expect.at("entries").as_array()) {
        auto const more = reader.next();
        vectors::check(more && *more, more ? "too few entries" : tx::message(more.error()));
        check_entry(reader, want.as_object());
    }
    auto const more = reader.next();
    if(expect.at("ok").as_bool()) {
        vectors::check(more.has_value(), more ? "" : tx::message(more.error()));
        vectors::check(!*more, "too many entries");
    }
    else {
        vectors::check(!more, "read, but Go refuses");
        auto const want = code_of(expect.at("error").at("message").as_string());
        vectors::check(more.error().code == want, tx::message(more.error()));
    }
}

void read_archive(json::object const& test, json::object const&)
{
    auto const data = vectors::text(test, "data");
    auto const& expect = test.at("expect").as_object();
    read_all(tx::tar_reader(text_source{data}), expect);
    read_all(tx::tar_reader(seeking_source{{data}}), expect);
}

} // namespace

int main()
{
    return vectors::run("tarheader.json", {{"header", header}, {"moby_entry", moby_entry},
        {"created_to_mtime", created_to_mtime}, {"archive", write_archive}, {"read", read_archive}});
}
