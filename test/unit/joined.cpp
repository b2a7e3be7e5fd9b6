//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/store/joined.hpp>

#define BOOST_TEST_MODULE joined
#include <boost/test/unit_test.hpp>

#include <tarexport/saver.hpp>
#include <tarexport/sink/memory.hpp>
#include <tarexport/store/memory.hpp>
#include <tarexport/testing/store.hpp>

#include <set>
#include <string>
#include <vector>

using namespace tarexport;

namespace {

// A memory store that has lost some of its layers, as a thin archive has.
class lossy_store {
public:
    lossy_store(memory_store s, std::set<std::string> lost = {}) : store_(std::move(s)), lost_(std::move(lost)) {}

    result<image> load(digest const& id) const { return store_.load(id); }
    result<digest> search(std::string_view prefix) const { return store_.search(prefix); }
    result<digest> lookup(reference const& ref) const { return store_.lookup(ref); }
    result<std::vector<reference>> by_name(reference const& ref) const { return store_.by_name(ref); }
    result<std::vector<listed_image>> list() const { return store_.list(); }

    result<memory_store::handle> layer(image const& i, std::size_t n) const
    {
        if(n < i.diff_ids.size() && lost_.contains(i.diff_ids[n]))
            return failure{error::missing_layer, i.id.str(), "layer " + i.diff_ids[n]};
        return store_.layer(i, n);
    }

private:
    memory_store store_;
    std::set<std::string> lost_;
};

static_assert(store<joined_store<lossy_store>> && listing_store<joined_store<lossy_store>>);
static_assert(!content_store<joined_store<lossy_store>>);

struct images {
    images()
    {
        auto const a = base.add_layer(std::string(2048, 'a'));
        base_id = base.add_image(image_config{.cmd = {"base"}}, {a}, {"base:1"}).value();
        full.add_layer(std::string(2048, 'a'));
        auto const b = full.add_layer(std::string(4096, 'b'));
        app_id = full.add_image(image_config{.cmd = {"app"}}, {a, b}, {"app:2", "app:latest"}).value();
        lost = {a.str()};
        other.add_layer(std::string(512, 'o'));
        other_id = other.add_image(image_config{.cmd = {"other"}}, {digest_of(std::string(512, 'o'))}, {"app:latest", "other:1"}).value();
    }

    memory_store base, full, other;
    digest base_id, app_id, other_id;
    std::set<std::string> lost;
};

template<class Store>
std::string saved(Store const& s, names const& n)
{
    memory_sink out;
    tarexport::save(s, n, out);
    return out.bytes();
}

reference ref(char const* text)
{
    return parse_reference(text).value();
}

} // namespace

BOOST_AUTO_TEST_CASE(a_thin_store_and_its_base_are_whole)
{
    images const i;
    lossy_store const thin(i.full, i.lost);
    memory_sink out;
    BOOST_TEST((saver(thin).save(names("app:2"), out).reason.code == error::missing_layer));
    for(bool const base_first : {false, true}) {
        std::vector<lossy_store> parts{thin, lossy_store(i.base)};
        if(base_first)
            std::swap(parts[0], parts[1]);
        joined_store const all(parts);
        BOOST_TEST((saved(all, names("app:2")) == saved(i.full, names("app:2"))));
    }
}

BOOST_AUTO_TEST_CASE(a_layer_that_no_store_has_is_told)
{
    images const i;
    joined_store const all(std::vector<lossy_store>{lossy_store(i.full, i.lost), lossy_store(i.other)});
    auto const why = all.layer(i.full.load(i.app_id).value(), 0);
    BOOST_TEST_REQUIRE(why.has_error());
    BOOST_TEST((why.error().code == error::missing_layer));
    BOOST_TEST(why.error().subject == i.app_id.str());
    BOOST_TEST((all.layer(i.full.load(i.app_id).value(), 9).error().code == error::missing_layer));
    image none;
    none.id = i.base_id;
    BOOST_TEST((all.layer(none, 0).error().code == error::unknown_image));
}

BOOST_AUTO_TEST_CASE(what_several_have_the_first_gives)
{
    images const i;
    joined_store const all(std::vector<lossy_store>{lossy_store(i.full), lossy_store(i.other)});
    BOOST_TEST((all.lookup(ref("app:latest")).value() == i.app_id));
    BOOST_TEST((all.lookup(ref("other:1")).value() == i.other_id));
    BOOST_TEST((all.lookup(ref("none:1")).error().code == error::unknown_reference));
    BOOST_TEST((all.load(i.other_id).value().id == i.other_id));
    BOOST_TEST((all.load(i.base_id).error().code == error::unknown_image));
    std::vector<reference> const expected{ref("app:2"), ref("app:latest")};
    BOOST_TEST((all.by_name(ref("app")).value() == expected));
    auto const why = all.list();
    BOOST_TEST_REQUIRE(why.has_error()); // a listing would have lost a name
    BOOST_TEST((why.error().code == error::ambiguous_reference));
    BOOST_TEST(why.error().subject == "app:latest");
}

BOOST_AUTO_TEST_CASE(prefixes_are_looked_for_in_all)
{
    images const i;
    joined_store const all(std::vector<lossy_store>{lossy_store(i.full), lossy_store(i.base), lossy_store(i.full)});
    BOOST_TEST((all.search(i.app_id.hex().substr(0, 20)).value() == i.app_id));
    BOOST_TEST((all.search(i.base_id.hex().substr(0, 20)).value() == i.base_id));
    BOOST_TEST((all.search("sha256:").error().code == error::unknown_image));
    BOOST_TEST((all.search(i.other_id.hex()).error().code == error::unknown_image));
    // Two images whose IDs begin with the same digit, in stores of their own.
    std::vector<lossy_store> parts;
    std::set<char> digits;
    for(int n = 0; digits.size() == parts.size(); ++n) {
        memory_store s;
        digits.insert(s.add_image(image_config{.cmd = {std::to_string(n)}}, {s.add_layer(std::string(512, 'x'))}).value().hex()[0]);
        parts.emplace_back(std::move(s));
    }
    auto const shared = parts.back().list().value().front().id.hex().substr(0, 1);
    BOOST_TEST((joined_store(parts).search(shared).error().code == error::ambiguous_id));
}

BOOST_AUTO_TEST_CASE(images_of_several_stores_are_listed_once)
{
    images const i;
    joined_store const all(std::vector<lossy_store>{lossy_store(i.full), lossy_store(i.base), lossy_store(i.full)});
    auto const rows = all.list().value();
    BOOST_TEST_REQUIRE(rows.size() == 2u);
    BOOST_TEST((rows[0].id == i.app_id && rows[0].names.size() == 2));
    BOOST_TEST((rows[1].id == i.base_id && rows[1].names.size() == 1));
    BOOST_TEST(all.parts().size() == 3u);
}

BOOST_AUTO_TEST_CASE(it_keeps_the_laws_of_stores)
{
    images const i;
    joined_store const all(std::vector<lossy_store>{lossy_store(i.base), lossy_store(i.full)});
    for(auto const& broken : testing::check_store(all, all.list().value()))
        BOOST_ERROR(broken);
}
