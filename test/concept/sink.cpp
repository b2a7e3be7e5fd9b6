//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// The least that a sink and its refinements may be, what they may not be, and that a driver needs no more.

#include <tarexport/sink.hpp>

#include <tarexport/sink/counting.hpp>
#include <tarexport/sink/fd.hpp>
#include <tarexport/sink/file.hpp>
#include <tarexport/sink/memory.hpp>
#include <tarexport/sink/ostream.hpp>
#include <tarexport/sink/tee.hpp>
#include <tarexport/testing/sink.hpp>
#include <tarexport/write.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

using namespace tarexport;

namespace archetypes {

// Neither copied nor moved, made or assigned by the library; its address is taken by std::addressof only.
struct least_sink {
    least_sink() = delete;
    least_sink(least_sink const&) = delete;
    least_sink& operator=(least_sink const&) = delete;
    void operator&() const = delete;

    std::size_t write_some(bytes_view, error_code&);
};
static_assert(sink<least_sink>);
static_assert(!gather_sink<least_sink>);
static_assert(!extent_sink<least_sink>);
static_assert(!committing_sink<least_sink>);
static_assert(explain_sink<least_sink>());

struct least_gather_sink {
    least_gather_sink() = delete;
    least_gather_sink(least_gather_sink const&) = delete;
    least_gather_sink& operator=(least_gather_sink const&) = delete;
    void operator&() const = delete;

    std::size_t write_some(bytes_view, error_code&);
    std::size_t write_some(std::span<bytes_view const>, error_code&);
};
static_assert(gather_sink<least_gather_sink>);
static_assert(!extent_sink<least_gather_sink>);
static_assert(!committing_sink<least_gather_sink>);

struct least_extent_sink {
    least_extent_sink() = delete;
    least_extent_sink(least_extent_sink const&) = delete;
    least_extent_sink& operator=(least_extent_sink const&) = delete;
    void operator&() const = delete;

    std::size_t write_some(bytes_view, error_code&);
    std::size_t copy_some(file_extent, error_code&);
};
static_assert(extent_sink<least_extent_sink>);
static_assert(!gather_sink<least_extent_sink>);
static_assert(!committing_sink<least_extent_sink>);

struct least_committing_sink {
    least_committing_sink() = delete;
    least_committing_sink(least_committing_sink const&) = delete;
    least_committing_sink& operator=(least_committing_sink const&) = delete;
    void operator&() const = delete;

    std::size_t write_some(bytes_view, error_code&);
    void commit(error_code&);
    void abort() noexcept;
};
static_assert(committing_sink<least_committing_sink>);
static_assert(!gather_sink<least_committing_sink>);
static_assert(!extent_sink<least_committing_sink>);

struct least_positional_sink {
    least_positional_sink() = delete;
    least_positional_sink(least_positional_sink const&) = delete;
    least_positional_sink& operator=(least_positional_sink const&) = delete;
    void operator&() const = delete;

