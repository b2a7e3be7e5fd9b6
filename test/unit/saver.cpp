//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/saver.hpp>

#define BOOST_TEST_MODULE saver
#include <boost/test/unit_test.hpp>

#include <tarexport/plan_text.hpp>
#include <tarexport/sink/counting.hpp>
#include <tarexport/sink/file.hpp>
#include <tarexport/sink/memory.hpp>
#include <tarexport/store/memory.hpp>
#include <tarexport/testing/counting_store.hpp>
#include <tarexport/testing/failing_store.hpp>
#include <tarexport/testing/sink.hpp>

#include <boost/json.hpp>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <locale>
#include <unistd.h>

using namespace tarexport;

namespace {

memory_store const& sample()
{
    static memory_store const store = [] {
        memory_store s;
        auto const base = s.add_layer(std::string(3000, 'b'));
        auto const top = s.add_layer(std::string(700, 't'));
        s.add_image(image_config{.cmd = {"app"}}, {base, top}, {"app:1.0", "app:latest"}).value();
        s.add_image(image_config{.cmd = {"other"}}, {base}, {"other:1"}).value();
        return s;
    }();
    return store;
}

names const both = names::of("app", "other:1");

// Counts what a committing sink is told.
struct committed : memory_sink {
    void commit(error_code& ec)
    {
        ++commits;
        if(refuse)
            ec = make_error_code(boost::system::errc::io_error);
    }
    void abort() noexcept { ++aborts; }
    int commits = 0, aborts = 0;
    bool refuse = false;
};

struct watcher {
    void operator()(event const& e) noexcept
    {
        std::visit([this](auto const& x) { hear(x); }, e);
    }
    void hear(span_begun const& s)
    {
        log.push_back("+" + std::string(name_of(s.what)));
        for(auto const& a : s.attributes)
            log.back() += " " + std::string(a.key);
    }
    void hear(span_ended const& s) { log.push_back("-" + std::string(name_of(s.what)) + (s.ok ? "" : " failed")); }
    void hear(archive_saved const&) { log.push_back("saved"); }
    void hear(save_failed const& f) { log.push_back("failed " + f.reason.subject); }
    void hear(archive_planned const& p) { planned = p.size; }
    template<class E>
    void hear(E const&)
    {
    }
    std::vector<std::string> log;
    std::uint64_t planned = 0;
};

struct watched_policy {
    docker_layout layout;
    using hashes = hash_set<sha256>;
    watcher& observer;
};

} // namespace

BOOST_AUTO_TEST_CASE(the_plan_is_the_archive)
{
    saver saver{sample()};
    auto const p = saver.make_plan(both).value();
    memory_sink out;
    auto const report = saver.save(both, out);
    BOOST_TEST(report.ok());
    BOOST_TEST(report.bytes == p.size());
    BOOST_TEST(out.bytes().size() == p.size());
    BOOST_TEST(report.etag == p.etag());
    for(std::size_t i = 0; i != p.count(); ++i) {
        auto const e = p.entry(i);
        BOOST_TEST(out.bytes().substr(e.offset, p.path(i).size()) == p.path(i));
        if(e.kind != entry_kind::directory)
            BOOST_TEST(digest_of(out.bytes().substr(e.data, e.size)) == p.id(i));
    }
}

BOOST_AUTO_TEST_CASE(the_same_images_give_the_same_bytes)
{
    memory_sink first;
    BOOST_TEST(saver(sample()).save(both, first).ok());
    for(char const* zone : {"Asia/Kolkata", "America/New_York"}) {
        ::setenv("TZ", zone, 1);
        ::tzset();
        memory_sink again;
        BOOST_TEST(saver(sample()).save(both, again).ok());
        BOOST_TEST((again.bytes() == first.bytes()));
    }
    ::unsetenv("TZ");
}

BOOST_AUTO_TEST_CASE(the_short_form_throws_what_failed)
{
    memory_sink out;
    BOOST_TEST(save(sample(), names("app:1.0"), out).ok());
    try {
        save(sample(), names("nosuch:1"), out);
        BOOST_TEST(false);
    }
    catch(save_error const& e) {
        BOOST_TEST(e.code() == error::unknown_reference);
        BOOST_TEST(e.reason().subject == "nosuch:1");
        BOOST_TEST(std::string_view(e.what()).find("nosuch:1") != std::string_view::npos);
    }
    BOOST_TEST(save(sample(), both, memory_sink{}).ok());
}

