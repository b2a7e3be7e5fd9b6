//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_GO_JSON_WRITE_HPP
#define TAREXPORT_DETAIL_GO_JSON_WRITE_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/detail/base64.hpp>
#include <tarexport/detail/utf8.hpp>

#include <boost/assert.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

// JSON as Go's encoding/json writes it (Go 1.22 and later): the engines' documents are compared byte for byte.

namespace tarexport::detail {

/// Whether < > & are written as escapes, which is Go's default.
enum class html { escaped, kept };

// What stands for the character at the front of `rest`: its bytes, and its escape, which is empty if they may stand.
struct json_escape {
    std::size_t size;
    std::string_view text;
};

// U+2028 and U+2029 are legal in JSON but not in JavaScript, so Go escapes both whatever the mode.
inline std::string_view line_separator_escape(std::string_view rest) noexcept
{
    if(rest.starts_with("\xE2\x80\xA8"))
        return "\\u2028";
    if(rest.starts_with("\xE2\x80\xA9"))
        return "\\u2029";
    return {};
}

inline std::string_view html_escape(char c) noexcept
{
    switch(c) {
    case '<': return "\\u003c";
    case '>': return "\\u003e";
    case '&': return "\\u0026";
    default: return {};
    }
}

inline json_escape escape_of(std::string_view rest, html mode) noexcept
{
    auto const c = static_cast<unsigned char>(rest[0]);
    if(c >= 0x80) {
        auto const size = utf8_length(rest);
        return size == 0 ? json_escape{1, "\\ufffd"} : json_escape{size, line_separator_escape(rest)};
    }
    switch(rest[0]) {
    case '"': return {1, "\\\""};
    case '\\': return {1, "\\\\"};
    case '\b': return {1, "\\b"};
    case '\f': return {1, "\\f"};
    case '\n': return {1, "\\n"};
    case '\r': return {1, "\\r"};
    case '\t': return {1, "\\t"};
    default: break;
    }
    if(c < 0x20) {
        static constexpr char controls[] = "\\u0000\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007"
                                           "\\u0008\\u0009\\u000a\\u000b\\u000c\\u000d\\u000e\\u000f"
                                           "\\u0010\\u0011\\u0012\\u0013\\u0014\\u0015\\u0016\\u0017"
                                           "\\u0018\\u0019\\u001a\\u001b\\u001c\\u001d\\u001e\\u001f";
        return {1, std::string_view(controls + 6u * c, 6)};
    }
    return {1, mode == html::escaped ? html_escape(rest[0]) : std::string_view()};
}

/// Append a string literal; each byte that is not UTF-8 becomes an escaped U+FFFD.
inline void append_json_string(std::string& out, std::string_view text, html mode = html::escaped)
{
    out.push_back('"');
    std::size_t done = 0;
    for(std::size_t i = 0; i != text.size();) {
        auto const [size, escape] = escape_of(text.substr(i), mode);
        if(!escape.empty()) {
            out.append(text.substr(done, i - done)).append(escape);
            done = i + size;
        }
        i += size;
    }
    out.append(text.substr(done)).push_back('"');
}

/// Append an integer.
template<std::integral T>
void append_json_number(std::string& out, T value)
{
    std::array<char, 24> digits;
    auto const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out.append(digits.data(), end);
}

/** Append a number: the shortest text that reads back as the same, with an exponent below 1e-6 and from 1e21 on.
    @par Preconditions
    `std::isfinite(value)`
*/
inline void append_json_number(std::string& out, double value)
{
    BOOST_ASSERT(std::isfinite(value));
    std::array<char, 32> buffer;
    auto const end =
        std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific).ptr;
    std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
    if(text.front() == '-') {
        out.push_back('-');
        text.remove_prefix(1);
    }
    auto const e = text.find('e');
    int exponent = 0;
    auto const exponent_digits = text.substr(e + 2);
    std::from_chars(exponent_digits.data(), exponent_digits.data() + exponent_digits.size(), exponent);
    bool const small = text[e + 1] == '-';
    if(small ? exponent > 6 : exponent >= 21) {
        out.append(text.substr(0, e + 2));
        tarexport::detail::append_json_number(out, exponent);
        return;
    }
    // to_chars' own fixed format prints digits of large numbers that the shortest text has not.
    std::string digits(text.substr(0, 1));
    if(e > 1)
        digits.append(text.substr(2, e - 2));
    auto const shift = static_cast<std::size_t>(exponent);
    if(small && exponent != 0) {
        out.append("0.").append(shift - 1, '0').append(digits);
    }
    else if(digits.size() <= shift + 1) {
        out.append(digits).append(shift + 1 - digits.size(), '0');
    }
    else {
        out.append(digits, 0, shift + 1).append(".").append(digits, shift + 1);
    }
}

