#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#
"""The server: documents, ranges, clients that go and clients that mean no good, and its end."""

import json
import os
import random
import shutil
import signal
import stat
import subprocess
import time

from harness import Checks, Skipped, finish, need, same, until, whole
from layout import Layout, app, large_app, raw_layer, sha256
from serving import GET, Connection, Server, in_threads, saved

check = Checks()

MIB = 1 << 20


def two_apps(folder):
    """app:1.0 and app:2.0, which share a layer, and other:1.0 without a tag of its own."""
    layout = Layout(folder)
    base = layout.blob(raw_layer(50000, 1), "application/vnd.oci.image.layer.v1.tar")
    history = [{"created": "2026-01-01T00:00:00Z", "created_by": "one"}, {"created_by": "none", "empty_layer": True}, {"created_by": "two", "comment": "<&>"}]
    layout.add(layout.image([base, raw_layer(10, 2)], history=history), "app:1.0", "app:latest")
    layout.add(layout.image([base, raw_layer(20, 3)], created="2026-02-01T00:00:00Z"), "app:2.0")
    return layout.finish()


@check("serve: an archive is what save writes, with its length and a strong tag")
def same_bytes(tool, folder):
    layout = two_apps(folder + "/store")
    with Server(tool, folder, layout) as server:
        for names in (["app:1.0"], ["app:1.0", "app:2.0"], ["app"]):
            expected = saved(tool, layout, *names)
            target = "/v1.45/images/get?" + "&".join("names=" + n for n in names)
            answer = server.get(target).is_(200)
            need(whole(answer.body) == expected, f"the archive of {names} differs")
            same(answer.fields["content-length"], str(len(expected)), "the length")
            same(answer.fields["content-type"], "application/x-tar", "the type")
            same(answer.fields["accept-ranges"], "bytes", "Accept-Ranges")
            plan = json.loads(tool("plan", "--store", layout.url, "--json", *names).ok().out)
            same(answer.fields["etag"], '"' + plan["etag"] + '"', "the tag")
            head = server.get(target, "HEAD").is_(200)
            for field in ("content-length", "etag", "accept-ranges", "content-type"):
                same(head.fields[field], answer.fields[field], "of HEAD, " + field)
        need(server.get(GET).body == saved(tool, layout), "the archive by its path differs")
        same(server.end(), 0, "the exit code")


@check("serve: the documents have what docker reads")
def documents(tool, folder):
    layout = two_apps(folder + "/store")
    rows = json.loads(tool("ls", "--store", layout.url, "--json").ok().out)
    with Server(tool, folder, layout) as server:
        ping = server.get("/_ping").is_(200)
        same((ping.body, ping.fields["ostype"]), (b"OK", "linux"), "the answer to a ping")
        version = server.get("/version").json()
        same(version["ApiVersion"], ping.fields["api-version"], "the version of the API")
        images = server.get("/images/json").json()
        same([each["RepoTags"] for each in images], [["app:2.0"], ["app:1.0", "app:latest"]], "the names, the newest first")
        same({each["Id"]: each["Size"] for each in images}, {each["id"]: each["size"] for each in rows}, "what ls says of the sizes")
        same(server.get("/info").json()["Images"], 2, "the number of images")
        found = server.get("/images/app/json").json()
        for name in ("app:latest", found["Id"], found["Id"][7:], found["Id"][7:15]):
            same(server.get(f"/images/{name}/json").json(), found, f"what is told of {name}")
        same(found["RootFS"]["Layers"][1], sha256(raw_layer(10, 2)), "a layer")
        history = server.get("/images/app:1.0/history").json()
        same([(h["CreatedBy"], h["Size"]) for h in history], [("two", len(raw_layer(10, 2))), ("none", 0), ("one", len(raw_layer(50000, 1)))], "the history")
        same([h["Id"] for h in history], [found["Id"], "<missing>", "<missing>"], "the images of the history")
        for text, tags in (('{"reference":["app:2*"]}', [["app:2.0"]]), ('{"reference":{"app:1.0":true}}', [["app:1.0"]]),
                           ('{"dangling":["true"]}', []), ('{"label":["x"]}', []),
                           ('{"before":["app:2.0"]}', [["app:1.0", "app:latest"]]), ('{"since":["app:1.0"]}', [["app:2.0"]]), ('{"since":["app:2.0"]}', [])):
            listed = server.get("/images/json?filters=" + text.replace('"', "%22")).json()
            same([each["RepoTags"] for each in listed], tags, "the images of " + text)
        need("VirtualSize" in server.get("/v1.43/images/json").json()[0], "an old client misses its field")


