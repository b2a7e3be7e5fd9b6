//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_STORE_IMPL_ARCHIVE_HPP
#define TAREXPORT_STORE_IMPL_ARCHIVE_HPP

#include <tarexport/content.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/detail/archive_contents.hpp>
#include <tarexport/detail/archive_images.hpp>
#include <tarexport/detail/archive_index.hpp>
#include <tarexport/detail/docker_manifest.hpp>
#include <tarexport/detail/legacy_images.hpp>
#include <tarexport/detail/oci_folder.hpp>
#include <tarexport/detail/oci_roots.hpp>
#include <tarexport/detail/oci_scan.hpp>
#include <tarexport/detail/posix_archive.hpp>
#include <tarexport/detail/short_list.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/image.hpp>
#include <tarexport/oci_documents.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/store/archive.hpp>
#include <tarexport/stores.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport {

inline result<archive_blob_source> archive_blob::open(std::uint64_t offset) const
{
    auto const& place = blob_->place;
    auto const size = place.size();
    if(offset > size)
        return failure{error::range_out_of_bounds, subject(), "it has " + std::to_string(size) + " bytes"};
    if(place.text) {
        auto const rest = to_bytes(*place.text).subspan(static_cast<std::size_t>(offset));
        return archive_blob_source(detail::blob_source(place.text, rest, subject()));
    }
    return archive_blob_source(detail::blob_source(blob_->file, place.extent.offset + offset, size - offset, subject()));
}

// Opening

inline result<archive_store> archive_store::open(std::string const& path, archive_options options)
{
    auto file = detail::open_archive(path, {options.spool_directory, options.spool_limit});
    return make(std::move(file), path, std::move(options));
}

inline result<archive_store> archive_store::open(int descriptor, std::string const& name, archive_options options)
{
    auto file = detail::open_archive(descriptor, name, {options.spool_directory, options.spool_limit});
    return make(std::move(file), name, std::move(options));
}

inline result<archive_store> archive_store::make(
    result<detail::shared_file> file, std::string const& path, archive_options options)
{
    if(!file)
        return std::move(file).error();
    auto index = detail::archive_index::read(detail::file_reader(*file), path);
    if(!index)
        return std::move(index).error();
    auto s = std::make_shared<state>(*std::move(file), path, *std::move(index), std::move(options));
    s->remarks = s->contents.index().remarks();
    if(auto read = read_lists(*s); !read)
        return std::move(read).error();
    return archive_store(std::move(s));
}

inline result<void> archive_store::read_lists(state& s)
{
    auto const& index = s.contents.index();
    auto const& path = s.contents.path();
    bool const layout = index.has("oci-layout"), list = index.has("index.json"), docker = index.has("manifest.json");
    if(layout && list) {
        if(auto read = read_index(s); !read)
            return read;
    }
    else if(layout || list) {
        std::string const lacking = layout ? "index.json" : "oci-layout";
        if(!docker)
            return failure{error::not_a_layout, path, "no entry " + lacking};
        s.remarks.push_back("there is no " + lacking + ", so only manifest.json counts");
    }
    if(docker) {
        auto const text = s.contents.read("manifest.json", detail::docker_manifest_limits.size);
        if(!text)
            return text.error();
        auto const read = detail::parse_docker_manifest(*text, index.subject("manifest.json"));
        if(!read)
            return read.error();
        if(read->goes_on)
            s.remarks.push_back("manifest.json goes on behind its list; that is not read");
        s.images = detail::docker_images_reader(s.contents).run(*read);
    }
    else if(list)
        s.images = detail::archive_images();
    else if(!index.has("repositories") && index.directories_with("json").empty())
        return failure{error::unsupported_store, path,
            index.empty() ? "it has no entries"
                          : "no archive of images: neither manifest.json nor index.json with oci-layout nor repositories"};
    return {};
}

inline result<void> archive_store::read_index(state& s)
{
    auto const& index = s.contents.index();
    auto const layout = s.contents.read("oci-layout", layout_limits.size);
    if(!layout)
        return layout.error();
    if(auto good = tarexport::check_layout(*layout, index.subject("oci-layout")); !good)
        return good;
    auto const text = s.contents.read("index.json", index_limits.size);
    if(!text)
        return text.error();
    auto read = tarexport::parse_index(*text, index.subject("index.json"));
    if(!read)
        return read.error();
    auto roots = detail::oci_roots::make(std::move(read->manifests), s.options.repository);
    if(!roots)
        return roots.error();
    s.roots = *std::move(roots);
    s.is_layout = true;
    return {};
}

