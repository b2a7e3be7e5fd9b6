#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#
"""Good use: what the help promises."""

import hashlib
import json
import os
import pty
import random
import re
import shutil
import subprocess
import tarfile
import io
import time

from harness import Checks, Failed, Skipped, drain, finish, left, need, readers, same, until, whole
from layout import ARCHITECTURE, Layout, app, noise, raw_layer

check = Checks()


@check("the readers that judge archives are there: Python, GNU tar, bsdtar")
def judges(tool, folder):
    missing = {"GNU tar", "bsdtar"} - set(readers())
    if missing:
        raise Skipped("no " + ", ".join(missing))


def slurp(path):
    with open(path, "rb") as file:
        return file.read()


def member(archive, name):
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return json.load(tar.extractfile(name))


def tags_in(archive):
    return [each["RepoTags"] for each in member(archive, "manifest.json")]


def two_apps(folder):
    layout = Layout(folder)
    base = raw_layer(5000, 1, "base")
    layout.one = layout.add(layout.image([base, raw_layer(100, 2)]), "app:1.0", "app:latest")
    layout.two = layout.add(layout.image([base, raw_layer(200, 3)]), "other/tool:2")
    return layout.finish()


@check("save to a file")
def to_file(tool, folder):
    layout = app(folder + "/store")
    target = folder + "/out/app.tar"
    os.mkdir(folder + "/out")
    result = tool.save(layout, "-o", target, "app:1.0", preexec_fn=lambda: os.umask(0o027)).ok()
    same(result.out, b"", "standard output")
    same(left(folder + "/out"), ["app.tar"], "what is left")
    same(oct(os.stat(target).st_mode & 0o777), "0o640", "the mode")
    whole(slurp(target))
    need("3 layers verified" in result.err and target in result.err and len(result.err.splitlines()) == 1, f"it said {result.err!r}")


@check("save replaces what has the name")
def replaces(tool, folder):
    layout = app(folder + "/store")
    target = folder + "/app.tar"
    for content in (b"old", noise(1 << 20)):
        with open(target, "wb") as old:
            old.write(content)
        tool.save(layout, "-o", target, "app:1.0").ok()
        whole(slurp(target))


@check("every output gets the same bytes: file, pipe, appended, null device, verified or not, synced or not")
def same_bytes(tool, folder):
    layout = app(folder + "/store", sizes=(3000, 3 << 20, 511, 512, 513))
    piped = whole(tool.save(layout, "app:1.0").ok().out)
    same(tool.save(layout, "-o", "-", "app:1.0").ok().out, piped, "what -o - writes")
    for more in ([], ["--no-verify"], ["--no-sync"], ["--no-verify", "--no-sync"]):
        tool.save(layout, *more, "-o", folder + "/file", "app:1.0").ok()
        need(slurp(folder + "/file") == piped, f"the file differs with {more}")
        need(tool.save(layout, *(each for each in more if each != "--no-sync"), "app:1.0").ok().out == piped, f"the pipe differs with {more}")
        for mode in ("wb", "ab", "r+b"):
            with open(folder + "/redirected", mode) as out:
                tool.save(layout, *more, "app:1.0", stdout=out).ok()
            expected = piped * 2 if mode == "ab" else piped
            need(slurp(folder + "/redirected")[:len(expected)] == expected, f"redirected by {mode}, it differs with {more}")
        with open(os.devnull, "wb") as out:
            tool.save(layout, *more, "app:1.0", stdout=out).ok()


@check("the same bytes under another zone, locale, umask, folder and user")
def deterministic(tool, folder):
    layout = app(folder + "/store")
    expected = tool.save(layout, "app:1.0").ok().out
    environment = {"TZ": "Asia/Kathmandu", "LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8", "HOME": "/nowhere"}
    options = {"env": environment, "cwd": "/", "preexec_fn": lambda: os.umask(0o777)}
    if os.geteuid() == 0:
        options["user"] = 65534
    same(tool.save(layout, "app:1.0", **options).ok().out, expected, "the archive")


