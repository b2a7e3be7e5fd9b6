#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#
"""Stores that are damaged, or made by somebody who means harm."""

import json
import os
import resource
import shutil
import socket
import time

from harness import Checks, Failed, Skipped, broken, left, need, same, whole
from layout import ARCHITECTURE, INDEX, LAYER, MANIFEST, Layout, app, raw_layer, sha256, text

check = Checks()


def refuses(tool, folder, layout, *says, names=("app:1.0",), **options):
    """Saving to a file and to a pipe fails, tells why, leaves no file, and what the pipe got is refused by readers."""
    out = os.path.join(folder, "out")
    os.makedirs(out, exist_ok=True)
    os.chmod(out, 0o777)
    tool.save(layout, "--progress", "none", "-o", out + "/app.tar", *names, **options).refused(*says)
    same(left(out), [], "what is left")
    result = tool.save(layout, *names, **options).refused(*says)
    if result.out:
        broken(result.out)
    return len(result.out)


def change(path, function):
    with open(path, "rb") as blob:
        data = blob.read()
    with open(path, "wb") as blob:
        blob.write(function(data))


def hexadecimal(descriptor):
    return descriptor["digest"].partition(":")[2]


def blob_of(layout, which):
    """A blob of the image, by a word."""
    if which == "manifest":
        return layout.manifest
    return layout.config_of(layout.manifest) if which == "config" else layout.layer_of(layout.manifest, int(which))


BLOBS = ("manifest", "config", "0", "1", "2")


def each_blob(tool, folder, harm, *says):
    for which in BLOBS:
        home = f"{folder}/{which}"
        os.mkdir(home)
        os.chmod(home, 0o755)
        layout = app(home + "/store")
        victim = blob_of(layout, which)
        harm(layout.path(victim))
        try:
            refuses(tool, home, layout, hexadecimal(victim), *says)
        except Failed as why:
            raise Failed(f"{which}: {why}") from None


@check("a blob that is missing")
def missing(tool, folder):
    each_blob(tool, folder, os.remove, "missing blob", "app:1.0")


@check("a blob that is truncated")
def truncated(tool, folder):
    each_blob(tool, folder, lambda path: os.truncate(path, os.path.getsize(path) - 1), "wrong size", "app:1.0")


@check("a blob that is empty")
def emptied(tool, folder):
    each_blob(tool, folder, lambda path: os.truncate(path, 0), "wrong size", "found 0")


@check("a blob that is longer than its descriptor")
def longer(tool, folder):
    each_blob(tool, folder, lambda path: change(path, lambda data: data + b"\n"), "wrong size")


@check("a blob with a byte changed: manifest, config, each layer")
def wrong_digest(tool, folder):
    each_blob(tool, folder, lambda path: change(path, lambda data: data[:-1] + bytes([data[-1] ^ 1])), "wrong digest")


@check("a wrong layer is noticed wherever it comes in the archive, whatever its size")
def wrong_layers(tool, folder):
    written = []
    for n, sizes in enumerate(((1,), (511,), (512,), (262144 - 1024,), (262144,), (1 << 20, 1), (1, 1 << 20), (5,) * 30)):
        for which in {0, len(sizes) - 1}:
            home = f"{folder}/{n}-{which}"
            os.mkdir(home)
            layout = app(home + "/store", sizes=sizes)
            victim = layout.layer_of(layout.manifest, which)
            change(layout.path(victim), lambda data: bytes([data[0] ^ 1]) + data[1:])
            written.append(refuses(tool, home, layout, "wrong digest", hexadecimal(victim)))
    return f"{min(written)} to {max(written)} bytes were written"


@check("--no-verify still checks sizes")
def sizes_without_hashes(tool, folder):
    layout = app(folder + "/store")
    path = layout.path(layout.layer_of(layout.manifest, 1))
    change(path, lambda data: data[1:])
    refuses(tool, folder, layout, "wrong size", names=("--no-verify", "app:1.0"))


def in_place_of_each_blob(tool, folder, put, *says):
    def harm(path):
        os.rename(path, path + ".real")
        put(path)
    each_blob(tool, folder, harm, *says)


