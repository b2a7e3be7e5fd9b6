//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_GO_JSON_DECODE_HPP
#define TAREXPORT_DETAIL_GO_JSON_DECODE_HPP

#include <tarexport/detail/go_json_read.hpp>
#include <tarexport/error.hpp>
#include <tarexport/timestamp.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

// JSON into structs as Go's encoding/json does it, quirks and all: the engine accepts what this accepts and sees the
// same values in it. Go's types and ours: *T is std::optional<T>, []T json_list<T>, map[string]T json_map<T>.

namespace tarexport::detail {

class go_decoder;

/// One member of a struct: the key, and how its value is read.
template<class T>
struct json_field {
    std::string_view name;
    void (*read)(go_decoder&, T&);
};

/// Specialised for each struct: `static constexpr std::array all{field<&s::m>("M"), ...}`; names are ASCII.
template<class T>
struct json_fields;

/** A Go slice, which is either nil or has elements.

    Elements beyond `size` are what a longer value of an earlier duplicate key left behind; Go reads the next
    duplicate over them, and a null or an object with fewer members then shows them again.
*/
template<class T>
struct json_list {
    std::vector<T> slots;
    std::size_t size = 0;
    bool null = true;

    std::span<T const> elements() const noexcept { return {slots.data(), size}; }

    /// Move the elements out.
    std::vector<T> take()
    {
        slots.resize(size);
        return std::move(slots);
    }
};

/// A Go map, which may be nil. The order is that of the keys' bytes, as Go writes it.
template<class T>
using json_map = std::optional<std::map<std::string, T>>;

/// A Go empty struct, the value of a map that is used as a set: any object.
struct json_empty {
    friend bool operator==(json_empty, json_empty) = default;
};

/// The engine's list of strings that may also be written as one string.
struct string_or_list {
    std::vector<std::string> items;
    bool null = true;
};

template<>
struct json_fields<json_empty> {
    static constexpr std::span<json_field<json_empty> const> all{};
};

// The only characters beyond ASCII that Unicode's simple folding equates with ASCII ones: U+017F and U+212A.
inline bool equals_folded(std::string_view name, std::string_view key) noexcept
{
    constexpr auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
    for(char n : name) {
        if(key.empty())
            return false;
        std::size_t size = 1;
        char k = key[0];
        if(key.starts_with("\xC5\xBF")) {
            k = 'S';
            size = 2;
        }
        else if(key.starts_with("\xE2\x84\xAA")) {
            k = 'K';
            size = 3;
        }
        if(upper(k) != upper(n))
            return false;
        key.remove_prefix(size);
    }
    return key.empty();
}

/// Return the field that a key names, an exact match before a folded one; null if there is none.
template<class Fields>
auto find_field(Fields const& fields, std::string_view key) noexcept -> decltype(std::data(fields))
{
    auto const first = std::data(fields), last = first + std::size(fields);
    auto found = std::find_if(first, last, [&](auto const& f) { return f.name == key; });
    if(found == last)
        found = std::find_if(first, last, [&](auto const& f) { return equals_folded(f.name, key); });
    return found == last ? nullptr : found;
}

/** Reads values out of a JSON text as Go's decoder does.

    A value of the wrong type is noted and passed over, and the decoding goes on; the first one noted is the error at
    the end. A type that reads its own JSON (a time, a `string_or_list`) ends the decoding at once instead, and its
    error is the one that counts.

    @par Preconditions
    `check_json` has accepted the text.
*/
class go_decoder {
public:
    explicit go_decoder(std::string_view text) noexcept : cursor_(text) {}

    /// Return what was wrong, with the path to it ("config.Env: a number where a string is expected"); or nothing.
    std::string const& problem() const noexcept { return problem_; }

    void read(std::string& value)
    {
        if(expect(json_kind::string))
            value = cursor_.string();
    }

    void read(bool& value)
    {
        if(expect(json_kind::boolean))
            value = cursor_.skip() == "true";
    }

