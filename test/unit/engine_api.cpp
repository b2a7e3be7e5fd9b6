//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include "../../example/engine/api.hpp"

#define BOOST_TEST_MODULE engine_api
#include <boost/test/unit_test.hpp>

#include <tarexport/saver.hpp>
#include <tarexport/sink/memory.hpp>
#include <tarexport/store/memory.hpp>
#include <tarexport/testing/counting_store.hpp>

#include "../../example/engine/connections.hpp"
#include "../../example/engine/recent.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <stdlib.h>
#include <unistd.h>

using namespace tarexport;

namespace {

using counted = testing::counting_store<memory_store>;

// An API over a store of two images, and the file that tells of changes.
struct served {
    served()
    {
        auto const base = images.add_layer(std::string(100'000, 'x'));
        auto const top = images.add_layer(std::string(10, 'y'));
        BOOST_TEST_REQUIRE(images.add_image(image_config{.cmd = {"a"}}, {base, top}, {"app:1", "app:2"}).has_value());
        BOOST_TEST_REQUIRE(images.add_image(image_config{.cmd = {"b"}}, {base}, {"other:1"}).has_value());
    }

    engine::reply ask(std::string_view target, engine::request asked = {})
    {
        asked.what = engine::parse_target(target).value();
        return api.answer(asked);
    }

    memory_store images;
    counted store{images};
    std::size_t opened = 0;
    bool broken = false;
    engine::api<counted> api{[this]() -> result<counted> {
                                 ++opened;
                                 if(broken)
                                     return failure{error::unsupported_store, "here", {}};
                                 return store;
                             },
        {}, {{"1.0", "memory:"}}};
};

std::string all_of(engine::reply const& r)
{
    std::string all;
    std::array<std::byte, 1000> buffer;
    error_code ec;
    while(auto const n = r.bytes->read_some(buffer, ec))
        all.append(static_cast<char const*>(static_cast<void const*>(buffer.data())), n);
    BOOST_TEST(!ec);
    return all;
}

std::string saved(memory_store const& store, names const& requested)
{
    memory_sink out;
    BOOST_TEST_REQUIRE(saver(store).save(requested, out).ok());
    return std::string(out.bytes());
}

constexpr char get[] = "/images/app:1/get";

} // namespace

BOOST_AUTO_TEST_CASE(an_archive_is_planned_once)
{
    served s;
    auto const archive = saved(s.images, names("app:1"));
    auto const whole = s.ask(get);
    BOOST_TEST(all_of(whole) == archive);
    auto const leased = s.store.counts().leased;
    engine::request part;
    part.range = "bytes=10-99999";
    for(int i = 0; i != 5; ++i)
        BOOST_TEST(all_of(s.ask(get, part)) == archive.substr(10, 99990));
    engine::request head;
    head.head = true;
    auto const answer = s.ask(get, head);
    BOOST_TEST((answer.status == 200 && answer.size == archive.size() && !answer.bytes));
    BOOST_TEST(s.store.counts().leased == leased);
    BOOST_TEST(s.ask("/images/app:2/get").status == 200u);
    BOOST_TEST(s.store.counts().leased == leased + 2);
    BOOST_TEST(s.ask("/images/get?names=app:1").status == 200u);
    BOOST_TEST(s.store.counts().leased == leased + 2);
    BOOST_TEST(s.opened == 1u);
}

BOOST_AUTO_TEST_CASE(the_names_of_images_are_gathered_once)
{
    struct listed : counted {
        using counted::counted;
        result<std::vector<listed_image>> list() const
        {
            ++*lists;
            return broken ? failure{error::unsupported_store, "here", {}} : counted::list();
        }
        std::size_t* lists = nullptr;
        bool broken = false;
    };
    served s;
    std::size_t lists = 0;
    listed store(s.images);
    store.lists = &lists;
    engine::catalog<listed> const images(store);
    store.broken = true;
    BOOST_TEST(images.find("app:1")->names.tags.empty());
    store.broken = false;
    for(int i = 0; i != 3; ++i) {
        BOOST_TEST((images.find("app:2")->names.tags == std::vector<std::string>{"app:1", "app:2"}));
        BOOST_TEST((images.find("other:1")->names.tags == std::vector<std::string>{"other:1"}));
    }
    BOOST_TEST(lists == 2u);
}

BOOST_AUTO_TEST_CASE(only_what_is_read_is_open)
{
    served s;
    {
        auto const one = s.ask(get);
        auto const other = s.ask("/images/other:1/get");
        BOOST_TEST(s.store.counts().sources == 0u);
        std::array<std::byte, 20'000> buffer;
        error_code ec;
        BOOST_TEST(one.bytes->read_some(buffer, ec) == buffer.size());
        BOOST_TEST(other.bytes->read_some(buffer, ec) == buffer.size());
        BOOST_TEST(s.store.counts().sources == 2u);
    }
    BOOST_TEST(s.store.counts().sources == 0u);
}

BOOST_AUTO_TEST_CASE(an_archive_outlives_the_store_that_it_is_from)
{
    std::string archive;
    engine::reply r;
    {
        served s;
        archive = saved(s.images, names::of("app:1", "other:1"));
        r = s.ask("/images/get?names=app:1&names=other:1");
    }
    BOOST_TEST(all_of(r) == archive);
}

BOOST_AUTO_TEST_CASE(the_answer_begins_as_its_conditions_say)
{
    auto const begin = [](auto set) {
        engine::request r;
        set(r);
        return engine::begin_archive(r, "\"t\"", 1000);
    };
    BOOST_TEST(begin([](auto&) {}).start.size == 1000u);
    BOOST_TEST(begin([](auto& r) { r.range = "bytes=10-19"; }).start.status == 206u);
    BOOST_TEST(begin([](auto& r) { r.range = "bytes=10-19"; }).start.size == 10u);
    BOOST_TEST(begin([](auto& r) { r.range = "bytes=1000-"; }).start.status == 416u);
    BOOST_TEST(begin([](auto& r) { r.range = "bytes=10-19", r.head = true; }).start.status == 200u);
    BOOST_TEST(begin([](auto& r) { r.range = "bytes=1000-", r.if_range = "\"u\""; }).start.status == 200u);
    BOOST_TEST(begin([](auto& r) { r.if_match = "\"u\""; }).start.status == 412u);
    BOOST_TEST(begin([](auto& r) { r.if_none_match = "\"u\", \"t\""; }).start.status == 304u);
    BOOST_TEST(!begin([](auto& r) { r.if_none_match = "*"; }).bytes.has_value());
}

BOOST_AUTO_TEST_CASE(what_is_compressed_is_something_else)
{
    engine::archive_coding const gzip{true, 6};
    auto const field = [](engine::archive_answer const& a, std::string_view name) {
        auto const found = std::ranges::find(a.start.fields, name, [](auto const& f) { return std::string_view(f.first); });
        return found == a.start.fields.end() ? std::string() : found->second;
    };
    engine::request r;
    r.range = "bytes=1000-";
    auto a = engine::begin_archive(r, "\"t\"", 1000, gzip);
    BOOST_TEST((a.start.status == 200 && a.start.chunked && a.bytes == byte_range(0, 1000)));
    BOOST_TEST((field(a, "Content-Encoding") == "gzip" && field(a, "Vary") == "Accept-Encoding" && field(a, "Accept-Ranges").empty()));
    r.if_none_match = "\"t\"";
    a = engine::begin_archive(r, "\"t\"", 1000, gzip);
    BOOST_TEST((a.start.status == 304 && !a.start.chunked && field(a, "Content-Encoding").empty() && field(a, "Vary") == "Accept-Encoding"));
    a = engine::begin_archive({}, "\"t\"", 1000, {true, 0});
    BOOST_TEST((!a.start.chunked && field(a, "Content-Encoding").empty() && field(a, "Vary") == "Accept-Encoding" && field(a, "Accept-Ranges") == "bytes"));
    BOOST_TEST(field(engine::begin_archive({}, "\"t\"", 1000), "Vary").empty());
}

// Bytes that fail, or throw, behind so many.
struct failing_stream final : engine::byte_stream {
    failing_stream(std::size_t n, bool t) : left(n), throws(t) {}

