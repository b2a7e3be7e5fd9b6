#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#
"""Archives as stores: what was saved is saved again."""

import gzip
import io
import json
import os
import pty
import subprocess
import tarfile
import time

from harness import Checks, need, same
from layout import app, raw_layer, sha256

check = Checks()


def saved(tool, folder):
    """An archive of app:1.0; its path and its bytes."""
    path = folder + "/app.tar"
    tool.save(app(folder + "/store"), "-o", path, "app:1.0").ok()
    with open(path, "rb") as file:
        return path, file.read()


def tar_of(entries):
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, data in entries:
            header = tarfile.TarInfo(name)
            header.size = len(data)
            tar.addfile(header, io.BytesIO(data))
    return archive.getvalue()


def docker_archive(*images):
    """An archive with manifest.json alone, of (tag, layer)."""
    entries, items = [], []
    for tag, layer in images:
        config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [sha256(layer)]}}).encode()
        entries += [(tag + ".json", config), (tag + ".tar", layer)]
        items.append({"Config": tag + ".json", "RepoTags": [tag], "Layers": [tag + ".tar"]})
    return tar_of(entries + [("manifest.json", json.dumps(items).encode())])


@check("archive:FILE and archive:- give the archive again, also from a pipe, a file at standard input, and compressed")
def again(tool, folder):
    path, archive = saved(tool, folder)
    same(tool("save", "--store", "archive:" + path, "app:1.0").ok().out, archive, "from the file")
    with open(path, "rb") as file:
        same(tool("save", "--store", "archive:-", "app:1.0", stdin=file).ok().out, archive, "from standard input")
    for name, data in (("plain", archive), ("gzip", gzip.compress(archive))):
        piped = subprocess.run([tool.path, "save", "--store", "archive:-", "app:1.0"], input=data, capture_output=True, check=False)
        same((piped.returncode, piped.stdout), (0, archive), f"from a pipe, {name}: {piped.stderr!r}")
    packed = folder + "/app.tar.gz"
    with open(packed, "wb") as file:
        file.write(gzip.compress(archive))
    same(tool("save", "--store", "archive:" + packed, "app:1.0").ok().out, archive, "from a compressed file")
    plans = [tool("plan", "--store", store, "--json", "app:1.0").ok().out for store in ("archive:" + path, "oci:" + folder + "/store")]
    same(plans[0], plans[1], "the plan")


@check("ls lists an archive of docker 1.10 to 24, and save writes it as docker 25 does")
def docker(tool, folder):
    path = folder + "/old.tar"
    with open(path, "wb") as file:
        file.write(docker_archive(("app:1", raw_layer(100, 1)), ("app:2", raw_layer(200, 2))))
    listed = json.loads(tool("ls", "--json", "--store", "archive:" + path).ok().out)
    same([(each["names"], each["size"]) for each in listed], [(["app:1"], len(raw_layer(100, 1))), (["app:2"], len(raw_layer(200, 2)))], "ls")
    once = tool("save", "--store", "archive:" + path, "app").ok().out
    target = folder + "/new.tar"
    with open(target, "wb") as file:
        file.write(once)
    same(tool("save", "--store", "archive:" + target, "app").ok().out, once, "saved from what was saved")


@check("what was decided about an archive is told on standard error")
def remarks(tool, folder):
    path = folder + "/a.tar"
    layer = raw_layer(100, 1)
    entries = [("x.json", json.dumps({"os": "linux", "rootfs": {"diff_ids": [sha256(layer)]}}).encode()), ("x", b"old"), ("x", layer),
               ("manifest.json", b'[{"Config":"x.json","RepoTags":["app:1"],"Layers":["x"]}] more')]
    with open(path, "wb") as file:
        file.write(tar_of(entries))
    result = tool("save", "--store", "archive:" + path, "app:1").ok()
    need("the last counts: x" in result.err and "goes on behind its list" in result.err, f"it said {result.err!r}")


