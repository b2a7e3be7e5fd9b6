#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#
"""Outputs that fail, and processes that are ended."""

import os
import resource
import shutil
import signal
import subprocess
import time

from harness import Checks, Failed, Result, Skipped, broken, drain, finish, left, need, paused_save, same, signalled, until, whole
from layout import app, large_app
from use import slurp

check = Checks()

NOBODY = {"user": 65534, "group": 65534, "extra_groups": []}


class small_disk:
    """A file system of its own, of so many KiB."""

    def __init__(self, folder, size):
        self.folder, self.size = folder + "/disk", size

    def __enter__(self):
        os.mkdir(self.folder)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={self.size}k,mode=777", "tarexport-test", self.folder]
        if os.geteuid() != 0 or shutil.which("mount") is None or subprocess.run(mount, stderr=subprocess.DEVNULL).returncode != 0:
            raise Skipped("a full disk needs root, who may mount one")
        return self.folder

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.folder], check=True)


def strace():
    """The command that makes system calls fail, where there is one that may."""
    command = ["strace", "-f", "-qq", "-o", "/dev/null"]
    try:
        if subprocess.run([*command, "true"], stderr=subprocess.DEVNULL).returncode != 0:
            raise Skipped("strace may not trace here")
    except FileNotFoundError:
        raise Skipped("needs strace") from None
    return command


@check("a disk that is too small is noticed before the first byte")
def too_small(tool, folder):
    layout = app(folder + "/store", sizes=(3 << 20,))
    with small_disk(folder, 1024) as disk:
        for more in ([], ["--keep-partial"], ["--no-sync", "--no-verify"]):
            tool.save(layout, *more, "-o", disk + "/app.tar", "app:1.0").refused(disk + "/app.tar", "No space left", "the archive has 3.1 MB")
            same(left(disk), [], "what is left")


@check("a disk that fills up in the middle: standard output in a file")
def fills_up(tool, folder):
    layout = app(folder + "/store", sizes=(3 << 20,))
    with small_disk(folder, 1024) as disk:
        for more in ([], ["--no-verify"]):
            with open(disk + "/app.tar", "wb") as out:
                tool.save(layout, *more, "app:1.0", stdout=out).refused("standard output", "No space left")
            need(os.path.getsize(disk + "/app.tar") > 500000, "nothing was written")
            broken(slurp(disk + "/app.tar"))


def fill(disk):
    filler = os.open(disk + "/filler", os.O_CREAT | os.O_WRONLY)
    free = os.statvfs(disk)
    os.posix_fallocate(filler, 0, free.f_bavail * free.f_frsize - 65536)
    os.close(filler)


@check("a disk that others fill up while -o FILE is written: room was set aside, and what is not needed is given back")
def set_aside(tool, folder):
    size = 64 << 20
    layout = large_app(folder + "/store", size)
    with small_disk(folder, (size >> 10) + 4096) as disk:
        process = paused_save(tool, layout, disk + "/app.tar")
        fill(disk)
        process.send_signal(signal.SIGCONT)
        finish(process).ok()
        os.remove(disk + "/filler")
        same(left(disk), ["app.tar"], "what is left")
        os.remove(disk + "/app.tar")
        process = paused_save(tool, layout, disk + "/app.tar", "--keep-partial")
        need(os.stat(disk + "/app.tar.part").st_blocks * 512 >= size, "no room was set aside")
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGTERM)
        process.wait()
        kept = os.stat(disk + "/app.tar.part")
        need(kept.st_blocks * 512 <= kept.st_size + 65536, "what is kept has more room than it needs")


@check("a disk that fills up in the middle of -o FILE, with and without --keep-partial, and resuming when there is room again")
def fills_up_file(tool, folder):
    size = 64 << 20
    layout = large_app(folder + "/store", size)
    # An aligned archive may share its layers, so that no room is set aside for it.
    aligned = ["--layout", "hybrid", "--align", "4096"]
    with small_disk(folder, (size >> 10) + 4096) as disk:
        for more, remains in (([], []), (["--keep-partial"], ["app.tar.part", "app.tar.part.etag"])):
            process = paused_save(tool, layout, disk + "/app.tar", *aligned, *more)
            fill(disk)
            process.send_signal(signal.SIGCONT)
            finish(process).refused(disk + "/app.tar", "No space left")
            os.remove(disk + "/filler")
            same(left(disk), remains, "what is left")
        tool.save(layout, *aligned, "--resume", "-o", disk + "/app.tar", "app:1.0").ok()
        same(left(disk), ["app.tar"], "what is left in the end")
        tool.save(layout, *aligned, "-o", folder + "/expected.tar", "app:1.0").ok()
        same(subprocess.run(["cmp", disk + "/app.tar", folder + "/expected.tar"]).returncode, 0, "whether the archive differs")


