//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_STORE_IMPL_CONTAINERS_HPP
#define TAREXPORT_STORE_IMPL_CONTAINERS_HPP

#include <tarexport/content.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/detail/content_walk.hpp>
#include <tarexport/detail/reference_grammar.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/image.hpp>
#include <tarexport/oci_documents.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/store/containers.hpp>
#include <tarexport/store/tar_split.hpp>
#include <tarexport/stores.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace tarexport {

inline result<containers_store> containers_store::open(std::string const& graph_root, containers_options options)
{
    std::vector<detail::containers_root> roots;
    auto main = detail::containers_root::open(graph_root, options.driver);
    if(!main)
        return detail::with_advice(main.error());
    roots.push_back(*std::move(main));
    for(auto const& path : options.additional) {
        auto root = detail::containers_root::open(path, roots.front().driver());
        if(!root)
            return detail::with_advice(root.error());
        roots.push_back(*std::move(root));
    }
    auto snapshot = detail::containers_snapshot::read(std::move(roots));
    if(!snapshot)
        return detail::with_advice(snapshot.error());
    return containers_store(std::make_shared<state>(*std::move(snapshot), std::move(options)));
}

inline std::string containers_store::described(std::size_t n) const
{
    auto const& i = state_->snapshot.images()[n];
    return "image " + i.id + " of " + state_->snapshot.root_of(i).path();
}

// What names stand for

inline std::optional<std::size_t> containers_store::find(reference const& ref) const
{
    auto const& s = state_->snapshot;
    auto const named = s.names().find(ref.has_digest() ? ref.without_tag().str() : ref.with_default_tag().str());
    if(named != s.names().end())
        return named->second.image;
    auto const id = ref.has_digest() ? ref.id() : result<digest>(failure{});
    if(!id)
        return std::nullopt;
    std::vector<std::size_t> found;
    for(auto const n : s.with_manifest(*id))
        if(std::ranges::any_of(s.images()[n].names, [&](reference const& r) { return r.name() == ref.name(); }))
            found.push_back(n);
    return found.empty() ? std::nullopt : std::optional(best_of(found, *id));
}

// Images of several platforms may have been pulled through one index.
inline std::size_t containers_store::best_of(std::vector<std::size_t> const& found, digest const& manifest_or_index) const
{
    auto const& s = state_->snapshot;
    auto const& documents = s.documents(manifest_or_index);
    if(found.size() == 1 || documents.empty())
        return found.front();
    auto const& d = s.images()[documents.front().image].items[documents.front().item].info;
    auto const manifests = tarexport::find_manifests(*this, d, state_->options.platforms);
    if(manifests)
        for(auto const& place : s.documents(manifests->front().id))
            if(std::ranges::find(found, place.image) != found.end())
                return place.image;
    return found.front();
}

inline bool containers_store::has(reference const& ref) const
{
    return ref.is_name_only() ? !by_name(ref)->empty() : find(ref).has_value();
}

// The reference in full that a short name means here; nothing if it may be an ID, or is not here.
inline result<std::optional<reference>> containers_store::find_short(std::string_view text, reference const& ref) const
{
    auto const local = tarexport::parse_reference("localhost/" + std::string(text));
    if(local && has(*local))
        return std::optional(*local);
    if(has(ref))
        return std::optional(ref);
    if(ref.is_name_only())
        if(auto const id = search(text); id || id.error().code != error::unknown_image)
            return std::optional<reference>();
    auto name = ref.path();
    if(!text.starts_with(detail::official_prefix) && name.starts_with(detail::official_prefix))
        name.remove_prefix(detail::official_prefix.size());
    return find_elsewhere(name, ref);
}

inline result<std::optional<reference>> containers_store::find_elsewhere(std::string_view name, reference const& ref) const
{
    auto const ending = "/" + std::string(name);
    std::optional<reference> found;
    for(auto const& [text, known] : state_->snapshot.names()) {
        if(!known.name.name().ends_with(ending))
            continue;
        auto here = known.name.without_tag_and_digest();
        if(ref.has_digest())
            here = here.with_digest(ref.id().value());
        else if(ref.has_tag())
            here = here.with_tag(ref.tag()).value();
        if(found == here || !has(here))
            continue;
        if(found && (ref.is_name_only() || find(*found) != find(here)))
            return failure{error::ambiguous_reference, std::string(ref.familiar()), found->str() + ", " + here.str()};
        if(!found)
            found = std::move(here);
    }
    return found;
}

