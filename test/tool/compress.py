#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#
"""--compress and --jobs: the archive that other programs get back."""

import os
import shutil
import subprocess

from harness import Checks, Skipped, need, same
from layout import app

check = Checks()
PROGRAMS = {"gzip": ["gzip", "-dc"], "zstd": ["zstd", "-dcq"]}


def expanded(form, data):
    """The exit code of a program that decompresses it, and the bytes."""
    if not shutil.which(form):
        raise Skipped(f"there is no {form}")
    done = subprocess.run(PROGRAMS[form], input=data, capture_output=True, check=False)
    return done.returncode, done.stdout


@check("--compress: gzip and zstd give the archive back; threads and the kind of output change nothing; verify reads it")
def compressed(tool, folder):
    store = app(folder + "/store", sizes=(3000, 3_000_000, 2_500_000))
    archive = tool.save(store, "app:1.0").ok().out
    for how in ("gzip", "gzip:1", "zstd", "zstd:9"):
        form = how.split(":")[0]
        packed = tool.save(store, "--compress", how, "--jobs", "1", "app:1.0").ok().out
        same(expanded(form, packed), (0, archive), f"what {form} makes of --compress {how}")
        for jobs in ("2", "5"):
            path = f"{folder}/{form}.{jobs}"
            tool.save(store, "--compress", how, "--jobs", jobs, "-o", path, "app:1.0").ok()
            with open(path, "rb") as file:
                need(file.read() == packed, f"--jobs {jobs} gives other bytes")
            tool("verify", path).ok()
            same(tool("save", "--store", "archive:" + path, "app:1.0").ok().out, archive, f"saved from what --compress {how} has written")


@check("--compress: a save that fails leaves nothing that decompresses as whole")
def fails(tool, folder):
    store = app(folder + "/store", sizes=(3_000_000, 3_000_001))
    manifest = store.read(store.entries[0])
    victim = store.path(manifest["layers"][1])
    with open(victim, "r+b") as file:
        file.seek(2_000_000)
        file.write(b"changed")
    for form in PROGRAMS:
        done = tool.save(store, "--compress", form, "app:1.0")
        same(done.code, 1, "the exit code")
        need(len(done.out) > 1 << 20, f"{len(done.out)} bytes came, too few to tell")
        need(expanded(form, done.out)[0] != 0, f"{form} takes it for whole")
        tool.save(store, "--compress", form, "-o", folder + "/out", "app:1.0").refused("layer")
        same([each for each in os.listdir(folder) if each.startswith("out")], [], "what is left")


@check("--compress and --jobs say what they take, and what they do not go with")
def usage(tool, folder):
    store = app(folder + "/store")
    for wrong in ("xz", "gzip:0", "gzip:10", "zstd:20", "zstd:", ""):
        tool.save(store, "--compress", wrong, "app:1.0").refused("--compress", code=2)
    for other in (("--digest",), ("--offset", "5")):
        tool.save(store, "--compress", "zstd", *other, "app:1.0").refused(other[0], "not with --compress", code=2)
    for other in ("--resume", "--keep-partial"):
        tool.save(store, "--compress", "zstd", other, "-o", folder + "/out", "app:1.0").refused(other, "not with --compress", code=2)
    for wrong in ("0", "-1", "65"):
        tool.save(store, "--jobs=" + wrong, "app:1.0").refused("--jobs", code=2)


@check("--jobs: a file is the same for any number of threads")
def threads(tool, folder):
    store = app(folder + "/store", sizes=(6_000_000, 5_000_000, 7_000_000, 100, 4_500_000))
    archive = tool.save(store, "app:1.0").ok().out
    for jobs in ("1", "2", "3", "8"):
        tool.save(store, "--jobs", jobs, "-o", folder + "/out", "app:1.0").ok()
        with open(folder + "/out", "rb") as file:
            need(file.read() == archive, f"--jobs {jobs} gives other bytes")
