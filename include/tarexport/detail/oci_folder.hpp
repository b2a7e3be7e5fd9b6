//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_OCI_FOLDER_HPP
#define TAREXPORT_DETAIL_OCI_FOLDER_HPP

#include <tarexport/descriptor.hpp>
#include <tarexport/detail/posix_file.hpp>
#include <tarexport/detail/short_list.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>
#include <tarexport/oci_documents.hpp>
#include <tarexport/reference.hpp>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What `oci_layout_store` is made of: the directory, and the names of its entries.

namespace tarexport::detail {

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
            return failure{ec, path.empty() ? "\"\"" : std::move(path), {}};
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
    short_list urls;
    for(auto const& url : d.urls)
        urls.add(url);
    if(!d.urls.empty())
        f.detail = "the blob can be had from " + urls.str();
    return f;
}

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

inline result<std::vector<oci_root>> name_roots(std::vector<descriptor> entries, std::string const& repository)
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
    for(auto& d : entries) {
        auto name = detail::name_of_root(d, base);
        roots.push_back({std::move(d), std::move(name)});
    }
    return roots;
}

} // namespace tarexport::detail

#endif