inline result<image_name> containers_store::parse_name(std::string_view text) const
{
    auto n = tarexport::parse_image_name(text);
    if(!n)
        return n;
    if(auto const* const id = std::get_if<digest>(&n->meaning)) {
        auto const& all = state_->snapshot.images();
        auto const known = std::ranges::find(all, id->hex(), &detail::containers_image::id);
        if(known == all.end())
            return n;
        auto own = id_of(static_cast<std::size_t>(known - all.begin()));
        if(!own)
            return own.error();
        n->meaning = *own;
        return n;
    }
    auto const* const repository = std::get_if<repository_name>(&n->meaning);
    auto const* const ref = repository ? &repository->base : std::get_if<reference>(&n->meaning);
    bool const is_short = ref && ref->domain() == detail::default_domain && !text.starts_with("docker.io/") &&
                          !text.starts_with("index.docker.io/");
    if(!is_short)
        return n;
    auto full = find_short(text, *ref);
    if(!full)
        return full.error();
    if(*full && repository)
        n->meaning = repository_name{**std::move(full)};
    else if(*full)
        n->meaning = **std::move(full);
    return n;
}

inline result<descriptor> containers_store::root(reference const& ref) const
{
    auto const n = find(ref);
    if(!n)
        return failure{error::unknown_reference, std::string(ref.familiar()), {}};
    auto who = identify(*n);
    if(!who)
        return who.error();
    // An image may have several manifests; that which is asked for counts, unless it is an index that the image was pulled through.
    if(ref.has_digest() && who->config)
        for(auto const& item : state_->snapshot.images()[*n].items)
            if(item.info.id.str() == ref.digest_text() && detail::is_manifest_key(item.key)) {
                auto typed = detail::content_reader<containers_store>(*this).typed(item.info, described(*n));
                if(!typed || media_type::is_manifest(typed->media_type))
                    return typed;
            }
    return who->manifest;
}

inline result<digest> containers_store::lookup(reference const& ref) const
{
    auto const d = root(ref);
    if(!d)
        return d.error();
    return chosen(*d, ref.familiar());
}

inline result<std::vector<reference>> containers_store::by_name(reference const& ref) const
{
    // In the order of bytes, nothing comes between `name:` and `name@` but what begins with one of them.
    std::string const name(ref.name());
    auto const& names = state_->snapshot.names();
    std::vector<reference> all;
    for(auto i = names.lower_bound(name + ':'); i != names.end() && i->second.name.name() == name; ++i)
        all.push_back(i->second.name);
    return all;
}

// What images are

inline result<containers_store::identity> containers_store::identify(std::size_t n) const
{
    {
        std::lock_guard const lock(state_->mutex);
        if(auto const known = state_->identities.find(n); known != state_->identities.end())
            return known->second;
    }
    auto read = read_identity(n);
    if(!read)
        return read;
    std::lock_guard const lock(state_->mutex);
    return state_->identities.try_emplace(n, *std::move(read)).first->second;
}

inline result<containers_store::identity> containers_store::read_identity(std::size_t n) const
{
    auto const& i = state_->snapshot.images()[n];
    auto item = std::ranges::find(i.items, "manifest", &detail::containers_item::key);
    if(item == i.items.end())
        item = std::ranges::find_if(i.items, [&](auto const& each) {
            return detail::is_manifest_key(each.key) && each.info.id == i.first_manifest;
        });
    if(item == i.items.end())
        return failure{error::invalid_document, state_->snapshot.root_of(i).images().str(), "no manifest for image " + i.id};
    detail::content_reader<containers_store> const reader(*this);
    auto const typed = reader.typed(item->info, described(n));
    if(!typed)
        return typed.error();
    identity who{*typed, {}};
    if(media_type::is_index(typed->media_type))
        return who;
    auto const m = reader.read_manifest(*typed, described(n));
    if(!m)
        return m.error();
    who.config = m->config;
    return who;
}

