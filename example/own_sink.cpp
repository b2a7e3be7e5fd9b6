// Prints the parts that it cuts an archive into, for media that hold no larger files, and the line that loads them.
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// A sink is one function, write_some. This one also has commit and abort, so that a save that fails leaves no part behind.

#include <tarexport.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

//[split_sink
/// Writes NAME.000, NAME.001 and so on, none of them larger than a limit.
class split_sink {
public:
    split_sink(std::string name, std::uint64_t limit) : name_(std::move(name)), limit_(limit) {}

    // Take 1 to all bytes and return how many, or 0 with an error. Less than all is no error: the rest is given again.
    std::size_t write_some(tarexport::bytes_view bytes, tarexport::error_code& ec)
    {
        if((parts_.empty() || left_ == 0) && !next_part())
            return failed(ec);
        auto const n = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), left_));
        if(!out_.write(tarexport::to_text(bytes).data(), static_cast<std::streamsize>(n)))
            return failed(ec);
        left_ -= n;
        return n;
    }

    // The last byte was written.
    void commit(tarexport::error_code& ec)
    {
        out_.close();
        if(out_.fail())
            failed(ec);
    }

    // Something failed, here or elsewhere.
    void abort() noexcept
    {
        out_.close();
        std::error_code ignored;
        for(auto const& p : parts_)
            fs::remove(p, ignored);
    }

    // What an error calls this sink.
    std::string const& subject() const noexcept { return name_; }

    std::vector<std::string> const& parts() const noexcept { return parts_; }

private:
    bool next_part()
    {
        auto number = std::to_string(parts_.size());
        number.insert(0, 3 - std::min<std::size_t>(3, number.size()), '0'); // so that `*` gives them in order
        if(out_.is_open())
            out_.close();
        if(out_.good())
            out_.open(name_ + "." + number, std::ios::binary | std::ios::trunc);
        if(!out_.good())
            return false;
        parts_.push_back(name_ + "." + number);
        left_ = limit_;
        return true;
    }

    static std::size_t failed(tarexport::error_code& ec)
    {
        ec = make_error_code(boost::system::errc::io_error);
        return 0;
    }

    std::string name_;
    std::uint64_t limit_;
    std::uint64_t left_ = 0;
    std::ofstream out_;
    std::vector<std::string> parts_;
};

static_assert(tarexport::committing_sink<split_sink>);
//]

} // namespace

int main(int argc, char** argv)
try {
    tarexport::oci_layout_store const store(argc > 1 ? argv[1] : TAREXPORT_IMAGES);
    split_sink out("hello.tar", 16384);
    auto const report = tarexport::save(store, tarexport::names("hello:1.0"), out);

    std::uint64_t sum = 0;
    for(auto const& part : out.parts()) {
        std::cout << part << "  " << fs::file_size(part) << " bytes\n";
        sum += fs::file_size(part);
    }
    std::cout << "cat hello.tar.* | docker load\n";
    return sum == report.bytes ? 0 : 1;
}
catch(tarexport::save_error const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
