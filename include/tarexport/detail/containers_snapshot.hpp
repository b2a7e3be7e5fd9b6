//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_CONTAINERS_SNAPSHOT_HPP
#define TAREXPORT_DETAIL_CONTAINERS_SNAPSHOT_HPP

#include <tarexport/detail/containers_records.hpp>
#include <tarexport/detail/containers_root.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/reference.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tarexport::detail {

/// What the lists of some graph roots said at one time. Where two roots have the same, the first counts.
class containers_snapshot {
public:
    struct named {
        reference name;
        std::size_t image;
    };

    /// Where a document is.
    struct place {
        std::size_t image;
        std::size_t item;
    };

    /** Read the lists of all roots.

        The engine makes layers before images and removes them after; it replaces each list by a rename. So an image whose layer is not in
        the list that is read after it was being removed, and both are read again.

        @return The snapshot; `limit_exceeded`, `invalid_json`, `invalid_document`, `not_a_regular_file` or the system's error.
    */
    static result<containers_snapshot> read(std::vector<containers_root> roots)
    {
        std::vector<std::string> before;
        for(int tries = 0;; ++tries) {
            std::vector<std::string> texts;
            auto s = read_once(roots, texts);
            // What has not changed since is damage.
            if(!s || tries == 8 || s->has_all_layers() || texts == before) {
                if(s)
                    s->make_indexes();
                return s;
            }
            before = std::move(texts);
        }
    }

    std::vector<containers_root> const& roots() const noexcept { return roots_; }
    std::vector<containers_image> const& images() const noexcept { return images_; }
    std::vector<containers_layer> const& layers() const noexcept { return layers_; }

    containers_root const& root_of(containers_image const& i) const { return roots_[i.root]; }
    containers_root const& root_of(containers_layer const& l) const { return roots_[l.root]; }

    /// Return the number of the layer with an ID, or that of no layer: `layers().size()`.
    std::size_t layer(std::string const& id) const
    {
        auto const known = layer_ids_.find(id);
        return known == layer_ids_.end() ? layers_.size() : known->second;
    }

    /// Return all names, by their texts.
    std::map<std::string, named, std::less<>> const& names() const noexcept { return names_; }

    /// Return the images that were stored with a manifest or an index of this digest.
    std::vector<std::size_t> const& with_manifest(digest const& id) const { return find_all(by_manifest_, id); }

    /// Return where the documents of this digest are.
    std::vector<place> const& documents(digest const& id) const { return find_all(documents_, id); }

    /// Return the layers whose tar archive has this digest.
    std::vector<std::size_t> const& with_diff_id(digest const& id) const { return find_all(by_diff_id_, id); }

    /// Return the layers that were pulled as a blob of this digest.
    std::vector<std::size_t> const& pulled_as(digest const& id) const { return find_all(by_compressed_, id); }

private:
    template<class T>
    using index = std::unordered_map<digest, std::vector<T>>;

    template<class T>
    static std::vector<T> const& find_all(index<T> const& all, digest const& id)
    {
        static std::vector<T> const none;
        auto const known = all.find(id);
        return known == all.end() ? none : known->second;
    }

    static result<containers_snapshot> read_once(std::vector<containers_root> const& roots, std::vector<std::string>& texts)
    {
        containers_snapshot s;
        s.roots_ = roots;
        for(std::size_t n = 0; n != roots.size(); ++n)
            if(auto done = s.read_images(n, texts); !done)
                return done.error();
        for(std::size_t n = 0; n != roots.size(); ++n)
            if(auto done = s.read_layers(n, texts); !done)
                return done.error();
        return s;
    }

    template<class Record>
    static result<std::vector<Record>> read_list(path_below const& file, std::vector<std::string>& texts)
    {
        auto text = containers_root::read(file, containers_limits{}.json.size);
        if(!text)
            return text.error();
        auto records = detail::read_records<Record>(*text, file.str());
        if(!records)
            return records.error();
        // IDs are names of files.
        for(std::size_t n = 0; n != records->size(); ++n)
            if(auto const& id = (*records)[n].id; !detail::is_path_beneath(id) || id.find('/') != std::string::npos)
                return failure{error::invalid_document, file.str(), "the ID of entry " + std::to_string(n) + " is no file name"};
        texts.push_back(*std::move(text));
        return records;
    }

    result<void> read_images(std::size_t root, std::vector<std::string>& texts)
    {
        auto records = read_list<containers_image_record>(roots_[root].images(), texts);
        if(!records)
            return records.error();
        // Of entries with the same ID, the engine takes the last.
        std::unordered_map<std::string, std::size_t> known;
        for(auto& r : *records) {
            if(r.flags.incomplete)
                continue;
            auto const [at, is_new] = known.try_emplace(r.id, images_.size());
            auto i = detail::to_image(r, root);
            if(is_new)
                images_.push_back(std::move(i));
            else
                images_[at->second] = std::move(i);
        }
        return {};
    }

    result<void> read_layers(std::size_t root, std::vector<std::string>& texts)
    {
        auto records = read_list<containers_layer_record>(roots_[root].layers(), texts);
        if(!records)
            return records.error();
        for(auto& r : *records)
            if(layer_ids_.try_emplace(r.id, layers_.size()).second)
                layers_.push_back(detail::to_layer(r, root));
        return {};
    }

    bool has_all_layers() const
    {
        return std::ranges::all_of(images_, [&](auto const& i) { return i.top_layer.empty() || layer_ids_.contains(i.top_layer); });
    }

    void make_indexes()
    {
        for(std::size_t n = 0; n != images_.size(); ++n) {
            add_names(n);
            auto const& i = images_[n];
            add(by_manifest_, i.first_manifest, n);
            for(std::size_t item = 0; item != i.items.size(); ++item) {
                if(detail::is_manifest_key(i.items[item].key))
                    add(by_manifest_, i.items[item].info.id, n);
                documents_[i.items[item].info.id].push_back({n, item});
            }
        }
        for(std::size_t n = 0; n != layers_.size(); ++n) {
            add(by_diff_id_, layers_[n].diff_id, n);
            add(by_compressed_, layers_[n].compressed, n);
        }
    }

    // Of images of one root with the same name, the engine takes the last.
    void add_names(std::size_t n)
    {
        for(auto const& name : images_[n].names) {
            auto const [at, is_new] = names_.try_emplace(name.str(), named{name, n});
            if(!is_new && images_[at->second.image].root == images_[n].root)
                at->second.image = n;
        }
    }

    static void add(index<std::size_t>& all, digest const& id, std::size_t n)
    {
        if(id.empty())
            return;
        auto& found = all[id];
        if(found.empty() || found.back() != n)
            found.push_back(n);
    }

    std::vector<containers_root> roots_;
    std::vector<containers_image> images_;
    std::vector<containers_layer> layers_;
    std::unordered_map<std::string, std::size_t> layer_ids_;
    std::map<std::string, named, std::less<>> names_;
    index<std::size_t> by_manifest_;
    index<place> documents_;
    index<std::size_t> by_diff_id_;
    index<std::size_t> by_compressed_;
};

} // namespace tarexport::detail

#endif
