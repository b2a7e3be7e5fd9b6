#!/usr/bin/env python3
#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#
"""Makes archives of images, whole ones and such with one thing wrong, for test/interop/verdicts.

No two of them share a layer: engines do not read what they have.

Usage: odd_archives.py FOLDER           makes FOLDER/NAME.tar, and prints for each NAME, the number of its images, and the
                                        names by which index.json knows them, separated by commas
       odd_archives.py --describe FILE...  prints the same of archives that are there
"""

import bz2
import gzip
import hashlib
import json
import os
import sys
import tarfile

from archive_parts import (
    CONFIG, INDEX, LAYER, MANIFEST, NOWHERE, PREFIX, Archive, Image, add_docker, add_oci, blob, dump, flipped, foreign, hybrid, layer, member,
    oci, second, sha, summed, v1_form, with_size, zstd)

cases = {}


def case(function):
    cases[function.__name__.replace("_", "-")] = function
    return function


# --- nothing wrong ---

@case
def whole_hybrid(w): return hybrid(Image(w))
@case
def whole_three_layers(w): return hybrid(Image(w, 3))
@case
def whole_two_images(w): return hybrid(Image(w), second(w)), 2, "1,2"
@case
def whole_untagged(w):
    i = Image(w)
    i.tags = []
    return hybrid(i)
@case
def whole_oci(w): return oci(Image(w))
@case
def whole_oci_two_names(w):
    return oci(Image(w), second(w)), 2, "1,2"
@case
def whole_oci_untagged(w): return oci(Image(w), names=False)
@case
def whole_oci_index(w): return oci(Image(w), roots=in_index(1))
@case
def whole_oci_index_in_index(w): return oci(Image(w), roots=in_index(2))
@case
def whole_oci_three_indexes(w): return oci(Image(w), roots=in_index(3))
@case
def whole_oci_gzip(w): return oci(Image(w).pack(lambda b: gzip.compress(b, mtime=0), "+gzip"))
@case
def whole_oci_zstd(w): return oci(Image(w).pack(zstd, "+zstd"))
@case
def whole_oci_two_members(w): return oci(Image(w).pack(lambda b: gzip.compress(b[:700], mtime=0) + gzip.compress(b[700:], mtime=0), "+gzip"))
@case
def whole_oci_two_frames(w): return oci(Image(w).pack(lambda b: zstd(b[:700]) + b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + zstd(b[700:]), "+zstd"))
@case
def whole_oci_platforms(w): return oci(Image(w), Image(w + "-arm", architecture="arm64"), roots=platforms)
@case
def whole_oci_platform_missing(w):
    arm = Image(w + "-arm", architecture="arm64")
    a = oci(Image(w), arm, roots=platforms)
    for data in arm.stored:
        a.drop(blob(data))
    return a
@case
def whole_oci_platform_left_out(w):
    arm = Image(w + "-arm", architecture="arm64")
    a = oci(Image(w), arm, roots=platforms)
    manifest = next(e[0].name for e in a.entries if b'"layers":[' in e[1] and sha(arm.stored[0]).encode() in e[1])
    for name in [blob(data) for data in arm.stored] + [blob(dump(arm.config)), manifest]:
        a.drop(name)
    return a
@case
def whole_v1_form(w): return v1_form(Image(w))
@case
def whole_v1_gzip_layers(w): return v1_form(Image(w).pack(lambda b: gzip.compress(b, mtime=0), ""))
@case
def whole_v1_zstd_layers(w): return v1_form(Image(w).pack(zstd, ""))
@case
def whole_v1_bzip2_layers(w): return v1_form(Image(w).pack(bz2.compress, ""))
@case
def whole_archive_gzip(w): return gzip.compress(hybrid(Image(w)).raw(), mtime=0)
@case
def whole_archive_zstd(w): return zstd(hybrid(Image(w)).raw())
@case
def whole_archive_bzip2(w): return bz2.compress(hybrid(Image(w)).raw())
@case
def whole_oci_archive_gzip(w): return gzip.compress(oci(Image(w)).raw(), mtime=0)
@case
def whole_dot_slash(w):
    a = hybrid(Image(w))
    for e in a.entries:
        e[0].name = "./" + e[0].name
    return a
@case
def whole_many_entries(w):
    a = hybrid(Image(w))
    for n in range(300):
        a.add(f"extra/{n}", b"x", mode=0o644)
    return a
