# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#
"""What is measured: for each scenario, the ways to make the same bytes, and what their ratios are to be."""

import contextlib, dataclasses, os, shutil, subprocess

import engine
from measure import large_layers, make_layout


class Skipped(Exception):
    """What a scenario needs and has not got."""


@dataclasses.dataclass
class Contender:
    command: list
    piped: list = None  # the same to standard output, for the time to the first byte


@dataclasses.dataclass
class Scenario:
    title: str
    contenders: dict  # {name: Contender}; the first is the one that the others are compared with
    output: str       # the file that they write, or where it would be
    into: str = "file"
    aims: list = dataclasses.field(default_factory=list)  # (name, "at least" or "at most", seconds of it for one of the first's)


@dataclasses.dataclass
class Context:
    tool: str
    peers: str
    folder: str
    size: int  # MB of layers
    files: int
    store: str = ""
    names: tuple = ()

    def has_peers(self):
        return os.path.exists(self.peers) and os.geteuid() == 0

    def save(self, store, *names, output=None, options=()):
        to = ["--no-sync", "-o", output] if output else []
        return [self.tool, "save", "--store", store, "--progress", "none", *options, *to, *names]

    def saver(self, store, *names, output, options=()):
        return Contender(self.save(store, *names, output=output, options=options), self.save(store, *names, options=options))


def shell(text):
    return Contender(["sh", "-c", text])


@contextlib.contextmanager
def layout_of(context):
    """The folder of a layout of seven raw layers, and the paths of these."""
    folder = os.path.join(context.folder, "layout")
    try:
        yield folder, make_layout(folder, context.size)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def layout_to_file(context):
    output = os.path.join(context.folder, "out.tar")
    with layout_of(context) as (layout, layers):
        store, quoted = "oci:" + layout, " ".join(layers)
        contenders = {
            "tarexport": context.saver(store, "bench:1", output=output),
            "tarexport, unverified": context.saver(store, "bench:1", output=output, options=["--no-verify"]),
            "cat": shell("cat %s > %s" % (quoted, output)),
            "cat and openssl at the same time": shell("openssl dgst -sha256 %s & cat %s > %s && wait $!" % (quoted, quoted, output)),
            "cat, then openssl": shell("cat %s > %s && openssl dgst -sha256 %s" % (quoted, output, quoted)),
            "tar": Contender(["tar", "-cf", output, "-C", layout, "."], ["tar", "-cf", "-", "-C", layout, "."]),
        }
        aims = [("cat and openssl at the same time", "at least", 0.87), ("cat, then openssl", "at least", 0.87)]
        if context.has_peers():
            contenders["skopeo"] = Contender([context.peers, "sh", "skopeo", "copy", "--insecure-policy",
                                              "oci:/host%s:bench:1" % layout, "docker-archive:/host" + output])
            aims.append(("skopeo", "at least", 1.5))
        yield Scenario("OCI layout of raw layers to a file", contenders, output, aims=aims)


@contextlib.contextmanager
def layout_to(context, into, title):
    with layout_of(context) as (layout, layers):
        command = context.save("oci:" + layout, "bench:1")
        unverified = context.save("oci:" + layout, "bench:1", options=["--no-verify"])
        cat = ["cat", *layers]
        yield Scenario(title, {
            "tarexport": Contender(command, command),
            "tarexport, unverified": Contender(unverified, unverified),
            "cat": Contender(cat, cat),
            "cat and openssl at the same time": shell("openssl dgst -sha256 %s >/dev/null & cat %s && wait $!" % ((" ".join(layers),) * 2)),
        }, os.path.join(context.folder, "out.tar"), into)


def layout_to_pipe(context):
    return layout_to(context, "pipe", "OCI layout of raw layers to a pipe")


def layout_to_socket(context):
    return layout_to(context, "socket", "OCI layout of raw layers to a UNIX socket")


@contextlib.contextmanager
def docker(context, which, title, aim):
    if not context.has_peers():
        raise Skipped("no peers script or not root")
    docker_engine = engine.Engine(context.peers)
    name = "tarexport-bench/%s:1" % which
    contexts = engine.make_contexts(os.path.join(context.folder, "contexts"), context.size, context.files)
    output = os.path.join(context.folder, "out.tar")
    try:
        docker_engine.build(contexts[which], name)
        shutil.rmtree(os.path.join(context.folder, "contexts"))
        yield Scenario(title, {
            "tarexport": context.saver("docker:" + docker_engine.env["PEERS_DATA"], name, output=output),
            "docker save": Contender(docker_engine.docker("save", "-o", "/host" + output, name), docker_engine.docker("save", name)),
        }, output, aims=[("docker save", "at least", aim)])
    finally:
        docker_engine.remove(name)
        shutil.rmtree(os.path.join(context.folder, "contexts"), ignore_errors=True)


