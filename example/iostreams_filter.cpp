// Pulls an archive through filters of Boost.Iostreams, and writes another compressed.
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <tarexport/archive_reader.hpp>
#include <tarexport/iostreams_source.hpp>
#include <tarexport/saver.hpp>
#include <tarexport/sink/compressed.hpp>
#include <tarexport/sink/file.hpp>
#include <tarexport/store/oci_layout.hpp>

#include <boost/iostreams/copy.hpp>
#include <boost/iostreams/device/file.hpp>
#include <boost/iostreams/filter/counter.hpp>
#include <boost/iostreams/filtering_streambuf.hpp>

#include <iostream>

namespace io = boost::iostreams;

int main()
try {
    tarexport::oci_layout_store const store(TAREXPORT_IMAGES);

    //[pull
    tarexport::saver saver(store);
    auto const archive = saver.prepare(tarexport::names("greeting:1.0")).value();
    tarexport::archive_reader reader(archive.contents, std::span(archive.leases));

    io::filtering_istreambuf in;
    in.push(io::counter()); // any filters: a cipher, a limit of speed, a protocol's chunks
    in.push(tarexport::iostreams_source(reader));
    io::copy(in, io::file_sink("greeting.tar", std::ios::binary)); // throws save_error, where a layer is wrong
    //]
    std::cout << reader.report().bytes << " bytes in greeting.tar\n";

    //[compress
    tarexport::compressed_sink out(tarexport::file_sink("greeting.tar.zst"), {tarexport::compression_format::zstd, 9});
    auto const report = tarexport::save(store, tarexport::names("greeting:1.0"), out);
    //]
    std::cout << report.bytes << " bytes, compressed, in greeting.tar.zst\n";
    return report.bytes == reader.report().bytes && reader.report().ok() ? 0 : 1;
}
catch(std::exception const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
