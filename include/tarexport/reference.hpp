//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_REFERENCE_HPP
#define TAREXPORT_REFERENCE_HPP

#include <tarexport/detail/lower_case.hpp>
#include <tarexport/detail/reference_grammar.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/error.hpp>

#include <boost/assert.hpp>

#include <compare>
#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace tarexport {

/// Why a text is no reference.
enum class reference_fault {
    none,
    empty,              ///< There is no text.
    identifier,         ///< 64 lower-case hexadecimal digits: an image ID, never a name.
    upper_case_path,    ///< The repository's path has an upper-case letter, or bytes that are not UTF-8.
    upper_case,         ///< Only upper-case letters keep the text from being a reference.
    invalid_format,     ///< The text does not follow the grammar.
    too_long,           ///< The repository's path has more than 255 bytes.
    invalid_tag,        ///< A tag is not 1 to 128 letters, digits, `_`, `.`, `-`, or begins with `.` or `-`.
    invalid_digest,     ///< A digest does not follow the grammar `algorithm:hex`, with 32 digits or more.
    digest_format,      ///< A digest of a known algorithm is not lower-case hexadecimal.
    digest_length,      ///< A digest of a known algorithm has the wrong length.
    unsupported_digest, ///< A digest of an algorithm that is not known.
    not_canonical       ///< The text is a reference, but not in its full form.
};

/// Return the sentence for a fault; empty for `none`.
constexpr char const* text(reference_fault f) noexcept
{
    switch(f) {
    case reference_fault::none: return "";
    case reference_fault::empty: return "the name is empty";
    case reference_fault::identifier: return "64 hexadecimal digits are an image ID, not a name";
    case reference_fault::upper_case_path: return "the repository name must be in lower case";
    case reference_fault::upper_case: return "the name must be in lower case";
    case reference_fault::invalid_format: return "not of the form [HOST/]REPOSITORY[:TAG][@DIGEST]";
    case reference_fault::too_long: return "the repository name has more than 255 bytes";
    case reference_fault::invalid_tag: return "invalid tag";
    case reference_fault::invalid_digest: return "invalid digest";
    case reference_fault::digest_format: return "the digest is not in lower-case hexadecimal digits";
    case reference_fault::digest_length: return "the digest has the wrong length";
    case reference_fault::unsupported_digest: return "the digest's algorithm is not known";
    case reference_fault::not_canonical: return "not in its full form";
    }
    return "";
}

/** The name of an image or of a repository of images: `docker.io/library/alpine:3.20`.

    A repository, which is a domain and a path, and a tag, a digest, both or neither. It always names something
    and follows the grammar of the distribution project; it is *normalized*, that is, has a domain, unless
    it was made by `parse_verbatim_reference` or `with_name`.

    References are ordered, and are equal, by their texts. The views that the accessors return are valid until the
    object is assigned to, moved from or destroyed; one that was moved from can only be assigned to or destroyed.
    @see https://github.com/distribution/reference/blob/v0.6.0/reference.go
*/
class reference {
public:
    /// Return the whole text.
    std::string const& str() const noexcept { return text_; }

    /// Return `domain/path`, or the path where there is no domain.
    std::string_view name() const noexcept { return view().substr(0, name_size_); }

    /// Return the host, with its port if one was written; empty if there is none.
    std::string_view domain() const noexcept { return view().substr(0, domain_size_); }

    /// Return the repository's name at its host.
    std::string_view path() const noexcept { return name().substr(domain_size_ == 0 ? 0 : domain_size_ + 1); }

    /// Return the tag, or nothing.
    std::string_view tag() const noexcept
    {
        return tag_size_ == 0 ? std::string_view() : view().substr(name_size_ + 1, tag_size_);
    }

    /// Return the digest as it was written, or nothing.
    std::string_view digest_text() const noexcept
    {
        auto const rest = view().substr(name_size_ + (tag_size_ == 0 ? 0 : tag_size_ + 1));
        return rest.empty() ? rest : rest.substr(1);
    }

    bool has_tag() const noexcept { return tag_size_ != 0; }
    bool has_digest() const noexcept { return !digest_text().empty(); }

