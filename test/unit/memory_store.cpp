//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/store/memory.hpp>

#include <tarexport/testing/sink.hpp>
#include <tarexport/testing/store.hpp>

#define BOOST_TEST_MODULE memory_store
#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <sys/stat.h>

namespace {

using tarexport::digest;
using tarexport::error;
using tarexport::image_config;
using tarexport::memory_store;

image_config config_of(std::string cmd)
{
    image_config c;
    c.target = {"linux", "amd64", {}, {}, {}};
    c.cmd = {std::move(cmd)};
    return c;
}

std::string raw_config(std::string const& diff_ids)
{
    return R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[)" + diff_ids + "]}}";
}

tarexport::reference reference_to(std::string_view text) { return tarexport::parse_reference(text).value(); }

digest id_of(memory_store const& s, std::string_view name) { return s.lookup(reference_to(name)).value(); }

// A file that goes with the test.
struct temporary_file {
    explicit temporary_file(std::string const& content)
    {
        char name[] = "/tmp/tarexport-memory-store-XXXXXX";
        int const fd = ::mkstemp(name);
        BOOST_REQUIRE(fd >= 0);
        ::close(fd);
        path = name;
        write(content);
    }
    ~temporary_file() { std::filesystem::remove(path); }

    void write(std::string const& content) const { std::ofstream(path, std::ios::binary | std::ios::trunc) << content; }

    std::string path;
};

std::string read_all(tarexport::detail::blob_source s)
{
    std::string text;
    for(;;) {
        tarexport::error_code ec;
        auto const b = s.view_some(1000, ec);
        BOOST_REQUIRE(!ec.failed());
        if(b.empty())
            return text;
        text.append(tarexport::to_text(b));
    }
}

template<class T, class Code>
void check_refusal(tarexport::result<T> const& r, Code code, std::string const& subject)
{
    BOOST_REQUIRE(!r);
    BOOST_TEST((r.error().code == code), r.error().code.message());
    BOOST_TEST(r.error().subject == subject);
}

std::vector<std::string> const none;

} // namespace

