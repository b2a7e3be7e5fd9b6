//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include "serve.hpp"

namespace cli {

template std::unique_ptr<engine::service> make_service(tarexport::archive_store const&, opened_store const&, engine::api_options);

} // namespace cli
