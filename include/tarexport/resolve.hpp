//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_RESOLVE_HPP
#define TAREXPORT_RESOLVE_HPP

#include <tarexport/closure.hpp>
#include <tarexport/content.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/detail/content_reader.hpp>
#include <tarexport/detail/content_walk.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/gather.hpp>
#include <tarexport/image.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/names.hpp>
#include <tarexport/observer.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/selection.hpp>
#include <tarexport/stores.hpp>
#include <tarexport/v1.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace tarexport {

/// The images that names stand for, and leases on all their layers; a layer that images share is leased once.
template<layer_handle Handle>
struct resolution {
    std::vector<selection> images;
    std::vector<Handle> leases; ///< what `selected_layer::lease` counts
};

namespace detail {

// Stores that are no content stores read what they have by themselves.
template<class Store>
struct reader_of {
    struct type {
        type(Store const&, std::uint64_t) noexcept {}
    };
};

template<content_store Store>
struct reader_of<Store> {
    using type = content_reader<Store>;
};

template<bool KeepManifests, store Store, observer O>
class resolver {
public:
    using handle = handle_of<Store>;

    resolver(Store const& s, content_choice const& choice, O& o, std::stop_token stop)
        : store_(s), choice_(choice), observer_(o), stop_(std::move(stop)), reader_(s, names_budget)
    {
    }

    result<resolution<handle>> run(names const& requested)
    {
        if(requested.empty())
            return failure{error::no_names, {}, {}};
        for(auto const& name : requested)
            if(auto added = add(name); !added)
                return added.error();
        if(!missing_.empty())
            return all_missing();
        for(std::size_t i = 0; i != out_.images.size(); ++i) {
            auto& s = out_.images[i];
            auto const closure = closures_.find(i);
            if(auto leased = closure == closures_.end() ? lease_layers(s) : lease_closure(s, closure->second); !leased)
                return leased.error();
            tell(s);
        }
        out_.leases.shrink_to_fit(); // which are kept as long as the archive is written
        return std::move(out_);
    }

private:
    static constexpr bool gathers = KeepManifests && blob_store<Store>;
    using reader = typename reader_of<Store>::type;

    // An archive's documents are all in memory, and a store may have as many images as it likes.
    static constexpr std::size_t most_document_bytes = std::size_t{256} << 20;
    static constexpr std::size_t most_layers = 1'000'000;

    // One image that a name leads to, and the reference that led there, if any.
    struct found {
        std::size_t image;
        std::optional<reference> via;
    };

    result<void> add(requested_name const& name)
    {
        if(stop_.stop_requested())
            return failure{error::cancelled, name.text, {}};
        auto parsed = parse(name.text);
        if(!parsed)
            return about(name.text.empty() ? "\"\"" : name.text, parsed.error());
        std::vector<found> all;
        auto done = std::visit([&](auto const& meaning) { return find(meaning, name.text, all); }, parsed->meaning);
        if(!done)
            return about(name.text, done.error());
        if constexpr(!content_store<Store>)
            for(auto const& f : all) {
                auto const& config = out_.images[f.image].config;
                if(auto fit = detail::check_choice(choice_.platforms, detail::platform_of(config), config.id.str()); !fit)
                    return about(name.text, fit.error());
            }
        return name.as ? rename(name, all) : keep_tags(all);
    }

    result<image_name> parse(std::string const& text) const
    {
        if constexpr(parses_names<Store>)
            return store_.parse_name(text);
        else
            return tarexport::parse_image_name(text);
    }

    result<image> load_by(descriptor const& d) const
    {
        if constexpr(!loads_by_manifest<Store>)
            return detail::load_image(reader_, d, {});
        else {
            auto loaded = store_.load_image(d);
            if(!loaded)
                return loaded;
            auto read = d;
            read.size += loaded->config.size();
            auto const fit = reader_.count(read, {});
            return fit ? std::move(loaded) : result<image>(fit.error());
        }
    }

    result<void> find(digest const& id, std::string const&, std::vector<found>& all) { return find_id(id, all); }

    result<void> find(id_prefix const& prefix, std::string const&, std::vector<found>& all)
    {
        auto id = store_.search(prefix.text);
        return id ? find_id(*id, all) : result<void>(id.error());
    }

