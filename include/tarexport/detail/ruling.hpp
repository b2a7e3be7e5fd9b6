//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_RULING_HPP
#define TAREXPORT_DETAIL_RULING_HPP

#include <tarexport/detail/clean_path.hpp>
#include <tarexport/detail/verify_facts.hpp>
#include <tarexport/detail/verify_model.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/digest_set.hpp>
#include <tarexport/error.hpp>
#include <tarexport/platform.hpp>
#include <tarexport/platform_matcher.hpp>
#include <tarexport/verification.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport::detail {

/// Collects the answer of one loader. The first `no` or `unknown` is the reason; a `depends` stands only where there is none.
class ruling {
public:
    ruling(loader who, std::optional<digest_set> const& have) : verdict_{who, answer::yes, {}}, have_(have) {}

    answer loads() const noexcept { return verdict_.loads; }
    bool failed() const noexcept { return verdict_.loads == answer::no || verdict_.loads == answer::unknown; }

    /// @return Whether the loader has failed by now, or nobody knows.
    bool no(bool when, std::string_view reason) { return !when || failed() ? failed() : end(answer::no, reason); }

    /// Something that the loader needs is beyond what is read. @return As `no`.
    bool unknown(bool when, std::string_view reason) { return !when || failed() ? failed() : end(answer::unknown, reason); }

    /// Something that the loader needs could not be read, if there is a reason. @return As `no`.
    bool unread(std::optional<failure> const& why, std::string_view reason)
    {
        return why && why->code == error::limit_exceeded ? unknown(true, reason) : no(why.has_value(), reason);
    }

    /// Something is wrong with what the loader needs, if there is a sentence. @return As `no`.
    bool found(finding_code code, std::string_view sentence)
    {
        return code == finding_code::limit ? unknown(!sentence.empty(), sentence) : no(!sentence.empty(), sentence);
    }

    void depends(std::string_view reason)
    {
        if(!failed()) {
            verdict_.loads = answer::depends;
            verdict_.reason = reason;
        }
    }

    void remark(std::string_view reason)
    {
        if(verdict_.loads == answer::yes)
            verdict_.reason = reason;
    }

    /// A layer that the archive leaves out, for a loader that does without those it has.
    void needs(digest const& id, std::string_view diff_id)
    {
        auto const d = tarexport::parse_digest(diff_id);
        bool const has = have_ && ((!id.empty() && have_->contains(id)) || (d && have_->contains(*d)));
        if(has)
            remark("with the layers that the other side has");
        else if(have_)
            no(true, "the other side does not have layer " + std::string(diff_id));
        else
            depends("only where it has the layers that the archive leaves out");
    }

    verdict take() && { return std::move(verdict_); }

private:
    bool end(answer a, std::string_view reason)
    {
        verdict_.loads = a;
        verdict_.reason = reason.substr(0, 400);
        return true;
    }

    verdict verdict_;
    std::optional<digest_set> const& have_;
};

inline bool leads_out(std::string_view path)
{
    auto const cleaned = detail::clean_path(path);
    return cleaned == ".." || cleaned.starts_with("../");
}

inline void rule_unpacking(ruling& r, archive_facts const& f)
{
    r.unknown(f.cut_short, "not all of the archive could be checked");
    r.no(f.fault.has_value(), f.packed_fault.empty() ? "the archive cannot be read to its end" : f.packed_fault);
}

/// What is taken of an index for a host; null if nothing is for it.
inline manifest_view const* choose(root_view const& root, platform const& host)
{
    if(!tarexport::media_type::is_index(root.where.media_type))
        return root.manifests.empty() ? nullptr : root.manifests.front();
    std::vector<platform> targets;
    std::vector<manifest_view const*> candidates;
    for(auto const* m : root.manifests)
        if(m->where.target || m->config) {
            targets.push_back(m->where.target ? *m->where.target : m->config->target);
            candidates.push_back(m);
        }
    auto const best = platform_matcher::only(host, host).best(targets);
    return best ? candidates[*best] : nullptr;
}

} // namespace tarexport::detail

#endif
