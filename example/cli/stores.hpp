//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_CLI_STORES_HPP
#define TAREXPORT_CLI_STORES_HPP

#include <tarexport/error.hpp>
#include <tarexport/store/archive.hpp>
#include <tarexport/store/containers.hpp>
#include <tarexport/store/docker.hpp>
#include <tarexport/store/oci_layout.hpp>

#include <boost/program_options/variables_map.hpp>

#include <string>
#include <variant>
#include <vector>

// The stores that the tool was compiled for.

namespace cli {

using any_store =
    std::variant<tarexport::docker_store, tarexport::containers_store, tarexport::oci_layout_store, tarexport::archive_store>;

/// What the commands' help says of `--store`.
inline constexpr char store_help[] =
    "the store: docker:[DATA_ROOT], containers:[GRAPH_ROOT], either with ?driver=NAME; oci:DIR, archive:FILE or archive:-, each "
    "with ?name=REPOSITORY (default: the first of docker:, containers: and the sample images that can be read)";

/// A store, and what a user would write to open it again.
struct opened_store {
    any_store store;
    std::string url;
};

/** Open the store of `--store`, or the first one that is on this machine, and say on standard error which.

    @throws usage_error, tarexport::save_error
*/
opened_store open_store(boost::program_options::variables_map const& values);

/// Open the store that a text is the URL of, or the archive or layout that it is the path of. @throws usage_error, tarexport::save_error
opened_store open_source(std::string const& text);

/// Return whether a text says which kind of store it means.
bool is_store_url(std::string_view text);

/// Return the tags of a store that are no names for want of a repository.
std::vector<std::string> bare_tags(any_store const& store);

/// Return why something failed as a whole sentence; where a name was not found, with the command that lists those that there are.
std::string sentence(opened_store const& from, tarexport::failure const& why);

} // namespace cli

#endif
