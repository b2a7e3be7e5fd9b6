#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#

# Sourced by test/interop/run: the hybrid layout in each engine. The images are those of example/images, and one for four
# platforms that is made of them.

# forgotten: engines without an image.
forgotten() {
    docker_forgets
    podman rmi --all --force >/dev/null
    containerd_forgets
}

hybrid_save() { save --layout hybrid --store "oci:$1" -o "$2" "${@:3}"; }

# runs TEXT NAME: the image of that name prints so, in dockerd, podman and containerd.
docker_runs() { prints "$1" short_lived in_peers docker run --rm --network=none "$2"; }
podman_runs() { prints "$1" podman run --rm --network=none "docker.io/$2"; }
containerd_runs() { prints "$1" short_lived containerd_run "docker.io/$2"; }

hybrid_docker_two() {
    docker_forgets
    prints "Loaded image: $prefix/hello:1.0
Loaded image: $prefix/greeting:3.0" in_peers docker load -i "$1"
    docker_runs "$hello" "$prefix/hello:1.0"
    docker_runs "$greeting" "$prefix/greeting:3.0"
}

# Two entries in index.json, so podman reads manifest.json; its names are the full ones for all that.
hybrid_podman_two() {
    podman rmi --all --force >/dev/null
    podman load -q -i "$1"
    podman_runs "$hello" "$prefix/hello:1.0"
    podman_runs "$greeting" "$prefix/greeting:3.0"
}

hybrid_skopeo_two() {
    in_peers skopeo inspect "docker-archive:$1:$prefix/hello:1.0" >/dev/null
    in_peers skopeo inspect "docker-archive:$1:$prefix/greeting:3.0" >/dev/null
    in_peers skopeo inspect "oci-archive:$1:1.0" >/dev/null
    in_peers skopeo inspect "oci-archive:$1:3.0" >/dev/null
}

hybrid_containerd_two() {
    containerd_forgets
    containerd images import "$1"
    containerd_runs "$hello" "$prefix/hello:1.0"
    containerd_runs "$greeting" "$prefix/greeting:3.0"
}

hybrid_umoci_two() {
    umoci_reads "$1" 1.0 3.0
    in_peers umoci unpack --image "$work/umoci/layout:3.0" "$work/umoci/bundle"
    prints "$greeting" chroot "$work/umoci/bundle/rootfs" /bin/say
}

# --- one name for several platforms: FILE INDEX --------------------------------------------------------------------

hybrid_docker_multi() {
    docker_forgets
    prints "Loaded image: $prefix/multi:4.0" in_peers docker load -i "$1"
    docker_runs "$hello" "$prefix/multi:4.0"
}

hybrid_podman_multi() {
    podman rmi --all --force >/dev/null
    podman load -q -i "$1"
    podman_runs "$hello" "$prefix/multi:4.0"
}

# raw_digest SOURCE: of the manifest or index that skopeo finds there.
raw_digest() { echo "sha256:$(in_peers skopeo inspect --raw "$1" | sha256sum | cut -d' ' -f1)"; }

hybrid_skopeo_multi() {
    prints "$2" raw_digest "oci-archive:$1"
    in_peers skopeo inspect "docker-archive:$1" >/dev/null
}

# all_platforms FILE: skopeo copies every platform of it, and all that belongs to them.
all_platforms() {
    rm -rf "$work/all"
    in_peers skopeo copy -q --all --preserve-digests "oci-archive:$1" "oci:$work/all:x"
}

hybrid_skopeo_all() {
    all_platforms "$1"
    same "the index that skopeo copies" "$(raw_digest "oci:$work/all:x")" "$2"
}

hybrid_containerd_multi() {
    containerd_forgets
    containerd images import "$1"
    same "what ctr images ls says" "$(containerd images ls | awk 'NR == 2 { print $1, $3 }')" "docker.io/$prefix/multi:4.0 $2"
    containerd_runs "$hello" "$prefix/multi:4.0"
}

# containerd_all FILE: imported with all platforms; prints how many manifests containerd then has.
containerd_all() {
    containerd_forgets
    containerd images import --all-platforms --no-unpack "$1" >/dev/null
    for digest in $(containerd content ls -q); do
        containerd content get "$digest" >"$work/content"
        ! grep -aq '"layers":\[' "$work/content" || echo manifest
    done | wc -l
}

# refuses COMMAND...: it fails.
refuses() { ! "$@" >/dev/null 2>&1 || { echo "exit code 0 of $*"; return 1; }; }

containerd_refuses_all() {
    containerd_forgets
    refuses containerd images import --all-platforms --no-unpack "$1"
}

# --- names by digest, and no name --------------------------------------------------------------------------------------

hybrid_by_digest() {
    local name=docker.io/library/hello@$2
    forgotten
    prints "Loaded image ID: $3" in_peers docker load -i "$1"
    podman load -q -i "$1"
    prints "$hello" podman run --rm --network=none "$name"
    containerd images import "$1"
    same "what ctr images ls says" "$(containerd images ls -q)" "$name"
    prints "$hello" short_lived containerd_run "$name"
}

hybrid_untagged() {
    forgotten
    prints "Loaded image ID: $2" in_peers docker load -i "$1"
    podman load -q -i "$1"
    prints "$hello" podman run --rm --network=none "${2#sha256:}"
    containerd images import "$1"
    same "what containerd keeps of an image without a name" "$(containerd images ls -q)" ""
}

