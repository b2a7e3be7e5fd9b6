//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_TESTING_SOURCE_HPP
#define TAREXPORT_TESTING_SOURCE_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/descriptor.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/layer.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <sys/types.h>
#include <unistd.h>

namespace tarexport::detail {

template<class T>
struct without_result {
    using type = T;
};
template<class T>
struct without_result<result<T>> {
    using type = T;
};

template<class Make>
using made_source = typename without_result<std::remove_cvref_t<std::invoke_result_t<Make&>>>::type;

// One source, read from the front, against the bytes that it should give.
template<layer_source Source>
class source_run {
public:
    source_run(Source&& s, std::string_view expected, std::string name, std::vector<std::string>& broken)
        : source_(std::move(s))
        , expected_(expected)
        , name_(std::move(name))
        , broken_(broken)
    {
    }

    // Reads at most `max` bytes. Returns whether there may be more.
    bool read(std::size_t max)
    {
        constexpr std::size_t beyond = 16;
        buffer_.assign(max + beyond, guard);
        error_code ec;
        auto const n = source_.read_some(std::as_writable_bytes(std::span(buffer_).first(max)), ec);
        if(buffer_.find_first_not_of(guard, max) != std::string::npos)
            return fail("wrote beyond the end of the buffer");
        return took(n, max, ec, [&] { return std::string_view(buffer_).substr(0, n); });
    }

    // As `read`, from the source's own memory; what was shown before must stay while nothing new is shown.
    bool view(std::size_t max)
    requires view_source<Source>
    {
        error_code ec;
        auto const b = source_.view_some(max, ec);
        if(b.empty() && to_text(shown_) != shown_copy_)
            return fail("what it had shown changed when it showed nothing new");
        if(!took(b.size(), max, ec, [&] { return to_text(b); }))
            return false;
        shown_ = b;
        shown_copy_ = to_text(b);
        return true;
    }

    void extent()
    requires extent_source<Source>
    {
        std::optional<file_extent> const e = source_.extent();
        if(!e)
            return;
        auto const rest = expected_.substr(position_);
        std::string found(rest.size(), guard);
        std::size_t n = 0;
        while(n != found.size()) {
            auto const got = ::pread(e->fd, found.data() + n, found.size() - n, static_cast<off_t>(e->offset + n));
            if(got <= 0)
                break;
            n += static_cast<std::size_t>(got);
        }
        if(e->size != rest.size() || n != found.size() || found != rest)
            fail("its extent does not have the bytes that remain");
    }

    // To be called when nothing more came.
    void finish()
    {
        if(failed_)
            return;
        if(position_ != expected_.size()) {
            fail("it ended after " + std::to_string(position_) + " of " + std::to_string(expected_.size()) + " bytes");
            return;
        }
        // The end lasts.
        for(std::size_t max : {1u, 512u, 1u})
            read(max);
    }

    bool failed() const noexcept { return failed_; }

    // Goes on with an object that the source was moved to.
    void move()
    {
        Source moved(std::move(source_));
        source_ = std::move(moved);
    }

private:
    static constexpr char guard = '\x5A';

    template<class Bytes>
    bool took(std::size_t n, std::size_t max, error_code const& ec, Bytes bytes)
    {
        if(n > max)
            return fail("it gave " + std::to_string(n) + " bytes of at most " + std::to_string(max));
        if(ec.failed())
            return fail(n == 0 ? "it reported an error: " + ec.message() : "it gave bytes and reported an error: " + ec.message());
        if(n > expected_.size() - position_)
            return fail("it gave more than " + std::to_string(expected_.size()) + " bytes");
        if(n != 0 && bytes() != expected_.substr(position_, n))
            return fail("other bytes from position " + std::to_string(position_));
        position_ += n;
        return n != 0;
    }

    bool fail(std::string const& what)
    {
        failed_ = true;
        broken_.push_back(name_ + ": " + what);
        return false;
    }

