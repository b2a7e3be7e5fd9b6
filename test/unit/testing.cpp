//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/testing/store.hpp>

#include <tarexport/saver.hpp>
#include <tarexport/sink/memory.hpp>
#include <tarexport/store/measured.hpp>
#include <tarexport/store/memory.hpp>
#include <tarexport/testing/counting_store.hpp>
#include <tarexport/testing/failing_store.hpp>
#include <tarexport/testing/sink.hpp>

#define BOOST_TEST_MODULE testing
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// Every law has an offender here, which must be told, and for that law.

namespace {

using namespace tarexport;
using sentences = std::vector<std::string>;

sentences const none;

bool tells(sentences const& all, std::string_view what)
{
    return std::ranges::any_of(all, [&](auto const& s) { return s.find(what) != s.npos; });
}

void check_tells(sentences const& all, std::string_view what)
{
    BOOST_TEST(tells(all, what), what << " is not among " << all.size() << " sentences" << (all.empty() ? "" : ", the first: " + all.front()));
}

// A good source, and one for each thing that a source may do wrong.
struct text_source {
    std::string text;
    std::size_t at = 0;

    std::size_t read_some(std::span<std::byte> into, error_code&)
    {
        auto const n = std::min(into.size(), text.size() - at);
        std::ranges::copy(to_bytes(text).subspan(at, n), into.begin());
        at += n;
        return n;
    }
};

struct overflowing_source : text_source {
    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        if(at + into.size() < text.size())
            into.data()[into.size()] = std::byte{'!'};
        return text_source::read_some(into, ec);
    }
};

struct overcounting_source : text_source {
    std::size_t read_some(std::span<std::byte> into, error_code& ec) { return text_source::read_some(into, ec) + 1; }
};

struct restarting_source : text_source {
    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        auto const n = text_source::read_some(into, ec);
        if(n == 0)
            at = 0;
        return n;
    }
};

// Loses a byte wherever a portion ends.
struct leaky_source : text_source {
    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        auto const n = text_source::read_some(into, ec);
        at = std::min(at + 1, text.size());
        return n;
    }
};

struct both_source : text_source {
    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        ec = make_error_code(boost::system::errc::io_error);
        return text_source::read_some(into, ec);
    }
};

struct shared_buffer_source : text_source {
    bytes_view view_some(std::size_t max, error_code& ec)
    {
        buffer.assign(std::max(max, buffer.size()), '?');
        auto const n = text_source::read_some(std::as_writable_bytes(std::span(buffer).first(max)), ec);
        return to_bytes(buffer).first(n);
    }
    std::string buffer = std::string(1 << 21, '\0');
};

struct wrong_extent_source : detail::blob_source {
    using blob_source::blob_source;
    std::optional<file_extent> extent() const
    {
        auto e = blob_source::extent();
        if(e)
            e->offset += 1;
        return e;
    }
};

template<class Source>
sentences check(std::string text = detail::sample_bytes(5000))
{
    return testing::check_source([&] { return Source{{text, 0}}; }, to_bytes(text));
}

// A handle of which a test may break anything.
struct text_handle {
    std::string text;
    descriptor about;
    std::function<std::string(std::uint64_t)> tail = [this](std::uint64_t offset) { return text.substr(offset); };
    mutable std::size_t openings = 0;
    std::size_t most_openings = 1'000'000;
};

struct handle {
    std::shared_ptr<text_handle> state;

    descriptor const& info() const { return state->about; }
    result<text_source> open(std::uint64_t offset) const
    {
        if(++state->openings > state->most_openings)
            return failure{make_error_code(boost::system::errc::device_or_resource_busy), "handle", {}};
        return text_source{state->tail(offset)};
    }
};

handle handle_of_text(std::string text)
{
    auto state = std::make_shared<text_handle>();
    state->about.media_type = media_type::oci_layer;
    state->about.id = digest_of(text);
    state->about.size = text.size();
    state->text = std::move(text);
    return {state};
}