@check("plan --json tells sizes, offsets and digests of the bytes that save writes")
def plan_json(tool, folder):
    layout = two_apps(folder + "/store")
    saved = tool.save(layout, "app", "other/tool:2").ok()
    plan = json.loads(tool("plan", "--store", layout.url, "--json", "app", "other/tool:2").ok().out)
    same(plan["size"], len(saved.out), "the size")
    need("etag " + plan["etag"] in saved.err, f"save does not tell the etag {plan['etag']}: {saved.err!r}")
    same([each["tags"] for each in plan["images"]], [["app:1.0", "app:latest"], ["other/tool:2"]], "the tags")
    with tarfile.open(fileobj=io.BytesIO(saved.out)) as tar:
        members = tar.getmembers()
    same(len(plan["entries"]), len(members), "the number of entries")
    for entry, found in zip(plan["entries"], members):
        same(entry["path"].rstrip("/"), found.name, "a path")
        same((entry["offset"], entry["data"], entry["size"]), (found.offset, found.offset_data, found.size), entry["path"])
        same((int(entry["mode"], 8), entry["mtime"]), (found.mode, found.mtime), "mode and time of " + entry["path"])
        content = saved.out[entry["data"]:entry["data"] + entry["size"]]
        if entry["kind"] != "directory":
            same(entry["digest"], "sha256:" + hashlib.sha256(content).hexdigest(), "the digest of " + entry["path"])
    return f"{len(members)} entries"


@check("plan's table tells the same, and its etag changes with the content only")
def plan_table(tool, folder):
    layout = two_apps(folder + "/store")
    plan = json.loads(tool("plan", "--store", layout.url, "--json", "app:1.0").ok().out)
    lines = tool("plan", "--store", layout.url, "app:1.0").ok().out.decode().splitlines()
    rows = [line.split() for line in lines[1:1 + len(plan["entries"])]]
    same(rows, [[str(e["offset"]), str(e["size"]), e["kind"], e["path"]] for e in plan["entries"]], "the table")
    same(lines[-1], f"{len(rows)} entries, {plan['size']} bytes, etag {plan['etag']}", "the last line")
    etags = {name: json.loads(tool("plan", "--store", layout.url, "--json", name).ok().out)["etag"]
             for name in ("app:1.0", "app:latest", "other/tool:2", "app:1.0=x:1")}
    same(len(set(etags.values())), 4, "the number of different etags")
    same(etags["app:1.0"], plan["etag"], "the etag of the same plan")


@check("plan reads no layer")
def plan_reads_no_layer(tool, folder):
    layout = app(folder + "/store")
    path = layout.path(layout.layer_of(layout.manifest))
    with open(path, "r+b") as blob:
        blob.write(b"not what it was")
    tool("plan", "--store", layout.url, "app:1.0").ok()


@check("ls and ls --json list names, IDs, platforms and sizes")
def listing(tool, folder):
    layout = two_apps(folder + "/store")
    untagged = layout.add(layout.image([raw_layer(10, 9)], architecture="riscv64"))
    layout.finish()
    rows = json.loads(tool("ls", "--store", layout.url, "--json").ok().out)
    same([row["names"] for row in rows], [["app:1.0", "app:latest"], ["other/tool:2"], []], "the names")
    same([row["id"] for row in rows], [layout.config_of(m)["digest"] for m in (layout.one, layout.two, untagged)], "the IDs")
    same([row["platform"] for row in rows], [f"linux/{ARCHITECTURE}"] * 2 + ["linux/riscv64"], "the platforms")
    same(rows[0]["size"], sum(each["size"] for each in layout.read(layout.one)["layers"]), "the size")
    table = tool("ls", "--store", layout.url).ok().out.decode().splitlines()
    same(len(table), 5, "the number of lines")
    same(table[0].split(), ["NAME", "IMAGE", "ID", "PLATFORM", "CREATED", "SIZE"], "the head")
    same(table[4].split()[:2], ["<none>", rows[2]["id"][7:19]], "the last line")


