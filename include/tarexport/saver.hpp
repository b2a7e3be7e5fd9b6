//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_SAVER_HPP
#define TAREXPORT_SAVER_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/closure.hpp>
#include <tarexport/digest_set.hpp>
#include <tarexport/error.hpp>
#include <tarexport/names.hpp>
#include <tarexport/observer.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/policy.hpp>
#include <tarexport/resolve.hpp>
#include <tarexport/serializer.hpp>
#include <tarexport/sink.hpp>
#include <tarexport/stores.hpp>
#include <tarexport/thin.hpp>
#include <tarexport/write.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tarexport {

/// How a save is done: what goes into the archive, and the parts of `write_options`.
struct save_options : write_options, content_choice {
    digest_set have; ///< layers that the other side has, which the archive leaves out: their digests, diff IDs or chain IDs
};

/// A plan, and the leases that it will read from. Moves; gives the leases back when it dies.
template<layer_handle Handle>
struct prepared_archive {
    plan contents;
    std::vector<Handle> leases;
};

namespace detail {

// What drivers of whole saves tell an observer beside what is told of the parts.

inline std::string text_of(names const& requested)
{
    std::string text;
    for(auto const& n : requested)
        text += (text.empty() ? "" : " ") + n.text;
    return text;
}

template<observer O>
void tell_planned(O& o, plan const& p, byte_range range)
{
    if constexpr(observes<O>) {
        auto const last = std::min(range.last, p.size());
        o(event(archive_planned{last - std::min(range.first, last), p.count(), p.etag()}));
    }
}

template<observer O>
void tell_end(O& o, save_report const& report)
{
    if constexpr(observes<O>) {
        if(report.ok())
            o(event(archive_saved{report.bytes, report.etag}));
        else
            o(event(save_failed{report.reason}));
    }
}

} // namespace detail

/** Saves images of a store.

    Borrows the store, which must outlive it.

    @par Example
    @code
    tarexport::saver saver{store};
    auto archive = saver.prepare(tarexport::names("app:1.0"));      // result: everything is known, nothing is written
    auto report = saver.write(*archive, sink);
    @endcode

    @par Thread Safety
    One thread at a time, because of the observer; several savers may share a store.
*/
template<store Store, saver_policy Policy = default_policy>
class saver {
public:
    using handle = handle_of<Store>;
    using hashes = typename std::remove_reference_t<Policy>::hashes;

    /// Construct from a store that outlives this object.
    explicit saver(Store const& s) : store_(std::addressof(s)), policy_{} {}

    /// Construct from a store that outlives this object, and the compile-time choices.
    saver(Store const& s, Policy p) : store_(std::addressof(s)), policy_(std::forward<Policy>(p)) {}

    explicit saver(Store const&&) = delete;
    saver(Store const&&, Policy) = delete;

    /** Find the images, lease their layers and lay the archive out. Reads metadata only.

        @param options Those of `write_options` do not matter here, except `stop`, which is looked at before each name, each image and each
        layer; `cancelled` is the answer then.
        @return The archive, or why there cannot be one: the errors of `resolve`, of the layout, and of `leave_out`.
    */
    result<prepared_archive<handle>> prepare(names const& requested, save_options const& options = {})
    {
        if constexpr(incremental_layout<layout>)
            return prepare_each(requested, options);
        else
            return prepare_all(requested, options);
    }

    /// Return the plan of an archive: its size, entries and identity. A dry run.
    result<plan> make_plan(names const& requested, save_options const& options = {})
    {
        auto archive = prepare(requested, options);
        if(!archive)
            return archive.error();
        return std::move(archive->contents);
    }

    /** Write an archive, or a range of it. The sink is committed after the last byte, and aborted on every other way out.
        @return How it went; `report.reason` says why it ended early.
    */
    template<class Sink>
    save_report write(prepared_archive<handle> const& archive, Sink& out, write_options const& options = {})
    requires(tarexport::explain_sink<Sink>())
    {
        auto& o = policy_.observer;
        detail::tell_planned(o, archive.contents, options.range);
        std::span<handle const> const leases(archive.leases);
        save_report report;
        if constexpr(detail::lends_threads<Policy>)
            report = tarexport::write<hashes>(archive.contents, leases, out, options, o, policy_.threads);
        else
            report = tarexport::write<hashes>(archive.contents, leases, out, options, o);
        detail::tell_end(o, report);
        return report;
    }

    /** Save images: `prepare`, then `write`.
        @return How it went; `report.reason` says why it ended early. A sink that commits is aborted also where `prepare` failed.
    */
    template<class Sink>
    save_report save(names const& requested, Sink& out, save_options const& options = {})
    requires(tarexport::explain_sink<Sink>())
    {
        std::optional<detail::sink_guard<Sink>> guard(std::in_place, out); // until it is handed on
        return in_save(requested, options, [&](result<prepared_archive<handle>> const& archive) {
            if(archive)
                guard->release();
            guard.reset();
            return archive ? write(*archive, out, options) : not_saved(archive.error());
        });
    }

