//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// The exemplars of doc/concepts: each the least that is of use and models its concept. What they are worth is shown by saving
// with them, and by the checks that the library has for its users.

#include <tarexport.hpp>
#include <tarexport/digest_set.hpp>
#include <tarexport/paired_sha256.hpp>
#include <tarexport/plan_builder.hpp>
#include <tarexport/store/expanded.hpp>
#include <tarexport/store/measured.hpp>
#include <tarexport/testing/store.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <unistd.h>

namespace exemplar {

using namespace tarexport;

//[hash_algorithm
/// SHA-256 by OpenSSL, which counts what it hashes.
class counted_sha256 {
public:
    static constexpr std::string_view name = "sha256";

    void update(bytes_view bytes)
    {
        hashed += bytes.size();
        hash_.update(bytes);
    }

    digest result() { return hash_.result(); }

    static inline std::uint64_t hashed = 0;

private:
    sha256 hash_;
};

static_assert(hash_algorithm<counted_sha256>);
//]

//[layer_source
/// The bytes of a text.
class text_source {
public:
    text_source(std::shared_ptr<std::string const> text, std::uint64_t offset)
        : text_(std::move(text))
        , rest_(to_bytes(*text_).subspan(static_cast<std::size_t>(offset)))
    {
    }

    std::size_t read_some(std::span<std::byte> into, error_code&)
    {
        auto const n = std::min(into.size(), rest_.size()); // 0 at the end, and only there
        std::copy_n(rest_.begin(), n, into.begin());
        rest_ = rest_.subspan(n);
        return n;
    }

private:
    std::shared_ptr<std::string const> text_;
    bytes_view rest_;
};

static_assert(layer_source<text_source> && !view_source<text_source> && !extent_source<text_source>);
//]

//[view_source
/// The bytes of a text, which are shown and not copied.
class text_view_source {
public:
    explicit text_view_source(std::shared_ptr<std::string const> text) : text_(std::move(text)), rest_(to_bytes(*text_)) {}

    bytes_view view_some(std::size_t max, error_code&)
    {
        auto const shown = rest_.first(std::min(max, rest_.size()));
        rest_ = rest_.subspan(shown.size());
        return shown;
    }

    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        auto const shown = view_some(into.size(), ec);
        std::ranges::copy(shown, into.begin());
        return shown.size();
    }

private:
    std::shared_ptr<std::string const> text_; // as long as this lives, so do the views
    bytes_view rest_;
};

static_assert(view_source<text_view_source>);
//]

//[extent_source
/// The bytes of an open file.
class file_source {
public:
    file_source(std::FILE* file, std::uint64_t size) : file_(file, &std::fclose), size_(size) {}

    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        auto const n = ::pread(fd(), into.data(), into.size(), static_cast<off_t>(at_));
        if(n < 0) {
            ec = error_code(errno, boost::system::system_category());
            return 0;
        }
        at_ += static_cast<std::uint64_t>(n);
        return static_cast<std::size_t>(n);
    }

    // What has not been read yet; the descriptor stays ours.
    std::optional<file_extent> extent() const { return file_extent{fd(), at_, size_ - at_}; }

private:
    int fd() const { return ::fileno(file_.get()); }

    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
    std::uint64_t size_;
    std::uint64_t at_ = 0;
};

static_assert(extent_source<file_source>);
//]

//[layer_handle
/// A lease on a text. Here the shared pointer is all that has to be held; others hold a reference count, a lock, a connection.
class text_layer {
public:
    explicit text_layer(std::shared_ptr<std::string const> text) : text_(std::move(text))
    {
        info_.media_type = media_type::oci_layer;
        info_.id = digest_of(*text_);
        info_.size = text_->size();
    }

    descriptor const& info() const { return info_; }

    result<text_source> open(std::uint64_t offset) const
    {
        if(offset > info_.size)
            return failure{error::range_out_of_bounds, info_.id.str(), {}};
        return text_source(text_, offset);
    }

private:
    std::shared_ptr<std::string const> text_;
    descriptor info_;
};

static_assert(layer_handle<text_layer>);
//]

//[image_store
/// Images by their IDs.
class images {
public:
    void add(image i)
    {
        ids_.insert(i.id);
        images_.emplace(i.id, std::move(i));
    }

    result<image> load(digest const& id) const
    {
        auto const found = images_.find(id);
        if(found == images_.end())
            return failure{error::unknown_image, id.str(), {}};
        return found->second;
    }

    result<digest> search(std::string_view prefix) const { return ids_.find_prefix(prefix); }

private:
    std::map<digest, image> images_;
    digest_set ids_; // finds an ID by its first digits, or says that none or several begin so
};

static_assert(image_store<images>);
//]

