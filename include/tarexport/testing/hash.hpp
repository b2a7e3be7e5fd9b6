//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_TESTING_HASH_HPP
#define TAREXPORT_TESTING_HASH_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/digest.hpp>
#include <tarexport/hash.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarexport::detail {

template<digest_algorithm A>
digest reference_digest(std::string_view text)
{
    return tarexport::digest_of<evp_hash<A>>(text);
}

// What another implementation says, of an algorithm that is known at run time.
inline digest reference_digest(digest_algorithm a, std::string_view text)
{
    switch(a) {
    case digest_algorithm::sha256: return detail::reference_digest<digest_algorithm::sha256>(text);
    case digest_algorithm::sha384: return detail::reference_digest<digest_algorithm::sha384>(text);
    case digest_algorithm::sha512: return detail::reference_digest<digest_algorithm::sha512>(text);
    }
    return {};
}

// The digest of "abc", as FIPS 180-4 has it: so that not all depends on the other implementation.
constexpr std::string_view digest_of_abc(digest_algorithm a) noexcept
{
    switch(a) {
    case digest_algorithm::sha256: return "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    case digest_algorithm::sha384:
        return "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7";
    case digest_algorithm::sha512:
        return "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
               "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
    }
    return {};
}

template<hash_algorithm H>
class hash_check {
public:
    std::vector<std::string> run()
    {
        algorithm_ = tarexport::find_algorithm(H::name);
        if(!algorithm_) {
            broken_.push_back("the name is that of no registered algorithm: " + std::string(H::name));
            return std::move(broken_);
        }
        for(std::size_t i = 0; i != text_.size(); ++i)
            text_[i] = static_cast<char>(i * 131 + i / 256);
        known_value();
        sizes();
        splits();
        moves();
        if constexpr(paired_hash<H>) {
            pairs();
            changing_pairs();
        }
        else if constexpr(requires { &H::update_both; } || requires { &H::pairing_pays; })
            broken_.push_back("it has a part of paired_hash: write `static bool pairing_pays() noexcept` and `static void update_both(H&, bytes_view, H&, bytes_view)`");
        long_input();
        return std::move(broken_);
    }

private:
    static bytes_view part(std::string_view text) { return to_bytes(text); }

    void expect(digest const& found, digest const& expected, std::string law)
    {
        if(found != expected)
            broken_.push_back(law + ": expected " + expected.str() + ", found " + found.str());
    }

    void known_value()
    {
        auto const d = tarexport::digest_of<H>(std::string_view("abc"));
        auto const expected = std::string(H::name) + ':' + std::string(digest_of_abc(*algorithm_));
        if(d.str() != expected)
            broken_.push_back("the digest of \"abc\": expected " + expected + ", found " + d.str());
    }

    // Around all block boundaries, at every alignment.
    void sizes()
    {
        for(std::size_t size = 0; size <= 300; ++size) {
            auto const text = std::string_view(text_).substr(size % 8, size);
            expect(tarexport::digest_of<H>(text), reference_digest(*algorithm_, text), std::to_string(size) + " bytes");
        }
    }

    void splits()
    {
        auto const whole = std::string_view(text_).substr(0, 300);
        auto const expected = reference_digest(*algorithm_, whole);
        for(std::size_t at = 0; at <= whole.size(); ++at) {
            H h;
            h.update(part(whole.substr(0, at)));
            h.update({});
            h.update(part(whole.substr(at)));
            expect(h.result(), expected, "update(a); update(b) equals update(ab), split at " + std::to_string(at));
        }
        H h;
        for(std::size_t i = 0; i != whole.size(); ++i)
            h.update(part(whole.substr(i, 1)));
        expect(h.result(), expected, "updates of one byte");
    }

    void moves()
    {
        std::string_view const whole = text_;
        H first;
        first.update(part(whole.substr(0, 77)));
        H second(std::move(first));
        second.update(part(whole.substr(77, 100)));
        first = H();
        first.update(part("abc"));
        expect(first.result(), reference_digest(*algorithm_, "abc"), "a run after one was moved away");
        H third;
        third.update(part("forgotten"));
        third = std::move(second);
        third.update(part(whole.substr(177)));
        expect(third.result(), reference_digest(*algorithm_, whole), "a run that was moved");
        third = H();
        expect(third.result(), reference_digest(*algorithm_, {}), "a run after another");
    }