@check("/dev/full as standard output")
def dev_full(tool, folder):
    layout = app(folder + "/store")
    for more in ([], ["--no-verify"]):
        with open("/dev/full", "wb") as out:
            tool.save(layout, *more, "app:1.0", stdout=out).refused("standard output", "No space left")


@check("a limit on the size of files ends with a message, not with a signal")
def file_limit(tool, folder):
    layout = app(folder + "/store", sizes=(3 << 20,))
    os.mkdir(folder + "/out")
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000000, 1000000))}
    for more in ([], ["--no-verify"]):
        tool.save(layout, *more, "-o", folder + "/out/app.tar", "app:1.0", **limit).refused(folder + "/out/app.tar", "File too large")
        same(left(folder + "/out"), [], "what is left")
        with open(folder + "/redirected", "wb") as out:
            tool.save(layout, *more, "app:1.0", stdout=out, **limit).refused("standard output", "File too large")
        broken(slurp(folder + "/redirected"))


@check("syscalls that fail: writing, syncing, renaming leave nothing behind and name the file")
def failing_calls(tool, folder):
    command = strace()
    layout = app(folder + "/store", sizes=(3 << 20, 1000))
    os.mkdir(folder + "/out")
    target = folder + "/out/app.tar"
    arguments = ["save", "--store", layout.url, "-o", target]
    for calls, error, says in (("fsync", "EIO", "Input/output error"), ("renameat,renameat2,rename", "EACCES", "Permission denied"),
                               ("pwritev:3", "EIO", "Input/output error"), ("pwritev:5", "ENOSPC", "No space left"), ("pwritev:1", "EDQUOT", "quota")):
        call, _, when = calls.partition(":")
        inject = ["-e", f"inject={call}:error={error}" + (f":when={when}+" if when else "")]
        with open(target, "wb") as old:
            old.write(b"what was there before")
        run = subprocess.run([*command, *inject, tool.path, *arguments, "app:1.0"], capture_output=True, env=tool.environment, timeout=60)
        try:
            Result(run.returncode, run.stdout, run.stderr).refused(target, says)
        except Failed as why:
            raise Failed(f"{calls}: {why}") from None
        same(left(folder + "/out"), ["app.tar"], f"what is left after {calls}")
        same(slurp(target), b"what was there before", f"the file after {calls}")


@check("reading a blob that fails names the blob")
def failing_reads(tool, folder):
    command = strace()
    layout = app(folder + "/store", sizes=(3 << 20,))
    path = layout.path(layout.layer_of(layout.manifest))
    inject = ["-P", path, "-e", "inject=pread64:error=EIO:when=3+"]
    run = subprocess.run([*command, *inject, tool.path, "save", "--store", layout.url, "app:1.0"], capture_output=True, env=tool.environment, timeout=60)
    Result(run.returncode, run.stdout, run.stderr).refused(path, "Input/output error")
    broken(run.stdout)


@check("a pipe whose reader goes: exit code 1 and a message, no signal")
def closed_pipe(tool, folder):
    layout = app(folder + "/store", sizes=(3 << 20,))
    for count in (0, 100, 512, 70000, 1 << 20):
        for more in ([], ["--no-verify"]):
            with tool.start("save", "--store", layout.url, *more, "app:1.0") as process:
                process.stdout.read(count)
                process.stdout.close()
                said = process.stderr.read()
                Result(process.wait(), b"", said).refused("standard output", "Broken pipe")
    shell = f"set -o pipefail; '{tool.path}' save --store '{layout.url}' app:1.0 | head -c 100 | wc -c"
    run = subprocess.run(["bash", "-c", shell], capture_output=True, timeout=60)
    same((run.returncode, run.stdout.strip()), (1, b"100"), "what the shell sees")


