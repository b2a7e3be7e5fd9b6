//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_CLI_COMPRESS_HPP
#define TAREXPORT_CLI_COMPRESS_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/error.hpp>
#include <tarexport/sink/compressed.hpp>
#include <tarexport/sink/fd.hpp>
#include <tarexport/sink/file.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <variant>

namespace cli {

/// A file or standard output, for what is compressed on its way: one type, since each sink costs compile time with each store.
class any_output {
public:
    explicit any_output(tarexport::fd_sink out) : out_(std::move(out)) {}
    explicit any_output(tarexport::file_sink out) : out_(std::move(out)) {}

    std::size_t write_some(tarexport::bytes_view bytes, tarexport::error_code& ec)
    {
        return std::visit([&](auto& out) { return out.write_some(bytes, ec); }, out_);
    }

    void commit(tarexport::error_code& ec)
    {
        ec.clear();
        if(auto* const file = std::get_if<tarexport::file_sink>(&out_))
            file->commit(ec);
    }

    void abort() noexcept
    {
        if(auto* const file = std::get_if<tarexport::file_sink>(&out_))
            file->abort();
    }

    std::string subject() const
    {
        return std::visit([](auto const& out) { return out.subject(); }, out_);
    }

private:
    std::variant<tarexport::fd_sink, tarexport::file_sink> out_;
};

using compressed_output = tarexport::compressed_sink<any_output>;

} // namespace cli

#endif