def bind(path):
    """A socket, whose name may be longer than the system wants it at once."""
    with socket.socket(socket.AF_UNIX) as s:
        here = os.open(os.path.dirname(path), os.O_PATH)
        s.bind(f"/proc/self/fd/{here}/{os.path.basename(path)[:40]}")
        os.rename(os.path.join(os.path.dirname(path), os.path.basename(path)[:40]), path)
        os.close(here)


@check("a symbolic link, FIFO, folder or socket in place of a blob is refused, and waits for nobody")
def odd_files(tool, folder):
    for name, put in (("link", lambda path: os.symlink(path + ".real", path)), ("fifo", os.mkfifo), ("folder", os.mkdir), ("socket", bind),
                      ("outside", lambda path: os.symlink("/etc/passwd", path)), ("loop", lambda path: os.symlink(path, path))):
        home = f"{folder}/{name}"
        os.mkdir(home)
        in_place_of_each_blob(tool, home, put, "not a regular file")


@check("a device in place of a blob is refused")
def devices(tool, folder):
    def put(path):
        os.mknod(path, 0o666 | 0o020000, os.makedev(1, 5))  # /dev/zero
    try:
        put(folder + "/device")
    except PermissionError:
        raise Skipped("making a device needs root") from None
    in_place_of_each_blob(tool, folder, put, "not a regular file")


@check("a symbolic link on the way to the blobs is refused")
def linked_folders(tool, folder):
    for n, name in enumerate(("blobs", "blobs/sha256")):
        home = f"{folder}/{n}"
        os.mkdir(home)
        layout = app(home + "/store")
        os.rename(f"{layout.folder}/{name}", home + "/elsewhere")
        os.symlink(home + "/elsewhere", f"{layout.folder}/{name}")
        refuses(tool, home, layout, "not a regular file", hexadecimal(layout.manifest))


@check("index.json and oci-layout: missing, linked, a FIFO, a folder, not JSON, too large, too deep, of another version")
def roots(tool, folder):
    huge = 65 << 20
    deep = b"[" * 200000
    for n, (name, harm, says) in enumerate((
            ("index.json", os.remove, "no file index.json"),
            ("oci-layout", os.remove, "no file oci-layout"),
            ("index.json", lambda path: (os.rename(path, path + ".real"), os.symlink("index.json.real", path)), "not a regular file"),
            ("oci-layout", lambda path: (os.rename(path, path + ".real"), os.symlink("oci-layout.real", path)), "not a regular file"),
            ("index.json", lambda path: (os.remove(path), os.mkfifo(path)), "not a regular file"),
            ("oci-layout", lambda path: (os.remove(path), os.mkfifo(path)), "not a regular file"),
            ("index.json", lambda path: (os.remove(path), os.mkdir(path)), "not a regular file"),
            ("index.json", lambda path: change(path, lambda data: b""), "invalid JSON"),
            ("index.json", lambda path: change(path, lambda data: data[:-1]), "invalid JSON"),
            ("index.json", lambda path: change(path, lambda data: b"\0" * 100), "invalid JSON"),
            ("index.json", lambda path: change(path, lambda data: b"[]"), "invalid document"),
            ("index.json", lambda path: change(path, lambda data: b"null"), "invalid document"),
            ("index.json", lambda path: change(path, lambda data: b'{"schemaVersion":2,"manifests":[{}]}'), "invalid document"),
            ("index.json", lambda path: change(path, lambda data: deep), "limit exceeded"),
            ("index.json", lambda path: os.truncate(path, huge), "limit exceeded"),
            ("index.json", lambda path: os.truncate(path, 1 << 40), "limit exceeded"),
            ("oci-layout", lambda path: os.truncate(path, 1 << 40), "limit exceeded"),
            ("oci-layout", lambda path: change(path, lambda data: deep[:60000]), "limit exceeded"),
            ("oci-layout", lambda path: change(path, lambda data: b'{"imageLayoutVersion":"2.0.0"}'), "invalid document"))):
        home = f"{folder}/{n}"
        os.mkdir(home)
        layout = app(home + "/store")
        harm(f"{layout.folder}/{name}")
        try:
            refuses(tool, home, layout, says, layout.folder)
            for command in (["ls"], ["plan"]):
                tool(*command, "--store", layout.url).refused(says, layout.folder)
        except Failed as why:
            raise Failed(f"{name}, case {n} ({says}): {why}") from None


