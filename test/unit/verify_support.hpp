//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Archives in memory, whole ones and such with something wrong, and what is found out about them.

#ifndef TAREXPORT_TEST_VERIFY_SUPPORT_HPP
#define TAREXPORT_TEST_VERIFY_SUPPORT_HPP

#include <tarexport/saver.hpp>
#include <tarexport/sink/memory.hpp>
#include <tarexport/store/memory.hpp>
#include <tarexport/tar_builder.hpp>
#include <tarexport/tar_header.hpp>
#include <tarexport/verify.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace verifying {

using namespace tarexport;

// Gives at most `limit` bytes a call, and an error at position `fails_at`.
struct text_source {
    std::string_view data;
    std::size_t limit = 4096;
    std::size_t fails_at = std::string_view::npos;
    std::size_t at = 0;

    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        if(at >= fails_at) {
            ec = make_error_code(boost::system::errc::io_error);
            return 0;
        }
        auto const n = std::min({into.size(), limit, data.size() - at});
        std::memcpy(into.data(), data.data() + at, n);
        at += n;
        return n;
    }
};

inline verification verified(std::string_view archive, verify_options const& how = {}, std::size_t limit = 4096)
{
    text_source source{archive, limit};
    return verify_archive(source, how).value();
}

inline bool has(verification const& v, severity level, finding_code code)
{
    return std::ranges::any_of(v.findings, [&](auto const& f) { return f.level == level && f.code == code; });
}

inline bool has(verification const& v, finding_code code) { return has(v, severity::error, code); }

// The codes, for a message.
inline std::string told(verification const& v)
{
    std::string s;
    for(auto const& f : v.findings)
        s += std::string(name_of(f.code)) + " " + f.subject + ": " + f.sentence + "\n";
    return s;
}

inline std::string answers(verification const& v)
{
    std::string s;
    for(auto const& d : v.verdicts)
        s += name_of(d.loads).front();
    return s;
}

// A tar archive whose entries may be whatever a header can hold.
class archive {
public:
    archive& add(std::string name, std::string data = {}, char type = tar_type::regular, std::string link = {})
    {
        tar_header h;
        h.name = std::move(name);
        h.typeflag = type;
        h.link_name = std::move(link);
        h.size = static_cast<std::int64_t>(data.size());
        h.mode = 0644;
        text_ += encode(h, tar_format::automatic).value();
        text_ += data;
        text_.append(static_cast<std::size_t>(padding(data.size())), '\0');
        return *this;
    }

    std::string end() const { return text_ + std::string(end_of_archive_size, '\0'); }

private:
    std::string text_;
};

// What a docker archive is made of.
struct parts {
    std::vector<std::string> layers = {tar_builder().add_file("a", "first").finish().value(), tar_builder().add_file("b", "second").finish().value()};
    std::vector<std::string> stored = layers;
    std::string config = config_of(layers);
    std::string tag = "app:1.0";

    static std::string config_of(std::vector<std::string> const& layers)
    {
        std::string ids;
        for(auto const& l : layers)
            ids += (ids.empty() ? "\"" : ",\"") + digest_of(std::string_view(l)).str() + "\"";
        return R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[)" + ids + "]}}";
    }

    std::string list() const
    {
        std::string paths;
        for(std::size_t n = 0; n != stored.size(); ++n)
            paths += std::string(n == 0 ? "" : ",") + "\"" + std::to_string(n) + "/layer.tar\"";
        return R"([{"Config":"c.json","RepoTags":[")" + tag + R"("],"Layers":[)" + paths + "]}]";
    }

    archive entries() const
    {
        archive a;
        a.add("c.json", config);
        for(std::size_t n = 0; n != stored.size(); ++n)
            a.add(std::to_string(n) + "/layer.tar", stored[n]);
        a.add("manifest.json", list());
        return a;
    }
};

// What docker_layout writes of an image of two layers.
inline std::string hybrid()
{
    memory_store store;
    auto const a = store.add_layer(tar_builder().add_file("a", "first").finish().value());
    auto const b = store.add_layer(tar_builder().add_file("b", "second").finish().value());
    store.add_image(image_config{.target = {"linux", "amd64", {}, {}, {}}, .cmd = {"app"}}, {a, b}, {"app:1.0"}).value();
    memory_sink out;
    if(auto const report = saver(store).save(names("app:1.0"), out); !report.ok())
        throw save_error(report.reason);
    return std::string(out.bytes());
}

} // namespace verifying

#endif
