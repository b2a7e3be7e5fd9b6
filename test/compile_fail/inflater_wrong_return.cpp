// expect first: inflater: write `inflate_status inflate\(bytes_view& in, std::span<std::byte>& out\)`
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// An inflater that answers with a bool.

#include "own_store.hpp"

#include <tarexport/store/expanded.hpp>

namespace own {

struct inflater {
#ifdef FIXED
    inflate_status inflate(bytes_view&, std::span<std::byte>&) { return inflate_status::damaged; }
#else
    bool inflate(bytes_view&, std::span<std::byte>&) { return false; }
#endif
};

struct own_store : images, references, layers<handle> {};

} // namespace own

int main()
{
    own::own_store const store{};
    tarexport::memory_sink out;
    tarexport::save(tarexport::expanded<own::inflater>(store), tarexport::names("app:1.0"), out);
}
