#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#
"""The server with --http-compress: who gets gzip, what is different then, and clients that go."""

import shutil
import subprocess
import time
import zlib

from harness import Checks, Skipped, need, same, until
from layout import app
from serving import Server

check = Checks()

GET = "/images/app:1.0/get"
MIB = 1 << 20


def unpacked(data):
    """The bytes of one gzip member, and whether they are all."""
    member = zlib.decompressobj(31)
    plain = member.decompress(data)
    same(member.unused_data, b"", "what is behind the first member, which is all that browsers read,")
    return plain, member.eof


def packed(answer):
    """The bytes that came compressed, and as a whole."""
    answer.is_(200)
    same(answer.fields["content-encoding"], "gzip", "the coding")
    same(answer.fields["content-type"], "application/x-tar", "the type")
    same(answer.fields["vary"], "Accept-Encoding", "Vary")
    need("content-length" not in answer.fields and "accept-ranges" not in answer.fields, "there is a length, or there are ranges")
    need(answer.whole, "the last chunk is missing")
    plain, whole = unpacked(answer.body)
    need(whole and len(answer.body) < len(plain), "it is not compressed, or cut")
    return plain


@check("serve: with --http-compress, who takes gzip gets it, and all others what they get without")
def who(tool, folder):
    layout = app(folder + "/store")
    archive = tool.save(layout, "app:1.0").ok().out
    with Server(tool, folder, layout) as server:
        without = server.get(GET, Accept_Encoding="gzip").is_(200)
        need(without.body == archive and "vary" not in without.fields and "content-encoding" not in without.fields, "gzip is on by itself")
    with Server(tool, folder, layout, "--http-compress") as server, server.connect() as c:
        for field in ("gzip", "deflate, GZIP;q=0.5", "x-gzip", "*", "br;q=1.0, *;q=0.1", "gzip ; Q=0.001", "identity;q=0.5, gzip", " ,gzip, "):
            c.ask(GET, Accept_Encoding=field)
            need(packed(c.answer()) == archive, f"for {field!r}, the archive differs")
        c.send(f"GET {GET} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: br\r\nAccept-Encoding: gzip\r\n\r\n".encode())
        need(packed(c.answer()) == archive, "for a field of two lines, the archive differs")
        for field in ("", "identity", "br, deflate", "gzip;q=0", "gzip;q=0.000, *", "*;q=0", "gzip;q=0.5, identity", "gzip;q=2", "gzip;q", "gzip;q=1.0000", "gzipped"):
            c.ask(GET, Accept_Encoding=field)
            answer = c.answer().is_(200)
            need(answer.body == archive, f"for {field!r}, the archive differs")
            need("content-encoding" not in answer.fields, f"{field!r} counts as wanting gzip")
            for name in ("content-length", "etag", "accept-ranges"):
                same(answer.fields[name], without.fields[name], f"for {field!r}, {name}")
            same(answer.fields["vary"], "Accept-Encoding", "Vary")
        with server.connect() as old:
            old.send(f"GET {GET} HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n".encode())
            need(old.answer().is_(200).body == archive and old.ended(), "a client of HTTP/1.0 gets something else")
        need(server.get("/images/json", Accept_Encoding="gzip").json(), "a document is compressed")
        server.get("/images/nobody:1/get", Accept_Encoding="gzip").says(404, "reference does not exist")
        same(server.end(), 0, "the exit code")


