#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#
"""Going on with a save that failed."""

import json
import os
import random
import shutil
import signal
import time

from harness import Checks, left, need, paused_save, same, signalled, whole
from layout import app, large_app
from use import slurp

check = Checks()


def etag(tool, layout):
    return json.loads(tool("plan", "--store", layout.url, "--json", "app:1.0").ok().out)["etag"]


def partial(target, data, identity):
    """What a save leaves that wrote these bytes."""
    with open(target + ".part", "wb") as part:
        part.write(data)
    with open(target + ".part.etag", "w") as file:
        file.write(identity + "\n")


def flip(path, position):
    with open(path, "r+b") as blob:
        blob.seek(position)
        byte = blob.read(1)[0]
        blob.seek(position)
        blob.write(bytes([byte ^ 1]))


@check("--resume goes on after kill -9")
def after_kill(tool, folder):
    layout = large_app(folder + "/store")
    os.mkdir(folder + "/out")
    target = folder + "/out/app.tar"
    process = paused_save(tool, layout, target, "--keep-partial")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    same(process.returncode, -signal.SIGKILL, "the exit code")
    same(left(folder + "/out"), ["app.tar.part", "app.tar.part.etag"], "what is left")
    had = os.path.getsize(target + ".part")
    result = tool.save(layout, "--resume", "-o", target, "app:1.0").ok()
    same(left(folder + "/out"), ["app.tar"], "what is left in the end")
    tool.save(layout, "-o", folder + "/expected.tar", "--no-sync", "app:1.0").ok()
    size = os.path.getsize(folder + "/expected.tar")
    with open(target, "rb") as one, open(folder + "/expected.tar", "rb") as two:
        while block := one.read(1 << 20):
            need(block == two.read(1 << 20), "the archive differs")
        need(not two.read(1), "the archive is short")
    need("saved" in result.err and f"{had} bytes" not in result.err, result.err)
    return f"{had * 100 // size}% were there"


@check("--resume goes on from any length, and rests on nothing else")
def any_length(tool, folder):
    layout = app(folder + "/store", sizes=(3000, 300000))
    archive = tool.save(layout, "app:1.0").ok().out
    identity = etag(tool, layout)
    plan = json.loads(tool("plan", "--store", layout.url, "--json", "app:1.0").ok().out)
    lengths = {0, 1, 512, 513, len(archive) - 1024, len(archive) - 1023, len(archive) - 1, len(archive)}
    lengths |= {edge + by for e in plan["entries"] for edge in (e["offset"], e["data"], e["data"] + e["size"]) for by in (-1, 0, 1)}
    lengths |= {random.Random(4).randrange(len(archive)) for _ in range(10)}
    target = folder + "/app.tar"
    for n in sorted(n for n in lengths if n >= 0):
        partial(target, archive[:n], identity)
        for more in ([], ["--no-verify"], ["--keep-partial", "--no-sync"]):
            partial(target, archive[:n], identity)
            tool.save(layout, "--resume", *more, "-o", target, "app:1.0").ok()
            need(slurp(target) == archive, f"with {n} bytes there and {more}, the archive differs")
    same(left(folder), ["app.tar", "store"], "what is left")
    return f"{len(lengths)} lengths"


