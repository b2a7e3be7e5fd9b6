// expect: committing_sink: write `void commit\(error_code&\)` and `void abort\(\) noexcept`
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A sink whose abort would never be called, because it has no commit.

#include "own_store.hpp"

namespace own {

struct own_sink {
    std::size_t write_some(bytes_view bytes, error_code&) { return bytes.size(); }
    void abort() noexcept {}
#ifdef FIXED
    void commit(error_code&) {}
#endif
};

} // namespace own

int main()
{
    tarexport::plan const p;
    std::vector<own::handle> const leases;
    own::own_sink out;
    tarexport::no_observer nobody;
    tarexport::write(p, std::span(leases), out, {}, nobody);
}
