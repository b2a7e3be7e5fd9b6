//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_CONTENT_HPP
#define TAREXPORT_CONTENT_HPP

#include <tarexport/descriptor.hpp>
#include <tarexport/detail/content_reader.hpp>
#include <tarexport/detail/content_walk.hpp>
#include <tarexport/detail/short_list.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/image.hpp>
#include <tarexport/oci_documents.hpp>
#include <tarexport/platform.hpp>
#include <tarexport/platform_matcher.hpp>
#include <tarexport/read_blob.hpp>
#include <tarexport/stores.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace tarexport {

/** Which of an image's platforms are meant. The default is what the host runs best.

    Platforms that are named must be there as they are named; the host also takes what it can run
    beside its own, as the engines do.
*/
struct platform_choice {
    std::vector<platform> wanted;                ///< each of these; none: the host's
    bool everything = false;                     ///< every platform that there is, whatever is wanted
    platform host = tarexport::host_platform();  ///< what stands for the host

    /// Return the choice of every platform.
    static platform_choice all() { return {{}, true, tarexport::host_platform()}; }

    /// Return the choice of some platforms, each of them required.
    static platform_choice of(std::vector<platform> ps) { return {std::move(ps), false, tarexport::host_platform()}; }
};

/** Return the manifests of images that a descriptor leads to, for the platforms that are chosen, without duplicates.

    The descriptor is that of a manifest, or of an index, which may hold others. Of several platforms the best for
    the host, or the first that matches each one wanted, is taken in the order of the index; attestations and artifacts are
    passed over. A manifest that is reached without an index is what was asked for, unless platforms are named.

    Only what the choice needs is read: an index may list manifests that are not in the store.

    @param what What the descriptor belongs to (a name), for an error.
    @return At least one descriptor, whose `target` tells the platform where it was found out; or `not_an_image`,
    `unknown_platform` (the detail lists those that there are), `cyclic_index`, `limit_exceeded`, or why something
    could not be read.
*/
template<content_store Store>
result<std::vector<descriptor>> find_manifests(
    Store const& store, descriptor const& root, platform_choice const& platforms = {}, std::string_view what = {});

/** Read an image by the descriptor of its manifest.

    @param what What the descriptor belongs to (a name), for an error.
    @return The image, with `layers` as its manifest has them; or `not_an_image`, `invalid_document` (there must be as
    many layers as diff IDs), the errors of `parse_image`, or why something could not be read.
*/
template<content_store Store>
result<image> load_image(Store const& store, descriptor const& manifest_descriptor, std::string_view what = {});

namespace detail {

inline failure no_image(descriptor const& d, std::string detail, std::string_view what)
{
    return detail::about({error::not_an_image, d.id.str(), std::move(detail)}, what);
}

inline platform platform_of(image const& config)
{
    return {config.os, config.architecture, config.variant, config.os_version, {}};
}

// What a chosen manifest is that is not in the store: the reason to fail, or an image whose platform the index tells.
enum class absent_manifest { fails, is_image };

// Chooses among the manifests that an index leads to; reads only those that matter.
template<content_store Store>
class manifest_chooser {
public:
    manifest_chooser(content_reader<Store> const& reader, std::vector<descriptor> manifests,
        absent_manifest absent = absent_manifest::fails)
        : reader_(reader)
        , absent_(absent)
    {
        candidates_.reserve(manifests.size());
        for(auto& m : manifests)
            candidates_.push_back({std::move(m)});
    }

    /// Take every image.
    result<void> take_all()
    {
        for(auto& c : candidates_) {
            if(auto done = examine(c); !done)
                return done;
            if(c.state == is_image)
                take(c);
        }
        return {};
    }

    /// Take the image that a matcher prefers. @return Whether there is one.
    result<bool> take_best(platform_matcher const& matcher)
    {
        if(auto done = learn_platforms(); !done)
            return done.error();
        for(auto* const c : ranked(matcher)) {
            if(auto done = examine(*c); !done)
                return done.error();
            if(c->state == is_image) {
                take(*c);
                return true;
            }
        }
        return false;
    }

    /// Take for each platform that is wanted the image that is best. `absent`: the indexes inside that are not in the store.
    result<void> take_wanted(platform_choice const& choice, std::vector<failure> const& absent, digest const& root);

    std::vector<descriptor>& taken() noexcept { return taken_; }

    /// Return whether every image was taken.
    bool took_all() const
    {
        return std::ranges::all_of(candidates_,
            [this](candidate const& c) { return c.state == is_none || taken_ids_.contains(c.entry.id); });
    }

    /// Return whether there is an image, as far as was read.
    bool has_images() const noexcept
    {
        return std::ranges::any_of(candidates_, [](candidate const& c) { return c.state != is_none; });
    }