    // Runs that are anywhere in a block, with portions of different sizes.
    void pairs()
    {
        std::string_view const whole = text_;
        for(std::size_t i = 0; i != 2000; ++i) {
            auto const of_a = whole.substr(0, i * 37 % 450);
            auto const of_b = whole.substr(i % 8, i * 53 % 450);
            auto const before_a = i * 7 % 130;
            auto const before_b = i * 11 % 130;
            H a;
            H b;
            a.update(part(of_a.substr(0, before_a)));
            b.update(part(of_b.substr(0, before_b)));
            auto const rest = [](std::string_view all, std::size_t n) { return part(all.substr(std::min(n, all.size()))); };
            H::update_both(a, rest(of_a, before_a), b, rest(of_b, before_b));
            auto const law = "update_both(a, x, b, y) equals a.update(x); b.update(y), with " + std::to_string(of_a.size()) + " and " +
                             std::to_string(of_b.size()) + " bytes";
            expect(a.result(), reference_digest(*algorithm_, of_a), law);
            expect(b.result(), reference_digest(*algorithm_, of_b), law);
        }
    }

    // Three runs, each with one and then with another.
    void changing_pairs()
    {
        std::string_view const whole = text_;
        std::array<H, 3> runs;
        std::array<std::size_t, 3> done{};
        for(std::size_t i = 0; i != 12; ++i) {
            auto const a = i % 3, b = (i + 1 + i / 3 % 2) % 3;
            auto const next = [&](std::size_t run, std::size_t n) {
                auto const from = std::exchange(done[run], done[run] + n);
                return part(whole.substr(from, n));
            };
            auto const of_a = next(a, 64 + i), of_b = next(b, 100 - i);
            H::update_both(runs[a], of_a, runs[b], of_b);
        }
        for(std::size_t run = 0; run != runs.size(); ++run)
            expect(runs[run].result(), reference_digest(*algorithm_, whole.substr(0, done[run])), "update_both(a, x, b, y) equals a.update(x); b.update(y), with changing runs");
    }

    // More bits than 32 can count.
    void long_input()
    {
        std::string const portion(std::size_t{1} << 20, 'a');
        H h;
        evp_hash<digest_algorithm::sha256> h256;
        evp_hash<digest_algorithm::sha384> h384;
        evp_hash<digest_algorithm::sha512> h512;
        for(int i = 0; i != 520; ++i) {
            h.update(part(portion));
            switch(*algorithm_) {
            case digest_algorithm::sha256: h256.update(part(portion)); break;
            case digest_algorithm::sha384: h384.update(part(portion)); break;
            case digest_algorithm::sha512: h512.update(part(portion)); break;
            }
        }
        auto const expected = *algorithm_ == digest_algorithm::sha256 ? h256.result()
                            : *algorithm_ == digest_algorithm::sha384 ? h384.result()
                                                                      : h512.result();
        expect(h.result(), expected, "520 MiB");
    }

    std::optional<digest_algorithm> algorithm_;
    std::string text_ = std::string(1000, '\0');
    std::vector<std::string> broken_;
};

} // namespace tarexport::detail

namespace tarexport::testing {

/** Check that a hash keeps the laws of `hash_algorithm` and computes what its name says.

    Any split of the bytes gives the same digest; empty updates change nothing; a run may be moved, and an object begins a new one
    by assignment; and a `paired_hash` takes two inputs as it takes one. The values are compared with OpenSSL's and with FIPS 180-4. Hashes half a gigabyte, which takes a few seconds.

    @return A sentence for each law that does not hold; nothing if all do.
*/
template<hash_algorithm H>
std::vector<std::string> check_hash()
{
    return tarexport::detail::hash_check<H>().run();
}

} // namespace tarexport::testing

#endif