    std::size_t read_some(std::span<std::byte> into, error_code& ec) override
    {
        auto const n = std::min(into.size(), left);
        left -= n;
        if(n == 0 && throws)
            throw std::runtime_error("no");
        ec = n == 0 ? error_code(error::layer_too_short) : error_code();
        std::ranges::generate(into.first(n), [this] { return static_cast<std::byte>((state = state * 1664525 + 1013904223) >> 24); });
        return n;
    }

    failure reason() const override { return throws ? failure{} : failure{error::layer_too_short, "here", {}}; }

    std::size_t left;
    bool throws;
    std::uint32_t state = 1;
};

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_not_compressed_to_an_end)
{
    for(bool const throws : {false, true}) {
        engine::gzip_stream s(std::make_unique<failing_stream>(300'000, throws), 6, 65536);
        std::array<std::byte, 1000> buffer;
        error_code ec;
        std::size_t all = 0;
        bool thrown = false;
        try {
            while(auto const n = s.read_some(buffer, ec))
                all += n;
        }
        catch(std::runtime_error const&) {
            thrown = true;
        }
        BOOST_TEST(all > 100'000u);
        BOOST_TEST(all < 300'000u);
        BOOST_TEST(thrown == throws);
        BOOST_TEST((throws || (ec == error::layer_too_short && s.reason().subject == "here")));
        BOOST_TEST(s.reason().code == (throws ? error::exception_thrown : error::layer_too_short));
    }
}

BOOST_AUTO_TEST_CASE(names_that_are_written_one_after_the_other_are_not_another_name)
{
    served s;
    BOOST_TEST(s.ask("/images/get?names=app:1&names=other:1").status == 200u);
    auto const leased = s.store.counts().leased;
    BOOST_TEST(s.ask("/images/get?names=app:1%00other:1").status == 400u);
    BOOST_TEST(s.ask("/images/get?names=app:1&names=other:1").status == 200u);
    BOOST_TEST(s.store.counts().leased == leased);
}

BOOST_AUTO_TEST_CASE(failures_have_the_engines_words)
{
    served s;
    auto const body = [&](char const* target, unsigned status) {
        auto const r = s.ask(target);
        BOOST_TEST(r.status == status, target);
        BOOST_TEST(r.type == "application/json");
        return r.body;
    };
    BOOST_TEST(body("/images/no:1/get", 404) == "{\"message\":\"reference does not exist\"}\n");
    BOOST_TEST(body("/images/no/get", 404) == "{\"message\":\"No such image: no\"}\n");
    BOOST_TEST(body("/images/no/json", 404) == "{\"message\":\"No such image: no:latest\"}\n");
    BOOST_TEST(body("/images/a/B:1/json", 400) == "{\"message\":\"invalid reference format: repository name (a/B) must be lowercase\"}\n");
    BOOST_TEST(body("/images/host.example/B/get", 400) == "{\"message\":\"invalid reference format: repository name (B) must be lowercase\"}\n");
    BOOST_TEST(body("/images/app:1%3Db:2/get", 400) == "{\"message\":\"invalid reference format\"}\n");
    BOOST_TEST(body("/v1.23/images/json", 400).find("too old") != std::string::npos);
    BOOST_TEST(body("/images/get", 400).find("no images to save") != std::string::npos);
    BOOST_TEST(body("/images/app:1/get?platform=%7B", 400).find("invalid platform") != std::string::npos);
    BOOST_TEST(body("/nothing", 404) == "{\"message\":\"page not found\"}\n");
}

BOOST_AUTO_TEST_CASE(a_store_is_opened_again_when_its_files_change)
{
    char path[] = "/tmp/tarexport-engine-XXXXXX";
    int const fd = ::mkstemp(path);
    BOOST_TEST_REQUIRE(fd != -1);
    int made = 0;
    bool broken = false;
    engine::refreshed<int> r({path}, [&]() -> result<std::shared_ptr<int>> {
        if(broken)
            return failure{error::unsupported_store, path, {}};
        return std::make_shared<int>(++made);
    });
    auto const settle = [] { std::this_thread::sleep_for(std::chrono::milliseconds(150)); };
    settle();
    BOOST_TEST(*r.get().value() == 1);
    BOOST_TEST(*r.get().value() == 1);
    BOOST_TEST(::write(fd, "x", 1) == 1);
    settle();
    BOOST_TEST(*r.get().value() == 2);
    broken = true;
    BOOST_TEST(*r.get().value() == 2);
    std::remove(path);
    BOOST_TEST(!r.get().has_value());
    BOOST_TEST(!r.get().has_value());
    broken = false;
    BOOST_TEST(*r.get().value() == 3);
    ::close(fd);
}

BOOST_AUTO_TEST_CASE(a_change_is_noticed_that_comes_at_once_and_leaves_the_size)
{
    char path[] = "/tmp/tarexport-engine-XXXXXX";
    int const fd = ::mkstemp(path);
    BOOST_TEST_REQUIRE(fd != -1);
    engine::refreshed<char> r({path}, [&]() -> result<std::shared_ptr<char>> {
        char c = 0;
        BOOST_TEST(::pread(fd, &c, 1, 0) == 1);
        return std::make_shared<char>(c);
    });
    for(int i = 0; i != 500; ++i) {
        char const c = static_cast<char>('a' + i % 20);
        BOOST_TEST(::pwrite(fd, &c, 1, 0) == 1);
        BOOST_TEST_REQUIRE(*r.get().value() == c);
    }
    std::remove(path);
    ::close(fd);
}

BOOST_AUTO_TEST_CASE(what_was_asked_for_last_is_kept)
{
    engine::recent<int> r({3, 100});
    auto const keep = [&](char const* key, std::uint64_t weight) { r.keep(key, std::make_shared<int>(1), weight); };
    keep("a", 10);
    keep("b", 10);
    keep("c", 10);
    BOOST_TEST((r.find("a") != nullptr));
    keep("d", 10);
    BOOST_TEST((r.find("b") == nullptr && r.find("a") != nullptr && r.size() == 3));
    keep("heavy", 101);
    BOOST_TEST((r.find("heavy") == nullptr && r.size() == 3));
    keep("e", 85);
    BOOST_TEST((r.find("e") != nullptr && r.size() == 2));
    keep("e", 1);
    keep("f", 80);
    BOOST_TEST((r.find("a") != nullptr && r.find("e") != nullptr && r.find("f") != nullptr));
}

BOOST_AUTO_TEST_CASE(who_waits_longest_makes_room)
{
    struct connection final : engine::closable {
        void close() noexcept override { closed = true; }
        bool closed = false;
    };
    engine::connections all(2);
    std::vector<std::shared_ptr<connection>> made;
    std::vector<engine::connections::place> places;
    for(int i = 0; i != 2; ++i) {
        BOOST_TEST(all.make_room());
        made.push_back(std::make_shared<connection>());
        places.push_back(all.add(made.back()));
    }
    BOOST_TEST(!all.make_room());
    all.becomes_idle(places[1]);
    all.becomes_idle(places[0]);
    all.becomes_idle(places[0]);
    BOOST_TEST(all.make_room());
    BOOST_TEST((made[1]->closed && !made[0]->closed && all.closed() == 1));
    all.becomes_busy(places[0]);
    BOOST_TEST(!all.make_room());
    all.remove(places[1]);
    BOOST_TEST((all.count() == 1 && all.make_room()));
    all.close_idle();
    BOOST_TEST(!made[0]->closed);
    all.close_all();
    BOOST_TEST(made[0]->closed);
    all.remove(places[0]);
    BOOST_TEST(all.count() == 0u);
}