memory_store sample_store()
{
    memory_store s;
    auto const a = s.add_layer(detail::sample_bytes(3000)), b = s.add_layer("b");
    for(int i = 0; i != 30; ++i) {
        image_config c;
        c.target = {"linux", "amd64", {}, {}, {}};
        c.cmd = {std::to_string(i)};
        s.add_image(c, {a, b}, {"app:" + std::to_string(i), "app@" + digest_of(std::to_string(i)).str()}).value();
    }
    return s;
}

// A good store whose answers a test may change.
struct liar {
    memory_store const& good;
    std::function<result<image>(result<image>)> on_load = [](auto r) { return r; };
    std::function<result<digest>(result<digest>)> on_search = [](auto r) { return r; };
    std::function<result<digest>(result<digest>)> on_lookup = [](auto r) { return r; };
    std::function<result<std::vector<reference>>(result<std::vector<reference>>)> on_by_name = [](auto r) { return r; };
    bool keeps_tag = false;
    bool swaps_layers = false;

    result<image> load(digest const& id) const { return on_load(good.load(id)); }
    result<digest> search(std::string_view prefix) const { return on_search(good.search(prefix)); }
    result<digest> lookup(reference const& ref) const
    {
        if(keeps_tag && ref.has_tag() && ref.has_digest())
            return failure{error::unknown_reference, ref.str(), {}};
        return on_lookup(good.lookup(ref));
    }
    result<std::vector<reference>> by_name(reference const& ref) const { return on_by_name(good.by_name(ref)); }
    auto layer(image const& i, std::size_t n) const { return good.layer(i, swaps_layers ? 1 - n : n); }
    result<std::vector<listed_image>> list() const { return good.list(); }
};

template<class T>
std::function<result<T>(result<T>)> changed(std::function<void(T&)> change)
{
    return [change](result<T> r) {
        if(r)
            change(*r);
        return r;
    };
}

template<class T>
std::function<result<T>(result<T>)> told_as(error wrong)
{
    return [wrong](result<T> r) { return r ? std::move(r) : result<T>(failure{wrong, {}, {}}); };
}

} // namespace