@check("names: several, a repository, an ID, its first digits, NAME=AS, --all, none at all")
def all_sorts_of_names(tool, folder):
    layout = two_apps(folder + "/store")
    one = layout.config_of(layout.one)["digest"]
    for names, tags in (
            (["other/tool:2", "app:1.0"], [["other/tool:2"], ["app:1.0"]]),
            (["app"], [["app:1.0", "app:latest"]]),
            (["docker.io/library/app:latest"], [["app:latest"]]),
            ([one], [None]), ([one[7:]], [None]), ([one[7:17]], [None]),
            (["app:1.0=registry.example:5000/my/app:test"], [["registry.example:5000/my/app:test"]]),
            (["app:1.0=renamed"], [["renamed:1.0"]]),
            (["app:1.0", "app:1.0=two:1", "app:1.0=two:2"], [["app:1.0", "two:1", "two:2"]]),
            ([one + "=named:1"], [["named:1"]]),
            (["--all"], [["app:1.0", "app:latest"], ["other/tool:2"]])):
        found = tags_in(whole(tool.save(layout, *names).ok().out))
        same([each or None for each in found], tags, f"the tags of {names}")
    alone = app(folder + "/alone")
    same(tags_in(tool.save(alone).ok().out), [["app:1.0"]], "the tags of the only image")


@check("--all saves images without name")
def all_with_untagged(tool, folder):
    layout = two_apps(folder + "/store")
    layout.add(layout.image([raw_layer(10, 9)]))
    layout.finish()
    archive = whole(tool.save(layout, "--all").ok().out)
    same(len(member(archive, "manifest.json")), 3, "the number of images")
    same(len(member(archive, "index.json")["manifests"]), 4, "the number of entries of index.json")


@check("docker:ROOT?driver=NAME chooses where there are images of several storage drivers; without it the message tells them")
def drivers(tool, folder):
    ids = {}
    for driver in ("overlay2", "vfs"):
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Labels": {"driver": driver}},
                             "rootfs": {"type": "layers", "diff_ids": []}}).encode()
        ids[driver] = hashlib.sha256(config).hexdigest()
        content = os.path.join(folder, "root", "image", driver, "imagedb", "content", "sha256")
        os.makedirs(content)
        with open(os.path.join(content, ids[driver]), "wb") as file:
            file.write(config)
    store = f"docker:{folder}/root"
    tool("ls", "--store", store).refused("overlay2, vfs", "name the one")
    for driver, image_id in ids.items():
        listed = json.loads(tool("ls", "--json", "--store", f"{store}?driver={driver}").ok().out)
        same([image["id"] for image in listed], ["sha256:" + image_id], f"the images of {driver}")
    tool("ls", "--store", store + "?driver=aufs").refused("not of aufs")
    need(tool("ls", "--store", store + "?name=vfs").code == 2, "another part is wrong usage")


@check("--platform refuses an image of another platform, of a store that has one for each name too")
def platforms_of_docker(tool, folder):
    config = json.dumps({"architecture": "arm64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": []}}).encode()
    image_id = hashlib.sha256(config).hexdigest()
    image = os.path.join(folder, "root", "image", "overlay2")
    os.makedirs(os.path.join(image, "imagedb", "content", "sha256"))
    with open(os.path.join(image, "imagedb", "content", "sha256", image_id), "wb") as file:
        file.write(config)
    with open(os.path.join(image, "repositories.json"), "w", encoding="utf-8") as file:
        json.dump({"Repositories": {"app": {"app:1": "sha256:" + image_id}}}, file)
    store = f"docker:{folder}/root"
    for name in ("app:1", image_id[:12]):
        tool("plan", "--store", store, "--platform", "linux/amd64", name).refused(name, "linux/amd64 is not linux/arm64")
        for choice in (["--platform", "linux/arm64"], []):
            tool("plan", "--store", store, *choice, name).refused("without layers")


