#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#
"""What the archives of odd_archives.py are made of: layers, images, entries, and the layouts that they come in."""

import hashlib
import io
import json
import subprocess
import tarfile

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
PREFIX = "tarexport-verdicts/"
NOWHERE = ["http://127.0.0.1:9/layer"]


def sha(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def dump(value):
    return json.dumps(value, separators=(",", ":")).encode()


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


def flipped(data, at=None):
    at = len(data) // 2 if at is None else at
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def layer(text):
    """The tar archive of a layer with one file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        info = tarfile.TarInfo("file-" + hashlib.sha256(text.encode()).hexdigest()[:8])
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()[:2048]


def member(name, data=b"", kind=tarfile.REGTYPE, link="", **fields):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.type = kind
    info.linkname = link
    for key, value in fields.items():
        setattr(info, key, value)
    return [info, data, None]


class Image:
    def __init__(self, what, layers=2, **config):
        self.plain = [layer(f"{what} {n}") for n in range(layers)]
        self.stored = list(self.plain)
        self.config = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/x"]}, "created": "2026-01-01T00:00:00Z",
                       "rootfs": {"type": "layers", "diff_ids": [sha(b) for b in self.plain]},
                       "history": [{"created_by": f"step {n} of {what}"} for n in range(layers)], **config}
        self.tags = [f"{PREFIX}{what}:1"]
        self.manifest = {}      # what is changed in it
        self.descriptor = {}    # what is changed in that of the manifest
        self.types = LAYER
        self.config_type = CONFIG
        self.item = {}
        self.config_bytes = None

    def pack(self, how, suffix):
        self.stored = [how(b) for b in self.plain]
        self.types = LAYER + suffix
        return self


class Archive:
    """Entries in their order; each can be found by its name."""

    def __init__(self):
        self.entries = []
        self.tail = bytes(1024)

    def add(self, name, data=b"", *rest, **fields):
        if rest or fields or name not in [e[0].name for e in self.entries]:
            self.entries.append(member(name, data, *rest, **fields))
        return self

    def find(self, name):
        return next(e for e in self.entries if e[0].name == name)

    def set(self, name, data):
        entry = self.find(name)
        entry[0].size, entry[1] = len(data), data
        return self

    def drop(self, name):
        self.entries.remove(self.find(name))
        return self

    def data(self, name):
        return self.find(name)[1]

    def raw(self, format=tarfile.GNU_FORMAT):
        out = b""
        for info, data, edit in self.entries:
            header = info.tobuf(format)
            if edit:
                header = edit(header)
            out += header + data + bytes(-len(data) % 512)
        return out + self.tail


def blob(data):
    return "blobs/" + sha(data).replace(":", "/")


def add_oci(archive, images, names=True, roots=None):
    descriptors = []
    for image in images:
        config = image.config_bytes or dump(image.config)
        for data in image.stored:
            archive.add(blob(data), data)
        archive.add(blob(config), config)
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST,
                    "config": {"mediaType": image.config_type, "digest": sha(config), "size": len(config)},
                    "layers": [{"mediaType": image.types, "digest": sha(b), "size": len(b)} for b in image.stored], **image.manifest}
        text = dump(manifest)
        archive.add(blob(text), text)
        for tag in image.tags or [None]:
            d = {"mediaType": MANIFEST, "digest": sha(text), "size": len(text)}
            if tag and names:
                d["annotations"] = {"io.containerd.image.name": "docker.io/" + tag, "org.opencontainers.image.ref.name": tag.split(":")[-1]}
            descriptors.append({**d, **image.descriptor})
    archive.add("index.json", dump({"schemaVersion": 2, "mediaType": INDEX, "manifests": (roots or (lambda a, d: d))(archive, descriptors)}))
    archive.add("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
    return archive


def add_docker(archive, images):
    items = []
    for image in images:
        config = image.config_bytes or dump(image.config)
        for data in image.stored:
            archive.add(blob(data), data)
        archive.add(blob(config), config)
        items.append({"Config": blob(config), "RepoTags": image.tags or None, "Layers": [blob(b) for b in image.stored], **image.item})
    archive.add("manifest.json", dump(items) + b"\n")
    return archive


def hybrid(*images):
    return add_docker(add_oci(Archive(), images), images)


def oci(*images, **options):
    return add_oci(Archive(), images, **options)


def v1_form(image, link=None):
    """As Docker 1.10 to 24 wrote them."""
    archive = Archive()
    config = image.config_bytes or dump(image.config)
    name = sha(config)[7:] + ".json"
    archive.add(name, config)
    paths = []
    for n, data in enumerate(image.stored):
        folder = hashlib.sha256(f"{n}{image.tags}".encode()).hexdigest()
        archive.add(folder + "/", kind=tarfile.DIRTYPE)
        archive.add(folder + "/VERSION", b"1.0")
        archive.add(folder + "/json", b'{"id":"%s"}' % folder.encode())
        paths.append(folder + "/layer.tar")
        if n == 0 and link:
            archive.add("real.tar", data)
            target = "../real.tar" if link == tarfile.SYMTYPE else "real.tar"
            archive.add(paths[0], b"", link, target)
        else:
            archive.add(paths[-1], data)
    archive.add("manifest.json", dump([{"Config": name, "RepoTags": image.tags, "Layers": paths, **image.item}]))
    return archive


def second(what):
    image = Image(what + "-b")
    image.tags = [PREFIX + what + "-b:2"]
    return image


def foreign(w, urls, kept=True, form=hybrid, kind="application/vnd.oci.image.layer.nondistributable.v1.tar"):
    """An image whose second layer is such one, and has URLs that lead nowhere."""
    image = Image(w)
    layers = [{"mediaType": kind_of, "digest": sha(b), "size": len(b)} for kind_of, b in zip((LAYER, kind), image.stored)]
    image.manifest["layers"] = [layers[0], {**layers[1], **({"urls": urls} if urls else {})}]
    archive = form(image)
    return archive if kept else archive.drop(blob(image.stored[1]))



def summed(header):
    """The header with its sum right."""
    header = bytearray(header)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:512])
    return bytes(header)


def with_size(text):
    return lambda h: summed(h[:124] + text + h[136:])
