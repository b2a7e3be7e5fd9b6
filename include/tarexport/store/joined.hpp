//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_STORE_JOINED_HPP
#define TAREXPORT_STORE_JOINED_HPP

#include <tarexport/descriptor.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/image.hpp>
#include <tarexport/reference.hpp>
#include <tarexport/stores.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tarexport {

/** Several stores of one kind as one: a thin archive and its base, or many archives that become one.

    What several have, the first one gives. A layer that a store lacks is looked for in the others: under the same image, and then by
    its diff ID under every image that they list. Models those store concepts that its parts model.

    @par Example
    @code
    joined_store all(std::move(archives));       // std::vector<archive_store>
    tarexport::save(all, tarexport::names("app:1.1"), out);
    @endcode

    Owns its parts. Handles stay valid as long as those of the parts do.

    @par Thread Safety
    All members but assignment may be called from several threads, if those of the parts may.
*/
template<class Store>
requires store<Store> && listing_store<Store>
class joined_store {
public:
    /// Construct from stores, those that come first in doubt first.
    explicit joined_store(std::vector<Store> parts) : state_(std::make_shared<state>(std::move(parts))) {}

    /// Return the stores.
    std::vector<Store> const& parts() const noexcept { return state_->parts; }

    result<image> load(digest const& id) const
    {
        return first(failure{error::unknown_image, id.str(), {}}, [&](Store const& s) { return s.load(id); });
    }

    /// Return the one image of all stores whose ID begins so, or `unknown_image` or `ambiguous_id`.
    result<digest> search(std::string_view prefix) const
    {
        std::optional<digest> found;
        for(auto const& s : parts()) {
            auto id = s.search(prefix);
            if(!id && id.error().code != condition::not_found)
                return id;
            if(id && found && *found != *id)
                return failure{error::ambiguous_id, std::string(prefix), found->str() + " and " + id->str()};
            if(id)
                found = *id;
        }
        return found ? result<digest>(*found) : failure{error::unknown_image, std::string(prefix), {}};
    }

    result<digest> lookup(reference const& ref) const
    {
        return first(unknown(ref), [&](Store const& s) { return s.lookup(ref); });
    }

    result<std::vector<reference>> by_name(reference const& ref) const
    {
        std::vector<reference> all;
        for(auto const& s : parts()) {
            auto some = s.by_name(ref);
            if(!some)
                return some;
            all.insert(all.end(), some->begin(), some->end());
        }
        std::ranges::sort(all);
        all.erase(std::unique(all.begin(), all.end()), all.end());
        return all;
    }

    /** Return a lease on a layer, from the first store that has it.
        @return It; or what the first store that has the image says, `missing_layer` for instance.
    */
    result<handle_of<Store>> layer(image const& i, std::size_t n) const
    {
        std::optional<failure> why;
        for(auto const& s : parts()) {
            // Stores may have an image's layers in different forms, which its loaded value tells.
            auto const own = s.load(i.id);
            auto leased = own ? s.layer(*own, n) : result<handle_of<Store>>(own.error());
            if(leased)
                return leased;
            if(own && !why)
                why = leased.error();
        }
        if(n < i.diff_ids.size())
            for(auto const& p : places_of(i.diff_ids[n]))
                if(auto leased = parts()[p.part].layer(*p.of, p.number))
                    return leased;
        return why ? *why : failure{error::unknown_image, i.id.str(), {}};
    }

    /** Return all images, store by store, each once with the names that it has anywhere.

        @return The rows; `ambiguous_reference` where stores give one name to different images, which a listing cannot tell; or what a
        store says.
    */
    result<std::vector<listed_image>> list() const
    {
        std::vector<listed_image> rows;
        std::unordered_map<digest, std::size_t> row_of;
        std::map<std::string, digest> owners;
        for(auto const& s : parts()) {
            auto some = s.list();
            if(!some)
                return some;
            for(auto& row : *some) {
                auto const [known, is_new] = row_of.try_emplace(row.id, rows.size());
                if(is_new)
                    rows.push_back({row.id, {}});
                for(auto& name : row.names) {
                    auto const [owner, is_new_name] = owners.try_emplace(name.str(), row.id);
                    if(owner->second != row.id)
                        return failure{error::ambiguous_reference, std::string(name.familiar()),
                            "two images have this name: " + owner->second.str() + " and " + row.id.str()};
                    if(is_new_name)
                        rows[known->second].names.push_back(std::move(name));
                }
            }
        }
        return rows;
    }