    void read(std::int64_t& value)
    {
        if(!expect(json_kind::number))
            return;
        auto const digits = cursor_.skip();
        std::int64_t n = 0;
        auto const [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
        if(fault == std::errc::result_out_of_range)
            note("a number beyond 64 bits");
        else if(end != digits.data() + digits.size())
            note("a number that is no integer");
        else
            value = n;
    }

    /// A time reads the raw text: an escape in it is an error, whatever it stands for.
    void read(timestamp& value)
    {
        auto const text = cursor_.skip();
        if(text == "null")
            return;
        auto const parsed =
            text.front() == '"' ? tarexport::parse_timestamp(text.substr(1, text.size() - 2)) : std::nullopt;
        if(parsed)
            value = *parsed;
        else
            stop("no RFC 3339 time");
    }

    void read(string_or_list& value)
    {
        string_or_list fresh{{}, false};
        switch(cursor_.kind()) {
        case json_kind::null:
            fresh.null = true;
            cursor_.skip();
            break;
        case json_kind::string: fresh.items.push_back(cursor_.string()); break;
        case json_kind::array:
            cursor_.begin();
            while(!stopped_ && cursor_.next_element()) {
                auto& item = fresh.items.emplace_back();
                if(cursor_.kind() == json_kind::string)
                    item = cursor_.string();
                else if(cursor_.kind() == json_kind::null)
                    cursor_.skip();
                else
                    stop(mismatch(json_kind::string));
            }
            break;
        default: stop(mismatch(json_kind::string));
        }
        value = std::move(fresh);
    }

    template<class T>
    void read(std::optional<T>& value)
    {
        if(null()) {
            value.reset();
            return;
        }
        if(!value)
            value.emplace();
        read(*value);
    }

    template<class T>
    void read(json_list<T>& list)
    {
        if(null()) {
            list = {};
            return;
        }
        if(!expect(json_kind::array))
            return;
        list.null = false;
        std::size_t n = 0;
        cursor_.begin();
        while(!stopped_ && cursor_.next_element()) {
            if(n == list.slots.size())
                list.slots.emplace_back();
            read(list.slots[n++]);
        }
        list.size = n;
        if(n == 0)
            list.slots.clear();
    }

    template<class T>
    void read(std::map<std::string, T>& map)
    {
        if(!expect(json_kind::object))
            return;
        std::string key;
        cursor_.begin();
        while(!stopped_ && cursor_.next_member(key)) {
            T fresh{};
            read(fresh);
            map.insert_or_assign(key, std::move(fresh));
        }
    }

    template<class T>
    requires requires { json_fields<T>::all; }
    void read(T& value)
    {
        if(!expect(json_kind::object))
            return;
        std::string key;
        cursor_.begin();
        while(!stopped_ && cursor_.next_member(key)) {
            if(auto const* f = detail::find_field(json_fields<T>::all, key)) {
                path_.push_back(f->name);
                f->read(*this, value);
                path_.pop_back();
            }
            else {
                cursor_.skip();
            }
        }
    }

private:
    bool null() noexcept
    {
        if(cursor_.kind() != json_kind::null)
            return false;
        cursor_.skip();
        return true;
    }

    // Null is of every type, and changes nothing where the type has no null.
    bool expect(json_kind kind)
    {
        if(cursor_.kind() == kind)
            return true;
        if(cursor_.kind() != json_kind::null)
            note(mismatch(kind));
        cursor_.skip();
        return false;
    }

    std::string mismatch(json_kind expected) const
    {
        return std::string(name_of(cursor_.kind())).append(" where ").append(name_of(expected)).append(" is expected");
    }

    void note(std::string_view what)
    {
        if(!problem_.empty())
            return;
        for(auto name : path_)
            problem_.append(problem_.empty() ? "" : ".").append(name);
        problem_.append(problem_.empty() ? "" : ": ").append(what);
    }

    void stop(std::string_view what)
    {
        problem_.clear();
        note(what);
        stopped_ = true;
    }

    json_cursor cursor_;
    std::vector<std::string_view> path_;
    std::string problem_;
    bool stopped_ = false;
};

template<class T, class M>
T owner_of(M T::*);

/// Return the field of a member (`field<&person::name>("name")`).
template<auto Member>
constexpr auto field(std::string_view name) noexcept
{
    using owner = decltype(owner_of(Member));
    return json_field<owner>{name, [](go_decoder& d, owner& o) { d.read(o.*Member); }};
}

/** Read a whole text into a value, as Go's `Unmarshal` does.

    @param mismatch The code for a value of the wrong type.
    @return The value, or `mismatch`, or what `check_json` says.
*/
template<class T>
result<T> read_json(std::string_view text, error mismatch, json_limits limits = {})
{
    if(auto r = detail::check_json(text, limits); !r)
        return std::move(r).error();
    T value{};
    go_decoder d(text);
    d.read(value);
    if(!d.problem().empty())
        return failure{mismatch, {}, d.problem()};
    return value;
}

} // namespace tarexport::detail

#endif