@check("standard descriptors that are closed receive no archive, and no archive receives messages")
def closed_descriptors(tool, folder):
    layout = app(folder + "/store")
    expected = tool.save(layout, "app:1.0").ok().out
    target = folder + "/app.tar"
    save = f"'{tool.path}' save --store '{layout.url}' --progress bar --trace '{folder}/trace' app:1.0"
    for redirections, code in (("2>&-", 0), (">&-", 0), ("<&- >&- 2>&-", 0)):
        run = subprocess.run(["bash", "-c", f"{save} -o '{target}' {redirections}"], capture_output=True, timeout=60)
        same(run.returncode, code, f"the exit code with {redirections}")
        need(slurp(target) == expected, f"with {redirections} the archive differs")
        os.remove(target)
    run = subprocess.run(["bash", "-c", f"{save} >&-"], capture_output=True, timeout=60)
    Result(run.returncode, run.stdout, run.stderr).refused("standard output")
    need(slurp(folder + "/trace").startswith(b"[\n{"), "the trace is something else")
    run = subprocess.run(["bash", "-c", f"{save} 2>&-"], capture_output=True, timeout=60)
    need(run.returncode == 0 and run.stdout == expected, "without standard error, the archive differs")
    with open("/dev/null", "rb") as null:
        tool.save(layout, "app:1.0", stdout=null).refused("standard output")


@check("messages and traces never get into an archive, by whatever name they would")
def mixed_outputs(tool, folder):
    layout = app(folder + "/store", sizes=(3000, 3 << 20))
    expected = tool.save(layout, "app:1.0").ok().out
    os.mkdir(folder + "/out")
    target = folder + "/out/app.tar"
    save = ["save", "--store", layout.url]
    for suffix in ("", ".part", ".part.etag"):
        for exists in (False, True):
            for way in (f"{folder}/out/../out/app.tar{suffix}", folder + "/link"):
                os.symlink(target + suffix, folder + "/link")
                if exists:
                    open(target + suffix, "w").close()
                result = tool(*save, "--keep-partial", "--trace", way, "-o", target, "app:1.0")
                if result.code == 0:  # the trace was replaced by what belongs there
                    need(suffix == ".part.etag" and not exists, f"--trace {way} is taken")
                    need(slurp(target) == expected, f"with --trace {way}, the archive differs")
                else:
                    result.refused("--trace", code=2)
                for name in left(folder + "/out") + ["../link"]:
                    os.remove(f"{folder}/out/{name}")
    for more in ([], ["--quiet"]):
        with open(folder + "/redirected", "wb") as out:
            same(tool(*save, *more, "app:1.0", stdout=out, stderr=out).code, 2, "the exit code with one file for both")
        result = tool(*save, *more, "app:1.0", stderr=subprocess.STDOUT)
        need(result.code == 2 and b"standard error" in result.out, "one pipe for both is taken")
    with open(folder + "/redirected", "wb") as out:
        tool(*save, "--trace", folder + "/redirected", "app:1.0", stdout=out).refused("--trace", code=2)
    tool(*save, "--trace", "/dev/stdout", "app:1.0").refused("--trace", code=2)
    with open(os.devnull, "wb") as null:
        same(tool(*save, "--trace", "/dev/null", "app:1.0", stdout=null, stderr=null).code, 0, "the exit code with the null device for all")


@check("a thread that cannot be started is told of")
def no_thread(tool, folder):
    layout = app(folder + "/store")
    os.mkdir(folder + "/out", 0o777)
    os.chmod(folder + "/out", 0o777)
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))}
    who = NOBODY if os.geteuid() == 0 else {}
    tool.save(layout, "-o", folder + "/out/app.tar", "app:1.0", **who, **limit).refused("thread", "Resource temporarily unavailable")
    same(left(folder + "/out"), [], "what is left")


@check("messages that nobody reads do not end a save")
def nobody_listens(tool, folder):
    layout = app(folder + "/store", sizes=(1 << 20,))
    with tool.start("save", "--store", layout.url, "--progress", "bar", "app:1.0") as process:
        process.stderr.close()
        head = process.stdout.read(1000)
        time.sleep(0.3)
        archive = head + process.stdout.read()
        same(process.wait(), 0, "the exit code")
    whole(archive)


@check("SIGINT, SIGTERM and SIGHUP in the middle of -o FILE leave nothing, and what had the name stays")
def signals_file(tool, folder):
    layout = large_app(folder + "/store")
    os.mkdir(folder + "/out")
    target = folder + "/out/app.tar"
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        for more in ([], ["--keep-partial"]):
            with open(target, "wb") as old:
                old.write(b"what was there before")
            process = paused_save(tool, layout, target, *more)
            process.send_signal(number)
            signalled(process, signal.SIGCONT).refused(target, "cancelled", *(["--resume"] if more else []))
            same(left(folder + "/out"), ["app.tar"] + [n for n in ("app.tar.part", "app.tar.part.etag") if more], "what is left")
            same(slurp(target), b"what was there before", "the file")


