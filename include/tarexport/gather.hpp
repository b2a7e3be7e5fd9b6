//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_GATHER_HPP
#define TAREXPORT_GATHER_HPP

#include <tarexport/chain_id.hpp>
#include <tarexport/closure.hpp>
#include <tarexport/content.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/detail/content_walk.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/documents.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/image.hpp>
#include <tarexport/oci_documents.hpp>
#include <tarexport/platform.hpp>
#include <tarexport/platform_matcher.hpp>
#include <tarexport/stores.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport {

/// What a descriptor leads to.
struct gathered_content {
    content_closure closure;          ///< blobs that are to be leased have the number 0 for now
    image preferred;                  ///< the image for engines that keep one for each name
    std::vector<std::string> missing; ///< what is not in the store and has to be, each with what it belongs to
};

/** Find all that a descriptor leads to, as far as it is chosen. Leases nothing, and reads documents only.

    A manifest leads to its config and layers. An index leads to images, to the attestations of these and to other artifacts:

    | | `strict` | `prune`, `keep` |
    |---|---|---|
    | all platforms are chosen | all that it lists | the images that are whole |
    | one of several | the manifest alone stands for the name | the image |
    | some of several | `incomplete_index` | the images |

    Those chosen by name must be whole. With `prune` and `keep`, an attestation comes along if it is whole and what it is about does,
    and what is about nothing in the index if all platforms are chosen. Artifacts that are in no index are not looked for.

    @param what What the descriptor belongs to (a name), for an error.
    @param stop Looked at before each manifest; `cancelled` is the answer then.
    @return The closure and what is missing; if something is, the closure is of no use. Or `incomplete_index`, `limit_exceeded`, the errors of
    `find_manifests` and `load_image`, or why something that is there could not be read.
*/
template<content_store Store>
result<gathered_content> gather(Store const& store, descriptor const& root, content_choice const& choice,
    std::string_view what = {}, std::stop_token stop = {});

namespace detail {

// Reads indexes and remembers them.
template<content_store Store>
class index_recorder {
public:
    struct record {
        std::string text;
        index read;
    };

    explicit index_recorder(content_reader<Store> const& reader) : reader_(reader) {}

    result<index> read_index(descriptor const& d, std::string_view what) const
    {
        auto text = reader_.read_text(d, index_limits.size, what);
        if(!text)
            return text.error();
        auto read = tarexport::parse_index(*text, d.id.str());
        if(!read)
            return detail::about(read.error(), what);
        records_.insert_or_assign(d.id, record{*std::move(text), *read});
        order_.push_back(d.id);
        return read;
    }

    result<descriptor> typed(descriptor d, std::string_view what) const { return reader_.typed(std::move(d), what); }

    record const* find(digest const& id) const
    {
        auto const known = records_.find(id);
        return known == records_.end() ? nullptr : &known->second;
    }

    /// Return the indexes in the order in which they were read.
    std::vector<digest> const& order() const noexcept { return order_; }

private:
    content_reader<Store> const& reader_;
    // The walk takes its reader as constant.
    mutable std::map<digest, record> records_;
    mutable std::vector<digest> order_;
};

// An entry of an index, or a root, and all that it leads to.
struct content_part {
    descriptor entry;
    std::optional<content_document> document; // a manifest
    std::optional<image> loaded;              // of a manifest that is an image's
    std::optional<digest> subject;            // of an attestation or artifact: what it is about
    std::vector<content_blob> blobs;
    std::vector<std::string> missing;
};

template<content_store Store>
class gatherer {
public:
    gatherer(content_reader<Store> const& reader, content_choice const& choice, std::string_view what, std::stop_token stop)
        : choice_(choice)
        , what_(what)
        , stop_(std::move(stop))
        , reader_(reader)
        , indexes_(reader_)
    {
    }

    result<gathered_content> run(descriptor const& wanted)
    {
        auto root = detail::check_root(reader_, wanted, what_);
        if(!root)
            return root.error();
        auto const done = media_type::is_index(root->media_type) ? take_index(*root) : take_manifest(*root);
        if(!done)
            return done.error();
        if(out_.missing.empty())
            if(auto chosen = choose_preferred(); !chosen)
                return chosen.error();
        return std::move(out_);
    }

private:
    using part = content_part;

    result<void> take_manifest(descriptor const& root)
    {
        auto found = detail::find_directly(reader_, root, choice_.platforms, what_);
        return found ? take_alone(found->front(), std::nullopt) : result<void>(found.error());
    }