    std::size_t write_some(bytes_view, error_code&);
    std::size_t write_some(std::span<bytes_view const>, error_code&);
    std::size_t write_at(std::uint64_t, std::span<bytes_view const>, error_code&);
    bool any_order() const;
    void commit(error_code&);
    void abort() noexcept;
};
static_assert(positional_sink<least_positional_sink>);
static_assert(!positional_extent_sink<least_positional_sink>);
static_assert(!extent_sink<least_positional_sink>);
static_assert(explain_sink<least_positional_sink>());

struct least_positional_extent_sink : least_positional_sink {
    std::size_t copy_at(std::uint64_t, file_extent, error_code&);
};
static_assert(positional_extent_sink<least_positional_extent_sink>);
static_assert(!cloning_sink<least_positional_extent_sink>);

struct least_cloning_sink : least_positional_extent_sink {
    std::size_t clone_at(std::uint64_t, file_extent, error_code&);
};
static_assert(cloning_sink<least_cloning_sink>);

// Refusals.

struct places_only {
    std::size_t write_some(bytes_view, error_code&);
    std::size_t write_some(std::span<bytes_view const>, error_code&);
    std::size_t write_at(std::uint64_t, std::span<bytes_view const>, error_code&);
    bool any_order() const;
};
static_assert(sink<places_only> && !positional_sink<places_only>, "a part of an archive must not pass for the whole");

struct order_not_const : least_committing_sink {
    std::size_t write_some(bytes_view, error_code&);
    std::size_t write_some(std::span<bytes_view const>, error_code&);
    std::size_t write_at(std::uint64_t, std::span<bytes_view const>, error_code&);
    bool any_order();
};
static_assert(committing_sink<order_not_const> && !positional_sink<order_not_const>);

struct nothing {};
static_assert(!sink<nothing>);
static_assert(!sink<int>);
static_assert(!sink<void>);

struct wrong_return {
    int write_some(bytes_view, error_code&);
};
static_assert(!sink<wrong_return>);

struct returns_nothing {
    void write_some(bytes_view, error_code&);
};
static_assert(!sink<returns_nothing>);

struct no_error_code {
    std::size_t write_some(bytes_view);
};
static_assert(!sink<no_error_code>);

struct error_code_by_value {
    std::size_t write_some(bytes_view, error_code);
};
static_assert(sink<error_code_by_value>, "a concept cannot see this; the conformance check does");

struct wants_standard_errors {
    std::size_t write_some(bytes_view, std::error_code&);
};
static_assert(sink<wants_standard_errors>, "Boost's error code lends itself as the standard one");

struct wants_mutable_bytes {
    std::size_t write_some(std::span<std::byte>, error_code&);
};
static_assert(!sink<wants_mutable_bytes>);

struct wants_text {
    std::size_t write_some(std::string_view, error_code&);
};
static_assert(!sink<wants_text>);

struct inaccessible {
private:
    std::size_t write_some(bytes_view, error_code&);
};
static_assert(!sink<inaccessible>);

static_assert(sink<least_sink&>, "a reference to a sink writes as well");
static_assert(!sink<least_sink const>);
static_assert(!sink<least_sink*>);

struct only_gathers {
    std::size_t write_some(std::span<bytes_view const>, error_code&);
};
static_assert(!sink<only_gathers> && !gather_sink<only_gathers>);

struct gathers_mutable {
    std::size_t write_some(bytes_view, error_code&);
    std::size_t write_some(std::span<bytes_view>, error_code&);
};
static_assert(sink<gathers_mutable> && !gather_sink<gathers_mutable>);

struct gathers_to_int {
    std::size_t write_some(bytes_view, error_code&);
    int write_some(std::span<bytes_view const>, error_code&);
};
static_assert(sink<gathers_to_int> && !gather_sink<gathers_to_int>);

struct only_copies {
    std::size_t copy_some(file_extent, error_code&);
};
static_assert(!extent_sink<only_copies>);

struct copies_to_bool {
    std::size_t write_some(bytes_view, error_code&);
    bool copy_some(file_extent, error_code&);
};
static_assert(sink<copies_to_bool> && !extent_sink<copies_to_bool>);

struct abort_may_throw {
    std::size_t write_some(bytes_view, error_code&);
    void commit(error_code&);
    void abort();
};
static_assert(sink<abort_may_throw> && !committing_sink<abort_may_throw>);

struct only_commits {
    std::size_t write_some(bytes_view, error_code&);
    void commit(error_code&);
};
static_assert(sink<only_commits> && !committing_sink<only_commits>);

struct only_aborts {
    std::size_t write_some(bytes_view, error_code&);
    void abort() noexcept;
};
static_assert(sink<only_aborts> && !committing_sink<only_aborts>);

struct commits_without_error {
    std::size_t write_some(bytes_view, error_code&);
    void commit();
    void abort() noexcept;
};
static_assert(sink<commits_without_error> && !committing_sink<commits_without_error>);

// What each of ours is, and is not.

static_assert(gather_sink<fd_sink> && extent_sink<fd_sink> && !committing_sink<fd_sink> && has_subject<fd_sink>);
static_assert(gather_sink<file_sink> && extent_sink<file_sink> && positional_extent_sink<file_sink> && has_subject<file_sink>);
static_assert(!gather_sink<ostream_sink> && !extent_sink<ostream_sink> && committing_sink<ostream_sink> && has_subject<ostream_sink>);
static_assert(gather_sink<memory_sink> && !extent_sink<memory_sink> && !committing_sink<memory_sink>);
static_assert(gather_sink<counting_sink> && !extent_sink<counting_sink> && !committing_sink<counting_sink>);

using least_tee = tee_sink<least_sink, least_gather_sink, least_extent_sink, least_committing_sink>;
static_assert(gather_sink<least_tee> && !extent_sink<least_tee> && committing_sink<least_tee> && has_subject<least_tee>);

template<class... Ks>
concept can_tee = requires { typename tee_sink<Ks...>; };
static_assert(can_tee<least_sink>);
static_assert(!can_tee<>);
static_assert(!can_tee<least_sink, nothing>);

// A driver, a tee and a conformance check ask for nothing else.

struct least_source {
    least_source() = delete;
    least_source(least_source&&) noexcept = default;
    least_source& operator=(least_source&&) noexcept = default;

