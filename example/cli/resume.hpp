//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_CLI_RESUME_HPP
#define TAREXPORT_CLI_RESUME_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/saver.hpp>
#include <tarexport/tar_header.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <ios>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

/** Return whether a partial archive agrees with the store on the layer that it ends in, which nobody verified.

    The layer may have been damaged when the partial file was written, and repaired since. What follows will be verified, and so will the
    whole of the layer in the store.

    @param size Of the partial file. Precondition: it ends inside entry `n`, a layer's data.
    @return Whether they agree, or why the store's layer cannot be read; `cancelled` on a request to stop.
*/
template<class Handle>
tarexport::result<bool> agrees(
    tarexport::prepared_archive<Handle> const& archive, std::size_t n, std::string const& part, std::uint64_t size,
    std::stop_token const& stop)
{
    auto const& plan = archive.contents;
    auto source = archive.leases[plan.layers()[plan.entry(n).item].lease].open(0);
    if(!source)
        return source.error();
    std::ifstream in(part, std::ios::binary);
    in.seekg(static_cast<std::streamoff>(plan.entry(n).data));
    std::vector<char> stored(std::size_t{256} * 1024), kept(stored.size());
    for(auto rest = size - plan.entry(n).data; rest != 0;) {
        if(stop.stop_requested())
            return tarexport::failure{tarexport::error::cancelled, {}, {}};
        auto const wanted = static_cast<std::size_t>(std::min<std::uint64_t>(rest, stored.size()));
        tarexport::error_code ec;
        auto const got = source->read_some(std::as_writable_bytes(std::span(stored.data(), wanted)), ec);
        if(ec)
            return tarexport::failure{ec, "layer " + plan.id(n).str(), "while comparing it with " + part};
        if(got == 0 || !in.read(kept.data(), static_cast<std::streamsize>(got)) || std::memcmp(stored.data(), kept.data(), got) != 0)
            return false;
        rest -= got;
    }
    return true;
}

/// The bytes of a partial archive, front to back.
class partial_archive {
public:
    partial_archive(std::string const& path, std::uint64_t size) : in_(path, std::ios::binary), left_(size), buffer_(std::size_t{256} * 1024) {}

    /// Return whether the next bytes, as many as there are, are these.
    bool goes_on_with(std::string_view expected)
    {
        while(!expected.empty() && left_ != 0) {
            auto const found = next(expected.size());
            if(found.empty() || !expected.starts_with(found))
                return false;
            expected.remove_prefix(found.size());
        }
        return true;
    }

    /// Return the next bytes, `most` or fewer; nothing at the end, and where they cannot be read.
    std::string_view next(std::uint64_t most)
    {
        auto const n = std::min({most, left_, std::uint64_t{buffer_.size()}});
        if(!in_.read(buffer_.data(), static_cast<std::streamsize>(n)))
            return {};
        left_ -= n;
        return {buffer_.data(), static_cast<std::size_t>(n)};
    }

private:
    std::ifstream in_;
    std::uint64_t left_;
    std::vector<char> buffer_;
};

/** Return up to where a partial archive is the one that is planned.

    It may have lain about for long: documents, headers and padding are compared with the plan, layers with their digests, and the one that it
    ends in with the store.

    @param size Of the partial file.
    @return At most the size; or why the store's layer cannot be read; `cancelled` on a request to stop.
*/
template<class Handle>
tarexport::result<std::uint64_t> right_up_to(
    tarexport::prepared_archive<Handle> const& archive, std::string const& part, std::uint64_t size, std::stop_token const& stop)
{
    auto const& plan = archive.contents;
    partial_archive found(part, size);
    tarexport::hash_set<tarexport::sha256, tarexport::sha384, tarexport::sha512>::hasher hash;
    std::string header;
    for(std::size_t i = 0; i != plan.count() && plan.entry(i).offset < size; ++i) {
        auto const e = plan.entry(i);
        header.clear();
        plan.append_header(header, i);
        if(!found.goes_on_with(header))
            return e.offset;
        if(e.kind == tarexport::entry_kind::layer && e.data < size && size - e.data < e.size) {
            auto const right = agrees(archive, i, part, size, stop);
            return right ? tarexport::result<std::uint64_t>(*right ? size : e.data) : right.error();
        }
        if(e.kind == tarexport::entry_kind::document)
            for(std::uint64_t at = 0, n = 0; at != e.size; ++n) {
                auto const text = tarexport::to_text(plan.document_part(e.item + n));
                if(!found.goes_on_with(text))
                    return e.data;
                at += text.size();
            }
        if(e.kind == tarexport::entry_kind::layer && e.data < size) {
            hash.start(plan.id(i).algorithm());
            for(auto left = e.size; left != 0;) {
                auto const bytes = stop.stop_requested() ? std::string_view() : found.next(left);
                if(stop.stop_requested())
                    return tarexport::failure{tarexport::error::cancelled, {}, {}};
                if(bytes.empty())
                    return e.data;
                hash.update(tarexport::to_bytes(bytes));
                left -= bytes.size();
            }
            if(hash.result() != plan.id(i))
                return e.data;
        }
        if(!found.goes_on_with(std::string(static_cast<std::size_t>(e.end - e.data - e.size), '\0')))
            return e.data + e.size;
    }
    auto const end = plan.size() - tarexport::end_of_archive_size;
    return found.goes_on_with(std::string(tarexport::end_of_archive_size, '\0')) ? size : end;
}

} // namespace cli

#endif
