//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_CLI_SAVE_FROM_HPP
#define TAREXPORT_CLI_SAVE_FROM_HPP

#include "compress.hpp"
#include "have.hpp"
#include "layouts.hpp"
#include "output.hpp"
#include "resume.hpp"

#include <tarexport/names.hpp>
#include <tarexport/saver.hpp>
#include <tarexport/sink/fd.hpp>
#include <tarexport/sink/file.hpp>

#include <cstdint>
#include <stop_token>
#include <string>
#include <utility>

// Writing an archive of images from one kind of store. Each kind is compiled in a file of its own: with all in one, that would take minutes.

namespace cli {

// Goes back to where the partial file stops being that of the archive.
template<class Handle>
tarexport::result<void> trust_only_what_is_right(
    tarexport::prepared_archive<Handle> const& archive, tarexport::file_sink& out, std::stop_token const& stop)
{
    auto const right = right_up_to(archive, out.subject() + ".part", out.offset(), stop);
    if(!right)
        return right.error();
    tarexport::error_code ec;
    if(*right < out.offset())
        out.cut(*right, ec);
    return ec ? tarexport::result<void>(tarexport::failure{ec, out.subject(), "cutting the partial file"}) : tarexport::result<void>();
}

template<class Handle>
tarexport::result<tarexport::file_sink> open_file(
    po::variables_map const& values, tarexport::prepared_archive<Handle> const& archive, tarexport::write_options& how)
{
    auto const& plan = archive.contents;
    auto const path = values["output"].as<std::string>();
    tarexport::file_sink_options options;
    options.sync = values.count("no-sync") == 0;
    options.keep_partial = values.count("keep-partial") != 0 || values.count("resume") != 0;
    options.archive_size = plan.size();
    bool const resume = cli::resumes(values);
    auto out = resume ? tarexport::file_sink::resume(path, plan.etag(), options) : tarexport::file_sink::create(path, options);
    if(!out)
        return out;
    check_trace(values);
    if(resume)
        if(auto trusted = trust_only_what_is_right(archive, *out, how.stop); !trusted)
            return trusted.error();
    cli::tell_if_anew(values, out->offset() != 0);
    if(resume) {
        how.range.first = out->offset();
        if(how.verification == tarexport::verify::covered)
            how.verification = tarexport::verify::whole;
    }
    // How small what is compressed will be is not known, nor how much of an aligned archive will be shared with the store.
    bool const known = values.count("compress") == 0 && values.count("align") == 0;
    if(auto space = check_space(path, known ? plan.size() - how.range.first : 0); !space)
        return space.error();
    if(known)
        if(auto reserved = out->reserve(plan.size()); !reserved)
            return reserved.error();
    if(auto remembered = out->remember(plan.etag()); !remembered)
        return remembered.error();
    return out;
}

/// What goes into an archive, as the options say. @throws usage_error, std::runtime_error
inline tarexport::save_options contents(po::variables_map const& values)
{
    tarexport::save_options how;
    static_cast<tarexport::content_choice&>(how) = choice(values);
    how.have = what_they_have(values);
    return how;
}

template<class Store>
tarexport::result<tarexport::plan> plan_from(Store const& store, tarexport::names const& requested, po::variables_map const& values)
{
    auto const how = contents(values);
    display nobody; // as a save has it, so that both are compiled once
    return with_layout(values, [&]<class Layout>(Layout const& layout) {
        return tarexport::saver(store, tool_policy<Layout, display&>{layout, nobody}).make_plan(requested, how);
    });
}

/// Save images as the options say. @throws usage_error, std::runtime_error
template<class Store>
tarexport::save_report save_from(Store const& store, tarexport::names const& requested, po::variables_map const& values,
    stop_on_signal& signals, display& watching)
{
    auto how = contents(values);
    how.sum = values.count("digest") != 0;
    how.stop = signals.token();
    how.jobs = jobs(values);
    how.verification = values.count("no-verify") != 0 ? tarexport::verify::never : tarexport::verify::covered;
    return with_layout(values, [&]<class Layout>(Layout const& layout) {
        tarexport::saver saver(store, tool_policy<Layout, display&>{layout, watching});
        bool const to_stdout = values["output"].as<std::string>() == "-";
        auto const make_file = [&](auto const& archive, tarexport::write_options& o) {
            if(!signals.begin_file())
                return tarexport::result<tarexport::file_sink>(tarexport::failure{tarexport::error::cancelled, {}, {}});
            return open_file(values, archive, o);
        };
        if(values.count("compress") != 0)
            return saver.save_to(requested, how, [&](auto const& archive, tarexport::write_options& o) {
                using made = tarexport::result<compressed_output>;
                auto const format = compression(values);
                if(to_stdout)
                    return made(compressed_output(any_output(standard_output()), format, how.jobs));
                auto file = make_file(archive, o);
                return file ? made(compressed_output(any_output(std::move(*file)), format, how.jobs)) : made(file.error());
            });
        if(to_stdout) {
            if(values.count("offset") != 0)
                how.range.first = static_cast<std::uint64_t>(values["offset"].as<std::int64_t>());
            auto out = standard_output();
            return saver.save(requested, out, how);
        }
        return saver.save_to(requested, how, make_file);
    });
}

} // namespace cli

#endif
