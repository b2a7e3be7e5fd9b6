#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#
"""Thin archives: what the other side has, told in every way, and merging."""

import io
import json
import os
import tarfile

from harness import Checks, need, same

IMAGES = "oci:" + os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "example", "images")

check = Checks()


def archive(tool, folder, name, *arguments):
    path = os.path.join(folder, name)
    tool("save", "--quiet", "--store", IMAGES, "-o", path, *arguments).ok()
    return path


def content(path):
    with open(path, "rb") as file:
        return file.read()


def entries(path):
    with tarfile.open(path) as tar:
        return tar.getnames()


def said_left_out(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return [layer["digest"] for layer in json.load(tar.extractfile("thin.json"))["leftOut"]]


@check("--have takes an archive, a store, a list, standard input and a command, and leaves out the same")
def sources(tool, folder):
    base = archive(tool, folder, "base.tar", "hello:1.0")
    thin = archive(tool, folder, "thin.tar", "--have", base, "greeting:1.0")
    missing = set(entries(archive(tool, folder, "full.tar", "greeting:1.0"))) - set(entries(thin))
    same(len(missing), 1, f"the number of entries left out, {missing}")
    shared = missing.pop()
    same(said_left_out(content(thin)), ["sha256:" + os.path.basename(shared)], "what thin.json says")
    listed = tool("have", IMAGES, "hello:1.0").ok().out
    with open(folder + "/list", "wb") as file:
        file.write(b"# theirs\n" + listed)
    with open(folder + "/list", "rb") as file:
        for have in (["--have", "archive:" + base], ["--have", folder + "/list"], ["--have", "-"],
                     ["--have-from", f"{tool.path} have 'archive:{base}'"], ["--have", base, "--have", folder + "/list"]):
            again = tool("save", "--quiet", "--store", IMAGES, *have, "greeting:1.0", stdin=file).ok().out
            same(again, content(thin), f"the archive with {have}")
    report = tool("save", "--store", IMAGES, "--have", base, "greeting:1.0").ok().err
    need("1 layer of 10.2 kB left out" in report, report)
    plan = json.loads(tool("plan", "--json", "--store", IMAGES, "--have", base, "greeting:1.0").ok().out)
    same(plan["size"], os.path.getsize(thin), "the planned size")


@check("what is left out is nothing where they have nothing, and all where they have all")
def extremes(tool, folder):
    full = content(archive(tool, folder, "full.tar", "greeting:1.0"))
    open(folder + "/empty", "w").close()
    same(tool("save", "-q", "--store", IMAGES, "--have", folder + "/empty", "greeting:1.0").ok().out, full, "with an empty list")
    thin = tool("save", "-q", "--store", IMAGES, "--have", IMAGES, "greeting:1.0").ok().out
    same(len(said_left_out(thin)), 2, "the number of layers left out")


@check("a list, a command and a store that cannot be used are refused by name, and nothing is written")
def refusals(tool, folder):
    out = folder + "/none.tar"
    with open(folder + "/bad", "w") as file:
        file.write("sha256:" + "0" * 64 + "\napp:1.0\n")
    for have, says in ((["--have", folder + "/bad"], ["bad", "line 2"]), (["--have", folder + "/absent"], ["absent"]),
                       (["--have-from", "exit 3"], ["exit 3", "exit code 3"]), (["--have-from", "echo what"], ["what", "line 1"]),
                       (["--have", "oci:" + folder], ["oci-layout"])):
        tool("save", "-q", "--store", IMAGES, *have, "-o", out, "greeting:1.0").refused(*says)
    same([f for f in os.listdir(folder) if f.startswith("none")], [], "what was written")
    tool("have").refused("which store", code=2)
    tool("have", IMAGES, "nobody:1").refused("nobody:1", "tarexport ls")


@check("thin and base merged are the whole, in either order, in either layout")
def merged(tool, folder):
    for layout in ("docker", "hybrid"):
        to = ("--layout", layout)
        base = archive(tool, folder, "base.tar", *to, "hello:1.0")
        full = archive(tool, folder, "full.tar", *to, "greeting:1.0")
        thin = archive(tool, folder, "thin.tar", *to, "--have", base, "greeting:1.0")
        tool("save", "-q", "--store", "archive:" + thin, *to, "greeting:1.0").refused("greeting:1.0", "missing", "merge a thin archive with its base")
        for parts in ((thin, base), (base, thin)):
            one = tool("merge", "-q", *to, "--only", "greeting:1.0", *parts).ok().out
            same(one == content(full), True, f"{layout}: the merged archive is the whole")
        both = tool("merge", "-q", *to, base, thin).ok().out
        direct = tool("save", "-q", "--store", IMAGES, *to, "hello:1.0", "greeting:1.0").ok().out
        same(both == direct, True, f"{layout}: all names, in the order of the arguments")


@check("merging writes what archives share once, and refuses to lose a name")
def bundle(tool, folder):
    one = archive(tool, folder, "one.tar", "hello:1.0", "greeting:1.0")
    two = archive(tool, folder, "two.tar", "greeting:1.0=other:1", "hello:1.0")
    names = entries(one)
    out = folder + "/bundle.tar"
    tool("merge", "-q", "-o", out, one, two).ok()
    same(sorted(entries(out)), sorted(names), "the entries")
    wrong = archive(tool, folder, "wrong.tar", "greeting:1.0=hello:1.0")
    tool("merge", "-q", "-o", folder + "/lost.tar", one, wrong).refused("hello:1.0", "two images have this name")
    same(os.path.exists(folder + "/lost.tar"), False, "whether it is there")
    tool("merge", "-q", "-o", out, "--only", "hello:1.0", wrong, one).ok() # the first that has it
    need("463dc0d6" in tool("ls", "--store", "archive:" + out).ok().out.decode(), "the first archive's hello:1.0 was not taken")
    tool("merge").refused("which archives", code=2)
    tool("merge", "-o", out, IMAGES).refused("no archive", code=2)


@check("verify tells which layers of a thin archive the other side lacks")
def verified(tool, folder):
    base = archive(tool, folder, "base.tar", "hello:1.0")
    thin = archive(tool, folder, "thin.tar", "--have", base, "greeting:1.0")
    missing, = said_left_out(content(thin))
    alone = json.loads(tool("verify", "--json", thin).ok().out)
    same([(b["digest"], b["atHand"]) for b in alone["needed"]], [(missing, False)], "what it needs")
    there = json.loads(tool("verify", "--json", "--have", base, thin).ok().out)
    same([(b["digest"], b["atHand"]) for b in there["needed"]], [(missing, True)], "what it needs where the base is")
    same(tool("verify", "--have-from", f"{tool.path} have 'archive:{base}'", thin).ok().code, 0, "the exit code with a command")
    open(folder + "/empty", "w").close()
    lacking = tool("verify", "--have", folder + "/empty", thin)
    same(lacking.code, 1, "the exit code where nothing is")
    said = [line for line in lacking.out.decode().splitlines() if line.startswith("error ")]
    same(len(said), 1, f"the number of errors in {said}")
    need(missing in said[0] and "merge the archive with its base" in said[0], said[0])
