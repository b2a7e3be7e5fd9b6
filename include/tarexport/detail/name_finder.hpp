//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_NAME_FINDER_HPP
#define TAREXPORT_DETAIL_NAME_FINDER_HPP

#include <tarexport/boxed_optional.hpp>
#include <tarexport/closure.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/detail/content_reader.hpp>
#include <tarexport/detail/content_walk.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/gather.hpp>
#include <tarexport/image.hpp>
#include <tarexport/names.hpp>
#include <tarexport/platform.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/stores.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace tarexport::detail {

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

/// Counts what an archive will have: all its documents are in memory, and a store may have as many images as it likes.
class image_count {
public:
    /// Add an image. @return `limit_exceeded` where that is too much.
    result<void> add(digest const& id, std::size_t document_bytes, std::size_t layers)
    {
        document_bytes_ += document_bytes;
        layers_ += layers;
        if(document_bytes_ <= most_document_bytes && layers_ <= most_layers) {
            ++images_;
            return {};
        }
        return failure{error::limit_exceeded, id.str(),
            "with " + std::to_string(images_) + " images before it, the documents have more than " +
                std::to_string(most_document_bytes) + " bytes, or there are more than " + std::to_string(most_layers) +
                " layers; save fewer images at once"};
    }

    result<void> add(image const& i) { return add(i.id, i.config.size(), i.diff_ids.size()); }

private:
    static constexpr std::size_t most_document_bytes = std::size_t{256} << 20;
    static constexpr std::size_t most_layers = 1'000'000;

    std::size_t images_ = 0;
    std::size_t document_bytes_ = 0;
    std::size_t layers_ = 0;
};

/// What names lead to: an image's ID, an image that had to be read for that, or the root of a closure.
struct found_image {
    std::string what;                           ///< the first name that led there, as the store was asked for it, or the ID
    std::size_t name = 0;                       ///< the number of that name in the request
    digest id;                                  ///< of the image; of a root, its own
    boxed_optional<image> loaded = std::nullopt;
    std::optional<descriptor> root = std::nullopt;
    bool any_platform = false;                  ///< whether the root is taken whatever platforms are chosen
    std::vector<reference> tags = {};
    std::vector<reference> digest_references = {};
};

/// Put the name in front of what a store says about something of it.
inline failure about_name(std::string const& name, failure f)
{
    if(f.subject.empty() || f.subject == name)
        f.subject = name;
    else
        f.subject = name + ": " + f.subject;
    return f;
}

/** Finds what names stand for, by the rules of `docker save` (moby v27.3.1, `parseNames`), and which tags each gets.

    Reads documents only where a store can tell in no other way which image a name stands for.
*/
template<bool KeepManifests, store Store>
class name_finder {
public:
    static constexpr bool gathers = KeepManifests && blob_store<Store>;
    using reader = typename reader_of<Store>::type;

    name_finder(Store const& s, content_choice const& choice, reader& r, image_count& count, std::stop_token stop)
        : store_(s), choice_(choice), reader_(r), count_(count), stop_(std::move(stop))
    {
    }

    /// Return all, in the order in which the names first lead there, each once.
    result<std::deque<found_image>> run(names const& requested)
    {
        if(requested.empty())
            return failure{error::no_names, {}, {}};
        for(auto const& name : requested) {
            if(auto added = add(name); !added)
                return added.error();
            ++name_;
        }
        return std::move(found_);
    }

private:
    // One image that a name leads to, and the reference that led there, if any.
    struct lead {
        std::size_t image;
        std::optional<reference> via;
    };

