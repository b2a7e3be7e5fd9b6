//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Unpacks a compressed tar archive into a folder, as far as anybody may: files, directories and links.

#ifndef TAREXPORT_TEST_UNPACK_HPP
#define TAREXPORT_TEST_UNPACK_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/tar_reader.hpp>

#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filtering_stream.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace golden {

namespace fs = std::filesystem;

class text_source {
public:
    explicit text_source(std::string_view text) : rest_(text) {}

    std::size_t read_some(std::span<std::byte> into, tarexport::error_code&)
    {
        auto const n = std::min(into.size(), rest_.size());
        std::memcpy(into.data(), rest_.data(), n);
        rest_.remove_prefix(n);
        return n;
    }

private:
    std::string_view rest_;
};

// The data of the reader's current entry.
inline std::string read_entry(tarexport::tar_reader<text_source>& reader)
{
    std::string data;
    std::array<std::byte, 4096> buffer;
    tarexport::error_code ec;
    while(auto const n = reader.read_some(buffer, ec))
        data += tarexport::to_text(tarexport::bytes_view(buffer).first(n));
    if(ec.failed())
        throw std::runtime_error(ec.message());
    return data;
}

inline void unpack(fs::path const& archive, fs::path const& folder)
{
    std::ifstream file(archive, std::ios::binary);
    boost::iostreams::filtering_istream in;
    in.push(boost::iostreams::gzip_decompressor());
    in.push(file);
    std::string const bytes(std::istreambuf_iterator<char>(in), {});
    tarexport::tar_reader<text_source> reader{text_source(bytes)};
    while(reader.next().value()) {
        auto const& h = reader.entry().header;
        auto const path = folder / h.name;
        fs::create_directories((path / "").parent_path().parent_path());
        if(h.typeflag == tarexport::tar_type::directory)
            fs::create_directories(path);
        else if(h.typeflag == tarexport::tar_type::symlink)
            fs::create_symlink(h.link_name, path);
        else if(h.typeflag == tarexport::tar_type::hard_link)
            fs::create_hard_link(folder / h.link_name, path);
        else if(h.typeflag == tarexport::tar_type::regular) {
            auto const data = read_entry(reader);
            std::ofstream out(path, std::ios::binary);
            if(!out.write(data.data(), static_cast<std::streamsize>(data.size())).flush())
                throw std::runtime_error("cannot write " + path.string());
        }
    }
}

} // namespace golden

#endif
