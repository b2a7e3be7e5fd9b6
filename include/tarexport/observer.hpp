//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_OBSERVER_HPP
#define TAREXPORT_OBSERVER_HPP

#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace tarexport {

/// The parts of a save that take time; `resolve`, `make_plan` and `write` are inside `save`, `entry` is inside `write`. An `incremental_layout` gets the
/// images in `resolve`, any other in `make_plan`.
enum class activity : std::uint8_t { save, resolve, make_plan, write, entry };

/// Return the name of an activity.
constexpr std::string_view name_of(activity a) noexcept
{
    switch(a) {
    case activity::save: return "save";
    case activity::resolve: return "resolve";
    case activity::make_plan: return "plan";
    case activity::write: return "write";
    case activity::entry: return "entry";
    }
    return {};
}

/// What a span is about: "names" of a save; "path", and for layers "layer.digest" and "layer.chain_id", of an entry.
struct attribute {
    std::string_view key;
    std::string_view value;
};

/// An activity begins.
struct span_begun {
    activity what;
    std::span<attribute const> attributes;
    std::size_t worker = 0; ///< one number for each part of the archive that is written at the same time; 0 for all else
};

/// The activity that was begun last with this number, and has not ended, ends.
struct span_ended {
    activity what;
    bool ok;
    std::size_t worker = 0;
};

/// A name led to an image; once for each image.
struct image_resolved {
    digest const& id;
    digest const& chain; ///< chain ID of all its layers
    std::size_t layers;
    std::span<std::string const> tags; ///< familiar names
};

/// The archive is known.
struct archive_planned {
    std::uint64_t size; ///< of the range that will be written, in bytes
    std::size_t entries;
    digest const& etag;
};

/// The first byte of an entry reaches the sink; of an archive that is verified, it is read.
struct entry_begun {
    std::size_t index;
    std::string_view path;
    std::uint64_t offset; ///< in the archive
    std::uint64_t size;   ///< of its data
};

/// Bytes reached the sink.
struct bytes_written {
    std::uint64_t n;     ///< now
    std::uint64_t bytes; ///< so far
    std::uint64_t total; ///< of the range
};

/// The last byte of an entry reached the sink; of an archive that is verified, it was read.
struct entry_done {
    std::size_t index;
    std::string_view path;
    digest const& id; ///< of its data; empty for a directory
    bool verified;    ///< whether the bytes that passed were hashed and are those
};

/// The archive is whole and committed. The last event of a save that succeeds, inside its span.
struct archive_saved {
    std::uint64_t bytes;
    digest const& etag;
};

/// The save ended early, and its sink was aborted. The last event of a save that fails, inside its span; where an exception
/// of the user's passes through, only the spans end.
struct save_failed {
    failure const& reason;
};

/// What happens during a save. Everything in an event is borrowed for the call.
using event = std::variant<span_begun, span_ended, image_resolved, archive_planned, entry_begun, bytes_written, entry_done,
    archive_saved, save_failed>;

/** Something that watches a save: `o(event)`, which must not throw.

    Passed by reference. Called by one thread at a time, which is the calling one unless several write at once. No call comes after
    the save returned.
*/
template<class O>
concept observer = requires(O& o, event const& e) {
    { o(e) } noexcept;
};

/// Explain, one sentence a mistake, why a type is no observer.
template<class O>
consteval bool explain_observer()
{
    static_assert(observer<O>, "observer: write `void operator()(event const&) noexcept`");
    return observer<O>;
}

/// The observer of those who do not want one; costs nothing.
struct no_observer {
    void operator()(event const&) const noexcept {}
};

namespace detail {

template<class O>
inline constexpr bool observes = !std::same_as<std::remove_cv_t<O>, no_observer>;

// Reports an activity from construction to destruction.
template<observer O>
class activity_span {
public:
    activity_span(O& o, activity what, std::span<attribute const> attributes = {}) noexcept
        : observer_(o)
        , what_(what)
    {
        if constexpr(observes<O>)
            observer_(event(span_begun{what_, attributes}));
    }

    activity_span(activity_span const&) = delete;
    activity_span& operator=(activity_span const&) = delete;

    ~activity_span()
    {
        if constexpr(observes<O>)
            observer_(event(span_ended{what_, ok_}));
    }

    void succeeded() noexcept { ok_ = true; }

private:
    O& observer_;
    activity what_;
    bool ok_ = false;
};

} // namespace detail

} // namespace tarexport

#endif
