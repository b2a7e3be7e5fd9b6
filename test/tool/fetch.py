#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#
"""Fetching from a server, with one connection and with several, from servers that are honest and others."""

import os
import random
import signal
import socket
import subprocess
import tarfile
import threading
import time

from harness import Checks, Result, finish, left, need, same, until
from layout import app, raw_layer
from outputs import strace
from resume import partial
from serving import GET, Connection, Server, saved
from use import slurp

check = Checks()

MIB = 1 << 20


def unix_url(path, target=GET):
    return "http+unix://" + path.replace("/", "%2F") + target


class Breaking(threading.Thread):
    """A port that passes what goes through it to a server, but only so many bytes of each answer."""

    def __init__(self, address, most):
        super().__init__(daemon=True)
        self.address, self.most, self.listener = address, most, socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client, Connection(self.address) as server:
                server.send(client.recv(65536))
                left = self.most
                while left and server.more():
                    client.sendall(server.got[:left])
                    left -= len(server.got[:left])
                    server.got = b""


@check("fetch: what comes is verified before it appears, and goes on after connections that broke")
def fetched(tool, folder):
    layout = app(folder + "/store", sizes=(3000, 2 * MIB, 1))
    archive = saved(tool, layout)
    os.mkdir(folder + "/out")
    out = folder + "/out/app.tar"
    with Server(tool, folder, layout, port=True) as server:
        for url in (unix_url(server.path), f"http://127.0.0.1:{server.port}{GET}", f"http://localhost:{server.port}/v1.45/images/get?names=app%3A1.0"):
            tool("fetch", "-o", out, url).ok()
            need(slurp(out) == archive, f"the archive from {url} differs")
            same(left(folder + "/out"), ["app.tar"], "what is there")
            os.remove(out)
        proxy = Breaking(server.path, 500000)
        url = f"http://127.0.0.1:{proxy.port}{GET}"
        goes = 1
        tool("fetch", "-o", out, url).refused("app.tar.part", "--resume")
        while not os.path.exists(out):
            need(goes < 10, "it does not come to an end")
            before = os.path.getsize(out + ".part")
            result = tool("fetch", "-o", out, "--resume", url)
            need(result.code == 0 or os.path.getsize(out + ".part") > before, f"it does not go on: {result.err}")
            goes += 1
        need(slurp(out) == archive, "the archive in several goes differs")
        same(left(folder + "/out"), ["app.tar"], "what is there")
        os.remove(out)
        with socket.socket() as nobody: # listens there
            nobody.bind(("127.0.0.1", 0))
            port = nobody.getsockname()[1]
            tool("fetch", "-o", out, f"http://127.0.0.1:{port}{GET}").refused(str(port), "refused")
        tool("fetch", "-o", out, unix_url(server.path, "/images/nobody:1/get")).refused("reference does not exist")
        tool("fetch", "-o", out, unix_url(server.path, "/images/json")).refused(server.path)
        same(left(folder + "/out"), [], "what is left of failures")
        for url in ("https://127.0.0.1/x", "http://example.org/x", "http://127.0.0.1:0/x", "app:1.0", "http+unix:///x", f"http://127.0.0.1:{server.port}"):
            tool("fetch", "-o", out, url).refused("cannot fetch", code=2)
        return f"in {goes} goes"