@check("oci:DIR?name=REPO makes bare tags names; without it the message tells them")
def bare_tags(tool, folder):
    layout = Layout(folder + "/store")
    layout.add(layout.image([raw_layer()]), "1.0", "edge")
    layout.finish()
    store = layout.url + "?name=registry.example/team/app"
    archive = whole(tool("save", "--store", store, "registry.example/team/app:edge").ok().out)
    same(tags_in(archive), [["registry.example/team/app:edge"]], "the tags")
    same(tags_in(tool("save", "--store", store).ok().out), [["registry.example/team/app:1.0", "registry.example/team/app:edge"]], "all tags")
    again = f"tarexport ls --store '{layout.url}?name=REPOSITORY'"
    tool.save(layout, "app:1.0").refused("app:1.0", "1.0, edge", again)
    tool("plan", "--store", layout.url, "1.0").refused("1.0", again)
    listed = tool("ls", "--store", layout.url).ok()
    need("2 tags without" in listed.err and "?name=REPOSITORY" in listed.err, f"ls says {listed.err!r}")
    same(tool("ls", "--store", store).ok().err, "", "what ls says of tags that have a repository")
    need(member(whole(tool.save(layout).ok().out), "manifest.json"), "an image without name is saved")


@check("--platform chooses; the default is the host's")
def platforms(tool, folder):
    layout = Layout(folder + "/store")
    other = "arm64" if ARCHITECTURE != "arm64" else "amd64"
    made = {each: layout.image([raw_layer(100, n)], architecture=each) for n, each in enumerate((other, ARCHITECTURE, "s390x"))}
    entries = [{**made[each], "platform": {"os": "linux", "architecture": each}} for each in made]
    layout.add(layout.index(entries), "multi:1")
    layout.finish()
    for more, expected in (([], ARCHITECTURE), (["--platform", "linux/" + other], other), (["--platform=linux/s390x"], "s390x")):
        archive = whole(tool.save(layout, *more, "multi:1").ok().out)
        config = member(archive, member(archive, "manifest.json")[0]["Config"])
        same(config["architecture"], expected, f"the architecture with {more}")
    tool.save(layout, "--platform", "linux/mips", "multi:1").refused("multi:1", "linux/mips", "linux/s390x")
    tool.save(layout, "--platform", "linux/s390x", "--platform", "linux/" + other, "multi:1").refused("multi:1", "more than one platform")
    tool.save(layout, "--platform", "linux/!", "multi:1").refused("linux/!", code=2)


@check("layers that are compressed, foreign to the engine or named by sha512 pass through")
def other_layers(tool, folder):
    layout = Layout(folder + "/store")
    packed = layout.blob(noise(5000, 7), "application/vnd.oci.image.layer.v1.tar+gzip")
    data = raw_layer(2000, 8)
    digest = "sha512:" + hashlib.sha512(data).hexdigest()
    os.mkdir(layout.folder + "/blobs/sha512")
    strong = {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest, "size": len(data)}
    layout.write(layout.path(strong), data)
    diffs = {"type": "layers", "diff_ids": ["sha256:" + "1" * 64, "sha256:" + hashlib.sha256(data).hexdigest()]}
    layout.add(layout.image([packed, strong], rootfs=diffs), "app:1.0")
    layout.finish()
    archive = whole(tool.save(layout, "app:1.0").ok().out)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        same(tar.extractfile("blobs/" + digest.replace(":", "/")).read(), data, "the sha512 layer")
        same(tar.extractfile("blobs/" + packed["digest"].replace(":", "/")).read(), noise(5000, 7), "the compressed layer")


def spans_of(path, size):
    """Read a trace; return the spans as (name, depth, attributes)."""
    events = json.loads(slurp(path))
    open_spans, spans = [], []
    for event in events:
        need(event["ph"] in "BEi" and event["ts"] >= 0, f"an odd event: {event}")
        if event["ph"] == "B":
            spans.append((event["name"], len(open_spans), event["args"]))
            open_spans.append(event["name"])
        elif event["ph"] == "E":
            same(event["name"], open_spans.pop(), "the span that ends")
    same(open_spans, [], "the spans that never end")
    need(len(events) >= size, f"only {len(events)} events")
    return spans, events