BOOST_AUTO_TEST_CASE(a_sink_is_committed_or_aborted_exactly_once)
{
    committed good;
    BOOST_TEST(saver(sample()).save(both, good).ok());
    BOOST_TEST((good.commits == 1 && good.aborts == 0));

    committed unknown;
    BOOST_TEST(!saver(sample()).save(names("nosuch:1"), unknown).ok());
    BOOST_TEST((unknown.commits == 0 && unknown.aborts == 1));

    committed refusing;
    refusing.refuse = true;
    auto const report = saver(sample()).save(both, refusing);
    BOOST_TEST(!report.ok());
    BOOST_TEST(report.reason.code == boost::system::errc::io_error);
    BOOST_TEST((refusing.commits == 1 && refusing.aborts == 1));
}

BOOST_AUTO_TEST_CASE(every_failing_call_of_a_store_leaves_nothing_behind)
{
    for(bool throws : {false, true})
        for(std::size_t n = 1;; ++n) {
            testing::counting_store counted(sample());
            testing::fail_count count = throws ? testing::fail_count(n, std::make_exception_ptr(std::runtime_error("store")))
                                               : testing::fail_count(n);
            testing::failing_store failing(counted, count);
            committed out;
            save_report report;
            bool thrown = false;
            try {
                report = saver(failing).save(both, out);
            }
            catch(std::runtime_error const&) {
                thrown = true;
            }
            BOOST_TEST(counted.counts().handles == 0u);
            BOOST_TEST(counted.counts().sources == 0u);
            if(!count.failed()) {
                BOOST_TEST(report.ok());
                BOOST_TEST((out.commits == 1 && out.aborts == 0));
                break;
            }
            BOOST_TEST((out.commits == 0 && out.aborts == 1));
            BOOST_TEST(thrown == throws);
            if(!throws) {
                BOOST_TEST(report.reason.code == count.why());
                BOOST_TEST(!report.reason.subject.empty());
            }
        }
}

BOOST_AUTO_TEST_CASE(spans_nest_and_the_last_event_is_the_end)
{
    watcher w;
    tarexport::saver<memory_store, watched_policy> saver(sample(), {{}, w});
    memory_sink out;
    BOOST_TEST(saver.save(names("other:1"), out).ok());
    BOOST_TEST(w.planned == out.bytes().size());
    BOOST_TEST(w.log.front() == "+save names");
    BOOST_TEST(w.log[1] == "+resolve");
    BOOST_TEST(w.log[2] == "-resolve");
    BOOST_TEST(w.log[3] == "+plan");
    BOOST_TEST(w.log[4] == "-plan");
    BOOST_TEST(w.log[5] == "+write");
    BOOST_TEST(std::ranges::count(w.log, "+entry path layer.digest layer.chain_id") == 1);
    BOOST_TEST(w.log[w.log.size() - 3] == "-write");
    BOOST_TEST(w.log[w.log.size() - 2] == "saved");
    BOOST_TEST(w.log.back() == "-save");

    watcher f;
    tarexport::saver<memory_store, watched_policy> failing(sample(), {{}, f});
    testing::failing_sink broken(2);
    BOOST_TEST(!failing.save(both, broken).ok());
    BOOST_TEST(std::ranges::count(f.log, "-entry failed") == 1);
    BOOST_TEST(std::ranges::count(f.log, "-write failed") == 1);
    BOOST_TEST(std::ranges::count(f.log, "saved") == 0);
    BOOST_TEST(f.log[f.log.size() - 2].starts_with("failed "));
    BOOST_TEST(f.log.back() == "-save failed");
}

BOOST_AUTO_TEST_CASE(saved_is_said_only_after_the_commit)
{
    struct sink : memory_sink {
        void commit(error_code&) { said_before = std::ranges::count(w->log, "saved") != 0; }
        void abort() noexcept {}
        watcher* w = nullptr;
        bool said_before = true;
    } out;
    watcher w;
    out.w = &w;
    tarexport::saver<memory_store, watched_policy> saver(sample(), {{}, w});
    BOOST_TEST(saver.save(both, out).ok());
    BOOST_TEST(!out.said_before);
    BOOST_TEST(std::ranges::count(w.log, "saved") == 1);
}

BOOST_AUTO_TEST_CASE(a_failure_is_said_only_after_the_abort)
{
    struct sink : memory_sink {
        void commit(error_code&) {}
        void abort() noexcept { said_before = said_before || w->log.back().starts_with("failed "); }
        watcher* w = nullptr;
        bool said_before = false;
    } out;
    watcher w;
    out.w = &w;
    tarexport::saver<memory_store, watched_policy> saver(sample(), {{}, w});
    save_options backwards;
    backwards.range = {1, 0};
    BOOST_TEST(!saver.save(names("nosuch:1"), out).ok());
    BOOST_TEST(!saver.save(both, out, backwards).ok());
    BOOST_TEST(!out.said_before);
    BOOST_TEST(std::ranges::count_if(w.log, [](auto const& line) { return line.starts_with("failed "); }) == 2);
}

