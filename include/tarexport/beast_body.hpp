//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_BEAST_BODY_HPP
#define TAREXPORT_BEAST_BODY_HPP

#include <tarexport/archive_reader.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/layer.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/optional/optional.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace tarexport {

/** A body for the HTTP messages of Beast: an archive, or a range of one, that is read while the message is written.

    `prepare_payload()` sets the exact `Content-Length`. Nothing is copied on its way from layer to stream but what the layer's source
    copies, and large layers that are read ahead (`write_options::jobs`). The thread that writes the message reads the others, and may
    have to wait for any.

    Where a layer fails, writing the message does, with the reason's code: less was sent than the length that was promised, and the
    connection is to be closed. `message.body().reason()` tells more.

    @par Example
    @code
    namespace http = boost::beast::http;
    http::response<tarexport::archive_body<handle>> response(
        http::status::ok, 11, tarexport::archive_reader<handle>(archive));
    response.set(http::field::content_type, "application/x-tar");
    response.prepare_payload();
    http::async_write(stream, response, token);
    @endcode
*/
template<layer_handle Handle, class Hashes = hash_set<sha256, sha384, sha512>>
struct archive_body {
    /// What a message holds: moves, and is read once.
    using value_type = archive_reader<Handle, Hashes>;

    /// Return the length of the message's body.
    static std::uint64_t size(value_type const& body) noexcept { return body.size(); }

    /// What Beast writes a message with.
    class writer {
    public:
        using const_buffers_type = boost::asio::const_buffer;

        template<bool IsRequest, class Fields>
        writer(boost::beast::http::header<IsRequest, Fields> const&, value_type& body) : body_(body), left_(body.size())
        {
        }

        void init(error_code& ec)
        {
            // Where there is no such range, nothing was promised that could be missed.
            ec = body_.reason().code;
        }

        boost::optional<std::pair<const_buffers_type, bool>> get(error_code& ec)
        {
            auto const bytes = body_.borrow_some(most, ec);
            left_ -= bytes.size();
            if(bytes.empty())
                return boost::none;
            return std::pair(const_buffers_type(bytes.data(), bytes.size()), left_ != 0);
        }

    private:
        static constexpr std::size_t most = std::size_t{1} << 20; // more than layers are read at once

        value_type& body_;
        std::uint64_t left_;
    };
};

} // namespace tarexport

#endif
