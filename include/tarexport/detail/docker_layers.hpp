//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_DOCKER_LAYERS_HPP
#define TAREXPORT_DETAIL_DOCKER_LAYERS_HPP

#include <tarexport/detail/docker_root.hpp>
#include <tarexport/detail/short_list.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/shared_directory.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tarexport::detail {

inline constexpr std::size_t docker_layers_limit = 250; // in one image; the engine stops at 125

// What the layer database says of a layer, all of it checked.
struct docker_layer {
    digest diff_id;
    std::string parent; // chain ID; empty for a bottom layer
    std::string cache_id;
};

/** The layers that dockerd has unpacked, by chain ID: `layerdb`.

    What was read once is kept. The files of a layer are found without the symlinks that the overlay drivers keep: a layer's
    parents are in the database, and so are the directories that they have.

    @par Thread Safety
    Const members may be called from several threads.
    @see https://github.com/moby/moby/blob/v27.3.1/layer/filestore.go
*/
class docker_layers {
public:
    explicit docker_layers(docker_root root) : root_(std::move(root)) {}

    // Where the record of a layer is, and its trees: its own first, then those of the layers below it, nearest first.
    struct place {
        path_below record;
        std::vector<path_below> trees;
    };

    /** Find the top layer of a chain.

        @param diff_ids Of the layers, bottom first; at least one.
        @param chain_ids As many.
        @return Where it is; or `missing_layer`, `digest_mismatch` (what the database says is another layer, or another one
        below), `invalid_document`, `limit_exceeded`, `not_a_regular_file` or the system's error, with the path as subject.
    */
    result<place> find(std::span<std::string const> diff_ids, std::span<std::string const> chain_ids) const
    {
        if(diff_ids.size() > docker_layers_limit)
            return failure{error::limit_exceeded, folder(chain_ids.back()).str(),
                "more than " + std::to_string(docker_layers_limit) + " layers"};
        place found{folder(chain_ids.back()), {}};
        found.record.path += "/tar-split.json.gz";
        std::vector<std::string> cache_ids;
        for(std::size_t n = 0; n != diff_ids.size(); ++n) {
            auto const l = checked(chain_ids[n], diff_ids[n], n == 0 ? std::string_view() : chain_ids[n - 1]);
            if(!l)
                return l.error();
            cache_ids.push_back(l->cache_id);
        }
        for(auto id = cache_ids.rbegin(); id != cache_ids.rend() && (found.trees.empty() || !root_.driver.merged); ++id)
            found.trees.push_back(root_.tree(*id));
        auto const present = check_presence(found.trees.front(), "the directory of its files is not there");
        return present ? std::move(found) : result<place>(present.error());
    }

    /// Return what the engine says that the files of a layer take, in bytes: not the size of its tar archive.
    result<std::uint64_t> size(std::string_view chain_id) const
    {
        auto const text = read_line(folder(chain_id), "size");
        if(!text)
            return text.error();
        std::int64_t bytes = 0;
        auto const [end, ec] = std::from_chars(text->data(), text->data() + text->size(), bytes);
        if(ec != std::errc() || end != text->data() + text->size() || bytes < 0)
            return failure{error::invalid_document, folder(chain_id).str() + "/size", "not a number of bytes"};
        return static_cast<std::uint64_t>(bytes);
    }

private:
    static result<void> check_presence(path_below const& p, std::string_view what)
    {
        auto present = detail::check_directory(p);
        if(!present && detail::is_absent(present.error()))
            return failure{error::missing_layer, p.str(), std::string(what)};
        return present;
    }

    path_below folder(std::string_view chain_id) const
    {
        return root_.image("layerdb/sha256/" + std::string(chain_id.substr(chain_id.find(':') + 1)));
    }

    result<docker_layer> checked(std::string const& chain_id, std::string const& diff_id, std::string_view parent) const
    {
        auto l = known(chain_id);
        if(!l)
            return l;
        auto const wrong = [&](std::string_view file, std::string_view expected, std::string const& found) {
            auto const text = [](std::string_view s) { return s.empty() ? std::string("none") : std::string(s); };
            return failure{error::digest_mismatch, folder(chain_id).str() + "/" + std::string(file),
                "expected " + text(expected) + ", found " + text(found)};
        };
        if(l->diff_id.str() != diff_id)
            return wrong("diff", diff_id, l->diff_id.str());
        if(l->parent != parent)
            return wrong("parent", parent, l->parent);
        return l;
    }

    result<docker_layer> known(std::string const& chain_id) const
    {
        {
            std::lock_guard const lock(mutex_);
            if(auto const l = layers_.find(chain_id); l != layers_.end())
                return l->second;
        }
        auto l = read(chain_id);
        if(l) {
            std::lock_guard const lock(mutex_);
            layers_.try_emplace(chain_id, *l);
        }
        return l;
    }

    result<docker_layer> read(std::string const& chain_id) const
    {
        auto const id = tarexport::parse_digest(chain_id);
        if(!id || id->algorithm() != digest_algorithm::sha256) {
            short_list text;
            text.add(chain_id);
            return failure{error::missing_layer, root_.image("layerdb").str(), "no layer can have the ID \"" + text.str() + '"'};
        }
        auto const at = folder(chain_id);
        if(auto const present = check_presence(at, "the layer is not there"); !present)
            return present.error();
        docker_layer l;
        // First, as only the bottom layer lacks it: where the others can still be read, the layer was there all the time.
        if(auto parent = read_digest(at, "parent"))
            l.parent = parent->str();
        else if(parent.error().code != error::missing_layer)
            return parent.error();
        auto diff_id = read_digest(at, "diff");
        if(!diff_id)
            return diff_id.error();
        l.diff_id = *diff_id;
        auto cache_id = read_line(at, "cache-id");
        if(!cache_id)
            return cache_id.error();
        if(!detail::is_hex_name(*cache_id))
            return failure{error::invalid_document, at.str() + "/cache-id", "not 64 lower-case hexadecimal digits"};
        l.cache_id = *std::move(cache_id);
        return l;
    }

    result<digest> read_digest(path_below const& at, std::string const& name) const
    {
        auto const text = read_line(at, name);
        if(!text)
            return text.error();
        auto const id = tarexport::parse_digest(*text);
        if(!id || id->algorithm() != digest_algorithm::sha256)
            return failure{error::invalid_document, at.str() + "/" + name, "not sha256: and 64 lower-case hexadecimal digits"};
        return *id;
    }

    // The engine trims these, too.
    result<std::string> read_line(path_below const& at, std::string const& name) const
    {
        constexpr std::string_view blanks = " \t\n\v\f\r";
        auto text = detail::read_text({at.directory, at.path + "/" + name}, 1024);
        if(!text && detail::is_absent(text.error()))
            return failure{error::missing_layer, at.str() + "/" + name, "the file is not there"};
        if(!text)
            return text;
        auto const first = text->find_first_not_of(blanks);
        return first == std::string::npos ? std::string() : text->substr(first, text->find_last_not_of(blanks) + 1 - first);
    }

    docker_root root_;
    mutable std::mutex mutex_;
    mutable std::unordered_map<std::string, docker_layer> layers_;
};

} // namespace tarexport::detail

#endif