@check("SIGKILL leaves nothing under the name; the next save is not disturbed by the rest")
def killed(tool, folder):
    layout = large_app(folder + "/store")
    os.mkdir(folder + "/out")
    target = folder + "/out/app.tar"
    signalled(paused_save(tool, layout, target), signal.SIGKILL)
    same(left(folder + "/out"), ["app.tar.part"], "what is left")
    tool.save(layout, "--resume", "-o", target, "app:1.0").refused("cannot resume")
    small = app(folder + "/small")
    tool.save(small, "-o", target, "app:1.0").ok()
    same(left(folder + "/out"), ["app.tar"], "what is left in the end")
    same(slurp(target), tool.save(small, "app:1.0").ok().out, "the archive")


@check("SIGINT, SIGTERM and SIGHUP in the middle of a pipe: it stops inside an entry")
def signals_pipe(tool, folder):
    layout = app(folder + "/store", sizes=(3 << 20, 1000))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        for more in ([], ["--no-verify"]):
            with tool.start("save", "--store", layout.url, *more, "app:1.0") as process:
                head = process.stdout.read(1000)
                process.send_signal(number)
                time.sleep(0.1)
                result = drain(process, head).refused("standard output", "cancelled")
            need(len(result.out) < 2 << 20, f"it went on for {len(result.out)} bytes")
            broken(result.out)


@check("a signal ends a save whose reader takes nothing; a second one at once")
def stalled(tool, folder):
    layout = app(folder + "/store", sizes=(3 << 20,))
    for count, code in ((1, 1), (2, 128 + signal.SIGTERM)):
        with tool.start("save", "--store", layout.url, "app:1.0") as process:
            process.stdout.read(1000)
            time.sleep(0.5)  # until the pipe is full
            start = time.monotonic()
            for _ in range(count):
                process.send_signal(signal.SIGTERM)
                time.sleep(0.2)
            try:
                same(process.wait(30), code, f"the exit code after {count}")
            finally:
                process.kill()
            need(count == 2 or time.monotonic() - start > 0.5, "it did not wait for the reader")
            said = process.stderr.read()
            if count == 1:
                Result(code, b"", said).refused("standard output", "cancelled")


def handles(process, number):
    with open(f"/proc/{process.pid}/status") as status:
        blocked = next(line for line in status if line.startswith("SigBlk:"))
    return int(blocked.split()[1], 16) >> (number - 1) & 1


@check("a signal ends a save that is still looking for its images")
def while_resolving(tool, folder):
    layout = app(folder + "/store")
    layout.add(layout.manifest, *(f"many:{n}" for n in range(20000)))
    layout.finish()
    for arguments in (["many"], ["-o", folder + "/many.tar", "many"]):
        process = tool.start("save", "--store", layout.url, *arguments)
        until(lambda: handles(process, signal.SIGTERM), "it does not prepare for signals")
        signalled(process, signal.SIGTERM).refused("many", ": cancelled")
    same(left(folder), ["store"], "what is left")


@check("a signal that was ignored from the start, as nohup does, stays ignored")
def nohup(tool, folder):
    layout = app(folder + "/store", sizes=(3 << 20,))

    def ignore():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    with tool.start("save", "--store", layout.url, "app:1.0", preexec_fn=ignore) as process:
        head = process.stdout.read(1000)
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGUSR1)
        time.sleep(0.1)
        result = drain(process, head).ok()
    whole(result.out)