    /// Return the platforms there are, as a list to read.
    std::string platforms() const
    {
        std::set<std::string> known;
        detail::short_list names;
        for(auto const& c : candidates_)
            if(c.state != is_none && c.entry.target)
                if(auto const name = tarexport::format_all(*c.entry.target); known.insert(name).second)
                    names.add(name);
        return names.str();
    }

private:
    enum state_type { unread, is_image, is_none };

    struct candidate {
        descriptor entry;
        state_type state = unread;
        std::optional<failure> reason = {}; // why its platform could not be found out
    };

    void take(candidate const& c)
    {
        if(taken_ids_.insert(c.entry.id).second)
            taken_.push_back(c.entry);
    }

    result<void> examine(candidate& c)
    {
        if(c.state != unread)
            return {};
        // An index may list one manifest a hundred thousand times; it is read once.
        auto const& e = c.entry;
        auto& known = read_[{e.id, e.size, e.media_type, e.target.has_value()}];
        if(!known) {
            if(auto done = read(c); !done)
                return done;
            known = &c;
        }
        c.state = known->state;
        if(!c.entry.target)
            c.entry.target = known->entry.target;
        return {};
    }

    result<void> read(candidate& c)
    {
        auto const m = reader_.read_manifest(c.entry, "chosen from an index");
        if(!m)
            return excuse(c, m.error());
        bool const image = detail::why_no_image(*m, c.entry.media_type).empty();
        if(image && !c.entry.target) {
            auto const config = reader_.read_config(*m, c.entry);
            if(!config)
                return excuse(c, config.error());
            c.entry.target = detail::platform_of(*config);
        }
        c.state = image ? is_image : is_none;
        return {};
    }

    result<void> excuse(candidate& c, failure const& why) const
    {
        if(absent_ == absent_manifest::fails || why.code != error::missing_blob)
            return why;
        c.state = is_image;
        c.reason = why;
        return {};
    }

    result<void> learn_platforms()
    {
        for(auto& c : candidates_) {
            if(c.entry.target || c.state != unread)
                continue;
            auto const done = examine(c);
            if(!done && done.error().code != error::missing_blob)
                return done;
            if(!done || c.reason) {
                c.state = is_none;
                if(!missing_)
                    missing_ = c.reason ? *c.reason : done.error();
            }
        }
        return {};
    }

    // Those that match, the one that is wanted most first; of equals, the first of the index.
    std::vector<candidate*> ranked(platform_matcher const& matcher)
    {
        std::vector<std::pair<std::uint64_t, std::size_t>> ranks;
        for(std::size_t i = 0; i != candidates_.size(); ++i)
            if(auto const& c = candidates_[i]; c.state != is_none && c.entry.target)
                if(auto const rank = matcher.rank(*c.entry.target))
                    ranks.emplace_back(*rank, i);
        std::ranges::sort(ranks); // where ranks are equal, the order of the index decides
        std::vector<candidate*> found;
        for(auto const& r : ranks)
            found.push_back(&candidates_[r.second]);
        return found;
    }