@check("--trace writes nested spans with image and chain IDs, also of a save that fails")
def trace(tool, folder):
    layout = app(folder + "/store")
    tool.save(layout, "--trace", folder + "/trace.json", "-o", folder + "/out.tar", "app:1.0").ok()
    spans, events = spans_of(folder + "/trace.json", 20)
    depths = {name: depth for name, depth, _ in spans}
    same(depths, {"save": 0, "resolve": 1, "plan": 1, "write": 1, "entry": 2}, "the depths of the spans")
    resolved = [e["args"] for e in events if e["name"] == "image resolved"][0]
    same(resolved["image.id"], layout.config_of(layout.manifest)["digest"], "the image ID")
    diffs = layout.read(layout.config_of(layout.manifest))["rootfs"]["diff_ids"]
    chains = diffs[:1]
    for each in diffs[1:]:
        chains.append("sha256:" + hashlib.sha256(f"{chains[-1]} {each}".encode()).hexdigest())
    same(resolved["image.chain_id"], chains[-1], "the chain ID of the image")
    layers = {about["layer.digest"]: about["layer.chain_id"] for _, _, about in spans if "layer.digest" in about}
    same(layers, dict(zip(diffs, chains)), "the chain IDs of the layers")
    tool.save(layout, "--trace", "/dev/full", "-o", folder + "/out.tar", "app:1.0").refused("/dev/full", "trace")
    whole(slurp(folder + "/out.tar"))
    tool.save(layout, "--trace", folder + "/no/trace", "-o", folder + "/no.tar", "app:1.0").refused(folder + "/no/trace")
    os.remove(layout.path(layout.layer_of(layout.manifest)))
    tool.save(layout, "--trace", folder + "/failed.json", "-o", folder + "/no.tar", "app:1.0").refused("missing blob")
    _, events = spans_of(folder + "/failed.json", 3)
    need(any(e["name"] == "save failed" and "missing blob" in e["args"]["reason"] for e in events), "no event says that it failed")


@check("--offset N writes the archive from byte N on")
def offsets(tool, folder):
    layout = app(folder + "/store", sizes=(3000, 300000))
    archive = tool.save(layout, "app:1.0").ok().out
    plan = json.loads(tool("plan", "--store", layout.url, "--json", "app:1.0").ok().out)
    edges = {edge + by for e in plan["entries"] for edge in (e["offset"], e["data"], e["data"] + e["size"]) for by in (-1, 0, 1)}
    edges |= {0, 1, 511, 512, 513, len(archive) - 1025, len(archive) - 1, len(archive)}
    edges |= {random.Random(5).randrange(len(archive)) for _ in range(20)}
    edges = sorted(n for n in edges if n >= 0)
    for n in edges:
        rest = tool.save(layout, "--offset", n, "app:1.0").ok().out
        need(archive[:n] + rest == archive, f"from byte {n} on, {len(rest)} bytes differ")
    unverified = tool.save(layout, "--offset", plan["entries"][-1]["offset"] - 1, "app:1.0").ok().err
    need("0 layers verified" in unverified, f"it said {unverified!r}")
    tool.save(layout, "--offset", len(archive) + 1, "app:1.0").refused("beyond the end", len(archive))
    for wrong in ("-1", "x", "1.5", "9" * 40):
        tool.save(layout, "--offset", wrong, "app:1.0").refused("offset", code=2)
    tool.save(layout, "--offset", 5, "-o", folder + "/file", "app:1.0").refused("--resume", code=2)
    return f"{len(edges)} offsets"


def slow_reader(process, seconds):
    """Let the process wait for a reader that rests once."""
    head = process.stdout.read(1000)
    time.sleep(seconds)
    return drain(process, head)


@check("--progress: a bar, lines or nothing, on standard error; --quiet is silent")
def progress(tool, folder):
    layout = app(folder + "/store", sizes=(1 << 20,))
    expected = tool.save(layout, "app:1.0").ok().out
    for mode, seconds in (("bar", 0.3), ("none", 0.3), ("lines", 5.3), ("auto", 0.3)):
        with tool.start("save", "--store", layout.url, "--progress", mode, "app:1.0") as process:
            result = slow_reader(process, seconds).ok()
        said = result.err
        need(result.out == expected, f"with --progress {mode} the archive differs")
        same("\r[" in said, mode == "bar", f"whether --progress {mode} draws a bar ({said!r})")
        same("100%" in said, mode in ("bar", "lines"), f"whether --progress {mode} comes to 100% ({said!r})")
        need(said.endswith("\n") and "saved" in said.splitlines()[-1], f"the last line: {said!r}")
    same(tool.save(layout, "--quiet", "--progress", "bar", "app:1.0").ok().err, "", "what --quiet says")
    same(tool.save(layout, "-q", "-o", folder + "/file", "app:1.0").ok().err, "", "what -q says")
    tool.save(layout, "--progress", "loud", "app:1.0").refused("loud", "bar, lines, none or auto", code=2)


