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
#include <tarexport/platform.hpp>
#include <tarexport/platform_matcher.hpp>
#include <tarexport/verification.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport::detail {

/// Collects the answer of one loader. The first `no` is the reason; a `depends` stands only where there is no `no`.
class ruling {
public:
    ruling(loader who, std::optional<digest_set> const& have) : verdict_{who, answer::yes, {}}, have_(have) {}

    answer loads() const noexcept { return verdict_.loads; }
    bool failed() const noexcept { return verdict_.loads == answer::no; }

    /// @return Whether the loader has failed by now.
    bool no(bool when, std::string_view reason)
    {
        if(when && !failed()) {
            verdict_.loads = answer::no;
            verdict_.reason = reason.substr(0, 400);
        }
        return failed();
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