inline result<digest> containers_store::chosen(descriptor const& d, std::string_view what) const
{
    auto const found = tarexport::find_manifests(*this, d, state_->options.platforms, what);
    if(!found)
        return found.error();
    if(found->size() > 1)
        return failure{error::several_platforms, std::string(what), std::to_string(found->size()) + " images"};
    auto const m = detail::content_reader<containers_store>(*this).read_manifest(found->front(), what);
    if(!m)
        return m.error();
    return m->config.id;
}

inline result<digest> containers_store::id_of(std::size_t n) const
{
    auto const who = identify(n);
    if(!who)
        return who.error();
    return who->config ? result<digest>(who->config->id) : chosen(who->manifest, described(n));
}

// The images with this config: one, unless the engine has the same layers in several forms.
inline result<std::vector<std::size_t>> containers_store::images_of(digest const& id) const
{
    std::vector<std::size_t> found;
    std::optional<failure> unread;
    for(auto const& place : state_->snapshot.documents(id)) {
        if(!detail::is_digest_key(state_->snapshot.images()[place.image].items[place.item]))
            continue;
        auto const who = identify(place.image);
        if(!who && !unread)
            unread = who.error();
        if(who && who->config && who->config->id == id && (found.empty() || found.back() != place.image))
            found.push_back(place.image);
    }
    if(found.empty())
        return unread ? *std::move(unread) : failure{error::unknown_image, id.str(), {}};
    return found;
}

inline result<image> containers_store::load(digest const& id) const
{
    auto const found = images_of(id);
    if(!found)
        return found.error();
    auto const who = identify(found->front());
    if(!who)
        return who.error();
    manifest m;
    m.config = *who->config;
    return detail::content_reader<containers_store>(*this).read_config(m, who->manifest);
}

inline result<image> containers_store::load_image(descriptor const& manifest_descriptor) const
{
    auto const m = detail::content_reader<containers_store>(*this).read_manifest(manifest_descriptor, {});
    if(!m)
        return m.error();
    if(auto why = detail::why_no_image(*m, manifest_descriptor.media_type); !why.empty())
        return detail::no_image(manifest_descriptor, std::move(why), {});
    return load(m->config.id);
}

inline result<digest> containers_store::search(std::string_view prefix) const
{
    auto digits = prefix;
    if(digits.starts_with("sha256:"))
        digits.remove_prefix(7);
    std::set<digest> found;
    std::optional<failure> unread;
    auto const& all = state_->snapshot.images();
    for(std::size_t n = 0; n != all.size() && !digits.empty(); ++n) {
        bool const by_engine = all[n].id.starts_with(digits);
        bool const by_config = std::ranges::any_of(all[n].items, [&](auto const& item) {
            return detail::is_digest_key(item) && item.info.id.hex().starts_with(digits);
        });
        if(!by_engine && !by_config)
            continue;
        auto const id = id_of(n);
        if(!id && !unread)
            unread = id.error();
        if(id && (by_engine || id->hex().starts_with(digits)))
            found.insert(*id);
    }
    if(found.size() > 1)
        return failure{error::ambiguous_id, std::string(prefix), found.begin()->str() + ", " + std::next(found.begin())->str()};
    if(found.empty())
        return unread ? *std::move(unread) : failure{error::unknown_image, std::string(prefix), {}};
    return *found.begin();
}

// Rows are made for images; indexes only add names.
inline std::vector<listed_image> containers_store::list(std::vector<failure>& images, std::vector<failure>& indexes) const
{
    auto const& s = state_->snapshot;
    std::vector<listed_image> rows;
    std::unordered_map<digest, std::size_t> row_of;
    std::vector<std::optional<digest>> ids(s.images().size());
    for(std::size_t n = 0; n != ids.size(); ++n) {
        auto const who = identify(n);
        auto const id = id_of(n);
        if(!id)
            (who ? indexes : images).push_back(detail::about(id.error(), described(n)));
        else if(ids[n] = *id; who->config && row_of.try_emplace(*id, rows.size()).second)
            rows.push_back({*id, {}});
    }
    for(std::size_t n = 0; n != ids.size(); ++n) {
        auto const row = ids[n] ? row_of.find(*ids[n]) : row_of.end();
        for(auto const& name : s.images()[n].names)
            if(row != row_of.end() && s.names().at(name.str()).image == n)
                rows[row->second].names.push_back(name);
    }
    return rows;
}