    std::size_t read_some(std::span<std::byte>, error_code&) { return 0; }
};

struct least_extent_source : least_source {
    std::optional<file_extent> extent() const { return std::nullopt; }
};

template<class Source>
struct least_handle {
    least_handle() = delete;
    least_handle(least_handle&&) noexcept = default;
    least_handle& operator=(least_handle&&) noexcept = default;
    void operator&() const = delete;

    descriptor const& info() const { return about; }
    result<Source> open(std::uint64_t) const { return failure{error::missing_layer, {}, {}}; }

    descriptor about;
};

std::size_t least_sink::write_some(bytes_view b, error_code&) { return b.size(); }
std::size_t least_gather_sink::write_some(bytes_view b, error_code&) { return b.size(); }
std::size_t least_gather_sink::write_some(std::span<bytes_view const> p, error_code&) { return p.front().size(); }
std::size_t least_extent_sink::write_some(bytes_view b, error_code&) { return b.size(); }
std::size_t least_extent_sink::copy_some(file_extent e, error_code&) { return static_cast<std::size_t>(e.size); }
std::size_t least_committing_sink::write_some(bytes_view b, error_code&) { return b.size(); }
void least_committing_sink::commit(error_code&) {}
void least_committing_sink::abort() noexcept {}
std::size_t least_positional_sink::write_some(bytes_view b, error_code&) { return b.size(); }
std::size_t least_positional_sink::write_some(std::span<bytes_view const> p, error_code&) { return p.front().size(); }
std::size_t least_positional_sink::write_at(std::uint64_t, std::span<bytes_view const> p, error_code&) { return p.front().size(); }
bool least_positional_sink::any_order() const { return true; }
void least_positional_sink::commit(error_code&) {}
void least_positional_sink::abort() noexcept {}
std::size_t least_positional_extent_sink::copy_at(std::uint64_t, file_extent e, error_code&) { return static_cast<std::size_t>(e.size); }
std::size_t least_cloning_sink::clone_at(std::uint64_t, file_extent e, error_code&) { return static_cast<std::size_t>(e.size); }

template<class Source, class Sink>
void drives(Sink& k)
{
    no_observer none;
    write_options const options;
    plan const empty;
    (void)tarexport::write(empty, std::span<least_handle<Source> const>(), k, options, none);
}

template<class Sink>
struct least_fixture {
    void operator&() const = delete;

    Sink& out() { return sink; }
    std::string taken() { return {}; }

    Sink& sink;
};
static_assert(testing::sink_fixture<least_fixture<least_sink>>);
static_assert(!testing::sink_fixture<least_fixture<nothing>>);
static_assert(!testing::sink_fixture<least_sink>);

template<class Sink>
using least_make = least_fixture<Sink> (*)();

// There is no object of an archetype to run these on: it is enough that their bodies compile.
template void drives<least_source>(least_sink&);
template void drives<least_source>(least_gather_sink&);
template void drives<least_source>(least_extent_sink&);
template void drives<least_source>(least_committing_sink&);
template void drives<least_source>(least_positional_sink&);
template void drives<least_source>(least_tee&);
template void drives<least_extent_source>(least_sink&);
template void drives<least_extent_source>(least_extent_sink&);
template void drives<least_extent_source>(least_positional_extent_sink&);
template void drives<least_extent_source>(least_cloning_sink&);
template void drives<least_extent_source>(fd_sink&);
template void drives<least_extent_source>(file_sink&);
template void drives<least_source>(ostream_sink&);
template void drives<least_source>(memory_sink&);
template void drives<least_source>(counting_sink&);

} // namespace archetypes

template std::vector<std::string> tarexport::testing::check_sink(archetypes::least_make<archetypes::least_sink>);
template std::vector<std::string> tarexport::testing::check_sink(archetypes::least_make<archetypes::least_gather_sink>);
template std::vector<std::string> tarexport::testing::check_sink(archetypes::least_make<archetypes::least_extent_sink>);
template std::vector<std::string> tarexport::testing::check_sink(archetypes::least_make<archetypes::least_committing_sink>);
template std::vector<std::string> tarexport::testing::check_sink(archetypes::least_make<archetypes::least_positional_sink>);

int main() {}