@check("a store that is no store: nothing, a file, an empty folder, a folder that may not be read")
def no_store(tool, folder):
    os.mkdir(folder + "/empty")
    open(folder + "/file", "w").close()
    for path, says in ((folder + "/nothing", "No such file"), (folder + "/empty", "not an OCI image layout"), (folder + "/file", "not a directory"),
                       (folder + "/file/below", "directory")):
        for command in (["ls"], ["plan"], ["save", "-o", folder + "/out.tar"]):
            tool(*command, "--store", "oci:" + path).refused(path, says)
    layout = Layout(folder + "/none").finish()
    same(tool("ls", "--store", layout.url, "--json").ok().out, b"[]\n", "what ls lists of no images")
    tool.save(layout, "-o", folder + "/out.tar").refused(layout.folder, "no images")
    tool.save(layout, "--all").refused(layout.folder, "no images")
    same(left(folder), ["empty", "file", "none"], "what is left")


@check("blobs that may not be read")
def unreadable(tool, folder):
    as_nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    for n, (path, who) in enumerate((("blobs", "app:1.0"), ("blobs/sha256", "app:1.0"), ("index.json", "index.json"), ("layer", "app:1.0"))):
        home = f"{folder}/{n}"
        os.mkdir(home)
        os.chmod(home, 0o755)
        layout = app(home + "/store")
        victim = layout.path(layout.layer_of(layout.manifest)) if path == "layer" else f"{layout.folder}/{path}"
        os.chmod(victim, 0)
        refuses(tool, home, layout, "Permission denied", who, **as_nobody)
        os.chmod(victim, 0o755)


@check("an index that leads back to itself, or nests without end")
def cyclic(tool, folder):
    layout = Layout(folder + "/store")
    # A digest cannot be in what it is of; so whoever tries has to forge one.
    forged = {"mediaType": INDEX, "digest": "sha256:" + "a" * 64, "size": 0}
    inside = {**forged, "size": 999}
    data = text({"schemaVersion": 2, "mediaType": INDEX, "manifests": [inside]}).ljust(999)
    layout.write(layout.path(forged), data)
    layout.add(inside, "app:1.0")
    deep = layout.image([raw_layer()])
    for _ in range(200):
        deep = layout.index([deep])
    layout.add(deep, "deep:1.0")
    layout.finish()
    refuses(tool, folder, layout, "a" * 64, "wrong digest")
    refuses(tool, folder, layout, "deep:1.0", "nests too deeply", names=("deep:1.0",))


@check("an index that multiplies by ten on every level ends soon")
def bomb(tool, folder):
    layout = Layout(folder + "/store")
    level = [layout.image([raw_layer()])]
    for n in range(6):
        level = [layout.index(level * 10, annotations={"level": f"{n}.{k}"}) for k in range(10)]
    layout.add(layout.index(level), "app:1.0")
    layout.finish()
    start = time.monotonic()
    result = tool.save(layout, "app:1.0")
    need(result.code in (0, 1), f"exit code {result.code}")
    result.refused() if result.code else whole(result.out)
    seconds = time.monotonic() - start
    need(seconds < 30, f"it took {seconds:.0f} s")
    return f"exit code {result.code}, {seconds:.1f} s"