    // The manifest itself becomes the root.
    result<void> take_alone(descriptor const& manifest, std::optional<digest> original)
    {
        auto const read = read_part(manifest);
        if(!read)
            return read.error();
        out_.closure.root = (*read)->entry;
        out_.closure.original = std::move(original);
        require(**read);
        add_parts();
        return {};
    }

    result<void> take_index(descriptor const& root)
    {
        content_walk walk(indexes_, [](platform const&) { return true; });
        if(auto done = walk.enter(root, std::string(what_)); !done)
            return detail::about(done.error(), what_);
        manifest_chooser<Store> chooser(reader_, walk.manifests(), absent_manifest::is_image);
        auto const& platforms = choice_.platforms;
        if(auto done = platforms.everything ? chooser.take_all() : chooser.take_wanted(platforms, walk.missing(), root.id); !done)
            return detail::about(done.error(), what_);
        auto const& chosen = chooser.taken();
        if(chosen.empty())
            return detail::no_image(root, "the index lists no image", what_);
        bool const all = platforms.everything || (walk.missing().empty() && chooser.took_all());
        if(choice_.complete != completeness::strict)
            return take_some(root, chosen);
        if(all)
            return take_all(root);
        if(chosen.size() == 1)
            return take_alone(chosen.front(), root.id);
        return failure{error::incomplete_index, what_.empty() ? root.id.str() : std::string(what_),
            std::to_string(chosen.size()) + " platforms are chosen of " + chooser.platforms()};
    }

    result<void> take_all(descriptor const& root)
    {
        for(auto const& id : indexes_.order())
            for(auto const& e : indexes_.find(id)->read.manifests) {
                if(indexes_.find(e.id))
                    continue;
                auto const read = read_part(e);
                if(!read)
                    return read.error();
                require(**read);
            }
        return add_index(root);
    }

    result<void> take_some(descriptor const& root, std::vector<descriptor> const& chosen)
    {
        std::vector<std::string> broken;
        for(auto const& d : chosen) {
            auto const read = read_part(d);
            if(!read)
                return read.error();
            if((*read)->missing.empty() || !choice_.platforms.everything)
                require(**read);
            else
                broken.insert(broken.end(), (*read)->missing.begin(), (*read)->missing.end());
        }
        if(included_.empty())
            out_.missing = std::move(broken);
        if(auto done = take_companions(); !done)
            return done;
        return add_index(root);
    }

    // Takes what is about something that was taken, and so on.
    result<void> take_companions()
    {
        std::multimap<digest, part const*> about;
        for(auto const& id : indexes_.order())
            for(auto const& e : indexes_.find(id)->read.manifests) {
                bool const other_image = e.target && !detail::is_attestation(e) && !choice_.platforms.everything;
                if(other_image || indexes_.find(e.id) || included_.contains(e.id))
                    continue;
                auto const read = read_part(e);
                if(!read)
                    return read.error();
                auto const& p = **read;
                if(p.loaded || !p.missing.empty())
                    continue;
                if(p.subject)
                    about.emplace(*p.subject, &p);
                else if(choice_.platforms.everything)
                    require(p);
            }
        for(std::size_t i = 0; i != order_.size(); ++i) // which grows
            for(auto [at, end] = about.equal_range(order_[i]->entry.id); at != end; ++at)
                require(*at->second);
        return {};
    }

    void require(part const& p)
    {
        if(!included_.insert(p.entry.id).second)
            return;
        out_.missing.insert(out_.missing.end(), p.missing.begin(), p.missing.end());
        order_.push_back(&p);
    }

    result<void> add_index(descriptor const& root)
    {
        if(!out_.missing.empty())
            return {};
        auto written = write_index(root, true);
        if(!written)
            return detail::no_image(root, "nothing of the index is left", what_);
        out_.closure.root = *written;
        if(written->id != root.id)
            out_.closure.original = root.id;
        add_parts();
        return {};
    }

