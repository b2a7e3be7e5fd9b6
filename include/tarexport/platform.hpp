//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_PLATFORM_HPP
#define TAREXPORT_PLATFORM_HPP

#include <tarexport/detail/clean_path.hpp>
#include <tarexport/detail/lower_case.hpp>
#include <tarexport/error.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace tarexport {

/** What an image runs on: `linux/arm/v7`.

    Plain data, as it stands in a config or an index; no spelling is implied. `normalize` gives the
    common spelling, and `platform_matcher` compares regardless of it.
    @see https://github.com/opencontainers/image-spec/blob/v1.1.0/image-index.md
*/
struct platform {
    std::string os;
    std::string architecture;
    std::string variant;
    std::string os_version;
    std::vector<std::string> os_features;

    friend bool operator==(platform const&, platform const&) = default;

    friend std::ostream& operator<<(std::ostream& os, platform const& p);
};

/// Return the platform that this program was compiled for, in the common spelling.
inline platform host_platform();

/// Why a text is no platform, in the order in which the checks are made.
enum class platform_fault {
    none,
    wildcard,      ///< Contains `*`.
    bad_os,        ///< The first part is not `os` or `os(version)`.
    bad_component, ///< Another part is empty or has a character other than letters, digits, `-` and `_`.
    unknown_word,  ///< A single word that is neither a known operating system nor a known architecture.
    too_many_parts ///< More than `os/architecture/variant`.
};

/// Return the sentence for a fault; empty for `none`.
constexpr char const* text(platform_fault f) noexcept
{
    switch(f) {
    case platform_fault::none: return "";
    case platform_fault::wildcard: return "wildcards are not supported";
    case platform_fault::bad_os: return "malformed operating system";
    case platform_fault::bad_component: return "malformed architecture or variant";
    case platform_fault::unknown_word: return "neither an operating system nor an architecture";
    case platform_fault::too_many_parts: return "more than three parts";
    }
    return "";
}

/// Return why a text is no platform, or `none`.
inline platform_fault check_platform(std::string_view text);

/** Parse `os[(version)][/architecture[/variant]]`, or a single architecture, as containerd does (platforms v0.2.1).

    Letters become lower case and aliases the common names (`x86_64` is `amd64`, `aarch64` is `arm64`, `armhf` is
    `arm/v7`, `macos` is `darwin`). A single word must be a known system or architecture; the host gives the rest.

    @param host What stands in for an operating system or architecture that is not written.
    @return The platform, or `invalid_platform`; the subject is the text, the detail that of the `platform_fault`.
*/
inline result<platform> parse_platform(std::string_view text, platform const& host = tarexport::host_platform());

/** Return a platform in the common spelling: lower case, no aliases, no variant that says nothing.

    `amd64/v1` becomes `amd64`, `arm64/v8` becomes `arm64`, and `arm` becomes `arm/v7`.

    @param host Its operating system takes the place of an empty one.
*/
inline platform normalize(platform p, platform const& host = tarexport::host_platform());

/** Return `os/architecture/variant`, without the parts that are empty; `unknown` without an operating system.

    As a path, so that elements `.` and `..`, which no sound platform has, are resolved.
*/
inline std::string format(platform const& p);

/// Return `os(version)/architecture/variant`, otherwise as `format`.
inline std::string format_all(platform const& p);

