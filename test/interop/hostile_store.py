#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#
"""Makes stores as dockerd and podman have them, whose layers lead out of themselves; for test/interop/traced.

Every record promises the bytes that the trick would find outside, so that a reader who follows it saves a valid archive.
"""

import base64
import collections
import gzip
import hashlib
import json
import os
import shutil
import stat
import tarfile

SECRET = b"what is not of this layer\n"
INSIDE = b"what is of this layer\n"
CREATED = "2026-01-01T00:00:00Z"

# A name, whether it can be saved all the same, and how the path of the file ends that is read then.
Trick = collections.namedtuple("Trick", "name harmless reads")
# Where a store is, its images, the files in it that are of no layer, and paths that lead out when their links are followed.
Store = collections.namedtuple("Store", "url root tricks forbidden followed")


def crc64(data):
    """CRC-64/GO-ISO, as tar-split has it."""
    value = (1 << 64) - 1
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xD800000000000000 if value & 1 else 0)
    return value ^ (1 << 64) - 1


def record_of(name, content, owner):
    """Return a layer of one file, and its tar-split record. Another owner makes another layer."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.uname = len(content), owner
    header = entry.tobuf(tarfile.PAX_FORMAT)
    rest = b"\0" * (-len(content) % 512 + 1024)
    lines = [{"type": 2, "payload": header}, {"type": 1, "name": name, "size": len(content), "payload": crc64(content).to_bytes(8, "big")},
             {"type": 2, "payload": rest}]
    for position, line in enumerate(lines):
        line.update(payload=base64.b64encode(line["payload"]).decode(), position=position)
    return header + content + rest, gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode(), mtime=0)


def put(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def links(outside):
    """The tricks of both kinds: a name, the entry's name, what is at which path of the layer (bytes, or the target of a link),
    and how the path ends that is read where that does no harm."""
    up = "../" * 30
    return [
        ("honest", "dir/file", {"dir/file": INSIDE}, "/dir/file"),
        ("dots-inside", "../../secret", {"secret": INSIDE}, "/secret"),
        ("dots", "../secret", {}, None),
        ("dots-far", up + outside[1:] + "/secret", {}, None),
        ("absolute", outside + "/secret", {}, None),
        ("link-inside", "link/secret", {"real/secret": INSIDE, "link": "/real"}, "/real/secret"),
        ("link-absolute", "link/secret", {"link": outside}, None),
        ("link-dots", "link/secret", {"link": up + outside[1:]}, None),
        ("link-beside", "link/secret", {"dir/file": INSIDE, "link": ".."}, None),
        ("link-of-link", "one/two/secret", {"one/two": "../three", "three": outside}, None),
        ("last", "secret", {"secret": outside + "/secret"}, None),
        ("last-dots", "secret", {"secret": "../secret"}, None),
        ("last-inside", "secret", {"secret": "real", "real": INSIDE}, None),
        ("loop", "a/secret", {"a": "b", "b": "a"}, None),
        ("proc-root", "link" + outside + "/secret", {"link": "/proc/self/root"}, None),
        ("proc-cwd", "link" + outside + "/secret", {"link": "/proc/self/cwd/" + up}, None),
        ("fifo", "secret", {"secret": stat.S_IFIFO}, None),
        ("zeros", "secret", {"secret": stat.S_IFCHR}, None),
        ("folder", "secret", {"secret/file": INSIDE}, None),
    ]


def fill(diff, tree):
    os.makedirs(diff)
    for name, what in tree.items():
        path = os.path.join(diff, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if isinstance(what, bytes):
            put(path, what)
        elif isinstance(what, str):
            os.symlink(what, path)
        else:
            os.mknod(path, what | 0o644, os.makedev(1, 5))


class Maker:
    """A store in the making: a kind knows where a layer and its image are put."""

    def __init__(self, folder, kind, more=""):
        self.kind, self.root = kind, os.path.join(folder, f"hostile-{kind}{more}")
        self.outside = os.path.join(folder, f"outside-{kind}{more}")
        put(os.path.join(self.outside, "secret"), SECRET)
        put(os.path.join(self.root, "secret"), SECRET)
        self.tricks, self.forbidden, self.followed = [], {os.path.join(self.root, "secret")}, []

    def finish(self):
        for name, entry, tree, reads in links(self.outside):
            diff = self.add(name, entry, tree, reads)
            if name in ("link-absolute", "link-dots", "link-beside", "last", "last-dots"):
                self.followed.append(os.path.join(diff, entry))
        return self.made()

    def made(self):
        return Store(f"{self.kind}:{self.root}", self.root, self.tricks, self.forbidden, self.followed)

    def add(self, name, entry, tree, reads=None):
        """Put an image with that layer; return its folder of files."""
        tar, record = record_of(entry, INSIDE if reads else SECRET, name)
        diff_id = sha256(tar)
        config = json.dumps({"architecture": "amd64", "os": "linux", "created": CREATED, "config": {"Labels": {"trick": name}},
                             "rootfs": {"type": "layers", "diff_ids": ["sha256:" + diff_id]}}).encode()
        diff = self.put_layer(name, diff_id, len(tar), record)
        fill(diff, tree)
        beside = os.path.join(os.path.dirname(diff), "secret")
        put(beside, SECRET)
        self.forbidden.add(beside)
        self.put_image(name, config, diff_id)
        self.tricks.append(Trick("trick/" + name + ":1", reads is not None, reads))
        return diff

    def lead(self, path):
        """Move what is at a path of the store outside, and leave a link to it."""
        away = os.path.join(self.outside, str(len(self.tricks)))
        shutil.move(path, away)
        os.symlink(away, path)
        self.followed += [path] if os.path.isfile(path) else []


class Docker(Maker):
    def __init__(self, folder):
        super().__init__(folder, "docker")
        self.image, self.driver, self.names = f"{self.root}/image/overlay2", f"{self.root}/overlay2", {}
        os.makedirs(f"{self.driver}/l")

    def put_layer(self, name, diff_id, size, record):
        self.layer, self.cache = f"{self.image}/layerdb/sha256/{diff_id}", sha256(name.encode())
        for file, content in {"diff": "sha256:" + diff_id, "size": str(size), "cache-id": self.cache, "tar-split.json.gz": record}.items():
            put(f"{self.layer}/{file}", content)
        put(f"{self.driver}/{self.cache}/link", self.cache[:26].upper())
        return f"{self.driver}/{self.cache}/diff"

    def put_image(self, name, config, _):
        self.config = f"{self.image}/imagedb/content/sha256/{sha256(config)}"
        put(self.config, config)
        self.names[f"trick/{name}"] = {f"trick/{name}:1": "sha256:" + sha256(config)}
        put(f"{self.image}/repositories.json", json.dumps({"Repositories": self.names}))


class Containers(Maker):
    def __init__(self, folder, more=""):
        super().__init__(folder, "containers", more)
        self.layers, self.images = [], []
        os.makedirs(f"{self.root}/overlay/l")

    def put_layer(self, name, diff_id, size, record):
        self.id = sha256(name.encode())
        self.layers.append({"id": self.id, "created": CREATED, "diff-digest": "sha256:" + diff_id, "diff-size": size})
        self.record = f"{self.root}/overlay-layers/{self.id}.tar-split.gz"
        put(self.record, record)
        put(f"{self.root}/overlay/{self.id}/link", self.id[:26].upper())
        return f"{self.root}/overlay/{self.id}/diff"

    def put_image(self, name, config, diff_id):
        config_id = "sha256:" + sha256(config)
        schema = "application/vnd.docker."
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": schema + "distribution.manifest.v2+json",
            "config": {"mediaType": schema + "container.image.v1+json", "size": len(config), "digest": config_id},
            "layers": [{"mediaType": schema + "image.rootfs.diff.tar.gzip", "size": self.layers[-1]["diff-size"],
                        "digest": "sha256:" + diff_id}]}).encode()
        digest = "sha256:" + sha256(manifest)
        data = {config_id: config, "manifest-" + digest: manifest, "manifest": manifest}
        folder = f"{self.root}/overlay-images/{config_id[7:]}"
        for key, content in data.items():
            put(f"{folder}/{'manifest' if key == 'manifest' else '=' + base64.b64encode(key.encode()).decode()}", content)
        self.config = f"{folder}/={base64.b64encode(config_id.encode()).decode()}"
        self.images.append({
            "id": config_id[7:], "digest": digest, "names": [f"docker.io/trick/{name}:1"], "layer": self.layers[-1]["id"],
            "metadata": "{}", "big-data-names": list(data), "big-data-sizes": {key: len(each) for key, each in data.items()},
            "big-data-digests": {key: "sha256:" + sha256(each) for key, each in data.items()}, "created": CREATED})
        self.write()

    def write(self):
        put(f"{self.root}/overlay-layers/layers.json", json.dumps(self.layers))
        put(f"{self.root}/overlay-images/images.json", json.dumps(self.images))


def docker(folder):
    store = Docker(folder)
    store.lead(store.add("diff-is-link", "secret", {"secret": SECRET}))
    store.lead(os.path.dirname(store.add("tree-is-link", "./secret", {"secret": SECRET})))
    store.add("record-is-link", "record/secret", {"record/secret": SECRET})
    store.lead(store.layer + "/tar-split.json.gz")
    store.add("config-is-link", "config/secret", {"config/secret": SECRET})
    store.lead(store.config)
    store.add("cache-id-is-link", "cache/secret", {"cache/secret": SECRET})
    store.lead(store.layer + "/cache-id")
    store.add("layer-is-link", "layer/secret", {"layer/secret": SECRET})
    store.lead(store.layer)

    # A cache ID and lower layers that are paths out of the store.
    put(f"{store.outside}/layer/diff/elsewhere/secret", SECRET)
    store.add("cache-id", "elsewhere/secret", {})
    put(store.layer + "/cache-id", "../../" + os.path.basename(store.outside) + "/layer")
    store.add("lower-is-link", "below/secret", {})
    put(f"{store.outside}/lower/below/secret", SECRET)
    os.symlink(store.outside + "/lower", f"{store.driver}/l/ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    put(f"{store.driver}/{store.cache}/lower", "l/ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    store.add("lower", "lower/below/secret", {})
    put(f"{store.driver}/{store.cache}/lower", "../../" + os.path.basename(store.outside))
    return store.finish()


def containers(folder):
    store = Containers(folder)
    store.lead(store.add("diff-is-link", "secret", {"secret": SECRET}))
    store.lead(os.path.dirname(store.add("tree-is-link", "./secret", {"secret": SECRET})))
    store.add("record-is-link", "record/secret", {"record/secret": SECRET})
    store.lead(store.record)
    store.add("config-is-link", "config/secret", {"config/secret": SECRET})
    store.lead(store.config)
    store.add("image-is-link", "image/secret", {"image/secret": SECRET})
    store.lead(os.path.dirname(store.config))

    return store.finish()


def containers_ids(folder):
    """IDs that are paths out of the store. No image of it need be saved, not even an honest one."""
    store = Containers(folder, "-ids")
    away = "../../" + os.path.basename(store.outside)
    put(f"{store.outside}/layer/diff/elsewhere/secret", SECRET)
    store.add("layer-id", "elsewhere/secret", {})
    shutil.copy(store.record, f"{store.outside}/layer.tar-split.gz")
    store.layers[-1]["id"] = store.images[-1]["layer"] = away + "/layer"
    store.add("image-id", "image-id/secret", {"image-id/secret": SECRET})
    shutil.copytree(os.path.dirname(store.config), f"{store.outside}/image")
    store.images[-1]["id"] = away + "/image"
    store.write()
    return store.made()
