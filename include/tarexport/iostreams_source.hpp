//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_IOSTREAMS_SOURCE_HPP
#define TAREXPORT_IOSTREAMS_SOURCE_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/error.hpp>
#include <tarexport/layer.hpp>

#include <boost/iostreams/categories.hpp>
#include <boost/throw_exception.hpp>

#include <cstddef>
#include <ios>
#include <span>

namespace tarexport {

/** A Source of Boost.Iostreams that pulls an archive (an `archive_reader`), or a layer, when its bytes are asked for.

    An error is thrown, as `save_error`; a stream of the standard library over it swallows that, and goes bad without an end of file, unless its
    `exceptions` say otherwise: ask `bad()`, or the archive's report, before what was read is taken for whole.

    Borrows the source. Copies read on in the same place.
*/
template<layer_source S>
class iostreams_source {
public:
    using char_type = char;
    using category = boost::iostreams::source_tag;

    /// Construct for a source that outlives this object.
    explicit iostreams_source(S& s) : source_(&s) {}

    /// Read 1 to `n` bytes. @return How many; -1 at the end. @throws save_error
    std::streamsize read(char* into, std::streamsize n)
    {
        error_code ec;
        auto const got = source_->read_some(std::as_writable_bytes(std::span(into, static_cast<std::size_t>(n))), ec);
        if(got != 0)
            return static_cast<std::streamsize>(got);
        if(ec.failed())
            boost::throw_exception(save_error(why(ec)));
        return -1;
    }

private:
    failure why(error_code const& ec) const
    {
        if constexpr(has_reason<S>)
            return source_->reason();
        else
            return {ec, detail::subject_of(*source_, "source"), {}};
    }

    S* source_;
};

} // namespace tarexport

#endif