    result<void> find(repository_name const& repository, std::string const& text, std::vector<found>& all)
    {
        auto references = store_.by_name(repository.base);
        if(!references)
            return references.error();
        if(references->empty())
            return find(id_prefix{text}, text, all);
        for(auto const& ref : *references)
            if(auto one = find(ref, text, all); !one)
                return one;
        return {};
    }

    result<void> find(reference const& ref, std::string const&, std::vector<found>& all)
    {
        if constexpr(gathers) {
            auto const root = store_.root(ref);
            return root ? keep_closure(*root, choice_, ref.familiar(), all, ref) : result<void>(root.error());
        }
        else if constexpr(content_store<Store>) {
            auto root = store_.root(ref);
            if(!root)
                return root.error();
            auto const known = by_root_.find(detail::content_key(*root));
            if(known != by_root_.end()) {
                all.push_back({known->second, ref});
                return {};
            }
            reader_.begin_root();
            auto manifests = detail::find_manifests(reader_, *root, choice_.platforms, {});
            if(!manifests)
                return manifests.error();
            if(manifests->size() > 1)
                return failure{error::several_platforms, std::string(ref.familiar()), platforms_of(*manifests)};
            auto loaded = load_by(manifests->front());
            if(!loaded)
                return loaded.error();
            auto key = detail::content_key(*root);
            if(auto kept = keep(std::move(*loaded), ref, std::move(*root), all); !kept)
                return kept;
            by_root_.emplace(std::move(key), all.back().image);
            return {};
        }
        else {
            auto id = store_.lookup(ref);
            return id ? find_id(*id, all, ref) : result<void>(id.error());
        }
    }

    result<void> find_id(digest const& id, std::vector<found>& all, std::optional<reference> via = std::nullopt)
    {
        if(auto const known = by_id_.find(id); known != by_id_.end()) {
            all.push_back({known->second, std::move(via)});
            return {};
        }
        if constexpr(gathers && has_manifests<Store>) {
            auto const root = store_.manifest_of(id);
            if(!root)
                return root.error();
            // An ID stands for its image whatever the platform.
            content_choice const any(platform_choice::all(), choice_.complete, choice_.foreign);
            return keep_closure(*root, any, id.str(), all, std::move(via));
        }
        else {
            auto loaded = store_.load(id);
            if(!loaded)
                return loaded.error();
            return keep(std::move(*loaded), std::move(via), std::nullopt, all);
        }
    }

    // Each root is an image of its own, even where others lead to the same config.
    result<void> keep_closure(descriptor const& root, content_choice const& choice, std::string_view what, std::vector<found>& all,
        std::optional<reference> via = std::nullopt)
    {
        auto key = detail::content_key(root);
        if(auto const known = by_root_.find(key); known != by_root_.end()) {
            all.push_back({known->second, std::move(via)});
            return {};
        }
        reader_.begin_root();
        auto gathered = gatherer<Store>(reader_, choice, what, stop_).run(root);
        if(!gathered && gathered.error().code == error::missing_blob) {
            missing_.emplace_back(what, std::vector{gathered.error().subject});
            return {};
        }
        if(!gathered)
            return gathered.error();
        if(!gathered->missing.empty()) {
            missing_.emplace_back(what, std::move(gathered->missing));
            return {};
        }
        if(auto fit = tarexport::check_image(gathered->preferred); !fit)
            return fit;
        std::size_t size = 0;
        for(auto const* const group : {&gathered->closure.manifests, &gathered->closure.configs})
            for(auto const& d : *group)
                size += d.text.size();
        if(auto fit = count(root.id, size, gathered->closure.blobs.size()); !fit)
            return fit;
        auto const image = out_.images.size();
        auto closure = std::make_shared<content_closure>(std::move(gathered->closure));
        out_.images.push_back({std::move(gathered->preferred), {}, {}, root, {}, closure});
        closures_.emplace(image, std::move(closure));
        by_root_.emplace(std::move(key), image);
        all.push_back({image, std::move(via)});
        return {};
    }

    // Counts what an image adds.
    result<void> count(digest const& id, std::size_t document_bytes, std::size_t layers)
    {
        document_bytes_ += document_bytes;
        layers_ += layers;
        if(document_bytes_ <= most_document_bytes && layers_ <= most_layers)
            return {};
        return failure{error::limit_exceeded, id.str(),
            "with " + std::to_string(out_.images.size()) + " images before it, the documents have more than " +
                std::to_string(most_document_bytes) + " bytes, or there are more than " + std::to_string(most_layers) +
                " layers; save fewer images at once"};
    }

