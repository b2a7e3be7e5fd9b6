//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_DETAIL_ASYNC_LAYERS_HPP
#define TAREXPORT_DETAIL_ASYNC_LAYERS_HPP

#include <tarexport/action.hpp>
#include <tarexport/async_layer.hpp>
#include <tarexport/bytes.hpp>
#include <tarexport/detail/caught.hpp>
#include <tarexport/detail/layer_driver.hpp>
#include <tarexport/error.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/serializer.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <variant>

namespace tarexport::detail {

/* Performs the actions on layers for a driver that may read a layer before it is asked to, into the other of two buffers.

   So one buffer is filled while the other is written. Used by one thing under way at a time, but for `fill`.
*/
template<class Hashes, layer_handle Handle>
class async_layers {
public:
    using source = source_of<Handle>;

    async_layers(plan const& p, std::span<Handle const> leases, serializer& s, std::size_t buffer_size)
        : serializer_(s)
        , driver_(p, leases, s, buffer_size, 1)
        , buffer_size_(std::max<std::size_t>(buffer_size, 1))
    {
    }

    /// @param copies Whether `copy_extent` can be performed.
    action perform(open_layer const& a, bool copies)
    {
        error_ = {};
        left_ = 0;
        ready_ = probed_ = false;
        return driver_.perform(a, copies);
    }

    /// Precondition: `ready()`.
    action perform(read_layer const& a)
    {
        ready_ = false;
        if(thrown_)
            return serializer_.failed(blamed(std::move(*thrown_)));
        if constexpr(async_layer_source<source>)
            driver_.hash(portion_);
        left_ = a.max - portion_.size();
        return portion_.empty() ? driver_.answer({}, error_) : driver_.answer(portion_, {});
    }

    /// Precondition: not `wants_async_read(a)`.
    action perform(close_layer const& a)
    {
        left_ = 0;
        auto next = probed_ ? driver_.close(more_, error_) : driver_.perform(a);
        // The end of an extent is copied and read when its source has been found right.
        if(!std::holds_alternative<done>(next) && !std::holds_alternative<copy_extent>(next) && !std::holds_alternative<read_extent>(next))
            release();
        return next;
    }

    action perform(read_extent const& a) { return driver_.perform(a); }

    /// Return whether the next bytes were read.
    bool ready() const noexcept { return ready_; }

    /// Return how many bytes will be asked for that can be read now.
    std::size_t left() const noexcept { return ready_ || async_layer_source<source> ? 0 : left_; }

    /** Read the next bytes, 1 to `max`: a buffer full, since sources may give little at a time, and going from one executor to another
        takes long.
        @param stopping Asked after each read.
    */
    template<class Stopping>
    void fill(std::size_t max, Stopping stopping) noexcept
    {
        portion_ = {};
        try {
            auto const into = next_buffer().first(std::min(max, buffer_size_));
            std::size_t n = 0;
            while(n != into.size() && !error_.failed()) {
                auto const some = driver_.opened()->read_some(into.subspan(n), error_);
                n += some;
                if(some == 0 || stopping())
                    break;
            }
            portion_ = into.first(n);
            driver_.hash(portion_);
        }
        catch(...) {
            thrown_ = caught();
        }
        ready_ = true;
    }

    /// Return whether the source is to be read asynchronously before an action can be performed.
    bool wants_async_read(action const& next) const noexcept
    {
        if constexpr(async_layer_source<source>) {
            auto const* close = std::get_if<close_layer>(&next);
            return (std::holds_alternative<read_layer>(next) && !ready_) || (close != nullptr && close->at_end && !probed_);
        }
        else
            return false;
    }

    /// Return where that read goes to.
    boost::asio::mutable_buffer async_buffer(action const& next)
    {
        auto const* a = std::get_if<read_layer>(&next);
        if(a == nullptr)
            return {probe_.data(), probe_.size()};
        auto const into = next_buffer().first(std::min(a->max, buffer_size_));
        portion_ = into;
        return {into.data(), into.size()};
    }

    /// Take the outcome of that read.
    void was_read(action const& next, error_code const& ec, std::size_t n)
    {
        error_ = ec == boost::asio::error::eof ? error_code() : ec;
        if(std::holds_alternative<read_layer>(next)) {
            portion_ = portion_.first(n);
            ready_ = true;
        }
        else {
            more_ = n != 0;
            probed_ = true;
        }
    }

    /// Return the source, if one is open.
    std::optional<source>& opened() noexcept { return driver_.opened(); }

    /// Close the source.
    void release() noexcept { opened().reset(); }

    /// Return a failure that says on which layer, if it said nothing.
    failure blamed(failure why) const
    {
        if(why.subject.empty())
            why.subject = driver_.called();
        return why;
    }

private:
    std::span<std::byte> next_buffer()
    {
        current_ ^= 1;
        auto& memory = buffers_[current_];
        if(!memory)
            memory = std::make_unique_for_overwrite<std::byte[]>(buffer_size_);
        return {memory.get(), buffer_size_};
    }

    serializer& serializer_;
    layer_driver<Hashes, Handle> driver_;
    std::size_t buffer_size_;
    std::array<std::unique_ptr<std::byte[]>, 2> buffers_; // the other one may be on its way out
    unsigned current_ = 0;
    bytes_view portion_;             // what was read last,
    error_code error_;               // and what the source said after that
    std::optional<failure> thrown_;
    bool ready_ = false;
    std::size_t left_ = 0;
    std::array<std::byte, 1> probe_{};
    bool probed_ = false;
    bool more_ = false;
};

} // namespace tarexport::detail

#endif