@check("few blobs that are listed again and again: untyped indexes, manifests, names, roots, artifacts; reading them ends soon")
def repeated(tool, folder):
    big, large = "x" * (60 << 20), "x" * (3 << 20)

    def untyped(layout):
        entry = layout.index([], annotations={"a": big})
        del entry["mediaType"]
        layout.add(layout.index([entry] * 3000), "app:1.0")

    def manifests(layout):
        layout.add(layout.index([layout.image([raw_layer()], manifest={"annotations": {"a": large}}, author=large)] * 5000), "app:1.0")

    def names(layout):
        image = layout.image([raw_layer()], manifest={"annotations": {"a": large}}, author=large)
        layout.add(image, "app:1.0", *(f"app:{n}" for n in range(5000)))

    def roots(layout):
        image = layout.image([raw_layer()])
        inside = layout.index([{**image, "annotations": {"n": str(n)}} for n in range(90000)])
        for n in range(100):
            layout.add(layout.index([inside], annotations={"n": str(n)}), f"app:{n}" if n else "app:1.0")

    def artifacts(layout):
        config = layout.blob(b"{}", "application/x")
        made = (layout.blob(text({"schemaVersion": 2, "config": config, "layers": [], "annotations": {"n": str(n)}}), MANIFEST) for n in range(20000))
        layout.add(layout.index([{**each, "platform": {"os": "linux", "architecture": ARCHITECTURE}} for each in made]), "app:1.0")

    notes = []
    for make, saved in ((untyped, "limit exceeded"), (manifests, None), (names, None), (roots, None), (artifacts, "lists no image")):
        layout = Layout(f"{folder}/{make.__name__}")
        make(layout)
        layout.finish()
        for arguments in (["save", "-o", folder + "/out.tar", "app" if make is names else "app:1.0"], ["ls"]):
            start = time.monotonic()
            result = tool(arguments[0], "--store", layout.url, *arguments[1:], preexec_fn=little_memory)
            notes.append(f"{arguments[0]} of {make.__name__} {time.monotonic() - start:.1f} s")
            if arguments[0] == "save" and saved:
                result.refused("app:1.0", saved)
            else:
                need(result.code in (0, 1), f"{notes[-1]}: exit code {result.code}: {result.err[:300]}")
        shutil.rmtree(layout.folder)
    return ", ".join(notes)


@check("configs that would fill the memory together: --all is refused, one is saved")
def many_large_configs(tool, folder):
    layout = Layout(folder + "/store")
    for n in range(40):
        layout.add(layout.image([raw_layer()], author=f"{n}" + "x" * (7 << 20)), f"app:{n}")
    layout.finish()
    refuses(tool, folder, layout, "limit exceeded", "fewer images", names=("--all",))
    tool.save(layout, "-o", folder + "/one.tar", "app:7").ok()


@check("a large manifest that a thousand indexes list is not read a thousand times")
def shared_by_many(tool, folder):
    layout = Layout(folder + "/store")
    shared = layout.image([raw_layer()], manifest={"annotations": {"x": "x" * (31 << 17)}}) # nearly 4 MiB, which is the most that is read of one
    for n in range(1000):
        layout.add(layout.index([shared], annotations={"n": str(n)}), f"app:{n}")
    layout.finish()
    refuses(tool, folder, layout, "limit exceeded", "less at once", names=("--all",))
    tool.save(layout, "-o", folder + "/one.tar", "app:7").ok()


def little_memory():
    resource.setrlimit(resource.RLIMIT_AS, (640 << 20, 640 << 20))


def seconds_of(tool, *arguments, **options):
    start = time.monotonic()
    tool(*arguments, **options).ok()
    return f"{arguments[0]} {arguments[-1]}: {time.monotonic() - start:.1f} s"


@check("an index of more entries than are read, or of more than 64 MiB, is refused, and within 640 MiB of address space")
def enormous_index(tool, folder):
    layout = app(folder + "/store")
    one = layout.entries[0]
    for entries, padding in ((100001, 0), (400000, 0), (1, 65 << 20), (1, 300 << 20)):
        data = text({"schemaVersion": 2, "mediaType": INDEX, "manifests": [one] * entries})
        layout.write("index.json", data + b" " * padding)
        result = tool.save(layout, "-o", folder + "/out.tar", "app:1.0", preexec_fn=little_memory)
        result.refused("limit exceeded", layout.folder + "/index.json")
    same(left(folder), ["store"], "what is left")


