//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ERROR_HPP
#define TAREXPORT_ERROR_HPP

#include <boost/assert/source_location.hpp>
#include <boost/system/errc.hpp>
#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/error_condition.hpp>
#include <boost/system/result.hpp>
#include <boost/system/system_error.hpp>
#include <boost/throw_exception.hpp>

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tarexport {

using error_code = boost::system::error_code;
using error_condition = boost::system::error_condition;

/** What can go wrong, beside the errors of the operating system, which pass through untranslated.

    Each code says when it happens. Add a code here, its sentence in `text` and, where one is
    known, what the user can do about it in `advice`: the compiler warns about a missing one.
*/
enum class error {
    // What the user asked for.
    invalid_reference = 1,    ///< A name is not a reference of the distribution grammar.
    invalid_digest,           ///< A digest is malformed or has the wrong length.
    unsupported_digest,       ///< A digest of an algorithm that cannot be verified.
    invalid_platform,         ///< A platform is not `os[/arch[/variant]]`.
    invalid_pattern,          ///< A pattern for names has an unfinished `[` or `\`.
    unknown_reference,        ///< No image has this name.
    unknown_image,            ///< No image has this ID, or an ID with this prefix.
    ambiguous_id,             ///< More than one image ID starts with this prefix.
    ambiguous_reference,      ///< One name stands for different images.
    no_names,                 ///< A save of no images.
    unknown_platform,         ///< The image exists, but not for the platform asked for.
    several_platforms,        ///< More than one platform for a layout that holds one for each name.
    incomplete_index,         ///< Fewer platforms are chosen than an index lists, and it is to stay whole.
    range_out_of_bounds,      ///< A byte range that begins or ends beyond the archive.
    unsupported_store,        ///< A directory or file that is not the image store it should be, or one of a kind that cannot be read.

    // What the stores gave.
    not_an_image,             ///< A manifest or descriptor that is no container image (an artifact, say).
    unsupported_os,           ///< An image for an operating system that cannot be exported.
    empty_image,              ///< An image without layers.
    invalid_config,           ///< An image config that the engine would refuse.
    invalid_document,         ///< A manifest, index or layout file that does not follow its schema.
    invalid_json,             ///< Text that is not JSON.
    limit_exceeded,           ///< A document larger or deeper, or a list longer, than the library reads.
    missing_blob,             ///< A blob that a manifest or index names is not in the store.
    missing_layer,            ///< A layer of an image is not in the store.
    cyclic_index,             ///< An index that leads back to itself, or nests too deeply.
    not_a_layout,             ///< A directory that is not an OCI image layout.
    size_mismatch,            ///< A blob's size differs from its descriptor.
    digest_mismatch,          ///< A blob's bytes do not have the digest that names them.
    layer_too_short,          ///< A layer ended before the size it promised.
    layer_too_long,           ///< A layer has more bytes than the size it promised.
    store_changed,            ///< A layer's file that was written to while it was saved.
    not_a_regular_file,       ///< A symlink, FIFO, device or directory in the place of a blob or of a layer's file.
    unrecoverable_layer,      ///< An unpacked layer with bytes that its engine has not kept.
    time_out_of_range,        ///< A time that RFC 3339 cannot express.
    exception_thrown,         ///< A store, a source or a hash has thrown an exception, which cannot pass here.

    // What tar cannot express.
    unencodable_header,       ///< A name, owner, mode, size or time that the header format cannot hold, or a path that two entries have.
    invalid_header,           ///< A header that is not a tar header, or has a wrong checksum.
    truncated_archive,        ///< An archive that ends inside an entry.
    archive_too_large,        ///< An archive of more than 2^63-1 bytes.

    // What the sinks did.
    sink_stalled,             ///< A sink took no byte and reported no error.
    sink_overran,             ///< A sink says that it took more bytes than it was given.
    sink_finished,            ///< A sink that was committed or aborted is written to again.
    cannot_resume,            ///< There is no partial file, or it does not belong to this archive.
    cancelled                 ///< The caller asked to stop.
};

/// Questions that callers ask about a failure: `code == condition::not_found`.
enum class condition {
    bad_request = 1, ///< The request cannot be right, whatever is in the store.
    not_found,       ///< The store does not have it.
    corrupt_store,   ///< The store contradicts itself, or has what cannot be saved.
    cancelled        ///< The caller asked to stop.
};

/// Return the sentence for an error code.
constexpr char const* text(error e) noexcept
{
    switch(e) {
    case error::invalid_reference: return "invalid image reference";
    case error::invalid_digest: return "invalid digest";
    case error::unsupported_digest: return "unsupported digest algorithm";
    case error::invalid_platform: return "invalid platform";
    case error::invalid_pattern: return "invalid name pattern";
    case error::unknown_reference: return "no such image name";
    case error::unknown_image: return "no such image";
    case error::ambiguous_id: return "ambiguous image ID prefix";
    case error::ambiguous_reference: return "ambiguous image name";
    case error::no_names: return "no images to save";
    case error::unknown_platform: return "image not available for this platform";
    case error::several_platforms: return "more than one platform for one name";
    case error::incomplete_index: return "only a part of an index is chosen";
    case error::range_out_of_bounds: return "byte range beyond the end of the archive";
    case error::unsupported_store: return "no image store that can be read";
    case error::not_an_image: return "not a container image";
    case error::unsupported_os: return "unsupported operating system";
    case error::empty_image: return "image without layers";
    case error::invalid_config: return "invalid image config";
    case error::invalid_document: return "invalid document";
    case error::invalid_json: return "invalid JSON";
    case error::limit_exceeded: return "limit exceeded";
    case error::missing_blob: return "missing blob";
    case error::missing_layer: return "missing layer";
    case error::cyclic_index: return "index leads back to itself or nests too deeply";
    case error::not_a_layout: return "not an OCI image layout";
    case error::size_mismatch: return "wrong size";
    case error::digest_mismatch: return "wrong digest";
    case error::layer_too_short: return "layer shorter than promised";
    case error::layer_too_long: return "layer longer than promised";
    case error::store_changed: return "changed while it was saved";
    case error::not_a_regular_file: return "not a regular file";
    case error::unrecoverable_layer: return "layer cannot be rebuilt";
    case error::time_out_of_range: return "time out of range";
    case error::exception_thrown: return "exception thrown";
    case error::unencodable_header: return "cannot be expressed in a tar header";
    case error::invalid_header: return "invalid tar header";
    case error::truncated_archive: return "archive ends too early";
    case error::archive_too_large: return "archive too large";
    case error::sink_stalled: return "sink accepts no more bytes";
    case error::sink_overran: return "sink takes more bytes than it is given";
    case error::sink_finished: return "sink is already finished";
    case error::cannot_resume: return "cannot resume";
    case error::cancelled: return "cancelled";
    }
    return "tarexport error";
}

/// Return what the user can do about an error, or an empty string.
constexpr char const* advice(error e) noexcept
{
    switch(e) {
    case error::invalid_reference: return "write it as [HOST/]REPOSITORY[:TAG][@DIGEST] in lower case, or give an image ID";
    case error::invalid_digest: return "write it as sha256: and 64 lower-case hexadecimal digits";
    case error::unsupported_digest: return "sha256, sha384 and sha512 can be verified";
    case error::invalid_platform: return "write it as linux/amd64 or linux/arm/v7";
    case error::invalid_pattern: return "write a literal [ as \\[";
    case error::unknown_reference:
    case error::unknown_image: return "list the store's images for the names and IDs it has";
    case error::ambiguous_id: return "give more digits of the ID";
    case error::ambiguous_reference: return "give the image by its digest or ID";
    case error::no_names: return "name at least one image";
    case error::unknown_platform: return "choose one of the platforms that the image has";
    case error::several_platforms: return "choose one platform";
    case error::incomplete_index: return "choose one platform or all, or say how the index becomes: prune or keep";
    case error::range_out_of_bounds: return "ask the plan for the archive's size";
    case error::not_an_image: return "name an image; artifacts cannot be loaded by a container engine";
    case error::unsupported_os: return "only images for Linux can be saved";
    case error::empty_image: return "an image needs at least one layer to be saved";
    case error::missing_blob: return "copy the image into the store again, with all its blobs; merge a thin archive with its base";
    case error::missing_layer:
        return "the image may just have been removed: try again; else put it into the store again, with all its layers";
    case error::size_mismatch:
    case error::digest_mismatch:
    case error::layer_too_short:
    case error::layer_too_long: return "the store is damaged; fetch the image again";
    case error::store_changed: return "save again when nothing writes to the store";
    case error::unrecoverable_layer: return "the engine cannot save this image either; fetch it from where it came from";
    case error::not_a_layout: return "an OCI image layout has the files oci-layout and index.json";
    case error::cannot_resume: return "start again without resuming, which discards a partial file";
    case error::unsupported_store:
    case error::invalid_config:
    case error::invalid_document:
    case error::invalid_json:
    case error::limit_exceeded:
    case error::cyclic_index:
    case error::not_a_regular_file:
    case error::time_out_of_range:
    case error::exception_thrown:
    case error::unencodable_header:
    case error::invalid_header:
    case error::truncated_archive:
    case error::archive_too_large:
    case error::sink_stalled:
    case error::sink_overran:
    case error::sink_finished:
    case error::cancelled: return "";
    }
    return "";
}

namespace detail {

// Every shared library gets its own copy of a header-only category; equal ids make the copies equal.
class error_category_type final : public boost::system::error_category {
public:
    constexpr error_category_type() noexcept : error_category(0x7a7e3c15d0e1a9b3ull) {}
    char const* name() const noexcept override { return "tarexport"; }
    std::string message(int value) const override { return text(static_cast<error>(value)); }
    char const* message(int value, char*, std::size_t) const noexcept override
    {
        return text(static_cast<error>(value));
    }
    inline error_condition default_error_condition(int value) const noexcept override;
};

class condition_category_type final : public boost::system::error_category {
public:
    constexpr condition_category_type() noexcept : error_category(0x7a7e3c15d0e1a9b4ull) {}
    char const* name() const noexcept override { return "tarexport condition"; }
    std::string message(int value) const override
    {
        switch(static_cast<condition>(value)) {
        case condition::bad_request: return "bad request";
        case condition::not_found: return "not found";
        case condition::corrupt_store: return "corrupt store";
        case condition::cancelled: return "cancelled";
        }
        return "tarexport condition";
    }

    // What Asio says of an operation that was cancelled, too.
    bool equivalent(boost::system::error_code const& code, int value) const noexcept override
    {
        return error_category::equivalent(code, value) ||
            (static_cast<condition>(value) == condition::cancelled && code == boost::system::errc::operation_canceled);
    }
};

inline constexpr error_category_type error_category_instance{};
inline constexpr condition_category_type condition_category_instance{};

} // namespace detail

/// Return the category of `error`.
inline boost::system::error_category const& tarexport_category() noexcept
{
    return detail::error_category_instance;
}

inline error_code make_error_code(error e) noexcept
{
    return {static_cast<int>(e), detail::error_category_instance};
}

/// Print the sentence of a code.
inline std::ostream& operator<<(std::ostream& os, error e)
{
    return os << text(e);
}

inline error_condition make_error_condition(condition c) noexcept
{
    return {static_cast<int>(c), detail::condition_category_instance};
}

} // namespace tarexport