inline result<detail::archive_images const*> archive_store::images() const
{
    std::lock_guard const lock(state_->mutex);
    if(!state_->images)
        state_->images = detail::legacy_images_reader(state_->contents).run();
    auto const& read = *state_->images;
    return read ? result<detail::archive_images const*>(&*read) : read.error();
}

// Blobs

inline result<archive_blob> archive_store::blob(descriptor const& d) const
{
    auto place = state_->contents.find(d);
    if(!place && place.error().code == error::missing_blob && make_manifests())
        place = state_->contents.find(d);
    if(!place && place.error().code == error::missing_blob) {
        auto why = detail::absent_blob(place.error().subject, d);
        return state_->contents.index().has("thin.json")
            ? detail::about(std::move(why), "this is a thin archive, which leaves out what its base has")
            : why;
    }
    if(!place)
        return std::move(place).error();
    return archive_blob({state_->contents.fd(), *std::move(place), d});
}

// Finds out the digests of all layers where nothing but their images tells them. Returns whether that is news.
inline bool archive_store::make_manifests() const
{
    auto const all = images();
    if(!all || state_->is_layout)
        return false;
    {
        std::lock_guard const lock(state_->mutex);
        if(state_->made_all)
            return false;
    }
    for(auto const& i : (*all)->all())
        (void)state_->contents.make_manifest(i);
    std::lock_guard const lock(state_->mutex);
    state_->made_all = true;
    return true;
}

inline result<archive_blob> archive_store::layer(image const& i, std::size_t n) const
{
    auto const what = "layer " + std::to_string(n) + " of image " + i.id.str();
    if(n >= i.layers.size())
        return failure{error::missing_layer, i.id.str(), what + ": there are " + std::to_string(i.layers.size())};
    auto lease = blob(i.layers[n]);
    return lease ? std::move(lease) : result<archive_blob>(detail::about(lease.error(), what));
}

// What names stand for

inline result<archive_store::meaning> archive_store::named(reference const& ref) const
{
    meaning m;
    if(ref.has_digest()) {
        auto root = state_->roots.by_digest(*this, ref);
        if(!root)
            return std::move(root).error();
        m.root = *std::move(root);
        return m;
    }
    auto const all = images();
    if(!all)
        return all.error();
    auto const entries = state_->roots.named(ref);
    auto const found = (*all)->named(ref.with_default_tag());
    if(entries.empty() && found.empty())
        return failure{error::unknown_reference, std::string(ref.familiar()),
            detail::names_instead(by_name(ref).value(), bare_tags(), "archive")};
    if(found.size() > 1)
        return failure{error::ambiguous_reference, std::string(ref.familiar()), found[0]->id.str() + ", " + found[1]->id.str()};
    if(!found.empty())
        m.image = found.front();
    if(entries.empty())
        return m;
    auto root = detail::oci_roots::only_one(entries, ref);
    if(!root)
        return std::move(root).error();
    m.root = *std::move(root);
    if(!m.image || m.image->id.empty())
        return m;
    auto const same = leads_to(*m.root, m.image->id);
    if(!same)
        return same.error();
    if(!*same)
        return failure{error::ambiguous_reference, std::string(ref.familiar()),
            "manifest.json gives it to image " + m.image->id.str() + ", index.json to " + m.root->id.str() + ", which is another"};
    return m;
}

// Whether an entry of index.json is this image, or an index that has it.
inline result<bool> archive_store::leads_to(descriptor const& root, digest const& id) const
{
    auto const found = detail::oci_scan(*this).run({{root, {}}}, path());
    if(std::ranges::find(found.images, id, &detail::oci_contents::found::id) != found.images.end())
        return true;
    if(!found.unreadable.empty())
        return found.unreadable.front();
    return false;
}

inline result<descriptor> archive_store::root(reference const& ref) const
{
    auto const m = named(ref);
    if(!m)
        return m.error();
    if(m->root)
        return *m->root;
    return m->image->broken ? *m->image->broken : manifest_of(m->image->id);
}