@case
def whole_extra_files(w): return hybrid(Image(w)).add("README", b"hello").add("folder/", kind=tarfile.DIRTYPE)
@case
def whole_pax(w):
    a = hybrid(Image(w)).add("x" * 120 + "/" + "y" * 120, b"long")
    return a.raw(tarfile.PAX_FORMAT)
@case
def whole_record_of_10240(w):
    a = hybrid(Image(w))
    a.tail += bytes(-len(a.raw()) % 10240)
    return a
@case
def whole_empty_layer(w):
    i = Image(w)
    i.plain[1] = i.stored[1] = bytes(1024)
    i.config["rootfs"]["diff_ids"][1] = sha(i.plain[1])
    return hybrid(i)
@case
def whole_same_layer_twice(w):
    i = Image(w)
    i.stored.append(i.stored[0])
    i.config["rootfs"]["diff_ids"].append(sha(i.plain[0]))
    return hybrid(i)
@case
def whole_no_history(w):
    i = Image(w)
    del i.config["history"]
    return hybrid(i)
@case
def whole_lower_case_keys(w):
    a = hybrid(Image(w))
    return a.set("manifest.json", a.data("manifest.json").replace(b"Config", b"config").replace(b"RepoTags", b"repotags").replace(b"Layers", b"layers"))
@case
def whole_sha512(w):
    i = Image(w)
    a = oci(i)
    data = i.stored[0]
    long = hashlib.sha512(data).hexdigest()
    a.find(blob(data))[0].name = "blobs/sha512/" + long
    manifest = next(e for e in a.entries if b'"layers":[' in e[1])
    old = manifest[1]
    new = old.replace(sha(data).encode(), b"sha512:" + long.encode())
    a.drop(blob(old)).add(blob(new), new)
    return a.set("index.json", a.data("index.json").replace(sha(old).encode(), sha(new).encode()).replace(b'"size":%d' % len(old), b'"size":%d' % len(new)))


def in_index(depth):
    def roots(archive, descriptors):
        for _ in range(depth):
            text = dump({"schemaVersion": 2, "mediaType": INDEX, "manifests": descriptors})
            archive.add(blob(text), text)
            descriptors = [{"mediaType": INDEX, "digest": sha(text), "size": len(text), "annotations": descriptors[0]["annotations"]}]
        return descriptors
    return roots


def platforms(archive, descriptors):
    for d, architecture in zip(descriptors, ("amd64", "arm64")):
        d["platform"] = {"os": "linux", "architecture": architecture}
    return in_index(1)(archive, descriptors)


# --- layers that their makers do not want to be passed on ---

cases["odd-foreign"] = lambda w: foreign(w, NOWHERE)
cases["odd-foreign-oci"] = lambda w: foreign(w, NOWHERE, form=oci)
cases["odd-foreign-no-url"] = lambda w: foreign(w, [])
cases["odd-foreign-ftp"] = lambda w: foreign(w, ["ftp://127.0.0.1:9/layer"], form=oci)
cases["odd-foreign-docker"] = lambda w: foreign(w, NOWHERE, kind="application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")
cases["odd-foreign-left-out"] = lambda w: foreign(w, NOWHERE, kept=False)
cases["odd-foreign-left-out-oci"] = lambda w: foreign(w, NOWHERE, kept=False, form=oci)
cases["odd-foreign-left-out-no-url"] = lambda w: foreign(w, [], kept=False)
cases["odd-layer-with-url"] = lambda w: foreign(w, NOWHERE, kind=LAYER)
cases["odd-layer-with-url-left-out"] = lambda w: foreign(w, NOWHERE, kept=False, kind=LAYER)


# --- odd, and good or bad as a loader has it ---

@case
def odd_v1_symlink(w): return v1_form(Image(w), tarfile.SYMTYPE)
@case
def odd_v1_hard_link(w): return v1_form(Image(w), tarfile.LNKTYPE)
@case
def odd_no_end(w):
    a = hybrid(Image(w))
    a.tail = b""
    return a
@case
def odd_one_end_block(w):
    a = hybrid(Image(w))
    a.tail = bytes(512)
    return a
@case
def odd_trailing_garbage(w):
    a = hybrid(Image(w))
    a.tail += b"garbage" * 500
    return a
@case
def odd_dirty_padding(w):
    raw = bytearray(hybrid(Image(w)).raw())
    raw[-1025] = 7
    return bytes(raw)
