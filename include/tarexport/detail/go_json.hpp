//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_GO_JSON_HPP
#define TAREXPORT_DETAIL_GO_JSON_HPP

#include <tarexport/detail/go_json_decode.hpp>
#include <tarexport/detail/go_json_read.hpp>
#include <tarexport/detail/go_json_write.hpp>

#endif