@check("an index with many names of one image: one of 100,000 is saved, all of 10,000 are listed and saved")
def many_names(tool, folder):
    notes = []
    for count, commands in ((99999, (["save", "-o", folder + "/one.tar", "app:99998"],)),
                            (10000, (["ls", "--json"], ["save", "-o", folder + "/all.tar", "app"], ["plan", "--all"]))):
        layout = Layout(f"{folder}/{count}")
        layout.add(layout.image([raw_layer()]), *(f"app:{n}" for n in range(count)))
        layout.finish()
        for command, *more in commands:
            notes.append(seconds_of(tool, command, "--store", layout.url, *more, preexec_fn=little_memory))
    return ", ".join(notes).replace(folder, "")


@check("an index with 10,000 images: they are listed, and one is saved")
def many_images(tool, folder):
    layout = Layout(folder + "/store")
    layer = layout.blob(raw_layer(10), LAYER)
    for n in range(10000):
        layout.add(layout.image([layer], author=str(n)), f"app:{n}")
    layout.finish()
    return ", ".join(seconds_of(tool, command, "--store", layout.url, *more)
                     for command, *more in (["ls", "--json"], ["save", "-o", folder + "/one.tar", "app:9999"]))


@check("documents too large or too deep: config, manifest, index")
def enormous_documents(tool, folder):
    for n, (make, says) in enumerate((
            (lambda l: l.image([raw_layer()], author="x" * (100 << 20)), "limit exceeded"),
            (lambda l: l.image([raw_layer()], config=b"[" * (1 << 20)), "app:1.0"),
            (lambda l: l.image([raw_layer()], config=b'{"a":' * 100000 + b"1" + b"}" * 100000), "app:1.0"),
            (lambda l: l.image([raw_layer()], manifest={"annotations": {"a": "x" * (100 << 20)}}), "limit exceeded"),
            (lambda l: l.blob(b'{"a":' * 100000 + b"1" + b"}" * 100000, MANIFEST), "limit exceeded"),
            (lambda l: l.blob(b"[" * 300000, INDEX), "limit exceeded"),
            (lambda l: l.index([l.image([raw_layer()])], annotations={"a": "x" * (65 << 20)}), "limit exceeded"),
            (lambda l: l.blob(text({"schemaVersion": 2, "config": {}, "layers": [{}] * 400000}), MANIFEST), "app:1.0"),
            (lambda l: l.image([raw_layer()], config=b"\xff" * 1000), "app:1.0"),
            (lambda l: l.image([raw_layer()], config=b"null"), "app:1.0"))):
        layout = Layout(f"{folder}/{n}")
        victim = layout.add(make(layout), "app:1.0")
        layout.finish()
        try:
            refuses(tool, folder, layout, "app:1.0", says)
        except Failed as why:
            raise Failed(f"case {n}: {why}") from None
        shutil.rmtree(layout.folder)


@check("images that cannot be saved: no layers, another system, an artifact, layers that do not fit the config")
def not_images(tool, folder):
    for n, (make, says) in enumerate((
            (lambda l: l.image([]), "image without layers"),
            (lambda l: l.image([raw_layer()], os="windows"), "unsupported operating system"),
            (lambda l: l.image([raw_layer()], os="plan9"), "unsupported operating system"),
            (lambda l: l.image([raw_layer()], rootfs={"type": "layers", "diff_ids": []}), "invalid"),
            (lambda l: l.image([raw_layer()], manifest={"artifactType": "application/x"}), "not a container image"),
            (lambda l: l.blob(text({"schemaVersion": 2, "config": l.blob(b"{}", "application/x"), "layers": []}), MANIFEST), "app:1.0"),
            (lambda l: l.index([]), "app:1.0"),
            (lambda l: l.blob(b"{}", MANIFEST), "invalid document"),
            (lambda l: l.blob(b"not JSON", MANIFEST), "invalid JSON"))):
        layout = Layout(f"{folder}/{n}")
        layout.add(make(layout), "app:1.0")
        layout.finish()
        try:
            refuses(tool, folder, layout, "app:1.0", says)
        except Failed as why:
            raise Failed(f"case {n} ({says}): {why}") from None
        shutil.rmtree(layout.folder)


