//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_VERIFICATION_HPP
#define TAREXPORT_VERIFICATION_HPP

#include <tarexport/digest.hpp>
#include <tarexport/digest_set.hpp>
#include <tarexport/platform.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What is found out about an archive.

namespace tarexport {

/// How bad a finding is. Only errors make an archive bad: every byte of it may be as it was meant, or not.
enum class severity : std::uint8_t {
    error,   ///< Something is damaged, missing or contradicts itself.
    warning, ///< Some readers take it for something else, or refuse it.
    remark   ///< Worth knowing.
};

/// What a finding is about.
enum class finding_code : std::uint8_t {
    // The archive as a file.
    bad_header,           ///< A header that is none, or has a wrong checksum; nothing behind it can be read.
    truncated,            ///< The archive ends inside an entry.
    no_end_blocks,        ///< The blocks of zeros that end an archive are missing, one of them or both.
    trailing_data,        ///< Something follows the end of the archive.
    dirty_padding,        ///< What fills the last block of an entry is not zeros.
    compressed_archive,   ///< The archive as a whole is compressed.
    damaged_compression,  ///< What is compressed cannot be decompressed to its end.
    limit,                ///< More than is read, so that not everything was checked.

    // Its entries.
    duplicate_entry,      ///< A name that occurs again; most readers take the last.
    outside_name,         ///< A name that leads out of the folder it is unpacked to.
    odd_entry,            ///< A device, a FIFO, a sparse file or an unknown type.
    broken_link,          ///< A link that leads nowhere, in a circle or out of the archive.
    link,                 ///< A layer that is a link to another entry.

    // Blobs and documents.
    digest_mismatch,      ///< A blob whose bytes are not those of its name.
    size_mismatch,        ///< A blob of another size than its descriptor has.
    missing_blob,         ///< A blob that something in the archive refers to is not there.
    missing_document,     ///< No document that lists images.
    invalid_document,     ///< A document that is not what it should be.
    invalid_config,       ///< A config that engines refuse.
    layer_count,          ///< As many layers as diff IDs are needed.
    diff_id_mismatch,     ///< A layer that is not the one of its diff ID.
    not_a_tar,            ///< A layer that is no tar archive.
    unchecked,            ///< Something that could not be checked, and why.

    // Images.
    no_images,            ///< The archive holds no image.
    invalid_name,         ///< A name that is no reference with a tag.
    duplicate_name,       ///< A name of two images.
    disagreement,         ///< `manifest.json` and `index.json` do not have the same images.
    artifact,             ///< Something that is no container image.
    unreferenced,         ///< Blobs that nothing refers to.
    parent,               ///< A parent that is not one.

    // Thin archives.
    left_out,             ///< Layers that the archive leaves out, as it says itself.
    not_at_hand           ///< Layers that it leaves out, and the other side does not have.
};

/// Return the name of a severity.
constexpr std::string_view name_of(severity s) noexcept
{
    switch(s) {
    case severity::error: return "error";
    case severity::warning: return "warning";
    case severity::remark: return "remark";
    }
    return {};
}

/// Return the name of a code, as `--json` has it.
constexpr std::string_view name_of(finding_code c) noexcept
{
    switch(c) {
    case finding_code::bad_header: return "bad-header";
    case finding_code::truncated: return "truncated";
    case finding_code::no_end_blocks: return "no-end-blocks";
    case finding_code::trailing_data: return "trailing-data";
    case finding_code::dirty_padding: return "dirty-padding";
    case finding_code::compressed_archive: return "compressed-archive";
    case finding_code::damaged_compression: return "damaged-compression";
    case finding_code::limit: return "limit";
    case finding_code::duplicate_entry: return "duplicate-entry";
    case finding_code::outside_name: return "outside-name";
    case finding_code::odd_entry: return "odd-entry";
    case finding_code::broken_link: return "broken-link";
    case finding_code::link: return "link";
    case finding_code::digest_mismatch: return "digest-mismatch";
    case finding_code::size_mismatch: return "size-mismatch";
    case finding_code::missing_blob: return "missing-blob";
    case finding_code::missing_document: return "missing-document";
    case finding_code::invalid_document: return "invalid-document";
    case finding_code::invalid_config: return "invalid-config";
    case finding_code::layer_count: return "layer-count";
    case finding_code::diff_id_mismatch: return "diff-id-mismatch";
    case finding_code::not_a_tar: return "not-a-tar";
    case finding_code::unchecked: return "unchecked";
    case finding_code::no_images: return "no-images";
    case finding_code::invalid_name: return "invalid-name";
    case finding_code::duplicate_name: return "duplicate-name";
    case finding_code::disagreement: return "disagreement";
    case finding_code::artifact: return "artifact";
    case finding_code::unreferenced: return "unreferenced";
    case finding_code::parent: return "parent";
    case finding_code::left_out: return "left-out";
    case finding_code::not_at_hand: return "not-at-hand";
    }
    return {};
}

/// Something that is worth telling: `subject` is an entry, a digest or a name, `sentence` says what is so.
struct finding {
    severity level = severity::error;
    finding_code code{};
    std::string subject;
    std::string sentence;

