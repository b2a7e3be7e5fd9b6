//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_OBSERVER_TRACE_HPP
#define TAREXPORT_OBSERVER_TRACE_HPP

#include <tarexport/detail/go_json_write.hpp>
#include <tarexport/observer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <variant>

namespace tarexport {

/** An observer that writes its spans and events as Chrome trace events, for a trace viewer to draw.

    The destructor writes the last bracket; the viewers also read a file without it. Borrows the stream.
    @see https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU (JSON array format)
*/
class trace {
public:
    /// Construct for a stream that outlives this object.
    explicit trace(std::ostream& out) : out_(out), start_(std::chrono::steady_clock::now()) { out_ << "[\n"; }

    trace(trace const&) = delete;
    trace& operator=(trace const&) = delete;

    ~trace()
    {
        try {
            out_ << "\n]\n" << std::flush;
        }
        catch(...) {
        }
    }

    void operator()(event const& e) noexcept
    {
        try {
            std::visit([this](auto const& x) { write(x); }, e);
        }
        catch(...) {
            // A trace that cannot be written must not end the save.
        }
    }

private:
    void write(span_begun const& s) { put(name_of(s.what), "B", s.attributes, s.worker); }

    void write(span_ended const& s)
    {
        attribute const ok[] = {{"ok", s.ok ? "true" : "false"}};
        put(name_of(s.what), "E", ok, s.worker);
    }

    void write(image_resolved const& i)
    {
        auto const id = i.id.str(), chain = i.chain.str();
        std::string tags;
        for(auto const& t : i.tags)
            tags += (tags.empty() ? "" : " ") + t;
        attribute const about[] = {{"image.id", id}, {"image.chain_id", chain}, {"image.tags", tags}};
        put("image resolved", "i", about);
    }

    void write(archive_planned const& p)
    {
        auto const size = std::to_string(p.size), etag = p.etag.str();
        attribute const about[] = {{"size", size}, {"etag", etag}};
        put("archive planned", "i", about);
    }

    void write(entry_begun const&) {}
    void write(bytes_written const&) {}

    void write(entry_done const& d)
    {
        auto const id = d.id.str();
        attribute const about[] = {{"path", d.path}, {"digest", id}, {"verified", d.verified ? "true" : "false"}};
        put("entry done", "i", about);
    }

    void write(archive_saved const& s)
    {
        auto const size = std::to_string(s.bytes);
        attribute const about[] = {{"bytes", size}};
        put("archive saved", "i", about);
    }

    void write(save_failed const& f)
    {
        auto const why = message(f.reason);
        attribute const about[] = {{"reason", why}};
        put("save failed", "i", about);
    }

    void put(std::string_view name, std::string_view phase, std::span<attribute const> about, std::size_t worker = 0)
    {
        auto const now = std::chrono::steady_clock::now() - start_;
        line_.clear();
        detail::json_writer w(line_);
        w.begin_object();
        w.key("name");
        w.string(name);
        w.key("ph");
        w.string(phase);
        w.key("ts");
        w.number(static_cast<double>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()) / 1000);
        w.key("pid");
        w.number(1);
        w.key("tid");
        w.number(static_cast<std::int64_t>(worker) + 1);
        if(phase == "i") {
            w.key("s");
            w.string("t");
        }
        w.key("args");
        w.begin_object();
        for(auto const& a : about) {
            w.key(a.key);
            w.string(a.value);
        }
        w.end_object();
        w.end_object();
        if(!first_)
            out_ << ",\n";
        first_ = false;
        out_ << line_;
    }

    std::ostream& out_;
    std::chrono::steady_clock::time_point start_;
    std::string line_;
    bool first_ = true;
};

static_assert(observer<trace>);

} // namespace tarexport

#endif