namespace boost::system {
template<> struct is_error_code_enum<tarexport::error> : std::true_type {};
template<> struct is_error_condition_enum<tarexport::condition> : std::true_type {};
} // namespace boost::system

namespace tarexport {

inline error_condition detail::error_category_type::default_error_condition(int value) const noexcept
{
    switch(static_cast<error>(value)) {
    case error::invalid_reference:
    case error::invalid_digest:
    case error::unsupported_digest:
    case error::invalid_platform:
    case error::invalid_pattern:
    case error::ambiguous_id:
    case error::ambiguous_reference:
    case error::no_names:
    case error::several_platforms:
    case error::incomplete_index:
    case error::range_out_of_bounds:
    case error::unsupported_store: return condition::bad_request;
    case error::unknown_reference:
    case error::unknown_image:
    case error::unknown_platform: return condition::not_found;
    case error::not_an_image:
    case error::unsupported_os:
    case error::empty_image:
    case error::invalid_config:
    case error::invalid_document:
    case error::invalid_json:
    case error::limit_exceeded:
    case error::missing_blob:
    case error::missing_layer:
    case error::cyclic_index:
    case error::not_a_layout:
    case error::size_mismatch:
    case error::digest_mismatch:
    case error::layer_too_short:
    case error::layer_too_long:
    case error::store_changed:
    case error::not_a_regular_file:
    case error::unrecoverable_layer: return condition::corrupt_store;
    case error::cancelled: return condition::cancelled;
    case error::time_out_of_range:
    case error::exception_thrown:
    case error::unencodable_header:
    case error::invalid_header:
    case error::truncated_archive:
    case error::archive_too_large:
    case error::sink_stalled:
    case error::sink_overran:
    case error::sink_finished:
    case error::cannot_resume: break;
    }
    return {value, *this};
}

/** What failed, and on what.

    `subject` names the image, layer, blob or path ("app:1.0", "sha256:9f..", "/srv/images/index.json");
    `detail` says what was found, where a code alone does not ("expected 512 bytes, found 100"). Either may be empty.
*/
struct failure {
    error_code code;
    std::string subject;
    std::string detail;