    result<void> add(requested_name const& name)
    {
        if(stop_.stop_requested())
            return failure{error::cancelled, name.text, {}};
        auto parsed = parse(name.text);
        if(!parsed)
            return about_name(name.text.empty() ? "\"\"" : name.text, parsed.error());
        std::vector<lead> all;
        auto done = std::visit([&](auto const& meaning) { return find(meaning, name.text, all); }, parsed->meaning);
        if(!done)
            return about_name(name.text, done.error());
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

    result<void> find(digest const& id, std::string const&, std::vector<lead>& all) { return find_id(id, all); }

    result<void> find(id_prefix const& prefix, std::string const&, std::vector<lead>& all)
    {
        auto id = store_.search(prefix.text);
        return id ? find_id(*id, all) : result<void>(id.error());
    }

    result<void> find(repository_name const& repository, std::string const& text, std::vector<lead>& all)
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

    result<void> find(reference const& ref, std::string const&, std::vector<lead>& all)
    {
        if constexpr(content_store<Store>) {
            auto root = store_.root(ref);
            return root ? keep_root(std::move(*root), false, std::string(ref.familiar()), all, ref) : root.error();
        }
        else {
            auto id = store_.lookup(ref);
            return id ? find_id(*id, all, ref) : result<void>(id.error());
        }
    }

    result<void> find_id(digest const& id, std::vector<lead>& all, std::optional<reference> via = std::nullopt)
    {
        if(auto const known = by_id_.find(id); known != by_id_.end())
            all.push_back({known->second, std::move(via)});
        else if constexpr(gathers && has_manifests<Store>) {
            auto root = store_.manifest_of(id);
            // An ID stands for its image whatever the platform.
            return root ? keep_root(std::move(*root), true, id.str(), all, std::move(via)) : root.error();
        }
        else {
            by_id_.emplace(id, found_.size());
            keep({via ? std::string(via->familiar()) : id.str(), name_, id}, all, std::move(via));
        }
        return {};
    }

    // Each root that is gathered is an image of its own, even where others lead to the same config.
    result<void> keep_root(
        descriptor root, bool any_platform, std::string what, std::vector<lead>& all, std::optional<reference> via)
    {
        auto const [known, is_new] = by_root_.try_emplace(detail::content_key(root), found_.size());
        if(!is_new) {
            all.push_back({known->second, std::move(via)});
            return {};
        }
        found_image f{std::move(what), name_, root.id};
        f.any_platform = any_platform;
        if constexpr(!gathers) {
            auto loaded = load(root, f.what);
            if(!loaded)
                return loaded.error();
            f.id = loaded->id;
            if(auto const same = by_id_.try_emplace(f.id, found_.size()); !same.second) {
                known->second = same.first->second;
                all.push_back({known->second, std::move(via)});
                return {};
            }
            if(auto fit = tarexport::check_image(*loaded); !fit)
                return fit;
            if(auto fit = count_.add(*loaded); !fit)
                return fit;
            f.loaded = std::move(*loaded);
        }
        f.root = std::move(root);
        keep(std::move(f), all, std::move(via));
        return {};
    }

    void keep(found_image f, std::vector<lead>& all, std::optional<reference> via)
    {
        all.push_back({found_.size(), std::move(via)});
        found_.push_back(std::move(f));
    }

    result<image> load(descriptor const& root, std::string const& what)
    {
        reader_.begin_root();
        auto manifests = detail::find_manifests(reader_, root, choice_.platforms, {});
        if(!manifests)
            return manifests.error();
        if(manifests->size() > 1)
            return failure{error::several_platforms, what, platforms_of(*manifests)};
        return load_by(manifests->front());
    }

    // A reference by digest selects an image but is no tag of it (moby: only tags are recorded).
    result<void> keep_tags(std::vector<lead> const& all)
    {
        for(auto const& f : all) {
            if(!f.via)
                continue;
            if(f.via->has_digest()) {
                // Thousands may lead to one image.
                if(auto ref = f.via->without_tag(); digest_owners_.emplace(f.image, ref.str()).second)
                    found_[f.image].digest_references.push_back(std::move(ref));
            }
            else if(auto tagged = tag(f.image, *f.via); !tagged)
                return tagged;
        }
        return {};
    }

    result<void> rename(requested_name const& name, std::vector<lead> const& all)
    {
        auto as = tarexport::parse_reference(*name.as);
        if(!as)
            return about_name(name.text + "=" + *name.as, as.error());
        if(as->has_digest())
            return failure{error::invalid_reference, *name.as, "a new name has a tag, not a digest"};
        if(as->has_tag() && std::ranges::any_of(all, [&](lead const& f) { return f.image != all.front().image; }))
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
            found_[image].tags.push_back(name);
        else if(known->second != image)
            return failure{error::ambiguous_reference, std::string(name.familiar()),
                "two images would get this name: " + described(found_[known->second]) + " and " + described(found_[image])};
        return {};
    }

    static std::string described(found_image const& f)
    {
        auto const id = f.id.str();
        return f.what == id ? id : f.what + " (" + id + ")";
    }

    static std::string platforms_of(std::vector<descriptor> const& manifests)
    {
        std::string text;
        for(auto const& m : manifests)
            text += (text.empty() ? "" : ", ") + (m.target ? tarexport::format(*m.target) : m.id.str());
        return text;
    }

    Store const& store_;
    content_choice const& choice_;
    reader& reader_;
    image_count& count_;
    std::stop_token stop_;
    std::size_t name_ = 0; // the number of the name that is looked for
    std::deque<found_image> found_;
    std::unordered_map<digest, std::size_t> by_id_;
    std::map<content_key_type, std::size_t> by_root_; // many names may lead to one root
    std::map<std::string, std::size_t> owners_;                   // of tags
    std::set<std::pair<std::size_t, std::string>> digest_owners_; // of references with a digest
};

} // namespace tarexport::detail

#endif