    Source source_;
    std::string_view expected_;
    std::string name_;
    std::vector<std::string>& broken_;
    std::size_t position_ = 0;
    std::string buffer_;
    bytes_view shown_;
    std::string shown_copy_;
    bool failed_ = false;
};

template<class Make>
class source_check {
public:
    using source = made_source<Make>;
    using run_type = source_run<source>;

    source_check(Make& make, std::string_view expected, std::string about)
        : make_(make)
        , expected_(expected)
        , about_(std::move(about))
    {
    }

    std::vector<std::string> run()
    {
        for(std::size_t size : {1u, 2u, 3u, 511u, 512u, 513u, 4096u, 65536u, 1u << 20}) {
            // Small portions of something large take long and show nothing new.
            if(expected_.size() / size > (1u << 16))
                continue;
            auto const portions = " in portions of " + std::to_string(size) + " bytes";
            each("read" + portions, [&](run_type& r) { return r.read(size); });
            if constexpr(view_source<source>)
                each("viewed" + portions, [&](run_type& r) { return r.view(size); });
        }
        each("moved while it is read", [&](run_type& r) {
            r.move();
            return r.read(expected_.size() / 8 + 1);
        });
        if constexpr(view_source<source>) {
            bool viewed = false;
            each("read and viewed in turns", [&](run_type& r) {
                viewed = !viewed;
                return viewed ? r.view(7000) : r.read(3000);
            });
        }
        if constexpr(extent_source<source>)
            each("its extent asked for", [&](run_type& r) {
                r.extent();
                return !r.failed() && r.read(expected_.size() / 8 + 1);
            });
        return std::move(broken_);
    }

private:
    template<class Step>
    void each(std::string const& name, Step step)
    {
        auto made = make_();
        if constexpr(is_result<decltype(made)>) {
            if(!made) {
                broken_.push_back(about_ + name + ": it was not opened: " + tarexport::message(made.error()));
                return;
            }
            go(std::move(*made), name, step);
        }
        else
            go(std::move(made), name, step);
    }

    template<class Step>
    void go(source s, std::string const& name, Step step)
    {
        run_type r(std::move(s), expected_, about_ + name, broken_);
        while(step(r)) {
        }
        r.finish();
    }

    Make& make_;
    std::string_view expected_;
    std::string about_;
    std::vector<std::string> broken_;
};

template<class Make>
std::vector<std::string> check_source(Make make, std::string_view expected, std::string about)
{
    return source_check<Make>(make, expected, std::move(about)).run();
}

inline void add_sentences(std::vector<std::string>& all, std::vector<std::string> more)
{
    std::ranges::move(more, std::back_inserter(all));
}

// Reads to the end, or to one byte more than `expected`.
template<layer_source Source>
std::string read_for_check(Source& s, std::uint64_t expected, error_code& ec)
{
    std::string text;
    std::string buffer(std::size_t{64} << 10, '\0');
    while(text.size() <= expected) {
        auto const n = s.read_some(std::as_writable_bytes(std::span(buffer)), ec);
        if(ec.failed() || n == 0)
            break;
        text.append(buffer, 0, std::min(n, buffer.size()));
    }
    return text;
}

template<layer_handle Handle>
class handle_check {
public:
    explicit handle_check(Handle h) : handle_(std::move(h)), before_(handle_.info()), name_(before_.id.str() + ": ") {}

