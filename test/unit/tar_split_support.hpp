//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Little layers as an engine leaves them: a tree of files and a record. Included after the header under test.

#ifndef TAREXPORT_TEST_TAR_SPLIT_SUPPORT_HPP
#define TAREXPORT_TEST_TAR_SPLIT_SUPPORT_HPP

#include <tarexport/hash.hpp>
#include <tarexport/store/tar_split.hpp>
#include <tarexport/tar_header.hpp>

#include <boost/iostreams/device/back_inserter.hpp>
#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filtering_stream.hpp>
#include <boost/test/unit_test.hpp>

#include "layout_folder.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tar_split_tests {

namespace fs = std::filesystem;
namespace tx = tarexport;
using tx::error;
using tx::error_code;
using tx::tar_split_entry;
using tx::tar_split_handle;
using tx::tar_split_reader;
using tx::tar_split_source;

inline std::string gzipped(std::string_view text, std::string const& name = {})
{
    namespace io = boost::iostreams;
    std::string out;
    io::filtering_ostream stream;
    io::gzip_params params(io::gzip::best_speed);
    params.file_name = name;
    stream.push(io::gzip_compressor(params));
    stream.push(io::back_inserter(out));
    stream.write(text.data(), static_cast<std::streamsize>(text.size()));
    stream.reset();
    return out;
}

inline std::string base64(std::string_view bytes)
{
    std::string text;
    tx::detail::append_base64(text, tx::to_bytes(bytes));
    return text;
}

inline std::string crc_of(std::string_view content)
{
    tx::detail::crc64 sum;
    sum.update(tx::to_bytes(content));
    std::string text;
    for(int shift = 56; shift >= 0; shift -= 8)
        text.push_back(static_cast<char>(sum.value() >> shift));
    return text;
}

// The header of a file, whose data may come or not.
inline std::string plain_header(std::string const& name, std::uint64_t size)
{
    tx::tar_header h;
    h.name = name;
    h.size = static_cast<std::int64_t>(size);
    return tx::encode(h, tx::tar_format::ustar).value();
}

// A block with another type, and a sum that is right again.
inline std::string retyped(std::string block, char type)
{
    auto const sum = std::stoi(block.substr(148, 6), nullptr, 8) + type - block[156];
    block[156] = type;
    for(std::size_t i = 0; i != 6; ++i)
        block[148 + i] = static_cast<char>('0' + (sum >> (15 - 3 * i) & 7));
    return block;
}

// Lines of a record, each at the position that is due.
class record_lines {
public:
    void bytes(std::string_view b) { add(R"({"type":2,"payload":")" + base64(b) + '"'); }

    // `name` is the member with its key: "name":"x".
    void file(std::string const& name, std::uint64_t size, std::string_view crc)
    {
        auto const payload = crc.empty() ? "null" : '"' + base64(crc) + '"';
        add(R"({"type":1,)" + name + (size == 0 ? "" : ",\"size\":" + std::to_string(size)) + ",\"payload\":" + payload);
    }

    std::string const& text() const noexcept { return text_; }

private:
    void add(std::string const& line) { text_ += line + ",\"position\":" + std::to_string(count_++) + "}\n"; }

    std::string text_;
    std::size_t count_ = 0;
};

// A layer of which an archive and a tree are made at the same time.
class layer_folder : public layouts::temporary_folder {
public:
    layer_folder() { fs::create_directories(tree_path()); }

    fs::path tree_path() const { return path() / "layer/diff"; }
    fs::path file_path(std::string const& name) const { return tree_path() / name; }
    std::string record_path() const { return (path() / "tar-split.json.gz").string(); }

    // Blocks that stand before the next file.
    void headers(std::string_view blocks) { pending_ += blocks; }

    // A file of the archive, without its header; `crc` is that of its content in the tree.
    void file_line(std::string_view name, std::uint64_t size, std::string_view crc, std::string_view stored)
    {
        flush();
        // Quotes and control characters are not used here.
        bool const raw = name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/") != name.npos;
        lines_.file(raw ? R"("name_raw":")" + base64(name) + '"' : "\"name\":\"" + std::string(name) + '"', size, crc);
        archive_ += stored;
        pending_.assign(static_cast<std::size_t>(tx::padding(archive_.size())), '\0');
    }

