//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/resolve.hpp>

#define BOOST_TEST_MODULE resolve
#include <boost/test/unit_test.hpp>

#include <tarexport/store/memory.hpp>
#include <tarexport/testing/counting_store.hpp>

#include <map>
#include <stop_token>

using namespace tarexport;

namespace {

// Two images that share a layer; the second has a repository called like the beginning of the first one's ID.
struct fixture {
    fixture()
    {
        base = s.add_layer("base layer");
        top = s.add_layer("top layer");
        app = s.add_image(image_config{.cmd = {"app"}}, {base, top}, {"app:1.0", "app:latest"}).value();
        other = s.add_image(image_config{.cmd = {"other"}}, {base}, {"team/other:2", app.hex().substr(0, 6) + ":x"}).value();
        untagged = s.add_image(image_config{.cmd = {"untagged"}}, {top}).value();
    }

    auto find(names const& n) const
    {
        no_observer none;
        return resolve(s, n, {}, none);
    }

    std::vector<std::string> tags(names const& n) const
    {
        std::vector<std::string> all;
        auto const found = find(n).value();
        for(auto const& i : found.images) {
            all.push_back(i.config.id == app ? "=app" : i.config.id == other ? "=other" : "=untagged");
            for(auto const& t : i.tags)
                all.emplace_back(t.familiar());
        }
        return all;
    }

    error_code why(names const& n) const { return find(n).error().code; }

    memory_store s;
    digest base, top, app, other, untagged;
};

using texts = std::vector<std::string>;

} // namespace

#define CHECK_TAGS(n, ...) BOOST_TEST(f.tags(n) == (texts{__VA_ARGS__}), boost::test_tools::per_element())

BOOST_AUTO_TEST_CASE(names_follow_the_engines_rules)
{
    fixture const f;
    CHECK_TAGS(names("app:1.0"), "=app", "app:1.0");
    CHECK_TAGS(names("app"), "=app", "app:1.0", "app:latest");
    CHECK_TAGS(names("docker.io/library/app:latest"), "=app", "app:latest");
    CHECK_TAGS(names(f.untagged.str()), "=untagged");
    CHECK_TAGS(names(f.untagged.hex()), "=untagged");
    CHECK_TAGS(names(f.untagged.hex().substr(0, 12)), "=untagged");
    CHECK_TAGS(names("sha256:" + f.untagged.hex().substr(0, 12)), "=untagged");
    // A repository hides the ID that begins like its name.
    CHECK_TAGS(names(f.app.hex().substr(0, 6)), "=other", f.app.hex().substr(0, 6) + ":x");
}

BOOST_AUTO_TEST_CASE(images_and_tags_come_in_request_order_and_once)
{
    fixture const f;
    CHECK_TAGS(names::of("team/other:2", "app:latest", "app:1.0", "app:latest", "team/other:2"), "=other", "team/other:2", "=app",
        "app:latest", "app:1.0");
    CHECK_TAGS(names::of(f.app.str(), "app:1.0"), "=app", "app:1.0");
}

BOOST_AUTO_TEST_CASE(a_name_can_be_changed)
{
    fixture const f;
    CHECK_TAGS(names("app:1.0=host:5000/x:2"), "=app", "host:5000/x:2");
    CHECK_TAGS(names("app=new"), "=app", "new:1.0", "new:latest");
    CHECK_TAGS(names("app=new:1"), "=app", "new:1");
    CHECK_TAGS(names(f.untagged.hex() + "=found:1"), "=untagged", "found:1");
    CHECK_TAGS(names(f.untagged.hex() + "=found"), "=untagged", "found:latest");
    BOOST_TEST(f.why(names("app:1.0=")) == error::invalid_reference);
    BOOST_TEST(f.why(names("app:1.0=UPPER")) == error::invalid_reference);
    BOOST_TEST(f.why(names("app:1.0=x@sha256:" + std::string(64, 'a'))) == error::invalid_reference);
    BOOST_TEST(f.why(names::of("app:1.0=x:1", "team/other:2=x:1")) == error::ambiguous_reference);
}

