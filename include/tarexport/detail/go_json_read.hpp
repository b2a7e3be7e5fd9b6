//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_GO_JSON_READ_HPP
#define TAREXPORT_DETAIL_GO_JSON_READ_HPP

#include <tarexport/detail/utf8.hpp>
#include <tarexport/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// JSON as Go's encoding/json reads it: RFC 8259, bytes that are not UTF-8 allowed in strings.

namespace tarexport::detail {

/// How much JSON is read. Go itself has no limit but a depth of 10000.
struct json_limits {
    std::size_t size = std::size_t{8} << 20;   ///< Bytes.
    std::size_t depth = 64;                    ///< Objects and arrays inside one another.
    std::size_t values = std::size_t{1} << 18; ///< Of any kind: a few bytes of text can be a large object in memory.
};

constexpr bool is_json_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

constexpr bool is_json_digit(char c) noexcept { return c >= '0' && c <= '9'; }

constexpr int json_hex_value(char c) noexcept
{
    if(is_json_digit(c))
        return c - '0';
    if(c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Checks a whole text without recursion: its nesting is the sender's, our stack is not.
class json_checker {
public:
    json_checker(std::string_view text, json_limits limits) noexcept : text_(text), limits_(limits) {}

    result<void> run()
    {
        if(text_.size() > limits_.size)
            return failure{error::limit_exceeded, {}, "more than " + std::to_string(limits_.size) + " bytes"};
        while(value() && after_value())
            ;
        if(too_many_)
            return failure{error::limit_exceeded, {}, "more than " + std::to_string(limits_.values) + " values"};
        if(too_deep_)
            return failure{error::limit_exceeded, {}, "nested more than " + std::to_string(limits_.depth) + " deep"};
        if(done_)
            return {};
        return failure{
            error::invalid_json, {},
            (at_ == text_.size() ? "unexpected end at byte " : "unexpected character at byte ") + std::to_string(at_)};
    }

private:
    char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }

    bool take(char c) noexcept
    {
        if(at_ == text_.size() || text_[at_] != c)
            return false;
        ++at_;
        return true;
    }

    void space() noexcept
    {
        while(at_ < text_.size() && is_json_space(text_[at_]))
            ++at_;
    }

    bool open(char c)
    {
        ++at_;
        if(open_.size() >= limits_.depth) {
            too_deep_ = true;
            return false;
        }
        open_.push_back(c);
        return true;
    }

    // A value, or the beginning of one up to where the next value is due.
    bool value()
    {
        for(;;) {
            space();
            if(++values_ > limits_.values) {
                too_many_ = true;
                return false;
            }
            switch(peek()) {
            case '{':
                if(!open('{'))
                    return false;
                space();
                if(peek() == '}')
                    return true;
                if(!key())
                    return false;
                break;
            case '[':
                if(!open('['))
                    return false;
                space();
                if(peek() == ']')
                    return true;
                break;
            case '"': return string();
            case 't': return literal("true");
            case 'f': return literal("false");
            case 'n': return literal("null");
            default: return number();
            }
        }
    }

    // Everything up to the next value; false at the end of the text, too.
    bool after_value()
    {
        for(;;) {
            space();
            if(open_.empty()) {
                done_ = at_ == text_.size();
                return false;
            }
            bool const object = open_.back() == '{';
            if(take(','))
                return !object || key();
            if(!take(object ? '}' : ']'))
                return false;
            open_.pop_back();
        }
    }

    bool key()
    {
        space();
        if(peek() != '"' || !string())
            return false;
        space();
        return take(':');
    }

    bool string()
    {
        for(++at_; at_ < text_.size(); ++at_) {
            char const c = text_[at_];
            if(c == '"') {
                ++at_;
                return true;
            }
            if(static_cast<unsigned char>(c) < 0x20 || (c == '\\' && !escape()))
                return false;
        }
        return false;
    }

    // Leaves the position at the last character of the escape.
    bool escape()
    {
        ++at_;
        if(peek() == 'u') {
            for(int i = 0; i != 4; ++i) {
                ++at_;
                if(json_hex_value(peek()) < 0)
                    return false;
            }
            return true;
        }
        return peek() != '\0' && std::string_view("\"\\/bfnrt").find(peek()) != std::string_view::npos;
    }

    bool digits()
    {
        if(!is_json_digit(peek()))
            return false;
        while(is_json_digit(peek()))
            ++at_;
        return true;
    }

    bool number()
    {
        take('-');
        if(!take('0') && !digits())
            return false;
        if(take('.') && !digits())
            return false;
        if(take('e') || take('E')) {
            if(!take('+'))
                take('-');
            return digits();
        }
        return true;
    }

    bool literal(std::string_view word)
    {
        for(char c : word)
            if(!take(c))
                return false;
        return true;
    }

    std::string_view text_;
    json_limits limits_;
    std::size_t at_ = 0;
    std::size_t values_ = 0;
    std::vector<char> open_;
    bool too_deep_ = false;
    bool too_many_ = false;
    bool done_ = false;
};

/// Check that a text is JSON, within limits. @return Nothing, or `invalid_json` or `limit_exceeded`.
inline result<void> check_json(std::string_view text, json_limits limits = {})
{
    return json_checker(text, limits).run();
}

/** Append what a string literal stands for.

    Each byte that is not UTF-8 and each surrogate that has no other half becomes U+FFFD.
    @par Preconditions
    `literal` is a JSON string with its quotes.
*/
inline void append_unquoted(std::string& out, std::string_view literal)
{
    auto rest = literal.substr(1, literal.size() - 2);
    auto const code_unit = [&](std::size_t at) -> char32_t {
        if(rest.size() < at + 6 || rest[at] != '\\' || rest[at + 1] != 'u')
            return 0;
        char32_t u = 0;
        for(char c : rest.substr(at + 2, 4))
            u = u << 4 | static_cast<char32_t>(json_hex_value(c));
        return u;
    };
    while(!rest.empty()) {
        if(rest[0] != '\\') {
            auto const size = utf8_length(rest);
            out.append(size == 0 ? replacement_character : rest.substr(0, size));
            rest.remove_prefix(size == 0 ? 1 : size);
        }
        else if(rest[1] != 'u') {
            constexpr std::string_view names = "bfnrt", values = "\b\f\n\r\t";
            auto const i = names.find(rest[1]);
            out.push_back(i == std::string_view::npos ? rest[1] : values[i]);
            rest.remove_prefix(2);
        }
        else {
            auto const u = code_unit(0), next = code_unit(6);
            bool const high = u >= 0xD800 && u < 0xDC00, low = u >= 0xDC00 && u < 0xE000;
            bool const pair = high && next >= 0xDC00 && next < 0xE000;
            if(high || low)
                append_utf8(out, pair ? 0x10000 + ((u - 0xD800) << 10) + (next - 0xDC00) : U'\uFFFD');
            else
                append_utf8(out, u);
            rest.remove_prefix(pair ? 12 : 6);
        }
    }
}

enum class json_kind : std::uint8_t { object, array, string, number, boolean, null };

/// Return the kind with its article.
constexpr std::string_view name_of(json_kind k) noexcept
{
    switch(k) {
    case json_kind::object: return "an object";
    case json_kind::array: return "an array";
    case json_kind::string: return "a string";
    case json_kind::number: return "a number";
    case json_kind::boolean: return "a boolean";
    case json_kind::null: return "null";
    }
    return {};
}

/** Pulls values out of a JSON text in one pass; duplicate keys come as they stand.

    Each value must be consumed by exactly one of `skip`, `string`, or `begin` and a loop over `next_member` (of an
    object) or `next_element` (of an array) until it returns false:
    `c.begin(); while(c.next_member(key)) c.skip();`

    @par Preconditions
    `check_json` has accepted the text; it outlives the cursor and the slices that the cursor returns.
*/
class json_cursor {
public:
    explicit json_cursor(std::string_view text) noexcept : text_(text) { space(); }

    /// Return the kind of the value that comes next.
    json_kind kind() const noexcept
    {
        switch(text_[at_]) {
        case '{': return json_kind::object;
        case '[': return json_kind::array;
        case '"': return json_kind::string;
        case 't':
        case 'f': return json_kind::boolean;
        case 'n': return json_kind::null;
        default: return json_kind::number;
        }
    }

    /// Enter the object or array that comes next.
    void begin() noexcept
    {
        ++at_;
        space();
    }

    /// Go to the next member and read its key, or leave the object. @return Whether there is one.
    bool next_member(std::string& key)
    {
        if(!next('}'))
            return false;
        key = string();
        ++at_; // the colon
        space();
        return true;
    }

    /// Go to the next element, or leave the array. @return Whether there is one.
    bool next_element() noexcept { return next(']'); }

    /// Consume a string. @return What it stands for.
    std::string string()
    {
        std::string s;
        append_unquoted(s, skip());
        return s;
    }

    /// Consume a value of any kind. @return Its text.
    std::string_view skip() noexcept
    {
        auto const first = at_;
        std::size_t depth = 0;
        do {
            switch(text_[at_]) {
            case '"': pass_string(); break;
            case '{':
            case '[':
                ++depth;
                ++at_;
                break;
            case '}':
            case ']':
                --depth;
                ++at_;
                break;
            case ',':
            case ':':
            case ' ':
            case '\t':
            case '\n':
            case '\r': ++at_; break;
            default: pass_word();
            }
        } while(depth != 0);
        auto const slice = text_.substr(first, at_ - first);
        space();
        return slice;
    }

private:
    void space() noexcept
    {
        while(at_ < text_.size() && is_json_space(text_[at_]))
            ++at_;
    }

    bool next(char close) noexcept
    {
        bool const more = text_[at_] != close;
        // A comma here stands between two values; the first value has none before it.
        if(!more || text_[at_] == ',')
            begin();
        return more;
    }

    void pass_string() noexcept
    {
        for(++at_; text_[at_] != '"'; ++at_)
            if(text_[at_] == '\\')
                ++at_;
        ++at_;
    }

    // A number, true, false or null.
    void pass_word() noexcept
    {
        constexpr std::string_view ends = ",:]} \t\n\r";
        while(at_ < text_.size() && ends.find(text_[at_]) == std::string_view::npos)
            ++at_;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

} // namespace tarexport::detail

#endif
