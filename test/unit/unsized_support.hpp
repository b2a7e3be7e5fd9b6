//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_TEST_UNIT_UNSIZED_SUPPORT_HPP
#define TAREXPORT_TEST_UNIT_UNSIZED_SUPPORT_HPP

#include <tarexport/store/memory.hpp>
#include <tarexport/testing/sink.hpp>
#include <tarexport/unsized.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

// A store that knows its images but not the sizes of its layers, and what can go wrong with one.

namespace unsized_support {

using namespace std::string_view_literals;

// What happens at the n-th opening of any layer, counted from 1.
struct behaviour {
    std::function<void(std::size_t opening, std::string& bytes)> change = [](std::size_t, std::string&) {};
    tarexport::error_code open_error;
    tarexport::error_code read_error; // after all the bytes
    std::optional<tarexport::digest> told;
    std::size_t openings = 0;
    int handles = 0;
    int sources = 0;
};

// Counts as one for as long as it lives.
class count {
public:
    explicit count(int& n) : n_(&n) { ++n; }
    count(count&& other) noexcept : n_(std::exchange(other.n_, nullptr)) {}
    count& operator=(count&& other) noexcept
    {
        std::swap(n_, other.n_);
        return *this;
    }
    ~count()
    {
        if(n_)
            --*n_;
    }

private:
    int* n_;
};

class source {
public:
    source(std::string bytes, behaviour& b) : bytes_(std::move(bytes)), error_(b.read_error), count_(b.sources) {}

    std::size_t read_some(std::span<std::byte> into, tarexport::error_code& ec)
    {
        auto const n = std::min({into.size(), bytes_.size() - position_, std::size_t{4999}});
        if(n == 0)
            ec = error_;
        std::ranges::copy(tarexport::to_bytes(bytes_).subspan(position_, n), into.begin());
        position_ += n;
        return n;
    }

    std::string subject() const { return "generator"; }

private:
    std::string bytes_;
    std::size_t position_ = 0;
    tarexport::error_code error_;
    count count_;
};

class handle {
public:
    handle(std::string bytes, behaviour& b) : bytes_(std::move(bytes)), behaviour_(&b), count_(b.handles) {}

    tarexport::result<source> open() const
    {
        if(behaviour_->open_error.failed())
            return tarexport::failure{behaviour_->open_error, "generator", "opening"};
        auto bytes = bytes_;
        behaviour_->change(++behaviour_->openings, bytes);
        return source(std::move(bytes), *behaviour_);
    }

    tarexport::digest id() const { return behaviour_->told.value_or(tarexport::digest()); }

private:
    std::string bytes_;
    behaviour* behaviour_;
    count count_;
};

class store {
public:
    store()
    {
        using tarexport::memory_store;
        auto const a = images_.add_layer(tarexport::detail::sample_bytes(100'000));
        auto const b = images_.add_layer("small");
        auto const c = images_.add_layer<tarexport::sha512>("other algorithm");
        tarexport::image_config config;
        config.target = {"linux", "amd64", {}, {}, {}};
        id = images_.add_image(config, {a, b, images_.add_layer(""), c}, {"app:1.0"}).value();
        config.cmd = {"x"};
        images_.add_image(config, {b}, {"small:1"}).value();
    }

    tarexport::result<tarexport::image> load(tarexport::digest const& i) const { return images_.load(i); }
    tarexport::result<tarexport::digest> search(std::string_view prefix) const { return images_.search(prefix); }
    tarexport::result<tarexport::digest> lookup(tarexport::reference const& r) const { return images_.lookup(r); }
    tarexport::result<std::vector<tarexport::reference>> by_name(tarexport::reference const& r) const { return images_.by_name(r); }
    tarexport::result<std::vector<tarexport::listed_image>> list() const { return images_.list(); }

    tarexport::result<handle> layer(tarexport::image const& i, std::size_t n) const
    {
        auto lease = images_.layer(i, n);
        if(!lease)
            return lease.error();
        std::string bytes(static_cast<std::size_t>(lease->info().size), '\0');
        auto s = lease->open(0).value();
        tarexport::error_code ec;
        for(std::size_t at = 0; at != bytes.size();)
            at += s.read_some(std::as_writable_bytes(std::span(bytes).subspan(at)), ec);
        return handle(std::move(bytes), *state);
    }

    tarexport::image image() const { return load(id).value(); }

    tarexport::digest id;
    std::shared_ptr<behaviour> state = std::make_shared<behaviour>();

private:
    tarexport::memory_store images_;
};

static_assert(tarexport::unsized_layer_store<store> && !tarexport::layer_store<store>);

} // namespace unsized_support

#endif
