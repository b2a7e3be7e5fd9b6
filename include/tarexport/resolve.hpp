//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_RESOLVE_HPP
#define TAREXPORT_RESOLVE_HPP

#include <tarexport/chain_id.hpp>
#include <tarexport/closure.hpp>
#include <tarexport/detail/content_reader.hpp>
#include <tarexport/detail/name_finder.hpp>
#include <tarexport/detail/number_table.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/gather.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/image.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/names.hpp>
#include <tarexport/observer.hpp>
#include <tarexport/platform.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/selection.hpp>
#include <tarexport/stores.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tarexport {

/// The images that names stand for, and leases on all their layers; a layer that images share is leased once.
template<layer_handle Handle>
struct resolution {
    std::vector<selection> images;
    std::vector<Handle> leases; ///< what `selected_layer::lease` counts
};

namespace detail {

// Reads the images that names stand for one by one, leases their layers, and hands each on.
template<bool KeepManifests, store Store, observer O>
class resolver {
public:
    using handle = handle_of<Store>;

    resolver(Store const& s, content_choice const& choice, O& o, std::stop_token stop)
        : store_(s), choice_(choice), observer_(o), stop_(std::move(stop)), reader_(s, names_budget)
    {
    }

    /// Hand each image on before the next is read.
    result<std::vector<handle>> run_each(names const& requested, auto& take)
    {
        auto found = finder(store_, choice_, reader_, count_, stop_).run(requested);
        if(!found)
            return found.error();
        if(auto done = check_each(requested, *found); !done)
            return done.error();
        auto done = read_each(requested, std::move(*found), [&](read_image&& i) { return hand_on(std::move(i), take); });
        return done ? take_leases() : result<std::vector<handle>>(done.error());
    }

    /// Hand the images on when all are read, so that nothing is leased before all are known to be good.
    result<std::vector<handle>> run_after_all(names const& requested, auto& take)
    {
        auto found = finder(store_, choice_, reader_, count_, stop_).run(requested);
        if(!found)
            return found.error();
        std::deque<read_image> all;
        auto const keep = [&](read_image&& i) -> result<void> {
            all.push_back(std::move(i));
            return {};
        };
        if(auto done = read_each(requested, std::move(*found), keep); !done)
            return done.error();
        for(; !all.empty(); all.pop_front())
            if(auto done = hand_on(std::move(all.front()), take); !done)
                return done.error();
        return take_leases();
    }

private:
    using finder = name_finder<KeepManifests, Store>;

    // Without layers; the closure becomes that of the selection when it is leased.
    struct read_image {
        selection chosen = {};
        std::shared_ptr<content_closure> closure = nullptr;
    };

    static std::string const& name_of(names const& requested, found_image const& f)
    {
        return requested.begin()[static_cast<std::ptrdiff_t>(f.name)].text;
    }

    // A lease may be dear, as where layers are unpacked for it: what is known to be wrong without one is found out before the first. What a name
    // led to is there; what an ID stands for shows only when it is read, and so does its platform. Nothing of that is kept.
    result<void> check_each(names const& requested, std::deque<found_image> const& found)
    {
        for(auto const& f : found) {
            bool const is_read_already = f.loaded || (finder::gathers && f.root);
            bool const is_known = f.what != f.id.str() && choice_.platforms.wanted.empty();
            if(is_read_already || is_known)
                continue;
            auto const& name = name_of(requested, f);
            if(stop_.stop_requested())
                return failure{error::cancelled, name, {}};
            auto const loaded = store_.load(f.id);
            if(!loaded)
                return about_name(name, loaded.error());
            if(auto fit = check(*loaded); !fit)
                return about_name(name, fit.error());
        }
        return {};
    }

    result<void> check(image const& i) const
    {
        if(auto fit = tarexport::check_image(i); !fit || content_store<Store>)
            return fit;
        return detail::check_choice(choice_.platforms, detail::platform_of(i), i.id.str());
    }

