//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A layer's tar archive and the record of it that engines keep: all of it but the contents of files.

#ifndef TAREXPORT_TEST_RECORDED_LAYER_HPP
#define TAREXPORT_TEST_RECORDED_LAYER_HPP

#include <tarexport/bytes.hpp>
#include <tarexport/detail/crc64.hpp>
#include <tarexport/detail/go_json.hpp>
#include <tarexport/tar_builder.hpp>
#include <tarexport/tar_header.hpp>

#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filtering_stream.hpp>

#include <array>
#include <cstddef>
#include <map>
#include <sstream>
#include <string>
#include <string_view>

namespace layouts {

inline std::string gzip(std::string const& text)
{
    std::ostringstream out;
    boost::iostreams::filtering_ostream filter;
    filter.push(boost::iostreams::gzip_compressor());
    filter.push(out);
    filter << text;
    filter.reset();
    return out.str();
}

// Contents by paths without a slash at the front.
using layer_files = std::map<std::string, std::string>;

class recorded_layer {
public:
    explicit recorded_layer(layer_files const& files)
    {
        tarexport::tar_builder builder;
        for(auto const& [path, content] : files)
            builder.add_file(path, content);
        tar_ = builder.finish().value();
        // The builder puts the entries in this order, so each header is found where the last one before ended.
        std::size_t done = 0;
        for(auto const& [path, content] : files) {
            auto const header = find_header(path, done);
            add_segment(done, header + tarexport::tar_block_size);
            add_file(path, content);
            done = header + tarexport::tar_block_size + content.size();
        }
        add_segment(done, tar_.size());
    }

    std::string const& tar() const noexcept { return tar_; }

    /// Return the record, uncompressed.
    std::string const& record() const noexcept { return record_; }

private:
    std::size_t find_header(std::string const& path, std::size_t from) const
    {
        from += static_cast<std::size_t>(tarexport::padding(from));
        while(tar_.compare(from, path.size() + 1, path.c_str(), path.size() + 1) != 0)
            from += tarexport::tar_block_size;
        return from;
    }

    void add_segment(std::size_t from, std::size_t to)
    {
        record_ += R"({"type":2,"payload":)";
        tarexport::detail::append_json_bytes(record_, tarexport::to_bytes(std::string_view(tar_).substr(from, to - from)));
        end_line();
    }

    void add_file(std::string const& path, std::string const& content)
    {
        record_ += R"({"type":1,"name":")" + path + '"';
        if(content.empty()) {
            record_ += R"(,"payload":null)";
            return end_line();
        }
        tarexport::detail::crc64 crc;
        crc.update(tarexport::to_bytes(content));
        std::array<std::byte, 8> sum;
        for(std::size_t i = 0; i != sum.size(); ++i)
            sum[i] = static_cast<std::byte>(crc.value() >> (56 - 8 * i) & 0xffu);
        record_ += ",\"size\":" + std::to_string(content.size()) + ",\"payload\":";
        tarexport::detail::append_json_bytes(record_, sum);
        end_line();
    }

    void end_line() { record_ += ",\"position\":" + std::to_string(position_++) + "}\n"; }

    std::string tar_;
    std::string record_;
    int position_ = 0;
};

} // namespace layouts

#endif
