//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_VERIFY_CONTENT_HPP
#define TAREXPORT_DETAIL_VERIFY_CONTENT_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/detail/compression_magic.hpp>
#include <tarexport/detail/decompress.hpp>
#include <tarexport/detail/verify_facts.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/tar_reader.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace tarexport::detail {

/// Lends a source to a reader that wants its own.
template<layer_source Source>
struct source_ref {
    Source* source;

    std::size_t read_some(std::span<std::byte> into, error_code& ec) { return source->read_some(into, ec); }

    std::uint64_t skip(std::uint64_t n, error_code& ec)
    requires skipping_source<Source>
    {
        return source->skip(n, ec);
    }
};

/// The memory that one thread reads entries with, one after the other: making it anew takes longer than hashing a small entry.
class content_buffers {
public:
    std::span<char> packed() const noexcept { return {packed_.get(), packed_buffer_size}; }
    std::span<std::byte> plain() const noexcept { return {plain_.get(), plain_size}; }

private:
    static constexpr std::size_t plain_size = std::size_t{128} << 10;

    std::unique_ptr<char[]> packed_ = std::make_unique_for_overwrite<char[]>(packed_buffer_size);
    std::unique_ptr<std::byte[]> plain_ = std::make_unique_for_overwrite<std::byte[]>(plain_size);
};

/// Hashes what a source gives. Each of the bytes is given to every hash once, in order, in the buffer they were read to.
template<layer_source Source>
class hashing_source {
public:
    /// @param buffer For bytes that nobody else wants.
    hashing_source(Source source, std::span<std::byte> buffer) : source_(std::move(source)), buffer_(buffer) {}

    /// Compute a digest. Precondition: nothing was read.
    void compute(digest_algorithm a) { hashes_[a == digest_algorithm::sha256 ? 0 : 1].start(a); }

    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        auto const n = source_.read_some(into, ec);
        for(auto& h : hashes_)
            h.update(bytes_view(into).first(n));
        count_ += n;
        return n;
    }

    /// Read at most `n` bytes for nothing but their hash.
    std::uint64_t skip(std::uint64_t n, error_code& ec)
    {
        return read_some(buffer_.first(static_cast<std::size_t>(std::min<std::uint64_t>(n, buffer_.size()))), ec);
    }

    /// Read all that is left.
    error_code drain()
    {
        error_code ec;
        while(skip(buffer_.size(), ec) != 0)
            continue;
        return ec;
    }

    std::uint64_t count() const noexcept { return count_; }
    digest sha256() { return hashes_[0].result().value_or(digest()); }
    digest other() { return hashes_[1].result().value_or(digest()); }

private:
    Source source_;
    std::span<std::byte> buffer_;
    std::array<hash_set<tarexport::sha256, sha384, sha512>::hasher, 2> hashes_;
    std::uint64_t count_ = 0;
};

inline bool looks_like_json(std::string_view first) noexcept
{
    auto const at = first.find_first_not_of(" \t\r\n");
    return at != std::string_view::npos && (first[at] == '{' || first[at] == '[');
}

/** Reads the data of an entry, and finds out what it is.

    Borrows the budget and the buffers, which are in use as long as this lives.
*/
template<layer_source Source>
class entry_content {
public:
    /// @param promised The digest that the entry's path names, if it names one.
    entry_content(Source source, std::optional<digest> const& promised, expansion_budget& budget, content_buffers const& buffers)
        : buffers_(buffers)
        , stored_(std::move(source), buffers.plain())
        , bytes_({&stored_}, &budget, compression::xz, buffers.packed())
    {
        stored_.compute(digest_algorithm::sha256);
        if(promised && promised->algorithm() != digest_algorithm::sha256)
            stored_.compute(promised->algorithm());
        found_.packed = bytes_.kind();
    }

    entry_content(entry_content const&) = delete;
    entry_content& operator=(entry_content const&) = delete;

    bool is_packed() const noexcept { return found_.packed != compression::none; }
    bool looks_like_json() const noexcept { return !is_packed() && detail::looks_like_json(bytes_.first()); }

    /// Take the data as it is.
    std::size_t read_some(std::span<std::byte> into, error_code& ec) { return bytes_.read_some(into, ec); }

    /// Find out what a layer is: its plain bytes' digest, and whether they are a tar archive.
    void look_inside()
    {
        if(found_.packed == compression::xz)
            return;
        hashing_source<source_ref<bytes>> plain({&bytes_}, buffers_.plain());
        if(is_packed())
            plain.compute(digest_algorithm::sha256);
        look_at_tar(plain);
        static_cast<void>(plain.drain());
        if(bytes_.is_damaged()) {
            found_.fault = bytes_.problem(); // whether it matters depends on what refers to it
            found_.beyond = bytes_.why().code == error::limit_exceeded;
        }
        found_.diff_id = plain.sha256();
    }

    /// Find out whether bytes that have been read already are a tar archive: a layer may begin as a document does.
    template<layer_source Plain>
    void look_at_tar(Plain& plain)
    {
        tar_reader<source_ref<Plain>> inner({&plain});
        for(;;) {
            auto const more = inner.next();
            if(!more) {
                found_.tar_fault = more.error().detail.empty() ? more.error().code.message() : more.error().detail;
                found_.beyond = more.error().code == error::limit_exceeded;
            }
            if(!more || !*more)
                break;
        }
    }

    /// Read what is left, and return all that was found out. Without digests if the data could not be read to its end.
    content_facts finish(error_code& ec)
    {
        ec = stored_.drain();
        if(!ec) {
            found_.id = stored_.sha256();
            found_.named = stored_.other();
            if(!is_packed())
                found_.diff_id = found_.id;
        }
        return std::move(found_);
    }

private:
    using bytes = decompressed_source<source_ref<hashing_source<Source>>>;

    content_buffers const& buffers_;
    hashing_source<Source> stored_;
    bytes bytes_;
    content_facts found_;
};

} // namespace tarexport::detail

#endif
