#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#
"""A server of the tool, and a client that sends what it is told, right or wrong."""

import json
import os
import signal
import socket
import subprocess
import threading

from harness import TIMEOUT, finish, need, same, until


GET = "/images/app:1.0/get"


def saved(tool, layout, *names):
    return tool.save(layout, *(names or ["app:1.0"])).ok().out


class Answer:
    """What came back: `body` is what there was of it when the connection ended or the body did."""

    def __init__(self, status, fields, body, last_chunk=None):
        self.status, self.fields, self.body, self.last_chunk = status, fields, body, last_chunk

    @property
    def whole(self):
        if self.last_chunk is not None:
            return self.last_chunk
        return len(self.body) == int(self.fields.get("content-length", -1))

    def is_(self, status):
        same(self.status, status, f"(it said: {self.body[:300]!r}) the status")
        return self

    def says(self, status, message):
        """It is an error, in the form and the words of the engine."""
        self.is_(status)
        same(self.fields.get("content-type"), "application/json", "the type")
        same(self.body, (json.dumps({"message": message}, separators=(",", ":")) + "\n").encode(), "the body")
        return self

    def json(self):
        self.is_(200)
        need(self.whole, "the document was cut")
        return json.loads(self.body)


class Connection:
    """One connection, for several requests."""

    def __init__(self, address, receive_buffer=None):
        self.socket = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(TIMEOUT)
        self.socket.connect(address)
        self.got = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def ask(self, target, method="GET", host="localhost", **fields):
        lines = [f"{method} {target} HTTP/1.1"] + ([f"Host: {host}"] if host is not None else [])
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode())

    def more(self):
        """Whether there came some bytes more."""
        try:
            data = self.socket.recv(1 << 20)
        except ConnectionError:
            data = b""
        self.got += data
        return bool(data)

    def head(self):
        """The status and the fields of the next answer; None where there is none."""
        while b"\r\n\r\n" not in self.got:
            if not self.more():
                return None
        head, _, self.got = self.got.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        return int(first.split()[1]), {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}

    def answer(self, body=True):
        head = self.head()
        if head is None:
            return None
        if body and head[1].get("transfer-encoding") == "chunked":
            return Answer(*head, *self.chunks())
        size = int(head[1].get("content-length", 0)) if body and head[0] != 304 else 0
        while len(self.got) < size and self.more():
            pass
        data, self.got = self.got[:size], self.got[size:]
        return Answer(*head, data)

    def chunks(self):
        """What there was of a body in chunks, and whether the last one came."""
        body = []
        while True:
            while b"\r\n" not in self.got:
                if not self.more():
                    return b"".join(body), False
            line, _, self.got = self.got.partition(b"\r\n")
            size = int(line, 16)
            while len(self.got) < size + 2:
                if not self.more():
                    return b"".join(body + [self.got[:size]]), False
            same(self.got[size:size + 2], b"\r\n", "what is behind a chunk")
            body.append(self.got[:size])
            self.got = self.got[size + 2:]
            if size == 0:
                return b"".join(body), True

    def ended(self):
        """Whether the server has closed the connection, and said no more."""
        return not self.got and not self.more()


class Server:
    """`tarexport serve` over a layout, for as long as a `with` takes."""

    def __init__(self, tool, folder, layout, *arguments, port=False):
        self.log_path = folder + "/log"
        self.path = folder + "/socket"
        self.log_file = open(self.log_path, "wb")
        where = ["--listen", "unix:" + self.path] + (["--listen", "tcp:127.0.0.1:0"] if port else [])
        self.process = tool.start("serve", "--store", layout.url, *where, *arguments, stdout=subprocess.DEVNULL, stderr=self.log_file)
        until(lambda: self.log().count("listening on") == 1 + port or self.process.poll() is not None, "the server does not begin")
        need(self.process.poll() is None, f"the server ended: {self.log()}")
        self.address = self.path
        if port:
            self.port = int(self.log().split("tcp:127.0.0.1:")[1].split()[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log_file.close()

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="backslashreplace") as file:
            return file.read()

    def connect(self, **options):
        return Connection(self.address, **options)

    def get(self, target, method="GET", **fields):
        """One request, on a connection of its own."""
        with self.connect() as c:
            c.ask(target, method, **fields)
            return c.answer(body=method != "HEAD")

    def end(self, number=signal.SIGTERM):
        """End it; return its exit code."""
        self.process.send_signal(number)
        return finish(self.process).code

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def threads(self):
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def memory(self):
        """MiB that are the process's own."""
        with open(f"/proc/{self.process.pid}/status") as status:
            for line in status:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) / 1024
        return 0


def in_threads(count, work):
    """Run `work(n)` in so many threads; return what they returned. What one raises is raised here."""
    results, problems = [None] * count, []

    def run(n):
        try:
            results[n] = work(n)
        except Exception as problem:
            problems.append(problem)
    threads = [threading.Thread(target=run, args=(n,), daemon=True) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT)
        need(not thread.is_alive(), "a client does not end")
    if problems:
        raise problems[0]
    return results