    friend bool operator==(finding const&, finding const&) = default;
};

/// What loads archives.
enum class loader : std::uint8_t { docker_24, docker_28, containerd_store, podman, skopeo_docker, skopeo_oci, ctr };

/// All of them, in the order in which they are told.
inline constexpr std::array<loader, 7> loaders{loader::docker_24, loader::docker_28, loader::containerd_store, loader::podman,
    loader::skopeo_docker, loader::skopeo_oci, loader::ctr};

/// Return the name of a loader.
constexpr std::string_view name_of(loader l) noexcept
{
    switch(l) {
    case loader::docker_24: return "docker <= 24";
    case loader::docker_28: return "docker 25-28";
    case loader::containerd_store: return "docker 29 / containerd store";
    case loader::podman: return "podman";
    case loader::skopeo_docker: return "skopeo docker-archive:";
    case loader::skopeo_oci: return "skopeo oci-archive:";
    case loader::ctr: return "ctr import";
    }
    return {};
}

/// Whether a loader takes an archive.
enum class answer : std::uint8_t {
    yes,    ///< Every image of it arrives, also where nothing else is.
    no,     ///< It fails, or an image does not arrive.
    depends, ///< On what the loader has already, or on how it is asked.
    unknown  ///< What it rests on was not read, because it is beyond a limit, or compressed with xz as a whole.
};

/// Return the name of an answer.
constexpr std::string_view name_of(answer a) noexcept
{
    switch(a) {
    case answer::yes: return "yes";
    case answer::no: return "no";
    case answer::depends: return "depends";
    case answer::unknown: return "unknown";
    }
    return {};
}

/// What one loader makes of an archive, and why. The reason is empty where there is nothing to say.
struct verdict {
    loader who{};
    answer loads = answer::no;
    std::string reason;

    friend bool operator==(verdict const&, verdict const&) = default;
};

/// A layer of an image in an archive.
struct verified_layer {
    std::string path;         ///< of the entry that has it
    digest id;                ///< of the bytes as stored; empty where they are not there
    std::uint64_t size = 0;   ///< of the bytes as stored
    std::string diff_id;      ///< as the config has it
    bool left_out = false;    ///< the archive says that it leaves it out
    bool good = false;        ///< it is there, and is the layer of its diff ID

    friend bool operator==(verified_layer const&, verified_layer const&) = default;
};

/// An image in an archive.
struct verified_image {
    digest id;                       ///< of its config; empty for archives of before Docker 1.10, whose images get new ones
    std::vector<std::string> names;  ///< as they stand in the archive
    std::string platform;            ///< as the config has it
    std::vector<verified_layer> layers; ///< bottom first
    bool in_manifest_json = false;   ///< where docker and podman look
    bool in_index_json = false;      ///< where OCI tools look

    friend bool operator==(verified_image const&, verified_image const&) = default;
};

/// A blob that the archive needs from elsewhere.
struct needed_blob {
    digest id;
    std::string diff_id;
    std::string media_type;
    std::uint64_t size = 0;
    bool at_hand = false; ///< the other side has it, as far as was told

    friend bool operator==(needed_blob const&, needed_blob const&) = default;
};

/// All that was found out about an archive.
struct verification {
    std::vector<finding> findings;       ///< as they were found; the first `verify_options::findings` of them
    std::uint64_t more_findings = 0;     ///< how many others there were
    std::uint64_t errors = 0;            ///< of all findings
    std::vector<verified_image> images;  ///< in the order of `manifest.json`, then of `index.json`
    std::vector<needed_blob> needed;     ///< what a thin archive leaves out
    std::vector<verdict> verdicts;       ///< one for each of `loaders`
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;             ///< of the archive as it was read
    digest id;                           ///< the sha256 of these bytes, if `verify_options::archive_digest` asks for it
    std::string compression;             ///< of the archive as a whole: "none", "gzip", "zstd", "bzip2" or "xz"

    /// Return whether nothing is wrong with the archive.
    bool good() const noexcept { return errors == 0; }

    /// Return what a loader makes of it.
    verdict const& of(loader l) const noexcept { return *std::ranges::find(verdicts, l, &verdict::who); }
};

/// How an archive is verified, and how much of it.
struct verify_options {
    std::optional<digest_set> have = std::nullopt; ///< what the other side has: digests of blobs, diff IDs, chain IDs
    platform host = tarexport::host_platform();    ///< what the loaders run on
    std::size_t jobs = 2;                          ///< how many threads hash at once; 1: only the calling one
    bool archive_digest = false;                   ///< the digest of the archive itself, too: all bytes are hashed once more
    std::size_t entries = 50'000;                  ///< how many are read
    std::uint64_t names = std::uint64_t{8} << 20;  ///< bytes of their names and links
    std::size_t findings = 1'000;                  ///< how many are kept
    std::uint64_t memory = std::uint64_t{16} << 20;     ///< bytes of documents that are kept in memory; others go to a file without a name
    std::uint64_t documents = std::uint64_t{256} << 20; ///< bytes of documents in all
    std::uint64_t expanded = std::uint64_t{1} << 42;    ///< bytes that come out of what is compressed, in all
    std::uint64_t ratio = 4096;                         ///< of these to the compressed ones; more only for the first 64 MiB
    std::uint64_t window = std::uint64_t{32} << 20;     ///< memory that zstd may take for a frame, in bytes
    std::string spool_directory = {};                     ///< of that file; empty: the system's
};

} // namespace tarexport

#endif
