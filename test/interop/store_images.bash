#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#

# Sourced by test/interop/stores: has the engines make images of all that a layer can hold.

registry= # HOST:PORT of a registry, by which images get names by digest

# $work/context: what the Dockerfiles below copy.
make_context() {
    mkdir -p "$work/context"
    "$here/odd_images" layer "$work/context/odd.tar" "$project/example/images"
    "$here/odd_images" undated "$work/undated.tar" "$project/example/images"
    cat >"$work/context/look" <<'LOOK'
#!/bin/sh
# Prints sums over all that is below /data: names, kinds, owners, modes, times, links and content.
export LC_ALL=C
cd /data || exit
find . ! -type d -printf '%P %y %m %U %G %n %s %l %T@\n' | sort | cksum
find . -type d -printf '%P %m %U %G %T@\n' | sort | cksum
find . -type f -print0 | sort -z | xargs -0 -r cksum | cksum
LOOK
    cat >"$work/context/many" <<'MANY'
#!/usr/bin/perl
# many first: 20,000 small files and links to them; many then: what becomes whiteouts, opaque folders and links to a lower layer.
use strict;
sub put { my ($name, $text) = @_; open my $file, '>', $name or die "$name: $!"; print $file $text; close $file }
sub must { $_[0] or die $! }
chdir '/data' or die $!;
if($ARGV[0] eq 'first') {
    mkdir 'shared';
    for my $d (0 .. 199) {
        mkdir "d$d";
        put("d$d/f$_", "file $_ of $d\n" x ($_ % 40)) for 0 .. 99;
        must(link "d$d/f7", "d$d/linked");
        must(link "d$d/f8", "shared/linked$d");
    }
} else {
    for my $d (0 .. 49) { unlink "d$d/f$_" for grep { $_ % 7 == 0 } 0 .. 99 }
    system "rm -r d10?";
    for my $d (110 .. 119) { system "rm -r d$d"; mkdir "d$d"; put("d$d/new", "in an opaque folder\n") }
    must(link "d120/f9", "d121/link-to-lower");
    must(link "d122/f9", "d122/link-to-lower");
    unlink 'd123/f1'; mkdir 'd123/f1'; put('d123/f1/file', "where a file was\n");
    system "rm -r d124"; put('d124', "where a folder was\n");
    chmod 04755, 'd125/f1'; chown 3000000, 2100000, 'd125/f2'; utime 1, 1, 'd125/f3';
    rename 'd126/f1', 'd127/renamed';
    symlink 'd128', 'to-d128'; put('to-d128/behind', "behind a link\n");
    put("d129/f5", '');
}
MANY
    chmod 755 "$work/context/look" "$work/context/many"
}

# build NAME CONTEXT LINE...: an image from a folder and a Dockerfile of these lines. Builds may run beside each other.
build() {
    local name=$1 context=$2
    shift 2
    printf '%s\n' "$@" | docker_build -f - -t "$name" "$context"
}

build_base() {
    local base
    base=$(debian) || { tail -n 5 "$work/debootstrap.log"; return 1; }
    make_context
    in_peers docker import "$base" "$prefix/debian:1.0"
    build "$prefix/base:1.0" "$work/context" "FROM $prefix/debian:1.0" "LABEL purpose='<stores> & more'" "COPY look /usr/local/bin/look" 'CMD ["look"]'
}

build_files() {
    build "$prefix/files:1.0" "$work/context" "FROM $prefix/base:1.0" "COPY many /usr/local/bin/many" \
        "RUN mkdir /data && many first" "RUN many then" "RUN touch -d '2001-02-03 04:05:06.123456789' /data/d130/f*"
    in_peers docker tag "$prefix/files:1.0" "$prefix/files:latest"
    in_peers docker tag "$prefix/files:1.0" registry.example.com:5000/team/app:v2
}

# The odd layer as it is, and once more as dockerd's builder unpacks and packs it.
build_odd() {
    in_peers docker import -c 'CMD ["/bin/say"]' "$work/context/odd.tar" "$prefix/odd:1.0"
    build "$prefix/added:1.0" "$work/context" "FROM $prefix/base:1.0" "ADD odd.tar /data/" \
        "RUN cd /data/odd && mknod made c 1 5 && chmod 2711 made && mkfifo fifo && ln fifo fifo2 && chown 3000000 size1"
    in_peers docker load -i "$work/undated.tar"
    in_peers docker tag undated:1.0 "$prefix/undated:1.0"
    in_peers docker rmi undated:1.0
}

# build_large NAME COMMAND: what the command makes in a folder of the image, and a small file beside it.
build_large() {
    build "$prefix/$1" "$work/context" "FROM $prefix/base:1.0" "RUN mkdir /data && cd /data && $2 && echo small >beside"
}

