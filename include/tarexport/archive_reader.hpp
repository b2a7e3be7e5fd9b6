//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ARCHIVE_READER_HPP
#define TAREXPORT_ARCHIVE_READER_HPP

#include <tarexport/action.hpp>
#include <tarexport/bytes.hpp>
#include <tarexport/detail/layer_driver.hpp>
#include <tarexport/error.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/layer.hpp>
#include <tarexport/plan.hpp>
#include <tarexport/saver.hpp>
#include <tarexport/serializer.hpp>
#include <tarexport/write_options.hpp>

#include <boost/assert.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <utility>
#include <variant>

namespace tarexport {

namespace detail {

// Performs the actions of a serializer until there are bytes to write, and lends those.
template<class Hashes, layer_handle Handle>
class pull_driver {
public:
    pull_driver(plan const& p, std::span<Handle const> leases, write_options const& options)
        : stop_(options.stop)
        , serializer_(p, options.range, options.verification)
        , layers_(p, leases, serializer_, options.buffer_size, options.jobs)
    {
        if(options.sum)
            sum_.start(digest_algorithm::sha256);
        take(serializer_.start());
    }

    // The next bytes, some of them, until they have passed; none at the end and after a failure.
    bytes_view next()
    {
        guarded([this] {
            while(!std::holds_alternative<done>(next_)) {
                if(stop_.stop_requested() && serializer_.may_stop())
                    take(serializer_.failed({error::cancelled, {}, {}}));
                else if(std::holds_alternative<write_pieces>(next_))
                    break;
                else
                    take(std::visit([this](auto const& a) { return this->perform(a); }, next_));
            }
        });
        auto const* write = std::get_if<write_pieces>(&next_);
        return write == nullptr ? bytes_view() : write->pieces.front();
    }

    // The first of those bytes have gone.
    void passed(std::size_t n)
    {
        guarded([this, n] {
            sum_.update(std::get<write_pieces>(next_).pieces.front().first(n));
            take(serializer_.written(n));
        });
    }

    save_report report() const
    {
        auto r = serializer_.report();
        r.sum = result_;
        return r;
    }

    failure const& reason() const noexcept { return serializer_.report().reason; }
    std::uint64_t total() const noexcept { return serializer_.report().total; }

private:
    // What was read when something threw may be lost: there is no going on.
    template<class Work>
    void guarded(Work work)
    {
        try {
            work();
        }
        catch(...) {
            take(serializer_.failed({error::exception_thrown, {}, {}}));
            throw;
        }
    }

    void take(action a)
    {
        next_ = std::move(a);
        if(std::holds_alternative<done>(next_) && sum_.running())
            result_ = sum_.result();
    }

    template<class Action>
    action perform(Action const& a)
    {
        if constexpr(requires { layers_.perform(a); })
            return layers_.perform(a);
        else
            return serializer_.not_copied(); // which is not asked for: no source is offered for copies
    }

    std::stop_token stop_;
    serializer serializer_;
    layer_driver<Hashes, Handle> layers_;
    typename Hashes::hasher sum_;
    std::optional<digest> result_;
    action next_;
};

} // namespace detail

/** The bytes of an archive, or of a range of one, taken when the caller wants them.

    Reads the layers when their bytes are asked for, in the thread that asks; it may be another one each time. Large layers are read
    and hashed in two further threads, for as long as they are open, unless `jobs` is 1: the better choice for a server with many
    readers that wait.

    A source of bytes like that of a layer: models `layer_source` and `has_reason`.

    @par Example
    @code
    auto archive = std::make_shared<tarexport::prepared_archive<handle> const>(saver.prepare(names).value());
    tarexport::archive_reader reader(archive);              // keeps the archive: plan and leases
    while(std::size_t const n = reader.read_some(buffer, ec))
        send(buffer.first(n));
    if(ec)                                                  // what was sent is not the archive
        drop_connection();
    @endcode

    @tparam Hashes The `hash_set` that verifies.

    @par Exception Safety
    What sources and hashes throw passes through. The archive has failed then: later calls give `exception_thrown`.

    @par Thread Safety
    None; one thread at a time. Several readers may share an archive.
*/
template<layer_handle Handle, class Hashes = hash_set<sha256, sha384, sha512>>
class archive_reader {
public:
    /// Construct from a plan and the leases that its layers refer to by number, which outlive this object.
    archive_reader(plan const& p, std::span<Handle const> leases, write_options const& options = {})
        : driver_(std::make_unique<driver>(p, leases, options))
    {
    }

    /// Construct from an archive that is shared: it lives as long as one of its readers, or longer.
    explicit archive_reader(std::shared_ptr<prepared_archive<Handle> const> archive, write_options const& options = {})
        : archive_(std::move(archive))
        , driver_(std::make_unique<driver>(archive_->contents, std::span<Handle const>(archive_->leases), options))
    {
    }

    archive_reader(archive_reader&&) noexcept = default;

    // The driver refers to the archive, so it goes first.
    archive_reader& operator=(archive_reader&& other) noexcept
    {
        driver_ = std::move(other.driver_);
        archive_ = std::move(other.archive_);
        lent_ = std::exchange(other.lent_, 0);
        return *this;
    }

    ~archive_reader() = default;

    /// Return the number of bytes of the range: what a `Content-Length` says. 0 if the range is not one of the archive.
    std::uint64_t size() const noexcept { return driver_->total(); }

    /** Take the next bytes: as many as there is room for, fewer only before the end or an error.

        @return Their number. 0 at the end; or 0 and an error, now and for ever: what was taken is not the archive, and must not be
        passed on as if it were.
        @par Preconditions
        `into` is not empty.
    */
    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        BOOST_ASSERT(!into.empty());
        std::size_t n = 0;
        give_back();
        while(n != into.size()) {
            auto const bytes = driver_->next();
            if(bytes.empty())
                break;
            auto const some = std::min(bytes.size(), into.size() - n);
            std::copy_n(bytes.begin(), some, into.begin() + static_cast<std::ptrdiff_t>(n));
            driver_->passed(some);
            n += some;
        }
        ec = n == 0 ? driver_->reason().code : error_code();
        return n;
    }

    /** Borrow the next bytes instead of copying them: 1 to `max` of them, valid until the next call or as long as this object.

        @return The bytes. None at the end; or none and an error, as above.
        @par Preconditions
        `max` is not 0.
    */
    bytes_view borrow_some(std::size_t max, error_code& ec)
    {
        BOOST_ASSERT(max != 0);
        give_back();
        auto const bytes = driver_->next();
        lent_ = std::min(max, bytes.size());
        ec = bytes.empty() ? driver_->reason().code : error_code();
        return bytes.first(lent_);
    }

    /// Return how it went so far. `report().ok()` is true when all bytes were taken; a sum is there when a call has met the end.
    save_report report() const
    {
        auto r = driver_->report();
        r.bytes += lent_;
        return r;
    }

    /// Return why it ended early; its code is clear if it did not.
    failure const& reason() const noexcept { return driver_->reason(); }

private:
    using driver = detail::pull_driver<Hashes, Handle>;

    void give_back()
    {
        if(lent_ != 0)
            driver_->passed(std::exchange(lent_, 0));
    }

    std::shared_ptr<prepared_archive<Handle> const> archive_;
    std::unique_ptr<driver> driver_; // does not move when this does: what it lends stays where it is
    std::size_t lent_ = 0;
};

} // namespace tarexport

#endif