@check("serve: errors are the engine's")
def errors(tool, folder):
    with Server(tool, folder, app(folder + "/store")) as server:
        zeros = "sha256:" + "0" * 64
        server.get("/images/nobody:1/json").says(404, "No such image: nobody:1")
        server.get("/images/nobody/json").says(404, "No such image: nobody:latest")
        server.get(f"/images/{zeros}/history").says(404, "No such image: " + zeros)
        server.get("/images/UPPER/json").says(400, "invalid reference format: repository name (library/UPPER) must be lowercase")
        server.get("/images/a%20b/json").says(400, "invalid reference format")
        server.get("/images/get?names=app:1.0&names=nobody:1").says(404, "reference does not exist")
        server.get("/images/nobody/get").says(404, "No such image: nobody")
        server.get(f"/images/{zeros}/get").says(404, "No such image: " + zeros)
        server.get("/images/app:1.0=other:2/get").says(400, "invalid reference format")
        server.get("/images/get?names=").says(400, "invalid reference format")
        for path in ("/nothing", "/images/json/", "/containers/json", "/v1.45/", "/../images/json", "/images/search"):
            server.get(path).says(404, "page not found")
        server.get("/v1.12/info").says(400, "client version 1.12 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version")
        need(b"too new" in server.get("/v1.99/info").is_(400).body, "a newer client is not told")
        server.get("/images/json?filters=x").says(400, "invalid filter")
        server.get("/images/json?filters={%22bogus%22:[%22x%22]}").says(400, "invalid filter 'bogus'")
        server.get("/images/json?filters={%22dangling%22:[%22true%22,%22false%22]}").says(400, "invalid filter 'dangling=[true false]'")
        server.get("/images/json?filters={%22before%22:[%22nobody%22]}").says(404, "No such image: nobody:latest")
        server.get("/images/json?filters={%22until%22:[%2224h%22]}").says(400, "invalid filter 'until'")
        need(server.get("/images/json?filters={%22dangling%22:[%22true%22,%221%22]}").json() == [], "the same twice is not taken")
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "FOO"):
            need(server.get("/images/json", method).status in (400, 404), f"{method} is not refused")
        need(server.get(GET + "?platform=linux/s390x").status == 404, "another platform is not refused")
        need(server.get(GET + "?platform=%7B%22os%22%3A%22linux%22%7D").status == 400, "half a platform is not refused")
        same(server.get("/images/..%2f..%2f..%2fetc%2fpasswd/get").says(400, "invalid reference format").status, 400, "a path as a name")


@check("serve: any range is that part of the archive")
def ranges(tool, folder):
    layout = app(folder + "/store")
    archive = saved(tool, layout)
    size = len(archive)
    chance = random.Random(1)
    with Server(tool, folder, layout) as server, server.connect() as c:
        def part(text):
            c.ask(GET, Range=text)
            return c.answer()
        wanted = [(0, 1), (0, size), (size - 1, size), (511, 513), (512, 1024)]
        wanted += [tuple(sorted(chance.sample(range(size + 1), 2))) for _ in range(100)]
        for first, last in wanted:
            answer = part(f"bytes={first}-{last - 1}").is_(206)
            same(answer.fields["content-range"], f"bytes {first}-{last - 1}/{size}", "Content-Range")
            need(answer.body == archive[first:last], f"the bytes {first} to {last} differ")
        need(part("bytes=-1000").is_(206).body == archive[-1000:], "the last bytes differ")
        need(part(f"bytes=5-{10 ** 30}").is_(206).body == archive[5:], "the bytes from 5 on differ")
        need(part("lines=1-2").is_(200).body == archive, "another unit counts")
        for text in (f"bytes={size}-", "bytes=5-4", "bytes=-0", "bytes=0-1,5-6", "bytes=x", "bytes=" + "9" * 4000 + "-"):
            answer = part(text).is_(416)
            same(answer.fields["content-range"], f"bytes */{size}", "Content-Range")
        need(c.ask(GET) or c.answer().body == archive, "after all that, the archive differs")


