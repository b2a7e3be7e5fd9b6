//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_RECORD_HPP
#define TAREXPORT_ENGINE_RECORD_HPP

#include "target.hpp"

#include <tarexport/detail/go_json_write.hpp>
#include <tarexport/detail/image_config.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/image.hpp>
#include <tarexport/timestamp.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What the documents of the API tell of an image, and what they have in common.

namespace engine {

/// The names of an image.
struct image_names {
    std::vector<std::string> tags;
    std::vector<std::string> digests;
};

/// An image that another one was built on.
struct ancestor {
    tarexport::digest id;
    std::vector<std::string> tags;
};

/// An image, and what is known of it beside its config.
struct record {
    tarexport::image image;
    tarexport::detail::image_config config; ///< what `image.config` says, as the engine reads it
    image_names names;
    std::uint64_t size = 0;                 ///< of its layers, in bytes
    std::vector<std::uint64_t> layer_sizes; ///< bottom first; only for a history
    std::vector<ancestor> ancestors;        ///< the nearest first; only for a history
};

/// The oldest version of the API that is spoken here, and the newest.
inline constexpr api_version oldest_version{1, 24, 0};
inline constexpr api_version newest_version{1, 48, 0};

/// Return a version as clients write it.
inline std::string to_string(api_version const& v) { return std::to_string(v.major) + "." + std::to_string(v.minor); }

/// What the engine says of a time that nobody knows.
inline constexpr std::string_view no_time = "0001-01-01T00:00:00Z";

/// A document as the engine writes it: one line, with < > & as they are.
class document {
public:
    document() : w(text_, tarexport::detail::html::kept) {}
    document(document const&) = delete;
    document& operator=(document const&) = delete;

    void member(std::string_view key, std::string_view value)
    {
        w.key(key);
        w.string(value);
    }

    template<std::integral T>
    void member(std::string_view key, T value)
    {
        w.key(key);
        w.number(value);
    }

    void member(std::string_view key, std::vector<std::string> const& values)
    {
        w.key(key);
        tarexport::detail::write_strings(w, values, false);
    }

    /// Write the time in seconds, 0 for none.
    void seconds(std::string_view key, std::optional<tarexport::timestamp> const& t) { member(key, t ? t->seconds : std::int64_t{0}); }

    /// Return the text, which ends here.
    std::string take() &&
    {
        text_.push_back('\n');
        return std::move(text_);
    }

private:
    std::string text_;

public:
    tarexport::detail::json_writer w; ///< appends to the text
};

} // namespace engine

#endif