BOOST_AUTO_TEST_CASE(keeps_the_laws_of_stores)
{
    temporary_file const file(std::string(100, 'x') + tarexport::detail::sample_bytes(200'000) + "beyond");
    std::string const lent = "lent";
    memory_store s;
    auto const a = s.add_layer(tarexport::detail::sample_bytes(100'000));
    auto const b = s.add_layer_view(tarexport::to_bytes(lent));
    auto const c = s.add_layer_file({file.path, {100, 200'100}}).value();
    auto const d = s.add_layer<tarexport::sha512>(tarexport::detail::sample_bytes(700));
    auto const empty = s.add_layer("");
    for(int i = 0; i != 20; ++i)
        s.add_image(config_of("/" + std::to_string(i)), {a, c, b, empty, d},
             {"app:" + std::to_string(i), "app-b:x" + std::to_string(i), "app@" + tarexport::digest_of(std::to_string(i)).str(),
                 "app/sub:1." + std::to_string(i)})
            .value();
    s.add_image(config_of("untagged"), {a, a}).value();
    BOOST_TEST(tarexport::testing::check_store(s) == none, boost::test_tools::per_element());
    BOOST_TEST(tarexport::testing::check_store(memory_store()) == none, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(layers_have_the_digest_of_their_bytes)
{
    memory_store s;
    auto const a = s.add_layer("abc");
    BOOST_TEST(a == tarexport::digest_of(std::string_view("abc")));
    BOOST_TEST(s.add_layer("abc") == a);
    BOOST_TEST(s.add_layer<tarexport::sha384>("abc") == tarexport::digest_of<tarexport::sha384>(std::string_view("abc")));
    temporary_file const file("abcdef");
    BOOST_TEST(s.add_layer_file({file.path, {0, 3}}).value() == a);
    BOOST_TEST(s.add_layer_file({file.path, {3}}).value() == tarexport::digest_of(std::string_view("def")));
    BOOST_TEST(s.add_layer_file({file.path, {6, 6}}).value() == tarexport::digest_of(std::string_view()));
}

BOOST_AUTO_TEST_CASE(names_follow_the_engines)
{
    memory_store s;
    auto const l = s.add_layer("l");
    auto const hex = std::string(64, 'a');
    auto const first = s.add_image(config_of("1"), {l}, {"app", "host:5000/x:1", "app:7@sha256:" + hex}).value();
    BOOST_TEST(id_of(s, "docker.io/library/app:latest") == first);
    BOOST_TEST(id_of(s, "host:5000/x:1") == first);
    BOOST_TEST(id_of(s, "app@sha256:" + hex) == first);
    BOOST_TEST(id_of(s, "app:other@sha256:" + hex) == first);
    check_refusal(s.lookup(reference_to("app:7")), error::unknown_reference, "app:7");
    check_refusal(s.lookup(reference_to("app:latest@sha256:" + std::string(64, 'b'))), error::unknown_reference,
        "app:latest@sha256:" + std::string(64, 'b'));

    auto const second = s.add_image(config_of("2"), {l}, {"app:latest"}).value();
    BOOST_TEST(id_of(s, "app:latest") == second);
    BOOST_TEST(id_of(s, "host:5000/x:1") == first);
    s.add_name("app:old", first).value();
    BOOST_TEST(id_of(s, "app:old") == first);
    check_refusal(s.add_name("x", tarexport::digest_of(std::string_view("?"))), error::unknown_image,
        tarexport::digest_of(std::string_view("?")).str());
    check_refusal(s.add_name("UPPER", first), error::invalid_reference, "UPPER");

    std::vector<std::string> texts;
    for(auto const& r : s.by_name(reference_to("app")).value())
        texts.push_back(r.str());
    std::vector<std::string> const expected{
        "docker.io/library/app:latest", "docker.io/library/app:old", "docker.io/library/app@sha256:" + hex};
    BOOST_TEST(texts == expected, boost::test_tools::per_element());
    auto const rows = s.list().value();
    BOOST_TEST(rows.size() == 2u);
    BOOST_TEST(rows[0].id < rows[1].id);
    BOOST_TEST(rows[0].names.size() + rows[1].names.size() == 4u);
}

BOOST_AUTO_TEST_CASE(prefixes)
{
    memory_store s;
    check_refusal(s.search("a"), error::unknown_image, "a");
    auto const l = s.add_layer("l");
    auto const id = s.add_image(config_of("1"), {l}).value();
    BOOST_TEST(s.search(id.hex().substr(0, 1)).value() == id);
    for(int i = 0; i != 40; ++i)
        s.add_image(config_of(std::to_string(i)), {l}).value();
    BOOST_TEST(s.list().value().size() == 40u);
    check_refusal(s.search(id.hex().substr(0, 0)), error::ambiguous_id, "");
}

BOOST_AUTO_TEST_CASE(raw_configs_are_kept_byte_for_byte)
{
    memory_store s;
    auto const l = s.add_layer("l");
    auto const config = " { \"OS\" : \"linux\", \"rootfs\":{\"diff_ids\":[\"" + l.str() + "\"]} }\n";
    auto const id = s.add_image(config, {l}, {"raw:1"}).value();
    BOOST_TEST(id == tarexport::digest_of(config));
    BOOST_TEST(s.load(id)->config == config);
    BOOST_TEST(s.load(id)->os == "linux");
    BOOST_TEST(s.add_image(config, {l}, {"raw:2"}).value() == id);
    BOOST_TEST(id_of(s, "raw:2") == id);
    BOOST_TEST(id_of(s, "raw:1") == id);
}

BOOST_AUTO_TEST_CASE(images_that_are_refused_change_nothing)
{
    memory_store s;
    auto const l = s.add_layer("l");
    auto const other = tarexport::digest_of(std::string_view("other"));
    auto const quoted = '"' + l.str() + '"', wrong = '"' + other.str() + '"';
    check_refusal(s.add_image(config_of("1"), {l, other}, {"app:1"}), error::missing_layer, other.str());
    check_refusal(s.add_image(config_of("1"), {l}, {"app:1", "Bad"}), error::invalid_reference, "Bad");
    check_refusal(s.add_image(raw_config(wrong), {l}, {"app:1"}), error::digest_mismatch, l.str());
    auto const two = raw_config(quoted + "," + quoted);
    check_refusal(s.add_image(two, {l}, {"app:1"}), error::invalid_config, tarexport::digest_of(two).str());
    BOOST_TEST((s.add_image("{", {l}).error().code == error::invalid_json));
    BOOST_TEST((s.add_image("{}", {}).error().code == error::invalid_config));
    auto const windows = R"({"os":"windows","rootfs":{"diff_ids":[)" + quoted + "]}}";
    BOOST_TEST((s.add_image(windows, {l}).error().code == error::unsupported_os));
    auto twice = config_of("1");
    twice.labels = {{"a", "1"}, {"a", "2"}};
    check_refusal(s.add_image(twice, {l}), error::invalid_config, "Labels");
    BOOST_TEST(s.list().value().empty());
    check_refusal(s.lookup(reference_to("app:1")), error::unknown_reference, "app:1");
}

BOOST_AUTO_TEST_CASE(compressed_layers_need_a_config_with_their_diff_id)
{
    constexpr std::string_view gzip = "application/vnd.oci.image.layer.v1.tar+gzip";
    memory_store s;
    auto const l = s.add_layer("compressed", gzip);
    check_refusal(s.add_image(config_of("1"), {l}), error::invalid_config, l.str());
    auto const diff_id = tarexport::digest_of(std::string_view("plain"));
    auto const id = s.add_image(raw_config('"' + diff_id.str() + '"'), {l}).value();
    auto const h = s.layer(s.load(id).value(), 0).value();
    BOOST_TEST(h.info().media_type == gzip);
    BOOST_TEST(h.info().id == l);
}

BOOST_AUTO_TEST_CASE(parents)
{
    memory_store s;
    auto const l = s.add_layer("l");
    auto const id = s.add_image(config_of("1"), {l}).value();
    auto const parent = tarexport::digest_of(std::string_view("gone"));
    BOOST_TEST(!s.load(id)->parent.has_value());
    s.set_parent(id, parent).value();
    BOOST_TEST((s.load(id)->parent == parent));
    check_refusal(s.set_parent(parent, id), error::unknown_image, parent.str());
}

BOOST_AUTO_TEST_CASE(layers_that_are_not_there)
{
    memory_store s;
    auto const id = s.add_image(config_of("1"), {s.add_layer("l")}).value();
    auto i = s.load(id).value();
    check_refusal(s.layer(i, 1), error::missing_layer, id.str());
    i.id = tarexport::digest_of(std::string_view("x"));
    check_refusal(s.layer(i, 0), error::unknown_image, i.id.str());
}

BOOST_AUTO_TEST_CASE(handles_and_sources_outlive_the_store)
{
    std::optional<memory_store> s(std::in_place);
    auto const id = s->add_image(config_of("1"), {s->add_layer(std::string(5000, 'y'))}).value();
    std::optional h(s->layer(s->load(id).value(), 0).value());
    s.reset();
    auto source = h->open(4000).value();
    check_refusal(h->open(5001), error::range_out_of_bounds, "layer " + h->info().id.str());
    h.reset();
    BOOST_TEST(read_all(std::move(source)) == std::string(1000, 'y'));
}

BOOST_AUTO_TEST_CASE(memory_is_shown_not_copied)
{
    std::string const lent(100, 'z');
    memory_store s;
    auto const id = s.add_image(config_of("1"), {s.add_layer_view(tarexport::to_bytes(lent))}).value();
    auto source = s.layer(s.load(id).value(), 0)->open(10).value();
    tarexport::error_code ec;
    auto const b = source.view_some(5, ec);
    BOOST_TEST((b.data() == tarexport::to_bytes(lent).data() + 10));
    BOOST_TEST(!source.extent().has_value());
}

BOOST_AUTO_TEST_CASE(files_are_open_only_as_long_as_sources_are)
{
    temporary_file const file("0123456789");
    auto const before = tarexport::testing::open_descriptors();
    memory_store s;
    auto const id = s.add_image(config_of("1"), {s.add_layer_file({file.path, {2, 8}}).value()}).value();
    auto const h = s.layer(s.load(id).value(), 0).value();
    BOOST_TEST(tarexport::testing::open_descriptors() == before);
    {
        auto const source = h.open(1).value();
        BOOST_TEST(tarexport::testing::open_descriptors() == before + 1);
        auto const e = source.extent().value();
        BOOST_TEST(e.offset == 3u);
        BOOST_TEST(e.size == 5u);
        BOOST_TEST(source.subject() == file.path);
    }
    BOOST_TEST(tarexport::testing::open_descriptors() == before);
    BOOST_TEST(read_all(h.open(0).value()) == "234567");
}

BOOST_AUTO_TEST_CASE(files_that_change_are_noticed)
{
    temporary_file const file("0123456789");
    memory_store s;
    auto const id = s.add_image(config_of("1"), {s.add_layer_file({file.path}).value()}).value();
    auto const h = s.layer(s.load(id).value(), 0).value();
    auto source = h.open(0).value();
    file.write("0123");
    BOOST_TEST(read_all(std::move(source)) == "0123"); // the driver sees that it is too short
    check_refusal(h.open(0), error::range_out_of_bounds, file.path);
    std::filesystem::remove(file.path);
    check_refusal(h.open(0), boost::system::errc::no_such_file_or_directory, file.path);
    file.write("");
}

BOOST_AUTO_TEST_CASE(what_is_no_file_is_refused_at_once)
{
    temporary_file const file("0123456789");
    memory_store s;
    check_refusal(s.add_layer_file({"/tmp"}), error::not_a_regular_file, "/tmp");
    check_refusal(s.add_layer_file({"/dev/null"}), error::not_a_regular_file, "/dev/null");
    check_refusal(s.add_layer_file({file.path, {0, 11}}), error::range_out_of_bounds, file.path);
    check_refusal(s.add_layer_file({file.path, {11}}), error::range_out_of_bounds, file.path);
    check_refusal(s.add_layer_file({file.path, {5, 4}}), error::range_out_of_bounds, file.path);
    auto const fifo = file.path + ".fifo";
    BOOST_REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    check_refusal(s.add_layer_file({fifo}), error::not_a_regular_file, fifo);
    std::filesystem::remove(fifo);
    check_refusal(s.add_layer_file({std::string("/tmp/\0x", 7)}), boost::system::errc::invalid_argument,
        std::string("/tmp/\0x", 7));
}

BOOST_AUTO_TEST_CASE(several_threads_may_read)
{
    memory_store s;
    auto const id = s.add_image(config_of("1"), {s.add_layer(std::string(100'000, 't'))}, {"app:1"}).value();
    std::vector<std::thread> threads;
    std::vector<int> good(4);
    for(auto& g : good)
        threads.emplace_back([&] {
            for(int i = 0; i != 50; ++i)
                g += s.lookup(reference_to("app:1")) == id && read_all(s.layer(*s.load(id), 0)->open(0).value()).size() == 100'000;
        });
    for(auto& t : threads)
        t.join();
    BOOST_TEST(good == std::vector<int>(4, 50), boost::test_tools::per_element());
}