@check("serve: clients that go on where they were cut get the same archive, and eight at once too")
def resumed(tool, folder):
    layout = app(folder + "/store", sizes=(3000, 3 * MIB, 1))
    archive = saved(tool, layout)
    chance = random.Random(2)
    with Server(tool, folder, layout) as server:
        tag = server.get(GET, "HEAD").fields["etag"]
        for at in sorted(chance.sample(range(1, len(archive)), 100)):
            with server.connect() as c:
                c.ask(GET)
                c.head()
                while len(c.got) < at:
                    need(c.more(), "it ended")
                got = c.got[:at]
            rest = server.get(GET, Range=f"bytes={at}-", If_Range=tag).is_(206)
            need(got + rest.body == archive, f"cut at {at}, the archive differs")
        step = -(-len(archive) // 8)
        parts = in_threads(8, lambda n: server.get(GET, Range=f"bytes={n * step}-{(n + 1) * step - 1}").is_(206).body)
        need(b"".join(parts) == archive, "eight parts are not the archive")


@check("serve: conditions are those of the archive as it is now")
def conditions(tool, folder):
    layout = app(folder + "/store")
    with Server(tool, folder, layout) as server:
        first = server.get(GET).is_(200)
        tag = first.fields["etag"]
        same(server.get(GET, If_None_Match=tag).is_(304).body, b"", "the body of what is known")
        server.get(GET, If_None_Match="W/" + tag).is_(304)
        server.get(GET, If_None_Match='"other"').is_(200)
        server.get(GET, If_Match='"other"').is_(412)
        server.get(GET, If_Match=tag, Range="bytes=0-9").is_(206)
        server.get(GET, If_Range=tag, Range="bytes=0-9").is_(206)
        for other in ('"other"', "W/" + tag, "Thu, 26 Nov 2026 19:27:00 GMT"):
            need(server.get(GET, If_Range=other, Range="bytes=0-9").is_(200).body == first.body, f"If-Range: {other} counts")
        layout.entries.clear()
        layout.add(layout.image([raw_layer(4000, 9)]), "app:1.0")
        layout.finish()
        changed = server.get(GET, If_Range=tag, Range="bytes=100-").is_(200)
        need(changed.fields["etag"] != tag and changed.body == saved(tool, layout), "the changed store is not noticed")
        same(len(server.get("/images/json").json()), 1, "the number of images")
        os.remove(folder + "/store/index.json")
        need(server.get(GET).status == 500, "a store that is gone is not noticed")
        layout.finish()
        server.get(GET).is_(200)


@check("serve: a layer that is wrong ends the answer early, or is told where nothing was sent")
def wrong_layer(tool, folder):
    layout = app(folder + "/store", sizes=(3000, MIB, 1))
    blob = layout.path(layout.layer_of(layout.manifest, 1))
    with open(blob, "r+b") as file:
        file.seek(MIB // 2)
        file.write(b"wrong")
    with Server(tool, folder, layout) as server:
        with server.connect() as c:
            c.ask(GET)
            answer = c.answer()
            need(answer.status == 200 and not answer.whole, "the wrong archive is whole")
            need(b"message" not in answer.body and c.ended(), "text got into the archive")
        need("wrong digest" in server.log(), "the log does not say why")
        os.remove(blob)
        server.get("/images/json").is_(200)
        answer = server.get(GET + "?names=again")
        need(answer.status in (200, 500) and not (answer.status == 200 and answer.whole), "a layer that is gone is not noticed")
        same(server.end(), 0, "the exit code")


@check("serve: the socket is for its owner alone, one left behind is replaced, another's is not")
def sockets(tool, folder):
    layout = app(folder + "/store")
    with Server(tool, folder, layout) as server:
        mode = os.stat(server.path).st_mode
        need(stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600, f"the socket has the mode {mode:o}")
        tool("serve", "--store", layout.url, "--listen", "unix:" + server.path).refused(server.path, "in use")
        server.process.kill()
        server.process.wait()
        need(os.path.exists(server.path), "nothing is left behind")
    with Server(tool, folder, layout) as server:
        server.get(GET).is_(200)
        same(server.end(), 0, "the exit code")
        need(not os.path.exists(server.path), "the socket is still there")
    with open(folder + "/file", "w") as file:
        file.write("mine")
    tool("serve", "--store", layout.url, "--listen", "unix:" + folder + "/file").refused(folder + "/file")
    same(open(folder + "/file").read(), "mine", "the file in the way")
    for where in ("tcp:0.0.0.0:1", "tcp:10.0.0.1:1", "tcp:[::]:1", "tcp:example.org:1", "tcp:127.0.0.1", "tcp:127.0.0.1:70000", "unix:", "127.0.0.1:1"):
        tool("serve", "--store", layout.url, "--listen", where).refused(where, code=2)


@check("serve: a port answers to this machine's own names only")
def names_of_the_host(tool, folder):
    with Server(tool, folder, app(folder + "/store"), port=True) as server:
        server.get("/images/json", host="example.org").is_(200)
        server.address = ("127.0.0.1", server.port)
        for host in ("localhost", f"127.0.0.1:{server.port}", "[::1]:80"):
            server.get("/images/json", host=host).is_(200)
        for host in ("example.org", "127.0.0.1.example.org", ""):
            server.get("/images/json", host=host).is_(421)
        server.get("/images/json", host=None).is_(400)


@check("serve: requests one behind the other, at once and in pieces, are answered in order")
def pipelined(tool, folder):
    layout = app(folder + "/store")
    archive = saved(tool, layout)
    with Server(tool, folder, layout) as server, server.connect() as c:
        one = f"GET {GET} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        other = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
        c.send((one + other) * 50)
        for _ in range(50):
            need(c.answer().is_(200).body == archive, "an archive differs")
            c.answer().is_(404)
        for n in range(0, len(one), 7):
            c.send(one[n:n + 7])
            time.sleep(0.002)
        need(c.answer().is_(200).body == archive, "the archive differs")
        c.ask("/_ping", Connection="close")
        c.answer().is_(200)
        need(c.ended(), "the connection stays open")


@check("serve: what is no request is refused, and the server lives on")
def hostile(tool, folder):
    with Server(tool, folder, app(folder + "/store")) as server:
        def said(data):
            with server.connect() as c:
                try:
                    c.send(data)
                except ConnectionError:
                    pass
                answer = c.answer()
                need(c.ended(), "the connection stays open")
                return answer and answer.status
        same(said(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * MIB + b"\r\n\r\n"), 431, "the status for a header of 1 MB")
        same(said(b"GET /" + b"x" * MIB + b" HTTP/1.1\r\nHost: x\r\n\r\n"), 431, "the status for a target of 1 MB")
        same(said(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 50000 + b"\r\n"), 431, "the status for 50000 fields")
        same(said(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"), 413, "the status for a body")
        same(said(b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), 413, "the status for a body in chunks")
        same(said(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"), 400, "the status for two lengths")
        same(said(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), 400, "the status for TLS")
        same(said(b"GET / HTTP/9.9\r\n\r\n"), 400, "the status for another version")
        same(said(b"GET  HTTP/1.1\r\n\r\n"), 400, "the status for no target")
        same(said(b"GET * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 400, "the status for *")
        same(said(b"GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 400, "the status for a bad escape")
        same(said(b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n"), 400, "the status for two hosts")
        chance = random.Random(3)
        for _ in range(200):
            said(chance.randbytes(chance.randrange(1, 200)) + b"\r\n\r\n")
        with server.connect() as c:
            c.send(b"GET /images/a%00%1b%5b2J%e2%80%ae/json HTTP/1.1\r\nHost: x\r\n\r\n")
            c.answer().is_(400)
        need(not any(ord(ch) < 32 and ch != "\n" or ch == "\u202e" for ch in server.log()), "the log has control characters")
        server.get(GET).is_(200)
        same(server.end(), 0, "the exit code")


@check("serve: clients that are slow to ask, or ask nothing, are closed in time")
def slow_to_ask(tool, folder):
    with Server(tool, folder, app(folder + "/store"), "--header-timeout", 1, "--idle-timeout", 2) as server:
        start = time.monotonic()
        with server.connect() as silent, server.connect() as slow, server.connect() as kept:
            kept.ask("/_ping")
            kept.answer().is_(200)
            slow.send(b"GET / HTTP/1.1\r\nX: ")

            def drip():
                try:
                    slow.send(b"x")
                    return True
                except OSError:
                    return False
            while time.monotonic() < start + 3 and drip():
                time.sleep(0.05)
            seconds = time.monotonic() - start
            need(0.9 < seconds < 2.5, f"the slow one was closed after {seconds:.1f} s")
            need(silent.ended() and kept.ended(), "they stay open")
            need(time.monotonic() - start < 4, "it took too long")
        need("timeout" in server.log(), "the log does not tell")


@check("serve: who takes nothing is closed, and who goes frees all it held within a second")
def gone(tool, folder):
    layout = large_app(folder + "/store", 64 * MIB)
    time.sleep(0.2) # its files have settled, so that it is opened once
    with Server(tool, folder, layout, "--stall-timeout", 1) as server:
        before = server.descriptors()
        server.get(GET, Range="bytes=0-9").is_(206)
        until(lambda: server.descriptors() == before, "a connection stays open", 5)
        with server.connect() as c:
            c.ask(GET)
            c.head()
            until(lambda: server.descriptors() >= before + 2, "the layer is not open")
            c.close()
            start = time.monotonic()
            until(lambda: server.descriptors() <= before, "descriptors stay open", 5)
            need(time.monotonic() - start < 1, "it took more than a second")
        with server.connect() as c:
            c.ask(GET)
            c.head()
            start = time.monotonic()
            until(lambda: "the client has gone" in server.log().rpartition("gone")[0], "who takes nothing is not closed", 10)
            need(time.monotonic() - start < 3, "it took more than three seconds")
        need(server.end() == 0, "the exit code is not 0")


@check("serve: more archives than may be sent at once are told to come again")
def limited(tool, folder):
    layout = large_app(folder + "/store", 64 * MIB)
    with Server(tool, folder, layout, "--max-saves", 2) as server:
        busy = [server.connect() for _ in range(2)]
        for c in busy:
            c.ask(GET)
            c.head()
        answer = server.get(GET).says(429, "too many images are being saved; try again in some seconds")
        need(int(answer.fields["retry-after"]) > 0, "when to come again is not said")
        server.get(GET, "HEAD").is_(200)
        server.get("/images/json").is_(200)
        busy[0].close()
        until(lambda: server.get(GET, Range="bytes=0-9").status == 206, "there is no room again", 5)
        busy[1].close()


@check("serve: connections that ask nothing give way to those that do")
def crowded(tool, folder):
    with Server(tool, folder, app(folder + "/store"), "--max-connections", 50) as server:
        idle = []
        for n in range(1000):
            idle.append(server.connect())
            if n % 2:
                try:
                    idle[-1].send(b"GET / HTTP/1.1\r\nHost")
                except OSError:
                    pass
            if n % 50 == 49:
                server.get("/images/json").is_(200)
        need(server.descriptors() < 100, f"{server.descriptors()} descriptors are open")
        for c in idle:
            c.close()
        server.get(GET).is_(200)


@check("serve: a signal ends it when what is on its way has been sent")
def drained(tool, folder):
    layout = large_app(folder + "/store", 8 * MIB)
    archive = saved(tool, layout)
    with Server(tool, folder, layout) as server, server.connect() as idle, server.connect() as c:
        idle.ask("/_ping")
        idle.answer().is_(200)
        c.ask(GET)
        status, fields = c.head()
        server.process.send_signal(signal.SIGTERM)
        need(idle.ended(), "an idle connection stays open")
        until(lambda: not os.path.exists(server.path) or refuses(server.path), "it takes connections")
        while len(c.got) < int(fields["content-length"]):
            need(c.more(), "the archive was cut")
        need(c.got == archive, "the archive differs")
        same(finish(server.process).code, 0, "the exit code")


@check("serve: a signal that it was started to ignore stays ignored")
def ignores(tool, folder):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        server = Server(tool, folder, app(folder + "/store"))
    finally:
        signal.signal(signal.SIGINT, before)
    with server:
        for _ in range(3):
            server.process.send_signal(signal.SIGINT)
            time.sleep(0.1)
            server.get(GET).is_(200)
        need("ending" not in server.log(), "SIGINT ends it")
        same(server.end(), 0, "the exit code")


def refuses(path):
    try:
        Connection(path).close()
        return False
    except OSError:
        return True


@check("serve: a second signal, or the end of patience, cuts short what is on its way")
def cut_short(tool, folder):
    layout = large_app(folder + "/store", 64 * MIB)
    for second in (True, False):
        with Server(tool, folder, layout, "--drain-timeout", 60 if second else 1) as server, server.connect() as c:
            c.ask(GET)
            c.head()
            start = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            if second:
                time.sleep(0.2)
                server.process.send_signal(signal.SIGINT)
            same(finish(server.process).code, 1, "the exit code")
            need(time.monotonic() - start < 3, "it took too long")
            need("cut short: the server ends" in server.log(), "the log blames the client")


@check("serve: 200 slow clients of a large image take no threads and little memory, and keep nobody waiting")
def many(tool, folder):
    layout = large_app(folder + "/store", 1024 * MIB)
    with Server(tool, folder, layout, "--quiet") as server:
        server.get(GET, Range="bytes=0-9").is_(206)
        threads = server.threads()
        clients = [server.connect(receive_buffer=4096) for _ in range(200)]
        try:
            for c in clients:
                c.ask(GET)
            for c in clients:
                same(c.head()[0], 200, "the status")
            memory = server.memory()
            for _ in range(20):
                for c in clients:
                    c.socket.recv(8192)
            start = time.monotonic()
            need(server.get(GET, Range=f"bytes=0-{20 * MIB - 1}").is_(206).whole, "a fast client is cut")
            fast = time.monotonic() - start
            need(fast < 10, f"20 MiB took {fast:.1f} s")
            after = server.memory()
            same(server.threads(), threads, "the number of threads")
            need(after < 200 and after - memory < 20, f"the memory went from {memory:.0f} to {after:.0f} MiB")
        finally:
            for c in clients:
                c.close()
        until(lambda: server.descriptors() < 20, "descriptors stay open", 10)
        return f"{after:.0f} MiB, 20 MiB for a fast one in {fast:.1f} s"


@check("serve: thousands of saves leave no memory and no descriptors behind")
def often(tool, folder):
    layout = app(folder + "/store", sizes=(10, 20))
    archive = saved(tool, layout)
    with Server(tool, folder, layout, "--quiet") as server:
        def save(times):
            for _ in range(times // 100):
                with server.connect() as c:
                    for _ in range(100):
                        c.ask(GET)
                        need(c.answer().is_(200).body == archive, "an archive differs")
        save(2000)
        memory, descriptors = server.memory(), server.descriptors()
        save(8000)
        need(server.memory() < memory + 2, f"the memory went from {memory:.1f} to {server.memory():.1f} MiB")
        until(lambda: server.descriptors() <= descriptors, "descriptors stay open", 5)


@check("serve: the page shows itself, and its code goes on after connections that broke")
def the_page(tool, folder):
    layout = app(folder + "/store", sizes=(3000, 2 * MIB, 1))
    archive = saved(tool, layout)
    with Server(tool, folder, layout, port=True) as server:
        page = server.get("/").is_(200)
        need(page.body.startswith(b"<!doctype html>") and page.whole, "there is no page")
        need("default-src 'none'" in page.fields["content-security-policy"], "the page may load anything")
        need(b"://" not in page.body, "the page needs something else")
        if shutil.which("node") is None:
            raise Skipped("needs node")
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "page.mjs")
        done = subprocess.run(["node", script, f"http://127.0.0.1:{server.port}", "/images/get?names=app%3A1.0", "4"], capture_output=True, timeout=60, text=True)
        same(done.returncode, 0, f"(it said: {done.stderr[:500]}) the exit code of node")
        same(done.stdout.split(), [sha256(archive)[7:], "4"], "the digest of what the page's code saved, and how often it went on")


@check("serve: wrong usage is told")
def usage(tool, folder):
    layout = app(folder + "/store")
    tool("serve", "--store", layout.url, "app:1.0").refused("no names", code=2)
    tool("serve", "--store", layout.url, "--listen", "unix:" + "x" * 200).refused("100 bytes", code=2)
    tool("serve", "--store", layout.url, "--max-saves", "0", "--listen", "unix:" + folder + "/s").refused("--max-saves", code=2)
    tool("serve", "--store", layout.url, "--listen", "unix:" + folder + "/none/s").refused(folder + "/none/s")
    need("--listen" in tool("serve", "--help").ok().out.decode(), "the help does not tell of --listen")
