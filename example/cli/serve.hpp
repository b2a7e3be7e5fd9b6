//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_CLI_SERVE_HPP
#define TAREXPORT_CLI_SERVE_HPP

#include "../engine/api.hpp"
#include "stores.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

// The answers of `serve` from one kind of store. Each kind is compiled in a file of its own.

namespace cli {

/// Return the files that change when the names of a store do.
std::vector<std::string> watched_files(opened_store const& from);

/// Return the store of a URL as it is now, or why it cannot be read.
tarexport::result<any_store> open_again(std::string const& url);

/** Return what answers from a store.

    @param first The store, where it need not be opened again for a start: that of an archive takes long, and standard input can
    be read only once.
*/
template<class Store>
std::unique_ptr<engine::service> make_service(Store const& first, opened_store const& from, engine::api_options options)
{
    auto open = [store = std::optional<Store>(first), url = from.url]() mutable -> tarexport::result<Store> {
        if(store)
            return *std::exchange(store, std::nullopt);
        auto again = open_again(url);
        if(!again)
            return again.error();
        return std::get<Store>(*std::move(again));
    };
    return std::make_unique<engine::api<Store>>(std::move(open), watched_files(from), std::move(options));
}

extern template std::unique_ptr<engine::service> make_service(tarexport::docker_store const&, opened_store const&, engine::api_options);
extern template std::unique_ptr<engine::service> make_service(tarexport::containers_store const&, opened_store const&, engine::api_options);
extern template std::unique_ptr<engine::service> make_service(tarexport::oci_layout_store const&, opened_store const&, engine::api_options);
extern template std::unique_ptr<engine::service> make_service(tarexport::archive_store const&, opened_store const&, engine::api_options);

} // namespace cli

#endif