@check("fetch: an archive that changed meanwhile, or that is wrong, does not appear")
def fetched_wrong(tool, folder):
    layout = app(folder + "/store", sizes=(3000, MIB, 1))
    os.mkdir(folder + "/out")
    out = folder + "/out/app.tar"
    with Server(tool, folder, layout) as server:
        blob = layout.path(layout.layer_of(layout.manifest, 1))
        right = slurp(blob)
        with open(blob, "r+b") as file:
            file.seek(MIB // 2)
            file.write(b"wrong")
        tool("fetch", "-o", out, unix_url(server.path)).refused("too early", "app.tar.part")
        same(left(folder + "/out"), ["app.tar.part", "app.tar.part.etag"], "what is left")
        # The rest of the layer is sent without its digest being looked at: a range cuts it.
        tool("fetch", "-o", out, "--resume", unix_url(server.path)).refused(out, "no good archive: blobs/sha256/", "digest")
        same(left(folder + "/out"), [], "what is left of a wrong archive")
        with open(blob, "wb") as file:
            file.write(right)
        archive = saved(tool, layout)
        partial(out, archive[:1000], "sha256:" + "5" * 64)
        tool("fetch", "-o", out, "--resume", unix_url(server.path)).refused("another archive")
        tool("fetch", "-o", out, unix_url(server.path)).ok()
        need(slurp(out) == archive, "the archive differs")


class Lying(threading.Thread):
    """A port that answers the requests, one a connection, with what it is given: the bytes of the header, and those of the body again and again."""

    def __init__(self, *answers):
        super().__init__(daemon=True)
        self.answers, self.listener = answers, socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}{GET}"
        self.start()

    def run(self):
        for lines, body, times in self.answers:
            client, _ = self.listener.accept()
            with client:
                try:
                    client.recv(65536)
                    client.sendall(("HTTP/1.1 " + "\r\n".join(lines) + "\r\n\r\n").encode())
                    for _ in range(times):
                        client.sendall(body)
                except OSError:
                    pass
        self.listener.close()


@check("fetch: what a server says that has no archive is told, and one that never ends keeps nobody")
def fetched_nothing(tool, folder):
    out = folder + "/app.tar"
    tag = 'ETag: "sha256:' + "5" * 64 + '"'
    endless = 1 << 40
    begun = ["206 X", tag, "Content-Length: 1", "Content-Range: bytes 0-0/5000"], b"x", 1

    def part(first, last):
        return ["206 X", tag, f"Content-Range: bytes {first}-{last}/5000"]

    def refused(what, *answers):
        return tool("fetch", "-o", out, Lying(*answers).url).refused(what).err
    refused("not asked for", (["200 X", tag, "Content-Length: 5000", "Content-Encoding: gzip"], b"x" * 5000, 1))
    refused("more bytes", (["206 X", tag, "Content-Range: bytes 0-0/5000"], b"x" * 65536, endless))
    refused("no end", (["404 X"], b"x" * 65536, endless))
    refused("header limit", (["206 X", "X: " + "x" * 10 * MIB], b"", 0))
    refused("without an answer", (["100 X\r\n\r\nHTTP/1.1 103 X"] , b"HTTP/1.1 102 X\r\n\r\n", endless))
    refused("status 404", (["100 X\r\n\r\nHTTP/1.1 103 X\r\nLink: </>\r\n\r\nHTTP/1.1 404 X", "Content-Length: 0"], b"", 0))
    refused("x.., status 404", (["404 X"], b'{"message":"' + b"x" * 30000 + b'"}', 1))
    refused("status 302", (["302 X", "Location: http://127.0.0.1:1/", "Content-Length: 0"], b"", 0))
    same(left(folder), [], "what is left where nothing had begun")
    for status in (429, 500):
        said = b'{"message":"not now"}'
        busy = [f"{status} X", f"Content-Length: {len(said)}"], said, 1
        need("start again" not in refused(f"not now, status {status}", begun, busy), "a server that is busy is said to have another archive")
    refused("status 404", begun, (["404 X", "Content-Length: 0"], b"", 0))
    for other in ([part(0, 4999)[0], tag.replace("5", "6"), part(0, 4999)[2]], ["206 X", "Content-Length: 0"], ["200 X", tag.replace("5", "6")]):
        need("kept" not in refused("another archive", begun, (other, b"x" * 5000, 1)), "it is said that there is something to go on with")
    refused("does not send ranges", begun, (["200 X", tag], b"x" * 5000, 1))
    refused("other bytes", begun, (part(1, 4999), b"x" * 5000, 1))
    refused("has not the bytes", begun, (["416 X", "Content-Range: bytes */5000", "Content-Length: 0"], b"", 0))
    refused("more bytes", begun, (part(0, 4999), b"x" * 5001, endless))
    refused("4990 of 5000 bytes", begun, (part(0, 4999), b"x" * 4990, 1))
    same(os.path.getsize(out + ".part"), 4990, "what is kept")
    refused("no good archive", begun, (part(0, 4999), b"x" * 5000, 1))
    same(left(folder), [], "what is left of what is no archive")