    // An entry with its header; a file is put into the tree.
    void entry(tx::tar_header h, std::string_view content = {}, tx::tar_format format = tx::tar_format::automatic)
    {
        bool const empty = tx::has_no_data(h.typeflag);
        if(!empty)
            h.size = static_cast<std::int64_t>(content.size());
        headers(tx::encode(h, format).value());
        auto const size = static_cast<std::uint64_t>(h.size);
        file_line(h.name, size, size == 0 ? std::string() : crc_of(empty ? std::string_view() : content), empty ? "" : content);
        if(!empty)
            put(h.name, content);
    }

    void file(std::string const& name, std::string_view content)
    {
        tx::tar_header h;
        h.name = name;
        h.mode = 0644;
        entry(std::move(h), content);
    }

    void other(std::string const& name, char type, std::string const& link = {}, std::int64_t size = 0)
    {
        tx::tar_header h;
        h.name = name;
        h.typeflag = type;
        h.link_name = link;
        h.size = size;
        entry(std::move(h), {}, tx::tar_format::gnu);
    }

    void put(std::string_view name, std::string_view content) const
    {
        auto const clean = tx::detail::clean_path("/" + std::string(name));
        write("layer/diff" + clean, content);
    }

    // Ends the archive, with two blocks of zeros unless told otherwise, and writes the record.
    void finish(std::string_view trailer = std::string_view(zeros.data(), zeros.size()))
    {
        pending_ += trailer;
        flush();
        write("tar-split.json.gz", gzipped(lines_.text()));
    }

    std::string const& archive() const noexcept { return archive_; }
    std::string const& record_text() const noexcept { return lines_.text(); }

    tx::path_below record() const { return {directory(), "tar-split.json.gz"}; }

    std::shared_ptr<tx::unpacked_layer const> layer(std::vector<std::string> const& lower = {}) const
    {
        tx::unpacked_layer l{{}, record(), {{directory(), "layer/diff"}}};
        l.info.media_type = tx::media_type::oci_layer;
        l.info.id = tx::digest_of(archive_);
        l.info.size = archive_.size();
        for(auto const& tree : lower)
            l.trees.push_back({directory(), tree});
        return std::make_shared<tx::unpacked_layer const>(std::move(l));
    }

    tar_split_handle handle(bool check_files = true) const { return tar_split_handle(layer(), {check_files, {}}); }

private:
    static constexpr std::array<char, tx::end_of_archive_size> zeros{};

    tx::shared_directory directory() const { return tx::shared_directory::open(path().string()).value(); }

    void flush()
    {
        if(pending_.empty())
            return;
        lines_.bytes(pending_);
        archive_ += std::exchange(pending_, {});
    }

    record_lines lines_;
    std::string archive_;
    std::string pending_;
};

// All that a source gives.
struct outcome {
    std::string bytes;
    tx::failure reason;
};

inline outcome read_all(tar_split_source& s, std::size_t portion = 5000)
{
    outcome o;
    std::string buffer(portion, '\0');
    for(;;) {
        error_code ec = error::cancelled;
        auto const n = s.read_some(std::as_writable_bytes(std::span(buffer)), ec);
        o.bytes.append(buffer, 0, n);
        BOOST_TEST((n == 0 || !ec));
        if(n != 0)
            continue;
        if(ec) {
            o.reason = s.reason();
            BOOST_TEST((o.reason.code == ec));
            BOOST_TEST(s.subject() == o.reason.subject);
        }
        return o;
    }
}

inline outcome read_all(tar_split_handle const& h, std::uint64_t offset = 0)
{
    auto s = h.open(offset).value();
    return read_all(s);
}

// What reading the layer fails with.
inline tx::failure failure_of(tar_split_handle const& h, error_code code)
{
    auto const o = read_all(h);
    BOOST_TEST((o.reason.code == code), tx::message(o.reason));
    return o.reason;
}

inline std::size_t open_descriptors()
{
    std::size_t n = 0;
    for([[maybe_unused]] auto const& e : fs::directory_iterator("/proc/self/fd"))
        ++n;
    return n;
}

} // namespace tar_split_tests

#endif
