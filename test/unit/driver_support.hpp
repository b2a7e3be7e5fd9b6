//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// What drivers are tried with: archives of a few entries, and layers that chop, fail and throw.

#ifndef TAREXPORT_TEST_DRIVER_SUPPORT_HPP
#define TAREXPORT_TEST_DRIVER_SUPPORT_HPP

#include "script.hpp"

#include <tarexport/plan_builder.hpp>
#include <tarexport/testing/sink.hpp>
#include <tarexport/write.hpp>

#include <cstring>
#include <functional>
#include <span>

namespace driver_tests {

using namespace tarexport;

using entries = std::vector<std::pair<std::string, std::string>>;

// How the layers of a test behave. `calls` counts opens and reads over all of them.
struct behaviour {
    std::size_t fail_at = 0;   // the call that fails, from 1 on
    bool throws = false;       // by an exception
    std::size_t calls = 0;
    std::size_t read_limit = 1000;
    std::function<void()> on_read;
};

struct tag_source {};
struct tag_handle {};

class test_source : testing::counted<tag_source> {
public:
    test_source(std::string_view text, behaviour& b) : rest_(text), how_(&b) {}

    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        if(how_->on_read)
            how_->on_read();
        if(++how_->calls == how_->fail_at) {
            if(how_->throws)
                throw std::runtime_error("source");
            ec = make_error_code(boost::system::errc::io_error);
            return 0;
        }
        ec.clear();
        auto const n = std::min({into.size(), rest_.size(), how_->read_limit});
        std::memcpy(into.data(), rest_.data(), n);
        rest_.remove_prefix(n);
        return n;
    }

    std::string subject() const { return "the source"; }

private:
    std::string_view rest_;
    behaviour* how_;
};

class test_handle : testing::counted<tag_handle> {
public:
    test_handle(std::string text, behaviour& b) : text_(std::move(text)), how_(&b)
    {
        info_.id = digest_of(text_);
        info_.size = text_.size();
    }

    descriptor const& info() const noexcept { return info_; }

    result<test_source> open(std::uint64_t offset) const
    {
        if(++how_->calls == how_->fail_at) {
            if(how_->throws)
                throw std::runtime_error("open");
            return failure{make_error_code(boost::system::errc::no_such_file_or_directory), "the layer's file", {}};
        }
        return test_source(std::string_view(text_).substr(offset), *how_);
    }

private:
    std::string text_;
    descriptor info_;
    behaviour* how_;
};

static_assert(layer_handle<test_handle>);

inline std::string filled(std::size_t n)
{
    std::string s(n, 'x');
    for(std::size_t i = 0; i < n; i += 7)
        s[i] = static_cast<char>('a' + i % 26);
    return s;
}

// Ends with a layer, one time with a padded one and one time with an aligned one.
inline std::vector<entries> const lists = {
    {{"d/", ""}, {"L1", filled(700)}, {"L2", ""}, {"L3", filled(5000)}, {"doc", filled(5000)}, {"L4", filled(512)}, {"x", "text"}},
    {{"d/", ""}, {"oci-layout", "x"}, {"L1", filled(1024)}},
    {{"L1", filled(2500)}},
};

struct archive {
    explicit archive(entries const& list, behaviour& how) : contents(make(list)), bytes(script::archive_of(list))
    {
        for(auto const& text : script::layers_of(list))
            leases.emplace_back(text, how);
    }

    static plan make(entries const& list)
    {
        plan_builder b;
        std::uint32_t lease = 0;
        for(auto const& [name, content] : list) {
            if(name.ends_with('/'))
                b.add_directory(name, 0755, 0);
            else if(name.starts_with('L'))
                b.add_layer({digest_of(content), {}, lease++, content.size()}, 0644, 1, name);
            else
                b.add_document(name, content, 0644, 2);
        }
        return std::move(b).finish().value();
    }

    template<class Sink, class O = no_observer>
    save_report write_to(Sink& out, write_options const& options = {}, O&& o = {}) const
    {
        return write(contents, std::span<test_handle const>(leases), out, options, o);
    }

    plan contents;
    std::string bytes;
    std::vector<test_handle> leases;
};

inline bool nothing_held()
{
    return testing::counted<tag_source>::alive() == 0;
}

} // namespace driver_tests

#endif