inline result<digest> archive_store::lookup(reference const& ref) const
{
    auto const m = named(ref);
    if(!m)
        return m.error();
    if(m->root)
        return state_->indexed.chosen(detail::content_reader(*this), *m->root, state_->options.platforms, ref.familiar());
    return m->image->broken ? result<digest>(*m->image->broken) : m->image->id;
}

inline result<std::vector<reference>> archive_store::by_name(reference const& ref) const
{
    auto const all = images();
    if(!all)
        return all.error();
    std::vector<reference> names;
    state_->roots.add_names(ref, names);
    for(auto const& i : (*all)->all())
        for(auto const& name : i.names)
            if(name.name() == ref.name())
                names.push_back(name);
    std::ranges::sort(names);
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

// Images

inline result<descriptor> archive_store::manifest_of(digest const& id) const
{
    if(auto const known = state_->indexed.manifest_of(id))
        return *known;
    auto const all = images();
    if(!all)
        return all.error();
    auto const& listed = scan().images;
    if(auto const found = std::ranges::find(listed, id, &detail::oci_contents::found::id); found != listed.end())
        return state_->indexed.remember(id, found->manifest);
    auto const* const i = (*all)->find(id);
    if(!i)
        return failure{error::unknown_image, id.str(), unreadable_entries()};
    auto made = state_->contents.make_manifest(*i);
    return made ? state_->indexed.remember(id, *made) : made;
}

inline result<image> archive_store::load(digest const& id) const
{
    auto const d = manifest_of(id);
    if(!d)
        return d.error();
    auto loaded = tarexport::load_image(*this, *d);
    // Several manifests may have this config, and some of them may be damaged.
    for(auto const& i : scan().images)
        if(!loaded && i.id == id && i.manifest.id != d->id)
            if(auto other = tarexport::load_image(*this, i.manifest))
                loaded = std::move(other);
    if(loaded)
        loaded->parent = parent_of(id);
    return loaded;
}

inline std::optional<digest> archive_store::parent_of(digest const& id) const
{
    auto const all = images();
    auto const* const i = all ? (*all)->find(id) : nullptr;
    return i ? i->parent : std::nullopt;
}

inline result<digest> archive_store::search(std::string_view prefix) const
{
    auto const colon = prefix.find(':');
    auto const algorithm = colon == std::string_view::npos ? std::string_view() : prefix.substr(0, colon);
    auto const digits = prefix.substr(colon == std::string_view::npos ? 0 : colon + 1);
    auto const all = images();
    if(!all)
        return all.error();
    std::set<digest> found;
    auto const look_at = [&](digest const& id) {
        bool const fits = (algorithm.empty() || algorithm == name_of(id.algorithm())) && id.hex().starts_with(digits);
        if(fits && !digits.empty())
            found.insert(id);
    };
    for(auto const& i : (*all)->all())
        if(!i.id.empty())
            look_at(i.id);
    for(auto const& i : scan().images)
        look_at(i.id);
    if(found.empty())
        return failure{error::unknown_image, std::string(prefix), unreadable_entries()};
    if(found.size() > 1)
        return failure{error::ambiguous_id, std::string(prefix), found.begin()->str() + ", " + std::next(found.begin())->str()};
    return *found.begin();
}

// Lists

// The names that entries of index.json give, by the image that `lookup` finds, or the first that the entry leads to.
inline std::map<digest, std::vector<reference>> archive_store::names_in_index() const
{
    std::map<digest, std::vector<reference>> names;
    std::map<detail::content_key_type, digest> meant;
    detail::content_reader const documents(*this, detail::store_budget);
    auto const& all = scan();
    std::set<digest> here;
    for(auto const& i : all.images)
        here.insert(i.id);
    for(std::size_t n = 0; n != state_->roots.all().size(); ++n) {
        auto const& r = state_->roots.all()[n];
        auto const& first = all.first[n];
        if(!r.name || !first)
            continue;
        auto const [id, is_new] = meant.try_emplace(detail::content_key(r.entry), *first);
        if(is_new)
            if(auto const best = state_->indexed.chosen(documents, r.entry, state_->options.platforms, r.name->familiar());
                best && here.contains(*best))
                id->second = *best;
        auto& known = names[id->second];
        if(std::ranges::find(known, *r.name) == known.end())
            known.push_back(*r.name);
    }
    return names;
}

inline std::vector<listed_image> archive_store::list(std::vector<failure>& unreadable) const
{
    auto const all = images();
    if(!all) {
        unreadable = {all.error()};
        return {};
    }
    unreadable = (*all)->refused();
    auto const& index = scan();
    unreadable.insert(unreadable.end(), index.unreadable.begin(), index.unreadable.end());
    std::vector<listed_image> rows;
    std::map<digest, std::size_t> row_of;
    std::set<reference> in_manifest;
    for(auto const& i : (*all)->all()) {
        in_manifest.insert(i.names.begin(), i.names.end());
        if(!i.broken && row_of.try_emplace(i.id, rows.size()).second)
            rows.push_back({i.id, i.names});
    }
    for(auto const& i : index.images)
        if(row_of.try_emplace(i.id, rows.size()).second)
            rows.push_back({i.id, {}});
    for(auto& [id, names] : names_in_index())
        for(auto& name : names)
            if(auto& known = rows[row_of.at(id)].names; std::ranges::find(known, name) == known.end())
                known.push_back(std::move(name));
    return rows;
}

inline result<std::vector<listed_image>> archive_store::list() const
{
    std::vector<failure> unreadable;
    auto rows = list(unreadable);
    if(!unreadable.empty())
        return detail::about(unreadable.front(),
            std::to_string(unreadable.size()) + (unreadable.size() == 1 ? " image or name" : " images or names") +
                " cannot be read");
    return rows;
}

inline std::vector<std::string> archive_store::remarks() const
{
    auto all = state_->remarks;
    bool const both = state_->is_layout && state_->contents.index().has("manifest.json");
    if(auto const known = images(); known && both)
        compare(**known, all);
    return all;
}

// Tells where manifest.json and index.json differ.
inline void archive_store::compare(detail::archive_images const& images, std::vector<std::string>& remarks) const
{
    auto const tell = [&](detail::short_list const& which, std::string_view what) {
        if(!which.empty())
            remarks.push_back(std::string(what) + ": " + which.str());
    };
    auto const& index = scan();
    auto const names = names_in_index();
    detail::content_reader const documents(*this, detail::store_budget);
    detail::short_list only_here, only_there, names_here, names_there, other_layers;
    std::set<digest> there;
    for(auto const& i : index.images)
        there.insert(i.id);
    for(auto const& i : images.all()) {
        if(i.broken)
            continue;
        if(!there.contains(i.id)) {
            only_here.add(detail::archive_contents::called(i));
            continue;
        }
        auto const known = names.find(i.id);
        for(auto const& name : i.names)
            if(known == names.end() || std::ranges::find(known->second, name) == known->second.end())
                names_here.add(name.familiar());
        auto const found = std::ranges::find(index.images, i.id, &detail::oci_contents::found::id);
        auto const m = documents.read_manifest(found->manifest, path());
        for(std::size_t n = 0; m && n != i.layers.size() && n != m->layers.size(); ++n) {
            auto const ours = state_->contents.index().find(i.layers[n]);
            auto const theirs = state_->contents.find(m->layers[n]);
            if(ours && theirs && *ours != theirs->extent) {
                other_layers.add(detail::archive_contents::called(i));
                break;
            }
        }
    }
    std::set<digest> told;
    for(auto const& i : index.images)
        if(!images.find(i.id) && told.insert(i.id).second)
            only_there.add(i.id.str());
    for(auto const& [id, known] : names)
        if(auto const* const i = images.find(id))
            for(auto const& name : known)
                if(std::ranges::find(i->names, name) == i->names.end())
                    names_there.add(name.familiar());
    tell(only_here, "only manifest.json has these images, their manifests are made");
    tell(only_there, "only index.json leads to these images");
    tell(names_here, "only manifest.json has these names");
    tell(names_there, "only index.json has these names");
    tell(other_layers, "manifest.json and the manifests have different files for layers of these images, those of the manifests count");
}

static_assert(store<archive_store> && content_store<archive_store> && listing_store<archive_store>);
static_assert(view_source<archive_blob_source> && extent_source<archive_blob_source> && has_subject<archive_blob_source>);

} // namespace tarexport

#endif