    result<image_name> parse_name(std::string_view text) const
    requires parses_names<Store>
    {
        return first(failure{error::unknown_reference, std::string(text), {}}, [&](Store const& s) { return s.parse_name(text); });
    }

    result<descriptor> root(reference const& ref) const
    requires has_roots<Store>
    {
        return first(unknown(ref), [&](Store const& s) { return s.root(ref); });
    }

    auto blob(descriptor const& d) const
    requires has_blobs<Store>
    {
        using leased = decltype(parts().front().blob(d));
        std::optional<failure> why;
        for(auto const& s : parts()) {
            auto got = s.blob(d);
            if(got)
                return got;
            if(!why || why->code == error::missing_blob)
                why = got.error();
        }
        return why ? leased(*why) : leased(failure{error::missing_blob, d.id.str(), {}});
    }

    std::optional<digest> parent_of(digest const& id) const
    requires tells_parents<Store>
    {
        for(auto const& s : parts())
            if(auto parent = s.parent_of(id))
                return parent;
        return std::nullopt;
    }

    result<descriptor> manifest_of(digest const& id) const
    requires has_manifests<Store>
    {
        return first(failure{error::unknown_image, id.str(), {}}, [&](Store const& s) { return s.manifest_of(id); });
    }

    result<image> load_image(descriptor const& d) const
    requires loads_by_manifest<Store>
    {
        return first(failure{error::missing_blob, d.id.str(), {}}, [&](Store const& s) { return s.load_image(d); });
    }

private:
    // Where a layer may be.
    struct place {
        std::size_t part;
        std::shared_ptr<image const> of;
        std::size_t number;
    };

    struct state {
        explicit state(std::vector<Store> p) : parts(std::move(p)) {}

        std::vector<Store> parts;
        std::once_flag indexed;
        std::unordered_map<std::string, std::vector<place>> places; // by diff ID
    };

    static failure unknown(reference const& ref) { return {error::unknown_reference, std::string(ref.familiar()), {}}; }

    static bool is_elsewhere(failure const& why)
    {
        return why.code == condition::not_found || why.code == error::missing_blob;
    }

    // The first answer that is not "not here"; `otherwise` where all say that.
    template<class Ask>
    auto first(failure otherwise, Ask ask) const -> decltype(ask(std::declval<Store const&>()))
    {
        for(auto const& s : parts())
            if(auto answer = ask(s); answer || !is_elsewhere(answer.error()))
                return answer;
        return otherwise;
    }

    // An image that cannot be read now gives no layer; that is told where a layer is then not found.
    std::vector<place> const& places_of(std::string const& diff_id) const
    {
        static std::vector<place> const none;
        std::call_once(state_->indexed, [this] {
            for(std::size_t p = 0; p != parts().size(); ++p)
                if(auto const rows = parts()[p].list())
                    for(auto const& row : *rows)
                        if(auto loaded = parts()[p].load(row.id)) {
                            auto const of = std::make_shared<image const>(std::move(*loaded));
                            for(std::size_t n = 0; n != of->diff_ids.size(); ++n)
                                state_->places[of->diff_ids[n]].push_back({p, of, n});
                        }
        });
        auto const found = state_->places.find(diff_id);
        return found == state_->places.end() ? none : found->second;
    }

    std::shared_ptr<state> state_;
};

template<class Store>
joined_store(std::vector<Store>) -> joined_store<Store>;

} // namespace tarexport

#endif
