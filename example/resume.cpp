// Saves to a file that runs into an error half-way, and goes on where it stopped.
//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// The first attempt is stopped, as a power cut or a full disk would stop it. The archive's etag tells the second one that the partial
// file belongs to the same archive, and its plan what is missing.

#include <tarexport.hpp>

#include <iostream>
#include <stop_token>
#include <variant>

namespace {

// Stops a save when so many bytes have been written.
struct stop_after {
    std::uint64_t bytes;
    std::stop_source stop = {};

    void operator()(tarexport::event const& e) noexcept
    {
        if(auto const* b = std::get_if<tarexport::bytes_written>(&e); b != nullptr && b->bytes >= bytes)
            stop.request_stop();
    }
};

struct watched_policy {
    tarexport::docker_layout layout;
    using hashes = tarexport::default_policy::hashes;
    stop_after& observer;
};

//[save
/// Saves to FILE, going on with FILE.part where an earlier attempt at the same archive has left one.
tarexport::save_report save(tarexport::oci_layout_store const& store, std::string const& file, stop_after& watching)
{
    tarexport::saver saver(store, watched_policy{{}, watching});
    tarexport::save_options options;
    options.stop = watching.stop.get_token();
    return saver.save_to(tarexport::names("greeting:1.0"), options, [&](auto const& archive, tarexport::write_options& how) {
        tarexport::plan const& plan = archive.contents;
        tarexport::file_sink_options const keep{.keep_partial = true, .archive_size = plan.size()};
        auto out = tarexport::file_sink::resume(file, plan.etag(), keep);
        if(!out)
            out = tarexport::file_sink::create(file, keep); // discards what is of another archive
        if(!out)
            return out;
        // The entry that the file ends in is written again: nobody has verified what there is of it.
        tarexport::error_code ec;
        if(auto const i = plan.find(out->offset()); i != plan.count())
            out->cut(plan.entry(i).offset, ec);
        if(ec)
            return tarexport::result<tarexport::file_sink>(tarexport::failure{ec, file, "while cutting the partial file"});
        how.range.first = out->offset();
        if(auto const remembered = out->remember(plan.etag()); !remembered)
            return tarexport::result<tarexport::file_sink>(remembered.error());
        std::cout << "from byte " << out->offset() << " of " << plan.size() << '\n';
        return out;
    });
}
//]

} // namespace

int main()
try {
    tarexport::oci_layout_store const store(TAREXPORT_IMAGES);
    stop_after half_way{10'000};
    auto const first = save(store, "greeting.tar", half_way);
    std::cout << message(first.reason) << '\n';
    stop_after never{first.total + 1};
    auto const second = save(store, "greeting.tar", never);
    std::cout << second.bytes << " bytes more\n"; // with those of the entry that the first attempt ended in
    return second.ok() && !first.ok() && first.bytes + second.bytes >= first.total ? 0 : 1;
}
catch(std::exception const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