def docker_large(context):
    return docker(context, "large", "Docker's store, 7 layers of large files", 8)


def docker_small(context):
    return docker(context, "small", "Docker's store, %d small files" % context.files, 5)


@contextlib.contextmanager
def podman(context):
    if not context.has_peers():
        raise Skipped("no peers script or not root")
    root, run_root = (os.path.join(context.folder, n) for n in ("podman", "podman-run"))
    output, source = (os.path.join(context.folder, n) for n in ("out.tar", "source.tar"))
    command = [context.peers, "sh", "podman", "--root", "/host" + root, "--runroot", "/host" + run_root, "--runtime", "runc"]
    name = "localhost/bench:1"
    try:
        with layout_of(context) as (layout, _):
            subprocess.run(context.save("oci:" + layout, "bench:1=" + name, output=source), check=True)
        loaded = subprocess.run([*command, "load", "-q", "-i", "/host" + source],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if loaded.returncode != 0:
            raise Skipped("podman loads nothing here: " + loaded.stdout.strip().splitlines()[-1])
        os.remove(source)
        yield Scenario("podman's storage", {
            "tarexport": context.saver("containers:" + root, name, output=output),
            "podman save": Contender([*command, "save", "-q", "-o", "/host" + output, name]),
        }, output, aims=[("podman save", "at least", 1.5)])
    finally:
        subprocess.run([*command, "rmi", "--all", "--force"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run(["umount", os.path.join(root, "overlay")], stderr=subprocess.DEVNULL)
        shutil.rmtree(root, ignore_errors=True)
        shutil.rmtree(run_root, ignore_errors=True)


@contextlib.contextmanager
def reflinks(context):
    if os.geteuid() != 0 or shutil.which("mkfs.xfs") is None:
        raise Skipped("needs root and mkfs.xfs")
    image, mounted = (os.path.join(context.folder, n) for n in ("image", "xfs"))
    os.makedirs(mounted)
    with open(image, "wb") as f:
        f.truncate(max(512, 5 * context.size) * 1000000)
    made = subprocess.run(["mkfs.xfs", "-q", image], stderr=subprocess.DEVNULL).returncode == 0 and \
        subprocess.run(["mount", "-o", "loop", image, mounted], stderr=subprocess.DEVNULL).returncode == 0
    try:
        if not made:
            raise Skipped("no XFS can be mounted here")
        layout, output = os.path.join(mounted, "layout"), os.path.join(mounted, "out.tar")
        layers = make_layout(layout, context.size)
        largest = max(layers, key=os.path.getsize)
        # Of all layers, one file each; the archive has to be one.
        copy = "for f in %s; do cp --reflink=%%s $f %s.part || exit; done; mv %s.part %s" % (" ".join(layers), output, output, output)
        aligned = ["--layout", "hybrid", "--align", "4096"]
        yield Scenario("XFS, an aligned archive of raw layers", {
            "tarexport": context.saver("oci:" + layout, "bench:1", output=output, options=aligned),
            "tarexport, unverified": context.saver("oci:" + layout, "bench:1", output=output, options=[*aligned, "--no-verify"]),
            "tarexport, not aligned": context.saver("oci:" + layout, "bench:1", output=output),
            "cp --reflink=never": shell(copy % "never"),
            "cp --reflink=always": shell(copy % "always"),
            "openssl alone": shell("openssl dgst -sha256 %s && cp --reflink=always %s %s" % (" ".join(layers), largest, output)),
        }, output)
    finally:
        subprocess.run(["umount", mounted], stderr=subprocess.DEVNULL)
        for path in (image, image + ".part"):
            if os.path.exists(path):
                os.remove(path)


@contextlib.contextmanager
def own_store(context):
    """The store and the names of whoever asks, beside copying the archive that comes out."""
    output, source = (os.path.join(context.folder, n) for n in ("out.tar", "source.tar"))
    subprocess.run(context.save(context.store, *context.names, output=source), check=True)
    yield Scenario("%s of %s" % (" ".join(context.names), context.store), {
        "tarexport": context.saver(context.store, *context.names, output=output),
        "tarexport, unverified": context.saver(context.store, *context.names, output=output, options=["--no-verify"]),
        "cat of the archive": shell("cat %s > %s" % (source, output)),
        "cat and openssl of the archive at the same time": shell(
            "openssl dgst -sha256 %s & cat %s > %s && wait $!" % (source, source, output)),
    }, output)


ALL = {
    "layout": layout_to_file,
    "pipe": layout_to_pipe,
    "socket": layout_to_socket,
    "docker": docker_large,
    "small": docker_small,
    "podman": podman,
    "reflinks": reflinks,
}
