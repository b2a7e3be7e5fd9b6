#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#
"""The server's page in a browser: what it shows, and how it saves from the keyboard over a connection that breaks."""

import os
import re
import socket
import threading
import time

from chromium import Browser
from harness import Checks, need, same, until
from layout import Layout, raw_layer, sha256
from serving import Server
from use import slurp

check = Checks()

MIB = 1 << 20


class Cutting(threading.Thread):
    """A port that passes connections on to another, and breaks those that archives come over, `cuts` times, after so many bytes of one."""

    def __init__(self, port, most, cuts):
        super().__init__(daemon=True)
        self.target, self.most, self.cuts, self.asked = port, most, cuts, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            state = {"archive": False}
            threading.Thread(target=self.requests, args=(client, server, state), daemon=True).start()
            threading.Thread(target=self.answers, args=(client, server, state), daemon=True).start()

    def requests(self, client, server, state):
        try:
            while data := client.recv(65536):
                if b"GET /images/get" in data:
                    state["archive"] = True
                    self.asked.append(data.decode())
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def answers(self, client, server, state):
        passed = 0
        try:
            while data := server.recv(65536):
                client.sendall(data)
                passed += len(data) if state["archive"] else 0
                if self.cuts and passed >= self.most:
                    self.cuts -= 1
                    time.sleep(0.3) # a browser forgets what its page has not read when a connection breaks
                    break
        except OSError:
            pass
        for end in (client, server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def ranges(self):
        """The first bytes that were asked for."""
        return [int(re.search(r"(?im)^range: bytes=(\d+)-", text)[1]) for text in self.asked]


def two_apps(folder):
    """app:1.0, which is large and has a second name, and app:2.0, which shares a layer with it."""
    layout = Layout(folder)
    base = layout.blob(raw_layer(50000, 1), "application/vnd.oci.image.layer.v1.tar")
    layout.add(layout.image([base, raw_layer(2 * MIB, 2)], history=[{"created_by": "one"}, {"created_by": "two"}]), "app:1.0", "app:latest")
    layout.add(layout.image([base, raw_layer(20, 3)], created="2026-02-01T00:00:00Z", history=[{"created_by": "one"}, {"created_by": "two"}]), "app:2.0")
    return layout.finish()


SHOWN = """[...document.querySelectorAll('article')].map(a => ({
    names: a.querySelector('h2').textContent, about: a.querySelector('p').textContent,
    layers: [...a.querySelectorAll('li')].map(l => l.getAttribute('aria-label'))}))"""

# A file of the page's own, in place of one that a user would choose.
CHOSEN = "window.showSaveFilePicker = async options => (await navigator.storage.getDirectory()).getFileHandle(window.chosen = options.suggestedName, {create: true});"

DIGEST_OF_CHOSEN = """(async () => {
    const file = await (await (await navigator.storage.getDirectory()).getFileHandle(window.chosen)).getFile();
    const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
    return [...new Uint8Array(digest)].map(b => b.toString(16).padStart(2, '0')).join('');
})()"""


def size(n):
    return f"{n} bytes" if n < 1000 else f"{n / 1000:.1f} kB" if n < 1000000 else f"{n / 1000000:.1f} MB"


def shows(browser, server):
    """The page lists each image with its names, its size and its layers."""
    browser.until("document.querySelectorAll('article').length === 2", "there are no two images")
    images = server.get("/images/json").json()
    for shown, image in zip(browser.evaluate(SHOWN), images):
        same(shown["names"], ", ".join(image["RepoTags"]), "the names")
        need(shown["about"].startswith(f"{image['Id'][7:19]}, {size(image['Size'])}, 2 layers"), f"it says {shown['about']!r}")
        ids = server.get(f"/images/{image['Id']}/json").json()["RootFS"]["Layers"]
        sizes = [step["Size"] for step in reversed(server.get(f"/images/{image['Id']}/history").json())]
        said = [f"{layer[7:19]}, {size(n)}" for layer, n in zip(ids, sizes)]
        same(shown["layers"], [said[0] + ", in 2 images", said[1]], "the layers")


def saves(browser, proxy):
    """Save app:1.0 with keys alone, over two connections that break."""
    for expected in ("Save app:2.0", "Save app:1.0, app:latest"):
        browser.press("Tab")
        same(browser.evaluate("document.activeElement.getAttribute('aria-label')"), expected, "what has the focus")
    browser.press("Enter")
    browser.until("document.activeElement.textContent === 'Cancel'", "the focus is not on what cancels")
    browser.until("/ of 2\\.\\d MB/.test(document.body.innerText)", "it does not say how far it is")
    browser.until("/Saved, 2\\.\\d MB/.test(document.body.innerText)", "it is not saved")
    same(browser.evaluate("document.activeElement.getAttribute('aria-label')"), "Save app:1.0, app:latest", "what has the focus when it is saved")
    ranges = proxy.ranges()
    need(len(ranges) == 3 and 0 == ranges[0] < ranges[1] < ranges[2], f"it asked for the bytes from {ranges} on")
    need(all('"sha256:' in re.search(r"(?im)^if-range: (.*)$", text)[1] for text in proxy.asked[1:]), "it goes on whatever the archive is")
    same(browser.complaints(), [], "what the browser complains of")


@check("serve: a browser shows the page, and saves over connections that break, from the keyboard")
def the_page(tool, folder):
    layout = two_apps(folder + "/store")
    expected = sha256(tool.save(layout, "app:1.0", "app:latest").ok().out)[7:]
    with Browser(folder) as browser:
        for option in ([], ["--http-compress"]):
            with Server(tool, folder, layout, *option, port=True) as server:
                proxy = Cutting(server.port, 500000, 2)
                picker = CHOSEN if option else "delete window.showSaveFilePicker;"
                script = browser.call("Page.addScriptToEvaluateOnNewDocument", source=picker)["identifier"]
                browser.call("Page.navigate", url=f"http://127.0.0.1:{proxy.port}/")
                shows(browser, server)
                saves(browser, proxy)
                if option:
                    same(browser.evaluate(DIGEST_OF_CHOSEN), expected, "the digest of the file that was chosen")
                else:
                    path = folder + "/downloads/app_1.0.tar"
                    until(lambda: os.path.exists(path), "there is no file", 10)
                    same(sha256(slurp(path))[7:], expected, "the digest of the file that was downloaded")
                browser.call("Page.removeScriptToEvaluateOnNewDocument", identifier=script)