class Ranged(threading.Thread):
    """A port that has an archive and sends ranges of it, each connection in its own thread; but what `twist` says in place of it.

    `twist(server, first, last)` is asked for each range but the first byte alone, which every download begins with. It returns None for what is right,
    or the lines of a header and the pieces of a body. `pace` is the time in seconds for each 16 KiB.
    """

    def __init__(self, archive, twist=None, pace=0):
        super().__init__(daemon=True)
        self.archive, self.twist, self.pace, self.lock = archive, twist, pace, threading.Lock()
        self.ranges, self.open, self.most_open = [], 0, 0
        self.tag = '"sha256:' + "5" * 64 + '"'
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}{GET}"
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client:
            asked = b""
            try:
                while b"\r\n\r\n" not in asked:
                    asked += client.recv(65536)
                fields = dict(line.lower().split(": ", 1) for line in asked.decode().split("\r\n")[1:] if line)
                first, last = map(int, fields["range"].removeprefix("bytes=").split("-"))
                with self.lock:
                    self.ranges.append((first, last))
                    self.open += 1
                    self.most_open = max(self.most_open, self.open)
                if last != 0:
                    same(fields["if-range"], self.tag, "If-Range")
                lines, body = (last != 0 and self.twist and self.twist(self, first, last)) or self.right(first, last)
                client.sendall(("HTTP/1.1 " + "\r\n".join(lines) + "\r\n\r\n").encode())
                for each in body:
                    client.sendall(each)
            except OSError:
                pass
            finally:
                with self.lock:
                    self.open -= 1

    def head(self, first, last):
        return ["206 X", "ETag: " + self.tag, f"Content-Range: bytes {first}-{last}/{len(self.archive)}", f"Content-Length: {last - first + 1}"]

    def body(self, first, last):
        for at in range(first, last + 1, 16384):
            time.sleep(self.pace)
            yield self.archive[at:min(at + 16384, last + 1)]

    def right(self, first, last):
        return self.head(first, last), self.body(first, last)


def is_prefix(out, archive):
    """What is there to go on with is what it looks like."""
    need(not os.path.exists(out), "it appeared")
    need(os.path.exists(out + ".part.etag"), "there is no etag beside what is kept")
    part = slurp(out + ".part")
    need(archive[:len(part)] == part, f"the {len(part)} bytes that are kept are not the first ones")
    return len(part)


@check("fetch: several connections make the same archive as one")
def parallel(tool, folder):
    layout = app(folder + "/store", sizes=(3000, 5 * MIB, 1, 700000))
    archive = saved(tool, layout)
    os.mkdir(folder + "/out")
    out = folder + "/out/app.tar"
    with Server(tool, folder, layout) as server:
        for jobs in (1, 2, 7, 64):
            before = server.log().count(" 206 ")
            tool("fetch", "-o", out, "--jobs", jobs, unix_url(server.path)).ok()
            need(slurp(out) == archive, f"with {jobs}, the archive differs")
            need(server.log().count(" 206 ") >= before + 1 + jobs, f"with {jobs} there are fewer requests")
            same(left(folder + "/out"), ["app.tar"], "what is there")
            os.remove(out)
        for n in (0, 1, 65536, 4000000, len(archive) - 1, len(archive)):
            partial(out, archive[:n], server.get(GET, "HEAD").fields["etag"].strip('"'))
            tool("fetch", "-o", out, "-j", 5, "--resume", unix_url(server.path)).ok()
            need(slurp(out) == archive, f"from {n} on, the archive differs")
            same(left(folder + "/out"), ["app.tar"], "what is there")
            os.remove(out)
        for jobs in (0, 65, -1, "x"):
            tool("fetch", "-o", out, "--jobs", jobs, unix_url(server.path)).refused("jobs", code=2)
        tool("fetch", "-o", out, "--stall-timeout", 0, unix_url(server.path)).refused("--stall-timeout", code=2)
        tool("fetch", "-o", out, "--progress", "x", unix_url(server.path)).refused("--progress", code=2)
        same(left(folder + "/out"), [], "what is there")
    small = app(folder + "/small", sizes=(10,))
    with Server(tool, folder, small) as server:
        tool("fetch", "-o", out, "--jobs", 64, unix_url(server.path)).ok()
        need(slurp(out) == saved(tool, small), "a small archive differs")