    /** Save images to a sink that is made when the archive is known.

        @param make_sink Called once as `make_sink(archive, options)` after everything was found; returns `result<Sink>`. It may look at
        the plan and the leases of the `prepared_archive`, and change the range in `options`, which is a `write_options&`: to
        resume, for example.
        @return How it went; `report.reason` says why it ended early.
    */
    template<class MakeSink>
    save_report save_to(names const& requested, save_options options, MakeSink make_sink)
    {
        return in_save(requested, options, [&](result<prepared_archive<handle>> const& archive) {
            if(!archive)
                return not_saved(archive.error());
            auto out = make_sink(*archive, static_cast<write_options&>(options));
            return out ? write(*archive, *out, options) : not_saved(out.error());
        });
    }

    /// Return the choices that this saver is compiled with, and its observer.
    Policy& policy() noexcept { return policy_; }

private:
    // Lays each image out as soon as it is found, and lets it go.
    result<prepared_archive<handle>> prepare_each(names const& requested, save_options const& options)
    {
        auto laid_out = policy_.layout.begin_plan();
        detail::layers_had had(options.have);
        auto const add = [&](selection&& s) {
            had.look(s);
            return laid_out.add(std::move(s));
        };
        auto leases = in_span(activity::resolve, [&] {
            return tarexport::resolve_each<keeps_manifests<layout>>(*store_, requested, options, policy_.observer, add, options.stop);
        });
        if(!leases)
            return leases.error();
        auto p = in_span(activity::make_plan, [&] {
            auto full = std::move(laid_out).finish();
            return full ? tarexport::leave_out(std::move(*full), std::move(had).result()) : full;
        });
        if(!p)
            return p.error();
        return prepared_archive<handle>{std::move(*p), std::move(*leases)};
    }

    result<prepared_archive<handle>> prepare_all(names const& requested, save_options const& options)
    {
        auto resolved = in_span(activity::resolve, [&] {
            return tarexport::resolve<keeps_manifests<layout>>(*store_, requested, options, policy_.observer, options.stop);
        });
        if(!resolved)
            return resolved.error();
        auto p = in_span(activity::make_plan, [&] {
            auto const others = tarexport::layers_to_leave_out(resolved->images, options.have);
            auto full = policy_.layout.lay_out(std::move(resolved->images));
            return full ? tarexport::leave_out(std::move(*full), others) : full;
        });
        if(!p)
            return p.error();
        return prepared_archive<handle>{std::move(*p), std::move(resolved->leases)};
    }

    auto in_span(activity what, auto run)
    {
        detail::activity_span span(policy_.observer, what);
        auto done = run();
        if(done)
            span.succeeded();
        return done;
    }

    template<class Next>
    save_report in_save(names const& requested, save_options const& options, Next next)
    {
        auto const text = detail::text_of(requested);
        std::array<attribute, 1> const about{{{"names", text}}};
        detail::activity_span span(policy_.observer, activity::save, about);
        auto const report = next(prepare(requested, options));
        if(report.ok())
            span.succeeded();
        return report;
    }

    save_report not_saved(failure why)
    {
        save_report report;
        report.reason = std::move(why);
        detail::tell_end(policy_.observer, report);
        return report;
    }

    using layout = std::remove_cvref_t<decltype((std::declval<Policy&>().layout))>;

    Store const* store_;
    Policy policy_;
};

namespace detail {

// The type itself; if it does not model its concept, the compiler says why.
template<class Store>
using explained_store = std::enable_if_t<tarexport::explain_store<Store>(), Store>;
template<class Policy>
using explained_policy = std::enable_if_t<tarexport::explain_saver_policy<Policy>(), Policy>;

} // namespace detail

template<class Store>
saver(Store const&) -> saver<detail::explained_store<Store>>;

template<class Store, class Policy>
saver(Store const&, Policy) -> saver<detail::explained_store<Store>, detail::explained_policy<Policy>>;

/** Save images of a store to a sink, as `docker save` would.

    @throws save_error What failed, and on what. The sink was aborted then, if it is one that commits.
    @return How many bytes and layers there are, and the archive's identity.

    @par Example
    @code
    tarexport::oci_layout_store store{"/srv/images"};
    tarexport::file_sink out{"app.tar"};
    tarexport::save(store, tarexport::names("app:1.0"), out);
    @endcode
*/
template<class Store, class Sink>
save_report save(Store const& store, names const& requested, Sink&& out, save_options const& options = {})
{
    constexpr bool has_store = tarexport::explain_store<Store>();
    constexpr bool has_sink = tarexport::explain_sink<std::remove_reference_t<Sink>>();
    if constexpr(has_store && has_sink) {
        auto report = saver<Store>(store).save(requested, out, options);
        if(report.reason.code.failed())
            boost::throw_exception(save_error(report.reason));
        return report;
    }
}

} // namespace tarexport

#endif