//[reference_store
/// Image IDs by names.
class image_names {
public:
    void add(reference const& name, digest const& id) { ids_.insert_or_assign(name, id); }

    result<digest> lookup(reference const& ref) const
    {
        auto const found = ids_.find(ref.has_digest() ? ref.without_tag() : ref); // the digest alone counts
        if(found == ids_.end())
            return failure{error::unknown_reference, std::string(ref.familiar()), {}};
        return found->second;
    }

    result<std::vector<reference>> by_name(reference const& ref) const
    {
        std::vector<reference> all; // sorted, as the map is
        for(auto const& [name, id] : ids_)
            if(name.name() == ref.name())
                all.push_back(name);
        return all;
    }

private:
    std::map<reference, digest> ids_;
};

static_assert(reference_store<image_names>);
//]

//[layer_store
/// Layers by the diff IDs that the configs of the images have.
class texts {
public:
    void add(std::string text)
    {
        auto const id = digest_of(text).str();
        texts_.emplace(id, std::make_shared<std::string const>(std::move(text)));
    }

    result<text_layer> layer(image const& i, std::size_t n) const
    {
        auto const found = n < i.diff_ids.size() ? texts_.find(i.diff_ids[n]) : texts_.end();
        if(found == texts_.end())
            return failure{error::missing_layer, i.id.str(), "layer " + std::to_string(n)};
        return text_layer(found->second);
    }

private:
    std::map<std::string, std::shared_ptr<std::string const>> texts_;
};

static_assert(layer_store<texts>);
//]

//[content_store
/// Blobs by their digests, and the manifests that names stand for.
class blobs {
public:
    descriptor add(std::string text, std::string_view type)
    {
        text_layer const blob(std::make_shared<std::string const>(std::move(text)));
        auto d = blob.info();
        d.media_type = type;
        blobs_.emplace(d.id, blob);
        return d;
    }

    void add_name(reference const& name, descriptor const& manifest) { roots_.insert_or_assign(name, manifest); }

    result<descriptor> root(reference const& ref) const
    {
        auto const found = roots_.find(ref);
        if(found == roots_.end())
            return failure{error::unknown_reference, std::string(ref.familiar()), {}};
        return found->second;
    }

    result<text_layer> blob(descriptor const& d) const
    {
        auto const found = blobs_.find(d.id);
        if(found == blobs_.end())
            return failure{error::missing_blob, d.id.str(), {}};
        return found->second;
    }

private:
    std::map<digest, text_layer> blobs_;
    std::map<reference, descriptor> roots_;
};

static_assert(content_store<blobs>);
//]

//[listing_store
/// What a store has.
struct catalogue {
    result<std::vector<listed_image>> list() const { return images; }

    std::vector<listed_image> images;
};

static_assert(listing_store<catalogue>);
//]

//[unsized_layer_store
/// A lease on a layer whose size shows only when it has been read.
struct unsized_layer {
    result<text_view_source> open() const { return text_view_source(text); }

    std::shared_ptr<std::string const> text;
};

/// Makes its layers when they are asked for: an image of numbers.
struct generated_layers {
    result<unsized_layer> layer(image const& i, std::size_t n) const
    {
        if(n >= i.diff_ids.size())
            return failure{error::missing_layer, i.id.str(), "layer " + std::to_string(n)};
        return unsized_layer{std::make_shared<std::string const>(1000 * (n + 1), static_cast<char>('0' + n))};
    }
};

static_assert(unsized_layer_store<generated_layers> && !layer_store<generated_layers>);
//]

//[measured
static_assert(layer_store<measured_store<generated_layers>>);
//]

//[inflater
/// zlib, which counts the members.
class counted_inflater {
public:
    counted_inflater() { ++members; }

    inflate_status inflate(bytes_view& in, std::span<std::byte>& out) { return zlib_.inflate(in, out); }

    static inline std::atomic<int> members = 0;

private:
    zlib_inflater zlib_;
};

static_assert(inflater<counted_inflater>);
//]

//[observer
/// Knows how far a save is.
struct percent {
    void operator()(event const& e) noexcept
    {
        if(auto const* b = std::get_if<bytes_written>(&e); b && b->total != 0)
            value = static_cast<double>(b->bytes) * 100 / static_cast<double>(b->total);
    }

    double value = 0;
};

static_assert(observer<percent>);
//]

//[layout_policy
/// Only the layers, in the order in which they are applied, each once. No engine loads this; `tar` applies it.
struct layers_only {
    result<plan> lay_out(std::span<selection const> images) const
    {
        plan_builder b;
        std::set<digest> known;
        for(auto const& s : images)
            for(auto const& l : s.layers)
                if(l.lease && known.insert(l.info.id).second) {
                    planned_layer layer;
                    layer.id = l.info.id;
                    layer.size = l.info.size;
                    layer.lease = *l.lease;
                    b.add_layer(std::move(layer), 0644, 0, std::to_string(known.size()) + ".tar");
                }
        return std::move(b).finish();
    }
};