    // One message for all names.
    failure all_missing() const
    {
        constexpr std::size_t most = 1000;
        failure f{error::missing_blob, {}, {}};
        std::size_t blobs_missing = 0;
        for(auto const& [name, blobs] : missing_) {
            f.subject += (f.subject.empty() ? "" : ", ") + name;
            for(auto const& b : blobs)
                if(blobs_missing++ < most)
                    f.detail += (f.detail.empty() ? "" : ", ") + b;
        }
        f.detail = std::to_string(blobs_missing) + " not in the store: " + f.detail + (blobs_missing > most ? ", .." : "");
        if(choice_.complete == completeness::strict)
            f.detail += "; prune and keep save the platforms that are whole";
        return f;
    }

    result<void> keep(image loaded, std::optional<reference> via, std::optional<descriptor> root, std::vector<found>& all)
    {
        auto const [known, is_new] = by_id_.try_emplace(loaded.id, out_.images.size());
        if(is_new) {
            if(auto fit = tarexport::check_image(loaded); !fit)
                return fit;
            if(auto fit = count(loaded.id, loaded.config.size(), loaded.diff_ids.size()); !fit)
                return fit;
            if constexpr(tells_parents<Store>)
                loaded.parent = store_.parent_of(loaded.id);
            out_.images.push_back({std::move(loaded), {}, {}, std::move(root)});
        }
        all.push_back({known->second, std::move(via)});
        return {};
    }

    // A reference by digest selects an image but is no tag of it (moby: only tags are recorded).
    result<void> keep_tags(std::vector<found> const& all)
    {
        for(auto const& f : all) {
            if(!f.via)
                continue;
            if(f.via->has_digest()) {
                auto& known = out_.images[f.image].digest_references;
                if(auto ref = f.via->without_tag(); std::ranges::find(known, ref) == known.end())
                    known.push_back(std::move(ref));
            }
            else if(auto tagged = tag(f.image, *f.via); !tagged)
                return tagged;
        }
        return {};
    }

    result<void> rename(requested_name const& name, std::vector<found> const& all)
    {
        auto as = tarexport::parse_reference(*name.as);
        if(!as)
            return about(name.text + "=" + *name.as, as.error());
        if(as->has_digest())
            return failure{error::invalid_reference, *name.as, "a new name has a tag, not a digest"};
        if(as->has_tag() && std::ranges::any_of(all, [&](found const& f) { return f.image != all.front().image; }))
            return failure{error::ambiguous_reference, name.text,
                "it stands for several images, which cannot all be called " + *name.as};
        for(auto const& f : all) {
            auto tagged = *as;
            if(!as->has_tag()) {
                auto kept = f.via && f.via->has_tag() && !f.via->has_digest() ? as->with_tag(f.via->tag()) : as->with_tag("latest");
                if(!kept)
                    return kept.error();
                tagged = std::move(*kept);
            }
            if(auto done = tag(f.image, tagged); !done)
                return done;
        }
        return {};
    }

    result<void> tag(std::size_t image, reference const& name)
    {
        auto const [known, is_new] = owners_.try_emplace(name.str(), image);
        if(is_new)
            out_.images[image].tags.push_back(name);
        else if(known->second != image)
            return failure{error::ambiguous_reference, std::string(name.familiar()),
                "two images would get this name: " + out_.images[known->second].config.id.str() + " and "
                    + out_.images[image].config.id.str()};
        return {};
    }

    result<void> lease_layers(selection& s)
    {
        auto const& config = s.config;
        s.layers.reserve(config.diff_ids.size());
        for(std::size_t n = 0; n != config.diff_ids.size(); ++n) {
            if(stop_.stop_requested())
                return failure{error::cancelled, called(s), {}};
            auto const key = n < config.layers.size() ? config.layers[n].id.str() : config.diff_ids[n];
            auto const number =
                lease(s, key, n < config.layers.size() ? &config.layers[n] : nullptr, [&] { return store_.layer(config, n); });
            if(!number)
                return number.error();
            auto const& info = out_.leases[*number].info();
            if(info.id.empty())
                return failure{error::invalid_digest, called(s), "layer " + std::to_string(n) + " of the store has no digest"};
            s.layers.push_back({info, *number});
        }
        return {};
    }