@check("outputs that cannot be: a folder, below nothing, below a file, a device, a FIFO, a name too long")
def impossible_outputs(tool, folder):
    layout = app(folder + "/store")
    os.mkdir(folder + "/folder")
    os.mkfifo(folder + "/fifo")
    open(folder + "/file", "w").close()
    before = left(folder)
    for name, says in (("folder", "Is a directory"), ("folder/", "Is a directory"), ("folder/.", "Is a directory"), ("nothing/app.tar", "No such file"),
                       ("file/app.tar", "Not a directory"), ("fifo", "pipe"), ("n" * 300, "too long"), ("n" * 252, "too long")):
        tool.save(layout, "-o", f"{folder}/{name}", "app:1.0").refused(f"{folder}/{name}", says)
        same(left(folder), before, f"what is left of {name[:20]}")
    tool.save(layout, "-o", "/dev/null", "app:1.0").refused("/dev/null", "device")
    # As /dev/stdout is; replacing that one would hurt everybody.
    os.symlink("/proc/self/fd/1", folder + "/stdout")
    with open(folder + "/file", "wb") as out:
        tool.save(layout, "-o", folder + "/stdout", "app:1.0", stdout=out).refused(folder + "/stdout", "a link to an open file")
    same(left(folder), sorted([*before, "stdout"]), "what is left of the link")
    tool.save(layout, "-o", "/proc/self/fd/app.tar", "app:1.0").refused("/proc/self/fd/app.tar", "No such file", "creating")
    same(left(folder + "/folder"), [], "what is left in the folder")


@check("a folder that may not be written to")
def unwritable(tool, folder):
    layout = app(folder + "/store")
    os.mkdir(folder + "/out", 0o555)
    who = NOBODY if os.geteuid() == 0 else {}
    for more in ([], ["--keep-partial"], ["--resume"]):
        result = tool.save(layout, *more, "-o", folder + "/out/app.tar", "app:1.0", **who)
        result.refused(folder + "/out/app.tar", "Permission denied")
    same(left(folder + "/out"), [], "what is left")
    tool.save(layout, "--trace", folder + "/out/trace", "app:1.0", **who).refused(folder + "/out/trace")


@check("something odd has the name of the partial file: a link, a FIFO, a folder, a file with two names")
def odd_parts(tool, folder):
    layout = app(folder + "/store")
    os.mkdir(folder + "/out")
    target = folder + "/out/app.tar"
    victim = folder + "/victim"
    for put in (lambda path: os.symlink(victim, path), os.mkfifo, os.mkdir, lambda path: os.link(victim, path)):
        with open(victim, "wb") as file:
            file.write(b"precious")
        put(target + ".part")
        tool.save(layout, "-o", target, "app:1.0").refused(target)
        same(slurp(victim), b"precious", "the other file")
        same(left(folder + "/out"), ["app.tar.part"], "what is left")
        os.rmdir(target + ".part") if os.path.isdir(target + ".part") and not os.path.islink(target + ".part") else os.remove(target + ".part")
    os.mkdir(target + ".part.etag")
    for more in ([], ["--keep-partial"]):
        said = tool.save(layout, *more, "-o", target, "app:1.0").refused(target, "app.tar.part.etag").err
        need("--resume" not in said, f"it promises too much: {said}")
        same(left(folder + "/out"), ["app.tar.part.etag"], "what is left")
    os.rmdir(target + ".part.etag")
    os.symlink(victim, target)
    tool.save(layout, "-o", target, "app:1.0").ok()
    need(not os.path.islink(target), "the link is still there")
    same(slurp(victim), b"precious", "what the link pointed to")
    whole(slurp(target))


@check("two saves to one name at once: one goes on, the other says why not")
def at_once(tool, folder):
    layout = large_app(folder + "/store")
    os.mkdir(folder + "/out")
    target = folder + "/out/app.tar"
    first = paused_save(tool, layout, target)
    for more in ([], ["--keep-partial"], ["--resume"]):
        result = tool.save(layout, *more, "-o", target, "app:1.0")
        result.refused(target, "another save is writing")
        same(left(folder + "/out"), ["app.tar.part"], "what is left")
    signalled(first, signal.SIGCONT).ok()
    same(left(folder + "/out"), ["app.tar"], "what is left in the end")


@check("many saves to one name at once: each is whole or refused, and the file is whole")
def race(tool, folder):
    layouts = [app(f"{folder}/{n}", sizes=(200000 + n, n + 1)) for n in range(4)]
    archives = [tool.save(each, "app:1.0").ok().out for each in layouts]
    os.mkdir(folder + "/out")
    target = folder + "/out/app.tar"
    saved = 0
    for _ in range(10):
        running = [tool.start("save", "--store", each.url, "--no-sync", "-o", target, "app:1.0") for each in layouts]
        for process in running:
            result = finish(process)
            saved += result.code == 0
            result.ok() if result.code == 0 else result.refused("another save is writing")
        same(left(folder + "/out"), ["app.tar"], "what is left")
        need(slurp(target) in archives, "the file is none of the archives")
    return f"{saved} of 40 saved"