@case
def odd_archive_gzip_trailing(w): return gzip.compress(hybrid(Image(w)).raw(), mtime=0) + b"garbage"
@case
def odd_same_entry_twice(w):
    i = Image(w)
    return hybrid(i).add(blob(i.stored[0]), i.stored[0], mode=0o600)
@case
def odd_manifest_twice_first_good(w): return hybrid(Image(w)).add("manifest.json", b"nonsense", mode=0o600)
@case
def odd_manifest_twice_last_good(w):
    a = hybrid(Image(w))
    a.entries.insert(0, member("manifest.json", b"nonsense"))
    return a
@case
def odd_layer_twice_first_good(w):
    i = Image(w)
    return hybrid(i).add(blob(i.stored[0]), flipped(i.stored[0]), mode=0o600)
@case
def odd_layer_twice_last_good(w):
    i = Image(w)
    a = hybrid(i)
    a.entries.insert(0, member(blob(i.stored[0]), flipped(i.stored[0])))
    return a
@case
def odd_fifo(w): return hybrid(Image(w)).add("pipe", b"", tarfile.FIFOTYPE)
@case
def odd_device(w): return hybrid(Image(w)).add("null", b"", tarfile.CHRTYPE, devmajor=1, devminor=3)
@case
def odd_contiguous(w): return hybrid(Image(w)).add("contiguous", b"x", tarfile.CONTTYPE)
@case
def odd_unknown_type(w): return hybrid(Image(w)).add("unknown", b"x", b"Z")
@case
def odd_traversal(w): return hybrid(Image(w)).add("../../tarexport-outside", b"x")
@case
def odd_absolute_name(w): return hybrid(Image(w)).add("/inside", b"x")
@case
def odd_oci_traversal(w): return oci(Image(w)).add("../../tarexport-outside", b"x")
@case
def odd_symlink_out(w): return hybrid(Image(w)).add("out", b"", tarfile.SYMTYPE, "../../etc/passwd")
@case
def odd_symlink_absolute(w): return hybrid(Image(w)).add("out", b"", tarfile.SYMTYPE, "/etc/passwd")
@case
def odd_hard_link_out(w): return hybrid(Image(w)).add("out", b"", tarfile.LNKTYPE, "../../../etc/passwd")
@case
def odd_hard_link_to_nothing(w): return hybrid(Image(w)).add("out", b"", tarfile.LNKTYPE, "nothing")
@case
def odd_layer_symlink_loop(w):
    i = Image(w)
    name = blob(i.stored[0])
    return hybrid(i).drop(name).add(name, b"", tarfile.SYMTYPE, "loop").add("blobs/sha256/loop", b"", tarfile.SYMTYPE, name.split("/")[-1])
@case
def odd_layer_symlink_out(w):
    i = Image(w)
    name = blob(i.stored[0])
    return hybrid(i).drop(name).add(name, b"", tarfile.SYMTYPE, "/etc/passwd")
@case
def odd_layer_symlink_inside(w):
    i = Image(w)
    name = blob(i.stored[0])
    return hybrid(i).drop(name).add("real", i.stored[0]).add(name, b"", tarfile.SYMTYPE, "../../real")
@case
def odd_layer_symlink_absolute(w):
    i = Image(w)
    name = blob(i.stored[0])
    return hybrid(i).drop(name).add("real", i.stored[0]).add(name, b"", tarfile.SYMTYPE, "/real")
@case
def odd_manifest_trailing(w):
    a = hybrid(Image(w))
    return a.set("manifest.json", a.data("manifest.json") + b"more")
@case
def odd_v1_manifest_trailing(w):
    a = v1_form(Image(w))
    return a.set("manifest.json", a.data("manifest.json") + b"more")


def tagged(w, tag):
    i = Image(w)
    i.item = {"RepoTags": [tag]}
    return v1_form(i)


@case
def odd_full_tag(w): return tagged(w, f"docker.io/{PREFIX}{w}:1")
@case
def odd_no_tag(w): return tagged(w, PREFIX + w)
@case
def odd_upper_case(w): return tagged(w, "Upper/" + w + ":1")
@case
def odd_digest_tag(w): return tagged(w, f"{PREFIX}{w}@sha256:{'0' * 64}")
@case
def odd_empty_tag(w): return tagged(w, "")
@case
def odd_config_absolute(w):
    a = v1_form(Image(w))
    items = json.loads(a.data("manifest.json"))
    items[0]["Config"] = "/" + items[0]["Config"]
    return a.set("manifest.json", dump(items))