    /// Return whether this names a repository: no tag, no digest.
    bool is_name_only() const noexcept { return name_size_ == text_.size(); }

    /** Return the digest.

        Fails, as `parse_digest` does, only where there is none or where `with_digest` accepted one whose algorithm
        or length is not known; the references that are parsed have sound ones.
    */
    result<digest> id() const { return tarexport::parse_digest(digest_text()); }

    /// Return the text as users write it: without `docker.io/`, and without `library/` before a single name.
    std::string_view familiar() const noexcept { return view().substr(familiar_offset()); }

    /// Return the repository's name as users write it.
    std::string_view familiar_name() const noexcept { return name().substr(familiar_offset()); }

    /// Return the repository alone, without tag and digest.
    reference without_tag_and_digest() const { return {domain(), path(), {}, {}}; }

    /// Return the reference without its tag.
    reference without_tag() const { return {domain(), path(), {}, digest_text()}; }

    /// Return the reference with the tag `latest` if it is a name only, otherwise itself.
    reference with_default_tag() const
    {
        return is_name_only() ? reference(domain(), path(), "latest", {}) : *this;
    }

    /// Return the reference with another tag, and the digest that it has; or `invalid_reference`.
    result<reference> with_tag(std::string_view tag) const;

    /** Return the reference with another digest, and the tag that it has; or `invalid_reference`.

        Only the form `algorithm:hex` is checked, with 32 digits or more of either case.
    */
    result<reference> with_digest(std::string_view digest_text) const;

    /// Return the reference with another digest, and the tag that it has. Precondition: `!id.empty()`.
    reference with_digest(tarexport::digest const& id) const { return {domain(), path(), tag(), id.str()}; }

    friend bool operator==(reference const& a, reference const& b) noexcept { return a.text_ == b.text_; }
    friend auto operator<=>(reference const& a, reference const& b) noexcept { return a.text_ <=> b.text_; }
    friend std::ostream& operator<<(std::ostream& os, reference const& r) { return os << r.text_; }

private:
    friend result<reference> parse_verbatim_reference(std::string_view text);
    friend result<reference> parse_reference(std::string_view text);
    friend result<reference> with_name(std::string_view name);

    reference(std::string_view domain, std::string_view path, std::string_view tag, std::string_view digest_text);
    explicit reference(detail::reference_parts const& p) : reference(p.domain, p.path, p.tag, p.digest_text) {}

    std::string_view view() const noexcept { return text_; }
    std::size_t familiar_offset() const noexcept;

    std::string text_;
    std::size_t domain_size_;
    std::size_t name_size_;
    std::size_t tag_size_;
};

/// Return why a text is no reference as users write it, or `none`.
inline reference_fault check_reference(std::string_view text);

/// Return why a text is no reference as it stands, or `none`.
inline reference_fault check_verbatim_reference(std::string_view text);

/** Parse a reference as users write it: `[host/]repository[:tag][@digest]`.

    What is left out is put in: `alpine` becomes `docker.io/library/alpine`. No tag is put in. The first part is
    a host if it has a `.`, a `:` or an upper-case letter, or is `localhost`; `index.docker.io` is `docker.io`.

    Takes linear time, however hostile the text.

    @return The normalized reference, or `invalid_reference`; the subject is the text, the detail that of the
    `reference_fault`.
*/
inline result<reference> parse_reference(std::string_view text);

/// Parse a reference as it stands: nothing is put in, and a name without a host stays one.
inline result<reference> parse_verbatim_reference(std::string_view text);

/// Parse a reference in its full form, as `parse_reference` would return it; anything shorter is `not_canonical`.
inline result<reference> parse_canonical_reference(std::string_view text);

/** Parse what a pull asks for: a reference that is never a name only, and has a digest or a tag but not both.

    A name gets the tag `latest`; beside a digest the tag is left out.
*/
inline result<reference> parse_pull_reference(std::string_view text);

/// Return the reference of a repository's name, as it stands.
inline result<reference> with_name(std::string_view name);

/// An image ID, or a normalized reference.
using any_reference = std::variant<digest, reference>;