/// Append bytes as a string of base64.
inline void append_json_bytes(std::string& out, bytes_view bytes)
{
    out.push_back('"');
    detail::append_base64(out, bytes);
    out.push_back('"');
}

/** Append a JSON text without its white space; all else stays as it was written.

    In `html::escaped` mode < > & and U+2028, U+2029 become escapes, as where Go writes a raw message.
    @par Preconditions
    `text` is JSON.
*/
inline void append_json_compact(std::string& out, std::string_view text, html mode = html::escaped)
{
    bool inside = false;
    for(std::size_t i = 0; i != text.size(); ++i) {
        char const c = text[i];
        if(!inside) {
            if(c != ' ' && c != '\t' && c != '\n' && c != '\r')
                out.push_back(c);
            inside = c == '"';
            continue;
        }
        auto const separator = mode == html::escaped ? line_separator_escape(text.substr(i)) : std::string_view();
        auto const other = mode == html::escaped ? html_escape(c) : std::string_view();
        if(!separator.empty()) {
            out.append(separator);
            i += 2;
        }
        else if(!other.empty()) {
            out.append(other);
        }
        else {
            out.push_back(c);
            if(c == '\\')
                out.push_back(text[++i]);
            inside = c != '"';
        }
    }
}

/** Appends JSON to a string, compact, in the order of the calls; puts the commas.

    `w.begin_object(); w.key("size"); w.number(5); w.key("digest"); w.string(text); w.end_object();`

    Borrows the string. The calls must nest as the JSON does, and each `key` is followed by one value.
*/
class json_writer {
public:
    explicit json_writer(std::string& out, html mode = html::escaped) : out_(out), start_(out.size()), mode_(mode) {}

    void begin_object() { open('{'); }
    void end_object() { out_.push_back('}'); }
    void begin_array() { open('['); }
    void end_array() { out_.push_back(']'); }

    /// Write the key of the next value.
    void key(std::string_view name)
    {
        separate();
        append_json_string(out_, name, mode_);
        out_.push_back(':');
    }

    void string(std::string_view text)
    {
        separate();
        append_json_string(out_, text, mode_);
    }

    template<class T>
    requires std::integral<T> || std::same_as<T, double>
    void number(T value)
    {
        separate();
        append_json_number(out_, value);
    }

    void boolean(bool value) { raw(value ? "true" : "false"); }
    void null() { raw("null"); }

    /// Write a value that is JSON, compact and escaped, already.
    void raw(std::string_view json)
    {
        separate();
        out_.append(json);
    }

private:
    void open(char c)
    {
        separate();
        out_.push_back(c);
    }

    // No value ends in one of these, so the last character tells whether a value stands before this one.
    void separate()
    {
        if(out_.size() != start_ && out_.back() != '{' && out_.back() != '[' && out_.back() != ':')
            out_.push_back(',');
    }

    std::string& out_;
    std::size_t start_;
    html mode_;
};

} // namespace tarexport::detail

#endif
