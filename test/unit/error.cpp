//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/error.hpp>

#define BOOST_TEST_MODULE error
#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <map>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

namespace {

using namespace tarexport;

static_assert(boost::system::is_error_code_enum<error>::value);
static_assert(boost::system::is_error_condition_enum<condition>::value);
static_assert(!std::is_default_constructible_v<save_error>);

std::string const unknown_text = "tarexport error";

// Every code, found by its text: values that have none stand for no code.
std::vector<error> all_codes()
{
    std::vector<error> codes;
    for(int i = 1; unknown_text != text(static_cast<error>(i)); ++i)
        codes.push_back(static_cast<error>(i));
    return codes;
}

constexpr condition all_conditions[] = {
    condition::bad_request, condition::not_found, condition::corrupt_store, condition::cancelled};

} // namespace

BOOST_AUTO_TEST_CASE(every_code_has_a_sentence_of_its_own)
{
    auto const codes = all_codes();
    BOOST_TEST_REQUIRE(!codes.empty());
    // A code in the middle that lacks a sentence would end the list too early.
    for(int beyond = 1; beyond != 1000; ++beyond)
        BOOST_TEST_REQUIRE(text(static_cast<error>(static_cast<int>(codes.back()) + beyond)) == unknown_text);
    BOOST_TEST((codes.back() >= error::cancelled));

    std::set<std::string> seen;
    for(auto const e : codes) {
        std::string const s = text(e);
        BOOST_TEST(!s.empty());
        BOOST_TEST(s.back() != '.');
        BOOST_TEST(seen.insert(s).second, "two codes say: " + s);
        error_code const ec = e;
        BOOST_TEST(ec.message() == s);
        BOOST_TEST(ec.failed());
        char buffer[8];
        BOOST_TEST(ec.category().message(ec.value(), buffer, sizeof(buffer)) == s);
        BOOST_TEST(advice(e) != nullptr);
        BOOST_TEST(std::string(advice(e)) != s);
    }
    BOOST_TEST(text(static_cast<error>(0)) == unknown_text);
    BOOST_TEST(std::string(advice(static_cast<error>(0))).empty());
}

BOOST_AUTO_TEST_CASE(every_code_answers_at_most_one_question)
{
    std::map<condition, int> answered;
    for(auto const e : all_codes()) {
        error_code const ec = e;
        BOOST_TEST((ec == e));
        int answers = 0;
        for(auto const c : all_conditions) {
            if(ec == c) {
                ++answers;
                ++answered[c];
            }
        }
        BOOST_TEST(answers <= 1, ec.message());
        if(answers == 0)
            BOOST_TEST((ec.default_error_condition() == error_condition(ec.value(), ec.category())));
    }
    for(auto const c : all_conditions)
        BOOST_TEST(answered[c] > 0, error_condition(c).message());
}

BOOST_AUTO_TEST_CASE(what_the_conditions_say)
{
    auto const is = [](error e, condition c) { return make_error_code(e) == c; };
    BOOST_TEST(is(error::invalid_reference, condition::bad_request));
    BOOST_TEST(is(error::ambiguous_id, condition::bad_request));
    BOOST_TEST(is(error::invalid_pattern, condition::bad_request));
    BOOST_TEST(is(error::unknown_image, condition::not_found));
    BOOST_TEST(is(error::unknown_platform, condition::not_found));
    BOOST_TEST(is(error::digest_mismatch, condition::corrupt_store));
    BOOST_TEST(is(error::missing_blob, condition::corrupt_store));
    BOOST_TEST(is(error::cancelled, condition::cancelled));
    BOOST_TEST((make_error_code(boost::system::errc::operation_canceled) == condition::cancelled));
    BOOST_TEST((make_error_code(boost::system::errc::io_error) != condition::cancelled));
    BOOST_TEST(!is(error::missing_blob, condition::not_found));
    BOOST_TEST(!is(error::sink_stalled, condition::corrupt_store));

    std::set<std::string> seen;
    for(auto const c : all_conditions) {
        error_condition const ec = c;
        BOOST_TEST(!ec.message().empty());
        BOOST_TEST(seen.insert(ec.message()).second);
    }
    BOOST_TEST(error_condition(condition::not_found).category().name() == std::string("tarexport condition"));
}

BOOST_AUTO_TEST_CASE(category)
{
    BOOST_TEST(tarexport_category().name() == std::string("tarexport"));
    BOOST_TEST((make_error_code(error::cancelled).category() == tarexport_category()));
    // As another shared library's copy would be.
    detail::error_category_type const copy;
    BOOST_TEST((error_code(static_cast<int>(error::cancelled), copy) == error::cancelled));
    detail::condition_category_type const conditions_copy;
    BOOST_TEST((error_code(error::cancelled) ==
        error_condition(static_cast<int>(condition::cancelled), conditions_copy)));
    BOOST_TEST((make_error_code(error::cancelled) !=
        error_code(static_cast<int>(error::cancelled), boost::system::generic_category())));
    BOOST_TEST((error_code(ENOENT, boost::system::generic_category()) != condition::not_found),
        "errors of the operating system pass through as they are");
}

BOOST_AUTO_TEST_CASE(sentences)
{
    BOOST_TEST(message({error::cancelled, {}, {}}) == "cancelled");
    BOOST_TEST(message({error::sink_stalled, "out.tar", {}}) == "out.tar: sink accepts no more bytes");
    BOOST_TEST(message({error::size_mismatch, "sha256:9f", "expected 512 bytes, found 100"}) ==
               std::string("sha256:9f: wrong size (expected 512 bytes, found 100); ") + advice(error::size_mismatch));
    auto const os = make_error_code(boost::system::errc::no_such_file_or_directory);
    BOOST_TEST(message({os, "/x", {}}) == "/x: " + os.message());
    BOOST_TEST(message({os, {}, "y"}) == os.message() + " (y)");
    auto const full = message({make_error_code(boost::system::errc::too_many_files_open), "/srv/a", {}});
    BOOST_TEST(full.starts_with("/srv/a: "));
    BOOST_TEST(full.ends_with("; use fewer jobs, or let the process open more files (ulimit -n)"));
}

BOOST_AUTO_TEST_CASE(failures_are_values)
{
    failure const f{error::unknown_image, "app", "d"};
    BOOST_TEST((f == failure{error::unknown_image, "app", "d"}));
    BOOST_TEST((f != failure{error::unknown_image, "app", ""}));
    BOOST_TEST((f != failure{error::unknown_image, "App", "d"}));
    BOOST_TEST((f != failure{error::unknown_reference, "app", "d"}));
}

static_assert(std::is_nothrow_copy_constructible_v<save_error> && std::is_nothrow_copy_assignable_v<save_error>);

BOOST_AUTO_TEST_CASE(what_is_thrown)
{
    result<int> const r = failure{error::unknown_image, "app", {}};
    BOOST_TEST(!r.has_value());
    BOOST_CHECK_EXCEPTION(r.value(), save_error, [&](save_error const& e) {
        return e.reason() == r.error() && e.code() == error::unknown_image && e.code() == condition::not_found &&
               e.what() == message(r.error());
    });
    BOOST_CHECK_THROW(r.value(), boost::system::system_error);

    save_error const e(failure{error::cancelled, "x", {}});
    BOOST_TEST(std::string(e.what()) == "x: cancelled");
    auto const copy = e;
    BOOST_TEST(std::string(copy.what()) == e.what());

    result<int> const seven = 7;
    BOOST_TEST(seven.value() == 7);
}
