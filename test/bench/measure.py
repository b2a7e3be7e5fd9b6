# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#
"""Times commands in turn, each on a machine that has settled: what all the benchmarks of this folder measure with."""

import hashlib, io, json, mmap, os, random, socket, statistics, subprocess, sys, tarfile, threading, time


def lasting_memory(size=3 << 30):
    """Returns what has to be kept as long as commands are timed, so that they find memory as a machine in use has it.

    A virtual machine gives memory that is free back to its host, and gets it again a page at a time, ten times as slowly as it
    fills it: whoever runs after a pause would pay for that, and not for its own work. It gives back large blocks. So free memory is cut up here:
    `size` bytes become free, between as many that do not, and are what the kernel takes first.
    """
    piece = 1 << 20
    size = min(2 * size, os.sysconf("SC_AVPHYS_PAGES") * mmap.PAGESIZE // 2) // (2 * piece) * (2 * piece)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_NOHUGEPAGE)
    for at in range(0, size, mmap.PAGESIZE):
        memory[at] = 1
    for at in range(0, size, 2 * piece):
        memory.madvise(mmap.MADV_DONTNEED, at, piece)
    return memory


class Watch(threading.Thread):
    """Of a running command: the most anonymous memory of its own process, and what a file system had at most, beside its
    output, that it did not have before. Both are bytes."""

    def __init__(self, process, folder):
        super().__init__(daemon=True)
        self.process, self.folder = process, folder
        self.memory = self.temporary = 0
        self.ended = False
        self.before = self.used()

    def used(self):
        s = os.statvfs(self.folder)
        return (s.f_blocks - s.f_bfree) * s.f_frsize

    def run(self):
        while not self.ended:
            try:
                with open("/proc/%d/status" % self.process.pid) as f:
                    for line in f:
                        if line.startswith("RssAnon:"):
                            self.memory = max(self.memory, int(line.split()[1]) * 1024)
            except OSError:
                pass
            self.temporary = max(self.temporary, self.used() - self.before)
            time.sleep(0.002)

    def end(self, output):
        self.ended = True
        self.join()
        self.temporary = max(0, self.temporary - (os.path.getsize(output) if output else 0))


def run_once(command, output, into="file", watched=False):
    """Seconds, and the Watch of the run or None.

    Who watches takes a part of the processors, so that a run which is timed is not watched.

    `into`: `file`, where the command writes `output` itself; `pipe` or `socket`, where its standard output is one, and what
    comes out at the other end is thrown away.
    """
    if os.path.exists(output):
        os.remove(output)
    os.sync()
    time.sleep(0.5)
    start = time.perf_counter()
    taker, ours = None, subprocess.DEVNULL
    if into != "file":
        ours, theirs = socket.socketpair() if into == "socket" else map(os.fdopen, reversed(os.pipe()), "wr")
        taker = subprocess.Popen(["cat"], stdin=theirs, stdout=subprocess.DEVNULL)
        theirs.close()
    process = subprocess.Popen(command, stdout=ours, stderr=subprocess.PIPE)
    if taker:
        ours.close()
    watch = Watch(process, os.path.dirname(output)) if watched else None
    if watch:
        watch.start()
    said = process.stderr.read().decode()
    if process.wait() != 0:
        sys.exit("%s failed: %s" % (command, said))
    if taker:
        taker.wait()
    elapsed = time.perf_counter() - start
    if watch:
        watch.end(output if into == "file" else None)
    return elapsed, watch


class Runs:
    """What was seen of a command: `seconds` of each timed run; of one more, `memory` and `temporary` as Watch has them."""

    def __init__(self):
        self.seconds, self.memory, self.temporary = [], 0, 0

    @property
    def median(self):
        return statistics.median(self.seconds)


def interleaved(contenders, output, runs, into="file"):
    """{name: Runs}; of two rounds before the first, one warms the page cache up, and one is watched."""
    results = {name: Runs() for name in contenders}
    memory = lasting_memory()
    for name, command in contenders.items():
        run_once(command, output, into)
    for name, command in contenders.items():
        watch = run_once(command, output, into, watched=True)[1]
        results[name].memory, results[name].temporary = watch.memory, watch.temporary
    for _ in range(runs):
        for name, command in contenders.items():
            results[name].seconds.append(run_once(command, output, into)[0])
    memory.close()
    return results


def first_byte(command, runs=3):
    """Median seconds until a command that writes to its standard output has written something."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        process.stdout.read(1)
        times.append(time.perf_counter() - start)
        process.kill()
        process.wait()
    return statistics.median(times)


def write_tar(out, files):
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as t:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            t.addfile(info, io.BytesIO(content))


def large_layers(megabytes):
    """(number, tar bytes) of 7 layers of unlike sizes, each of one file of incompressible bytes: the same ones every time."""
    shares = [30, 25, 20, 12, 8, 4, 1]
    for n, share in enumerate(shares):
        some, left = random.Random(n), megabytes * 1000000 * share // sum(shares)
        content = b"".join(some.randbytes(min(64 << 20, left - at)) for at in range(0, left, 64 << 20))
        out = io.BytesIO()
        write_tar(out, [("file%d" % n, content)])
        yield n, out.getvalue()


def make_layout(folder, size):
    """A layout of 7 layers of unlike sizes, each a tar of one file of incompressible bytes."""
    blobs = os.path.join(folder, "blobs", "sha256")
    os.makedirs(blobs)

    def put(data):
        digest = hashlib.sha256(data).hexdigest()
        with open(os.path.join(blobs, digest), "wb") as f:
            f.write(data)
        return {"digest": "sha256:" + digest, "size": len(data)}

    layers = [dict(put(layer), mediaType="application/vnd.oci.image.layer.v1.tar") for _, layer in large_layers(size)]
    config = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/x"]},
              "rootfs": {"type": "layers", "diff_ids": [l["digest"] for l in layers]}}
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": dict(put(json.dumps(config).encode()), mediaType="application/vnd.oci.image.config.v1+json"),
                "layers": layers}
    entry = dict(put(json.dumps(manifest).encode()), mediaType=manifest["mediaType"],
                 annotations={"org.opencontainers.image.ref.name": "bench:1"})
    with open(os.path.join(folder, "index.json"), "w") as f:
        json.dump({"schemaVersion": 2, "manifests": [entry]}, f)
    with open(os.path.join(folder, "oci-layout"), "w") as f:
        f.write('{"imageLayoutVersion":"1.0.0"}')
    return [os.path.join(blobs, l["digest"][7:]) for l in layers]