@check("archives that are none are refused, and the message says what to do")
def refused(tool, folder):
    path, archive = saved(tool, folder)
    bad = folder + "/bad.tar"

    def write(data):
        with open(bad, "wb") as file:
            file.write(data)
        return tool("ls", "--store", "archive:" + bad)

    write(b"").refused("no entries")
    write(b"x" * 2000).refused("invalid tar header")
    write(archive[:len(archive) // 2]).refused("archive ends too early")
    write(b"BZh91AY&SY" + b"x" * 100).refused("bzip2", "decompress it first")
    write(tar_of([("etc/passwd", b"root")])).refused("neither manifest.json")
    write(tar_of([("manifest.json", b"null")])).refused("null")
    write(docker_archive(("UPPER:1", raw_layer(10, 1)))).refused("UPPER:1")
    tool("ls", "--store", "archive:" + folder).refused("not a regular file")
    tool("ls", "--store", "archive:" + folder + "/none").refused("No such file")
    tool("ls", "--store", "archive:").refused("needs a file", code=2)
    tool("ls", "--store", "archive:" + path + "?x=1").refused("only ?name=REPOSITORY", code=2)
    tool("ls", "--store", path).refused("write --store archive:" + path, code=2)


@check("archive:- refuses a terminal")
def terminal(tool, folder):
    master, slave = pty.openpty()
    try:
        tool("ls", "--store", "archive:-", stdin=slave).refused("terminal", code=2)
    finally:
        os.close(slave)
        os.close(master)


@check("an archive of 20 GB is listed by its headers alone")
def large(tool, folder):
    # The layer is a hole in the file. Nothing can say its digest in this time, and nothing has to.
    size = 20 << 30
    path = folder + "/large.tar"
    config = json.dumps({"os": "linux", "rootfs": {"diff_ids": ["sha256:" + "0" * 64]}}).encode()
    head = tar_of([("c", config), ("manifest.json", b'[{"Config":"c","RepoTags":["app:1"],"Layers":["l"]}]')])
    header = tarfile.TarInfo("l")
    header.size = size
    with open(path, "wb") as file:
        file.write(header.tobuf(tarfile.GNU_FORMAT))
        file.truncate(512 + size)
        file.seek(512 + size)
        file.write(head)
    began = time.monotonic()
    listed = json.loads(tool("ls", "--json", "--store", "archive:" + path).ok().out)
    took = time.monotonic() - began
    same([each["size"] for each in listed], [size], "the size")
    need(took < 10, f"it took {took:.1f} s")


@check("verify says the same of a file and of a pipe, whatever the number of jobs")
def verified(tool, folder):
    # Layers that are large enough to be hashed side by side; the second is damaged.
    data = raw_layer(3 << 20, 2)
    whole = docker_archive(("a:1", tar_of([("f", raw_layer(3 << 20, 1))])), ("b:1", tar_of([("f", data)])))
    for archive, code in ((whole, 0), (whole.replace(data, data[:-9] + b"x" * 9), 1)):
        path = folder + "/two.tar"
        with open(path, "wb") as file:
            file.write(archive)
        with open(path, "rb") as piped:
            expected = tool("verify", "--json", "--jobs", "1", "-", stdin=subprocess.Popen(["cat"], stdin=piped, stdout=subprocess.PIPE).stdout)
        same(expected.code, code, "the exit code")
        need("digest" not in json.loads(expected.out), "a digest was told that nobody asked for")
        for jobs in ("1", "2", "7"):
            same(tool("verify", "--json", "--jobs", jobs, path).out, expected.out, f"what is found with {jobs} jobs")
            with open(path, "rb") as file:
                same(tool("verify", "--json", "--jobs", jobs, "-", stdin=file).out, expected.out, f"what is found of standard input with {jobs} jobs")
            same(json.loads(tool("verify", "--json", "--digest", "--jobs", jobs, path).out)["digest"], sha256(archive), "the digest")
    for jobs in ("0", "many"):
        tool("verify", "--jobs", jobs, path).refused("jobs", code=2)
    tool("verify", folder).refused(folder)
    tool("verify", folder + "/none.tar").refused("none.tar", "No such file")