@check("--resume goes back to before what has changed in the partial file")
def changed_part(tool, folder):
    layout = app(folder + "/store", sizes=(3000, 300000, 1000))
    target = folder + "/app.tar"
    tries = 0
    for layout_name in ("docker", "hybrid"):
        form = ["--layout", layout_name, "--store", layout.url]
        archive = tool("save", *form, "app:1.0").ok().out
        plan = json.loads(tool("plan", *form, "--json", "app:1.0").ok().out)
        edges = {e[key] + by for e in plan["entries"] for key in ("offset", "data") for by in (-1, 0, 300)} | {len(archive) - 700}
        for n in (len(archive), len(archive) - 600, plan["entries"][-1]["data"] + 1, len(archive) // 2):
            for position in sorted(at for at in edges if 0 <= at < n):
                for more in ([], ["--no-verify"]):
                    partial(target, archive[:n], plan["etag"])
                    flip(target + ".part", position)
                    tool("save", *form, "--resume", "--no-sync", *more, "-o", target, "app:1.0").ok()
                    need(slurp(target) == archive, f"{layout_name}: of {n} bytes, byte {position} stays changed ({more})")
                    tries += 1
    same(left(folder), ["app.tar", "store"], "what is left")
    return f"{tries} bytes"


@check("a layer fails and is repaired: --resume makes the right archive, with none of the wrong bytes")
def repaired(tool, folder):
    target = folder + "/app.tar"
    for size, position in ((3000, 600), (3000, 3500), (2 << 20, 600), (2 << 20, 1 << 20), (2 << 20, (2 << 20) - 1)):
        for more in ([], ["--no-verify"]):
            shutil.rmtree(folder + "/store", ignore_errors=True)
            layout = app(folder + "/store", sizes=(1000, size, 2000))
            archive = tool.save(layout, "app:1.0").ok().out
            blob = layout.path(layout.layer_of(layout.manifest, 1))
            flip(blob, position)
            tool.save(layout, "--keep-partial", "-o", target, "app:1.0").refused("wrong digest", os.path.basename(blob))
            same(left(folder), ["app.tar.part", "app.tar.part.etag", "store"], "what is left")
            tool.save(layout, "--resume", "-o", target, "app:1.0").refused("wrong digest", os.path.basename(blob))
            same(left(folder), ["app.tar.part", "app.tar.part.etag", "store"], "what is left of the second try")
            flip(blob, position)
            tool.save(layout, "--resume", *more, "-o", target, "app:1.0").ok()
            need(slurp(target) == archive, f"the archive differs (byte {position} of a layer of {size}, {more})")
            os.remove(target)


@check("--resume goes on with what was right when the layer behind it fails")
def keeps_what_is_right(tool, folder):
    layout = app(folder + "/store", sizes=(1 << 20, 1 << 20))
    archive = tool.save(layout, "app:1.0").ok().out
    identity = etag(tool, layout)
    target = folder + "/app.tar"
    partial(target, archive[:1500000], identity)
    flip(layout.path(layout.layer_of(layout.manifest, 0)), 5)
    flip(layout.path(layout.layer_of(layout.manifest, 1)), 5)
    tool.save(layout, "--resume", "-o", target, "app:1.0").refused("wrong digest")
    flip(layout.path(layout.layer_of(layout.manifest, 0)), 5)
    flip(layout.path(layout.layer_of(layout.manifest, 1)), 5)
    tool.save(layout, "--resume", "-o", target, "app:1.0").ok()
    need(slurp(target) == archive, "the archive differs")


@check("--resume refuses what is not of this archive, says why and leaves it")
def refuses(tool, folder):
    layout = app(folder + "/store")
    archive = tool.save(layout, "app:1.0").ok().out
    identity, other = etag(tool, layout), "sha256:" + "5" * 64
    os.mkdir(folder + "/out")
    target = folder + "/out/app.tar"

    def refused(*says):
        before = {name: slurp(f"{folder}/out/{name}") for name in left(folder + "/out")}
        tool.save(layout, "--resume", "-o", target, "app:1.0").refused(target, *says)
        same({name: slurp(f"{folder}/out/{name}") for name in left(folder + "/out")}, before, "the folder")

    partial(target, archive[:5000], other)
    refused("another archive", other)
    partial(target, archive + b"x", identity)
    refused("cannot resume", str(len(archive)), str(len(archive) + 1))
    partial(target, archive[:5000], "no digest at all")
    refused("app.tar.part.etag", "no digest")
    os.remove(target + ".part.etag")
    refused("app.tar.part.etag")
    with open(target + ".part.etag", "wb") as file:
        file.write(bytes(1 << 20))
    refused("no digest")
    partial(target, archive[:5000], identity)
    tool.save(layout, "--resume", "-o", target, "app:1.0=other:2").refused("another archive")
    tool.save(layout, "--resume", "-o", target, "app:1.0").ok()
    need(slurp(target) == archive, "the archive differs")


@check("--resume without a partial file begins anew, and says so")
def nothing_there(tool, folder):
    layout = app(folder + "/store")
    archive = tool.save(layout, "app:1.0").ok().out
    target = folder + "/app.tar"
    for more in ([], ["--quiet"]):
        said = tool.save(layout, "--resume", *more, "-o", target, "app:1.0").ok().err
        same(f"nothing to go on with in {target}.part" in said, not more, "whether it is said")
        same(slurp(target), archive, "the archive")
        same(left(folder), ["app.tar", "store"], "what is left")
        os.remove(target)


@check("--resume follows no symbolic link in place of the partial file, goes on with no file of two names, and does not say that it would")
def linked(tool, folder):
    layout = app(folder + "/store")
    archive = tool.save(layout, "app:1.0").ok().out
    for name, link in ((".part", os.symlink), (".part.etag", os.symlink), (".part", os.link)):
        target = folder + "/app.tar"
        partial(target, archive[:5000], etag(tool, layout))
        os.rename(target + name, folder + "/elsewhere")
        link(folder + "/elsewhere", target + name)
        before = slurp(folder + "/elsewhere")
        result = tool.save(layout, "--resume", "-o", target, "app:1.0").refused(target)
        need("to go on" not in result.err, f"{result.err!r} says to repeat what fails again")
        same(slurp(folder + "/elsewhere"), before, "the file that the link points to")
        for each in (".part", ".part.etag"):
            os.remove(target + each)


@check("a signal ends --resume while it still compares what is there with the store")
def stopped_while_comparing(tool, folder):
    layout = large_app(folder + "/store", 20 << 30)
    plan = json.loads(tool("plan", "--store", layout.url, "--json", "app:1.0").ok().out)
    layer = next(e for e in plan["entries"] if e["size"] == 20 << 30)
    os.mkdir(folder + "/out")
    target = folder + "/out/app.tar"
    with tool.start("save", "--store", layout.url, "app:1.0") as process:
        first = process.stdout.read(layer["data"])
        process.kill()
    partial(target, first, plan["etag"])
    os.truncate(target + ".part", layer["data"] + (19 << 30)) # of zeros, as the layer is
    process = tool.start("save", "--store", layout.url, "--resume", "-o", target, "app:1.0")
    time.sleep(0.5)
    start = time.monotonic()
    signalled(process, signal.SIGTERM).refused(target, "cancelled", "--resume")
    seconds = time.monotonic() - start
    need(seconds < 2, f"it took {seconds:.1f} s")
    same(left(folder + "/out"), ["app.tar.part", "app.tar.part.etag"], "what is left")


@check("--keep-partial keeps nothing that cannot be gone on with, and leaves nothing after success")
def keep_partial(tool, folder):
    layout = app(folder + "/store")
    os.mkdir(folder + "/out")
    target = folder + "/out/app.tar"
    tool.save(layout, "--keep-partial", "-o", target, "app:1.0").ok()
    same(left(folder + "/out"), ["app.tar"], "what is left after success")
    os.remove(target)
    tool.save(layout, "--keep-partial", "-o", target, "nobody:1").refused("nobody:1")
    same(left(folder + "/out"), [], "what is left after a name that is not there")
    blob = layout.path(layout.layer_of(layout.manifest, 1))
    flip(blob, 100)
    tool.save(layout, "--keep-partial", "-o", target, "app:1.0").refused("wrong digest")
    same(left(folder + "/out"), ["app.tar.part", "app.tar.part.etag"], "what is left after a wrong layer")
    tool.save(layout, "-o", target, "app:1.0").refused("wrong digest")
    same(left(folder + "/out"), [], "what a save without --keep-partial leaves of it")
    flip(blob, 100)
    whole(tool.save(layout, "app:1.0").ok().out)
