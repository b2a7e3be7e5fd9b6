#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#
"""Stores that change while a save reads them."""

import os
import shutil

from harness import Checks, Failed, broken, drain, need, whole
from layout import app, noise

check = Checks()

SIZE = 4 << 20 # more than is read ahead


def interrupted(tool, layout, harm, *arguments):
    """Do harm to the store while the save waits in its first large layer, for a reader that rests."""
    with tool.start("save", "--store", layout.url, *arguments, "app:1.0") as process:
        head = process.stdout.read(100)
        harm()
        return drain(process, head)


def layers_in_order(layout):
    """The layers as the archive has them: by digest."""
    return sorted(layout.read(layout.manifest)["layers"], key=lambda each: each["digest"])


def overwrite(path, position, data):
    with open(path, "r+b") as blob:
        blob.seek(position)
        blob.write(data)


def each_case(tool, folder, cases, *arguments):
    for n, (victim, harm, says) in enumerate(cases):
        layout = app(f"{folder}/{n}", sizes=(SIZE,) * 4)
        blob = layers_in_order(layout)[victim]
        path = layout.path(blob)
        result = interrupted(tool, layout, lambda: harm(path), *arguments)
        try:
            result.refused(says, os.path.basename(path))
            need(100 < len(result.out) < 5 * SIZE, f"{len(result.out)} bytes were written")
            broken(result.out)
        except Failed as why:
            raise Failed(f"case {n} ({says}): {why}") from None
        shutil.rmtree(layout.folder)


LATER = (
    (1, os.remove, "missing blob"),
    (3, os.remove, "missing blob"),
    (2, lambda path: os.truncate(path, 5), "wrong size"),
    (2, lambda path: overwrite(path, SIZE + 5000, b"more" * 1000), "wrong size"),
    (1, lambda path: (os.remove(path), os.mkfifo(path)), "not a regular file"),
    (1, lambda path: (os.remove(path), os.symlink("/dev/zero", path)), "not a regular file"),
    (1, lambda path: (os.remove(path), os.mkdir(path)), "not a regular file"),
)


@check("a layer that changes while it is read: cut, grown, overwritten")
def while_read(tool, folder):
    each_case(tool, folder, (
        (0, lambda path: os.truncate(path, SIZE // 2), "layer shorter than promised"),
        (0, lambda path: os.truncate(path, 0), "layer shorter than promised"),
        (0, lambda path: overwrite(path, os.path.getsize(path), b"x"), "layer longer than promised"),
        (0, lambda path: os.truncate(path, 1 << 40), "layer longer than promised"),
        (0, lambda path: overwrite(path, SIZE - 100, noise(50, 3)), "wrong digest")))


@check("a layer that changes before it is its turn: removed, cut, grown, overwritten, replaced")
def before_its_turn(tool, folder):
    each_case(tool, folder, LATER + (
        (1, lambda path: overwrite(path, 600, noise(50, 3)), "wrong digest"),
        (3, lambda path: overwrite(path, SIZE - 100, noise(50, 3)), "wrong digest")))


@check("the same without verifying: what changes the size is noticed")
def unverified(tool, folder):
    each_case(tool, folder, LATER + (
        (0, lambda path: os.truncate(path, SIZE // 2), "expected"),
        (0, lambda path: os.truncate(path, 0), "expected")), "--no-verify")


@check("a layer that is removed or replaced while it is read is still the one that was opened")
def unlinked(tool, folder):
    layout = app(folder + "/store", sizes=(SIZE,) * 2)
    expected = tool.save(layout, "app:1.0").ok().out
    path = layout.path(layers_in_order(layout)[0])
    for harm in (lambda: os.rename(path, folder + "/kept"), lambda: shutil.copy("/etc/passwd", path)):
        for more in ([], ["--no-verify"]):
            if os.path.exists(folder + "/kept"):
                os.replace(folder + "/kept", path)
            result = interrupted(tool, layout, lambda: os.rename(path, folder + "/kept"), *more).ok()
            need(result.out == expected, "the archive differs")
    whole(expected)


@check("index.json and the documents are read once: replacing them in the middle changes nothing")
def documents_replaced(tool, folder):
    layout = app(folder + "/store", sizes=(SIZE,) * 2)
    expected = tool.save(layout, "app:1.0").ok().out

    def harm():
        for path in (layout.folder + "/index.json", layout.folder + "/oci-layout", layout.path(layout.manifest),
                     layout.path(layout.config_of(layout.manifest))):
            os.remove(path)
    result = interrupted(tool, layout, harm).ok()
    need(result.out == expected, "the archive differs")


@check("the store's folder is renamed in the middle, and a store reached by a link: both are read")
def moved(tool, folder):
    layout = app(folder + "/store", sizes=(SIZE,) * 2)
    expected = tool.save(layout, "app:1.0").ok().out
    result = interrupted(tool, layout, lambda: os.rename(layout.folder, folder + "/moved")).ok()
    need(result.out == expected, "the archive differs")
    os.symlink("moved", layout.folder)
    need(tool.save(layout, "app:1.0").ok().out == expected, "through a link, the archive differs")