    // Adds an index and those inside it, in the form that they get. Returns its entry, or nothing where nothing of it is taken.
    std::optional<descriptor> write_index(descriptor const& entry, bool is_root = false)
    {
        if(auto const known = written_.find(entry.id); known != written_.end()) {
            if(!known->second)
                return std::nullopt;
            auto d = entry;
            d.id = known->second->id;
            d.size = known->second->size;
            return d;
        }
        auto const& record = *indexes_.find(entry.id);
        auto rest = record.read;
        rest.manifests.clear();
        auto const place = out_.closure.manifests.size();
        out_.closure.manifests.emplace_back();
        bool changed = false;
        for(auto const& e : record.read.manifests) {
            std::optional<descriptor> kept;
            if(indexes_.find(e.id))
                kept = write_index(e);
            else if(included_.contains(e.id))
                kept = e;
            changed = changed || kept != e;
            if(kept)
                rest.manifests.push_back(*std::move(kept));
        }
        std::optional<descriptor> result;
        if(!rest.manifests.empty() || !changed) {
            result = entry;
            auto text = record.text;
            if(changed && choice_.complete == completeness::prune) {
                text = render_pruned(std::move(rest), entry.id, is_root);
                result->id = tarexport::digest_of(text);
                result->size = text.size();
            }
            out_.closure.manifests[place] = {*result, std::move(text)};
        }
        else
            out_.closure.manifests.resize(place);
        written_.emplace(entry.id, result);
        return result;
    }

    static std::string render_pruned(index rest, digest const& original, bool is_root)
    {
        if(is_root)
            rest.annotations.emplace_back(original_digest_annotation, original.str());
        return tarexport::render_index(rest);
    }

    void add_parts()
    {
        if(!out_.missing.empty())
            return;
        std::set<digest> known;
        std::map<digest, std::size_t> places;
        for(auto const& d : out_.closure.manifests)
            known.insert(d.info.id);
        for(auto const* const p : order_) {
            if(p->document && known.insert(p->entry.id).second)
                out_.closure.manifests.push_back(*p->document);
            if(p->loaded)
                out_.closure.images.push_back({p->loaded->id, p->entry});
            if(p->loaded && known.insert(p->loaded->id).second) {
                descriptor d;
                d.media_type = media_type::oci_config;
                d.id = p->loaded->id;
                d.size = p->loaded->config.size();
                out_.closure.configs.push_back({std::move(d), p->loaded->config});
            }
            for(auto const& b : p->blobs)
                if(!known.contains(b.info.id))
                    add_blob_once(b, places);
        }
    }

    // What one manifest calls foreign another may not.
    void add_blob_once(content_blob const& b, std::map<digest, std::size_t>& places)
    {
        auto& blobs = out_.closure.blobs;
        auto const [at, is_new] = places.try_emplace(b.info.id, blobs.size());
        if(is_new)
            blobs.push_back(b);
        else if(!blobs[at->second].lease)
            blobs[at->second].lease = b.lease;
    }

    // Engines that keep one image for each name take this one: the first that was named, else the host's, else the first that they can load.
    result<void> choose_preferred()
    {
        std::vector<part const*> images;
        for(auto const* const p : order_)
            if(p->loaded)
                images.push_back(p);
        if(images.empty()) // a config may say of itself that it is an attestation's
            return detail::no_image(out_.closure.root, "it leads to no image", what_);
        for(auto const& matcher : detail::matchers(choice_.platforms)) {
            std::optional<std::uint64_t> least;
            part const* best = nullptr;
            for(auto const* const p : images)
                if(auto const rank = matcher.rank(*p->entry.target); rank && (!least || *rank < *least)) {
                    least = rank;
                    best = p;
                }
            if(best) {
                out_.preferred = *best->loaded;
                return {};
            }
        }
        auto const loadable = std::ranges::find_if(images, [](part const* p) { return tarexport::check_image(*p->loaded).has_value(); });
        out_.preferred = *(loadable == images.end() ? images.front() : *loadable)->loaded;
        return {};
    }

    // Reads all documents of an entry, and finds out which of its blobs are there. Each entry is read once.
    result<part const*> read_part(descriptor const& entry)
    {
        auto key = detail::content_key(entry);
        if(auto const known = parts_.find(key); known != parts_.end())
            return &known->second;
        if(stop_.stop_requested())
            return failure{error::cancelled, std::string(what_), {}};
        if(parts_.size() == manifest_count_limit)
            return failure{error::limit_exceeded, entry.id.str(), "more than " + std::to_string(manifest_count_limit) + " manifests"};
        part p;
        p.entry = entry;
        if(auto done = fill(p); !done)
            return detail::about(done.error(), what_);
        return &parts_.emplace(std::move(key), std::move(p)).first->second;
    }

