//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_CAUGHT_HPP
#define TAREXPORT_DETAIL_CAUGHT_HPP

#include <tarexport/error.hpp>

#include <boost/system/errc.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <new>

namespace tarexport::detail {

/// Return the exception that is being handled as a failure, for those who cannot let it pass.
inline failure caught() noexcept
{
    try {
        try {
            throw;
        }
        catch(save_error const& e) {
            return e.reason();
        }
        catch(boost::system::system_error const& e) {
            return {e.code(), {}, {}};
        }
        catch(std::bad_alloc const&) {
            throw;
        }
        catch(std::exception const& e) {
            return {error::exception_thrown, {}, e.what()};
        }
        catch(...) {
            return {error::exception_thrown, {}, {}};
        }
    }
    catch(...) {
        return {make_error_code(boost::system::errc::not_enough_memory), {}, {}};
    }
}

} // namespace tarexport::detail

#endif
