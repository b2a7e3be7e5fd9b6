//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_OCI_ROOTS_HPP
#define TAREXPORT_DETAIL_OCI_ROOTS_HPP

#include <tarexport/content.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/detail/content_walk.hpp>
#include <tarexport/detail/oci_folder.hpp>
#include <tarexport/detail/reference_grammar.hpp>
#include <tarexport/detail/short_list.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/platform.hpp>
#include <tarexport/reference.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tarexport::detail {

/// The entries of an index.json, found by their names.
class oci_roots {
public:
    /// Construct without entries.
    oci_roots() = default;

    /// Name entries. @return `invalid_reference` if `repository` is none.
    static result<oci_roots> make(std::vector<descriptor> entries, std::string const& repository)
    {
        auto named = detail::name_roots(std::move(entries), repository);
        if(!named)
            return named.error();
        oci_roots r;
        r.all_ = *std::move(named);
        r.has_repository_ = !repository.empty();
        for(std::size_t n = 0; n != r.all_.size(); ++n) {
            auto const& id = r.all_[n].entry.id;
            if(auto const& name = r.all_[n].name) {
                r.by_digest_[id].push_back(n);
                r.add(*name, n);
            }
            else
                r.unnamed_.emplace(id, n);
        }
        return r;
    }

    std::vector<oci_root> const& all() const noexcept { return all_; }

    /// Return the entries with a name, in their order.
    std::vector<descriptor const*> named(reference const& ref) const
    {
        std::vector<descriptor const*> found;
        if(auto const known = by_name_.find(ref.with_default_tag().str()); known != by_name_.end())
            for(auto const n : known->second)
                found.push_back(&all_[n].entry);
        return found;
    }

    /// Add the names of a repository.
    void add_names(reference const& repository, std::vector<reference>& names) const
    {
        if(auto const known = by_repository_.find(repository.name()); known != by_repository_.end())
            for(auto const n : known->second)
                names.push_back(*all_[n].name);
    }

    /// Return the one descriptor that was found. @return It, `unknown_reference` (with the detail given) or `ambiguous_reference`.
    static result<descriptor> only_one(
        std::vector<descriptor const*> const& found, reference const& ref, std::string instead = {})
    {
        if(found.empty())
            return failure{error::unknown_reference, std::string(ref.familiar()), std::move(instead)};
        auto const& first = *found.front();
        for(auto const* const d : found)
            if(d->id != first.id)
                return failure{error::ambiguous_reference, std::string(ref.familiar()), first.id.str() + ", " + d->id.str()};
        return first;
    }

    /// Find what a reference with a digest stands for: an entry, or one of the manifests that an index of its repository lists.
    template<content_store Store>
    result<descriptor> by_digest(Store const& store, reference const& ref) const
    {
        auto const id = ref.id();
        if(!id)
            return id.error();
        std::vector<std::size_t> numbers;
        if(auto const known = unnamed_.find(*id); known != unnamed_.end())
            numbers.push_back(known->second);
        auto const same = by_digest_.find(*id);
        auto const repository = by_repository_.find(ref.name());
        if(same != by_digest_.end() && repository != by_repository_.end())
            std::ranges::copy_if(std::min(same->second, repository->second, shorter), std::back_inserter(numbers),
                [&](std::size_t n) { return all_[n].entry.id == *id && all_[n].name->name() == ref.name(); });
        if(auto const known = by_name_.find(ref.without_tag().str()); known != by_name_.end())
            numbers.insert(numbers.end(), known->second.begin(), known->second.end());
        std::ranges::sort(numbers);
        std::vector<descriptor const*> found;
        for(auto const n : numbers)
            found.push_back(&all_[n].entry);
        if(!found.empty())
            return only_one(found, ref);
        content_reader const documents(store, store_budget);
        std::optional<failure> unread;
        for(auto const n : repository == by_repository_.end() ? std::vector<std::size_t>() : repository->second) {
            auto const& r = all_[n];
            if(!media_type::is_index(r.entry.media_type))
                continue;
            content_walk walk(documents, [](platform const&) { return true; });
            if(auto done = walk.enter(r.entry, {}); !done && !unread)
                unread = done.error();
            auto const& listed = walk.manifests();
            if(auto const m = std::ranges::find(listed, *id, &descriptor::id); m != listed.end())
                return *m;
        }
        return failure{error::unknown_reference, ref.str(), unread ? "could not read " + message(*unread) : std::string()};
    }

    /// Return the tags that are no names, because no repository was given that they could belong to.
    std::vector<std::string> bare_tags() const
    {
        std::vector<std::string> tags;
        if(!has_repository_)
            for(auto const& r : all_)
                if(auto const tag = r.entry.annotation(ref_name_annotation); tag && !r.name && detail::is_tag(*tag))
                    tags.emplace_back(*tag);
        return tags;
    }

private:
    // Thousands of entries may have one digest, or one repository.
    static bool shorter(std::vector<std::size_t> const& a, std::vector<std::size_t> const& b) noexcept { return a.size() < b.size(); }

    void add(reference const& name, std::size_t n)
    {
        by_name_[name.str()].push_back(n);
        auto const known = by_repository_.find(name.name());
        (known == by_repository_.end() ? by_repository_[std::string(name.name())] : known->second).push_back(n);
    }

    std::vector<oci_root> all_;
    std::unordered_map<std::string, std::vector<std::size_t>> by_name_;
    std::map<std::string, std::vector<std::size_t>, std::less<>> by_repository_;
    std::unordered_map<digest, std::vector<std::size_t>> by_digest_; // those with names
    std::unordered_map<digest, std::size_t> unnamed_;                // the first of each
    bool has_repository_ = false;
};

/// Say what a store has where a name was asked for in vain: `names` are those of its repository.
inline std::string names_instead(std::vector<reference> const& names, std::vector<std::string> const& bare_tags, std::string_view what)
{
    short_list list;
    for(auto const& name : names)
        list.add(name.familiar());
    if(!list.empty())
        return "there is " + list.str();
    for(auto const& tag : bare_tags)
        list.add(tag);
    return list.empty() ? std::string()
                        : "the " + std::string(what) + " has tags without a repository, which has to be given: " + list.str();
}

} // namespace tarexport::detail

#endif
