//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Whatever a record says, reading it ends; a layer that is read to its end has the size that was promised, and opened anywhere
// it gives the rest; nothing but the layer's own files is read; a line that is taken is JSON and means what JSON says.
//
// Most inputs are programs that write records which are nearly right: noise alone never has a right check sum.

#include <tarexport/store/tar_split.hpp>

#include <boost/iostreams/device/back_inserter.hpp>
#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filtering_stream.hpp>
#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <stdlib.h>
#include <sys/stat.h>

using namespace tarexport;
namespace fs = std::filesystem;

namespace {

void require(bool good)
{
    if(!good)
        std::abort();
}

constexpr std::string_view secret = "what is outside of the layer";

// A layer of a few files, and what is outside of it.
struct folder {
    folder()
    {
        auto name = (fs::temp_directory_path() / "tarexport-fuzz-XXXXXX").string();
        require(::mkdtemp(name.data()) != nullptr);
        path = name;
        fs::create_directories(path / "tree/d");
        fs::create_directories(path / "lower/usr");
        put("tree/a", "a");
        put("tree/d/five", "12345");
        put("tree/d/kilo", std::string(1024, 'k'));
        put("tree/holes", std::string(3000, '\0'));
        put("lower/usr/below", "lower");
        put("secret", secret);
        fs::create_symlink("d", path / "tree/link");
        fs::create_symlink("../secret", path / "tree/out");
        fs::create_symlink("/secret", path / "tree/abs");
        fs::create_symlink("usr", path / "lower/lib");
        require(::mkfifo((path / "tree/fifo").c_str(), 0600) == 0);
    }
    ~folder()
    {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }

    void put(std::string const& name, std::string_view text) const
    {
        std::ofstream out(path / name, std::ios::binary);
        out.write(text.data(), static_cast<std::streamsize>(text.size()));
    }

    fs::path path;
};

std::string gzipped(std::string_view text)
{
    namespace io = boost::iostreams;
    std::string out;
    io::filtering_ostream stream;
    io::gzip_params fast(io::gzip::no_compression);
    fast.window_bits = 9;
    fast.mem_level = 1;
    stream.push(io::gzip_compressor(fast));
    stream.push(io::back_inserter(out));
    stream.write(text.data(), static_cast<std::streamsize>(text.size()));
    stream.reset();
    return out;
}

// Turns noise into a record.
class program {
public:
    program(std::uint8_t const* data, std::size_t size) : rest_(reinterpret_cast<char const*>(data), size) {}

    std::string run()
    {
        while(!rest_.empty())
            step();
        return std::move(text_);
    }

private:
    unsigned byte()
    {
        if(rest_.empty())
            return 0;
        auto const b = static_cast<unsigned char>(rest_[0]);
        rest_.remove_prefix(1);
        return b;
    }

    std::string_view take(std::size_t n)
    {
        auto const some = rest_.substr(0, n);
        rest_.remove_prefix(some.size());
        return some;
    }

    void line(std::string const& what) { text_ += what + ",\"position\":" + std::to_string(position_++) + "}\n"; }

    void bytes(std::string_view b)
    {
        std::string digits;
        detail::append_base64(digits, to_bytes(b));
        line("{\"type\":2,\"payload\":\"" + digits + "\"");
        size_ += b.size();
    }

    // Headers begin where the archive has a whole number of blocks.
    std::string aligned(std::string_view blocks) const
    {
        return std::string(static_cast<std::size_t>(padding(size_)), '\0').append(blocks);
    }

    void step()
    {
        constexpr std::array names{"a", "d/five", "d/kilo", "holes", "link/five", "lib/below", "usr/below", "out", "abs", "fifo", "d",
            "none", "../secret", "./d//five", "/", ".wh.a"};
        constexpr std::array<std::uint64_t, 8> sizes{1, 5, 1024, 3000, 6, 0, 2, std::uint64_t{1} << 40};
        auto const op = byte();
        switch(op % 6) {
        case 0: bytes(take(byte())); break;
        case 1: text_.append(take(byte())).append("\n"); break;
        case 2: bytes(aligned({})); break;
        default: {
            auto const choice = byte();
            std::string const name = names[choice % names.size()];
            auto const size = sizes[choice / names.size() % sizes.size()];
            tar_header h;
            h.name = "x";
            h.size = static_cast<std::int64_t>(size);
            h.typeflag = op % 6 == 3 ? static_cast<char>('0' + op / 6 % 8) : '0';
            std::string extra;
            auto stored = has_no_data(h.typeflag) ? 0 : size;
            if(op % 6 == 5)
                stored = sparse(extra, h);
            auto const header = encode(h, tar_format::gnu);
            bytes(aligned(extra + (header ? *header : std::string())));
            std::string sum;
            detail::append_base64(sum, to_bytes(std::string_view("\1\2\3\4\5\6\7\10", 8)));
            line("{\"type\":1,\"name\":\"" + name + "\",\"size\":" + std::to_string(size) + ",\"payload\":\"" + sum + "\"");
            size_ += stored;
        }
        }
    }