BOOST_AUTO_TEST_CASE(good_sources_pass)
{
    for(std::size_t size : {0u, 1u, 512u, 100'000u})
        BOOST_TEST(check<text_source>(detail::sample_bytes(size)) == none, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(offending_sources_are_told)
{
    check_tells(check<overflowing_source>(), "wrote beyond the end of the buffer");
    check_tells(check<overcounting_source>(), "it gave 2 bytes of at most 1");
    check_tells(check<restarting_source>(), "it gave more than 5000 bytes");
    check_tells(check<leaky_source>(), "other bytes from position 1");
    check_tells(check<both_source>(), "it gave bytes and reported an error");
    auto const text = detail::sample_bytes(3000);
    check_tells(testing::check_source([&] { return text_source{text.substr(1)}; }, to_bytes(text)), "other bytes from position 0");
    check_tells(testing::check_source([&] { return text_source{text + "x"}; }, to_bytes(text)), "it gave more than 3000 bytes");
    check_tells(
        testing::check_source([&] { return text_source{text.substr(0, 9)}; }, to_bytes(text)), "it ended after 9 of 3000 bytes");
    check_tells(testing::check_source([&] { return shared_buffer_source{{text, 0}}; }, to_bytes(text)),
        "what it had shown changed when it showed nothing new");
    check_tells(testing::check_source([&]() -> result<text_source> { return failure{error::missing_blob, "x", {}}; }, to_bytes(text)),
        "it was not opened: x: missing blob");
}

BOOST_AUTO_TEST_CASE(offending_extents_are_told)
{
    auto file = detail::open_regular_file("/proc/self/exe").value();
    std::string text(5000, '\0');
    BOOST_REQUIRE(::pread(file.fd.get(), text.data(), text.size(), 0) == 5000);
    auto const fd = std::make_shared<detail::unique_descriptor const>(std::move(file.fd));
    BOOST_TEST(testing::check_source([&] { return detail::blob_source(fd, 0, 5000, "f"); }, to_bytes(text)) == none,
        boost::test_tools::per_element());
    check_tells(testing::check_source([&] { return wrong_extent_source(fd, 0, 5000, "f"); }, to_bytes(text)),
        "its extent does not have the bytes that remain");
}

BOOST_AUTO_TEST_CASE(offending_handles_are_told)
{
    auto const text = detail::sample_bytes(2000);
    BOOST_TEST(testing::check_handle(handle_of_text(text)) == none, boost::test_tools::per_element());
    auto h = handle_of_text(text);
    h.state->about.size = 2001;
    check_tells(testing::check_handle(h), "its size is not that of its bytes: 2001 promised, 2000 found");
    h.state->about.size = 1999;
    check_tells(testing::check_handle(h), "1999 promised, more found");
    h = handle_of_text(text);
    h.state->about.id = digest_of(std::string_view("x"));
    check_tells(testing::check_handle(h), "its digest is not that of its bytes");
    h.state->about.id = {};
    check_tells(testing::check_handle(h), "it has no digest");
    h = handle_of_text(text);
    h.state->tail = [&](std::uint64_t) { return text; };
    check_tells(testing::check_handle(h), "opened at 1: it does not give the bytes from there on");
    h = handle_of_text(text);
    BOOST_TEST(testing::check_handle(h) == none, boost::test_tools::per_element());
    h.state->most_openings = std::exchange(h.state->openings, 0) - 1;
    check_tells(testing::check_handle(h), "it cannot be opened twice at once");
    h = handle_of_text(text);
    h.state->tail = [&, s = h.state.get()](std::uint64_t offset) {
        s->about.media_type += '+';
        return text.substr(offset);
    };
    check_tells(testing::check_handle(h), "what it says of itself has changed");
    h.state->tail = nullptr;
}

BOOST_AUTO_TEST_CASE(good_stores_pass)
{
    auto const good = sample_store();
    liar const s{good};
    BOOST_TEST(testing::check_store(s) == none, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(offending_image_stores_are_told)
{
    auto const good = sample_store();
    {
        liar s{good};
        s.on_load = changed<image>([](image& i) { i.config += ' '; });
        check_tells(testing::check_store(s), "gives a config that has another digest");
        s.on_load = changed<image>([](image& i) { i.id = digest_of(std::string_view("x")); });
        check_tells(testing::check_store(s), "gives an image with the ID");
        s.on_load = changed<image>([n = 0](image& i) mutable { i.os += std::to_string(++n); });
        check_tells(testing::check_store(s), "does not give the same image again");
        s.on_load = told_as<image>(error::missing_blob);
        check_tells(testing::check_store(s), "load of an ID that no image has fails with: missing blob; expected: no such image");
    }
    liar s{good};
    s.on_search = changed<digest>([](digest& id) { id = digest_of(std::string_view("x")); });
    check_tells(testing::check_store(s), "does not give sha256:");
    s.on_search = told_as<digest>(error::unknown_image);
    check_tells(testing::check_store(s), "fails with: no such image; expected: ambiguous image ID prefix");
    auto const first = good.list()->front().id;
    s.on_search = [&](result<digest> r) { return r ? r : result<digest>(first); };
    check_tells(testing::check_store(s), "succeeds; expected: ambiguous");
    check_tells(testing::check_store(s), "succeeds; expected: no such image");
}

BOOST_AUTO_TEST_CASE(offending_reference_stores_are_told)
{
    auto const good = sample_store();
    liar s{good};
    s.on_by_name = changed<std::vector<reference>>([](auto& all) { std::ranges::reverse(all); });
    check_tells(testing::check_store(s), "by_name(\"docker.io/library/app\") gives names that are not sorted");
    s.on_by_name = changed<std::vector<reference>>([](auto& all) { std::erase_if(all, &reference::has_digest); });
    check_tells(testing::check_store(s), "does not give each name of the repository once");
    s.on_by_name = changed<std::vector<reference>>([](auto& all) {
        if(!all.empty())
            all.push_back(all.back());
    });
    check_tells(testing::check_store(s), "does not give each name of the repository once");
    s.on_by_name = [](auto r) { return r->empty() ? result<std::vector<reference>>(failure{error::unknown_reference, {}, {}}) : r; };
    check_tells(testing::check_store(s), "by_name of a repository that does not exist failed");
    s.on_by_name = [](auto r) { return r; };
    s.keeps_tag = true;
    check_tells(testing::check_store(s), "a-tag-beside-a-digest@sha256:");
    s.keeps_tag = false;
    s.on_lookup = told_as<digest>(error::unknown_image);
    check_tells(testing::check_store(s), "lookup of a tag that no image has fails with: no such image; expected: no such image name");
    check_tells(testing::check_store(s), "lookup of a digest that no image has");
    check_tells(testing::check_store(s), "lookup of a name that no image has");
}

BOOST_AUTO_TEST_CASE(offending_layer_stores_are_told)
{
    auto const good = sample_store();
    liar s{good};
    s.swaps_layers = true;
    check_tells(testing::check_store(s), "is a plain tar archive, but its digest is not the diff ID");
    s.swaps_layers = false;
    std::size_t leaked = 0;
    check_tells(testing::check_store(s, [&] { return ++leaked; }), "leases, expected 1 when none is held");
}

BOOST_AUTO_TEST_CASE(counts)
{
    auto const good = sample_store();
    testing::counting_store s(good);
    BOOST_TEST(testing::check_store(s, [&] { return s.counts().handles; }) == none, boost::test_tools::per_element());
    BOOST_TEST((s.counts().handles == 0 && s.counts().sources == 0));
    BOOST_TEST(s.counts().leased != 0u);
    auto const before = s.counts();
    auto const i = good.load(good.list()->front().id).value();
    {
        auto a = s.layer(i, 0).value(), b = s.layer(i, 1).value();
        auto source = a.open(0).value();
        BOOST_TEST(s.counts().handles == 2u);
        a = std::move(b);
        BOOST_TEST(s.counts().handles == 1u);
        auto moved = std::move(source);
        BOOST_TEST(s.counts().sources == 1u);
        BOOST_TEST(s.counts().opened == before.opened + 1);
    }
    BOOST_TEST((s.counts() == testing::lease_counts{0, 0, before.leased + 2, before.opened + 1}));
}

namespace {

// Saves through a store that fails at the n-th call. Returns whether it was called that often.
bool save_failing(memory_store const& good, testing::fail_count& count, save_report& report)
{
    testing::counting_store const counting(good);
    testing::failing_store const s(counting, count);
    static_assert(store<decltype(s)>);
    memory_sink out;
    try {
        report = saver(s).save(names::of("app", "app:3"), out);
    }
    catch(...) {
        BOOST_TEST((counting.counts().handles == 0 && counting.counts().sources == 0));
        throw;
    }
    BOOST_TEST((counting.counts().handles == 0 && counting.counts().sources == 0));
    BOOST_TEST(report.ok() == !count.failed());
    return count.failed();
}

} // namespace

BOOST_AUTO_TEST_CASE(every_failure_of_a_store_ends_a_save_with_its_error)
{
    auto const good = sample_store();
    auto const why = make_error_code(boost::system::errc::no_link);
    std::size_t n = 1;
    for(save_report report;; ++n) {
        testing::fail_count count(n, why);
        if(!save_failing(good, count, report))
            break;
        BOOST_TEST(report.reason.code == why);
        BOOST_TEST(!report.reason.subject.empty());
        BOOST_TEST(count.calls() == n);
    }
    BOOST_TEST(n > 60u);
}

BOOST_AUTO_TEST_CASE(every_exception_of_a_store_passes)
{
    auto const good = sample_store();
    struct thrown {};
    for(std::size_t n = 1;; ++n) {
        testing::fail_count count(n, std::make_exception_ptr(thrown()));
        save_report report;
        try {
            if(!save_failing(good, count, report))
                break;
            BOOST_ERROR("nothing was thrown");
        }
        catch(thrown const&) {
            BOOST_TEST(count.failed());
        }
    }
}