/** Parse an image ID, with or without `sha256:`, or a reference as users write it.

    The digits alone are a SHA-256; a whole digest may be of any supported algorithm.
*/
inline result<any_reference> parse_any_reference(std::string_view text);

/// The first digits of an image ID; `text` may have an algorithm and a colon before them.
struct id_prefix {
    std::string text;

    friend bool operator==(id_prefix const&, id_prefix const&) = default;
};

/** A repository: all of its references are meant.

    Where a store has none of that name, what the user typed is looked up as an `id_prefix`.
*/
struct repository_name {
    reference base;

    friend bool operator==(repository_name const&, repository_name const&) = default;
};

/** What a user typed to name images, and how a store looks it up.

    - `digest`: the image with exactly this ID;
    - `id_prefix`: the one image whose ID begins so;
    - `repository_name`: every reference of that repository, or else the one image whose ID begins with `text`;
    - `reference`: the image of exactly this reference, by its digest if it has one.
*/
struct image_name {
    std::string text; ///< as typed
    std::variant<digest, id_prefix, repository_name, reference> meaning;

    friend bool operator==(image_name const&, image_name const&) = default;
};

/** Parse what a user typed to name images, by the rule of `docker save` (moby v27.3.1, image/tarexport).

    @return What it means, or `invalid_reference`.
    @see reference::has_digest: an image that was named by a digest is saved without a tag.
*/
inline result<image_name> parse_image_name(std::string_view text);

namespace detail {

inline constexpr std::string_view default_domain = "docker.io";
inline constexpr std::string_view official_prefix = "library/";

inline reference_fault to_reference_fault(digest_fault f) noexcept
{
    switch(f) {
    case digest_fault::none: return reference_fault::none;
    case digest_fault::invalid_format: return reference_fault::digest_format;
    case digest_fault::invalid_length: return reference_fault::digest_length;
    case digest_fault::unsupported: return reference_fault::unsupported_digest;
    }
    return reference_fault::invalid_digest;
}

// Only the path counts for the limit, not the host.
constexpr bool is_too_long(reference_parts const& p) noexcept { return p.path.size() > 255; }

inline reference_fault split_verbatim(std::string_view text, reference_parts& parts)
{
    if(text.empty())
        return reference_fault::empty;
    auto const found = detail::split_reference(text);
    if(!found) {
        bool const lower_case_helps = !detail::is_lower_case(text) && detail::split_reference(detail::to_lower(text));
        return lower_case_helps ? reference_fault::upper_case : reference_fault::invalid_format;
    }
    if(detail::is_too_long(*found))
        return reference_fault::too_long;
    parts = *found;
    return parts.digest_text.empty() ? reference_fault::none
                                     : detail::to_reference_fault(tarexport::check_digest(parts.digest_text));
}

// The host that a text as users write it means, and what follows the host.
inline std::pair<std::string_view, std::string_view> split_domain(std::string_view text)
{
    auto const slash = text.find('/');
    if(slash == std::string_view::npos)
        return {default_domain, text};
    auto const first = text.substr(0, slash), rest = text.substr(slash + 1);
    if(first == "index.docker.io")
        return {default_domain, rest};
    if(first == "localhost" || first.find_first_of(".:") != std::string_view::npos || !detail::is_lower_case(first))
        return {first, rest};
    return {default_domain, text};
}

// The parts are views of `full`, which becomes the text with all that was left out.
inline reference_fault split_normalized(std::string_view text, std::string& full, reference_parts& parts)
{
    if(detail::is_identifier(text))
        return reference_fault::identifier;
    auto const [domain, rest] = detail::split_domain(text);
    if(!detail::is_lower_case(rest.substr(0, rest.find(':'))))
        return reference_fault::upper_case_path;
    full.append(domain).push_back('/');
    if(domain == default_domain && rest.find('/') == std::string_view::npos)
        full.append(official_prefix);
    full.append(rest);
    return detail::split_verbatim(full, parts);
}

inline failure bad_reference(std::string_view text, reference_fault f)
{
    return {error::invalid_reference, std::string(text), tarexport::text(f)};
}

} // namespace detail