namespace detail {

constexpr char const* host_os() noexcept
{
#if defined(__ANDROID__)
    return "android";
#elif defined(__linux__)
    return "linux";
#elif defined(__APPLE__)
    return "darwin";
#elif defined(__FreeBSD__)
    return "freebsd";
#elif defined(__NetBSD__)
    return "netbsd";
#elif defined(__OpenBSD__)
    return "openbsd";
#elif defined(__DragonFly__)
    return "dragonfly";
#elif defined(__sun)
    return "solaris";
#elif defined(_AIX)
    return "aix";
#elif defined(_WIN32)
    return "windows";
#else
    return "unknown";
#endif
}

constexpr char const* host_architecture() noexcept
{
#if defined(__x86_64__) || defined(_M_X64)
    return "amd64";
#elif defined(__i386__) || defined(_M_IX86)
    return "386";
#elif defined(__aarch64__) || defined(_M_ARM64)
    return "arm64";
#elif defined(__arm__) || defined(_M_ARM)
    return "arm";
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
    return "ppc64le";
#elif defined(__powerpc64__)
    return "ppc64";
#elif defined(__s390x__)
    return "s390x";
#elif defined(__riscv) && __riscv_xlen == 64
    return "riscv64";
#elif defined(__loongarch64)
    return "loong64";
#elif defined(__mips64) && defined(__MIPSEL__)
    return "mips64le";
#elif defined(__mips64)
    return "mips64";
#elif defined(__mips__) && defined(__MIPSEL__)
    return "mipsle";
#elif defined(__mips__)
    return "mips";
#else
    return "unknown";
#endif
}

constexpr char const* host_variant() noexcept
{
#if defined(__arm__) && defined(__ARM_ARCH)
    switch(__ARM_ARCH) {
    case 5: return "v5";
    case 6: return "v6";
    case 7: return "v7";
    default: return __ARM_ARCH > 7 ? "v8" : "";
    }
#else
    return "";
#endif
}

constexpr bool is_known_os(std::string_view os) noexcept
{
    constexpr std::array<std::string_view, 17> known{"aix", "android", "darwin", "dragonfly", "freebsd", "hurd",
        "illumos", "ios", "js", "linux", "nacl", "netbsd", "openbsd", "plan9", "solaris", "windows", "zos"};
    return std::ranges::find(known, os) != known.end();
}

constexpr bool is_known_architecture(std::string_view architecture) noexcept
{
    constexpr std::array<std::string_view, 24> known{"386", "amd64", "amd64p32", "arm", "arm64", "arm64be", "armbe",
        "loong64", "mips", "mips64", "mips64le", "mips64p32", "mips64p32le", "mipsle", "ppc", "ppc64", "ppc64le",
        "riscv", "riscv64", "s390", "s390x", "sparc", "sparc64", "wasm"};
    return std::ranges::find(known, architecture) != known.end();
}

// [A-Za-z0-9_-]+
constexpr bool is_platform_word(std::string_view s) noexcept
{
    return !s.empty() && std::ranges::all_of(s, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

// The parts of a specifier as written; the fourth, if any, holds all that remains.
struct platform_parts {
    std::array<std::string_view, 4> part;
    std::size_t count = 0;

    explicit platform_parts(std::string_view text) noexcept
    {
        for(;;) {
            auto const slash = count + 1 == part.size() ? std::string_view::npos : text.find('/');
            part[count++] = text.substr(0, slash);
            if(slash == std::string_view::npos)
                return;
            text.remove_prefix(slash + 1);
        }
    }

    std::string_view os() const noexcept { return part[0].substr(0, part[0].find('(')); }

    // What stands in the parentheses, which `is_os` has seen to be the last character.
    std::string_view os_version() const noexcept
    {
        auto const open = part[0].find('(');
        if(open == std::string_view::npos)
            return {};
        return part[0].substr(open + 1, part[0].size() - open - 2);
    }

    // [A-Za-z0-9_-]+(\([A-Za-z0-9_.-]*\))?
    bool is_os() const noexcept
    {
        auto const open = part[0].find('(');
        if(!detail::is_platform_word(os()))
            return false;
        if(open == std::string_view::npos)
            return true;
        return part[0].size() - open >= 2 && part[0].back() == ')' &&
               std::ranges::all_of(os_version(), [](char c) { return c == '.' || detail::is_platform_word({&c, 1}); });
    }
};

inline std::string normalized_os(std::string_view os, platform const& host)
{
    if(os.empty())
        return host.os;
    auto lower = detail::to_lower(os);
    if(lower == "macos")
        return "darwin";
    return lower;
}

// Architecture and variant in the common spelling.
inline std::pair<std::string, std::string> normalized_architecture(
    std::string_view architecture, std::string_view variant)
{
    auto a = detail::to_lower(architecture), v = detail::to_lower(variant);
    if(a == "i386")
        return {"386", ""};
    if(a == "x86_64" || a == "x86-64" || a == "amd64")
        return {"amd64", v == "v1" ? "" : std::move(v)};
    if(a == "aarch64" || a == "arm64")
        return {"arm64", v == "8" || v == "v8" ? "" : std::move(v)};
    if(a == "armhf")
        return {"arm", "v7"};
    if(a == "armel")
        return {"arm", "v6"};
    if(a == "arm") {
        if(v.empty())
            return {"arm", "v7"};
        if(v.size() == 1 && v[0] >= '5' && v[0] <= '8')
            v.insert(0, 1, 'v');
    }
    return {std::move(a), std::move(v)};
}

inline platform_fault check(platform_parts const& parts)
{
    if(!parts.is_os())
        return platform_fault::bad_os;
    for(std::size_t i = 1; i != parts.count; ++i)
        if(!detail::is_platform_word(parts.part[i]))
            return platform_fault::bad_component;
    if(parts.count > 3)
        return platform_fault::too_many_parts;
    if(parts.count == 1 && !detail::is_known_os(detail::normalized_os(parts.os(), {})) &&
        !detail::is_known_architecture(detail::normalized_architecture(parts.part[0], {}).first))
        return platform_fault::unknown_word;
    return platform_fault::none;
}

inline platform platform_of_word(platform_parts const& parts, platform const& host)
{
    platform p;
    p.os = detail::normalized_os(parts.os(), host);
    if(detail::is_known_os(p.os)) {
        p.os_version = parts.os_version();
        p.architecture = host.architecture;
        if(host.architecture == "arm" && host.variant != "v7")
            p.variant = host.variant;
        return p;
    }
    p.os = host.os;
    std::tie(p.architecture, p.variant) = detail::normalized_architecture(parts.part[0], {});
    return p;
}

inline std::string joined(std::string os, platform const& p)
{
    return detail::clean_path(std::move(os) + "/" + p.architecture + "/" + p.variant);
}

} // namespace detail

inline platform host_platform()
{
    return {detail::host_os(), detail::host_architecture(), detail::host_variant(), {}, {}};
}

inline platform_fault check_platform(std::string_view text)
{
    if(text.find('*') != std::string_view::npos)
        return platform_fault::wildcard;
    return detail::check(detail::platform_parts(text));
}

inline result<platform> parse_platform(std::string_view text, platform const& host)
{
    if(auto const fault = tarexport::check_platform(text); fault != platform_fault::none)
        return failure{error::invalid_platform, std::string(text), tarexport::text(fault)};
    detail::platform_parts const parts(text);
    platform p;
    if(parts.count == 1) {
        p = detail::platform_of_word(parts, host);
    }
    else {
        p.os = detail::normalized_os(parts.os(), host);
        p.os_version = parts.os_version();
        std::tie(p.architecture, p.variant) = detail::normalized_architecture(parts.part[1], parts.part[2]);
    }
    // A variant that was written stays, one that was not is left open.
    if(parts.count == 3) {
        if(p.architecture == "arm64" && p.variant.empty())
            p.variant = "v8";
    }
    else if(p.architecture == "arm" && p.variant == "v7") {
        p.variant.clear();
    }
    return p;
}

inline platform normalize(platform p, platform const& host)
{
    p.os = detail::normalized_os(p.os, host);
    std::tie(p.architecture, p.variant) = detail::normalized_architecture(p.architecture, p.variant);
    return p;
}

inline std::string format(platform const& p)
{
    return p.os.empty() ? "unknown" : detail::joined(p.os, p);
}

inline std::string format_all(platform const& p)
{
    if(p.os.empty() || p.os_version.empty())
        return tarexport::format(p);
    return detail::joined(p.os + "(" + p.os_version + ")", p);
}

inline std::ostream& operator<<(std::ostream& os, platform const& p)
{
    return os << tarexport::format_all(p);
}

} // namespace tarexport

#endif