@check("serve: with --http-compress, tags, conditions and ranges are those of what is sent")
def conditions(tool, folder):
    layout = app(folder + "/store")
    archive = tool.save(layout, "app:1.0").ok().out
    with Server(tool, folder, layout, "--http-compress") as server, server.connect() as c:
        def ask(method="GET", **fields):
            c.ask(GET, method, **fields)
            return c.answer(body=method != "HEAD")
        one = ask(Accept_Encoding="gzip")
        plain, gzip = ask().fields["etag"], one.fields["etag"]
        need(plain != gzip and gzip.startswith('"'), f"the tags are {plain} and {gzip}")
        need(ask(Accept_Encoding="gzip").body == one.body, "equal tags, other bytes")
        head = ask("HEAD", Accept_Encoding="gzip").is_(200)
        same({**head.fields, "date": ""}, {**one.fields, "date": ""}, "the fields for HEAD")
        same(int(ask("HEAD").fields["content-length"]), len(archive), "the length for HEAD")
        for tags, coding, status, tag in ((gzip, "gzip", 304, gzip), (plain, "", 304, plain), (f"{plain}, {gzip}", "gzip", 304, gzip), ("W/" + gzip, "gzip", 304, gzip),
                                          (f"{plain}, {gzip}", "", 304, plain), (plain, "gzip", 200, gzip), (gzip, "", 200, plain), ("*", "gzip", 304, gzip)):
            answer = ask(If_None_Match=tags, Accept_Encoding=coding).is_(status)
            same((answer.fields["etag"], answer.fields["vary"]), (tag, "Accept-Encoding"), f"the tag, and Vary, for {tags} and {coding!r}")
        ask(If_Match=gzip, Accept_Encoding="gzip").is_(200)
        ask(If_Match=plain, Accept_Encoding="gzip").is_(412)
        ask(If_Match=plain).is_(200)
        for text in ("bytes=0-9", "bytes=5-4", f"bytes={len(archive)}-", "bytes=0-1,5-6"):
            need(packed(ask(Range=text, Accept_Encoding="gzip")) == archive, f"{text} of what is compressed differs")
        need(packed(ask(Range="bytes=0-9", If_Range=gzip, Accept_Encoding="gzip")) == archive, "If-Range counts")
        need(ask(Range="bytes=10-99", If_Range=plain).is_(206).body == archive[10:100], "the bytes 10 to 99 differ")
        need(ask(Range="bytes=0-9", If_Range=gzip).is_(200).body == archive, "the tag of what is compressed lets a range of what is not count")


@check("serve: with --http-compress, curl, fetch and save get the same archive")
def clients(tool, folder):
    layout = app(folder + "/store", sizes=(3000, 2 * MIB, 1))
    archive = tool.save(layout, "app:1.0").ok().out
    with Server(tool, folder, layout, "--http-compress", port=True) as server:
        url = f"http://127.0.0.1:{server.port}{GET}"
        tool("fetch", "-o", folder + "/app.tar", url).ok()
        with open(folder + "/app.tar", "rb") as file:
            need(file.read() == archive, "what fetch gets differs")
        if shutil.which("curl") is None:
            raise Skipped("needs curl")
        for options in ([], ["--compressed"]):
            done = subprocess.run(["curl", "-sSf", *options, url], capture_output=True, timeout=60)
            same(done.returncode, 0, f"(it said: {done.stderr!r}) the exit code of curl")
            need(done.stdout == archive, f"what curl {options} gets differs")
        done = subprocess.run(["curl", "-sSf", "-C", "1000", "-o", "-", url], capture_output=True, timeout=60)
        need(done.stdout == archive[1000:], "curl does not go on")


@check("serve: a compressed archive that fails ends without its last chunk")
def failing(tool, folder):
    layout = app(folder + "/store", sizes=(3000, MIB, 1))
    with open(layout.path(layout.layer_of(layout.manifest, 1)), "r+b") as file:
        file.seek(MIB // 2)
        file.write(b"wrong")
    with Server(tool, folder, layout, "--http-compress") as server, server.connect() as c:
        c.ask(GET, Accept_Encoding="gzip")
        answer = c.answer().is_(200)
        need(not answer.whole and c.ended(), "the wrong archive is whole, or the connection stays open")
        need(not unpacked(answer.body)[1], "the member is whole")
        need("wrong digest" in server.log(), "the log does not say why")
        same(server.end(), 0, "the exit code")


@check("serve: clients of compressed archives that go, or take nothing, hold little, and not for long")
def gone(tool, folder):
    layout = app(folder + "/store", sizes=(3000, 16 * MIB, 1))
    with Server(tool, folder, layout, "--http-compress", "--stall-timeout", 2) as server:
        server.get(GET, Range="bytes=0-9").is_(206)
        before, memory = server.descriptors(), server.memory()
        with server.connect() as c:
            c.ask(GET, Accept_Encoding="gzip")
            c.head()
            until(lambda: server.descriptors() >= before + 1, "the layer is not open")
            c.close()
            start = time.monotonic()
            until(lambda: server.descriptors() <= before, "descriptors stay open", 5)
            need(time.monotonic() - start < 1, "it took more than a second")
        waiting = [server.connect(receive_buffer=4096) for _ in range(50)]
        for c in waiting:
            c.ask(GET, Accept_Encoding="gzip")
        for c in waiting:
            same(c.head()[0], 200, "the status")
        each = (server.memory() - memory) / 50
        need(each < 0.75, f"each client that waits takes {each:.2f} MiB")
        until(lambda: server.log().count("the client has gone") == 51, "who takes nothing is not closed", 20)
        until(lambda: server.descriptors() <= before, "descriptors stay open", 5)
        for c in waiting:
            c.close()
        same(server.end(), 0, "the exit code")
        return f"{each:.2f} MiB for each"