inline reference::reference(
    std::string_view domain, std::string_view path, std::string_view tag, std::string_view digest_text)
    : domain_size_(domain.size())
    , name_size_(path.size() + (domain.empty() ? 0 : domain.size() + 1))
    , tag_size_(tag.size())
{
    BOOST_ASSERT(!path.empty());
    text_.reserve(name_size_ + tag.size() + digest_text.size() + 2);
    if(!domain.empty())
        text_.append(domain).push_back('/');
    text_.append(path);
    if(!tag.empty())
        text_.append(1, ':').append(tag);
    if(!digest_text.empty())
        text_.append(1, '@').append(digest_text);
}

inline std::size_t reference::familiar_offset() const noexcept
{
    if(domain() != detail::default_domain)
        return 0;
    auto const p = path();
    bool const official = p.starts_with(detail::official_prefix) &&
                          p.find('/', detail::official_prefix.size()) == std::string_view::npos;
    return domain_size_ + 1 + (official ? detail::official_prefix.size() : 0);
}

inline result<reference> reference::with_tag(std::string_view tag) const
{
    if(!detail::is_tag(tag))
        return detail::bad_reference(tag, reference_fault::invalid_tag);
    return reference(domain(), path(), tag, digest_text());
}

inline result<reference> reference::with_digest(std::string_view digest_text) const
{
    if(!detail::is_reference_digest(digest_text))
        return detail::bad_reference(digest_text, reference_fault::invalid_digest);
    return reference(domain(), path(), tag(), digest_text);
}

inline reference_fault check_reference(std::string_view text)
{
    std::string full;
    detail::reference_parts parts;
    return detail::split_normalized(text, full, parts);
}

inline reference_fault check_verbatim_reference(std::string_view text)
{
    detail::reference_parts parts;
    return detail::split_verbatim(text, parts);
}

inline result<reference> parse_reference(std::string_view text)
{
    std::string full;
    detail::reference_parts parts;
    if(auto const fault = detail::split_normalized(text, full, parts); fault != reference_fault::none)
        return detail::bad_reference(text, fault);
    return reference(parts);
}

inline result<reference> parse_verbatim_reference(std::string_view text)
{
    detail::reference_parts parts;
    if(auto const fault = detail::split_verbatim(text, parts); fault != reference_fault::none)
        return detail::bad_reference(text, fault);
    return reference(parts);
}

inline result<reference> parse_canonical_reference(std::string_view text)
{
    auto r = tarexport::parse_reference(text);
    if(r && r->str() != text)
        return detail::bad_reference(text, reference_fault::not_canonical);
    return r;
}

inline result<reference> parse_pull_reference(std::string_view text)
{
    auto r = tarexport::parse_reference(text);
    if(!r)
        return r;
    return r->has_digest() ? r->without_tag() : r->with_default_tag();
}

inline result<reference> with_name(std::string_view name)
{
    auto const parts = detail::split_name(name);
    if(!parts)
        return detail::bad_reference(name, reference_fault::invalid_format);
    if(detail::is_too_long(*parts))
        return detail::bad_reference(name, reference_fault::too_long);
    return reference(*parts);
}

inline result<any_reference> parse_any_reference(std::string_view text)
{
    if(detail::is_identifier(text))
        return any_reference(tarexport::parse_digest("sha256:" + std::string(text)).value());
    if(auto const id = tarexport::parse_digest(text))
        return any_reference(*id);
    auto r = tarexport::parse_reference(text);
    if(!r)
        return std::move(r).error();
    return any_reference(*std::move(r));
}

inline result<image_name> parse_image_name(std::string_view text)
{
    auto any = tarexport::parse_any_reference(text);
    if(!any)
        return std::move(any).error();
    image_name n{std::string(text), {}};
    if(auto const* const id = std::get_if<digest>(&*any)) {
        n.meaning = *id;
        return n;
    }
    auto& r = std::get<reference>(*any);
    // `sha256:` and too few digits is by grammar a name with a tag.
    if(r.familiar_name() == name_of(digest_algorithm::sha256))
        n.meaning = id_prefix{n.text};
    else if(r.is_name_only())
        n.meaning = repository_name{std::move(r)};
    else
        n.meaning = std::move(r);
    return n;
}

} // namespace tarexport

#endif
