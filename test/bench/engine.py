# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#
"""The engines of the peers script, and images built with them."""

import os, random, shutil, subprocess, sys

from measure import large_layers, write_tar


class Engine:
    """The dockerd of the peers script, through its client."""

    def __init__(self, peers):
        self.peers = peers
        subprocess.run([peers, "up"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        said = subprocess.run([peers, "env"], check=True, stdout=subprocess.PIPE, text=True).stdout
        self.env = dict(word.split("=", 1) for word in said.split() if "=" in word)
        os.environ["DOCKER_HOST"] = self.env["DOCKER_HOST"]

    def docker(self, *arguments):
        return [self.peers, "sh", "docker", *arguments]

    def build(self, folder, name):
        # Without BuildKit, which is not there: each ADD is a layer.
        os.environ["DOCKER_BUILDKIT"] = "0"
        done = subprocess.run(self.docker("build", "-q", "-t", name, "/host" + folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            sys.exit("docker build: " + done.stdout.decode())

    def remove(self, name):
        subprocess.run(self.docker("rmi", "-f", name), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_contexts(folder, size, count):
    """Two build contexts: 7 layers of unlike sizes, and one layer of `count` files of 0 to 8 KiB."""
    large = os.path.join(folder, "large")
    os.makedirs(large)
    added = []
    for n, layer in large_layers(size):
        added.append("ADD %d.tar /\n" % n)
        with open(os.path.join(large, "%d.tar" % n), "wb") as f:
            f.write(layer)
    with open(os.path.join(large, "Dockerfile"), "w") as f:
        f.write("FROM scratch\n" + "".join(added) + 'CMD ["/none"]\n')
    small = os.path.join(folder, "small")
    os.makedirs(small)
    some = random.Random(7)
    with open(os.path.join(small, "0.tar"), "wb") as f:
        write_tar(f, (("usr/share/folder%03d/some-file-%05d.txt" % (n % 600, n), some.randbytes(some.randrange(8192)))
                      for n in range(count)))
    with open(os.path.join(small, "Dockerfile"), "w") as f:
        f.write('FROM scratch\nADD 0.tar /\nCMD ["/none"]\n')
    return {"large": large, "small": small}