@check("--progress auto draws a bar on a terminal")
def progress_on_terminal(tool, folder):
    layout = app(folder + "/store", sizes=(1 << 20,))
    primary, secondary = pty.openpty()
    process = tool.start("save", "--store", layout.url, "app:1.0", stderr=secondary)
    process.stdout.read(1000)
    time.sleep(0.3)
    process.stdout.read()
    same(process.wait(), 0, "the exit code")
    os.close(secondary)
    said = os.read(primary, 65536).decode()
    os.close(primary)
    process.stdout.close()
    need("\r[" in said and "100%" in said, f"no bar in {said!r}")


@check("an archive is not written to a terminal")
def terminal(tool, folder):
    layout = app(folder + "/store")
    primary, secondary = pty.openpty()
    result = finish(tool.start("save", "--store", layout.url, "app:1.0", stdout=secondary))
    os.close(secondary)
    result.refused("terminal", "-o FILE", code=2)
    os.set_blocking(primary, False)
    try:
        need(not os.read(primary, 1), "something was written to the terminal")
    except OSError:
        pass
    os.close(primary)


@check("--help of the tool and of every command teaches, and reads nothing")
def help_texts(tool, folder):
    for arguments in (["--help"], ["-h"], ["help"]):
        shown = tool(*arguments).ok().out.decode()
        for word in ("Usage", "save", "plan", "ls", "--store oci:DIR", "--store docker:", "--store containers:", "?name=REPO", "NAME=AS", "Examples", "Exit codes"):
            need(word in shown, f"{arguments}: {word!r} is not in the help")
    for command, words in (
            ("save", ["--store", "--output", "--layout", "--platform", "--all", "--no-verify", "--no-sync", "--keep-partial",
                      "--resume", "--offset", "--progress", "--trace", "--quiet", "NAME[=AS]"]),
            ("plan", ["--store", "--platform", "--all", "--json", "NAME[=AS]"]), ("ls", ["--store", "--json"])):
        for more in (["--help"], ["-h"], ["--help", "--store", "oci:/does/not/exist"]):
            result = tool(command, *more).ok()
            same(result.err, "", f"what {command} {more} says on standard error")
            for word in words:
                need(word in result.out.decode(), f"{command} {more}: {word!r} is not in the help")


@check("help COMMAND is COMMAND --help; --version")
def help_of_a_command(tool, folder):
    for command in ("save", "plan", "ls"):
        same(tool("help", command).ok().out, tool(command, "--help").ok().out, f"what help {command} says")
    version = tool("--version").ok().out.decode()
    need(re.fullmatch(r"tarexport \d+\.\d+\.\d+\n", version), f"--version says {version!r}")


@check("names that are not there: the message tells the other tags, and the command that lists all")
def unknown_names(tool, folder):
    layout = two_apps(folder + "/store")
    command = f"tarexport ls --store '{layout.url}'"
    for name, says in (("app:2.0", "there is app:1.0, app:latest"), ("nobody:1", "nobody:1"), ("nobody", "nobody"), ("sha256:12", "sha256:12")):
        for refused in (tool.save(layout, "-o", folder + "/out.tar", name), tool("plan", "--store", layout.url, name)):
            refused.refused(says, command)
    need("tarexport ls" not in tool.save(layout, "--platform", "linux/mips", "app:1.0").refused("linux/mips").err, "a platform is not listed")