    result<void> fill(part& p)
    {
        auto const listed = p.entry;
        if(listed.media_type.empty()) {
            auto typed = reader_.typed(listed, {});
            if(!typed)
                return excuse(p, typed.error(), "manifest " + listed.id.str());
            p.entry = *std::move(typed);
        }
        if(!media_type::is_manifest(p.entry.media_type))
            return add_blob(p, {p.entry, {}, {}, {}}, media_type::is_index(p.entry.media_type) ? "index" : "blob");
        auto text = reader_.read_text(p.entry, manifest_limits.size, {});
        if(!text)
            return excuse(p, text.error(), named(p, "manifest", p.entry.id));
        auto const m = tarexport::parse_manifest(*text, p.entry.id.str());
        if(!m)
            return m.error();
        p.document = content_document{p.entry, *std::move(text)};
        if(m->subject)
            p.subject = m->subject->id;
        else if(auto const about = p.entry.annotation("vnd.docker.reference.digest"))
            if(auto const id = tarexport::parse_digest(*about))
                p.subject = *id;
        bool const is_image = detail::why_no_image(*m, p.entry.media_type).empty() && !detail::is_attestation(p.entry) &&
                              !detail::is_artifact_type(p.entry.artifact_type);
        return is_image ? fill_image(p, *m) : fill_artifact(p, *m);
    }

    result<void> fill_artifact(part& p, manifest const& m)
    {
        if(auto done = add_blob(p, {m.config, {}, {}, {}}, "config"); !done)
            return done;
        for(auto const& l : m.layers)
            if(auto done = add_blob(p, {l, {}, {}, {}}, "blob"); !done)
                return done;
        return {};
    }

    result<void> fill_image(part& p, manifest const& m)
    {
        auto config = reader_.read_config(m, p.entry);
        if(!config) {
            if(auto done = excuse(p, config.error(), named(p, "config", m.config.id)); !done)
                return done;
        }
        std::vector<std::string> chains;
        if(config) {
            if(auto set = detail::set_layers(*config, m, p.entry); !set)
                return set;
            if(!p.entry.target)
                p.entry.target = detail::platform_of(*config);
            chains = tarexport::chain_ids(config->diff_ids);
            p.loaded = std::move(*config);
        }
        for(std::size_t n = 0; n != m.layers.size(); ++n) {
            content_blob layer;
            layer.info = m.layers[n];
            if(p.loaded) {
                auto const chain = tarexport::parse_digest(chains[n]);
                layer.diff_id = p.loaded->diff_ids[n];
                layer.chain = chain ? *chain : digest();
            }
            if(auto done = add_layer(p, std::move(layer), "layer " + std::to_string(n)); !done)
                return done;
        }
        return {};
    }

    result<void> add_layer(part& p, content_blob layer, std::string const& kind)
    {
        bool const foreign = media_type::is_foreign(layer.info.media_type);
        if(!foreign || choice_.foreign == foreign_layers::embed)
            return add_blob(p, std::move(layer), kind, foreign ? " (foreign, and may be left out: skip, or URL only)" : "");
        if(choice_.foreign == foreign_layers::url_only && layer.info.urls.empty())
            p.missing.push_back("the URL of " + named(p, kind, layer.info.id));
        p.blobs.push_back(std::move(layer));
        return {};
    }

    result<void> add_blob(part& p, content_blob b, std::string const& kind, std::string const& note = {})
    {
        auto const present = reader_.check_presence(b.info, {});
        auto const id = b.info.id;
        b.lease = 0;
        p.blobs.push_back(std::move(b));
        return present ? result<void>() : excuse(p, present.error(), named(p, kind, id) + note);
    }

    static std::string named(part const& p, std::string const& kind, digest const& id)
    {
        return kind + " " + id.str() +
               (p.entry.target && !detail::is_attestation(p.entry) ? " of " + tarexport::format(*p.entry.target)
                   : p.entry.id == id                             ? std::string()
                                                                  : " of manifest " + p.entry.id.str());
    }

    // That a blob is not there is not the end; anything else is.
    static result<void> excuse(part& p, failure const& why, std::string missing)
    {
        if(why.code != error::missing_blob)
            return why;
        p.missing.push_back(std::move(missing));
        return {};
    }

    content_choice const& choice_;
    std::string_view what_;
    std::stop_token stop_;
    content_reader<Store> const& reader_;
    index_recorder<Store> indexes_;
    std::map<content_key_type, part> parts_;            // all that were read
    std::set<digest> included_;                        // what is taken
    std::vector<part const*> order_;                   // the same, in their order
    std::map<digest, std::optional<descriptor>> written_; // indexes, as they become
    gathered_content out_;
};

} // namespace detail

template<content_store Store>
result<gathered_content> gather(
    Store const& store, descriptor const& root, content_choice const& choice, std::string_view what, std::stop_token stop)
{
    detail::content_reader<Store> const reader(store);
    return detail::gatherer<Store>(reader, choice, what, std::move(stop)).run(root);
}

} // namespace tarexport

#endif