BOOST_AUTO_TEST_CASE(a_sink_can_be_made_for_the_plan)
{
    memory_sink whole;
    BOOST_TEST(saver(sample()).save(both, whole).ok());
    std::string rest;
    struct keeper {
        std::size_t write_some(bytes_view b, error_code&)
        {
            to->append(to_text(b));
            return b.size();
        }
        std::string* to;
    };
    auto const report = saver(sample()).save_to(both, {}, [&](auto const& archive, write_options& o) -> result<keeper> {
        BOOST_TEST(archive.leases.size() == archive.contents.layers().size());
        o.range.first = archive.contents.size() / 2;
        return keeper{&rest};
    });
    BOOST_TEST(report.ok());
    BOOST_TEST((rest == whole.bytes().substr(whole.bytes().size() / 2)));
    auto const refused = saver(sample()).save_to(
        both, {}, [](auto const&, write_options&) -> result<keeper> { return failure{error::cannot_resume, "x.tar", {}}; });
    BOOST_TEST(refused.reason.code == error::cannot_resume);
}

BOOST_AUTO_TEST_CASE(without_a_sink_nothing_is_written_and_the_span_ends)
{
    watcher w;
    tarexport::saver<memory_store, watched_policy> saver(sample(), {{}, w});
    auto const refuse = [](auto const&, write_options&) -> result<memory_sink> { return failure{error::cannot_resume, "x.tar", {}}; };
    BOOST_TEST(!saver.save_to(both, {}, refuse).ok());
    std::vector<std::string> const expected{"+save names", "+resolve", "-resolve", "+plan", "-plan", "failed x.tar", "-save failed"};
    BOOST_TEST(w.log == expected, boost::test_tools::per_element());

    w.log.clear();
    auto const throws = [](auto const&, write_options&) -> result<memory_sink> { throw std::runtime_error("no"); };
    BOOST_CHECK_THROW(saver.save_to(both, {}, throws), std::runtime_error);
    BOOST_TEST(w.log.back() == "-save failed");
    BOOST_TEST(std::ranges::count(w.log, "+write") == 0);

    w.log.clear();
    bool asked = false;
    auto const never = [&](auto const&, write_options&) -> result<memory_sink> {
        asked = true;
        return memory_sink();
    };
    BOOST_TEST(!saver.save_to(names("nosuch:1"), {}, never).ok());
    BOOST_TEST(!asked);
    BOOST_TEST(w.log.back() == "-save failed");
}

BOOST_AUTO_TEST_CASE(a_range_that_ends_before_it_begins_plans_no_bytes)
{
    struct sizes {
        void operator()(event const& e) noexcept
        {
            if(auto const* p = std::get_if<archive_planned>(&e))
                last = p->size;
        }
        std::uint64_t last = 1;
    };
    struct policy {
        docker_layout layout;
        using hashes = hash_set<sha256>;
        sizes& observer;
    };
    sizes planned;
    tarexport::saver saver(sample(), policy{{}, planned});
    memory_sink out;
    save_options options;
    options.range = {10, 5};
    BOOST_TEST(saver.save(both, out, options).reason.code == error::range_out_of_bounds);
    BOOST_TEST(planned.last == 0u);
}

BOOST_AUTO_TEST_CASE(a_plan_prints_as_a_table_and_as_json)
{
    auto const p = saver(sample()).make_plan(both).value();
    auto const table = to_table(p);
    BOOST_TEST(table.find(p.etag().str()) != std::string::npos);
    BOOST_TEST(table.find("app:1.0 app:latest") != std::string::npos);
    auto const v = boost::json::parse(to_json(p));
    BOOST_TEST(v.at("size").to_number<std::uint64_t>() == p.size());
    BOOST_TEST(v.at("etag").as_string() == p.etag().str());
    BOOST_TEST(v.at("images").as_array().size() == 2u);
    auto const& entries = v.at("entries").as_array();
    BOOST_REQUIRE(entries.size() == p.count());
    for(std::size_t i = 0; i != p.count(); ++i) {
        auto const& e = entries[i].as_object();
        BOOST_TEST(table.find(p.path(i)) != std::string::npos);
        BOOST_TEST(e.at("path").as_string() == p.path(i));
        BOOST_TEST(e.at("offset").to_number<std::uint64_t>() == p.entry(i).offset);
        BOOST_TEST(e.at("data").to_number<std::uint64_t>() == p.entry(i).data);
        BOOST_TEST(e.at("size").to_number<std::uint64_t>() == p.entry(i).size);
        BOOST_TEST((e.at("mode").as_string() == "0644" || e.at("mode").as_string() == "0755"));
    }
}