BOOST_AUTO_TEST_CASE(an_image_of_one_platform_is_refused_for_another)
{
    platform const arm{"linux", "arm64", {}, {}, {}}, amd{"linux", "amd64", {}, {}, {}};
    memory_store s;
    auto const id = s.add_image(image_config{.target = arm}, {s.add_layer("layer")}, {"app:1"}).value();
    auto const find = [&](std::string const& name, platform_choice const& choice) {
        no_observer none;
        return resolve(s, names(name), choice, none);
    };
    for(auto const& name : {std::string("app:1"), std::string("app"), id.str(), id.hex().substr(0, 12)}) {
        BOOST_TEST(find(name, {}).has_value()); // whatever the host is
        BOOST_TEST(find(name, platform_choice::all()).has_value());
        BOOST_TEST(find(name, platform_choice::of({arm})).has_value());
        for(auto const& choice : {platform_choice::of({amd}), platform_choice::of({arm, amd})}) {
            auto const why = find(name, choice).error();
            BOOST_TEST(why.code == error::unknown_platform);
            BOOST_TEST((why.subject.find(name) != std::string::npos));
            BOOST_TEST(why.detail == "linux/amd64 is not linux/arm64");
        }
    }
}

BOOST_AUTO_TEST_CASE(each_mistake_has_its_code_and_names_its_name)
{
    fixture const f;
    std::map<std::string, error> const wrong = {{"nosuch:1", error::unknown_reference}, {"nosuch", error::unknown_image},
        {"APP", error::invalid_reference}, {"app:-", error::invalid_reference}, {"../../etc/passwd", error::invalid_reference},
        {"sha256:0000", error::unknown_image}, {std::string(64, '0'), error::unknown_image},
        {"app@sha256:" + std::string(64, '0'), error::unknown_reference}};
    for(auto const& [name, code] : wrong) {
        auto const r = f.find(names(name));
        BOOST_TEST(r.error().code == code);
        BOOST_TEST((r.error().subject.find(name.substr(0, 20)) != std::string::npos));
        BOOST_TEST(message(r.error()).find("; ") != std::string::npos); // says what to do
    }
    BOOST_TEST(f.why(names()) == error::no_names);
    BOOST_TEST(!f.find(names("")).error().subject.empty());
}

BOOST_AUTO_TEST_CASE(an_ambiguous_prefix_is_not_an_unknown_one)
{
    memory_store s;
    auto const layer = s.add_layer("x");
    std::map<char, int> first_digits;
    for(int i = 0; i != 40; ++i)
        ++first_digits[s.add_image(image_config{.cmd = {std::to_string(i)}}, {layer}).value().hex()[0]];
    no_observer none;
    for(auto const& [digit, n] : first_digits) {
        auto const r = resolve(s, names(std::string(1, digit)), {}, none);
        if(n == 1)
            BOOST_TEST(r.has_value());
        else
            BOOST_TEST(r.error().code == error::ambiguous_id);
    }
}

BOOST_AUTO_TEST_CASE(a_store_may_have_rules_of_its_own_for_names)
{
    struct nicknames : memory_store {
        explicit nicknames(memory_store s) : memory_store(std::move(s)) {}

        result<image_name> parse_name(std::string_view text) const
        {
            return text == "the other one" ? parse_image_name("team/other:2") : parse_image_name(text);
        }
    };
    fixture const f;
    nicknames const s(f.s);
    no_observer none;
    auto const found = resolve(s, names::of("the other one", "app:1.0"), {}, none).value();
    BOOST_TEST((found.images[0].config.id == f.other));
    BOOST_TEST(found.images[0].tags[0].familiar() == "team/other:2");
    BOOST_TEST((found.images[1].config.id == f.app));
    // as it is through an adaptor
    testing::counting_store counted(s);
    BOOST_TEST(resolve(counted, names("the other one"), {}, none).has_value());
    auto const r = resolve(s, names("the first one"), {}, none);
    BOOST_TEST((r.error().code == error::invalid_reference));
    BOOST_TEST((resolve(f.s, names("the other one"), {}, none).error().code == error::invalid_reference));
}