inline std::vector<listed_image> containers_store::list(std::vector<failure>& unreadable) const
{
    std::vector<failure> indexes;
    unreadable.clear();
    auto rows = list(unreadable, indexes);
    unreadable.insert(unreadable.end(), indexes.begin(), indexes.end());
    return rows;
}

inline result<std::vector<listed_image>> containers_store::list() const
{
    std::vector<failure> images, indexes;
    auto rows = list(images, indexes);
    if(!images.empty())
        return detail::about(images.front(), std::to_string(images.size()) + " images cannot be read");
    return rows;
}

// What images are made of

inline result<containers_blob> containers_store::blob(descriptor const& d) const
{
    auto const& s = state_->snapshot;
    std::optional<failure> why;
    for(auto const& place : s.documents(d.id)) {
        auto const& i = s.images()[place.image];
        containers_blob b(d, s.root_of(i).item(i.id, i.items[place.item].key));
        auto const file = b.open_file();
        if(file)
            return b;
        if(!why)
            why = file.error();
    }
    for(auto const n : s.with_diff_id(d.id)) {
        auto const layer = state_->layers.get(n);
        if(layer && (*layer)->info.size == d.size)
            return containers_blob(d, tar_split_handle(*layer, state_->options.layers));
        if(!why)
            why = layer ? failure{error::size_mismatch, (*layer)->record.str(), detail::sizes(d.size, (*layer)->info.size)} : layer.error();
    }
    if(why)
        return *std::move(why);
    failure missing{error::missing_blob, d.id.str(), {}};
    if(auto const& pulled = s.pulled_as(d.id); !pulled.empty())
        missing.detail = "the engine has unpacked this layer and not kept the blob; as a plain tar archive it is " +
                         s.layers()[pulled.front()].diff_id.str();
    return missing;
}

inline result<containers_store::layer_list> containers_store::layers_of(image const& i) const
{
    {
        std::lock_guard const lock(state_->mutex);
        if(auto const known = state_->images.find(i.id); known != state_->images.end())
            return known->second;
    }
    auto const found = images_of(i.id);
    if(!found)
        return found.error();
    std::optional<failure> why;
    for(auto const n : *found) {
        auto all = layers_of(n, i);
        if(all) {
            std::lock_guard const lock(state_->mutex);
            return state_->images.try_emplace(i.id, *std::move(all)).first->second;
        }
        if(!why)
            why = detail::about(all.error(), described(n));
    }
    return *std::move(why);
}

inline result<containers_store::layer_list> containers_store::layers_of(std::size_t n, image const& i) const
{
    auto const chain = state_->layers.chain(state_->snapshot.images()[n].top_layer);
    if(!chain)
        return chain.error();
    if(chain->size() != i.diff_ids.size())
        return failure{error::invalid_document, i.id.str(),
            std::to_string(chain->size()) + " layers for the " + std::to_string(i.diff_ids.size()) + " diff IDs of the config"};
    layer_list all;
    for(std::size_t k = 0; k != chain->size(); ++k) {
        auto layer = state_->layers.get((*chain)[k]);
        if(!layer)
            return layer.error();
        if((*layer)->info.id.str() != i.diff_ids[k])
            return failure{error::digest_mismatch, "layer " + state_->snapshot.layers()[(*chain)[k]].id,
                "it has the diff ID " + (*layer)->info.id.str() + ", the config says " + i.diff_ids[k].substr(0, 200)};
        all.push_back(*std::move(layer));
    }
    return all;
}

inline result<tar_split_handle> containers_store::layer(image const& i, std::size_t n) const
{
    auto const what = "layer " + std::to_string(n) + " of image " + i.id.str();
    if(n >= i.diff_ids.size())
        return failure{error::missing_layer, i.id.str(), what + ": there are " + std::to_string(i.diff_ids.size())};
    auto const all = layers_of(i);
    if(!all)
        return detail::about(all.error(), what);
    if(n >= all->size() || (*all)[n]->info.id.str() != i.diff_ids[n])
        return failure{error::missing_layer, i.id.str(), what + ": the store has another image by this ID"};
    return tar_split_handle((*all)[n], state_->options.layers);
}

static_assert(store<containers_store> && content_store<containers_store> && listing_store<containers_store>);
static_assert(parses_names<containers_store> && loads_by_manifest<containers_store>);

} // namespace tarexport

#endif