BOOST_AUTO_TEST_CASE(the_sum_is_that_of_the_bytes_written)
{
    save_options how;
    how.sum = true;
    memory_sink whole;
    BOOST_TEST(!saver(sample()).save(both, whole).sum.has_value());
    for(std::size_t const limit : {1u, 511u, 513u, 100000u}) {
        testing::chopping_sink chopping(limit);
        auto const report = saver(sample()).save(both, chopping, how);
        BOOST_TEST((report.sum == digest_of(whole.bytes())));
    }
    how.range = {700, 9000};
    memory_sink part;
    BOOST_TEST((saver(sample()).save(both, part, how).sum == digest_of(whole.bytes().substr(700, 8300))));
    // Bytes that the kernel would copy pass through the driver.
    std::string const path = (std::filesystem::temp_directory_path() / ("tarexport-sum-" + std::to_string(::getpid()))).string();
    std::ofstream(path) << std::string(300000, 'f');
    memory_store s;
    auto const layer = s.add_layer_file({path}).value();
    s.add_image(image_config{.cmd = {"x"}}, {layer}, {"file:1"}).value();
    save_options unverified;
    unverified.sum = true;
    unverified.verification = verify::never;
    {
        file_sink out(path + ".tar");
        auto const report = saver(s).save(names("file:1"), out, unverified);
        BOOST_TEST_REQUIRE(report.ok());
        std::ifstream in(path + ".tar", std::ios::binary);
        std::string const bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
        BOOST_TEST((report.sum == digest_of(bytes)));
    }
    std::filesystem::remove(path);
    std::filesystem::remove(path + ".tar");
}

BOOST_AUTO_TEST_CASE(hashes_are_the_policys)
{
    struct policy {
        docker_layout layout;
        using hashes = hash_set<sha512>;
        no_observer observer;
    };
    tarexport::saver<memory_store, policy> saver(sample(), {});
    memory_sink out;
    auto const report = saver.save(both, out);
    BOOST_TEST(report.reason.code == error::unsupported_digest);
    save_options unverified;
    unverified.verification = verify::never;
    memory_sink again;
    unverified.sum = true;
    auto const summed = saver.save(both, again, unverified);
    BOOST_TEST(summed.ok());
    BOOST_TEST(!summed.sum.has_value());
}

namespace {

// A layout that says when it gets an image, how many leases there are then.
struct one_by_one {
    using counted = testing::counting_store<memory_store>;

    struct archive {
        one_by_one const& layout;
        std::vector<selection> images = {};

        result<void> add(selection s)
        {
            layout.leases->push_back(layout.store->counts().leased);
            if(layout.leases->size() == layout.refused)
                return failure{error::empty_image, s.config.id.str(), "refused"};
            images.push_back(std::move(s));
            return {};
        }
        result<plan> finish() && { return docker_layout().lay_out(std::move(images)); }
    };

    archive begin_plan() const { return {*this}; }
    result<plan> lay_out(std::vector<selection> images) const { return docker_layout().lay_out(std::move(images)); }

    counted const* store;
    std::vector<std::size_t>* leases;
    std::size_t refused = 0;
};

static_assert(incremental_layout<one_by_one> && !incremental_layout<docker_layout>);

struct incremental_policy {
    one_by_one layout;
    using hashes = hash_set<sha256>;
    no_observer observer;
};

memory_store three_images()
{
    memory_store s;
    for(std::string const name : {"a:1", "b:1", "c:1"})
        s.add_image(image_config{.cmd = {name}}, {s.add_layer("layer of " + name)}, {name}).value();
    return s;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_layout_that_takes_images_one_by_one_gets_each_before_the_next_is_leased)
{
    auto const store = three_images();
    one_by_one::counted const counted(store);
    std::vector<std::size_t> leases;
    saver incremental(counted, incremental_policy{{&counted, &leases}, {}});
    auto const p = incremental.make_plan(names::of("a:1", "b:1", "c:1")).value();
    BOOST_TEST(leases == (std::vector<std::size_t>{1, 2, 3}), boost::test_tools::per_element());
    BOOST_TEST((p == saver(store).make_plan(names::of("a:1", "b:1", "c:1")).value()));
    BOOST_TEST(counted.counts().handles == 0u);
}

BOOST_AUTO_TEST_CASE(an_image_that_a_layout_refuses_ends_the_save_and_gives_back_the_leases)
{
    auto const store = three_images();
    one_by_one::counted const counted(store);
    std::vector<std::size_t> leases;
    saver incremental(counted, incremental_policy{{&counted, &leases, 2}, {}});
    committed out;
    auto const report = incremental.save(names::of("a:1", "b:1", "c:1"), out);
    BOOST_TEST((report.reason.code == error::empty_image));
    BOOST_TEST(report.reason.detail == "refused");
    BOOST_TEST(leases.size() == 2u);
    BOOST_TEST(counted.counts().handles == 0u);
    BOOST_TEST(out.aborts == 1);
    BOOST_TEST(out.bytes().empty());
}
