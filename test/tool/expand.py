#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#
"""--expand: archives with raw layers from layouts and archives with compressed ones."""

import gzip
import hashlib
import json

from harness import Checks, same
from layout import LAYER, Layout, raw_layer

GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
WAYS = ["--expand", "--expand=measured", "--expand=spooled", "--expand=promised"]

check = Checks()


def layouts(folder, damage=lambda data: data):
    """The same image with raw layers, and with compressed ones."""
    layers = [raw_layer(200000 * n, n, f"file{n}") for n in (1, 2, 3)]
    diffs = {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(data).hexdigest() for data in layers]}
    raw, packed = Layout(folder + "/raw"), Layout(folder + "/packed")
    raw.add(raw.image([raw.blob(data, LAYER) for data in layers], rootfs=diffs), "app:1.0")
    packed.add(packed.image([packed.blob(damage(gzip.compress(data, mtime=0)), GZIP) for data in layers], rootfs=diffs), "app:1.0")
    raw.finish()
    packed.finish()
    return raw, packed, layers


@check("--expand saves what the same image with raw layers is saved as, in every way, by any number of threads")
def ways(tool, folder):
    raw, packed, _ = layouts(folder)
    expected = tool.save(raw, "app:1.0").ok().out
    plan = json.loads(tool("plan", "--json", "--store", raw.url, "app:1.0").ok().out)
    for way in WAYS:
        for jobs in ("1", "2", "7"):
            same(tool.save(packed, way, "--jobs", jobs, "app:1.0").ok().out, expected, f"the archive with {way}, {jobs} threads")
        same(json.loads(tool("plan", "--json", way, "--store", packed.url, "app:1.0").ok().out), plan, f"the plan with {way}")
    tool("save", "--quiet", "--store", packed.url, "-o", folder + "/packed.tar", "app:1.0").ok()
    same(tool("save", "--quiet", "--store", "archive:" + folder + "/packed.tar", "--expand", "app:1.0").ok().out, expected, "from an archive")
    tool("save", "--quiet", "--store", packed.url, "--expand", "--layout", "hybrid", "-o", folder + "/hybrid.tar", "app:1.0").ok()
    tool("verify", folder + "/hybrid.tar").ok()


@check("ls --expand tells how large the layers are when they are unpacked")
def sizes(tool, folder):
    raw, packed, layers = layouts(folder)
    for arguments, size in ([raw.url], sum(map(len, layers))), ([packed.url, "--expand"], sum(map(len, layers))):
        same(json.loads(tool("ls", "--json", "--store", *arguments).ok().out)[0]["size"], size, f"the size with {arguments}")


@check("--expand of a damaged layer tells which one, and writes nothing where it is measured")
def damaged(tool, folder):
    _, packed, _ = layouts(folder, lambda data: data[:-4])
    for way in WAYS:
        done = tool.save(packed, way, "app:1.0")
        done.refused("app:1.0", "layer 0 of image sha256:", "the gzip data ends too early")
        if way != "--expand=promised":
            same(done.out, b"", "what was written")


@check("--expand takes no other word")
def words(tool, folder):
    _, packed, _ = layouts(folder)
    tool.save(packed, "--expand=always", "app:1.0").refused("always", "measured", "promised", "spooled", code=2)
