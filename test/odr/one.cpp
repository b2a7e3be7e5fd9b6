//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Links with two.cpp and a shared library, which all include every header: no symbol is defined twice, and an error of
// one is an error of the others.

#include "odr.hpp"

#include <iostream>

namespace {

int failed = 0;

void check(bool ok, char const* what)
{
    if(!ok) {
        std::cerr << "failed: " << what << '\n';
        ++failed;
    }
}

} // namespace

int main()
{
    said const one = say();
    said const two = say_two();
    said const shared = say_shared();

    check(one.category == two.category, "the category is one object for the program");
    check(one.category != shared.category, "the shared library has its own");
    check(*one.category == *shared.category, "categories are equal by their id");
    check(one.code == two.code && one.code == shared.code, "codes are equal");
    check(one.condition == two.condition && one.condition == shared.condition, "conditions are equal");
    check(two.code == tarexport::condition::corrupt_store, "a code of two.cpp has its condition");
    check(shared.code == tarexport::condition::corrupt_store, "a code of the shared library has its condition");
    check(one.code == shared.condition, "a condition of the shared library is that of a code made here");
    return failed != 0;
}