BOOST_AUTO_TEST_CASE(a_shared_layer_is_leased_once_and_given_back_once)
{
    fixture const f;
    testing::counting_store counted(f.s);
    no_observer none;
    {
        auto const r = resolve(counted, names::of("app:1.0", "team/other:2", f.untagged.str()), {}, none).value();
        BOOST_TEST(r.leases.size() == 2u);
        BOOST_TEST(r.images[0].layers.size() == 2u);
        BOOST_TEST((r.images[0].layers[0].lease == r.images[1].layers[0].lease));
        BOOST_TEST((r.images[0].layers[1].lease == r.images[2].layers[0].lease));
        BOOST_TEST(counted.counts().handles == 2u);
    }
    BOOST_TEST(counted.counts().handles == 0u);
    BOOST_TEST(counted.counts().leased == 2u);
    // A name that fails gives back what the names before it took.
    BOOST_TEST(!resolve(counted, names::of("app:1.0", "nosuch:1"), {}, none).has_value());
    BOOST_TEST(counted.counts().handles == 0u);
}

BOOST_AUTO_TEST_CASE(a_request_to_stop_is_seen_before_each_name_and_each_layer)
{
    fixture const f;
    testing::counting_store counted(f.s);
    no_observer none;
    std::stop_source stopping;
    struct stops_after_first {
        void operator()(event const& e) noexcept
        {
            if(std::holds_alternative<image_resolved>(e))
                stopping.request_stop();
        }
        std::stop_source stopping;
    } o{stopping};
    auto const between = resolve(counted, names::of("app:1.0", "team/other:2", f.untagged.str()), {}, o, stopping.get_token());
    BOOST_TEST(between.error().code == error::cancelled);
    BOOST_TEST(counted.counts().handles == 0u);
    BOOST_TEST(between.error().subject == "team/other:2");
    auto const at_once = resolve(counted, names::of("nosuch:1"), {}, none, stopping.get_token());
    BOOST_TEST(at_once.error().code == error::cancelled);
    BOOST_TEST(at_once.error().subject == "nosuch:1");
}

BOOST_AUTO_TEST_CASE(every_image_is_for_linux)
{
    memory_store s;
    auto const layer = s.add_layer("x");
    std::string const config = R"({"os":"windows","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[")" + layer.str() + R"("]}})";
    auto const id = s.add_image(config, {layer}, {"win:1"});
    no_observer none;
    if(id)
        BOOST_TEST(resolve(s, names("win:1"), {}, none).error().code == error::unsupported_os);
    else
        BOOST_TEST(id.error().code == error::unsupported_os);
}

BOOST_AUTO_TEST_CASE(an_observer_hears_of_each_image)
{
    fixture const f;
    struct watcher {
        void operator()(event const& e) noexcept
        {
            if(auto const* i = std::get_if<image_resolved>(&e)) {
                ids.push_back(i->id);
                tags.insert(tags.end(), i->tags.begin(), i->tags.end());
                chains.push_back(i->chain.str());
            }
        }
        std::vector<digest> ids;
        texts tags, chains;
    } w;
    BOOST_TEST(resolve(f.s, names::of("app", "team/other:2"), {}, w).has_value());
    BOOST_TEST(w.ids == (std::vector{f.app, f.other}), boost::test_tools::per_element());
    BOOST_TEST(w.tags == (texts{"app:1.0", "app:latest", "team/other:2"}), boost::test_tools::per_element());
    BOOST_TEST(w.chains[1] == f.base.str());
}

