#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#
"""Runs the tool, judges what it did, and counts."""

import io
import os
import re
import shutil
import signal
import subprocess
import tarfile
import tempfile
import threading
import time

TIMEOUT = 120  # seconds; nothing here takes more than a few, so one that does hangs


class Failed(Exception):
    """Why a check fails."""


class Skipped(Exception):
    """What a check needs and has not got."""


def need(condition, why):
    if not condition:
        raise Failed(why)


def same(found, expected, what):
    need(found == expected, f"{what} is {found!r}, not {expected!r}")


def until(condition, why, seconds=60):
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while not condition():
        need(time.monotonic() < end, why)
        time.sleep(0.002)


class Checks(list):
    """The checks of a file, in its order: functions of the tool and a new folder, which may return a note."""

    def __call__(self, name):
        def add(check):
            self.append((name, check))
            return check
        return add


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err.decode(errors="backslashreplace")

    def ok(self):
        need(self.code == 0, f"exit code {self.code}: {self.err.strip()}")
        return self

    def refused(self, *says, code=1):
        """It failed with that code and one clear line, which says all that."""
        same(self.code, code, f"(it said: {self.err.strip()[:300]}) the exit code")
        lines = self.err.splitlines()
        if code == 2:
            need(lines and re.fullmatch(r"Try 'tarexport ((save|plan|ls|have|merge|verify|serve|fetch) )?--help'\.", lines[-1]), f"a usage error ends in {lines[-1:]}")
            lines.pop()
        same(len(lines), 1, f"the number of lines in {self.err!r}")
        need(lines[0].startswith("tarexport: "), f"the message does not name the tool: {self.err!r}")
        need(len(lines[0]) < 1000, f"the message has {len(lines[0])} characters: {self.err!r}")
        need(not re.search(r"[\x00-\x1f\x7f]|terminate called|what\(\)|boost::|std::|basic_", lines[0]), f"not for people: {self.err!r}")
        for each in says:
            need(str(each) in lines[0], f"{self.err!r} does not say {str(each)!r}")
        return self


class Tool:
    def __init__(self, path, folder):
        # A copy that every user may run, whatever the folder it was built in.
        self.path = os.path.join(folder, "tarexport")
        shutil.copy(path, self.path)
        os.chmod(self.path, 0o755)
        self.environment = {**os.environ, "LC_ALL": "C"}

    def start(self, *arguments, **options):
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": self.environment, **options}
        return subprocess.Popen([self.path, *map(str, arguments)], **options)

    def __call__(self, *arguments, **options):
        return finish(self.start(*arguments, **options))

    def save(self, layout, *arguments, **options):
        """Save to wherever standard output goes: a pipe unless told."""
        return self("save", "--store", layout.url, *arguments, **options)


def finish(process, timeout=TIMEOUT):
    """Wait for the end; a process that does not come to one fails the check."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise Failed(f"did not end in {timeout} s") from None
    return Result(process.returncode, out or b"", err or b"")


def drain(process, head=b""):
    """Read what is still to come, and wait for the end; for a process whose output was begun to be read."""
    guard = threading.Timer(TIMEOUT, process.kill)
    guard.start()
    try:
        out, err = head + process.stdout.read(), process.stderr.read()
        process.wait()
        need(guard.is_alive(), f"did not end in {TIMEOUT} s")
    finally:
        guard.cancel()
    return Result(process.returncode, out, err)


def signalled(process, number):
    process.send_signal(number)
    return finish(process)


def paused_save(tool, layout, target, *arguments):
    """Start a save to a file and stop it in the middle. The layout is to be large: it is a matter of timing."""
    part = f"{target}.part"
    for name in (part, part + ".etag"):
        if os.path.exists(name):
            os.remove(name)
    for _ in range(10):
        process = tool.start("save", "--store", layout.url, "--progress", "none", "-o", target, *arguments)
        while process.poll() is None:
            if os.path.exists(part) and os.path.getsize(part) > 20000000:
                process.send_signal(signal.SIGSTOP)
                until(lambda: state_of(process) in "TZ", "the process does not stop")
                if os.path.exists(part):
                    return process
                process.send_signal(signal.SIGCONT)
                break
            time.sleep(0.001)
        finish(process).ok()
    raise Failed("the save is too fast to be stopped in the middle")


def state_of(process):
    with open(f"/proc/{process.pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0]


def left(folder):
    """The names in a folder."""
    return sorted(os.listdir(folder))


def listed_by(command, archive):
    return subprocess.run(command, input=archive, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=TIMEOUT).returncode == 0


def read_by_python(archive):
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.getmembers()
        return True
    except tarfile.TarError:
        return False


def readers(folder=None):
    """What reads an archive: each name with a function that tells whether it takes it for whole.

    From a file, GNU tar is to unpack: when it lists, it jumps over data, and over an end that falls on one of its records.
    """
    def from_file(command):
        def read(archive):
            with tempfile.NamedTemporaryFile(dir=folder) as file:
                file.write(archive)
                file.flush()
                return listed_by([*command, file.name], b"")
        return read

    all_of_them = {"Python": read_by_python}
    for name, command, of_file in (("GNU tar", "tar", "-xOf"), ("bsdtar", "bsdtar", "-tf")):
        if shutil.which(command):
            all_of_them[name] = lambda archive, command=command: listed_by([command, "-tf", "-"], archive)
            all_of_them[name + " of a file"] = from_file([command, of_file])
    return all_of_them


def whole(archive):
    for name, read in readers().items():
        need(read(archive), f"{name} does not read the archive of {len(archive)} bytes")
    return archive


def broken(archive):
    """What was written stops where every reader notices: inside an entry."""
    for name, read in readers().items():
        need(not read(archive), f"{name} takes the {len(archive)} bytes for a whole archive")


class Suite:
    def __init__(self, tool, folder):
        self.tool, self.folder = tool, folder
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}

    def room(self):
        """A new folder, for one check."""
        folder = tempfile.mkdtemp(dir=self.folder)
        os.chmod(folder, 0o755)
        return folder

    def run(self, name, check):
        folder = self.room()
        try:
            note = check(self.tool, folder)
            self.tell("passed", f"ok {name}" + (f" ({note})" if note else ""))
        except Skipped as why:
            self.tell("skipped", f"skipped {name}: {why}")
        except Failed as why:
            self.tell("failed", f"FAILED {name}: {why}")
        except Exception as why:  # a defect of the check must not hide the others
            self.tell("failed", f"FAILED {name}: {type(why).__name__}: {why}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def tell(self, count, line):
        self.counts[count] += 1
        print(line, flush=True)

    def end(self):
        print("{passed} passed, {failed} failed, {skipped} skipped".format(**self.counts))
        return 1 if self.counts["failed"] else 0