static_assert(layout_policy<layers_only>);
//]

//[incremental_layout
/// What `layers_only` gives, image by image: of one that was added, nothing is kept but its entries.
struct layers_one_by_one {
    class archive {
    public:
        result<void> add(selection s)
        {
            for(auto const& l : s.layers)
                if(l.lease && known_.insert(l.info.id).second) {
                    planned_layer layer;
                    layer.id = l.info.id;
                    layer.size = l.info.size;
                    layer.lease = *l.lease;
                    builder_.add_layer(std::move(layer), 0644, 0, std::to_string(known_.size()) + ".tar");
                }
            return {};
        }

        result<plan> finish() && { return std::move(builder_).finish(); }

    private:
        plan_builder builder_;
        std::set<digest> known_;
    };

    archive begin_plan() const { return {}; }

    result<plan> lay_out(std::vector<selection> images) const
    {
        auto all = begin_plan();
        for(auto& s : images)
            if(auto added = all.add(std::move(s)); !added)
                return added.error();
        return std::move(all).finish();
    }
};

static_assert(incremental_layout<layers_one_by_one>);
//]

//[saver_policy
/// What a saver is compiled with.
struct my_policy {
    layers_only layout;
    using hashes = hash_set<counted_sha256, sha384, sha512>;
    percent& observer;
};

static_assert(saver_policy<my_policy> && saver_policy<default_policy>);
//]

//[paired_policy
struct fast_policy : default_policy {
    using hashes = hash_set<paired_sha256, sha384, sha512>;
};
//]

static_assert(saver_policy<fast_policy>);

} // namespace exemplar


namespace {

using namespace exemplar;

int failures = 0;

void expect(bool holds, char const* what)
{
    if(!holds) {
        std::cerr << "does not hold: " << what << '\n';
        ++failures;
    }
}

// The image of numbers: its layers are those that generated_layers makes.
struct numbers {
    numbers()
    {
        std::vector<digest> ids;
        for(std::size_t n = 0; n != 3; ++n) {
            std::string layer(1000 * (n + 1), static_cast<char>('0' + n));
            ids.push_back(digest_of(layer));
            layers.add(std::move(layer));
        }
        config = render_config(image_config{.target = {"linux", "amd64", {}, {}, {}}}, ids).value();
        auto loaded = parse_image(config, digest_of(config)).value();
        id = loaded.id;
        known.add(std::move(loaded));
        name = parse_reference("numbers:1.0").value();
        refs.add(name, id);
    }

    std::string config;
    digest id;
    reference name = parse_reference("numbers").value();
    images known;
    image_names refs;
    texts layers;
};

std::string saved(auto const& store, char const* name)
{
    memory_sink out;
    tarexport::save(store, names(name), out);
    return out.bytes();
}

void check_stores(numbers const& n)
{
    //[check_store
    stores const all(n.known, n.refs, n.layers); // three parts as one store
    std::vector<listed_image> const what_it_has = {{n.id, {n.name}}};
    for(auto const& sentence : testing::check_store(all, what_it_has))
        std::cerr << sentence << '\n';
    //]
    expect(testing::check_store(all, what_it_has).empty(), "a store of three exemplars");

    blobs content;
    content.add_name(n.name, content.add("{}", media_type::oci_manifest));
    expect(testing::check_content_store(content, {n.name}).empty(), "content_store");

    auto const layers = measured(generated_layers());
    expect(saved(stores(n.known, n.refs, layers), "numbers:1.0") == saved(all, "numbers:1.0"), "generated layers are the same");
    expect(saved(expanded<counted_inflater>(all), "numbers:1.0") == saved(all, "numbers:1.0"), "raw layers are not unpacked");
    expect(counted_inflater::members == 0, "and so nothing is inflated");
}

void check_policy(numbers const& n)
{
    stores const all(n.known, n.refs, n.layers);
    percent watching;
    saver s(all, my_policy{{}, watching});
    auto const archive = s.prepare(names("numbers:1.0")).value();
    memory_sink out;
    expect(archive.contents.path(0) == "1.tar" && s.write(archive, out).ok(), "a layout of layers only");
    expect(counted_sha256::hashed == 6000, "every layer hashed once, by the hash of the policy");
    expect(watching.value == 100, "the observer of the policy saw all");
    expect(catalogue{{{n.id, {n.name}}}}.list()->size() == 1, "a list of one");
}

} // namespace

int main()
try {
    numbers const n;
    check_stores(n);
    check_policy(n);
    return failures == 0 ? 0 : 1;
}
catch(std::exception const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
