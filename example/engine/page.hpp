//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_PAGE_HPP
#define TAREXPORT_ENGINE_PAGE_HPP

namespace engine {

/// The page at `/`.
inline constexpr char page[] = "<!doctype html>\n<title>tarexport</title>\n<p>The images are at <a href=\"/images/json\">/images/json</a>.\n";

} // namespace engine

#endif
