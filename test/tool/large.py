#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#
"""A layer of 20 GiB, and the first byte of an image with 100 layers."""

import os
import re
import shutil
import statistics
import subprocess
import time

from harness import Checks, Skipped, need, same
from layout import Layout, large_app, raw_layer

check = Checks()

SIZE = 20 << 30


def anonymous_memory(process):
    """MiB that are the process's own, not pages of files."""
    with open(f"/proc/{process.pid}/status") as status:
        found = re.search(r"RssAnon:\s+(\d+) kB", status.read())
    return int(found[1]) / 1024 if found else 0


def files_of(process):
    """The files that are open, each with whether it may be written to."""
    for fd in os.listdir(f"/proc/{process.pid}/fd"):
        try:
            name = os.readlink(f"/proc/{process.pid}/fd/{fd}")
            with open(f"/proc/{process.pid}/fdinfo/{fd}") as info:
                yield name, int(re.search(r"flags:\s+(\d+)", info.read())[1], 8) & os.O_ACCMODE != os.O_RDONLY
        except FileNotFoundError:
            pass


def watched(process, layout, folder):
    """Look at a process until it ends; return the most memory that it had."""
    layer = layout.path(layout.layer_of(layout.manifest, 1))
    allowed = re.compile(r"pipe:|/dev/null|" + re.escape(folder) + "/said$")
    most, read = 0, False
    while process.poll() is None:
        try:
            most = max(most, anonymous_memory(process))
            for name, writable in files_of(process):
                need(not writable or allowed.match(name), f"it writes to {name}")
                read |= name == layer
        except (FileNotFoundError, ProcessLookupError):
            break
        time.sleep(0.05)
    taken = sum(os.lstat(os.path.join(where, name)).st_blocks * 512 for where, _, names in os.walk(folder) for name in names)
    need(taken < 50 << 20, f"{taken} bytes are on the disk")
    need(read, "the layer was never seen open")
    need(0 < most < 32, f"it took {most:.1f} MiB of memory")
    return most


def stream(tool, folder, *arguments, reader=None):
    layout = large_app(folder + "/store", SIZE)
    start = time.monotonic()
    with open(folder + "/said", "w+b") as said, open(os.devnull, "wb") as null:
        process = tool.start("save", "--store", layout.url, *arguments, "app:1.0", stderr=said, stdout=subprocess.PIPE if reader else null)
        reading = subprocess.Popen(reader, stdin=process.stdout, stdout=subprocess.PIPE) if reader else None
        try:
            if reading:
                process.stdout.close()
            most = watched(process, layout, folder)
            same(process.returncode, 0, "the exit code")
            listed = reading.communicate(timeout=60)[0].decode() if reading else ""
        finally:
            for each in filter(None, (process, reading)):
                each.kill()
                each.wait()
        if reading:
            same(reading.returncode, 0, "the exit code of the reader")
        said.seek(0)
        return most, time.monotonic() - start, listed, said.read().decode()


@check("20 GiB in one layer, verified, through a pipe to tar")
def through_a_pipe(tool, folder):
    most, seconds, listed, said = stream(tool, folder, "--progress", "lines", reader=["tar", "-b", "2000", "-tvf", "-"])
    need(str(SIZE) in listed, "tar does not list the layer")
    need("3 layers verified" in said and "21.4 GB" in said, f"it said {said!r}")
    need(seconds < 6 or "left" in said, "no line told how much is left")
    return f"at most {most:.1f} MiB of memory, {seconds:.0f} s"


@check("20 GiB in one layer, not verified, to the null device")
def to_null(tool, folder):
    most, seconds, _, said = stream(tool, folder, "--no-verify")
    need("0 layers verified, 3 not" in said, f"it said {said!r}")
    return f"at most {most:.1f} MiB of memory, {seconds:.0f} s"


def hundred_layers(folder):
    layout = Layout(folder)
    layout.manifest = layout.add(layout.image([raw_layer(100000, n) for n in range(100)]), "app:1.0")
    return layout.finish()


@check("the first byte of an image with 100 layers")
def first_byte(tool, folder):
    layout = hundred_layers(folder + "/store")
    times = []
    for _ in range(21):
        start = time.perf_counter()
        with tool.start("save", "--store", layout.url, "app:1.0") as process:
            process.stdout.read(1)
            times.append((time.perf_counter() - start) * 1000)
            process.kill()
    return f"median {statistics.median(times):.1f} ms, least {min(times):.1f} ms after the process was started"


@check("the first byte leaves before any layer but the first is read, and no more than two are ever open")
def first_byte_traced(tool, folder):
    if shutil.which("strace") is None:
        raise Skipped("needs strace")
    layout = hundred_layers(folder + "/store")
    log = folder + "/log"
    command = ["strace", "-f", "-y", "-qq", "-e", "trace=openat,openat2,close,read,pread64,preadv,mmap,write,writev,sendfile,splice", "-o", log]
    run = subprocess.run([*command, tool.path, "save", "--store", layout.url, "app:1.0"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=120)
    if run.returncode != 0 and "ptrace" in run.stderr.decode():
        raise Skipped("strace may not trace here")
    same(run.returncode, 0, "the exit code")
    layers = {os.path.basename(layout.path(each)) for each in layout.read(layout.manifest)["layers"]}
    written = open_now = most = 0
    read = set()
    with open(log) as lines:
        for line in lines:
            call, _, about = line.partition(" ")[2].strip().partition("(")
            layer = layers.intersection(re.findall(r"[0-9a-f]{64}", about))
            written += call in ("write", "writev") and about.startswith("1<")
            if not layer:
                continue
            if call.startswith("open"):
                open_now += 1
                most = max(most, open_now)
            elif call == "close":
                open_now -= 1
            else:
                read |= layer
                need(written or len(read) == 1, f"a second layer is read before the first byte leaves: {line.strip()[:200]}")
    same(len(read), 100, "the number of layers that were read")
    need(most <= 2, f"{most} layers were open at once")