@case
def odd_config_outside(w):
    a = v1_form(Image(w))
    items = json.loads(a.data("manifest.json"))
    items[0]["Config"] = "../../" + items[0]["Config"]
    return a.set("manifest.json", dump(items))
@case
def odd_layer_path_dots(w):
    a = v1_form(Image(w))
    items = json.loads(a.data("manifest.json"))
    items[0]["Layers"][0] = "./x/../" + items[0]["Layers"][0]
    return a.set("manifest.json", dump(items))
@case
def odd_config_name(w):
    a = v1_form(Image(w))
    items = json.loads(a.data("manifest.json"))
    a.find(items[0]["Config"])[0].name = "0" * 64 + ".json"
    items[0]["Config"] = "0" * 64 + ".json"
    return a.set("manifest.json", dump(items))
@case
def odd_no_layout(w): return hybrid(Image(w)).drop("oci-layout")
@case
def odd_no_index(w): return hybrid(Image(w)).drop("index.json")
@case
def odd_no_manifest_json(w): return hybrid(Image(w)).drop("manifest.json")
@case
def odd_oci_no_layout(w): return oci(Image(w)).drop("oci-layout")
@case
def odd_layout_version(w): return oci(Image(w)).set("oci-layout", b'{"imageLayoutVersion":"2.0.0"}')
@case
def odd_layout_no_json(w): return oci(Image(w)).set("oci-layout", b"1.0.0")
@case
def odd_other_platform(w): return hybrid(Image(w, architecture="arm64"))
@case
def odd_windows(w): return hybrid(Image(w, os="windows"))
@case
def odd_other_image_in_index(w):
    return add_docker(add_oci(Archive(), [Image(w)]), [Image(w + "-b")])
@case
def odd_other_name_in_index(w):
    i, j = Image(w), Image(w)
    j.tags = [PREFIX + w + "-other:1"]
    return add_docker(add_oci(Archive(), [i]), [j])
@case
def odd_empty_index(w):
    a = hybrid(Image(w))
    return a.set("index.json", dump({"schemaVersion": 2, "manifests": None}))
@case
def odd_parent_missing(w):
    i = Image(w)
    i.item = {"Parent": "sha256:" + "0" * 64}
    return hybrid(i)
@case
def odd_parent_other_history(w):
    i, j = Image(w), second(w)
    j.item = {"Parent": sha(dump(i.config))}
    return hybrid(i, j), 2, "1,2"
@case
def odd_history_too_long(w):
    i = Image(w)
    i.config["history"] += [{"created_by": "one more"}]
    return hybrid(i)
@case
def odd_artifact(w):
    i = Image(w)
    i.config_type = "application/vnd.cncf.helm.config.v1+json"
    return oci(i)
@case
def odd_unknown_media_type(w):
    i = Image(w)
    i.descriptor = {"mediaType": "application/vnd.example.unknown+json"}
    return oci(i)
@case
def odd_two_diff_ids_one_path(w):
    a = v1_form(Image(w))
    items = json.loads(a.data("manifest.json"))
    items[0]["Layers"][1] = items[0]["Layers"][0]
    return a.set("manifest.json", dump(items))
@case
def odd_two_same_names(w): return oci(Image(w), Image(w + "-b")), 2, "1"
@case
def odd_ref_name_no_reference(w):
    a = oci(Image(w), names=False)
    index = json.loads(a.data("index.json"))
    index["manifests"][0]["annotations"] = {"org.opencontainers.image.ref.name": "UPPERCASE-IS-INVALID"}
    return a.set("index.json", dump(index))
@case
def odd_empty_file_layer(w):
    i = Image(w)
    i.plain[1] = i.stored[1] = b""
    i.config["rootfs"]["diff_ids"][1] = sha(b"")
    return hybrid(i)


# --- one thing wrong ---

def changed_blob(w, form, which, how):
    i = Image(w)
    a = form(i)
    name = {"first layer": blob(i.stored[0]), "last layer": blob(i.stored[-1]), "config": blob(dump(i.config))}.get(which) or \
        next(e[0].name for e in a.entries if b'"layers":[' in e[1] and e[0].name.startswith("blobs"))
    data = how(a.data(name))
    return a.drop(name) if data is None else a.set(name, data)


