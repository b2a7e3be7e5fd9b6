//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_SERVICE_HPP
#define TAREXPORT_ENGINE_SERVICE_HPP

#include "target.hpp"

#include <tarexport/error.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

// What stands between the connections, which know nothing of images, and the stores, which know nothing of HTTP. The kind of store is
// forgotten here, so that the code for connections is compiled once.

namespace engine {

/// What a client asks for.
struct request {
    target what;
    bool head = false; ///< whether only how the answer begins is asked for
    std::string range;
    std::string if_range;
    std::string if_match;
    std::string if_none_match;
    std::string accept_encoding; ///< empty where the answer cannot come in chunks
    std::stop_token stop; ///< ends the search for an answer
};

/// Bytes that are read while they are sent.
class byte_stream {
public:
    virtual ~byte_stream() = default;

    /// Read some bytes. @return How many; 0 at the end, and on an error.
    virtual std::size_t read_some(std::span<std::byte> into, tarexport::error_code& ec) = 0;

    /// Return why the last one failed.
    virtual tarexport::failure reason() const = 0;
};

/// What a client gets.
struct reply {
    unsigned status = 200;
    std::string type = "application/json";
    std::vector<std::pair<std::string, std::string>> fields = {}; ///< further ones of the header
    std::string body = {};
    std::unique_ptr<byte_stream> bytes = {};                      ///< instead of the body
    std::uint64_t size = 0;                                       ///< of what `bytes` gives; of an archive whose bytes are not asked for
    bool chunked = false;                                         ///< nobody knows the size of what `bytes` gives
    std::string remark = {};                                      ///< for the log
};

/** Answers requests.

    @par Thread Safety
    Called from several threads at once. It may take its time.
*/
class service {
public:
    virtual ~service() = default;

    virtual reply answer(request const& asked) = 0;
};

} // namespace engine

#endif