@check("without --store it is an engine's, or else the images that come with the tool, and it says which")
def default_store(tool, folder):
    engines = ["/var/lib/docker", "/var/lib/containers/storage"] if os.geteuid() == 0 else ["/var/lib/docker"]
    found = [e for e in engines if os.path.exists(e)]
    if found:
        raise Skipped("there is " + found[0] + " on this machine")
    none = {**tool.environment, "HOME": folder, "XDG_DATA_HOME": folder}
    for arguments in (["save", "app:1.0"], ["plan", "app:1.0"], ["ls"]):
        result = tool(*arguments, env=none)
        need(result.code == 2 and "--store oci:DIR, archive:FILE, docker:" in result.err, f"{arguments}: {result.err}")
    prefix = folder + "/prefix"
    os.makedirs(prefix + "/bin")
    os.makedirs(prefix + "/share/tarexport")
    shutil.copy(tool.path, prefix + "/bin/tarexport")
    os.rename(two_apps(folder + "/store").folder, prefix + "/share/tarexport/images")
    listed = finish(subprocess.Popen([prefix + "/bin/tarexport", "ls"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, env=none))
    need(listed.code == 0 and b"app:1.0" in listed.out, f"the images that come with the tool: {listed.err}")
    same(listed.err.strip(), f"tarexport: no --store, and no engine's store to read, so the sample images: oci:{prefix}/share/tarexport/images",
         "what it says of the store")


@check("exit code 2 for wrong usage, with a line that says what is wrong")
def usage(tool, folder):
    layout = two_apps(folder + "/store")
    none = tool()
    need(none.code == 2 and none.out == b"" and "Usage" in none.err, "without arguments, the help goes to standard error")
    store = ["--store", layout.url]
    target = folder + "/file"
    for arguments, says in (
            (["frobnicate"], ["frobnicate", "save, plan, ls, have, merge, verify, serve and fetch"]),
            (["save", *store, "--frobnicate", "app"], ["--frobnicate"]),
            (["save", *store, "-x", "app"], ["-x"]),
            (["save", "--store", "tar:/x", "-o", target, "app"], ["tar:/x", "oci:DIR"]),
            (["save", "--store", layout.folder, "-o", target, "app"], [f"--store {layout.url}"]),
            (["ls", "--store", "oci:~/images"], ["~/images", "$HOME"]),
            (["save", "--store", "oci:", "-o", target, "app"], ["directory"]),
            (["save", "--store", layout.url + "?tag=x", "-o", target, "app"], ["?tag=x", "?name="]),
            (["save", "--store", layout.url + "?name=UPPER", "-o", target, "app"], ["UPPER"]),
            (["save", *store, "-o", target], ["2 images", "--all"]),
            (["save", *store, "-o", target, "--all", "app"], ["--all"]),
            (["save", *store, "-o", "", "app:1.0"], ["-o"]),
            (["save", *store, "--resume", "app:1.0"], ["-o FILE"]),
            (["save", *store, "--keep-partial", "app:1.0"], ["-o FILE"]),
            (["save", *store, "--layout", "tower", "-o", target, "app:1.0"], ["tower", "docker"]),
            (["save", *store, "-o"], ["output"]),
            (["save", *store, "-o", target, "--trace", target + ".part", "app:1.0"], ["--trace"]),
            (["save", *store, "--all=yes"], ["all"]),
            (["ls", *store, "app"], ["names"]),
            (["plan", *store, "--platform", "", "app:1.0"], ["platform"])):
        try:
            result = tool(*arguments).refused(*says, code=2)
        except Failed as why:
            raise Failed(f"{arguments}: {why}") from None
        helped = f"Try 'tarexport {arguments[0]} --help'." if arguments[0] != "frobnicate" else "Try 'tarexport --help'."
        same(result.err.splitlines()[-1], helped, f"what {arguments} is told to try")
        same(result.out, b"", f"standard output of {arguments}")
    same(left(folder), ["store"], "what is left")


@check("ls and plan into a pipe that closes, and onto a full disk")
def short_outputs(tool, folder):
    layout = two_apps(folder + "/store")
    for arguments in (["ls"], ["ls", "--json"], ["plan", "--all"]):
        with open("/dev/full", "wb") as full:
            tool(*arguments, "--store", layout.url, stdout=full).refused("standard output")
            tool(*arguments[:1], "--help", stdout=full).refused("standard output")
        with tool.start(*arguments, "--store", layout.url) as process:
            process.stdout.close()
            until(lambda: process.poll() is not None, f"{arguments} goes on without a reader")