def in_text(old, new):
    return lambda data: data.replace(old, new)


for form in (hybrid, oci):
    n = form.__name__
    for which, how in (("first layer", flipped), ("last layer", flipped), ("config", in_text(b"step 0", b"stEp 0")),
                       ("manifest", in_text(b'"schemaVersion":2,', b'"schemaVersion":2 ,'))):
        cases[f"bad-{n}-flip-{which.replace(' ', '-')}"] = lambda w, f=form, p=which, h=how: changed_blob(w, f, p, h)
    for which in ("first layer", "last layer", "config", "manifest"):
        cases[f"bad-{n}-drop-{which.replace(' ', '-')}"] = lambda w, f=form, p=which: changed_blob(w, f, p, lambda data: None)


def swapped(w, form):
    i = Image(w)
    a = form(i)
    first, second = blob(i.stored[0]), blob(i.stored[1])
    return a.set(first, i.stored[1]).set(second, i.stored[0])


@case
def bad_hybrid_swapped(w): return swapped(w, hybrid)
@case
def bad_oci_swapped(w): return swapped(w, oci)


def with_manifest(w, form, change):
    """The manifest says something else; all digests hold."""
    i = Image(w)
    config = dump(i.config)
    m = {"config": {"mediaType": CONFIG, "digest": sha(config), "size": len(config)},
         "layers": [{"mediaType": LAYER, "digest": sha(b), "size": len(b)} for b in i.stored]}
    change(m)
    i.manifest = m
    return form(i)


for form in (hybrid, oci):
    n = form.__name__
    cases[f"bad-{n}-size-of-layer"] = lambda w, f=form: with_manifest(w, f, lambda m: m["layers"][0].update(size=1))
    cases[f"bad-{n}-size-of-config"] = lambda w, f=form: with_manifest(w, f, lambda m: m["config"].update(size=m["config"]["size"] + 1))
    cases[f"bad-{n}-one-layer-less"] = lambda w, f=form: with_manifest(w, f, lambda m: m["layers"].pop())


def size_of_manifest(w, form, by):
    a = form(Image(w))
    index = json.loads(a.data("index.json"))
    index["manifests"][0]["size"] += by
    return a.set("index.json", dump(index))


cases["bad-oci-size-of-manifest"] = lambda w: size_of_manifest(w, oci, 1)
cases["bad-hybrid-size-of-manifest"] = lambda w: size_of_manifest(w, hybrid, 1)
cases["bad-oci-size-of-manifest-less"] = lambda w: size_of_manifest(w, oci, -1)


def with_config(w, form, change):
    i = Image(w)
    change(i)
    return form(i)


def wrong_diff_id(i): i.config["rootfs"]["diff_ids"][0] = sha(b"other")
def one_diff_id_more(i): i.config["rootfs"]["diff_ids"].append(sha(b"other"))
def no_rootfs(i): del i.config["rootfs"]
def no_config(i): i.config_bytes = b"{nonsense"
def wrong_type(i): i.config["os"] = 5


for form in (hybrid, oci, v1_form):
    for change in (wrong_diff_id, one_diff_id_more, no_rootfs, no_config, wrong_type):
        name = f"bad-{form.__name__}-{change.__name__}".replace("_", "-")
        cases[name] = lambda w, f=form, c=change: with_config(w, f, c)


def other_layer(w, form, data, plain=None):
    i = Image(w)
    data = data(i.plain[1])
    i.config["rootfs"]["diff_ids"][1] = sha(data) if plain is None else sha(i.plain[1])
    i.stored[1] = data
    return form(i)


for form in (hybrid, oci, v1_form):
    n = form.__name__.replace("_", "-")
    cases[f"bad-{n}-layer-no-tar"] = lambda w, f=form: other_layer(w, f, lambda b: (w + " is no tar archive, but a text that is longer than a block of such. ").encode() * 30)
    cases[f"bad-{n}-layer-cut"] = lambda w, f=form: other_layer(w, f, lambda b: b[:515])
    cases[f"bad-{n}-layer-gzip-cut"] = lambda w, f=form: other_layer(w, f, lambda b: gzip.compress(b, mtime=0)[:-12], True)
    cases[f"bad-{n}-layer-gzip-trailing"] = lambda w, f=form: other_layer(w, f, lambda b: gzip.compress(b, mtime=0) + b"garbage", True)
    cases[f"bad-{n}-layer-gzip-sum"] = lambda w, f=form: other_layer(w, f, lambda b: flipped(gzip.compress(b, mtime=0), len(gzip.compress(b, mtime=0)) - 6), True)
    cases[f"bad-{n}-layer-zstd-cut"] = lambda w, f=form: other_layer(w, f, lambda b: zstd(b)[:-6], True)


