//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Whatever a client asks for: its target, its conditions and ranges, its filters. What is found lies within the bounds.

#include "../../example/engine/archive_reply.hpp"
#include "../../example/engine/filters.hpp"
#include "../../example/engine/fixed_replies.hpp"
#include "../../example/engine/listen_address.hpp"
#include "../../example/engine/range.hpp"
#include "../../example/engine/replies.hpp"
#include "../../example/engine/target.hpp"
#include "../../example/engine/url.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

static void require(bool ok)
{
    if(!ok)
        std::abort();
}

// Takes a field off the front of the input: all up to the next zero byte.
static std::string_view take(std::string_view& rest)
{
    auto const field = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(rest.size(), field.size() + 1));
    return field;
}

static void try_target(std::string_view text)
{
    auto const t = engine::parse_target(text);
    if(!t)
        return;
    std::size_t bytes = t->name.size();
    for(auto const& [key, value] : t->query)
        bytes += key.size() + value.size();
    require(bytes <= text.size());
    require(t->where == engine::route::archive || t->where == engine::route::image || t->where == engine::route::history || t->name.empty());
    (void)engine::fixed_reply(*t);
    (void)engine::names_of(*t);
    for(auto const& name : engine::names_of(*t))
        (void)engine::invalid_name(name);
    (void)engine::parse_filters(engine::parameter(*t, "filters").value_or(text));
}

static void try_range(engine::request const& asked, std::uint64_t size)
{
    auto const w = engine::parse_range(asked.range, size);
    if(w.answer == engine::range_answer::part)
        require(w.bytes.first < w.bytes.last && w.bytes.last <= size);
    auto const a = engine::begin_archive(asked, "\"sha256:00\"", size);
    auto const status = a.start.status;
    require(status == 200 || status == 206 || status == 304 || status == 412 || status == 416);
    require(a.bytes.has_value() == (status == 200 || status == 206));
    if(a.bytes)
        require(a.bytes->first <= a.bytes->last && a.bytes->last <= size && a.start.size == a.bytes->last - a.bytes->first);
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view rest(reinterpret_cast<char const*>(data), size);
    try_target(take(rest));
    engine::request asked;
    asked.range = take(rest);
    asked.if_range = take(rest);
    asked.if_match = take(rest);
    asked.if_none_match = take(rest);
    (void)engine::is_local_host(rest);
    (void)engine::parse_listen_address(rest);
    if(auto const u = engine::parse_url(rest))
        require(u->target.starts_with('/') && u->target.find_first_of(" \r\n") == std::string::npos);
    for(auto const n : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1024}, std::uint64_t{1} << 40, UINT64_MAX})
        try_range(asked, n);
    return 0;
}