@check("digests and sizes that no blob has: paths, unknown algorithms, negative and enormous sizes")
def odd_descriptors(tool, folder):
    good = "sha256:" + "0" * 64
    for n, (digest, size) in enumerate((
            ("sha256:../../../../etc/passwd", 1000), ("../../etc/passwd", 1000), ("sha256:" + "A" * 64, 1000), ("sha256:" + "0" * 63, 1000),
            ("sha256:" + "0" * 65, 1000), ("md5:" + "0" * 32, 1000), ("sha256:" + "0" * 60 + "/../", 1000), ("", 1000), (good, -1),
            (good, 2 ** 63 - 1), (good, 2 ** 63), (good, 2 ** 70), (good, 1.5), (good, "1000"), (good, None), ("sha256:" + "\0" * 64, 1000))):
        for place in ("layer", "config", "index"):
            layout = Layout(f"{folder}/{n}-{place}")
            wrong = {"mediaType": {"layer": LAYER, "config": "application/vnd.oci.image.config.v1+json", "index": MANIFEST}[place],
                     "digest": digest, "size": size}
            layer = layout.blob(raw_layer(), LAYER)
            if place == "index":
                layout.add(wrong, "app:1.0")
            else:
                manifest = {"layers": [wrong]} if place == "layer" else {"config": wrong}
                layout.add(layout.image([layer], manifest=manifest), "app:1.0")
            layout.finish()
            try:
                refuses(tool, folder, layout)
            except Failed as why:
                raise Failed(f"{place} {digest!r} of {size!r}: {why}") from None
            shutil.rmtree(layout.folder)


@check("names with paths in them, and others that are none, are refused and nothing is written")
def odd_names(tool, folder):
    layout = app(folder + "/store")
    for name in ("../../etc/passwd", "/etc/passwd", "app/../../x:1", "./app:1.0", "app:../x", "app:1.0/../x", "", ":1.0", "app:", "app@", "APP:1.0",
                 "app:1.0@sha256:12", "a" * 300, "app 1.0", "app:1.0\n", "-", "\x1b[2J", "app:1.0\udcff", "sha256:", "sha256:zz"):
        try:
            refuses(tool, folder, layout, names=("--", name))
        except Failed as why:
            raise Failed(f"{name!r}: {why}") from None
    for new in ("../../etc/passwd", "/etc/passwd", "x:../y", "", "UPPER", "x@sha256:" + "0" * 64, "a=b"):
        try:
            refuses(tool, folder, layout, names=("--", "app:1.0=" + new))
        except Failed as why:
            raise Failed(f"=AS {new!r}: {why}") from None
    refuses(tool, folder, layout, "nobody:1.0", "no such image", names=("nobody:1.0",))
    same(left(folder), ["out", "store"], "what is left")


@check("names in the store with paths or control characters in them name nothing and reach no terminal")
def odd_names_in_store(tool, folder):
    layout = Layout(folder + "/store")
    image = layout.image([raw_layer()], architecture="\x1b]0;owned\x07\x1b[2J", author="\x9b2J")
    odd = ["../../etc/passwd", "/etc/passwd", "../x:1", "\x1b[2J\x1b[31mred:1", "\u009b2J", "app:1.0\nroot", "UPPER:1", "a" * 500]
    layout.add(image, *odd)
    layout.finish()
    table = tool("ls", "--store", layout.url)
    rows = json.loads(tool("ls", "--store", layout.url, "--json").ok().out)
    same(rows[0]["names"], [], "the names that ls --json lists")
    for said in (table.out.decode(), table.err, tool.save(layout, "nobody:1").refused().err):
        need(not any(ord(c) < 32 and c != "\n" or 0x7f <= ord(c) < 0xa0 for c in said), f"control characters in {said!r}")
    archive = whole(tool.save(layout, "-q").ok().out)
    need(b"etc/passwd" not in archive.split(b"manifest.json")[0], "a path of the store is in the archive")


