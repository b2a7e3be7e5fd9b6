//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_PLATFORM_MATCHER_HPP
#define TAREXPORT_PLATFORM_MATCHER_HPP

#include <tarexport/platform.hpp>

#include <algorithm>
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
#include <vector>

namespace tarexport {

/** Chooses among the platforms that an image is available for.

    Platforms are compared after `normalize`, by operating system, architecture and variant; the version and the
    features of the operating system play no part, as in the engines on Linux.
    @see https://github.com/containerd/platforms/blob/v0.2.1/compare.go
*/
class platform_matcher {
public:
    /** Return a matcher of a platform and of all that it can run, the platform itself being wanted most.

        `amd64/vN` also runs the versions before N and `386`; `arm/vN` those down to `v5`; `arm64` also `arm/v8`
        down to `arm/v5`.
    */
    static platform_matcher only(platform const& p, platform host = tarexport::host_platform());

    /// Return a matcher of one platform.
    static platform_matcher only_strict(platform const& p, platform host = tarexport::host_platform())
    {
        return ordered({&p, 1}, std::move(host));
    }

    /// Return a matcher of some platforms, of which the first is wanted most.
    static platform_matcher ordered(std::span<platform const> ps, platform host = tarexport::host_platform());

    /// Return a matcher of some platforms, all wanted alike.
    static platform_matcher any(std::span<platform const> ps, platform host = tarexport::host_platform())
    {
        auto m = ordered(ps, std::move(host));
        m.alike_ = true;
        return m;
    }

    /// Return a matcher of everything.
    static platform_matcher all() { return platform_matcher({}); }

    /// Return how much a platform is wanted, 0 being most; nothing if it does not match.
    std::optional<std::uint64_t> rank(platform const& p) const;

    /// Return whether a platform matches.
    bool matches(platform const& p) const { return rank(p).has_value(); }

    /// Return whether one platform is wanted more than another.
    bool prefers(platform const& a, platform const& b) const
    {
        auto const x = rank(a), y = rank(b);
        return x && (!y || *x < *y);
    }

    /// Return the index of the platform that is wanted most, the first of equals; nothing if none matches.
    std::optional<std::size_t> best(std::span<platform const> candidates) const;

private:
    // Either one variant, or all from `v<newest>` down to `v<oldest>`, each wanted less than the one before.
    struct rung {
        std::string os;
        std::string architecture;
        std::string variant;
        std::int64_t newest = 0;
        std::int64_t oldest = 0;

        std::uint64_t size() const noexcept
        {
            return newest == 0 ? 1 : static_cast<std::uint64_t>(newest - oldest) + 1;
        }
        std::optional<std::uint64_t> place_of(platform const& normalized) const;
    };

    explicit platform_matcher(platform host) : host_(std::move(host)) {}

    void add(platform const& p);
    void add_older(platform const& p, std::string_view variant, std::int64_t oldest);

    platform host_;
    std::vector<rung> rungs_;
    bool everything_ = true;
    bool alike_ = false;
};

namespace detail {

// The number in `v3` or `3`, with an optional sign, as Go's strconv.Atoi reads it.
inline std::optional<std::int64_t> variant_number(std::string_view variant) noexcept
{
    if(variant.starts_with('v'))
        variant.remove_prefix(1);
    // from_chars knows no plus sign
    if(variant.starts_with('+') && variant.size() > 1 && variant[1] != '-')
        variant.remove_prefix(1);
    std::int64_t n = 0;
    auto const [end, ec] = std::from_chars(variant.data(), variant.data() + variant.size(), n);
    if(ec != std::errc() || end != variant.data() + variant.size())
        return std::nullopt;
    return n;
}

} // namespace detail

inline void platform_matcher::add(platform const& p)
{
    auto n = tarexport::normalize(p, host_);
    rungs_.push_back({std::move(n.os), std::move(n.architecture), std::move(n.variant)});
}

// The range is kept as its ends, since a hostile variant may be as large as an integer.
inline void platform_matcher::add_older(platform const& p, std::string_view variant, std::int64_t oldest)
{
    auto const n = detail::variant_number(variant);
    if(n && *n > oldest)
        rungs_.push_back({p.os, p.architecture, {}, *n - 1, oldest});
}

inline platform_matcher platform_matcher::ordered(std::span<platform const> ps, platform host)
{
    platform_matcher m(std::move(host));
    m.everything_ = false;
    for(auto const& p : ps)
        m.add(p);
    return m;
}

inline platform_matcher platform_matcher::only(platform const& p, platform host)
{
    auto const n = tarexport::normalize(p, host);
    auto m = ordered({&n, 1}, std::move(host));
    if(n.architecture == "amd64") {
        m.add_older(n, n.variant, 1);
        m.add({n.os, "386", {}, {}, {}});
    }
    else if(n.architecture == "arm") {
        m.add_older(n, n.variant, 5);
    }
    else if(n.architecture == "arm64") {
        platform const arm{n.os, "arm", n.variant.empty() ? "v8" : n.variant, {}, {}};
        m.add(arm);
        m.add_older(arm, arm.variant, 5);
    }
    return m;
}

inline std::optional<std::uint64_t> platform_matcher::rung::place_of(platform const& normalized) const
{
    if(normalized.os != os || normalized.architecture != architecture)
        return std::nullopt;
    if(newest == 0)
        return normalized.variant == variant ? std::optional<std::uint64_t>(0) : std::nullopt;
    // The first version of amd64 goes without saying.
    bool const first = architecture == "amd64" && normalized.variant.empty();
    auto const n = first ? 1 : detail::variant_number(normalized.variant);
    if(!n || *n < oldest || *n > newest || (!first && normalized.variant != "v" + std::to_string(*n)))
        return std::nullopt;
    return static_cast<std::uint64_t>(newest - *n);
}

inline std::optional<std::uint64_t> platform_matcher::rank(platform const& p) const
{
    if(everything_)
        return 0;
    auto const normalized = tarexport::normalize(p, host_);
    std::uint64_t before = 0;
    for(auto const& r : rungs_) {
        if(auto const place = r.place_of(normalized))
            return alike_ ? 0 : before + *place;
        before += r.size();
    }
    return std::nullopt;
}

inline std::optional<std::size_t> platform_matcher::best(std::span<platform const> candidates) const
{
    std::optional<std::size_t> best;
    std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
    for(std::size_t i = 0; i != candidates.size(); ++i) {
        auto const r = rank(candidates[i]);
        if(r && *r < least) {
            best = i;
            least = *r;
        }
    }
    return best;
}

} // namespace tarexport

#endif
