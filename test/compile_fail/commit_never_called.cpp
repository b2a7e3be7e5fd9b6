// expect: committing_sink: write `void commit\(error_code&\)` and `void abort\(\) noexcept`
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A sink whose commit would never be called, because its abort might throw.

#include "own_store.hpp"

namespace own {

struct own_sink {
    std::size_t write_some(bytes_view bytes, error_code&) { return bytes.size(); }
    void commit(error_code&) {}
#ifdef FIXED
    void abort() noexcept {}
#else
    void abort() {}
#endif
};

struct own_store : images, references, layers<handle> {};

} // namespace own

int main()
{
    own::own_store const store{};
    own::own_sink out;
    tarexport::save(store, tarexport::names("app:1.0"), out);
}
