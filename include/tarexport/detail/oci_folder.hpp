//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_OCI_FOLDER_HPP
#define TAREXPORT_DETAIL_OCI_FOLDER_HPP

#include <tarexport/content.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/detail/posix_file.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/oci_documents.hpp>
#include <tarexport/reference.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What `oci_layout_store` is made of: the directory, leases on its blobs, and the names of its entries.

namespace tarexport {

namespace detail {

inline constexpr std::string_view image_name_annotation = "io.containerd.image.name";
inline constexpr std::string_view ref_name_annotation = "org.opencontainers.image.ref.name";

/// A directory that is an OCI image layout.
struct oci_folder {
    unique_descriptor fd;
    std::string path; ///< as the user gave it, without slashes at the end

    static result<std::shared_ptr<oci_folder const>> open(std::string path)
    {
        while(path.size() > 1 && path.back() == '/')
            path.pop_back();
        error_code ec;
        auto fd = detail::open_directory(path, ec);
        if(ec == detail::system_error_code(ENOTDIR))
            return failure{error::not_a_layout, std::move(path), "not a directory"};
        if(ec)
            return failure{ec, std::move(path), {}};
        auto folder = std::make_shared<oci_folder const>(oci_folder{std::move(fd), std::move(path)});
        auto const text = folder->read("oci-layout", layout_limits.size);
        if(!text)
            return text.error();
        if(auto good = tarexport::check_layout(*text, folder->path + "/oci-layout"); !good)
            return good.error();
        return folder;
    }

    result<index> read_index() const
    {
        auto const text = read("index.json", index_limits.size);
        if(!text)
            return text.error();
        return tarexport::parse_index(*text, path + "/index.json");
    }

    static std::string path_of(digest const& id)
    {
        return "blobs/" + std::string(name_of(id.algorithm())) + "/" + id.hex();
    }

private:
    result<std::string> read(std::string const& name, std::size_t limit) const
    {
        auto text = detail::read_file_beneath(fd.get(), name, limit, path + "/" + name);
        if(!text && text.error().code == detail::system_error_code(ENOENT))
            return failure{error::not_a_layout, path, "no file " + name};
        return text;
    }
};

inline failure absent_blob(std::string path, descriptor const& d)
{
    failure f{error::missing_blob, std::move(path), {}};
    for(auto const& url : d.urls)
        f.detail.append(f.detail.empty() ? "the blob can be had from " : ", ").append(url);
    return f;
}

} // namespace detail

/// The bytes of a blob of an OCI image layout, from some position on.
class oci_blob_source {
public:
    /// Read some bytes. @return How many; 0 at the end of the file, wherever that is now, and on an error.
    std::size_t read_some(std::span<std::byte> into, error_code& ec) noexcept
    {
        auto const n = detail::read_some_at(file_.fd.get(), into, at_, ec);
        at_ += n;
        return n;
    }

    /// Return the range of the file that is not read yet, up to the size that was promised.
    std::optional<file_extent> extent() const noexcept
    {
        return file_extent{file_.fd.get(), at_, at_ < file_.size ? file_.size - at_ : 0};
    }

    /// Return the path.
    std::string subject() const { return path_; }

private:
    friend class oci_blob;

    oci_blob_source(detail::posix_file file, std::string path, std::uint64_t at) noexcept
        : file_(std::move(file))
        , path_(std::move(path))
        , at_(at)
    {
    }

    detail::posix_file file_;
    std::string path_;
    std::uint64_t at_;
};

/** A lease on a blob of an OCI image layout.

    Holds no open file. Copies are leases on the same blob. Keeps the directory open, not the store.
*/
class oci_blob {
public:
    /// Opening at any position takes the same time.
    static constexpr bool random_access = true;

    /// Return what the manifest or index says of the blob; its size has been checked.
    descriptor const& info() const noexcept { return info_; }

    /// Open the blob. @return A source, or the errors of `oci_layout_store::blob`. Precondition: `offset <= info().size`.
    result<oci_blob_source> open(std::uint64_t offset) const
    {
        auto file = open_file();
        if(!file)
            return file.error();
        return oci_blob_source(*std::move(file), subject(), offset);
    }

    /// Return the path.
    std::string subject() const { return folder_->path + "/" + detail::oci_folder::path_of(info_.id); }

private:
    friend class oci_layout_store;

    oci_blob(std::shared_ptr<detail::oci_folder const> folder, descriptor const& d) : folder_(std::move(folder)), info_(d) {}

    static result<oci_blob> lease(std::shared_ptr<detail::oci_folder const> folder, descriptor const& d)
    {
        oci_blob b(std::move(folder), d);
        auto const file = b.open_file();
        return file ? result<oci_blob>(std::move(b)) : result<oci_blob>(file.error());
    }

    result<detail::posix_file> open_file() const
    {
        error_code ec;
        auto file = detail::open_file_beneath(folder_->fd.get(), detail::oci_folder::path_of(info_.id), ec);
        if(ec == detail::system_error_code(ENOENT) || ec == detail::system_error_code(ENOTDIR))
            return detail::absent_blob(subject(), info_);
        if(ec)
            return failure{ec, subject(), {}};
        if(file.size != info_.size)
            return failure{error::size_mismatch, subject(), detail::sizes(info_.size, file.size)};
        return file;
    }

    std::shared_ptr<detail::oci_folder const> folder_;
    descriptor info_;
};

namespace detail {

/// An entry of index.json, and the name that it gives.
struct oci_root {
    descriptor entry;
    std::optional<reference> name; ///< with a tag or a digest, never both
};

// A name in full, as the engines keep it: beside a digest the tag is dropped, without either it is `latest`.
inline std::optional<reference> full_name(std::string_view text)
{
    auto const r = tarexport::parse_pull_reference(text);
    // `sha256` is no repository: `sha256:12ab` is an ID to whoever asks.
    if(!r || r->familiar_name() == name_of(digest_algorithm::sha256))
        return std::nullopt;
    return *r;
}

inline std::optional<reference> name_of_root(descriptor const& d, std::optional<reference> const& repository)
{
    if(auto const name = d.annotation(image_name_annotation))
        if(auto r = detail::full_name(*name))
            return r;
    auto const name = d.annotation(ref_name_annotation);
    if(!name)
        return std::nullopt;
    if(name->find_first_of(":@/") != std::string_view::npos)
        return detail::full_name(*name);
    if(repository)
        if(auto const r = repository->with_tag(*name))
            return *r;
    return std::nullopt;
}

inline result<std::vector<oci_root>> name_roots(std::vector<descriptor> const& entries, std::string const& repository)
{
    std::optional<reference> base;
    if(!repository.empty()) {
        auto const r = tarexport::parse_reference(repository);
        if(!r)
            return r.error();
        if(!r->is_name_only())
            return failure{error::invalid_reference, repository, "a repository has no tag and no digest"};
        base = *r;
    }
    std::vector<oci_root> roots;
    roots.reserve(entries.size());
    for(auto const& d : entries)
        roots.push_back({d, detail::name_of_root(d, base)});
    return roots;
}

} // namespace detail

} // namespace tarexport

#endif