    // What is wrong with a document, or missing, of any image comes before what `use` says of one: else that would depend on the order of names.
    template<class Use>
    result<void> read_each(names const& requested, std::deque<found_image> found, Use use)
    {
        std::optional<failure> failed;
        for(; !found.empty(); found.pop_front()) {
            auto& f = found.front();
            auto const& name = name_of(requested, f);
            if(stop_.stop_requested())
                return failed ? *failed : failure{error::cancelled, name, {}};
            read_image i;
            if(auto done = read(f, i); !done)
                return about_name(name, done.error());
            if(!missing_.empty() || failed)
                continue;
            if(auto used = use(std::move(i)); !used)
                failed = used.error();
        }
        if(!missing_.empty())
            return all_missing();
        return failed ? result<void>(*failed) : result<void>();
    }

    result<void> hand_on(read_image i, auto& take)
    {
        auto& s = i.chosen;
        if(auto leased = i.closure ? lease_closure(s, *i.closure) : lease_layers(s); !leased)
            return leased;
        s.closure = std::move(i.closure);
        tell(s);
        return take(std::move(s));
    }

    result<std::vector<handle>> take_leases()
    {
        leases_.shrink_to_fit(); // which are kept as long as the archive is written
        return std::move(leases_);
    }

    result<void> read(found_image& f, read_image& i)
    {
        auto& s = i.chosen;
        s.tags = std::move(f.tags);
        s.digest_references = std::move(f.digest_references);
        s.root = std::move(f.root);
        if constexpr(finder::gathers)
            if(s.root)
                return gather(f, s, i.closure);
        return load(f, s);
    }

    result<void> gather(found_image const& f, selection& s, std::shared_ptr<content_closure>& closure)
    {
        // An ID stands for its image whatever the platform.
        content_choice const any(platform_choice::all(), choice_.complete, choice_.foreign);
        reader_.begin_root();
        auto gathered = gatherer<Store>(reader_, f.any_platform ? any : choice_, f.what, stop_).run(*s.root);
        if(!gathered && gathered.error().code == error::missing_blob) {
            missing_.emplace_back(names_of(f, s), std::vector{gathered.error().subject});
            return {};
        }
        if(!gathered)
            return gathered.error();
        if(!gathered->missing.empty()) {
            missing_.emplace_back(names_of(f, s), std::move(gathered->missing));
            return {};
        }
        if(auto fit = tarexport::check_image(gathered->preferred); !fit)
            return fit;
        std::size_t size = 0;
        for(auto const* const group : {&gathered->closure.manifests, &gathered->closure.configs})
            for(auto const& d : *group)
                size += d.text.size();
        s.config = std::move(gathered->preferred);
        closure = std::make_shared<content_closure>(std::move(gathered->closure));
        return count_.add(s.root->id, size, closure->blobs.size());
    }

    result<void> load(found_image& f, selection& s)
    {
        if(f.loaded)
            s.config = std::move(*f.loaded);
        else {
            auto loaded = store_.load(f.id);
            if(!loaded)
                return loaded.error();
            if(auto fit = check(*loaded); !fit)
                return fit;
            if(auto fit = count_.add(*loaded); !fit)
                return fit;
            s.config = std::move(*loaded);
        }
        if constexpr(tells_parents<Store>)
            s.config.parent = store_.parent_of(s.config.id);
        return {};
    }

    // All that lead to an image; of one that gets other names, the first that was asked for.
    static std::string names_of(found_image const& f, selection const& s)
    {
        auto const is_asked_for = [&](reference const& r) { return r.familiar() == f.what; };
        if(std::ranges::none_of(s.tags, is_asked_for) && std::ranges::none_of(s.digest_references, is_asked_for))
            return f.what;
        std::string all;
        for(auto const* const group : {&s.tags, &s.digest_references})
            for(auto const& r : *group)
                append_name(all, r.familiar());
        return all;
    }

