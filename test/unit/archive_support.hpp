//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// What the tests of archives as stores share. Included after the header under test.

#ifndef TAREXPORT_TEST_ARCHIVE_SUPPORT_HPP
#define TAREXPORT_TEST_ARCHIVE_SUPPORT_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/hash.hpp>
#include <tarexport/tar_builder.hpp>
#include <tarexport/tar_header.hpp>

#include <boost/iostreams/device/back_inserter.hpp>
#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filter/zstd.hpp>
#include <boost/iostreams/filtering_stream.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace archives {

namespace tx = tarexport;
namespace fs = std::filesystem;
using tx::error;
using tx::error_code;
using tx::failure;

// A tar archive with whatever entries are wanted, also such as no tool writes.
class tape {
public:
    tape& add(std::string_view name, std::string_view content)
    {
        tx::tar_header h;
        h.name = name;
        h.size = static_cast<std::int64_t>(content.size());
        return add(h, content);
    }

    tape& link(std::string_view name, std::string_view target, char type = tx::tar_type::symlink)
    {
        tx::tar_header h;
        h.typeflag = type;
        h.name = name;
        h.link_name = target;
        return add(h, {});
    }

    tape& directory(std::string_view name)
    {
        tx::tar_header h;
        h.typeflag = tx::tar_type::directory;
        h.name = name;
        return add(h, {});
    }

    tape& add(tx::tar_header const& h, std::string_view content, tx::tar_format format = tx::tar_format::automatic)
    {
        bytes_ += tx::encode(h, format).value();
        bytes_ += content;
        bytes_.append(static_cast<std::size_t>(tx::padding(content.size())), '\0');
        return *this;
    }

    std::string const& open_end() const { return bytes_; }
    std::string str() const { return bytes_ + std::string(tx::end_of_archive_size, '\0'); }

private:
    std::string bytes_;
};

inline std::string gzip(std::string_view text)
{
    namespace io = boost::iostreams;
    std::string out;
    io::filtering_ostream s;
    s.push(io::gzip_compressor());
    s.push(io::back_inserter(out));
    s.write(text.data(), static_cast<std::streamsize>(text.size()));
    s.reset();
    return out;
}

inline std::string zstd(std::string_view text)
{
    namespace io = boost::iostreams;
    std::string out;
    io::filtering_ostream s;
    s.push(io::zstd_compressor());
    s.push(io::back_inserter(out));
    s.write(text.data(), static_cast<std::streamsize>(text.size()));
    s.reset();
    return out;
}

// Gives a text in portions, and counts what it gave.
class text_source {
public:
    explicit text_source(std::string_view text, std::size_t portion = 1000) : rest_(text), portion_(portion) {}

    std::size_t read_some(std::span<std::byte> into, error_code& ec)
    {
        ec.clear();
        auto const n = std::min({into.size(), rest_.size(), portion_});
        std::memcpy(into.data(), rest_.data(), n);
        rest_.remove_prefix(n);
        return n;
    }

private:
    std::string_view rest_;
    std::size_t portion_;
};

template<class Source>
std::string read_all(Source& s, error_code& ec, std::size_t piece = 700)
{
    std::string all, buffer(piece, '\0');
    for(;;) {
        auto const n = s.read_some(std::as_writable_bytes(std::span(buffer)), ec);
        if(ec || n == 0)
            return all;
        all.append(buffer, 0, n);
    }
}

template<class T>
failure failure_of(tx::result<T> const& r, error code)
{
    BOOST_TEST_REQUIRE(r.has_error());
    BOOST_TEST((r.error().code == code), message(r.error()));
    BOOST_TEST(!r.error().subject.empty());
    return r.error();
}

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

inline std::size_t open_descriptors()
{
    std::size_t n = 0;
    for([[maybe_unused]] auto const& e : fs::directory_iterator("/proc/self/fd"))
        ++n;
    return n;
}

} // namespace archives

#endif