    result<void> lease_closure([[maybe_unused]] selection& s, [[maybe_unused]] std::shared_ptr<content_closure> const& closure)
    {
        if constexpr(gathers) {
            std::unordered_map<digest, std::optional<std::uint32_t>> numbers;
            for(auto& b : closure->blobs) {
                if(stop_.stop_requested())
                    return failure{error::cancelled, called(s), {}};
                if(b.lease) {
                    auto const number = lease(s, b.info.id.str(), &b.info, [&] { return store_.blob(b.info); });
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

    // Calls `get` for what has not been leased yet. `expected`: what a document says of it.
    template<class Get>
    result<std::uint32_t> lease(selection const& s, std::string const& key, descriptor const* expected, Get get)
    {
        auto known = leased_.find(key);
        if(known != leased_.end() && expected)
            if(auto const size = out_.leases[known->second].info().size; size != expected->size)
                return about(called(s), {error::size_mismatch, "layer " + key, detail::sizes(expected->size, size)});
        if(known == leased_.end()) {
            auto got = get();
            if(!got)
                return about(called(s), got.error());
            known = leased_.try_emplace(key, static_cast<std::uint32_t>(out_.leases.size())).first;
            out_.leases.push_back(std::move(*got));
        }
        return known->second;
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

    static std::string platforms_of(std::vector<descriptor> const& manifests)
    {
        std::string text;
        for(auto const& m : manifests)
            text += (text.empty() ? "" : ", ") + (m.target ? tarexport::format(*m.target) : m.id.str());
        return text;
    }

    // Puts the name in front of what a store says about something of it.
    static failure about(std::string const& name, failure f)
    {
        if(f.subject.empty() || f.subject == name)
            f.subject = name;
        else
            f.subject = name + ": " + f.subject;
        return f;
    }

    Store const& store_;
    content_choice const& choice_;
    O& observer_;
    std::stop_token stop_;
    reader reader_;
    resolution<handle> out_;
    std::unordered_map<digest, std::size_t> by_id_;
    std::map<content_key_type, std::size_t> by_root_; // many names may lead to one root
    std::unordered_map<std::size_t, std::shared_ptr<content_closure>> closures_; // of images, by number
    std::vector<std::pair<std::string, std::vector<std::string>>> missing_;      // by name
    std::unordered_map<std::string, std::size_t> owners_;
    std::unordered_map<std::string, std::uint32_t> leased_;
    std::size_t document_bytes_ = 0; // of all images
    std::size_t layers_ = 0;
};

} // namespace detail

/** Find the images that names stand for, by the rules of `docker save` (moby v27.3.1, `parseNames`), and lease their layers.

    Images come in the order in which the names first lead to them, each once; its tags in request order, each once. An
    image named by ID or digest gets no tag. Where the store keeps manifests, an index leads to the image of
    the platform chosen; elsewhere an image is refused that is not of each platform named. What a name means, the store decides where it has rules of its own (`parses_names`).

    With `KeepManifests`, and a `blob_store`, each name is resolved to all that it stands for (see `gather`): each manifest or index
    is a selection with a closure, whose blobs are leased too. What is missing is told at once for all names.

    @return The images and leases; or what is wrong with which name: `invalid_reference`, `unknown_reference`,
    `unknown_image`, `ambiguous_id`, `ambiguous_reference`, `unknown_platform`, `several_platforms`, `unsupported_os`,
    `no_names`, `cancelled`, `limit_exceeded`, the errors of `gather` and `check_image`, `missing_blob` with a list, `invalid_digest` or `size_mismatch`
    of a lease, or what the store says. On a failure every lease was given back.
    @param stop Looked at before each name and each layer.
*/
template<bool KeepManifests = false, store Store, observer O>
result<resolution<handle_of<Store>>> resolve(
    Store const& s, names const& requested, content_choice const& choice, O& o, std::stop_token stop = {})
{
    return detail::resolver<KeepManifests, Store, O>(s, choice, o, std::move(stop)).run(requested);
}

} // namespace tarexport

#endif