@check("one name for two images, one ID prefix for two images")
def ambiguous(tool, folder):
    layout = Layout(folder + "/store")
    images = [layout.add(layout.image([raw_layer(10, n)]), "app:1.0", f"app:{n}") for n in range(20)]
    layout.finish()
    refuses(tool, folder, layout, "app:1.0", "ambiguous")
    ids = [hexadecimal(layout.config_of(each)) for each in images]
    first = next(d for d in "0123456789abcdef" if sum(i.startswith(d) for i in ids) > 1)
    refuses(tool, folder, layout, "ambiguous", "more digits", names=("sha256:" + first,))
    refuses(tool, folder, layout, "same:1", "two images would get this name", names=("app:1=same:1", "app:2=same:1"))


@check("one name for 99,000 images is ambiguous, which is told soon")
def very_ambiguous(tool, folder):
    layout = Layout(folder + "/store")
    image = layout.image([raw_layer()])
    for n in range(99000):
        layout.add({**image, "digest": sha256(str(n).encode())}, "app:1.0")
    layout.finish()
    start = time.monotonic()
    tool.save(layout, "app:1.0").refused("app:1.0", "ambiguous", sha256(b"0"), sha256(b"1"))
    return f"{time.monotonic() - start:.1f} s"


@check("one layer that is listed with two sizes, in an image or in two")
def two_sizes(tool, folder):
    for n, wrong in enumerate((1, 5, 10241)):
        for order in (1, -1):
            layout = Layout(f"{folder}/{n}{order}")
            layer = layout.blob(raw_layer(), LAYER)
            lying = {**layer, "size": wrong}
            layout.add(layout.image([layer, lying][::order]), "app:1.0")
            layout.add(layout.image([layer], author="one"), "good:1")
            layout.add(layout.image([lying], author="two"), "lying:1")
            layout.finish()
            refuses(tool, folder, layout, "app:1.0", "wrong size", wrong, layer["size"])
            refuses(tool, folder, layout, "lying:1", "wrong size", wrong, layer["size"], names=("good:1", "lying:1")[::order])


@check("what a store says at length is cut, and what to do about it is still told; nothing turns the direction of writing")
def long_words(tool, folder):
    layout = Layout(folder + "/store")
    foreign = {"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "digest": sha256(b"away"), "size": 4,
               "urls": ["https://example.org/\u202egnp.exe\u2028", "file:///etc/passwd", *("https://example.org/" + "x" * 100000 for _ in range(20))]}
    layout.add(layout.image([foreign]), "foreign:1")
    image = layout.image([raw_layer()])
    layout.add(layout.index([{**image, "platform": {"os": f"{n}" + "\u00e9" * 500, "architecture": "\x1b[2J\u2066"}} for n in range(1000)]), "other:1")
    layout.add(image, *("\u20ac" * 200 + str(n) for n in range(1000)))
    layout.finish()
    for name, *says in (("foreign:1", "missing blob", "file:///etc/passwd", "copy the image into the store again"),
                        ("other:1", "choose one of the platforms"), ("nobody:1", "list the store's images")):
        said = tool.save(layout, name).refused(name, *says).err
        need(not any(odd in said for odd in "\u202e\u2028\u2066\ufffd\x1b"), f"{said!r}")


@check("ls shows what can be read of a store, says what cannot, and fails")
def damaged_list(tool, folder):
    layout = app(folder + "/store")
    bad = layout.add(layout.image([raw_layer(5, 77)]), "bad:1.0")
    layout.finish()
    os.remove(layout.path(bad))
    for more in ([], ["--json"]):
        result = tool("ls", "--store", layout.url, *more).refused(hexadecimal(bad), "missing blob")
        need(b"app:1.0" in result.out, f"app:1.0 is not in {result.out!r}")
    whole(tool.save(layout, "app:1.0").ok().out)
    refuses(tool, folder, layout, "bad:1.0", "missing blob", names=("bad:1.0",))
    refuses(tool, folder, layout, "bad:1.0", "missing blob", names=("app:1.0", "bad:1.0"))
    refuses(tool, folder, layout, "missing blob", names=("--all",))
