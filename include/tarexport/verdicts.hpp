//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_VERDICTS_HPP
#define TAREXPORT_VERDICTS_HPP

#include <tarexport/detail/rule_containerd.hpp>
#include <tarexport/detail/rule_docker.hpp>
#include <tarexport/detail/rule_podman.hpp>
#include <tarexport/detail/verify_facts.hpp>
#include <tarexport/detail/verify_model.hpp>
#include <tarexport/digest_set.hpp>
#include <tarexport/platform.hpp>
#include <tarexport/verification.hpp>

#include <optional>
#include <vector>

// What each loader makes of an archive: a header for those of one origin, a function for each, one line for each rule, in the order in which the loader comes to it.
// doc/verify.md tells which of them real engines have confirmed.

namespace tarexport::detail {

/// Return what every loader makes of an archive.
inline std::vector<verdict> rule_all(
    archive_facts const& f, archive_model const& m, platform const& host, std::optional<digest_set> const& have)
{
    return {rule_docker(f, m, loader::docker_24, have), rule_docker(f, m, loader::docker_28, have),
        rule_containerd(f, m, loader::containerd_store, host, have), rule_podman(f, m, host, have), rule_skopeo_docker(f, m),
        rule_skopeo_oci(f, m, host), rule_containerd(f, m, loader::ctr, host, have)};
}

} // namespace tarexport::detail

#endif