    // A message has some thousand names at most, and the first in any case.
    static void append_name(std::string& names, std::string_view name)
    {
        constexpr std::size_t most = 65536;
        constexpr std::string_view end = ", ..";
        if(names.empty())
            names = name;
        else if(!names.ends_with(end))
            names.append(names.size() + name.size() < most ? ", " + std::string(name) : end);
    }

    // One message for all names.
    failure all_missing() const
    {
        constexpr std::size_t most = 1000;
        failure f{error::missing_blob, {}, {}};
        std::size_t blobs_missing = 0;
        for(auto const& [name, blobs] : missing_) {
            append_name(f.subject, name);
            for(auto const& b : blobs)
                if(blobs_missing++ < most)
                    f.detail += (f.detail.empty() ? "" : ", ") + b;
        }
        f.detail = std::to_string(blobs_missing) + " not in the store: " + f.detail + (blobs_missing > most ? ", .." : "");
        if(choice_.complete == completeness::strict)
            f.detail += "; prune and keep save the platforms that are whole";
        return f;
    }

    result<void> lease_layers(selection& s)
    {
        auto const& config = s.config;
        s.layers.reserve(config.diff_ids.size());
        for(std::size_t n = 0; n != config.diff_ids.size(); ++n) {
            if(stop_.stop_requested())
                return failure{error::cancelled, called(s), {}};
            auto const* const expected = n < config.layers.size() ? &config.layers[n] : nullptr;
            auto const key = expected ? expected->id : key_of(config.diff_ids[n]);
            auto const number = lease(s, key, expected, [&] { return store_.layer(config, n); });
            if(!number)
                return number.error();
            auto const& info = leases_[*number].info();
            if(info.id.empty())
                return failure{error::invalid_digest, called(s), "layer " + std::to_string(n) + " of the store has no digest"};
            s.layers.push_back({info, *number});
        }
        return {};
    }

    result<void> lease_closure([[maybe_unused]] selection& s, [[maybe_unused]] content_closure& closure)
    {
        if constexpr(finder::gathers) {
            std::unordered_map<digest, std::optional<std::uint32_t>> numbers;
            for(auto& b : closure.blobs) {
                if(stop_.stop_requested())
                    return failure{error::cancelled, called(s), {}};
                if(b.lease) {
                    auto const number = lease(s, b.info.id, &b.info, [&] { return store_.blob(b.info); });
                    if(!number)
                        return number.error();
                    b.lease = *number;
                }
                numbers.emplace(b.info.id, b.lease);
            }
            // A layer that is a document too is in the archive as that.
            for(auto const& l : s.config.layers) {
                auto const number = numbers.find(l.id);
                s.layers.push_back({l, number == numbers.end() ? std::nullopt : number->second});
            }
        }
        return {};
    }

    // Diff IDs are unchecked texts.
    static digest key_of(std::string const& diff_id)
    {
        auto const id = tarexport::parse_digest(diff_id);
        return id ? *id : tarexport::digest_of(diff_id);
    }

    digest key_of_lease(std::uint32_t n) const
    {
        auto const other = other_keys_.find(n);
        return other == other_keys_.end() ? leases_[n].info().id : other->second;
    }

    // Calls `get` for what has not been leased yet. `expected`: what a document says of it.
    template<class Get>
    result<std::uint32_t> lease(selection const& s, digest const& key, descriptor const* expected, Get get)
    {
        auto const same = [&](std::uint32_t n) { return key_of_lease(n) == key; };
        auto const known = leased_.find(std::hash<digest>()(key), same);
        if(known && expected)
            if(auto const size = leases_[*known].info().size; size != expected->size)
                return about_name(called(s), {error::size_mismatch, "layer " + key.str(), detail::sizes(expected->size, size)});
        if(known)
            return *known;
        auto got = get();
        if(!got)
            return about_name(called(s), got.error());
        auto const number = static_cast<std::uint32_t>(leases_.size());
        leases_.push_back(std::move(*got));
        if(leases_.back().info().id != key)
            other_keys_.emplace(number, key);
        leased_.add(number, [this](std::uint32_t n) { return std::hash<digest>()(key_of_lease(n)); });
        return number;
    }

