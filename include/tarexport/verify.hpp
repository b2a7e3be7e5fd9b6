//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_VERIFY_HPP
#define TAREXPORT_VERIFY_HPP

#include <tarexport/chain_id.hpp>
#include <tarexport/detail/verify_facts.hpp>
#include <tarexport/detail/verify_images.hpp>
#include <tarexport/detail/verify_model.hpp>
#include <tarexport/detail/verify_pass.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/digest_set.hpp>
#include <tarexport/error.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/observer.hpp>
#include <tarexport/verdicts.hpp>
#include <tarexport/verification.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tarexport {

namespace detail {

// Adds the diff IDs of layers whose chain IDs are had.
inline std::optional<digest_set> with_layers_of_chains(std::optional<digest_set> have, std::vector<verified_image> const& images)
{
    if(have)
        for(auto const& i : images) {
            std::vector<std::string> diff_ids;
            for(auto const& l : i.layers)
                diff_ids.push_back(l.diff_id);
            auto const chains = tarexport::chain_ids(diff_ids);
            for(std::size_t n = 0; n != chains.size(); ++n) {
                auto const chain = tarexport::parse_digest(chains[n]), layer = tarexport::parse_digest(diff_ids[n]);
                if(chain && layer && have->contains(*chain))
                    have->insert(*layer);
            }
        }
    return have;
}

} // namespace detail

/** Read an archive of images once, and tell all that is wrong with it and who can load it.

    Takes what `docker save` of any version, podman, skopeo and containerd write, OCI image layouts and thin archives; plain, or
    compressed as a whole with gzip, zstd or bzip2. Every byte is hashed, and every layer is decompressed and compared with its
    diff ID, as it passes: so a pipe will do. Memory does not depend on the archive's size; documents beyond
    `verify_options::memory` go to a temporary file without a name.

    The name is not `verify`, which is what writing does with the layers it reads (`write_options::verification`).

    @par Example
    @code
    auto const found = verify_archive(source, {});
    if(found && !found->good())
        for(auto const& f : found->findings)
            std::cerr << f.subject << ": " << f.sentence << '\n';
    @endcode

    @par Exception Safety
    Throws only `std::bad_alloc`, and what the source throws.

    With `verify_options::jobs` of more than 1, a source is read in a thread of its own, a few buffers ahead; and a `positional_source`, a file say, whose
    bytes are not compressed as a whole is read at several places at once: large entries are hashed side by side. What is found does
    not depend on the number of threads.

    @param source The archive's bytes, from the first on. It is read to its end.
    @param observer Told of each entry when it begins (`entry_begun`) and when it was hashed (`entry_done`), in the calling thread. Large
    entries of a positional source may be done later than what follows them.
    @return What was found out. A bad archive is no failure; one of the source, or of the temporary file, is.
*/
template<layer_source Source, observer Observer>
result<verification> verify_archive(Source& source, verify_options const& options, Observer& observer)
{
    verification v;
    detail::finding_list findings(v, options.findings);
    auto const facts = detail::archive_pass<Source, Observer>(source, options, observer, v, findings).run();
    if(!facts)
        return facts.error();
    detail::model_reader reader(*facts, findings);
    if(auto done = reader.run(); !done)
        return done.error();
    auto& model = reader.model();
    detail::image_check(*facts, model, findings, v).run();
    auto const have = detail::with_layers_of_chains(options.have, v.images);
    v.verdicts = detail::rule_all(*facts, model, options.host, have);
    if(facts->is_spent()) {
        findings.error(finding_code::limit, "archive", "its links lead through too many paths: what is said to be missing may be there");
        for(auto& verdict : v.verdicts)
            verdict = {verdict.who, answer::unknown, "too many links to follow"};
    }
    detail::note_left_out(model.left_out, have, findings);
    v.needed = std::move(model.left_out);
    return v;
}

/// As above, without an observer.
template<layer_source Source>
result<verification> verify_archive(Source& source, verify_options const& options = {})
{
    no_observer nobody;
    return tarexport::verify_archive(source, options, nobody);
}

} // namespace tarexport

#endif
