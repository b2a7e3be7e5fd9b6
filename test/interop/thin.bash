#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#

# Sourced by test/interop/run: thin archives in each engine, with their base and without, and merged with it. The images are
# those of example/images: greeting stands on a layer of hello.

thin_base() { echo "$work/base.tar"; }

# thin_saves LAYOUT FILE: greeting without what base.tar has.
thin_saves() {
    save --layout "$1" --store "oci:$project/example/images" --have "$(thin_base)" -o "$2" "greeting:1.0=$prefix/greeting:3.0"
    same "the layers in $2" "$("$tool" plan --layout "$1" --json --store "oci:$project/example/images" --have "$(thin_base)" greeting:1.0 |
        grep -o '"leftOut":\[{"digest":"[^"]*"' | grep -c .)" 1
}

base_digest() { tar -xOf "$1" thin.json | grep -o '"digest":"[^"]*"' | cut -d'"' -f4; }

thin_docker() {
    docker_forgets
    prints "Loaded image: $prefix/hello:1.0" in_peers docker load -i "$(thin_base)"
    prints "Loaded image: $prefix/greeting:3.0" in_peers docker load -i "$1"
    docker_runs "$greeting" "$prefix/greeting:3.0"
}

# The engine names the blob, and has nothing then.
thin_docker_alone() {
    local said
    docker_forgets
    if said=$(in_peers docker load -i "$1" 2>&1); then
        echo "exit code 0: $said"
        return 1
    fi
    grep -q "$(base_digest "$1" | cut -d: -f2)" <<<"$said" || { echo "$said"; return 1; }
    same "what dockerd has" "$(in_peers docker image ls -q)" ""
}

thin_podman_alone() {
    podman rmi --all --force >/dev/null
    refuses podman load -q -i "$1"
    same "what podman has" "$(podman images -q)" ""
}

thin_containerd_alone() {
    containerd_forgets
    refuses containerd images import "$1"
}

# thin_have_docker FILE: the list comes from the engine's store, through a command.
thin_have_docker() {
    docker_forgets
    in_peers docker load -qi "$(thin_base)"
    save --store "oci:$project/example/images" --have-from "'$tool' have 'docker:$work/$engine'" -o "$work/other.tar" \
        "greeting:1.0=$prefix/greeting:3.0"
    cmp "$work/other.tar" "$1"
}

thin_podman() {
    podman rmi --all --force >/dev/null
    podman load -q -i "$(thin_base)"
    podman load -q -i "$1"
    podman_runs "$greeting" "$prefix/greeting:3.0"
}

thin_containerd() {
    containerd_forgets
    containerd images import "$(thin_base)"
    containerd images import "$1"
    containerd_runs "$greeting" "$prefix/greeting:3.0"
}

# thin_merges LAYOUT THIN FULL
thin_merges() {
    "$tool" merge --quiet --no-sync --layout "$1" -o "$work/merged.tar" --only "$prefix/greeting:3.0" "$2" "$(thin_base)"
    cmp "$work/merged.tar" "$3"
    "$tool" merge --quiet --no-sync --layout "$1" "$2" "$(thin_base)" >"$work/merged.tar"
    prints "$prefix/greeting:3.0
$prefix/hello:1.0" eval "'$tool' ls --store 'archive:$work/merged.tar' | awk 'NR > 1 { print \$1 }' | sort"
}

thin() {
    local layout file=$work/thin.tar full=$work/full.tar
    for layout in docker hybrid; do
        check "thin, $layout: the base" save --layout $layout --store "oci:$project/example/images" -o "$(thin_base)" "hello:1.0=$prefix/hello:1.0"
        check "thin, $layout: the whole" save --layout $layout --store "oci:$project/example/images" -o "$full" "greeting:1.0=$prefix/greeting:3.0"
        check "thin, $layout: tarexport saves it" thin_saves $layout "$file"

        check "thin, $layout: an entry less, and one that says which" same entries "$(tar tf "$file" | wc -l)" "$(tar tf "$full" | wc -l)"
        start "thin, $layout: docker load after its base, docker run" thin_docker "$file"
        start "thin, $layout: podman load after its base, podman run" thin_podman "$file"
        start "thin, $layout: ctr images import after its base, ctr run" thin_containerd "$file"
        start "thin, $layout: merged with its base it is the whole" thin_merges $layout "$file" "$full"
        collect
        check "thin, $layout: docker load without its base names the blob" thin_docker_alone "$file"
        check "thin, $layout: podman load without its base fails" thin_podman_alone "$file"
        check "thin, $layout: ctr images import without its base fails" thin_containerd_alone "$file"
        [ $layout = hybrid ] || check "thin, $layout: the engine's store tells what it has" thin_have_docker "$file"
    done
    rm -f "$file" "$full" "$work/merged.tar" "$work/other.tar" "$(thin_base)"
}
