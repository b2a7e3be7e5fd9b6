//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Random plans, random ranges, random answers: the bytes are a part of the whole archive, or the save fails; it always ends.

#include "../unit/script.hpp"

#include <cstdint>
#include <cstdlib>

using namespace tarexport;

namespace {

class random_input {
public:
    random_input(std::uint8_t const* data, std::size_t size) : rest_(data, size) {}

    std::size_t below(std::size_t n)
    {
        std::size_t value = 0;
        for(int i = 0; i != 2 && !rest_.empty(); ++i) {
            value = value << 8 | rest_.front();
            rest_ = rest_.subspan(1);
        }
        return value % n;
    }

private:
    std::span<std::uint8_t const> rest_;
};

void require(bool ok)
{
    if(!ok)
        std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    random_input in(data, size);
    std::vector<std::pair<std::string, std::string>> entries;
    for(auto n = in.below(8); n != 0; --n) {
        char const* const kinds[] = {"L", "d", "e"};
        auto const kind = in.below(3);
        auto const length = in.below(4) == 0 ? in.below(9000) : in.below(600);
        entries.emplace_back(kinds[kind] + std::to_string(n) + (kind == 1 ? "/" : ""), kind == 1 ? "" : std::string(length, 'x'));
    }
    auto const p = script::make_plan(entries);
    auto const whole = script::archive_of(entries);
    require(p.size() == whole.size());
    auto layers = script::layers_of(entries);
    bool const lie = !layers.empty() && in.below(4) == 0;
    if(lie)
        layers[in.below(layers.size())].append(in.below(3), 'y');
    script::behaviour how;
    how.sink_limit = in.below(2000) + 1;
    how.read_limit = in.below(2000) + 1;
    how.extents = in.below(2) == 1;
    if(in.below(3) == 0) {
        how.fail_at = in.below(60);
        how.only_where_allowed = true;
    }
    byte_range range{in.below(whole.size() + 1), 0};
    range.last = range.first + in.below(whole.size() - range.first + 1);
    if(in.below(3) == 0)
        range = {};
    verify const verifications[] = {verify::never, verify::covered, verify::whole};
    auto const out = script::run(p, layers, how, range, verifications[in.below(3)]);
    auto const last = std::min<std::uint64_t>(range.last, whole.size());
    if(out.report.ok())
        require(out.bytes == whole.substr(range.first, last - range.first));
    else
        require(out.report.reason.code.failed());
    if(!lie)
        require(out.bytes == whole.substr(range.first, out.bytes.size()));
    require(out.report.bytes == out.bytes.size());
    return 0;
}