# By docker commit, whose images have a parent and no Dockerfile; the last has no name. Prints its ID.
commit_children() {
    local container id
    id=$prefix/files:1.0
    for name in child:1.0 grandchild:1.0 ""; do
        container=$(in_peers docker run -d --network=none "$id" sh -c "rm -r /data/d3*; echo '$name' >/data/committed")
        in_peers docker wait "$container" >/dev/null
        id=$(in_peers docker commit -c 'CMD ["look"]' "$container" ${name:+"$prefix/$name"})
        in_peers docker rm "$container" >/dev/null
    done
    echo "$id" >"$work/untagged"
}

start_registry() {
    local port
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    registry=localhost:$port
    printf '%s\n' "version: 0.1" "storage: {filesystem: {rootdirectory: $work/registry}}" \
        "http: {addr: '127.0.0.1:$port'}" >"$work/registry.yml"
    "$peers" sh docker-registry serve "$work/registry.yml" >"$work/registry.log" 2>&1 </dev/null & # so that it is this process
    servers+=($!)
    for _ in {1..300}; do
        (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null && return 0
        sleep 0.1
    done
    give_up "The registry does not start: $(tail -n 5 "$work/registry.log")"
}

# digest_of REPOSITORY: the digest under which dockerd knows an image of it.
digest_of() { in_peers docker image ls --digests --format '{{.Digest}}' "$1" | grep -m 1 sha256; }

# What a registry's images are called: $registry/team/tagged has a tag and a digest, $registry/only/digest no tag.
pull_by_digest() {
    local each
    for each in team/tagged:t only/digest:t; do
        in_peers docker tag "$prefix/odd:1.0" "$registry/$each"
        in_peers docker push --quiet "$registry/$each"
    done
    in_peers docker rmi "$registry/only/digest:t" # and its digest with it
    in_peers docker pull --quiet "$registry/only/digest@$(digest_of "$registry/team/tagged")"
}

# Images of a few bytes for the names: some with several names, one without a layer, one whose parent is another.
build_small() {
    local one=$prefix/one two=$prefix/two each
    build "$one:1" "$work/context" "FROM scratch" "COPY look /one"
    for each in "$one:2" three localhost/names/x:1 Upper/case:Tag; do
        in_peers docker tag "$one:1" "$each"
    done
    build "$two" "$work/context" "FROM $one:1" "COPY many /two"
    build "$prefix/nolayers" "$work/context" "FROM scratch" "LABEL none=yes"
    build abcd "$work/context" "FROM scratch" "COPY look /abcd"
}

# --- podman ----------------------------------------------------------------------------------------------------------

# in_podman NAME: the store as skopeo is told of it.
in_podman() { echo "containers-storage:[overlay@$work/podman+$work/podman-run]$1"; }

# What dockerd has made; gzip and zstd from a registry; what podman builds, commits and imports itself.
fill_podman() {
    in_peers docker save "$prefix/files:1.0" "$prefix/added:1.0" | podman load -q
    in_peers docker save "$prefix/undated:1.0" | podman load -q
    in_peers docker tag "$prefix/added:1.0" "$registry/team/gzip:1"
    in_peers docker push --quiet "$registry/team/gzip:1"
    in_peers skopeo copy -q --src-tls-verify=false "docker://$registry/team/gzip:1" "$(in_podman localhost/pulled/gzip:1)"
    in_peers skopeo copy -q --src-tls-verify=false --dest-tls-verify=false --dest-compress-format zstd \
        "docker://$registry/team/tagged:t" "docker://$registry/team/zstd:1"
    podman pull -q --tls-verify=false "$registry/team/zstd:1"
    podman import -q -c 'CMD ["/bin/say"]' "$work/context/odd.tar" localhost/imported:1
    printf 'FROM localhost/%s\nRUN rm -r /data/d4* && mkdir /data/d40 && ln /data/d50/f9 /data/d51/link && chmod 4711 /data/d52/f1\n' \
        "$prefix/files:1.0" >"$work/context/Containerfile"
    podman build -q --isolation chroot --network host --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 \
        -t localhost/built:1 -t localhost/built:2 "$work/context"
    podman run --network=none --name committing localhost/built:1 sh -c 'rm -r /data/d5*; echo yes >/data/committed'
    podman commit -q --change 'CMD ["look"]' committing localhost/committed:1
    podman commit -q --change 'CMD ["look"]' committing >"$work/podman-untagged"
    podman rm committing
    podman tag localhost/imported:1 docker.io/library/both:1
    podman tag localhost/committed:1 localhost/both:1
}
