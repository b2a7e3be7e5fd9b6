#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#

# Sourced by test/interop/run and test/interop/stores: what is asked of each engine. Every function fails, and says why, if an answer is wrong.
# dockerd, its containerd and podman's store are this run's own: whatever else uses the engines of this machine is let be,
# and nothing is left.

servers=() # processes that are to end with this run

# in_peers COMMAND...: where the engines are. A path under $engines means the same there as here.
in_peers() { "$peers" sh "$@"; }

# make_place FOLDER: $work in it, which goes with this run however it ends.
make_place() {
    work=$(mktemp -d "$1/interop.XXXX")
    chmod 755 "$work" # for the check that runs as another user
    trap 'clean_up' EXIT
    trap 'give_up "Interrupted by a signal."' INT TERM HUP
}

start_engines() {
    local said
    said=$("$peers" up 2>&1 >/dev/null) || give_up "The engines do not start: $said"
    . <("$peers" env)
    engines=${PEERS_ROOT%/*}
    make_place "$engines/tmp"
    export DOCKER_HOST PODMAN_IGNORE_CGROUPSV1_WARNING=1
    use_docker docker
}

clean_up() {
    trap '' INT TERM HUP
    # An interrupt leaves checks behind; each is waited for, since what it made can go only when it is gone.
    local each
    for each in "${jobs[@]}"; do
        kill -- "-$each" 2>/dev/null
    done
    [ ${#jobs[@]} -eq 0 ] || wait "${jobs[@]}" 2>/dev/null
    [ ${#servers[@]} -eq 0 ] || kill "${servers[@]}" 2>/dev/null
    for each in "$work"/podman*-run; do # podman's containers outlive it
        [ ! -d "$each" ] || in_peers podman --root "${each%-run}" --runroot "$each" kill --all >/dev/null 2>&1
    done
    for each in "${!dockerds[@]}"; do
        use_docker "$each"
        stop_docker
    done
    rm -rf --one-file-system "${work:?}"/* "$work.tmp" # memory is given back at once, whoever still sees the mount
    umount -l "$work" 2>/dev/null                      # where in_memory has mounted something
    rmdir "$work"
}

# in_memory MIB: keep what this run makes in memory, where twice as much as it needs is available: so many small files are made
# and removed that it takes some disks minutes. dockerd's copies of whole archives stay on the disk.
in_memory() {
    local available
    available=$(awk '/^MemAvailable:/ {print int($2 / 1024)}' /proc/meminfo)
    [ "${available:-0}" -gt $((2 * $1)) ] || return 0
    mount -t tmpfs -o "mode=755,size=$1M" tarexport "$work" || return 0
    mkdir "$work.tmp"
    export DOCKER_TMPDIR=$work.tmp
    echo "The engines' stores are in memory."
}

# Prints the path of the root file system's tar; fetches it where it is missing.
debian() {
    local suite=bookworm base
    base=$engines/interop-$suite.tar
    if [ ! -e "$base" ]; then
        # Its mounts are its own: they are gone when it is, however it ends.
        unshare -m debootstrap --variant=minbase "$suite" "$work/debian" >"$work/debootstrap.log" 2>&1 || return 1
        # What no check needs is left out: half of the bytes, and so half of the time.
        tar -C "$work/debian" -cf "$work/debian.tar" --one-file-system --exclude='./var/lib/apt/lists/*' \
            --exclude='./var/cache/apt/*' --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' \
            --exclude='./usr/share/locale/*' --exclude='./dev/*' . || return 1
        rm -rf "$work/debian"
        mv "$work/debian.tar" "$base"
    fi
    echo "$base"
}

# look_of NAME: what an image of that name prints when it runs.
look_of() { case $1 in "$other"*) expected yes ;; *) expected "" ;; esac; }

# short_lived COMMAND...: run a container in dockerd or containerd. Both can lose all that it prints if it ends within
# milliseconds on a busy machine (dockerd's log: "stream copy error: reading from a closed fifo"). So exit code 0 and not a
# word is no answer, right or wrong, and is asked for again.
short_lived() {
    local said
    for _ in {1..5}; do
        said=$("$@") || return
        [ -z "$said" ] || break
    done
    echo "$said"
}

# What the images of example/images print.
hello='Hello from an image that tarexport saved.'
greeting='Greetings from the second image: it shares a layer with the first.'

# --- dockerd ---------------------------------------------------------------------------------------------------------

declare -A dockerds=() # the process of each that runs

# use_docker NAME: the dockerd that is spoken to from here on. Its store is $work/NAME.
use_docker() { engine=$1 DOCKER_HOST=unix://$work/$1.sock; }

# start_docker [OPTION]...: a dockerd without an image, or with those that halt_docker left. Its zone is in the IDs of the v1
# configs it saves, and ours are in UTC.
start_docker() {
    TZ=UTC "$peers" sh dockerd --data-root "$work/$engine" --exec-root "$work/$engine.exec" --pidfile "$work/$engine.pid" \
        -H "$DOCKER_HOST" --iptables=false --ip6tables=false --bridge=none "${@:---storage-driver=overlay2}" \
        >>"$work/$engine.log" 2>&1 </dev/null &
    dockerds[$engine]=$!
    for _ in {1..150}; do
        [ ! -S "$work/$engine.sock" ] || return 0
        sleep 0.2
    done
    give_up "dockerd does not start: $(tail -n 5 "$work/$engine.log")"
}

halt_docker() {
    [ -n "${dockerds[$engine]:-}" ] || return 0
    kill "${dockerds[$engine]}" 2>/dev/null
    wait "${dockerds[$engine]}" 2>/dev/null
    unset "dockerds[$engine]"
    rm -rf --one-file-system "$work/$engine.exec" "$work/$engine.sock"
}

# And its store with it.
stop_docker() {
    halt_docker
    rm -rf --one-file-system "${work:?}/$engine"
}

docker_build() { DOCKER_BUILDKIT=0 in_peers docker build --quiet --network=none "$@"; }

# docker load does not read a layer that it has. So each load begins without images, and without layers: docker save of
# 26.1 keeps references to all but the top layer of what it saves, and rmi then leaves them.
docker_forgets() {
    local left layers=$work/$engine/image/overlay2/layerdb/sha256
    for _ in {1..8}; do # a parent cannot go before its children, which may have gone with it
        left=$(in_peers docker image ls -aq --no-trunc | sort -u)
        [ -n "$left" ] || break
        in_peers docker image rm --force $left >/dev/null 2>&1 || true
    done
    same "what dockerd still has" "$left$(ls "$layers" 2>/dev/null)" ""
}

docker_has() {
    local layout=$1 name id
    shift
    for name; do
        id=$(id_of "$layout" "$name")
        prints "$id" in_peers docker image inspect --format '{{.Id}}' "$name"
        prints "$(look_of "$name")" short_lived in_peers docker run --rm --network=none "$name"
    done
}

docker_loads() {
    local layout=$1 file=$2 said
    shift 2
    docker_forgets
    said=$(in_peers docker load -i "$file")
    same "what docker load says" "$said" "$(printf 'Loaded image: %s\n' "$@")"
    docker_has "$layout" "$@"
}

docker_loads_pipe() {
    local layout=$1
    shift
    docker_forgets
    save --store "oci:$work/$layout" "$@" | in_peers docker load
    docker_has "$layout" "$@"
}

docker_runs_sample() {
    docker_forgets
    in_peers docker load -i "$1"
    local name
    for name in hello:1.0 hello:latest multi:4.0; do
        prints "$hello" short_lived in_peers docker run --rm --network=none "$prefix/$name"
    done
    prints "$greeting" short_lived in_peers docker run --rm --network=none "$prefix/greeting:3.0"
}

# --- podman ----------------------------------------------------------------------------------------------------------

podman() { in_peers podman --root "$work/podman" --runroot "$work/podman-run" --runtime runc "$@"; }

# podman_name COUNT NAME: an archive with one entry in index.json is read as OCI, and its names are full; one with more
# is read by its manifest.json, and short names become localhost/.
podman_name() { [ "$1" -eq 1 ] && echo "docker.io/$2" || echo "localhost/$2"; }

podman_loads() {
    local layout=$1 file=$2 name full id
    shift 2
    podman rmi --all --force >/dev/null
    podman load -q -i "$file"
    for name; do
        full=$(podman_name $# "$name")
        id=$(id_of "$layout" "$name")
        prints "${id#sha256:}" podman image inspect --format '{{.Id}}' "$full"
        prints "$(look_of "$name")" podman run --rm --network=none "$full"
    done
}

podman_runs_sample() {
    podman rmi --all --force >/dev/null
    podman load -q -i "$1"
    prints "$hello" podman run --rm --network=none "localhost/$prefix/hello:latest"
    prints "$greeting" podman run --rm --network=none "localhost/$prefix/greeting:3.0"
}

# --- skopeo ----------------------------------------------------------------------------------------------------------

# skopeo_name TRANSPORT NAME: index.json knows an image by its tag only, manifest.json by the whole name.
skopeo_name() { [ "$1" = docker-archive ] && echo "$2" || echo "${2##*:}"; }

skopeo_inspects() {
    local transport=$1 layout=$2 file=$3 name source id
    shift 3
    # One image needs no name.
    [ $# -ne 1 ] || in_peers skopeo inspect "$transport:$file" >/dev/null
    for name; do
        source=$transport:$file:$(skopeo_name "$transport" "$name")
        in_peers skopeo inspect "$source" >/dev/null
        id=$(id_of "$layout" "$name")
        in_peers skopeo inspect --config --raw "$source" >"$work/$transport.config"
        same "the config of $source" "sha256:$(sha256sum <"$work/$transport.config" | cut -d' ' -f1)" "$id"
    done
}

skopeo_inspects_sample() {
    local name
    for name in hello:1.0 hello:latest greeting:3.0 multi:4.0; do
        in_peers skopeo inspect "docker-archive:$1:$prefix/$name" >/dev/null
        in_peers skopeo inspect "oci-archive:$1:${name##*:}" >/dev/null
    done
}

# --- containerd ------------------------------------------------------------------------------------------------------

# The one that dockerd runs.
containerd() { in_peers ctr -a "$work/$engine.exec/containerd/containerd.sock" -n interop "$@"; }

containerd_forgets() {
    local images
    images=$(containerd images ls -q)
    [ -z "$images" ] || containerd images rm --sync $images >/dev/null
    # It goes on for a moment when it has said that it is done.
    local left="" n
    for n in {1..50}; do
        left=$(containerd content ls -q)$(containerd snapshots ls | tail -n +2)
        [ -n "$left" ] || break
        sleep 0.2
    done
    same "what containerd still has" "$left" ""
}

# A name for each run: containerd may not be done with the one before when it says that it is.
containerd_run() { containerd run --rm "$1" "interop-${EPOCHREALTIME/[.,]/-}"; }

containerd_imports() {
    local layout=$1 file=$2 name
    shift 2
    containerd_forgets
    containerd images import "$file"
    same "what ctr images ls says" "$(containerd images ls -q | sort)" "$(printf 'docker.io/%s\n' "$@" | sort)"
    for name; do
        prints "$(look_of "$name")" short_lived containerd_run "docker.io/$name"
    done
}

containerd_runs_sample() {
    containerd_forgets
    containerd images import "$1"
    prints "$hello" short_lived containerd_run "docker.io/$prefix/multi:4.0"
    prints "$greeting" short_lived containerd_run "docker.io/$prefix/greeting:3.0"
}

# --- umoci -----------------------------------------------------------------------------------------------------------

# umoci_reads FILE TAG...: every tag is listed and described.
umoci_reads() {
    local layout=$work/umoci/layout tag
    rm -rf "$work/umoci"
    mkdir -p "$layout"
    tar -C "$layout" -xf "$1"
    shift
    same "what umoci ls says" "$(in_peers umoci ls --layout "$layout" | sort)" "$(printf '%s\n' "$@" | sort)"
    for tag; do
        in_peers umoci stat --image "$layout:$tag" >/dev/null
    done
}

umoci_unpacks() {
    local layout=$1 file=$2 last=${*: -1}
    shift 2
    umoci_reads "$file" "${@##*:}"
    [ "$layout" != zstd ] || return 0 # this umoci knows gzip only
    # The last image holds the layers of the others.
    in_peers umoci unpack --image "$work/umoci/layout:${last##*:}" "$work/umoci/bundle"
    prints "$(look_of "$last")" chroot "$work/umoci/bundle/rootfs" look
}

umoci_unpacks_sample() {
    umoci_reads "$1" 1.0 latest 3.0 4.0
    in_peers umoci unpack --image "$work/umoci/layout:3.0" "$work/umoci/bundle"
    prints "$greeting" chroot "$work/umoci/bundle/rootfs" /bin/say
}