# missing STORE ARM64 S390X: nothing is written, and each blob is named.
missing_is_listed() {
    local said
    if said=$(hybrid_save "$1" "$work/none.tar" --all-platforms "multi:1.0" 2>&1); then
        echo "exit code 0"
        return 1
    fi
    same "the files there are" "$(ls "$work"/none.tar* 2>/dev/null)" ""
    grep -q "manifest $2 of linux/arm64, " <<<"$said" && grep -q "manifest $3 of linux/s390x" <<<"$said" || { echo "$said"; return 1; }
}

# The same file, by the engines and by readers that know nothing of images.
hybrid_readers() {
    local what=$1 file=$2 kind=$3
    shift 3
    plain "$what" "$file"
    start "$what: docker load, docker run" "hybrid_docker_$kind" "$file" "$@"
    start "$what: podman load, podman run" "hybrid_podman_$kind" "$file" "$@"
    start "$what: skopeo inspect" "hybrid_skopeo_$kind" "$file" "$@"
    start "$what: ctr images import, ctr run" "hybrid_containerd_$kind" "$file" "$@"
    collect
}

hybrid() {
    local file=$work/hybrid.tar images=$project/example/images multi=$work/multi index amd64 arm64 armv7 s390x align pruned
    local hello_manifest hello_id
    read -r index amd64 arm64 armv7 s390x < <("$here/platforms" "$images" "$multi" multi:1.0)
    hello_id=$("$here/archive" config "$images" hello:1.0)
    hello_manifest=$amd64 # of the same image

    for align in 0 512 4096 65536; do
        check "hybrid, aligned to $align: tarexport saves two images" hybrid_save "$images" "$file" --align "$align" \
            "hello:1.0=$prefix/hello:1.0" "greeting:1.0=$prefix/greeting:3.0"
        hybrid_readers "hybrid, aligned to $align" "$file" two
        check "hybrid, aligned to $align: umoci ls, stat, unpack" hybrid_umoci_two "$file"
    done

    for align in 0 4096; do
        check "four platforms, aligned to $align: tarexport saves them" hybrid_save "$multi" "$file" --align "$align" --all-platforms \
            "multi:1.0=$prefix/multi:4.0"
        hybrid_readers "four platforms, aligned to $align" "$file" multi "$index"
        check "four platforms, aligned to $align: skopeo copy --all" hybrid_skopeo_all "$file" "$index"
        check "four platforms, aligned to $align: ctr images import --all-platforms" prints 6 containerd_all "$file"
    done

    check "two platforms of four: refused" refuses hybrid_save "$multi" "$file.none" --platform linux/amd64 --platform linux/arm64 multi:1.0
    check "two platforms of four, prune: tarexport saves them" hybrid_save "$multi" "$file" --completeness prune \
        --platform linux/amd64 --platform linux/arm64 "multi:1.0=$prefix/multi:4.0"
    pruned=$(tar -xOf "$file" index.json | grep -o 'sha256:[0-9a-f]*' | head -n 1)
    hybrid_readers "two platforms of four, prune" "$file" multi "$pruned"
    check "two platforms of four, prune: skopeo copy --all" hybrid_skopeo_all "$file" "$pruned"
    check "two platforms of four, prune: ctr images import --all-platforms" prints 4 containerd_all "$file"

    check "one platform of four, keep: tarexport saves it" hybrid_save "$multi" "$file" --completeness keep \
        --platform linux/amd64 "multi:1.0=$prefix/multi:4.0"
    hybrid_readers "one platform of four, keep" "$file" multi "$index"
    check "one platform of four, keep: skopeo copy --all finds the others missing" refuses all_platforms "$file"
    check "one platform of four, keep: ctr images import --all-platforms finds the others missing" containerd_refuses_all "$file"

    check "one platform of four: tarexport saves its manifest" hybrid_save "$multi" "$file" --platform linux/amd64 "multi:1.0=$prefix/multi:4.0"
    hybrid_readers "one platform of four" "$file" multi "$amd64"

    check "a name by digest: tarexport saves it" hybrid_save "$images" "$file" "hello@$hello_manifest"
    check "a name by digest: docker has the ID, podman and containerd the name" hybrid_by_digest "$file" "$hello_manifest" "$hello_id"
    check "no name: tarexport saves it" hybrid_save "$images" "$file" "$hello_id"
    check "no name: docker and podman have the ID, containerd drops it" hybrid_untagged "$file" "$hello_id"

    rm "$multi/blobs/sha256/${arm64#sha256:}" "$multi/blobs/sha256/${s390x#sha256:}"
    check "two platforms missing: strict lists them before the first byte" missing_is_listed "$multi" "$arm64" "$s390x"
    for mode in prune keep; do
        check "two platforms missing, $mode: tarexport saves the others" hybrid_save "$multi" "$file" --all-platforms --completeness $mode \
            "multi:1.0=$prefix/multi:4.0"
        [ $mode = keep ] || index=$(tar -xOf "$file" index.json | grep -o 'sha256:[0-9a-f]*' | head -n 1)
        hybrid_readers "two platforms missing, $mode" "$file" multi "$index"
        read -r index _ < <("$here/platforms" "$images" "$work/again" multi:1.0) && rm -rf "$work/again"
    done
    rm -rf "$file" "$multi" "$work/all"
}
