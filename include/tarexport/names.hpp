//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_NAMES_HPP
#define TAREXPORT_NAMES_HPP

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport {

/// One argument of a save: a name as the user typed it, and the name to give it in the archive, if another.
struct requested_name {
    std::string text;
    std::optional<std::string> as;

    friend bool operator==(requested_name const&, requested_name const&) = default;
};

/** What to save, in request order. Owns its strings.

    Each name is a reference, an image ID or the first digits of one, as for `docker save`; a repository without
    a tag stands for all its tags. `NAME=AS` gives the image the name AS in the archive.

    @par Example
    @code
    names("app:1.0")
    names::of("app:1.0", "base:2=internal/base:2")
    names(std::vector<std::string>{...})
    @endcode
*/
class names {
public:
    /// No names.
    names() = default;

    /// One name.
    explicit names(std::string_view text) { add(text); }

    /// Several names. Without this, `names({"a", "b"})` would be the one text from the pointer "a" to the pointer "b".
    explicit names(std::initializer_list<std::string_view> texts)
    {
        for(auto const t : texts)
            add(t);
    }

    /// The texts of a range.
    template<std::ranges::input_range R>
    requires(!std::convertible_to<R, std::string_view> && !std::same_as<std::remove_cvref_t<R>, names>
             && std::convertible_to<std::ranges::range_reference_t<R>, std::string_view>)
    explicit names(R&& texts)
    {
        for(auto&& t : texts)
            add(t);
    }

    /// Several names, where braces cannot stand: g++ 12 takes no braced list in an argument of `co_await`.
    template<std::convertible_to<std::string_view>... Texts>
    static names of(Texts const&... texts)
    {
        names n;
        (n.add(texts), ...);
        return n;
    }

    /// Add a name, or `NAME=AS`.
    void add(std::string_view text)
    {
        // No reference and no image ID has an equals sign.
        auto const equals = text.find('=');
        if(equals == std::string_view::npos)
            names_.push_back({std::string(text), std::nullopt});
        else
            names_.push_back({std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))});
    }

    bool empty() const noexcept { return names_.empty(); }
    std::size_t size() const noexcept { return names_.size(); }
    auto begin() const noexcept { return names_.begin(); }
    auto end() const noexcept { return names_.end(); }

private:
    std::vector<requested_name> names_;
};

} // namespace tarexport

#endif