    std::uint64_t sparse(std::string& extra, tar_header& h)
    {
        std::string map;
        std::uint64_t stored = 0;
        auto const count = byte() % 5;
        unsigned at = 0;
        for(unsigned i = 0; i != count; ++i) {
            at += byte();
            auto const n = byte();
            map += (i == 0 ? "" : ",") + std::to_string(at) + "," + std::to_string(n);
            at += n;
            stored += n;
        }
        std::string text;
        auto const record = [&](std::string const& what) {
            auto n = what.size() + 2;
            while(std::to_string(n).size() + what.size() + 2 != n)
                ++n;
            text += std::to_string(n) + " " + what + "\n";
        };
        record("GNU.sparse.numblocks=" + std::to_string(count));
        record("GNU.sparse.map=" + map);
        tar_header x;
        x.name = "x";
        x.size = static_cast<std::int64_t>(text.size());
        extra = encode(x, tar_format::ustar).value();
        auto const sum = std::stoi(extra.substr(148, 6), nullptr, 8) + 'x' - '0';
        extra[156] = 'x';
        for(std::size_t i = 0; i != 6; ++i)
            extra[148 + i] = static_cast<char>('0' + (sum >> (15 - 3 * i) & 7));
        extra += text + std::string(static_cast<std::size_t>(padding(text.size())), '\0');
        h.size = static_cast<std::int64_t>(stored);
        return stored;
    }

    std::string_view rest_;
    std::string text_;
    std::uint64_t position_ = 0;
    std::uint64_t size_ = 0;
};

void check_line(std::string line, std::uint64_t position)
{
    auto const original = line;
    detail::tar_split_line parsed;
    if(!detail::parse_tar_split_line(line, position, parsed))
        return;
    boost::json::parse_options lenient;
    lenient.allow_invalid_utf8 = true;
    boost::json::error_code ec;
    auto const value = boost::json::parse(original, ec, {}, lenient);
    // Boost.JSON has no half surrogates.
    if(ec == boost::json::error::illegal_leading_surrogate || ec == boost::json::error::illegal_trailing_surrogate ||
        ec == boost::json::error::expected_utf16_escape)
        return;
    require(!ec && value.is_object());
    auto const& o = value.get_object();
    require(o.at("position").to_number<std::uint64_t>() == position);
    require(parsed.is_file == (o.at("type").to_number<int>() == 1));
    require(parsed.size == (o.contains("size") ? o.at("size").to_number<std::uint64_t>() : 0));
    if(o.contains("payload") && o.at("payload").is_string()) {
        std::string digits;
        detail::append_base64(digits, to_bytes(parsed.payload));
        require(o.at("payload").get_string() == digits);
    }
}

struct outcome {
    std::string bytes;
    bool whole = false;
};

outcome read(tar_split_handle const& h, std::uint64_t offset, std::size_t portion)
{
    outcome o;
    auto s = h.open(offset).value();
    std::string buffer(portion, '\0');
    for(;;) {
        error_code ec;
        auto const n = s.read_some(std::as_writable_bytes(std::span(buffer)), ec);
        o.bytes.append(buffer, 0, n);
        if(n != 0)
            continue;
        o.whole = !ec.failed();
        require(o.whole || s.reason().code == ec);
        return o;
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    static folder const here;
    static auto const directory = shared_directory::open(here.path.string()).value();
    bool const raw = size != 0 && data[0] == '{';
    auto const text = raw ? std::string(reinterpret_cast<char const*>(data), size) : program(data, size).run();
    std::string_view rest = text;
    for(std::uint64_t position = 0; !rest.empty(); ++position) {
        auto const end = std::min(rest.find('\n'), rest.size());
        check_line(std::string(rest.substr(0, end)), position);
        rest.remove_prefix(std::min(rest.size(), end + 1));
    }
    here.put("record", gzipped(text));
    auto const layer = std::make_shared<unpacked_layer const>(
        unpacked_layer{{}, {directory, "record"}, {{directory, "tree"}, {directory, "lower"}}});
    constexpr tar_split_limits limits{1u << 14, 1000, 1u << 20};
    auto const promised = tar_split_size(layer->record, limits);
    tar_split_handle const plain(layer, {false, limits});
    auto const all = read(plain, 0, 4096);
    require(!all.whole || (promised && all.bytes.size() == *promised));
    std::string_view const input(reinterpret_cast<char const*>(data), size);
    require(all.bytes.find(secret) == std::string::npos || input.find(secret) != std::string_view::npos);
    if(all.whole) {
        auto const offset = all.bytes.empty() ? 0 : size * 7919 % all.bytes.size();
        auto const tail = read(plain, offset, 1 + size % 700);
        require(tail.whole && tail.bytes == std::string_view(all.bytes).substr(offset));
    }
    auto const checked = read(tar_split_handle(layer, {true, limits}), 0, 1000);
    require(all.bytes.starts_with(checked.bytes));
    return 0;
}