    void tell([[maybe_unused]] selection const& s)
    {
        if constexpr(observes<O>) {
            std::vector<std::string> tags;
            for(auto const& t : s.tags)
                tags.emplace_back(t.familiar());
            auto const chains = tarexport::chain_ids(s.config.diff_ids);
            auto const parsed = chains.empty() ? result<digest>(digest()) : tarexport::parse_digest(chains.back());
            auto const chain = parsed ? *parsed : digest();
            observer_(event(image_resolved{s.config.id, chain, s.layers.size(), tags}));
        }
    }

    static std::string called(selection const& s)
    {
        return s.tags.empty() ? s.config.id.str() : std::string(s.tags.front().familiar());
    }

    Store const& store_;
    content_choice const& choice_;
    O& observer_;
    std::stop_token stop_;
    typename finder::reader reader_;
    image_count count_;
    std::vector<std::pair<std::string, std::vector<std::string>>> missing_; // by name
    std::vector<handle> leases_;
    std::unordered_map<std::uint32_t, digest> other_keys_; // what those were leased for that are called otherwise in the store
    number_table leased_;
};

} // namespace detail

/** Find the images that names stand for, by the rules of `docker save` (moby v27.3.1, `parseNames`), lease their layers, and hand each on.

    Images come in the order in which the names first lead to them, each once; its tags in request order, each once. An
    image named by ID or digest gets no tag. Where the store keeps manifests, an index leads to the image of
    the platform chosen; elsewhere an image is refused that is not of each platform named. What a name means, the store decides where it has rules of its own (`parses_names`).

    With `KeepManifests`, and a `blob_store`, each name is resolved to all that it stands for (see `gather`): each manifest or index
    is a selection with a closure, whose blobs are leased too. What is missing is told at once for all names.

    All names are looked up first. Images that are named by their IDs, or have to be for some platforms, are read once before the first
    lease, unless they are gathered. Then the images are read, leased and handed on one by one. Of one that was handed on nothing is kept but its leases. Stores that read an image to find it (content stores, unless they are gathered) keep what is found until its turn.

    @param take Called for each image as `take(selection&&)`; returns `result<void>`. After a failure of it, or of a lease, the other images are still read,
    since what is wrong with any of them or missing is told first.
    @return The leases, which `selected_layer::lease` counts; or what is wrong with which name: `invalid_reference`, `unknown_reference`,
    `unknown_image`, `ambiguous_id`, `ambiguous_reference`, `unknown_platform`, `several_platforms`, `unsupported_os`,
    `no_names`, `cancelled`, `limit_exceeded`, the errors of `gather` and `check_image`, `missing_blob` with a list, `invalid_digest` or `size_mismatch`
    of a lease, or what the store or `take` says. On a failure every lease was given back.
    @param stop Looked at before each name, each image and each layer.
*/
template<bool KeepManifests = false, store Store, observer O, class Take>
result<std::vector<handle_of<Store>>> resolve_each(
    Store const& s, names const& requested, content_choice const& choice, O& o, Take take, std::stop_token stop = {})
{
    return detail::resolver<KeepManifests, Store, O>(s, choice, o, std::move(stop)).run_each(requested, take);
}

/** Find the images that names stand for, as `resolve_each` does, and return them and the leases on their layers.

    Nothing is leased before all images are read.
*/
template<bool KeepManifests = false, store Store, observer O>
result<resolution<handle_of<Store>>> resolve(
    Store const& s, names const& requested, content_choice const& choice, O& o, std::stop_token stop = {})
{
    resolution<handle_of<Store>> all;
    auto const take = [&](selection&& one) -> result<void> {
        all.images.push_back(std::move(one));
        return {};
    };
    auto leases = detail::resolver<KeepManifests, Store, O>(s, choice, o, std::move(stop)).run_after_all(requested, take);
    if(!leases)
        return leases.error();
    all.leases = std::move(*leases);
    return all;
}

} // namespace tarexport

#endif