def header_changed(w, which, edit):
    a = hybrid(Image(w))
    a.entries[which][2] = edit
    return a


for place, which in (("first", 0), ("middle", 3), ("last", -1)):
    cases[f"bad-checksum-{place}"] = lambda w, n=which: header_changed(w, n, lambda h: h[:148] + b"0000000\0" + h[156:])
cases["bad-size-beyond-the-end"] = lambda w: header_changed(w, -1, with_size(b"00077777777\0"))
cases["bad-size-negative"] = lambda w: header_changed(w, -1, with_size(b"\xff" * 12))
cases["bad-size-no-number"] = lambda w: header_changed(w, 2, with_size(b"0000000zzzz\0"))
cases["bad-size-too-small"] = lambda w: header_changed(w, 0, with_size(b"00000000001\0"))

for text in ("null", "[]", "{}", "nonsense", '[{"Config":5}]', "[null]"):
    name = "bad-manifest-json-" + "".join(c if c.isalnum() else "x" for c in text)
    cases[name] = lambda w, t=text: v1_form(Image(w)).set("manifest.json", t.encode())
for text in ("null", "[]", "nonsense", '{"schemaVersion":2,"manifests":[]}', '{"manifests":[{"digest":"sha256:zz","size":1,"mediaType":"%s"}]}' % MANIFEST):
    name = "bad-index-json-" + "".join(c if c.isalnum() else "x" for c in text)[:30].lower()
    cases[name] = lambda w, t=text: oci(Image(w)).set("index.json", t.encode())


@case
def bad_archive_gzip_cut(w): return gzip.compress(hybrid(Image(w)).raw(), mtime=0)[:-200]
@case
def bad_archive_zstd_cut(w): return zstd(hybrid(Image(w)).raw())[:-200]
@case
def bad_empty(w): return b""
@case
def bad_zeros(w): return bytes(10240)
@case
def bad_text(w): return b"this is no archive\n" * 1000
@case
def bad_cyclic_index(w):
    a = oci(Image(w))
    index = json.loads(a.data("index.json"))
    index["manifests"] = [{"mediaType": INDEX, "digest": "sha256:" + "1" * 64, "size": 2, "annotations": index["manifests"][0]["annotations"]}]
    return a.set("index.json", dump(index)).add("blobs/sha256/" + "1" * 64, dump(index))


def cut(w, at):
    return v1_form(Image(w, 1)).raw()[:at]


for blocks in range(1, len(v1_form(Image("x", 1)).raw()) // 512):
    cases[f"cut-{blocks * 512:05}"] = lambda w, at=blocks * 512: cut(w, at)
cases["cut-04000"] = lambda w: cut(w, 4000)
cases["cut-00100"] = lambda w: cut(w, 100)


def describe(path):
    """The number of images and their names, as far as they can be read."""
    found = {}
    try:
        with tarfile.open(path) as tar:
            for info in tar:
                name = os.path.normpath(info.name)
                if name in ("manifest.json", "index.json") and info.isfile():
                    found[name] = json.loads(tar.extractfile(info).read())
        items = found.get("manifest.json") or []
        roots = (found.get("index.json") or {}).get("manifests") or []
        names = [(d.get("annotations") or {}).get("org.opencontainers.image.ref.name", "") for d in roots]
        return max(len(items), len({d["digest"] for d in roots})), ",".join(names) if len(roots) > 1 else ""
    except (tarfile.TarError, OSError, EOFError, ValueError, AttributeError, KeyError, TypeError):
        return 0, ""


def main():
    if sys.argv[1] == "--describe":
        for file in sys.argv[2:]:
            print(os.path.basename(file).removesuffix(".tar"), *describe(file), sep="\t")
        return
    folder = sys.argv[1]
    for name, make in cases.items():
        made = make(name)
        made, images, refs = made if isinstance(made, tuple) else (made, 1, "")
        with open(os.path.join(folder, name + ".tar"), "wb") as out:
            out.write(made if isinstance(made, bytes) else made.raw())
        print(name, images, refs, sep="\t")


if __name__ == "__main__":
    main()
