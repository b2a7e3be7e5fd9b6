//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_TAR_SPLIT_LINE_HPP
#define TAREXPORT_DETAIL_TAR_SPLIT_LINE_HPP

#include <tarexport/detail/base64.hpp>
#include <tarexport/detail/go_json_read.hpp>
#include <tarexport/error.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace tarexport::detail {

/// What a line of tar-split.json says.
struct tar_split_line {
    bool is_file = false;     ///< otherwise bytes of the archive
    std::string name;         ///< of a file, any bytes but NUL
    std::uint64_t size = 0;   ///< of a file, at most 2^63-1
    std::string_view payload; ///< the bytes, or the check sum of a file's content; points into the line
};

/** Reads one line, decoding it in place.

    Takes the members that tar-split writes, each at most once and in any order, and refuses all else.
*/
class tar_split_parser {
public:
    tar_split_parser(std::span<char> line, tar_split_line& out) noexcept : line_(line), out_(out) {}

    /// @return Nothing; `invalid_json`, or `invalid_document` where the line is not the one that is due at this position.
    result<void> run(std::uint64_t position)
    {
        out_.is_file = false;
        out_.name.clear();
        out_.size = 0;
        out_.payload = {};
        if(!object() || !check(position))
            return std::move(failed_);
        return {};
    }

private:
    enum member : unsigned { type = 1, name = 2, name_raw = 4, size = 8, payload = 16, number = 32 };

    bool fail(error code, std::string what)
    {
        failed_ = {code, {}, std::move(what)};
        return false;
    }

    bool unexpected()
    {
        return fail(error::invalid_json,
            (at_ == line_.size() ? "unexpected end at byte " : "unexpected character at byte ") + std::to_string(at_));
    }

    void space() noexcept
    {
        while(at_ != line_.size() && is_json_space(line_[at_]))
            ++at_;
    }

    bool next_is(char c) noexcept
    {
        space();
        return at_ != line_.size() && line_[at_] == c;
    }

    bool take(char c)
    {
        if(!next_is(c))
            return unexpected();
        ++at_;
        return true;
    }

    bool object()
    {
        if(!take('{'))
            return false;
        do {
            if(!one_member())
                return false;
            space();
        } while(next_is(',') && ++at_ != 0);
        if(!take('}'))
            return false;
        space();
        return at_ == line_.size() || unexpected();
    }

    bool one_member()
    {
        auto const key = plain_string();
        if(!key || !take(':'))
            return false;
        member const m = member_of(std::string_view(key->data(), key->size()));
        if(m == 0)
            return fail(error::invalid_document, "it has a member that is none of tar-split");
        if((seen_ & m) != 0)
            return fail(error::invalid_document, "it has a member twice");
        seen_ |= m;
        switch(m) {
        case type: return integer(type_);
        case size: return integer(out_.size);
        case number: return integer(position_);
        case name: return text();
        case name_raw: {
            auto const raw = base64();
            if(raw)
                out_.name.assign(*raw);
            return raw.has_value();
        }
        case payload: {
            if(next_is('n'))
                return null();
            auto const bytes = base64();
            out_.payload = bytes.value_or(std::string_view());
            return bytes.has_value();
        }
        }
        return false;
    }

    static member member_of(std::string_view key) noexcept
    {
        return key == "type"      ? type
            : key == "name"       ? name
            : key == "name_raw"   ? name_raw
            : key == "size"       ? size
            : key == "payload"    ? payload
            : key == "position"   ? number
                                  : member();
    }

    // A string without escapes, or at least up to its first quote: what is in it is checked by who wants it.
    std::optional<std::span<char>> plain_string()
    {
        if(!take('"'))
            return std::nullopt;
        std::string_view const rest(line_.data() + at_, line_.size() - at_);
        auto const end = rest.find('"');
        if(end == std::string_view::npos) {
            at_ = line_.size();
            unexpected();
            return std::nullopt;
        }
        auto const s = line_.subspan(at_, end);
        at_ += end + 1;
        return s;
    }

    std::optional<std::string_view> base64()
    {
        auto const digits = plain_string();
        if(!digits)
            return std::nullopt;
        auto const n = detail::decode_base64(*digits);
        if(!n) {
            fail(error::invalid_document, "it has bytes that are not base64");
            return std::nullopt;
        }
        return std::string_view(digits->data(), *n);
    }

    bool text()
    {
        if(!next_is('"'))
            return unexpected();
        auto const first = at_++;
        bool plain = true; // as nearly all names are: then what stands there is what is meant
        while(at_ != line_.size() && line_[at_] != '"') {
            auto const c = line_[at_];
            plain = plain && c >= ' ' && c <= '~' && c != '\\';
            at_ += c == '\\' && at_ + 1 != line_.size() ? 2 : 1;
        }
        if(at_ == line_.size())
            return unexpected();
        std::string_view const literal(line_.data() + first, ++at_ - first);
        if(plain) {
            out_.name.append(literal.substr(1, literal.size() - 2));
            return true;
        }
        if(!detail::check_json(literal))
            return fail(error::invalid_json, "malformed name");
        detail::append_unquoted(out_.name, literal);
        return true;
    }

    bool integer(std::uint64_t& n)
    {
        space();
        auto const* const first = line_.data() + at_;
        auto const* const last = line_.data() + line_.size();
        auto const [end, code] = std::from_chars(first, last, n);
        bool const leading_zero = end - first > 1 && *first == '0';
        if(code == std::errc::invalid_argument || leading_zero)
            return unexpected();
        if(code != std::errc() || n > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
            return fail(error::invalid_document, "it has a number beyond 2^63-1");
        at_ += static_cast<std::size_t>(end - first);
        return true;
    }

    bool null()
    {
        constexpr std::string_view word = "null";
        if(std::string_view(line_.data() + at_, line_.size() - at_).substr(0, word.size()) != word)
            return unexpected();
        at_ += word.size();
        return true;
    }

    bool check(std::uint64_t position)
    {
        if((seen_ & (type | number)) != (type | number))
            return fail(error::invalid_document, "it has no type or no position");
        if(position_ != position)
            return fail(error::invalid_document, "it says that it is at position " + std::to_string(position_));
        if(type_ != 1 && type_ != 2)
            return fail(error::invalid_document, "it is of the unknown type " + std::to_string(type_));
        if((seen_ & (name | name_raw)) == (name | name_raw))
            return fail(error::invalid_document, "it has two names");
        out_.is_file = type_ == 1;
        if(!out_.is_file)
            return (seen_ & (name | name_raw | size)) == 0 || fail(error::invalid_document, "bytes with a name or a size");
        if(out_.name.find('\0') != std::string::npos)
            return fail(error::invalid_document, "a name with a zero character");
        constexpr std::size_t sum_size = 8;
        if(out_.payload.size() != sum_size && (out_.size != 0 || !out_.payload.empty()))
            return fail(error::invalid_document, "a file whose check sum has not 8 bytes");
        return true;
    }

    std::span<char> line_;
    tar_split_line& out_;
    std::size_t at_ = 0;
    unsigned seen_ = 0;
    std::uint64_t type_ = 0;
    std::uint64_t position_ = 0;
    failure failed_;
};

/** Read one line of tar-split.json into `out`, whose payload then points into the line.

    @return Nothing; or `invalid_json` or `invalid_document`, without a subject.
*/
inline result<void> parse_tar_split_line(std::span<char> line, std::uint64_t position, tar_split_line& out)
{
    return tar_split_parser(line, out).run(position);
}

} // namespace tarexport::detail

#endif
