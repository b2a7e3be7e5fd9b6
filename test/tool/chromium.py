#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#
"""A browser without a window, spoken to by the DevTools protocol over two pipes: messages in JSON, with a NUL behind each."""

import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
import time

from harness import Skipped, need

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def program():
    for name in NAMES:
        if shutil.which(name):
            return shutil.which(name)
    raise Skipped("needs chromium")


class Browser:
    """Chromium with one page, for as long as a `with` takes. What it says of errors is in the folder's `chromium.log`."""

    # The code of a key, and the text that it gives.
    KEYS = {"Tab": (9, ""), "Enter": (13, "\r"), " ": (32, " ")}

    def __init__(self, folder):
        path = program()
        self.folder, self.log = folder, folder + "/chromium.log"
        os.mkdir(folder + "/downloads")
        to_it, self.write_end = os.pipe()
        self.read_end, from_it = os.pipe()
        # bash moves them to 3 and 4, so they are neither.
        theirs = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (to_it, from_it)]
        os.close(to_it)
        os.close(from_it)
        options = ["--headless", "--remote-debugging-pipe", "--user-data-dir=" + folder + "/profile", "--disable-gpu", "--disable-dev-shm-usage",
                   "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--window-size=1000,700"]
        if os.geteuid() == 0:
            options.append("--no-sandbox") # which does not run as root
        command = ["bash", "-c", 'exec "$@" 3<&{0} 4>&{1} {0}<&- {1}>&-'.format(*theirs), "bash", path, *options, "about:blank"]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=theirs, env={**os.environ, "HOME": folder})
        for fd in theirs:
            os.close(fd)
        self.numbers, self.got, self.events, self.session = itertools.count(1), b"", [], None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(domain + ".enable")
        self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=folder + "/downloads")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.write_end)
        os.close(self.read_end)
        self.process.kill()
        self.process.wait()

    def message(self, end):
        while b"\0" not in self.got:
            left = end - time.monotonic()
            need(left > 0 and select.select([self.read_end], [], [], left)[0], "the browser says nothing")
            data = os.read(self.read_end, 1 << 16)
            need(data, "the browser has ended: " + self.said()[-500:])
            self.got += data
        one, _, self.got = self.got.partition(b"\0")
        return json.loads(one)

    def said(self):
        with open(self.log, encoding="utf-8", errors="backslashreplace") as file:
            return file.read()

    def call(self, method, seconds=30, **parameters):
        """The result of a method. What happens meanwhile is kept in `events`."""
        number = next(self.numbers)
        wanted = {"id": number, "method": method, "params": parameters, **({"sessionId": self.session} if self.session else {})}
        os.write(self.write_end, json.dumps(wanted).encode() + b"\0")
        end = time.monotonic() + seconds
        while True:
            m = self.message(end)
            if m.get("id") == number:
                need("error" not in m, f"{method}: {m.get('error')}")
                return m["result"]
            self.events.append(m)

    def evaluate(self, code):
        """The value of an expression in the page; of a promise, what it gives."""
        r = self.call("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True, userGesture=True)
        need("exceptionDetails" not in r, f"{code}: {r.get('exceptionDetails')}")
        return r["result"].get("value")

    def until(self, code, why, seconds=20):
        """Wait until an expression in the page is true; return its value."""
        end = time.monotonic() + seconds
        while True:
            value = self.evaluate(code)
            if value:
                return value
            need(time.monotonic() < end, f"{why}; the page says: {self.evaluate('document.body.innerText')!r}")
            time.sleep(0.02)

    def press(self, key):
        code, text = self.KEYS[key]
        about = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **about)
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def complaints(self):
        """What the page's code has thrown, and what the browser has refused it."""
        thrown = [m["params"]["exceptionDetails"]["text"] for m in self.events if m.get("method") == "Runtime.exceptionThrown"]
        entries = [m["params"]["entry"] for m in self.events if m.get("method") == "Log.entryAdded"]
        return thrown + [e["text"] for e in entries if e["level"] == "error" and e["source"] in ("security", "javascript")]