    content_reader<Store> const& reader_;
    absent_manifest absent_;
    std::vector<candidate> candidates_;
    // What was read, by what it was read as: digest, size, type, and whether the index tells its platform.
    std::map<std::tuple<digest, std::uint64_t, std::string, bool>, candidate const*> read_;
    std::vector<descriptor> taken_;
    std::set<digest> taken_ids_;
    std::optional<failure> missing_;
};

inline std::vector<platform_matcher> matchers(platform_choice const& choice)
{
    std::vector<platform_matcher> all;
    if(choice.wanted.empty())
        all.push_back(platform_matcher::only(choice.host, choice.host));
    for(auto const& p : choice.wanted)
        all.push_back(platform_matcher::only_strict(p, choice.host));
    return all;
}

inline platform const& wanted_at(platform_choice const& choice, std::size_t i)
{
    return choice.wanted.empty() ? choice.host : choice.wanted[i];
}

// An image that no index leads to is for one platform, so only that can be asked for.
inline result<void> check_choice(platform_choice const& choice, platform const& there, std::string subject)
{
    if(choice.everything)
        return {};
    for(auto const& wanted : choice.wanted)
        if(!platform_matcher::only_strict(wanted, choice.host).matches(there))
            return failure{error::unknown_platform, std::move(subject),
                tarexport::format(wanted) + " is not " + tarexport::format_all(there)};
    return {};
}

template<content_store Store>
result<void> manifest_chooser<Store>::take_wanted(
    platform_choice const& choice, std::vector<failure> const& absent, digest const& root)
{
    auto const all = detail::matchers(choice);
    for(std::size_t i = 0; i != all.size(); ++i) {
        auto const found = take_best(all[i]);
        if(!found)
            return found.error();
        if(*found)
            continue;
        if(missing_ || !absent.empty())
            return missing_ ? *missing_ : absent.front();
        if(!has_images())
            break;
        return failure{error::unknown_platform, root.str(),
            tarexport::format(detail::wanted_at(choice, i)) + " is not among " + platforms()};
    }
    return {};
}

template<content_store Store>
result<std::vector<descriptor>> find_in_index(
    content_reader<Store> const& reader, descriptor const& root, platform_choice const& choice, std::string_view what)
{
    auto const all = detail::matchers(choice);
    content_walk walk(reader, [&](platform const& p) {
        return choice.everything || std::ranges::any_of(all, [&](auto const& m) { return m.matches(p); });
    });
    if(auto done = walk.enter(root, std::string(what)); !done)
        return detail::about(done.error(), what);
    if(choice.everything && !walk.missing().empty())
        return detail::about(walk.missing().front(), what);
    manifest_chooser<Store> chooser(reader, std::move(walk.manifests()));
    auto const done = choice.everything ? chooser.take_all() : chooser.take_wanted(choice, walk.missing(), root.id);
    if(!done)
        return detail::about(done.error(), what);
    if(chooser.taken().empty())
        return detail::no_image(root, "the index lists no image", what);
    return std::move(chooser.taken());
}

template<content_store Store>
result<std::vector<descriptor>> find_directly(
    content_reader<Store> const& reader, descriptor root, platform_choice const& choice, std::string_view what)
{
    auto const m = reader.read_manifest(root, what);
    if(!m)
        return m.error();
    if(auto why = detail::why_no_image(*m, root.media_type); !why.empty())
        return detail::no_image(root, std::move(why), what);
    if(!choice.everything && !choice.wanted.empty()) {
        if(!root.target) {
            auto const config = reader.read_config(*m, root);
            if(!config)
                return detail::about(config.error(), what);
            root.target = detail::platform_of(*config);
        }
        if(auto fit = detail::check_choice(choice, *root.target, root.id.str()); !fit)
            return detail::about(fit.error(), what);
    }
    return std::vector<descriptor>{std::move(root)};
}

inline result<void> set_layers(image& config, manifest m, descriptor const& of)
{
    if(config.diff_ids.size() != m.layers.size())
        return failure{error::invalid_document, of.id.str(),
            std::to_string(m.layers.size()) + " layers for the " + std::to_string(config.diff_ids.size()) + " diff IDs of the config"};
    config.layers = std::move(m.layers);
    return {};
}

// What a name stands for, with its media type: a manifest or an index that is there.
template<content_store Store>
result<descriptor> check_root(content_reader<Store> const& reader, descriptor const& root, std::string_view what)
{
    auto typed = root.media_type.empty() ? reader.typed(root, what) : result<descriptor>(root);
    if(!typed)
        return typed;
    // That a blob is not there comes before what it would be.
    if(auto present = reader.check_presence(*typed, what); !present)
        return present.error();
    if(detail::is_attestation(*typed))
        return detail::no_image(*typed, "an attestation", what);
    if(detail::is_artifact_type(typed->artifact_type))
        return detail::no_image(*typed, "artifact of type " + typed->artifact_type, what);
    if(!media_type::is_index(typed->media_type) && !media_type::is_manifest(typed->media_type))
        return detail::no_image(*typed, "blob of type " + typed->media_type, what);
    return typed;
}

template<content_store Store>
result<std::vector<descriptor>> find_manifests(
    content_reader<Store> const& reader, descriptor const& root, platform_choice const& platforms, std::string_view what)
{
    auto typed = detail::check_root(reader, root, what);
    if(!typed)
        return typed.error();
    if(media_type::is_index(typed->media_type))
        return detail::find_in_index(reader, *typed, platforms, what);
    return detail::find_directly(reader, *std::move(typed), platforms, what);
}

} // namespace detail

template<content_store Store>
result<std::vector<descriptor>> find_manifests(
    Store const& store, descriptor const& root, platform_choice const& platforms, std::string_view what)
{
    return detail::find_manifests(detail::content_reader<Store>(store), root, platforms, what);
}

namespace detail {

template<content_store Store>
result<image> load_image(content_reader<Store> const& reader, descriptor const& manifest_descriptor, std::string_view what)
{
    if(!manifest_descriptor.media_type.empty() && !media_type::is_manifest(manifest_descriptor.media_type))
        return detail::no_image(manifest_descriptor, "blob of type " + manifest_descriptor.media_type, what);
    auto m = reader.read_manifest(manifest_descriptor, what);
    if(!m)
        return m.error();
    if(auto why = detail::why_no_image(*m, manifest_descriptor.media_type); !why.empty())
        return detail::no_image(manifest_descriptor, std::move(why), what);
    auto config = reader.read_config(*m, manifest_descriptor);
    if(!config)
        return detail::about(config.error(), what);
    if(auto set = detail::set_layers(*config, *std::move(m), manifest_descriptor); !set)
        return detail::about(set.error(), what);
    return config;
}

} // namespace detail

template<content_store Store>
result<image> load_image(Store const& store, descriptor const& manifest_descriptor, std::string_view what)
{
    return detail::load_image(detail::content_reader<Store>(store), manifest_descriptor, what);
}

} // namespace tarexport

#endif