BOOST_AUTO_TEST_CASE(nothing_is_leased_before_all_images_are_read)
{
    fixture const f;
    platform const arm{"linux", "arm64", {}, {}, {}};
    memory_store s = f.s;
    s.add_image(image_config{.target = arm}, {f.base}, {"arm:1"}).value();
    testing::counting_store counted(s);
    no_observer none;
    for(auto const& second : {"sha256:" + std::string(64, '0'), std::string("arm:1")}) {
        auto const r = resolve(counted, names::of("app:1.0", second), platform_choice::of({host_platform()}), none);
        BOOST_TEST(!r.has_value());
        BOOST_TEST(counted.counts().leased == 0u);
    }
}

namespace {

// What is handed on, and how many leases there were then.
struct taken {
    digest id;
    std::size_t leased;
    bool operator==(taken const&) const = default;
};

} // namespace

BOOST_AUTO_TEST_CASE(images_are_handed_on_one_by_one)
{
    fixture const f;
    testing::counting_store counted(f.s);
    no_observer none;
    std::vector<taken> all;
    auto const take = [&](selection&& s) -> result<void> {
        all.push_back({s.config.id, counted.counts().leased});
        BOOST_TEST(s.layers.size() == s.config.diff_ids.size());
        return {};
    };
    auto const leases = resolve_each(counted, names::of("team/other:2", "app", f.untagged.str()), {}, none, take).value();
    BOOST_TEST((all == std::vector<taken>{{f.other, 1}, {f.app, 2}, {f.untagged, 2}}));
    BOOST_TEST(leases.size() == 2u);
    BOOST_TEST(counted.counts().handles == 2u);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_any_image_is_told_before_what_is_said_of_one_that_was_handed_on)
{
    fixture const f;
    testing::counting_store counted(f.s);
    no_observer none;
    std::size_t calls = 0;
    auto const take = [&](selection&& s) -> result<void> {
        ++calls;
        return failure{error::empty_image, s.config.id.str(), {}};
    };
    auto const unknown = "sha256:" + std::string(64, '0');
    platform const arm{"linux", "arm64", {}, {}, {}};
    auto const of_arm = platform_choice::of({arm});
    BOOST_TEST((resolve_each(counted, names("app:1.0"), of_arm, none, take).error().code == error::unknown_platform));
    BOOST_TEST((resolve_each(counted, names::of("app:1.0", unknown), {}, none, take).error().code == error::unknown_image));
    BOOST_TEST(counted.counts().leased == 0u);
    BOOST_TEST((resolve_each(counted, names::of("app:1.0", "team/other:2"), {}, none, take).error().code == error::empty_image));
    BOOST_TEST(calls == 1u);
    BOOST_TEST(counted.counts().handles == 0u);
}

BOOST_AUTO_TEST_CASE(a_layer_whose_diff_id_is_no_digest_is_leased_once_too)
{
    struct odd : memory_store {
        explicit odd(memory_store s) : memory_store(std::move(s)) {}

        result<image> load(digest const& id) const
        {
            auto i = memory_store::load(id);
            i->diff_ids[0] = "the base";
            return i;
        }
    };
    fixture const f;
    odd const s(f.s);
    no_observer none;
    auto const r = resolve(s, names::of("app:1.0", "team/other:2"), {}, none).value();
    BOOST_TEST(r.leases.size() == 2u);
    BOOST_TEST((r.images[0].layers[0].lease == r.images[1].layers[0].lease));
}

// Thousands of names by digest lead to one image, and each is looked for once.
BOOST_AUTO_TEST_CASE(names_by_digest_are_kept_once_each)
{
    fixture f;
    names all;
    auto const id = digest_of(std::string_view("manifest"));
    for(int n = 0; n != 3000; ++n) {
        auto const name = "host:1/r" + std::to_string(n) + "@" + id.str();
        f.s.add_name(name, f.app).value();
        all.add(name);
        all.add(name);
    }
    auto const found = f.find(all).value();
    BOOST_TEST(found.images.size() == 1u);
    BOOST_TEST(found.images[0].digest_references.size() == 3000u);
    BOOST_TEST(found.images[0].tags.empty());
}
