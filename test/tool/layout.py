#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#
"""OCI image layouts, made to order: right ones, and wrong ones by way of what the functions return."""

import functools
import hashlib
import io
import json
import os
import platform
import random
import tarfile

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
CREATED = "2026-01-01T00:00:00Z"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
REF_NAME = "org.opencontainers.image.ref.name"


def text(value):
    return json.dumps(value, separators=(",", ":")).encode()


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def noise(size, seed=1):
    """Bytes that no program could guess, the same every time."""
    return random.Random(seed).randbytes(size)


def raw_layer(size=3000, seed=1, path="file"):
    """A layer: an uncompressed tar with one file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        info = tarfile.TarInfo(path)
        info.size = size
        tar.addfile(info, io.BytesIO(noise(size, seed)))
    return out.getvalue()


@functools.lru_cache
def digest_of_zeros(size):
    if size == 20 << 30:  # a minute of computing
        return "sha256:6cb118a8f8b3c19385874297e291dcbcdf3a9837ba1ca7b00ace2491adbff551"
    digest, block = hashlib.sha256(), bytes(1 << 20)
    for _ in range(size >> 20):
        digest.update(block)
    return "sha256:" + digest.hexdigest()


class Layout:
    """A directory that is an OCI image layout. Nothing is valid before `finish`."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.entries = []
        os.makedirs(os.path.join(self.folder, "blobs", "sha256"))
        self.write("oci-layout", text({"imageLayoutVersion": "1.0.0"}))

    @property
    def url(self):
        return "oci:" + self.folder

    def write(self, path, data):
        with open(os.path.join(self.folder, path), "wb") as out:
            out.write(data)

    def path(self, descriptor):
        """Where a blob is."""
        return os.path.join(self.folder, "blobs", *descriptor["digest"].split(":"))

    def blob(self, data, media_type, **more):
        """Store the bytes; return their descriptor."""
        descriptor = {"mediaType": media_type, "digest": sha256(data), "size": len(data), **more}
        self.write(self.path(descriptor), data)
        return descriptor

    def zeros(self, size):
        """Store a layer of zeros, a multiple of 1 MiB; it takes no room on the disk."""
        descriptor = {"mediaType": LAYER, "digest": digest_of_zeros(size), "size": size}
        with open(self.path(descriptor), "wb") as out:
            out.truncate(size)
        return descriptor

    def config(self, layers, **more):
        return text({
            "created": CREATED,
            "architecture": ARCHITECTURE,
            "os": "linux",
            "config": {"Cmd": ["/file"]},
            "rootfs": {"type": "layers", "diff_ids": [each["digest"] for each in layers]},
            "history": [{"created": CREATED, "created_by": "make"} for each in layers],
            **more,
        })

    def image(self, layers, config=None, manifest=None, **more):
        """Store an image of these layers (bytes or descriptors); return the descriptor of its manifest.

        `config` replaces the bytes of the config, `more` are members of it, `manifest` members of the manifest.
        """
        layers = [each if isinstance(each, dict) else self.blob(each, LAYER) for each in layers]
        config = self.blob(self.config(layers, **more) if config is None else config, CONFIG)
        return self.blob(text({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers, **(manifest or {})}), MANIFEST)

    def read(self, descriptor):
        with open(self.path(descriptor), "rb") as blob:
            return json.load(blob)

    def config_of(self, manifest):
        return self.read(manifest)["config"]

    def layer_of(self, manifest, n=0):
        return self.read(manifest)["layers"][n]

    def index(self, entries, **more):
        """Store an index; return its descriptor."""
        return self.blob(text({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries, **more}), INDEX)

    def add(self, descriptor, *names):
        """List something in index.json, under names or without one."""
        for name in names:
            self.entries.append({**descriptor, "annotations": {REF_NAME: name}})
        if not names:
            self.entries.append(descriptor)
        return descriptor

    def finish(self):
        self.write("index.json", text({"schemaVersion": 2, "mediaType": INDEX, "manifests": self.entries}))
        return self


def app(folder, sizes=(3000, 70000, 1), **more):
    """A layout with one good image, app:1.0, that has layers of these sizes."""
    layout = Layout(folder)
    layout.manifest = layout.add(layout.image([raw_layer(size, n) for n, size in enumerate(sizes)], **more), "app:1.0")
    return layout.finish()


def large_app(folder, size=256 << 20):
    """A layout with one image, app:1.0, whose second layer is large and takes no room."""
    layout = Layout(folder)
    layout.manifest = layout.add(layout.image([raw_layer(1000, 1), layout.zeros(size), raw_layer(1000, 2)]), "app:1.0")
    return layout.finish()