@check("fetch: what several connections leave that broke is the first bytes, and --resume goes on from there")
def parallel_broken(tool, folder):
    layout = app(folder + "/store", sizes=(3000, 8 * MIB, 1))
    archive = saved(tool, layout)
    out = folder + "/app.tar"
    chance = random.Random(7)
    goes = 0
    lengths = [0]

    def twist(server, first, last):
        # All get something, most get less than they asked for, and the first is slow. The first go has half of the first part, so that something is kept.
        lines, _ = server.right(first, last)
        if goes == 0 and first != 0:
            return None
        end = first + (chance.randrange(1, 8 * (last - first + 2)) if goes else (last - first) // 2)
        return lines, server.body(first, min(last, end))
    with Ranged(archive, twist, pace=0.001) as server:
        while not os.path.exists(out):
            need(goes < 100, "it does not come to an end")
            result = tool("fetch", "-o", out, "--jobs", 8, *(["--resume"] if goes else []), server.url)
            goes += 1
            if result.code != 0:
                result.refused("too early", "app.tar.part", "--resume")
                lengths.append(is_prefix(out, archive))
                need(lengths[-1] >= lengths[-2], f"it went back: {lengths}")
    need(slurp(out) == archive, "the archive differs")
    need(goes > 2, f"it was cut {goes - 1} times")
    same([n for n in left(folder) if n.startswith("app.tar")], ["app.tar"], "what is there")
    return f"in {goes} goes"


def begun(tool, url, out, *arguments, **options):
    """A fetch that has got some bytes."""
    before = os.path.getsize(out + ".part") if os.path.exists(out + ".part") else 0
    process = tool.start("fetch", "-o", out, *arguments, url, **options)
    until(lambda: process.poll() is not None or (os.path.exists(out + ".part") and os.path.getsize(out + ".part") > before), "nothing comes")
    need(process.poll() is None, "it ended too early")
    return process


@check("fetch: several connections that are killed leave nothing that looks like the first bytes; a signal leaves these")
def parallel_killed(tool, folder):
    layout = app(folder + "/store", sizes=(3000, 8 * MIB, 1))
    archive = saved(tool, layout)
    out = folder + "/app.tar"
    with Ranged(archive, pace=0.02) as slow, Ranged(archive) as fast:
        for first in (None, 1000000):
            if first:
                partial(out, archive[:first], slow.tag.strip('"'))
            process = begun(tool, slow.url, out, "--jobs", 4, *(["--resume"] if first else []))
            process.send_signal(signal.SIGKILL)
            finish(process)
            need(os.path.exists(out + ".part") and not os.path.exists(out + ".part.etag"), f"it leaves {left(folder)}")
            tool("fetch", "-o", out, "--resume", fast.url).refused("cannot resume")
            need(not os.path.exists(out), "it appeared")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = begun(tool, slow.url, out, "--jobs", 4)
            time.sleep(0.5)
            process.send_signal(number)
            finish(process).refused("cancelled", "app.tar.part")
            is_prefix(out, archive)
        before = is_prefix(out, archive)
        tool("fetch", "-o", out, "--resume", "--jobs", 3, fast.url).ok()
        need(slurp(out) == archive, "the archive differs")
        need(before < len(archive), "nothing was left to get")
        os.remove(out)
        process = begun(tool, slow.url, out, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        need(process.poll() is None, "what was to be ignored ended it")
        process.send_signal(signal.SIGTERM)
        finish(process).refused("cancelled")
        is_prefix(out, archive)
    return f"{before * 100 // len(archive)}% were kept"


@check("fetch: several connections that cannot tell what they leave say so, and lose nothing that is whole")
def parallel_unkept(tool, folder):
    layout = app(folder + "/store", sizes=(3000, 2 * MIB, 1))
    archive = saved(tool, layout)
    out = folder + "/app.tar"
    for stopped in (True, False):
        with Ranged(archive, pace=0.02) as server:
            process = begun(tool, server.url, out, "--jobs", 4)
            os.mkdir(out + ".part.etag") # so that no file can have that name
            if stopped:
                time.sleep(0.15)  # until the first bytes are there, too
                process.send_signal(signal.SIGTERM)
                err = finish(process).refused("cancelled", "what has come is lost").err
                need("kept" not in err and "--resume" not in err, err)
                need(not os.path.exists(out + ".part"), "a file with holes is left")
            else:
                finish(process).ok()
                need(slurp(out) == archive, "the archive differs")
        os.rmdir(out + ".part.etag")


@check("fetch: an archive that is too much to be verified is kept, and appears where that is wanted")
def unverifiable(tool, folder):
    whole = saved(tool, app(folder + "/store", sizes=(3000,)))
    entries = b"".join(tarfile.TarInfo(f"more/{n}").tobuf(tarfile.USTAR_FORMAT) for n in range(50001))
    archive = whole[:-1024] + entries + whole[-1024:]
    out = folder + "/app.tar"
    for jobs in (1, 4):
        with Ranged(archive) as server:
            err = tool("fetch", "-o", out, "--jobs", jobs, server.url).refused(out, "cannot be verified", "--no-verify").err
            need("no good archive" not in err, err)
            same(is_prefix(out, archive), len(archive), "what is kept")
            before = len(server.ranges)
            tool("fetch", "-o", out, "--resume", "--no-verify", "--jobs", jobs, server.url).ok()
            need(slurp(out) == archive, "the archive differs")
            same(len(server.ranges), before + 1, "the ranges that were asked for again")
        os.remove(out)


@check("fetch: bytes that are there are read many at once")
def large_reads(tool, folder):
    archive = saved(tool, app(folder + "/store", sizes=(8 * MIB,)))
    for jobs in (1, 4):
        with Ranged(archive) as server:
            command = [*strace(), "-e", "trace=recvmsg", "-o", folder + "/trace", tool.path, "fetch", "-o", folder + "/app.tar", "--jobs", str(jobs), server.url]
            subprocess.run(command, check=True, capture_output=True, env=tool.environment, timeout=60)
        calls = slurp(folder + "/trace").count(b"recvmsg(")
        need(calls < len(archive) // 4096, f"with {jobs}, {len(archive)} bytes took {calls} calls")


@check("fetch: a disk that loses bytes once makes a fetch fail, and nothing is kept of what it lost")
def flush_fails(tool, folder):
    layout = app(folder + "/store", sizes=(3000, 2 * MIB, 1))
    archive = saved(tool, layout)
    out = folder + "/app.tar"
    for jobs in (1, 4):
        with Ranged(archive) as server:
            # The system tells of it once. Whoever asks again is told that all is well.
            command = [*strace(), "-e", "inject=fsync:error=EIO:when=1", tool.path, "fetch", "-o", out, "--jobs", str(jobs), server.url]
            run = subprocess.run(command, capture_output=True, env=tool.environment, timeout=60)
        Result(run.returncode, run.stdout, run.stderr).refused(out, "Input/output error")
        same([n for n in left(folder) if n.startswith("app.tar")], [], f"what is left of it with {jobs}")


@check("fetch: several connections that bring all but the first part say that it is lost")
def parallel_headless(tool, folder):
    layout = app(folder + "/store", sizes=(3000, 2 * MIB, 1))
    archive = saved(tool, layout)
    out = folder + "/app.tar"

    def twist(server, first, last):
        if first == 0:
            time.sleep(0.5)
            return server.head(first, last), []
        return None
    with Ranged(archive, twist) as server:
        err = tool("fetch", "-o", out, "--jobs", 4, server.url).refused("too early", "what has come is lost", "first byte").err
        need("kept" not in err and "--resume" not in err, err)
        same([n for n in left(folder) if n.startswith("app.tar")], [], "what is left of it")


@check("fetch: no answer to one of several ranges gets into the archive that is not that range")
def parallel_lied_to(tool, folder):
    layout = app(folder + "/store", sizes=(3000, 8 * MIB, 1))
    archive = saved(tool, layout)
    out = folder + "/app.tar"
    size = len(archive)
    middle = size // 2

    def once(answer):
        """It is given to the range with the middle in it."""
        return lambda server, first, last: answer(server, first, last) if first <= middle <= last else None

    def changed(server, first, last):
        return [line.replace("5555", "6666") for line in server.head(first, last)], server.body(first, last)
    lies = {
        "another archive": [changed, lambda s, f, l: (["200 X", 'ETag: "x"', f"Content-Length: {size}"], [archive]), lambda s, f, l: (s.head(f, l)[:1] + s.head(f, l)[2:], [])],
        "does not send ranges": [lambda s, f, l: (["200 X", "ETag: " + s.tag, f"Content-Length: {size}"], [archive])],
        "other bytes": [lambda s, f, l: (s.head(f + 1, l), s.body(f + 1, l)), lambda s, f, l: (s.head(f, l - 1), s.body(f, l - 1)),
                        lambda s, f, l: (s.head(0, size - 1), s.body(0, size - 1)), lambda s, f, l: ([each.replace(f"/{size}", "/*") for each in s.head(f, l)], []),
                        lambda s, f, l: (s.head(f, l)[:2], s.body(f, l))],
        "has not the bytes": [lambda s, f, l: (["416 X", f"Content-Range: bytes */{size}", "Content-Length: 0"], [])],
        "more bytes": [lambda s, f, l: (s.head(f, l)[:3], [archive[f:l + 2]])],
        "it ended after": [lambda s, f, l: (s.head(f, l)[:3], s.body(f, l - 10))],
        "too early": [lambda s, f, l: (s.head(f, l), s.body(f, l - 10)), lambda s, f, l: (s.head(f, l), [])],
        "too busy, status 429": [lambda s, f, l: (["429 X", "Content-Length: 0"], []), lambda s, f, l: (["429 X", "Retry-After: 1000000", "Content-Length: 0"], []),
                                 lambda s, f, l: (["429 X", "Retry-After: Fri, 27 Nov 2026 00:00:00 GMT", "Content-Length: 0"], [])],
        "status 301": [lambda s, f, l: (["301 X", "Location: /", "Content-Length: 0"], [])],
    }
    for message, answers in lies.items():
        for n, answer in enumerate(answers):
            with Ranged(archive, once(answer), pace=0.0002) as server:
                result = tool("fetch", "-o", out, "--jobs", 4, server.url).refused(message)
                most = size - 1 if message in ("more bytes", "it ended after", "too early") else middle
                need(not os.path.exists(out + ".part") or is_prefix(out, archive) <= most, f"{message} ({n}): too much is kept")
                need("start again" not in result.err or message == "another archive", result.err)
    with Ranged(archive[:middle] + b"wrong" + archive[middle + 5:]) as server:
        tool("fetch", "-o", out, "--jobs", 4, server.url).refused("no good archive")
    same([n for n in left(folder) if n.startswith("app.tar")], [], "what is left of what is no archive")


@check("fetch: an archive that changes while several connections get it does not appear")
def parallel_changed(tool, folder):
    layout = app(folder + "/store", sizes=(3000, 40 * MIB, 1))
    archive = saved(tool, layout)
    out = folder + "/app.tar"
    with Server(tool, folder, layout) as server:
        tag = server.get(GET, "HEAD").fields["etag"].strip('"')
        partial(out, archive[:1000], tag)
        layout.entries.clear()
        layout.add(layout.image([raw_layer(4 * MIB, 9)]), "app:1.0")
        layout.finish()
        tool("fetch", "-o", out, "--jobs", 4, "--resume", unix_url(server.path)).refused("another archive")
        need(slurp(out + ".part") == archive[:1000], "what was there is not any more")
        tool("fetch", "-o", out, "--jobs", 4, unix_url(server.path)).ok()
        need(slurp(out) == saved(tool, layout), "the new archive differs")


@check("fetch: a server that is too busy is asked with fewer connections, or later, but not for ever")
def busy(tool, folder):
    layout = app(folder + "/store", sizes=(3000, 4 * MIB, 1))
    archive = saved(tool, layout)
    out = folder + "/app.tar"

    def no_more_than(most):
        return lambda server, first, last: (["429 X", "Retry-After: 1", "Content-Length: 0"], []) if server.open > most else None
    with Ranged(archive, no_more_than(2), pace=0.001) as server:
        tool("fetch", "-o", out, "--jobs", 8, server.url).ok()
        need(slurp(out) == archive, "the archive differs")
        need(server.most_open > 2, "it was never too busy")
        os.remove(out)
    refusals = []

    def later(server, first, last):
        refusals.append(first)
        return (["503 X", "Retry-After: 1", "Content-Length: 0"], []) if len(refusals) < 3 else None
    with Ranged(archive, later) as server:
        start = time.monotonic()
        tool("fetch", "-o", out, server.url).ok()
        need(slurp(out) == archive, "the archive differs")
        need(time.monotonic() - start > 1.9, "it does not wait")
        os.remove(out)
    for jobs in (1, 4):
        with Ranged(archive, lambda server, first, last: (["429 X", "Retry-After: 0", "Content-Length: 0"], [])) as server:
            tool("fetch", "-o", out, "--jobs", jobs, server.url).refused("too busy, status 429")
            same([n for n in left(folder) if n.startswith("app.tar")], [], "what is left where nothing came")
            need(len(server.ranges) < 20, f"it asks {len(server.ranges)} times")
    with Server(tool, folder, layout, "--max-saves", 1) as server:
        tool("fetch", "-o", out, "--jobs", 8, unix_url(server.path)).ok()
        need(slurp(out) == archive, "the archive differs")


@check("fetch: a server that is silent, or drips, keeps nobody")
def drip(tool, folder):
    layout = app(folder + "/store", sizes=(3000, 2 * MIB, 1))
    archive = saved(tool, layout)
    out = folder + "/app.tar"

    def trickle(data):
        for n in range(1000):
            time.sleep(0.1)
            yield data[n:n + 1]

    def late(jobs, answer, message, comes=False):
        with Ranged(archive, answer) as server:
            start = time.monotonic()
            tool("fetch", "-o", out, "--stall-timeout", 1, "--jobs", jobs, server.url).refused(message, "in 1 s", "--stall-timeout", *(["app.tar.part"] if comes else []))
            need(0.9 < time.monotonic() - start < 10, f"it took {time.monotonic() - start:.1f} s")
            if comes:
                is_prefix(out, archive)
            else:
                same([n for n in left(folder) if n.startswith("app.tar")], [], "what is left where nothing came")
    for jobs in (1, 3):
        late(jobs, lambda s, f, l: (s.head(f, l), trickle(archive[f:])), "sent less than 64 KiB", comes=True)
        late(jobs, lambda s, f, l: (["206 X", "X: "], trickle(b"x" * 1000)) if time.sleep(2) else None, "did not answer")
        late(jobs, lambda s, f, l: (["500 X"], trickle(b"x" * 1000)), "sent less than 64 KiB")
    with Ranged(archive, pace=0.1) as server: # 160 KiB in a second are enough
        tool("fetch", "-o", out, "--stall-timeout", 1, "--jobs", 8, server.url).ok()
        need(slurp(out) == archive, "the archive differs")
    os.remove(out)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        tool("fetch", "-o", out, "--stall-timeout", 1, f"http://127.0.0.1:{silent.getsockname()[1]}{GET}").refused("did not answer in 1 s")


@check("fetch: the display shows the sum of all connections")
def displayed(tool, folder):
    layout = app(folder + "/store", sizes=(3000, 4 * MIB, 1))
    archive = saved(tool, layout)
    out = folder + "/app.tar"
    with Ranged(archive, pace=0.01) as server:
        said = tool("fetch", "-o", out, "--jobs", 4, "--progress", "bar", server.url).ok().err
        shown = [int(each.split("] ")[1].split("%")[0]) for each in said.split("\r")[1:]]
        need(len(shown) > 2 and shown == sorted(shown) and shown[-1] == 100, f"the display shows {shown}")
        os.remove(out)
        same(tool("fetch", "-o", out, "--jobs", 4, "--quiet", "--progress", "bar", server.url).ok().err, "", "what is said")
