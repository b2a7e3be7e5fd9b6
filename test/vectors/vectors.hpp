//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Runs every case of one vector file through a function per op; main() of each test/vectors/*.cpp.
//
// The folder is that of the environment variable TAREXPORT_VECTORS, or ../shared/vectors beside the project.
// Exit codes: 0 all cases passed, 1 a case failed or an op is unknown, 77 the file is not there.

#ifndef TAREXPORT_TEST_VECTORS_HPP
#define TAREXPORT_TEST_VECTORS_HPP

#include <boost/json.hpp>

#include <cstdlib>
#include <exception>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace vectors {

namespace json = boost::json;

inline std::string decode_base64(std::string_view text)
{
    std::string out;
    unsigned bits = 0, have = 0;
    for(char c : text) {
        unsigned v;
        if(c >= 'A' && c <= 'Z')
            v = static_cast<unsigned>(c - 'A');
        else if(c >= 'a' && c <= 'z')
            v = static_cast<unsigned>(c - 'a') + 26;
        else if(c >= '0' && c <= '9')
            v = static_cast<unsigned>(c - '0') + 52;
        else if(c == '+')
            v = 62;
        else if(c == '/')
            v = 63;
        else
            break;
        bits = (bits << 6 | v) & 0xffffffu;
        have += 6;
        if(have >= 8) {
            have -= 8;
            out.push_back(static_cast<char>(bits >> have & 0xffu));
        }
    }
    return out;
}

/// Return the string under `key`, or the bytes whose base64 stands under `key_b64`; empty if neither does.
inline std::string text(json::object const& o, std::string_view key)
{
    if(auto const* v = o.if_contains(key); v && v->is_string())
        return std::string(v->get_string());
    if(auto const* v = o.if_contains(std::string(key) + "_b64"); v && v->is_string())
        return decode_base64(v->get_string());
    return {};
}

/// Return whether `key` or `key_b64` holds a string.
inline bool has_text(json::object const& o, std::string_view key)
{
    auto const* v = o.if_contains(key);
    auto const* b = o.if_contains(std::string(key) + "_b64");
    return (v && v->is_string()) || (b && b->is_string());
}

/// Thrown by a case that fails.
struct mismatch : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Fail the case unless the two are equal.
template<class A, class B>
void equal(A const& got, B const& want, std::string_view what)
{
    if(!(got == want)) {
        std::ostringstream s;
        s << what << ": got " << got << ", want " << want;
        throw mismatch(s.str());
    }
}

/// Fail the case unless `ok`.
inline void check(bool ok, std::string_view what)
{
    if(!ok)
        throw mismatch(std::string(what));
}

/// What one op does: gets the case and the whole file, throws on a mismatch.
using op_function = std::function<void(json::object const& test, json::object const& file)>;

/// Run all cases of `name` (a file of the vectors folder); print how many ran; return the exit code.
inline int run(std::string const& name, std::map<std::string, op_function> const& ops)
{
    char const* const folder = std::getenv("TAREXPORT_VECTORS");
    std::string const path = std::string(folder ? folder : TAREXPORT_SOURCE_DIR "/../shared/vectors") + "/" + name;
    std::ifstream in(path, std::ios::binary);
    if(!in) {
        std::cout << "SKIPPED: no vectors at " << path << " (set TAREXPORT_VECTORS to their folder)\n";
        return 77;
    }
    std::string const text_of_file(std::istreambuf_iterator<char>(in), {});
    json::parse_options options;
    options.max_depth = 64;
    auto const file = json::parse(text_of_file, {}, options).as_object();
    std::size_t passed = 0, failed = 0;
    std::map<std::string, std::size_t> counts;
    for(auto const& v : file.at("cases").as_array()) {
        auto const& test = v.as_object();
        std::string const op(test.at("op").as_string());
        ++counts[op];
        try {
            auto const found = ops.find(op);
            if(found == ops.end())
                throw mismatch("no test for op " + op);
            found->second(test, file);
            ++passed;
        }
        catch(std::exception const& e) {
            if(++failed <= 20)
                std::cout << "FAILED " << test.at("id").as_string() << ": " << std::string(e.what()).substr(0, 2000)
                          << "\n";
        }
    }
    std::cout << name << ": " << passed << " cases passed, " << failed << " failed";
    for(auto const& [op, n] : counts)
        std::cout << ", " << op << " " << n;
    std::cout << "\n";
    return failed == 0 && passed != 0 ? 0 : 1;
}

} // namespace vectors

#endif