    friend bool operator==(failure const&, failure const&) = default;
};

/// Return the whole sentence: what failed, on which subject, what was found, what to do.
inline std::string message(failure const& f)
{
    std::string s = f.subject;
    if(!s.empty())
        s += ": ";
    s += f.code.message();
    if(!f.detail.empty())
        s += " (" + f.detail + ")";
    if(f.code.category() == tarexport_category()) {
        std::string_view const a = advice(static_cast<error>(f.code.value()));
        if(!a.empty())
            s.append("; ").append(a);
    }
    else if(f.code == boost::system::errc::too_many_files_open || f.code == boost::system::errc::too_many_files_open_in_system)
        s += "; use fewer jobs, or let the process open more files (ulimit -n)";
    return s;
}

/// Thrown by the throwing interfaces: a `system_error` that knows its subject.
class save_error : public boost::system::system_error {
public:
    explicit save_error(failure f) : system_error(f.code), told_(std::make_shared<told const>(tarexport::message(f), std::move(f))) {}

    /// Return what failed, and on what.
    failure const& reason() const noexcept { return told_->reason; }

    /// Return the whole sentence, as `message(reason())`.
    char const* what() const noexcept override { return told_->text.c_str(); }

private:
    struct told {
        told(std::string t, failure f) : text(std::move(t)), reason(std::move(f)) {}
        std::string text;
        failure reason;
    };

    std::shared_ptr<told const> told_; // shared, so that copying does not throw
};

/// What `result::value` calls where there is none. @throws save_error
[[noreturn]] inline void throw_exception_from_error(failure const& f, boost::source_location const& where)
{
    boost::throw_exception(save_error(f), where);
}

/// A value, or why there is none. `value()` throws `save_error`.
template<class T>
using result = boost::system::result<T, failure>;

namespace detail {

// The detail of a size that is wrong.
inline std::string sizes(std::uint64_t expected, std::uint64_t found)
{
    return "expected " + std::to_string(expected) + " bytes, found " + std::to_string(found);
}

} // namespace detail

} // namespace tarexport

#endif