    std::vector<std::string> run()
    {
        if(!read())
            return std::move(broken_);
        Handle moved(std::move(handle_));
        handle_ = std::move(moved);
        auto const whole = std::string_view(text_);
        detail::add_sentences(broken_, detail::check_source([&] { return handle_.open(0); }, whole, name_));
        for(std::size_t offset : {std::size_t{1}, std::size_t{511}, std::size_t{512}, std::size_t{513}, whole.size() / 2,
                whole.size() - std::min<std::size_t>(whole.size(), 1), whole.size()})
            if(offset <= whole.size() && !tail(offset, whole.substr(offset)))
                break;
        together();
        if(!(handle_.info() == before_))
            fail("what it says of itself has changed");
        return std::move(broken_);
    }

private:
    bool read()
    {
        auto opened = handle_.open(0);
        if(!opened)
            return fail("it was not opened: " + tarexport::message(opened.error()));
        error_code ec;
        text_ = detail::read_for_check(*opened, before_.size, ec);
        if(ec.failed())
            return fail("it was not read: " + ec.message());
        if(text_.size() != before_.size)
            return fail("its size is not that of its bytes: " + std::to_string(before_.size) + " promised, "
                        + (text_.size() > before_.size ? "more" : std::to_string(text_.size())) + " found");
        hash_set<sha256, sha384, sha512>::hasher h;
        if(before_.id.empty() || !h.start(before_.id.algorithm()))
            return fail("it has no digest");
        h.update(to_bytes(text_));
        if(auto const found = *h.result(); found != before_.id)
            return fail("its digest is not that of its bytes, which is " + found.str());
        return true;
    }

    bool tail(std::size_t offset, std::string_view expected)
    {
        auto const where = "opened at " + std::to_string(offset) + ": ";
        auto opened = handle_.open(offset);
        if(!opened)
            return fail(where + tarexport::message(opened.error()));
        if constexpr(extent_source<source_of<Handle>>) {
            source_run<source_of<Handle>> r(std::move(*opened), expected, name_ + where, broken_);
            r.extent();
            while(!r.failed() && r.read(65536)) {
            }
            r.finish();
            return !r.failed();
        }
        else {
            error_code ec;
            auto const found = detail::read_for_check(*opened, expected.size(), ec);
            return found == expected || fail(where + "it does not give the bytes from there on");
        }
    }

    // Two sources of one handle, read in turns.
    void together()
    {
        auto first = handle_.open(0), second = handle_.open(0);
        if(!first || !second) {
            fail("it cannot be opened twice at once");
            return;
        }
        using run_type = source_run<source_of<Handle>>;
        run_type a(std::move(*first), text_, name_ + "one of two open sources", broken_);
        run_type b(std::move(*second), text_, name_ + "the other of two open sources", broken_);
        for(bool more = true; more;) {
            bool const more_a = !a.failed() && a.read(5000), more_b = !b.failed() && b.read(7000);
            more = more_a || more_b;
        }
        a.finish();
        b.finish();
    }

    bool fail(std::string const& what)
    {
        broken_.push_back(name_ + what);
        return false;
    }

    Handle handle_;
    descriptor before_;
    std::string name_;
    std::string text_;
    std::vector<std::string> broken_;
};

} // namespace tarexport::detail

namespace tarexport::testing {

/** Check that a source keeps the laws of `layer_source`, and of those refinements that it models.

    Portions of any size give the same bytes, each call 1 to all that were asked for; after the end there is nothing more and no
    error; a source may be moved; what a view source has shown stays until it shows more; an extent has the bytes that remain.

    @param make `make()` returns a new source at the front of the same bytes, or a `result` of one; called for every run.
    @param expected The bytes.
    @return A sentence for each law that does not hold; nothing if all do.
*/
template<std::invocable Make>
requires layer_source<tarexport::detail::made_source<Make>>
std::vector<std::string> check_source(Make make, bytes_view expected)
{
    return tarexport::detail::check_source(std::move(make), to_text(expected), {});
}

/** Check that a handle keeps the laws of `layer_handle`, and its sources those of theirs; the layer must fit into memory.

    Its bytes have the size and the digest that it tells; opened at a position, it gives the bytes from there on; it can
    be opened several times at once; it may be moved, and always tells the same.

    @return A sentence for each law that does not hold; nothing if all do.
*/
template<layer_handle Handle>
std::vector<std::string> check_handle(Handle handle)
{
    return tarexport::detail::handle_check<Handle>(std::move(handle)).run();
}

} // namespace tarexport::testing

#endif
